package watool

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Mark is what is said of a choice.
type Mark string

const (
	Unticked Mark = "unticked"
	Ticked   Mark = "ticked"
	NA       Mark = "not applicable"
)

// An Answer is the answer to a question as the WA Tool has it.
type Answer struct {
	Key        string
	Choices    []string // all that there are, in order
	Selected   []string
	NA         map[string]string // reasons of choices that are not applicable
	Remarks    map[string]string // notes of choices
	Notes      string
	Applicable bool
	Reason     string
	Risk       string
}

// None returns the choice that says none of these; "" if there is none.
func (a *Answer) None() string {
	for _, c := range a.Choices {
		if strings.HasSuffix(c, "_no") {
			return c
		}
	}
	return ""
}

// mark returns what is said of a choice.
func (a *Answer) mark(choice string) Mark {
	if _, na := a.NA[choice]; na {
		return NA
	}
	if slices.Contains(a.Selected, choice) {
		return Ticked
	}
	return Unticked
}

// touched reports whether people have answered it.
func (a *Answer) touched() bool { return len(a.Selected)+len(a.NA) > 0 || !a.Applicable }

// A Synced is what both sides last said of a question, so far as they said the same: of any other choice nobody knows who was right.
type Synced struct {
	Applicable bool            `json:"applicable"`
	Agreed     map[string]Mark `json:"agreed"` // by choice
}

// mark returns what both sides said of a choice; nil if they have never said the same.
func (s *Synced) mark(choice string) *Mark {
	if s == nil {
		return nil
	}
	m, agreed := s.Agreed[choice]
	if !agreed {
		return nil
	}
	return &m
}

// A Wish is what we want of a question: what people have answered here, and evidence for its notes.
type Wish struct {
	Key     string
	Title   string
	Choices map[string]Want // those that people have decided
	Hidden  bool            // the question is not applicable
	Reason  string
	Lines   []string // evidence
	NoneYet bool     // people have answered every choice, and none is in place
}

// A Want is what we want of a choice.
type Want struct {
	Mark   Mark
	Reason string // why it is not applicable
	Force  bool   // whatever people have ticked there: the scan refutes it, and somebody has asked for that
}

// A Change is what a push does to a question.
type Change struct {
	Key       string   `json:"question"`
	Title     string   `json:"title"`
	Tick      []string `json:"tick"`
	Untick    []string `json:"untick"`
	NA        []string `json:"notApplicable"`
	Hide      bool     `json:"hide,omitempty"`  // the whole question becomes not applicable
	Show      bool     `json:"show,omitempty"`  // it becomes applicable again
	Notes     bool     `json:"notes,omitempty"` // our part of the notes changes
	Conflicts []string `json:"conflicts"`       // then nothing is written

	to     Answer
	agreed Synced // afterwards
}

// Empty reports whether there is nothing to write.
func (c *Change) Empty() bool {
	return len(c.Tick)+len(c.Untick)+len(c.NA) == 0 && !c.Hide && !c.Show && !c.Notes
}

// three merges a mark that was, is there, and is wanted here. Without base nobody knows what it was: then whoever has said something there is not
// overruled.
func three(base *Mark, there, here Mark) (to Mark, conflict bool) {
	switch {
	case here == there:
		return there, false
	case base == nil && there == Unticked: // nobody has said anything there
		return here, false
	case base == nil:
		return there, true
	case there == *base:
		return here, false
	case here == *base:
		return there, false
	}
	return there, true
}

