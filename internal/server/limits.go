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
	requests *buckets      // of each person, token or address
	failures *buckets      // to sign in, of each address
	under    chan struct{} // requests under way
	streams  chan struct{} // pages that follow a scan

	mu  sync.Mutex
	own map[string]int // of them, by who follows
}

// ownStreams is how many pages one person may have that follow a scan.
const ownStreams = 10

func newLimits(l config.Limits) *limits {
	n := cmp.Or(l.RequestsPerSecond, 500)
	return &limits{
		requests: &buckets{rate: rate.Limit(n), burst: 2 * n, of: map[string]*rate.Limiter{}},
		failures: &buckets{rate: rate.Every(6 * time.Second), burst: 10, of: map[string]*rate.Limiter{}},
		under:    make(chan struct{}, cmp.Or(l.AtOnce, 256)),
		streams:  make(chan struct{}, cmp.Or(l.Streams, 100)),
		own:      map[string]int{},
	}
}

// follow takes a place for a page that follows a scan; false if there is none.
func (l *limits) follow(who string) (release func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.own[who] >= ownStreams {
		return nil, false
	}
	select {
	case l.streams <- struct{}{}:
	default:
		return nil, false
	}
	l.own[who]++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		<-l.streams
		if l.own[who]--; l.own[who] == 0 {
			delete(l.own, who)
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
