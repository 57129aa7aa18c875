package review

import (
	"bufio"
	_ "embed"
	"fmt"
	"io"
	"math"
	"strings"

	"awsscanner/internal/model"
)

//go:embed lists/talk-2020.json
var talkFile []byte

// BaselineSchema names the shape of the JSON of a workload beside earlier reviews.
const BaselineSchema = "scanner.review-baseline/v1"

// A talk is what a conference talk told of many reviews: for each practice how many had it, and nothing of how these go together.
type talk struct {
	Source    string         `json:"source"`
	Reviews   int            `json:"reviews"`
	Period    string         `json:"period"`
	Questions []talkQuestion `json:"questions"`
}

type talkQuestion struct {
	ID              string         `json:"id"` // in the edition of 2019
	Title           string         `json:"title"`
	Now             []string       `json:"now"` // the questions that took its place
	IDUncertain     bool           `json:"idUncertain,omitempty"`
	WellArchitected *int           `json:"wellArchitected,omitempty"` // percent of the reviews
	HighRisk        *int           `json:"highRisk,omitempty"`
	Bracket         *int           `json:"bracket,omitempty"` // stands in brackets behind it: high and medium together, as far as anybody can guess
	None            *int           `json:"none,omitempty"`    // percent that had none of its practices
	NoneUncertain   bool           `json:"noneUncertain,omitempty"`
	Uncertain       []string       `json:"uncertain,omitempty"`
	Practices       []talkPractice `json:"practices"`
}

type talkPractice struct {
	Title     string   `json:"title"`
	Share     *int     `json:"share,omitempty"` // percent of the reviews that had it; nil if the number is lost
	Uncertain string   `json:"uncertain,omitempty"`
	Mapping   string   `json:"mapping"` // same, similar, merged, split, gone
	Now       []string `json:"now,omitempty"`
}

// A Baseline is a workload beside those reviews.
type Baseline struct {
	Schema    string             `json:"schema"`
	Workload  string             `json:"workload"`
	Source    string             `json:"source"`
	Reviews   int                `json:"reviews"`
	Period    string             `json:"period"`
	Caveat    string             `json:"caveat"`
	Questions []BaselineQuestion `json:"questions"`
	Lack      []string           `json:"lack"`  // what the workload lacks and at least half of the reviews had
	Ahead     []string           `json:"ahead"` // what it has and at most a quarter of them had
}

// A BaselineQuestion is a question of 2019, with what the workload has of it.
type BaselineQuestion struct {
	ID              string             `json:"id"`
	Title           string             `json:"title"`
	Now             []string           `json:"now"`
	WellArchitected *int               `json:"wellArchitected,omitempty"`
	HighRisk        *int               `json:"highRisk,omitempty"`
	Bracket         *int               `json:"bracket,omitempty"` // behind it in brackets: perhaps high and medium together
	None            *int               `json:"none,omitempty"`    // percent that had none of its practices
	NoneUncertain   bool               `json:"noneUncertain,omitempty"`
	Uncertain       []string           `json:"uncertain"`
	Average         float64            `json:"average"` // practices that a review had on average, of those whose share is known
	Of              int                `json:"of"`
	Yours           [2]int             `json:"yours"` // of the same practices: for certain, and possibly
	Practices       []BaselinePractice `json:"practices"`
}

// A BaselinePractice is a practice of 2019, with what the workload has of it.
type BaselinePractice struct {
	Title     string   `json:"title"`
	Share     *int     `json:"share"` // null if the number is lost
	Uncertain string   `json:"uncertain,omitempty"`
	Mapping   string   `json:"mapping"`
	Now       []string `json:"now"`
	You       string   `json:"you"` // yes, no, in part, not known, does not apply, no longer asked
	Text      string   `json:"text"`
}

const caveat = "Shares are of single practices, years old and of an earlier edition: how they go together is not known, so nothing here says how a workload ranks. " +
	"Numbers with a ~ are uncertain, as they were paired with their practices by order; practices with a * are similar to today's, and not the same."

