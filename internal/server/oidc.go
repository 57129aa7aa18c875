package server

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"awsscanner/internal/config"
	"awsscanner/internal/store"
)

// An oidcLogin lets people in that an OpenID provider knows.
type oidcLogin struct {
	config.OIDC
	secret   string
	callback string
	client   *http.Client

	places   chan struct{} // of those that wait for it
	mu       sync.Mutex
	provider *oidc.Provider // nil until it has answered
	away     error          // why it has not
	asked    time.Time      // when
}

// mostWaiting is how many may wait for the provider at once: one that hangs must not take what all others need.
const mostWaiting = 32

// wait takes a place among those that wait for the provider.
func (o *oidcLogin) wait() (release func(), err error) {
	select {
	case o.places <- struct{}{}:
		return func() { <-o.places }, nil
	default:
		return nil, refuse(http.StatusServiceUnavailable, "Too many people sign in at this moment. Try again in a moment.")
	}
}

// fingerprint tells the settings by which people are let in from others.
func (o *oidcLogin) fingerprint() (string, error) {
	text, err := json.Marshal([]any{o.Issuer, o.ClientID, o.NameClaim, o.RolesClaim, o.Roles})
	return store.Hash(string(text)), err
}

// newOIDC prepares for a provider. It need not answer yet: that it is away for a while must not keep the server from starting.
func (s *Server) newOIDC(ctx context.Context) (*oidcLogin, error) {
	o := &oidcLogin{OIDC: s.Settings.OIDC, client: s.Client, places: make(chan struct{}, mostWaiting), callback: strings.TrimSuffix(string(s.Settings.PublicURL), "/") + "/login/callback"}
	if s.Settings.PublicURL == "" || o.ClientID == "" || len(o.Roles) == 0 {
		return nil, errors.New("server.oidc needs issuer, client_id and roles, and server.public_url")
	}
	if !o.ClientSecret.IsZero() {
		v, err := s.Secrets.Read(ctx, o.ClientSecret)
		if err != nil {
			return nil, fmt.Errorf("server.oidc.client_secret: %w", err)
		}
		o.secret = v.Reveal()
	}
	return o, nil
}

// ask finds out how to talk to the provider, once.
func (o *oidcLogin) ask(ctx context.Context) (*oidc.Provider, *oauth2.Config, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.provider == nil && o.away != nil && time.Since(o.asked) < 5*time.Second { // all who have waited meanwhile need not try, too
		return nil, nil, o.away
	}
	if o.provider == nil {
		p, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), o.client), string(o.Issuer)) // it keeps the context to fetch keys by
		if err != nil {
			o.asked, o.away = time.Now(), fmt.Errorf("the OpenID provider %s does not say how to talk to it: %w", o.Issuer, err)
			return nil, nil, o.away
		}
		o.provider = p
	}
	scopes := o.Scopes
	if len(scopes) == 0 {
		scopes = []string{"profile", "email"}
	}
	return o.provider, &oauth2.Config{ClientID: o.ClientID, ClientSecret: o.secret, Endpoint: o.provider.Endpoint(), RedirectURL: o.callback, Scopes: append([]string{oidc.ScopeOpenID}, scopes...)}, nil
}

// A journey is what a browser keeps while its person is at the provider. It binds what comes back to what was asked for.
type journey struct {
	State, Nonce, Verifier, Next string
}

const longestJourney = 10 * time.Minute

