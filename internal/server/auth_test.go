package server

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"awsscanner/internal/config"
	"awsscanner/internal/store"
)

// token makes a token, and returns it with its ID.
func (w *world) token(role config.Role, expires time.Time) (id, token string) {
	w.Helper()
	id, v, err := CreateToken(w.Context(), w.store, NewToken{Name: role.String() + " " + store.NewID(), Role: role, Expires: expires}, store.Action{At: now, Actor: "test"})
	if err != nil {
		w.Fatal(err)
	}
	return id, v.Reveal()
}

// closed makes a world in which everybody must sign in.
func closed(t testing.TB, change func(*Options)) *world {
	t.Helper()
	w := build(t, nil)
	w.token(config.Admin, time.Time{})
	w.close(change)
	return w
}

// close serves anew, to those who sign in.
func (w *world) close(change func(*Options)) {
	w.Helper()
	w.serve(func(o *Options) {
		o.Settings.LocalRole = config.NoRole
		if change != nil {
			change(o)
		}
	})
}

// bearer makes a request of a program.
func bearer(method, path, body, token string) *http.Request {
	r := request(method, path, body)
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

// Every operation and every page is open to its role and to those above it, and to nobody else.
func TestRoles(t *testing.T) {
	w := closed(t, nil)
	d := (*described)(nil)
	tokens := map[config.Role]string{}
	for _, role := range []config.Role{config.Viewer, config.Operator, config.Admin} {
		_, tokens[role] = w.token(role, time.Time{})
	}
	_, text := w.ask(bearer("GET", "/api/v1/openapi.json", "", tokens[config.Viewer]))
	d = describe(t, text)
	for _, x := range w.routes {
		path := strings.ReplaceAll(x.path, "{id}", "nothing")
		for _, role := range []config.Role{config.NoRole, config.Viewer, config.Operator, config.Admin} {
			body := ""
			if x.body != nil {
				body = "{}"
			}
			r := request(x.method, path, body)
			if role > config.NoRole {
				r.Header.Set("Authorization", "bearer "+tokens[role])
			}
			answer, text := w.ask(r)
			switch {
			case role == config.NoRole && answer.StatusCode != 401, role > config.NoRole && role < x.role && answer.StatusCode != 403, role >= x.role && (answer.StatusCode == 401 || answer.StatusCode == 403):
				t.Errorf("%s %s as %s: %d", x.method, x.path, role, answer.StatusCode)
			case role < x.role:
				d.check(r, answer, text)
			}
			if (answer.StatusCode == 401) != (answer.Header.Get("WWW-Authenticate") != "") {
				t.Errorf("%s %s as %s: %d with WWW-Authenticate %q", x.method, x.path, role, answer.StatusCode, answer.Header.Get("WWW-Authenticate"))
			}
		}
	}
	for path, needs := range map[string]config.Role{"/": config.Viewer, "/findings": config.Viewer, "/findings/abcdef012345": config.Viewer, "/coverage": config.Viewer, "/scans": config.Viewer, "/scans/x": config.Viewer, "/waivers": config.Viewer,
		"/schedules": config.Viewer, "/review": config.Viewer, "/access": config.Admin, "/audit": config.Admin} {
		for role := config.NoRole; role <= config.Admin; role++ {
			r := request("GET", path, "")
			if role > config.NoRole {
				r = bearer("GET", path, "", tokens[role])
			}
			x, _ := w.ask(r)
			switch to, _ := url.Parse(x.Header.Get("Location")); {
			case role == config.NoRole && (x.StatusCode != 303 || to.Path != "/login" || path != "/" && to.Query().Get("next") != path):
				t.Errorf("GET %s by nobody: %d %s", path, x.StatusCode, to)
			case role > config.NoRole && role < needs && x.StatusCode != 403, role >= needs && x.StatusCode != 200 && x.StatusCode != 404:
				t.Errorf("GET %s as %s: %d", path, role, x.StatusCode)
			}
		}
	}
	for _, path := range []string{"/nothing", "/api/v1/nothing"} { // who may not enter learns nothing
		if x, _ := w.ask(request("GET", path, "")); x.StatusCode != 401 && path != "/nothing" {
			t.Errorf("GET %s by nobody: %d", path, x.StatusCode)
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/login"} {
		w.get(path, 200)
	}
}

// A token lets in while it is valid, whatever else is tried does not.
func TestTokens(t *testing.T) {
	w := closed(t, nil)
	id, good := w.token(config.Viewer, now.Add(time.Hour))
	_, over := w.token(config.Viewer, now.Add(time.Second))
	tries := map[string]int{
		good: 200, good + "x": 401, good[:len(good)-1]: 401, strings.ToUpper(good): 401, "": 401, "scanner_": 401, "scanner_" + id: 401, "scanner_" + id + "_": 401,
		"scanner_" + id + "_" + strings.Repeat("A", 43): 401, "scanner_0000000000000000_" + strings.Repeat("A", 43): 401, strings.TrimPrefix(good, "scanner_"): 401,
	}
	for token, want := range tries {
		w.limits = newLimits(config.Limits{})
		x, text := w.ask(bearer("GET", "/api/v1/me", "", token))
		if x.StatusCode != want || want == 200 && !strings.Contains(text, `"role":"viewer"`) {
			t.Errorf("%s: %d %s", token, x.StatusCode, text)
		}
	}
	w.limits = newLimits(config.Limits{})
	r := request("GET", "/api/v1/me", "")
	r.Header.Set("Authorization", "Basic "+good)
	if x, _ := w.ask(r); x.StatusCode != 401 {
		t.Errorf("Basic: %d", x.StatusCode)
	}
	w.Server.Now = func() time.Time { return now.Add(2 * time.Second) }
	if x, _ := w.ask(bearer("GET", "/api/v1/me", "", over)); x.StatusCode != 401 {
		t.Errorf("a token that is over: %d", x.StatusCode)
	}
	if known, err := w.store.Token(t.Context(), id); err != nil || known.Used != now {
		t.Errorf("it was used at %s (%v)", known.Used, err)
	}
	if err := RevokeToken(t.Context(), w.store, id, store.Action{At: now, Actor: "test"}); err != nil {
		t.Fatal(err)
	}
	if x, _ := w.ask(bearer("GET", "/api/v1/me", "", good)); x.StatusCode != 401 {
		t.Errorf("a token that is revoked: %d", x.StatusCode)
	}
	if strings.Contains(dump(t, w.store), strings.SplitN(good, "_", 3)[2]) {
		t.Error("the store keeps the token itself")
	}
	for _, name := range []string{"", " x", "x ", "x\n", strings.Repeat("x", 65), "<x>", "x\u202e"} {
		if _, _, err := CreateToken(t.Context(), w.store, NewToken{Name: name, Role: config.Viewer}, store.Action{At: now}); err == nil {
			t.Errorf("a token is called %q", name)
		}
	}
	if _, _, err := CreateToken(t.Context(), w.store, NewToken{Name: "x", Role: config.NoRole}, store.Action{At: now}); err == nil {
		t.Error("a token has no role")
	}
}

// dump is all that the store knows of who may enter.
func dump(t testing.TB, s *store.Store) string {
	t.Helper()
	var b strings.Builder
	for _, table := range []string{"tokens", "sessions", "audit"} {
		rows, err := s.DB.Query("SELECT * FROM " + table)
		if err != nil {
			t.Fatal(err)
		}
		columns, _ := rows.Columns()
		for rows.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(string)
			}
			if err := rows.Scan(values...); err != nil {
				t.Fatal(err)
			}
			for _, v := range values {
				b.WriteString(*v.(*string) + "\n")
			}
		}
		rows.Close()
	}
	return b.String()
}

