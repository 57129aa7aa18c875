package report

import (
	"testing"
	"unicode/utf8"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// On a narrow terminal the first line still tells account, caller, regions, rules and calls.
func TestTitle(t *testing.T) {
	h := engine.Header{Caller: "arn:aws:sts::111122223333:assumed-role/SecurityAudit/demo"}
	for _, region := range []string{"eu-central-1", "eu-west-1", "us-east-1"} {
		h.Read = append(h.Read, model.Place{Account: "111122223333", Region: region})
	}
	r := &Report{Scan: engine.Whole(engine.NewSnapshot(h)), Header: h, Rules: make([]engine.Rule, 7)}
	r.Scan.Calls = 58
	const end = " · 7 rules · 58 calls · 0001-01-01 00:00 UTC"
	for width, want := range map[int]string{
		0:   "account 111122223333 as assumed-role/SecurityAudit/demo · eu-central-1 eu-west-1 us-east-1" + end,
		115: "account 111122223333 as assumed-role/SecurityAudit/demo · 3 regions" + end,
		100: "account 111122223333 as SecurityAudit · 3 regions" + end,
	} {
		if got := r.title(width); got != want || width > 0 && utf8.RuneCountInString(got) > width {
			t.Errorf("%d columns: %s", width, got)
		}
	}
}
