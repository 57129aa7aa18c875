package page

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/report"
	"awsscanner/internal/store"
)

// A Scan is one as pages show it.
type Scan struct {
	ID, Stream, Cause          string
	State                      store.State
	Created, Started, Finished time.Time
	Failure                    string
	Found                      *store.Point // nil until it is done
}

func (s *Scan) took() string {
	if s.Started.IsZero() || s.Finished.IsZero() || s.Finished.Sub(s.Started) > 25*time.Hour { // a recording was judged: no scan takes so long
		return "–"
	}
	return short(s.Finished.Sub(s.Started))
}

// when says when a scan began, and how long it took if that is known.
func (s *Scan) when() string {
	if took := s.took(); took != "–" {
		return minute(s.Started) + ", took " + took
	}
	return minute(s.Started)
}

func (s *Scan) at() time.Time {
	if s.Started.IsZero() {
		return s.Created
	}
	return s.Started
}

// worst counts what a scan found that is critical or high.
func (s *Scan) worst() int {
	return s.Found.Failures[engine.Critical] + s.Found.Failures[engine.High]
}

// A Row counts the findings of one of several things.
type Row struct {
	Name   string // as filters know it
	Title  string
	Detail string
	store.Counts
	Cells, Assessed int
}

// A FixTime says how long findings of a severity were open.
type FixTime struct {
	Median time.Duration
	Fixed  int
}

// An Overview is the first page.
type Overview struct {
	Frame
	Counts   store.Counts
	Last     *Scan // that is done; nil if there is none
	Running  *Scan
	CanScan  bool
	Next     time.Time // when a schedule is due; zero if there is none
	Cells    int
	Assessed int
	Grants   []string
	Pillars  []Row
	Accounts []Row
	Points   []store.Point // of the last 90 days
	FixTimes map[engine.Severity]FixTime
	Lately   []store.Happening
}

// sentence says in one sentence how things stand. What was not seen is part of it, and never good news.
func (o *Overview) sentence() string {
	all, urgent := open(o.Counts), o.Counts.Open[engine.Critical]+o.Counts.Open[engine.High]
	in := many(len(o.Accounts), "account")
	if len(o.Accounts) == 1 {
		in = "account " + o.Accounts[0].Name
	}
	unseen := ""
	if blind := o.Cells - o.Assessed; blind > 0 {
		unseen = number(blind) + " of " + many(o.Cells, "check") + " could not be completed"
	}
	var text string
	switch {
	case all == 0 && unseen != "":
		return "Nothing that was seen fails in " + in + ", but " + unseen + "."
	case all == 0:
		return "Nothing fails in " + in + ", and every check was completed."
	case urgent == 0:
		text = many(all, "finding") + " in " + in + ", none of them critical or high"
	default:
		var worst []string
		for _, s := range severities[:2] {
			if n := o.Counts.Open[s]; n > 0 {
				worst = append(worst, number(n)+" "+s.String())
			}
		}
		noun := "findings"
		if urgent == 1 {
			noun = "finding"
		}
		text = list(worst) + " " + noun + " in " + in
		if urgent < all {
			text += ", and " + number(all-urgent) + " less urgent"
		}
	}
	if unseen != "" {
		text += "; " + unseen
	}
	return text + "."
}

// Filters are what the address of a page says.
type Filters struct {
	Path   string
	Values url.Values
}

func (f Filters) address(v url.Values) string {
	v.Del("after")
	for name, values := range v {
		if v[name] = slices.DeleteFunc(values, func(x string) bool { return x == "" }); len(v[name]) == 0 {
			delete(v, name)
		}
	}
	if len(v) == 0 {
		return f.Path
	}
	return f.Path + "?" + v.Encode()
}

func (f Filters) clone() url.Values {
	v := url.Values{}
	for name, values := range f.Values {
		v[name] = slices.Clone(values)
	}
	return v
}

// with returns the address with other values; those of no value are left out. They come in pairs.
func (f Filters) with(pairs ...string) string {
	v := f.clone()
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return f.address(v)
}

