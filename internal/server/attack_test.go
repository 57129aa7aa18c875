package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"awsscanner/internal/config"
)

// lines are those of the audit log, the oldest first, as "actor: action object: outcome".
func (w *world) lines() (all []string) {
	w.Helper()
	known, err := w.store.Actions(w.Context(), 0, 1000)
	if err != nil {
		w.Fatal(err)
	}
	for _, a := range known {
		all = append([]string{a.Actor + ": " + a.Action + " " + a.Object + ": " + a.Outcome}, all...)
	}
	return all
}

// Whoever is refused for want of a role stands in the audit log, and so does whoever tries to get in; neither can fill it.
func TestAuditOfDenials(t *testing.T) {
	w := closed(t, nil)
	_, viewer := w.token(config.Viewer, time.Time{})
	known, err := w.store.Tokens(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	name := ""
	for _, x := range known {
		if strings.HasPrefix(x.Name, "viewer ") {
			name = "token " + x.Name
		}
	}
	cookies, field := w.enter(viewer)
	before := len(w.lines())
	w.ask(bearer("POST", "/api/v1/scans", `{"stream":"production"}`, viewer))
	w.ask(bearer("GET", "/api/v1/audit", "", viewer))
	w.ask(form("/scans", url.Values{"stream": {"production"}, "form": {field}}, cookies))
	w.ask(form("/scans", url.Values{"stream": {"production"}}, cookies))
	w.ask(bearer("GET", "/api/v1/me", "", "scanner_wrong"))
	w.ask(form("/login", url.Values{"token": {"scanner_wrong"}}, nil))
	got := w.lines()[before:]
	needs := ": this needs the role "
	for i, want := range []string{
		name + ": denied POST /api/v1/scans" + needs + "operator, and you have the role viewer",
		name + ": denied GET /api/v1/audit" + needs + "admin, and you have the role viewer",
		name + ": denied POST /scans" + needs + "operator, and you have the role viewer",
		name + ": denied POST /scans" + needs + "operator, and you have the role viewer",
		"nobody: sign-in : " + errToken.Error(),
		"nobody: sign-in : " + errToken.Error(),
	} {
		if i >= len(got) || got[i] != want {
			t.Fatalf("the audit log has %q, want %q", got, want)
		}
	}
	for range 100 {
		w.ask(bearer("POST", "/api/v1/scans", `{"stream":"production"}`, viewer))
		w.ask(bearer("GET", "/api/v1/me", "", "scanner_wrong"))
	}
	if n := len(w.lines()) - before; n > 22 {
		t.Errorf("one who is denied again and again has %d lines", n)
	}
}

// What another site makes a browser ask for is not answered, but for opening a page.
func TestOtherSites(t *testing.T) {
	w := build(t, nil)
	scan := "/api/v1/scans/" + w.scans[0]
	for _, c := range []struct {
		what, method, path, site, mode, dest, origin string
		want                                         int
	}{
		{"a page of ours", "GET", "/findings", "same-origin", "navigate", "document", "", 200},
		{"a bookmark", "GET", "/findings", "none", "navigate", "document", "", 200},
		{"a program", "GET", scan, "", "", "", "", 200},
		{"a link on another site", "GET", "/findings", "cross-site", "navigate", "document", "", 200},
		{"a link on a sister site", "GET", "/findings", "same-site", "navigate", "document", "", 200},
		{"a frame on another site", "GET", "/findings", "cross-site", "navigate", "iframe", "", 403},
		{"an object on another site", "GET", "/findings", "cross-site", "navigate", "object", "", 403},
		{"a picture on another site", "GET", "/review", "cross-site", "no-cors", "image", "", 403},
		{"a script on another site", "GET", "/api/v1/findings", "cross-site", "no-cors", "script", "", 403},
		{"a fetch of another site", "GET", "/api/v1/findings", "cross-site", "cors", "empty", "https://evil.example", 403},
		{"a download that another site begins", "GET", scan + "/snapshot", "cross-site", "navigate", "document", "", 403},
		{"events of another site", "GET", scan + "/events", "cross-site", "cors", "empty", "https://evil.example", 403},
		{"a beacon of another site", "POST", scan + "/cancel", "cross-site", "no-cors", "empty", "https://evil.example", 403},
		{"a form of another site", "POST", "/scans", "cross-site", "navigate", "document", "https://evil.example", 403},
		{"a form of a frame without origin", "POST", "/scans", "", "", "", "null", 403},
		{"a form of another port", "POST", "/scans", "", "", "", "http://127.0.0.1:9999", 403},
		{"DELETE of another site", "DELETE", "/api/v1/tokens/x", "cross-site", "cors", "empty", "https://evil.example", 403},
	} {
		r := request(c.method, c.path, "")
		for name, value := range map[string]string{"Sec-Fetch-Site": c.site, "Sec-Fetch-Mode": c.mode, "Sec-Fetch-Dest": c.dest, "Origin": c.origin} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		if x, text := w.ask(r); x.StatusCode != c.want {
			t.Errorf("%s: %d, want %d: %.300s", c.what, x.StatusCode, c.want, text)
		}
	}
	if got := w.lines(); len(got) > 0 {
		t.Errorf("other sites write the audit log: %q", got)
	}
	for _, media := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""} { // which forms can send without asking first
		r := request("POST", "/api/v1/scans", `{"stream":"production"}`)
		r.Header.Set("Content-Type", media)
		if x, _ := w.ask(r); x.StatusCode != 415 {
			t.Errorf("JSON as %q: %d", media, x.StatusCode)
		}
	}
}

