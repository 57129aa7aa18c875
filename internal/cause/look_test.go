package cause

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"awsscanner/internal/model"
)

var begin = time.Date(2026, 1, 10, 3, 0, 0, 0, time.UTC)

// A past is a history of events, by region, that answers as CloudTrail does.
type past struct {
	events map[string][]*Event
	page   int  // events a page; 0 for 50
	loose  bool // it answers whatever the time that is asked about
	gap    func(q Query) *model.Gap
	asked  []Query
}

func (p *past) ask(_ context.Context, q Query) (a Answer) {
	p.asked = append(p.asked, q)
	a.Calls = 1
	if p.gap != nil {
		if a.Gap = p.gap(q); a.Gap != nil {
			return a
		}
	}
	var all []Event
	for _, e := range p.events[q.Region] {
		listed := slices.ContainsFunc(e.Resources, func(r Resource) bool { return r.Name == q.Value })
		if (q.Key == "EventName" && e.Name == q.Value || q.Key == "ResourceName" && listed) && (p.loose || !e.Time.Before(q.Since) && !e.Time.After(q.Until)) {
			all = append(all, *e)
		}
	}
	slices.SortStableFunc(all, func(a, b Event) int { return b.Time.Compare(a.Time) })
	size := p.page
	if size == 0 {
		size = 50
	}
	a.Calls = min(q.Pages, max(1, (len(all)+size-1)/size))
	a.Whole = len(all) <= a.Calls*size
	a.Events = all[:min(len(all), a.Calls*size)]
	return a
}

func (p *past) lookup() *Lookup {
	return &Lookup{Account: own, Regions: []string{"eu-west-1", "us-east-1"}, Mode: Role, Now: begin.Add(time.Hour), Ask: p.ask, Home: func(service string) string {
		if service == "iam" {
			return "us-east-1"
		}
		return ""
	}}
}

