package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/sqs"
	"awsscanner/internal/notify"
	"awsscanner/internal/report"
	"awsscanner/internal/store"
	"awsscanner/internal/store/storetest"
	"awsscanner/internal/strictyaml"
)

const account = "111122223333"

var begin = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// holds makes a rule that fails queues with messages; their number is the severity.
func holds(id string) engine.Rule {
	return engine.Rule{ID: id, Title: "Queues are empty", Severity: engine.Low, Worst: engine.Critical, Pillars: []engine.Pillar{engine.Security, engine.Reliability}, Why: "What is in them is lost. Sometimes.",
		Fix: engine.Fix{Text: "Empty them.", Breaks: "Whoever waits."}, Reads: []string{"sqs.Queue.Messages"},
		Check: engine.Each(func(_ *engine.View, q *sqs.Queue) engine.Verdict {
			if n := q.Messages.Get(); n > 0 {
				v := engine.Fail("holds messages").As(engine.Severity(n)).With("messages", n).With("monthlyCostUSD", 1.5*float64(n))
				v.FixKey = q.Name[:1]
				return v
			}
			return engine.Pass()
		})}
}

var rules = []engine.Rule{holds("sqs-q"), volatile(holds("sqs-v")), holds("sqs-w")}

func volatile(r engine.Rule) engine.Rule {
	r.Volatile = true
	return r
}

const unknown = -1

// day makes the scan of a day: queues in eu-west-1 by name, and the number of their messages; "*" cannot be listed.
func day(n int, queues map[string]int) *engine.Snapshot {
	s := engine.NewSnapshot(engine.Header{Partition: "aws", Start: begin.AddDate(0, 0, n), Caller: "arn:aws:sts::" + account + ":assumed-role/audit/me",
		Read: []model.Place{{Account: account, Region: "eu-west-1"}}, Listed: []model.Kind{"AWS::SQS::Queue"}})
	for name, messages := range queues {
		if name == "*" {
			s.PutHole(engine.Hole{Kind: "AWS::SQS::Queue", Place: model.Place{Account: account, Region: "eu-west-1"}, Gap: &model.Gap{Reason: model.AccessDenied, Call: "sqs:ListQueues", Detail: "no"}})
			continue
		}
		q := &sqs.Queue{Meta: model.Meta{ID: "https://sqs/" + name, Name: name, ARN: "arn:aws:sqs:eu-west-1:" + account + ":" + name, Account: account, Region: "eu-west-1"}, Messages: model.Known(messages)}
		if messages == unknown {
			q.Messages = model.Attr[int]{}
			q.Gaps = []*model.Gap{{Reason: model.AccessDenied, Call: "sqs:GetQueueAttributes", Detail: "no"}}
		}
		s.Put(q)
	}
	return s
}

// A world is a store, a clock, and what channels were sent.
type world struct {
	*testing.T
	store  *store.Store
	config *notify.Config
	now    time.Time
	mu     sync.Mutex
	sent   map[string][]*notify.Message
	fail   func(ch string, m *notify.Message) error // nil for never
	waive  func(*engine.Result) *report.Waived
	team   func(*engine.Result) string
}

// each runs a test in a world on a database of each sort.
func each(t *testing.T, config string, test func(w *world)) {
	storetest.Each(t, func(t *testing.T, address string) {
		test(newWorld(t, address, config))
	})
}

func newWorld(t *testing.T, address, text string) *world {
	t.Helper()
	s, err := store.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	w := &world{T: t, store: s, config: configOf(t, text), now: begin, sent: map[string][]*notify.Message{}}
	w.team = func(r *engine.Result) string { return "team-" + (r.Resource.Name + "*")[:1] }
	return w
}

func configOf(t testing.TB, text string) *notify.Config {
	t.Helper()
	var x struct {
		Notifications notify.Config `yaml:"notifications"`
	}
	f := strictyaml.Decode("c.yaml", []byte("notifications:\n"+text), &x)
	x.Notifications.Check(f, "notifications", rules)
	if err := f.Err(); err != nil {
		t.Fatal(err)
	}
	return &x.Notifications
}

var quiet = slog.New(slog.DiscardHandler)

func (w *world) announcer() *Announcer {
	return &Announcer{Store: w.store, Config: w.config, Rules: rules, Log: quiet, Now: w.clock}
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) sender(name string) *Sender {
	return &Sender{Store: w.store, Settings: func() (*notify.Config, Deliver) { return w.config, w.deliver }, Log: quiet, Now: w.clock, Holder: name}
}

func (w *world) deliver(_ context.Context, ch *notify.Channel, m *notify.Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		if err := w.fail(ch.Name, m); err != nil {
			return err
		}
	}
	w.sent[ch.Name] = append(w.sent[ch.Name], m)
	return nil
}