// What is no text never comes to the database: not every one takes it.
func TestNoText(t *testing.T) {
	w := closed(t, nil)
	_, admin := w.token(config.Admin, time.Time{})
	cookies, field := w.enter(admin)
	for _, path := range []string{"/scans/%00", "/scans/%ff", "/findings/%00", "/scans?after=%00", "/scans?after=1.%ff", "/findings?q=%00", "/findings?stream=%ff", "/audit?after=%zz", "/login?next=%00", "/api/v1/scans/%00", "/api/v1/scans/%00/events", "/api/v1/rules/%ff", "/api/v1/findings?after=1.%00.x"} {
		if x, text := w.ask(bearer("GET", path, "", admin)); x.StatusCode != 400 {
			t.Errorf("GET %s: %d %.200s", path, x.StatusCode, text)
		}
	}
	for _, stream := range []string{"\x00", "\xff"} {
		if x, _ := w.ask(form("/scans", url.Values{"stream": {stream}, "form": {field}}, cookies)); x.StatusCode != 400 {
			t.Errorf("a form with %q: %d", stream, x.StatusCode)
		}
	}
	if x, _ := w.ask(bearer("POST", "/api/v1/scans", `{"stream":"\u0000"}`, admin)); x.StatusCode != 400 {
		t.Errorf("JSON: %d", x.StatusCode)
	}
	// Nor is it asked about tokens that there cannot be.
	w.store.Close()
	for _, token := range []string{"scanner_" + strings.Repeat("\xff", 16) + "_" + strings.Repeat("A", 43), "scanner_" + strings.Repeat("x", 16) + "_" + strings.Repeat("A", 43), "scanner_0123456789abcdef_" + strings.Repeat(" ", 43)} {
		w.limits = newLimits(config.Limits{})
		if x, _ := w.ask(bearer("GET", "/api/v1/me", "", token)); x.StatusCode != 401 {
			t.Errorf("%q: %d", token, x.StatusCode)
		}
	}
}

// Who sends slowly, reads slowly or asks without end holds up nobody else.
func TestSlow(t *testing.T) {
	w := closed(t, func(o *Options) { o.Settings.Limits = config.Limits{AtOnce: 4} })
	_, token := w.token(config.Viewer, time.Time{})
	here := httptest.NewServer(w.Handler())
	defer here.Close()
	for range 6 {
		c, err := net.Dial("tcp", here.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\ntoken=")
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline) && !strings.Contains(w.log.String(), `"status":503`); { // until one is turned away
		time.Sleep(time.Millisecond)
	}
	if x, text := w.ask(bearer("GET", "/api/v1/me", "", token)); x.StatusCode != 200 {
		t.Errorf("beside requests that come in slowly: %d %s", x.StatusCode, text)
	}
	for range 4 {
		w.limits.under <- struct{}{}
	}
	for name := range w.files {
		if x, _ := w.ask(request("GET", name, "")); x.StatusCode != 200 {
			t.Errorf("GET %s beside others: %d", name, x.StatusCode)
		}
	}
	for range 4 {
		<-w.limits.under
	}
	// A body that does not end, or is too long.
	elsewhere := func(r *http.Request) *http.Request { r.RemoteAddr = "127.0.0.2:1"; return r }
	r := elsewhere(bearer("POST", "/api/v1/scans", "", token))
	r.Body, r.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader(`{`), failing{})), -1
	if x, _ := w.ask(r); x.StatusCode != 400 {
		t.Errorf("a body that breaks off: %d", x.StatusCode)
	}
	r = elsewhere(bearer("POST", "/api/v1/scans", strings.Repeat(" ", longestBody+1), token))
	if x, _ := w.ask(r); x.StatusCode != 413 {
		t.Errorf("a body that is too long: %d", x.StatusCode)
	}
	r = elsewhere(bearer("GET", "/api/v1/me", strings.Repeat(" ", longestBody+1), token))
	if x, _ := w.ask(r); x.StatusCode != 413 {
		t.Errorf("GET with a body that is too long: %d", x.StatusCode)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// One person has so many downloads at once, and no more.
func TestDownloadsAreLimited(t *testing.T) {
	w := closed(t, nil)
	id, token := w.token(config.Operator, time.Time{})
	for range ownDownloads {
		if _, ok := w.limits.downloads.take("token " + id); !ok {
			t.Fatal("there is no place")
		}
	}
	for _, path := range []string{"/api/v1/findings?format=csv", "/api/v1/scans/" + w.scans[len(w.scans)-1] + "/snapshot"} {
		if x, text := w.ask(bearer("GET", path, "", token)); x.StatusCode != 429 || x.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %d %.200s", path, x.StatusCode, text)
		}
	}
	_, other := w.token(config.Operator, time.Time{})
	if x, _ := w.ask(bearer("GET", "/api/v1/findings?format=csv", "", other)); x.StatusCode != 200 {
		t.Errorf("another: %d", x.StatusCode)
	}
	if x, _ := w.ask(bearer("GET", "/api/v1/findings?format=csv&limit=5", "", token)); x.StatusCode != 200 {
		t.Errorf("a page: %d", x.StatusCode)
	}
}

