// Package enginetest tests rules against snapshots written next to them, and proves for each rule
// that it never judges what it has not seen: the model half of the conformance tests.
package enginetest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/kinds"
)

// Account and Region are where the resources of a case are unless a line says otherwise.
const (
	Account = "111122223333"
	Region  = "eu-central-1"
)

// Run tests every rule of a folder with testdata/<rule ID>.jsonl.
// Each line is a resource of a snapshot; its "want" is the verdict expected of it, a status, perhaps with the
// severity if it is not the rule's, perhaps with words that the message contains:
//
//	{"kind":"AWS::SQS::Queue", "id":"orders", "deadLetterArn":"", "want":"fail: no dead-letter queue"}
//
// Lines starting with # are comments, a blank line starts the next snapshot. A header ("schema") is needed only to
// read other regions than Region of Account; all kinds were listed unless it tells which. It is 2026-01-01.
// A line {"params":{...}} sets parameters. A hole ("unlisted") wants what is wanted of "*".
//
// Failures must reach both ends of the severities that the rule declares, Worst and Least, and none may lie below.
//
// Then parts of each snapshot are taken away: attributes that the rule has not declared (nothing may change);
// everything (no verdict may remain); each declared attribute, of all resources and of one at a time, and each list,
// whole and one resource at a time (each verdict stays or becomes not-assessed, and what vanishes leaves a "*"). Each
// declared read must change some result, or the rule does not need it or the cases do not show it.
func Run(t *testing.T, rules []engine.Rule) {
	if len(rules) == 0 {
		t.Error("no rules")
	}
	for _, rule := range rules {
		t.Run(rule.ID, func(t *testing.T) {
			if err := rule.Validate(); err != nil {
				t.Error(err)
			}
			subject, whole := false, false
			for _, read := range rule.Needs() {
				typ, attr, err := kinds.All.Resolve(read)
				if err != nil {
					t.Fatal(err)
				}
				subject = subject || typ == rule.Check.Subject
				whole = whole || typ == rule.Check.Subject && attr == nil
			}
			if of := rule.Check.Subject; !subject || !whole && of.Refer != "" && of.Refer != of.List {
				t.Fatalf("Reads lacks the subject %s", of.Name) // as such, if its kind is followed by reference too: else it might not be listed
			}
			data, err := os.ReadFile(filepath.Join("testdata", rule.ID+".jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			seen, changed, severities := map[engine.Status]bool{}, map[string]bool{}, map[engine.Severity]bool{}
			for part := range bytes.SplitSeq(data, []byte("\n\n")) {
				if c := parse(t, rule, part); len(c.lines) > 0 || c.bare {
					c.check(t, seen, severities)
					c.conform(t, changed)
				}
			}
			for _, s := range []engine.Status{engine.Passed, engine.Failed, engine.NotAssessed} {
				if !seen[s] {
					t.Errorf("no case expects %q", s)
				}
			}
			least := cmp.Or(rule.Least, rule.Severity)
			for s := engine.Informational; s <= engine.Critical; s++ {
				switch is := severities[s]; {
				case is && s < least:
					t.Errorf("a case fails with severity %s, below Least", s)
				case !is && (s == least || s == rule.Worst):
					t.Errorf("no case fails with severity %s, which the rule declares", s)
				}
			}
			for read := range changed {
				if !changed[read] {
					t.Errorf("no case changes without %s: it is not read, or the cases do not show it", read)
				}
			}
		})
	}
	files, _ := filepath.Glob("testdata/*.jsonl")
	for _, f := range files {
		id := strings.TrimSuffix(filepath.Base(f), ".jsonl")
		if !slices.ContainsFunc(rules, func(r engine.Rule) bool { return r.ID == id }) {
			t.Errorf("%s belongs to no rule", f)
		}
	}
}

// A testCase is a snapshot in parts, and what is wanted of it.
type testCase struct {
	rule   engine.Rule
	header engine.Header
	lines  []line
	want   map[string]string // by name
	bare   bool              // a header alone is a case too: nothing is there
	tuned  bool              // has parameters of its own, which may set severities too
}

type line struct {
	typ  *model.Type
	meta model.Meta
	text string
}

// parse turns a part of a file into a case.
func parse(t *testing.T, rule engine.Rule, data []byte) *testCase {
	t.Helper()
	c := &testCase{rule: rule, want: map[string]string{}}
	header := []byte(fmt.Sprintf(`{"schema":"scanner.snapshot/v1","partition":"aws","start":"2026-01-01T00:00:00Z","read":[{"account":%q,"region":%q}]}`, Account, Region))
	for text := range bytes.Lines(data) {
		if text = bytes.TrimSpace(text); len(text) == 0 || text[0] == '#' {
			continue
		}
		var m map[string]json.RawMessage
		if err := json.Unmarshal(text, &m); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		str := func(k string) (s string) { json.Unmarshal(m[k], &s); return s }
		switch {
		case m["schema"] != nil:
			header, c.bare = text, true
			continue
		case m["params"] != nil:
			var err error
			c.tuned = true
			if c.rule, err = rule.With(m["params"]); err != nil {
				t.Fatal(err)
			}
			continue
		}
		typ := kinds.All[model.Kind(cmp.Or(str("kind"), str("unlisted"), str("absent")))]
		if typ == nil {
			t.Fatalf("no such kind: %s", text)
		}
		if m["account"] == nil {
			m["account"] = []byte(`"` + Account + `"`)
		}
		if m["region"] == nil && typ.Scope != model.Global && typ.Scope != model.AccountSubject {
			m["region"] = []byte(`"` + Region + `"`)
		}
		if typ.Scope == model.AccountSubject && m["id"] == nil {
			m["id"] = m["account"]
		}
		l := line{typ: typ, meta: model.Meta{ID: str("id"), Account: str("account"), Region: str("region")}}
		if w := str("want"); w != "" {
			c.want[name(l.meta.Account, l.meta.Region, cmp.Or(l.meta.ID, "*"))] = w
		}
		delete(m, "want")
		kind := m["kind"]
		delete(m, "kind")
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if l.text = string(b); kind != nil {
			l.text = fmt.Sprintf(`{"kind":%s,%s`, kind, b[1:])
		}
		c.lines = append(c.lines, l)
	}
	if err := model.DecodeStrict(header, &c.header); err != nil {
		t.Fatalf("%v: %s", err, header)
	}
	if c.header.Listed == nil {
		c.header.Listed = slices.Sorted(maps.Keys(kinds.All))
	}
	return c
}

func name(account, region, id string) string { return account + "/" + region + "/" + id }

// results judges the case without some lines, and after a change.
func (c *testCase) results(t *testing.T, without func(*line) bool, change func(*engine.Snapshot)) map[string]engine.Result {
	t.Helper()
	header, _ := json.Marshal(c.header)
	text := string(header) + "\n"
	n := 0
	for i := range c.lines {
		if without == nil || !without(&c.lines[i]) {
			text += c.lines[i].text + "\n"
			n++
		}
	}
	s, err := engine.Load(strings.NewReader(fmt.Sprintf("%s{\"end\":{\"finished\":\"2026-01-01T00:01:00Z\",\"calls\":0,\"lines\":%d}}", text, n)), kinds.All)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(s)
	}
	got := map[string]engine.Result{}
	for r := range engine.Evaluate(s, []engine.Rule{c.rule}) {
		id := name(r.Resource.Account, r.Resource.Region, r.Resource.ID)
		if _, twice := got[id]; twice {
			t.Errorf("%s has two results", id)
		}
		got[id] = r
		if r.Gap != nil && r.Gap.Reason == model.RuleError {
			t.Errorf("%s: %s", id, r.Message)
		}
		if (r.Gap != nil) != (r.Status == engine.NotAssessed) || r.Status == engine.Failed && r.Message == "" {
			t.Errorf("%s: a %s with gap %v and message %q", id, r.Status, r.Gap, r.Message)
		}
	}
	return got
}

func blank(s *engine.Snapshot, which func(r model.Resource, attribute string) bool) {
	for _, typ := range kinds.All {
		for _, r := range s.All(typ) {
			model.Blank(r, func(a string) bool { return which(r, a) })
		}
	}
}

// check compares the verdicts with those wanted.
func (c *testCase) check(t *testing.T, seen map[engine.Status]bool, severities map[engine.Severity]bool) {
	t.Helper()
	got := c.results(t, nil, nil)
	for id, want := range c.want {
		head, text, _ := strings.Cut(want, ": ")
		status, severity, _ := strings.Cut(head, " ")
		seen[engine.Status(status)] = true
		g, ok := got[id]
		if severity == "" && status == string(engine.Failed) {
			severity = c.rule.Severity.String()
		}
		switch {
		case !ok:
			t.Errorf("%s: no result, want %s", id, want)
		case string(g.Status) != status, status == string(engine.Failed) && g.Severity.String() != severity, !strings.Contains(g.Message, text):
			t.Errorf("%s:\n got %s %s: %s\nwant %s", id, g.Status, g.Severity, g.Message, want)
		}
	}
	for id, g := range got {
		if g.Status == engine.Failed && !c.tuned {
			severities[g.Severity] = true
		}
		if c.want[id] == "" {
			t.Errorf("%s: got %s: %s, but the case does not say what it wants", id, g.Status, g.Message)
		}
	}
}

// conform takes parts of the case away.
func (c *testCase) conform(t *testing.T, changed map[string]bool) {
	t.Helper()
	whole := c.results(t, nil, nil)
	needs := c.rule.Needs()
	same := func(what string, got map[string]engine.Result) {
		t.Helper()
		for id, w := range whole {
			if g := got[id]; g.Status != w.Status || g.Severity != w.Severity || g.Message != w.Message || !reflect.DeepEqual(g.Evidence, w.Evidence) {
				t.Errorf("%s: %s: %s %v without %s, %s: %s %v with it", id, g.Status, g.Message, g.Evidence, what, w.Status, w.Message, w.Evidence)
			}
		}
	}
	same("undeclared attributes", c.results(t, nil, func(s *engine.Snapshot) {
		blank(s, func(_ model.Resource, a string) bool { return !slices.Contains(needs, a) })
	}))

	// lawful reports each verdict that a missing read has changed into another, and each row that it made vanish.
	lawful := func(read, what string, got map[string]engine.Result) {
		t.Helper()
		for id, w := range whole {
			g, ok := got[id]
			if !ok {
				changed[read] = true
				h, hole := got[name(w.Resource.Account, w.Resource.Region, "*")]
				if !hole {
					h, hole = got[name(w.Resource.Account, "", "*")]
				}
				if !hole && w.Resource.ID != "*" || hole && h.Status != engine.NotAssessed {
					t.Errorf("%s vanished without a trace, although %s is missing", id, what)
				}
				continue
			}
			if g.Status != w.Status || !reflect.DeepEqual(g.Evidence, w.Evidence) {
				changed[read] = true
			}
			if g.Status != engine.NotAssessed && (g.Status != w.Status || g.Severity != w.Severity) {
				t.Errorf("%s: %s %s: %s, although %s is missing; with it %s %s: %s", id, g.Status, g.Severity, g.Message, what, w.Status, w.Severity, w.Message)
			}
		}
	}
	attributes := 0
	listed := map[*model.Type]bool{}
	for _, read := range needs {
		typ, attr, err := kinds.All.Resolve(read)
		if err != nil {
			t.Fatal(err)
		}
		if typ.List != "" {
			listed[typ] = true
		}
		if attr == nil {
			continue
		}
		attributes++
		changed[read] = changed[read] || false
		lawful(read, read, c.results(t, nil, func(s *engine.Snapshot) {
			blank(s, func(_ model.Resource, a string) bool { return a == read })
		}))
		for _, l := range c.lines {
			if l.typ == typ {
				lawful(read, read+" of "+l.meta.ID, c.results(t, nil, func(s *engine.Snapshot) {
					blank(s, func(r model.Resource, a string) bool { return a == read && r.About().ID == l.meta.ID })
				}))
			}
		}
	}
	for typ := range listed {
		changed[typ.Name] = changed[typ.Name] || false
		gap := &model.Gap{Reason: model.AccessDenied, Call: typ.List}
		hole := func(s *engine.Snapshot, p model.Place, id string) {
			if typ.Scope == model.Global {
				p.Region = ""
			}
			s.PutHole(engine.Hole{Kind: typ.Kind, Place: p, ID: id, Gap: gap})
		}
		lawful(typ.Name, "every "+typ.Name, c.results(t, func(l *line) bool { return l.typ == typ }, func(s *engine.Snapshot) {
			for _, p := range s.Read {
				hole(s, p, "")
			}
		}))
		for i := range c.lines {
			if l := &c.lines[i]; l.typ == typ {
				lawful(typ.Name, typ.Name+" "+l.meta.ID, c.results(t, func(x *line) bool { return x == l }, func(s *engine.Snapshot) {
					if p := (model.Place{Account: l.meta.Account, Region: l.meta.Region}); slices.Contains(s.Read, p) {
						hole(s, p, "")
					} else {
						for _, p := range s.Read { // whoever shows what belongs to others
							hole(s, p, "")
						}
					}
				}))
			}
		}
	}
	// No evidence, no verdict. A rule that reads no attribute judges by what the list answer says.
	if attributes == 0 {
		return
	}
	for id, g := range c.results(t, nil, func(s *engine.Snapshot) {
		blank(s, func(model.Resource, string) bool { return true })
		for typ := range listed {
			for _, p := range s.Read {
				s.PutHole(engine.Hole{Kind: typ.Kind, Place: p, Gap: &model.Gap{Reason: model.NotCollected, Call: typ.List}})
			}
		}
	}) {
		if g.Status == engine.Passed || g.Status == engine.Failed {
			t.Errorf("%s: %s although nothing is known", id, g.Status)
		}
	}
}
