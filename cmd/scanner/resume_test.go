package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"awsscanner/internal/awstest"
	"awsscanner/internal/report"
)

// An organization is an emulator with three accounts, and the environment in which the scanner finds it.
type organization struct {
	*awstest.Synthetic
	server   *httptest.Server
	requests atomic.Int64
	kill     atomic.Int64 // after so many requests
	killed   chan bool
	env      []string
}

const served = "acm-certificate-not-expiring,cloudformation-stack-not-failed,cloudtrail-multi-region-enabled,cloudwatchlogs-group-encrypted," +
	"ec2-ebs-volume-not-on-stopped-instance,sqs-queue-dead-letter-queue,ssm-parameter-secure"

func newOrganization(t *testing.T) *organization {
	o := &organization{Synthetic: &awstest.Synthetic{Seed: 7, Accounts: 3, Regions: []string{"eu-west-1", "us-east-1"}, Resources: map[string]int{
		"AWS::SQS::Queue": 15, "AWS::Logs::LogGroup": 12, "AWS::SSM::Parameter": 12, "AWS::CertificateManager::Certificate": 6,
		"AWS::CloudFormation::Stack": 6, "AWS::EC2::Volume": 12, "AWS::EC2::Instance": 9, "AWS::KMS::Key": 9, "AWS::CloudTrail::Trail": 1}},
		killed: make(chan bool, 1)}
	o.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if o.requests.Add(1) == o.kill.Load() {
			o.killed <- true
			io.Copy(io.Discard, r.Body) // or nobody sees the other side go
			<-r.Context().Done()
			return
		}
		o.ServeHTTP(w, r)
	}))
	t.Cleanup(o.server.Close)
	o.env = []string{"AWS_ENDPOINT_URL=" + o.server.URL, "AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=" + o.Key(o.Account(0)), "AWS_SECRET_ACCESS_KEY=any",
		"XDG_STATE_HOME=" + t.TempDir()}
	return o
}

func (o *organization) state() string {
	return filepath.Join(strings.TrimPrefix(o.env[len(o.env)-1], "XDG_STATE_HOME="), "scanner")
}