// However many ask whether it is ready, the database is asked once; who goes away meanwhile makes it no less ready.
func TestReadyIsShared(t *testing.T) {
	var asked atomic.Int64
	w := build(t, func(o *Options) {
		o.Ready = func(ctx context.Context) error { asked.Add(1); return ctx.Err() }
	})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if x, _ := w.ask(request("GET", "/readyz", "").WithContext(gone)); x.StatusCode != 200 {
		t.Errorf("%d", x.StatusCode)
	}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { w.get("/readyz", 200) })
	}
	all.Wait()
	if n := asked.Load(); n > 10 { // one a second, on a slow machine
		t.Errorf("it was asked %d times", n)
	}
}

// Cookies that there are not cost the database no more than the limit of their address.
func TestUnknownCookies(t *testing.T) {
	w := closed(t, func(o *Options) { o.Settings.Limits = config.Limits{RequestsPerSecond: 1} })
	ask := func() int {
		r := request("GET", "/api/v1/me", "")
		r.AddCookie(&http.Cookie{Name: "scanner-session", Value: strings.Repeat("A", 43)})
		x, _ := w.ask(r)
		return x.StatusCode
	}
	for range 2 {
		if got := ask(); got != 401 {
			t.Fatal(got)
		}
	}
	w.store.Close()
	if got := ask(); got != 429 {
		t.Errorf("once it has asked often enough: %d", got)
	}
}

// Of IPv6 a network is one address: everybody there has as many as they like.
func TestNetworks(t *testing.T) {
	w := closed(t, func(o *Options) {
		o.Settings.PublicURL = "https://scanner.example.com"
		o.Settings.Proxies = []config.Prefix{{Prefix: netip.MustParsePrefix("10.0.0.0/8")}}
	})
	ask := func(from string) int {
		r := bearer("GET", "/api/v1/me", "", "scanner_wrong")
		r.Host, r.RemoteAddr = "scanner.example.com", "10.0.0.1:1"
		r.Header.Set("X-Forwarded-Proto", "https")
		r.Header.Set("X-Forwarded-For", from)
		x, _ := w.ask(r)
		return x.StatusCode
	}
	last := 0
	for i := range 11 {
		last = ask(fmt.Sprintf("2001:db8::%x", i+1))
	}
	if last != 429 {
		t.Errorf("eleven wrong tokens from a network: %d", last)
	}
	if got := ask("2001:db8:0:1::1"); got != 401 {
		t.Errorf("from another one: %d", got)
	}
	for header, want := range map[string]string{"192.0.2.7:4711": "192.0.2.7", "[2001:db8::1]:4711": "2001:db8::1", "fe80::1%<script>": "fe80::1"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = "10.0.0.1:1"
		r.Header.Set("X-Forwarded-For", header)
		if got := w.client(r).String(); got != want {
			t.Errorf("X-Forwarded-For %s is %s", header, got)
		}
	}
}

