package review

import (
	"fmt"
	"slices"

	"awsscanner/internal/lens"
)

// A Risk is what the WA Tool says of a question. There is no low one.
type Risk string

const (
	HighRisk      Risk = "HIGH"
	MediumRisk    Risk = "MEDIUM"
	NoRisk        Risk = "NONE"
	Unanswered    Risk = "UNANSWERED"
	NotApplicable Risk = "NOT_APPLICABLE"
)

// Risks lists all, the worst first.
var Risks = []Risk{HighRisk, MediumRisk, NoRisk, Unanswered, NotApplicable}

// rank orders risks by how bad they are; what is unanswered or not applicable is none.
func (r Risk) rank() int {
	switch r {
	case HighRisk:
		return 2
	case MediumRisk:
		return 1
	}
	return 0
}

// AtLeast reports whether a risk is as bad as another.
func (r Risk) AtLeast(other Risk) bool { return r.rank() >= other.rank() }

// An Interval goes from the risk that is certain to the one that is possible, as far as nobody knows better.
type Interval struct {
	Lower Risk `json:"lower"` // all that is open is in place
	Upper Risk `json:"upper"` // nothing of it is
}

func (i Interval) String() string {
	switch {
	case i.Lower == i.Upper:
		return string(i.Lower)
	case i.Lower == Unanswered:
		return fmt.Sprintf("%s, up to %s", i.Lower, i.Upper)
	}
	return fmt.Sprintf("%s..%s", i.Lower, i.Upper)
}

// A State is what follows from evidence and answer.
type State string

const (
	Established     State = "established"
	ScanEstablished State = "scan-established" // by evidence alone
	NotEstablished  State = "not-established"
	Conflict        State = "conflict" // somebody says yes, and the scan refutes it: not established
	Undecided       State = "undecided"
	OutOfQuestion   State = "not-applicable"
)

// States lists all.
var States = []State{NotEstablished, Conflict, Undecided, Established, ScanEstablished, OutOfQuestion}

// present and missing say for what a state counts; an undecided practice is neither, and one that is not applicable does not count.
func (s State) present() bool { return s == Established || s == ScanEstablished }
func (s State) missing() bool { return s == NotEstablished || s == Conflict }

type compiledRule struct {
	*lens.Condition
	risk Risk
}

// mostRuled is how many practices a question with risk rules may have: all that may be in place is gone through.
const mostRuled = 16

// compile reads the risk rules of a question, if it has some.
func (q *Question) compile() error {
	if len(q.RiskRules) > 0 && len(q.Practices) > mostRuled {
		return fmt.Errorf("it has risk rules and %d practices, and may have %d", len(q.Practices), mostRuled)
	}
	fallback := len(q.RiskRules) == 0
	for i, r := range q.RiskRules {
		c, err := lens.ParseCondition(r.Condition)
		if err != nil {
			return fmt.Errorf("risk rule %d: %w", i+1, err)
		}
		for _, id := range c.Choices {
			if !slices.ContainsFunc(q.Practices, func(p Practice) bool { return p.Choice == id }) {
				return fmt.Errorf("risk rule %d names %s, which is no choice of the question", i+1, id)
			}
		}
		risk, known := map[lens.Risk]Risk{lens.HighRisk: HighRisk, lens.MediumRisk: MediumRisk, lens.NoRisk: NoRisk}[r.Risk]
		if !known {
			return fmt.Errorf("risk rule %d: there is no risk %q", i+1, r.Risk)
		}
		fallback = fallback || len(c.Choices) == 0
		q.rules = append(q.rules, compiledRule{c, risk})
	}
	if !fallback {
		return fmt.Errorf("its risk rules do not end with the condition %s", lens.Fallback)
	}
	return nil
}

// risk returns the risk of a question by the states of its practices. A low practice that is missing counts as low.
func (q *Question) risk(states []State, low Risk) Interval {
	applicable, undecided := 0, 0
	for _, s := range states {
		if s != OutOfQuestion {
			applicable++
		}
		if s == Undecided {
			undecided++
		}
	}
	if applicable == 0 {
		return Interval{NotApplicable, NotApplicable}
	}
	i := q.byLevel(states, low)
	if len(q.rules) > 0 {
		i = q.byRules(states)
	}
	if undecided == applicable {
		i.Lower = Unanswered
	}
	return i
}

// ofLevel is the risk of a missing practice.
func ofLevel(l Level, low Risk) Risk {
	switch l {
	case High:
		return HighRisk
	case Medium:
		return MediumRisk
	}
	return low
}

// byLevel takes the worst level that is missing: the rules of the built-in lens are not published.
func (q *Question) byLevel(states []State, low Risk) Interval {
	i := Interval{NoRisk, NoRisk}
	for n, s := range states {
		risk := ofLevel(q.Practices[n].Level, low)
		if s.missing() && !i.Lower.AtLeast(risk) {
			i.Lower = risk
		}
		if (s.missing() || s == Undecided) && !i.Upper.AtLeast(risk) {
			i.Upper = risk
		}
	}
	return i
}

// byRules asks the risk rules about all that may be in place. What is not applicable counts as ticked: it is no risk.
func (q *Question) byRules(states []State) Interval {
	var open []int
	ticked := map[string]bool{}
	for n, s := range states {
		ticked[q.Practices[n].Choice] = s.present() || s == OutOfQuestion
		if s == Undecided {
			open = append(open, n)
		}
	}
	i := Interval{HighRisk, NoRisk}
	for mask := range 1 << len(open) {
		for bit, n := range open {
			ticked[q.Practices[n].Choice] = mask>>bit&1 == 1
		}
		rule := slices.IndexFunc(q.rules, func(r compiledRule) bool { return r.Holds(func(id string) bool { return ticked[id] }) })
		risk := q.rules[rule].risk
		if i.Lower.AtLeast(risk) {
			i.Lower = risk
		}
		if risk.AtLeast(i.Upper) {
			i.Upper = risk
		}
	}
	return i
}
