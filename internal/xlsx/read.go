package xlsx

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
)

// maxPart is how many bytes a part may have when it is unpacked: a small file can be made to hold as much as one likes.
const maxPart = 64 << 20

// Read reads the texts of the first sheet of a workbook, whoever wrote it. Formulas are told by what they came to last.
func Read(r io.ReaderAt, size int64) ([][]string, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, errors.New("it is no workbook: save it as .xlsx")
	}
	first, err := firstSheet(z)
	if err != nil {
		return nil, err
	}
	shared, err := sharedStrings(z)
	if err != nil {
		return nil, err
	}
	d, done, err := open(z, first)
	if err != nil {
		return nil, err
	}
	defer done()
	return cells(d, shared)
}

// open opens a part.
func open(z *zip.Reader, name string) (*xml.Decoder, func(), error) {
	f, err := z.Open(name)
	if err != nil {
		return nil, nil, fmt.Errorf("it lacks the part %s", name)
	}
	return xml.NewDecoder(&limited{r: f, left: maxPart}), func() { f.Close() }, nil
}

// A limited reader fails when there is more than it may read.
type limited struct {
	r    io.Reader
	left int
}

func (l *limited) Read(b []byte) (int, error) {
	if l.left <= 0 {
		return 0, fmt.Errorf("a part of it has more than %d MB", maxPart>>20)
	}
	n, err := l.r.Read(b[:min(len(b), l.left)])
	l.left -= n
	return n, err
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// each goes through the elements of a part.
func each(d *xml.Decoder, start func(xml.StartElement) error) error {
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("a part of it cannot be read: %w", err)
		}
		if e, ok := t.(xml.StartElement); ok {
			if err := start(e); err != nil {
				return err
			}
		}
	}
}

// firstSheet finds the part of the first sheet.
func firstSheet(z *zip.Reader) (string, error) {
	d, done, err := open(z, "xl/workbook.xml")
	if err != nil {
		return "", err
	}
	defer done()
	id := ""
	err = each(d, func(e xml.StartElement) error {
		if e.Name.Local == "sheet" && id == "" {
			id = attr(e, "id")
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	d, done, err = open(z, "xl/_rels/workbook.xml.rels")
	if err != nil {
		return "", err
	}
	defer done()
	target := ""
	err = each(d, func(e xml.StartElement) error {
		if e.Name.Local == "Relationship" && attr(e, "Id") == id && id != "" {
			target = attr(e, "Target")
		}
		return nil
	})
	switch {
	case err != nil:
		return "", err
	case target == "":
		return "", errors.New("it has no sheet")
	case strings.HasPrefix(target, "/"):
		return strings.TrimPrefix(target, "/"), nil
	}
	return path.Join("xl", target), nil
}

// sharedStrings reads the texts that cells refer to; none if there is no such part.
func sharedStrings(z *zip.Reader) (all []string, err error) {
	d, done, err := open(z, "xl/sharedStrings.xml")
	if err != nil {
		return nil, nil
	}
	defer done()
	return all, each(d, func(e xml.StartElement) error {
		if e.Name.Local != "si" {
			return nil
		}
		text, err := text(d, "si")
		all = append(all, text)
		return err
	})
}

// text joins the runs of a text, up to the end of the element that holds them. How to pronounce it is no part of it.
func text(d *xml.Decoder, end string) (string, error) {
	var b strings.Builder
	in, skip := false, 0
	for {
		t, err := d.Token()
		if err != nil {
			return "", fmt.Errorf("a part of it is cut off: %w", err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "t", "v":
				in = skip == 0
			case "rPh", "f":
				skip++
			}
		case xml.CharData:
			if in {
				b.Write(t)
			}
		case xml.EndElement:
			switch t.Name.Local {
			case end:
				return b.String(), nil
			case "t", "v":
				in = false
			case "rPh", "f":
				skip--
			}
		}
	}
}

// mostCells is how many cells a register may have.
const mostCells = 4 << 20

// cells reads the rows of a sheet.
func cells(d *xml.Decoder, shared []string) (rows [][]string, err error) {
	n := 0
	at := -1 // the last row
	return rows, each(d, func(e xml.StartElement) error {
		switch e.Name.Local {
		case "row":
			at++
			if r, err := strconv.Atoi(attr(e, "r")); err == nil {
				at = r - 1
			}
			if at < 0 || at >= maxRows || at > len(rows)+10000 {
				return fmt.Errorf("it has a row %s, far from the others", attr(e, "r"))
			}
			for len(rows) <= at {
				rows = append(rows, nil)
			}
		case "c":
			column := 0
			if at < 0 {
				return errors.New("a cell of it stands in no row")
			}
			if r := attr(e, "r"); r != "" {
				column = columnOf(r)
			} else {
				column = len(rows[at])
			}
			if column < 0 || column > 16383 {
				return fmt.Errorf("it has a cell %s, which there is not", attr(e, "r"))
			}
			value, err := text(d, "c")
			if err != nil {
				return err
			}
			if attr(e, "t") == "s" {
				i, err := strconv.Atoi(strings.TrimSpace(value))
				if err != nil || i < 0 || i >= len(shared) {
					return fmt.Errorf("the cell %s refers to a text that is not there", attr(e, "r"))
				}
				value = shared[i]
			}
			if n += 1 + max(0, column-len(rows[at])); n > mostCells {
				return errors.New("it has too many cells")
			}
			for len(rows[at]) <= column {
				rows[at] = append(rows[at], "")
			}
			rows[at][column] = value
		}
		return nil
	})
}

// columnOf is the number of the column of a cell; -1 if that is not its name.
func columnOf(ref string) int {
	n := 0
	for i, c := range ref {
		if c < 'A' || c > 'Z' {
			if i == 0 || i > 3 {
				return -1
			}
			break
		}
		n = 26*n + int(c-'A') + 1
	}
	return n - 1
}
