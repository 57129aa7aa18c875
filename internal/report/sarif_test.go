package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// schema compiles a schema of testdata.
func schema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "schemas", name))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func valid(t *testing.T, s *jsonschema.Schema, data []byte) {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	if err := s.Validate(v); err != nil {
		t.Errorf("%v", err)
	}
}

// A sarifFile is what a consumer reads of it.
type sarifFile struct {
	Version string
	Runs    []struct {
		Tool struct {
			Driver struct {
				Rules []struct {
					ID         string
					Help       struct{ Text, Markdown string }
					Default    struct{ Level string } `json:"defaultConfiguration"`
					Properties map[string]any
				}
				Notifications []struct{ ID string }
			}
		}
		AutomationDetails struct{ ID string }
		Invocations       []struct {
			ExecutionSuccessful        bool
			StartTimeUTC               string
			EndTimeUTC                 string
			ToolExecutionNotifications []struct {
				Level      string
				Message    struct{ Text string }
				Descriptor struct {
					ID    string
					Index int
				}
				Properties map[string]any
			}
		}
		Results []sarifFileResult
	}
}

type sarifFileResult struct {
	RuleID              string
	RuleIndex           int
	Level               string
	Message             struct{ Text string }
	BaselineState       string
	PartialFingerprints map[string]string
	Suppressions        []struct{ Kind, Status, Justification string }
	Properties          map[string]any
	Locations           []struct {
		PhysicalLocation struct {
			ArtifactLocation struct{ URI string }
			Region           struct{ StartLine int }
		}
	}
}

// readSARIF writes a report with at most so many results, and reads it back.
func readSARIF(t *testing.T, r *Report, most int) *sarifFile {
	t.Helper()
	var b bytes.Buffer
	if err := r.sarif(&b, most); err != nil {
		t.Fatal(err)
	}
	valid(t, schema(t, "sarif-2.1.0.json"), b.Bytes())
	var f sarifFile
	if err := json.Unmarshal(b.Bytes(), &f); err != nil {
		t.Fatal(err)
	}
	if f.Version != "2.1.0" || len(f.Runs) != 1 || len(f.Runs[0].Invocations) != 1 {
		t.Fatalf("%s", &b)
	}
	run := f.Runs[0]
	for _, x := range run.Results {
		if x.RuleIndex < 0 || x.RuleIndex >= len(run.Tool.Driver.Rules) || run.Tool.Driver.Rules[x.RuleIndex].ID != x.RuleID {
			t.Errorf("rule %d is not %s", x.RuleIndex, x.RuleID)
		}
	}
	for _, n := range run.Invocations[0].ToolExecutionNotifications {
		if d := run.Tool.Driver.Notifications; n.Descriptor.Index >= len(d) || d[n.Descriptor.Index].ID != n.Descriptor.ID {
			t.Errorf("notification %d is not %s", n.Descriptor.Index, n.Descriptor.ID)
		}
	}
	return &f
}

// documented is a rule with all that a fix says.
func documented() engine.Rule {
	rule := queueRule("sqs-q", engine.Critical, engine.Reliability, engine.Security)
	rule.Level, rule.Why = engine.Recommended, "Because *it* matters."
	rule.Fix = engine.Fix{Text: "Mend <it>:\naws sqs mend-queue\nThen look.", CLI: "aws sqs mend-queue --queue-url <url>", IaC: "Queue:\n  Type: AWS::SQS::Queue", Breaks: "Readers.", Undo: "Nothing.", Effect: engine.Replaces}
	return rule
}

func waiveUntidy(x *engine.Result) *Waived {
	if x.Resource.Name == "untidy" {
		return &Waived{Reason: "it goes in June", Owner: "shop", Expires: "2026-06-30", Source: "waivers.yaml:3"}
	}
	return nil
}

