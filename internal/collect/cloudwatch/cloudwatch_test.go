package cloudwatch

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"awsscanner/internal/awstest"
	"awsscanner/internal/collect/collecttest"
)

// line is that of an alarm in a snapshot.
func line(name, rest string) string {
	return `{"kind":"AWS::CloudWatch::Alarm","id":"` + name + `","arn":"arn:` + name + `","name":"` + name + `","account":"111122223333","region":"eu-central-1"` + rest + `}`
}

func listed(name, rest string) string {
	return `{"AlarmName":"` + name + `","AlarmArn":"arn:` + name + `","ActionsEnabled":true,"StateValue":"OK","StateTransitionedTimestamp":{"$time":"2025-12-01T00:00:00.5Z"}` + rest + `}`
}

const (
	first  = `{"AlarmTypes":["CompositeAlarm","MetricAlarm","LogAlarm"],"MaxRecords":100}`
	second = `{"AlarmTypes":["CompositeAlarm","MetricAlarm","LogAlarm"],"MaxRecords":100,"NextToken":"2"}`
	state  = `,"state":"OK","since":"2025-12-01T00:00:00.5Z"`
)

// Two pages, all three types: what an alarm of a type cannot have is none.
func TestAlarms(t *testing.T) {
	got, requests := collecttest.Run(t, Calls, []string{"cloudwatch.Alarm"}, []string{"eu-central-1"}, func(_, _, params string) string {
		switch params {
		case first:
			return `{"MetricAlarms":[` + listed("one", `,"AlarmDescription":"d","AlarmActions":["a"],"OKActions":["b"],"InsufficientDataActions":["c"],"Namespace":"AWS/Billing","MetricName":"EstimatedCharges",
					"Dimensions":[{"Name":"Currency","Value":"USD"}],"ComparisonOperator":"GreaterThanThreshold","Threshold":-1.5`) + `,` +
				listed("math", `,"Metrics":[{"Id":"e","Expression":"a/b"},{"Id":"a","AccountId":"222222222222","MetricStat":{"Metric":{"Namespace":"N","MetricName":"M"},"Period":60,"Stat":"Sum"}}],"ComparisonOperator":"LessThanThreshold","Threshold":0`) + `,` +
				listed("anomaly", `,"Metrics":[{"Id":"band","Expression":"ANOMALY_DETECTION_BAND(m)"}],"ThresholdMetricId":"band","ComparisonOperator":"GreaterThanUpperThreshold"`) + `,` +
				listed("promql", `,"EvaluationCriteria":{"PromQLCriteria":{"Query":"up == 0"}}`) + `,` +
				listed("least", ``) + `],"CompositeAlarms":[],"NextToken":"2"}`
		case second:
			return `{"CompositeAlarms":[` + listed("both", `,"AlarmRule":"ALARM(one)","ActionsSuppressor":"quiet"`) + `],"LogAlarms":[` + listed("log", `,"ComparisonOperator":"GreaterThanThreshold","Threshold":3`) + `]}`
		}
		t.Errorf("unexpected request with %s", params)
		return `!Unexpected`
	})
	const none = `,"alarmActions":[],"okActions":[],"noDataActions":[]` + state
	const plain = `,"rule":"","suppressor":""`
	collecttest.Want(t, got,
		line("one", `,"type":"MetricAlarm","description":"d","actionsEnabled":true,"alarmActions":["a"],"okActions":["b"],"noDataActions":["c"]`+state+plain+
			`,"metrics":[{"namespace":"AWS/Billing","name":"EstimatedCharges","dimensions":{"Currency":"USD"}}],"expressions":[],"comparison":"GreaterThanThreshold","threshold":-1.5,"anomalousThreshold":false`),
		line("math", `,"type":"MetricAlarm","description":"","actionsEnabled":true`+none+plain+`,"metrics":[{"namespace":"N","name":"M","account":"222222222222"}],"expressions":["a/b"],"comparison":"LessThanThreshold","threshold":0,"anomalousThreshold":false`),
		line("anomaly", `,"type":"MetricAlarm","description":"","actionsEnabled":true`+none+plain+`,"metrics":[],"expressions":["ANOMALY_DETECTION_BAND(m)"],"comparison":"GreaterThanUpperThreshold","threshold":0,"anomalousThreshold":true`),
		line("promql", `,"type":"MetricAlarm","description":"","actionsEnabled":true`+none+plain+`,"metrics":[],"expressions":["up == 0"],"comparison":"","threshold":0,"anomalousThreshold":false`),
		line("least", `,"type":"MetricAlarm","description":"","actionsEnabled":true`+none+plain+`,"anomalousThreshold":false`),
		line("both", `,"type":"CompositeAlarm","description":"","actionsEnabled":true`+none+`,"rule":"ALARM(one)","suppressor":"quiet","metrics":[],"expressions":[],"comparison":"","threshold":0,"anomalousThreshold":false`),
		line("log", `,"type":"LogAlarm","description":"","actionsEnabled":true`+none+plain+`,"metrics":[],"expressions":[],"comparison":"GreaterThanThreshold","threshold":3,"anomalousThreshold":false`),
	)
	if want := []string{"eu-central-1 DescribeAlarms", "eu-central-1 DescribeAlarms"}; !slices.Equal(requests, want) {
		t.Errorf("requests %q, want %q", requests, want)
	}
}

