package collect

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// A part is the share of one service in a plan: the kinds it owns, and all calls that list or fill them, whoever makes these.
type part struct {
	service string
	kinds   map[model.Kind]bool
	ops     []string
	abroad  bool   // a call tells of several regions, so that no region is done before all are
	hash    string // of what is asked
}

// divide finds the parts of a plan.
func (p *Plan) divide() {
	parts := map[string]*part{}
	asked := map[string][]string{}
	note := func(t *model.Type, ops []string) {
		x := parts[t.Service()]
		if x == nil {
			x = &part{service: t.Service(), kinds: map[model.Kind]bool{}}
			parts[t.Service()] = x
		}
		x.kinds[t.Kind] = true
		for _, op := range ops {
			if slices.Contains(p.Ops, op) && !slices.Contains(x.ops, op) {
				x.ops = append(x.ops, op)
				x.abroad = x.abroad || p.abroad[op]
			}
		}
	}
	for _, t := range p.types {
		note(t, []string{t.List})
	}
	for t, attrs := range p.wanted {
		for _, a := range attrs {
			note(t, a.Calls)
			asked[t.Service()] = append(asked[t.Service()], t.Name+"."+a.Name)
		}
	}
	for _, t := range p.subjects {
		note(t, nil)
	}
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		x := parts[name]
		slices.Sort(x.ops)
		slices.Sort(asked[name])
		sum := sha256.Sum256(fmt.Append(nil, x.ops, asked[name], slices.Sorted(maps.Keys(x.kinds))))
		x.hash = hex.EncodeToString(sum[:8])
		p.parts = append(p.parts, x)
	}
}

// everywhere stands for all places of an account.
const everywhere = -1

type cellKey struct {
	service string
	at      int
}

// A cell is a part of the plan in one region, or everywhere.
type cell struct {
	left  int  // operations that have not ended
	known bool // an earlier scan has read it
}

func (x *part) cell(at int) cellKey {
	if x.abroad {
		at = everywhere
	}
	return cellKey{x.service, at}
}

// divide lists the cells.
func (d *driver) divide() {
	for _, x := range d.Plan.parts {
		for at := range d.places {
			k := x.cell(at)
			if d.cells[k] == nil {
				d.cells[k] = &cell{}
			}
			d.cells[k].left += len(x.ops)
		}
	}
}

// partsOf returns the parts that an operation tells something of.
func (d *driver) partsOf(op string) (parts []*part) {
	for _, x := range d.Plan.parts {
		if slices.Contains(x.ops, op) {
			parts = append(parts, x)
		}
	}
	return parts
}

// asked names what is asked for the cells of a part: the calls and attributes and, where the answers of all regions are one cell, which
// regions these are.
func (d *driver) asked(x *part) string {
	if !x.abroad {
		return x.hash
	}
	var regions []string
	for _, p := range d.places {
		regions = append(regions, p.Region)
	}
	slices.Sort(regions)
	sum := sha256.Sum256(fmt.Append(nil, x.hash, regions))
	return hex.EncodeToString(sum[:8])
}

// restore takes over what an earlier scan has read, if it asked the same, and all questions had answers that last.
func (d *driver) restore() {
	for _, c := range d.Known {
		i := slices.IndexFunc(d.Plan.parts, func(x *part) bool { return x.service == c.Service })
		if i < 0 || transient(c) {
			continue
		}
		x, at := d.Plan.parts[i], everywhere
		if c.Region != "" {
			if at = d.home(c.Place); at < 0 {
				continue
			}
		}
		if x.abroad != (at == everywhere) || c.Plan != d.asked(x) {
			continue
		}
		d.cells[cellKey{x.service, at}].known = true
		for _, r := range c.Resources {
			m := r.About()
			home := d.home(model.Place{Account: m.Account, Region: m.Region})
			it := &item{Resource: r, at: at, seenAt: -1, known: true}
			if home < 0 { // it belongs to another account, or to a region that is not read
				it.at, it.seenAt = max(0, at), max(0, at)
			} else if at == everywhere {
				it.at = home
			}
			if d.items[r.Kind()] == nil {
				d.items[r.Kind()] = map[itemKey]*item{}
			}
			d.items[r.Kind()][itemKey{model.Place{Account: m.Account, Region: m.Region}, m.ID}] = it
		}
		d.holes = append(d.holes, c.Holes...)
		for _, a := range c.Absences {
			d.absent[a] = true
		}
	}
}

// Lost returns what there is to tell of an account that could not be entered: of everything the plan asks for, why it is not known. What
// belongs to a service that its partition lacks is not there.
func (p *Plan) Lost(account string, g *model.Gap, lacks func(service, region string) bool) engine.Cell {
	c := p.Unlisted(account, g, lacks)
	for _, t := range p.types {
		if t.Scope == model.Global && !without(t, lacks) {
			c.Holes = append(c.Holes, engine.Hole{Kind: t.Kind, Place: model.Place{Account: account}, Gap: g})
		}
	}
	for _, t := range p.subjects {
		for _, r := range t.Subjects([]model.Place{{Account: account}}) {
			model.SetGaps(r, g)
			c.Resources = append(c.Resources, r)
		}
	}
	c.Holes = sortHoles(c.Holes)
	return c
}

