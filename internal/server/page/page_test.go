package page

import (
	"bytes"
	"encoding/json"
	"go/format"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ/generator"
	"github.com/a-h/templ/parser/v2"

	"awsscanner/internal/engine"
	"awsscanner/internal/report"
	"awsscanner/internal/store"
)

// What is generated is what the templates make.
func TestTemplates(t *testing.T) {
	names, err := filepath.Glob("*.templ")
	if err != nil || len(names) < 4 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		file, err := parser.Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := generator.Generate(file, &b, generator.WithVersion("v0.3.977"), generator.WithFileName(name)); err != nil {
			t.Fatal(err)
		}
		want, err := format.Source(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(strings.TrimSuffix(name, ".templ") + "_templ.go")
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s was changed since its page was generated: run make templ", name)
		}
	}
}

// Files are found by the hash of their text, and load nothing from elsewhere.
func TestFiles(t *testing.T) {
	all, err := Files()
	if err != nil || len(all) != 4 {
		t.Fatal(len(all), err)
	}
	for address, f := range all {
		if f.Type == "" || len(f.Text) == 0 || strings.Count(address, "/") != 3 {
			t.Errorf("%s: %s", address, f.Type)
		}
		for _, never := range []string{"http://", "https://", "eval(", "innerHTML", "@import", "url("} {
			if strings.Contains(strings.ReplaceAll(string(f.Text), "http://www.w3.org/2000/svg", ""), never) {
				t.Errorf("%s holds %q", address, never)
			}
		}
	}
}

func TestWords(t *testing.T) {
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for _, c := range [][2]string{
		{number(0), "0"}, {number(999), "999"}, {number(1000), "1\u202f000"}, {number(1234567), "1\u202f234\u202f567"}, {number(-1234), "-1\u202f234"}, {number(-123), "-123"},
		{many(1, "check"), "1 check"}, {many(2, "day"), "2 days"}, {many(0, "fix"), "0 fixes"}, {many(5000, "query"), "5\u202f000 queries"},
		{percent(1, 0), "–"}, {percent(1, 1), "100\u202f%"}, {percent(9999, 10000), "99.9\u202f%"}, {percent(99999, 100000), "99.9\u202f%"}, {percent(0, 7), "0\u202f%"},
		{ago(at.Add(-30*time.Second), at), "just now"}, {ago(at.Add(-time.Minute), at), "1 minute ago"}, {ago(at.Add(-26*time.Hour), at), "26 hours ago"}, {ago(at.Add(72*time.Hour), at), "in 3 days"}, {ago(time.Time{}, at), "never"},
		{short(94 * time.Second), "1 m 34 s"}, {short(3 * time.Second), "3 s"}, {short(90 * time.Minute), "1 h 30 m"}, {short(72 * time.Hour), "3 d"},
		{list([]string{"a"}), "a"}, {list([]string{"a", "b", "c"}), "a, b and c"}, {few([]string{"a", "b", "c"}, 2), "a, b and 1 more"}, {few([]string{"a", "b"}, 2), "a, b"},
		{kind("AWS::S3::Bucket"), "S3 Bucket"}, {kind("AWS::::Account"), "Account"}, {title("operational-excellence"), "Operational excellence"}, {region(""), "global"}, {brief("abc"), "abc"},
		{changed(json.RawMessage(`{"status":"found","principal":"arn:aws:sts::111122223333:assumed-role/Deploy/me","call":"s3:PutBucketPolicy","at":"2026-11-30T03:00:00Z","others":[{"at":"2026-11-30T02:00:00Z","call":"x:Y"}]}`)), "2026-11-30 03:00 UTC by role Deploy of account 111122223333 in session me: s3:PutBucketPolicy"},
		{(&Findings{Count: 1000, AtLeast: true}).counted(), "more than 1\u202f000 findings"}, {(&Findings{Count: 1}).counted(), "1 finding"},
		{changed(json.RawMessage(`{"status":"denied","detail":"why"}`)), ""}, {explained(json.RawMessage(`{"status":"denied","detail":"why"}`)), "Who changed it is not known: why"}, {explained(nil), ""},
		{explained(json.RawMessage(`{"status":"found","principal":"autoscaling.amazonaws.com","call":"x:Y","at":"2026-11-30T03:00:00Z"}`)), "Changed 2026-11-30 03:00 UTC by autoscaling.amazonaws.com: x:Y"},
		{changed(nil), ""}, {changed(json.RawMessage(`[]`)), ""}, {changed(json.RawMessage(`{}`)), ""},
	} {
		if c[0] != c[1] {
			t.Errorf("%q, want %q", c[0], c[1])
		}
	}
}

