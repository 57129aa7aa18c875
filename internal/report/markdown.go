package report

import (
	"cmp"
	"fmt"
	"html"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"awsscanner/frameworks"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// MarkdownLimit is how many bytes a comment may have: GitHub takes 65 536 characters, GitLab a million.
const MarkdownLimit = 65000

// moreSize is kept free for the line that says what is not shown.
const moreSize = 250

// Markdown writes a comment for a pull request: whether it may go on, what is new, what to fix first and how, and what nobody could see.
// If that is more than limit bytes, whole entries are left out, the least severe first, and it says how many.
func (r *Report) Markdown(w io.Writer, limit int) error {
	waived, err := r.waivers()
	if err != nil {
		return err
	}
	top, sums, bottom := r.markdownTop(), r.markdownSums(), r.markdownBottom()
	left := limit - len(top) - len(sums) - len(bottom)
	blind := r.markdownBlind(left * 15 / 100)
	accepted := r.markdownWaived(waived, left*15/100)
	left -= len(blind) + len(accepted)
	told := map[string]bool{} // rules whose fix has been told
	appeared := r.markdownNew(told, left*2/5)
	units := r.markdownUnits(told, left-len(appeared))
	_, err = io.WriteString(w, top+appeared+units+sums+blind+accepted+bottom)
	return err
}

// A waiver is what somebody has accepted of one rule.
type waiver struct {
	Waived
	rule     *engine.Rule
	severity engine.Severity // worst; 0 if these are gaps
	results  int
	names    []string // of a few
}

// waivers goes through the results for what is waived, worst first.
func (r *Report) waivers() (all []*waiver, err error) {
	if total(r.Waived) == 0 && !slices.ContainsFunc(r.Gaps, func(g Gap) bool { return g.Waived }) {
		return nil, nil
	}
	type key struct {
		Waived
		rule   string
		failed bool
	}
	by := map[key]*waiver{}
	for x, err := range r.anew(r.Rules, r.Filter.counts) {
		switch {
		case err != nil:
			return nil, err
		case x.Waived == nil:
			continue
		}
		k := key{*x.Waived, x.Rule.ID, x.Status == engine.Failed}
		if by[k] == nil {
			by[k] = &waiver{Waived: *x.Waived, rule: x.Rule}
			all = append(all, by[k])
		}
		w := by[k]
		w.severity = max(w.severity, x.Severity)
		if w.results++; len(w.names) < 3 {
			w.names = append(w.names, name(x.Resource))
		}
	}
	slices.SortStableFunc(all, func(a, b *waiver) int { return cmp.Compare(b.severity, a.severity) })
	return all, nil
}

// markdownTop says in one sentence how it stands, and then what was looked at.
func (r *Report) markdownTop() string {
	failures, blind := total(r.Failures), r.Statuses[engine.NotAssessed]
	verdict := "nothing failed"
	switch d := r.Decision; {
	case r.Nothing():
		verdict = "nothing could be assessed"
	case d != nil && d.Code == ExitFine:
		verdict = "the gate passes"
	case d != nil && d.Code == ExitFound:
		verdict = "the gate fails: " + strings.TrimSuffix(d.Why[0], ":")
	case d != nil:
		verdict = "the gate does not pass: " + strings.TrimSuffix(d.Why[0], ":")
	case failures == 0 && blind > 0:
		verdict = fmt.Sprintf("nothing failed, but %s could not be assessed", count(blind, "result"))
	case failures > 0:
		verdict = fmt.Sprintf("%s, the worst %s", count(failures, "failure"), r.Units[0].Severity)
	}
	facts := []string{"no failure"}
	if failures > 0 {
		facts[0] = fmt.Sprintf("**%s** (%s), cleared by %s", count(failures, "failure"), bySeverity(r.Failures), count(len(r.Units), "fix"))
	}
	if blind > 0 {
		facts = append(facts, fmt.Sprintf("**%s not assessed**", count(blind, "result")))
	}
	if n := total(r.Waived) + r.WaivedGaps; n > 0 {
		facts = append(facts, count(n, "result")+" waived")
	}
	return fmt.Sprintf("<!-- scanner -->\n## scanner: %s\n\n%s\n\n%s\n", MarkdownText(short(verdict, 200)), strings.Join(facts, " · "), MarkdownText(r.title(0)))
}

// markdownNew lists what the baseline did not have.
func (r *Report) markdownNew(told map[string]bool, budget int) string {
	if r.Baseline == nil {
		return ""
	}
	n := 0
	for _, u := range r.NewUnits {
		n += u.Resources
	}
	since := "since " + r.Baseline.Started.UTC().Format("2006-01-02 15:04 UTC")
	head := fmt.Sprintf("\n### %s %s\n\n", count(n, "new failure"), since)
	if n == 0 {
		head = fmt.Sprintf("\n### Nothing new %s\n\n", since)
	}
	head += "Since then: " + r.changed() + ".\n"
	if n == 0 {
		return head
	}
	lines, _ := r.unitLines(r.NewUnits, true, told, budget-len(head)-moreSize)
	text := head + "\n" + strings.Join(lines, "")
	if left := len(r.NewUnits) - len(lines); left > 0 {
		text += r.more(left, "new fix")
	}
	return text
}

// placeOf names a region, and its account if there are several.
func (r *Report) placeOf(account, region string) string {
	if len(r.Coverage) < 2 {
		account = ""
	}
	return strings.TrimSpace(account + " " + region)
}

// fit joins the first of n entries, as many as there is room for, and says how many more there are.
func (r *Report) fit(entries []string, n int, what string, budget int) string {
	var b strings.Builder
	shown := 0
	for _, e := range entries {
		if b.Len()+len(e)+moreSize > budget {
			break
		}
		b.WriteString(e)
		shown++
	}
	if shown < n {
		more := r.more(n-shown, what)
		if shown == 0 {
			more = more[1:]
		}
		b.WriteString(more)
	}
	return b.String()
}

// more says how much is left out, and where it is.
func (r *Report) more(n int, what string) string {
	where := "`-o json=FILE` writes all"
	if r.ExplainWith != "" {
		where = "`scanner report --all` lists all where the scan was made, " + where
	}
	return fmt.Sprintf("\nNot shown, as a comment holds no more: %s. %s.\n", count(n, what), where)
}

// unitLines writes fix units, as many as there is room for. All have a line before the first has its fix as well: so many have one.
func (r *Report) unitLines(units []Unit, severities bool, told map[string]bool, budget int) (lines []string, fixes int) {
	for i := range units {
		line := "- " + r.unitLine(&units[i], severities, asMarkdown) + "\n"
		if i == 0 {
			budget-- // for the empty line before a list
		}
		if len(line) > budget {
			break
		}
		budget -= len(line)
		lines = append(lines, line)
	}
	for i := range lines {
		details := r.unitDetails(&units[i], severities, told[units[i].Rule.ID])
		if len(details)-len(lines[i]) > budget {
			break
		}
		budget -= len(details) - len(lines[i])
		lines[i], told[units[i].Rule.ID] = details, true
		fixes++
	}
	if fixes > 0 && fixes < len(lines) {
		lines[fixes] = "\n" + lines[fixes]
	}
	return lines, fixes
}

// markdownUnits lists fix units under the title of their severity.
func (r *Report) markdownUnits(told map[string]bool, budget int) string {
	type group struct{ units, failures int }
	groups := map[engine.Severity]*group{}
	for _, u := range r.Units {
		g := groups[u.Severity]
		if g == nil {
			g = &group{}
			groups[u.Severity] = g
		}
		g.units, g.failures = g.units+1, g.failures+u.Resources
	}
	const end = "\n</details>\n"
	budget -= 2*moreSize + len(r.foldHead())
	for s, g := range groups {
		budget -= len(r.unitsHead(s, g.units, g.failures)) + len(end)
	}
	lines, fixes := r.unitLines(r.Units, false, told, budget)
	var b strings.Builder
	for i, line := range lines {
		s := r.Units[i].Severity
		if i == 0 || s != r.Units[i-1].Severity {
			if r.folded(s) && (i == 0 || !r.folded(r.Units[i-1].Severity)) {
				b.WriteString(r.foldHead())
			}
			b.WriteString(r.unitsHead(s, groups[s].units, groups[s].failures))
		}
		b.WriteString(line)
		if r.folded(s) && (i == len(lines)-1 || s != r.Units[i+1].Severity) {
			b.WriteString(end)
		}
	}
	if n := len(r.Units) - len(lines); n > 0 {
		b.WriteString(r.more(n, "fix"))
	}
	if n := len(lines) - fixes; n > 0 {
		fmt.Fprintf(&b, "\nThe last %s have one line each, as a comment holds no more: `scanner rules show RULE` tells why and how.\n", count(n, "fix"))
	}
	return b.String()
}

// folded reports whether people have to unfold a severity: what is less urgent, and if there is a baseline, all that it may have known.
func (r *Report) folded(s engine.Severity) bool { return s < engine.High || r.Baseline != nil }

// foldHead is the title of what is folded.
func (r *Report) foldHead() string {
	if r.Baseline != nil {
		return "\n### All failures\n"
	}
	return "\n### Less urgent\n"
}

func (r *Report) unitsHead(s engine.Severity, units, failures int) string {
	title := strings.ToUpper(s.String()[:1]) + s.String()[1:]
	sums := fmt.Sprintf("%s for %s", count(units, "fix"), count(failures, "failure"))
	if r.folded(s) {
		return fmt.Sprintf("\n<details><summary><b>%s</b>: %s</summary>\n\n", title, sums)
	}
	return fmt.Sprintf("\n### %s: %s\n\n", title, sums)
}

// A markup writes text: HTML stands in titles to unfold, in which Markdown is not understood.
type markup struct{ bold, code, text func(string) string }

var (
	asMarkdown = markup{func(s string) string { return "**" + s + "**" }, MarkdownCode, MarkdownText}
	asHTML     = markup{func(s string) string { return "<b>" + s + "</b>" }, htmlCode, htmlText}
)

// unitLine says what to fix where, and who, in Markdown or HTML.
func (r *Report) unitLine(u *Unit, severity bool, as markup) string {
	t := u.Rule.Check.Subject
	what := ""
	var names []string
	for _, n := range u.Names {
		names = append(names, as.code(n))
	}
	region := ""
	if len(u.Regions) == 1 {
		region = u.Regions[0]
	}
	place := r.placeOf(u.Account, region)
	switch {
	case t.Scope == model.AccountSubject:
		what, place = "account "+as.code(u.Account), ""
	case t.Scope == model.RegionSubject && u.Resources == 1:
		what, place = "region "+as.code(u.Names[0]), r.placeOf(u.Account, "")
	case u.Resources > 1:
		kind := string(t.Kind)
		what = fmt.Sprintf("%d × %s: %s", u.Resources, kind[strings.LastIndex(kind, ":")+1:], strings.Join(names, ", "))
		if u.Resources > len(names) {
			what += " …"
		}
	default:
		what = strings.Join(names, ", ")
	}
	if len(u.Regions) > 1 {
		place = strings.TrimSpace(fmt.Sprintf("%s %d regions", place, len(u.Regions)))
	}
	if place != "" {
		what += " (" + as.text(place) + ")"
	}
	if u.by() != "" {
		what += ", owner " + as.code(u.Owner)
	}
	if severity {
		return as.bold(u.Severity.String()) + " " + u.Rule.ID + ": " + what
	}
	return u.Rule.ID + ": " + what
}

// unitDetails is a unit to unfold: what was seen, why that matters, and how to fix it. Of a rule that is told already it says only what was seen.
func (r *Report) unitDetails(u *Unit, severity, told bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<details><summary>%s</summary>\n\n", r.unitLine(u, severity, asHTML))
	seen := "Seen"
	if u.Resources > 1 {
		seen = "Seen at " + MarkdownCode(u.Names[0])
	}
	fmt.Fprintf(&b, "**%s:** %s", seen, MarkdownText(short(u.Message, 600)))
	fmt.Fprintf(&b, " (`%s`)\n\n", u.Fingerprint[:8])
	fix := &u.Rule.Fix
	if told {
		b.WriteString("Why and how to fix: as above for the same rule.\n\n</details>\n")
		return b.String()
	}
	section := func(title, text string) {
		if text != "" {
			fmt.Fprintf(&b, "**%s:**%s\n\n", title, markdownProse(text))
		}
	}
	section("Why", u.Rule.Why)
	section("Fix", fix.Text)
	if fix.CLI != "" {
		b.WriteString(Fenced("sh", fix.CLI) + "\n\n")
	}
	section("May break", fix.Breaks)
	section("Undo", fix.Undo)
	b.WriteString("</details>\n")
	return b.String()
}

// markdownSums are the tables.
func (r *Report) markdownSums() string {
	var b strings.Builder
	b.WriteString("\n### Pillars\n\n| rules | pass | fail | not applicable | not assessed | worst |\n|---|--:|--:|--:|--:|---|\n")
	pillars := r.pillars()
	for _, p := range engine.Pillars {
		x := pillars[p]
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %s |\n", p, x.Pass, x.Fail, x.NotApplicable, x.NotAssessed, cmp.Or(x.Worst, "-"))
	}
	if r.Waste > 0 {
		fmt.Fprintf(&b, "\nAbout %.0f USD a month are wasted, at list prices.\n", r.Waste)
	}
	if len(r.Frameworks) > 0 {
		b.WriteString("\n### Frameworks\n\n| requirements | met | met in part | not met | not assessed | not automated |\n|---|--:|--:|--:|--:|--:|\n")
		for _, f := range r.frameworks() {
			n := map[standing]int{}
			for _, q := range f.Requirements {
				n[q.Status]++
			}
			fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d |\n", MarkdownText(f.Title), n[met], n[metInPart], n[notMet], n[notAssessed], n[notAutomated])
		}
		fmt.Fprintf(&b, "\n%s\n", MarkdownText(frameworks.Note))
	}
	return b.String()
}

// markdownBlind says what could not be seen, and what to grant.
func (r *Report) markdownBlind(budget int) string {
	causes := r.blind()
	switch {
	case r.Blind == 0:
		return "\n### Not assessed: nothing\n\nEvery selected rule saw all it needs.\n"
	case len(causes) == 0:
		return fmt.Sprintf("\n### Not assessed: %s, all waived\n", count(r.Statuses[engine.NotAssessed], "result"))
	}
	accepted := ""
	if r.WaivedGaps > 0 {
		accepted = fmt.Sprintf(", %d of them waived", r.WaivedGaps)
	}
	head := fmt.Sprintf("\n### Not assessed: %s%s\n\nNeither passed nor failed, in %d of %s of one rule in one region:\n\n", count(r.Statuses[engine.NotAssessed], "result"), accepted, r.Blind, count(r.Cells, "cell"))
	var entries []string
	for _, cause := range causes {
		if actions := granted.FindStringSubmatch(cause); actions != nil {
			entries = append(entries, fmt.Sprintf("- grant %s %s\n", MarkdownCode(actions[1]), MarkdownText(short(cause[len(actions[0]):], 300))))
			continue
		}
		entries = append(entries, "- "+MarkdownText(short(cause, 300))+"\n")
	}
	return head + r.fit(entries, len(entries), "cause", budget-len(head))
}

var granted = regexp.MustCompile(`^grant ((?:[a-z0-9-]+:[A-Za-z0-9]+(?:, )?)+)`)

// markdownWaived lists what somebody has accepted.
func (r *Report) markdownWaived(all []*waiver, budget int) string {
	if len(all) == 0 {
		return ""
	}
	n := 0
	var entries []string
	for _, w := range all {
		n += w.results
		what := "not assessed"
		if w.severity > 0 {
			what = w.severity.String()
		}
		var names []string
		for _, name := range w.names {
			names = append(names, MarkdownCode(name))
		}
		if w.results > len(names) {
			names = append(names, fmt.Sprintf("and %d more", w.results-len(names)))
		}
		entry := fmt.Sprintf("- **%s** %s: %s, until %s by %s: %s", what, w.rule.ID, strings.Join(names, ", "), MarkdownText(w.Expires), MarkdownCode(w.Owner), MarkdownText(short(w.Reason, 300)))
		if w.Ticket != "" {
			entry += " (" + MarkdownCode(w.Ticket) + ")"
		}
		entries = append(entries, entry+"\n")
	}
	until := ""
	if r.Soonest != "" {
		until = "; the next waiver ends on " + htmlText(r.Soonest)
	}
	head := fmt.Sprintf("\n<details><summary><b>Waived</b>: %s%s</summary>\n\n", count(n, "result"), until)
	const tail = "\n</details>\n"
	return head + r.fit(entries, len(entries), "waiver", budget-len(head)-len(tail)) + tail
}

func (r *Report) markdownBottom() string {
	return fmt.Sprintf("\n<sub>scanner %s, scan %s</sub>\n", htmlText(r.Version), r.ID())
}

// short cuts what nobody wants to read in a comment.
func short(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}

// htmlText makes HTML of a text, on one line.
func htmlText(text string) string { return html.EscapeString(unlinked(text)) }

// htmlCode makes HTML of a name. Nothing in it becomes a link.
func htmlCode(name string) string {
	return "<code>" + html.EscapeString(short(Clean(name), 160)) + "</code>"
}

// markdownProse makes Markdown of a text of a rule, in which some lines may be commands, to go on with after a title.
func markdownProse(text string) string {
	var out []string
	for _, p := range engine.Pieces(text) {
		if p.Code {
			out = append(out, Fenced("sh", p.Text))
		} else {
			out = append(out, MarkdownText(p.Text))
		}
	}
	if len(out) > 0 && strings.HasPrefix(out[0], "```") {
		return "\n\n" + strings.Join(out, "\n\n")
	}
	return " " + strings.Join(out, "\n\n")
}
