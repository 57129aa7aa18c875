package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"awsscanner/frameworks"
	"awsscanner/internal/engine"
	"awsscanner/internal/report"
	"awsscanner/rules"
)

// A selection says which rules judge, and with which parameters.
type selection struct {
	ruleset     string
	rules       []string
	exclude     []string
	params      []string
	pillars     []string
	services    []string
	minSeverity string
	severities  []string
	frameworks  []string

	conf     configured
	replayed *engine.Header // of the snapshot that is judged again; nil for a scan
	told     bool           // results are those of a report: nothing is judged
}

func (s *selection) flags(f *pflag.FlagSet) {
	s.conf.flags(f)
	f.StringVar(&s.ruleset, "ruleset", string(engine.Recommended), "rules of this level and those before it: recommended, extended, optional")
	f.StringSliceVar(&s.rules, "rules", nil, "only rules whose ID matches one of these globs, of any level")
	f.StringSliceVar(&s.exclude, "exclude-rules", nil, "without rules whose ID matches one of these globs")
	f.StringArrayVar(&s.params, "param", nil, "RULE.NAME=VALUE sets a parameter of a rule; VALUE is JSON or a word (repeatable)")
	f.StringSliceVar(&s.pillars, "pillars", nil, "only rules of these pillars")
	f.StringSliceVar(&s.services, "services", nil, "only rules of these services")
	f.StringSliceVar(&s.frameworks, "frameworks", nil, "only rules that are mapped to these security frameworks, of any level; reports say which requirements are met: "+strings.Join(frameworks.IDs(), ", "))
	f.StringVar(&s.minSeverity, "min-severity", "", "only rules that can be as severe, and failures that are")
	f.StringSliceVar(&s.severities, "severity", nil, "only rules that can be of one of these severities or above, and failures that are")
}

// anew reports whether rules are named; otherwise a snapshot brings its own.
func (s *selection) anew() bool { return s.ruleset != string(engine.Recommended) || len(s.rules) > 0 }

// pick returns the selected rules with their parameters, in the order of the registry, and the parameters that were set.
func (s *selection) pick() ([]engine.Rule, tuning, error) {
	return s.pickFrom(rules.All, false)
}

// pickFrom picks out of some rules; of any level, if they were selected before.
func (s *selection) pickFrom(all []engine.Rule, before bool) (picked []engine.Rule, as tuning, err error) {
	var levels []string
	for _, l := range engine.Levels {
		levels = append(levels, string(l))
	}
	if err := oneOf("--ruleset", s.ruleset, levels); err != nil {
		return nil, as, err
	}
	level := slices.Index(levels, s.ruleset)
	if err := known(slices.Concat(s.rules, s.exclude), "rule", ruleIDs(), "see scanner rules list"); err != nil {
		return nil, as, err
	}
	var services, pillars []string
	for i := range rules.All {
		services = append(services, rules.All[i].Service())
	}
	for _, p := range engine.Pillars {
		pillars = append(pillars, string(p))
	}
	if err := known(s.services, "service", slices.Compact(services), "see scanner rules list"); err != nil {
		return nil, as, err
	}
	if err := known(s.pillars, "pillar", pillars, "use "+strings.Join(pillars, ", ")); err != nil {
		return nil, as, err
	}
	against, err := s.against()
	if err != nil {
		return nil, as, err
	}
	wanted, err := s.wantedSeverities()
	if err != nil {
		return nil, as, err
	}
	given, err := s.overrides()
	if err != nil {
		return nil, as, err
	}
	for _, r := range all {
		if r, err = s.tune(r, given); err != nil {
			return nil, as, usage("%s", plain(err))
		}
		if len(s.rules) > 0 && !engine.MatchAny(s.rules, r.ID) || len(s.rules)+len(against) == 0 && !before && slices.Index(engine.Levels, r.Level) > level ||
			len(against) > 0 && !slices.ContainsFunc(against, func(f *frameworks.Framework) bool { return f.Has(r.ID) }) ||
			engine.MatchAny(s.exclude, r.ID) || len(s.services) > 0 && !engine.MatchAny(s.services, r.Service()) ||
			len(wanted) > 0 && r.Worst < slices.Min(wanted) {
			continue
		}
		if len(s.pillars) > 0 && !slices.ContainsFunc(r.Pillars, func(p engine.Pillar) bool { return engine.MatchAny(s.pillars, string(p)) }) {
			continue
		}
		picked = append(picked, r)
	}
	for id := range given {
		if !slices.ContainsFunc(picked, func(r engine.Rule) bool { return r.ID == id }) {
			return nil, as, usage("--param sets %s, which is not among the selected rules: select it with --rules", id)
		}
	}
	if len(picked) == 0 {
		return nil, as, usage("no rule is left after %s: leave some of that out", s.filters())
	}
	return picked, s.tuningOf(picked, given), nil
}

