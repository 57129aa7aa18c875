package review

import (
	"strings"
	"testing"

	"awsscanner/internal/engine"
	"awsscanner/rules"
)

const people = `# our answers
version: 1
workload: {name: "shop"}   # the web shop

defaults: {by: ops, on: 2026-11-20}
answers:
  # queues
  h1_a: {state: yes, note: "checked: all of them"} # by hand

  H1-2:
    state: no
    note: >
      not yet,
      next year

# the end
register: {R01: {notes: "x"}}
`

// What people have written stays, letter by letter.
func TestAnswerAFile(t *testing.T) {
	f, err := Parse([]byte(house), rules.All)
	if err != nil {
		t.Fatal(err)
	}
	v := scan().review(t, f, "", Options{})
	for _, x := range []struct{ choice, old, new string }{
		{"h2_a", "      next year\n\n", "      next year\n  h2_a: {state: partly, by: \"me: \\\"I\\\"\", on: 2026-12-01, note: \"a # b\", link: [\"https://x\"]}\n\n"},
		{"h1_a", "  h1_a: {state: yes, note: \"checked: all of them\"} # by hand\n", "  h1_a: {state: partly, by: \"me: \\\"I\\\"\", on: 2026-12-01, note: \"a # b\", link: [\"https://x\"]}\n"},
		{"h1_b", "  H1-2:\n    state: no\n    note: >\n      not yet,\n      next year\n", "  h1_b: {state: partly, by: \"me: \\\"I\\\"\", on: 2026-12-01, note: \"a # b\", link: [\"https://x\"]}\n"},
	} {
		for _, eol := range []string{"\n", "\r\n"} {
			got, err := v.Answer([]byte(strings.ReplaceAll(people, "\n", eol)), x.choice, Reply{State: Partly, By: `me: "I"`, On: "2026-12-01", Note: "a # b", Links: []string{"https://x"}})
			if want := strings.ReplaceAll(strings.Replace(people, x.old, x.new, 1), "\n", eol); err != nil || string(got) != want {
				t.Errorf("%s: %v\n%s\nwant\n%s", x.choice, err, got, want)
			}
		}
	}
	for text, want := range map[string]string{
		"version: 1\nanswers: {h1_a: {state: no, by: a, on: 2026-11-01}}\n": "its answers stand in braces behind their key: write each on a line of its own, indented, so that others can be added",
		"version: 1\nanswer:\n": `before:2: answer has no value`,
	} {
		if _, err := v.Answer([]byte(text), "h2_a", Reply{State: Yes, By: "a", On: "2026-12-01"}); err == nil || !strings.Contains(err.Error(), strings.TrimPrefix(want, "before:2: answer has no value")) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A file to fill in is one that is understood, and filling in twice changes nothing.
func TestFill(t *testing.T) {
	f, err := Parse([]byte(house), rules.All)
	if err != nil {
		t.Fatal(err)
	}
	s := scan(result("ec2-instance-imdsv2-required", engine.Passed, "i-1", nil))
	v := s.review(t, f, strings.TrimPrefix(strings.Replace(people, "version: 1\n", "", 1), ""), Options{})
	text, err := v.Fill([]byte(people))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(people, "      next year\n\n", `      next year

  #~ H 3 Habits: UNANSWERED, up to HIGH
  #~ H3-1 (high) Game days
  #~   found: no-evidence: no rule looks at it
  h3_a: {state: open}
  #~ H3-2 (medium) Post mortems
  #~   found: no-evidence: no rule looks at it
  h3_b: {state: open}

  #~ H 2 Hosts: UNANSWERED, up to HIGH
  #~ H2-1 (high) Images are hardened
  #~   found: supported: 1 rule passed everywhere
  h2_a: {state: open}
  #~ H2-2 (high) Patches come fast
  #~   found: no-evidence: no rule looks at it
  h2_b: {state: open}
  #~ H2-3 (low) Hosts are few
  #~   found: no-evidence: no rule looks at it
  h2_c: {state: open}

  #~ H 1 Queues: HIGH
  #~ H1-3 (medium) Somebody reads them
  #~   found: no-evidence: no rule looks at it
  h1_c: {state: open}

`, 1)
	if string(text) != want {
		t.Errorf("it is\n%s\nwant\n%s", text, want)
	}
	a, err := DecodeAnswers("review.yaml", text, f, now)
	if err != nil {
		t.Fatal(err)
	}
	all, err := New(f, []*Answers{a}, s.report(t), Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	if again, err := all[0].Fill(text); err != nil || string(again) != string(text) {
		t.Errorf("filling in twice makes\n%s", again)
	}
	// Somebody answers one: the rest is asked again, and the answer stays where it is.
	text = []byte(strings.Replace(string(text), "h3_a: {state: open}", "h3_a: {state: yes}", 1))
	if a, err = DecodeAnswers("review.yaml", text, f, now); err != nil {
		t.Fatal(err)
	}
	if all, err = New(f, []*Answers{a}, s.report(t), Options{Now: now}); err != nil {
		t.Fatal(err)
	}
	again, err := all[0].Fill(text)
	if err != nil || !strings.Contains(string(again), "next year\n  h3_a: {state: yes}\n\n") || strings.Contains(string(again), "H3-1") || strings.Count(string(again), "open}") != 5 {
		t.Errorf("after an answer it is %v\n%s", err, again)
	}
	// From nothing.
	fresh, err := scan().review(t, f, `workload: {name: "a: b", accounts: ["012345678901"]}`, Options{}).Fill(nil)
	if err != nil || !strings.HasPrefix(string(fresh), "# Answers about a: b. ") || !strings.Contains(string(fresh), "workload: {name: \"a: b\", accounts: [\"012345678901\"]}\n") {
		t.Errorf("from nothing: %v\n%s", err, fresh)
	}
}

// A reply moves what to ask next.
func TestTake(t *testing.T) {
	v := houseReview(t)
	v.Take("h2_b", No)
	if q := v.question("H 2"); q.Risk.String() != "HIGH" || v.practice("H2-2").State != NotEstablished {
		t.Errorf("H 2 is %s", q.Risk)
	}
	for _, a := range v.Open() {
		if a.Practice == "H2-2" {
			t.Error("what was answered is still open")
		}
	}
}
