package model

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// A Kind is a CloudFormation resource type name. Facts about a whole account or
// region have kinds of their own, one per service: AWS::IAM::Account, AWS::EC2::Region.
type Kind string

// A Resource is one AWS resource in normalised form.
type Resource interface {
	Kind() Kind
	About() *Meta
}

// Meta says which resource this is. It comes from the list answer alone, so it is always known.
type Meta struct {
	ID      string   `json:"id"`
	ARN     string   `json:"arn,omitempty"`
	Name    string   `json:"name,omitempty"`
	Account string   `json:"account,omitempty"` // owner, which need not be the account that listed it
	Region  string   `json:"region,omitempty"`  // home; empty if it has none
	Shared  []string `json:"shared,omitempty"`  // accounts beside the owner that see it
	Refs    []string `json:"refs,omitempty"`    // other names under which it was asked for: a key's alias
	Gaps    []*Gap   `json:"gaps,omitempty"`    // calls about this resource that failed
}

func (m *Meta) About() *Meta { return m }

// A Place is where calls are made: a region of an account, or a whole account if Region is empty.
type Place struct {
	Account string `json:"account,omitempty"`
	Region  string `json:"region,omitempty"`
}

// AnyRegion stands for the regions of an account that could not be listed.
const AnyRegion = "*"

// Scopes of a type: the scope tag of its Meta, beside the call that lists it.
const (
	PerRegion      = ""        // listed region by region
	Global         = "global"  // listed by one call for the whole account
	AccountSubject = "account" // not listed: one per account, for facts and existence rules
	RegionSubject  = "region"  // not listed: one per region
	Referenced     = "ref"     // not listed: only what others refer to is asked for, each reference by itself
)

// A Type is what the struct of a kind says about itself.
type Type struct {
	Kind  Kind
	Name  string // Go name as rules write it: "sqs.Queue"
	Scope string
	List  string // call tag of Meta
	Refer string // the call that asks for single references: List, if the scope is Referenced; for what is listed too, the refs tag of Meta; else ""
	Attrs []Attribute
	New   func() Resource
}

// Service returns the name of the service as the catalogue spells it: "sqs".
func (t *Type) Service() string { s, _, _ := strings.Cut(t.Name, "."); return s }

// Reported returns the kind as reports show it: all account facts are AWS::::Account, whichever service keeps them.
func (t *Type) Reported() Kind {
	switch t.Scope {
	case AccountSubject:
		return "AWS::::Account"
	case RegionSubject:
		return "AWS::::Region"
	}
	return t.Kind
}

// An Attribute is a field of type Attr. Its call tag names the operations that fill it: "a", "a|b" (either
// suffices; b is asked if a did not tell) or "a+b" (both). A ref tag names the kind that its value refers to.
// An owner tag says that what the value names outlives the resource: an Auto Scaling group its instances;
// a part tag, that the owner of the resource is the owner of what it refers to.
type Attribute struct {
	Name  string
	JSON  string
	Calls []string
	Both  bool
	Ref   Kind
	Owner bool
	Part  bool
	index int
	unset *Gap // shared by all resources of which nobody collected it
}

type settable interface {
	IsZero() bool
	IsKnown() bool
	SetGap(*Gap)
	SetNone()
	references() []string
}

var types sync.Map // reflect.Type -> *Type

