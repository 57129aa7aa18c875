package s3

import (
	"testing"

	"awsscanner/internal/engine/enginetest"
)

func Test(t *testing.T) { enginetest.Run(t, Rules) }

func TestParams(t *testing.T) {
	for _, rule := range Rules {
		if rule.Check.Params == nil {
			continue
		}
		for _, bad := range []string{`{"exempt_tags":{"":["x"]}}`, `{"exempt_tags":{"purpose":[]}}`, `{"exempt_tags":{"purpose":[""]}}`, `{"exempt_log_targets":"yes"}`, `{"exempt":{}}`} {
			if _, err := rule.With([]byte(bad)); err == nil {
				t.Errorf("%s accepts %s", rule.ID, bad)
			}
		}
	}
}
