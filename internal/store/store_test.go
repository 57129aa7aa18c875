package store_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/sqs"
	"awsscanner/internal/report"
	"awsscanner/internal/store"
	"awsscanner/internal/store/storetest"
)

const account = "111122223333"

var begin = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// rule fails queues with messages; their number is the severity.
var rule = engine.Rule{ID: "sqs-q", Title: "Queues are empty", Severity: engine.Low, Worst: engine.Critical, Pillars: []engine.Pillar{engine.Security, engine.Reliability}, Reads: []string{"sqs.Queue.Messages"},
	Check: engine.Each(func(_ *engine.View, q *sqs.Queue) engine.Verdict {
		if n := q.Messages.Get(); n > 0 {
			return engine.Fail("holds messages").As(engine.Severity(n)).With("messages", n)
		}
		return engine.Pass()
	})}

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

// record records a scan as a server does.
func record(t testing.TB, s *store.Store, stream string, snap *engine.Snapshot, o report.Options, rules ...engine.Rule) string {
	t.Helper()
	ctx := context.Background()
	if rules == nil {
		rules = []engine.Rule{rule}
	}
	id := store.NewID()
	if err := s.Begin(ctx, store.Scan{ID: id, Stream: stream, Cause: "request", Created: snap.Start}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Start(ctx, id, snap.Start); err != nil {
		t.Fatal(err)
	}
	var err error
	if o.Baseline, err = s.Baseline(ctx, stream); err != nil {
		t.Fatal(err)
	}
	r, err := report.New("test", engine.Whole(snap), rules, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Record(ctx, id, r, strings.NewReader("snapshot of "+id), snap.Start.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return id
}

func open(t testing.TB, address string) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// what says what has happened in a scan: "new a".
func what(t *testing.T, s *store.Store, scan string) (all []string) {
	t.Helper()
	events, err := s.EventsOf(t.Context(), scan)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		found, err := s.Find(t.Context(), e.Identity)
		if err != nil || len(found) != 1 {
			t.Fatalf("%v, %d findings of %s", err, len(found), e.Identity)
		}
		all = append(all, string(e.Type)+" "+found[0].Finding.Resource.Name)
	}
	slices.Sort(all)
	return all
}

// The life of findings: what becomes of them is an event, once, and what nobody saw changes nothing.
func TestLife(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := open(t, address)
		waive := func(x *engine.Result) *report.Waived {
			if x.Resource.Name == "c" {
				return &report.Waived{Reason: "soon", Owner: "shop", Expires: "2026-12-31", Source: "w:1"}
			}
			return nil
		}
		for i, step := range []struct {
			queues  map[string]int
			options report.Options
			want    string
		}{
			{map[string]int{"a": 4, "b": 0, "c": 2}, report.Options{}, ""}, // the first scan is no news
			{map[string]int{"a": 4, "b": 0, "c": 2}, report.Options{}, ""},
			{map[string]int{"a": 4, "b": 3, "c": 2}, report.Options{}, "new b"},
			{map[string]int{"a": 5, "b": 0, "c": 2}, report.Options{}, "escalated a, fixed b"},
			{map[string]int{"a": 5, "b": 1, "c": 2}, report.Options{}, "regressed b"},
			{map[string]int{"a": unknown, "b": 1, "c": 2}, report.Options{}, "no-longer-assessed a"},
			{map[string]int{"a": unknown, "b": 1, "c": 2}, report.Options{}, ""},
			{map[string]int{"*": 0}, report.Options{}, "no-longer-assessed b, no-longer-assessed c"},
			{map[string]int{"a": 5, "b": 1, "c": 2, "d": 2}, report.Options{}, "assessed-again a, assessed-again b, assessed-again c, newly-assessed d"},
			{map[string]int{"a": 5, "b": 1, "c": 2, "d": 2}, report.Options{Waive: waive}, "waived c"},
			{map[string]int{"a": 5, "b": 1, "c": 2, "d": 2}, report.Options{}, "waiver-ended c"},
			{map[string]int{"b": 1, "c": 2, "d": 2}, report.Options{}, "fixed a"},
		} {
			id := record(t, s, "prod", day(i, step.queues), step.options)
			if got := strings.Join(what(t, s, id), ", "); got != step.want {
				t.Errorf("day %d: %q, want %q", i, got, step.want)
			}
		}
		all, next, err := s.Findings(t.Context(), store.Filter{Stream: "prod", State: "open"})
		if err != nil || next != "" {
			t.Fatal(err, next)
		}
		var names []string
		for _, x := range all {
			names = append(names, fmt.Sprintf("%s since %s, last %s, back %d", x.Finding.Resource.Name, x.FirstSeen.Format("01-02"), x.LastSeen.Format("01-02"), x.Regressed))
		}
		slices.Sort(names)
		if got := strings.Join(names, "; "); got != "b since 01-03, last 01-12, back 1; c since 01-01, last 01-12, back 0; d since 01-09, last 01-12, back 0" {
			t.Errorf("open: %s", got)
		}
		fixed, _, err := s.Findings(t.Context(), store.Filter{State: "fixed"})
		if err != nil || len(fixed) != 1 || fixed[0].Finding.Severity != engine.Critical || fixed[0].FixedAt != begin.AddDate(0, 0, 11) {
			t.Errorf("fixed: %+v %v", fixed, err)
		}
		trend, err := s.Trend(t.Context(), "prod", "", begin.AddDate(0, 0, 2))
		if err != nil || len(trend) != 10 || trend[0].New != 1 || trend[1].Fixed != 1 || trend[7].Waived != 1 || trend[5].Assessed != 0 || trend[0].Failures[engine.High] != 1 {
			t.Errorf("trend: %+v %v", trend, err)
		}
		median, n, err := s.TimeToFix(t.Context(), "prod", begin)
		if err != nil || median[engine.Critical] != 11*24*time.Hour || n[engine.Critical] != 1 {
			t.Errorf("time to fix: %v %v %v", median, n, err)
		}
	})
}

