package review

import (
	"fmt"
	"strings"
	"testing"

	"awsscanner/internal/engine"
	"awsscanner/rules"
)

// house is a framework of three questions whose plan a person can work out.
const house = `{"id":"house","edition":"1","title":"House rules","provenance":"ours","pillars":[{"id":"p","title":"P"}],"questions":[
 {"id":"H 1","key":"h1","pillar":"p","title":"Queues","harm":"Messages are lost","practices":[
  {"id":"H1-1","choice":"h1_a","title":"Dead letters are kept","level":"high","evidence":"partial","refutes":"yes","rules":["sqs-queue-dead-letter-queue"]},
  {"id":"H1-2","choice":"h1_b","title":"Queues are closed","level":"high","evidence":"partial","refutes":"yes","rules":["sqs-queue-not-public"]},
  {"id":"H1-3","choice":"h1_c","title":"Somebody reads them","level":"medium","evidence":"none","refutes":"no"}]},
 {"id":"H 2","key":"h2","pillar":"p","title":"Hosts","harm":"Hosts are taken","practices":[
  {"id":"H2-1","choice":"h2_a","title":"Images are hardened","level":"high","evidence":"partial","refutes":"yes","rules":["ec2-instance-imdsv2-required"]},
  {"id":"H2-2","choice":"h2_b","title":"Patches come fast","level":"high","evidence":"none","refutes":"no"},
  {"id":"H2-3","choice":"h2_c","title":"Hosts are few","level":"low","evidence":"none","refutes":"no"}]},
 {"id":"H 3","key":"h3","pillar":"p","title":"Habits","harm":"Nobody knows","practices":[
  {"id":"H3-1","choice":"h3_a","title":"Game days","level":"high","evidence":"none","refutes":"no"},
  {"id":"H3-2","choice":"h3_b","title":"Post mortems","level":"medium","evidence":"none","refutes":"no"}]}]}`

func houseReview(t *testing.T) *Review {
	t.Helper()
	f, err := Parse([]byte(house), rules.All)
	if err != nil {
		t.Fatal(err)
	}
	public := result("sqs-queue-not-public", engine.Failed, "open-queue", nil)
	public.Severity = engine.Critical
	return scan(
		result("sqs-queue-dead-letter-queue", engine.Failed, "q-1", nil), result("sqs-queue-dead-letter-queue", engine.Failed, "q-2", nil), public,
		result("ec2-instance-imdsv2-required", engine.Failed, "i-1", nil),
	).review(t, f, `
defaults: {by: ops, on: 2026-11-20}
answers:
  h1_c: {state: no}
  h2_a: {state: yes}
  h2_c: {state: partly}
  h3_a: {state: no, note: "next year"}
`, Options{})
}

func TestPlan(t *testing.T) {
	p := houseReview(t).Plan()
	var got []string
	for _, s := range p.Steps {
		got = append(got, fmt.Sprintf("%d %s %s: %s [%s; %s; %s]", s.N, s.Practice, s.Does, s.Because, s.Sum, s.Effort, strings.Join(s.Resources, ", ")))
	}
	// H 2 and H 3 take one practice each to leave high risk: that of H 2 has a failure of medium severity that is mended by a setting
	// that is replaced, that of H 3 is of high level and takes people. H 1 takes two, the public one first.
	want := []string{
		"1 H2-1 H 2 leaves HIGH, and is MEDIUM..HIGH: ops says yes, but the scan says: fails: ec2-instance-imdsv2-required (1) [severity 3 × exposure 1 / effort 2 = 1.5; medium; i-1 (eu-west-1)]",
		"2 H3-1 H 3 leaves HIGH, and is NONE..MEDIUM: ops says no [severity 4 × exposure 1 / effort 3 = 1.3; people; ]",
		"3 H1-2 H 1 leaves HIGH with this and the next 1 step: fails: sqs-queue-not-public (1) [severity 5 × exposure 2 / effort 2 = 5; medium; open-queue (eu-west-1)]",
		"4 H1-1 H 1 leaves HIGH, and is MEDIUM: fails: sqs-queue-dead-letter-queue (2) [severity 2 × exposure 1 / effort 1 = 2; small; q-1 (eu-west-1), q-2 (eu-west-1)]",
		"5 H1-3 H 1 leaves MEDIUM, and is NONE: ops says no [severity 3 × exposure 1 / effort 3 = 1; people; ]",
		"6 H2-3 H 2 leaves MEDIUM, and is NONE..HIGH: ops says partly [severity 2 × exposure 1 / effort 3 = 0.67; people; ]",
	}
	if a, b := strings.Join(got, "\n"), strings.Join(want, "\n"); a != b {
		t.Errorf("the plan is\n%s\nwant\n%s", a, b)
	}
	if p.High != 3 || p.Medium != 0 || p.Steps[0].Rules[0].Fix == "" || p.Steps[0].Rules[0].Fingerprint == "" {
		t.Errorf("%+v", p)
	}
}

