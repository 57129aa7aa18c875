package review

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"awsscanner/internal/report"
	"awsscanner/internal/suggest"
	"awsscanner/internal/xlsx"
)

// CSV writes a register as spreadsheets read it. What is in place stands between ** there.
func (out *Register) CSV(w io.Writer) error {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	c.Write(RegisterColumns)
	for _, row := range out.Rows {
		var cells []string
		for _, col := range RegisterColumns {
			cells = append(cells, eachLine(keptLines(row[col]), "\n", report.CSVCell))
		}
		c.Write(cells)
	}
	c.Flush()
	return c.Error()
}

// keptLines keeps the lines of a text, without what nobody sees.
func keptLines(text string) string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	return strings.Trim(eachLine(text, "\n", plainLines), "\n")
}

// eachLine does something to each line of a text, and joins them.
func eachLine(text, with string, do func(string) string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = do(lines[i])
	}
	return strings.Join(lines, with)
}

// plainLines makes one line of a text.
func plainLines(text string) string { return strings.Join(strings.Fields(report.Clean(text)), " ") }

// widths are those of the columns of a sheet, in characters.
var widths = map[string]float64{colReference: 10, colComponent: 20, colRisk: 30, colLikelihood: 11, colImpact: 9, colSeen: 60, colMitigation: 45, colRunbook: 28, colNotes: 30, colOwner: 14, colStatus: 14,
	colTicket: 12, colManaged: 16, colScore: 9, colDue: 12, colPractices: 20, colRules: 28, colFirst: 12, colKey: 14, colDigest: 20}

// XLSX writes a register as a workbook. What is in place is bold there.
func (out *Register) XLSX(w io.Writer) error {
	s := xlsx.Sheet{Name: "Risks of " + out.Workload}
	for _, col := range RegisterColumns {
		c := xlsx.Column{Title: col, Width: widths[col], Hidden: col == colKey || col == colDigest}
		if col == colLikelihood || col == colImpact {
			c.Choice = grades[1:]
		}
		s.Columns = append(s.Columns, c)
	}
	fills := map[string]xlsx.Fill{highGrade.String(): xlsx.Red, mediumGrade.String(): xlsx.Yellow, lowGrade.String(): xlsx.Green}
	for _, row := range out.Rows {
		var cells []xlsx.Cell
		for _, col := range RegisterColumns {
			c := xlsx.Text(keptLines(row[col]))
			switch col {
			case colSeen:
				c = bolded(keptLines(row[col]))
			case colLikelihood, colImpact, colScore:
				c.Fill = fills[row[col]]
			}
			cells = append(cells, c)
		}
		s.Rows = append(s.Rows, cells)
	}
	return s.Write(w)
}

// bolded makes runs of a text in which ** begins and ends what is bold.
func bolded(text string) (c xlsx.Cell) {
	for i, part := range strings.Split(text, "**") {
		if part != "" {
			c.Runs = append(c.Runs, xlsx.Run{Text: part, Bold: i%2 == 1})
		}
	}
	return c
}