// form sends a form as a browser does that shows a page of this server.
func form(path string, values url.Values, cookies []*http.Cookie) *http.Request {
	r := request("POST", path, values.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return r
}

var formField = regexp.MustCompile(`name="form" value="([^"]+)"`)

// endAll ends the scans that are under way: there can be one of a stream.
func (w *world) endAll() {
	w.Helper()
	open, err := w.store.Unfinished(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	for _, x := range open {
		if err := w.store.End(w.Context(), x.ID, store.Cancelled, "by the test", now); err != nil {
			w.Fatal(err)
		}
	}
}

// enter signs in with a token, and returns the cookies and what forms must hold.
func (w *world) enter(token string) ([]*http.Cookie, string) {
	w.Helper()
	x, text := w.ask(form("/login", url.Values{"token": {token}, "next": {"/scans"}}, nil))
	if x.StatusCode != 303 || x.Header.Get("Location") != "/scans" {
		w.Fatalf("signing in: %d %.300s", x.StatusCode, text)
	}
	r := request("GET", "/", "")
	for _, c := range x.Cookies() {
		r.AddCookie(c)
	}
	_, text = w.ask(r)
	m := formField.FindStringSubmatch(text)
	if m == nil {
		w.Fatalf("the page has no form: %.300s", text)
	}
	return x.Cookies(), m[1]
}

// A browser signs in, changes something with what its page holds, and signs out.
func TestSession(t *testing.T) {
	w := closed(t, nil)
	id, token := w.token(config.Operator, time.Time{})
	x, text := w.ask(form("/login", url.Values{"token": {"scanner_x"}}, nil))
	if x.StatusCode != 401 || len(x.Cookies()) != 0 || !strings.Contains(text, "not known, revoked or over") || strings.Contains(text, "scanner_x") {
		t.Errorf("a wrong token: %d %v", x.StatusCode, x.Cookies())
	}
	cookies, field := w.enter(token)
	if c := cookies[0]; len(cookies) != 1 || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure || c.Path != "/" || c.Domain != "" || c.MaxAge != 12*3600 || c.Name != "scanner-session" {
		t.Errorf("the cookie is %+v", c)
	}
	if all := dump(t, w.store); strings.Contains(all, cookies[0].Value) || strings.Contains(all, field) {
		t.Error("the store keeps what lets in")
	}
	other, _ := w.enter(token)
	if other[0].Value == cookies[0].Value {
		t.Error("two sessions are one")
	}
	for what, c := range map[string]struct {
		form  string
		cook  []*http.Cookie
		site  string
		token string
		want  int
	}{
		"well":                   {form: field, cook: cookies, site: "same-origin", want: 303},
		"without what it holds":  {cook: cookies, site: "same-origin", want: 403},
		"with something else":    {form: field[1:] + "x", cook: cookies, site: "same-origin", want: 403},
		"of another session":     {form: field, cook: other, site: "same-origin", want: 403},
		"from another site":      {form: field, cook: cookies, site: "cross-site", want: 403},
		"from a sister site":     {form: field, cook: cookies, site: "same-site", want: 403},
		"by nobody":              {form: field, site: "same-origin", want: 303},
		"by an old browser":      {form: field, cook: cookies, want: 303},
		"by a token, of no page": {token: token, want: 303},
	} {
		before := len(w.started)
		r := form("/scans", url.Values{"stream": {"production"}, "form": {c.form}}, c.cook)
		r.Header.Del("Sec-Fetch-Site")
		if c.site != "" {
			r.Header.Set("Sec-Fetch-Site", c.site)
		}
		if c.token != "" {
			r.Header.Set("Authorization", "Bearer "+c.token)
		}
		x, text := w.ask(r)
		w.endAll()
		began := len(w.started) > before
		if x.StatusCode != c.want || began != (c.want == 303 && what != "by nobody") {
			t.Errorf("a scan, %s: %d, begun: %v, %.300s", what, x.StatusCode, began, text)
		}
		if what == "by nobody" && !strings.HasPrefix(x.Header.Get("Location"), "/login") {
			t.Errorf("nobody is sent to %s", x.Header.Get("Location"))
		}
	}
	r := form("/scans", url.Values{"stream": {"production"}, "form": {field}}, cookies)
	r.Header.Del("Sec-Fetch-Site")
	r.Header.Set("Origin", "https://evil.example")
	if x, _ := w.ask(r); x.StatusCode != 403 {
		t.Errorf("of another origin: %d", x.StatusCode)
	}
	// The API takes a session, but for changes with the token of the form only.
	for header, want := range map[string]int{"": 403, field: 202} {
		r := request("POST", "/api/v1/scans", `{"stream":"production"}`)
		r.AddCookie(cookies[0])
		if header != "" {
			r.Header.Set("X-Form-Token", header)
		}
		if x, text := w.ask(r); x.StatusCode != want {
			t.Errorf("the API with %q: %d %s", header, x.StatusCode, text)
		}
	}
	// It ends by itself, with its token, and when its person says so.
	in := func(c []*http.Cookie) bool {
		r := request("GET", "/api/v1/me", "")
		r.AddCookie(c[0])
		x, _ := w.ask(r)
		return x.StatusCode == 200
	}
	w.Server.Now = func() time.Time { return now.Add(12*time.Hour + time.Second) }
	if in(cookies) {
		t.Error("the session goes on for ever")
	}
	w.Server.Now = func() time.Time { return now }
	if x, _ := w.ask(form("/logout", url.Values{"form": {field}}, cookies)); x.StatusCode != 303 || x.Cookies()[0].MaxAge >= 0 || in(cookies) {
		t.Errorf("after signing out: %d %v", x.StatusCode, x.Cookies())
	}
	if !in(other) {
		t.Error("the other session has ended, too")
	}
	if err := RevokeToken(t.Context(), w.store, id, store.Action{At: now, Actor: "test"}); err != nil || in(other) {
		t.Errorf("after its token was revoked: %v %v", in(other), err)
	}
}

// Signing in leads to pages of this server only.
func TestNext(t *testing.T) {
	for next, want := range map[string]string{"": "/", "/findings?severity=high": "/findings?severity=high", "https://evil.example": "/", "//evil.example": "/", `/\evil.example`: "/", "/\tx": "/", "javascript:x": "/", "findings": "/", "/login": "/", "/api/v1/me": "/"} {
		if got := local(next); got != want {
			t.Errorf("%q leads to %q", next, got)
		}
	}
}

// Whoever tries token after token is told to wait, whoever has the right one meanwhile, too.
func TestFailuresAreLimited(t *testing.T) {
	w := closed(t, nil)
	_, good := w.token(config.Viewer, time.Time{})
	last := 0
	for range 12 {
		x, _ := w.ask(bearer("GET", "/api/v1/me", "", "scanner_wrong"))
		last = x.StatusCode
	}
	if last != 429 {
		t.Errorf("after twelve wrong tokens: %d", last)
	}
	if x, _ := w.ask(bearer("GET", "/api/v1/me", "", good)); x.StatusCode != 429 || x.Header.Get("Retry-After") == "" {
		t.Errorf("the right one: %d", x.StatusCode)
	}
	r := bearer("GET", "/api/v1/me", "", good)
	r.RemoteAddr = "127.0.0.2:1"
	if x, _ := w.ask(r); x.StatusCode != 200 {
		t.Errorf("from elsewhere: %d", x.StatusCode)
	}
	if x, _ := w.ask(form("/login", url.Values{"token": {good}}, nil)); x.StatusCode != 429 {
		t.Errorf("signing in: %d", x.StatusCode)
	}
}

// One who asks too often waits, others need not; too many at once are turned away.
func TestLimits(t *testing.T) {
	w := closed(t, func(o *Options) { o.Settings.Limits = config.Limits{RequestsPerSecond: 1, AtOnce: 2} })
	_, a := w.token(config.Viewer, time.Time{})
	_, b := w.token(config.Viewer, time.Time{})
	var got []int
	for range 4 {
		x, _ := w.ask(bearer("GET", "/api/v1/me", "", a))
		got = append(got, x.StatusCode)
	}
	if !slices.Equal(got[:2], []int{200, 200}) || got[3] != 429 {
		t.Errorf("one: %d", got)
	}
	if x, _ := w.ask(bearer("GET", "/api/v1/me", "", b)); x.StatusCode != 200 {
		t.Errorf("another: %d", x.StatusCode)
	}
	w.limits.under <- struct{}{}
	w.limits.under <- struct{}{}
	if x, _ := w.ask(bearer("GET", "/api/v1/me", "", b)); x.StatusCode != 503 || x.Header.Get("Retry-After") == "" {
		t.Errorf("too many at once: %d", x.StatusCode)
	}
	if x, _ := w.ask(request("GET", "/healthz", "")); x.StatusCode != 200 {
		t.Errorf("/healthz: %d", x.StatusCode)
	}
	l := newLimits(config.Limits{})
	for i := range 3 * mostBuckets { // an attack from everywhere fills no memory
		l.failures.allow(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String(), now)
	}
	if n := len(l.failures.of); n > mostBuckets+1 {
		t.Errorf("%d buckets", n)
	}
	l.failures.allow("later", now.Add(time.Hour))
	if n := len(l.failures.of); n > 2 {
		t.Errorf("%d buckets after an hour", n)
	}
}

// Who may ask, and by which name.
func TestReached(t *testing.T) {
	prefix := func(text string) (p config.Prefix) {
		if err := p.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return p
	}
	public := func(o *Options) {
		o.Settings.PublicURL, o.Settings.LocalRole = "https://scanner.example.com", config.NoRole
	}
	proxied := func(o *Options) {
		public(o)
		o.Settings.Proxies = []config.Prefix{prefix("10.0.0.0/8"), prefix("127.0.0.1")}
	}
	w := closed(t, nil)
	_, token := w.token(config.Viewer, time.Time{})
	for _, c := range []struct {
		what   string
		change func(*Options)
		host   string
		from   string
		header []string
		want   int // of /api/v1/me with a token; 0 for 200
	}{
		{what: "this machine", host: "127.0.0.1:8080", from: "127.0.0.1:1"},
		{what: "by name", host: "localhost:8080", from: "127.0.0.1:1"},
		{what: "by IPv6", host: "[::1]:8080", from: "[::1]:1"},
		{what: "a name of somebody else", host: "evil.example:8080", from: "127.0.0.1:1", want: 421},
		{what: "no name", host: "", from: "127.0.0.1:1", want: 421},
		{what: "by a proxy that nobody knows", host: "127.0.0.1:8080", from: "127.0.0.1:1", header: []string{"X-Forwarded-For", "1.2.3.4"}, want: 403},
		{what: "by one that says Via", host: "127.0.0.1:8080", from: "127.0.0.1:1", header: []string{"Via", "1.1 x"}, want: 403},
		{what: "public", change: public, host: "scanner.example.com", from: "127.0.0.1:1"},
		{what: "public, with its port", change: public, host: "scanner.example.com:443", from: "127.0.0.1:1"},
		{what: "public, in capitals", change: public, host: "SCANNER.example.com", from: "127.0.0.1:1"},
		{what: "public, by this machine's name", change: public, host: "127.0.0.1:8080", from: "127.0.0.1:1"},
		{what: "public, by another name", change: public, host: "evil.example", from: "127.0.0.1:1", want: 421},
		{what: "public, by this machine's name from elsewhere", change: public, host: "127.0.0.1", from: "10.0.0.1:1", want: 421},
		{what: "proxied", change: proxied, host: "scanner.example.com", from: "10.1.2.3:1", header: []string{"X-Forwarded-Proto", "https"}},
		{what: "past the proxy", change: proxied, host: "scanner.example.com", from: "192.0.2.1:1", header: []string{"X-Forwarded-Proto", "https"}, want: 403},
		{what: "proxied, by http", change: proxied, host: "scanner.example.com", from: "10.1.2.3:1", header: []string{"X-Forwarded-Proto", "http"}, want: 403},
		{what: "proxied, by who knows what", change: proxied, host: "scanner.example.com", from: "10.1.2.3:1", want: 403},
		{what: "proxied, twice", change: proxied, host: "scanner.example.com", from: "10.1.2.3:1", header: []string{"X-Forwarded-Proto", "http", "X-Forwarded-Proto", "https"}, want: 403},
	} {
		w.close(func(o *Options) {
			o.Settings.LocalRole = config.Operator
			if c.change != nil {
				c.change(o)
			}
		})
		r := bearer("GET", "/api/v1/me", "", token)
		r.Host, r.RemoteAddr = c.host, c.from
		for i := 0; i+1 < len(c.header); i += 2 {
			r.Header.Add(c.header[i], c.header[i+1])
		}
		want := c.want
		if want == 0 {
			want = 200
		}
		if x, text := w.ask(r); x.StatusCode != want {
			t.Errorf("%s: %d, want %d: %s", c.what, x.StatusCode, want, text)
		}
	}
	w.close(proxied)
	for header, want := range map[string]string{"": "10.0.0.9", "1.2.3.4": "1.2.3.4", "6.6.6.6, 1.2.3.4": "1.2.3.4", "1.2.3.4, 10.0.0.7": "1.2.3.4", "6.6.6.6, nonsense, 10.0.0.7": "10.0.0.7", "nonsense": "10.0.0.9", "::ffff:1.2.3.4": "1.2.3.4"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = "10.0.0.9:1"
		if header != "" {
			r.Header.Set("X-Forwarded-For", header)
		}
		if got := w.client(r).String(); got != want {
			t.Errorf("X-Forwarded-For %q is %s, want %s", header, got, want)
		}
	}
}

// Settings that would let anybody in make no server.
func TestRefusesToServe(t *testing.T) {
	s, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for what, c := range map[string]struct {
		config.Server
		want string
	}{
		"everybody":              {config.Server{Listen: ":8080"}, "can be reached by others"},
		"every address":          {config.Server{Listen: "0.0.0.0:8080"}, "can be reached by others"},
		"without signing in":     {config.Server{Listen: ":8443", TLS: config.TLS{CertFile: "x", KeyFile: "y"}}, "nobody could sign in"},
		"a public name":          {config.Server{PublicURL: "https://scanner.example.com"}, "nobody could sign in"},
		"nobody":                 {config.Server{LocalRole: config.NoRole}, "nobody could sign in"},
		"OIDC without an origin": {config.Server{OIDC: config.OIDC{Issuer: "https://id.example", ClientID: "x", Roles: map[config.Role][]string{config.Viewer: {"*"}}}}, "server.oidc needs"},
		"this machine":           {config.Server{}, ""},
		"this machine, by name":  {config.Server{Listen: "localhost:0"}, ""},
	} {
		_, err := New(t.Context(), Options{Store: s, Settings: c.Server})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, _, err := CreateToken(t.Context(), s, NewToken{Name: "x", Role: config.Viewer, Expires: time.Now().Add(time.Hour)}, store.Action{At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if _, err := New(t.Context(), Options{Store: s, Settings: config.Server{Listen: ":8443", TLS: config.TLS{CertFile: "x", KeyFile: "y"}}}); err != nil {
		t.Errorf("with a token: %v", err)
	}
}

// Whoever changes something stands in the audit log, whether it works or not; what cannot be noted is not done.
func TestAudit(t *testing.T) {
	w := closed(t, nil)
	_, admin := w.token(config.Admin, time.Time{})
	cookies, field := w.enter(admin)
	w.ask(bearer("POST", "/api/v1/scans", `{"stream":"production"}`, admin))
	w.ask(bearer("POST", "/api/v1/scans", `{"stream":"nothing"}`, admin))
	w.ask(bearer("GET", "/api/v1/scans/"+w.scans[0]+"/snapshot", "", admin))
	w.ask(bearer("POST", "/api/v1/tokens", `{"name":"x","role":"viewer"}`, admin))
	w.ask(form("/logout", url.Values{"form": {field}}, cookies))
	all, err := w.store.Actions(t.Context(), 0, 6)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range slices.Backward(all) {
		if !strings.HasPrefix(a.Actor, "token admin ") || a.Role != "admin" || a.Address != "127.0.0.1" || len(a.Request) != 16 || a.At != now {
			t.Errorf("%+v", a)
		}
		got = append(got, a.Action+": "+a.Outcome)
	}
	if want := "sign-in: done, scan.start: done, scan.start: there is no stream \"nothing\", snapshot.download: done, token.create: done, sign-out: done"; strings.Join(got, ", ") != want {
		t.Errorf("%s", strings.Join(got, ", "))
	}
	before := len(w.started)
	if _, err := w.store.DB.Exec("DROP TABLE audit"); err != nil {
		t.Fatal(err)
	}
	if x, _ := w.ask(bearer("POST", "/api/v1/scans", `{"stream":"production"}`, admin)); x.StatusCode != 500 || len(w.started) != before {
		t.Errorf("without an audit log: %d, %d scans", x.StatusCode, len(w.started)-before)
	}
}

// Answers protect the browser that shows them, errors included.
func TestHeaders(t *testing.T) {
	w := build(t, nil)
	for _, path := range []string{"/", "/findings", "/nothing", "/api/v1/me", "/api/v1/nothing", "/healthz"} {
		x, _ := w.ask(request("GET", path, ""))
		h := x.Header
		if csp := h.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: the policy is %q", path, csp)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Cache-Control": "no-store", "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Strict-Transport-Security": "", "Access-Control-Allow-Origin": "", "Server": ""} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		if len(h.Get("X-Request-Id")) != 16 {
			t.Errorf("%s: the request is %q", path, h.Get("X-Request-Id"))
		}
	}
	page := w.get("/", 200)
	for _, m := range regexp.MustCompile(`(?:src|href)="(/static/[^"]+)"`).FindAllStringSubmatch(page, -1) {
		x, text := w.ask(request("GET", m[1], ""))
		if x.StatusCode != 200 || !strings.Contains(x.Header.Get("Cache-Control"), "immutable") || text == "" {
			t.Errorf("%s: %d %v", m[1], x.StatusCode, x.Header)
		}
	}
	w = closed(t, func(o *Options) { o.Settings.Listen, o.Settings.TLS = ":8443", config.TLS{CertFile: "x", KeyFile: "y"} })
	if x, _ := w.ask(request("GET", "/login", "")); x.Header.Get("Strict-Transport-Security") == "" {
		t.Error("a server with TLS does not say so")
	}
	_, token := w.token(config.Viewer, time.Time{})
	if cookies, _ := w.enter(token); !cookies[0].Secure || cookies[0].Name != "__Host-scanner-session" {
		t.Errorf("%+v", cookies[0])
	}
}

// A server that fails says so without saying why, and the log says why.
func TestFailure(t *testing.T) {
	w := build(t, func(o *Options) {
		o.Schedules = func(context.Context) ([]Schedule, error) { return nil, errors.New("the disk is full of sesame") }
		o.Waivers = func(context.Context) ([]Waiver, error) { panic("at the disco") }
		o.Review = func(ctx context.Context, _ string) (*Review, error) { return nil, context.DeadlineExceeded }
		o.Ready = func(context.Context) error { return errors.New("the queue is gone") }
	})
	for path, c := range map[string]struct {
		status   int
		log, not string
	}{
		"/api/v1/schedules": {500, "the disk is full of sesame", "sesame"},
		"/schedules":        {500, "the disk is full of sesame", "sesame"},
		"/api/v1/waivers":   {500, "at the disco", "disco"},
		"/waivers":          {500, "at the disco", "disco"},
		"/api/v1/review":    {503, "took too long", "deadline"},
		"/readyz":           {503, "the queue is gone", "queue"},
	} {
		x, text := w.ask(request("GET", path, ""))
		if x.StatusCode != c.status || strings.Contains(text, c.not) || !strings.Contains(w.log.String(), c.log) || !strings.Contains(text, x.Header.Get("X-Request-Id")) {
			t.Errorf("%s: %d %s", path, x.StatusCode, text)
		}
	}
	w.store.Close()
	w.get("/readyz", 503)
	w.get("/healthz", 200)
}

// While the database does not answer it is worth to ask again.
func TestNoDatabase(t *testing.T) {
	w := build(t, func(*Options) {})
	w.store.Close()
	if x, text := w.ask(request("GET", "/api/v1/findings", "")); x.StatusCode != 503 || x.Header.Get("Retry-After") == "" || !strings.Contains(text, "the database does not answer") {
		t.Errorf("without a database: %d %s", x.StatusCode, text)
	}
}
