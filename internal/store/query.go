package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/report"
)

// ErrNotFound says that there is no such thing.
var ErrNotFound = errors.New("there is none")

// ErrCursor refuses a cursor.
var ErrCursor = errors.New("the cursor is none that a page has returned")

// A Finding is a failure with its life.
type Finding struct {
	Stream     string         `json:"stream"`
	State      string         `json:"state"` // open or fixed
	FirstSeen  time.Time      `json:"firstSeen"`
	LastSeen   time.Time      `json:"lastSeen"`
	FixedAt    time.Time      `json:"fixedAt,omitzero"`
	Unassessed time.Time      `json:"notAssessedSince,omitzero"`
	Regressed  int            `json:"regressed"` // how many times it came back
	Resources  int            `json:"resources"` // that it stands for: the nodes of a group
	Finding    report.Finding `json:"finding"`   // as the last scan that saw it told
	order      [2]string      // for cursors
	severity   engine.Severity
}

// A Filter picks findings. The zero Filter picks all.
type Filter struct {
	Stream     string
	State      string // open or fixed; "" for both
	Severities []engine.Severity
	Pillars    []engine.Pillar
	Rules      []string
	Accounts   []string
	Regions    []string
	Owners     []string
	Services   []string  // by which the IDs of rules begin
	Since      time.Time // when they were first seen
	Text       string    // words that are all in rule, title, message, resource, owner or tags, whatever the case
	Waived     *bool
	Unassessed *bool
	After      string // a cursor, as a page has returned it
	Limit      int    // at most; 0 for 100
}

// where makes the condition of a filter.
func (f *Filter) where() (string, []any) {
	var parts []string
	var args []any
	arg := func(v any) string { args = append(args, v); return "$" + strconv.Itoa(len(args)) }
	in := func(column string, n int, value func(int) any) {
		if n == 0 {
			return
		}
		var list []string
		for i := range n {
			list = append(list, arg(value(i)))
		}
		parts = append(parts, column+" IN ("+strings.Join(list, ", ")+")")
	}
	if f.Stream != "" {
		parts = append(parts, "stream = "+arg(f.Stream))
	}
	if f.State != "" {
		parts = append(parts, "state = "+arg(f.State))
	}
	in("severity", len(f.Severities), func(i int) any { return int(f.Severities[i]) })
	in("rule", len(f.Rules), func(i int) any { return f.Rules[i] })
	in("account", len(f.Accounts), func(i int) any { return f.Accounts[i] })
	in("region", len(f.Regions), func(i int) any { return f.Regions[i] })
	in("owner", len(f.Owners), func(i int) any { return f.Owners[i] })
	if len(f.Pillars) > 0 {
		var any []string
		for _, p := range f.Pillars {
			any = append(any, "pillars LIKE "+arg("%,"+string(p)+",%"))
		}
		parts = append(parts, "("+strings.Join(any, " OR ")+")")
	}
	if f.Waived != nil {
		parts = append(parts, map[bool]string{true: "waived <> ''", false: "waived = ''"}[*f.Waived])
	}
	if f.Unassessed != nil {
		parts = append(parts, map[bool]string{true: "unassessed <> 0", false: "unassessed = 0"}[*f.Unassessed])
	}
	for _, word := range strings.Fields(strings.ToLower(f.Text)) {
		parts = append(parts, "search LIKE "+arg("%"+likely(word)+"%")+` ESCAPE '\'`)
	}
	if len(f.Services) > 0 {
		var any []string
		for _, service := range f.Services { // the first word of a rule's ID
			any = append(any, "rule LIKE "+arg(likely(service)+"-%")+` ESCAPE '\'`)
		}
		parts = append(parts, "("+strings.Join(any, " OR ")+")")
	}
	if !f.Since.IsZero() {
		parts = append(parts, "first_seen >= "+arg(ms(f.Since)))
	}
	if len(parts) == 0 {
		return "1 = 1", nil
	}
	return strings.Join(parts, " AND "), args
}

// likely makes a text mean itself in a pattern.
func likely(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text)
}

// CountUpTo is Count that goes no further than some number.
func (s *Store) CountUpTo(ctx context.Context, f Filter, most int) (n int, err error) {
	where, args := f.where()
	err = s.DB.QueryRowContext(ctx, `SELECT COUNT(*) FROM (SELECT 1 FROM findings WHERE `+where+` LIMIT `+strconv.Itoa(most)+`) AS picked`, args...).Scan(&n)
	return n, err
}

