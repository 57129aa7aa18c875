package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// A Style says how the table is written.
type Style struct {
	Width   int       // columns; lines are cut there. 0: no limit
	Color   bool      // ANSI colours for severities and status
	All     bool      // every fix unit and finding, not only the first few
	GroupBy string    // fix (default), rule, resource, owner, account or none
	Again   [2]string // a command that leads on, and what it shows, for the hints at the end
}

// Groups lists what findings can be grouped by.
var Groups = []string{"fix", "rule", "resource", "owner", "account", "none"}

// Few is how many fix units the short table shows.
const few = 5

// Table writes the report for people: about 25 lines for any account, or everything.
func (r *Report) Table(w io.Writer, style Style) error {
	t := &table{w: bufio.NewWriter(w), Style: style}
	t.line("%s", r.title(t.Width))
	if limits := r.within.limits(); len(limits) > 0 {
		t.line("PART  of the scan, as the report that is looked at tells no more: %s", strings.Join(limits, "; "))
	}
	t.line("")
	switch {
	case style.All || style.GroupBy != "" && style.GroupBy != "fix" || len(r.Filter.Statuses) > 0:
		if err := r.findings(t); err != nil {
			return err
		}
	default:
		r.fixFirst(t)
	}
	t.line("")
	r.pillarLines(t)
	t.line("")
	if len(r.Frameworks) > 0 {
		r.frameworkLines(t)
		t.line("")
	}
	if r.Baseline != nil {
		t.line("CHANGED  since %s: %s", r.Baseline.Started.UTC().Format("2006-01-02 15:04 UTC"), r.changed())
		t.line("")
	}
	if waived := r.waived(); waived != "" {
		t.line("WAIVED  %s; the next waiver ends on %s", waived, r.Soonest)
		t.line("")
	}
	if r.Untold > 0 {
		t.line("TAGS  %s shown whatever --tag and --owner say, as the tags are not known: see scanner permissions --tags", count(r.Untold, "result"))
		t.line("")
	}
	if len(r.Coverage) > 1 {
		whole, lost := 0, []string{}
		for _, c := range r.Coverage {
			switch {
			case c.Assessed == c.Cells:
				whole++
			case c.Regions == 0:
				lost = append(lost, strings.TrimSpace(c.Account+" "+c.Name))
			}
		}
		text := fmt.Sprintf("ACCOUNTS  %d: %d assessed without a gap, %d in part, %d not entered", len(r.Coverage), whole, len(r.Coverage)-whole-len(lost), len(lost))
		if len(lost) > 0 {
			text += ": " + strings.Join(lost[:min(3, len(lost))], ", ")
		}
		if len(lost) > 3 {
			text += ", ..."
		}
		t.line("%s", text)
		t.line("")
	}
	if lacking := Lacking(r.Header.Skipped, r.Header.Partition); lacking != "" {
		t.line("SKIPPED  %s", lacking)
		t.line("")
	}
	unseen := fmt.Sprintf("%s not assessed, in %d of %s of one rule in one region", count(r.Statuses[engine.NotAssessed], "result"), r.Blind, count(r.Cells, "cell"))
	switch blind := r.blind(); {
	case len(blind) > 0:
		text := "BLIND  " + unseen
		if r.WaivedGaps > 0 {
			text += fmt.Sprintf(", %d of them waived", r.WaivedGaps)
		}
		if most := 3; len(blind) > most && !style.All {
			text += fmt.Sprintf(", %d causes (%d shown: --all shows all)", len(blind), most)
			blind = blind[:most]
		}
		t.line("%s", text)
		for _, b := range blind {
			t.line("  %s", b)
		}
	case r.WaivedGaps > 0:
		t.line("BLIND  nothing but what is waived: %s", unseen)
	default:
		t.line("BLIND  nothing: every selected rule saw all it needs")
	}
	r.next(t)
	return t.w.Flush()
}

// Lacking says in words which services AWS does not offer, of those that would be asked; "" if none.
func Lacking(skipped []engine.Skip, partition string) string {
	var lacking []string
	for _, s := range skipped {
		if s.Service != "" {
			lacking = append(lacking, s.Service+" in "+cmp.Or(s.Region, partition))
		}
	}
	if len(lacking) == 0 {
		return ""
	}
	return "AWS does not offer " + strings.Join(lacking, ", ") + ": there is nothing to list"
}

type table struct {
	w *bufio.Writer
	Style
}

// line writes one line.
func (t *table) line(format string, args ...any) {
	text := strings.TrimRight(Clean(fmt.Sprintf(format, args...)), " ")
	if runes := []rune(text); t.Width > 10 && len(runes) > t.Width {
		text = string(runes[:t.Width-1]) + "…"
	}
	if t.Color {
		text = colour(text)
	}
	t.w.WriteString(text)
	t.w.WriteByte('\n')
}

