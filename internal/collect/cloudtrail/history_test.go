package cloudtrail

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"awsscanner/internal/awstest"
	"awsscanner/internal/cause"
	"awsscanner/internal/collect"
	"awsscanner/internal/model"
)

// A fakeHistory answers LookupEvents at the wire, two events a page.
type fakeHistory struct {
	t         *testing.T
	events    map[string][]string // by "region value", the newest first
	denied    map[string]bool     // regions
	throttles int                 // requests to refuse first; -1 for all
	spoilt    string              // answer with this

	mu    sync.Mutex
	asked []string
	times []time.Time
}

// historic is an event as LookupEvents tells it.
func historic(id, name string, at time.Time, resource, record string) string {
	text, _ := json.Marshal(record)
	return fmt.Sprintf(`{"EventId":%q,"EventName":%q,"ReadOnly":"false","EventTime":%d,"EventSource":"s3.amazonaws.com","Username":"jane@example.com","Resources":[{"ResourceType":"AWS::S3::Bucket","ResourceName":%q}],"CloudTrailEvent":%s}`, id, name, at.Unix(), resource, text)
}

func (f *fakeHistory) Do(r *http.Request) (*http.Response, error) {
	q, err := awstest.RequestOf(r)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.times = append(f.times, time.Now())
	var in struct {
		LookupAttributes   []struct{ AttributeKey, AttributeValue string }
		StartTime, EndTime float64
		MaxResults         int
		NextToken          string
		EventCategory      *string
	}
	if err := json.Unmarshal([]byte(q.Params), &in); err != nil || q.Op != "cloudtrail:LookupEvents" || len(in.LookupAttributes) != 1 || in.MaxResults != 50 || in.StartTime == 0 || in.EndTime <= in.StartTime || in.EventCategory != nil {
		f.t.Errorf("%s %v: %s", q.Op, err, q.Params)
	}
	a := in.LookupAttributes[0]
	f.asked = append(f.asked, strings.TrimSpace(q.Region+" "+a.AttributeKey+" "+a.AttributeValue+" "+in.NextToken))
	switch {
	case f.throttles != 0:
		f.throttles--
		return awstest.Error(r, q, 400, "ThrottlingException", "Rate exceeded"), nil
	case f.denied[q.Region]:
		return awstest.Error(r, q, 400, "AccessDeniedException", "User: arn:aws:sts::111122223333:assumed-role/scan/jane@example.com is not authorized to perform: cloudtrail:LookupEvents because no identity-based policy allows the cloudtrail:LookupEvents action"), nil
	}
	all := f.events[q.Region+" "+a.AttributeValue]
	from := 0
	fmt.Sscan(in.NextToken, &from)
	page := all[from:min(len(all), from+2)]
	body := `{"Events":[` + strings.Join(page, ",") + `]`
	if from+2 < len(all) {
		body += fmt.Sprintf(`,"NextToken":"%d"`, from+2)
	}
	body += "}"
	if f.spoilt != "" {
		body = f.spoilt
	}
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func (f *fakeHistory) history() *History {
	cfg, _ := collect.Watch(awstest.Config("us-east-1", f), collect.Agent{Version: "test"})
	return &History{Config: cfg}
}

var monday = time.Date(2026, 1, 12, 3, 0, 0, 0, time.UTC)

func question(region, key, value string) cause.Query {
	return cause.Query{Region: region, Key: key, Value: value, Since: monday, Until: monday.Add(time.Hour), Pages: 3}
}

// All pages are read, up to a bound, at a pace that leaves something to others.
func TestHistoryPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var many []string
		for i := range 7 {
			many = append(many, historic(fmt.Sprint("e-", i), "PutBucketPolicy", monday.Add(-time.Duration(i)*time.Minute), "shop", `{"requestParameters":{"bucketName":"shop"}}`))
		}
		f := &fakeHistory{t: t, events: map[string][]string{"eu-west-1 shop": many[:3], "eu-west-1 busy": many}}
		h := f.history()
		a := h.Ask(t.Context(), question("eu-west-1", "ResourceName", "shop"))
		if len(a.Events) != 3 || !a.Whole || a.Calls != 2 || a.Gap != nil {
			t.Fatalf("%+v", a)
		}
		e := a.Events[2]
		if e.ID != "e-2" || e.Name != "PutBucketPolicy" || e.Source != "s3.amazonaws.com" || !e.Time.Equal(monday.Add(-2*time.Minute)) || e.ReadOnly || e.Record != `{"requestParameters":{"bucketName":"shop"}}` ||
			len(e.Resources) != 1 || e.Resources[0] != (cause.Resource{Type: "AWS::S3::Bucket", Name: "shop"}) {
			t.Errorf("%+v", e)
		}
		if a := h.Ask(t.Context(), question("eu-west-1", "EventName", "busy")); len(a.Events) != 6 || a.Whole || a.Calls != 3 || a.Gap != nil {
			t.Errorf("%d events in %d calls, %v %v", len(a.Events), a.Calls, a.Whole, a.Gap)
		}
		if a := h.Ask(t.Context(), question("eu-west-1", "EventName", "none")); len(a.Events) != 0 || !a.Whole || a.Gap != nil {
			t.Errorf("%+v", a)
		}
		want := "eu-west-1 ResourceName shop, eu-west-1 ResourceName shop 2, eu-west-1 EventName busy, eu-west-1 EventName busy 2, eu-west-1 EventName busy 4, eu-west-1 EventName none"
		if got := strings.Join(f.asked, ", "); got != want {
			t.Errorf("asked %s", got)
		}
		for i := 1; i < len(f.times); i++ {
			if d := f.times[i].Sub(f.times[i-1]); d < 500*time.Millisecond {
				t.Errorf("request %d comes after %s", i, d)
			}
		}
	})
}

