package server

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"awsscanner/internal/config"
	"awsscanner/internal/store"
)

// Whatever is asked for, nothing that lets anybody in anywhere is told: not by answers, nor by pages, nor by the log.
func TestNoSecrets(t *testing.T) {
	p := newProvider(t)
	w := p.open(nil)
	_, admin := w.token(config.Admin, time.Time{})
	secrets := map[string]string{"a token": strings.SplitN(admin, "_", 3)[2], "the client secret": "open-sesame", "the access token": "access-sesame", "settings of a scan": "never to be shown"}
	var texts strings.Builder
	see := func(r *http.Request) *http.Response {
		t.Helper()
		x, text := w.ask(r)
		texts.WriteString(text)
		for name, values := range x.Header {
			if name != "Set-Cookie" && name != "Location" {
				texts.WriteString(strings.Join(values, "\n"))
			}
		}
		return x
	}
	back, cookies := w.leaveFor(p, "/")
	secrets["the journey"] = cookies[0].Value
	u, err := url.Parse(back)
	if err != nil {
		t.Fatal(err)
	}
	secrets["the code"], secrets["the state"] = u.Query().Get("code"), u.Query().Get("state")
	x := see(jar(request("GET", back, ""), cookies))
	secrets["a session"] = x.Cookies()[len(x.Cookies())-1].Value
	cookies, field := w.enter(admin)
	secrets["another session"] = cookies[0].Value
	made := see(bearer("POST", "/api/v1/tokens", `{"name":"x","role":"viewer"}`, admin))
	texts.Reset() // the only answer that tells a token
	if made.StatusCode != 201 {
		t.Fatal(made.StatusCode)
	}
	begun := store.NewID()
	if err := w.store.Begin(t.Context(), store.Scan{ID: begun, Stream: "production", Created: now, Settings: json.RawMessage(`{"externalId":"never to be shown"}`)}); err != nil {
		t.Fatal(err)
	}
	page, _, err := w.store.Findings(t.Context(), store.Filter{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range w.routes {
		for _, id := range []string{w.scans[0], begun, page[0].Finding.Identity, page[0].Finding.Rule, "nothing"} {
			body := ""
			if r.body != nil {
				body = `{"stream":"production"}`
			}
			see(bearer(r.method, strings.ReplaceAll(r.path, "{id}", id), body, admin))
		}
	}
	for _, path := range []string{"/", "/findings", "/findings?by=rule", "/findings/" + page[0].Finding.Identity, "/coverage", "/scans", "/scans/" + w.scans[0], "/scans/" + begun, "/waivers", "/schedules", "/review", "/access", "/audit", "/login", "/nothing"} {
		r := request("GET", path, "")
		r.AddCookie(cookies[0])
		see(r)
	}
	see(form("/access/tokens", url.Values{"name": {"x"}, "role": {"viewer"}, "form": {field}}, cookies)) // it is there already
	see(bearer("GET", "/api/v1/me", "", admin+"x"))
	see(form("/login", url.Values{"token": {admin + "x"}}, nil))
	see(request("GET", "/login/callback?code="+url.QueryEscape(admin)+"&state=x", ""))
	see(form("/logout", url.Values{"form": {field}}, cookies))
	log := w.log.String()
	if len(log) < 10000 || texts.Len() < 100000 {
		t.Fatalf("only %d bytes of log and %d of answers", len(log), texts.Len())
	}
	for what, hidden := range secrets {
		if len(hidden) < 6 {
			t.Fatalf("%s is %q", what, hidden)
		}
		if i := strings.Index(texts.String(), hidden); i >= 0 {
			t.Errorf("answers tell %s: %.200s", what, texts.String()[max(0, i-80):])
		}
		if i := strings.Index(log, hidden); i >= 0 {
			t.Errorf("the log tells %s: %.300s", what, log[max(0, i-200):])
		}
	}
}

// The log tells of each request what is needed to find it, one JSON object a line.
func TestLog(t *testing.T) {
	w := build(t, nil)
	x, _ := w.ask(request("GET", "/api/v1/scans/"+w.scans[0]+"?x=never", ""))
	x2, _ := w.ask(request("POST", "/api/v1/scans", `{"stream":"production"}`))
	found := map[string]map[string]any{}
	for line := range strings.Lines(w.log.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if m["msg"] == "request" {
			found[m["request"].(string)] = m
		}
	}
	a, b := found[x.Header.Get("X-Request-Id")], found[x2.Header.Get("X-Request-Id")]
	if a["path"] != "/api/v1/scans/"+w.scans[0] || a["status"] != 400. || a["who"] != "this machine" || a["address"] != "127.0.0.1" || a["method"] != "GET" {
		t.Errorf("%v", a)
	}
	if id, _ := b["scan"].(string); len(id) != 16 || b["status"] != 202. {
		t.Errorf("%v", b)
	}
	if strings.Contains(w.log.String(), "never\"") || strings.Contains(w.log.String(), "?x=") {
		t.Error("the log tells a query")
	}
}
