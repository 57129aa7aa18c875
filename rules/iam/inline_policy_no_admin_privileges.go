package iam

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/iam"
)

var _ = Rules.Add(engine.Rule{
	ID:       "iam-inline-policy-no-admin-privileges",
	Title:    "No inline policy grants full administrative access",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.Medium,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "An inline policy is seen only by those who open the very user, group or role it is part of. One that allows everything makes an administrator whom " +
		"no list of policies shows, and whose key or program, once taken over, hands over the whole account.",
	Fix: engine.Fix{
		Text: "See what the holder has used, and allow that instead. Keep the old document: an inline policy has no versions. Where it does not have " +
			"to be inline, make it a managed policy, which has.",
		CLI: `aws iam get-role-policy --role-name <role> --policy-name <policy> --query PolicyDocument > <before>.json # edit a copy; get-user-policy, get-group-policy likewise
aws iam generate-service-last-accessed-details --arn <holder> # then get-service-last-accessed-details --job-id <job>
aws iam put-role-policy --role-name <role> --policy-name <policy> --policy-document file://<edited>.json`,
		IaC: `resource "aws_iam_role_policy" "<name>" { # or aws_iam_user_policy, aws_iam_group_policy
  role   = aws_iam_role.<role>.id
  policy = data.aws_iam_policy_document.<narrow>.json # not "*" on "*"
}`,
		Breaks: "The holder gets AccessDenied for what is no longer allowed. Last-accessed details reach back 400 days; afterwards look for errorCode AccessDenied of this principal in CloudTrail.",
		Undo:   `aws iam put-role-policy --role-name <role> --policy-name <policy> --policy-document file://<before>.json`,
		Effect: engine.Replaces,
	},
	Reads: []string{"iam.InlinePolicy.Document", "iam.InlinePolicy.Holder", "iam.InlinePolicy.Boundary"},

	// A boundary may narrow what the document grants. It is evidence, as it would have to be read, too.
	Check: engine.Each(func(_ *engine.View, p *iam.InlinePolicy) engine.Verdict {
		if who := iam.Reserved(p.Holder.Get()); who != "" {
			return engine.NotApplicable("is part of a role that only " + who + " can change")
		}
		return administrator(p.Document).With("holder", p.Holder).With("permissionsBoundary", p.Boundary)
	}),
})
