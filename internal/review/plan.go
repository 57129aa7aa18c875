package review

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"awsscanner/internal/engine"
)

// PlanSchema names the shape of the JSON of a plan.
const PlanSchema = "scanner.review-plan/v1"

// A Plan is what to do, in order: the fewest practices that leave high risk first.
type Plan struct {
	Schema   string   `json:"schema"`
	Workload string   `json:"workload"`
	AsOf     string   `json:"asOf"`
	High     int      `json:"high"`   // questions at high risk for certain
	Medium   int      `json:"medium"` // at medium risk
	Steps    []Step   `json:"steps"`
	Ask      []Asking `json:"ask"` // what is open and would move an end of a risk, by value
}

// A Step is one practice to establish.
type Step struct {
	N         int             `json:"n"`
	Practice  string          `json:"practice"`
	Choice    string          `json:"choice"`
	Title     string          `json:"title"`
	Level     Level           `json:"level"`
	Question  string          `json:"question"`
	State     State           `json:"state"`
	Because   string          `json:"because"`
	From      Risk            `json:"from"` // certain risk of the question before this step
	To        Risk            `json:"to"`   // and after it
	Remaining int             `json:"remaining"`
	Does      string          `json:"does"` // what the step does to the question, in words
	Severity  engine.Severity `json:"severity"`
	Exposure  int             `json:"exposure"`
	Effort    Effort          `json:"effort"`
	Priority  float64         `json:"priority"`
	Sum       string          `json:"arithmetic"`
	Rules     []StepRule      `json:"rules"`
	Failing   int             `json:"failing"`
	Resources []string        `json:"resources"` // some of what fails, the worst first
	Also      []string        `json:"also"`      // practices that the same fixes help
}

// A StepRule is a rule that fails, and what to do about it.
type StepRule struct {
	Rule        string        `json:"rule"`
	Failing     int           `json:"failing"`
	Fix         string        `json:"fix"`
	Effect      engine.Effect `json:"effect"`
	Fingerprint string        `json:"fingerprint"` // of one finding, to explain
}

// An Effort is a class of how much work something is.
type Effort string

const (
	Small  Effort = "small"  // settings are added
	Middle Effort = "medium" // something is replaced, or there is much of it
	Large  Effort = "large"  // something stops or is lost meanwhile
	People Effort = "people" // nothing that a setting does: habits, documents, decisions
)

// cost is what an effort counts.
func (e Effort) cost() int { return map[Effort]int{Small: 1, Middle: 2, Large: 4, People: 3}[e] }

// mostNamed is how many resources a step names.
const mostNamed = 5

// manyResources is from how many on a fix is more work.
const manyResources = 10

// Plan says what to do, in order.
func (v *Review) Plan() *Plan {
	p := &Plan{Schema: PlanSchema, Workload: v.Workload.Name, AsOf: v.AsOf, High: v.Summary.Certain[HighRisk], Medium: v.Summary.Certain[MediumRisk], Steps: []Step{}, Ask: []Asking{}}
	states := map[*QuestionReview][]State{}
	for i := range v.Questions {
		q := &v.Questions[i]
		for j := range q.Practices {
			states[q] = append(states[q], q.Practices[j].State)
		}
	}
	helped := v.helped()
	for _, risk := range []Risk{HighRisk, MediumRisk} {
		for _, set := range v.sets(risk, states) {
			for left, j := range set.practices {
				q := set.q
				x := &q.Practices[j]
				before := q.q.risk(states[q], v.Settings.LowCountsAs).Lower
				states[q][j] = Established
				after := q.q.risk(states[q], v.Settings.LowCountsAs)
				s := v.step(x, q, helped)
				s.N, s.From, s.To, s.Remaining = len(p.Steps)+1, before, after.Lower, len(set.practices)-left-1
				switch {
				case s.Remaining > 0:
					s.Does = fmt.Sprintf("%s leaves %s with this and the next %s", q.ID, before, count(s.Remaining, "step"))
				default:
					s.Does = fmt.Sprintf("%s leaves %s, and is %s", q.ID, before, after)
				}
				p.Steps = append(p.Steps, s)
			}
		}
	}
	for i := range v.Questions { // what is left moves no risk
		q := &v.Questions[i]
		for j := range q.Practices {
			if x := &q.Practices[j]; states[q][j].missing() {
				risk := q.q.risk(states[q], v.Settings.LowCountsAs).Lower
				s := v.step(x, q, helped)
				s.N, s.From, s.To, s.Does = len(p.Steps)+1, risk, risk, q.ID+" stays as it is; the score rises"
				p.Steps = append(p.Steps, s)
			}
		}
	}
	for _, a := range v.Open() {
		if a.Moves && len(p.Ask) < mostAsked {
			p.Ask = append(p.Ask, a)
		}
	}
	return p
}

