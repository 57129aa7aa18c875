package lens

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Problem is something that is wrong with a lens, or may be.
type Problem struct {
	Error bool   `json:"error"` // it does not do what it says; otherwise it may be meant so
	Where string `json:"where"` // as security / data_rest / rule 2
	Text  string `json:"text"`
}

func (p Problem) String() string {
	kind := "warning"
	if p.Error {
		kind = "error"
	}
	return kind + ": " + p.Where + ": " + p.Text
}

// Limits of the WA Tool. Those of questions, choices and rules stand in its guide and in no API model.
const (
	maxPillars   = 10
	maxQuestions = 20 // of a pillar
	maxChoices   = 15
	maxRules     = 3
	maxName      = 128
	maxText      = 2048
)

var idForm = regexp.MustCompile(`^[A-Za-z0-9_]{3,128}$`)

// Lint finds what the WA Tool would refuse, and risk rules that can never hold or contradict each other.
func (l *Lens) Lint() []Problem {
	c := &linter{}
	c.check(l.SchemaVersion == SchemaVersion, "lens", "schemaVersion is %q, where there is only %s", l.SchemaVersion, SchemaVersion)
	c.text("lens", "name", l.Name, maxName, true)
	c.text("lens", "description", l.Description, maxText, true)
	c.check(len(l.Pillars) > 0, "lens", "it has no pillars")
	c.check(len(l.Pillars) <= maxPillars, "lens", "it has %d pillars, and may have %d", len(l.Pillars), maxPillars)
	pillars, questions := map[string]bool{}, map[string]bool{}
	for i := range l.Pillars {
		p := &l.Pillars[i]
		where := "pillar " + p.ID
		c.id(where, p.ID, pillars)
		c.text(where, "name", p.Name, maxName, true)
		c.check(len(p.Questions) > 0, where, "it has no questions")
		c.check(len(p.Questions) <= maxQuestions, where, "it has %d questions, and may have %d", len(p.Questions), maxQuestions)
		for j := range p.Questions {
			c.question(where+" / "+p.Questions[j].ID, &p.Questions[j], questions)
		}
	}
	return c.all
}

type linter struct{ all []Problem }

func (c *linter) check(ok bool, where, format string, args ...any) {
	if !ok {
		c.all = append(c.all, Problem{true, where, fmt.Sprintf(format, args...)})
	}
}

func (c *linter) warn(ok bool, where, format string, args ...any) {
	if !ok {
		c.all = append(c.all, Problem{false, where, fmt.Sprintf(format, args...)})
	}
}

func (c *linter) id(where, id string, seen map[string]bool) {
	c.check(idForm.MatchString(id), where, "the ID %q is not 3 to 128 letters, digits and underscores", id)
	c.check(!seen[id], where, "the ID %s stands twice", id)
	seen[id] = true
}

func (c *linter) text(where, what, text string, most int, required bool) {
	n := utf8.RuneCountInString(text)
	c.check(!required || strings.TrimSpace(text) != "", where, "%s is empty", what)
	c.check(n <= most, where, "%s has %d characters, and may have %d", what, n, most)
}

func (c *linter) resource(where, what string, r *Resource) {
	if r != nil {
		c.text(where, what+".displayText", r.Text, maxText, true)
		c.check(r.URL == "" || strings.HasPrefix(r.URL, "https://") || strings.HasPrefix(r.URL, "http://"), where, "%s.url is no address", what)
		c.text(where, what+".url", r.URL, maxText, false)
	}
}

