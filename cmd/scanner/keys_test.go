package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"awsscanner/internal/report"
)

var updateKeys = flag.Bool("update-keys", false, "add new findings to testdata/keys.tsv")

// TestKeys holds fingerprints and identities fixed from release to release: baselines, waivers and histories are made of them. A finding
// of the demo account that has been listed keeps its keys; new ones are added.
func TestKeys(t *testing.T) {
	const file = "testdata/keys.tsv"
	var r struct{ Results []report.Finding }
	if err := json.Unmarshal(stdout(t, "scan", "--demo", "--no-save", "--ruleset", "optional", "-o", "json"), &r); err != nil {
		t.Fatal(err)
	}
	now := map[string]string{}
	for _, f := range r.Results {
		m := f.Resource
		name := fmt.Sprintf("%s\t%s\t%s\t%s", f.Rule, m.Account, m.Region, m.ID)
		if now[name] != "" {
			t.Errorf("there are two results of %s", name)
		}
		now[name] = f.Fingerprint + "\t" + f.Identity
	}
	text, err := os.ReadFile(file)
	if err != nil && !*updateKeys {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		lines = append(lines, strings.TrimSuffix(line, "\n"))
	}
	known := map[string]bool{}
	for i, line := range lines {
		parts := strings.Split(line, "\t")
		if len(parts) != 6 {
			t.Fatalf("line %d has %d columns", i+1, len(parts))
		}
		name, keys := strings.Join(parts[:4], "\t"), strings.Join(parts[4:], "\t")
		known[name] = true
		switch now[name] {
		case keys:
		case "":
			t.Errorf("the demo account has no result of %s any more: take the line out only if the recording has changed", name)
		default:
			t.Errorf("the keys of %s were %s and are %s: they are final", name, keys, now[name])
		}
	}
	for name, keys := range now {
		if !known[name] {
			if !*updateKeys {
				t.Errorf("%s is new: run go test ./cmd/scanner -run TestKeys -update-keys", name)
			}
			lines = append(lines, name+"\t"+keys)
		}
	}
	if *updateKeys {
		slices.Sort(lines)
		if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
