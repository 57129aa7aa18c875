//go:build otel

package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// A scan and its calls arrive as spans, the calls below the scan.
func TestSpans(t *testing.T) {
	var mu sync.Mutex
	parents, ids := map[string][]byte{}, map[string][]byte{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(r.Body)
			if err != nil {
				t.Error(err)
				return
			}
			body = z
		}
		data, err := io.ReadAll(body)
		var request coltrace.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(data, &request)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, resource := range request.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				for _, span := range scope.Spans {
					parents[span.Name], ids[span.Name] = span.ParentSpanId, span.SpanId
				}
			}
		}
	}))
	defer server.Close()
	cmd, _, stderr := scanner(t, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + server.URL}, "scan", "--demo", "--no-save")
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(ids["scan"]) == 0 || len(parents["scan"]) > 0 || !bytes.Equal(parents["sqs:ListQueues"], ids["scan"]) || stderr.Len() > 0 {
		t.Errorf("spans %v: %s", parents, stderr)
	}
	// A collector that is not there ends no scan.
	server.Close()
	cmd, _, stderr = scanner(t, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + server.URL}, "scan", "--demo", "--no-save")
	if err := cmd.Run(); err != nil || bytes.Count(stderr.Bytes(), []byte("do not all arrive")) != 1 {
		t.Errorf("%v: %s", err, stderr)
	}
}
