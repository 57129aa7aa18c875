package engine_test

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

var (
	there = model.Place{Account: "2", Region: "eu"}
	lost  = model.Place{Account: "3"}
)

// two accounts and one that could not be entered. Both see a trail, which the second owns; the first was refused its status.
func cells() []engine.Cell {
	trail := func(multi model.Attr[bool], gaps ...*model.Gap) *Trail {
		t := &Trail{Meta: model.Meta{ID: "t", ARN: "arn:aws:cloudtrail:eu:2:t", Account: "2", Region: "eu", Gaps: gaps}, MultiRegion: multi}
		model.Explain(t)
		return t
	}
	seen := trail(model.Attr[bool]{}, &model.Gap{Reason: model.AccessDenied, Call: "cloudtrail:GetTrail"})
	seen.Shared = []string{"1"}
	other := queue("b", model.Known(false))
	other.Account, other.ARN = "2", "arn:aws:sqs:eu:2:b"
	return []engine.Cell{
		{Place: there, Service: "sqs", Resources: []model.Resource{other}},
		{Place: here, Service: "sqs", Resources: []model.Resource{queue("z", model.Known(true)), queue("a", model.Known(true))}},
		{Place: model.Place{Account: "1"}, Service: "cloudtrail", Resources: []model.Resource{seen}},
		{Place: model.Place{Account: "2"}, Service: "cloudtrail", Resources: []model.Resource{trail(model.Known(true))}},
		{Place: model.Place{Account: "3", Region: "*"}, Holes: []engine.Hole{{Kind: "AWS::SQS::Queue", Place: model.Place{Account: "3", Region: "*"}, Gap: denied}}},
	}
}

var several = engine.Header{Partition: "aws", Start: time.Unix(0, 0).UTC(), Read: []model.Place{here, there, lost}, Listed: []model.Kind{"AWS::CloudTrail::Trail", "AWS::SQS::Queue"}}

// journal writes cells into a file.
func journal(t *testing.T, h engine.Header, cells []engine.Cell) (*engine.Journal, *os.File) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "j"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	j, err := engine.NewJournal(f, h, table, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cells {
		if err := j.Append(c); err != nil {
			t.Fatal(err)
		}
	}
	return j, f
}

func text(t *testing.T, j *engine.Journal) string {
	t.Helper()
	r, err := j.Snapshot(engine.End{Finished: time.Unix(1, 0).UTC()})
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func open(t *testing.T, text string) *engine.Scan {
	t.Helper()
	s, err := engine.OpenScan(func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }, table)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A scan of several accounts is judged account by account, with the same verdicts as if all were in memory; what looks
// beyond an account sees all of them.
func TestScan(t *testing.T) {
	j, _ := journal(t, several, cells())
	file := text(t, j)
	queues := engine.Rule{ID: "sqs-q", Severity: engine.Low, Worst: engine.High, Reads: []string{"engine_test.Queue.ManagedSSE"},
		Check: engine.Each(func(v *engine.View, q *Queue) engine.Verdict {
			if n := engine.Join[*Queue](v).Count(func(*Queue) bool { return true }).Number(); n > 2 {
				return engine.Fail("sees other accounts")
			}
			if q.ManagedSSE.Get() {
				return engine.Pass()
			}
			return engine.Fail("off")
		})}
	trails := regionRule(func(v *engine.View) engine.Verdict {
		if engine.Everywhere[*Trail](v).Any(func(t *Trail) bool { return t.MultiRegion.Get() }) {
			return engine.Pass()
		}
		return engine.Fail("none")
	}, "engine_test.Trail.MultiRegion")
	organization := trails
	organization.ID, organization.Organization = "o", true
	found := regionRule(func(v *engine.View) engine.Verdict {
		_, ok := engine.Find[*Queue](v, "arn:aws:sqs:eu:2:b")
		return engine.NotApplicable(fmt.Sprint(ok))
	}, "engine_test.Queue")
	found.ID = "f"
	rules := []engine.Rule{organization, queues, trails, found}

	judged := func(s *engine.Scan) (all []string) {
		t.Helper()
		for r, err := range s.Evaluate(rules) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s", r.Rule.ID, r.Resource.Account, r.Resource.ID, r.Status, r.Message)))
		}
		return all
	}
	s := open(t, file)
	apart := judged(s)
	want := []string{
		"sqs-q 1 a pass", "sqs-q 1 z pass", "r 1 eu not-assessed cloudtrail:GetTrail was denied",
		"f 1 eu not-assessed sqs:ListQueues lies outside of the scan (arn:aws:sqs:eu:2:b)",
		"sqs-q 2 b fail off", "r 2 eu pass", "f 2 eu not-applicable true",
		"sqs-q 3 * not-assessed sqs:GetQueueAttributes was denied",
		"o 1 eu pass", "o 2 eu pass",
	}
	if !slices.Equal(apart, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(apart, "\n"), strings.Join(want, "\n"))
	}
	if !s.Finished.Equal(time.Unix(1, 0)) {
		t.Error("the end is not known")
	}
	if again := judged(s); !slices.Equal(again, apart) {
		t.Errorf("the second time\n%s", strings.Join(again, "\n"))
	}

	// All accounts in memory give the same, but for what only the owner of the trail knows, which the first account then knows too.
	whole, err := engine.Load(strings.NewReader(strings.Replace(file, `{"kind":"AWS::CloudTrail::Trail","id":"t","arn":"arn:aws:cloudtrail:eu:2:t","account":"2","region":"eu","shared":["1"],"gaps":[{"reason":"access-denied","call":"cloudtrail:GetTrail"}]}`,
		`{"kind":"AWS::CloudTrail::Trail","id":"u","account":"2","region":"eu","shared":["1"],"gaps":[{"reason":"access-denied","call":"cloudtrail:GetTrail"}]}`, 1)), table)
	if err != nil {
		t.Fatal(err)
	}
	together := judged(engine.Whole(whole))
	for _, list := range [][]string{apart, together} {
		slices.Sort(list)
	}
	if together = slices.DeleteFunc(together, func(l string) bool { return strings.HasPrefix(l, "o ") }); len(together) != len(apart)-2 {
		t.Errorf("together\n%s", strings.Join(together, "\n"))
	}
	for _, l := range together {
		if !slices.Contains(apart, l) && !strings.HasPrefix(l, "r 1") {
			t.Errorf("together only: %s", l)
		}
	}

	// A single account needs no cells, and knows itself what organization rules read.
	one := snapshot(queue("a", model.Known(true)))
	one.Start = several.Start
	var out bytes.Buffer
	if err := one.Save(&out); err != nil {
		t.Fatal(err)
	}
	if got := judged(open(t, out.String())); len(got) != 4 || got[0] != "o 1 eu not-assessed cloudtrail:DescribeTrails was not collected" {
		t.Errorf("one account: %q", got)
	}
}

