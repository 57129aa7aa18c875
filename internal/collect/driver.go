package collect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// concurrency bounds the requests under way at once in a whole scan; ahead, those of one operation in one region that wait.
const (
	concurrency = 64
	ahead       = 2
)

// A Reading is a plan carried out in one account. The zero values of all but Plan will do.
type Reading struct {
	Plan     *Plan
	Gate     *Gate                     // shared by the readings of a scan
	Turn     int                       // of this one: while all want to send requests, earlier ones go first
	Others   func(account string) bool // accounts that the scan reads as well: what is theirs is asked for there
	Known    []engine.Cell             // what an interrupted scan has read: it is not asked for again
	Finished func(engine.Cell)         // takes each cell as soon as it is read, known ones included
	Progress *Progress
}

// A Progress counts what a scan has done, for people.
type Progress struct {
	Calls    atomic.Int64 // that have ended, in whatever way
	Expected atomic.Int64 // that are known to be needed; grows while lists tell of more
	Regions  atomic.Int64 // of all accounts, that are done
	Accounts atomic.Int64 // that are done

	Throttled atomic.Int64 // calls that were, if whoever reads counts them
}

// Run makes the calls of a plan in the regions of an account, and puts what it found into the snapshot.
func (p *Plan) Run(ctx context.Context, places []At, s *engine.Snapshot) {
	(&Reading{Plan: p}).Run(ctx, places, s)
}

// Run makes the calls of the plan in the regions of an account, and puts what it found into the snapshot, if there is one.
// What fails becomes a gap there: Run itself cannot fail.
func (r *Reading) Run(ctx context.Context, places []At, s *engine.Snapshot) {
	d, p := newDriver(*r, places), r.Plan
	for _, t := range p.subjects {
		for _, r := range t.Subjects(d.places) {
			d.found(d.home(model.Place{Account: r.About().Account, Region: r.About().Region}), Call{Do: Do{global: true}}, r)
		}
	}
	d.restore()
	// An operation begins in a region when those that it waits for have ended there: one slow region holds up no other.
	done := map[string][]chan struct{}{}
	for _, op := range p.Ops {
		for range places {
			done[op] = append(done[op], make(chan struct{}))
		}
	}
	var all sync.WaitGroup
	left := make([]atomic.Int64, len(places)) // operations
	for _, op := range p.Ops {
		for at := range places {
			left[at].Add(1)
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
				d.ended(op, at)
				if left[at].Add(-1) == 0 {
					d.Progress.Regions.Add(1)
				}
			})
		}
	}
	all.Wait()
	if s != nil {
		s.Listed = append([]model.Kind{}, p.Kinds...) // never nil: facts about regions need no list
		d.put(s)
	}
	d.Progress.Accounts.Add(1)
}

type driver struct {
	Reading
	places []model.Place
	lacks  func(service, region string) bool
	index  map[model.Place]int        // into places, also by account alone
	calls  [][]func() map[string]Call // by place and service

	mu     sync.Mutex
	given  map[effort]int // failures of the same sort without a success between them; of an account, regions with one
	closed map[model.Place]*closing
	items  map[model.Kind]map[itemKey]*item
	holes  []engine.Hole
	absent map[engine.Absence]bool
	cells  map[cellKey]*cell
}

