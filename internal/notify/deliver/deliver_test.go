package deliver

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"awsscanner/internal/engine"
	"awsscanner/internal/notify"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// hostile is what somebody might call a resource.
const hostile = "<!channel> <https://evil.example|click> & @here\r\nBcc: evil@example.com </td><script>alert(1)</script> {{DATE(2026-01-01T00:00:00Z)}} \u202e **b** [x](https://evil.example) `"

func finding(i int, event notify.Event, severity engine.Severity) notify.Finding {
	return notify.Finding{Event: event, Identity: fmt.Sprintf("%032x", i), Fingerprint: fmt.Sprintf("%032x", i), Severity: severity, Owner: "shop", Message: notify.Line("lets everybody in "+hostile, 1000), Since: now, ChangedBy: "role ci", Ticket: "SHOP-1",
		Link:     "https://scanner.example.com/findings/1?stream=a&b=c",
		Resource: notify.Resource{Kind: "AWS::S3::Bucket", ID: "data", ARN: "arn:aws:s3:::data", Name: notify.Line(hostile, 200), Account: "111122223333", Region: "eu-west-1"}}
}

// message makes one about so many findings.
func message(n int, event notify.Event, severity engine.Severity) *notify.Message {
	m := &notify.Message{ID: notify.Key("m", fmt.Sprint(n), string(event)), Kind: notify.OfFindings, Created: now, Stream: "prod", Scan: &notify.ScanRef{ID: "00112233aabbccdd", Started: now}, Account: "111122223333", FixKey: "s3-x",
		Rule: &notify.Rule{ID: "s3-x", Title: "Buckets are <closed>", Pillars: []engine.Pillar{engine.Security}, Harm: "Everybody reads it & more.", Fix: "Close it.", Breaks: "Whoever reads it."}, Link: "https://scanner.example.com/scans/1"}
	for i := range n {
		m.Findings = append(m.Findings, finding(i, event, severity))
	}
	m.Finish()
	return m
}

// large is a message that grows wherever its texts are escaped, or listed for people.
func large() *notify.Message {
	m := message(50, notify.New, engine.Medium)
	for i := range m.Findings {
		f := &m.Findings[i]
		f.Message, f.Resource.ID, f.Resource.ARN = strings.Repeat(`"`, 1000), strings.Repeat(`"`, 500), ""
	}
	m.Finish()
	return m
}

// messages is one of each kind.
func messages() []*notify.Message {
	groups := []notify.Group{{Rule: "s3-x", Title: "Buckets are closed", Severity: engine.High, Account: "111122223333", Owner: "shop", Resources: 3, Events: map[notify.Event]int{notify.New: 3}}}
	first := &notify.Message{ID: notify.Key("first"), Kind: notify.OfFirstScan, Created: now, Stream: "prod", Scan: &notify.ScanRef{ID: "1", Started: now}, Failures: map[string]int{"high": 3}, Groups: groups, Coverage: &notify.Coverage{Cells: 10, Assessed: 9}}
	newly := &notify.Message{ID: notify.Key("newly"), Kind: notify.OfNewlyAssessed, Created: now, Stream: "prod", Scan: &notify.ScanRef{ID: "1", Started: now}, Failures: map[string]int{"high": 3}, Groups: groups}
	storm := &notify.Message{ID: notify.Key("storm"), Kind: notify.OfStorm, Created: now, Stream: "prod", Scan: &notify.ScanRef{ID: "1", Started: now}, Events: map[notify.Event]int{notify.New: 300}}
	for i := range 40 {
		g := groups[0]
		g.Account = fmt.Sprintf("%012d", i)
		storm.Groups = append(storm.Groups, g)
	}
	old, waived := finding(1, "", engine.Critical), finding(2, "", engine.High)
	waived.WaivedUntil = "2026-01-10"
	digest := &notify.Message{ID: notify.Key("digest"), Kind: notify.OfDigest, Created: now, Severity: engine.Critical, Digest: &notify.DigestOf{Owner: "shop", From: now.AddDate(0, 0, -7), To: now, Opened: map[string]int{"high": 1},
		Fixed: map[string]int{}, Regressed: map[string]int{}, Open: map[string]int{"critical": 1, "high": 2}, Unseen: 1, OldestCritical: &old, WaiversDue: []notify.Finding{waived}, WasteUSD: 12.5}}
	all := []*notify.Message{first, newly, storm, digest}
	for _, m := range all {
		m.Finish()
	}
	return append(all, large(), message(1, notify.New, engine.Critical), message(30, notify.Regressed, engine.High), message(2000, notify.New, engine.Medium), message(1, notify.Fixed, engine.Low), notify.Test(now))
}

// A request is what a server got.
type request struct {
	path   string
	header http.Header
	body   []byte
}

