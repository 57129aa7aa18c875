package ships

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

var from = time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)

func at(hours float64) time.Time { return from.Add(time.Duration(hours * float64(time.Hour))) }

func done(what string, hours float64, o Outcome) Deployment {
	return Deployment{Tool: "cloudformation", Account: "111122223333", Region: "eu-west-1", What: what, Tags: map[string]string{"app": "shop"}, Began: at(hours - 0.1), Ended: at(hours), Outcome: o}
}

func history(all ...Deployment) *History {
	return &History{Schema: Schema, From: from, To: from.AddDate(0, 0, 28), Read: []Place{{"111122223333", "eu-west-1"}}, Deployments: all}
}

func TestEstimate(t *testing.T) {
	h := history(
		done("a", 1, Succeeded), done("a", 2, Failed), done("a", 3, Failed), done("a", 5, Succeeded), // three hours from the first failure on
		done("b", 2, Failed), done("b", 3, Stopped), // still broken
		done("c", 4, Failed), done("c", 5, Succeeded),
		Deployment{Tool: "codedeploy", Account: "111122223333", Region: "eu-west-1", What: "a", Began: at(9), Outcome: Running},
		Deployment{Tool: "codedeploy", Account: "444455556666", Region: "eu-west-1", What: "a", Began: at(9), Ended: at(10), Outcome: Succeeded},
	)
	h.Gaps = []Gap{{"111122223333", "eu-west-1", "c", "w"}, {"111122223333", "us-east-1", "c", "w"}, {"111122223333", "", "sts:AssumeRole", "w"}, {"444455556666", "eu-west-1", "c", "w"}}
	e := h.Estimate(Selection{Accounts: []string{"111122223333", "777788889999"}, Regions: []string{"eu-*"}})
	if e.Deployments != 7 || e.Failed != 4 || *e.FailedShare != 57.1 || e.PerWeek != 1.8 || e.Restored != 3 || e.Unrestored != 1 || *e.Restore != 120 || e.Running != 1 || e.Stopped != 1 || e.Unknown != 0 ||
		len(e.Gaps) != 2 || !slices.Equal(e.Unread, []string{"777788889999"}) {
		t.Errorf("%+v, restore %v, share %v", e, *e.Restore, *e.FailedShare)
	}
	if e = h.Estimate(Selection{Tags: map[string][]string{"app": {"sh*"}}}); e.Deployments != 7 || e.Unknown != 2 {
		t.Errorf("by tags there are %d, and %d of which nobody knows", e.Deployments, e.Unknown)
	}
	if e = h.Estimate(Selection{Tags: map[string][]string{"app": {"bank"}}}); e.Deployments != 0 || e.FailedShare != nil || e.Restore != nil || !strings.HasPrefix(e.Lines[0], "no deployment ended in 28 days") {
		t.Errorf("of nothing there is %+v", e)
	}
	for _, line := range e.Lines {
		for _, grade := range []string{"elite", "good", "poor", "high perform", "score"} {
			if strings.Contains(strings.ToLower(line), grade) {
				t.Errorf("%q is a grade", line)
			}
		}
	}
}

// The order in which deployments stand changes nothing, shares stay shares, and each failure is counted once.
func TestEstimateLaws(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		var all []Deployment
		for i := range r.IntN(30) {
			all = append(all, done([]string{"a", "b", "c"}[r.IntN(3)], float64(i)+1, []Outcome{Succeeded, Succeeded, Failed, Stopped}[r.IntN(4)]))
		}
		e := history(all...).Estimate(Selection{})
		if e.Failed != e.Restored+e.Unrestored || e.Failed > e.Deployments || e.FailedShare != nil && (*e.FailedShare < 0 || *e.FailedShare > 100) || e.Restore != nil && *e.Restore <= 0 {
			t.Fatalf("seed %d: %+v", seed, e)
		}
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		if got := history(all...).Estimate(Selection{}); !slices.Equal(got.Lines, e.Lines) {
			t.Fatalf("seed %d: in another order %q, and was %q", seed, got.Lines, e.Lines)
		}
	}
}

func TestRead(t *testing.T) {
	var b strings.Builder
	h := history(done("a", 1, Succeeded))
	if err := h.Write(&b); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(strings.NewReader(b.String())); err != nil {
		t.Error(err)
	}
	for old, new := range map[string]string{Schema: "x/v1", `"outcome": "succeeded"`: `"outcome": "fine"`, `"ended": "2026-11-03T01:00:00Z"`: `"ended": "2020-11-03T01:00:00Z"`, `"tool"`: `"tol"`, `"to": "2026-12-01`: `"to": "2026-11-01`} {
		if text := strings.Replace(b.String(), old, new, 1); text == b.String() {
			t.Errorf("there is no %s in %s", old, text)
		} else if _, err := Read(strings.NewReader(text)); err == nil {
			t.Errorf("%s is taken", new)
		}
	}
}