// Streams do not mix, and a scan that was compared with an old state is not recorded.
func TestStreams(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := open(t, address)
		ctx := t.Context()
		record(t, s, "a", day(0, map[string]int{"q": 2}), report.Options{})
		record(t, s, "b", day(0, map[string]int{"q": 0}), report.Options{})
		id := record(t, s, "b", day(1, map[string]int{"q": 2}), report.Options{})
		if got := what(t, s, record(t, s, "a", day(1, map[string]int{"q": 2}), report.Options{})); len(got) != 0 {
			t.Errorf("of stream a: %q", got)
		}
		if events, err := s.EventsOf(ctx, id); err != nil || len(events) != 1 || events[0].Type != store.Regressed && events[0].Type != store.New {
			t.Errorf("of stream b: %+v %v", events, err)
		}
		late := store.NewID()
		if err := s.Begin(ctx, store.Scan{ID: late, Stream: "a", Cause: "request", Created: begin}); err != nil {
			t.Fatal(err)
		}
		r, err := report.New("test", engine.Whole(day(2, nil)), []engine.Rule{rule}, report.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Record(ctx, late, r, nil, begin); !errors.Is(err, store.ErrOvertaken) {
			t.Errorf("a scan that was compared with nothing: %v", err)
		}
		part, err := report.New("test", engine.Whole(day(2, nil)), []engine.Rule{rule}, report.Options{Filter: report.Filter{Regions: []string{"x"}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Record(ctx, late, part, nil, begin); err == nil || !strings.Contains(err.Error(), "leaves something out") {
			t.Errorf("a report with filters: %v", err)
		}
		if err := s.End(ctx, late, store.Cancelled, "by hand", begin); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Start(ctx, late, begin); err == nil {
			t.Error("a cancelled scan starts")
		}
		if x, err := s.Last(ctx, "a"); err != nil || x.ID == late || x.State != store.Done {
			t.Errorf("last: %+v %v", x, err)
		}
		if streams, err := s.Streams(ctx); err != nil || strings.Join(streams, " ") != "a b" {
			t.Errorf("streams: %q %v", streams, err)
		}
	})
}

// A clock that goes back does not make an old scan the last one.
func TestClockGoesBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := open(t, address)
		record(t, s, "a", day(5, map[string]int{"q": 2}), report.Options{})
		id := record(t, s, "a", day(1, map[string]int{"q": 0}), report.Options{})
		if got := what(t, s, id); strings.Join(got, "") != "fixed q" {
			t.Errorf("%q", got)
		}
		if x, err := s.Last(t.Context(), "a"); err != nil || x.ID != id {
			t.Errorf("last: %+v %v", x, err)
		}
	})
}

