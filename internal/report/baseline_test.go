package report

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/cloudtrail"
	"awsscanner/internal/model/ec2"
)

// baseline makes a baseline of a snapshot, and sends it through a file.
func baseline(t *testing.T, s *engine.Snapshot, rules []engine.Rule, before *Baseline) *Baseline {
	t.Helper()
	r, err := New("test", engine.Whole(s), rules, Options{Baseline: before})
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.NewBaseline()
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := b.Write(&file); err != nil {
		t.Fatal(err)
	}
	read, err := ReadBaseline(bytes.NewReader(file.Bytes()))
	if err != nil {
		t.Fatalf("%v in\n%s", err, file.String())
	}
	return read
}

// changes says what has changed: "new bad", "fixed good", by the names of resources.
func changes(r *Report) (all []string) {
	for x, err := range r.Results() {
		if err != nil {
			panic(err)
		}
		if x.Change != "" && (x.Status == engine.Failed || x.Change != Unchanged) {
			all = append(all, string(x.Change)+" "+name(x.Resource))
		}
	}
	for _, g := range r.Gone {
		all = append(all, string(g.Fate)+" "+g.Name)
	}
	slices.Sort(all)
	return all
}

// What changes is told, and what was not seen is neither new nor fixed.
func TestChanges(t *testing.T) {
	east, west := "us-east-1", "eu-west-1"
	dark := func(region string) engine.Hole {
		return hole("AWS::SQS::Queue", region, model.AccessDenied, "sqs:ListQueues")
	}
	snap := func(regions []string, holes []engine.Hole, all ...model.Resource) *engine.Snapshot {
		s := snapshot(regions, all...)
		for _, h := range holes {
			s.PutHole(h)
		}
		return s
	}
	fine := accountRule // so that each scan could assess something
	fine.Check = engine.Each(func(*engine.View, *cloudtrail.Account) engine.Verdict { return engine.Pass() })
	rule := queueRule("sqs-q", engine.Critical, engine.Security)
	other, renamed := rule, rule
	other.Version = 1
	renamed.ID, renamed.Formerly = "sqs-r", []string{"sqs-q"}
	both, one := []string{west, east}, []string{west}
	high, low := int(engine.High), int(engine.Low)
	for _, c := range []struct {
		name      string
		old, new  *engine.Snapshot
		was, is   engine.Rule
		want      string
		gate      int // exit code of --fail-on-new
		gateAllow int // with --allow-incomplete
	}{
		{"nothing", snap(one, nil, queue(west, "a", high, "")), snap(one, nil, queue(west, "a", high, "")), rule, rule, "unchanged a", 0, 0},
		{"another failure", snap(one, nil, queue(west, "a", high, "")), snap(one, nil, queue(west, "a", high, ""), queue(west, "b", high, "")), rule, rule, "new b, unchanged a", 1, 1},
		{"a first failure", snap(one, nil), snap(one, nil, queue(west, "a", high, "")), rule, rule, "new a", 1, 1},
		{"less severe", snap(one, nil), snap(one, nil, queue(west, "a", low, "")), rule, rule, "new a", 0, 0},
		{"worse", snap(one, nil, queue(west, "a", low, "")), snap(one, nil, queue(west, "a", high, "")), rule, rule, "escalated a", 1, 1},
		{"better", snap(one, nil, queue(west, "a", high, "")), snap(one, nil, queue(west, "a", low, "")), rule, rule, "unchanged a", 0, 0},
		{"mended", snap(one, nil, queue(west, "a", high, "")), snap(one, nil, queue(west, "a", passes, "")), rule, rule, "fixed a", 0, 0},
		{"deleted", snap(one, nil, queue(west, "a", high, "")), snap(one, nil), rule, rule, "fixed a", 0, 0},
		{"unreadable", snap(one, nil, queue(west, "a", high, "")), snap(one, nil, queue(west, "a", unknown, "")), rule, rule, "no-longer-assessed a, no-longer-assessed a", 3, 0},
		{"unlisted", snap(one, nil, queue(west, "a", high, "")), snap(one, []engine.Hole{dark(west)}), rule, rule, "no-longer-assessed *, no-longer-assessed a", 3, 0},
		{"unlisted in part, and seen to pass", snap(one, nil, queue(west, "a", high, "")), snap(one, []engine.Hole{dark(west)}, queue(west, "a", passes, "")), rule, rule, "fixed a, no-longer-assessed *", 3, 0},
		{"unlisted elsewhere", snap(both, nil, queue(west, "a", high, "")), snap(both, []engine.Hole{dark(east)}), rule, rule, "fixed a, no-longer-assessed *", 3, 0},
		{"unlisted before and now", snap(one, []engine.Hole{dark(west)}), snap(one, []engine.Hole{dark(west)}), rule, rule, "", 0, 0},
		{"readable at last", snap(one, nil, queue(west, "a", unknown, "")), snap(one, nil, queue(west, "a", high, "")), rule, rule, "newly-assessed a", 0, 0},
		{"readable at last, beside another", snap(one, nil, queue(west, "a", unknown, "")), snap(one, nil, queue(west, "a", passes, ""), queue(west, "b", high, "")), rule, rule, "new b", 1, 1},
		{"listed at last", snap(one, []engine.Hole{dark(west)}), snap(one, nil, queue(west, "a", high, "")), rule, rule, "newly-assessed a", 0, 0},
		{"listed at last in the whole account", snap(one, []engine.Hole{dark(model.AnyRegion)}), snap(one, nil, queue(west, "a", high, "")), rule, rule, "newly-assessed a", 0, 0},
		{"another region", snap(one, nil), snap(both, nil, queue(east, "a", high, "")), rule, rule, "newly-assessed a", 0, 0},
		{"another region, in the dark", snap(one, nil), snap(both, []engine.Hole{dark(east)}), rule, rule, "", 0, 0},
		{"a region less", snap(both, nil, queue(east, "a", high, "")), snap(one, nil), rule, rule, "out-of-scope a", 0, 0},
		{"another version", snap(one, nil), snap(one, nil, queue(west, "a", high, "")), rule, other, "newly-assessed a", 0, 0},
		{"another version rates worse", snap(one, nil, queue(west, "a", low, "")), snap(one, nil, queue(west, "a", high, "")), rule, other, "unchanged a", 0, 0},
		{"another version does not find it", snap(one, nil, queue(west, "a", high, "")), snap(one, nil, queue(west, "a", passes, "")), rule, other, "out-of-scope a", 0, 0},
		{"another version needs more", snap(one, nil), snap(one, []engine.Hole{dark(west)}), rule, other, "", 0, 0},
		{"another name", snap(one, nil, queue(west, "a", high, "")), snap(one, nil, queue(west, "a", high, ""), queue(west, "b", high, "")), rule, renamed, "new b, unchanged a", 1, 1},
		{"another rating", snap(one, nil, queue(west, "a", low, "")), snap(one, nil, queue(west, "a", low, ""), queue(west, "b", low, "")), rule, rule.Rate(engine.High), "newly-assessed b, unchanged a", 0, 0},
		{"another rule", snap(one, nil, volume("v", "")...), snap(one, nil, queue(west, "a", high, "")), volumeRule, rule, "newly-assessed a, out-of-scope ", 0, 0},
	} {
		r, err := New("test", engine.Whole(c.new), []engine.Rule{c.is, fine}, Options{Baseline: baseline(t, c.old, []engine.Rule{c.was, fine}, nil)})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(changes(r), ", "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		zero := 0.0
		for _, g := range []struct {
			Gate
			want int
		}{{Gate{FailOn: engine.High, NewOnly: true}, c.gate}, {Gate{FailOn: engine.High, NewOnly: true, AllowIncomplete: &zero}, c.gateAllow}} {
			code, why := g.Decide(r)
			if code != g.want {
				t.Errorf("%s: --fail-on-new ends with %d (%s), want %d", c.name, code, strings.Join(why, "; "), g.want)
			}
			if len(why) > mostLines {
				t.Errorf("%s: %d lines say why", c.name, len(why))
			}
		}
	}
}

// What was mended and comes back is regressed: as the baseline before told, or as the whole scan of then tells.
func TestRegressed(t *testing.T) {
	rules := []engine.Rule{queueRule("sqs-q", engine.Critical)}
	bad, good := snapshot([]string{"eu-west-1"}, queue("eu-west-1", "a", int(engine.High), "")), snapshot([]string{"eu-west-1"}, queue("eu-west-1", "a", passes, ""))
	first := baseline(t, bad, rules, nil)
	second := baseline(t, good, rules, first)
	third := baseline(t, good, rules, second) // which still knows
	for name, b := range map[string]*Baseline{"second": second, "third": third} {
		r, err := New("test", engine.Whole(bad), rules, Options{Baseline: b})
		if err != nil {
			t.Fatal(err)
		}
		if got := changes(r); !slices.Equal(got, []string{"regressed a"}) {
			t.Errorf("since the %s baseline: %q", name, got)
		}
	}
	whole, err := judge(good, rules, Filter{}).NewBaseline()
	if err != nil {
		t.Fatal(err)
	}
	r, err := New("test", engine.Whole(bad), rules, Options{Baseline: whole})
	if err != nil {
		t.Fatal(err)
	}
	if got := changes(r); !slices.Equal(got, []string{"regressed a"}) {
		t.Errorf("since a scan in which it passed: %q", got)
	}
	if again := baseline(t, bad, rules, second); len(again.Mended) != 0 || len(again.Findings) != 1 {
		t.Errorf("what has come back is still mended: %+v", again)
	}
}

// Replacing every node of a group changes nothing; nor does it if nobody may tell any more what the nodes belong to.
func TestReplacedNodes(t *testing.T) {
	old := snapshot([]string{"eu-west-1"}, slices.Concat(volume("1", "web"), volume("2", "web"))...)
	b := baseline(t, old, []engine.Rule{volumeRule}, nil)
	if len(b.Findings) != 1 {
		t.Errorf("%d findings of one group", len(b.Findings))
	}
	replaced := snapshot([]string{"eu-west-1"}, slices.Concat(volume("3", "web"), volume("4", "web"))...)
	blind := snapshot([]string{"eu-west-1"}, volume("1", "web")[0], volume("9", "web")[0])
	blind.PutHole(hole("AWS::EC2::Instance", "eu-west-1", model.AccessDenied, "ec2:DescribeInstances"))
	for name, c := range map[string]struct {
		s    *engine.Snapshot
		want []string
	}{
		"replaced": {replaced, []string{"unchanged 3", "unchanged 4"}},
		"blind":    {blind, []string{"newly-assessed 9", "unchanged 1"}},
	} {
		r, err := New("test", engine.Whole(c.s), []engine.Rule{volumeRule}, Options{Baseline: b})
		if err != nil {
			t.Fatal(err)
		}
		if got := changes(r); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestParametersInBaseline(t *testing.T) {
	type params struct{ Days int }
	make := func(days int) engine.Rule {
		r := queueRule("sqs-q", engine.High)
		r.Check = engine.EachWith(params{days}, func(_ *engine.View, p *params, _ *ec2.Volume) engine.Verdict { return engine.Pass() })
		return r
	}
	three, four := make(3), make(4)
	in, err := three.WithIn(account, []byte(`{"Days":5}`))
	if err != nil {
		t.Fatal(err)
	}
	a, b, c, d := judgedBy(&three), judgedBy(&four), judgedBy(&in), judgedBy(&three)
	if a == b || a == c || b == c || a != d || a.Params == "" {
		t.Errorf("%v %v %v %v", a, b, c, d)
	}
	if plain := queueRule("sqs-q", engine.High); judgedBy(&plain).Params != "" {
		t.Error("a rule without parameters has a hash of them")
	}
}

func TestReadBaseline(t *testing.T) {
	good := fmt.Sprintf(`{"schema":"scanner.baseline/v1","tool":"1","scan":"x","started":"2026-01-01T12:00:00Z",
"read":[{"account":%q,"region":"eu-west-1"}],
"rules":[{"id":"sqs-q","version":0}],
"blind":[],
"findings":[
{"identity":"0123456789abcdef0123456789abcdef","fingerprint":"0123456789abcdef0123456789abcdef","rule":"sqs-q","severity":"high","kind":"AWS::SQS::Queue","id":"a","account":%q,"region":"eu-west-1"}
],
"mended":[]}`, account, account)
	if _, err := ReadBaseline(strings.NewReader(good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{good, "", "cut off"},
		{good, good[:200], "cut off"},
		{good, "{]", "line 1: invalid character"},
		{`"blind":[]`, `"blond":[]`, `line 4: it has a member "blond"`},
		{`"blind":[]`, `"blind":5`, "line 4: json: cannot unmarshal number"},
		{`"blind":[]`, `"blind":null`, "null is neither"},
		{"baseline/v1", "baseline/v2", `its schema is "scanner.baseline/v2"`},
		{"baseline/v1", "report/v1", `its schema is "scanner.report/v1"`},
		{`"severity":"high"`, `"severity":"hihg"`, `"hihg" is no severity`},
		{`"identity":"0123456789abcdef0123456789abcdef"`, `"identity":"0123"`, "finding 1 lacks identity"},
		{`{"id":"sqs-q","version":0}`, ``, "which rules judged"},
		{"2026-01-01T12:00:00Z", "yesterday", "yesterday"},
	} {
		if _, err := ReadBaseline(strings.NewReader(strings.Replace(good, c.old, c.new, 1))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s instead of %s: %v, want %q", c.new, c.old, err, c.want)
		}
	}
}