func TestSARIF(t *testing.T) {
	r, err := New("test", engine.Whole(mixed()), []engine.Rule{accountRule, documented()}, Options{Waive: waiveUntidy})
	if err != nil {
		t.Fatal(err)
	}
	run := readSARIF(t, r, sarifMost).Runs[0]
	var got []string
	for _, x := range run.Results {
		l := x.Locations[0].PhysicalLocation
		suppressed := ""
		for _, s := range x.Suppressions {
			suppressed = fmt.Sprintf(" [%s %s: %s]", s.Kind, s.Status, s.Justification)
		}
		got = append(got, fmt.Sprintf("%s %s %s:%d %s%s", x.RuleID, x.Level, l.ArtifactLocation.URI, l.Region.StartLine, x.Message.Text, suppressed))
	}
	if want := []string{ // failures only, in the order of the report
		"cloudtrail-on error aws/111122223333/global/cloudtrail:1 111122223333 (111122223333): no trail",
		"sqs-q error aws/111122223333/eu-west-1/sqs:1 bad (111122223333, eu-west-1): is bad",
		"sqs-q note aws/111122223333/eu-west-1/sqs:1 untidy (111122223333, eu-west-1): is bad [external accepted: it goes in June]",
		"sqs-q warning aws/111122223333/us-east-1/sqs:1 bad (111122223333, us-east-1): is bad",
	}; !slices.Equal(got, want) {
		t.Errorf("results\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, x := range find(r, "") {
		want := map[string]string{"primaryLocationLineHash": x.Identity() + ":1", "scannerFingerprint/v1": x.Fingerprint(), "scannerIdentity/v1": x.Identity()}
		if x.Status == engine.Failed && !slices.ContainsFunc(run.Results, func(y sarifFileResult) bool { return maps.Equal(y.PartialFingerprints, want) }) {
			t.Errorf("no result has the fingerprints of %s", x.Resource.Name)
		}
	}

	rule := run.Tool.Driver.Rules[1]
	if rule.ID != "sqs-q" || rule.Default.Level != "note" || rule.Properties["security-severity"] != "8.0" || fmt.Sprint(rule.Properties["tags"]) != "[security reliability sqs]" ||
		fmt.Sprint(rule.Properties["pillars"]) != "[reliability security]" {
		t.Errorf("the rule is %+v", rule)
	}
	if want := "**Why**\n\nBecause \\*it\\* matters.\n\n**Fix**\n\nMend \\<it\\>:\n\n```\naws sqs mend-queue\n```\n\nThen look.\n\n**Commands**\n\n```\naws sqs mend-queue --queue-url <url>\n```\n\n" +
		"**Template**\n\n```\nQueue:\n  Type: AWS::SQS::Queue\n```\n\n**May break**\n\nReaders.\n\n**Undo**\n\nNothing.\n\n**Effect**\n\nreplaces"; rule.Help.Markdown != want {
		t.Errorf("help\n%s\nwant\n%s", rule.Help.Markdown, want)
	}
	if !strings.Contains(rule.Help.Text, "Undo: Nothing.") {
		t.Errorf("help as text is %s", rule.Help.Text)
	}
	if run.AutomationDetails.ID != "scanner/aws/111122223333/"+r.ID() {
		t.Errorf("the category is %s", run.AutomationDetails.ID)
	}

	invocation := run.Invocations[0]
	if !invocation.ExecutionSuccessful || invocation.StartTimeUTC != "2026-01-01T12:00:00.000Z" || invocation.EndTimeUTC != invocation.StartTimeUTC {
		t.Errorf("the invocation is %+v", invocation)
	}
	var notes []string
	for _, n := range invocation.ToolExecutionNotifications {
		notes = append(notes, n.Descriptor.ID+" "+n.Level+": "+n.Message.Text)
	}
	if want := []string{
		"access-denied warning: sqs:GetQueueAttributes could not be read (access-denied) in account 111122223333, region us-east-1: 1 rule cannot judge there (AccessDenied: no). Grant sqs:GetQueueAttributes.",
		"throttled warning: sqs:ListQueues could not be read (throttled) in account 111122223333, region us-west-2: 1 rule cannot judge there (said no in us-west-2). Repeat the scan when it succeeds.",
	}; !slices.Equal(notes, want) {
		t.Errorf("notifications\n%s\nwant\n%s", strings.Join(notes, "\n"), strings.Join(want, "\n"))
	}
}

// A scan that saw nothing has no results; it must not look as if nothing were wrong.
func TestSARIFBlind(t *testing.T) {
	s := snapshot([]string{"eu-west-1"})
	s.Unread = append(s.Unread, place("us-east-1"), place(model.AnyRegion))
	s.Skipped = append(s.Skipped, engine.Skip{Place: model.Place{Account: "444455556666"}, Reason: model.OutsideScan, Why: "it is SUSPENDED"})
	s.PutHole(hole("AWS::SQS::Queue", "eu-west-1", model.AccessDenied, "sqs:ListQueues"))
	run := readSARIF(t, judge(s, []engine.Rule{documented()}, Filter{}), sarifMost).Runs[0]
	i := run.Invocations[0]
	if i.ExecutionSuccessful || len(run.Results) != 0 || len(i.ToolExecutionNotifications) != 2 {
		t.Fatalf("%+v", run)
	}
	if n := i.ToolExecutionNotifications[0]; n.Level != "error" || fmt.Sprint(n.Properties["permissions"]) != "[sqs:ListQueues]" || fmt.Sprint(n.Properties["rules"]) != "[sqs-q]" {
		t.Errorf("%+v", n)
	}
	if n := i.ToolExecutionNotifications[1]; n.Level != "note" || n.Message.Text != "Not read, so that nothing is said of them: region us-east-1 of account 111122223333, any other region of account 111122223333, account 444455556666 (it is SUSPENDED)." {
		t.Errorf("%+v", n)
	}
}

// Of more failures than GitHub shows the worst are there, those that somebody has accepted last of all, and the run says how many are not.
func TestSARIFLimit(t *testing.T) {
	s := snapshot([]string{"eu-west-1"})
	for i := range 40 {
		s.Put(queue("eu-west-1", fmt.Sprintf("q%02d", i), int(engine.Informational)+i%5, ""))
	}
	waive := func(x *engine.Result) *Waived { // one of each severity
		if x.Resource.Name < "q05" {
			return &Waived{Reason: "r"}
		}
		return nil
	}
	r, err := New("test", engine.Whole(s), []engine.Rule{documented()}, Options{Waive: waive})
	if err != nil {
		t.Fatal(err)
	}
	for most, want := range map[int]map[string]int{
		10:   {"critical": 7, "high": 3},
		37:   {"critical": 8, "high": 8, "medium": 7, "low": 7, "informational": 7}, // 35 open ones
		5000: {"critical": 8, "high": 8, "medium": 8, "low": 8, "informational": 8},
	} {
		run := readSARIF(t, r, most).Runs[0]
		got := map[string]int{}
		for _, x := range run.Results {
			got[x.Properties["severity"].(string)]++
		}
		if !maps.Equal(got, want) {
			t.Errorf("of %d: %v, want %v", most, got, want)
		}
		notes := run.Invocations[0].ToolExecutionNotifications
		if most >= 40 {
			if len(notes) != 0 {
				t.Errorf("of %d: %+v", most, notes)
			}
		} else if len(notes) != 1 || notes[0].Descriptor.ID != "results-left-out" || notes[0].Properties["results"] != float64(40-most) {
			t.Errorf("of %d: %+v", most, notes)
		}
	}
	// Failures that are not listed are not left out.
	r = judge(mixed(), []engine.Rule{documented()}, Filter{Statuses: []engine.Status{engine.Passed}})
	if run := readSARIF(t, r, 1).Runs[0]; len(run.Results) != 0 || run.Invocations[0].ToolExecutionNotifications[0].Descriptor.ID == "results-left-out" {
		t.Errorf("%+v", run)
	}
}

func TestSARIFBaseline(t *testing.T) {
	baseline, err := judge(mixed(), []engine.Rule{documented()}, Filter{}).NewBaseline()
	if err != nil {
		t.Fatal(err)
	}
	s := mixed()
	s.Put(queue("eu-west-1", "extra", int(engine.Low), ""))
	s.Put(queue("us-west-2", "hidden", int(engine.Low), "")) // where that scan could not look
	s.Put(queue("us-east-1", "bad", int(engine.Critical), ""))
	r, err := New("test", engine.Whole(s), []engine.Rule{documented()}, Options{Baseline: baseline, Waive: waiveUntidy})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range readSARIF(t, r, sarifMost).Runs[0].Results {
		got = append(got, fmt.Sprint(strings.Fields(x.Message.Text)[0], " ", x.BaselineState, ", ", x.Properties["change"]))
	}
	if want := []string{"bad unchanged, unchanged", "extra new, new", "untidy unchanged, unchanged", "bad updated, escalated", "hidden new, newly-assessed"}; !slices.Equal(got, want) {
		t.Errorf("states %q, want %q", got, want)
	}
	x := find(r, "")[0]
	for change, want := range map[Change]string{"": "", Regressed: "new", Unchanged: "unchanged"} {
		x.Change = change
		if got := r.sarifResult(&x, 0).Baseline; got != want {
			t.Errorf("%q is %q, want %q", change, got, want)
		}
	}
}

// Names come from an account. A viewer would make links of brackets, and a terminal obey escape sequences.
func TestSARIFHostile(t *testing.T) {
	evil := "[a](https://evil) \\ \x1b]0;x\a\u202e/../{0}%\xff"
	s := snapshot([]string{"eu west/1"}, queue("eu west/1", evil, int(engine.High), ""))
	run := readSARIF(t, judge(s, []engine.Rule{documented()}, Filter{}), sarifMost).Runs[0]
	x := run.Results[0]
	if want := `\[a\](https://evil) \\  \]0;x  /../{0}%` + "\ufffd (111122223333, eu west/1): is bad"; x.Message.Text != want {
		t.Errorf("%q\nwant\n%q", x.Message.Text, want)
	}
	if uri := x.Locations[0].PhysicalLocation.ArtifactLocation.URI; uri != "aws/111122223333/eu%20west/1/sqs" {
		t.Errorf("the file is %s", uri)
	}
}

// Whatever there is in an account, the formats of machines stay what their schemas say.
func TestMachineFormatsHostile(t *testing.T) {
	r := hostileReport()
	if n := len(readSARIF(t, r, sarifMost).Runs[0].Results); n < 20 {
		t.Errorf("%d results", n)
	}
	readOCSF(t, r)
	readASFF(t, r)
}

func TestVisible(t *testing.T) {
	const names = "a\u0085\u009b\u202e\u2028\x7fé世\U0001f600\u200e"
	text, err := json.Marshal(names)
	if err != nil {
		t.Fatal(err)
	}
	got := visible(text)
	if want := `"a\u0085\u009b\u202e\u2028\u007fé世` + "\U0001f600" + `\u200e"`; string(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
	var back string
	if err := json.Unmarshal(got, &back); err != nil || back != names {
		t.Errorf("%v: %q", err, back)
	}
}

// Several accounts are one category, whichever they are today.
func TestSARIFCategory(t *testing.T) {
	s := snapshot([]string{"eu-west-1"})
	s.Header.Read = append(s.Header.Read, model.Place{Account: "222222222222", Region: "eu-west-1"})
	r := judge(s, []engine.Rule{documented()}, Filter{})
	if got := r.sarifCategory(); got != "scanner/aws/111122223333-and-others/" {
		t.Errorf("the category is %s", got)
	}
}

func TestSourceMap(t *testing.T) {
	files := fstest.MapFS{
		"infra/queues.yaml": {Data: []byte("# ours\nParameters:\n  Orders:\n    Type: String\nResources:\n\n  Orders:\n    Type: AWS::SQS::Queue\n    Properties: {QueueName: !Sub '${Orders}'}\n  \"Bills\":\n    Type: AWS::SQS::Queue\n")},
		"infra/stack.json":  {Data: []byte("{\n\t\"Outputs\": {\"Orders\": [\"Orders\"]},\n\t\"Resources\": {\n\t\t\"A\": {\"Type\": \"x\", \"L\": [1, {\"Orders\": 1}], \"Orders\": 2},\n\n\t\t\"Orders\": {},\n\t\t\"Z\": {\"Orders\": {}}}\n}")},
		"infra/broken.yaml": {Data: []byte("Resources: [")},
		"infra/list.yaml":   {Data: []byte("- Resources")},
	}
	m, err := ParseSourceMap([]byte(`
stacks:
- {stack: shop, account: "111122223333", region: us-east-1, template: infra/stack.json}
- {stack: shop, template: ./infra/queues.yaml}
- {stack: 'shop-*', template: infra/none.yaml}
- {stack: broken, template: infra/broken.yaml}
- {stack: list, template: infra/list.yaml}
- {stack: '*', account: "333333333333", template: infra/list.yaml}
`), files)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		account, region, stack, id string
		template                   string
		line                       int
	}{
		{"111122223333", "eu-west-1", "shop", "Orders", "infra/queues.yaml", 7},
		{"111122223333", "eu-west-1", "shop", "Bills", "infra/queues.yaml", 10},
		{"111122223333", "eu-west-1", "shop", "Other", "infra/queues.yaml", 1},
		{"111122223333", "us-east-1", "shop", "Orders", "infra/stack.json", 6},
		{"111122223333", "us-east-1", "shop", "A", "infra/stack.json", 4},
		{"222222222222", "us-east-1", "shop", "Orders", "infra/queues.yaml", 7},
		{"222222222222", "us-east-1", "shop-Queues-1A2B", "Orders", "infra/none.yaml", 1},
		{"1", "us-east-1", "broken", "Orders", "infra/broken.yaml", 1},
		{"1", "us-east-1", "list", "Orders", "infra/list.yaml", 1},
		{"1", "us-east-1", "other", "Orders", "", 0},
		{"1", "us-east-1", "", "Orders", "", 0},
		{"333333333333", "us-east-1", "", "Orders", "", 0}, // of no stack
	} {
		if template, line, ok := m.Find(c.account, c.region, c.stack, c.id); template != c.template || line != c.line || ok != (c.template != "") {
			t.Errorf("%s of %s in %s %s is at %s:%d, want %s:%d", c.id, c.stack, c.account, c.region, template, line, c.template, c.line)
		}
	}
	if m, err := ParseSourceMap([]byte(`{"stacks": [{"stack": "a", "template": "b"}]}`), nil); err != nil {
		t.Error(err)
	} else if template, line, _ := m.Find("1", "r", "a", "x"); template != "b" || line != 1 {
		t.Errorf("%s:%d", template, line)
	}
}

// A finding of a stack that is written down is shown there; that of any other, and one that is masked, at a path that says where it is.
func TestSARIFSource(t *testing.T) {
	m, err := ParseSourceMap([]byte("stacks: [{stack: shop, template: 'in fra/shop.yaml'}]"), fstest.MapFS{"in fra/shop.yaml": {Data: []byte("Resources:\n  Disk:\n    Type: AWS::EC2::Volume\n")}})
	if err != nil {
		t.Fatal(err)
	}
	resources := volume("vol-1", "web")
	model.SetTags(resources[0], map[string]string{"aws:cloudformation:stack-name": "shop", "aws:cloudformation:logical-id": "Disk"})
	for _, c := range []struct {
		mask *engine.Mask
		want string
	}{{nil, "in%20fra/shop.yaml:2"}, {&engine.Mask{Names: true}, "aws/111122223333/eu-west-1/ec2:1"}} {
		r := judge(snapshot([]string{"eu-west-1"}, resources...), []engine.Rule{volumeRule}, Filter{Mask: c.mask})
		r.Sources = m
		l := readSARIF(t, r, sarifMost).Runs[0].Results[0].Locations[0].PhysicalLocation
		if got := fmt.Sprintf("%s:%d", l.ArtifactLocation.URI, l.Region.StartLine); got != c.want {
			t.Errorf("it is at %s, want %s", got, c.want)
		}
	}
}

// What is wrong with a source map is said with its line.
func TestBadSourceMap(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "it has no list stacks: write stacks: [{stack: NAME, template: PATH}]",
		"stacks: []":                          "it has no list stacks: write stacks: [{stack: NAME, template: PATH}]",
		"stacks: {a: b}":                      "line 1: cannot unmarshal !!map into []yaml.Node",
		"stack: []":                           "line 1: field stack not found in type struct",
		"stacks:\n- a":                        "line 2: an entry is {stack: NAME, template: PATH}, with account and region if they matter",
		"stacks:\n- stack: a\n  file: b":      "line 3: there is no field file: use stack, account, region, template",
		"stacks:\n- template: b":              "line 2: the entry has no stack: write its name, or a glob",
		"stacks:\n- stack: a":                 "line 2: the entry of stack a has no template: write its path from the root of the repository",
		"stacks:\n- {stack: a, template: /b}": "line 2: the template /b is no path below the root of the repository, with slashes",
		"stacks:\n- {stack: a, template: b/../../c}":                    "line 2: the template b/../../c is no path below the root of the repository, with slashes",
		"stacks:\n- {stack: a, template: b, account: 12}":               "line 2: the account 12 is no account ID: write its twelve digits in quotes",
		"stacks:\n- {stack: a, template: b}\n- {stack: a, template: c}": "line 3: an entry before this one is about the same stack a",
		"stacks:\n- {stack: a, template: [b]}":                          "line 2: cannot unmarshal !!seq into string",
		"stacks:\n- {stack: a, stack: c, template: b}":                  `line 2: mapping key "stack" already defined at line 2`,
		"stacks: [{stack: a, template: b}]\n---\nstacks: []":            "there is more than one document in it",
		"stacks: [": "line 1: did not find expected node content",
	} {
		if _, err := ParseSourceMap([]byte(text), nil); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
