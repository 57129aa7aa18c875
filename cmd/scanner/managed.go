package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// What AWS managed policies allow. Written by data/managed.py.
//
//go:embed data/managed.json
var managedData []byte

type managed struct {
	Name    string              `json:"name"`
	Path    string              `json:"path"`
	Version string              `json:"version"`
	Updated string              `json:"updated"` // YYYY-MM-DD
	Allow   map[string][]string `json:"allow"`   // of all resources: names and globs of actions by service
	Partly  map[string][]string `json:"partly"`  // of some resources, or on conditions
}

var managedPolicies = sync.OnceValue(func() (all struct {
	Source   string    `json:"source"`
	Services []string  `json:"services"` // of which something is known; the policies tell nothing of any other
	Policies []managed `json:"policies"`
}) {
	if err := json.Unmarshal(managedData, &all); err != nil {
		panic("managed.json: " + err.Error())
	}
	return all
})

func managedNames() (names []string) {
	for _, p := range managedPolicies().Policies {
		names = append(names, p.Name)
	}
	return names
}

// managedPolicy returns a policy by its name, which must be one of them.
func managedPolicy(name string) *managed {
	all := managedPolicies().Policies
	return &all[slices.IndexFunc(all, func(p managed) bool { return p.Name == name })]
}

// A grant is what a policy says of an action.
type grant string

const (
	granted   grant = "granted"
	partly    grant = "granted for some resources only"
	refused   grant = "not granted"
	undecided grant = "not known"
)

// grants tells whether a policy allows an action. IAM ignores the case of actions.
func (p *managed) grants(action string) grant {
	service, name, _ := strings.Cut(strings.ToLower(action), ":")
	matches := func(globs []string) bool {
		return slices.ContainsFunc(globs, func(g string) bool { return engine.Match(strings.ToLower(g), name) })
	}
	switch {
	case !slices.Contains(managedPolicies().Services, service):
		return undecided
	case matches(p.Allow[service]):
		return granted
	case matches(p.Partly[service]):
		return partly
	}
	return refused
}

// A lackJSON is an action that a managed policy does not grant.
type lackJSON struct {
	Action string   `json:"action"`
	Grant  grant    `json:"grant"`
	Calls  []string `json:"calls"`
	Rules  []string `json:"rules"` // that make one of these calls
}

type comparisonJSON struct {
	Policy   managedJSON `json:"policy"`
	Assessed []string    `json:"assessed"` // rules with all they need
	Lost     []string    `json:"lost"`     // rules that lack an action
	Missing  []lackJSON  `json:"missing"`
}

type managedJSON struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Updated string `json:"updated"`
	Source  string `json:"source"`
}

// compareTo says what the rules lack if a managed policy is all they have. What tells only to whom a resource belongs counts, too.
func compareTo(p *managed, picked []engine.Rule, tags bool) (*comparisonJSON, error) {
	x := &comparisonJSON{Policy: managedJSON{p.Name, p.Version, p.Updated, managedPolicies().Source}, Assessed: []string{}, Lost: []string{}, Missing: []lackJSON{}}
	lack := func(call, rule string) (lost bool) {
		for _, action := range model.Permissions(call) {
			g := p.grants(action)
			if g == granted {
				continue
			}
			lost = true
			i := slices.IndexFunc(x.Missing, func(l lackJSON) bool { return l.Action == action })
			if i < 0 {
				i = len(x.Missing)
				x.Missing = append(x.Missing, lackJSON{Action: action, Grant: g})
			}
			l := &x.Missing[i]
			if !slices.Contains(l.Calls, call) {
				l.Calls = append(l.Calls, call)
			}
			if !slices.Contains(l.Rules, rule) {
				l.Rules = append(l.Rules, rule)
			}
		}
		return lost
	}
	// Regions are known by one of two calls; who is calling may always be asked.
	regions := []string{"account:ListRegions", "ec2:DescribeRegions"}
	blind := !slices.ContainsFunc(regions, func(call string) bool { return p.grants(call) == granted })
	for i := range picked {
		plan, err := planFor(picked[i:i+1], tags)
		if err != nil {
			return nil, err
		}
		ops := plan.Ops
		if blind {
			ops = slices.Concat(ops, regions)
		}
		lost := false
		for _, op := range ops {
			lost = lack(op, picked[i].ID) || lost
		}
		if lost {
			x.Lost = append(x.Lost, picked[i].ID)
		} else {
			x.Assessed = append(x.Assessed, picked[i].ID)
		}
	}
	slices.SortFunc(x.Missing, func(a, b lackJSON) int { return strings.Compare(a.Action, b.Action) })
	return x, nil
}

func showComparison(out io.Writer, format, name string, picked []engine.Rule, tags bool) error {
	if err := oneOf("--compare", name, managedNames()); err != nil {
		return err
	}
	x, err := compareTo(managedPolicy(name), picked, tags)
	if err != nil {
		return err
	}
	switch format {
	case "json":
		return encode(out, x)
	case "policy":
		actions := []string{}
		for _, l := range x.Missing {
			actions = append(actions, l.Action)
		}
		if len(actions) == 0 {
			return usage("%s %s lacks nothing that these rules need: there is no policy to add", name, x.Policy.Version)
		}
		return encode(out, allow(actions))
	}
	fmt.Fprintf(out, "POLICY  %s %s of %s, from %s\n", name, x.Policy.Version, x.Policy.Updated, x.Policy.Source)
	fmt.Fprintf(out, "RULES   with nothing else, %d of %s may make all their calls\n", len(x.Assessed), count(len(picked), "rule"))
	if len(x.Missing) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nMISSING\tIS\tLOSES")
	for _, l := range x.Missing {
		fmt.Fprintf(w, "%s\t%s\t%s\n", l.Action, l.Grant, strings.Join(l.Rules, ", "))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\nA rule that loses a call is not assessed where that would have told. scanner permissions --compare %s -o policy prints what to add.\n", name)
	return err
}
