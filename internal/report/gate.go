package report

import (
	"fmt"
	"slices"
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// Exit codes of the command line.
const (
	ExitFine        = 0
	ExitFound       = 1 // the gate found something; wins over ExitIncomplete
	ExitUsage       = 2 // wrong use or configuration
	ExitIncomplete  = 3 // could not see enough
	ExitFailed      = 4 // could not scan
	ExitInterrupted = 130
)

// A Gate decides whether a pipeline may go on. The zero Gate lets everything pass.
type Gate struct {
	FailOn           engine.Severity         // 0: findings do not count
	NewOnly          bool                    // of them only those that are new since the baseline count, and of gaps only those that are
	Max              map[engine.Severity]int // how many findings of a severity may be there; absent: any number
	AllowIncomplete  *float64                // percent of cells that must be fully assessed; nil: a fixable gap in a rule that could reach FailOn counts
	FailOnIncomplete *float64                // percent of cells that must be fully assessed; nil: gaps do not count by themselves
}

// Asks reports whether there is anything that a report has to meet.
func (g Gate) Asks() bool { return g.least() > 0 || g.FailOnIncomplete != nil }

// A Decision is what a gate says of a report.
type Decision struct {
	Code int
	Why  []string // empty if Code is ExitFine
}

// mostLines is how many lines say why a gate does not let pass.
const mostLines = 10

// Decide returns the exit code and, if it is not ExitFine, why, in at most ten lines that a person can act on.
func (g Gate) Decide(r *Report) (code int, why []string) {
	if r.Nothing() {
		return ExitFailed, append([]string{"nothing could be assessed: " + grants(r.Gaps)}, r.toSee(r.Gaps)...)
	}
	if g.NewOnly && !slices.ContainsFunc(r.Scan.Read, func(p model.Place) bool { return r.since.accounts[p.Account] }) {
		return ExitUsage, []string{"the baseline is of other accounts than this scan, so that nothing could ever be new: make one of this scan with scanner baseline create"}
	}
	if why := g.found(r); len(why) > 0 {
		return ExitFound, why
	}
	whole := 100.0
	if r.Cells > 0 {
		whole = 100 * float64(r.Cells-r.Doubtful) / float64(r.Cells)
	}
	if blind := g.hiding(r); len(blind) > 0 && (g.AllowIncomplete == nil || whole < *g.AllowIncomplete) {
		return ExitIncomplete, append([]string{fmt.Sprintf("findings of severity %s or above may be hidden: %s", g.least(), grants(blind))}, r.toSee(blind)...)
	}
	if g.FailOnIncomplete != nil && r.Doubtful > 0 && whole < *g.FailOnIncomplete {
		var blind []Gap
		for _, gap := range r.Gaps {
			if gap.Class == model.Fixable && !gap.Waived && r.mayReach(gap.Rules, engine.Informational) {
				blind = append(blind, gap)
			}
		}
		return ExitIncomplete, append([]string{fmt.Sprintf("only %.1f %% of %s assessed without a gap: %s", whole, count(r.Cells, "cell"), grants(blind))}, r.toSee(blind)...)
	}
	return ExitFine, nil
}

// found says which findings do not pass: all that is too much, then what to mend.
func (g Gate) found(r *Report) (why []string) {
	var units []Unit
	counts, of, since := r.Gated, "finding", ""
	if g.NewOnly {
		counts, of, since = r.Fresh, "new finding", " since "+r.Baseline.Started.UTC().Format("2006-01-02 15:04 UTC")
	}
	n := 0
	for severity := g.FailOn; severity > 0 && severity <= engine.Critical; severity++ {
		n += counts[severity]
	}
	if n > 0 {
		why = append(why, fmt.Sprintf("%s of severity %s or above%s", count(n, of), g.FailOn, since))
		if units = r.Units; g.NewOnly {
			units = r.NewUnits
		}
		units = slices.DeleteFunc(slices.Clone(units), func(u Unit) bool { return u.Severity < g.FailOn })
	}
	for severity := engine.Critical; severity >= engine.Informational; severity-- {
		most, limited := g.Max[severity]
		is := r.Gated[severity]
		if !limited || is <= most {
			continue
		}
		why = append(why, fmt.Sprintf("%s of severity %s, where %d may be", count(is, "finding"), severity, most))
		for _, u := range r.Units {
			if u.severities[severity] > 0 && !slices.ContainsFunc(units, func(x Unit) bool { return x.Fingerprint == u.Fingerprint && x.Rule == u.Rule }) {
				units = append(units, u)
			}
		}
	}
	if len(why) == 0 {
		return nil
	}
	why[len(why)-1] += ":"
	return append(why, r.toMend(units, mostLines-len(why))...)
}

// least is the severity from which on findings may count.
func (g Gate) least() engine.Severity {
	least := g.FailOn
	for severity := range g.Max {
		if least == 0 || severity < least {
			least = severity
		}
	}
	return least
}

// asksFor reports whether failures of a severity may count.
func (g Gate) asksFor(s engine.Severity) bool {
	_, limited := g.Max[s]
	return limited || g.FailOn > 0 && s >= g.FailOn
}

// hiding returns the gaps that may hide what the gate would count. What the baseline could not see either is known; where only what is
// new counts, so is whatever the baseline did not look at: it cannot tell what is new there. Maxima count all that is there.
func (g Gate) hiding(r *Report) (blind []Gap) {
	all := Gate{Max: g.Max}.least()
	for _, gap := range r.Gaps {
		if gap.Class != model.Fixable || gap.Waived || gap.Change == Unchanged {
			continue
		}
		if g.FailOn > 0 && r.mayReach(gap.Rules, g.FailOn) && (!g.NewOnly || gap.Change == Lost) || all > 0 && r.mayReach(gap.Rules, all) {
			blind = append(blind, gap)
		}
	}
	return blind
}

// toMend lists fix units, a line each.
func (r *Report) toMend(units []Unit, most int) (lines []string) {
	units = slices.DeleteFunc(slices.Clone(units), func(u Unit) bool { return u.Rule.Preview })
	for i, u := range units {
		if len(lines) == most-1 && i < len(units)-1 {
			return append(lines, fmt.Sprintf("  and %s: see the report", count(len(units)-i, "more fix")))
		}
		line := fmt.Sprintf("  %s %s: %s", u.Severity, u.Rule.ID, u.what(len(r.Coverage) > 1))
		line += u.by()
		if r.ExplainWith != "" {
			line += fmt.Sprintf(" (%s %s)", r.ExplainWith, u.Fingerprint[:8])
		}
		lines = append(lines, Clean(line))
	}
	return lines
}

// Passed says in a line that the gate lets pass, and what it has counted.
func (g Gate) Passed(r *Report) string {
	text := "passed: "
	if !g.Asks() {
		text = "nothing to decide without --fail-on, --fail-on-new, --max or --fail-on-incomplete: "
	}
	text += count(total(r.Gated), "failure")
	if by := bySeverity(r.Gated); by != "" {
		text += " (" + by + ")"
	}
	if r.Baseline != nil {
		text += ", " + r.changed()
	}
	if n := total(r.Waived); n > 0 {
		text += fmt.Sprintf(", %d waived", n)
	}
	if r.WaivedGaps > 0 {
		text += fmt.Sprintf(", %s waived", count(r.WaivedGaps, "gap"))
	}
	return text + fmt.Sprintf("; %d of %s assessed without a gap", r.Cells-r.Blind, count(r.Cells, "cell"))
}

// mayReach reports whether one of some rules can be as severe.
func (r *Report) mayReach(ids []string, s engine.Severity) bool {
	for i := range r.Rules {
		for _, id := range ids {
			if r.Rules[i].ID == id && r.Rules[i].Worst >= s && !r.Rules[i].Preview {
				return true
			}
		}
	}
	return false
}

// grants says what would close some gaps.
func grants(gaps []Gap) string {
	var actions []string
	retry := false
	for _, g := range gaps {
		if g.Class == model.Fixable {
			actions, retry = append(actions, g.Permissions...), retry || len(g.Permissions) == 0
		}
	}
	slices.Sort(actions)
	actions = slices.Compact(actions)
	switch {
	case len(actions) > 0:
		return "grant " + strings.Join(actions, ", ") + " (scanner permissions prints the whole policy)"
	case retry:
		return "repeat the scan when the calls below succeed"
	}
	return "the reasons are structural"
}

// toSee lists the causes of gaps, a line each, below a first line.
func (r *Report) toSee(gaps []Gap) (lines []string) {
	all := blind(gaps, len(r.Coverage) > 1)
	for i, cause := range all {
		if i == mostLines-2 && len(all) > mostLines-1 {
			return append(lines, fmt.Sprintf("  and %d more: see the report", len(all)-i))
		}
		lines = append(lines, Clean("  "+cause))
	}
	return lines
}

// count says how many there are of something.
func count(n int, of string) string {
	switch {
	case n == 1:
		return "1 " + of
	case strings.HasSuffix(of, "x"):
		return fmt.Sprintf("%d %ses", n, of)
	case strings.HasSuffix(of, "y"):
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(of, "y"))
	}
	return fmt.Sprintf("%d %ss", n, of)
}
