package review

import (
	"bufio"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"regexp"
	"strings"

	"awsscanner/internal/report"
)

//go:embed page/page.css
var pageStyle string

//go:embed page/page.js
var pageScript string

// HTML writes the review as one page that needs nothing beside it and asks nobody for anything.
func (v *Review) HTML(w io.Writer) error {
	p := &page{Review: v, w: bufio.NewWriterSize(w, 1<<16), accounts: map[string]int{}}
	for i, id := range v.Scan.Accounts {
		p.accounts[id] = i + 1
	}
	p.top()
	p.html(`<main id="main">`)
	p.first()
	p.pillars()
	p.plan()
	p.lines("conflicts", "To discuss", toDiscuss, v.conflicts())
	p.lines("lapsed", "Answers that hold no more", "They are past the day on which they were to be reviewed, and count as none.", v.lapsed())
	p.lines("blind", "Where nobody could look", "What was not seen counts neither for nor against a practice.", v.blindLines())
	if v.Ships != nil {
		p.lines("ships", "How the team ships", shipsWhy, v.Ships.Lines)
	}
	p.questions()
	p.html("</main>\n<footer><p>%s</p><p>Written by scanner %s.</p></footer>\n<script type=\"application/json\" id=\"sheet\">%s</script>\n<script>%s</script>\n</body>\n</html>\n", v.Framework.Provenance, v.Tool.Version, v.worksheet().script(), fragment(pageScript))
	return p.w.Flush()
}

type page struct {
	*Review
	w        *bufio.Writer
	accounts map[string]int // numbers under which accounts are shown, as long as nobody asks for their IDs
}

// A fragment is markup of this file: what is known at run time only is a string, which cannot become one by accident.
type fragment string

// An attribute is a text inside of quotes, where no element can hide the ID of an account.
type attribute string

// html writes markup in which each %s stands for an argument. Arguments are escaped, as text or as a quoted attribute, unless they are
// fragments themselves. IDs of accounts are hidden until somebody asks for them.
func (p *page) html(format fragment, args ...any) {
	out := make([]any, len(args))
	for i, a := range args {
		switch a := a.(type) {
		case fragment:
			out[i] = string(a)
		case attribute:
			out[i] = digits.ReplaceAllStringFunc(escaped(string(a)), func(id string) string {
				if len(id) != 12 {
					return id
				}
				return p.account(id)
			})
		default:
			out[i] = string(p.text(fmt.Sprint(a)))
		}
	}
	fmt.Fprintf(p.w, string(format), out...)
}

func escaped(text string) string { return html.EscapeString(report.Clean(text)) }

var digits = regexp.MustCompile(`[0-9]+`)

// text is a text as markup.
func (p *page) text(text string) fragment {
	return fragment(digits.ReplaceAllStringFunc(escaped(text), func(id string) string {
		if len(id) != 12 {
			return id
		}
		return `<span class="acct"><i>` + p.account(id) + `</i><b>` + id + `</b></span>`
	}))
}

// account is what an account is called as long as its ID is hidden.
func (p *page) account(id string) string {
	if p.accounts[id] == 0 {
		p.accounts[id] = len(p.accounts) + 1
	}
	return fmt.Sprintf("account %d", p.accounts[id])
}

// policyHash names a style or a script for the content security policy, which lets nothing else be applied or run.
func policyHash(text string) fragment {
	sum := sha256.Sum256([]byte(text))
	return fragment("sha256-" + base64.StdEncoding.EncodeToString(sum[:]))
}

