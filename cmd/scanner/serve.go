package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"awsscanner/internal/cause"
	"awsscanner/internal/collect"
	"awsscanner/internal/config"
	"awsscanner/internal/jobs"
	"awsscanner/internal/notify"
	"awsscanner/internal/report"
	"awsscanner/internal/store"
)

// A place is where findings are kept over time.
type place struct {
	data     string
	database string
}

func (p *place) flags(f *pflag.FlagSet) {
	f.StringVar(&p.data, "data", "", "directory of the database (default $XDG_STATE_HOME/scanner/store)")
	f.StringVar(&p.database, "database", "", "postgres://USER:PASSWORD@HOST:PORT/NAME in place of a directory; better given as SCANNER_DATABASE, which no list of processes shows")
}

// address is what the store is opened with.
func (p *place) address() (string, error) {
	database := p.database
	if variable, set := os.LookupEnv("SCANNER_DATABASE"); set && database == "" && p.data == "" {
		if variable == "" { // a secret that is not there must not make a file of it
			return "", usage("SCANNER_DATABASE has no value: give it one, or unset it")
		}
		database = variable
	}
	switch {
	case p.data != "" && p.database != "":
		return "", usage("--data and --database exclude each other: use one of them")
	case database != "" && !strings.HasPrefix(database, "postgres://") && !strings.HasPrefix(database, "postgresql://"):
		return "", usage("--database: write postgres://USER:PASSWORD@HOST:PORT/NAME, or give a directory by --data")
	case database != "":
		return database, nil
	case p.data != "":
		return p.data, nil
	}
	dir, err := stateDir()
	if err != nil {
		return "", usage("%s: give a directory by --data", err)
	}
	return filepath.Join(dir, "store"), nil
}

// open opens the store.
func (p *place) open(ctx context.Context) (s *store.Store, address string, err error) {
	if address, err = p.address(); err != nil {
		return nil, "", err
	}
	if s, err = store.Open(ctx, address); err != nil {
		return nil, "", failed("%s", err)
	}
	return s, address, nil
}

// there is the address of a store that is there already: who only asks makes none.
func (p *place) there() (address string, err error) {
	if address, err = p.address(); err == nil && !strings.HasPrefix(address, "postgres") {
		if _, err := os.Stat(filepath.Join(address, "scanner.db")); err != nil {
			return "", usage("%s holds no database: scanner serve and scan --store make one, or name another by --data or --database", address)
		}
	}
	return address, err
}

// existing opens a store that is there already.
func (p *place) existing(ctx context.Context) (*store.Store, error) {
	if _, err := p.there(); err != nil {
		return nil, err
	}
	s, _, err := p.open(ctx)
	return s, err
}

// scheduleOf makes a schedule of the settings ready.
func scheduleOf(s config.Schedule) (jobs.Schedule, error) {
	j := jobs.Schedule{Name: s.Name, Cron: s.Cron, TimeZone: s.TimeZone}
	if s.Jitter != "" {
		var err error
		if j.Jitter, err = time.ParseDuration(s.Jitter); err != nil {
			return j, fmt.Errorf("%q is no time: write a number with s, m or h, as 15m", s.Jitter)
		}
	}
	return j.Parse()
}

// A service is what serve and worker have in common.
type service struct {
	place
	files     []string
	demo      bool
	atOnce    int
	logFormat string
}

func (x *service) flags(f *pflag.FlagSet) {
	x.place.flags(f)
	f.StringArrayVar(&x.files, "config", nil, "settings of this `FILE` (repeatable: later ones override earlier ones); default "+config.Default+" of the working directory")
	f.BoolVar(&x.demo, "demo", false, "watch the recorded account inside this program: no credentials, no network")
	f.IntVar(&x.atOnce, "accounts-at-once", accountsAtOnce, "how many accounts this process reads side by side")
	f.StringVar(&x.logFormat, "log-format", "json", "of the log on standard error: json or text")
}

