package review

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/lens"
	"awsscanner/internal/model"
	"awsscanner/rules"
)

func riskRule(condition string, risk Risk) lens.Rule {
	return lens.Rule{Condition: condition, Risk: map[Risk]lens.Risk{HighRisk: lens.HighRisk, MediumRisk: lens.MediumRisk, NoRisk: lens.NoRisk}[risk]}
}

var regions = []string{"eu-west-1", "us-east-1"}

// world makes up a scan: some results of most rules.
func world(seed uint64) *told {
	r := rand.New(rand.NewPCG(seed, 1))
	s := scan()
	s.header.Read = append(s.header.Read, model.Place{Account: other, Region: "eu-west-1"})
	for i := range rules.All {
		rule := &rules.All[i]
		mood := r.IntN(4) // most rules say mostly one thing, or all practices would be refuted
		for n := range r.IntN(4) {
			status := engine.Passed
			switch x := r.IntN(10); {
			case mood == 0 && x < 6:
				status = engine.Failed
			case mood == 1 && x < 3:
				status = engine.NotAssessed
			case x == 9:
				status = engine.Inapplicable
			}
			s.results = append(s.results, random(r, rule.ID, status, n))
		}
	}
	if r.IntN(3) == 0 {
		s.header.Unread = append(s.header.Unread, model.Place{Account: account, Region: "eu-north-1"})
	}
	return s
}

// random makes up a result of a rule, somewhere.
func random(r *rand.Rand, rule string, status engine.Status, n int) engine.Recorded {
	id := fmt.Sprintf("r%d", n)
	if r.IntN(8) == 0 {
		id = "waived-" + id
	}
	var tags map[string]string
	if r.IntN(4) > 0 {
		tags = map[string]string{"app": []string{"shop", "bank"}[r.IntN(2)]}
	}
	x := result(rule, status, id, tags)
	if x.Resource.Region != "" {
		x.Resource.Region = regions[r.IntN(2)]
	}
	if r.IntN(5) == 0 {
		x.Resource.Account, x.Resource.Region = other, strings.Replace(x.Resource.Region, "us-east-1", "eu-west-1", 1)
	}
	if status == engine.NotAssessed && r.IntN(2) == 0 {
		x.Resource.ID, x.Resource.Name = "*", ""
	}
	return keyed(x)
}

// says makes up answers, with a workload.
func says(seed uint64, f *Framework) string {
	r := rand.New(rand.NewPCG(seed, 2))
	var b strings.Builder
	b.WriteString([]string{"", "workload: {name: shop, tags: {app: shop}}\n", "workload: {name: shop, accounts: [\"111122223333\"], regions: [eu-west-1]}\n", "workload: {name: shop, regions: [\"eu-*\"]}\n"}[r.IntN(4)])
	b.WriteString("defaults: {by: me, on: 2026-11-01, review_after: 90d}\nanswers:\n  OPS01-BP01: {state: yes}\n")
	for i := range f.Questions {
		for j := range f.Questions[i].Practices {
			p := &f.Questions[i].Practices[j]
			if p.ID == "OPS01-BP01" || r.IntN(3) == 0 {
				continue
			}
			on := "2026-11-01"
			if r.IntN(6) == 0 {
				on = "2026-01-01" // lapsed
			}
			fmt.Fprintf(&b, "  %s: {state: %s, on: %s}\n", p.Choice, []string{"yes", "yes", "no", "partly", "na", "open"}[r.IntN(6)], on)
		}
	}
	if r.IntN(2) == 0 {
		b.WriteString("questions: {\"SEC 3\": {applicable: false, reason: OTHER}}\n")
	}
	if r.IntN(2) == 0 {
		b.WriteString("waivers: [{bp: SEC08-BP02, reason: r, owner: o, until: 2027-01-01, resources: [r1]}]\n")
	}
	return b.String()
}

// height orders states by how much they promise.
func height(s State) int {
	switch {
	case s.missing():
		return 0
	case s == Undecided:
		return 1
	}
	return 2
}

const worlds = 24