// mostFirst is how many things anybody can begin with.
const mostFirst = 3

// first returns what to begin with: of the steps that help to leave high risk the gravest, each with something of its own to do.
func (v *Review) first(p *Plan) (few []Step) {
	steps := slices.DeleteFunc(slices.Clone(p.Steps), func(s Step) bool { return s.From != HighRisk })
	if len(steps) == 0 {
		steps = slices.Clone(p.Steps)
	}
	slices.SortStableFunc(steps, func(a, b Step) int {
		return cmp.Or(cmp.Compare(int(b.Severity)*b.Exposure, int(a.Severity)*a.Exposure), cmp.Compare(a.Effort.cost(), b.Effort.cost()))
	})
	done := map[string]bool{} // rules
	for _, s := range steps {
		worst := s.Practice
		if f := v.of(s.Practice).worst(); f != nil {
			worst = f.Rule
		}
		if !done[worst] && len(few) < mostFirst {
			few = append(few, s)
		}
		done[worst] = true
	}
	return few
}

// worst returns the gravest finding that nobody has accepted; nil if there is none.
func (x *PracticeReview) worst() *Finding {
	for i := range x.Findings {
		if x.Findings[i].Waived == nil {
			return &x.Findings[i]
		}
	}
	return nil
}

// of returns a practice by its ID.
func (v *Review) of(id string) (found *PracticeReview) {
	v.Practices(func(_ *QuestionReview, x *PracticeReview) {
		if x.ID == id {
			found = x
		}
	})
	return found
}

// mostAsked is how many open practices a plan lists.
const mostAsked = 10

// A set is the fewest practices that take a question out of a risk.
type set struct {
	q         *QuestionReview
	practices []int
	priority  float64
}

// sets returns, for each question at a risk, the practices that take it out of that, the smallest sets first.
func (v *Review) sets(risk Risk, states map[*QuestionReview][]State) (all []set) {
	for i := range v.Questions {
		q := &v.Questions[i]
		if q.q.risk(states[q], v.Settings.LowCountsAs).Lower != risk {
			continue
		}
		s := set{q: q, practices: q.q.leave(risk, states[q], v.Settings.LowCountsAs)}
		if len(s.practices) == 0 {
			continue // its risk rules leave no way out
		}
		worth, cost := 0, 0
		for _, j := range s.practices {
			w, e := q.Practices[j].weigh(v)
			worth, cost = worth+w, cost+e.cost()
		}
		s.priority = float64(worth) / float64(cost)
		slices.SortStableFunc(s.practices, func(a, b int) int {
			return cmp.Compare(q.Practices[b].priority(v), q.Practices[a].priority(v))
		})
		all = append(all, s)
	}
	slices.SortStableFunc(all, func(a, b set) int {
		return cmp.Or(cmp.Compare(len(a.practices), len(b.practices)), cmp.Compare(b.priority, a.priority))
	})
	return all
}

// leave returns the fewest missing practices that take a question out of a risk: of several such sets the first.
func (q *Question) leave(risk Risk, states []State, low Risk) (fewest []int) {
	var missing []int
	for i, s := range states {
		if s.missing() {
			missing = append(missing, i)
		}
	}
	if len(q.rules) == 0 { // by levels there is one such set
		for _, i := range missing {
			if ofLevel(q.Practices[i].Level, low) == risk {
				fewest = append(fewest, i)
			}
		}
		return fewest
	}
	for mask := 1; mask < 1<<len(missing); mask++ {
		try := slices.Clone(states)
		var these []int
		for bit, i := range missing {
			if mask>>bit&1 == 1 {
				try[i] = Established
				these = append(these, i)
			}
		}
		if (fewest == nil || len(these) < len(fewest)) && q.risk(try, low).Lower.rank() < risk.rank() {
			fewest = these
		}
	}
	return fewest
}

