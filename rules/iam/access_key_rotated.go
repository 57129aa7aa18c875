package iam

import (
	"fmt"

	"awsscanner/internal/engine"
	"awsscanner/internal/model/iam"
)

type maxAge struct {
	MaxAgeDays int `json:"max_age_days"`
}

func (p *maxAge) Validate() error { return atLeastOneDay("max_age_days", p.MaxAgeDays) }

// old is the age from which on a key is a weak layer rather than untidy: nobody knows any more where it lies.
const old = 365

var _ = Rules.Add(engine.Rule{
	ID:       "iam-access-key-rotated",
	Title:    "Active access keys are younger than the limit",
	Level:    engine.Recommended,
	Severity: engine.Low,
	Worst:    engine.Medium,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "An access key works until somebody turns it off. With the years its copies come to lie in more and more places: build servers, old laptops, " +
		"backups, chats. Replacing keys makes those copies worthless, and shows before an emergency whether anyone still knows how to do it.",
	Fix: engine.Fix{
		Text: "Best, replace the key by a role: of the instance, the function or the container, IAM Roles Anywhere or an identity provider outside of AWS. " +
			"Otherwise create a second key, move every place that uses the first one, turn the first one off, and delete it after some quiet days.",
		CLI: `aws iam get-access-key-last-used --access-key-id <old-key>
aws iam create-access-key --user-name <user> # shows the secret once: put it where the old one is
aws iam update-access-key --user-name <user> --access-key-id <old-key> --status Inactive
aws iam delete-access-key --user-name <user> --access-key-id <old-key> # after some quiet days`,
		IaC: `resource "aws_iam_role" "<workload>" { # in place of aws_iam_access_key
  assume_role_policy = data.aws_iam_policy_document.<trust>.json
}`,
		Breaks: "Whatever still signs with the old key. See its last use, and look for its ID in CloudTrail (userIdentity.accessKeyId) before and after it is turned off.",
		Undo: `aws iam update-access-key --user-name <user> --access-key-id <old-key> --status Active
A deleted key does not come back.`,
		Effect: engine.Destroys,
	},
	Reads: []string{"iam.AccessKey.User", "iam.AccessKey.Status", "iam.AccessKey.Created", "iam.AccessKey.LastUsed"},

	// By the date of creation: what the credential report calls the last rotation is when a key was "created or last changed", which a
	// change of its status may be. Source: IAM User Guide, "Generate credential reports for your AWS account".
	Check: engine.EachWith(maxAge{MaxAgeDays: 90}, func(v *engine.View, p *maxAge, k *iam.AccessKey) engine.Verdict {
		if !active(k) {
			return engine.NotApplicable("its status is " + k.Status.Get() + ": it signs nothing")
		}
		days := int(v.Now().Sub(k.Created.Get()).Hours() / 24)
		if days <= p.MaxAgeDays {
			return engine.Pass()
		}
		fail := engine.Fail(fmt.Sprintf("of user %v, is active and was created %d days ago, more than %d: replace it, best by a role", k.User.Evidence(), days, p.MaxAgeDays)).
			With("user", k.User).With("created", k.Created).With("lastUsed", lastUsed(k.LastUsed))
		if days > old {
			return fail.As(engine.Medium)
		}
		return fail
	}),
})
