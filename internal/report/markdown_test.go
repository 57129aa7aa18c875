package report

import (
	"fmt"
	"html"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	tables "github.com/yuin/goldmark/extension/ast"
	parse "github.com/yuin/goldmark/text"

	"awsscanner/frameworks"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// comment writes a report as Markdown.
func comment(t *testing.T, r *Report, limit int) string {
	t.Helper()
	return text(t, func(w io.Writer) error { return r.Markdown(w, limit) })
}

var (
	ours    = regexp.MustCompile(`^(</?(details|summary|b|sub)>|<!-- scanner -->)$`)
	tags    = regexp.MustCompile(`<[^>]*>`)
	codes   = regexp.MustCompile(`<code>[^<>]*</code>`)
	becomes = regexp.MustCompile(`(?i)@\w|[#!~$]\w|%\d|&\d|://|www\.|gh-\d`) // a link, or a note to somebody
)

// held reads a comment as GitHub does, and finds what should not be in one. It returns the titles, the text and the cells of tables.
func held(t *testing.T, source string) (titles []string, prose string, cells int) {
	t.Helper()
	var b strings.Builder
	plain := func(text string) {
		if m := becomes.FindString(text); m != "" {
			t.Errorf("%q becomes something in %q", m, text)
		}
		b.WriteString(text + "\n")
	}
	markup := func(text string) {
		text = codes.ReplaceAllString(text, "")
		for _, tag := range tags.FindAllString(text, -1) {
			if !ours.MatchString(tag) {
				t.Errorf("there is %s", tag)
			}
		}
		plain(html.UnescapeString(tags.ReplaceAllString(text, " ")))
	}
	of := func(n ast.Node) string {
		var b strings.Builder
		for l := range n.Lines().Len() {
			at := n.Lines().At(l)
			b.Write(at.Value([]byte(source)))
		}
		return b.String()
	}
	doc := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(parse.NewReader([]byte(source)))
	ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Link, *ast.AutoLink, *ast.Image, *tables.Strikethrough, *ast.Blockquote, *ast.CodeBlock, *ast.ThematicBreak, *tables.TaskCheckBox:
			t.Errorf("there is a %s in %s", n.Kind(), source)
		case *ast.RawHTML:
			for i := range n.Segments.Len() {
				at := n.Segments.At(i)
				markup(string(at.Value([]byte(source))))
			}
		case *ast.HTMLBlock:
			markup(of(n))
		case *ast.CodeSpan, *ast.FencedCodeBlock:
			return ast.WalkSkipChildren, nil
		case *ast.Heading:
			titles = append(titles, strings.TrimSpace(of(n)))
		case *tables.TableCell:
			cells++
		case *ast.Text:
			plain(string(n.Segment.Value([]byte(source))))
		case *ast.String:
			plain(string(n.Value))
		}
		return ast.WalkContinue, nil
	})
	if opened, closed := strings.Count(source, "<details>"), strings.Count(source, "</details>"); opened != closed {
		t.Errorf("%d details are opened, %d closed", opened, closed)
	}
	return titles, b.String(), cells
}

// Whatever somebody calls his resources, it stays text.
func TestMarkdownHostile(t *testing.T) {
	source := comment(t, hostileReport(), 1e6)
	titles, _, cells := held(t, source)
	for i, title := range titles {
		if !slices.Contains([]string{"scanner: 26 failures, the worst critical", "Less urgent", "Pillars", "Not assessed: 38 results, 12 of them waived"}, title) && !regexp.MustCompile(`^(Critical|High): \d fixes for \d failures$`).MatchString(title) {
			t.Errorf("title %d is %q", i, title)
		}
	}
	if want := 7 * 6; cells != want { // the pillars
		t.Errorf("%d cells in tables, want %d", cells, want)
	}
	for line := range strings.Lines(source) {
		if strings.HasPrefix(strings.TrimLeft(line, " "), "/") { // GitLab takes that for a command
			t.Errorf("a line is %q", line)
		}
	}
}

