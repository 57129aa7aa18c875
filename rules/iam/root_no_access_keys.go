package iam

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/iam"
)

var _ = Rules.Add(engine.Rule{
	ID:       "iam-root-no-access-keys",
	Title:    "The root user has no access keys",
	Level:    engine.Recommended,
	Severity: engine.High,
	Worst:    engine.High,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "A key of the root user can do everything, MFA or not, and no policy of the account limits it. Whoever finds a copy in a script, a repository or a backup owns the account, " +
		"and nothing that works needs such a key.",
	Fix: engine.Fix{
		Text: "Find out what uses the key, and give that a role. Then sign in as root and turn the key off; after some quiet days delete it. For members of an organization use centralized root access instead of signing in. " +
			"A key that is turned off counts too: whoever gets into the root user can turn it on again.",
		CLI: `# as the root user, or with a session of aws sts assume-root and the task policy IAMDeleteRootUserCredentials
aws iam list-access-keys
aws iam get-access-key-last-used --access-key-id <key>
aws iam update-access-key --access-key-id <key> --status Inactive
aws iam delete-access-key --access-key-id <key> # after some quiet days`,
		IaC: `# No template deletes a key of the root user. This policy makes it useless in all member accounts; it leaves sessions of aws sts assume-root alone
resource "aws_organizations_policy" "no_root" {
  name = "no-root"
  type = "SERVICE_CONTROL_POLICY"
  content = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Deny"
      Action   = "*"
      Resource = "*"
      Condition = {
        ArnLike = { "aws:PrincipalArn" = "arn:aws:iam::*:root" }
        Null    = { "aws:AssumedRoot" = "true" }
      }
    }]
  })
}
resource "aws_organizations_policy_attachment" "no_root" {
  policy_id = aws_organizations_policy.no_root.id
  target_id = "<root-or-ou-id>"
}`,
		Breaks: "What signs with the key: often a very old backup script or a bucket policy made for it. Look in CloudTrail for userIdentity.type Root with that accessKeyId.",
		Undo: `aws iam update-access-key --access-key-id <key> --status Active
A deleted key does not come back.`,
		Effect: engine.Destroys,
	},
	Reads: []string{"iam.Account.RootAccessKeys"},

	Check: engine.Each(func(_ *engine.View, a *iam.Account) engine.Verdict {
		if a.RootAccessKeys.Get() {
			return engine.Fail("AccountAccessKeysPresent is not 0: the root user has an access key, which nothing limits. Give what uses it a role, turn the key off and delete it").
				With("accountAccessKeysPresent", a.RootAccessKeys)
		}
		return engine.Pass()
	}),
})
