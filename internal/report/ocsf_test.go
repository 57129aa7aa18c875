package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"awsscanner/frameworks"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// readOCSF writes a report, holds each line against the schema, and reads it back.
func readOCSF(t *testing.T, r *Report) (events []ocsfEvent) {
	t.Helper()
	var b bytes.Buffer
	if err := r.OCSF(&b); err != nil {
		t.Fatal(err)
	}
	s := schema(t, "ocsf-1.7.0-compliance-finding.json")
	for line := range bytes.Lines(b.Bytes()) {
		valid(t, s, line)
		var e ocsfEvent
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

// Every verdict is told as it is: what nobody saw is neither a pass nor a warning nor a finding of some severity.
func TestOCSF(t *testing.T) {
	r, err := New("1.2.3", engine.Whole(mixed()), []engine.Rule{accountRule, documented()}, Options{Waive: waiveUntidy})
	if err != nil {
		t.Fatal(err)
	}
	events := readOCSF(t, r)
	var got []string
	uids := map[string]bool{}
	for i, x := range slices.Collect(func(yield func(Result) bool) {
		for x := range r.Results() {
			if !yield(x) {
				return
			}
		}
	}) {
		e := events[i]
		if e.Finding.UID != x.Fingerprint() || e.Finding.UIDAlt != x.Identity() || e.Time != start.UnixMilli() || uids[e.Metadata.UID] {
			t.Errorf("event %d: %+v", i, e)
		}
		uids[e.Metadata.UID] = true
		got = append(got, fmt.Sprintf("%s %s: %d %s, severity %s, %s %s", e.Metadata.EventCode, e.Resources[0].Name, e.Compliance.StatusID, e.Compliance.Status, e.Severity, e.Status, e.StatusDetail))
	}
	if want := []string{
		"cloudtrail-on 111122223333: 3 Fail, severity High, New ",
		"sqs-q bad: 3 Fail, severity High, New ",
		"sqs-q good: 1 Pass, severity Informational, pass ",
		"sqs-q untidy: 3 Fail, severity Low, Suppressed accepted by shop until 2026-06-30: it goes in June",
		"sqs-q bad: 3 Fail, severity Medium, New ",
		"sqs-q dark: 0 Unknown, severity Unknown, New ",
		"sqs-q exempt: 99 not-applicable, severity Informational, not-applicable ",
		"sqs-q *: 0 Unknown, severity Unknown, New ",
	}; !slices.Equal(got, want) {
		t.Errorf("events\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	bad, dark := events[1], events[5]
	if bad.Remediation == nil || !strings.Contains(bad.Remediation.Desc, "aws sqs mend-queue --queue-url <url>") || !strings.Contains(bad.Remediation.Desc, "Undo: Nothing.") || dark.Remediation != nil {
		t.Errorf("remediation %+v, of what is no failure %+v", bad.Remediation, dark.Remediation)
	}
	if c := bad.Cloud; c.Account.UID != account || c.Region != "eu-west-1" || c.Partition != "aws" || bad.Resources[0].UID != "arn:aws:sqs:eu-west-1:"+account+":bad" || bad.Resources[0].Type != "AWS::SQS::Queue" {
		t.Errorf("%+v is in %+v", bad.Resources[0], c)
	}
	if gap := fmt.Sprint(dark.Unmapped["gap"]); !strings.Contains(gap, "sqs:GetQueueAttributes") || !strings.Contains(gap, "access-denied") {
		t.Errorf("the gap is %s", gap)
	}
	if evidence := fmt.Sprint(bad.Unmapped["evidence"]); evidence != "map[monthlyCostUSD:1.1]" {
		t.Errorf("the evidence is %s", evidence)
	}
	if fmt.Sprint(bad.Compliance.Standards) != "[AWS Well-Architected Framework]" || bad.Compliance.Category != "reliability" || bad.Metadata.Product.Version != "1.2.3" {
		t.Errorf("%+v", bad)
	}
}

func TestOCSFDetails(t *testing.T) {
	resources := volume("vol-1", "web")
	model.SetTags(resources[0], map[string]string{"z": "", "Owner": "shop", "a": "b"})
	s := snapshot([]string{"eu-west-1"}, resources...)
	s.PutHole(hole("AWS::EC2::Volume", model.AnyRegion, model.AccessDenied, "ec2:DescribeRegions"))
	r := judge(s, []engine.Rule{volumeRule}, Filter{})
	r.Frameworks = []*frameworks.Framework{{ID: "f-1", Title: "F", Version: "1", Requirements: []frameworks.Requirement{{ID: "a", Rules: []string{volumeRule.ID}}, {ID: "b", Rules: []string{"other"}}, {ID: "c", Rules: []string{volumeRule.ID}}}}}
	events := readOCSF(t, r)
	e := events[0]
	if got := fmt.Sprint(e.Compliance.Standards, e.Compliance.Requirements); got != "[AWS Well-Architected Framework F 1] [f-1 a f-1 c]" || e.Unmapped["frameworks_note"] != frameworks.Note {
		t.Errorf("it answers %s", got)
	}
	if x := e.Resources[0]; x.Owner == nil || x.Owner.Name != "shop" || fmt.Sprint(x.Tags) != "[{Owner shop} {a b} {z }]" {
		t.Errorf("%+v", x)
	}
	if e := events[1]; e.Cloud.Region != "" || e.Resources[0].Region != "" || e.Resources[0].UID != "*" { // any region is none
		t.Errorf("%+v", e)
	}
}

// The schema refuses what would be a lie, lest it accept anything.
func TestOCSFSchema(t *testing.T) {
	var b bytes.Buffer
	if err := judge(mixed(), []engine.Rule{documented()}, Filter{Statuses: []engine.Status{engine.NotAssessed}}).OCSF(&b); err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(b.String(), "\n")
	s := schema(t, "ocsf-1.7.0-compliance-finding.json")
	for old, new := range map[string]string{
		`"class_uid":2003`:                      `"class_uid":2004`,
		`"time":1`:                              `"time":"1`,
		`"severity":"Unknown"`:                  `"severity":"Low"`,
		`"status_id":0,"status":"Unknown"`:      `"status_id":0,"status":"Warning"`,
		`"version":"1.7.0"`:                     `"version":"9"`,
		`"provider":"AWS",`:                     ``,
		`"uid":"` + "scanner":                   `"other":"scanner`,
		`"type_uid":200301`:                     `"type_uid":200302`,
		`"unmapped":{`:                          `"extra":{`,
		`"name":"dark","type":"AWS::SQS::Queue`: `"name":7,"type":"AWS::SQS::Queue`,
	} {
		bad := strings.Replace(line, old, new, 1)
		if bad == line {
			t.Errorf("there is no %s in %s", old, line)
			continue
		}
		if v, err := jsonschema.UnmarshalJSON(strings.NewReader(bad)); err == nil && s.Validate(v) == nil {
			t.Errorf("the schema accepts %s", new)
		}
	}
}
