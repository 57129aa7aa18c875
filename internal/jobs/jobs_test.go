package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/jobs"
	"awsscanner/internal/model"
	"awsscanner/internal/model/kinds"
	"awsscanner/internal/model/sqs"
	"awsscanner/internal/report"
	"awsscanner/internal/store"
	"awsscanner/internal/store/storetest"
)

// A made-up organization: each account has a few cells, which take a while to read.
const accounts, cells = 6, 5

func account(i int) string { return fmt.Sprintf("%012d", i+1) }

var rule = engine.Rule{ID: "sqs-q", Title: "t", Severity: engine.Low, Worst: engine.Low, Pillars: []engine.Pillar{engine.Security}, Reads: []string{"sqs.Queue.Messages"},
	Check: engine.Each(func(_ *engine.View, q *sqs.Queue) engine.Verdict {
		if q.Messages.Get()%2 == 0 {
			return engine.Fail("is even")
		}
		return engine.Pass()
	})}

func cell(account, region string) engine.Cell {
	p := model.Place{Account: account, Region: region}
	return engine.Cell{Place: p, Service: "sqs", Plan: "p", Resources: []model.Resource{&sqs.Queue{
		Meta:     model.Meta{ID: "https://" + region + "/q", ARN: "arn:aws:sqs:" + region + ":" + account + ":q", Name: "q", Account: account, Region: region},
		Messages: model.Known(len(region) + int(account[11]))}}}
}

// work reads the organization; each cell takes some time. Of a cell that is kept already it says so in asked.
func work(s *store.Store, pause time.Duration, asked func(account, region string)) jobs.Work {
	return jobs.Work{
		Plan: func(context.Context, store.Scan) (all []store.Reading, err error) {
			for i := range accounts {
				all = append(all, store.Reading{Account: account(i), Enter: json.RawMessage(`{}`)})
			}
			return all, nil
		},
		Read: func(ctx context.Context, scan store.Scan, r store.Reading) (store.Reading, error) {
			known, err := s.Cells(ctx, scan.ID, r.Account, kinds.All)
			if err != nil {
				return r, err
			}
			have := map[string]bool{}
			for _, c := range known {
				have[c.Region] = true
			}
			h := engine.Header{Partition: "aws"}
			for i := range cells {
				region := strings.Repeat("r", i+1)
				h.Read = append(h.Read, model.Place{Account: r.Account, Region: region})
				if have[region] {
					continue
				}
				select {
				case <-time.After(pause):
				case <-ctx.Done():
					return r, ctx.Err()
				}
				asked(r.Account, region)
				if err := s.PutCell(ctx, scan.ID, cell(r.Account, region)); err != nil {
					return r, err
				}
			}
			r.Header, err = json.Marshal(h)
			r.Calls = cells
			return r, err
		},
		Judge: func(ctx context.Context, scan store.Scan) error {
			all, err := s.Readings(ctx, scan.ID)
			if err != nil {
				return err
			}
			h := engine.Header{Partition: "aws", Start: scan.Started, Listed: []model.Kind{"AWS::SQS::Queue"}}
			for _, r := range all {
				var part engine.Header
				if err := json.Unmarshal(r.Header, &part); err != nil {
					return err
				}
				h.Read = append(h.Read, part.Read...)
			}
			snap := engine.NewSnapshot(h)
			for _, r := range all {
				known, err := s.Cells(ctx, scan.ID, r.Account, kinds.All)
				if err != nil {
					return err
				}
				for _, c := range known {
					snap.PutCell(c)
				}
			}
			b, err := s.Baseline(ctx, scan.Stream)
			if err != nil {
				return err
			}
			rep, err := report.New("test", engine.Whole(snap), []engine.Rule{rule}, report.Options{Baseline: b})
			if err != nil {
				return err
			}
			return s.Record(ctx, scan.ID, rep, nil, time.Now())
		},
		Due: func(name string) (store.Scan, error) { return store.Scan{Stream: name, Cause: "schedule"}, nil },
	}
}

