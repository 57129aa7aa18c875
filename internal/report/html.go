package report

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"awsscanner/frameworks"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

//go:embed page/page.css
var pageStyle string

//go:embed page/page.js
var pageScript string

// Stylesheet returns the stylesheet of reports, which the pages of a server share.
func Stylesheet() string { return pageStyle }

// HTML writes the report as one page that needs nothing beside it and asks nobody for anything. What sums up the scan is
// markup, which can be read without JavaScript. The findings are data, which the script of the page shows as text.
func (r *Report) HTML(w io.Writer) error {
	p := &page{Report: r, w: bufio.NewWriterSize(w, 1<<16)}
	p.head()
	p.html(`<main id="main">`)
	p.summary()
	p.findings()
	if err := p.data(); err != nil {
		return err
	}
	p.notAssessed()
	if err := p.waived(); err != nil {
		return err
	}
	p.gone()
	p.accounts()
	p.requirements()
	p.html(`</main>`)
	p.foot()
	return p.w.Flush()
}

type page struct {
	*Report
	w *bufio.Writer
}

// A fragment is markup of this file: what is known at run time only is a string, which cannot become one by accident.
type fragment string

// html writes markup in which each %s stands for an argument. Arguments are escaped, as text or as a quoted attribute,
// unless they are fragments themselves.
func (p *page) html(format fragment, args ...any) {
	fmt.Fprintf(p.w, string(format), escaped(args)...)
}

// fragmentf is html without writing it.
func fragmentf(format fragment, args ...any) fragment {
	return fragment(fmt.Sprintf(string(format), escaped(args)...))
}

func escaped(args []any) []any {
	out := make([]any, len(args))
	for i, a := range args {
		if m, ok := a.(fragment); ok {
			out[i] = string(m)
		} else {
			out[i] = html.EscapeString(Clean(fmt.Sprint(a)))
		}
	}
	return out
}

// hash names a style or a script for the content security policy, which lets nothing else be applied or run.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

func (p *page) head() {
	p.html("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
	p.html(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src '%s'; style-src '%s'; img-src data:; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'">`+"\n",
		fragment(hash(pageScript)), fragment(hash(pageStyle)))
	p.html(`<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="scanner %s">
<link rel="icon" href="data:,">
<title>%s, %s - scanner</title>
<style>%s</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
<header class="bar">
<span class="brand">scanner</span>
<nav aria-label="Sections">`, p.Version, p.who(), p.Header.Start.UTC().Format("2006-01-02"), fragment(pageStyle))
	link := func(id fragment, name string, n int) {
		if n > 0 {
			p.html(`<a href="#%s">%s <span class="n">%s</span></a>`, id, name, number(n))
		}
	}
	p.html(`<a href="#summary">Summary</a>`)
	link("findings", "Findings", max(1, total(p.Failures)+p.Statuses[engine.NotAssessed]))
	link("blind", "Not assessed", p.Statuses[engine.NotAssessed])
	link("waived", "Waived", total(p.Waived))
	link("gone", "Gone", len(p.Gone))
	link("accounts", "Accounts", len(p.Coverage)*min(1, len(p.Coverage)/2))
	link("frameworks", "Frameworks", len(p.Frameworks))
	p.html(`</nav>
<button type="button" id="theme" class="quiet scripted" >Theme: auto</button>
</header>
`)
}

// number writes a number as people read it: 50 000.
func number(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "\u202f" + digits[i:]
	}
	return digits
}

// numbered is number with what is counted.
func numbered(n int, of string) string {
	_, words, _ := strings.Cut(count(n, of), " ")
	return number(n) + " " + words
}

// percent is a share in percent, cut: 100 means all.
func percent(part, all int) string {
	if all == 0 {
		return "100"
	}
	return strconv.FormatFloat(math.Floor(1000*float64(part)/float64(all))/10, 'f', -1, 64)
}

