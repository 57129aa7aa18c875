package review

import (
	"fmt"
	"io"
	"strings"

	"awsscanner/internal/report"
)

var md, mdCode = report.MarkdownText, report.MarkdownCode

// mdCell makes a cell of a table: a bar would end it.
func mdCell(text string) string { return strings.ReplaceAll(md(text), "\n", " ") }

// Markdown writes the whole review: what stands out first, then every question with its practices.
func (v *Review) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Review of %s\n\n%s. Evidence of scan %s, begun %s; answers as of %s.\n", md(v.Workload.Name), md(v.Framework.Title+", edition "+v.Framework.Edition),
		mdCode(v.Scan.ID), v.Scan.Started.Format("2006-01-02 15:04 UTC"), v.AsOf)
	b.WriteString("\nA scan can prove that a practice is missing, hardly ever that it is in place. So a risk is an interval: from what is certain to what is possible, as long as practices are undecided.\n")
	for _, n := range v.Notes {
		fmt.Fprintf(&b, "\n> %s\n", md(n))
	}
	section := func(head, why string, lines []string) {
		if len(lines) == 0 {
			return
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n", head, why)
		for _, l := range lines {
			fmt.Fprintf(&b, "- %s\n", md(l))
		}
	}
	plan := v.Plan()
	section("Do first", "The gravest of what leaves high risk.", v.firstLines(plan))
	b.WriteString("\n## Pillars\n\n| pillar | | HIGH | MEDIUM | NONE | unanswered | open practices | score | covered |\n|---|---|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, p := range v.Pillars {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %d | %d | %d | %s | %d of %d |\n", mdCell(p.Title), p.Label, between(p, HighRisk), between(p, MediumRisk), p.Certain[NoRisk], p.Certain[Unanswered], p.Open, p.Score.short(),
			p.Coverage.Decided, p.Coverage.Practices)
	}
	b.WriteString("\nHIGH and MEDIUM: questions for certain, and in brackets how many it may be. Covered: practices that are decided, of those that apply.\n\n")
	for _, p := range v.Pillars {
		fmt.Fprintf(&b, "- %s: %s\n", md(p.Title), md(p.Score.Arithmetic))
	}
	section("To discuss", toDiscuss, v.conflicts())
	section("Answers that hold no more", "They are past the day on which they were to be reviewed, and count as none.", v.lapsed())
	section("Where nobody could look", "What was not seen counts neither for nor against a practice.", v.blindLines())
	if v.Ships != nil {
		section("How the team ships", shipsWhy, v.Ships.Lines)
	}
	if len(plan.Steps) > 0 {
		b.WriteString("\n## Plan\n\n")
		plan.markdown(&b)
	}
	if len(plan.Ask) > 0 {
		b.WriteString("\n## What to ask\n\n")
		for _, a := range plan.Ask {
			fmt.Fprintf(&b, "- %s\n", md(a.line()))
		}
	}
	for _, p := range v.Pillars {
		fmt.Fprintf(&b, "\n## %s\n", md(p.Title))
		for i := range v.Questions {
			if q := &v.Questions[i]; q.Pillar == p.ID {
				q.markdown(&b)
			}
		}
	}
	fmt.Fprintf(&b, "\n---\n\n%s\n", md(v.Framework.Provenance))
	_, err := io.WriteString(w, b.String())
	return err
}

// between tells how many questions are at a risk for certain, and how many may be.
func between(p PillarReview, r Risk) string {
	if p.Possible[r] > p.Certain[r] {
		return fmt.Sprintf("%d (%d)", p.Certain[r], p.Possible[r])
	}
	return fmt.Sprint(p.Certain[r])
}

// why says what a question is for.
func (q *QuestionReview) why() string {
	text := ""
	if q.Area != "" {
		text = "Part of " + q.Area + ". "
	}
	if q.Harm != "" {
		text += "Otherwise: " + strings.TrimSuffix(q.Harm, ".") + ". "
	}
	return text
}

func (q *QuestionReview) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n### %s %s: %s\n\n%s", q.ID, md(q.Title), q.Risk, md(q.why()))
	if q.Open > 0 {
		fmt.Fprintf(b, "%s open. ", count(q.Open, "practice"))
	}
	if q.Note != "" {
		b.WriteString(md(q.Note))
	}
	b.WriteString("\n\n| practice | level | evidence | answer | state |\n|---|---|---|---|---|\n")
	for i := range q.Practices {
		x := &q.Practices[i]
		fmt.Fprintf(b, "| %s %s | %s | %s: %s | %s | %s |\n", x.ID, mdCell(x.Title), x.Level, x.Evidence, mdCell(x.Because), mdCell(x.answerText()), mdCell(x.stateText()))
	}
	for i := range q.Practices {
		x := &q.Practices[i]
		if len(x.Findings) == 0 {
			continue
		}
		fmt.Fprintf(b, "\n<details><summary>%s: %s</summary>\n\n", x.ID, count(x.Failing, "finding"))
		for j, f := range x.Findings {
			if j == mostListed {
				fmt.Fprintf(b, "- and more: `-o json` has them\n")
				break
			}
			fmt.Fprintf(b, "- %s %s %s: %s%s\n", f.Severity, mdCode(f.Rule), mdCode(f.name()), md(f.Message), md(f.waivedText()))
		}
		b.WriteString("\n</details>\n")
	}
}

