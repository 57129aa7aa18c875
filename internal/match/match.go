// Package match asks of a result whether a condition that people wrote holds for it: yes, no, or nobody knows.
// What is not known never makes a yes: tags that nobody read, the resources of a list that failed.
package match

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// An Answer is one of three, ordered so that a condition of several parts is as true as the least of them.
type Answer int

const (
	No Answer = iota
	Unknown
	Yes
)

func (a Answer) String() string { return [...]string{"no", "unknown", "yes"}[a] }

// Not returns the opposite; the opposite of unknown is unknown.
func (a Answer) Not() Answer { return Yes - a }

// A Condition says which results are meant. All of its parts must hold; of the texts within a part, one. A star in a text stands for any
// characters.
type Condition struct {
	Rule     []string            `yaml:"rule" json:"rule,omitempty" doc:"IDs of rules, or globs"`
	Account  []string            `yaml:"account" json:"account,omitempty" doc:"account IDs of 12 digits"`
	Region   []string            `yaml:"region" json:"region,omitempty" doc:"regions, names or globs; global resources have none"`
	Resource []string            `yaml:"resource" json:"resource,omitempty" doc:"globs of ARN, ID or name"`
	Kind     []string            `yaml:"kind" json:"kind,omitempty" doc:"resource types as in CloudFormation, or globs: AWS::S3::Bucket"`
	Severity []engine.Severity   `yaml:"severity" json:"severity,omitempty" doc:"severities of failures"`
	Stack    []string            `yaml:"stack" json:"stack,omitempty" doc:"globs of the name of the CloudFormation stack, as the tag aws:cloudformation:stack-name has it"`
	Tags     map[string][]string `yaml:"tags" json:"tags,omitempty" doc:"tag keys with globs of their values: all keys must be there"`
	Any      []Condition         `yaml:"any" json:"any,omitempty" doc:"one of these must hold"`
	All      []Condition         `yaml:"all" json:"all,omitempty" doc:"all of these must hold"`
	Not      *Condition          `yaml:"not" json:"not,omitempty" doc:"this must not hold"`
}

// A Subject is what a condition is asked about: a result, or whatever a rule may find.
type Subject struct {
	Rule     *engine.Rule
	Severity engine.Severity // 0 if that is not known
	result   *engine.Result  // nil if no more than the rule is known, and perhaps where it judges
	place    *model.Place
	tags     map[string]string
	known    bool // the tags
	asked    bool // for them
}

// Result makes a subject of a result.
func Result(r *engine.Result) *Subject {
	s := &Subject{Rule: r.Rule, result: r}
	if r.Status == engine.Failed {
		s.Severity = r.Severity
	}
	return s
}

// At makes a subject of whatever a rule may find in a region.
func At(rule *engine.Rule, p model.Place) *Subject { return &Subject{Rule: rule, place: &p} }

// where returns the account and region, as far as they are known.
func (s *Subject) where() model.Place {
	switch {
	case s.place != nil:
		return *s.place
	case s.result != nil:
		return model.Place{Account: s.result.Resource.Account, Region: s.result.Resource.Region}
	}
	return model.Place{Region: model.AnyRegion}
}

func (s *Subject) knownTags() (map[string]string, bool) {
	if !s.asked && s.result != nil {
		s.tags, s.known = s.result.KnownTags()
	}
	s.asked = true
	return s.tags, s.known
}

// hole reports whether it stands for resources that no list has told of.
func (s *Subject) hole() bool { return s.result == nil || s.result.Resource.ID == "*" }

