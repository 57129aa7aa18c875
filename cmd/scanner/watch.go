package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/spf13/cobra"

	"awsscanner/internal/cause"
	"awsscanner/internal/collect"
	"awsscanner/internal/collect/session"
	"awsscanner/internal/config"
	"awsscanner/internal/demo"
	"awsscanner/internal/engine"
	"awsscanner/internal/jobs"
	"awsscanner/internal/model"
	"awsscanner/internal/model/kinds"
	"awsscanner/internal/report"
	"awsscanner/internal/server"
	"awsscanner/internal/store"
)

// A keeper scans accounts again and again, for scanner serve and worker.
type keeper struct {
	store  *store.Store
	files  []string // of the settings
	latest *latest  // what they say; nil if nobody looks at pages
	demo   bool
	log    *slog.Logger
	gate   *collect.Gate             // of all that this process reads
	tell   func(ctx context.Context) // people, until the context ends; nil if somebody else does
	now    func() time.Time          // for what is looked up; nil for the clock

	metrics *server.Metrics // nil if nobody looks at them

	mu        sync.Mutex
	last      map[string]json.RawMessage // settings of each schedule, as they could be read last
	keeps     store.Retention            // as it could be read last
	pruned    time.Time
	progress  map[string]*collect.Progress // of what this process reads, by scan and account
	calls     int64                        // sent by readings that have ended
	throttled int64
}

// Settings go along with a scan, so that any machine reads and judges it alike: the texts of the files, and whether it is the demonstration.
type watchSettings struct {
	Demo  bool              `json:"demo,omitempty"`
	Files []string          `json:"files"` // in their order
	Texts map[string]string `json:"texts"` // of these, and of the waivers
}

// settingsOf gathers what a scan with some files is to do.
func (k *keeper) settingsOf(files []string) (json.RawMessage, error) {
	s := watchSettings{Demo: k.demo, Files: files, Texts: map[string]string{}}
	x, err := readScanning(files, nil, k.demo)
	if err != nil {
		return nil, err
	}
	for _, name := range append(slices.Clone(files), x.sel.conf.waivers) {
		if name == "" {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, usage("%s cannot be read: %s", name, osText(err))
		}
		s.Texts[name] = string(text)
	}
	return json.Marshal(s)
}

// A scanning is what a scan reads and how it judges: what scanner scan would do with the same settings.
type scanning struct {
	src    source
	sel    selection
	picked []engine.Rule
	params tuning
	tags   bool
	plan   *collect.Plan

	attribution cause.Mode
}

// readScanning reads settings as scanner scan does, from files or from texts that came along.
func readScanning(files []string, texts map[string]string, demo bool) (*scanning, error) {
	x := &scanning{}
	c := &cobra.Command{Use: "scan"}
	c.SetErr(io.Discard)
	f := c.Flags()
	x.src.flags(f)
	x.src.accountFlags(f)
	f.DurationVar(&x.src.timeout, "timeout", 0, "")
	x.sel.flags(f)
	x.sel.conf.waiverFlag(f)
	f.StringVar((*string)(&x.attribution), "attribution", string(cause.Role), "")
	if demo {
		f.Set("demo", "true")
	}
	x.sel.conf.files, x.sel.conf.none, x.sel.conf.texts = files, len(files) == 0, texts
	if err := x.sel.conf.read(c); err != nil {
		return nil, err
	}
	if err := x.src.check(); err != nil {
		return nil, err
	}
	var err error
	if x.picked, x.params, err = x.sel.pick(); err != nil {
		return nil, err
	}
	x.tags = x.sel.conf.needTags() || x.sel.conf.all().Notifications.NeedsTags()
	x.plan, err = planFor(x.picked, x.tags)
	return x, err
}

// unpack makes of what goes along with a scan what the scan does.
func unpack(raw json.RawMessage) (*scanning, error) {
	var s watchSettings
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("what goes along with the scan: %w", err)
	}
	if s.Texts == nil {
		s.Texts = map[string]string{}
	}
	return readScanning(s.Files, s.Texts, s.Demo)
}

// An entry says how to get into an account.
type entry struct {
	Profile string     `json:"profile,omitempty"`
	Role    string     `json:"role,omitempty"`
	Name    string     `json:"name,omitempty"`  // in the organization
	Gap     *model.Gap `json:"gap,omitempty"`   // why it could not be entered, if nobody knows how to try again
	Whole   bool       `json:"whole,omitempty"` // of the first: none of the active accounts of the organization is left out
	Left    []leftOut  `json:"left,omitempty"`  // of the first: those that are
}