func (c *linter) question(where string, q *Question, questions map[string]bool) {
	c.id(where, q.ID, questions)
	c.text(where, "title", q.Title, maxName, true)
	c.text(where, "description", q.Description, maxText, false)
	c.resource(where, "helpfulResource", q.Helpful)
	c.check(len(q.Choices) > 0, where, "it has no choices")
	c.check(len(q.Choices) <= maxChoices, where, "it has %d choices, and may have %d", len(q.Choices), maxChoices)
	ids := map[string]bool{}
	nones := 0
	for i := range q.Choices {
		x := &q.Choices[i]
		at := where + " / " + x.ID
		c.id(at, x.ID, ids)
		c.text(at, "title", x.Title, maxName, true)
		c.resource(at, "helpfulResource", x.Helpful)
		c.resource(at, "improvementPlan", x.Improvement)
		if x.None() {
			nones++
			c.check(x.Improvement == nil, at, "it means none of these, as its ID ends in _no, and has an improvementPlan: remove that")
		} else {
			c.check(x.Improvement != nil, at, "it has no improvementPlan")
		}
	}
	c.check(nones <= 1, where, "%d choices mean none of these", nones)
	c.check(len(q.RiskRules) > 0, where, "it has no riskRules")
	c.check(len(q.RiskRules) <= maxRules, where, "it has %d riskRules, and may have %d", len(q.RiskRules), maxRules)
	c.rules(where, q, ids)
}

// mostVariables is for how many choices all that can be ticked is gone through.
const mostVariables = 16

// rules goes through all that can be ticked, and sees which rule is the first that holds.
func (c *linter) rules(where string, q *Question, ids map[string]bool) {
	var conditions []*Condition
	good := true
	fallback := -1
	for i, r := range q.RiskRules {
		at := fmt.Sprintf("%s / rule %d", where, i+1)
		c.check(r.Risk.Known(), at, "there is no risk %q: use NO_RISK, MEDIUM_RISK or HIGH_RISK", r.Risk)
		condition, err := ParseCondition(r.Condition)
		if err != nil {
			c.check(false, at, "its condition cannot be read: %s", err)
			good = false
			continue
		}
		for _, id := range condition.Choices {
			c.check(ids[id], at, "its condition names %s, which is no choice of the question", id)
			good = good && ids[id]
		}
		if len(condition.Choices) == 0 && fallback < 0 {
			fallback = i
		}
		conditions = append(conditions, condition)
		good = good && r.Risk.Known()
	}
	if !good || len(q.RiskRules) == 0 {
		return
	}
	if fallback >= 0 && fallback < len(q.RiskRules)-1 {
		c.check(false, fmt.Sprintf("%s / rule %d", where, fallback+1), "default is not the last rule: those behind it are never asked")
	}
	if len(q.Choices) > mostVariables {
		c.warn(false, where, "it has more than %d choices: what its rules can lead to is not checked", mostVariables)
		return
	}
	c.outcomes(where, q, conditions)
}

// An outcome is what becomes of one way of ticking choices: the first rule that holds, or -1.
type outcome int8