// A server notes what it gets, and answers as it is told.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	got    []request
	answer func(http.ResponseWriter, *http.Request)
}

func newServer(t *testing.T) *server {
	s := &server{answer: func(http.ResponseWriter, *http.Request) {}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.got = append(s.got, request{r.URL.Path, r.Header, body})
		s.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func deliverer(config *notify.Config) *Deliverer {
	return &Deliverer{Config: config, Version: "1.2.3", Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }}
}

// send sends a message and returns what the server got.
func (s *server) send(t *testing.T, ch *notify.Channel, m *notify.Message) request {
	t.Helper()
	before := len(s.got)
	if err := deliverer(&notify.Config{}).Send(t.Context(), ch, m); err != nil {
		t.Fatalf("%s of %s: %v", m.Kind, ch.Type, err)
	}
	if len(s.got) == before {
		t.Fatalf("%s: nothing was sent", ch.Type)
	}
	return s.got[len(s.got)-1]
}

// texts collects all texts of a JSON value, by the key under which they stand.
func texts(v any, key string, do func(key, text string)) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			texts(x, k, do)
		}
	case []any:
		for _, x := range v {
			texts(x, key, do)
		}
	case string:
		do(key, v)
	}
}

func decode(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v: %.300s", err, text)
	}
	return v
}

// Messages of Slack keep to its limits, and nobody is mentioned or sent elsewhere by the name of a resource.
func TestSlack(t *testing.T) {
	s := newServer(t)
	t.Setenv("SLACK", s.URL+"/services/T0/B0/secret")
	ch := &notify.Channel{Name: "chat", Type: notify.Slack, URL: "env:SLACK"}
	for _, m := range messages() {
		r := s.send(t, ch, m)
		if r.path != "/services/T0/B0/secret" || r.header.Get("User-Agent") != "scanner/1.2.3" || r.header.Get("Content-Type") != "application/json" {
			t.Errorf("%+v", r)
		}
		v := decode(t, r.body)
		blocks := v["blocks"].([]any)
		total := 0
		for _, b := range blocks {
			block := b.(map[string]any)
			most := 3000
			if block["type"] == "header" {
				most = 150
			}
			texts(block, "", func(key, text string) {
				if key != "text" {
					return
				}
				if n := utf8.RuneCountInString(text); n > most || n == 0 {
					t.Errorf("%s: a text of a %s has %d characters", m.Kind, block["type"], n)
				}
				total += utf8.RuneCountInString(text)
				if block["type"] == "header" { // which is plain text
					return
				}
				rest := strings.NewReplacer("&amp;", "", "&lt;", "", "&gt;", "", "|Open in the dashboard>", "", "<https://scanner.example.com/", "").Replace(text)
				if strings.ContainsAny(rest, "<>") || strings.Contains(strings.ReplaceAll(rest, "&b=c", ""), "&") && !strings.Contains(text, "…") {
					t.Errorf("%s: %s", m.Kind, text)
				}
			})
		}
		if len(blocks) < 2 || len(blocks) > 50 || total > 13000 {
			t.Errorf("%s: %d blocks, %d characters", m.Kind, len(blocks), total)
		}
		if m.Kind == notify.OfFindings && len(m.Findings) == 1 && m.Findings[0].Event == notify.New {
			for _, want := range []string{"*Harm:* Everybody reads it &amp; more.", "*Fix:* Close it.", "*May break:* Whoever reads it.", "*Owner:* shop", "*Changed by:* role ci", "*Ticket:* SHOP-1", "*Since:* 2026-01-02 03:04 UTC", "&lt;!channel&gt;",
				"<https://scanner.example.com/findings/1?stream=a&amp;b=c|Open in the dashboard>", ":red_circle: critical"} {
				if !strings.Contains(string(r.body), strings.Trim(string(encode(want)), `"`)) {
					t.Errorf("there is no %q in %s", want, r.body)
				}
			}
		}
	}
}

// Cards are of a size that Teams takes, and show text as it is.
func TestTeams(t *testing.T) {
	s := newServer(t)
	s.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }
	t.Setenv("TEAMS", s.URL)
	for _, m := range messages() {
		r := s.send(t, &notify.Channel{Name: "teams", Type: notify.Teams, URL: "env:TEAMS"}, m)
		v := decode(t, r.body)
		attachment := v["attachments"].([]any)[0].(map[string]any)
		card := attachment["content"].(map[string]any)
		if v["type"] != "message" || attachment["contentType"] != "application/vnd.microsoft.card.adaptive" || card["type"] != "AdaptiveCard" || len(r.body) > 28<<10 {
			t.Errorf("%s: %d bytes: %.300s", m.Kind, len(r.body), r.body)
		}
		for _, b := range card["body"].([]any) {
			if b.(map[string]any)["type"] != "RichTextBlock" { // a TextBlock reads Markdown
				t.Errorf("%s: %v", m.Kind, b)
			}
		}
		if strings.Contains(string(r.body), "{{") {
			t.Errorf("%s: a date would be filled in", m.Kind)
		}
	}
}

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile("../../../docs/notification.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("notification.json", v); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile("notification.json")
}