// start checks everything, opens the store and returns the queue, ready to start.
func (x *service) start(ctx context.Context, stderr io.Writer, schedules bool) (*keeper, *jobs.Queue, error) {
	if err := oneOf("--log-format", x.logFormat, []string{"json", "text"}); err != nil {
		return nil, nil, err
	}
	if x.atOnce < 1 || x.atOnce > 64 {
		return nil, nil, usage("--accounts-at-once must be from 1 to 64")
	}
	if len(x.files) == 0 {
		x.files = config.Find()
	}
	var logger *slog.Logger
	if x.logFormat == "json" {
		logger = slog.New(slog.NewJSONHandler(stderr, nil))
	} else {
		logger = slog.New(slog.NewTextHandler(stderr, nil))
	}
	l := &latest{files: x.files, log: logger, texts: textsOf(x.files)}
	cfg, err := config.Load(x.files, nil, settings(nil))
	if err != nil {
		return nil, nil, mistakes(err)
	}
	l.said = cfg
	k := &keeper{files: x.files, latest: l, demo: x.demo, log: logger, gate: collect.NewGate()}
	var follow func() []jobs.Schedule
	if schedules {
		for _, s := range cfg.Schedules {
			if _, err := scheduleOf(s.Schedule); err != nil {
				return nil, nil, usage("%s: schedule %s: %s", s.Place, s.Name, err)
			}
		}
		follow = l.schedules
		for _, s := range cfg.Schedules { // lest one fails at night
			if _, err := k.due(s.Name); err != nil {
				return nil, nil, err
			}
		}
	}
	temp, err := os.CreateTemp("", "scanner-*.journal") // each scan needs one in the end
	if err != nil {
		return nil, nil, usage("no file can be made in %s (%s): name a directory for that in TMPDIR", os.TempDir(), osText(err))
	}
	temp.Close()
	os.Remove(temp.Name())
	s, address, err := x.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	k.store = s
	if schedules {
		if err := s.Alone(); err != nil {
			s.Close()
			return nil, nil, usage("%s", err)
		}
		k.tell = func(ctx context.Context) {
			k.notifications(ctx, func() *notify.Config { return &l.now().Notifications })
		}
	}
	host, _ := os.Hostname()
	q, err := jobs.New(ctx, s, address, k.work(), jobs.Options{Holder: fmt.Sprintf("%s-%d-%s", host, os.Getpid(), store.NewID()[:6]), AtOnce: x.atOnce, Keeper: schedules, Schedules: follow, Log: logger})
	if err != nil {
		s.Close()
		return nil, nil, failed("%s", err)
	}
	return k, q, nil
}

// patience is how long a service that is told to end waits for what it is doing.
const patience = 20 * time.Second

// run carries out jobs until the context ends.
func (k *keeper) run(ctx context.Context, q *jobs.Queue) error {
	if err := q.Start(context.WithoutCancel(ctx)); err != nil {
		k.store.Close()
		return failed("the queue cannot start: %s", err)
	}
	var telling sync.WaitGroup
	if k.tell != nil {
		telling.Go(func() { k.tell(ctx) })
	}
	<-ctx.Done()
	k.log.Info("ending: what is being read is given back to the queue")
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	q.Stop(stopping)
	telling.Wait()
	return k.store.Close()
}

func workerCommand() *cobra.Command {
	var x service
	c := &cobra.Command{
		Use:   "worker",
		Short: "Read accounts for scanner serve, on a further machine",
		Long: `Worker takes jobs from the PostgreSQL database of a scanner serve, and reads and judges what they are about with the credentials
of this machine. What goes along with a scan says what to read: a worker needs no files of its own. If it is killed others go on.`,
		Example: `  SCANNER_DATABASE=postgres://scanner@db/scanner scanner worker`,
		Args:    cobra.NoArgs,
	}
	x.flags(c.Flags())
	c.RunE = func(c *cobra.Command, _ []string) error {
		if address, err := x.address(); err != nil {
			return err
		} else if !strings.HasPrefix(address, "postgres") {
			return usage("worker takes jobs from a PostgreSQL database: give it by --database or SCANNER_DATABASE")
		}
		k, q, err := x.start(c.Context(), c.ErrOrStderr(), false)
		if err != nil {
			return err
		}
		k.log.Info("working", "database", k.store.Name())
		return k.run(c.Context(), q)
	}
	return c
}

