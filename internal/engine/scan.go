package engine

import (
	"io"
	"iter"

	"awsscanner/internal/model"
)

// A Scan is what was read of some accounts at one time. It is in memory account by account: the whole need not fit.
type Scan struct {
	Header
	End // known once all accounts have been gone through

	told  func() iter.Seq2[Recorded, error] // all that is known, if it comes from a report
	only  *Snapshot                         // all of it, if there is one account
	open  func() (io.ReadCloser, error)
	kinds model.Table
}

// Whole makes a scan of a snapshot.
func Whole(s *Snapshot) *Scan { return &Scan{Header: s.Header, End: s.End, only: s} }

// OpenScan makes a scan of a snapshot file, which is opened whenever it is gone through.
func OpenScan(open func() (io.ReadCloser, error), kinds model.Table) (*Scan, error) {
	f, err := open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in, err := readLines(f, kinds)
	if err != nil {
		return nil, err
	}
	return &Scan{Header: in.header, open: open, kinds: kinds}, nil
}

// Told makes a scan of which nothing is known but its results, as a report tells them.
func Told(h Header, e End, results func() iter.Seq2[Recorded, error]) *Scan {
	return &Scan{Header: h, End: e, told: results}
}

// Accounts goes through the scan account by account. What is not understood is an error with its line.
func (s *Scan) Accounts() iter.Seq2[*Snapshot, error] {
	return func(yield func(*Snapshot, error) bool) {
		if s.only != nil {
			yield(s.only, nil)
			return
		}
		f, err := s.open()
		if err != nil {
			yield(nil, err)
			return
		}
		defer f.Close()
		n := 0
		var last *Snapshot
		for part, err := range sections(f, s.kinds, &s.End) {
			if n, last = n+1, part; !yield(part, err) || err != nil {
				return
			}
		}
		if n == 1 {
			s.only = last
		}
	}
}

// Evaluate runs rules over a scan, account by account; those that look beyond an account come last, over what they read of
// all. Within an account, results come rule by rule, in the order of the rules, of regions and IDs.
func (s *Scan) Evaluate(rules []Rule) iter.Seq2[Result, error] {
	if s.told != nil {
		return s.retell(rules)
	}
	return func(yield func(Result, error) bool) {
		var within, beyond []*Rule
		read := map[model.Kind]bool{} // by those that look beyond
		for i := range rules {
			r := &rules[i]
			if !r.Organization {
				within = append(within, r)
				continue
			}
			beyond = append(beyond, r)
			for _, need := range r.Needs() {
				if t, _, err := s.kinds.Resolve(need); err == nil {
					read[t.Kind] = true
				}
			}
		}
		pass := func(part *Snapshot, rules []*Rule) bool {
			for r := range evaluate(part, rules) {
				if !yield(r, nil) {
					return false
				}
			}
			return true
		}
		var shared *Snapshot
		for part, err := range s.Accounts() {
			switch {
			case err != nil:
				yield(Result{}, err)
				return
			case len(part.Header.Accounts()) == len(s.Header.Accounts()): // there is nothing beyond
				pass(part, pointers(rules))
				return
			case !pass(part, within):
				return
			case len(beyond) > 0:
				if shared == nil {
					shared = NewSnapshot(s.Header)
				}
				shared.adopt(part, read)
			}
		}
		if shared != nil {
			pass(shared, beyond)
		}
	}
}

// retell goes through what a report has told of some rules.
func (s *Scan) retell(rules []Rule) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		byID := map[string]*Rule{}
		for _, r := range pointers(rules) {
			byID[r.ID] = r
			for _, id := range r.Formerly {
				byID[id] = r
			}
		}
		for x, err := range s.told() {
			if err != nil {
				yield(Result{}, err)
				return
			}
			if rule := byID[x.Rule]; rule != nil && !yield(x.Result(rule), nil) {
				return
			}
		}
	}
}

func pointers(rules []Rule) (all []*Rule) {
	for i := range rules {
		all = append(all, &rules[i])
	}
	return all
}

// adopt takes over what another part knows of some kinds. Several accounts may see a resource: what its owner knows comes first.
func (s *Snapshot) adopt(part *Snapshot, kinds map[model.Kind]bool) {
	for k := range kinds {
		if c := part.byKind[k]; c != nil {
			for _, r := range c.all {
				if old := s.byKind[k].get(keyOf(r)); old != nil {
					if part.Reads(r.About().Account) {
						old, r = r, old
					}
					model.Merge(old, r)
					r = old
				}
				s.Put(r)
			}
		}
		for _, h := range part.holes[k] {
			s.PutHole(h)
		}
		for at := range part.absent[k] {
			s.PutAbsence(Absence{k, model.Place{Account: at.account, Region: at.region}, at.id})
		}
	}
}
