package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/jobs"
	"awsscanner/internal/model"
	"awsscanner/internal/model/sqs"
	"awsscanner/internal/report"
	"awsscanner/internal/store"
	"awsscanner/internal/store/storetest"
)

// worsening reads an account whose queue fails from the second scan on.
func worsening(s *store.Store, explain func(ctx context.Context, scan store.Scan) (time.Time, error)) jobs.Work {
	w := work(s, 0, func(string, string) {})
	place := model.Place{Account: account(0), Region: "r"}
	w.Explain = explain
	w.Plan = func(context.Context, store.Scan) ([]store.Reading, error) {
		return []store.Reading{{Account: place.Account, Enter: json.RawMessage(`{"role":"r"}`)}}, nil
	}
	w.Read = func(_ context.Context, _ store.Scan, r store.Reading) (store.Reading, error) {
		r.Header = json.RawMessage(`{}`)
		return r, nil
	}
	w.Judge = func(ctx context.Context, scan store.Scan) error {
		b, err := s.Baseline(ctx, scan.Stream)
		if err != nil {
			return err
		}
		snap := engine.NewSnapshot(engine.Header{Partition: "aws", Start: scan.Started, Listed: []model.Kind{"AWS::SQS::Queue"}, Read: []model.Place{place}})
		messages := 1
		if b != nil {
			messages = 2
		}
		snap.Put(&sqs.Queue{Meta: model.Meta{ID: "https://r/q", ARN: "arn:aws:sqs:r:1:q", Name: "q", Account: place.Account, Region: place.Region}, Messages: model.Known(messages)})
		r, err := report.New("test", engine.Whole(snap), []engine.Rule{rule}, report.Options{Baseline: b})
		if err != nil {
			return err
		}
		return s.Record(ctx, scan.ID, r, nil, time.Now())
	}
	return w
}

// What a scan has found is explained when it is done: of one that has found nothing new nobody asks. What fails, or is to be looked at again, is; and
// when all is told nobody looks any more.
func TestCauses(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := open(t, address)
		var mu sync.Mutex
		var looked []string
		q := queue(t, s, address, worsening(s, func(_ context.Context, scan store.Scan) (time.Time, error) {
			mu.Lock()
			defer mu.Unlock()
			if scan.State != store.Done {
				t.Errorf("a scan that is %s is explained", scan.State)
			}
			looked = append(looked, scan.ID)
			switch len(looked) {
			case 1:
				return time.Time{}, errors.New("no way in")
			case 2:
				return time.Now().Add(200 * time.Millisecond), nil
			}
			return time.Time{}, nil
		}), jobs.Options{Holder: "one", AtOnce: 1, Lease: time.Second})
		scan := func() string {
			id, err := q.Begin(t.Context(), store.Scan{Stream: "prod", Cause: "request"})
			if err != nil {
				t.Fatal(err)
			}
			wait(t, s, id, store.Done)
			return id
		}
		scan()
		id := scan()
		until(t, "it is not explained", func() bool {
			readings, err := s.Readings(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			return len(readings) == 0
		})
		mu.Lock()
		defer mu.Unlock()
		if len(looked) != 3 {
			t.Errorf("looked at %d times: %q", len(looked), looked)
		}
		for _, x := range looked {
			if x != id {
				t.Errorf("scan %s is explained, not %s", x, id)
			}
		}
		if depth, err := q.Depth(t.Context()); err != nil || depth["retryable"] != 0 {
			t.Errorf("%v %v", depth, err)
		}
	})
}

// Who looks something up when his process ends leaves it to others; the scan has been done all the time.
func TestCausesSurvive(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := open(t, address)
		began, ended := make(chan string, 1), make(chan bool, 1)
		first, err := jobs.New(t.Context(), s, address, worsening(s, func(ctx context.Context, scan store.Scan) (time.Time, error) {
			began <- scan.ID
			<-ctx.Done()
			ended <- true
			return time.Time{}, ctx.Err()
		}), jobs.Options{Holder: "one", AtOnce: 1, Lease: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		if err := first.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			id, err := first.Begin(t.Context(), store.Scan{Stream: "prod", Cause: "request"})
			if err != nil {
				t.Fatal(err)
			}
			wait(t, s, id, store.Done)
		}
		id := <-began
		stopping, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		first.Stop(stopping)
		<-ended
		found := make(chan string, 9)
		queue(t, s, address, worsening(s, func(_ context.Context, scan store.Scan) (time.Time, error) { found <- scan.ID; return time.Time{}, nil }), jobs.Options{Holder: "two", AtOnce: 1, Lease: time.Second})
		select {
		case x := <-found:
			if x != id {
				t.Errorf("scan %s is explained, not %s", x, id)
			}
		case <-time.After(30 * time.Second):
			t.Error("nobody goes on")
		}
	})
}
