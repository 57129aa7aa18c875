package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"awsscanner/internal/cause"
	"awsscanner/internal/collect"
	"awsscanner/internal/engine"
	"awsscanner/internal/jobs"
	"awsscanner/internal/model"
	"awsscanner/internal/model/sqs"
	"awsscanner/internal/report"
	"awsscanner/internal/store"
	"awsscanner/internal/store/storetest"
	"awsscanner/rules"
)

// A guarded is an account with a queue whose policy somebody opens, and a history of that.
type guarded struct {
	mu     sync.Mutex
	opened time.Time // zero: it is closed
	by     string    // name of the session
	deny   bool      // nobody may look things up
	asked  int
}

func (g *guarded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const url = "https://sqs.eu-west-1.amazonaws.com/111111111111/orders"
	g.mu.Lock()
	defer g.mu.Unlock()
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch op {
	case "ListQueues":
		fmt.Fprintf(w, `{"QueueUrls":[%q]}`, url)
	case "GetQueueAttributes":
		policy := ""
		if !g.opened.IsZero() {
			policy = `,"Policy":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"sqs:*\",\"Resource\":\"*\"}]}"`
		}
		fmt.Fprintf(w, `{"Attributes":{"QueueArn":"arn:aws:sqs:eu-west-1:111111111111:orders"%s}}`, policy)
	case "LookupEvents", "CloudTrail_20131101.LookupEvents":
		g.asked++
		body, _ := io.ReadAll(r.Body)
		switch {
		case g.deny:
			w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"__type":"AccessDeniedException","message":"User: arn:aws:sts::111111111111:assumed-role/scan/jane@example.com is not authorized to perform: cloudtrail:LookupEvents"}`)
		case strings.Contains(string(body), `"SetQueueAttributes"`) && !g.opened.IsZero():
			record, _ := json.Marshal(fmt.Sprintf(`{"userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111111111111:assumed-role/operations/%s","accountId":"111111111111","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111111111111:role/operations"}}},`+
				`"requestParameters":{"queueUrl":%q,"attributes":{"Policy":"{}"}},"recipientAccountId":"111111111111"}`, g.by, url))
			fmt.Fprintf(w, `{"Events":[{"EventId":"e-1","EventName":"SetQueueAttributes","ReadOnly":"false","EventTime":%d,"EventSource":"sqs.amazonaws.com","Username":%q,"CloudTrailEvent":%s}]}`, g.opened.Unix(), g.by, record)
		default:
			io.WriteString(w, `{"Events":[]}`)
		}
	default:
		emptyAccounts(w, r)
	}
}

// From a change in an account to who made it: looked up after the scan with its credentials, told by history, looked up again when CloudTrail must have
// told of everything, and not at all if nobody wants it.
func TestCauses(t *testing.T) {
	for name, c := range map[string]struct {
		settings string
		deny     bool
		want     string // of history
		asked    bool
	}{
		"role":   {"", false, `: changed 20\d\d-.* UTC by role operations of account 111111111111: sqs:SetQueueAttributes (CloudTrail may not tell of everything yet: it is asked again)`, true},
		"full":   {"attribution: full\npipelines: [deploy-*]\n", false, ` by role operations of account 111111111111 in session jane@example.com: sqs:SetQueueAttributes (unplanned) (`, true},
		"denied": {"pipelines: operations\n", true, `: who changed it is not known: CloudTrail's history may not be read: grant cloudtrail:LookupEvents in account 111111111111`, true},
		"off":    {"attribution: off\n", false, "  new, ", false},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, address string) {
				g := &guarded{by: "jane@example.com", deny: c.deny}
				server := httptest.NewServer(g)
				defer server.Close()
				setCredentials(t, server.URL)
				settings := filepath.Join(t.TempDir(), "scanner.yaml")
				if err := os.WriteFile(settings, []byte("rules: [sqs-queue-not-public]\n"+c.settings), 0o600); err != nil {
					t.Fatal(err)
				}
				ctx := t.Context()
				s, err := store.Open(ctx, address)
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				k := &keeper{store: s, files: []string{settings}, log: slog.New(slog.NewTextHandler(io.Discard, nil)), gate: collect.NewGate()}
				q, err := jobs.New(ctx, s, address, k.work(), jobs.Options{Holder: "test", AtOnce: 1})
				if err != nil {
					t.Fatal(err)
				}
				if err := q.Start(ctx); err != nil {
					t.Fatal(err)
				}
				defer func() {
					stopping, cancel := context.WithTimeout(context.Background(), 10*time.Second)
					defer cancel()
					q.Stop(stopping)
				}()
				wait := func(is func() bool) {
					t.Helper()
					for range 600 {
						if is() {
							return
						}
						time.Sleep(50 * time.Millisecond)
					}
					t.Fatal("it does not come to an end")
				}
				scan := func() (x store.Scan) {
					t.Helper()
					settings, err := k.settingsOf(k.files)
					if err != nil {
						t.Fatal(err)
					}
					id, err := q.Begin(ctx, store.Scan{Stream: "prod", Cause: "schedule", Settings: settings})
					if err != nil {
						t.Fatal(err)
					}
					wait(func() bool {
						if x, err = s.Scan(ctx, id); err != nil || x.State == store.Failed {
							t.Fatalf("%+v %v", x, err)
						}
						return x.State == store.Done
					})
					return x
				}
				first := scan()
				g.mu.Lock()
				g.opened = first.Started
				g.mu.Unlock()
				second := scan()
				read := func() store.Event {
					t.Helper()
					events, err := s.EventsOf(ctx, second.ID)
					if err != nil || len(events) != 1 || events[0].Type != store.New {
						t.Fatalf("%+v %v", events, err)
					}
					return events[0]
				}
				open := func() bool { readings, err := s.Readings(ctx, second.ID); return err != nil || len(readings) > 0 }
				if !c.asked {
					wait(func() bool { return !open() })
				} else {
					wait(func() bool { return len(read().Cause) > 0 })
				}
				g.mu.Lock()
				asked := g.asked
				g.mu.Unlock()
				if asked > 0 != c.asked {
					t.Errorf("CloudTrail was asked %d times", asked)
				}
				flag := "--data"
				if strings.HasPrefix(address, "postgres") {
					flag = "--database"
				}
				told := string(stdout(t, "history", read().Identity, flag, address))
				if want := strings.ReplaceAll(c.want, `20\d\d-.* UTC`, g.opened.UTC().Format("2006-01-02 15:04 UTC")); !strings.Contains(told, want) {
					t.Errorf("history says\n%s\nnot %s", told, want)
				}
				if name != "full" && strings.Contains(told+string(read().Cause), "@") {
					t.Errorf("an address of e-mail is told: %s%s", told, read().Cause)
				}
				if name != "role" {
					return
				}
				wait(func() bool { // until it is given back
					scans, err := s.Unexplained(ctx, time.Now().Add(cause.Settle+time.Minute))
					return err == nil && len(scans) == 1
				})
				if scans, err := s.Unexplained(ctx, time.Now()); err != nil || len(scans) != 0 || !open() {
					t.Errorf("%+v is looked at at once, %v", scans, err)
				}
				g.mu.Lock()
				g.by = "ci"
				g.mu.Unlock()
				k.now = func() time.Time { return second.Finished.Add(cause.Settle) }
				if again, err := k.explain(ctx, second); err != nil || !again.IsZero() {
					t.Errorf("again at %s, %v", again, err)
				}
				if got := string(read().Cause); !strings.Contains(got, `"status":"found"`) || strings.Contains(got, "provisional") || !strings.Contains(got, `"event":"e-1"`) {
					t.Errorf("at last it is %s", got)
				}
				before := g.asked
				if _, err := k.explain(ctx, second); err != nil || g.asked != before {
					t.Errorf("what is final is asked again, %v", err)
				}
			})
		})
	}
}

