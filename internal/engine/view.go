package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"awsscanner/internal/model"
)

// A View is what a check may look at beside its subject. Joins see the region of the subject,
// or the whole account if the subject has none, unless the check widens the view.
type View struct {
	snap  *Snapshot
	rule  *Rule
	check *Check   // of the account that is judged
	kinds []string // declared types
	scope scope
}

// A scope is a part of a snapshot: a region, an account or, if zero, all of it.
type scope model.Place

// covers reports whether something at p may belong to the scope. What may be in regions that nobody could list
// belongs to the account, but to no region that was read.
func (s scope) covers(p model.Place) bool {
	return s.Account == "" || s.Account == p.Account && (s.Region == "" || p.Region == "" || s.Region == p.Region)
}

func (s scope) sees(m *model.Meta) bool {
	return s.covers(model.Place{Account: m.Account, Region: m.Region}) ||
		slices.ContainsFunc(m.Shared, func(a string) bool { return s.covers(model.Place{Account: a, Region: m.Region}) })
}

func (v View) InAccount() *View { v.scope.Region = ""; return &v }

// At looks at another place of the account, or of another account, which only a rule that says so can. If it was not read, all there is unknown.
func (v View) At(p model.Place) *View {
	if p.Account != v.scope.Account && !v.rule.Organization {
		panic(fmt.Sprintf("rule %s looks beyond its account, but does not say so: set Organization", v.rule.ID))
	}
	v.scope = scope(p)
	return &v
}

// InOrganization looks at all accounts, which only a rule that says so can.
func (v View) InOrganization() *View {
	if !v.rule.Organization {
		panic(fmt.Sprintf("rule %s looks beyond its account, but does not say so: set Organization", v.rule.ID))
	}
	v.scope = scope{}
	return &v
}

// Now is the time of the snapshot, so that a replay gives the same verdicts.
func (v *View) Now() time.Time { return v.snap.Start }

// Unread returns the enabled regions of the subject's account that the scan left out, and "*" if
// they could not be listed.
func (v *View) Unread() (regions []string) {
	for _, p := range v.snap.Unread {
		if p.Account == v.scope.Account {
			regions = append(regions, p.Region)
		}
	}
	return regions
}

// Regions returns the regions of the subject's account that were read.
func (v *View) Regions() (regions []string) {
	for _, p := range v.snap.Read {
		if p.Account == v.scope.Account && p.Region != "" {
			regions = append(regions, p.Region)
		}
	}
	return regions
}

// need makes sure that the rule has declared a kind. It would work without: until nobody else reads it.
func (v *View) need(t *model.Type) {
	if !slices.Contains(v.kinds, t.Name) {
		panic(fmt.Sprintf("Reads of rule %s lacks %s", v.rule.ID, t.Name))
	}
}

// Many is zero or more items, some of which may be out of sight.
// Its methods go on past what they cannot see and stop the rule only if the answer depends on it.
type Many[T any] struct {
	items []T
	maybe []perhaps[T] // may belong to it
	gap   *model.Gap   // why there may be any number more
}

type perhaps[T any] struct {
	item T
	gap  *model.Gap
}

// Join returns the resources of a kind that the view sees.
func Join[R model.Resource](v *View) Many[R] {
	t := typeOf[R]()
	v.need(t)
	type joinKey struct {
		kind model.Kind
		scope
	}
	if m, ok := lookup[Many[R]](v.snap, joinKey{t.Kind, v.scope}); ok {
		return m
	}
	return cached(v.snap, joinKey{t.Kind, v.scope}, func() Many[R] {
		m := Many[R]{items: placed[R](v.snap)[v.scope]}
		if v.scope.Region != "" { // beside its own, a region sees what has none
			m.items = slices.Concat(placed[R](v.snap)[scope{v.scope.Account, "-"}], m.items)
		}
		if holes := v.snap.holesIn(t, v.scope); len(holes) > 0 {
			m.gap = holes[0].Gap
		}
		return m
	})
}

