package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"awsscanner/internal/compare"
	"awsscanner/internal/peers"
	"awsscanner/internal/report"
)

func compareCommand() *cobra.Command {
	var sel selection
	var v view
	var snapshot, format string
	var all bool
	c := &cobra.Command{
		Use:   "compare FILE",
		Short: "Hold the report of another tool against the last scan: where they disagree, and why",
		Long: `Compare reads a report of Prowler (OCSF or CSV) or findings of Security Hub (as aws securityhub get-findings prints them), and lists each
resource of which it says something else than the last scan, with our evidence. That rules of two tools look at the same thing
does not mean that they ask for the same: the rule's page says how ours judges.`,
		Example: `  scanner compare prowler-output.ocsf.json
  aws securityhub get-findings > hub.json && scanner compare hub.json --snapshot report.json`,
		Args: cobra.ExactArgs(1),
	}
	f := c.Flags()
	f.StringVar(&snapshot, "snapshot", "", "compare with this snapshot or JSON report instead of the last scan")
	f.StringVarP(&format, "output", "o", "table", "table or json")
	f.BoolVar(&all, "all", false, "show every difference in the table")
	f.StringSliceVar(&v.regions, "regions", nil, "only results of these regions, names or globs")
	sel.flags(f)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := oneOf("-o", format, []string{"table", "json"}); err != nil {
			return err
		}
		in, err := openFile(c.Context(), args[0])
		if err != nil {
			return usage("%s cannot be read: %s", args[0], err)
		}
		defer in.Close()
		theirs, err := compare.Read(in)
		if err != nil {
			return usage("%s cannot be read as a report of Prowler or findings of Security Hub: %s", args[0], err)
		}
		table, err := peers.Load()
		if err != nil {
			return err
		}
		v.groupBy = "fix"
		p, err := prepare(c, &sel, &v, &gateFlags{})
		if err != nil {
			return err
		}
		r, err := look(c, snapshot, &sel, &v, p)
		if err != nil {
			return err
		}
		result, err := compare.Compare(theirs, table, r.Rules, r.Findings())
		if err != nil {
			return failed("what was read cannot be read again: %s", err)
		}
		if format == "json" {
			return encode(c.OutOrStdout(), result)
		}
		return showDifferences(c.OutOrStdout(), result, all)
	}
	return c
}

// headings puts kinds of differences in words.
var headings = map[compare.Kind]string{
	compare.OnlyOursFails:   "ONLY WE FAIL  they pass",
	compare.OnlyTheirsFails: "ONLY THEY FAIL  we pass, or the rule does not apply",
	compare.OursUnassessed:  "NOT ASSESSED HERE  they judge what this scan could not see",
	compare.NotTheirs:       "NOT IN THEIRS  we fail, and they have no row",
	compare.NotOurs:         "NOT IN OURS  they have a row, and this scan no result: another time, account or region, or nothing that the rule judges",
	compare.TheirsUnsure:    "THEY ARE UNSURE  and we judge",
}

// shownOfKind is how many differences of a kind the short table shows.
const shownOfKind = 5

func showDifferences(w io.Writer, c *compare.Comparison, all bool) error {
	var b strings.Builder
	unmatched := 0
	for _, n := range c.Unmatched {
		unmatched += n
	}
	fmt.Fprintf(&b, "%s: %d verdicts agree, %d differ; %d findings of %d checks were not compared, as no selected rule looks at the same\n", cmp.Or(c.Format, "no findings there"), c.Agree, len(c.Differences), unmatched, len(c.Unmatched))
	for _, kind := range compare.Kinds {
		if c.Counts[kind] == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n%s (%d)\n", headings[kind], c.Counts[kind])
		shown := 0
		for _, d := range c.Differences {
			if d.Kind != kind {
				continue
			}
			if shown == shownOfKind && !all {
				fmt.Fprintf(&b, "  and %d more: --all\n", c.Counts[kind]-shown)
				break
			}
			shown++
			b.WriteString(difference(d))
		}
	}
	if checks := c.Checks(); len(checks) > 0 && all {
		fmt.Fprintf(&b, "\nNOT COMPARED\n")
		for _, check := range checks {
			fmt.Fprintf(&b, "  %s (%d)\n", check, c.Unmatched[check])
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// difference writes what both say of a resource.
func difference(d compare.Difference) string {
	text := ""
	if o := d.Ours; o != nil {
		what := string(o.Status)
		if o.Fix != nil {
			what = o.Severity.String()
		}
		name := o.Resource.Name
		if name == "" {
			name = o.Resource.ID
		}
		text = fmt.Sprintf("  %-13s %s  %s: %s", what, o.Fingerprint[:8], d.Rule, strings.TrimSpace(name+" "+o.Resource.Region))
		if o.Message != "" {
			text += ": " + o.Message
		}
	} else {
		text = fmt.Sprintf("  %s: %s", d.Rule, d.Theirs.Resource)
	}
	text = report.Clean(text) + "\n"
	if t := d.Theirs; t != nil {
		text += report.Clean(fmt.Sprintf("                they: %s %s: %s", t.Check, t.Said, t.Message)) + "\n"
	}
	return text
}