// A disk that is full keeps nobody out who only looks.
func TestFullDisk(t *testing.T) {
	w := closed(t, nil)
	_, token := w.token(config.Admin, time.Time{})
	for _, table := range []string{"tokens", "audit", "sessions"} {
		for _, change := range []string{"INSERT", "UPDATE"} {
			if _, err := w.store.DB.Exec(fmt.Sprintf("CREATE TRIGGER full_%s_%s BEFORE %[2]s ON %[1]s BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END", table, change)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, path := range []string{"/api/v1/findings", "/metrics", "/", "/audit"} {
		if x, text := w.ask(bearer("GET", path, "", token)); x.StatusCode != 200 {
			t.Errorf("GET %s: %d %.200s", path, x.StatusCode, text)
		}
	}
	if x, _ := w.ask(bearer("GET", "/api/v1/me", "", "scanner_wrong")); x.StatusCode != 401 {
		t.Errorf("a wrong token: %d", x.StatusCode)
	}
	before := len(w.started)
	if x, text := w.ask(bearer("POST", "/api/v1/scans", `{"stream":"production"}`, token)); x.StatusCode != 500 || len(w.started) != before || strings.Contains(text, "disk") {
		t.Errorf("a scan: %d %s", x.StatusCode, text)
	}
	if x, text := w.ask(form("/login", url.Values{"token": {token}}, nil)); x.StatusCode != 500 || len(x.Cookies()) > 0 || strings.Contains(text, "disk") {
		t.Errorf("signing in: %d %v", x.StatusCode, x.Cookies())
	}
}

// Who waits for sums that somebody else makes waits no longer than for anything else.
func TestSumsOfLargeStore(t *testing.T) {
	w := build(t, nil)
	if _, err := w.sums.get(t.Context(), "production"); err != nil {
		t.Fatal(err)
	}
	w.sums.of["production"].turn <- struct{}{} // somebody makes them
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got := make(chan error, 1)
	go func() { _, err := w.sums.get(ctx, "production"); got <- err }()
	select {
	case err := <-got:
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it waits on")
	}
}

// A cookie for people who come by https never goes by http, whoever ends TLS.
func TestSecureCookie(t *testing.T) {
	w := closed(t, func(o *Options) { o.Settings.PublicURL = "https://scanner.example.com" }) // by a proxy on this machine
	_, token := w.token(config.Viewer, time.Time{})
	r := form("/login", url.Values{"token": {token}}, nil)
	r.Host = "scanner.example.com"
	x, _ := w.ask(r)
	if len(x.Cookies()) != 1 || !x.Cookies()[0].Secure || x.Cookies()[0].Name != "__Host-scanner-session" || x.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("%d %v", x.StatusCode, x.Cookies())
	}
}

// So many words are looked for, and no more: each is looked for in each finding.
func TestManyWords(t *testing.T) {
	w := build(t, nil)
	for words, want := range map[string]int{strings.Repeat("a ", 10): 200, strings.Repeat("a ", 11): 400, strings.Repeat("%5F%25", 30): 200} {
		for _, path := range []string{"/findings?q=", "/api/v1/findings?q="} {
			w.get(path+strings.ReplaceAll(words, " ", "+"), want)
		}
	}
}

// Who has not signed in learns neither the version nor what else there is.
func TestNobodyLearns(t *testing.T) {
	w := closed(t, nil)
	for _, path := range []string{"/login", "/nothing", "/healthz", "/api/v1/me", "/static/x"} {
		if _, text := w.ask(request("GET", path, "")); strings.Contains(text, "1.2.3") {
			t.Errorf("GET %s tells the version: %s", path, text)
		}
	}
	_, token := w.token(config.Viewer, time.Time{})
	if _, text := w.ask(bearer("GET", "/", "", token)); !strings.Contains(text, "scanner 1.2.3.") {
		t.Error("who has signed in is not told the version")
	}
}

// Cursors are numbers and names: whatever else they are, no page and no error tells anything of the database.
func TestCursors(t *testing.T) {
	w := build(t, nil)
	for _, cursor := range []string{"x", ".", "..", "9.", "-1.x.y", "99.x.y", "5.' OR 1=1 --.production", "99999999999999999999.a.b", "-9223372036854775808", "9223372036854775808", "0", "1 OR 1=1"} {
		for _, path := range []string{"/api/v1/findings", "/api/v1/events", "/api/v1/scans", "/findings", "/scans"} {
			x, text := w.ask(request("GET", path+"?after="+url.QueryEscape(cursor), ""))
			if x.StatusCode != 200 && x.StatusCode != 400 || strings.Contains(strings.ToLower(text), "sql") {
				t.Errorf("%s after %s: %d %.300s", path, cursor, x.StatusCode, text)
			}
		}
	}
	for _, q := range []string{`' OR 1=1 --`, `%`, `_`, `\`, `\%`, `%' ESCAPE '!`, `"`} {
		for _, name := range []string{"q", "rule", "service", "account", "region", "owner", "stream"} {
			x, text := w.ask(request("GET", "/api/v1/findings?"+url.Values{name: {q}}.Encode(), ""))
			if x.StatusCode != 200 || !strings.Contains(text, `"items":[]`) {
				t.Errorf("%s=%s: %d %.200s", name, q, x.StatusCode, text)
			}
		}
	}
}
