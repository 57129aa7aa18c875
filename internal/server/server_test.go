package server

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"awsscanner/internal/config"
	"awsscanner/internal/engine"
	"awsscanner/internal/store"
	"awsscanner/internal/store/storetest"
	"awsscanner/rules"
)

var preview = flag.String("preview", "", "serve made-up findings on this address until interrupted, to look at pages")

var write = flag.Bool("write", false, "write docs/openapi.json")

// now is when all tests are: the last scan was in the night before.
var now = time.Date(2026, 11, 30, 9, 30, 0, 0, time.UTC)

// A world is a server with findings, and what it was asked to do.
type world struct {
	testing.TB
	*Server
	store *store.Store
	log   *logBuffer
	scans []string // recorded, the oldest first

	mu       sync.Mutex
	started  []string
	ended    []string
	progress Progress
}

type logBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// recorded is a database with twelve days of findings, made once: each test gets a copy.
var recorded struct {
	sync.Once
	file  []byte
	scans []string
}

// build makes a world. It may be changed before it is.
func build(t testing.TB, change func(*Options)) *world {
	t.Helper()
	recorded.Do(func() {
		dir := t.TempDir()
		s, err := store.Open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		recorded.scans = storetest.History{Failures: 150, Days: 12, Start: time.Date(2026, 11, 19, 3, 0, 0, 0, time.UTC)}.Record(t, s, "production")
		if err := s.Backup(t.Context(), dir+"/copy"); err != nil {
			t.Fatal(err)
		}
		s.Close()
		if recorded.file, err = os.ReadFile(dir + "/copy"); err != nil {
			t.Fatal(err)
		}
	})
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/scanner.db", recorded.file, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	w := &world{TB: t, store: s, log: &logBuffer{}, scans: recorded.scans}
	w.serve(change)
	return w
}

func (w *world) serve(change func(*Options)) {
	w.Helper()
	o := Options{Store: w.store, Version: "1.2.3", Rules: rules.All, Now: func() time.Time { return now }, Log: slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Actions: w.actions()}
	if change != nil {
		change(&o)
	}
	var err error
	if w.Server, err = New(w.Context(), o); err != nil {
		w.Fatal(err)
	}
	w.poll, w.heartbeat = 5*time.Millisecond, 20*time.Millisecond
}

func (w *world) actions() Actions {
	return Actions{
		StartScan: func(ctx context.Context, stream string) (string, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if stream != "production" {
				return "", refuse(http.StatusNotFound, "there is no stream %q", stream)
			}
			w.started = append(w.started, stream)
			id := store.NewID()
			return id, w.store.Begin(ctx, store.Scan{ID: id, Stream: stream, Cause: "request", Created: now, Settings: json.RawMessage(`{"externalId":"never to be shown"}`)})
		},
		CancelScan: func(ctx context.Context, id string) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.ended = append(w.ended, id)
			return w.store.End(ctx, id, store.Cancelled, "by hand", now)
		},
		Schedules: func(context.Context) ([]Schedule, error) {
			return []Schedule{{Stream: "production", Times: "0 3 * * *", TimeZone: "Europe/Berlin", Next: now.Add(17*time.Hour + 30*time.Minute)}, {Stream: "sandbox", Times: "0 5 * * 1", TimeZone: "UTC", Next: now.Add(5 * 24 * time.Hour)}}, nil
		},
		Progress: func(context.Context, string) (Progress, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.progress, nil
		},
		Waivers: func(context.Context) ([]Waiver, error) {
			return []Waiver{{Reason: "Nobody reaches it from outside", Owner: "platform", Expires: "2026-11-20", Source: "waivers.yaml:90", Condition: "rule ec2-*, account 111122223333"}}, nil
		},
		Review: func(context.Context, string) (*Review, error) {
			return &Review{Edition: "AWS Well-Architected Framework, 2024-11-06", Pillars: []ReviewPillar{{Pillar: engine.Security, Questions: []ReviewQuestion{
				{ID: "SEC 1", Title: "How do you operate your workload securely?", Risk: "HIGH", Possible: "HIGH", Open: 4, Practices: []ReviewPractice{
					{ID: "SEC01-BP01", Title: "Separate workloads by accounts", Level: "high", State: "undecided", Because: "nobody has answered", Rules: []string{}},
					{ID: "SEC01-BP02", Title: "Secure the root user", Level: "high", State: "not-established", Because: "2 findings speak against it", Failing: 2, Rules: []string{"iam-root-mfa-enabled", "iam-root-no-access-keys"}}}},
				{ID: "SEC 2", Title: "How do you manage identities for people and machines?", Risk: "NONE", Possible: "MEDIUM", Open: 2, Practices: []ReviewPractice{}}}}}}, nil
		},
		Queue: func(context.Context) (Queue, error) {
			return Queue{Jobs: map[string]int{"available": 2, "running": 1}, Oldest: now.Add(-time.Minute)}, nil
		},
	}
}

