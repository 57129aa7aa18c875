package engine

import (
	"encoding/json"
	"strings"

	"awsscanner/internal/model"
)

// A Sight is something that a rule has read to judge a resource.
type Sight struct {
	Read  string // as the rule declares it: "sqs.Queue.KMSKey"
	Call  string // that tells it: several joined by "|" if any suffices, by "+" if all are needed
	Value string // as JSON, of the subject and of facts about its account and region; "" for what is looked up among others
	Gap   *model.Gap
	Among int // how many resources of another kind there are to look it up in, in the account; -1 if it is not that
}

// Sights lists what the rule of a result could read to judge it. Of recorded results nothing is known.
func (s *Scan) Sights(r *Result) (all []Sight) {
	if r.of == nil || r.snap == nil {
		return nil
	}
	m, subject := r.of.About(), model.TypeOf(r.of)
	for _, read := range r.Rule.Needs() {
		t, a, err := s.kinds.Resolve(read)
		if err != nil && (read == subject.Name || strings.HasPrefix(read, subject.Name+".")) {
			t, a, err = model.Table{subject.Kind: subject}.Resolve(read)
		}
		if err != nil {
			continue
		}
		x := Sight{Read: read, Call: t.List, Among: -1}
		if a != nil {
			x.Call = a.Call()
		}
		of := r.of
		switch t.Scope {
		case model.AccountSubject, model.RegionSubject:
			region := m.Region
			if t.Scope == model.AccountSubject {
				region = ""
			}
			of = nil
			for _, fact := range r.snap.All(t) {
				if about := fact.About(); about.Account == m.Account && about.Region == region {
					of = fact
				}
			}
		}
		switch {
		case t.Kind != subject.Kind && (of == nil || model.TypeOf(of) != t):
			x.Among = 0
			for _, other := range r.snap.All(t) {
				if other.About().Account == m.Account {
					x.Among++
				}
			}
			if holes := r.snap.holesIn(t, scope{Account: m.Account}); len(holes) > 0 {
				x.Gap = holes[0].Gap
			}
		case a == nil || of == nil:
		default:
			if _, gap := a.References(of); gap != nil {
				x.Gap = gap
			} else if text, err := json.Marshal(a.Value(of)); err == nil {
				x.Value = string(text)
			}
		}
		all = append(all, x)
	}
	return all
}
