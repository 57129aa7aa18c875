package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"awsscanner/internal/engine"
)

// A MessageState says what has become of a message in the outbox.
type MessageState string

const (
	ToSend    MessageState = "waiting"
	Sent      MessageState = "sent"
	Refused   MessageState = "refused"   // the receiver does not take it, whenever it is sent
	Expired   MessageState = "expired"   // nobody took it for so long that it is no news any more
	Overtaken MessageState = "overtaken" // a later one says all that it does
)

// A Message is one in the outbox, to one channel.
type Message struct {
	ID      int64           `json:"id"`
	Channel string          `json:"channel"`
	Kind    string          `json:"kind"`
	Key     string          `json:"key"` // whatever has the same one is the same message: it is taken once
	Payload json.RawMessage `json:"payload"`
	Created time.Time       `json:"created"`
	State   MessageState    `json:"state"`
	Tries   int             `json:"tries"`
	Failure string          `json:"failure,omitempty"` // why it was not sent, the last time

	Overtakes bool `json:"-"` // those of its kind that wait in the channel
}

// A Told is what a channel knows of a finding.
type Told struct {
	Channel  string
	Identity string
	Stream   string // that told of it last
	Open     bool   // false once it was told to be fixed
	Severity engine.Severity
}

// A DoneScan is one that is done, and which one of its stream it is.
type DoneScan struct {
	Scan
	Turn int64
}

// Unannounced returns the scans that are done and whose events are not in the outbox, stream by stream and in their order, with their heads.
func (s *Store) Unannounced(ctx context.Context) (all []DoneScan, err error) {
	err = s.each(ctx, `SELECT id, stream, cause, started, finished, head, turn FROM scans WHERE state = 'done' AND announced = 0 ORDER BY stream, turn`, func(rows *sql.Rows) error {
		var x DoneScan
		var started, finished int64
		var head string
		if err := rows.Scan(&x.ID, &x.Stream, &x.Cause, &started, &finished, &head, &x.Turn); err != nil {
			return err
		}
		x.State, x.Started, x.Finished, x.Head = Done, moment(started), moment(finished), json.RawMessage(head)
		all = append(all, x)
		return nil
	})
	return all, err
}

// Held returns the events of a stream that wait for the next scan, the oldest first.
func (s *Store) Held(ctx context.Context, stream string) ([]Event, error) {
	return s.events(ctx, `id IN (SELECT event FROM held WHERE stream = $1) ORDER BY id`, stream)
}

// EventsUpTo returns the events of a finding, the oldest first, but for those of scans that came later than a turn of the stream.
func (s *Store) EventsUpTo(ctx context.Context, stream, identity string, turn int64) ([]Event, error) {
	return s.events(ctx, `stream = $1 AND identity = $2 AND NOT EXISTS (SELECT 1 FROM scans s WHERE s.id = events.scan AND s.turn > $3) ORDER BY id`, stream, identity, turn)
}

// some is how many values a condition lists at once.
const some = 500

