package secretsmanager

import (
	"strings"
	"testing"

	"awsscanner/internal/collect/collecttest"
)

func line(name, rest string) string {
	return `{"kind":"AWS::SecretsManager::Secret","id":"` + name + `","arn":"arn:` + name + `","name":"` + name + `","account":"111122223333","region":"eu-central-1"` + rest + `}`
}

func entry(name, rest string) string {
	return `{"Name":"` + name + `","ARN":"arn:` + name + `"` + rest + `}`
}

const (
	zero  = `"0001-01-01T00:00:00Z"`
	first = `{"IncludePlannedDeletion":true,"MaxResults":100}`
)

// Two pages, those scheduled for deletion among them. What does not apply is left out of the answer, and so is the rotation of a
// secret that never had any; times without which no secret is are not.
func TestSecrets(t *testing.T) {
	got, requests := collecttest.Run(t, Calls, []string{"secretsmanager.Secret"}, []string{"eu-central-1"}, func(_, op, params string) string {
		switch params {
		case first:
			return `{"SecretList":[` + entry("all", `,"KmsKeyId":"k","RotationEnabled":true,"RotationLambdaARN":"f","RotationRules":{"AutomaticallyAfterDays":30,"Duration":"3h","ScheduleExpression":"rate(30 days)"},
				"CreatedDate":1767225600,"LastChangedDate":1767225601,"LastAccessedDate":1767139200,"LastRotatedDate":1767225602,"NextRotationDate":1769817600,"PrimaryRegion":"us-east-1",
				"OwningService":"rds","DeletedDate":1767225603,"Tags":[{"Key":"team","Value":"shop"}]`) + `],"NextToken":"2"}`
		case strings.Replace(first, `100`, `100,"NextToken":"2"`, 1):
			return `{"SecretList":[` + entry("never-rotated", `,"CreatedDate":1767225600,"LastChangedDate":1767225600,"Tags":[]`) + `,` + entry("stopped", `,"RotationEnabled":false,"RotationRules":{}`) + `]}`
		}
		t.Errorf("unexpected %s with %s", op, params)
		return `!Unexpected`
	})
	collecttest.Want(t, got,
		line("all", `,"kmsKey":"k","rotates":true,"rotationDays":30,"schedule":"rate(30 days)","owningService":"rds","primaryRegion":"us-east-1","created":"2026-01-01T00:00:00Z","deleted":"2026-01-01T00:00:03Z",`+
			`"lastAccessed":"2025-12-31T00:00:00Z","lastChanged":"2026-01-01T00:00:01Z","lastRotated":"2026-01-01T00:00:02Z","nextRotation":"2026-01-31T00:00:00Z","tags":{"team":"shop"}`),
		line("never-rotated", `,"kmsKey":"","rotates":false,"rotationDays":0,"schedule":"","owningService":"","primaryRegion":"","created":"2026-01-01T00:00:00Z","deleted":`+zero+`,"lastAccessed":`+zero+
			`,"lastChanged":"2026-01-01T00:00:00Z","lastRotated":`+zero+`,"nextRotation":`+zero+`,"tags":{}`),
		line("stopped", `,"kmsKey":"","rotates":false,"rotationDays":0,"schedule":"","owningService":"","primaryRegion":"","deleted":`+zero+`,"lastAccessed":`+zero+`,"lastRotated":`+zero+`,"nextRotation":`+zero+`,"tags":{}`),
	)
	if len(requests) != 2 {
		t.Errorf("requests %q", requests)
	}
}

func TestListGaps(t *testing.T) {
	hole := func(reason, detail string) string {
		return `{"unlisted":"AWS::SecretsManager::Secret","account":"111122223333","region":"eu-central-1","gap":{"reason":"` + reason + `","call":"secretsmanager:ListSecrets","detail":"` + detail + `"}}`
	}
	for _, test := range []struct {
		name, answer string
		want         []string
	}{
		{"none", `{"SecretList":[]}`, nil},
		{"denied", `!AccessDeniedException no`, []string{hole("access-denied", "AccessDeniedException: no")}},
		{"nameless", `{"SecretList":[{"ARN":"arn:x"}]}`, []string{hole("call-failed", "the answer lists a AWS::SecretsManager::Secret without an ID")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _ := collecttest.Run(t, Calls, []string{"secretsmanager.Secret"}, []string{"eu-central-1"}, func(string, string, string) string { return test.answer })
			collecttest.Want(t, got, test.want...)
		})
	}
}
