package bench

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/ec2"
	"awsscanner/internal/model/kinds"
	"awsscanner/internal/report"
	"awsscanner/rules"
)

// Sizes are ten times apart, so that write can tell how costs grow.
const small, large = 10_000, 100_000

var sizes = []int{small, large}

var formats = []string{"plain", "zstd"}

// many returns n rules: the rules of the scanner, over and over under other IDs, in turn. Copies judge as often as
// other rules would, but share what is computed once for a snapshot: sorted kinds, joins and indexes.
func many(n int) []engine.Rule {
	out := make([]engine.Rule, n)
	for i := range out {
		out[i] = rules.All[i%len(rules.All)]
		if copied := i / len(rules.All); copied > 0 {
			out[i].ID += fmt.Sprintf("-%02d", copied)
		}
	}
	return out
}

// measure reports the CPU time, garbage collection included, and the time by the clock of f, which works on n things. It
// runs as many of f as make a large one, so that noise and the garbage collector hit both sizes alike, and that again and
// again for a second, as often as the benchmark asks for. The cheapest counts, since whatever else the machine does only
// ever adds. Before each f, before is called and the garbage collected, both free of charge. The time by the clock is
// returned as well.
func measure(b *testing.B, n int, before, f func()) time.Duration {
	cheapest, shortest := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
	for b.Loop() {
		for began := time.Now(); time.Since(began) < time.Second; {
			var spent, took time.Duration
			for range large / n {
				before()
				runtime.GC()
				clock, used := time.Now(), cpu()
				f()
				spent += cpu() - used
				took += time.Since(clock)
			}
			cheapest, shortest = min(cheapest, spent*time.Duration(n)/large), min(shortest, took*time.Duration(n)/large)
		}
	}
	b.ReportMetric(0, "ns/op") // which would count all of the above
	b.ReportMetric(cheapest.Seconds(), "cpu-s")
	b.ReportMetric(shortest.Seconds(), "wall-s")
	return shortest
}

func nothing() {}

// cpu returns the CPU time that this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// save writes a snapshot as files hold it.
func save(b *testing.B, s *engine.Snapshot, format string, w io.Writer) {
	err := error(nil)
	if format == "plain" {
		err = s.Save(w)
	} else if z, failed := zstd.NewWriter(w); failed != nil {
		err = failed
	} else {
		err = cmp.Or(s.Save(z), z.Close())
	}
	if err != nil {
		b.Fatal(err)
	}
}

func saved(b *testing.B, n int, format string) []byte {
	var out bytes.Buffer
	save(b, Account(n), format, &out)
	return out.Bytes()
}

func load(b *testing.B, data []byte, format string) *engine.Snapshot {
	var r io.Reader = bytes.NewReader(data)
	if format != "plain" {
		z, err := zstd.NewReader(r)
		if err != nil {
			b.Fatal(err)
		}
		defer z.Close()
		r = z
	}
	s, err := engine.Load(r, kinds.All)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// loaded returns an account as scanner report finds it, read from a file.
func loaded(b *testing.B, n int) *engine.Snapshot { return load(b, saved(b, n, "plain"), "plain") }

// forget drops all that was computed from a snapshot: putting any resource again does.
func forget(s *engine.Snapshot) { s.Put(s.All(kinds.All["AWS::SQS::Queue"])[0]) }

func BenchmarkEvaluate(b *testing.B) {
	for _, count := range []string{"all", "200"} {
		judges := rules.All
		if count == "200" {
			judges = many(200)
		}
		for _, n := range sizes {
			b.Run(fmt.Sprintf("rules=%s/resources=%d", count, n), func(b *testing.B) {
				s := loaded(b, n)
				verdicts := 0
				took := measure(b, n, func() { forget(s); verdicts = 0 }, func() {
					for range engine.Evaluate(s, judges) {
						verdicts++
					}
				})
				b.ReportMetric(float64(len(judges)), "rules")
				b.ReportMetric(float64(verdicts), "verdicts")
				b.ReportMetric(float64(verdicts)/took.Seconds(), "verdicts/s")
			})
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	for _, format := range formats {
		for _, n := range sizes {
			b.Run(fmt.Sprintf("format=%s/resources=%d", format, n), func(b *testing.B) {
				data := saved(b, n, format)
				measure(b, n, nothing, func() { load(b, data, format) })
			})
		}
	}
}

func BenchmarkSave(b *testing.B) {
	for _, format := range formats {
		for _, n := range sizes {
			b.Run(fmt.Sprintf("format=%s/resources=%d", format, n), func(b *testing.B) {
				s := Account(n) // as after a scan
				var out counter
				measure(b, n, func() { out = 0 }, func() { save(b, s, format, &out) })
				b.ReportMetric(float64(out)/float64(n), "B/resource")
			})
		}
	}
}

type counter int

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }

// BenchmarkMemory reports the heap that a loaded snapshot holds once every rule has judged it: resources, the maps that
// find them, and all that rules had computed from them.
func BenchmarkMemory(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("resources=%d", n), func(b *testing.B) {
			data := saved(b, n, "plain")
			var resources, all float64
			for b.Loop() {
				before := heap()
				s := load(b, data, "plain")
				resources = heap() - before
				for range engine.Evaluate(s, rules.All) {
				}
				all = heap() - before
				runtime.KeepAlive(s)
			}
			runtime.KeepAlive(data)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(resources/float64(n), "loaded-B/resource")
			b.ReportMetric(all/float64(n), "B/resource")
		})
	}
}