// Count returns how many findings a filter picks.
func (s *Store) Count(ctx context.Context, f Filter) (n int, err error) {
	where, args := f.where()
	err = s.DB.QueryRowContext(ctx, "SELECT COUNT(*) FROM findings WHERE "+where, args...).Scan(&n)
	return n, err
}

// What is read of a finding; with it the time of the last scan of its stream that is done.
const (
	columnsOf = `SELECT stream, identity, state, first_seen, last_seen, fixed_at, unassessed, regressed, resources, severity, finding, `
	columns   = columnsOf + `COALESCE((SELECT MAX(started) FROM scans WHERE scans.stream = findings.stream AND scans.state = 'done'), 0) FROM findings WHERE `
)

// cursor takes a cursor apart: severity, identity and stream of the last finding of the page before.
func cursor(text string) (severity int, stream, identity string, err error) {
	parts := strings.SplitN(text, ".", 3)
	if len(parts) == 3 {
		severity, err = strconv.Atoi(parts[0])
	}
	if len(parts) != 3 || err != nil {
		return 0, "", "", ErrCursor
	}
	return severity, parts[2], parts[1], nil
}

func scanFinding(rows *sql.Rows) (x Finding, err error) {
	var identity, text string
	var first, last, fixed, unassessed, done int64
	if err := rows.Scan(&x.Stream, &identity, &x.State, &first, &last, &fixed, &unassessed, &x.Regressed, &x.Resources, &x.severity, &text, &done); err != nil {
		return x, err
	}
	if x.State == "open" && unassessed == 0 { // the last scan saw it, or nobody looked since
		last = max(last, done)
	}
	x.FirstSeen, x.LastSeen, x.FixedAt, x.Unassessed, x.order = moment(first), moment(last), moment(fixed), moment(unassessed), [2]string{x.Stream, identity}
	return x, json.Unmarshal([]byte(text), &x.Finding)
}

// find reads the findings of which a key begins with a prefix, 20 at most. The key is one at a time, and they come in its order: of both at once, or in
// another order, a database that knows nothing of its tables yet, as after a first large scan, goes through all findings.
func find(key string) string {
	return columns + key + ` >= $1 AND ` + key + ` < $2 ORDER BY ` + key + ` LIMIT 20`
}

// Find returns the findings whose fingerprint or identity begins with a prefix.
func (s *Store) Find(ctx context.Context, prefix string) (all []Finding, err error) {
	for _, key := range []string{"fingerprint", "identity"} {
		err := s.each(ctx, find(key), func(rows *sql.Rows) error {
			x, err := scanFinding(rows)
			if err == nil && !slices.ContainsFunc(all, func(y Finding) bool { return y.order == x.order }) {
				all = append(all, x)
			}
			return err
		}, prefix, prefix+"g")
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.order[0], b.order[0]), cmp.Compare(a.order[1], b.order[1]))
	})
	return all[:min(len(all), 20)], nil
}

// An Event is what has become of a finding.
type Event struct {
	ID       int64           `json:"id"`
	Stream   string          `json:"stream"`
	Identity string          `json:"identity"`
	Scan     string          `json:"scan"`
	At       time.Time       `json:"at"`
	Type     EventType       `json:"type"`
	Severity engine.Severity `json:"severity"`
	Was      engine.Severity `json:"was,omitempty"` // before it escalated
	Cause    json.RawMessage `json:"cause,omitempty"`
}

// History returns the events of a finding, the oldest first.
func (s *Store) History(ctx context.Context, stream, identity string) ([]Event, error) {
	return s.events(ctx, `stream = $1 AND identity = $2 ORDER BY id`, stream, identity)
}

// EventsOf returns the events of a scan in their order.
func (s *Store) EventsOf(ctx context.Context, scan string) ([]Event, error) {
	return s.events(ctx, `scan = $1 ORDER BY id`, scan)
}

// EventsSince returns events of a stream from a time on; of all streams, if it is "".
func (s *Store) EventsSince(ctx context.Context, stream string, since time.Time) ([]Event, error) {
	return s.events(ctx, `at >= $1 AND ($2 = '' OR stream = $2) ORDER BY id`, ms(since), stream)
}

