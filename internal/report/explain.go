package report

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"awsscanner/internal/engine"
)

// FindOn returns the results of a rule on resources that a glob matches by ARN, ID or name, failures first.
func (r *Report) FindOn(rule, resource string) (found []Result, err error) {
	return r.find(func(x *Result) bool {
		m := x.Resource
		return x.Rule.ID == rule && (engine.Match(resource, m.ARN) || engine.Match(resource, m.ID) || engine.Match(resource, m.Name))
	})
}

// Find returns the results whose fingerprint or identity begins with a prefix, failures first.
func (r *Report) Find(prefix string) (found []Result, err error) {
	return r.find(func(x *Result) bool {
		return strings.HasPrefix(x.Fingerprint(), prefix) || strings.HasPrefix(x.Identity(), prefix)
	})
}

func (r *Report) find(wanted func(*Result) bool) (found []Result, err error) {
	for x, err := range r.Results() {
		if err != nil {
			return nil, err
		}
		if wanted(&x) {
			found = append(found, x)
		}
	}
	slices.SortStableFunc(found, func(a, b Result) int { return rank(a.Status) - rank(b.Status) })
	return found, nil
}

// Explain writes all that is known of one result.
func (r *Report) Explain(w io.Writer, x *Result) error {
	var b strings.Builder
	field := func(name, value string) {
		if value != "" {
			for i, line := range strings.Split(value, "\n") {
				if i > 0 {
					name = ""
				}
				fmt.Fprintf(&b, "%-12s %s\n", name, Clean(line))
			}
		}
	}
	m := x.Resource
	fmt.Fprintf(&b, "%s\n%s\n\n", x.Rule.ID, x.Rule.Title)
	status := string(x.Status)
	if x.Status == engine.Failed {
		status += ", severity " + x.Severity.String()
	}
	field("verdict", status)
	field("message", x.Message)
	field("resource", fmt.Sprintf("%s %s", x.Kind(), name(m)))
	field("arn", m.ARN)
	field("account", m.Account)
	field("region", m.Region)
	field("owner", x.Team)
	if w := x.Waived; w != nil {
		field("waived", fmt.Sprintf("until %s by %s: %s (%s)", w.Expires, w.Owner, w.Reason, w.Source))
		field("ticket", w.Ticket)
		field("mitigation", w.Mitigation)
		field("risk", w.Risk)
	}
	field("change", string(x.Change))
	field("judged at", r.Header.Start.UTC().Format("2006-01-02 15:04:05 UTC"))
	for _, k := range slices.Sorted(maps.Keys(x.Evidence)) {
		v, err := json.Marshal(x.Evidence[k])
		if err != nil {
			return err
		}
		field("evidence", k+" = "+string(v))
	}
	if x.Gap != nil {
		gap := fmt.Sprintf("%s (%s)", x.Gap.Reason, x.Gap.Reason.Class())
		if x.Gap.Call != "" {
			gap += " in " + x.Gap.Call
		}
		field("gap", gap)
		field("grant", strings.Join(ToGrant(x.Gap), ", "))
	}
	field("fingerprint", x.Fingerprint())
	field("identity", x.Identity())
	b.WriteByte('\n')
	if r.Source != nil {
		b.WriteString("SEEN\n  A JSON report tells no more of it than the evidence. The snapshot of the scan has the calls and what they answered.\n\n")
	} else if sights := r.Scan.Sights(&x.Result); len(sights) > 0 && r.Mask == nil {
		b.WriteString("SEEN\n")
		for _, s := range sights {
			fmt.Fprintf(&b, "  %s\n", Clean(seen(s)))
		}
		b.WriteByte('\n')
	}
	if x.Status == engine.Failed {
		if err := r.siblings(&b, x); err != nil {
			return err
		}
	}
	writeRule(&b, x.Rule)
	_, err := io.WriteString(w, b.String())
	return err
}

// longest is how much of a value an explanation shows.
const longest = 200

