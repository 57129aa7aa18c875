package collect

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A world is AWS as the limiter meets it: each operation draws on one or more token buckets, and is throttled if one of them is empty.
type world struct {
	name   string
	ops    int
	own    float64       // requests a second that the bucket of each operation allows; 0: it has none
	shared float64       // that the bucket of all operations together allows
	slow   float64       // that the bucket of the first operation allows, if not the same as the others
	alone  time.Duration // after which only the first operation goes on; 0: never
	// others tells how many requests a second the account's own workloads take from the bucket of all operations; nil for none
	others func(time.Duration) float64
}

// allowed returns how many requests a second are served at most.
func (w world) allowed() float64 {
	switch {
	case w.shared > 0:
		return w.shared
	case w.slow > 0:
		return w.own*float64(w.ops-1) + w.slow
	}
	return w.own * float64(w.ops)
}

// tokens is a bucket. It holds what it allows in two seconds.
type tokens struct {
	rate, have float64
	last       time.Time
}

func newTokens(rate float64) *tokens { return &tokens{rate, 2 * rate, time.Now()} }

func (b *tokens) fill() {
	now := time.Now()
	b.have, b.last = min(2*b.rate, b.have+now.Sub(b.last).Seconds()*b.rate), now
}

type server struct {
	mu        sync.Mutex
	of        [][]*tokens // by operation
	all       *tokens
	throttled int // through Do
}

func (w world) server() *server {
	s := &server{of: make([][]*tokens, w.ops), all: newTokens(w.shared)}
	for op := range s.of {
		if w.own > 0 {
			s.of[op] = append(s.of[op], newTokens(w.own))
		}
		if w.shared > 0 {
			s.of[op] = append(s.of[op], s.all)
		}
	}
	if w.slow > 0 {
		s.of[0][0] = newTokens(w.slow)
	}
	return s
}

// take serves a request that needs a token of each bucket, or throttles it.
func (s *server) take(buckets ...*tokens) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range buckets {
		if b.fill(); b.have < 1 {
			return false
		}
	}
	for _, b := range buckets {
		b.have--
	}
	return true
}

// A load is what happened in a world.
type load struct{ served, throttled, others, refused int } // others: requests of the account's own workloads

func (l *load) count(ok bool) {
	if ok {
		l.served++
	} else {
		l.throttled++
	}
}

// run asks without pause, by as many workers as a scan has, and tells what happened until the limiter had had time to find out, and after.
func (w world) run(t *testing.T, l *limiter, d, warm time.Duration) (before, after load) {
	var mu sync.Mutex
	var rest load // of what was still on its way
	start, s := time.Now(), w.server()
	count := func(f func(*load)) {
		mu.Lock()
		defer mu.Unlock()
		switch since := time.Since(start); {
		case since >= d:
			f(&rest)
		case since >= warm:
			f(&after)
		default:
			f(&before)
		}
	}
	var g sync.WaitGroup
	if w.others != nil {
		g.Go(func() {
			for time.Since(start) < d {
				time.Sleep(time.Duration(float64(time.Second) / w.others(time.Since(start))))
				ok := s.take(s.all)
				count(func(l *load) {
					if l.others++; !ok {
						l.refused++
					}
				})
			}
		})
	}
	for i := range concurrency {
		op := i % w.ops
		p := pace{"eu-central-1", fmt.Sprintf("route53:List%d", op)}
		g.Go(func() {
			for time.Since(start) < d && (op == 0 || w.alone == 0 || time.Since(start) < w.alone) {
				if err := l.wait(t.Context(), p); err != nil {
					t.Error(err)
				}
				ok := s.take(s.of[op]...)
				count(func(l *load) { l.count(ok) })
				time.Sleep(50 * time.Millisecond) // the way to AWS and back
				if ok {
					l.answered(p)
				} else {
					l.throttled(p)
				}
			}
		})
	}
	g.Wait()
	return before, after
}