// mostListed is how many findings of a practice people want to read.
const mostListed = 20

func (f *Finding) waivedText() string {
	if f.Waived == nil {
		return ""
	}
	return fmt.Sprintf(" (accepted by %s until %s: %s)", f.Waived.Owner, f.Waived.Expires, f.Waived.Reason)
}

// answerText says who has said what.
func (x *PracticeReview) answerText() string {
	s := x.Said
	if s == nil {
		return "none"
	}
	if len(x.Apart) > 0 {
		return "to discuss: " + x.apartText()
	}
	text := string(x.Answer)
	if s.Lapsed && x.Answer == NoReply {
		text = fmt.Sprintf("none; %s until %s", s.State, s.ReviewBy)
	}
	if s.By != "" {
		text += " by " + s.By
	}
	if s.On != "" {
		text += " on " + s.On
	}
	if s.Reason != "" {
		text += ", " + string(s.Reason)
	}
	if s.Note != "" {
		text += ": " + s.Note
	}
	if len(s.Links) > 0 {
		text += " [" + strings.Join(s.Links, ", ") + "]"
	}
	return text
}

// apartText says who does not agree with whom.
func (x *PracticeReview) apartText() string {
	var all []string
	for _, s := range x.Apart {
		text := fmt.Sprintf("%s says %s on %s", s.By, s.State, s.On)
		if s.Note != "" {
			text += ", " + s.Note
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

// flagTexts put flags in words.
var flagTexts = map[Flag]string{
	Contradiction:  "the scan refutes it",
	ResourcesExist: "the scan finds something that fails",
	Doubt:          "something fails that raises a doubt",
	Strong:         "all rules pass",
	WordOnly:       "on word only",
	CoverageGap:    "nobody could look everywhere",
	LooksDone:      "looks done: all rules pass",
	Likely:         "likely: all rules pass",
	WaivedFlag:     "something that fails is accepted",
	LapsedFlag:     "the answer holds no more",
	Disagreement:   "people do not say the same",
}

func (x *PracticeReview) stateText() string {
	text := string(x.State)
	var flags []string
	for _, f := range x.Flags {
		flags = append(flags, flagTexts[f])
	}
	if len(flags) > 0 {
		text += " (" + strings.Join(flags, "; ") + ")"
	}
	return text
}

// Markdown writes a plan.
func (p *Plan) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Plan for %s\n\nAs of %s: %s at high risk for certain, %d at medium risk.\n\n", md(p.Workload), p.AsOf, count(p.High, "question"), p.Medium)
	p.markdown(&b)
	if len(p.Ask) > 0 {
		b.WriteString("\n## What to ask\n\nOpen practices whose answer moves a risk, by value.\n\n")
		for _, a := range p.Ask {
			fmt.Fprintf(&b, "- %s\n", md(a.line()))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (p *Plan) markdown(b *strings.Builder) {
	if len(p.Steps) == 0 {
		b.WriteString("Nothing is missing for certain.\n")
		return
	}
	for _, s := range p.Steps {
		fmt.Fprintf(b, "%d. **%s %s** (%s): %s. %s\n", s.N, s.Practice, md(s.Title), s.Level, md(s.Does), md(s.Because))
		fmt.Fprintf(b, "   - effort %s; %s\n", s.Effort, md(s.Sum))
		if len(s.Resources) > 0 {
			fmt.Fprintf(b, "   - %s: %s", count(s.Failing, "finding"), mdNames(s.Resources))
			if s.Failing > len(s.Resources) {
				b.WriteString(" ...")
			}
			b.WriteString("\n")
		}
		for _, r := range s.Rules {
			fmt.Fprintf(b, "   - %s (%d): %s", mdCode(r.Rule), r.Failing, md(firstSentence(r.Fix)))
			if r.Fingerprint != "" {
				fmt.Fprintf(b, " `scanner explain %s`", r.Fingerprint[:min(8, len(r.Fingerprint))])
			}
			b.WriteString("\n")
		}
		if len(s.Also) > 0 {
			fmt.Fprintf(b, "   - the same fixes help %s\n", strings.Join(s.Also, ", "))
		}
	}
}

func mdNames(names []string) string {
	var all []string
	for _, n := range names {
		all = append(all, mdCode(n))
	}
	return strings.Join(all, ", ")
}

// firstSentence is how a fix begins: scanner explain tells the rest.
func firstSentence(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	if i := strings.Index(text, ". "); i > 0 {
		text = text[:i+1]
	}
	return text
}
