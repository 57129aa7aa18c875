package sqs

import (
	"slices"
	"strings"
	"testing"

	"awsscanner/internal/collect/collecttest"
)

const prefix = `{"kind":"AWS::SQS::Queue","id":"https://q/1/`

func meta(name string) string {
	return prefix + name + `","arn":"arn:aws:sqs:eu-central-1:111122223333:` + name + `","name":"` + name + `","account":"111122223333","region":"eu-central-1"`
}

// Two pages; a count as number and as text; what is absent is none; an answer without the queue's
// ARN says nothing; a garbled policy and a denial leave gaps of their own.
func TestQueues(t *testing.T) {
	got, requests := collecttest.Run(t, Calls, []string{"sqs.Queue.KMSKey"}, []string{"eu-central-1"}, func(_, op, params string) string {
		switch {
		case op == "ListQueues" && !strings.Contains(params, "NextToken"):
			return `{"QueueUrls":["https://q/1/a","https://q/1/b","https://q/1/c"],"NextToken":"2"}`
		case op == "ListQueues":
			return `{"QueueUrls":["https://q/1/d","https://q/1/e"]}`
		case strings.Contains(params, "q/1/a"):
			return `{"Attributes":{"QueueArn":"a","SqsManagedSseEnabled":"true","MessageRetentionPeriod":"345600","ApproximateNumberOfMessages":"2","ApproximateNumberOfMessagesNotVisible":"1","VisibilityTimeout":"30","ReceiveMessageWaitTimeSeconds":"0","CreatedTimestamp":"1767225600","Policy":"{}","RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:d\",\"maxReceiveCount\":\"5\"}"}}`
		case strings.Contains(params, "q/1/b"):
			return `!AccessDenied no`
		case strings.Contains(params, "q/1/c"):
			return `{"Attributes":{"QueueArn":"c","RedrivePolicy":"garbled"}}`
		case strings.Contains(params, "q/1/d"):
			return `{"Attributes":{"QueueArn":"d","RedriveAllowPolicy":"{\"redrivePermission\":\"byQueue\",\"sourceQueueArns\":[\"x\"]}","RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:d\",\"maxReceiveCount\":3}"}}`
		}
		return `{}`
	})
	collecttest.Want(t, got,
		meta("a")+`,"deadLetterArn":"arn:d","maxReceives":5,"redriveAllow":"","policy":"{}","kmsKey":"","managedSse":true,"messages":2,"inFlight":1,"retentionSeconds":345600,"visibilitySeconds":30,"waitSeconds":0,"created":"2026-01-01T00:00:00Z"}`,
		meta("b")+`,"gaps":[{"reason":"access-denied","call":"sqs:GetQueueAttributes","detail":"AccessDenied: no"}]}`,
		meta("c")+`,"gaps":[{"reason":"call-failed","call":"sqs:GetQueueAttributes","detail":"invalid character 'g' looking for beginning of value"}]}`,
		meta("d")+`,"deadLetterArn":"arn:d","maxReceives":3,"redriveAllow":"byQueue","policy":"","kmsKey":""}`,
		meta("e")+`}`,
	)
	if n := len(slices.Compact(requests)); len(requests) != 7 || n != 2 {
		t.Errorf("requests %q", requests)
	}
}

// A list that fails on its second page keeps what the first one showed, and leaves a hole.
func TestSecondPageDenied(t *testing.T) {
	got, requests := collecttest.Run(t, Calls, []string{"sqs.Queue"}, []string{"eu-central-1"}, func(_, op, params string) string {
		if !strings.Contains(params, "NextToken") {
			return `{"QueueUrls":["https://q/1/a"],"NextToken":"2"}`
		}
		return `!AccessDenied not authorized, with an explicit deny in a service control policy, RequestId: 1-2-3`
	})
	collecttest.Want(t, got, meta("a")+`}`,
		`{"unlisted":"AWS::SQS::Queue","account":"111122223333","region":"eu-central-1","gap":{"reason":"access-denied-scp","call":"sqs:ListQueues","detail":"AccessDenied: not authorized, with an explicit deny in a service control policy"}}`)
	if len(requests) != 2 {
		t.Errorf("nobody reads what %q tell", requests)
	}
}
