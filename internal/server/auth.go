package server

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"awsscanner/internal/config"
	"awsscanner/internal/secret"
	"awsscanner/internal/store"
)

// A principal is whoever asks.
type principal struct {
	name  string // as the audit log tells it
	role  config.Role
	key   string // of limits
	token string // ID of the token, if that let them in
	form  string // what forms of theirs must hold; "" for programs
}

// here is what the audit log calls whoever need not sign in.
const here = "this machine"

// A NewToken is a token to be made.
type NewToken struct {
	Name    string
	Role    config.Role
	Expires time.Time // zero: never
}

var tokenName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@ -]{0,62}[A-Za-z0-9]$|^[A-Za-z0-9]$`)

// prefix begins every token, so that those who look for leaked secrets know one when they see it.
const prefix = "scanner_"

var tokenText = regexp.MustCompile(`^` + prefix + `[0-9a-f]{16}_[A-Za-z0-9_-]{43}$`)

// CreateToken makes a token, keeps what tells it from others, and returns it: nobody can see it a second time. The audit log tells who has
// made it.
func CreateToken(ctx context.Context, s *store.Store, t NewToken, by store.Action) (id string, token secret.Value, err error) {
	switch {
	case !tokenName.MatchString(t.Name):
		return "", secret.Value{}, refuse(http.StatusBadRequest, "%.80q is no name of a token: use letters, digits, spaces and . _ @ -, 64 at most", t.Name)
	case t.Role < config.Viewer:
		return "", secret.Value{}, refuse(http.StatusBadRequest, "a token needs a role: viewer, operator or admin")
	case !t.Expires.IsZero() && !t.Expires.After(by.At):
		return "", secret.Value{}, refuse(http.StatusBadRequest, "the token would be over before it begins: let it expire later")
	}
	b := make([]byte, 8+32)
	rand.Read(b) // never fails
	id = hex.EncodeToString(b[:8])
	hidden := base64.RawURLEncoding.EncodeToString(b[8:])
	by.Action, by.Object, by.Detail = "token.create", id, fmt.Sprintf("%s, %s", t.Name, t.Role)
	err = Audit(ctx, s, by, func() (string, error) {
		err := s.AddToken(ctx, store.Token{ID: id, Name: t.Name, Role: t.Role.String(), Hash: store.Hash(hidden), Maker: by.Actor, Created: by.At, Expires: t.Expires})
		if errors.Is(err, store.ErrTaken) {
			err = refuse(http.StatusConflict, "%s", err)
		}
		return id, err
	})
	return id, secret.New(prefix + id + "_" + hidden), err
}

// RevokeToken ends a token, and what was begun with it.
func RevokeToken(ctx context.Context, s *store.Store, id string, by store.Action) error {
	by.Action, by.Object = "token.revoke", id
	return Audit(ctx, s, by, func() (string, error) {
		err := s.RevokeToken(ctx, id, by.At)
		if errors.Is(err, store.ErrNotFound) {
			err = refuse(http.StatusNotFound, "there is no token %.40q that is not revoked yet", id)
		}
		return "", err
	})
}

// Audit does something that is noted before and after. What cannot be noted is not done.
func Audit(ctx context.Context, s *store.Store, line store.Action, do func() (object string, err error)) error {
	line.Outcome = "begun"
	id, err := s.Act(ctx, line)
	if err != nil {
		return fmt.Errorf("noting an action: %w", err)
	}
	made, err := do()
	outcome := "done"
	var refusal *Refusal
	switch {
	case errors.As(err, &refusal):
		outcome = refusal.Text
	case err != nil:
		outcome = "failed: see the log"
	}
	if late := s.Outcome(context.WithoutCancel(ctx), id, outcome, made); late != nil {
		err = errors.Join(err, fmt.Errorf("noting what an action has come to: %w", late))
	}
	return err
}

var errToken = refuse(http.StatusUnauthorized, "the token is not known, revoked or over: ask for another one")

// byToken returns whom a token lets in.
func (s *Server) byToken(ctx context.Context, token string) (*principal, error) {
	if !tokenText.MatchString(token) { // what it cannot be the database is not asked about
		return nil, errToken
	}
	id, hidden, _ := strings.Cut(strings.TrimPrefix(token, prefix), "_")
	t, err := s.Store.Token(ctx, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	// Of a token that is not there the comparison is made, too: answers to both take as long.
	same := subtle.ConstantTimeCompare([]byte(store.Hash(hidden)), []byte(t.Hash)) == 1
	now := s.Now()
	if err != nil || !same || !t.Valid(now) {
		return nil, errToken
	}
	var role config.Role
	if err := role.UnmarshalText([]byte(t.Role)); err != nil {
		return nil, err
	}
	if now.Sub(t.Used) > time.Hour {
		if err := s.Store.UseToken(ctx, id, now); err != nil { // a full disk must not keep out who looks why
			s.Log.Warn("that a token was used is not noted", "token", id, "error", err.Error())
		}
	}
	return &principal{name: "token " + t.Name, role: role, key: "token " + id, token: id}, nil
}

// cookie is what a session is called in a browser. The prefix lets no other site of the same domain set it.
func (s *Server) cookie(name string) string {
	if s.https {
		return "__Host-scanner-" + name
	}
	return "scanner-" + name
}

func (s *Server) setCookie(w http.ResponseWriter, name, value string, lasts time.Duration) {
	c := &http.Cookie{Name: s.cookie(name), Value: value, Path: "/", HttpOnly: true, Secure: s.https, SameSite: http.SameSiteLaxMode, MaxAge: int(lasts.Seconds())}
	if lasts <= 0 {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// signIn begins a session.
func (s *Server) signIn(ctx context.Context, w http.ResponseWriter, name, token string, role config.Role) error {
	b := make([]byte, 32)
	rand.Read(b) // never fails
	value := base64.RawURLEncoding.EncodeToString(b)
	now := s.Now()
	if err := s.Store.AddSession(ctx, store.Session{Hash: store.Hash(s.signs + value), Token: token, Name: name, Role: role.String(), Created: now, Expires: now.Add(s.session)}); err != nil {
		return err
	}
	s.setCookie(w, "session", value, s.session)
	return nil
}

// signOut ends a session.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) error {
	c, err := r.Cookie(s.cookie("session"))
	if err != nil {
		return nil
	}
	s.setCookie(w, "session", "", -1)
	return s.Store.EndSession(r.Context(), store.Hash(s.signs+c.Value))
}

// who says who asks; nil if nobody has said. A wrong token is an error.
func (s *Server) who(r *http.Request) (*principal, error) {
	if h := r.Header.Get("Authorization"); h != "" {
		scheme, token, _ := strings.Cut(h, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return nil, refuse(http.StatusUnauthorized, "Authorization must be Bearer and a token")
		}
		return s.byToken(r.Context(), strings.TrimSpace(token))
	}
	if c, err := r.Cookie(s.cookie("session")); err == nil && len(c.Value) == 43 {
		x, err := s.Store.Session(r.Context(), store.Hash(s.signs+c.Value), s.Now())
		if err == nil {
			var role config.Role
			if err := role.UnmarshalText([]byte(x.Role)); err != nil {
				return nil, err
			}
			sum := sha256.Sum256([]byte("form " + c.Value))
			return &principal{name: x.Name, role: role, key: "session " + x.Name, token: x.Token, form: base64.RawURLEncoding.EncodeToString(sum[:])}, nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
	}
	if s.local != config.NoRole && s.client(r).IsLoopback() {
		m := hmac.New(sha256.New, s.key)
		m.Write([]byte("local"))
		return &principal{name: here, role: s.local, key: "local", form: base64.RawURLEncoding.EncodeToString(m.Sum(nil))}, nil
	}
	return nil, nil
}

// admit says who asks, and refuses who may not, or too often.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, needs config.Role) (*principal, error) {
	a := aboutOf(r.Context())
	now, address := s.Now(), network(a.address)
	if s.limits.failures.empty(address, now) {
		w.Header().Set("Retry-After", "6")
		return nil, refuse(http.StatusTooManyRequests, "too many tokens from your address were wrong: wait a minute")
	}
	often := refuse(http.StatusTooManyRequests, "you ask more often than %d times a second: slow down", int(s.limits.requests.rate))
	if s.limits.requests.empty("address "+address, now) { // by cookies that there are not: the database is not asked about more of them
		w.Header().Set("Retry-After", "1")
		return nil, often
	}
	p, err := s.who(r)
	if err != nil {
		var refusal *Refusal
		if errors.As(err, &refusal) {
			s.wrong(r, "by token", refusal.Text)
			w.Header().Set("WWW-Authenticate", `Bearer realm="scanner"`)
		}
		return nil, err
	}
	key := "address " + address
	if p != nil {
		a.who, key = p, p.key
	}
	if !s.limits.requests.allow(key, now) {
		w.Header().Set("Retry-After", "1")
		return nil, often
	}
	switch {
	case p == nil && needs > config.NoRole:
		w.Header().Set("WWW-Authenticate", `Bearer realm="scanner"`)
		return nil, refuse(http.StatusUnauthorized, "say who you are: send Authorization: Bearer and a token")
	case p != nil && p.role < needs:
		return nil, refuse(http.StatusForbidden, "this needs the role %s, and you have the role %s", needs, p.role)
	}
	return p, nil
}

// wrong notes that somebody has tried to get in: so often, and the address must wait.
func (s *Server) wrong(r *http.Request, how, why string) {
	a := aboutOf(r.Context())
	s.Metrics.refused.Inc()
	s.Log.Warn("sign-in refused", "request", a.id, "address", a.address.String(), "how", how, "why", why)
	if s.limits.failures.allow(network(a.address), s.Now()) {
		s.note(r, nil, "sign-in", "", how, why)
	}
}

// denied notes that somebody has asked for what they may not. Who asks again and again is noted now and then: they must not fill the disk.
func (s *Server) denied(r *http.Request, err error) {
	var refusal *Refusal
	who := aboutOf(r.Context()).who
	if who == nil || !errors.As(err, &refusal) || refusal.Status != http.StatusForbidden || !s.limits.denials.allow(who.key, s.Now()) {
		return
	}
	s.note(r, who, "denied", fmt.Sprintf("%s %.150s", r.Method, r.URL.Path), "", refusal.Text)
}

// note writes a line of the audit log about what was not done.
func (s *Server) note(r *http.Request, who *principal, action, object, detail, outcome string) {
	line := s.by(r, who)
	line.Action, line.Object, line.Detail, line.Outcome = action, object, detail, outcome
	if _, err := s.Store.Act(r.Context(), line); err != nil {
		s.Log.Error("the audit log cannot be written", "request", line.Request, "error", err.Error())
	}
}

// formed refuses a change that a browser asks for without what only pages of this server hold.
func (s *Server) formed(p *principal, given string) error {
	if p == nil || p.form == "" || subtle.ConstantTimeCompare([]byte(p.form), []byte(given)) == 1 {
		return nil
	}
	return refuse(http.StatusForbidden, "the page is out of date: open it again")
}

// by begins a line of the audit log.
func (s *Server) by(r *http.Request, p *principal) store.Action {
	a := aboutOf(r.Context())
	line := store.Action{At: s.Now(), Actor: "nobody", Address: a.address.String(), Request: a.id}
	if p != nil {
		line.Actor, line.Role = p.name, p.role.String()
	}
	return line
}

// audited does something that the audit log tells.
func (s *Server) audited(r *http.Request, p *principal, action, object, detail string, do func() (object string, err error)) error {
	line := s.by(r, p)
	line.Action, line.Object, line.Detail = action, object, detail
	return Audit(r.Context(), s.Store, line, do)
}
