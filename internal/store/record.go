package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"awsscanner/internal/engine"
	"awsscanner/internal/report"
)

// A State is where a scan is.
type State string

const (
	Waiting   State = "waiting"
	Running   State = "running"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Over reports whether nothing more comes of a scan.
func (s State) Over() bool { return s == Done || s == Failed || s == Cancelled }

// A Scan is one reading of some accounts.
type Scan struct {
	ID       string          `json:"id"`
	Stream   string          `json:"stream"`
	Cause    string          `json:"cause"` // schedule, request or command
	State    State           `json:"state"`
	Created  time.Time       `json:"created"`
	Due      time.Time       `json:"due,omitzero"`     // by its schedule
	Started  time.Time       `json:"started,omitzero"` // the time at which rules judge
	Finished time.Time       `json:"finished,omitzero"`
	Failure  string          `json:"failure,omitempty"`
	Settings json.RawMessage `json:"settings,omitempty"` // what to read and how to judge
	Head     json.RawMessage `json:"head,omitempty"`     // of the JSON report: all but results
}

// An EventType is what has become of a finding, or of its waiver.
type EventType string

const (
	New              = EventType(report.Appeared)
	Regressed        = EventType(report.Regressed)
	Escalated        = EventType(report.Escalated)
	NewlyAssessed    = EventType(report.NewlyAssessed)
	Fixed            = EventType(report.Fixed)
	NoLongerAssessed = EventType(report.NoLongerAssessed)
	AssessedAgain    = EventType("assessed-again")
	Waived           = EventType("waived")
	WaiverEnded      = EventType("waiver-ended")
)

// NewID returns an ID for a scan: 16 hexadecimal digits that nobody can guess.
func NewID() string {
	b := make([]byte, 8)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// ErrOpen says that a scan of the stream is under way, or that there is one already for this time of its schedule.
var ErrOpen = errors.New("there is such a scan already")

// Begin notes that a scan is to be made. A stream has one scan at a time, but for those that are recorded by hand, and one for each
// time of its schedule, however many try.
func (s *Store) Begin(ctx context.Context, x Scan) error {
	result, err := s.DB.ExecContext(ctx, `INSERT INTO scans (id, stream, cause, state, created, due, started, finished, turn, failure, holder, lease, settings, head) VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, '', '', 0, $7, '') ON CONFLICT DO NOTHING`,
		x.ID, x.Stream, x.Cause, Waiting, ms(x.Created), ms(x.Due), string(x.Settings))
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return cmp.Or(err, ErrOpen)
	}
	return nil
}

// Complain notes what was tried in vain for a scan that goes on.
func (s *Store) Complain(ctx context.Context, id, why string) error {
	_, err := s.DB.ExecContext(ctx, `UPDATE scans SET failure = $1 WHERE id = $2 AND state IN ('waiting', 'running')`, why, id)
	return err
}

// Start notes that a scan has begun to read, and when: whoever goes on with it judges at the same time. It returns that time.
func (s *Store) Start(ctx context.Context, id string, now time.Time) (started time.Time, err error) {
	err = s.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE scans SET state = $1, started = $2 WHERE id = $3 AND state = $4`, Running, now.UnixMilli(), id, Waiting); err != nil {
			return err
		}
		var state State
		var at int64
		if err := tx.QueryRowContext(ctx, `SELECT state, started FROM scans WHERE id = $1`, id).Scan(&state, &at); err != nil {
			return err
		}
		if state != Running {
			return fmt.Errorf("scan %s is %s", id, state)
		}
		started = moment(at)
		return nil
	})
	return started, err
}

// End notes that nothing will come of a scan, and why. What it has read is forgotten.
func (s *Store) End(ctx context.Context, id string, state State, why string, now time.Time) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE scans SET state = $1, failure = $2, finished = $3 WHERE id = $4 AND state IN ('waiting', 'running')`, state, why, now.UnixMilli(), id); err != nil {
			return err
		}
		return forget(ctx, tx, id)
	})
}

