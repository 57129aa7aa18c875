package iam

import (
	"slices"
	"testing"

	"awsscanner/internal/engine"
	"awsscanner/internal/engine/enginetest"
)

func Test(t *testing.T) { enginetest.Run(t, Rules) }

func TestParams(t *testing.T) {
	for id, bad := range map[string]string{
		"iam-access-key-rotated":         `{"max_age_days":0}`,
		"iam-password-policy-min-length": `{"min_length":129}`,
		"iam-user-credentials-unused":    `{"max_unused_days":-1}`,
	} {
		i := slices.IndexFunc(Rules, func(r engine.Rule) bool { return r.ID == id })
		if _, err := Rules[i].With([]byte(bad)); err == nil {
			t.Errorf("%s: %s is accepted", id, bad)
		}
	}
}