// Baseline holds a workload beside the reviews of the talk. No percentile is told: that would need more than shares.
func (v *Review) Baseline() (*Baseline, error) {
	var t talk
	if err := model.DecodeStrict(talkFile, &t); err != nil {
		return nil, fmt.Errorf("the talk: %w", err)
	}
	if v.Framework.ID != "wellarchitected" {
		return nil, fmt.Errorf("the talk is about the Well-Architected Framework, and this review is by %s", v.Framework.ID)
	}
	b := &Baseline{Schema: BaselineSchema, Workload: v.Workload.Name, Source: t.Source, Reviews: t.Reviews, Period: t.Period, Caveat: caveat, Questions: []BaselineQuestion{}, Lack: []string{}, Ahead: []string{}}
	states := map[string]*PracticeReview{}
	v.Practices(func(_ *QuestionReview, x *PracticeReview) { states[x.ID] = x })
	for _, q := range t.Questions {
		x := BaselineQuestion{ID: q.ID, Title: q.Title, Now: q.Now, WellArchitected: q.WellArchitected, HighRisk: q.HighRisk, Bracket: q.Bracket, None: q.None, NoneUncertain: q.NoneUncertain, Uncertain: list(q.Uncertain)}
		sum := 0
		for _, p := range q.Practices {
			y := BaselinePractice{Title: p.Title, Share: p.Share, Uncertain: p.Uncertain, Mapping: p.Mapping, Now: list(p.Now)}
			var err error
			if y.You, err = you(p.Now, states); err != nil {
				return nil, err
			}
			y.Text = y.sentence(&t)
			x.Practices = append(x.Practices, y)
			if p.Share == nil || y.You == goneNow || y.You == notHere {
				continue // what cannot be compared is in no sum
			}
			sum += *p.Share
			x.Of++
			switch y.You {
			case yesToo:
				x.Yours[0]++
				x.Yours[1]++
			case unknownYet:
				x.Yours[1]++
			}
			line := fmt.Sprintf("%s (%s): %s", p.Title, strings.Join(p.Now, ", "), y.Text)
			if *p.Share >= 50 && (y.You == notYet || y.You == inPart) {
				b.Lack = append(b.Lack, line)
			}
			if *p.Share <= 25 && y.You == yesToo {
				b.Ahead = append(b.Ahead, line)
			}
		}
		x.Average = math.Round(float64(sum)/10) / 10
		b.Questions = append(b.Questions, x)
	}
	return b, nil
}

// What a workload has of a practice.
const (
	yesToo     = "yes"
	notYet     = "no"
	inPart     = "in part"
	unknownYet = "not known"
	notHere    = "does not apply"
	goneNow    = "no longer asked"
)

// you says what a workload has of practices that took the place of one: all, none, some.
func you(now []string, states map[string]*PracticeReview) (string, error) {
	if len(now) == 0 {
		return goneNow, nil
	}
	present, missing, partly, apply := 0, 0, 0, 0
	for _, id := range now {
		x := states[id]
		if x == nil {
			return "", fmt.Errorf("the talk: there is no practice %s", id)
		}
		if x.State != OutOfQuestion {
			apply++
		}
		switch {
		case x.State.present():
			present++
		case x.State.missing() && x.Answer == Partly:
			partly++
		case x.State.missing():
			missing++
		}
	}
	switch {
	case apply == 0:
		return notHere, nil
	case present == apply:
		return yesToo, nil
	case missing == apply:
		return notYet, nil
	case missing+partly > 0:
		return inPart, nil
	}
	return unknownYet, nil
}

// share writes a share, with a mark if it is uncertain.
func (p *BaselinePractice) share() string {
	switch {
	case p.Share == nil:
		return "lost"
	case p.Uncertain != "":
		return fmt.Sprintf("~%d %%", *p.Share)
	}
	return fmt.Sprintf("%d %%", *p.Share)
}

func (p *BaselinePractice) sentence(t *talk) string {
	did := "did this"
	if p.Mapping != "same" {
		did = "did something similar"
	}
	if p.Share == nil {
		return fmt.Sprintf("how many of about %d reviews (%s) %s is lost; you: %s", t.Reviews, t.Period, did, p.You)
	}
	about := ""
	if p.Uncertain != "" {
		about = "~"
	}
	return fmt.Sprintf("%s%d %% of about %d reviews (%s) %s; you: %s", about, *p.Share, t.Reviews, t.Period, did, p.You)
}

