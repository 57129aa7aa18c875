package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"awsscanner/frameworks"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

func htmlOf(t testing.TB, r *Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.HTML(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// told makes a report of results as another report would tell them.
func told(rules []engine.Rule, o Options, results ...engine.Recorded) *Report {
	h := engine.Header{Partition: "aws", Start: start, Caller: "arn:aws:sts::" + account + ":assumed-role/audit/me", Read: []model.Place{place("eu-west-1")}}
	s := engine.Told(h, engine.End{}, func() iter.Seq2[engine.Recorded, error] {
		return func(yield func(engine.Recorded, error) bool) {
			for _, x := range results {
				if !yield(x, nil) {
					return
				}
			}
		}
	})
	r, err := New("test", s, rules, o)
	if err != nil {
		panic(err)
	}
	return r
}

func recorded(rule, name string, v engine.Verdict) engine.Recorded {
	return engine.Recorded{Rule: rule, Resource: model.Meta{ID: "id of " + name, Name: name, ARN: "arn:aws:sqs:eu-west-1:" + account + ":" + name, Account: account, Region: "eu-west-1"},
		Verdict: v, Fingerprint: fmt.Sprintf("%032x", name), Identity: fmt.Sprintf("%032x", name)}
}

var dataChunk = regexp.MustCompile(`(?s)<script type="application/json" class="rows">(.*?)</script>`)

// rowsIn reads the data of a page as its script does.
func rowsIn(t *testing.T, page string) (all []map[string]any) {
	t.Helper()
	known := map[string][]any{}
	for _, chunk := range dataChunk.FindAllStringSubmatch(page, -1) {
		var rows [][]any
		if err := json.Unmarshal([]byte(chunk[1]), &rows); err != nil {
			t.Fatal(err)
		}
		if len(rows) > rowsInChunk {
			t.Errorf("a chunk has %d rows", len(rows))
		}
		for _, raw := range rows {
			row := map[string]any{}
			for i, name := range []string{"rule", "status", "severity", "account", "region", "kind", "owner", "message", "-fingerprint", "-id", "-name", "-arn", "-identity",
				"evidence", "-values", "tags", "fix", "gap", "waived", "change"} {
				if i >= len(raw) {
					break
				}
				name, alone := strings.CutPrefix(name, "-")
				value := raw[i]
				switch n, isNumber := value.(float64); {
				case isNumber && n == 0:
					continue
				case isNumber && !alone:
					value = known[name][int(n)-1]
				case !alone && len(known[name]) < mostShared:
					known[name] = append(known[name], value)
				}
				row[name] = value
			}
			all = append(all, row)
		}
	}
	return all
}

// The rows of a page tell what the JSON report tells.
func TestHTMLRows(t *testing.T) {
	rules := []engine.Rule{accountRule, queueRule("sqs-q", engine.Critical, engine.Security), queueRule("sqs-r", engine.Low), volumeRule}
	s := mixed()
	for _, r := range volume("1", "web") {
		s.Put(r)
	}
	waive := func(x *engine.Result) *Waived {
		if x.Resource.Name != "untidy" {
			return nil
		}
		return &Waived{Reason: "is known", Owner: "ops", Expires: "2026-06-30", Source: "w.yaml:1"}
	}
	r, err := New("test", engine.Whole(s), rules, Options{Waive: waive})
	if err != nil {
		t.Fatal(err)
	}
	rows := rowsIn(t, htmlOf(t, r))
	text := func(v any) string { s, _ := v.(string); return s }
	n := 0
	for x, err := range r.Results() {
		if err != nil {
			t.Fatal(err)
		}
		if x.Status != engine.Failed && x.Status != engine.NotAssessed {
			continue
		}
		if n == len(rows) {
			t.Fatalf("%d rows are too few", n)
		}
		f, row := x.Finding(), rows[n]
		n++
		fix := ""
		if f.Fix != nil {
			fix = f.Fix.Key
		}
		for _, c := range []struct{ name, got, want string }{
			{"rule", text(row["rule"].(map[string]any)["id"]), f.Rule}, {"status", text(row["status"]), string(f.Status)}, {"severity", text(row["severity"]), f.Severity.String()},
			{"account", text(row["account"]), f.Resource.Account}, {"region", text(row["region"]), f.Resource.Region}, {"kind", text(row["kind"]), string(f.Resource.Kind)},
			{"owner", text(row["owner"]), f.Resource.Owner}, {"message", text(row["message"]), f.Message}, {"fingerprint", text(row["fingerprint"]), f.Fingerprint}, {"id", text(row["id"]), f.Resource.ID},
			{"name", text(row["name"]), differs(f.Resource.Name, f.Resource.ID)}, {"arn", text(row["arn"]), differs(f.Resource.ARN, f.Resource.ID)},
			{"identity", text(row["identity"]), differs(f.Identity, f.Fingerprint)}, {"fix", text(row["fix"]), differs(fix, f.Rule)},
		} {
			if c.got != c.want {
				t.Errorf("%s on %s: %s is %q, want %q", f.Rule, f.Resource.ID, c.name, c.got, c.want)
			}
		}
		evidence := map[string]any{}
		keys, _ := row["evidence"].([]any)
		for i, k := range keys {
			evidence[k.(string)] = row["values"].([]any)[i]
		}
		if !reflect.DeepEqual(evidence, f.Evidence) {
			t.Errorf("%s on %s: evidence %v, want %v", f.Rule, f.Resource.ID, evidence, f.Evidence)
		}
		gap, _ := row["gap"].(map[string]any)
		if (gap != nil) != (f.Gap != nil) || gap != nil && (gap["reason"] != string(f.Gap.Reason) || gap["class"] != string(f.Gap.Class) || text(gap["call"]) != f.Gap.Call || gap["advice"] == "") {
			t.Errorf("%s on %s: gap %v, want %v", f.Rule, f.Resource.ID, gap, f.Gap)
		}
		waived, _ := row["waived"].(map[string]any)
		if (waived != nil) != (f.Waived != nil) || waived != nil && waived["reason"] != "is known" {
			t.Errorf("%s on %s: waived %v, want %v", f.Rule, f.Resource.ID, waived, f.Waived)
		}
	}
	if n == 0 || n != len(rows) {
		t.Errorf("%d rows, want %d", len(rows), n)
	}
}

// What became of a finding since the baseline goes along.
func TestHTMLChange(t *testing.T) {
	r := told([]engine.Rule{queueRule("sqs-q", engine.High)}, Options{}, recorded("sqs-q", "a", engine.Fail("is bad").As(engine.High)))
	p, line := &page{Report: r}, &row{numbers: numbers{}}
	for x := range r.Results() {
		x.Change = Regressed
		p.row(line, &x)
	}
	if got := string(line.buf); !strings.HasSuffix(got, `,"regressed"]`) || !json.Valid(line.buf) {
		t.Errorf("the row is %s", got)
	}
}

// Columns of which there are too many values to remember are read as they were written.
func TestHTMLManyValues(t *testing.T) {
	const n = 2*rowsInChunk + 17
	results := make([]engine.Recorded, n)
	for i := range results {
		results[i] = recorded("sqs-q", fmt.Sprint("q", i), engine.Fail(fmt.Sprint("message ", i%(mostShared+100))).As(engine.Low))
	}
	r := told([]engine.Rule{queueRule("sqs-q", engine.High)}, Options{}, results...)
	rows := rowsIn(t, htmlOf(t, r))
	if len(rows) != n {
		t.Fatalf("%d rows, want %d", len(rows), n)
	}
	for i, row := range rows {
		if row["message"] != fmt.Sprint("message ", i%(mostShared+100)) || row["name"] != fmt.Sprint("q", i) {
			t.Fatalf("row %d is %v", i, row)
		}
	}
}

// Memory does not grow with the number of findings.
func TestHTMLStreams(t *testing.T) {
	used := func(n int) uint64 {
		h := engine.Header{Start: start, Read: []model.Place{place("eu-west-1")}}
		s := engine.Told(h, engine.End{}, func() iter.Seq2[engine.Recorded, error] {
			return func(yield func(engine.Recorded, error) bool) {
				for i := range n {
					if !yield(recorded("sqs-q", fmt.Sprint("queue", i), engine.Fail(fmt.Sprint("message ", i)).As(engine.Low)), nil) {
						return
					}
				}
			}
		})
		r, err := New("test", s, []engine.Rule{queueRule("sqs-q", engine.High)}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		w := &heapMeter{}
		if err := r.HTML(w); err != nil {
			t.Fatal(err)
		}
		return w.most
	}
	few, many := used(10_000), used(60_000)
	if many > few+1<<20 {
		t.Errorf("10 000 findings keep %d bytes, 60 000 keep %d", few, many)
	}
}

// A heapMeter looks now and then at what is in use while something is written to it.
type heapMeter struct {
	n    int
	most uint64
}

func (w *heapMeter) Write(p []byte) (int, error) {
	if w.n++; w.n%20 == 0 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		w.most = max(w.most, m.HeapAlloc)
	}
	return len(p), nil
}

// What an account says never becomes markup: not in what Go writes, and not in the data.
func TestHTMLHostile(t *testing.T) {
	evil := `</script><script>alert(1)</script><img src=x onerror="alert(2)"'` + "\u2028\u202e\x00&lt;"
	bad := recorded("sqs-q", evil, engine.Fail(evil).As(engine.Critical))
	bad.Owner, bad.FixKey, bad.Evidence, bad.Tags = evil, evil, map[string]any{evil: []any{evil, map[string]any{evil: evil}}}, map[string]string{evil: evil, "owner": evil}
	dark := recorded("sqs-q", evil+"2", engine.Unsure(model.AccessDenied, evil))
	dark.Gap.Call = evil
	dark.Resource.Region = evil
	gone := Gone{Known: Known{Rule: evil, ID: evil, Name: evil, Kind: model.Kind(evil), Account: evil, Region: evil, Owner: evil, Severity: engine.High}, Fate: Fixed}
	waive := func(x *engine.Result) *Waived {
		if x.Status != engine.Failed || x.Severity == engine.Critical {
			return nil
		}
		return &Waived{Reason: evil, Owner: evil, Expires: evil, Source: evil}
	}
	r := told([]engine.Rule{queueRule("sqs-q", engine.Critical)}, Options{Waive: waive, Baseline: &Baseline{Started: start}, Filter: Filter{Owners: []string{evil, "*"}}},
		bad, dark, recorded("sqs-q", evil+"3", engine.Fail(evil).As(engine.Low)))
	r.Gone, r.Header.Caller, r.Header.Names = []Gone{gone}, evil, map[string]string{account: evil}
	page := htmlOf(t, r)
	for _, never := range []string{"<script>alert", "<img", "\u2028", "\u202e", "\x00", ` onerror="`} {
		if at := strings.Index(page, never); at >= 0 {
			t.Errorf("the page has %q: %s", never, page[max(0, at-100):at+100])
		}
	}
	if n := strings.Count(page, "<script"); n != 3 {
		t.Errorf("%d scripts", n)
	}
	if rows := rowsIn(t, page); len(rows) != 3 || rows[0]["message"] != evil {
		t.Errorf("rows %v", rows)
	}
}

// The policy of the page lets run what it has, and nothing else.
func TestHTMLPolicy(t *testing.T) {
	page := htmlOf(t, told([]engine.Rule{queueRule("sqs-q", engine.High)}, Options{}))
	policy := regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(page)
	if policy == nil {
		t.Fatal("there is no content security policy")
	}
	if strings.Contains(policy[1], "unsafe") || !strings.HasPrefix(policy[1], "default-src 'none'; ") {
		t.Errorf("the policy is %s", policy[1])
	}
	for _, of := range []string{"style", "script"} {
		inline := regexp.MustCompile("(?s)<"+of+">(.*?)</"+of+">").FindAllStringSubmatch(page, -1)
		if len(inline) != 1 || !strings.Contains(policy[1], of+"-src '"+hash(inline[0][1])+"';") {
			t.Errorf("the policy does not name the one %s that there is: %s", of, policy[1])
		}
	}
	for _, never := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "setAttribute(\"style", "fetch(", "XMLHttpRequest", "http://", "https://", "import(", "@import", "url("} {
		if strings.Contains(pageScript, never) || strings.Contains(pageStyle, never) {
			t.Errorf("script or style has %s", never)
		}
	}
	for _, attribute := range regexp.MustCompile(`\s(style|on[a-z]+|src)=|href="[^#d]`).FindAllString(page[:strings.Index(page, "<script>")], -1) {
		t.Errorf("the page has %s", attribute)
	}
}

func TestHTMLVerdict(t *testing.T) {
	rule := queueRule("sqs-q", engine.Critical)
	fail := func(name string, s engine.Severity) engine.Recorded {
		return recorded("sqs-q", name, engine.Fail("is bad").As(s))
	}
	dark := recorded("sqs-q", "dark", engine.Unsure(model.AccessDenied, "no"))
	dark.Gap.Call = "sqs:GetQueueAttributes"
	pass := recorded("sqs-q", "good", engine.Pass())
	all := func(*engine.Result) *Waived { return &Waived{Reason: "so be it"} }
	for _, c := range []struct {
		want    string
		o       Options
		results []engine.Recorded
	}{
		{"Nothing fails in account 111122223333, and every rule saw all it needs.", Options{}, []engine.Recorded{pass}},
		{"Nothing that was seen fails in account 111122223333, but 1 of 1 check could not be completed.", Options{}, []engine.Recorded{pass, dark}},
		{"Nothing could be assessed in account 111122223333: grant sqs:GetQueueAttributes (scanner permissions prints the whole policy).", Options{}, []engine.Recorded{dark}},
		{"Nothing fails in account 111122223333 but what is waived, and every rule saw all it needs.", Options{Waive: all}, []engine.Recorded{fail("a", engine.High)}},
		{"1 critical failure in account 111122223333.", Options{}, []engine.Recorded{fail("a", engine.Critical)}},
		{"1 critical and 2 high failures in account 111122223333, and 1 less urgent: 1 fix would clear all.", Options{},
			[]engine.Recorded{fail("a", engine.Critical), fail("b", engine.High), fail("c", engine.High), fail("d", engine.Low)}},
		{"2 failures in account 111122223333, none of them critical or high: 1 fix would clear all; 1 of 1 check could not be completed.", Options{},
			[]engine.Recorded{fail("a", engine.Medium), fail("b", engine.Low), dark}},
	} {
		if got := told([]engine.Rule{rule}, c.o, c.results...).verdict(); got != c.want {
			t.Errorf("the verdict is\n%s\nwant\n%s", got, c.want)
		}
	}
}

var tag = regexp.MustCompile(`<[^>]*>`)

// words is what a part of a page says.
func words(page, id string) string {
	_, part, _ := strings.Cut(page, `id="`+id+`"`)
	part, _, _ = strings.Cut(part, "</section>")
	return strings.Join(strings.Fields(tag.ReplaceAllString(`<p `+part, " ")), " ")
}

// Without a baseline nothing is said to have changed; with one, only what was looked at is fixed.
func TestHTMLChanges(t *testing.T) {
	r := told([]engine.Rule{queueRule("sqs-q", engine.High)}, Options{}, recorded("sqs-q", "a", engine.Fail("is bad").As(engine.High)))
	page := htmlOf(t, r)
	if got := words(page, "changes"); got != "Since the last scan No baseline was given, so there is nothing to compare with: --baseline FILE ." {
		t.Errorf("without a baseline: %s", got)
	}
	if strings.Contains(page, `id="gone"`) || strings.Contains(page, `id="waived"`) || strings.Contains(page, `id="accounts"`) || strings.Contains(page, `id="frameworks"`) {
		t.Error("the page has sections about nothing")
	}
	r.Baseline = &Baseline{Started: start.Add(-24 * time.Hour)}
	r.Changes = map[Change]int{Appeared: 2, Regressed: 1, Unchanged: 40}
	r.Gone = []Gone{{Known: Known{Rule: "sqs-r", Name: "old", Severity: engine.Low}, Fate: OutOfScope}, {Known: Known{Rule: "sqs-r", Name: "tidy", Severity: engine.Low}, Fate: Fixed}, {Known: Known{Rule: "sqs-r", Name: "mended", Severity: engine.High}, Fate: Fixed}}
	page = htmlOf(t, r)
	if got := words(page, "changes"); got != "Since the last scan of 2025-12-31 12:00 UTC 2 new 1 regressed 0 escalated 0 newly assessed 40 unchanged 2 fixed 0 no longer assessed 1 out of scope" {
		t.Errorf("with a baseline: %s", got)
	}
	got := words(page, "gone")
	if !strings.Contains(got, "high mended sqs-r fixed low tidy sqs-r fixed low old sqs-r out of scope") {
		t.Errorf("gone: %s", got)
	}
}

// Every reason has something to be done about it, be it nothing.
func TestAdvice(t *testing.T) {
	for _, reason := range model.Reasons {
		if advice(reason, nil) == "" {
			t.Errorf("%s has no advice", reason)
		}
	}
}

func TestHTMLNotAssessed(t *testing.T) {
	r := judge(mixed(), []engine.Rule{queueRule("sqs-q", engine.Low), queueRule("sqs-r", engine.Low)}, Filter{})
	page := htmlOf(t, r)
	got := words(page, "blind")
	for _, want := range []string{"4 results have no verdict", "Grant sqs:GetQueueAttributes fixable sqs:GetQueueAttributes access-denied AccessDenied: no us-east-1 sqs-q sqs-r 2 results",
		"Scan again: scanner scan --resume asks only for what is missing fixable sqs:ListQueues throttled said no in us-west-2 us-west-2 sqs-q sqs-r a whole list"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page does not say %q: %s", want, got)
		}
	}
	if got := words(page, "summary"); !strings.Contains(got, "Coverage 33.3 % 2 of 6 checks completed 4 results not assessed To grant sqs:GetQueueAttributes") {
		t.Errorf("the summary is %s", got)
	}
}