// What nobody could look up within a day is said to be so, and what was found by then is final.
func TestCausesTooLate(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		g := &guarded{}
		server := httptest.NewServer(g)
		defer server.Close()
		setCredentials(t, server.URL)
		ctx := t.Context()
		s, err := store.Open(ctx, address)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		k := &keeper{store: s, log: slog.New(slog.NewTextHandler(io.Discard, nil)), gate: collect.NewGate()}
		var last store.Scan
		for i := range 2 {
			x := store.Scan{ID: store.NewID(), Stream: "prod", Cause: "schedule", Created: time.Now(), Settings: json.RawMessage(`{"files":["a.yaml"],"texts":{"a.yaml":"rules: [sqs-queue-not-public]\n"}}`)}
			if err := s.Begin(ctx, x); err != nil {
				t.Fatal(err)
			}
			if x.Started, err = s.Start(ctx, x.ID, time.Now().UTC().Truncate(time.Second)); err != nil {
				t.Fatal(err)
			}
			all, err := k.planScan(ctx, x)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Divide(ctx, x.ID, all); err != nil {
				t.Fatal(err)
			}
			all[0].Scan = x.ID
			if _, err := s.Take(ctx, x.ID, all[0].Account, "me", time.Now(), time.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			done, err := k.readAccount(ctx, x, all[0])
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Finish(ctx, done, "me"); err != nil {
				t.Fatal(err)
			}
			if err := k.judge(ctx, x); err != nil {
				t.Fatal(err)
			}
			g.opened = time.Unix(1, 0)
			if last, err = s.Scan(ctx, x.ID); err != nil || i == 1 && last.State != store.Done {
				t.Fatal(last, err)
			}
		}
		why := func() string {
			events, err := s.EventsOf(ctx, last.ID)
			if err != nil || len(events) != 1 {
				t.Fatalf("%+v %v", events, err)
			}
			return string(events[0].Cause)
		}
		k.now = func() time.Time { return last.Finished.Add(25 * time.Hour) }
		if again, err := k.explain(ctx, last); err != nil || !again.IsZero() || why() != `{"status":"not-looked-up","detail":"nobody could look within a day"}` || g.asked != 0 {
			t.Errorf("%s, again at %s, asked %d times, %v", why(), again, g.asked, err)
		}
		questions, err := s.Questions(ctx, last.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Explain(ctx, questions[0].ID, json.RawMessage(`{"status":"none","provisional":true,"detail":"nothing"}`)); err != nil {
			t.Fatal(err)
		}
		if _, err := k.explain(ctx, last); err != nil || why() != `{"status":"none","detail":"nothing"}` {
			t.Errorf("%s %v", why(), err)
		}

		// An account that cannot be entered any more is said to be so, and tried again.
		if err := s.Explain(ctx, questions[0].ID, json.RawMessage(`{"status":"none","provisional":true}`)); err != nil {
			t.Fatal(err)
		}
		server.Close()
		t.Setenv("AWS_ACCESS_KEY_ID", "")
		t.Setenv("AWS_SECRET_ACCESS_KEY", "")
		t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
		k.now = func() time.Time { return last.Finished }
		if again, err := k.explain(ctx, last); err != nil || again.IsZero() || !strings.Contains(why(), `"status":"failed"`) || !strings.Contains(why(), "cannot be entered: no AWS credentials found") {
			t.Errorf("%s, again at %s, %v", why(), again, err)
		}
	})
}