// FindingsOf returns findings of a stream by their identities. Those that are no more are absent.
func (s *Store) FindingsOf(ctx context.Context, stream string, identities []string) (map[string]Finding, error) {
	all := map[string]Finding{}
	for part := range slices.Chunk(identities, some) {
		list, args := in(2, part)
		err := s.each(ctx, columns+`stream = $1 AND identity IN `+list, func(rows *sql.Rows) error {
			x, err := scanFinding(rows)
			all[x.order[1]] = x
			return err
		}, append([]any{stream}, args...)...)
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// in makes a list for IN of texts; the first is argument n.
func in(n int, texts []string) (list string, args []any) {
	var b strings.Builder
	for i, text := range texts {
		fmt.Fprintf(&b, ", $%d", n+i)
		args = append(args, text)
	}
	return "(" + strings.TrimPrefix(b.String(), ", ") + ")", args
}

// ToldOf returns what channels know of some findings, by channel and identity.
func (s *Store) ToldOf(ctx context.Context, identities []string) (map[[2]string]Told, error) {
	all := map[[2]string]Told{}
	for part := range slices.Chunk(identities, some) {
		list, args := in(1, part)
		err := s.each(ctx, `SELECT channel, identity, stream, open, severity FROM told WHERE identity IN `+list, func(rows *sql.Rows) error {
			var t Told
			var open int
			err := rows.Scan(&t.Channel, &t.Identity, &t.Stream, &open, &t.Severity)
			t.Open = open != 0
			all[[2]string{t.Channel, t.Identity}] = t
			return err
		}, args...)
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// An Announcement is what comes of the events of a scan.
type Announcement struct {
	Scan     string
	Messages []Message
	Hold     []Event // that are told once the next scan says the same
	Release  []Event // that were held, and are told now or never
	Told     []Told
}

// Announce puts messages into the outbox and notes that their scan is announced, all at once. It reports whether it did: nothing happens if
// somebody else has announced the scan.
func (s *Store) Announce(ctx context.Context, a Announcement, now time.Time) (done bool, err error) {
	err = s.tx(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `UPDATE scans SET announced = $1 WHERE id = $2 AND state = 'done' AND announced = 0`, ms(now), a.Scan)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return err
		}
		done = true
		if err := queue(ctx, tx, a.Messages, now); err != nil {
			return err
		}
		for _, e := range a.Hold {
			if _, err := tx.ExecContext(ctx, `INSERT INTO held (event, stream) VALUES ($1, $2) ON CONFLICT DO NOTHING`, e.ID, e.Stream); err != nil {
				return err
			}
		}
		for _, e := range a.Release {
			if _, err := tx.ExecContext(ctx, `DELETE FROM held WHERE event = $1`, e.ID); err != nil {
				return err
			}
		}
		rows := newBatch(tx, s.dialect, `INSERT INTO told (channel, identity, stream, open, severity, at) VALUES `, 6,
			` ON CONFLICT (channel, identity) DO UPDATE SET stream = excluded.stream, open = excluded.open, severity = excluded.severity, at = excluded.at`)
		seen := map[[2]string]bool{} // the last of a key counts, and no statement may set a row twice
		for _, t := range slices.Backward(a.Told) {
			key := [2]string{t.Channel, t.Identity}
			if seen[key] {
				continue
			}
			seen[key] = true
			open := 0
			if t.Open {
				open = 1
			}
			if err := rows.add(ctx, t.Channel, t.Identity, t.Stream, open, t.Severity, ms(now)); err != nil {
				return err
			}
		}
		return rows.flush(ctx)
	})
	return done && err == nil, err
}

// queue puts messages into the outbox. Those whose key was there already are there already.
func queue(ctx context.Context, tx *sql.Tx, all []Message, now time.Time) error {
	for _, m := range all {
		if _, err := tx.ExecContext(ctx, `INSERT INTO channels (name, holder, lease, next_try, tries, failure) VALUES ($1, '', 0, 0, 0, '') ON CONFLICT DO NOTHING`, m.Channel); err != nil {
			return err
		}
		if m.Overtakes {
			if _, err := tx.ExecContext(ctx, `UPDATE outbox SET state = 'overtaken' WHERE channel = $1 AND kind = $2 AND state = 'waiting'`, m.Channel, m.Kind); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO outbox (channel, kind, key, payload, created, state, tries, tried, failure) VALUES ($1, $2, $3, $4, $5, 'waiting', 0, 0, '') ON CONFLICT (channel, key) DO NOTHING`,
			m.Channel, m.Kind, m.Key, string(m.Payload), ms(now)); err != nil {
			return err
		}
	}
	return nil
}

// LastDigest returns for when the last digest in the outbox was due; the zero time if there was none.
func (s *Store) LastDigest(ctx context.Context) (time.Time, error) {
	var due int64
	err := s.DB.QueryRowContext(ctx, `SELECT COALESCE(MAX(due), 0) FROM digests`).Scan(&due)
	return moment(due), err
}

// QueueDigest puts the messages of a digest into the outbox, unless somebody has.
func (s *Store) QueueDigest(ctx context.Context, due time.Time, all []Message, now time.Time) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `INSERT INTO digests (due) VALUES ($1) ON CONFLICT DO NOTHING`, ms(due))
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return err
		}
		return queue(ctx, tx, all, now)
	})
}

// TakeChannel gives one of some channels in which messages wait to a sender, who has it alone until the lease is over. It returns "" if there is
// none to be had now.
//
// What is farther away than far, as no lease and no pause is, was set before the clock went back, and does not count.
func (s *Store) TakeChannel(ctx context.Context, holder string, names []string, now, until, far time.Time) (name string, err error) {
	if len(names) == 0 {
		return "", nil
	}
	err = s.tx(ctx, func(tx *sql.Tx) error {
		list, args := in(3, names)
		query := `SELECT name FROM channels WHERE (lease <= $1 OR lease > $2) AND (next_try <= $1 OR next_try > $2) AND name IN ` + list + `
			AND EXISTS (SELECT 1 FROM outbox o WHERE o.channel = channels.name AND o.state = 'waiting') ORDER BY next_try, name LIMIT 1`
		if s.dialect == postgres { // SQLite has but one writer
			query += ` FOR UPDATE SKIP LOCKED`
		}
		err := tx.QueryRowContext(ctx, query, append([]any{ms(now), ms(far)}, args...)...).Scan(&name)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE channels SET holder = $1, lease = $2 WHERE name = $3`, holder, ms(until), name)
		return err
	})
	if err != nil {
		return "", err
	}
	return name, nil
}

