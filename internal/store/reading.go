package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// A Reading is one account of a scan under way. Whoever reads it holds it for a while and says again and again that he still does; what he
// has read is kept cell by cell, so that another one can go on.
type Reading struct {
	Scan      string
	Account   string
	Enter     json.RawMessage // how to get in
	State     State           // waiting, running or done
	Header    json.RawMessage // of the snapshot, as far as it is about this account
	Calls     int
	Throttled int
}

// ErrLost says that a reading is held by somebody else now, or that its scan is over.
var ErrLost = errors.New("the reading is no longer held")

// Divide notes which accounts a scan reads, in this order. What was noted before stays.
func (s *Store) Divide(ctx context.Context, scan string, accounts []Reading) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		if err := running(ctx, tx, scan); err != nil {
			return err
		}
		rows := newBatch(tx, s.dialect, `INSERT INTO readings (scan, account, position, enter, state, holder, lease, header, calls, throttled) VALUES `, 10, ` ON CONFLICT DO NOTHING`)
		for i, a := range accounts {
			if err := rows.add(ctx, scan, a.Account, i, string(a.Enter), Waiting, "", 0, "", 0, 0); err != nil {
				return err
			}
		}
		return rows.flush(ctx)
	})
}

func running(ctx context.Context, tx *sql.Tx, scan string) error {
	var state State
	if err := tx.QueryRowContext(ctx, `SELECT state FROM scans WHERE id = $1`, scan).Scan(&state); err != nil {
		return fmt.Errorf("scan %s: %w", scan, err)
	}
	if state.Over() {
		return fmt.Errorf("scan %s is %s: %w", scan, state, ErrLost)
	}
	return nil
}

// farAhead is how far ahead the end of no lease and no pause is: what is farther was set before the clock went back, and does not count.
const farAhead = time.Hour

// over is the condition that a lease is over, with arguments n and n+1: those of overAt.
func over(column string, n int) string {
	return fmt.Sprintf(`(%[1]s < $%[2]d OR %[1]s > $%[3]d)`, column, n, n+1)
}

func overAt(now time.Time) []any { return []any{ms(now), ms(now.Add(farAhead))} }

// Take gives a reading to a holder until a time, unless it is done or somebody else holds it.
func (s *Store) Take(ctx context.Context, scan, account, holder string, now, until time.Time) (taken bool, err error) {
	result, err := s.DB.ExecContext(ctx, `UPDATE readings SET state = 'running', holder = $1, lease = $2 WHERE scan = $3 AND account = $4 AND state <> 'done' AND (state = 'waiting' OR holder = $1 OR `+over("lease", 5)+`)
		AND EXISTS (SELECT 1 FROM scans WHERE id = $3 AND state = 'running')`, append([]any{holder, ms(until), scan, account}, overAt(now)...)...)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// Hold says that a holder goes on until a time. ErrLost tells him to stop.
func (s *Store) Hold(ctx context.Context, scan, account, holder string, until time.Time) error {
	result, err := s.DB.ExecContext(ctx, `UPDATE readings SET lease = $1 WHERE scan = $2 AND account = $3 AND holder = $4 AND state = 'running' AND EXISTS (SELECT 1 FROM scans WHERE id = $2 AND state = 'running')`,
		ms(until), scan, account, holder)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, ErrLost)
	}
	return nil
}

// Release gives a reading back, for others to go on with.
func (s *Store) Release(ctx context.Context, scan, account, holder string) error {
	_, err := s.DB.ExecContext(ctx, `UPDATE readings SET state = 'waiting', holder = '', lease = 0 WHERE scan = $1 AND account = $2 AND holder = $3 AND state = 'running'`, scan, account, holder)
	return err
}

// PutCell keeps a cell that was read. A later one takes its place. ErrLost says that nobody waits for it any more.
func (s *Store) PutCell(ctx context.Context, scan string, c engine.Cell) error {
	text, err := engine.EncodeCell(c)
	if err != nil {
		return err
	}
	result, err := s.DB.ExecContext(ctx, s.dialect.words(`INSERT INTO cells (scan, account, region, service, data) SELECT s.id, $1, $2, $3, CAST($4 AS $BYTES) FROM scans s WHERE s.id = $5 AND s.state = 'running'
		ON CONFLICT (scan, account, region, service) DO UPDATE SET data = excluded.data`), c.Account, c.Region, c.Service, pack(text), scan)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return cmp.Or(err, ErrLost)
	}
	return nil
}

// Cells returns what was read of an account.
func (s *Store) Cells(ctx context.Context, scan, account string, kinds model.Table) (all []engine.Cell, err error) {
	err = s.each(ctx, `SELECT data FROM cells WHERE scan = $1 AND account = $2 ORDER BY region, service`, func(rows *sql.Rows) error {
		var data []byte
		if err := rows.Scan(&data); err != nil {
			return err
		}
		text, err := unpack(data)
		if err != nil {
			return err
		}
		c, err := engine.DecodeCell(text, kinds)
		all = append(all, c)
		return err
	}, scan, account)
	return all, err
}

// ForgetCells drops what was read of an account.
func (s *Store) ForgetCells(ctx context.Context, scan, account string) error {
	_, err := s.DB.ExecContext(ctx, `DELETE FROM cells WHERE scan = $1 AND account = $2`, scan, account)
	return err
}

