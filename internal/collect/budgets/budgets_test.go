package budgets

import (
	"strings"
	"testing"

	"awsscanner/internal/collect/collecttest"
)

func line(name, rest string) string {
	return `{"kind":"AWS::Budgets::Budget","id":"` + name + `","arn":"arn:aws:budgets::111122223333:budget/` + name + `","name":"` + name + `","account":"111122223333"` + rest + `}`
}

// none is what AWS leaves out if there is none.
const none = `,"limit":"","currency":"","actual":"","forecast":""`

// Two pages of budgets, once for the account. A budget is narrow if it counts only some costs: to leave out refunds and credits does not make it so.
func TestBudgets(t *testing.T) {
	const expression = `,"FilterExpression":`
	filters := []struct{ name, answer, accounts, others string }{
		{"all", ``, ``, ``},
		{"primary", `,"BillingViewArn":"arn:aws:billing::111122223333:billingview/primary"`, ``, ``},
		{"view", `,"BillingViewArn":"arn:aws:billing::111122223333:billingview/custom-1"`, ``, `"BillingView"`},
		{"service", `,"CostFilters":{"Service":["x"],"LinkedAccount":["1","2"]}`, `"1","2"`, `"Service"`},
		{"no-credits", expression + `{"Not":{"Dimensions":{"Key":"RECORD_TYPE","Values":["Credit","Refund"]}}}`, ``, ``},
		{"not-region", expression + `{"Not":{"Dimensions":{"Key":"REGION","Values":["x"]}}}`, ``, `"Not"`},
		{"account", expression + `{"And":[{"Dimensions":{"Key":"LINKED_ACCOUNT","Values":["1"],"MatchOptions":["EQUALS"]}},{"Not":{"Dimensions":{"Key":"RECORD_TYPE","Values":["Tax"]}}}]}`, `"1"`, ``},
		{"accounts", expression + `{"And":[{"Dimensions":{"Key":"LINKED_ACCOUNT","Values":["1"]}},{"Dimensions":{"Key":"LINKED_ACCOUNT","Values":["2"]}}]}`, `"1"`, `"LINKED_ACCOUNT"`},
		{"prefix", expression + `{"Dimensions":{"Key":"LINKED_ACCOUNT","Values":["1"],"MatchOptions":["STARTS_WITH"]}}`, ``, `"LINKED_ACCOUNT"`},
		{"or", expression + `{"Or":[{"Tags":{"Key":"a"}},{"Tags":{"Key":"b"}}]}`, ``, `"Or"`},
		{"tag", expression + `{"Tags":{"Key":"a"}}`, ``, `"Tags"`},
		{"category", expression + `{"CostCategories":{"Key":"a"}}`, ``, `"CostCategories"`},
	}
	var items, want []string
	for _, f := range filters {
		items = append(items, `{"BudgetName":"`+f.name+`"`+f.answer+`}`)
		want = append(want, line(f.name, none+`,"linkedAccounts":[`+f.accounts+`],"filters":[`+f.others+`],"unhealthy":""`))
	}
	want = append(want, line("monthly", `,"type":"COST","unit":"MONTHLY","ends":"2026-01-01T00:00:00Z","limit":"100.5","currency":"USD","actual":"1","forecast":"2","linkedAccounts":[],"filters":[],"unhealthy":"BILLING_VIEW_NO_ACCESS"`))
	got, requests := collecttest.Run(t, Calls, []string{"budgets.Budget"}, []string{"eu-central-1", "us-east-1"}, func(_, _, params string) string {
		switch params {
		case `{"AccountId":"111122223333","MaxResults":1000,"ShowFilterExpression":true}`:
			return `{"Budgets":[` + strings.Join(items, ",") + `],"NextToken":"2"}`
		case `{"AccountId":"111122223333","MaxResults":1000,"NextToken":"2","ShowFilterExpression":true}`:
			return `{"Budgets":[{"BudgetName":"monthly","BudgetType":"COST","TimeUnit":"MONTHLY","TimePeriod":{"Start":1,"End":1767225600},"BudgetLimit":{"Amount":"100.5","Unit":"USD"},
				"CalculatedSpend":{"ActualSpend":{"Amount":"1","Unit":"USD"},"ForecastedSpend":{"Amount":"2","Unit":"USD"}},"HealthStatus":{"Status":"UNHEALTHY","StatusReason":"BILLING_VIEW_NO_ACCESS"}}]}`
		}
		t.Errorf("unexpected request with %s", params)
		return `!Unexpected`
	})
	collecttest.Want(t, got, want...)
	if len(requests) != 2 {
		t.Errorf("requests %q", requests)
	}
}

const rest = none + `,"linkedAccounts":[],"filters":[],"unhealthy":""`