// Markdown writes a register for people. What keeps it together stands in a comment of each row, which nobody sees.
func (out *Register) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Risk register of %s\n\nAs of %s: %s.", md(out.Workload), out.AsOf, count(len(out.Rows), "row"))
	if out.Gaps > 0 {
		fmt.Fprintf(&b, " %s no runbook action yet.", has(out.Gaps, "row"))
	}
	b.WriteString(" What is in place is bold. What people write into the table stays when it is written again.\n\n|")
	shown := slices.DeleteFunc(slices.Clone(RegisterColumns), func(col string) bool { return col == colKey || col == colDigest })
	for _, col := range shown {
		b.WriteString(" " + col + " |")
	}
	b.WriteString("\n|" + strings.Repeat("---|", len(shown)) + "\n")
	for _, row := range out.Rows {
		b.WriteString("|")
		for i, col := range shown {
			cell := md
			if col == colSeen {
				cell = mdBold
			}
			text := eachLine(keptLines(row[col]), "<br>", cell)
			if i == len(shown)-1 {
				text += fmt.Sprintf(" <!-- %s %s -->", harmless(row[colKey], "-"), harmless(row[colDigest], "-"))
			}
			b.WriteString(" " + text + " |")
		}
		b.WriteString("\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// mdBold makes Markdown of a text in which ** begins and ends what is bold.
func mdBold(text string) string {
	var b strings.Builder
	for n, part := range strings.Split(text, "**") {
		if n%2 == 1 && strings.TrimSpace(part) != "" {
			b.WriteString("**" + md(part) + "**")
		} else {
			b.WriteString(spaced(part, md(part)))
		}
	}
	return b.String()
}

func has(n int, of string) string {
	if n == 1 {
		return "1 " + of + " has"
	}
	return count(n, of) + " have"
}

// spaced gives a text the space at its ends that making Markdown of it takes away.
func spaced(was, is string) string {
	if strings.HasPrefix(was, " ") {
		is = " " + is
	}
	if strings.HasSuffix(was, " ") && strings.TrimSpace(was) != "" {
		is += " "
	}
	return is
}

var word6 = regexp.MustCompile(`^[0-9a-zA-Z.-]+$`)

// harmless is a text that can stand in a comment.
func harmless(text, otherwise string) string {
	if word6.MatchString(text) && !strings.Contains(text, "--") {
		return text
	}
	return otherwise
}

// ReadRegister reads a register that was written before, and perhaps changed by people: as csv, markdown or xlsx.
func ReadRegister(format string, data []byte) (*Register, error) {
	var rows [][]string
	var err error
	if format != "xlsx" {
		if err := refuseEncoding(data); err != nil {
			return nil, err
		}
	}
	switch format {
	case "csv":
		rows, err = readCSV(data)
	case "markdown":
		rows, err = readMarkdown(data)
	case "xlsx":
		rows, err = xlsx.Read(bytes.NewReader(data), int64(len(data)))
	default:
		err = fmt.Errorf("there is no register as %s", format)
	}
	if err != nil {
		return nil, err
	}
	return registerOf(rows)
}

// refuseEncoding refuses what cannot be read letter by letter: what people have written would be damaged when it is written again.
func refuseEncoding(data []byte) error {
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return errors.New("it is UTF-16: save it as UTF-8, which spreadsheets offer as CSV UTF-8")
	}
	n := 0
	for line := range bytes.Lines(data) {
		if n++; !utf8.Valid(line) {
			return fmt.Errorf("line %d is not UTF-8: save it as UTF-8, which spreadsheets offer as CSV UTF-8", n)
		}
	}
	return nil
}

func readCSV(data []byte) ([][]string, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord = -1
	line, _, _ := bytes.Cut(data, []byte("\n"))
	for _, other := range []rune{';', '\t'} { // as spreadsheets of some countries write it, or for another program
		if bytes.ContainsRune(line, other) && bytes.Count(line, []byte(string(other))) > bytes.Count(line, []byte(string(r.Comma))) {
			r.Comma = other
		}
	}
	rows, err := r.ReadAll()
	if err != nil {
		var wrong *csv.ParseError
		if errors.As(err, &wrong) {
			return nil, fmt.Errorf("line %d: %s", wrong.Line, wrong.Err)
		}
		return nil, err
	}
	return rows, nil
}

var rowComment = regexp.MustCompile(`<!--\s*(\S+)\s+(\S+)\s*-->\s*$`)

// readMarkdown reads the first table whose title row has a reference.
func readMarkdown(data []byte) (rows [][]string, err error) {
	for line := range strings.Lines(strings.ReplaceAll(string(data), "\r\n", "\n")) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			if len(rows) > 0 {
				break
			}
			continue
		}
		cells := splitRow(line)
		switch {
		case len(rows) == 0:
			if !slices.Contains(cells, colReference) {
				continue
			}
			rows = append(rows, append(cells, colKey, colDigest))
			continue
		case regexp.MustCompile(`^[|:\s-]+$`).MatchString(line):
			continue
		}
		key, generated := "", ""
		if last := len(cells) - 1; last >= 0 {
			if m := rowComment.FindStringSubmatch(cells[last]); m != nil {
				key, generated = strings.Trim(m[1], "-"), strings.TrimSuffix(m[2], "-")
				cells[last] = rowComment.ReplaceAllString(cells[last], "")
			}
		}
		for len(cells) < len(rows[0])-2 {
			cells = append(cells, "")
		}
		cells = cells[:len(rows[0])-2]
		for i := range cells {
			cells[i] = unescaped(cells[i])
		}
		rows = append(rows, append(cells, key, generated))
	}
	if len(rows) == 0 {
		return nil, errors.New("it has no table with a column " + colReference)
	}
	return rows, nil
}

