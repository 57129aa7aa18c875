// Package review holds a workload against the best practices of a framework: what the results of a scan prove, what people have answered,
// and what follows from both for each question. It does no I/O and reads no clock.
//
// A scan can prove that a practice is missing, hardly ever that it is in place. So a practice has no yes or no, but evidence, an answer and
// the state that follows from both; and the risk of a question is an interval, from what is certain to what is possible.
package review

import (
	"embed"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"awsscanner/frameworks"
	"awsscanner/internal/engine"
	"awsscanner/internal/lens"
	"awsscanner/internal/model"
	"awsscanner/internal/suggest"
)

//go:embed data/*.json
var files embed.FS // frameworks

// Default is the framework that is taken if nobody names another.
const Default = "wellarchitected-2024-11-06"

// A Framework is questions with their best practices. Each edition is a file; so is a list of one's own.
type Framework struct {
	ID         string            `json:"id"`
	Edition    string            `json:"edition"`
	Title      string            `json:"title"`
	Provenance string            `json:"provenance"`
	Lens       string            `json:"lens,omitempty"`    // alias or ARN in the WA Tool; without it there is nothing to push to
	Mapping    string            `json:"mapping,omitempty"` // the security framework that has titles and rules of the practices; without it they stand here
	Pillars    []Pillar          `json:"pillars"`
	Aliases    map[string]string `json:"aliases,omitempty"` // choices of earlier editions, and what took their place
	Questions  []Question        `json:"questions"`

	practices map[string]*Practice // by ID and by choice
}

// A Pillar is a group of questions.
type Pillar struct {
	ID    string `json:"id"`
	Lens  string `json:"lens,omitempty"` // ID in the WA Tool
	Title string `json:"title"`
}

// A Question is answered by its practices.
type Question struct {
	ID        string      `json:"id"`
	Key       string      `json:"key"` // ID in the WA Tool
	Pillar    string      `json:"pillar"`
	Area      string      `json:"area,omitempty"` // part of the pillar, as prepare or operate
	Title     string      `json:"title"`
	Harm      string      `json:"harm"` // what may happen if its practices are missing
	RiskRules []lens.Rule `json:"riskRules,omitempty"`
	Practices []Practice  `json:"practices"`

	rules []compiledRule
}

// A Practice is something to do, and what a scan can say about it.
type Practice struct {
	ID     string `json:"id"`
	Choice string `json:"choice"` // ID in the WA Tool
	Title  string `json:"title,omitempty"`
	Level  Level  `json:"level"` // risk if it is missing

	Class   Class    `json:"evidence"` // how much of it a scan can see
	Refutes Strength `json:"refutes"`  // what a failure of its rules says
	Sees    string   `json:"sees,omitempty"`
	Rules   []string `json:"rules,omitempty"`
	Weak    []string `json:"weak,omitempty"`  // rules whose failure only raises a doubt, whatever the others do
	Needs   []string `json:"needs,omitempty"` // rules without which the evidence is not full

	Also        []string `json:"also,omitempty"`        // other IDs under which the WA Tool may have the choice
	Unconfirmed bool     `json:"unconfirmed,omitempty"` // nobody has seen the choice in the WA Tool

	Question *Question `json:"-"`
}

// A Level is how bad it is if a practice is missing.
type Level string

const (
	High   Level = "high"
	Medium Level = "medium"
	Low    Level = "low"
)

// Levels lists all, the worst first.
var Levels = []Level{High, Medium, Low}

// Weight is what a practice of this level counts in scores.
func (l Level) Weight() int { return map[Level]int{High: 10, Medium: 4, Low: 1}[l] }

// A Class is how much of a practice a scan can see.
type Class string

const (
	Full    Class = "full"
	Partial Class = "partial"
	None    Class = "none"
)

// A Strength is what a failure says about a practice.
type Strength string

const (
	RefutesIt Strength = "yes"
	Doubts    Strength = "weak"
	Nothing   Strength = "no"
)

