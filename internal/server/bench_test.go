package server

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"awsscanner/internal/config"
	"awsscanner/internal/store"
	"awsscanner/internal/store/storetest"
)

var (
	data      = flag.String("data", "", "directory of the database of benchmarks, kept for the next time; or the address of a PostgreSQL database")
	load      = flag.Duration("load", 0, "put a load on a server on 127.0.0.1 for this long, and tell how long answers took")
	perSecond = flag.Int("rate", 200, "with -load: requests a second")
)

// large makes a server with about 100 000 open findings.
func large(t testing.TB) *world {
	t.Helper()
	dir := cmp.Or(*data, t.TempDir())
	s, err := store.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	w := &world{TB: t, store: s, log: &logBuffer{}}
	streams, err := s.Streams(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(streams) == 0 {
		storetest.History{Failures: 100_000, Days: 2, Start: time.Date(2026, 11, 29, 3, 0, 0, 0, time.UTC)}.Record(t, s, "production")
	}
	w.serve(func(o *Options) {
		o.Log = slog.New(slog.NewJSONHandler(io.Discard, nil))
		o.Settings.Limits = config.Limits{RequestsPerSecond: 100_000}
	})
	return w
}

// requests are what programs and people ask for, and how often each of a hundred.
func requests(t testing.TB, w *world) (paths []string, weights []int) {
	t.Helper()
	page, _, err := w.store.Findings(t.Context(), store.Filter{State: "open", Limit: 1000})
	if err != nil || len(page) == 0 {
		t.Fatal(len(page), err)
	}
	some := page[len(page)/2].Finding
	_, deep, err := w.store.Findings(t.Context(), store.Filter{State: "open", Limit: 1000, After: fmt.Sprintf("3.%s.production", strings.Repeat("8", 32))})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		path   string
		weight int
	}{
		{"/api/v1/findings", 15},
		{"/api/v1/findings?after=" + deep, 15},
		{"/api/v1/findings?severity=critical&severity=high", 10},
		{"/api/v1/findings?account=222233334444&region=eu-west-1", 10},
		{"/api/v1/findings?rule=" + some.Rule, 10},
		{"/api/v1/findings?owner=checkout&waived=true", 2},
		{"/api/v1/findings?q=gateway", 3},
		{"/api/v1/findings/" + some.Identity, 15},
		{"/api/v1/events?limit=50", 5},
		{"/api/v1/summary", 5},
		{"/api/v1/trend", 2},
		{"/api/v1/scans", 3},
		{"/metrics", 1},
		{"/", 1},
		{"/findings", 2},
		{"/findings/" + some.Identity, 1},
	} {
		paths, weights = append(paths, x.path), append(weights, x.weight)
	}
	return paths, weights
}

// BenchmarkServer answers each request again and again, without a network, with 100 000 findings.
func BenchmarkServer(b *testing.B) {
	w := large(b)
	handler := w.Handler()
	paths, _ := requests(b, w)
	paths = append(paths, "/api/v1/findings?limit=1000", "/api/v1/findings?q=nobody-has-this-name", "/findings?q=gateway", "/findings?by=rule")
	for _, path := range paths {
		b.Run(strings.ReplaceAll(path, "/", " ")[1:], func(b *testing.B) {
			for b.Loop() {
				rec := httptest.NewRecorder()
				handler.ServeHTTP(rec, request("GET", path, ""))
				if rec.Code != 200 {
					b.Fatal(rec.Code, rec.Body)
				}
			}
		})
	}
	b.Run("all findings as CSV", func(b *testing.B) {
		for b.Loop() {
			r := request("GET", "/api/v1/findings?format=csv", "")
			rec := &counter{header: http.Header{}}
			if handler.ServeHTTP(rec, r); rec.bytes < 10_000_000 {
				b.Fatal(rec.bytes)
			}
		}
	})
}

type counter struct {
	header http.Header
	bytes  int
}

func (c *counter) Header() http.Header         { return c.header }
func (c *counter) WriteHeader(int)             {}
func (c *counter) Write(b []byte) (int, error) { c.bytes += len(b); return len(b), nil }

// TestLoad is done by hand: so many requests a second over real connections to 127.0.0.1, begun when they are due, whether the ones before
// are answered or not.
func TestLoad(t *testing.T) {
	if *load == 0 {
		t.Skip("a load is put on by hand only: -load 30s")
	}
	w := large(t)
	address := w.listenAndServe()
	paths, weights := requests(t, w)
	var pick []int
	for i, n := range weights {
		for range n {
			pick = append(pick, i)
		}
	}
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	for _, path := range paths { // sums are made once
		if x, err := client.Get(address + path); err != nil || x.StatusCode != 200 {
			t.Fatal(path, x, err)
		}
	}
	var mu sync.Mutex
	took := map[string][]time.Duration{}
	failed := map[string]int{}
	var wait sync.WaitGroup
	var before, after syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	began := time.Now()
	n := int(load.Seconds() * float64(*perSecond))
	for i := range n {
		due := began.Add(time.Duration(i) * time.Second / time.Duration(*perSecond))
		time.Sleep(time.Until(due))
		path := paths[pick[rand.N(len(pick))]]
		wait.Go(func() {
			x, err := client.Get(address + path)
			if err == nil {
				_, err = io.Copy(io.Discard, x.Body)
				x.Body.Close()
				if err == nil && x.StatusCode != 200 {
					err = fmt.Errorf("status %d", x.StatusCode)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed[err.Error()]++
			}
			took[path] = append(took[path], time.Since(due))
			took["all"] = append(took["all"], time.Since(due))
		})
	}
	wait.Wait()
	lasted := time.Since(began)
	syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	cpu := time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
	fmt.Fprintf(os.Stderr, "%d requests in %s, %.1f a second; %.2f cores of %d busy, client included; failures: %v\n", n, lasted.Round(time.Millisecond), float64(n)/lasted.Seconds(), cpu.Seconds()/lasted.Seconds(), runtime.NumCPU(), failed)
	fmt.Fprintf(os.Stderr, "%8s %8s %8s %8s %8s\n", "requests", "p50 ms", "p95 ms", "p99 ms", "max ms")
	for _, path := range append([]string{"all"}, paths...) {
		all := took[path]
		if len(all) == 0 {
			continue
		}
		slices.Sort(all)
		at := func(share float64) float64 {
			return float64(all[min(len(all)-1, int(share*float64(len(all))))].Microseconds()) / 1000
		}
		fmt.Fprintf(os.Stderr, "%8d %8.1f %8.1f %8.1f %8.1f  %.90s\n", len(all), at(.5), at(.95), at(.99), at(1), path)
	}
}
