package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"awsscanner/internal/collect"
	"awsscanner/internal/config"
	"awsscanner/internal/jobs"
	"awsscanner/internal/server"
	"awsscanner/internal/store"
)

// actions are what pages and API ask of a service.
func (k *keeper) actions(q *jobs.Queue, answers []string) server.Actions {
	reviews := &reviewer{keeper: k, answers: answers, made: map[string]*made{}}
	return server.Actions{
		StartScan:  func(ctx context.Context, stream string) (string, error) { return k.startScan(ctx, q, stream) },
		CancelScan: func(ctx context.Context, id string) error { return k.cancelScan(ctx, q, id) },
		Schedules:  func(context.Context) ([]server.Schedule, error) { return k.plans() },
		Progress:   k.progressOf,
		Waivers:    func(context.Context) ([]server.Waiver, error) { return k.waivers() },
		Review:     reviews.of,
		Queue: func(ctx context.Context) (server.Queue, error) {
			depth, oldest, err := q.Waiting(ctx)
			jobs := map[string]int{}
			for state, n := range depth {
				jobs[string(state)] = n
			}
			return server.Queue{Jobs: jobs, Oldest: oldest}, err
		},
		Ready: func(ctx context.Context) error {
			_, err := q.Depth(ctx)
			return err
		},
	}
}

func refusal(status int, format string, args ...any) error {
	return &server.Refusal{Status: status, Text: fmt.Sprintf(format, args...)}
}

// demoStream is what the demonstration scans if the settings have no schedules.
const demoStream = "demo"

// streams are those that can be scanned: the schedules, as the settings have them now, or had before somebody made a mistake.
func (k *keeper) streams() []config.Planned {
	all := k.latest.now().Schedules
	if k.demo && len(all) == 0 {
		all = []config.Planned{{Schedule: config.Schedule{Name: demoStream}}}
	}
	return all
}

func (k *keeper) startScan(ctx context.Context, q *jobs.Queue, stream string) (string, error) {
	var names []string
	for _, s := range k.streams() {
		if names = append(names, s.Name); s.Name != stream {
			continue
		}
		x, err := k.scanOf(s, "request")
		if err != nil {
			return "", refusal(http.StatusConflict, "the settings cannot be used: %s", strings.ReplaceAll(err.Error(), "\nscanner: ", "; "))
		}
		id, err := q.Begin(ctx, x)
		if errors.Is(err, jobs.ErrUnderWay) {
			return "", refusal(http.StatusConflict, "scan %s of %s is under way: wait for it, or cancel it", id, stream)
		}
		return id, err
	}
	if len(names) == 0 {
		return "", refusal(http.StatusNotFound, "there is no schedule %.80q: add it to the settings under schedules", stream)
	}
	return "", refusal(http.StatusNotFound, "there is no schedule %.80q: %s", stream, didYouMean(stream, names, "there are "+strings.Join(names, ", ")))
}

// firstDemo begins a scan of the demonstration if there is none yet: whoever looks at it first has something to see.
func (k *keeper) firstDemo(ctx context.Context, q *jobs.Queue) {
	if !k.demo || len(k.latest.now().Schedules) > 0 {
		return
	}
	all, err := k.store.Scans(ctx, "", 1)
	if err == nil && len(all) == 0 {
		_, err = k.startScan(ctx, q, demoStream)
	}
	if err != nil {
		k.log.Error("the demonstration is not scanned: begin a scan on the page Schedules", "error", err)
	}
}

func (k *keeper) cancelScan(ctx context.Context, q *jobs.Queue, id string) error {
	x, err := k.store.Scan(ctx, id)
	if err != nil {
		return err
	}
	if x.State.Over() {
		return refusal(http.StatusConflict, "the scan is %s already", x.State)
	}
	return q.Cancel(ctx, id, "somebody has cancelled it")
}