// What somebody has accepted not to see is not to be granted.
func TestHTMLWaivedGap(t *testing.T) {
	waive := func(x *engine.Result) *Waived {
		if x.Status == engine.NotAssessed {
			return &Waived{Reason: "is not ours"}
		}
		return nil
	}
	r, err := New("test", engine.Whole(mixed()), []engine.Rule{queueRule("sqs-q", engine.Low)}, Options{Waive: waive})
	if err != nil {
		t.Fatal(err)
	}
	page := htmlOf(t, r)
	if got := words(page, "blind"); strings.Contains(got, "Grant") || !strings.Contains(got, "Nothing: this gap is waived") {
		t.Errorf("not assessed: %s", got)
	}
	if got := words(page, "summary"); strings.Contains(got, "sqs:GetQueueAttributes") {
		t.Errorf("the summary is %s", got)
	}
	if got := words(page, "waived"); !strings.Contains(got, "No failure is waived, only gaps.") {
		t.Errorf("waived: %s", got)
	}
}

// What is waived is in a section of its own, and in no sum.
func TestHTMLWaived(t *testing.T) {
	r := waivedReport(queueRule("sqs-q", engine.Critical, engine.Security), queueRule("sqs-r", engine.Low))
	page := htmlOf(t, r)
	got := words(page, "waived")
	for _, want := range []string{"2 failures are waived: 1 medium, 1 low. They are in no sum of failures. The next waiver ends on 2026-12-31.",
		"medium sqs-q bad until the move shop 2026-12-31 SHOP-1 waivers.yaml:3 1", "not assessed sqs-q dark until the move shop 2026-12-31 SHOP-1 waivers.yaml:3 1"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page does not say %q: %s", want, got)
		}
	}
	if got := words(page, "summary"); !strings.Contains(got, "1 high 3 low 2 waived") {
		t.Errorf("the summary is %s", got)
	}
}

