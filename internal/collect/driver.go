package collect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"sync"

	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// concurrency bounds the requests under way at once in a whole scan.
const concurrency = 64

// Run makes the calls of a plan at all places, which are the regions of accounts, and puts what
// it found into the snapshot. What fails becomes a gap there: Run itself cannot fail.
func (p *Plan) Run(ctx context.Context, places []At, s *engine.Snapshot) {
	s.Listed = append([]model.Kind{}, p.Kinds...) // never nil: facts about regions need no list
	d := &driver{plan: p, index: map[model.Place]int{}, slots: semaphore.NewWeighted(concurrency), given: map[effort]int{}, items: map[model.Kind]map[itemKey]*item{}, absent: map[engine.Absence]bool{}}
	for _, at := range places {
		if account := (model.Place{Account: at.Account}); d.home(account) < 0 {
			d.index[account] = len(d.places)
		}
		d.index[at.Place] = len(d.places)
		d.places = append(d.places, at.Place)
		calls := make([]func() map[string]Call, len(p.services))
		for i, service := range p.services {
			calls[i] = sync.OnceValue(func() map[string]Call { // a client is made when it is needed
				m := map[string]Call{}
				for _, c := range service(at) {
					m[c.Op] = c
				}
				return m
			})
		}
		d.calls = append(d.calls, calls)
	}
	for _, t := range p.subjects {
		for _, r := range t.Subjects(d.places) {
			d.found(d.home(model.Place{Account: r.About().Account, Region: r.About().Region}), Call{Do: Do{global: true}}, r)
		}
	}
	// An operation begins in a region when those that it waits for have ended there: one slow region holds up no other.
	done := map[string][]chan struct{}{}
	for _, op := range p.Ops {
		for range places {
			done[op] = append(done[op], make(chan struct{}))
		}
	}
	var all sync.WaitGroup
	for _, op := range p.Ops {
		for at := range places {
			all.Go(func() {
				defer close(done[op][at])
				for _, before := range p.after[op] {
					if !p.abroad[before] {
						<-done[before][at]
						continue
					}
					for _, ended := range done[before] {
						<-ended
					}
				}
				d.operation(ctx, op, at)
			})
		}
	}
	all.Wait()
	d.put(s)
}

type driver struct {
	plan   *Plan
	places []model.Place
	index  map[model.Place]int        // into places, also by account alone
	calls  [][]func() map[string]Call // by place and service
	slots  *semaphore.Weighted

	mu     sync.Mutex
	given  map[effort]int // failures of the same sort without a success between them; of an account, regions with one
	items  map[model.Kind]map[itemKey]*item
	holes  []engine.Hole
	absent map[engine.Absence]bool
}

// An effort is an operation that comes to nothing in the same way again and again. In a region it is given up after a few
// failures in a row: lest an alarm for unauthorised calls rings for each resource, or the scan waits for each in turn. What the
// identity policy denies in several regions, and allows in none, is given up in the whole account.
type effort struct {
	model.Place
	op     string
	reason model.Reason
}

// enough is how many failures make the driver give up.
const enough = 3

type itemKey struct {
	model.Place
	id string
}

type item struct {
	model.Resource
	at     int // from where calls about it are made
	seenAt int // where this copy comes from; -1 is its home
}

// put moves what was found into the snapshot.
func (d *driver) put(s *engine.Snapshot) {
	for _, byKey := range d.items {
		for _, it := range byKey {
			slices.SortFunc(it.About().Gaps, func(a, b *model.Gap) int { return cmp.Compare(a.Call, b.Call) })
			s.Put(it.Resource)
		}
	}
	order := func(a, b engine.Hole) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region), cmp.Compare(a.ID, b.ID),
			cmp.Compare(a.Gap.String(), b.Gap.String()))
	}
	slices.SortFunc(d.holes, order) // answers come in any order
	for _, h := range slices.CompactFunc(d.holes, func(a, b engine.Hole) bool { return order(a, b) == 0 }) {
		s.PutHole(h)
	}
	for a := range d.absent {
		s.PutAbsence(a)
	}
}

