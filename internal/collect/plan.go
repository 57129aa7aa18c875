package collect

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"awsscanner/internal/model"
)

// A Plan is the calls that a set of rules needs, and no others.
type Plan struct {
	Ops      []string // in an order that gives each what it needs
	Kinds    []model.Kind
	services []Service
	of       map[string]int // op -> index into services
	after    map[string][]string
	abroad   map[string]bool // calls that list what is elsewhere: those that wait for them wait for all regions
	often    map[string]string
	subjects []*model.Type
	types    []*model.Type                      // that are listed
	listing  map[*model.Type]bool               // that are to be listed, and not only followed
	wanted   map[*model.Type][]*model.Attribute // that somebody reads
	follow   map[model.Kind][]reference         // attributes whose references are followed
	lists    map[string]bool                    // calls that are made for a whole place, not about items or references
	global   map[string]bool                    // calls that are made once per account, or about what has no region
	height   map[string]int                     // how many calls may follow each other from this one on
	parts    []*part
}

// A reference is an attribute that refers to resources of another kind.
type reference struct {
	from *model.Type
	attr *model.Attribute
}

// NewPlan plans what rules read, one list for each rule. References are followed only for a
// rule that reads both them and what they refer to.
func NewPlan(services []Service, kinds model.Table, reads ...[]string) (*Plan, error) {
	p := &Plan{services: services, listing: map[*model.Type]bool{}, of: map[string]int{}, after: map[string][]string{}, abroad: map[string]bool{}, often: map[string]string{},
		wanted: map[*model.Type][]*model.Attribute{}, follow: map[model.Kind][]reference{}, lists: map[string]bool{}, global: map[string]bool{}, height: map[string]int{}}
	calls := map[string]Call{}
	for i, s := range services {
		for _, c := range s(At{}) {
			if _, ok := calls[c.Op]; ok {
				return nil, fmt.Errorf("%s is declared twice", c.Op)
			}
			calls[c.Op], p.of[c.Op], p.often[c.Op], p.abroad[c.Op] = c, i, c.Do.often, c.Abroad || c.Do.global
			p.lists[c.Op] = c.Do.of == nil && c.Do.refs == "" && !c.Do.all
			p.global[c.Op] = c.Do.global || c.Do.of != nil && placeless(c.Do.of)
			for _, r := range c.Lists {
				t := model.TypeOf(r)
				if t.List != c.Op && t.Refer != c.Op {
					return nil, fmt.Errorf("%s is listed by %s, not %s", t.Name, t.List, c.Op)
				}
				if (t.Scope == model.Global) != c.Do.global || (t.Refer == c.Op) != (c.Do.refs != "") {
					return nil, fmt.Errorf("%s and %s differ in scope", t.Name, c.Op)
				}
				p.abroad[c.Op] = p.abroad[c.Op] || t.Refer != "" // who refers to what is listed here may be elsewhere
			}
		}
	}

	// First the references, as what lists their kind must come after what they stand in. A rule that follows references to a kind
	// needs no other resources of it, unless it says so by reading the kind as such: "kms.Key".
	for _, rule := range reads {
		var refs []reference
		whole := map[*model.Type]bool{}
		for _, read := range rule {
			t, a, err := kinds.Resolve(read)
			if err != nil {
				return nil, err
			}
			if a != nil && a.Ref != "" && !a.Part {
				refs = append(refs, reference{t, a})
			}
			whole[t] = whole[t] || a == nil
		}
		for _, read := range rule {
			t, _, _ := kinds.Resolve(read)
			followed := false
			for _, r := range refs {
				if r.attr.Ref == t.Kind && t.Refer != "" {
					followed = true
					if !slices.Contains(p.follow[t.Kind], r) {
						p.follow[t.Kind] = append(p.follow[t.Kind], r)
					}
				}
			}
			p.listing[t] = p.listing[t] || !followed || whole[t] || t.List == t.Refer
		}
	}

	done := map[string]bool{} // false while under way
	var need func(op string) error
	// attribute plans one attribute, or the list of a kind, and returns the calls that provide it.
	attribute := func(t *model.Type, a *model.Attribute) (ops []string, err error) {
		if t.List == "" && !slices.Contains(p.subjects, t) {
			p.subjects = append(p.subjects, t)
		}
		if a != nil && !slices.Contains(p.wanted[t], a) {
			p.wanted[t] = append(p.wanted[t], a)
		}
		if listing, decided := p.listing[t]; t.List != "" && (listing || !decided) { // no rule reads it, but a call needs it
			ops = append(ops, t.List)
		}
		if len(p.follow[t.Kind]) > 0 {
			ops = append(ops, t.Refer)
		}
		if a != nil {
			ops = append(ops, a.Calls...)
		}
		for _, op := range ops {
			if err := need(op); err != nil {
				return nil, err
			}
			if calls[op].Do.all { // whatever shows items of the kind comes before
				p.after[op] = append(p.after[op], slices.DeleteFunc([]string{t.List, t.Refer}, func(before string) bool { return !slices.Contains(ops, before) })...)
			}
		}
		if a != nil && !a.Both { // a second choice waits for the first
			for i := range a.Calls[1:] {
				p.after[a.Calls[i+1]] = append(p.after[a.Calls[i+1]], a.Calls[i])
			}
		}
		return ops, nil
	}
	need = func(op string) error {
		if ready, ok := done[op]; ok {
			if !ready {
				return fmt.Errorf("%s needs itself", op)
			}
			return nil
		}
		c, ok := calls[op]
		if !ok {
			return fmt.Errorf("no service makes the call %s", op)
		}
		done[op] = false
		depend := func(t *model.Type, a *model.Attribute) error {
			ops, err := attribute(t, a)
			if err != nil {
				return fmt.Errorf("%s: %w", op, err)
			}
			p.after[op] = append(p.after[op], ops...)
			return nil
		}
		for _, read := range c.Needs {
			t, a, err := kinds.Resolve(read)
			if err == nil {
				err = depend(t, a)
			}
			if err != nil {
				return err
			}
		}
		if c.Do.of != nil {
			if err := depend(c.Do.of, nil); err != nil {
				return err
			}
		}
		for _, r := range p.follow[c.Do.refs] {
			if err := depend(r.from, r.attr); err != nil {
				return err
			}
		}
		if t := kinds[c.Do.refs]; t != nil && t.List != op && p.listing[t] {
			if err := need(t.List); err != nil {
				return err
			}
			p.after[op], p.often[op] = append(p.after[op], t.List), "for each "+string(t.Kind)+", listed or referred to"
		}
		done[op] = true
		p.Ops = append(p.Ops, op)
		for _, r := range c.Lists {
			if t := model.TypeOf(r); t.List == op {
				p.Kinds, p.types = append(p.Kinds, t.Kind), append(p.types, t)
			}
		}
		return nil
	}
	for _, rule := range reads {
		for _, read := range rule {
			t, a, _ := kinds.Resolve(read)
			if _, err := attribute(t, a); err != nil {
				return nil, err
			}
		}
	}
	slices.Sort(p.Kinds)
	p.divide()
	for _, op := range p.Ops {
		p.climb(op, 1)
	}
	return p, nil
}

