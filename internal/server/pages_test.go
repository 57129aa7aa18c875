package server

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"awsscanner/internal/config"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/report"
	"awsscanner/internal/store"
	"awsscanner/rules"
)

// hostile is what somebody may call a bucket; hostileWord is it without what no filter takes.
const (
	hostile     = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'\n\u202e{{.}}"
	hostileWord = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'"
)

type (
	ctx = context.Context
	seq = iter.Seq2[engine.Recorded, error]
)

func of(all ...engine.Recorded) seq {
	return func(yield func(engine.Recorded, error) bool) {
		for _, x := range all {
			if !yield(x, nil) {
				return
			}
		}
	}
}

// parse reads a page, which must keep to the rules that the policy of the browser enforces.
func parse(t testing.TB, path, text string) *html.Node {
	t.Helper()
	n, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for x := range n.Descendants() {
		if x.Type != html.ElementNode {
			continue
		}
		if (x.Data == "script" || x.Data == "style") && x.FirstChild != nil {
			t.Errorf("%s: a %s stands in the page", path, x.Data)
		}
		if x.Data == "iframe" || x.Data == "object" || x.Data == "base" {
			t.Errorf("%s: there is an element %s", path, x.Data)
		}
		method, hidden := "", false
		for _, a := range x.Attr {
			switch {
			case a.Key == "style" || strings.HasPrefix(a.Key, "on"):
				t.Errorf("%s: %s has %s=%q", path, x.Data, a.Key, a.Val)
			case a.Key == "id" && ids[a.Val]:
				t.Errorf("%s: two elements are called %s", path, a.Val)
			case a.Key == "id":
				ids[a.Val] = true
			case a.Key == "method":
				method = a.Val
			case a.Key == "href" || a.Key == "src" || a.Key == "action":
				if !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "#") && !strings.HasPrefix(a.Val, "https://tickets.example/") || strings.HasPrefix(a.Val, "//") {
					t.Errorf("%s: %s leads to %q", path, x.Data, a.Val)
				}
			}
		}
		if x.Data == "form" && method == "post" {
			for y := range x.Descendants() {
				for _, a := range y.Attr {
					hidden = hidden || a.Key == "name" && a.Val == "form"
				}
			}
			if !hidden && path != "/login" {
				t.Errorf("%s: a form holds no token", path)
			}
		}
	}
	return n
}

// Pages say what there is, and keep to the policy.
func TestPages(t *testing.T) {
	w := build(t, func(o *Options) { o.Settings.LocalRole = config.Admin })
	causes(t, w.store)
	begun := store.NewID()
	if err := w.store.Begin(t.Context(), store.Scan{ID: begun, Stream: "production", Created: now}); err != nil {
		t.Fatal(err)
	}
	w.progress = Progress{Phase: "reading", Accounts: 1, AccountsTotal: 4, Calls: 4211}
	regressed, err := w.store.Happenings(t.Context(), store.EventFilter{Types: []store.EventType{store.Regressed}, Limit: 1})
	if err != nil || len(regressed) == 0 {
		t.Fatal(regressed, err)
	}
	for path, want := range map[string][]string{
		"/":         {"critical", "4 accounts", "seen", "Pillars", "Trend", "Time to fix", "What changed lately", "Changed by", "another one is"},
		"/findings": {"Open", "Not assessed", "Waived", "Fixed", "Next 50", "Service"},
		"/findings?severity=high&pillar=security&q=s3": {"Clear", "aria-current"},
		"/findings?q=nobody-has-this-name":             {"No finding matches"},
		"/findings?tab=waived":                         {"waived until"},
		"/findings?tab=fixed":                          {"after "},
		"/findings?tab=unseen":                         {"not assessed since"},
		"/findings?by=rule":                            {"rules that find something"},
		"/findings/" + regressed[0].Identity:           {"What was found", "Evidence", "Why it matters", "How to fix it", "History", "Came back", "came back once"},
		"/coverage":                                    {"checks could not be completed", "kms:DescribeKey", "ScannerReads", "role of the scanner"},
		"/scans":                                       {"Scan production now", "waiting", "100"},
		"/scans/" + w.scans[11]:                        {"Scan of production: ", "What changed", "Snapshot", "assumed-role/SecurityAudit"},
		"/scans/" + begun:                              {"is waiting", "Cancel this scan", "data-follow", "4\u202f211"},
		"/waivers":                                     {"in force", "in 20 days", "over since 10 days", "Nobody reaches it from outside", "waivers.yaml:90"},
		"/schedules":                                   {"0 3 * * *", "Europe/Berlin", "Scan now", "never"},
		"/review":                                      {"SEC01-BP02", "none, up to medium", "1 of 2 at risk"},
		"/access":                                      {"New token for"},
		"/audit":                                       {"Nobody has changed anything yet"},
	} {
		text := w.get(path, 200)
		n := parse(t, path, text)
		title := 0
		for x := range n.Descendants() {
			if x.Data == "h1" {
				title++
			}
		}
		if title != 1 {
			t.Errorf("%s has %d titles", path, title)
		}
		for _, part := range want {
			if !strings.Contains(text, part) {
				t.Errorf("%s does not say %q", path, part)
			}
		}
	}
	for _, path := range []string{"/?stream=nothing", "/findings?severity=hgh", "/findings?state=open", "/findings/000000000", "/scans/nothing", "/findings?after=x", "/audit?after=x"} {
		x, text := w.ask(request("GET", path, ""))
		if x.StatusCode != 400 && x.StatusCode != 404 {
			t.Errorf("%s: %d", path, x.StatusCode)
		}
		parse(t, path, text)
	}
}

