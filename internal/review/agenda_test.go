package review

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// An agenda keeps to its time, asks each question once, and asks nobody who does not know.
func TestAgenda(t *testing.T) {
	f := load(t)
	for q := range knowsOf {
		if f.Question(q) == nil {
			t.Errorf("there is no question %s", q)
		}
	}
	for i := range f.Pillars {
		if knows[f.Pillars[i].ID] == nil {
			t.Errorf("nobody knows %s", f.Pillars[i].ID)
		}
	}
	forWorlds(t, func(t *testing.T, seed uint64, f *Framework, s *told, answers string) {
		v := s.review(t, f, answers, Options{})
		open := map[string]bool{}
		for _, a := range v.Open() {
			open[a.Practice] = true
		}
		for _, with := range [][]string{nil, {"finance"}, {"dev", "ops", "finance"}, Roles} {
			for _, minutes := range []int{LeastMinutes, 60, 240, 100_000} {
				g := v.Agenda(minutes, with)
				at, asked := opening, map[string]int{}
				for _, x := range slices.Concat(g.Items, g.Later, g.Absent) {
					for _, a := range x.Practices {
						asked[a.Practice]++
					}
				}
				for _, x := range g.Items {
					if x.At != at {
						t.Errorf("%s is at %d, and should be at %d", x.Question, x.At, at)
					}
					at += x.Minutes
					if len(with) > 0 && !slices.ContainsFunc(x.Who, func(role string) bool { return slices.Contains(with, role) }) {
						t.Errorf("of %v nobody knows %s", with, x.Question)
					}
				}
				if g.Used != at+closing || g.Used > minutes {
					t.Errorf("the agenda of %d minutes takes %d", minutes, g.Used)
				}
				if len(asked) != len(open) {
					t.Errorf("%d of %d open practices are somewhere in the agenda", len(asked), len(open))
				}
				for id, n := range asked {
					if n != 1 || !open[id] {
						t.Errorf("%s is asked %d times", id, n)
					}
				}
				if minutes == 100_000 && (len(g.Later) > 0 || len(with) == 0 && len(g.Absent) > 0 || len(with) == len(Roles) && len(g.Absent) > 0) {
					t.Errorf("with all the time and %v, %d are left out and %d not known", with, len(g.Later), len(g.Absent))
				}
			}
		}
	})
	var b bytes.Buffer
	if err := nasty(t).Agenda(240, []string{"dev", "ops", "finance"}).Markdown(&b); err != nil || !strings.Contains(b.String(), "\n- 0:05 **") || strings.ContainsAny(b.String(), "\x1b\u202e") {
		t.Errorf("%v\n%s", err, b.String())
	}
}
