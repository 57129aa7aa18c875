package review

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"awsscanner/internal/engine"
)

func answersOf(t *testing.T, f *Framework, name, text string) *Answers {
	t.Helper()
	a, err := DecodeAnswers(name, []byte("version: 1\n"+text), f, now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Several people answer about one workload. Nobody's answer is lost, and where they do not say the same nobody wins.
func TestMerge(t *testing.T) {
	f := load(t)
	ann := answersOf(t, f, "ann.yaml", `
workload: {name: shop}
answers:
  SEC01-BP01: {state: yes, by: ann, on: 2026-11-20}
  SEC01-BP02: {state: yes, by: ann, on: 2026-11-20}
  SEC01-BP03: {state: partly, by: ann, on: 2026-11-20}
  SEC01-BP04: {state: yes, by: ann, on: 2020-01-01}
  SEC06-BP02: {state: yes, by: ann, on: 2026-11-20}
questions: {"SUS 1": {applicable: false, by: ann}}
waivers: [{bp: SEC08-BP02, reason: r, owner: o, until: 2027-01-01}]
`)
	bob := answersOf(t, f, "bob.yaml", `
workload: {name: shop}
answers:
  SEC01-BP01: {state: no, by: bob, on: 2026-11-21, note: "not all"}
  SEC01-BP02: {state: yes, by: bob, on: 2026-11-22}
  SEC01-BP03: {state: no, by: bob, on: 2026-11-10}
  SEC01-BP04: {state: no, by: bob, on: 2026-11-21}
  SEC01-BP06: {state: na, by: bob, on: 2026-11-21}
  SEC06-BP02: {state: no, by: bob, on: 2026-11-21}
questions: {"SUS 1": {applicable: true, by: bob}}
`)
	for _, order := range [][]*Answers{{ann, bob}, {bob, ann}} {
		all, err := Merge(order)
		if err != nil || len(all) != 1 {
			t.Fatalf("%d workloads, %v", len(all), err)
		}
		reviews, err := New(f, all, scan(result("ec2-instance-imdsv2-required", engine.Failed, "i-1", nil)).report(t), Options{Now: now})
		if err != nil {
			t.Fatal(err)
		}
		v := reviews[0]
		for id, want := range map[string]string{
			"SEC01-BP01": "undecided none", "SEC01-BP02": "established yes", "SEC01-BP03": "not-established no", "SEC01-BP04": "not-established no", "SEC01-BP06": "not-applicable na",
			"SEC06-BP02": "not-established none", // the scan refutes it, whoever is right
		} {
			if p := v.practice(id); fmt.Sprintf("%s %s", p.State, p.Answer) != want {
				t.Errorf("%s is %s %s, want %s", id, p.State, p.Answer, want)
			}
		}
		if want := []string{"SEC01-BP01", "SEC06-BP02"}; !slices.Equal(v.Summary.Apart, want) {
			t.Errorf("to discuss: %v, want %v", v.Summary.Apart, want)
		}
		if by := v.practice("SEC01-BP02").Said.By; by != "bob" {
			t.Errorf("the later answer is not taken, but that of %s", by)
		}
		for i := range v.Questions {
			if q := &v.Questions[i]; q.ID == "SUS 1" && (q.Risk.Lower == NotApplicable || !strings.Contains(q.Note, "to discuss")) {
				t.Errorf("a question about which people do not agree is put aside: %s, %s", q.Risk, q.Note)
			}
		}
		text := strings.Join(v.conflicts(), "\n")
		if !strings.Contains(text, "ann says yes on 2026-11-20") || !strings.Contains(text, "bob says no on 2026-11-21, not all") {
			t.Errorf("to discuss is %s", text)
		}
	}
	if _, err := Merge([]*Answers{ann, answersOf(t, f, "x.yaml", "workload: {name: shop, regions: [eu-west-1]}")}); err == nil {
		t.Error("two workloads of one name are taken for one")
	}
}

// Whatever a second person says, a practice is never better than what the first or the second says alone.
func TestMergeRaisesNothing(t *testing.T) {
	forWorlds(t, func(t *testing.T, seed uint64, f *Framework, s *told, answers string) {
		r := rand.New(rand.NewPCG(seed, 21))
		head, _, _ := strings.Cut(answers, "defaults:")
		var b strings.Builder
		b.WriteString(head + "defaults: {by: you, on: 2026-11-02}\nanswers:\n  OPS01-BP01: {state: no}\n")
		for i := range f.Questions {
			for j := range f.Questions[i].Practices {
				if p := &f.Questions[i].Practices[j]; p.ID != "OPS01-BP01" && r.IntN(2) == 0 {
					fmt.Fprintf(&b, "  %s: {state: %s}\n", p.Choice, []string{"yes", "no", "partly", "na"}[r.IntN(4)])
				}
			}
		}
		first, second := answersOf(t, f, "a.yaml", answers), answersOf(t, f, "b.yaml", b.String())
		both, err := Merge([]*Answers{first, second})
		if err != nil {
			t.Fatal(err)
		}
		rep := s.report(t)
		of := func(a *Answers) *Review {
			all, err := New(f, []*Answers{a}, rep, Options{Now: now})
			if err != nil {
				t.Fatal(err)
			}
			return all[0]
		}
		x, y, z := of(first), of(second), of(both[0])
		for i := range z.Questions {
			for j := range z.Questions[i].Practices {
				p := &z.Questions[i].Practices[j]
				if best := max(height(x.Questions[i].Practices[j].State), height(y.Questions[i].Practices[j].State)); height(p.State) > best {
					t.Errorf("%s is %s, and alone they make it %s and %s", p.ID, p.State, x.Questions[i].Practices[j].State, y.Questions[i].Practices[j].State)
				}
			}
		}
	})
}
