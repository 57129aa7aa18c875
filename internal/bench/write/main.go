// Command write reads what the benchmarks of the scanner print and writes it as a document, with the machine, the
// limits and whether they are met. It exits 1 if one is not.
//
//	go test -run '^$' -bench . -benchtime 2x -timeout 30m ./internal/bench | go run ./internal/bench/write [-store] [FILE]
//
// With -store it is about the benchmarks of internal/store.
package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

func main() {
	name, document, args := filepath.Join("docs", "benchmarks.md"), (*figures).document, os.Args[1:]
	if len(args) > 0 && args[0] == "-store" {
		name, document, args = filepath.Join("docs", "benchmarks-store.md"), (*figures).storeDocument, args[1:]
	}
	if len(args) > 0 {
		name = args[0]
	}
	if err := run(os.Stdin, os.Stdout, name, document); err != nil {
		fmt.Fprintln(os.Stderr, "write:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, echo io.Writer, name string, document func(*figures) (string, []string)) error {
	f, err := read(io.TeeReader(in, echo))
	if err != nil {
		return err
	}
	text, missed := document(f)
	if f.missing != nil {
		return fmt.Errorf("%s is not written: there is no figure for %s", name, strings.Join(f.missing, ", "))
	}
	if err := atomically(name, text); err != nil {
		return err
	}
	if missed != nil {
		return fmt.Errorf("%s is written, but limits are not met: %s", name, strings.Join(missed, "; "))
	}
	return nil
}

// figures is what go test printed.
type figures struct {
	cpu     string
	values  map[string]map[string]float64 // by benchmark, by unit
	missing []string                      // that were asked for, but are not there
}

var result = regexp.MustCompile(`^Benchmark(\S+?)(-\d+)?\s+\d+\s+(.*)$`)

func read(in io.Reader) (*figures, error) {
	f := &figures{values: map[string]map[string]float64{}}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "FAIL") || strings.HasPrefix(line, "--- FAIL") {
			f.missing = append(f.missing, "all benchmarks, as one failed")
		}
		if model, ok := strings.CutPrefix(line, "cpu: "); ok {
			f.cpu = model
		}
		m := result.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		units := map[string]float64{}
		for fields := strings.Fields(m[3]); len(fields) > 1; fields = fields[2:] {
			x, err := strconv.ParseFloat(fields[0], 64)
			if err != nil {
				return nil, fmt.Errorf("%q is no figure of a benchmark", line)
			}
			units[fields[1]] = x
		}
		f.values[m[1]] = units
	}
	return f, lines.Err()
}

func (f *figures) of(benchmark, unit string) float64 {
	x, ok := f.values[benchmark][unit]
	if !ok {
		f.missing = append(f.missing, benchmark+" "+unit)
	}
	return x
}

// A goal is what the design allows, or demands.
type goal struct {
	what, benchmark, unit string
	limit                 float64
	shown                 string // the unit for people
	least                 bool   // the limit is what is demanded at least
}

var goals = []goal{
	{"Evaluation of 100 000 resources by 200 rules, streamed: CPU time", "Evaluate/rules=200/resources=100000", "cpu-s", 5, "s", false},
	{"Memory for each of 100 000 loaded resources, with all that rules compute from them", "Memory/resources=100000", "B/resource", 1500, "B", false},
	{"Start of the process to the arrival of its first request, median", "Startup", "ms", 100, "ms", false},
	{"JSON report of 100 000 verdicts of all kinds", "JSON/verdicts=100000", "wall-s", 3, "s", false},
	{"JSON report of 100 000 failures", "JSON/failures=100000", "wall-s", 3, "s", false},
	{"Table of 100 000 verdicts of all kinds", "Table/verdicts=100000", "wall-s", 3, "s", false},
	{"Table of 100 000 failures", "Table/failures=100000", "wall-s", 3, "s", false},
}

// collecting is what the design allows to reading accounts.
var collecting = []goal{
	{"Without throttling: time by the clock, in parts of latency x requests / 64", "CollectLatency", "x-ideal", 1.2, "", false},
	{"Without throttling: CPU time of a request", "CollectLatency", "µs/call", 1000, "µs", false},
	{"With throttling: the allowed rate that was used after the warm-up", "CollectThrottled", "%-used", 90, "%", true},
	{"With throttling: answers that were throttles after the warm-up", "CollectThrottled", "%-throttled", 5, "%", false},
	{"With throttling: results lost", "CollectThrottled", "lost", 0, "", false},
	{"Requests answered twice, without throttling", "CollectLatency", "duplicates", 0, "", false},
	{"Requests answered twice, with throttling", "CollectThrottled", "duplicates", 0, "", false},
	{"Requests answered twice, of 200 accounts", manyAccounts, "duplicates", 0, "", false},
}

