package collect

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A server of AWS's kind: a token bucket for each key.
type tokens struct {
	mu        sync.Mutex
	rate      float64
	burst     float64
	have      float64
	last      time.Time
	throttled int
	served    int
}

func (s *tokens) ask() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.have = min(s.burst, s.have+now.Sub(s.last).Seconds()*s.rate)
	s.last = now
	if s.have < 1 {
		s.throttled++
		return false
	}
	s.have--
	s.served++
	return true
}

// The limiter gets nearly all that the server allows, at any rate, and is hardly ever refused after it has found out.
func TestPace(t *testing.T) {
	for _, allowed := range []float64{2, 10, 50, 200} {
		synctest.Test(t, func(t *testing.T) {
			server := &tokens{rate: allowed, burst: 2 * allowed, have: 2 * allowed, last: time.Now()}
			l, p := &limiter{}, pace{"eu", "sqs:ListQueues"}
			stop := time.Now().Add(4 * time.Minute)
			var all sync.WaitGroup
			var warm struct{ served, throttled int }
			for range concurrency {
				all.Go(func() {
					for time.Now().Before(stop) {
						if err := l.wait(t.Context(), p); err != nil {
							t.Error(err)
						}
						ok := server.ask()
						time.Sleep(50 * time.Millisecond) // the way to AWS and back
						if ok {
							l.answered(p)
						} else {
							l.throttled(p)
						}
						server.mu.Lock()
						if warm.served == 0 && time.Until(stop) < 3*time.Minute {
							warm.served, warm.throttled = server.served, server.throttled
						}
						server.mu.Unlock()
					}
				})
			}
			all.Wait()
			served, throttled := server.served-warm.served, server.throttled-warm.throttled
			share, refused := float64(served)/(allowed*3*60), float64(throttled)/float64(served+throttled)
			t.Logf("%.0f a second allowed: %.1f %% used, %.1f %% of the requests refused after warm-up, %d before", allowed, 100*share, 100*refused, warm.throttled)
			if share < 0.9 || refused > 0.05 {
				t.Errorf("%.0f a second allowed: %.1f %% used, %.1f %% refused", allowed, 100*share, 100*refused)
			}
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