// TypeOf describes the type of a resource.
func TypeOf(r Resource) *Type {
	rt := reflect.TypeOf(r).Elem()
	if t, ok := types.Load(rt); ok {
		return t.(*Type)
	}
	meta, _ := rt.FieldByName("Meta")
	t := &Type{
		Kind: r.Kind(), Name: rt.String(), Scope: meta.Tag.Get("scope"), List: meta.Tag.Get("call"),
		New: func() Resource { return reflect.New(rt).Interface().(Resource) },
	}
	if t.Refer = meta.Tag.Get("refs"); t.Scope == Referenced {
		t.Refer = t.List
	}
	for i := range rt.NumField() {
		f := rt.Field(i)
		if !reflect.PointerTo(f.Type).Implements(reflect.TypeFor[settable]()) {
			continue
		}
		tag := f.Tag.Get("call")
		a := Attribute{
			Name: f.Name, Calls: strings.FieldsFunc(tag, func(c rune) bool { return c == '|' || c == '+' }), Both: strings.Contains(tag, "+"),
			Ref: Kind(f.Tag.Get("ref")), index: i, unset: &Gap{Reason: NotCollected, Call: tag, implied: true},
		}
		a.JSON, _, _ = strings.Cut(f.Tag.Get("json"), ",")
		_, a.Owner = f.Tag.Lookup("owner")
		if k, ok := f.Tag.Lookup("part"); ok {
			a.Ref, a.Part = Kind(k), true
		}
		t.Attrs = append(t.Attrs, a)
	}
	actual, _ := types.LoadOrStore(rt, t)
	return actual.(*Type)
}

// Call returns the call tag: operations joined by "|" if either suffices, by "+" if both are needed.
func (a *Attribute) Call() string {
	if a.Both {
		return strings.Join(a.Calls, "+")
	}
	return strings.Join(a.Calls, "|")
}

// References returns what an attribute of a resource refers to, or why that is not known.
func (a *Attribute) References(r Resource) ([]string, *Gap) {
	s := a.of(r)
	if !s.IsKnown() {
		return nil, s.(interface{ Gap() *Gap }).Gap()
	}
	return s.references(), nil
}

// Known reports whether the attribute of a resource has a value.
func (a *Attribute) Known(r Resource) bool { return a.of(r).IsKnown() }

// Value returns the attribute of a resource as an Attr.
func (a *Attribute) Value(r Resource) any { return a.of(r) }

func (a *Attribute) of(r Resource) settable {
	return reflect.ValueOf(r).Elem().Field(a.index).Addr().Interface().(settable)
}

// Explain gives every attribute that a failed call should have filled, and any other that
// nobody filled, its reason. What a call wrote before it failed is taken back.
func Explain(r Resource) {
	meta := r.About()
	for i, g := range meta.Gaps {
		if !g.implied {
			g := *g // whoever else has it may not imply it
			g.implied = true
			meta.Gaps[i] = &g
		}
	}
	gap := func(call string) *Gap {
		for _, g := range meta.Gaps {
			if g.Call == call {
				return g
			}
		}
		return nil
	}
	each(r, func(a *Attribute, s settable) {
		if len(meta.Gaps) == 0 {
			if s.IsZero() {
				s.SetGap(a.unset)
			}
			return
		}
		var why *Gap
		failed := 0
		for _, c := range a.Calls {
			if g := gap(c); g != nil {
				why = cmp.Or(why, g)
				failed++
			}
		}
		switch {
		case failed == len(a.Calls) && failed > 0, failed > 0 && (a.Both || s.IsZero()):
			s.SetGap(why)
		case s.IsZero():
			s.SetGap(a.unset)
		}
	})
}

// SetNone makes what a call should have filled known to be none.
func SetNone(r Resource, call string) {
	each(r, func(a *Attribute, s settable) {
		if s.IsZero() && slices.Contains(a.Calls, call) {
			s.SetNone()
		}
	})
}

// Unset takes back what a call wrote, but for what another one may have told as well.
func Unset(r Resource, call string) {
	each(r, func(a *Attribute, s settable) {
		if slices.Contains(a.Calls, call) && (a.Both || len(a.Calls) == 1) {
			s.SetGap(nil)
		}
	})
}

// SetTags makes the tags of a resource known.
func SetTags(r Resource, tags map[string]string) {
	if tags == nil {
		tags = map[string]string{}
	}
	each(r, func(a *Attribute, s settable) {
		if t, ok := s.(*Attr[map[string]string]); ok && a.Name == "Tags" {
			*t = Known(tags)
		}
	})
}