func forWorlds(t *testing.T, do func(t *testing.T, seed uint64, f *Framework, s *told, answers string)) {
	f := load(t)
	for seed := range uint64(worlds) {
		answers := says(seed, f)
		if seed%3 == 0 {
			answers = "" // evidence alone
		}
		do(t, seed, f, world(seed), answers)
		if t.Failed() {
			t.Fatalf("in the world of seed %d", seed)
		}
	}
}

// each compares two reviews practice by practice.
func each(a, b *Review, do func(before, after *PracticeReview)) {
	var all []*PracticeReview
	a.Practices(func(_ *QuestionReview, p *PracticeReview) { all = append(all, p) })
	i := 0
	b.Practices(func(_ *QuestionReview, p *PracticeReview) { do(all[i], p); i++ })
}

// A failing finding never raises a practice, and never lowers either end of a risk.
func TestFailingNeverRaises(t *testing.T) {
	forWorlds(t, func(t *testing.T, seed uint64, f *Framework, s *told, answers string) {
		r := rand.New(rand.NewPCG(seed, 3))
		o := Options{AcceptFull: seed%2 == 0}
		before := s.review(t, f, answers, o)
		more := *s
		more.results = slices.Clone(s.results)
		for n := range 1 + r.IntN(5) {
			more.results = append(more.results, random(r, rules.All[r.IntN(len(rules.All))].ID, engine.Failed, 100+n))
		}
		after := more.review(t, f, answers, o)
		each(before, after, func(x, y *PracticeReview) {
			if height(y.State) > height(x.State) || slices.Index(Evidences, y.Evidence) > slices.Index(Evidences, x.Evidence) {
				t.Errorf("%s was %s and %s, and became %s and %s by a failure", x.ID, x.Evidence, x.State, y.Evidence, y.State)
			}
		})
		for i := range before.Questions {
			if x, y := before.Questions[i].Risk, after.Questions[i].Risk; x.Lower.rank() > y.Lower.rank() || x.Upper.rank() > y.Upper.rank() {
				t.Errorf("%s was %s, and became %s by a failure", before.Questions[i].ID, x, y)
			}
		}
		for i := range before.Pillars {
			if x, y := before.Pillars[i].Score, after.Pillars[i].Score; y.Lower > x.Lower || y.Upper > x.Upper {
				t.Errorf("the score of %s rose from %v..%v to %v..%v by a failure", before.Pillars[i].ID, x.Lower, x.Upper, y.Lower, y.Upper)
			}
		}
	})
}

