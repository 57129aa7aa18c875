package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"awsscanner/internal/report"
)

// Who caused what a scan has found is looked up after it was recorded, by whoever holds the scan for that. How to get into its accounts is kept
// until all is told: as long as it is there, somebody has to look.

// explicable are the events whose cause can be looked up.
const explicable = `('` + string(New) + `', '` + string(Regressed) + `', '` + string(Escalated) + `')`

// unexplained is how long a scan may wait for that at most.
const unexplained = 7 * 24 * time.Hour

// forgetRead drops what a scan has read, and how to get into its accounts if no event has to be explained.
func forgetRead(ctx context.Context, tx *sql.Tx, scan string) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM cells WHERE scan = $1`, scan)
	if err == nil {
		_, err = tx.ExecContext(ctx, `DELETE FROM readings WHERE scan = $1 AND NOT EXISTS (SELECT 1 FROM events WHERE scan = $1 AND type IN `+explicable+`)`, scan)
	}
	return err
}

// A Question is an event that can be explained, and the finding that it is about.
type Question struct {
	Event
	Finding report.Finding
}

// Questions returns the events of a scan that can be explained, those that are as well, the most severe first.
func (s *Store) Questions(ctx context.Context, scan string) (all []Question, err error) {
	err = s.each(ctx, `SELECT e.id, e.stream, e.identity, e.scan, e.at, e.type, e.severity, e.was, e.cause, f.finding FROM events e JOIN findings f ON f.stream = e.stream AND f.identity = e.identity
		WHERE e.scan = $1 AND e.type IN `+explicable+` ORDER BY e.severity DESC, e.id`, func(rows *sql.Rows) error {
		var x Question
		var at int64
		var cause, finding string
		if err := rows.Scan(&x.ID, &x.Stream, &x.Identity, &x.Scan, &at, &x.Type, &x.Severity, &x.Was, &cause, &finding); err != nil {
			return err
		}
		if x.At = moment(at); cause != "" {
			x.Cause = json.RawMessage(cause)
		}
		all = append(all, x)
		return json.Unmarshal([]byte(finding), &all[len(all)-1].Finding)
	}, scan)
	return all, err
}

// AwaitsCauses reports whether somebody is to look up the cause of an event of a scan, and nobody has yet.
func (s *Store) AwaitsCauses(ctx context.Context, scan string) (yes bool, err error) {
	err = s.DB.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM readings WHERE scan = $1) AND EXISTS (SELECT 1 FROM events WHERE scan = $1 AND cause = '' AND type IN `+explicable+`)`, scan).Scan(&yes)
	return yes, err
}

// Before returns the scan of the same stream that was done before another one; ErrNotFound if there is none, or none any more.
func (s *Store) Before(ctx context.Context, scan string) (Scan, error) {
	all, err := s.scans(ctx, `state = 'done' AND stream = (SELECT stream FROM scans WHERE id = $1) AND turn < (SELECT turn FROM scans WHERE id = $1)`, 1, false, scan)
	if err == nil && len(all) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Scan{}, err
	}
	return all[0], nil
}

// TakeCauses gives a scan that is done to whoever looks up what caused its events, until a time, unless somebody else does or nothing is left to do.
func (s *Store) TakeCauses(ctx context.Context, scan, holder string, now, until time.Time) (taken bool, err error) {
	result, err := s.DB.ExecContext(ctx, `UPDATE scans SET holder = $1, lease = $2 WHERE id = $3 AND state = 'done' AND (holder = $1 OR `+over("lease", 4)+`) AND EXISTS (SELECT 1 FROM readings WHERE scan = $3)`,
		append([]any{holder, ms(until), scan}, overAt(now)...)...)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// LeaveCauses gives it back, for somebody to look again at some time. With a zero time all is told, and how to get into the accounts is forgotten.
func (s *Store) LeaveCauses(ctx context.Context, scan, holder string, again time.Time) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `UPDATE scans SET holder = '', lease = $1 WHERE id = $2 AND state = 'done' AND holder = $3`, ms(again), scan, holder)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 { // somebody else has it
			return err
		}
		if again.IsZero() {
			_, err = tx.ExecContext(ctx, `DELETE FROM readings WHERE scan = $1`, scan)
		}
		return err
	})
}

// Unexplained returns the scans that are done, and about whose events it is time to look.
func (s *Store) Unexplained(ctx context.Context, now time.Time) ([]Scan, error) {
	return s.scans(ctx, `state = 'done' AND `+over("lease", 1)+` AND EXISTS (SELECT 1 FROM readings r WHERE r.scan = scans.id)`, 1000, false, overAt(now)...)
}
