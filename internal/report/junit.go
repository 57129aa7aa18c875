package report

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// JUnit writes results as test cases, with a suite for each pillar. A rule of several pillars is in the suite of its first only.
// A suite tells its sums before its cases, so that all is judged twice: once for the sums of all suites, once suite by suite.
func (r *Report) JUnit(w io.Writer) error {
	suites := map[engine.Pillar][]engine.Rule{}
	for _, rule := range r.Rules {
		suites[rule.Pillars[0]] = append(suites[rule.Pillars[0]], rule)
	}
	type sums struct{ tests, failures, skipped int }
	of := map[engine.Pillar]*sums{}
	for p := range suites {
		of[p] = &sums{}
	}
	for x, err := range r.Results() {
		if err != nil {
			return err
		}
		n := of[x.Rule.Pillars[0]]
		n.tests++
		switch {
		case x.Open():
			n.failures++
		case x.Status != engine.Passed:
			n.skipped++
		}
	}
	out := bufio.NewWriterSize(w, 1<<16)
	out.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n")
	id := 0
	for _, p := range engine.Pillars {
		if suites[p] == nil {
			continue
		}
		n := of[p]
		fmt.Fprintf(out, "<testsuite name=\"%s\" package=\"scanner\" id=\"%d\" tests=\"%d\" failures=\"%d\" errors=\"0\" skipped=\"%d\" time=\"0\" timestamp=\"%s\" hostname=\"%s\">\n",
			p, id, n.tests, n.failures, n.skipped, r.Header.Start.UTC().Format("2006-01-02T15:04:05"), xmlLine(cmp.Or(r.Header.Partition, "aws")))
		id++
		out.WriteString("<properties>\n")
		for _, property := range [][2]string{{"scanner", r.Version}, {"scan", r.ID()}, {"caller", r.Header.Caller}, {"accounts", strings.Join(r.Accounts(), " ")}, {"regions", strings.Join(r.Regions(), " ")}} {
			fmt.Fprintf(out, "<property name=\"%s\" value=\"%s\"/>\n", property[0], xmlLine(property[1]))
		}
		out.WriteString("</properties>\n")
		for x, err := range r.anew(suites[p], r.Filter.lists) {
			if err == nil {
				err = writeCase(out, &x)
			}
			if err != nil {
				return err
			}
		}
		out.WriteString("<system-out></system-out>\n<system-err></system-err>\n</testsuite>\n")
	}
	out.WriteString("</testsuites>\n")
	return out.Flush()
}

// writeCase writes a result as a test case. Its name is the same in every scan, and no other case of the rule has it.
func writeCase(out *bufio.Writer, x *Result) error {
	m := x.Resource
	names := slices.DeleteFunc([]string{name(m), m.Region, m.Account, x.Fingerprint()[:12]}, func(s string) bool { return s == "" })
	names = slices.Compact(names) // an account and a region are called as they are
	fmt.Fprintf(out, "<testcase classname=\"%s\" name=\"%s\" time=\"0\"", xmlLine(x.Rule.ID), xmlLine(strings.Join(names, " ")))
	if x.Status == engine.Passed {
		_, err := out.WriteString("/>\n")
		return err
	}
	element, kind, message := "skipped", string(x.Status), ""
	switch {
	case x.Open():
		element, kind, message = "failure", x.Severity.String(), x.Message
		if x.Change != "" && x.Change != Unchanged {
			message = string(x.Change) + ": " + message
		}
	case x.Waived != nil:
		kind, message = "waived", fmt.Sprintf("waived until %s by %s: %s", x.Waived.Expires, x.Waived.Owner, x.Waived.Reason)
	case x.Gap != nil:
		message = fmt.Sprintf("not assessed, %s: %s", x.Gap.Reason, x.Message)
		if grant := remedy(x.Gap); grant != "" {
			message = fmt.Sprintf("not assessed, %s: grant %s", x.Gap.Reason, grant)
		}
	default:
		message = "not applicable: " + x.Message
	}
	fmt.Fprintf(out, "><%s type=\"%s\" message=\"%s\">", element, kind, xmlLine(message))
	if x.Status != engine.Inapplicable {
		text, err := caseText(x)
		if err != nil {
			return err
		}
		out.WriteString(text)
	}
	_, err := fmt.Fprintf(out, "</%s></testcase>\n", element)
	return err
}

// caseText is what a failure or a gap has to say: of GitLab's pages, this is all that people see.
func caseText(x *Result) (string, error) {
	var b strings.Builder
	b.WriteByte('\n')
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, strings.ReplaceAll(xmlLine(value), "&#34;", `"`))
		}
	}
	m := x.Resource
	if x.Status == engine.Failed {
		field(x.Severity.String(), x.Message)
	} else {
		field("not assessed", x.Message)
		field("grant", remedy(x.Gap))
	}
	field("resource", strings.Join([]string{string(x.Kind()), m.ID}, " "))
	if m.ARN != m.ID {
		field("arn", m.ARN)
	}
	field("owner", x.Team)
	field("change", string(x.Change))
	if w := x.Waived; w != nil {
		field("waived until", w.Expires)
		field("waived by", w.Owner)
		field("reason", w.Reason)
		field("ticket", w.Ticket)
		field("waiver", w.Source)
	}
	for _, k := range slices.Sorted(maps.Keys(x.Evidence)) {
		v, err := json.Marshal(x.Evidence[k])
		if err != nil {
			return "", fmt.Errorf("result of %s on %s: %w", x.Rule.ID, m.ID, err)
		}
		field("evidence", k+" = "+string(v))
	}
	if x.Status == engine.Failed {
		field("fix", x.Rule.Fix.Text)
	}
	field("fingerprint", x.Fingerprint())
	return b.String(), nil
}

// remedy says what to grant so that a gap closes; "" if that is not up to those who scan.
func remedy(g *model.Gap) string {
	actions := strings.Join(ToGrant(g), ", ")
	switch {
	case actions == "" || g.Reason.Class() == model.Structural:
		return ""
	case g.Reason == model.AccessDeniedResource:
		return actions + " in the policy of the resource"
	}
	return actions
}

// xmlLine makes one line of a text, for an attribute or an element. Characters that XML does not allow are dropped, and those that
// turn the direction of writing.
func xmlLine(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for i, c := range text {
		switch {
		case c >= ' ' && c <= '~' && c != '&' && c != '<' && c != '>' && c != '"':
			b.WriteByte(byte(c))
		case c == '&':
			b.WriteString("&amp;")
		case c == '<':
			b.WriteString("&lt;")
		case c == '>':
			b.WriteString("&gt;")
		case c == '"':
			b.WriteString("&#34;")
		case c == '\n' || c == '\r' || c == '\t' || unicode.In(c, unicode.Zl, unicode.Zp):
			b.WriteByte(' ')
		case c == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd"): // no UTF-8
		case unicode.IsControl(c) || c == 0xfffe || c == 0xffff || unicode.Is(unicode.Bidi_Control, c):
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}