// Ask returns whether the condition holds.
func (c *Condition) Ask(s *Subject) Answer {
	answer := Yes
	and := func(wanted bool, part func() Answer) {
		if wanted && answer != No {
			answer = min(answer, part())
		}
	}
	and(len(c.Rule) > 0, func() Answer {
		return is(engine.MatchAny(c.Rule, s.Rule.ID) || slices.ContainsFunc(s.Rule.Formerly, func(id string) bool { return engine.MatchAny(c.Rule, id) }))
	})
	and(len(c.Account) > 0, func() Answer { return s.account(c.Account) })
	and(len(c.Region) > 0, func() Answer { return s.region(c.Region) })
	and(len(c.Kind) > 0, func() Answer { return is(engine.MatchAny(c.Kind, string(s.Rule.Check.Subject.Reported()))) })
	and(len(c.Resource) > 0, func() Answer { return s.resource(c.Resource) })
	and(len(c.Severity) > 0, func() Answer { return s.severity(c.Severity) })
	and(len(c.Stack) > 0, func() Answer { return s.tag(stackTag, c.Stack) })
	for key, globs := range c.Tags {
		and(true, func() Answer { return s.tag(key, globs) })
	}
	for i := range c.All {
		and(true, func() Answer { return c.All[i].Ask(s) })
	}
	and(len(c.Any) > 0, func() Answer {
		answer := No
		for i := range c.Any {
			answer = max(answer, c.Any[i].Ask(s))
		}
		return answer
	})
	and(c.Not != nil, func() Answer { return c.Not.Ask(s).Not() })
	return answer
}

func is(so bool) Answer {
	if so {
		return Yes
	}
	return No
}

var accountID = regexp.MustCompile(`^[0-9]{12}$`)

func (s *Subject) account(ids []string) Answer {
	id := s.where().Account
	if !accountID.MatchString(id) { // as of a profile that could not be entered
		return Unknown
	}
	return is(engine.MatchAny(ids, id))
}

func (s *Subject) region(globs []string) Answer {
	region := s.where().Region
	if region == model.AnyRegion {
		return Unknown
	}
	return is(engine.MatchAny(globs, region))
}

func (s *Subject) resource(globs []string) Answer {
	if s.hole() {
		return Unknown
	}
	m := s.result.Resource
	switch scope := s.Rule.Check.Subject.Scope; {
	case engine.MatchAny(globs, m.ID), m.ARN != "" && engine.MatchAny(globs, m.ARN), m.Name != "" && engine.MatchAny(globs, m.Name):
		return Yes
	case s.result.Status == engine.NotAssessed && m.ARN == "" && m.Name == "" && scope != model.AccountSubject && scope != model.RegionSubject:
		return Unknown // a reference to what could not be read: it may have an ARN and a name that match
	}
	return No
}

func (s *Subject) severity(wanted []engine.Severity) Answer {
	if s.Severity == 0 {
		return Unknown
	}
	return is(slices.Contains(wanted, s.Severity))
}

// stackTag is what CloudFormation writes on whatever it makes and can be tagged.
const stackTag = "aws:cloudformation:stack-name"

func (s *Subject) tag(key string, globs []string) Answer {
	tags, known := s.knownTags()
	if !known {
		return Unknown
	}
	value, ok := tags[key]
	return is(ok && engine.MatchAny(globs, value))
}

// NeedsTags reports whether the answer may depend on tags.
func (c *Condition) NeedsTags() bool {
	nested := func(c Condition) bool { return c.NeedsTags() }
	return len(c.Tags)+len(c.Stack) > 0 || c.Not != nil && c.Not.NeedsTags() || slices.ContainsFunc(c.Any, nested) || slices.ContainsFunc(c.All, nested)
}

// A Step is a part of a condition and what became of it.
type Step struct {
	Depth  int
	Text   string
	Answer Answer
}

