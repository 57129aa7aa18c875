package sqs

import (
	"slices"
	"testing"

	"awsscanner/internal/engine"
	"awsscanner/internal/engine/enginetest"
)

func Test(t *testing.T) { enginetest.Run(t, Rules) }

func TestParams(t *testing.T) {
	for id, overrides := range map[string][]string{"sqs-dlq-empty": {`{"max_messages":-1}`}, "sqs-queue-dead-letter-queue": {`{"min_receive":0}`, `{"min_receive":5,"max_receive":4}`}} {
		rule := Rules[slices.IndexFunc(Rules, func(r engine.Rule) bool { return r.ID == id })]
		for _, bad := range overrides {
			if _, err := rule.With([]byte(bad)); err == nil {
				t.Errorf("%s accepts %s", id, bad)
			}
		}
	}
}
