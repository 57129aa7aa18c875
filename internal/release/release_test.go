package release

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/buildinfo"
	"debug/elf"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// git runs git as the same person at the same time, wherever.
func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	c := exec.Command("git", args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_AUTHOR_DATE=2026-01-01T12:00:00Z",
		"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com", "GIT_COMMITTER_DATE=2026-01-01T12:00:00Z")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// hello checks the example out into a directory, as its only commit.
func hello(t *testing.T, dir string) {
	t.Helper()
	if err := os.CopyFS(dir, os.DirFS("testdata/hello")); err != nil {
		t.Fatal(err)
	}
	git(t, dir, "init", "-q", "-b", "main")
	git(t, dir, "add", ".")
	git(t, dir, "commit", "-q", "-m", "first")
}

var two = []Platform{{"linux", "amd64"}, {"windows", "arm64"}}

// builtTwice builds the example in two places and returns the places of the output. The second time nothing is at hand that was compiled before.
func builtTwice(t *testing.T) (out [2]string) {
	t.Helper()
	for i, dir := range []string{filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "elsewhere", "and", "deeper")} {
		hello(t, dir)
		if i == 1 {
			t.Setenv("GOCACHE", t.TempDir())
		}
		notice := filepath.Join(dir, "main.go")
		if err := os.Chtimes(notice, time.Time{}, time.Unix(int64(i)*1e9, 0)); err != nil {
			t.Fatal(err)
		}
		out[i] = filepath.Join(dir, "dist")
		var log bytes.Buffer
		r := &Release{Dir: dir, Package: ".", Name: "hello", Version: "1.2.3", Platforms: two, Out: out[i], Files: map[string]string{"source/main.go": notice}, Log: &log}
		if err := r.Build(t.Context()); err != nil {
			t.Fatal(err)
		}
		if strings.Count(log.String(), "\n") != len(two) {
			t.Errorf("the log is %q", log.String())
		}
	}
	return out
}

// files returns what is in a directory, by name.
func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		in, _ := filepath.Rel(dir, name)
		all[in], err = os.ReadFile(name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Two builds of one commit, in two directories, are the same to the byte, in all that is released.
func TestReproducible(t *testing.T) {
	out := builtTwice(t)
	one, other := files(t, out[0]), files(t, out[1])
	want := []string{
		"SHA256SUMS",
		"hello_1.2.3_linux_amd64", "hello_1.2.3_linux_amd64.cdx.json", "hello_1.2.3_linux_amd64.tar.gz",
		"hello_1.2.3_windows_arm64.cdx.json", "hello_1.2.3_windows_arm64.exe", "hello_1.2.3_windows_arm64.zip",
	}
	var names []string
	for name, text := range one {
		names = append(names, name)
		if !bytes.Equal(text, other[name]) {
			t.Errorf("%s differs", name)
		}
		if bytes.Contains(text, []byte(filepath.Dir(out[0]))) {
			t.Errorf("%s says where it was built", name)
		}
	}
	slices.Sort(names)
	if !slices.Equal(names, want) || len(other) != len(want) {
		t.Errorf("there is %s, want %s", names, want)
	}

	t.Run("sums", func(t *testing.T) {
		var sums strings.Builder
		for _, name := range names[1:] {
			fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(one[name]), name)
		}
		if got := string(one["SHA256SUMS"]); got != sums.String() {
			t.Errorf("the sums are %s, want %s", got, sums.String())
		}
	})
	t.Run("binary", func(t *testing.T) {
		binary := filepath.Join(out[0], names[1])
		info, err := buildinfo.ReadFile(binary)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, s := range info.Settings {
			got[s.Key] = s.Value
		}
		if got["-trimpath"] != "true" || got["CGO_ENABLED"] != "0" || len(got["vcs.revision"]) != 40 || got["vcs.modified"] != "false" {
			t.Errorf("it was built with %v", got)
		}
		f, err := elf.Open(binary)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if f.Section(".interp") != nil || f.Section(".symtab") != nil || f.Section(".debug_info") != nil {
			t.Error("it is not static, or not stripped")
		}
		if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
			return
		}
		if said, err := exec.Command(binary).CombinedOutput(); err != nil || string(said) != "hello 1.2.3\n" {
			t.Errorf("it says %q, %v", said, err)
		}
	})
	t.Run("archives", func(t *testing.T) {
		source := string(one[names[1]])
		in := untar(t, one["hello_1.2.3_linux_amd64.tar.gz"])
		if len(in) != 2 || in["hello_1.2.3_linux_amd64/hello -rwxr-xr-x"] != source || in["hello_1.2.3_linux_amd64/source/main.go -rw-r--r--"] == "" {
			t.Errorf("the tar has %d entries, or others", len(in))
		}
		in = unzip(t, one["hello_1.2.3_windows_arm64.zip"])
		if len(in) != 2 || in["hello_1.2.3_windows_arm64/hello.exe -rwxr-xr-x"] != string(one["hello_1.2.3_windows_arm64.exe"]) || in["hello_1.2.3_windows_arm64/source/main.go -rw-r--r--"] == "" {
			t.Errorf("the ZIP has %d entries, or others", len(in))
		}
	})
	t.Run("bills", func(t *testing.T) {
		schema := billSchema(t)
		for name, text := range one {
			if strings.HasSuffix(name, ".cdx.json") {
				validate(t, schema, text)
			}
		}
	})
}

