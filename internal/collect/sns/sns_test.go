package sns

import (
	"slices"
	"testing"

	"awsscanner/internal/collect/collecttest"
)

const prefix = "arn:aws:sns:eu-central-1:111122223333:"

func topic(name, rest string) string {
	return `{"kind":"AWS::SNS::Topic","id":"` + prefix + name + `","arn":"` + prefix + name + `","name":"` + name + `","account":"111122223333","region":"eu-central-1"` + rest + `}`
}

func listed(names ...string) string {
	xml := "<Topics>"
	for _, n := range names {
		xml += "<member><TopicArn>" + prefix + n + "</TopicArn></member>"
	}
	return xml + "</Topics>"
}

func attributes(pairs ...string) string {
	xml := "<Attributes>"
	for i := 0; i < len(pairs); i += 2 {
		xml += "<entry><key>" + pairs[i] + "</key><value>" + pairs[i+1] + "</value></entry>"
	}
	return xml + "</Attributes>"
}

// Two pages. Without a key the attribute is left out; without the policy, which every topic has, the answer says nothing, as
// that it may show less to some callers; a denial is a gap.
func TestTopics(t *testing.T) {
	answers := map[string]string{
		"all": attributes("TopicArn", "x", "Policy", `{"Version":"2008-10-17"}`, "KmsMasterKeyId", "alias/aws/sns", "SubscriptionsConfirmed", "3", "SubscriptionsPending", "1",
			"SQSFailureFeedbackRoleArn", "arn:aws:iam::111122223333:role/r", "HTTPFailureFeedbackRoleArn", "arn:aws:iam::111122223333:role/r", "HTTPSuccessFeedbackSampleRate", "100"),
		"plain":       attributes("TopicArn", "x", "Policy", `{}`, "SubscriptionsConfirmed", "0"),
		"empty":       attributes(),
		"half":        attributes("TopicArn", "x", "SubscriptionsConfirmed", "3"),
		"denied":      `!AuthorizationError no`,
		"gone":        `!NotFound Topic does not exist`,
		"events.fifo": attributes("Policy", `{}`, "KmsMasterKeyId", "k", "SubscriptionsConfirmed", "many"),
	}
	got, requests := collecttest.Run(t, Calls, []string{"sns.Topic.Policy"}, []string{"eu-central-1"}, func(_, op, params string) string {
		switch {
		case op == "ListTopics" && params == "":
			return listed("all", "plain", "empty", "half") + "<NextToken>2</NextToken>"
		case op == "ListTopics" && params == "NextToken=2":
			return listed("denied", "gone", "events.fifo")
		case op == "GetTopicAttributes":
			for name, answer := range answers {
				if params == "TopicArn=arn%3Aaws%3Asns%3Aeu-central-1%3A111122223333%3A"+name {
					return answer
				}
			}
		}
		t.Errorf("unexpected %s with %s", op, params)
		return `!Unexpected`
	})
	collecttest.Want(t, got,
		topic("all", `,"policy":"{\"Version\":\"2008-10-17\"}","kmsKey":"alias/aws/sns","confirmed":3,"pending":1,"logsOf":["HTTP","SQS"]`),
		topic("plain", `,"policy":"{}","kmsKey":"","confirmed":0,"logsOf":[]`),
		topic("empty", ``), topic("half", ``),
		topic("denied", `,"gaps":[{"reason":"access-denied","call":"sns:GetTopicAttributes","detail":"AuthorizationError: no"}]`),
		topic("gone", `,"gaps":[{"reason":"call-failed","call":"sns:GetTopicAttributes","detail":"NotFound: Topic does not exist"}]`),
		topic("events.fifo", `,"policy":"{}","kmsKey":"k","logsOf":[]`),
	)
	if want := slices.Concat(slices.Repeat([]string{"eu-central-1 GetTopicAttributes"}, 7), slices.Repeat([]string{"eu-central-1 ListTopics"}, 2)); !slices.Equal(requests, want) {
		t.Errorf("requests %q, want %q", requests, want)
	}
}

// A list that fails on its second page keeps what the first one showed, and leaves a hole.
func TestSecondPageDenied(t *testing.T) {
	got, _ := collecttest.Run(t, Calls, []string{"sns.Topic"}, []string{"eu-central-1"}, func(_, _, params string) string {
		if params == "" {
			return listed("a") + "<NextToken>2</NextToken>"
		}
		return `!AuthorizationError no`
	})
	collecttest.Want(t, got, topic("a", ""),
		`{"unlisted":"AWS::SNS::Topic","account":"111122223333","region":"eu-central-1","gap":{"reason":"access-denied","call":"sns:ListTopics","detail":"AuthorizationError: no"}}`)
}