func newDriver(r Reading, places []At) *driver {
	d := &driver{Reading: r, index: map[model.Place]int{}, given: map[effort]int{}, closed: map[model.Place]*closing{},
		items: map[model.Kind]map[itemKey]*item{}, absent: map[engine.Absence]bool{}, cells: map[cellKey]*cell{}}
	if d.Gate == nil {
		d.Gate = NewGate()
	}
	if d.Progress == nil {
		d.Progress = &Progress{}
	}
	for _, at := range places {
		d.lacks = at.Lacks // that of their partition
		if account := (model.Place{Account: at.Account}); d.home(account) < 0 {
			d.index[account] = len(d.places)
		}
		d.index[at.Place] = len(d.places)
		d.places = append(d.places, at.Place)
		calls := make([]func() map[string]Call, len(d.Plan.services))
		for i, service := range d.Plan.services {
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
	d.divide()
	return d
}

// An effort is an operation that comes to nothing in the same way again and again. In a region it is given up after a few
// failures in a row: lest an alarm for unauthorised calls rings for each resource, or the scan waits for each in turn. What the
// identity policy denies in several regions, and allows in none, is given up in the whole account.
type effort struct {
	model.Place
	op     string
	reason model.Reason
}

// A closing is what is known about a region that may be closed as a whole: by a service control policy, or switched off. Even then each
// service is asked once, as a policy may close some and not the others; a service that has refused one call there is spared the rest.
type closing struct {
	open     bool // some call got another answer
	reason   model.Reason
	services map[string]bool // that were refused
}

// learnRegion looks for regions that are closed as a whole.
func (d *driver) learnRegion(p model.Place, op string, g *model.Gap) {
	c := d.closed[p]
	if c == nil {
		c = &closing{services: map[string]bool{}}
		d.closed[p] = c
	}
	if g == nil || g.Reason != model.AccessDeniedSCP && g.Reason != model.NotEnabled || c.reason != "" && c.reason != g.Reason {
		c.open = true
		return
	}
	service, _, _ := strings.Cut(op, ":")
	c.reason, c.services[service] = g.Reason, true
}

// enough is how many failures make the driver give up.
const enough = 3

type itemKey struct {
	model.Place
	id string
}

type item struct {
	model.Resource
	at     int  // from where calls about it are made
	seenAt int  // where this copy comes from; -1 is its home
	known  bool // an earlier scan has read all of it
	listed bool // a list has shown it
	told   bool // a reference has told of it
}

// put moves what was found into the snapshot.
func (d *driver) put(s *engine.Snapshot) {
	for _, byKey := range d.items {
		for _, it := range byKey {
			it.settle()
			s.Put(it.Resource)
		}
	}
	for _, h := range sortHoles(d.holes) {
		s.PutHole(h)
	}
	for a := range d.absent {
		s.PutAbsence(a)
	}
}

// settle gives an item its final form. Answers come in any order.
func (it *item) settle() {
	slices.SortFunc(it.About().Gaps, func(a, b *model.Gap) int { return cmp.Compare(a.Call, b.Call) })
	model.Explain(it.Resource)
}

func sortHoles(holes []engine.Hole) []engine.Hole {
	order := func(a, b engine.Hole) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region), cmp.Compare(a.ID, b.ID),
			cmp.Compare(a.Gap.String(), b.Gap.String()))
	}
	slices.SortFunc(holes, order)
	return slices.CompactFunc(holes, func(a, b engine.Hole) bool { return order(a, b) == 0 })
}

// operation makes all requests of one operation in one region.
func (d *driver) operation(ctx context.Context, op string, at int) {
	if d.Plan.lists[op] && d.knows(op, at) {
		return
	}
	c := d.calls[at][d.Plan.of[op]]()[op]
	var requests []in
	switch {
	case c.Do.refs != "":
		known := d.answered(c.Do.refs, at)
		refs := slices.DeleteFunc(d.references(c, at), func(ref string) bool {
			arn, _ := model.ParseARN(ref)
			none := d.notOffered(op, cmp.Or(arn.Region, d.places[at].Region))
			if none != nil && !known[ref] {
				d.blank(at, c, in{refs: []string{ref}}, none)
			}
			return none != nil || known[ref]
		})
		for batch := range chunks(refs, c.Do.batch) {
			requests = append(requests, in{refs: batch})
		}
		d.requests(ctx, at, c, requests)
		requests = nil
		t := model.TypeOf(c.Lists[0])
		untold := func(it *item) bool { return it.listed && !it.told && d.toAsk(it) }
		for batch := range chunks(d.wanted(at, c, t, d.itemsAt(t, at, untold)), c.Do.batch) {
			in := in{items: batch}
			for _, r := range batch {
				in.refs = append(in.refs, r.About().ARN)
			}
			requests = append(requests, in)
		}
	case c.Do.of != nil:
		d.orphans(at, c)
		pick := d.toAsk
		if len(c.Lists) > 0 && !d.knows(op, at) { // what belongs to an item may be missing although the item is known
			pick = d.ours
		}
		for batch := range chunks(d.wanted(at, c, c.Do.of, d.itemsAt(c.Do.of, at, pick)), c.Do.batch) {
			requests = append(requests, in{items: batch})
		}
	case c.Do.all:
		kinds := d.Plan.filledBy(op)
		var all []model.Resource
		for _, t := range kinds {
			for _, r := range d.wanted(at, c, t, d.itemsAt(t, at, d.toAsk)) {
				m := r.About()
				if home := (model.Place{Account: m.Account, Region: m.Region}); home == d.places[at] {
					all = append(all, r)
				} else { // the answer of this region says nothing of it
					why := home.Region + " was not read"
					if home.Account != d.places[at].Account {
						why = "account " + home.Account + " owns it"
					}
					d.blank(at, c, in{items: []model.Resource{r}}, &model.Gap{Reason: model.OutsideScan, Call: op, Detail: why})
				}
			}
		}
		if len(all) > 0 {
			requests = append(requests, in{kinds: kinds, items: all})
		}
	case d.notOffered(op, d.places[at].Region) != nil: // there is nothing to list
	case !c.Do.global || d.home(model.Place{Account: d.places[at].Account}) == at:
		requests = append(requests, in{})
	}
	d.requests(ctx, at, c, requests)
}

