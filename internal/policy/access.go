package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Question asks whether a policy lets somebody do any of some actions to any of some resources.
type Question struct {
	Who       Who
	Actions   []string          // "sqs:SendMessage", "s3:Get*"; none: any action
	Resources []string          // ARNs; none: any resource
	Account   string            // that owns the resource; "" if not known
	Org       string            // organization of that account; "" if there is none, or it is not known
	Trusted   []string          // accounts, and principals that tell no account, that are no outsiders
	Caller    string            // the account or service of AnAccount and AService
	Context   map[string]string // values of condition keys that the question fixes
}

// Who says about whom a Question is.
type Who int

const (
	Anyone     Who = iota // on the internet: without signing, with any AWS account, or with a token that anyone can have
	AnyAccount            // whoever has an AWS account
	Outsiders             // Anyone, and accounts that the policy names beside the owner and the trusted ones
	AnAccount             // somebody of the account Question.Caller
	AService              // the service Question.Caller on behalf of anyone: a confused deputy
	Holder                // whom the policy is attached to: for identity policies
)

// A Level is an answer, ordered by how much it admits.
type Level int

const (
	No                 Level = iota // nobody
	OnlyUnderCondition              // nobody but those who meet a condition: an organization, a network
	Unknown                         // cannot be told
	Yes
)

func (l Level) String() string {
	return [...]string{"no", "only under condition", "unknown", "yes"}[l]
}

// An Answer to a Question, with its evidence.
type Answer struct {
	Level      Level
	Statements []string // names of those that decided, none if Level is No
	Text       string   // for people: "statement AllowAll lets anyone call sqs:SendMessage"
	TooHard    bool     // the search became too long: the policy may admit less than Level says
}

// Access answers a question. Adding a Deny never raises the level, adding an Allow never lowers it.
func (d Document) Access(q Question) Answer {
	e := newEvaluation(&d, &q)
	a := e.strongest(e.callers())
	if q.Who == Outsiders {
		for _, g := range e.grants() {
			switch g.Kind {
			case External:
				a = stronger(a, Answer{Level: g.Level, Statements: g.Statements, Text: g.Text})
			case Opaque:
				a = stronger(a, Answer{Level: min(g.Level, Unknown), Statements: g.Statements, Text: g.Text + " (whose account cannot be told)"})
			}
		}
	}
	if a.Level == No {
		a.Text = fmt.Sprintf("no statement lets %s call %s", e.who(), some(e.q.Actions, "anything"))
	}
	return a
}

// Public is Access for Anyone.
func (d Document) Public(q Question) Answer {
	q.Who = Anyone
	return d.Access(q)
}

// stronger returns the answer that admits more; two of a level become one.
func stronger(a, b Answer) Answer {
	if b.Level == No || b.Level < a.Level {
		return a
	}
	if b.Level > a.Level {
		return b
	}
	for _, s := range b.Statements {
		if !slices.Contains(a.Statements, s) {
			a.Statements = append(slices.Clone(a.Statements), s)
			if len(a.Statements) <= 3 {
				a.Text += "; " + b.Text
			}
		}
	}
	a.TooHard = a.TooHard || b.TooHard
	return a
}

// An evaluation is a question being put to a document.
type evaluation struct {
	d         *Document
	q         *Question
	actions   []Set // of the question, one per pattern
	resources Set
	stranger  string // account that the document does not name
}

func newEvaluation(d *Document, q *Question) *evaluation {
	e := &evaluation{d: d.resolve(q), q: q, resources: everything()}
	for _, a := range q.Actions {
		e.actions = append(e.actions, Set{List: []Pattern{actionPattern(a)}})
	}
	if len(q.Actions) == 0 {
		e.actions = []Set{everyAction()}
	}
	if len(q.Resources) > 0 {
		e.resources.List = nil
		for _, r := range q.Resources {
			e.resources.List = append(e.resources.List, resourcePattern(r, false))
		}
	}
	named := append(d.accounts(), q.Account, q.Caller)
	for n := 999_999_999_999; ; n-- {
		if e.stranger = strconv.Itoa(n); !slices.Contains(named, e.stranger) {
			return e
		}
	}
}

