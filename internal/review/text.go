package review

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"awsscanner/internal/report"
)

// few is how many entries of a list the short text shows.
const few = 5

// A Style is how the short text is shown.
type Style struct {
	Color bool
	Width int // 0: as long as need be
	All   bool
}

// Text writes what a reviewer wants to see first, in about 25 lines.
func (v *Review) Text(w io.Writer, style Style) error {
	t := &text{w: bufio.NewWriter(w), Style: style}
	t.line("REVIEW  %s: %s", v.Workload.Name, v.Framework.Title+", edition "+v.Framework.Edition)
	t.line("  evidence of %s (%s of %s in %s), answers as of %s", v.Scan.Started.Format("2006-01-02 15:04 UTC"), count(v.Scan.Results, "result"), count(len(v.Scan.Accounts), "account"),
		count(len(v.Scan.Regions), "region"), v.AsOf)
	for _, n := range v.Notes {
		t.line("  note: %s", n)
	}
	t.line("")
	t.line("PILLARS  %-26s %-11s %5s %7s %5s %10s %7s  %s", "", "", "HIGH", "MEDIUM", "NONE", "unanswered", "open", "score")
	for _, p := range v.Pillars {
		t.line("  %-32s %-13s %5s %7s %5d %10d %7d  %s", p.Title, p.Label, possibly(p, HighRisk), possibly(p, MediumRisk), p.Certain[NoRisk], p.Certain[Unanswered], p.Open, p.Score.short())
	}
	t.line("  for certain; in brackets how many may be at high risk; the score is the weighted share in place, from what is certain to what is possible")
	plan := v.Plan()
	t.list("DO FIRST  the gravest of what leaves high risk", v.firstLines(plan))
	t.questions("AT RISK", HighRisk, v)
	t.list("TO DISCUSS  people say yes and the scan says no, or people do not say the same", v.conflicts())
	t.list("LAPSED  answers that hold no more", v.lapsed())
	t.list("COULD NOT LOOK", v.blindLines())
	if v.Ships != nil {
		t.list(shipsHead, v.Ships.Lines)
	}
	if len(plan.Steps) > 0 {
		var lines []string
		for _, s := range plan.Steps {
			if s.From == HighRisk {
				lines = append(lines, fmt.Sprintf("%d. %s %s: %s", s.N, s.Practice, s.Title, s.Does))
			}
		}
		t.list("PLAN  what leaves high risk with the fewest practices", lines)
	}
	var ask []string
	for _, a := range plan.Ask {
		ask = append(ask, a.line())
	}
	t.list("ASK  what an answer would move most", ask)
	return t.w.Flush()
}

// possibly tells how many questions of a pillar are at a risk for certain, and how many may be at high risk.
func possibly(p PillarReview, r Risk) string {
	if r == HighRisk && p.Possible[r] > p.Certain[r] {
		return fmt.Sprintf("%d (%d)", p.Certain[r], p.Possible[r])
	}
	return fmt.Sprint(p.Certain[r])
}

func (s *Score) short() string {
	if s.Arithmetic == nothingApplies {
		return "-"
	}
	round := func(x float64) int { return int(x + 0.5) } // as the page does
	if s.Lower == s.Upper {
		return fmt.Sprintf("%d %%", round(s.Lower))
	}
	return fmt.Sprintf("%d..%d %%", round(s.Lower), round(s.Upper))
}

// firstLines says what to begin with: what to do, and to what.
func (v *Review) firstLines(p *Plan) (lines []string) {
	for _, s := range v.first(p) {
		head, f := v.head(&s)
		if f == nil {
			lines = append(lines, fmt.Sprintf("%s: %s (%s)", head, s.Because, s.Practice))
			continue
		}
		lines = append(lines, fmt.Sprintf("%s: %s, %s (%s)", head, f.name(), f.Severity, s.Practice))
	}
	return lines
}

// head says what a step is about: what to do about its gravest finding, if it has one.
func (v *Review) head(s *Step) (text string, f *Finding) {
	f = v.of(s.Practice).worst()
	if f == nil {
		return s.Title, nil
	}
	if i := slices.IndexFunc(s.Rules, func(r StepRule) bool { return r.Rule == f.Rule }); i >= 0 {
		return strings.TrimSuffix(firstSentence(s.Rules[i].Fix), "."), f
	}
	return s.Title, f
}

