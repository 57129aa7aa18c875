package main

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

	"github.com/santhosh-tekuri/jsonschema/v6"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/report"
)

// gaps is an account in which little could be seen.
const gaps = `{"schema":"scanner.snapshot/v1","partition":"aws","start":"2026-01-01T12:00:00.5Z","caller":"arn:aws:sts::111122223333:assumed-role/audit/me","read":[{"account":"111122223333","region":"eu-west-1"},{"account":"111122223333","region":"us-east-1"}],"unread":[{"account":"111122223333","region":"*"}],"skipped":[{"account":"444455556666","reason":"outside-scan","why":"it is SUSPENDED"},{"region":"us-east-1","service":"guardduty","reason":"not-enabled","why":"AWS does not offer guardduty in us-east-1"}],"listed":["AWS::EC2::Instance","AWS::EC2::Volume","AWS::SQS::Queue"],"rules":["cloudtrail-multi-region-enabled","ec2-ebs-volume-not-on-stopped-instance","sqs-queue-dead-letter-queue"]}
{"kind":"AWS::EC2::Instance","id":"i-1","account":"111122223333","region":"eu-west-1","state":"stopped","autoScalingGroup":"web"}
{"kind":"AWS::EC2::Volume","id":"vol-1","name":"data","account":"111122223333","region":"eu-west-1","attachments":[{"instance":"i-1","device":"/dev/sdf","state":"attached","deleteOnTermination":false}],"tags":{"team":"shop"}}
{"kind":"AWS::SQS::Queue","id":"https://sqs.eu-west-1.amazonaws.com/111122223333/dark","name":"dark","account":"111122223333","region":"eu-west-1","gaps":[{"reason":"access-denied","call":"sqs:GetQueueAttributes","detail":"AccessDenied: no"}]}
{"unlisted":"AWS::SQS::Queue","account":"111122223333","region":"us-east-1","gap":{"reason":"stopped","call":"sqs:ListQueues"}}
{"unlisted":"AWS::EC2::Volume","account":"111122223333","region":"*","gap":{"reason":"throttled","call":"ec2:DescribeRegions"}}
{"end":{"finished":"2026-01-01T12:00:09Z","calls":4,"throttled":1,"lines":5}}
`

// stdout runs the scanner in this process and returns what it writes to standard output.
func stdout(t *testing.T, args ...string) []byte {
	t.Helper()
	var out, stderr bytes.Buffer
	if code := run(t.Context(), args, &out, &stderr); code != 0 || stderr.Len() > 0 {
		t.Fatalf("scanner %s: exit %d: %s", strings.Join(args, " "), code, &stderr)
	}
	return out.Bytes()
}

