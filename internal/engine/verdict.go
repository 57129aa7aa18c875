package engine

import (
	"awsscanner/internal/model"
)

// A Verdict is what a check says about one resource.
type Verdict struct {
	Status   Status
	Message  string
	Evidence map[string]any // values, or "unknown (reason)"
	Severity Severity       // of a failure
	FixKey   string         // failures of one rule and account with the same key are cleared by one change
	Gap      *model.Gap     // set if and only if Status is NotAssessed

	with *evidence // becomes Evidence when the check is done
}

// A Status is one of four; every rule has exactly one for every resource.
type Status string

const (
	Passed       Status = "pass"
	Failed       Status = "fail"
	Inapplicable Status = "not-applicable"
	NotAssessed  Status = "not-assessed"
)

// Statuses lists all four.
var Statuses = []Status{Failed, NotAssessed, Passed, Inapplicable}

func Pass() Verdict                    { return Verdict{Status: Passed} }
func Fail(text string) Verdict         { return Verdict{Status: Failed, Message: text} }
func NotApplicable(why string) Verdict { return Verdict{Status: Inapplicable, Message: why} }

// Unsure is the verdict of a check that has read all it needs and still cannot tell.
func Unsure(reason model.Reason, text string) Verdict {
	return unsure(&model.Gap{Reason: reason, Detail: text})
}

func unsure(g *model.Gap) Verdict { return Verdict{Status: NotAssessed, Message: sentence(g), Gap: g} }

// With adds evidence: an attribute or a plain value. An unknown attribute is evidence too, and stops nothing.
func (v Verdict) With(name string, value any) Verdict {
	if a, ok := value.(interface{ Evidence() any }); ok {
		value = a.Evidence()
	}
	v.with = &evidence{name, value, v.with}
	return v
}

// evidence is what With has added, newest first: while a verdict is being made a map would be copied for each piece.
type evidence struct {
	name   string
	value  any
	before *evidence
}

// all returns the evidence as a map; of two pieces of a name the later counts.
func (e *evidence) all() map[string]any {
	if e == nil {
		return nil
	}
	n := 0
	for x := e; x != nil; x = x.before {
		n++
	}
	m := make(map[string]any, n)
	for x := e; x != nil; x = x.before {
		if _, later := m[x.name]; !later {
			m[x.name] = x.value
		}
	}
	return m
}

// As gives a failure a severity other than the rule's.
func (v Verdict) As(s Severity) Verdict { v.Severity = s; return v }

// Note adds a sentence, as to a pass that has something to say.
func (v Verdict) Note(text string) Verdict { v.Message = text; return v }

// failed says what became of a call.
var failed = map[model.Reason]string{
	model.AccessDenied:         "was denied",
	model.AccessDeniedSCP:      "was denied by a service control policy",
	model.AccessDeniedResource: "was denied by the policy of the resource",
	model.Throttled:            "was throttled to the end",
	model.TimedOut:             "timed out",
	model.Stopped:              "was not made, as the scan was ended first",
	model.CallFailed:           "failed",
	model.NotEnabled:           "is not enabled here",
	model.NotSubscribed:        "needs a subscription",
	model.OutsideScan:          "lies outside of the scan",
	model.TooLittleData:        "gave too little data",
	model.NotCollected:         "was not collected",
	model.RuleError:            "the rule is broken",
}

// sentence says for people why something was not assessed.
func sentence(g *model.Gap) string {
	what := failed[g.Reason]
	switch {
	case g.Reason == model.RuleError:
		return what + ": " + g.Detail
	case g.Call == "":
		return string(g.Reason) + ": " + g.Detail
	case g.Detail == "":
		return g.Call + " " + what
	}
	return g.Call + " " + what + " (" + g.Detail + ")"
}
