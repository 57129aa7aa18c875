package budgets

import (
	"errors"
	"slices"
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/facts"
	"awsscanner/internal/model/budgets"
)

type withAlert struct {
	MaxThresholdPercent float64 `json:"max_threshold_percent"` // of the limit, at which somebody must have been told
}

func (p *withAlert) Validate() error {
	if p.MaxThresholdPercent <= 0 {
		return errors.New("max_threshold_percent must be more than 0")
	}
	return nil
}

var _ = Rules.Add(engine.Rule{
	ID:       "budgets-cost-budget-with-alert",
	Title:    "A cost budget that tells somebody in time covers the account",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.Medium,
	Pillars:  []engine.Pillar{engine.CostOptimization, engine.OperationalExcellence},
	Why: "Without a budget nobody has said what the account may cost, and nobody is told when it costs more: neither by a mistake, nor by somebody who uses it without right. " +
		"The first sign is then the invoice.",
	Fix: engine.Fix{
		Text: "Create a monthly cost budget without filters, with an alert at 80 percent of the actual costs and one at 100 percent of the forecast, to an address that is read or a topic with subscribers. " +
			"In the account that pays for an organization one budget covers all members. Two budgets are free of charge.",
		CLI: `aws budgets create-budget --account-id <account> --budget '{"BudgetName":"monthly","BudgetType":"COST","TimeUnit":"MONTHLY","BudgetLimit":{"Amount":"<amount>","Unit":"USD"}}' \
  --notifications-with-subscribers '[{"Notification":{"NotificationType":"FORECASTED","ComparisonOperator":"GREATER_THAN","Threshold":100},"Subscribers":[{"SubscriptionType":"EMAIL","Address":"<address>"}]}]'
# if there is a budget that tells nobody
aws budgets create-notification --account-id <account> --budget-name <budget> --notification NotificationType=ACTUAL,ComparisonOperator=GREATER_THAN,Threshold=80 --subscribers SubscriptionType=EMAIL,Address=<address>`,
		IaC: `# Terraform
resource "aws_budgets_budget" "monthly" {
  name         = "monthly"
  budget_type  = "COST"
  time_unit    = "MONTHLY"
  limit_amount = "1000"
  limit_unit   = "USD"
  notification {
    notification_type          = "FORECASTED"
    comparison_operator        = "GREATER_THAN"
    threshold                  = 100
    threshold_type             = "PERCENTAGE"
    subscriber_email_addresses = ["<address>"]
  }
}`,
		Breaks: "Nothing stops: a budget only tells, unless it is given actions.",
		Undo:   "aws budgets delete-budget --account-id <account> --budget-name monthly",
		Effect: engine.Additive,
	},
	Reads: []string{"budgets.Account", "budgets.Budget.Type", "budgets.Budget.Ends", "budgets.Budget.LinkedAccounts", "budgets.Budget.Filters", "budgets.Budget.Unhealthy", "budgets.Budget.Limit", "budgets.Budget.Alerts",
		"organizations.Organization.ManagementAccount", "sns.Subscribers.Confirmed"},

	Organization: true, // the account that pays watches for its members

	Check: engine.EachWith(withAlert{MaxThresholdPercent: 100}, func(v *engine.View, p *withAlert, a *budgets.Account) engine.Verdict {
		var tried []string
		if facts.Budgeted(v, a.Account, p.MaxThresholdPercent, func(budget, flaw string) { tried = append(tried, budget+" "+flaw) }) {
			return engine.Pass()
		}
		if len(tried) == 0 {
			return engine.Fail("there is no cost budget: nobody is told when costs rise. Create one with an alert")
		}
		slices.Sort(tried)
		return engine.Fail("no cost budget does: "+strings.Join(tried, "; ")+". Put one right, or create one").With("shortcomings", tried)
	}),
})