// toggle returns the address with a value more, or less.
func (f Filters) toggle(name, value string) string {
	v := f.clone()
	if slices.Contains(v[name], value) {
		v[name] = slices.DeleteFunc(v[name], func(x string) bool { return x == value })
	} else {
		v.Add(name, value)
	}
	return f.address(v)
}

func (f Filters) has(name, value string) bool { return slices.Contains(f.Values[name], value) }

func (f Filters) get(name string) string { return f.Values.Get(name) }

// A Facet is a menu of values.
type Facet struct {
	Name, Label string
	Options     []Option
}

// An Option is a value of a facet, with how many findings have it.
type Option struct {
	Value, Label string
	N            int
}

// Tabs that findings are under.
const (
	OpenTab   = "open"
	UnseenTab = "unseen"
	WaivedTab = "waived"
	FixedTab  = "fixed"
)

// A Tab is one of them.
type Tab struct {
	Name, Title string
	N           int
	Href        string
	Here        bool
}

// Findings is the page that lists findings, or rules that find something.
type Findings struct {
	Frame
	Filters
	Tabs    []Tab
	Tab     string
	Counts  store.Counts // of the stream, whatever the filters
	Facets  []Facet
	Count   int  // that the filters pick
	AtLeast bool // so many, and more
	Items   []store.Finding
	ByRule  []Row
	Rules   bool   // by rule
	More    string // address of the next page
	Back    bool   // this is not the first page
	CSV     string
}

// filtered reports whether anything but the tab picks findings.
func (p *Findings) filtered() bool {
	for name, values := range p.Values {
		if !slices.Contains([]string{"stream", "tab", "after", "by"}, name) && len(values) > 0 && values[0] != "" {
			return true
		}
	}
	return false
}

// A Finding is the page about one.
type Finding struct {
	Frame
	store.Finding
	History []store.Event
	Rule    *engine.Rule // nil if this scanner does not know it any more
}

func (p *Finding) since() string {
	if p.State == "fixed" {
		return span(p.FixedAt.Sub(p.FirstSeen))
	}
	return span(p.Now.Sub(p.FirstSeen))
}

// A Grant is a permission to grant.
type Grant struct {
	Permission string
	Resource   bool // in the policies of resources
	Accounts   []string
	Rules      []string
	Resources  int
}

// Coverage is the page about what could not be seen.
type Coverage struct {
	Frame
	Scan     *Scan
	Cells    int
	Assessed int
	Accounts []report.Coverage
	Grants   []Grant
	Policy   string       // that grants what identities lack; "" if they lack nothing
	Others   []report.Gap // that somebody can close, but not by granting something
	Limits   []report.Gap
	Skipped  []engine.Skip
}

func (p *Coverage) sentence() string {
	blind := p.Cells - p.Assessed
	if blind == 0 {
		return "Every check was completed."
	}
	text := number(blind) + " of " + many(p.Cells, "check") + " could not be completed"
	if n := len(p.Grants); n > 0 {
		text += ": " + many(n, "permission") + " would open most of what is closed"
		if n == 1 {
			text = number(blind) + " of " + many(p.Cells, "check") + " could not be completed: 1 permission is missing"
		}
	}
	return text + "."
}

// Scans is the page that lists scans.
type Scans struct {
	Frame
	Filters
	Items   []Scan
	More    string
	CanScan bool
	Targets []string // streams that can be scanned
}

// A ScanPage is the page about one.
type ScanPage struct {
	Frame
	Scan
	CanCancel   bool
	CanDownload bool
	Progress    Progress
	Caller      string
	Regions     []string
	Rules       int
	Calls       int
	Throttled   int
	Events      []store.Happening
	More        bool // there are more events than these
}

// Progress says how far a scan is.
type Progress struct {
	Phase                   string
	Accounts, AccountsTotal int
	Regions, RegionsTotal   int
	Calls, CallsKnown       int
	Throttled               int
	SecondsLeft             int
}

func (p *Progress) value() string {
	switch {
	case p.RegionsTotal > 0:
		return text(p.Regions)
	case p.AccountsTotal > 0:
		return text(p.Accounts)
	}
	return ""
}

