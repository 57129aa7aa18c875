// Package report turns verdicts into what people and programs read: summary, coverage, fix units, and one file per format.
package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"awsscanner/frameworks"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// A Filter picks results; rules are picked before. The zero Filter passes everything.
type Filter struct {
	Statuses   []engine.Status     // to list; sums, gaps and the gate count the others too
	Severities []engine.Severity   // of failures; results of other status pass
	Regions    []string            // globs; results of a whole account pass
	Resources  []string            // globs of ARN, ID or name; holes pass
	Tags       map[string][]string // key to globs of values; what has unknown tags passes, holes included
	Mask       *engine.Mask        // hides what a report tells; nil for nothing
	Owners     []string            // globs of the tags owner and team, or of what a resource belongs to; the same
}

// ownerKeys are the tags that tell who has to act, whatever their case.
var ownerKeys = []string{"owner", "team"}

// belongs reports whether a result is about what somebody with such tags owns. What is not known is left to everybody.
func (f *Filter) belongs(r *engine.Result) bool {
	tags, known := r.KnownTags()
	if !known {
		return true
	}
	for key, values := range f.Tags {
		if value, ok := tags[key]; !ok || !engine.MatchAny(values, value) {
			return false
		}
	}
	if len(f.Owners) == 0 || engine.MatchAny(f.Owners, r.Owner()) {
		return true
	}
	for key, value := range tags {
		if slices.Contains(ownerKeys, strings.ToLower(key)) && engine.MatchAny(f.Owners, value) {
			return true
		}
	}
	return false
}

// lists reports whether a result is shown.
func (f *Filter) lists(r *engine.Result) bool {
	return f.counts(r) && (len(f.Statuses) == 0 || slices.Contains(f.Statuses, r.Status))
}

// counts reports whether a result is part of the sums.
func (f *Filter) counts(r *engine.Result) bool {
	m := r.Resource
	switch {
	case len(f.Severities) > 0 && r.Status == engine.Failed && !slices.Contains(f.Severities, r.Severity), !f.covers(m.Region):
		return false
	case len(f.Tags)+len(f.Owners) > 0 && !f.belongs(r):
		return false
	case len(f.Resources) > 0 && m.ID != "*":
		return engine.MatchAny(f.Resources, m.ARN) || engine.MatchAny(f.Resources, m.ID) || engine.MatchAny(f.Resources, m.Name)
	}
	return true
}

// covers reports whether a region is one of those that are reported on.
func (f *Filter) covers(region string) bool {
	return len(f.Regions) == 0 || region == "" || region == model.AnyRegion || engine.MatchAny(f.Regions, region)
}

// A Report is what is said about one scan. It holds sums and groups; the results themselves
// are computed again whenever they are read, so that memory does not grow with their number.
type Report struct {
	Version     string // of the scanner
	Scan        *engine.Scan
	Header      engine.Header // of the scan, as far as the report tells
	Rules       []engine.Rule
	Filter      Filter
	Frameworks  []*frameworks.Framework // to hold the results against
	ExplainWith string                  // the command that explains a finding, for hints: "scanner explain"; "" if none can

	Statuses   map[engine.Status]int
	Failures   map[engine.Severity]int
	RuleStatus map[string]engine.Status // by ID: fail, not-assessed, pass or not-applicable, whichever comes first of its results
	Worst      map[string]engine.Severity
	Waste      float64    // estimated USD a month that failures waste
	Cells      int        // rules times the accounts and regions in which they judge
	Blind      int        // cells with a result that is not assessed
	Fixable    int        // of them, those with a fixable gap
	Coverage   []Coverage // by account, in order
	Gaps       []Gap
	Units      []Unit
	Untold     int             // results that pass a filter by tags only because their tags are not known
	muted      map[string]bool // rules with failures that only the severities leave out: they have not passed
	judged     bool            // something could be assessed, be it counted or not
}

// A Coverage is how much of an account was read.
type Coverage struct {
	Account  string `json:"account"`
	Name     string `json:"name"`     // in the organization; empty if nobody told
	Regions  int    `json:"regions"`  // that were read; 0 if the account could not be entered
	Cells    int    `json:"cells"`    // rules times the account or its regions
	Assessed int    `json:"assessed"` // of them, those without a gap
	Failures int    `json:"failures"`
}

// allCalls stands for every call in a region that is closed.
const allCalls = "*"

// A Gap is one reason why results are not assessed, in one account and region.
type Gap struct {
	Call        string       `json:"call"`        // "*" for a region that is closed as a whole
	Permissions []string     `json:"permissions"` // to grant, if access was denied
	Reason      model.Reason `json:"reason"`
	Class       model.Class  `json:"class"`
	Detail      string       `json:"detail,omitempty"` // of the first one
	Account     string       `json:"account"`
	Region      string       `json:"region"`
	Kind        model.Kind   `json:"kind"`
	Rules       []string     `json:"rules"`
	Resources   int          `json:"resources"` // named ones; a list that failed hides an unknown number
}

