package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"awsscanner/internal/collect"
	"awsscanner/internal/collect/services"
	"awsscanner/internal/collect/session"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/kinds"
)

// planFor plans the calls that some rules need, those that tell the owners of their subjects included, and their tags if
// somebody asks for these.
func planFor(picked []engine.Rule, tags bool) (*collect.Plan, error) {
	var reads [][]string
	for i := range picked {
		t := picked[i].Check.Subject
		reads = append(reads, slices.Concat(picked[i].Needs(), engine.OwnerReads(t, kinds.All)))
		if tags && slices.ContainsFunc(t.Attrs, func(a model.Attribute) bool { return a.Name == "Tags" }) {
			reads = append(reads, []string{t.Name + ".Tags"})
		}
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

// accountsAtOnce bounds the memory of a scan: so many accounts are read side by side, and no more are in memory.
const accountsAtOnce = 8

// A reading is what a live scan has read.
type reading struct {
	scan    *engine.Scan
	journal *journal         // nil if there is none
	one     *engine.Snapshot // all of it, if there is one account
}

// save writes what was read to a file.
func (r *reading) save(name string) error {
	if r.journal == nil || r.journal.err != nil {
		return writeSnapshot(name, r.one.Save)
	}
	return r.journal.save(name)
}

// collectLive reads accounts. Whatever fails on the way is a gap of what was read.
func (src *source) collectLive(ctx context.Context, picked []engine.Rule, params tuning, keep keeping, told io.Writer) (*reading, error) {
	plan, err := planFor(picked, keep.tags)
	if err != nil {
		return nil, err
	}
	roster, err := src.accounts(ctx)
	if err != nil {
		return nil, err
	}
	all, start := roster.all, roster.start
	var j *journal
	sameTool := false
	if keep.resume != "" {
		if j, err = resumeJournal(keep.resume, start, all); err != nil {
			return nil, err
		}
		start, sameTool = j.Start, j.Tool == version
	}
	places, dark, h, err := src.places(ctx, all, start)
	if err != nil {
		return nil, err
	}
	roster.describe(&h, plan, picked, params, keep.tags, start)
	partition, _ := session.PartitionNamed(h.Partition)
	switch {
	case j != nil:
		if err := j.Begin(h); err != nil {
			return nil, failed("writing to %s: %s: make room there, or set XDG_STATE_HOME", j.file.Name(), osText(err))
		}
	case keep.journal || len(all) > 1: // several accounts need not fit into memory
		if j, err = newJournal(h, keep.journal); err != nil && len(all) > 1 {
			return nil, failed("the scan has nowhere to put what it reads: %s: make room there, or set XDG_STATE_HOME or TMPDIR", err)
		} else if err != nil {
			fmt.Fprintf(keep.warnings, "scanner: the scan is not kept for scanner report, explain and --resume: %s\n", err)
			j = nil
		}
	}
	one := engine.NewSnapshot(h) // all of it, if there is one account
	show := &progress{all: all, started: time.Now()}
	for _, at := range places {
		show.regions += len(at)
	}
	stop := show.watch(told, keep.logFormat)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	put := func(c engine.Cell) {
		if j == nil {
			return
		}
		if err := j.append(c); err != nil && len(all) > 1 {
			cancel(failed("writing what was read to %s: %s: make room there, or set XDG_STATE_HOME or TMPDIR", j.file.Name(), osText(err)))
		}
	}
	entered := map[string]bool{}
	for _, a := range all {
		entered[a.id] = a.sess != nil
	}
	gate := collect.NewGate()
	var g errgroup.Group
	g.SetLimit(accountsAtOnce)
	for i, a := range all {
		g.Go(func() error {
			var rest []engine.Cell
			switch {
			case a.sess == nil:
				rest = append(rest, plan.Lost(a.id, a.gap, partition.Lacks))
			case len(places[i]) == 0:
				rest = append(rest, plan.Lost(a.id, &model.Gap{Reason: model.OutsideScan, Detail: "the account has none of the regions that --regions names"}, partition.Lacks))
			default:
				r := &collect.Reading{Plan: plan, Gate: gate, Turn: i, Others: func(id string) bool { return entered[id] }, Finished: put, Progress: &show.Progress}
				if sameTool {
					r.Known, _ = j.Earlier(a.id) // whatever is wrong with them, they can be read again
				}
				s := one
				if len(all) > 1 {
					s = nil
				}
				r.Run(ctx, places[i], s)
				if len(all) > 1 {
					places[i] = nil
					if i > 0 { // from the first the others were entered, and renew their credentials
						a.sess.Release()
					}
				}
			}
			if dark[i] != nil {
				rest = append(rest, plan.Unlisted(a.id, dark[i], partition.Lacks))
			}
			for _, c := range rest {
				if put(c); len(all) == 1 {
					one.PutCell(c)
				}
			}
			return nil
		})
	}
	g.Wait()
	stop()
	var broken *exitError
	if errors.As(context.Cause(ctx), &broken) {
		return nil, broken
	}
	end := engine.End{Finished: time.Now().UTC().Truncate(time.Second)}
	if src.demo {
		end.Finished = start
	}
	end.Calls, end.Throttled = counts(all)
	one.End = end
	r := &reading{engine.Whole(one), j, one}
	if j != nil {
		j.end = end
	}
	if len(all) > 1 {
		if r.scan, err = engine.OpenScan(j.open, kinds.All); err != nil {
			return nil, failed("reading %s again: %s", j.file.Name(), err)
		}
	}
	return r, nil
}

// describe completes the header of a scan, which says already what was read.
func (r *roster) describe(h *engine.Header, plan *collect.Plan, picked []engine.Rule, params tuning, tags bool, start time.Time) {
	h.Tool, h.Start, h.Organization, h.Listed, h.Tags = version, start, r.whole, plan.Kinds, tags
	h.Params, h.AccountParams, h.Severities = params.rules, params.accounts, params.severities
	for i := range picked {
		h.Rules = append(h.Rules, picked[i].ID)
	}
	for _, a := range r.all {
		if a.name != "" {
			if h.Names == nil {
				h.Names = map[string]string{}
			}
			h.Names[a.id] = a.name
		}
	}
	for _, left := range r.left {
		h.Skipped = append(h.Skipped, engine.Skip{Place: model.Place{Account: left.ID}, Reason: model.OutsideScan, Why: left.Why})
	}
	partition, _ := session.PartitionNamed(h.Partition)
	h.Skipped = append(h.Skipped, plan.Skips(partition.Name, h.Regions(), partition.Lacks)...)
}

// places returns where to collect from in each account, why its regions could not be listed, and the header that says so.
func (src *source) places(ctx context.Context, all []account, start time.Time) (places [][]collect.At, dark []*model.Gap, h engine.Header, err error) {
	places, dark = make([][]collect.At, len(all)), make([]*model.Gap, len(all))
	regions := make([]session.Regions, len(all))
	var g errgroup.Group
	g.SetLimit(16)
	for i, a := range all {
		if a.sess != nil {
			g.Go(func() error { regions[i] = a.sess.Regions(ctx); return nil })
		}
	}
	g.Wait()
	var mistaken []error
	somewhere := false
	for i, a := range all {
		if a.sess == nil {
			h.Read = append(h.Read, model.Place{Account: a.id})
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
			places[i] = append(places[i], a.sess.At(region, start))
			h.Read = append(h.Read, model.Place{Account: a.id, Region: region})
			somewhere = true
		}
		if regions[i].Gap != nil {
			unread = append(unread, model.AnyRegion)
			if len(src.regions) == 0 { // there may be regions that nobody has told of, and anything in them
				dark[i] = regions[i].Gap
			}
		}
		for _, region := range unread {
			h.Unread = append(h.Unread, model.Place{Account: a.id, Region: region})
		}
		for _, region := range regions[i].Off {
			h.Skipped = append(h.Skipped, engine.Skip{Place: model.Place{Account: a.id, Region: region}, Reason: model.NotEnabled})
		}
	}
	if len(mistaken) > 0 && !somewhere { // what is no region of one account may be one of another
		return nil, nil, h, mistaken[0]
	}
	return places, dark, h, nil
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
