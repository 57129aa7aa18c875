package waiver

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/match"
	"awsscanner/internal/model"
)

// A Use is what became of a waiver in a scan.
type Use struct {
	Results int // that it accepts
	Passed  int // that it means, but that are neither failures nor gaps
	Unsure  int // that it may mean, if more were known of them
	earlier int // waiver that accepts what this one means, too; -1 if none does
}

// A Tally counts for what each waiver is used.
type Tally struct {
	list *List
	at   time.Time
	Uses []Use
}

// NewTally begins to count.
func (l *List) NewTally(at time.Time) *Tally {
	t := &Tally{l, at, make([]Use, len(l.All))}
	for i := range t.Uses {
		t.Uses[i].earlier = -1
	}
	return t
}

// Add counts a result.
func (t *Tally) Add(r *engine.Result) {
	s := match.Result(r)
	open := r.Status == engine.Failed || r.Status == engine.NotAssessed
	first := -1
	for _, i := range t.list.rules[r.Rule.ID] {
		w, use := &t.list.All[i], &t.Uses[i]
		if w.Expired(t.at) {
			continue
		}
		switch answer := w.Ask(s); {
		case answer == match.Unknown:
			use.Unsure++
		case answer == match.No:
		case !open:
			use.Passed++
		case first < 0:
			first = i
			use.Results++
		case use.earlier < 0:
			use.earlier = first
		}
	}
}

// A Fate says what to do with a waiver.
type Fate string

const (
	Used     Fate = "used"
	Unused   Fate = "unused"      // it can be removed
	Expired  Fate = "expired"     // it does nothing any more
	CantTell Fate = "cannot tell" // the scan did not see all that it may mean
)

// Fate returns what became of a waiver, and why. A waiver is unused only if all that it may mean was seen.
func (t *Tally) Fate(i int, h engine.Header, judged []engine.Rule, all []engine.Rule) (fate Fate, why string) {
	w, use := &t.list.All[i], t.Uses[i]
	switch {
	case w.Expired(t.at):
		return Expired, "on " + w.Expires.String()
	case use.Results > 0:
		return Used, fmt.Sprintf("accepts %d", use.Results)
	}
	var missing []string
	for n := range all {
		r := &all[n]
		if w.Ask(&match.Subject{Rule: r}) != match.No && !slices.ContainsFunc(judged, func(x engine.Rule) bool { return x.ID == r.ID }) {
			missing = append(missing, r.ID)
		}
	}
	read := h.Accounts()
	var elsewhere []string
	for _, id := range w.accounts() {
		if !slices.Contains(read, id) {
			elsewhere = append(elsewhere, id)
		}
	}
	for _, p := range h.Unread {
		if slices.ContainsFunc(judged, func(r engine.Rule) bool {
			scope := r.Check.Subject.Scope
			return scope != model.AccountSubject && scope != model.Global && w.Ask(match.At(&r, p)) != match.No
		}) {
			elsewhere = append(elsewhere, unread(p))
		}
	}
	switch {
	case len(missing) > 0:
		return CantTell, "the scan did not judge by " + some(missing)
	case len(elsewhere) > 0:
		return CantTell, "the scan did not read " + some(elsewhere)
	case use.Unsure > 0:
		return CantTell, fmt.Sprintf("whether it means what a list or tags would tell is not known (%d)", use.Unsure)
	case use.earlier >= 0:
		return Unused, "what it means is accepted by " + t.list.Place(use.earlier) + " already"
	case use.Passed > 0:
		return Unused, fmt.Sprintf("what it means is no failure (%d)", use.Passed)
	}
	return Unused, "nothing is there that it means"
}

func unread(p model.Place) string {
	if p.Region == model.AnyRegion {
		return "all regions of " + p.Account
	}
	return p.Region + " of " + p.Account
}

func some(names []string) string {
	text := strings.Join(names[:min(3, len(names))], ", ")
	if len(names) > 3 {
		text += fmt.Sprintf(" and %d more", len(names)-3)
	}
	return text
}

// accounts lists the accounts that a waiver names.
func (w *Waiver) accounts() []string {
	var gather func(c *match.Condition) []string
	gather = func(c *match.Condition) (ids []string) {
		ids = slices.Clone(c.Account)
		for i := range c.Any {
			ids = append(ids, gather(&c.Any[i])...)
		}
		for i := range c.All {
			ids = append(ids, gather(&c.All[i])...)
		}
		return ids
	}
	return gather(&w.Condition)
}