func valid(t *testing.T, schema *jsonschema.Schema, text []byte) {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err == nil {
		err = schema.Validate(v)
	}
	if err != nil {
		t.Errorf("%v: %.500s", err, text)
	}
}

// A webhook gets what docs/notification.schema.json says, signed as docs/notifications.md says.
func TestWebhook(t *testing.T) {
	s, schema := newServer(t), compile(t)
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ch := &notify.Channel{Name: "hook", Type: notify.Webhook, URL: notify.Address(s.URL + "/hook"), Secret: notify.Secret("file:" + file)}
	for _, m := range messages() {
		r := s.send(t, ch, m)
		valid(t, schema, r.body)
		h := hmac.New(sha256.New, []byte("sesame"))
		fmt.Fprintf(h, "%d.%s", now.Unix(), r.body)
		if got, want := r.header.Get("X-Scanner-Signature"), "sha256="+hex.EncodeToString(h.Sum(nil)); got != want || r.header.Get("X-Scanner-Timestamp") != fmt.Sprint(now.Unix()) || r.header.Get("X-Scanner-Id") != m.ID {
			t.Errorf("%s: %v, want %s", m.Kind, r.header, want)
		}
	}
	bad := decode(t, s.got[0].body)
	bad["surplus"] = 1
	if v, err := jsonschema.UnmarshalJSON(bytes.NewReader(encode(bad))); err != nil || schema.Validate(v) == nil {
		t.Error("the schema takes anything")
	}
}

func TestPagerDuty(t *testing.T) {
	s := newServer(t)
	s.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }
	t.Setenv("PD", "0123456789abcdef0123456789abcdef")
	ch := &notify.Channel{Name: "pager", Type: notify.PagerDuty, Key: "env:PD", URL: notify.Address(s.URL)}
	for _, m := range messages() {
		before := len(s.got)
		v := decode(t, s.send(t, ch, m).body)
		if v["routing_key"] != "0123456789abcdef0123456789abcdef" || len(v["dedup_key"].(string)) != 32 {
			t.Errorf("%v", v)
		}
		payload, _ := v["payload"].(map[string]any)
		switch {
		case m.Kind == notify.OfTest:
			first := decode(t, s.got[before].body)
			if v["event_action"] != "resolve" || first["event_action"] != "trigger" || first["dedup_key"] != v["dedup_key"] || first["payload"].(map[string]any)["severity"] != "info" {
				t.Errorf("a test: %v %v", first, v)
			}
		case m.Kind == notify.OfFindings && m.Findings[0].Event == notify.Fixed:
			if v["event_action"] != "resolve" || v["dedup_key"] != m.Findings[0].Identity || payload != nil {
				t.Errorf("what is fixed: %v", v)
			}
		case m.Kind == notify.OfFindings:
			if v["event_action"] != "trigger" || v["dedup_key"] != m.Findings[0].Identity || payload["source"] != notify.Line(cmp.Or(m.Findings[0].Resource.ARN, m.Findings[0].Resource.ID), 255) || payload["class"] != "s3-x" || payload["group"] != "111122223333" ||
				payload["severity"] != map[engine.Severity]string{engine.Critical: "critical", engine.High: "error", engine.Medium: "warning"}[m.Severity] || utf8.RuneCountInString(payload["summary"].(string)) > 1024 {
				t.Errorf("a finding: %.1000v", v)
			}
		default:
			if v["event_action"] != "trigger" || v["dedup_key"] != m.ID || payload["source"] == "" {
				t.Errorf("%s: %v", m.Kind, v)
			}
		}
	}
}

