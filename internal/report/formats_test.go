package report

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/sqs"
)

// Names that somebody could give, to break out of a format.
var hostile = []string{
	"=cmd|' /C calc'!A0", "\t=1+1", "\r\n-1", "+1", "@SUM(A1)", "＝1", "a,b\"c\"", "a;b\n;c",
	"</td></tr></table><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "| a | b |", "`code` ``", "[x](https://evil.example)", "![x](//evil.example/p.png)",
	"https://evil.example/a", "www.evil.example", "x@evil.example", "@octocat @org/team", "#12 !34 $56 %78 ~label &9 GH-12", "*b* _i_ ~~s~~ $x$", "</summary></details>", "<!-- ", "-->", "]]>", "&lt;b&gt;", "/close",
	"\x1b[2J\x00\x01\u0085\ufffe\uffff\xff\xfe", "\u202egnp.exe", "a\u2028b", strings.Repeat("long ", 300), " # heading", "1. list", "```", "\\", "\\|", "'", "==", "---",
}

// hostileReport has failures, messages, evidence, gaps, owners, tags and waivers with such names.
func hostileReport() *Report {
	var regions []string
	for i := range hostile {
		regions = append(regions, fmt.Sprintf("eu-west-%d", i))
	}
	s := snapshot(regions)
	for i, name := range hostile {
		bad := queue("eu-west-1", name, int(engine.Critical)-i%5, name)
		bad.Tags = model.Known(map[string]string{"owner": name, name: name})
		dark := queue(regions[i], "dark "+name, unknown, "")
		dark.Gaps[0].Reason, dark.Gaps[0].Detail = model.CallFailed, name
		s.Put(bad)
		s.Put(dark)
	}
	s.Caller = hostile[8]
	rule := queueRule("sqs-q", engine.Critical, engine.Security)
	rule.Fix.Text, rule.Fix.CLI = "Mend it.", "aws sqs mend"
	rule.Check = engine.Each(func(_ *engine.View, q *sqs.Queue) engine.Verdict {
		v := judgeQueue(q, engine.Critical)
		v.Message = q.Name + " is bad"
		return v.With("name", q.Name)
	})
	r, err := New("test", engine.Whole(s), []engine.Rule{rule}, Options{Waive: func(x *engine.Result) *Waived {
		if strings.HasSuffix(x.Resource.Name, "1") {
			return nil
		}
		for i, name := range hostile {
			if i%3 == 0 && (x.Resource.Name == name || x.Resource.Name == "dark "+name) {
				return &Waived{Reason: name, Owner: name, Expires: "2026-12-31", Ticket: name, Source: name}
			}
		}
		return nil
	}})
	if err != nil {
		panic(err)
	}
	return r
}

// waivedReport is mixed with what is bad and dark waived in us-east-1.
func waivedReport(rules ...engine.Rule) *Report {
	r, err := New("test", engine.Whole(mixed()), rules, Options{Waive: func(x *engine.Result) *Waived {
		if x.Resource.Region != "us-east-1" {
			return nil
		}
		return &Waived{Reason: "until the move", Owner: "shop", Expires: "2026-12-31", Ticket: "SHOP-1", Source: "waivers.yaml:3"}
	}})
	if err != nil {
		panic(err)
	}
	return r
}

// text is what a format writes.
func text(t *testing.T, write func(io.Writer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func formats(r *Report) map[string]func(io.Writer) error {
	return map[string]func(io.Writer) error{"json": r.JSON, "jsonl": r.JSONLines, "csv": r.CSV, "html": r.HTML, "gitlab": r.GitLab, "junit": r.JUnit, "sarif": r.SARIF, "ocsf": r.OCSF, "asff": r.ASFF, "markdown": func(w io.Writer) error { return r.Markdown(w, MarkdownLimit) }}
}

// The same snapshot, the same bytes.
func TestFormatsAreDeterministic(t *testing.T) {
	outputs := func() map[string]string {
		s, rules := vast(3, 1000)
		all := map[string]string{}
		for name, write := range formats(judge(s, rules, Filter{})) {
			all[name] = text(t, write)
		}
		return all
	}
	first := outputs()
	for range 2 {
		for name, again := range outputs() {
			if again != first[name] {
				t.Errorf("two reports on one account differ in %s", name)
			}
		}
	}
}

// What cannot be written is an error, wherever it breaks off.
func TestFormatsFail(t *testing.T) {
	s, rules := vast(1, 1000)
	for name, write := range formats(judge(s, rules, Filter{})) {
		whole := len(text(t, write))
		for _, n := range []int{0, whole / 2, whole - 1} {
			if err := write(&full{n}); err == nil {
				t.Errorf("%s does not notice that it breaks off after %d of %d bytes", name, n, whole)
			}
		}
	}
}

// full takes so many bytes.
type full struct{ left int }

func (f *full) Write(b []byte) (int, error) {
	n := min(len(b), f.left)
	f.left -= n
	if n < len(b) {
		return n, fmt.Errorf("no space left")
	}
	return n, nil
}

// Control characters, which terminals and viewers obey, are in no format.
func TestFormatsAreClean(t *testing.T) {
	for name, write := range formats(hostileReport()) {
		for _, c := range text(t, write) {
			if c < ' ' && !strings.ContainsRune("\r\n", c) || slices.Contains([]rune{0x7f, 0x85, 0x9b, 0x202e, 0x2028}, c) {
				t.Errorf("%s has %U", name, c)
			}
		}
	}
}

// Time and memory for 100 000 failures in memory; heap-MB is the most that is alive beyond the snapshot and the sums.
func BenchmarkFormats(b *testing.B) {
	s, rules := vast(10, 10000)
	for i := range rules {
		rules[i].Fix.Text = "Do what has to be done about it, and check first who counts on it."
	}
	r := judge(s, rules, Filter{})
	for _, name := range []string{"json", "csv", "html", "gitlab", "junit", "markdown", "sarif", "ocsf", "asff"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				w := &heap{base: live()}
				if err := formats(r)[name](w); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(w.most)/1e6, "heap-MB")
				b.ReportMetric(float64(w.n)/1e6, "written-MB")
			}
		})
	}
}

func live() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// heap looks at what is alive four times on the way.
type heap struct{ base, n, next, most uint64 }

func (h *heap) Write(b []byte) (int, error) {
	if h.n += uint64(len(b)); h.n >= h.next {
		h.next += 20e6
		if now := live(); now > h.base {
			h.most = max(h.most, now-h.base)
		}
	}
	return len(b), nil
}
