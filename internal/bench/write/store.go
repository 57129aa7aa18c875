package main

import (
	"cmp"
	"fmt"
	"runtime"
	"strings"
	"time"
)

// An answer is something that people wait for, and how long they may, in seconds.
type answer struct {
	what, benchmark string
	limit           float64
}

var answers = []answer{
	{"First page of open findings, the worst first", "Page/first", 0.2},
	{"Page 300 of them", "Page/deep", 0.2},
	{"First page of all streams and states", "Page/all-streams", 0.2},
	{"First page of a rule", "Page/rule", 0.2},
	{"First page of an account", "Page/account", 0.2},
	{"First page with a text", "Page/text", 1},
	{"First page of those that are fixed", "Page/fixed", 0.2},
	{"Number of open findings", "Count/open", 0.2},
	{"of two severities", "Count/severity", 0.2},
	{"of a rule", "Count/rule", 0.2},
	{"of an account", "Count/account", 0.2},
	{"of a pillar", "Count/pillar", 0.2},
	{"of an owner", "Count/owner", 0.2},
	{"that nobody can see any more", "Count/unassessed", 0.2},
	{"with a text", "Count/text", 1},
	{"Trend of all scans", "Trend/all", 1},
	{"Trend of the last 720, of one pillar", "Trend/month", 1},
	{"Life of a finding", "History", 0.05},
	{"Finding by the beginning of its fingerprint", "Find", 0.05},
	{"Events of a scan", "EventsOf", 0.2},
	{"Events of a day", "EventsSince/day", 0.5},
	{"Time to fix", "TimeToFix", 1},
	{"Last scan of a stream", "Last", 0.05},
	{"Scans under way", "Unfinished", 0.05},
	{"Looking for what is old, where nothing is", "Prune/nothing", 1},
}

// recorded are scans of 50 000 findings.
var recorded = []struct{ what, benchmark string }{
	{"The first of a stream", "Scan/first"},
	{"One that finds what the last one found", "Scan/unchanged"},
	{"One of whose findings a hundredth is new, and as much fixed", "Scan/churn"},
}

const (
	maxRecord = 15  // seconds
	maxPeak   = 256 // MB
)

func (f *figures) storeDocument() (text string, missed []string) {
	var b strings.Builder
	met := func(what string, x, limit float64) string {
		if x <= limit {
			return show(x)
		}
		missed = append(missed, fmt.Sprintf("%s: %s instead of %s", what, show(x), show(limit)))
		return "**" + show(x) + "**"
	}
	of := func(database, benchmark, unit string) float64 {
		return f.of("Store/database="+database+"/"+benchmark, unit)
	}
	const lite, server, mega = "sqlite", "postgres", 1e6
	fmt.Fprintf(&b, `# Benchmarks of what is kept

%s wrote this file on %s, on a machine with %d cores (%s), %s of memory and %s. PostgreSQL runs on the same cores, as it is installed, but for fsync.

The database holds a thousand scans of one stream, in a hundred accounts. Each found 50 000 failures; of these a hundredth was new each time, and as many of those that were there were fixed, so that it
knows 50 000 that are open and half a million that are fixed, with a million events. It takes %s MB as a file and %s MB in PostgreSQL.

## What people wait for

| What | SQLite, s | PostgreSQL, s | Limit, s |
| --- | ---: | ---: | ---: |
`, "`make bench-store`", time.Now().UTC().Format(time.DateOnly), runtime.NumCPU(), cmp.Or(f.cpu, runtime.GOARCH), memory(), runtime.Version(), thousands(of(lite, "Size", "B")/mega), thousands(of(server, "Size", "B")/mega))
	for _, a := range answers {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", a.what, met(a.what+" of SQLite", of(lite, a.benchmark, "ns/op")/1e9, a.limit), met(a.what+" of PostgreSQL", of(server, a.benchmark, "ns/op")/1e9, a.limit), show(a.limit))
	}
	fmt.Fprintf(&b, `
Figures in bold miss their limit. Scans are recorded while people look: they wait for nobody.

## What scans wait for

A scan reads what is known, is compared with that, and is recorded, with a snapshot of 4 MB. Its results come from memory: what judging takes is in [benchmarks.md](benchmarks.md). Memory is that of the heap beyond what was there before.

| Scan of 50 000 findings | SQLite: comparing, s | recording, s | memory, MB | PostgreSQL: comparing, s | recording, s | memory, MB |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
`)
	for _, r := range recorded {
		fmt.Fprintf(&b, "| %s |", r.what)
		for _, database := range []string{lite, server} {
			fmt.Fprintf(&b, " %s | %s | %s |", show(of(database, r.benchmark, "compare-s")), met(r.what+" of "+database, of(database, r.benchmark, "record-s"), maxRecord),
				met("MB of "+r.what+" of "+database, of(database, r.benchmark, "peak-B")/mega, maxPeak))
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, `
Recording may take %d s and %d MB. Dropping half of all, once, took %s s in SQLite and %s s in PostgreSQL: 2000 findings at a time, so that others write in between.
`, maxRecord, maxPeak, show(of(lite, "Prune/half", "wall-s")), show(of(server, "Prune/half", "wall-s")))
	return b.String(), missed
}