// Tags returns the tags of a resource, if they are known. A kind without them cannot have any, or nobody can ask.
func Tags(r Resource) (tags map[string]string, known bool) {
	each(r, func(a *Attribute, s settable) {
		if t, ok := s.(*Attr[map[string]string]); ok && a.Name == "Tags" {
			tags, known = t.Lookup()
		}
	})
	return tags, known
}

// SetGaps makes all attributes of a resource unknown for the same reason.
func SetGaps(r Resource, g *Gap) {
	each(r, func(_ *Attribute, s settable) { s.SetGap(g) })
}

// Blank makes attributes of a resource unknown. Tests use it.
func Blank(r Resource, which func(attribute string) bool) {
	each(r, func(a *Attribute, s settable) {
		if which(TypeOf(r).Name + "." + a.Name) {
			s.SetGap(a.unset)
		}
	})
}

func each(r Resource, do func(*Attribute, settable)) {
	t, v := TypeOf(r), reflect.ValueOf(r).Elem()
	for i := range t.Attrs {
		do(&t.Attrs[i], v.Field(t.Attrs[i].index).Addr().Interface().(settable))
	}
}

// Subjects returns the resources of an account-wide or region-wide kind, which nothing lists.
func (t *Type) Subjects(places []Place) (out []Resource) {
	seen := map[Place]bool{}
	for _, p := range places {
		id := p.Region
		switch t.Scope {
		case AccountSubject:
			p.Region, id = "", p.Account
		case RegionSubject:
		default:
			return nil
		}
		if seen[p] || id == "" {
			continue
		}
		seen[p] = true
		r := t.New()
		*r.About() = Meta{ID: id, Account: p.Account, Region: p.Region}
		out = append(out, r)
	}
	return out
}

// A Table lists kinds.
type Table map[Kind]*Type

func NewTable(all ...Resource) Table {
	m := Table{}
	for _, r := range all {
		if m[r.Kind()] != nil {
			panic(fmt.Sprintf("two types of kind %s", r.Kind()))
		}
		m[r.Kind()] = TypeOf(r)
	}
	return m
}

// Resolve finds what a rule reads: "sqs.Queue.KMSKey", or "sqs.Queue" for what the list answer tells of it.
func (m Table) Resolve(read string) (*Type, *Attribute, error) {
	for _, t := range m {
		if read == t.Name {
			return t, nil, nil
		}
		if name, ok := strings.CutPrefix(read, t.Name+"."); ok {
			for i := range t.Attrs {
				if t.Attrs[i].Name == name {
					return t, &t.Attrs[i], nil
				}
			}
		}
	}
	return nil, nil, fmt.Errorf("there is no attribute %s", read)
}

// Clone returns a copy whose attributes and gaps may be set without changing the original.
func Clone(r Resource) Resource {
	c := TypeOf(r).New()
	reflect.ValueOf(c).Elem().Set(reflect.ValueOf(r).Elem())
	m := c.About()
	m.Gaps = slices.Clone(m.Gaps)
	return c
}

// Merge adds to a resource what another copy of it knows more: attributes, names, accounts that see it, gaps. What one
// copy knows is no gap, whoever else was refused it.
func Merge(into, from Resource) {
	a, b := into.About(), from.About()
	union := func(x, y []string) []string {
		out := slices.Concat(x, y)
		slices.Sort(out)
		return slices.Compact(out)
	}
	if len(b.Shared) > 0 {
		a.Shared = union(a.Shared, b.Shared)
	}
	if len(b.Refs) > 0 {
		a.Refs = union(a.Refs, b.Refs)
	}
	to, at := reflect.ValueOf(into).Elem(), reflect.ValueOf(from).Elem()
	blind := map[string]bool{} // calls that leave something unknown
	each(into, func(attr *Attribute, s settable) {
		if !s.IsKnown() && (s.IsZero() || attr.Known(from)) {
			to.Field(attr.index).Set(at.Field(attr.index))
		}
		if !s.IsKnown() {
			for _, c := range attr.Calls {
				blind[c] = true
			}
		}
	})
	a.Gaps = slices.DeleteFunc(append(a.Gaps, b.Gaps...), func(g *Gap) bool { return !blind[g.Call] })
}