func wait(t *testing.T, s *store.Store, scan string, state store.State) store.Scan {
	t.Helper()
	for range 1200 {
		x, err := s.Scan(t.Context(), scan)
		if err != nil {
			t.Fatal(err)
		}
		if x.State == state {
			return x
		}
		if x.State.Over() {
			t.Fatalf("the scan is %s: %s", x.State, x.Failure)
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("the scan is not %s", state)
	return store.Scan{}
}

func queue(t *testing.T, s *store.Store, address string, w jobs.Work, o jobs.Options) *jobs.Queue {
	t.Helper()
	q, err := jobs.New(t.Context(), s, address, w, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		q.Stop(ctx)
	})
	return q
}

func open(t *testing.T, address string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// findings of the organization when nothing disturbs.
func expected() (n int) {
	for i := range accounts {
		for r := range cells {
			if (r+1+int(account(i)[11]))%2 == 0 {
				n++
			}
		}
	}
	return n
}

func TestScan(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := open(t, address)
		var mu sync.Mutex
		asked := map[string]int{}
		q := queue(t, s, address, work(s, time.Millisecond, func(a, r string) { mu.Lock(); asked[a+r]++; mu.Unlock() }), jobs.Options{Holder: "one", AtOnce: 3})
		id, err := q.Begin(t.Context(), store.Scan{Stream: "prod", Cause: "request"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := q.Begin(t.Context(), store.Scan{Stream: "prod"}); !errors.Is(err, jobs.ErrUnderWay) {
			t.Errorf("a second scan of the stream: %v", err)
		}
		wait(t, s, id, store.Done)
		if n, err := s.Count(t.Context(), store.Filter{State: "open"}); err != nil || n != expected() {
			t.Errorf("%d findings, want %d (%v)", n, expected(), err)
		}
		mu.Lock()
		defer mu.Unlock()
		for name, n := range asked {
			if n != 1 {
				t.Errorf("%s was read %d times", name, n)
			}
		}
		if len(asked) != accounts*cells {
			t.Errorf("%d cells were read", len(asked))
		}
		if depth, err := q.Depth(t.Context()); err != nil || depth["retryable"] != 0 {
			t.Errorf("%v %v", depth, err)
		}
	})
}

// A scan that is cancelled ends, and its readers stop.
func TestCancel(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := open(t, address)
		q := queue(t, s, address, work(s, time.Hour, func(string, string) {}), jobs.Options{Holder: "one", AtOnce: 2, Lease: 400 * time.Millisecond})
		id, err := q.Begin(t.Context(), store.Scan{Stream: "prod", Cause: "request"})
		if err != nil {
			t.Fatal(err)
		}
		wait(t, s, id, store.Running)
		if err := q.Cancel(t.Context(), id, "by hand"); err != nil {
			t.Fatal(err)
		}
		if x := wait(t, s, id, store.Cancelled); x.Failure != "by hand" {
			t.Errorf("%+v", x)
		}
		if err := q.Cancel(t.Context(), id, "again"); err == nil {
			t.Error("it is cancelled twice")
		}
		for range 100 {
			depth, err := q.Depth(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if depth["running"]+depth["available"]+depth["retryable"] == 0 {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Error("its readers go on")
	})
}

// A worker process, for TestKill.
func TestMain(m *testing.M) {
	if address := os.Getenv("SCANNER_TEST_WORKER"); address != "" {
		s, err := store.Open(context.Background(), address)
		if err == nil {
			var q *jobs.Queue
			q, err = jobs.New(context.Background(), s, address, work(s, 200*time.Millisecond, func(a, r string) { fmt.Println(a, r) }), jobs.Options{Holder: os.Getenv("SCANNER_TEST_HOLDER"), AtOnce: 2, Lease: time.Second})
			if err == nil {
				err = q.Start(context.Background())
			}
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		select {}
	}
	os.Exit(m.Run())
}

// Workers are killed one after the other; others go on, and the result is that of an undisturbed scan.
func TestKill(t *testing.T) {
	address := storetest.Postgres(t)
	s := open(t, address)
	q, err := jobs.New(t.Context(), s, address, work(s, 0, func(string, string) {}), jobs.Options{Holder: "client"}) // which only inserts
	if err != nil {
		t.Fatal(err)
	}
	worker := func(name string) *exec.Cmd {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), "SCANNER_TEST_WORKER="+address, "SCANNER_TEST_HOLDER="+name)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Process.Kill(); c.Wait() })
		return c
	}
	var all []*exec.Cmd
	for i := range 3 {
		all = append(all, worker(fmt.Sprintf("worker-%d", i)))
	}
	id, err := q.Begin(t.Context(), store.Scan{Stream: "prod", Cause: "request"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		time.Sleep(300 * time.Millisecond)
		if err := all[i].Process.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	wait(t, s, id, store.Done)
	if n, err := s.Count(t.Context(), store.Filter{State: "open"}); err != nil || n != expected() {
		t.Errorf("%d findings, want %d (%v)", n, expected(), err)
	}
	x, err := s.Scan(t.Context(), id)
	var head struct {
		Scan struct{ Read []model.Place }
	}
	if err != nil || json.Unmarshal(x.Head, &head) != nil || len(head.Scan.Read) != accounts*cells {
		t.Errorf("%d places were read, %v", len(head.Scan.Read), err)
	}
}

func TestSchedule(t *testing.T) {
	noon := time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		jobs.Schedule
		want string
	}{
		{jobs.Schedule{Cron: "0 3 * * *"}, "2026-03-29T03:00:00Z"},
		{jobs.Schedule{Cron: "30 2 * * *", TimeZone: "Europe/Berlin"}, "2026-03-30T00:30:00Z"}, // there is no 2:30 on the 29th
		{jobs.Schedule{Cron: "@hourly"}, "2026-03-28T13:00:00Z"},
		{jobs.Schedule{Cron: "0 3 * * *", TimeZone: "America/New_York"}, "2026-03-29T07:00:00Z"},
	} {
		s, err := c.Parse()
		if err != nil {
			t.Errorf("%+v: %v", c.Schedule, err)
		} else if got := s.Next(noon).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%+v is next at %s, want %s", c.Schedule, got, c.want)
		}
	}
	s, err := jobs.Schedule{Name: "a", Cron: "0 3 * * *", Jitter: time.Hour}.Parse()
	if err != nil {
		t.Fatal(err)
	}
	first := s.Next(noon)
	if base := time.Date(2026, 3, 29, 3, 0, 0, 0, time.UTC); first.Before(base) || first.Sub(base) >= time.Hour || s.Next(first).Sub(first) != 24*time.Hour {
		t.Errorf("with jitter it is next at %s, then at %s", first, s.Next(first))
	}
	for _, c := range []struct {
		jobs.Schedule
		want string
	}{
		{jobs.Schedule{Cron: "0 25 * * *"}, "are not understood"},
		{jobs.Schedule{Cron: "every day"}, "are not understood"},
		{jobs.Schedule{Cron: "0 3 * * *", TimeZone: "Europe/Berln"}, `there is no time zone "Europe/Berln"`},
		{jobs.Schedule{Cron: "0 3 * * *", TimeZone: "Local"}, "differs from machine to machine"},
		{jobs.Schedule{Cron: "0 3 30 2 *"}, "never come"},
		{jobs.Schedule{Cron: "0 3 * * *", Jitter: -1}, "must not be negative"},
	} {
		if _, err := c.Parse(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.Schedule, err, c.want)
		}
	}
}
