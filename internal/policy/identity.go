package policy

import (
	"fmt"
	"slices"
)

// A Reach is how far an identity policy goes.
type Reach int

const (
	Limited Reach = iota // to services that it names, or to resources that it names
	Wide                 // to services that it does not name: NotAction, NotResource, or everything less a Deny
	Full                 // to all actions on all resources
)

func (r Reach) String() string { return [...]string{"limited", "wide", "full"}[r] }

// Privileges says how far an identity policy goes.
type Privileges struct {
	Reach      Reach
	Level      Level // Yes, OnlyUnderCondition if a statement needed for it has one, Unknown if it cannot be told
	IAM        bool  // every action of IAM is within reach: who holds that can make himself an administrator
	Statements []string
	Text       string
}

// Admin answers whether an identity policy makes its holder an administrator: whether what its Allow statements grant,
// less what it denies without condition, is everything. Permissions boundaries and service control policies may narrow that:
// they are not part of the document.
func (d Document) Admin() Privileges {
	for _, try := range []struct {
		level Level
		d     Document
	}{{Yes, d.allows(false)}, {OnlyUnderCondition, d.allows(true)}} {
		p := Privileges{Level: try.level}
		// A service and a resource that nobody has heard of: what names its services does not reach it.
		wide := try.d.Covers([]string{"unheard-of:Action"}, []string{"arn:aws:unheard-of:us-east-1:000000000000:any/thing"})
		full := try.d.Covers(nil, nil)
		p.IAM = try.d.coversIAM()
		switch {
		case full.Level == Yes:
			p.Reach = Full
			p.Text = "allows all actions on all resources"
		case wide.Level == Yes:
			p.Reach = Wide
			p.Text = "allows services that it does not name"
		case full.Level == Unknown:
			return Privileges{Level: Unknown, Text: full.Text}
		default:
			continue
		}
		p.Statements = wide.Statements
		p.Text = fmt.Sprintf("statement %s %s", some(p.Statements, ""), p.Text)
		if try.level == OnlyUnderCondition {
			p.Text += ", but only under a condition"
		}
		if p.Reach == Wide {
			if denied := d.denies(); len(denied) > 0 {
				p.Text += " (statement " + some(denied, "") + " denies some)"
			}
		}
		return p
	}
	return Privileges{
		Level: Yes,
		IAM:   d.coversIAM(),
		Text:  "every statement names the services or the resources that it allows",
	}
}

// coversIAM reports whether an identity policy allows all actions of IAM on all of its resources, whatever it says of those of others.
func (d Document) coversIAM() bool {
	return d.Covers([]string{"iam:*"}, []string{"arn:aws:iam::*"}).Level == Yes
}

// allows returns the document with only the Allow statements that always hold, or with all.
func (d Document) allows(conditional bool) Document {
	d.Statements = slices.DeleteFunc(slices.Clone(d.Statements), func(s Statement) bool {
		return !s.Deny && !conditional && len(s.Conditions) > 0
	})
	if conditional {
		for i := range d.Statements {
			if !d.Statements[i].Deny {
				d.Statements[i].Conditions = nil
			}
		}
	}
	return d
}

func (d Document) denies() (out []string) {
	for _, s := range d.Statements {
		if s.Deny && len(s.Conditions) == 0 {
			out = append(out, s.Name)
		}
	}
	return out
}

// Covers answers whether an identity policy allows all of some actions on all of some resources, with none meaning all
// there are. Only statements without conditions count, to allow as to deny. Level is Yes, No or Unknown.
func (d Document) Covers(actions, resources []string) Answer {
	a, r := everyAction(), everything()
	if len(actions) > 0 {
		a.List = nil
		for _, x := range actions {
			a.List = append(a.List, actionPattern(x))
		}
	}
	if len(resources) > 0 {
		r.List = nil
		for _, x := range resources {
			r.List = append(r.List, resourcePattern(x, false))
		}
	}
	var (
		names       []string
		allow, deny uint64
		as, rs      []Set
	)
	for _, s := range d.Statements {
		if len(s.Conditions) > 0 || s.Principals != nil || s.Resources.variable() || len(as) == 64 {
			continue
		}
		if s.Deny {
			deny |= 1 << len(as)
		} else {
			allow |= 1 << len(as)
			names = append(names, s.Name)
		}
		as, rs = append(as, s.Actions), append(rs, s.Resources)
	}
	inActions, ok1 := kinds([]Set{a}, as)
	inResources, ok2 := kinds([]Set{r}, rs)
	if !ok1 || !ok2 || len(as) == 64 {
		return Answer{Level: Unknown, TooHard: true, Text: "the patterns are too intricate to follow"}
	}
	if len(names) == 0 {
		return Answer{Text: "no statement allows anything without condition"}
	}
	needed := uint64(0)
	for _, x := range inActions {
		for _, y := range inResources {
			if x&y&allow == 0 || x&y&deny != 0 {
				return Answer{Text: "not all of " + some(actions, "all actions") + " is allowed on all of " + some(resources, "all resources")}
			}
			needed |= x & y & allow
		}
	}
	var decided []string
	bit := 0
	for _, s := range d.Statements {
		if len(s.Conditions) > 0 || s.Principals != nil || s.Resources.variable() {
			continue
		}
		if needed&(1<<bit) != 0 {
			decided = append(decided, s.Name)
		}
		bit++
	}
	return Answer{Level: Yes, Statements: decided,
		Text: fmt.Sprintf("statement %s allows %s on %s", some(decided, ""), some(actions, "all actions"), some(resources, "all resources"))}
}
