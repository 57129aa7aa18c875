package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"awsscanner/internal/report"
	"awsscanner/internal/server"
)

// A service that runs in this process, and what it has said.
type running struct {
	testing.TB
	url   string
	token string
	stop  context.CancelFunc
	ended chan int
	log   strings.Builder // once it has ended
}

// serve runs scanner serve until it is told to stop.
func serve(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	x := &running{TB: t, stop: stop, ended: make(chan int, 1)}
	out, in := io.Pipe()
	code := make(chan int, 1)
	go func() {
		c := run(ctx, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...), io.Discard, in)
		in.Close()
		code <- c
	}()
	ready := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			x.log.Write(append(lines.Bytes(), '\n'))
			var line struct{ Msg, Address string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
				ready <- "http://" + line.Address
			}
		}
		close(ready)
		x.ended <- <-code
	}()
	t.Cleanup(stop)
	url, ok := <-ready
	if !ok {
		t.Fatalf("it has ended: exit %d: %s", <-x.ended, x.log.String())
	}
	x.url = url
	return x
}

// end tells it to stop, and returns its log.
func (x *running) end() string {
	x.Helper()
	x.stop()
	select {
	case code := <-x.ended:
		if code != report.ExitFine {
			x.Errorf("exit %d", code)
		}
	case <-time.After(time.Minute):
		x.Fatal("it does not end")
	}
	return x.log.String()
}

// ask sends a request, and returns its status and its answer.
func (x *running) ask(method, path, body string) (int, string) {
	x.Helper()
	r, err := http.NewRequest(method, x.url+path, strings.NewReader(body))
	if err != nil {
		x.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if x.token != "" {
		r.Header.Set("Authorization", "Bearer "+x.token)
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		x.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		x.Fatal(err)
	}
	return a.StatusCode, string(text)
}

func (x *running) get(path string, into any) string {
	x.Helper()
	status, text := x.ask("GET", path, "")
	if status != 200 {
		x.Fatalf("GET %s: %d %.300s", path, status, text)
	}
	if into != nil {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			x.Fatal(err)
		}
	}
	return text
}

