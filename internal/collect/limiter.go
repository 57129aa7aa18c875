package collect

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A limiter paces the requests of one account so that AWS need not throttle them. AWS counts per account, region and operation, and does not
// publish most of its limits: each such key is free until its first throttle, then keeps just below the rate that was
// too much, and feels its way up while it is quiet.
type limiter struct {
	mu   sync.Mutex
	keys map[pace]*bucket
}

// A pace is what AWS counts requests by.
type pace struct{ region, op string }

type bucket struct {
	limit   *rate.Limiter // nil: free
	ceiling float64       // requests a second that were too many
	changed time.Time     // when the rate was last changed
	window  time.Time     // begin of the second in which sent counts
	sent    int
	before  float64 // requests a second in the window before
}

const (
	floor    = 2           // requests a second that are always tried
	calm     = time.Second // between two changes of a rate: answers to what was sent before count for one
	backOff  = 0.75        // of the rate that was too much
	plateau  = 0.85        // of the ceiling is soon tried again; above it the rate grows slowly
	growth   = 1.003       // of the rate above the plateau, after each second and
	patience = 30          // requests that were answered
)

func (l *limiter) bucket(p pace) *bucket {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.keys == nil {
		l.keys = map[pace]*bucket{}
	}
	b := l.keys[p]
	if b == nil {
		b = &bucket{}
		l.keys[p] = b
	}
	return b
}

// wait returns when a request may be sent.
func (l *limiter) wait(ctx context.Context, p pace) error {
	b := l.bucket(p)
	l.mu.Lock()
	now := time.Now()
	if d := now.Sub(b.window); d >= time.Second {
		b.before, b.window, b.sent = float64(b.sent)/d.Seconds(), now, 0
	}
	b.sent++
	limit := b.limit
	l.mu.Unlock()
	for limit != nil && !limit.Allow() { // no reservations: they would outlive a change of the rate
		d := time.Duration((1 - limit.Tokens()) / float64(limit.Limit()) * float64(time.Second))
		select {
		case <-time.After(max(d, time.Millisecond)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// throttled learns that a request was one too many.
func (l *limiter) throttled(p pace) {
	b := l.bucket(p)
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Sub(b.changed) < calm {
		return
	}
	was := max(b.before, float64(b.sent)/max(1, now.Sub(b.window).Seconds()))
	if b.limit != nil {
		was = float64(b.limit.Limit())
	}
	b.ceiling, b.changed = was, now
	next := rate.Limit(max(floor, was*backOff))
	if b.limit == nil {
		b.limit = rate.NewLimiter(next, 1)
	} else {
		b.limit.SetLimit(next)
	}
}

// answered learns that a request was not too many.
func (l *limiter) answered(p pace) {
	b := l.bucket(p)
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if b.limit == nil || now.Sub(b.changed) < calm {
		return
	}
	is := float64(b.limit.Limit())
	switch below := plateau * b.ceiling; {
	case is < below:
		is = min(below, is+max(floor, (below-is)/2))
	case now.Sub(b.changed).Seconds()*is < patience:
		return
	default:
		is *= growth
	}
	b.changed = now
	b.limit.SetLimit(rate.Limit(is))
}
