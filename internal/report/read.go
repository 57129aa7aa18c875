package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// A File is a JSON report that was written before. It can be looked at as the scan can of which it tells.
type File struct {
	ID     string // of the scan
	Scan   *engine.Scan
	Judged map[string]BaselineRule // by ID: how the rules judged
	Tool   string                  // version of the scanner that judged

	rules  []jsonRule
	shows  Filter // what the report tells of its scan
	judged bool   // something could be assessed, perhaps among what it does not tell
}

// Open reads all of a report but its results, which are read whenever they are gone through.
func Open(open func() (io.ReadCloser, error)) (*File, error) {
	in, err := open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	head, err := readHead(json.NewDecoder(in))
	if err != nil {
		return nil, err
	}
	if head.Schema != Schema {
		return nil, fmt.Errorf("its schema is %q, not %q", head.Schema, Schema)
	}
	if head.Filters != nil && len(head.Filters.Status) > 0 {
		for _, needed := range []engine.Status{engine.Failed, engine.NotAssessed} {
			if !slices.Contains(head.Filters.Status, needed) {
				return nil, fmt.Errorf("it was written with --status and lacks all that is %s: write it without", needed)
			}
		}
	}
	if len(head.Rules) == 0 || len(head.Scan.Read) == 0 || head.Scan.Started.IsZero() || head.Scan.ID == "" {
		return nil, errors.New("it does not say which rules judged, where and when: an older scanner wrote it; write it again from the snapshot with scanner report SNAPSHOT -o json=FILE")
	}
	f := &File{ID: head.Scan.ID, Judged: map[string]BaselineRule{}, Tool: head.Tool.Version, rules: head.Rules, shows: head.Filters.filter()}
	f.judged = f.shows.some() || len(f.shows.Regions) > 0
	for status, n := range head.Summary.Results {
		f.judged = f.judged || n > 0 && status != engine.NotAssessed
	}
	h := engine.Header{Tool: head.Tool.Version, Partition: head.Scan.Partition, Start: head.Scan.Started, Caller: head.Scan.Caller, Read: head.Scan.Read,
		Unread: head.Scan.Unread, Skipped: head.Scan.Skipped, Names: map[string]string{}}
	for _, c := range head.Coverage.Accounts {
		if c.Name != "" {
			h.Names[c.Account] = c.Name
		}
	}
	for _, r := range head.Rules {
		h.Rules = append(h.Rules, r.ID)
		f.Judged[r.ID] = r.BaselineRule
	}
	end := engine.End{Finished: head.Scan.Finished, Calls: head.Scan.Calls, Throttled: head.Scan.Throttled}
	f.Scan = engine.Told(h, end, func() iter.Seq2[engine.Recorded, error] { return readResults(open, head.Rules, head.Summary.Results) })
	return f, nil
}

// Rules returns the rules that the report was made by, as they rated then. A rule that this scanner does not have is an error.
func (f *File) Rules(all []engine.Rule) (rules []engine.Rule, err error) {
	for _, x := range f.rules {
		i := slices.IndexFunc(all, func(r engine.Rule) bool { return r.ID == x.ID || slices.Contains(r.Formerly, x.ID) })
		if i < 0 {
			return nil, fmt.Errorf("it was made by rule %s, which this scanner does not have: use the scanner of version %s", x.ID, f.Tool)
		}
		rule := all[i]
		rule.ID, rule.Level, rule.Severity, rule.Worst, rule.Preview = x.ID, x.Level, x.Severity, x.Worst, x.Preview
		rules = append(rules, rule)
	}
	return rules, nil
}

// JudgedAs reports whether a rule would judge with the parameters and the severity with which it has.
func (f *File) JudgedAs(r *engine.Rule) bool { return f.Judged[r.ID].Params == judgedBy(r).Params }

// Whole reports whether a report tells all of its scan, and if not, what it leaves out.
func (f *File) Whole() (whole bool, leavesOut string) {
	if f == nil || f.shows.json() == nil {
		return true, ""
	}
	text, _ := json.Marshal(f.shows.json())
	return false, string(text)
}

// filter is the way back from Filter.json.
func (x *jsonFilters) filter() (f Filter) {
	if x == nil {
		return f
	}
	f = Filter{Statuses: x.Status, Severities: x.Severities, Regions: x.Regions, Resources: x.Resources, Tags: x.Tags, Owners: x.Owners}
	if len(x.Redacted) > 0 {
		f.Mask = &engine.Mask{Accounts: slices.Contains(x.Redacted, "accounts"), Names: slices.Contains(x.Redacted, "names")}
	}
	return f
}

