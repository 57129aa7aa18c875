package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/report"
	"awsscanner/internal/store"
	"awsscanner/internal/store/storetest"
)

// divided records a scan whose account somebody has read.
func divided(t *testing.T, s *store.Store, n int, queues map[string]int) string {
	t.Helper()
	ctx := context.Background()
	id, now := store.NewID(), begin.AddDate(0, 0, n)
	if err := s.Begin(ctx, store.Scan{ID: id, Stream: "prod", Cause: "schedule", Created: now, Settings: json.RawMessage(`{}`)}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Start(ctx, id, now); err != nil {
		t.Fatal(err)
	}
	if err := s.Divide(ctx, id, []store.Reading{{Account: account, Enter: json.RawMessage(`{"role":"r"}`)}}); err != nil {
		t.Fatal(err)
	}
	if taken, err := s.TakeScan(ctx, id, "judge", now, now.Add(time.Hour)); err != nil || !taken {
		t.Fatal(taken, err)
	}
	b, err := s.Baseline(ctx, "prod")
	if err != nil {
		t.Fatal(err)
	}
	r, err := report.New("test", engine.Whole(day(n, queues)), []engine.Rule{rule}, report.Options{Baseline: b})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Record(ctx, id, r, nil, now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return id
}

// A scan with something to explain is held by one at a time, until all is told; how to get into its accounts is kept until then, and no longer.
func TestCauses(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := open(t, address)
		ctx := t.Context()
		first := divided(t, s, 0, map[string]int{"a": 0, "b": 2})
		quiet := divided(t, s, 1, map[string]int{"a": 0, "b": 0})
		id := divided(t, s, 2, map[string]int{"a": 4, "b": 5})
		now := begin.AddDate(0, 0, 2).Add(2 * time.Minute)
		due := func(now time.Time) string {
			t.Helper()
			scans, err := s.Unexplained(ctx, now)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, x := range scans {
				ids = append(ids, x.ID)
			}
			return strings.Join(ids, " ")
		}
		if got := due(now); got != id {
			t.Errorf("%q has to be explained, not %q: neither the first scan %s nor that where nothing got worse, %s", id, got, first, quiet)
		}
		questions, err := s.Questions(ctx, id)
		if err != nil || len(questions) != 2 || questions[0].Type != store.Regressed || questions[0].Finding.Resource.Name != "b" || questions[1].Type != store.New || questions[1].Finding.Resource.Name != "a" || questions[0].Cause != nil {
			t.Fatalf("%+v %v", questions, err)
		}
		if before, err := s.Before(ctx, id); err != nil || before.ID != quiet {
			t.Errorf("before it was %+v %v", before, err)
		}
		if _, err := s.Before(ctx, first); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("before the first: %v", err)
		}
		take := func(id, holder string, now time.Time) bool {
			t.Helper()
			taken, err := s.TakeCauses(ctx, id, holder, now, now.Add(time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			return taken
		}
		if take(quiet, "x", now) || take("nothing", "x", now) {
			t.Error("where nothing is to be done somebody does it")
		}
		if !take(id, "x", now) || take(id, "y", now) || !take(id, "x", now) || due(now) != "" {
			t.Error("two hold the same scan, or who holds it cannot go on")
		}
		if now = now.Add(2 * time.Minute); due(now) != id || !take(id, "y", now) { // x was killed
			t.Error("nobody goes on with what was left behind")
		}
		if err := s.Explain(ctx, questions[0].ID, json.RawMessage(`{"status":"none","provisional":true}`)); err != nil {
			t.Fatal(err)
		}
		if err := s.LeaveCauses(ctx, id, "x", time.Time{}); err != nil || take(id, "x", now) {
			t.Errorf("who has lost it gives it back: %v", err)
		}
		again := now.Add(15 * time.Minute)
		if err := s.LeaveCauses(ctx, id, "y", again); err != nil || due(now) != "" || due(again.Add(time.Second)) != id || take(id, "x", now) {
			t.Errorf("it is not looked at again at its time: %v", err)
		}
		readings, err := s.Readings(ctx, id)
		if err != nil || len(readings) != 1 || string(readings[0].Enter) != `{"role":"r"}` {
			t.Errorf("%+v %v", readings, err)
		}
		if questions, err = s.Questions(ctx, id); err != nil || string(questions[0].Cause) != `{"status":"none","provisional":true}` || questions[1].Cause != nil {
			t.Errorf("%+v %v", questions, err)
		}
		now = again.Add(time.Second)
		if !take(id, "x", now) {
			t.Error("nobody takes it again")
		}
		if err := s.LeaveCauses(ctx, id, "x", time.Time{}); err != nil || due(now.AddDate(1, 0, 0)) != "" {
			t.Errorf("what is told is looked at for ever: %v", err)
		}
		for _, scan := range []string{first, quiet, id} {
			if readings, err := s.Readings(ctx, scan); err != nil || len(readings) != 0 {
				t.Errorf("of scan %s is kept how to get in: %+v %v", scan, readings, err)
			}
		}
	})
}

// What nobody explains is forgotten at last.
func TestPruneUnexplained(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := open(t, address)
		divided(t, s, 0, map[string]int{"a": 0})
		id := divided(t, s, 1, map[string]int{"a": 2})
		keep := store.Retention{Snapshots: 9, Scans: 10000 * time.Hour, Fixed: 10000 * time.Hour}
		for _, c := range []struct{ days, left int }{{7, 1}, {9, 0}} {
			if _, err := s.Prune(t.Context(), keep, begin.AddDate(0, 0, c.days)); err != nil {
				t.Fatal(err)
			}
			if all, err := s.Readings(t.Context(), id); err != nil || len(all) != c.left {
				t.Errorf("after %d days: %+v %v", c.days, all, err)
			}
		}
	})
}
