package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"golang.org/x/term"

	"awsscanner/internal/collect"
	"awsscanner/internal/collect/services"
	"awsscanner/internal/collect/session"
	"awsscanner/internal/demo"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/kinds"
)

// A source says whose account to read.
type source struct {
	demo    bool
	profile string
	regions []string // globs; "all" for every enabled one
	timeout time.Duration
}

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

// open finds out who is calling, and when it is.
func (src *source) open(ctx context.Context) (*session.Session, time.Time, error) {
	start := time.Now().UTC().Truncate(time.Second)
	o := session.Options{Profile: src.profile}
	if len(src.regions) > 0 && otherPartition.MatchString(src.regions[0]) { // the default region would not know the credentials
		o.Region = src.regions[0]
	}
	load := func() (aws.Config, error) { return session.Load(ctx, o) }
	if src.demo {
		start, load = demo.Start, demo.Config
	}
	cfg, err := load()
	if err != nil {
		return nil, start, failed("%s", err)
	}
	sess, err := session.Open(ctx, cfg, version)
	if ctx.Err() != nil {
		return nil, start, interrupted(ctx)
	}
	if err != nil {
		return nil, start, failed("%s", err)
	}
	return sess, start, nil
}

func interrupted(ctx context.Context) error {
	if ctx.Err() == context.DeadlineExceeded {
		return failed("the --timeout ended the scan before AWS had told who is calling: give it more time")
	}
	return &exitError{130, "interrupted before anything was read"}
}

var (
	regionName     = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-\d+$`)
	otherPartition = regexp.MustCompile(`^(cn|us-gov|eusc|us-iso[a-z]?|eu-iso[a-z]?)(-[a-z]+)+-\d+$`)
)

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

// collectLive reads an account into a snapshot. Whatever fails on the way is a gap there.
func (src *source) collectLive(ctx context.Context, picked []engine.Rule, params map[string]json.RawMessage, progress io.Writer) (*engine.Snapshot, error) {
	plan, err := planFor(picked)
	if err != nil {
		return nil, err
	}
	sess, start, err := src.open(ctx)
	if err != nil {
		return nil, err
	}
	regions := sess.Regions(ctx)
	read, unread, err := src.choose(regions)
	if err != nil {
		return nil, err
	}
	h := engine.Header{Tool: version, Partition: sess.Partition, Start: start, Caller: sess.Caller, Params: params}
	for i := range picked {
		h.Rules = append(h.Rules, picked[i].ID)
	}
	var places []collect.At
	for _, region := range read {
		places = append(places, sess.At(region, start))
		h.Read = append(h.Read, model.Place{Account: sess.Account, Region: region})
	}
	if regions.Gap != nil {
		unread = append(unread, model.AnyRegion)
	}
	for _, region := range unread {
		h.Unread = append(h.Unread, model.Place{Account: sess.Account, Region: region})
	}
	for _, region := range regions.Off {
		h.Skipped = append(h.Skipped, engine.Skip{Place: model.Place{Account: sess.Account, Region: region}, Reason: model.NotEnabled})
	}
	s := engine.NewSnapshot(h)
	stop := watch(progress, sess)
	plan.Run(ctx, places, s)
	stop()
	if regions.Gap != nil && len(src.regions) == 0 { // there may be regions that nobody has told of, and anything in them
		for _, k := range plan.Kinds {
			if kinds.All[k].Scope == model.PerRegion {
				s.PutHole(engine.Hole{Kind: k, Place: model.Place{Account: sess.Account, Region: model.AnyRegion}, Gap: regions.Gap})
			}
		}
	}
	s.Finished = time.Now().UTC().Truncate(time.Second)
	if src.demo {
		s.Finished = start
	}
	s.Calls, s.Throttled = sess.Wire.Sent(), sess.Wire.Throttled()
	return s, nil
}

// watch shows on a terminal how far the scan is, until it is stopped.
func watch(w io.Writer, sess *session.Session) (stop func()) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return func() {}
	}
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		for tick := time.NewTicker(250 * time.Millisecond); ; {
			select {
			case <-tick.C:
				fmt.Fprintf(f, "\rreading account %s: %d calls ", sess.Account, sess.Wire.Sent())
			case <-done:
				tick.Stop()
				fmt.Fprint(f, "\r\x1b[K")
				return
			}
		}
	}()
	return func() { close(done); <-gone }
}
