package engine_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// Kinds for these tests alone.
type (
	Queue struct {
		model.Meta    `call:"sqs:ListQueues"`
		DeadLetterARN model.Attr[string] `json:"deadLetterArn,omitzero" call:"sqs:GetQueueAttributes"`
		KMSKey        model.Attr[string] `json:"kmsKey,omitzero"        call:"sqs:GetQueueAttributes" ref:"AWS::KMS::Key"`
		ManagedSSE    model.Attr[bool]   `json:"managedSse,omitzero"    call:"sqs:GetQueueAttributes"`
	}
	Key struct {
		model.Meta `call:"kms:ListKeys" refs:"kms:DescribeKey"`
		State      model.Attr[string] `json:"state,omitzero" call:"kms:DescribeKey"`
	}
	Trail struct {
		model.Meta  `call:"cloudtrail:DescribeTrails"`
		MultiRegion model.Attr[bool] `json:"multiRegion,omitzero" call:"cloudtrail:GetTrail"`
	}
	Region struct {
		model.Meta `scope:"region"`
	}
	Instance struct {
		model.Meta `call:"ec2:DescribeInstances"`
		Group      model.Attr[string] `json:"group,omitzero" call:"ec2:DescribeInstances" owner:""`
	}
	Volume struct {
		model.Meta `call:"ec2:DescribeVolumes"`
		SizeGiB    model.Attr[int]               `json:"sizeGiB,omitzero"   call:"ec2:DescribeVolumes"`
		Instances  model.Attr[[]string]          `json:"instances,omitzero" call:"ec2:DescribeVolumes" part:"AWS::EC2::Instance"`
		Tags       model.Attr[map[string]string] `json:"tags,omitzero"      call:"ec2:DescribeVolumes"`
		Detail     model.Attr[detail]            `json:"detail,omitzero"    call:"ec2:X"`
	}
	detail struct {
		On bool `json:"on"`
	}
)

func (*Queue) Kind() model.Kind    { return "AWS::SQS::Queue" }
func (*Key) Kind() model.Kind      { return "AWS::KMS::Key" }
func (*Trail) Kind() model.Kind    { return "AWS::CloudTrail::Trail" }
func (*Region) Kind() model.Kind   { return "AWS::EC2::Region" }
func (*Instance) Kind() model.Kind { return "AWS::EC2::Instance" }
func (*Volume) Kind() model.Kind   { return "AWS::EC2::Volume" }

var table = model.NewTable(&Queue{}, &Key{}, &Trail{}, &Region{}, &Instance{}, &Volume{})

var (
	here    = model.Place{Account: "1", Region: "eu"}
	gapText = "sqs:GetQueueAttributes was denied"
	denied  = &model.Gap{Reason: model.AccessDenied, Call: "sqs:GetQueueAttributes"}
)

func queue(id string, sse model.Attr[bool]) *Queue {
	return &Queue{Meta: model.Meta{ID: id, ARN: "arn:aws:sqs:eu:1:" + id, Account: "1", Region: "eu"}, ManagedSSE: sse}
}

func snapshot(all ...model.Resource) *engine.Snapshot {
	s := engine.NewSnapshot(engine.Header{Read: []model.Place{here}, Listed: []model.Kind{"AWS::SQS::Queue"}})
	for _, r := range all {
		s.Put(r)
	}
	return s
}

// regionRule judges regions with a check.
func regionRule(check func(*engine.View) engine.Verdict, reads ...string) engine.Rule {
	return engine.Rule{ID: "r", Severity: engine.Low, Worst: engine.Critical, Reads: append(reads, "engine_test.Region"),
		Check: engine.Each(func(v *engine.View, _ *Region) engine.Verdict { return check(v) })}
}

// ask judges the region with a check and returns its verdict.
func ask(s *engine.Snapshot, check func(*engine.View) engine.Verdict, reads ...string) engine.Verdict {
	for r := range engine.Evaluate(s, []engine.Rule{regionRule(check, reads...)}) {
		return r.Verdict
	}
	return engine.Verdict{}
}