func random() string {
	b := make([]byte, 32)
	rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// leave sends a browser to the provider.
func (s *Server) leave(w http.ResponseWriter, r *http.Request) error {
	release, err := s.oidc.wait()
	if err != nil {
		return err
	}
	defer release()
	_, c, err := s.oidc.ask(r.Context())
	if err != nil {
		s.Log.Error("sign-in", "request", aboutOf(r.Context()).id, "error", err.Error())
		return refuse(http.StatusBadGateway, "The sign-in service does not answer. Try again in a moment.")
	}
	j := journey{random(), random(), oauth2.GenerateVerifier(), local(r.URL.Query().Get("next"))}
	text, err := json.Marshal(j)
	if err != nil {
		return err
	}
	s.setCookie(w, "journey", base64.RawURLEncoding.EncodeToString(text), longestJourney)
	http.Redirect(w, r, c.AuthCodeURL(j.State, oidc.Nonce(j.Nonce), oauth2.S256ChallengeOption(j.Verifier)), http.StatusSeeOther)
	return nil
}

// arrive lets in who comes back from the provider.
func (s *Server) arrive(w http.ResponseWriter, r *http.Request) error {
	begin := refuse(http.StatusBadRequest, "This sign-in was not begun in this browser, or too long ago. Begin it again.")
	q := r.URL.Query()
	var j journey
	if c, err := r.Cookie(s.cookie("journey")); err == nil {
		text, _ := base64.RawURLEncoding.DecodeString(c.Value)
		if json.Unmarshal(text, &j) != nil {
			return begin
		}
	}
	s.setCookie(w, "journey", "", -1)
	if j.State == "" || subtle.ConstantTimeCompare([]byte(j.State), []byte(q.Get("state"))) != 1 {
		return begin
	}
	denied := func(why string, err error) error {
		s.Log.Warn("the provider lets somebody not in", "request", aboutOf(r.Context()).id, "why", why, "error", plain(err))
		s.wrong(r, "by "+string(s.oidc.Issuer), why)
		return refuse(http.StatusForbidden, "The sign-in service did not let you in: %s. Begin again, or ask whoever runs this server.", why)
	}
	if code := q.Get("error"); code != "" {
		return denied("it has refused", fmt.Errorf("%.100q", code))
	}
	release, err := s.oidc.wait()
	if err != nil {
		return err
	}
	defer release()
	provider, c, err := s.oidc.ask(r.Context())
	if err != nil {
		return err
	}
	ctx := oidc.ClientContext(r.Context(), s.Client)
	token, err := c.Exchange(ctx, q.Get("code"), oauth2.VerifierOption(j.Verifier))
	if err != nil {
		return denied("it did not take back its code", err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := provider.VerifierContext(ctx, &oidc.Config{ClientID: s.oidc.ClientID, Now: s.Now}).Verify(ctx, raw)
	if err != nil {
		return denied("its token is not valid", err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(j.Nonce)) != 1 {
		return denied("its token was meant for another sign-in", nil)
	}
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil {
		return denied("its token is not understood", err)
	}
	claim := cmp.Or(s.oidc.NameClaim, "email")
	name, _ := claims[claim].(string)
	if verified := claims["email_verified"]; claim == "email" && (verified == false || verified == "false") {
		name = "" // anybody could say so
	}
	name = cmp.Or(name, id.Subject)
	if len(name) > 200 || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) }) || reserved(name) {
		return denied("your name there is not understood", nil)
	}
	role := s.oidc.role(claims)
	who := &principal{name: name, role: role}
	return s.audited(r, who, "sign-in", "", "by "+string(s.oidc.Issuer), func() (string, error) {
		if role < config.Viewer {
			return "", refuse(http.StatusForbidden, "You are known as %s, but none of your groups may do anything here. Ask whoever runs this server.", name)
		}
		if err := s.signIn(r.Context(), w, name, "", role); err != nil {
			return "", err
		}
		http.Redirect(w, r, local(j.Next), http.StatusSeeOther)
		return "", nil
	})
}

// reserved reports whether a name is how the audit log calls somebody else: many providers let people choose theirs.
func reserved(name string) bool {
	name = strings.ToLower(strings.TrimSpace(name))
	return name == "nobody" || name == here || strings.HasPrefix(name, "token ")
}

// role returns the highest role that the groups of somebody have.
func (o *oidcLogin) role(claims map[string]any) (role config.Role) {
	var groups []string
	switch v := claims[cmp.Or(o.RolesClaim, "groups")].(type) {
	case string:
		groups = []string{v}
	case []any:
		for _, x := range v {
			if text, ok := x.(string); ok {
				groups = append(groups, text)
			}
		}
	}
	role = config.NoRole
	for r, of := range o.Roles {
		if slices.Contains(of, "*") || slices.ContainsFunc(of, func(g string) bool { return g != "*" && slices.Contains(groups, g) }) {
			role = max(role, r)
		}
	}
	return role
}

// plain is an error of the provider without what it has answered, which may hold secrets.
func plain(err error) string {
	var answer *oauth2.RetrieveError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &answer):
		return fmt.Sprintf("status %d, error %.100q", answer.Response.StatusCode, answer.ErrorCode)
	}
	return err.Error()
}

// local returns an address of this server, whatever an address was that came from outside.
func local(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t\x00") || strings.HasPrefix(next, "/login") || strings.HasPrefix(next, "/api/") {
		return "/"
	}
	return next
}