func untar(t *testing.T, text []byte) map[string]string {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		in, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if !h.ModTime.Equal(epoch) || h.Uid+h.Gid > 0 || h.Uname+h.Gname != "" {
			t.Errorf("%s says when and who: %v", h.Name, h)
		}
		all[h.Name+" "+h.FileInfo().Mode().String()] = string(in)
	}
}

func unzip(t *testing.T, text []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		in, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if !f.Modified.Equal(epoch) {
			t.Errorf("%s says when: %v", f.Name, f.Modified)
		}
		all[f.Name+" "+f.Mode().String()] = string(in)
	}
	return all
}

// What cannot be released is refused before anything is compiled.
func TestRefused(t *testing.T) {
	for version, why := range map[string]string{"": "the version is", "1/2": "the version is", "-x": "the version is", "a b": "the version is"} {
		out := filepath.Join(t.TempDir(), "dist")
		r := &Release{Dir: "testdata/hello", Package: ".", Name: "hello", Version: version, Platforms: two, Out: out, Log: io.Discard}
		if err := r.Build(t.Context()); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("version %q: %v", version, err)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("version %q: something is written", version)
		}
	}
}

// Go says nothing of the commit in a worktree, and does not say so.
func TestWorktreeRefused(t *testing.T) {
	clone, tree := filepath.Join(t.TempDir(), "clone"), filepath.Join(t.TempDir(), "tree")
	hello(t, clone)
	git(t, clone, "worktree", "add", "-q", tree)
	r := &Release{Dir: tree, Package: ".", Name: "hello", Version: "1", Platforms: two, Out: filepath.Join(tree, "dist"), Log: io.Discard}
	if err := r.Build(t.Context()); err == nil || !strings.Contains(err.Error(), "this is a worktree of git") {
		t.Errorf("a worktree: %v", err)
	}
}

func TestParsePlatforms(t *testing.T) {
	for words, want := range map[string]string{
		"linux/amd64":                            "linux/amd64",
		"darwin/arm64, linux/amd64 darwin/arm64": "darwin/arm64, linux/amd64",
	} {
		if got, err := ParsePlatforms(words); err != nil || list(got) != want {
			t.Errorf("%q is %s, %v; want %s", words, list(got), err, want)
		}
	}
	for words, why := range map[string]string{"": "there is no platform", "linux": "linux is not released", "plan9/amd64": "plan9/amd64 is not released: use some of linux/amd64, "} {
		if got, err := ParsePlatforms(words); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q is %v, %v", words, got, err)
		}
	}
}

func TestVersion(t *testing.T) {
	dir := t.TempDir()
	if _, err := Version(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "give one with -version") {
		t.Errorf("without a repository: %v", err)
	}
	hello(t, dir)
	version := func() string {
		t.Helper()
		v, err := Version(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if got := version(); !strings.HasPrefix(got, unreleased+"+") || len(got) != len(unreleased)+13 || !versionWord.MatchString(got) {
		t.Errorf("without a tag it is %s", got)
	}
	git(t, dir, "tag", "vacation")
	git(t, dir, "tag", "v0.2.0-rc.1")
	if got := version(); got != "0.2.0-rc.1" {
		t.Errorf("with a tag it is %s", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "new"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Version(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "changes that are not committed") {
		t.Errorf("with changes it is %s, %v", got, err)
	}
}