// filters names what picks rules.
func (s *selection) filters() string {
	var set []string
	for _, x := range []struct {
		flag string
		is   bool
	}{
		{"--rules", len(s.rules) > 0}, {"--exclude-rules", len(s.exclude) > 0}, {"--frameworks", len(s.frameworks) > 0}, {"--services", len(s.services) > 0}, {"--pillars", len(s.pillars) > 0},
		{"--severity", len(s.severities) > 0}, {"--min-severity", s.minSeverity != ""}, {"--ruleset", len(s.rules)+len(s.frameworks) == 0},
	} {
		if x.is {
			set = append(set, x.flag)
		}
	}
	return strings.Join(set, ", ")
}

// against returns the frameworks that rules are selected by and results held against.
func (s *selection) against() (all []*frameworks.Framework, err error) {
	ids := frameworks.IDs()
	if err := known(s.frameworks, "framework", ids, "use "+strings.Join(ids, ", ")); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if engine.MatchAny(s.frameworks, id) {
			f, err := frameworks.Load(id)
			if err != nil {
				return nil, err
			}
			all = append(all, f)
		}
	}
	return all, nil
}

func ruleIDs() (ids []string) {
	for i := range rules.All {
		ids = append(ids, rules.All[i].ID)
	}
	return ids
}

// known refuses globs that match nothing.
func known(globs []string, what string, names []string, otherwise string) error {
	for _, g := range globs {
		if !slices.ContainsFunc(names, func(n string) bool { return engine.Match(g, n) }) {
			return usage("no %s matches %q: %s", what, g, didYouMean(g, names, otherwise))
		}
	}
	return nil
}

// oneOf refuses a value that a flag does not know.
func oneOf(flag, value string, allowed []string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return usage("%s: there is no %q: %s", flag, value, didYouMean(value, allowed, "use "+strings.Join(allowed, ", ")))
}

func severity(flag, name string) (engine.Severity, error) {
	if err := oneOf(flag, name, engine.Severities()); err != nil {
		return 0, err
	}
	return engine.ParseSeverity(name)
}

// wantedSeverities returns the severities of failures to show, nil for all.
func (s *selection) wantedSeverities() (wanted []engine.Severity, err error) {
	if s.minSeverity != "" && len(s.severities) > 0 {
		return nil, usage("--min-severity and --severity exclude each other: use one of them")
	}
	if s.minSeverity != "" {
		least, err := severity("--min-severity", s.minSeverity)
		if err != nil {
			return nil, err
		}
		for x := least; x <= engine.Critical; x++ {
			wanted = append(wanted, x)
		}
	}
	for _, name := range s.severities {
		x, err := severity("--severity", name)
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, x)
	}
	return wanted, nil
}

// overrides gathers parameters by rule.
func (s *selection) overrides() (map[string]json.RawMessage, error) {
	byRule := map[string]map[string]json.RawMessage{}
	for _, p := range s.params {
		key, value, ok := strings.Cut(p, "=")
		id, param, ok2 := strings.Cut(key, ".")
		if !ok || !ok2 {
			return nil, usage("--param %s: write RULE.NAME=VALUE", p)
		}
		if by, place := s.conf.all().Lock("params." + key); by != "" {
			return nil, usage("--param %s sets what %s locks (locked: %s): leave it out", key, place, by)
		}
		i := slices.IndexFunc(rules.All, func(r engine.Rule) bool { return r.ID == id })
		if i < 0 {
			return nil, usage("--param %s: there is no rule %q: %s", p, id, didYouMean(id, ruleIDs(), "see scanner rules list"))
		}
		names := paramNames(&rules.All[i])
		if len(names) == 0 {
			return nil, usage("--param %s: rule %s has no parameters", p, id)
		}
		if !slices.Contains(names, param) {
			return nil, usage("--param %s: rule %s has no parameter %q: %s", p, id, param, didYouMean(param, names, "it has "+strings.Join(names, ", ")))
		}
		raw := json.RawMessage(value)
		if !json.Valid(raw) { // a bare word is a text
			raw, _ = json.Marshal(value)
		}
		if byRule[id] == nil {
			byRule[id] = map[string]json.RawMessage{}
		}
		if _, twice := byRule[id][param]; twice {
			return nil, usage("--param %s is given twice", key)
		}
		byRule[id][param] = raw
	}
	out := map[string]json.RawMessage{}
	for id, params := range byRule {
		b, err := json.Marshal(params)
		if err != nil {
			return nil, err
		}
		out[id] = b
	}
	return out, nil
}