func (p *page) top() {
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
`, attribute(p.Workload.Name), p.AsOf, fragment(pageStyle), p.Workload.Name, p.Framework.Title+", edition "+p.Framework.Edition, p.Scan.Started.Format("2006-01-02 15:04 UTC"),
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
	link("first", "Do first", p.Summary.States[NotEstablished]+p.Summary.States[Conflict])
	link("pillars", "Pillars", 1)
	link("plan", "Plan", p.Summary.States[NotEstablished]+p.Summary.States[Conflict])
	link("ask", "What to ask", p.Summary.States[Undecided]+p.Summary.States[Conflict])
	discuss := len(p.conflicts())
	link("conflicts", fmt.Sprintf("To discuss (%d)", discuss), discuss)
	link("lapsed", fmt.Sprintf("Lapsed (%d)", len(p.Summary.Lapsed)), len(p.Summary.Lapsed))
	link("blind", "Where nobody could look", len(p.Summary.Blind))
	if p.Ships != nil {
		link("ships", "How the team ships", 1)
	}
	link("questions", "All questions", 1)
	p.html("</nav>\n</header>\n")
	p.html(`<div id="bar" role="region" aria-label="Your answers" hidden><div><span id="sum" role="status"></span><label>Who answers <input id="who" autocomplete="name" maxlength="200"></label><button type="button" id="ids" aria-pressed="false">Show account IDs</button><button type="button" id="save" class="main">Save review.yaml</button></div></div>
<noscript><p class="note">Without scripts this page can be read, and not filled in.</p></noscript>
`)
}

// anchor is the ID of a question in the page.
func anchor(id string) string { return strings.ReplaceAll(id, " ", "-") }

// first says what to do first, on one screen.
func (p *page) first() {
	steps := p.Review.first(p.Plan())
	if len(steps) == 0 {
		return
	}
	p.html("<section id=\"first\">\n<h2>Do first</h2>\n<ol class=\"first\">\n")
	for i, s := range steps {
		head, f := p.head(&s)
		p.html(`<li><span class="n">%s</span><div><h3><a href="#%s">%s</a></h3>`, i+1, attribute(anchor(s.Question)), head)
		if f != nil {
			p.html(`<p><span class="severity">%s</span> %s: %s</p>`, f.Severity, f.name(), f.Message)
			p.html(`<p class="small"><code>scanner explain %s</code>`, f.Fingerprint[:min(8, len(f.Fingerprint))])
			if s.Failing > 1 {
				p.html(` and %s against %s`, count(s.Failing-1, "more finding"), s.Practice)
			}
			p.html(`; effort %s.<br>%s, %s: %s.</p>`, s.Effort, s.Practice, s.Title, s.Does)
		} else {
			p.html(`<p>%s</p><p class="small">effort %s. %s.</p>`, s.Because, s.Effort, s.Does)
		}
		p.html("</div></li>\n")
	}
	p.html("</ol>\n</section>\n")
}

func (p *page) pillars() {
	p.html("<section id=\"pillars\">\n<h2>Pillars</h2>\n<p class=\"muted\">A scan can prove that a practice is missing, hardly ever that it is in place. So each risk goes from what is certain to what is possible, as long as practices are undecided; so does the score, the weighted share of practices in place.</p>\n<div class=\"pillars\">\n")
	for _, x := range p.Pillars {
		p.html(`<div class="pillar" data-pillar="%s"><h3>%s <span class="label %s">%s</span></h3>`, attribute(x.ID), x.Title, strings.ReplaceAll(string(x.Label), " ", "-"), x.Label)
		p.html(`<div class="counts"><span><b data-n="HIGH">%s</b> high</span><span><b data-n="MEDIUM">%s</b> medium</span><span><b data-n="NONE">%s</b> none</span><span><b data-n="UNANSWERED">%s</b> unanswered</span><span><b data-n="open">%s</b> open</span></div>`,
			between(x, HighRisk), between(x, MediumRisk), x.Certain[NoRisk], x.Certain[Unanswered], x.Open)
		p.html(`<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="score %s"><rect class="may" x="0" y="0" width="%s" height="8"/><rect class="sure" x="0" y="0" width="%s" height="8"/></svg>`,
			x.Score.short(), fmt.Sprintf("%.1f", x.Score.Upper), fmt.Sprintf("%.1f", x.Score.Lower))
		p.html(`<p class="small">In place <span data-n="score">%s</span>; <span data-n="decided">%s</span> of <span data-n="practices">%s</span> practices decided<br><span class="sum" data-n="arithmetic">%s</span></p><div class="tiles">`, x.Score.short(), x.Coverage.Decided, x.Coverage.Practices, x.Score.Arithmetic)
		for i := range p.Questions {
			if q := &p.Questions[i]; q.Pillar == x.ID {
				_, number, _ := strings.Cut(q.ID, " ")
				if number == "" {
					number = q.ID
				}
				p.html(`<a class="tile %s" href="#%s" title="%s %s: %s" data-tile="%s">%s</a>`, tile(q.Risk), attribute(anchor(q.ID)), attribute(q.ID), attribute(q.Title), q.Risk, attribute(q.ID), number)
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
		p.html("<section id=\"plan\">\n<h2>Plan</h2>\n<p class=\"muted\">The fewest practices that leave high risk, the quickest first.</p>\n<ol class=\"plan\">\n")
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
	p.html(`<section id="questions">
<h2>All questions</h2>
<p class="muted">Answer here, and save: the file goes where the answers lie, and scanner review run reads it back. Risks follow at once.</p>
<div id="filter" role="group" aria-label="Which questions" hidden><button type="button" data-show="all" aria-pressed="true">all</button><button type="button" data-show="high" aria-pressed="false">high for certain</button><button type="button" data-show="open" aria-pressed="false">with open practices</button><button type="button" data-show="discuss" aria-pressed="false">to discuss</button></div>
`)
	for _, x := range p.Pillars {
		p.html("<h3>%s</h3>\n", x.Title)
		area := ""
		for i := range p.Questions {
			if q := &p.Questions[i]; q.Pillar == x.ID {
				if q.Area != area {
					area = q.Area
					p.html("<h4>%s</h4>\n", area)
				}
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
	p.html(`<details id="%s" data-question="%s"><summary><span class="id">%s</span><span class="title">%s</span><span class="risk %s">%s</span><span class="open">%s</span></summary><div class="inner">`,
		attribute(anchor(q.ID)), attribute(q.ID), q.ID, q.Title, fragment(colour(q.Risk)), q.Risk, left)
	if q.Harm != "" {
		p.html(`<p class="why"><b>Why it matters:</b> otherwise %s.</p>`, lower(strings.TrimSuffix(q.Harm, ".")))
	}
	if q.Note != "" {
		p.html(`<p class="note">%s</p>`, q.Note)
	}
	p.html("<table><thead><tr><th>practice</th><th>evidence</th><th>answer</th><th>state</th></tr></thead><tbody>\n")
	for i := range q.Practices {
		x := &q.Practices[i]
		p.html(`<tr data-practice="%s"><td class="practice"><span class="id">%s, %s</span>%s</td><td class="evidence"><span class="word">%s</span>: %s`, attribute(x.Choice), x.ID, x.Level, x.Title, x.Evidence, x.Because)
		p.findings(x)
		p.html(`</td><td class="answer">%s</td>`, p.answer(x))
		var flags []string
		for _, f := range x.Flags {
			flags = append(flags, flagTexts[f])
		}
		p.html(`<td class="follows"><span class="state %s">%s</span><br><span class="small">%s</span></td></tr>`+"\n", fragment(x.State), stateWord(x), strings.Join(flags, "; "))
	}
	p.html("</tbody></table></div></details>\n")
}

// lower makes a sentence a part of one.
func lower(text string) string {
	if r := []rune(text); len(r) > 1 && strings.ToUpper(string(r[1])) != string(r[1]) {
		return strings.ToLower(string(r[0])) + string(r[1:])
	}
	return text
}

// stateWord is a state as people read it.
func stateWord(x *PracticeReview) string {
	if x.State == Conflict || len(x.Apart) > 0 {
		return "to discuss"
	}
	return string(x.State)
}

func (p *page) findings(x *PracticeReview) {
	if len(x.Findings) == 0 {
		return
	}
	p.html(`<ul class="findings">`)
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
	p.html("</ul>")
}

// answer is what somebody has said, with links that can be followed.
func (p *page) answer(x *PracticeReview) fragment {
	if x.Said == nil || len(x.Said.Links) == 0 || len(x.Apart) > 0 {
		return `<div class="said">` + p.text(x.answerText()) + `</div>`
	}
	short := *x.Said
	short.Links = nil
	y := *x
	y.Said = &short
	text := `<div class="said">` + p.text(y.answerText()) + `</div>`
	for _, link := range x.Said.Links {
		shown := p.text(link)
		if strings.HasPrefix(link, "https://") || strings.HasPrefix(link, "http://") {
			shown = fragment(`<a href="`+escaped(link)+`" rel="noreferrer">`) + shown + `</a>`
		}
		text += `<div class="link">` + shown + `</div>`
	}
	return text
}