// Everywhere returns the resources of a kind of which AWS shows each in every region of the account: to know that
// there are no more it is enough to have listed one region. It is for kinds such as multi-region trails.
func Everywhere[R model.Resource](v *View) Many[R] {
	v = v.InAccount()
	m := Join[R](v)
	if m.gap == nil {
		return m
	}
	t := typeOf[R]()
	if !v.snap.lists(t.Kind) {
		return m
	}
	service, _, _ := strings.Cut(t.List, ":")
	for _, p := range v.snap.Read {
		if _, lacks := v.snap.lacks(service, p.Region); lacks { // that it lists nothing says nothing
			continue
		}
		if p.Account == v.scope.Account && len(v.snap.holesIn(t, scope(p))) == 0 {
			m.gap = nil
			break
		}
	}
	return m
}

// placed divides a kind by scope in one pass, as there may be thousands of accounts.
func placed[R model.Resource](s *Snapshot) map[scope][]R {
	t := typeOf[R]()
	type placedKey struct{ model.Kind }
	return cached(s, placedKey{t.Kind}, func() map[scope][]R {
		m := map[scope][]R{}
		for _, r := range s.All(t) {
			about := r.About()
			m[scope{}] = append(m[scope{}], r.(R))
			for _, account := range append([]string{about.Account}, about.Shared...) {
				region, whole := scope{account, cmp.Or(about.Region, "-")}, scope{Account: account}
				m[region] = append(m[region], r.(R))
				m[whole] = append(m[whole], r.(R))
			}
		}
		return m
	})
}

// List makes the elements of an attribute one can ask questions about; if it is unknown, any could be in it.
func List[T any](a model.Attr[[]T]) Many[T] {
	items, _ := a.Lookup()
	return Many[T]{items: items, gap: a.Gap()}
}

// Of makes the elements of a slice one can ask questions about; there are no others.
func Of[T any](items []T) Many[T] { return Many[T]{items: items} }

// An Index finds resources by what they say: the queues by the dead-letter queue they name.
type Index[R model.Resource, K comparable] struct{ keys func(R) []K }

// NewIndex returns an index, to be kept in a variable of the package: it is built once per snapshot and scope.
func NewIndex[R model.Resource, K comparable](keys func(R) []K) *Index[R, K] {
	return &Index[R, K]{keys}
}

// At returns the resources with a key. Those whose keys are unknown may be among them.
func (x *Index[R, K]) At(v *View, k K) Many[R] {
	type indexKey struct {
		index any
		scope
	}
	type built struct {
		byKey map[K][]R
		aside []perhaps[R]
	}
	all := Join[R](v)
	b, ok := lookup[built](v.snap, indexKey{x, v.scope})
	if !ok {
		b = cached(v.snap, indexKey{x, v.scope}, func() built {
			b := built{byKey: map[K][]R{}}
			for _, r := range all.items {
				var keys []K
				if g := try(func() { keys = x.keys(r) }); g != nil {
					b.aside = append(b.aside, perhaps[R]{r, g})
				}
				for _, k := range keys {
					b.byKey[k] = append(b.byKey[k], r)
				}
			}
			return b
		})
	}
	return Many[R]{b.byKey[k], b.aside, all.gap}
}

// First returns an item that is certainly ok.
func (m Many[T]) First(ok func(T) bool) (found T, any bool) {
	gap := m.gap
	for _, x := range m.items {
		yes, why := ask(ok, x)
		if yes {
			return x, true
		}
		gap = cmp.Or(gap, why)
	}
	for _, p := range m.maybe {
		if gap != nil {
			break // nothing that follows can decide
		}
		if yes, why := ask(ok, p.item); yes || why != nil {
			gap = p.gap
		}
	}
	if gap != nil {
		panic(model.Missing{Gap: gap})
	}
	return found, false
}

// Any reports whether an item is ok.
func (m Many[T]) Any(ok func(T) bool) bool { _, any := m.First(ok); return any }

// Exist reports whether there is an item at all.
func (m Many[T]) Exist() bool { return m.Any(func(T) bool { return true }) }

// All reports whether every item is ok.
func (m Many[T]) All(ok func(T) bool) bool { return !m.Any(func(x T) bool { return !ok(x) }) }