func statusCommand() *cobra.Command {
	var p place
	var format string
	c := &cobra.Command{Use: "status", Short: "Say what is open in each stream, and how much of it was seen", Args: cobra.NoArgs}
	p.flags(c.Flags())
	c.Flags().StringVarP(&format, "output", "o", "table", "table or json")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := oneOf("-o", format, []string{"table", "json"}); err != nil {
			return err
		}
		s, err := p.existing(c.Context())
		if err != nil {
			return err
		}
		defer s.Close()
		return showStatus(c.Context(), c.OutOrStdout(), s, format)
	}
	return c
}

// A streamStatus is what is known of a stream.
type streamStatus struct {
	Stream     string       `json:"stream"`
	Last       *store.Scan  `json:"last,omitempty"` // that is done
	UnderWay   string       `json:"underWay,omitempty"`
	Failing    *store.Scan  `json:"failing,omitempty"` // the newest one, if it has failed or was tried in vain so far
	Point      *store.Point `json:"found,omitempty"`
	Unassessed int          `json:"notAssessed"` // findings that nobody can see any more
}

func showStatus(ctx context.Context, w io.Writer, s *store.Store, format string) error {
	streams, err := s.Streams(ctx)
	if err != nil {
		return failed("%s", err)
	}
	all := []streamStatus{}
	yes := true
	for _, name := range streams {
		x := streamStatus{Stream: name}
		scans, err := s.Scans(ctx, name, 1)
		if err != nil {
			return failed("%s", err)
		}
		if len(scans) > 0 && !scans[0].State.Over() {
			x.UnderWay = scans[0].ID
		}
		if len(scans) > 0 && scans[0].State != store.Done && scans[0].Failure != "" {
			x.Failing = &scans[0]
			x.Failing.Settings = nil
		}
		if last, err := s.Last(ctx, name); err == nil {
			last.Head, last.Settings = nil, nil
			x.Last = &last
			points, err := s.Trend(ctx, name, "", last.Started)
			if err != nil {
				return failed("%s", err)
			}
			for i := range points {
				if points[i].Scan == last.ID {
					x.Point = &points[i]
				}
			}
		}
		if x.Unassessed, err = s.Count(ctx, store.Filter{Stream: name, State: "open", Unassessed: &yes}); err != nil {
			return failed("%s", err)
		}
		all = append(all, x)
	}
	if format == "json" {
		return encode(w, all)
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "nothing was scanned yet")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "STREAM\tLAST SCAN\tOPEN\tNEW\tFIXED\tWAIVED\tOUT OF SIGHT\tASSESSED\tUNDER WAY")
	for _, x := range all {
		last, open, fresh, fixed, waived, seen := "never", "-", "-", "-", "-", "-"
		if p := x.Point; p != nil {
			n := 0
			for _, k := range p.Failures {
				n += k
			}
			last, open, fresh, fixed, waived = p.Started.Format("2006-01-02 15:04 UTC"), fmt.Sprint(n), fmt.Sprint(p.New), fmt.Sprint(p.Fixed), fmt.Sprint(p.Waived)
			if p.Cells > 0 {
				seen = fmt.Sprintf("%.0f %%", 100*float64(p.Assessed)/float64(p.Cells))
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", x.Stream, last, open, fresh, fixed, waived, x.Unassessed, seen, x.UnderWay)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, x := range all {
		if f := x.Failing; f != nil {
			how := "is tried again"
			if f.State.Over() {
				how = "is " + string(f.State)
			}
			if _, err := fmt.Fprintf(w, "\n%s\n", report.Clean(fmt.Sprintf("%s: the scan of %s %s: %s", x.Stream, f.Created.Format("2006-01-02 15:04 UTC"), how, f.Failure))); err != nil {
				return err
			}
		}
	}
	return nil
}

func historyCommand() *cobra.Command {
	var p place
	var format string
	c := &cobra.Command{Use: "history FINGERPRINT", Short: "Tell the life of a finding: first seen, fixed, back again, and who changed what", Args: cobra.ExactArgs(1)}
	p.flags(c.Flags())
	c.Flags().StringVarP(&format, "output", "o", "table", "table or json")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := oneOf("-o", format, []string{"table", "json"}); err != nil {
			return err
		}
		if len(args[0]) < 4 {
			return usage("FINGERPRINT must have at least 4 digits, as reports show it")
		}
		s, err := p.existing(c.Context())
		if err != nil {
			return err
		}
		defer s.Close()
		found, err := s.Find(c.Context(), strings.ToLower(args[0]))
		if err != nil {
			return failed("%s", err)
		}
		if len(found) == 0 {
			return usage("no finding in %s has a fingerprint or identity that begins with %s: scanner status shows what there is", s.Name(), args[0])
		}
		type life struct {
			store.Finding
			Events []store.Event `json:"events"`
		}
		var all []life
		for _, x := range found {
			events, err := s.History(c.Context(), x.Stream, x.Finding.Identity)
			if err != nil {
				return failed("%s", err)
			}
			all = append(all, life{x, events})
		}
		w := c.OutOrStdout()
		if format == "json" {
			return encode(w, all)
		}
		for _, x := range all {
			f := x.Finding.Finding
			name := f.Resource.Name
			if name == "" {
				name = f.Resource.ID
			}
			fmt.Fprintln(w, report.Clean(fmt.Sprintf("%s  %s: %s %s (stream %s)", f.Fingerprint[:8], f.Rule, name, f.Resource.Region, x.Stream)))
			fmt.Fprintf(w, "  %s  first seen\n", x.FirstSeen.Format("2006-01-02 15:04 UTC"))
			for _, e := range x.Events {
				text := fmt.Sprintf("  %s  %s, %s", e.At.Format("2006-01-02 15:04 UTC"), e.Type, e.Severity)
				if e.Was != 0 {
					text += fmt.Sprintf(" (was %s)", e.Was)
				}
				if why := cause.Text(e.Cause); why != "" {
					text += ": " + why
				}
				fmt.Fprintln(w, report.Clean(text))
			}
			state := "open, last seen " + x.LastSeen.Format("2006-01-02 15:04 UTC")
			switch {
			case x.State == "fixed":
				state = "fixed since " + x.FixedAt.Format("2006-01-02 15:04 UTC")
			case !x.Unassessed.IsZero():
				state += ", out of sight since " + x.Unassessed.Format("2006-01-02 15:04 UTC")
			}
			fmt.Fprintf(w, "  now: %s\n", state)
		}
		return nil
	}
	return c
}