// Hides reports whether names or account IDs are not those of the scan.
func (f *File) Hides() bool { return f != nil && f.shows.Mask != nil }

// Lacks says why a report cannot be looked at in some way, as what that asks for is not in it, or hidden; "" if it can.
func (f *File) Lacks(o *Options, g Gate) string {
	if f == nil {
		return ""
	}
	x := f.shows
	hidden := x.Mask != nil
	tells := func(what string, values any) string { return fmt.Sprintf("it tells only of %s %v", what, values) }
	if len(x.Severities) > 0 {
		for _, severity := range o.Severities {
			if !slices.Contains(x.Severities, severity) {
				return tells("failures of severity", x.Severities)
			}
		}
		for severity := engine.Informational; severity <= engine.Critical; severity++ {
			reached := slices.ContainsFunc(f.rules, func(r jsonRule) bool { return r.Worst >= severity })
			if reached && g.asksFor(severity) && !slices.Contains(x.Severities, severity) {
				return tells("failures of severity", x.Severities)
			}
		}
	}
	for _, glob := range o.Regions {
		if !slices.ContainsFunc(f.Scan.Read, func(p model.Place) bool { return engine.Match(glob, p.Region) && x.covers(p.Region) }) {
			return tells("regions", x.Regions)
		}
	}
	switch {
	case len(x.Resources) > 0 && len(o.Resources) > 0 && !slices.Equal(x.Resources, o.Resources):
		return tells("resources", x.Resources)
	case len(x.Owners) > 0 && len(o.Owners) > 0 && !slices.Equal(x.Owners, o.Owners):
		return tells("what belongs to", x.Owners)
	case len(x.Tags) > 0 && len(o.Tags) > 0 && !maps.EqualFunc(x.Tags, o.Tags, slices.Equal):
		return tells("resources with certain tags, namely", x.Tags)
	case hidden && x.Mask.Names && len(o.Resources)+len(o.Owners)+len(o.Tags) > 0:
		return "names, owners and tags are hidden in it"
	case hidden && x.Mask.Accounts && o.Baseline != nil:
		return "account IDs are hidden in it, so that nobody can say where the baseline looked"
	case hidden && o.Waive != nil:
		return "names or account IDs are hidden in it, so that nobody can say what waivers mean"
	}
	return ""
}

// readHead reads the members of a report that stand before its results, and leaves the decoder in the list of these.
func readHead(d *json.Decoder) (head jsonReport, err error) {
	members := map[string]any{"schema": &head.Schema, "tool": &head.Tool, "scan": &head.Scan, "summary": &head.Summary, "coverage": &head.Coverage,
		"rules": &head.Rules, "filters": &head.Filters, "changes": &head.Changes}
	if err := expect(d, '{'); err != nil {
		return head, err
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return head, cutOff(err)
		}
		name, _ := t.(string)
		if name == "results" {
			return head, expect(d, '[')
		}
		into, known := members[name]
		if !known { // of a newer version
			into = new(json.RawMessage)
		}
		if err := d.Decode(into); err != nil {
			return head, fmt.Errorf("its member %q: %w", name, cutOff(err))
		}
	}
	return head, errors.New("it has no results")
}

func expect(d *json.Decoder, want json.Delim) error {
	t, err := d.Token()
	if err != nil {
		return cutOff(err)
	}
	if t != want {
		return fmt.Errorf("it has %v where a report has %v", t, want)
	}
	return nil
}

func cutOff(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errors.New("it is cut off")
	}
	return err
}

