package engine

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"awsscanner/internal/model"
)

// A Header says what a snapshot is of. Without it "there is none" would never be certain.
type Header struct {
	Schema       string                     `json:"schema"`
	Tool         string                     `json:"tool,omitempty"` // version of the scanner that read it
	Partition    string                     `json:"partition,omitempty"`
	Start        time.Time                  `json:"start"`                  // the time at which rules judge
	Caller       string                     `json:"caller,omitempty"`       // ARN
	Read         []model.Place              `json:"read"`                   // regions that were read
	Unread       []model.Place              `json:"unread,omitempty"`       // enabled regions that were left out; "*" if they could not be listed
	Skipped      []Skip                     `json:"skipped,omitempty"`      // regions that are switched off, accounts that were not picked, services that AWS does not offer
	Organization bool                       `json:"organization,omitempty"` // every account of it was read
	Listed       []model.Kind               `json:"listed"`                 // of any other kind nothing is known, not even that there is none
	Rules        []string                   `json:"rules,omitempty"`        // for which it was collected
	Names        map[string]string          `json:"names,omitempty"`        // of accounts, as the organization tells them
	Tags         bool                       `json:"tags,omitempty"`         // so were the tags of what they judge
	Params       map[string]json.RawMessage `json:"params,omitempty"`       // of these rules, where they differ from the defaults

	AccountParams map[string]map[string]json.RawMessage `json:"accountParams,omitempty"` // the same in single accounts, by account and rule
	Severities    map[string]Severity                   `json:"severities,omitempty"`    // of these rules, where somebody has set them
}

// A Skip is a region that has nothing to list, or an account of the organization that is not read, and why. If it names a service, only
// that has nothing to list there: AWS does not offer it in the region or, if there is none, in the partition, whatever the account.
type Skip struct {
	model.Place
	Service string       `json:"service,omitempty"` // as the SDK calls it: "guardduty"
	Reason  model.Reason `json:"reason"`
	Why     string       `json:"why,omitempty"` // in words, where the reason says too little
}

// of returns the header of the part that one account is.
func (h Header) of(account string) Header {
	elsewhere := func(p model.Place) bool { return p.Account != account }
	h.Read = slices.DeleteFunc(slices.Clone(h.Read), elsewhere)
	h.Unread = slices.DeleteFunc(slices.Clone(h.Unread), elsewhere)
	h.Skipped = slices.DeleteFunc(slices.Clone(h.Skipped), func(s Skip) bool { return s.Account != "" && elsewhere(s.Place) })
	h.Organization = false
	return h
}

// lacks returns the entry that says that AWS does not offer a service in a region or, if that is "", in the whole partition.
func (h *Header) lacks(service, region string) (Skip, bool) {
	for _, s := range h.Skipped {
		if s.Service == service && (s.Region == "" || s.Region == region) {
			return s, true
		}
	}
	return Skip{}, false
}

