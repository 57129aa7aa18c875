// Package budgets holds the resources of AWS Budgets.
package budgets

import (
	"slices"
	"time"

	"awsscanner/internal/model"
)

// An Account is the subject of rules about all budgets of an account.
type Account struct {
	model.Meta `scope:"account"`
}

// A Budget is a budget of any type. Its ID is its name.
type Budget struct {
	model.Meta     `call:"budgets:DescribeBudgets" scope:"global"`
	Type           model.Attr[string]         `json:"type,omitzero"           call:"budgets:DescribeBudgets"` // COST, USAGE, RI_COVERAGE, ...
	Unit           model.Attr[string]         `json:"unit,omitzero"           call:"budgets:DescribeBudgets"` // of time: DAILY, MONTHLY, ...
	Ends           model.Attr[time.Time]      `json:"ends,omitzero"           call:"budgets:DescribeBudgets"`
	Limit          model.Attr[string]         `json:"limit,omitzero"          call:"budgets:DescribeBudgets"` // decimal number; "" if it is planned by the month
	Currency       model.Attr[string]         `json:"currency,omitzero"       call:"budgets:DescribeBudgets"` // or unit of usage; "" without limit
	Actual         model.Attr[string]         `json:"actual,omitzero"         call:"budgets:DescribeBudgets"` // decimal number; "" if nothing is calculated
	Forecast       model.Attr[string]         `json:"forecast,omitzero"       call:"budgets:DescribeBudgets"` // decimal number; "" if there is too little to go by
	LinkedAccounts model.Attr[[]string]       `json:"linkedAccounts,omitzero" call:"budgets:DescribeBudgets"` // that alone it counts; none: all
	Filters        model.Attr[[]string]       `json:"filters,omitzero"        call:"budgets:DescribeBudgets"` // what else narrows it: Service, TagKeyValue, SERVICE, ...
	Unhealthy      model.Attr[string]         `json:"unhealthy,omitzero"      call:"budgets:DescribeBudgets"` // why it is not kept up to date; "" if it is
	Notifications  model.Attr[[]Notification] `json:"notifications,omitzero" call:"budgets:DescribeNotificationsForBudget"`
	Alerts         model.Attr[Alerts]         `json:"alerts,omitzero"         call:"budgets:DescribeNotificationsForBudget+budgets:DescribeSubscribersForNotification" ref:"AWS::SNS::Subscribers"`
}

// A Notification says when somebody is told.
type Notification struct {
	On         string  `json:"on"`         // ACTUAL or FORECASTED
	Comparison string  `json:"comparison"` // GREATER_THAN, ...
	Threshold  float64 `json:"threshold"`
	Unit       string  `json:"unit,omitempty"` // of the threshold: PERCENTAGE of the limit, which "" means too, or ABSOLUTE_VALUE
}

// An Alert is a notification and who is told.
type Alert struct {
	Notification
	Emails int      `json:"emails,omitempty"` // number of addresses
	Topics []string `json:"topics,omitempty"` // ARNs
}

// Alerts are all notifications of a budget.
type Alerts []Alert

// References returns the ARNs of the topics.
func (a Alerts) References() (topics []string) {
	for i := range a {
		topics = append(topics, a[i].Topics...)
	}
	return topics
}

func (*Account) Kind() model.Kind { return "AWS::Budgets::Account" }
func (*Budget) Kind() model.Kind  { return "AWS::Budgets::Budget" }

// Covers reports whether the budget counts all costs of an account. Without a filter it counts those of its owner, and those of all
// members if the owner pays for an organization.
func (b *Budget) Covers(account string) bool {
	accounts := b.LinkedAccounts.Get()
	return len(b.Filters.Get()) == 0 && (len(accounts) == 0 || slices.Contains(accounts, account))
}
