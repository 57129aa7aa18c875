package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"awsscanner/frameworks"
	"awsscanner/internal/engine"
	"awsscanner/internal/report"
	"awsscanner/internal/store"
	"awsscanner/rules"
)

func scanCommand() *cobra.Command {
	var src source
	var sel selection
	var v view
	var g gateFlags
	var snapshot, save string
	var keep keeping
	var noSave, quiet, verbose bool
	var into place
	var stream string
	c := &cobra.Command{
		Use:   "scan",
		Short: "Read an account, judge it and report",
		Long: `Scan reads the account of the current AWS credentials, judges it and reports. It calls only what the selected rules
need, reads no values of secrets, and changes nothing. What it cannot read it reports as not assessed, with the action to grant.`,
		Example: `  scanner scan --demo
  scanner scan --profile audit --regions 'eu-*'
  scanner scan --fail-on high -o json=report.json`,
		Args: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("resume") && keep.resume == "last" && len(args) == 1 { // --resume FILE
				keep.resume, args = args[0], nil
			}
			return cobra.NoArgs(c, args)
		},
	}
	f := c.Flags()
	f.StringVar(&snapshot, "snapshot", "", "judge this snapshot file instead of an account")
	src.flags(f)
	src.accountFlags(f)
	f.StringVar(&save, "save-snapshot", "", "also write what was read to this file; compressed if its name ends in .zst")
	f.StringVar(&keep.resume, "resume", "", "go on with the last scan, or with this journal or snapshot: read only what it lacks, or what failed and may now work")
	f.Lookup("resume").NoOptDefVal = "last"
	f.StringVar(&keep.logFormat, "log-format", "text", "of the progress on standard error where that is no terminal: text or json")
	f.BoolVar(&noSave, "no-save", false, "do not keep the scan in the state directory")
	f.StringVar(&stream, "store", "", "record the scan in the database of --data or --database too, as one of this `STREAM` (adhoc if none is named)")
	f.Lookup("store").NoOptDefVal = "adhoc"
	into.flags(f)
	f.DurationVar(&src.timeout, "timeout", 0, "stop reading after this time, and report what was read")
	f.BoolVarP(&quiet, "quiet", "q", false, "nothing on standard error but errors")
	f.BoolVarP(&verbose, "verbose", "v", false, "say on standard error what is done")
	sel.flags(f)
	sel.conf.waiverFlag(f)
	v.flags(f)
	g.flags(f)
	c.RunE = func(c *cobra.Command, _ []string) error {
		ctx := c.Context()
		if snapshot != "" && (src.demo || len(src.profiles)+len(src.roles) > 0 || src.org || save != "" || keep.resume != "" || src.trace != "") {
			return usage("--snapshot judges a file: leave out --demo, --profile, --role-arn, --org, --resume, --save-snapshot and --trace-calls")
		}
		if snapshot != "" && stream != "" {
			return usage("--store records what a scan reads, and --snapshot reads nothing: leave one of them out")
		}
		if keep.resume != "" && noSave {
			return usage("--resume goes on with a scan that is kept: leave out --no-save")
		}
		if err := oneOf("--log-format", keep.logFormat, []string{"text", "json"}); err != nil {
			return err
		}
		if err := src.check(); err != nil {
			return err
		}
		if save != "" {
			if dir := lacking(save); dir != "" {
				return usage("--save-snapshot: there is no directory %s", dir)
			}
			if isDir(save) {
				return usage("--save-snapshot: %s is a directory: name a file", save)
			}
		}
		if snapshot != "" {
			v.regions = src.regions
			return judge(c, snapshot, &sel, &v, &g, again("scanner report "+shellWord(snapshot)), "scanner explain --snapshot "+shellWord(snapshot))
		}
		picked, params, err := sel.pick()
		if err != nil {
			return err
		}
		p, err := prepare(c, &sel, &v, &g)
		if err == nil && save != "" {
			err = spare(p.outs, save)
		}
		if err != nil {
			return err
		}
		var db *store.Store
		if stream != "" {
			if db, _, err = into.open(ctx); err != nil { // before hours of reading
				return err
			}
			defer db.Close()
		} else if into != (place{}) {
			return usage("--data and --database say where --store records the scan: add it, or leave them out")
		}
		if src.timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, src.timeout)
			defer cancel()
		}
		stderr := c.ErrOrStderr()
		progress := stderr
		if quiet {
			progress = io.Discard
		}
		keep.journal, keep.tags, keep.warnings = !noSave, len(v.tags)+len(v.owners) > 0 || sel.conf.needTags(), stderr
		if quiet {
			keep.warnings = io.Discard
		}
		stop, err := src.observe(ctx, stderr, verbose)
		if err != nil {
			return err
		}
		read, err := src.collectLive(ctx, picked, params, keep, progress)
		stop()
		if err != nil {
			return err
		}
		defer read.journal.close()
		if save != "" {
			if err := read.save(save); err != nil {
				return failed("writing the snapshot %s: %s", save, osText(err))
			}
		}
		where, explain := save, ""
		if save != "" {
			p.style.Again, explain = again("scanner report "+shellWord(save)), "scanner explain --snapshot "+shellWord(save)
		}
		if !noSave && read.journal != nil {
			name, err := read.journal.keep()
			if name != "" {
				where, p.style.Again, explain = name, again("scanner report"), "scanner explain"
			}
			switch {
			case err != nil:
				fmt.Fprintf(keep.warnings, "scanner: the scan is not kept for scanner report and explain: %s\n", err)
			case verbose:
				fmt.Fprintf(stderr, "scanner: kept as %s\n", name)
			}
		}
		if db != nil {
			if err := recordScan(db, stream, &sel, picked, read); err != nil {
				return failed("recording the scan in %s: %s", db.Name(), err)
			}
		}
		if src.demo {
			p.style.Again = [2]string{"scanner scan", "with your own credentials: read-only, see scanner permissions and scanner doctor"}
		}
		p.begin(read.scan.Start, keep.warnings)
		r, err := report.New(version, read.scan, picked, p.options)
		if err != nil {
			return failed("what was read cannot be read again: %s", err)
		}
		if err := p.write(context.WithoutCancel(ctx), r, explain); err != nil && c.Context().Err() == nil { // what was read is told, whatever ended the scan
			return err
		}
		switch {
		case c.Context().Err() != nil:
			text := "interrupted: what was not read is reported as not assessed"
			if where != "" {
				text += "; what was read is in " + where + ", and scanner scan --resume goes on from there"
			}
			return &exitError{report.ExitInterrupted, text}
		case ctx.Err() != nil && !quiet:
			fmt.Fprintf(stderr, "scanner: --timeout ended the scan after %s: what was not read is reported as not assessed\n", src.timeout)
		}
		return p.decide()
	}
	return c
}

