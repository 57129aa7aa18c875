package review

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/match"
	"awsscanner/internal/strictyaml"
	"awsscanner/internal/suggest"
	"awsscanner/internal/waiver"
)

// A Said is what somebody has answered about a practice.
type Said string

const (
	Yes     Said = "yes"
	No      Said = "no"
	Partly  Said = "partly"
	NA      Said = "na"
	NoReply Said = "none" // nobody has answered, or not lately
)

// open stands in a file that is to be filled in.
const open = "open"

// saids are what people may write.
var saids = map[string]Said{"yes": Yes, "no": No, "partly": Partly, "na": NA, "n/a": NA, "not-applicable": NA, "not applicable": NA, open: NoReply}

// written is a Said as people write it.
type written Said

func (s *written) UnmarshalText(b []byte) error {
	said, known := saids[strings.ToLower(string(b))]
	if !known {
		return fmt.Errorf("there is no %q: %s", short(string(b)), suggest.DidYouMean(string(b), []string{"yes", "no", "partly", "na", open}, "write yes, no, partly, na, or open"))
	}
	*s = written(said)
	return nil
}

// An Answer is what somebody has said about a practice, when, and until when it holds.
type Answer struct {
	Line     strictyaml.Line `yaml:"-"`
	Written  written         `yaml:"state,required"`
	State    Said            `yaml:"-"`
	By       string          `yaml:"by"`
	On       *waiver.Date    `yaml:"on"`
	Note     string          `yaml:"note"`
	Link     []string        `yaml:"link"`
	Evidence []string        `yaml:"evidence"` // links too
	ReviewBy *waiver.Date    `yaml:"review_by"`
	Reason   Reason          `yaml:"reason"`

	until  time.Time // the first day on which it holds no more
	others []*Answer // of other people, in other files
}

// links are all that the answer points to.
func (a *Answer) links() []string { return slices.Concat(a.Link, a.Evidence) }

// A Reason is why something is not applicable, as the WA Tool knows it.
type Reason string

var reasons = []string{"OUT_OF_SCOPE", "BUSINESS_PRIORITIES", "ARCHITECTURE_CONSTRAINTS", "OTHER", "NONE"}

func (r *Reason) UnmarshalText(b []byte) error {
	if !slices.Contains(reasons, string(b)) {
		return fmt.Errorf("there is no reason %q: %s", short(string(b)), suggest.DidYouMean(string(b), reasons, "use "+strings.Join(reasons, ", ")))
	}
	*r = Reason(b)
	return nil
}

// A Workload is what is reviewed: a part of what a scan has read.
type Workload struct {
	Name        string              `yaml:"name,required" json:"name"`
	Accounts    []string            `yaml:"accounts" json:"accounts,omitempty"`
	Regions     []string            `yaml:"regions" json:"regions,omitempty"` // names or globs
	Tags        map[string][]string `yaml:"tags" json:"tags,omitempty"`       // keys with globs of values: all keys, one value of each
	Environment string              `yaml:"environment" json:"environment,omitempty"`
	Owner       string              `yaml:"owner" json:"owner,omitempty"`
}

// A Waiver accepts what the scan says against a practice.
type Waiver struct {
	Line      strictyaml.Line `yaml:"-"`
	Practice  string          `yaml:"bp,required"`
	Reason    string          `yaml:"reason,required"`
	Owner     string          `yaml:"owner,required"`
	Until     waiver.Date     `yaml:"until,required"` // the last day
	Resources []string        `yaml:"resources"`      // globs of ARN, ID or name; without them all
	Risk      string          `yaml:"risk"`
	Remedy    string          `yaml:"mitigation"`
	Ticket    string          `yaml:"ticket"`
}

// A Row is what people say of a row of the risk register.
type Row struct {
	Likelihood string       `yaml:"likelihood"`
	Impact     string       `yaml:"impact"`
	Owner      string       `yaml:"owner"`
	Status     string       `yaml:"status"`
	Due        *waiver.Date `yaml:"due"`
	Ticket     string       `yaml:"ticket"`
	Mitigation string       `yaml:"mitigation"`
	Runbook    string       `yaml:"runbook"`
	Notes      string       `yaml:"notes"`
}

