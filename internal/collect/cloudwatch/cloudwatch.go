// Package cloudwatch collects from Amazon CloudWatch.
package cloudwatch

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
	my "awsscanner/internal/model/cloudwatch"
)

func Calls(at collect.At) []collect.Call {
	c := cloudwatch.NewFromConfig(at.Config)
	return []collect.Call{{
		Op:    "cloudwatch:DescribeAlarms",
		Lists: []model.Resource{&my.Alarm{}},
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			pages := cloudwatch.NewDescribeAlarmsPaginator(c, &cloudwatch.DescribeAlarmsInput{
				MaxRecords: aws.Int32(100),
				AlarmTypes: types.AlarmType("").Values(), // without them it tells of metric alarms alone
			})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, a := range page.MetricAlarms {
					found(metricAlarm(a))
				}
				for _, a := range page.CompositeAlarms {
					found(compositeAlarm(a))
				}
				for _, a := range page.LogAlarms {
					found(logAlarm(a))
				}
			}
			return nil
		}),
	}}
}

func metricAlarm(a types.MetricAlarm) *my.Alarm {
	out := &my.Alarm{
		Meta:               model.Meta{ID: aws.ToString(a.AlarmName), ARN: aws.ToString(a.AlarmArn), Name: aws.ToString(a.AlarmName)},
		Type:               model.FromString(types.AlarmTypeMetricAlarm),
		Description:        model.OrNone(a.AlarmDescription),
		ActionsEnabled:     model.FromPtr(a.ActionsEnabled),
		AlarmActions:       model.Known(a.AlarmActions),
		OKActions:          model.Known(a.OKActions),
		NoDataActions:      model.Known(a.InsufficientDataActions),
		State:              model.FromString(a.StateValue),
		Since:              model.FromPtr(a.StateTransitionedTimestamp),
		Rule:               model.Known(""),
		Suppressor:         model.Known(""),
		Comparison:         model.FromString(a.ComparisonOperator),
		Threshold:          model.FromPtr(a.Threshold),
		AnomalousThreshold: model.Known(a.ThresholdMetricId != nil),
	}
	if a.ThresholdMetricId != nil {
		out.Threshold = model.OrNone(a.Threshold)
	}
	metrics, expressions := []my.Metric{}, []string{}
	if a.MetricName != nil { // else it watches several
		metrics = append(metrics, my.Metric{Namespace: aws.ToString(a.Namespace), Name: *a.MetricName, Dimensions: dimensions(a.Dimensions)})
	}
	for _, q := range a.Metrics {
		if q.Expression != nil {
			expressions = append(expressions, *q.Expression)
		}
		if q.MetricStat != nil && q.MetricStat.Metric != nil {
			m := q.MetricStat.Metric
			metrics = append(metrics, my.Metric{Namespace: aws.ToString(m.Namespace), Name: aws.ToString(m.MetricName), Account: aws.ToString(q.AccountId), Dimensions: dimensions(m.Dimensions)})
		}
	}
	if p, ok := a.EvaluationCriteria.(*types.EvaluationCriteriaMemberPromQLCriteria); ok {
		expressions = append(expressions, aws.ToString(p.Value.Query))
		out.Comparison, out.Threshold = model.Known(string(a.ComparisonOperator)), model.OrNone(a.Threshold) // the query compares
	}
	if len(metrics)+len(expressions) > 0 { // always one of them is there
		out.Metrics, out.Expressions = model.Known(metrics), model.Known(expressions)
	}
	return out
}

func compositeAlarm(a types.CompositeAlarm) *my.Alarm {
	return &my.Alarm{
		Meta:               model.Meta{ID: aws.ToString(a.AlarmName), ARN: aws.ToString(a.AlarmArn), Name: aws.ToString(a.AlarmName)},
		Type:               model.FromString(types.AlarmTypeCompositeAlarm),
		Description:        model.OrNone(a.AlarmDescription),
		ActionsEnabled:     model.FromPtr(a.ActionsEnabled),
		AlarmActions:       model.Known(a.AlarmActions),
		OKActions:          model.Known(a.OKActions),
		NoDataActions:      model.Known(a.InsufficientDataActions),
		State:              model.FromString(a.StateValue),
		Since:              model.FromPtr(a.StateTransitionedTimestamp),
		Rule:               model.FromPtr(a.AlarmRule),
		Suppressor:         model.OrNone(a.ActionsSuppressor),
		Metrics:            model.Known([]my.Metric{}),
		Expressions:        model.Known([]string{}),
		Comparison:         model.Known(""),
		Threshold:          model.Known(0.0),
		AnomalousThreshold: model.Known(false),
	}
}

func logAlarm(a types.LogAlarm) *my.Alarm {
	return &my.Alarm{
		Meta:               model.Meta{ID: aws.ToString(a.AlarmName), ARN: aws.ToString(a.AlarmArn), Name: aws.ToString(a.AlarmName)},
		Type:               model.FromString(types.AlarmTypeLogAlarm),
		Description:        model.OrNone(a.AlarmDescription),
		ActionsEnabled:     model.FromPtr(a.ActionsEnabled),
		AlarmActions:       model.Known(a.AlarmActions),
		OKActions:          model.Known(a.OKActions),
		NoDataActions:      model.Known(a.InsufficientDataActions),
		State:              model.FromString(a.StateValue),
		Since:              model.FromPtr(a.StateTransitionedTimestamp),
		Rule:               model.Known(""),
		Suppressor:         model.Known(""),
		Metrics:            model.Known([]my.Metric{}),
		Expressions:        model.Known([]string{}),
		Comparison:         model.FromString(a.ComparisonOperator),
		Threshold:          model.FromPtr(a.Threshold),
		AnomalousThreshold: model.Known(false),
	}
}

func dimensions(in []types.Dimension) map[string]string {
	out := make(map[string]string, len(in))
	for _, d := range in {
		out[aws.ToString(d.Name)] = aws.ToString(d.Value)
	}
	return out
}
