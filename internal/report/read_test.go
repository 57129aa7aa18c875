package report

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/sqs"
)

// written returns a report as it is written, and read again.
func written(t *testing.T, r *Report) (string, *File, error) {
	t.Helper()
	var b bytes.Buffer
	if err := r.JSON(&b); err != nil {
		t.Fatal(err)
	}
	f, err := openText(b.String())
	return b.String(), f, err
}

func openText(text string) (*File, error) {
	return Open(func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil })
}

// A report that was written and is looked at again says the same, byte for byte.
func TestReadAgain(t *testing.T) {
	rules := []engine.Rule{accountRule, queueRule("sqs-q", engine.Critical, engine.Security), volumeRule}
	s := mixed()
	for _, r := range volume("vol-1", "web") {
		s.Put(r)
	}
	s.Names = map[string]string{account: "shop"}
	s.Skipped = []engine.Skip{{Place: model.Place{Region: "us-west-2"}, Service: "guardduty", Reason: model.NotEnabled, Why: "AWS does not offer it"}}
	waive := func(x *engine.Result) *Waived {
		if x.Resource.Name == "untidy" {
			return &Waived{Reason: "soon gone", Owner: "shop", Expires: "2026-12-31", Source: "waivers.yaml:3"}
		}
		return nil
	}
	team := func(x *engine.Result) string { return "team of " + x.Resource.Region }
	r, err := New("test", engine.Whole(s), rules, Options{Waive: waive, Team: team})
	if err != nil {
		t.Fatal(err)
	}
	text, f, err := written(t, r)
	if err != nil {
		t.Fatal(err)
	}
	if whole, _ := f.Whole(); !whole {
		t.Error("the report leaves something out")
	}
	if rules, err = f.Rules(rules); err != nil {
		t.Fatal(err)
	}
	again, err := New("test", f.Scan, rules, Options{Source: f})
	if err != nil {
		t.Fatal(err)
	}
	if got, _, _ := written(t, again); got != text {
		t.Errorf("written again\n%s\nwant\n%s", got, text)
	}
	for _, g := range []Gate{{FailOn: engine.High}, {FailOn: engine.Critical}, {FailOnIncomplete: new(float64)}, {Max: map[engine.Severity]int{engine.High: 1}}} {
		code, why := g.Decide(r)
		code2, why2 := g.Decide(again)
		if code != code2 || strings.Join(why, "\n") != strings.Join(why2, "\n") {
			t.Errorf("the gate %+v decides %d %q, and of the report %d %q", g, code, why, code2, why2)
		}
	}
}

// Every format of a report that was read again is the one of the scan: what stands in evidence keeps its order and its digits, and accounts without a name have none.
func TestReadAgainFormats(t *testing.T) {
	type cause struct {
		Type, Resource string
		At             []any
	}
	rule := engine.Rule{ID: "sqs-cause", Title: "Queues are", Severity: engine.High, Worst: engine.High, Pillars: []engine.Pillar{engine.Security}, Reads: []string{"sqs.Queue.Messages"},
		Check: engine.Each(func(*engine.View, *sqs.Queue) engine.Verdict {
			return engine.Fail("is bad").With("cause", cause{"z", "a <b>", []any{map[string]any{"b": 1, "a": nil}}}).With("bytes", int64(9007199254740993)).With("monthlyCostUSD", 1.5).With("share", 1e21).With("text", "<\u2028>")
		})}
	for _, name := range []string{"", "shop"} {
		s := mixed()
		if name != "" {
			s.Names = map[string]string{account: name}
		}
		r := judge(s, []engine.Rule{rule}, Filter{})
		_, f, err := written(t, r)
		if err != nil {
			t.Fatal(err)
		}
		for _, filter := range []Filter{{}, {Mask: &engine.Mask{Accounts: true}}} {
			first, err := New("test", engine.Whole(s), []engine.Rule{rule}, Options{Filter: filter})
			if err != nil {
				t.Fatal(err)
			}
			again, err := New("test", f.Scan, []engine.Rule{rule}, Options{Source: f, Filter: filter})
			if err != nil {
				t.Fatal(err)
			}
			for format, write := range map[string]func(*Report, io.Writer) error{"json": (*Report).JSON, "jsonl": (*Report).JSONLines, "csv": (*Report).CSV, "html": (*Report).HTML, "junit": (*Report).JUnit, "gitlab": (*Report).GitLab,
				"sarif": (*Report).SARIF, "ocsf": (*Report).OCSF, "asff": (*Report).ASFF, "markdown": func(r *Report, w io.Writer) error { return r.Markdown(w, MarkdownLimit) }} {
				var want, got bytes.Buffer
				if err := errors.Join(write(first, &want), write(again, &got)); err != nil {
					t.Fatal(err)
				}
				if got.String() != want.String() {
					t.Errorf("%s of the report is\n%s\nand of the scan\n%s", format, got.String(), want.String())
				}
			}
		}
	}
}

