package review

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

func TestBaseline(t *testing.T) {
	f := load(t)
	b, err := scan().review(t, f, `
workload: {name: shop}
defaults: {by: ops, on: 2026-11-20}
answers:
  OPS05-BP01: {state: yes}
  OPS05-BP02: {state: no}
  OPS05-BP03: {state: partly}
  OPS05-BP05: {state: na}
  SEC10-BP03: {state: yes}
  SEC10-BP04: {state: no}
  OPS01-BP03: {state: yes}
  OPS01-BP04: {state: no}
  REL08-BP01: {state: yes}
`, Options{}).Baseline()
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Questions) != 12 {
		t.Errorf("%d questions, want 12", len(b.Questions))
	}
	shares, uncertain, lost := 0, 0, 0
	of := map[string]*BaselineQuestion{}
	for i := range b.Questions {
		q := &b.Questions[i]
		of[q.ID] = q
		for _, p := range q.Practices {
			switch {
			case p.Share == nil:
				lost++
			case p.Uncertain != "":
				uncertain++
			}
			if p.Share != nil {
				shares++
			}
		}
	}
	if lost != 6 || shares != 62 { // of 80 answers, 12 of which are "none of these"
		t.Errorf("%d shares, %d lost, want 62 and 6", shares, lost)
	}
	none, flagged := 0, 0
	for _, q := range b.Questions {
		if q.None != nil {
			none++
		}
		if q.NoneUncertain {
			flagged++
		}
	}
	if shares+none != 73 || uncertain+flagged != 46 { // 53 are flagged, seven of them as lost
		t.Errorf("%d of 80 answers have a number, and %d of these are uncertain", shares+none, uncertain+flagged)
	}
	if q := of["SEC 8"]; q.risks() != "75 % were at high risk, by the rule of that time (~88 % at high or medium risk, if that is what the number in brackets means); ~23 % had none of these" {
		t.Errorf("SEC 8: %s", q.risks())
	}
	// OPS 3: 90+87+78+82+37+57+83+81+63+52 = 710 of ten practices; the one that does not apply, with 37, is not compared.
	if q := of["OPS 3"]; q.Average != 6.7 || q.Of != 9 || q.Yours != [2]int{1, 7} {
		t.Errorf("OPS 3: %v of %d, yours %v", q.Average, q.Of, q.Yours)
	}
	if q := of["OPS 6"]; q.Average != 4 || *q.WellArchitected != 46 {
		t.Errorf("OPS 6: %v", q)
	}
	text := func(question, title string) string {
		for _, p := range of[question].Practices {
			if p.Title == title {
				return p.Text
			}
		}
		return ""
	}
	for _, x := range [][3]string{
		{"OPS 3", "Version control", "90 % of about 150 reviews (2018 to 2020) did this; you: yes"},
		{"OPS 3", "Configuration management", "78 % of about 150 reviews (2018 to 2020) did this; you: in part"},
		{"OPS 3", "Patch management", "37 % of about 150 reviews (2018 to 2020) did this; you: does not apply"},
		{"OPS 1", "Know compliance duties", "90 % of about 150 reviews (2018 to 2020) did something similar; you: in part"},
		{"SEC 11", "Automate containment", "~0 % of about 150 reviews (2018 to 2020) did something similar; you: no"},
		{"REL 5", "Deploy changes in a planned way", "how many of about 150 reviews (2018 to 2020) did something similar is lost; you: yes"},
		{"COST 9", "Adopt services without a plan", "~84 % of about 150 reviews (2018 to 2020) did something similar; you: no longer asked"},
		{"SEC 8", "Define protection controls", "~39 % of about 150 reviews (2018 to 2020) did this; you: not known"},
	} {
		if got := text(x[0], x[1]); got != x[2] {
			t.Errorf("%s %s: %q, want %q", x[0], x[1], got, x[2])
		}
	}
	if got := fmt.Sprint(len(b.Lack), b.Ahead); !strings.HasPrefix(got, "3 [Prepare forensics (SEC10-BP03): ~11 % ") || strings.Count(got, "you:") != 1 {
		t.Errorf("lacking %v, ahead %v", b.Lack, b.Ahead)
	}
	for _, write := range []func(*bytes.Buffer) error{func(w *bytes.Buffer) error { return b.Text(w, Style{}) }, func(w *bytes.Buffer) error { return b.Markdown(w) }, func(w *bytes.Buffer) error { return b.JSON(w) }} {
		var w bytes.Buffer
		if err := write(&w); err != nil {
			t.Fatal(err)
		}
		if regexp.MustCompile(`(?i)percentile|better than|worse than|top \d`).MatchString(w.String()) {
			t.Errorf("it ranks:\n%s", &w)
		}
		if !strings.Contains(w.String(), "150") || !strings.Contains(w.String(), "2018 to 2020") {
			t.Error("size or years are missing")
		}
	}
}