// again is the hint that leads from a short report to the whole.
func again(command string) [2]string {
	return [2]string{command + " --all", "every finding of this scan; -o json, --group-by resource, ..."}
}

// A presentation is how a report is shown and what it decides.
type presentation struct {
	options report.Options
	gate    report.Gate
	outs    []output
	style   report.Style
	stdout  io.Writer
	report  *report.Report
	sources *report.SourceMap
	begin   func(start time.Time, warnings io.Writer) // of the scan, by which waivers are judged

	frameworks []*frameworks.Framework
}

// prepare checks all flags before anything is read.
func prepare(c *cobra.Command, sel *selection, v *view, g *gateFlags) (p *presentation, err error) {
	p = &presentation{stdout: c.OutOrStdout()}
	if p.options.Filter, err = v.filter(sel); err != nil {
		return nil, err
	}
	p.begin = sel.conf.people(&p.options)
	if p.frameworks, err = sel.against(); err != nil {
		return nil, err
	}
	if p.gate, err = g.gate(); err != nil {
		return nil, err
	}
	if g.baseline != "" {
		if p.options.Baseline, err = readBaseline(c.Context(), g.baseline, sel.again()); err != nil {
			return nil, err
		}
	}
	for severity := engine.Informational; severity <= engine.Critical && len(p.options.Severities) > 0; severity++ {
		_, limited := p.gate.Max[severity]
		if slices.Contains(p.options.Severities, severity) || !limited && (p.gate.FailOn == 0 || severity < p.gate.FailOn) {
			continue
		}
		flag := "--fail-on " + p.gate.FailOn.String()
		if limited {
			flag = "--max"
		}
		return nil, usage("%s counts failures of severity %s, which --severity or --min-severity leaves out: widen one of them", flag, severity)
	}
	if p.outs, err = parseOutputs(v.outputs); err != nil {
		return nil, err
	}
	if err := spare(p.outs, append(sel.conf.inputs(), g.baseline, v.sourceMap)...); err != nil {
		return nil, err
	}
	if p.sources, err = readSourceMap(v.sourceMap, p.outs); err != nil {
		return nil, err
	}
	p.style = styleOf(p.stdout)
	p.style.All, p.style.GroupBy = v.all, v.groupBy
	return p, nil
}

