// Package server serves what the store keeps: an HTTP API, pages for people, and metrics. It changes nothing by itself: what starts and
// ends scans is handed to it. Whoever asks must be somebody, unless only this machine can ask at all.
package server

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"awsscanner/internal/config"
	"awsscanner/internal/engine"
	"awsscanner/internal/secret"
	"awsscanner/internal/server/page"
	"awsscanner/internal/store"
)

// Options say what a server serves.
type Options struct {
	Store    *store.Store
	Settings config.Server
	Version  string // of the scanner
	Rules    []engine.Rule
	Secrets  *secret.Reader // nil for this process's environment and files
	Now      func() time.Time
	Log      *slog.Logger
	Metrics  *Metrics     // nil for none beside its own
	Client   *http.Client // to talk to the OIDC provider with; nil for one with a timeout
	Actions
}

// Actions are what somebody else does. What is nil is not offered. An error that is a *Refusal is told to whoever asked.
type Actions struct {
	StartScan  func(ctx context.Context, stream string) (id string, err error)
	CancelScan func(ctx context.Context, scan string) error
	Schedules  func(ctx context.Context) ([]Schedule, error)
	Progress   func(ctx context.Context, scan string) (Progress, error) // of a scan under way; nil for what the store knows
	Waivers    func(ctx context.Context) ([]Waiver, error)              // that are set, whether they hold anything back or not
	Review     func(ctx context.Context, stream string) (*Review, error)
	Queue      func(ctx context.Context) (Queue, error)
	Ready      func(ctx context.Context) error // what else must be well
}

// A Refusal is an error that people caused, and can do something about.
type Refusal struct {
	Status int // of HTTP
	Text   string
}

func (r *Refusal) Error() string { return r.Text }

func refuse(status int, format string, args ...any) error {
	return &Refusal{status, fmt.Sprintf(format, args...)}
}

// A Schedule says when a stream is scanned.
type Schedule struct {
	Stream   string    `json:"stream"`
	Times    string    `json:"times" doc:"minute, hour, day, month and weekday; empty if it is scanned by hand only"`
	TimeZone string    `json:"timeZone"`
	Next     time.Time `json:"next,omitzero" doc:"when it is scanned next"`
}

// A Waiver is one that is set.
type Waiver struct {
	Reason     string `json:"reason"`
	Owner      string `json:"owner"`
	Expires    string `json:"expires" doc:"the last day on which it holds"`
	Ticket     string `json:"ticket,omitempty"`
	Mitigation string `json:"mitigation,omitempty"`
	Risk       string `json:"risk,omitempty"`
	Source     string `json:"source" doc:"file and line"`
	Condition  string `json:"condition" doc:"what it means, in short"`
}

// Queue says how much is waiting.
type Queue struct {
	Jobs   map[string]int // by state
	Oldest time.Time      // since when the first one waits
}

// Progress says how far a scan is.
type Progress struct {
	State          store.State       `json:"state"`
	Phase          string            `json:"phase" doc:"what it does: waiting, reading, judging or over"`
	Accounts       int               `json:"accounts" doc:"that were read"`
	AccountsTotal  int               `json:"accountsTotal"`
	Regions        int               `json:"regions" doc:"that were read"`
	RegionsTotal   int               `json:"regionsTotal" doc:"0 if nobody knows"`
	Calls          int               `json:"calls" doc:"that were made"`
	CallsKnown     int               `json:"callsKnown" doc:"that are known to be made; it grows while lists are read. 0 if nobody knows"`
	Throttled      int               `json:"throttled"`
	CallsPerSecond int               `json:"callsPerSecond"`
	SecondsLeft    int               `json:"secondsLeft" doc:"0 if nobody knows"`
	Reading        []AccountProgress `json:"reading,omitempty" doc:"the accounts, in their order"`
}

// AccountProgress says how far the reading of an account is.
type AccountProgress struct {
	Account   string      `json:"account"`
	State     store.State `json:"state"`
	Calls     int         `json:"calls"`
	Throttled int         `json:"throttled"`
}

