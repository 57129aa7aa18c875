package publish

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"awsscanner/internal/awstest"
	"awsscanner/internal/collect"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/s3"
	"awsscanner/internal/model/sqs"
	"awsscanner/internal/report"
)

const account = "111122223333"

// A fakeHub answers as the Security Hubs of some accounts do, at the wire.
type fakeHub struct {
	t         *testing.T
	off       map[string]bool   // regions in which it is not enabled
	denied    map[string]bool   // regions in which nobody may import
	refuse    map[string]string // IDs that are not taken, and why
	mute      bool              // say nothing of what became of findings
	throttles int               // requests to refuse first
	unsifted  bool              // answer with all findings, whatever the filters say

	mu       sync.Mutex
	findings map[string]map[string]any // by ID
	imports  []string                  // "account region number of findings"
}

// A client is that of one account.
type client struct {
	*fakeHub
	account string
}

func (c client) Do(r *http.Request) (*http.Response, error) {
	q, err := awstest.RequestOf(r)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.throttles > 0 {
		c.throttles--
		return awstest.Error(r, q, 429, "LimitExceededException", "too many"), nil
	}
	if c.off[q.Region] {
		return awstest.Error(r, q, 401, "InvalidAccessException", "Account "+c.account+" is not subscribed to AWS Security Hub"), nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var answer any
	switch q.Op {
	case "securityhub:GetFindings":
		answer = c.get(q.Region, body)
	case "securityhub:BatchImportFindings":
		if c.denied[q.Region] {
			return awstest.Error(r, q, 403, "AccessDeniedException", "no"), nil
		}
		answer = c.put(q.Region, body)
	default:
		c.t.Errorf("%s is called", q.Op)
	}
	text, err := json.Marshal(answer)
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(text)), Request: r}, err
}

// get answers with two findings a page.
func (c client) get(region string, body []byte) any {
	var in struct {
		NextToken  string
		MaxResults int
		Filters    map[string][]struct{ Value, Comparison string }
	}
	if err := json.Unmarshal(body, &in); err != nil || in.MaxResults > 100 || len(in.Filters) != 4 {
		c.t.Errorf("%v: %s", err, body)
	}
	var found []any
	next := ""
	for _, id := range slices.Sorted(maps.Keys(c.findings)) {
		f := c.findings[id]
		matches := id > in.NextToken
		for name, filters := range in.Filters {
			value, _ := f[name].(string)
			matches = matches && (filters[0].Comparison == "EQUALS" && value == filters[0].Value || filters[0].Comparison == "PREFIX" && strings.HasPrefix(value, filters[0].Value))
		}
		if !matches && (!c.unsifted || id <= in.NextToken) {
			continue
		}
		if len(found) == 2 {
			break
		}
		shown := maps.Clone(f)
		shown["Workflow"], shown["ProcessedAt"] = map[string]any{"Status": "NOTIFIED"}, "2026-01-09T00:00:00Z" // which nobody may send
		shown["ProductFields"] = maps.Clone(f["ProductFields"].(map[string]any))
		shown["ProductFields"].(map[string]any)["aws/securityhub/SeverityLabel"] = "HIGH"
		found, next = append(found, shown), id
	}
	if len(found) < 2 {
		next = ""
	}
	answer := map[string]any{"Findings": found}
	if found == nil {
		answer["Findings"] = []any{}
	}
	if next != "" {
		answer["NextToken"] = next
	}
	return answer
}

