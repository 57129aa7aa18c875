package report

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"awsscanner/internal/engine"
)

// The findings of a page are JSON in script elements that are no scripts: arrays of rows, chunk by chunk. A row is an array
// of columns in the order of rowOf, without the empty ones at its end; 0 is empty. What rows share is written once: a
// shared column holds either a value, which is new, or the number that the value had among the new ones, from 1 on.
// Neither writing nor reading needs to know how many rows there are.

const (
	rowsInChunk = 5000 // the page reads one at a time, and answers in between
	mostShared  = 4096 // values of a column that are remembered, so that memory is bounded; later ones are written in full
)

// A row writes one finding after the other.
type row struct {
	buf   []byte
	empty int // columns at the end of buf that are empty and not written yet
	err   error
	numbers
}

// numbers are what values of shared columns were given.
type numbers map[string]map[string]int

// begin starts a column.
func (r *row) begin() {
	for ; r.empty > 0; r.empty-- {
		r.buf = append(r.buf, "0,"...)
	}
}

// json adds a value.
func (r *row) json(v any) {
	b, err := inert(v)
	if err != nil {
		r.err = err
	}
	r.begin()
	r.buf = append(append(r.buf, b...), ',')
}

// inert is JSON that no element of a page and no viewer takes for anything else.
func inert(v any) ([]byte, error) {
	b, err := json.Marshal(v) // which escapes <, > and &, and the two separators that JavaScript takes for line ends
	for _, c := range b {
		if c > '~' {
			return escapeControls(b), err
		}
	}
	return b, err
}

func escapeControls(b []byte) []byte {
	out := make([]byte, 0, len(b)+16)
	for _, c := range string(b) {
		if unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c) {
			out = fmt.Appendf(out, "\\u%04x", c)
		} else {
			out = utf8.AppendRune(out, c)
		}
	}
	return out
}

func (r *row) text(s string) {
	if s == "" {
		r.empty++
		return
	}
	r.json(s)
}

// shared adds a value that other rows may have in this column; the key stands for the value.
func (r *row) shared(column, key string, value any) {
	if key == "" {
		r.empty++
		return
	}
	of := r.numbers[column]
	if of == nil {
		of = map[string]int{}
		r.numbers[column] = of
	}
	if n := of[key]; n > 0 {
		r.begin()
		r.buf = append(strconv.AppendInt(r.buf, int64(n), 10), ',')
		return
	}
	if len(of) < mostShared {
		of[key] = len(of) + 1
	}
	r.json(value)
}

func (r *row) sharedText(column, s string) { r.shared(column, s, s) }

// sharedJSON adds a value that is its own key.
func (r *row) sharedJSON(column string, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		r.err = err
		return
	}
	r.shared(column, string(b), v)
}

// data writes the findings: failures and what was not assessed, or what the filter by status picks.
func (p *page) data() error {
	head := struct {
		Accounts   map[string]string `json:"accounts,omitempty"` // names
		Baseline   bool              `json:"baseline,omitempty"`
		MostShared int               `json:"mostShared"`
	}{p.Header.Names, p.Baseline != nil, mostShared}
	b, err := inert(head)
	if err != nil {
		return err
	}
	p.html("<script type=\"application/json\" id=\"head\">%s</script>\n", fragment(b))
	line, n := &row{numbers: numbers{}}, 0
	for x, err := range p.Results() {
		if err != nil {
			return err
		}
		if len(p.Filter.Statuses) == 0 && x.Status != engine.Failed && x.Status != engine.NotAssessed {
			continue
		}
		if line.buf, line.empty = line.buf[:0], 0; n%rowsInChunk == 0 {
			if n > 0 {
				p.html("]</script>\n")
			}
			p.html(`<script type="application/json" class="rows">[`)
		} else {
			line.buf = append(line.buf, ',')
		}
		if p.row(line, &x); line.err != nil {
			return fmt.Errorf("result of %s on %s: %w", x.Rule.ID, x.Resource.ID, line.err)
		}
		n++
		if _, err := p.w.Write(line.buf); err != nil {
			return err
		}
	}
	if n > 0 {
		p.html("]</script>\n")
	}
	return nil
}