// What a receiver answers says whether to send again. No error tells a secret.
func TestAnswers(t *testing.T) {
	s := newServer(t)
	const secret = "T0SECRETB0"
	t.Setenv("HOOK", s.URL+"/"+secret)
	ch := &notify.Channel{Name: "chat", Type: notify.Slack, URL: "env:HOOK"}
	for _, c := range []struct {
		code  int
		after string
		body  string
		want  string // "" for taken, then what the error is
	}{
		{200, "", "ok", ""},
		{202, "", "", ""},
		{400, "", "invalid_blocks", "rejected: the receiver answers 400: invalid_blocks"},
		{413, "", "", "rejected: the receiver answers 413"},
		{422, "", "<html>", "rejected: the receiver answers 422"},
		{401, "", "", "again: the receiver answers 401"},
		{403, "", "token " + secret + " is wrong", "again: the receiver answers 403: token *** is wrong"},
		{404, "", "no_service\n\x1b[31m", "again: the receiver answers 404: no_service [31m"},
		{429, "7", "", "pause 7s: the receiver answers 429"},
		{503, "Fri, 02 Jan 2026 03:05:05 GMT", "", "pause 1m0s: the receiver answers 503"},
		{500, "0", "", "again: the receiver answers 500"},
		{500, "soon", strings.Repeat("x", 9000), "again: the receiver answers 500: " + strings.Repeat("x", 199) + "…"},
		{302, "", "", "again: the receiver answers 302: it sends elsewhere, which is not followed: set the address to the new one"},
	} {
		s.answer = func(w http.ResponseWriter, r *http.Request) {
			if c.after != "" {
				w.Header().Set("Retry-After", c.after)
			}
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(c.code)
			io.WriteString(w, c.body)
		}
		err := deliverer(&notify.Config{}).Send(t.Context(), ch, notify.Test(now))
		got := ""
		var rejected *notify.Rejection
		var pause *notify.Pause
		switch {
		case errors.As(err, &rejected):
			got = "rejected: " + err.Error()
		case errors.As(err, &pause):
			got = fmt.Sprintf("pause %s: %s", pause.For, err)
		case err != nil:
			got = "again: " + err.Error()
		}
		if got != c.want {
			t.Errorf("%d: %q, want %q", c.code, got, c.want)
		}
	}
	for _, r := range s.got {
		if r.path == "/elsewhere" {
			t.Error("a redirection is followed")
		}
	}
	s.Close()
	if err := deliverer(&notify.Config{}).Send(t.Context(), ch, notify.Test(now)); err == nil || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), "the receiver cannot be reached: ") {
		t.Errorf("nobody is there: %v", err)
	}
}

// Secrets are read when they are needed, and what is wrong with one is told without it.
func TestSecrets(t *testing.T) {
	s := newServer(t)
	dir := t.TempDir()
	t.Setenv("EMPTY", " \n")
	t.Setenv("PLAIN", "http://hook.example/sesame")
	t.Setenv("GARBAGE", "sesame sesame")
	t.Setenv("KEY", "sesame")
	for _, c := range []struct {
		ch   notify.Channel
		want string
	}{
		{notify.Channel{Type: notify.Slack, URL: "env:NOTHING"}, "the secret env:NOTHING cannot be read: there is nothing"},
		{notify.Channel{Type: notify.Slack, URL: "env:EMPTY"}, "the secret env:EMPTY cannot be read: there is nothing"},
		{notify.Channel{Type: notify.Slack, URL: notify.Address("file:" + dir + "/none")}, "the secret file:" + dir + "/none cannot be read: no such file or directory"},
		{notify.Channel{Type: notify.Slack, URL: "env:PLAIN"}, "the address that env:PLAIN tells cannot be used: it is not encrypted: use https"},
		{notify.Channel{Type: notify.Slack, URL: "env:GARBAGE"}, "the address that env:GARBAGE tells cannot be used: it is no address: write https://HOST/PATH"},
	} {
		err := deliverer(&notify.Config{}).Send(t.Context(), &c.ch, notify.Test(now))
		if err == nil || err.Error() != c.want || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	s.answer = func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(500)
		io.WriteString(w, "your key is sesame")
	}
	err := deliverer(&notify.Config{}).Send(t.Context(), &notify.Channel{Type: notify.Webhook, URL: notify.Address(s.URL), Secret: "env:KEY"}, notify.Test(now))
	if err == nil || err.Error() != "the receiver answers 500: your key is ***" {
		t.Errorf("an answer that repeats a secret: %v", err)
	}
}

func TestSecurityHub(t *testing.T) {
	d := deliverer(&notify.Config{})
	ch := &notify.Channel{Name: "hub", Type: notify.SecurityHub}
	scan := &notify.Message{Kind: notify.OfScan, Scan: &notify.ScanRef{ID: "s1"}}
	if err := d.Send(t.Context(), ch, scan); err == nil || err.Error() != "this process cannot publish to Security Hub" {
		t.Error(err)
	}
	got := ""
	d.SecurityHub = func(_ context.Context, _ *notify.Channel, scan string) error { got = scan; return nil }
	if err := d.Send(t.Context(), ch, scan); err != nil || got != "s1" {
		t.Error(got, err)
	}
	var rejected *notify.Rejection
	if err := d.Send(t.Context(), ch, message(1, notify.New, engine.High)); !errors.As(err, &rejected) {
		t.Error(err)
	}
}