// requests makes requests of one operation in one region.
func (d *driver) requests(ctx context.Context, at int, c Call, requests []in) {
	d.Progress.Expected.Add(int64(len(requests)))
	// A few requests wait for their turn on the wire; the next is begun when one of them has it. So what is throttled holds up
	// nothing else, and what waits takes little memory.
	turn := make(chan struct{}, ahead)
	var g errgroup.Group
	g.SetLimit(concurrency)
	for _, in := range requests {
		select {
		case turn <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			d.Progress.Calls.Add(1)
			d.blank(at, c, in, &model.Gap{Reason: model.Stopped, Call: c.Op})
			continue
		}
		g.Go(func() error {
			a := &admission{d.Gate, rank{d.Turn, d.Plan.height[c.Op]}, sync.OnceFunc(func() { <-turn })}
			defer a.admitted()
			defer d.Progress.Calls.Add(1)
			d.call(context.WithValue(ctx, admissionKey{}, a), at, c, in)
			return nil
		})
	}
	g.Wait()
}

// wanted returns the items at a place of which somebody reads what the call would tell, and which is not known yet.
func (d *driver) wanted(at int, c Call, t *model.Type, all []model.Resource) (items []model.Resource) {
	var fills []*model.Attribute
	for _, a := range d.Plan.wanted[t] {
		if slices.Contains(a.Calls, c.Op) {
			fills = append(fills, a)
		}
	}
	for _, r := range all {
		if parents := c.Do.of != nil && len(c.Lists) > 0; !parents && !slices.ContainsFunc(fills, func(a *model.Attribute) bool { return a.Both || !a.Known(r) }) {
			continue
		}
		if g := d.notOffered(c.Op, d.target(at, in{items: []model.Resource{r}}).Region); g != nil {
			if len(fills) > 0 { // what belongs to an item is not there, but what only this call could tell of it may be
				d.mu.Lock()
				r.About().Gaps = append(r.About().Gaps, g)
				d.mu.Unlock()
			}
			continue
		}
		yes := true
		if err := guard(func() error { yes = c.When == nil || c.When(r); return nil }); err != nil { // it depends on what is unknown
			d.blank(at, c, in{items: []model.Resource{r}}, GapOf(c.Op, d.traced(c.Op, []model.Resource{r}, err)))
		} else if yes {
			items = append(items, r)
		}
	}
	return items
}

// traced returns an error that says which earlier call left the items without what this one needs, where err only says that it is missing:
// attributes have their gaps at the end of the scan.
func (d *driver) traced(op string, items []model.Resource, err error) error {
	var missing model.Missing
	if !errors.As(err, &missing) || missing.Gap.Call != "" {
		return err
	}
	for _, r := range items {
		for _, g := range r.About().Gaps {
			if slices.Contains(d.Plan.after[op], g.Call) {
				return model.Missing{Gap: g}
			}
		}
	}
	return err
}

// notOffered returns why an operation cannot be called in a region: AWS does not offer its service there. It is nil if it can.
func (d *driver) notOffered(op, region string) *model.Gap {
	service, _, _ := strings.Cut(op, ":")
	if d.lacks == nil || !d.lacks(service, region) {
		return nil
	}
	return &model.Gap{Reason: model.NotEnabled, Call: op, Detail: "AWS does not offer " + service + " in " + region}
}

