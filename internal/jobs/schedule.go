package jobs

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"
	_ "time/tzdata" // a static binary on a bare machine has no other

	"github.com/riverqueue/river"
	"github.com/robfig/cron/v3"

	"awsscanner/internal/store"
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
	if s.schedule.Next(time.Now()).IsZero() {
		return s, fmt.Errorf("the times %q never come", s.Cron)
	}
	if s.Jitter < 0 {
		return s, errors.New("the jitter must not be negative")
	}
	return s, nil
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

// often is how often somebody looks for readings without a holder and for what else is to be done.
const often = 15 * time.Second

func (q *Queue) periodic() []*river.PeriodicJob {
	jobs := []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(min(often, q.o.Lease)), func() (river.JobArgs, *river.InsertOpts) {
		return sweepArgs{}, &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByPeriod: min(often, q.o.Lease)}}
	}, &river.PeriodicJobOpts{RunOnStart: true})}
	for _, s := range q.o.Schedules {
		jobs = append(jobs, river.NewPeriodicJob(s, func() (river.JobArgs, *river.InsertOpts) { return dueArgs{s.Name}, nil }, &river.PeriodicJobOpts{ID: "schedule-" + s.Name}))
	}
	return jobs
}

// missed reports whether a schedule came due since its last scan, while nobody was there.
func (q *Queue) missed(ctx context.Context, s Schedule) (bool, error) {
	scans, err := q.store.Scans(ctx, s.Name, 1)
	if err != nil || len(scans) == 0 {
		return false, err
	}
	return s.Next(scans[0].Created).Before(q.o.Now()), nil
}

type dueArgs struct {
	Schedule string `json:"schedule"`
}

func (dueArgs) Kind() string { return "due" }

// A dueWorker begins the scan of a schedule.
type dueWorker struct {
	river.WorkerDefaults[dueArgs]
	q *Queue
}

func (w *dueWorker) Work(ctx context.Context, job *river.Job[dueArgs]) error {
	s, err := w.q.work.Due(job.Args.Schedule)
	if err != nil {
		w.q.o.Log.Error("a schedule cannot be followed", "schedule", job.Args.Schedule, "error", err)
		return river.JobCancel(err)
	}
	_, err = w.q.Begin(ctx, s)
	if errors.Is(err, ErrUnderWay) {
		w.q.o.Log.Warn("a scan was due while the one before is still under way", "schedule", job.Args.Schedule)
		return nil
	}
	return err
}

type sweepArgs struct{}

func (sweepArgs) Kind() string { return "sweep" }

// A sweepWorker takes up what somebody has left behind.
type sweepWorker struct {
	river.WorkerDefaults[sweepArgs]
	q *Queue
}

func (w *sweepWorker) Work(ctx context.Context, _ *river.Job[sweepArgs]) error {
	q := w.q
	var errs []error
	now := q.o.Now()
	bucket := now.UnixMilli() / q.o.Lease.Milliseconds() // no more than one new job in each lease
	lost, err := q.store.Abandoned(ctx, now)
	errs = append(errs, err)
	for _, r := range lost {
		q.o.Log.Warn("nobody has been heard of who reads this account: it is read on", "scan", r.Scan, "account", r.Account)
		_, err := q.client.Insert(ctx, accountArgs{r.Scan, r.Account, bucket}, unique("accounts"))
		errs = append(errs, err)
	}
	unjudged, err := q.store.Unjudged(ctx, now)
	errs = append(errs, err)
	for _, s := range unjudged {
		_, err := q.client.Insert(ctx, judgeArgs{s.ID, bucket}, unique(river.QueueDefault))
		errs = append(errs, err)
	}
	if q.work.Explain != nil {
		unexplained, err := q.store.Unexplained(ctx, now)
		errs = append(errs, err)
		for _, s := range unexplained {
			_, err := q.client.Insert(ctx, causesArgs{s.ID, bucket}, unique("causes"))
			errs = append(errs, err)
		}
	}
	open, err := q.store.Unfinished(ctx)
	errs = append(errs, err)
	for _, s := range open {
		errs = append(errs, q.takeUp(ctx, s, now))
	}
	if q.work.Tick != nil {
		errs = append(errs, q.work.Tick(ctx))
	}
	return errors.Join(errs...)
}

// takeUp begins a scan again of which nobody reads anything: that of a process that was killed between two steps.
func (q *Queue) takeUp(ctx context.Context, s store.Scan, now time.Time) error {
	const patience = 15 * time.Minute
	if now.Sub(s.Created) < patience {
		return nil
	}
	readings, err := q.store.Readings(ctx, s.ID)
	if err != nil {
		return err
	}
	for _, r := range readings {
		if r.State != store.Waiting {
			return nil
		}
	}
	_, err = q.client.Insert(ctx, scanArgs{Scan: s.ID}, &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true, ByPeriod: patience}})
	return err
}