// What would make a report look better than the scan was is refused.
func TestReadRefuses(t *testing.T) {
	rules := []engine.Rule{accountRule, queueRule("sqs-q", engine.Critical, engine.Security)}
	text, _, err := written(t, judge(mixed(), rules, Filter{}))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(text, "\n")
	failure := 0
	for i, line := range lines {
		if strings.Contains(line, `"status":"fail"`) {
			failure = i
		}
	}
	edit := func(old, new string) string { return strings.Replace(text, old, new, 1) }
	for name, c := range map[string]struct{ text, want string }{
		"empty":               {"", "it is cut off"},
		"a list":              {"[]", "it has [ where a report has {"},
		"something else":      {`{"schema":"scanner.baseline/v1","results":[]}`, `its schema is "scanner.baseline/v1"`},
		"no results":          {`{"schema":"scanner.report/v1"}`, "it has no results"},
		"cut off":             {text[:len(text)-200], "it is cut off"},
		"cut off at the end":  {text[:len(text)-2], "it is cut off"},
		"a failure less":      {strings.Join(append(append([]string{}, lines[:failure]...), lines[failure+1:]...), ""), "it lists 3 results that are fail, and its summary counts 4"},
		"a failure passes":    {edit(`"status":"fail"`, `"status":"pass"`), "it lists 3 results that are fail"},
		"no status":           {edit(`"status":"fail"`, `"status":"ok"`), `there is no status "ok"`},
		"a gap passes":        {edit(`"status":"not-assessed"`, `"status":"pass"`), "a gap belongs to what is not assessed"},
		"a severity unknown":  {edit(`"severity":"high","pillars"`, `"severity":"bad","pillars"`), `"bad" is no severity`},
		"no rules":            {edit(`"rules":[{"id"`, `"nomore":[{"id"`), "an older scanner wrote it"},
		"a rule not listed":   {edit(`{"rule":"sqs-q"`, `{"rule":"sqs-x"`), "result 2: it is of rule sqs-x, which is none of those that judged"},
		"a number for a text": {edit(`"started":"`, `"started":5,"x":"`), `its member "scan"`},
	} {
		f, err := openText(c.text)
		if err == nil {
			_, err = New("test", f.Scan, rules, Options{Source: f})
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	partial, _, err := written(t, judge(mixed(), rules, Filter{Statuses: []engine.Status{engine.Failed}}))
	if err == nil || !strings.Contains(err.Error(), "it was written with --status and lacks all that is not-assessed") {
		t.Errorf("a report without gaps is taken: %v\n%s", err, partial)
	}
	if _, f, err := written(t, judge(mixed(), rules, Filter{Regions: []string{"us-east-1"}})); err != nil {
		t.Error(err)
	} else if whole, what := f.Whole(); whole || what != `{"regions":["us-east-1"]}` {
		t.Errorf("a report on one region is whole, or leaves out %s", what)
	}
	if f, err := openText(text); err != nil {
		t.Error(err)
	} else if _, err := f.Rules(rules[:1]); err == nil || !strings.Contains(err.Error(), "rule sqs-q, which this scanner does not have") {
		t.Errorf("a rule that is gone: %v", err)
	}
}