// A Unit is failures that one change, or one kind of change, clears.
type Unit struct {
	Rule        *engine.Rule
	Key         string
	Account     string
	Severity    engine.Severity // worst
	Resources   int
	Regions     []string
	Names       []string // of a few, the worst first
	Owner       string   // "" if there is none or several
	Message     string   // of the worst
	Fingerprint string   // of the worst
	Waste       float64
}

// New judges a scan. It fails if that cannot be read.
func New(version string, s *engine.Scan, rules []engine.Rule, f Filter) (*Report, error) {
	r := &Report{Version: version, Scan: s, Header: f.Mask.Header(s.Header), Rules: rules, Filter: f,
		Statuses: map[engine.Status]int{}, Failures: map[engine.Severity]int{}, RuleStatus: map[string]engine.Status{}, Worst: map[string]engine.Severity{}, muted: map[string]bool{}}
	anySeverity := f
	anySeverity.Severities = nil
	type gapKey struct {
		call, account, region string
		reason                model.Reason
		kind                  model.Kind
	}
	type unitKey struct{ rule, account, key string }
	type cell struct {
		rule *engine.Rule
		model.Place
	}
	type resource struct {
		kind model.Kind
		model.Place
		id string
	}
	gaps, units, wasted := map[gapKey]*Gap{}, map[unitKey]*Unit{}, map[resource]float64{}
	blind, fixable := map[cell]bool{}, map[cell]bool{}
	accounts, regions := map[model.Place]bool{}, map[model.Place]bool{}
	for _, p := range r.Header.Read {
		if accounts[model.Place{Account: p.Account}] = true; p.Region != "" && f.covers(p.Region) {
			regions[p] = true
		}
	}
	places := func(rule *engine.Rule) map[model.Place]bool { // in which it judges
		if t := rule.Check.Subject; t.Scope == model.AccountSubject || t.Scope == model.Global {
			return accounts
		}
		return regions
	}
	coverage := map[string]*Coverage{}
	for _, account := range r.Accounts() {
		coverage[account] = &Coverage{Account: account, Name: r.Header.Names[account]}
	}
	for p := range regions {
		coverage[p.Account].Regions++
	}
	for i := range rules {
		r.RuleStatus[rules[i].ID] = engine.Inapplicable
		r.Cells += len(places(&rules[i]))
		for p := range places(&rules[i]) {
			coverage[p.Account].Cells++
		}
	}
	for x, err := range s.Evaluate(rules) {
		if err != nil {
			return nil, err
		}
		r.judged = r.judged || x.Status != engine.NotAssessed
		if !f.counts(&x) {
			if anySeverity.counts(&x) {
				r.muted[x.Rule.ID] = true
			}
			continue
		}
		if len(f.Tags)+len(f.Owners) > 0 && x.Resource.ID != "*" {
			if _, known := x.KnownTags(); !known {
				r.Untold++
			}
		}
		x = f.Mask.Result(x)
		r.Statuses[x.Status]++
		if rank(x.Status) < rank(r.RuleStatus[x.Rule.ID]) {
			r.RuleStatus[x.Rule.ID] = x.Status
		}
		m := x.Resource
		switch x.Status {
		case engine.Failed:
			r.Failures[x.Severity]++
			if c := coverage[m.Account]; c != nil {
				c.Failures++
			}
			r.Worst[x.Rule.ID] = max(r.Worst[x.Rule.ID], x.Severity)
			k := unitKey{x.Rule.ID, m.Account, x.FixKey}
			u := units[k]
			if u == nil {
				u = &Unit{Rule: x.Rule, Key: cmp.Or(x.FixKey, x.Rule.ID), Account: m.Account, Owner: x.Owner()}
				units[k] = u
			}
			u.add(&x)
			if usd := waste(&x); usd > 0 { // of a resource that is not needed no rule can save more than all of it
				of := resource{x.Kind(), model.Place{Account: m.Account, Region: m.Region}, m.ID}
				r.Waste += max(0, usd-wasted[of])
				wasted[of] = max(usd, wasted[of])
			}
		case engine.NotAssessed:
			c := cell{x.Rule, model.Place{Account: m.Account, Region: m.Region}}
			blind[c] = true
			if x.Gap.Reason.Class() == model.Fixable {
				fixable[c] = true
			}
			k := gapKey{x.Gap.Call, m.Account, m.Region, x.Gap.Reason, x.Kind()}
			g := gaps[k]
			if g == nil {
				g = &Gap{Call: x.Gap.Call, Permissions: ToGrant(x.Gap), Reason: x.Gap.Reason, Class: x.Gap.Reason.Class(), Detail: x.Gap.Detail,
					Account: m.Account, Region: m.Region, Kind: x.Kind()}
				gaps[k] = g
			}
			if !slices.Contains(g.Rules, x.Rule.ID) {
				g.Rules = append(g.Rules, x.Rule.ID)
			}
			if m.ID != "*" {
				g.Resources++
			}
		}
	}
	r.Blind, r.Fixable = len(blind), len(fixable)
	r.Waste = math.Round(100*r.Waste) / 100
	for c := range blind { // places beside those that were read: regions that could not be listed
		account := coverage[c.Account]
		if account == nil {
			continue
		}
		if !places(c.rule)[c.Place] {
			r.Cells++
			account.Cells++
		}
		account.Assessed--
	}
	for _, account := range r.Accounts() {
		c := coverage[account]
		c.Assessed += c.Cells
		r.Coverage = append(r.Coverage, *c)
	}
	closed := map[model.Place]bool{}
	for _, g := range gaps {
		if g.Detail == model.ClosedRegion {
			closed[model.Place{Account: g.Account, Region: g.Region}] = true
		}
	}
	for k, g := range gaps { // of a region that is closed as a whole it says little which calls were tried
		if !closed[model.Place{Account: g.Account, Region: g.Region}] || g.Class != model.Structural || k.call == allCalls {
			continue
		}
		delete(gaps, k)
		k.call, k.kind = allCalls, ""
		if gaps[k] == nil {
			gaps[k] = &Gap{Call: allCalls, Permissions: []string{}, Reason: g.Reason, Class: g.Class, Detail: model.ClosedRegion, Account: g.Account, Region: g.Region}
		}
		all := gaps[k]
		all.Rules, all.Resources = append(all.Rules, g.Rules...), all.Resources+g.Resources
		slices.Sort(all.Rules)
		all.Rules = slices.Compact(all.Rules)
	}
	for _, k := range slices.SortedFunc(maps.Keys(gaps), func(a, b gapKey) int {
		return cmp.Or(cmp.Compare(a.account, b.account), cmp.Compare(a.region, b.region), cmp.Compare(a.call, b.call), cmp.Compare(a.reason, b.reason), cmp.Compare(a.kind, b.kind))
	}) {
		r.Gaps = append(r.Gaps, *gaps[k])
	}
	for _, u := range units {
		slices.Sort(u.Regions)
		r.Units = append(r.Units, *u)
	}
	slices.SortFunc(r.Units, func(a, b Unit) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(b.Resources, a.Resources), cmp.Compare(a.Rule.ID, b.Rule.ID), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Key, b.Key))
	})
	return r, nil
}

