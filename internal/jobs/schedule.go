package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"time"
	_ "time/tzdata" // a static binary on a bare machine has no other

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/robfig/cron/v3"
)

// A Schedule says when a stream is scanned.
type Schedule struct {
	Name     string // of the stream
	Cron     string // five fields, or @daily and the like
	TimeZone string // of the IANA database; "" for UTC
	Jitter   time.Duration

	schedule cron.Schedule
}

// Parse checks a schedule, and makes it ready.
func (s Schedule) Parse() (Schedule, error) {
	zone := s.TimeZone
	if zone == "" {
		zone = "UTC"
	}
	if zone == "Local" {
		return s, errors.New("the time zone Local differs from machine to machine: name one, as Europe/Berlin")
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		return s, fmt.Errorf("there is no time zone %q: use a name of the IANA database, as Europe/Berlin", s.TimeZone)
	}
	if s.schedule, err = cron.ParseStandard("CRON_TZ=" + location.String() + " " + s.Cron); err != nil {
		return s, fmt.Errorf("the times %q are not understood (%s): write minute, hour, day, month and weekday, as in 0 3 * * *", s.Cron, err)
	}
	if every, ok := s.schedule.(cron.ConstantDelaySchedule); ok { // from the start of the clock, not of the process: the same for all
		s.schedule = aligned(every.Delay)
	}
	if s.schedule.Next(time.Now()).IsZero() {
		return s, fmt.Errorf("the times %q never come", s.Cron)
	}
	if s.Jitter < 0 {
		return s, errors.New("the jitter must not be negative")
	}
	return s, nil
}

// same reports whether another schedule says the same.
func (s Schedule) same(other Schedule) bool {
	return s.Name == other.Name && s.Cron == other.Cron && s.TimeZone == other.TimeZone && s.Jitter == other.Jitter
}

// aligned is @every: the multiples of a time.
type aligned time.Duration

func (a aligned) Next(t time.Time) time.Time {
	return t.Truncate(time.Duration(a)).Add(time.Duration(a))
}

// Next returns when the stream is scanned next. The jitter of a schedule is the same each time, so that scans keep their distance.
func (s Schedule) Next(now time.Time) time.Time {
	delay := time.Duration(0)
	if s.Jitter > 0 {
		h := fnv.New64a()
		h.Write([]byte(s.Name))
		delay = time.Duration(h.Sum64() % uint64(s.Jitter))
	}
	return s.schedule.Next(now.Add(-delay)).Add(delay)
}

// often is how often somebody looks for what was left behind and for what else is to be done.
const often = 15 * time.Second

// periodic lists what one of all processes orders again and again. None of it needs to know the settings: any process may be that one.
func (q *Queue) periodic() []*river.PeriodicJob {
	every := min(often, q.o.Lease)
	opts := func(queue string) *river.InsertOpts {
		return &river.InsertOpts{Queue: queue, UniqueOpts: river.UniqueOpts{ByPeriod: every}, MaxAttempts: 1}
	}
	return []*river.PeriodicJob{
		river.NewPeriodicJob(river.PeriodicInterval(every), func() (river.JobArgs, *river.InsertOpts) { return sweepArgs{}, opts(river.QueueDefault) }, &river.PeriodicJobOpts{RunOnStart: true}),
		river.NewPeriodicJob(river.PeriodicInterval(every), func() (river.JobArgs, *river.InsertOpts) { return tickArgs{}, opts("keeper") }, &river.PeriodicJobOpts{RunOnStart: true}),
	}
}

// since says from when on times of schedules count: what came due while nobody was there is made up for, once. What came due during a scan is not.
func (q *Queue) since(ctx context.Context, schedules []Schedule) (map[string]time.Time, error) {
	from := map[string]time.Time{}
	for _, s := range schedules {
		scans, err := q.store.Scans(ctx, s.Name, 1)
		if err != nil {
			return nil, err
		}
		from[s.Name] = q.o.Now()
		if len(scans) > 0 {
			from[s.Name] = scans[0].Created
			if end := scans[0].Finished; end.After(scans[0].Created) {
				from[s.Name] = end
			}
		}
	}
	return from, nil
}

