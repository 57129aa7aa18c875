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
		return ExitFailed, append([]string{"nothing could be assessed: " + grants(r.Gaps)}, r.denied(mostLines-2)...)
	}
	if why := g.found(r); len(why) > 0 {
		return ExitFound, why
	}
	whole := 100.0
	if r.Cells > 0 {
		whole = 100 * float64(r.Cells-r.Fixable) / float64(r.Cells)
	}
	if least := g.least(); least > 0 {
		var blind []Gap
		for _, gap := range r.Gaps {
			if gap.Class == model.Fixable && !gap.Waived && r.mayReach(gap.Rules, least) && g.counts(&gap) {
				blind = append(blind, gap)
			}
		}
		if len(blind) > 0 && (g.AllowIncomplete == nil || whole < *g.AllowIncomplete) {
			return ExitIncomplete, append([]string{fmt.Sprintf("findings of severity %s or above may be hidden: %s", least, grants(blind))}, r.denied(mostLines-2)...)
		}
	}
	if g.FailOnIncomplete != nil && r.Fixable > 0 && whole < *g.FailOnIncomplete {
		return ExitIncomplete, append([]string{fmt.Sprintf("only %.1f %% of %s assessed without a gap: %s", whole, count(r.Cells, "cell"), grants(r.Gaps))}, r.denied(mostLines-2)...)
	}
	return ExitFine, nil
}

// found says which findings do not pass.
func (g Gate) found(r *Report) (why []string) {
	counts, units, of := r.Gated, r.Units, "finding"
	if g.NewOnly {
		counts, units, of = r.Fresh, r.NewUnits, "new finding"
	}
	n := 0
	if g.FailOn > 0 {
		for severity := g.FailOn; severity <= engine.Critical; severity++ {
			n += counts[severity]
		}
		if n > 0 {
			text := fmt.Sprintf("%s of severity %s or above", count(n, of), g.FailOn)
			if g.NewOnly {
				text += " since " + r.Baseline.Started.UTC().Format("2006-01-02 15:04 UTC")
			}
			why = append(why, text+":")
			why = append(why, r.toMend(units, func(s engine.Severity) bool { return s >= g.FailOn }, mostLines-2)...)
		}
	}
	for severity := engine.Critical; severity >= engine.Informational; severity-- {
		most, limited := g.Max[severity]
		is := r.Gated[severity]
		if !limited || is <= most {
			continue
		}
		head := fmt.Sprintf("%s of severity %s, where %d may be:", count(is, "finding"), severity, most)
		if len(why) == 0 {
			why = append([]string{head}, r.toMend(r.Units, func(s engine.Severity) bool { return s >= severity }, mostLines-4)...)
		} else {
			why = append(why[:min(len(why), mostLines-1)], strings.TrimSuffix(head, ":"))
		}
	}
	return why
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

// counts reports whether a gap may hide what the gate would count. What the baseline could not see either is known; where only
// what is new counts, so is whatever the baseline did not look at: it cannot tell what is new there.
func (g Gate) counts(gap *Gap) bool {
	if g.NewOnly && len(g.Max) == 0 {
		return gap.Change == Lost
	}
	return gap.Change != Unchanged
}

// toMend lists fix units with some severity, a line each.
func (r *Report) toMend(units []Unit, counts func(engine.Severity) bool, most int) (lines []string) {
	for _, u := range units {
		if !counts(u.Severity) || u.Rule.Preview {
			continue
		}
		if len(lines) == most {
			return append(lines, "  and more: see the report")
		}
		line := fmt.Sprintf("  %s %s: %s", u.Severity, u.Rule.ID, u.what())
		if u.Owner != "" {
			line += ", owner " + u.Owner
		}
		if r.ExplainWith != "" {
			line += fmt.Sprintf(" (%s %s)", r.ExplainWith, u.Fingerprint[:8])
		}
		lines = append(lines, clean(line))
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
	seen := map[string]bool{}
	retry := false
	for _, g := range gaps {
		retry = retry || g.Class == model.Fixable && len(g.Permissions) == 0
		if g.Class != model.Fixable {
			continue
		}
		for _, a := range g.Permissions {
			if !seen[a] {
				seen[a] = true
				actions = append(actions, a)
			}
		}
	}
	switch {
	case len(actions) > 0:
		slices.Sort(actions)
		return "grant " + strings.Join(actions, ", ") + " (scanner permissions prints the whole policy)"
	case retry:
		return "repeat the scan when the calls below succeed"
	}
	return "the reasons are structural"
}

// denied lists gaps, a line each.
func (r *Report) denied(most int) (lines []string) {
	for i, b := range r.blind() {
		if i == most {
			return append(lines, "  and more: see the report")
		}
		lines = append(lines, clean("  "+b))
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
