package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// A comparison of many findings stays short, and hostile names stay text.
func TestDiffFormats(t *testing.T) {
	rules := []engine.Rule{queueRule("sqs-q", engine.Critical)}
	var many []model.Resource
	for i := range 120 {
		many = append(many, queue("eu-west-1", fmt.Sprintf("q-%03d", i), int(engine.High), ""))
	}
	many = append(many, queue("eu-west-1", "<img src=x> [a](http://b) @all `c`", int(engine.Critical), ""))
	old := baseline(t, snapshot([]string{"eu-west-1"}, queue("eu-west-1", "gone", int(engine.Low), "")), rules, nil)
	r, err := New("test", engine.Whole(snapshot([]string{"eu-west-1"}, many...)), rules, Options{Baseline: old})
	if err != nil {
		t.Fatal(err)
	}
	d, err := r.Diff()
	if err != nil {
		t.Fatal(err)
	}
	var md, table, all bytes.Buffer
	if err := d.Markdown(&md); err != nil {
		t.Fatal(err)
	}
	if err := d.Table(&table, Style{}); err != nil {
		t.Fatal(err)
	}
	if err := d.Table(&all, Style{All: true}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		format, text string
		lines        int
		want         []string
	}{
		{"markdown", md.String(), 66, []string{"**NEW** 121: ", "<summary>116 more</summary>", "- and 71 more: `scanner diff --all`", "**FIXED** 1: ", "\n0 failures unchanged\n"}},
		{"table", table.String(), 16, []string{"\nNEW  121: ", "\n  and 116 more: --all\n", "\nFIXED  1: ", "\nUNCHANGED  0 failures\n"}},
		{"table of all", all.String(), 131, []string{"q-119 "}},
	} {
		if n := strings.Count(c.text, "\n"); n > c.lines {
			t.Errorf("%s: %d lines, want at most %d", c.format, n, c.lines)
		}
		for _, want := range c.want {
			if !strings.Contains(c.text, want) {
				t.Errorf("%s lacks %q:\n%.900s", c.format, want, c.text)
			}
		}
	}
	if first := strings.Index(md.String(), "- critical"); first < 0 || first > strings.Index(md.String(), "- high") {
		t.Error("the worst is not first")
	}
	if line := strings.SplitAfter(md.String(), "\n")[4]; !strings.Contains(line, "<img src=x>") || !strings.HasPrefix(strings.SplitN(line, ": ", 2)[1], "``") {
		t.Errorf("a hostile name is not in a code span: %s", line)
	}
}
