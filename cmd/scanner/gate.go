package main

import (
	"cmp"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"awsscanner/internal/report"
)

func gateCommand() *cobra.Command {
	var sel selection
	var v view
	var g gateFlags
	c := &cobra.Command{
		Use:   "gate REPORT|SNAPSHOT",
		Short: "Decide by a scan that was made before whether a pipeline may go on",
		Long: `Gate decides by a JSON report or a snapshot, as scan does by an account, and makes no call to AWS: many pipelines can gate on
one scan, each with its own filters, baseline and waivers. It prints one line if all is well, and otherwise why not.`,
		Example: `  scanner gate report.json --fail-on high --owner shop
  scanner gate report.json --fail-on-new --baseline baseline.json
  scanner gate report.json --max critical=0,high=5`,
		Args: cobra.ExactArgs(1),
	}
	f := c.Flags()
	f.StringSliceVar(&v.regions, "regions", nil, "only results of these regions, names or globs")
	f.StringSliceVar(&v.regions, "region", nil, "the same as --regions")
	sel.flags(f)
	sel.conf.waiverFlag(f)
	v.flags(f)
	g.flags(f)
	c.RunE = func(c *cobra.Command, args []string) error {
		p, err := prepare(c, &sel, &v, &g)
		if err != nil {
			return err
		}
		if !c.Flags().Changed("output") {
			p.outs = nil
		}
		r, err := look(c, args[0], &sel, &v, p)
		if err != nil {
			return err
		}
		if err := p.write(c.Context(), r, "scanner explain --snapshot "+shellWord(args[0])); err != nil {
			return err
		}
		if err := p.decide(); err != nil {
			return err
		}
		if len(p.outs) == 0 {
			_, err = fmt.Fprintln(c.OutOrStdout(), p.gate.Passed(r))
		}
		return err
	}
	return c
}

func baselineCommand() *cobra.Command {
	c := &cobra.Command{Use: "baseline", Short: "Keep what a scan found, so that later ones can tell what is new", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(baselineCreateCommand())
	return c
}

func baselineCreateCommand() *cobra.Command {
	var conf configured
	var out, before string
	c := &cobra.Command{
		Use:   "create [SNAPSHOT|REPORT]",
		Short: "Write a baseline of the last scan, or of a snapshot or JSON report",
		Long: `Create writes what a scan found, where it looked, and what it could not see. Keep the file with the code of the pipeline:
it holds an entry a line. With --baseline it takes the place of an earlier one and still knows what has been mended since,
so that it is told as regressed if it comes back.`,
		Example: `  scanner baseline create -o baseline.json
  scanner baseline create report.json -o baseline.json --baseline baseline.json`,
		Args: cobra.MaximumNArgs(1),
	}
	c.Flags().StringVarP(&out, "output", "o", "baseline.json", "file to write, or - for standard output")
	conf.flags(c.Flags())
	c.Flags().StringVar(&before, "baseline", "", "an earlier baseline `FILE`, of which is kept what has been mended")
	c.RunE = func(c *cobra.Command, args []string) error {
		if dir := lacking(out); dir != "" && out != "-" {
			return usage("-o %s: there is no directory %s", out, dir)
		}
		if isDir(out) {
			return usage("-o %s: it is a directory: name a file", out)
		}
		rec, err := openRecording(c.Context(), cmp.Or(args...))
		if err == nil {
			err = spare([]output{{file: out}}, rec.name)
		}
		if err != nil {
			return err
		}
		var old *report.Baseline
		if before != "" {
			if old, err = readBaseline(c.Context(), before, conf.again()); err != nil {
				return err
			}
		}
		b, err := rec.baseline(old, conf.again())
		if err != nil {
			return err
		}
		if out == "-" {
			return b.Write(c.OutOrStdout())
		}
		if err := atomically(out, 0o644, func(w io.Writer) error { return b.Write(w) }); err != nil {
			return failed("writing %s: %s", out, osText(err))
		}
		_, err = fmt.Fprintf(c.OutOrStdout(), "%s: %d findings and %d blind spots of %d rules, as of %s\n", out, len(b.Findings), len(b.Blind), len(b.Rules), b.Started.Format("2006-01-02 15:04 UTC"))
		return err
	}
	return c
}

func diffCommand() *cobra.Command {
	var sel selection
	var v view
	var all bool
	var format string
	c := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say what has changed between two scans",
		Long: `Diff compares two scans: OLD is a baseline, a snapshot or a JSON report, NEW a snapshot or a JSON report. Findings are the same if they
have one identity, which a resource keeps when its group or stack replaces it. What one of the scans did not see is neither new nor fixed.`,
		Args: cobra.ExactArgs(2),
	}
	f := c.Flags()
	f.StringVarP(&format, "output", "o", "table", "table, json or markdown")
	f.BoolVar(&all, "all", false, "show every finding in the table")
	f.StringSliceVar(&v.regions, "regions", nil, "only findings of these regions, names or globs")
	f.StringSliceVar(&v.resources, "resource", nil, "only resources whose ARN, ID or name matches one of these globs")
	f.StringSliceVar(&v.owners, "owner", nil, "only what belongs to an owner that matches one of these globs, or whose owner is not known")
	sel.flags(f)
	sel.conf.waiverFlag(f)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := oneOf("-o", format, report.DiffFormats); err != nil {
			return err
		}
		v.groupBy = "fix"
		p, err := prepare(c, &sel, &v, &gateFlags{baseline: args[0]})
		if err != nil {
			return err
		}
		p.style.All = all
		r, err := look(c, args[1], &sel, &v, p)
		if err != nil {
			return err
		}
		if r.Baseline.Started.After(r.Header.Start) {
			fmt.Fprintf(c.ErrOrStderr(), "scanner: %s is of a later scan than %s: what was mended since is told as new here, so swap them\n", args[0], args[1])
		}
		d, err := r.Diff()
		if err != nil {
			return failed("what was read cannot be read again: %s", err)
		}
		switch format {
		case "json":
			return d.JSON(c.OutOrStdout())
		case "markdown":
			return d.Markdown(c.OutOrStdout())
		}
		return d.Table(c.OutOrStdout(), p.style)
	}
	return c
}