// weigh says what establishing a practice is worth, and what work it is.
func (x *PracticeReview) weigh(v *Review) (worth int, e Effort) {
	severity, exposure := x.gravity()
	return int(severity) * exposure, x.effort(v)
}

func (x *PracticeReview) priority(v *Review) float64 {
	worth, e := x.weigh(v)
	return float64(worth) / float64(e.cost())
}

// gravity is how bad it is: by the worst of what fails, or else by the level; twice as much if an outsider gets in now.
func (x *PracticeReview) gravity() (severity engine.Severity, exposure int) {
	if x.s.failing == 0 {
		return map[Level]engine.Severity{High: engine.High, Medium: engine.Medium, Low: engine.Low}[x.Level], 1
	}
	if x.s.severity == engine.Critical {
		return x.s.severity, 2
	}
	return x.s.severity, 1
}

// effort is by what the fixes of the failing rules do.
func (x *PracticeReview) effort(v *Review) Effort {
	if x.s.failing == 0 {
		return People
	}
	e := Small
	for id, n := range x.s.rules {
		of := Small
		switch v.ruleOf(id).Fix.Effect {
		case engine.Replaces:
			of = Middle
		case engine.Destroys, engine.Downtime:
			of = Large
		}
		if of == Small && n > manyResources {
			of = Middle
		}
		if of.cost() > e.cost() {
			e = of
		}
	}
	return e
}

// helped lists the practices against which each rule speaks.
func (v *Review) helped() map[string][]string {
	all := map[string][]string{}
	v.Practices(func(_ *QuestionReview, x *PracticeReview) {
		for id := range x.s.rules {
			all[id] = append(all[id], x.ID)
		}
	})
	return all
}

func (v *Review) step(x *PracticeReview, q *QuestionReview, helped map[string][]string) Step {
	s := Step{Practice: x.ID, Choice: x.Choice, Title: x.Title, Level: x.Level, Question: q.ID, State: x.State, Because: x.why(), Failing: x.Failing,
		Rules: []StepRule{}, Resources: []string{}, Also: []string{}}
	s.Severity, s.Exposure = x.gravity()
	s.Effort, s.Priority = x.effort(v), x.priority(v)
	s.Sum = fmt.Sprintf("severity %d × exposure %d / effort %d = %.2g", s.Severity, s.Exposure, s.Effort.cost(), s.Priority)
	for _, id := range slices.Sorted(maps.Keys(x.s.rules)) {
		rule := v.ruleOf(id)
		r := StepRule{Rule: id, Failing: x.s.rules[id], Fix: rule.Fix.Text, Effect: rule.Fix.Effect}
		if i := slices.IndexFunc(x.Findings, func(f Finding) bool { return f.Rule == id && f.Waived == nil }); i >= 0 {
			r.Fingerprint = x.Findings[i].Fingerprint
		}
		s.Rules = append(s.Rules, r)
		for _, other := range helped[id] {
			if other != x.ID && !slices.Contains(s.Also, other) {
				s.Also = append(s.Also, other)
			}
		}
	}
	slices.Sort(s.Also)
	for _, f := range x.Findings {
		if name := f.name(); f.Waived == nil && len(s.Resources) < mostNamed && !slices.Contains(s.Resources, name) {
			s.Resources = append(s.Resources, name)
		}
	}
	return s
}

// name is how people call what a finding is about.
func (f *Finding) name() string {
	name := cmp.Or(f.Name, f.ID)
	if f.Region != "" {
		name += " (" + f.Region + ")"
	}
	return name
}

// why says in words why a practice is not established.
func (x *PracticeReview) why() string {
	said := ""
	if x.Said != nil && x.Answer != NoReply && len(x.Apart) == 0 {
		said = fmt.Sprintf("%s says %s", cmp.Or(x.Said.By, "somebody"), x.Answer)
		if x.Said.Question {
			said += " of the whole question"
		}
	}
	switch {
	case x.State == Conflict:
		return said + ", but the scan says: " + x.Because
	case said != "" && (x.Evidence == Refuted || x.Evidence == Contra):
		return said + "; " + x.Because
	case said != "":
		return said
	}
	return x.Because
}

