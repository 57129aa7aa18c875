// Package waiver reads the failures and gaps that people have accepted: which, why, who says so and until when. What is not certain to be
// meant is not waived.
package waiver

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/match"
	"awsscanner/internal/strictyaml"
)

// A Waiver accepts what its condition means.
type Waiver struct {
	Line strictyaml.Line `yaml:"-"`
	match.Condition
	Reason     string `yaml:"reason,required" doc:"why it is accepted"`
	Owner      string `yaml:"owner,required" doc:"who answers for that"`
	Expires    Date   `yaml:"expires,required" doc:"the last day on which it holds, YYYY-MM-DD"`
	Mitigation string `yaml:"mitigation" doc:"what lessens the risk meanwhile"`
	Risk       string `yaml:"risk" doc:"what may happen"`
	Ticket     string `yaml:"ticket" doc:"where it was decided, or will be mended"`
}

// A Date is a day.
type Date struct{ time.Time }

var dateForm = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)

func (d *Date) UnmarshalText(b []byte) (err error) {
	if !dateForm.Match(b) {
		return fmt.Errorf("%.40q is no date: write YYYY-MM-DD", b)
	}
	if d.Time, err = time.Parse(time.DateOnly, string(b)); err != nil {
		return fmt.Errorf("there is no day %s", b)
	}
	return nil
}

func (d Date) String() string { return d.Format(time.DateOnly) }

// A Term is a number of days.
type Term int

var termForm = regexp.MustCompile(`^([0-9]{1,5})([dw])$`)

func (t *Term) UnmarshalText(b []byte) error {
	m := termForm.FindSubmatch(b)
	if m == nil {
		return fmt.Errorf("%.40q is no term: write days or weeks, as 90d or 12w", b)
	}
	n := 0
	for _, digit := range m[1] {
		n = 10*n + int(digit-'0')
	}
	if m[2][0] == 'w' {
		n *= 7
	}
	if n == 0 {
		return errors.New("a term of no days allows nothing: name the rules that may not be waived under never")
	}
	*t = Term(n)
	return nil
}

// A Policy says what may be waived, and for how long.
type Policy struct {
	Longest map[engine.Severity]Limit // of waivers of what can be as severe
	Never   []Ban
}

// A Limit is a term, and where it is set.
type Limit struct {
	Term  Term
	Place string
}

// A Ban is a glob of rules that may not be waived, and where it is set.
type Ban struct {
	Rules string
	Place string
}

// A Context is what waivers are held against.
type Context struct {
	Rules  []engine.Rule // all that there are, with the severities that hold here
	Policy Policy
	Now    time.Time // from which on terms are counted
}

// A List is the waivers of a file, in its order: the first that means a result counts.
type List struct {
	Name  string
	All   []Waiver
	rules map[string][]int // waivers that may mean what a rule finds
}

// farthest is how many days away a waiver may end where no policy says so: one that nobody looks at again is none.
const farthest = 5 * 366

const longestText = 2000

// Read reads a file. All that is wrong with it is one error.
func Read(name string, c Context) (*List, error) {
	l := &List{Name: strictyaml.Printable(name)}
	return l.check(strictyaml.Read(name, &l.All), c)
}

// Decode is Read for what is already in memory.
func Decode(name string, data []byte, c Context) (*List, error) {
	l := &List{Name: strictyaml.Printable(name)}
	return l.check(strictyaml.Decode(name, data, &l.All), c)
}