// ErrChannelLost says that a channel belongs to another sender by now.
var ErrChannelLost = errors.New("another sender has the channel")

// held runs a function in a transaction, if a sender still has a channel.
func (s *Store) held(ctx context.Context, channel, holder string, f func(*sql.Tx) error) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		query := `SELECT holder FROM channels WHERE name = $1`
		if s.dialect == postgres {
			query += ` FOR UPDATE`
		}
		var by string
		if err := tx.QueryRowContext(ctx, query, channel).Scan(&by); err != nil {
			return err
		}
		if by != holder {
			return ErrChannelLost
		}
		return f(tx)
	})
}

// KeepChannel renews the lease of a channel; ErrChannelLost if it is another's by now.
func (s *Store) KeepChannel(ctx context.Context, channel, holder string, until time.Time) error {
	return s.held(ctx, channel, holder, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE channels SET lease = $1 WHERE name = $2`, ms(until), channel)
		return err
	})
}

// LeaveChannel gives a channel back, to be taken again from a time on. A failure says why it rests; "" if it is none of the receiver's.
func (s *Store) LeaveChannel(ctx context.Context, channel, holder, failure string, next time.Time) error {
	return s.held(ctx, channel, holder, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE channels SET holder = '', lease = 0, next_try = $1, failure = CASE WHEN $2 = '' THEN failure ELSE $2 END, tries = CASE WHEN $2 = '' THEN tries ELSE tries + 1 END WHERE name = $3`,
			ms(next), failure, channel)
		return err
	})
}

// NextMessage returns the first message that waits in a channel, and how often in a row the channel was tried in vain; nil if none waits.
func (s *Store) NextMessage(ctx context.Context, channel string) (m *Message, failures int, err error) {
	x := Message{Channel: channel, State: ToSend}
	var payload string
	var created int64
	err = s.DB.QueryRowContext(ctx, `SELECT o.id, o.kind, o.key, o.payload, o.created, o.tries, o.failure, c.tries FROM outbox o JOIN channels c ON c.name = o.channel WHERE o.channel = $1 AND o.state = 'waiting' ORDER BY o.id LIMIT 1`, channel).
		Scan(&x.ID, &x.Kind, &x.Key, &payload, &created, &x.Tries, &x.Failure, &failures)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, 0, nil
	}
	x.Payload, x.Created = json.RawMessage(payload), moment(created)
	return &x, failures, err
}