// plans lists the schedules.
func (k *keeper) plans() (all []server.Schedule, err error) {
	for _, s := range k.streams() {
		x := server.Schedule{Stream: s.Name, Times: s.Cron, TimeZone: cmp.Or(s.TimeZone, "UTC")}
		if s.Cron == "" { // by hand only
			x.TimeZone = ""
		} else if j, err := scheduleOf(s.Schedule); err != nil {
			return nil, refusal(http.StatusConflict, "schedule %s: %s", s.Name, err)
		} else {
			x.Next = j.Next(k.clock())
		}
		all = append(all, x)
	}
	return all, nil
}

func (k *keeper) clock() time.Time {
	if k.now != nil {
		return k.now()
	}
	return time.Now()
}

// called counts a call for people who watch a scan, and for metrics.
func (k *keeper) called(scan, account string) func(collect.Done) {
	return func(d collect.Done) {
		k.mu.Lock()
		p := k.progress[scan+" "+account]
		k.mu.Unlock()
		if p != nil {
			p.Throttled.Add(int64(d.Throttles))
		}
		if k.metrics != nil {
			k.metrics.Called(d.Service, d.Attempts, d.Throttles)
		}
	}
}

// progressOf says how far a scan under way is: of accounts that this process reads, call by call; of those that others read, when they are done.
func (k *keeper) progressOf(ctx context.Context, scan string) (p server.Progress, err error) {
	x, err := k.store.Scan(ctx, scan)
	if err != nil {
		return p, err
	}
	if p.Phase = "waiting"; x.State == store.Waiting {
		return p, nil
	}
	readings, err := k.store.Readings(ctx, scan)
	if err != nil {
		return p, err
	}
	p.Phase, p.AccountsTotal = "reading", len(readings)
	whole := len(readings) > 0 // of all that are left it is known how much is left
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range readings {
		a := server.AccountProgress{Account: r.Account, State: r.State, Calls: r.Calls, Throttled: r.Throttled}
		known := r.Calls
		if here := k.progress[scan+" "+r.Account]; r.State == store.Done {
			p.Accounts++
		} else if here == nil {
			whole = false
		} else {
			a.Calls, a.Throttled, known = int(here.Calls.Load()), int(here.Throttled.Load()), int(here.Expected.Load())
			p.Regions += int(here.Regions.Load())
		}
		p.Calls, p.Throttled, p.CallsKnown = p.Calls+a.Calls, p.Throttled+a.Throttled, p.CallsKnown+known
		p.Reading = append(p.Reading, a)
	}
	if p.Accounts == p.AccountsTotal && p.AccountsTotal > 0 {
		p.Phase = "judging"
	}
	if !whole {
		p.CallsKnown = 0
	}
	if took := k.clock().Sub(x.Started).Seconds(); took >= 1 && p.Calls > 0 {
		p.CallsPerSecond = int(float64(p.Calls) / took)
		if left := p.CallsKnown - p.Calls; left > 0 {
			p.SecondsLeft = int(float64(left) / float64(p.Calls) * took)
		}
	}
	return p, nil
}

// waivers lists those of all files that scans go by.
func (k *keeper) waivers() (all []server.Waiver, err error) {
	seen := map[string]bool{}
	for _, files := range append([][]string{k.files}, alsoOf(k.files, k.streams())...) {
		x, err := readScanning(files, nil, k.demo)
		if err != nil {
			return nil, refusal(http.StatusConflict, "the waivers cannot be read: %s", strings.ReplaceAll(err.Error(), "\nscanner: ", "; "))
		}
		list := x.sel.conf.list
		if list == nil || seen[list.Name] {
			continue
		}
		seen[list.Name] = true
		for i := range list.All {
			w := &list.All[i]
			all = append(all, server.Waiver{Reason: w.Reason, Owner: w.Owner, Expires: w.Expires.String(), Ticket: w.Ticket, Mitigation: w.Mitigation, Risk: w.Risk, Source: list.Place(i), Condition: w.Brief()})
		}
	}
	return all, nil
}

// alsoOf are the files of schedules that have some of their own.
func alsoOf(files []string, planned []config.Planned) (all [][]string) {
	for _, s := range planned {
		if len(s.Config) > 0 {
			all = append(all, slices.Concat(files, s.Config))
		}
	}
	return all
}
