package iam

import (
	"errors"
	"fmt"

	"awsscanner/internal/engine"
	"awsscanner/internal/model/iam"
)

type minLength struct {
	MinLength            int  `json:"min_length"`
	OnlyWithConsoleUsers bool `json:"only_with_console_users"` // where no user has a password the rule does not apply
}

func (p *minLength) Validate() error {
	if p.MinLength < 6 || p.MinLength > 128 {
		return errors.New("min_length must be from 6 to 128, which is what IAM allows")
	}
	return nil
}

func (p *minLength) Reads() []string {
	if p.OnlyWithConsoleUsers {
		return []string{"iam.User.PasswordEnabled"}
	}
	return nil
}

var _ = Rules.Add(engine.Rule{
	ID:       "iam-password-policy-min-length",
	Title:    "The password policy demands long passwords",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.Medium,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "The console can be reached from everywhere, and a short password is guessed, or is one that a person uses elsewhere too. Length is what helps most " +
		"against guessing. An account without a policy of its own takes eight characters.",
	Fix: engine.Fix{
		Text: "Set the minimum length. The command sets the whole policy: what it does not name goes back to its default, so look at the present one first and name all of it. " +
			"Better still, let people sign in through IAM Identity Center, and have no passwords in IAM at all.",
		CLI: `aws iam get-account-password-policy # NoSuchEntity: there is none
aws iam update-account-password-policy --minimum-password-length 14 --password-reuse-prevention 24 --require-symbols --require-numbers --require-uppercase-characters --require-lowercase-characters --allow-users-to-change-password`,
		IaC: `resource "aws_iam_account_password_policy" "this" {
  minimum_password_length        = 14
  password_reuse_prevention      = 24
  require_symbols                = true
  require_numbers                = true
  require_uppercase_characters   = true
  require_lowercase_characters   = true
  allow_users_to_change_password = true
}`,
		Breaks: "Nobody now: passwords that there are stay valid. Whoever next changes a password has to choose a longer one.",
		Undo: `Run update-account-password-policy with all that get-account-password-policy showed; or, if there was none:
aws iam delete-account-password-policy`,
		Effect: engine.Replaces,
	},
	Reads: []string{"iam.Account.PasswordMinLength"},

	Check: engine.EachWith(minLength{MinLength: 14}, func(v *engine.View, p *minLength, a *iam.Account) engine.Verdict {
		n := a.PasswordMinLength.Get()
		if n >= p.MinLength {
			return engine.Pass()
		}
		if p.OnlyWithConsoleUsers && !engine.Join[*iam.User](v).Any(func(u *iam.User) bool { return u.PasswordEnabled.Get() }) {
			return engine.NotApplicable("no user has a password")
		}
		if n == 0 {
			return engine.Fail(fmt.Sprintf("the account has no password policy, so that 8 characters are enough instead of %d. Set one", p.MinLength))
		}
		return engine.Fail(fmt.Sprintf("MinimumPasswordLength is %d, less than %d. Raise it", n, p.MinLength)).With("minimumPasswordLength", a.PasswordMinLength)
	}),
})