// Finish notes that an account was read, by its holder. It reports whether all of the scan are.
func (s *Store) Finish(ctx context.Context, r Reading, holder string) (all bool, err error) {
	err = s.tx(ctx, func(tx *sql.Tx) error {
		if s.dialect == postgres { // of two that end at once, one must see both
			if _, err := tx.ExecContext(ctx, `SELECT 1 FROM scans WHERE id = $1 FOR UPDATE`, r.Scan); err != nil {
				return err
			}
		}
		if err := running(ctx, tx, r.Scan); err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, `UPDATE readings SET state = 'done', header = $1, calls = $2, throttled = $3, lease = 0 WHERE scan = $4 AND account = $5 AND holder = $6 AND state = 'running'`,
			string(r.Header), r.Calls, r.Throttled, r.Scan, r.Account, holder)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, ErrLost)
		}
		var left int
		err = tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM readings WHERE scan = $1 AND state <> 'done'`, r.Scan).Scan(&left)
		all = left == 0
		return err
	})
	return all, err
}

// Readings returns the accounts of a scan, in their order.
func (s *Store) Readings(ctx context.Context, scan string) (all []Reading, err error) {
	return s.readings(ctx, `scan = $1 ORDER BY position`, scan)
}

// Abandoned returns the readings whose holder has not been heard of, and which nobody goes on with.
func (s *Store) Abandoned(ctx context.Context, now time.Time) (all []Reading, err error) {
	return s.readings(ctx, `state = 'running' AND `+over("lease", 1)+` AND scan IN (SELECT id FROM scans WHERE state = 'running') ORDER BY scan, position`, overAt(now)...)
}

func (s *Store) readings(ctx context.Context, where string, args ...any) (all []Reading, err error) {
	err = s.each(ctx, `SELECT scan, account, enter, state, header, calls, throttled FROM readings WHERE `+where, func(rows *sql.Rows) error {
		var r Reading
		var enter, header string
		err := rows.Scan(&r.Scan, &r.Account, &enter, &r.State, &header, &r.Calls, &r.Throttled)
		r.Enter, r.Header = json.RawMessage(enter), json.RawMessage(header)
		all = append(all, r)
		return err
	}, args...)
	return all, err
}

// TakeScan gives a scan to whoever divides it into accounts, or judges it, until a time, unless somebody else does.
func (s *Store) TakeScan(ctx context.Context, scan, holder string, now, until time.Time) (taken bool, err error) {
	result, err := s.DB.ExecContext(ctx, `UPDATE scans SET holder = $1, lease = $2 WHERE id = $3 AND state = 'running' AND (holder = $1 OR `+over("lease", 4)+`)`, append([]any{holder, ms(until), scan}, overAt(now)...)...)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// DropScan gives a scan back.
func (s *Store) DropScan(ctx context.Context, scan, holder string) error {
	_, err := s.DB.ExecContext(ctx, `UPDATE scans SET holder = '', lease = 0 WHERE id = $1 AND holder = $2`, scan, holder)
	return err
}

// DropAll gives back whatever anybody holds: what held it is gone.
func (s *Store) DropAll(ctx context.Context) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE readings SET state = 'waiting', holder = '', lease = 0 WHERE state = 'running'`); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE scans SET holder = '', lease = 0 WHERE holder <> ''`); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE channels SET holder = '', lease = 0 WHERE holder <> ''`)
		return err
	})
}

// Idle returns the readings of scans under way that nobody holds, and the scans that have not been divided into any, and that nobody divides.
func (s *Store) Idle(ctx context.Context, now time.Time) (readings []Reading, scans []string, err error) {
	if readings, err = s.readings(ctx, `state = 'waiting' AND scan IN (SELECT id FROM scans WHERE state = 'running') ORDER BY scan, position`); err != nil {
		return nil, nil, err
	}
	err = s.each(ctx, `SELECT id FROM scans WHERE state IN ('waiting', 'running') AND cause <> 'command' AND `+over("lease", 1)+` AND NOT EXISTS (SELECT 1 FROM readings r WHERE r.scan = scans.id) ORDER BY created, id`, func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		scans = append(scans, id)
		return err
	}, overAt(now)...)
	return readings, scans, err
}

// AtWork reports whether somebody is at work on a scan.
func (s *Store) AtWork(ctx context.Context, scan string, now time.Time) (held bool, err error) {
	err = s.DB.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM scans WHERE id = $1 AND NOT `+over("lease", 2)+`) OR EXISTS (SELECT 1 FROM readings WHERE scan = $1 AND state = 'running' AND NOT `+over("lease", 2)+`)`,
		append([]any{scan}, overAt(now)...)...).Scan(&held)
	return held, err
}

// Unjudged returns the scans all of whose accounts are read, and which nobody judges.
func (s *Store) Unjudged(ctx context.Context, now time.Time) ([]Scan, error) {
	return s.scans(ctx, `state = 'running' AND `+over("lease", 1)+` AND EXISTS (SELECT 1 FROM readings r WHERE r.scan = scans.id) AND NOT EXISTS (SELECT 1 FROM readings r WHERE r.scan = scans.id AND r.state <> 'done')`, 1000, false, overAt(now)...)
}

// Unfinished returns the scans that are not over, the oldest first.
func (s *Store) Unfinished(ctx context.Context) ([]Scan, error) {
	return s.scans(ctx, "state IN ('waiting', 'running')", 1000, false)
}

// forget drops what a scan that is over has read: its snapshot has it.
func forget(ctx context.Context, tx *sql.Tx, scan string) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM cells WHERE scan = $1`, scan)
	if err == nil {
		_, err = tx.ExecContext(ctx, `DELETE FROM readings WHERE scan = $1`, scan)
	}
	return err
}