// mark is a star for what is only similar.
func (p *BaselinePractice) mark() string {
	if p.Mapping == "same" {
		return ""
	}
	return "*"
}

func (q *BaselineQuestion) head() string {
	text := fmt.Sprintf("%s (2019: %s) %s", strings.Join(q.Now, ", "), q.ID, q.Title)
	if q.Of > 0 {
		yours := fmt.Sprint(q.Yours[0])
		if q.Yours[1] > q.Yours[0] {
			yours = fmt.Sprintf("%d to %d", q.Yours[0], q.Yours[1])
		}
		about := ""
		for _, p := range q.Practices {
			if p.Uncertain != "" {
				about = "~"
			}
		}
		text += fmt.Sprintf(": reviews had %s%.1f of %d of these on average, you %s", about, q.Average, q.Of, yours)
	}
	return text
}

func (q *BaselineQuestion) risks() string {
	var parts []string
	if q.WellArchitected != nil {
		parts = append(parts, fmt.Sprintf("%d %% of the reviews were well-architected here", *q.WellArchitected))
	}
	if q.HighRisk != nil {
		bracket := ""
		if q.Bracket != nil {
			bracket = fmt.Sprintf(" (~%d %% at high or medium risk, if that is what the number in brackets means)", *q.Bracket)
		}
		parts = append(parts, fmt.Sprintf("%d %% were at high risk, by the rule of that time%s", *q.HighRisk, bracket))
	}
	if q.None != nil {
		about := ""
		if q.NoneUncertain {
			about = "~"
		}
		parts = append(parts, fmt.Sprintf("%s%d %% had none of these", about, *q.None))
	}
	return strings.Join(parts, "; ")
}

// Text writes a comparison for people.
func (b *Baseline) Text(w io.Writer, style Style) error {
	t := &text{w: bufio.NewWriter(w), Style: style}
	t.line("%s beside about %d reviews of %s", b.Workload, b.Reviews, b.Period)
	t.line("  %s", b.Source)
	t.All = true
	t.list("LACKING  though at least half of the reviews had it", b.Lack)
	t.list("AHEAD  though at most a quarter of them had it", b.Ahead)
	for i := range b.Questions {
		q := &b.Questions[i]
		t.line("")
		t.line("%s", q.head())
		if r := q.risks(); r != "" {
			t.line("  %s", r)
		}
		for j := range q.Practices {
			p := &q.Practices[j]
			t.line("  %7s  %-15s %s%s", p.share(), p.You, p.Title, p.mark())
		}
		for _, u := range q.Uncertain {
			t.line("  uncertain: %s", u)
		}
	}
	t.line("")
	t.line("%s", b.Caveat)
	return t.w.Flush()
}

// Markdown writes a comparison for people.
func (b *Baseline) Markdown(w io.Writer) error {
	var out strings.Builder
	fmt.Fprintf(&out, "# %s beside about %d reviews of %s\n\n%s.\n\n%s\n", md(b.Workload), b.Reviews, b.Period, md(b.Source), md(b.Caveat))
	section := func(head string, lines []string) {
		if len(lines) > 0 {
			fmt.Fprintf(&out, "\n## %s\n\n", head)
			for _, l := range lines {
				fmt.Fprintf(&out, "- %s\n", md(l))
			}
		}
	}
	section("Lacking, though at least half of the reviews had it", b.Lack)
	section("Ahead, though at most a quarter of them had it", b.Ahead)
	for i := range b.Questions {
		q := &b.Questions[i]
		fmt.Fprintf(&out, "\n### %s\n\n", md(q.head()))
		if r := q.risks(); r != "" {
			fmt.Fprintf(&out, "%s.\n\n", r)
		}
		out.WriteString("| share | you | practice of 2019 | today |\n|---:|---|---|---|\n")
		for j := range q.Practices {
			p := &q.Practices[j]
			fmt.Fprintf(&out, "| %s | %s | %s%s | %s |\n", mdCell(p.share()), p.You, mdCell(p.Title), md(p.mark()), strings.Join(p.Now, ", "))
		}
		for _, u := range q.Uncertain {
			fmt.Fprintf(&out, "\nUncertain: %s.\n", md(u))
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// JSON writes a comparison as programs read it.
func (b *Baseline) JSON(w io.Writer) error { return writeJSON(w, b) }
