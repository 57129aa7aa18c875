package xlsx

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func sheet() *Sheet {
	return &Sheet{Name: "Risks: of [shop]/*", Columns: []Column{{Title: "A", Width: 10}, {Title: "B", Width: 20, Choice: []string{"Low", "High"}}, {Title: "C", Hidden: true}},
		Rows: [][]Cell{
			{Text("plain"), {Runs: []Run{{Text: "bold ", Bold: true}, {Text: "and <not> & \"so\" "}}}, {Runs: []Run{{Text: "High"}}, Fill: Red}},
			{Text("=1+1"), Text(" @SUM(A1)"), Text("-2+3\nsecond line")},
			{Text("\x00\x1b[31mred\ufffe"), Text(""), Text(strings.Repeat("é", maxText+5))},
			{Text("007"), Text("2026-12-01"), Text("true")},
		}}
}

func write1(t *testing.T, s *Sheet) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What was written is read again, letter by letter.
func TestRoundTrip(t *testing.T) {
	data := write1(t, sheet())
	rows, err := Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{{"A", "B", "C"}, {"plain", `bold and <not> & "so" `, "High"}, {"=1+1", " @SUM(A1)", "-2+3\nsecond line"}, {"  [31mred ", "", strings.Repeat("é", maxText)}, {"007", "2026-12-01", "true"}}
	if fmt.Sprint(rows) != fmt.Sprint(want) {
		t.Errorf("%.300q", rows)
	}
	if again := write1(t, sheet()); !bytes.Equal(data, again) {
		t.Error("the same sheet makes other bytes")
	}
}

