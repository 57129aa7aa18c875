package report

import (
	"encoding/csv"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode"

	"awsscanner/internal/engine"
)

// rowsOf reads CSV, by column.
func rowsOf(t *testing.T, text string) (rows []map[string]string) {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(all[0], Columns) {
		t.Fatalf("the first line is %q", all[0])
	}
	for _, cells := range all[1:] {
		row := map[string]string{}
		for i, c := range cells {
			row[Columns[i]] = c
		}
		rows = append(rows, row)
	}
	return rows
}

func TestCSV(t *testing.T) {
	rule := queueRule("sqs-q", engine.High, engine.Security, engine.Reliability)
	rule.Fix.Text = "Mend it,\nand say \"done\"."
	r := waivedReport(rule)
	written := text(t, r.CSV)
	rows := rowsOf(t, written)
	if len(rows) != 7 || strings.Count(written, "\n") != 8 || strings.Count(written, "\r\n") != 8 || !strings.HasPrefix(written, "rule,title,") {
		t.Errorf("%d results:\n%s", len(rows), written)
	}
	find := func(status, name, region string) map[string]string {
		for _, row := range rows {
			if row["status"] == status && row["name"] == name && row["region"] == region {
				return row
			}
		}
		t.Fatalf("there is no row for %s %s in %s:\n%s", status, name, region, written)
		return nil
	}
	for _, c := range []struct {
		row  map[string]string
		want string // the cells that have something to say, but for keys
	}{
		{find("fail", "bad", "eu-west-1"), `sqs-q|Queues are sqs-q|fail|high|security reliability|AWS::SQS::Queue|https://eu-west-1/bad|arn:aws:sqs:eu-west-1:111122223333:bad|bad|111122223333|eu-west-1|unknown|{}|is bad|{"monthlyCostUSD":1.1}||||||sqs-q|Mend it, and say "done".||||||||`},
		{find("fail", "bad", "us-east-1"), `sqs-q|Queues are sqs-q|fail|medium|security reliability|AWS::SQS::Queue|https://us-east-1/bad|arn:aws:sqs:us-east-1:111122223333:bad|bad|111122223333|us-east-1|unknown|{}|is bad|{"monthlyCostUSD":1.1}||||||sqs-q|Mend it, and say "done".||2026-12-31|shop|until the move|SHOP-1|||waivers.yaml:3`},
		{find("not-assessed", "dark", "us-east-1"), `sqs-q|Queues are sqs-q|not-assessed|low|security reliability|AWS::SQS::Queue|https://us-east-1/dark|arn:aws:sqs:us-east-1:111122223333:dark|dark|111122223333|us-east-1|unknown|{}|sqs:GetQueueAttributes was denied (AccessDenied: no)|{}|access-denied|fixable|sqs:GetQueueAttributes|sqs:GetQueueAttributes|AccessDenied: no||||2026-12-31|shop|until the move|SHOP-1|||waivers.yaml:3`},
		{find("not-assessed", "", "us-west-2"), `sqs-q|Queues are sqs-q|not-assessed|low|security reliability|AWS::SQS::Queue|*|||111122223333|us-west-2|unknown|{}|sqs:ListQueues was throttled to the end (said no in us-west-2)|{}|throttled|fixable|sqs:ListQueues||said no in us-west-2||||||||||`},
		{find("pass", "good", "eu-west-1"), `sqs-q|Queues are sqs-q|pass|low|security reliability|AWS::SQS::Queue|https://eu-west-1/good|arn:aws:sqs:eu-west-1:111122223333:good|good|111122223333|eu-west-1|unknown|{}||{}|||||||||||||||`},
	} {
		var got []string
		for _, column := range Columns {
			if column != "fingerprint" && column != "identity" {
				got = append(got, c.row[column])
			}
		}
		if strings.Join(got, "|") != c.want {
			t.Errorf("the row is\n%s\nwant\n%s", strings.Join(got, "|"), c.want)
		}
		if len(c.row["fingerprint"]) != 32 || len(c.row["identity"]) != 32 {
			t.Errorf("keys %q and %q", c.row["fingerprint"], c.row["identity"])
		}
	}
	x := resultOn(t, r, "bad")
	x.Change = Regressed
	if row, err := csvRow(&x); err != nil || row[slices.Index(Columns, "change")] != "regressed" {
		t.Errorf("%v %q", err, row)
	}
	x.Evidence = map[string]any{"f": func() {}}
	if _, err := csvRow(&x); err == nil {
		t.Error("evidence that JSON does not know is no error")
	}
}

// resultOn returns the first result about a name.
func resultOn(t *testing.T, r *Report, called string) Result {
	t.Helper()
	for x, err := range r.Results() {
		if err == nil && x.Resource.Name == called {
			return x
		}
	}
	t.Fatalf("there is no result about %s", called)
	return Result{}
}

// No cell is a formula, whatever somebody calls his resources.
func TestCSVFormulas(t *testing.T) {
	r := hostileReport()
	written := text(t, r.CSV)
	rows := rowsOf(t, written)
	if len(rows) != 2*len(hostile) || strings.Count(written, "\n") != len(rows)+1 {
		t.Errorf("%d rows in %d lines", len(rows), strings.Count(written, "\n"))
	}
	for _, row := range rows {
		for column, c := range row {
			if trimmed := strings.TrimLeftFunc(c, unicode.IsSpace); trimmed != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(trimmed)[0]) {
				t.Errorf("%s is %q", column, c)
			}
		}
	}
	for in, want := range map[string]string{
		"": "", "a=1": "a=1", "=1": "'=1", "+1": "'+1", "-1": "'-1", "@a": "'@a", "\t=1": "' =1", "\r=1": "' =1", "\n=1": "' =1", " \u00a0-1": "' \u00a0-1", "＝1": "'＝1", "'=1": "'=1",
		"\ufeff=1": "'\ufeff=1", "\u200b-1": "'\u200b-1", "\u200b": "\u200b", "a\r\nb\tc": "a  b c", "\xff": "\ufffd", "{}": "{}",
	} {
		if got := CSVCell(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

// The documentation has the columns there are, in their order.
func TestCSVColumns(t *testing.T) {
	doc, err := os.ReadFile("../../docs/formats.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(doc), "\n## csv\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var listed []string
	for line := range strings.Lines(section) {
		if cells := strings.Split(line, " | "); strings.HasPrefix(line, "| `") {
			for _, c := range strings.Split(strings.Trim(cells[0], "| "), ", ") {
				listed = append(listed, strings.Trim(c, "`"))
			}
		}
	}
	if !slices.Equal(listed, Columns) {
		t.Errorf("docs/formats.md lists\n%q\nthere are\n%q", listed, Columns)
	}
}
