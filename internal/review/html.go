package review

import (
	"bufio"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"strings"

	"awsscanner/internal/report"
)

//go:embed page/page.css
var pageStyle string

//go:embed page/page.js
var pageScript string

// HTML writes the review as one page that needs nothing beside it and asks nobody for anything.
func (v *Review) HTML(w io.Writer) error {
	p := &page{Review: v, w: bufio.NewWriterSize(w, 1<<16)}
	p.head()
	p.html(`<main id="main">`)
	p.pillars()
	p.plan()
	p.lines("conflicts", "To discuss", toDiscuss, v.conflicts())
	p.lines("lapsed", "Answers that hold no more", "They are past the day on which they were to be reviewed, and count as none.", v.lapsed())
	p.lines("blind", "Where nobody could look", "What was not seen counts neither for nor against a practice.", v.blindLines())
	p.questions()
	p.html("</main>\n<footer><p>%s</p><p>Written by scanner %s.</p></footer>\n<script>%s</script>\n</body>\n</html>\n", v.Framework.Provenance, v.Tool.Version, fragment(pageScript))
	return p.w.Flush()
}

type page struct {
	*Review
	w *bufio.Writer
}

// A fragment is markup of this file: what is known at run time only is a string, which cannot become one by accident.
type fragment string

// html writes markup in which each %s stands for an argument. Arguments are escaped, as text or as a quoted attribute, unless they are
// fragments themselves.
func (p *page) html(format fragment, args ...any) {
	out := make([]any, len(args))
	for i, a := range args {
		if m, ok := a.(fragment); ok {
			out[i] = string(m)
		} else {
			out[i] = html.EscapeString(report.Clean(fmt.Sprint(a)))
		}
	}
	fmt.Fprintf(p.w, string(format), out...)
}

// policyHash names a style or a script for the content security policy, which lets nothing else be applied or run.
func policyHash(text string) fragment {
	sum := sha256.Sum256([]byte(text))
	return fragment("sha256-" + base64.StdEncoding.EncodeToString(sum[:]))
}

