package review

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/match"
	"awsscanner/internal/model"
	"awsscanner/internal/report"
)

//go:embed lists/risks.json
var risksFile []byte

// A danger is a risk that rules tell of, in words that a register can use.
type danger struct {
	ID       string   `json:"id"` // of references: once released it never means another
	Risk     string   `json:"risk"`
	Rules    []string `json:"rules"`            // globs: the first danger that matches a rule counts
	Controls []string `json:"controls"`         // rules that make it less likely where they pass
	Prompt   bool     `json:"prompt,omitempty"` // people should think of it also where nothing fails
}

func dangers() ([]danger, error) {
	var all []danger
	if err := model.DecodeStrict(risksFile, &all); err != nil {
		return nil, fmt.Errorf("risks: %w", err)
	}
	return all, nil
}

// The columns of a register, in order. Those up to Managed by are for people; what follows keeps it together.
const (
	colReference  = "Reference"
	colComponent  = "Component"
	colRisk       = "Risk"
	colLikelihood = "Likelihood"
	colImpact     = "Impact"
	colSeen       = "Observation"
	colMitigation = "Mitigation"
	colRunbook    = "Runbook action"
	colNotes      = "Notes"
	colOwner      = "Owner"
	colStatus     = "Status"
	colTicket     = "Ticket"
	colManaged    = "Managed by"
	colScore      = "Score"
	colDue        = "Due"
	colPractices  = "Practices"
	colRules      = "Rules"
	colFirst      = "First seen"
	colKey        = "Key"
	colDigest     = "Generated"
)

// RegisterColumns lists them.
var RegisterColumns = []string{colReference, colComponent, colRisk, colLikelihood, colImpact, colSeen, colMitigation, colRunbook, colNotes, colOwner, colStatus, colTicket, colManaged,
	colScore, colDue, colPractices, colRules, colFirst, colKey, colDigest}

// edited lists the columns in which what people write stays. The rest is worked out anew.
var edited = []string{colReference, colComponent, colRisk, colLikelihood, colImpact, colSeen, colMitigation, colRunbook, colNotes, colOwner, colStatus, colTicket, colDue}

// A RiskRow is one risk to one component, by column. What is in place stands between ** in the observation.
type RiskRow map[string]string

// A Register is the risks of a workload.
type Register struct {
	Workload string
	AsOf     string
	Rows     []RiskRow
	Unread   int // rows of which the scan has not seen enough to say that they are over
	Gaps     int // open rows without a runbook action
}

// needed lists the columns that cannot be empty: emptying a cell there brings back what is generated.
var needed = []string{colReference, colComponent, colRisk, colLikelihood, colImpact, colStatus}

// rows gathers what the results of a scan say about the risks to the components of a workload.
type rows struct {
	dangers []danger
	of      map[string]*danger // by rule
	by      map[rowKey]*risky
	passes  map[string]map[string]bool // rules that pass in an account, and whether nothing speaks against them
}

type rowKey struct {
	component string
	danger    string
	accepted  bool
}

// risky is what speaks for a risk to a component, and against it.
type risky struct {
	danger    *danger
	severity  engine.Severity
	fails     map[string]int // by rule
	passes    map[string]int
	names     []string
	accounts  map[string]bool
	stacks    map[string]bool // "" for what no stack manages
	unmanaged bool            // whether it is managed is not known of something
	owners    map[string]int
	sensitive bool
	env       map[string]bool
	waived    []report.Waived
	messages  map[string]string // the first of each rule
}

func newRows(rules []engine.Rule) (*rows, error) {
	all, err := dangers()
	if err != nil {
		return nil, err
	}
	r := &rows{dangers: all, of: map[string]*danger{}, by: map[rowKey]*risky{}, passes: map[string]map[string]bool{}}
	for i := range rules {
		rule := &rules[i]
		n := slices.IndexFunc(r.dangers, func(d danger) bool { return engine.MatchAny(d.Rules, rule.ID) })
		if n < 0 {
			r.of[rule.ID] = &danger{ID: "X" + strings.ToUpper(hash(rule.FirstID())[:4]), Risk: rule.Why} // what goes wrong otherwise
			continue
		}
		r.of[rule.ID] = &r.dangers[n]
	}
	return r, nil
}

