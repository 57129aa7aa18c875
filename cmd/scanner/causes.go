package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"awsscanner/internal/cause"
	"awsscanner/internal/collect/cloudtrail"
	"awsscanner/internal/collect/session"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/store"
)

// patienceForCauses is how long after a scan somebody still looks up who changed what: by then it is of no use to anybody who has to act.
const patienceForCauses = 24 * time.Hour

// explain looks up in CloudTrail who changed what made the events of a scan, with the credentials that the scan was made with. It is done at
// once, for those who are told soon, and again when CloudTrail must have told of everything.
func (k *keeper) explain(ctx context.Context, s store.Scan) (again time.Time, err error) {
	questions, err := k.store.Questions(ctx, s.ID)
	if err != nil {
		return again, err
	}
	now := time.Now()
	if k.now != nil {
		now = k.now()
	}
	open := slices.DeleteFunc(slices.Clone(questions), func(q store.Question) bool {
		return len(q.Cause) > 0 && !strings.Contains(string(q.Cause), cause.Provisional)
	})
	x, err := unpack(s.Settings)
	switch late := now.Sub(s.Finished) > patienceForCauses; {
	case len(open) == 0 || err == nil && (x.attribution == cause.Off || x.src.demo): // the demonstration has no past
		return again, nil
	case late:
		return again, k.giveUp(ctx, open)
	case err != nil:
		return again, err
	}
	e := &explanation{keeper: k, x: x, scan: s, now: now}
	if err := e.read(ctx); err != nil {
		return again, err
	}
	rank := map[string]int{} // within each account, the most severe first
	of := map[string][]store.Question{}
	var accounts []string
	for _, q := range questions {
		account := q.Finding.Resource.Account
		n := rank[account]
		rank[account]++
		if !slices.ContainsFunc(open, func(o store.Question) bool { return o.ID == q.ID }) {
			continue
		}
		if n >= cause.Most {
			if err := e.keep(ctx, q, cause.Cause{Status: cause.NotLookedUp, Detail: fmt.Sprintf("of a scan the %d most severe findings of an account are looked up", cause.Most)}); err != nil {
				return again, err
			}
			continue
		}
		if of[account] == nil {
			accounts = append(accounts, account)
		}
		of[account] = append(of[account], q)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(accountsAtOnce)
	for _, account := range accounts {
		g.Go(func() error { return e.account(ctx, account, of[account]) })
	}
	if err := g.Wait(); err != nil {
		return again, err
	}
	k.log.Info("causes looked up", "scan", s.ID, "stream", s.Stream, "found", e.found, "provisional", e.provisional, "of", len(open))
	if e.provisional > 0 {
		again = e.until.Add(cause.Settle)
	}
	return again, nil
}

// giveUp says of what nobody could look up in time that it is not known. What was found is final.
func (k *keeper) giveUp(ctx context.Context, open []store.Question) error {
	for _, q := range open {
		c := cause.Cause{Status: cause.NotLookedUp, Detail: "nobody could look within a day"}
		if len(q.Cause) > 0 {
			if err := json.Unmarshal(q.Cause, &c); err != nil {
				return err
			}
			c.Provisional = false
		}
		text, err := json.Marshal(c)
		if err == nil {
			err = k.store.Explain(ctx, q.ID, text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// An explanation looks up the causes of one scan.
type explanation struct {
	*keeper
	x    *scanning
	scan store.Scan
	now  time.Time

	before   store.Scan // the one that saw all fine
	until    time.Time  // when the scan had read everything
	places   []model.Place
	readings []store.Reading

	counts      sync.Mutex
	found       int
	provisional int
}

// read fetches what is known of the scan and of the one before.
func (e *explanation) read(ctx context.Context) (err error) {
	if e.before, err = e.store.Before(ctx, e.scan.ID); err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if e.readings, err = e.store.Readings(ctx, e.scan.ID); err != nil {
		return err
	}
	var head struct {
		Scan struct {
			Finished time.Time
			Read     []model.Place
		}
	}
	if err := json.Unmarshal(e.scan.Head, &head); err != nil {
		return fmt.Errorf("what the scan says of itself: %w", err)
	}
	e.until, e.places = head.Scan.Finished, head.Scan.Read
	return nil
}

// account looks up what happened in one account.
func (e *explanation) account(ctx context.Context, id string, questions []store.Question) error {
	fail := func(c cause.Cause) error {
		for _, q := range questions {
			if err := e.keep(ctx, q, c); err != nil {
				return err
			}
		}
		return nil
	}
	i := slices.IndexFunc(e.readings, func(r store.Reading) bool { return r.Account == id })
	if i < 0 {
		return fail(cause.Cause{Status: cause.NotLookedUp, Detail: "account " + id + " is none that the scan has entered"})
	}
	var enter entry
	if err := json.Unmarshal(e.readings[i].Enter, &enter); err != nil {
		return err
	}
	late := !e.now.Before(e.until.Add(cause.Settle))
	a, err := e.x.enter(ctx, id, enter)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fail(cause.Cause{Status: cause.Failed, Detail: e.x.attribution.Discreet(fmt.Sprintf("account %s cannot be entered: %s", id, err)), Provisional: !late})
	case a.gap != nil:
		return fail(cause.Cause{Status: cause.Failed, Detail: e.x.attribution.Discreet(fmt.Sprintf("account %s cannot be entered: %s", id, a.gap.Detail)), Provisional: !late})
	}
	partition, _ := session.PartitionNamed(a.sess.Partition)
	var regions []string
	for _, p := range e.places {
		if p.Account == id && p.Region != "" && p.Region != model.AnyRegion {
			regions = append(regions, p.Region)
		}
	}
	items := make([]cause.Item, len(questions))
	for i, q := range questions {
		since, err := e.since(ctx, q)
		if err != nil {
			return err
		}
		items[i] = cause.Item{Subject: e.subject(q), Since: since, Started: e.scan.Started, Until: e.until}
	}
	history := &cloudtrail.History{Config: a.sess.Config}
	l := &cause.Lookup{Account: id, Regions: regions, Home: partition.Home, Mode: e.x.attribution, Pipelines: e.x.sel.conf.all().Pipelines.Globs, Now: e.now, Ask: history.Ask}
	err = l.Run(ctx, items, func(i int, c cause.Cause) error { return e.keep(ctx, questions[i], c) })
	sent, throttled := counts([]account{a})
	e.mu.Lock()
	e.calls, e.throttled = e.calls+int64(sent), e.throttled+int64(throttled)
	e.mu.Unlock()
	return err
}

// keep keeps a cause as soon as it is known: who goes on need not ask again.
func (e *explanation) keep(ctx context.Context, q store.Question, c cause.Cause) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	e.counts.Lock()
	if c.Status == cause.Found {
		e.found++
	}
	if c.Provisional {
		e.provisional++
	}
	e.counts.Unlock()
	return e.store.Explain(ctx, q.ID, text)
}

// subject returns the resource of a finding, with what its rule reads of it.
func (e *explanation) subject(q store.Question) cause.Subject {
	r := q.Finding.Resource
	s := cause.Subject{ID: r.ID, ARN: r.ARN, Name: r.Name, Account: r.Account, Region: r.Region}
	i := slices.IndexFunc(e.x.picked, func(r engine.Rule) bool {
		return r.ID == q.Finding.Rule || slices.Contains(r.Formerly, q.Finding.Rule)
	})
	if i < 0 {
		return s
	}
	rule := &e.x.picked[i]
	s.Type = rule.Check.Subject.Name
	for _, read := range rule.Needs() {
		if attribute, own := strings.CutPrefix(read, s.Type+"."); own {
			s.Attributes = append(s.Attributes, attribute)
			continue
		}
		parts := strings.Split(read, ".") // service, type and attribute
		if other := strings.Join(parts[:min(2, len(parts))], "."); other != s.Type && !slices.Contains(s.Others, other) {
			s.Others = append(s.Others, other)
		}
	}
	return s
}

// since returns when the last scan began that saw the finding fine, or did not see it. What is new or back was not there in the scan before; what has
// become more severe may have been out of sight since an earlier one.
func (e *explanation) since(ctx context.Context, q store.Question) (time.Time, error) {
	if q.Type != store.Escalated {
		return e.before.Started, nil
	}
	events, err := e.store.History(ctx, q.Stream, q.Identity)
	if err != nil {
		return time.Time{}, err
	}
	for _, x := range slices.Backward(events) {
		if x.ID >= q.ID || x.Type == store.Waived || x.Type == store.WaiverEnded {
			continue
		}
		if x.Type != store.NoLongerAssessed {
			break
		}
		before, err := e.store.Before(ctx, x.Scan)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return time.Time{}, err
		}
		return before.Started, nil
	}
	return e.before.Started, nil
}

func attributionFlag(f *pflag.FlagSet, mode *string) {
	f.StringVar(mode, "attribution", "", "also what looking up takes who changed what: role or full, not off (default role if the settings have schedules, as scanner serve does so)")
	f.Lookup("attribution").NoOptDefVal = string(cause.Role)
}

// attributionOf says whether a command is about looking up who changed what: as its flag says, or else the settings of what is scanned by schedule.
func attributionOf(flag string, s *configured) (on bool, err error) {
	if flag != "" {
		if err := oneOf("--attribution", flag, cause.Modes); err != nil {
			return false, err
		}
	}
	by := map[bool]cause.Mode{true: cause.Role, false: cause.Off}[len(s.all().Schedules) > 0]
	return cause.Mode(cmp.Or(flag, string(by))) != cause.Off, nil
}