// Pages hold each finding once, the worst first, whatever the size of a page; filters pick.
func TestFindings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := open(t, address)
		queues := map[string]int{}
		for i := range 57 {
			queues[fmt.Sprintf("q-%d", i)] = 1 + i%5
		}
		queues["100%_\\"] = 3
		record(t, s, "a", day(0, queues), report.Options{Team: func(x *engine.Result) string { return "team " + x.Resource.Name[:1] }})
		seen := map[string]bool{}
		last, after := engine.Critical, ""
		for {
			page, next, err := s.Findings(t.Context(), store.Filter{Limit: 7, After: after})
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range page {
				if seen[x.Finding.Identity] || x.Finding.Severity > last {
					t.Errorf("%s is out of order", x.Finding.Resource.Name)
				}
				seen[x.Finding.Identity], last = true, x.Finding.Severity
			}
			if after = next; next == "" {
				break
			}
		}
		if len(seen) != 58 {
			t.Errorf("%d findings", len(seen))
		}
		yes := true
		for name, c := range map[string]struct {
			store.Filter
			want int
		}{
			"severity":   {store.Filter{Severities: []engine.Severity{engine.Critical, engine.High}}, 22},
			"pillar":     {store.Filter{Pillars: []engine.Pillar{engine.Reliability}}, 58},
			"no pillar":  {store.Filter{Pillars: []engine.Pillar{engine.CostOptimization}}, 0},
			"rule":       {store.Filter{Rules: []string{"sqs-q"}}, 58},
			"region":     {store.Filter{Regions: []string{"us-east-1"}}, 0},
			"owner":      {store.Filter{Owners: []string{"team 1"}}, 1},
			"text":       {store.Filter{Text: "Q-1"}, 11},
			"wild text":  {store.Filter{Text: `100%_\`}, 1},
			"waived":     {store.Filter{Waived: &yes}, 0},
			"unassessed": {store.Filter{Unassessed: &yes}, 0},
			"another":    {store.Filter{Stream: "b"}, 0},
		} {
			if n, err := s.Count(t.Context(), c.Filter); err != nil || n != c.want {
				t.Errorf("%s: %d findings, want %d (%v)", name, n, c.want, err)
			}
		}
		if _, _, err := s.Findings(t.Context(), store.Filter{After: "x'; DROP TABLE findings"}); err == nil {
			t.Error("a made-up cursor is taken")
		}
	})
}

func TestSnapshotAndHead(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := open(t, address)
		id := record(t, s, "a", day(0, map[string]int{"q": 2}), report.Options{})
		r, err := s.Snapshot(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(r); err != nil || string(text) != "snapshot of "+id {
			t.Errorf("%q %v", text, err)
		}
		if _, err := s.Snapshot(t.Context(), "nothing"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("of no scan: %v", err)
		}
		x, err := s.Scan(t.Context(), id)
		var head struct{ Schema string }
		if err != nil || json.Unmarshal(x.Head, &head) != nil || head.Schema != report.Schema {
			t.Errorf("%+v %v", x, err)
		}
		if _, err := s.Scan(t.Context(), "nothing"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("of no scan: %v", err)
		}
	})
}

// What is dropped is old; the last scan of a stream stays, and so do open findings.
func TestPrune(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := open(t, address)
		for i := range 6 {
			record(t, s, "a", day(i, map[string]int{"q": 2, "p": (i + 1) % 2 * 3}), report.Options{})
		}
		p, err := s.Prune(t.Context(), store.Retention{Snapshots: 2, Scans: 72 * time.Hour, Fixed: time.Hour}, begin.AddDate(0, 0, 6))
		if err != nil || p != (store.Pruned{Snapshots: 4, Scans: 3, Findings: 1}) {
			t.Errorf("%+v %v", p, err)
		}
		points, err := s.Trend(t.Context(), "a", "", time.Time{})
		var trend []string
		for _, x := range points {
			trend = append(trend, fmt.Sprintf("%d new, %d fixed", x.New, x.Fixed))
		}
		if got, want := strings.Join(trend, "; "), "0 new, 1 fixed; 1 new, 0 fixed; 0 new, 1 fixed"; err != nil || got != want { // although the finding that came and went is gone
			t.Errorf("trend: %s, want %s, %v", got, want, err)
		}
		if p, err = s.Prune(t.Context(), store.Retention{}, begin.AddDate(1, 0, 0)); err != nil || p.Scans != 2 {
			t.Errorf("%+v %v", p, err)
		}
		if x, err := s.Last(t.Context(), "a"); err != nil || x.Started != begin.AddDate(0, 0, 5) {
			t.Errorf("%+v %v", x, err)
		}
		if n, err := s.Count(t.Context(), store.Filter{State: "open"}); err != nil || n != 1 {
			t.Errorf("%d open findings %v", n, err)
		}
		for i := range 3 { // a stream that was never scanned to the end does not grow for ever
			id := store.NewID()
			at := begin.AddDate(0, 0, 300*i)
			if err := errors.Join(s.Begin(t.Context(), store.Scan{ID: id, Stream: "b", Cause: "schedule", Created: at}), s.End(t.Context(), id, store.Failed, "no", at)); err != nil {
				t.Fatal(err)
			}
		}
		if p, err = s.Prune(t.Context(), store.Retention{Scans: 400 * 24 * time.Hour, Fixed: time.Hour}, begin.AddDate(0, 0, 600)); err != nil || p.Scans != 1 {
			t.Errorf("of a stream that fails: %+v %v", p, err)
		}
		if _, err := s.DB.ExecContext(t.Context(), `INSERT INTO cells (scan, account, region, service, data) VALUES ('gone', '', '', '', '')`); err != nil {
			t.Fatal(err)
		}
		if _, err = s.Prune(t.Context(), store.Retention{}, begin); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := s.DB.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM cells`).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d cells of nothing, %v", n, err)
		}
	})
}