// A Review is a Well-Architected review as far as scans and people have made one.
type Review struct {
	Edition string         `json:"edition" doc:"of the framework"`
	Pillars []ReviewPillar `json:"pillars"`
}

// A ReviewPillar is one of the six.
type ReviewPillar struct {
	Pillar    engine.Pillar    `json:"pillar"`
	Questions []ReviewQuestion `json:"questions"`
}

// A ReviewQuestion is one of the framework. A scan can refute practices; that they are in place, people say.
type ReviewQuestion struct {
	ID        string           `json:"id"`
	Title     string           `json:"title"`
	Risk      string           `json:"risk" doc:"HIGH, MEDIUM, NONE, UNANSWERED or NOT_APPLICABLE, if all that is open is in place"`
	Possible  string           `json:"possible" doc:"the same if nothing of it is"`
	Open      int              `json:"open" doc:"practices that nobody has decided"`
	Practices []ReviewPractice `json:"practices"`
}

// A ReviewPractice is a best practice of a question.
type ReviewPractice struct {
	ID      string   `json:"id"`
	Title   string   `json:"title"`
	Level   string   `json:"level" doc:"of risk, if it is missing"`
	State   string   `json:"state" doc:"established, scan-established, not-established, conflict, undecided or not-applicable"`
	Because string   `json:"because" doc:"what that rests on"`
	Failing int      `json:"failing" doc:"findings that speak against it"`
	Rules   []string `json:"rules" doc:"that speak to it"`
}

// A Server is ready to serve.
type Server struct {
	Options
	listen    config.Address
	session   time.Duration
	local     config.Role // of those who do not sign in; NoRole if everybody must
	secure    bool        // nobody on the way can read along
	https     bool        // people call it by https
	signs     string      // what sessions go by: after it has changed, people sign in again
	ready     *readiness
	database  *readiness // whether it answers
	key       []byte     // of form tokens without a session
	oidc      *oidcLogin
	files     map[string]page.File     // of pages, by address
	asset     func(name string) string // address of one
	routes    []route
	pages     []pageRoute
	document  []byte // OpenAPI
	limits    *limits
	sums      *sumsCache
	poll      time.Duration // how often a page that follows a scan looks
	heartbeat time.Duration
	stop      chan struct{} // closed when pages that follow a scan must end
	stopOnce  sync.Once
}

// Here is where a server listens that is not told where: only this machine can reach it.
const Here config.Address = "127.0.0.1:8080"

// New makes a server. It refuses settings that would let anybody in from beyond this machine.
func New(ctx context.Context, o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Secrets == nil {
		o.Secrets = secret.Process()
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics()
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 15 * time.Second}
	}
	set := &o.Settings
	s := &Server{Options: o, listen: set.Listen, session: time.Duration(set.Session), key: make([]byte, 32), sums: newSumsCache(o.Store, o.Now), poll: time.Second, heartbeat: 15 * time.Second, stop: make(chan struct{})}
	rand.Read(s.key) // never fails
	if s.listen == "" {
		s.listen = Here
	}
	if s.session == 0 {
		s.session = 12 * time.Hour
	}
	s.secure = set.TLS.CertFile != "" || len(set.Proxies) > 0
	s.https = s.secure || strings.HasPrefix(string(set.PublicURL), "https://")
	s.ready, s.database = &readiness{look: s.canWork}, &readiness{look: s.Store.DB.PingContext}
	s.limits = newLimits(set.Limits)
	if !s.listen.Loopback() && !s.secure {
		return nil, fmt.Errorf("listen: %s can be reached by others, so that TLS is demanded: set server.tls, or server.proxies that end it in front, or listen on 127.0.0.1", s.listen)
	}
	if set.OIDC.Issuer != "" {
		var err error
		if s.oidc, err = s.newOIDC(ctx); err != nil {
			return nil, err
		}
		if s.signs, err = s.oidc.fingerprint(); err != nil {
			return nil, err
		}
	}
	s.local = config.NoRole
	if s.listen.Loopback() && !s.secure && s.oidc == nil && s.PublicHost() == "" {
		if s.local = set.LocalRole; s.local == config.Unsaid {
			s.local = config.Operator
		}
	}
	if s.local == config.NoRole && s.oidc == nil {
		if err := s.anyToken(ctx); err != nil {
			return nil, err
		}
	}
	var err error
	if s.files, err = page.Files(); err != nil {
		return nil, err
	}
	assets := map[string]string{}
	for address := range s.files {
		assets[address[strings.LastIndexByte(address, '/')+1:]] = address
	}
	s.asset = func(name string) string { return assets[name] }
	s.routes, s.pages = s.apiRoutes(), s.pageRoutes()
	if s.document, err = s.openAPI(); err != nil {
		return nil, err
	}
	s.Metrics.register(s)
	return s, nil
}