func trendCommand() *cobra.Command {
	var p place
	var stream, format string
	var days int
	c := &cobra.Command{Use: "trend", Short: "Show how failures of a stream have come and gone, scan by scan", Args: cobra.NoArgs}
	p.flags(c.Flags())
	c.Flags().StringVar(&stream, "stream", "", "of this stream; may be left out if there is but one")
	c.Flags().IntVar(&days, "days", 30, "of so many days")
	c.Flags().StringVarP(&format, "output", "o", "table", "table or json")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := oneOf("-o", format, []string{"table", "json"}); err != nil {
			return err
		}
		if days < 1 {
			return usage("--days must be positive")
		}
		s, err := p.existing(c.Context())
		if err != nil {
			return err
		}
		defer s.Close()
		streams, err := s.Streams(c.Context())
		if err != nil {
			return failed("%s", err)
		}
		switch {
		case stream == "" && len(streams) == 1:
			stream = streams[0]
		case stream == "":
			return usage("--stream: name one of %s", strings.Join(streams, ", "))
		default:
			if err := oneOf("--stream", stream, streams); err != nil {
				return err
			}
		}
		since := time.Now().AddDate(0, 0, -days)
		points, err := s.Trend(c.Context(), stream, "", since)
		if err != nil {
			return failed("%s", err)
		}
		if format == "json" {
			return encode(c.OutOrStdout(), points)
		}
		t := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(t, "SCAN\tCRITICAL\tHIGH\tMEDIUM\tLOW\tINFO\tWAIVED\tNEW\tFIXED\tASSESSED\t")
		for _, x := range points {
			seen := "-"
			if x.Cells > 0 {
				seen = fmt.Sprintf("%.0f %%", 100*float64(x.Assessed)/float64(x.Cells))
			}
			fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t\n", x.Started.Format("2006-01-02 15:04"), x.Failures[5], x.Failures[4], x.Failures[3], x.Failures[2], x.Failures[1], x.Waived, x.New, x.Fixed, seen)
		}
		return t.Flush()
	}
	return c
}