func hash(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))
}

// componentTags name a component, the first that there is.
var componentTags = []string{"component", "service", "application", "app", "project"}

const stackTag = "aws:cloudformation:stack-name"

// component says what a result is about: by tags, else by stack, else by account.
func component(x *report.Result, tags map[string]string) string {
	for _, wanted := range componentTags {
		for _, key := range slices.Sorted(maps.Keys(tags)) {
			if strings.EqualFold(key, wanted) && strings.TrimSpace(tags[key]) != "" {
				return strings.TrimSpace(tags[key])
			}
		}
	}
	if stack := tags[stackTag]; stack != "" {
		return stack
	}
	return "AWS account " + x.Resource.Account
}

// sensitiveTag reports whether tags say that data is to be kept secret.
var (
	dataTag   = regexp.MustCompile(`(?i)^(data|information)?[-_:]?(class(ification)?|sensitivity|confidentiality)$`)
	secretTag = regexp.MustCompile(`(?i)confidential|restricted|secret|sensitive|pii|phi|pci|personal|^high$`)
	envTag    = regexp.MustCompile(`(?i)^env(ironment)?$|^stage$`)
	prodValue = regexp.MustCompile(`(?i)^prod(uction)?$|^live$`)
)

// most keeps lists to what a cell of a sheet bears.
const (
	mostNames   = 5
	mostWaivers = 5
)

func (r *rows) add(x *report.Result, holds match.Answer) {
	d := r.of[x.Rule.ID]
	if d == nil || holds != match.Yes {
		return // what may belong to others is no risk of this workload for certain
	}
	account := x.Resource.Account
	if r.passes[account] == nil {
		r.passes[account] = map[string]bool{}
	}
	fine, seen := r.passes[account][x.Rule.ID]
	switch x.Status {
	case engine.Passed:
		r.passes[account][x.Rule.ID] = fine || !seen
	case engine.Failed, engine.NotAssessed:
		r.passes[account][x.Rule.ID] = false
	}
	if x.Status != engine.Passed && x.Status != engine.Failed {
		return
	}
	tags, known := x.KnownTags()
	k := rowKey{component(x, tags), d.ID, x.Waived != nil}
	y := r.by[k]
	if y == nil {
		y = &risky{danger: d, fails: map[string]int{}, passes: map[string]int{}, accounts: map[string]bool{}, stacks: map[string]bool{}, owners: map[string]int{}, env: map[string]bool{}, messages: map[string]string{}}
		r.by[k] = y
	}
	y.accounts[account] = true
	if x.Status == engine.Passed {
		y.passes[x.Rule.ID]++
		return
	}
	y.fails[x.Rule.ID]++
	y.severity = max(y.severity, x.Severity)
	if y.messages[x.Rule.ID] == "" {
		y.messages[x.Rule.ID] = x.Message
	}
	if name := cmp.Or(x.Resource.Name, x.Resource.ID); len(y.names) < mostNames && !slices.Contains(y.names, name) {
		y.names = append(y.names, name)
	}
	if known {
		y.stacks[tags[stackTag]] = true
	} else {
		y.unmanaged = true
	}
	if x.Team != "" && x.Team != report.UnknownOwner {
		y.owners[x.Team]++
	}
	for key, value := range tags {
		y.sensitive = y.sensitive || dataTag.MatchString(key) && secretTag.MatchString(value)
		if envTag.MatchString(key) {
			y.env[strings.ToLower(value)] = true
		}
	}
	if x.Waived != nil && len(y.waived) < mostWaivers && !slices.ContainsFunc(y.waived, func(w report.Waived) bool { return w == *x.Waived }) {
		y.waived = append(y.waived, *x.Waived)
	}
}

