package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"awsscanner/frameworks"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// An apiModel is what the API model of a service says of the shapes of an operation.
type apiModel struct {
	Root          string
	ResourceTypes []string
	Shapes        map[string]apiShape
}

type apiShape struct {
	Type               string
	Required           []string
	Members            map[string]apiMember
	Member, Key, Value apiMember
	Pattern            string
	Enum               []string
	Max, Min           int
}

type apiMember struct {
	Shape                                 string
	MaxLength, MaxItems, MaxKey, MaxValue int
}

func hubModel(t *testing.T) *apiModel {
	t.Helper()
	data, err := os.ReadFile("testdata/schemas/securityhub-2018-10-26.json")
	if err != nil {
		t.Fatal(err)
	}
	var m apiModel
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	return &m
}

// check lists what is wrong with a value.
func (m *apiModel) check(of apiMember, path string, v any) (wrong []string) {
	bad := func(format string, args ...any) { wrong = append(wrong, path+" "+fmt.Sprintf(format, args...)) }
	s, ok := m.Shapes[of.Shape]
	if !ok {
		bad("has no shape %s", of.Shape)
	}
	switch s.Type {
	case "structure":
		object, ok := v.(map[string]any)
		if !ok {
			bad("is no object: %v", v)
		}
		for _, name := range s.Required {
			if object[name] == nil {
				bad("lacks %s", name)
			}
		}
		for name, value := range object {
			member, ok := s.Members[name]
			if !ok {
				bad("has an unknown member %s", name)
				continue
			}
			wrong = append(wrong, m.check(member, path+"."+name, value)...)
		}
	case "list":
		list, ok := v.([]any)
		if !ok || len(list) < s.Min || s.Max > 0 && len(list) > s.Max || of.MaxItems > 0 && len(list) > of.MaxItems {
			bad("is no list of that length: %v", v)
		}
		for i, value := range list {
			wrong = append(wrong, m.check(s.Member, fmt.Sprintf("%s[%d]", path, i), value)...)
		}
	case "map":
		object, ok := v.(map[string]any)
		if !ok || of.MaxItems > 0 && len(object) > of.MaxItems {
			bad("has %d pairs", len(object))
		}
		for name, value := range object {
			wrong = append(wrong, m.check(apiMember{Shape: s.Key.Shape, MaxLength: of.MaxKey}, path+" key", name)...)
			wrong = append(wrong, m.check(apiMember{Shape: s.Value.Shape, MaxLength: of.MaxValue}, path+"."+name, value)...)
		}
	case "string":
		text, ok := v.(string)
		switch {
		case !ok:
			bad("is no text: %v", v)
		case s.Pattern != "" && !regexp.MustCompile("^(?:"+s.Pattern+")$").MatchString(text):
			bad("does not match %s: %q", s.Pattern, text)
		case len(s.Enum) > 0 && !slices.Contains(s.Enum, text):
			bad("is none of %s: %q", s.Enum, text)
		case of.MaxLength > 0 && utf8.RuneCountInString(text) > of.MaxLength:
			bad("has %d characters", utf8.RuneCountInString(text))
		}
	default:
		if _, ok := v.(float64); !ok || s.Type != "integer" {
			bad("is no %s: %v", s.Type, v)
		}
	}
	return wrong
}

// readASFF writes a report, holds each line against the API model, and reads it back.
func readASFF(t *testing.T, r *Report) (batches [][]*ASFF) {
	t.Helper()
	var b bytes.Buffer
	if err := r.ASFF(&b); err != nil {
		t.Fatal(err)
	}
	m := hubModel(t)
	for line := range bytes.Lines(b.Bytes()) {
		var v any
		var request struct{ Findings []*ASFF }
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatal(err)
		}
		for _, wrong := range m.check(apiMember{Shape: m.Root}, "request", v) {
			t.Error(wrong)
		}
		if err := json.Unmarshal(line, &request); err != nil {
			t.Fatal(err)
		}
		if len(line) > 6_000_000 {
			t.Errorf("a request has %d bytes", len(line))
		}
		for _, f := range request.Findings {
			if text, _ := json.Marshal(f); len(text) > 240_000 {
				t.Errorf("a finding has %d bytes", len(text))
			}
			if f.ProductARN != request.Findings[0].ProductARN || f.AccountID != request.Findings[0].AccountID {
				t.Errorf("%s and %s are in one request", f.ProductARN, request.Findings[0].ProductARN)
			}
		}
		batches = append(batches, request.Findings)
	}
	return batches
}