// scan records a scan of a stream by some of the rules, and returns its ID.
func (w *world) scan(stream string, n int, queues map[string]int, by ...int) string {
	w.Helper()
	ctx := w.Context()
	if by == nil {
		by = []int{0}
	}
	var picked []engine.Rule
	for _, i := range by {
		picked = append(picked, rules[i])
	}
	snap := day(n, queues)
	id := store.NewID()
	if err := w.store.Begin(ctx, store.Scan{ID: id, Stream: stream, Cause: "request", Created: snap.Start}); err != nil {
		w.Fatal(err)
	}
	if _, err := w.store.Start(ctx, id, snap.Start); err != nil {
		w.Fatal(err)
	}
	o := report.Options{Waive: w.waive, Team: w.team}
	var err error
	if o.Baseline, err = w.store.Baseline(ctx, stream); err != nil {
		w.Fatal(err)
	}
	r, err := report.New("test", engine.Whole(snap), picked, o)
	if err != nil {
		w.Fatal(err)
	}
	if err := w.store.Record(ctx, id, r, nil, snap.Start.Add(time.Minute)); err != nil {
		w.Fatal(err)
	}
	return id
}

// tell announces and sends, and returns what each channel was sent: "chat: [high] new: ...".
func (w *world) tell() string {
	w.Helper()
	if err := w.announcer().Announce(w.Context()); err != nil {
		w.Fatal(err)
	}
	w.pass(time.Minute + time.Second) // beyond what a rate forbids
	w.sender("one").Step(w.Context())
	return w.told()
}

func (w *world) told() string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(w.sent)) {
		for _, m := range w.sent[name] {
			all = append(all, name+": "+what(m))
		}
	}
	w.sent = map[string][]*notify.Message{}
	return strings.Join(all, "; ")
}

// what says in short what a message tells.
func what(m *notify.Message) string {
	var all []string
	switch m.Kind {
	case notify.OfFindings:
		for _, f := range m.Findings {
			all = append(all, fmt.Sprintf("%s %s %s", f.Event, f.Severity, f.Resource.Name))
		}
		return strings.Join(all, ", ")
	case notify.OfDigest, notify.OfScan:
		return string(m.Kind)
	}
	for _, g := range m.Groups {
		all = append(all, fmt.Sprintf("%d of %s", g.Resources, g.Owner))
	}
	return string(m.Kind) + " " + strings.Join(all, ", ")
}

const chat = `
  channels: [{name: chat, type: slack, url: "env:A"}]
  routes: [{channels: chat, events: [new, regressed, escalated, fixed, waiver-ended, newly-assessed, first-scan]}]
`

// Only transitions are told; what nobody saw is neither fixed nor new; a first scan and newly assessed rules are one summary.
func TestAnnounce(t *testing.T) {
	each(t, chat, func(w *world) {
		waived := func(x *engine.Result) *report.Waived {
			if x.Resource.Name == "c" {
				return &report.Waived{Reason: "soon", Owner: "shop", Expires: "2026-12-31", Source: "w:1", Ticket: "T-1"}
			}
			return nil
		}
		for i, step := range []struct {
			queues map[string]int
			rules  []int
			waive  func(*engine.Result) *report.Waived
			want   string
		}{
			{map[string]int{"a": 4, "a2": 2, "b": 0, "c": 2}, nil, nil, "chat: first-scan 2 of team-a, 1 of team-c"},
			{map[string]int{"a": 4, "a2": 2, "b": 0, "c": 2}, nil, nil, ""},
			{map[string]int{"a": 4, "a2": 2, "b": 3, "c": 2}, nil, nil, "chat: new medium b"},
			{map[string]int{"a": 5, "a2": 0, "b": 0, "c": 2}, nil, nil, "chat: escalated critical a, fixed low a2; chat: fixed medium b"},
			{map[string]int{"a": 5, "a2": 0, "b": 1, "c": 2}, nil, nil, "chat: regressed informational b"},
			{map[string]int{"a": unknown, "a2": 0, "b": 1, "c": 2}, nil, nil, ""},
			{map[string]int{"*": 0}, nil, nil, ""},
			{map[string]int{"a": 5, "a2": 0, "b": 1, "c": 2}, nil, nil, ""},
			{map[string]int{"a": 5, "a2": 0, "b": 1, "c": 2}, nil, waived, ""},
			{map[string]int{"a": 5, "a2": 0, "b": 1, "c": 2}, nil, nil, "chat: waiver-ended low c"},
			{map[string]int{"a": 5, "a2": 0, "b": 1, "c": 0}, nil, nil, "chat: fixed low c"},
			{map[string]int{"a": 5, "a2": 0, "b": 1, "c": 2}, nil, waived, ""}, // back, and accepted beforehand
			{map[string]int{"a": 5, "a2": 0, "b": 1, "c": 2}, []int{0, 2}, waived, "chat: newly-assessed 1 of team-a, 1 of team-b"},
			{map[string]int{"a": 5, "a2": 0, "b": 1, "c": 2}, []int{0, 1, 2}, nil, "chat: newly-assessed 1 of team-a, 1 of team-c, 1 of team-b; chat: waiver-ended low c; chat: waiver-ended low c"},
			{map[string]int{"a": 5, "b": 1, "c": 0}, []int{2}, nil, "chat: fixed low c"}, // of the rule that ran; the other looks at nothing any more
		} {
			w.waive = step.waive
			w.scan("prod", i, step.queues, step.rules...)
			if got := w.tell(); got != step.want {
				w.Errorf("day %d: %q, want %q", i, got, step.want)
			}
		}
	})
}