func (c client) put(region string, body []byte) any {
	var in struct{ Findings []map[string]any }
	if err := json.Unmarshal(body, &in); err != nil || len(in.Findings) == 0 || len(in.Findings) > 100 {
		c.t.Errorf("%v: %d findings", err, len(in.Findings))
	}
	c.imports = append(c.imports, fmt.Sprint(c.account, " ", region, " ", len(in.Findings)))
	if c.mute {
		return map[string]any{}
	}
	refused, taken := []any{}, 0
	for _, f := range in.Findings {
		id := f["Id"].(string)
		for _, never := range []string{"Workflow", "Note", "UserDefinedFields", "VerificationState", "ProcessedAt"} {
			if f[never] != nil {
				c.t.Errorf("%s is sent", never)
			}
		}
		for name := range f["ProductFields"].(map[string]any) {
			if strings.HasPrefix(name, "aws/") {
				c.t.Errorf("%s is sent", name)
			}
		}
		if want := "arn:aws:securityhub:" + region + ":" + c.account + ":product/" + c.account + "/default"; f["ProductArn"] != want || f["AwsAccountId"] != c.account {
			c.t.Errorf("%s of %s is sent to %s", f["ProductArn"], f["AwsAccountId"], want)
		}
		if why := c.refuse[id]; why != "" {
			refused = append(refused, map[string]any{"Id": id, "ErrorCode": "InvalidInput", "ErrorMessage": why})
			continue
		}
		taken++
		if c.findings == nil {
			c.findings = map[string]map[string]any{}
		}
		if old := c.findings[id]; old == nil || at(c.t, f).After(at(c.t, old)) { // what is as old as what is there is ignored
			c.findings[id] = f
		}
	}
	return map[string]any{"SuccessCount": taken, "FailedCount": len(refused), "FailedFindings": refused}
}

func at(t *testing.T, f map[string]any) time.Time {
	when, err := time.Parse(time.RFC3339, f["UpdatedAt"].(string))
	if err != nil {
		t.Error(err)
	}
	return when
}

func (h *fakeHub) open(account, region string) (aws.Config, error) {
	cfg, _ := collect.Watch(awstest.Config(region, client{h, account}), collect.Agent{Version: "test"})
	return cfg, nil
}

// state shows what is in the hub, a line for each finding.
func (h *fakeHub) state(names map[string]string) (lines []string) {
	for _, id := range slices.Sorted(maps.Keys(h.findings)) {
		f := h.findings[id]
		fingerprint, rest, _ := strings.Cut(strings.TrimPrefix(id, "scanner/"), "/")
		if rest != "" {
			rest = "/" + rest
		}
		lines = append(lines, fmt.Sprintf("%s%s %s %s since %s", names[fingerprint], rest, f["Compliance"].(map[string]any)["Status"], f["RecordState"], f["CreatedAt"].(string)[:10]))
	}
	slices.Sort(lines)
	return lines
}

// The number of messages is the verdict on a queue.
const (
	passes  = 0
	exempt  = -1
	unknown = -2
	fails   = 1
)

var rule = engine.Rule{ID: "sqs-q", Title: "Queues are good", Severity: engine.High, Worst: engine.High, Pillars: []engine.Pillar{engine.Security}, Reads: []string{"sqs.Queue.Messages"},
	Check: engine.Each(func(_ *engine.View, q *sqs.Queue) engine.Verdict {
		switch q.Messages.Get() {
		case passes:
			return engine.Pass()
		case exempt:
			return engine.NotApplicable("is exempt")
		}
		return engine.Fail("is bad")
	})}

// queues describes a scan: "region/name" to verdict; "region/*" for a list that was denied.
type queues map[string]int

// scan reports on queues as they are on a day of January. names gets their names by fingerprint.
func scan(t *testing.T, day int, regions []string, all queues, names map[string]string) *report.Report {
	t.Helper()
	return reported(t, snapshot(day, regions, all), names, nil)
}

