package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"awsscanner/internal/awstest"
	"awsscanner/internal/engine"
	"awsscanner/internal/model/kinds"
	"awsscanner/internal/report"
	"awsscanner/internal/store"
	"awsscanner/internal/store/storetest"
)

// A service is a scanner serve or worker that runs as a program of its own.
type program struct {
	*exec.Cmd
	url  string // of a serve
	mu   sync.Mutex
	text bytes.Buffer // its log
	over chan struct{}
}

// run starts serve or worker, and waits until it is at work.
func runs(t *testing.T, env []string, args ...string) *program {
	t.Helper()
	c, _, _ := scanner(t, env, args...)
	p := &program{Cmd: exec.Command(c.Path, args...), over: make(chan struct{})}
	p.Args[0], p.Env = "scanner", c.Env
	out, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Process.Kill()
		<-p.over
		if t.Failed() {
			t.Logf("%q said\n%s", args, p.log())
		}
	})
	ready := make(chan bool, 1)
	go func() {
		defer close(p.over)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			p.mu.Lock()
			p.text.Write(append(lines.Bytes(), '\n'))
			p.mu.Unlock()
			var line struct{ Msg, Address string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && (line.Msg == "serving" || line.Msg == "working") {
				p.url = "http://" + line.Address
				ready <- true
			}
		}
		p.Wait()
		close(ready)
	}()
	if !<-ready {
		t.Fatalf("it has ended: %s", p.log())
	}
	return p
}

func (p *program) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// end sends a signal and waits until the program is gone.
func (p *program) end(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := p.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.over:
	case <-time.After(time.Minute):
		t.Fatalf("it does not end by %s", signal)
	}
}

// comes waits for something that must come.
func comes(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 1800 {
		if is() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("in vain: %s", what)
}

// overdue makes a schedule in a database, one scan of which has come due while nobody was there: the next is twelve hours away.
func overdue(t *testing.T, address string) (schedules string) {
	t.Helper()
	s := openStore(t, address)
	id, begun := store.NewID(), time.Now().Add(-48*time.Hour)
	if err := s.Begin(t.Context(), store.Scan{ID: id, Stream: "nightly", Cause: "schedule", Created: begun}); err != nil {
		t.Fatal(err)
	}
	if err := s.End(t.Context(), id, store.Failed, "nobody was there", begun); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("schedules:\n- {name: nightly, cron: '0 %d * * *'}\n", time.Now().UTC().Add(12*time.Hour).Hour())
}

// settingsFile writes settings of an organization.
func settingsFile(t *testing.T, more string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "scanner.yaml")
	if err := os.WriteFile(name, []byte("rules: ["+served+"]\naccounts: {org: true}\n"+more), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// openStore opens the database of a running service, as another process would.
func openStore(t *testing.T, address string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// newest returns the newest scan of a stream.
func newest(t *testing.T, s *store.Store, stream string) store.Scan {
	t.Helper()
	all, err := s.Scans(t.Context(), stream, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		return store.Scan{}
	}
	return all[0]
}

// keptBy returns the verdicts of the snapshot of a scan.
func keptBy(t *testing.T, s *store.Store, scan string) []string {
	t.Helper()
	in, err := s.Snapshot(t.Context(), scan)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "kept.jsonl.zst")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return verdicts(t, stdout(t, "report", name, "--status", "pass,fail,not-applicable,not-assessed", "-o", "json"))
}

// A recorder stands before an emulator, and counts each request that got an answer.
type recorder struct {
	next    http.Handler
	mu      sync.Mutex
	answers map[string]int // by account, region and service, and what was asked
	hang    int            // after so many answers nothing is answered any more; 0 for never
	hangs   chan bool
	goOn    chan bool // closed to answer what hangs
}

var scope = regexp.MustCompile(`Credential=A[A-Z]{3}(\d{12})[^/]*/\d+/([a-z0-9-]+)/([a-z0-9-]+)/`)

func (r *recorder) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return
	}
	r.mu.Lock()
	if r.hang > 0 && len(r.answers) >= r.hang {
		r.mu.Unlock()
		select {
		case r.hangs <- true:
		default:
		}
		select {
		case <-q.Context().Done():
			return
		case <-r.goOn:
		}
		r.mu.Lock()
	}
	m := scope.FindStringSubmatch(q.Header.Get("Authorization"))
	if m != nil {
		r.answers[fmt.Sprintf("%s %s %s: %s %s %s", m[1], m[2], m[3], q.Header.Get("X-Amz-Target"), q.URL, body)]++
	}
	r.mu.Unlock()
	q.Body = io.NopCloser(bytes.NewReader(body))
	r.next.ServeHTTP(w, q)
}