// A scan whose causes somebody is looking up waits for them, but not for long; nor do others wait for it.
func TestWaitForCauses(t *testing.T) {
	each(t, chat, func(w *world) {
		for _, stream := range []string{"prod", "dev"} {
			w.scan(stream, 0, map[string]int{"a": 0})
			w.scan(stream, 1, map[string]int{"a": 0})
		}
		w.tell()
		lookUp := func(scan string) { // as if its account had been read by the queue
			if _, err := w.store.DB.ExecContext(w.Context(), `INSERT INTO readings (scan, account, position, enter, state, holder, lease, header, calls, throttled) VALUES ($1, 'a', 0, '{}', 'done', '', 0, '{}', 0, 0)`, scan); err != nil {
				w.Fatal(err)
			}
		}
		told := func(n int) string {
			w.now = begin.AddDate(0, 0, n).Add(2 * time.Minute)
			return w.tell()
		}
		id := w.scan("prod", 2, map[string]int{"a": 4})
		lookUp(id)
		w.scan("dev", 2, map[string]int{"a": 2})
		if got := told(2); got != "chat: new low a" {
			w.Errorf("while somebody looks: %q", got)
		}
		events, err := w.store.EventsOf(w.Context(), id)
		if err != nil || len(events) != 1 {
			w.Fatal(events, err)
		}
		if err := w.store.Explain(w.Context(), events[0].ID, json.RawMessage(`{"status":"found","principal":"arn:aws:iam::111122223333:role/deploy"}`)); err != nil {
			w.Fatal(err)
		}
		w.now = begin.AddDate(0, 0, 2).Add(2 * time.Minute)
		if err := w.announcer().Announce(w.Context()); err != nil {
			w.Fatal(err)
		}
		w.pass(time.Hour)
		w.sender("one").Step(w.Context())
		if m := w.sent["chat"]; len(m) != 1 || m[0].Findings[0].ChangedBy != "role deploy of account 111122223333" {
			w.Errorf("%+v", m)
		}
		w.told()
		lookUp(w.scan("prod", 3, map[string]int{"a": 5}))
		if got := told(3); got != "" {
			w.Errorf("while somebody looks: %q", got)
		}
		w.now = begin.AddDate(0, 0, 3).Add(4 * time.Minute)
		if got := w.tell(); got != "chat: escalated critical a" {
			w.Errorf("when nobody comes: %q", got)
		}
		lookUp(w.scan("prod", 4, map[string]int{"a": 5, "b": 2}))
		w.now = begin
		if got := w.tell(); got != "chat: new low b" {
			w.Errorf("when the clock has gone back: %q", got)
		}
	})
}

// What comes and goes by nature is told once a second scan has seen the same; if none could see, later.
func TestVolatile(t *testing.T) {
	each(t, chat, func(w *world) {
		for i, step := range []struct {
			a    int // messages of a; -2 for a scan that does not ask
			want string
		}{
			{0, ""}, {0, ""},
			{2, ""}, {2, "chat: new low a"}, {2, ""},
			{0, ""}, {2, ""}, {0, ""}, {2, ""}, // here and gone: not a word
			{2, "chat: regressed low a"},     // the last time it came back it stayed
			{0, ""}, {-2, ""}, {unknown, ""}, // fixed, perhaps: nobody looked
			{0, "chat: fixed low a"},
			{3, ""}, {unknown, ""}, {3, "chat: regressed medium a"},
			{4, ""}, {4, "chat: escalated high a"},
		} {
			if step.a == -2 {
				w.scan("prod", i, map[string]int{"a": 0}, 0)
			} else {
				w.scan("prod", i, map[string]int{"a": step.a}, 1)
			}
			if got := w.tell(); got != step.want {
				w.Errorf("day %d: %q, want %q", i, got, step.want)
			}
		}
	})
}

// Announced late, scan by scan, a volatile rule is held against the scan that came next, and not against the last one.
func TestVolatileLate(t *testing.T) {
	each(t, chat, func(w *world) {
		for i, a := range []int{0, 2, 2, 0, 2, 0} {
			w.scan("prod", i, map[string]int{"a": a}, 1)
		}
		if got := w.tell(); got != "chat: new low a" {
			w.Errorf("%q", got)
		}
	})
}

