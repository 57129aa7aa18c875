package policy

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// A Document is a parsed policy. The zero Document has no statements and grants nothing.
type Document struct {
	Version    string
	ID         string
	Statements []Statement
}

// A Statement is one statement of a policy.
type Statement struct {
	Name       string // its Sid, or its place from "#1"
	Deny       bool
	Principals *Principals // nil in identity policies
	Actions    Set
	Resources  Set // everything, if the statement has none, as in trust policies
	Conditions []Condition
}

// variable reports whether a condition compares with a policy variable.
func (s *Statement) variable() bool {
	return slices.ContainsFunc(s.Conditions, func(c Condition) bool {
		return slices.ContainsFunc(c.patterns, func(p Pattern) bool { return p.variable })
	})
}

// resolve returns the document with what policy variables stand for, as far as the question tells.
func (d *Document) resolve(q *Question) *Document {
	resolved := d
	for i := range d.Statements {
		if !d.Statements[i].variable() {
			continue
		}
		if resolved == d { // which others may be reading
			copied := *d
			copied.Statements = slices.Clone(d.Statements)
			resolved = &copied
		}
		s := &resolved.Statements[i]
		s.Conditions = slices.Clone(s.Conditions)
		for k := range s.Conditions {
			s.Conditions[k] = s.Conditions[k].resolve(q)
		}
	}
	return resolved
}

// Principals says to whom a statement applies.
type Principals struct {
	Not       bool // NotPrincipal: to everyone but these
	Everyone  bool // "*" or {"AWS": "*"}, which mean the same
	AWS       []string
	Service   []string
	Federated []string
	Canonical []string
}

// A Set is what the patterns of a list match, or with Not all that they do not.
type Set struct {
	Not  bool
	List []Pattern
}

// Decode undoes the URL encoding in which IAM returns policy documents (RFC 3986). Other text is returned as it is.
// Source: IAM API Reference, GetPolicyVersion, Document.
func Decode(doc string) (string, error) {
	if t := strings.TrimSpace(doc); t == "" || t[0] == '{' {
		return doc, nil
	}
	return url.PathUnescape(doc) // "+" stands for itself
}

// Parse reads a policy document. An empty text is the absence of a policy. What the grammar does not know, or what may
// be read in two ways, is an error that names the place: the policy cannot be modelled, and what it grants is unknown.
// Source: IAM User Guide, "Grammar of the IAM JSON policy language".
func Parse(doc string) (Document, error) {
	var d Document
	if strings.TrimSpace(doc) == "" {
		return d, nil
	}
	root, err := parseJSON(doc)
	if err != nil {
		return Document{}, fmt.Errorf("policy: %w", err)
	}
	if root.kind != '{' {
		return Document{}, errors.New("policy: is no JSON object")
	}
	var statements node
	for i, name := range root.names {
		x := root.items[i]
		switch name {
		case "Version":
			d.Version = x.text
			if x.kind != '"' || x.text != "2012-10-17" && x.text != "2008-10-17" {
				err = fmt.Errorf("policy: Version %q is not known", x.text)
			}
		case "Id":
			d.ID = x.text
			if x.kind != '"' {
				err = errors.New("policy: Id is no string")
			}
		case "Statement":
			statements = x
		default:
			err = fmt.Errorf("policy: element %q is not known", name)
		}
		if err != nil {
			return Document{}, err
		}
	}
	switch statements.kind {
	case '{':
		statements = node{items: []node{statements}}
	case '[':
	default:
		return Document{}, errors.New("policy: Statement is neither an object nor a list")
	}
	d.Statements = make([]Statement, len(statements.items))
	for i, x := range statements.items {
		s, err := parseStatement(x, d.Version == "2012-10-17")
		if s.Name == "" {
			s.Name = fmt.Sprintf("#%d", i+1)
		}
		if err != nil {
			return Document{}, fmt.Errorf("policy: statement %s: %w", s.Name, err)
		}
		d.Statements[i] = s
	}
	return d, nil
}