// What is open, by what an answer would do: contradictions first.
func TestOpen(t *testing.T) {
	var got []string
	for _, a := range houseReview(t).Open() {
		got = append(got, fmt.Sprintf("%s %v %v: %s, yes %s, no %s", a.Practice, a.Value, a.Moves, a.Risk, a.IfYes, a.IfNo))
	}
	want := []string{
		"H2-1 5 true: HIGH, yes MEDIUM..HIGH, no HIGH", // shared with H2-2
		"H2-2 1 false: HIGH, yes HIGH, no HIGH",        // it is high anyway
		"H3-2 0.4 false: HIGH, yes HIGH, no HIGH",
	}
	if a, b := strings.Join(got, "\n"), strings.Join(want, "\n"); a != b {
		t.Errorf("open is\n%s\nwant\n%s", a, b)
	}
	f, err := Parse([]byte(house), rules.All)
	if err != nil {
		t.Fatal(err)
	}
	got = nil
	v := scan(result("ec2-instance-imdsv2-required", engine.Passed, "i-1", nil)).review(t, f, "defaults: {by: ops, on: 2026-11-20}\nanswers: {h1_a: {state: yes}, h1_b: {state: yes}, h3_b: {state: yes}}", Options{})
	for _, a := range v.Open() {
		got = append(got, fmt.Sprintf("%s %v %v: %s, yes %s, no %s", a.Practice, a.Value, a.Moves, a.Risk, a.IfYes, a.IfNo))
	}
	want = []string{
		"H3-1 10 true: NONE..HIGH, yes NONE, no HIGH",
		"H2-1 5 true: UNANSWERED, up to HIGH, yes NONE..HIGH, no HIGH", // the rule passes: quicker to confirm than H2-2
		"H2-2 5 true: UNANSWERED, up to HIGH, yes NONE..HIGH, no HIGH",
		"H1-3 4 true: NONE..MEDIUM, yes NONE, no MEDIUM",
		"H2-3 0.33 true: UNANSWERED, up to HIGH, yes NONE..HIGH, no MEDIUM..HIGH",
	}
	if a, b := strings.Join(got, "\n"), strings.Join(want, "\n"); a != b {
		t.Errorf("open is\n%s\nwant\n%s", a, b)
	}
}

// The steps that leave high risk are the fewest: without any one of them some question stays there, with all of them none does. Each step
// says truly what it does.
func TestPlanIsLeast(t *testing.T) {
	forWorlds(t, func(t *testing.T, seed uint64, f *Framework, s *told, answers string) {
		v := s.review(t, f, answers, Options{})
		p := v.Plan()
		established := map[string]bool{}
		risk := func(without string) (high, medium int) {
			for i := range v.Questions {
				q := &v.Questions[i]
				var states []State
				for _, x := range q.Practices {
					s := x.State
					if established[x.ID] && x.ID != without {
						s = Established
					}
					states = append(states, s)
				}
				switch q.q.risk(states, MediumRisk).Lower {
				case HighRisk:
					high++
				case MediumRisk:
					medium++
				}
			}
			return high, medium
		}
		if high, medium := risk(""); high != p.High || medium != p.Medium {
			t.Errorf("the plan begins with %d and %d risks, and the review has %d and %d", p.High, p.Medium, high, medium)
		}
		left := p.High
		var steps []string
		for _, x := range p.Steps {
			if left == 0 {
				break
			}
			established[x.Practice] = true
			steps = append(steps, x.Practice)
			now, _ := risk("")
			if (now < left) != (x.Remaining == 0) || x.From != HighRisk {
				t.Errorf("step %d says %s, and there are %d high risks after %d", x.N, x.Does, now, left)
			}
			left = now
		}
		if left > 0 {
			t.Errorf("the plan ends with %d high risks", left)
		}
		for _, id := range steps {
			if high, _ := risk(id); high != 1 {
				t.Errorf("without %s there are %d high risks", id, high)
			}
		}
		missing := v.Summary.States[NotEstablished] + v.Summary.States[Conflict]
		if len(p.Steps) != missing {
			t.Errorf("%d steps for %d practices that are missing", len(p.Steps), missing)
		}
	})
}