// A rule all of whose failures are waived is told as such.
func TestHTMLWaivedRule(t *testing.T) {
	waive := func(*engine.Result) *Waived { return &Waived{Reason: "so be it"} }
	r := told([]engine.Rule{queueRule("sqs-q", engine.High, engine.Security)}, Options{Waive: waive}, recorded("sqs-q", "a", engine.Fail("is bad").As(engine.High)))
	if got := words(htmlOf(t, r), "pillars"); !strings.Contains(got, "n/a Blind Waived Fixes USD") || !strings.Contains(got, "Security none 0 0 0 0 1 0 -") {
		t.Errorf("pillars: %s", got)
	}
}

func TestHTMLGate(t *testing.T) {
	r := judge(mixed(), []engine.Rule{queueRule("sqs-q", engine.High)}, Filter{})
	if strings.Contains(htmlOf(t, r), `class="gate"`) {
		t.Error("there is no gate, but it says something")
	}
	for want, d := range map[string]Decision{
		"The gate passes.": {}, "The gate fails: 1 finding of severity high or above.": {ExitFound, []string{"1 finding of severity high or above:", "  more"}},
		"The gate does not pass: findings may be hidden.": {ExitIncomplete, []string{"findings may be hidden"}},
	} {
		r.Decision = &d
		if got := words(htmlOf(t, r), "verdict"); !strings.Contains(got, want) {
			t.Errorf("the summary does not say %q: %s", want, got)
		}
	}
}