const incidents = `
  storm: 3
  channels:
    - {name: pager, type: pagerduty, key: "env:A"}
    - {name: chat, type: slack, url: "env:A"}
  routes:
    - {min_severity: high, channels: [pager, chat]}
`

// An incident ends when its finding is fixed or waived, whatever the routes say by then, and never because nobody can look.
func TestIncidents(t *testing.T) {
	each(t, incidents, func(w *world) {
		for i, step := range []struct {
			queues map[string]int
			waive  bool
			want   string
		}{
			{map[string]int{"a": 5, "b": 0, "b2": 0, "c": 0}, false, "chat: first-scan 1 of team-a"}, // is no incident
			{map[string]int{"a": 5, "b": 4, "b2": 5, "c": 0}, false, "chat: new critical b2, new high b; pager: new critical b2; pager: new high b"},
			{map[string]int{"a": 5, "b": unknown, "b2": 5, "c": 0}, false, ""},
			{map[string]int{"a": 5, "b": 2, "b2": 5, "c": 0}, false, ""},
			{map[string]int{"a": 0, "b": 0, "b2": 5, "c": 0}, false, "pager: fixed low b"}, // now of a severity that goes nowhere
			{map[string]int{"a": 0, "b": 0, "b2": 5, "c": 0}, true, "pager: waived critical b2"},
			{map[string]int{"a": 0, "b": 0, "b2": 5, "c": 0}, false, "chat: waiver-ended critical b2; pager: waiver-ended critical b2"},
			{map[string]int{"a": 5, "b": 5, "b2": 0, "c": 5, "d": 4}, false, "chat: storm 1 of team-a, 1 of team-b, 1 of team-c, 1 of team-d; pager: fixed critical b2; pager: storm 1 of team-a, 1 of team-b, 1 of team-c, 1 of team-d"},
			{map[string]int{"a": 0, "b": 0, "b2": 0, "c": 0, "d": 0}, false, ""}, // none of them had an incident
		} {
			w.waive = func(*engine.Result) *report.Waived {
				if step.waive {
					return &report.Waived{Reason: "soon", Owner: "shop", Expires: "2026-12-31", Source: "w:1"}
				}
				return nil
			}
			w.scan("prod", i, step.queues)
			if got := w.tell(); got != step.want {
				w.Errorf("day %d: %q, want %q", i, got, step.want)
			}
		}
	})
}

// What two streams see is told once.
func TestStreams(t *testing.T) {
	each(t, chat, func(w *world) {
		step := func(stream string, n, a int, want string) {
			w.Helper()
			w.scan(stream, n, map[string]int{"a": a})
			if got := w.tell(); got != want {
				w.Errorf("day %d of %s: %q, want %q", n, stream, got, want)
			}
		}
		step("hourly", 0, 0, "")
		step("daily", 0, 0, "")
		step("hourly", 1, 2, "chat: new low a")
		step("daily", 1, 2, "")
		step("daily", 2, 3, "chat: escalated medium a")
		step("hourly", 2, 3, "")
		step("hourly", 3, 0, "chat: fixed medium a")
		step("daily", 3, 0, "")
		step("daily", 4, 2, "chat: regressed low a")
		step("hourly", 4, 2, "")
		step("hourly", 5, 0, "chat: fixed low a")
	})
}

// A scan that is done and was not announced is announced later, once, by whoever comes: also after a crash, and by many at once.
func TestOnce(t *testing.T) {
	each(t, chat, func(w *world) {
		w.scan("prod", 0, map[string]int{"a": 0})
		w.scan("prod", 1, map[string]int{"a": 2})
		w.scan("test", 0, map[string]int{"b": 2})
		w.scan("prod", 2, map[string]int{"a": 0})
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := w.announcer().Announce(w.Context()); err != nil {
					w.Error(err)
				}
			})
		}
		wg.Wait()
		if got := w.tell(); got != "chat: new low a; chat: fixed low a; chat: first-scan 1 of team-b" {
			w.Errorf("%q", got)
		}
	})
}

// The findings that are there when notifications begin were recorded by a scanner that did not know them: they are no news.
func TestUpgrade(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		w := newWorld(t, address, chat)
		w.scan("prod", 0, map[string]int{"a": 0})
		w.scan("prod", 1, map[string]int{"a": 2})
		w.store.Close()
		for _, version := range []int64{1, 2} {
			if err := store.MigrateTo(t.Context(), address, version); err != nil {
				t.Fatal(err)
			}
		}
		w = newWorld(t, address, chat)
		if got := w.tell(); got != "" {
			t.Errorf("%q", got)
		}
		w.scan("prod", 2, map[string]int{"a": 0})
		if got := w.tell(); got != "chat: fixed low a" {
			t.Errorf("%q", got)
		}
	})
}