func decode(t *testing.T, data []byte) (v any) {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Reports are what docs/report.schema.json says, no more and no less.
func TestReportSchema(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	text, err := os.ReadFile("../../docs/report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	schema := decode(t, text)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("report.json", schema); err != nil {
		t.Fatal(err)
	}
	whole, line := c.MustCompile("report.json"), c.MustCompile("report.json#/$defs/result")

	file := filepath.Join(t.TempDir(), "gaps.jsonl")
	if err := os.WriteFile(file, []byte(gaps), 0o600); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, args := range [][]string{{"scan", "--demo"}, {"report", file}, {"report", file, "--status", "not-applicable"}, {"scan", "--demo", "--regions", "us-east-1", "--services", "sqs"}, {"scan", "--demo", "--frameworks", "*"}} {
		got := decode(t, stdout(t, append(args, "-o", "json")...))
		if err := whole.Validate(got); err != nil {
			t.Errorf("%s: %v", args, err)
		}
		walk(schema, schema, got, "", seen)
		n := 0
		for l := range bytes.Lines(stdout(t, append(args, "-o", "jsonl")...)) {
			n++
			if err := line.Validate(decode(t, l)); err != nil {
				t.Errorf("%s, line %d: %v", args, n, err)
			}
		}
		if results := got.(map[string]any)["results"].([]any); n != len(results) {
			t.Errorf("%s: %d lines of %d results", args, n, len(results))
		}
	}
	compared := decode(t, rich(t))
	if err := whole.Validate(compared); err != nil {
		t.Errorf("a report with a baseline: %v", err)
	}
	walk(schema, schema, compared, "", seen)
	for _, path := range slices.Sorted(maps.Keys(seen)) {
		if !seen[path] {
			t.Errorf("no report has %s", path)
		}
	}

	strict(t, schema, "")

	// What the schema must refuse, lest it accept anything.
	for old, new := range map[string]string{
		`"cells":`:                             `"extra":1,"cells":`,
		`"name":"scanner"`:                     `"name":"scanner","extra":1`,
		`"status":"not-assessed"`:              `"status":"pass"`,
		`"severity":"medium"`:                  `"severity":"severe"`,
		`"reason":"throttled"`:                 `"reason":"tired"`,
		`"class":"fixable"`:                    `"class":"hopeless"`,
		`"started":"2026-01-01T12:00:00.5Z"`:   `"started":"yesterday"`,
		`"schema":"scanner.report/v1"`:         `"schema":"scanner.report/v2"`,
		`"pillars":["cost-optimization",`:      `"pillars":["beauty",`,
		`"kind":"AWS::EC2::Volume","id":"*"`:   `"kind":"volume","id":"*"`,
		`"owner":"shop"`:                       `"owner":null`,
		`"estimatedMonthlyWasteUSD":0`:         `"estimatedMonthlyWasteUSD":"0"`,
		`"permissions":[],"reason":"stopped"`:  `"permissions":null,"reason":"stopped"`,
		`"permissions":["sqs:GetQueueAttribut`: `"permissions":["GetQueueAttribut`,
		`"status":"not-automated"`:             `"status":"met-somehow"`,
		`"failed":[`:                           `"failed":null,"x":[`,
	} {
		good := string(stdout(t, "report", file, "--frameworks", "fsbp,aws-well-architected", "-o", "json"))
		if bad := strings.Replace(good, old, new, 1); bad == good {
			t.Errorf("the report has no %s", old)
		} else if whole.Validate(decode(t, []byte(bad))) == nil {
			t.Errorf("the schema accepts %s", new)
		}
	}

	defs := schema.(map[string]any)["$defs"].(map[string]any)
	for name, want := range map[string]string{
		"severity": fmt.Sprint(engine.Severities()), "pillar": fmt.Sprint(engine.Pillars), "reason": fmt.Sprint(model.Reasons),
		"class": fmt.Sprint([]model.Class{model.Fixable, model.Structural}),
	} {
		if got := fmt.Sprint(defs[name].(map[string]any)["enum"]); got != want {
			t.Errorf("the schema lists as %s %s, want %s", name, got, want)
		}
	}
	status := defs["result"].(map[string]any)["properties"].(map[string]any)["status"]
	if got := fmt.Sprint(status.(map[string]any)["enum"]); got != fmt.Sprint(engine.Statuses) {
		t.Errorf("the schema lists as status %s", got)
	}
}

// rich writes a report with all that not every report has: a baseline, waivers, filters, a rule in preview.
func rich(t *testing.T) []byte {
	dir := t.TempDir()
	open := func(name, text string) *recording {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		rec, err := openRecording(file)
		if err != nil {
			t.Fatal(err)
		}
		return rec
	}
	seen := strings.Replace(gaps, `{"unlisted":"AWS::SQS::Queue","account":"111122223333","region":"us-east-1","gap":{"reason":"stopped","call":"sqs:ListQueues"}}`,
		`{"kind":"AWS::SQS::Queue","id":"https://sqs.us-east-1.amazonaws.com/111122223333/jobs","arn":"arn:aws:sqs:us-east-1:111122223333:jobs","name":"jobs","account":"111122223333","region":"us-east-1","deadLetterArn":"","maxReceives":0,"redriveAllow":"","tags":{"team":"shop"}}`, 1)
	before, err := open("before.jsonl", seen).baseline(nil, (&configured{}).again())
	if err != nil {
		t.Fatal(err)
	}
	rec := open("gaps.jsonl", strings.Replace(gaps, `,"autoScalingGroup":"web"`, "", 1))
	picked, err := rec.rules(&selection{ruleset: string(engine.Recommended)})
	if err != nil {
		t.Fatal(err)
	}
	picked[0].Preview = true
	all := []string{"*"}
	filter := report.Filter{Statuses: engine.Statuses, Severities: []engine.Severity{1, 2, 3, 4, 5}, Regions: all, Resources: all, Tags: map[string][]string{"team": all}, Owners: all,
		Mask: &engine.Mask{Accounts: true, Names: true}}
	r, err := rec.report(picked, report.Options{Filter: filter, Baseline: before, Team: func(*engine.Result) string { return "shop" }, Waive: func(x *engine.Result) *report.Waived {
		if x.Resource.Name == "data" || x.Resource.Name == "dark" {
			return &report.Waived{Reason: "it goes", Owner: "shop", Expires: "2026-12-31", Mitigation: "none", Risk: "low", Ticket: "SHOP-1", Source: "waivers.yaml:1"}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := r.JSON(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Baselines and comparisons are what their schemas say.
func TestBaselineAndDiffSchema(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, name := range []string{"report", "baseline", "diff"} {
		text, err := os.ReadFile("../../docs/" + name + ".schema.json")
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource(name+".schema.json", decode(t, text)); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	old, now := filepath.Join(dir, "old.jsonl.zst"), filepath.Join(dir, "new.json")
	stdout(t, "scan", "--demo", "--no-save", "--regions", "eu-*", "--save-snapshot", old)
	stdout(t, "scan", "--demo", "--no-save", "--regions", "eu-central-1,us-east-1", "--exclude-rules", "kms-*", "-o", "json="+now)
	if err := c.MustCompile("baseline.schema.json").Validate(decode(t, stdout(t, "baseline", "create", old, "-o", "-"))); err != nil {
		t.Error(err)
	}
	diff := decode(t, stdout(t, "diff", old, now, "-o", "json"))
	if err := c.MustCompile("diff.schema.json").Validate(diff); err != nil {
		t.Error(err)
	}
	counts := diff.(map[string]any)["counts"].(map[string]any)
	for _, name := range []string{"newly-assessed", "unchanged", "out-of-scope"} {
		if fmt.Sprint(counts[name]) == "0" {
			t.Errorf("nothing is %s: %v", name, counts)
		}
	}
	for _, name := range []string{"new", "fixed", "regressed", "escalated"} {
		if fmt.Sprint(counts[name]) != "0" {
			t.Errorf("between two views of one account something is %s: %v", name, counts)
		}
	}
}

// walk notes each property of a schema, and whether a value has it.
func walk(root, schema, value any, path string, seen map[string]bool) {
	s, _ := schema.(map[string]any)
	if ref, ok := s["$ref"].(string); ok {
		name := strings.TrimPrefix(ref, "#/$defs/")
		walk(root, root.(map[string]any)["$defs"].(map[string]any)[name], value, name, seen)
	}
	properties, _ := s["properties"].(map[string]any)
	object, _ := value.(map[string]any)
	for name, of := range properties {
		at := path + "." + name
		v, ok := object[name]
		if seen[at] = seen[at] || ok; ok {
			walk(root, of, v, at, seen)
		}
	}
	if items, ok := s["items"]; ok {
		list, _ := value.([]any)
		for _, v := range list {
			walk(root, items, v, path, seen)
		}
	}
}

// strict finds objects that may have any property. Only evidence and tags may.
func strict(t *testing.T, schema any, path string) {
	t.Helper()
	switch s := schema.(type) {
	case map[string]any:
		if _, ok := s["properties"]; ok && s["type"] == "object" && s["additionalProperties"] != false {
			t.Errorf("the schema lets%s have any property", path)
		}
		for name, of := range s {
			strict(t, of, path+" "+name)
		}
	case []any:
		for _, of := range s {
			strict(t, of, path)
		}
	}
}

func TestRulesJSON(t *testing.T) {
	var out map[string][]map[string]any
	if err := json.Unmarshal(stdout(t, "rules", "list", "-o", "json"), &out); err != nil || len(out) != 1 || len(out["rules"]) == 0 {
		t.Fatalf("%v: %v", err, out)
	}
	for _, r := range out["rules"] {
		shape := map[string]string{}
		for name, v := range r {
			shape[name] = fmt.Sprintf("%T", v)
		}
		text, list, object := "string", "[]interface {}", "map[string]interface {}"
		if want := (map[string]string{"id": text, "title": text, "level": text, "severity": text, "worst": text, "pillars": list, "service": text, "kind": text,
			"params": object, "calls": list, "frameworks": object}); !maps.Equal(shape, want) {
			t.Errorf("%s has %v, want %v", r["id"], shape, want)
		}
	}
}
