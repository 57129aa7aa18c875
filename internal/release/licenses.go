package release

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A Module is a module that is linked, or the standard library of Go, with the licences of its linked packages.
type Module struct {
	Path  string
	SPDX  []string // the names of the licences
	Files []File
}

// A File is a licence or a notice of a module.
type File struct{ Name, Text string }

// Modules returns what a package links on any of some platforms beside its own module, by path.
func Modules(ctx context.Context, dir, pkg string, platforms []Platform) ([]Module, error) {
	found := map[string]*Module{}
	seen := map[string]bool{} // directories
	for _, p := range platforms {
		c := exec.CommandContext(ctx, "go", "list", "-deps", "-json=ImportPath,Dir,Standard,Module", pkg)
		c.Dir, c.Env = dir, p.env()
		out, err := output(c)
		if err != nil {
			return nil, fmt.Errorf("listing what %s links for %s: %w", pkg, p, err)
		}
		for d := json.NewDecoder(bytes.NewReader(out)); ; {
			var in struct {
				ImportPath, Dir string
				Standard        bool
				Module          *struct {
					Path, Dir string
					Main      bool
				}
			}
			if err := d.Decode(&in); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return nil, fmt.Errorf("reading what go list says: %w", err)
			}
			// Its Root would not do: of what the standard library has in vendor that is the module of the same name, if there is one.
			path, root := standardLibrary, strings.TrimSuffix(in.Dir, filepath.FromSlash("/src/"+in.ImportPath))
			if !in.Standard {
				if in.Module.Main {
					continue
				}
				path, root = in.Module.Path, in.Module.Dir
			}
			m := found[path]
			if m == nil {
				m = &Module{Path: path}
				found[path] = m
			}
			// The licence of a package lies in its directory, or above.
			for at := in.Dir; ; at = filepath.Dir(at) {
				if !seen[at] {
					seen[at] = true
					if err := m.read(root, at); err != nil {
						return nil, err
					}
				}
				if at == root || len(at) <= len(root) {
					break
				}
			}
		}
	}
	all := make([]Module, 0, len(found))
	for _, path := range slices.Sorted(maps.Keys(found)) {
		m := found[path]
		slices.SortFunc(m.Files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
		slices.Sort(m.SPDX)
		m.SPDX = slices.Compact(m.SPDX)
		if len(m.SPDX) == 0 {
			return nil, fmt.Errorf("%s has no licence that is known here: look at it, and tell spdx of it", path)
		}
		all = append(all, *m)
	}
	return all, nil
}

// standardLibrary is how go version -m and package URLs call it.
const standardLibrary = "std"

var legal = regexp.MustCompile(`(?i)^(licen[cs]e|notice|copying|patents)(\.(txt|md))?$`)

// read reads the licences in one directory of a module.
func (m *Module) read(root, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("looking for licences of %s: %w", m.Path, err)
	}
	for _, e := range entries {
		if e.IsDir() || !legal.MatchString(e.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return fmt.Errorf("reading a licence of %s: %w", m.Path, err)
		}
		name, err := filepath.Rel(root, filepath.Join(dir, e.Name()))
		if err == nil && !filepath.IsLocal(name) { // or files would tell where they were made, and be others elsewhere
			err = fmt.Errorf("the licence %s of %s does not lie in %s", e.Name(), m.Path, root)
		}
		if err != nil {
			return err
		}
		plain := strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")) + "\n"
		m.Files = append(m.Files, File{filepath.ToSlash(name), plain})
		m.SPDX = append(m.SPDX, spdx(plain)...)
	}
	return nil
}

// spdx returns the names of the licences that a text holds, by sentences that only they have.
func spdx(text string) (names []string) {
	text = strings.Join(strings.Fields(text), " ")
	for name, sentence := range map[string]string{
		"Apache-2.0": "Apache License Version 2.0",
		"MIT":        "Permission is hereby granted, free of charge, to any person obtaining a copy",
		"ISC":        "Permission to use, copy, modify, and/or distribute this software for any purpose",
		"MPL-2.0":    "Mozilla Public License Version 2.0",
	} {
		if strings.Contains(text, sentence) {
			names = append(names, name)
		}
	}
	if _, after, ok := strings.Cut(text, "Redistribution and use in source and binary forms, with or without modification, are permitted"); ok {
		name := "BSD-2-Clause"
		if regexp.MustCompile(`Neither the names? of|The names? of .{1,80} may not be used to endorse`).MatchString(after) {
			name = "BSD-3-Clause"
		}
		names = append(names, name)
	}
	return names
}

// Licenses writes the licences of a program and of what it links: each text once, with the modules that have it.
func Licenses(own string, modules []Module) string {
	of := map[string][]string{}
	var texts []string // in the order of the modules
	for _, m := range modules {
		for _, f := range m.Files {
			if of[f.Text] == nil {
				texts = append(texts, f.Text)
			}
			of[f.Text] = append(of[f.Text], fmt.Sprintf("%s (%s)", cmp.Or(names[m.Path], m.Path), f.Name))
		}
	}
	var b strings.Builder
	b.WriteString(own)
	for _, text := range texts {
		fmt.Fprintf(&b, "\n%s\n%s\n%s\n\n%s", line, strings.Join(of[text], "\n"), line, text)
	}
	return b.String()
}

var (
	line  = strings.Repeat("=", 80)
	names = map[string]string{standardLibrary: "the Go standard library and runtime"}
)

// LicensesOf returns the text that all binaries of a package carry.
func LicensesOf(ctx context.Context, dir, pkg string) (string, error) {
	own, err := os.ReadFile(filepath.Join(dir, "NOTICE"))
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(dir, "LICENSE"))
	if err != nil {
		return "", err
	}
	modules, err := Modules(ctx, dir, pkg, Platforms)
	if err != nil {
		return "", err
	}
	return Licenses(string(own)+"\n"+string(text), modules), nil
}
