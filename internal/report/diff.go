package report

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"awsscanner/internal/engine"
)

// DiffSchema names the shape of the JSON of a comparison; docs/diff.schema.json describes it.
const DiffSchema = "scanner.diff/v1"

// DiffFormats lists the formats of a comparison.
var DiffFormats = []string{"table", "json", "markdown"}

// A Diff is what has become of the findings between two scans, the older of which is the baseline of a report.
type Diff struct {
	Schema string               `json:"schema"`
	Old    diffScan             `json:"old"`
	New    diffScan             `json:"new"`
	Counts map[string]int       `json:"counts"` // by change or fate; waived findings are in none but "waived"
	Found  map[Change][]Finding `json:"found"`  // failures of the new scan, but for those that are unchanged
	Gone   map[Fate][]Known     `json:"gone"`   // failures of the old one
	Lost   []Gap                `json:"lost"`   // what the old scan could judge and the new one could not

	several bool // accounts
}

type diffScan struct {
	Scan    string    `json:"scan"`
	Started time.Time `json:"started"`
	Tool    string    `json:"tool"`
}

// Diff gathers what has changed since the baseline of a report. Each list is in the order of severity, the worst first.
func (r *Report) Diff() (*Diff, error) {
	d := &Diff{Schema: DiffSchema, Old: diffScan{r.Baseline.Scan, r.Baseline.Started, r.Baseline.Tool}, New: diffScan{r.ID(), r.Header.Start.UTC(), r.Version},
		Counts: map[string]int{"waived": total(r.Waived)}, Found: map[Change][]Finding{}, Gone: map[Fate][]Known{}, Lost: []Gap{}, several: len(r.Coverage) > 1}
	for _, c := range Changes {
		d.Counts[string(c)] = r.Changes[c]
		if c != Unchanged {
			d.Found[c] = []Finding{}
		}
	}
	for x, err := range r.Results() {
		if err != nil {
			return nil, err
		}
		if x.Open() && x.Change != Unchanged {
			d.Found[x.Change] = append(d.Found[x.Change], x.Finding())
		}
	}
	for _, list := range d.Found {
		slices.SortStableFunc(list, func(a, b Finding) int { return cmp.Compare(b.Severity, a.Severity) })
	}
	for _, fate := range Fates {
		d.Gone[fate] = []Known{}
	}
	for _, g := range r.Gone {
		d.Gone[g.Fate] = append(d.Gone[g.Fate], g.Known)
	}
	for fate, list := range d.Gone {
		d.Counts[string(fate)] = len(list)
		slices.SortStableFunc(list, func(a, b Known) int { return cmp.Compare(b.Severity, a.Severity) })
	}
	for _, g := range r.Gaps {
		if g.Change == Lost {
			d.Lost = append(d.Lost, g)
		}
	}
	return d, nil
}

// diffHeads puts changes and fates in words, in the order in which people want to read them.
var diffHeads = []struct{ key, head, why string }{
	{string(Appeared), "NEW", "the old scan looked and did not find them"},
	{string(Regressed), "REGRESSED", "mended before, and back"},
	{string(Escalated), "ESCALATED", "more severe than before"},
	{string(Fixed), "FIXED", "their place was seen as a whole, and they are not there"},
	{string(NewlyAssessed), "NEWLY ASSESSED", "the old scan did not look: another rule, version, parameter, permission or region"},
	{string(NoLongerAssessed), "NO LONGER ASSESSED", "the new scan could not see them"},
	{string(OutOfScope), "OUT OF SCOPE", "the new scan did not look: other rules, accounts or regions"},
}

// A diffRow is one finding of a comparison as people read it.
type diffRow struct {
	severity                        engine.Severity
	print, rule, name, where, owner string
}