// A Scoped is what people say of a whole question.
type Scoped struct {
	Applicable *bool  `yaml:"applicable,required"`
	Reason     Reason `yaml:"reason"`
	Note       string `yaml:"note"`
	By         string `yaml:"by"`
}

// A term is how long answers hold.
type term waiver.Term

func (t *term) UnmarshalText(b []byte) error {
	if regexp.MustCompile(`^0+[dw]$`).Match(b) {
		return errors.New("by a term of no days no answer would ever hold: write 1d or more")
	}
	return (*waiver.Term)(t).UnmarshalText(b)
}

// A document is the file as it is written.
type document struct {
	Version   int `yaml:"version,required"`
	Framework struct {
		Name    string `yaml:"name,required"`
		Edition string `yaml:"edition,required"`
	} `yaml:"framework"`
	Workload Workload `yaml:"workload"`
	Defaults struct {
		By          string       `yaml:"by"`
		On          *waiver.Date `yaml:"on"`
		ReviewAfter term         `yaml:"review_after"`
	} `yaml:"defaults"`
	Risk struct {
		Low string `yaml:"low_counts_as"`
	} `yaml:"risk"`
	Answers   map[string]Answer `yaml:"answers"`
	Questions map[string]Scoped `yaml:"questions"`
	Waivers   []Waiver          `yaml:"waivers"`
	Register  map[string]Row    `yaml:"register"`
}

// Answers are what people say of a workload. The zero Answers say nothing of everything that was scanned.
type Answers struct {
	Name     string // of the file
	Workload Workload
	Low      Risk // what a missing practice of low level counts as; "" for the default
	Register map[string]Row

	text    []byte // of the file
	several bool   // files
	of      map[*Practice]*Answer
	scoped  map[*Question]*Scoped
	passes  map[*Practice][]*Waiver
}

// reviewAfter is how long an answer holds if the file does not say.
const reviewAfter = 365

// longestNote is how many characters people may write at once.
const longestNote = 2000

// DecodeAnswers reads the answers about a framework as of some day. All that is wrong with them is one error.
func DecodeAnswers(name string, data []byte, f *Framework, now time.Time) (*Answers, error) {
	var d document
	file := strictyaml.Decode(name, data, &d)
	a := &Answers{Name: file.Name, Workload: d.Workload, Register: d.Register, text: data, of: map[*Practice]*Answer{}, scoped: map[*Question]*Scoped{}, passes: map[*Practice][]*Waiver{}}
	a.check(file, &d, f, now)
	if err := file.Err(); err != nil {
		return nil, err
	}
	return a, nil
}