// A report that was narrowed says so.
func TestHTMLLimits(t *testing.T) {
	r := judge(mixed(), []engine.Rule{queueRule("sqs-q", engine.High)}, Filter{Severities: []engine.Severity{engine.High}, Regions: []string{"eu-*"}, Statuses: []engine.Status{engine.Passed, engine.Failed}, Mask: &engine.Mask{Accounts: true}})
	page := htmlOf(t, r)
	if got := words(page, "summary"); !strings.Contains(got, "only severity high; only status pass, fail; only regions eu-*; accounts are hidden") {
		t.Errorf("the summary is %s", got)
	}
	if strings.Contains(page, account) {
		t.Error("the page tells the account")
	}
	for _, row := range rowsIn(t, page) {
		if row["status"] != "pass" && row["status"] != "fail" {
			t.Errorf("the page lists %v", row)
		}
	}
}

// What nobody looked at is named, and not taken for seen.
func TestHTMLLeftOut(t *testing.T) {
	r := told([]engine.Rule{queueRule("sqs-q", engine.High)}, Options{}, recorded("sqs-q", "a", engine.Pass()))
	if got := words(htmlOf(t, r), "blind"); !strings.HasSuffix(got, "every selected rule saw all it needs.") {
		t.Errorf("nothing is left out: %s", got)
	}
	r.Header.Unread = []model.Place{place("sa-east-1"), place("ap-south-1"), place(model.AnyRegion)}
	r.Header.Skipped = []engine.Skip{{Place: place("me-south-1"), Reason: model.NotEnabled}, {Place: model.Place{Account: "444455556666"}, Reason: model.OutsideScan, Why: "is suspended"}}
	r.Untold = 3
	page := htmlOf(t, r)
	want := "2 enabled regions left out of the scan 111122223333 ap-south-1 111122223333 sa-east-1 2 other places not looked at 111122223333 me-south-1: not enabled 444455556666: is suspended"
	if got := words(page, "blind"); !strings.HasSuffix(got, want) {
		t.Errorf("left out: %s", got)
	}
	if got := words(page, "summary"); !strings.Contains(got, "not all regions could be listed 3 results shown though their tags are not known") {
		t.Errorf("the summary is %s", got)
	}
}