// follow begins scans when they are due, until the context ends. Every keeper does so; the store lets one of them begin each. Of a schedule that is new
// or has other times, those count that are still to come.
func (q *Queue) follow(ctx context.Context, schedules []Schedule, from map[string]time.Time) {
	for {
		wait := min(often, q.o.Lease) // the clock may be put forwards, and the settings may change
		before := schedules
		schedules = q.o.Schedules()
		for _, s := range schedules {
			now := q.o.Now()
			if !slices.ContainsFunc(before, s.same) {
				from[s.Name] = now
			}
			from[s.Name] = q.begin(ctx, s, from[s.Name], now)
			if next := s.Next(from[s.Name]); next.After(now) { // what could not begin is tried again, but not all the time
				wait = min(wait, max(next.Sub(now), 100*time.Millisecond))
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// begin begins the scan of a schedule if one has come due since a time, and returns since when the next one counts. If several came due, one scan does.
func (q *Queue) begin(ctx context.Context, s Schedule, from, now time.Time) time.Time {
	if from.After(now) { // the clock has gone back
		from = now
	}
	due := s.Next(from)
	if due.After(now) {
		return from
	}
	for next := s.Next(due); !next.After(now); next = s.Next(due) { // the last of them, which is the same for all keepers
		due = next
	}
	scan, err := q.work.Due(s.Name)
	if err != nil {
		q.o.Log.Error("a schedule cannot be followed", "schedule", s.Name, "due", due.UTC(), "error", err)
		return now
	}
	scan.Due = due.UTC()
	switch id, err := q.Begin(ctx, scan); {
	case err == nil, errors.Is(err, errBegun):
	case errors.Is(err, ErrUnderWay):
		q.o.Log.Warn("a scan was due while the one before is still under way", "schedule", s.Name, "due", due.UTC(), "scan", id)
	case ctx.Err() != nil:
		return from
	default: // the database may be back soon
		q.o.Log.Error("a scan cannot begin yet", "schedule", s.Name, "due", due.UTC(), "error", err)
		return from
	}
	return now
}

type tickArgs struct{}

func (tickArgs) Kind() string { return "tick" }

// A tickWorker does what is to be done from time to time by a process that knows the settings.
type tickWorker struct {
	river.WorkerDefaults[tickArgs]
	q *Queue
}

func (w *tickWorker) Work(ctx context.Context, _ *river.Job[tickArgs]) error {
	if w.q.work.Tick == nil {
		return nil
	}
	return w.q.work.Tick(ctx)
}

type sweepArgs struct{}

func (sweepArgs) Kind() string { return "sweep" }

// A sweepWorker takes up what somebody has left behind.
type sweepWorker struct {
	river.WorkerDefaults[sweepArgs]
	q *Queue
}

func (w *sweepWorker) Work(ctx context.Context, _ *river.Job[sweepArgs]) error {
	return w.q.sweep(ctx, false)
}

// sweep orders anew what nobody does: what somebody held who is gone, and what was to be ordered by somebody who is. If this process is
// alone and has not begun, nobody does anything.
func (q *Queue) sweep(ctx context.Context, alone bool) error {
	now := q.o.Now()
	var errs []error
	open, err := q.store.Unfinished(ctx)
	errs = append(errs, err)
	for _, s := range open {
		_, err := q.giveUp(ctx, s, now)
		errs = append(errs, err)
	}
	again := now.UnixMilli() / q.o.Lease.Milliseconds() // no more than one new job in each lease
	if alone {
		again = now.UnixMilli()
	}
	lost, err := q.store.Abandoned(ctx, now)
	errs = append(errs, err)
	for _, r := range lost {
		q.o.Log.Warn("nobody has been heard of who reads this account: it is read on", "scan", r.Scan, "account", r.Account)
		_, err := q.client.Insert(ctx, accountArgs{r.Scan, r.Account, again}, unique("accounts"))
		errs = append(errs, err)
	}
	idle, undivided, err := q.store.Idle(ctx, now)
	errs = append(errs, err)
	unjudged, err := q.store.Unjudged(ctx, now)
	errs = append(errs, err)
	if q.work.Explain != nil {
		unexplained, err := q.store.Unexplained(ctx, now)
		errs = append(errs, err)
		for _, s := range unexplained {
			_, err := q.client.Insert(ctx, causesArgs{s.ID, again}, unique("causes"))
			errs = append(errs, err)
		}
	}
	if len(idle)+len(undivided)+len(unjudged) == 0 {
		return errors.Join(errs...)
	}
	ordered, err := q.ordered(ctx, now, alone)
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	for _, r := range idle {
		if !ordered["account "+r.Scan+" "+r.Account] {
			_, err := q.client.Insert(ctx, accountArgs{r.Scan, r.Account, again}, unique("accounts"))
			errs = append(errs, err)
		}
	}
	for _, id := range undivided {
		if !ordered["scan "+id+" "] {
			_, err := q.client.Insert(ctx, scanArgs{id, again}, unique(river.QueueDefault))
			errs = append(errs, err)
		}
	}
	for _, s := range unjudged {
		if !ordered["judge "+s.ID+" "] {
			_, err := q.client.Insert(ctx, judgeArgs{s.ID, again}, unique(river.QueueDefault))
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// farAhead is how far ahead the next try of no job is: what is farther was ordered before the clock went back.
const farAhead = 2 * time.Hour

// ordered lists the jobs that somebody will do soon. One that somebody has begun holds something soon, or he is gone.
func (q *Queue) ordered(ctx context.Context, now time.Time, alone bool) (map[string]bool, error) {
	all := map[string]bool{}
	params := river.NewJobListParams().Kinds("account", "scan", "judge").
		States(rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled).First(10_000)
	for {
		page, err := q.client.JobList(ctx, params)
		if err != nil {
			return nil, fmt.Errorf("listing the jobs: %w", err)
		}
		for _, job := range page.Jobs {
			if job.State == rivertype.JobStateRunning && (alone || job.AttemptedAt != nil && now.Sub(*job.AttemptedAt) > q.o.Lease) {
				continue
			}
			if job.State != rivertype.JobStateRunning && job.ScheduledAt.Sub(now) > farAhead {
				continue
			}
			var of accountArgs
			if err := json.Unmarshal(job.EncodedArgs, &of); err != nil {
				return nil, fmt.Errorf("job %d: %w", job.ID, err)
			}
			all[job.Kind+" "+of.Scan+" "+of.Account] = true
		}
		if len(page.Jobs) < 10_000 {
			return all, nil
		}
		params = params.After(page.LastCursor)
	}
}