// likely grades how likely a failure of some severity is to be used.
func likely(s engine.Severity) grade {
	switch {
	case s >= engine.Critical: // open to outsiders now
		return highGrade
	case s >= engine.Medium:
		return mediumGrade
	}
	return lowGrade
}

// harm grades what a failure of some severity may do.
func harm(s engine.Severity) grade {
	switch {
	case s >= engine.High:
		return highGrade
	case s >= engine.Medium:
		return mediumGrade
	}
	return lowGrade
}

// score joins the two: HH, HM and MH are high; HL, MM and LH medium; the rest low.
func score(likelihood, impact grade) grade {
	switch sum := likelihood + impact; {
	case likelihood == 0 || impact == 0:
		return 0
	case sum >= highGrade+mediumGrade:
		return highGrade
	case sum == highGrade+lowGrade:
		return mediumGrade
	}
	return lowGrade
}

// Register makes the risk register out of what a review knows. What people have written into an earlier one, or in the answers, stays.
func (v *Review) Register(earlier *Register, a *Answers) (*Register, error) {
	if v.rows == nil {
		return nil, errors.New("the review was made without a register")
	}
	out := &Register{Workload: v.Workload.Name, AsOf: v.AsOf}
	var fresh []RiskRow
	for _, k := range slices.SortedFunc(maps.Keys(v.rows.by), func(a, b rowKey) int {
		return cmp.Or(cmp.Compare(a.component, b.component), cmp.Compare(a.danger, b.danger), cmp.Compare(fmt.Sprint(a.accepted), fmt.Sprint(b.accepted)))
	}) {
		if x := v.rows.by[k]; len(x.fails) > 0 {
			fresh = append(fresh, v.row(k, x))
		}
	}
	fresh = append(fresh, v.saidRows()...)
	fresh = append(fresh, v.prompts()...)
	refer(fresh)
	if err := out.merge(fresh, earlier, v); err != nil {
		return nil, err
	}
	if a != nil {
		if err := out.say(a); err != nil {
			return nil, err
		}
	}
	out.finish()
	return out, nil
}

// promptStatus is that of rows which ask people to think of something.
const promptStatus = "prompt"

// prompts are risks that no row is about: nothing that a rule sees fails, or no rule sees it.
func (v *Review) prompts() (all []RiskRow) {
	for i := range v.rows.dangers {
		d := &v.rows.dangers[i]
		fails := false
		for k, x := range v.rows.by {
			fails = fails || k.danger == d.ID && len(x.fails) > 0
		}
		if !d.Prompt || fails {
			continue
		}
		var inPlace []string
		for id, of := range v.rows.of {
			passed, against := false, false
			for _, rules := range v.rows.passes {
				fine, seen := rules[id]
				passed, against = passed || fine, against || seen && !fine
			}
			if of == d && passed && !against {
				inPlace = append(inPlace, v.ruleOf(id).Title)
			}
		}
		slices.Sort(inPlace)
		text := "No rule has seen anything of it: think about it."
		if len(inPlace) > 0 {
			text = observed(inPlace, nil, nil, 0) + " Nothing fails that a rule sees: think about it."
		}
		all = append(all, RiskRow{colReference: d.ID, colComponent: v.Workload.Name, colRisk: d.Risk, colSeen: text, colOwner: v.Workload.Owner, colStatus: promptStatus, colManaged: "none", colFirst: v.AsOf,
			colKey: hash(v.Workload.Name, d.ID, promptStatus)[:12]})
	}
	return all
}