// A scan that somebody begins by the API is carried out, can be followed to its end, and what it has found is on pages, in the API and in the
// metrics; the log tells who has asked for what.
func TestServe(t *testing.T) {
	dir := t.TempDir()
	said := func(state string) string {
		return "version: 1\nanswers: {OPS01-BP01: {state: " + state + ", by: ann, on: " + time.Now().Format(time.DateOnly) + "}}\n"
	}
	waivers, answers := filepath.Join(dir, "waivers.yaml"), filepath.Join(dir, "said.yaml")
	for name, text := range map[string]string{
		answers:                            said("yes"),
		waivers:                            "- {rule: sqs-*, account: '111122223333', reason: Goes away with the old shop, owner: shop, expires: " + time.Now().AddDate(0, 2, 0).Format(time.DateOnly) + "}\n",
		filepath.Join(dir, "scanner.yaml"): "waivers: waivers.yaml\nschedules:\n- {name: nightly, cron: '0 3 1 1 *', time_zone: Europe/Berlin}\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	x := serve(t, "--demo", "--config", filepath.Join(dir, "scanner.yaml"), "--data", filepath.Join(dir, "db"), "--answers", answers)
	if got := x.get("/healthz", nil) + x.get("/readyz", nil); got != "ok\nok\n" {
		t.Errorf("it is %q", got)
	}
	var schedules struct{ Items []server.Schedule }
	x.get("/api/v1/schedules", &schedules)
	if len(schedules.Items) != 1 || schedules.Items[0].Stream != "nightly" || schedules.Items[0].Next.Before(time.Now()) {
		t.Errorf("the schedules are %+v", schedules)
	}
	for body, want := range map[string]string{`{"stream":"nigthly"}`: `there is no schedule \"nigthly\": did you mean nightly?`, `{}`: "the body must name a stream"} {
		if status, text := x.ask("POST", "/api/v1/scans", body); status != 404 && status != 400 || !strings.Contains(text, want) {
			t.Errorf("a scan of %s: %d %s", body, status, text)
		}
	}
	status, text := x.ask("POST", "/api/v1/scans", `{"stream":"nightly"}`)
	var begun struct{ ID string }
	if err := json.Unmarshal([]byte(text), &begun); err != nil || status != 202 || begun.ID == "" {
		t.Fatalf("beginning a scan: %d %s", status, text)
	}
	if told := x.get("/api/v1/scans/"+begun.ID+"/events", nil); !strings.Contains(told, "event: progress\ndata: {") || !strings.HasSuffix(told, "event: end\ndata: done\n\n") {
		t.Errorf("who follows it is told %s", told)
	}
	if status, text := x.ask("POST", "/api/v1/scans/"+begun.ID+"/cancel", ""); status != 409 || !strings.Contains(text, "the scan is done already") {
		t.Errorf("ending it afterwards: %d %s", status, text)
	}
	var found struct {
		Items []struct {
			Finding report.Finding `json:"finding"`
		}
		Next string
	}
	x.get("/api/v1/findings?severity=critical&limit=5", &found)
	if len(found.Items) != 5 || found.Next == "" || found.Items[0].Finding.Severity.String() != "critical" {
		t.Errorf("the findings are %+v", found)
	}
	var held struct{ Items []server.Waiver }
	x.get("/api/v1/waivers", &held)
	if len(held.Items) != 1 || held.Items[0].Condition != "rule sqs-*, account 111122223333" || held.Items[0].Source != waivers+":1" {
		t.Errorf("the waivers are %+v", held)
	}
	var reviewed server.Review
	for _, says := range []string{"yes", "no"} { // the second time after somebody has changed their mind
		if err := os.WriteFile(answers, []byte(said(says)), 0o600); err != nil {
			t.Fatal(err)
		}
		x.get("/api/v1/review", &reviewed)
		if got := reviewed.Pillars[0].Questions[0].Practices[0]; got.ID != "OPS01-BP01" || got.State != map[string]string{"yes": "established", "no": "not-established"}[says] {
			t.Errorf("after the answer %s there is %+v", says, got)
		}
	}
	if len(reviewed.Pillars) != 6 || len(reviewed.Pillars[1].Questions) != 11 || reviewed.Pillars[1].Questions[4].Risk != "HIGH" {
		t.Errorf("the review has %d pillars", len(reviewed.Pillars))
	}
	metrics := x.get("/metrics", nil)
	for _, want := range []string{`scanner_aws_calls_total{service="sqs"} `, `scanner_aws_throttles_total{service="sqs"} 0`, "scanner_scan_seconds_count 1", `scanner_scans{state="done",stream="nightly"} 1`, `scanner_queue_jobs{state="running"} `} {
		if !strings.Contains(metrics, want) {
			t.Errorf("there is no metric %s", want)
		}
	}
	for page, want := range map[string]string{"/": "11 critical", "/findings": "reporting-sample", "/coverage": "kms:DescribeKey", "/scans/" + begun.ID: "Scan of nightly", "/waivers": "Goes away with the old shop", "/schedules": "Europe/Berlin", "/review": "SEC 5"} {
		if text := x.get(page, nil); !strings.Contains(text, want) {
			t.Errorf("%s does not say %s", page, want)
		}
	}
	// While the settings have a mistake pages go by what they said before; whoever wants a scan is told.
	if err := os.WriteFile(filepath.Join(dir, "scanner.yaml"), []byte("schedlues: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if text := x.get("/", nil) + x.get("/schedules", nil); !strings.Contains(text, "Europe/Berlin") {
		t.Error("the schedules are gone")
	}
	if status, text := x.ask("POST", "/api/v1/scans", `{"stream":"nightly"}`); status != 409 || !strings.Contains(text, `the settings cannot be used: `) || !strings.Contains(text, "did you mean schedules?") {
		t.Errorf("a scan by settings with a mistake: %d %s", status, text)
	}
	log := x.end()
	for _, want := range []string{`"msg":"request","request":"`, `"path":"/api/v1/scans","status":202,`, fmt.Sprintf(`"scan":%q`, begun.ID), `"who":"this machine"`} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not tell %s", want)
		}
	}
}