// scan scans all accounts and returns the verdicts, a line each.
func (o *organization) scan(t *testing.T, args ...string) []string {
	t.Helper()
	o.kill.Store(0)
	c, stdout, stderr := scanner(t, o.env, append([]string{"scan", "--org", "--rules", served, "--status", "pass,fail,not-applicable,not-assessed", "-o", "json"}, args...)...)
	if code := exitCode(t, c.Run()); code != report.ExitFine {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	return verdicts(t, stdout.Bytes())
}

func verdicts(t *testing.T, data []byte) (lines []string) {
	t.Helper()
	var r struct{ Results []report.Finding }
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	for _, x := range r.Results {
		lines = append(lines, fmt.Sprintf("%s %s %s %s %s %s %s", x.Rule, x.Resource.Account, x.Resource.Region, x.Resource.ID, x.Status, x.Severity, x.Fingerprint))
	}
	return lines
}

// A scan that is killed at any point goes on where it was: it comes to the report of one that was left alone, and asks
// nothing about what it knows.
func TestKill(t *testing.T) {
	o := newOrganization(t)
	want := o.scan(t)
	total := o.requests.Load()
	if len(want) < 300 {
		t.Fatalf("only %d verdicts", len(want))
	}
	resumed := 0
	for _, share := range []int64{5, 20, 40, 60, 75, 90, 97} {
		os.RemoveAll(o.state())
		o.requests.Store(0)
		o.kill.Store(max(1, total*share/100))
		c, _, _ := scanner(t, o.env, "scan", "--org", "--rules", served)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		<-o.killed
		c.Process.Kill() // SIGKILL
		c.Wait()
		journals, err := filepath.Glob(filepath.Join(o.state(), "*.journal"))
		if err != nil || len(journals) > 1 {
			t.Fatalf("%d %%: %q, %v", share, journals, err)
		}
		if len(journals) == 0 { // nothing was read yet
			continue
		}
		o.requests.Store(0)
		resumed++
		if got := o.scan(t, "--resume"); !slices.Equal(got, want) {
			t.Errorf("killed after %d %%: %d verdicts, want %d", share, len(got), len(want))
			for _, l := range got {
				if !slices.Contains(want, l) {
					t.Log("got ", l)
				}
			}
		}
		again := o.requests.Load()
		if again > total {
			t.Errorf("killed after %d %%: %d of %d requests are made again", share, again, total)
		}
		if left, _ := filepath.Glob(filepath.Join(o.state(), "*.journal")); len(left) > 0 {
			t.Errorf("the journal is still there: %q", left)
		}
		t.Logf("killed after %d %% of %d requests, %d more when resumed", share, total, again)
	}
	if resumed < 4 {
		t.Errorf("only %d scans left something to resume", resumed)
	}
}

// What a resumed scan may take over, and what it refuses.
func TestResumeRules(t *testing.T) {
	o := newOrganization(t)
	want := o.scan(t)
	total := o.requests.Load()
	count := func(args ...string) int64 {
		t.Helper()
		o.requests.Store(0)
		if got := o.scan(t, args...); !slices.Equal(got, want) {
			t.Errorf("%q: other verdicts", args)
		}
		return o.requests.Load()
	}
	snapshots, err := filepath.Glob(filepath.Join(o.state(), "*.jsonl.zst"))
	if err != nil || len(snapshots) != 1 {
		t.Fatalf("%q, %v", snapshots, err)
	}
	enter := count("--resume") // who is calling, and which accounts and regions there are
	if enter > 20 {
		t.Errorf("%d requests, although everything is known", enter)
	}
	// Fewer rules need nothing more; other rules read what they need beside what is known.
	o.requests.Store(0)
	c, stdout, stderr := scanner(t, o.env, "scan", "--org", "--rules", "sqs-queue-dead-letter-queue", "--resume", snapshots[0], "-o", "json")
	if code := exitCode(t, c.Run()); code != report.ExitFine || len(verdicts(t, stdout.Bytes())) == 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	only := o.requests.Load()
	if got := count("--resume"); got < only || got >= total {
		t.Errorf("%d requests to read the rest, %d for one rule, %d for all", got, only, total)
	}

	refuse := func(env []string, says string, args ...string) {
		t.Helper()
		c, _, stderr := scanner(t, env, append([]string{"scan", "--rules", served}, args...)...)
		if code := exitCode(t, c.Run()); code != report.ExitUsage || !strings.Contains(stderr.String(), says) {
			t.Errorf("%q: exit %d: %s", args, code, stderr)
		}
	}
	refuse(o.env, "it is of account "+o.Account(1)+", but this scan reads "+o.Account(0), "--resume")
	refuse(o.env, "--resume: nothing.journal cannot be resumed: no such file or directory", "--resume", "nothing.journal")
	refuse(o.env, "--resume goes on with a scan that is kept: leave out --no-save", "--resume", "--no-save")
	refuse(append(slices.Clone(o.env), "XDG_STATE_HOME="+t.TempDir()), "no scan was kept yet", "--resume")

	// A journal that another process holds, one of yesterday, and one that is none.
	j, err := createJournal([]string{o.Account(0)}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(j.Name())
	io.WriteString(j, `{"schema":"scanner.snapshot/v1","start":"2026-01-01T00:00:00Z","read":[{"account":"`+o.Account(0)+`"}],"listed":[]}`+"\n")
	refuse(o.env, "is in use by another scanner", "--resume", j.Name())
	j.Close()
	refuse(o.env, "what it has may no longer be so: scan anew", "--resume", j.Name())
	os.WriteFile(j.Name(), []byte("{}\n"), 0o600)
	refuse(o.env, "this is no snapshot", "--resume", j.Name())
}

// A scan that goes on for other rules, regions or accounts comes to the snapshot of one that begins anew: nothing stays in it that
// was read for more.
func TestResumeOther(t *testing.T) {
	o, locked := newOrganization(t), newOrganization(t)
	locked.Faults = []awstest.Fault{{Kind: awstest.Denied, Op: "sts:AssumeRole", Resource: locked.Account(1)}}
	few := "sqs-queue-dead-letter-queue,cloudtrail-multi-region-enabled"
	read := func(o *organization, args ...string) (header map[string]any, lines []string) {
		t.Helper()
		name := filepath.Join(t.TempDir(), "s.jsonl")
		c, _, stderr := scanner(t, o.env, append([]string{"scan", "--save-snapshot", name}, args...)...)
		if code := exitCode(t, c.Run()); code != report.ExitFine {
			t.Fatalf("%q: exit %d: %s", args, code, stderr)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines = strings.Split(strings.TrimSpace(string(data)), "\n")
		if err := json.Unmarshal([]byte(lines[0]), &header); err != nil {
			t.Fatal(err)
		}
		delete(header, "start") // of the first scan
		return header, lines[1 : len(lines)-1]
	}
	for name, c := range map[string]struct {
		first       *organization
		begin, then []string
	}{
		"fewer rules":          {o, []string{"--org", "--rules", served}, []string{"--org", "--rules", few}},
		"other rules":          {o, []string{"--org", "--rules", few}, []string{"--org", "--rules", served}},
		"fewer regions":        {o, []string{"--org", "--rules", served}, []string{"--org", "--rules", served, "--regions", "us-east-1"}},
		"more regions":         {o, []string{"--org", "--rules", served, "--regions", "us-east-1"}, []string{"--org", "--rules", served}},
		"more accounts":        {o, []string{"--rules", served}, []string{"--org", "--rules", served}},
		"an account is opened": {locked, []string{"--org", "--rules", served}, []string{"--org", "--rules", served}},
	} {
		state := "XDG_STATE_HOME=" + t.TempDir()
		o.env[len(o.env)-1], c.first.env[len(c.first.env)-1] = state, state
		want, wantLines := read(o, append([]string{"--no-save"}, c.then...)...)
		read(c.first, c.begin...)
		got, gotLines := read(o, append([]string{"--resume"}, c.then...)...)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: header %v, want %v", name, got, want)
		}
		if !slices.Equal(gotLines, wantLines) {
			t.Errorf("%s: %d lines, want %d", name, len(gotLines), len(wantLines))
		}
	}
}
