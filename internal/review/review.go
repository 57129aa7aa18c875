package review

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/report"
	"awsscanner/internal/ships"
)

// Schema names the shape of the JSON of a review; docs/review.schema.json describes it.
const Schema = "scanner.review/v1"

// A Review is a workload held against a framework: what programs read, and what all formats are made of.
type Review struct {
	Schema    string           `json:"schema"`
	Tool      Tool             `json:"tool"`
	Framework About            `json:"framework"`
	Scan      Scanned          `json:"scan"`
	Workload  Workload         `json:"workload"`
	AsOf      string           `json:"asOf"` // the day by which answers hold, or have lapsed
	Settings  Settings         `json:"settings"`
	Summary   Summary          `json:"summary"`
	Pillars   []PillarReview   `json:"pillars"`
	Questions []QuestionReview `json:"questions"`
	Ships     *ships.Estimate  `json:"ships,omitempty"` // how the team ships, as AWS saw it
	Notes     []string         `json:"notes"`           // what a reader should know before anything else

	f       *Framework
	rules   map[string]*engine.Rule
	answers *Answers
	tagged  bool // the workload is picked by tags
	tallies map[string]*tally
	rows    *rows // of the risk register; nil if nobody wants it
}

// A Tool is what made a review.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// An About says which framework it is.
type About struct {
	ID         string `json:"id"`
	Edition    string `json:"edition"`
	Title      string `json:"title"`
	Provenance string `json:"provenance"`
}

// A Scanned says which scan the evidence is from.
type Scanned struct {
	ID       string    `json:"id"`
	Started  time.Time `json:"started"`
	Accounts []string  `json:"accounts"`
	Regions  []string  `json:"regions"`
	Results  int       `json:"results"` // of the framework's rules, that belong to the workload
}

// Settings are what people may decide otherwise.
type Settings struct {
	LowCountsAs Risk `json:"lowCountsAs"`
	AcceptFull  bool `json:"acceptFull"` // evidence that is full establishes a practice without anybody's answer
}

// A Summary counts.
type Summary struct {
	Certain   map[Risk]int     `json:"certain"`  // questions by the lower end of their risk
	Possible  map[Risk]int     `json:"possible"` // by the upper one
	States    map[State]int    `json:"states"`   // practices
	Evidence  map[Evidence]int `json:"evidence"`
	Conflicts []string         `json:"conflicts"` // practices of which people say yes and the scan says no
	Apart     []string         `json:"apart"`     // practices of which people do not say the same
	Lapsed    []string         `json:"lapsed"`    // practices whose answer holds no more
	Blind     []string         `json:"blind"`     // practices at which nobody could look everywhere
}

// A QuestionReview is what is known of a question.
type QuestionReview struct {
	ID        string           `json:"id"`
	Key       string           `json:"key"`
	Pillar    string           `json:"pillar"`
	Area      string           `json:"area,omitempty"` // part of the pillar
	Title     string           `json:"title"`
	Harm      string           `json:"harm"` // what may happen if its practices are missing
	Risk      Interval         `json:"risk"`
	Open      int              `json:"open"` // practices that are undecided
	Note      string           `json:"note,omitempty"`
	Practices []PracticeReview `json:"practices"`

	q *Question
}

// A PracticeReview is what is known of a practice.
type PracticeReview struct {
	ID       string    `json:"id"`
	Choice   string    `json:"choice"`
	Title    string    `json:"title"`
	Level    Level     `json:"level"`
	Evidence Evidence  `json:"evidence"`
	Because  string    `json:"because"` // of the evidence
	Class    Class     `json:"class"`
	Answer   Said      `json:"answer"`
	Said     *Told     `json:"said,omitempty"`
	Apart    []Told    `json:"apart,omitempty"` // answers of people who do not agree
	State    State     `json:"state"`
	Flags    []Flag    `json:"flags"`
	Rules    []tally   `json:"rules"`
	Failing  int       `json:"failing"` // findings that speak against it and that nobody has waived, all of them
	Findings []Finding `json:"findings"`
	Gaps     []Gap     `json:"gaps"`

	p *Practice
	s *seen
}

