package report

import (
	"bufio"
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/joshdk/go-junit"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

type junitSuites struct {
	Suites []struct {
		Name     string `xml:"name,attr"`
		ID       int    `xml:"id,attr"`
		Tests    int    `xml:"tests,attr"`
		Failures int    `xml:"failures,attr"`
		Errors   int    `xml:"errors,attr"`
		Skipped  int    `xml:"skipped,attr"`
		Cases    []struct {
			Class   string      `xml:"classname,attr"`
			Name    string      `xml:"name,attr"`
			Failure *junitEvent `xml:"failure"`
			Skipped *junitEvent `xml:"skipped"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

type junitEvent struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// suitesOf reads JUnit XML, and checks sums and names.
func suitesOf(t *testing.T, text string) (all junitSuites) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	if err := d.Decode(&all); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i, s := range all.Suites {
		failures, skipped := 0, 0
		for _, c := range s.Cases {
			if c.Failure != nil {
				failures++
			}
			if c.Skipped != nil {
				skipped++
			}
			if key := c.Class + " " + c.Name; seen[key] {
				t.Errorf("two test cases are called %s: GitLab would show one", key)
			} else {
				seen[key] = true
			}
		}
		if s.ID != i || s.Tests != len(s.Cases) || s.Failures != failures || s.Skipped != skipped || s.Errors != 0 {
			t.Errorf("suite %s says %d tests, %d failures, %d skipped, %d errors; has %d, %d, %d", s.Name, s.Tests, s.Failures, s.Skipped, s.Errors, len(s.Cases), failures, skipped)
		}
	}
	return all
}

func TestJUnit(t *testing.T) {
	tidy := queueRule("sqs-r", engine.Low, engine.Reliability, engine.Security)
	rule := queueRule("sqs-q", engine.High, engine.Security, engine.Reliability)
	rule.Fix.Text = "Mend <it>,\nand say \"done\"."
	r := waivedReport(tidy, accountRule, rule)
	var got []string
	for _, s := range suitesOf(t, text(t, r.JUnit)).Suites {
		got = append(got, fmt.Sprintf("%s: %d tests, %d failures, %d skipped", s.Name, s.Tests, s.Failures, s.Skipped))
		for _, c := range s.Cases {
			line, event := "pass", c.Skipped
			if c.Failure != nil {
				line, event = "failure", c.Failure
			} else if event != nil {
				line = "skipped"
			}
			name, fingerprint, _ := strings.Cut(c.Name, account+" ")
			if len(strings.TrimPrefix(fingerprint, account)) != 12 {
				t.Errorf("the name %s does not end in digits of the fingerprint", c.Name)
			}
			if line = fmt.Sprintf("%s %s %s", line, c.Class, strings.TrimSpace(name)); event != nil {
				line += ": " + event.Type + ": " + event.Message
			}
			if s.Name == "security" {
				got = append(got, line)
			}
			if c.Class != "sqs-q" {
				continue
			}
			for has, want := range map[string]bool{
				"\nfix: Mend <it>, and say \"done\".\n":         c.Failure != nil || event != nil && event.Type == "waived" && strings.HasPrefix(c.Name, "bad"),
				"\nevidence: monthlyCostUSD = 1.1\n":            c.Failure != nil || event != nil && event.Type == "waived" && strings.HasPrefix(c.Name, "bad"),
				"\nwaived until: 2026-12-31\nwaived by: shop\n": event != nil && event.Type == "waived",
				"\nticket: SHOP-1\nwaiver: waivers.yaml:3\n":    event != nil && event.Type == "waived",
				"\nfingerprint: ":                               event != nil && event.Type != "not-applicable",
				"\ngrant: sqs:GetQueueAttributes\n":             strings.HasPrefix(c.Name, "dark"),
				"\nnot assessed: sqs:ListQueues was throttled ": strings.HasPrefix(c.Name, "* "),
			} {
				if event != nil && strings.Contains(event.Text, has) != want {
					t.Errorf("%s: %q is there: %t, want %t:\n%s", line, has, !want, want, event.Text)
				}
			}
		}
	}
	want := []string{
		"security: 8 tests, 3 failures, 4 skipped",
		"failure cloudtrail-on : high: no trail",
		"failure sqs-q bad eu-west-1: high: is bad",
		"pass sqs-q good eu-west-1",
		"failure sqs-q untidy eu-west-1: low: is bad",
		"skipped sqs-q bad us-east-1: waived: waived until 2026-12-31 by shop: until the move",
		"skipped sqs-q dark us-east-1: waived: waived until 2026-12-31 by shop: until the move",
		"skipped sqs-q exempt us-east-1: not-applicable: not applicable: is exempt",
		"skipped sqs-q * us-west-2: not-assessed: not assessed, throttled: sqs:ListQueues was throttled to the end (said no in us-west-2)",
		"reliability: 7 tests, 2 failures, 4 skipped",
	}
	slices.Sort(want[1:9])
	slices.Sort(got[1:9])
	if !slices.Equal(got, want) {
		t.Errorf("suites\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// What a result says depends on why it is none, and on what has changed.
func TestJUnitMessages(t *testing.T) {
	s := snapshot([]string{"eu-west-1"}, queue("eu-west-1", "bad", int(engine.Low), ""))
	r := judge(s, []engine.Rule{queueRule("sqs-q", engine.Low, engine.Security)}, Filter{})
	failure := resultOn(t, r, "bad")
	gap := func(reason model.Reason) Result {
		x := failure
		x.Status, x.Message, x.Gap = engine.NotAssessed, "so it is", &model.Gap{Reason: reason, Call: "sqs:ListQueues"}
		return x
	}
	changed := failure
	changed.Change = Regressed
	same := failure
	same.Change = Unchanged
	for _, c := range []struct {
		x    Result
		want string
	}{
		{failure, `<failure type="low" message="is bad">`},
		{changed, `<failure type="low" message="regressed: is bad">`},
		{same, `<failure type="low" message="is bad">`},
		{gap(model.AccessDenied), `<skipped type="not-assessed" message="not assessed, access-denied: grant sqs:ListQueues">`},
		{gap(model.AccessDeniedResource), `<skipped type="not-assessed" message="not assessed, access-denied-resource: grant sqs:ListQueues in the policy of the resource">`},
		{gap(model.AccessDeniedSCP), `<skipped type="not-assessed" message="not assessed, access-denied-scp: so it is">`},
		{gap(model.TimedOut), `<skipped type="not-assessed" message="not assessed, timed-out: so it is">`},
	} {
		if got := text(t, func(w io.Writer) error {
			out := bufio.NewWriter(w)
			return cmp.Or(writeCase(out, &c.x), out.Flush())
		}); !strings.Contains(got, c.want) {
			t.Errorf("the case is\n%s\nwant %s", got, c.want)
		}
	}
}

// Those who read such files agree with us about them.
func TestJUnitReaders(t *testing.T) {
	s, rules := vast(12, 500)
	for name, r := range map[string]*Report{
		"mixed": waivedReport(accountRule, queueRule("sqs-q", engine.High, engine.Security), queueRule("sqs-r", engine.Low, engine.Reliability)), "vast": judge(s, rules, Filter{}), "hostile": hostileReport(),
		"failures": judge(mixed(), []engine.Rule{queueRule("sqs-q", engine.High, engine.Security)}, Filter{Statuses: []engine.Status{engine.Failed}}),
		"empty":    judge(snapshot([]string{"eu-west-1"}), []engine.Rule{queueRule("sqs-q", engine.Low, engine.Security)}, Filter{}), "no rules": judge(mixed(), nil, Filter{}),
	} {
		written := text(t, r.JUnit)
		ours := suitesOf(t, written)
		theirs, err := junit.Ingest([]byte(written))
		if err != nil || len(theirs) != len(ours.Suites) {
			t.Fatalf("%s: go-junit reads %d of %d suites: %v", name, len(theirs), len(ours.Suites), err)
		}
		for i, suite := range theirs {
			n := ours.Suites[i]
			if got := suite.Totals; suite.Name != n.Name || got.Tests != n.Tests || got.Failed != n.Failures || got.Skipped != n.Skipped || got.Passed != n.Tests-n.Failures-n.Skipped || got.Error != 0 {
				t.Errorf("%s: go-junit sees %s: %+v, want %+v", name, suite.Name, got, n)
			}
		}
		xmllint, err := exec.LookPath("xmllint")
		if err != nil {
			t.Log("not held against the schemas, as xmllint is not installed (libxml2-utils)")
			continue
		}
		schemas, _ := filepath.Glob("testdata/junit/*.xsd")
		if len(schemas) != 2 {
			t.Fatalf("the schemas are %q", schemas)
		}
		for _, schema := range schemas {
			c := exec.Command(xmllint, "--noout", "--schema", schema, "-")
			c.Stdin = strings.NewReader(written)
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("%s is not valid by %s: %v\n%.2000s", name, schema, err, out)
			}
		}
	}
}

func TestXMLLine(t *testing.T) {
	for in, want := range map[string]string{
		"a<b>&\"c\"": "a&lt;b&gt;&amp;&#34;c&#34;", "]]>": "]]&gt;", "a\x00\x01b\x1b\u0085c": "abc", "\xff\ufffe\uffffx\ufffd": "x\ufffd", "a\r\n\tb": "a   b", "\u202ex\u2028y": "x y", "ü€😀": "ü€😀",
	} {
		if got := xmlLine(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

// Rule by rule or all at once, what is new is new.
func TestJUnitBaseline(t *testing.T) {
	rules := []engine.Rule{queueRule("sqs-q", engine.High, engine.Security), queueRule("sqs-r", engine.Low, engine.Reliability)}
	old := queue("eu-west-1", "old", int(engine.High), "")
	before := baseline(t, snapshot([]string{"eu-west-1"}, old), rules, nil)
	r, err := New("test", engine.Whole(snapshot([]string{"eu-west-1"}, old, queue("eu-west-1", "young", int(engine.High), ""))), rules, Options{Baseline: before})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range suitesOf(t, text(t, r.JUnit)).Suites {
		for _, c := range s.Cases {
			got = append(got, c.Class+" "+strings.Fields(c.Name)[0]+" "+c.Failure.Message)
		}
	}
	if want := []string{"sqs-q old is bad", "sqs-q young new: is bad", "sqs-r old is bad", "sqs-r young new: is bad"}; !slices.Equal(got, want) {
		t.Errorf("the cases are %q, want %q", got, want)
	}
}