// Pages of findings follow one another, and their menus and words pick what the API picks.
func TestFindingsPage(t *testing.T) {
	w := build(t, nil)
	seen := map[string]bool{}
	next := regexp.MustCompile(`rel="next" href="([^"]+)"`)
	for path := "/findings"; path != ""; {
		text := w.get(path, 200)
		for _, m := range regexp.MustCompile(`class="name" href="/findings/([0-9a-f]+)"`).FindAllStringSubmatch(text, -1) {
			seen[m[1]] = true
		}
		m := next.FindStringSubmatch(text)
		if path = ""; m != nil {
			path = html.UnescapeString(m[1])
		}
	}
	no := false
	if n, err := w.store.Count(t.Context(), store.Filter{State: "open", Waived: &no}); err != nil || len(seen) != n || !strings.Contains(w.get("/findings", 200), fmt.Sprintf("%d findings", n)) {
		t.Errorf("%d findings on all pages, want %d (%v)", len(seen), n, err)
	}
	text := w.get("/findings?service=s3&account=111122223333", 200)
	m := regexp.MustCompile(`href="(/api/v1/findings\?[^"]+)" download`).FindStringSubmatch(text)
	if m == nil {
		t.Fatal("there is no CSV")
	}
	x, rows := w.ask(request("GET", html.UnescapeString(m[1]), ""))
	count := regexp.MustCompile(`(\d+) findings?</p>`).FindStringSubmatch(text)
	if x.StatusCode != 200 || count == nil || fmt.Sprint(strings.Count(rows, "\r\n")-1) != count[1] {
		t.Errorf("%d, the page counts %v, the file %d", x.StatusCode, count, strings.Count(rows, "\r\n")-1)
	}
}