// enumeration joins words as a sentence does.
func enumeration(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// who names what was scanned.
func (r *Report) who() string {
	switch accounts := r.Accounts(); {
	case len(accounts) == 0:
		return "no account"
	case len(accounts) > 1:
		return numbered(len(accounts), "account")
	default:
		if name := r.Header.Names[accounts[0]]; name != "" {
			return "account " + accounts[0] + " (" + name + ")"
		}
		return "account " + accounts[0]
	}
}

// verdict says in one sentence how things stand. What was not seen is part of it, and never good news.
func (r *Report) verdict() string {
	failed, unseen := total(r.Failures), ""
	if r.Blind > 0 {
		unseen = fmt.Sprintf("%s of %s could not be completed", number(r.Blind), numbered(r.Cells, "check"))
	}
	switch {
	case r.Nothing():
		return fmt.Sprintf("Nothing could be assessed in %s: %s.", r.who(), grants(r.Gaps))
	case failed == 0 && unseen != "":
		return fmt.Sprintf("Nothing that was seen fails in %s, but %s.", r.who(), unseen)
	case failed == 0 && total(r.Waived) > 0:
		return fmt.Sprintf("Nothing fails in %s but what is waived, and every rule saw all it needs.", r.who())
	case failed == 0:
		return fmt.Sprintf("Nothing fails in %s, and every rule saw all it needs.", r.who())
	}
	var worst []string
	urgent := 0
	for _, s := range []engine.Severity{engine.Critical, engine.High} {
		if n := r.Failures[s]; n > 0 {
			urgent += n
			worst = append(worst, number(n)+" "+s.String())
		}
	}
	text := fmt.Sprintf("%s in %s, none of them critical or high", numbered(failed, "failure"), r.who())
	if urgent > 0 {
		text = fmt.Sprintf("%s %s in %s", enumeration(worst), plural(urgent, "failure"), r.who())
		if urgent < failed {
			text += fmt.Sprintf(", and %s less urgent", number(failed-urgent))
		}
	}
	if len(r.Units) < failed {
		text += fmt.Sprintf(": %s would clear all", numbered(len(r.Units), "fix"))
	}
	if unseen != "" {
		text += "; " + unseen
	}
	return text + "."
}

func plural(n int, of string) string {
	_, words, _ := strings.Cut(count(n, of), " ")
	return words
}

// summary is the first screen.
func (p *page) summary() {
	p.html(`<section id="summary" aria-labelledby="verdict">
<h1 id="verdict">%s</h1>
`, p.verdict())
	p.severities()
	p.gate()
	p.facts()
	p.html(`<div class="split">
`)
	p.fixFirst()
	p.html(`<div class="beside">
`)
	p.pillarRows()
	p.changes()
	p.html(`</div>
</div>
`)
	p.moreUnits()
	p.html("</section>\n")
}

// mark shows a severity: the word, and a dot in its colour.
func mark(s engine.Severity) fragment {
	return fragmentf(`<span class="severity %s">%s</span>`, s, s)
}

// found links to findings in the table of the page; values come in pairs.
func found(pairs ...string) fragment {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			b.WriteString("&" + pairs[i] + "=" + strings.ReplaceAll(url.QueryEscape(pairs[i+1]), "+", "%20"))
		}
	}
	return fragmentf("#%s", strings.TrimPrefix(b.String(), "&"))
}

func (p *page) severities() {
	if total(p.Failures)+total(p.Waived) == 0 {
		return
	}
	p.html(`<ul class="severities" aria-label="Failures by severity">`)
	for s := engine.Critical; s >= engine.Informational; s-- {
		if n := p.Failures[s]; n > 0 {
			p.html(`<li><a href="%s"><span class="severity %s">%s %s</span></a></li>`, found("severity", s.String()), s, number(n), s)
		}
	}
	if n := total(p.Waived); n > 0 {
		p.html(`<li><a href="%s">%s waived</a></li>`, found("status", "waived"), number(n))
	}
	p.html("</ul>\n")
}

// gate says what a pipeline does with this, if there is one.
func (p *page) gate() {
	switch d := p.Decision; {
	case d == nil || p.Nothing():
	case d.Code == ExitFine:
		p.html("<p class=\"gate\">The gate passes.</p>\n")
	case d.Code == ExitFound:
		p.html("<p class=\"gate\"><b>The gate fails:</b> %s.</p>\n", strings.TrimSuffix(d.Why[0], ":"))
	default:
		p.html("<p class=\"gate\"><b>The gate does not pass:</b> %s.</p>\n", strings.TrimSuffix(d.Why[0], ":"))
	}
}

