package frameworks

import (
	"bufio"
	"bytes"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"awsscanner/internal/engine"
	"awsscanner/rules"
)

func all(t *testing.T) []*Framework {
	t.Helper()
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAll(t *testing.T) {
	want := strings.Fields("aws-well-architected cis-3.0 cis-5.0 fedramp-high fedramp-low fedramp-moderate fsbp hipaa iso27001-2022 nist-800-53-r5 pci-4.0 soc2")
	if got := IDs(); !slices.Equal(got, want) {
		t.Errorf("frameworks %v, want %v", got, want)
	}
	exists := map[string]bool{}
	for i := range rules.All {
		exists[rules.All[i].ID] = true
	}
	for i, f := range all(t) {
		if f.ID != want[i] {
			t.Errorf("%s.json has the ID %s", want[i], f.ID)
		}
		if !strings.HasSuffix(f.Provenance, "A mapping, not a certification.") || f.SubsetOf == "" && !strings.Contains(f.Provenance, "Titles are our own words") {
			t.Errorf("%s does not say where it comes from: %s", f.ID, f.Provenance)
		}
		mapped := false
		for _, r := range f.Requirements {
			mapped = mapped || len(r.Rules) > 0
			if len(r.Title) > 90 {
				t.Errorf("%s %s: the title has %d characters", f.ID, r.ID, len(r.Title))
			}
			for _, rule := range r.Rules {
				if !exists[rule] {
					t.Errorf("%s %s: there is no rule %s", f.ID, r.ID, rule)
				}
			}
		}
		if !mapped {
			t.Errorf("%s has no rule", f.ID)
		}
	}
	for id, n := range map[string]int{"cis-5.0": 63, "cis-3.0": 62} { // all items of the benchmarks
		if f, err := Load(id); err != nil || len(f.Requirements) != n {
			t.Errorf("%s has %d requirements, want %d (%v)", id, len(f.Requirements), n, err)
		}
	}
	practice := regexp.MustCompile(`^[A-Z]+\d\d-BP\d\d$`)
	if f, err := Load("aws-well-architected"); err != nil || len(slices.DeleteFunc(f.Requirements, func(r Requirement) bool { return !practice.MatchString(r.ID) })) != 307 {
		t.Errorf("the Well-Architected Framework does not have 307 best practices (%v)", err)
	}
	if _, err := Load("cis-9.9"); err == nil {
		t.Error("cis-9.9 is loaded")
	}
}

// Each file has one requirement a line, so that a change of the mapping is easy to review.
func TestLines(t *testing.T) {
	for _, id := range IDs() {
		b, err := files.ReadFile(id + ".json")
		if err != nil {
			t.Fatal(err)
		}
		f, err := parse(b)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for line := range bytes.Lines(b) {
			if bytes.HasPrefix(line, []byte("  ")) {
				n++
			}
		}
		if want := len(f.Requirements) + len(f.Subset); n != want {
			t.Errorf("%s: %d lines of %d requirements", id, n, want)
		}
	}
}

// A recommended rule is mapped, or stands among those that belong to no requirement.
func TestRecommendedRulesAreMapped(t *testing.T) {
	file, err := os.Open("testdata/unmapped.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unmapped := map[string]bool{}
	for s := bufio.NewScanner(file); s.Scan(); {
		if line := s.Text(); !strings.HasPrefix(line, "#") {
			unmapped[line] = true
		}
	}
	frameworks := all(t)
	for i := range rules.All {
		r := &rules.All[i]
		mapped := slices.ContainsFunc(frameworks, func(f *Framework) bool { return f.Has(r.ID) })
		switch {
		case mapped && unmapped[r.ID]:
			t.Errorf("%s is mapped: take it out of testdata/unmapped.txt", r.ID)
		case !mapped && !unmapped[r.ID] && r.Level == engine.Recommended:
			t.Errorf("%s is in no framework: map it in frameworks/*.json, or add it to testdata/unmapped.txt", r.ID)
		}
		delete(unmapped, r.ID)
	}
	for id := range unmapped {
		t.Errorf("testdata/unmapped.txt has %s, which is no rule", id)
	}
}

// These frameworks ask for more than rules can see: without a reason a requirement would be met as soon as its rules pass.
func TestRulesProveLittle(t *testing.T) {
	for _, f := range all(t) {
		if f.ID == "fsbp" || strings.HasPrefix(f.ID, "cis-") { // which ask for settings, one by one
			continue
		}
		for _, r := range f.Requirements {
			if len(r.Rules) > 0 && r.Reason == "" {
				t.Errorf("%s %s: it needs a reason, which says what its rules do not see", f.ID, r.ID)
			}
		}
	}
}

// rows reads a table of testdata.
func rows(t *testing.T, name string, columns int) (all [][]string) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		row := strings.Split(strings.TrimSuffix(line, "\n"), "|")
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
		if len(row) != columns {
			t.Fatalf("%s: %d columns, want %d: %s", name, len(row), columns, line)
		}
		all = append(all, row)
	}
	return all
}