// ask sends a request, and returns the answer with its text.
func (w *world) ask(r *http.Request) (*http.Response, string) {
	w.Helper()
	rec := httptest.NewRecorder()
	w.Handler().ServeHTTP(rec, r)
	x := rec.Result()
	b, err := io.ReadAll(x.Body)
	if err != nil {
		w.Fatal(err)
	}
	return x, string(b)
}

// request makes one from this machine.
func request(method, path, body string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host, r.RemoteAddr = "127.0.0.1:8080", "127.0.0.1:50000"
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// get asks for a path from this machine, which must be answered by a status.
func (w *world) get(path string, want int) string {
	w.Helper()
	x, text := w.ask(request("GET", path, ""))
	if x.StatusCode != want {
		w.Errorf("GET %s: %d, want %d: %.300s", path, x.StatusCode, want, text)
	}
	return text
}

// TestPreview serves a world for people to look at.
func TestPreview(t *testing.T) {
	if *preview == "" {
		t.Skip("pages are looked at by -preview ADDRESS only")
	}
	dir := os.Getenv("PREVIEW_DATA") // kept for the next time
	if dir == "" {
		dir = t.TempDir()
	}
	s, err := store.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{TB: t, store: s, log: &logBuffer{}}
	streams, err := s.Streams(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h := storetest.History{Failures: 900, Days: 82, Start: time.Date(2026, 9, 10, 3, 0, 0, 0, time.UTC)}
	if name := os.Getenv("PREVIEW_REPORT"); name != "" {
		h.Message, h.Evidence = messages(t, name)
	}
	if len(streams) == 0 {
		h.Record(t, s, "production")
		storetest.History{Failures: 60, Days: 6, Start: time.Date(2026, 11, 25, 5, 0, 0, 0, time.UTC)}.Record(t, s, "sandbox")
		causes(t, s)
	}
	w.serve(func(o *Options) {
		o.Settings.LocalRole = config.Admin
		o.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	})
	w.progress = Progress{Phase: "reading", Accounts: 1, AccountsTotal: 4, Regions: 7, RegionsTotal: 20, Calls: 4211, CallsKnown: 9000, Throttled: 12, CallsPerSecond: 160, SecondsLeft: 95}
	w.poll, w.heartbeat = time.Second, 15*time.Second
	l, err := net.Listen("tcp", *preview)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(os.Stderr, "serving on http://"+l.Addr().String())
	if err := w.ServeOn(t.Context(), l); err != nil {
		t.Fatal(err)
	}
}

// messages takes what a report has found as examples.
func messages(t *testing.T, name string) (func(string, int) string, func(string, int) map[string]any) {
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var r struct {
		Results []struct {
			Rule, Status, Message string
			Evidence              map[string]any
		}
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	of := map[string][]int{}
	for i, x := range r.Results {
		if x.Status == "fail" {
			of[x.Rule] = append(of[x.Rule], i)
		}
	}
	pick := func(rule string, n int) int {
		if len(of[rule]) == 0 {
			return -1
		}
		return of[rule][n%len(of[rule])]
	}
	return func(rule string, n int) string {
			if i := pick(rule, n); i >= 0 {
				return r.Results[i].Message
			}
			return "the setting is less than the rule demands: raise it, and look after what depends on it"
		}, func(rule string, n int) map[string]any {
			if i := pick(rule, n); i >= 0 {
				return r.Results[i].Evidence
			}
			return map[string]any{"setting": n % 97}
		}
}

// causes says of some events who was it.
func causes(t testing.TB, s *store.Store) {
	all, err := s.EventsSince(t.Context(), "", now.AddDate(0, 0, -20))
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range all {
		if i%2 == 0 && (e.Type == store.New || e.Type == store.Regressed || e.Type == store.Escalated) {
			if err := s.Explain(t.Context(), e.ID, json.RawMessage(`{"status":"found","principal":"arn:aws:sts::111122223333:assumed-role/Deploy/pipeline-4711","call":"s3:PutBucketPolicy","at":"`+e.At.Add(-3*time.Hour).Format(time.RFC3339)+`"}`)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// second adds a stream with the same findings.
func second(t testing.TB, s *store.Store) {
	storetest.History{Failures: 150, Days: 2, Start: time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC)}.Record(t, s, "sandbox")
}
