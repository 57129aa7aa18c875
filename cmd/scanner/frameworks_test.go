package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// standings maps "framework requirement" to its status, as a report on a snapshot tells it.
func standings(t *testing.T, snapshot []byte) map[string]string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "s.jsonl")
	if err := os.WriteFile(file, snapshot, 0o600); err != nil {
		t.Fatal(err)
	}
	var r struct {
		Frameworks []struct {
			ID           string
			Requirements []struct{ ID, Status string }
		}
	}
	if err := json.Unmarshal(stdout(t, "report", file, "--frameworks", "*", "-o", "json"), &r); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range r.Frameworks {
		for _, q := range f.Requirements {
			all[f.ID+" "+q.ID] = q.Status
		}
	}
	return all
}

// Whatever attributes a snapshot loses, no requirement becomes met, nor any other but not assessed.
func TestLessNeverRaisesARequirement(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	file := filepath.Join(t.TempDir(), "demo.jsonl")
	stdout(t, "scan", "--demo", "--save-snapshot", file)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before := standings(t, whole)
	r := rand.New(rand.NewPCG(3, 4))
	always := []string{"kind", "id", "arn", "name", "account", "region", "shared", "gaps", "owner"}
	lowered := 0
	for n := range 12 {
		var less bytes.Buffer
		for line := range bytes.Lines(whole) {
			var fields map[string]json.RawMessage
			if err := json.Unmarshal(line, &fields); err != nil {
				t.Fatal(err)
			}
			if fields["kind"] == nil {
				less.Write(line)
				continue
			}
			for name := range fields {
				if !slices.Contains(always, name) && r.IntN(40) < n*n {
					delete(fields, name)
				}
			}
			kind := fields["kind"] // which comes first
			delete(fields, "kind")
			b, err := json.Marshal(fields)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&less, "{\"kind\":%s,%s\n", kind, b[1:])
		}
		for id, after := range standings(t, less.Bytes()) {
			switch {
			case after == before[id]:
			case after == "not-assessed":
				lowered++
			default:
				t.Errorf("%s was %s and is %s with less", id, before[id], after)
			}
		}
	}
	if lowered == 0 {
		t.Error("what was taken away changed nothing")
	}
}

// Rules say in JSON what they are mapped to.
func TestRuleFrameworks(t *testing.T) {
	var out struct{ Rules []ruleJSON }
	if err := json.Unmarshal(stdout(t, "rules", "list", "--rules", "iam-root-mfa-enabled", "-o", "json"), &out); err != nil || len(out.Rules) != 1 {
		t.Fatalf("%v: %+v", err, out)
	}
	if got := out.Rules[0].Frameworks; !slices.Equal(got["cis-5.0"], []string{"1.4"}) || !slices.Equal(got["cis-3.0"], []string{"1.5"}) || !slices.Equal(got["fsbp"], []string{"IAM.9"}) {
		t.Errorf("iam-root-mfa-enabled is mapped to %v", got)
	}
	var none bytes.Buffer
	if err := showFrameworks(&none, "sqs-queue-in-no-framework"); err != nil || none.Len() > 0 {
		t.Errorf("a rule that is mapped to nothing has %q (%v)", none.String(), err)
	}
}