func TestQuantifiers(t *testing.T) {
	yes, no, dark := queue("", model.Known(true)), queue("", model.Known(false)), queue("", model.Unknown[bool](denied))
	sse := func(q *Queue) bool { return q.ManagedSSE.Get() }
	say := func(b bool) engine.Verdict { return engine.NotApplicable(fmt.Sprint(b)) }
	for _, test := range []struct {
		of                []*Queue
		hole              bool
		any, all, atLeast string
	}{
		{of: nil, any: "false", all: "true", atLeast: "false"},
		{of: []*Queue{dark, yes}, any: "true", all: "?", atLeast: "?"},
		{of: []*Queue{yes, dark}, any: "true", all: "?", atLeast: "?"},
		{of: []*Queue{dark, no}, any: "?", all: "false", atLeast: "false"},
		{of: []*Queue{no, dark}, any: "?", all: "false", atLeast: "false"},
		{of: []*Queue{yes, dark, yes}, any: "true", all: "?", atLeast: "true"},
		{of: []*Queue{yes}, hole: true, any: "true", all: "?", atLeast: "?"},
		{of: []*Queue{no}, hole: true, any: "?", all: "false", atLeast: "?"},
	} {
		s := snapshot()
		for i, q := range test.of {
			c := *q
			c.ID = fmt.Sprint(i)
			s.Put(&c)
		}
		if test.hole {
			s.PutHole(engine.Hole{Kind: "AWS::SQS::Queue", Place: here, Gap: denied})
		}
		for name, f := range map[string]func(engine.Many[*Queue]) bool{
			"any " + test.any:         func(m engine.Many[*Queue]) bool { return m.Any(sse) },
			"all " + test.all:         func(m engine.Many[*Queue]) bool { return m.All(sse) },
			"atLeast " + test.atLeast: func(m engine.Many[*Queue]) bool { return m.Count(sse).AtLeast(2) },
		} {
			got := ask(s, func(v *engine.View) engine.Verdict { return say(f(engine.Join[*Queue](v))) }, "engine_test.Queue.ManagedSSE")
			if _, want, _ := strings.Cut(name, " "); got.Message != strings.Replace(want, "?", gapText, 1) {
				t.Errorf("%d queues, hole %v: %s, got %v", len(test.of), test.hole, name, got)
			}
		}
	}
}

var byKey = engine.NewIndex(func(q *Queue) []string { return []string{q.KMSKey.Get()} })

// A queue whose key is unknown could be any key's, but matters only if it could change the answer.
func TestIndexAside(t *testing.T) {
	a, aside := queue("a", model.Known(true)), queue("b", model.Known(true))
	a.KMSKey = model.Known("k")
	aside.Gaps = []*model.Gap{denied}
	for _, test := range []struct {
		ok   func(*Queue) bool
		want string
	}{
		{func(q *Queue) bool { return q.ID == "a" }, "true"},
		{func(q *Queue) bool { return q.ID == "b" }, gapText},
		{func(q *Queue) bool { return q.ID == "c" }, "false"},
	} {
		got := ask(snapshot(a, aside), func(v *engine.View) engine.Verdict {
			return engine.NotApplicable(fmt.Sprint(byKey.At(v, "k").Any(test.ok)))
		}, "engine_test.Queue.KMSKey")
		if got.Message != test.want {
			t.Errorf("got %v, want %s", got, test.want)
		}
	}
}

// A reference to where the scan has not looked is unknown, never missing.
func TestFind(t *testing.T) {
	s := snapshot(queue("a", model.Known(true)), &Queue{Meta: model.Meta{ID: "s", ARN: "arn:aws:sqs:us:2:s", Account: "2", Region: "us", Shared: []string{"1"}}})
	s.PutHole(engine.Hole{Kind: "AWS::SQS::Queue", Place: here, ID: "dark", Gap: denied})
	s.PutHole(engine.Hole{Kind: "AWS::SQS::Queue", Place: model.Place{Account: "1", Region: "other"}, Gap: denied})
	for ref, want := range map[string]string{
		"a": "true", "b": "false", "dark": gapText,
		"arn:aws:sqs:eu:1:a": "true",
		"arn:aws:sqs:eu:1:b": "false",
		"arn:aws:sqs:us:1:b": "sqs:ListQueues lies outside of the scan (arn:aws:sqs:us:1:b)",
		"arn:aws:sqs:eu:2:b": "sqs:ListQueues lies outside of the scan (arn:aws:sqs:eu:2:b)",
		"arn:aws:sqs:us:2:s": "true",
	} {
		got := ask(s, func(v *engine.View) engine.Verdict {
			_, ok := engine.Find[*Queue](v, ref)
			return engine.NotApplicable(fmt.Sprint(ok))
		}, "engine_test.Queue")
		if got.Message != want {
			t.Errorf("%s: %v, want %s", ref, got, want)
		}
	}
}

func TestVerdicts(t *testing.T) {
	for _, test := range []struct {
		check func(*engine.View) engine.Verdict
		want  string
	}{
		{func(*engine.View) engine.Verdict {
			return engine.Fail("big").With("size", model.Unknown[int](denied)).As(engine.Critical)
		}, "fail: big critical"},
		{func(*engine.View) engine.Verdict { return engine.Unsure(model.TooLittleData, "3 days") }, "not-assessed: too-little-data: 3 days "},
		{func(v *engine.View) engine.Verdict { panic("oops") }, "not-assessed: the rule is broken: oops "},
		{func(v *engine.View) engine.Verdict { return engine.Fail("x").As(9) }, "not-assessed: the rule is broken: severity severity(9) is above Worst "},
		{func(v *engine.View) engine.Verdict { engine.Join[*Trail](v); return engine.Pass() }, "not-assessed: the rule is broken: Reads of rule r lacks engine_test.Trail "},
		{func(v *engine.View) engine.Verdict {
			return engine.NotApplicable(fmt.Sprint(engine.Join[*Queue](v.InOrganization()).Exist()))
		}, "not-assessed: the rule is broken: rule r looks beyond its account, but does not say so: set Organization "},
	} {
		if v := ask(snapshot(), test.check, "engine_test.Queue"); fmt.Sprintf("%s: %s %s", v.Status, v.Message, v.Severity) != test.want {
			t.Errorf("got %s: %s %s, want %s", v.Status, v.Message, v.Severity, test.want)
		}
	}
}