// A strict reader: every part is declared, well-formed, in the namespace and the order of the standard; every reference leads somewhere; no
// cell is a formula.
func TestStrict(t *testing.T) {
	data := write1(t, sheet())
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r) // checks the sum as well
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := parts[f.Name]; twice {
			t.Errorf("%s is there twice", f.Name)
		}
		parts[f.Name] = b
	}
	if z.File[0].Name != "[Content_Types].xml" {
		t.Errorf("the first part is %s", z.File[0].Name)
	}
	declared := map[string]bool{"[Content_Types].xml": true}
	var types struct {
		Defaults []struct {
			Extension string `xml:",attr"`
		} `xml:"Default"`
		Overrides []struct {
			PartName string `xml:",attr"`
		} `xml:"Override"`
	}
	strict(t, parts["[Content_Types].xml"], &types)
	for _, o := range types.Overrides {
		name := strings.TrimPrefix(o.PartName, "/")
		if parts[name] == nil {
			t.Errorf("%s is declared and not there", name)
		}
		declared[name] = true
	}
	for name := range parts {
		extension := name[strings.LastIndexByte(name, '.')+1:]
		known := false
		for _, d := range types.Defaults {
			known = known || d.Extension == extension
		}
		if !declared[name] && extension != "rels" || !known {
			t.Errorf("%s is not declared", name)
		}
	}
	var book struct {
		Sheets []struct {
			Name string `xml:"name,attr"`
			ID   string `xml:"http://schemas.openxmlformats.org/officeDocument/2006/relationships id,attr"`
		} `xml:"http://schemas.openxmlformats.org/spreadsheetml/2006/main sheets>sheet"`
	}
	strict(t, parts["xl/workbook.xml"], &book)
	if len(book.Sheets) != 1 || len([]rune(book.Sheets[0].Name)) > 31 || strings.ContainsAny(book.Sheets[0].Name, `[]:*?/\`) {
		t.Errorf("the sheets are %+v", book.Sheets)
	}
	var rels struct {
		All []struct {
			ID     string `xml:"Id,attr"`
			Target string `xml:",attr"`
		} `xml:"Relationship"`
	}
	strict(t, parts["xl/_rels/workbook.xml.rels"], &rels)
	for _, r := range rels.All {
		if parts["xl/"+r.Target] == nil {
			t.Errorf("%s leads to %s", r.ID, r.Target)
		}
	}
	var looks struct {
		Fonts []struct{} `xml:"fonts>font"`
		Fills []struct{} `xml:"fills>fill"`
		Xfs   struct {
			N   int `xml:"count,attr"`
			All []struct {
				Font int `xml:"fontId,attr"`
				Fill int `xml:"fillId,attr"`
			} `xml:"xf"`
		} `xml:"cellXfs"`
	}
	strict(t, parts["xl/styles.xml"], &looks)
	if looks.Xfs.N != len(looks.Xfs.All) {
		t.Errorf("%d styles, and their number is %d", len(looks.Xfs.All), looks.Xfs.N)
	}
	for i, x := range looks.Xfs.All {
		if x.Font >= len(looks.Fonts) || x.Fill >= len(looks.Fills) {
			t.Errorf("style %d refers to font %d and fill %d", i, x.Font, x.Fill)
		}
	}
	text := string(parts["xl/worksheets/sheet1.xml"])
	order := []string{"sheetPr", "dimension", "sheetViews", "sheetFormatPr", "cols", "sheetData", "autoFilter", "dataValidations", "pageMargins", "pageSetup"}
	at := -1
	d := xml.NewDecoder(strings.NewReader(text))
	depth, row, column := 0, 0, 0
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := tok.(type) {
		case xml.StartElement:
			if e.Name.Space != "http://schemas.openxmlformats.org/spreadsheetml/2006/main" {
				t.Errorf("%s is in the namespace %q", e.Name.Local, e.Name.Space)
			}
			if depth == 1 {
				i := slices.Index(order, e.Name.Local)
				if i <= at {
					t.Errorf("%s stands out of order", e.Name.Local)
				}
				at = i
			}
			depth++
			switch e.Name.Local {
			case "f":
				t.Error("a cell is a formula")
			case "row":
				n, _ := strconv.Atoi(attr(e, "r"))
				if n != row+1 {
					t.Errorf("row %d follows %d", n, row)
				}
				row, column = n, -1
			case "c":
				if attr(e, "t") != "inlineStr" {
					t.Errorf("the cell %s is no text", attr(e, "r"))
				}
				if style, _ := strconv.Atoi(attr(e, "s")); style >= len(looks.Xfs.All) || style < 1 {
					t.Errorf("the cell %s has the style %d", attr(e, "r"), style)
				}
				m := regexp.MustCompile(`^([A-Z]+)(\d+)$`).FindStringSubmatch(attr(e, "r"))
				if m == nil || m[2] != fmt.Sprint(row) || columnOf(m[0]) <= column {
					t.Errorf("the cell %s stands in row %d behind column %d", attr(e, "r"), row, column)
				}
				column = columnOf(m[0])
			}
		case xml.EndElement:
			depth--
		}
	}
	if !strings.Contains(text, `<c r="A3" s="3" t="inlineStr">`) { // quotePrefix
		t.Error("a text that looks like a formula is not marked as a text")
	}
}

func strict(t *testing.T, part []byte, into any) {
	t.Helper()
	if err := xml.Unmarshal(part, into); err != nil {
		t.Fatalf("%v: %s", err, part)
	}
}

// What spreadsheets write is read: shared strings, rich texts, numbers, formulas by what they came to, cells and rows that are left out.
func TestForeign(t *testing.T) {
	const ns = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"`
	parts := map[string]string{
		"xl/workbook.xml":            `<workbook ` + ns + `><sheets><sheet name="One" sheetId="4" r:id="rId7"/><sheet name="Two" sheetId="5" r:id="rId8"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId8" Target="worksheets/sheet9.xml"/><Relationship Id="rId7" Target="/xl/worksheets/sheet3.xml"/></Relationships>`,
		"xl/sharedStrings.xml":       `<sst ` + ns + `><si><t>shared</t></si><si><r><rPr><b/></rPr><t>rich </t></r><r><t>text</t></r><rPh sb="0" eb="1"><t>no</t></rPh></si></sst>`,
		"xl/worksheets/sheet3.xml":   `<worksheet ` + ns + `><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="s"><v>1</v></c></row><row r="3"><c r="B3"><v>42</v></c><c r="C3" t="str"><f>A1&amp;"x"</f><v>sharedx</v></c><c t="b"><v>1</v></c></row></sheetData></worksheet>`,
	}
	data := packed(t, parts)
	rows, err := Read(bytes.NewReader(data), int64(len(data)))
	if want := [][]string{{"shared", "", "rich text"}, nil, {"", "42", "sharedx", "1"}}; err != nil || fmt.Sprint(rows) != fmt.Sprint(want) {
		t.Errorf("%v: %q", err, rows)
	}
	for what, spoil := range map[string]func(map[string]string){
		"it lacks the part xl/workbook.xml":              func(p map[string]string) { delete(p, "xl/workbook.xml") },
		"it has no sheet":                                func(p map[string]string) { p["xl/workbook.xml"] = "<workbook/>" },
		"it lacks the part xl/worksheets/sheet3.xml":     func(p map[string]string) { delete(p, "xl/worksheets/sheet3.xml") },
		"the cell A1 refers to a text that is not there": func(p map[string]string) { delete(p, "xl/sharedStrings.xml") },
		"it has a row 1000000, far from the others":      func(p map[string]string) { p["xl/worksheets/sheet3.xml"] = `<worksheet><row r="1000000"/></worksheet>` },
		"it has a cell 7, which there is not": func(p map[string]string) {
			p["xl/worksheets/sheet3.xml"] = `<worksheet><row><c r="7"/></row></worksheet>`
		},
		"a cell of it stands in no row":                         func(p map[string]string) { p["xl/worksheets/sheet3.xml"] = `<worksheet><c r="A7"/></worksheet>` },
		"a part of it cannot be read: XML syntax error on line": func(p map[string]string) { p["xl/worksheets/sheet3.xml"] = `<worksheet><row>` },
	} {
		p := map[string]string{}
		for name, text := range parts {
			p[name] = text
		}
		spoil(p)
		data := packed(t, p)
		if _, err := Read(bytes.NewReader(data), int64(len(data))); err == nil || !strings.HasPrefix(err.Error(), what) {
			t.Errorf("%v, want %s", err, what)
		}
	}
	if _, err := Read(strings.NewReader("text"), 4); err == nil || err.Error() != "it is no workbook: save it as .xlsx" {
		t.Error(err)
	}
}

func packed(t *testing.T, parts map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range parts {
		f, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(f, text)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	if err := sheet().Write(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("PK"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, err := Read(bytes.NewReader(data), int64(len(data)))
		if err == nil {
			for _, row := range rows {
				if len(row) > 16384 {
					t.Error("a row is too long")
				}
			}
		}
	})
}

func TestRef(t *testing.T) {
	for column, name := range map[int]string{0: "A7", 25: "Z7", 26: "AA7", 701: "ZZ7", 702: "AAA7"} {
		if got := ref(column, 7); got != name || columnOf(name) != column {
			t.Errorf("column %d is %s, and %s is column %d", column, got, name, columnOf(name))
		}
	}
}
