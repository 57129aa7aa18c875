package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
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

	"awsscanner/internal/engine"
	"awsscanner/internal/model/kinds"
	"awsscanner/internal/store"
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
		<-q.Context().Done()
		return
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
