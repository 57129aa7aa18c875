package server

import (
	"context"
	"sync"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/report"
	"awsscanner/internal/store"
)

// known is what is summed up of a stream. Only a scan changes it.
type known struct {
	scan string // the last one that is done
	*store.Sums
	waived   []store.Acceptance
	coverage []report.Coverage
	last     store.Scan // without its head, which is large
	head     head       // of it, as far as anybody looks
	median   map[engine.Severity]time.Duration
	fixed    map[engine.Severity]int
}

// A sumsCache keeps sums until the next scan is done: with many findings they take a moment.
type sumsCache struct {
	store *store.Store
	now   func() time.Time

	mu sync.Mutex
	of map[string]*sumsEntry
}

type sumsEntry struct {
	turn  chan struct{} // held while they are made
	known *known
}

// mostSums is how many streams are kept.
const mostSums = 64

func newSumsCache(s *store.Store, now func() time.Time) *sumsCache {
	return &sumsCache{store: s, now: now, of: map[string]*sumsEntry{}}
}

func (c *sumsCache) get(ctx context.Context, stream string) (*known, error) {
	scan, err := c.store.Newest(ctx, stream) // before any lock: nobody waits for somebody who waits for the database
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	e := c.of[stream]
	if e == nil {
		if len(c.of) >= mostSums {
			clear(c.of)
		}
		e = &sumsEntry{turn: make(chan struct{}, 1)}
		c.of[stream] = e
	}
	c.mu.Unlock()
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done(): // who waits for a large store waits no longer than for anything else
		return nil, ctx.Err()
	}
	if e.known != nil && e.known.scan == scan {
		return e.known, nil
	}
	made, cancel := context.WithTimeout(context.WithoutCancel(ctx), longestAnswer) // others wait for it, too
	defer cancel()
	k := &known{scan: scan}
	if k.Sums, err = c.store.Sums(made, stream); err != nil {
		return nil, err
	}
	if k.waived, err = c.store.Acceptances(made, stream); err != nil {
		return nil, err
	}
	if k.median, k.fixed, err = c.store.TimeToFix(made, stream, c.now().Add(-quarter)); err != nil {
		return nil, err
	}
	if scan != "" {
		if k.coverage, err = c.store.Coverage(made, scan); err != nil {
			return nil, err
		}
		if k.last, err = c.store.Scan(made, scan); err != nil {
			return nil, err
		}
		if k.head, err = headOf(k.last); err != nil {
			return nil, err
		}
		k.last.Head = nil
	}
	e.known = k
	return k, nil
}
