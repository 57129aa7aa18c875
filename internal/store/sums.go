package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/report"
)

// Counts says how many findings are open.
type Counts struct {
	Open        map[engine.Severity]int `json:"open"`        // that nobody has waived
	Waived      int                     `json:"waived"`      // that somebody has
	NotAssessed int                     `json:"notAssessed"` // of both, those that nobody could look at any more
}

func (c *Counts) add(severity engine.Severity, waived, unassessed bool, n int) {
	if c.Open == nil {
		c.Open = map[engine.Severity]int{}
	}
	if waived {
		c.Waived += n
	} else {
		c.Open[severity] += n
	}
	if unassessed {
		c.NotAssessed += n
	}
}

// Sums counts the open findings of a stream in several ways.
type Sums struct {
	All      Counts
	Pillars  map[engine.Pillar]*Counts
	Accounts map[string]*Counts
	Regions  map[string]*Counts
	Owners   map[string]*Counts
	Rules    map[string]*Counts
}

// Sums counts the open findings of a stream.
func (s *Store) Sums(ctx context.Context, stream string) (*Sums, error) {
	x := &Sums{Pillars: map[engine.Pillar]*Counts{}, Accounts: map[string]*Counts{}, Regions: map[string]*Counts{}, Owners: map[string]*Counts{}, Rules: map[string]*Counts{}}
	by := func(column string, into func(key string) []*Counts) error {
		return s.each(ctx, `SELECT `+column+`, severity, CASE WHEN waived <> '' THEN 1 ELSE 0 END, CASE WHEN unassessed <> 0 THEN 1 ELSE 0 END, COUNT(*) FROM findings WHERE stream = $1 AND state = 'open' GROUP BY 1, 2, 3, 4`, func(rows *sql.Rows) error {
			var key string
			var severity engine.Severity
			var waived, unassessed bool
			var n int
			if err := rows.Scan(&key, &severity, &waived, &unassessed, &n); err != nil {
				return err
			}
			for _, c := range into(key) {
				c.add(severity, waived, unassessed, n)
			}
			return nil
		}, stream)
	}
	in := func(m map[string]*Counts) func(string) []*Counts {
		return func(key string) []*Counts {
			if m[key] == nil {
				m[key] = &Counts{}
			}
			return []*Counts{m[key]}
		}
	}
	err := by("pillars", func(key string) []*Counts {
		all := []*Counts{&x.All}
		for name := range strings.SplitSeq(strings.Trim(key, ","), ",") {
			p := engine.Pillar(name)
			if x.Pillars[p] == nil {
				x.Pillars[p] = &Counts{}
			}
			all = append(all, x.Pillars[p])
		}
		return all
	})
	return x, errors.Join(err, by("account", in(x.Accounts)), by("region", in(x.Regions)), by("owner", in(x.Owners)), by("rule", in(x.Rules)))
}

// An Acceptance is a waiver with what it holds back.
type Acceptance struct {
	report.Waived
	Rules    []string                `json:"rules"`
	Findings map[engine.Severity]int `json:"findings"`
}

// Acceptances lists the waivers that hold back open findings of a stream, those first that end first.
func (s *Store) Acceptances(ctx context.Context, stream string) (all []Acceptance, err error) {
	at := map[report.Waived]int{}
	err = s.each(ctx, `SELECT rule, severity, finding FROM findings WHERE stream = $1 AND state = 'open' AND waived <> '' ORDER BY waived, rule, identity`, func(rows *sql.Rows) error {
		var rule, text string
		var severity engine.Severity
		if err := rows.Scan(&rule, &severity, &text); err != nil {
			return err
		}
		var told struct{ Waived *report.Waived }
		if err := json.Unmarshal([]byte(text), &told); err != nil || told.Waived == nil {
			return err
		}
		i, ok := at[*told.Waived]
		if !ok {
			i = len(all)
			at[*told.Waived] = i
			all = append(all, Acceptance{Waived: *told.Waived, Findings: map[engine.Severity]int{}})
		}
		if all[i].Findings[severity]++; !slices.Contains(all[i].Rules, rule) {
			all[i].Rules = append(all[i].Rules, rule)
		}
		return nil
	}, stream)
	return all, err
}

// Sizes of the tables that grow, for metrics.
type Sizes struct {
	Bytes int64 // of the database; 0 if it does not tell
	Scans map[string]map[State]int
}

