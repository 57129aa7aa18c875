// Command make builds a release into a directory: see docs/release.md. With -licenses it writes instead the licences that binaries carry.
//
//	go run ./internal/release/make [-version V] [-platforms linux/amd64,...] [-out dist]
//	go run ./internal/release/make -licenses internal/licenses/licenses.txt.gz
package main

import (
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"

	"awsscanner/internal/release"
)

func main() {
	version := flag.String("version", "", "of the release; without it the tag of the commit, or the next version and the commit")
	platforms := flag.String("platforms", "", "for example linux/amd64,darwin/arm64; all without it")
	out := flag.String("out", "dist", "the directory, which must be empty or not be there")
	licenses := flag.String("licenses", "", "write the licences to this file, and build nothing")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := errors.New("it takes no argument but flags")
	switch {
	case flag.NArg() > 0:
	case *licenses != "":
		err = writeLicenses(ctx, *licenses)
	default:
		err = build(ctx, *version, *platforms, *out)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "make:", err)
		os.Exit(1)
	}
}

const scanner = "./cmd/scanner"

// build builds the scanner, and what it says about itself: manual pages and completions.
func build(ctx context.Context, version, platforms, out string) (err error) {
	r := &release.Release{Dir: ".", Package: scanner, Name: "scanner", Version: version, Platforms: release.Platforms, Out: out, Log: os.Stdout}
	if platforms != "" {
		if r.Platforms, err = release.ParsePlatforms(platforms); err != nil {
			return err
		}
	}
	if r.Version == "" {
		if r.Version, err = release.Version(ctx, "."); err != nil {
			return err
		}
	}
	if found, err := os.ReadDir(out); err == nil && len(found) > 0 {
		return fmt.Errorf("%s is not empty: remove it, or name another directory with -out", out)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// One that runs here tells about itself; the build cache keeps what it shares with the others.
	here := filepath.Join(os.TempDir(), fmt.Sprintf("scanner-release-%d", os.Getpid()))
	defer os.Remove(here)
	if err := r.Compile(ctx, release.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH}, here); err != nil {
		return err
	}
	man, completions := filepath.Join(out, "man"), filepath.Join(out, "completions")
	for _, dir := range []string{man, completions} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if text, err := exec.CommandContext(ctx, here, "man", man).CombinedOutput(); err != nil {
		return fmt.Errorf("writing manual pages: %w: %s", err, text)
	}
	for shell, name := range map[string]string{"bash": "scanner.bash", "zsh": "_scanner", "fish": "scanner.fish", "powershell": "scanner.ps1"} {
		text, err := exec.CommandContext(ctx, here, "completion", shell).Output()
		if err != nil {
			return fmt.Errorf("writing completions for %s: %w", shell, err)
		}
		if err := os.WriteFile(filepath.Join(completions, name), text, 0o644); err != nil {
			return err
		}
	}
	r.Files = map[string]string{"LICENSE": "LICENSE", "NOTICE": "NOTICE", "README.md": "README.md", "CHANGELOG.md": "CHANGELOG.md"}
	for _, dir := range []string{man, completions} {
		found, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, f := range found {
			r.Files[filepath.Base(dir)+"/"+f.Name()] = filepath.Join(dir, f.Name())
		}
	}
	return r.Build(ctx)
}

// writeLicenses writes the licences of all that any released binary links.
func writeLicenses(ctx context.Context, name string) error {
	text, err := release.LicensesOf(ctx, ".", scanner)
	if err != nil {
		return err
	}
	var b strings.Builder
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write([]byte(text)); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(b.String()), 0o644)
}