func (a *Answers) check(file *strictyaml.File, d *document, f *Framework, now time.Time) {
	today := now.UTC().Truncate(24 * time.Hour)
	if file.Has("version") && !file.Wrong("version") && d.Version != 1 {
		file.Refuse("version", "version %d is not understood: this scanner knows version 1", d.Version)
	}
	if name, edition := d.Framework.Name, d.Framework.Edition; name != "" && edition != "" && (name != f.ID || edition != f.Edition) {
		file.Refuse("framework", "the answers are about %s, edition %s, and not about %s, edition %s: name the right one with --framework, or go through the answers and change this", short(name), short(edition), f.ID, f.Edition)
	}
	a.Workload.check(file)
	if low := d.Risk.Low; low != "" {
		a.Low = map[string]Risk{"medium": MediumRisk, "none": NoRisk}[strings.ToLower(low)]
		if a.Low == "" {
			file.Refuse("risk.low_counts_as", "low_counts_as: there is no %q: write medium or none", short(low))
		}
	}
	after := int(d.Defaults.ReviewAfter)
	if after == 0 {
		after = reviewAfter
	}
	future := func(path, key string, on *waiver.Date) {
		if on != nil && on.After(today.AddDate(0, 0, 1)) { // a day may have begun elsewhere
			file.Refuse(path+"."+key, "%s: %s has not come yet: write the day on which it was said", key, on)
		}
	}
	future("defaults", "on", d.Defaults.On)
	for _, id := range slices.Sorted(maps.Keys(d.Answers)) {
		path, x := "answers."+id, d.Answers[id]
		x.State = Said(x.Written)
		p := f.Practice(id)
		if p == nil {
			file.Refuse(path, "%s", f.unknown(id))
			continue
		}
		if other := a.of[p]; other != nil {
			file.Refuse(path, "%s (%s) is answered twice, also in line %d: keep one of them", p.Choice, p.ID, other.Line)
			continue
		}
		if x.By == "" {
			x.By = d.Defaults.By
		}
		if x.On == nil {
			x.On = d.Defaults.On
		} else {
			future(path, "on", x.On)
		}
		x.checkTexts(file, path)
		if file.Wrong(path) {
			continue
		}
		switch {
		case x.State == NoReply:
			if x.Note == "" && len(x.links()) == 0 {
				continue
			}
		case x.By == "":
			file.Refuse(path, "%s does not say by whom: add by, or give one for all under defaults", id)
		case x.On == nil:
			file.Refuse(path, "%s does not say when: add on, as 2026-11-20, or give one day for all under defaults", id)
		case x.Reason != "" && x.State != NA:
			file.Refuse(path+".reason", "reason says why something is not applicable, and the state is %s: remove it", x.State)
		case x.ReviewBy != nil && x.ReviewBy.Before(x.On.Time):
			file.Refuse(path+".review_by", "review_by: %s is before %s, on which it was answered", x.ReviewBy, x.On)
		}
		if x.On != nil {
			x.until = x.On.AddDate(0, 0, after+1)
		}
		if x.ReviewBy != nil {
			x.until = x.ReviewBy.AddDate(0, 0, 1)
		}
		a.of[p] = &x
	}
	for _, id := range slices.Sorted(maps.Keys(d.Questions)) {
		path, x := "questions."+id, d.Questions[id]
		q := f.Question(id)
		switch {
		case q == nil:
			file.Refuse(path, "%s", f.unknownQuestion(id))
			continue
		case a.scoped[q] != nil:
			file.Refuse(path, "%s (%s) stands twice: keep one of them", q.Key, q.ID)
			continue
		case x.Applicable != nil && *x.Applicable && x.Reason != "":
			file.Refuse(path+".reason", "reason says why a question is not applicable, and this one is: remove it")
		}
		a.scoped[q] = &x
	}
	for i := range d.Waivers {
		a.checkPass(file, fmt.Sprintf("waivers[%d]", i), &d.Waivers[i], f, today)
	}
	for _, id := range slices.Sorted(maps.Keys(d.Register)) {
		x := d.Register[id]
		x.check(file, "register."+id)
	}
}

