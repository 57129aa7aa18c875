package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"awsscanner/internal/store"
)

// progress says how far a scan is.
func (s *Server) progress(ctx context.Context, x store.Scan) (Progress, error) {
	p := Progress{State: x.State, Phase: "over"}
	switch {
	case x.State.Over():
		return p, nil
	case s.Progress != nil:
		p, err := s.Progress(ctx, x.ID)
		p.State = x.State
		return p, err
	}
	p.Phase = "waiting"
	if x.State == store.Waiting {
		return p, nil
	}
	readings, err := s.Store.Readings(ctx, x.ID)
	if err != nil {
		return p, err
	}
	p.Phase, p.AccountsTotal = "reading", len(readings)
	for _, r := range readings {
		if r.State == store.Done {
			p.Accounts++
		}
		p.Calls += r.Calls
		p.Throttled += r.Throttled
		p.Reading = append(p.Reading, AccountProgress{r.Account, r.State, r.Calls, r.Throttled})
	}
	if p.Accounts == p.AccountsTotal && p.AccountsTotal > 0 {
		p.Phase = "judging"
	}
	return p, nil
}

// longestFollow is how long one answer follows a scan: a browser asks again by itself.
const longestFollow = time.Hour

// followScan sends the progress of a scan whenever it has changed, until it is over.
func (c *call) followScan() (any, error) {
	x, err := c.scan()
	if err != nil {
		return nil, err
	}
	release, ok := c.limits.streams.take(c.who.key)
	if !ok {
		c.w.Header().Set("Retry-After", "30")
		return nil, refuse(http.StatusTooManyRequests, "too many pages follow scans: close some, or ask /progress from time to time")
	}
	defer release()
	c.Metrics.following.Inc()
	defer c.Metrics.following.Dec()
	// It is no longer one of the requests that are under way: it would hold up others for as long as a scan takes.
	<-c.limits.under
	defer func() { c.limits.under <- struct{}{} }()

	h := c.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // proxies must hand it on at once
	out := http.NewResponseController(c.w)
	send := func(text string) bool {
		out.SetWriteDeadline(time.Now().Add(longestAnswer)) // of a recorder there is none
		if _, err := fmt.Fprint(c.w, text); err != nil {
			return false
		}
		return out.Flush() == nil
	}
	look := time.NewTicker(c.poll)
	defer look.Stop()
	beat := time.NewTicker(c.heartbeat)
	defer beat.Stop()
	end := time.NewTimer(longestFollow)
	defer end.Stop()
	if !send("retry: 3000\n\n") {
		return nil, nil
	}
	var last []byte
	for {
		p, err := c.progress(c, x)
		if err != nil {
			if c.Err() == nil {
				c.Log.Error("the progress of a scan is not known", "request", aboutOf(c.r.Context()).id, "scan", x.ID, "error", err.Error())
			}
			return nil, nil
		}
		text, err := json.Marshal(p)
		if err != nil {
			return nil, nil
		}
		if !bytes.Equal(text, last) {
			if last = text; !send("event: progress\ndata: " + string(text) + "\n\n") {
				return nil, nil
			}
		}
		if p.State.Over() {
			send("event: end\ndata: " + string(p.State) + "\n\n")
			return nil, nil
		}
		select {
		case <-look.C:
		case <-beat.C:
			if who, err := c.Server.who(c.r); err != nil || who == nil { // whoever may no longer look sees no more
				return nil, nil
			}
			if !send(": still there\n\n") {
				return nil, nil
			}
			continue
		case <-end.C:
			return nil, nil
		case <-c.stop:
			return nil, nil
		case <-c.Done():
			return nil, nil
		}
		if x, err = c.Store.Scan(c, x.ID); err != nil {
			return nil, nil
		}
	}
}
