package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"awsscanner/internal/config"
	"awsscanner/internal/engine"
	"awsscanner/internal/model/kinds"
	"awsscanner/internal/report"
	"awsscanner/rules"
)

// A recording is what a scan has left: a snapshot, which is judged, or a JSON report, which tells what was judged.
type recording struct {
	name string
	scan *engine.Scan
	file *report.File // nil for a snapshot
}

// openRecording opens a snapshot or a JSON report, or the last scan if none is named.
func openRecording(ctx context.Context, name string) (*recording, error) {
	if name == "" {
		var err error
		if name, err = lastScan(); err != nil {
			return nil, err
		}
	}
	schema, err := schemaOf(ctx, name)
	switch {
	case err != nil:
		return nil, unreadable(name, err)
	case schema == report.BaselineSchema:
		return nil, usage("%s is a baseline, which only tells what was found: name a snapshot or a JSON report", name)
	case schema != report.Schema:
		s, err := openSnapshot(ctx, name)
		return &recording{name: name, scan: s}, err
	}
	f, err := report.Open(func() (io.ReadCloser, error) { return openFile(ctx, name) })
	if err != nil {
		return nil, usage("the report %s cannot be read: %s", name, err)
	}
	return &recording{name: name, scan: f.Scan, file: f}, nil
}

// openSnapshot makes a scan of a snapshot file.
func openSnapshot(ctx context.Context, name string) (*engine.Scan, error) {
	s, err := engine.OpenScan(func() (io.ReadCloser, error) { return openFile(ctx, name) }, kinds.All)
	if err != nil {
		return nil, unreadable(name, err)
	}
	return s, nil
}

// rules returns the selected rules out of those by which the scan is, or was, judged.
func (rec *recording) rules(sel *selection) ([]engine.Rule, error) {
	if rec.file == nil {
		return rulesFor(rec.scan.Header, sel)
	}
	if len(sel.params) > 0 {
		return nil, usage("--param changes how rules judge, and the report %s tells what they have judged: name the snapshot of the scan", rec.name)
	}
	if why := rec.ignores(sel); why != "" && sel.conf.warnings != nil {
		fmt.Fprintln(sel.conf.warnings, "scanner: "+why)
	}
	sel.told = true
	all, err := rec.file.Rules(rules.All)
	if err != nil {
		return nil, usage("the report %s cannot be read: %s", rec.name, err)
	}
	picked, _, err := sel.pickFrom(all, true)
	return picked, err
}