func (r *recorder) after(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hang = n
}

// A service that is told to end, or killed, while it reads is followed by one that comes to the result of an undisturbed scan, and asks nothing
// again of what was kept.
func TestServeGoesOn(t *testing.T) {
	o := newOrganization(t)
	o.Regions = []string{"eu-west-1", "us-east-1"}
	want := o.scan(t)
	for name, c := range map[string]struct {
		signal syscall.Signal
		share  int
	}{"TERM early": {syscall.SIGTERM, 20}, "TERM late": {syscall.SIGTERM, 80}, "KILL early": {syscall.SIGKILL, 10}, "KILL": {syscall.SIGKILL, 50}, "KILL late": {syscall.SIGKILL, 95}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &recorder{next: o.Synthetic, answers: map[string]int{}, hangs: make(chan bool, 1)}
			r.after(int(o.requests.Load()) * c.share / 100)
			server := httptest.NewServer(r)
			defer server.Close()
			env := append(slices.Clone(o.env), "AWS_ENDPOINT_URL="+server.URL)
			dir := t.TempDir()
			settings := settingsFile(t, overdue(t, dir))
			args := []string{"serve", "--listen", "127.0.0.1:0", "--config", settings, "--data", dir}
			first := runs(t, env, args...)
			<-r.hangs
			first.end(t, c.signal)
			s := openStore(t, dir)
			id := newest(t, s, "nightly").ID
			x, err := s.Scan(t.Context(), id)
			if err != nil || x.State != store.Running {
				t.Fatalf("it left a scan that is %s, %v", x.State, err)
			}
			if _, err := s.Last(t.Context(), "nightly"); err == nil {
				t.Error("half a scan is shown")
			}
			cells := map[string]bool{}
			for i := range o.Accounts {
				all, err := s.Cells(t.Context(), id, o.Account(i), kinds.All)
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range all {
					text, err := engine.EncodeCell(c)
					if err != nil {
						t.Fatal(err)
					}
					if !bytes.Contains(text, []byte(`"stopped"`)) { // or it was broken off, and has to be read again
						cells[c.Account+" "+c.Region+" "+strings.TrimPrefix(c.Service, "cloudwatch")] = true
					}
				}
			}
			r.mu.Lock()
			before := len(r.answers)
			r.hang = 0
			r.mu.Unlock()
			runs(t, env, args...)
			comes(t, "the scan is done", func() bool {
				x, err = s.Scan(t.Context(), id)
				return err == nil && x.State.Over()
			})
			if x.State != store.Done {
				t.Fatalf("the scan is %s: %s", x.State, x.Failure)
			}
			if got := keptBy(t, s, id); !slices.Equal(got, want) {
				t.Errorf("%d verdicts, want %d", len(got), len(want))
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			again, of := 0, 0
			for key, n := range r.answers {
				where, what, _ := strings.Cut(key, ": ")
				if !cells[where] {
					continue
				}
				if of++; n > 1 {
					again++
					t.Errorf("%s was kept, and asked again: %.200s", where, what)
				}
			}
			if len(cells) > 0 && of == 0 {
				t.Error("nothing is known of what was asked")
			}
			t.Logf("%d cells of %d requests were kept after %d requests", len(cells), of, before)
		})
	}
}

