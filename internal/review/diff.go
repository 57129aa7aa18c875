package review

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"awsscanner/internal/report"
)

// DiffSchema names the shape of the JSON of a comparison of two reviews.
const DiffSchema = "scanner.review-diff/v1"

// Read reads a review that was written as JSON: a milestone.
func Read(r io.Reader) (*Review, error) {
	v := new(Review)
	d := json.NewDecoder(r)
	if err := d.Decode(v); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			return nil, errors.New("it is cut off")
		}
		return nil, fmt.Errorf("it is no review: %w", err)
	}
	if v.Schema != Schema {
		return nil, fmt.Errorf("its schema is %q, not %q: write it with scanner review run -o json=FILE", v.Schema, Schema)
	}
	if len(v.Questions) == 0 {
		return nil, errors.New("it has no questions")
	}
	return v, nil
}

// A Turn is what became of a practice between two reviews.
type Turn string

const (
	TurnRegressed Turn = "regressed"       // it was in place, and is missing
	TurnNew       Turn = "new"             // it is missing, and nobody knew
	TurnFixed     Turn = "fixed"           // it was missing, and is not any more, as far as somebody has looked
	TurnUnknown   Turn = "no-longer-known" // it was decided, and is open, or nobody could look
	TurnGained    Turn = "established"     // it was open, and is in place
	TurnOut       Turn = "not-applicable"  // it applied
	TurnBack      Turn = "applicable"      // it did not
	TurnAdded     Turn = "added"           // the old edition does not have it
	TurnRemoved   Turn = "removed"         // the new one does not
)

// Turns lists all, in the order in which people want to read them.
var Turns = []Turn{TurnRegressed, TurnNew, TurnFixed, TurnUnknown, TurnGained, TurnOut, TurnBack, TurnAdded, TurnRemoved}

var turnTexts = map[Turn]string{
	TurnRegressed: "they were in place, and are missing",
	TurnNew:       "they are missing, and nobody knew",
	TurnFixed:     "they were missing, and are not any more",
	TurnUnknown:   "they were decided, and are open: an answer has lapsed, or nobody could look",
	TurnGained:    "they were open, and are in place",
	TurnOut:       "they applied",
	TurnBack:      "they did not apply",
	TurnAdded:     "the old edition does not have them",
	TurnRemoved:   "the new edition does not have them",
}

// A Diff is what has changed between two reviews of a workload.
type Diff struct {
	Schema    string           `json:"schema"`
	Workload  string           `json:"workload"`
	Old       Milestone        `json:"old"`
	New       Milestone        `json:"new"`
	Questions []QuestionChange `json:"questions"` // whose risk is another
	Counts    map[Turn]int     `json:"counts"`
	Practices []PracticeChange `json:"practices"`
	Pillars   []PillarChange   `json:"pillars"`
}

// A Milestone is one of two reviews.
type Milestone struct {
	AsOf    string `json:"asOf"`
	Scan    string `json:"scan"`
	Edition string `json:"edition"`
	High    int    `json:"high"` // questions at high risk for certain
	Medium  int    `json:"medium"`
}

// A QuestionChange is a question whose risk has changed.
type QuestionChange struct {
	ID    string   `json:"id"`
	Title string   `json:"title"`
	From  Interval `json:"from"`
	To    Interval `json:"to"`
	Worse bool     `json:"worse"`     // more is certain, or more is possible
	Less  bool     `json:"lessKnown"` // not worse, but somebody no longer knows of one of its practices: that is not better
}

// A PracticeChange is a practice with another state.
type PracticeChange struct {
	Turn  Turn   `json:"turn"`
	ID    string `json:"id"`
	Title string `json:"title"`
	Level Level  `json:"level"`
	From  State  `json:"from,omitempty"`
	To    State  `json:"to,omitempty"`
	Why   string `json:"why"`
}

