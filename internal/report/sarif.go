package report

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// sarifMost is how many results GitHub shows of a run: of more it would take some, and nobody would be told which.
// Source: GitHub Docs, "SARIF results exceed one or more limits".
const sarifMost = 5000

type (
	sarifText struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifDescriptor struct {
		ID            string         `json:"id"`
		Name          string         `json:"name,omitempty"`
		DeprecatedIDs []string       `json:"deprecatedIds,omitempty"`
		Short         sarifText      `json:"shortDescription"`
		Full          *sarifText     `json:"fullDescription,omitempty"`
		Help          *sarifText     `json:"help,omitempty"`
		Default       sarifLevel     `json:"defaultConfiguration"`
		Properties    map[string]any `json:"properties,omitempty"`
	}
	sarifLevel struct {
		Level string `json:"level"`
	}
	sarifReference struct {
		ID    string `json:"id"`
		Index int    `json:"index"`
	}
	sarifNotification struct {
		Descriptor sarifReference `json:"descriptor"`
		Level      string         `json:"level"`
		Message    sarifText      `json:"message"`
		Properties map[string]any `json:"properties,omitempty"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		Started       string              `json:"startTimeUtc"`
		Ended         string              `json:"endTimeUtc"`
		Notifications []sarifNotification `json:"toolExecutionNotifications"`
	}
	sarifDriver struct {
		Name          string            `json:"name"`
		Version       string            `json:"version"`
		Short         sarifText         `json:"shortDescription"`
		Rules         []sarifDescriptor `json:"rules"`
		Notifications []sarifDescriptor `json:"notifications"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifAutomation struct {
		ID string `json:"id"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Automation  sarifAutomation   `json:"automationDetails"`
		Invocations []sarifInvocation `json:"invocations"`
		ColumnKind  string            `json:"columnKind"`
		Properties  map[string]any    `json:"properties"`
	}
	sarifLog struct {
		Schema  string `json:"$schema"`
		Version string `json:"version"`
	}
	sarifSuppression struct {
		Kind          string         `json:"kind"`
		Status        string         `json:"status"`
		Justification string         `json:"justification"`
		Properties    map[string]any `json:"properties,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifLogical struct {
		Name string `json:"name"`
		Full string `json:"fullyQualifiedName"`
		Kind string `json:"kind"`
	}
	sarifLocation struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations"`
	}
	sarifResult struct {
		RuleID       string             `json:"ruleId"`
		RuleIndex    int                `json:"ruleIndex"`
		Level        string             `json:"level"`
		Message      sarifText          `json:"message"`
		Locations    []sarifLocation    `json:"locations"`
		Fingerprints map[string]string  `json:"partialFingerprints"`
		Suppressions []sarifSuppression `json:"suppressions,omitempty"`
		Baseline     string             `json:"baselineState,omitempty"`
		Properties   map[string]any     `json:"properties"`
	}
)

// SARIF writes failures as one SARIF 2.1.0 run: those that nobody has accepted first of all, the worst of them, and of all no more than GitHub
// shows. What could not be assessed is no result but a notification, as GitHub makes an alert of every result.
func (r *Report) SARIF(w io.Writer) error { return r.sarif(w, sarifMost) }

