package cloudwatch

import (
	"slices"
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/facts"
	"awsscanner/internal/model"
	"awsscanner/internal/model/cloudwatch"
)

type billingAlarm struct {
	AcceptBudget bool   `json:"accept_budget"` // a cost budget that tells somebody does as well
	AlarmName    string `json:"alarm_name"`    // glob that the name must match; "" for any name
}

func (p *billingAlarm) Reads() []string {
	if !p.AcceptBudget {
		return nil
	}
	return []string{"budgets.Budget.Type", "budgets.Budget.Ends", "budgets.Budget.LinkedAccounts", "budgets.Budget.Filters", "budgets.Budget.Unhealthy", "budgets.Budget.Limit", "budgets.Budget.Alerts"}
}

// billingRegion is the only one that has metrics of charges, and there is none in other partitions. Source: CloudWatch User Guide, "Create a
// billing alarm to monitor your estimated AWS charges".
const billingRegion = "us-east-1"

var _ = Rules.Add(engine.Rule{
	ID:       "cloudwatch-billing-alarm",
	Title:    "A billing alarm or a budget alert watches the charges of the account",
	Level:    engine.Recommended,
	Severity: engine.Low,
	Worst:    engine.Low,
	Pillars:  []engine.Pillar{engine.CostOptimization, engine.OperationalExcellence},
	Why:      "A forgotten cluster, a loop that writes logs, or somebody who mines with stolen keys shows first in the charges. Without an alarm they are seen when the invoice comes, up to a month later.",
	Fix: engine.Fix{
		Text: "Create a cost budget with alerts, in the account or, for all members at once, in the account that pays. Or turn on billing alerts in the billing preferences, and create an alarm on EstimatedCharges in us-east-1.",
		CLI: `aws budgets create-budget --account-id <account> --budget file://budget.json --notifications-with-subscribers file://notifications.json
# or, once billing alerts are turned on
aws cloudwatch put-metric-alarm --region us-east-1 --alarm-name <name> --namespace AWS/Billing --metric-name EstimatedCharges --dimensions Name=Currency,Value=USD --statistic Maximum --period 21600 --evaluation-periods 1 --comparison-operator GreaterThanThreshold --threshold <amount> --alarm-actions <topic-arn>`,
		IaC: `# Terraform
resource "aws_cloudwatch_metric_alarm" "charges" {
  provider            = aws.us_east_1
  alarm_name          = "charges"
  namespace           = "AWS/Billing"
  metric_name         = "EstimatedCharges"
  dimensions          = { Currency = "USD" }
  statistic           = "Maximum"
  period              = 21600
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 1000
  alarm_actions       = [aws_sns_topic.charges.arn]
}`,
		Breaks: "Nothing stops. An alarm that has the name already is replaced: see with describe-alarms.",
		Undo: `aws budgets delete-budget --account-id <account> --budget-name <budget>
# or
aws cloudwatch delete-alarms --region us-east-1 --alarm-names <name>`,
		Effect: engine.Additive,
	},
	Reads: []string{"cloudwatch.Account", "cloudwatch.Alarm.ActionsEnabled", "cloudwatch.Alarm.AlarmActions", "cloudwatch.Alarm.Metrics", "cloudwatch.Alarm.Comparison", "cloudwatch.Alarm.Threshold",
		"cloudwatch.Alarm.AnomalousThreshold", "organizations.Organization.ManagementAccount", "sns.Subscribers.Confirmed"},

	Organization: true, // the account that pays watches for its members

	Check: engine.EachWith(billingAlarm{AcceptBudget: true}, func(v *engine.View, p *billingAlarm, a *cloudwatch.Account) engine.Verdict {
		regions := slices.Concat(v.Regions(), v.Unread())
		here := slices.Contains(regions, billingRegion)
		if !here && len(regions) > 0 && !slices.Contains(regions, model.AnyRegion) { // where that region is, it is always on
			return engine.NotApplicable("only the partition aws has metrics of charges")
		}
		var tried []string
		watched := func(owner string) bool {
			in := model.Place{Account: owner, Region: billingRegion}
			if owner == a.Account && !here {
				in.Region = "" // nobody could enter the account: the reason stands there
			}
			v := v.At(in)
			return engine.Join[*cloudwatch.Alarm](v).Any(func(alarm *cloudwatch.Alarm) bool {
				if !charges(alarm, a.Account) || p.AlarmName != "" && !engine.Match(p.AlarmName, alarm.Name) {
					return false
				}
				flaw := ""
				if rises(alarm) {
					flaw = mute(v, alarm)
				} else {
					flaw = "it does not go off when charges rise"
				}
				if flaw != "" {
					tried = append(tried, "alarm "+alarm.Name+": "+flaw)
				}
				return flaw == ""
			})
		}
		if facts.Either(
			func() bool { return watched(a.Account) },
			func() bool { payer := facts.Payer(v, a.Account); return payer != a.Account && watched(payer) },
			func() bool {
				return p.AcceptBudget && facts.Budgeted(v, a.Account, 100, func(budget, flaw string) { tried = append(tried, "budget "+budget+" "+flaw) })
			},
		) {
			return engine.Pass()
		}
		slices.Sort(tried)
		tried = slices.Compact(tried)
		text := "no alarm in " + billingRegion + " watches EstimatedCharges"
		if p.AcceptBudget {
			text += ", and no budget tells anybody in time"
		}
		if len(tried) > 0 {
			text += " (" + strings.Join(tried, "; ") + ")"
		}
		return engine.Fail(text+". Create a cost budget with an alert").With("shortcomings", tried)
	}),
})

// charges reports whether an alarm watches all charges of an account, be it alone or with others that are paid together.
func charges(alarm *cloudwatch.Alarm, account string) bool {
	return slices.ContainsFunc(alarm.Metrics.Get(), func(m cloudwatch.Metric) bool {
		linked := m.Dimensions["LinkedAccount"]
		return m.Namespace == "AWS/Billing" && m.Name == "EstimatedCharges" && m.Dimensions["ServiceName"] == "" && (linked == "" || linked == account) && (m.Account == "" || m.Account == alarm.Account)
	})
}

// rises reports whether an alarm goes off when its metric rises above what is normal, or above a bound.
func rises(alarm *cloudwatch.Alarm) bool {
	switch alarm.Comparison.Get() {
	case "GreaterThanThreshold", "GreaterThanOrEqualToThreshold":
		return alarm.Threshold.Get() > 0
	case "GreaterThanUpperThreshold", "LessThanLowerOrGreaterThanUpperThreshold":
		return alarm.AnomalousThreshold.Get()
	}
	return false
}