// row describes a risk that failures tell of.
func (v *Review) row(k rowKey, x *risky) RiskRow {
	row := RiskRow{colComponent: k.component, colRisk: x.danger.Risk, colFirst: v.AsOf, colKey: hash(k.component, x.danger.ID, fmt.Sprint(k.accepted))[:12]}
	rules := slices.Sorted(maps.Keys(x.fails))
	likelihood, impact := likely(x.severity), harm(x.severity)
	var inPlace, missing, fixes, practices, owners []string
	open := v.rows.by[rowKey{k.component, k.danger, false}]
	if open != nil {
		for _, id := range slices.Sorted(maps.Keys(open.passes)) {
			if open.fails[id] == 0 {
				inPlace = append(inPlace, v.ruleOf(id).Title)
			}
		}
	}
	if controls := v.controls(x); len(controls) > 0 {
		likelihood = max(lowGrade, likelihood-1)
		for _, id := range controls {
			if title := v.ruleOf(id).Title; !slices.Contains(inPlace, title) {
				inPlace = append(inPlace, title)
			}
		}
	}
	production := prodValue.MatchString(v.Workload.Environment)
	for env := range x.env {
		production = production || prodValue.MatchString(env)
	}
	if production {
		impact = max(impact, mediumGrade)
	}
	if x.sensitive {
		impact = highGrade
	}
	for _, id := range rules {
		missing = append(missing, fmt.Sprintf("%s (%d): %s", v.ruleOf(id).Title, x.fails[id], brief(x.messages[id])))
		fixes = append(fixes, firstSentence(v.ruleOf(id).Fix.Text))
		for _, p := range v.practicesOf(id) {
			if !slices.Contains(practices, p) {
				practices = append(practices, p)
			}
		}
	}
	for owner := range x.owners {
		owners = append(owners, owner)
	}
	slices.SortFunc(owners, func(a, b string) int {
		return cmp.Or(cmp.Compare(x.owners[b], x.owners[a]), cmp.Compare(a, b))
	})
	row[colLikelihood], row[colImpact] = likelihood.String(), impact.String()
	row[colSeen] = observed(inPlace, missing, x.names, total(x.fails))
	row[colMitigation] = strings.Join(fixes[:min(3, len(fixes))], " ")
	row[colOwner] = cmp.Or(strings.Join(owners[:min(2, len(owners))], ", "), v.Workload.Owner)
	row[colStatus] = "open"
	row[colManaged] = x.managed()
	slices.Sort(practices)
	row[colPractices], row[colRules] = strings.Join(practices, " "), strings.Join(rules, " ")
	row[colReference] = x.danger.ID
	if k.accepted {
		x.accept(row)
	}
	return row
}

// accept describes a risk as the waivers do that accept it.
func (x *risky) accept(row RiskRow) {
	var risks, remedies, notes, owners, tickets []string
	until := ""
	add := func(to *[]string, text string) {
		if text = strings.TrimSpace(text); text != "" && !slices.Contains(*to, text) {
			*to = append(*to, text)
		}
	}
	slices.SortFunc(x.waived, func(a, b report.Waived) int {
		return cmp.Or(cmp.Compare(a.Expires, b.Expires), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Reason, b.Reason))
	})
	for _, w := range x.waived {
		if until == "" {
			until = w.Expires
		}
		add(&risks, w.Risk)
		add(&remedies, w.Mitigation)
		add(&owners, w.Owner)
		add(&tickets, w.Ticket)
		add(&notes, fmt.Sprintf("accepted by %s until %s: %s", w.Owner, w.Expires, w.Reason))
	}
	if len(risks) > 0 {
		row[colRisk] = strings.Join(risks, "; ")
	}
	row[colMitigation], row[colNotes], row[colOwner], row[colTicket] = strings.Join(remedies, "; "), strings.Join(notes, "; "), strings.Join(owners, ", "), strings.Join(tickets, ", ")
	row[colStatus], row[colDue] = "accepted until "+until, until
}

// controls lists rules that pass wherever the component is and make the risk less likely.
func (v *Review) controls(x *risky) (all []string) {
	for _, id := range x.danger.Controls {
		holds := len(x.accounts) > 0 && x.fails[id] == 0
		for account := range x.accounts {
			holds = holds && v.rows.passes[account][id]
		}
		if holds {
			all = append(all, id)
		}
	}
	return all
}

