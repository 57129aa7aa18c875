package server

import (
	"cmp"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"awsscanner/internal/config"
)

// limits say how much is answered.
type limits struct {
	requests  *buckets      // of each person, token or address
	failures  *buckets      // to sign in, of each address
	denials   *buckets      // of each person, that the audit log tells
	under     chan struct{} // requests under way
	bodies    *places       // requests that are coming in, of each address: however slowly they do, they hold up none that have no body
	streams   *places       // pages that follow a scan
	downloads *places       // answers that go on for as long as somebody reads them
}

// ownStreams is how many pages one person may have that follow a scan, and ownDownloads how many downloads.
const (
	ownStreams   = 10
	ownDownloads = 8
)

func newLimits(l config.Limits) *limits {
	n, atOnce := cmp.Or(l.RequestsPerSecond, 500), cmp.Or(l.AtOnce, 256)
	return &limits{
		requests: &buckets{rate: rate.Limit(n), burst: 2 * n, of: map[string]*rate.Limiter{}},
		failures: &buckets{rate: rate.Every(6 * time.Second), burst: 10, of: map[string]*rate.Limiter{}},
		denials:  &buckets{rate: rate.Every(6 * time.Second), burst: 10, of: map[string]*rate.Limiter{}},
		under:    make(chan struct{}, atOnce),
		// A quarter is left to each: who reads or writes slowly must not take what all others need.
		bodies:    newPlaces(atOnce, max(atOnce/4, 1)),
		streams:   newPlaces(cmp.Or(l.Streams, 100), ownStreams),
		downloads: newPlaces(max(atOnce/4, 1), ownDownloads),
	}
}

// places are so many in all, and so many for each.
type places struct {
	most, each int

	mu    sync.Mutex
	taken int
	own   map[string]int
}

func newPlaces(most, each int) *places {
	return &places{most: most, each: each, own: map[string]int{}}
}

// take takes a place for somebody; false if there is none.
func (p *places) take(who string) (release func(), ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken >= p.most || p.own[who] >= p.each {
		return nil, false
	}
	p.taken++
	p.own[who]++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.taken--
		if p.own[who]--; p.own[who] == 0 {
			delete(p.own, who)
		}
	}, true
}

// buckets are token buckets by key. Full ones are as good as none, so that they are forgotten.
type buckets struct {
	rate  rate.Limit
	burst int

	mu sync.Mutex
	of map[string]*rate.Limiter
}

// mostBuckets is when those are looked for that can be forgotten.
const mostBuckets = 4096

// allow takes from a bucket; false if it is empty.
func (b *buckets) allow(key string, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.get(key, now).AllowN(now, 1)
}

// empty reports whether a bucket is, and takes nothing.
func (b *buckets) empty(key string, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	x, ok := b.of[key]
	return ok && x.TokensAt(now) < 1
}

func (b *buckets) get(key string, now time.Time) *rate.Limiter {
	x := b.of[key]
	if x == nil {
		if len(b.of) >= mostBuckets {
			for k, old := range b.of {
				if old.TokensAt(now) >= float64(b.burst) {
					delete(b.of, k)
				}
			}
		}
		if len(b.of) >= mostBuckets { // an attack from everywhere: who comes new shares one
			key = "others"
			if x = b.of[key]; x != nil {
				return x
			}
		}
		x = rate.NewLimiter(b.rate, b.burst)
		b.of[key] = x
	}
	return x
}