func (p *Progress) most() string {
	switch {
	case p.RegionsTotal > 0:
		return text(p.RegionsTotal)
	case p.AccountsTotal > 0:
		return text(p.AccountsTotal)
	}
	return "1"
}

// A Waiver is one as pages show it.
type Waiver struct {
	Reason, Owner, Expires, Ticket, Mitigation, Risk, Source, Condition string
	DaysLeft                                                            int
	Rules                                                               []string
	Findings                                                            map[engine.Severity]int
}

func (w *Waiver) ends() string {
	switch {
	case w.DaysLeft < 0:
		return "over since " + many(-w.DaysLeft, "day")
	case w.DaysLeft == 0:
		return "today is its last day"
	}
	return "in " + many(w.DaysLeft, "day")
}

func (w *Waiver) link() string {
	if strings.HasPrefix(w.Ticket, "https://") {
		return w.Ticket
	}
	return ""
}

// Waivers is the page that lists waivers.
type Waivers struct {
	Frame
	Items []Waiver
	Ended []store.Happening // waivers that ended lately while what they held back is still there
}

func (p *Waivers) sentence() string {
	n, soon := 0, 0
	for i := range p.Items {
		if w := &p.Items[i]; w.DaysLeft >= 0 {
			if n++; w.DaysLeft <= 30 {
				soon++
			}
		}
	}
	switch {
	case n == 0:
		return "Nothing is waived."
	case soon == 0:
		return many(n, "waiver") + " in force, none of which ends within 30 days."
	case soon == 1:
		return many(n, "waiver") + " in force; 1 ends within 30 days."
	}
	return many(n, "waiver") + " in force; " + number(soon) + " end within 30 days."
}

// A Schedule is one as pages show it.
type Schedule struct {
	Stream, Times, TimeZone string
	Next                    time.Time
	Last                    *Scan
}

// Schedules is the page that lists schedules.
type Schedules struct {
	Frame
	Items   []Schedule
	CanScan bool
}

// A Review is the page of a Well-Architected review.
type Review struct {
	Frame
	Edition string
	Pillars []ReviewPillar
}

// A ReviewPillar is one of the six.
type ReviewPillar struct {
	Title     string
	Questions []ReviewQuestion
}

// A ReviewQuestion is one of the framework.
type ReviewQuestion struct {
	ID, Title      string
	Risk, Possible string
	Open           int // practices that nobody has decided
	Practices      []ReviewPractice
}

// A ReviewPractice is a best practice of a question.
type ReviewPractice struct {
	ID, Title, Level, State, Because string
	Failing                          int
	Rules                            []string
}

// A Token is one as pages show it.
type Token struct {
	ID, Name, Role, Maker           string
	Created, Expires, Used, Revoked time.Time
}

// Access is the page about who may enter.
type Access struct {
	Frame
	Tokens []Token
	Made   string // the token that was just made; shown this once
	Name   string // of it
	Wrong  string // why none was made
}

// Audit is the page about who has changed what.
type Audit struct {
	Frame
	Items []store.Action
	More  string
}

// Login is the page to sign in on.
type Login struct {
	Frame
	OIDC  string // address to sign in by; "" if there is none
	Next  string
	Wrong string // what was wrong
}

// Problem is the page about something that went wrong.
type Problem struct {
	Frame
	Status  int
	Name    string
	Detail  string
	Request string
}

// menu reports whether a parameter is one of the menus.
func (p *Findings) menu(name string) bool {
	return slices.ContainsFunc(p.Facets, func(f Facet) bool { return f.Name == name })
}

// clear is the address without filters.
func (p *Findings) clear() string {
	v := url.Values{}
	for _, name := range []string{"stream", "tab", "by"} {
		if values := p.Values[name]; len(values) > 0 {
			v[name] = values
		}
	}
	return p.address(v)
}

func (p *Findings) counted() string {
	if p.Rules {
		return many(len(p.ByRule), "rule") + " that find something"
	}
	if p.AtLeast {
		return "more than " + many(p.Count, "finding")
	}
	return many(p.Count, "finding")
}

