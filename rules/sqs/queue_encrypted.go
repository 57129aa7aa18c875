package sqs

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/sqs"
)

type queueEncrypted struct {
	RequireKMS bool `json:"require_kms"` // SSE-SQS, with a key that SQS owns, is not enough
}

var _ = Rules.Add(engine.Rule{
	ID:       "sqs-queue-encrypted",
	Title:    "Queues are encrypted at rest",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.Medium,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "Messages wait in a queue for up to two weeks. SQS has encrypted new queues by itself since 2022, so that one without encryption is old, or somebody has " +
		"switched it off. Encryption with a key that SQS owns costs nothing and changes nothing for anybody; a KMS key is a second lock besides, with a policy and a log of its own.",
	Fix: engine.Fix{
		Text: "Switch on SSE-SQS. Only messages that come in afterwards are encrypted. Take a KMS key where its use has to be controlled or logged: its policy must then admit " +
			"all who send and receive, AWS services included, which needs a customer managed key.",
		CLI: `aws sqs set-queue-attributes --queue-url <queue-url> --attributes SqsManagedSseEnabled=true
# with a KMS key instead
aws sqs set-queue-attributes --queue-url <queue-url> --attributes KmsMasterKeyId=<key-arn>`,
		IaC: `resource "aws_sqs_queue" "<name>" {
  sqs_managed_sse_enabled = true # or kms_master_key_id = "<key-arn>"
}`,
		Breaks: "With SSE-SQS nobody but clients that do not sign or speak plain HTTP: such requests are refused. With a KMS key: producers without kms:GenerateDataKey and kms:Decrypt, consumers " +
			"without kms:Decrypt, and services such as SNS, S3 and EventBridge that the key policy does not name. Watch NumberOfMessagesSent.",
		Undo:   `aws sqs set-queue-attributes --queue-url <queue-url> --attributes SqsManagedSseEnabled=false # or KmsMasterKeyId=`,
		Effect: engine.Replaces,
	},
	Reads: []string{"sqs.Queue.KMSKey", "sqs.Queue.ManagedSSE"},

	Check: engine.EachWith(queueEncrypted{}, func(_ *engine.View, p *queueEncrypted, q *sqs.Queue) engine.Verdict {
		switch {
		case q.KMSKey.Get() != "":
			return engine.Pass()
		case !q.ManagedSSE.Get(): // which not every answer has: what is missing is not false
			return engine.Fail("KmsMasterKeyId is not set and SqsManagedSseEnabled is false: messages are not encrypted at rest. Switch on one of them").
				With("sqsManagedSseEnabled", q.ManagedSSE)
		case p.RequireKMS:
			return engine.Fail("SqsManagedSseEnabled is true, but KmsMasterKeyId is not set: the queue is encrypted with a key that SQS owns, whose use you neither control nor see. Set a KMS key").
				With("sqsManagedSseEnabled", q.ManagedSSE).As(engine.Low)
		}
		return engine.Pass()
	}),
})
