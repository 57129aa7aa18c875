package engine

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"awsscanner/internal/model"
)

const schema = "scanner.snapshot/v1"

// A Header is the first line of a snapshot. Without it "there is none" would never be certain.
type Header struct {
	Schema       string                     `json:"schema"`
	Tool         string                     `json:"tool,omitempty"` // version of the scanner that read it
	Partition    string                     `json:"partition,omitempty"`
	Start        time.Time                  `json:"start"`                  // the time at which rules judge
	Caller       string                     `json:"caller,omitempty"`       // ARN
	Read         []model.Place              `json:"read"`                   // regions that were read
	Unread       []model.Place              `json:"unread,omitempty"`       // enabled regions that were left out; "*" if they could not be listed
	Skipped      []Skip                     `json:"skipped,omitempty"`      // regions that are switched off
	Organization bool                       `json:"organization,omitempty"` // every account of it was read
	Listed       []model.Kind               `json:"listed"`                 // of any other kind nothing is known, not even that there is none
	Rules        []string                   `json:"rules,omitempty"`        // for which it was collected
	Params       map[string]json.RawMessage `json:"params,omitempty"`       // of these rules, where they differ from the defaults
}

// A Skip is a region that has nothing to list, and why.
type Skip struct {
	model.Place
	Reason model.Reason `json:"reason"`
}