// Of a service and three workers on PostgreSQL two workers are killed at some moment: the result is that of an undisturbed scan.
func TestWorkersAreKilled(t *testing.T) {
	t.Parallel()
	address := storetest.Postgres(t)
	o := newOrganization(t)
	o.Synthetic.Accounts = 8
	whole := stdoutOf(t, o, "scan", "--org", "--rules", served, "--status", "pass,fail,not-applicable,not-assessed", "-o", "json")
	o.Latency = func(awstest.Request) time.Duration { return 20 * time.Millisecond }
	server := httptest.NewServer(o.Synthetic)
	defer server.Close()
	env := append(slices.Clone(o.env), "AWS_ENDPOINT_URL="+server.URL, "SCANNER_DATABASE="+address)
	var workers []*program
	for range 3 {
		workers = append(workers, runs(t, env, "worker", "--accounts-at-once", "2"))
	}
	runs(t, env, "serve", "--listen", "127.0.0.1:0", "--accounts-at-once", "1", "--config", settingsFile(t, overdue(t, address)))
	s := openStore(t, address)
	comes(t, "something is kept", func() bool {
		var n int
		return s.DB.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM cells`).Scan(&n) == nil && n > 0
	})
	for _, i := range rand.Perm(3)[:2] {
		wait := rand.N(300 * time.Millisecond)
		t.Logf("worker %d is killed after %s", i, wait)
		time.Sleep(wait)
		workers[i].end(t, syscall.SIGKILL)
	}
	var x store.Scan
	comes(t, "the scan is over", func() bool { x = newest(t, s, "nightly"); return x.State.Over() })
	if x.State != store.Done {
		t.Fatalf("the scan is %s: %s", x.State, x.Failure)
	}
	if got, want := keptBy(t, s, x.ID), verdicts(t, whole); !slices.Equal(got, want) {
		t.Errorf("%d verdicts, want %d", len(got), len(want))
	}
	type coverage struct {
		Coverage struct {
			Cells, Assessed int
			Gaps            []json.RawMessage
		}
	}
	var got, want coverage
	x, err := s.Scan(t.Context(), x.ID)
	if err := errors.Join(err, json.Unmarshal(x.Head, &got), json.Unmarshal(whole, &want)); err != nil {
		t.Fatal(err)
	}
	if got.Coverage.Cells != want.Coverage.Cells || got.Coverage.Assessed != want.Coverage.Assessed || len(got.Coverage.Gaps) != len(want.Coverage.Gaps) {
		t.Errorf("coverage: %d of %d cells and %d gaps, want %d of %d and %d", got.Coverage.Assessed, got.Coverage.Cells, len(got.Coverage.Gaps), want.Coverage.Assessed, want.Coverage.Cells, len(want.Coverage.Gaps))
	}
	failures := map[string]bool{}
	var told struct{ Results []report.Finding }
	if err := json.Unmarshal(whole, &told); err != nil {
		t.Fatal(err)
	}
	for _, f := range told.Results {
		if f.Status == "fail" {
			failures[f.Identity] = true
		}
	}
	if n, err := s.Count(t.Context(), store.Filter{Stream: "nightly", State: "open"}); err != nil || n != len(failures) {
		t.Errorf("%d findings are open, want %d (%v)", n, len(failures), err)
	}
}

// stdoutOf runs the scanner on an organization.
func stdoutOf(t *testing.T, o *organization, args ...string) []byte {
	t.Helper()
	c, stdout, stderr := scanner(t, o.env, args...)
	if code := exitCode(t, c.Run()); code != report.ExitFine {
		t.Fatalf("%q: exit %d: %s", args, code, stderr)
	}
	return stdout.Bytes()
}

// Credentials that are not there make no scan: it says so in one sentence, and is done as soon as there are some.
func TestNoCredentials(t *testing.T) {
	t.Parallel()
	o := newOrganization(t)
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "credentials")
	env := []string{"AWS_ENDPOINT_URL=" + o.server.URL, "AWS_REGION=eu-west-1", "AWS_SHARED_CREDENTIALS_FILE=" + file}
	p := runs(t, env, "serve", "--listen", "127.0.0.1:0", "--data", dir, "--config", settingsFile(t, overdue(t, dir)))
	s := openStore(t, dir)
	var x store.Scan
	comes(t, "the failure is noted", func() bool { x = newest(t, s, "nightly"); return x.State == store.Running && x.Failure != "" })
	if want := "finding the accounts to read: no AWS credentials found: set AWS_PROFILE"; !strings.HasPrefix(x.Failure, want) || strings.Contains(x.Failure, "\n") {
		t.Errorf("the failure is %q, not %q", x.Failure, want)
	}
	if !strings.Contains(p.log(), x.Failure[:len("finding the accounts to read: no AWS credentials")]) {
		t.Error("the log does not say it")
	}
	c, stdout, _ := scanner(t, nil, "status", "--data", dir)
	if code := exitCode(t, c.Run()); code != report.ExitFine || !strings.Contains(stdout.String(), "is tried again: finding the accounts to read: no AWS credentials") {
		t.Errorf("status: exit %d: %s", code, stdout)
	}
	if err := os.WriteFile(file, []byte("[default]\naws_access_key_id = "+o.Key(o.Account(0))+"\naws_secret_access_key = any\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	comes(t, "the scan is done", func() bool { x = newest(t, s, "nightly"); return x.State == store.Done })
	if x.Failure != "" {
		t.Errorf("a scan that is done has failed: %s", x.Failure)
	}
}

// What is changed in the settings counts for the next scan. A mistake is told once for each scan, which goes by what the settings said before.
func TestSettingsChange(t *testing.T) {
	t.Parallel()
	o := newOrganization(t)
	dir := t.TempDir()
	name := filepath.Join(dir, "scanner.yaml")
	write := func(rules string) {
		t.Helper()
		text := "rules: [" + rules + "]\nschedules:\n- {name: often, cron: '@every 1s'}\n"
		if err := os.WriteFile(name+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(name+".new", name); err != nil {
			t.Fatal(err)
		}
	}
	write("sqs-queue-dead-letter-queue")
	p := runs(t, o.env, "serve", "--listen", "127.0.0.1:0", "--data", dir, "--config", name)
	s := openStore(t, dir)
	rules := func() (id string, all []string) {
		x, err := s.Last(t.Context(), "often")
		if err != nil {
			return "", nil
		}
		var head struct{ Rules []struct{ ID string } }
		if err := json.Unmarshal(x.Head, &head); err != nil {
			t.Fatal(err)
		}
		for _, r := range head.Rules {
			all = append(all, r.ID)
		}
		return x.ID, all
	}
	comes(t, "a scan", func() bool { _, all := rules(); return slices.Equal(all, []string{"sqs-queue-dead-letter-queue"}) })
	write("sqs-queue-dead-letter-queue, ssm-parameter-secure")
	comes(t, "a scan by other rules", func() bool { _, all := rules(); return len(all) == 2 })
	write("sqs-queue-dead-leter-queue")
	const told = "the settings cannot be read: this scan goes by those that could be read last"
	comes(t, "three scans in spite of a mistake", func() bool { return strings.Count(p.log(), told) >= 3 })
	broken, _ := rules()
	write("ssm-parameter-secure")
	comes(t, "a scan by the third settings", func() bool { _, all := rules(); return slices.Equal(all, []string{"ssm-parameter-secure"}) })
	if broken == "" || !strings.Contains(p.log(), `scanner.yaml:1: rules: no rule matches \"sqs-queue-dead-leter-queue\"`) {
		t.Errorf("the log does not say what is wrong")
	}
	all, err := s.Scans(t.Context(), "often", 1000)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(p.log(), "ERROR"); n > len(all) {
		t.Errorf("%d errors in %d scans", n, len(all))
	}
	if err := os.WriteFile(name, []byte("rules: [ssm-parameter-secure]\nschedules:\n- {name: other, cron: '@every 1s'}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	comes(t, "a scan by a schedule that is new", func() bool { _, err := s.Last(t.Context(), "other"); return err == nil })
	before, err := s.Scans(t.Context(), "often", 1000)
	if err != nil {
		t.Fatal(err)
	}
	last, _ := s.Last(t.Context(), "other")
	comes(t, "the next one", func() bool { x, err := s.Last(t.Context(), "other"); return err == nil && x.ID != last.ID })
	if after, err := s.Scans(t.Context(), "often", 1000); err != nil || len(after) != len(before) {
		t.Errorf("%d scans by a schedule that was taken out, %v", len(after)-len(before), err)
	}
}

// A directory has one service, whoever comes second is told, and neither is disturbed.
func TestTwoServices(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := runs(t, nil, "serve", "--listen", "127.0.0.1:0", "--data", dir)
	c, _, stderr := scanner(t, nil, "serve", "--listen", "127.0.0.1:0", "--data", dir)
	code := exitCode(t, c.Run())
	want := fmt.Sprintf(`^scanner: another scanner serve \(process %d on \S+\) uses \S+: end that one, or give this one a directory of its own; several machines share a PostgreSQL database\n$`, first.Process.Pid)
	if code != report.ExitUsage || !regexp.MustCompile(want).MatchString(stderr.String()) {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if answer, err := http.Get(first.url + "/healthz"); err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("the first one is disturbed: %v", err)
	}
	first.end(t, syscall.SIGKILL)
	runs(t, nil, "serve", "--listen", "127.0.0.1:0", "--data", dir).end(t, syscall.SIGTERM)
}

// A database of a newer scanner is left alone, by all commands.
func TestNewerDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openStore(t, dir)
	if _, err := s.DB.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, true)`); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"serve", "--listen", "127.0.0.1:0"}, {"status"}, {"history", "abcd"}, {"db", "migrate"}, {"db", "migrate", "--to", "0"}, {"db", "prune"}} {
		c, _, stderr := scanner(t, nil, append(args, "--data", dir)...)
		if code := exitCode(t, c.Run()); code != report.ExitFailed || !regexp.MustCompile(`^scanner: the tables of \S+ are of a newer scanner \(version 99, this one knows \d+\): use that scanner, or go back with its scanner db migrate --to \d+\n$`).MatchString(stderr.String()) {
			t.Errorf("%q: exit %d: %s", args, code, stderr)
		}
	}
	c, stdout, _ := scanner(t, nil, "db", "status", "--data", dir)
	if code := exitCode(t, c.Run()); code != report.ExitFine || !strings.Contains(stdout.String(), "newer than this scanner knows") {
		t.Errorf("db status: exit %d: %s", code, stdout)
	}
}

// All that looks after a database works on either sort.
func TestDatabaseCommands(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		where := "--data"
		if strings.HasPrefix(address, "postgres") {
			where = "--database"
		}
		run := func(want int, pattern string, args ...string) {
			t.Helper()
			c, stdout, stderr := scanner(t, nil, append(args, where, address)...)
			code := exitCode(t, c.Run())
			if text := stdout.String() + stderr.String(); code != want || !regexp.MustCompile(pattern).MatchString(text) {
				t.Errorf("%q: exit %d: %s, want %d: %s", args, code, text, want, pattern)
			}
		}
		run(0, `^tables of version \d+\n$`, "db", "migrate")
		run(0, `^tables of version 1\n$`, "db", "migrate", "--to", "1")
		run(0, `^tables of version 1, this scanner knows \d+: older than this scanner needs: scanner db migrate brings them up to date, as serve does when it starts\n$`, "db", "status")
		run(4, `^scanner: this scanner knows migrations up to \d+, not 1000\n$`, "db", "migrate", "--to", "1000")
		run(0, `^tables of version \d+\n$`, "db", "migrate")
		run(0, `: up to date\n$`, "db", "status")
		for range 3 {
			run(0, ``, "scan", "--demo", "--no-save", "-q", "--store")
		}
		run(0, `^dropped: [1-9]\d* pieces of snapshots, 0 scans, 0 findings\n$`, "db", "prune", "--snapshots", "1")
		dir := t.TempDir()
		run(0, `^$`, "db", "backup", dir+"/backup.db")
		run(4, `backup.db is there already\n$`, "db", "backup", dir+"/backup.db")
		run(4, ` holds scans already: restore into an empty database\n$`, "db", "restore", dir+"/backup.db")
		run(4, `none.db: no such file or directory\n$`, "db", "restore", dir+"/none.db")
		c, out, _ := scanner(t, nil, "status", where, address)
		if err := c.Run(); err != nil {
			t.Fatal(err)
		}
		stdout(t, "db", "restore", dir+"/backup.db", "--data", dir+"/other")
		if got := string(stdout(t, "status", "--data", dir+"/other")); got != out.String() || !strings.Contains(got, "adhoc") {
			t.Errorf("restored: %s, want %s", got, out)
		}
		if where == "--database" {
			if _, err := openStore(t, address).DB.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, true)`); err != nil {
				t.Fatal(err)
			}
			run(4, `^scanner: the tables of \S+ are of a newer scanner \(version 99, `, "db", "migrate")
			run(4, `^scanner: the tables of \S+ are of a newer scanner \(version 99, `, "worker")
		}
	})
}

