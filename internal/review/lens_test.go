package review

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"awsscanner/internal/engine"
	"awsscanner/internal/lens"
	"awsscanner/rules"
)

// The lens is one that the WA Tool takes, its rules can all be reached, and they say what the review says.
func TestLens(t *testing.T) {
	f := load(t)
	v := scan(result("ec2-instance-imdsv2-required", engine.Failed, "i-secret-name", nil)).review(t, f, "workload: {name: shop}\nanswers: {SEC06-BP02: {state: yes, by: ann, on: 2026-11-20}}", Options{})
	l, err := v.Lens()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range l.Lint() {
		t.Errorf("%s", p)
	}
	b, err := l.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := lens.Parse(b); err != nil || len(again.Lint()) > 0 {
		t.Error(err)
	}
	for _, never := range []string{account, "i-secret-name", "arn:aws"} {
		if strings.Contains(string(b), never) {
			t.Errorf("the lens names %s", never)
		}
	}
	if !strings.Contains(string(b), "SEC06-BP02, high. Evidence: refuted, as these rules fail: ec2-instance-imdsv2-required (1).") {
		t.Error("the lens lacks the evidence")
	}
	n := 0
	r := rand.New(rand.NewPCG(1, 9))
	for i := range l.Pillars {
		if !slices.Contains([]string{"operationalExcellence", "security", "reliability", "performance", "costOptimization", "sustainability"}, l.Pillars[i].ID) {
			t.Errorf("there is no pillar %s", l.Pillars[i].ID)
		}
		for j := range l.Pillars[i].Questions {
			q := &l.Pillars[i].Questions[j]
			ours := f.Question(regexp.MustCompile(`^\S+ \d+`).FindString(q.Title))
			n++
			for range 40 {
				ticked, states := map[string]bool{}, []State{}
				for _, p := range ours.Practices {
					state := []State{Established, NotEstablished}[r.IntN(2)]
					ticked[p.Choice] = state == Established
					states = append(states, state)
				}
				want := ours.risk(states, MediumRisk).Lower
				got := Risk("")
				for _, rule := range q.RiskRules {
					c, err := lens.ParseCondition(rule.Condition)
					if err != nil {
						t.Fatal(err)
					}
					if c.Holds(func(id string) bool { return ticked[id] }) {
						got = map[lens.Risk]Risk{lens.HighRisk: HighRisk, lens.MediumRisk: MediumRisk, lens.NoRisk: NoRisk}[rule.Risk]
						break
					}
				}
				if got != want {
					t.Fatalf("%s: the lens says %s, and the review %s of %v", q.Title, got, want, states)
				}
			}
		}
	}
	if n != 57 {
		t.Errorf("%d questions", n)
	}

	// A framework of one's own, without what lenses of AWS have.
	h, err := Parse([]byte(house), rules.All)
	if err != nil {
		t.Fatal(err)
	}
	if l, err := scan().review(t, h, "", Options{}).Lens(); err != nil || len(l.Pillars) != 1 || l.Pillars[0].ID != "p__" {
		t.Errorf("%v", err)
	}
}