// operation makes all requests of one operation in one region.
func (d *driver) operation(ctx context.Context, op string, at int) {
	c := d.calls[at][d.plan.of[op]]()[op]
	var g errgroup.Group
	g.SetLimit(concurrency)
	request := func(in in) {
		g.Go(func() error {
			if err := d.slots.Acquire(ctx, 1); err != nil {
				d.blank(at, c, in, &model.Gap{Reason: model.Stopped, Call: op})
				return nil
			}
			defer d.slots.Release(1)
			d.call(ctx, at, c, in)
			return nil
		})
	}
	switch {
	case c.Do.refs != "":
		for batch := range chunks(d.references(c, at), c.Do.batch) {
			request(in{refs: batch})
		}
	case c.Do.of != nil:
		for batch := range chunks(d.wanted(at, c, d.itemsAt(c.Do.of, at)), c.Do.batch) {
			request(in{items: batch})
		}
	case !c.Do.global || d.home(model.Place{Account: d.places[at].Account}) == at:
		request(in{})
	}
	g.Wait()
}

// wanted returns the items at a place of which somebody reads what the call would tell, and which is not known yet.
func (d *driver) wanted(at int, c Call, all []model.Resource) (items []model.Resource) {
	var fills []*model.Attribute
	for _, a := range d.plan.wanted[c.Do.of] {
		if slices.Contains(a.Calls, c.Op) {
			fills = append(fills, a)
		}
	}
	for _, r := range all {
		if !slices.ContainsFunc(fills, func(a *model.Attribute) bool { return a.Both || !a.Known(r) }) {
			continue
		}
		yes := true
		if err := guard(func() error { yes = c.When == nil || c.When(r); return nil }); err != nil { // it depends on what is unknown
			d.blank(at, c, in{items: []model.Resource{r}}, GapOf(c.Op, err))
		} else if yes {
			items = append(items, r)
		}
	}
	return items
}

// references finds what the items of a place refer to. Each reference is asked for once there.
func (d *driver) references(c Call, at int) (refs []string) {
	for _, from := range d.plan.follow[c.Do.refs] {
		for _, r := range d.itemsAt(from.from, at) {
			found, _ := from.attr.References(r) // if they are unknown, so is what the item refers to
			for _, ref := range found {
				if c.Do.follow == nil || c.Do.follow(ref) {
					refs = append(refs, ref)
				}
			}
		}
	}
	slices.Sort(refs)
	return slices.Compact(refs)
}

func chunks[T any](all []T, n int) iter.Seq[[]T] {
	return slices.Chunk(all, max(1, cmp.Or(n, len(all))))
}

// givenUp returns why a call is not worth making any more, or nil.
func (d *driver) givenUp(at int, op string) *model.Gap {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.efforts(at, op) {
		if d.given[e] >= enough {
			where := "in this region"
			if e.Region == "" {
				where = "in this account"
			}
			return &model.Gap{Reason: e.reason, Call: op, Detail: "not called again after it had come to nothing several times " + where}
		}
	}
	return nil
}

// learn counts a failure, or remembers a success.
func (d *driver) learn(at int, op string, g *model.Gap) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.efforts(at, op) {
		switch {
		case g == nil && e.Region == "":
			d.given[e] = math.MinInt // once is enough to know that it is not denied as such
		case g == nil:
			delete(d.given, e)
		case g.Reason == e.reason && e.Region == "":
			if here := (effort{d.places[at], op, e.reason}); d.given[here] == 1 { // counted just before: regions, not calls
				d.given[e]++
			}
		case g.Reason == e.reason:
			d.given[e]++
		}
	}
}

func (d *driver) efforts(at int, op string) []effort {
	p := d.places[at]
	return []effort{{p, op, model.AccessDenied}, {p, op, model.TimedOut}, {p, op, model.Throttled}, {model.Place{Account: p.Account}, op, model.AccessDenied}}
}

// call makes one request.
func (d *driver) call(ctx context.Context, at int, c Call, in in) {
	if g := d.givenUp(at, c.Op); g != nil {
		d.blank(at, c, in, g)
		return
	}
	answered := map[string]bool{} // references
	err := guard(func() error {
		return c.Do.run(ctx, in, func(r model.Resource) {
			m := r.About()
			if len(in.refs) == 1 && m.ID != in.refs[0] && m.ARN != in.refs[0] {
				m.Refs = in.refs
			}
			answered[m.ID], answered[m.ARN] = true, true
			for _, ref := range m.Refs {
				answered[ref] = true
			}
			d.found(at, c, r)
		})
	})
	var api smithy.APIError
	switch {
	case err == nil:
	case errors.As(err, &api) && slices.Contains(c.Absent, api.ErrorCode()):
		for _, r := range in.items {
			model.SetNone(r, c.Op)
		}
	case ctx.Err() != nil:
		d.blank(at, c, in, &model.Gap{Reason: model.Stopped, Call: c.Op})
		return
	default:
		g := GapOf(c.Op, err)
		d.learn(at, c.Op, g)
		d.blank(at, c, in, g)
		return
	}
	d.learn(at, c.Op, nil)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, ref := range in.refs {
		if !answered[ref] {
			d.absent[engine.Absence{Kind: c.Do.refs, Place: d.places[at], ID: ref}] = true
		}
	}
}