func (p *past) find(t *testing.T, l *Lookup, items ...Item) []Cause {
	t.Helper()
	all := make([]Cause, len(items))
	if err := l.Run(t.Context(), items, func(i int, c Cause) error { all[i] = c; return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

// at is an event some minutes after the scan that saw all fine.
func at(minutes int, e *Event) *Event {
	e.Time, e.ID = begin.Add(time.Duration(minutes)*time.Minute), fmt.Sprintf("e-%d", minutes)
	return e
}

// The last scan saw it fine at begin; this one began half an hour later, and read for five minutes.
func item(s Subject) Item {
	return Item{Subject: s, Since: begin, Started: begin.Add(30 * time.Minute), Until: begin.Add(35 * time.Minute)}
}

func put(minutes int, name string) *Event {
	return at(minutes, event("s3", name, request(`{"bucketName":"shop"}`)))
}

func TestLookup(t *testing.T) {
	ops := "arn:aws:iam::111122223333:user/ops"
	for name, c := range map[string]struct {
		subject Subject
		events  map[string][]*Event
		want    string
	}{
		"the last one":              {bucket, map[string][]*Event{"eu-west-1": {put(10, "PutBucketPolicy"), put(20, "PutBucketPublicAccessBlock"), put(5, "PutBucketAcl")}}, "found s3:PutBucketPublicAccessBlock 20 [s3:PutBucketPolicy 10]"},
		"outside the time":          {bucket, map[string][]*Event{"eu-west-1": {put(-1, "PutBucketPolicy"), put(36, "PutBucketPolicy")}}, "none no event in CloudTrail's history of eu-west-1, us-east-1 since 2026-01-10 03:00 UTC changes it"},
		"in another region":         {queue, map[string][]*Event{"us-east-1": {at(10, event("sqs", "AddPermission", request(`{"queueUrl":"`+queue.ID+`"}`)))}}, "none no event in CloudTrail's history of eu-west-1 since 2026-01-10 03:00 UTC changes it"},
		"of a global service":       {role, map[string][]*Event{"us-east-1": {at(10, event("iam", "UpdateAssumeRolePolicy", request(`{"roleName":"app"}`)))}}, "found iam:UpdateAssumeRolePolicy 10"},
		"at the home of S3":         {bucket, map[string][]*Event{"us-east-1": {put(10, "CreateBucket")}}, "found s3:CreateBucket 10 it may have been there already: the call succeeds alike"},
		"made again":                {bucket, map[string][]*Event{"eu-west-1": {put(20, "CreateBucket"), put(10, "PutBucketPolicy")}}, "found s3:PutBucketPolicy 10"},
		"begun with":                {role, map[string][]*Event{"us-east-1": {at(5, event("iam", "UpdateAssumeRolePolicy", request(`{"roleName":"app"}`))), at(10, event("iam", "CreateRole", request(`{"roleName":"app"}`)))}}, "found iam:CreateRole 10"},
		"while reading":             {bucket, map[string][]*Event{"eu-west-1": {put(10, "PutBucketPolicy"), put(32, "DeleteBucketPolicy")}}, "found s3:DeleteBucketPolicy 32 [s3:PutBucketPolicy 10] the scan was reading at that time, and may have seen what was there before"},
		"an attempt":                {bucket, map[string][]*Event{"eu-west-1": {at(10, event("s3", "PutBucketPolicy", request(`{"bucketName":"shop"}`)+`,"errorCode":"AccessDenied"`))}}, "none no event in CloudTrail's history of eu-west-1, us-east-1 since 2026-01-10 03:00 UTC changes it"},
		"garbled":                   {bucket, map[string][]*Event{"eu-west-1": {at(10, &Event{Name: "PutBucketPolicy", Source: "s3.amazonaws.com", Record: "{"}), put(5, "PutBucketPolicy")}}, "failed the event e-10 cannot be read"},
		"the setting of a region":   {region, map[string][]*Event{"eu-west-1": {at(10, event("guardduty", "DeleteDetector", request(`{"detectorId":"d"}`)))}}, "found guardduty:DeleteDetector 10"},
		"the setting of an account": {subject("s3.Account", own, "", "", "PublicAccessBlock"), map[string][]*Event{"us-east-1": {at(10, event("s3", "DeleteAccountPublicAccessBlock", request(`null`)))}}, "found s3:DeleteAccountPublicAccessBlock 10"},
		"an account as such":        {subject("cloudtrail.Account", own, "", "", ""), nil, "not-looked-up it is about the account or the region as a whole, and no single resource was changed"},
		"a type of nobody":          {subject("x.Thing", "x", "", "", "Y"), nil, "not-looked-up which events change such a resource is not known to this version"},
		"measured":                  {subject("iam.Account", own, "", "", "Counts"), nil, "not-looked-up what is judged is changed by no call that CloudTrail records"},
		"judged by more":            {Subject{Type: "kms.Key", ID: "k-1", ARN: key.ARN, Account: own, Region: "eu-west-1", Attributes: []string{"State"}, Others: []string{"ec2.Volume"}}, nil, "none no event in CloudTrail's history of eu-west-1 since 2026-01-10 03:00 UTC changes it; it is judged by more than itself: ec2.Volume"},
	} {
		p := &past{events: c.events}
		l := p.lookup()
		got := p.find(t, l, item(c.subject))[0]
		if text := brief(&got); text != c.want {
			t.Errorf("%s: %q, want %q", name, text, c.want)
		}
		if got.Status == Found && got.Principal != ops || got.Provisional {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// brief is a cause in one line, times in minutes.
func brief(c *Cause) string {
	text := string(c.Status)
	one := func(x Change) string { return fmt.Sprintf("%s %d", x.Call, int(x.At.Sub(begin).Minutes())) }
	if c.Status == Found {
		text += " " + one(c.Change)
	}
	var others []string
	for _, x := range c.Others {
		others = append(others, one(x))
	}
	if others != nil {
		text += " [" + strings.Join(others, ", ") + "]"
	}
	return strings.TrimSpace(text + " " + c.Detail)
}

// CloudTrail may be late. Until it cannot be any more the answer is provisional.
func TestProvisional(t *testing.T) {
	p := &past{events: map[string][]*Event{"eu-west-1": {put(10, "PutBucketPolicy")}}}
	for minutes, want := range map[int]bool{36: true, 49: true, 50: false, 90: false} {
		l := p.lookup()
		l.Now = begin.Add(time.Duration(minutes) * time.Minute)
		if got := p.find(t, l, item(bucket), item(queue)); got[0].Provisional != want || got[1].Provisional != want {
			t.Errorf("after %d minutes: %+v", minutes, got)
		}
	}
}

// A question is asked once, whatever the number of findings that it is about; each resource is asked for by its names.
func TestAskedOnce(t *testing.T) {
	p := &past{}
	second := item(bucket)
	second.Attributes = []string{"Policy"}
	other := bucket
	other.ID, other.Name, other.ARN = "news", "news", "arn:aws:s3:::news"
	p.find(t, p.lookup(), item(bucket), second, item(other))
	seen := map[Query]bool{}
	var names []string
	for _, q := range p.asked {
		if seen[q] {
			t.Errorf("%+v is asked twice", q)
		}
		if seen[q] = true; q.Key == "ResourceName" && q.Region == "eu-west-1" {
			names = append(names, q.Value)
		}
	}
	if got := strings.Join(names, " "); got != "shop arn:aws:s3:::shop news arn:aws:s3:::news" {
		t.Errorf("asked for %s", got)
	}
	if len(p.asked) != 2*(4+5) {
		t.Errorf("%d questions", len(p.asked))
	}
}

// What may not be asked, or is not answered, is said, and not asked again and again.
func TestGaps(t *testing.T) {
	for reason, want := range map[model.Reason]string{
		model.AccessDenied:         "denied CloudTrail's history may not be read: grant cloudtrail:LookupEvents in account 111122223333",
		model.AccessDeniedSCP:      "denied a service control policy denies cloudtrail:LookupEvents in account 111122223333",
		model.Throttled:            "not-looked-up CloudTrail throttled it again and again",
		model.TimedOut:             "failed CloudTrail did not answer (timed-out: … said so)",
		model.AccessDeniedResource: "denied a policy denies cloudtrail:LookupEvents in account 111122223333",
	} {
		p := &past{gap: func(q Query) *model.Gap {
			if q.Region == "eu-west-1" {
				return &model.Gap{Reason: reason, Call: Call, Detail: "jane@example.com said so"}
			}
			return nil
		}}
		l := p.lookup()
		l.Now = begin.Add(36 * time.Minute)
		got := p.find(t, l, item(queue), item(bucket), item(role))
		for i := range 2 {
			if text := brief(&got[i]); text != want {
				t.Errorf("%s: %q, want %q", reason, text, want)
			}
			if late := reason == model.Throttled || reason == model.TimedOut; got[i].Provisional != late {
				t.Errorf("%s: provisional is %v", reason, got[i].Provisional)
			}
		}
		if got[2].Status != None {
			t.Errorf("%s: another region says %+v", reason, got[2])
		}
		n := 0
		for _, q := range p.asked {
			if q.Region == "eu-west-1" {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s: asked %d times", reason, n)
		}
	}
}

// Three regions that deny are enough.
func TestDeniedEverywhere(t *testing.T) {
	p := &past{gap: func(Query) *model.Gap { return &model.Gap{Reason: model.AccessDenied} }}
	l := p.lookup()
	var items []Item
	l.Regions = nil
	for i := range 9 {
		s := queue
		s.Region = fmt.Sprintf("r-%d", i)
		l.Regions, items = append(l.Regions, s.Region), append(items, item(s))
	}
	for _, c := range p.find(t, l, items...) {
		if c.Status != Denied {
			t.Errorf("%+v", c)
		}
	}
	if len(p.asked) != 3 {
		t.Errorf("asked %d times", len(p.asked))
	}
}

// Where there are too many events to go through, nothing is claimed that only the rest could show.
func TestTooMany(t *testing.T) {
	busy := func(n int, also ...*Event) *past {
		all := also
		for i := range n {
			e := at(25, event("s3", "PutBucketPolicy", request(`{"bucketName":"other"}`)))
			e.ID = fmt.Sprint("x-", i)
			all = append(all, e)
		}
		return &past{events: map[string][]*Event{"eu-west-1": all}, page: 1}
	}
	named := put(10, "PutBucketPolicy")
	named.Resources = []Resource{{"AWS::S3::Bucket", "shop"}}
	used := func(n int) (all []*Event) { // which ask for what the resource is, and change nothing
		for i := range n {
			e := put(20, "GetBucketAcl")
			e.ID, e.ReadOnly, e.Resources = fmt.Sprint("u-", i), true, []Resource{{"AWS::S3::Bucket", "shop"}}
			all = append(all, e)
		}
		return all
	}
	for name, c := range map[string]struct {
		*past
		want string
	}{
		"by name":      {busy(8), "none no event in CloudTrail's history of eu-west-1, us-east-1 since 2026-01-10 03:00 UTC changes it"},
		"listed":       {busy(20, named), "found s3:PutBucketPolicy 10 CloudTrail's history has more events PutBucketPolicy than were gone through, and a later change may be among them"},
		"not listed":   {busy(20, put(10, "PutBucketPolicy")), "none no event in CloudTrail's history of eu-west-1, us-east-1 since 2026-01-10 03:00 UTC changes it, as far as events are listed under its name: there are too many events PutBucketPolicy"},
		"later":        {busy(20, put(26, "PutBucketPolicy")), "found s3:PutBucketPolicy 26"},
		"neither seen": {busy(20, used(9)...), "not-looked-up CloudTrail's history of eu-west-1, us-east-1 has too many events PutBucketPolicy since 2026-01-10 03:00 UTC"},
	} {
		got := c.find(t, c.lookup(), item(bucket))
		if text := brief(&got[0]); text != c.want {
			t.Errorf("%s: %q, want %q", name, text, c.want)
		}
	}
}

// No account takes more requests than so many.
func TestMostCalls(t *testing.T) {
	p := &past{}
	var items []Item
	for i := range 300 {
		s := bucket
		s.ID, s.Name, s.ARN = fmt.Sprint("b-", i), fmt.Sprint("b-", i), fmt.Sprint("arn:aws:s3:::b-", i)
		items = append(items, item(s))
	}
	all := p.find(t, p.lookup(), items...)
	if len(p.asked) > mostCalls {
		t.Errorf("%d requests", len(p.asked))
	}
	if last := all[299]; last.Status != NotLookedUp || last.Provisional || !strings.Contains(last.Detail, "more than 400 requests") {
		t.Errorf("%+v", last)
	}
	if all[0].Status != None {
		t.Errorf("%+v", all[0])
	}
}

// History reaches back 90 days, and nobody is taken to have changed what was there before.
func TestReach(t *testing.T) {
	p := &past{events: map[string][]*Event{"eu-west-1": {put(10, "PutBucketPolicy")}}}
	long := item(bucket)
	long.Since = time.Time{}
	got := p.find(t, p.lookup(), long)[0]
	if got.Status != Found || got.Since != begin.Add(time.Hour-history) {
		t.Errorf("%+v", got)
	}
	l := p.lookup()
	l.Now = begin.Add(2 * history)
	if got := p.find(t, l, item(bucket))[0]; got.Status != NotLookedUp || len(p.asked) == 0 {
		t.Errorf("%+v", got)
	}
}

// Who is told last has an end: nothing is told after the context has ended.
func TestStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	p := &past{}
	told := 0
	err := p.lookup().Run(ctx, []Item{item(bucket), item(queue)}, func(int, Cause) error { told++; stop(); return nil })
	if !errors.Is(err, context.Canceled) || told != 1 {
		t.Errorf("told %d, %v", told, err)
	}
	failed := errors.New("full")
	if err := p.lookup().Run(t.Context(), []Item{item(bucket)}, func(int, Cause) error { return failed }); err != failed {
		t.Error(err)
	}
}

// Whatever happened, and whenever: what is told lies in the time, was done to this bucket, changed what is judged and succeeded, and nothing of that sort
// is later.
func TestNeverAFalseWho(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	names := []string{"PutBucketPolicy", "DeleteBucketPolicy", "PutBucketAcl", "PutBucketVersioning", "PutBucketPublicAccessBlock", "GetBucketPolicy", "CreateBucket"}
	found := 0
	for range 3000 {
		x := item(bucket)
		x.Since = begin.Add(time.Duration(r.IntN(30)) * time.Minute)
		p := &past{events: map[string][]*Event{}, page: 1 + r.IntN(60), loose: r.IntN(2) == 0}
		want := map[string]bool{}
		latest := -1000
		for i := range r.IntN(40) {
			minutes, name := r.IntN(80)-20, names[r.IntN(len(names))]
			target := []string{"shop", "shop", "shop2"}[r.IntN(3)]
			members := request(`{"bucketName":"` + target + `"}`)
			failed := r.IntN(4) == 0
			if failed {
				members += `,"errorCode":"AccessDenied"`
			}
			e := at(minutes, event("s3", name, members))
			e.ID, e.ReadOnly = fmt.Sprint("r-", i), name == "GetBucketPolicy"
			if r.IntN(2) == 0 {
				e.Resources = []Resource{{"AWS::S3::Bucket", target}}
			}
			p.events["eu-west-1"] = append(p.events["eu-west-1"], e)
			judged := name == "PutBucketPolicy" || name == "DeleteBucketPolicy" || name == "PutBucketPublicAccessBlock"
			if judged && target == "shop" && !failed && !e.Time.Before(x.Since) && !e.Time.After(x.Until) {
				want[e.ID] = true
				latest = max(latest, minutes)
			}
			if name == "CreateBucket" && target == "shop" && !failed && !e.Time.Before(x.Since) && !e.Time.After(x.Until) {
				want["made "+e.ID] = true
			}
		}
		got := p.find(t, p.lookup(), x)[0]
		switch {
		case got.Status != Found:
		case got.At.Before(x.Since) || got.At.After(x.Until):
			t.Fatalf("%s is not between %s and %s", got.At, x.Since, x.Until)
		case got.Call == "s3:CreateBucket":
			if !want["made "+got.Event] || latest > -1000 && got.Detail == "" {
				t.Fatalf("%+v", got)
			}
		case !want[got.Event]:
			t.Fatalf("%+v is none", got)
		case int(got.At.Sub(begin).Minutes()) != latest && !strings.Contains(got.Detail, "a later change may be among them"):
			t.Fatalf("%+v is not the last one, %d is", got, latest)
		default:
			found++
		}
		for _, o := range got.Others {
			if !want[o.Event] && !want["made "+o.Event] || o.At.After(got.At) {
				t.Fatalf("%+v is none", o)
			}
		}
		if len(want) == 0 && got.Status == Found || latest > -1000 && got.Status == None && got.Detail != "" && !strings.Contains(got.Detail, "too many") {
			t.Fatalf("%+v", got)
		}
	}
	if found < 500 {
		t.Errorf("only %d of 3000 were found", found)
	}
}
