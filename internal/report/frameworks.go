package report

import (
	"strings"

	"awsscanner/frameworks"
	"awsscanner/internal/engine"
)

// A standing is what the results say of a requirement.
type standing string

const (
	met          standing = "met"
	metInPart    standing = "met-in-part"
	notMet       standing = "not-met"
	notAssessed  standing = "not-assessed"
	notAutomated standing = "not-automated"
)

type jsonFramework struct {
	ID           string            `json:"id"`
	Title        string            `json:"title"`
	Requirements []jsonRequirement `json:"requirements"`
	Note         string            `json:"note"`
}

type jsonRequirement struct {
	ID          string   `json:"id"`
	Title       string   `json:"title"`
	Status      standing `json:"status"`
	Rules       []string `json:"rules"`
	Failed      []string `json:"failed"`
	NotAssessed []string `json:"notAssessed"`
	Reason      string   `json:"reason,omitempty"` // why rules do not answer it, or not all of it
}

// requirement holds the results against one requirement. It is met only if each of its rules judged, saw everything, and
// failed nowhere; and if its rules are all there is to it: otherwise it is met in part.
func (r *Report) requirement(q *frameworks.Requirement) jsonRequirement {
	out := jsonRequirement{ID: q.ID, Title: q.Title, Status: met, Rules: append([]string{}, q.Rules...), Failed: []string{}, NotAssessed: []string{}, Reason: q.Open()}
	for _, rule := range q.Rules {
		switch status, judged := r.RuleStatus[rule]; {
		case status == engine.Failed:
			out.Failed = append(out.Failed, rule)
		case !judged || status == engine.NotAssessed || r.muted[rule]:
			out.NotAssessed = append(out.NotAssessed, rule)
		}
	}
	switch {
	case len(out.Rules) == 0:
		out.Status = notAutomated
	case len(out.Failed) > 0:
		out.Status = notMet
	case len(out.NotAssessed) > 0:
		out.Status = notAssessed
	case out.Reason != "":
		out.Status = metInPart
	}
	return out
}

// frameworks holds the results against the frameworks that were asked for; nil if none was.
func (r *Report) frameworks() (all []jsonFramework) {
	for _, f := range r.Frameworks {
		x := jsonFramework{ID: f.ID, Title: f.Name(), Note: frameworks.Note}
		for i := range f.Requirements {
			x.Requirements = append(x.Requirements, r.requirement(&f.Requirements[i]))
		}
		all = append(all, x)
	}
	return all
}

func (r *Report) frameworkLines(t *table) {
	t.line("FRAMEWORKS  requirements:  met  in part  not met  not assessed  not automated")
	for _, f := range r.frameworks() {
		n := map[standing]int{}
		for _, q := range f.Requirements {
			n[q.Status]++
		}
		t.line("%-24s %5d %8d %8d %13d %14d", f.ID, n[met], n[metInPart], n[notMet], n[notAssessed], n[notAutomated])
		for _, q := range f.Requirements {
			if t.All && q.Status == notMet {
				t.line("  not met: %s %s (%s)", q.ID, q.Title, strings.Join(q.Failed, ", "))
			}
		}
	}
	t.line("  %s", frameworks.Note)
}