// facts say what was looked at, when, how much of it was seen, and what to grant to see the rest.
func (p *page) facts() {
	h := p.Header
	fact := func(name string, value fragment, more ...fragment) {
		p.html(`<div><dt>%s</dt><dd>%s`, name, value)
		for _, m := range more {
			if m != "" {
				p.html(`<small>%s</small>`, m)
			}
		}
		p.html("</dd></div>\n")
	}
	regions := p.Regions()
	where := numbered(len(regions), "region")
	if len(regions) > 0 && len(regions) <= 3 {
		where = strings.Join(regions, ", ")
	}
	var left fragment
	if n := len(h.Unread); n > 0 {
		left = fragmentf(`%s left out`, numbered(n, "enabled region"))
		if slices.ContainsFunc(h.Unread, func(p model.Place) bool { return p.Region == model.AnyRegion }) {
			left = "not all regions could be listed"
		}
	}
	p.html(`<dl class="facts">` + "\n")
	fact("Scope", fragmentf("%s, %s", capital(p.who()), numbered(len(p.Rules), "rule")), fragmentf("%s", where), left, fragmentf("%s", strings.Join(p.limits(), "; ")))

	caller := h.Caller
	if arn, ok := model.ParseARN(caller); ok {
		caller = arn.Resource
	}
	took, by := "", ""
	if d := p.Scan.Finished.Sub(h.Start); d > 0 {
		took = ", took " + d.Round(time.Second).String()
	}
	if caller != "" {
		by = "as " + caller
	}
	calls := numbered(p.Scan.Calls, "call")
	if p.Scan.Throttled > 0 {
		calls += fmt.Sprintf(", %s throttled", number(p.Scan.Throttled))
	}
	fact("Scanned", fragmentf(`<time datetime="%s">%s</time>%s`, h.Start.UTC().Format(time.RFC3339), h.Start.UTC().Format("2006-01-02 15:04 UTC"), took), fragmentf("%s", by), fragmentf("%s", calls))

	seen := fragmentf("every result is a verdict")
	if n := p.Statuses[engine.NotAssessed]; n > 0 {
		seen = fragmentf(`<a href="#blind">%s not assessed</a>`, numbered(n, "result"))
	}
	fact("Coverage", fragmentf("%s %%", percent(p.Cells-p.Blind, p.Cells)),
		fragmentf("%s of %s completed", number(p.Cells-p.Blind), numbered(p.Cells, "check")), seen)

	identity, resource := p.toGrant()
	var grant, more fragment
	switch {
	case len(identity) > 0:
		grant = actionList(identity, 3)
		if len(resource) > 0 {
			more = fragmentf("in policies of resources: %s", actionList(resource, 2))
		}
	case len(resource) > 0:
		grant, more = actionList(resource, 3), "in the policies of the resources"
	case p.Fixable > 0:
		grant, more = "Nothing", "scan again: calls failed that may succeed"
	case p.Blind > 0:
		grant, more = "Nothing", "the reasons are structural"
	default:
		grant, more = "Nothing", "every rule saw all it needs"
	}
	fact("To grant", grant, more)
	p.html("</dl>\n")
}

func capital(text string) string {
	return strings.ToUpper(text[:1]) + text[1:]
}

// actionList shows the first few actions.
func actionList(actions []string, most int) (list fragment) {
	for i, a := range actions {
		if i == most {
			return list + fragmentf(` <a href="#blind">and %s more</a>`, number(len(actions)-most))
		}
		if i > 0 {
			list += " "
		}
		list += fragmentf("<code>%s</code>", a)
	}
	return list
}

// limits says what the report leaves out on demand.
func (r *Report) limits() []string {
	all := r.shown().limits()
	if r.Untold > 0 {
		all = append(all, numbered(r.Untold, "result")+" shown though their tags are not known")
	}
	return all
}

// toGrant lists the actions that would close fixable gaps: in the policy of who scans, and in the policies of resources.
func (r *Report) toGrant() (identity, resource []string) {
	for _, g := range r.Gaps {
		if g.Class != model.Fixable || g.Waived {
			continue
		}
		if g.Reason == model.AccessDeniedResource {
			resource = append(resource, g.Permissions...)
		} else {
			identity = append(identity, g.Permissions...)
		}
	}
	distinct := func(list []string) []string { slices.Sort(list); return slices.Compact(list) }
	return distinct(identity), distinct(resource)
}

// unitsShown is how many fix units the page lists beside the findings: as many as anybody reads.
const unitsShown = 100

func (p *page) fixFirst() {
	p.html(`<section class="fixes" aria-labelledby="fix-first">
<h2 id="fix-first">Fix first</h2>
`)
	if len(p.Units) == 0 {
		p.html("<p class=\"muted\">Nothing that was seen fails.</p>\n</section>\n")
		return
	}
	p.html("<ol>\n")
	for i := range p.Units[:min(few, len(p.Units))] {
		p.fixUnit(&p.Units[i])
	}
	p.html("</ol>\n</section>\n")
}

func (p *page) moreUnits() {
	if len(p.Units) <= few {
		return
	}
	p.html("<details class=\"fixes\"><summary>%s</summary>\n<ol start=\"%s\">\n", numbered(len(p.Units)-few, "more fix"), few+1)
	for i := range p.Units[few:min(unitsShown, len(p.Units))] {
		p.fixUnit(&p.Units[few+i])
	}
	p.html("</ol>\n")
	if len(p.Units) > unitsShown {
		p.html("<p><a href=\"%s\">All %s are in the findings, grouped by fix unit</a></p>\n", found("group", "fix"), number(len(p.Units)))
	}
	p.html("</details>\n")
}