// Whoever has announced nothing for more than a week does not begin with the news of months; what comes after is told.
func TestTooOld(t *testing.T) {
	each(t, chat, func(w *world) {
		w.scan("prod", 0, map[string]int{"a": 2})
		w.scan("prod", 1, map[string]int{"a": 2, "b": 2})
		w.scan("prod", 8, map[string]int{"a": 2, "b": 2, "c": 2})
		w.now = begin.AddDate(0, 0, 9)
		if got := w.tell(); got != "chat: new low c" {
			w.Errorf("%q", got)
		}
		w.scan("prod", 9, map[string]int{"a": 2, "b": 0, "c": 2})
		if got := w.tell(); got != "chat: fixed low b" {
			w.Errorf("%q", got)
		}
	})
}

// Messages say what the store knows: since when, by whom, where to look.
func TestMessage(t *testing.T) {
	each(t, "  link: https://scanner.example.com"+chat, func(w *world) {
		w.scan("prod", 0, map[string]int{"a": 0})
		id := w.scan("prod", 1, map[string]int{"a": 5})
		events, err := w.store.EventsOf(w.Context(), id)
		if err != nil || len(events) != 1 {
			w.Fatal(events, err)
		}
		if err := w.store.Explain(w.Context(), events[0].ID, []byte(`{"principal":"arn:aws:sts::111122223333:assumed-role/ci/jane@example.com","call":"sqs:SendMessage"}`)); err != nil {
			w.Fatal(err)
		}
		if err := w.announcer().Announce(w.Context()); err != nil {
			w.Fatal(err)
		}
		w.sender("one").Step(w.Context())
		if len(w.sent["chat"]) != 1 {
			w.Fatalf("%d messages", len(w.sent["chat"]))
		}
		m := w.sent["chat"][0]
		f := m.Findings[0]
		if m.Schema != notify.Schema || m.Rule.Harm != "What is in them is lost." || m.Rule.Breaks != "Whoever waits." || m.FixKey != "sqs-q/a" || m.Account != account || m.Scan.ID != id || m.Stream != "prod" ||
			m.Severity != engine.Critical || m.Events[notify.New] != 1 || m.Link != "https://scanner.example.com/scans/"+id {
			w.Errorf("%+v", m)
		}
		if f.Owner != "team-a" || f.Since != begin.AddDate(0, 0, 1) || f.ChangedBy != "role ci of account 111122223333, by sqs:SendMessage" || f.Link != "https://scanner.example.com/findings/"+f.Identity+"?stream=prod" ||
			f.Resource.Kind != "AWS::SQS::Queue" || f.Message != "holds messages" || f.Resource.ARN == "" || f.Fingerprint == "" {
			w.Errorf("%+v", f)
		}
	})
}

// Security Hub gets every scan as a whole; one that waits is overtaken by the next of its stream.
func TestScans(t *testing.T) {
	each(t, `
  channels: [{name: hub, type: securityhub}]
`, func(w *world) {
		var ids []string
		for i, stream := range []string{"prod", "test", "prod"} {
			ids = append(ids, w.scan(stream, i, map[string]int{"a": 2}))
			if err := w.announcer().Announce(w.Context()); err != nil {
				w.Fatal(err)
			}
		}
		w.sender("one").Step(w.Context())
		var got []string
		for _, m := range w.sent["hub"] {
			got = append(got, m.Scan.ID)
		}
		if !slices.Equal(got, ids[1:]) || w.sent["hub"][0].Kind != notify.OfScan {
			w.Errorf("%q of %q", got, ids)
		}
	})
}