func snapshot(day int, regions []string, all queues) *engine.Snapshot {
	h := engine.Header{Partition: "aws", Start: time.Date(2026, 1, day, 12, 0, 0, 0, time.UTC), Listed: []model.Kind{"AWS::SQS::Queue"}}
	for _, region := range regions {
		h.Read = append(h.Read, model.Place{Account: account, Region: region})
	}
	s := engine.NewSnapshot(h)
	for _, at := range slices.Sorted(maps.Keys(all)) {
		region, name, _ := strings.Cut(at, "/")
		if name == "*" {
			s.PutHole(engine.Hole{Kind: "AWS::SQS::Queue", Place: model.Place{Account: account, Region: region}, Gap: &model.Gap{Reason: model.AccessDenied, Call: "sqs:ListQueues"}})
			continue
		}
		q := &sqs.Queue{Meta: model.Meta{ID: "https://" + at, Name: name, ARN: "arn:aws:sqs:" + region + ":" + account + ":" + name, Account: account, Region: region}, Messages: model.Known(all[at])}
		if all[at] == unknown {
			q.Messages, q.Gaps = model.Attr[int]{}, []*model.Gap{{Reason: model.AccessDenied, Call: "sqs:GetQueueAttributes"}}
		}
		s.Put(q)
	}
	return s
}

func reported(t *testing.T, s *engine.Snapshot, names map[string]string, waive func(*engine.Result) *report.Waived) *report.Report {
	t.Helper()
	r, err := report.New("test", engine.Whole(s), []engine.Rule{rule}, report.Options{Waive: waive})
	if err != nil {
		t.Fatal(err)
	}
	for x, err := range r.Results() {
		if err != nil {
			t.Fatal(err)
		}
		names[x.Fingerprint()] = strings.TrimPrefix(x.Resource.ID, "https://")
		if x.Resource.ID == "*" {
			names[x.Fingerprint()] = x.Resource.Region + "/*"
		}
	}
	return r
}

func run(t *testing.T, p *SecurityHub) map[string]Outcome {
	t.Helper()
	outcomes, err := p.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]Outcome{}
	for _, o := range outcomes {
		by[o.Region] = o
	}
	return by
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

var failed = []engine.Status{engine.Failed}

