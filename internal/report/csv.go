package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Columns are those of the CSV format, in order. Once released none is renamed, moved or removed; new ones come last.
var Columns = []string{"rule", "title", "status", "severity", "pillars", "kind", "id", "arn", "name", "account", "region", "owner", "tags", "message", "evidence",
	"gap_reason", "gap_class", "gap_call", "gap_permissions", "gap_detail", "fix_key", "fix", "fingerprint", "identity", "change",
	"waived_until", "waived_owner", "waived_reason", "waived_ticket", "waived_mitigation", "waived_risk", "waived_source"}

// CSV writes one result a line, as RFC 4180 says, under a line of column names.
func (r *Report) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	out.Write(Columns)
	for x, err := range r.Results() {
		var row []string
		if err == nil {
			row, err = csvRow(&x)
		}
		if err == nil {
			err = out.Write(row)
		}
		if err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func csvRow(x *Result) ([]string, error) {
	f := x.Finding()
	tags, err := json.Marshal(f.Resource.Tags)
	if err != nil {
		return nil, err
	}
	evidence, err := json.Marshal(f.Evidence)
	if err != nil {
		return nil, fmt.Errorf("result of %s on %s: %w", f.Rule, f.Resource.ID, err)
	}
	var gap jsonGap
	if f.Gap != nil {
		gap = *f.Gap
	}
	var key, fix string
	if f.Fix != nil {
		key, fix = f.Fix.Key, x.Rule.Fix.Text
	}
	var waived Waived
	if f.Waived != nil {
		waived = *f.Waived
	}
	pillars := make([]string, len(f.Pillars))
	for i, p := range f.Pillars {
		pillars[i] = string(p)
	}
	m := f.Resource
	row := []string{f.Rule, f.Title, string(f.Status), f.Severity.String(), strings.Join(pillars, " "), string(m.Kind), m.ID, m.ARN, m.Name, m.Account, m.Region, m.Owner, string(tags), f.Message, string(evidence),
		string(gap.Reason), string(gap.Class), gap.Call, strings.Join(gap.Permissions, " "), gap.Detail, key, fix, f.Fingerprint, f.Identity, string(f.Change),
		waived.Expires, waived.Owner, waived.Reason, waived.Ticket, waived.Mitigation, waived.Risk, waived.Source}
	for i := range row {
		row[i] = CSVCell(row[i])
	}
	return row, nil
}