// callers returns those whom the question is about.
func (e *evaluation) callers() []caller {
	switch e.q.Who {
	case AnyAccount:
		return []caller{{kind: stranger}, {kind: service}}
	case AnAccount:
		return e.members(e.q.Caller)
	case AService:
		return []caller{{kind: service, service: e.q.Caller}}
	case Holder:
		return []caller{{kind: holder}}
	}
	out := []caller{{kind: stranger}, {kind: anonymous}, {kind: service}}
	for _, s := range e.d.Statements {
		if s.Deny || s.Principals == nil || s.Principals.Not {
			continue
		}
		for _, f := range s.Principals.Federated {
			c := caller{kind: token, provider: f}
			if _, shared := providers[issuer(f)]; shared && !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
	}
	return out
}

// members returns callers of an account: somebody, each of those named, and a service on its behalf.
func (e *evaluation) members(account string) []caller {
	out := []caller{{kind: member, account: account}, {kind: service, account: account}}
	add := func(c caller) {
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	for _, s := range e.d.Statements {
		if s.Deny {
			continue
		}
		if s.Principals != nil && !s.Principals.Not {
			for _, p := range s.Principals.AWS {
				if accountOf(p) == account && accountOfRoot(p) == "" && !strings.ContainsAny(p, "*?") {
					add(caller{kind: member, account: account, arn: p})
				}
			}
			for _, p := range s.Principals.Service {
				if slices.ContainsFunc(s.Conditions, func(c Condition) bool {
					return slices.ContainsFunc(c.Values, func(v string) bool { return accountOf(v) == account })
				}) { // else it acts for anyone, which is no grant to this account
					add(caller{kind: service, account: account, service: p})
				}
			}
		}
		for _, c := range s.Conditions {
			if keyKindOf(c.key) != principalKey {
				continue
			}
			for _, p := range c.patterns {
				if p.literal && accountOf(p.Text) == account {
					add(caller{kind: member, account: account, arn: p.Text})
				}
			}
		}
	}
	return out
}

func (e *evaluation) who() string {
	switch e.q.Who {
	case AnyAccount:
		return "any AWS account"
	case Outsiders:
		return "anyone outside"
	case AnAccount:
		return "account " + e.q.Caller
	case AService:
		return e.q.Caller + ", on behalf of anyone,"
	case Holder:
		return "its holder"
	}
	return "anyone"
}

// strongest returns the strongest answer that any statement gives any of the callers.
func (e *evaluation) strongest(callers []caller) (best Answer) {
	for i := range e.d.Statements {
		if s := &e.d.Statements[i]; !s.Deny {
			var of Answer // of several callers the first with the highest level speaks for the statement
			for _, c := range callers {
				if a := e.grant(s, c); a.Level > of.Level {
					of = a
				}
			}
			best = stronger(best, of)
		}
	}
	return best
}

// grant answers what one Allow statement gives one caller, after what the Deny statements take away.
func (e *evaluation) grant(s *Statement, c caller) Answer {
	named := c.in(s.Principals)
	if named == no {
		return Answer{}
	}
	if c.kind == service && c.service != "" && computeServices[strings.ToLower(c.service)] && s.onlySTS() {
		return Answer{}
	}
	x := &trial{evaluation: e, s: s, c: c}
	if !x.cover() {
		return Answer{Level: Unknown, TooHard: true, Statements: []string{s.Name},
			Text: fmt.Sprintf("statement %s has patterns too intricate to follow", s.Name)}
	}
	x.left = x.open(0)
	if len(x.left) == 0 {
		return Answer{}
	}
	level, why := x.allowed()
	if level == No {
		return Answer{}
	}
	if level > Unknown && (named == perhaps || s.Resources.variable()) {
		level, why = Unknown, "it has a policy variable in its resources"
		if named == perhaps {
			why = "its principal does not suit the kind of policy"
		}
	}
	a := Answer{Level: level, Statements: []string{s.Name}}
	a.Level, why, a.TooHard = x.denied(level, why)
	switch a.Level {
	case No:
		return Answer{}
	case Yes:
		a.Text = x.sentence("lets", "")
	case Unknown:
		a.Text = x.sentence("may let", "") + ": " + why
	case OnlyUnderCondition:
		a.Text = x.sentence("lets", " only under condition") + ": " + why
	}
	return a
}

func (s *Statement) onlySTS() bool {
	return !s.Actions.Not && !slices.ContainsFunc(s.Actions.List, func(p Pattern) bool {
		return !strings.HasPrefix(strings.ToLower(p.Text), "sts:")
	})
}

// A trial is one Allow statement, one caller, and the Deny statements that may concern him.
type trial struct {
	*evaluation
	s       *Statement
	c       caller
	left    []int // actions of the question that the Allow statement is about
	denies  []*Statement
	actions [][]uint64 // per action of the question: the combinations of denies that actions of it fall under
	places  []uint64   // the same for resources
}

// cover finds out which denies cover which of the actions and resources that the Allow statement and the question share; it
// reports false if that is too hard.
func (x *trial) cover() bool {
	var actions, resources []Set
	x.actions = nil
	for _, d := range x.denies {
		actions, resources = append(actions, d.Actions), append(resources, d.Resources)
	}
	var ok bool
	if x.places, ok = kinds([]Set{x.resources, x.s.Resources}, resources); !ok {
		return false
	}
	if len(x.places) == 0 {
		return true
	}
	for _, a := range x.evaluation.actions {
		found, ok := kinds([]Set{a, x.s.Actions}, actions)
		if !ok {
			return false
		}
		x.actions = append(x.actions, found)
	}
	return true
}

// open returns which actions of the question remain on some resource if the denies of the mask hold.
func (x *trial) open(mask uint64) (left []int) {
	for i, kinds := range x.actions {
		if slices.ContainsFunc(kinds, func(a uint64) bool {
			return slices.ContainsFunc(x.places, func(r uint64) bool { return a&r&mask == 0 })
		}) {
			left = append(left, i)
		}
	}
	return left
}

// allowed returns what the conditions of the Allow statement leave, and why that is less than Yes.
func (x *trial) allowed() (Level, string) {
	tests := pointers(x.s.Conditions)
	if len(tests) == 0 {
		return Yes, ""
	}
	if x.c.kind == holder {
		return OnlyUnderCondition, join(tests)
	}
	best, ok := no, false
	each(x.domains(tests), func(at func(string) value) bool {
		best = max(best, holdAll(tests, at))
		return best < yes
	}, &ok)
	switch {
	case !ok:
		return Unknown, "its conditions are too intricate to follow"
	case best == yes:
		return Yes, ""
	case best == perhaps:
		return Unknown, "its condition cannot be modelled (" + join(tests) + ")"
	}
	for _, t := range tests { // who is kept out by an account is kept out for good
		if x.always(t, no) && (x.byAccount(t) || x.byOwnOrg(t)) {
			return No, ""
		}
	}
	return OnlyUnderCondition, join(tests)
}

// denied lowers a level by the Deny statements, and says why.
func (x *trial) denied(level Level, why string) (Level, string, bool) {
	for i := range x.d.Statements {
		if d := &x.d.Statements[i]; d.Deny && x.c.in(d.Principals) != no && !(x.c.kind == holder && len(d.Conditions) > 0) {
			x.denies = append(x.denies, d)
		}
	}
	if len(x.denies) == 0 {
		return level, why, false
	}
	if !x.cover() {
		if level <= Unknown {
			return level, why, true
		}
		return Unknown, "the patterns of what is denied are too intricate to follow", true
	}
	var hard uint64 // denies that leave nobody but accounts, or nobody
	for i, d := range x.denies {
		if x.hard(d) {
			hard |= 1 << i
		}
	}
	if len(x.open(hard)) == 0 {
		return No, "", false
	}
	if level == OnlyUnderCondition {
		return level, why, false
	}
	tests := pointers(x.s.Conditions)
	relevant := tests
	for _, d := range x.denies {
		relevant = append(slices.Clip(relevant), pointers(d.Conditions)...)
	}
	best, ok := No, false
	var maybe, surely uint64
	each(x.domains(relevant), func(at func(string) value) bool {
		if holdAll(tests, at) == no {
			return true
		}
		var denied, perhapsDenied uint64
		for i, d := range x.denies {
			t := min(holdAll(x.about(d), at), x.c.in(d.Principals))
			if t == yes && d.Resources.variable() {
				t = perhaps
			}
			switch t {
			case yes:
				denied |= 1 << i
			case perhaps:
				perhapsDenied |= 1 << i
			}
		}
		switch {
		case len(x.open(denied)) == 0:
			surely |= denied
		case len(x.open(denied|perhapsDenied)) == 0:
			best = max(best, Unknown)
			maybe |= perhapsDenied
		default:
			best = level
		}
		return best < level
	}, &ok)
	switch {
	case !ok:
		return Unknown, "the conditions are too intricate to follow", true
	case best == level:
		return level, why, false
	case best == Unknown:
		return Unknown, "statement " + x.names(maybe) + " denies it under a condition that cannot be modelled", false
	}
	return OnlyUnderCondition, "statement " + x.names(surely) + " denies it to the rest", false
}

// about returns the conditions of a Deny. One that spares AWS services (aws:PrincipalIsAWSService) is no door for the public:
// what services it lets in is the question of the confused deputy, which needs them to be named.
func (x *trial) about(d *Statement) []*Condition {
	tests := pointers(d.Conditions)
	if x.c.kind == service && x.c.service == "" {
		tests = slices.DeleteFunc(tests, func(t *Condition) bool { return keyKindOf(t.key) == isService })
	}
	return tests
}

func (x *trial) names(mask uint64) string {
	var out []string
	for i, d := range x.denies {
		if mask&(1<<i) != 0 {
			out = append(out, d.Name)
			for _, c := range d.Conditions {
				out[len(out)-1] += " (" + c.String() + ")"
			}
		}
	}
	return some(out, "")
}

// hard reports whether a Deny holds whatever the caller does, and whoever escapes it does so by his account.
func (x *trial) hard(d *Statement) bool {
	if x.c.in(d.Principals) != yes || d.Resources.variable() {
		return false
	}
	for i := range d.Conditions {
		t := &d.Conditions[i]
		if k := keyKindOf(t.key); !x.always(t, yes) || k != isService && !x.byAccount(t) && !x.byOwnOrg(t) {
			return false
		}
	}
	return true
}

// always reports whether a test comes out alike whatever the caller does.
func (x *trial) always(t *Condition, out truth) bool {
	for _, v := range x.domain(x.c, t.key, []*Condition{t}) {
		if t.holds(v) != out {
			return false
		}
	}
	return true
}

// byAccount reports whether a test names accounts, and nothing else.
func (x *trial) byAccount(t *Condition) bool {
	return namesAccounts[keyKindOf(t.key)] && len(t.Values) > 0 &&
		!slices.ContainsFunc(t.Values, func(v string) bool { return accountOf(v) == "" })
}

// byOwnOrg reports whether a test names the organization of the owner, and no other.
func (x *trial) byOwnOrg(t *Condition) bool {
	k := keyKindOf(t.key)
	if x.q.Org == "" || k != orgKey && k != sourceOrg && k != networkOrg && k != orgPathKey && k != sourceOrgPath && k != networkPath {
		return false
	}
	return len(t.Values) > 0 && !slices.ContainsFunc(t.Values, func(v string) bool {
		org, _, _ := strings.Cut(v, "/")
		return org != x.q.Org
	})
}

// contextLimit bounds how many different requests are tried.
const contextLimit = 4096

// A domain is a key and the values that it may have.
type domain struct {
	key    string
	values []value
}

// domains returns the keys that tests are about.
func (x *trial) domains(tests []*Condition) (out []domain) {
	for i, t := range tests {
		if slices.ContainsFunc(tests[:i], func(u *Condition) bool { return u.key == t.key }) {
			continue
		}
		on := tests[i:]
		on = slices.DeleteFunc(slices.Clone(on), func(u *Condition) bool { return u.key != t.key })
		values := x.domain(x.c, t.key, on)
		var distinct []value
		for _, v := range values { // values that all tests see alike are one
			if !slices.ContainsFunc(distinct, func(w value) bool {
				return v == w || !slices.ContainsFunc(on, func(u *Condition) bool { return u.holds(v) != u.holds(w) })
			}) {
				distinct = append(distinct, v)
			}
		}
		out = append(out, domain{t.key, distinct})
	}
	return out
}

// each calls f with every request that the domains make possible, until f has enough; ok is false if there are too many.
func each(domains []domain, f func(at func(string) value) bool, ok *bool) {
	n := 1
	for _, d := range domains {
		if n *= len(d.values); n > contextLimit {
			return
		}
	}
	*ok = true
	for i := range n {
		at := func(key string) value {
			j := i
			for _, d := range domains {
				if d.key == key {
					return d.values[j%len(d.values)]
				}
				j /= len(d.values)
			}
			return value{unknown: true}
		}
		if !f(at) {
			return
		}
	}
}

func holdAll(tests []*Condition, at func(string) value) truth {
	t := yes
	for _, c := range tests {
		t = min(t, c.holds(at(c.key)))
	}
	return t
}

func pointers(c []Condition) []*Condition {
	out := make([]*Condition, len(c))
	for i := range c {
		out[i] = &c[i]
	}
	return out
}

// sentence says for people what the statement does.
func (x *trial) sentence(verb, how string) string {
	actions := x.s.Actions.texts()
	if x.s.Actions.Not {
		actions = []string{"everything but " + some(actions, "nothing")}
	}
	var open []string
	for _, i := range x.left {
		if i < len(x.q.Actions) && !strings.ContainsAny(x.q.Actions[i], "*?") {
			open = append(open, x.q.Actions[i])
		}
	}
	if len(open) == 0 {
		open = actions
	}
	return fmt.Sprintf("statement %s %s %s call %s%s", x.s.Name, verb, x.c, some(open, "nothing"), how)
}

func join(tests []*Condition) string {
	out := make([]string, len(tests))
	for i, t := range tests {
		out[i] = t.String()
	}
	return strings.Join(out, " and ")
}

// some returns the first three of a list.
func some(list []string, none string) string {
	switch {
	case len(list) == 0:
		return none
	case len(list) > 3:
		return strings.Join(list[:3], ", ") + fmt.Sprintf(" and %d more", len(list)-3)
	}
	return strings.Join(list, ", ")
}
