package sns

import (
	"slices"
	"strings"
	"testing"

	"awsscanner/internal/collect"
	"awsscanner/internal/collect/cloudwatch"
	"awsscanner/internal/collect/collecttest"
)

const (
	own, other = "arn:aws:sns:eu-central-1:111122223333:", "arn:aws:sns:us-east-1:999988887777:"
	pending    = `<member><SubscriptionArn>PendingConfirmation</SubscriptionArn></member>`
	deleted    = `<member><SubscriptionArn>Deleted</SubscriptionArn></member>`
	confirmed  = `<member><SubscriptionArn>arn:aws:sns:eu-central-1:999988887777:t:1</SubscriptionArn></member>`
)

// Each topic that something refers to is asked about once, in its region, up to the page with a confirmed subscription. One that is gone
// is absent; what another account does not show is outside of the scan.
func TestSubscribers(t *testing.T) {
	topics := map[string][]string{ // pages
		own + "good":      {pending, confirmed, `unread`},
		own + "pending":   {pending + deleted},
		own + "deleted":   {deleted},
		own + "none":      {``},
		own + "gone":      {`!NotFound Topic does not exist`},
		own + "cut":       {pending, `!InternalError no`},
		own + "denied":    {`!AuthorizationError no`},
		other + "foreign": {`!AuthorizationError no`},
		other + "shared":  {confirmed},
	}
	actions := []string{`"arn:aws:lambda:eu-central-1:111122223333:function:f"`, `"` + own + `good"`}
	for topic := range topics {
		actions = append(actions, `"`+topic+`"`)
	}
	calls := func(at collect.At) []collect.Call { return append(cloudwatch.Calls(at), Subscribers(at)...) }
	got, requests := collecttest.Run(t, calls, []string{"cloudwatch.Alarm.AlarmActions", "sns.Subscribers.Confirmed"}, []string{"eu-central-1"}, func(region, op, params string) string {
		if op == "DescribeAlarms" {
			return `{"MetricAlarms":[{"AlarmName":"a","AlarmActions":[` + strings.Join(actions, ",") + `]}]}`
		}
		params = strings.ReplaceAll(params, "%3A", ":")
		page := 0
		if rest, ok := strings.CutPrefix(params, "NextToken="); ok {
			page, params = int(rest[0]-'0'), rest[2:]
		}
		topic := strings.TrimPrefix(params, "TopicArn=")
		if page >= len(topics[topic]) || topics[topic][page] == "unread" || !strings.Contains(topic, ":"+region+":") {
			t.Errorf("unexpected %s of %s in %s", op, params, region)
		} else if answer := topics[topic][page]; strings.HasPrefix(answer, "!") {
			return answer
		} else if answer = `<Subscriptions>` + answer + `</Subscriptions>`; page+1 < len(topics[topic]) {
			return answer + `<NextToken>` + string(rune('1'+page)) + `</NextToken>`
		} else {
			return answer
		}
		return `!Unexpected`
	})
	line := func(arn, account, region, rest string) string {
		name := arn[strings.LastIndexByte(arn, ':')+1:]
		return `{"kind":"AWS::SNS::Subscribers","id":"` + arn + `","arn":"` + arn + `","name":"` + name + `","account":"` + account + `","region":"` + region + `"` + rest + `}`
	}
	here := func(name, confirmed, pending string) string {
		return line(own+name, "111122223333", "eu-central-1", `,"confirmed":`+confirmed+`,"pending":`+pending)
	}
	hole := func(topic, reason, detail string) string {
		return `{"unlisted":"AWS::SNS::Subscribers","account":"111122223333","region":"eu-central-1","id":"` + topic + `","gap":{"reason":"` + reason + `","call":"sns:ListSubscriptionsByTopic","detail":"` + detail + `"}}`
	}
	var rest []string
	for _, l := range strings.Split(got, "\n") {
		if !strings.Contains(l, `"AWS::CloudWatch::Alarm"`) || strings.HasPrefix(l, `{"schema"`) {
			rest = append(rest, l)
		}
	}
	collecttest.Want(t, strings.Join(rest, "\n"),
		here("good", "true", "true"), here("pending", "false", "true"), here("deleted", "false", "false"), here("none", "false", "false"),
		line(other+"shared", "999988887777", "us-east-1", `,"shared":["111122223333"],"confirmed":true,"pending":false`),
		`{"absent":"AWS::SNS::Subscribers","account":"111122223333","region":"eu-central-1","id":"`+own+`gone"}`,
		hole(own+"denied", "access-denied", "AuthorizationError: no"), hole(own+"cut", "call-failed", "InternalError: no"),
		hole(other+"foreign", "outside-scan", "account 999988887777 owns it and does not let this one read it"),
	)
	if n := len(requests); n != 1+len(topics)+2 { // a second page of two topics
		t.Errorf("%d requests: %q", n, slices.Compact(requests))
	}
}