// Failures and passes are what they are; what was not seen has an ID of its own, so that it overwrites nothing; where a rule does not apply is nothing.
func TestASFF(t *testing.T) {
	r, err := New("1.2.3", engine.Whole(mixed()), []engine.Rule{accountRule, documented()}, Options{Waive: waiveUntidy})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	fingerprints := map[string]string{}
	for _, x := range find(r, "") {
		fingerprints[x.Fingerprint()] = x.Resource.Region + " " + name(x.Resource)
	}
	for _, batch := range readASFF(t, r) {
		for _, f := range batch {
			id := regexp.MustCompile(`[0-9a-f]{32}`).ReplaceAllStringFunc(f.ID, func(p string) string { return "<" + fingerprints[p] + ">" })
			got = append(got, fmt.Sprintf("%s %s %s %s %s/%s %s %s", strings.Split(f.ProductARN, ":")[3], id, f.GeneratorID, f.Compliance.Status, f.Severity.Label, f.Severity.Original, f.RecordState, f.Resources[0].ID))
		}
	}
	queueARN := func(region, name string) string { return "arn:aws:sqs:" + region + ":" + account + ":" + name }
	if want := []string{ // region by region; what has none goes to the home of the partition
		"eu-west-1 scanner/<eu-west-1 bad> scanner/sqs-q FAILED HIGH/high ACTIVE " + queueARN("eu-west-1", "bad"),
		"eu-west-1 scanner/<eu-west-1 good> scanner/sqs-q PASSED INFORMATIONAL/pass ACTIVE " + queueARN("eu-west-1", "good"),
		"eu-west-1 scanner/<eu-west-1 untidy> scanner/sqs-q FAILED LOW/low ARCHIVED " + queueARN("eu-west-1", "untidy"),
		"us-east-1 scanner/< 111122223333> scanner/cloudtrail-on FAILED HIGH/high ACTIVE AWS::::Account:111122223333",
		"us-east-1 scanner/<us-east-1 bad> scanner/sqs-q FAILED MEDIUM/medium ACTIVE " + queueARN("us-east-1", "bad"),
		"us-east-1 scanner/<us-east-1 dark>/not-assessed scanner/sqs-q NOT_AVAILABLE INFORMATIONAL/not-assessed ACTIVE " + queueARN("us-east-1", "dark"),
		"us-west-2 scanner/<us-west-2 *>/not-assessed scanner/sqs-q NOT_AVAILABLE INFORMATIONAL/not-assessed ACTIVE *",
	}; !slices.Equal(got, want) {
		t.Errorf("findings\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}

	all := readASFF(t, r)
	bad, untidy, dark := all[0][0], all[0][2], all[1][2]
	if bad.Title != "Queues are sqs-q" || bad.Description != "is bad. Because *it* matters." || bad.Remediation.Recommendation.Text != "Mend <it>: aws sqs mend-queue Then look." ||
		bad.Resources[0].Type != "AwsSqsQueue" || bad.Resources[0].Region != "eu-west-1" || bad.Resources[0].Partition != "aws" || bad.UpdatedAt != "2026-01-01T12:00:00.000Z" || bad.AccountID != account {
		t.Errorf("%+v", bad)
	}
	if want := []string{"Software and Configuration Checks/AWS Security Best Practices", "Software and Configuration Checks/AWS Well-Architected/reliability", "Software and Configuration Checks/AWS Well-Architected/security"}; !slices.Equal(bad.Types, want) || !slices.Equal(bad.Provider.Types, want) || bad.Provider.Severity != bad.Severity {
		t.Errorf("types %q, of the provider %q", bad.Types, bad.Provider.Types)
	}
	if f := bad.ProductFields; f["scanner/evidence/monthlyCostUSD"] != "1.1" || f["scanner/rule"] != "sqs-q" || f["scanner/region"] != "eu-west-1" || f["scanner/version"] != "1.2.3" || f["scanner/pillars"] != "reliability, security" {
		t.Errorf("fields %v", f)
	}
	if f := untidy.ProductFields; f["scanner/waived/reason"] != "it goes in June" || f["scanner/waived/expires"] != "2026-06-30" {
		t.Errorf("fields %v", f)
	}
	if want := []ASFFStatusReason{{"ACCESS_DENIED", "sqs:GetQueueAttributes was denied (AccessDenied: no); grant sqs:GetQueueAttributes"}}; !slices.Equal(dark.Compliance.StatusReasons, want) || dark.Remediation != nil {
		t.Errorf("%+v", dark)
	}
}

// No finding is larger than Security Hub takes, whatever there is in the account.
func TestASFFLimits(t *testing.T) {
	long := strings.Repeat("<long & wide 世界>\n\x1b", 200)
	rule := documented()
	rule.Title, rule.Why, rule.Fix.Text = strings.Repeat("t", 90), long, long
	rule.Check = volumeRule.Check
	rule.Reads = volumeRule.Reads
	tags := map[string]string{"": "x", " ": "y", "empty": "", "blank": " \n"}
	for i := range 60 {
		tags[fmt.Sprintf("%02d", i)+long] = long
	}
	resources := volume("vol-1", "web")
	model.SetTags(resources[0], tags)
	s := snapshot([]string{"eu-west-1"}, resources...)
	s.Partition, s.Names = "aws-eusc", map[string]string{account: long}
	r := judge(s, []engine.Rule{rule}, Filter{})
	var requirements []frameworks.Requirement
	for i := range 50 {
		requirements = append(requirements, frameworks.Requirement{ID: fmt.Sprint(i), Rules: []string{rule.ID}})
	}
	r.Frameworks = []*frameworks.Framework{{ID: "f", Requirements: requirements}}
	f := readASFF(t, r)[0][0]
	if n := len(f.Resources[0].Tags); n != 50 || f.Resources[0].Partition != "" || len(f.Compliance.RelatedRequirements) != 32 || utf8.RuneCountInString(f.Description) != 1024 || !strings.HasSuffix(f.Description, "…") {
		t.Errorf("%d tags, %+v", n, f.Compliance)
	}

	x := find(r, "")[0]
	x.Evidence = map[string]any{}
	for i := range 60 {
		x.Evidence[fmt.Sprintf("z%s%02d", long, i)] = long
		x.Evidence[fmt.Sprintf("e%02d", i)] = []any{long, 1}
	}
	x.Evidence["e00"] = "" // of nothing there is no field
	data, err := json.Marshal(r.asff(&x, newASFFRule(x.Rule, nil), "scan"))
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	m := hubModel(t)
	for _, wrong := range m.check(apiMember{Shape: "AwsSecurityFinding"}, "finding", v) {
		t.Error(wrong)
	}
	if len(data) > 240_000 {
		t.Errorf("a finding has %d bytes", len(data))
	}
	x.Resource.ARN, x.Resource.ID = "", "\u2028" // of a blank one the whole batch would be refused
	if got := r.asff(&x, newASFFRule(x.Rule, nil), "scan").Resources[0].ID; got != x.Fingerprint() {
		t.Errorf("a resource without a name is %q", got)
	}
}

// A request has 100 findings at most, all of one account and region, and none is lost.
func TestASFFBatches(t *testing.T) {
	s := snapshot([]string{"eu-west-1", "us-east-1"})
	for i := range 250 {
		s.Put(queue("eu-west-1", fmt.Sprint("q", i), int(engine.Low), ""))
	}
	s.Put(queue("us-east-1", "q", int(engine.Low), ""))
	var sizes []string
	ids := map[string]bool{}
	for _, batch := range readASFF(t, judge(s, []engine.Rule{documented()}, Filter{})) {
		sizes = append(sizes, fmt.Sprint(strings.Split(batch[0].ProductARN, ":")[3], " ", len(batch)))
		for _, f := range batch {
			ids[f.ID] = true
		}
	}
	if want := []string{"eu-west-1 100", "eu-west-1 100", "eu-west-1 50", "us-east-1 1"}; !slices.Equal(sizes, want) || len(ids) != 251 {
		t.Errorf("%d findings in batches of %q, want %q", len(ids), sizes, want)
	}

	// The bytes count as well.
	big := &ASFF{AccountID: account, Region: "eu-west-1", Description: strings.Repeat("x", 200_000)}
	sent := 0
	b := (&Report{}).ASFFBatches(func(at model.Place, findings []*ASFF, text []byte) error {
		if want, _ := json.Marshal(findings); string(want) != "["+string(text)+"]" {
			t.Error("the text is not that of the findings")
		}
		if len(text) > ASFFBytes {
			t.Errorf("a batch of %d has %d bytes", len(findings), len(text))
		}
		sent += len(findings)
		return nil
	})
	for range 60 {
		if err := b.Add(big); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Flush(); err != nil || sent != 60 {
		t.Errorf("%d sent: %v", sent, err)
	}
}

// What has no account cannot be imported.
func TestASFFWithoutAccount(t *testing.T) {
	s := snapshot([]string{"eu-west-1"})
	s.PutHole(engine.Hole{Kind: "AWS::SQS::Queue", Place: model.Place{Account: "profile prod"}, Gap: &model.Gap{Reason: model.CallFailed, Call: "sts:GetCallerIdentity"}})
	if got := readASFF(t, judge(s, []engine.Rule{documented()}, Filter{})); len(got) != 0 {
		t.Errorf("%+v", got[0][0])
	}
}

func TestASFFTypes(t *testing.T) {
	m := hubModel(t)
	for _, name := range asffTypes {
		if !slices.Contains(m.ResourceTypes, name) {
			t.Errorf("Security Hub knows no %s", name)
		}
	}
	if !slices.IsSorted(asffTypes) {
		t.Error("the types are not in order")
	}
	got := map[string]string{}
	for _, kind := range []model.Kind{"AWS::::Account", "AWS::::Region", "AWS::RDS::DBInstance", "AWS::EC2::VPC", "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::IAM::ManagedPolicy", "AWS::SSM::Parameter", "AWS::KMS::Key"} {
		got[string(kind)] = asffType(kind)
	}
	if want := map[string]string{"AWS::::Account": "AwsAccount", "AWS::::Region": "Other", "AWS::RDS::DBInstance": "AwsRdsDbInstance", "AWS::EC2::VPC": "AwsEc2Vpc",
		"AWS::ElasticLoadBalancingV2::LoadBalancer": "AwsElbv2LoadBalancer", "AWS::IAM::ManagedPolicy": "AwsIamPolicy", "AWS::SSM::Parameter": "Other", "AWS::KMS::Key": "AwsKmsKey"}; !maps.Equal(got, want) {
		t.Errorf("types %v, want %v", got, want)
	}
}
