package release

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"awsscanner/internal/licenses"
)

// What binaries say about licences is what they link.
func TestLicenses(t *testing.T) {
	want, err := LicensesOf(t.Context(), root, scanner)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := licenses.Write(&got); err != nil {
		t.Fatal(err)
	}
	if got.String() != want {
		t.Error("internal/licenses does not say what is linked: run make licenses")
	}
	for _, part := range []string{"\ngithub.com/aws/aws-sdk-go-v2/service/ec2 (LICENSE.txt)\n", "\ngithub.com/inconshreveable/mousetrap (LICENSE)\n", "\nthe Go standard library and runtime (LICENSE)\n", "Copyright 2014-2015 Stripe, Inc."} {
		if !strings.Contains(want, part) {
			t.Errorf("the licences lack %q", part)
		}
	}
	if strings.Contains(want, "cyclonedx") || strings.Contains(want, "opentelemetry") {
		t.Error("there are licences of what is not linked")
	}
}

// NOTICE repeats the notices of others.
func TestNotice(t *testing.T) {
	own, err := os.ReadFile(filepath.Join(root, "NOTICE"))
	if err != nil {
		t.Fatal(err)
	}
	has := strings.Join(strings.Fields(string(own)), " ")
	modules, err := Modules(t.Context(), root, scanner, Platforms)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, m := range modules {
		for _, f := range m.Files {
			if !strings.HasPrefix(f.Name, "NOTICE") {
				continue
			}
			n++
			for line := range strings.Lines(f.Text) {
				if words := strings.Join(strings.Fields(line), " "); strings.HasPrefix(words, "Copyright") && !strings.Contains(has, words) {
					t.Errorf("NOTICE lacks what %s of %s says: %s", f.Name, m.Path, words)
				}
			}
		}
	}
	if n == 0 {
		t.Error("no module has a notice")
	}
}

func TestSPDX(t *testing.T) {
	const bsd = "Redistribution and use in source and binary forms, with or without\n  modification, are permitted provided that: 1. ..."
	for text, want := range map[string][]string{
		"  Apache License\n   Version 2.0, January 2004": {"Apache-2.0"},
		bsd: {"BSD-2-Clause"},
		bsd + " Neither the name of Google nor the names of its contributors may be used":                                                  {"BSD-3-Clause"},
		bsd + " The names of its contributors may not be used to endorse or promote products":                                              {"BSD-3-Clause"},
		"Permission is hereby granted, free of charge, to any person obtaining a copy\nof this software\n---\nApache License\nVersion 2.0": {"Apache-2.0", "MIT"},
		"Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted":           {"ISC"},
		"Mozilla Public License Version 2.0":         {"MPL-2.0"},
		"All rights reserved. Ask before you use it": nil,
	} {
		got := spdx(text)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

// A text that many have is there once.
func TestLicensesOnce(t *testing.T) {
	text := Licenses("own\n", []Module{
		{Path: "example.com/a", Files: []File{{"LICENSE", "one\n"}, {"x/LICENSE", "two\n"}}},
		{Path: "example.com/b", Files: []File{{"LICENSE", "one\n"}}},
	})
	want := "own\n\n" + line + "\nexample.com/a (LICENSE)\nexample.com/b (LICENSE)\n" + line + "\n\none\n\n" + line + "\nexample.com/a (x/LICENSE)\n" + line + "\n\ntwo\n"
	if text != want {
		t.Errorf("the text is %s", text)
	}
}
