package engine

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"

	"awsscanner/internal/model"
)

// A snapshot file has one JSON object a line: a header, then resources, holes and absences, then the end. A scan writes
// them cell by cell, each followed by a line that says so, in the order of accounts, regions and services. A file without
// cells is one part, whichever accounts it tells of.
const schema = "scanner.snapshot/v1"

// A Cell is what was read of one service in one region of an account: what is on disk or not, and is resumed or not.
type Cell struct {
	model.Place        // without a region: of a service whose answers tell of several
	Service     string // whose kinds it has
	Plan        string // names what was asked: other rules, or another scanner, may ask for more
	Resources   []model.Resource
	Holes       []Hole
	Absences    []Absence
}

// cellEnd is the line that ends a cell: without it the cell is cut off.
type cellEnd struct {
	model.Place
	Service string `json:"service"`
	Plan    string `json:"plan,omitempty"`
	Lines   int    `json:"lines"` // before this one
}

var headerPrefix, cellPrefix = []byte(`{"schema":`), []byte(`{"cell":`)

// A lineWriter writes lines of a snapshot file.
type lineWriter struct {
	*bufio.Writer
	lines int
}

func (w *lineWriter) write(prefix string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.lines++
	w.WriteString(prefix)
	w.Write(b[min(len(prefix), 1):])
	return w.WriteByte('\n')
}

// resources writes resources of one kind.
func (w *lineWriter) resources(k model.Kind, all []model.Resource) error {
	prefix := fmt.Sprintf(`{"kind":%q,`, k)
	for _, r := range all {
		if err := w.write(prefix, r); err != nil {
			return err
		}
	}
	return nil
}

// Save writes what Load reads, in a fixed order.
func (s *Snapshot) Save(w io.Writer) error {
	out := &lineWriter{Writer: bufio.NewWriterSize(w, 1<<16), lines: -1} // the header does not count
	if err := out.write("", s.Header); err != nil {
		return err
	}
	for _, k := range slices.Sorted(maps.Keys(s.byKind)) {
		if err := out.resources(k, s.byKind[k].sorted()); err != nil {
			return err
		}
	}
	for _, h := range s.Holes() {
		if err := out.write("", h); err != nil {
			return err
		}
	}
	for _, k := range slices.Sorted(maps.Keys(s.absent)) {
		for _, at := range slices.SortedFunc(maps.Keys(s.absent[k]), key.compare) {
			if err := out.write("", Absence{k, model.Place{Account: at.account, Region: at.region}, at.id}); err != nil {
				return err
			}
		}
	}
	s.Lines = out.lines
	if err := out.write("", map[string]End{"end": s.End}); err != nil {
		return err
	}
	return out.Flush()
}

// Load reads a snapshot as a whole, be it of one account or of several.
// What it does not understand is an error with its line, not a guess.
func Load(r io.Reader, kinds model.Table) (*Snapshot, error) {
	in, err := readLines(r, kinds)
	if err != nil {
		return nil, err
	}
	s := NewSnapshot(in.header)
	for {
		switch v, err := in.next(); {
		case err != nil:
			return nil, err
		case v == nil:
			s.End = in.end
			return s, nil
		default:
			if err := s.add(v); err != nil {
				return nil, in.errorf("%w", err)
			}
		}
	}
}

