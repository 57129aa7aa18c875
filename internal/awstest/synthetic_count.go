package awstest

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Stats are what a Synthetic has served so far. All maps are by operation.
type Stats struct {
	Requests   map[string]int
	Duplicates map[string]int // answers that had been given before: same account, region, operation and parameters
	Throttled  map[string]int // by its buckets or by a fault
	Refused    map[string]int // for any other reason
	Spoilt     map[string]int // answers that a fault held up or made useless
	Unknown    map[string]int // operations that no table entry serves
	Concurrent int            // the most requests under way at once
	Buckets    []Use          // that limited somebody, by account, region and operation
}

// Total adds up a map of Stats.
func Total(m map[string]int) (n int) {
	for _, k := range m {
		n += k
	}
	return n
}

// A Use is what became of the requests to one bucket.
type Use struct {
	Account, Region, Op string
	Bucket
	Answered, Throttled []int // in each second since its first request
}

// After returns what was answered and throttled from some second on, and in how many seconds. The last one, which
// the requests did not fill, does not count.
func (u Use) After(second int) (answered, throttled, seconds int) {
	for i := second; i < len(u.Answered)-1; i++ {
		answered += u.Answered[i]
		throttled += u.Throttled[i]
		seconds++
	}
	return answered, throttled, seconds
}

// counters are what a Synthetic remembers.
type counters struct {
	mu          sync.Mutex
	stats       Stats
	now         int               // requests under way
	attempts    map[uint64]uint16 // by the hash of a request
	answered    map[uint64]bool
	buckets     map[[3]string]*bucket
	lastRequest int
}

type bucket struct {
	Use
	limit *rate.Limiter
	since time.Time
}

func (n *counters) arrive() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.now++
	n.lastRequest++
	n.stats.Concurrent = max(n.stats.Concurrent, n.now)
}

func (n *counters) leave() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.now--
}

// attempt counts the attempts of a request.
func (n *counters) attempt(c *call) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.attempts == nil {
		n.attempts, n.answered, n.buckets = map[uint64]uint16{}, map[uint64]bool{}, map[[3]string]*bucket{}
		for _, m := range []*map[string]int{&n.stats.Requests, &n.stats.Duplicates, &n.stats.Throttled, &n.stats.Refused, &n.stats.Spoilt, &n.stats.Unknown} {
			*m = map[string]int{}
		}
	}
	n.attempts[c.hash()]++
	return int(n.attempts[c.hash()])
}

// count notes what became of a request.
func (n *counters) count(c *call, kind Kind, refused *refusal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stats.Requests[c.Op]++
	switch {
	case kind == Throttled:
		n.stats.Throttled[c.Op]++
		return
	case kind == unknownOp:
		n.stats.Unknown[c.Op]++
		return
	case kind != "" && refusals[kind] == nil:
		n.stats.Spoilt[c.Op]++
		return
	case refused != nil:
		n.stats.Refused[c.Op]++
	}
	if kind != "" { // a denial may be lifted; that something does not exist is an answer like any other
		return
	}
	if n.answered[c.hash()] {
		n.stats.Duplicates[c.Op]++
	}
	n.answered[c.hash()] = true
}

// allow takes a token from the bucket of a request, if there is one.
func (n *counters) allow(c *call, size Bucket) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	key := [3]string{c.account, c.region, c.Op}
	b := n.buckets[key]
	if b == nil {
		b = &bucket{Use: Use{Account: c.account, Region: c.region, Op: c.Op, Bucket: size},
			limit: rate.NewLimiter(rate.Limit(size.Rate), max(1, int(size.Burst))), since: time.Now()}
		n.buckets[key] = b
	}
	second := int(time.Since(b.since).Seconds())
	for len(b.Answered) <= second {
		b.Answered, b.Throttled = append(b.Answered, 0), append(b.Throttled, 0)
	}
	if !b.limit.Allow() {
		b.Throttled[second]++
		return false
	}
	b.Answered[second]++
	return true
}

// requestID numbers the answers.
func (n *counters) requestID() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.lastRequest
}

// Stats returns what was served so far.
func (s *Synthetic) Stats() Stats {
	n := &s.seen
	n.mu.Lock()
	defer n.mu.Unlock()
	out := n.stats
	for _, m := range []*map[string]int{&out.Requests, &out.Duplicates, &out.Throttled, &out.Refused, &out.Spoilt, &out.Unknown} {
		*m = maps.Clone(*m)
	}
	for _, b := range n.buckets {
		if slices.Max(b.Throttled) > 0 {
			u := b.Use
			u.Answered, u.Throttled = slices.Clone(u.Answered), slices.Clone(u.Throttled)
			out.Buckets = append(out.Buckets, u)
		}
	}
	slices.SortFunc(out.Buckets, func(a, b Use) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region), cmp.Compare(a.Op, b.Op))
	})
	return out
}