// readResults goes through the results of a report, and holds their number against what the summary says of failures and gaps: if
// some were missing, it would look better than it is. So it would if a result were of a rule of which the report does not tell, and nobody asks for.
func readResults(open func() (io.ReadCloser, error), rules []jsonRule, summary map[engine.Status]int) iter.Seq2[engine.Recorded, error] {
	return func(yield func(engine.Recorded, error) bool) {
		fail := func(err error) { yield(engine.Recorded{}, err) }
		in, err := open()
		if err != nil {
			fail(err)
			return
		}
		defer in.Close()
		d := json.NewDecoder(in)
		if _, err := readHead(d); err != nil {
			fail(err)
			return
		}
		counts := map[engine.Status]int{}
		judged := map[string]bool{}
		for _, r := range rules {
			judged[r.ID] = true
		}
		for n := 1; d.More(); n++ {
			f, err := readFinding(d)
			if err == nil {
				err = f.check()
			}
			if err == nil && !judged[f.Rule] {
				err = fmt.Errorf("it is of rule %s, which is none of those that judged", f.Rule)
			}
			if err != nil {
				fail(fmt.Errorf("result %d: %w", n, err))
				return
			}
			counts[f.Status]++
			if !yield(f.recorded(), nil) {
				return
			}
		}
		if err := errors.Join(expect(d, ']'), expect(d, '}')); err != nil {
			fail(err)
			return
		}
		for _, status := range []engine.Status{engine.Failed, engine.NotAssessed} {
			if counts[status] != summary[status] {
				fail(fmt.Errorf("it lists %d results that are %s, and its summary counts %d", counts[status], status, summary[status]))
				return
			}
		}
	}
}

// readFinding reads a result with its evidence as it is written.
func readFinding(d *json.Decoder) (Finding, error) {
	var x struct {
		Finding
		Evidence map[string]asWritten `json:"evidence"`
	}
	if err := d.Decode(&x); err != nil {
		return Finding{}, cutOff(err)
	}
	f := x.Finding
	f.Evidence = make(map[string]any, len(x.Evidence))
	for name, e := range x.Evidence {
		f.Evidence[name] = e.value
	}
	return f, nil
}

// asWritten is a value of evidence that is written again as it was: a map would put keys into another order, and a float round numbers.
type asWritten struct{ value any }

func (e *asWritten) UnmarshalJSON(b []byte) error {
	switch b[0] {
	case '{', '[':
		e.value = json.RawMessage(slices.Clone(b))
		return nil
	}
	if err := json.Unmarshal(b, &e.value); err != nil {
		return err
	}
	if _, isNumber := e.value.(float64); isNumber {
		if again, err := json.Marshal(e.value); err != nil || string(again) != string(b) {
			e.value = json.RawMessage(slices.Clone(b))
		}
	}
	return nil
}

// check refuses what no report holds.
func (f *Finding) check() error {
	switch {
	case f.Rule == "" || f.Resource.ID == "" || f.Fingerprint == "" || f.Identity == "":
		return errors.New("it lacks rule, resource, fingerprint or identity")
	case !slices.Contains(engine.Statuses, f.Status):
		return fmt.Errorf("there is no status %q", f.Status)
	case f.Status == engine.Failed && f.Severity == 0:
		return errors.New("a failure lacks its severity")
	case (f.Status == engine.NotAssessed) != (f.Gap != nil):
		return errors.New("a gap belongs to what is not assessed, and to nothing else")
	case f.Gap != nil:
		return (&model.Gap{Reason: f.Gap.Reason, Call: f.Gap.Call, Detail: f.Gap.Detail}).Check()
	}
	return nil
}

// Result is the way back from Result.Finding, to a result of a rule.
func (f *Finding) Result(rule *engine.Rule) engine.Result {
	x := f.recorded()
	return x.Result(rule)
}

// recorded is the way back from finding.
func (f *Finding) recorded() engine.Recorded {
	x := engine.Recorded{Rule: f.Rule, Fingerprint: f.Fingerprint, Identity: f.Identity, Owner: f.Resource.Group, OwnerUnknown: f.Resource.GroupUnknown,
		Resource: model.Meta{ID: f.Resource.ID, ARN: f.Resource.ARN, Name: f.Resource.Name, Account: f.Resource.Account, Region: f.Resource.Region},
		With:     f, Verdict: engine.Verdict{Status: f.Status, Message: f.Message, Evidence: f.Evidence}}
	if !f.Resource.TagsUnknown {
		x.Tags = f.Resource.Tags
		if x.Tags == nil {
			x.Tags = map[string]string{}
		}
	}
	if f.Status == engine.Failed {
		x.Severity = f.Severity
		if f.Fix != nil {
			x.FixKey = fixKey(f.Rule, f.Fix.Key)
		}
	}
	if g := f.Gap; g != nil {
		x.Gap = &model.Gap{Reason: g.Reason, Call: g.Call, Detail: g.Detail}
	}
	return x
}
