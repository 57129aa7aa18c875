// Package cause finds in the events of CloudTrail the change that made a finding. It is pure: who asks CloudTrail is elsewhere.
//
// An answer is never a guess. A change is one that succeeded, that was made to exactly this resource, that could have changed what the rule
// judges, and that lies between the last scan that saw it fine and the scan that found it. What is not known is said.
package cause

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"awsscanner/internal/model"
)

// A Status says what has become of the question.
type Status string

const (
	Found       Status = "found"
	None        Status = "none"          // CloudTrail was asked, and has no such event
	Denied      Status = "denied"        // CloudTrail's history may not be read
	NotLookedUp Status = "not-looked-up" // nobody asked, or not to the end
	Failed      Status = "failed"        // CloudTrail did not answer, or the account cannot be entered
)

// A Mode says what of a principal is told.
type Mode string

const (
	Role Mode = "role" // roles without the names of their sessions, and nothing that could be an address of e-mail
	Full Mode = "full" // all that CloudTrail says
	Off  Mode = "off"  // nobody asks
)

// Modes lists all.
var Modes = []string{string(Role), string(Full), string(Off)}

// A Cause is the answer, as the store keeps it in JSON.
type Cause struct {
	Status Status `json:"status"`
	Change        // the last one, of a cause that was found

	Others      []Change  `json:"others,omitempty"`      // earlier ones in the same time, the newest first
	More        int       `json:"more,omitempty"`        // and so many besides
	Since       time.Time `json:"since,omitzero"`        // from when on events were looked at
	Provisional bool      `json:"provisional,omitempty"` // CloudTrail may not tell of everything yet: it is asked again
	Detail      string    `json:"detail,omitempty"`
}

// A Change is an event that could have made the finding.
type Change struct {
	At        time.Time `json:"at,omitzero"`
	Call      string    `json:"call,omitempty"`      // s3:PutBucketPolicy
	Principal string    `json:"principal,omitempty"` // ARN, or the name of a service; in the mode role that of the role
	Through   string    `json:"through,omitempty"`   // the service that made the call for the principal
	Planned   *bool     `json:"planned,omitempty"`   // a pipeline made it; nil if nobody said what pipelines there are
	Event     string    `json:"event,omitempty"`     // ID
}

// Provisional is how the JSON of a cause says that it is: what a database can search for. In a text it would have other quotes.
const Provisional = `"provisional":true`

// Text puts a cause, as the store keeps it, in a sentence; "" if there is none.
func Text(raw json.RawMessage) string {
	var c Cause
	if len(raw) == 0 || json.Unmarshal(raw, &c) != nil {
		return ""
	}
	return c.Sentence()
}

// Sentence puts a cause in words.
func (c *Cause) Sentence() string {
	var b strings.Builder
	switch c.Status {
	case Found:
		b.WriteString("changed ")
		c.Change.words(&b)
		for i := range c.Others {
			b.WriteString("; before that ")
			c.Others[i].words(&b)
		}
		if c.More > 0 {
			fmt.Fprintf(&b, "; and %d earlier", c.More)
		}
		if c.Detail != "" {
			b.WriteString("; " + c.Detail)
		}
	case None:
		b.WriteString(c.Detail)
	case NotLookedUp:
		b.WriteString("who changed it was not looked up: " + c.Detail)
	case Denied, Failed:
		b.WriteString("who changed it is not known: " + c.Detail)
	default:
		return ""
	}
	if c.Provisional {
		b.WriteString(" (CloudTrail may not tell of everything yet: it is asked again)")
	}
	return b.String()
}

func (c *Change) words(b *strings.Builder) {
	fmt.Fprintf(b, "%s by %s", minute(c.At), who(c.Principal))
	if c.Through != "" {
		b.WriteString(" through " + c.Through)
	}
	b.WriteString(": " + c.Call)
	if c.Planned != nil {
		b.WriteString(map[bool]string{true: " (planned)", false: " (unplanned)"}[*c.Planned])
	}
}

// who says in words who a principal is.
func who(principal string) string {
	arn, ok := model.ParseARN(principal)
	if !ok {
		return principal
	}
	in := " of account " + arn.Account
	kind, name, _ := strings.Cut(arn.Resource, "/")
	session := ""
	switch kind {
	case "assumed-role":
		name, session, _ = strings.Cut(name, "/")
		kind = "role"
	case "role", "user":
		name = name[strings.LastIndexByte(name, '/')+1:]
	case "federated-user":
		kind = "federated user"
	case "root":
		return "the root user" + in
	default:
		return principal
	}
	switch {
	case name == "":
		return "a " + kind + in
	case session != "":
		return kind + " " + name + in + " in session " + session
	}
	return kind + " " + name + in
}

func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