// heap returns the bytes in use. The second collection frees what pools have kept over the first.
func heap() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// reports measures reports from a snapshot in memory to the last byte, both judgements included: one for the sums, one
// for the findings. It does so for an account with n verdicts of the rules, which are all written, and for n failures.
func reports(b *testing.B, write func(*report.Report, io.Writer) error) {
	run := func(name string, n int, account func() *engine.Snapshot, judges []engine.Rule) {
		b.Run(fmt.Sprintf("%s=%d", name, n), func(b *testing.B) {
			s := account()
			var out counter
			findings := 0
			measure(b, n, func() { forget(s); out = 0 }, func() {
				r, err := report.New("bench", engine.Whole(s), judges, report.Options{Filter: report.Filter{Statuses: engine.Statuses}})
				if err == nil {
					err = write(r, &out)
				}
				if err != nil {
					b.Fatal(err)
				}
				findings = 0
				for _, k := range r.Statuses {
					findings += k
				}
			})
			if findings < n {
				b.Errorf("%d findings, want at least %d", findings, n)
			}
			b.ReportMetric(float64(findings), "findings")
			b.ReportMetric(float64(out)/float64(findings), "B/finding")
		})
	}
	perResource := 0.0
	for range engine.Evaluate(Account(small), rules.All) {
		perResource += 1.0 / small
	}
	for _, n := range sizes {
		run("verdicts", n, func() *engine.Snapshot { return loaded(b, int(1.02*float64(n)/perResource)+perService) }, rules.All) // some rules judge accounts, of which there is one
	}
	for _, n := range sizes { // a little less than six times the 18 volumes of each 100 resources
		run("failures", n, func() *engine.Snapshot { return loaded(b, n) }, failing(6))
	}
}

// failing returns n rules that fail every volume, with evidence.
func failing(n int) []engine.Rule {
	out := make([]engine.Rule, n)
	for i := range out {
		out[i] = engine.Rule{ID: fmt.Sprintf("ec2-volume-bench-%02d", i), Title: "Volumes do not exist", Level: engine.Recommended, Severity: engine.Medium, Worst: engine.Medium,
			Pillars: []engine.Pillar{engine.CostOptimization}, Reads: []string{"ec2.Volume.Type", "ec2.Volume.SizeGiB", "ec2.Volume.Created"},
			Check: engine.Each(func(v *engine.View, x *ec2.Volume) engine.Verdict {
				return engine.Fail("the volume of "+x.Name+" exists: take a snapshot and delete it").With("type", x.Type).With("sizeGiB", x.SizeGiB).With("created", x.Created)
			})}
	}
	return out
}

func BenchmarkJSON(b *testing.B) {
	reports(b, func(r *report.Report, w io.Writer) error { return r.JSON(w) })
}

func BenchmarkTable(b *testing.B) {
	reports(b, func(r *report.Report, w io.Writer) error { return r.Table(w, report.Style{All: true}) })
}

// BenchmarkStartup reports the time from the start of the process to the arrival of its first request.
func BenchmarkStartup(b *testing.B) {
	binary := build(b)
	arrived := make(chan time.Time, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		select {
		case arrived <- time.Now():
		default: // a second one before the process is gone
		}
		w.WriteHeader(http.StatusForbidden)
	}))
	defer server.Close()
	home := b.TempDir()
	env := []string{"HOME=" + home, "XDG_STATE_HOME=" + home, "AWS_ENDPOINT_URL=" + server.URL, "AWS_REGION=eu-central-1",
		"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY=bench", "AWS_EC2_METADATA_DISABLED=true"}
	launch := func() float64 {
		ctx, cancel := context.WithTimeout(b.Context(), 30*time.Second)
		defer cancel()
		c := exec.CommandContext(ctx, binary, "scan", "--no-save")
		c.Env = env
		began := time.Now()
		if err := c.Start(); err != nil {
			b.Fatal(err)
		}
		var at time.Time
		select {
		case at = <-arrived:
		case <-ctx.Done():
			b.Error("no request within 30 s")
		}
		c.Process.Kill()
		c.Wait()
		select {
		case <-arrived:
		default:
		}
		return float64(at.Sub(began).Microseconds()) / 1000
	}
	launch() // which reads the file from the disk
	var took []float64
	for b.Loop() {
		for range 10 {
			took = append(took, launch())
		}
	}
	slices.Sort(took)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(took[len(took)/2], "ms")
	b.ReportMetric(took[len(took)-1], "worst-ms")
}

// TestAccount makes sure that the benchmarks measure what they say: rules that come to every kind of verdict on an account
// that is the same each time.
func TestAccount(t *testing.T) {
	for _, n := range []int{1, 5_951, 6_000} {
		if got := Account(n).Len(); got != n {
			t.Errorf("%d resources, want %d", got, n)
		}
	}
	s := Account(6_000)
	seen := map[engine.Status]int{}
	for r := range engine.Evaluate(s, rules.All) {
		seen[r.Status]++
		if r.Gap != nil && r.Gap.Reason == model.RuleError {
			t.Fatalf("%s: %s", r.Rule.ID, r.Message)
		}
	}
	for _, status := range engine.Statuses {
		if seen[status] == 0 {
			t.Errorf("nothing is %s", status)
		}
	}
	var first, second bytes.Buffer
	if err := cmp.Or(s.Save(&first), Account(6_000).Save(&second)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two accounts of the same size differ")
	}
	if _, err := engine.Load(&first, kinds.All); err != nil {
		t.Errorf("what was saved cannot be loaded: %v", err)
	}
}
