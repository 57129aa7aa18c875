// Package cloudwatch holds the resources of Amazon CloudWatch.
package cloudwatch

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"awsscanner/internal/model"
)

// An Account is the subject of rules about all alarms of an account.
type Account struct {
	model.Meta `scope:"account"`
}

// An Alarm is an alarm of any type: on metrics, on logs, or composite. CloudFormation has a type for each, but they share their names,
// their states and what they do. Its ID is its name.
type Alarm struct {
	model.Meta         `call:"cloudwatch:DescribeAlarms"`
	Type               model.Attr[string]            `json:"type,omitzero"               call:"cloudwatch:DescribeAlarms"` // MetricAlarm, CompositeAlarm or LogAlarm
	Description        model.Attr[string]            `json:"description,omitzero"        call:"cloudwatch:DescribeAlarms"` // "" if none
	ActionsEnabled     model.Attr[bool]              `json:"actionsEnabled,omitzero"     call:"cloudwatch:DescribeAlarms"`
	AlarmActions       model.Attr[[]string]          `json:"alarmActions,omitzero"       call:"cloudwatch:DescribeAlarms" ref:"AWS::SNS::Subscribers"` // ARNs
	OKActions          model.Attr[[]string]          `json:"okActions,omitzero"          call:"cloudwatch:DescribeAlarms"`
	NoDataActions      model.Attr[[]string]          `json:"noDataActions,omitzero"      call:"cloudwatch:DescribeAlarms"` // on INSUFFICIENT_DATA
	State              model.Attr[string]            `json:"state,omitzero"              call:"cloudwatch:DescribeAlarms"` // OK, ALARM or INSUFFICIENT_DATA
	Since              model.Attr[time.Time]         `json:"since,omitzero"              call:"cloudwatch:DescribeAlarms"` // when it came into its state
	Rule               model.Attr[string]            `json:"rule,omitzero"               call:"cloudwatch:DescribeAlarms"` // of a composite alarm; "" of others
	Suppressor         model.Attr[string]            `json:"suppressor,omitzero"         call:"cloudwatch:DescribeAlarms"` // alarm that silences a composite one, by name or ARN; "" if none
	Metrics            model.Attr[[]Metric]          `json:"metrics,omitzero"            call:"cloudwatch:DescribeAlarms"` // that it watches; none unless it is a metric alarm
	Expressions        model.Attr[[]string]          `json:"expressions,omitzero"        call:"cloudwatch:DescribeAlarms"` // of metric math
	Comparison         model.Attr[string]            `json:"comparison,omitzero"         call:"cloudwatch:DescribeAlarms"` // GreaterThanThreshold, ...; "" of a composite alarm
	Threshold          model.Attr[float64]           `json:"threshold,omitzero"          call:"cloudwatch:DescribeAlarms"` // 0 if it has none: where it is composite or anomalous
	AnomalousThreshold model.Attr[bool]              `json:"anomalousThreshold,omitzero" call:"cloudwatch:DescribeAlarms"` // what the metric is expected to be takes the place of a threshold
	Tags               model.Attr[map[string]string] `json:"tags,omitzero" call:"resourcegroupstaggingapi:GetResources"`
}

// A Metric is one that an alarm watches.
type Metric struct {
	Namespace  string            `json:"namespace"`
	Name       string            `json:"name"`
	Account    string            `json:"account,omitempty"` // whose it is, if another's
	Dimensions map[string]string `json:"dimensions,omitempty"`
}

func (*Account) Kind() model.Kind { return "AWS::CloudWatch::Account" }
func (*Alarm) Kind() model.Kind   { return "AWS::CloudWatch::Alarm" }

// Children returns the names and ARNs of the alarms that a composite alarm hears: those in its rule, and its suppressor. Names there may
// stand in quotes, and must if they have spaces or parentheses. Source: CloudWatch API reference, PutCompositeAlarm.
func (a *Alarm) Children() (names []string) {
	for _, word := range ruleWords.FindAllString(a.Rule.Get(), -1) {
		if strings.HasPrefix(word, `"`) {
			names = append(names, strings.ReplaceAll(strings.Trim(word, `"`), `\"`, `"`))
		} else if !slices.Contains(ruleKeywords, word) {
			names = append(names, word)
		}
	}
	if s := a.Suppressor.Get(); s != "" {
		names = append(names, s)
	}
	return names
}

var (
	ruleWords    = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|[^\s(),"]+`)
	ruleKeywords = []string{"ALARM", "OK", "INSUFFICIENT_DATA", "AND", "OR", "NOT", "TRUE", "FALSE", "AT_LEAST"}
)

// TargetTracking reports whether a scaling policy made the alarm and keeps it: nobody else should change it. Sources: EC2 Auto Scaling User
// Guide and Application Auto Scaling User Guide, "Target tracking scaling policies".
func (a *Alarm) TargetTracking() bool {
	return strings.HasPrefix(a.Name, "TargetTracking-") && strings.Contains(a.Description.Get(), "TargetTrackingScaling policy")
}
