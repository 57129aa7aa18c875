package acm

import (
	"testing"

	"awsscanner/internal/engine/enginetest"
)

func Test(t *testing.T) { enginetest.Run(t, Rules) }

func TestParams(t *testing.T) {
	for _, bad := range []string{
		`{"severity_by_days":{"91":"low"}}`,
		`{"severity_by_days":{"0":"low"}}`,
		`{"severity_by_days":{"07":"low"}}`,
		`{"severity_by_days":{"soon":"low"}}`,
		`{"severity_by_days":{"7":"critical"}}`,
		`{"unused_severity":"critical"}`,
		`{"skip_auto_renewing_beyond_days":-1}`,
	} {
		if _, err := Rules[0].With([]byte(bad)); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}
