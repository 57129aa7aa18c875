package review

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/rules"
)

// again reads a review as a milestone is read.
func again(t *testing.T, v *Review) *Review {
	t.Helper()
	var b bytes.Buffer
	if err := v.JSON(&b); err != nil {
		t.Fatal(err)
	}
	w, err := Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestCompare(t *testing.T) {
	f, err := Parse([]byte(house), rules.All)
	if err != nil {
		t.Fatal(err)
	}
	queues := func(status engine.Status) engine.Recorded {
		return result("sqs-queue-dead-letter-queue", status, "q", nil)
	}
	host := func(status engine.Status) engine.Recorded {
		return result("ec2-instance-imdsv2-required", status, "i", nil)
	}
	left := func(s *told) *told {
		s.header.Unread = []model.Place{{Account: account, Region: "eu-north-1"}}
		return s
	}
	say := func(answers string) string {
		return "workload: {name: shop}\ndefaults: {by: ops, on: 2026-11-20}\nanswers: {" + answers + "}"
	}
	for _, x := range []struct {
		name             string
		old, now         *told
		oldSays, nowSays string
		want             string
	}{
		{"nothing", scan(queues(engine.Failed)), scan(queues(engine.Failed)), "", "", ""},
		{"mended", scan(queues(engine.Failed)), scan(queues(engine.Passed)), "", "", "fixed H1-1"},
		{"gone", scan(queues(engine.Failed)), scan(), "", "", "fixed H1-1"},
		{"mended and said", scan(queues(engine.Failed)), scan(queues(engine.Passed)), "", "h1_a: {state: yes}", "fixed H1-1"},
		{"not seen", scan(queues(engine.Failed)), left(scan()), "", "", "no-longer-known H1-1"},
		{"not seen, but said", scan(queues(engine.Failed)), left(scan()), "h1_a: {state: yes}", "h1_a: {state: yes}", "no-longer-known H1-1"},
		{"broken", scan(queues(engine.Passed)), scan(queues(engine.Failed)), "h1_a: {state: yes}", "h1_a: {state: yes}", "regressed H1-1"},
		{"found", scan(queues(engine.Passed)), scan(queues(engine.Failed)), "", "", "new H1-1"},
		{"lapsed", scan(), scan(), "h3_a: {state: yes}", "h3_a: {state: yes, on: 2020-01-01}", "no-longer-known H3-1"},
		{"a no that lapsed", scan(), scan(), "h3_a: {state: no}", "h3_a: {state: no, on: 2020-01-01}", "no-longer-known H3-1"},
		{"answered", scan(), scan(), "h3_b: {state: open}", "h3_b: {state: open}, h3_a: {state: yes}", "established H3-1"},
		{"no longer so", scan(), scan(), "h3_a: {state: yes}", "h3_a: {state: partly}", "regressed H3-1"},
		{"done", scan(), scan(), "h3_a: {state: no}", "h3_a: {state: yes}", "fixed H3-1"},
		{"out of scope", scan(host(engine.Failed)), scan(host(engine.Failed)), "", "h2_a: {state: na}", "not-applicable H2-1"},
		{"and back", scan(), scan(), "h3_a: {state: na}", "h3_a: {state: yes}", "applicable H3-1"},
		{"and back, missing", scan(), scan(), "h3_a: {state: na}", "h3_a: {state: no}", "new H3-1"},
	} {
		says := func(text string) string {
			if text == "" {
				text = "h3_b: {state: open}"
			}
			return say(text)
		}
		d, err := Compare(again(t, x.old.review(t, f, says(x.oldSays), Options{})), again(t, x.now.review(t, f, says(x.nowSays), Options{})))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range d.Practices {
			got = append(got, fmt.Sprintf("%s %s", p.Turn, p.ID))
			if p.Why == "" {
				t.Errorf("%s: %s has no reason", x.name, p.ID)
			}
		}
		if s := strings.Join(got, ", "); s != x.want {
			t.Errorf("%s: %s, want %s", x.name, s, x.want)
		}
		if (len(d.Practices) > 0) != (len(d.Questions) > 0) && x.name != "answered" {
			t.Errorf("%s: %d practices and %d questions", x.name, len(d.Practices), len(d.Questions))
		}
		for _, write := range []func(b *bytes.Buffer) error{func(b *bytes.Buffer) error { return d.Text(b, Style{}) }, func(b *bytes.Buffer) error { return d.Markdown(b) }, func(b *bytes.Buffer) error { return d.JSON(b) }} {
			var b bytes.Buffer
			if err := write(&b); err != nil || b.Len() == 0 {
				t.Error(err)
			}
		}
	}
}

// What was taken away from a scan is never fixed, whatever the world is like.
func TestNothingUnseenIsFixed(t *testing.T) {
	forWorlds(t, func(t *testing.T, seed uint64, f *Framework, s *told, answers string) {
		less := *s
		less.results, less.rules = nil, nil
		d, err := Compare(s.review(t, f, answers, Options{}), less.review(t, f, answers, Options{}))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range d.Practices {
			if p.Turn != TurnUnknown {
				t.Errorf("without any rule %s is %s: %s", p.ID, p.Turn, p.Why)
			}
		}
		for _, q := range d.Questions {
			if !q.Worse && !q.Less {
				t.Errorf("without any rule %s is better: %s, and was %s", q.ID, q.To, q.From)
			}
		}
	})
}

func TestCompareRefuses(t *testing.T) {
	f := load(t)
	a, b := scan().review(t, f, "workload: {name: a}", Options{}), scan().review(t, f, "workload: {name: b}", Options{})
	if _, err := Compare(a, b); err == nil || err.Error() != "they are about a and b: compare reviews of one workload" {
		t.Error(err)
	}
	b = scan().review(t, f, "workload: {name: a}", Options{})
	b.Framework.ID = "house"
	if _, err := Compare(a, b); err == nil || err.Error() != "they are held against wellarchitected and house: compare reviews by one framework" {
		t.Error(err)
	}
	for text, want := range map[string]string{
		"": "it is cut off", "{": "it is cut off", "x": "it is no review: invalid character 'x' looking for beginning of value", `{"schema":"scanner.report/v1"}`: `its schema is "scanner.report/v1", not "scanner.review/v1": write it with scanner review run -o json=FILE`,
		`{"schema":"scanner.review/v1"}`: "it has no questions",
	} {
		if _, err := Read(strings.NewReader(text)); err == nil || err.Error() != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}
