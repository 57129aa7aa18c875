package jobs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"awsscanner/internal/jobs"
	"awsscanner/internal/store"
	"awsscanner/internal/store/storetest"
)

func schedule(t *testing.T, name, cron string) jobs.Schedule {
	t.Helper()
	s, err := jobs.Schedule{Name: name, Cron: cron}.Parse()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// always is the schedules of settings that do not change.
func always(all ...jobs.Schedule) func() []jobs.Schedule {
	return func() []jobs.Schedule { return all }
}

// until waits for something that must come.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 1200 {
		if is() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("in vain: %s", what)
}

func scansOf(t *testing.T, s *store.Store, stream string) []store.Scan {
	t.Helper()
	all, err := s.Scans(t.Context(), stream, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A worker that was there first, and so leads the queue, neither stops schedules nor does what only keepers can: it has no settings.
func TestWorkerLeads(t *testing.T) {
	address := storetest.Postgres(t)
	s := open(t, address)
	w := work(s, 0, func(string, string) {})
	w.Due = func(string) (store.Scan, error) { t.Error("a worker follows a schedule"); return store.Scan{}, nil }
	w.Tick = func(context.Context) error { t.Error("a worker ticks"); return nil }
	queue(t, s, address, w, jobs.Options{Holder: "worker", AtOnce: 2, Lease: time.Second})
	until(t, "the worker leads", func() bool {
		var n int
		return s.DB.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM river_job WHERE kind = 'sweep'`).Scan(&n) == nil && n > 0
	})
	var ticks atomic.Int64
	k := work(s, 0, func(string, string) {})
	k.Tick = func(context.Context) error { ticks.Add(1); return nil }
	queue(t, s, address, k, jobs.Options{Holder: "keeper", Keeper: true, Lease: time.Second, Schedules: always(schedule(t, "often", "@every 2s"))})
	until(t, "a scan of the schedule is done", func() bool {
		_, err := s.Last(t.Context(), "often")
		return err == nil
	})
	until(t, "a tick", func() bool { return ticks.Load() > 0 })
}

// Many may start at once on a database that is not there yet.
func TestStartAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				s, err := store.Open(context.Background(), address)
				if err != nil {
					t.Error(err)
					return
				}
				defer s.Close()
				if _, err := jobs.New(context.Background(), s, address, jobs.Work{}, jobs.Options{}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
}

// Two keepers begin one scan for each time of a schedule.
func TestTwoKeepers(t *testing.T) {
	address := storetest.Postgres(t)
	s := open(t, address)
	for _, name := range []string{"one", "two"} {
		queue(t, s, address, work(s, 0, func(string, string) {}), jobs.Options{Holder: name, AtOnce: 2, Keeper: true, Schedules: always(schedule(t, "often", "@every 1s"))})
	}
	until(t, "five scans are done", func() bool { return len(scansOf(t, s, "often")) >= 5 })
	dues := map[time.Time]bool{}
	for _, x := range scansOf(t, s, "often") {
		if dues[x.Due] || x.Due.IsZero() {
			t.Errorf("%s has two scans", x.Due)
		}
		dues[x.Due] = true
	}
}

// What is in the tables but not in the queue is done: whoever was to put it there was killed in between.
func TestNoJob(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := open(t, address)
		ctx := t.Context()
		begin := func(stream string) string {
			id := store.NewID()
			if err := s.Begin(ctx, store.Scan{ID: id, Stream: stream, Cause: "request", Created: time.Now()}); err != nil {
				t.Fatal(err)
			}
			return id
		}
		waiting, started, divided, part, read := begin("waiting"), begin("started"), begin("divided"), begin("part"), begin("read")
		w := work(s, 0, func(string, string) {})
		for _, id := range []string{started, divided, part, read} {
			if _, err := s.Start(ctx, id, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if ok, err := s.TakeScan(ctx, started, "dead", time.Now(), time.Now().Add(time.Second)); err != nil || !ok {
			t.Fatal(ok, err)
		}
		for _, id := range []string{divided, part, read} {
			all, _ := w.Plan(ctx, store.Scan{})
			if err := s.Divide(ctx, id, all); err != nil {
				t.Fatal(err)
			}
			for i, r := range all {
				if id == divided || id == part && i > 0 {
					break
				}
				if ok, err := s.Take(ctx, id, r.Account, "dead", time.Now(), time.Now().Add(time.Second)); err != nil || !ok {
					t.Fatal(ok, err)
				}
				readAs(t, s, w, "dead", id, r)
			}
		}
		queue(t, s, address, w, jobs.Options{Holder: "one", AtOnce: 3, Lease: time.Second})
		for _, id := range []string{waiting, started, divided, part, read} {
			wait(t, s, id, store.Done)
		}
	})
}

// What was held, or ordered, by a clock that was hours ahead and has been put right does not wait for hours: who held it is gone.
func TestClockWentBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := open(t, address)
		ctx := t.Context()
		now, ahead := time.Now(), time.Now().Add(6*time.Hour)
		w := work(s, 0, func(string, string) {})
		all, _ := w.Plan(ctx, store.Scan{})
		var scans []string
		for _, stream := range []string{"dividing", "reading", "judging"} {
			id := store.NewID()
			scans = append(scans, id)
			if err := s.Begin(ctx, store.Scan{ID: id, Stream: stream, Cause: "request", Created: ahead}); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Start(ctx, id, ahead); err != nil {
				t.Fatal(err)
			}
			if stream != "dividing" {
				if err := s.Divide(ctx, id, all); err != nil {
					t.Fatal(err)
				}
				for _, r := range all {
					if ok, err := s.Take(ctx, id, r.Account, "dead", ahead, ahead.Add(time.Minute)); err != nil || !ok {
						t.Fatal(ok, err)
					}
					if stream == "reading" {
						continue
					}
					readAs(t, s, w, "dead", id, r)
				}
			}
			if stream != "reading" {
				if ok, err := s.TakeScan(ctx, id, "dead", now, ahead.Add(time.Minute)); err != nil || !ok {
					t.Fatal(ok, err)
				}
			}
		}
		client, err := jobs.New(ctx, s, address, w, jobs.Options{Holder: "client"}) // which only inserts
		if err != nil {
			t.Fatal(err)
		}
		id, err := client.Begin(ctx, store.Scan{Stream: "ordered", Cause: "request"})
		if err != nil {
			t.Fatal(err)
		}
		text := ahead.UTC().Format("2006-01-02 15:04:05.000")
		if s.Postgres() {
			text += "+00"
		}
		for _, change := range []string{`UPDATE river_job SET scheduled_at = $1`, `INSERT INTO river_leader (elected_at, expires_at, leader_id, name) VALUES ($1, $1, 'dead', 'default')`} {
			if _, err := s.DB.ExecContext(ctx, strings.ReplaceAll(change, "$1", "'"+text+"'")); err != nil {
				t.Fatal(err)
			}
		}
		queue(t, s, address, w, jobs.Options{Holder: "one", AtOnce: 3, Lease: time.Second})
		for _, id := range append(scans, id) {
			wait(t, s, id, store.Done)
		}
	})
}

// A judge who fails lets go, so that the next try is not held off until his lease ends.
func TestJudgeFails(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := open(t, address)
		w := work(s, 0, func(string, string) {})
		judge, n := w.Judge, atomic.Int64{}
		w.Judge = func(ctx context.Context, scan store.Scan) error {
			if n.Add(1) == 1 {
				return errors.New("no space left")
			}
			return judge(ctx, scan)
		}
		q := queue(t, s, address, w, jobs.Options{Holder: "one", AtOnce: 3, Lease: time.Hour})
		id, err := q.Begin(t.Context(), store.Scan{Stream: "prod", Cause: "request"})
		if err != nil {
			t.Fatal(err)
		}
		until(t, "the failure is told", func() bool {
			x, err := s.Scan(t.Context(), id)
			return err == nil && (x.Failure == "judging: no space left" && x.State == store.Running || x.State == store.Done)
		})
		if x := wait(t, s, id, store.Done); x.Failure != "" || n.Load() != 2 {
			t.Errorf("judged %d times, %+v", n.Load(), x)
		}
	})
}

// A scan that nobody ends does not keep its stream from being scanned for ever.
func TestGivenUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := open(t, address)
		ctx := t.Context()
		now := time.Now()
		for _, x := range []store.Scan{
			{ID: "old", Stream: "a", Cause: "schedule", Created: now.Add(-25 * time.Hour)},
			{ID: "held", Stream: "b", Cause: "schedule", Created: now.Add(-25 * time.Hour)},
			{ID: "gone", Stream: "c", Cause: "command", Created: now.Add(-2 * time.Hour)},
			{ID: "hand", Stream: "d", Cause: "command", Created: now.Add(-time.Minute)},
		} {
			if err := s.Begin(ctx, x); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Start(ctx, x.ID, x.Created); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Complain(ctx, "old", "no credentials"); err != nil {
			t.Fatal(err)
		}
		q, err := jobs.New(ctx, s, address, work(s, 0, func(string, string) {}), jobs.Options{Holder: "client"}) // which only inserts
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := s.TakeScan(ctx, "held", "somebody", now, now.Add(time.Hour)); err != nil || !ok {
			t.Fatal(ok, err)
		}
		for stream, want := range map[string]error{"a": nil, "b": jobs.ErrUnderWay, "c": nil, "d": nil} {
			if id, err := q.Begin(ctx, store.Scan{Stream: stream, Cause: "request"}); !errors.Is(err, want) || id == "" {
				t.Errorf("a scan of stream %s: %q, %v, want %v", stream, id, err, want)
			}
		}
		for id, want := range map[string]string{
			"old": "failed: it was begun 25h0m0s ago, nobody is at it, and what it has read may no longer be so; what failed last: no credentials", "held": "running: ",
			"gone": "failed: the process that recorded it has ended without a word", "hand": "running: ",
		} {
			if x, err := s.Scan(ctx, id); err != nil || string(x.State)+": "+x.Failure != want {
				t.Errorf("scan %s is %s: %s, want %s (%v)", id, x.State, x.Failure, want, err)
			}
		}
	})
}

// A clock is what schedules follow. It may be put forwards and back.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

// A log that tests read.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *log) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

// Whatever the clock does, there is a scan at the next time of the schedule, and none twice. A schedule that cannot be followed is told once each time, and goes on.
func TestClock(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := open(t, address)
		noon := time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)
		c, l := &clock{now: noon}, &log{}
		var broken atomic.Bool
		w := work(s, 0, func(string, string) {})
		due := w.Due
		w.Due = func(name string) (store.Scan, error) {
			if broken.Load() {
				return store.Scan{}, errors.New("scanner.yaml:1: broken")
			}
			return due(name)
		}
		queue(t, s, address, w, jobs.Options{Holder: "one", AtOnce: 3, Keeper: true, Schedules: always(schedule(t, "daily", "0 3 * * *"), schedule(t, "witness", "* * 20 * *")), Now: c.Now, Log: slog.New(slog.NewTextHandler(l, nil)), Lease: time.Second})
		dues := func() (all []string) {
			for _, x := range scansOf(t, s, "daily") {
				if x.State == store.Done {
					all = append(all, x.Due.Format("02 15:04"))
				}
			}
			return all
		}
		at := func(day, hour int, want string) {
			t.Helper()
			c.set(time.Date(2026, 3, day, hour, 0, 30, 0, time.UTC))
			until(t, want, func() bool { return strings.Join(dues(), ", ") == want })
		}
		at(29, 3, "29 03:00")
		at(20, 4, "29 03:00") // back by nine days, after the time of the schedule
		until(t, "that the clock has gone back is noticed", func() bool {
			c.set(c.Now().Add(time.Minute))
			return len(scansOf(t, s, "witness")) > 0
		})
		at(21, 3, "29 03:00, 21 03:00")
		broken.Store(true)
		c.set(time.Date(2026, 3, 22, 3, 1, 0, 0, time.UTC))
		until(t, "the broken schedule is told", func() bool { return l.count("scanner.yaml:1: broken") == 1 })
		broken.Store(false)
		at(23, 9, "29 03:00, 23 03:00, 21 03:00")
		at(26, 9, "29 03:00, 26 03:00, 23 03:00, 21 03:00") // one scan makes up for three
		if n := l.count("cannot be followed"); n != 1 {
			t.Errorf("that a schedule cannot be followed is told %d times", n)
		}
	})
}

// Schedules may change while they are followed. Of one that is new or has other times, those count that are still to come: nobody has missed the others.
func TestSchedulesChange(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := open(t, address)
		c := &clock{now: time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)}
		var mu sync.Mutex
		now, asked := []jobs.Schedule{schedule(t, "daily", "0 13 * * *"), schedule(t, "old", "0 13 * * *")}, 0
		queue(t, s, address, work(s, 0, func(string, string) {}), jobs.Options{Holder: "one", AtOnce: 3, Keeper: true, Now: c.Now, Lease: time.Second, Schedules: func() []jobs.Schedule {
			mu.Lock()
			defer mu.Unlock()
			asked++
			return now
		}})
		dues := func() string {
			var all []string
			for _, stream := range []string{"daily", "fresh", "old"} {
				for _, x := range scansOf(t, s, stream) {
					if x.State == store.Done {
						all = append(all, x.Due.Format(stream+" 02 15:04"))
					}
				}
			}
			return strings.Join(all, ", ")
		}
		change := func(all ...jobs.Schedule) {
			t.Helper()
			mu.Lock()
			now = all
			before := asked
			mu.Unlock()
			until(t, "the change is seen, and what is due of it is begun", func() bool { // asked for the third time he has done with the first
				mu.Lock()
				defer mu.Unlock()
				return asked > before+2
			})
		}
		at := func(day, hour int, want string) {
			t.Helper()
			c.set(time.Date(2026, 3, day, hour, 0, 30, 0, time.UTC))
			until(t, want, func() bool { return dues() == want })
		}
		at(28, 13, "daily 28 13:00, old 28 13:00")
		c.set(time.Date(2026, 3, 28, 20, 0, 0, 0, time.UTC))
		change(schedule(t, "daily", "0 18 * * *"), schedule(t, "fresh", "0 19 * * *"))
		if got, want := dues(), "daily 28 13:00, old 28 13:00"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		at(29, 18, "daily 29 18:00, daily 28 13:00, old 28 13:00")
		at(29, 19, "daily 29 18:00, daily 28 13:00, fresh 29 19:00, old 28 13:00")
		change()
		c.set(time.Date(2026, 3, 30, 20, 0, 0, 0, time.UTC))
		change(schedule(t, "daily", "0 18 * * *"))
		if got, want := dues(), "daily 29 18:00, daily 28 13:00, fresh 29 19:00, old 28 13:00"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		at(31, 18, "daily 31 18:00, daily 29 18:00, daily 28 13:00, fresh 29 19:00, old 28 13:00")
	})
}

// What was due while nobody was there is made up for; what was due during a scan is not.
func TestMissed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := open(t, address)
		noon := time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)
		for _, x := range []struct {
			stream     string
			begun, end time.Time
		}{{"missed", noon.Add(-24 * time.Hour), noon.Add(-23 * time.Hour)}, {"during", noon.Add(-10 * time.Hour), noon.Add(-time.Hour)}} {
			id := store.NewID()
			if err := s.Begin(t.Context(), store.Scan{ID: id, Stream: x.stream, Cause: "schedule", Created: x.begun}); err != nil {
				t.Fatal(err)
			}
			if err := s.End(t.Context(), id, store.Failed, "", x.end); err != nil {
				t.Fatal(err)
			}
		}
		c := &clock{now: noon}
		queue(t, s, address, work(s, 0, func(string, string) {}), jobs.Options{Holder: "one", AtOnce: 3, Keeper: true, Now: c.Now,
			Schedules: always(schedule(t, "during", "0 3 * * *"), schedule(t, "missed", "0 3 * * *"), schedule(t, "never", "0 3 * * *"))})
		until(t, "what was missed is scanned", func() bool { return len(scansOf(t, s, "missed")) == 2 })
		if n := len(scansOf(t, s, "during")); n != 1 {
			t.Errorf("%d scans of a stream whose time came during its scan", n)
		}
		if n := len(scansOf(t, s, "never")); n != 0 {
			t.Errorf("%d scans of a stream that was never scanned", n)
		}
	})
}

// The database goes away in the middle of a scan, with a schedule due, and comes back: the scan is done, and the schedule goes on.
func TestDatabaseGoesAway(t *testing.T) {
	server, address := storetest.NewServer(t)
	s := open(t, address)
	var mu sync.Mutex
	kept := map[string]bool{}
	half := make(chan struct{})
	w := work(s, 50*time.Millisecond, func(a, r string) {
		mu.Lock()
		defer mu.Unlock()
		if n := len(kept); n < accounts*cells/2 {
			if kept[a+r] = true; len(kept) == accounts*cells/2 {
				close(half)
			}
		}
	})
	q := queue(t, s, address, w, jobs.Options{Holder: "one", AtOnce: 2, Keeper: true, Lease: time.Second, Schedules: always(schedule(t, "often", "@every 3s"))})
	id, err := q.Begin(t.Context(), store.Scan{Stream: "prod", Cause: "request"})
	if err != nil {
		t.Fatal(err)
	}
	<-half
	server.Stop()
	time.Sleep(4 * time.Second) // longer than a lease, and than it takes a schedule to come due
	gone := time.Now()
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	wait(t, s, id, store.Done)
	if n, err := s.Count(t.Context(), store.Filter{Stream: "prod", State: "open"}); err != nil || n != expected() {
		t.Errorf("%d findings, want %d (%v)", n, expected(), err)
	}
	until(t, "the schedule goes on", func() bool {
		x, err := s.Last(t.Context(), "often")
		return err == nil && x.Created.After(gone)
	})
}

// While nothing can be written, as on a full disk, a scan that is due is tried again now and then, and the log is not filled with it.
func TestDiskIsFull(t *testing.T) {
	address := t.TempDir()
	s := open(t, address)
	if _, err := s.DB.ExecContext(t.Context(), `CREATE TRIGGER full BEFORE INSERT ON scans BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var told []time.Time
	log := slog.New(slog.NewTextHandler(writerFunc(func(line []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		if bytes.Contains(line, []byte("a scan cannot begin yet")) {
			told = append(told, time.Now())
		}
		return len(line), nil
	}), nil))
	queue(t, s, address, work(s, 0, func(string, string) {}), jobs.Options{Holder: "one", AtOnce: 1, Keeper: true, Lease: 2 * time.Second, Log: log, Schedules: always(schedule(t, "often", "@every 1s"))})
	until(t, "it is tried again", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(told) >= 2
	})
	mu.Lock()
	if pause := told[1].Sub(told[0]); pause < time.Second {
		t.Errorf("it is tried again after %s", pause)
	}
	mu.Unlock()
	if _, err := s.DB.ExecContext(t.Context(), `DROP TRIGGER full`); err != nil {
		t.Fatal(err)
	}
	until(t, "a scan is done", func() bool { return len(scansOf(t, s, "often")) > 0 })
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// What a scan kept and another one did not wait for is nowhere.
func TestNothingStays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := open(t, address)
		ctx := t.Context()
		if err := s.Begin(ctx, store.Scan{ID: "x", Stream: "a", Cause: "request", Created: time.Now()}); err != nil {
			t.Fatal(err)
		}
		put := func() error { return s.PutCell(ctx, "x", cell(account(0), "r")) }
		if err := put(); !errors.Is(err, store.ErrLost) {
			t.Errorf("a cell of a scan that has not begun: %v", err)
		}
		if _, err := s.Start(ctx, "x", time.Now()); err != nil {
			t.Fatal(err)
		}
		if err := s.Divide(ctx, "x", []store.Reading{{Account: account(0), Enter: json.RawMessage(`{}`)}}); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(put(), put()); err != nil {
			t.Error(err)
		}
		if err := s.End(ctx, "x", store.Cancelled, "", time.Now()); err != nil {
			t.Fatal(err)
		}
		if err := put(); !errors.Is(err, store.ErrLost) {
			t.Errorf("a cell of a cancelled scan: %v", err)
		}
		var n int
		if err := s.DB.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM cells) + (SELECT COUNT(*) FROM readings)`).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d rows stay, %v", n, err)
		}
	})
}

// readAs reads an account of a scan as somebody who has taken it.
func readAs(t *testing.T, s *store.Store, w jobs.Work, holder, scan string, r store.Reading) {
	t.Helper()
	done, err := w.Read(t.Context(), store.Scan{ID: scan}, r)
	if err != nil {
		t.Fatal(err)
	}
	done.Scan = scan
	if _, err := s.Finish(t.Context(), done, holder); err != nil {
		t.Fatal(err)
	}
}
