package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"awsscanner/internal/report"
)

// What --redact hides is nowhere in a report, in whatever form, and findings keep their fingerprints.
func TestRedact(t *testing.T) {
	every := []string{"scan", "--demo", "--no-save", "--status", "pass,fail,not-applicable,not-assessed"}
	read := func(args ...string) (findings []report.Finding) {
		var r struct{ Results []report.Finding }
		if err := json.Unmarshal(stdout(t, append(args, "-o", "json")...), &r); err != nil {
			t.Fatal(err)
		}
		return r.Results
	}
	whole := read(every...)
	redacted := read(append(every, "--redact", "accounts,names")...)
	if len(whole) != len(redacted) || len(whole) < 100 {
		t.Fatalf("%d results, %d redacted", len(whole), len(redacted))
	}
	names := map[string]bool{}
	for i, x := range whole {
		y := redacted[i]
		if x.Fingerprint != y.Fingerprint || x.Identity != y.Identity || x.Status != y.Status || x.Severity != y.Severity || x.Rule != y.Rule {
			t.Errorf("%s on %s became %s on %s", x.Rule, x.Resource.ID, y.Rule, y.Resource.ID)
		}
		if x.Resource.Kind != "AWS::::Account" && x.Resource.Kind != "AWS::::Region" && x.Resource.ID != "*" {
			for _, name := range []string{x.Resource.ID, x.Resource.Name, x.Resource.ARN} {
				if strings.ContainsAny(name, "0123456789-_./:") { // others are ordinary words, which rules say too
					names[name] = true
				}
			}
		}
	}
	account := regexp.MustCompile(`\b(111122223333|999988887777)\b`)
	for _, output := range formatNames() {
		args := append(every, "--all", "-o", output)
		all := string(stdout(t, append(args, "--redact", "accounts,names")...))
		for name := range names {
			if strings.Contains(all, name) {
				t.Errorf("%s has %s", output, name)
			}
		}
		for _, text := range []string{all, string(stdout(t, append(args, "--redact", "accounts")...))} {
			if id := account.FindString(text); id != "" {
				t.Errorf("%s has the account %s", output, id)
			}
		}
		if text := string(stdout(t, append(args, "--redact", "names")...)); !account.MatchString(text) {
			t.Errorf("%s hides accounts although only names are to be hidden", output)
		}
	}
}