// A Told is an answer as a reader sees it.
type Told struct {
	State    Said     `json:"state"` // also of an answer that has lapsed
	By       string   `json:"by,omitempty"`
	On       string   `json:"on,omitempty"`
	ReviewBy string   `json:"reviewBy,omitempty"`
	Note     string   `json:"note,omitempty"`
	Links    []string `json:"links,omitempty"`
	Lapsed   bool     `json:"lapsed,omitempty"`
	Reason   Reason   `json:"reason,omitempty"`
	Question bool     `json:"question,omitempty"` // said of the whole question
}

// A Flag is what a reader should know of a state.
type Flag string

const (
	Contradiction  Flag = "conflict"        // yes, but the scan refutes it
	ResourcesExist Flag = "resources-exist" // not applicable, but the scan finds something that fails
	Doubt          Flag = "doubt"           // in place, but something fails
	Strong         Flag = "strong"          // in place, and all rules pass
	WordOnly       Flag = "word-only"       // in place, but nothing that a scan sees supports it
	CoverageGap    Flag = "coverage-gap"    // in place, but nobody could look everywhere
	LooksDone      Flag = "looks-done"      // not in place, but all rules pass
	Likely         Flag = "likely"          // nobody has answered, and all rules pass
	WaivedFlag     Flag = "waived"          // something that speaks against it is accepted
	LapsedFlag     Flag = "lapsed"          // the answer holds no more
	Disagreement   Flag = "disagreement"    // people do not say the same: it is open
)

// Options say how a review is made.
type Options struct {
	Now        time.Time // by which answers hold, or have lapsed
	Low        Risk      // what a missing practice of low level counts as, if the answers do not say
	AcceptFull bool
	Register   bool           // gather what a risk register needs as well
	Ships      *ships.History // how people ship, if anybody has asked
}

// everything is reviewed if nobody names a workload.
const everything = "everything that was scanned"

// New makes the reviews of some workloads out of one scan, which is gone through once.
func New(f *Framework, all []*Answers, r *report.Report, o Options) ([]*Review, error) {
	var gs []*gathering
	for _, a := range all {
		g := gather(f, a, r, o.Now)
		if o.Register {
			var err error
			if g.rows, err = newRows(r.Rules); err != nil {
				return nil, err
			}
		}
		gs = append(gs, g)
	}
	for x, err := range r.Results() {
		if err != nil {
			return nil, err
		}
		for _, g := range gs {
			g.add(&x)
		}
	}
	var reviews []*Review
	for _, g := range gs {
		reviews = append(reviews, g.review(o))
	}
	return reviews, nil
}

// Combine says what follows from evidence and answer. Whole says that the evidence is of a class that proves, and that this is accepted.
func Combine(e Evidence, said Said, whole bool) (s State, flags []Flag) {
	flags = []Flag{}
	flag := func(f Flag, is bool) {
		if is {
			flags = append(flags, f)
		}
	}
	switch said {
	case Yes:
		flag(Contradiction, e == Refuted)
		flag(Doubt, e == Contra)
		flag(Strong, e == Supported)
		flag(WordOnly, e == NoEvidence)
		flag(CoverageGap, e == CouldNotLook)
		if e == Refuted {
			return Conflict, flags
		}
		return Established, flags
	case No, Partly:
		flag(LooksDone, e == Supported)
		return NotEstablished, flags
	case NA:
		flag(ResourcesExist, e == Refuted)
		return OutOfQuestion, flags
	}
	switch {
	case e == Refuted:
		return NotEstablished, flags
	case e == Supported && whole:
		return ScanEstablished, flags
	}
	flag(Likely, e == Supported)
	return Undecided, flags
}