// sections reads a snapshot account by account, and tells its end after the last one.
func sections(r io.Reader, kinds model.Table, end *End) iter.Seq2[*Snapshot, error] {
	return func(yield func(*Snapshot, error) bool) {
		fail := func(err error) { yield(nil, err) }
		in, err := readLines(r, kinds)
		if err != nil {
			fail(err)
			return
		}
		whole := len(in.header.Accounts()) < 2
		seen := map[string]bool{}
		var part *Snapshot
		current := ""
		begin := func(account string) bool {
			if part != nil && account == current {
				return true
			}
			h := in.header
			if account != "" && !whole {
				h = h.of(account)
			}
			if part != nil && !yield(part, nil) {
				return false
			}
			if seen[account] {
				fail(in.errorf("account %s stands in two places", account))
				return false
			}
			part, current, seen[account] = NewSnapshot(h), account, true
			return true
		}
		var cell []any // whose it is its last line says
		flush := func() bool {
			for _, v := range cell {
				if err := part.add(v); err != nil {
					fail(in.errorf("%w", err))
					return false
				}
			}
			cell = cell[:0]
			return true
		}
		for {
			v, err := in.next()
			if err != nil {
				fail(err)
				return
			}
			switch v := v.(type) {
			case nil:
				if *end = in.end; part == nil && !begin("") { // without cells
					return
				}
				if current != "" {
					for _, account := range in.header.Accounts() {
						if !seen[account] {
							fail(in.errorf("account %s is said to be read, but nothing is there of it", account))
							return
						}
					}
					if len(cell) > 0 {
						fail(in.errorf("the last cell does not end"))
						return
					}
				}
				if part.End = in.end; flush() {
					yield(part, nil)
				}
				return
			case cellEnd:
				if whole { // how many cells it has does not matter
					v.Account = ""
				}
				if !begin(v.Account) || !flush() {
					return
				}
			default:
				cell = append(cell, v)
			}
		}
	}
}

// add takes what a line of a file says.
func (s *Snapshot) add(v any) error {
	switch v := v.(type) {
	case model.Resource:
		m := v.About()
		if m.Account, m.Region = s.name(m.Account), s.name(m.Region); s.byKind[v.Kind()].get(keyOf(v)) != nil {
			return fmt.Errorf("%s %s is there twice", v.Kind(), m.ID)
		}
		s.Put(v)
	case Hole:
		s.PutHole(v)
	case Absence:
		s.PutAbsence(v)
	}
	return nil
}

// name returns an equal string that others have as well: each resource names its account and region.
func (s *Snapshot) name(text string) string {
	same, ok := s.names[text]
	if !ok {
		if s.names == nil {
			s.names = map[string]string{}
		}
		same, s.names[text] = text, text
	}
	return same
}

// A lineReader reads a snapshot file line by line.
type lineReader struct {
	in     *bufio.Reader
	kinds  model.Table
	header Header
	end    End
	ended  bool
	n      int // of the line that was read last
	lines  int // after the header
	inCell int // since the last cell
	whole  []byte
}

// readLines reads the header.
func readLines(r io.Reader, kinds model.Table) (*lineReader, error) {
	in := &lineReader{in: bufio.NewReaderSize(r, 1<<16), kinds: kinds}
	line, err := in.line()
	switch {
	case err != nil:
		return nil, err
	case line == nil:
		return nil, errors.New("the file is empty: it is no snapshot")
	}
	if in.header, err = loadHeader(line); err != nil {
		return nil, in.errorf("%w", err)
	}
	return in, nil
}

func (in *lineReader) errorf(format string, args ...any) error {
	return fmt.Errorf("line %d: "+format, append([]any{in.n}, args...)...)
}

// line returns the next line that is not blank, or nil at the end of the file. It is overwritten by the next.
func (in *lineReader) line() ([]byte, error) {
	for {
		in.n++
		line, err := in.in.ReadSlice('\n') // of any length
		if err == bufio.ErrBufferFull {
			in.whole = append(in.whole[:0], line...)
			for err == bufio.ErrBufferFull {
				line, err = in.in.ReadSlice('\n')
				in.whole = append(in.whole, line...)
			}
			line = in.whole
		}
		if err != nil && err != io.EOF {
			return nil, in.errorf("%w", err)
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, nil
		}
		if err == io.EOF {
			return nil, nil
		}
	}
}