// A finding appears, stays as old as it is while it lasts, and is archived once it is seen to be no more. What nobody could see stays.
func TestLife(t *testing.T) {
	h, names := &fakeHub{t: t}, map[string]string{}
	h.findings = map[string]map[string]any{
		"other":         {"Id": "other", "GeneratorId": "aws-foundational/x", "ProductArn": report.ProductARN("aws", account, "eu-west-1"), "AwsAccountId": account, "RecordState": "ACTIVE", "Compliance": map[string]any{"Status": "FAILED"}, "CreatedAt": "2026-01-01T00:00:00Z", "UpdatedAt": "2026-01-01T00:00:00Z", "ProductFields": map[string]any{}},
		"scanner/rule2": {"Id": "scanner/rule2", "SchemaVersion": "x", "Title": "x", "Description": "x", "Resources": []any{map[string]any{"Type": "Other", "Id": "x"}}, "GeneratorId": "scanner/another-rule", "ProductArn": report.ProductARN("aws", account, "eu-west-1"), "AwsAccountId": account, "RecordState": "ACTIVE", "Compliance": map[string]any{"Status": "FAILED"}, "CreatedAt": "2026-01-01T00:00:00Z", "UpdatedAt": "2026-01-01T00:00:00Z", "ProductFields": map[string]any{"scanner/region": "eu-west-1"}},
	}
	names["other"], names["rule2"] = "other", "another rule"
	regions := []string{"eu-west-1", "us-east-1", "us-west-2"}
	first := scan(t, 2, regions, queues{"eu-west-1/fixed": fails, "eu-west-1/gone": fails, "eu-west-1/good": passes, "eu-west-1/lasts": fails, "eu-west-1/dark": fails, "eu-west-1/freed": fails,
		"us-east-1/hidden": fails, "us-west-2/unread": fails, "us-west-2/dim": unknown}, names)
	by := run(t, &SecurityHub{Report: first, Statuses: failed, Open: h.open})
	if by["eu-west-1"].Imported != 5 || by["us-east-1"].Imported != 1 || by["us-west-2"].Imported != 1 || by["eu-west-1"].Resolved != 0 || by["eu-west-1"].Kept != 1 {
		t.Errorf("%+v", by)
	}
	second := scan(t, 3, regions[:2], queues{"eu-west-1/fixed": passes, "eu-west-1/good": fails, "eu-west-1/lasts": fails, "eu-west-1/dark": unknown, "eu-west-1/freed": exempt, "us-east-1/*": 0}, names)

	// A dry run says what would be done, and does nothing.
	before, requests := h.state(names), len(h.imports)
	dry := run(t, &SecurityHub{Report: second, Statuses: failed, DryRun: true, Open: h.open})
	same(t, "after a dry run", h.state(names), before)
	if len(h.imports) != requests {
		t.Errorf("a dry run imports %q", h.imports[requests:])
	}

	by = run(t, &SecurityHub{Report: second, Statuses: failed, Open: h.open})
	if o := by["eu-west-1"]; o.Imported != 2 || o.Resolved != 3 || o.Kept != 1 || by["us-east-1"].Imported != 0 || by["us-east-1"].Kept != 1 {
		t.Errorf("%+v", by)
	}
	for region, o := range by {
		if d := dry[region]; d.Imported != o.Imported || d.Resolved != o.Resolved || d.Kept != o.Kept {
			t.Errorf("%s: the dry run says %+v, it is %+v", region, d, o)
		}
	}
	after := []string{
		"another rule FAILED ACTIVE since 2026-01-01",
		"eu-west-1/dark FAILED ACTIVE since 2026-01-02",
		"eu-west-1/fixed PASSED ARCHIVED since 2026-01-02",
		"eu-west-1/freed NOT_AVAILABLE ARCHIVED since 2026-01-02",
		"eu-west-1/gone PASSED ARCHIVED since 2026-01-02",
		"eu-west-1/good FAILED ACTIVE since 2026-01-03",
		"eu-west-1/lasts FAILED ACTIVE since 2026-01-02",
		"other FAILED ACTIVE since 2026-01-01",
		"us-east-1/hidden FAILED ACTIVE since 2026-01-02",
		"us-west-2/unread FAILED ACTIVE since 2026-01-02",
	}
	same(t, "after the second scan", h.state(names), after)

	// An earlier scan does not undo what a later one says, except for what that left alone.
	by = run(t, &SecurityHub{Report: scan(t, 1, regions, queues{"eu-west-1/lasts": passes, "us-east-1/hidden": unknown, "us-west-2/unread": fails}, names), Statuses: failed, Open: h.open})
	if by["eu-west-1"].Newer != 3 || by["eu-west-1"].Imported != 0 || by["eu-west-1"].Resolved != 0 || by["us-west-2"].Imported != 0 || by["us-west-2"].Newer != 1 {
		t.Errorf("%+v", by)
	}
	same(t, "after an earlier scan", h.state(names), after)
}

// A finding is gone only if the scan would have seen it.
func TestWhole(t *testing.T) {
	buckets := engine.Rule{ID: "s3-b", Formerly: []string{"s3-old"}, Check: engine.Each(func(*engine.View, *s3.Bucket) engine.Verdict { return engine.Pass() })}
	p := &SecurityHub{Report: &report.Report{Rules: []engine.Rule{rule, buckets}, Header: engine.Header{Read: []model.Place{{Account: account, Region: "eu-west-1"}, {Account: "444455556666"}}}}}
	for _, c := range []struct {
		rule, account, region string
		hole                  hole
		want                  bool
	}{
		{"sqs-q", account, "eu-west-1", hole{}, true},
		{"sqs-q", account, "us-east-1", hole{}, false}, // not read
		{"sqs-q", "444455556666", "eu-west-1", hole{}, false},
		{"sqs-q", "444455556666", "", hole{}, false}, // not entered
		{"sqs-r", account, "eu-west-1", hole{}, false},
		{"s3-b", account, "us-east-1", hole{}, true}, // one call lists all, wherever they are
		{"s3-old", account, "us-east-1", hole{}, true},
		{"s3-b", account, "", hole{}, true},
		{"sqs-q", account, "eu-west-1", hole{"sqs-q", account, "eu-west-1"}, false},
		{"sqs-q", account, "eu-west-1", hole{"sqs-q", account, model.AnyRegion}, false},
		{"sqs-q", account, "eu-west-1", hole{"sqs-q", account, "us-east-1"}, true},
		{"sqs-q", account, "eu-west-1", hole{"s3-b", account, "eu-west-1"}, true},
		{"s3-old", account, "us-east-1", hole{"s3-b", account, ""}, false},
	} {
		k := &known{}
		k.finding.GeneratorId, k.finding.AwsAccountId, k.finding.ProductFields = aws.String("scanner/"+c.rule), &c.account, map[string]string{"scanner/region": c.region}
		if got := p.whole(k, map[hole]bool{c.hole: true}); got != c.want {
			t.Errorf("%s in %s %s with a hole at %+v: %v", c.rule, c.account, c.region, c.hole, got)
		}
	}
}

