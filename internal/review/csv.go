package review

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"awsscanner/internal/report"
)

// Columns are those of the CSV format, in order. Once released none is renamed, moved or removed; new ones come last.
var Columns = []string{"workload", "pillar", "question", "question_title", "risk_certain", "risk_possible", "practice", "choice", "title", "level",
	"evidence", "because", "answer", "answered_by", "answered_on", "review_by", "note", "links", "state", "flags", "failing", "rules", "resources", "gaps"}

// CSV writes one practice a line, under a line of column names.
func (v *Review) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	out.Write(Columns)
	v.Practices(func(q *QuestionReview, x *PracticeReview) {
		said := &Told{}
		if x.Said != nil {
			said = x.Said
		}
		var flags, rules, resources, gaps []string
		for _, f := range x.Flags {
			flags = append(flags, string(f))
		}
		for _, t := range x.Rules {
			if t.Fail > 0 {
				rules = append(rules, t.Rule)
			}
		}
		for i, f := range x.Findings {
			if i < mostListed && f.Waived == nil {
				resources = append(resources, f.name())
			}
		}
		for _, g := range x.Gaps {
			gaps = append(gaps, g.Text)
		}
		row := []string{v.Workload.Name, q.Pillar, q.ID, q.Title, string(q.Risk.Lower), string(q.Risk.Upper), x.ID, x.Choice, x.Title, string(x.Level),
			string(x.Evidence), x.Because, string(x.Answer), said.By, said.On, said.ReviewBy, said.Note, strings.Join(said.Links, " "), string(x.State), strings.Join(flags, " "),
			fmt.Sprint(x.Failing), strings.Join(rules, " "), strings.Join(resources, "; "), strings.Join(gaps, "; ")}
		for i := range row {
			row[i] = report.CSVCell(row[i])
		}
		out.Write(row)
	})
	out.Flush()
	return out.Error()
}

// JSON writes the review as programs read it.
func (v *Review) JSON(w io.Writer) error { return writeJSON(w, v) }

// JSON writes the plan as programs read it.
func (p *Plan) JSON(w io.Writer) error { return writeJSON(w, p) }

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(v)
}