// The limiter gets nearly all that AWS allows, however AWS counts, and is hardly ever refused after it has found out.
func TestPace(t *testing.T) {
	for _, w := range []world{
		{name: "2/s", ops: 1, own: 2},
		{name: "10/s", ops: 1, own: 10},
		{name: "50/s", ops: 1, own: 50},
		{name: "200/s", ops: 1, own: 200},
		{name: "20/s each of 4", ops: 4, own: 20},
		{name: "20/s for 4 together", ops: 4, shared: 20},
		{name: "5/s for 4 together", ops: 4, shared: 5},
		{name: "10/s each and for 4 together, as Route 53", ops: 4, own: 10, shared: 10},
		{name: "50/s each of 3, and 2/s", ops: 4, own: 50, slow: 2},
		{name: "20/s for 4 together, of which 3 end", ops: 4, shared: 20, alone: time.Minute},
	} {
		t.Run(w.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const d, warm = 6 * time.Minute, 2 * time.Minute
				before, after := w.run(t, &limiter{}, d, warm)
				share, refused := float64(after.served)/(w.allowed()*(d-warm).Seconds()), float64(after.throttled)/float64(after.served+after.throttled)
				t.Logf("%.1f %% used, %.1f %% refused after warm-up, %d before", 100*share, 100*refused, before.throttled)
				if share < 0.9 || refused > 0.05 {
					t.Error("want at least 90 % used and at most 5 % refused")
				}
			})
		})
	}
}

// With a share the account's own workloads keep the rest, and what they do at times slows the scan for a while only.
func TestShare(t *testing.T) {
	const allowed, d, warm = 40, 8 * time.Minute, 4 * time.Minute
	for _, c := range []struct {
		name     string
		share    float64
		others   func(time.Duration) float64
		min, max float64 // of what AWS allows, that the scanner gets
		refused  float64 // requests of the workloads at most
	}{
		{"half", 0.5, nil, 0.4, 0.55, 0},
		{"a tenth", 0.1, nil, 0.05, 0.15, 0},
		{"a half with a workload that needs a quarter", 0.5, func(time.Duration) float64 { return allowed / 4 }, 0.3, 0.6, 0.01},
		{"half after a rush of a workload", 0.5, func(since time.Duration) float64 {
			if since > 2*time.Minute && since < 3*time.Minute {
				return 2 * allowed
			}
			return 1
		}, 0.35, 0.55, 0},
		{"half of what a workload leaves that takes nearly all", 0.5, func(since time.Duration) float64 {
			if since > 2*time.Minute {
				return 0.95 * allowed
			}
			return 1
		}, 0.01, 0.3, 0.1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := world{ops: 1, shared: allowed, others: c.others}
				_, after := w.run(t, &limiter{share: c.share}, d, warm)
				got, refused := float64(after.served)/(allowed*(d-warm).Seconds()), float64(after.throttled)/float64(after.served+after.throttled)
				others := float64(after.refused) / float64(max(1, after.others))
				t.Logf("%.1f %% used, %.1f %% refused, and of the workloads' requests %.1f %%", 100*got, 100*refused, 100*others)
				if got < c.min || got > c.max || refused > 0.05 || others > c.refused {
					t.Errorf("want %.0f to %.0f %% used, and at most %.0f %% of the workloads' requests refused", 100*c.min, 100*c.max, 100*c.refused)
				}
			})
		})
	}
}

// Keys do not disturb each other: a throttled operation slows nothing but itself.
func TestPaceOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &limiter{}
		slow, other := pace{"eu", "acm:DescribeCertificate"}, pace{"eu", "acm:ListCertificates"}
		for range 5 {
			l.wait(t.Context(), slow)
			l.throttled(slow)
			time.Sleep(2 * time.Second)
		}
		start := time.Now()
		for range 1000 {
			l.wait(t.Context(), other)
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("the other operation waited %s", d)
		}
		for range 4 {
			l.wait(t.Context(), slow)
		}
		if d := time.Since(start); d < time.Second {
			t.Errorf("the throttled operation waited only %s", d)
		}
	})
}
