package compare

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/peers"
	"awsscanner/internal/report"
)

// Schema names the shape of the JSON of a comparison.
const Schema = "scanner.compare/v1"

// A Kind is one way in which two tools may differ on a resource.
type Kind string

const (
	OnlyOursFails   Kind = "only-ours-fails"   // theirs passes
	OnlyTheirsFails Kind = "only-theirs-fails" // ours passes or does not apply
	OursUnassessed  Kind = "ours-unassessed"   // theirs judges what ours could not see
	TheirsUnsure    Kind = "theirs-unsure"     // ours judges
	NotTheirs       Kind = "not-in-theirs"     // ours fails, and theirs has no row for it
	NotOurs         Kind = "not-in-ours"       // theirs has a row, and ours no result
)

// Kinds lists all, the weightiest first.
var Kinds = []Kind{OnlyOursFails, OnlyTheirsFails, OursUnassessed, NotTheirs, NotOurs, TheirsUnsure}

// A Difference is a resource of which two tools say different things.
type Difference struct {
	Kind   Kind            `json:"kind"`
	Rule   string          `json:"rule"` // ours; for NotOurs those that could have judged
	Theirs *Foreign        `json:"theirs,omitempty"`
	Ours   *report.Finding `json:"ours,omitempty"`
}

// A Comparison is what came of holding two tools against each other.
type Comparison struct {
	Schema      string         `json:"schema"`
	Format      string         `json:"format"`
	Agree       int            `json:"agree"`
	Counts      map[Kind]int   `json:"counts"`
	Differences []Difference   `json:"differences"`
	Unmatched   map[string]int `json:"unmatchedChecks"` // checks of which no selected rule looks at the same, with the number of their findings
}

// place is where a finding of theirs may meet a result of ours.
type place struct{ rule, account, region, name string }

// Compare holds findings of another tool against results of ours. Results are read once; findings are held in memory.
func Compare(f *File, table peers.Table, rules []engine.Rule, results iter.Seq2[report.Finding, error]) (*Comparison, error) {
	c := &Comparison{Schema: Schema, Format: f.Format, Counts: map[Kind]int{}, Differences: []Difference{}, Unmatched: map[string]int{}}
	byID := map[string]*engine.Rule{}
	for i := range rules {
		byID[rules[i].ID] = &rules[i]
	}
	at := map[place][]int{} // findings of theirs
	ruled := map[string][]string{}
	asked := map[string]bool{} // rules of which theirs has a check
	for i := range f.Findings {
		x := &f.Findings[i]
		ours, known := ruled[x.Check]
		if !known {
			ours = slices.DeleteFunc(table.Rules(x.Check, f.Tool), func(id string) bool { return byID[id] == nil })
			ruled[x.Check] = ours
		}
		if len(ours) == 0 {
			c.Unmatched[x.Check]++
			continue
		}
		for _, id := range ours {
			asked[id] = true
			for _, p := range places(byID[id], x) {
				at[p] = append(at[p], i)
			}
		}
	}
	met := make([]bool, len(f.Findings))
	for ours, err := range results {
		if err != nil {
			return nil, err
		}
		if !asked[ours.Rule] || ours.Resource.ID == "*" {
			continue
		}
		found := false
		seen := map[int]bool{}
		for _, p := range names(byID[ours.Rule], &ours) {
			for _, i := range at[p] {
				if seen[i] {
					continue
				}
				seen[i], met[i], found = true, true, true
				c.meet(&f.Findings[i], ours)
			}
		}
		if !found && ours.Status == engine.Failed {
			c.add(Difference{Kind: NotTheirs, Rule: ours.Rule, Ours: &ours})
		}
	}
	for i := range f.Findings {
		if x := &f.Findings[i]; !met[i] && len(ruled[x.Check]) > 0 && x.Status != unsure {
			c.add(Difference{Kind: NotOurs, Rule: strings.Join(ruled[x.Check], ","), Theirs: x})
		}
	}
	slices.SortStableFunc(c.Differences, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(slices.Index(Kinds, a.Kind), slices.Index(Kinds, b.Kind)), cmp.Compare(b.severity(), a.severity()), cmp.Compare(a.Rule, b.Rule))
	})
	return c, nil
}

func (d *Difference) severity() engine.Severity {
	if d.Ours == nil {
		return 0
	}
	return d.Ours.Severity
}

func (c *Comparison) add(d Difference) {
	c.Counts[d.Kind]++
	c.Differences = append(c.Differences, d)
}

// meet compares two verdicts on one resource.
func (c *Comparison) meet(theirs *Foreign, ours report.Finding) {
	d := Difference{Rule: ours.Rule, Theirs: theirs, Ours: &ours}
	switch {
	case theirs.Status == unsure && ours.Status == engine.NotAssessed:
		c.Agree++
		return
	case theirs.Status == unsure:
		d.Kind = TheirsUnsure
	case ours.Status == engine.NotAssessed:
		d.Kind = OursUnassessed
	case (theirs.Status == fail) == (ours.Status == engine.Failed):
		c.Agree++
		return
	case theirs.Status == fail:
		d.Kind = OnlyTheirsFails
	default:
		d.Kind = OnlyOursFails
	}
	c.add(d)
}

// places returns under which names a finding of theirs may be met. Tools call resources by ARN, by ID or by name; an ARN is one
// everywhere, the others only in their region. Facts about accounts and regions have names of each tool's own.
func places(rule *engine.Rule, x *Foreign) (all []place) {
	switch rule.Check.Subject.Scope {
	case model.AccountSubject:
		return []place{{rule.ID, x.Account, "", ""}}
	case model.RegionSubject:
		return []place{{rule.ID, x.Account, x.Region, ""}}
	}
	if strings.HasPrefix(x.Resource, "arn:") {
		all = append(all, place{rule.ID, "", "", x.Resource})
	}
	for _, name := range []string{x.Resource, x.Name, tail(x.Resource)} {
		if name != "" {
			all = append(all, place{rule.ID, x.Account, x.Region, name}, place{rule.ID, x.Account, "", name})
		}
	}
	return all
}

// names returns where to meet findings of theirs about a result of ours.
func names(rule *engine.Rule, f *report.Finding) (all []place) {
	m := f.Resource
	switch rule.Check.Subject.Scope {
	case model.AccountSubject:
		return []place{{rule.ID, m.Account, "", ""}}
	case model.RegionSubject:
		return []place{{rule.ID, m.Account, m.Region, ""}}
	}
	if m.ARN != "" {
		all = append(all, place{rule.ID, "", "", m.ARN})
	}
	region := m.Region
	if rule.Check.Subject.Scope == model.Global { // whose region each tool sees in its own way
		region = ""
	}
	for _, name := range []string{m.ID, m.Name} {
		if name != "" {
			all = append(all, place{rule.ID, m.Account, region, name})
		}
	}
	return all
}

// tail returns what an ARN, or an address, ends with: its resource without its type.
func tail(arn string) string { return arn[strings.LastIndexAny(arn, ":/")+1:] }

// Checks lists the checks of theirs that were not compared, those with most findings first.
func (c *Comparison) Checks() []string {
	return slices.SortedFunc(maps.Keys(c.Unmatched), func(a, b string) int { return cmp.Or(cmp.Compare(c.Unmatched[b], c.Unmatched[a]), cmp.Compare(a, b)) })
}
