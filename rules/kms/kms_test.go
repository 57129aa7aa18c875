package kms

import (
	"slices"
	"testing"

	"awsscanner/internal/engine"
	"awsscanner/internal/engine/enginetest"
)

func Test(t *testing.T) { enginetest.Run(t, Rules) }

func TestParams(t *testing.T) {
	for id, overrides := range map[string][]string{"kms-key-rotation-enabled": {`{"max_days":89}`, `{"max_days":2561}`}} {
		rule := Rules[slices.IndexFunc(Rules, func(r engine.Rule) bool { return r.ID == id })]
		for _, bad := range overrides {
			if _, err := rule.With([]byte(bad)); err == nil {
				t.Errorf("%s accepts %s", id, bad)
			}
		}
	}
}