func (r *Report) sarif(w io.Writer, most int) error {
	// How many of each sort there is room for: sums tell how many there are, so that none has to be kept.
	type sort struct {
		waived   bool
		severity engine.Severity
	}
	room, left := map[sort]int{}, 0
	if len(r.Filter.Statuses) == 0 || slices.Contains(r.Filter.Statuses, engine.Failed) {
		free := most
		for _, waived := range []bool{false, true} {
			for s := engine.Critical; s >= engine.Informational; s-- {
				n := r.Failures[s]
				if waived {
					n = r.Waived[s]
				}
				take := min(n, free)
				room[sort{waived, s}], free, left = take, free-take, left+n-take
			}
		}
	}

	head, err := json.Marshal(sarifLog{Schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json", Version: "2.1.0"})
	if err != nil {
		return err
	}
	run, err := json.Marshal(r.sarifRun(left))
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 1<<16)
	out.Write(head[:len(head)-1])
	out.WriteString(`,"runs":[`)
	out.Write(visible(run[:len(run)-1]))
	out.WriteString(`,"results":[`)
	index := map[string]int{}
	for i := range r.Rules {
		index[r.Rules[i].ID] = i
	}
	separator := "\n"
	for x, err := range r.Results() {
		if err != nil {
			return err
		}
		of := sort{x.Waived != nil, x.Severity}
		if x.Status != engine.Failed || room[of] == 0 {
			continue
		}
		room[of]--
		b, err := json.Marshal(r.sarifResult(&x, index[x.Rule.ID]))
		if err != nil {
			return fmt.Errorf("result of %s on %s: %w", x.Rule.ID, x.Resource.ID, err)
		}
		out.WriteString(separator)
		if _, err := out.Write(visible(b)); err != nil {
			return err
		}
		separator = ",\n"
	}
	out.WriteString("\n]}]}\n")
	return out.Flush()
}

// visible writes control characters, and those that turn the direction of writing, as escapes: who looks at a JSON text in a terminal or viewer shall see it as it
// is, and who reads it as JSON get the same.
func visible(text []byte) []byte {
	i := 0
	for i < len(text) && text[i] < 0x7f { // most texts have nothing else, and decoding takes time
		i++
	}
	if !bytes.ContainsFunc(text[i:], invisible) {
		return text
	}
	var b bytes.Buffer
	for _, c := range string(text) { // JSON has them in strings only
		if invisible(c) {
			fmt.Fprintf(&b, `\u%04x`, c)
		} else {
			b.WriteRune(c)
		}
	}
	return b.Bytes()
}

func invisible(c rune) bool {
	return c >= 0x7f && (unicode.IsControl(c) || unicode.In(c, unicode.Bidi_Control, unicode.Zl, unicode.Zp))
}

// sarifRun is all of the run but its results. So many of these are left out.
func (r *Report) sarifRun(left int) *sarifRun {
	run := &sarifRun{ColumnKind: "utf16CodeUnits", Automation: sarifAutomation{r.sarifCategory() + r.ID()},
		Properties: map[string]any{"scan": r.ID(), "accounts": r.Accounts(), "regions": r.Regions(), "cells": r.Cells, "cellsAssessed": r.Cells - r.Blind}}
	driver := &run.Tool.Driver
	*driver = sarifDriver{Name: "scanner", Version: r.Version, Short: sarifText{Text: "Judges the configuration of AWS accounts by the pillars of the Well-Architected Framework"},
		Rules: []sarifDescriptor{}, Notifications: []sarifDescriptor{}}
	for i := range r.Rules {
		driver.Rules = append(driver.Rules, r.sarifRule(&r.Rules[i]))
	}
	n := sarifInvocation{Successful: !r.Nothing(), Started: sarifTime(r.Header.Start), Ended: sarifTime(r.Scan.Finished), Notifications: []sarifNotification{}}
	if r.Scan.Finished.Before(r.Header.Start) { // a scan that did not end
		n.Ended = n.Started
	}
	notify := func(id, what, level string, text string, properties map[string]any) {
		i := slices.IndexFunc(driver.Notifications, func(d sarifDescriptor) bool { return d.ID == id })
		if i < 0 {
			i = len(driver.Notifications)
			driver.Notifications = append(driver.Notifications, sarifDescriptor{ID: id, Name: pascal(id), Short: sarifText{Text: what}, Default: sarifLevel{level}})
		}
		n.Notifications = append(n.Notifications, sarifNotification{Descriptor: sarifReference{id, i}, Level: level, Message: sarifText{Text: Clean(text)}, Properties: properties})
	}
	if left > 0 {
		notify("results-left-out", "There are more failures than a run shows", "warning",
			fmt.Sprintf("%s left out: this file has the %d worst, as many as GitHub shows. Narrow the scan, or read the whole with -o json.", count(left, "failure"), sarifMost), map[string]any{"results": left})
	}
	for _, g := range r.sarifGaps() {
		level := "warning"
		switch {
		case r.Nothing():
			level = "error"
		case g.rank() > 0:
			level = "note"
		}
		notify(string(g.reason), "Something could not be assessed: "+string(g.reason), level, g.text(), g.properties())
	}
	if skipped := r.notRead(); len(skipped) > 0 {
		notify("not-read", "Accounts or regions were not read", "note", "Not read, so that nothing is said of them: "+someOf(skipped)+".", map[string]any{"places": skipped})
	}
	run.Invocations = []sarifInvocation{n}
	return run
}

// sarifCategory is what GitHub tells analyses apart by: a new one replaces the alerts of the one before of its category.
func (r *Report) sarifCategory() string {
	name := "none"
	switch accounts := r.Accounts(); {
	case len(accounts) == 1:
		name = accounts[0]
	case len(accounts) > 1: // which ones there are changes from scan to scan, who reads them does not
		name = "several"
		if arn, ok := model.ParseARN(r.Header.Caller); ok {
			name = arn.Account + "-and-others"
		}
	}
	return "scanner/" + cmp.Or(r.Header.Partition, "aws") + "/" + name + "/"
}

// notRead lists places that the scan left out.
func (r *Report) notRead() (places []string) {
	place := func(p model.Place, why string) {
		where := "region " + p.Region + " of account " + p.Account
		switch p.Region {
		case "":
			where = "account " + p.Account
		case model.AnyRegion:
			where = "any other region of account " + p.Account
		}
		if why != "" {
			where += " (" + why + ")"
		}
		places = append(places, Clean(where))
	}
	for _, p := range r.Header.Unread {
		place(p, "")
	}
	for _, s := range r.Header.Skipped {
		place(s.Place, cmp.Or(s.Why, string(s.Reason)))
	}
	return places
}

// someOf joins up to three words and says how many more there are.
func someOf(words []string) string {
	if len(words) <= 3 {
		return strings.Join(words, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(words[:3], ", "), len(words)-3)
}

func sarifTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// A sarifGap is the gaps of one cause, wherever they are.
type sarifGap struct {
	call        string
	reason      model.Reason
	class       model.Class
	permissions []string
	detail      string
	waived      bool
	resources   int
	accounts    map[string]bool
	regions     map[string]bool
	rules       map[string]bool
}

// sarifGaps groups gaps by their cause: an organization may have hundreds of thousands of places to name.
func (r *Report) sarifGaps() (all []*sarifGap) {
	type cause struct {
		call   string
		reason model.Reason
		waived bool
	}
	byCause := map[cause]*sarifGap{}
	for i := range r.Gaps {
		g := &r.Gaps[i]
		k := cause{g.Call, g.Reason, g.Waived}
		x := byCause[k]
		if x == nil {
			x = &sarifGap{call: g.Call, reason: g.Reason, class: g.Class, permissions: g.Permissions, detail: g.Detail, waived: g.Waived,
				accounts: map[string]bool{}, regions: map[string]bool{}, rules: map[string]bool{}}
			byCause[k], all = x, append(all, x)
		}
		x.resources += g.Resources
		x.accounts[g.Account] = true
		if g.Region != "" {
			x.regions[g.Region] = true
		}
		for _, rule := range g.Rules {
			x.rules[rule] = true
		}
	}
	slices.SortStableFunc(all, func(a, b *sarifGap) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(len(b.rules), len(a.rules)), cmp.Compare(a.call, b.call), cmp.Compare(a.reason, b.reason))
	})
	return all
}