// Data that is taken away never makes a practice look better than somebody says it is: it is supported no more than before, and established
// only by the word of somebody, with the gap shown. Without answers, what is possible never becomes less.
func TestRemovingNeverRaises(t *testing.T) {
	take := map[string]func(r *rand.Rand, s *told){
		"a result": func(r *rand.Rand, s *told) {
			if i := r.IntN(len(s.results)); s.results[i].Status != engine.NotAssessed {
				x := &s.results[i]
				x.Verdict = engine.Verdict{Status: engine.NotAssessed, Message: "denied", Gap: &model.Gap{Reason: model.AccessDenied, Call: "sqs:GetQueueAttributes"}}
			}
		},
		"a permission": func(r *rand.Rand, s *told) {
			rule := rules.All[r.IntN(len(rules.All))].ID
			s.results = slices.DeleteFunc(s.results, func(x engine.Recorded) bool { return x.Rule == rule })
			for _, p := range s.header.Read {
				x := result(rule, engine.NotAssessed, "*", nil)
				if x.Resource.Account = p.Account; x.Resource.Region != "" {
					x.Resource.Region = p.Region
				}
				s.results = append(s.results, keyed(x))
			}
		},
		"a rule": func(r *rand.Rand, s *told) {
			i := r.IntN(len(s.rules))
			id := s.rules[i].ID
			s.rules = slices.Delete(slices.Clone(s.rules), i, i+1)
			s.results = slices.DeleteFunc(s.results, func(x engine.Recorded) bool { return x.Rule == id })
		},
		"a service": func(r *rand.Rand, s *told) {
			service := s.rules[r.IntN(len(s.rules))].Service()
			gone := func(id string) bool { return strings.HasPrefix(id, service+"-") }
			s.rules = slices.DeleteFunc(slices.Clone(s.rules), func(r engine.Rule) bool { return gone(r.ID) })
			s.results = slices.DeleteFunc(s.results, func(x engine.Recorded) bool { return gone(x.Rule) })
		},
		"a region": func(r *rand.Rand, s *told) {
			p := model.Place{Account: account, Region: regions[r.IntN(2)]}
			s.header.Read = slices.DeleteFunc(slices.Clone(s.header.Read), func(x model.Place) bool { return x == p })
			s.header.Unread = append(slices.Clone(s.header.Unread), p)
			s.results = slices.DeleteFunc(s.results, func(x engine.Recorded) bool { // what one list tells of all regions stays
				return x.Resource.Account == p.Account && x.Resource.Region == p.Region && ruleOf(x.Rule).Check.Subject.Scope != model.Global
			})
		},
		"tags": func(r *rand.Rand, s *told) {
			for i := range s.results {
				if r.IntN(2) == 0 {
					s.results[i].Tags = nil
				}
			}
		},
		"resources": func(r *rand.Rand, s *told) { s.results = nil },
	}
	for what, away := range take {
		forWorlds(t, func(t *testing.T, seed uint64, f *Framework, s *told, answers string) {
			o := Options{AcceptFull: seed%2 == 0}
			before := s.review(t, f, answers, o)
			less := *s
			less.results = slices.Clone(s.results)
			away(rand.New(rand.NewPCG(seed, 4)), &less)
			after := less.review(t, f, answers, o)
			each(before, after, func(x, y *PracticeReview) {
				if y.Evidence == Supported && x.Evidence != Supported {
					t.Errorf("without %s, %s became supported", what, x.ID)
				}
				if y.State.present() && !x.State.present() && !(x.State == Conflict && y.Answer == Yes && y.Evidence != Supported) {
					t.Errorf("without %s, %s became %s, and was %s", what, x.ID, y.State, x.State)
				}
				if x.Evidence == Refuted && y.Evidence != Refuted && y.State == Established && what != "resources" && !y.Has(CoverageGap) && !y.Has(Doubt) {
					t.Errorf("without %s, %s is established, and the gap is not shown: %v", what, x.ID, y.Flags)
				}
			})
			for i := range before.Questions {
				if x, y := before.Questions[i].Risk, after.Questions[i].Risk; answers == "" && x.Upper.rank() > y.Upper.rank() {
					t.Errorf("without %s, %s was %s, and became %s", what, before.Questions[i].ID, x, y)
				}
			}
		})
	}
}

// Where there is nothing, nothing is in place.
func TestNothingIsNoPass(t *testing.T) {
	f := load(t)
	v := scan().review(t, f, "", Options{AcceptFull: true})
	v.Practices(func(q *QuestionReview, p *PracticeReview) {
		if p.Evidence != NoEvidence || p.State != Undecided {
			t.Errorf("%s of an empty account is %s and %s", p.ID, p.Evidence, p.State)
		}
		if q.Risk.Lower != Unanswered {
			t.Errorf("%s of an empty account is %s", q.ID, q.Risk)
		}
	})
	for _, p := range v.Pillars {
		if p.Label != OpenLabel || p.Score.Lower != 0 || p.Score.Upper != 100 {
			t.Errorf("%s of an empty account is %s, %v to %v", p.ID, p.Label, p.Score.Lower, p.Score.Upper)
		}
	}
}

