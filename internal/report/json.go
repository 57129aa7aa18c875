package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// Schema names the shape of the JSON report; docs/report.schema.json describes it.
const Schema = "scanner.report/v1"

type jsonReport struct {
	Schema     string          `json:"schema"`
	Tool       jsonTool        `json:"tool"`
	Scan       jsonScan        `json:"scan"`
	Summary    jsonSummary     `json:"summary"`
	Coverage   jsonCoverage    `json:"coverage"`
	Rules      []jsonRule      `json:"rules"`
	Filters    *jsonFilters    `json:"filters,omitempty"`
	Changes    *jsonChanges    `json:"changes,omitempty"`
	Frameworks []jsonFramework `json:"frameworks,omitempty"`
}

type jsonTool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type jsonScan struct {
	ID        string        `json:"id"`
	Started   time.Time     `json:"started"`
	Finished  time.Time     `json:"finished"`
	Partition string        `json:"partition"`
	Caller    string        `json:"caller"`
	Accounts  []string      `json:"accounts"`
	Regions   []string      `json:"regions"`
	Read      []model.Place `json:"read"` // the two together
	Skipped   []engine.Skip `json:"skipped"`
	Unread    []model.Place `json:"unread"` // enabled regions that were left out
	Calls     int           `json:"calls"`
	Throttled int           `json:"throttled"`
}

type jsonSummary struct {
	Rules      int                     `json:"rules"`
	Results    map[engine.Status]int   `json:"results"`
	Failures   map[string]int          `json:"failures"` // by severity, without waived ones
	Waived     map[string]int          `json:"waived"`   // the same of waived ones
	WaivedGaps int                     `json:"waivedNotAssessed"`
	Pillars    map[engine.Pillar]tally `json:"pillars"` // rules by the status of their results together
	WasteUSD   float64                 `json:"estimatedMonthlyWasteUSD"`
}

type tally struct {
	Pass          int    `json:"pass"`
	Fail          int    `json:"fail"`
	NotApplicable int    `json:"not-applicable"`
	NotAssessed   int    `json:"not-assessed"`
	Waived        int    `json:"waived"`
	Worst         string `json:"worst,omitempty"`
}

type jsonCoverage struct {
	Cells    int        `json:"cells"`    // rules times accounts and regions
	Assessed int        `json:"assessed"` // of them, those without a gap
	Accounts []Coverage `json:"accounts"`
	Gaps     []Gap      `json:"gaps"`
}

// A jsonRule says how a rule judged.
type jsonRule struct {
	BaselineRule
	Level    engine.Level    `json:"level"`
	Severity engine.Severity `json:"severity"`
	Worst    engine.Severity `json:"worst"`
	Preview  bool            `json:"preview,omitempty"`
}

// jsonFilters says what the report leaves out.
type jsonFilters struct {
	Status     []engine.Status     `json:"status,omitempty"` // the only ones listed
	Severities []engine.Severity   `json:"severities,omitempty"`
	Regions    []string            `json:"regions,omitempty"`
	Resources  []string            `json:"resources,omitempty"`
	Tags       map[string][]string `json:"tags,omitempty"`
	Owners     []string            `json:"owners,omitempty"`
	Redacted   []string            `json:"redacted,omitempty"`
}

type jsonChanges struct {
	Baseline jsonBaseline   `json:"baseline"`
	Counts   map[Change]int `json:"counts"` // of failures that nobody has waived
	Gone     []Gone         `json:"gone"`
}

type jsonBaseline struct {
	Scan    string    `json:"scan"`
	Started time.Time `json:"started"`
	Tool    string    `json:"tool"`
}

// A Finding is one result as programs read it.
type Finding struct {
	Rule        string          `json:"rule"`
	Title       string          `json:"title"`
	Status      engine.Status   `json:"status"`
	Severity    engine.Severity `json:"severity"` // of a failure; otherwise the rule's
	Pillars     []engine.Pillar `json:"pillars"`
	Resource    jsonResource    `json:"resource"`
	Message     string          `json:"message"`
	Evidence    map[string]any  `json:"evidence"`
	Gap         *jsonGap        `json:"gap,omitempty"` // if not assessed
	Fix         *jsonFix        `json:"fix,omitempty"` // of a failure
	Fingerprint string          `json:"fingerprint"`
	Identity    string          `json:"identity"`
	Waived      *Waived         `json:"waived,omitempty"`
	Change      Change          `json:"change,omitempty"`
}

type jsonResource struct {
	Kind    model.Kind        `json:"kind"`
	ID      string            `json:"id"`
	ARN     string            `json:"arn"`
	Name    string            `json:"name"`
	Account string            `json:"account"`
	Region  string            `json:"region"`
	Tags    map[string]string `json:"tags"`
	Owner   string            `json:"owner"` // who has to act

	TagsUnknown  bool   `json:"tagsUnknown,omitempty"`
	Group        string `json:"group,omitempty"` // what replaces it when it goes
	GroupUnknown bool   `json:"groupUnknown,omitempty"`
}