func (p *Findings) empty() string {
	switch {
	case p.filtered():
		return "No finding matches these filters."
	case p.Tab == FixedTab:
		return "Nothing has been fixed yet, as far as is remembered."
	case p.Tab == WaivedTab:
		return "Nothing is waived."
	case p.Tab == UnseenTab:
		return "Every open finding could be assessed."
	}
	return "Nothing that was seen fails."
}

func (p *Findings) dated() string {
	if p.Tab == FixedTab {
		return "Fixed"
	}
	return "Since"
}

func orNone(owner string) string {
	if owner == "" {
		return "nobody known"
	}
	return owner
}

// tagsOf lists tags by key.
func tagsOf(f *report.Finding) (all []string) {
	for _, key := range slices.Sorted(maps.Keys(f.Resource.Tags)) {
		all = append(all, key+" = "+f.Resource.Tags[key])
	}
	return all
}

// started reports whether a history tells how it began.
func started(history []store.Event) bool {
	return len(history) > 0 && (history[0].Type == store.New || history[0].Type == store.NewlyAssessed)
}

// brief is the beginning of an ID.
func brief(id string) string { return id[:min(8, len(id))] }

func skipped(s engine.Skip) string {
	if s.Service == "" {
		return "the region"
	}
	return s.Service
}

func (p *ScanPage) heading() string {
	switch p.State {
	case store.Waiting:
		return "A scan of " + p.Scan.Stream + " is waiting"
	case store.Running:
		return "A scan of " + p.Scan.Stream + " is under way"
	case store.Failed:
		return "The scan of " + p.Scan.Stream + " failed"
	case store.Cancelled:
		return "The scan of " + p.Scan.Stream + " was cancelled"
	}
	text := "Scan of " + p.Scan.Stream + ": " + number(p.Found.New) + " new, " + number(p.Found.Fixed) + " fixed"
	if p.Found.Regressed > 0 {
		text = "Scan of " + p.Scan.Stream + ": " + number(p.Found.New) + " new, " + number(p.Found.Regressed) + " of which came back, " + number(p.Found.Fixed) + " fixed"
	}
	return text
}

func (p *ScanPage) left() string {
	if p.Progress.SecondsLeft == 0 {
		return "not known yet"
	}
	return "about " + span(time.Duration(p.Progress.SecondsLeft)*time.Second)
}

func toStream(name string) string { return "/?" + url.Values{"stream": {name}}.Encode() }

func anchor(title string) string { return strings.ReplaceAll(strings.ToLower(title), " ", "-") }

// risk says between which ends a risk is.
func (q *ReviewQuestion) risk() string {
	low, high := strings.ToLower(strings.ReplaceAll(q.Risk, "_", " ")), strings.ToLower(strings.ReplaceAll(q.Possible, "_", " "))
	if high == "" || low == high {
		return low
	}
	return low + ", up to " + high
}

// sum counts the questions of a pillar that are certain to be a risk.
func (p *ReviewPillar) sum() string {
	n := 0
	for _, q := range p.Questions {
		if q.Risk == "HIGH" || q.Risk == "MEDIUM" {
			n++
		}
	}
	return number(n) + " of " + number(len(p.Questions)) + " at risk"
}

// ofRule leads to the findings of a rule, among those that the filters pick.
func (p *Findings) ofRule(row, severity, tab string) string {
	pairs := []string{"rule", row, "by", ""}
	if severity != "" {
		pairs = append(pairs, "severity", severity)
	}
	if tab != "" {
		pairs = append(pairs, "tab", tab)
	}
	return p.with(pairs...)
}

func anyWaived(rows []Row) bool {
	return slices.ContainsFunc(rows, func(r Row) bool { return r.Waived > 0 })
}

// anyCause reports whether it is known of any event who has changed something.
func anyCause(all []store.Happening) bool {
	return slices.ContainsFunc(all, func(e store.Happening) bool { return changed(e.Cause) != "" })
}

// toggles lists the severities to pick from: those that something has, or that are picked.
func (p *Findings) toggles() (all []engine.Severity) {
	for _, s := range severities {
		if p.Counts.Open[s] > 0 || p.has("severity", s.String()) {
			all = append(all, s)
		}
	}
	return all
}
