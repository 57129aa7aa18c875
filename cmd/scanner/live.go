package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/term"

	"awsscanner/internal/collect"
	"awsscanner/internal/collect/services"
	"awsscanner/internal/collect/session"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/kinds"
)

// planFor plans the calls that some rules need, those that tell the owners of their subjects included.
func planFor(picked []engine.Rule) (*collect.Plan, error) {
	var reads [][]string
	for i := range picked {
		reads = append(reads, slices.Concat(picked[i].Needs(), engine.OwnerReads(picked[i].Check.Subject, kinds.All)))
	}
	plan, err := collect.NewPlan(services.All, kinds.All, reads...)
	if err != nil {
		return nil, fmt.Errorf("planning the calls: %w", err)
	}
	return plan, nil
}

var regionName = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-\d+$`)

// choose splits the regions of an account into those to read and those left out.
func (src *source) choose(r session.Regions) (read, unread []string, err error) {
	if len(src.regions) == 0 || slices.Equal(src.regions, []string{"all"}) {
		return r.Enabled, nil, nil
	}
	for _, glob := range src.regions {
		matches := func(region string) bool { return engine.Match(glob, region) }
		switch {
		case slices.ContainsFunc(r.Enabled, matches):
		case slices.ContainsFunc(r.Off, matches):
			return nil, nil, usage("--regions: %s is not enabled in this account: enable it, or leave it out", glob)
		case r.Gap != nil && regionName.MatchString(glob) && closest(glob, r.Enabled) == "": // nobody can tell
			r.Enabled = append(r.Enabled, glob)
		default:
			return nil, nil, usage("--regions: there is no region %s in this account: %s", glob, didYouMean(glob, slices.Concat(r.Enabled, r.Off), "it has "+strings.Join(r.Enabled, ", ")))
		}
	}
	for _, region := range r.Enabled {
		if engine.MatchAny(src.regions, region) {
			read = append(read, region)
		} else {
			unread = append(unread, region)
		}
	}
	slices.Sort(read)
	return read, unread, nil
}

// collectLive reads accounts into a snapshot. Whatever fails on the way is a gap there.
func (src *source) collectLive(ctx context.Context, picked []engine.Rule, params map[string]json.RawMessage, progress io.Writer) (*engine.Snapshot, error) {
	plan, err := planFor(picked)
	if err != nil {
		return nil, err
	}
	roster, err := src.accounts(ctx)
	if err != nil {
		return nil, err
	}
	all, start := roster.all, roster.start
	h := engine.Header{Tool: version, Start: start, Params: params, Organization: roster.whole}
	for i := range picked {
		h.Rules = append(h.Rules, picked[i].ID)
	}
	var places []collect.At
	var dark []engine.Hole // for all kinds that are listed by region
	var mistaken []error
	regions := make([]session.Regions, len(all))
	var g errgroup.Group
	g.SetLimit(16)
	for i, a := range all {
		if a.sess != nil {
			g.Go(func() error { regions[i] = a.sess.Regions(ctx); return nil })
		}
	}
	g.Wait()
	for i, a := range all {
		if a.sess == nil {
			h.Read = append(h.Read, model.Place{Account: a.id})
			dark = append(dark, engine.Hole{Place: model.Place{Account: a.id, Region: model.AnyRegion}, Gap: a.gap})
			continue
		}
		h.Partition, h.Caller = cmp.Or(h.Partition, a.sess.Partition), cmp.Or(h.Caller, a.sess.Caller)
		read, unread, err := src.choose(regions[i])
		if err != nil {
			mistaken = append(mistaken, err)
			h.Read = append(h.Read, model.Place{Account: a.id})
			unread = regions[i].Enabled
		}
		for _, region := range read {
			places = append(places, a.sess.At(region, start))
			h.Read = append(h.Read, model.Place{Account: a.id, Region: region})
		}
		if regions[i].Gap != nil {
			unread = append(unread, model.AnyRegion)
			if len(src.regions) == 0 { // there may be regions that nobody has told of, and anything in them
				dark = append(dark, engine.Hole{Place: model.Place{Account: a.id, Region: model.AnyRegion}, Gap: regions[i].Gap})
			}
		}
		for _, region := range unread {
			h.Unread = append(h.Unread, model.Place{Account: a.id, Region: region})
		}
		for _, region := range regions[i].Off {
			h.Skipped = append(h.Skipped, engine.Skip{Place: model.Place{Account: a.id, Region: region}, Reason: model.NotEnabled})
		}
	}
	if len(mistaken) > 0 && len(places) == 0 { // what is no region of one account may be one of another
		return nil, mistaken[0]
	}
	s := engine.NewSnapshot(h)
	stop := watch(progress, all)
	plan.Run(ctx, places, s)
	stop()
	for _, hole := range dark {
		for _, hole.Kind = range plan.Kinds {
			if kinds.All[hole.Kind].Scope == model.PerRegion {
				s.PutHole(hole)
			}
		}
	}
	s.Finished = time.Now().UTC().Truncate(time.Second)
	if src.demo {
		s.Finished = start
	}
	s.Calls, s.Throttled = counts(all)
	return s, nil
}

// counts adds up the requests sent to all accounts.
func counts(all []account) (sent, throttled int) {
	seen := map[*collect.Wire]bool{}
	for _, a := range all {
		if a.sess != nil && !seen[a.sess.Wire] {
			seen[a.sess.Wire] = true
			sent += a.sess.Wire.Sent()
			throttled += a.sess.Wire.Throttled()
		}
	}
	return sent, throttled
}

// watch shows on a terminal how far the scan is, until it is stopped.
func watch(w io.Writer, all []account) (stop func()) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return func() {}
	}
	what := fmt.Sprintf("%d accounts", len(all))
	if len(all) == 1 {
		what = "account " + all[0].id
	}
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		for tick := time.NewTicker(250 * time.Millisecond); ; {
			select {
			case <-tick.C:
				sent, throttled := counts(all)
				fmt.Fprintf(f, "\rreading %s: %d calls, %d throttled ", what, sent, throttled)
			case <-done:
				tick.Stop()
				fmt.Fprint(f, "\r\x1b[K")
				return
			}
		}
	}()
	return func() { close(done); <-gone }
}
