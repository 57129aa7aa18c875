package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/sqs"
	"awsscanner/internal/report"
	"awsscanner/internal/store"
	"awsscanner/internal/store/storetest"
)

// in makes the scan of a day that reads some regions: each has a queue of its name that fails.
func in(n int, regions ...string) *engine.Snapshot {
	h := engine.Header{Partition: "aws", Start: begin.AddDate(0, 0, n), Caller: "arn:aws:sts::" + account + ":assumed-role/audit/me", Listed: []model.Kind{"AWS::SQS::Queue"}}
	for _, region := range regions {
		h.Read = append(h.Read, model.Place{Account: account, Region: region})
	}
	s := engine.NewSnapshot(h)
	for _, region := range regions {
		s.Put(&sqs.Queue{Meta: model.Meta{ID: "https://sqs/" + region, Name: region, ARN: "arn:aws:sqs:" + region + ":" + account + ":" + region, Account: account, Region: region}, Messages: model.Known(3)})
	}
	return s
}

// What the settings leave out is seen by nobody: it stays open, and is not told to have been seen.
func TestOutOfScope(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := open(t, address)
		record(t, s, "a", in(0, "eu-west-1", "us-east-1"), report.Options{})
		for i, step := range []struct {
			snap  *engine.Snapshot
			rules []engine.Rule
			want  string
		}{
			{in(1, "eu-west-1"), nil, "no-longer-assessed us-east-1"},
			{in(2, "eu-west-1"), nil, ""},
			{in(3, "eu-west-1"), []engine.Rule{}, "no-longer-assessed eu-west-1"}, // without the rule
			{in(4, "eu-west-1", "us-east-1"), nil, "assessed-again eu-west-1, assessed-again us-east-1"},
		} {
			if got := strings.Join(what(t, s, record(t, s, "a", step.snap, report.Options{}, step.rules...)), ", "); got != step.want {
				t.Errorf("step %d: %q, want %q", i+1, got, step.want)
			}
			all, _, err := s.Findings(t.Context(), store.Filter{State: "open"})
			if err != nil || len(all) != 2 {
				t.Fatal(len(all), err)
			}
			for _, x := range all {
				seen := 0
				switch {
				case i == 3:
					seen = 4
				case x.Finding.Resource.Region == "eu-west-1":
					seen = min(i+1, 2)
				}
				if want := begin.AddDate(0, 0, seen); x.LastSeen != want {
					t.Errorf("step %d: %s was last seen on %s, want %s", i+1, x.Finding.Resource.Region, x.LastSeen, want)
				}
			}
		}
	})
}

