package review

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/match"
	"awsscanner/internal/model"
	"awsscanner/internal/report"
)

// A gathering is what the results of a scan say about one workload.
type gathering struct {
	f       *Framework
	answers *Answers
	now     time.Time
	r       *report.Report
	by      map[string][]*Practice // practices by rule
	of      map[*Practice]*seen
	tallies map[string]*tally // by rule
	members int               // results that belong to the workload
	rows    *rows             // of the risk register; nil if nobody wants it

}

// seen is what the results say of a practice.
type seen struct {
	findings []Finding // the worst, few enough to stay in memory
	failing  int       // resources that fail, a resource of two rules twice
	refuting int       // of them, those that refute the practice
	waived   int
	severity engine.Severity // worst of what fails
	rules    map[string]int  // failures by rule
}

// A tally counts the results of a rule that belong to a workload.
type tally struct {
	Rule          string `json:"rule"`
	Pass          int    `json:"pass"`
	Fail          int    `json:"fail"` // that nobody has waived
	Waived        int    `json:"waived"`
	NotApplicable int    `json:"notApplicable"`
	NotAssessed   int    `json:"notAssessed"`

	gaps []Gap
}

// mostFindings is how many findings of a practice are kept: memory must not grow with their number.
const mostFindings = 200

// A Finding is one failure that speaks against a practice.
type Finding struct {
	Rule        string          `json:"rule"`
	Severity    engine.Severity `json:"severity"`
	Kind        model.Kind      `json:"kind"`
	ID          string          `json:"id"`
	Name        string          `json:"name,omitempty"`
	Account     string          `json:"account"`
	Region      string          `json:"region,omitempty"`
	Message     string          `json:"message"`
	Fingerprint string          `json:"fingerprint"`
	Says        Strength        `json:"says"` // yes: it refutes the practice; weak: it raises a doubt
	Waived      *report.Waived  `json:"waived,omitempty"`
}

// A Gap is why nobody could look everywhere.
type Gap struct {
	Rule    string       `json:"rule"`
	Reason  model.Reason `json:"reason"`
	Call    string       `json:"call,omitempty"`
	Grant   []string     `json:"grant,omitempty"` // IAM actions
	Account string       `json:"account,omitempty"`
	Region  string       `json:"region,omitempty"`
	Text    string       `json:"text"`
	Results int          `json:"results"`
	Waived  bool         `json:"waived,omitempty"`
}

// Fixable reports whether somebody could close the gap.
func (g *Gap) Fixable() bool { return g.Reason.Class() == model.Fixable && !g.Waived }

func gather(f *Framework, a *Answers, r *report.Report, now time.Time) *gathering {
	g := &gathering{f: f, answers: a, now: now, r: r, by: map[string][]*Practice{}, of: map[*Practice]*seen{}, tallies: map[string]*tally{}}
	ran := map[string]*engine.Rule{}
	for i := range r.Rules {
		ran[r.Rules[i].ID] = &r.Rules[i]
	}
	for i := range f.Questions {
		for j := range f.Questions[i].Practices {
			p := &f.Questions[i].Practices[j]
			g.of[p] = &seen{rules: map[string]int{}}
			for _, id := range p.Rules {
				g.by[id] = append(g.by[id], p)
				if g.tallies[id] == nil {
					g.tallies[id] = g.begin(id, ran[id])
				}
			}
		}
	}
	return g
}

// begin counts what a rule has not looked at.
func (g *gathering) begin(id string, rule *engine.Rule) *tally {
	t := &tally{Rule: id}
	if rule == nil {
		t.gap(Gap{Rule: id, Reason: model.NotCollected, Text: "the scan was made without this rule", Results: 1})
		return t
	}
	w, h := &g.answers.Workload, g.r.Header
	read := h.Accounts()
	for _, account := range w.Accounts {
		if !slices.Contains(read, account) {
			t.gap(Gap{Rule: id, Reason: model.NotCollected, Account: account, Text: "the scan has not read this account", Results: 1})
		}
	}
	if scope := rule.Check.Subject.Scope; scope == model.AccountSubject || scope == model.Global {
		return t
	}
	for _, p := range h.Unread {
		if w.account(p.Account) && (p.Region == model.AnyRegion || w.region(p.Region)) {
			t.gap(Gap{Rule: id, Reason: model.NotCollected, Account: p.Account, Region: p.Region, Text: "the scan has left this region out", Results: 1})
		}
	}
	for _, region := range w.Regions { // that nobody has heard of
		for _, account := range read {
			known := func(p model.Place) bool {
				return p.Account == account && (engine.Match(region, p.Region) || p.Region == model.AnyRegion)
			}
			if !w.account(account) || slices.ContainsFunc(h.Read, known) || slices.ContainsFunc(h.Unread, known) || slices.ContainsFunc(h.Skipped, func(s engine.Skip) bool { return known(s.Place) }) {
				continue
			}
			t.gap(Gap{Rule: id, Reason: model.NotCollected, Account: account, Region: region, Text: "the scan does not know this region", Results: 1})
		}
	}
	return t
}