type params struct {
	Days  int            `json:"days"`
	Names []string       `json:"names"`
	Size  bool           `json:"size"`
	Steps map[string]int `json:"steps"`
}

func (p *params) Validate() error {
	if p.Days < 0 {
		return fmt.Errorf("days is %d", p.Days)
	}
	return nil
}

func (p *params) Reads() []string {
	if p.Size {
		return []string{"engine_test.Volume.SizeGiB"}
	}
	return nil
}

func TestParams(t *testing.T) {
	rule := engine.Rule{ID: "r", Reads: []string{"engine_test.Region"}, Check: engine.EachWith(params{Days: 90, Names: []string{"a", "b"}, Steps: map[string]int{"a": 1}},
		func(_ *engine.View, p *params, _ *Region) engine.Verdict { return engine.Fail(fmt.Sprint(*p)) })}
	say := func(r engine.Rule) string {
		for res := range engine.Evaluate(snapshot(), []engine.Rule{r}) {
			return res.Message
		}
		return ""
	}
	changed, err := rule.With([]byte(`{"names":["z"],"size":true,"steps":{"b":2}}`))
	if err != nil || say(changed) != "{90 [z] true map[b:2]}" || !slices.Contains(changed.Needs(), "engine_test.Volume.SizeGiB") {
		t.Errorf("changed: %s %v %v", say(changed), changed.Needs(), err)
	}
	if say(rule) != "{90 [a b] false map[a:1]}" || len(rule.Needs()) != 1 {
		t.Errorf("the defaults became %s %v", say(rule), rule.Needs())
	}
	for _, bad := range []string{`{"dayz":1}`, `{"days":null}`, `{"days":-1}`, `{"days":"1"}`, `{} {}`} {
		if _, err := rule.With([]byte(bad)); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

// A rule says all that people need to act on it. The subject is of this package, whose name no ID can begin with: that is the one fault of the good rule.
func TestValidate(t *testing.T) {
	good := func() engine.Rule {
		return engine.Rule{ID: "engine_test-queue-good", Title: "Queues are good", Level: engine.Recommended, Severity: engine.Low, Worst: engine.High,
			Pillars: []engine.Pillar{engine.Security}, Why: "Because.", Check: engine.Each(func(*engine.View, *Queue) engine.Verdict { return engine.Pass() }),
			Fix: engine.Fix{Text: "Mend it.", CLI: "aws sqs mend", IaC: "# No template can.", Breaks: "Nothing.", Undo: "Nothing.", Effect: engine.Additive}}
	}
	id := `ID "engine_test-queue-good" is not lower-case words joined by hyphens`
	lacks := "Fix lacks Text, CLI, IaC, Breaks or Undo"
	for _, c := range []struct {
		spoil func(*engine.Rule)
		want  string
	}{
		{func(*engine.Rule) {}, ""},
		{func(r *engine.Rule) { r.Fix.Text = "" }, lacks},
		{func(r *engine.Rule) { r.Fix.CLI = "" }, lacks},
		{func(r *engine.Rule) { r.Fix.IaC = "" }, lacks},
		{func(r *engine.Rule) { r.Fix.Breaks = "" }, lacks},
		{func(r *engine.Rule) { r.Fix.Undo = "" }, lacks},
		{func(r *engine.Rule) { r.Fix.Effect = "none" }, `Fix.Effect "none" is unknown`},
		{func(r *engine.Rule) { r.Fix.CLI = "aws sqs delete-queue" }, "Fix.CLI has a dangerous verb (delete), which is not merely additive"},
		{func(r *engine.Rule) {
			r.Fix.CLI = "# prose; (as I like)\naws sqs a --b <c d> --e 'f, g' > <h>.json # then, so\naws sqs wait i --j k=1 l=2\njq -n '{a}' > b\naws m n \\\n  --o \"p; \\\"q\\\"\""
			r.Fix.Undo = "aws sqs a --b\nThat is all: {nothing | else} of aws sqs a."
		}, ""},
		{func(r *engine.Rule) { r.Fix.CLI = "Mend it." }, `Fix.CLI: "Mend it." is no command: it begins with no operation of aws`},
		{func(r *engine.Rule) { r.Fix.CLI = "aws sqs mend it" }, `Fix.CLI: "aws sqs mend it" is no command: what is "it"?`},
		{func(r *engine.Rule) { r.Fix.CLI = "aws sqs mend --it now --and (or) then" }, `Fix.CLI: "aws sqs mend --it now --and (or) then" is no command: what is "(or) then"?`},
		{func(r *engine.Rule) { r.Fix.Undo = "aws sqs mend --it now; it is late" }, `Fix.Undo: "aws sqs mend --it now; it is late" is no command: what is "now; it is late"?`},
		{func(r *engine.Rule) { r.Fix.Undo = "aws sqs mend --it <now>, if it is late" }, `Fix.Undo: "aws sqs mend --it <now>, if it is late" is no command: after "<now>," begins prose: put it on a line of its own, or behind #`},
		{func(r *engine.Rule) { r.Fix.Undo = "aws sqs mend --it now once it is late" }, `Fix.Undo: "aws sqs mend --it now once it is late" is no command: "once" belongs to no option`},
		{func(r *engine.Rule) { r.Fix.Breaks = "Nobody: ask\naws sqs mend with care" }, `Fix.Breaks: "aws sqs mend with care" is no command: what is "with"?`},
		{func(r *engine.Rule) { r.Fix.Text = "Run aws sqs mend --it now." }, `Fix.Text: a command hides in "Run aws sqs mend --it now.": give it a line of its own`},
		{func(r *engine.Rule) { r.Fix.CLI = "aws sqs a --b > c then" }, `Fix.CLI: "aws sqs a --b > c then" is no command: more follows its output`},
		{func(r *engine.Rule) { r.Why = "" }, "Why is empty"},
		{func(r *engine.Rule) { r.Title = "" }, "Title must have 1 to 90 characters"},
		{func(r *engine.Rule) { r.Level = "" }, `Level "" is none of [recommended extended optional]`},
		{func(r *engine.Rule) { r.Severity = 0 }, "Severity is missing"},
		{func(r *engine.Rule) { r.Worst = engine.Informational }, "Worst is less than Severity"},
		{func(r *engine.Rule) { r.Least = r.Severity }, "Least is not less than Severity"},
		{func(r *engine.Rule) { r.Pillars = nil }, "Pillars is empty"},
		{func(r *engine.Rule) { r.Pillars[0] = "beauty" }, `"beauty" is no pillar`},
	} {
		rule := good()
		c.spoil(&rule)
		if got, want := fmt.Sprint(rule.Validate()), strings.TrimSuffix(id+"\n"+c.want, "\n"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

const header = `{"schema":"scanner.snapshot/v1","start":"2026-01-01T00:00:00Z","read":[],"listed":[]}` + "\n"

func end(lines int) string {
	return fmt.Sprintf("\n{\"end\":{\"finished\":\"2026-01-01T00:00:00Z\",\"calls\":1,\"lines\":%d}}\n", lines)
}

func TestLoadRefuses(t *testing.T) {
	for bad, want := range map[string]string{
		``:                                    "empty",
		`{"kind":"AWS::SQS::Queue","id":"a"}`: "line 1: this is no snapshot",
		`{"schema":"scanner.snapshot/v2","start":"2026-01-01T00:00:00Z","read":[]}`: "newer one",
		`{"schema":"scanner.report/v1"}`:                                            "this is a scanner.report/v1",
		header:                                                                      "cut off",
		header + `{"kind":"AWS::SQS::Queue","id":"a"}`:                              "cut off",
		header + `{"kind":"AWS::SQS::Queue","id":"a"`:                               "line 2",
		header + `{"kind":"AWS::SQS::Queue","id":"a"}` + end(2):                     "lines were lost",
		header + end(0) + header:                                                    "more after the end",
		header + `{"kind":"AWS::SQS::Nonsense","id":"a"}` + end(1):                  "newer scanner",
		header + `{"kind":"AWS::SQS::Queue","arn":"a"}` + end(1):                    "without id",
		header + `{"kind":"AWS::SQS::Queue","id":"a"}` + "\n" + `{"kind":"AWS::SQS::Queue","id":"a"}` + end(2): "line 3: AWS::SQS::Queue a is there twice",
		header + `{"kind":"AWS::SQS::Queue","id":"a","nonsense":1}` + end(1):                                   "nonsense",
		header + `{"kind":"AWS::SQS::Queue","id":"a","kmsKey":null}` + end(1):                                  "null",
		header + `{"kind":"AWS::SQS::Queue","id":"a","kmsKey":{"$gap":null}}` + end(1):                         "null",
		header + `{"kind":"AWS::SQS::Queue","id":"a","kmsKey":{"$gap":{"reason":"x"}}}` + end(1):               "unknown gap reason",
		header + `{"kind":"AWS::SQS::Queue","id":"a","gaps":[{"reason":"x"}]}` + end(1):                        "unknown gap reason",
		header + `{"kind":"AWS::EC2::Volume","id":"a","detail":{"on":null}}` + end(1):                          "null",
		header + `{"kind":"AWS::EC2::Volume","id":"a","detail":{"nonsense":true}}` + end(1):                    "nonsense",
		header + `{"unlisted":"AWS::SQS::Queue"}` + end(1):                                                     "without a gap",
	} {
		if _, err := engine.Load(strings.NewReader(bad), table); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n got %v\nwant %s", bad, err, want)
		}
	}
}

// Save and Load are each other's inverse, for values, gaps, holes and absences.
func TestRoundTrip(t *testing.T) {
	long := queue("null", model.Known(true)) // the word is no value
	long.KMSKey = model.Known(strings.Repeat("x", 100_000))
	vol := &Volume{Meta: model.Meta{ID: "v", Gaps: []*model.Gap{{Reason: model.Stopped, Call: "ec2:X"}}}, Instances: model.Known[[]string](nil)}
	odd := queue("odd", model.Unknown[bool](&model.Gap{Reason: model.TooLittleData}))
	first := snapshot(long, vol, odd)
	first.PutHole(engine.Hole{Kind: "AWS::SQS::Queue", Place: here, Gap: denied})
	first.PutAbsence(engine.Absence{Kind: "AWS::KMS::Key", Place: here, ID: "k"})
	first.Calls, first.Start = 7, first.Start.AddDate(2025, 0, 0)
	var once, twice bytes.Buffer
	if err := first.Save(&once); err != nil {
		t.Fatal(err)
	}
	s, err := engine.Load(bytes.NewReader(once.Bytes()), table)
	if err != nil {
		t.Fatal(err)
	}
	if s.Save(&twice); once.String() != twice.String() || !strings.Contains(once.String(), `"instances":[]`) || s.Calls != 7 {
		t.Errorf("saved\n%s\nloaded\n%s", once.String(), twice.String())
	}
}

// Of what is asked for reference by reference, an answer of "none" is known; a reference that nobody followed is not.
func TestReferenced(t *testing.T) {
	s := snapshot()
	arn := "arn:aws:kms:eu:1:key/k"
	s.Put(&Key{Meta: model.Meta{ID: "k", ARN: arn, Account: "1", Region: "eu", Refs: []string{"alias/a"}}})
	s.PutAbsence(engine.Absence{Kind: "AWS::KMS::Key", Place: here, ID: "gone"})
	s.PutHole(engine.Hole{Kind: "AWS::KMS::Key", Place: here, ID: "dark", Gap: denied})
	for ref, want := range map[string]string{
		"k": "true", arn: "true", "alias/a": "true", "gone": "false", "dark": gapText,
		"never": "kms:DescribeKey was not collected (never was not asked for)",
	} {
		find := func(what string, want string) {
			s.PutHole(engine.Hole{Kind: "AWS::EC2::Volume", Place: here, Gap: denied}) // so that nothing is remembered
			got := ask(s, func(v *engine.View) engine.Verdict {
				_, ok := engine.Find[*Key](v, ref)
				return engine.NotApplicable(fmt.Sprint(ok))
			}, "engine_test.Key")
			if got.Message != want {
				t.Errorf("%s, %s: %v, want %s", ref, what, got, want)
			}
		}
		unlisted := want // each reference that was followed has an answer of its own
		if ref == "never" {
			unlisted = "kms:ListKeys was not collected"
		}
		find("nobody listed keys", unlisted)
		s.Listed = append(s.Listed, "AWS::KMS::Key")
		find("all keys are listed", want)
		s.Listed = s.Listed[:len(s.Listed)-1]
	}
	// What is listed is the account's own, and judged; of what it refers to the rest is others'.
	for _, listed := range []bool{true, false} {
		if listed {
			s.Listed = append(s.Listed, "AWS::KMS::Key")
		} else {
			s.Listed = nil
		}
		var got []string
		for r := range engine.Evaluate(s, []engine.Rule{{ID: "kms-key-any", Severity: engine.Low, Worst: engine.Low, Reads: []string{"engine_test.Key"},
			Check: engine.Each(func(*engine.View, *Key) engine.Verdict { return engine.Pass() })}}) {
			got = append(got, r.Resource.ID+" "+string(r.Status))
		}
		want := []string{"k pass"}
		if !listed {
			want = append(want, "* not-assessed")
		}
		if !slices.Equal(got, want) {
			t.Errorf("listed %v: %q, want %q", listed, got, want)
		}
	}
}

// What AWS shows in every region is complete as soon as one region was listed; what it shows region by region is not.
func TestEverywhere(t *testing.T) {
	us := model.Place{Account: "1", Region: "us"}
	for _, test := range []struct {
		dark []model.Place
		want string
	}{
		{nil, "false"}, {[]model.Place{here}, "false"}, {[]model.Place{us, here}, gapText},
	} {
		s := engine.NewSnapshot(engine.Header{Read: []model.Place{here, us}, Unread: []model.Place{{Account: "1", Region: "ap"}}, Listed: []model.Kind{"AWS::CloudTrail::Trail"}})
		for _, p := range test.dark {
			s.PutHole(engine.Hole{Kind: "AWS::CloudTrail::Trail", Place: p, Gap: denied})
		}
		got := ask(s, func(v *engine.View) engine.Verdict {
			return engine.NotApplicable(fmt.Sprint(engine.Everywhere[*Trail](v).Exist()))
		}, "engine_test.Trail")
		if got.Message != test.want {
			t.Errorf("%v: %v, want %s", test.dark, got, test.want)
		}
		if got := ask(s, func(v *engine.View) engine.Verdict {
			return engine.NotApplicable(fmt.Sprint(engine.Join[*Trail](v.InAccount()).Exist()))
		}, "engine_test.Trail"); got.Status != engine.NotAssessed {
			t.Errorf("%v: an unread region may hold one: %v", test.dark, got)
		}
	}
}

// What may be in regions that nobody could list makes the account's joins uncertain, but not those in a region that was read.
func TestUnlistedRegions(t *testing.T) {
	s := snapshot(queue("a", model.Known(true)))
	s.PutHole(engine.Hole{Kind: "AWS::SQS::Queue", Place: model.Place{Account: "1", Region: model.AnyRegion}, Gap: denied})
	for widen, want := range map[bool]string{false: "1", true: gapText} {
		got := ask(s, func(v *engine.View) engine.Verdict {
			if widen {
				v = v.InAccount()
			}
			return engine.NotApplicable(fmt.Sprint(engine.Join[*Queue](v).Count(func(*Queue) bool { return true }).Number()))
		}, "engine_test.Queue")
		if got.Message != want {
			t.Errorf("in the account %v: %v, want %s", widen, got, want)
		}
	}
}

// anyQueue judges queues by their key.
var anyQueue = engine.Rule{ID: "sqs-queue-any", Severity: engine.Low, Worst: engine.Low, Reads: []string{"engine_test.Queue.KMSKey"},
	Check: engine.Each(func(_ *engine.View, q *Queue) engine.Verdict { q.KMSKey.Get(); return engine.Pass() })}

// A kind that nobody listed is not a kind of which there is none.
func TestNotListed(t *testing.T) {
	s := engine.NewSnapshot(engine.Header{Read: []model.Place{here}})
	got := ask(s, func(v *engine.View) engine.Verdict {
		return engine.NotApplicable(fmt.Sprint(engine.Join[*Queue](v).Exist()))
	}, "engine_test.Queue")
	if want := "sqs:ListQueues was not collected"; got.Message != want {
		t.Errorf("joined: %v, want %s", got, want)
	}
	for r := range engine.Evaluate(s, []engine.Rule{anyQueue}) {
		if got = r.Verdict; r.Resource.ID != "*" || got.Status != engine.NotAssessed {
			t.Errorf("judged: %v", r)
		}
	}
}

// The same ID in two regions is two queues; another's queue is not judged; a result stream may be left early.
func TestEvaluate(t *testing.T) {
	s := engine.NewSnapshot(engine.Header{Read: []model.Place{here, {Account: "1", Region: "us"}}, Listed: []model.Kind{"AWS::SQS::Queue"}})
	for _, p := range []model.Place{{Account: "1", Region: "us"}, {Account: "2", Region: "eu"}, here} {
		q := queue("q", model.Known(true))
		q.Account, q.Region, q.Shared = p.Account, p.Region, []string{"1"}
		s.Put(q)
	}
	var got []string
	for r := range engine.Evaluate(s, []engine.Rule{anyQueue}) {
		got = append(got, r.Resource.Region+" "+string(r.Status))
	}
	if want := []string{"eu not-assessed", "us not-assessed"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	for range engine.Evaluate(s, []engine.Rule{anyQueue}) {
		break
	}
}

// Replacing every node of a group changes fingerprints but no identity; a resource of a stack is known by its place there.
func TestIdentity(t *testing.T) {
	rule := engine.Rule{ID: "ec2-volume-any", Severity: engine.Low, Worst: engine.Low, Reads: []string{"engine_test.Volume"},
		Check: engine.Each(func(*engine.View, *Volume) engine.Verdict { return engine.Pass() })}
	keys := func(suffix string, tags map[string]string, group string) (fingerprint, identity string) {
		s := engine.NewSnapshot(engine.Header{Partition: "aws", Read: []model.Place{here}, Listed: []model.Kind{"AWS::EC2::Volume"}})
		s.Put(&Instance{Meta: model.Meta{ID: "i-" + suffix, Account: "1", Region: "eu"}, Group: model.Known(group)})
		s.Put(&Volume{Meta: model.Meta{ID: "vol-" + suffix, Account: "1", Region: "eu"}, Instances: model.Known([]string{"i-" + suffix}), Tags: model.Known(tags)})
		for r := range engine.Evaluate(s, []engine.Rule{rule}) {
			return r.Fingerprint(), r.Identity()
		}
		return "", ""
	}
	stack := map[string]string{"aws:cloudformation:stack-name": "s", "aws:cloudformation:logical-id": "Data"}
	for _, test := range []struct {
		tags  map[string]string
		group string
		same  bool
	}{{nil, "web", true}, {stack, "", true}, {nil, "", false}} {
		f1, i1 := keys("1", test.tags, test.group)
		f2, i2 := keys("2", test.tags, test.group)
		if f1 == f2 || (i1 == i2) != test.same || len(f1) != 32 || len(i1) != 32 {
			t.Errorf("%v %s: fingerprints %s %s, identities %s %s", test.tags, test.group, f1, f2, i1, i2)
		}
	}
	if reads := engine.OwnerReads(model.TypeOf(&Volume{}), table); !slices.Equal(reads, []string{"engine_test.Volume.Instances", "engine_test.Instance.Group"}) {
		t.Errorf("reads %q", reads)
	}
	// Both keys are final: what notifies, waives and compares keeps them for years.
	if f, i := keys("1", nil, "web"); f != "8c31a404ea8fd1a83735769a32b18523" || i != "f8ec242a71148aa7b74f9c8193571410" {
		t.Errorf("the keys of a finding have changed: %s %s", f, i)
	}
}

var sources = engine.NewIndex(func(q *Queue) []string { return []string{q.DeadLetterARN.Get()} })

var deadLetter = engine.Rule{ID: "sqs-queue-dead", Severity: engine.Low, Worst: engine.Low, Reads: []string{"engine_test.Queue.DeadLetterARN"},
	Check: engine.Each(func(v *engine.View, q *Queue) engine.Verdict {
		if q.DeadLetterARN.Get() != "" || sources.At(v, q.ARN).Exist() {
			return engine.Pass()
		}
		return engine.Fail("none")
	})}

// Time per queue must not grow with their number: an index is built once, not searched per subject.
func BenchmarkIndex(b *testing.B) {
	for _, n := range []int{2_000, 20_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				s := snapshot()
				for i := range n {
					q := queue(fmt.Sprint(i), model.Known(true))
					q.DeadLetterARN = model.Known("")
					switch i % 4 { // sources, their targets, lone ones and denied ones
					case 0:
						q.DeadLetterARN = model.Known("arn:aws:sqs:eu:1:" + fmt.Sprint(i+1))
					case 3:
						q.Gaps = []*model.Gap{denied}
					}
					s.Put(q)
				}
				for range engine.Evaluate(s, []engine.Rule{deadLetter}) {
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/queue")
		})
	}
}

// Load never panics, and what it accepts it writes so that it reads the same again.
func FuzzLoad(f *testing.F) {
	for _, s := range []string{
		header + end(0),
		header + `{"kind":"AWS::SQS::Queue","id":"a","kmsKey":"k","gaps":[{"reason":"throttled","call":"x:Y"}]}` + "\n" +
			`{"unlisted":"AWS::SQS::Queue","account":"1","gap":{"reason":"stopped"}}` + "\n" + `{"absent":"AWS::KMS::Key","account":"1","id":"k"}` + end(3),
		header + `{"kind":"AWS::EC2::Volume","id":"v","instances":[],"tags":{},"sizeGiB":{"$gap":{"reason":"too-little-data"}}}` + end(1),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := engine.Load(bytes.NewReader(data), table)
		if err != nil {
			return
		}
		var once, twice bytes.Buffer
		if err := s.Save(&once); err != nil {
			t.Fatal(err)
		}
		again, err := engine.Load(bytes.NewReader(once.Bytes()), table)
		if err != nil {
			t.Fatalf("%v of what was saved:\n%s", err, once.Bytes())
		}
		if again.Save(&twice); !bytes.Equal(once.Bytes(), twice.Bytes()) {
			t.Errorf("saved\n%s\nloaded\n%s", once.Bytes(), twice.Bytes())
		}
	})
}

// A rule may look at another place of its account, or of another account if it says so. What was not read there is unknown.
func TestAt(t *testing.T) {
	us := model.Place{Account: "1", Region: "us"}
	s := engine.NewSnapshot(engine.Header{Read: []model.Place{here, us}, Listed: []model.Kind{"AWS::EC2::Volume", "AWS::KMS::Key"}})
	for _, p := range []model.Place{here, us} {
		s.Put(&Volume{Meta: model.Meta{ID: p.Region, Account: "1", Region: p.Region}})
	}
	s.PutAbsence(engine.Absence{Kind: "AWS::KMS::Key", Place: us, ID: "arn:aws:kms:us:1:key/gone"})
	for _, test := range []struct {
		organization bool
		at           model.Place
		want         string
	}{
		{false, us, "fail: us"},
		{false, model.Place{Account: "1"}, "fail: eu us"},
		{false, model.Place{Account: "1", Region: "ap"}, "not-assessed: ec2:DescribeVolumes lies outside of the scan (ap was not read)"},
		{true, model.Place{Account: "2"}, "not-assessed: ec2:DescribeVolumes lies outside of the scan (account 2 was not read)"},
		{false, model.Place{Account: "2"}, "not-assessed: the rule is broken: rule r looks beyond its account, but does not say so: set Organization"},
	} {
		rule := regionRule(func(v *engine.View) engine.Verdict {
			var ids []string
			engine.Join[*Volume](v.At(test.at)).Any(func(x *Volume) bool { ids = append(ids, x.ID); return false })
			return engine.Fail(strings.Join(ids, " "))
		}, "engine_test.Volume")
		rule.Organization = test.organization
		for r := range engine.Evaluate(s, []engine.Rule{rule}) {
			if got := string(r.Status) + ": " + r.Message; got != test.want {
				t.Errorf("%+v: %q, want %q", test.at, got, test.want)
			}
		}
	}
	// What is gone is gone, from wherever in the account its ARN was asked for.
	gone := regionRule(func(v *engine.View) engine.Verdict {
		if _, ok := engine.Find[*Key](v.InAccount(), "arn:aws:kms:us:1:key/gone"); ok {
			return engine.Pass()
		}
		return engine.Fail("gone")
	}, "engine_test.Key.State")
	for r := range engine.Evaluate(s, []engine.Rule{gone}) {
		if r.Message != "gone" {
			t.Errorf("%s: %s", r.Resource.Region, r.Message)
		}
	}
}

// Where AWS does not offer a service, what a region should have of it does not apply, and what a join does not find there is not there: but
// that it was not found says nothing about other regions.
func TestNotOffered(t *testing.T) {
	us := model.Place{Account: "1", Region: "us"}
	trails := regionRule(func(v *engine.View) engine.Verdict {
		if engine.Everywhere[*Trail](v).Any(func(t *Trail) bool { return t.MultiRegion.Get() }) {
			return engine.Pass()
		}
		return engine.Fail("none")
	}, "engine_test.Trail.MultiRegion")
	queues := regionRule(func(v *engine.View) engine.Verdict {
		if engine.Join[*Queue](v.InAccount()).Exist() {
			return engine.Pass()
		}
		return engine.Fail("none")
	}, "engine_test.Queue")
	skip := func(service, region string) engine.Skip {
		return engine.Skip{Place: model.Place{Region: region}, Service: service, Reason: model.NotEnabled, Why: "AWS does not offer it"}
	}
	const gap = "cloudtrail:DescribeTrails was denied"
	for _, test := range []struct {
		name   string
		skip   []engine.Skip
		hole   bool   // trails could not be listed in eu
		trails string // verdicts in eu and us
		queues string
	}{
		{"all is offered", nil, true, "none, none", "none, none"}, // us shows all trails
		{"no trails in us", []engine.Skip{skip("cloudtrail", "us")}, true, gap + ", " + gap, "none, none"},
		{"no trails in us, but a list in eu", []engine.Skip{skip("cloudtrail", "us")}, false, "none, none", "none, none"},
		{"no queues in us", []engine.Skip{skip("sqs", "us")}, true, "none, none", "none, none"},
		{"the subject in us", []engine.Skip{skip("engine_test", "us")}, true, "none, AWS does not offer it", "none, AWS does not offer it"},
		{"the subject nowhere", []engine.Skip{skip("engine_test", "")}, true, "AWS does not offer it, AWS does not offer it", "AWS does not offer it, AWS does not offer it"},
		{"a region that is switched off", []engine.Skip{{Place: us, Reason: model.NotEnabled, Why: "off"}}, true, "none, none", "none, none"},
	} {
		s := engine.NewSnapshot(engine.Header{Start: time.Unix(1, 0).UTC(), Read: []model.Place{here, us}, Listed: []model.Kind{"AWS::SQS::Queue", "AWS::CloudTrail::Trail"}, Skipped: test.skip})
		if test.hole {
			s.PutHole(engine.Hole{Kind: "AWS::CloudTrail::Trail", Place: here, Gap: &model.Gap{Reason: model.AccessDenied, Call: "cloudtrail:DescribeTrails"}})
		}
		var file bytes.Buffer
		if err := s.Save(&file); err != nil {
			t.Fatal(err)
		}
		again, err := engine.Load(&file, table)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range []*engine.Snapshot{s, again} { // which is judged alike
			for rule, want := range map[*engine.Rule]string{&trails: test.trails, &queues: test.queues} {
				var got []string
				for r := range engine.Evaluate(s, []engine.Rule{*rule}) {
					if r.Status == engine.Passed || strings.HasPrefix(r.Message, "AWS") != (r.Status == engine.Inapplicable) {
						t.Errorf("%s: %s %s", test.name, r.Status, r.Message)
					}
					got = append(got, r.Message)
				}
				if got := strings.Join(got, ", "); got != want {
					t.Errorf("%s (%d): %s, want %s", test.name, i, got, want)
				}
			}
		}
	}
}
