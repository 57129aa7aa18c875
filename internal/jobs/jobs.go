// Package jobs carries out scans by a queue: one job for each account, on as many machines as share a database. What queue and leader
// do is River's; who reads an account, and what he has read, the store knows, so that another one goes on when he is gone.
package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"awsscanner/internal/store"
)

// A Work does what the jobs are about.
type Work struct {
	// Plan finds out which accounts a scan reads. An error ends the scan, after a few tries.
	Plan func(ctx context.Context, s store.Scan) ([]store.Reading, error)
	// Read reads one account, keeps its cells in the store, and returns the header and the counts of its reading. What fails on the way
	// is a gap. An error means that nothing could be read or kept: it is tried again.
	Read func(ctx context.Context, s store.Scan, r store.Reading) (store.Reading, error)
	// Judge puts together what was read, judges it and records it.
	Judge func(ctx context.Context, s store.Scan) error
	// Due says what a schedule scans: a scan to begin, without ID.
	Due func(schedule string) (store.Scan, error)
	// Explain looks up what caused the events of a scan that is done, and says when to look again: never, if the time is zero. An error
	// means that it has to be tried again. It may be nil.
	Explain func(ctx context.Context, s store.Scan) (again time.Time, err error)
	// Tick is done from time to time by one of all keepers: announcements, retention.
	Tick func(ctx context.Context) error
}

// Options say how jobs are carried out.
type Options struct {
	Holder    string            // names this process among all: its readings are held under it
	AtOnce    int               // accounts that are read side by side; 0 for none, on a machine that only schedules
	Keeper    bool              // it follows schedules and ticks; others only work, and know nothing of settings
	Schedules func() []Schedule // as the settings have them now: they may change; nil for none
	Lease     time.Duration     // how long a reading is held without a word of its holder; 0 for a minute
	Log       *slog.Logger
	Now       func() time.Time // for the store; nil for the clock
}

// A Queue is a running client.
type Queue struct {
	store  *store.Store
	work   Work
	o      Options
	client client
	close  func()

	stopFollowing context.CancelFunc
	following     sync.WaitGroup
}

// A client is River's, whose type depends on the driver of the database.
type client interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
	StopAndCancel(ctx context.Context) error
	Insert(ctx context.Context, args river.JobArgs, opts *river.InsertOpts) (*rivertype.JobInsertResult, error)
	JobList(ctx context.Context, params *river.JobListParams) (*river.JobListResult, error)
}

// tries is how often a job is tried before its scan is given up.
const tries = 8

// New prepares a queue on the database of a store; address is what the store was opened with.
func New(ctx context.Context, s *store.Store, address string, w Work, o Options) (*Queue, error) {
	if o.Lease == 0 {
		o.Lease = time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	q := &Queue{store: s, work: w, o: o, close: func() {}, stopFollowing: func() {}}
	workers := river.NewWorkers()
	for _, err := range []error{
		river.AddWorkerSafely(workers, &scanWorker{q: q}), river.AddWorkerSafely(workers, &accountWorker{q: q}), river.AddWorkerSafely(workers, &judgeWorker{q: q}),
		river.AddWorkerSafely(workers, &sweepWorker{q: q}), river.AddWorkerSafely(workers, &tickWorker{q: q}), river.AddWorkerSafely(workers, &causesWorker{q: q}),
	} {
		if err != nil {
			return nil, err
		}
	}
	config := &river.Config{
		Workers: workers, Logger: slog.New(warnings{o.Log.Handler()}), MaxAttempts: tries,
		JobTimeout: oldest, RescueStuckJobsAfter: oldest + time.Hour, // leases tell sooner that somebody is gone
		Queues:       map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 4}},
		PeriodicJobs: q.periodic(),
	}
	if o.Keeper {
		config.Queues["keeper"] = river.QueueConfig{MaxWorkers: 1}
	}
	if o.AtOnce > 0 {
		config.Queues["accounts"] = river.QueueConfig{MaxWorkers: o.AtOnce}
		config.Queues["causes"] = river.QueueConfig{MaxWorkers: 1} // of its own, so that no scan waits for it
	}
	if o.Holder != "" {
		config.ID = o.Holder
	}
	var err error
	if s.Postgres() {
		pool, err := pgxpool.New(ctx, address)
		if err != nil {
			return nil, fmt.Errorf("the queue cannot reach %s", s.Name()) // err may tell the password
		}
		q.close = pool.Close
		if q.client, err = open(ctx, s, riverpgxv5.New(pool), config); err != nil {
			pool.Close()
			return nil, err
		}
		return q, nil
	}
	config.FetchPollInterval = 200 * time.Millisecond
	q.client, err = open[*sql.Tx](ctx, s, riversqlite.New(s.DB), config)
	return q, err
}