type jsonGap struct {
	Reason      model.Reason `json:"reason"`
	Class       model.Class  `json:"class"`
	Call        string       `json:"call"`
	Permissions []string     `json:"permissions"`
	Detail      string       `json:"detail"`
}

type jsonFix struct {
	Key string `json:"key"`
}

// Findings returns the results that the filter lists, as programs read them.
func (r *Report) Findings() iter.Seq2[Finding, error] {
	return func(yield func(Finding, error) bool) {
		for x, err := range r.Results() {
			if err != nil {
				yield(Finding{}, err)
				return
			}
			if !yield(x.Finding(), nil) {
				return
			}
		}
	}
}

// Finding describes a result as programs read it.
func (x *Result) Finding() Finding {
	m := x.Resource
	f := Finding{Rule: x.Rule.ID, Title: x.Rule.Title, Status: x.Status, Severity: x.Severity, Pillars: x.Rule.Pillars, Message: x.Message, Evidence: x.Evidence,
		Resource: jsonResource{Kind: x.Kind(), ID: m.ID, ARN: m.ARN, Name: m.Name, Account: m.Account, Region: m.Region, Tags: x.Tags(), Owner: x.Team,
			Group: x.Owner(), GroupUnknown: x.OwnerUnknown()},
		Fingerprint: x.Fingerprint(), Identity: x.Identity(), Waived: x.Waived, Change: x.Change}
	if f.Evidence == nil {
		f.Evidence = map[string]any{}
	}
	if tags, known := x.KnownTags(); known {
		f.Resource.Tags = tags
	} else {
		f.Resource.TagsUnknown = true
	}
	if f.Resource.Tags == nil {
		f.Resource.Tags = map[string]string{}
	}
	if x.Status == engine.Failed {
		f.Fix = &jsonFix{Key: x.Rule.ID}
		if x.FixKey != "" {
			f.Fix.Key += "/" + x.FixKey
		}
	} else {
		f.Severity = x.Rule.Severity
	}
	if g := x.Gap; g != nil {
		f.Gap = &jsonGap{Reason: g.Reason, Class: g.Reason.Class(), Call: g.Call, Permissions: ToGrant(g), Detail: g.Detail}
	}
	return f
}

// fixKey returns the part of a fix's key that is not the rule.
func fixKey(rule, key string) string {
	_, rest, _ := strings.Cut(strings.TrimPrefix(key, rule), "/")
	return rest
}

// Head returns the report without its results, as a JSON object.
func (r *Report) Head() ([]byte, error) {
	s := r.Header
	head := jsonReport{
		Schema: Schema,
		Tool:   jsonTool{"scanner", r.Version},
		Scan: jsonScan{ID: r.ID(), Started: s.Start.UTC(), Finished: r.Scan.Finished.UTC(), Partition: s.Partition, Caller: s.Caller,
			Accounts: r.Accounts(), Regions: r.Regions(), Read: s.Read, Skipped: s.Skipped, Unread: s.Unread, Calls: r.Scan.Calls, Throttled: r.Scan.Throttled},
		Summary:    jsonSummary{Rules: len(r.Rules), Results: map[engine.Status]int{}, Failures: map[string]int{}, Waived: map[string]int{}, WaivedGaps: r.WaivedGaps, Pillars: r.pillars(), WasteUSD: r.Waste},
		Coverage:   jsonCoverage{Cells: r.Cells, Assessed: r.Cells - r.Blind, Accounts: r.Coverage, Gaps: r.Gaps},
		Filters:    r.shown().json(),
		Frameworks: r.frameworks(),
	}
	judged := r.judgedByAll()
	for i := range r.Rules {
		rule := &r.Rules[i]
		x := jsonRule{Level: rule.Level, Severity: rule.Severity, Worst: rule.Worst, Preview: rule.Preview}
		x.BaselineRule = judged[slices.IndexFunc(judged, func(b BaselineRule) bool { return b.ID == rule.ID })]
		head.Rules = append(head.Rules, x)
	}
	if b := r.Baseline; b != nil {
		head.Changes = &jsonChanges{Baseline: jsonBaseline{b.Scan, b.Started, b.Tool}, Counts: map[Change]int{}, Gone: append([]Gone{}, r.Gone...)}
		for _, c := range Changes {
			head.Changes.Counts[c] = r.Changes[c]
		}
	}
	for _, status := range engine.Statuses {
		head.Summary.Results[status] = r.Statuses[status]
	}
	for severity := engine.Informational; severity <= engine.Critical; severity++ {
		head.Summary.Failures[severity.String()], head.Summary.Waived[severity.String()] = r.Failures[severity], r.Waived[severity]
	}
	if head.Scan.Skipped == nil {
		head.Scan.Skipped = []engine.Skip{}
	}
	if head.Scan.Unread == nil {
		head.Scan.Unread = []model.Place{}
	}
	if head.Coverage.Accounts == nil {
		head.Coverage.Accounts = []Coverage{}
	}
	if head.Coverage.Gaps == nil {
		head.Coverage.Gaps = []Gap{}
	}
	b, err := json.Marshal(head)
	return visible(b), err
}

