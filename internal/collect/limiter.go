package collect

import (
	"context"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A limiter paces the requests of one account so that AWS need not throttle them. Each key is free until its first throttle. Then
// its rate begins below what was too much, comes back to it, stays there for a while, and goes on to look for more: faster and faster,
// while nobody objects (the curve is that of TCP CUBIC, RFC 9438, section 4.2).
//
// The key is the operation in its region, as EC2 counts ("each API is evaluated individually": Amazon EC2 Developer Guide, "Request throttling
// for the Amazon EC2 API", read 2026-11). Others count several operations together: ECS by category ("cluster read actions": Amazon ECS Developer Guide,
// "Request throttling for the Amazon ECS API"), Route 53 all of an account and each by itself (Route 53 Developer Guide, "Throttling for Amazon
// Route 53 API requests"), and most do not say. The limiter need not know: operations that share a bucket find their shares of it as
// TCP streams find theirs of a line, and take over what one of them leaves. Keys for classes of actions would have to be guessed, and a guess
// that joins what AWS counts apart wastes most of what it allows.
type limiter struct {
	share float64 // of the rate that was too much to take at most; 0 is 1, all of it
	mu    sync.Mutex
	keys  map[pace]*bucket
}

// A pace is what the limiter counts requests by, within an account.
type pace struct{ region, op string }

type bucket struct {
	turn      chan struct{} // held by who waits for the next token
	limit     *rate.Limiter // nil: free
	ceiling   float64       // requests a second that were too many
	throttled time.Time     // when they were
	most      float64       // the first ceiling that stood for a while
	settled   bool          // it did
	window    time.Time     // since when sent and served count
	sent      int
	served    int
	asked     float64 // requests sent a second in the window before
	got       float64 // and those that were served
}

const (
	floor   = 0.5              // requests a second that are always tried
	calm    = time.Second      // between two changes of a ceiling: throttles of what was sent before count for one
	backOff = 0.75             // of the ceiling is taken next
	regrow  = 25 * time.Second // until the ceiling is reached again
	step    = 0.5              // requests a second more, and a quarter of the ceiling, are tried after twice this time: who got little catches up
	settle  = 2 * time.Second  // without a throttle: the ceiling is known
	sample  = 8                // requests that tell a rate
)

func (l *limiter) bucket(p pace) *bucket {
	if l.keys == nil {
		l.keys = map[pace]*bucket{}
	}
	b := l.keys[p]
	if b == nil {
		b = &bucket{turn: make(chan struct{}, 1), window: time.Now()}
		l.keys[p] = b
	}
	return b
}

// rate returns how many requests a second may be sent with a key that was throttled, and the share of the ceiling that this keeps to.
//
// The share counts as soon as the ceiling is known. It never goes beyond that share of the first ceiling: the only way to learn that AWS would
// allow more is to take it from the account's own workloads, which the share is there for. But it does come back there after a throttle, since a
// rush of theirs must not slow the rest of the scan; each time that this was too much after all, it aims lower.
func (l *limiter) rate(b *bucket, now time.Time) (r, share float64) {
	quiet := now.Sub(b.throttled)
	x := quiet.Seconds()/regrow.Seconds() - 1
	more := (1 - backOff) * b.ceiling
	if x > 0 {
		more += step
	}
	r = b.ceiling + more*math.Pow(x, 3)
	if l.share == 0 || l.share == 1 || !b.settled && quiet < settle {
		return max(floor, r), 1
	}
	return max(floor, l.share*min(r, b.most)), l.share
}

// wait returns when a request may be sent.
func (l *limiter) wait(ctx context.Context, p pace) error {
	l.mu.Lock()
	b := l.bucket(p)
	l.mu.Unlock()
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		d := l.try(b)
		if d == 0 {
			return nil
		}
		select {
		case <-time.After(d):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// try lets a request go, or tells how long to wait.
func (l *limiter) try(b *bucket) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if b.limit != nil {
		r, _ := l.rate(b, now)
		b.limit.SetLimit(rate.Limit(r))
		if !b.limit.Allow() { // no reservations: they would outlive a change of the rate
			return max(time.Millisecond, time.Duration((1-b.limit.Tokens())/float64(b.limit.Limit())*float64(time.Second)))
		}
	}
	if d := now.Sub(b.window); d >= time.Second && b.sent >= sample {
		b.asked, b.got = float64(b.sent)/d.Seconds(), float64(b.served)/d.Seconds()
		b.window, b.sent, b.served = now, 0, 0
	}
	b.sent++
	return 0
}

// throttled learns that a request was one too many.
func (l *limiter) throttled(p pace) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, now := l.bucket(p), time.Now()
	quiet := now.Sub(b.throttled)
	if quiet < calm {
		return
	}
	if b.limit == nil {
		b.ceiling = max(b.asked, float64(b.sent)/max(1, now.Sub(b.window).Seconds()))
		b.limit = rate.NewLimiter(rate.Limit(b.ceiling), 1)
	} else {
		is, share := l.rate(b, now)
		b.settled = b.settled || quiet >= settle
		if b.settled && quiet >= regrow {
			b.most *= 0.9
		}
		b.ceiling = min(is, max(b.got, is/4, floor)) / share // what was served is what AWS allows, unless it comes from the burst that it allows as well
	}
	if !b.settled {
		b.most = b.ceiling
	}
	b.throttled = now
}

// answered learns that a request was not too many.
func (l *limiter) answered(p pace) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bucket(p).served++
}