// warnings leaves out what River tells every few seconds, and when it ends.
type warnings struct{ slog.Handler }

func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}
func (w warnings) Handle(ctx context.Context, r slog.Record) error {
	ended := false // that something was broken off because this process ends is no news
	r.Attrs(func(a slog.Attr) bool {
		ended = ended || strings.Contains(a.Value.String(), context.Canceled.Error())
		return !ended
	})
	if ended {
		return nil
	}
	return w.Handler.Handle(ctx, r)
}
func (w warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{w.Handler.WithAttrs(attrs)}
}
func (w warnings) WithGroup(name string) slog.Handler { return warnings{w.Handler.WithGroup(name)} }

// open brings River's tables up to date and makes its client.
func open[TTx any](ctx context.Context, s *store.Store, driver riverdriver.Driver[TTx], config *river.Config) (client, error) {
	m, err := rivermigrate.New(driver, nil)
	if err != nil {
		return nil, err
	}
	err = s.Migrating(ctx, func() error {
		_, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("bringing the tables of the queue up to date: %w", err)
	}
	return river.NewClient(driver, config)
}

// Start begins to carry out jobs, until Stop.
func (q *Queue) Start(ctx context.Context) error {
	if !q.store.Postgres() { // a file has one service: what an earlier one was at is read on at once
		_, unled := q.store.DB.ExecContext(ctx, `DELETE FROM river_leader`)
		if err := errors.Join(q.store.DropAll(ctx), q.sweep(ctx, true), unled); err != nil {
			return err
		}
	} else if _, err := q.store.DB.ExecContext(ctx, `DELETE FROM river_leader WHERE expires_at > now() + interval '1 hour'`); err != nil {
		return err // who led by a clock that was ahead, and is gone, would lead until then
	}
	var schedules []Schedule
	if q.o.Schedules != nil {
		schedules = q.o.Schedules()
	}
	from, err := q.since(ctx, schedules)
	if err != nil {
		return err
	}
	if err := q.client.Start(ctx); err != nil {
		return err
	}
	following, stop := context.WithCancel(ctx)
	q.stopFollowing = stop
	if q.o.Schedules != nil {
		q.following.Go(func() { q.follow(following, schedules, from) })
	}
	return nil
}

// Stop waits until what runs has ended, but no longer than the context lets it: then it is broken off, and others go on with it.
func (q *Queue) Stop(ctx context.Context) error {
	q.stopFollowing()
	q.following.Wait()
	err := q.client.Stop(ctx)
	if ctx.Err() != nil {
		hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err = q.client.StopAndCancel(hard)
	}
	q.close()
	return err
}

// ErrUnderWay says that a stream is being scanned.
var ErrUnderWay = errors.New("a scan of the stream is under way")

// errBegun says that another process has begun the scan of this time of a schedule.
var errBegun = errors.New("the scan was begun by somebody else")

// Begin begins a scan, unless one of its stream is under way, and returns its ID.
func (q *Queue) Begin(ctx context.Context, s store.Scan) (string, error) {
	now := q.o.Now().UTC()
	open, err := q.store.Unfinished(ctx)
	if err != nil {
		return "", err
	}
	for _, other := range open {
		if old, err := q.giveUp(ctx, other, now); err != nil {
			return "", err
		} else if old {
			continue
		}
		if other.Stream == s.Stream && other.Cause != "command" {
			return other.ID, q.underWay(other, s)
		}
	}
	s.ID, s.Created = store.NewID(), now
	if err := q.store.Begin(ctx, s); errors.Is(err, store.ErrOpen) { // by somebody else, since
		if open, err = q.store.Unfinished(ctx); err != nil {
			return "", err
		}
		for _, other := range open {
			if other.Stream == s.Stream && other.Cause != "command" {
				return other.ID, q.underWay(other, s)
			}
		}
		return "", errBegun
	} else if err != nil {
		return "", err
	}
	if _, err := q.client.Insert(ctx, scanArgs{Scan: s.ID}, nil); err != nil {
		q.o.Log.Warn("a scan waits to be taken up", "scan", s.ID, "error", err)
	}
	return s.ID, nil
}

func (q *Queue) underWay(other, s store.Scan) error {
	if !s.Due.IsZero() && other.Due.Equal(s.Due) {
		return errBegun
	}
	return ErrUnderWay
}

// oldest is how long after its begin a scan may go on: later, what was read first may no longer be so.
const oldest = 24 * time.Hour

// giveUp ends a scan that nobody will end: one that is older than a day and that nobody is at, or that somebody recorded by hand who is gone.
func (q *Queue) giveUp(ctx context.Context, s store.Scan, now time.Time) (bool, error) {
	age := now.Sub(s.Created)
	if s.Cause == "command" {
		if age < time.Hour {
			return false, nil
		}
		return true, q.store.End(ctx, s.ID, store.Failed, "the process that recorded it has ended without a word", now)
	}
	if age < oldest {
		return false, nil
	}
	if held, err := q.store.AtWork(ctx, s.ID, now); err != nil || held {
		return false, err
	}
	why := fmt.Sprintf("it was begun %s ago, nobody is at it, and what it has read may no longer be so", age.Truncate(time.Hour))
	if s.Failure != "" {
		why += "; what failed last: " + s.Failure
	}
	return true, q.store.End(ctx, s.ID, store.Failed, why, now)
}

// Cancel ends a scan: those who read its accounts hear of it within a lease.
func (q *Queue) Cancel(ctx context.Context, scan, why string) error {
	s, err := q.store.Scan(ctx, scan)
	if err != nil {
		return err
	}
	if s.State.Over() {
		return fmt.Errorf("scan %s is %s already", scan, s.State)
	}
	return q.store.End(ctx, scan, store.Cancelled, why, q.o.Now())
}

// Depth counts the jobs of the queue by state.
func (q *Queue) Depth(ctx context.Context) (map[rivertype.JobState]int, error) {
	depth, _, err := q.Waiting(ctx)
	return depth, err
}

// Waiting counts the jobs of the queue by state, and tells since when the first one waits that could be carried out; zero if none does.
func (q *Queue) Waiting(ctx context.Context) (depth map[rivertype.JobState]int, oldest time.Time, err error) {
	states := []rivertype.JobState{rivertype.JobStateAvailable, rivertype.JobStateRunning, rivertype.JobStateRetryable, rivertype.JobStateScheduled}
	depth = map[rivertype.JobState]int{}
	result, err := q.client.JobList(ctx, river.NewJobListParams().States(states...).First(10_000))
	if err != nil {
		return nil, oldest, err
	}
	for _, state := range states {
		depth[state] = 0
	}
	for _, job := range result.Jobs {
		depth[job.State]++
		if at := job.ScheduledAt; job.State == rivertype.JobStateAvailable && (oldest.IsZero() || at.Before(oldest)) {
			oldest = at
		}
	}
	return depth, oldest, nil
}

type scanArgs struct {
	Scan  string `json:"scan"`
	Again int64  `json:"again,omitempty"` // set when the job before was lost: another one
}

func (scanArgs) Kind() string { return "scan" }

// A scanWorker divides a scan into accounts.
type scanWorker struct {
	river.WorkerDefaults[scanArgs]
	q *Queue
}

func (w *scanWorker) Work(ctx context.Context, job *river.Job[scanArgs]) error {
	q := w.q
	s, err := q.store.Scan(ctx, job.Args.Scan)
	if err != nil || s.State.Over() {
		return err
	}
	if s.Started, err = q.store.Start(ctx, s.ID, q.o.Now().UTC().Truncate(time.Second)); err != nil {
		return err
	}
	s.State = store.Running
	holder := q.holder(job.JobRow)
	dividing, stop, taken, err := q.holdScan(ctx, s.ID, holder)
	if err != nil || !taken { // somebody else is at it: if he is lost, the sweep will tell
		return err
	}
	accounts, err := q.divide(dividing, s)
	stop()
	if lost := context.Cause(dividing); errors.Is(lost, store.ErrLost) {
		return nil
	}
	if err != nil {
		return q.failed(ctx, s.ID, job.JobRow, fmt.Errorf("finding the accounts to read: %w", err))
	}
	for _, a := range accounts {
		if _, err := q.client.Insert(ctx, accountArgs{Scan: s.ID, Account: a.Account}, unique("accounts")); err != nil {
			return err
		}
	}
	return nil
}

// divide finds the accounts of a scan, unless somebody has done so already.
func (q *Queue) divide(ctx context.Context, s store.Scan) ([]store.Reading, error) {
	accounts, err := q.store.Readings(ctx, s.ID)
	if err == nil && len(accounts) == 0 {
		if accounts, err = q.work.Plan(ctx, s); err == nil {
			err = q.store.Divide(ctx, s.ID, accounts)
		}
	}
	return accounts, err
}

// holder names an attempt at a job among all.
func (q *Queue) holder(job *rivertype.JobRow) string {
	return fmt.Sprintf("%s/%d/%d", q.o.Holder, job.ID, job.Attempt)
}

// holdScan holds a scan until it is told to stop. The context that it returns ends when the scan is lost.
func (q *Queue) holdScan(ctx context.Context, scan, holder string) (held context.Context, stop func(), taken bool, err error) {
	take := func(ctx context.Context) error {
		now := q.o.Now()
		taken, err := q.store.TakeScan(ctx, scan, holder, now, now.Add(q.o.Lease))
		if err == nil && !taken {
			err = store.ErrLost
		}
		return err
	}
	if err := take(ctx); errors.Is(err, store.ErrLost) {
		return nil, nil, false, nil
	} else if err != nil {
		return nil, nil, false, err
	}
	held, lose := context.WithCancelCause(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() { q.renew(held, func() error { return take(held) }, lose) })
	return held, func() {
		lose(nil)
		renewing.Wait()
		if err := q.store.DropScan(context.WithoutCancel(ctx), scan, holder); err != nil {
			q.o.Log.Error("a scan could not be given back: its lease will end", "scan", scan, "error", err)
		}
	}, true, nil
}

// unique keeps a job from being there twice.
func unique(queue string) *river.InsertOpts {
	return &river.InsertOpts{Queue: queue, UniqueOpts: river.UniqueOpts{ByArgs: true}}
}

// failed gives a scan up when its job has been tried often enough.
func (q *Queue) failed(ctx context.Context, scan string, job *rivertype.JobRow, err error) error {
	if errors.Is(err, store.ErrLost) { // its scan is over, or somebody else does it
		return nil
	}
	if ctx.Err() != nil { // this process ends, and another one goes on
		return err
	}
	q.o.Log.Error("job failed", "scan", scan, "job", job.Kind, "attempt", job.Attempt, "of", job.MaxAttempts, "error", err)
	if job.Attempt >= job.MaxAttempts {
		return errors.Join(err, q.store.End(ctx, scan, store.Failed, err.Error(), q.o.Now()))
	}
	return errors.Join(err, q.store.Complain(ctx, scan, err.Error()))
}

type accountArgs struct {
	Scan    string `json:"scan"`
	Account string `json:"account"`
	Again   int64  `json:"again,omitempty"` // set when a holder was lost: another job
}

func (accountArgs) Kind() string { return "account" }

// An accountWorker reads an account.
type accountWorker struct {
	river.WorkerDefaults[accountArgs]
	q *Queue
}

func (w *accountWorker) Work(ctx context.Context, job *river.Job[accountArgs]) error {
	q, scan, account := w.q, job.Args.Scan, job.Args.Account
	holder := q.holder(job.JobRow)
	now := q.o.Now()
	taken, err := q.store.Take(ctx, scan, account, holder, now, now.Add(q.o.Lease))
	if err != nil || !taken { // it is done, or somebody else is at it: if he is lost, the sweep will tell
		return err
	}
	s, err := q.store.Scan(ctx, scan)
	if err != nil {
		return err
	}
	all, err := q.store.Readings(ctx, scan)
	if err != nil {
		return err
	}
	var r store.Reading
	for _, x := range all {
		if x.Account == account {
			r = x
		}
	}
	reading, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go q.renew(reading, func() error { return q.store.Hold(reading, scan, account, holder, q.o.Now().Add(q.o.Lease)) }, stop)
	done, err := q.work.Read(reading, s, r)
	if lost := context.Cause(reading); errors.Is(lost, store.ErrLost) {
		return nil
	}
	if err == nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		quiet := context.WithoutCancel(ctx)
		if releaseErr := q.store.Release(quiet, scan, account, holder); releaseErr != nil {
			q.o.Log.Error("a reading could not be given back: its lease will end", "scan", scan, "account", account, "error", releaseErr)
		}
		if ctx.Err() != nil { // this process ends: another one goes on, at once
			_, insertErr := q.client.Insert(quiet, accountArgs{scan, account, q.o.Now().UnixNano()}, unique("accounts"))
			return errors.Join(river.JobCancel(err), insertErr)
		}
		return q.failed(ctx, scan, job.JobRow, fmt.Errorf("reading account %s: %w", account, err))
	}
	last, err := q.store.Finish(ctx, done, holder)
	if err != nil {
		return q.failed(ctx, scan, job.JobRow, err)
	}
	if last {
		_, err = q.client.Insert(ctx, judgeArgs{Scan: scan}, unique(river.QueueDefault))
	}
	return err
}

