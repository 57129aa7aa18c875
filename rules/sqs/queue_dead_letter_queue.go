package sqs

import (
	"errors"
	"fmt"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/sqs"
)

type deadLetterQueue struct {
	MinReceive int      `json:"min_receive"`
	MaxReceive int      `json:"max_receive"`
	Exclude    []string `json:"exclude"` // globs of names
}

func (p *deadLetterQueue) Validate() error {
	if p.MinReceive < 1 || p.MaxReceive < p.MinReceive {
		return errors.New("min_receive must be at least 1, and max_receive at least min_receive")
	}
	return engine.CheckGlobs("exclude", p.Exclude)
}

var _ = Rules.Add(engine.Rule{
	ID:       "sqs-queue-dead-letter-queue",
	Title:    "Work queues send messages that keep failing to a dead-letter queue",
	Level:    engine.Recommended,
	Severity: engine.Low,
	Worst:    engine.Medium,
	Pillars:  []engine.Pillar{engine.Reliability, engine.OperationalExcellence, engine.Sustainability},
	Why: "A message that no consumer can process comes back again and again until its retention period ends, and is then " +
		"lost without a trace. A dead-letter queue takes it out of the way and keeps it for inspection.",
	Fix: engine.Fix{
		Text: "Create a queue of the same kind (FIFO or standard) in the same account and region, with a longer retention period, " +
			"and name it in the redrive policy of this one. A maxReceiveCount of 5 suits most consumers.",
		CLI: `aws sqs create-queue --queue-name <name>-dlq --attributes MessageRetentionPeriod=1209600
aws sqs set-queue-attributes --queue-url <queue-url> --attributes '{"RedrivePolicy":"{\"deadLetterTargetArn\":\"<dlq-arn>\",\"maxReceiveCount\":\"5\"}"}'`,
		IaC: `resource "aws_sqs_queue" "dead_letters" {
  name                      = "<name>-dlq"
  message_retention_seconds = 1209600
}
resource "aws_sqs_queue_redrive_policy" "<name>" {
  queue_url = aws_sqs_queue.<name>.id
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = 5
  })
}`,
		Breaks: "Messages that fail more than maxReceiveCount times leave the queue. Check that no consumer counts on unlimited " +
			"retries, and that strict order in a FIFO queue may be broken.",
		Undo:   `aws sqs set-queue-attributes --queue-url <queue-url> --attributes '{"RedrivePolicy":""}'`,
		Effect: engine.Additive,
	},
	Reads: []string{"sqs.Queue.DeadLetterARN", "sqs.Queue.MaxReceives", "sqs.Queue.RedriveAllow"},

	// SQS wants the dead-letter queue in the same account and region, FIFO for FIFO, standard for standard. Source: SQS
	// Developer Guide, "Using dead-letter queues". A queue with a redrive policy is judged by it, be it itself a target or not.
	Check: engine.EachWith(deadLetterQueue{MinReceive: 2, MaxReceive: 100, Exclude: []string{}}, func(v *engine.View, p *deadLetterQueue, q *sqs.Queue) engine.Verdict {
		if engine.MatchAny(p.Exclude, q.Name) {
			return engine.NotApplicable("excluded by parameter")
		}
		target := q.DeadLetterARN.Get()
		if target != "" {
			return redrive(v, p, q, target)
		}
		if why := deadLetters(v, q); why != "" {
			return engine.NotApplicable(why)
		}
		return engine.Fail("no dead-letter queue: a message that keeps failing is retried until it expires, and is then lost")
	}),
})

// redrive judges a queue that has a redrive policy.
func redrive(v *engine.View, p *deadLetterQueue, q *sqs.Queue, target string) engine.Verdict {
	arn, ok := model.ParseARN(target)
	broken := func(how string) engine.Verdict {
		return engine.Fail("the redrive policy names "+target+", "+how).With("deadLetterTargetArn", target).As(engine.Medium)
	}
	switch {
	case !ok:
		return broken("which is no ARN of a queue")
	case target == q.ARN:
		return broken("which is the queue itself")
	case arn.Account == q.Account && arn.Region != q.Region:
		return broken("which is in another region, where messages cannot be moved to")
	case isFIFO(q.Name) && !isFIFO(arn.Resource):
		return broken("which is not FIFO, as this queue is")
	case !isFIFO(q.Name) && isFIFO(arn.Resource):
		return broken("which is FIFO, as this queue is not")
	}
	if _, exists := engine.Find[*sqs.Queue](v, target); !exists {
		return broken("which does not exist")
	}
	if n := q.MaxReceives.Get(); n < p.MinReceive || n > p.MaxReceive {
		return engine.Fail(fmt.Sprintf("maxReceiveCount is %d, but should be between %d and %d: set it in the redrive policy", n, p.MinReceive, p.MaxReceive)).
			With("deadLetterTargetArn", target).With("maxReceiveCount", n)
	}
	return engine.Pass()
}