// Two pages of notifications, and of subscribers. Addresses of people are not kept.
func TestAlerts(t *testing.T) {
	const (
		first  = `{"NotificationType":"ACTUAL","ComparisonOperator":"GREATER_THAN","Threshold":80.5,"ThresholdType":"PERCENTAGE"}`
		second = `{"NotificationType":"FORECASTED","ComparisonOperator":"LESS_THAN","Threshold":0}`
	)
	answers := map[string]string{
		`{"AccountId":"111122223333","MaxResults":1000,"ShowFilterExpression":true}`:     `{"Budgets":[{"BudgetName":"b"},{"BudgetName":"silent"}]}`,
		`{"AccountId":"111122223333","BudgetName":"b","MaxResults":100}`:                 `{"Notifications":[` + first + `],"NextToken":"2"}`,
		`{"AccountId":"111122223333","BudgetName":"b","MaxResults":100,"NextToken":"2"}`: `{"Notifications":[` + second + `]}`,
		`{"AccountId":"111122223333","BudgetName":"silent","MaxResults":100}`:            `{"Notifications":[]}`,
		`{"AccountId":"111122223333","BudgetName":"b","MaxResults":100,"Notification":{"ComparisonOperator":"GREATER_THAN","NotificationType":"ACTUAL","Threshold":80.5,"ThresholdType":"PERCENTAGE"}}`: `{"Subscribers":[
			{"SubscriptionType":"EMAIL","Address":"a@acme.example"},{"SubscriptionType":"SNS","Address":"arn:t"}],"NextToken":"2"}`,
		`{"AccountId":"111122223333","BudgetName":"b","MaxResults":100,"NextToken":"2","Notification":{"ComparisonOperator":"GREATER_THAN","NotificationType":"ACTUAL","Threshold":80.5,"ThresholdType":"PERCENTAGE"}}`: `{"Subscribers":[{"SubscriptionType":"EMAIL","Address":"b@acme.example"}]}`,
		`{"AccountId":"111122223333","BudgetName":"b","MaxResults":100,"Notification":{"ComparisonOperator":"LESS_THAN","NotificationType":"FORECASTED","Threshold":0}}`:                                                `{"Subscribers":[]}`,
	}
	got, requests := collecttest.Run(t, Calls, []string{"budgets.Budget.Alerts"}, []string{"eu-central-1"}, func(_, op, params string) string {
		answer, ok := answers[params]
		if !ok {
			t.Errorf("unexpected %s with %s", op, params)
		}
		return answer
	})
	const n1, n2 = `"on":"ACTUAL","comparison":"GREATER_THAN","threshold":80.5,"unit":"PERCENTAGE"`, `"on":"FORECASTED","comparison":"LESS_THAN","threshold":0`
	collecttest.Want(t, got,
		line("b", rest+`,"notifications":[{`+n1+`},{`+n2+`}],"alerts":[{`+n1+`,"emails":2,"topics":["arn:t"]},{`+n2+`}]`),
		line("silent", rest+`,"notifications":[],"alerts":[]`))
	if len(requests) != len(answers) {
		t.Errorf("%d requests: %q", len(requests), requests)
	}
}

// Whoever may not see billing is denied all of it; what fails later leaves the alerts unknown.
func TestGaps(t *testing.T) {
	const n = `{"Notifications":[{"NotificationType":"ACTUAL","ComparisonOperator":"GREATER_THAN","Threshold":80}]}`
	gap := func(op, reason, detail string) string {
		return `{"reason":"` + reason + `","call":"budgets:` + op + `","detail":"` + detail + `"}`
	}
	for _, test := range []struct{ op, answer, want string }{
		{"DescribeBudgets", `!AccessDeniedException no`, `{"unlisted":"AWS::Budgets::Budget","account":"111122223333","gap":` + gap("DescribeBudgets", "access-denied", "AccessDeniedException: no") + `}`},
		{"DescribeNotificationsForBudget", `!NotFoundException gone`, line("b", `,"gaps":[`+gap("DescribeNotificationsForBudget", "call-failed", "NotFoundException: gone")+`,`+
			gap("DescribeSubscribersForNotification", "call-failed", "needs budgets:DescribeNotificationsForBudget")+`]`+rest)},
		{"DescribeNotificationsForBudget", `{"Notifications":[{}]}`, line("b", `,"gaps":[`+gap("DescribeNotificationsForBudget", "call-failed", "the answer has a notification without type or operator")+`,`+
			gap("DescribeSubscribersForNotification", "call-failed", "needs budgets:DescribeNotificationsForBudget")+`]`+rest)},
		{"DescribeSubscribersForNotification", `!AccessDeniedException no`, line("b", `,"gaps":[`+gap("DescribeSubscribersForNotification", "access-denied", "AccessDeniedException: no")+`]`+rest+
			`,"notifications":[{"on":"ACTUAL","comparison":"GREATER_THAN","threshold":80}]`)},
	} {
		t.Run(test.op, func(t *testing.T) {
			got, _ := collecttest.Run(t, Calls, []string{"budgets.Budget.Alerts"}, []string{"eu-central-1"}, func(_, op, _ string) string {
				switch op {
				case test.op:
					return test.answer
				case "DescribeBudgets":
					return `{"Budgets":[{"BudgetName":"b"}]}`
				}
				return n
			})
			collecttest.Want(t, got, test.want)
		})
	}
}