// renew says again and again that this process goes on with something, until it is told to stop or has lost it.
func (q *Queue) renew(ctx context.Context, hold func() error, stop context.CancelCauseFunc) {
	tick := time.NewTicker(q.o.Lease / 4)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := hold(); errors.Is(err, store.ErrLost) {
				stop(store.ErrLost)
				return
			} else if err != nil && ctx.Err() == nil { // the database may be back before the lease ends
				q.o.Log.Warn("a lease could not be renewed", "error", err)
			}
		}
	}
}

type judgeArgs struct {
	Scan  string `json:"scan"`
	Again int64  `json:"again,omitempty"`
}

func (judgeArgs) Kind() string { return "judge" }

// A judgeWorker judges a scan whose accounts are read.
type judgeWorker struct {
	river.WorkerDefaults[judgeArgs]
	q *Queue
}

func (w *judgeWorker) Work(ctx context.Context, job *river.Job[judgeArgs]) error {
	q := w.q
	judging, stop, taken, err := q.holdScan(ctx, job.Args.Scan, q.holder(job.JobRow))
	if err != nil || !taken { // it is over, or somebody else is at it
		return err
	}
	defer stop()
	s, err := q.store.Scan(judging, job.Args.Scan)
	if err != nil {
		return err
	}
	for {
		err = q.work.Judge(judging, s)
		if !errors.Is(err, store.ErrOvertaken) {
			break
		}
	}
	if lost := context.Cause(judging); errors.Is(lost, store.ErrLost) {
		return nil
	}
	if err != nil {
		return q.failed(ctx, s.ID, job.JobRow, fmt.Errorf("judging: %w", err))
	}
	if q.work.Explain != nil {
		if _, err := q.client.Insert(ctx, causesArgs{Scan: s.ID}, unique("causes")); err != nil { // the sweep will find it
			q.o.Log.Warn("nobody is told to look up who changed what: it is done later", "scan", s.ID, "error", err)
		}
	}
	return nil
}

