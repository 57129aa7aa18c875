package review

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	gmtext "github.com/yuin/goldmark/text"

	"awsscanner/internal/engine"
)

const hostile = "=cmd|'/c calc'!A1<img src=x onerror=alert(1)>\x1b[31m](http://evil) `x` | **b** \u202e&amp;"

// nasty is a review in which everything that people or accounts say is hostile.
func nasty(t *testing.T) *Review {
	t.Helper()
	f := load(t)
	bad := result("ec2-instance-imdsv2-required", engine.Failed, hostile, nil)
	bad.Message = hostile
	gap := result("lambda-runtime-supported", engine.NotAssessed, hostile, nil)
	gap.Message = hostile
	waived := result("ec2-instance-imdsv2-required", engine.Failed, "waived"+hostile, nil)
	said := quoted(strings.ReplaceAll(hostile, "\x1b", ""))
	said = strings.ReplaceAll(said, "\u202e", `\u202e`)
	return scan(bad, gap, waived).review(t, f, fmt.Sprintf(`
workload: {name: "=web shop"}
defaults: {by: %s, on: 2026-11-20}
answers:
  SEC06-BP02: {state: yes, note: %s, link: ["https://wiki.example/?a=1&b=\"2\"", "=doc"]}
  OPS01-BP01: {state: no, note: %s, on: 2020-01-01}
questions: {"SEC 1": {applicable: false, note: %s}}
`, said, said, said, said), Options{})
}

func TestHTML(t *testing.T) {
	var b bytes.Buffer
	if err := nasty(t).HTML(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, never := range []string{"<img", "\x1b", "\u202e", "onerror=alert(1)>", "<script src", "@import", "url("} {
		if strings.Contains(page, never) {
			t.Errorf("the page holds %q", never)
		}
	}
	if n := strings.Count(page, "<script"); n != 2 { // one of them is data
		t.Errorf("the page has %d scripts", n)
	}
	for _, m := range regexp.MustCompile(`(?i)\s(src|href|action|data|srcset|poster)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(m[2], "#") && m[2] != "data:," && m[2] != "https://wiki.example/?a=1&amp;b=&#34;2&#34;" {
			t.Errorf("the page points to %s", m[2])
		}
	}
	for _, want := range []string{"<title>Review of =web shop, 2026-12-01</title>", "default-src 'none'; script-src '" + string(policyHash(pageScript)) + "'", "&lt;img src=x onerror=alert(1)&gt;", `id="SEC-6"`, "people say yes"} {
		if !strings.Contains(strings.ToLower(page), strings.ToLower(want)) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, tag := range []string{"section", "div", "table", "tr", "td", "ul", "ol", "li", "details", "span", "p", "h2", "h3", "main", "footer", "svg"} {
		open := len(regexp.MustCompile(`<`+tag+`[\s>]`).FindAllString(page, -1))
		if closed := strings.Count(page, "</"+tag+">"); open != closed {
			t.Errorf("%d <%s> and %d </%s>", open, tag, closed, tag)
		}
	}
}

// What may be worse is never green.
func TestColours(t *testing.T) {
	for i, want := range map[Interval]string{
		{NoRisk, NoRisk}: "NONE", {NoRisk, HighRisk}: "UNANSWERED may-HIGH", {NoRisk, MediumRisk}: "UNANSWERED may-MEDIUM", {MediumRisk, HighRisk}: "MEDIUM sure may-HIGH",
		{HighRisk, HighRisk}: "HIGH sure", {Unanswered, HighRisk}: "UNANSWERED may-HIGH", {NotApplicable, NotApplicable}: "NOT_APPLICABLE",
	} {
		if got := string(tile(i)); got != want {
			t.Errorf("%s looks %s, want %s", i, got, want)
		}
	}
}

func TestMarkdownIsHarmless(t *testing.T) {
	v := nasty(t)
	for name, write := range map[string]func(*bytes.Buffer) error{"review": func(b *bytes.Buffer) error { return v.Markdown(b) }, "plan": func(b *bytes.Buffer) error { return v.Plan().Markdown(b) }} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		source := b.Bytes()
		doc := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(gmtext.NewReader(source))
		err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
			if !entering {
				return ast.WalkContinue, nil
			}
			switch n := n.(type) {
			case *ast.Link, *ast.AutoLink, *ast.Image:
				t.Errorf("the %s has a link: %v", name, n.Kind())
			case *ast.RawHTML:
				t.Errorf("the %s has HTML", name)
			case *ast.HTMLBlock:
				for i := range n.Lines().Len() {
					line := n.Lines().At(i)
					if text := string(line.Value(source)); !regexp.MustCompile(`^</?(details|summary)|^\s*$`).MatchString(text) {
						t.Errorf("the %s has HTML: %s", name, text)
					}
				}
			}
			return ast.WalkContinue, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(b.String(), "\x1b\u202e") {
			t.Errorf("the %s has control characters", name)
		}
	}
}

func TestCSV(t *testing.T) {
	var b bytes.Buffer
	if err := nasty(t).CSV(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 308 || strings.Join(rows[0], ",") != strings.Join(Columns, ",") {
		t.Errorf("%d rows under %v", len(rows), rows[0])
	}
	for _, row := range rows[1:] {
		for i, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
				t.Errorf("%s of %s is a formula: %s", Columns[i], row[6], cell)
			}
		}
	}
}

// The short text is short, on one line each, and harmless on a terminal.
func TestText(t *testing.T) {
	for seed := range uint64(6) {
		var b bytes.Buffer
		v := world(seed).review(t, load(t), says(seed, load(t)), Options{})
		if err := v.Text(&b, Style{Width: 120}); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(b.String(), "\n"); n > 60 || n < 15 {
			t.Errorf("%d lines", n)
		}
		for line := range strings.Lines(b.String()) {
			if n := len([]rune(strings.TrimSpace(line))); n > 120 {
				t.Errorf("%d characters: %s", n, line)
			}
		}
	}
	var b bytes.Buffer
	if err := nasty(t).Text(&b, Style{All: true}); err != nil || strings.ContainsAny(b.String(), "\x1b\u202e") {
		t.Errorf("%v: %q", err, b.String())
	}
}
