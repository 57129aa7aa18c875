package sqs

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/sqs"
	"awsscanner/rules/exposure"
)

var _ = Rules.Add(engine.Rule{
	ID:       "sqs-queue-not-public",
	Title:    "Queue policies let no strangers in",
	Level:    engine.Recommended,
	Severity: engine.Critical,
	Worst:    engine.Critical,
	Least:    engine.Low,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "Whoever may send to a queue feeds its consumers, which trust what they get; whoever may receive reads the messages and, by deleting them, makes " +
		"work vanish. The URL of a queue is no secret: it is built from region, account and name, and a policy with the principal * admits callers who have no AWS account at all.",
	Fix: engine.Fix{
		Text: "Name the accounts or roles in the statement. Where a service sends, name that service, and the resource for which it may in aws:SourceArn. " +
			"Then find out what strangers have done: data events of SQS in CloudTrail, if a trail records them, and messages that no producer of yours has sent.",
		CLI: `aws sqs get-queue-attributes --queue-url <queue-url> --attribute-names Policy --query Attributes.Policy --output text > <before>.json # edit a copy
jq -n --rawfile p <edited>.json '{Policy: $p}' > attributes.json
aws sqs set-queue-attributes --queue-url <queue-url> --attributes file://attributes.json`,
		IaC: `data "aws_iam_policy_document" "queue" {
  statement {
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.<name>.arn]
    principals {
      type        = "Service" # or "AWS", with ARNs; not "*"
      identifiers = ["sns.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = ["<topic-arn>"]
    }
  }
}`,
		Breaks: "Producers and consumers that the policy no longer names: those of other accounts, and services that sent as anyone. The metrics NumberOfMessagesSent and " +
			"NumberOfMessagesReceived of the queue show whether it goes on; events in CloudTrail, by userIdentity, who calls.",
		Undo: `jq -n --rawfile p <before>.json '{Policy: $p}' > <attributes-of-before>.json
aws sqs set-queue-attributes --queue-url <queue-url> --attributes file://<attributes-of-before>.json`,
		Effect: engine.Replaces,
	},
	Reads: []string{"sqs.Queue.Policy"},

	// All other actions are the account's own, whatever a policy says. Source: SQS Developer Guide, "Limitations of Amazon SQS custom policies".
	Check: engine.Each(func(_ *engine.View, q *sqs.Queue) engine.Verdict {
		return exposure.Resource{
			Policy: q.Policy.Get(), ARN: q.ARN, Account: q.Account, Advice: "Name whom it is for",
			Grave: []string{"sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:PurgeQueue"},
			Mild:  []string{"sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListDeadLetterSourceQueues"}, Lesser: engine.Low,
		}.Public()
	}),
})
