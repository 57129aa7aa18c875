package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"golang.org/x/term"

	"awsscanner/internal/collect"
)

// A progress is what is told about a scan while it reads.
type progress struct {
	collect.Progress
	all     []account
	regions int
	started time.Time
}

// watch tells how far a scan is until it is stopped: in one line on a terminal, otherwise in log lines every few seconds.
func (p *progress) watch(w io.Writer, format string) (stop func()) {
	every, show, clear := 5*time.Second, p.log(w, format), func() {}
	if f, ok := w.(*os.File); ok && format == "text" && term.IsTerminal(int(f.Fd())) {
		every, show, clear = 250*time.Millisecond, func() {
			text := p.text()
			if width, _, err := term.GetSize(int(f.Fd())); err == nil && len(text) > width-1 {
				text = text[:max(0, width-1)]
			}
			fmt.Fprintf(f, "\r%s\x1b[K", text)
		}, func() { fmt.Fprint(f, "\r\x1b[K") }
	}
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				show()
			case <-done:
				clear()
				return
			}
		}
	}()
	return func() { close(done); <-gone }
}

// text is the line for a terminal.
func (p *progress) text() string {
	what := fmt.Sprintf("%d of %d accounts", p.Accounts.Load(), len(p.all))
	if len(p.all) == 1 {
		what = "account " + p.all[0].id
	}
	text := fmt.Sprintf("reading %s: %d of %d regions, %d of %d calls known", what, p.Regions.Load(), p.regions, p.Calls.Load(), p.Expected.Load())
	if rate := p.rate(); rate > 0 {
		text += fmt.Sprintf(", %.0f a second", rate)
	}
	if _, throttled := counts(p.all); throttled > 0 {
		text += fmt.Sprintf(", %d throttled", throttled)
	}
	if left := p.left(); left > 0 {
		text += fmt.Sprintf(", about %s left", left)
	}
	return text
}

// log returns a function that writes the same as a log line.
func (p *progress) log(w io.Writer, format string) func() {
	logger := slog.New(slog.NewTextHandler(w, nil))
	if format == "json" {
		logger = slog.New(slog.NewJSONHandler(w, nil))
	}
	return func() {
		_, throttled := counts(p.all)
		about := []slog.Attr{slog.Int64("accounts", p.Accounts.Load()), slog.Int("accountsTotal", len(p.all)),
			slog.Int64("regions", p.Regions.Load()), slog.Int("regionsTotal", p.regions), slog.Int64("calls", p.Calls.Load()), slog.Int64("callsKnown", p.Expected.Load()),
			slog.Int("callsPerSecond", int(p.rate())), slog.Int("throttled", throttled)}
		if left := p.left(); left > 0 {
			about = append(about, slog.Int("secondsLeft", int(left.Seconds())))
		}
		logger.LogAttrs(context.Background(), slog.LevelInfo, "reading", about...)
	}
}

// rate is in calls a second since the scan began.
func (p *progress) rate() float64 {
	return float64(p.Calls.Load()) / max(time.Since(p.started).Seconds(), 1)
}

// left estimates the time that is left: by calls, of which more become known while lists are read, and by regions, which
// are done when all calls in them are.
func (p *progress) left() time.Duration {
	calls, regions := p.Calls.Load(), p.Regions.Load()
	if calls == 0 || regions == 0 { // nobody can know yet
		return 0
	}
	share := min(float64(calls)/float64(max(p.Expected.Load(), 1)), float64(regions)/float64(max(p.regions, 1)))
	return (time.Duration(float64(time.Since(p.started)) * (1 - share) / share)).Round(time.Second)
}