type leftOut struct {
	ID  string `json:"id"`
	Why string `json:"why"`
}

func (k *keeper) work() jobs.Work {
	return jobs.Work{Plan: k.planScan, Read: k.readAccount, Judge: k.judge, Explain: k.explain, Due: k.due, Tick: k.tick}
}

// due begins what a schedule says. Settings that cannot be read now, as somebody is writing them or has made a mistake, do not end the watch: the
// scan goes by those that could be read last.
func (k *keeper) due(name string) (store.Scan, error) {
	x, err := k.dueNow(name)
	k.mu.Lock()
	defer k.mu.Unlock()
	switch last := k.last[name]; {
	case err == nil:
		if k.last == nil {
			k.last = map[string]json.RawMessage{}
		}
		k.last[name] = x.Settings
	case last != nil:
		k.log.Error("the settings cannot be read: this scan goes by those that could be read last", "schedule", name, "error", err)
		return store.Scan{Stream: name, Cause: "schedule", Settings: last}, nil
	}
	return x, err
}

func (k *keeper) dueNow(name string) (store.Scan, error) {
	cfg, err := config.Load(k.files, nil, settings(nil))
	if err != nil {
		return store.Scan{}, mistakes(err)
	}
	for _, s := range cfg.Schedules {
		if s.Name == name {
			return k.scanOf(s, "schedule")
		}
	}
	k.mu.Lock()
	delete(k.last, name) // it was taken out on purpose
	k.mu.Unlock()
	return store.Scan{}, fmt.Errorf("there is no schedule %s any more", name)
}

// scanOf returns a scan to begin.
func (k *keeper) scanOf(s config.Planned, cause string) (store.Scan, error) {
	settings, err := k.settingsOf(slices.Concat(k.files, s.Config))
	return store.Scan{Stream: s.Name, Cause: cause, Settings: settings}, err
}

// planScan finds the accounts of a scan.
func (k *keeper) planScan(ctx context.Context, s store.Scan) (all []store.Reading, err error) {
	x, err := unpack(s.Settings)
	if err != nil {
		return nil, err
	}
	x.src.done = k.called(s.ID, "")
	roster, err := x.src.accounts(ctx)
	if err != nil {
		return nil, err
	}
	for i, a := range roster.all {
		e := entry{Name: a.name}
		switch {
		case len(x.src.profiles) > 1:
			e.Profile = x.src.profiles[i]
		case len(x.src.profiles) == 1:
			e.Profile = x.src.profiles[0]
		}
		switch {
		case x.src.org && a.sess != roster.base:
			e.Role = fmt.Sprintf("arn:%s:iam::%s:role/%s", roster.base.Partition, a.id, x.src.orgRole)
		case len(x.src.roles) > 0:
			e.Role = x.src.roles[i]
		case a.sess == nil:
			e.Gap = a.gap
		}
		if i == 0 {
			e.Whole = roster.whole
			for _, l := range roster.left {
				e.Left = append(e.Left, leftOut{l.ID, l.Why})
			}
		}
		enter, err := json.Marshal(e)
		if err != nil {
			return nil, err
		}
		all = append(all, store.Reading{Account: a.id, Enter: enter})
	}
	return all, nil
}

// enter gets into one account. That it cannot is a gap.
func (x *scanning) enter(ctx context.Context, id string, e entry) (account, error) {
	if e.Gap != nil {
		return account{id: id, name: e.Name, gap: e.Gap}, nil
	}
	agent := x.src.agent()
	base, err := x.src.open(ctx, e.Profile, agent, nil)
	if err != nil {
		return account{}, err
	}
	if e.Role == "" {
		return account{id: base.Account, name: e.Name, sess: base}, nil
	}
	role := x.src.roleAt(e.Role)
	sess, err := base.Assume(ctx, role)
	if err != nil {
		return account{id: id, name: e.Name, gap: session.AssumeGap(role, err)}, nil
	}
	return account{id: sess.Account, name: e.Name, sess: sess}, nil
}

