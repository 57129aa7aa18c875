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
	Owners     []string            // globs of owners, or of what a resource belongs to; the same
}

// belongs reports whether a result is about what somebody with such tags owns. What is not known is left to everybody.
func (f *Filter) belongs(r *Result) bool {
	tags, known := r.KnownTags()
	if !known {
		return true
	}
	for key, values := range f.Tags {
		if value, ok := tags[key]; !ok || !engine.MatchAny(values, value) {
			return false
		}
	}
	return len(f.Owners) == 0 || r.Team == UnknownOwner || engine.MatchAny(f.Owners, r.Team) || engine.MatchAny(f.Owners, r.Owner())
}

// lists reports whether a result is shown.
func (f *Filter) lists(r *Result) bool {
	return f.counts(r) && (len(f.Statuses) == 0 || slices.Contains(f.Statuses, r.Status))
}

// counts reports whether a result is part of the sums.
func (f *Filter) counts(r *Result) bool {
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

// keeps reports whether a failure of the baseline belongs to what is reported on, as far as it is known.
func (f *Filter) keeps(k *Known) bool {
	return f.covers(k.Region) && (len(f.Severities) == 0 || slices.Contains(f.Severities, k.Severity)) &&
		(len(f.Resources) == 0 || engine.MatchAny(f.Resources, k.ID) || engine.MatchAny(f.Resources, k.Name)) &&
		(len(f.Owners) == 0 || k.Owner == UnknownOwner || engine.MatchAny(f.Owners, k.Owner))
}

// some reports whether only some of the failures in a place are reported on.
func (f *Filter) some() bool { return len(f.Severities)+len(f.Resources)+len(f.Tags)+len(f.Owners) > 0 }

// covers reports whether a region is one of those that are reported on.
func (f *Filter) covers(region string) bool {
	return len(f.Regions) == 0 || region == "" || region == model.AnyRegion || engine.MatchAny(f.Regions, region)
}

// Options say how a scan is looked at. The zero Options leave it as it is.
type Options struct {
	Filter
	Team  func(*engine.Result) string  // who has to act: see Result.Team; nil for Team
	Waive func(*engine.Result) *Waived // by whom a failure or gap is accepted; nil for nobody

	Baseline *Baseline // what an earlier scan found; nil to compare with nothing
	Source   *File     // the report that is looked at again; nil if this scanner judges
}

// A Result is a verdict, with what people have said of it beforehand and what an earlier scan said.
type Result struct {
	engine.Result
	Team   string  // who has to act; "" if nobody is named, UnknownOwner if that depends on tags that are not known
	Waived *Waived // nil if nobody has accepted it
	Change Change  // since the baseline; "" if there is none, or for what is neither failure nor gap
}

// Open reports whether a result is a failure that nobody has accepted.
func (x *Result) Open() bool { return x.Status == engine.Failed && x.Waived == nil }

// A Waived says why a failure or a gap is accepted, by whom and until when. It stays visible.
type Waived struct {
	Reason     string `json:"reason"`
	Owner      string `json:"owner"`
	Expires    string `json:"expires"` // the last day, YYYY-MM-DD
	Mitigation string `json:"mitigation,omitempty"`
	Risk       string `json:"risk,omitempty"`
	Ticket     string `json:"ticket,omitempty"`
	Source     string `json:"source"` // file and line
}

// A Change is what became of a finding since the baseline.
type Change string

const (
	Appeared      Change = "new"            // the baseline looked and did not find it
	Regressed     Change = "regressed"      // it was there before, and mended
	Escalated     Change = "escalated"      // it is more severe
	NewlyAssessed Change = "newly-assessed" // the baseline did not look: another rule or version, parameters, permissions or scope
	Unchanged     Change = "unchanged"
	Lost          Change = "no-longer-assessed" // of a gap: the baseline could judge what this scan cannot
)

// IsNew reports whether a gate counts a finding as new.
func (c Change) IsNew() bool { return c == Appeared || c == Regressed || c == Escalated }

// Changes lists all, those first that a gate counts as new.
var Changes = []Change{Appeared, Regressed, Escalated, NewlyAssessed, Unchanged}

// UnknownOwner stands for whoever owns what has tags that are not known.
const UnknownOwner = "unknown"

// Team returns who owns a resource by its tags owner or team, or else what it belongs to; UnknownOwner if its tags are not known, "" if they name nobody.
func Team(x *engine.Result) string {
	tags, known := x.KnownTags()
	for _, wanted := range []string{"owner", "team"} {
		for _, key := range slices.Sorted(maps.Keys(tags)) {
			if strings.EqualFold(key, wanted) && tags[key] != "" {
				return tags[key]
			}
		}
	}
	if owner := x.Owner(); owner != "" || known {
		return owner
	}
	return UnknownOwner
}

// A Report is what is said about one scan. It holds sums and groups; the results themselves
// are computed again whenever they are read, so that memory does not grow with their number.
type Report struct {
	Version string // of the scanner
	Scan    *engine.Scan
	Header  engine.Header // of the scan, as far as the report tells
	Rules   []engine.Rule
	Options
	Frameworks  []*frameworks.Framework // to hold the results against
	Sources     *SourceMap              // where stacks are written down, for SARIF; nil if nobody says
	ExplainWith string                  // the command that explains a finding, for hints: "scanner explain"; "" if none can
	Decision    *Decision               // of the gate, for formats that tell it; nil if there is none

	Statuses   map[engine.Status]int
	Failures   map[engine.Severity]int    // that nobody has waived
	Waived     map[engine.Severity]int    // those that somebody has
	WaivedGaps int                        // results that are not assessed, which somebody has
	RuleStatus map[string]engine.Status   // by ID: fail, not-assessed, pass or not-applicable, whichever comes first of its results
	Worst      map[string]engine.Severity // by ID, of failures that nobody has waived; absent if there is none
	Changes    map[Change]int             // of failures that nobody has waived, since the baseline
	Gone       []Gone                     // failures of the baseline that are none any more
	Waste      float64                    // estimated USD a month that failures waste
	WasteBy    map[engine.Pillar]float64  // the same for the rules under each pillar
	Cells      int                        // rules times the accounts and regions in which they judge
	Blind      int                        // cells with a result that is not assessed
	Fixable    int                        // of them, those with a fixable gap that nobody has waived
	Doubtful   int                        // of these, those that a gate counts: not of a rule in preview
	Coverage   []Coverage                 // by account, in order
	Gaps       []Gap
	Units      []Unit
	NewUnits   []Unit                  // the same of failures that a gate counts as new
	Gated      map[engine.Severity]int // failures that a gate counts: neither waived nor of a rule in preview
	Fresh      map[engine.Severity]int // of these, the new ones
	Soonest    string                  // day on which the first waiver expires that holds something back
	Untold     int                     // results that pass a filter by tags only because their tags are not known
	muted      map[string]bool         // rules with failures that only the severities leave out: they have not passed
	judged     bool                    // something could be assessed, be it counted or not
	since      *comparison
	within     Filter // what the report tells that is looked at again
}

// shown is what the report tells of its scan: what its filter passes, of what the report that is looked at again told.
func (r *Report) shown() Filter {
	f, w := r.Filter, r.within
	both := func(a, b []string) []string {
		if len(a) > 0 {
			return a
		}
		return b
	}
	f.Resources, f.Owners = both(f.Resources, w.Resources), both(f.Owners, w.Owners)
	if len(f.Tags) == 0 {
		f.Tags = w.Tags
	}
	if len(f.Regions) == 0 {
		f.Regions = w.Regions
	} else if len(w.Regions) > 0 {
		f.Regions = slices.DeleteFunc(r.Regions(), func(region string) bool { return !r.covers(region) })
	}
	if len(f.Severities) == 0 {
		f.Severities = w.Severities
	}
	if len(f.Statuses) == 0 {
		f.Statuses = w.Statuses
	}
	if w.Mask != nil {
		mask := engine.Mask{Accounts: w.Mask.Accounts, Names: w.Mask.Names}
		if f.Mask != nil {
			mask.Accounts, mask.Names = mask.Accounts || f.Mask.Accounts, mask.Names || f.Mask.Names
		}
		f.Mask = &mask
	}
	return f
}

// covers reports whether a region is one of those that are reported on.
func (r *Report) covers(region string) bool {
	return r.Filter.covers(region) && r.within.covers(region)
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
	Resources   int          `json:"resources"`       // named ones; a list that failed hides an unknown number
	Owner       string       `json:"owner,omitempty"` // who has to act, if that is one: of the resource, if its policy denies; else of the account
	Waived      bool         `json:"waived,omitempty"`
	Change      Change       `json:"change,omitempty"` // unchanged or no longer assessed; "" if there is no baseline, or it did not look
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
	Owner       string   // who has to act, up to three by name; "" if nobody is known
	Message     string   // of the worst
	Fingerprint string   // of the worst
	Waste       float64

	severities [engine.Critical + 1]int // how many failures have each
	owners     map[string]bool
}

// New judges a scan. It fails if that cannot be read.
func New(version string, s *engine.Scan, rules []engine.Rule, o Options) (*Report, error) {
	f := o.Filter
	r := &Report{Version: version, Scan: s, Header: f.Mask.Header(s.Header), Rules: rules, Options: o,
		Statuses: map[engine.Status]int{}, Failures: map[engine.Severity]int{}, Waived: map[engine.Severity]int{}, Changes: map[Change]int{},
		RuleStatus: map[string]engine.Status{}, Worst: map[string]engine.Severity{}, WasteBy: map[engine.Pillar]float64{}, Gated: map[engine.Severity]int{}, Fresh: map[engine.Severity]int{}, muted: map[string]bool{}}
	if o.Source != nil {
		r.within, r.judged = o.Source.shows, o.Source.judged
	}
	r.since = r.compare()
	anySeverity := f
	anySeverity.Severities = nil
	type gapKey struct {
		call, account, region string
		reason                model.Reason
		kind                  model.Kind
		waived                bool
		change                Change
	}
	type unitKey struct{ rule, account, key string }
	type cell struct {
		rule *engine.Rule
		model.Place
	}
	type resource struct {
		kind model.Kind
		model.Place
		id     string
		pillar engine.Pillar // "" for all
	}
	gaps, units, fresh, wasted := map[gapKey]*Gap{}, map[unitKey]*Unit{}, map[unitKey]*Unit{}, map[resource]float64{}
	blind, fixable, dark := map[cell]bool{}, map[cell]bool{}, map[cell]bool{} // dark: nothing was seen, not even what there is
	accounts, regions := map[model.Place]bool{}, map[model.Place]bool{}
	for _, p := range r.Header.Read {
		if accounts[model.Place{Account: p.Account}] = true; p.Region != "" && r.covers(p.Region) {
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
	for v, err := range s.Evaluate(rules) {
		if err != nil {
			return nil, err
		}
		x := r.told(v)
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
		x = r.mask(x)
		r.Statuses[x.Status]++
		if rank(x.Status) < rank(r.RuleStatus[x.Rule.ID]) {
			r.RuleStatus[x.Rule.ID] = x.Status
		}
		if x.Waived != nil && (r.Soonest == "" || x.Waived.Expires < r.Soonest) {
			r.Soonest = x.Waived.Expires
		}
		m := x.Resource
		switch x.Status {
		case engine.Failed:
			if x.Waived != nil {
				r.Waived[x.Severity]++
				break
			}
			r.Failures[x.Severity]++
			if x.Change != "" {
				r.Changes[x.Change]++
			}
			if c := coverage[m.Account]; c != nil {
				c.Failures++
			}
			r.Worst[x.Rule.ID] = max(r.Worst[x.Rule.ID], x.Severity)
			into := []map[unitKey]*Unit{units}
			if !x.Rule.Preview {
				r.Gated[x.Severity]++
				if x.Change.IsNew() {
					r.Fresh[x.Severity]++
					into = append(into, fresh)
				}
			}
			for _, units := range into {
				k := unitKey{x.Rule.ID, m.Account, x.FixKey}
				u := units[k]
				if u == nil {
					u = &Unit{Rule: x.Rule, Key: cmp.Or(x.FixKey, x.Rule.ID), Account: m.Account, owners: map[string]bool{}}
					units[k] = u
				}
				u.add(&x)
			}
			if usd := waste(&x); usd > 0 { // of a resource that is not needed no rule can save more than all of it
				for _, pillar := range append([]engine.Pillar{""}, x.Rule.Pillars...) {
					of := resource{x.Kind(), model.Place{Account: m.Account, Region: m.Region}, m.ID, pillar}
					r.WasteBy[pillar] += max(0, usd-wasted[of])
					wasted[of] = max(usd, wasted[of])
				}
			}
		case engine.NotAssessed:
			c := cell{x.Rule, model.Place{Account: m.Account, Region: m.Region}}
			blind[c] = true
			if m.ID == "*" || x.Rule.Check.Subject.Scope == model.RegionSubject {
				dark[c] = true
			}
			switch {
			case x.Waived != nil:
				r.WaivedGaps++
			case x.Gap.Reason.Class() == model.Fixable:
				fixable[c] = true
			}
			owner := "" // of what one resource lacks, for want of a permission of the scan, others have to act
			if x.Gap.Reason == model.AccessDeniedResource || m.ID == "*" || x.Rule.Check.Subject.Scope == model.AccountSubject || x.Rule.Check.Subject.Scope == model.RegionSubject {
				owner = x.Team
			}
			k := gapKey{x.Gap.Call, m.Account, m.Region, x.Gap.Reason, x.Kind(), x.Waived != nil, x.Change}
			g := gaps[k]
			if g == nil {
				g = &Gap{Call: x.Gap.Call, Permissions: ToGrant(x.Gap), Reason: x.Gap.Reason, Class: x.Gap.Reason.Class(), Detail: x.Gap.Detail,
					Account: m.Account, Region: m.Region, Kind: x.Kind(), Owner: owner, Waived: x.Waived != nil, Change: x.Change}
				gaps[k] = g
			}
			if g.Owner != owner {
				g.Owner = ""
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
	for c := range fixable {
		if !c.rule.Preview {
			r.Doubtful++
		}
	}
	for pillar, usd := range r.WasteBy {
		r.WasteBy[pillar] = math.Round(100*usd) / 100
	}
	r.Waste = r.WasteBy[""]
	delete(r.WasteBy, "")
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
	// A region is closed as a whole if each rule that judges regions sees nothing there, if nothing but that is the reason, and if
	// enough services were asked to say so: then it says little which calls were tried.
	type closing struct {
		reasons  map[model.Reason]bool
		services map[string]bool
	}
	refusals := map[model.Place]closing{}
	for _, g := range gaps {
		p := model.Place{Account: g.Account, Region: g.Region}
		if refusals[p].reasons == nil {
			refusals[p] = closing{map[model.Reason]bool{}, map[string]bool{}}
		}
		service, _, _ := strings.Cut(g.Call, ":")
		refusals[p].reasons[g.Reason], refusals[p].services[service] = true, true
	}
	closed := map[model.Place]bool{}
	for p, c := range refusals {
		closed[p] = regions[p] && len(c.reasons) == 1 && (c.reasons[model.AccessDeniedSCP] || c.reasons[model.NotEnabled]) && len(c.services) >= 3
		for i := range rules {
			scope := rules[i].Check.Subject.Scope
			closed[p] = closed[p] && (scope != model.PerRegion && scope != model.RegionSubject || dark[cell{&rules[i], p}])
		}
	}
	for k, g := range gaps {
		if !closed[model.Place{Account: g.Account, Region: g.Region}] || k.call == allCalls {
			continue
		}
		delete(gaps, k)
		k.call, k.kind = allCalls, ""
		if gaps[k] == nil {
			gaps[k] = &Gap{Call: allCalls, Permissions: []string{}, Reason: g.Reason, Class: g.Class, Detail: "every service that was asked in the region refused",
				Account: g.Account, Region: g.Region, Owner: g.Owner, Waived: g.Waived, Change: g.Change}
		}
		all := gaps[k]
		if all.Owner != g.Owner {
			all.Owner = ""
		}
		all.Rules, all.Resources = append(all.Rules, g.Rules...), all.Resources+g.Resources
		slices.Sort(all.Rules)
		all.Rules = slices.Compact(all.Rules)
	}
	for _, k := range slices.SortedFunc(maps.Keys(gaps), func(a, b gapKey) int {
		return cmp.Or(cmp.Compare(a.account, b.account), cmp.Compare(a.region, b.region), cmp.Compare(a.call, b.call), cmp.Compare(a.reason, b.reason), cmp.Compare(a.kind, b.kind), cmp.Compare(fmt.Sprint(a.waived, a.change), fmt.Sprint(b.waived, b.change)))
	}) {
		r.Gaps = append(r.Gaps, *gaps[k])
	}
	sorted := func(units map[unitKey]*Unit) (all []Unit) {
		for _, u := range units {
			slices.Sort(u.Regions)
			u.Owner = owners(u.owners)
			all = append(all, *u)
		}
		slices.SortFunc(all, func(a, b Unit) int {
			return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(b.Resources, a.Resources), cmp.Compare(a.Rule.ID, b.Rule.ID), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Key, b.Key))
		})
		return all
	}
	r.Units, r.NewUnits = sorted(units), sorted(fresh)
	for _, g := range r.since.gone(s.Read) {
		if g.Fate == Fixed && !r.since.passing[g.Identity] && (r.within.some() || !r.within.covers(g.Region)) { // perhaps: it is not told
			g.Fate = OutOfScope
		}
		if f.keeps(&g.Known) {
			r.Gone = append(r.Gone, r.masked(g))
		}
	}
	return r, nil
}

// told adds to a verdict what people say of it.
func (r *Report) told(v engine.Result) Result {
	x := Result{Result: v}
	said, _ := v.With().(*Finding) // by the report that is looked at again
	switch {
	case r.Options.Team != nil:
		x.Team = r.Options.Team(&v)
	case said != nil:
		x.Team = said.Resource.Owner
	default:
		x.Team = Team(&v)
	}
	if v.Status == engine.Failed || v.Status == engine.NotAssessed {
		if r.Waive != nil {
			x.Waived = r.Waive(&v)
		}
		if said != nil && x.Waived == nil {
			x.Waived = said.Waived
		}
	}
	x.Change = r.since.see(&x)
	return x
}

// masked hides what a failure of the baseline tells.
func (r *Report) masked(g Gone) Gone {
	name := r.Mask.Name(cmp.Or(g.Known.Name, g.ID))
	if r.Mask != nil && r.Mask.Names {
		g.ID, g.Known.Name = name, name
	}
	g.Owner, g.Account = r.maskedTeam(g.Owner), r.Mask.Account(g.Account)
	return g
}

func (r *Report) maskedTeam(team string) string {
	if team == UnknownOwner {
		return team
	}
	return r.Mask.Name(team)
}

// mask hides what a result tells.
func (r *Report) mask(x Result) Result {
	if r.Mask == nil {
		return x
	}
	if w := x.Waived; w != nil {
		hidden := *w
		hidden.Owner = r.maskedTeam(w.Owner)
		for _, text := range []*string{&hidden.Reason, &hidden.Mitigation, &hidden.Risk, &hidden.Ticket} {
			*text = r.Mask.Text(&x.Result, *text)
		}
		x.Waived = &hidden
	}
	x.Team = r.maskedTeam(x.Team)
	x.Result = r.Mask.Result(x.Result)
	return x
}

// Results judges anew and returns the results that the filter lists.
func (r *Report) Results() iter.Seq2[Result, error] { return r.anew(r.Rules, r.Filter.lists) }

// anew judges by some of the rules and returns the results that are wanted.
func (r *Report) anew(rules []engine.Rule, wanted func(*Result) bool) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		for v, err := range r.Scan.Evaluate(rules) {
			if err != nil {
				yield(Result{}, err)
				return
			}
			x := r.told(v)
			if !wanted(&x) {
				continue
			}
			x = r.mask(x)
			if !yield(x, nil) {
				return
			}
		}
	}
}

func rank(s engine.Status) int { return slices.Index(engine.Statuses, s) }

func (u *Unit) add(x *Result) {
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
	u.owners[x.Team] = true
	u.severities[x.Severity]++
	if x.Severity > u.Severity {
		u.Severity, u.Message, u.Fingerprint = x.Severity, x.Message, x.Fingerprint()
	}
}

// owners names who has to act: up to three, and those who are not known at last.
func owners(all map[string]bool) string {
	names := slices.Sorted(maps.Keys(all))
	names = slices.DeleteFunc(names, func(s string) bool { return s == "" || s == UnknownOwner })
	if more := len(names) - 3; more > 0 {
		names = append(names[:3], fmt.Sprintf("%d more", more))
	}
	if all[UnknownOwner] {
		names = append(names, UnknownOwner)
	}
	if all[""] && len(names) > 0 {
		names = append(names, "others")
	}
	return strings.Join(names, ", ")
}

// name is how people call a resource.
func name(m *model.Meta) string { return cmp.Or(m.Name, m.ID) }

// waste is what a failure wastes in a month, in USD, as its evidence estimates: what the resource costs, or what less of it would save.
func waste(x *Result) float64 {
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
	if r.Source != nil {
		return r.Source.ID
	}
	h := sha256.Sum256(fmt.Append(nil, r.Scan.Start.UTC().Format(time.RFC3339Nano), r.Scan.Caller, r.Scan.Read))
	return hex.EncodeToString(h[:8])
}

// Accounts lists the accounts that were read.
func (r *Report) Accounts() []string { return r.Header.Accounts() }

// Regions lists the regions that were read.
func (r *Report) Regions() []string { return r.Header.Regions() }

// Nothing reports whether not a single verdict could be given although there was something to judge.
func (r *Report) Nothing() bool { return r.Statuses[engine.NotAssessed] > 0 && !r.judged }
