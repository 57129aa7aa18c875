// Package facts answers what rules of several services ask of a snapshot. A rule that asks declares what the answer reads.
package facts

import (
	"strconv"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/budgets"
	"awsscanner/internal/model/cloudwatchlogs"
	"awsscanner/internal/model/ec2"
	"awsscanner/internal/model/organizations"
	"awsscanner/internal/model/sns"
)

// Unheard says why nobody receives what is sent to a topic: "does not exist". It is "" if somebody does.
// It reads sns.Subscribers.Confirmed.
func Unheard(v *engine.View, topic string) string {
	s, exists := engine.Find[*sns.Subscribers](v, topic)
	switch {
	case !exists:
		return "does not exist"
	case !s.Confirmed.Get():
		return "has no confirmed subscription"
	}
	return ""
}

// InUse reports whether anything shows that a region is in use: a network interface, or a log group, which most that runs without an
// interface writes to. Default VPCs, and what AWS makes by itself in each region, have neither.
// It reads ec2.NetworkInterface and cloudwatchlogs.LogGroup.
func InUse(v *engine.View) bool {
	return Either(
		func() bool { return engine.Join[*ec2.NetworkInterface](v).Exist() },
		func() bool { return engine.Join[*cloudwatchlogs.LogGroup](v).Exist() },
	)
}

// Either reports whether any is so, even if others are unknown.
func Either(conditions ...func() bool) bool {
	return engine.Of(conditions).Any(func(is func() bool) bool { return is() })
}

// Payer returns the account that pays for another one: the management account of its organization, or itself.
// It reads organizations.Organization.ManagementAccount.
func Payer(v *engine.View, account string) string {
	if o, member := engine.Join[*organizations.Organization](v.InAccount()).First(func(*organizations.Organization) bool { return true }); member {
		return o.ManagementAccount.Get()
	}
	return account
}

// Budgeted reports whether somebody is told when the costs of an account come near the limit of a cost budget: its own, or one of the
// account that pays for it. Budgets that come near are named to tried, with what is wrong with them. The rule must be one for organizations.
// It reads budgets.Budget.Type, Ends, LinkedAccounts, Filters, Unhealthy, Limit and Alerts, and what Payer and Unheard do.
func Budgeted(v *engine.View, account string, percent float64, tried func(budget, flaw string)) bool {
	good := func(owner string) bool {
		v := v.At(model.Place{Account: owner})
		return engine.Join[*budgets.Budget](v).Any(func(b *budgets.Budget) bool {
			if b.Type.Get() != "COST" {
				return false
			}
			flaw := ""
			switch {
			case !b.Ends.Get().After(v.Now()):
				flaw = "has ended"
			case !b.Covers(account):
				flaw = "counts only part of the costs"
			case b.Unhealthy.Get() != "":
				flaw = "is not kept up to date: " + b.Unhealthy.Get()
			case !alerted(v, b, percent):
				flaw = "tells nobody in time"
			}
			if flaw != "" {
				tried(b.Name, flaw)
			}
			return flaw == ""
		})
	}
	return Either(
		func() bool { return good(account) },
		func() bool { payer := Payer(v, account); return payer != account && good(payer) },
	)
}

// alerted reports whether a budget tells somebody at a share of its limit.
func alerted(v *engine.View, b *budgets.Budget, percent float64) bool {
	return engine.Of(b.Alerts.Get()).Any(func(a budgets.Alert) bool {
		if a.Comparison != "GREATER_THAN" {
			return false
		}
		at := a.Threshold
		if a.Unit == "ABSOLUTE_VALUE" {
			limit, err := strconv.ParseFloat(b.Limit.Get(), 64)
			if err != nil || limit == 0 {
				return false
			}
			at *= 100 / limit
		}
		return at <= percent && (a.Emails > 0 || engine.Of(a.Topics).Any(func(topic string) bool { return Unheard(v, topic) == "" }))
	})
}
