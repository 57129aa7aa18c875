package server

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"awsscanner/internal/config"
	"awsscanner/internal/store"
)

// A described is the document of a server, against which its answers are held.
type described struct {
	testing.TB
	doc    map[string]any
	schema *jsonschema.Compiler
	seen   map[string]bool // operations and statuses: "listFindings 200"
}

const documentName = "http://scanner.example/openapi.json"

// describe reads the document. What it does not mention is refused in answers.
func describe(t testing.TB, text string) *described {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	d := &described{TB: t, doc: v.(map[string]any), schema: jsonschema.NewCompiler(), seen: map[string]bool{}}
	for _, s := range d.doc["components"].(map[string]any)["schemas"].(map[string]any) {
		s.(map[string]any)["additionalProperties"] = false
	}
	d.schema.DefaultDraft(jsonschema.Draft2020)
	d.schema.AssertFormat()
	if err := d.schema.AddResource(documentName, d.doc); err != nil {
		t.Fatal(err)
	}
	return d
}

// operation finds what a request is.
func (d *described) operation(method, path string) (at string, op map[string]any) {
	path, _, _ = strings.Cut(path, "?")
	for name, of := range d.doc["paths"].(map[string]any) {
		a, b := strings.Split(name, "/"), strings.Split(path, "/")
		if len(a) != len(b) || !slices.EqualFunc(a, b, func(x, y string) bool { return x == y || x == "{id}" && y != "" }) {
			continue
		}
		if _, ok := of.(map[string]any)[strings.ToLower(method)]; ok && (at == "" || !strings.Contains(name, "{")) {
			at = name
		}
	}
	if at == "" {
		return "", nil
	}
	return at, d.doc["paths"].(map[string]any)[at].(map[string]any)[strings.ToLower(method)].(map[string]any)
}

