package sqs

import (
	"errors"
	"fmt"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/model/sqs"
)

type dlqEmpty struct {
	MaxMessages int `json:"max_messages"`
}

func (p *dlqEmpty) Validate() error {
	if p.MaxMessages < 0 {
		return errors.New("max_messages must not be negative")
	}
	return nil
}

var _ = Rules.Add(engine.Rule{
	ID:       "sqs-dlq-empty",
	Volatile: true,
	Title:    "Dead-letter queues hold no messages",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.Medium,
	Pillars:  []engine.Pillar{engine.OperationalExcellence, engine.Reliability},
	Why: "Each message in a dead-letter queue is work that was not done: an order not shipped, an invoice not sent. It waits there for somebody to look, but not for ever: " +
		"when the retention period is over SQS deletes it, and nothing tells of the loss.",
	Fix: engine.Fix{
		Text: "Look at some of the messages and at the logs of the consumer, repair it, then move the messages back. If there are too many to be handled in time, raise the retention period first. " +
			"Put an alarm on ApproximateNumberOfMessagesVisible of the queue, so that the next one is noticed.",
		CLI: `aws sqs receive-message --queue-url <dlq-url> --max-number-of-messages 10 --visibility-timeout 60 --attribute-names All
# time to repair the consumer
aws sqs set-queue-attributes --queue-url <dlq-url> --attributes MessageRetentionPeriod=1209600
# once it is repaired
aws sqs start-message-move-task --source-arn <dlq-arn>`,
		IaC: `resource "aws_cloudwatch_metric_alarm" "<name>" {
  alarm_name          = "<dlq>-not-empty"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = "<dlq>" }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  alarm_actions       = ["<topic-arn>"]
}`,
		Breaks: "Messages that are moved back are processed, some of them perhaps for the second time, and all at once: check that the consumer can stand that, or set " +
			"--max-number-of-messages-per-second. A move keeps no order, and a consumer that still fails fills the queue again.",
		Undo: `aws sqs cancel-message-move-task --task-handle <task-handle>
What has been moved is done.`,
		Effect: engine.Replaces,
	},
	Reads: []string{"sqs.Queue.DeadLetterARN", "sqs.Queue.RedriveAllow", "sqs.Queue.Messages", "sqs.Queue.RetentionSecs"},

	// SNS, Lambda and EventBridge have dead-letter queues too, which nothing here tells from others.
	Check: engine.EachWith(dlqEmpty{}, func(v *engine.View, p *dlqEmpty, q *sqs.Queue) engine.Verdict {
		why := deadLetters(v, q)
		if why == "" {
			return engine.NotApplicable("no other queue here names it as its dead-letter queue")
		}
		n := q.Messages.Get()
		if n <= p.MaxMessages {
			return engine.Pass()
		}
		text := fmt.Sprintf("ApproximateNumberOfMessages is %d, but should be at most %d; the queue %s. Find out why they failed, then move them back", n, p.MaxMessages, why)
		if secs, known := q.RetentionSecs.Lookup(); known {
			since := "they were first sent, not after they came here" // of standard queues. Source: SQS Developer Guide, "Setting-up dead-letter queue retention"
			if isFIFO(q.Name) {
				since = "they came here"
			}
			text += fmt.Sprintf(", in time: SQS deletes them %s after %s", span(time.Duration(secs)*time.Second), since)
		}
		return engine.Fail(text).With("approximateNumberOfMessages", q.Messages).With("messageRetentionPeriod", q.RetentionSecs)
	}),
})

// span writes a retention period, of which most are whole days: "4 days".
func span(d time.Duration) string {
	switch days := d / (24 * time.Hour); {
	case days == 1:
		return "a day"
	case days > 1 && d%(24*time.Hour) == 0:
		return fmt.Sprintf("%d days", days)
	}
	return d.String()
}