// Explain goes through all parts of a condition, also those that change nothing any more.
func (c *Condition) Explain(s *Subject) (steps []Step) {
	leaf := func(key string, values []string, part Condition) {
		if len(values) > 0 {
			steps = append(steps, Step{0, key + " " + strings.Join(values, ", "), part.Ask(s)})
		}
	}
	leaf("rule", c.Rule, Condition{Rule: c.Rule})
	leaf("account", c.Account, Condition{Account: c.Account})
	leaf("region", c.Region, Condition{Region: c.Region})
	leaf("kind", c.Kind, Condition{Kind: c.Kind})
	leaf("resource", c.Resource, Condition{Resource: c.Resource})
	var severities []string
	for _, x := range c.Severity {
		severities = append(severities, x.String())
	}
	leaf("severity", severities, Condition{Severity: c.Severity})
	leaf("stack", c.Stack, Condition{Stack: c.Stack})
	for _, key := range slices.Sorted(maps.Keys(c.Tags)) {
		leaf("tag "+key, c.Tags[key], Condition{Tags: map[string][]string{key: c.Tags[key]}})
	}
	nest := func(text string, part Condition, inner ...Condition) {
		steps = append(steps, Step{0, text, part.Ask(s)})
		for i := range inner {
			depth := 1
			if len(inner) > 1 {
				steps = append(steps, Step{1, fmt.Sprintf("%d.", i+1), inner[i].Ask(s)})
				depth = 2
			}
			for _, x := range inner[i].Explain(s) {
				steps = append(steps, Step{x.Depth + depth, x.Text, x.Answer})
			}
		}
	}
	if len(c.All) > 0 {
		nest("all of", Condition{All: c.All}, c.All...)
	}
	if len(c.Any) > 0 {
		nest("any of", Condition{Any: c.Any}, c.Any...)
	}
	if c.Not != nil {
		nest("not", Condition{Not: c.Not}, *c.Not)
	}
	return steps
}

// Brief says in one line what a condition means.
func (c *Condition) Brief() string {
	var parts []string
	leaf := func(key string, values []string) {
		if len(values) > 0 {
			parts = append(parts, key+" "+strings.Join(values, " or "))
		}
	}
	leaf("rule", c.Rule)
	leaf("account", c.Account)
	leaf("region", c.Region)
	leaf("kind", c.Kind)
	leaf("resource", c.Resource)
	var severities []string
	for _, x := range c.Severity {
		severities = append(severities, x.String())
	}
	leaf("severity", severities)
	leaf("stack", c.Stack)
	for _, key := range slices.Sorted(maps.Keys(c.Tags)) {
		leaf("tag "+key, c.Tags[key])
	}
	several := func(all []Condition, between string) {
		var inner []string
		for i := range all {
			inner = append(inner, all[i].Brief())
		}
		switch len(inner) {
		case 0:
		case 1:
			parts = append(parts, inner[0])
		default:
			parts = append(parts, "("+strings.Join(inner, between)+")")
		}
	}
	several(c.All, ") and (")
	several(c.Any, ") or (")
	if c.Not != nil {
		parts = append(parts, "not ("+c.Not.Brief()+")")
	}
	return strings.Join(parts, ", ")
}

// Key is the same for conditions that say the same in another order.
func (c *Condition) Key() string {
	b, err := json.Marshal(c.ordered())
	if err != nil {
		return fmt.Sprintf("%+v", c)
	}
	return string(b)
}

func (c *Condition) ordered() Condition {
	sorted := func(all []string) []string { return slices.Compact(slices.Sorted(slices.Values(all))) }
	out := Condition{Rule: sorted(c.Rule), Account: sorted(c.Account), Region: sorted(c.Region), Resource: sorted(c.Resource), Kind: sorted(c.Kind), Stack: sorted(c.Stack)}
	out.Severity = slices.Compact(slices.Sorted(slices.Values(c.Severity)))
	for key, globs := range c.Tags {
		if out.Tags == nil {
			out.Tags = map[string][]string{}
		}
		out.Tags[key] = sorted(globs)
	}
	several := func(all []Condition) (out []Condition) {
		for i := range all {
			out = append(out, all[i].ordered())
		}
		slices.SortFunc(out, func(a, b Condition) int { return strings.Compare(a.Key(), b.Key()) })
		return out
	}
	out.Any, out.All = several(c.Any), several(c.All)
	if c.Not != nil {
		not := c.Not.ordered()
		out.Not = &not
	}
	return out
}