// What others have left is never touched, not even if it is shown by mistake.
func TestForeign(t *testing.T) {
	names := map[string]string{"1": "foreign", "2": "archived", "3": "elsewhere"}
	finding := func(id, generator, region, state string) map[string]any {
		return map[string]any{"Id": id, "GeneratorId": generator, "ProductArn": report.ProductARN("aws", account, region), "AwsAccountId": account, "RecordState": state,
			"Compliance": map[string]any{"Status": "FAILED"}, "CreatedAt": "2026-01-01T00:00:00Z", "UpdatedAt": "2026-01-01T00:00:00Z", "ProductFields": map[string]any{"scanner/region": region}}
	}
	h := &fakeHub{t: t, unsifted: true, findings: map[string]map[string]any{"1": finding("1", "prowler-x", "us-east-1", "ACTIVE"), "2": finding("2", "scanner/sqs-q", "us-east-1", "ARCHIVED"), "3": finding("3", "scanner/sqs-q", "eu-west-1", "ACTIVE")}}
	before := h.state(names)
	if o := run(t, &SecurityHub{Report: scan(t, 2, []string{"us-east-1"}, queues{}, names), Statuses: failed, Open: h.open})["us-east-1"]; o.Resolved != 0 || o.Kept != 0 || len(h.imports) != 0 {
		t.Errorf("%+v", o)
	}
	same(t, "what is there", h.state(names), before)
}

// A scan that is published again with other waivers changes what it has published itself. What has not changed is not sent as if it had.
func TestWaivedLater(t *testing.T) {
	h, names := &fakeHub{t: t}, map[string]string{}
	s := snapshot(2, []string{"eu-west-1"}, queues{"eu-west-1/a": fails, "eu-west-1/b": fails})
	waive := func(x *engine.Result) *report.Waived {
		if x.Resource.Name == "a" {
			return &report.Waived{Reason: "soon gone", Owner: "shop", Expires: "2026-12-31"}
		}
		return nil
	}
	run(t, &SecurityHub{Report: reported(t, s, names, nil), Statuses: failed, Open: h.open})
	want := []string{"eu-west-1/a FAILED ARCHIVED since 2026-01-02", "eu-west-1/b FAILED ACTIVE since 2026-01-02"}
	for _, when := range []string{"with a waiver", "again"} {
		o := run(t, &SecurityHub{Report: reported(t, s, names, waive), Statuses: failed, Open: h.open})["eu-west-1"]
		if o.Newer > 0 || o.Imported != 2 || o.Waived != 1 {
			t.Errorf("%s: %+v", when, o)
		}
		same(t, when, h.state(names), want)
	}
	for id, f := range h.findings {
		if day := at(t, f); names[strings.TrimPrefix(id, "scanner/")] == "eu-west-1/b" && !day.Equal(s.Start) {
			t.Errorf("b is updated at %s, though nothing has changed", day)
		}
	}
	run(t, &SecurityHub{Report: scan(t, 3, []string{"eu-west-1"}, queues{"eu-west-1/a": fails}, names), Statuses: failed, Open: h.open})
	same(t, "after the next scan", h.state(names), []string{"eu-west-1/a FAILED ACTIVE since 2026-01-03", "eu-west-1/b PASSED ARCHIVED since 2026-01-02"})
}

