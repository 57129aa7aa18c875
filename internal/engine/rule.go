// Package engine evaluates rules over a snapshot of resources.
// Evaluation is pure: no I/O, no clock, no order.
package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"awsscanner/internal/model"
)

// A Rule is one check with its documentation.
type Rule struct {
	ID       string   // "<service>-<resource>-<property>", never reused
	Formerly []string // earlier IDs, the first of all first: fingerprints are made with that one
	Version  int      // rises with each change of what the check finds, from 0 on: what a later version finds first is not new
	Volatile bool     // its verdict comes and goes by nature: what becomes of a finding is told to people once a second scan says the same
	Preview  bool     // reported, but counted by no gate: for the first release of a rule
	Title    string   // states the desired condition
	Level    Level
	Severity Severity // of a failure, unless its verdict says otherwise
	Worst    Severity // that a verdict may have
	Least    Severity // that a failure may have, unless parameters say otherwise; 0 if it is Severity
	Rated    Severity // of every failure, whatever its verdict says; 0 unless somebody has set it
	Pillars  []Pillar // most important first
	Why      string   // what goes wrong otherwise
	Fix      Fix
	Reads    []string // what the check reads of its subject and of other kinds: "sqs.Queue.KMSKey"

	// Organization says that the check looks at what other accounts own. It runs when all have been read, over these kinds
	// of all accounts, which stay in memory.
	Organization bool

	Check  Check
	Checks map[string]Check // by account, where its parameters are others
}

var ruleID = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)+$`)

// Service returns the service whose folder the rule is in, as the catalogue spells it.
func (r *Rule) Service() string { return r.Check.Subject.Service() }

// Validate finds what a rule lacks. It does not run the check.
func (r *Rule) Validate() error {
	var errs []error
	bad := func(is bool, format string, args ...any) {
		if is {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	bad(!ruleID.MatchString(r.ID), "ID %q is not lower-case words joined by hyphens", r.ID)
	bad(!strings.HasPrefix(r.ID, r.Service()+"-"), "ID does not begin with the service %s", r.Service())
	bad(r.Title == "" || len(r.Title) > 90, "Title must have 1 to 90 characters")
	bad(!slices.Contains(Levels, r.Level), "Level %q is none of %v", r.Level, Levels)
	bad(r.Severity < Informational || r.Severity > Critical, "Severity is missing")
	bad(r.Worst < r.Severity || r.Worst > Critical, "Worst is less than Severity")
	bad(r.Least >= r.Severity && r.Least != 0, "Least is not less than Severity")
	bad(len(r.Pillars) == 0, "Pillars is empty")
	for _, p := range r.Pillars {
		bad(!slices.Contains(Pillars, p), "%q is no pillar", p)
	}
	bad(r.Why == "", "Why is empty")
	return errors.Join(append(errs, r.Fix.check())...)
}

// A Check judges one resource of one kind.
type Check struct {
	Subject *model.Type
	Params  any // pointer to the parameters in force, nil if there are none

	judge func(*View, model.Resource) Verdict
	reads []string // that depend on the parameters
	with  func([]byte) (Check, error)
}

// Each makes a Check of a function; its second parameter says which resources it judges.
func Each[R model.Resource](judge func(*View, R) Verdict) Check {
	return Check{
		Subject: typeOf[R](),
		judge:   func(v *View, r model.Resource) Verdict { return judge(v, r.(R)) },
	}
}

// EachWith is Each for a rule with parameters. If *P has a method Validate() error, it is
// asked about overrides; if it has Reads() []string, that is read beside Rule.Reads.
func EachWith[P any, R model.Resource](defaults P, judge func(*View, *P, R) Verdict) Check {
	c := Each(func(v *View, r R) Verdict { return judge(v, &defaults, r) })
	c.Params = &defaults
	if p, ok := c.Params.(interface{ Reads() []string }); ok {
		c.reads = p.Reads()
	}
	c.with = func(override []byte) (Check, error) {
		var p P // a deep copy: decoding into the defaults would write into their slices
		b, err := json.Marshal(defaults)
		if err == nil {
			err = json.Unmarshal(b, &p)
		}
		if err == nil {
			replaceMaps(&p, override)
			err = model.DecodeStrict(override, &p)
		}
		if v, ok := any(&p).(interface{ Validate() error }); ok && err == nil {
			err = v.Validate()
		}
		return EachWith(p, judge), err
	}
	return c
}

// replaceMaps empties the maps that an override sets, into which decoding would merge: no default could be taken out.
func replaceMaps(p any, override []byte) {
	var set map[string]json.RawMessage
	if json.Unmarshal(override, &set) != nil {
		return // which decoding will report
	}
	v := reflect.ValueOf(p).Elem()
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if _, ok := set[name]; ok && v.Field(i).Kind() == reflect.Map {
			v.Field(i).SetZero()
		}
	}
}

// With returns the rule with other parameters: a JSON object of those that differ.
func (r Rule) With(override []byte) (Rule, error) {
	if r.Check.with == nil {
		return r, fmt.Errorf("rule %s has no parameters", r.ID)
	}
	c, err := r.Check.with(override)
	if err != nil {
		return r, fmt.Errorf("parameters of rule %s: %w", r.ID, err)
	}
	r.Check = c
	return r, nil
}

// WithIn returns the rule with other parameters in one account, beside those that it has already.
func (r Rule) WithIn(account string, override []byte) (Rule, error) {
	there := r
	if c, ok := r.Checks[account]; ok {
		there.Check = c
	}
	there, err := there.With(override)
	if err != nil {
		return r, fmt.Errorf("in account %s: %w", account, err)
	}
	r.Checks = maps.Clone(r.Checks)
	if r.Checks == nil {
		r.Checks = map[string]Check{}
	}
	r.Checks[account] = there.Check
	return r, nil
}

// Rate returns the rule with one severity for all its failures.
func (r Rule) Rate(s Severity) Rule {
	r.Severity, r.Worst, r.Least, r.Rated = s, s, 0, s
	return r
}

// FirstID returns the ID that keys of findings are made with: it stays when the rule gets another name.
func (r *Rule) FirstID() string {
	if len(r.Formerly) > 0 {
		return r.Formerly[0]
	}
	return r.ID
}

// checkIn returns the check with the parameters that hold in an account.
func (r *Rule) checkIn(account string) *Check {
	if c, ok := r.Checks[account]; ok {
		return &c
	}
	return &r.Check
}

// Needs lists all that the rule reads with its present parameters.
func (r *Rule) Needs() []string {
	needs := slices.Concat(r.Reads, r.Check.reads)
	for _, account := range slices.Sorted(maps.Keys(r.Checks)) {
		for _, read := range r.Checks[account].reads {
			if !slices.Contains(needs, read) {
				needs = append(needs, read)
			}
		}
	}
	return needs
}

func typeOf[R model.Resource]() *model.Type {
	var r R
	return model.TypeOf(r)
}

// A Set collects the rules of one package.
type Set []Rule

// Add is called once per rule file.
func (s *Set) Add(r Rule) struct{} {
	*s = append(*s, r)
	return struct{}{}
}