// filledBy returns the kinds of which somebody reads what a call fills, in order.
func (p *Plan) filledBy(op string) (kinds []*model.Type) {
	for t, attrs := range p.wanted {
		if slices.ContainsFunc(attrs, func(a *model.Attribute) bool { return slices.Contains(a.Calls, op) }) {
			kinds = append(kinds, t)
		}
	}
	slices.SortFunc(kinds, func(a, b *model.Type) int { return strings.Compare(a.Name, b.Name) })
	return kinds
}

// climb notes that so many calls may follow each other from this one on, and one more from those that it waits for.
func (p *Plan) climb(op string, height int) {
	if p.height[op] >= height {
		return
	}
	p.height[op] = height
	for _, before := range p.after[op] {
		p.climb(before, height+1)
	}
}

// Permissions returns the IAM actions that the plan's calls need.
func (p *Plan) Permissions() []string { return Permissions(p.Ops) }

// Permissions returns the IAM actions that some calls need.
func Permissions(ops []string) []string {
	set := map[string]bool{}
	for _, op := range ops {
		for _, a := range model.Permissions(op) {
			set[a] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// Often says for people how often a call of the plan is made.
func (p *Plan) Often(op string) string { return p.often[op] }

// Waits reports whether a call needs what another one tells, perhaps by way of others.
func (p *Plan) Waits(op, on string) bool {
	return slices.ContainsFunc(p.after[op], func(before string) bool { return before == on || p.Waits(before, on) })
}
