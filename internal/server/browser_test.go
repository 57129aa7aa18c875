package server

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"awsscanner/internal/config"
	"awsscanner/internal/store"
)

var (
	browser  = flag.Bool("browser", false, "fail where pages cannot be opened in a browser, instead of leaving that out")
	tools    = flag.String("tools", "../../bin/node_modules", "where playwright-core and axe-core are (make browser fetches them)")
	pictures = flag.String("pictures", "", "write pictures of all pages into this directory")
)

// TestBrowser opens the pages in Debian's Chromium, driven by Playwright: testdata/dashboard.mjs says what is tried.
func TestBrowser(t *testing.T) {
	missing := func(format string, args ...any) {
		t.Helper()
		if *browser {
			t.Fatalf(format, args...)
		}
		t.Skipf(format, args...)
	}
	chromium := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			chromium = cmp.Or(chromium, found)
		}
	}
	if chromium == "" {
		missing("there is no browser, so nobody has seen the pages: apt-get install chromium")
	}
	if _, err := exec.LookPath("node"); err != nil {
		missing("there is no node, which drives the browser, so nobody has seen the pages: apt-get install nodejs")
	}
	dir, err := filepath.Abs(*tools)
	if err != nil {
		t.Fatal(err)
	}
	playwright, axe := filepath.Join(dir, "playwright-core", "index.mjs"), filepath.Join(dir, "axe-core", "axe.min.js")
	if _, err := os.Stat(playwright); err != nil {
		missing("there is no Playwright in %s, so nobody has seen the pages: make browser fetches it by npm", *tools)
	}
	if _, err := os.Stat(axe); err != nil {
		if axe = ""; *browser {
			t.Fatalf("there is no axe-core in %s: make browser fetches it by npm", *tools)
		}
		t.Logf("there is no axe-core in %s, so accessibility is not checked", *tools)
	}

	w := build(t, nil)
	causes(t, w.store)
	w.serve(func(o *Options) {
		o.Settings.LocalRole = config.Admin
		start := o.StartScan
		o.StartScan = func(ctx context.Context, stream string) (string, error) {
			id, err := start(ctx, stream)
			if err != nil {
				return "", err
			}
			if _, err := w.store.Start(ctx, id, now); err != nil {
				return "", err
			}
			go w.pretend(id)
			return id, nil
		}
	})
	open := w.listenAndServe()
	guarded := build(t, nil)
	_, token := guarded.token(config.Admin, time.Time{})
	guarded.close(nil)
	closed := guarded.listenAndServe()

	script, err := filepath.Abs("testdata/dashboard.mjs")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	args := []string{script, playwright, chromium, axe, open, closed, token}
	if *pictures != "" {
		args = append(args, *pictures)
	}
	c := exec.CommandContext(ctx, "node", args...)
	c.Dir = t.TempDir()
	c.WaitDelay = 5 * time.Second
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	n := 0
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "ok "); ok {
			t.Run(name, func(*testing.T) {})
			n++
		} else if rest, ok := strings.CutPrefix(line, "not ok "); ok {
			name, why, _ := strings.Cut(rest, ": ")
			t.Run(name, func(t *testing.T) { t.Error(strings.ReplaceAll(why, " | ", "\n")) })
			n++
		}
	}
	if err != nil || n < 15 {
		t.Errorf("%d checks, %v: %s", n, err, stderr.String())
	}
}

// listenAndServe serves a world on a free port until the test ends, and returns its address.
func (w *world) listenAndServe() string {
	w.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.ServeOn(ctx, l) }()
	w.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			w.Error(err)
		}
	})
	return "http://" + l.Addr().String()
}

// pretend makes a scan that goes on for a moment: the first one until somebody cancels it, the next fails by itself.
func (w *world) pretend(id string) {
	w.mu.Lock()
	w.progress = Progress{Phase: "reading", Accounts: 1, AccountsTotal: 4, Regions: 3, RegionsTotal: 20, Calls: 17}
	first := len(w.started) == 1
	w.mu.Unlock()
	time.Sleep(300 * time.Millisecond)
	w.mu.Lock()
	w.progress = Progress{Phase: "reading", Accounts: 1, AccountsTotal: 4, Regions: 7, RegionsTotal: 20, Calls: 4211, CallsKnown: 9000, Throttled: 12, CallsPerSecond: 160, SecondsLeft: 95}
	w.mu.Unlock()
	if first {
		return
	}
	time.Sleep(300 * time.Millisecond)
	w.store.End(context.Background(), id, store.Failed, "there are no credentials: no credentials", now)
}