// next returns a resource, a hole, an absence or the end of a cell; nil after the end of the snapshot.
func (in *lineReader) next() (any, error) {
	line, err := in.line()
	switch {
	case err != nil:
		return nil, err
	case line == nil && in.ended:
		return nil, nil
	case line == nil:
		return nil, in.errorf("the snapshot is cut off: its last line is missing")
	case in.ended:
		return nil, in.errorf("there is more after the end")
	}
	v, err := parseLine(line, in.kinds)
	if err != nil {
		return nil, in.errorf("%w", err)
	}
	if end, ok := v.(End); ok {
		if end.Lines != in.lines {
			return nil, in.errorf("the snapshot should have %d lines before its end, but has %d: lines were lost or added", end.Lines, in.lines)
		}
		in.end, in.ended = end, true
		return in.next()
	}
	in.lines++
	if end, ok := v.(cellEnd); ok {
		if end.Lines != in.inCell {
			return nil, in.errorf("the cell should have %d lines, but has %d: lines were lost or added", end.Lines, in.inCell)
		}
		in.inCell = 0
		return v, nil
	}
	in.inCell++
	return v, nil
}

// parseLine reads any line but the header.
func parseLine(line []byte, kinds model.Table) (any, error) {
	// Nearly all lines are resources, which begin with their kind.
	if rest, ok := bytes.CutPrefix(line, []byte(`{"kind":"`)); ok {
		if kind, rest, ok := bytes.Cut(rest, []byte(`",`)); ok && kinds[model.Kind(kind)] != nil {
			object := line[len(line)-len(rest)-1:]
			object[0] = '{' // in place of the comma
			return parseResource(object, kinds[model.Kind(kind)])
		}
	}
	var head struct {
		Kind, Unlisted, Absent model.Kind
		Cell, End              *json.RawMessage
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	k := cmp.Or(head.Kind, head.Unlisted, head.Absent)
	switch {
	case head.End != nil:
		var e struct{ End End }
		err := model.DecodeStrict(line, &e)
		return e.End, err
	case head.Cell != nil:
		var c struct{ Cell cellEnd }
		err := model.DecodeStrict(line, &c)
		return c.Cell, err
	case kinds[k] == nil:
		return nil, fmt.Errorf("unknown kind %q: the snapshot may be from a newer scanner", k)
	case head.Unlisted != "":
		var h Hole
		if err := model.DecodeStrict(line, &h); err != nil {
			return nil, err
		}
		if h.Gap == nil {
			return nil, fmt.Errorf("%s unlisted without a gap", h.Kind)
		}
		return h, h.Gap.Check()
	case head.Absent != "":
		var a Absence
		err := model.DecodeStrict(line, &a)
		return a, err
	}
	return nil, errors.New("a resource begins with its kind")
}

// parseResource reads the rest of a line, which says all but the kind.
func parseResource(rest []byte, t *model.Type) (model.Resource, error) {
	res := t.New()
	if err := model.DecodeStrict(rest, res); err != nil {
		if !json.Valid(rest) {
			return nil, fmt.Errorf("not a JSON object: %w", err)
		}
		return nil, fmt.Errorf("%s: %w", t.Kind, err)
	}
	m := res.About()
	if m.ID == "" {
		return nil, fmt.Errorf("%s without id", t.Kind)
	}
	for _, g := range m.Gaps {
		if err := g.Check(); err != nil {
			return nil, err
		}
	}
	return res, nil
}

func loadHeader(line []byte) (h Header, err error) {
	var version struct{ Schema string }
	switch err := json.Unmarshal(line, &version); {
	case err != nil || version.Schema == "":
		return h, fmt.Errorf("this is no snapshot: it does not begin with a %s header", schema)
	case version.Schema != schema && strings.HasPrefix(version.Schema, "scanner.snapshot/"):
		return h, fmt.Errorf("the snapshot has schema %s, this scanner reads %s: use the scanner that wrote it, or a newer one", version.Schema, schema)
	case version.Schema != schema:
		return h, fmt.Errorf("this is a %s, not a snapshot", version.Schema)
	}
	if err := model.DecodeStrict(line, &h); err != nil {
		return h, fmt.Errorf("header: %w", err)
	}
	if h.Start.IsZero() || h.Read == nil || h.Listed == nil {
		return h, errors.New("header: start, read or listed is missing: nothing would be certain")
	}
	return h, nil
}