func (a *Asking) line() string {
	head := fmt.Sprintf("%s (%s, %s) %s: ", a.Practice, a.Level, a.Risk, a.Title)
	if a.Conflict {
		return head + "people say yes, but it " + a.Found
	}
	return head + a.Found
}

const (
	shipsHead = "HOW THE TEAM SHIPS  as AWS saw it, which is no grade"
	shipsWhy  = "What AWS saw in CloudFormation and CodeDeploy. It is an estimate and no grade: other pipelines, and changes by hand, are not in it."
)

// toDiscuss says what is behind contradictions.
const toDiscuss = "Either people say that a practice is in place and the scan says that it is not: then it counts as missing until one of the two changes, or a waiver says why it is accepted. Or people do not say the same: then it is open."

func (v *Review) conflicts() (lines []string) {
	v.Practices(func(_ *QuestionReview, x *PracticeReview) {
		switch {
		case x.State == Conflict:
			lines = append(lines, fmt.Sprintf("%s %s: %s", x.ID, x.Title, x.why()))
		case len(x.Apart) > 0:
			lines = append(lines, fmt.Sprintf("%s %s: %s", x.ID, x.Title, x.apartText()))
		}
	})
	return lines
}

func (v *Review) lapsed() (lines []string) {
	v.Practices(func(_ *QuestionReview, x *PracticeReview) {
		if x.Has(LapsedFlag) {
			lines = append(lines, fmt.Sprintf("%s %s: %s said %s on %s, to be reviewed by %s", x.ID, x.Title, x.Said.By, x.Said.State, x.Said.On, x.Said.ReviewBy))
		}
	})
	return lines
}

// blindLines says what kept the scan from looking, and how many practices that leaves open.
func (v *Review) blindLines() (lines []string) {
	practices, order := map[string]int{}, []string{}
	v.Practices(func(_ *QuestionReview, x *PracticeReview) {
		var told []string
		for _, g := range x.Gaps {
			text := g.Text
			if len(g.Grant) > 0 {
				text += ": grant " + strings.Join(g.Grant, ", ")
			}
			if where := strings.TrimSpace(g.Account + " " + g.Region); where != "" {
				text += " (" + where + ")"
			}
			if !slices.Contains(told, text) {
				told = append(told, text)
				if practices[text]++; practices[text] == 1 {
					order = append(order, text)
				}
			}
		}
	})
	slices.SortStableFunc(order, func(a, b string) int { return practices[b] - practices[a] })
	for _, text := range order {
		lines = append(lines, fmt.Sprintf("%s: %s", text, count(practices[text], "practice")))
	}
	return lines
}

type text struct {
	w *bufio.Writer
	Style
}

// line writes one line.
func (t *text) line(format string, args ...any) {
	text := strings.TrimRight(report.Clean(fmt.Sprintf(format, args...)), " ")
	if runes := []rune(text); t.Width > 10 && len(runes) > t.Width && !t.All {
		text = string(runes[:t.Width-1]) + "…"
	}
	if head, rest, ok := strings.Cut(text, "  "); t.Color && ok && head != "" && strings.ToUpper(head) == head {
		text = "\x1b[1m" + head + "\x1b[0m  " + rest
	}
	t.w.WriteString(text)
	t.w.WriteByte('\n')
}

func (t *text) list(head string, lines []string) {
	if len(lines) == 0 {
		return
	}
	t.line("")
	t.line("%s", head)
	for i, line := range lines {
		if i == few && !t.All {
			t.line("  and %d more: --all", len(lines)-few)
			break
		}
		t.line("  %s", line)
	}
}

// questions lists those at a risk.
func (t *text) questions(head string, risk Risk, v *Review) {
	var lines []string
	for i := range v.Questions {
		q := &v.Questions[i]
		if q.Risk.Lower != risk {
			continue
		}
		var missing []string
		for j := range q.Practices {
			if x := &q.Practices[j]; x.State.missing() {
				missing = append(missing, x.ID)
			}
		}
		lines = append(lines, fmt.Sprintf("%-7s %s: %s (missing %s; %d open)", q.ID, q.Title, q.Risk, strings.Join(missing, ", "), q.Open))
	}
	t.list(fmt.Sprintf("%s  %s at %s risk for certain", head, count(len(lines), "question"), strings.ToLower(string(risk))), lines)
}