// blank notes what a failed request leaves unknown: attributes of its items, or that it lists.
// What a list answered before it failed is kept: a failing resource is a failing resource.
func (d *driver) blank(at int, c Call, in in, g *model.Gap) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c.Do.of != nil {
		for _, r := range in.items {
			r.About().Gaps = append(r.About().Gaps, g)
		}
		return
	}
	h := engine.Hole{Place: d.places[at], Gap: g}
	if c.Do.global {
		h.Region = ""
	}
	for _, r := range c.Lists {
		h.Kind = r.Kind()
		if len(in.refs) == 0 {
			d.holes = append(d.holes, h)
		}
		for _, h.ID = range in.refs {
			h.Gap = foreign(h, g)
			d.holes = append(d.holes, h)
		}
	}
}

// foreign turns a denied reference to what another account owns into a structural gap: nobody
// in the scanned account can grant it.
func foreign(h engine.Hole, g *model.Gap) *model.Gap {
	if arn, ok := model.ParseARN(h.ID); ok && g.Reason.Denied() && arn.Account != "" && arn.Account != h.Account {
		return &model.Gap{Reason: model.OutsideScan, Call: g.Call, Detail: "account " + arn.Account + " owns it and does not let this one read it"}
	}
	return g
}

// found takes a resource that a call has listed. It may be known from another region or
// account, where it is only a shadow: what its home tells of it is preferred.
func (d *driver) found(at int, c Call, r model.Resource) {
	m, here := r.About(), d.places[at]
	if m.ID == "" {
		panic(errors.New("the answer lists a " + string(r.Kind()) + " without an ID"))
	}
	m.Account = cmp.Or(m.Account, here.Account)
	if m.Region == "" && !c.Do.global {
		m.Region = here.Region
	}
	if elsewhere := m.Region != here.Region || m.Account != here.Account; elsewhere && !d.plan.abroad[c.Op] && c.Op != "" {
		panic(fmt.Errorf("%s lists a %s of %s %s, but is not declared to list what is abroad", c.Op, r.Kind(), m.Account, m.Region))
	}
	if m.Account != here.Account {
		m.Shared = []string{here.Account}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	k, id := r.Kind(), itemKey{model.Place{Account: m.Account, Region: m.Region}, m.ID}
	it := &item{r, at, at}
	if home := d.home(model.Place{Account: m.Account, Region: m.Region}); home >= 0 {
		it.at = home
		if home == at {
			it.seenAt = -1
		}
	}
	if old := d.items[k][id]; old != nil {
		if old.seenAt < it.seenAt {
			it, old = old, it
		}
		model.Merge(it.Resource, old.Resource)
	}
	if d.items[k] == nil {
		d.items[k] = map[itemKey]*item{}
	}
	d.items[k][id] = it
}

// home returns from where to ask about what is at p: from there, or from the first place of its account if it
// has no region. It is -1 if the scan does not go there.
func (d *driver) home(p model.Place) int {
	if at, ok := d.index[p]; ok {
		return at
	}
	return -1
}

// itemsAt returns the items of a kind about which to ask from a place, in order of ID.
func (d *driver) itemsAt(t *model.Type, at int) (out []model.Resource) {
	d.mu.Lock()
	for _, it := range d.items[t.Kind] {
		if it.at == at {
			out = append(out, it.Resource)
		}
	}
	d.mu.Unlock()
	slices.SortFunc(out, func(a, b model.Resource) int {
		return cmp.Or(cmp.Compare(a.About().ID, b.About().ID), cmp.Compare(a.About().Region, b.About().Region))
	})
	return out
}

// guard turns panics into errors: one garbled answer must not end the scan.
func guard(f func() error) (err error) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case error:
			err = e
		default:
			err = fmt.Errorf("panic: %v", e)
		}
	}()
	return f()
}