func paramNames(r *engine.Rule) []string {
	if r.Check.Params == nil {
		return nil
	}
	var m map[string]json.RawMessage
	b, _ := json.Marshal(r.Check.Params)
	json.Unmarshal(b, &m)
	return slices.Sorted(maps.Keys(m))
}

// plain puts an error of a parameter's value in words.
func plain(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		head, _, _ := strings.Cut(err.Error(), ": json:")
		takes := map[reflect.Kind]string{reflect.Int: "a whole number", reflect.Bool: "true or false", reflect.String: "a word or text",
			reflect.Slice: `a list, as ["a","b"]`, reflect.Map: `an object, as {"a":"b"}`}[wrong.Type.Kind()]
		return fmt.Sprintf("%s: %s takes %s, not a %s", head, wrong.Field, cmp.Or(takes, wrong.Type.String()), wrong.Value)
	}
	return err.Error()
}

// A view says which results to show, how, and where to.
type view struct {
	statuses  []string
	regions   []string
	resources []string
	tags      []string
	owners    []string
	redact    []string
	groupBy   string
	all       bool
	outputs   []string
	sourceMap string
}

func (v *view) flags(f *pflag.FlagSet) {
	f.StringSliceVar(&v.statuses, "status", nil, "list only results of these: pass, fail, not-applicable, not-assessed; sums and gates count them all")
	f.StringSliceVar(&v.resources, "resource", nil, "only resources whose ARN, ID or name matches one of these globs")
	f.StringArrayVar(&v.tags, "tag", nil, "only resources with this tag, KEY=VALUE, where VALUE may be a glob (repeatable: all keys, any of the values of one key); those whose tags are not known stay")
	f.StringSliceVar(&v.owners, "owner", nil, "only resources whose tag owner or team matches one of these globs, or that belong to such a group; those whose tags are not known stay")
	f.StringSliceVar(&v.redact, "redact", nil, "hide in reports: accounts (their IDs), names (of resources, in messages and evidence too, and tags); fingerprints stay")
	f.StringVar(&v.groupBy, "group-by", "fix", "how the table groups findings: "+strings.Join(report.Groups, ", "))
	f.BoolVar(&v.all, "all", false, "show every finding in the table")
	f.StringArrayVarP(&v.outputs, "output", "o", nil, "FORMAT, FORMAT=FILE or FILE.EXT: "+strings.Join(formatNames(), ", ")+" (repeatable)")
	f.StringVar(&v.sourceMap, "source-map", "", "with -o sarif: file that names the templates of CloudFormation stacks, to show findings there (see docs/formats.md)")
}

func (v *view) filter(s *selection) (f report.Filter, err error) {
	var statuses []string
	for _, s := range engine.Statuses {
		statuses = append(statuses, string(s))
	}
	for _, name := range v.statuses {
		if err := oneOf("--status", name, statuses); err != nil {
			return f, err
		}
		f.Statuses = append(f.Statuses, engine.Status(name))
	}
	if err := oneOf("--group-by", v.groupBy, report.Groups); err != nil {
		return f, err
	}
	for _, tag := range v.tags {
		key, value, ok := strings.Cut(tag, "=")
		if !ok || key == "" {
			return f, usage("--tag %s: write KEY=VALUE", tag)
		}
		if f.Tags == nil {
			f.Tags = map[string][]string{}
		}
		f.Tags[key] = append(f.Tags[key], value)
	}
	for _, what := range v.redact {
		if err := oneOf("--redact", what, []string{"accounts", "names"}); err != nil {
			return f, err
		}
		f.Mask = &engine.Mask{Accounts: slices.Contains(v.redact, "accounts"), Names: slices.Contains(v.redact, "names")}
	}
	f.Regions, f.Resources, f.Owners = v.regions, v.resources, v.owners
	f.Severities, err = s.wantedSeverities()
	return f, err
}