// An Asking is an open practice, and what an answer would do.
type Asking struct {
	Practice string   `json:"practice"`
	Choice   string   `json:"choice"`
	Title    string   `json:"title"`
	Level    Level    `json:"level"`
	Question string   `json:"question"`
	Risk     Interval `json:"risk"`
	Evidence Evidence `json:"evidence"`
	Found    string   `json:"found"`
	IfYes    Interval `json:"ifYes"` // the risk of the question then
	IfNo     Interval `json:"ifNo"`
	Moves    bool     `json:"moves"` // an answer moves an end of the risk, alone or with others of its level
	Value    float64  `json:"value"`
	Conflict bool     `json:"conflict,omitempty"` // people say yes, and the scan no: which is it?
	Lapsed   bool     `json:"lapsed,omitempty"`

	q *QuestionReview
	x *PracticeReview
}

// Open lists what people should be asked, the most valuable first: contradictions, then open practices by what an answer moves, the
// quickest to answer first among equals.
func (v *Review) Open() (all []Asking) {
	for i := range v.Questions {
		q := &v.Questions[i]
		var states []State
		for j := range q.Practices {
			states = append(states, q.Practices[j].State)
		}
		for j := range q.Practices {
			x := &q.Practices[j]
			if x.State != Undecided && x.State != Conflict && len(x.Apart) == 0 {
				continue
			}
			a := Asking{Practice: x.ID, Choice: x.Choice, Title: x.Title, Level: x.Level, Question: q.ID, Risk: q.Risk, Evidence: x.Evidence, Found: x.Because,
				Conflict: x.State == Conflict, Lapsed: x.Has(LapsedFlag), q: q, x: x}
			with := func(s State) Interval {
				try := slices.Clone(states)
				try[j] = s
				return q.q.risk(try, v.Settings.LowCountsAs)
			}
			a.IfYes, a.IfNo = with(Established), with(NotEstablished)
			a.Value, a.Moves = q.worth(j, a.IfYes, a.IfNo, v.Settings.LowCountsAs)
			all = append(all, a)
		}
	}
	slices.SortStableFunc(all, func(a, b Asking) int {
		first := func(x Asking) int {
			if x.Conflict {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(first(a), first(b)), cmp.Compare(b.Value, a.Value), cmp.Compare(quick(a.Evidence), quick(b.Evidence)))
	})
	return all
}

// quick orders evidence by how quickly people can say whether it is so.
func quick(e Evidence) int {
	return slices.Index([]Evidence{Supported, Refuted, Contra, NoEvidence, CouldNotLook}, e)
}

// worth is the weight of a practice, shared with the open ones of its level and above without which an answer moves nothing; a tenth of
// it if the risk is decided by worse already.
func (q *QuestionReview) worth(j int, yes, no Interval, low Risk) (value float64, moves bool) {
	x := &q.Practices[j]
	risk := ofLevel(x.Level, low)
	sharing := 0
	for i := range q.Practices {
		if other := &q.Practices[i]; i == j || other.State == Undecided && ofLevel(other.Level, low).AtLeast(risk) {
			sharing++
		}
	}
	end := func(i Interval) [2]int { return [2]int{i.Lower.rank(), i.Upper.rank()} }
	value = float64(x.Level.Weight()) / float64(sharing)
	moves = end(yes) != end(q.Risk) || end(no) != end(q.Risk)
	if !moves {
		value /= 10
	}
	return float64(int(100*value+0.5)) / 100, moves
}

// QuestionTitle is what the question is about.
func (a *Asking) QuestionTitle() string { return a.q.Title }

// Findings are what speaks against the practice.
func (a *Asking) Findings() []Finding { return a.x.Findings }

// Sees says what a scan can see of the practice, or why none can.
func (a *Asking) Sees() string {
	switch p := a.x.p; {
	case p.Sees == "":
		return ""
	case p.Class == None:
		return "no scan can know it: " + p.Sees
	default:
		return "a scan could see: " + p.Sees
	}
}

// Said is what somebody has said of it; "" if nobody has.
func (a *Asking) Said() string {
	if a.x.Said == nil {
		return ""
	}
	return a.x.answerText()
}