// parseStatement reads a statement. Policy variables mean something only in version 2012-10-17.
// Source: IAM User Guide, "IAM policy elements: Variables and tags".
func parseStatement(n node, variables bool) (s Statement, err error) {
	if n.kind != '{' {
		return s, errors.New("is no object")
	}
	if i := slices.Index(n.names, "Sid"); i >= 0 {
		if n.items[i].kind != '"' {
			return s, errors.New("the Sid is no string")
		}
		s.Name = n.items[i].text
	}
	var effect, principals, actions, resources bool
	once := func(seen *bool, name string) error {
		if *seen {
			return fmt.Errorf("has both %s and Not%[1]s", strings.TrimPrefix(name, "Not"))
		}
		*seen = true
		return nil
	}
	for i, name := range n.names {
		x := n.items[i]
		switch name {
		case "Sid":
		case "Effect":
			effect = true
			s.Deny = x.text == "Deny"
			if x.kind != '"' || x.text != "Allow" && x.text != "Deny" {
				err = fmt.Errorf("the Effect %q is neither Allow nor Deny", x.text)
			}
		case "Principal", "NotPrincipal":
			if err = once(&principals, name); err == nil {
				s.Principals, err = parsePrincipals(x)
			}
			if err == nil {
				s.Principals.Not = name == "NotPrincipal"
			}
		case "Action", "NotAction":
			if err = once(&actions, name); err == nil {
				s.Actions, err = parseSet(x, name, func(p string) Pattern { return actionPattern(p) })
			}
		case "Resource", "NotResource":
			if err = once(&resources, name); err == nil {
				s.Resources, err = parseSet(x, name, func(p string) Pattern { return resourcePattern(p, variables) })
			}
		case "Condition":
			s.Conditions, err = parseConditions(x, variables)
		default:
			err = fmt.Errorf("element %q is not known", name)
		}
		if err != nil {
			return s, err
		}
	}
	switch {
	case !effect:
		return s, errors.New("has no Effect")
	case !actions:
		return s, errors.New("has neither Action nor NotAction")
	case !resources:
		s.Resources = everything()
	}
	return s, nil
}

func parseSet(n node, name string, compile func(string) Pattern) (Set, error) {
	list, err := n.strings(false)
	if err != nil {
		return Set{}, fmt.Errorf("%s %w", name, err)
	}
	s := Set{Not: strings.HasPrefix(name, "Not"), List: make([]Pattern, len(list))}
	for i, text := range list {
		s.List[i] = compile(text)
	}
	return s, nil
}

// parsePrincipals reads "*" or a map of types. Within the type AWS only a bare * is a wildcard: "You cannot use it to
// specify part of a name or ARN". Source: IAM User Guide, "AWS JSON policy elements: Principal".
func parsePrincipals(n node) (*Principals, error) {
	p := new(Principals)
	if n.kind == '"' {
		if n.text != "*" {
			return nil, fmt.Errorf("the Principal %q is neither * nor a map", n.text)
		}
		p.Everyone = true
		return p, nil
	}
	if n.kind != '{' {
		return nil, errors.New("the Principal is neither * nor a map")
	}
	for i, name := range n.names {
		list, err := n.items[i].strings(false)
		if err != nil {
			return nil, fmt.Errorf("the principals of type %s: one %w", name, err)
		}
		switch name {
		case "AWS":
			for _, x := range list {
				if x == "*" {
					p.Everyone = true
				} else {
					p.AWS = append(p.AWS, x)
				}
			}
		case "Service":
			p.Service = list
		case "Federated":
			p.Federated = list
		case "CanonicalUser":
			p.Canonical = list
		default:
			return nil, fmt.Errorf("the Principal type %q is not known", name)
		}
	}
	return p, nil
}

func parseConditions(n node, variables bool) ([]Condition, error) {
	if n.kind != '{' {
		return nil, errors.New("the Condition is no object")
	}
	var out []Condition
	for i, operator := range n.names {
		tests := n.items[i]
		if tests.kind != '{' {
			return nil, fmt.Errorf("Condition %s is no object", operator)
		}
		for j, key := range tests.names {
			values, err := tests.items[j].strings(true)
			if err != nil {
				return nil, fmt.Errorf("Condition %s %s %w", operator, key, err)
			}
			c := newCondition(operator, key, values, variables)
			if slices.ContainsFunc(out, func(o Condition) bool { return o.Operator == operator && o.key == c.key }) {
				return nil, fmt.Errorf("Condition %s names %s twice", operator, key)
			}
			out = append(out, c)
		}
	}
	return out, nil
}
