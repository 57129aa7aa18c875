package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/term"

	"awsscanner/internal/report"
)

// An output is a format and where it goes: "" is standard output.
type output struct{ format, file string }

// formats are what a report can be written as. The table has a style as well.
var formats = []struct {
	name, ext string // ext: of files that are taken for it
	write     func(*report.Report, io.Writer) error
}{
	{"table", ".txt", nil},
	{"json", ".json", (*report.Report).JSON},
	{"jsonl", ".jsonl", (*report.Report).JSONLines},
	{"csv", ".csv", (*report.Report).CSV},
	{"markdown", ".md", func(r *report.Report, w io.Writer) error { return r.Markdown(w, report.MarkdownLimit) }},
	{"html", ".html", (*report.Report).HTML},
	{"gitlab", "", (*report.Report).GitLab},
	{"junit", ".xml", (*report.Report).JUnit},
	{"sarif", ".sarif", (*report.Report).SARIF},
	{"ocsf", "", (*report.Report).OCSF},
	{"asff", "", (*report.Report).ASFF},
}

// formatNames lists them.
func formatNames() (names []string) {
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

// parseOutputs reads -o. The table goes to standard output unless something else does.
func parseOutputs(specs []string) (outs []output, err error) {
	names := formatNames()
	for _, spec := range specs {
		format, file, isFile := strings.Cut(spec, "=")
		o := output{format, file}
		if ext := extFormat(spec); !isFile && ext != "" {
			o = output{ext, spec}
		} else if !slices.Contains(names, format) {
			return nil, usage("-o %s: there is no format %q: %s", spec, format, didYouMean(format, names, "use one of "+strings.Join(names, ", ")))
		} else if isFile && file == "" {
			return nil, usage("-o %s: the file has no name", spec)
		}
		if o.file != "" {
			if dir := lacking(o.file); dir != "" {
				return nil, usage("-o %s: there is no directory %s", spec, dir)
			}
			if isDir(o.file) {
				return nil, usage("-o %s: %s is a directory: name a file", spec, o.file)
			}
		}
		for _, other := range outs {
			if o.file != "" && sameFile(o.file, other.file) {
				return nil, usage("-o %s: %s is written already: name another file", spec, o.file)
			}
		}
		outs = append(outs, o)
	}
	stdout := 0
	for _, o := range outs {
		if o.file == "" {
			stdout++
		}
	}
	if stdout > 1 {
		return nil, usage("-o: only one format can go to standard output: give the others a file, as in -o json=report.json")
	}
	if stdout == 0 {
		outs = append(outs, output{format: "table"})
	}
	return outs, nil
}

// lacking returns the directory that is not there for a file; "" if it is.
func lacking(file string) string {
	if dir := filepath.Dir(file); !isDir(dir) {
		return dir
	}
	return ""
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// sameFile reports whether two names mean one file, be it there or not. Devices and pipes take what comes.
func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	y, err2 := os.Stat(b)
	if err == nil && err2 == nil {
		return os.SameFile(x, y) && x.Mode().IsRegular()
	}
	return filepath.Clean(a) == filepath.Clean(b)
}

// spare refuses outputs that would overwrite what is being read. A gate that fails and leaves its baseline behind as the new one would not fail again.
func spare(outs []output, inputs ...string) error {
	for _, o := range outs {
		if o.file != "" && slices.ContainsFunc(inputs, func(input string) bool { return input != "" && sameFile(o.file, input) }) {
			return usage("-o %s would overwrite what is being read: name another file", o.file)
		}
	}
	return nil
}

// extFormat returns the format of a file by its name; "" if that does not tell.
func extFormat(file string) string {
	for _, f := range formats {
		if ext := filepath.Ext(file); ext != "" && ext == f.ext {
			return f.name
		}
	}
	return ""
}

// readSourceMap reads --source-map, if it is given. Templates are read from the working directory, where a pipeline has its repository.
func readSourceMap(name string, outs []output) (*report.SourceMap, error) {
	if name == "" {
		return nil, nil
	}
	if !slices.ContainsFunc(outs, func(o output) bool { return o.format == "sarif" }) {
		return nil, usage("--source-map is for SARIF: add -o sarif=FILE, or leave it out")
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, usage("the source map %s cannot be read: %s", name, osText(err))
	}
	m, err := report.ParseSourceMap(data, os.DirFS("."))
	if err != nil {
		return nil, usage("the source map %s is wrong: %s", name, err)
	}
	return m, nil
}

// write writes a report to all its outputs, as far as they can be written, until the context ends. That a reader of standard output has gone is no error.
func write(ctx context.Context, r *report.Report, outs []output, style report.Style, stdout io.Writer) error {
	var wrong []string
	for _, o := range outs {
		if o.file == "" {
			if err := render(r, o.format, style, until{ctx, nil, stdout}); err != nil && !errors.Is(err, syscall.EPIPE) {
				wrong = append(wrong, fmt.Sprintf("writing to standard output: %s", osText(err)))
			}
			continue
		}
		plain := style
		plain.Color, plain.Width = false, 0
		if err := atomically(o.file, 0o644, func(w io.Writer) error { return render(r, o.format, plain, until{ctx, nil, w}) }); err != nil {
			wrong = append(wrong, fmt.Sprintf("writing %s: %s", o.file, osText(err)))
		}
	}
	if len(wrong) > 0 {
		return failed("%s", strings.Join(wrong, "\nscanner: "))
	}
	return nil
}

func render(r *report.Report, format string, style report.Style, w io.Writer) error {
	for _, f := range formats {
		if f.name == format && f.write != nil {
			return f.write(r, w)
		}
	}
	return r.Table(w, style)
}

// atomically writes a file as a whole or not at all. A device, a pipe or the like is written to, not replaced.
func atomically(name string, mode os.FileMode, write func(io.Writer) error) error {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return cmp.Or(write(f), f.Close())
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // if it is still there
	err = write(f)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	return err
}

// osText is what the operating system says, without the name of the temporary file.
func osText(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	return err.Error()
}

// shellWord is a file name as one writes it on a command line.
func shellWord(name string) string {
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@:,") == "" {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}

// styleOf looks at where standard output goes.
func styleOf(stdout io.Writer) (style report.Style) {
	if f, ok := stdout.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		style.Color = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			style.Width = width
		}
	}
	return style
}
