package model

import (
	"fmt"
	"slices"
)

// A Gap says why something is not known.
type Gap struct {
	Reason Reason `json:"reason"`
	Call   string `json:"call,omitempty"`   // operation that would have told, e.g. "s3:GetBucketPolicy"
	Detail string `json:"detail,omitempty"` // error code and message, without request IDs and hosts: equal errors have equal texts

	implied bool // by Meta.Gaps, or by the mere absence of the attribute
}

// Needs begins the detail of a gap in a call that was not made as another one, whose name follows, had no answer.
const Needs = "needs "

func (g *Gap) String() string {
	s := string(g.Reason)
	if g.Call != "" {
		s += ": " + g.Call
	} else if g.Detail != "" {
		s += ": " + g.Detail
	}
	return s
}

// Check refuses a reason outside of the closed set.
func (g *Gap) Check() error {
	if !slices.Contains(Reasons, g.Reason) {
		return fmt.Errorf("unknown gap reason %q", g.Reason)
	}
	return nil
}

// A Reason is one of a small closed set, so that reports can group by it.
type Reason string

const (
	AccessDenied         Reason = "access-denied"          // by an identity policy, as far as the error tells
	AccessDeniedSCP      Reason = "access-denied-scp"      // by a service control policy
	AccessDeniedResource Reason = "access-denied-resource" // by the policy of the resource
	Throttled            Reason = "throttled"              // retries used up
	TimedOut             Reason = "timed-out"
	Stopped              Reason = "stopped" // the scan was ended first
	CallFailed           Reason = "call-failed"
	NotEnabled           Reason = "not-enabled" // region or service switched off
	NotSubscribed        Reason = "not-subscribed"
	OutsideScan          Reason = "outside-scan"    // in an account or region that was not read, or whose owner does not show it
	TooLittleData        Reason = "too-little-data" // read, but not enough to judge
	NotCollected         Reason = "not-collected"   // nobody asked for it, or AWS left it out
	RuleError            Reason = "rule-error"      // the rule is broken
)

// Reasons is the closed set.
var Reasons = []Reason{AccessDenied, AccessDeniedSCP, AccessDeniedResource, Throttled, TimedOut, Stopped, CallFailed,
	NotEnabled, NotSubscribed, OutsideScan, TooLittleData, NotCollected, RuleError}

// A Class tells whether those who scan can close a gap.
type Class string

const (
	Fixable    Class = "fixable"    // grant an action, retry, raise the timeout
	Structural Class = "structural" // region closed, service not subscribed, fact owned by somebody else
)

// Class returns the class of a reason. A service control policy is structural: it closes regions
// and services on purpose, and no policy of the scanned account can open them.
func (r Reason) Class() Class {
	switch r {
	case AccessDeniedSCP, NotEnabled, NotSubscribed, OutsideScan, TooLittleData:
		return Structural
	}
	return Fixable
}

// Denied reports whether access was refused, whoever refused it.
func (r Reason) Denied() bool {
	return r == AccessDenied || r == AccessDeniedSCP || r == AccessDeniedResource
}

// ClosedRegion is the detail of calls that were not made because their service, and every other one asked before, was refused
// in the region as a whole.
const ClosedRegion = "not called, as this service and every other one asked before is closed in this region"

// Missing is the panic value of Attr.Get; the engine and the driver of the collectors recover it.
type Missing struct{ Gap *Gap }

func (m Missing) Error() string { return m.Gap.String() }
