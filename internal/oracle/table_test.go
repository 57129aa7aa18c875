package oracle_test

import (
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A row tells a result from all others. Names are as the account gives them, as IDs differ from run to run.
type row struct{ rule, region, name string }

func (x row) String() string { return x.rule + " " + x.region + " " + x.name }

type verdict struct{ status, severity string }

func (v verdict) String() string { return strings.TrimSuffix(v.status+" "+v.severity, " -") }

// A table is what must come out, by row.
type table map[row]verdict

// A section is the lines of a file after one that begins with flags, or names a scenario.
type section struct {
	head  string
	lines []line
}

// A line of a file is about one row, or about several: a * for the region is all regions, and a name with a * or ? is a pattern
// of those names that no line before has told of. So each row has its line, and its name stands in full somewhere.
type line struct {
	row
	verdict
	where string // for people
}

func (l line) several() bool { return l.region == "*" || strings.ContainsAny(l.name, "*?") }

// readFile reads a file. What stands before any header is the first section.
func readFile(t *testing.T, name string) []section {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	all := []section{{}}
	for text := range strings.Lines(string(b)) {
		text = strings.TrimSuffix(text, "\n")
		f := strings.Split(text, "\t")
		switch {
		case text == "", strings.HasPrefix(text, "#"):
		case strings.HasPrefix(text, "--"), strings.HasPrefix(text, "@"):
			all = append(all, section{head: text})
		case len(f) != 5:
			t.Fatalf("%s: %q has %d columns, not 5", name, text, len(f))
		default:
			last := &all[len(all)-1]
			last.lines = append(last.lines, line{row{f[0], f[1], f[2]}, verdict{f[3], f[4]}, name + ": " + text})
		}
	}
	return all
}

// readExpected reads what must come out of the account as it is.
func (o *oracle) readExpected(t *testing.T) {
	t.Helper()
	names, err := filepath.Glob("expected/*.tsv")
	if err != nil || len(names) == 0 {
		t.Fatal("there are no tables", err)
	}
	var lines []line
	for _, name := range names {
		lines = append(lines, readFile(t, name)[0].lines...)
	}
	o.expected = table{}
	known := map[string]map[string]map[string]bool{} // names by kind and region
	for _, l := range lines {
		kind := o.rules[l.rule].Kind
		if kind == "" {
			t.Errorf("%s: there is no such rule", l.where)
			continue
		}
		if known[kind] == nil {
			known[kind] = map[string]map[string]bool{}
			if kind == "AWS::::Region" {
				for _, region := range enabled {
					known[kind][region] = map[string]bool{region: true}
				}
			}
		}
		if l.several() {
			continue
		}
		if known[kind][l.region] == nil {
			known[kind][l.region] = map[string]bool{}
		}
		known[kind][l.region][l.name] = true
		if _, twice := o.expected[l.row]; twice {
			t.Errorf("%s: twice", l.where)
		}
		o.expected[l.row] = l.verdict
	}
	for _, l := range lines {
		if !l.several() {
			continue
		}
		found := false
		for region, names := range known[o.rules[l.rule].Kind] {
			for name := range names {
				x := row{l.rule, region, name}
				if _, told := o.expected[x]; !told && (l.region == "*" || l.region == region) && matches(l.name, name) {
					o.expected[x], found = l.verdict, true
				}
			}
		}
		if !found {
			t.Errorf("%s: it tells of nothing", l.where)
		}
	}
}

// matches reports whether a name is as a pattern says, in which a star takes slashes too.
func matches(pattern, name string) bool {
	ok, err := path.Match(strings.ReplaceAll(pattern, "/", "\x00"), strings.ReplaceAll(name, "/", "\x00"))
	return err == nil && ok
}

// changed returns the part of the table about some rules as the lines of a section change it.
func (o *oracle) changed(t *testing.T, s section, rules ...string) table {
	t.Helper()
	want := table{}
	for x, v := range o.expected {
		if slices.Contains(rules, x.rule) {
			want[x] = v
		}
	}
	for _, l := range s.lines {
		found := false
		for x, v := range want {
			if x.rule == l.rule && (l.region == "*" || l.region == x.region) && matches(l.name, x.name) {
				found = found || v != l.verdict
				want[x] = l.verdict
			}
		}
		if !found {
			t.Errorf("%s: it changes nothing", l.where)
		}
	}
	return want
}

// in returns the part of a table that a scan of some regions shows. Buckets are listed for all regions at once, and so judged wherever they
// are. Each region shows trails of all regions, and they lead to their keys.
func (o *oracle) in(all table, regions ...string) table {
	abroad := map[string]bool{"AWS::CloudTrail::Trail stopped": true, "AWS::CloudTrail::Trail audit": true, "AWS::KMS::Key frankfurt": true}
	part := table{}
	for x, v := range all {
		kind := o.rules[x.rule].Kind
		if x.region == "-" || slices.Contains(regions, x.region) || kind == "AWS::S3::Bucket" || abroad[kind+" "+x.name] {
			part[x] = v
		}
	}
	return part
}

// narrowed is what a scan of some regions must say if the table tells what one of all says: a result may hang on another region, and then is not assessed.
func narrowed(want table, got map[row]*result) table {
	for x, r := range got {
		if _, ok := want[x]; ok && r.Gap != nil && r.Gap.Reason == "outside-scan" {
			want[x] = r.verdict()
		}
	}
	return want
}

// judged returns the rules of the table: one that is new may join it later.
func (o *oracle) judged() []string {
	rules := map[string]bool{}
	for x := range o.expected {
		rules[x.rule] = true
	}
	return slices.Sorted(maps.Keys(rules))
}

// most is how many differences are worth reading.
const most = 500

// tell reports differences in a fixed order.
func tell(t *testing.T, differences []string) {
	t.Helper()
	slices.Sort(differences)
	for _, d := range differences[:min(len(differences), most)] {
		t.Error(d)
	}
	if more := len(differences) - most; more > 0 {
		t.Errorf("and %d more like these", more)
	}
}
