package iam

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/iam"
	"awsscanner/internal/policy"
)

var _ = Rules.Add(engine.Rule{
	ID:       "iam-role-trust-not-public",
	Title:    "Role trust policies do not trust everyone",
	Level:    engine.Recommended,
	Severity: engine.Critical,
	Worst:    engine.Critical,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "Who may assume a role has all of its permissions, and no secret is needed for it: the ARN of the role is enough, which is built from a name and an account ID. " +
		"People try common names in every account. The same holds for a role that trusts an identity provider that everybody can use, such as GitHub's, without saying whose tokens.",
	Fix: engine.Fix{
		Text: "Name the accounts or roles that are trusted, or an organization by aws:PrincipalOrgID. sts:ExternalId is no secret and keeps nobody out who chose it himself. For GitHub and the like " +
			"demand your organization and repository in the claim sub. Then find out who has assumed the role (AssumeRole in CloudTrail, by accounts that are not yours), and treat what it can reach as disclosed.",
		CLI: `aws iam get-role --role-name <role> --query Role.AssumeRolePolicyDocument > <before>.json # edit a copy
aws iam update-assume-role-policy --role-name <role> --policy-document file://<edited>.json`,
		IaC: `data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::<account-id>:role/<who>"] # not "*"
    }
  }
}`,
		Breaks: "Whoever assumes the role without being named any more. CloudTrail shows them: AssumeRole events with this role in requestParameters.roleArn, and their userIdentity. Sessions that there are go on until they end.",
		Undo:   `aws iam update-assume-role-policy --role-name <role> --policy-document file://<before>.json`,
		Effect: engine.Replaces,
	},
	Reads: []string{"iam.Role.Trust"},

	Check: engine.Each(func(_ *engine.View, r *iam.Role) engine.Verdict {
		if who := iam.Reserved(r.ARN); who != "" {
			return engine.NotApplicable("only " + who + " can change it")
		}
		doc, err := policy.Parse(r.Trust.Get())
		if err != nil {
			return engine.Unsure(model.TooLittleData, err.Error())
		}
		switch a := doc.Public(policy.Question{Account: r.Account, Actions: []string{"sts:AssumeRole*"}}); a.Level {
		case policy.Yes:
			return engine.Fail(a.Text+". Name whom it is for").With("statements", a.Statements)
		case policy.Unknown:
			return engine.Unsure(model.TooLittleData, a.Text)
		case policy.OnlyUnderCondition:
			return engine.Pass().Note(a.Text)
		}
		return engine.Pass()
	}),
})