// Settle notes what has become of a message after it was tried. A failure of one that still waits is the reason.
func (s *Store) Settle(ctx context.Context, m *Message, holder string, state MessageState, failure string, now time.Time) error {
	return s.held(ctx, m.Channel, holder, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE outbox SET state = $1, failure = $2, tries = tries + 1, tried = $3 WHERE id = $4`, state, failure, ms(now), m.ID); err != nil {
			return err
		}
		if state != Sent {
			return nil
		}
		_, err := tx.ExecContext(ctx, `UPDATE channels SET tries = 0, failure = '', next_try = 0 WHERE name = $1`, m.Channel)
		return err
	})
}

// TriedSince returns how many messages of a channel were tried since a time and up to another, and when the first of them was.
func (s *Store) TriedSince(ctx context.Context, channel string, since, now time.Time) (n int, first time.Time, err error) {
	var at int64
	err = s.DB.QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(MIN(tried), 0) FROM outbox WHERE channel = $1 AND tried > $2 AND tried <= $3`, channel, ms(since), ms(now)).Scan(&n, &at)
	return n, moment(at), err
}

// Expire gives up on messages from before a time: those that were tried often enough, and those to channels that are none of these.
func (s *Store) Expire(ctx context.Context, before time.Time, tries int, channels []string) (n int64, err error) {
	list, args := in(3, append([]string{""}, channels...))
	result, err := s.DB.ExecContext(ctx, `UPDATE outbox SET state = 'expired' WHERE state = 'waiting' AND created < $1 AND (tries >= $2 OR channel NOT IN `+list+`)`, append([]any{ms(before), tries}, args...)...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// A ChannelState says how it is with a channel.
type ChannelState struct {
	Name    string    `json:"name"`
	Waiting int       `json:"waiting"`         // messages
	Oldest  time.Time `json:"oldest,omitzero"` // of them
	Tries   int       `json:"tries"`           // in vain, since the last message was sent
	Next    time.Time `json:"next,omitzero"`   // time of the next one
	Failure string    `json:"failure,omitempty"`
	Refused int       `json:"refused"` // messages that nobody took, ever
}

// ChannelStates returns how it is with all channels to which there ever was anything to send.
func (s *Store) ChannelStates(ctx context.Context) (all []ChannelState, err error) {
	err = s.each(ctx, `SELECT c.name, c.tries, c.next_try, c.failure, COALESCE(SUM(CASE WHEN o.state = 'waiting' THEN 1 ELSE 0 END), 0), COALESCE(MIN(CASE WHEN o.state = 'waiting' THEN o.created END), 0),
		COALESCE(SUM(CASE WHEN o.state IN ('refused', 'expired') THEN 1 ELSE 0 END), 0) FROM channels c LEFT JOIN outbox o ON o.channel = c.name GROUP BY c.name, c.tries, c.next_try, c.failure ORDER BY c.name`,
		func(rows *sql.Rows) error {
			var x ChannelState
			var next, oldest int64
			if err := rows.Scan(&x.Name, &x.Tries, &next, &x.Failure, &x.Waiting, &oldest, &x.Refused); err != nil {
				return err
			}
			x.Next, x.Oldest = moment(next), moment(oldest)
			all = append(all, x)
			return nil
		})
	return all, err
}

// Messages returns the newest messages of a channel, or of all if it is "".
func (s *Store) Messages(ctx context.Context, channel string, limit int) (all []Message, err error) {
	err = s.each(ctx, fmt.Sprintf(`SELECT id, channel, kind, key, payload, created, state, tries, failure FROM outbox WHERE ($1 = '' OR channel = $1) ORDER BY id DESC LIMIT %d`, limit), func(rows *sql.Rows) error {
		var x Message
		var payload string
		var created int64
		if err := rows.Scan(&x.ID, &x.Channel, &x.Kind, &x.Key, &payload, &created, &x.State, &x.Tries, &x.Failure); err != nil {
			return err
		}
		x.Payload, x.Created = json.RawMessage(payload), moment(created)
		all = append(all, x)
		return nil
	}, channel)
	return all, err
}
