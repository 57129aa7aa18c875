package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"awsscanner/internal/collect"
	"awsscanner/internal/jobs"
	"awsscanner/internal/report"
	"awsscanner/internal/store"
	"awsscanner/internal/store/storetest"
)

// What the queue reads, keeps and judges is what a scan by hand finds: the same report of its snapshot, the same findings in the store.
func TestWatch(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	var want struct{ Results []report.Finding }
	byHand := stdout(t, "scan", "--demo", "--no-save", "-o", "json")
	if err := json.Unmarshal(byHand, &want); err != nil {
		t.Fatal(err)
	}
	failures := map[string]bool{}
	for _, f := range want.Results {
		if f.Status == "fail" {
			failures[f.Identity] = true
		}
	}
	storetest.Each(t, func(t *testing.T, address string) {
		ctx := t.Context()
		s, err := store.Open(ctx, address)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		k := &keeper{store: s, demo: true, log: slog.New(slog.NewTextHandler(io.Discard, nil)), gate: collect.NewGate()}
		q, err := jobs.New(ctx, s, address, k.work(), jobs.Options{Holder: "test", AtOnce: 2})
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
		scan := func() store.Scan {
			settings, err := k.settingsOf(nil)
			if err != nil {
				t.Fatal(err)
			}
			id, err := q.Begin(ctx, store.Scan{Stream: "demo", Cause: "request", Settings: settings})
			if err != nil {
				t.Fatal(err)
			}
			for range 1200 {
				x, err := s.Scan(ctx, id)
				if err != nil || x.State == store.Failed {
					t.Fatalf("%+v %v", x, err)
				}
				if x.State == store.Done {
					return x
				}
				time.Sleep(50 * time.Millisecond)
			}
			t.Fatal("the scan does not end")
			return store.Scan{}
		}
		first := scan()
		if n, err := s.Count(ctx, store.Filter{Stream: "demo", State: "open"}); err != nil || n != len(failures) {
			t.Errorf("%d findings, want %d (%v)", n, len(failures), err)
		}
		second := scan()
		for _, id := range []string{first.ID, second.ID} {
			if events, err := s.EventsOf(ctx, id); err != nil || len(events) != 0 {
				t.Errorf("an account that stays as it is has %d events, %v", len(events), err)
			}
		}
		snapshot, err := s.Snapshot(ctx, first.ID)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(snapshot)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "kept.jsonl.zst")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if a, b := results(t, byHand), results(t, stdout(t, "report", file, "-o", "json")); !bytes.Equal(a, b) {
			t.Errorf("the snapshot of the queue tells something else than a scan by hand")
		}
	})
}

// results returns the list of results of a JSON report.
func results(t *testing.T, text []byte) json.RawMessage {
	t.Helper()
	var r struct{ Results json.RawMessage }
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r.Results
}