// What accounts say is text, whatever they say.
func TestHostileText(t *testing.T) {
	w := build(t, func(o *Options) {
		o.Settings.LocalRole = config.Admin
		o.Waivers = func(_ ctx) ([]Waiver, error) {
			return []Waiver{{Reason: hostile, Owner: hostile, Expires: "2027-01-01", Ticket: "javascript:alert(1)", Source: hostile, Condition: hostile}, {Expires: "2027-01-01", Ticket: "https://tickets.example/1", Source: "x"}}, nil
		}
	})
	id := store.NewID()
	if err := w.store.Begin(t.Context(), store.Scan{ID: id, Stream: "production", Cause: "request", Created: now}); err != nil {
		t.Fatal(err)
	}
	before, err := w.store.Baseline(t.Context(), "production")
	if err != nil {
		t.Fatal(err)
	}
	header := engine.Header{Partition: "aws", Start: now, Caller: hostile, Names: map[string]string{"111122223333": hostile}, Read: []model.Place{{Account: "111122223333", Region: hostile}}}
	rule := &rules.All[0]
	found := engine.Recorded{Rule: rule.ID, Resource: model.Meta{ID: hostile, Name: hostile, ARN: hostile, Account: "111122223333", Region: hostile}, Verdict: engine.Fail(hostile), Fingerprint: strings.Repeat("ab", 16), Identity: strings.Repeat("cd", 16), Tags: map[string]string{"team": hostile, hostile: hostile}}
	found.Evidence = map[string]any{hostile: hostile, "list": []any{hostile}, "object": map[string]any{hostile: hostile}}
	found.Severity = engine.Critical
	dark := found
	dark.Identity, dark.Fingerprint = strings.Repeat("ef", 16), strings.Repeat("fe", 16)
	dark.Verdict = engine.Unsure(model.CallFailed, hostile)
	dark.Gap.Call = hostile
	scan := engine.Told(header, engine.End{Finished: now}, func() seq { return of(found, dark) })
	r, err := report.New("1", scan, rules.All, report.Options{Baseline: before, Waive: func(x *engine.Result) *report.Waived {
		return &report.Waived{Reason: hostile, Owner: hostile, Expires: "2027-01-01", Ticket: hostile, Mitigation: hostile, Risk: hostile, Source: hostile}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.Record(t.Context(), id, r, strings.NewReader(""), now); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/findings?tab=waived", "/findings?tab=waived&owner=" + url.QueryEscape(hostileWord), "/findings?q=" + url.QueryEscape(hostileWord), "/findings?by=rule", "/findings/" + strings.Repeat("cd", 16), "/coverage", "/scans/" + id, "/waivers", "/findings?rule=" + url.QueryEscape(hostileWord)} {
		text := w.get(path, 200)
		for x := range parse(t, path, text).Descendants() {
			if x.Data == "img" || x.Data == "script" && len(x.Attr) == 0 {
				t.Errorf("%s: a name has become an element", path)
			}
		}
		if strings.Contains(text, hostile) {
			t.Errorf("%s holds the text as it is", path)
		}
	}
	if text := w.get("/waivers", 200); !strings.Contains(text, `href="https://tickets.example/1"`) || strings.Contains(text, `href="javascript`) {
		t.Error("tickets are no links, or too much is")
	}
}

// A page shows a token that was just made, once.
func TestAccessPage(t *testing.T) {
	w := closed(t, nil)
	_, admin := w.token(config.Admin, time.Time{})
	cookies, field := w.enter(admin)
	x, text := w.ask(form("/access/tokens", url.Values{"name": {"Grafana"}, "role": {"viewer"}, "days": {"30"}, "form": {field}}, cookies))
	m := regexp.MustCompile(`scanner_[0-9a-f]{16}_[A-Za-z0-9_-]{43}`).FindString(text)
	if x.StatusCode != 201 || m == "" {
		t.Fatalf("%d %s", x.StatusCode, text)
	}
	if x, _ := w.ask(bearer("GET", "/api/v1/me", "", m)); x.StatusCode != 200 {
		t.Errorf("the token: %d", x.StatusCode)
	}
	page := func() string {
		_, text := w.ask(jar(request("GET", "/access", ""), cookies))
		return text
	}
	if strings.Contains(page(), m) || !strings.Contains(page(), "Grafana") {
		t.Error("the token is shown again, or forgotten")
	}
	for what, values := range map[string]url.Values{"the same name": {"name": {"Grafana"}, "role": {"viewer"}}, "no name": {"role": {"viewer"}}, "a role that is none": {"name": {"x"}, "role": {"root"}}, "for ever": {"name": {"x"}, "role": {"viewer"}, "days": {"99999"}}} {
		values.Set("form", field)
		if x, text := w.ask(form("/access/tokens", values, cookies)); x.StatusCode < 400 || strings.Contains(text, "copy it now") {
			t.Errorf("%s: %d", what, x.StatusCode)
		}
	}
	id := strings.Split(m, "_")[1]
	if x, _ := w.ask(form("/access/tokens/"+id+"/revoke", url.Values{"form": {field}}, cookies)); x.StatusCode != 303 {
		t.Errorf("revoking: %d", x.StatusCode)
	}
	if x, _ := w.ask(bearer("GET", "/api/v1/me", "", m)); x.StatusCode != 401 || !strings.Contains(page(), "revoked 2026-11-30") {
		t.Errorf("the revoked token: %d", x.StatusCode)
	}
	if x, _ := w.ask(jar(request("GET", "/audit", ""), cookies)); x.StatusCode != http.StatusOK {
		t.Errorf("the audit log: %d", x.StatusCode)
	}
}

// A server that knows nothing yet says so.
func TestEmpty(t *testing.T) {
	s, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := &world{TB: t, store: s, log: &logBuffer{}}
	w.serve(nil)
	for path, want := range map[string]string{"/": "The first scan begins in", "/findings": "Nothing that was seen fails", "/scans": "Nothing was scanned yet", "/waivers": "waivers", "/schedules": "never", "/coverage": "Nothing was scanned yet"} {
		text := w.get(path, 200)
		if parse(t, path, text); !strings.Contains(text, want) {
			t.Errorf("%s does not say %q", path, want)
		}
	}
	w.get("/api/v1/findings", 200)
	w.get("/api/v1/summary", 404)
	w.get("/metrics", 200)
}
