package lens

import (
	"fmt"
	"strings"
	"testing"
)

func TestCondition(t *testing.T) {
	for text, want := range map[string]string{ // by what is ticked: nothing, a, b, a and b
		"a":                  "0101",
		"!a":                 "1010",
		"a && b":             "0001",
		"a||b":               "0111",
		"!(a || b)":          "1000",
		"!a && b || a && !b": "0110",
		"a && (b || !b)":     "0101",
		"!!a":                "0101",
		" default ":          "1111",
		"((a))":              "0101",
	} {
		c, err := ParseCondition(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := ""
		for ticked := range 4 {
			bit := map[string]int{"a": 0, "b": 1}
			if c.Holds(func(id string) bool { return ticked>>bit[id]&1 == 1 }) {
				got += "1"
			} else {
				got += "0"
			}
		}
		if got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"":                                  "it ends where a choice is expected",
		"a &&":                              "it ends where a choice is expected",
		"a b":                               `"b" does not belong there`,
		"a & b":                             `"&" does not belong there`,
		"(a":                                "a parenthesis is not closed",
		"a)":                                `")" does not belong there`,
		"&& a":                              `"&&" stands where a choice is expected`,
		"default || a":                      "default stands alone, or not at all",
		"a == b":                            `"=" does not belong there`,
		strings.Repeat("!", 200):            "it is nested deeper than 100 levels",
		strings.Repeat("a && ", 5000) + "a": "it has more than 20000 characters",
	} {
		if _, err := ParseCondition(text); err == nil || err.Error() != want {
			t.Errorf("%.20s: %v, want %s", text, err, want)
		}
	}
}

func FuzzCondition(f *testing.F) {
	for _, text := range []string{"a && !(b || c)", "default", "((((a", "a|b", "ä && b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := ParseCondition(text); err == nil {
			c.Holds(func(string) bool { return true })
		} else if err.Error() == "" {
			t.Error("an error without words")
		}
	})
}

// lensOf makes a lens of one question with the choices a, b, c and, if wanted, none of these.
func lensOf(none bool, rules ...string) *Lens {
	q := Question{ID: "question_1", Title: "Question"}
	for _, id := range []string{"aaa", "bbb", "ccc"} {
		q.Choices = append(q.Choices, Choice{ID: id, Title: id, Improvement: &Resource{Text: "do it"}})
	}
	if none {
		q.Choices = append(q.Choices, Choice{ID: "question_1_no", Title: "None of these"})
	}
	for _, r := range rules {
		condition, risk, _ := strings.Cut(r, " -> ")
		q.RiskRules = append(q.RiskRules, Rule{condition, Risk(risk)})
	}
	return &Lens{SchemaVersion, "Lens", "A lens", []Pillar{{"pillar_1", "Pillar", []Question{q}}}}
}

func TestLint(t *testing.T) {
	const where = "pillar pillar_1 / question_1"
	for _, x := range []struct {
		name  string
		none  bool
		rules string
		want  string
	}{
		{"good", true, "aaa && bbb && ccc -> NO_RISK; !aaa && !bbb -> HIGH_RISK; default -> MEDIUM_RISK", ""},
		{"the trap of the DynamoDB lens", false, "aaa && bbb && ccc -> NO_RISK; !aaa || !bbb || !ccc -> HIGH_RISK; default -> MEDIUM_RISK",
			"error: " + where + " / rule 3: it is never reached: whenever it holds, rule 1 or 2 has held before, so MEDIUM_RISK is never the outcome of it"},
		{"contradicts itself", false, "aaa && bbb && ccc -> NO_RISK; aaa && !aaa -> HIGH_RISK; default -> MEDIUM_RISK",
			"error: " + where + " / rule 2: its condition contradicts itself: it never holds, so HIGH_RISK is never the outcome of it"},
		{"two say the opposite", false, "aaa && bbb && ccc -> NO_RISK; ccc && bbb && aaa -> HIGH_RISK; default -> MEDIUM_RISK",
			"error: " + where + " / rule 2: it is never reached: whenever it holds, rule 1 has held before, so HIGH_RISK is never the outcome of it|" +
				"error: " + where + " / rule 2: it says HIGH_RISK where rule 1, which holds in the same cases, says NO_RISK"},
		{"none of these hides a rule", true, "aaa && bbb && ccc -> NO_RISK; question_1_no && aaa -> MEDIUM_RISK; default -> HIGH_RISK",
			"error: " + where + " / rule 2: its condition contradicts itself: it never holds, so MEDIUM_RISK is never the outcome of it"},
		{"no default", false, "aaa && bbb && ccc -> NO_RISK; !aaa -> HIGH_RISK",
			"error: " + where + ": no rule holds if aaa is ticked and nothing else: end with a rule whose condition is default"},
		{"default first", false, "default -> HIGH_RISK; aaa && bbb && ccc -> NO_RISK",
			"error: " + where + " / rule 1: default is not the last rule: those behind it are never asked|" +
				"error: " + where + " / rule 2: it is never reached: whenever it holds, rule 1 has held before, so NO_RISK is never the outcome of it|" +
				"warning: " + where + ": if all is ticked, the risk is still HIGH_RISK|" +
				"warning: " + where + " / aaa: whether it is ticked changes the risk in no case|warning: " + where + " / bbb: whether it is ticked changes the risk in no case|warning: " + where + " / ccc: whether it is ticked changes the risk in no case"},
		{"more makes it worse", false, "aaa && !bbb -> NO_RISK; aaa && bbb && ccc -> NO_RISK; default -> HIGH_RISK",
			"error: " + where + ": ticking bbb raises the risk from NO_RISK to HIGH_RISK if aaa is ticked already"},
		{"a choice that does nothing", false, "aaa && bbb -> NO_RISK; aaa -> MEDIUM_RISK; default -> HIGH_RISK", "warning: " + where + " / ccc: whether it is ticked changes the risk in no case"},
		{"nothing ticked", false, "aaa && bbb && ccc -> NO_RISK; aaa || bbb || ccc -> MEDIUM_RISK; default -> HIGH_RISK",
			"warning: " + where + " / rule 3: it is reached only if nothing is ticked, and then the WA Tool shows the question as unanswered"},
		{"nothing ticked, but none of these", true, "aaa && bbb && ccc -> NO_RISK; aaa || bbb || ccc -> MEDIUM_RISK; default -> HIGH_RISK", ""},
		{"none of these is fine", true, "aaa && bbb && ccc || question_1_no -> NO_RISK; aaa -> MEDIUM_RISK; default -> HIGH_RISK", "warning: " + where + ": if question_1_no is ticked, the risk is NO_RISK"},
		{"unknown choice", false, "aaa && ddd -> NO_RISK; default -> HIGH_RISK", "error: " + where + " / rule 1: its condition names ddd, which is no choice of the question"},
		{"no condition", false, "aaa && -> NO_RISK; default -> HIGH_RISK", "error: " + where + " / rule 1: its condition cannot be read: it ends where a choice is expected"},
		{"no risk", false, "aaa && bbb && ccc -> NONE; default -> HIGH_RISK", `error: ` + where + ` / rule 1: there is no risk "NONE": use NO_RISK, MEDIUM_RISK or HIGH_RISK`},
		{"too many", false, "aaa && bbb && ccc -> NO_RISK; aaa && bbb -> MEDIUM_RISK; aaa && ccc -> MEDIUM_RISK; default -> HIGH_RISK", "error: " + where + ": it has 4 riskRules, and may have 3"},
	} {
		var got []string
		for _, p := range lensOf(x.none, strings.Split(x.rules, "; ")...).Lint() {
			got = append(got, p.String())
		}
		if all := strings.Join(got, "|"); all != x.want {
			t.Errorf("%s:\n%s\nwant\n%s", x.name, strings.ReplaceAll(all, "|", "\n"), strings.ReplaceAll(x.want, "|", "\n"))
		}
	}
}