func dbCommand() *cobra.Command {
	c := &cobra.Command{Use: "db", Short: "Look after the database of scanner serve", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	var p place
	p.flags(c.PersistentFlags())
	status := &cobra.Command{Use: "status", Short: "Say which version its tables have", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		address, err := p.there()
		if err != nil {
			return err
		}
		v, err := store.VersionOf(c.Context(), address)
		if err != nil {
			return failed("%s", err)
		}
		what := "up to date"
		switch {
		case v.Database < v.Scanner:
			what = "older than this scanner needs: scanner db migrate brings them up to date, as serve does when it starts"
		case v.Database > v.Scanner:
			what = "newer than this scanner knows: use the scanner that made them"
		}
		_, err = fmt.Fprintf(c.OutOrStdout(), "tables of version %d, this scanner knows %d: %s\n", v.Database, v.Scanner, what)
		return err
	}}
	var to int64
	migrate := &cobra.Command{Use: "migrate", Short: "Bring its tables to a version, forwards or back", Args: cobra.NoArgs}
	migrate.Flags().Int64Var(&to, "to", -1, "this version, instead of the newest; 0 drops all that it holds")
	migrate.RunE = func(c *cobra.Command, _ []string) error {
		address, err := p.address()
		if err != nil {
			return err
		}
		v, err := store.VersionOf(c.Context(), address)
		if err != nil {
			return failed("%s", err)
		}
		if to < 0 {
			to = v.Scanner
		}
		if err := store.MigrateTo(c.Context(), address, to); err != nil {
			return failed("%s", err)
		}
		_, err = fmt.Fprintf(c.OutOrStdout(), "tables of version %d\n", to)
		return err
	}
	var keep store.Retention
	var scans, fixed int
	prune := &cobra.Command{Use: "prune", Short: "Drop old snapshots, scans and fixed findings", Args: cobra.NoArgs}
	prune.Flags().IntVar(&keep.Snapshots, "snapshots", 10, "how many snapshots of each stream to keep")
	prune.Flags().IntVar(&scans, "scans", 400, "for how many days to keep scans")
	prune.Flags().IntVar(&fixed, "fixed", 400, "for how many days to keep findings that are fixed")
	prune.RunE = func(c *cobra.Command, _ []string) error {
		if keep.Snapshots < 1 || scans < 1 || fixed < 1 {
			return usage("--snapshots, --scans and --fixed must be positive")
		}
		s, err := p.existing(c.Context())
		if err != nil {
			return err
		}
		defer s.Close()
		keep.Scans, keep.Fixed = time.Duration(scans)*24*time.Hour, time.Duration(fixed)*24*time.Hour
		n, err := s.Prune(c.Context(), keep, time.Now())
		if err != nil {
			return failed("%s", err)
		}
		_, err = fmt.Fprintf(c.OutOrStdout(), "dropped: %d pieces of snapshots, %d scans, %d findings\n", n.Snapshots, n.Scans, n.Findings)
		return err
	}
	backup := &cobra.Command{Use: "backup FILE", Short: "Write a copy of the database to a file, while it is in use", Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		s, err := p.existing(c.Context())
		if err != nil {
			return err
		}
		defer s.Close()
		if err := s.Backup(c.Context(), args[0]); err != nil {
			return failed("%s", err)
		}
		return nil
	}}
	restore := &cobra.Command{Use: "restore FILE", Short: "Fill an empty database with a backup", Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		address, err := p.address()
		if err != nil {
			return err
		}
		if err := store.Restore(c.Context(), address, args[0]); err != nil {
			return failed("%s", err)
		}
		return nil
	}}
	c.AddCommand(status, migrate, prune, backup, restore)
	return c
}
