package iam

import (
	"slices"
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/iam"
)

var _ = Rules.Add(engine.Rule{
	ID:       "iam-user-not-quarantined",
	Title:    "No IAM user carries AWS's quarantine policy for leaked keys",
	Level:    engine.Recommended,
	Severity: engine.Critical,
	Worst:    engine.Critical,
	Least:    engine.Medium,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "AWS searches public places for access keys, and attaches this policy to the user whose key it has found. It forbids what thieves like to do first, and nothing else: " +
		"whoever has the key goes on reading data with it. Others search the same places, and need minutes.",
	Fix: engine.Fix{
		Text: "Treat it as an intrusion. Turn off every active key of the user now. See in CloudTrail, in all regions, what was done with it since it was public: new users, keys, roles, " +
			"instances, functions; undo that. Give the workload a role or a new key, remove the key from where it was found, follow the support case that AWS has opened, and only then detach the policy.",
		CLI: `aws iam list-access-keys --user-name <user>
aws iam update-access-key --user-name <user> --access-key-id <key> --status Inactive
aws cloudtrail lookup-events --lookup-attributes AttributeKey=AccessKeyId,AttributeValue=<key> # in each region
# when all is settled:
aws iam delete-access-key --user-name <user> --access-key-id <key>
aws iam detach-user-policy --user-name <user> --policy-arn <quarantine-policy>`,
		IaC: `# Terraform, of a key that it manages, to turn it off. No template finds or undoes what was done with the key
resource "aws_iam_access_key" "<name>" {
  user   = aws_iam_user.<name>.name
  status = "Inactive"
}`,
		Breaks: "What signs with the key stops at once. That is less harm than what somebody else may be doing with it: see its last use, and tell the owner.",
		Undo: `Better none: this brings back the leaked key, and whoever has it. Make a new one instead.
aws iam update-access-key --user-name <user> --access-key-id <key> --status Active`,
		Effect: engine.Destroys,
	},
	Reads: []string{"iam.User.AttachedPolicies", "iam.User.AccessKeys", "iam.AccessKey.Status", "iam.AccessKey.LastUsed"},

	// A customer can name a policy so, too: that of AWS has no account in its ARN. With all keys turned off nobody gets in any more, but
	// what happened is still to be looked into. Source: AWS Managed Policy Reference, AWSCompromisedKeyQuarantine, -V2, -V3.
	Check: engine.Each(func(v *engine.View, u *iam.User) engine.Verdict {
		i := slices.IndexFunc(u.AttachedPolicies.Get(), func(policy string) bool {
			arn, _ := model.ParseARN(policy)
			return arn.Account == "aws" && strings.HasPrefix(arn.Resource, "policy/AWSCompromisedKeyQuarantine")
		})
		if i < 0 {
			return engine.Pass()
		}
		used := map[string]any{}
		keys := engine.List(u.AccessKeys).Count(func(id string) bool {
			k := accessKey(v, id)
			if !active(k) {
				return false
			}
			used[id] = lastUsed(k.LastUsed)
			return true
		})
		policy := u.AttachedPolicies.Get()[i]
		if keys.AtLeast(1) {
			return engine.Fail("AWS has found an access key of this user in public and attached "+policy[strings.LastIndex(policy, "/")+1:]+", and a key is still active. Turn it off, and look at what was done with it").
				With("policy", policy).With("activeKeysLastUsed", used)
		}
		return engine.Fail("AWS has found an access key of this user in public and attached "+policy[strings.LastIndex(policy, "/")+1:]+"; no key is active any more. Look at what was done with it, then detach the policy").
			With("policy", policy).As(engine.Medium)
	}),
})
