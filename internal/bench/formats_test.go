package bench

import (
	"fmt"
	"io"
	"testing"

	"awsscanner/internal/engine"
	"awsscanner/internal/report"
)

// writers are all in which a report is written.
var writers = map[string]func(*report.Report, io.Writer) error{
	"table":    func(r *report.Report, w io.Writer) error { return r.Table(w, report.Style{All: true}) },
	"json":     (*report.Report).JSON,
	"jsonl":    (*report.Report).JSONLines,
	"csv":      (*report.Report).CSV,
	"markdown": func(r *report.Report, w io.Writer) error { return r.Markdown(w, 65_536) },
	"html":     (*report.Report).HTML,
	"sarif":    (*report.Report).SARIF,
	"gitlab":   (*report.Report).GitLab,
	"junit":    (*report.Report).JUnit,
	"ocsf":     (*report.Report).OCSF,
	"asff":     (*report.Report).ASFF,
}

// BenchmarkFormats writes n failures in each format, from a report that is made: the size of a finding, and the most memory that
// writing holds, above that of snapshot and report.
func BenchmarkFormats(b *testing.B) {
	for _, n := range []int{small, large} {
		r, err := report.New("bench", engine.Whole(loaded(b, n)), failing(6), report.Options{})
		if err != nil {
			b.Fatal(err)
		}
		failures := float64(r.Statuses[engine.Failed])
		if failures < float64(n) {
			b.Fatalf("%.0f failures, want at least %d", failures, n)
		}
		for name, write := range writers {
			b.Run(fmt.Sprintf("format=%s/failures=%d", name, n), func(b *testing.B) {
				before := heap()
				g := &gauge{}
				if err := write(r, g); err != nil { // once more than is timed, as looking at the heap takes time
					b.Fatal(err)
				}
				var out counter
				measure(b, n, func() { out = 0 }, func() {
					if err := write(r, &out); err != nil {
						b.Fatal(err)
					}
				})
				b.ReportMetric(float64(out)/failures, "B/finding")
				b.ReportMetric(float64(out), "B")
				b.ReportMetric(max(0, g.most-before), "held-B")
			})
		}
	}
}

// A gauge looks at the heap now and then while something is written to it.
type gauge struct {
	written, next int
	most          float64
}

// rarely is how many bytes go by between two looks.
const rarely = 4 << 20

func (g *gauge) Write(p []byte) (int, error) {
	if g.written += len(p); g.written >= g.next {
		g.most, g.next = max(g.most, heap()), g.written+rarely
	}
	return len(p), nil
}