// Count counts the items that are ok.
func (m Many[T]) Count(ok func(T) bool) Tally {
	t := Tally{gap: m.gap, open: m.gap != nil}
	for _, x := range m.items {
		yes, why := ask(ok, x)
		if yes {
			t.sure++
		} else if why != nil {
			t.maybe++
			t.gap = cmp.Or(t.gap, why)
		}
	}
	for _, p := range m.maybe {
		if yes, why := ask(ok, p.item); yes || why != nil {
			t.maybe++
			t.gap = cmp.Or(t.gap, p.gap)
		}
	}
	return t
}

// A Tally is a number of which a lower and perhaps an upper bound are known.
type Tally struct {
	sure, maybe int
	open        bool // there may be any number more
	gap         *model.Gap
}

// AtLeast reports whether the number is n or more.
func (t Tally) AtLeast(n int) bool {
	if t.sure < n && (t.open || t.sure+t.maybe >= n) {
		panic(model.Missing{Gap: t.gap})
	}
	return t.sure >= n
}

// Number returns the number, if it is certain.
func (t Tally) Number() int {
	if t.gap != nil {
		panic(model.Missing{Gap: t.gap})
	}
	return t.sure
}

// Find returns the resource a reference means: an ARN, which tells its account and region, or an
// ID in the view. It stops the rule if the resource may exist where the scan has not looked.
func Find[R model.Resource](v *View, ref string) (none R, ok bool) {
	t := typeOf[R]()
	v.need(t)
	type (
		refKey  struct{ *model.Type }
		byNames struct {
			one  map[string]R
			more map[string][]R // others of a name: an ID says little without its account and region
		}
	)
	all, ok := lookup[byNames](v.snap, refKey{t})
	if !ok {
		all = cached(v.snap, refKey{t}, func() byNames {
			resources := v.snap.All(t)
			n := byNames{make(map[string]R, 2*len(resources)), map[string][]R{}}
			for _, r := range resources {
				about := r.About()
				for i, name := range append([]string{about.ID, about.ARN}, about.Refs...) {
					if name == "" || i > 0 && name == about.ID {
						continue
					}
					if _, taken := n.one[name]; taken {
						n.more[name] = append(n.more[name], r.(R))
					} else {
						n.one[name] = r.(R)
					}
				}
			}
			return n
		})
	}
	found, ok := all.one[ref]
	if ok && v.scope.sees(found.About()) {
		return found, true
	}
	for _, r := range all.more[ref] {
		if v.scope.sees(r.About()) {
			return r, true
		}
	}
	in := v.scope
	arn, isARN := model.ParseARN(ref)
	account := scope{Account: in.Account} // others count for an organization rule only, even if they were read
	if isARN && ok && (v.rule.Organization || account.sees(found.About())) {
		return found, true
	}
	if isARN && t.Refer == "" {
		in = scope{Account: arn.Account, Region: arn.Region}
	}
	if t.Refer != "" { // each reference was asked for by itself, or not at all
		if gap := v.snap.hides(t, in, ref); gap != nil {
			panic(model.Missing{Gap: gap})
		}
		absent := v.snap.absent[t.Kind]
		if absent[key{in.Account, in.Region, ref}] || isARN && in.Region == "" && slices.ContainsFunc(v.snap.Read, func(p model.Place) bool {
			return in.covers(p) && absent[key{p.Account, p.Region, ref}] // an ARN means the same wherever it was asked for
		}) {
			return none, false
		}
		panic(model.Missing{Gap: &model.Gap{Reason: model.NotCollected, Call: t.Refer, Detail: ref + " was not asked for"}})
	}
	if isARN && (!v.snap.read[model.Place(in)] || !v.rule.Organization && !account.covers(model.Place(in))) { // nor do ARNs of S3 buckets and the like tell the account
		panic(model.Missing{Gap: &model.Gap{Reason: model.OutsideScan, Call: t.List, Detail: ref}})
	}
	if gap := v.snap.hides(t, in, ref); gap != nil {
		panic(model.Missing{Gap: gap})
	}
	return none, false
}

// ask returns the answer, or why there is none.
func ask[T any](ok func(T) bool, x T) (yes bool, why *model.Gap) {
	why = try(func() { yes = ok(x) })
	return yes, why
}

// try runs f and returns the gap that stopped it.
func try(f func()) (gap *model.Gap) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case model.Missing:
			gap = e.Gap
		default:
			panic(e)
		}
	}()
	f()
	return nil
}