// Results judges anew and returns the results that the filter lists.
func (r *Report) Results() iter.Seq2[engine.Result, error] {
	return func(yield func(engine.Result, error) bool) {
		for x, err := range r.Scan.Evaluate(r.Rules) {
			if err == nil {
				if !r.Filter.lists(&x) {
					continue
				}
				x = r.Filter.Mask.Result(x)
			}
			if !yield(x, err) {
				return
			}
		}
	}
}

func rank(s engine.Status) int { return slices.Index(engine.Statuses, s) }

func (u *Unit) add(x *engine.Result) {
	m := x.Resource
	u.Resources++
	u.Waste += waste(x)
	if m.Region != "" && !slices.Contains(u.Regions, m.Region) {
		u.Regions = append(u.Regions, m.Region)
	}
	if x.Severity > u.Severity {
		u.Names = slices.Insert(u.Names, 0, name(m))
	} else {
		u.Names = append(u.Names, name(m))
	}
	u.Names = u.Names[:min(3, len(u.Names))]
	if x.Owner() != u.Owner {
		u.Owner = ""
	}
	if x.Severity > u.Severity {
		u.Severity, u.Message, u.Fingerprint = x.Severity, x.Message, x.Fingerprint()
	}
}

// name is how people call a resource.
func name(m *model.Meta) string { return cmp.Or(m.Name, m.ID) }

// waste is what a failure wastes in a month, in USD, as its evidence estimates: what the resource costs, or what less of it would save.
func waste(x *engine.Result) float64 {
	cost, _ := x.Evidence["monthlyCostUSD"].(float64)
	saving, _ := x.Evidence["monthlySavingUSD"].(float64)
	return max(cost, saving)
}

// ToGrant returns the IAM actions that would close a gap, if access was denied: those of its call, or of the one that had to come before it.
func ToGrant(g *model.Gap) []string {
	if g.Call == "" || !g.Reason.Denied() {
		return []string{}
	}
	if need, ok := strings.CutPrefix(g.Detail, model.Needs); ok && strings.Contains(need, ":") {
		return model.Permissions(need)
	}
	return model.Permissions(g.Call)
}

// ID names the scan: the same for the same snapshot.
func (r *Report) ID() string {
	h := sha256.Sum256(fmt.Append(nil, r.Scan.Start.UTC().Format(time.RFC3339Nano), r.Scan.Caller, r.Scan.Read))
	return hex.EncodeToString(h[:8])
}

// Accounts lists the accounts that were read.
func (r *Report) Accounts() []string {
	return distinct(r.Header.Read, func(p model.Place) string { return p.Account })
}

// Regions lists the regions that were read.
func (r *Report) Regions() []string {
	return distinct(r.Header.Read, func(p model.Place) string { return p.Region })
}

func distinct(places []model.Place, of func(model.Place) string) []string {
	set := map[string]bool{}
	for _, p := range places {
		if name := of(p); name != "" { // an account that could not be entered has no region
			set[name] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// Nothing reports whether not a single verdict could be given although there was something to judge.
func (r *Report) Nothing() bool { return r.Statuses[engine.NotAssessed] > 0 && !r.judged }