func TestDigest(t *testing.T) {
	each(t, `
  channels:
    - {name: chat, type: slack, url: "env:A"}
    - {name: mail, type: slack, url: "env:A"}
  routes: [{channels: chat, events: [waived]}]
  digest:
    day: friday
    time: "12:00"
    to: [{owner: team-a, channels: [chat, mail]}, {owner: team-b, channels: mail}]
`, func(w *world) { // the first of January 2026 is a Thursday
		w.waive = func(x *engine.Result) *report.Waived {
			if x.Resource.Name == "a4" {
				return &report.Waived{Reason: "soon", Owner: "shop", Expires: "2026-01-20", Source: "w:1", Ticket: "T-1"}
			}
			return nil
		}
		at := func(n int, queues map[string]int, want string) {
			w.Helper()
			w.now = begin.AddDate(0, 0, n).Add(-time.Hour)
			w.scan("prod", n, queues)
			w.scan("twice", n, queues)
			got := w.tell()
			w.now = begin.AddDate(0, 0, n).Add(time.Second)
			if got += w.tell(); got != want {
				w.Errorf("day %d: %q, want %q", n, got, want)
			}
		}
		w.scan("prod", -1, map[string]int{"a1": 5, "a2": 0, "a3": 2, "a4": 4, "b": 0, "c": 1})
		w.scan("twice", -1, map[string]int{"a1": 5, "a2": 0, "a3": 2, "a4": 4, "b": 0, "c": 1})
		at(0, map[string]int{"a1": 5, "a2": 0, "a3": 2, "a4": 4, "b": 0, "c": 1}, "") // the beginning
		at(1, map[string]int{"a1": 5, "a2": 5, "a3": 0, "a4": 4, "b": 0, "c": 1}, "chat: digest; mail: digest")
		at(2, map[string]int{"a1": 5, "a2": 0, "a3": 2, "a4": 4, "b": 0, "c": 1}, "")
		at(3, map[string]int{"a1": unknown, "a2": 0, "a3": 2, "a4": 4, "b": 3, "c": 1}, "")
		w.now = begin.AddDate(0, 0, 8).Add(time.Second)
		if err := w.announcer().Announce(w.Context()); err != nil {
			w.Fatal(err)
		}
		w.sender("one").Step(w.Context())
		if len(w.sent["chat"]) != 1 || len(w.sent["mail"]) != 2 {
			w.Fatalf("%q", w.told())
		}
		d := w.sent["chat"][0].Digest
		if got, want := fmt.Sprintln(d.Owner, d.Opened, d.Fixed, d.Regressed, d.Open, d.Unseen, d.OldestCritical.Resource.Name, d.OldestCritical.Since.Format(time.DateOnly), len(d.WaiversDue), d.WaiversDue[0].Ticket, d.WaiversDue[0].WaivedUntil, d.WasteUSD),
			"team-a map[] map[critical:1] map[low:1] map[critical:1 low:1] 1 a1 2025-12-31 1 T-1 2026-01-20 10.5\n"; got != want {
			w.Errorf("%s, want %s", got, want)
		}
		if d.From != begin.AddDate(0, 0, 1) || d.To != begin.AddDate(0, 0, 8) || w.sent["mail"][1].Digest.Owner != "team-b" || w.sent["mail"][1].Digest.Opened["medium"] != 1 {
			w.Errorf("%+v", d)
		}
		w.sent = map[string][]*notify.Message{}
		for _, back := range []time.Duration{0, -26 * time.Hour, -15 * 24 * time.Hour, 40 * time.Hour} { // a clock that goes back, and forth
			w.now = begin.AddDate(0, 0, 8).Add(back + time.Minute)
			if got := w.tell(); got != "" {
				w.Errorf("%s later: %q", back, got)
			}
		}
	})
}

// A receiver that fails for an hour: nothing is lost, it is not hammered, others get theirs meanwhile, and the order stays.
func TestReceiverDown(t *testing.T) {
	each(t, `
  channels:
    - {name: down, type: slack, url: "env:A"}
    - {name: up, type: slack, url: "env:A"}
  routes: [{channels: [down, up]}]
`, func(w *world) {
		tries := 0
		end := begin.AddDate(0, 0, 1).Add(time.Hour)
		w.fail = func(ch string, m *notify.Message) error {
			if ch == "down" && w.now.Before(end) {
				tries++
				return errors.New("the receiver answers 500")
			}
			return nil
		}
		w.scan("prod", 0, map[string]int{"a": 0})
		w.now = begin.AddDate(0, 0, 1)
		s := w.sender("one")
		for i := range 70 { // minutes
			if i < 10 {
				w.scan("prod", 1+i, map[string]int{fmt.Sprint(i): 2})
			}
			if err := w.announcer().Announce(w.Context()); err != nil {
				w.Fatal(err)
			}
			s.Step(w.Context())
			if i == 30 {
				states, err := w.store.ChannelStates(w.Context())
				if err != nil || len(states) != 2 || states[0].Waiting != 10 || states[0].Failure != "the receiver answers 500" || states[0].Tries < 5 || states[1].Waiting != 0 || states[1].Failure != "" {
					w.Errorf("%+v %v", states, err)
				}
			}
			w.pass(time.Minute)
		}
		if tries < 6 || tries > 20 {
			w.Errorf("it was tried %d times", tries)
		}
		for _, ch := range []string{"up", "down"} {
			var got []string
			for _, m := range w.sent[ch] {
				got = append(got, m.Findings[0].Resource.Name)
			}
			if strings.Join(got, "") != "0123456789" {
				w.Errorf("%s got %q", ch, got)
			}
		}
		if states, err := w.store.ChannelStates(w.Context()); err != nil || states[0].Waiting != 0 || states[0].Failure != "" || states[0].Tries != 0 {
			w.Errorf("%+v %v", states, err)
		}
	})
}

// put puts messages into the outbox that say nothing.
func (w *world) put(ch string, n int) {
	w.Helper()
	id := w.scan("filler", 0, map[string]int{})
	var all []store.Message
	for i := range n {
		all = append(all, store.Message{Channel: ch, Kind: "test", Key: fmt.Sprintf("%s-%s-%03d", id, ch, i), Payload: fmt.Appendf(nil, `{"id":"%s-%03d"}`, ch, i)})
	}
	if done, err := w.store.Announce(w.Context(), store.Announcement{Scan: id, Messages: all}, w.now); err != nil || !done {
		w.Fatal(done, err)
	}
}

