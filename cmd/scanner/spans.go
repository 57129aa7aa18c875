//go:build otel

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"awsscanner/internal/collect"
)

// startSpans sends a span for the scan and one for each call below it, if the standard OTEL_* variables say where. Nothing else is sent than --trace-calls writes.
func startSpans(ctx context.Context, stderr io.Writer, _ bool) (done func(collect.Done), stop func(), err error) {
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" ||
		os.Getenv("OTEL_SDK_DISABLED") == "true" || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return nil, nil, nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, nil, usage("OTEL_EXPORTER_OTLP_ENDPOINT: %s", err)
	}
	res, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "scanner"), attribute.String("service.version", version)), resource.WithFromEnv())
	if err != nil {
		return nil, nil, usage("OTEL_RESOURCE_ATTRIBUTES: %s", err)
	}
	var once sync.Once
	failed := func(err error) {
		once.Do(func() {
			fmt.Fprintf(stderr, "scanner: the spans of this scan do not all arrive (%s): check OTEL_EXPORTER_OTLP_ENDPOINT\n", err)
		})
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(failed)) // only there does the SDK say what happens in the background
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter, sdktrace.WithMaxQueueSize(1<<16)), sdktrace.WithResource(res))
	tracer := provider.Tracer("scanner")
	scan, root := tracer.Start(ctx, "scan")
	done = func(d collect.Done) {
		_, span := tracer.Start(scan, d.Service+":"+d.Operation, trace.WithTimestamp(d.Time), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
			attribute.String("rpc.system", "aws-api"),
			attribute.String("rpc.service", d.Service),
			attribute.String("rpc.method", d.Operation),
			attribute.String("cloud.account.id", d.Account),
			attribute.String("cloud.region", d.Region),
			attribute.Int("http.response.status_code", d.Status),
			attribute.Int("scanner.attempts", d.Attempts),
			attribute.Int("scanner.throttles", d.Throttles),
			attribute.String("scanner.outcome", d.Outcome),
		))
		if d.Outcome != "ok" {
			span.SetStatus(codes.Error, d.Outcome)
		}
		span.End(trace.WithTimestamp(d.Time.Add(time.Duration(d.Millis * float64(time.Millisecond)))))
	}
	return done, func() {
		root.End()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second) // after Ctrl-C too
		defer cancel()
		if err := provider.Shutdown(last); err != nil {
			failed(err)
		}
	}, nil
}