// What was lost from a file is noticed, wherever.
func TestScanRefuses(t *testing.T) {
	j, _ := journal(t, several, cells())
	file := text(t, j)
	lines := strings.SplitAfter(file, "\n")
	swapped := slices.Clone(lines)
	for i, l := range lines {
		if strings.Contains(l, `"cell":{"account":"2"`) {
			swapped[i] = strings.Replace(l, `"account":"2"`, `"account":"1"`, 1)
			break
		}
	}
	for what, bad := range map[string]string{
		"an account is missing":   strings.Join(slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return strings.Contains(l, `"*"`) }), ""),
		"an account is in pieces": strings.Join(swapped, ""),
	} {
		n := strings.Count(bad, "\n") - 2
		bad = bad[:strings.LastIndex(bad, `"lines":`)] + fmt.Sprintf("\"lines\":%d}}\n", n)
		failed := false
		for _, err := range open(t, bad).Accounts() {
			failed = failed || err != nil
		}
		if !failed {
			t.Errorf("%s, and nobody notices", what)
		}
	}
	for i := range lines[2:] { // any line but the first
		bad := strings.Join(slices.Delete(slices.Clone(lines), i+1, i+2), "")
		var err error
		for _, err = range open(t, bad).Accounts() {
		}
		if err == nil {
			t.Errorf("without line %d nobody notices:\n%s", i+2, lines[i+1])
		}
		if _, err := engine.Load(strings.NewReader(bad), table); err == nil {
			t.Errorf("without line %d it loads", i+2)
		}
	}
}