func (p *page) fixUnit(u *Unit) {
	what := strings.Join(u.Names, ", ")
	if u.Resources > 1 {
		kind := string(u.Rule.Check.Subject.Reported())
		if what = fmt.Sprintf("%s × %s: %s", number(u.Resources), kind[strings.LastIndex(kind, ":")+1:], what); u.Resources > len(u.Names) {
			what += ", …"
		}
	}
	about := []fragment{fragmentf("%s", u.Rule.ID)}
	switch u.Owner {
	case "":
		about = append(about, "no owner")
	case UnknownOwner:
		about = append(about, "owner unknown: tags were not read")
	default:
		about = append(about, fragmentf("owner <b>%s</b>", u.Owner))
	}
	if account := p.ifSeveral(u.Account); account != "" {
		about = append(about, fragmentf("account %s", account))
	}
	switch {
	case len(u.Regions) > 2:
		about = append(about, fragmentf("%s", numbered(len(u.Regions), "region")))
	case len(u.Regions) > 0 && u.Rule.Check.Subject.Scope != model.RegionSubject:
		about = append(about, fragmentf("%s", strings.Join(u.Regions, " ")))
	}
	if u.Waste >= 0.5 {
		about = append(about, fragmentf("about %s USD a month", number(int(math.Round(u.Waste)))))
	}
	if u.Rule.Check.Subject.Scope == model.AccountSubject {
		what = "Account " + u.Account
	}
	p.html(`<li>%s<div><a href="%s">%s</a><p>%s</p><p class="muted">`, mark(u.Severity), found("fix", u.fixKey(), "account", p.ifSeveral(u.Account)), what, u.Message)
	for i, a := range about {
		if i > 0 {
			p.html(" · ")
		}
		p.html("%s", a)
	}
	p.html("</p></div></li>\n")
}

// fixKey is what the key of the fix of a finding is in every format.
func (u *Unit) fixKey() string {
	if u.Key == u.Rule.ID {
		return u.Key
	}
	return u.Rule.ID + "/" + u.Key
}

// ifSeveral returns an account if there are others.
func (r *Report) ifSeveral(account string) string {
	if len(r.Coverage) < 2 {
		return ""
	}
	return account
}

var pillarNames = map[engine.Pillar]string{engine.OperationalExcellence: "Operational excellence", engine.Security: "Security", engine.Reliability: "Reliability",
	engine.PerformanceEfficiency: "Performance efficiency", engine.CostOptimization: "Cost optimization", engine.Sustainability: "Sustainability"}

func (p *page) pillarRows() {
	tallies, waived := p.pillars(), fragment("")
	for _, t := range tallies {
		if t.Waived > 0 {
			waived = `<th scope="col" class="r" title="Rules whose failures are all waived">Waived</th>`
		}
	}
	p.html(`<section aria-labelledby="pillars">
<h2 id="pillars">Pillars</h2>
<div class="wide" tabindex="0" role="region" aria-label="Rules by pillar"><table class="pillars">
<thead><tr><th scope="col"><span class="unseen">Pillar</span></th><th scope="col">Worst</th><th scope="col" class="r" title="Rules that fail somewhere">Fail</th><th scope="col" class="r" title="Rules that pass everywhere">Pass</th><th scope="col" class="r" title="Rules that do not apply to anything">n/a</th><th scope="col" class="r" title="Rules that could not see all they need, and fail nowhere">Blind</th>%s<th scope="col" class="r" title="Fix units">Fixes</th><th scope="col" class="r" title="Estimated waste a month, at list prices">USD</th></tr></thead>
<tbody>
`, waived)
	for _, pillar := range engine.Pillars {
		t, fixes := tallies[pillar], 0
		for i := range p.Units {
			if slices.Contains(p.Units[i].Rule.Pillars, pillar) {
				fixes++
			}
		}
		worst := fragment(`<span class="muted">none</span>`)
		if s, err := engine.ParseSeverity(t.Worst); err == nil {
			worst = mark(s)
		}
		usd := fragment(`<span class="muted">-</span>`)
		if w := p.WasteBy[pillar]; w > 0 {
			usd = fragmentf("%s", number(int(math.Round(w))))
		}
		p.html(`<tr><th scope="row"><a href="%s">%s</a></th><td>%s</td>`, found("pillar", string(pillar)), pillarNames[pillar], worst)
		columns := []int{t.Fail, t.Pass, t.NotApplicable, t.NotAssessed}
		if waived != "" {
			columns = append(columns, t.Waived)
		}
		for _, n := range append(columns, fixes) {
			class := fragment("r")
			if n == 0 {
				class = "r muted"
			}
			p.html(`<td class="%s">%s</td>`, class, number(n))
		}
		p.html("<td class=\"r\">%s</td></tr>\n", usd)
	}
	p.html(`</tbody>
</table></div>
<p class="muted note">Rules, by the worst of their results. USD: estimated waste a month.</p>
</section>
`)
}

