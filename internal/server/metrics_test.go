package server

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMetrics(t *testing.T) {
	w := build(t, nil)
	w.Metrics.Called("s3", 120, 3)
	w.Metrics.Scanned(94 * time.Second)
	w.get("/api/v1/findings", 200)
	w.get("/api/v1/findings?x=y", 400)
	text := w.get("/metrics", 200)
	for _, want := range []string{
		`scanner_info{version="1.2.3"} 1`, `scanner_store_up 1`, `scanner_aws_calls_total{service="s3"} 120`, `scanner_aws_throttles_total{service="s3"} 3`,
		`scanner_scans{state="done",stream="production"} 12`, `scanner_scan_seconds_count 1`,
		`scanner_http_requests_total{method="GET",route="/api/v1/findings",status="200"} 1`, `scanner_http_requests_total{method="GET",route="/api/v1/findings",status="400"} 1`,
		`scanner_queue_jobs{state="available"} 2`, `scanner_queue_oldest_seconds 60`, `scanner_coverage_cells{account="111122223333",stream="production"} `, `scanner_coverage_assessed_cells{account="111122223333",stream="production"} `,
		`scanner_findings{severity="medium",stream="production"} `, `scanner_findings_by_pillar{pillar="security",severity="medium",stream="production"} `, `scanner_findings_waived{stream="production"} `, `scanner_findings_not_assessed{stream="production"} `,
		`scanner_last_scan_timestamp_seconds{stream="production"} 1.7960076e+09`, `scanner_last_scan_seconds{stream="production"} 94`, `scanner_last_scan_calls{stream="production"} 18391`, `scanner_store_bytes `, `scanner_store_connections{state="used"} `, `scanner_go_goroutines `, `scanner_process_resident_memory_bytes `,
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("there is no %s", want)
		}
	}
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "scanner_") {
			t.Errorf("a metric of another name: %s", line)
		}
	}
	if strings.Contains(text, "\nscanner_findings{severity=\"medium\",stream=\"production\"} 0\n") {
		t.Error("no findings")
	}
	// What people may choose makes no new metrics.
	before := len(regexp.MustCompile(`(?m)^scanner_http_requests_total`).FindAllString(text, -1))
	for _, path := range []string{"/a", "/b", "/api/v1/c", "/findings/1", "/findings/2", "/scans/3", "/static/4"} {
		w.ask(request("GET", path, ""))
		w.ask(request("BREW", path, ""))
	}
	after := regexp.MustCompile(`(?m)^scanner_http_requests_total.*$`).FindAllString(w.get("/metrics", 200), -1)
	if len(after)-before > 12 || slices.ContainsFunc(after, func(line string) bool { return strings.Contains(line, "BREW") || strings.Contains(line, `"/a"`) }) {
		t.Errorf("%d metrics more: %q", len(after)-before, after)
	}
	w.store.Close()
	if text := w.get("/metrics", 200); !strings.Contains(text, "\nscanner_store_up 0") {
		t.Errorf("without a store: %s", text)
	}
}
