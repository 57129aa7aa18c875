package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```")

// Every file of settings or waivers that is documented is one that the scanner takes.
func TestDocumentedFiles(t *testing.T) {
	texts := documents(t)
	t.Chdir(t.TempDir())
	if err := os.WriteFile("waivers.yaml", []byte("[]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := 0
	for name, text := range texts {
		if base := filepath.Base(name); base != "configuration.md" && base != "waivers.md" && base != "notifications.md" {
			continue
		}
		for _, m := range yamlBlock.FindAllStringSubmatch(text, -1) {
			n++
			args := []string{"config", "check", "x.yaml"}
			if strings.HasPrefix(m[1], "- ") {
				args = []string{"waivers", "lint", "x.yaml"}
			}
			if err := os.WriteFile("x.yaml", []byte(m[1]), 0o600); err != nil {
				t.Fatal(err)
			}
			var out, stderr bytes.Buffer
			if code := run(t.Context(), args, &out, &stderr); code != 0 || stderr.Len() > 0 {
				t.Errorf("%s: %s of\n%s", filepath.Base(name), stderr.String(), m[1])
			}
		}
	}
	if n < 7 {
		t.Errorf("there are only %d", n)
	}
}

const emptyBaseline = `{"schema":"scanner.baseline/v1","tool":"1","scan":"x","started":"2026-01-01T12:00:00Z","read":[{"account":"111122223333","region":"eu-west-1"}],
"rules":[{"id":"sqs-queue-dead-letter-queue","version":0}],"blind":[],"findings":[],"mended":[]}`

// The example is right with each of its groups, as it is and without its comment signs.
func TestExampleConfig(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"waivers.yaml": "[]\n", "baseline.json": emptyBaseline} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	groups := strings.Split(string(exampleConfig), "\n\n")
	whole := ""
	for _, group := range groups {
		text := group + "\n"
		if !strings.HasPrefix(group, "# Whose accounts") { // roles and an organization exclude each other
			text = regexp.MustCompile(`(?m)^# ( |[a-z_]+:)`).ReplaceAllString(text, "$1")
		}
		whole += text
	}
	if err := os.WriteFile("scanner.yaml", []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, stderr bytes.Buffer
	if code := run(t.Context(), []string{"config", "check"}, &out, &stderr); code != 0 || stderr.Len() > 0 || !strings.Contains(out.String(), "no mistake") {
		t.Errorf("ends with %d: %s in\n%s", code, stderr.String(), whole)
	}
}