// mostGaps is how many reasons of a rule are kept apart.
const mostGaps = 50

func (t *tally) gap(x Gap) {
	i := slices.IndexFunc(t.gaps, func(g Gap) bool {
		return g.Reason == x.Reason && g.Call == x.Call && g.Account == x.Account && g.Region == x.Region && g.Waived == x.Waived && g.Text == x.Text
	})
	switch {
	case i >= 0:
		t.gaps[i].Results += x.Results
	case len(t.gaps) < mostGaps:
		t.gaps = append(t.gaps, x)
	default:
		t.gaps[mostGaps-1].Results += x.Results
	}
}

func (w *Workload) account(id string) bool {
	return len(w.Accounts) == 0 || slices.Contains(w.Accounts, id)
}

func (w *Workload) region(region string) bool {
	return len(w.Regions) == 0 || region == "" || engine.MatchAny(w.Regions, region)
}

// holds reports whether a result is about the workload. What belongs to an account as a whole, or cannot be tagged, belongs to every workload there.
func (w *Workload) holds(x *engine.Result) match.Answer {
	m := x.Resource
	switch {
	case !w.account(m.Account):
		return match.No
	case m.Region == model.AnyRegion && len(w.Regions) > 0:
		return match.Unknown
	case !w.region(m.Region):
		return match.No
	case len(w.Tags) == 0 || !taggable(x):
		return match.Yes
	}
	tags, known := x.KnownTags()
	if !known {
		return match.Unknown
	}
	for key, globs := range w.Tags {
		if value, ok := tags[key]; !ok || !engine.MatchAny(globs, value) {
			return match.No
		}
	}
	return match.Yes
}

// taggable reports whether the subject of a rule is something that can have tags.
func taggable(x *engine.Result) bool {
	return slices.ContainsFunc(x.Rule.Check.Subject.Attrs, func(a model.Attribute) bool { return a.Name == "Tags" })
}

// add takes a result in.
func (g *gathering) add(x *report.Result) {
	practices := g.by[x.Rule.ID]
	if len(practices) == 0 && g.rows == nil {
		return
	}
	holds := g.answers.Workload.holds(&x.Result)
	if holds == match.No {
		return
	}
	if g.rows != nil {
		for _, y := range g.accepted(practices, x) {
			g.rows.add(y, holds)
		}
	}
	if len(practices) == 0 {
		return
	}
	if holds == match.Yes {
		g.members++
	}
	t := g.tallies[x.Rule.ID]
	if t == nil {
		return
	}
	if holds == match.Unknown && x.Status != engine.NotAssessed {
		if x.Status != engine.Inapplicable {
			m := x.Resource
			t.NotAssessed++
			t.gap(Gap{Rule: x.Rule.ID, Reason: model.NotCollected, Account: m.Account, Region: m.Region, Text: "nobody knows whether it belongs to the workload, as its tags or its region are not known", Results: 1})
		}
		return
	}
	switch x.Status {
	case engine.Passed:
		t.Pass++
	case engine.Inapplicable:
		t.NotApplicable++
	case engine.NotAssessed:
		t.NotAssessed++
		m := x.Resource
		t.gap(Gap{Rule: x.Rule.ID, Reason: x.Gap.Reason, Call: x.Gap.Call, Grant: report.ToGrant(x.Gap), Account: m.Account, Region: m.Region, Text: brief(x.Message), Results: 1, Waived: x.Waived != nil})
	case engine.Failed:
		if x.Waived != nil {
			t.Waived++
		} else {
			t.Fail++
		}
		for _, p := range practices {
			g.against(p, x)
		}
	}
}

// against takes in a failure that speaks against a practice.
func (g *gathering) against(p *Practice, x *report.Result) {
	s, m := g.of[p], x.Resource
	finding := Finding{Rule: x.Rule.ID, Severity: x.Severity, Kind: x.Kind(), ID: m.ID, Name: m.Name, Account: m.Account, Region: m.Region, Message: x.Message,
		Fingerprint: x.Fingerprint(), Says: p.Strength(x.Rule), Waived: x.Waived}
	if finding.Waived == nil {
		finding.Waived = g.waiver(p, x)
	}
	if finding.Waived != nil {
		s.waived++
	} else {
		s.failing++
		s.rules[x.Rule.ID]++
		s.severity = max(s.severity, x.Severity)
		if finding.Says == RefutesIt {
			s.refuting++
		}
	}
	if s.findings = append(s.findings, finding); len(s.findings) > 2*mostFindings {
		s.trim()
	}
}

// waiver returns what the answers say to accept a failure that speaks against a practice; nil if nothing.
func (g *gathering) waiver(p *Practice, x *report.Result) *report.Waived {
	w := g.answers.pass(p, &x.Result, g.now)
	if w == nil {
		return nil
	}
	return &report.Waived{Reason: w.Reason, Owner: w.Owner, Expires: w.Until.String(), Mitigation: w.Remedy, Risk: w.Risk, Ticket: w.Ticket, Source: fmt.Sprintf("%s:%d", g.answers.Name, w.Line)}
}