// observed says what is in place, then what is missing.
func observed(inPlace, missing, names []string, n int) string {
	var parts []string
	bare := func(all []string) []string { // of what would be bold
		all = slices.Clone(all)
		for i := range all {
			all[i] = strings.ReplaceAll(all[i], "**", "")
		}
		return all
	}
	inPlace, missing, names = bare(inPlace), bare(missing), bare(names)
	if len(inPlace) > 0 {
		parts = append(parts, "**"+strings.Join(inPlace[:min(4, len(inPlace))], "; ")+"**.")
	}
	if len(missing) > 0 {
		text := "Missing: " + strings.Join(missing[:min(4, len(missing))], "; ")
		if more := len(missing) - 4; more > 0 {
			text += fmt.Sprintf("; and %d more", more)
		}
		parts = append(parts, text+".")
	}
	if len(names) > 0 {
		text := "Concerns " + strings.Join(names, ", ")
		if n > len(names) {
			text += " and others"
		}
		parts = append(parts, text+".")
	}
	return strings.Join(parts, " ")
}

func total(of map[string]int) (n int) {
	for _, x := range of {
		n += x
	}
	return n
}

// managed names the stacks that manage what fails: none if no stack does.
func (x *risky) managed() string {
	var all []string
	for _, stack := range slices.Sorted(maps.Keys(x.stacks)) {
		all = append(all, cmp.Or(stack, "none"))
	}
	if x.unmanaged {
		all = append(all, "unknown")
	}
	return strings.Join(all, ", ")
}

// practicesOf lists the practices that a rule tells something about.
func (v *Review) practicesOf(rule string) (ids []string) {
	for i := range v.f.Questions {
		for j := range v.f.Questions[i].Practices {
			if p := &v.f.Questions[i].Practices[j]; slices.Contains(p.Rules, rule) {
				ids = append(ids, p.ID)
			}
		}
	}
	return ids
}

// saidRows describes what people say is missing: a row for each question.
func (v *Review) saidRows() (all []RiskRow) {
	for i := range v.Questions {
		q := &v.Questions[i]
		worst := grade(0)
		var inPlace, missing, practices, notes, owners []string
		for j := range q.Practices {
			x := &q.Practices[j]
			switch {
			case x.State.present():
				inPlace = append(inPlace, x.Title)
			case x.State == NotEstablished && (x.Answer == No || x.Answer == Partly):
				text := x.Title
				if x.Answer == Partly {
					text += " (in part only)"
				}
				missing, practices = append(missing, text), append(practices, x.ID)
				worst = max(worst, map[Level]grade{High: highGrade, Medium: mediumGrade, Low: lowGrade}[x.Level])
				if x.Said.Note != "" && !slices.Contains(notes, x.Said.Note) {
					notes = append(notes, x.Said.Note)
				}
				if !slices.Contains(owners, x.Said.By) {
					owners = append(owners, x.Said.By)
				}
			}
		}
		if len(missing) == 0 {
			continue
		}
		impact := worst
		if prodValue.MatchString(v.Workload.Environment) {
			impact = max(impact, mediumGrade)
		}
		likelihood := mediumGrade
		if len(inPlace) == 0 {
			likelihood = max(likelihood, worst)
		}
		all = append(all, RiskRow{colReference: strings.ReplaceAll(q.ID, " ", ""), colComponent: v.Workload.Name, colRisk: q.q.Harm, colLikelihood: likelihood.String(), colImpact: impact.String(),
			colSeen: observed(inPlace, missing, nil, 0), colMitigation: "Establish " + strings.Join(practices, ", "), colNotes: strings.Join(notes, "; "), colOwner: cmp.Or(v.Workload.Owner, strings.Join(owners, ", ")),
			colStatus: "open", colManaged: "none", colPractices: strings.Join(practices, " "), colFirst: v.AsOf, colKey: hash(v.Workload.Name, q.Key, "said")[:12]})
	}
	return all
}

