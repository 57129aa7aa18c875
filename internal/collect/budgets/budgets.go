// Package budgets collects from AWS Budgets.
package budgets

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/budgets"
	"github.com/aws/aws-sdk-go-v2/service/budgets/types"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
	my "awsscanner/internal/model/budgets"
)

func Calls(at collect.At) []collect.Call {
	c := budgets.NewFromConfig(at.Config)
	return []collect.Call{{
		Op:    "budgets:DescribeBudgets",
		Lists: []model.Resource{&my.Budget{}},
		Do: collect.Global(func(ctx context.Context, found collect.Found) error {
			pages := budgets.NewDescribeBudgetsPaginator(c, &budgets.DescribeBudgetsInput{AccountId: &at.Account, MaxResults: aws.Int32(1000), ShowFilterExpression: aws.Bool(true)})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, b := range page.Budgets {
					found(budget(at, b))
				}
			}
			return nil
		}),
	}, {
		Op: "budgets:DescribeNotificationsForBudget",
		Do: collect.PerItem(func(ctx context.Context, b *my.Budget) error {
			all := []my.Notification{}
			pages := budgets.NewDescribeNotificationsForBudgetPaginator(c, &budgets.DescribeNotificationsForBudgetInput{AccountId: &b.Account, BudgetName: &b.ID, MaxResults: aws.Int32(100)})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, n := range page.Notifications {
					if n.NotificationType == "" || n.ComparisonOperator == "" { // always there
						return errors.New("the answer has a notification without type or operator")
					}
					all = append(all, my.Notification{On: string(n.NotificationType), Comparison: string(n.ComparisonOperator), Threshold: n.Threshold, Unit: string(n.ThresholdType)})
				}
			}
			b.Notifications = model.Known(all)
			return nil
		}),
	}, {
		Op:    "budgets:DescribeSubscribersForNotification",
		Needs: []string{"budgets.Budget.Notifications"},
		When:  collect.If(func(b *my.Budget) bool { b.Notifications.Get(); return true }),
		Do: collect.PerItem(func(ctx context.Context, b *my.Budget) error {
			all := my.Alerts{}
			for _, n := range b.Notifications.Get() {
				alert := my.Alert{Notification: n}
				pages := budgets.NewDescribeSubscribersForNotificationPaginator(c, &budgets.DescribeSubscribersForNotificationInput{AccountId: &b.Account, BudgetName: &b.ID, MaxResults: aws.Int32(100),
					Notification: &types.Notification{NotificationType: types.NotificationType(n.On), ComparisonOperator: types.ComparisonOperator(n.Comparison), Threshold: n.Threshold, ThresholdType: types.ThresholdType(n.Unit)}})
				for pages.HasMorePages() {
					page, err := pages.NextPage(ctx)
					if err != nil {
						return err
					}
					for _, s := range page.Subscribers {
						if s.SubscriptionType == types.SubscriptionTypeSns {
							alert.Topics = append(alert.Topics, aws.ToString(s.Address))
						} else { // whose address is nobody's business
							alert.Emails++
						}
					}
				}
				all = append(all, alert)
			}
			b.Alerts = model.Known(all)
			return nil
		}),
	}}
}

func budget(at collect.At, b types.Budget) *my.Budget {
	name := aws.ToString(b.BudgetName)
	at.Region = "" // as in its ARN
	out := &my.Budget{
		Meta:      model.Meta{ID: name, ARN: at.ARN("budgets", "budget/"+name), Name: name},
		Type:      model.FromString(b.BudgetType),
		Unit:      model.FromString(b.TimeUnit),
		Limit:     model.Known(""),
		Currency:  model.Known(""),
		Actual:    model.Known(""),
		Forecast:  model.Known(""),
		Unhealthy: model.Known(""),
	}
	if b.TimePeriod != nil {
		out.Ends = model.FromPtr(b.TimePeriod.End)
	}
	if l := b.BudgetLimit; l != nil {
		out.Limit, out.Currency = model.FromPtr(l.Amount), model.FromPtr(l.Unit)
	}
	if s := b.CalculatedSpend; s != nil && s.ActualSpend != nil {
		out.Actual = model.FromPtr(s.ActualSpend.Amount)
	}
	if s := b.CalculatedSpend; s != nil && s.ForecastedSpend != nil {
		out.Forecast = model.FromPtr(s.ForecastedSpend.Amount)
	}
	if h := b.HealthStatus; h != nil && h.Status == types.HealthStatusValueUnhealthy {
		out.Unhealthy = model.FromString(h.StatusReason)
	}
	f := filters{accounts: []string{}, others: []string{}}
	old := b.CostFilters //lint:ignore SA1019 what was made with these filters still answers with them
	for _, key := range slices.Sorted(maps.Keys(old)) {
		if key == "LinkedAccount" {
			f.accounts = append(f.accounts, old[key]...)
		} else {
			f.others = append(f.others, key)
		}
	}
	if b.FilterExpression != nil {
		f.add(*b.FilterExpression)
	}
	// Whoever owns a billing view decides what it shows; the primary one shows all.
	if v := aws.ToString(b.BillingViewArn); v != "" && !strings.HasSuffix(v, "billingview/primary") {
		f.others = append(f.others, "BillingView")
	}
	out.LinkedAccounts, out.Filters = model.Known(f.accounts), model.Known(f.others)
	return out
}

// filters are what narrows a budget: to some linked accounts, and anything else.
type filters struct{ accounts, others []string }

// add takes the parts of an expression that all must hold. What excludes types of charges, such as refunds and credits, makes a budget
// stricter rather than narrower. Source: AWS Cost Management API reference, Expression of AWS Budgets.
func (f *filters) add(e types.Expression) {
	for _, part := range e.And {
		f.add(part)
	}
	exact := func(o types.MatchOption) bool {
		return o == types.MatchOptionEquals || o == types.MatchOptionCaseSensitive || o == types.MatchOptionCaseInsensitive
	}
	if d := e.Dimensions; d != nil && d.Key == types.DimensionLinkedAccount && len(f.accounts) == 0 && !slices.ContainsFunc(d.MatchOptions, func(o types.MatchOption) bool { return !exact(o) }) {
		f.accounts = append(f.accounts, d.Values...)
	} else if d != nil {
		f.others = append(f.others, string(d.Key))
	}
	if n := e.Not; n != nil && (n.Dimensions == nil || n.Dimensions.Key != types.DimensionRecordType) {
		f.others = append(f.others, "Not")
	}
	if len(e.Or) > 0 {
		f.others = append(f.others, "Or")
	}
	if e.Tags != nil {
		f.others = append(f.others, "Tags")
	}
	if e.CostCategories != nil {
		f.others = append(f.others, "CostCategories")
	}
}