// What could not be assessed stands beside what an earlier scan saw, until somebody can see again.
func TestBlind(t *testing.T) {
	h, names := &fakeHub{t: t}, map[string]string{}
	all := []engine.Status{engine.Failed, engine.NotAssessed, engine.Passed, engine.Inapplicable}
	regions := []string{"eu-west-1", "us-east-1"}
	publish := func(day int, q queues) {
		run(t, &SecurityHub{Report: scan(t, day, regions, q, names), Statuses: all, Open: h.open})
	}
	publish(2, queues{"eu-west-1/a": fails, "eu-west-1/b": fails, "us-east-1/c": passes})
	publish(3, queues{"eu-west-1/a": unknown, "us-east-1/*": 0, "eu-west-1/*": 0})
	same(t, "when blind", h.state(names), []string{
		"eu-west-1/*/not-assessed NOT_AVAILABLE ACTIVE since 2026-01-03",
		"eu-west-1/a FAILED ACTIVE since 2026-01-02",
		"eu-west-1/a/not-assessed NOT_AVAILABLE ACTIVE since 2026-01-03",
		"eu-west-1/b FAILED ACTIVE since 2026-01-02",
		"us-east-1/*/not-assessed NOT_AVAILABLE ACTIVE since 2026-01-03",
		"us-east-1/c PASSED ACTIVE since 2026-01-02",
	})
	publish(4, queues{"eu-west-1/a": fails})
	same(t, "when it sees again", h.state(names), []string{
		"eu-west-1/*/not-assessed NOT_AVAILABLE ARCHIVED since 2026-01-03",
		"eu-west-1/a FAILED ACTIVE since 2026-01-02",
		"eu-west-1/a/not-assessed NOT_AVAILABLE ARCHIVED since 2026-01-03",
		"eu-west-1/b PASSED ARCHIVED since 2026-01-02",
		"us-east-1/*/not-assessed NOT_AVAILABLE ARCHIVED since 2026-01-03",
		"us-east-1/c PASSED ARCHIVED since 2026-01-02",
	})
}

// One Security Hub that cannot be used stops none of the others, and is named if something was for it.
func TestUnavailable(t *testing.T) {
	h := &fakeHub{t: t, off: map[string]bool{"eu-west-1": true, "us-west-2": true}, denied: map[string]bool{"us-west-1": true}}
	r := scan(t, 2, []string{"eu-west-1", "us-east-1", "us-west-1", "us-west-2"}, queues{"eu-west-1/a": fails, "us-east-1/b": fails, "us-west-1/c": fails, "us-west-2/d": passes}, map[string]string{})
	by := run(t, &SecurityHub{Report: r, Statuses: failed, Open: h.open})
	var off *Unavailable
	if o := by["eu-west-1"]; o.Lost != 1 || o.Imported != 0 || !errors.As(o.Err, &off) ||
		o.Err.Error() != "Security Hub is not enabled in account 111122223333, region eu-west-1: run aws securityhub enable-security-hub --region eu-west-1 there, or leave the region out with --regions" {
		t.Errorf("%+v", o)
	}
	if o := by["us-west-1"]; o.Lost != 1 || o.Err == nil || o.Err.Error() != "access to the Security Hub of account 111122223333, region us-west-1 is denied (AccessDeniedException: no): grant securityhub:GetFindings and securityhub:BatchImportFindings" {
		t.Errorf("%+v", o)
	}
	if _, told := by["us-west-2"]; told || by["us-east-1"].Imported != 1 || by["us-east-1"].Err != nil {
		t.Errorf("%+v", by)
	}
	by = run(t, &SecurityHub{Report: r, Statuses: failed, Regions: []string{"us-e*"}, Open: h.open})
	if len(by) != 1 || by["us-east-1"].Imported != 1 {
		t.Errorf("%+v", by)
	}
	if by = run(t, &SecurityHub{Report: r, Statuses: failed, Open: func(string, string) (aws.Config, error) { return aws.Config{}, errors.New("nobody lets me in") }}); by["us-east-1"].Lost != 1 || by["us-east-1"].Err.Error() != "nobody lets me in" {
		t.Errorf("%+v", by)
	}
}