// What stands for several resources is waived only if all of them are.
func TestWaivedTogether(t *testing.T) {
	group := engine.Rule{ID: "sqs-g", Title: "t", Severity: engine.Low, Worst: engine.Critical, Pillars: []engine.Pillar{engine.Security}, Reads: rule.Reads, Check: rule.Check}
	told := func() *engine.Scan {
		h := engine.Header{Partition: "aws", Start: begin, Caller: "arn:aws:sts::" + account + ":assumed-role/audit/me", Read: []model.Place{{Account: account, Region: "eu-west-1"}}}
		return engine.Told(h, engine.End{Finished: begin}, func() iter.Seq2[engine.Recorded, error] {
			return func(yield func(engine.Recorded, error) bool) {
				for i, severity := range []engine.Severity{engine.Low, engine.High, engine.Medium} {
					v := engine.Fail("holds messages")
					v.Severity = severity
					m := model.Meta{ID: fmt.Sprint("node-", i), Name: fmt.Sprint("node-", i), Account: account, Region: "eu-west-1"}
					if !yield(engine.Recorded{Rule: "sqs-g", Resource: m, Verdict: v, Fingerprint: strings.Repeat(fmt.Sprint(i), 32), Identity: strings.Repeat("a", 32)}, nil) {
						return
					}
				}
			}
		})
	}
	storetest.Each(t, func(t *testing.T, address string) {
		s := open(t, address)
		for i, c := range []struct{ waived, name, until string }{
			{"", "node-1", ""},
			{"node-1", "node-2", ""},
			{"node-1 node-2", "node-0", ""},
			{"node-0 node-1 node-2", "node-1", "2026-12-31"},
		} {
			ctx := t.Context()
			stream := fmt.Sprint("s", i)
			id := store.NewID()
			if err := s.Begin(ctx, store.Scan{ID: id, Stream: stream, Cause: "request", Created: begin}); err != nil {
				t.Fatal(err)
			}
			r, err := report.New("test", told(), []engine.Rule{group}, report.Options{Waive: func(x *engine.Result) *report.Waived {
				if strings.Contains(c.waived, x.Resource.Name) {
					return &report.Waived{Reason: "soon", Owner: "shop", Expires: "2026-12-31", Source: "w:1"}
				}
				return nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Record(ctx, id, r, nil, begin); err != nil {
				t.Fatal(err)
			}
			all, _, err := s.Findings(ctx, store.Filter{Stream: stream})
			if err != nil || len(all) != 1 || all[0].Resources != 3 {
				t.Fatal(all, err)
			}
			until := ""
			if w := all[0].Finding.Waived; w != nil {
				until = w.Expires
			}
			if name := all[0].Finding.Resource.Name; name != c.name || until != c.until {
				t.Errorf("with %q waived it is %s, waived until %q", c.waived, name, until)
			}
			yes := true
			if n, err := s.Count(ctx, store.Filter{Stream: stream, Waived: &yes}); err != nil || (n == 1) != (c.until != "") {
				t.Errorf("with %q waived %d are, %v", c.waived, n, err)
			}
		}
	})
}

// Text from accounts is hostile: PostgreSQL takes no zero byte, and no text that is not UTF-8.
func TestHostileText(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := open(t, address)
		snap := day(0, map[string]int{"a\x00b\xffc": 2})
		record(t, s, "a", snap, report.Options{Team: func(*engine.Result) string { return "team\x00\xfe" }})
		all, _, err := s.Findings(t.Context(), store.Filter{Text: "ab"})
		if err != nil || len(all) != 1 {
			t.Errorf("%d findings, %v", len(all), err)
		}
	})
}

// Many processes may start at once on a database that is not there yet.
func TestOpenAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				s, err := store.Open(context.Background(), address)
				if err != nil {
					t.Error(err)
					return
				}
				s.Close()
			})
		}
		all.Wait()
	})
}

// A file has one service, and whoever comes second is told who that is. Others may read and record.
func TestAlone(t *testing.T) {
	dir := t.TempDir()
	first, second := open(t, dir), open(t, dir)
	if err := first.Alone(); err != nil {
		t.Fatal(err)
	}
	err := second.Alone()
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("(process %d on ", os.Getpid())) || !strings.Contains(err.Error(), "uses "+dir+":") {
		t.Errorf("a second one: %v", err)
	}
	record(t, second, "adhoc", day(0, map[string]int{"q": 2}), report.Options{})
	first.Close()
	if err := second.Alone(); err != nil {
		t.Errorf("after the first: %v", err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "serve.lock")); err != nil || strings.Count(string(text), "\n") != 1 {
		t.Errorf("the lock says %q, %v", text, err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// A scan that is cancelled while it is recorded is not done.
func TestCancelledWhileRecorded(t *testing.T) {
	address := storetest.Postgres(t) // SQLite has but one writer
	s := open(t, address)
	ctx := t.Context()
	id := store.NewID()
	if err := s.Begin(ctx, store.Scan{ID: id, Stream: "a", Cause: "request", Created: begin}); err != nil {
		t.Fatal(err)
	}
	r, err := report.New("test", engine.Whole(day(0, map[string]int{"q": 2})), []engine.Rule{rule}, report.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cancel := readerFunc(func([]byte) (int, error) {
		if err := s.End(ctx, id, store.Cancelled, "by hand", begin); err != nil {
			return 0, err
		}
		return 0, io.EOF
	})
	if err := s.Record(ctx, id, r, cancel, begin); !errors.Is(err, store.ErrLost) {
		t.Errorf("it is recorded: %v", err)
	}
	x, err := s.Scan(ctx, id)
	n, countErr := s.Count(ctx, store.Filter{})
	if err != nil || countErr != nil || x.State != store.Cancelled || n != 0 {
		t.Errorf("%+v with %d findings, %v %v", x, n, err, countErr)
	}
}