// readAccount reads one account of a scan, and keeps each cell as soon as it is read.
func (k *keeper) readAccount(ctx context.Context, s store.Scan, r store.Reading) (store.Reading, error) {
	x, err := unpack(s.Settings)
	if err != nil {
		return r, err
	}
	x.src.done = k.called(s.ID, r.Account)
	var e entry
	if err := json.Unmarshal(r.Enter, &e); err != nil {
		return r, err
	}
	if x.src.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, x.src.timeout)
		defer cancel()
	}
	a, err := x.enter(ctx, r.Account, e)
	if err != nil {
		return r, err
	}
	start := s.Started
	if x.src.demo {
		start = demo.Start
	}
	places, dark, h, err := x.src.places(ctx, []account{a}, start)
	if err != nil {
		return r, err
	}
	others, err := k.store.Readings(ctx, s.ID)
	if err != nil {
		return r, err
	}
	known, err := k.store.Cells(ctx, s.ID, r.Account, kinds.All)
	if err != nil {
		return r, err
	}
	ctx, broken := context.WithCancelCause(ctx)
	defer broken(nil)
	put := func(c engine.Cell) {
		if err := k.putCell(ctx, s.ID, c); err != nil {
			broken(fmt.Errorf("keeping what was read: %w", err))
		}
	}
	partition, _ := session.PartitionNamed(h.Partition)
	var rest []engine.Cell
	switch {
	case a.sess == nil:
		rest = append(rest, x.plan.Lost(r.Account, a.gap, partition.Lacks))
	case len(places[0]) == 0:
		rest = append(rest, x.plan.Lost(r.Account, &model.Gap{Reason: model.OutsideScan, Detail: "the account has none of the regions that --regions names"}, partition.Lacks))
	default:
		defer k.forget(s.ID, r.Account)
		reading := &collect.Reading{Plan: x.plan, Gate: k.gate, Known: known, Finished: put, Progress: k.follow(s.ID, r.Account),
			Others: func(id string) bool {
				return slices.ContainsFunc(others, func(o store.Reading) bool { return o.Account == id })
			}}
		reading.Run(ctx, places[0], nil)
	}
	if dark[0] != nil {
		rest = append(rest, x.plan.Unlisted(r.Account, dark[0], partition.Lacks))
	}
	for _, c := range rest {
		put(c)
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.DeadlineExceeded) { // a timeout is a gap; anything else ends the reading, for somebody to go on
		return r, cause
	}
	r.Calls, r.Throttled = counts([]account{a})
	k.mu.Lock()
	k.calls, k.throttled = k.calls+int64(r.Calls), k.throttled+int64(r.Throttled)
	k.mu.Unlock()
	r.Header, err = json.Marshal(h)
	return r, err
}

// follow returns what counts the progress of a reading.
func (k *keeper) follow(scan, account string) *collect.Progress {
	p := &collect.Progress{}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.progress == nil {
		k.progress = map[string]*collect.Progress{}
	}
	k.progress[scan+" "+account] = p
	return p
}

func (k *keeper) forget(scan, account string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.progress, scan+" "+account)
}