// Findings that are not taken are named; those of which nothing is said are not counted as taken.
func TestRefused(t *testing.T) {
	names := map[string]string{}
	r := scan(t, 2, []string{"us-east-1"}, queues{"us-east-1/a": fails, "us-east-1/b": fails}, names)
	id := ""
	for fingerprint, name := range names {
		if name == "us-east-1/a" {
			id = "scanner/" + fingerprint
		}
	}
	o := run(t, &SecurityHub{Report: r, Statuses: failed, Open: (&fakeHub{t: t, refuse: map[string]string{id: "too long"}}).open})["us-east-1"]
	if want := []Refusal{{id, "sqs-q on arn:aws:sqs:us-east-1:111122223333:a", "InvalidInput", "too long"}}; o.Imported != 1 || !slices.Equal(o.Refused, want) || o.Err != nil {
		t.Errorf("%+v", o)
	}
	o = run(t, &SecurityHub{Report: r, Statuses: failed, Open: (&fakeHub{t: t, mute: true}).open})["us-east-1"]
	if o.Imported != 0 || o.Lost != 2 || o.Err == nil || !strings.Contains(o.Err.Error(), "only 0 of 2 findings") {
		t.Errorf("%+v", o)
	}
}

// More findings than go into a request.
func TestBatches(t *testing.T) {
	h, q := &fakeHub{t: t}, queues{}
	for i := range 205 {
		q[fmt.Sprintf("us-east-1/%03d", i)] = fails
	}
	names := map[string]string{}
	if o := run(t, &SecurityHub{Report: scan(t, 2, []string{"us-east-1"}, q, names), Statuses: failed, Open: h.open})["us-east-1"]; o.Imported != 205 {
		t.Errorf("%+v", o)
	}
	same(t, "requests", h.imports, []string{account + " us-east-1 100", account + " us-east-1 100", account + " us-east-1 5"})
	h.imports = nil
	if o := run(t, &SecurityHub{Report: scan(t, 3, []string{"us-east-1"}, queues{}, names), Statuses: failed, Open: h.open})["us-east-1"]; o.Resolved != 205 {
		t.Errorf("%+v", o)
	}
	same(t, "requests", h.imports, []string{account + " us-east-1 100", account + " us-east-1 100", account + " us-east-1 5"})
}

// Throttles are waited for.
func TestThrottled(t *testing.T) {
	r := scan(t, 2, []string{"us-east-1"}, queues{"us-east-1/a": fails}, map[string]string{})
	synctest.Test(t, func(t *testing.T) {
		h := &fakeHub{t: t, throttles: 5}
		outcomes, err := (&SecurityHub{Report: r, Statuses: failed, Open: h.open}).Run(t.Context())
		if err != nil || len(outcomes) != 1 || outcomes[0].Imported != 1 || outcomes[0].Err != nil {
			t.Errorf("%v: %+v", err, outcomes)
		}
	})
}

// An interrupt ends it.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	h := &fakeHub{t: t}
	cancel()
	_, err := (&SecurityHub{Report: scan(t, 2, []string{"us-east-1"}, queues{"us-east-1/a": fails}, map[string]string{}), Statuses: failed, Open: h.open}).Run(ctx)
	if !errors.Is(err, context.Canceled) || len(h.imports) > 0 {
		t.Errorf("%v", err)
	}
}