// An End is the last line of a snapshot: without it the file is cut off.
type End struct {
	Finished  time.Time `json:"finished"`
	Calls     int       `json:"calls"`               // requests sent, retries included
	Throttled int       `json:"throttled,omitempty"` // of them, how many AWS answered with a throttle
	Lines     int       `json:"lines"`               // between header and end
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

// A Snapshot is what is known about some accounts at one time. It may be read by many, or changed by one.
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
	var out []Hole
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
		if p := model.Place(in); in.Region != "" && !s.read[p] {
			outside(p, in.Region) // of a trail whose home was not read, say
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

// hides returns why a resource that is not there may exist in a scope all the same, or nil if it cannot.
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
	return cmp.Or(gaps[id], gaps[""])
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

// Load reads a snapshot: a header, then one JSON object per line, a resource, a hole or an absence, then the end.
// What it does not understand is an error with its line, not a guess.
func Load(r io.Reader, kinds model.Table) (*Snapshot, error) {
	var s *Snapshot
	in := bufio.NewReaderSize(r, 1<<16)
	var whole []byte
	ended, lines := false, -1 // the header does not count
	for n := 1; ; n++ {
		line, err := in.ReadSlice('\n') // of any length
		if err == bufio.ErrBufferFull {
			whole = append(whole[:0], line...)
			for err == bufio.ErrBufferFull {
				line, err = in.ReadSlice('\n')
				whole = append(whole, line...)
			}
			line = whole
		}
		if err != nil && err != io.EOF {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			if ended {
				return nil, fmt.Errorf("line %d: there is more after the end", n)
			}
			end, err := load(&s, line, kinds)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			if ended = end; end && s.Lines != lines {
				return nil, fmt.Errorf("line %d: the snapshot should have %d lines before its end, but has %d: lines were lost or added", n, s.Lines, lines)
			}
			lines++
		}
		if err == io.EOF {
			if s == nil {
				return nil, fmt.Errorf("the file is empty: it is no snapshot")
			}
			if !ended {
				return nil, fmt.Errorf("line %d: the snapshot is cut off: its last line is missing", n)
			}
			return s, nil
		}
	}
}

func load(s **Snapshot, line []byte, kinds model.Table) (end bool, err error) {
	if *s == nil {
		h, err := loadHeader(line)
		if err == nil {
			*s = NewSnapshot(h)
		}
		return false, err
	}
	// Nearly all lines are resources, which begin with their kind.
	if rest, ok := bytes.CutPrefix(line, []byte(`{"kind":"`)); ok {
		if kind, rest, ok := bytes.Cut(rest, []byte(`",`)); ok && kinds[model.Kind(kind)] != nil {
			object := line[len(line)-len(rest)-1:]
			object[0] = '{' // in place of the comma
			return false, (*s).loadResource(object, kinds[model.Kind(kind)])
		}
	}
	var head struct {
		Kind, Unlisted, Absent model.Kind
		End                    *json.RawMessage
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return false, fmt.Errorf("not a JSON object: %w", err)
	}
	if head.End != nil {
		var e struct{ End End }
		err := model.DecodeStrict(line, &e)
		(*s).End = e.End
		return true, err
	}
	k := cmp.Or(head.Kind, head.Unlisted, head.Absent)
	switch {
	case kinds[k] == nil:
		return false, fmt.Errorf("unknown kind %q: the snapshot may be from a newer scanner", k)
	case head.Unlisted != "":
		var h Hole
		if err := model.DecodeStrict(line, &h); err != nil {
			return false, err
		}
		if h.Gap == nil {
			return false, fmt.Errorf("%s unlisted without a gap", h.Kind)
		}
		(*s).PutHole(h)
		return false, h.Gap.Check()
	case head.Absent != "":
		var a Absence
		if err := model.DecodeStrict(line, &a); err != nil {
			return false, err
		}
		(*s).PutAbsence(a)
		return false, nil
	}
	return false, fmt.Errorf("a resource begins with its kind")
}

// loadResource reads the rest of a line, which says all but the kind.
func (s *Snapshot) loadResource(rest []byte, t *model.Type) error {
	res := t.New()
	if err := model.DecodeStrict(rest, res); err != nil {
		if !json.Valid(rest) {
			return fmt.Errorf("not a JSON object: %w", err)
		}
		return fmt.Errorf("%s: %w", t.Kind, err)
	}
	m := res.About()
	if m.ID == "" {
		return fmt.Errorf("%s without id", t.Kind)
	}
	for _, g := range m.Gaps {
		if err := g.Check(); err != nil {
			return err
		}
	}
	m.Account, m.Region = s.name(m.Account), s.name(m.Region)
	if s.byKind[t.Kind].get(keyOf(res)) != nil {
		return fmt.Errorf("%s %s is there twice", t.Kind, m.ID)
	}
	s.Put(res)
	return nil
}

// name returns an equal string that others have as well: each resource names its account and region.
func (s *Snapshot) name(text string) string {
	same, ok := s.names[text]
	if !ok {
		if s.names == nil {
			s.names = map[string]string{}
		}
		same, s.names[text] = text, text
	}
	return same
}

func loadHeader(line []byte) (h Header, err error) {
	var version struct{ Schema string }
	switch err := json.Unmarshal(line, &version); {
	case err != nil || version.Schema == "":
		return h, fmt.Errorf("this is no snapshot: it does not begin with a %s header", schema)
	case version.Schema != schema && strings.HasPrefix(version.Schema, "scanner.snapshot/"):
		return h, fmt.Errorf("the snapshot has schema %s, this scanner reads %s: use the scanner that wrote it, or a newer one", version.Schema, schema)
	case version.Schema != schema:
		return h, fmt.Errorf("this is a %s, not a snapshot", version.Schema)
	}
	if err := model.DecodeStrict(line, &h); err != nil {
		return h, fmt.Errorf("header: %w", err)
	}
	if h.Start.IsZero() || h.Read == nil || h.Listed == nil {
		return h, errors.New("header: start, read or listed is missing: nothing would be certain")
	}
	return h, nil
}

// Save writes what Load reads, in a fixed order.
func (s *Snapshot) Save(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	lines := 0
	line := func(prefix string, v any) error {
		b, err := json.Marshal(v)
		if err == nil {
			out.WriteString(prefix)
			out.Write(b[min(len(prefix), 1):])
			err = out.WriteByte('\n')
			lines++
		}
		return err
	}
	if err := line("", s.Header); err != nil {
		return err
	}
	lines = 0
	for _, k := range slices.Sorted(maps.Keys(s.byKind)) {
		prefix := fmt.Sprintf(`{"kind":%q,`, k)
		for _, r := range s.byKind[k].sorted() {
			if err := line(prefix, r); err != nil {
				return err
			}
		}
	}
	for _, h := range s.Holes() {
		if err := line("", h); err != nil {
			return err
		}
	}
	for _, k := range slices.Sorted(maps.Keys(s.absent)) {
		for _, at := range slices.SortedFunc(maps.Keys(s.absent[k]), key.compare) {
			if err := line("", Absence{k, model.Place{Account: at.account, Region: at.region}, at.id}); err != nil {
				return err
			}
		}
	}
	s.Lines = lines
	if err := line("", map[string]End{"end": s.End}); err != nil {
		return err
	}
	return out.Flush()
}