// A PillarChange is the score of a pillar, before and after.
type PillarChange struct {
	ID   string     `json:"id"`
	From [2]float64 `json:"from"`
	To   [2]float64 `json:"to"`
}

// Compare says what has changed between two reviews. What nobody could see is never fixed.
func Compare(old, now *Review) (*Diff, error) {
	if old.Framework.ID != now.Framework.ID {
		return nil, fmt.Errorf("they are held against %s and %s: compare reviews by one framework", old.Framework.ID, now.Framework.ID)
	}
	if old.Workload.Name != now.Workload.Name {
		return nil, fmt.Errorf("they are about %s and %s: compare reviews of one workload", old.Workload.Name, now.Workload.Name)
	}
	milestone := func(v *Review) Milestone {
		return Milestone{v.AsOf, v.Scan.ID, v.Framework.Edition, v.Summary.Certain[HighRisk], v.Summary.Certain[MediumRisk]}
	}
	d := &Diff{Schema: DiffSchema, Workload: now.Workload.Name, Old: milestone(old), New: milestone(now), Questions: []QuestionChange{}, Counts: map[Turn]int{}, Practices: []PracticeChange{}, Pillars: []PillarChange{}}
	before := map[string]*PracticeReview{}
	old.Practices(func(_ *QuestionReview, x *PracticeReview) { before[x.Choice] = x })
	for i := range now.Questions {
		q := &now.Questions[i]
		if n := slices.IndexFunc(old.Questions, func(o QuestionReview) bool { return o.Key == q.Key }); n >= 0 && old.Questions[n].Risk != q.Risk {
			was := old.Questions[n].Risk
			d.Questions = append(d.Questions, QuestionChange{q.ID, q.Title, was, q.Risk, q.Risk.Lower.rank() > was.Lower.rank() || q.Risk.Lower.rank() == was.Lower.rank() && q.Risk.Upper.rank() > was.Upper.rank(), false})
		}
	}
	now.Practices(func(q *QuestionReview, y *PracticeReview) {
		x := before[y.Choice]
		delete(before, y.Choice)
		if x == nil {
			d.add(TurnAdded, y, "", y.State, y.why())
		} else if t := turn(x, y); t != "" {
			d.add(t, y, x.State, y.State, turnWhy(t, x, y))
			if n := slices.IndexFunc(d.Questions, func(c QuestionChange) bool { return c.ID == q.ID }); t == TurnUnknown && n >= 0 {
				d.Questions[n].Less = !d.Questions[n].Worse
			}
		}
	})
	old.Practices(func(_ *QuestionReview, x *PracticeReview) {
		if before[x.Choice] != nil {
			d.add(TurnRemoved, x, x.State, "", x.why())
		}
	})
	slices.SortStableFunc(d.Practices, func(a, b PracticeChange) int {
		return slices.Index(Turns, a.Turn) - slices.Index(Turns, b.Turn)
	})
	for _, t := range Turns {
		d.Counts[t] += 0
	}
	for _, p := range now.Pillars {
		if n := slices.IndexFunc(old.Pillars, func(o PillarReview) bool { return o.ID == p.ID }); n >= 0 {
			was := old.Pillars[n].Score
			d.Pillars = append(d.Pillars, PillarChange{p.ID, [2]float64{was.Lower, was.Upper}, [2]float64{p.Score.Lower, p.Score.Upper}})
		}
	}
	return d, nil
}

func (d *Diff) add(t Turn, x *PracticeReview, from, to State, why string) {
	d.Counts[t]++
	d.Practices = append(d.Practices, PracticeChange{t, x.ID, x.Title, x.Level, from, to, why})
}

