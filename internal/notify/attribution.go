package notify

import (
	"encoding/json"
	"strings"
	"time"

	"awsscanner/internal/model"
)

// A Cause is who changed what an event is about, as CloudTrail tells. The cause of an event in the store is one of these, as JSON.
type Cause struct {
	Principal string    `json:"principal"` // ARN of whoever called, or the name of a service
	Call      string    `json:"call,omitempty"`
	Through   string    `json:"through,omitempty"` // the service that made the call for the principal
	At        time.Time `json:"at,omitzero"`
}

// ChangedBy says who has caused an event; "" if nobody knows, or is to be told. As role it names no people: sessions and users are called as they please
// whoever makes them, which is often an address of e-mail.
func ChangedBy(cause json.RawMessage, how string) string {
	var c Cause
	if how == AttributeOff || len(cause) == 0 || json.Unmarshal(cause, &c) != nil || c.Principal == "" {
		return ""
	}
	who := c.Principal
	if how != AttributeFull {
		who = withoutPeople(c.Principal)
	}
	if c.Call != "" {
		who += ", by " + c.Call
	}
	if c.Through != "" {
		who += " through " + c.Through
	}
	if !c.At.IsZero() {
		who += ", " + minute(c.At)
	}
	return Line(who, 300)
}

func withoutPeople(principal string) string {
	arn, ok := model.ParseARN(principal)
	if !ok {
		if strings.Contains(principal, "@") || !strings.Contains(principal, ".") {
			return "somebody"
		}
		return principal // a service
	}
	in := " of account " + arn.Account
	kind, rest, _ := strings.Cut(arn.Resource, "/")
	switch kind {
	case "assumed-role":
		role, _, _ := strings.Cut(rest, "/")
		if role == "" || strings.Contains(role, "@") {
			return "a role" + in
		}
		return "role " + role + in
	case "role":
		role := rest[strings.LastIndexByte(rest, '/')+1:]
		if role == "" || strings.Contains(role, "@") {
			return "a role" + in
		}
		return "role " + role + in
	case "user":
		return "an IAM user" + in
	case "federated-user":
		return "a federated user" + in
	case "root":
		return "the root user" + in
	}
	return "somebody" + in
}