// check holds an answer against the document.
func (d *described) check(r *http.Request, x *http.Response, text string) {
	d.Helper()
	what := r.Method + " " + r.URL.RequestURI()
	at, op := d.operation(r.Method, r.URL.Path)
	if op == nil {
		d.Errorf("%s is in no document", what)
		return
	}
	status := strconv.Itoa(x.StatusCode)
	answer, ok := op["responses"].(map[string]any)[status].(map[string]any)
	if !ok {
		d.Errorf("%s: the document does not tell of status %s", what, status)
		return
	}
	d.seen[op["operationId"].(string)+" "+status] = true
	pointer := "#/paths/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(at) + "/" + strings.ToLower(r.Method) + "/responses/" + status
	if ref, ok := answer["$ref"].(string); ok {
		pointer = ref
		answer = d.doc["components"].(map[string]any)["responses"].(map[string]any)[ref[strings.LastIndexByte(ref, '/')+1:]].(map[string]any)
	}
	content, _ := answer["content"].(map[string]any)
	media, _, _ := strings.Cut(x.Header.Get("Content-Type"), ";")
	if len(content) == 0 {
		if text != "" {
			d.Errorf("%s: an answer without content has %q", what, text)
		}
		return
	}
	if _, ok := content[media]; !ok {
		d.Errorf("%s: the document does not tell of %q", what, media)
		return
	}
	if !strings.HasSuffix(media, "json") {
		return
	}
	s, err := d.schema.Compile(documentName + pointer + "/content/" + strings.ReplaceAll(media, "/", "~1") + "/schema")
	if err != nil {
		d.Errorf("%s: %v", what, err)
		return
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err == nil {
		err = s.Validate(v)
	}
	if err != nil {
		d.Errorf("%s: %v\n%.600s", what, err, text)
	}
}

// The document is one of OpenAPI 3.1, and names every operation.
func TestDocument(t *testing.T) {
	w := build(t, nil)
	text := w.get("/api/v1/openapi.json", 200)
	schema, err := os.ReadFile("testdata/openapi-3.1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	of, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("openapi", of); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("openapi")
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(v); err != nil {
		t.Errorf("the document is none of OpenAPI 3.1: %v", err)
	}
	d := describe(t, text)
	for name := range d.doc["components"].(map[string]any)["schemas"].(map[string]any) {
		if _, err := d.schema.Compile(documentName + "#/components/schemas/" + name); err != nil {
			t.Errorf("the schema %s: %v", name, err)
		}
	}
	ids := map[string]bool{}
	for _, r := range w.routes {
		if at, op := d.operation(r.method, strings.ReplaceAll(r.path, "{id}", "x")); at != r.path || op["operationId"] != r.id || ids[r.id] {
			t.Errorf("%s %s is described as %s %v", r.method, r.path, at, op["operationId"])
		}
		ids[r.id] = true
	}
	published, err := os.ReadFile("../../docs/openapi.json")
	if *write {
		if err := os.WriteFile("../../docs/openapi.json", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if err != nil || string(published) != text {
		t.Error("docs/openapi.json does not say what the server says: run make docs")
	}
}

// Every operation answers as the document says, well and otherwise.
func TestOperations(t *testing.T) {
	w := build(t, func(o *Options) { o.Settings.LocalRole = config.Admin })
	d := describe(t, w.get("/api/v1/openapi.json", 200))
	ask := func(method, path, body string, want int) string {
		t.Helper()
		r := request(method, path, body)
		x, text := w.ask(r)
		if x.StatusCode != want {
			t.Errorf("%s %s: %d, want %d: %.300s", method, path, x.StatusCode, want, text)
			return text
		}
		d.check(r, x, text)
		return text
	}
	var page findingPage
	if err := json.Unmarshal([]byte(ask("GET", "/api/v1/findings?limit=7", "", 200)), &page); err != nil || len(page.Items) != 7 || page.Next == "" {
		t.Fatalf("%+v %v", page, err)
	}
	some := page.Items[0].Finding
	scan := w.scans[len(w.scans)-1]
	id := func(text string) string {
		var x struct{ ID string }
		if err := json.Unmarshal([]byte(text), &x); err != nil {
			t.Fatal(err)
		}
		return x.ID
	}
	begun := id(ask("POST", "/api/v1/scans", `{"stream":"production"}`, 202))
	token := id(ask("POST", "/api/v1/tokens", `{"name":"grafana","role":"viewer","expires":"2027-01-01T00:00:00Z"}`, 201))
	for _, c := range []struct {
		method, path, body string
		want               int
	}{
		{"GET", "/api/v1/findings?after=" + page.Next, "", 200},
		{"GET", "/api/v1/findings?severity=high&severity=critical&pillar=security&state=all&waived=false&assessed=true&since=2026-11-20T00:00:00Z&q=worker&service=s3&account=111122223333&region=eu-west-1&owner=shop&rule=x&stream=production", "", 200},
		{"GET", "/api/v1/findings?state=fixed", "", 200},
		{"GET", "/api/v1/findings?waived=true", "", 200},
		{"GET", "/api/v1/findings?assessed=false", "", 200},
		{"GET", "/api/v1/findings?format=csv&limit=3", "", 200},
		{"GET", "/api/v1/findings?limit=0", "", 400},
		{"GET", "/api/v1/findings?limit=1001", "", 400},
		{"GET", "/api/v1/findings?limit=many", "", 400},
		{"GET", "/api/v1/findings?limit=1&limit=2", "", 400},
		{"GET", "/api/v1/findings?severity=hgh", "", 400},
		{"GET", "/api/v1/findings?severty=high", "", 400},
		{"GET", "/api/v1/findings?waived=maybe", "", 400},
		{"GET", "/api/v1/findings?since=yesterday", "", 400},
		{"GET", "/api/v1/findings?after=x", "", 400},
		{"GET", "/api/v1/findings?q=a%00b", "", 400},
		{"GET", "/api/v1/findings?q=a%0ab", "", 400},
		{"GET", "/api/v1/findings?q=%ff", "", 400},
		{"GET", "/api/v1/findings?q=%zz", "", 400},
		{"GET", "/api/v1/findings?a;b", "", 400},
		{"GET", "/api/v1/findings?q=" + strings.Repeat("x", 201), "", 400},
		{"GET", "/api/v1/findings?" + strings.Repeat("rule=x&", 51), "", 400},
		{"GET", "/api/v1/findings/" + some.Identity, "", 200},
		{"GET", "/api/v1/findings/" + some.Fingerprint[:12], "", 200},
		{"GET", "/api/v1/findings/" + some.Identity + "?stream=production", "", 200},
		{"GET", "/api/v1/findings/" + some.Identity + "?stream=other", "", 404},
		{"GET", "/api/v1/findings/0000000000", "", 404},
		{"GET", "/api/v1/findings/nothing", "", 404},
		{"GET", "/api/v1/events", "", 200},
		{"GET", "/api/v1/events?stream=production&scan=" + scan + "&type=new&type=fixed&since=2026-11-20T00:00:00Z&limit=2", "", 200},
		{"GET", "/api/v1/events?finding=" + some.Identity, "", 200},
		{"GET", "/api/v1/events?format=csv", "", 200},
		{"GET", "/api/v1/events?after=-1", "", 400},
		{"GET", "/api/v1/rules", "", 200},
		{"GET", "/api/v1/rules/s3-bucket-versioning", "", 200},
		{"GET", "/api/v1/rules/nothing", "", 404},
		{"GET", "/api/v1/rules?x=y", "", 400},
		{"GET", "/api/v1/streams", "", 200},
		{"GET", "/api/v1/summary", "", 200},
		{"GET", "/api/v1/summary?stream=production", "", 200},
		{"GET", "/api/v1/summary?stream=nothing", "", 404},
		{"GET", "/api/v1/trend?pillar=security&days=10", "", 200},
		{"GET", "/api/v1/trend?days=0", "", 400},
		{"GET", "/api/v1/trend?stream=nothing", "", 404},
		{"GET", "/api/v1/coverage", "", 200},
		{"GET", "/api/v1/coverage?format=csv", "", 200},
		{"GET", "/api/v1/coverage?stream=nothing", "", 404},
		{"GET", "/api/v1/waivers", "", 200},
		{"GET", "/api/v1/waivers?format=csv", "", 200},
		{"GET", "/api/v1/waivers?stream=nothing", "", 404},
		{"GET", "/api/v1/waivers?format=xml", "", 400},
		{"GET", "/api/v1/coverage?format=xml", "", 400},
		{"GET", "/api/v1/scans", "", 200},
		{"GET", "/api/v1/scans?format=csv", "", 200},
		{"GET", "/api/v1/scans?stream=production&state=done&state=failed&limit=3", "", 200},
		{"GET", "/api/v1/scans?after=x", "", 400},
		{"POST", "/api/v1/scans", `{"stream":"nothing"}`, 404},
		{"POST", "/api/v1/scans", `{"stream":""}`, 400},
		{"POST", "/api/v1/scans", `{}`, 400},
		{"POST", "/api/v1/scans", `{"stream":"production","settings":{}}`, 400},
		{"POST", "/api/v1/scans", `{"stream":7}`, 400},
		{"POST", "/api/v1/scans", `{"stream":"production"}{}`, 400},
		{"POST", "/api/v1/scans", `nonsense`, 400},
		{"POST", "/api/v1/scans", `{"stream":"` + strings.Repeat("x", longestBody) + `"}`, 413},
		{"GET", "/api/v1/scans/" + scan, "", 200},
		{"GET", "/api/v1/scans/" + begun, "", 200},
		{"GET", "/api/v1/scans/nothing", "", 404},
		{"GET", "/api/v1/scans/" + begun + "/progress", "", 200},
		{"GET", "/api/v1/scans/" + scan + "/progress", "", 200},
		{"GET", "/api/v1/scans/nothing/progress", "", 404},
		{"GET", "/api/v1/scans/" + scan + "/events", "", 200},
		{"GET", "/api/v1/scans/nothing/events", "", 404},
		{"GET", "/api/v1/scans/" + scan + "/snapshot", "", 200},
		{"GET", "/api/v1/scans/" + begun + "/snapshot", "", 404},
		{"GET", "/api/v1/scans/nothing/snapshot", "", 404},
		{"POST", "/api/v1/scans/" + begun + "/cancel", "", 204},
		{"POST", "/api/v1/scans/nothing/cancel", "", 404},
		{"GET", "/api/v1/schedules", "", 200},
		{"GET", "/api/v1/review", "", 200},
		{"GET", "/api/v1/review?stream=nothing", "", 404},
		{"GET", "/api/v1/me", "", 200},
		{"GET", "/api/v1/tokens", "", 200},
		{"POST", "/api/v1/tokens", `{"name":"grafana","role":"viewer"}`, 409},
		{"POST", "/api/v1/tokens", `{"name":"","role":"viewer"}`, 400},
		{"POST", "/api/v1/tokens", `{"name":"x"}`, 400},
		{"POST", "/api/v1/tokens", `{"name":"x","role":"root"}`, 400},
		{"POST", "/api/v1/tokens", `{"name":"x","role":"viewer","expires":"2020-01-01T00:00:00Z"}`, 400},
		{"DELETE", "/api/v1/tokens/" + token, "", 204},
		{"DELETE", "/api/v1/tokens/" + token, "", 404},
		{"GET", "/api/v1/audit?limit=2", "", 200},
		{"GET", "/api/v1/audit?format=csv", "", 200},
		{"GET", "/api/v1/audit?after=x", "", 400},
		{"GET", "/api/v1/openapi.json", "", 200},
		{"GET", "/metrics", "", 200},
	} {
		ask(c.method, c.path, c.body, c.want)
	}
	r := request("POST", "/api/v1/scans", `{"stream":"production"}`)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if x, text := w.ask(r); x.StatusCode != 415 {
		t.Errorf("a form: %d %s", x.StatusCode, text)
	} else {
		d.check(r, x, text)
	}
	second(t, w.store)
	for _, path := range []string{"/api/v1/summary", "/api/v1/trend", "/api/v1/coverage", "/api/v1/waivers", "/api/v1/review", "/api/v1/findings/" + some.Identity} {
		ask("GET", path, "", 409)
	}
	for _, r := range w.routes { // what only others may refuse is in TestRoles and TestLimits
		statuses := append([]int{max(r.status, 200)}, r.refuses...)
		if r.answer == nil && r.other == "" {
			statuses[0] = 204
		}
		if len(r.params) > 0 && slices.ContainsFunc(r.params, func(p param) bool { return p.in != "path" && (p.kind != "" || len(p.of) > 0) }) || r.body != nil {
			statuses = append(statuses, 400)
		}
		for _, status := range statuses {
			if !d.seen[fmt.Sprint(r.id, " ", status)] && !(r.id == "startScan" && status == 409 || r.id == "cancelScan" && status == 409) {
				t.Errorf("nobody has seen %s answer %d", r.id, status)
			}
		}
	}
	if len(w.started) != 1 || len(w.ended) != 1 {
		t.Errorf("scans were started %q and ended %q", w.started, w.ended)
	}
}

// Pages follow one another by cursor and by link, as JSON and as CSV, until all was told once.
func TestPaging(t *testing.T) {
	w := build(t, nil)
	for _, list := range []string{"findings?state=all", "events?", "scans?"} {
		for _, format := range []string{"json", "csv"} {
			seen := map[string]bool{}
			n, pages := 0, 0
			for path := "/api/v1/" + list + "&limit=9&format=" + format; path != ""; pages++ {
				x, text := w.ask(request("GET", path, ""))
				if x.StatusCode != 200 {
					t.Fatal(path, x.StatusCode, text)
				}
				if format == "csv" {
					rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
					if err != nil {
						t.Fatal(err)
					}
					for _, row := range rows[1:] {
						seen[strings.Join(row, "|")] = true
						n++
					}
				} else {
					var p struct {
						Items []json.RawMessage
						Next  string
					}
					if err := json.Unmarshal([]byte(text), &p); err != nil {
						t.Fatal(err)
					}
					for _, item := range p.Items {
						seen[string(item)] = true
						n++
					}
					if (p.Next == "") != (x.Header.Get("Link") == "") {
						t.Errorf("%s: next is %q and the link %q", path, p.Next, x.Header.Get("Link"))
					}
				}
				link := x.Header.Get("Link")
				if path = ""; link != "" {
					path = strings.TrimSuffix(strings.TrimPrefix(link, "<"), `>; rel="next"`)
				}
			}
			want := 0
			switch list[0] {
			case 'f':
				want, _ = w.store.Count(t.Context(), store.Filter{})
			case 'e':
				all, _ := w.store.EventsSince(t.Context(), "", now.AddDate(-1, 0, 0))
				want = len(all)
			case 's':
				want = len(w.scans)
			}
			if n != want || len(seen) != want || pages != (want+8)/9 {
				t.Errorf("%s as %s: %d of %d, %d of them different, on %d pages", list, format, n, want, len(seen), pages)
			}
		}
	}
}

// All findings come as one CSV, which holds no formula.
func TestAllFindings(t *testing.T) {
	w := build(t, nil)
	r := request("GET", "/api/v1/findings?state=all", "")
	r.Header.Set("Accept", "text/csv")
	x, text := w.ask(r)
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want, err := w.store.Count(t.Context(), store.Filter{})
	if err != nil || len(rows) != want+1 || x.Header.Get("Content-Disposition") != `attachment; filename="findings.csv"` {
		t.Errorf("%d rows of %d findings, %v, %v", len(rows), want, err, x.Header)
	}
	for i, row := range rows {
		for _, cell := range row {
			if strings.ContainsAny(cell[:min(1, len(cell))], "=+-@") {
				t.Errorf("row %d has the cell %q", i, cell)
			}
		}
	}
}

// Nothing that is not there is found, in the form that whoever asks understands.
func TestNotFound(t *testing.T) {
	w := build(t, nil)
	for path, media := range map[string]string{"/api/v1/nothing": "application/problem+json", "/api/": "application/problem+json", "/nothing": "text/html", "/static/x/dashboard.js": "text/html", "/findings/": "text/html"} {
		x, text := w.ask(request("GET", path, ""))
		if x.StatusCode != 404 || !strings.HasPrefix(x.Header.Get("Content-Type"), media) {
			t.Errorf("%s: %d %s %.200s", path, x.StatusCode, x.Header.Get("Content-Type"), text)
		}
	}
	for path, allow := range map[string]string{"/api/v1/findings": "GET, HEAD", "/api/v1/scans": "GET, HEAD, POST", "/metrics": "GET, HEAD", "/": "GET, HEAD", "/healthz": "GET, HEAD"} {
		x, _ := w.ask(request("PUT", path, ""))
		if path == "/" {
			if x.StatusCode != 404 && x.StatusCode != 405 {
				t.Errorf("PUT %s: %d", path, x.StatusCode)
			}
			continue
		}
		if x.StatusCode != 405 || x.Header.Get("Allow") != allow {
			t.Errorf("PUT %s: %d, allowed are %q", path, x.StatusCode, x.Header.Get("Allow"))
		}
	}
	if x, text := w.ask(request("HEAD", "/api/v1/findings", "")); x.StatusCode != 200 || x.Header.Get("X-Request-Id") == "" {
		t.Errorf("HEAD: %d %q", x.StatusCode, text)
	}
}

// What nobody offers is neither described nor answered.
func TestNotOffered(t *testing.T) {
	w := build(t, func(o *Options) { o.Actions = Actions{} })
	text := w.get("/api/v1/openapi.json", 200)
	for _, id := range []string{"startScan", "cancelScan", "listSchedules", "getReview"} {
		if strings.Contains(text, id) {
			t.Errorf("%s is described", id)
		}
	}
	for _, path := range []string{"/api/v1/schedules", "/api/v1/review", "/schedules", "/review"} {
		w.get(path, 404)
	}
	if x, _ := w.ask(request("POST", "/api/v1/scans", `{"stream":"production"}`)); x.StatusCode != 405 {
		t.Errorf("a scan is started: %d", x.StatusCode)
	}
	if page := w.get("/scans", 200); strings.Contains(page, "Scan production now") || strings.Contains(page, "/schedules") {
		t.Error("the page offers what there is not")
	}
}
