package cloudtrail

import (
	"testing"

	"awsscanner/internal/engine/enginetest"
)

func Test(t *testing.T) { enginetest.Run(t, Rules) }

func TestParams(t *testing.T) {
	for _, bad := range []string{
		`{"require_read_write":"all"}`,
		`{"require_read_write":""}`,
	} {
		if _, err := Rules[0].With([]byte(bad)); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}