func (w *world) ids(ch string) (all []string) {
	for _, m := range w.sent[ch] {
		all = append(all, m.ID)
	}
	return all
}

// A channel bears so many messages a minute, also across restarts; a receiver that asks for a pause gets it.
func TestRate(t *testing.T) {
	each(t, `
  channels: [{name: chat, type: slack, url: "env:A", rate: 5}]
  routes: [{channels: chat}]
`, func(w *world) {
		w.put("chat", 12)
		for minute, want := range []int{5, 10, 12} {
			for range 12 {
				w.sender(fmt.Sprint(w.now)).Step(w.Context())
				w.pass(5 * time.Second)
			}
			if got := len(w.sent["chat"]); got != want {
				w.Errorf("after %d minutes: %d messages, want %d", 1+minute, got, want)
			}
		}
		w.put("chat", 1)
		w.fail = func(string, *notify.Message) error { return &notify.Pause{Why: "slow down", For: 3 * time.Minute} }
		w.pass(time.Minute)
		w.sender("one").Step(w.Context())
		w.fail = nil
		w.pass(2*time.Minute + 59*time.Second)
		w.sender("one").Step(w.Context())
		if got := len(w.sent["chat"]); got != 12 {
			w.Errorf("it does not wait: %d", got)
		}
		w.pass(2 * time.Second)
		w.sender("one").Step(w.Context())
		if got := len(w.sent["chat"]); got != 13 {
			w.Errorf("it waits too long: %d", got)
		}
	})
}

// Whatever the clock does, nothing stays behind: neither a pause nor a lease nor a rate of before counts for ever.
func TestClockGoesBack(t *testing.T) {
	each(t, `
  channels: [{name: chat, type: slack, url: "env:A", rate: 5}]
  routes: [{channels: chat}]
`, func(w *world) {
		w.put("chat", 7)
		w.fail = func(string, *notify.Message) error { return errors.New("the receiver answers 500") }
		for range 8 {
			w.sender("one").Step(w.Context())
			w.pass(10 * time.Minute)
		}
		w.fail = nil
		w.pass(-24 * time.Hour)
		w.sender("one").Step(w.Context())
		if got := len(w.sent["chat"]); got != 5 {
			w.Errorf("after a pause: %d", got)
		}
		if name, err := w.store.TakeChannel(w.Context(), "lost", []string{"chat"}, w.now.Add(time.Hour), w.now.Add(2*time.Hour), w.now.Add(2*time.Hour)); err != nil || name != "chat" {
			w.Fatal(name, err)
		}
		w.pass(-24 * time.Hour)
		w.sender("one").Step(w.Context())
		if got := len(w.sent["chat"]); got != 7 {
			w.Errorf("after a lease: %d", got)
		}
	})
}

// What a receiver will never take is given up after a few tries, and the next one gets its turn.
func TestRejection(t *testing.T) {
	each(t, chat, func(w *world) {
		w.put("chat", 4)
		tries := 0
		w.fail = func(_ string, m *notify.Message) error {
			if m.ID == "chat-001" {
				tries++
				return &notify.Rejection{Why: "the receiver answers 400: invalid_blocks"}
			}
			return nil
		}
		for range 10 {
			w.sender("one").Step(w.Context())
			w.pass(time.Minute)
		}
		if got := w.ids("chat"); !slices.Equal(got, []string{"chat-000", "chat-002", "chat-003"}) || tries != rejections {
			w.Errorf("%q after %d tries", got, tries)
		}
		all, err := w.store.Messages(w.Context(), "chat", 10)
		if err != nil || len(all) != 4 || all[2].State != store.Refused || all[2].Failure != "the receiver answers 400: invalid_blocks" || all[0].State != store.Sent {
			w.Errorf("%+v %v", all, err)
		}
	})
}

// A message to a channel that is no more waits for a week, in case it comes back.
func TestExpire(t *testing.T) {
	each(t, chat, func(w *world) {
		w.put("gone", 1)
		w.sender("one").Step(w.Context())
		w.pass(6 * 24 * time.Hour)
		w.sender("one").Step(w.Context())
		if all, err := w.store.Messages(w.Context(), "gone", 10); err != nil || all[0].State != store.ToSend {
			w.Errorf("%+v %v", all, err)
		}
		w.pass(2 * 24 * time.Hour)
		w.sender("one").Step(w.Context())
		if all, err := w.store.Messages(w.Context(), "gone", 10); err != nil || all[0].State != store.Expired {
			w.Errorf("%+v %v", all, err)
		}
	})
}