// Unlisted returns what there is to tell of the regions of an account that could not be listed.
func (p *Plan) Unlisted(account string, g *model.Gap, lacks func(service, region string) bool) engine.Cell {
	c := engine.Cell{Place: model.Place{Account: account, Region: model.AnyRegion}}
	for _, t := range slices.Concat(p.types, p.subjects) {
		if (t.Scope == model.PerRegion || t.Scope == model.RegionSubject) && !without(t, lacks) {
			c.Holes = append(c.Holes, engine.Hole{Kind: t.Kind, Place: c.Place, Gap: g})
		}
	}
	c.Holes = sortHoles(c.Holes)
	return c
}

// without reports whether a kind is of a service that a partition lacks.
func without(t *model.Type, lacks func(service, region string) bool) bool {
	service, _, listed := strings.Cut(t.List, ":")
	if !listed {
		service = t.Service()
	}
	return lacks != nil && lacks(service, "")
}

// Skips names the services of the plan that AWS does not offer in the partition or in some of its regions.
func (p *Plan) Skips(partition string, regions []string, lacks func(service, region string) bool) (skips []engine.Skip) {
	services := map[string]bool{}
	for _, op := range p.Ops {
		service, _, _ := strings.Cut(op, ":")
		services[service] = true
	}
	for _, service := range slices.Sorted(maps.Keys(services)) {
		skip := func(region, where string) {
			skips = append(skips, engine.Skip{Place: model.Place{Region: region}, Service: service, Reason: model.NotEnabled, Why: "AWS does not offer " + service + " in " + where})
		}
		if lacks(service, "") {
			skip("", partition)
			continue
		}
		for _, region := range regions {
			if lacks(service, region) {
				skip(region, region)
			}
		}
	}
	return skips
}

// transient reports whether a cell has gaps that another try may close.
func transient(c engine.Cell) bool {
	again := func(g *model.Gap) bool {
		return slices.Contains([]model.Reason{model.Throttled, model.TimedOut, model.Stopped, model.CallFailed}, g.Reason)
	}
	return slices.ContainsFunc(c.Holes, func(h engine.Hole) bool { return again(h.Gap) }) ||
		slices.ContainsFunc(c.Resources, func(r model.Resource) bool { return slices.ContainsFunc(r.About().Gaps, again) })
}

// knows reports whether an earlier scan knows all that an operation would tell at a place.
func (d *driver) knows(op string, at int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !slices.ContainsFunc(d.partsOf(op), func(x *part) bool { return !d.cells[x.cell(at)].known })
}

// answered returns the references of a kind that need not be asked for from a place: an earlier scan knows the answer, or a list
// shows what they mean. An ID says little beyond its region: replicas of a key share theirs.
func (d *driver) answered(k model.Kind, at int) map[string]bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	refs := map[string]bool{}
	for _, it := range d.items[k] {
		if !it.known && !(it.listed && d.toAsk(it)) { // what a list shows is asked for by itself
			continue
		}
		m := it.About()
		refs[m.ARN] = true // which means the same from everywhere
		if it.at == at {
			for _, ref := range append([]string{m.ID}, m.Refs...) {
				refs[ref] = true
			}
		}
	}
	for a := range d.absent {
		if a.Kind == k && a.Place == d.places[at] {
			refs[a.ID] = true
		}
	}
	for _, h := range d.holes {
		if h.Kind == k && h.Place == d.places[at] {
			refs[h.ID] = true
		}
	}
	return refs
}

// ended notes that an operation has come to its end at a place, and hands on the cells that are finished by it.
func (d *driver) ended(op string, at int) {
	for _, x := range d.partsOf(op) {
		k := x.cell(at)
		d.mu.Lock()
		c := d.cells[k]
		c.left--
		finished := c.left == 0
		d.mu.Unlock()
		if finished && d.Finished != nil {
			d.Finished(d.contents(x, k.at))
		}
	}
}

// contents copies what is in a cell, as other calls may still read it.
func (d *driver) contents(x *part, at int) engine.Cell {
	c := engine.Cell{Place: model.Place{Account: d.places[0].Account}, Service: x.service, Plan: d.asked(x)}
	here := func(model.Place) bool { return true }
	if at != everywhere {
		c.Place = d.places[at]
		here = func(p model.Place) bool { return p == c.Place }
	}
	d.mu.Lock()
	for k := range x.kinds {
		for _, it := range d.items[k] {
			if at == everywhere || it.at == at {
				c.Resources = append(c.Resources, it.Resource)
			}
		}
	}
	for _, h := range d.holes {
		if x.kinds[h.Kind] && here(h.Place) {
			c.Holes = append(c.Holes, h)
		}
	}
	for a := range d.absent {
		if x.kinds[a.Kind] && here(a.Place) {
			c.Absences = append(c.Absences, a)
		}
	}
	d.mu.Unlock()
	for i, r := range c.Resources {
		it := item{Resource: model.Clone(r)}
		it.settle()
		c.Resources[i] = it.Resource
	}
	c.Holes = sortHoles(c.Holes)
	return c
}
