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
	FailOn           engine.Severity // 0: findings do not count
	AllowIncomplete  *float64        // percent of cells that must be fully assessed; nil: a fixable gap in a rule that could reach FailOn counts
	FailOnIncomplete *float64        // percent of cells that must be fully assessed; nil: gaps do not count by themselves
}

// Decide returns the exit code and, if it is not ExitFine, why, in lines that a person can act on.
func (g Gate) Decide(r *Report) (code int, why []string) {
	if r.Nothing() {
		return ExitFailed, append([]string{"nothing could be assessed: " + grants(r.Gaps)}, r.denied(8)...)
	}
	if g.FailOn > 0 {
		n := 0
		for severity := g.FailOn; severity <= engine.Critical; severity++ {
			n += r.Failures[severity]
		}
		if n > 0 {
			why = append(why, fmt.Sprintf("%s of severity %s or above:", count(n, "finding"), g.FailOn))
			for _, u := range r.Units {
				if u.Severity < g.FailOn {
					break
				}
				if len(why) == 9 {
					why = append(why, "  and more: see the report")
					break
				}
				line := fmt.Sprintf("  %s %s: %s", u.Severity, u.Rule.ID, u.what())
				if r.ExplainWith != "" {
					line += fmt.Sprintf(" (%s %s)", r.ExplainWith, u.Fingerprint[:8])
				}
				why = append(why, clean(line))
			}
			return ExitFound, why
		}
	}
	whole := 100.0
	if r.Cells > 0 {
		whole = 100 * float64(r.Cells-r.Fixable) / float64(r.Cells)
	}
	if g.FailOn > 0 {
		var blind []Gap
		for _, gap := range r.Gaps {
			if gap.Class == model.Fixable && r.mayReach(gap.Rules, g.FailOn) {
				blind = append(blind, gap)
			}
		}
		if len(blind) > 0 && (g.AllowIncomplete == nil || whole < *g.AllowIncomplete) {
			return ExitIncomplete, append([]string{fmt.Sprintf("findings of severity %s or above may be hidden: %s", g.FailOn, grants(blind))}, r.denied(8)...)
		}
	}
	if g.FailOnIncomplete != nil && r.Fixable > 0 && whole < *g.FailOnIncomplete {
		return ExitIncomplete, append([]string{fmt.Sprintf("only %.1f %% of %s assessed without a gap: %s", whole, count(r.Cells, "cell"), grants(r.Gaps))}, r.denied(8)...)
	}
	return ExitFine, nil
}

// mayReach reports whether one of some rules can be as severe.
func (r *Report) mayReach(ids []string, s engine.Severity) bool {
	for i := range r.Rules {
		for _, id := range ids {
			if r.Rules[i].ID == id && r.Rules[i].Worst >= s {
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