// Several senders share the channels: each message is sent once, and in order.
func TestManySenders(t *testing.T) {
	var names []string
	text := "  channels:\n"
	for i := range 5 {
		names = append(names, fmt.Sprintf("c%d", i))
		text += fmt.Sprintf("    - {name: c%d, type: slack, url: \"env:A\", rate: 6000}\n", i)
	}
	text += "  routes: [{channels: [" + strings.Join(names, ", ") + "]}]\n"
	each(t, text, func(w *world) {
		for _, name := range names {
			w.put(name, 20)
		}
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				for range 5 {
					w.sender(fmt.Sprintf("sender-%d", i)).Step(w.Context())
				}
			})
		}
		wg.Wait()
		for _, name := range names {
			if got := w.ids(name); len(got) != 20 || !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != 20 {
				w.Errorf("%s: %q", name, got)
			}
		}
	})
}

// A sender that is gone keeps nothing for longer than its lease; one that comes back too late does no harm.
func TestLease(t *testing.T) {
	each(t, chat, func(w *world) {
		w.put("chat", 3)
		if name, err := w.store.TakeChannel(w.Context(), "killed", []string{"chat"}, w.now, w.now.Add(90*time.Second), w.now.Add(mostPause)); err != nil || name != "chat" {
			w.Fatal(name, err)
		}
		w.pass(time.Minute)
		w.sender("two").Step(w.Context())
		if got := w.ids("chat"); len(got) != 0 {
			w.Errorf("it is taken from one who holds it: %q", got)
		}
		w.pass(31 * time.Second)
		w.sender("two").Step(w.Context())
		if got := w.ids("chat"); len(got) != 3 {
			w.Errorf("%q", got)
		}
		m := &store.Message{ID: 1, Channel: "chat"}
		if err := w.store.Settle(w.Context(), m, "killed", store.ToSend, "late", w.now); !errors.Is(err, store.ErrChannelLost) {
			w.Errorf("one who has lost it: %v", err)
		}
		if err := w.store.KeepChannel(w.Context(), "chat", "killed", w.now); !errors.Is(err, store.ErrChannelLost) {
			w.Errorf("one who has lost it: %v", err)
		}
		w.put("chat", 2)
		if name, err := w.store.TakeChannel(w.Context(), "killed", []string{"chat"}, w.now, w.now.Add(90*time.Second), w.now.Add(mostPause)); err != nil || name != "chat" {
			w.Fatal(name, err)
		}
		if err := w.store.DropAll(w.Context()); err != nil { // as the service of a file does when it starts: there is nobody else
			w.Fatal(err)
		}
		w.sender("two").Step(w.Context())
		if got := w.ids("chat"); len(got) != 5 {
			w.Errorf("after a start: %q", got)
		}
	})
}

// A sender that is told to end lets what is on its way arrive, and leaves the rest at once to others.
func TestStop(t *testing.T) {
	each(t, chat, func(w *world) {
		w.put("chat", 3)
		ctx, stop := context.WithCancel(w.Context())
		s := w.sender("one")
		s.Settings = func() (*notify.Config, Deliver) {
			return w.config, func(ctx context.Context, ch *notify.Channel, m *notify.Message) error {
				stop()
				return w.deliver(ctx, ch, m)
			}
		}
		s.Run(ctx)
		w.sender("two").Step(w.Context())
		if got := w.ids("chat"); !slices.Equal(got, []string{"chat-000", "chat-001", "chat-002"}) {
			w.Errorf("%q", got)
		}
	})
}

// Settings may change while messages are sent: the next message goes by the new ones, one to a channel that is taken out waits, and one to a channel that is new is sent.
func TestSettingsChange(t *testing.T) {
	each(t, chat, func(w *world) {
		w.put("chat", 3)
		w.put("mail", 1)
		other := configOf(t, `
  channels: [{name: chat, type: slack, url: "env:B"}, {name: mail, type: slack, url: "env:C"}]
  routes: [{channels: [chat, mail]}]
`)
		none := configOf(t, "\n  link: https://scanner.example.com\n")
		now := w.config
		var by []string
		s := w.sender("one")
		s.Settings = func() (*notify.Config, Deliver) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return now, func(ctx context.Context, ch *notify.Channel, m *notify.Message) error {
				w.mu.Lock()
				by = append(by, ch.Name+" "+string(ch.URL))
				now = none
				w.mu.Unlock()
				return w.deliver(ctx, ch, m)
			}
		}
		s.Step(w.Context())
		if want := []string{"chat env:A"}; !slices.Equal(by, want) {
			t.Fatalf("%q, want %q", by, want)
		}
		now = other
		s.Step(w.Context())
		now = other
		s.Step(w.Context())
		now = other
		s.Step(w.Context())
		slices.Sort(by)
		if want := []string{"chat env:A", "chat env:B", "chat env:B", "mail env:C"}; !slices.Equal(by, want) {
			t.Errorf("%q, want %q", by, want)
		}
	})
}
