package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"math"
	"time"
)

// A Token lets a program or a person in. The secret part of it is nowhere but with them.
type Token struct {
	ID      string // no secret
	Name    string
	Role    string
	Hash    string // of the secret part, as Hash makes it
	Maker   string // who has made it
	Created time.Time
	Expires time.Time // zero: never
	Used    time.Time // the last time, to about an hour
	Revoked time.Time
}

// Valid reports whether a token lets in at a time.
func (t *Token) Valid(now time.Time) bool {
	return t.Revoked.IsZero() && (t.Expires.IsZero() || now.Before(t.Expires))
}

// Hash is what is kept of a secret. It needs no salt and no slowness: secrets are 256 random bits, not words that people think of.
func Hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// ErrTaken says that there is a valid token of that name already.
var ErrTaken = errors.New("there is a token of that name already: revoke it, or choose another name")

// AddToken keeps a token.
func (s *Store) AddToken(ctx context.Context, t Token) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		var n int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM tokens WHERE name = $1 AND revoked = 0 AND (expires = 0 OR expires > $2)`, t.Name, ms(t.Created)).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return ErrTaken
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO tokens (id, name, role, hash, maker, created, expires, used, revoked) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0)`,
			t.ID, t.Name, t.Role, t.Hash, t.Maker, ms(t.Created), ms(t.Expires))
		return err
	})
}

// Token returns a token by its ID, valid or not.
func (s *Store) Token(ctx context.Context, id string) (Token, error) {
	all, err := s.tokens(ctx, `id = $1`, id)
	if err == nil && len(all) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Token{}, err
	}
	return all[0], nil
}

// Tokens lists all tokens, the newest first.
func (s *Store) Tokens(ctx context.Context) ([]Token, error) { return s.tokens(ctx, `1 = 1`) }

func (s *Store) tokens(ctx context.Context, where string, args ...any) (all []Token, err error) {
	err = s.each(ctx, `SELECT id, name, role, hash, maker, created, expires, used, revoked FROM tokens WHERE `+where+` ORDER BY created DESC, id`, func(rows *sql.Rows) error {
		var t Token
		var created, expires, used, revoked int64
		err := rows.Scan(&t.ID, &t.Name, &t.Role, &t.Hash, &t.Maker, &created, &expires, &used, &revoked)
		t.Created, t.Expires, t.Used, t.Revoked = moment(created), moment(expires), moment(used), moment(revoked)
		all = append(all, t)
		return err
	}, args...)
	return all, err
}

// UseToken notes that a token was used.
func (s *Store) UseToken(ctx context.Context, id string, now time.Time) error {
	_, err := s.DB.ExecContext(ctx, `UPDATE tokens SET used = $1 WHERE id = $2`, ms(now), id)
	return err
}

// RevokeToken ends a token, and all sessions that were begun with it.
func (s *Store) RevokeToken(ctx context.Context, id string, now time.Time) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `UPDATE tokens SET revoked = $1 WHERE id = $2 AND revoked = 0`, ms(now), id)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, ErrNotFound)
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM sessions WHERE token = $1`, id)
		return err
	})
}

// A Session is a browser in which somebody has signed in.
type Session struct {
	Hash    string // of what the browser keeps
	Token   string // ID of the token that it was begun with; "" if somebody else said who it is
	Name    string
	Role    string
	Created time.Time
	Expires time.Time
}

// AddSession keeps a session, and forgets those that are over.
func (s *Store) AddSession(ctx context.Context, x Session) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE expires <= $1`, ms(x.Created)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO sessions (hash, token, name, role, created, expires) VALUES ($1, $2, $3, $4, $5, $6)`, x.Hash, x.Token, x.Name, x.Role, ms(x.Created), ms(x.Expires))
		return err
	})
}

// Session returns a session that goes on at a time: it does not outlive the token that it was begun with.
func (s *Store) Session(ctx context.Context, hash string, now time.Time) (x Session, err error) {
	var created, expires int64
	err = s.DB.QueryRowContext(ctx, `SELECT hash, token, name, role, created, expires FROM sessions WHERE hash = $1 AND expires > $2
		AND (token = '' OR EXISTS (SELECT 1 FROM tokens t WHERE t.id = sessions.token AND t.revoked = 0 AND (t.expires = 0 OR t.expires > $2)))`, hash, ms(now)).
		Scan(&x.Hash, &x.Token, &x.Name, &x.Role, &created, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	x.Created, x.Expires = moment(created), moment(expires)
	return x, err
}

// EndSession forgets a session.
func (s *Store) EndSession(ctx context.Context, hash string) error {
	_, err := s.DB.ExecContext(ctx, `DELETE FROM sessions WHERE hash = $1`, hash)
	return err
}

// An Action is one line of the audit log: who has changed what, or tried to.
type Action struct {
	ID      int64     `json:"id"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`
	Role    string    `json:"role,omitempty"`
	Address string    `json:"address,omitempty"` // from which it was asked for
	Request string    `json:"request,omitempty"` // its ID, as logs tell it
	Action  string    `json:"action"`            // "scan.start"
	Object  string    `json:"object,omitempty"`  // what was changed
	Detail  string    `json:"detail,omitempty"`
	Outcome string    `json:"outcome"` // begun, done, or why it failed
}

// Act notes that somebody is about to change something, and returns the ID of the line for Outcome. What cannot be noted must not be done.
func (s *Store) Act(ctx context.Context, a Action) (id int64, err error) {
	err = s.DB.QueryRowContext(ctx, `INSERT INTO audit (at, actor, role, address, request, action, object, detail, outcome) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id`,
		ms(a.At), a.Actor, a.Role, a.Address, a.Request, a.Action, a.Object, a.Detail, a.Outcome).Scan(&id)
	return id, err
}

// Outcome notes what has become of an action; of a thing that did not have a name before, its name.
func (s *Store) Outcome(ctx context.Context, id int64, outcome, object string) error {
	_, err := s.DB.ExecContext(ctx, `UPDATE audit SET outcome = $1, object = CASE WHEN $2 = '' THEN object ELSE $2 END WHERE id = $3`, outcome, object, id)
	return err
}

// Actions returns lines of the audit log before an ID, the newest first; from the newest on if that is 0.
func (s *Store) Actions(ctx context.Context, before int64, limit int) (all []Action, err error) {
	if before == 0 {
		before = math.MaxInt64
	}
	err = s.each(ctx, `SELECT id, at, actor, role, address, request, action, object, detail, outcome FROM audit WHERE id < $1 ORDER BY id DESC LIMIT $2`, func(rows *sql.Rows) error {
		var a Action
		var at int64
		err := rows.Scan(&a.ID, &at, &a.Actor, &a.Role, &a.Address, &a.Request, &a.Action, &a.Object, &a.Detail, &a.Outcome)
		a.At = moment(at)
		all = append(all, a)
		return err
	}, before, limit)
	return all, err
}