// A journal that was cut off anywhere has the cells that were whole before, and can be continued to the same snapshot.
func TestJournalCutOff(t *testing.T) {
	all := cells()
	j, f := journal(t, several, all)
	want := text(t, j)
	raw, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	header := bytes.IndexByte(raw, '\n') + 1
	ends := []int{header}
	for i, line := header, []byte(nil); i < len(raw); i += len(line) {
		line = raw[i : i+bytes.IndexByte(raw[i:], '\n')+1]
		if bytes.HasPrefix(line, []byte(`{"cell":`)) {
			ends = append(ends, i+len(line))
		}
	}
	for cut := 0; cut <= len(raw); cut += 7 {
		name := filepath.Join(t.TempDir(), "cut")
		if err := os.WriteFile(name, raw[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		j, err := engine.OpenJournal(f, table)
		if cut < header {
			if err == nil {
				t.Errorf("%d bytes make a journal", cut)
			}
			f.Close()
			continue
		}
		if err != nil {
			t.Fatalf("%d bytes: %v", cut, err)
		}
		whole := 0
		for whole+1 < len(ends) && ends[whole+1] <= cut {
			whole++
		}
		known := earlier(t, j)
		if len(known) != whole {
			t.Errorf("%d bytes: %d cells, want %d", cut, len(known), whole)
		}
		for _, c := range slices.Concat(known, all[whole:]) {
			if err := j.Append(c); err != nil {
				t.Fatal(err)
			}
		}
		if got := text(t, j); got != want {
			t.Fatalf("cut at %d and continued:\n%s\nwant\n%s", cut, got, want)
		}
		f.Close()
	}
	// Of two versions of a cell the later counts, and what is in the file stays readable.
	if err := j.Append(engine.Cell{Place: here, Service: "sqs", Resources: []model.Resource{queue("c", model.Known(true))}}); err != nil {
		t.Fatal(err)
	}
	if got := text(t, j); strings.Contains(got, `"id":"z"`) || !strings.Contains(got, `"id":"c"`) {
		t.Errorf("both versions:\n%s", got)
	}
}

func earlier(t *testing.T, j *engine.Journal) (all []engine.Cell) {
	t.Helper()
	for _, account := range []string{"1", "2", "3"} {
		cells, err := j.Earlier(account)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, cells...)
	}
	return all
}

// Who goes on with a journal takes over what they append again, and nothing else: they may have asked for less. If they are
// interrupted too, the next one finds what both have read, and the header of the last. What another scanner read counts for nothing.
func TestJournalResumed(t *testing.T) {
	all := cells()
	_, f := journal(t, several, all[:2])
	reopen := func() *engine.Journal {
		t.Helper()
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		j, err := engine.OpenJournal(f, table)
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	begin := func(j *engine.Journal, h engine.Header, cells ...engine.Cell) {
		t.Helper()
		if err := j.Begin(h); err != nil {
			t.Fatal(err)
		}
		for _, c := range cells {
			if err := j.Append(c); err != nil {
				t.Fatal(err)
			}
		}
	}
	fewer := several
	fewer.Read = several.Read[:1]
	j := reopen()
	begin(j, fewer, all[1])
	alone, _ := journal(t, fewer, all[1:2])
	if got, want := text(t, j), text(t, alone); got != want {
		t.Errorf("resumed\n%s\nwant\n%s", got, want)
	}
	j = reopen()
	if n := len(earlier(t, j)); n != 2 || len(j.Read) != 1 {
		t.Errorf("when it is resumed once more, %d cells and %d places are known", n, len(j.Read))
	}
	newer := several
	newer.Tool = "newer"
	begin(j, newer, all[2])
	if known := earlier(t, reopen()); len(known) != 1 || known[0].Place != all[2].Place || known[0].Service != all[2].Service {
		t.Errorf("what another scanner read is known: %v", known)
	}
}

// A journal on a full disk says so, and keeps what was whole.
func TestJournalFull(t *testing.T) {
	f, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Logf("no full device here: %v", err)
		return
	}
	defer f.Close()
	if _, err := engine.NewJournal(f, several, table, false); err == nil {
		t.Error("a full device takes a journal")
	}
}

// What AWS does not offer it offers to no account, each of which is read by itself; that an account was left out is its own affair.
func TestScanNotOffered(t *testing.T) {
	h := several
	h.Skipped = []engine.Skip{{Place: model.Place{Account: "4"}, Reason: model.OutsideScan}, {Service: "engine_test", Reason: model.NotEnabled, Why: "AWS does not offer it"}}
	j, _ := journal(t, h, cells())
	rule := regionRule(func(v *engine.View) engine.Verdict { return engine.Fail("none") })
	n := 0
	for r, err := range open(t, text(t, j)).Evaluate([]engine.Rule{rule}) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; r.Status != engine.Inapplicable || r.Message != "AWS does not offer it" {
			t.Errorf("%s: %s %s", r.Resource.Account, r.Status, r.Message)
		}
	}
	if n != 2 {
		t.Errorf("%d results", n)
	}
}

func TestAccounts(t *testing.T) {
	if got := several.Accounts(); !slices.Equal(got, []string{"1", "2", "3"}) {
		t.Error(got)
	}
	if got := several.Regions(); !slices.Equal(got, []string{"eu"}) {
		t.Error(got)
	}
	if got := (engine.Header{}).Accounts(); len(got) != 0 {
		t.Error(cmp.Or(len(got), -1))
	}
}

// A cell that is written and read again is the same; what is cut off or altered is no cell.
func TestCellAlone(t *testing.T) {
	c := engine.Cell{Place: model.Place{Account: "111122223333", Region: "eu-west-1"}, Service: "sqs", Plan: "p",
		Holes: []engine.Hole{{Kind: "AWS::SQS::Queue", Place: model.Place{Account: "111122223333", Region: "eu-west-1"}, Gap: &model.Gap{Reason: model.Throttled, Call: "sqs:ListQueues"}}}}
	text, err := engine.EncodeCell(c)
	if err != nil {
		t.Fatal(err)
	}
	again, err := engine.DecodeCell(text, table)
	if err != nil || again.Place != c.Place || again.Service != "sqs" || again.Plan != "p" || len(again.Holes) != 1 || *again.Holes[0].Gap != *c.Holes[0].Gap {
		t.Errorf("%+v %v", again, err)
	}
	for i := range len(text) - 1 {
		if _, err := engine.DecodeCell(text[:i], table); err == nil {
			t.Fatalf("%d of %d bytes are taken for a cell", i, len(text))
		}
	}
	if _, err := engine.DecodeCell(append(text, text...), table); err == nil {
		t.Error("two cells are taken for one")
	}
}