var colours = map[string]string{"critical": "\x1b[1;31m", "high": "\x1b[31m", "medium": "\x1b[33m", "low": "\x1b[36m", "informational": "\x1b[2m",
	"FIX FIRST": "\x1b[1m", "CHANGED": "\x1b[1m", "WAIVED": "\x1b[1m", "PILLARS": "\x1b[1m", "BLIND": "\x1b[1m", "NEXT": "\x1b[1m", "FINDINGS": "\x1b[1m", "FRAMEWORKS": "\x1b[1m", "PART": "\x1b[1m"}

// colour marks the word a line begins with.
func colour(text string) string {
	for word, code := range colours {
		if rest, ok := strings.CutPrefix(text, word); ok && (rest == "" || rest[0] == ' ') {
			return code + word + "\x1b[0m" + rest
		}
	}
	return text
}

// title says whose account was read, by whom, where, and for how much.
// In few columns it says less of each, but of everything.
func (r *Report) title(width int) string {
	s := r.Header
	accounts, regions := r.Accounts(), r.Regions()
	who := "no account"
	switch {
	case len(accounts) == 1:
		who = "account " + accounts[0]
	case len(accounts) > 1:
		who = fmt.Sprintf("%d accounts", len(accounts))
	}
	caller := s.Caller
	if arn, ok := model.ParseARN(caller); ok {
		caller = arn.Resource
	}
	short := caller
	if parts := strings.Split(caller, "/"); len(parts) > 1 { // assumed-role/NAME/SESSION, user/PATH/NAME
		short = parts[1]
	}
	calls := count(r.Scan.Calls, "call")
	if r.Scan.Throttled > 0 {
		calls += fmt.Sprintf(" (%d throttled)", r.Scan.Throttled)
	}
	where := count(len(regions), "region")
	names := where
	if len(regions) > 0 && len(regions) <= 3 {
		names = strings.Join(regions, " ")
	}
	line := func(caller, where string) string {
		text := who
		if caller != "" {
			text += " as " + caller
		}
		return strings.Join([]string{text, where, count(len(r.Rules), "rule"), calls, s.Start.UTC().Format("2006-01-02 15:04 UTC")}, " · ")
	}
	for _, text := range []string{line(caller, names), line(caller, where)} {
		if width <= 0 || utf8.RuneCountInString(text) <= width {
			return text
		}
	}
	return line(short, where)
}

// what says what a unit is about: "7 × Queue: a, b, c … (eu-west-1)"; of several accounts, in which.
func (u *Unit) what(several bool) string {
	t := u.Rule.Check.Subject
	if t.Scope == model.AccountSubject {
		return "account " + u.Account
	}
	kind := string(t.Kind)
	names := make([]string, len(u.Names))
	for i, n := range u.Names { // a file has no width to cut at
		names[i] = short(n, 160)
	}
	text := strings.Join(names, ", ")
	if u.Resources > 1 {
		text = fmt.Sprintf("%d × %s: %s", u.Resources, kind[strings.LastIndex(kind, ":")+1:], text)
		if u.Resources > len(u.Names) {
			text += " …"
		}
	}
	place := ""
	switch {
	case len(u.Regions) == 1:
		place = u.Regions[0]
	case len(u.Regions) > 1:
		place = fmt.Sprintf("%d regions", len(u.Regions))
	}
	if several {
		place = strings.TrimSpace(u.Account + " " + place)
	}
	if place != "" {
		text += " (" + place + ")"
	}
	return text
}

// by says who has to act on a unit, if somebody is known.
func (u *Unit) by() string {
	if u.Owner == "" || u.Owner == UnknownOwner {
		return ""
	}
	return ", owner " + u.Owner
}

func (r *Report) fixFirst(t *table) {
	if len(r.Units) == 0 {
		text := "nothing failed"
		if len(r.Waived) > 0 {
			text = "nothing failed but what is waived"
		}
		t.line("FIX FIRST  %s", text)
		return
	}
	text := fmt.Sprintf("FIX FIRST  %s, cleared by %s", count(total(r.Failures), "failure"), count(len(r.Units), "fix"))
	if len(r.Units) > few {
		text += fmt.Sprintf(" (%d shown: --all shows all)", few)
	}
	t.line("%s", text)
	for _, u := range r.Units[:min(few, len(r.Units))] {
		text := fmt.Sprintf("%-13s %s  %s: %s%s", u.Severity, u.Fingerprint[:8], u.Rule.ID, u.what(len(r.Coverage) > 1), u.by())
		if u.Rule.Preview {
			text += ", in preview: no gate counts it"
		}
		t.line("%s", text)
	}
}

