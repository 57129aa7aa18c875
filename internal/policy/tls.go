package policy

import (
	"slices"
	"strings"
)

// DeniesPlainHTTP answers whether a resource policy denies every request without TLS: from everyone, of all actions of the
// service, to all of the resources. For S3 these are the bucket and its objects:
//
//	d.DeniesPlainHTTP("s3:*", bucketARN, bucketARN+"/*")
//
// The test must be of aws:SecureTransport (Bool, with or without IfExists; string, boolean or list): s3:TlsVersion says
// which TLS, not whether there is any. Several statements may share the work. OnlyUnderCondition means that all is denied,
// but not to everyone or not always. Sources: S3 User Guide, "Security best practices for Amazon S3"; SQS and SNS Developer
// Guides, "Enforce encryption of data in transit".
func (d Document) DeniesPlainHTTP(actions string, resources ...string) Answer {
	need, where := Set{List: []Pattern{actionPattern(actions)}}, Set{}
	for _, r := range resources {
		where.List = append(where.List, resourcePattern(r, false))
	}
	var sure, limited, unsure, tested []*Statement
	var why string
	for i := range d.Statements {
		s := &d.Statements[i]
		if !s.Deny {
			continue
		}
		t := plainHTTP(s)
		if slices.ContainsFunc(s.Conditions, func(c Condition) bool { return keyKindOf(c.key) == encrypted }) {
			tested = append(tested, s)
		}
		everyone := s.Principals != nil && s.Principals.Everyone && !s.Principals.Not
		switch {
		case t == no:
		case t == perhaps:
			unsure = append(unsure, s)
			why = "statement " + s.Name + " has a condition that cannot be modelled (" + join(pointers(s.Conditions)) + ")"
		case s.Resources.variable() || s.Principals == nil:
			unsure = append(unsure, s)
			why = "statement " + s.Name + " cannot be modelled"
		case !everyone:
			limited = append(limited, s)
		case slices.ContainsFunc(s.Conditions, func(c Condition) bool { return keyKindOf(c.key) != encrypted }):
			limited = append(limited, s)
		default:
			sure = append(sure, s)
		}
	}
	names := func(list []*Statement) (out []string) {
		for _, s := range list {
			out = append(out, s.Name)
		}
		return out
	}
	for _, try := range []struct {
		level Level
		with  []*Statement
		text  string
	}{
		{Yes, sure, "denies requests without TLS"},
		{OnlyUnderCondition, slices.Concat(sure, limited), "denies requests without TLS, but not to everyone or not always"},
		{Unknown, slices.Concat(sure, limited, unsure), "may deny requests without TLS: " + why},
	} {
		switch covered(need, where, try.with) {
		case yes:
			return Answer{Level: try.level, Statements: names(try.with), Text: "statement " + some(names(try.with), "") + " " + try.text}
		case perhaps:
			return Answer{Level: Unknown, TooHard: true, Text: "the patterns are too intricate to follow"}
		}
	}
	if len(tested) > 0 {
		return Answer{Statements: names(tested), Text: "statement " + some(names(tested), "") + " tests aws:SecureTransport, but does not deny all of " +
			actions + " on " + strings.Join(resources, " and ") + " without TLS"}
	}
	return Answer{Text: "no statement denies requests without TLS"}
}

// plainHTTP reports whether the conditions of a statement hold for a request without TLS, as far as they are about that.
func plainHTTP(s *Statement) truth {
	t, asked := yes, false
	for i := range s.Conditions {
		c := &s.Conditions[i]
		switch keyKindOf(c.key) {
		case encrypted:
			asked = true
			if c.op.base != "Bool" {
				t = min(t, perhaps)
			} else {
				t = min(t, c.holds(value{text: "false"}))
			}
		case tlsVersion:
			t = min(t, c.holds(value{absent: true}), perhaps)
		}
	}
	if !asked && len(s.Conditions) > 0 {
		return no
	}
	return t
}

// covered reports whether statements together have all of some actions on all of some resources.
func covered(actions, resources Set, statements []*Statement) truth {
	if len(statements) == 0 {
		return no
	}
	var as, rs []Set
	for _, s := range statements {
		as, rs = append(as, s.Actions), append(rs, s.Resources)
	}
	inActions, ok1 := kinds([]Set{actions}, as)
	inResources, ok2 := kinds([]Set{resources}, rs)
	if !ok1 || !ok2 {
		return perhaps
	}
	for _, a := range inActions {
		for _, r := range inResources {
			if a&r == 0 {
				return no
			}
		}
	}
	return yes
}