func (g *gathering) review(o Options) *Review {
	f, a, r := g.f, g.answers, g.r
	low := MediumRisk
	for _, l := range []Risk{o.Low, a.Low} { // what the answers say counts more
		if l != "" {
			low = l
		}
	}
	v := &Review{Schema: Schema, Tool: Tool{"scanner", r.Version}, Framework: About{f.ID, f.Edition, f.Title, f.Provenance},
		Scan:     Scanned{ID: r.ID(), Started: r.Header.Start.UTC(), Accounts: list(r.Accounts()), Regions: list(r.Regions()), Results: g.members},
		Workload: a.Workload, AsOf: o.Now.UTC().Format(time.DateOnly), Settings: Settings{low, o.AcceptFull},
		Summary: Summary{Certain: map[Risk]int{}, Possible: map[Risk]int{}, States: map[State]int{}, Evidence: map[Evidence]int{}, Conflicts: []string{}, Apart: []string{}, Lapsed: []string{}, Blind: []string{}},
		Notes:   []string{}, f: f, answers: a, rules: map[string]*engine.Rule{}, tagged: len(a.Workload.Tags) > 0, tallies: g.tallies, rows: g.rows}
	for i := range r.Rules {
		v.rules[r.Rules[i].ID] = &r.Rules[i]
	}
	if v.Workload.Name == "" {
		v.Workload.Name = everything
	}
	for _, risk := range Risks {
		v.Summary.Certain[risk], v.Summary.Possible[risk] = 0, 0
	}
	for _, s := range States {
		v.Summary.States[s] = 0
	}
	for _, e := range Evidences {
		v.Summary.Evidence[e] = 0
	}
	for i := range f.Questions {
		q := &f.Questions[i]
		x := QuestionReview{ID: q.ID, Key: q.Key, Pillar: q.Pillar, Area: q.Area, Title: q.Title, Harm: q.Harm, q: q}
		if s := a.scoped[q]; s != nil {
			x.Note = s.Note
		}
		var states []State
		for j := range q.Practices {
			p := g.practice(&q.Practices[j], o)
			states = append(states, p.State)
			if p.State == Undecided {
				x.Open++
			}
			v.count(&p)
			x.Practices = append(x.Practices, p)
		}
		x.Risk = q.risk(states, low)
		v.Summary.Certain[x.Risk.Lower]++
		v.Summary.Possible[x.Risk.Upper]++
		v.Questions = append(v.Questions, x)
	}
	for i := range f.Pillars {
		if p := v.pillar(&f.Pillars[i]); len(p.Questions) > 0 {
			v.Pillars = append(v.Pillars, p)
		}
	}
	if o.Ships != nil {
		v.Ships = o.Ships.Estimate(ships.Selection{Accounts: a.Workload.Accounts, Regions: a.Workload.Regions, Tags: a.Workload.Tags})
	}
	v.note(g)
	return v
}

func list(all []string) []string { return append([]string{}, all...) }

// practice says what is known of a practice.
func (g *gathering) practice(p *Practice, o Options) PracticeReview {
	s := g.of[p]
	s.trim()
	e, why, tallies, gaps := g.evidence(p)
	said, answer, lapsed, apart := g.answers.said(p, g.now)
	x := PracticeReview{ID: p.ID, Choice: p.Choice, Title: p.Title, Level: p.Level, Evidence: e, Because: why, Class: p.Class, Answer: said,
		Rules: append([]tally{}, tallies...), Failing: s.failing, Findings: append([]Finding{}, s.findings...), Gaps: append([]Gap{}, gaps...), p: p, s: s}
	if p.Class == Full && !p.whole() {
		x.Class = Partial // until all the rules are there
	}
	if answer != nil {
		x.Said = answer.told(lapsed)
	}
	for _, y := range apart {
		x.Apart = append(x.Apart, *y.told(false))
	}
	if scoped := g.answers.scoped[p.Question]; scoped != nil && !*scoped.Applicable {
		x.Answer = NA
		x.Said = &Told{State: NA, By: scoped.By, Note: scoped.Note, Reason: scoped.Reason, Question: true}
		lapsed, x.Apart = false, nil
	}
	x.State, x.Flags = Combine(e, x.Answer, o.AcceptFull && p.whole())
	if s.waived > 0 {
		x.Flags = append(x.Flags, WaivedFlag)
	}
	if len(x.Apart) > 0 {
		x.Flags = append(x.Flags, Disagreement)
	}
	if lapsed {
		x.Flags = append(x.Flags, LapsedFlag)
	}
	return x
}

