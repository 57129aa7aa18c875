package server

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"awsscanner/internal/config"
	"awsscanner/internal/store"
)

// A page that follows a scan is told what changes, that somebody is still there, and the end.
func TestFollow(t *testing.T) {
	w := build(t, nil)
	id := store.NewID()
	if err := w.store.Begin(t.Context(), store.Scan{ID: id, Stream: "production", Created: now}); err != nil {
		t.Fatal(err)
	}
	w.progress = Progress{Phase: "waiting"}
	here := httptest.NewServer(w.Handler())
	defer here.Close()
	x, err := here.Client().Get(here.URL + "/api/v1/scans/" + id + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer x.Body.Close()
	if x.StatusCode != 200 || x.Header.Get("Content-Type") != "text/event-stream" || x.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", x.StatusCode, x.Header)
	}
	lines := bufio.NewScanner(x.Body)
	next := func(begin string) string {
		t.Helper()
		for lines.Scan() {
			if rest, ok := strings.CutPrefix(lines.Text(), begin); ok {
				return rest
			}
		}
		t.Fatalf("the answer ended before %q: %v", begin, lines.Err())
		return ""
	}
	next("retry: ")
	read := func() (p Progress) {
		t.Helper()
		next("event: progress")
		if err := json.Unmarshal([]byte(next("data: ")), &p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p := read(); p.Phase != "waiting" || p.State != store.Waiting {
		t.Errorf("%+v", p)
	}
	next(": still there")
	w.mu.Lock()
	w.progress = Progress{Phase: "reading", Calls: 12}
	w.mu.Unlock()
	if p := read(); p.Phase != "reading" || p.Calls != 12 {
		t.Errorf("%+v", p)
	}
	if w.limits.streams.free() {
		t.Error("no place is taken")
	}
	if err := w.store.End(t.Context(), id, store.Failed, "no credentials", now); err != nil {
		t.Fatal(err)
	}
	if p := read(); p.Phase != "over" || p.State != store.Failed {
		t.Errorf("%+v", p)
	}
	next("event: end")
	if state := next("data: "); state != "failed" {
		t.Errorf("the end is %q", state)
	}
	for lines.Scan() {
	}
	if lines.Err() != nil {
		t.Error(lines.Err())
	}
	x.Body.Close()
	for range 200 { // the handler returns a moment after its last word
		if w.limits.streams.free() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Error("the place is not given back")
}

// So many pages follow scans, and no more; they hold up no other request, and end with the server and with the right to look.
func TestFollowIsLimited(t *testing.T) {
	w := closed(t, func(o *Options) { o.Settings.Limits = config.Limits{Streams: ownStreams + 1, AtOnce: 2} })
	token, hidden := w.token(config.Viewer, time.Time{})
	_, other := w.token(config.Viewer, time.Time{})
	id := store.NewID()
	if err := w.store.Begin(t.Context(), store.Scan{ID: id, Stream: "production", Created: now}); err != nil {
		t.Fatal(err)
	}
	here := httptest.NewServer(w.Handler())
	defer here.Close()
	var open []*http.Response
	follow := func(token string) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "GET", here.URL+"/api/v1/scans/"+id+"/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		x, err := here.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { x.Body.Close() })
		return x
	}
	for range ownStreams {
		x := follow(hidden)
		if x.StatusCode != 200 {
			t.Fatal(x.StatusCode)
		}
		open = append(open, x)
	}
	if x := follow(hidden); x.StatusCode != 429 {
		t.Errorf("one more of one: %d", x.StatusCode)
	}
	if x := follow(other); x.StatusCode != 200 {
		t.Errorf("another: %d", x.StatusCode)
	}
	if x := follow(other); x.StatusCode != 429 {
		t.Errorf("more than all: %d", x.StatusCode)
	}
	if err := RevokeToken(t.Context(), w.store, token, store.Action{At: now, Actor: "test"}); err != nil {
		t.Fatal(err)
	}
	for _, x := range open {
		for lines := bufio.NewScanner(x.Body); lines.Scan(); {
		}
	}
	last := follow(other)
	for range 200 {
		if last.StatusCode == 200 {
			break
		}
		time.Sleep(5 * time.Millisecond)
		last = follow(other)
	}
	if last.StatusCode != 200 {
		t.Fatalf("after others have ended: %d", last.StatusCode)
	}
	close(w.stop)
	for lines := bufio.NewScanner(last.Body); lines.Scan(); {
	}
}

// Without anybody who tells, the store tells how far a scan is.
func TestProgressOfStore(t *testing.T) {
	w := build(t, func(o *Options) { o.Progress = nil })
	ctx := context.Background()
	id := store.NewID()
	if err := w.store.Begin(ctx, store.Scan{ID: id, Stream: "production", Created: now}); err != nil {
		t.Fatal(err)
	}
	progress := func() (p Progress) {
		t.Helper()
		if err := json.Unmarshal([]byte(w.get("/api/v1/scans/"+id+"/progress", 200)), &p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p := progress(); p.Phase != "waiting" || p.State != store.Waiting {
		t.Errorf("%+v", p)
	}
	if _, err := w.store.Start(ctx, id, now); err != nil {
		t.Fatal(err)
	}
	if err := w.store.Divide(ctx, id, []store.Reading{{Account: "111122223333"}, {Account: "222233334444"}}); err != nil {
		t.Fatal(err)
	}
	for i, account := range []string{"111122223333", "222233334444"} {
		if taken, err := w.store.Take(ctx, id, account, "me", now, now.Add(time.Minute)); err != nil || !taken {
			t.Fatal(taken, err)
		}
		if _, err := w.store.Finish(ctx, store.Reading{Scan: id, Account: account, Calls: 10, Throttled: 1}, "me"); err != nil {
			t.Fatal(err)
		}
		want := "reading"
		if i == 1 {
			want = "judging"
		}
		if p := progress(); p.Phase != want || p.Accounts != i+1 || p.AccountsTotal != 2 || p.Calls != 10*(i+1) || p.Throttled != i+1 || len(p.Reading) != 2 || p.Reading[0].State != store.Done {
			t.Errorf("%+v", p)
		}
	}
}

// free reports whether nobody has a place.
func (p *places) free() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken == 0 && len(p.own) == 0
}
