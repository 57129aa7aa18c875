package iam

import (
	"fmt"
	"strings"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/model/iam"
)

type maxUnused struct {
	MaxUnusedDays int `json:"max_unused_days"`
}

func (p *maxUnused) Validate() error { return atLeastOneDay("max_unused_days", p.MaxUnusedDays) }

var _ = Rules.Add(engine.Rule{
	ID:       "iam-user-credentials-unused",
	Title:    "Unused passwords and access keys are disabled",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.Medium,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "A credential that nobody uses is missed by nobody when it is stolen: the one who left, the script that was switched off, the key made just in case. " +
		"Nobody will notice its use either, as nobody expects any.",
	Fix: engine.Fix{
		Text: "Ask the owner, then turn the key off, or take the password away. After some quiet weeks delete the user if nothing of it is left. What is used twice a year is better made " +
			"when it is needed. What the credential report tells of passwords is renewed every four hours: a scan before that still shows the old state.",
		CLI: `aws iam update-access-key --user-name <user> --access-key-id <key> --status Inactive
aws iam delete-login-profile --user-name <user>`,
		IaC: `resource "aws_iam_access_key" "<name>" {
  user   = aws_iam_user.<user>.name
  status = "Inactive"
}`,
		Breaks: "What runs less often than the limit: a job at the end of the quarter, an emergency account. Look for the key's ID and the user's name in CloudTrail as far as it reaches back.",
		Undo: `aws iam update-access-key --user-name <user> --access-key-id <key> --status Active
aws iam create-login-profile --user-name <user> --password <new> --password-reset-required`,
		Effect: engine.Destroys,
	},
	Reads: []string{"iam.User.Created", "iam.User.PasswordEnabled", "iam.User.PasswordChanged", "iam.User.PasswordLastUsed", "iam.User.ReportTime", "iam.User.AccessKeys",
		"iam.AccessKey.Status", "iam.AccessKey.Created", "iam.AccessKey.LastUsed"},

	// What was never used ages from the day it was made or set anew. Who sets a password anew has not used it yet. Source: CIS AWS Foundations
	// Benchmark, "Ensure credentials unused for 45 days or more are disabled", which asks for the last use, and only without one for the last change.
	Check: engine.EachWith(maxUnused{MaxUnusedDays: 45}, func(v *engine.View, p *maxUnused, u *iam.User) engine.Verdict {
		limit := v.Now().AddDate(0, 0, -p.MaxUnusedDays)
		var stale []string
		note := func(what string, used, made time.Time) bool {
			last := used
			if used.IsZero() {
				last = made
			}
			if !last.Before(limit) {
				return false
			}
			stale = append(stale, fmt.Sprintf("%s (last used %s, made %s)", what, day(used), day(made)))
			return true
		}
		// Counting goes on to the last one, so that all are named.
		passwords := engine.Of([]*iam.User{u}).Count(func(u *iam.User) bool {
			return u.PasswordEnabled.Get() && note("the password", u.PasswordLastUsed.Get(), latest(u.PasswordChanged.Get(), u.Created.Get()))
		})
		keys := engine.List(u.AccessKeys).Count(func(id string) bool {
			k := accessKey(v, id)
			return active(k) && note("access key "+id, k.LastUsed.Get(), k.Created.Get())
		})
		switch {
		case engine.Of([]engine.Tally{passwords, keys}).Any(func(t engine.Tally) bool { return t.AtLeast(1) }):
			return engine.Fail(fmt.Sprintf("for more than %d days nobody has used %s. Turn off what nobody needs", p.MaxUnusedDays, strings.Join(stale, ", "))).
				With("unused", stale).With("reportGenerated", u.ReportTime)
		case !u.PasswordEnabled.Get() && !engine.List(u.AccessKeys).Any(func(id string) bool { return active(accessKey(v, id)) }):
			return engine.NotApplicable("has no password and no active access key")
		}
		return engine.Pass()
	}),
})
