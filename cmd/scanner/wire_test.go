package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"awsscanner/internal/report"
)

// isIdentity answers a request for sts:GetCallerIdentity, and tells whether it was one.
func isIdentity(w http.ResponseWriter, r *http.Request) bool {
	if r.FormValue("Action") != "GetCallerIdentity" {
		return false
	}
	w.Header().Set("Content-Type", "text/xml")
	io.WriteString(w, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
		<Arn>arn:aws:sts::111122223333:assumed-role/nothing/me</Arn><UserId>AROA:me</UserId><Account>111122223333</Account>
		</GetCallerIdentityResult></GetCallerIdentityResponse>`)
	return true
}

// deny refuses all that a policy can refuse.
func deny(w http.ResponseWriter, r *http.Request) {
	if isIdentity(w, r) {
		return
	}
	action := r.FormValue("Action")
	switch {
	case r.FormValue("Version") == "2016-11-15": // EC2
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized to perform this operation.</Message></Error></Errors><RequestID>r-1</RequestID></Response>`)
	case strings.Contains(r.Header.Get("Authorization"), "/s3/aws4_request"):
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, `<Error><Code>AccessDenied</Code><Message>no identity-based policy allows the action</Message></Error>`)
	case action != "":
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized to perform %s</Message></Error><RequestId>r-1</RequestId></ErrorResponse>`, action)
	default:
		w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, `{"__type":"AccessDeniedException","message":"no identity-based policy allows the action"}`)
	}
}

func expire(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusForbidden)
	io.WriteString(w, `<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>The security token included in the request is expired</Message></Error><RequestId>r-1</RequestId></ErrorResponse>`)
}

// scanner returns a command that runs the scanner as a program of its own.
func scanner(t *testing.T, env []string, args ...string) (c *exec.Cmd, stdout, stderr *bytes.Buffer) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	c = exec.CommandContext(ctx, exe, args...)
	c.Args[0] = "scanner"
	c.Env = append([]string{"HOME=" + t.TempDir(), "AWS_EC2_METADATA_DISABLED=true"}, env...)
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	c.Stdout, c.Stderr = stdout, stderr
	return c, stdout, stderr
}

func exitCode(t *testing.T, err error) int {
	t.Helper()
	if err == nil {
		return 0
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return exit.ExitCode()
}

func TestInterrupt(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers func(w http.ResponseWriter, r *http.Request) bool
		saved   bool
		says    string
	}{
		{"before anything is known", func(http.ResponseWriter, *http.Request) bool { return false }, false, `^scanner: interrupted before anything was read\n$`},
		{"before regions are known", isIdentity, true, `^scanner: interrupted: what was not read is reported as not assessed; what was read is in \S+, and scanner scan --resume goes on from there\n$`},
		{"while reading", func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/listRegions" {
				w.Header().Set("Content-Type", "application/json")
				io.WriteString(w, `{"Regions":[{"RegionName":"eu-west-1","RegionOptStatus":"ENABLED_BY_DEFAULT"},{"RegionName":"us-east-1","RegionOptStatus":"ENABLED_BY_DEFAULT"}]}`)
				return true
			}
			return isIdentity(w, r)
		}, true, `^scanner: interrupted: .* what was read is in \S+, and scanner scan --resume goes on from there\n$`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			hangs := make(chan bool, 1)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !c.answers(w, r) {
					select {
					case hangs <- true:
					default:
					}
					io.Copy(io.Discard, r.Body) // or nobody sees the other side go
					<-r.Context().Done()
				}
			}))
			defer server.Close()
			env := []string{"AWS_ENDPOINT_URL=" + server.URL, "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "XDG_STATE_HOME=" + t.TempDir()}
			cmd, stdout, stderr := scanner(t, env, "scan", "-o", "json")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			<-hangs
			began := time.Now()
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			if code := exitCode(t, cmd.Wait()); code != report.ExitInterrupted {
				t.Errorf("exit %d", code)
			}
			if took := time.Since(began); took > 15*time.Second {
				t.Errorf("it took %s, as if it had waited for the calls", took)
			}
			if !regexp.MustCompile(c.says).MatchString(stderr.String()) {
				t.Errorf("it says %q", stderr)
			}
			if !c.saved {
				if stdout.Len() > 0 {
					t.Errorf("it reports %s", stdout)
				}
				return
			}
			stopped := func(data []byte) {
				t.Helper()
				var r struct{ Results []report.Finding }
				if err := json.Unmarshal(data, &r); err != nil || len(r.Results) == 0 {
					t.Fatalf("%v: %s", err, data)
				}
				for _, x := range r.Results {
					if x.Gap == nil || x.Gap.Reason != "stopped" {
						t.Errorf("%s on %s: %s", x.Rule, x.Resource.ID, x.Message)
					}
				}
			}
			stopped(stdout.Bytes())
			name := regexp.MustCompile(`in (\S+), and`).FindStringSubmatch(stderr.String())[1]
			again, out, _ := scanner(t, env, "report", name, "-o", "json")
			if code := exitCode(t, again.Run()); code != report.ExitFailed { // as nothing could be assessed
				t.Errorf("report: exit %d", code)
			}
			stopped(out.Bytes())
		})
	}
}

func TestTimeout(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isIdentity(w, r) {
			io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		}
	}))
	defer server.Close()
	cmd, _, stderr := scanner(t, []string{"AWS_ENDPOINT_URL=" + server.URL, "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret"}, "scan", "--timeout", "300ms")
	if code := exitCode(t, cmd.Run()); code != report.ExitFailed || !strings.HasPrefix(stderr.String(), "scanner: --timeout ended the scan after 300ms: ") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// A reader that has gone (| head -1) is no error, and does not change the exit code.
func TestClosedPipe(t *testing.T) {
	state := "XDG_STATE_HOME=" + t.TempDir()
	first, _, stderr := scanner(t, []string{state}, "scan", "--demo")
	if err := first.Run(); err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	for _, c := range []struct {
		args string
		code int
	}{
		{"scan --demo", report.ExitFine},
		{"scan --demo --all", report.ExitFine},
		{"report -o json", report.ExitFine},
		{"report -o jsonl --fail-on high", report.ExitFound},
		{"report --rules acm-* --fail-on-incomplete", report.ExitIncomplete},
		{"rules list", report.ExitFine},
		{"rules list -o json", report.ExitFine},
		{"rules show sqs-queue-dead-letter-queue", report.ExitFine},
		{"calls", report.ExitFine},
		{"permissions", report.ExitFine},
		{"version", report.ExitFine},
		{"completion bash", report.ExitFine},
		{"help", report.ExitFine},
	} {
		t.Run(c.args, func(t *testing.T) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			r.Close()
			cmd, _, stderr := scanner(t, []string{state}, strings.Fields(c.args)...)
			cmd.Stdout = w
			code := exitCode(t, cmd.Run())
			w.Close()
			if code != c.code || strings.Contains(stderr.String(), "pipe") || c.code == 0 && stderr.Len() > 0 {
				t.Errorf("exit %d, want %d: %s", code, c.code, stderr)
			}
		})
	}
}