var fateMeanings = map[Fate]string{Fixed: "looked at, and not there any more", NoLongerAssessed: "nobody could look", OutOfScope: "nobody looked: other rules, accounts or regions were selected"}

func (p *page) changes() {
	p.html(`<section class="changes" aria-labelledby="changes">
<h2 id="changes">Since the last scan</h2>
`)
	b := p.Baseline
	if b == nil {
		p.html("<p class=\"muted\">No baseline was given, so there is nothing to compare with: <code>--baseline FILE</code>.</p>\n</section>\n")
		return
	}
	p.html(`<p class="muted note">of <time datetime="%s">%s</time></p>`+"\n<ul>", b.Started.UTC().Format(time.RFC3339), b.Started.UTC().Format("2006-01-02 15:04 UTC"))
	for _, c := range Changes {
		p.html(`<li%s><a href="%s">%s %s</a></li>`, mutedIf(p.Changes[c] == 0), found("change", string(c)), number(p.Changes[c]), spaced(string(c)))
	}
	p.html("</ul>\n<ul>")
	for _, f := range Fates {
		p.html(`<li%s><a href="#gone">%s %s</a></li>`, mutedIf(p.goneBy(f) == 0), number(p.goneBy(f)), spaced(string(f)))
	}
	p.html("</ul>\n</section>\n")
}

func mutedIf(is bool) fragment {
	if is {
		return ` class="muted"`
	}
	return ""
}

// spaced is a name of one word or several as people write it.
func spaced(name string) string { return strings.ReplaceAll(name, "-", " ") }

func (r *Report) goneBy(f Fate) (n int) {
	for i := range r.Gone {
		if r.Gone[i].Fate == f {
			n++
		}
	}
	return n
}

// findings is where the script puts the table.
func (p *page) findings() {
	note := fragment("")
	if passed, inapplicable := p.Statuses[engine.Passed], p.Statuses[engine.Inapplicable]; len(p.Filter.Statuses) == 0 && passed+inapplicable > 0 {
		note = fragmentf("<p class=\"muted note\">%s passed and %s %s not apply: <code>--status pass,not-applicable</code> lists them.</p>\n",
			numbered(passed, "result"), number(inapplicable), verb(inapplicable, "does", "do"))
	}
	p.html(`<section id="findings" aria-labelledby="findings-title">
<h2 id="findings-title">Findings</h2>
%s<p id="unscripted">The findings are shown by the script of this page, which does not run here: open the file in a browser that allows it. Summary, fix units and what was not assessed can be read without.</p>
<div id="table"></div>
</section>
`, note)
}

// advice says what would close a gap, be it nothing.
func advice(reason model.Reason, permissions []string) string {
	actions := strings.Join(permissions, ", ")
	switch reason {
	case model.AccessDenied:
		if actions != "" {
			return "Grant " + actions
		}
		return "Grant what the call needs"
	case model.AccessDeniedResource:
		return "Grant " + cmp.Or(actions, "the call") + " in the policy of the resource"
	case model.Throttled, model.TimedOut, model.Stopped, model.CallFailed:
		return "Scan again: scanner scan --resume asks only for what is missing"
	case model.NotCollected:
		return "Scan for this rule if the snapshot was made for others: after a scan for it AWS has left this out, and nothing brings it"
	case model.RuleError:
		return "Report this: it is a bug of the scanner"
	case model.AccessDeniedSCP:
		return "Nothing here: a service control policy closes this"
	case model.NotEnabled:
		return "Nothing here: the region or service is switched off"
	case model.NotSubscribed:
		return "Nothing here: the call needs a subscription"
	case model.OutsideScan:
		return "Scan the account or region that owns it as well"
	case model.TooLittleData:
		return "Wait until AWS knows more"
	}
	return ""
}

// A cause is gaps for which the same is to be done, wherever they are.
type cause struct {
	Gap
	regions, accounts, rules map[string]bool
	lost                     bool // some of it could be judged in the baseline
}