func (w *Workload) check(file *strictyaml.File) {
	for i, id := range w.Accounts {
		if id != "" && !regexp.MustCompile(`^[0-9]{12}$`).MatchString(id) {
			file.Refuse(fmt.Sprintf("workload.accounts[%d]", i), "accounts: %q is no account ID: write its 12 digits, in quotes if it begins with a zero", short(id))
		}
	}
	for i, glob := range w.Regions {
		if why := match.RefuseRegion(glob); glob != "" && why != "" {
			file.Refuse(fmt.Sprintf("workload.regions[%d]", i), "regions: %s", why)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(w.Tags)) {
		if strings.Contains(key, "*") {
			file.Refuse("workload.tags."+key, "the tag key %q holds a star, but keys are taken as they are: write the whole key", short(key))
		}
	}
	if file.Has("workload.name") && !regexp.MustCompile(`^[^\x00-\x1f/\\]{1,100}$`).MatchString(w.Name) && !file.Wrong("workload.name") {
		file.Refuse("workload.name", "name: a workload is called by 1 to 100 characters without slashes")
	}
	slices.Sort(w.Accounts)
}

func (x *Answer) checkTexts(file *strictyaml.File, path string) {
	for key, text := range map[string]*string{"by": &x.By, "note": &x.Note} {
		if *text = strings.TrimSpace(*text); len(*text) > longestNote {
			file.Refuse(path+"."+key, "%s has more than %d characters: say it shorter, or where it is written down", key, longestNote)
		}
	}
	for key, links := range map[string][]string{"link": x.Link, "evidence": x.Evidence} {
		for i, link := range links {
			if err := checkLink(link); err != nil {
				file.Refuse(fmt.Sprintf("%s.%s[%d]", path, key, i), "%s: %s", key, err)
			}
		}
	}
}

// checkLink refuses what a reader could not follow, or should not. Paths and names of documents are as good as addresses.
func checkLink(link string) error {
	scheme, _, is := strings.Cut(strings.Map(func(c rune) rune {
		if c <= ' ' || c == 0x7f { // browsers do not see it
			return -1
		}
		return c
	}, link), ":")
	switch {
	case len(link) > longestNote:
		return fmt.Errorf("it has more than %d characters", longestNote)
	case is && regexp.MustCompile(`(?i)^(javascript|data|vbscript|file)$`).MatchString(scheme):
		return fmt.Errorf("%q is no link that somebody should follow", short(link))
	}
	return nil
}

func (a *Answers) checkPass(file *strictyaml.File, path string, x *Waiver, f *Framework, today time.Time) {
	if x.Practice == "" {
		return // refused already
	}
	p := f.Practice(x.Practice)
	if p == nil {
		file.Refuse(path+".bp", "%s", f.unknown(x.Practice))
		return
	}
	for i, glob := range x.Resources {
		if strings.Trim(glob, "*?") == "" && strings.Contains(glob, "*") {
			file.Refuse(fmt.Sprintf("%s.resources[%d]", path, i), "resources: %q matches every resource: name those that you mean, or leave resources out", short(glob))
		}
	}
	if !x.Until.IsZero() && x.Until.After(today.AddDate(5, 0, 1)) {
		file.Refuse(path+".until", "until: %s is more than five years away: choose a day on which somebody will look at it again", x.Until)
	}
	a.passes[p] = append(a.passes[p], x)
}

func (x *Row) check(file *strictyaml.File, path string) {
	for key, value := range map[string]*string{"likelihood": &x.Likelihood, "impact": &x.Impact} {
		if *value == "" {
			continue
		}
		if l := parseGrade(*value); l == 0 {
			file.Refuse(path+"."+key, "%s: there is no %q: write low, medium or high", key, short(*value))
		}
	}
	if err := checkLink(x.Runbook); x.Runbook != "" && err != nil {
		file.Refuse(path+".runbook", "runbook: %s", err)
	}
}

// said returns what holds of a practice on some day, whether an answer has lapsed, and who does not agree.
func (a *Answers) said(p *Practice, now time.Time) (said Said, x *Answer, lapsed bool, apart []*Answer) {
	if x = a.of[p]; x == nil {
		return NoReply, nil, false, nil
	}
	return x.agreed(now)
}

// pass returns the waiver that accepts what a result says against a practice, or nil.
func (a *Answers) pass(p *Practice, r *engine.Result, now time.Time) *Waiver {
	for _, x := range a.passes[p] {
		if now.Before(x.Until.AddDate(0, 0, 1)) && (len(x.Resources) == 0 || covers(x.Resources, r)) {
			return x
		}
	}
	return nil
}

func covers(globs []string, r *engine.Result) bool {
	m := r.Resource
	return engine.MatchAny(globs, m.ID) || m.ARN != "" && engine.MatchAny(globs, m.ARN) || m.Name != "" && engine.MatchAny(globs, m.Name)
}

// short keeps a text that somebody wrote to what a sentence bears.
func short(text string) string {
	if r := []rune(text); len(r) > 60 {
		return string(r[:57]) + "..."
	}
	return text
}
