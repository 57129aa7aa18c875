package review

import (
	"fmt"
	"slices"
	"strings"

	"awsscanner/internal/lens"
)

// Lens makes a custom lens of the WA Tool out of a review: its questions, with what the scan says of each practice beside it. No account, ARN
// or name stands in it.
func (v *Review) Lens() (*lens.Lens, error) {
	l := &lens.Lens{SchemaVersion: lens.SchemaVersion, Name: cut(v.Workload.Name+": "+v.Framework.Title, 128),
		Description: cut(fmt.Sprintf("%s, edition %s, with what a scan of %s says of each practice, and answers as of %s. Titles are not those of AWS. A scan can prove that a practice is missing, hardly ever that it is in place.",
			v.Framework.Title, v.Framework.Edition, v.Scan.Started.Format("2006-01-02"), v.AsOf), 2048)}
	for i := range v.f.Pillars {
		p := &v.f.Pillars[i]
		x := lens.Pillar{ID: idOf(p.Lens, p.ID), Name: cut(p.Title, 128)}
		for j := range v.Questions {
			if q := &v.Questions[j]; q.Pillar == p.ID {
				x.Questions = append(x.Questions, v.lensQuestion(q))
			}
		}
		if len(x.Questions) > 0 {
			l.Pillars = append(l.Pillars, x)
		}
	}
	for _, problem := range l.Lint() {
		if problem.Error {
			return nil, fmt.Errorf("the framework makes no lens that the WA Tool takes: %s: %s", problem.Where, problem.Text)
		}
	}
	return l, nil
}

// idOf is an ID as lenses have them: letters, digits and underscores.
func idOf(id, otherwise string) string {
	if id == "" {
		id = otherwise
	}
	id = strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, id)
	for len(id) < 3 {
		id += "_"
	}
	return id
}

// cut keeps a text to so many characters.
func cut(text string, most int) string {
	text = strings.Join(strings.Fields(line(text)), " ")
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}

func (v *Review) lensQuestion(q *QuestionReview) lens.Question {
	id := idOf(q.Key, q.ID)
	x := lens.Question{ID: id, Title: cut(q.ID+" "+q.Title, 128), Description: cut(fmt.Sprintf("What may happen: %s. Risk by what is known: %s.", q.q.Harm, q.Risk), 2048)}
	for i := range q.Practices {
		p := &q.Practices[i]
		c := lens.Choice{ID: idOf(p.Choice, p.ID), Title: cut(p.Title, 128), Helpful: &lens.Resource{Text: cut(p.toldToLens(), 2048)}, Improvement: &lens.Resource{Text: cut(v.improve(p), 2048)}}
		if v.Framework.ID == "wellarchitected" {
			c.Helpful.URL = "https://docs.aws.amazon.com/wellarchitected/latest/framework/" + p.Choice + ".html"
		}
		x.Choices = append(x.Choices, c)
	}
	x.Choices = append(x.Choices, lens.Choice{ID: id + "_no", Title: "None of these"})
	x.RiskRules = q.q.lensRules(v.Settings.LowCountsAs)
	return x
}

// toldToLens is what the scan says of a practice, without any name.
func (x *PracticeReview) toldToLens() string {
	var failing []string
	for _, t := range x.Rules {
		if t.Fail > 0 {
			failing = append(failing, fmt.Sprintf("%s (%d)", t.Rule, t.Fail))
		}
	}
	text := fmt.Sprintf("%s, %s. Evidence: %s", x.ID, x.Level, x.Evidence)
	switch {
	case len(failing) > 0:
		text += ", as these rules fail: " + strings.Join(failing, ", ")
	case x.Evidence == Supported:
		text += fmt.Sprintf(", as %s passed everywhere", count(len(x.Rules), "rule"))
	case len(x.p.Rules) == 0:
		text += ", as no rule looks at it"
	}
	return text + "."
}

// improve is what to do about a practice.
func (v *Review) improve(x *PracticeReview) string {
	var fixes []string
	for _, t := range x.Rules {
		if fix := firstSentence(v.ruleOf(t.Rule).Fix.Text); t.Fail > 0 && !slices.Contains(fixes, fix) {
			fixes = append(fixes, fix)
		}
	}
	if len(fixes) > 0 {
		return strings.Join(fixes, " ")
	}
	return "Establish it: " + x.Title + "."
}

// lensRules are risk rules that come to the same as what a review says: none if all is ticked, high if one of high level is not.
func (q *Question) lensRules(low Risk) []lens.Rule {
	if len(q.RiskRules) > 0 {
		return q.RiskRules
	}
	var all, high []string
	medium := false
	for i := range q.Practices {
		p := &q.Practices[i]
		id := idOf(p.Choice, p.ID)
		switch risk := ofLevel(p.Level, low); {
		case risk == NoRisk:
			continue
		case risk == HighRisk:
			high = append(high, "!"+id)
		default:
			medium = true
		}
		all = append(all, id)
	}
	rules := []lens.Rule{{Condition: strings.Join(all, " && "), Risk: lens.NoRisk}}
	switch {
	case len(all) == 0: // nothing in it is a risk
		return []lens.Rule{{Condition: lens.Fallback, Risk: lens.NoRisk}}
	case len(high) == 0:
		return append(rules, lens.Rule{Condition: lens.Fallback, Risk: lens.MediumRisk})
	case !medium:
		return append(rules, lens.Rule{Condition: lens.Fallback, Risk: lens.HighRisk})
	}
	return append(rules, lens.Rule{Condition: strings.Join(high, " || "), Risk: lens.HighRisk}, lens.Rule{Condition: lens.Fallback, Risk: lens.MediumRisk})
}