// madeToken makes a token.
func madeToken(t *testing.T, role, data string) string {
	t.Helper()
	var x struct{ Token string }
	if err := json.Unmarshal(stdout(t, "tokens", "create", "--name", role, "--role", role, "--data", data, "-o", "json"), &x); err != nil {
		t.Fatal(err)
	}
	return x.Token
}

// Where signing in is demanded, tokens of the command line let in, by their roles, until they are revoked; neither log nor database tells them.
func TestServeTokens(t *testing.T) {
	dir := t.TempDir()
	settings, data := filepath.Join(dir, "scanner.yaml"), filepath.Join(dir, "db")
	if err := os.WriteFile(settings, []byte("server: {local_role: none}\nschedules:\n- {name: demo, cron: '0 3 1 1 *'}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	viewer, operator, admin := madeToken(t, "viewer", data), madeToken(t, "operator", data), madeToken(t, "admin", data)
	x := serve(t, "--demo", "--config", settings, "--data", data)
	for _, c := range []struct {
		token, method, path, body string
		want                      int
	}{
		{"", "GET", "/healthz", "", 200}, {"", "GET", "/api/v1/findings", "", 401}, {"", "GET", "/metrics", "", 401}, {viewer[:len(viewer)-1] + "_", "GET", "/api/v1/me", "", 401},
		{viewer, "GET", "/api/v1/scans", "", 200}, {viewer, "GET", "/metrics", "", 200}, {viewer, "POST", "/api/v1/scans", `{"stream":"demo"}`, 403}, {viewer, "GET", "/api/v1/tokens", "", 403},
		{operator, "POST", "/api/v1/scans", `{"stream":"demo"}`, 202}, {operator, "GET", "/api/v1/tokens", "", 403}, {admin, "GET", "/api/v1/tokens", "", 200}, {admin, "GET", "/api/v1/audit", "", 200},
	} {
		x.token = c.token
		if status, text := x.ask(c.method, c.path, c.body); status != c.want {
			t.Errorf("%.30s %s %s: %d, want %d: %.200s", c.token, c.method, c.path, status, c.want, text)
		}
	}
	stdout(t, "tokens", "revoke", "viewer", "--data", data)
	x.token = viewer
	if status, _ := x.ask("GET", "/api/v1/me", ""); status != 401 {
		t.Errorf("a token that is revoked: %d", status)
	}
	x.token = admin
	audit := x.get("/api/v1/audit", nil)
	for _, want := range []string{`"action":"token.create"`, `"action":"token.revoke"`, `"action":"scan.start"`, `"actor":"token operator"`} {
		if !strings.Contains(audit, want) {
			t.Errorf("the audit log does not tell %s", want)
		}
	}
	log := x.end()
	kept, err := os.ReadFile(filepath.Join(data, "scanner.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{viewer, operator, admin} {
		hidden := secret[strings.LastIndexByte(secret[:25], '_')+1:]
		if strings.Contains(log, hidden) || strings.Contains(string(kept), hidden) || strings.Contains(audit, hidden) {
			t.Errorf("%s is told", secret[:20])
		}
	}
}

// The demonstration shows something to whoever looks at it for the first time, and scans no more than that.
func TestServeDemo(t *testing.T) {
	dir := t.TempDir()
	settings := filepath.Join(dir, "scanner.yaml")
	if err := os.WriteFile(settings, []byte("server: {local_role: viewer}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		x := serve(t, "--demo", "--config", settings, "--data", filepath.Join(dir, "db"))
		var scans struct{ Items []struct{ State string } }
		for deadline := time.Now().Add(time.Minute); len(scans.Items) == 0 || scans.Items[0].State != "done"; time.Sleep(50 * time.Millisecond) {
			if x.get("/api/v1/scans", &scans); time.Now().After(deadline) {
				t.Fatalf("%v: %s", scans, x.log.String())
			}
		}
		if len(scans.Items) != 1 {
			t.Errorf("%d scans, want 1", len(scans.Items))
		}
		if page := x.get("/findings", nil); !strings.Contains(page, "ec2-ebs-snapshot-not-public") {
			t.Errorf("the page of findings shows none of the demonstration: %.2000s", page)
		}
		x.end()
	}
}
