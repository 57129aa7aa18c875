package server

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"awsscanner/internal/config"
)

// An about is what is known of a request while it is answered.
type about struct {
	id      string // also in the answer and in logs
	began   time.Time
	address netip.Addr // who asks
	route   string     // of all that there are
	scan    string     // that it is about
	who     *principal // once that is known
	status  int
	bytes   int64
}

type aboutKey struct{}

func aboutOf(ctx context.Context) *about {
	a, _ := ctx.Value(aboutKey{}).(*about)
	if a == nil {
		a = &about{}
	}
	return a
}

// A writer notes what is answered.
type writer struct {
	http.ResponseWriter
	about *about
}

func (w *writer) WriteHeader(status int) {
	if w.about.status == 0 {
		w.about.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(b []byte) (int, error) {
	if w.about.status == 0 {
		w.about.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.about.bytes += int64(n)
	return n, err
}

func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// longestBody is how long the body of a request may be: nobody has more to say than a form.
const longestBody = 64 << 10

// longestAnswer is how long an answer may take to be made, unless it goes on and on.
const longestAnswer = 20 * time.Second

// Handler answers requests.
func (s *Server) Handler() http.Handler {
	inner := s.mux()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := &about{id: requestID(), began: time.Now(), address: s.client(r)}
		x := &writer{ResponseWriter: w, about: a}
		s.Metrics.inFlight.Inc()
		r = r.WithContext(context.WithValue(r.Context(), aboutKey{}, a))
		defer s.answered(x, r)
		s.headers(x, r)
		switch r.URL.Path {
		case "/healthz", "/readyz": // asked by machines that know neither its name nor a token
			s.health(x, r)
			return
		}
		for _, check := range []func(*http.Request) error{s.reached, foreign, readable} {
			if err := check(r); err != nil {
				s.fail(x, r, err)
				return
			}
		}
		busy := refuse(http.StatusServiceUnavailable, "too many requests are under way: ask again in a moment")
		if r.ContentLength != 0 { // of what comes in slowly, none is under way before it is there
			release, ok := s.limits.bodies.take(network(a.address))
			if !ok {
				x.Header().Set("Retry-After", "1")
				s.fail(x, r, busy)
				return
			}
			body, err := io.ReadAll(http.MaxBytesReader(x, r.Body, longestBody))
			release()
			if err != nil {
				var long *http.MaxBytesError
				if !errors.As(err, &long) {
					err = refuse(http.StatusBadRequest, "the request did not come to its end")
				}
				s.fail(x, r, err)
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		if strings.HasPrefix(r.URL.Path, "/static/") { // out of memory, at the pace of whoever reads it
			inner.ServeHTTP(x, r)
			return
		}
		select {
		case s.limits.under <- struct{}{}:
			defer func() { <-s.limits.under }()
		default:
			x.Header().Set("Retry-After", "1")
			s.fail(x, r, busy)
			return
		}
		inner.ServeHTTP(x, r)
	})
}

var errForeign = refuse(http.StatusForbidden, "another site has sent this request: open the page here, and try again")

// foreign refuses what pages of other sites ask for, but for opening a page of this one. What they may not read they must not ask for either:
// it would cost as much, and stand in the audit log.
func foreign(r *http.Request) error {
	var changes http.CrossOriginProtection
	if changes.Check(r) != nil {
		return errForeign
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return nil
	}
	if r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document" && !api(r) {
		return nil
	}
	return errForeign
}

// readable refuses an address that no text can stand in: databases differ in what they make of it.
func readable(r *http.Request) error {
	query, err := url.QueryUnescape(r.URL.RawQuery)
	if err != nil {
		return refuse(http.StatusBadRequest, "the query of the address is not understood: encode what is special in it")
	}
	if !isText(r.URL.Path) || !isText(query) {
		return refuse(http.StatusBadRequest, "the address holds what is no text")
	}
	return nil
}

// isText reports whether something is text that every database keeps.
func isText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

func requestID() string {
	b := make([]byte, 8)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// answered notes what has become of a request, a panic included.
func (s *Server) answered(w *writer, r *http.Request) {
	s.Metrics.inFlight.Dec()
	a := w.about
	if p := recover(); p != nil {
		if p == http.ErrAbortHandler {
			panic(p)
		}
		s.Log.Error("a request has made the server panic", "request", a.id, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		if a.status == 0 {
			s.fail(w, r, errors.New("panic"))
		}
	}
	took := time.Since(a.began)
	if a.route == "" {
		a.route = "none"
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	s.Metrics.answered(a.route, r.Method, a.status, took)
	level := slog.LevelInfo
	switch {
	case a.status >= 500:
		level = slog.LevelError
	case r.URL.Path == "/healthz", r.URL.Path == "/readyz", a.route == "/static/":
		level = slog.LevelDebug
	}
	attrs := []slog.Attr{slog.String("request", a.id), slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Int("status", a.status), // never the query: it may hold a code of OIDC
		slog.Float64("ms", float64(took.Microseconds())/1000), slog.Int64("bytes", a.bytes), slog.String("address", a.address.String())}
	if a.who != nil {
		attrs = append(attrs, slog.String("who", a.who.name), slog.String("role", a.who.role.String()))
	}
	if a.scan != "" {
		attrs = append(attrs, slog.String("scan", a.scan))
	}
	s.Log.LogAttrs(context.Background(), level, "request", attrs...)
}

// policy lets pages load nothing but what comes from here, and run nothing that stands in them.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

func (s *Server) headers(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("X-Request-Id", aboutOfWriter(w).id)
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
	if s.https {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

func aboutOfWriter(w http.ResponseWriter) *about {
	if x, ok := w.(*writer); ok {
		return x.about
	}
	return &about{}
}

// client returns who asks: beyond proxies that are known, the last one that somebody vouches for.
func (s *Server) client(r *http.Request) netip.Addr {
	address, _ := netip.ParseAddrPort(r.RemoteAddr)
	at := address.Addr().Unmap()
	if !s.proxy(at) {
		return at
	}
	var chain []string
	for _, line := range r.Header.Values("X-Forwarded-For") {
		chain = append(chain, strings.Split(line, ",")...)
	}
	for i := len(chain) - 1; i >= 0; i-- {
		text := strings.TrimSpace(chain[i])
		next, err := netip.ParseAddr(text)
		if with, wrong := netip.ParseAddrPort(text); wrong == nil { // as some write it
			next, err = with.Addr(), nil
		}
		if err != nil {
			break
		}
		if at = next.Unmap().WithZone(""); !s.proxy(at) {
			break
		}
	}
	return at
}

// network is what limits know an address by: of IPv6 everybody has as many as they like, all in one network.
func network(a netip.Addr) string {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

func (s *Server) proxy(a netip.Addr) bool {
	for _, p := range s.Settings.Proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// reached refuses requests that came by a way that is none: past the proxy, without TLS, or by a name of somebody else, which a page of
// his could make a browser take for his own.
func (s *Server) reached(r *http.Request) error {
	address, _ := netip.ParseAddrPort(r.RemoteAddr)
	from := address.Addr().Unmap()
	if len(s.Settings.Proxies) > 0 {
		if !s.proxy(from) {
			return refuse(http.StatusForbidden, "this server answers its proxies only: use %s", s.Settings.PublicURL)
		}
		if proto := r.Header.Values("X-Forwarded-Proto"); len(proto) != 1 || proto[0] != "https" {
			return refuse(http.StatusForbidden, "the proxy does not say that it got this request by https: let it set X-Forwarded-Proto, and use %s", s.Settings.PublicURL)
		}
	}
	host := strings.ToLower(r.Host)
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = strings.Trim(host, "[]"), ""
	}
	here := config.Address(net.JoinHostPort(name, "0")).Loopback()
	public := s.PublicHost()
	switch {
	case public != "" && (host == public || port == "443" && name == public):
	case here && from.IsLoopback():
	case public != "":
		return refuse(http.StatusMisdirectedRequest, "this server is called by another name: use %s", s.Settings.PublicURL)
	case s.local != config.NoRole:
		return refuse(http.StatusMisdirectedRequest, "this server answers on this machine only: call it by localhost or 127.0.0.1, or set server.public_url")
	}
	if s.local != config.NoRole {
		for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
			if r.Header.Get(name) != "" {
				return refuse(http.StatusForbidden, "a proxy has sent this request, but nobody need sign in here: set server.proxies and server.public_url, or server.local_role to none")
			}
		}
	}
	return nil
}

// api reports whether a request is one of a program.
func api(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/api/") || r.URL.Path == "/metrics" || r.URL.Path == "/healthz" || r.URL.Path == "/readyz"
}

// A problem is an error as RFC 9457 tells it.
type problem struct {
	Title   string `json:"title" doc:"what the status means"`
	Status  int    `json:"status"`
	Detail  string `json:"detail" doc:"what was wrong, and the way out"`
	Request string `json:"request" doc:"its ID in the log of the server"`
}

// fail answers that something went wrong: people are told what they can mend, the log all the rest.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	a := aboutOf(r.Context())
	p := problem{Status: http.StatusInternalServerError, Detail: "this server has failed: its log says why", Request: a.id}
	var refusal *Refusal
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &refusal):
		p.Status, p.Detail = refusal.Status, refusal.Text
	case errors.As(err, &long):
		p.Status, p.Detail = http.StatusRequestEntityTooLarge, fmt.Sprintf("the request has more than %d bytes", long.Limit)
	case errors.Is(err, context.DeadlineExceeded):
		p.Status, p.Detail = http.StatusServiceUnavailable, "the answer took too long: ask for less, or again in a moment"
		s.Log.Error("an answer took too long", "request", a.id, "error", err.Error())
	case errors.Is(err, context.Canceled): // whoever asked is gone
		p.Status, p.Detail = 499, "whoever asked is gone"
	default:
		s.Log.Error("a request has failed", "request", a.id, "error", err.Error())
		if s.database.ask(r.Context()) != nil {
			w.Header().Set("Retry-After", "5")
			p.Status, p.Detail = http.StatusServiceUnavailable, "the database does not answer: ask again in a moment"
		}
	}
	if p.Title = http.StatusText(p.Status); p.Title == "" {
		p.Title = "Client Closed Request"
	}
	if a.status != 0 { // the answer is under way: all that is left is to break it off
		panic(http.ErrAbortHandler)
	}
	if !api(r) {
		s.failPage(w, r, p)
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	json.NewEncoder(w).Encode(p)
}

// A readiness is whether a server can do its work, or a part of it, as of a moment ago: anybody may ask, as often as they like, and the database is asked
// once.
type readiness struct {
	look func(context.Context) error

	mu    sync.Mutex
	asked time.Time
	err   error
}

func (x *readiness) ask(ctx context.Context) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.asked.IsZero() || time.Since(x.asked) > time.Second {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second) // others wait for it, too
		defer cancel()
		x.err = x.look(ctx)
		x.asked = time.Now()
	}
	return x.err
}

// canWork fails if the server cannot do its work.
func (s *Server) canWork(ctx context.Context) error {
	err := s.Store.DB.PingContext(ctx)
	if err == nil && s.Ready != nil {
		err = s.Ready(ctx)
	}
	return err
}

// health answers whether the server lives, and whether it can do its work. It says no more than that: anybody may ask.
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	a := aboutOf(r.Context())
	a.route = r.URL.Path
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		s.fail(w, r, refuse(http.StatusMethodNotAllowed, "use GET"))
		return
	}
	if r.URL.Path == "/readyz" {
		if err := s.ready.ask(r.Context()); err != nil {
			s.Log.Warn("not ready", "request", a.id, "error", err.Error())
			s.fail(w, r, refuse(http.StatusServiceUnavailable, "not ready: the log says why"))
			return
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, "ok")
}