// splitRow splits a row of a table at its bars.
func splitRow(line string) (cells []string) {
	var b strings.Builder
	line = strings.TrimPrefix(line, "|")
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '\\' && i+1 < len(line):
			b.WriteString(line[i : i+2])
			i++
		case line[i] == '|':
			cells = append(cells, strings.TrimSpace(b.String()))
			b.Reset()
		default:
			b.WriteByte(line[i])
		}
	}
	if rest := strings.TrimSpace(b.String()); rest != "" {
		cells = append(cells, rest)
	}
	return cells
}

// unescaped takes away the signs by which Markdown takes another for itself.
func unescaped(text string) string {
	text = regexp.MustCompile(`\\.|<br ?/?>`).ReplaceAllStringFunc(text, func(s string) string {
		if s[0] == '<' {
			return "\n"
		}
		return s
	})
	text = regexp.MustCompile(`\\([!-/:-@\[-`+"`"+`{-~])`).ReplaceAllString(text, "$1")
	return strings.ReplaceAll(text, "\u200b", "")
}

// mostRegister is how many rows a register may have.
const mostRegister = 20000

// registerOf finds the columns by their titles, wherever people have moved them.
func registerOf(rows [][]string) (*Register, error) {
	head := slices.IndexFunc(rows, func(row []string) bool {
		return slices.ContainsFunc(row, func(c string) bool { return strings.EqualFold(strings.TrimSpace(c), colReference) })
	})
	if head < 0 {
		return nil, errors.New("it has no column " + colReference)
	}
	at := map[string]int{}
	for i, title := range rows[head] {
		for _, col := range RegisterColumns {
			if strings.EqualFold(strings.TrimSpace(title), col) {
				if _, twice := at[col]; twice {
					return nil, fmt.Errorf("it has two columns %s", col)
				}
				at[col] = i
			}
		}
	}
	for _, col := range []string{colComponent, colRisk} {
		if _, ok := at[col]; !ok {
			return nil, fmt.Errorf("it has no column %s: %s", col, suggest.DidYouMean(col, rows[head], "put its title back"))
		}
	}
	if len(rows)-head > mostRegister {
		return nil, fmt.Errorf("it has more than %d rows", mostRegister)
	}
	out := &Register{}
	for _, cells := range rows[head+1:] {
		row := RiskRow{}
		empty := true
		for col, i := range at {
			if i < len(cells) {
				text := keptLines(eachLine(keptLines(cells[i]), "\n", unquoted))
				if !slices.Contains(edited, col) {
					text = plainLines(text)
				}
				if col == colFirst || col == colDue {
					text = dated(text)
				}
				row[col] = text
				empty = empty && text == ""
			}
		}
		if !empty {
			out.Rows = append(out.Rows, row)
		}
	}
	return out, nil
}

// unquoted takes away the sign by which a text is no formula.
func unquoted(text string) string {
	if len(text) > 1 && text[0] == '\'' && strings.ContainsRune("=+-@＝＋－＠", []rune(text)[1]) {
		return text[1:]
	}
	return text
}

var serial = regexp.MustCompile(`^[1-9][0-9]{4}(\.[0-9]+)?$`)

// dated makes a date again of the number that a spreadsheet has made of one.
func dated(text string) string {
	if !serial.MatchString(text) {
		return text
	}
	whole, _, _ := strings.Cut(text, ".")
	days, err := strconv.Atoi(whole)
	if err != nil {
		return text
	}
	return time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).AddDate(0, 0, days).Format(time.DateOnly)
}

// Same reports whether two registers say the same, in whatever order: what is worked out anew does not count.
func (out *Register) Same(other *Register) bool {
	said := func(r *Register) (all []string) {
		for _, row := range r.Rows {
			cells := []string{row[colKey]}
			for _, col := range edited {
				cells = append(cells, plainCell(row[col]))
			}
			all = append(all, strings.Join(cells, "\x00"))
		}
		slices.Sort(all)
		return all
	}
	return slices.Equal(said(out), said(other))
}
