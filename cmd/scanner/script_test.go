package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The test binary is the scanner if it is called so.
func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"scanner": main}) }

// TestScripts runs testdata/script/*.txtar. A script has no credentials, and a state directory of its own.
func TestScripts(t *testing.T) {
	told := new(hub)
	denied, expired, securityHub := httptest.NewServer(http.HandlerFunc(deny)), httptest.NewServer(http.HandlerFunc(expire)), httptest.NewServer(told)
	t.Cleanup(denied.Close)
	t.Cleanup(expired.Close)
	t.Cleanup(securityHub.Close)
	tool := httptest.NewServer(wellArchitected(t))
	t.Cleanup(tool.Close)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir+"/home")
			e.Setenv("STATE", e.WorkDir+"/home/.local/state/scanner")
			e.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			e.Setenv("DENIED", denied.URL)
			e.Setenv("EXPIRED", expired.URL)
			e.Setenv("HUB", securityHub.URL)
			e.Setenv("TOOL", tool.URL)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "fails": fails, "lines": lines, "published": told.write},
	})
}

// exits CODE COMMAND...: it ends with this code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit %d, want %d", got, want)
	}
	if stderr := ts.ReadFile("stderr"); strings.Contains(stderr, "panic") || strings.Contains(stderr, "goroutine") {
		ts.Fatalf("it broke down")
	}
}

var sentence = regexp.MustCompile(`\Ascanner: [^\n]*[^\s.]\n\z`)

// fails CODE REGEXP ARGUMENTS...: the scanner ends with this code, says why in one sentence, and nothing else.
func fails(ts *testscript.TestScript, neg bool, args []string) {
	exits(ts, neg, append([]string{args[0], "scanner"}, args[2:]...))
	if ts.ReadFile("stdout") != "" {
		ts.Fatalf("there is something on standard output")
	}
	if why := ts.ReadFile("stderr"); !sentence.MatchString(why) || regexp.MustCompile(`\. [A-Z]`).MatchString(why) || strings.Count(why, "scanner: ") > 1 {
		ts.Fatalf("not one sentence: %q", why)
	} else if !regexp.MustCompile(`(?m)` + args[1]).MatchString(why) {
		ts.Fatalf("%q does not match %s", why, args[1])
	}
}

// lines MOST: standard output had no more lines.
func lines(ts *testscript.TestScript, _ bool, args []string) {
	most, err := strconv.Atoi(args[0])
	ts.Check(err)
	if n := strings.Count(ts.ReadFile("stdout"), "\n"); n == 0 || n > most {
		ts.Fatalf("%d lines, want 1 to %d", n, most)
	}
}