type causesArgs struct {
	Scan  string `json:"scan"`
	Again int64  `json:"again,omitempty"`
}

func (causesArgs) Kind() string { return "causes" }

// A causesWorker looks up what caused the events of a scan. The scan is done: it neither waits for that nor fails by it.
type causesWorker struct {
	river.WorkerDefaults[causesArgs]
	q *Queue
}

func (w *causesWorker) Work(ctx context.Context, job *river.Job[causesArgs]) error {
	q := w.q
	holder := fmt.Sprintf("%s/%d", q.o.Holder, job.ID)
	now := q.o.Now()
	taken, err := q.store.TakeCauses(ctx, job.Args.Scan, holder, now, now.Add(q.o.Lease))
	if err != nil || !taken { // all is told, or somebody else is at it
		return err
	}
	s, err := q.store.Scan(ctx, job.Args.Scan)
	if err != nil {
		return err
	}
	looking, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go q.renew(looking, func() error {
		now := q.o.Now()
		taken, err := q.store.TakeCauses(looking, s.ID, holder, now, now.Add(q.o.Lease))
		if err == nil && !taken {
			err = store.ErrLost
		}
		return err
	}, stop)
	again, err := q.work.Explain(looking, s)
	if errors.Is(context.Cause(looking), store.ErrLost) {
		return nil
	}
	if err != nil {
		if again = q.o.Now(); ctx.Err() == nil { // this process does not end: it is no use to try at once
			again = again.Add(5 * q.o.Lease)
			q.o.Log.Warn("who changed what could not be looked up: it is tried again", "scan", s.ID, "error", err)
		}
	}
	return q.store.LeaveCauses(context.WithoutCancel(ctx), s.ID, holder, again)
}
