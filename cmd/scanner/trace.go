package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"awsscanner/internal/collect"
)

// observe lets --trace-calls and OpenTelemetry see the calls, until it is stopped.
func (src *source) observe(ctx context.Context, stderr io.Writer, verbose bool) (stop func(), err error) {
	stop = func() {}
	if src.trace != "" {
		f, err := create(src.trace)
		if err != nil {
			return nil, err
		}
		failed := func(err error) {
			fmt.Fprintf(stderr, "scanner: --trace-calls: %s cannot be written any more (%s): the scan goes on, but calls are missing there\n", src.trace, osText(err))
		}
		trace := collect.NewTrace(f, failed)
		src.done = trace.Done
		stop = func() {
			if err := f.Close(); err != nil {
				failed(err)
			}
		}
	}
	spans, end, err := startSpans(ctx, stderr, verbose)
	if err != nil {
		stop()
		return nil, err
	}
	if spans == nil {
		return stop, nil
	}
	file, closeFile := src.done, stop
	src.done = func(d collect.Done) {
		if file != nil {
			file(d)
		}
		spans(d)
	}
	return func() { end(); closeFile() }, nil
}

// create makes the file of a trace. Nobody else may read when and where an account was looked at.
func create(name string) (*os.File, error) {
	if name == "-" || name == "/dev/stdout" {
		return nil, usage("--trace-calls needs a file: standard output is for the report")
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, usage("--trace-calls: %s cannot be written: %s", name, osText(err))
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() { // it may have been there before; a device must stay as it is
		if err := f.Chmod(0o600); err != nil {
			f.Close()
			return nil, usage("--trace-calls: %s cannot be kept from others (%s): name a new file", name, osText(err))
		}
	}
	return f, nil
}
