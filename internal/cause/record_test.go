package cause

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// Identities as records have them. Source: CloudTrail User Guide, "CloudTrail userIdentity element".
var identities = map[string]string{
	"role":       `{"type":"AssumedRole","principalId":"AROA:NAME","arn":"arn:aws:sts::111122223333:assumed-role/deploy/NAME","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci/deploy","accountId":"111122223333","userName":"deploy"},"sourceIdentity":"NAME"}}`,
	"bare role":  `{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/deploy/NAME","accountId":"111122223333"}`,
	"named role": `{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/NAME/x","accountId":"111122223333","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::111122223333:role/NAME"}}}`,
	"stack":      `{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/deploy/NAME","accountId":"111122223333","invokedBy":"cloudformation.amazonaws.com","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::111122223333:role/ci/deploy"}}}`,
	"user":       `{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/NAME","accountId":"111122223333","userName":"NAME","principalId":"AIDA"}`,
	"root":       `{"type":"Root","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333","userName":"NAME","principalId":"111122223333"}`,
	"federated":  `{"type":"FederatedUser","arn":"arn:aws:sts::111122223333:federated-user/NAME","accountId":"111122223333","principalId":"111122223333:NAME","sessionContext":{"sessionIssuer":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/broker"}}}`,
	"unissued":   `{"type":"FederatedUser","arn":"arn:aws:sts::111122223333:federated-user/NAME","accountId":"111122223333"}`,
	"service":    `{"type":"AWSService","invokedBy":"autoscaling.amazonaws.com"}`,
	"account":    `{"type":"AWSAccount","principalId":"AROA:NAME","accountId":"444455556666"}`,
	"center":     `{"type":"IdentityCenterUser","userName":"NAME","accountId":"111122223333"}`,
	"saml":       `{"type":"SAMLUser","principalId":"x:NAME","userName":"NAME","identityProvider":"y"}`,
	"web":        `{"type":"WebIdentityUser","principalId":"x:NAME","userName":"NAME"}`,
	"unknown":    `{"type":"Unknown","arn":"NAME","invokedBy":"NAME"}`,
	"nobody":     `{}`,
}

func identityOf(t testing.TB, name, called string) *identity {
	var id identity
	text := strings.ReplaceAll(identities[name], "NAME", called)
	if err := json.Unmarshal([]byte(text), &id); err != nil {
		t.Fatal(err)
	}
	return &id
}