// Baseline returns what a stream knows: its open findings, those that were fixed, and where its last scan looked. It is nil if no scan is done.
func (s *Store) Baseline(ctx context.Context, stream string) (*report.Baseline, error) {
	b, err := s.looked(ctx, `stream = $1 AND state = 'done' ORDER BY turn DESC LIMIT 1`, stream)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	err = s.each(ctx, `SELECT identity, fingerprint, rule, severity, kind, resource, name, account, region, owner FROM findings WHERE stream = $1 AND state = 'open'`, func(rows *sql.Rows) error {
		var k report.Known
		err := rows.Scan(&k.Identity, &k.Fingerprint, &k.Rule, &k.Severity, &k.Kind, &k.ID, &k.Name, &k.Account, &k.Region, &k.Owner)
		b.Findings = append(b.Findings, k)
		return err
	}, stream)
	if err != nil {
		return nil, err
	}
	err = s.each(ctx, `SELECT identity FROM findings WHERE stream = $1 AND state = 'fixed'`, func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		b.Once = append(b.Once, id)
		return err
	}, stream)
	return b, err
}

// Looked returns where a scan that is done has looked, without what it has found.
func (s *Store) Looked(ctx context.Context, scan string) (*report.Baseline, error) {
	return s.looked(ctx, `id = $1 AND state = 'done'`, scan)
}

