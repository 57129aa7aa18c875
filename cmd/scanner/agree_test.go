package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"awsscanner/internal/report"
)

// sums are what every format should say of a report, as far as it says it; -1 for what it does not say.
type sums struct {
	fail, dark, pass, exempt int            // results by status
	open                     int            // failures that nobody has waived
	bySeverity               map[string]int // of these
	waived, waivedDark       int            // failures and gaps that somebody has
	changes                  map[string]int // of failures that nobody has waived; nil if it does not say
}

// waivedHere is what the waivers of the example may mean.
var waivedHere = regexp.MustCompile(`^(s3|sqs|kms|iam)-`)

// TestFormatsAgree holds the numbers of all formats against each other, for the demo account with waivers and a baseline.
func TestFormatsAgree(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	t.Chdir(t.TempDir())
	quiet(t, "scan", "--demo", "--no-save", "--save-snapshot", "demo.jsonl", "--no-config")
	quiet(t, "baseline", "create", "demo.jsonl", "--no-config")
	edit(t, "baseline.json", func(b map[string]any) {
		var kept []any
		changed := ""
		for i, f := range b["findings"].([]any) {
			f := f.(map[string]any)
			switch i % 7 {
			case 0: // it is new, or newly assessed
				if rule := f["rule"].(string); changed == "" && !waivedHere.MatchString(rule) {
					changed = rule
				}
				continue
			case 1: // it is regressed
				b["mended"] = append(b["mended"].([]any), f)
				continue
			case 2: // it may be escalated
				f["severity"] = "informational"
			case 3: // and something else is fixed
				gone := maps.Clone(f)
				gone["identity"] = fmt.Sprintf("%032x", i)
				gone["fingerprint"] = gone["identity"]
				kept = append(kept, gone)
			}
			kept = append(kept, f)
		}
		b["findings"] = kept
		ruleOf(b, changed)["version"] = 99 // what it finds is newly assessed
	})
	if err := os.WriteFile("waivers.yaml", []byte(`
- {rule: s3-*, region: eu-*, reason: r, owner: o, expires: 2027-06-30}
- {rule: sqs-*, region: eu-*, reason: r, owner: o, expires: 2027-06-30}
- {rule: kms-*, region: eu-*, reason: r, owner: o, expires: 2027-06-30}
- {rule: iam-user-console-mfa, severity: high, reason: r, owner: o, expires: 2027-06-30}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"report", "demo.jsonl", "--no-config", "--waivers", "waivers.yaml", "--baseline", "baseline.json"}
	for _, format := range formatNames() {
		args = append(args, "-o", format+"=out."+format)
	}
	quiet(t, args...)
	read := func(format string) []byte {
		b, err := os.ReadFile("out." + format)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}

	// What the JSON report sums up is what it lists.
	var whole struct {
		Summary struct {
			Results, Failures, Waived map[string]int
			WaivedNotAssessed         int
		}
		Changes struct {
			Counts map[string]int
			Gone   []report.Gone
		}
		Coverage struct{ Cells, Assessed int }
		Results  []report.Finding
	}
	if err := json.Unmarshal(read("json"), &whole); err != nil {
		t.Fatal(err)
	}
	s := whole.Summary
	want := sums{fail: s.Results["fail"], dark: s.Results["not-assessed"], pass: s.Results["pass"], exempt: s.Results["not-applicable"], open: add(s.Failures), bySeverity: s.Failures,
		waived: add(s.Waived), waivedDark: s.WaivedNotAssessed, changes: whole.Changes.Counts}
	for name, n := range map[string]int{"waived failures": want.waived, "waived gaps": want.waivedDark, "gaps": want.dark - want.waivedDark, "open": want.open, "new": want.changes["new"], "regressed": want.changes["regressed"],
		"escalated": want.changes["escalated"], "newly assessed": want.changes["newly-assessed"], "unchanged": want.changes["unchanged"], "gone": len(whole.Changes.Gone)} {
		if n == 0 {
			t.Errorf("the example has no %s", name)
		}
	}
	say := func(format string, got sums) {
		same := func(what string, got, want int) {
			if got >= 0 && got != want {
				t.Errorf("%s says %d %s, JSON sums up %d", format, got, what, want)
			}
		}
		same("failures", got.fail, want.fail)
		same("gaps", got.dark, want.dark)
		same("passes", got.pass, want.pass)
		same("not applicable", got.exempt, want.exempt)
		same("open failures", got.open, want.open)
		same("waived failures", got.waived, want.waived)
		same("waived gaps", got.waivedDark, want.waivedDark)
		for severity := range want.bySeverity {
			if got.bySeverity != nil {
				same(severity, got.bySeverity[severity], want.bySeverity[severity])
			}
		}
		for change, n := range want.changes {
			if got.changes != nil {
				same(change, got.changes[change], n)
			}
		}
	}
	lists := func(all []report.Finding) sums {
		got := sums{bySeverity: map[string]int{}, changes: map[string]int{}}
		for _, f := range all {
			got.see(string(f.Status), f.Severity.String(), string(f.Change), f.Waived != nil)
		}
		return got
	}
	say("json", lists(whole.Results))

	var lines []report.Finding
	for l := range bytes.Lines(read("jsonl")) {
		var f report.Finding
		if err := json.Unmarshal(l, &f); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, f)
	}
	say("jsonl", lists(lines))

	rows, err := csv.NewReader(bytes.NewReader(read("csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	got := sums{bySeverity: map[string]int{}, changes: map[string]int{}}
	for _, row := range rows[1:] {
		got.see(row[column["status"]], row[column["severity"]], row[column["change"]], row[column["waived_until"]] != "")
	}
	say("csv", got)

	// The table, in words. Markdown and HTML say the same in others.
	number := func(format, pattern string) int {
		t.Helper()
		m := regexp.MustCompile(pattern).FindSubmatch(read(format))
		if m == nil {
			t.Errorf("%s has nothing like %s", format, pattern)
			return -1
		}
		n, err := strconv.Atoi(string(m[1]))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	fates := map[report.Fate]int{}
	for _, g := range whole.Changes.Gone {
		fates[g.Fate]++
	}
	say("table", sums{fail: -1, pass: -1, exempt: -1, open: number("table", `FIX FIRST  (\d+) failures`), dark: number("table", `BLIND  (\d+) results`), waived: number("table", `WAIVED  (\d+) failures`),
		waivedDark: number("table", `WAIVED .*, (\d+) results? not assessed`), changes: map[string]int{"new": number("table", `CHANGED .*: (\d+) new`), "regressed": number("table", `CHANGED .* (\d+) regressed`),
			"escalated": number("table", `CHANGED .* (\d+) escalated`), "newly-assessed": number("table", `CHANGED .* (\d+) newly`), "unchanged": number("table", `CHANGED .* (\d+) unchanged`)}})
	if n := number("table", `CHANGED .* (\d+) fixed`); n != fates[report.Fixed] {
		t.Errorf("the table says %d are fixed, JSON lists %d", n, fates[report.Fixed])
	}
	if blind, cells := number("table", `BLIND .* in (\d+) of`), number("table", `BLIND .* of (\d+) cells`); cells-blind != whole.Coverage.Assessed || cells != whole.Coverage.Cells {
		t.Errorf("the table says %d of %d cells are blind, JSON that %d of %d are assessed", blind, cells, whole.Coverage.Assessed, whole.Coverage.Cells)
	}
	if n := number("table", `BLIND .*, (\d+) of them waived`); n != want.waivedDark {
		t.Errorf("the table says %d gaps are waived, JSON %d", n, want.waivedDark)
	}
	say("markdown", sums{fail: -1, pass: -1, exempt: -1, waived: -1, open: number("markdown", `\*\*(\d+) failures\*\* \(`), dark: number("markdown", `\*\*(\d+) results not assessed\*\*`), waivedDark: number("markdown", `Not assessed: \d+ results, (\d+) of them waived`),
		changes: map[string]int{"new": number("markdown", `Since then: (\d+) new`), "regressed": number("markdown", `Since then: .* (\d+) regressed`), "escalated": number("markdown", `Since then: .* (\d+) escalated`),
			"newly-assessed": number("markdown", `Since then: .* (\d+) newly`), "unchanged": number("markdown", `Since then: .* (\d+) unchanged`)}})
	if n := number("markdown", ` (\d+) results? waived`); n != want.waived+want.waivedDark {
		t.Errorf("markdown says %d are waived, JSON %d and %d", n, want.waived, want.waivedDark)
	}
	say("html", pageSums(t, read("html")))

	var sarif struct {
		Runs []struct {
			Results []struct {
				BaselineState string
				Suppressions  []any
				Properties    map[string]any
			}
			Invocations []struct {
				Notifications []struct {
					Properties map[string]any
				} `json:"toolExecutionNotifications"`
			}
		}
	}
	if err := json.Unmarshal(read("sarif"), &sarif); err != nil {
		t.Fatal(err)
	}
	got = sums{dark: -1, pass: -1, exempt: -1, waivedDark: -1, bySeverity: map[string]int{}, changes: map[string]int{}}
	for _, x := range sarif.Runs[0].Results {
		change, _ := x.Properties["change"].(string)
		got.see("fail", fmt.Sprint(x.Properties["severity"]), change, len(x.Suppressions) > 0)
	}
	got.dark, got.pass, got.exempt, got.waivedDark = -1, -1, -1, -1
	say("sarif", got)

	var gitlab []struct{ Severity, Change string }
	if err := json.Unmarshal(read("gitlab"), &gitlab); err != nil {
		t.Fatal(err)
	}
	got = sums{bySeverity: map[string]int{}, changes: map[string]int{}}
	names := map[string]string{"blocker": "critical", "critical": "high", "major": "medium", "minor": "low", "info": "informational"}
	for _, x := range gitlab {
		got.see("fail", names[x.Severity], x.Change, false)
	}
	got.fail, got.dark, got.pass, got.exempt, got.waived, got.waivedDark = -1, -1, -1, -1, -1, -1
	say("gitlab", got)

	var junit struct {
		Suites []struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
			Skipped  int `xml:"skipped,attr"`
			Cases    []struct {
				Failure *struct {
					Type string `xml:"type,attr"`
				} `xml:"failure"`
				Skipped *struct {
					Type string `xml:"type,attr"`
				} `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(read("junit"), &junit); err != nil {
		t.Fatal(err)
	}
	got = sums{bySeverity: map[string]int{}}
	tests, failures, skipped, accepted, unseen := 0, 0, 0, 0, 0
	for _, suite := range junit.Suites {
		tests, failures, skipped = tests+suite.Tests, failures+suite.Failures, skipped+suite.Skipped
		for _, c := range suite.Cases {
			switch {
			case c.Failure != nil:
				got.open++
				got.bySeverity[c.Failure.Type]++
			case c.Skipped == nil:
				got.pass++
			case c.Skipped.Type == "waived":
				accepted++
			case c.Skipped.Type == "not-assessed":
				unseen++
			case c.Skipped.Type == "not-applicable":
				got.exempt++
			}
		}
	}
	got.fail, got.dark, got.waived, got.waivedDark = -1, -1, -1, -1
	say("junit", got)
	if accepted != want.waived+want.waivedDark || unseen != want.dark-want.waivedDark || failures != want.open || tests != want.fail+want.dark+want.pass+want.exempt || skipped != tests-want.pass-want.open {
		t.Errorf("junit has %d tests, %d failures, %d skipped, of which %d are waived and %d not assessed", tests, failures, skipped, accepted, unseen)
	}

	got = sums{bySeverity: map[string]int{}, changes: map[string]int{}}
	for l := range bytes.Lines(read("ocsf")) {
		var e struct {
			Severity   string
			Status     string
			Compliance struct {
				StatusCode string `json:"status_code"`
			}
			Unmapped struct{ Change string }
		}
		if err := json.Unmarshal(l, &e); err != nil {
			t.Fatal(err)
		}
		got.see(e.Compliance.StatusCode, strings.ToLower(e.Severity), e.Unmapped.Change, e.Status == "Suppressed")
	}
	say("ocsf", got)

	got = sums{bySeverity: map[string]int{}, changes: map[string]int{}}
	statuses := map[string]string{"FAILED": "fail", "PASSED": "pass", "NOT_AVAILABLE": "not-assessed"}
	for l := range bytes.Lines(read("asff")) { // a batch each
		var asff struct {
			Findings []struct {
				RecordState   string
				Severity      struct{ Label string }
				Compliance    struct{ Status string }
				ProductFields map[string]string
			}
		}
		if err := json.Unmarshal(l, &asff); err != nil {
			t.Fatal(err)
		}
		for _, x := range asff.Findings {
			waived := x.ProductFields["scanner/waived/expires"] != ""
			if archived := x.RecordState == "ARCHIVED"; archived != (waived && x.Compliance.Status == "FAILED") {
				t.Errorf("asff has a finding that is %s and %s, waived: %v", x.Compliance.Status, x.RecordState, waived)
			}
			got.see(statuses[x.Compliance.Status], strings.ToLower(x.Severity.Label), x.ProductFields["scanner/change"], waived)
		}
	}
	got.exempt = -1 // there is nothing to import
	say("asff", got)

	// So does the gate.
	var out, stderr bytes.Buffer
	if code := run(t.Context(), []string{"gate", "demo.jsonl", "--no-config", "--waivers", "waivers.yaml", "--baseline", "baseline.json", "--max", "low=10000", "--allow-incomplete"}, &out, &stderr); code != 0 {
		t.Fatalf("exit %d: %s", code, &stderr)
	}
	c := want.changes
	if text := fmt.Sprintf("passed: %d failures (%d critical, %d high, %d medium, %d low, %d informational), %d new, %d regressed, %d escalated, %d fixed, %d newly assessed, %d out of scope, %d unchanged, %d waived, %d gaps waived; %d of %d cells assessed without a gap\n", want.open,
		want.bySeverity["critical"], want.bySeverity["high"], want.bySeverity["medium"], want.bySeverity["low"], want.bySeverity["informational"], c["new"], c["regressed"], c["escalated"], fates[report.Fixed], c["newly-assessed"], fates[report.OutOfScope], c["unchanged"],
		want.waived, want.waivedDark, whole.Coverage.Assessed, whole.Coverage.Cells); out.String() != text {
		t.Errorf("the gate says\n%swant\n%s", &out, text)
	}
}

// see counts a result.
func (s *sums) see(status, severity, change string, waived bool) {
	switch status {
	case "fail":
		s.fail++
	case "not-assessed":
		s.dark++
	case "pass":
		s.pass++
	case "not-applicable":
		s.exempt++
	}
	switch {
	case status == "fail" && waived:
		s.waived++
	case status == "fail":
		s.open++
		s.bySeverity[severity]++
		if change != "" && s.changes != nil {
			s.changes[change]++
		}
	case status == "not-assessed" && waived:
		s.waivedDark++
	}
}

func add(by map[string]int) (n int) {
	for _, x := range by {
		n += x
	}
	return n
}

// pageSums reads the findings of a page as its script does: a shared column has a value, or the number that it had among the new ones.
func pageSums(t *testing.T, page []byte) sums {
	t.Helper()
	got := sums{pass: -1, exempt: -1, bySeverity: map[string]int{}, changes: map[string]int{}}
	shared := map[int][]any{}
	for _, m := range regexp.MustCompile(`(?s)application/json" class="rows">(.*?)</script>`).FindAllSubmatch(page, -1) {
		var rows [][]any
		if err := json.Unmarshal(m[1], &rows); err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			at := func(i int) any {
				if i >= len(row) {
					return nil
				}
				switch v := row[i].(type) {
				case float64:
					if v == 0 {
						return nil
					}
					return shared[i][int(v)-1]
				default:
					shared[i] = append(shared[i], v)
					return v
				}
			}
			status, severity, waived, change := at(1), at(2), at(18), at(19)
			word, _ := change.(string)
			got.see(status.(string), severity.(string), word, waived != nil)
		}
	}
	return got
}