// PublicHost is what people call the server by; "" if that is not set, or means this machine only.
func (s *Server) PublicHost() string {
	host := s.Settings.PublicURL.Host()
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	if host == "" || config.Address(net.JoinHostPort(name, "0")).Loopback() {
		return ""
	}
	return host
}

// anyToken fails if nobody could sign in.
func (s *Server) anyToken(ctx context.Context) error {
	all, err := s.Store.Tokens(ctx)
	if err != nil {
		return err
	}
	for _, t := range all {
		if t.Valid(s.Now()) {
			return nil
		}
	}
	return errors.New("nobody could sign in: set server.oidc, or make a token by scanner tokens create --role admin --name NAME")
}

// Serve listens and answers until the context ends; then it lets requests end that are under way.
func (s *Server) Serve(ctx context.Context) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", string(s.listen))
	if err != nil {
		return fmt.Errorf("the server cannot listen: %w", err)
	}
	return s.ServeOn(ctx, l)
}

// ServeOn is Serve on a listener that is open already. It closes it.
func (s *Server) ServeOn(ctx context.Context, l net.Listener) error {
	x := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      60 * time.Second, // longer answers prolong it as they go on
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug), // handshakes that others break off are no news
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	if s.Settings.TLS.CertFile != "" {
		c := &certificate{tls: s.Settings.TLS, now: s.Now}
		if _, err := c.get(nil); err != nil {
			l.Close()
			return err
		}
		x.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}
	}
	scheme := "http"
	ended := make(chan error, 1)
	go func() {
		if x.TLSConfig != nil {
			ended <- x.ServeTLS(l, "", "")
		} else {
			ended <- x.Serve(l)
		}
	}()
	if x.TLSConfig != nil {
		scheme = "https"
	}
	s.Log.Info("serving", "address", l.Addr().String(), "url", cmp.Or(string(s.Settings.PublicURL), scheme+"://"+l.Addr().String()), "database", s.Store.Name(), "signIn", s.local == config.NoRole)
	select {
	case err := <-ended:
		return fmt.Errorf("the server has ended: %w", err)
	case <-ctx.Done():
	}
	s.stopOnce.Do(func() { close(s.stop) })
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := x.Shutdown(last); err != nil {
		x.Close()
	}
	<-ended
	return nil
}

// A certificate is read anew when its file changes, so that nobody need end the server for it.
type certificate struct {
	tls config.TLS
	now func() time.Time

	mu      sync.Mutex
	checked time.Time
	changed time.Time
	last    *tls.Certificate
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if c.last != nil && now.Sub(c.checked) < time.Minute {
		return c.last, nil
	}
	info, err := os.Stat(c.tls.CertFile)
	if err == nil && (c.last == nil || !info.ModTime().Equal(c.changed)) {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(c.tls.CertFile, c.tls.KeyFile); err == nil {
			c.last, c.changed = &pair, info.ModTime()
		}
	}
	if c.checked = now; c.last != nil {
		return c.last, nil // the old one is better than none while a new one is being written
	}
	return nil, fmt.Errorf("the certificate %s with the key %s cannot be used: %w", c.tls.CertFile, c.tls.KeyFile, err)
}