// references finds what the items of a place refer to. Each reference is asked for once there.
func (d *driver) references(c Call, at int) (refs []string) {
	for _, from := range d.Plan.follow[c.Do.refs] {
		for _, r := range d.itemsAt(from.from, at, nil) {
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
func (d *driver) givenUp(p model.Place, op string) *model.Gap {
	d.mu.Lock()
	defer d.mu.Unlock()
	service, _, _ := strings.Cut(op, ":")
	if c := d.closed[p]; c != nil && !c.open && len(c.services) >= enough && c.services[service] && !d.Plan.global[op] {
		return &model.Gap{Reason: c.reason, Call: op, Detail: model.ClosedRegion}
	}
	for _, e := range efforts(p, op) {
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
func (d *driver) learn(p model.Place, op string, g *model.Gap) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.Plan.global[op] {
		d.learnRegion(p, op, g)
	}
	for _, e := range efforts(p, op) {
		switch {
		case g == nil && e.Region == "":
			d.given[e] = math.MinInt // once is enough to know that it is not denied as such
		case g == nil:
			delete(d.given, e)
		case g.Reason == e.reason && e.Region == "":
			if here := (effort{p, op, e.reason}); d.given[here] == 1 { // counted just before: regions, not calls
				d.given[e]++
			}
		case g.Reason == e.reason:
			d.given[e]++
		}
	}
}

func efforts(p model.Place, op string) []effort {
	return []effort{{p, op, model.AccessDenied}, {p, op, model.TimedOut}, {p, op, model.Throttled}, {model.Place{Account: p.Account}, op, model.AccessDenied}}
}

// target returns the place that a request is about. A list for the whole account tells of regions that the scan does not read
// otherwise too: what is at home there is asked about from another place, but what becomes of it says nothing about that one.
func (d *driver) target(at int, in in) model.Place {
	p := d.places[at]
	if len(in.items) > 0 {
		p.Region = cmp.Or(in.items[0].About().Region, p.Region)
	}
	return p
}

// call makes one request.
func (d *driver) call(ctx context.Context, at int, c Call, in in) {
	p := d.target(at, in)
	if g := d.givenUp(p, c.Op); g != nil {
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
	case errors.As(err, &api) && slices.Contains(c.Absent, api.ErrorCode()) && (c.Do.refs == "" || len(in.items) == 0): // what is listed is there
		for _, r := range in.items {
			model.SetNone(r, c.Op)
		}
	case ctx.Err() != nil:
		takeBack(in.items, c.Op)
		d.blank(at, c, in, &model.Gap{Reason: model.Stopped, Call: c.Op})
		return
	default:
		takeBack(in.items, c.Op)
		g := GapOf(c.Op, d.traced(c.Op, in.items, err))
		d.learn(p, c.Op, g)
		d.blank(at, c, in, g)
		return
	}
	d.learn(p, c.Op, nil)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, ref := range in.refs {
		if !answered[ref] {
			d.absent[engine.Absence{Kind: c.Do.refs, Place: d.places[at], ID: ref}] = true
		}
	}
}

// takeBack unsets what a call wrote before it failed, so that no other call takes a part for the whole.
func takeBack(items []model.Resource, op string) {
	for _, r := range items {
		model.Unset(r, op)
	}
}

// blank notes what a failed request leaves unknown: attributes of its items, and what it lists.
// What a list answered before it failed is kept: a failing resource is a failing resource.
func (d *driver) blank(at int, c Call, in in, g *model.Gap) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range in.items {
		r.About().Gaps = append(r.About().Gaps, g)
	}
	if c.Do.refs != "" && len(in.items) > 0 { // they are listed, and only not told more of
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

// orphans notes that what a call lists for each item may be missing where items may be.
func (d *driver) orphans(at int, c Call) {
	if d.notOffered(c.Op, d.places[at].Region) != nil { // nothing belongs to any
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, h := range d.holes {
		if h.Kind != c.Do.of.Kind || d.home(h.Place) != at {
			continue
		}
		gap := *GapOf(c.Op, model.Missing{Gap: h.Gap})
		for _, r := range c.Lists {
			orphan := engine.Hole{Kind: r.Kind(), Place: h.Place, Gap: &gap}
			if !slices.ContainsFunc(d.holes, func(x engine.Hole) bool { return x.Kind == orphan.Kind && x.Place == h.Place && *x.Gap == gap }) {
				d.holes = append(d.holes, orphan)
			}
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
	if elsewhere := m.Region != here.Region || m.Account != here.Account; elsewhere && !d.Plan.abroad[c.Op] && c.Op != "" {
		panic(fmt.Errorf("%s lists a %s of %s %s, but is not declared to list what is abroad", c.Op, r.Kind(), m.Account, m.Region))
	}
	if m.Account != here.Account {
		m.Shared = []string{here.Account}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	k, id := r.Kind(), itemKey{model.Place{Account: m.Account, Region: m.Region}, m.ID}
	it := &item{Resource: r, at: at, seenAt: at, listed: c.Do.refs == "", told: c.Do.refs != ""}
	if home := d.home(model.Place{Account: m.Account, Region: m.Region}); home >= 0 {
		it.at = home
		if home == at {
			it.seenAt = -1
		}
	}
	if old := d.items[k][id]; old != nil {
		if old.known || old.seenAt < it.seenAt {
			it, old = old, it
		}
		model.Merge(it.Resource, old.Resource)
		it.listed, it.told = it.listed || old.listed, it.told || old.told
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

// toAsk reports whether an item has to be asked about at all. The lock is held.
func (d *driver) toAsk(it *item) bool { return !it.known && d.ours(it) }

// ours reports whether an item is asked about in this account, and not where it belongs. The lock is held.
func (d *driver) ours(it *item) bool {
	m := it.About()
	return d.Others == nil || d.home(model.Place{Account: m.Account}) >= 0 || !d.Others(m.Account)
}

// itemsAt returns the items of a kind about which to ask from a place, in order of ID. They can be picked.
func (d *driver) itemsAt(t *model.Type, at int, pick func(*item) bool) (out []model.Resource) {
	d.mu.Lock()
	for _, it := range d.items[t.Kind] {
		if it.at == at && (pick == nil || pick(it)) {
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