// The time to fix is the median of each severity, of those that were fixed since a time.
func TestTimeToFix(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := open(t, address)
		fixed := map[string]int{"a": 1, "b": 1, "c": 2, "d": 4, "e": 3, "f": 9}
		for i := range 6 {
			queues := map[string]int{}
			for name, on := range fixed {
				queues[name] = 2
				if name == "e" || name == "f" {
					queues[name] = 4
				}
				if i >= on {
					queues[name] = 0
				}
			}
			record(t, s, "prod", day(i, queues), report.Options{})
		}
		for since, want := range map[int]string{0: "low 2 days of 4, high 3 days of 1", 2: "low 4 days of 2, high 3 days of 1", 4: "low 4 days of 1", 5: ""} {
			median, n, err := s.TimeToFix(t.Context(), "prod", begin.AddDate(0, 0, since))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for severity := engine.Informational; severity <= engine.Critical; severity++ {
				if n[severity] > 0 || median[severity] > 0 {
					got = append(got, fmt.Sprintf("%s %g days of %d", severity, median[severity].Hours()/24, n[severity]))
				}
			}
			if got := strings.Join(got, ", "); got != want {
				t.Errorf("since day %d: %s, want %s", since, got, want)
			}
		}
	})
}

// Many are dropped bit by bit, but all of them.
func TestPruneMany(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := open(t, address)
		queues := map[string]int{}
		for i := range 4500 {
			queues[fmt.Sprint("q", i)] = 2
		}
		record(t, s, "a", day(0, queues), report.Options{})
		for i := range 4200 {
			queues[fmt.Sprint("q", i)] = 0
		}
		record(t, s, "a", day(1, queues), report.Options{})
		p, err := s.Prune(t.Context(), store.Retention{Snapshots: 1, Scans: time.Hour, Fixed: time.Hour}, begin.AddDate(0, 0, 3))
		if err != nil || p.Findings != 4200 {
			t.Errorf("%+v %v", p, err)
		}
		var findings, events int
		if err := s.DB.QueryRowContext(t.Context(), `SELECT (SELECT COUNT(*) FROM findings), (SELECT COUNT(*) FROM events)`).Scan(&findings, &events); err != nil || findings != 300 || events != 0 {
			t.Errorf("%d findings and %d events are left, %v", findings, events, err)
		}
	})
}