// What AWS relates to the controls of Security Hub is taken over, or there is a reason why not.
func TestSecurityHub(t *testing.T) {
	fsbp, err := Load("fsbp")
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]bool{} // framework, requirement, control: not taken over
	for _, row := range rows(t, "not-taken.txt", 4) {
		if row[3] == "" {
			t.Errorf("not-taken.txt: %s %s has no reason", row[0], row[1])
		}
		for _, control := range strings.Fields(row[2]) {
			left[row[0]+" "+row[1]+" "+control] = true
		}
	}
	for _, row := range rows(t, "securityhub.txt", 6) {
		control, mapped := row[0], strings.Fields(row[1])
		for _, r := range fsbp.Requirements {
			if r.ID == control {
				mapped = append(mapped, r.Rules...)
			}
		}
		if len(mapped) == 0 {
			t.Errorf("securityhub.txt: no rule checks %s", control)
		}
		for i, id := range []string{"nist-800-53-r5", "pci-4.0", "cis-3.0", "cis-5.0"} {
			f, err := Load(id)
			if err != nil {
				t.Fatal(err)
			}
			for _, requirement := range strings.Fields(row[i+2]) {
				lacks := slices.ContainsFunc(mapped, func(rule string) bool { return !slices.Contains(f.Of(rule), requirement) })
				key := id + " " + requirement + " " + control
				switch {
				case lacks && !left[key]:
					t.Errorf("%s %s: AWS relates %s to it: map %s, or say in testdata/not-taken.txt why not", id, requirement, control, strings.Join(mapped, " and "))
				case !lacks && left[key]:
					t.Errorf("testdata/not-taken.txt: %s %s has taken over %s", id, requirement, control)
				}
				delete(left, key)
			}
		}
	}
	for key := range left {
		t.Errorf("testdata/not-taken.txt has %s, which AWS does not relate", key)
	}
}

func TestFedRAMP(t *testing.T) {
	nist, err := Load("nist-800-53-r5")
	if err != nil {
		t.Fatal(err)
	}
	larger := nist.Requirements
	for _, id := range []string{"fedramp-high", "fedramp-moderate", "fedramp-low"} {
		f, err := Load(id)
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Requirements) == 0 || len(f.Requirements) >= len(larger) {
			t.Errorf("%s has %d requirements of %d", id, len(f.Requirements), len(larger))
		}
		for _, r := range f.Requirements {
			if !slices.ContainsFunc(larger, func(l Requirement) bool { return reflect.DeepEqual(l, r) }) {
				t.Errorf("%s has %s, which the next larger list lacks or tells otherwise", id, r.ID)
			}
		}
		larger = f.Requirements
	}
}

func TestParse(t *testing.T) {
	file := func(rest string) string {
		return `{"id":"x","title":"X","version":"1","provenance":"ours",` + rest + `}`
	}
	list := func(requirements string) string { return file(`"requirements":[` + requirements + `]`) }
	for text, want := range map[string]string{
		list(`{"id":"1.9","title":"A","rules":["a-1","a-2"]},{"id":"1.10","title":"B"},{"id":"2","title":"C","automated":false,"reason":"people"}`): "",
		list(`{"id":"1","title":"A","rules":["a"],"reason":"not all of it"}`):                                                                       "",
		file(`"subsetOf":"y","subset":["1","2"]`):                                                                                                   "",
		`{"id":"x"}`:              "id, title, version or provenance is missing",
		file(`"requirements":[]`): "it must have either requirements or a subset of another framework",
		file(`"subsetOf":"y"`):    "it must have either requirements or a subset of another framework",
		file(`"subset":["1"],"requirements":[{"id":"1","title":"A"}]`):              "it must have either requirements or a subset of another framework",
		file(`"subsetOf":"y","subset":["1","1"]`):                                   "requirement 1 stands after 1",
		list(`{"id":"1","title":"A"},{"id":"1","title":"B"}`):                       "requirement 1 stands after 1",
		list(`{"id":"1.10","title":"A"},{"id":"1.9","title":"B"}`):                  "requirement 1.9 stands after 1.10",
		list(`{"id":"1","title":"A","rules":["a","a"]}`):                            "requirement 1: rule a stands after a",
		list(`{"id":"1","title":"A."}`):                                             "requirement 1: it needs an id, and a title without a full stop",
		list(`{"id":"1","title":"A","automated":false}`):                            "requirement 1: what cannot be automated has automated false, a reason, and no rules",
		list(`{"id":"1","title":"A","automated":true,"reason":"B"}`):                "requirement 1: what cannot be automated has automated false, a reason, and no rules",
		list(`{"id":"1","title":"A","automated":false,"reason":"B","rules":["a"]}`): "requirement 1: what cannot be automated has automated false, a reason, and no rules",
		list(`{"id":"1","title":"A","reason":"B"}`):                                 "requirement 1: a reason without rules goes with automated false",
		list(`{"id":"1","title":"A","rule":"a"}`):                                   `json: unknown field "rule"`,
		list(`{"id":"1","title":"A","rules":null}`):                                 "null is neither a value nor a gap",
		list(`{"id":"1","title":"A"}`) + "{}":                                       "more after the end of the JSON value",
	} {
		got := ""
		if _, err := parse([]byte(text)); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	f := &Framework{Subset: []string{"7"}}
	if err := f.take(&Framework{ID: "y"}); err == nil || err.Error() != "y has no requirement 7" {
		t.Errorf("a subset of what is not there: %v", err)
	}
}

func TestNatural(t *testing.T) {
	sorted := strings.Fields("1 1.1 1.2 1.2.1 1.9 1.10 2 10.1 A A.5.1 A.5.13 A.8.2 AC-2 AC-2(1) AC-2(3) AC-2(12) AC-10 SEC01-BP02 SEC10-BP01")
	for i, a := range sorted {
		for j, b := range sorted {
			if got, want := natural(a, b), min(1, max(-1, i-j)); got != want {
				t.Errorf("natural(%s, %s) = %d, want %d", a, b, got, want)
			}
		}
	}
	if natural("1.10", "1.010") == 0 {
		t.Error("1.10 and 1.010 are taken for the same")
	}
}