// checkRegions refuses regions of which a snapshot knows nothing: that nothing failed there would be no news.
func (v *view) checkRegions(s engine.Header) error {
	if slices.Equal(v.regions, []string{"all"}) {
		v.regions = nil
	}
	var read []string
	for _, p := range s.Read {
		read = append(read, p.Region)
	}
	slices.Sort(read)
	for _, glob := range v.regions {
		if !slices.ContainsFunc(read, func(region string) bool { return engine.Match(glob, region) }) {
			return usage("--regions: %s was not read: this scan read %s", glob, strings.Join(slices.Compact(read), ", "))
		}
	}
	return nil
}

// A gateFlags decides the exit code.
type gateFlags struct {
	failOn           string
	failOnNew        bool
	max              []string
	baseline         string
	allowIncomplete  string
	failOnIncomplete string
}

func (g *gateFlags) flags(f *pflag.FlagSet) {
	f.StringVar(&g.failOn, "fail-on", "", "exit 1 on a failure of this severity or above, 3 if one may hide behind a gap that can be fixed")
	f.BoolVar(&g.failOnNew, "fail-on-new", false, "of what --fail-on counts (high or above if it is left out), only what is new, regressed or escalated since the --baseline")
	f.StringSliceVar(&g.max, "max", nil, "`SEVERITY=NUMBER`: exit 1 if there are more failures of this severity, as in critical=0,high=5")
	f.StringVar(&g.baseline, "baseline", "", "compare with this `FILE`: of scanner baseline create, or a snapshot or JSON report of an earlier scan")
	f.StringVar(&g.allowIncomplete, "allow-incomplete", "", "with --fail-on: gaps do not count, if at least `PERCENT` of the cells are assessed")
	f.StringVar(&g.failOnIncomplete, "fail-on-incomplete", "", "exit 3 on any gap that can be fixed, or if less than `PERCENT` of the cells are assessed")
	f.Lookup("allow-incomplete").NoOptDefVal = "0"
	f.Lookup("fail-on-incomplete").NoOptDefVal = "100"
}

func (g *gateFlags) gate() (gate report.Gate, err error) {
	if g.failOn != "" {
		if gate.FailOn, err = severity("--fail-on", g.failOn); err != nil {
			return gate, err
		}
	}
	if gate.NewOnly = g.failOnNew; gate.NewOnly {
		if g.baseline == "" {
			return gate, usage("--fail-on-new needs something to compare with: add --baseline FILE, which scanner baseline create writes")
		}
		if gate.FailOn == 0 {
			gate.FailOn = engine.High
		}
	}
	for _, limit := range g.max {
		name, number, ok := strings.Cut(limit, "=")
		if !ok {
			return gate, usage("--max %s: write SEVERITY=NUMBER, as in critical=0,high=5", limit)
		}
		s, err := severity("--max", name)
		if err != nil {
			return gate, err
		}
		n, err := strconv.Atoi(number)
		if err != nil || n < 0 {
			return gate, usage("--max %s: %q is no number of findings", limit, number)
		}
		if _, twice := gate.Max[s]; twice {
			return gate, usage("--max names %s twice: leave one out", name)
		}
		if gate.Max == nil {
			gate.Max = map[engine.Severity]int{}
		}
		gate.Max[s] = n
	}
	percent := func(flag, value string) (*float64, error) {
		if value == "" {
			return nil, nil
		}
		p, err := strconv.ParseFloat(strings.TrimSuffix(value, "%"), 64)
		if err != nil || !(p >= 0 && p <= 100) {
			return nil, usage("--%s: %q is no percentage from 0 to 100", flag, value)
		}
		return &p, nil
	}
	if gate.AllowIncomplete, err = percent("allow-incomplete", g.allowIncomplete); err == nil {
		gate.FailOnIncomplete, err = percent("fail-on-incomplete", g.failOnIncomplete)
	}
	if err == nil && gate.AllowIncomplete != nil && gate.FailOn == 0 && len(gate.Max) == 0 {
		err = usage("--allow-incomplete says nothing without --fail-on or --max: add one, or leave it out")
	}
	return gate, err
}
