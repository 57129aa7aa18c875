package iam

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/iam"
)

var _ = Rules.Add(engine.Rule{
	ID:       "iam-user-console-mfa",
	Title:    "Users with a console password have MFA",
	Level:    engine.Recommended,
	Severity: engine.High,
	Worst:    engine.High,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "Passwords are phished, guessed, and used for several sites of which one is broken into. Without a second factor the password alone opens the " +
		"console, from anywhere, with all permissions of the user.",
	Fix: engine.Fix{
		Text: "Let the person register a passkey or another device, or take the password away from users that are programs, or that have left. People best sign in through IAM Identity Center or another identity provider, " +
			"and have no IAM user at all. The credential report that tells of it is renewed every four hours: a scan before that still shows the old state.",
		CLI: `aws iam list-mfa-devices --user-name <user> # empty: none now
# the person: Security credentials of the console, Assign MFA device. Or, if nobody needs the password:
aws iam delete-login-profile --user-name <user>`,
		IaC: `# MFA cannot be registered by a template. A policy that denies everything without it makes people do it:
data "aws_iam_policy_document" "mfa" {
  statement {
    effect      = "Deny"
    not_actions = ["iam:CreateVirtualMFADevice", "iam:EnableMFADevice", "iam:GetUser", "iam:ListMFADevices", "iam:ListVirtualMFADevices", "iam:ResyncMFADevice", "sts:GetSessionToken"]
    resources   = ["*"]
    condition {
      test     = "BoolIfExists"
      variable = "aws:MultiFactorAuthPresent"
      values   = ["false"]
    }
  }
}`,
		Breaks: "Without the password the person cannot sign in; access keys of the user go on working. password_last_used of the credential report tells whether anybody does. The policy also stops programs that use keys of the user.",
		Undo:   `aws iam create-login-profile --user-name <user> --password <new> --password-reset-required`,
		Effect: engine.Destroys,
	},
	Reads: []string{"iam.User.PasswordEnabled", "iam.User.MFA", "iam.User.PasswordLastUsed", "iam.User.ReportTime"},

	Check: engine.Each(func(_ *engine.View, u *iam.User) engine.Verdict {
		if !u.PasswordEnabled.Get() {
			return engine.NotApplicable("has no console password")
		}
		if u.MFA.Get() {
			return engine.Pass()
		}
		return engine.Fail("has a console password and no MFA: whoever gets the password is in. Register MFA, or remove the password").
			With("passwordLastUsed", lastUsed(u.PasswordLastUsed)).With("reportGenerated", u.ReportTime)
	}),
})