func TestPrincipal(t *testing.T) {
	for name, want := range map[string][3]string{ // in the mode role of jane@example.com and of jane, in the mode full of jane@example.com
		"role":       {"arn:aws:iam::111122223333:role/ci/deploy", "arn:aws:iam::111122223333:role/ci/deploy", "arn:aws:sts::111122223333:assumed-role/deploy/jane@example.com"},
		"bare role":  {"arn:aws:sts::111122223333:assumed-role/deploy", "arn:aws:sts::111122223333:assumed-role/deploy", "arn:aws:sts::111122223333:assumed-role/deploy/jane@example.com"},
		"named role": {"arn:aws:sts::111122223333:assumed-role", "arn:aws:iam::111122223333:role/jane", "arn:aws:sts::111122223333:assumed-role/jane@example.com/x"},
		"stack":      {"arn:aws:iam::111122223333:role/ci/deploy", "arn:aws:iam::111122223333:role/ci/deploy", "arn:aws:sts::111122223333:assumed-role/deploy/jane@example.com"},
		"user":       {"arn:aws:iam::111122223333:user", "arn:aws:iam::111122223333:user/jane", "arn:aws:iam::111122223333:user/jane@example.com"},
		"root":       {"arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:root"},
		"federated":  {"arn:aws:sts::111122223333:federated-user", "arn:aws:sts::111122223333:federated-user", "arn:aws:sts::111122223333:federated-user/jane@example.com"},
		"unissued":   {"arn:aws:sts::111122223333:federated-user", "arn:aws:sts::111122223333:federated-user", "arn:aws:sts::111122223333:federated-user/jane@example.com"},
		"service":    {"autoscaling.amazonaws.com", "autoscaling.amazonaws.com", "autoscaling.amazonaws.com"},
		"account":    {"account 444455556666", "account 444455556666", "account 444455556666 AROA:jane@example.com"},
		"center":     {"a user of IAM Identity Center", "a user of IAM Identity Center", "a user of IAM Identity Center jane@example.com"},
		"saml":       {"a SAML user", "a SAML user", "a SAML user jane@example.com"},
		"web":        {"a web identity user", "a web identity user", "a web identity user jane@example.com"},
		"unknown":    {"somebody", "jane", "jane@example.com"},
		"nobody":     {"somebody whom CloudTrail does not name", "somebody whom CloudTrail does not name", "somebody whom CloudTrail does not name"},
	} {
		got := [3]string{identityOf(t, name, "jane@example.com").principal(Role), identityOf(t, name, "jane").principal(Role), identityOf(t, name, "jane@example.com").principal(Full)}
		if got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestPlanned(t *testing.T) {
	for _, c := range []struct {
		glob, who, name string
		want            bool
	}{
		{"deploy", "role", "jane", true},
		{"arn:aws:iam::111122223333:role/ci/*", "role", "jane", true},
		{"arn:aws:iam::*:role/ops/*", "role", "jane", false},
		{"deploy", "bare role", "jane", true},
		{"*pipeline*", "role", "pipeline", false}, // whoever may assume the role calls his session as he pleases
		{"*pipeline*", "bare role", "pipeline", false},
		{"*pipeline*", "federated", "pipeline", false},
		{"*pipeline*", "unissued", "pipeline", false},
		{"broker", "federated", "pipeline", true},
		{"arn:aws:sts::*:assumed-role/deploy/ci-*", "role", "ci-42", true},
		{"arn:aws:sts::*:assumed-role/deploy/ci-*", "role", "jane", false},
		{"arn:aws:sts::*:assumed-role/admin/*", "role", "admin", false},
		{"cloudformation.amazonaws.com", "stack", "jane", true},
		{"cloudformation.amazonaws.com", "role", "jane", false},
		{"ci-*", "user", "ci-1", true},
		{"root", "root", "root", false},
		{"arn:aws:iam::111122223333:root", "root", "", true},
		{"deploy*", "nobody", "", false},
		{"*", "service", "", true},
		{"*", "nobody", "", false},
	} {
		got := identityOf(t, c.who, c.name).planned("111122223333", []string{"another", c.glob})
		if got == nil || *got != c.want {
			t.Errorf("%s of %s %q: %v, want %v", c.glob, c.who, c.name, got, c.want)
		}
	}
	if got := identityOf(t, "role", "x").planned("444455556666", []string{"deploy"}); got == nil || *got { // the role of that name in another account
		t.Errorf("a role of another account is a pipeline: %v", got)
	}
	if got := identityOf(t, "role", "x").planned("111122223333", nil); got != nil {
		t.Error("nobody has said what is planned")
	}
}

// However somebody is called, by default no address of e-mail comes out.
func FuzzRoleTellsNoAddress(f *testing.F) {
	for _, name := range []string{"jane@example.com", "a@b", "@", "jane doe@x y", "\u2028jane@example.com", "jane@example.com/../../x", `\"@`} {
		f.Add(name, name, name)
	}
	f.Fuzz(func(t *testing.T, name, event, through string) {
		for which := range identities {
			quoted, _ := json.Marshal(name)
			var r record
			if json.Unmarshal([]byte(`{"userIdentity":`+strings.ReplaceAll(identities[which], "NAME", strings.Trim(string(quoted), `"`))+`}`), &r) != nil {
				return // no record has such a name
			}
			r.Identity.InvokedBy = through
			c := Cause{Status: Found, Change: told(&Event{ID: event, Name: event, Source: event, Time: time.Unix(1, 0)}, &r, "111122223333", Role, []string{"deploy"}), Detail: Role.discreet(fmt.Sprintf("User: %s is not authorized", name))}
			text, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			if all := string(text) + c.Sentence(); strings.Contains(all, "@") {
				t.Errorf("%s called %q: %s", which, name, all)
			}
		}
	})
}