// recorded records the scan of a day: queues by their number of messages, which is the severity; nobody could see those with -1.
func recorded(t *testing.T, s *store.Store, day int, settings string, rule engine.Rule, queue func(put func(name string, messages int, policy string))) store.Scan {
	t.Helper()
	ctx := t.Context()
	x := store.Scan{ID: store.NewID(), Stream: "prod", Cause: "schedule", Created: time.Date(2026, 1, 1+day, 3, 0, 0, 0, time.UTC), Settings: json.RawMessage(settings)}
	if err := s.Begin(ctx, x); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Start(ctx, x.ID, x.Created); err != nil {
		t.Fatal(err)
	}
	if err := s.Divide(ctx, x.ID, []store.Reading{{Account: "111111111111", Enter: json.RawMessage(`{}`)}}); err != nil {
		t.Fatal(err)
	}
	place := model.Place{Account: "111111111111", Region: "eu-west-1"}
	snap := engine.NewSnapshot(engine.Header{Partition: "aws", Start: x.Created, Read: []model.Place{place}, Listed: []model.Kind{"AWS::SQS::Queue"}})
	snap.Finished = x.Created.Add(time.Minute)
	queue(func(name string, messages int, policy string) {
		q := &sqs.Queue{Meta: model.Meta{ID: "https://sqs.eu-west-1.amazonaws.com/111111111111/" + name, Name: name, ARN: "arn:aws:sqs:eu-west-1:111111111111:" + name, Account: place.Account, Region: place.Region}, Messages: model.Known(messages), Policy: model.Known(policy)}
		if messages < 0 {
			q.Messages = model.Attr[int]{}
			q.Gaps = []*model.Gap{{Reason: model.AccessDenied, Call: "sqs:GetQueueAttributes", Detail: "no"}}
		}
		snap.Put(q)
	})
	b, err := s.Baseline(ctx, "prod")
	if err != nil {
		t.Fatal(err)
	}
	r, err := report.New("test", engine.Whole(snap), []engine.Rule{rule}, report.Options{Baseline: b})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Record(ctx, x.ID, r, nil, snap.Finished); err != nil {
		t.Fatal(err)
	}
	if x, err = s.Scan(ctx, x.ID); err != nil {
		t.Fatal(err)
	}
	return x
}

