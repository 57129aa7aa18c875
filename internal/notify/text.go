package notify

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"awsscanner/internal/engine"
)

// A Text is a message in words, for people. All of it is in single lines; whoever shows it escapes it.
type Text struct {
	Title    string
	Severity engine.Severity
	Facts    []Fact
	Heading  string // of the lines
	Lines    []string
	Link     string
	Foot     string
}

// A Fact is a value with its name.
type Fact struct{ Name, Value string }

// Text puts a message in words.
func (m *Message) Text() *Text {
	t := &Text{Title: Line(m.Title, 300), Severity: m.Severity, Link: m.Link}
	fact := func(name, value string) {
		if value != "" {
			t.Facts = append(t.Facts, Fact{name, value})
		}
	}
	if m.Scan != nil {
		t.Foot = fmt.Sprintf("scan %s of %s, %s", m.Scan.ID, Line(m.Stream, 100), minute(m.Scan.Started))
	}
	switch m.Kind {
	case OfFindings:
		m.findingsText(t, fact)
	case OfDigest:
		m.digestText(t, fact)
	case OfTest:
		fact("What", "A test of this channel. Nothing has to be done.")
	default:
		if m.Kind == OfFirstScan {
			fact("What", "What is found from now on is told one by one. This is all that there was at the beginning.")
		}
		if m.Kind == OfNewlyAssessed {
			fact("What", "No scan has looked at this before: another rule, version, permission, account or region. It need not be new.")
		}
		if c := m.Coverage; c != nil && c.Cells > 0 {
			fact("Seen", fmt.Sprintf("%d of %d cells (rules in accounts and regions); what could not be seen may hold more", c.Assessed, c.Cells))
		}
		t.Heading = "Worst first"
		for i := range m.Groups {
			g := &m.Groups[i]
			what := fmt.Sprintf("%d", g.Resources)
			if m.Kind == OfStorm {
				what = eventWords(g.Events)
			}
			t.Lines = append(t.Lines, fmt.Sprintf("[%s] %s: %s in %s%s", g.Severity, g.Title, what, g.Account, of(g.Owner)))
		}
		if m.More > 0 {
			t.Lines = append(t.Lines, fmt.Sprintf("and %d more groups", m.More))
		}
	}
	return t
}

func of(owner string) string {
	if owner == "" {
		return ""
	}
	return ", owner " + owner
}

func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func (m *Message) findingsText(t *Text, fact func(name, value string)) {
	if len(m.Findings) == 1 && m.More == 0 {
		f := &m.Findings[0]
		fact("Resource", f.Resource.words())
		fact("Seen", f.Message)
		fact("Owner", cmp.Or(f.Owner, "nobody is named"))
		since := minute(f.Since)
		if f.Was != 0 {
			since += fmt.Sprintf(", %s until now", f.Was)
		}
		fact("Since", since)
		fact("Changed by", f.ChangedBy)
		fact("Ticket", f.Ticket)
		fact("Waived until", f.WaivedUntil)
		t.Link = cmp.Or(f.Link, m.Link)
	} else {
		t.Heading = "Resources"
		for i := range m.Findings {
			f := &m.Findings[i]
			line := fmt.Sprintf("%s: [%s] %s%s, since %s", f.Event, f.Severity, f.Resource.words(), of(f.Owner), minute(f.Since))
			if f.ChangedBy != "" {
				line += ", changed by " + f.ChangedBy
			}
			if f.Ticket != "" {
				line += ", ticket " + f.Ticket
			}
			t.Lines = append(t.Lines, line)
		}
		if m.More > 0 {
			t.Lines = append(t.Lines, fmt.Sprintf("and %d more", m.More))
		}
	}
	fact("Harm", m.Rule.Harm)
	fact("Fix", m.Rule.Fix)
	fact("May break", m.Rule.Breaks)
	fact("Rule", m.Rule.ID)
}

// words names a resource: "data (arn:aws:...), AWS::S3::Bucket in 111122223333, eu-west-1".
func (r *Resource) words() string {
	name := cmp.Or(r.Name, r.ID)
	text := name
	if also := cmp.Or(r.ARN, r.ID); also != name {
		text += " (" + also + ")"
	}
	text += ", " + r.Kind + " in " + r.Account
	if r.Region != "" {
		text += ", " + r.Region
	}
	return text
}

func (m *Message) digestText(t *Text, fact func(name, value string)) {
	d := m.Digest
	t.Foot = fmt.Sprintf("%s to %s", minute(d.From), minute(d.To))
	open := severityWords(d.Open)
	if d.Unseen > 0 {
		open += fmt.Sprintf("; %d of them could not be looked at last", d.Unseen)
	}
	fact("Open", open)
	fact("Opened", severityWords(d.Opened))
	fact("Fixed", severityWords(d.Fixed))
	fact("Regressed", severityWords(d.Regressed))
	if f := d.OldestCritical; f != nil {
		fact("Oldest critical", fmt.Sprintf("%s, since %s: %s", f.Resource.words(), day(f.Since), f.Message))
	}
	if d.WasteUSD > 0 {
		fact("Estimated waste", fmt.Sprintf("%.2f USD a month", d.WasteUSD))
	}
	if len(d.WaiversDue) > 0 {
		t.Heading = "Waivers that end soon"
	}
	for i := range d.WaiversDue {
		f := &d.WaiversDue[i]
		t.Lines = append(t.Lines, fmt.Sprintf("%s: [%s] %s", f.WaivedUntil, f.Severity, f.Resource.words()))
	}
	if d.MoreWaivers > 0 {
		t.Lines = append(t.Lines, fmt.Sprintf("and %d more", d.MoreWaivers))
	}
}

// Plain returns a text as one of several lines.
func (t *Text) Plain() string {
	var b strings.Builder
	b.WriteString(t.Title + "\n")
	for _, f := range t.Facts {
		fmt.Fprintf(&b, "\n%s: %s", f.Name, f.Value)
	}
	if len(t.Lines) > 0 {
		fmt.Fprintf(&b, "\n\n%s:", t.Heading)
		for _, line := range t.Lines {
			b.WriteString("\n- " + line)
		}
	}
	if t.Link != "" {
		b.WriteString("\n\n" + t.Link)
	}
	if t.Foot != "" {
		b.WriteString("\n\n" + t.Foot)
	}
	b.WriteString("\n")
	return b.String()
}