func (s *Store) events(ctx context.Context, where string, args ...any) (all []Event, err error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT id, stream, identity, scan, at, type, severity, was, cause FROM events WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var x Event
		var at int64
		var cause string
		if err := rows.Scan(&x.ID, &x.Stream, &x.Identity, &x.Scan, &at, &x.Type, &x.Severity, &x.Was, &cause); err != nil {
			return nil, err
		}
		if x.At = moment(at); cause != "" {
			x.Cause = json.RawMessage(cause)
		}
		all = append(all, x)
	}
	return all, rows.Err()
}

// Explain notes who caused an event.
func (s *Store) Explain(ctx context.Context, event int64, cause json.RawMessage) error {
	_, err := s.DB.ExecContext(ctx, `UPDATE events SET cause = $1 WHERE id = $2`, string(cause), event)
	return err
}

// Scan returns a scan, its head included.
func (s *Store) Scan(ctx context.Context, id string) (Scan, error) {
	all, err := s.scans(ctx, "id = $1", 1, true, id)
	if err == nil && len(all) == 0 {
		return Scan{}, ErrNotFound
	}
	if err != nil {
		return Scan{}, err
	}
	return all[0], nil
}

// Last returns the last scan of a stream that is done.
func (s *Store) Last(ctx context.Context, stream string) (Scan, error) {
	all, err := s.scans(ctx, "stream = $1 AND state = 'done'", 1, true, stream)
	if err == nil && len(all) == 0 {
		return Scan{}, ErrNotFound
	}
	if err != nil {
		return Scan{}, err
	}
	return all[0], nil
}

// Scans returns the newest scans of a stream, or of all if it is "", without their heads.
func (s *Store) Scans(ctx context.Context, stream string, limit int) ([]Scan, error) {
	return s.scans(ctx, "($1 = '' OR stream = $1)", limit, false, stream)
}

func (s *Store) scans(ctx context.Context, where string, limit int, heads bool, args ...any) (all []Scan, err error) {
	head := "''"
	if heads {
		head = "head"
	}
	order := "created DESC, id DESC"
	if strings.Contains(where, "'done'") {
		order = "turn DESC"
	}
	rows, err := s.DB.QueryContext(ctx, `SELECT id, stream, cause, state, created, due, started, finished, failure, settings, `+head+` FROM scans WHERE `+where+` ORDER BY `+order+` LIMIT `+strconv.Itoa(limit), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var x Scan
		var created, due, started, finished int64
		var settings, head string
		if err := rows.Scan(&x.ID, &x.Stream, &x.Cause, &x.State, &created, &due, &started, &finished, &x.Failure, &settings, &head); err != nil {
			return nil, err
		}
		x.Created, x.Due, x.Started, x.Finished = moment(created), moment(due), moment(started), moment(finished)
		if settings != "" {
			x.Settings = json.RawMessage(settings)
		}
		if head != "" {
			x.Head = json.RawMessage(head)
		}
		all = append(all, x)
	}
	return all, rows.Err()
}