// row writes the columns of a result; page.js reads them in the same order.
func (p *page) row(to *row, x *Result) {
	f := x.Finding()
	to.buf = append(to.buf, "\n["...)
	if to.numbers["rule"][f.Rule] > 0 {
		to.shared("rule", f.Rule, nil)
	} else {
		to.shared("rule", f.Rule, p.rule(x.Rule))
	}
	to.sharedText("status", string(f.Status))
	to.sharedText("severity", f.Severity.String())
	to.sharedText("account", f.Resource.Account)
	to.sharedText("region", f.Resource.Region)
	to.sharedText("kind", string(f.Resource.Kind))
	to.sharedText("owner", f.Resource.Owner)
	to.sharedText("message", f.Message)
	to.text(f.Fingerprint)
	to.text(f.Resource.ID)
	to.text(differs(f.Resource.Name, f.Resource.ID))
	to.text(differs(f.Resource.ARN, f.Resource.ID))
	to.text(differs(f.Identity, f.Fingerprint))
	if len(f.Evidence) == 0 {
		to.empty++
		to.empty++
	} else {
		keys, values := make([]string, 0, len(f.Evidence)), make([]any, 0, len(f.Evidence))
		for k := range f.Evidence {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			values = append(values, f.Evidence[k])
		}
		to.sharedJSON("evidence", keys)
		to.json(values)
	}
	if len(f.Resource.Tags) == 0 {
		to.empty++
	} else {
		to.sharedJSON("tags", f.Resource.Tags)
	}
	if f.Fix == nil {
		to.empty++
	} else {
		to.sharedText("fix", differs(f.Fix.Key, f.Rule))
	}
	if g := f.Gap; g == nil {
		to.empty++
	} else {
		to.sharedJSON("gap", pageGap{string(g.Reason), string(g.Class), g.Call, g.Detail, advice(g.Reason, g.Permissions)})
	}
	if f.Waived == nil {
		to.empty++
	} else {
		to.sharedJSON("waived", f.Waived)
	}
	to.sharedText("change", string(f.Change))
	to.buf[len(to.buf)-1] = ']' // in place of the last comma
}

// differs returns a text unless another column has it already.
func differs(text, other string) string {
	if text == other {
		return ""
	}
	return text
}

type pageGap struct {
	Reason string `json:"reason"`
	Class  string `json:"class"`
	Call   string `json:"call,omitempty"`
	Detail string `json:"detail,omitempty"`
	Advice string `json:"advice"`
}

type pageRule struct {
	ID           string          `json:"id"`
	Title        string          `json:"title"`
	Service      string          `json:"service"`
	Preview      bool            `json:"preview,omitempty"`
	Pillars      []engine.Pillar `json:"pillars"`
	Why          string          `json:"why"`
	Fix          []pageText      `json:"fix"`
	Effect       engine.Effect   `json:"effect"`
	Requirements []string        `json:"requirements,omitempty"` // of the frameworks that were asked for
}

// A pageText is a piece of the description of a fix: prose or code under a heading.
type pageText struct {
	Heading string `json:"heading,omitempty"`
	Prose   string `json:"prose,omitempty"`
	Code    string `json:"code,omitempty"`
}

// rule says of a rule what all its findings share.
func (p *page) rule(r *engine.Rule) pageRule {
	out := pageRule{ID: r.ID, Title: r.Title, Service: r.Service(), Preview: r.Preview, Pillars: r.Pillars, Why: r.Why, Effect: r.Fix.Effect}
	out.Fix = append(out.Fix, pieces("", r.Fix.Text)...)
	if r.Fix.CLI != "" {
		out.Fix = append(out.Fix, pageText{Heading: "Commands", Code: strings.TrimRight(r.Fix.CLI, "\n")})
	}
	if r.Fix.IaC != "" {
		out.Fix = append(out.Fix, pageText{Heading: "Template", Code: strings.TrimRight(r.Fix.IaC, "\n")})
	}
	out.Fix = append(out.Fix, pieces("May break", r.Fix.Breaks)...)
	out.Fix = append(out.Fix, pieces("Undo", r.Fix.Undo)...)
	for _, f := range p.Frameworks {
		for _, id := range f.Of(r.ID) {
			out.Requirements = append(out.Requirements, f.Name()+" "+id)
		}
	}
	return out
}

// pieces puts a text under a heading, commands apart from prose.
func pieces(heading, text string) (out []pageText) {
	for _, p := range engine.Pieces(text) {
		if p.Code {
			out = append(out, pageText{Code: p.Text})
		} else {
			out = append(out, pageText{Prose: p.Text})
		}
	}
	if len(out) > 0 {
		out[0].Heading = heading
	}
	return out
}
