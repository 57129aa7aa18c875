package review

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/rules"
)

// stages is a scan with two components, each with some risks, one of them accepted.
func stages() *told {
	api := map[string]string{"Component": "api", stackTag: "shop-api", "env": "prod", "team": "api-team"}
	mail := map[string]string{"app": "mail", "DataClassification": "confidential"}
	stack := map[string]string{stackTag: "batch"}
	s := scan(
		result("sqs-queue-dead-letter-queue", engine.Failed, "orders", api), result("sqs-queue-dead-letter-queue", engine.Passed, "jobs", api), result("sqs-dlq-empty", engine.Passed, "orders-dlq", api),
		result("sqs-queue-not-public", engine.Failed, "outbox", mail), result("sqs-queue-encrypted", engine.Failed, "outbox", mail),
		result("ec2-instance-imdsv2-required", engine.Failed, "i-1", stack), result("ec2-instance-imdsv2-required", engine.Failed, "waived-i-2", stack),
		result("guardduty-enabled", engine.Failed, "eu-west-1", map[string]string{}), result("cloudwatch-alarm-has-actions", engine.Passed, "alarm", stack),
	)
	for i := range s.results {
		if x := &s.results[i]; x.Rule == "sqs-queue-not-public" {
			x.Severity = engine.Critical
		}
	}
	return s
}