// rank puts what somebody can mend first.
func (g *sarifGap) rank() int {
	switch {
	case g.waived:
		return 2
	case g.class == model.Structural:
		return 1
	}
	return 0
}

func (g *sarifGap) text() string {
	what := g.call
	switch g.call {
	case "":
		what = "What rules need"
	case allCalls:
		what = "The whole region"
	}
	where := someOf(slices.Sorted(maps.Keys(g.accounts)))
	text := fmt.Sprintf("%s could not be read (%s) in account %s", what, g.reason, where)
	if len(g.regions) > 0 {
		text += ", region " + strings.ReplaceAll(someOf(slices.Sorted(maps.Keys(g.regions))), model.AnyRegion, "any other")
	}
	text += fmt.Sprintf(": %s cannot judge there", count(len(g.rules), "rule"))
	if g.detail != "" {
		text += " (" + g.detail + ")"
	}
	switch {
	case g.waived:
		text += ". It is waived."
	case len(g.permissions) > 0 && g.class == model.Fixable:
		text += ". Grant " + strings.Join(g.permissions, ", ") + "."
	case g.class == model.Fixable:
		text += ". Repeat the scan when it succeeds."
	default:
		text += ". The reason is structural."
	}
	return text
}

func (g *sarifGap) properties() map[string]any {
	return map[string]any{"call": g.call, "reason": g.reason, "class": g.class, "permissions": g.permissions, "resources": g.resources, "waived": g.waived,
		"accounts": slices.Sorted(maps.Keys(g.accounts)), "regions": slices.Sorted(maps.Keys(g.regions)), "rules": slices.Sorted(maps.Keys(g.rules))}
}