func TestLimits(t *testing.T) {
	good := lensOf(true, "aaa && bbb && ccc -> NO_RISK", "default -> HIGH_RISK")
	if all := good.Lint(); len(all) > 0 {
		t.Fatal(all)
	}
	for what, spoil := range map[string]func(l *Lens){
		"lens: schemaVersion is \"1\", where there is only 2021-11-01":           func(l *Lens) { l.SchemaVersion = "1" },
		"lens: name has 129 characters, and may have 128":                        func(l *Lens) { l.Name = strings.Repeat("é", 129) },
		"lens: description is empty":                                             func(l *Lens) { l.Description = " " },
		"lens: it has 11 pillars, and may have 10":                               func(l *Lens) { l.Pillars = append(l.Pillars, make([]Pillar, 10)...) },
		"pillar p: the ID \"p\" is not 3 to 128 letters, digits and underscores": func(l *Lens) { l.Pillars[0].ID = "p" },
		"pillar pillar_1: it has no questions":                                   func(l *Lens) { l.Pillars[0].Questions = nil },
		"pillar pillar_1 / question_1: it has 16 choices, and may have 15":       func(l *Lens) { more(l, 12) },
		"pillar pillar_1 / question_1 / aaa: it has no improvementPlan":          func(l *Lens) { l.Pillars[0].Questions[0].Choices[0].Improvement = nil },
		"pillar pillar_1 / question_1 / bbb: the ID bbb stands twice":            func(l *Lens) { l.Pillars[0].Questions[0].Choices[2].ID = "bbb" },
		"pillar pillar_1 / question_1 / aaa: improvementPlan.url is no address":  func(l *Lens) { l.Pillars[0].Questions[0].Choices[0].Improvement.URL = "wiki" },
		"pillar pillar_1 / question_1 / question_1_no: it means none of these, as its ID ends in _no, and has an improvementPlan: remove that": func(l *Lens) {
			l.Pillars[0].Questions[0].Choices[3].Improvement = &Resource{Text: "x"}
		},
	} {
		l := lensOf(true, "aaa && bbb && ccc -> NO_RISK", "default -> HIGH_RISK")
		spoil(l)
		all := l.Lint()
		found := false
		for _, p := range all {
			found = found || p.Error && p.String() == "error: "+what
		}
		if !found || !Errors(all) {
			t.Errorf("no %q in %v", what, all)
		}
	}
}

func more(l *Lens, n int) {
	q := &l.Pillars[0].Questions[0]
	for i := range n {
		q.Choices = append(q.Choices, Choice{ID: fmt.Sprintf("more_%d", i), Title: "More", Improvement: &Resource{Text: "x"}})
	}
}

func TestParse(t *testing.T) {
	b, err := lensOf(true, "aaa -> NO_RISK", "default -> HIGH_RISK").JSON()
	if err != nil {
		t.Fatal(err)
	}
	if l, err := Parse(b); err != nil || l.Pillars[0].Questions[0].RiskRules[1].Risk != HighRisk {
		t.Errorf("%v", err)
	}
	for text, want := range map[string]string{
		"":                                 "this is not JSON (EOF)",
		"{\n\"name\": 1}":                  "line 2: name has the wrong type (number)",
		"{\n\n\"name\" 1}":                 "line 3: this is not JSON (invalid character '1' after object key)",
		"{}{}":                             "something follows the end of the lens",
		`{"pillars": [{"questions": {}}]}`: "line 1: pillars.questions has the wrong type (object)",
	} {
		if _, err := Parse([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
