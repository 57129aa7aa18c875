package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"awsscanner/internal/config"
	"awsscanner/internal/secret"
)

// A provider lets people in, as the standard says it.
type provider struct {
	testing.TB
	*httptest.Server
	key *ecdsa.PrivateKey

	mu     sync.Mutex
	codes  map[string]url.Values // what was asked for, by code
	claims map[string]any        // of whoever signs in
	change func(claims map[string]any)
	sign   *ecdsa.PrivateKey // nil for the key that it publishes
	calls  int
}

func newProvider(t testing.TB) *provider {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{TB: t, key: key, codes: map[string]url.Values{}, claims: map[string]any{"sub": "4711", "email": "ada@example.com", "email_verified": true, "groups": []string{"staff", "platform"}}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys", "id_token_signing_alg_values_supported": []string{"ES256"}})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "1", Algorithm: "ES256", Use: "sig"}}})
	})
	mux.HandleFunc("POST /token", p.token)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// authorize is what the page of the provider does once somebody has signed in: it sends them back with a code.
func (p *provider) authorize(address string) string {
	p.Helper()
	u, err := url.Parse(address)
	if err != nil || !strings.HasPrefix(address, p.URL+"/authorize?") {
		p.Fatalf("the browser is sent to %s", address)
	}
	q := u.Query()
	if q.Get("response_type") != "code" || q.Get("client_id") != "scanner" || q.Get("code_challenge_method") != "S256" || q.Get("state") == "" || q.Get("nonce") == "" || !strings.Contains(q.Get("scope"), "openid") || q.Get("client_secret") != "" {
		p.Fatalf("asked for %v", q)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	code := "code-" + strings.Repeat("x", p.calls)
	p.codes[code] = q
	return q.Get("redirect_uri") + "?" + url.Values{"code": {code}, "state": {q.Get("state")}}.Encode()
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id, password, _ := r.BasicAuth()
	q, known := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if id != "scanner" || password != "open-sesame" || !known || base64.RawURLEncoding.EncodeToString(sum[:]) != q.Get("code_challenge") || r.PostFormValue("redirect_uri") != q.Get("redirect_uri") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		w.Write([]byte(`{"error":"invalid_grant","error_description":"never-to-be-logged"}`))
		return
	}
	claims := map[string]any{"iss": p.URL, "aud": "scanner", "nonce": q.Get("nonce"), "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix()}
	for k, v := range p.claims {
		claims[k] = v
	}
	if p.change != nil {
		p.change(claims)
	}
	key := p.key
	if p.sign != nil {
		key = p.sign
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "1"}}, nil)
	if err != nil {
		p.Error(err)
	}
	text, _ := json.Marshal(claims)
	signed, err := signer.Sign(text)
	if err != nil {
		p.Error(err)
	}
	raw, _ := signed.CompactSerialize()
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"access_token": "access-sesame", "token_type": "Bearer", "id_token": raw})
}

// open makes a world that people enter by a provider.
func (p *provider) open(change func(*Options)) *world {
	p.Helper()
	return closed(p.TB, func(o *Options) {
		o.Settings.PublicURL = "http://127.0.0.1:8080"
		o.Settings.OIDC = config.OIDC{Issuer: config.Origin(p.URL), ClientID: "scanner", Roles: map[config.Role][]string{config.Viewer: {"staff"}, config.Operator: {"platform"}, config.Admin: {"security"}}}
		if err := o.Settings.OIDC.ClientSecret.UnmarshalText([]byte("env:OIDC_SECRET")); err != nil {
			p.Fatal(err)
		}
		o.Secrets = &secret.Reader{Getenv: func(string) string { return "open-sesame" }}
		if change != nil {
			change(o)
		}
	})
}

// jar is what a browser keeps of an answer.
func jar(r *http.Request, cookies []*http.Cookie) *http.Request {
	for _, c := range cookies {
		if c.MaxAge >= 0 {
			r.AddCookie(c)
		}
	}
	return r
}

// leave begins to sign in, and returns what the provider sends back and what the browser keeps.
func (w *world) leaveFor(p *provider, next string) (back string, cookies []*http.Cookie) {
	w.Helper()
	x, text := w.ask(request("GET", "/login/oidc?"+url.Values{"next": {next}}.Encode(), ""))
	if x.StatusCode != 303 {
		w.Fatalf("leaving: %d %.300s", x.StatusCode, text)
	}
	u, err := url.Parse(p.authorize(x.Header.Get("Location")))
	if err != nil || u.Path != "/login/callback" {
		w.Fatal(u, err)
	}
	return u.RequestURI(), x.Cookies()
}

func TestOIDC(t *testing.T) {
	p := newProvider(t)
	w := p.open(nil)
	if page := w.get("/login?next=/scans", 200); !strings.Contains(page, `href="/login/oidc?next=%2Fscans"`) {
		t.Errorf("the page does not lead to the provider: %s", page)
	}
	back, cookies := w.leaveFor(p, "/scans")
	if c := cookies[0]; !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 600 {
		t.Errorf("%+v", c)
	}
	x, text := w.ask(jar(request("GET", back, ""), cookies))
	if x.StatusCode != 303 || x.Header.Get("Location") != "/scans" {
		t.Fatalf("coming back: %d %.500s", x.StatusCode, text)
	}
	_, text = w.ask(jar(request("GET", "/api/v1/me", ""), x.Cookies()))
	if text != `{"name":"ada@example.com","role":"operator"}`+"\n" {
		t.Errorf("signed in as %s", text)
	}
	all, err := w.store.Actions(t.Context(), 0, 1)
	if err != nil || all[0].Action != "sign-in" || all[0].Actor != "ada@example.com" || all[0].Outcome != "done" {
		t.Errorf("%+v %v", all, err)
	}
	// What was used once is used up.
	if x, _ := w.ask(jar(request("GET", back, ""), cookies)); x.StatusCode != 403 {
		t.Errorf("a second time: %d", x.StatusCode)
	}
}