// Scans of several streams are recorded, read and pruned at the same time: none fails because another is at it.
func TestAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s, other := open(t, address), open(t, address) // as two processes
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				for n := range 12 {
					queues := map[string]int{}
					for q := range 60 {
						queues[fmt.Sprint("q-", q)] = (q + n*i) % 3
					}
					record(t, []*store.Store{s, other}[i%2], fmt.Sprint("stream-", i), day(n, queues), report.Options{})
				}
			})
		}
		for _, s := range []*store.Store{s, other} {
			all.Go(func() {
				for range 30 {
					if _, err := s.Prune(context.Background(), store.Retention{Snapshots: 1, Scans: time.Hour, Fixed: time.Hour}, begin.AddDate(0, 0, 6)); err != nil {
						t.Error(err)
					}
					page, _, err := s.Findings(context.Background(), store.Filter{State: "open"})
					if err != nil {
						t.Error(err)
					}
					for _, x := range page {
						if _, err := s.History(context.Background(), x.Stream, x.Finding.Identity); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		all.Wait()
		for i := range 4 {
			want := 0
			for q := range 60 {
				if (q+11*i)%3 > 0 {
					want++
				}
			}
			if n, err := s.Count(t.Context(), store.Filter{Stream: fmt.Sprint("stream-", i), State: "open"}); err != nil || n != want {
				t.Errorf("stream %d: %d findings, want %d (%v)", i, n, want, err)
			}
		}
	})
}

// Migrations go back as well, and a database of a newer scanner is refused.
func TestMigrations(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		ctx := t.Context()
		open(t, address).Close()
		v, err := store.VersionOf(ctx, address)
		if err != nil || v.Database != v.Scanner || v.Scanner < 1 {
			t.Fatalf("%+v %v", v, err)
		}
		for _, to := range []int64{0, v.Scanner, v.Scanner - 1, v.Scanner} {
			if err := store.MigrateTo(ctx, address, to); err != nil {
				t.Fatalf("to %d: %v", to, err)
			}
		}
		if err := store.MigrateTo(ctx, address, v.Scanner+1); err == nil {
			t.Error("it goes where no migration leads")
		}
		s := open(t, address)
		if _, err := s.DB.ExecContext(ctx, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, true)`); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Open(ctx, address); err == nil || !strings.Contains(err.Error(), "newer scanner (version 99") {
			t.Errorf("a newer database: %v", err)
		}
	})
}

// What went back a version and forth again is found as before.
func TestMigrationsKeepFindings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s, ctx := open(t, address), t.Context()
		storetest.History{Failures: 50, Days: 2, Start: begin}.Record(t, s, "prod")
		f := store.Filter{Text: "gateway"}
		before, _, err := s.Findings(ctx, f)
		if err != nil || len(before) == 0 {
			t.Fatal(len(before), err)
		}
		s.Close()
		for _, to := range []int64{2, 1} {
			if err := store.MigrateTo(ctx, address, to); err != nil {
				t.Fatalf("to %d: %v", to, err)
			}
			after, _, err := open(t, address).Findings(ctx, f)
			if err != nil || !reflect.DeepEqual(after, before) {
				t.Errorf("to %d and back: %d findings with a word, want %d; %v", to, len(after), len(before), err)
			}
		}
	})
}

// Connections stay for those who ask next: to make one anew costs PostgreSQL a process, and SQLite what it has read.
func TestConnectionsStay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := open(t, address)
		for range 2 {
			var held []*sql.Conn
			for range s.DB.Stats().MaxOpenConnections {
				c, err := s.DB.Conn(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				held = append(held, c)
			}
			for _, c := range held {
				c.Close()
			}
		}
		if x := s.DB.Stats(); x.MaxIdleClosed > 0 {
			t.Errorf("%d connections were closed that others could have had", x.MaxIdleClosed)
		}
	})
}

// After the first scan of a stream PostgreSQL knows how much there is: it plans each page by that.
func TestFirstScanIsCounted(t *testing.T) {
	s := open(t, storetest.Postgres(t))
	storetest.History{Failures: 300, Days: 1, Start: begin}.Record(t, s, "prod")
	var rows, visible float64
	if err := s.DB.QueryRowContext(t.Context(), `SELECT reltuples, relallvisible FROM pg_class WHERE oid = 'findings'::regclass`).Scan(&rows, &visible); err != nil || rows < 300 || visible == 0 {
		t.Errorf("it thinks that there are %v findings on %v pages that all may see: %v", rows, visible, err)
	}
}

// A finding is found by an index also where the database knows nothing of its tables yet, as after a first large scan.
func TestFindGoesByIndexes(t *testing.T) {
	explained := func(s *store.Store, how, key string) (plan string) {
		rows, err := s.DB.QueryContext(t.Context(), how+store.FindQuery(key), "c4ca4238", "c4ca4238g")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			columns, _ := rows.Columns()
			var line string
			into := make([]any, len(columns))
			for i := range into {
				into[i] = new(any)
			}
			into[len(into)-1] = &line // SQLite has numbers before it
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			plan += line + "\n"
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return plan
	}
	file := open(t, t.TempDir())
	for _, key := range []string{"fingerprint", "identity"} {
		if plan := explained(file, "EXPLAIN QUERY PLAN ", key); !strings.Contains(plan, "SEARCH findings USING INDEX") || strings.Contains(plan, "SCAN findings") {
			t.Errorf("SQLite, by %s:\n%s", key, plan)
		}
	}
	s := open(t, storetest.Postgres(t))
	for _, statement := range []string{
		`ALTER TABLE findings SET (autovacuum_enabled = false)`,
		`INSERT INTO findings (stream, identity, fingerprint, rule, severity, kind, resource, name, account, region, owner, pillars, state, first_seen, last_seen, fixed_at, unassessed, regressed, resources, waived, digest, finding, search)
			SELECT 'prod', md5(n::text), md5(n::text), 'r', 3, 'k', 'x', 'x', '1', 'r', 'o', '', 'open', 1, 1, 0, 0, 0, 1, '', '', repeat('x', 100), '' FROM generate_series(1, 2000) AS n`,
		`UPDATE pg_class SET reltuples = 30000, relpages = 10 WHERE oid = 'findings'::regclass`, // of which the planner makes the 200 000 of a large scan
	} {
		if _, err := s.DB.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"fingerprint", "identity"} {
		if plan := explained(s, "EXPLAIN (ANALYZE, TIMING OFF) ", key); !strings.Contains(plan, "actual rows=1 ") || strings.Contains(plan, "Removed by Filter") || strings.Contains(plan, "Seq Scan on findings") {
			t.Errorf("PostgreSQL, by %s:\n%s", key, plan)
		}
	}
}

func TestOpenFails(t *testing.T) {
	for address, want := range map[string]string{
		"postgres://me:sesame@127.0.0.1:1/x": "cannot be reached",
		"postgres://me:sesame@[::1/x":        "is not understood",
		"/dev/null/x":                        "cannot be made",
	} {
		_, err := store.Open(t.Context(), address)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// A backup of either sort of database is a file, from which either sort is restored: with all that is kept, and ready for the next scan.
func TestBackup(t *testing.T) {
	all := func(t *testing.T, s *store.Store) string {
		t.Helper()
		ctx := t.Context()
		streams, err := s.Streams(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var told []any
		for _, stream := range streams {
			findings, _, err := s.Findings(ctx, store.Filter{Stream: stream})
			if err != nil {
				t.Fatal(err)
			}
			last, err := s.Last(ctx, stream)
			if err != nil {
				t.Fatal(err)
			}
			in, err := s.Snapshot(ctx, last.ID)
			if err != nil {
				t.Fatal(err)
			}
			snapshot, err := io.ReadAll(in)
			if err != nil {
				t.Fatal(err)
			}
			trend, err := s.Trend(ctx, stream, "", time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			told = append(told, stream, findings, last, snapshot, trend)
			for _, f := range findings {
				events, err := s.History(ctx, stream, f.Finding.Identity)
				if err != nil {
					t.Fatal(err)
				}
				told = append(told, events)
			}
		}
		text, err := json.MarshalIndent(told, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	storetest.Each(t, func(t *testing.T, address string) {
		ctx := t.Context()
		s := open(t, address)
		record(t, s, "a", day(0, map[string]int{"q": 2}), report.Options{})
		record(t, s, "a", day(1, map[string]int{"q": 2, "r": 2}), report.Options{})
		record(t, s, "b", day(1, map[string]int{"q": 2}), report.Options{})
		want := all(t, s)
		dir := t.TempDir()
		file := dir + "/it's a backup.db"
		if err := s.Backup(ctx, file); err != nil {
			t.Fatal(err)
		}
		if err := s.Backup(ctx, file); err == nil || !strings.Contains(err.Error(), "is there already") {
			t.Errorf("a backup writes over another: %v", err)
		}
		if err := s.Backup(ctx, dir+"/nowhere/x.db"); err == nil {
			t.Error("it is written where nothing can be")
		}
		if err := store.Restore(ctx, address, file); err == nil || !strings.Contains(err.Error(), "holds scans already: restore into an empty database") {
			t.Errorf("it is restored over others: %v", err)
		}
		storetest.Each(t, func(t *testing.T, address string) {
			if err := store.Restore(t.Context(), address, file); err != nil {
				t.Fatal(err)
			}
			s := open(t, address)
			if got := all(t, s); got != want {
				t.Errorf("what is restored is\n%s\nwant\n%s", got, want)
			}
			record(t, s, "a", day(2, map[string]int{"q": 0, "r": 2, "s": 2}), report.Options{})
			if got := all(t, s); !strings.Contains(got, `"fixed"`) {
				t.Errorf("the next scan is not compared: %s", got)
			}
		})
		left, err := os.ReadDir(dir)
		if err != nil || len(left) != 1 {
			t.Errorf("it leaves %v beside the backup, %v", left, err)
		}
	})
}

// What is no backup, or one of a newer scanner, is refused; one of an older scanner is brought up to date.
func TestRestoreOthers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		ctx := t.Context()
		dir := t.TempDir()
		for name, text := range map[string]string{"empty.db": "", "text.db": strings.Repeat("no database ", 500)} {
			if err := os.WriteFile(dir+"/"+name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := store.Restore(ctx, address, dir+"/"+name); err == nil || !strings.Contains(err.Error(), name+" is no backup") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := store.Restore(ctx, address, dir+"/none.db"); err == nil {
			t.Error("a file that is not there is restored")
		}
		data := t.TempDir()
		s := open(t, data)
		record(t, s, "a", day(0, map[string]int{"q": 2}), report.Options{})
		if err := s.Backup(ctx, dir+"/newer.db"); err != nil {
			t.Fatal(err)
		}
		s.Close()
		if err := store.MigrateTo(ctx, data, 1); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(data + "/scanner.db")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir+"/older.db", text, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := sql.Open("sqlite", dir+"/newer.db")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(ctx, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, true)`); err != nil {
			t.Fatal(err)
		}
		db.Close()
		if err := store.Restore(ctx, address, dir+"/newer.db"); err == nil || !strings.Contains(err.Error(), "is of a newer scanner (version 99") {
			t.Errorf("a newer backup: %v", err)
		}
		if err := store.Restore(ctx, address, dir+"/older.db"); err != nil {
			t.Fatal(err)
		}
		if n, err := open(t, address).Count(ctx, store.Filter{State: "open"}); err != nil || n != 1 {
			t.Errorf("%d findings, %v", n, err)
		}
	})
}