// refer gives rows references that stay: the number of the danger, and so much of the key that no two are alike.
func refer(all []RiskRow) {
	for n := 3; n <= 12; n++ {
		seen := map[string]int{}
		for _, row := range all {
			seen[row[colReference]+"-"+row[colKey][:n]]++
		}
		if n < 12 && slices.ContainsFunc(slices.Collect(maps.Values(seen)), func(n int) bool { return n > 1 }) {
			continue
		}
		for _, row := range all {
			row[colReference] += "-" + row[colKey][:n]
		}
		return
	}
}

// digest is what a cell was when it was generated, so that what people write can be told from it.
func digest(text string) string { return hash(plainCell(text))[:6] }

// plainCell is a cell without what formats add to it or take away.
func plainCell(text string) string {
	text = strings.NewReplacer("**", "", "\u200b", "", "\r", " ", "\n", " ").Replace(text)
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > 1 && text[0] == '\'' && strings.ContainsRune("=+-@", rune(text[1])) {
		text = text[1:]
	}
	return text
}

// merge keeps what people have written into an earlier register, and lets no row vanish.
func (out *Register) merge(fresh []RiskRow, earlier *Register, v *Review) error {
	var old []RiskRow
	if earlier != nil {
		old = slices.Clone(earlier.Rows)
	}
	taken := make([]bool, len(old))
	find := func(row RiskRow) int {
		for _, same := range []func(o RiskRow) bool{
			func(o RiskRow) bool { return o[colKey] != "" && o[colKey] == row[colKey] },
			func(o RiskRow) bool { return o[colKey] == "" && o[colReference] == row[colReference] },
			func(o RiskRow) bool {
				return o[colKey] == "" && plainCell(o[colComponent]) == plainCell(row[colComponent]) && plainCell(o[colRisk]) == plainCell(row[colRisk])
			},
		} {
			for i, o := range old {
				if !taken[i] && same(o) {
					return i
				}
			}
		}
		return -1
	}
	keys := map[string]bool{}
	for _, o := range old {
		if key := o[colKey]; key != "" && keys[key] {
			return fmt.Errorf("two rows of the earlier register have the key %s: remove one, or empty its cell in the column %s", key, colKey)
		} else {
			keys[key] = true
		}
	}
	for _, row := range fresh {
		for col, text := range row {
			row[col] = plainLines(text) // only people break lines
		}
		i := find(row)
		digests := digestsOf(row)
		if i >= 0 {
			taken[i] = true
			o := old[i]
			was := parseDigests(o[colDigest])
			for _, col := range edited {
				text, given := o[col]
				if !given || digest(text) == was[col] || was[col] == "" && strings.TrimSpace(text) == "" {
					continue // as it was generated, or not there
				}
				if text == "" && slices.Contains(needed, col) {
					continue
				}
				if digest(text) != digest(row[col]) {
					row[col] = text
				}
			}
			if first := o[colFirst]; first != "" {
				row[colFirst] = first
			}
		}
		row[colDigest] = digests
		out.Rows = append(out.Rows, row)
	}
	for i, o := range old {
		if !taken[i] {
			out.Rows = append(out.Rows, out.gone(o, v))
		}
	}
	return nil
}

// gone says of a row that was not found again what became of it.
func (out *Register) gone(o RiskRow, v *Review) RiskRow {
	row := maps.Clone(o)
	was := parseDigests(o[colDigest])
	byPeople := digest(o[colStatus]) != was[colStatus] || o[colKey] == ""
	if byPeople || strings.HasPrefix(o[colStatus], "closed ") {
		return row // written by hand, or over already
	}
	text := "closed " + v.AsOf
	if o[colStatus] == promptStatus { // something fails now
		text = "closed " + v.AsOf + ": there is a row of its own"
	} else if blind := v.blindTo(strings.Fields(o[colRules]), strings.Fields(o[colPractices])); blind != "" {
		text = "not seen on " + v.AsOf + ": " + blind
		out.Unread++
	}
	row[colStatus] = text
	was[colStatus] = digest(text)
	row[colDigest] = writeDigests(was)
	return row
}