// changed says in a line what has changed since the baseline.
func (r *Report) changed() string {
	fates := map[Fate]int{}
	for _, g := range r.Gone {
		fates[g.Fate]++
	}
	text := fmt.Sprintf("%d new, %d regressed, %d escalated, %d fixed", r.Changes[Appeared], r.Changes[Regressed], r.Changes[Escalated], fates[Fixed])
	for _, more := range []struct {
		n    int
		what string
	}{
		{r.Changes[NewlyAssessed], "newly assessed"}, {fates[NoLongerAssessed], "no longer assessed"}, {fates[OutOfScope], "out of scope"}, {r.Changes[Unchanged], "unchanged"},
	} {
		if more.n > 0 {
			text += fmt.Sprintf(", %d %s", more.n, more.what)
		}
	}
	return text
}

// waived says in words what somebody has accepted; "" if that is nothing.
func (r *Report) waived() string {
	var parts []string
	if n := total(r.Waived); n > 0 {
		parts = append(parts, count(n, "failure")+" ("+bySeverity(r.Waived)+")")
	}
	if r.WaivedGaps > 0 {
		parts = append(parts, count(r.WaivedGaps, "result")+" not assessed")
	}
	return strings.Join(parts, ", ")
}

func total(bySeverity map[engine.Severity]int) (n int) {
	for _, x := range bySeverity {
		n += x
	}
	return n
}

// bySeverity counts failures in words, the worst first.
func bySeverity(counts map[engine.Severity]int) string {
	var parts []string
	for severity := engine.Critical; severity >= engine.Informational; severity-- {
		if n := counts[severity]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, severity))
		}
	}
	return strings.Join(parts, ", ")
}

// findings lists results one by one, under a heading for each group.
func (r *Report) findings(t *table) error {
	groupBy := cmp.Or(t.GroupBy, "fix")
	listed := 0
	type row struct {
		severity engine.Severity
		text     string
	}
	groups := map[string][]row{}
	worst := map[string]engine.Severity{}
	for x, err := range r.Results() {
		if err != nil {
			return err
		}
		if len(r.Filter.Statuses) == 0 && x.Status != engine.Failed {
			continue
		}
		listed++
		m := x.Resource
		key := ""
		switch groupBy {
		case "fix":
			key = strings.TrimSpace(x.Rule.ID + " " + x.FixKey)
			if len(r.Accounts()) > 1 {
				key += " in account " + m.Account
			}
		case "rule":
			key = x.Rule.ID + ": " + x.Rule.Title
		case "resource":
			key = strings.TrimSpace(fmt.Sprintf("%s %s %s", x.Kind(), name(m), r.placeOf(m.Account, m.Region)))
		case "owner":
			if key = "owner " + x.Team; x.Team == "" {
				key = "no owner"
			}
		case "account":
			key = "account " + m.Account
		}
		what := string(x.Status)
		if x.Status == engine.Failed {
			what = x.Severity.String()
		}
		place := m.Region
		if groupBy != "account" && groupBy != "fix" { // which tell it above
			place = r.placeOf(m.Account, m.Region)
		}
		text := strings.TrimSpace(fmt.Sprintf("%-13s %s  %s %s", what, x.Fingerprint()[:8], name(m), place))
		if groupBy != "rule" && groupBy != "fix" {
			text += "  " + x.Rule.ID
		}
		if x.Message != "" {
			text += ": " + x.Message
		}
		switch {
		case x.Waived != nil:
			text += fmt.Sprintf(" (waived until %s by %s: %s)", x.Waived.Expires, x.Waived.Owner, x.Waived.Reason)
		case x.Change != "" && x.Change != Unchanged:
			text += fmt.Sprintf(" (%s)", x.Change)
		}
		groups[key] = append(groups[key], row{x.Severity, text})
		worst[key] = max(worst[key], x.Severity)
	}
	t.line("FINDINGS  %s by %s", count(listed, "result"), groupBy)
	keys := slices.SortedFunc(maps.Keys(groups), func(a, b string) int { return cmp.Or(cmp.Compare(worst[b], worst[a]), cmp.Compare(a, b)) })
	shown := 0
	for _, k := range keys {
		if shown >= few && !t.All {
			t.line("  and %d more: --all", len(keys)-shown)
			break
		}
		shown++
		if k != "" {
			t.line("%s (%d)", k, len(groups[k]))
		}
		slices.SortStableFunc(groups[k], func(a, b row) int { return cmp.Compare(b.severity, a.severity) })
		for i, row := range groups[k] {
			if i == few && !t.All {
				t.line("  and %d more: --all", len(groups[k])-few)
				break
			}
			t.line("%s", row.text)
		}
	}
	return nil
}

