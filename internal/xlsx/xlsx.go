// Package xlsx writes and reads workbooks of one sheet of texts: what a risk register needs, and no more. Nothing in them is a formula.
package xlsx

import (
	"archive/zip"
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// A Sheet is a table: rows of cells under a row of titles.
type Sheet struct {
	Name    string
	Columns []Column
	Rows    [][]Cell
}

// A Column is how the cells below a title look.
type Column struct {
	Title  string
	Width  float64 // in characters
	Hidden bool
	Choice []string // what people may pick; anything else is accepted as well
}

// A Cell is a text, parts of which may be bold.
type Cell struct {
	Runs []Run
	Fill Fill
}

// A Run is a part of a text.
type Run struct {
	Text string
	Bold bool
}

// A Fill is the colour of a cell.
type Fill int

const (
	Plain Fill = iota
	Green
	Yellow
	Red
)

// Text makes a cell of a plain text.
func Text(text string) Cell { return Cell{Runs: []Run{{Text: text}}} }

// String is the text of a cell.
func (c Cell) String() string {
	var b strings.Builder
	for _, r := range c.Runs {
		b.WriteString(r.Text)
	}
	return b.String()
}

// Limits of a sheet.
const (
	maxText = 32767
	maxName = 31
	maxRows = 1048576
)

const header = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"

const contentTypes = header + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>`

const packageRels = header + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`

const workbookRels = header + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>`

// Styles of cells: 0 default, 1 title, then for each fill one style, and one for texts that look like formulas.
const styles = header + `<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><fonts count="2"><font><sz val="10"/><name val="Calibri"/></font><font><b/><sz val="10"/><name val="Calibri"/></font></fonts><fills count="6"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill><fill><patternFill patternType="solid"><fgColor rgb="FFE2E5E9"/><bgColor indexed="64"/></patternFill></fill><fill><patternFill patternType="solid"><fgColor rgb="FFD8EBDD"/><bgColor indexed="64"/></patternFill></fill><fill><patternFill patternType="solid"><fgColor rgb="FFFBEBC4"/><bgColor indexed="64"/></patternFill></fill><fill><patternFill patternType="solid"><fgColor rgb="FFF7D0CC"/><bgColor indexed="64"/></patternFill></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="10"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="49" fontId="1" fillId="2" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1" applyFill="1" applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf>` +
	xfs + `</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`

const (
	align = `<alignment vertical="top" wrapText="1"/></xf>`
	text0 = `<xf numFmtId="49" fontId="0" borderId="0" xfId="0" applyNumberFormat="1" applyAlignment="1" `
	xfs   = text0 + `fillId="0">` + align + text0 + `fillId="0" quotePrefix="1">` + align +
		text0 + `fillId="3" applyFill="1">` + align + text0 + `fillId="3" applyFill="1" quotePrefix="1">` + align +
		text0 + `fillId="4" applyFill="1">` + align + text0 + `fillId="4" applyFill="1" quotePrefix="1">` + align +
		text0 + `fillId="5" applyFill="1">` + align + text0 + `fillId="5" applyFill="1" quotePrefix="1">` + align
)

const titleStyle = 1

// style is the index of the style of a cell. A text that looks like a formula is marked as one that is none, so that it stays a text when
// somebody edits it.
func (c Cell) style() int {
	n := 2 + 2*int(c.Fill)
	if text := strings.TrimSpace(c.String()); text != "" && strings.ContainsRune("=+-@", rune(text[0])) {
		n++
	}
	return n
}

// Write writes a workbook. The same sheet makes the same bytes.
func (s *Sheet) Write(w io.Writer) error {
	if n := len(s.Rows); n >= maxRows {
		return fmt.Errorf("a sheet holds %d rows, and these are %d", maxRows, n)
	}
	z := zip.NewWriter(w)
	part := func(name string, write func(io.Writer) error) error {
		f, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			return err
		}
		return write(f)
	}
	fixed := func(text string) func(io.Writer) error {
		return func(w io.Writer) error { _, err := io.WriteString(w, text); return err }
	}
	for _, p := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{"[Content_Types].xml", fixed(contentTypes)}, {"_rels/.rels", fixed(packageRels)}, {"xl/workbook.xml", s.workbook}, {"xl/_rels/workbook.xml.rels", fixed(workbookRels)},
		{"xl/styles.xml", fixed(styles)}, {"xl/worksheets/sheet1.xml", s.sheet},
	} {
		if err := part(p.name, p.write); err != nil {
			return err
		}
	}
	return z.Close()
}