// Merge works out what to write to a question so that both sides say the same. What both have changed, and otherwise, is a conflict.
func Merge(there *Answer, base *Synced, w *Wish, day string) *Change {
	c := &Change{Key: w.Key, Title: w.Title, Tick: []string{}, Untick: []string{}, NA: []string{}, Conflicts: []string{}, to: *there}
	c.to.NA, c.to.Remarks = maps.Clone(there.NA), there.Remarks
	if c.to.NA == nil {
		c.to.NA = map[string]string{}
	}
	c.agreed.Agreed = map[string]Mark{}
	conflict := func(format string, args ...any) { c.Conflicts = append(c.Conflicts, fmt.Sprintf(format, args...)) }
	if w.Hidden {
		switch {
		case !there.Applicable:
		case base == nil && there.touched(), base != nil && !base.Applicable: // they have answered it, or made it applicable again
			conflict("the question is not applicable here, and answered there")
		default:
			c.Hide, c.to.Applicable, c.to.Reason = true, false, w.Reason
		}
	}
	decided := slices.Sorted(maps.Keys(w.Choices))
	if base != nil {
		maps.Copy(c.agreed.Agreed, base.Agreed)
	}
	if !there.Applicable && !w.Hidden && len(decided) > 0 {
		if base != nil && !base.Applicable { // it was out of question on both sides, and is not here any more
			c.Show, c.to.Applicable, c.to.Reason = true, true, ""
		} else {
			conflict("the question is answered here, and not applicable there")
		}
	}
	selected := map[string]bool{}
	for _, choice := range there.Selected {
		selected[choice] = true
	}
	for _, choice := range decided {
		want, now := w.Choices[choice], there.mark(choice)
		to, clash := three(base.mark(choice), now, want.Mark)
		if want.Force && want.Mark != now {
			to, clash = want.Mark, false
		}
		if clash {
			conflict("%s is %s here and %s there", choice, want.Mark, now)
			continue
		}
		if to == want.Mark {
			c.agreed.Agreed[choice] = to
		}
		if to == now {
			continue
		}
		delete(selected, choice)
		delete(c.to.NA, choice)
		switch to {
		case Ticked:
			selected[choice] = true
			c.Tick = append(c.Tick, choice)
		case Unticked:
			c.Untick = append(c.Untick, choice)
		case NA:
			c.to.NA[choice] = cmp.Or(want.Reason, "NONE")
			c.NA = append(c.NA, choice)
		}
	}
	if none := there.None(); none != "" {
		rest := len(selected)
		if selected[none] {
			rest--
		}
		switch {
		case selected[none] && rest > 0:
			conflict("people have ticked there that none of these is in place, and something is here")
		case w.NoneYet && !there.touched() && rest == 0 && !selected[none]:
			selected[none] = true
			c.Tick = append(c.Tick, none)
		}
	}
	c.to.Selected = nil
	for _, choice := range there.Choices { // in their order, and with those that only the tool knows
		if selected[choice] {
			c.to.Selected = append(c.to.Selected, choice)
		}
	}
	notes, err := withSection(there.Notes, day, w.Lines)
	switch {
	case err != nil:
		conflict("%s", err)
	case notes != there.Notes && !sameSection(there.Notes, notes):
		c.Notes, c.to.Notes = true, notes
	}
	c.agreed.Applicable = c.to.Applicable
	return c
}

// A Taken is what a pull does to the answer about a choice.
type Taken struct {
	Choice   string `json:"choice"`
	Mark     Mark   `json:"mark"`
	Reason   string `json:"reason,omitempty"`
	Remark   string `json:"note,omitempty"`
	Conflict string `json:"conflict,omitempty"` // then nothing is written
}

// Take works out what a pull changes here. Here is what people say of each choice here; nothing if they say nothing. What is merely not ticked
// there says nothing, unless somebody wants it to.
func Take(there *Answer, base *Synced, here map[string]Mark, choices []string, untickedSaysNo bool) (all []Taken) {
	for _, choice := range choices {
		now := there.mark(choice)
		if !there.Applicable {
			now = NA
		}
		was, said := here[choice]
		t := Taken{Choice: choice, Mark: now, Reason: there.NA[choice], Remark: there.Remarks[choice]}
		if !there.Applicable {
			t.Reason = there.Reason
		}
		switch {
		case !said && now == Unticked && !(untickedSaysNo && there.touched()):
			continue
		case said && was == now:
			continue
		case said:
			switch b := base.mark(choice); {
			case b == nil && now == Unticked, b != nil && now == *b: // nothing was said there since
				continue
			case b != nil && was == *b: // nothing was said here since
			default:
				t.Conflict = fmt.Sprintf("%s is %s here and %s there", choice, was, now)
			}
		}
		all = append(all, t)
	}
	return all
}