func (l *List) check(f *strictyaml.File, c Context) (*List, error) {
	v := Vocabulary(c.Rules)
	before := map[string]int{}
	for i := range l.All {
		w := &l.All[i]
		path := fmt.Sprintf("[%d]", i)
		w.Condition.Check(f, path, v)
		for key, text := range map[string]*string{"reason": &w.Reason, "owner": &w.Owner, "mitigation": &w.Mitigation, "risk": &w.Risk, "ticket": &w.Ticket} {
			if *text = strings.TrimSpace(*text); len(*text) > longestText {
				f.Refuse(path+"."+key, "%s has more than %d characters: say it shorter, or where it is written down", key, longestText)
			}
		}
		if f.Wrong(path) {
			continue // the rest would only follow from that
		}
		if key := w.Key(); before[key] > 0 {
			f.Refuse(path, "the waiver means the same as that in line %d: keep one of them", before[key])
			continue
		} else {
			before[key] = int(w.Line)
		}
		if !w.Narrows() {
			f.Refuse(path, "the waiver would accept everything but what it excludes: name a rule, an account, a resource or the like")
			continue
		}
		w.checkTerm(f, path, c)
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	l.rules = map[string][]int{}
	for i := range c.Rules {
		r := &c.Rules[i]
		for n := range l.All {
			if l.All[n].Ask(&match.Subject{Rule: r}) != match.No {
				l.rules[r.ID] = append(l.rules[r.ID], n)
			}
		}
	}
	return l, nil
}

// Vocabulary returns the names that conditions about what some rules find may use.
func Vocabulary(rules []engine.Rule) (v match.Vocabulary) {
	for i := range rules {
		v.Rules = append(append(v.Rules, rules[i].ID), rules[i].Formerly...)
		v.Kinds = append(v.Kinds, string(rules[i].Check.Subject.Reported()))
	}
	slices.Sort(v.Kinds)
	v.Kinds = slices.Compact(v.Kinds)
	return v
}

// checkTerm refuses what the policy does not allow.
func (w *Waiver) checkTerm(f *strictyaml.File, path string, c Context) {
	var banned []string
	var place string
	for i := range c.Rules {
		r := &c.Rules[i]
		if j := slices.IndexFunc(c.Policy.Never, func(b Ban) bool { return engine.Match(b.Rules, r.ID) }); j >= 0 && w.Ask(&match.Subject{Rule: r}) != match.No {
			banned, place = append(banned, r.ID), c.Policy.Never[j].Place
		}
	}
	if len(banned) > 0 {
		some := strings.Join(banned[:min(3, len(banned))], ", ")
		if len(banned) > 3 {
			some += fmt.Sprintf(" and %d more", len(banned)-3)
		}
		f.Refuse(path+".rule", "%s may not be waived, as %s says: remove the waiver, or exclude what it says by not: {rule: ...}", some, place)
	}
	days := int(w.Expires.Sub(c.Now.UTC().Truncate(24*time.Hour)) / (24 * time.Hour))
	last := func(days int) string { return c.Now.UTC().AddDate(0, 0, days).Format(time.DateOnly) }
	var worst *engine.Rule
	var at engine.Severity
	for i := range c.Rules {
		r := &c.Rules[i]
		for s := r.Severity; s <= r.Worst; s++ {
			limit, ok := c.Policy.Longest[s]
			if !ok || days <= int(limit.Term) || w.Ask(&match.Subject{Rule: r, Severity: s}) == match.No {
				continue
			}
			if worst == nil || limit.Term < c.Policy.Longest[at].Term {
				worst, at = r, s
			}
		}
	}
	switch {
	case worst != nil:
		limit := c.Policy.Longest[at]
		f.Refuse(path+".expires", "expires: %s is %d days away, and %s allows %d for what is %s, as %s may be: choose %s or an earlier day", w.Expires, days, limit.Place, limit.Term, at, worst.ID, last(int(limit.Term)))
	case days > farthest:
		f.Refuse(path+".expires", "expires: %s is more than five years away: choose a day on which somebody will look at it again", w.Expires)
	}
}

// NeedsTags reports whether a waiver hangs on tags.
func (l *List) NeedsTags() bool {
	return slices.ContainsFunc(l.All, func(w Waiver) bool { return w.Condition.NeedsTags() })
}

// About returns the numbers of the waivers that may mean what a rule finds, in order.
func (l *List) About(rule string) []int { return l.rules[rule] }

// Place returns where a waiver stands, as FILE:LINE.
func (l *List) Place(i int) string { return fmt.Sprintf("%s:%d", l.Name, l.All[i].Line) }

// Expired reports whether a waiver no longer holds at some time. It holds to the end of its last day, UTC.
func (w *Waiver) Expired(at time.Time) bool { return !at.Before(w.Expires.AddDate(0, 0, 1)) }

// Warnings says which waivers no longer hold, a line each.
func (l *List) Warnings(at time.Time) (lines []string) {
	for i := range l.All {
		if w := &l.All[i]; w.Expired(at) {
			lines = append(lines, fmt.Sprintf("%s: expired on %s: what it accepted counts again, so remove it, or decide anew", l.Place(i), w.Expires))
		}
	}
	return lines
}

// Find returns the number of the waiver that accepts a result, or -1.
func (l *List) Find(r *engine.Result, at time.Time) int {
	candidates := l.rules[r.Rule.ID]
	if len(candidates) == 0 {
		return -1
	}
	s := match.Result(r)
	for _, i := range candidates {
		if w := &l.All[i]; !w.Expired(at) && w.Ask(s) == match.Yes {
			return i
		}
	}
	return -1
}