// The first sentence tells what is open and what could not be seen; nothing unseen is good news.
func TestSentence(t *testing.T) {
	counts := func(critical, high, low int) store.Counts {
		return store.Counts{Open: map[engine.Severity]int{engine.Critical: critical, engine.High: high, engine.Low: low}}
	}
	one, two := []Row{{Name: "111122223333"}}, make([]Row, 2)
	for _, c := range []struct {
		Overview
		want string
	}{
		{Overview{Counts: counts(1, 0, 0), Accounts: one, Cells: 9, Assessed: 9}, "1 critical finding in account 111122223333."},
		{Overview{Counts: counts(2, 3, 1200), Accounts: two, Cells: 9, Assessed: 8}, "2 critical and 3 high findings in 2 accounts, and 1\u202f200 less urgent; 1 of 9 checks could not be completed."},
		{Overview{Counts: counts(0, 0, 5), Accounts: two, Cells: 9, Assessed: 9}, "5 findings in 2 accounts, none of them critical or high."},
		{Overview{Counts: counts(0, 0, 0), Accounts: two, Cells: 9, Assessed: 9}, "Nothing fails in 2 accounts, and every check was completed."},
		{Overview{Counts: counts(0, 0, 0), Accounts: two, Cells: 9, Assessed: 0}, "Nothing that was seen fails in 2 accounts, but 9 of 9 checks could not be completed."},
	} {
		if got := c.sentence(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// Lines and bars stay in their boxes, whatever the numbers are.
func TestCharts(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	at := func(days, failures, fresh, back, fixed int) store.Point {
		return store.Point{Started: now.AddDate(0, 0, -days), Failures: map[engine.Severity]int{engine.High: failures}, New: fresh, Regressed: back, Fixed: fixed}
	}
	l := line([]store.Point{at(20, 4, 0, 0, 0), at(10, 8, 0, 0, 0), at(1, 6, 0, 0, 0)}, engine.High, now)
	if l.Path != "M2.0 31.0H119.0V5.0H224.3V18.0H236.0" || l.First != 4 || l.Last != 6 || change(l) != "+2" || !strings.HasPrefix(l.Label, "high: 4 on 2026-11-10, 6 on 2026-11-29") {
		t.Errorf("%+v", l)
	}
	for _, points := range [][]store.Point{nil, {at(0, 0, 0, 0, 0)}, {at(-1, 5, 0, 0, 0)}, {at(5, 0, 0, 0, 0), at(4, 0, 0, 0, 0)}, {at(5, 100000, 0, 0, 0), at(1, 99999, 0, 0, 0)}} {
		if l := line(points, engine.High, now); strings.Contains(l.Path, "NaN") || strings.Contains(l.Path, "Inf") || strings.Contains(l.Path, "-") {
			t.Errorf("%v: %s", points, l.Path)
		}
	}
	b := bars([]store.Point{at(100, 0, 99, 0, 0), at(20, 0, 10, 2, 5), at(1, 0, 4, 0, 10), at(-3, 0, 7, 0, 0)}, now, 13)
	if b.New != 14 || b.Back != 2 || b.Fixed != 15 || b.All[12].New != 4 || b.All[10].Back != 2 || len(b.All) != 13 {
		t.Errorf("%+v", b)
	}
	if b.sentence() != "In 13 weeks 14 findings appeared, 2 of which came back, and 15 were fixed" {
		t.Error(b.sentence())
	}
	if b := bars(nil, now, 13); strings.Contains(b.Middle, "NaN") {
		t.Errorf("%+v", b)
	}
}

// Addresses of filters keep what they do not change, and leave out what is empty.
func TestFilters(t *testing.T) {
	f := Filters{"/findings", url.Values{"severity": {"high"}, "q": {"a b"}, "after": {"x"}, "owner": {""}}}
	for _, c := range [][2]string{
		{f.toggle("severity", "high"), "/findings?q=a+b"}, {f.toggle("severity", "low"), "/findings?q=a+b&severity=high&severity=low"}, {f.with("q", ""), "/findings?severity=high"}, {f.with("region", "x&y"), "/findings?q=a+b&region=x%26y&severity=high"},
		{Filters{"/findings", nil}.with(), "/findings"},
	} {
		if c[0] != c[1] {
			t.Errorf("%q, want %q", c[0], c[1])
		}
	}
	if f.Values.Get("after") != "x" {
		t.Error("an address has changed the filters")
	}
	x := Frame{Streams: []string{"a", "b"}, Stream: "b"}
	if x.To("/scans") != "/scans?stream=b" || x.To("/findings", "rule", "r", "tab", "") != "/findings?rule=r&stream=b" {
		t.Error(x.To("/scans"), x.To("/findings", "rule", "r"))
	}
	if x.Streams = x.Streams[:1]; x.To("/scans") != "/scans" {
		t.Error(x.To("/scans"))
	}
}

func TestEvidence(t *testing.T) {
	var of map[string]any
	if err := json.Unmarshal([]byte(`{"b":"text","a":[1,"two",{"x":1}],"c":{"y":[1]},"d":null,"e":1.5,"f":true}`), &of); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range evidence(of) {
		got = append(got, e.Name+"="+e.Value)
	}
	if want := "a=1\ntwo\n{\"x\":1}|b=text|c={\n  \"y\": [\n    1\n  ]\n}|d=null|e=1.5|f=true"; strings.Join(got, "|") != want {
		t.Errorf("%q", strings.Join(got, "|"))
	}
}

func TestFindingSince(t *testing.T) {
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	p := Finding{Frame: Frame{Now: at}, Finding: store.Finding{State: "open", FirstSeen: at.AddDate(0, 0, -9), Finding: report.Finding{}}}
	if p.since() != "9 days" {
		t.Error(p.since())
	}
	if p.State, p.FixedAt = "fixed", at.AddDate(0, 0, -4); p.since() != "5 days" {
		t.Error(p.since())
	}
}