func seen(s engine.Sight) string {
	text := s.Read
	switch {
	case s.Among >= 0:
		text += fmt.Sprintf(" among %d in the account", s.Among)
		if s.Gap != nil {
			text += fmt.Sprintf(", of which not all could be listed: %s in %s", s.Gap.Reason, s.Gap.Call)
		}
	case s.Gap != nil:
		text += fmt.Sprintf(" is unknown: %s in %s", s.Gap.Reason, s.Gap.Call)
	case s.Value != "":
		value := s.Value
		if cut := []rune(value); len(cut) > longest {
			value = string(cut[:longest]) + "…"
		}
		text += " = " + value
	}
	if s.Call != "" {
		text += "  (" + s.Call + ")"
	}
	return text
}

// siblings writes which other resources have the same problem: first those that the same change clears.
func (r *Report) siblings(b *strings.Builder, x *Result) error {
	var same, others []string
	for y, err := range r.Results() {
		if err != nil {
			return err
		}
		if y.Rule.ID != x.Rule.ID || !y.Open() || y.Fingerprint() == x.Fingerprint() {
			continue
		}
		m := y.Resource
		line := fmt.Sprintf("%-13s %s  %s", y.Severity, y.Fingerprint()[:8], strings.Join(strings.Fields(name(m)+" "+m.Region+" "+m.Account), " "))
		if m.Account == x.Resource.Account && y.FixKey == x.FixKey {
			same = append(same, line)
		} else {
			others = append(others, line)
		}
	}
	list := func(title string, lines []string) {
		if len(lines) == 0 {
			return
		}
		fmt.Fprintf(b, "%s  %d\n", title, len(lines))
		for i, line := range lines {
			if i == 2*few {
				fmt.Fprintf(b, "  and %d more\n", len(lines)-i)
				break
			}
			fmt.Fprintf(b, "  %s\n", Clean(line))
		}
		b.WriteByte('\n')
	}
	if x.FixKey == "" { // the rule is the fix: each is mended for itself
		list("THE SAME ELSEWHERE", append(same, others...))
		return nil
	}
	list("THE SAME CHANGE CLEARS", same)
	list("THE SAME ELSEWHERE", others)
	return nil
}

// Rule writes the documentation of a rule.
func Rule(w io.Writer, rule *engine.Rule) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n\n", rule.ID, rule.Title)
	writeRule(&b, rule)
	_, err := io.WriteString(w, b.String())
	return err
}

func writeRule(b *strings.Builder, rule *engine.Rule) {
	lines := func(title, text string) {
		if text != "" {
			fmt.Fprintf(b, "%s\n%s\n\n", title, text)
		}
	}
	section := func(title, text string) { lines(title, Indent(text)) }
	code := func(title, text string) {
		if text != "" {
			lines(title, verbatim(text))
		}
	}
	section("WHY", rule.Why)
	section("FIX", rule.Fix.Text)
	code("COMMANDS", rule.Fix.CLI)
	code("TEMPLATE", rule.Fix.IaC)
	section("MAY BREAK", rule.Fix.Breaks)
	section("UNDO", rule.Fix.Undo)
	section("EFFECT", string(rule.Fix.Effect))
	if rule.Check.Params != nil {
		p, _ := json.MarshalIndent(rule.Check.Params, "", "  ")
		code("PARAMETERS  (--param "+rule.ID+".NAME=VALUE)", string(p))
	}
	section("READS", strings.Join(rule.Needs(), "\n"))
	var pillars []string
	for _, p := range rule.Pillars {
		pillars = append(pillars, string(p))
	}
	severity := "severity " + rule.Severity.String()
	if rule.Worst != rule.Severity {
		severity += ", at worst " + rule.Worst.String()
	}
	section("CLASS", fmt.Sprintf("%s, level %s, %s", severity, rule.Level, strings.Join(pillars, ", ")))
}

// Indent wraps a text of a rule at 100 columns, two columns in; commands stay as they are.
func Indent(text string) string {
	var out []string
	for _, p := range engine.Pieces(text) {
		if p.Code {
			out = append(out, verbatim(p.Text))
			continue
		}
		row := " "
		for word := range strings.FieldsSeq(p.Text) {
			if len(row)+1+len(word) > 100 && row != " " {
				out, row = append(out, row), " "
			}
			row += " " + word
		}
		out = append(out, row)
	}
	return strings.Join(out, "\n")
}

// verbatim puts a text two columns in.
func verbatim(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ")
}