// Sizes counts scans by stream and state, and the bytes of the database.
func (s *Store) Sizes(ctx context.Context) (x Sizes, err error) {
	x.Scans = map[string]map[State]int{}
	err = s.each(ctx, `SELECT stream, state, COUNT(*) FROM scans GROUP BY stream, state`, func(rows *sql.Rows) error {
		var stream string
		var state State
		var n int
		err := rows.Scan(&stream, &state, &n)
		if x.Scans[stream] == nil {
			x.Scans[stream] = map[State]int{}
		}
		x.Scans[stream][state] = n
		return err
	})
	size := `SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()`
	if s.dialect == postgres {
		size = `SELECT pg_database_size(current_database())`
	}
	return x, errors.Join(err, s.DB.QueryRowContext(ctx, size).Scan(&x.Bytes))
}

// Coverage returns how much of each account a scan has seen.
func (s *Store) Coverage(ctx context.Context, scan string) (all []report.Coverage, err error) {
	err = s.each(ctx, `SELECT account, name, regions, cells, assessed, failures FROM coverage WHERE scan = $1 ORDER BY account`, func(rows *sql.Rows) error {
		var c report.Coverage
		err := rows.Scan(&c.Account, &c.Name, &c.Regions, &c.Cells, &c.Assessed, &c.Failures)
		all = append(all, c)
		return err
	}, scan)
	return all, err
}

// ScansPage returns scans of a stream, or of all if it is "", the newest first, and the cursor of the next page; "" if it is the last.
func (s *Store) ScansPage(ctx context.Context, stream string, states []State, after string, limit int) (page []Scan, next string, err error) {
	args := []any{stream}
	where := "($1 = '' OR stream = $1)"
	if len(states) > 0 {
		var list []string
		for _, state := range states {
			args = append(args, state)
			list = append(list, "$"+strconv.Itoa(len(args)))
		}
		where += " AND state IN (" + strings.Join(list, ", ") + ")"
	}
	if after != "" {
		at, id, ok := strings.Cut(after, ".")
		created, err := strconv.ParseInt(at, 10, 64)
		if !ok || err != nil {
			return nil, "", ErrCursor
		}
		args = append(args, created, id)
		where += fmt.Sprintf(" AND (created < $%d OR created = $%[1]d AND id < $%d)", len(args)-1, len(args))
	}
	if page, err = s.scans(ctx, where, limit+1, false, args...); err != nil {
		return nil, "", err
	}
	if len(page) > limit {
		page = page[:limit]
		next = fmt.Sprintf("%d.%s", ms(page[limit-1].Created), page[limit-1].ID)
	}
	return page, next, nil
}

// EventFilter picks events. The zero EventFilter picks all.
type EventFilter struct {
	Stream, Scan, Identity string
	Types                  []EventType
	Since                  time.Time
	Before                 int64 // only those before this ID
	Limit                  int
}

// A Happening is an event with what it is about.
type Happening struct {
	Event
	Rule     string `json:"rule"` // the rest is empty if the finding is forgotten
	Title    string `json:"title"`
	Resource string `json:"resource"`
	Account  string `json:"account"`
	Region   string `json:"region"`
	Owner    string `json:"owner"`
}

// Happenings returns events, the newest first.
func (s *Store) Happenings(ctx context.Context, f EventFilter) (all []Happening, err error) {
	var parts []string
	var args []any
	arg := func(v any) string { args = append(args, v); return "$" + strconv.Itoa(len(args)) }
	for _, of := range [][2]string{{"e.stream", f.Stream}, {"e.scan", f.Scan}, {"e.identity", f.Identity}} {
		if of[1] != "" {
			parts = append(parts, of[0]+" = "+arg(of[1]))
		}
	}
	if len(f.Types) > 0 {
		var list []string
		for _, t := range f.Types {
			list = append(list, arg(t))
		}
		parts = append(parts, "e.type IN ("+strings.Join(list, ", ")+")")
	}
	if !f.Since.IsZero() {
		parts = append(parts, "e.at >= "+arg(ms(f.Since)))
	}
	if f.Before > 0 {
		parts = append(parts, "e.id < "+arg(f.Before))
	}
	if len(parts) == 0 {
		parts = []string{"1 = 1"}
	}
	err = s.each(ctx, `SELECT e.id, e.stream, e.identity, e.scan, e.at, e.type, e.severity, e.was, e.cause, COALESCE(f.rule, ''), COALESCE(f.resource, ''), COALESCE(f.name, ''), COALESCE(f.account, ''), COALESCE(f.region, ''), COALESCE(f.owner, ''), COALESCE(f.finding, '')
		FROM events e LEFT JOIN findings f ON f.stream = e.stream AND f.identity = e.identity WHERE `+strings.Join(parts, " AND ")+` ORDER BY e.id DESC LIMIT `+strconv.Itoa(f.Limit), func(rows *sql.Rows) error {
		var x Happening
		var at int64
		var cause, name, finding string
		if err := rows.Scan(&x.ID, &x.Stream, &x.Identity, &x.Scan, &at, &x.Type, &x.Severity, &x.Was, &cause, &x.Rule, &x.Resource, &name, &x.Account, &x.Region, &x.Owner, &finding); err != nil {
			return err
		}
		if x.At = moment(at); cause != "" {
			x.Cause = json.RawMessage(cause)
		}
		if name != "" {
			x.Resource = name
		}
		if finding != "" {
			var told struct{ Title string }
			if err := json.Unmarshal([]byte(finding), &told); err != nil {
				return err
			}
			x.Title = told.Title
		}
		all = append(all, x)
		return nil
	}, args...)
	return all, err
}

