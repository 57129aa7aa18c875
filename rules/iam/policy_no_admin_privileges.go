package iam

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/iam"
)

type unattached struct {
	IncludeUnattached bool `json:"include_unattached"`
}

var _ = Rules.Add(engine.Rule{
	ID:       "iam-policy-no-admin-privileges",
	Title:    "No customer managed policy in use grants full administrative access",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.Medium,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "Who allows everything need not think, and then every key that leaks and every program with a hole is the end of the whole account. " +
		"A policy of one's own is also easily overlooked: those who look for administrators look for AdministratorAccess.",
	Fix: engine.Fix{
		Text: "See who has the policy and what they have used of it, and allow that instead; IAM Access Analyzer writes a draft from CloudTrail. Those few people who really administer " +
			"the account get AdministratorAccess through a role with MFA, where everybody sees it. A policy keeps five versions: the old one stays at hand.",
		CLI: `aws iam list-entities-for-policy --policy-arn <policy>
aws iam generate-service-last-accessed-details --arn <policy> # then get-service-last-accessed-details --job-id <job>
aws iam get-policy-version --policy-arn <policy> --version-id <default-version> --query PolicyVersion.Document > <document>.json # edit it
aws iam create-policy-version --policy-arn <policy> --policy-document file://<document>.json --set-as-default`,
		IaC: `data "aws_iam_policy_document" "<name>" {
  statement {
    actions   = ["s3:GetObject", "sqs:SendMessage"] # not "*"
    resources = ["<arn>"]
  }
}`,
		Breaks: "Holders that use what is no longer allowed get AccessDenied. Last-accessed details reach back 400 days; afterwards look for errorCode AccessDenied of these principals in CloudTrail.",
		Undo:   `aws iam set-default-policy-version --policy-arn <policy> --version-id <default-version>`,
		Effect: engine.Replaces,
	},
	Reads: []string{"iam.ManagedPolicy.Document", "iam.ManagedPolicy.Attachments"},

	Check: engine.EachWith(unattached{}, func(_ *engine.View, p *unattached, m *iam.ManagedPolicy) engine.Verdict {
		attached := m.Attachments.Get() > 0
		if !attached && !p.IncludeUnattached {
			return engine.NotApplicable("is attached to no user, group or role, and a permissions boundary grants nothing")
		}
		verdict := administrator(m.Document).With("attachments", m.Attachments)
		if !attached {
			verdict = verdict.As(engine.Low)
		}
		return verdict
	}),
})