func (s *told) register(t testing.TB, answers string, earlier *Register) *Register {
	t.Helper()
	f := load(t)
	a, err := DecodeAnswers("review.yaml", []byte("version: 1\n"+answers), f, now)
	if err != nil {
		t.Fatal(err)
	}
	all, err := New(f, []*Answers{a}, s.report(t), Options{Now: now, Register: true})
	if err != nil {
		t.Fatal(err)
	}
	r, err := all[0].Register(earlier, a)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// find returns the row about a component whose reference begins so.
func (out *Register) find(t testing.TB, component, reference string) RiskRow {
	t.Helper()
	i := slices.IndexFunc(out.Rows, func(r RiskRow) bool {
		return r[colComponent] == component && strings.HasPrefix(r[colReference], reference)
	})
	if i < 0 {
		t.Fatalf("there is no row %s about %s in %v", reference, component, out.Rows)
	}
	return out.Rows[i]
}

// The columns and grades of the talk's sheet.
func TestRegisterLikeTheSheet(t *testing.T) {
	if got, want := strings.Join(RegisterColumns[:9], ","), "Reference,Component,Risk,Likelihood,Impact,Observation,Mitigation,Runbook action,Notes"; got != want {
		t.Errorf("the columns are %s, want %s", got, want)
	}
	for pair, want := range map[string]string{"HH": "High", "HM": "High", "MH": "High", "HL": "Medium", "MM": "Medium", "LH": "Medium", "ML": "Low", "LM": "Low", "LL": "Low"} {
		of := map[byte]grade{'L': lowGrade, 'M': mediumGrade, 'H': highGrade}
		if got := score(of[pair[0]], of[pair[1]]).String(); got != want {
			t.Errorf("%s is %s, want %s", pair, got, want)
		}
	}
	all, err := dangers()
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	exists := map[string]bool{}
	for i := range rules.All {
		exists[rules.All[i].ID] = true
	}
	for _, d := range all {
		if ids[d.ID] || d.Risk == "" || len(d.Rules) == 0 && !d.Prompt {
			t.Errorf("the risk %s stands twice, or lacks words or rules", d.ID)
		}
		ids[d.ID] = true
		for _, id := range d.Controls {
			if !exists[id] {
				t.Errorf("the risk %s has the control %s, which is no rule", d.ID, id)
			}
		}
	}
	r, err := newRows(rules.All)
	if err != nil {
		t.Fatal(err)
	}
	for i := range rules.All {
		if d := r.of[rules.All[i].ID]; d == nil || d.Risk == "" {
			t.Errorf("%s tells of no risk", rules.All[i].ID)
		}
	}
	for rule, want := range map[string]string{"guardduty-enabled": "R01", "ec2-subnet-free-addresses": "R08", "s3-bucket-no-public-read": "R20", "iam-user-console-mfa": "R21", "iam-root-mfa-enabled": "R01",
		"rds-instance-multi-az": "R29", "kms-key-not-public": "R20", "kms-key-rotation-enabled": "R24", "elasticloadbalancingv2-alb-http-redirects-https": "R25", "ec2-ebs-volume-encrypted": "R26", "ec2-ebs-volume-in-use": "R35"} {
		if got := r.of[rule].ID; got != want {
			t.Errorf("%s tells of %s, want %s", rule, got, want)
		}
	}
}

func TestRegister(t *testing.T) {
	out := stages().register(t, `
workload: {name: shop, environment: staging, owner: shop-team}
defaults: {by: ann, on: 2026-11-20}
answers:
  REL13-BP03: {state: no, note: "planned for spring"}
  REL13-BP01: {state: yes}
waivers:
  - {bp: SEC08-BP02, reason: "no secrets in it", owner: mail-team, until: 2027-03-31, resources: [outbox], risk: "Mails are read", mitigation: "short retention", ticket: MAIL-7}
`, nil)
	check := func(component, reference string, want map[string]string) {
		t.Helper()
		row := out.find(t, component, reference)
		for col, text := range want {
			if row[col] != text {
				t.Errorf("%s of %s: %s is %q, want %q", reference, component, col, row[col], text)
			}
		}
	}
	// Severity low; an alarm with actions makes it less likely, but it is the lowest already; production makes the impact medium.
	check("api", "R30-", map[string]string{colRisk: "Messages or events are lost", colLikelihood: "Low", colImpact: "Medium", colScore: "Low", colOwner: "api-team", colStatus: "open", colManaged: "shop-api", colFirst: "2026-12-01",
		colSeen: "**" + ruleOf("sqs-dlq-empty").Title + "; " + ruleOf("cloudwatch-alarm-has-actions").Title + "**. Missing: " + ruleOf("sqs-queue-dead-letter-queue").Title + " (1): it is orders. Concerns orders."})
	// Open to outsiders: likely; nothing lessens it. Confidential data: high impact.
	check("mail", "R20-", map[string]string{colLikelihood: "High", colImpact: "High", colScore: "High", colOwner: "shop-team", colManaged: "none"})
	// The answers accept it for one of its practices; for others it is open.
	check("mail", "R26-", map[string]string{colStatus: "accepted until 2027-03-31", colRisk: "Mails are read", colMitigation: "short retention", colOwner: "mail-team", colTicket: "MAIL-7", colDue: "2027-03-31",
		colNotes: "accepted by mail-team until 2027-03-31: no secrets in it"})
	check("batch", "R23-", map[string]string{colManaged: "batch"})
	check("AWS account 111122223333", "R01-", map[string]string{colManaged: "none"})
	// What people say is missing.
	check("shop", "REL13-", map[string]string{colRisk: load(t).Question("REL 13").Harm, colLikelihood: "Medium", colImpact: "High", colScore: "High", colNotes: "planned for spring", colPractices: "REL13-BP03",
		colSeen: "**" + load(t).Practice("REL13-BP01").Title + "**. Missing: " + load(t).Practice("REL13-BP03").Title + "."})
	n := 0
	for _, row := range out.Rows {
		if row[colComponent] == "batch" && strings.HasPrefix(row[colReference], "R23-") {
			n++
		}
		if row[colComponent] == "batch" && row[colStatus] == "accepted until 2027-01-31" && (row[colRisk] != "somebody climbs in" || row[colMitigation] != "a guard at the door" || row[colTicket] != "OPS-1") {
			t.Errorf("the waiver is told as %v", row)
		}
	}
	if n != 2 {
		t.Errorf("batch has %d rows of R23, want one that is open and one that is accepted", n)
	}
	prompts := 0
	for _, row := range out.Rows {
		if row[colStatus] == promptStatus {
			prompts++
		}
	}
	if out.Gaps != len(out.Rows)-prompts || prompts == 0 {
		t.Errorf("%d of %d rows lack a runbook action", out.Gaps, len(out.Rows))
	}
}

// Of the usual risks each stands in the register: by what fails, or else as a prompt, which never says that it is mended. What people make of a
// prompt stays.
func TestPrompts(t *testing.T) {
	dark := scan().register(t, "workload: {name: shop, owner: us}", nil)
	if len(dark.Rows) != 10 {
		t.Errorf("%d prompts", len(dark.Rows))
	}
	for _, row := range dark.Rows {
		if row[colStatus] != promptStatus || row[colLikelihood]+row[colImpact]+row[colScore] != "" || row[colSeen] != "No rule has seen anything of it: think about it." || row[colOwner] != "us" {
			t.Errorf("of an empty account the register says %v", row)
		}
	}
	fine := scan(result("ec2-subnet-free-addresses", engine.Passed, "subnet-1", nil)).register(t, "workload: {name: shop}", dark)
	if row := fine.find(t, "shop", "R08-"); row[colSeen] != "**"+ruleOf("ec2-subnet-free-addresses").Title+"**. Nothing fails that a rule sees: think about it." || row[colStatus] != promptStatus {
		t.Errorf("it says %v", row)
	}
	fine.find(t, "shop", "R14-")[colStatus] = "open"
	fine.find(t, "shop", "R14-")[colLikelihood] = "High"
	bad := scan(result("ec2-subnet-free-addresses", engine.Failed, "subnet-1", nil)).register(t, "workload: {name: shop}", fine)
	if row := bad.find(t, "shop", "R08-"); row[colStatus] != "closed 2026-12-01: there is a row of its own" {
		t.Errorf("beside a row of its own it says %v", row)
	}
	if row := bad.find(t, "AWS account "+account, "R08-"); row[colStatus] != "open" {
		t.Errorf("the row of its own is %v", row)
	}
	if row := bad.find(t, "shop", "R14-"); row[colStatus] != "open" || row[colLikelihood] != "High" {
		t.Errorf("what people made of a prompt is lost: %v", row)
	}
	if len(bad.Rows) != 11 {
		t.Errorf("%d rows", len(bad.Rows))
	}
}

// formats of registers: how they are written and read.
var formats = map[string]func(*Register, io.Writer) error{"csv": (*Register).CSV, "markdown": (*Register).Markdown, "xlsx": (*Register).XLSX}

func asFile(t testing.TB, format string, r *Register) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := formats[format](r, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func reread(t testing.TB, format string, data []byte) *Register {
	t.Helper()
	r, err := ReadRegister(format, data)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What people write into a register stays when it is made anew, in every format, whatever the scan says then; the rest follows the scan.
func TestPeoplesEditsStay(t *testing.T) {
	for format := range formats {
		first := stages().register(t, "workload: {name: shop}", nil)
		if again := asFile(t, format, stages().register(t, "workload: {name: shop}", reread(t, format, asFile(t, format, first)))); !bytes.Equal(again, asFile(t, format, first)) {
			t.Errorf("%s: made anew, the register is another:\n%s", format, again)
		}
		mine := reread(t, format, asFile(t, format, first))
		row := mine.find(t, "api", "R30-")
		row[colLikelihood], row[colRunbook], row[colNotes], row[colOwner], row[colStatus], row[colTicket], row[colReference] = "High", "https://wiki.example/r30", "=HYPERLINK(\"x\") | *we* <b>know</b>", "Ann", "in progress", "API-3", "R07"
		row[colSeen] = "we saw it ourselves"
		byHand := RiskRow{colReference: "R99", colComponent: "office", colRisk: "the office burns", colLikelihood: "Low", colImpact: "High", colNotes: "by hand"}
		mine.Rows = append(mine.Rows, byHand)
		mine = reread(t, format, asFile(t, format, mine))

		worse := stages()
		worse.results = append(worse.results, result("sqs-queue-dead-letter-queue", engine.Failed, "mails", map[string]string{"Component": "api", stackTag: "shop-api"}), result("rds-instance-multi-az", engine.Failed, "db", map[string]string{"Component": "api"}))
		next := worse.register(t, "workload: {name: shop}", mine)
		got := next.find(t, "api", "R07")
		for col, want := range map[string]string{colLikelihood: "High", colImpact: "Medium", colScore: "High", colRunbook: "https://wiki.example/r30", colOwner: "Ann", colStatus: "in progress", colTicket: "API-3", colSeen: "we saw it ourselves",
			colNotes: "=HYPERLINK(\"x\") | *we* <b>know</b>", colFirst: "2026-12-01"} {
			if got[col] != want {
				t.Errorf("%s: %s is %q, want %q", format, col, got[col], want)
			}
		}
		if x := next.find(t, "office", "R99"); x[colNotes] != "by hand" || x[colScore] != "Medium" {
			t.Errorf("%s: the row written by hand is %v", format, x)
		}
		if x := next.find(t, "mail", "R20-"); x[colReference] != first.find(t, "mail", "R20-")[colReference] {
			t.Errorf("%s: the reference %s has become %s", format, first.find(t, "mail", "R20-")[colReference], x[colReference])
		}
		next.find(t, "api", "R29-")
		if n := len(next.Rows); n != len(first.Rows)+2 {
			t.Errorf("%s: %d rows after %d", format, n, len(first.Rows))
		}
	}
}

// References are the same without an earlier register, and whatever else is found.
func TestReferencesStay(t *testing.T) {
	a := stages().register(t, "workload: {name: shop}", nil)
	more := stages()
	more.results = append(more.results, result("sqs-queue-dead-letter-queue", engine.Failed, "a", map[string]string{"Component": "aaa"}), result("iam-root-mfa-enabled", engine.Failed, account, map[string]string{}))
	b := more.register(t, "workload: {name: shop}", nil)
	for _, row := range a.Rows {
		same := b.find(t, row[colComponent], row[colReference])
		if same[colKey] != row[colKey] {
			t.Errorf("%s of %s is another", row[colReference], row[colComponent])
		}
	}
}

// No row vanishes: what is not found any more is closed, if somebody has looked.
func TestRowsAreClosed(t *testing.T) {
	first := stages().register(t, "workload: {name: shop}\ndefaults: {by: ann, on: 2026-11-20}\nanswers: {REL13-BP03: {state: no}}", nil)
	later := now.AddDate(0, 1, 0)
	mend := func(s *told) *told {
		s.results = slices.DeleteFunc(s.results, func(x engine.Recorded) bool {
			return x.Rule == "sqs-queue-dead-letter-queue" && x.Status == engine.Failed
		})
		return s
	}
	remake := func(s *told, answers string, earlier *Register) *Register {
		f := load(t)
		a, err := DecodeAnswers("review.yaml", []byte("version: 1\n"+answers), f, later)
		if err != nil {
			t.Fatal(err)
		}
		all, err := New(f, []*Answers{a}, s.report(t), Options{Now: later, Register: true})
		if err != nil {
			t.Fatal(err)
		}
		r, err := all[0].Register(earlier, a)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	earlier := reread(t, "csv", asFile(t, "csv", first))
	mended := remake(mend(stages()), "workload: {name: shop}\ndefaults: {by: ann, on: 2026-11-20}\nanswers: {REL13-BP03: {state: yes}}", earlier)
	if x := mended.find(t, "api", "R30-"); x[colStatus] != "closed 2027-01-01" {
		t.Errorf("what is mended is %s", x[colStatus])
	}
	if x := mended.find(t, "shop", "REL13-"); x[colStatus] != "closed 2027-01-01" {
		t.Errorf("what is answered is %s", x[colStatus])
	}
	if last := mended.Rows[len(mended.Rows)-1]; !strings.HasPrefix(last[colStatus], "closed") {
		t.Errorf("the last row is %s", last[colStatus])
	}
	dark := mend(stages())
	dark.header.Unread = []model.Place{{Account: account, Region: "eu-north-1"}}
	blind := remake(dark, "workload: {name: shop}", earlier)
	if x := blind.find(t, "api", "R30-"); x[colStatus] != "not seen on 2027-01-01: nobody could look everywhere with sqs-queue-dead-letter-queue" {
		t.Errorf("what nobody could look at is %s", x[colStatus])
	}
	if x := blind.find(t, "shop", "REL13-"); x[colStatus] != "not seen on 2027-01-01: nobody says whether REL13-BP03 is in place" || blind.Unread != 2 {
		t.Errorf("what nobody answers is %s, and %d rows are not seen", x[colStatus], blind.Unread)
	}
	// What is closed stays so, and is open again when it comes back.
	again := remake(mend(stages()), "workload: {name: shop}", reread(t, "csv", asFile(t, "csv", mended)))
	if x := again.find(t, "api", "R30-"); x[colStatus] != "closed 2027-01-01" {
		t.Errorf("a month later it is %s", x[colStatus])
	}
	back := remake(stages(), "workload: {name: shop}", reread(t, "csv", asFile(t, "csv", mended)))
	if x := back.find(t, "api", "R30-"); x[colStatus] != "open" || x[colFirst] != "2026-12-01" {
		t.Errorf("what came back is %s since %s", x[colStatus], x[colFirst])
	}
}

// The answers name rows by their references, or the beginning of them.
func TestAnswersNameRows(t *testing.T) {
	out := stages().register(t, "workload: {name: shop}\nregister: {R30: {likelihood: high, impact: high, owner: shop-team, due: 2026-12-15, runbook: \"https://wiki.example/r30\", status: planned, ticket: T-1, notes: n, mitigation: m}}", nil)
	row := out.find(t, "api", "R30-")
	if got := fmt.Sprint(row[colLikelihood], row[colImpact], row[colScore], row[colOwner], row[colDue], row[colRunbook], row[colStatus], row[colTicket], row[colNotes], row[colMitigation]); got != "HighHighHighshop-team2026-12-15https://wiki.example/r30plannedT-1nm" {
		t.Errorf("it is %s", got)
	}
	f := load(t)
	for text, want := range map[string]string{
		"register: {R44: {owner: a}}": "review.yaml: register: there is no row R44: see the column Reference of the register",
		"register: {R23: {owner: a}}": "review.yaml: register: R23 may mean each of R23-",
	} {
		a, err := DecodeAnswers("review.yaml", []byte("version: 1\n"+text), f, now)
		if err != nil {
			t.Fatal(err)
		}
		all, err := New(f, []*Answers{a}, stages().report(t), Options{Now: now, Register: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := all[0].Register(nil, a); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// The sheet of the talk, as somebody has typed it, is taken over: its rows stay, under their references.
func TestTheSheetIsTakenOver(t *testing.T) {
	var sheet strings.Builder
	w := csv.NewWriter(&sheet)
	w.Comma = ';'
	w.Write(RegisterColumns[:9])
	for i := range 14 {
		w.Write([]string{fmt.Sprintf("R%02d", i+1), "API function", fmt.Sprintf("risk %d", i+1), "Medium", "High", "seen", "mend it", "", "kept"})
	}
	w.Flush()
	out := stages().register(t, "workload: {name: shop}", reread(t, "csv", []byte("\ufeff"+sheet.String())))
	for i := range 14 {
		if row := out.find(t, "API function", fmt.Sprintf("R%02d", i+1)); row[colNotes] != "kept" || row[colScore] != "High" {
			t.Errorf("%v", row)
		}
	}
	out.find(t, "api", "R30-")
}

// People break lines in cells: the lines stay lines in each format, through any number of runs, and are no formulas.
func TestLinesOfCellsStay(t *testing.T) {
	const text = "first <br> \\ | line\n=2+2\n- **third**, \"x\"; y"
	for format := range formats {
		mine := stages().register(t, "workload: {name: shop}", nil)
		row := mine.find(t, "api", "R30-")
		row[colNotes], row[colSeen] = text, "seen\n@twice"
		row[colOwner] = "\r\n Ann \u2028 B\x1b\n\n"
		for range 3 {
			mine = stages().register(t, "workload: {name: shop}", reread(t, format, asFile(t, format, mine)))
		}
		row = mine.find(t, "api", "R30-")
		if got := row[colNotes]; got != text && got != strings.ReplaceAll(text, "**", "") {
			t.Errorf("%s: the notes are %q, want %q", format, got, text)
		}
		if row[colSeen] != "seen\n@twice" || row[colOwner] != "Ann B" {
			t.Errorf("%s: %q, %q", format, row[colSeen], row[colOwner])
		}
	}
	s := stages() // what an account says stays on one line
	s.results[0].Message = "one\ntwo"
	for _, row := range s.register(t, "workload: {name: shop}", nil).Rows {
		for col, cell := range row {
			if strings.Contains(cell, "\n") {
				t.Errorf("%s is %q", col, cell)
			}
		}
	}
}

// Spreadsheets save text in other ways than as UTF-8 with commas: what cannot be read letter by letter is refused, as it would be damaged.
func TestAsSpreadsheetsSave(t *testing.T) {
	sheet := "Reference,Component,Risk,Notes\nR1,a,b,M\u00fcller\n"
	for _, sep := range []string{",", ";", "\t"} {
		if r := reread(t, "csv", []byte(strings.ReplaceAll(sheet, ",", sep))); len(r.Rows) != 1 || r.Rows[0][colNotes] != "M\u00fcller" {
			t.Errorf("with %q: %v", sep, r.Rows)
		}
	}
	for text, want := range map[string]string{
		strings.ReplaceAll(sheet, "\u00fc", "\xfc"): "line 2 is not UTF-8: save it as UTF-8, which spreadsheets offer as CSV UTF-8",
		"\xff\xfeR\x00": "it is UTF-16: save it as UTF-8",
		"\xfe\xff\x00R": "it is UTF-16: save it as UTF-8",
	} {
		for _, format := range []string{"csv", "markdown"} {
			if _, err := ReadRegister(format, []byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%s %q: %v", format, text, err)
			}
		}
	}
}

// A spreadsheet that opens a CSV file makes numbers of dates.
func TestDates(t *testing.T) {
	r := reread(t, "csv", []byte("Reference,Component,Risk,Due,First seen,Notes\nR1,a,b,46357,46357.5,46357\nR2,a,b,soon,2026-12-01,\n"))
	if a, b := r.Rows[0], r.Rows[1]; a[colDue] != "2026-12-01" || a[colFirst] != "2026-12-01" || a[colNotes] != "46357" || b[colDue] != "soon" || b[colFirst] != "2026-12-01" {
		t.Errorf("%v", r.Rows)
	}
}

// No cell is a formula, and nothing in a table breaks out of it.
func TestRegisterIsHarmless(t *testing.T) {
	s := scan(func() engine.Recorded {
		x := result("sqs-queue-dead-letter-queue", engine.Failed, hostile, map[string]string{"component": hostile, "owner": "@SUM(A1)", stackTag: "-->|"})
		x.Message = hostile
		return x
	}())
	out := s.register(t, "workload: {name: shop}", nil)
	rows, err := csv.NewReader(bytes.NewReader(asFile(t, "csv", out))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		for i, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
				t.Errorf("%s is a formula: %s", rows[0][i], cell)
			}
		}
	}
	text := string(asFile(t, "markdown", out))
	if strings.Contains(strings.ReplaceAll(text, `\<`, ""), "<img") || strings.ContainsAny(text, "\x1b\u202e") {
		t.Errorf("the Markdown holds %s", text)
	}
	for format := range formats {
		if got, want := reread(t, format, asFile(t, format, out)).Rows[0][colComponent], plainLines(hostile); plainCell(got) != plainCell(want) {
			t.Errorf("%s: the component is read as %q, want %q", format, got, want)
		}
	}
}

func FuzzRegister(f *testing.F) {
	first := stages().register(f, "workload: {name: shop}", nil)
	for format := range formats {
		f.Add(format, asFile(f, format, first))
	}
	f.Add("csv", []byte("Reference,Component,Risk\n\"a"))
	f.Add("markdown", []byte("| Reference | Component | Risk |\n|---|\n| a \\| | <!-- x y --> |"))
	all, err := New(load(f), []*Answers{{}}, stages().report(f), Options{Now: now, Register: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, format string, data []byte) {
		earlier, err := ReadRegister(format, data)
		if err != nil {
			return
		}
		out, err := all[0].Register(earlier, nil)
		if err != nil {
			return
		}
		if len(out.Rows) < len(earlier.Rows) {
			t.Errorf("%d rows of %d", len(out.Rows), len(earlier.Rows))
		}
		for format := range formats {
			if n := len(reread(t, format, asFile(t, format, out)).Rows); n != len(out.Rows) {
				t.Errorf("%s: %d rows of %d", format, n, len(out.Rows))
			}
		}
	})
}