// blindTo says why it is not certain that what some rules, or people, said of some practices is over; "" if it is.
func (v *Review) blindTo(rules, practices []string) string {
	for _, id := range rules {
		if v.rules[id] == nil {
			return "the scan was made without " + id
		}
		if t := v.tallies[id]; t != nil && len(t.gaps) > 0 {
			return "nobody could look everywhere with " + id
		}
	}
	if len(rules) > 0 {
		return ""
	}
	for _, id := range practices {
		p := v.f.Practice(id)
		if p == nil {
			continue
		}
		still := ""
		v.Practices(func(_ *QuestionReview, x *PracticeReview) {
			if x.p == p && x.State == Undecided {
				still = "nobody says whether " + id + " is in place"
			}
		})
		if still != "" {
			return still
		}
	}
	return ""
}

func digestsOf(row RiskRow) string {
	all := map[string]string{}
	for _, col := range edited {
		all[col] = digest(row[col])
	}
	return writeDigests(all)
}

// writeDigests writes them in the order of their columns.
func writeDigests(all map[string]string) string {
	parts := []string{"v1"}
	for _, col := range edited {
		parts = append(parts, cmp.Or(all[col], "-"))
	}
	return strings.Join(parts, ".")
}

func parseDigests(text string) map[string]string {
	all := map[string]string{}
	parts := strings.Split(strings.TrimSpace(text), ".")
	if len(parts) != len(edited)+1 || parts[0] != "v1" {
		return all // lost: then all that stands there is taken for people's
	}
	for i, col := range edited {
		all[col] = parts[i+1]
	}
	return all
}

// say takes over what the answers say of rows. A row is named by its reference, or the beginning of it.
func (out *Register) say(a *Answers) error {
	for _, id := range slices.Sorted(maps.Keys(a.Register)) {
		x := a.Register[id]
		var rows []RiskRow
		var names []string
		for _, row := range out.Rows {
			if row[colReference] == id || row[colKey] == id {
				rows, names = []RiskRow{row}, nil
				break
			}
			if strings.HasPrefix(row[colReference], id+"-") {
				rows, names = append(rows, row), append(names, row[colReference])
			}
		}
		switch {
		case len(rows) == 0:
			return fmt.Errorf("%s: register: there is no row %s: see the column %s of the register", a.Name, short(id), colReference)
		case len(rows) > 1:
			return fmt.Errorf("%s: register: %s may mean each of %s: write the whole reference", a.Name, short(id), strings.Join(names[:min(5, len(names))], ", "))
		}
		set := func(col, text string) {
			if text != "" {
				rows[0][col] = text
			}
		}
		if x.Likelihood != "" {
			set(colLikelihood, parseGrade(x.Likelihood).String())
		}
		if x.Impact != "" {
			set(colImpact, parseGrade(x.Impact).String())
		}
		if x.Due != nil {
			set(colDue, x.Due.String())
		}
		set(colOwner, x.Owner)
		set(colStatus, x.Status)
		set(colTicket, x.Ticket)
		set(colMitigation, x.Mitigation)
		set(colRunbook, x.Runbook)
		set(colNotes, x.Notes)
	}
	return nil
}

// finish scores and sorts: the worst first, what is over last.
func (out *Register) finish() {
	over := func(row RiskRow) int {
		if strings.HasPrefix(strings.ToLower(row[colStatus]), "closed") {
			return 1
		}
		return 0
	}
	grades := func(row RiskRow) grade { return score(parseGrade(row[colLikelihood]), parseGrade(row[colImpact])) }
	for _, row := range out.Rows {
		row[colScore] = grades(row).String()
		if over(row) == 0 && row[colStatus] != promptStatus && strings.TrimSpace(row[colRunbook]) == "" {
			out.Gaps++
		}
	}
	slices.SortStableFunc(out.Rows, func(a, b RiskRow) int {
		return cmp.Or(cmp.Compare(over(a), over(b)), cmp.Compare(grades(b), grades(a)), cmp.Compare(a[colComponent], b[colComponent]), cmp.Compare(a[colReference], b[colReference]))
	})
}