// causes joins gaps, those first that somebody can close, and of them those that blind most.
func (r *Report) causes() []*cause {
	type key struct {
		call, detail string
		reason       model.Reason
		waived       bool
	}
	all, order := map[key]*cause{}, []*cause{}
	for _, g := range r.Gaps {
		k := key{g.Call, "", g.Reason, g.Waived}
		if g.Call == "" {
			k.detail = g.Detail
		}
		c := all[k]
		if c == nil {
			c = &cause{Gap: g, regions: map[string]bool{}, accounts: map[string]bool{}, rules: map[string]bool{}}
			c.Resources = 0
			all[k], order = c, append(order, c)
		}
		c.Resources += g.Resources
		c.lost = c.lost || g.Change == Lost
		c.accounts[g.Account] = true
		switch g.Region {
		case "":
			c.regions["the whole account"] = true
		case model.AnyRegion:
			c.regions["any other region"] = true
		default:
			c.regions[g.Region] = true
		}
		for _, rule := range g.Rules {
			c.rules[rule] = true
		}
	}
	urgency := func(c *cause) int {
		switch {
		case c.Waived:
			return 3
		case c.Class == model.Structural:
			return 2
		case len(c.Permissions) == 0:
			return 1
		}
		return 0
	}
	slices.SortStableFunc(order, func(a, b *cause) int {
		return cmp.Or(cmp.Compare(urgency(a), urgency(b)), cmp.Compare(len(b.rules), len(a.rules)), cmp.Compare(a.Call, b.Call), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Detail, b.Detail))
	})
	return order
}

func (p *page) notAssessed() {
	p.html(`<section id="blind" aria-labelledby="blind-title">
<h2 id="blind-title">Not assessed</h2>
`)
	n := p.Statuses[engine.NotAssessed]
	if n == 0 {
		p.html("<p>Nothing: every selected rule saw all it needs.</p>\n")
		p.leftOut()
		p.html("</section>\n")
		return
	}
	p.html(`<p>%s %s no verdict, as something was not read: neither a pass nor a failure. <a class="screen scripted" href="%s">List them</a></p>`+"\n", capital(numbered(n, "result")), verb(n, "has", "have"), found("status", "not-assessed"))
	identity, resource := p.toGrant()
	if len(identity) > 0 {
		p.copyable("Grant to whoever scans (scanner permissions --missing prints it as a policy)", identity)
	}
	if len(resource) > 0 {
		p.copyable("Allow whoever scans in the policies of the resources below", resource)
	}
	p.html(`<div class="wide" tabindex="0" role="region" aria-label="Causes"><table class="rows">
<thead><tr><th scope="col">What to do</th><th scope="col">Why</th><th scope="col">Where</th><th scope="col">Blinds</th></tr></thead>
<tbody>
`)
	for _, c := range p.causes() {
		call := c.Call
		if call == allCalls {
			call = "every call"
		}
		what, hidden := advice(c.Reason, c.Permissions), "a whole list"
		if c.Waived {
			what = "Nothing: this gap is waived"
		}
		if c.Resources > 0 {
			hidden = numbered(c.Resources, "result")
		}
		class := string(c.Class)
		if c.lost {
			class += ", could be seen at the last scan"
		}
		p.html(`<tr><td>%s<small>%s</small></td><td><code>%s</code> %s<small class="detail">%s</small></td><td>%s%s</td>`, what, class, call, string(c.Reason), c.Detail,
			several(c.regions, 4, "region"), inAccounts(c.accounts, len(p.Coverage)))
		p.html(`<td>%s<small>%s</small></td></tr>`+"\n", several(c.rules, 3, "rule"), hidden)
	}
	p.html("</tbody>\n</table></div>\n")
	p.leftOut()
	p.html("</section>\n")
}