// ignores says which settings mean nothing to a JSON report, as its rules have judged in another way: "" if none does.
func (rec *recording) ignores(sel *selection) string {
	conf, n, first := sel.conf.all(), 0, ""
	for _, r := range rules.All {
		place := conf.Severities[r.ID].Place
		for _, of := range append([]map[string]map[string]config.Param{conf.Params}, slices.Collect(maps.Values(conf.AccountParams))...) {
			for _, p := range of[r.ID] {
				place = min(cmp.Or(place, p.Place), p.Place)
			}
		}
		if _, judged := rec.file.Judged[r.ID]; place == "" || !judged {
			continue
		}
		if tuned, err := sel.tune(r, nil); err == nil && !rec.file.JudgedAs(&tuned) {
			if n++; n == 1 {
				first = place + ": what is set for " + r.ID
			}
		}
	}
	if n > 1 {
		first += fmt.Sprintf(" and %d more", n-1)
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%s means nothing here, as the report %s tells how it was judged without: name the snapshot of the scan", first, rec.name)
}

// report looks at the recording.
func (rec *recording) report(picked []engine.Rule, o report.Options) (*report.Report, error) {
	if o.Source = rec.file; o.Source != nil && o.Mask != nil && o.Mask.Names {
		return nil, usage("--redact names needs all names that the scan has seen, and the report %s tells only some: name the snapshot of the scan", rec.name)
	}
	if err := rec.tells(&o, report.Gate{}); err != nil {
		return nil, err
	}
	if rec.file.Hides() { // who owns what is told, and cannot be found out by names that are none
		o.Team = nil
	}
	r, err := report.New(version, rec.scan, picked, o)
	if err != nil {
		return nil, rec.broken(err)
	}
	return r, nil
}

// again looks at the recording as it was judged, with what settings and waivers say of it.
func (rec *recording) again(sel *selection, o report.Options, warnings io.Writer) (*report.Report, error) {
	picked, err := rec.rules(sel)
	if err != nil {
		return nil, err
	}
	sel.conf.people(&o)(rec.scan.Start, warnings)
	return rec.report(picked, o)
}

// tells refuses what a JSON report that leaves something out, or hides it, cannot tell: the rest would look as if all were well.
func (rec *recording) tells(o *report.Options, g report.Gate) error {
	if why := rec.file.Lacks(o, g); why != "" {
		return usage("the report %s cannot tell that: %s: write it without filters and --redact, or name the snapshot of the scan", rec.name, why)
	}
	return nil
}

// whole refuses a JSON report that leaves something out where that would mislead.
func (rec *recording) whole(would string) error {
	if whole, without := rec.file.Whole(); !whole {
		return usage("the report %s leaves out part of its scan (%s), and what is left out %s: write it without filters, or name the snapshot", rec.name, without, would)
	}
	return nil
}

func (rec *recording) broken(err error) error {
	if rec.file == nil {
		return unreadable(rec.name, err)
	}
	return usage("the report %s cannot be read: %s", rec.name, err)
}

// readBaseline reads a baseline, or makes one of a snapshot or a JSON report.
func readBaseline(ctx context.Context, name string, sel *selection) (*report.Baseline, error) {
	schema, err := schemaOf(ctx, name)
	if err != nil {
		return nil, usage("the baseline %s cannot be read: %s", name, err)
	}
	switch schema {
	case report.BaselineSchema:
	case "":
		return nil, usage("the baseline %s cannot be read: it is none that scanner baseline create wrote, nor a snapshot or a JSON report", name)
	default:
		rec, err := openRecording(ctx, name)
		if err != nil {
			return nil, err
		}
		return rec.baseline(nil, sel)
	}
	f, err := openFile(ctx, name)
	if err != nil {
		return nil, usage("the baseline %s cannot be read: %s", name, err)
	}
	defer f.Close()
	b, err := report.ReadBaseline(f)
	if err != nil {
		return nil, usage("the baseline %s cannot be read: %s", name, err)
	}
	return b, nil
}

// baseline makes a baseline of the whole recording; what an earlier one knows to be mended is kept.
func (rec *recording) baseline(before *report.Baseline, sel *selection) (*report.Baseline, error) {
	if err := rec.whole("would look new or fixed later"); err != nil {
		return nil, err
	}
	r, err := rec.again(sel, report.Options{Baseline: before}, io.Discard)
	if err != nil {
		return nil, err
	}
	b, err := r.NewBaseline()
	if err != nil {
		return nil, rec.broken(err)
	}
	return b, nil
}

// schemaOf says what a file is by its member of that name, which comes first unless somebody has sorted them; "" if it has none. What it is in
// truth, its reader will say.
func schemaOf(ctx context.Context, name string) (string, error) {
	f, err := openFile(ctx, name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	d := json.NewDecoder(f)
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return "", ctx.Err()
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			break
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			break
		}
		if key == "schema" {
			var schema string
			json.Unmarshal(value, &schema) // or it is no text, and no schema
			return schema, nil
		}
	}
	return "", ctx.Err()
}

// openFile opens a file that may be compressed. When the context ends, so does reading.
func openFile(ctx context.Context, name string) (io.ReadCloser, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, errors.New(osText(err))
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		f.Close()
		return nil, errors.New("it is a directory")
	}
	r, done, err := uncompressed(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return openedFile{until{ctx, r, nil}, func() error { done(); return f.Close() }}, nil
}

type openedFile struct {
	io.Reader
	close func() error
}

func (f openedFile) Close() error { return f.close() }

// until reads and writes until a context ends.
type until struct {
	ctx context.Context
	in  io.Reader
	out io.Writer
}

func (u until) Read(b []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.in.Read(b)
}

func (u until) Write(b []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.out.Write(b)
}
