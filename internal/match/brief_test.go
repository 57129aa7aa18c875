package match

import (
	"testing"

	"awsscanner/internal/engine"
)

func TestBrief(t *testing.T) {
	for want, c := range map[string]Condition{
		"": {},
		"rule s3-* or sqs-*, account 1, region eu-*, resource x, severity high, stack s, tag team shop or web": {Rule: []string{"s3-*", "sqs-*"}, Account: []string{"1"}, Region: []string{"eu-*"}, Resource: []string{"x"},
			Severity: []engine.Severity{engine.High}, Stack: []string{"s"}, Tags: map[string][]string{"team": {"shop", "web"}}},
		"rule a, (account 1) or (account 2, region r), not (kind k)": {Rule: []string{"a"}, Any: []Condition{{Account: []string{"1"}}, {Account: []string{"2"}, Region: []string{"r"}}}, Not: &Condition{Kind: []string{"k"}}},
		"(rule a) and (rule b)": {All: []Condition{{Rule: []string{"a"}}, {Rule: []string{"b"}}}},
		"rule a":                {All: []Condition{{Rule: []string{"a"}}}},
	} {
		if got := c.Brief(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