// accepted returns a result as the register sees it: a failure that the answers accept for some of the practices that it speaks against is
// accepted there, and open for the others.
func (g *gathering) accepted(practices []*Practice, x *report.Result) (all []*report.Result) {
	var first *report.Waived
	open := len(practices) == 0
	for _, p := range practices {
		var w *report.Waived
		if x.Status == engine.Failed && x.Waived == nil {
			w = g.waiver(p, x)
		}
		first, open = cmp.Or(first, w), open || w == nil
	}
	if open {
		all = append(all, x)
	}
	if first != nil {
		y := *x
		y.Waived = first
		all = append(all, &y)
	}
	return all
}

// trim keeps the worst findings.
func (s *seen) trim() {
	waived := func(f *Finding) int {
		if f.Waived != nil {
			return 1
		}
		return 0
	}
	slices.SortFunc(s.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(waived(&a), waived(&b)), -cmp.Compare(a.Says, b.Says), cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Account, b.Account),
			cmp.Compare(a.Region, b.Region), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Fingerprint, b.Fingerprint))
	})
	s.findings = s.findings[:min(len(s.findings), mostFindings)]
}

// Evidence is what a scan says of a practice.
type Evidence string

const (
	Refuted      Evidence = "refuted"        // something fails that a practice in place would not let fail
	Contra       Evidence = "contra"         // something fails that raises a doubt
	Supported    Evidence = "supported"      // each rule ran everywhere, had something to look at, and passed: not yet a proof
	NoEvidence   Evidence = "no-evidence"    // no rule looks at it, or there was nothing to look at
	CouldNotLook Evidence = "could-not-look" // something was denied, throttled or left out
)

// Evidences lists all, the worst first.
var Evidences = []Evidence{Refuted, Contra, CouldNotLook, NoEvidence, Supported}

// evidence says what the results say of a practice, and why.
func (g *gathering) evidence(p *Practice) (e Evidence, why string, tallies []tally, gaps []Gap) {
	s := g.of[p]
	passed, idle := 0, 0
	for _, id := range p.Rules {
		t := g.tallies[id]
		tallies = append(tallies, *t)
		gaps = append(gaps, t.gaps...)
		switch {
		case t.Pass > 0:
			passed++
		case t.Fail+t.Waived == 0:
			idle++
		}
	}
	slices.SortFunc(gaps, func(a, b Gap) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region), cmp.Compare(a.Call, b.Call), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Text, b.Text))
	})
	failing := func() string {
		var names []string
		for _, id := range slices.Sorted(maps.Keys(s.rules)) {
			names = append(names, fmt.Sprintf("%s (%d)", id, s.rules[id]))
		}
		return strings.Join(names, ", ")
	}
	accepted := ""
	if s.waived > 0 {
		accepted = fmt.Sprintf("; %s accepted by a waiver", count(s.waived, "failure"))
	}
	switch {
	case s.refuting > 0:
		return Refuted, "fails: " + failing() + accepted, tallies, gaps
	case s.failing > 0:
		return Contra, "a doubt: " + failing() + accepted, tallies, gaps
	case len(p.Rules) == 0:
		return NoEvidence, "no rule looks at it", tallies, gaps
	case len(gaps) > 0:
		return CouldNotLook, "could not look everywhere: " + gapText(gaps) + accepted, tallies, gaps
	case s.waived > 0:
		return NoEvidence, "nothing fails but what is accepted" + accepted, tallies, gaps
	case passed == len(p.Rules):
		return Supported, fmt.Sprintf("%s passed everywhere", count(passed, "rule")), tallies, gaps
	case passed > 0:
		return NoEvidence, fmt.Sprintf("%d of %s passed everywhere, %d had nothing to look at", passed, count(len(p.Rules), "rule"), idle), tallies, gaps
	}
	return NoEvidence, "there was nothing to look at", tallies, gaps
}

// gapText names the first reasons why nobody could look.
func gapText(gaps []Gap) string {
	var texts []string
	more := 0
	for _, g := range gaps {
		text := g.Text
		if where := strings.TrimSpace(g.Account + " " + g.Region); where != "" {
			text += " (" + where + ")"
		}
		switch {
		case slices.Contains(texts, text):
		case len(texts) == 2:
			more++
		default:
			texts = append(texts, text)
		}
	}
	if more > 0 {
		return fmt.Sprintf("%s; and %d more", strings.Join(texts, "; "), more)
	}
	return strings.Join(texts, "; ")
}

// count says how many there are of something.
func count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	if strings.HasSuffix(of, "y") {
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(of, "y"))
	}
	return fmt.Sprintf("%d %ss", n, of)
}

// brief is what a gap says without the words of AWS, which are long and of which scanner report tells.
func brief(message string) string {
	text, _, _ := strings.Cut(message, " (")
	return text
}