func (s *Store) looked(ctx context.Context, where string, args ...any) (*report.Baseline, error) {
	var packed []byte
	err := s.DB.QueryRowContext(ctx, `SELECT looked FROM scans WHERE `+where, args...).Scan(&packed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	text, err := unpack(packed)
	if err != nil {
		return nil, err
	}
	var b report.Baseline
	return &b, json.Unmarshal(text, &b)
}

// ErrOvertaken says that another scan of the stream was recorded since the baseline was read: compare again.
var ErrOvertaken = errors.New("another scan of the stream was recorded first")

// Record takes what a scan has found, as compared with the baseline that Baseline returned, and its snapshot, compressed or not. All of it
// holds at once, or nothing: no reader ever sees half a scan.
func (s *Store) Record(ctx context.Context, id string, r *report.Report, snapshot io.Reader, now time.Time) error {
	if !r.Whole() {
		return errors.New("a report that leaves something out cannot be recorded: what it leaves out would look fixed")
	}
	head, err := r.Head()
	if err != nil {
		return err
	}
	whole, err := r.NewBaseline()
	if err != nil {
		return err
	}
	whole.Findings, whole.Mended = nil, nil
	text, err := json.Marshal(whole)
	if err != nil {
		return err
	}
	err = s.tx(ctx, func(tx *sql.Tx) error {
		var stream string
		var state State
		if err := tx.QueryRowContext(ctx, `SELECT stream, state FROM scans WHERE id = $1`, id).Scan(&stream, &state); err != nil {
			return fmt.Errorf("scan %s: %w", id, err)
		}
		if state.Over() {
			return fmt.Errorf("scan %s is %s: %w", id, state, ErrLost)
		}
		if err := s.lockStream(ctx, tx, stream); err != nil {
			return err
		}
		before, err := lastDone(ctx, tx, stream)
		if err != nil {
			return err
		}
		if (r.Baseline == nil) != (before == "") || r.Baseline != nil && r.Baseline.Scan != before {
			return ErrOvertaken
		}
		w := recorder{tx: tx, dialect: s.dialect, scan: id, stream: stream, at: r.Scan.Start.UnixMilli(), first: r.Baseline == nil, counts: map[EventType]int{}}
		if r.Baseline != nil {
			w.before = r.Baseline.Started.UnixMilli()
		}
		open, err := w.known(ctx)
		if err != nil {
			return err
		}
		if err := w.findings(ctx, r, open); err != nil {
			return err
		}
		if err := w.gone(ctx, r.Gone, open); err != nil {
			return err
		}
		for event, n := range w.counts {
			if _, err := tx.ExecContext(ctx, `INSERT INTO happened (scan, type, n) VALUES ($1, $2, $3)`, id, string(event), n); err != nil {
				return err
			}
		}
		for _, c := range r.Coverage {
			if _, err := tx.ExecContext(ctx, `INSERT INTO coverage (scan, account, name, regions, cells, assessed, failures) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
				id, c.Account, c.Name, c.Regions, c.Cells, c.Assessed, c.Failures); err != nil {
				return err
			}
		}
		if err := keep(ctx, tx, id, snapshot); err != nil {
			return fmt.Errorf("keeping the snapshot: %w", err)
		}
		if err := forgetRead(ctx, tx, id); err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, `UPDATE scans SET state = 'done', holder = '', lease = 0, started = $1, finished = $2, failure = '', head = $3, looked = $4, turn = 1 + (SELECT MAX(turn) FROM scans WHERE stream = $5) WHERE id = $6 AND state IN ('waiting', 'running')`,
			w.at, now.UnixMilli(), string(head), pack(text), stream, id)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 { // somebody has cancelled it in the meantime
			return cmp.Or(err, ErrLost)
		}
		return nil
	})
	if err == nil && s.Postgres() && r.Baseline == nil { // until it has looked at so many new rows each page takes long; it does so by itself, some minutes later
		s.DB.ExecContext(ctx, `VACUUM (ANALYZE) findings, events`)
	}
	return err
}

// lockStream lets one at a time change the findings of a stream. SQLite has but one writer.
func (s *Store) lockStream(ctx context.Context, tx *sql.Tx, stream string) error {
	if s.dialect != postgres {
		return nil
	}
	_, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtext($1))`, "scanner "+stream)
	return err
}

// lastDone returns the ID that reports give the last scan of a stream that is done; "" if there is none.
func lastDone(ctx context.Context, tx *sql.Tx, stream string) (string, error) {
	var head string
	err := tx.QueryRowContext(ctx, `SELECT head FROM scans WHERE stream = $1 AND state = 'done' ORDER BY turn DESC LIMIT 1`, stream).Scan(&head)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	var told struct{ Scan struct{ ID string } }
	if err == nil {
		err = json.Unmarshal([]byte(head), &told)
	}
	return told.Scan.ID, err
}

// A recorder writes what a scan has found.
type recorder struct {
	tx           *sql.Tx
	dialect      dialect
	scan, stream string
	at, before   int64 // the times at which this scan and the last one judged
	first        bool  // scan of the stream: that its findings are there is no event
	counts       map[EventType]int
}

// old is what is known of a finding that is open.
type old struct {
	digest     [digestSize]byte
	waived     string
	severity   engine.Severity
	unassessed int64
}

// worst is the result that stands for all of an identity: of those that nobody has waived, if there is one.
type worst struct {
	fingerprint string
	severity    engine.Severity
	waived      bool
	resources   int
	change      report.Change
}

// findings writes the failures. Those that are as they were cost nothing.
func (w *recorder) findings(ctx context.Context, r *report.Report, open map[string]old) error {
	stands := map[string]*worst{}
	type tally struct {
		pillar   engine.Pillar
		severity engine.Severity
	}
	failures, waived := map[tally]int{}, map[tally]int{}
	for x, err := range r.Results() {
		switch {
		case err != nil:
			return err
		case x.Status != engine.Failed:
			continue
		}
		id := x.Identity()
		s := stands[id]
		if s == nil {
			s = &worst{waived: true}
			stands[id] = s
		}
		s.resources++
		if waived := x.Waived != nil; s.waived && !waived || s.waived == waived && x.Severity > s.severity {
			s.fingerprint, s.severity, s.waived, s.change = x.Fingerprint(), x.Severity, waived, x.Change
		}
		for _, pillar := range append([]engine.Pillar{""}, x.Rule.Pillars...) {
			t := tally{pillar, x.Severity}
			if x.Waived != nil {
				waived[t]++
			} else {
				failures[t]++
			}
			if _, ok := failures[t]; !ok {
				failures[t] = 0
			}
		}
	}
	rows := newBatch(w.tx, w.dialect, `INSERT INTO findings (stream, identity, fingerprint, rule, severity, kind, resource, name, account, region, owner, pillars, state, first_seen, last_seen, fixed_at, unassessed, regressed, resources, waived, digest, finding, search) VALUES `, 23,
		` ON CONFLICT (stream, identity) DO UPDATE SET fingerprint = excluded.fingerprint, rule = excluded.rule, severity = excluded.severity, kind = excluded.kind, resource = excluded.resource, name = excluded.name,
		account = excluded.account, region = excluded.region, owner = excluded.owner, pillars = excluded.pillars, state = 'open', last_seen = excluded.last_seen, fixed_at = 0, unassessed = 0, regressed = findings.regressed + CASE WHEN findings.state = 'fixed' THEN 1 ELSE 0 END,
		resources = excluded.resources, waived = excluded.waived, digest = excluded.digest, finding = excluded.finding, search = excluded.search`)
	events := w.events()
	for x, err := range r.Results() {
		switch {
		case err != nil:
			return err
		case x.Status != engine.Failed:
			continue
		}
		id := x.Identity()
		s := stands[id]
		if s == nil || s.fingerprint != x.Fingerprint() {
			continue
		}
		delete(stands, id)
		f := x.Finding()
		text, err := json.Marshal(f)
		if err != nil {
			return err
		}
		until := ""
		if x.Waived != nil {
			until = x.Waived.Expires
		}
		sum := sha256.Sum256(fmt.Append(text, s.resources))
		digest := [digestSize]byte(sum[:])
		was, there := open[id]
		for _, event := range w.happened(s.change, was, there, until) {
			from := engine.Severity(0)
			if event == Escalated {
				from = was.severity
			}
			w.counts[event]++
			if err := events.add(ctx, w.stream, id, w.scan, w.at, event, x.Severity, from, ""); err != nil {
				return err
			}
		}
		if there && was.digest == digest && was.unassessed == 0 {
			continue
		}
		m := x.Resource
		if err := rows.add(ctx, w.stream, id, x.Fingerprint(), x.Rule.ID, x.Severity, x.Kind(), plain(m.ID), plain(m.Name), m.Account, m.Region, plain(x.Team), pillars(x.Rule), "open", w.at, w.at, 0, 0, 0, s.resources, until, hex.EncodeToString(digest[:]), string(text), plain(searchable(&f))); err != nil {
			return err
		}
	}
	if err := errors.Join(rows.flush(ctx), events.flush(ctx)); err != nil {
		return err
	}
	for t := range failures {
		if _, err := w.tx.ExecContext(ctx, `INSERT INTO tallies (scan, pillar, severity, failures, waived) VALUES ($1, $2, $3, $4, $5)`, w.scan, t.pillar, t.severity, failures[t], waived[t]); err != nil {
			return err
		}
	}
	return nil
}

// happened lists what has become of a failure.
func (w *recorder) happened(change report.Change, was old, open bool, waived string) (all []EventType) {
	if w.first {
		return nil
	}
	switch {
	case change != report.Unchanged && change != "":
		all = append(all, EventType(change))
	case open && was.unassessed != 0:
		all = append(all, AssessedAgain)
	}
	switch {
	case waived != "" && (was.waived == "" || !open):
		all = append(all, Waived)
	case waived == "" && open && was.waived != "":
		all = append(all, WaiverEnded)
	}
	return all
}

func pillars(rule *engine.Rule) string {
	var b strings.Builder
	b.WriteByte(',')
	for _, p := range rule.Pillars {
		b.WriteString(string(p))
		b.WriteByte(',')
	}
	return b.String()
}

// digestSize is how much of a hash tells whether a finding is as it was.
const digestSize = 8

// plain makes text of what an account says that PostgreSQL takes.
func plain(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "")
}

// known returns the open findings of the stream.
func (w *recorder) known(ctx context.Context) (map[string]old, error) {
	rows, err := w.tx.QueryContext(ctx, `SELECT identity, digest, waived, severity, unassessed FROM findings WHERE stream = $1 AND state = 'open'`, w.stream)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]old{}
	for rows.Next() {
		var id, digest string
		var x old
		if err := rows.Scan(&id, &digest, &x.waived, &x.severity, &x.unassessed); err != nil {
			return nil, err
		}
		hex.Decode(x.digest[:], []byte(digest)) // what is none is none of today
		all[id] = x
	}
	return all, rows.Err()
}

// gone notes what has become of failures that are none any more. What nobody could or did look at stays open.
func (w *recorder) gone(ctx context.Context, all []report.Gone, open map[string]old) error {
	fixed := w.change(`state = 'fixed', fixed_at = $1, last_seen = CASE WHEN unassessed = 0 THEN $2 ELSE last_seen END, unassessed = 0, waived = ''`)
	unseen := w.change(`unassessed = $1, last_seen = $2`)
	events := w.events()
	for _, g := range all {
		was, there := open[g.Identity]
		change, event := fixed, Fixed
		switch {
		case !there:
			continue
		case g.Fate == report.Fixed:
		case was.unassessed == 0 && (g.Fate == report.NoLongerAssessed || g.Unseen):
			change, event = unseen, NoLongerAssessed
		default:
			continue
		}
		if err := change.add(ctx, g.Identity); err != nil {
			return err
		}
		w.counts[event]++
		if err := events.add(ctx, w.stream, g.Identity, w.scan, w.at, event, g.Severity, engine.Severity(0), ""); err != nil {
			return err
		}
	}
	return errors.Join(fixed.flush(ctx), unseen.flush(ctx), events.flush(ctx))
}

// change returns a batch that changes findings; $1 is when this scan looked, $2 when the last one did.
func (w *recorder) change(set string) *batch {
	b := newBatch(w.tx, w.dialect, `UPDATE findings SET `+set+` WHERE stream = $3 AND identity IN `, 1, "")
	b.fixed, b.list = []any{w.at, w.before, w.stream}, true
	return b
}

func (w *recorder) events() *batch {
	return newBatch(w.tx, w.dialect, `INSERT INTO events (stream, identity, scan, at, type, severity, was, cause) VALUES `, 8, "")
}

// A batch inserts or changes rows, many at a time.
type batch struct {
	tx         *sql.Tx
	dialect    dialect
	head, tail string
	columns    int
	fixed      []any // the first arguments, the same for all
	list       bool  // the rows are one list, not a list each
	args       []any
	full       *sql.Stmt // for as many rows as a statement takes
}

// most is how many arguments a statement has: SQLite takes 32 766, PostgreSQL 65 535.
const most = 4000

func newBatch(tx *sql.Tx, d dialect, head string, columns int, tail string) *batch {
	return &batch{tx: tx, dialect: d, head: head, tail: tail, columns: columns}
}

func (b *batch) add(ctx context.Context, row ...any) error {
	b.args = append(b.args, row...)
	if len(b.args)+b.columns <= most {
		return nil
	}
	if b.full == nil {
		var err error
		if b.full, err = b.tx.PrepareContext(ctx, b.statement()); err != nil {
			return err
		}
	}
	_, err := b.full.ExecContext(ctx, append(slices.Clone(b.fixed), b.args...)...)
	b.args = b.args[:0]
	return err
}

func (b *batch) flush(ctx context.Context) error {
	if len(b.args) == 0 {
		return nil
	}
	_, err := b.tx.ExecContext(ctx, b.statement(), append(slices.Clone(b.fixed), b.args...)...)
	b.args = b.args[:0]
	return err
}

// statement is for as many rows as there are.
func (b *batch) statement() string {
	var q strings.Builder
	head := b.head
	if b.dialect == sqlite { // which takes $1 for a name, and looks for each name among all
		head = numbered.ReplaceAllLiteralString(head, "?")
	}
	q.WriteString(head)
	for i := range b.args {
		switch {
		case i == 0:
			q.WriteString("(")
		case i%b.columns == 0 && !b.list:
			q.WriteString("), (")
		default:
			q.WriteString(", ")
		}
		if b.dialect == sqlite {
			q.WriteByte('?')
		} else {
			fmt.Fprintf(&q, "$%d", len(b.fixed)+i+1)
		}
	}
	q.WriteString(")" + b.tail)
	return q.String()
}

// numbered are arguments in the head of a batch, where they stand in their order.
var numbered = regexp.MustCompile(`\$\d+`)

// keep stores a snapshot in pieces of a megabyte.
func keep(ctx context.Context, tx *sql.Tx, scan string, snapshot io.Reader) error {
	if snapshot == nil {
		return nil
	}
	buffer := make([]byte, 1<<20)
	for part := 0; ; part++ {
		n, err := io.ReadFull(snapshot, buffer)
		if n > 0 {
			if _, err := tx.ExecContext(ctx, `INSERT INTO snapshots (scan, part, data) VALUES ($1, $2, $3)`, scan, part, buffer[:n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return err
		}
	}
}

func pack(text []byte) []byte {
	e, _ := zstd.NewWriter(nil) // fails for wrong options only
	return e.EncodeAll(text, nil)
}

func unpack(data []byte) ([]byte, error) {
	d, err := zstd.NewReader(nil)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.DecodeAll(data, nil)
}

// moment is the way back from milliseconds.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return cmp.Or(t.UnixMilli(), 1)
}