const fewAccounts, manyAccounts = "CollectMemory/accounts=20", "CollectMemory/accounts=200"

// scans are the runs of which the figures come.
var scans = []struct{ what, benchmark string }{
	{"One account, without throttling", "CollectLatency"},
	{"One account, with throttling", "CollectThrottled"},
	{"20 accounts", fewAccounts},
	{"200 accounts", manyAccounts},
}

// maxMemory is how much more memory ten times as many accounts may take.
const maxMemory = 1.1

// growing are measured with ten thousand and with ten times as many.
var growing = []struct{ what, benchmark string }{
	{"Evaluation by the rules there are", "Evaluate/rules=all/resources"},
	{"Evaluation by 200 rules", "Evaluate/rules=200/resources"},
	{"Loading a snapshot", "Load/format=plain/resources"},
	{"Loading a compressed snapshot", "Load/format=zstd/resources"},
	{"Saving a snapshot", "Save/format=plain/resources"},
	{"Saving a compressed snapshot", "Save/format=zstd/resources"},
	{"JSON report of verdicts", "JSON/verdicts"},
	{"JSON report of failures", "JSON/failures"},
	{"Table of verdicts", "Table/verdicts"},
	{"Table of failures", "Table/failures"},
}

const maxGrowth = 12

func (f *figures) document() (text string, missed []string) {
	var b strings.Builder
	met := func(what string, x, limit float64) string {
		if x <= limit {
			return "yes"
		}
		missed = append(missed, fmt.Sprintf("%s: %s instead of %s", what, show(math.Abs(x)), show(math.Abs(limit))))
		return "**no**"
	}
	all, many := "Evaluate/rules=all/resources=100000", "Evaluate/rules=200/resources=100000"
	fmt.Fprintf(&b, `# Benchmarks

%s wrote this file on %s, on a machine with %d cores (%s), %s of memory and %s.

What is kept over time has figures of its own: [benchmarks-store.md](benchmarks-store.md).

The account is made up (internal/bench/account.go): queues with dead-letter queues, log groups and keys, parameters,
certificates, nested stacks, volumes on instances and trails in one account and three regions, with references that lead
nowhere, answers that were refused and lists that broke off. Ten times the resources have ten times of all of these,
in the same regions. The snapshot is read from a file, as by %s, except where saving is measured.

Of several runs the cheapest counts, since other work on the machine only ever adds; a run of 10 000 is the mean of ten, one
after another. CPU time includes that of the garbage collector on all cores. Nothing that an earlier run computed from a
snapshot is used by a later one.

## Limits

| What | Measured | Limit | Met |
| --- | ---: | ---: | --- |
`, "`make bench`", time.Now().UTC().Format(time.DateOnly), runtime.NumCPU(), cmp.Or(f.cpu, runtime.GOARCH), memory(), runtime.Version(), "`scanner report`")
	rows := func(goals []goal) {
		for _, g := range goals {
			x := f.of(g.benchmark, g.unit)
			word, sign := "", 1.0
			if g.least {
				word, sign = "at least ", -1
			}
			ok := met(g.what, sign*x, sign*g.limit)
			fmt.Fprintf(&b, "| %s | %s | %s%s | %s |\n", g.what, strings.TrimSpace(show(x)+" "+g.shown), word, strings.TrimSpace(show(g.limit)+" "+g.shown), ok)
		}
	}
	rows(goals)
	fmt.Fprintf(&b, `
The 200 rules are the %.0f there are, over and over under other IDs: %s verdicts. Copies judge as often as other rules
would, but share what is computed once for a snapshot: sorted kinds, joins and indexes. At %s verdicts a second it took
%s s by the clock.

A report is measured from a snapshot in memory to the last byte, and judges twice: for the sums, which come first, and for
the findings. One has at least 100 000 verdicts of the rules there are; the other as many failures, of rules that fail every
volume and give evidence. The table lists all of them.

Start-up is that of %s with credentials in the environment and an endpoint on the same machine.

## Growth

Ten times the resources or findings may cost at most %d times as much.

| What | 10 000 | 100 000 | Factor | Limit | Met |
| --- | ---: | ---: | ---: | ---: | --- |
`, f.of(all, "rules"), thousands(f.of(many, "verdicts")), thousands(f.of(many, "verdicts")/f.of(many, "wall-s")), show(f.of(many, "wall-s")), "`scanner scan`", maxGrowth)
	grow := func(what, unit string, small, large float64) {
		factor := large / small
		fmt.Fprintf(&b, "| %s | %s %s | %s %s | %.1f | %d | %s |\n", what, show(small), unit, show(large), unit, factor, maxGrowth, met("growth of "+what, factor, maxGrowth))
	}
	for _, g := range growing {
		grow(g.what, "s CPU", f.of(g.benchmark+"=10000", "cpu-s"), f.of(g.benchmark+"=100000", "cpu-s"))
	}
	const mega = 1e6
	grow("Memory", "MB", f.of("Memory/resources=10000", "B/resource")*10_000/mega, f.of("Memory/resources=100000", "B/resource")*100_000/mega)

	f.formats(&b)

	b.WriteString(`
## Collection

The built scanner reads made-up accounts (internal/awstest/synthetic.go), which the benchmark serves over HTTP on the same
cores: an account has three regions, and queues, log groups, parameters, certificates, stacks, volumes, instances, keys and
trails in the shares of the account above. A request is answered twice if the scanner asks again for what it has been told,
also because the answer was lost on its way. The scanner's CPU time and memory are its own; the server's CPU time is that of the
process that serves and measures. Resident memory is what the kernel has marked as the most, and so holds garbage as well.

| What | Measured | Limit | Met |
| --- | ---: | ---: | --- |
`)
	rows(collecting)
	few, all200 := f.of(fewAccounts, "peak-B"), f.of(manyAccounts, "peak-B")
	fmt.Fprintf(&b, "| Peak memory of 200 accounts, in parts of that of 20 | %s | %s | %s |\n", show(all200/few), show(maxMemory), met("memory of 200 accounts", all200/few, maxMemory))
	b.WriteString(`
Without throttling each answer takes 50 ms, and the scanner keeps at most 64 requests under way. With throttling each operation has
a token bucket in each region: 10 requests a second for certificates, stack events, log groups, parameters and trails, 20 for
EC2, 50 for attributes of queues, 100 for keys; those of ACM and EC2 are documented so. A bucket's first five seconds are warm-up.
Nothing is throttled or late in the scans of an organization, whose accounts have 1000 resources each.

| Scan | Requests | By the clock | CPU | CPU of the server | Peak memory | At once |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
`)
	for _, c := range scans {
		fmt.Fprintf(&b, "| %s | %s | %s s | %s s | %s s | %s MB | %.0f |\n", c.what, thousands(f.of(c.benchmark, "requests")), show(f.of(c.benchmark, "wall-s")),
			show(f.of(c.benchmark, "cpu-s")), show(f.of(c.benchmark, "server-cpu-s")), show(f.of(c.benchmark, "peak-B")/mega), f.of(c.benchmark, "at-once"))
	}
	fmt.Fprintf(&b, `
With throttling the least used bucket gave %s %% of its rate after the warm-up, and of all answers, warm-up included, %s %% were throttles.
A request costs the server %s µs.
`, show(f.of("CollectThrottled", "%-used-worst")), show(f.of("CollectThrottled", "%-throttled-in-all")), show(f.of("CollectLatency", "server-µs/call")))
	return b.String(), missed
}

// show writes three digits, or all before the point.
func show(x float64) string {
	switch {
	case x == float64(int(x)) || x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	case x >= 1:
		return fmt.Sprintf("%.2f", x)
	}
	return fmt.Sprintf("%.3f", x)
}

// thousands writes a large number with spaces.
func thousands(x float64) string {
	s := fmt.Sprintf("%.0f", x)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return s
}

// memory returns how much the machine has, where Linux tells.
func memory() string {
	b, _ := os.ReadFile("/proc/meminfo")
	var kB float64
	if _, err := fmt.Sscanf(string(b), "MemTotal: %f kB", &kB); err != nil {
		return "an unknown amount"
	}
	return fmt.Sprintf("%.0f GiB", kB/(1<<20))
}

// atomically replaces a file, so that whoever reads it meanwhile finds all of it, old or new.
func atomically(name, text string) (err error) {
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".benchmarks-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // in vain once it is renamed
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
