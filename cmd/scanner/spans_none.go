//go:build !otel

package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"awsscanner/internal/collect"
)

// startSpans says that this build sends no spans, where somebody expects them: the exporter would cost a third of the binary (see make dce).
func startSpans(_ context.Context, stderr io.Writer, verbose bool) (done func(collect.Done), stop func(), err error) {
	for _, name := range []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"} {
		if verbose && os.Getenv(name) != "" {
			fmt.Fprintf(stderr, "scanner: %s is set, but this build has no exporter: build with -tags otel, or use --trace-calls\n", name)
			break
		}
	}
	return nil, nil, nil
}