// leftOut names what nobody looked at: that is no gap, and it is not to be taken for seen.
func (p *page) leftOut() {
	unread, skipped := map[string]bool{}, map[string]bool{}
	for _, place := range p.Header.Unread {
		if place.Region != model.AnyRegion {
			unread[place.Account+" "+place.Region] = true
		}
	}
	for _, s := range p.Header.Skipped {
		skipped[strings.TrimSpace(s.Account+" "+s.Region)+": "+cmp.Or(s.Why, spaced(string(s.Reason)))] = true
	}
	if len(unread) > 0 {
		p.html("<details><summary>%s left out of the scan</summary>%s</details>\n", numbered(len(unread), "enabled region"), lines(unread))
	}
	if len(skipped) > 0 {
		p.html("<details><summary>%s not looked at</summary>%s</details>\n", numbered(len(skipped), "other place"), lines(skipped))
	}
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// copyable shows lines with a button that copies them.
func (p *page) copyable(title string, lines []string) {
	p.html(`<figure class="code"><figcaption>%s <button type="button" class="copy scripted">Copy</button></figcaption><pre tabindex="0">`, title)
	for i, line := range lines {
		if i > 0 {
			p.html("\n")
		}
		p.html("%s", line)
	}
	p.html("</pre></figure>\n")
}

// lines lists names one below the other.
func lines(set map[string]bool) (list fragment) {
	for i, name := range slices.Sorted(maps.Keys(set)) {
		if i > 0 {
			list += "<br>"
		}
		list += fragmentf("%s", name)
	}
	return list
}

// several lists a few names, or folds many.
func several(set map[string]bool, most int, of string) fragment {
	if len(set) > most {
		return fragmentf("<details><summary>%s</summary>%s</details>", numbered(len(set), of), lines(set))
	}
	return lines(set)
}

func inAccounts(accounts map[string]bool, all int) fragment {
	if all < 2 {
		return ""
	}
	return fragmentf("<small>%s</small>", several(accounts, 2, "account"))
}

// waived lists what somebody has accepted, and until when.
func (p *page) waived() error {
	all, err := p.waivers()
	if err != nil || len(all) == 0 {
		return err
	}
	text := "No failure is waived, only gaps."
	if n := total(p.Waived); n > 0 {
		text = fmt.Sprintf("%s %s waived: %s. They are in no sum of failures.", numbered(n, "failure"), verb(n, "is", "are"), bySeverity(p.Waived))
	}
	if p.Soonest != "" {
		text += " The next waiver ends on " + p.Soonest + "."
	}
	p.html(`<section id="waived" aria-labelledby="waived-title">
<h2 id="waived-title">Waived</h2>
<p>%s <a class="screen scripted" href="%s">List them</a></p>
<div class="wide" tabindex="0" role="region" aria-label="Waivers"><table class="rows">
<thead><tr><th scope="col">Worst</th><th scope="col">Rule</th><th scope="col">Reason</th><th scope="col">Accepted by</th><th scope="col">Until</th><th scope="col">Source</th><th scope="col" class="r">Results</th></tr></thead>
<tbody>
`, text, found("status", "waived"))
	for _, w := range all {
		worst, names := fragment(`<span class="status">not assessed</span>`), strings.Join(w.names, ", ")
		if w.severity > 0 {
			worst = mark(w.severity)
		}
		if w.results > len(w.names) {
			names += ", …"
		}
		p.html(`<tr><td>%s</td><td>%s<small>%s</small></td><td>%s`, worst, w.rule.ID, names, w.Reason)
		for _, more := range [][2]string{{"Mitigation", w.Mitigation}, {"Risk", w.Risk}} {
			if more[1] != "" {
				p.html("<small>%s: %s</small>", more[0], more[1])
			}
		}
		p.html(`</td><td>%s</td><td class="date">%s</td><td>%s<small>%s</small></td><td class="r"><a href="%s">%s</a></td></tr>`+"\n", w.Owner, w.Expires, w.Ticket, w.Source,
			found("status", "waived", "rule", w.rule.ID, "waiver", w.Source), number(w.results))
	}
	p.html("</tbody>\n</table></div>\n</section>\n")
	return nil
}

// goneShown is how many failures of the baseline that are none any more the page lists.
const goneShown = 1000

// gone lists failures of the baseline that are none any more. Only those that were looked at are fixed.
func (p *page) gone() {
	if p.Baseline == nil || len(p.Gone) == 0 {
		return
	}
	p.html(`<section id="gone" aria-labelledby="gone-title">
<h2 id="gone-title">Gone since the last scan</h2>
<p>`)
	for i, f := range Fates {
		if i > 0 {
			p.html("; ")
		}
		p.html("%s %s (%s)", number(p.goneBy(f)), spaced(string(f)), fateMeanings[f])
	}
	p.html(`.</p>
<div class="wide" tabindex="0" role="region" aria-label="Gone findings"><table class="rows">
<thead><tr><th scope="col">Was</th><th scope="col">Resource</th><th scope="col">Rule</th><th scope="col">Where</th><th scope="col">Owner</th><th scope="col">Became</th></tr></thead>
<tbody>
`)
	shown := 0
	gone := slices.Clone(p.Gone)
	slices.SortStableFunc(gone, func(a, b Gone) int { return cmp.Compare(b.Severity, a.Severity) })
	for _, f := range Fates {
		for i := range gone {
			g := &gone[i]
			if g.Fate != f || shown == goneShown {
				continue
			}
			shown++
			p.html(`<tr><td>%s</td><td>%s<small>%s</small></td><td>%s</td><td>%s<small>%s</small></td><td>%s</td><td>%s</td></tr>`+"\n",
				mark(g.Severity), cmp.Or(g.Known.Name, g.ID), string(g.Kind), g.Rule, g.Account, g.Region, g.Owner, spaced(string(f)))
		}
	}
	p.html("</tbody>\n</table></div>\n")
	if shown < len(p.Gone) {
		p.html("<p class=\"muted\">The first %s of %s.</p>\n", number(shown), number(len(p.Gone)))
	}
	p.html("</section>\n")
}

// accounts says of each account how much of it was seen, if there are several.
func (p *page) accounts() {
	if len(p.Coverage) < 2 {
		return
	}
	p.html(`<section id="accounts" aria-labelledby="accounts-title">
<h2 id="accounts-title">Accounts</h2>
<div class="wide" tabindex="0" role="region" aria-label="Coverage by account"><table class="rows">
<thead><tr><th scope="col">Account</th><th scope="col">Name</th><th scope="col" class="r">Failures</th><th scope="col" class="r">Regions</th><th scope="col" class="r">Checks completed</th></tr></thead>
<tbody>
`)
	rows := slices.Clone(p.Coverage)
	slices.SortStableFunc(rows, func(a, b Coverage) int { return cmp.Compare(b.Failures, a.Failures) })
	for _, c := range rows {
		seen := fragmentf("%s %% <small>%s of %s</small>", percent(c.Assessed, c.Cells), number(c.Assessed), number(c.Cells))
		if c.Regions == 0 {
			seen = "could not be entered"
		}
		p.html(`<tr><td><a href="%s">%s</a></td><td>%s</td><td class="r">%s</td><td class="r">%s</td><td class="r">%s</td></tr>`+"\n",
			found("account", c.Account), c.Account, c.Name, number(c.Failures), number(c.Regions), seen)
	}
	p.html("</tbody>\n</table></div>\n</section>\n")
}

// requirements holds the results against the frameworks that were asked for.
func (p *page) requirements() {
	if len(p.Frameworks) == 0 {
		return
	}
	p.html(`<section id="frameworks" aria-labelledby="frameworks-title">
<h2 id="frameworks-title">Frameworks</h2>
<p class="muted">%s.</p>
`, capital(frameworks.Note))
	for _, f := range p.frameworks() {
		n := map[standing]int{}
		for _, q := range f.Requirements {
			n[q.Status]++
		}
		p.html(`<details class="framework"><summary><h3>%s</h3> <span>%s met</span> <span>%s met in part</span> <span><b>%s not met</b></span> <span>%s not assessed</span> <span>%s not automated</span></summary>
<div class="wide" tabindex="0" role="region" aria-label="Requirements of %s"><table class="rows">
<thead><tr><th scope="col">ID</th><th scope="col">Requirement</th><th scope="col">Standing</th><th scope="col">Rules</th></tr></thead>
<tbody>
`, f.Title, number(n[met]), number(n[metInPart]), number(n[notMet]), number(n[notAssessed]), number(n[notAutomated]), f.Title)
		for _, q := range f.Requirements {
			standing, why := fragmentf("%s", spaced(string(q.Status))), fragment("")
			if q.Status == notMet {
				standing = fragmentf("<b>%s</b>", standing)
			}
			if q.Reason != "" {
				why = fragmentf("<small>%s</small>", q.Reason)
			}
			p.html(`<tr><td>%s</td><td>%s</td><td>%s%s</td><td>`, q.ID, q.Title, standing, why)
			for i, rule := range q.Rules {
				if i > 0 {
					p.html("<br>")
				}
				switch {
				case slices.Contains(q.Failed, rule):
					p.html(`<a href="%s">%s</a> fails`, found("rule", rule), rule)
				case slices.Contains(q.NotAssessed, rule):
					p.html(`<a href="%s">%s</a> not assessed`, found("status", "not-assessed", "rule", rule), rule)
				default:
					p.html(`%s`, rule)
				}
			}
			p.html("</td></tr>\n")
		}
		p.html("</tbody>\n</table></div>\n</details>\n")
	}
	p.html("</section>\n")
}

func (p *page) foot() {
	p.html(`<footer>
<dl>
<div><dt>Severity</dt><dd>Critical: an outsider reaches data or control now. High: one step from it, or loss within 7 days. Medium: a layer is weak. Low: hygiene. Informational: a fact to know.</dd></div>
<div><dt>Not assessed</dt><dd>What decides was not read. It is never a pass, never a failure, and never a missing row.</dd></div>
<div><dt>Check</dt><dd>One rule in one region, or in one account if it judges that as a whole. It is completed if each of its results is a verdict. JSON reports call it a cell.</dd></div>
<div><dt>Fix unit</dt><dd>Failures that one change, or the same change again and again, clears.</dd></div>
</dl>
<p>scanner %s, scan %s. This page holds all it shows: it loads nothing and sends nothing.</p>
</footer>
<div id="say" role="status" aria-live="polite" class="unseen"></div>
<script>%s</script>
</body>
</html>
`, p.Version, p.ID(), fragment(pageScript))
}