func TestMarkdownText(t *testing.T) {
	for in, want := range map[string]string{
		"a b\n c":          "a b c",
		"*a* _b_ `c` ~d~":  "\\*a\\* \\_b\\_ \\`c\\` \\~\u200bd\\~",
		"<b> & &amp;":      "\\<b\\> \\& \\&\u200bamp;",
		"[a](b) ![c](d)":   `\[a\](b) !\[c\](d)`,
		"# a":              `\# a`,
		"- a":              `\- a`,
		"/close":           `\/close`,
		"@a, a@b.c, @ a":   "@\u200ba, a@\u200bb.c, @ a",
		"#1 !2 $3 GH-4":    "\\#\u200b1 !\u200b2 \\$\u200b3 G\u200bH-4",
		"https://a www.b":  "https:\u200b//a w\u200bww.b",
		"a|b\\c":           `a\|b\\c`,
		"100 % of sqs:* .": `100 % of sqs:\* .`,
	} {
		if got := MarkdownText(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"a": "`a`", "a`b": "``a`b``", "`": "`` ` ``", "": "`  `", "a\nb": "`a b`", "@a": "`@a`", strings.Repeat("é", 200): "`" + strings.Repeat("é", 159) + "…`"} {
		if got := MarkdownCode(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
	if got, want := htmlCode("<b>@a"), "<code>&lt;b&gt;@a</code>"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := htmlText("<b> @a"), "&lt;b&gt; @\u200ba"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := markdownProse("Do *this*:\naws x `y`\n# or\naws z\nThen that."), " Do \\*this\\*:\n\n```sh\naws x `y`\n# or\naws z\n```\n\nThen that."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := Fenced("sh", "```\nx\n```"), "````sh\n```\nx\n```\n````"; got != want {
		t.Errorf("the block is %q, want %q", got, want)
	}
	if got, want := markdownProse("aws x ```"), "\n\n````sh\naws x ```\n````"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// The first title says how it stands.
func TestMarkdownVerdict(t *testing.T) {
	rule := queueRule("sqs-q", engine.High, engine.Security)
	good := snapshot([]string{"eu-west-1"}, queue("eu-west-1", "good", passes, ""))
	half := snapshot([]string{"eu-west-1"}, queue("eu-west-1", "good", passes, ""), queue("eu-west-1", "dark", unknown, ""))
	dark := snapshot([]string{"eu-west-1"}, queue("eu-west-1", "dark", unknown, ""))
	none := 100.0
	for _, c := range []struct {
		s    *engine.Snapshot
		gate Gate
		want string
	}{
		{mixed(), Gate{}, "4 failures, the worst high"},
		{mixed(), Gate{FailOn: engine.High}, "the gate fails: 2 findings of severity high or above"},
		{mixed(), Gate{FailOn: engine.Critical}, "the gate passes"},
		{mixed(), Gate{FailOn: engine.Critical, FailOnIncomplete: &none}, "the gate does not pass: only 50.0 % of 4 cells assessed without a gap: grant sqs:GetQueueAttributes (scanner permissions prints the whole policy)"},
		{good, Gate{}, "nothing failed"},
		{good, Gate{FailOn: engine.Low}, "the gate passes"},
		{half, Gate{}, "nothing failed, but 1 result could not be assessed"},
		{half, Gate{FailOn: engine.High}, "the gate does not pass: findings of severity high or above may be hidden: grant sqs:GetQueueAttributes (scanner permissions prints the whole policy)"},
		{dark, Gate{}, "nothing could be assessed"},
		{dark, Gate{FailOn: engine.High}, "nothing could be assessed"},
	} {
		rules := []engine.Rule{rule}
		if c.s != dark && c.s != good && c.s != half {
			rules = append(rules, accountRule)
		}
		r := judge(c.s, rules, Filter{})
		if c.gate.Asks() {
			code, why := c.gate.Decide(r)
			r.Decision = &Decision{code, why}
		}
		titles, _, _ := held(t, comment(t, r, MarkdownLimit))
		if titles[0] != "scanner: "+c.want {
			t.Errorf("%+v: %q, want %q", c.gate, titles[0], c.want)
		}
	}
}

func TestMarkdown(t *testing.T) {
	rule := queueRule("sqs-q", engine.High, engine.Security)
	rule.Why, rule.Fix = "It is bad.", engine.Fix{Text: "Mend it.", CLI: "aws sqs mend", Breaks: "Nothing.", Undo: "aws sqs break"}
	tidy := queueRule("sqs-r", engine.Low, engine.Security, engine.Reliability)
	tidy.Fix = engine.Fix{Text: "Tidy up."}
	r := waivedReport(accountRule, rule, tidy)
	r.Version = "1.2.3"
	want, err := os.ReadFile("testdata/comment.md")
	if err != nil {
		t.Fatal(err)
	}
	got := comment(t, r, MarkdownLimit)
	if got != string(want) {
		t.Errorf("the comment is\n%s\nwant that of testdata/comment.md", got)
	}
	held(t, got)
}

// What is new comes first, worst first, with its fix; what was known is folded.
func TestMarkdownBaseline(t *testing.T) {
	rule := queueRule("sqs-q", engine.Critical, engine.Security)
	rule.Why = "It is bad."
	rules := []engine.Rule{rule}
	regions := []string{"eu-west-1"}
	old, mild, worse := queue("eu-west-1", "old", int(engine.Critical), ""), queue("eu-west-1", "worse", int(engine.Low), "key"), queue("eu-west-1", "worse", int(engine.High), "key")
	before := baseline(t, snapshot(regions, old, mild, queue("eu-west-1", "gone", int(engine.Low), "")), rules, nil)
	against := func(resources ...model.Resource) *Report {
		r, err := New("test", engine.Whole(snapshot(regions, resources...)), rules, Options{Baseline: before})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := against(old, worse, queue("eu-west-1", "first", int(engine.Medium), "k"), queue("eu-west-1", "second", int(engine.Medium), "k"))
	source := comment(t, r, MarkdownLimit)
	held(t, source)
	_, source, _ = strings.Cut(source, "UTC\n\n###")
	want := ` 3 new failures since 2026-01-01 12:00 UTC

Since then: 2 new, 0 regressed, 1 escalated, 1 fixed, 1 unchanged.

<details><summary><b>high</b> sqs-q: <code>worse</code> (eu-west-1)</summary>

**Seen:** is bad (` + "`" + r.NewUnits[0].Fingerprint[:8] + "`" + `)

**Why:** It is bad.

</details>
<details><summary><b>medium</b> sqs-q: 2 × Queue: <code>first</code>, <code>second</code> (eu-west-1)</summary>

**Seen at ` + "`first`:** is bad (`" + r.NewUnits[1].Fingerprint[:8] + "`" + `)

Why and how to fix: as above for the same rule.

</details>

### All failures

<details><summary><b>Critical</b>: 1 fix for 1 failure</summary>

<details><summary>sqs-q: <code>old</code> (eu-west-1)</summary>

`
	if !strings.HasPrefix(source, want) {
		t.Errorf("it begins\n%.2000s\nwant\n%s", source, want)
	}
	source = comment(t, against(old, mild), MarkdownLimit)
	if want := "\n### Nothing new since 2026-01-01 12:00 UTC\n\nSince then: 0 new, 0 regressed, 0 escalated, 1 fixed, 2 unchanged.\n\n### All failures\n"; !strings.Contains(source, want) {
		t.Errorf("nothing is new:\n%s", source)
	}
	source = comment(t, r, 3000)
	if len(source) > 3000 || !strings.Contains(source, "\n### All failures\n") {
		t.Errorf("in 3000 bytes there are %d:\n%s", len(source), source)
	}
	var many []model.Resource
	for i := range 100 {
		many = append(many, queue("eu-west-1", fmt.Sprint("q", i), int(engine.Medium), fmt.Sprint("k", i)))
	}
	r = against(many...)
	source = comment(t, r, 9000)
	held(t, source)
	m := regexp.MustCompile(`\nNot shown, as a comment holds no more: (\d+) new fixes\. `).FindStringSubmatch(source)
	if shown := strings.Count(source, "\n- **medium** sqs-q: ") + strings.Count(source, "<summary><b>medium</b> sqs-q: "); m == nil || m[1] != fmt.Sprint(100-shown) || shown == 0 || len(source) > 9000 {
		t.Errorf("%d new fixes are shown, and it says %q", shown, m)
	}
}

// A comment is never longer than it may be, ends no entry in between, and says what it leaves out.
func TestMarkdownLimit(t *testing.T) {
	s, rules := vast(12, 2000)
	for i := range rules {
		rules[i].Why, rules[i].Fix = strings.Repeat("It is bad. ", 30), engine.Fix{Text: "Mend it.", CLI: "aws sqs mend"}
	}
	r := judge(s, rules, Filter{})
	r.ExplainWith = "scanner explain"
	for _, limit := range []int{MarkdownLimit, 30000, 10000, 4000} {
		source := comment(t, r, limit)
		held(t, source)
		units := regexp.MustCompile(`(?m)^(<details><summary>|- )sqs-queue-with-a-rule`).FindAllString(source, -1)
		m := regexp.MustCompile(`\nNot shown, as a comment holds no more: (\d+) fixes\. `).FindStringSubmatch(source)
		if len(source) > limit || len(source) < limit*3/4 || m == nil || m[1] != fmt.Sprint(len(r.Units)-len(units)) || len(units) == 0 {
			t.Errorf("of %d bytes there are %d, with %d of %d units, and it says %q", limit, len(source), len(units), len(r.Units), m)
		}
		if !strings.Contains(source, "\n### Pillars\n") || !strings.Contains(source, "\n- grant `ec2:DescribeRegions` (any other region; blinds 12 rules)\n") && limit > 4000 {
			t.Errorf("in %d bytes it does not say what is blind", limit)
		}
	}
	few := judge(func() *engine.Snapshot { s, _ := vast(0, 100); return s }(), rules[:1], Filter{})
	source := comment(t, few, MarkdownLimit)
	if n := strings.Count(source, "<details><summary>sqs-queue-with-a-rule-0: "); n != len(few.Units) || strings.Contains(source, "holds no more") {
		t.Errorf("%d of %d fixes can be unfolded", n, len(few.Units))
	}
	source = comment(t, few, 20000)
	unfold, lines := strings.Count(source, "<details><summary>sqs-queue-with-a-rule-0: "), strings.Count(source, "\n- sqs-queue-with-a-rule-0: ")
	if unfold+lines != len(few.Units) || !strings.Contains(source, fmt.Sprintf("\nThe last %d fixes have one line each, as a comment holds no more: ", lines)) || lines == 0 {
		t.Errorf("%d can be unfolded, %d are a line", unfold, lines)
	}
}

// A gap that somebody has accepted is not seen all the same.
func TestMarkdownBlind(t *testing.T) {
	s := snapshot([]string{"eu-west-1"}, queue("eu-west-1", "dark", unknown, ""), queue("eu-west-1", "good", passes, ""))
	rules := []engine.Rule{queueRule("sqs-q", engine.High, engine.Security)}
	r, err := New("test", engine.Whole(s), rules, Options{Waive: func(*engine.Result) *Waived { return &Waived{Reason: "r", Owner: "o", Expires: "2026-12-31"} }})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		r    *Report
		want string
	}{
		"waived":  {r, "\n### Not assessed: 1 result, all waived\n\n<details><summary><b>Waived</b>: 1 result; the next waiver ends on 2026-12-31</summary>\n\n- **not assessed** sqs-q: `dark`, until 2026-12-31 by `o`: r\n"},
		"unknown": {judge(s, rules, Filter{}), "\n### Not assessed: 1 result\n\nNeither passed nor failed, in 1 of 1 cell of one rule in one region:\n\n- grant `sqs:GetQueueAttributes` (eu-west-1; blinds 1 rule)\n"},
		"nothing": {judge(snapshot([]string{"eu-west-1"}), rules, Filter{}), "\n### Not assessed: nothing\n\nEvery selected rule saw all it needs.\n"},
	} {
		if got := comment(t, c.r, MarkdownLimit); !strings.Contains(got, c.want) {
			t.Errorf("%s: the comment is\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

// Requirements are told if somebody asked for them.
func TestMarkdownFrameworks(t *testing.T) {
	r := judge(mixed(), []engine.Rule{queueRule("sqs-q", engine.High, engine.Security)}, Filter{})
	against(r)
	source := comment(t, r, MarkdownLimit)
	held(t, source)
	if want := "\n### Frameworks\n\n| requirements | met | met in part | not met | not assessed | not automated |\n|---|--:|--:|--:|--:|--:|\n| Standard 1 | 0 | 0 | 4 | 0 | 2 |\n\n" + MarkdownText(frameworks.Note) + "\n"; !strings.Contains(source, want) {
		t.Errorf("the comment is\n%s\nwant\n%s", source, want)
	}
}

// Several accounts are told apart.
func TestMarkdownAccounts(t *testing.T) {
	s := engine.NewSnapshot(engine.Header{Start: start, Listed: []model.Kind{"AWS::SQS::Queue"}, Read: []model.Place{place("eu-west-1"), {Account: "444455556666", Region: "eu-west-1"}}})
	s.Put(queue("eu-west-1", "a", int(engine.High), ""))
	other := queue("eu-west-1", "b", int(engine.High), "")
	other.Account, other.ARN = "444455556666", ""
	s.Put(other)
	source := comment(t, judge(s, []engine.Rule{queueRule("sqs-q", engine.High, engine.Security)}, Filter{}), MarkdownLimit)
	for _, want := range []string{"<summary>sqs-q: <code>a</code> (111122223333 eu-west-1)</summary>", "<summary>sqs-q: <code>b</code> (444455556666 eu-west-1)</summary>"} {
		if !strings.Contains(source, want) {
			t.Errorf("it lacks %s:\n%s", want, source)
		}
	}
}
