package engine

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"

	"awsscanner/internal/model"
)

// A Journal is the file of a scan under way. Cells are appended as they are finished, in any order; a scan that was killed
// can go on after the last whole one. Of a cell that is there twice the later counts. Methods may be called side by side.
//
// A scan that goes on writes its header behind what is there, and appends what still holds of it once more: it may be about
// other regions or accounts, or for other rules, and then what it does not append is no part of it.
type Journal struct {
	Header
	kinds   model.Table
	durable bool // each cell is on disk when Append returns

	mu      sync.Mutex
	f       *os.File
	size    int64             // up to the end of the last whole cell
	earlier map[cellKey]frame // of the scan that was interrupted
	cells   map[cellKey]frame // of this one
}

type cellKey struct {
	model.Place
	service string
}

// A frame is where a cell stands in the file.
type frame struct {
	offset, length int64
	plan           string
	lines          int // with the last one
}

// NewJournal begins a journal in an empty file. A durable one waits for the disk after each cell.
func NewJournal(f *os.File, h Header, kinds model.Table, durable bool) (*Journal, error) {
	j := &Journal{kinds: kinds, durable: durable, f: f, cells: map[cellKey]frame{}}
	return j, j.Begin(h)
}

// Begin writes the header of the scan whose cells follow.
func (j *Journal) Begin(h Header) error {
	j.Header = NewSnapshot(h).Header
	b, err := json.Marshal(j.Header)
	if err != nil {
		return err
	}
	return j.write(append(b, '\n'))
}

// OpenJournal reads what stands in the file of an interrupted scan, and cuts off what follows the last whole cell. The header
// is that of the last scan that went on with it. Cells that another scanner read before do not count any more.
func OpenJournal(f *os.File, kinds model.Table) (*Journal, error) {
	j := &Journal{kinds: kinds, durable: true, f: f, earlier: map[cellKey]frame{}, cells: map[cellKey]frame{}}
	in := bufio.NewReaderSize(f, 1<<16)
	var offset, begin int64
	lines := 0
	for n := 0; ; n++ {
		line, err := in.ReadBytes('\n')
		if err == io.EOF {
			break // a line without an end was cut off
		}
		if err != nil {
			return nil, err
		}
		offset += int64(len(line))
		if n == 0 || lines == 0 && bytes.HasPrefix(line, headerPrefix) {
			h, err := loadHeader(line)
			if err != nil && n == 0 {
				return nil, err
			}
			if err != nil {
				break
			}
			if h.Tool != j.Tool {
				clear(j.earlier)
			}
			j.Header, begin, j.size = h, offset, offset
			continue
		}
		if lines++; !bytes.HasPrefix(line, cellPrefix) {
			continue
		}
		v, err := parseLine(line, kinds)
		end, ok := v.(cellEnd)
		if err != nil || !ok || end.Lines != lines-1 {
			break // whatever follows has lost its place
		}
		j.earlier[cellKey{end.Place, end.Service}] = frame{begin, offset - begin, end.Plan, lines}
		begin, j.size, lines = offset, offset, 0
	}
	if j.size == 0 {
		return nil, errors.New("it has no header")
	}
	if err := f.Truncate(j.size); err != nil {
		return nil, err
	}
	_, err := f.Seek(j.size, io.SeekStart)
	return j, err
}

// write appends to the file. What was written in part is cut off again.
func (j *Journal) write(b []byte) error {
	if _, err := j.f.Write(b); err != nil {
		if j.f.Truncate(j.size) == nil {
			j.f.Seek(j.size, io.SeekStart)
		}
		return err
	}
	j.size += int64(len(b))
	return nil
}

// EncodeCell writes a cell as it stands in a file. It sorts what is in the cell.
func EncodeCell(c Cell) ([]byte, error) {
	b, _, err := encodeCell(c)
	return b, err
}