func (p *page) head() {
	p.html("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
	p.html(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src '%s'; style-src '%s'; img-src data:; base-uri 'none'; form-action 'none'">`+"\n", policyHash(pageScript), policyHash(pageStyle))
	p.html(`<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>Review of %s, %s</title>
<style>%s</style>
</head>
<body>
<header>
<h1>Review of %s</h1>
<p class="muted">%s. Evidence of the scan of %s: %s of %s in %s. Answers as of %s.</p>
`, p.Workload.Name, p.AsOf, fragment(pageStyle), p.Workload.Name, p.Framework.Title+", edition "+p.Framework.Edition, p.Scan.Started.Format("2006-01-02 15:04 UTC"),
		count(p.Scan.Results, "result"), count(len(p.Scan.Accounts), "account"), count(len(p.Scan.Regions), "region"), p.AsOf)
	for _, n := range p.Notes {
		p.html("<p class=\"note\">%s</p>\n", n)
	}
	p.html(`<nav aria-label="Sections">`)
	link := func(id fragment, name string, n int) {
		if n > 0 {
			p.html(`<a href="#%s">%s</a>`, id, name)
		}
	}
	link("pillars", "Pillars", 1)
	link("plan", "What to do first", p.Summary.States[NotEstablished]+p.Summary.States[Conflict])
	link("ask", "What to ask", p.Summary.States[Undecided]+p.Summary.States[Conflict])
	link("conflicts", fmt.Sprintf("Conflicts (%d)", len(p.Summary.Conflicts)), len(p.Summary.Conflicts))
	link("lapsed", fmt.Sprintf("Lapsed (%d)", len(p.Summary.Lapsed)), len(p.Summary.Lapsed))
	link("blind", "Where nobody could look", len(p.Summary.Blind))
	link("questions", "All questions", 1)
	p.html("</nav>\n</header>\n")
}

// anchor is the ID of a question in the page.
func anchor(id string) string { return strings.ReplaceAll(id, " ", "-") }

func (p *page) pillars() {
	p.html("<section id=\"pillars\">\n<h2>Pillars</h2>\n<p class=\"muted\">A scan can prove that a practice is missing, hardly ever that it is in place. So each risk goes from what is certain to what is possible, as long as practices are undecided; so does the score, the weighted share of practices in place.</p>\n<div class=\"pillars\">\n")
	for _, x := range p.Pillars {
		p.html(`<div class="pillar"><h3>%s <span class="label %s">%s</span></h3>`, x.Title, strings.ReplaceAll(string(x.Label), " ", "-"), x.Label)
		p.html(`<div class="counts"><span><b>%s</b> high</span><span><b>%s</b> medium</span><span><b>%s</b> none</span><span><b>%s</b> unanswered</span><span><b>%s</b> open</span></div>`,
			between(x, HighRisk), between(x, MediumRisk), x.Certain[NoRisk], x.Certain[Unanswered], x.Open)
		p.html(`<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="score %s"><rect class="may" x="0" y="0" width="%s" height="8"/><rect class="sure" x="0" y="0" width="%s" height="8"/></svg>`,
			x.Score.short(), fmt.Sprintf("%.1f", x.Score.Upper), fmt.Sprintf("%.1f", x.Score.Lower))
		p.html(`<p class="small">Score %s; %s of %s practices decided.<br>%s</p><div class="tiles">`, x.Score.short(), x.Coverage.Decided, x.Coverage.Practices, x.Score.Arithmetic)
		for i := range p.Questions {
			if q := &p.Questions[i]; q.Pillar == x.ID {
				_, number, _ := strings.Cut(q.ID, " ")
				if number == "" {
					number = q.ID
				}
				p.html(`<a class="tile %s" href="#%s" title="%s %s: %s">%s</a>`, tile(q.Risk), anchor(q.ID), q.ID, q.Title, q.Risk, number)
			}
		}
		p.html("</div></div>\n")
	}
	p.html(`</div>
<p class="key"><span class="tile HIGH sure">1</span> high for certain <span class="tile MEDIUM sure">1</span> medium for certain <span class="tile NONE">1</span> none <span class="tile UNANSWERED">1</span> unanswered <span class="tile UNANSWERED may-HIGH">1</span> broken border: as bad as that is possible</p>
</section>
`)
}

// colour is the class of a risk in words: what may be worse than none is never green.
func colour(i Interval) Risk {
	if i.Lower == NoRisk && i.Upper != NoRisk {
		return Unanswered
	}
	return i.Lower
}

// tile is the look of a question: filled by what is certain, framed by what is possible.
func tile(i Interval) fragment {
	look := string(colour(i))
	if i.Lower.rank() > 0 {
		look += " sure"
	}
	if i.Upper != i.Lower && i.Upper.rank() > i.Lower.rank() {
		look += " may-" + string(i.Upper)
	}
	return fragment(look)
}

func (p *page) plan() {
	plan := p.Plan()
	if len(plan.Steps) > 0 {
		p.html("<section id=\"plan\">\n<h2>What to do first</h2>\n<p class=\"muted\">The fewest practices that leave high risk, the quickest first.</p>\n<ol class=\"plan\">\n")
		folded := false
		for _, s := range plan.Steps {
			if s.From != HighRisk && !folded && s.N > 1 {
				folded = true
				p.html("</ol>\n<details><summary><span class=\"title\">And %s that leave medium risk or raise the score</span></summary>\n<ol class=\"plan\">\n", count(len(plan.Steps)-s.N+1, "step"))
			}
			p.html(`<li><span class="n">%s</span><b>%s %s</b>: %s. <span class="muted">%s</span>`, s.N, s.Practice, s.Title, s.Does, s.Because)
			p.html(`<p class="small">effort %s; %s</p>`, s.Effort, s.Sum)
			if len(s.Rules) > 0 {
				p.html(`<ul class="findings">`)
				for _, r := range s.Rules {
					p.html(`<li><code>%s</code> (%s): %s</li>`, r.Rule, r.Failing, firstSentence(r.Fix))
				}
				p.html(`</ul>`)
			}
			if len(s.Resources) > 0 {
				p.html(`<p class="small">%s: %s`, count(s.Failing, "finding"), strings.Join(s.Resources, ", "))
				if len(s.Also) > 0 {
					p.html(`. The same fixes help %s.`, strings.Join(s.Also, ", "))
				}
				p.html(`</p>`)
			}
			p.html("</li>\n")
		}
		p.html("</ol>\n")
		if folded {
			p.html("</details>\n")
		}
		p.html("</section>\n")
	}
	var ask []string
	for _, a := range plan.Ask {
		ask = append(ask, a.line())
	}
	p.lines("ask", "What to ask", "Open practices whose answer moves a risk, by value: scanner review ask goes through all of them.", ask)
}

func (p *page) lines(id fragment, head, why string, lines []string) {
	if len(lines) == 0 {
		return
	}
	p.html("<section id=\"%s\">\n<h2>%s</h2>\n<p class=\"muted\">%s</p>\n<ul class=\"lines\">\n", id, head, why)
	for _, l := range lines {
		p.html("<li>%s</li>\n", l)
	}
	p.html("</ul>\n</section>\n")
}

func (p *page) questions() {
	p.html("<section id=\"questions\">\n<h2>All questions</h2>\n")
	for _, x := range p.Pillars {
		p.html("<h3>%s</h3>\n", x.Title)
		for i := range p.Questions {
			if q := &p.Questions[i]; q.Pillar == x.ID {
				p.question(q)
			}
		}
	}
	p.html("</section>\n")
}

func (p *page) question(q *QuestionReview) {
	left := ""
	if q.Open > 0 {
		left = fmt.Sprintf("%d open", q.Open)
	}
	p.html(`<details id="%s"><summary><span class="id">%s</span><span class="title">%s</span><span class="risk %s">%s</span><span class="open">%s</span></summary><div class="inner">`,
		anchor(q.ID), q.ID, q.Title, fragment(colour(q.Risk)), q.Risk, left)
	if q.Note != "" {
		p.html(`<p class="note">%s</p>`, q.Note)
	}
	p.html("<table><thead><tr><th>practice</th><th>evidence</th><th>answer</th><th>state</th></tr></thead><tbody>\n")
	for i := range q.Practices {
		x := &q.Practices[i]
		shown := fragment("")
		if len(x.Findings) > 0 {
			shown = ` class="with"`
		}
		p.html(`<tr%s><td class="practice"><span class="id">%s, %s</span>%s</td><td class="evidence"><span class="word">%s</span>: %s</td><td>%s</td>`, shown, x.ID, x.Level, x.Title, x.Evidence, x.Because, x.answer())
		var flags []string
		for _, f := range x.Flags {
			flags = append(flags, flagTexts[f])
		}
		p.html(`<td><span class="state %s">%s</span><br><span class="small">%s</span></td></tr>`+"\n", x.State, x.State, strings.Join(flags, "; "))
		p.findings(x)
	}
	p.html("</tbody></table></div></details>\n")
}

func (p *page) findings(x *PracticeReview) {
	if len(x.Findings) == 0 {
		return
	}
	p.html(`<tr class="more"><td colspan="4"><ul class="findings">`)
	for i, f := range x.Findings {
		if i == mostListed {
			p.html(`<li class="muted">and more: the JSON has them</li>`)
			break
		}
		class := fragment("open")
		if f.Waived != nil {
			class = "waived"
		}
		p.html(`<li class="%s">%s <code>%s</code> %s: %s%s</li>`, class, f.Severity, f.Rule, f.name(), f.Message, f.waivedText())
	}
	p.html("</ul></td></tr>\n")
}

// answer is what somebody has said, with links that can be followed.
func (x *PracticeReview) answer() fragment {
	text := html.EscapeString(report.Clean(x.answerText()))
	if x.Said == nil || len(x.Said.Links) == 0 {
		return fragment(text)
	}
	short := *x.Said
	short.Links = nil
	y := *x
	y.Said = &short
	text = html.EscapeString(report.Clean(y.answerText()))
	for _, link := range x.Said.Links {
		shown := html.EscapeString(report.Clean(link))
		if strings.HasPrefix(link, "https://") || strings.HasPrefix(link, "http://") {
			shown = `<a href="` + shown + `" rel="noreferrer">` + shown + `</a>`
		}
		text += "<br>" + shown
	}
	return fragment(text)
}