// Streams lists the streams of which there are scans.
func (s *Store) Streams(ctx context.Context) (all []string, err error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT DISTINCT stream FROM scans ORDER BY stream`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		all = append(all, name)
	}
	return all, rows.Err()
}

// A Point is what one scan of a trend found.
type Point struct {
	Scan      string                  `json:"scan"`
	Started   time.Time               `json:"started"`
	Failures  map[engine.Severity]int `json:"failures"` // that nobody has waived
	Waived    int                     `json:"waived"`
	Cells     int                     `json:"cells"`
	Assessed  int                     `json:"assessed"`
	New       int                     `json:"new"`       // regressed and escalated ones too
	Regressed int                     `json:"regressed"` // of them
	Fixed     int                     `json:"fixed"`
}

// Trend returns what the scans of a stream have found since a time, the oldest first; of one pillar, unless that is "".
func (s *Store) Trend(ctx context.Context, stream string, pillar engine.Pillar, since time.Time) (all []Point, err error) {
	at := map[string]int{}
	err = s.each(ctx, `SELECT s.id, s.started, COALESCE(SUM(c.cells), 0), COALESCE(SUM(c.assessed), 0) FROM scans s LEFT JOIN coverage c ON c.scan = s.id
		WHERE s.stream = $1 AND s.state = 'done' AND s.started >= $2 GROUP BY s.id, s.started, s.turn ORDER BY s.turn`, func(rows *sql.Rows) error {
		var p Point
		var started int64
		if err := rows.Scan(&p.Scan, &started, &p.Cells, &p.Assessed); err != nil {
			return err
		}
		p.Started, p.Failures = moment(started), map[engine.Severity]int{}
		at[p.Scan] = len(all)
		all = append(all, p)
		return nil
	}, stream, ms(since))
	if err != nil {
		return nil, err
	}
	err = s.each(ctx, `SELECT t.scan, t.severity, t.failures, t.waived FROM tallies t JOIN scans s ON s.id = t.scan WHERE s.stream = $1 AND s.state = 'done' AND s.started >= $2 AND t.pillar = $3`, func(rows *sql.Rows) error {
		var scan string
		var severity engine.Severity
		var failures, waived int
		if err := rows.Scan(&scan, &severity, &failures, &waived); err != nil {
			return err
		}
		p := &all[at[scan]]
		p.Failures[severity] = failures
		p.Waived += waived
		return nil
	}, stream, ms(since), string(pillar))
	if err != nil {
		return nil, err
	}
	err = s.each(ctx, `SELECT h.scan, h.type, h.n FROM happened h JOIN scans s ON s.id = h.scan WHERE s.stream = $1 AND s.started >= $2`, func(rows *sql.Rows) error {
		var scan string
		var event EventType
		var n int
		if err := rows.Scan(&scan, &event, &n); err != nil {
			return err
		}
		if i, ok := at[scan]; ok {
			all[i].count(event, n)
		}
		return nil
	}, stream, ms(since))
	return all, err
}

// each runs a query and hands on its rows.
func (s *Store) each(ctx context.Context, query string, row func(*sql.Rows) error, args ...any) error {
	rows, err := s.DB.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// TimeToFix returns how long findings of each severity were open that were fixed since a time: the median, and how many they are.
func (s *Store) TimeToFix(ctx context.Context, stream string, since time.Time) (median map[engine.Severity]time.Duration, n map[engine.Severity]int, err error) {
	type took struct {
		ms int64
		n  int // findings
	}
	all := map[engine.Severity][]took{} // the quickest first
	median, n = map[engine.Severity]time.Duration{}, map[engine.Severity]int{}
	err = s.each(ctx, `SELECT severity, fixed_at - first_seen, COUNT(*) FROM findings WHERE stream = $1 AND state = 'fixed' AND fixed_at >= $2 GROUP BY severity, fixed_at - first_seen ORDER BY severity, fixed_at - first_seen`, func(rows *sql.Rows) error {
		var severity engine.Severity
		var x took
		err := rows.Scan(&severity, &x.ms, &x.n)
		all[severity], n[severity] = append(all[severity], x), n[severity]+x.n
		return err
	}, stream, ms(since))
	for severity, list := range all {
		at := n[severity] / 2
		for _, x := range list {
			if at -= x.n; at < 0 {
				median[severity] = time.Duration(x.ms) * time.Millisecond
				break
			}
		}
	}
	return median, n, err
}

// Snapshot returns what a scan has read, as it was recorded; ErrNotFound if it is not kept, or no longer.
func (s *Store) Snapshot(ctx context.Context, scan string) (io.ReadCloser, error) {
	var parts int
	if err := s.DB.QueryRowContext(ctx, `SELECT COUNT(*) FROM snapshots WHERE scan = $1`, scan).Scan(&parts); err != nil {
		return nil, err
	}
	if parts == 0 {
		return nil, ErrNotFound
	}
	return &snapshotReader{ctx: ctx, store: s, scan: scan, parts: parts}, nil
}

type snapshotReader struct {
	ctx         context.Context
	store       *Store
	scan        string
	next, parts int
	rest        []byte
}

func (r *snapshotReader) Read(b []byte) (int, error) {
	if len(r.rest) == 0 {
		if r.next == r.parts {
			return 0, io.EOF
		}
		if err := r.store.DB.QueryRowContext(r.ctx, `SELECT data FROM snapshots WHERE scan = $1 AND part = $2`, r.scan, r.next).Scan(&r.rest); err != nil {
			return 0, fmt.Errorf("reading a snapshot: %w", err)
		}
		r.next++
	}
	n := copy(b, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func (r *snapshotReader) Close() error { return nil }