func encodeCell(c Cell) (text []byte, lines int, err error) {
	var b bytes.Buffer
	out := &lineWriter{Writer: bufio.NewWriter(&b)}
	slices.SortFunc(c.Resources, func(a, b model.Resource) int {
		return cmp.Or(cmp.Compare(a.Kind(), b.Kind()), keyOf(a).compare(keyOf(b)))
	})
	for of := c.Resources; len(of) > 0; {
		k := of[0].Kind()
		n := slices.IndexFunc(of, func(r model.Resource) bool { return r.Kind() != k })
		if n < 0 {
			n = len(of)
		}
		if err := out.resources(k, of[:n]); err != nil {
			return nil, 0, err
		}
		of = of[n:]
	}
	for _, h := range c.Holes {
		if err := out.write("", h); err != nil {
			return nil, 0, err
		}
	}
	slices.SortFunc(c.Absences, func(a, b Absence) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), key{a.Account, a.Region, a.ID}.compare(key{b.Account, b.Region, b.ID}))
	})
	for _, a := range c.Absences {
		if err := out.write("", a); err != nil {
			return nil, 0, err
		}
	}
	if err := out.write("", map[string]cellEnd{"cell": {c.Place, c.Service, c.Plan, out.lines}}); err != nil {
		return nil, 0, err
	}
	if err := out.Flush(); err != nil {
		return nil, 0, err
	}
	return b.Bytes(), out.lines, nil
}

// DecodeCell reads what EncodeCell has written.
func DecodeCell(text []byte, kinds model.Table) (c Cell, err error) {
	lines := bytes.Split(bytes.TrimSuffix(text, []byte{'\n'}), []byte{'\n'})
	for i, line := range lines {
		v, err := parseLine(line, kinds)
		if err != nil {
			return c, fmt.Errorf("line %d: %w", i+1, err)
		}
		end, last := v.(cellEnd)
		if last != (i == len(lines)-1) || last && end.Lines != i {
			return c, fmt.Errorf("line %d: the cell does not end where it says", i+1)
		}
		if last {
			c.Place, c.Service, c.Plan = end.Place, end.Service, end.Plan
			return c, nil
		}
		c.add(v)
	}
	return c, errors.New("the cell is empty")
}

// add takes what a line of a cell tells.
func (c *Cell) add(v any) {
	switch v := v.(type) {
	case model.Resource:
		c.Resources = append(c.Resources, v)
	case Hole:
		c.Holes = append(c.Holes, v)
	case Absence:
		c.Absences = append(c.Absences, v)
	}
}

// Append adds a cell, whose resources it sorts.
func (j *Journal) Append(c Cell) error {
	b, lines, err := encodeCell(c)
	if err != nil {
		return err
	}
	j.mu.Lock()
	at := frame{j.size, int64(len(b)), c.Plan, lines}
	err = j.write(b)
	if err == nil {
		j.cells[cellKey{c.Place, c.Service}] = at
	}
	j.mu.Unlock()
	if err == nil && j.durable {
		err = j.f.Sync()
	}
	return err
}

// Earlier reads the cells of an account that the interrupted scan left.
func (j *Journal) Earlier(account string) (all []Cell, err error) {
	for _, k := range inOrder(j.earlier) {
		if k.Account != account {
			continue
		}
		c, err := j.cell(k, j.earlier[k])
		if err != nil {
			return nil, fmt.Errorf("cell %s %s %s: %w", k.Account, k.Region, k.service, err)
		}
		all = append(all, c)
	}
	return all, nil
}

func (j *Journal) cell(k cellKey, at frame) (Cell, error) {
	c := Cell{Place: k.Place, Service: k.service, Plan: at.plan}
	in := bufio.NewReaderSize(io.NewSectionReader(j.f, at.offset, at.length), 1<<16)
	for range at.lines - 1 {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return c, err
		}
		v, err := parseLine(line, j.kinds)
		if err != nil {
			return c, err
		}
		c.add(v)
	}
	return c, nil
}

// inOrder lists cells in the order of a snapshot file.
func inOrder(cells map[cellKey]frame) []cellKey {
	return slices.SortedFunc(maps.Keys(cells), func(a, b cellKey) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region), cmp.Compare(a.service, b.service))
	})
}

// Snapshot returns the whole as a snapshot file. Nothing may be appended from then on.
func (j *Journal) Snapshot(end End) (io.Reader, error) {
	header, err := json.Marshal(j.Header)
	if err != nil {
		return nil, err
	}
	parts := []io.Reader{bytes.NewReader(append(header, '\n'))}
	end.Lines = 0
	for _, k := range inOrder(j.cells) {
		at := j.cells[k]
		parts = append(parts, io.NewSectionReader(j.f, at.offset, at.length))
		end.Lines += at.lines
	}
	last, err := json.Marshal(map[string]End{"end": end})
	if err != nil {
		return nil, err
	}
	return io.MultiReader(append(parts, bytes.NewReader(append(last, '\n')))...), nil
}
