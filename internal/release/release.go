// Package release builds the scanner for people to download: static binaries, archives, bills of materials and checksums.
// The same commit and the same Go give the same bytes, wherever and whenever it is built.
package release

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A Platform is an operating system and an architecture, as Go calls them.
type Platform struct{ OS, Arch string }

func (p Platform) String() string { return p.OS + "/" + p.Arch }

// Platforms are those that are released.
var Platforms = []Platform{{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"}, {"windows", "arm64"}}

// ParsePlatforms reads platforms out of words such as linux/amd64.
func ParsePlatforms(words string) (all []Platform, err error) {
	for word := range strings.FieldsSeq(strings.ReplaceAll(words, ",", " ")) {
		os, arch, _ := strings.Cut(word, "/")
		p := Platform{os, arch}
		if !slices.Contains(Platforms, p) {
			return nil, fmt.Errorf("%s is not released: use some of %s", word, list(Platforms))
		}
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	if all == nil {
		return nil, fmt.Errorf("there is no platform: use some of %s", list(Platforms))
	}
	return all, nil
}

func list(platforms []Platform) string {
	var words []string
	for _, p := range platforms {
		words = append(words, p.String())
	}
	return strings.Join(words, ", ")
}

// env is the environment in which Go works for a platform. What else may change the output is set, too.
func (p Platform) env() []string {
	return append(os.Environ(), "GOOS="+p.OS, "GOARCH="+p.Arch, "CGO_ENABLED=0", "GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=", "GOEXPERIMENT=", "GOWORK=off")
}

// A Release says what is built, and where to.
type Release struct {
	Dir       string // of the module
	Package   string // what is built
	Name      string // of the program
	Version   string
	Platforms []Platform
	Out       string            // an empty directory, or one that does not exist
	Files     map[string]string // what else goes into archives: name there, and where it is
	Log       io.Writer
}

var versionWord = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+-]*$`)

// Build builds all. Checksums are of all that is in the directory in the end.
func (r *Release) Build(ctx context.Context) error {
	if !versionWord.MatchString(r.Version) {
		return fmt.Errorf("the version is %q: use letters, digits, dots, + and -", r.Version)
	}
	modules, err := Modules(ctx, r.Dir, r.Package, r.Platforms)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(r.Out, 0o755); err != nil {
		return err
	}
	for _, p := range r.Platforms {
		began := time.Now()
		base := r.base(p)
		binary := filepath.Join(r.Out, base+p.extension())
		if err := r.Compile(ctx, p, binary); err != nil {
			return err
		}
		compiled := time.Since(began)
		if err := r.bill(binary, filepath.Join(r.Out, base+".cdx.json"), modules); err != nil {
			return err
		}
		archive, size, err := r.pack(p, base, binary)
		if err != nil {
			return err
		}
		info, err := os.Stat(binary)
		if err != nil {
			return err
		}
		fmt.Fprintf(r.Log, "%s: %.1f MB, %s %.1f MB, compiled in %.0f s\n", filepath.Base(binary), float64(info.Size())/1e6, archive, float64(size)/1e6, compiled.Seconds())
	}
	return sums(r.Out)
}

func (r *Release) base(p Platform) string {
	return r.Name + "_" + r.Version + "_" + p.OS + "_" + p.Arch
}

func (p Platform) extension() string {
	if p.OS == "windows" {
		return ".exe"
	}
	return ""
}

// Compile builds a static, stripped binary without any path of this machine.
func (r *Release) Compile(ctx context.Context, p Platform, binary string) error {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return err
	}
	// Go leaves the commit out without a word if it cannot tell: then others, who can, would not build the same.
	vcs := "auto"
	if git, err := os.Stat(filepath.Join(r.Dir, ".git")); err == nil && !git.IsDir() {
		return fmt.Errorf("building for %s: this is a worktree of git, in which Go does not find the commit: build in a clone", p)
	} else if err == nil {
		vcs = "true"
	}
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs="+vcs, "-ldflags=-s -w -X main.version="+r.Version, "-o", binary, r.Package)
	c.Dir, c.Env = r.Dir, p.env()
	if _, err := output(c); err != nil {
		return fmt.Errorf("building for %s: %w", p, err)
	}
	return nil
}

// output runs a command and returns its standard output; an error tells what it said.
func output(c *exec.Cmd) ([]byte, error) {
	out, err := c.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		err = errors.New(strings.TrimSpace(string(exit.Stderr)))
	}
	return out, err
}

// epoch stands for all times in archives; ZIP knows none before.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// An entry is a file of an archive.
type entry struct {
	name, from string
	mode       fs.FileMode
}

// pack writes the archive of a platform: a ZIP for Windows, a compressed tar for others.
func (r *Release) pack(p Platform, base, binary string) (name string, size int64, err error) {
	entries := []entry{{r.Name + p.extension(), binary, 0o755}}
	for name, from := range r.Files {
		entries = append(entries, entry{name, from, 0o644})
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	name, write := base+".tar.gz", tarball
	if p.OS == "windows" {
		name, write = base+".zip", zipped
	}
	var b bytes.Buffer
	if err := write(&b, base, entries); err != nil {
		return name, 0, fmt.Errorf("packing %s: %w", name, err)
	}
	return name, int64(b.Len()), os.WriteFile(filepath.Join(r.Out, name), b.Bytes(), 0o644)
}

func tarball(w io.Writer, dir string, entries []entry) error {
	compressed, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	t := tar.NewWriter(compressed)
	for _, e := range entries {
		text, err := os.ReadFile(e.from)
		if err != nil {
			return err
		}
		h := &tar.Header{Name: path.Join(dir, e.name), Mode: int64(e.mode), Size: int64(len(text)), ModTime: epoch, Format: tar.FormatUSTAR}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.Write(text); err != nil {
			return err
		}
	}
	if err := t.Close(); err != nil {
		return err
	}
	return compressed.Close()
}

func zipped(w io.Writer, dir string, entries []entry) error {
	z := zip.NewWriter(w)
	for _, e := range entries {
		text, err := os.ReadFile(e.from)
		if err != nil {
			return err
		}
		h := &zip.FileHeader{Name: path.Join(dir, e.name), Method: zip.Deflate, Modified: epoch}
		h.SetMode(e.mode)
		f, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := f.Write(text); err != nil {
			return err
		}
	}
	return z.Close()
}

// sums writes SHA256SUMS, as sha256sum -c reads it, of all files under a directory.
func sums(dir string) error {
	const name = "SHA256SUMS"
	var b bytes.Buffer
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || file == filepath.Join(dir, name) {
			return err
		}
		sum, err := sum(file)
		if err != nil {
			return err
		}
		in, err := filepath.Rel(dir, file)
		fmt.Fprintf(&b, "%x  %s\n", sum, filepath.ToSlash(in))
		return err
	})
	if err != nil {
		return fmt.Errorf("adding up %s: %w", dir, err)
	}
	return os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644)
}

func sum(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}
