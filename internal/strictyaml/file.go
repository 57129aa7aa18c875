// Package strictyaml reads YAML files that people write into structs. It refuses whatever it does not understand, says all that is
// wrong at once, each with file and line, and remembers where each value stands.
//
// A file is UTF-8, one document, and plain data: no anchors, no aliases, no tags of types. What a text is, the struct decides and not
// YAML: an account ID with a leading zero, a date or a version number stays what was written.
package strictyaml

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
)

// MaxSize is how many bytes a file may have: ten thousand waivers fit in.
const MaxSize = 2 << 20

// maxMistakes is how many mistakes are told: more of them help nobody.
const maxMistakes = 20

// A Mistake is one thing that is wrong with a file.
type Mistake struct {
	File string
	Line int // 0 for the file as a whole
	Text string
}

func (m Mistake) Error() string {
	if m.Line == 0 {
		return m.File + ": " + m.Text
	}
	return fmt.Sprintf("%s:%d: %s", m.File, m.Line, m.Text)
}

// Mistakes is all that is wrong with a file, in order.
type Mistakes []Mistake

func (all Mistakes) Error() string {
	var lines []string
	for _, m := range all[:min(len(all), maxMistakes)] {
		lines = append(lines, m.Error())
	}
	if more := len(all) - maxMistakes; more > 0 {
		lines = append(lines, fmt.Sprintf("%s: %d more mistakes are not shown", all[maxMistakes].File, more))
	}
	return strings.Join(lines, "\n")
}

// A File is a file that was read, with what is wrong with it.
type File struct {
	Name  string
	at    map[string]int // line of each value, by path: "accounts.include[2]"
	paths []string       // in the order of the file
	end   map[string]int // last line of each value
	wrong Mistakes
}

// Read decodes a file into a struct or a slice of structs. What is wrong with it is told by Err.
func Read(name string, into any) *File {
	f := newFile(name)
	data, err := load(name)
	if err != nil {
		f.refuse(0, "%s", err)
		return f
	}
	return decode(f, data, into)
}

// Decode is Read for what is already in memory.
func Decode(name string, data []byte, into any) *File {
	return decode(newFile(name), data, into)
}

func newFile(name string) *File {
	return &File{Name: Printable(name), at: map[string]int{}, end: map[string]int{}}
}

func load(name string) ([]byte, error) {
	f, err := os.Open(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("there is no such file")
	case err != nil:
		return nil, fmt.Errorf("it cannot be read: %s", reason(err))
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, errors.New("it is a directory, not a file")
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("it cannot be read: %s", reason(err))
	}
	return data, nil
}

// reason is what the operating system says, without the name of the file, which is told already.
func reason(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	return err.Error()
}

// Err returns all that is wrong with the file as Mistakes, or nil.
func (f *File) Err() error {
	if len(f.wrong) == 0 {
		return nil
	}
	slices.SortStableFunc(f.wrong, func(a, b Mistake) int { return cmp.Compare(a.Line, b.Line) })
	return slices.Compact(f.wrong)
}

// Refuse adds a mistake in the value with a path, or in what should hold it.
func (f *File) Refuse(path, format string, args ...any) {
	f.refuse(f.Line(path), format, args...)
}

func (f *File) refuse(line int, format string, args ...any) {
	f.wrong = append(f.wrong, Mistake{f.Name, line, fmt.Sprintf(format, args...)})
}

// Wrong reports whether there is a mistake within a value, or in its line: what follows from that need not be told.
func (f *File) Wrong(path string) bool {
	return slices.ContainsFunc(f.wrong, func(m Mistake) bool { return m.Line >= f.at[path] && m.Line <= f.end[path] })
}

// Has reports whether a value stands in the file.
func (f *File) Has(path string) bool { return f.at[path] > 0 }

// Line returns where a value stands, or else what should hold it; 1 if not even that is there.
func (f *File) Line(path string) int {
	for {
		if line := f.at[path]; line > 0 {
			return line
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return max(1, f.at[""])
		}
		path = path[:i]
	}
}

// Place returns where a value stands, as FILE:LINE.
func (f *File) Place(path string) string { return fmt.Sprintf("%s:%d", f.Name, f.Line(path)) }

// Paths returns the paths of all values, in the order of the file.
func (f *File) Paths() []string { return f.paths }