func (p *presentation) write(ctx context.Context, r *report.Report, explain string) error {
	p.report, r.ExplainWith, r.Frameworks, r.Sources = r, explain, p.frameworks, p.sources
	code, why := p.gate.Decide(r)
	if p.gate.Asks() {
		r.Decision = &report.Decision{Code: code, Why: why}
	}
	err := write(ctx, r, p.outs, p.style, p.stdout)
	if wrong := (*exitError)(nil); errors.As(err, &wrong) && len(why) > 0 { // what the gate has found is not lost with the disk
		wrong.text += "\nscanner: " + strings.Join(why, "\n")
	}
	return err
}

// decide turns what the gate says into the end of the program.
func (p *presentation) decide() error {
	code, why := p.gate.Decide(p.report)
	if code == report.ExitFine {
		return nil
	}
	return &exitError{code, strings.Join(why, "\n")}
}

// judge reports on a snapshot file, or on the last scan. Unless rules are selected it judges by those for which it was made.
func judge(c *cobra.Command, name string, sel *selection, v *view, g *gateFlags, again [2]string, explain string) error {
	p, err := prepare(c, sel, v, g)
	if err != nil {
		return err
	}
	r, err := look(c, name, sel, v, p)
	if err != nil {
		return err
	}
	p.style.Again = again
	if err := p.write(c.Context(), r, explain); err != nil {
		return err
	}
	return p.decide()
}

// look reports on a snapshot or a JSON report, or the last scan if none is named.
func look(c *cobra.Command, name string, sel *selection, v *view, p *presentation) (*report.Report, error) {
	rec, err := openRecording(c.Context(), name)
	if err == nil {
		err = spare(p.outs, rec.name)
	}
	if err != nil {
		return nil, err
	}
	picked, err := rec.rules(sel)
	if err != nil {
		return nil, err
	}
	if err := v.checkRegions(rec.scan.Header); err != nil {
		return nil, err
	}
	if len(v.tags)+len(v.owners) > 0 && !rec.scan.Tags && rec.file == nil {
		fmt.Fprintln(c.ErrOrStderr(), "scanner: this scan did not ask for tags: what has none in its list is shown whatever --tag and --owner say")
	} else if sel.conf.needTags() && !rec.scan.Tags && rec.file == nil {
		fmt.Fprintln(c.ErrOrStderr(), "scanner: this scan did not ask for tags: waivers and owners that hang on them do not hold for what has none in its list")
	}
	p.begin(rec.scan.Start, c.ErrOrStderr())
	p.options.Regions = v.regions
	if err := rec.tells(&p.options, p.gate); err != nil {
		return nil, err
	}
	return rec.report(picked, p.options)
}

// rulesFor returns the selected rules, out of those for which a snapshot was made unless --rules or --ruleset say otherwise.
// The parameters are those of the snapshot as well, unless others are given.
func rulesFor(s engine.Header, sel *selection) ([]engine.Rule, error) {
	all := slices.Clone(rules.All)
	index := func(id string) int {
		return slices.IndexFunc(all, func(r engine.Rule) bool { return r.ID == id || slices.Contains(r.Formerly, id) })
	}
	sel.replayed = &s
	for id, override := range s.Params {
		if i := index(id); i >= 0 {
			var err error
			if all[i], err = all[i].With(override); err != nil {
				return nil, usage("the snapshot's %s", plain(err))
			}
		}
	}
	base, ofScan := all, !sel.anew() && len(s.Rules) > 0
	if ofScan {
		base = nil
		for _, id := range s.Rules {
			i := index(id)
			if i < 0 {
				return nil, usage("the snapshot was made for rule %s, which this scanner does not have: select others with --rules", id)
			}
			base = append(base, all[i])
		}
	}
	picked, _, err := sel.pickFrom(base, ofScan)
	return picked, err
}

func reportCommand() *cobra.Command {
	var sel selection
	var v view
	var g gateFlags
	c := &cobra.Command{
		Use:   "report [SNAPSHOT]",
		Short: "Report again on the last scan, or on a snapshot file",
		Args:  cobra.MaximumNArgs(1),
	}
	c.Flags().StringSliceVar(&v.regions, "regions", nil, "only results of these regions, names or globs")
	c.Flags().StringSliceVar(&v.regions, "region", nil, "the same as --regions")
	sel.flags(c.Flags())
	sel.conf.waiverFlag(c.Flags())
	v.flags(c.Flags())
	g.flags(c.Flags())
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return judge(c, args[0], &sel, &v, &g, [2]string{}, "scanner explain --snapshot "+shellWord(args[0]))
		}
		return judge(c, "", &sel, &v, &g, [2]string{}, "scanner explain")
	}
	return c
}

// encode writes a value as indented JSON.
func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