// A few throttles are waited for, and without end they are told; so are a denial, without asking again, garbage and what lacks a time.
func TestHistoryFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeHistory{t: t, throttles: 3, events: map[string][]string{"eu-west-1 shop": {historic("e", "PutBucketPolicy", monday, "shop", "{}")}}, denied: map[string]bool{"eu-west-2": true}}
		if a := f.history().Ask(t.Context(), question("eu-west-1", "ResourceName", "shop")); len(a.Events) != 1 || !a.Whole || a.Gap != nil || len(f.asked) != 4 {
			t.Errorf("%+v after %d requests", a, len(f.asked))
		}
		f.asked = nil
		a := f.history().Ask(t.Context(), question("eu-west-2", "ResourceName", "shop"))
		if a.Gap == nil || a.Gap.Reason != model.AccessDenied || a.Gap.Call != cause.Call || a.Whole || len(f.asked) != 1 {
			t.Errorf("%+v after %d requests", a, len(f.asked))
		}
		f.throttles = -1
		if a = f.history().Ask(t.Context(), question("eu-west-1", "ResourceName", "shop")); a.Gap == nil || a.Gap.Reason != model.Throttled || a.Whole {
			t.Errorf("%+v", a)
		}
		f.throttles = 0
		for _, spoilt := range []string{"", "null", "<html>", `{"Events":[{"EventId":"e","EventName":"PutBucketPolicy","CloudTrailEvent":"{}"}]}`, `{"Events":[{"EventTime":1,"EventName":"PutBucketPolicy"}]}`} {
			if f.spoilt = spoilt; spoilt == "" {
				f.spoilt = " "
			}
			if a = f.history().Ask(t.Context(), question("eu-west-1", "ResourceName", "shop")); a.Gap == nil || a.Gap.Reason != model.CallFailed || a.Whole {
				t.Errorf("%q: %+v", spoilt, a)
			}
		}
	})
}

// From the wire to the answer: a policy of a bucket, in three modes of what CloudTrail does.
func TestCauseOfTheWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		record := func(session, more string) string {
			return `{"userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/deploy/` + session + `","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/deploy","userName":"deploy"}}},"requestParameters":{"bucketName":"shop"},"recipientAccountId":"111122223333"` + more + `}`
		}
		f := &fakeHistory{t: t, denied: map[string]bool{"eu-west-2": true}, events: map[string][]string{
			"eu-west-1 shop": {
				historic("e-4", "PutBucketPolicy", monday.Add(20*time.Minute), "shop", record("jane@example.com", `,"errorCode":"AccessDenied"`)),
				historic("e-3", "PutBucketPolicy", monday.Add(10*time.Minute), "shop", record("jane@example.com", "")),
				historic("e-2", "DeleteBucketPolicy", monday.Add(5*time.Minute), "shop", record("ci-7", "")),
			},
			"eu-west-1 PutBucketPolicy": {
				historic("e-5", "PutBucketPolicy", monday.Add(15*time.Minute), "news", strings.ReplaceAll(record("x", ""), "shop", "news")),
				historic("e-3", "PutBucketPolicy", monday.Add(10*time.Minute), "shop", record("jane@example.com", "")),
			}}}
		l := &cause.Lookup{Account: "111122223333", Regions: []string{"eu-west-1", "eu-west-2"}, Home: func(string) string { return "us-east-1" }, Mode: cause.Role, Pipelines: []string{"deploy"}, Now: monday.Add(24 * time.Hour), Ask: f.history().Ask}
		subject := func(name, region string) cause.Item {
			return cause.Item{Since: monday, Started: monday.Add(30 * time.Minute), Until: monday.Add(40 * time.Minute),
				Subject: cause.Subject{Type: "s3.Bucket", ID: name, Name: name, ARN: "arn:aws:s3:::" + name, Account: "111122223333", Region: region, Attributes: []string{"Policy"}}}
		}
		var got []string
		if err := l.Run(t.Context(), []cause.Item{subject("shop", "eu-west-1"), subject("news", "eu-west-2"), subject("empty", "eu-west-1")}, func(_ int, c cause.Cause) error {
			text, err := json.Marshal(c)
			got = append(got, string(text))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		want := []string{
			`{"status":"found","at":"2026-01-12T03:10:00Z","call":"s3:PutBucketPolicy","principal":"arn:aws:iam::111122223333:role/deploy","planned":true,"event":"e-3","others":[{"at":"2026-01-12T03:05:00Z","call":"s3:DeleteBucketPolicy","principal":"arn:aws:iam::111122223333:role/deploy","planned":true,"event":"e-2"}],"since":"2026-01-12T03:00:00Z"}`,
			`{"status":"denied","detail":"CloudTrail's history may not be read: grant cloudtrail:LookupEvents in account 111122223333"}`,
			`{"status":"none","since":"2026-01-12T03:00:00Z","detail":"no event in CloudTrail's history of eu-west-1, us-east-1 since 2026-01-12 03:00 UTC changes it"}`,
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got\n%s", strings.Join(got, "\n"))
		}
	})
}
