package iam

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/facts"
	"awsscanner/internal/model/iam"
)

var _ = Rules.Add(engine.Rule{
	ID:       "iam-root-mfa-enabled",
	Title:    "The root user has MFA",
	Level:    engine.Recommended,
	Severity: engine.High,
	Worst:    engine.High,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "No policy limits the root user, who can also close the account and lock out everybody else. Without a second factor a password, or the mailbox " +
		"that a new one is sent to, is all that somebody needs.",
	Fix: engine.Fix{
		Text: "In an organization, best remove the root credentials of member accounts: centralized root access of IAM. Otherwise sign in as root, open Security credentials, and register two devices " +
			"that are kept in different places: a passkey or security key, as those cannot be phished. Only the root user can do that: there is no command for it.",
		CLI: `aws iam enable-organizations-root-credentials-management # in the management account: new members get no root credentials
aws sts assume-root --target-principal <member-account> --task-policy-arn arn=arn:aws:iam::aws:policy/root-task/IAMDeleteRootUserCredentials # with that session:
aws iam delete-login-profile
# to check: AccountMFAEnabled is 1, or AccountPasswordPresent is 0
aws iam get-account-summary`,
		IaC: `# No template registers MFA. This one, in the management account of an organization that trusts iam.amazonaws.com, lets members do
# without root credentials: new ones get none, those of the others are deleted by the commands
resource "aws_iam_organizations_features" "this" {
  enabled_features = ["RootCredentialsManagement", "RootSessions"]
}`,
		Breaks: "Nothing that runs. Whoever signs in as root needs the device from then on, or, where the credentials are gone, a session of the management account. See that at least two people can get at a device.",
		Undo:   "deactivate the device on the same page; for a member, allow password recovery with the task policy IAMCreateRootUserPassword and set a new password",
		Effect: engine.Destroys,
	},
	Reads: []string{"iam.Account.RootMFA", "iam.Account.RootPassword", "iam.Account.RootAccessKeys", "iam.Account.RootCertificates", "organizations.Organization.ManagementAccount"},

	// One step from exposure: the password or the mailbox is missing. What is not there cannot be stolen: members of an organization have
	// no root credentials if these are managed centrally. Nobody can take the password from any other account, so that it need not be
	// told of them. Source: IAM User Guide, "Centrally manage root access for member accounts".
	Check: engine.Each(func(v *engine.View, a *iam.Account) engine.Verdict {
		if a.RootMFA.Get() {
			return engine.Pass()
		}
		password := func() bool {
			if present, known := a.RootPassword.Lookup(); known {
				return present
			}
			return facts.Payer(v, a.Account) == a.Account || a.RootPassword.Get()
		}
		if !facts.Either(password, a.RootAccessKeys.Get, a.RootCertificates.Get) {
			return engine.NotApplicable("the root user has no credentials: no password, access key or certificate")
		}
		return engine.Fail("AccountMFAEnabled is 0: whoever gets the password of the root user, or its mailbox, has the whole account. Register MFA, or remove the root credentials").
			With("accountPasswordPresent", a.RootPassword).With("accountAccessKeysPresent", a.RootAccessKeys)
	}),
})