// Points returns what some scans have found, by their IDs. Those that are not done are not among them.
func (s *Store) Points(ctx context.Context, scans []string) (map[string]Point, error) {
	all := map[string]Point{}
	if len(scans) == 0 {
		return all, nil
	}
	var list []string
	var args []any
	for i, id := range scans {
		list, args = append(list, "$"+strconv.Itoa(i+1)), append(args, id)
	}
	in := "IN (" + strings.Join(list, ", ") + ")"
	err := s.each(ctx, `SELECT s.id, s.started, COALESCE(SUM(c.cells), 0), COALESCE(SUM(c.assessed), 0) FROM scans s LEFT JOIN coverage c ON c.scan = s.id WHERE s.state = 'done' AND s.id `+in+` GROUP BY s.id, s.started`, func(rows *sql.Rows) error {
		p := Point{Failures: map[engine.Severity]int{}}
		var started int64
		err := rows.Scan(&p.Scan, &started, &p.Cells, &p.Assessed)
		p.Started = moment(started)
		all[p.Scan] = p
		return err
	}, args...)
	if err != nil {
		return nil, err
	}
	err = s.each(ctx, `SELECT scan, severity, failures, waived FROM tallies WHERE pillar = '' AND scan `+in, func(rows *sql.Rows) error {
		var scan string
		var severity engine.Severity
		var failures, waived int
		err := rows.Scan(&scan, &severity, &failures, &waived)
		if p, ok := all[scan]; ok {
			p.Failures[severity] = failures
			p.Waived += waived
			all[scan] = p
		}
		return err
	}, args...)
	if err != nil {
		return nil, err
	}
	return all, s.each(ctx, `SELECT scan, type, n FROM happened WHERE scan `+in, func(rows *sql.Rows) error {
		var scan string
		var event EventType
		var n int
		err := rows.Scan(&scan, &event, &n)
		if p, ok := all[scan]; ok {
			p.count(event, n)
			all[scan] = p
		}
		return err
	}, args...)
}

// count adds events to what a scan found.
func (p *Point) count(event EventType, n int) {
	switch event {
	case New, Regressed, Escalated:
		p.New += n
	case Fixed:
		p.Fixed += n
	}
	if event == Regressed {
		p.Regressed += n
	}
}

// Newest returns the ID of the last scan of a stream that is done; "" if there is none.
func (s *Store) Newest(ctx context.Context, stream string) (id string, err error) {
	err = s.DB.QueryRowContext(ctx, `SELECT id FROM scans WHERE stream = $1 AND turn > 0 ORDER BY turn DESC LIMIT 1`, stream).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return id, err
}

// CountRules counts what a filter picks, by rule.
func (s *Store) CountRules(ctx context.Context, f Filter) (map[string]*Counts, error) {
	where, args := f.where()
	all := map[string]*Counts{}
	return all, s.each(ctx, `SELECT rule, severity, CASE WHEN waived <> '' THEN 1 ELSE 0 END, CASE WHEN unassessed <> 0 THEN 1 ELSE 0 END, COUNT(*) FROM findings WHERE `+where+` GROUP BY 1, 2, 3, 4`, func(rows *sql.Rows) error {
		var rule string
		var severity engine.Severity
		var waived, unassessed bool
		var n int
		err := rows.Scan(&rule, &severity, &waived, &unassessed, &n)
		if all[rule] == nil {
			all[rule] = &Counts{}
		}
		all[rule].add(severity, waived, unassessed, n)
		return err
	}, args...)
}
