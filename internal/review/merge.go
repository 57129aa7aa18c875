package review

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Merge puts together the answers of several people: those about the same workload become one. Where they say otherwise of a practice, nobody
// wins: it is open, and to be discussed.
func Merge(all []*Answers) (merged []*Answers, err error) {
	for _, a := range all {
		i := slices.IndexFunc(merged, func(b *Answers) bool { return b.Workload.Name == a.Workload.Name })
		if i < 0 {
			merged = append(merged, a)
			continue
		}
		if merged[i], err = merged[i].with(a); err != nil {
			return nil, err
		}
	}
	return merged, nil
}

// with returns the answers of two files about one workload.
func (a *Answers) with(b *Answers) (*Answers, error) {
	x, y := a.Workload, b.Workload
	x.Environment, x.Owner, y.Environment, y.Owner = "", "", "", ""
	if !reflect.DeepEqual(x, y) {
		return nil, fmt.Errorf("%s and %s are about the same workload, %q, but not about the same accounts, regions and tags: make them alike, or give it two names", a.Name, b.Name, a.Workload.Name)
	}
	if a.Low != "" && b.Low != "" && a.Low != b.Low {
		return nil, fmt.Errorf("%s and %s say otherwise of low_counts_as: make them alike", a.Name, b.Name)
	}
	m := &Answers{Name: a.Name + ", " + b.Name, Workload: a.Workload, Low: a.Low, Register: maps.Clone(a.Register), several: true,
		of: maps.Clone(a.of), scoped: maps.Clone(a.scoped), passes: map[*Practice][]*Waiver{}}
	if m.Low == "" {
		m.Low = b.Low
	}
	for p, y := range b.of {
		x := m.of[p]
		if x == nil {
			m.of[p] = y
			continue
		}
		both := *x
		both.others = slices.Concat(x.others, []*Answer{y}, y.others)
		m.of[p] = &both
	}
	for q, y := range b.scoped {
		x := m.scoped[q]
		if x == nil || *x.Applicable == *y.Applicable {
			m.scoped[q] = y
			continue
		}
		applies := true // a question is not put aside as long as somebody wants it asked
		m.scoped[q] = &Scoped{Applicable: &applies, By: join(x.By, y.By), Note: fmt.Sprintf("to discuss: does the question apply? %s: %s; %s: %s", a.Name, applied(x), b.Name, applied(y))}
	}
	for _, x := range []*Answers{a, b} {
		for p, all := range x.passes {
			m.passes[p] = append(m.passes[p], all...)
		}
	}
	for ref, y := range b.Register {
		x, is := m.Register[ref]
		if m.Register == nil {
			m.Register = map[string]Row{}
		}
		if is && !reflect.DeepEqual(x, y) {
			return nil, fmt.Errorf("%s and %s say otherwise of the row %s of the register: make them alike", a.Name, b.Name, short(ref))
		}
		m.Register[ref] = y
	}
	return m, nil
}

func applied(s *Scoped) string {
	if *s.Applicable {
		return "yes"
	}
	return "no"
}

func join(texts ...string) string {
	return strings.Join(slices.DeleteFunc(slices.Compact(texts), func(t string) bool { return t == "" }), ", ")
}

// agreed returns what several people say of a practice, as one answer. Who does not agree is returned too; then nobody has answered.
func (x *Answer) agreed(now time.Time) (said Said, answer *Answer, lapsed bool, apart []*Answer) {
	all := append([]*Answer{x}, x.others...)
	var hold []*Answer
	for _, y := range all {
		if y.State != NoReply && now.Before(y.until) {
			hold = append(hold, y)
		}
	}
	if len(hold) == 0 {
		i := slices.IndexFunc(all, func(y *Answer) bool { return y.State != NoReply })
		if i < 0 {
			return NoReply, x, false, nil
		}
		return NoReply, all[i], true, nil
	}
	kind := func(y *Answer) Said {
		if y.State == Partly {
			return No
		}
		return y.State
	}
	answer = hold[0]
	for _, y := range hold[1:] {
		if kind(y) != kind(answer) {
			return NoReply, answer, false, hold
		}
		if y.State == No && answer.State == Partly || y.State == answer.State && y.On.After(answer.On.Time) { // the worse, then the later
			answer = y
		}
	}
	return answer.State, answer, false, nil
}