// What does not come from the provider, for this browser and now, lets nobody in.
func TestOIDCRefuses(t *testing.T) {
	p := newProvider(t)
	w := p.open(nil)
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		change  func(claims map[string]any)
		back    func(string) string
		without bool // cookie
		sign    *ecdsa.PrivateKey
		want    int
	}{
		"of another issuer":   {change: func(c map[string]any) { c["iss"] = "https://evil.example" }, want: 403},
		"for another client":  {change: func(c map[string]any) { c["aud"] = "other" }, want: 403},
		"over":                {change: func(c map[string]any) { c["exp"] = now.Add(-time.Minute).Unix() }, want: 403},
		"for another sign-in": {change: func(c map[string]any) { c["nonce"] = "other" }, want: 403},
		"without nonce":       {change: func(c map[string]any) { delete(c, "nonce") }, want: 403},
		"signed by another":   {sign: other, want: 403},
		"no groups":           {change: func(c map[string]any) { delete(c, "groups") }, want: 403},
		"other groups":        {change: func(c map[string]any) { c["groups"] = []string{"guests", "*"} }, want: 403},
		"a name of two lines": {change: func(c map[string]any) { c["email"] = "a\nb" }, want: 403},
		"begun nowhere":       {without: true, want: 400},
		"another state":       {back: func(b string) string { return strings.Replace(b, "state=", "state=x", 1) }, want: 400},
		"no state":            {back: func(b string) string { b, _, _ = strings.Cut(b, "&state="); return b }, want: 400},
		"another code":        {back: func(b string) string { return strings.Replace(b, "code=", "code=x", 1) }, want: 403},
		"an error":            {back: func(b string) string { return strings.Replace(b, "code=", "error=access_denied&x=", 1) }, want: 403},
	} {
		p.change, p.sign = c.change, c.sign
		back, cookies := w.leaveFor(p, "/")
		if c.back != nil {
			back = c.back(back)
		}
		if c.without {
			cookies = nil
		}
		x, text := w.ask(jar(request("GET", back, ""), cookies))
		if x.StatusCode != c.want {
			t.Errorf("%s: %d, want %d: %.300s", what, x.StatusCode, c.want, text)
		}
		for _, cookie := range x.Cookies() {
			if strings.HasSuffix(cookie.Name, "session") {
				t.Errorf("%s: there is a session", what)
			}
		}
	}
	for _, never := range []string{"open-sesame", "access-sesame", "never-to-be-logged", "code-x", "code_verifier"} {
		if strings.Contains(w.log.String(), never) {
			t.Errorf("the log tells %s", never)
		}
	}
}

// Names and groups are where settings say they are; an address that nobody has confirmed is no name.
func TestOIDCClaims(t *testing.T) {
	p := newProvider(t)
	for what, c := range map[string]struct {
		claims map[string]any
		set    func(*config.OIDC)
		want   string
	}{
		"admin":         {map[string]any{"groups": []string{"staff", "security"}}, nil, "ada@example.com admin"},
		"one group":     {map[string]any{"groups": "staff"}, nil, "ada@example.com viewer"},
		"not confirmed": {map[string]any{"email_verified": false}, nil, "4711 operator"},
		"another name":  {map[string]any{"preferred_username": "ada"}, func(o *config.OIDC) { o.NameClaim = "preferred_username" }, "ada operator"},
		"another claim": {map[string]any{"roles": []string{"security"}}, func(o *config.OIDC) { o.RolesClaim = "roles" }, "ada@example.com admin"},
		"everybody":     {map[string]any{"groups": nil}, func(o *config.OIDC) { o.Roles = map[config.Role][]string{config.Viewer: {"*"}} }, "ada@example.com viewer"},
	} {
		w := p.open(func(o *Options) {
			if c.set != nil {
				c.set(&o.Settings.OIDC)
			}
		})
		p.change = func(claims map[string]any) {
			for k, v := range c.claims {
				claims[k] = v
			}
		}
		back, cookies := w.leaveFor(p, "")
		x, text := w.ask(jar(request("GET", back, ""), cookies))
		if x.StatusCode != 303 {
			t.Errorf("%s: %d %.300s", what, x.StatusCode, text)
			continue
		}
		_, text = w.ask(jar(request("GET", "/api/v1/me", ""), x.Cookies()))
		var who me
		if json.Unmarshal([]byte(text), &who); who.Name+" "+who.Role.String() != c.want {
			t.Errorf("%s: %s", what, text)
		}
	}
}

// A provider that is away keeps the server from nothing but signing in by it.
func TestOIDCAway(t *testing.T) {
	p := newProvider(t)
	p.Close()
	w := p.open(nil)
	if x, text := w.ask(request("GET", "/login/oidc", "")); x.StatusCode != 502 || strings.Contains(text, "dial") {
		t.Errorf("%d %s", x.StatusCode, text)
	}
	_, token := w.token(config.Viewer, time.Time{})
	if x, _ := w.ask(bearer("GET", "/api/v1/me", "", token)); x.StatusCode != 200 {
		t.Errorf("a token: %d", x.StatusCode)
	}
}