func (d *Diff) rows(key string) (rows []diffRow) {
	row := func(severity engine.Severity, print, rule, id, name, account, region, owner string) {
		rows = append(rows, diffRow{severity, print[:min(8, len(print))], rule, cmp.Or(name, id), strings.TrimSpace(account + " " + region), owner})
	}
	for _, f := range d.Found[Change(key)] {
		row(f.Severity, f.Fingerprint, f.Rule, f.Resource.ID, f.Resource.Name, f.Resource.Account, f.Resource.Region, f.Resource.Owner)
	}
	for _, k := range d.Gone[Fate(key)] {
		row(k.Severity, k.Fingerprint, k.Rule, k.ID, k.Name, k.Account, k.Region, k.Owner)
	}
	return rows
}

func (s diffScan) when() string { return s.Started.UTC().Format("2006-01-02 15:04 UTC") }

// Table writes a comparison for people; a few findings of each sort, or all.
func (d *Diff) Table(w io.Writer, style Style) error {
	t := &table{w: bufio.NewWriter(w), Style: style}
	t.line("from %s to %s", d.Old.when(), d.New.when())
	t.line("")
	for _, h := range diffHeads {
		rows := d.rows(h.key)
		if len(rows) == 0 {
			continue
		}
		t.line("%s  %d: %s", h.head, len(rows), h.why)
		for i, x := range rows {
			if i == few && !t.All {
				t.line("  and %d more: --all", len(rows)-few)
				break
			}
			text := fmt.Sprintf("%-13s %s  %s: %s (%s)", x.severity, x.print, x.rule, x.name, x.where)
			if x.owner != "" && x.owner != UnknownOwner {
				text += ", owner " + x.owner
			}
			t.line("%s", text)
		}
		t.line("")
	}
	if len(d.Lost) > 0 {
		t.line("LOST SIGHT  what the old scan could judge and the new one could not")
		for _, text := range blind(d.Lost, d.several) {
			t.line("  %s", text)
		}
		t.line("")
	}
	t.line("UNCHANGED  %s%s", count(d.Counts[string(Unchanged)], "failure"), d.waived())
	return t.w.Flush()
}

func (d *Diff) waived() string {
	if n := d.Counts["waived"]; n > 0 {
		return fmt.Sprintf("; %d more are waived", n)
	}
	return ""
}

// JSON writes a comparison for programs.
func (d *Diff) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(d)
}

// Markdown writes a comparison for a comment: a few findings of each sort in sight, up to fifty folded away.
func (d *Diff) Markdown(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "### What has changed from %s to %s\n\n", d.Old.when(), d.New.when())
	const most = 50
	for _, h := range diffHeads {
		rows := d.rows(h.key)
		if len(rows) == 0 {
			continue
		}
		fmt.Fprintf(out, "**%s** %d: %s\n\n", h.head, len(rows), h.why)
		for i, x := range rows {
			switch {
			case i == most:
				fmt.Fprintf(out, "- and %d more: `scanner diff --all`\n", len(rows)-most)
			case i == few:
				fmt.Fprintf(out, "\n<details><summary>%d more</summary>\n\n", len(rows)-few)
			}
			if i >= most {
				break
			}
			text := fmt.Sprintf("- %s %s: %s (%s)", x.severity, MarkdownCode(x.rule), MarkdownCode(x.name), MarkdownText(x.where))
			if x.owner != "" && x.owner != UnknownOwner {
				text += ", owner " + MarkdownText(x.owner)
			}
			out.WriteString(text + "\n")
		}
		if len(rows) > few {
			out.WriteString("\n</details>\n")
		}
		out.WriteByte('\n')
	}
	if len(d.Lost) > 0 {
		out.WriteString("**LOST SIGHT** what the old scan could judge and the new one could not\n\n")
		for _, text := range blind(d.Lost, d.several) {
			out.WriteString("- " + MarkdownText(text) + "\n")
		}
		out.WriteByte('\n')
	}
	fmt.Fprintf(out, "%s unchanged%s\n", count(d.Counts[string(Unchanged)], "failure"), d.waived())
	return out.Flush()
}