// An answer that has lapsed counts as none, and is shown; contradictions are conflicts.
func TestLapsedAndContradicted(t *testing.T) {
	forWorlds(t, func(t *testing.T, seed uint64, f *Framework, s *told, answers string) {
		o := Options{AcceptFull: seed%2 == 0}
		if i := strings.Index(answers, "defaults:"); i >= 0 && !strings.Contains(answers, "waivers:") && !strings.Contains(answers, "questions:") {
			nobody := s.review(t, f, answers[:i], o) // the workload alone
			o.Now = now.AddDate(2, 0, 0)
			each(nobody, s.review(t, f, answers, o), func(x, y *PracticeReview) {
				if x.State != y.State || y.Answer != NoReply || y.Said != nil && y.Said.State != NoReply && !y.Has(LapsedFlag) {
					t.Errorf("two years later %s is %s with %s, and without answers %s", y.ID, y.State, y.Answer, x.State)
				}
			})
		}
		v := s.review(t, f, answers, Options{})
		v.Practices(func(q *QuestionReview, p *PracticeReview) {
			if conflict := p.Evidence == Refuted && p.Answer == Yes; conflict != (p.State == Conflict) || conflict != p.Has(Contradiction) || conflict != slices.Contains(v.Summary.Conflicts, p.ID) {
				t.Errorf("%s is %s by the scan and %s by people: state %s, flags %v, conflicts %v", p.ID, p.Evidence, p.Answer, p.State, p.Flags, v.Summary.Conflicts)
			}
			if p.State == Conflict && !q.Risk.Lower.AtLeast(ofLevel(p.Level, MediumRisk)) {
				t.Errorf("%s is in conflict, and %s is %s", p.ID, q.ID, q.Risk)
			}
		})
	})
}

// Whatever people answer to what is open, the risk stays within the interval.
func TestIntervalsHold(t *testing.T) {
	forWorlds(t, func(t *testing.T, seed uint64, f *Framework, s *told, answers string) {
		r := rand.New(rand.NewPCG(seed, 5))
		v := s.review(t, f, answers, Options{})
		for i := range v.Questions {
			q := &v.Questions[i]
			if q.Risk.Lower.rank() > q.Risk.Upper.rank() {
				t.Errorf("%s is %s", q.ID, q.Risk)
			}
			reached := map[Risk]bool{}
			for try := range 20 {
				var states []State
				for j := range q.Practices {
					s := q.Practices[j].State
					if s == Undecided {
						s = []State{Established, NotEstablished}[r.IntN(2)]
						switch try {
						case 0:
							s = Established
						case 1:
							s = NotEstablished
						}
					}
					states = append(states, s)
				}
				got := q.q.risk(states, MediumRisk)
				if got.Lower != got.Upper || got.Lower.rank() < q.Risk.Lower.rank() || got.Lower.rank() > q.Risk.Upper.rank() {
					t.Errorf("%s is %s, and %s when all is answered", q.ID, q.Risk, got)
				}
				reached[got.Lower] = true
			}
			if !reached[q.Risk.Upper] || q.Risk.Lower != Unanswered && !reached[q.Risk.Lower] {
				t.Errorf("%s is %s, and an end of that is reached by no answers", q.ID, q.Risk)
			}
		}
		for _, p := range v.Pillars {
			if p.Score.Lower > p.Score.Upper || p.Score.Lower < 0 || p.Score.Upper > 100 {
				t.Errorf("the score of %s is %v to %v", p.ID, p.Score.Lower, p.Score.Upper)
			}
			if (p.Certain[HighRisk] > 0) != (p.Label == AtRisk) {
				t.Errorf("%s has %d high risks, and is %s", p.ID, p.Certain[HighRisk], p.Label)
			}
		}
	})
}

// The order in which results come changes nothing.
func TestOrderMeansNothing(t *testing.T) {
	f := load(t)
	for seed := range uint64(10) {
		s := world(seed)
		want := mustJSON(t, s.review(t, f, "", Options{}))
		r := rand.New(rand.NewPCG(seed, 6))
		for range 3 {
			r.Shuffle(len(s.results), func(i, j int) { s.results[i], s.results[j] = s.results[j], s.results[i] })
			if got := mustJSON(t, s.review(t, f, "", Options{})); got != want {
				t.Fatalf("seed %d: another order makes another review", seed)
			}
		}
	}
}

// An answer holds to the end of its last day.
func TestLastDay(t *testing.T) {
	f := load(t)
	for day, want := range map[string]State{"2026-11-30": Established, "2026-12-01": Undecided} {
		at, _ := time.Parse(time.DateOnly, day)
		v := scan().review(t, f, "answers: {OPS01-BP01: {state: yes, by: me, on: 2026-11-01, review_by: 2026-11-30}}", Options{Now: at.Add(23 * time.Hour)})
		if got := v.practice("OPS01-BP01").State; got != want {
			t.Errorf("on %s it is %s, want %s", day, got, want)
		}
	}
}