func (s *Sheet) workbook(w io.Writer) error {
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`[]:*?/\'`, r) {
			return ' '
		}
		return r
	}, clean(s.Name))
	if r := []rune(strings.TrimSpace(name)); len(r) > maxName {
		name = string(r[:maxName])
	}
	if name = strings.TrimSpace(name); name == "" {
		name = "Sheet1"
	}
	_, err := fmt.Fprintf(w, header+`<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="%s" sheetId="1" r:id="rId1"/></sheets></workbook>`, escape(name))
	return err
}

func (s *Sheet) sheet(w io.Writer) error {
	b := bufio.NewWriter(w)
	last := ref(len(s.Columns)-1, len(s.Rows)+1)
	fmt.Fprintf(b, header+`<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetPr><pageSetUpPr fitToPage="1"/></sheetPr><dimension ref="A1:%s"/><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetFormatPr defaultRowHeight="13"/><cols>`, last)
	for i, c := range s.Columns {
		hidden := ""
		if c.Hidden {
			hidden = ` hidden="1"`
		}
		fmt.Fprintf(b, `<col min="%d" max="%d" width="%g" customWidth="1"%s/>`, i+1, i+1, max(c.Width, 4), hidden)
	}
	b.WriteString(`</cols><sheetData><row r="1">`)
	for i, c := range s.Columns {
		write(b, ref(i, 1), titleStyle, Text(c.Title))
	}
	b.WriteString(`</row>`)
	for n, row := range s.Rows {
		fmt.Fprintf(b, `<row r="%d">`, n+2)
		for i, c := range row {
			if i < len(s.Columns) && c.String() != "" {
				write(b, ref(i, n+2), c.style(), c)
			}
		}
		b.WriteString(`</row>`)
	}
	fmt.Fprintf(b, `</sheetData><autoFilter ref="A1:%s"/>`, last)
	s.choices(b)
	b.WriteString(`<pageMargins left="0.4" right="0.4" top="0.5" bottom="0.5" header="0.3" footer="0.3"/><pageSetup orientation="landscape" fitToHeight="0"/></worksheet>`)
	return b.Flush()
}

// choices lets people pick what a column offers; anything else is accepted as well.
func (s *Sheet) choices(b *bufio.Writer) {
	n := 0
	for _, c := range s.Columns {
		if len(c.Choice) > 0 {
			n++
		}
	}
	if n == 0 || len(s.Rows) == 0 {
		return
	}
	fmt.Fprintf(b, `<dataValidations count="%d">`, n)
	for i, c := range s.Columns {
		if len(c.Choice) > 0 {
			fmt.Fprintf(b, `<dataValidation type="list" allowBlank="1" showErrorMessage="0" sqref="%s:%s"><formula1>"%s"</formula1></dataValidation>`, ref(i, 2), ref(i, len(s.Rows)+1), escape(strings.Join(c.Choice, ",")))
		}
	}
	b.WriteString(`</dataValidations>`)
}

// write writes a cell as a text that stands in place: it is never taken for anything else.
func write(b *bufio.Writer, at string, style int, c Cell) {
	fmt.Fprintf(b, `<c r="%s" s="%d" t="inlineStr"><is>`, at, style)
	left := maxText
	rich := false
	for _, r := range c.Runs {
		rich = rich || r.Bold
	}
	for _, r := range c.Runs {
		text := clean(r.Text)
		if n := utf8.RuneCountInString(text); n > left {
			text = string([]rune(text)[:left])
		}
		left -= utf8.RuneCountInString(text)
		if text == "" {
			continue
		}
		t := `<t xml:space="preserve">` + escape(text) + `</t>`
		switch {
		case !rich:
			b.WriteString(t)
		case r.Bold:
			b.WriteString(`<r><rPr><b/><sz val="10"/><rFont val="Calibri"/></rPr>` + t + `</r>`)
		default:
			b.WriteString(`<r><rPr><sz val="10"/><rFont val="Calibri"/></rPr>` + t + `</r>`)
		}
	}
	b.WriteString(`</is></c>`)
}

// ref is the name of a cell: B7.
func ref(column, row int) string {
	name := ""
	for n := column + 1; n > 0; n = (n - 1) / 26 {
		name = string(rune('A'+(n-1)%26)) + name
	}
	return fmt.Sprintf("%s%d", name, row)
}

// clean takes away what XML cannot hold.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t', r == '\n':
			return r
		case r < ' ', r >= 0xd800 && r < 0xe000, r == 0xfffe, r == 0xffff, r == utf8.RuneError:
			return ' '
		}
		return r
	}, text)
}

func escape(text string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(text)); err != nil {
		return "" // a Builder takes everything
	}
	return b.String()
}