// sarifScore is a severity on the scale of CVSS, in the middle of the band that GitHub calls by the same name. Source: GitHub Docs, "SARIF support
// for code scanning", security-severity.
var sarifScore = map[engine.Severity]string{engine.Critical: "9.5", engine.High: "8.0", engine.Medium: "5.5", engine.Low: "3.0", engine.Informational: "0.0"}

func levelOf(s engine.Severity) string {
	switch s {
	case engine.Critical, engine.High:
		return "error"
	case engine.Medium:
		return "warning"
	}
	return "note"
}

// sarifRule describes a rule. GitHub knows the severity of rules only, not of results: it is that of the worst failure here, so that none looks
// better than it is.
func (r *Report) sarifRule(rule *engine.Rule) sarifDescriptor {
	severity := cmp.Or(r.Worst[rule.ID], rule.Severity)
	tags := []string{string(engine.Security)} // without it GitHub shows no severity
	for _, p := range rule.Pillars {
		if p != engine.Security {
			tags = append(tags, string(p))
		}
	}
	return sarifDescriptor{ID: rule.ID, Name: pascal(rule.ID), DeprecatedIDs: rule.Formerly, Short: sarifText{Text: rule.Title}, Full: &sarifText{Text: cmp.Or(rule.Why, rule.Title)},
		Help: &sarifText{Text: helpText(rule), Markdown: helpMarkdown(rule)}, Default: sarifLevel{levelOf(rule.Severity)},
		Properties: map[string]any{"tags": append(tags, rule.Service()), "security-severity": sarifScore[severity], "pillars": rule.Pillars, "level": rule.Level,
			"severity": rule.Severity.String(), "worst": rule.Worst.String()}}
}

