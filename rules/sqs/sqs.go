// Package sqs holds the rules about Amazon SQS.
package sqs

import (
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/model/sqs"
)

// Rules lists every rule in this folder.
var Rules engine.Set

// sources finds the queues that hand their failed messages to another queue.
var sources = engine.NewIndex(func(q *sqs.Queue) []string { return []string{q.DeadLetterARN.Get()} })

// deadLetters says how it is known that a queue is a dead-letter queue, or "". A redrive allow policy that says nothing means
// nothing. SQS wants the queue in the account and region of its sources. Source: SQS Developer Guide, "Using dead-letter queues".
func deadLetters(v *engine.View, q *sqs.Queue) string {
	if allow := q.RedriveAllow.Get(); allow == "allowAll" || allow == "byQueue" {
		return "is a dead-letter queue: its redrive allow policy says " + allow
	}
	if source, ok := sources.At(v, q.ARN).First(func(s *sqs.Queue) bool { return s.ARN != q.ARN }); ok {
		return "is the dead-letter queue of " + source.Name
	}
	return ""
}

// isFIFO tells by the name: SQS requires the suffix of FIFO queues and refuses the dot in others.
func isFIFO(name string) bool { return strings.HasSuffix(name, ".fifo") }