// What the list does not tell is a hole; what it told before is kept.
func TestListGaps(t *testing.T) {
	hole := func(reason, detail string) string {
		return `{"unlisted":"AWS::CloudWatch::Alarm","account":"111122223333","region":"eu-central-1","gap":{"reason":"` + reason + `","call":"cloudwatch:DescribeAlarms","detail":"` + detail + `"}}`
	}
	for _, test := range []struct {
		name, first, second string
		want                []string
	}{
		{"empty", `{}`, ``, nil},
		{"denied", `!AccessDeniedException no`, ``, []string{hole("access-denied", "AccessDeniedException: no")}},
		{"no name", `{"MetricAlarms":[{"AlarmArn":"x"}]}`, ``, []string{hole("call-failed", "the answer lists a AWS::CloudWatch::Alarm without an ID")}},
		{"second page denied", `{"CompositeAlarms":[{"AlarmName":"a"}],"NextToken":"2"}`, `!AccessDeniedException no`, []string{hole("access-denied", "AccessDeniedException: no"),
			`{"kind":"AWS::CloudWatch::Alarm","id":"a","name":"a","account":"111122223333","region":"eu-central-1","type":"CompositeAlarm","description":"","alarmActions":[],"okActions":[],"noDataActions":[],"suppressor":"","metrics":[],"expressions":[],"comparison":"","threshold":0,"anomalousThreshold":false}`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _ := collecttest.Run(t, Calls, []string{"cloudwatch.Alarm"}, []string{"eu-central-1"}, func(_, _, params string) string {
				if params == first {
					return test.first
				}
				return test.second
			})
			collecttest.Want(t, got, test.want...)
		})
	}
}

// CloudWatch speaks CBOR. What is recorded of it is JSON, and replays as it was.
func TestRecording(t *testing.T) {
	wire, err := awstest.CBOR([]byte(`{"MetricAlarms":[` + listed("a", `,"Threshold":-2,"EvaluationPeriods":3,"AlarmDescription":"ü <b>"`) + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	describe := func(client aws.HTTPClient) *cloudwatch.DescribeAlarmsOutput {
		t.Helper()
		out, err := cloudwatch.NewFromConfig(awstest.Config("eu-central-1", client)).DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{MaxRecords: aws.Int32(5)})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	recorder := &awstest.Recorder{Client: roundTrip(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/cbor"}}, Body: io.NopCloser(bytes.NewReader(wire)), Request: r}, nil
	})}
	describe(recorder)
	var saved bytes.Buffer
	if err := recorder.Save(&saved, func(string) bool { return true }); err != nil {
		t.Fatal(err)
	}
	if want := `{"op":"cloudwatch:DescribeAlarms","region":"eu-central-1","params":"{\"MaxRecords\":5}","status":200,"type":"application/cbor","json":{"MetricAlarms":[{"ActionsEnabled":true,"AlarmArn":"arn:a","AlarmDescription":"ü <b>",` +
		`"AlarmName":"a","EvaluationPeriods":3,"StateTransitionedTimestamp":{"$time":"2025-12-01T00:00:00.5Z"},"StateValue":"OK","Threshold":-2}]}}`; strings.TrimSpace(saved.String()) != want {
		t.Errorf("saved %s\nwant  %s", saved.String(), want)
	}
	replayer, err := awstest.Replay(&saved)
	if err != nil {
		t.Fatal(err)
	}
	a := describe(replayer).MetricAlarms[0]
	if *a.Threshold != -2 || *a.EvaluationPeriods != 3 || *a.AlarmDescription != "ü <b>" || !a.StateTransitionedTimestamp.Equal(collecttest.Start.AddDate(0, -1, 0).Add(5e8)) {
		t.Errorf("replayed %+v", a)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) Do(r *http.Request) (*http.Response, error) { return f(r) }