// What has become more severe while nobody could see it was last seen before that.
func TestSince(t *testing.T) {
	rule := engine.Rule{ID: "sqs-q", Title: "t", Severity: engine.Low, Worst: engine.Critical, Pillars: []engine.Pillar{engine.Security}, Reads: []string{"sqs.Queue.Messages"}, Check: engine.Each(func(_ *engine.View, q *sqs.Queue) engine.Verdict {
		if n := q.Messages.Get(); n > 0 {
			return engine.Fail("full").As(engine.Severity(n))
		}
		return engine.Pass()
	})}
	storetest.Each(t, func(t *testing.T, address string) {
		s, err := store.Open(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		var scans []store.Scan
		for day, messages := range []map[string]int{
			{"seen": 1, "hidden": 1, "fine": 0}, {"seen": 1, "hidden": -1, "fine": 0}, {"seen": 1, "hidden": -1, "fine": 0}, {"seen": 3, "hidden": 3, "fine": 3}, {"seen": 4, "hidden": 4, "fine": 4},
		} {
			scans = append(scans, recorded(t, s, day, `{}`, rule, func(put func(string, int, string)) {
				for name, n := range messages {
					put(name, n, "")
				}
			}))
		}
		for scan, want := range map[int]string{3: "fine 2026-01-03, hidden 2026-01-01, seen 2026-01-03", 4: "fine 2026-01-04, hidden 2026-01-04, seen 2026-01-04"} {
			e := &explanation{keeper: &keeper{store: s}, x: &scanning{}, scan: scans[scan]}
			if err := e.read(t.Context()); err != nil {
				t.Fatal(err)
			}
			questions, err := s.Questions(t.Context(), scans[scan].ID)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, q := range questions {
				since, err := e.since(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, q.Finding.Resource.Name+" "+since.Format(time.DateOnly))
			}
			slices.Sort(got)
			if text := strings.Join(got, ", "); text != want {
				t.Errorf("scan %d: %s, want %s", scan, text, want)
			}
			if e.until != scans[scan].Started.Add(time.Minute) || len(e.places) != 1 || len(e.readings) != 1 {
				t.Errorf("%s %v %v", e.until, e.places, e.readings)
			}
		}
	})
}

// Of a scan the fifty most severe findings of an account are looked up; the others say so, and none of them is asked about.
func TestMostCauses(t *testing.T) {
	const open = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}]}`
	i := slices.IndexFunc(rules.All, func(r engine.Rule) bool { return r.ID == "sqs-queue-not-public" })
	storetest.Each(t, func(t *testing.T, address string) {
		g := &guarded{deny: true}
		server := httptest.NewServer(g)
		defer server.Close()
		setCredentials(t, server.URL)
		s, err := store.Open(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		var last store.Scan
		for day, policy := range []string{"", open} {
			last = recorded(t, s, day, `{"files":["a.yaml"],"texts":{"a.yaml":"rules: [sqs-queue-not-public]\n"}}`, rules.All[i], func(put func(string, int, string)) {
				for n := range cause.Most + 7 {
					put(fmt.Sprintf("q-%02d", n), 0, policy)
				}
			})
		}
		k := &keeper{store: s, log: slog.New(slog.NewTextHandler(io.Discard, nil)), now: func() time.Time { return last.Finished }}
		if again, err := k.explain(t.Context(), last); err != nil || !again.IsZero() {
			t.Errorf("again at %s, %v", again, err)
		}
		events, err := s.EventsOf(t.Context(), last.ID)
		if err != nil {
			t.Fatal(err)
		}
		n := map[string]int{}
		for _, e := range events {
			var c cause.Cause
			if err := json.Unmarshal(e.Cause, &c); err != nil {
				t.Errorf("%s: %v", e.Cause, err)
			}
			n[string(c.Status)+" "+c.Detail]++
		}
		if len(n) != 2 || n["denied CloudTrail's history may not be read: grant cloudtrail:LookupEvents in account 111111111111"] != cause.Most || n["not-looked-up of a scan the 50 most severe findings of an account are looked up"] != 7 {
			t.Errorf("%v", n)
		}
		if g.asked != 1 {
			t.Errorf("CloudTrail was asked %d times, and denied it", g.asked)
		}
	})
}
