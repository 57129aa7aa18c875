package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// A Retention says what is kept. What findings have become of stays.
type Retention struct {
	Snapshots int           // of each stream, the newest; the others are dropped
	Scans     time.Duration // how long scans, their coverage and tallies are kept; the last one of a stream always is
	Fixed     time.Duration // how long findings that are fixed are kept, with their events
}

// Pruned says how much was dropped.
type Pruned struct{ Snapshots, Scans, Findings int64 }

// keepMessages is how long messages are kept that wait no more: nothing may be sent twice because it was forgotten.
const keepMessages = 90 * 24 * time.Hour

// Prune drops what need not be kept any more.
func (s *Store) Prune(ctx context.Context, keep Retention, now time.Time) (p Pruned, err error) {
	streams, err := s.Streams(ctx)
	if err != nil {
		return p, err
	}
	for _, stream := range streams {
		if err := s.tx(ctx, func(tx *sql.Tx) error { return s.prune(ctx, tx, stream, keep, now, &p) }); err != nil {
			return p, fmt.Errorf("stream %s: %w", stream, err)
		}
		for all := false; !all; {
			if err := s.tx(ctx, func(tx *sql.Tx) error {
				n, err := s.pruneFindings(ctx, tx, stream, now.Add(-keep.Fixed).UnixMilli())
				p.Findings, all = p.Findings+n, n < pruneAtOnce
				return err
			}); err != nil {
				return p, fmt.Errorf("stream %s: %w", stream, err)
			}
		}
	}
	return p, s.tx(ctx, func(tx *sql.Tx) error {
		drop := func(query string, args ...any) error {
			_, err := tx.ExecContext(ctx, query, args...)
			return err
		}
		messages := now.Add(-keepMessages).UnixMilli()
		return errors.Join(
			drop(`DELETE FROM cells WHERE scan NOT IN (SELECT id FROM scans WHERE state IN ('waiting', 'running'))`), // a reader may have kept one while its scan was ended
			drop(`DELETE FROM readings WHERE NOT EXISTS (SELECT 1 FROM scans s WHERE s.id = readings.scan AND (s.state NOT IN ('done', 'failed', 'cancelled') OR s.finished >= $1))`, now.Add(-unexplained).UnixMilli()),
			drop(`DELETE FROM held WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.id = held.event)`),
			drop(`DELETE FROM outbox WHERE state <> 'waiting' AND created < $1`, messages),
			drop(`DELETE FROM told WHERE at < $1 AND (open = 0 OR NOT EXISTS (SELECT 1 FROM findings f WHERE f.identity = told.identity AND f.state = 'open'))`, messages),
		)
	})
}

// prune drops what need not be kept of a stream.
func (s *Store) prune(ctx context.Context, tx *sql.Tx, stream string, keep Retention, now time.Time, p *Pruned) error {
	if err := s.lockStream(ctx, tx, stream); err != nil {
		return err
	}
	drop := func(n *int64, query string, args ...any) error {
		result, err := tx.ExecContext(ctx, query, args...)
		if err != nil {
			return err
		}
		rows, err := result.RowsAffected()
		*n += rows
		return err
	}
	var ignored int64
	const old = `SELECT id FROM scans WHERE stream = $1 AND created < $2 AND state IN ('done', 'failed', 'cancelled') AND (turn = 0 OR turn < (SELECT MAX(turn) FROM scans WHERE stream = $1))`
	before := now.Add(-keep.Scans).UnixMilli()
	return errors.Join(
		drop(&p.Snapshots, `DELETE FROM snapshots WHERE scan IN (SELECT id FROM scans WHERE stream = $1 AND turn > 0 AND turn <= (SELECT MAX(turn) FROM scans WHERE stream = $1) - $2)`, stream, keep.Snapshots),
		drop(&ignored, `DELETE FROM coverage WHERE scan IN (`+old+`)`, stream, before),
		drop(&ignored, `DELETE FROM tallies WHERE scan IN (`+old+`)`, stream, before),
		drop(&ignored, `DELETE FROM happened WHERE scan IN (`+old+`)`, stream, before),
		drop(&ignored, `DELETE FROM snapshots WHERE scan IN (`+old+`)`, stream, before),
		drop(&p.Scans, `DELETE FROM scans WHERE id IN (`+old+`)`, stream, before),
	)
}

// pruneAtOnce is how many findings are dropped together, so that nobody waits for long who wants to write meanwhile.
const pruneAtOnce = 2000

// pruneFindings drops some findings that have been fixed for long, with their events.
func (s *Store) pruneFindings(ctx context.Context, tx *sql.Tx, stream string, before int64) (int64, error) {
	if err := s.lockStream(ctx, tx, stream); err != nil {
		return 0, err
	}
	rows, err := tx.QueryContext(ctx, `SELECT identity FROM findings WHERE stream = $1 AND state = 'fixed' AND fixed_at > 0 AND fixed_at < $2 ORDER BY fixed_at LIMIT $3`, stream, before, pruneAtOnce)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var old []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return 0, err
		}
		old = append(old, id)
	}
	if err := rows.Err(); err != nil || len(old) == 0 {
		return 0, err
	}
	for _, table := range []string{"events", "findings"} {
		b := newBatch(tx, s.dialect, `DELETE FROM `+table+` WHERE stream = $1 AND identity IN `, 1, "")
		b.fixed, b.list = []any{stream}, true
		for _, id := range old {
			if err := b.add(ctx, id); err != nil {
				return 0, err
			}
		}
		if err := b.flush(ctx); err != nil {
			return 0, err
		}
	}
	return int64(len(old)), nil
}