// Accounts lists the accounts that were read, in order.
func (h Header) Accounts() (all []string) {
	for _, p := range h.Read {
		all = append(all, p.Account)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Regions lists the regions that were read in any account, in order.
func (h Header) Regions() (all []string) {
	for _, p := range h.Read {
		if p.Region != "" { // of an account that could not be entered none was
			all = append(all, p.Region)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// An End says how the reading went.
type End struct {
	Finished  time.Time `json:"finished"`
	Calls     int       `json:"calls"`               // requests sent, retries included
	Throttled int       `json:"throttled,omitempty"` // of them, how many AWS answered with a throttle
	Lines     int       `json:"lines"`               // of the file, between header and end
}

// A Hole says that a kind could not be listed, so that resources may be missing.
type Hole struct {
	Kind        model.Kind `json:"unlisted"`
	model.Place            // without a region: anywhere in the account
	ID          string     `json:"id,omitempty"` // only this one, which something refers to
	Gap         *model.Gap `json:"gap"`
}

// An Absence says that a resource that something refers to does not exist.
type Absence struct {
	Kind model.Kind `json:"absent"`
	model.Place
	ID string `json:"id"`
}

// A Snapshot is what is known at one time about an account, or about several so far as that is in memory. It may be read by
// many, or changed by one.
type Snapshot struct {
	Header
	End
	read   map[model.Place]bool // the regions read, and their accounts
	byKind map[model.Kind]*collection
	holes  map[model.Kind][]Hole
	absent map[model.Kind]map[key]bool
	names  map[string]string // accounts and regions of what was loaded

	mu    sync.RWMutex
	cache map[any]func() any // what is computed from the above: sorted kinds, joins, indexes
}

type key struct{ account, region, id string }

func keyOf(r model.Resource) key { m := r.About(); return key{m.Account, m.Region, m.ID} }

func (x key) compare(y key) int {
	if x.account != y.account {
		return cmp.Compare(x.account, y.account)
	}
	if x.region != y.region {
		return cmp.Compare(x.region, y.region)
	}
	return cmp.Compare(x.id, y.id)
}

// A collection is the resources of one kind in the order in which they came, which is often the final one.
type collection struct {
	all []model.Resource
	at  map[key]int // in all
}

// get returns a resource, or nil if there is none.
func (c *collection) get(k key) model.Resource {
	if c != nil {
		if i, ok := c.at[k]; ok {
			return c.all[i]
		}
	}
	return nil
}

func (c *collection) put(r model.Resource) {
	k := keyOf(r)
	if i, ok := c.at[k]; ok {
		c.all[i] = r
		return
	}
	c.at[k] = len(c.all)
	c.all = append(c.all, r)
}

// sorted returns the resources in the order of account, region and ID. It takes the keys along: to fetch them from the
// resources for each comparison would cost more than the sorting.
func (c *collection) sorted() []model.Resource {
	if c == nil {
		return nil
	}
	type entry struct {
		key
		r model.Resource
	}
	entries := make([]entry, len(c.all))
	for i, r := range c.all {
		entries[i] = entry{keyOf(r), r}
	}
	slices.SortFunc(entries, func(a, b entry) int { return a.compare(b.key) })
	out := make([]model.Resource, len(entries))
	for i := range entries {
		out[i] = entries[i].r
	}
	return out
}

func NewSnapshot(h Header) *Snapshot {
	h.Schema = schema
	if h.Read == nil {
		h.Read = []model.Place{}
	}
	if h.Listed == nil {
		h.Listed = []model.Kind{}
	}
	s := &Snapshot{Header: h, read: map[model.Place]bool{}, byKind: map[model.Kind]*collection{}, holes: map[model.Kind][]Hole{},
		absent: map[model.Kind]map[key]bool{}}
	for _, p := range h.Read {
		s.read[p], s.read[model.Place{Account: p.Account}] = true, true
	}
	return s
}

// Put adds a resource or replaces it: the whole of an event-driven update.
func (s *Snapshot) Put(r model.Resource) {
	c := s.byKind[r.Kind()]
	if c == nil {
		c = &collection{at: map[key]int{}}
		s.byKind[r.Kind()] = c
	}
	model.Explain(r)
	c.put(r)
	s.cache = nil
}

func (s *Snapshot) PutHole(h Hole) {
	s.holes[h.Kind] = append(s.holes[h.Kind], h)
	s.cache = nil
}

func (s *Snapshot) PutAbsence(a Absence) {
	if s.absent[a.Kind] == nil {
		s.absent[a.Kind] = map[key]bool{}
	}
	s.absent[a.Kind][key{a.Account, a.Region, a.ID}] = true
	s.cache = nil
}

// PutCell adds all that is in a cell.
func (s *Snapshot) PutCell(c Cell) {
	for _, r := range c.Resources {
		s.Put(r)
	}
	for _, h := range c.Holes {
		s.PutHole(h)
	}
	for _, a := range c.Absences {
		s.PutAbsence(a)
	}
}

// Reads reports whether an account is one of those that were read.
func (s *Snapshot) Reads(account string) bool { return s.read[model.Place{Account: account}] }

// lists reports whether a kind was asked for at all.
func (s *Snapshot) lists(k model.Kind) bool { return slices.Contains(s.Listed, k) }

// cached computes what depends on the snapshot alone, once.
func cached[T any](s *Snapshot, key any, compute func() T) T {
	s.mu.Lock()
	f := s.cache[key]
	if f == nil {
		f = sync.OnceValue(func() any { return compute() }) // outside of the lock: one may need another
		if s.cache == nil {
			s.cache = map[any]func() any{}
		}
		s.cache[key] = f
	}
	s.mu.Unlock()
	return f().(T)
}

// lookup returns what cached has computed. It keeps nothing, so that joins, which ask for each resource anew, need no
// memory for the key and the function.
func lookup[T any](s *Snapshot, key any) (x T, ok bool) {
	s.mu.RLock()
	f := s.cache[key]
	s.mu.RUnlock()
	if f == nil {
		return x, false
	}
	return f().(T), true
}

// All returns the resources of a kind in the order of account, region and ID. Accounts and
// regions are always there as subjects, even if nothing is known about them.
func (s *Snapshot) All(t *model.Type) []model.Resource {
	return cached(s, t.Kind, func() []model.Resource {
		c := s.byKind[t.Kind]
		if subjects := t.Subjects(s.Read); len(subjects) > 0 {
			known := c.sorted()
			c = &collection{at: map[key]int{}}
			for _, r := range subjects {
				model.Explain(r)
				c.put(r)
			}
			for _, r := range known {
				c.put(r)
			}
		}
		return c.sorted()
	})
}

// holesOf returns where resources of a kind may be missing: everywhere, if nobody asked for them.
func (s *Snapshot) holesOf(t *model.Type) []Hole {
	if t.List == "" || s.lists(t.Kind) {
		return s.holes[t.Kind]
	}
	out := slices.Clone(s.holes[t.Kind]) // of references that were followed
	seen := map[model.Place]bool{}
	for _, p := range s.Read {
		if t.Scope == model.Global {
			p.Region = ""
		}
		if !seen[p] {
			seen[p] = true
			out = append(out, Hole{t.Kind, p, "", &model.Gap{Reason: model.NotCollected, Call: t.List}})
		}
	}
	return out
}

// holesIn returns why resources of a kind may be missing in a scope.
func (s *Snapshot) holesIn(t *model.Type, in scope) []Hole {
	type holesKey struct {
		kind model.Kind
		scope
	}
	return cached(s, holesKey{t.Kind, in}, func() (out []Hole) {
		outside := func(p model.Place, what string) {
			out = append(out, Hole{t.Kind, p, "", &model.Gap{Reason: model.OutsideScan, Call: t.List, Detail: what + " was not read"}})
		}
		for _, h := range s.holesOf(t) {
			if in.covers(h.Place) {
				out = append(out, h)
			}
		}
		if p := model.Place(in); in != (scope{}) && !s.read[p] {
			outside(p, cmp.Or(in.Region, "account "+in.Account)) // of a trail whose home was not read, say
		} else if t.Scope == model.PerRegion && in.Region == "" {
			for _, p := range s.Unread {
				if in.covers(p) {
					outside(p, p.Region)
				}
			}
		}
		if in == (scope{}) && !s.Organization {
			outside(model.Place{}, "part of the organization")
		}
		return out
	})
}

// hides returns why a resource that is not there may exist in a scope all the same, or nil if it cannot. A reference that has
// an answer of its own needs no list.
func (s *Snapshot) hides(t *model.Type, in scope, id string) *model.Gap {
	type hidesKey struct {
		kind model.Kind
		scope
	}
	gaps, ok := lookup[map[string]*model.Gap](s, hidesKey{t.Kind, in})
	if !ok {
		gaps = cached(s, hidesKey{t.Kind, in}, func() map[string]*model.Gap {
			m := map[string]*model.Gap{}
			for _, h := range s.holesIn(t, in) { // there may be one for each key that somebody else owns
				m[h.ID] = cmp.Or(m[h.ID], h.Gap)
			}
			return m
		})
	}
	if gap := gaps[id]; gap != nil || s.absent[t.Kind][key{in.Account, in.Region, id}] {
		return gap
	}
	return gaps[""]
}

// Len returns the number of resources.
func (s *Snapshot) Len() (n int) {
	for _, c := range s.byKind {
		n += len(c.all)
	}
	return n
}

// Holes returns all holes, in a fixed order.
func (s *Snapshot) Holes() (out []Hole) {
	for _, k := range slices.Sorted(maps.Keys(s.holes)) {
		out = append(out, s.holes[k]...)
	}
	return out
}