// Load returns a framework that comes with the scanner, held against the rules that there are.
func Load(id string, rules []engine.Rule) (*Framework, error) {
	b, err := files.ReadFile("data/" + id + ".json")
	if err != nil {
		return nil, fmt.Errorf("there is no framework %q: %s", id, suggest.DidYouMean(id, IDs(), "there is "+strings.Join(IDs(), ", ")+", or name a file"))
	}
	f, err := Parse(b, rules)
	if err != nil {
		return nil, fmt.Errorf("framework %s: %w", id, err)
	}
	return f, nil
}

// IDs lists the frameworks that come with the scanner.
func IDs() (ids []string) {
	all, _ := files.ReadDir("data") // it is embedded
	for _, x := range all {
		ids = append(ids, strings.TrimSuffix(x.Name(), ".json"))
	}
	return ids
}

// Parse reads the file of a framework, and refuses what it does not understand.
func Parse(b []byte, rules []engine.Rule) (*Framework, error) {
	f := new(Framework)
	if err := model.DecodeStrict(b, f); err != nil {
		return nil, err
	}
	if f.Mapping != "" {
		if err := f.join(); err != nil {
			return nil, err
		}
	}
	exists := map[string]bool{}
	for i := range rules {
		exists[rules[i].ID] = true
	}
	return f, f.index(exists)
}

// join takes titles and rules of the practices from where they are kept.
func (f *Framework) join() error {
	from, err := frameworks.Load(f.Mapping)
	if err != nil {
		return fmt.Errorf("mapping: %w", err)
	}
	seen := map[string]bool{}
	for i := range f.Questions {
		for j := range f.Questions[i].Practices {
			p := &f.Questions[i].Practices[j]
			n := slices.IndexFunc(from.Requirements, func(r frameworks.Requirement) bool { return r.ID == p.ID })
			switch {
			case p.Title != "" || len(p.Rules) > 0:
				return fmt.Errorf("%s has a title or rules of its own beside those of the mapping %s: take one of them away", p.ID, f.Mapping)
			case n < 0:
				return fmt.Errorf("%s is not in the mapping %s", p.ID, f.Mapping)
			}
			p.Title, p.Rules = from.Requirements[n].Title, from.Requirements[n].Rules
			seen[p.ID] = true
		}
	}
	for _, r := range from.Requirements {
		if !seen[r.ID] {
			return fmt.Errorf("the mapping %s has %s, which is no practice here", f.Mapping, r.ID)
		}
	}
	return nil
}

var word = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

// index finds mistakes, and makes what is looked up.
func (f *Framework) index(exists map[string]bool) error {
	if !word.MatchString(f.ID) || f.Edition == "" || f.Title == "" || f.Provenance == "" || len(f.Questions) == 0 {
		return errors.New("id, edition, title, provenance or questions are missing")
	}
	pillars := map[string]bool{}
	for _, p := range f.Pillars {
		if p.ID == "" || p.Title == "" || pillars[p.ID] {
			return fmt.Errorf("pillar %q: it lacks a title, or stands twice", p.ID)
		}
		pillars[p.ID] = true
	}
	f.practices = map[string]*Practice{}
	ids := map[string]bool{}
	once := func(id string) error {
		if id == "" || ids[id] {
			return fmt.Errorf("the ID %q is empty, or stands twice", id)
		}
		ids[id] = true
		return nil
	}
	for i := range f.Questions {
		q := &f.Questions[i]
		if err := errors.Join(once(q.ID), once(q.Key)); err != nil {
			return err
		}
		if !pillars[q.Pillar] || q.Title == "" || q.Harm == "" || len(q.Practices) == 0 {
			return fmt.Errorf("question %s: it lacks a title, a harm, practices, or a pillar that there is", q.ID)
		}
		for j := range q.Practices {
			p := &q.Practices[j]
			p.Question = q
			for _, id := range append([]string{p.ID, p.Choice}, p.Also...) {
				if err := once(id); err != nil {
					return err
				}
				f.practices[id] = p
			}
			if err := p.check(exists, f.Mapping != ""); err != nil {
				return fmt.Errorf("practice %s: %w", p.ID, err)
			}
		}
		if err := q.compile(); err != nil {
			return fmt.Errorf("question %s: %w", q.ID, err)
		}
	}
	for old, now := range f.Aliases {
		if f.practices[now] == nil || f.practices[old] != nil {
			return fmt.Errorf("alias %s: it is a practice itself, or what took its place, %s, is none", old, now)
		}
	}
	return nil
}