// told is an answer as a reader sees it.
func (x *Answer) told(lapsed bool) *Told {
	t := &Told{State: x.State, By: x.By, Note: x.Note, Links: x.links(), Lapsed: lapsed, Reason: x.Reason}
	if x.On != nil {
		t.On = x.On.String()
	}
	if !x.until.IsZero() {
		t.ReviewBy = x.until.AddDate(0, 0, -1).Format(time.DateOnly)
	}
	return t
}

// Has reports whether a state has a flag.
func (x *PracticeReview) Has(f Flag) bool { return slices.Contains(x.Flags, f) }

func (v *Review) count(x *PracticeReview) {
	v.Summary.States[x.State]++
	v.Summary.Evidence[x.Evidence]++
	if x.State == Conflict {
		v.Summary.Conflicts = append(v.Summary.Conflicts, x.ID)
	}
	if len(x.Apart) > 0 {
		v.Summary.Apart = append(v.Summary.Apart, x.ID)
	}
	if x.Has(LapsedFlag) {
		v.Summary.Lapsed = append(v.Summary.Lapsed, x.ID)
	}
	if len(x.Gaps) > 0 {
		v.Summary.Blind = append(v.Summary.Blind, x.ID)
	}
}

// note says what a reader should know before anything else.
func (v *Review) note(g *gathering) {
	say := func(format string, args ...any) { v.Notes = append(v.Notes, fmt.Sprintf(format, args...)) }
	if v.tagged && !g.r.Header.Tags && g.r.Source == nil {
		say("the scan did not ask for tags: whether what has none in its list belongs to the workload is not known; scan with --tag to have them read")
	}
	if g.members == 0 {
		say("no result of the scan belongs to the workload: see its accounts, regions and tags")
	}
	var outside []string
	for _, account := range v.Workload.Accounts {
		if !slices.Contains(v.Scan.Accounts, account) {
			outside = append(outside, account)
		}
	}
	if len(outside) > 0 {
		say("the scan has not read %s", strings.Join(outside, ", "))
	}
	var without []string
	for _, id := range v.f.Rules() {
		if v.rules[id] == nil {
			without = append(without, id)
		}
	}
	if len(without) > 0 {
		say("the scan was made without %s that the framework asks for: scan with --frameworks %s", count(len(without), "rule"), v.scanWith())
	}
}

// scanWith is what --frameworks takes to run all rules.
func (v *Review) scanWith() string {
	if v.f.Mapping != "" {
		return v.f.Mapping
	}
	return "its rules"
}

// Practices goes through all practices in order.
func (v *Review) Practices(do func(q *QuestionReview, p *PracticeReview)) {
	for i := range v.Questions {
		for j := range v.Questions[i].Practices {
			do(&v.Questions[i], &v.Questions[i].Practices[j])
		}
	}
}

// Blind returns the questions below a risk that may hide one as bad, as somebody could close a gap in what could refute their practices.
func (v *Review) Blind(risk Risk) (all []*PracticeReview) {
	for i := range v.Questions {
		q := &v.Questions[i]
		if q.Risk.Lower.AtLeast(risk) {
			continue
		}
		for j := range q.Practices {
			x := &q.Practices[j]
			could := x.p.Refutes == RefutesIt && ofLevel(x.Level, v.Settings.LowCountsAs).AtLeast(risk) && !x.State.missing() && x.State != OutOfQuestion
			if could && slices.ContainsFunc(x.Gaps, func(g Gap) bool { return g.Fixable() && x.p.Strength(v.ruleOf(g.Rule)) == RefutesIt }) {
				all = append(all, x)
			}
		}
	}
	return all
}

// ruleOf returns a rule that judged, or one that does nothing.
func (v *Review) ruleOf(id string) *engine.Rule {
	if r := v.rules[id]; r != nil {
		return r
	}
	return &engine.Rule{ID: id}
}