func (c *linter) outcomes(where string, q *Question, conditions []*Condition) {
	at := map[string]int{}
	none := -1
	for i := range q.Choices {
		at[q.Choices[i].ID] = i
		if q.Choices[i].None() {
			none = i
		}
	}
	of := make([]outcome, 1<<len(q.Choices))
	possible := func(ticked int) bool { return none < 0 || ticked>>none&1 == 0 || ticked == 1<<none } // none of these stands alone
	first, alone := make([]int, len(conditions)), make([]int, len(conditions))
	for i := range first {
		first[i], alone[i] = -1, -1
	}
	shadows := make([]map[int]bool, len(conditions))
	same := map[[2]int]bool{} // conditions that have differed
	unmet := -1
	for ticked := range of {
		of[ticked] = -1
		if !possible(ticked) {
			continue
		}
		var hold []bool
		for i, condition := range conditions {
			holds := condition.Holds(func(id string) bool { return ticked>>at[id]&1 == 1 })
			hold = append(hold, holds)
			if !holds {
				continue
			}
			if alone[i] < 0 {
				alone[i] = ticked
			}
			if of[ticked] >= 0 {
				if shadows[i] == nil {
					shadows[i] = map[int]bool{}
				}
				shadows[i][int(of[ticked])] = true
				continue
			}
			of[ticked] = outcome(i)
			if first[i] < 0 || first[i] == 0 {
				first[i] = ticked
			}
		}
		for i := range hold {
			for j := range i {
				if hold[i] != hold[j] {
					same[[2]int{j, i}] = true
				}
			}
		}
		if of[ticked] < 0 && unmet < 0 {
			unmet = ticked
		}
	}
	name := func(ticked int) string {
		var names []string
		for i := range q.Choices {
			if ticked>>i&1 == 1 {
				names = append(names, q.Choices[i].ID)
			}
		}
		switch {
		case len(names) == 0:
			return "if nothing is ticked"
		case len(names) == len(q.Choices) || none >= 0 && len(names) == len(q.Choices)-1:
			return "if all is ticked"
		}
		return "if " + strings.Join(names, " and ") + " is ticked and nothing else"
	}
	for i := range conditions {
		rule := fmt.Sprintf("%s / rule %d", where, i+1)
		switch {
		case alone[i] < 0:
			c.check(false, rule, "its condition contradicts itself: it never holds, so %s is never the outcome of it", q.RiskRules[i].Risk)
		case first[i] < 0:
			var by []string
			for j := range conditions {
				if shadows[i][j] {
					by = append(by, fmt.Sprint(j+1))
				}
			}
			c.check(false, rule, "it is never reached: whenever it holds, rule %s has held before, so %s is never the outcome of it", strings.Join(by, " or "), q.RiskRules[i].Risk)
		case first[i] == 0:
			c.warn(false, rule, "it is reached only if nothing is ticked, and then the WA Tool shows the question as unanswered")
		}
	}
	for i := range conditions {
		for j := range i {
			if !same[[2]int{j, i}] && alone[i] >= 0 && q.RiskRules[i].Risk != q.RiskRules[j].Risk {
				c.check(false, fmt.Sprintf("%s / rule %d", where, i+1), "it says %s where rule %d, which holds in the same cases, says %s", q.RiskRules[i].Risk, j+1, q.RiskRules[j].Risk)
			}
		}
	}
	c.check(unmet < 0, where, "no rule holds %s: end with a rule whose condition is default", name(max(unmet, 0)))
	if unmet >= 0 {
		return
	}
	risk := func(ticked int) Risk { return q.RiskRules[of[ticked]].Risk }
	all := len(of) - 1
	if none >= 0 {
		all &^= 1 << none
	}
	c.warn(risk(all) == NoRisk, where, "if all is ticked, the risk is still %s", risk(all))
	if none >= 0 {
		c.warn(risk(1<<none) != NoRisk, where, "if %s is ticked, the risk is %s", q.Choices[none].ID, NoRisk)
	}
	matters := make([]bool, len(q.Choices))
	worse := make([]bool, len(q.Choices))
	for ticked := range of {
		if !possible(ticked) {
			continue
		}
		for i := range q.Choices {
			more := ticked | 1<<i
			if more == ticked || i == none || !possible(more) {
				continue
			}
			matters[i] = matters[i] || risk(more) != risk(ticked)
			if ticked > 0 && risk(more).rank() > risk(ticked).rank() && !worse[i] { // what nothing ticked leads to nobody sees
				worse[i] = true
				c.check(false, where, "ticking %s raises the risk from %s to %s %s", q.Choices[i].ID, risk(ticked), risk(more), strings.Replace(name(ticked), " and nothing else", " already", 1))
			}
		}
	}
	for i := range q.Choices {
		c.warn(matters[i] || i == none || len(q.Choices) == 1, where+" / "+q.Choices[i].ID, "whether it is ticked changes the risk in no case")
	}
}

// Errors reports whether one of some problems is an error.
func Errors(all []Problem) bool {
	return slices.ContainsFunc(all, func(p Problem) bool { return p.Error })
}
