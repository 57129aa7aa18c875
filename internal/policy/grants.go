package policy

import (
	"cmp"
	"slices"
	"strings"
)

// A Grant is what a policy gives to one outsider that it names.
type Grant struct {
	Kind       Kind
	Principal  string // as the policy names it
	Level      Level
	Statements []string
	Text       string
}

// A Kind is a kind of Grant.
type Kind int

const (
	External  Kind = iota // an account by its ID, also if only a role of it or a service on its behalf is admitted
	Opaque                // a principal that does not tell its account: a canonical user, a CloudFront origin access identity
	Deleted               // the unique ID of a principal that no longer exists: nobody, until the policy is repaired
	Federated             // users of an identity provider
	Deputy                // an AWS service that anyone can make act for him
)

// Grants lists the outsiders that a policy names, by kind and name, and what each may do of the question. Whom "*" admits
// is for Access to say, but an account that is named beside it is listed. The level of a Federated grant is that for
// strangers: OnlyUnderCondition if a provider decides who its users are.
func (d Document) Grants(q Question) []Grant {
	return newEvaluation(&d, &q).grants()
}

func (e *evaluation) grants() (out []Grant) {
	add := func(k Kind, principal string, a Answer) {
		if a.Level > No && !slices.ContainsFunc(out, func(g Grant) bool { return g.Kind == k && g.Principal == principal }) {
			out = append(out, Grant{k, principal, a.Level, a.Statements, a.Text})
		}
	}
	for _, account := range e.d.accounts() {
		if account != e.q.Account && !slices.Contains(e.q.Trusted, account) {
			add(External, account, e.strongest(e.members(account)))
		}
	}
	for i := range e.d.Statements {
		s := &e.d.Statements[i]
		if s.Deny || s.Principals == nil || s.Principals.Not {
			continue
		}
		for _, p := range slices.Concat(s.Principals.AWS, s.Principals.Canonical) {
			switch {
			case accountOf(p) != "" || slices.Contains(e.q.Trusted, p) || strings.ContainsAny(p, "*?"):
				// listed as an account, known, or a principal that AWS does not know: a part of a name is no wildcard
			case isUniqueID(p):
				out = append(out, Grant{Deleted, p, No, []string{s.Name}, "statement " + s.Name + " names " + p + ", which was deleted"})
			default:
				add(Opaque, p, e.strongest([]caller{{kind: opaque, provider: p}}))
			}
		}
		for _, p := range s.Principals.Federated {
			a := e.strongest([]caller{{kind: token, provider: p}})
			if _, shared := providers[issuer(p)]; !shared {
				a.Level = min(a.Level, OnlyUnderCondition)
			}
			add(Federated, p, a)
		}
		for _, p := range s.Principals.Service {
			add(Deputy, p, e.strongest([]caller{{kind: service, service: p}}))
		}
	}
	slices.SortFunc(out, func(a, b Grant) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), strings.Compare(a.Principal, b.Principal))
	})
	return out
}

// accounts returns the IDs that the document names. A Deny names those that it spares.
func (d *Document) accounts() (out []string) {
	add := func(s string) {
		if a := accountOf(s); a != "" && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	for _, s := range d.Statements {
		if s.Principals != nil {
			for _, p := range s.Principals.AWS {
				add(p)
			}
		}
		for _, c := range s.Conditions {
			if namesAccounts[keyKindOf(c.key)] {
				for _, v := range c.Values {
					add(v)
				}
			}
		}
	}
	return out
}

// isUniqueID reports whether a principal is the unique ID of a user or role: that is what AWS shows in place of the ARN
// once it was deleted. Source: IAM User Guide, "IAM identifiers", "AWS JSON policy elements: Principal".
func isUniqueID(p string) bool {
	return len(p) >= 16 && (strings.HasPrefix(p, "AROA") || strings.HasPrefix(p, "AIDA")) &&
		strings.Trim(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}