func TestHTMLFrameworks(t *testing.T) {
	r := told([]engine.Rule{queueRule("sqs-q", engine.High), queueRule("sqs-r", engine.High)}, Options{}, recorded("sqs-q", "a", engine.Fail("is bad").As(engine.High)), recorded("sqs-r", "a", engine.Pass()))
	no := false
	r.Frameworks = []*frameworks.Framework{{ID: "f", Title: "Frame", Version: "1", Requirements: []frameworks.Requirement{
		{ID: "1.1", Title: "Queues", Rules: []string{"sqs-q"}}, {ID: "1.2", Title: "More queues", Rules: []string{"sqs-r"}}, {ID: "1.2a", Title: "Queues and more", Rules: []string{"sqs-r"}, Reason: "more is not seen"}, {ID: "1.3", Title: "Meetings", Automated: &no, Reason: "people only"}}}}
	page := htmlOf(t, r)
	got := words(page, "frameworks")
	for _, want := range []string{"Frame 1 1 met 1 met in part 1 not met 0 not assessed 1 not automated", "1.1 Queues not met sqs-q fails", "1.2 More queues met sqs-r", "1.2a Queues and more met in part more is not seen sqs-r", "1.3 Meetings not automated cannot be automated: people only"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page does not say %q: %s", want, got)
		}
	}
	if rule := rowsIn(t, page)[0]["rule"].(map[string]any); !reflect.DeepEqual(rule["requirements"], []any{"Frame 1 1.1"}) {
		t.Errorf("the rule is %v", rule)
	}
}