// turn says what became of a practice; "" if nothing that matters has changed.
func turn(x, y *PracticeReview) Turn {
	switch {
	case x.State == OutOfQuestion && y.State == OutOfQuestion:
		return ""
	case y.State == OutOfQuestion:
		return TurnOut
	case x.State == OutOfQuestion && !y.State.missing():
		return TurnBack
	case y.State.missing():
		switch {
		case x.State.missing():
			return ""
		case x.State.present():
			return TurnRegressed
		}
		return TurnNew
	case x.State.missing():
		// What refuted it must be gone where somebody has looked.
		if x.Evidence == Refuted && y.Evidence == CouldNotLook || x.Evidence != Refuted && y.State == Undecided {
			return TurnUnknown
		}
		return TurnFixed
	case x.State.present() && y.State == Undecided:
		return TurnUnknown
	case x.State == Undecided && y.State.present():
		return TurnGained
	}
	return ""
}

// turnWhy says in words why a practice has another state.
func turnWhy(t Turn, x, y *PracticeReview) string {
	switch {
	case t == TurnUnknown && y.Has(LapsedFlag):
		return fmt.Sprintf("the answer of %s, %s, was to be reviewed by %s", y.Said.By, y.Said.State, y.Said.ReviewBy)
	case t == TurnUnknown && y.Evidence == CouldNotLook:
		return "it was so: " + x.Because + "; now: " + y.Because
	case t == TurnFixed:
		return "before: " + x.why() + "; now: " + y.why()
	}
	return y.why()
}

// JSON writes a comparison as programs read it.
func (d *Diff) JSON(w io.Writer) error { return writeJSON(w, d) }

// Text writes a comparison for people.
func (d *Diff) Text(w io.Writer, style Style) error {
	t := &text{w: bufio.NewWriter(w), Style: style}
	t.line("%s: from %s (edition %s) to %s (edition %s)", d.Workload, d.Old.AsOf, d.Old.Edition, d.New.AsOf, d.New.Edition)
	t.line("  at high risk for certain: %d before, %d now; at medium risk: %d before, %d now", d.Old.High, d.New.High, d.Old.Medium, d.New.Medium)
	var lines []string
	for _, q := range d.Questions {
		how := "better"
		switch {
		case q.Worse:
			how = "worse"
		case q.Less:
			how = "less is known"
		}
		lines = append(lines, fmt.Sprintf("%-7s %s: %s, and was %s (%s)", q.ID, q.Title, q.To, q.From, how))
	}
	t.list(fmt.Sprintf("RISKS  %s with another risk", count(len(lines), "question")), lines)
	for _, turn := range Turns {
		lines = nil
		for _, p := range d.Practices {
			if p.Turn == turn {
				lines = append(lines, fmt.Sprintf("%s (%s) %s: %s", p.ID, p.Level, p.Title, p.Why))
			}
		}
		t.list(fmt.Sprintf("%s  %d: %s", strings.ToUpper(strings.ReplaceAll(string(turn), "-", " ")), len(lines), turnTexts[turn]), lines)
	}
	if len(d.Questions)+len(d.Practices) == 0 {
		t.line("")
		t.line("Nothing has changed.")
	}
	return t.w.Flush()
}

// Markdown writes a comparison for people.
func (d *Diff) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: %s to %s\n\nAt high risk for certain: %d before, %d now. At medium risk: %d before, %d now.\n", md(d.Workload), d.Old.AsOf, d.New.AsOf, d.Old.High, d.New.High, d.Old.Medium, d.New.Medium)
	if len(d.Questions) > 0 {
		b.WriteString("\n| question | before | now |\n|---|---|---|\n")
		for _, q := range d.Questions {
			fmt.Fprintf(&b, "| %s %s | %s | %s |\n", q.ID, mdCell(q.Title), q.From, q.To)
		}
	}
	for _, turn := range Turns {
		if d.Counts[turn] == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s: %d\n\n%s.\n\n", strings.ReplaceAll(string(turn), "-", " "), d.Counts[turn], turnTexts[turn])
		for _, p := range d.Practices {
			if p.Turn == turn {
				fmt.Fprintf(&b, "- %s (%s) %s: %s\n", p.ID, p.Level, md(p.Title), md(report.Clean(p.Why)))
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
