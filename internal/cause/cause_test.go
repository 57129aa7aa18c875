package cause_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"awsscanner/internal/cause"
)

func TestSentence(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	yes, no := true, false
	last := cause.Change{At: at, Call: "s3:PutBucketPolicy", Principal: "arn:aws:iam::111122223333:role/ci/deploy", Through: "cloudformation.amazonaws.com", Planned: &yes}
	for want, c := range map[string]cause.Cause{
		"changed 2026-01-02 03:04 UTC by role deploy of account 111122223333 through cloudformation.amazonaws.com: s3:PutBucketPolicy (planned)": {Status: cause.Found, Change: last},
		"changed 2026-01-02 03:04 UTC by the root user of account 111122223333: s3:PutBucketAcl (unplanned); before that 2026-01-02 02:04 UTC by role deploy of account 111122223333 in session jane: s3:PutBucketAcl; and 2 earlier; so so (CloudTrail may not tell of everything yet: it is asked again)": {
			Status: cause.Found, Change: cause.Change{At: at, Call: "s3:PutBucketAcl", Principal: "arn:aws:iam::111122223333:root", Planned: &no}, More: 2, Detail: "so so", Provisional: true,
			Others: []cause.Change{{At: at.Add(-time.Hour), Call: "s3:PutBucketAcl", Principal: "arn:aws:sts::111122223333:assumed-role/deploy/jane"}}},
		"changed 2026-01-02 03:04 UTC by autoscaling.amazonaws.com: ec2:RunInstances":                      {Status: cause.Found, Change: cause.Change{At: at, Call: "ec2:RunInstances", Principal: "autoscaling.amazonaws.com"}},
		"changed 2026-01-02 03:04 UTC by a user of account 111122223333: sqs:SetQueueAttributes":           {Status: cause.Found, Change: cause.Change{At: at, Call: "sqs:SetQueueAttributes", Principal: "arn:aws:iam::111122223333:user"}},
		"changed 2026-01-02 03:04 UTC by a federated user of account 111122223333: sqs:SetQueueAttributes": {Status: cause.Found, Change: cause.Change{At: at, Call: "sqs:SetQueueAttributes", Principal: "arn:aws:sts::111122223333:federated-user"}},
		"no event in CloudTrail's history":                     {Status: cause.None, Detail: "no event in CloudTrail's history"},
		"who changed it is not known: grant it":                {Status: cause.Denied, Detail: "grant it"},
		"who changed it is not known: it did not answer":       {Status: cause.Failed, Detail: "it did not answer"},
		"who changed it was not looked up: there are too many": {Status: cause.NotLookedUp, Detail: "there are too many"},
		"": {Status: "another"},
	} {
		raw, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if got := cause.Text(raw); got != want {
			t.Errorf("%s\n%q, want\n%q", raw, got, want)
		}
		if strings.Contains(string(raw), cause.Provisional) != c.Provisional {
			t.Errorf("a database cannot see whether this is provisional: %s", raw)
		}
	}
	for _, bad := range []string{"", "null", "[]", "nonsense"} {
		if got := cause.Text(json.RawMessage(bad)); got != "" {
			t.Errorf("%q is %q", bad, got)
		}
	}
	if raw, _ := json.Marshal(cause.Cause{Status: cause.Found, Change: cause.Change{Principal: cause.Provisional}}); strings.Contains(string(raw), cause.Provisional) {
		t.Errorf("a name can make a cause provisional: %s", raw)
	}
}