func (p *Practice) check(exists map[string]bool, mapped bool) error {
	switch {
	case p.Title == "":
		return errors.New("it has no title")
	case !slices.Contains(Levels, p.Level):
		return fmt.Errorf("there is no level %q", p.Level)
	case !slices.Contains([]Class{Full, Partial, None}, p.Class):
		return fmt.Errorf("there is no evidence %q", p.Class)
	case !slices.Contains([]Strength{RefutesIt, Doubts, Nothing}, p.Refutes):
		return fmt.Errorf("there is no refutes %q", p.Refutes)
	case p.Class == None && len(p.Rules) > 0, p.Refutes == Nothing && len(p.Rules) > 0:
		return errors.New("it has rules, but no evidence or nothing that they refute")
	case p.Class == Full && len(p.Needs) == 0:
		return errors.New("its evidence is full, but it does not say which rules it needs for that")
	}
	seen := map[string]bool{}
	for _, id := range p.Rules {
		if !exists[id] {
			return fmt.Errorf("there is no rule %s: %s", id, suggest.DidYouMean(id, slices.Sorted(maps.Keys(exists)), "see scanner rules list"))
		}
		if seen[id] {
			return fmt.Errorf("rule %s stands twice", id)
		}
		seen[id] = true
	}
	for _, id := range p.Weak {
		if !seen[id] && !mapped { // a mapping is kept elsewhere, and may have lost the rule
			return fmt.Errorf("weak rule %s is not among its rules", id)
		}
	}
	return nil
}

// Strength is what a failure of a rule says about the practice.
func (p *Practice) Strength(rule *engine.Rule) Strength {
	if p.Refutes == RefutesIt && (rule.Preview || slices.Contains(p.Weak, rule.ID)) {
		return Doubts
	}
	return p.Refutes
}

// whole reports whether the rules that there are see all of the practice.
func (p *Practice) whole() bool {
	return p.Class == Full && !slices.ContainsFunc(p.Needs, func(id string) bool { return !slices.Contains(p.Rules, id) })
}

// Name is what people call a framework.
func (f *Framework) Name() string { return f.Title + ", edition " + f.Edition }

// Practice returns the practice with an ID or a choice; nil if there is none.
func (f *Framework) Practice(id string) *Practice { return f.practices[id] }

// Question returns the question with an ID or a key; nil if there is none.
func (f *Framework) Question(id string) *Question {
	i := slices.IndexFunc(f.Questions, func(q Question) bool { return q.ID == id || q.Key == id })
	if i < 0 {
		return nil
	}
	return &f.Questions[i]
}

// Rules lists the IDs of all rules that tell something about a practice, in order.
func (f *Framework) Rules() (ids []string) {
	for i := range f.Questions {
		for j := range f.Questions[i].Practices {
			ids = append(ids, f.Questions[i].Practices[j].Rules...)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// unknown says what to write instead of an ID that is neither a practice nor a choice.
func (f *Framework) unknown(id string) string {
	if now := f.Aliases[id]; now != "" {
		return fmt.Sprintf("%s is of an earlier edition: its place has taken %s (%s)", id, now, f.practices[now].ID)
	}
	var all []string
	for i := range f.Questions {
		for j := range f.Questions[i].Practices {
			p := &f.Questions[i].Practices[j]
			all = append(all, p.Choice, p.ID)
		}
	}
	return fmt.Sprintf("there is no practice %q in %s: %s", id, f.Name(), suggest.DidYouMean(id, all, "see scanner review ask for their IDs"))
}

func (f *Framework) unknownQuestion(id string) string {
	var all []string
	for _, q := range f.Questions {
		all = append(all, q.Key, q.ID)
	}
	return fmt.Sprintf("there is no question %q in %s: %s", id, f.Name(), suggest.DidYouMean(id, all, "they are called as SEC 8 or protect-data-rest"))
}
