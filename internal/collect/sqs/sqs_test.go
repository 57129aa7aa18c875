package sqs

import (
	"strings"
	"testing"

	"awsscanner/internal/collect/collecttest"
)

func TestQueues(t *testing.T) {
	got, _ := collecttest.Run(t, Calls, []string{"sqs.Queue.KMSKey"}, []string{"eu-central-1"}, func(_, action, body string) string {
		switch {
		case action == "ListQueues" && !strings.Contains(body, "NextToken"):
			return `{"QueueUrls":["https://q/1/a","https://q/1/b","https://q/1/c"],"NextToken":"2"}`
		case action == "ListQueues":
			return `!AccessDenied not authorized, with an explicit deny in a service control policy, RequestId: 1-2-3`
		case strings.Contains(body, "q/1/a"):
			return `{"Attributes":{"SqsManagedSseEnabled":"true","RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:d\"}"}}`
		case strings.Contains(body, "q/1/c"):
			return `{"Attributes":{"RedrivePolicy":"garbled"}}`
		default:
			return `!AccessDenied no`
		}
	})
	collecttest.Want(t, got,
		`{"kind":"AWS::SQS::Queue","id":"https://q/1/a","arn":"arn:aws:sqs:eu-central-1:111122223333:a","name":"a","account":"111122223333","region":"eu-central-1","deadLetterArn":"arn:d","kmsKey":"","managedSse":true}`,
		`{"kind":"AWS::SQS::Queue","id":"https://q/1/b","arn":"arn:aws:sqs:eu-central-1:111122223333:b","name":"b","account":"111122223333","region":"eu-central-1","gaps":[{"reason":"access-denied","call":"sqs:GetQueueAttributes","detail":"AccessDenied: no"}]}`,
		`{"kind":"AWS::SQS::Queue","id":"https://q/1/c","arn":"arn:aws:sqs:eu-central-1:111122223333:c","name":"c","account":"111122223333","region":"eu-central-1","gaps":[{"reason":"call-failed","call":"sqs:GetQueueAttributes","detail":"invalid character 'g' looking for beginning of value"}]}`,
		`{"unlisted":"AWS::SQS::Queue","account":"111122223333","region":"eu-central-1","gap":{"reason":"access-denied-scp","call":"sqs:ListQueues","detail":"AccessDenied: not authorized, with an explicit deny in a service control policy"}}`,
	)
}