func (r *Report) pillarLines(t *table) {
	t.line("PILLARS  rules:           pass  fail   n/a blind  worst")
	pillars := r.pillars()
	for _, p := range engine.Pillars {
		x := pillars[p]
		text := fmt.Sprintf("%-24s %5d %5d %5d %5d  %s", p, x.Pass, x.Fail, x.NotApplicable, x.NotAssessed, cmp.Or(x.Worst, "-"))
		if p == engine.CostOptimization && r.Waste > 0 {
			text += fmt.Sprintf("  (about %.0f USD a month wasted)", r.Waste)
		}
		t.line("%s", text)
	}
}

// blind says what to grant, and what nobody here can change: gaps of the same cause in one line.
func (r *Report) blind() (lines []string) { return blind(r.Gaps, len(r.Coverage) > 1) }

// blind says so of some gaps, of several accounts perhaps.
func blind(gaps []Gap, several bool) (lines []string) {
	type cause struct {
		what string
		rank int
	}
	type seen struct{ places, regions, accounts, rules, owners map[string]bool }
	all, order := map[cause]seen{}, []cause{}
	for _, g := range gaps {
		if g.Waived {
			continue
		}
		c := cause{what: g.Call + " " + string(g.Reason) + ": " + g.Detail, rank: 1}
		switch {
		case len(g.Permissions) > 0 && g.Class == model.Fixable:
			c = cause{what: "grant " + strings.Join(g.Permissions, ", ")}
			if g.Reason == model.AccessDeniedResource {
				c.what += " in the policy of the resource"
			}
		case g.Call == allCalls && g.Reason == model.AccessDeniedSCP:
			c.what = "a service control policy closes the region"
		case g.Call == allCalls:
			c.what = string(g.Reason) + ": the region is closed"
		case g.Reason == model.AccessDeniedSCP: // its detail differs from region to region
			c.what = "a service control policy denies " + strings.Join(g.Permissions, ", ")
		case g.Call == "":
			c.what = string(g.Reason) + ": " + g.Detail
		case g.Detail == "":
			c.what = g.Call + " " + string(g.Reason)
		}
		if g.Class == model.Structural {
			c.what, c.rank = "structural: "+c.what, 2
		}
		if _, known := all[c]; !known {
			all[c] = seen{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}}
			order = append(order, c)
		}
		region := g.Region
		if region == model.AnyRegion {
			region = "any other region"
		}
		place := cmp.Or(region, "account "+g.Account)
		if several {
			place = strings.TrimSpace(g.Account + " " + region)
		}
		x := all[c]
		x.places[place], x.regions[region], x.accounts[g.Account], x.owners[g.Owner] = true, true, true, true
		for _, rule := range g.Rules {
			x.rules[rule] = true
		}
	}
	slices.SortStableFunc(order, func(a, b cause) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(len(all[b].rules), len(all[a].rules)), cmp.Compare(a.what, b.what))
	})
	for _, c := range order {
		x := all[c]
		place := strings.Join(slices.Sorted(maps.Keys(x.places)), ", ")
		switch {
		case len(x.places) <= 3:
		case len(x.accounts) == 1 && several:
			place = fmt.Sprintf("%s of %s", count(len(x.regions), "region"), slices.Collect(maps.Keys(x.accounts))[0])
		case len(x.accounts) > 1:
			place = fmt.Sprintf("%s of %s", count(len(x.regions), "region"), count(len(x.accounts), "account"))
		default:
			place = count(len(x.regions), "region")
		}
		line := fmt.Sprintf("%s (%s; blinds %s)", c.what, place, count(len(x.rules), "rule"))
		if delete(x.owners, UnknownOwner); owners(x.owners) != "" {
			line += ", owner " + owners(x.owners)
		}
		lines = append(lines, line)
	}
	return lines
}

// next names commands that lead on.
func (r *Report) next(t *table) {
	var hints [][2]string
	if len(r.Units) > 0 && r.ExplainWith != "" {
		hints = append(hints, [2]string{r.ExplainWith + " " + r.Units[0].Fingerprint[:8], "what was seen, why it matters, how to fix it, what the fix may break"})
	}
	if slices.ContainsFunc(r.Gaps, func(g Gap) bool { return len(g.Permissions) > 0 && g.Class == model.Fixable && !g.Waived }) {
		hints = append(hints, [2]string{"scanner permissions", "the IAM policy that the selected rules need"})
	}
	if t.Again[0] != "" {
		hints = append(hints, t.Again)
	}
	width := 0
	for _, h := range hints {
		width = max(width, utf8.RuneCountInString(h[0]))
	}
	for i, h := range hints {
		head := "    "
		if i == 0 {
			head = "NEXT"
			t.line("")
		}
		t.line("%s  %-*s  %s", head, width, h[0], h[1])
	}
}