// JSON writes the whole report as one object, result by result.
func (r *Report) JSON(w io.Writer) error {
	b, err := r.Head()
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 1<<16)
	out.Write(b[:len(b)-1])
	out.WriteString(`,"results":[`)
	separator := "\n"
	for x, err := range r.Results() {
		if err == nil {
			err = write(out, separator, &x)
		}
		if err != nil {
			return err
		}
		separator = ",\n"
	}
	out.WriteString("\n]}\n")
	return out.Flush()
}

// Whole reports whether the report tells all of its scan: no filter leaves anything out, and nothing is hidden.
func (r *Report) Whole() bool { return r.shown().json() == nil }

// json says what a filter leaves out; nil for nothing. What it names itself is hidden as it hides others.
func (f Filter) json() *jsonFilters {
	x := &jsonFilters{Status: f.Statuses, Severities: f.Severities, Regions: f.Regions, Resources: f.Resources, Tags: f.Tags, Owners: f.Owners}
	if f.Mask != nil && f.Mask.Names {
		x.Resources, x.Owners, x.Tags = f.Mask.All(f.Resources), f.Mask.All(f.Owners), nil
		for key, values := range f.Tags {
			if x.Tags == nil {
				x.Tags = map[string][]string{}
			}
			x.Tags[f.Mask.Name(key)] = f.Mask.All(values)
		}
	}
	if f.Mask != nil && f.Mask.Accounts {
		x.Redacted = append(x.Redacted, "accounts")
	}
	if f.Mask != nil && f.Mask.Names {
		x.Redacted = append(x.Redacted, "names")
	}
	if len(x.Status)+len(x.Severities)+len(x.Regions)+len(x.Resources)+len(x.Tags)+len(x.Owners)+len(x.Redacted) == 0 {
		return nil
	}
	return x
}

// limits says in words what a filter leaves out, and what it hides.
func (f Filter) limits() (all []string) {
	x := f.json()
	if x == nil {
		return nil
	}
	only := func(what string, values []string) {
		if len(values) > 0 {
			all = append(all, "only "+what+" "+strings.Join(values, ", "))
		}
	}
	var severities, statuses, tags []string
	for _, s := range x.Severities {
		severities = append(severities, s.String())
	}
	for _, s := range x.Status {
		statuses = append(statuses, string(s))
	}
	for _, key := range slices.Sorted(maps.Keys(x.Tags)) {
		tags = append(tags, key+"="+strings.Join(x.Tags[key], "|"))
	}
	only("severity", severities)
	only("status", statuses)
	only("regions", x.Regions)
	only("resources", x.Resources)
	only("owners", x.Owners)
	only("tags", tags)
	for _, what := range x.Redacted {
		all = append(all, what+" are hidden")
	}
	return all
}

// JSONLines writes one result a line, each as in the JSON report.
func (r *Report) JSONLines(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	for x, err := range r.Results() {
		if err == nil {
			err = write(out, "", &x)
		}
		if err != nil {
			return err
		}
		if err := out.WriteByte('\n'); err != nil {
			return err
		}
	}
	return out.Flush()
}

func write(out *bufio.Writer, separator string, x *Result) error {
	b, err := json.Marshal(x.Finding())
	if err != nil {
		return fmt.Errorf("result of %s on %s: %w", x.Rule.ID, x.Resource.ID, err)
	}
	out.WriteString(separator)
	_, err = out.Write(visible(b))
	return err
}

// pillars counts rules under each of their pillars.
func (r *Report) pillars() map[engine.Pillar]tally {
	m := map[engine.Pillar]tally{}
	for _, p := range engine.Pillars {
		var t tally
		worst := engine.Severity(0)
		for i := range r.Rules {
			rule := &r.Rules[i]
			if !slices.Contains(rule.Pillars, p) {
				continue
			}
			switch r.RuleStatus[rule.ID] {
			case engine.Failed:
				if r.Worst[rule.ID] == 0 {
					t.Waived++
				} else {
					t.Fail++
				}
			case engine.NotAssessed:
				t.NotAssessed++
			case engine.Passed:
				t.Pass++
			default:
				t.NotApplicable++
			}
			worst = max(worst, r.Worst[rule.ID])
		}
		t.Worst = worst.String()
		m[p] = t
	}
	return m
}
