package review

import (
	"fmt"
	"strings"
)

// A PillarReview sums up the questions of a pillar.
type PillarReview struct {
	ID        string       `json:"id"`
	Title     string       `json:"title"`
	Label     Label        `json:"label"`
	Certain   map[Risk]int `json:"certain"`
	Possible  map[Risk]int `json:"possible"`
	Open      int          `json:"open"` // practices that are undecided
	Score     Score        `json:"score"`
	Coverage  Coverage     `json:"coverage"`
	Questions []string     `json:"questions"`
}

// A Label says in a word how a pillar stands. A high risk is never averaged away.
type Label string

const (
	AtRisk     Label = "at risk"    // a high risk is certain
	Improvable Label = "improvable" // a medium one is
	OpenLabel  Label = "open"       // nothing is certain, and not all is decided
	InOrder    Label = "in order"   // no risk is possible
	NoQuestion Label = "not applicable"
)

// A Score is the share of what is in place, by weight: an interval, as what is undecided may be in place or not.
type Score struct {
	Lower      float64       `json:"lower"`
	Upper      float64       `json:"upper"`
	Weights    map[Level]int `json:"weights"`
	Present    map[Level]int `json:"established"` // practices
	Missing    map[Level]int `json:"missing"`
	Undecided  map[Level]int `json:"undecided"`
	Excluded   int           `json:"notApplicable"`
	Arithmetic string        `json:"arithmetic"`
}

// A Coverage is how much of the practices that apply is known, and how.
type Coverage struct {
	Practices int `json:"practices"` // that apply
	Decided   int `json:"decided"`
	Answered  int `json:"answered"` // by people
	Seen      int `json:"seen"`     // a scan has looked and found something to say
	Blind     int `json:"blind"`    // a scan could not look everywhere
}

func (v *Review) pillar(p *Pillar) PillarReview {
	x := PillarReview{ID: p.ID, Title: p.Title, Certain: map[Risk]int{}, Possible: map[Risk]int{},
		Score: Score{Weights: map[Level]int{}, Present: map[Level]int{}, Missing: map[Level]int{}, Undecided: map[Level]int{}}}
	for _, risk := range Risks {
		x.Certain[risk], x.Possible[risk] = 0, 0
	}
	for _, l := range Levels {
		x.Score.Weights[l], x.Score.Present[l], x.Score.Missing[l], x.Score.Undecided[l] = l.Weight(), 0, 0, 0
	}
	for i := range v.Questions {
		q := &v.Questions[i]
		if q.Pillar != p.ID {
			continue
		}
		x.Questions = append(x.Questions, q.ID)
		x.Certain[q.Risk.Lower]++
		x.Possible[q.Risk.Upper]++
		x.Open += q.Open
		for j := range q.Practices {
			x.take(&q.Practices[j])
		}
	}
	x.Score.sum()
	switch {
	case x.Certain[HighRisk] > 0:
		x.Label = AtRisk
	case x.Certain[MediumRisk] > 0:
		x.Label = Improvable
	case x.Coverage.Practices == 0:
		x.Label = NoQuestion
	case x.Possible[HighRisk]+x.Possible[MediumRisk]+x.Certain[Unanswered] > 0:
		x.Label = OpenLabel
	default:
		x.Label = InOrder
	}
	return x
}

// take takes a practice into the sums.
func (x *PillarReview) take(p *PracticeReview) {
	switch {
	case p.State == OutOfQuestion:
		x.Score.Excluded++
		return
	case p.State.present():
		x.Score.Present[p.Level]++
	case p.State.missing():
		x.Score.Missing[p.Level]++
	default:
		x.Score.Undecided[p.Level]++
	}
	c := &x.Coverage
	c.Practices++
	if p.State != Undecided {
		c.Decided++
	}
	if p.Answer != NoReply {
		c.Answered++
	}
	switch p.Evidence {
	case Refuted, Contra, Supported:
		c.Seen++
	case CouldNotLook:
		c.Blind++
	}
}

const nothingApplies = "nothing applies"

// sum works the score out, and shows how.
func (s *Score) sum() {
	weigh := func(of map[Level]int) (sum int, terms string) {
		var all []string
		for _, l := range Levels {
			sum += s.Weights[l] * of[l]
			all = append(all, fmt.Sprintf("%d×%d", s.Weights[l], of[l]))
		}
		return sum, strings.Join(all, " + ")
	}
	present, presentTerms := weigh(s.Present)
	undecided, undecidedTerms := weigh(s.Undecided)
	missing, _ := weigh(s.Missing)
	whole := present + undecided + missing
	if whole == 0 {
		s.Arithmetic = nothingApplies
		return
	}
	percent := func(n int) float64 { return float64((1000*n+whole/2)/whole) / 10 }
	s.Lower, s.Upper = percent(present), percent(present+undecided)
	s.Arithmetic = fmt.Sprintf("in place %s = %d; undecided %s = %d; of %d: %d/%d = %.1f %% to %d/%d = %.1f %%",
		presentTerms, present, undecidedTerms, undecided, whole, present, whole, s.Lower, present+undecided, whole, s.Upper)
}
