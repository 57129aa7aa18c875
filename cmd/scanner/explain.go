package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"awsscanner/internal/engine"
	"awsscanner/internal/report"
)

func explainCommand() *cobra.Command {
	var conf configured
	var snapshot string
	c := &cobra.Command{
		Use:   "explain PREFIX | RULE RESOURCE",
		Short: "Explain one finding of the last scan: what was seen, why it matters, how to fix it",
		Long: `Explain shows all about the finding whose fingerprint or identity begins with PREFIX, as reports show it, or about those of a
rule on a resource, which may be an ARN, an ID, a name or a glob: the calls and values that led to the verdict, the other resources
with the same problem, the fix, and what the fix may break.`,
		Example: `  scanner explain 3f2a9c1d
  scanner explain s3-bucket-versioning my-bucket`,
		Args: cobra.RangeArgs(1, 2),
	}
	c.Flags().StringVar(&snapshot, "snapshot", "", "of this snapshot or JSON report instead of the last scan")
	conf.flags(c.Flags())
	conf.waiverFlag(c.Flags())
	c.RunE = func(c *cobra.Command, args []string) error {
		r, found, err := findResults(c, &conf, snapshot, args)
		if err != nil {
			return err
		}
		for i := range found {
			if err := r.Explain(c.OutOrStdout(), &found[i]); err != nil {
				return err
			}
		}
		return nil
	}
	return c
}

// findResults returns the results that a command line names, by the digits of a fingerprint or by rule and resource.
func findResults(c *cobra.Command, conf *configured, snapshot string, args []string) (r *report.Report, found []report.Result, err error) {
	if len(args) == 1 && len(args[0]) < 4 {
		return nil, nil, usage("PREFIX must have at least 4 digits of a fingerprint, as reports show it")
	}
	what := "the snapshot " + snapshot
	if snapshot == "" {
		what = "the last scan"
	}
	rec, err := openRecording(c.Context(), snapshot)
	if err != nil {
		return nil, nil, err
	}
	picked, err := rec.rules(conf.again())
	if err != nil {
		return nil, nil, err
	}
	if len(args) == 2 && !slices.ContainsFunc(picked, func(r engine.Rule) bool { return r.ID == args[0] }) {
		var ids []string
		for i := range picked {
			ids = append(ids, picked[i].ID)
		}
		return nil, nil, usage("%s was not judged by a rule %q: %s", what, args[0], didYouMean(args[0], ids, "see scanner rules list"))
	}
	var o report.Options
	conf.people(&o)(rec.scan.Start, c.ErrOrStderr())
	r, err = rec.report(picked, o)
	if err != nil {
		return nil, nil, err
	}
	if len(args) == 2 {
		found, err = r.FindOn(args[0], args[1])
	} else {
		found, err = r.Find(strings.ToLower(args[0]))
	}
	switch {
	case err != nil:
		return nil, nil, rec.broken(err)
	case len(found) == 0 && len(args) == 2:
		return nil, nil, usage("%s has no result of %s on %s: scanner report --all --status pass,fail,not-applicable,not-assessed --rules %s shows all", what, args[0], args[1], args[0])
	case len(found) == 0 && slices.Contains(ruleIDs(), args[0]):
		return nil, nil, usage("%s is a rule: name a resource of it too, as an ARN, an ID, a name or a glob", args[0])
	case len(found) == 0:
		return nil, nil, usage("no fingerprint or identity in %s begins with %s: scanner report --all shows the first digits of each failure", what, args[0])
	case len(found) > 10 && len(args) == 2:
		return nil, nil, usage("%d results of %s are about %s: name one resource", len(found), args[0], args[1])
	case len(found) > 10:
		return nil, nil, usage("%d results begin with %s: give more digits", len(found), args[0])
	}
	return r, found, nil
}