// A full disk ends neither the service nor the scan: when there is room again it is done, and nothing of it was shown before.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=3m"); err != nil {
		t.Skipf("no file system of three megabytes can be mounted: %v", err)
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	o := newOrganization(t)
	r := &recorder{next: o.Synthetic, answers: map[string]int{}, hangs: make(chan bool, 1), goOn: make(chan bool), hang: 60}
	server := httptest.NewServer(r)
	defer server.Close()
	settings := settingsFile(t, overdue(t, dir))
	s := openStore(t, dir)
	p := runs(t, append(slices.Clone(o.env), "AWS_ENDPOINT_URL="+server.URL), "serve", "--listen", "127.0.0.1:0", "--data", dir, "--config", settings)
	<-r.hangs
	ballast := filepath.Join(dir, "ballast")
	exec.Command("dd", "if=/dev/zero", "of="+ballast, "bs=4096").Run() // until there is no room
	close(r.goOn)
	comes(t, "the disk is full", func() bool { return strings.Contains(p.log(), "full") })
	if _, err := s.Last(t.Context(), "nightly"); err == nil {
		t.Error("half a scan is shown")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	var x store.Scan
	comes(t, "the scan is done", func() bool { x = newest(t, s, "nightly"); return x.State == store.Done })
	if got, want := keptBy(t, s, x.ID), o.scan(t); !slices.Equal(got, want) {
		t.Errorf("%d verdicts, want %d", len(got), len(want))
	}
}