// putCell keeps a cell. What was read is not lost because the database is away for a while, or its disk is full for a while.
func (k *keeper) putCell(ctx context.Context, scan string, c engine.Cell) error {
	put := func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		return k.store.PutCell(ctx, scan, c)
	}
	for wait := 100 * time.Millisecond; ; wait *= 2 {
		err := put()
		if err == nil || errors.Is(err, store.ErrLost) || wait > time.Minute { // two minutes in all
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

// judge puts together what was read of all accounts, judges and records it.
func (k *keeper) judge(ctx context.Context, s store.Scan) error {
	x, err := unpack(s.Settings)
	if err != nil {
		return err
	}
	readings, err := k.store.Readings(ctx, s.ID)
	if err != nil {
		return err
	}
	start := s.Started
	if x.src.demo {
		start = demo.Start
	}
	h, roster, end := engine.Header{}, roster{}, engine.End{Finished: time.Now().UTC().Truncate(time.Second)}
	for i, r := range readings {
		var part engine.Header
		var e entry
		if err := errors.Join(json.Unmarshal(r.Header, &part), json.Unmarshal(r.Enter, &e)); err != nil {
			return fmt.Errorf("what was read of account %s: %w", r.Account, err)
		}
		h.Partition, h.Caller = cmp.Or(h.Partition, part.Partition), cmp.Or(h.Caller, part.Caller)
		h.Read, h.Unread, h.Skipped = append(h.Read, part.Read...), append(h.Unread, part.Unread...), append(h.Skipped, part.Skipped...)
		end.Calls, end.Throttled = end.Calls+r.Calls, end.Throttled+r.Throttled
		roster.all = append(roster.all, account{id: r.Account, name: e.Name})
		if i == 0 {
			roster.whole = e.Whole
			for _, l := range e.Left {
				roster.left = append(roster.left, session.Left{Member: session.Member{ID: l.ID}, Why: l.Why})
			}
		}
	}
	roster.describe(&h, x.plan, x.picked, x.params, x.tags, start)
	file, err := os.CreateTemp("", "scanner-*.journal")
	if err != nil {
		return errors.New(osText(err))
	}
	defer file.Close()
	os.Remove(file.Name()) // it stays until it is closed
	j, err := engine.NewJournal(file, h, kinds.All, false)
	if err != nil {
		return err
	}
	for _, r := range readings {
		cells, err := k.store.Cells(ctx, s.ID, r.Account, kinds.All)
		if err != nil {
			return err
		}
		for _, c := range cells {
			if err := j.Append(c); err != nil {
				return err
			}
		}
	}
	open := func() (io.ReadCloser, error) {
		r, err := j.Snapshot(end)
		return io.NopCloser(r), err
	}
	scan, err := engine.OpenScan(open, kinds.All)
	if err != nil {
		return err
	}
	return k.record(ctx, s, x, scan, open)
}

// record judges a scan, and records what it has found.
func (k *keeper) record(ctx context.Context, s store.Scan, x *scanning, scan *engine.Scan, open func() (io.ReadCloser, error)) error {
	var o report.Options
	var warnings strings.Builder
	x.sel.conf.people(&o)(scan.Start, &warnings)
	for line := range strings.Lines(warnings.String()) {
		k.log.Warn(strings.TrimSpace(strings.TrimPrefix(line, "scanner: ")), "scan", s.ID)
	}
	var err error
	if o.Baseline, err = k.store.Baseline(ctx, s.Stream); err != nil {
		return err
	}
	r, err := report.New(version, scan, x.picked, o)
	if err != nil {
		return err
	}
	snapshot, err := open()
	if err != nil {
		return err
	}
	defer snapshot.Close()
	packed, into := io.Pipe()
	defer packed.Close()
	go func() {
		z, err := zstd.NewWriter(into)
		if err == nil {
			_, err = io.Copy(z, snapshot)
			err = errors.Join(err, z.Close())
		}
		into.CloseWithError(err)
	}()
	if err := k.store.Record(ctx, s.ID, r, packed, time.Now().UTC()); err != nil {
		return err
	}
	if k.metrics != nil && !s.Started.IsZero() {
		k.metrics.Scanned(time.Since(s.Started))
	}
	k.log.Info("scan done", "scan", s.ID, "stream", s.Stream, "accounts", len(r.Accounts()), "failures", maps.Clone(r.Failures), "cells", r.Cells, "blind", r.Blind)
	return nil
}

// recordScan records a scan that was made by hand.
func recordScan(db *store.Store, stream string, sel *selection, picked []engine.Rule, read *reading) error {
	ctx := context.Background() // what was read is recorded even if somebody wants to end
	k := &keeper{store: db, log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	s := store.Scan{ID: store.NewID(), Stream: stream, Cause: "command", Created: time.Now().UTC()}
	if err := db.Begin(ctx, s); err != nil {
		return err
	}
	if _, err := db.Start(ctx, s.ID, s.Created); err != nil {
		return err
	}
	open := func() (io.ReadCloser, error) {
		if read.journal != nil && read.journal.err == nil {
			return read.journal.open()
		}
		var b bytes.Buffer
		err := read.one.Save(&b)
		return io.NopCloser(&b), err
	}
	for {
		err := k.record(ctx, s, &scanning{sel: *sel, picked: picked}, read.scan, open)
		if errors.Is(err, store.ErrOvertaken) {
			continue
		}
		if err != nil {
			return errors.Join(err, db.End(ctx, s.ID, store.Failed, err.Error(), time.Now()))
		}
		return nil
	}
}

// tick drops once an hour what need not be kept. While the settings cannot be read, what they said before holds.
func (k *keeper) tick(ctx context.Context) error {
	keeps, err := k.retention()
	k.mu.Lock()
	now := time.Now()
	early := now.Sub(k.pruned).Abs() < time.Hour
	if err == nil {
		k.keeps = keeps
	}
	known := k.keeps != store.Retention{}
	if keeps = k.keeps; known && !early {
		k.pruned = now
	}
	k.mu.Unlock()
	if !known {
		return err
	}
	if early {
		return nil
	}
	_, err = k.store.Prune(ctx, keeps, now)
	return err
}

func (k *keeper) retention() (store.Retention, error) {
	cfg, err := config.Load(k.files, nil, settings(nil))
	if err != nil {
		return store.Retention{}, err
	}
	days := func(given, otherwise int) time.Duration {
		return time.Duration(cmp.Or(given, otherwise)) * 24 * time.Hour
	}
	return store.Retention{Snapshots: cmp.Or(cfg.Retention.Snapshots, 10), Scans: days(int(cfg.Retention.Scans), 400), Fixed: days(int(cfg.Retention.Fixed), 400)}, nil
}
