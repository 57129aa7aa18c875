// Package frameworks says which rules tell something about which requirement of a security framework. It is data, one file
// for each framework, one requirement a line. A mapping is no certification.
package frameworks

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"awsscanner/internal/model"
)

//go:embed *.json
var files embed.FS

// Note is said wherever a result is told.
const Note = "a mapping, not a certification: met says that every check the scanner has for a requirement passed"

// A Framework is a list of requirements. Those of a subset are taken from another framework.
type Framework struct {
	ID           string        `json:"id"` // also the name of the file
	Title        string        `json:"title"`
	Version      string        `json:"version"`
	Provenance   string        `json:"provenance"` // where the mapping comes from, and what it leaves out
	SubsetOf     string        `json:"subsetOf,omitempty"`
	Subset       []string      `json:"subset,omitempty"`
	Requirements []Requirement `json:"requirements"`
}

// A Requirement is one thing that a framework asks for. Without rules, none tells anything about it yet, or none can.
type Requirement struct {
	ID        string   `json:"id"`
	Title     string   `json:"title"` // in our own words
	Rules     []string `json:"rules,omitempty"`
	Automated *bool    `json:"automated,omitempty"` // false if no API can answer
	Reason    string   `json:"reason,omitempty"`    // why not; or what the rules do not see of it
}

// Name is what people call a framework.
func (f *Framework) Name() string { return f.Title + " " + f.Version }

// Open says why rules do not answer a requirement, or not all of it; "" if they do.
func (r *Requirement) Open() string {
	switch {
	case r.Automated != nil:
		return "cannot be automated: " + r.Reason
	case len(r.Rules) == 0:
		return "no rule yet"
	}
	return r.Reason
}

// IDs lists all frameworks.
func IDs() (ids []string) {
	names, _ := fs.Glob(files, "*.json") // the pattern is good
	for _, name := range names {
		ids = append(ids, strings.TrimSuffix(name, ".json"))
	}
	slices.SortFunc(ids, natural)
	return ids
}

// Load returns a framework.
func Load(id string) (*Framework, error) {
	b, err := files.ReadFile(id + ".json")
	if err != nil {
		return nil, fmt.Errorf("there is no framework %q", id)
	}
	f, err := parse(b)
	if err == nil && f.SubsetOf != "" {
		var whole *Framework
		if whole, err = Load(f.SubsetOf); err == nil {
			err = f.take(whole)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("framework %s: %w", id, err)
	}
	return f, nil
}

// All returns every framework.
func All() (all []*Framework, err error) {
	for _, id := range IDs() {
		f, err := Load(id)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// Has reports whether a rule is mapped to a requirement.
func (f *Framework) Has(rule string) bool { return len(f.Of(rule)) > 0 }

// Of lists the requirements that a rule is mapped to.
func (f *Framework) Of(rule string) (ids []string) {
	for i := range f.Requirements {
		if slices.Contains(f.Requirements[i].Rules, rule) {
			ids = append(ids, f.Requirements[i].ID)
		}
	}
	return ids
}

// parse reads a file, and refuses what it does not understand.
func parse(b []byte) (*Framework, error) {
	f := new(Framework)
	if err := model.DecodeStrict(b, f); err != nil {
		return nil, err
	}
	if f.ID == "" || f.Title == "" || f.Version == "" || f.Provenance == "" {
		return nil, errors.New("id, title, version or provenance is missing")
	}
	if (f.SubsetOf == "") != (len(f.Subset) == 0) || (f.SubsetOf == "") != (len(f.Requirements) > 0) {
		return nil, errors.New("it must have either requirements or a subset of another framework")
	}
	ids := slices.Clone(f.Subset)
	for i := range f.Requirements {
		if err := f.Requirements[i].check(); err != nil {
			return nil, err
		}
		ids = append(ids, f.Requirements[i].ID)
	}
	return f, ascending("requirement", ids)
}

func (r *Requirement) check() error {
	switch {
	case r.ID == "" || r.Title == "" || strings.HasSuffix(r.Title, "."):
		return fmt.Errorf("requirement %s: it needs an id, and a title without a full stop", r.ID)
	case r.Automated != nil && (*r.Automated || len(r.Rules) > 0 || r.Reason == ""):
		return fmt.Errorf("requirement %s: what cannot be automated has automated false, a reason, and no rules", r.ID)
	case r.Automated == nil && len(r.Rules) == 0 && r.Reason != "":
		return fmt.Errorf("requirement %s: a reason without rules goes with automated false", r.ID)
	}
	if err := ascending("rule", r.Rules); err != nil {
		return fmt.Errorf("requirement %s: %w", r.ID, err)
	}
	return nil
}

// take fills a subset.
func (f *Framework) take(whole *Framework) error {
	for _, id := range f.Subset {
		i := slices.IndexFunc(whole.Requirements, func(r Requirement) bool { return r.ID == id })
		if i < 0 {
			return fmt.Errorf("%s has no requirement %s", whole.ID, id)
		}
		f.Requirements = append(f.Requirements, whole.Requirements[i])
	}
	f.Subset = nil
	return nil
}

// ascending refuses what stands twice or out of place.
func ascending(what string, ids []string) error {
	for i := 1; i < len(ids); i++ {
		if natural(ids[i-1], ids[i]) >= 0 {
			return fmt.Errorf("%s %s stands after %s", what, ids[i], ids[i-1])
		}
	}
	return nil
}

// natural compares names as people count: "1.9" is before "1.10".
func natural(a, b string) int {
	for a != "" && b != "" {
		x, y := digits(a), digits(b)
		if x > 0 && y > 0 {
			m, _ := strconv.Atoi(a[:x])
			n, _ := strconv.Atoi(b[:y])
			if c := cmp.Or(cmp.Compare(m, n), cmp.Compare(a[:x], b[:y])); c != 0 {
				return c
			}
			a, b = a[x:], b[y:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

// digits counts those that a text begins with.
func digits(s string) int { return len(s) - len(strings.TrimLeft(s, "0123456789")) }