// pascal turns sqs-queue-encrypted into SqsQueueEncrypted.
func pascal(id string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(id, "-") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

// helpParts are what a rule tells, in order.
func helpParts(rule *engine.Rule) [][2]string {
	return [][2]string{{"Why", rule.Why}, {"Fix", rule.Fix.Text}, {"Commands", rule.Fix.CLI}, {"Template", rule.Fix.IaC}, {"May break", rule.Fix.Breaks}, {"Undo", rule.Fix.Undo},
		{"Effect", string(rule.Fix.Effect)}}
}

func helpText(rule *engine.Rule) string {
	var out []string
	for _, part := range helpParts(rule) {
		if part[1] != "" {
			out = append(out, part[0]+": "+part[1])
		}
	}
	return cmp.Or(strings.Join(out, "\n\n"), rule.Title)
}

func helpMarkdown(rule *engine.Rule) string {
	var out []string
	for _, part := range helpParts(rule) {
		switch name, text := part[0], part[1]; {
		case text == "":
		case name == "Commands" || name == "Template":
			out = append(out, "**"+name+"**", Fenced("", text))
		default: // paragraphs, and commands between them
			out = append(out, "**"+name+"**")
			for _, p := range engine.Pieces(text) {
				if p.Code {
					out = append(out, Fenced("", p.Text))
				} else {
					out = append(out, plainMarkdown.Replace(p.Text))
				}
			}
		}
	}
	return strings.Join(out, "\n\n")
}

// plainMarkdown makes text of what would mean something in Markdown.
var plainMarkdown = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`, "&", `\&`)

// sarifPlain makes text of what would be a link in a message: SARIF 2.1.0, section 3.11.6.
var sarifPlain = strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`)

func (r *Report) sarifResult(x *Result, rule int) *sarifResult {
	m := x.Resource
	f := x.Finding()
	where := m.Account
	if m.Region != "" {
		where += ", " + m.Region
	}
	out := &sarifResult{RuleID: x.Rule.ID, RuleIndex: rule, Level: levelOf(x.Severity),
		Message:   sarifText{Text: sarifPlain.Replace(Clean(fmt.Sprintf("%s (%s): %s", name(m), where, cmp.Or(x.Message, x.Rule.Title))))},
		Locations: []sarifLocation{r.sarifLocation(x)},
		// GitHub looks at the first one alone, and only within a file and a rule. It is the identity, as one alert shall go on when its resource is replaced.
		Fingerprints: map[string]string{"primaryLocationLineHash": f.Identity + ":1", "scannerFingerprint/v1": f.Fingerprint, "scannerIdentity/v1": f.Identity},
		Properties: map[string]any{"security-severity": sarifScore[x.Severity], "severity": x.Severity.String(), "pillars": f.Pillars, "resource": f.Resource,
			"evidence": f.Evidence, "fix": f.Fix}}
	switch x.Change {
	case "":
	case Unchanged:
		out.Baseline = "unchanged"
	case Escalated:
		out.Baseline = "updated"
	default: // it was not among the results of that scan, whatever the reason
		out.Baseline = "new"
	}
	if x.Change != "" {
		out.Properties["change"] = x.Change
	}
	if wv := x.Waived; wv != nil {
		s := sarifSuppression{Kind: "external", Status: "accepted", Justification: Clean(cmp.Or(wv.Reason, "waived")), Properties: map[string]any{}}
		for name, value := range map[string]string{"owner": wv.Owner, "expires": wv.Expires, "mitigation": wv.Mitigation, "risk": wv.Risk, "ticket": wv.Ticket, "source": wv.Source} {
			if value != "" {
				s.Properties[name] = value
			}
		}
		out.Suppressions = []sarifSuppression{s}
	}
	return out
}

// sarifLocation is the place of a resource in the repository, if a source map knows its stack. GitHub takes no result without a file: else it is a
// path that says where the resource is.
func (r *Report) sarifLocation(x *Result) sarifLocation {
	m := x.Resource
	tags := x.Tags()
	if tags["aws:cloudformation:stack-name"] == "" {
		tags, _ = x.KnownTags()
	}
	file, line, ok := r.Sources.Find(m.Account, m.Region, tags["aws:cloudformation:stack-name"], tags["aws:cloudformation:logical-id"])
	if !ok {
		file, line = strings.Join([]string{"aws", m.Account, cmp.Or(m.Region, "global"), x.Rule.Service()}, "/"), 1
	}
	segments := strings.Split(file, "/")
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	return sarifLocation{Physical: sarifPhysical{sarifArtifact{strings.Join(segments, "/")}, sarifRegion{line}},
		Logical: []sarifLogical{{Name: Clean(name(m)), Full: Clean(cmp.Or(m.ARN, string(x.Kind())+"/"+m.ID)), Kind: "resource"}}}
}