func TestHTMLDeterministic(t *testing.T) {
	rules := []engine.Rule{accountRule, queueRule("sqs-q", engine.Critical), volumeRule}
	first := htmlOf(t, judge(mixed(), rules, Filter{Tags: map[string][]string{"a": {"*"}, "b": {"*"}, "c": {"*"}}}))
	for range 5 {
		if htmlOf(t, judge(mixed(), rules, Filter{Tags: map[string][]string{"a": {"*"}, "b": {"*"}, "c": {"*"}}})) != first {
			t.Fatal("the same scan gives another page")
		}
	}
}

// The waste of a pillar is what its rules tell, of each resource the most.
func TestWasteBy(t *testing.T) {
	s := snapshot([]string{"eu-west-1"}, queue("eu-west-1", "a", int(engine.Low), ""), queue("eu-west-1", "b", int(engine.Low), ""))
	r := judge(s, []engine.Rule{queueRule("sqs-q", engine.Low, engine.CostOptimization), queueRule("sqs-r", engine.Low, engine.CostOptimization, engine.Sustainability), accountRule}, Filter{})
	want := map[engine.Pillar]float64{engine.CostOptimization: 2.2, engine.Sustainability: 2.2}
	if !reflect.DeepEqual(r.WasteBy, want) || r.Waste != 2.2 {
		t.Errorf("waste by pillar %v, all %v", r.WasteBy, r.Waste)
	}
	if got := words(htmlOf(t, r), "pillars"); !strings.Contains(got, "Cost optimization low 2 0 0 0 2 2 Sustainability low 1 0 0 0 1 2") {
		t.Errorf("pillars: %s", got)
	}
}

func TestNumber(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1\u202f000", 1234567: "1\u202f234\u202f567"} {
		if got := number(n); got != want {
			t.Errorf("%d is %q", n, got)
		}
	}
	for _, c := range []struct {
		part, all int
		want      string
	}{{0, 0, "100"}, {999, 1000, "99.9"}, {99999, 100000, "99.9"}, {1, 1, "100"}, {0, 3, "0"}} {
		if got := percent(c.part, c.all); got != c.want {
			t.Errorf("%d of %d is %s", c.part, c.all, got)
		}
	}
}

// Prose and commands of a fix come apart.
func TestPieces(t *testing.T) {
	got := pieces("Undo", "aws sqs a\naws sqs b\nThen wait.\n\naws sqs c")
	want := []pageText{{Heading: "Undo", Code: "aws sqs a\naws sqs b"}, {Prose: "Then wait."}, {Code: "aws sqs c"}}
	if !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
}
