package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"awsscanner/frameworks"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/peers"
	"awsscanner/internal/report"
	"awsscanner/rules"
)

// A ruleJSON is how programs see a rule.
type ruleJSON struct {
	ID         string              `json:"id"`
	Title      string              `json:"title"`
	Level      engine.Level        `json:"level"`
	Severity   engine.Severity     `json:"severity"`
	Worst      engine.Severity     `json:"worst"`
	Pillars    []engine.Pillar     `json:"pillars"`
	Service    string              `json:"service"`
	Kind       model.Kind          `json:"kind"`
	Params     any                 `json:"params"`
	Calls      []string            `json:"calls"`
	Frameworks map[string][]string `json:"frameworks"`
}

func rulesCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{Use: "rules", Short: "List rules, show one, or write a page about each", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		if dir == "" {
			return c.Help()
		}
		return writeRulePages(dir)
	}}
	c.Flags().StringVar(&dir, "markdown", "", "write a page about each rule, and indexes, to this directory; pages of rules that are no more are removed")
	c.AddCommand(rulesListCommand(), rulesShowCommand())
	return c
}

func rulesListCommand() *cobra.Command {
	var sel selection
	var format, framework string
	c := &cobra.Command{Use: "list", Short: "List the selected rules, or what they cover of a framework", Args: cobra.NoArgs}
	sel.flags(c.Flags())
	c.Flags().StringVar(&framework, "framework", "", "show which rules cover which requirement of this `ID`, and what none covers")
	c.Flags().StringVarP(&format, "output", "o", "table", "table or json")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := oneOf("-o", format, []string{"table", "json"}); err != nil {
			return err
		}
		if framework != "" {
			return listCoverage(c, framework, format)
		}
		picked, _, err := sel.pick()
		if err != nil {
			return err
		}
		if format == "json" {
			out := struct {
				Rules []ruleJSON `json:"rules"`
			}{}
			all, err := frameworks.All()
			if err != nil {
				return err
			}
			for i := range picked {
				r := &picked[i]
				plan, err := planFor(picked[i:i+1], false)
				if err != nil {
					return err
				}
				x := ruleJSON{ID: r.ID, Title: r.Title, Level: r.Level, Severity: r.Severity, Worst: r.Worst, Pillars: r.Pillars, Service: r.Service(),
					Kind: r.Check.Subject.Reported(), Params: r.Check.Params, Calls: slices.Sorted(slices.Values(plan.Ops)), Frameworks: map[string][]string{}}
				for _, f := range all {
					if ids := f.Of(r.ID); ids != nil {
						x.Frameworks[f.ID] = ids
					}
				}
				if x.Params == nil {
					x.Params = struct{}{}
				}
				out.Rules = append(out.Rules, x)
			}
			return encode(c.OutOrStdout(), out)
		}
		w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "RULE\tSEVERITY\tLEVEL\tPILLAR\tTITLE")
		for i := range picked {
			r := &picked[i]
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.ID, r.Severity, r.Level, r.Pillars[0], r.Title)
		}
		return w.Flush()
	}
	return c
}

func rulesShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show RULE", Short: "Show all about one rule, or those that another tool or a framework calls so", Args: cobra.ExactArgs(1),
		Long: `Show finds a rule by its own ID, or by what it is called elsewhere: a check of Prowler, a control of Security Hub (S3.8), a managed rule
of AWS Config, or a requirement of a framework (CIS-1.5, FSBP-S3.8, PCI-2.2.1).`,
		Example: `  scanner rules show s3-bucket-versioning
  scanner rules show S3.8
  scanner rules show CIS-1.5`,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return ruleIDs(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			ids, err := rulesCalled(args[0])
			if err != nil {
				return err
			}
			w := c.OutOrStdout()
			if len(ids) > 1 {
				fmt.Fprintf(w, "%s: %s\n\n", args[0], strings.Join(ids, ", "))
			}
			for _, id := range ids {
				i := slices.IndexFunc(rules.All, func(r engine.Rule) bool { return r.ID == id })
				if err := report.Rule(w, &rules.All[i]); err != nil {
					return err
				}
				if err := showFrameworks(w, id); err != nil {
					return err
				}
				if err := showPeers(w, id); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// rulesCalled returns the rules that have an ID, here or elsewhere.
func rulesCalled(id string) ([]string, error) {
	if i := slices.IndexFunc(rules.All, func(r engine.Rule) bool { return r.ID == id || slices.Contains(r.Formerly, id) }); i >= 0 {
		return []string{rules.All[i].ID}, nil
	}
	table, err := peers.Load()
	if err != nil {
		return nil, err
	}
	if ids := table.Rules(id); len(ids) > 0 {
		return ids, nil
	}
	all, err := frameworks.All()
	if err != nil {
		return nil, err
	}
	var found []string
	var open error // a requirement that no rule looks at
	prefix, requirement, dashed := strings.Cut(id, "-")
	for _, f := range all {
		if dashed && !strings.HasPrefix(f.ID, strings.ToLower(prefix)) {
			continue
		}
		for i := range f.Requirements {
			if r := &f.Requirements[i]; dashed && strings.EqualFold(r.ID, requirement) || strings.EqualFold(r.ID, id) {
				if len(r.Rules) == 0 && open == nil {
					open = usage("no rule looks at %s of %s: %s", r.ID, f.Name(), r.Open())
				}
				found = append(found, r.Rules...)
			}
		}
	}
	if len(found) == 0 && open != nil {
		return nil, open
	}
	if len(found) == 0 {
		return nil, usage("there is no rule %q, and neither another tool nor a framework calls one so: %s", id, didYouMean(id, ruleIDs(), "see scanner rules list"))
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// showPeers writes what other tools call a rule.
func showPeers(w io.Writer, rule string) error {
	table, err := peers.Load()
	if err != nil || len(table[rule]) == 0 {
		return err
	}
	var lines []string
	for _, tool := range slices.Sorted(maps.Keys(table[rule])) {
		lines = append(lines, tool+": "+strings.Join(table[rule][tool], ", "))
	}
	_, err = fmt.Fprintf(w, "ELSEWHERE\n%s\n\n", report.Indent(strings.Join(lines, "\n")))
	return err
}

// showFrameworks writes the requirements that a rule is mapped to.
func showFrameworks(w io.Writer, rule string) error {
	all, err := frameworks.All()
	if err != nil {
		return err
	}
	var lines []string
	for _, f := range all {
		if ids := f.Of(rule); ids != nil {
			lines = append(lines, f.ID+": "+strings.Join(ids, ", "))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	_, err = fmt.Fprintf(w, "FRAMEWORKS\n%s\n\n", report.Indent(strings.Join(lines, "\n")))
	return err
}

// listCoverage shows a framework whole: what rules cover, and what they do not.
func listCoverage(c *cobra.Command, id, format string) error {
	if err := oneOf("--framework", id, frameworks.IDs()); err != nil {
		return err
	}
	var set string
	selecting := pflag.NewFlagSet("", pflag.ContinueOnError)
	new(selection).flags(selecting)
	selecting.VisitAll(func(f *pflag.Flag) {
		if c.Flags().Changed(f.Name) {
			set = f.Name
		}
	})
	if set != "" {
		return usage("--framework shows all of a framework: leave out --%s", set)
	}
	f, err := frameworks.Load(id)
	if err != nil {
		return err
	}
	w := c.OutOrStdout()
	if format == "json" {
		return encode(w, f)
	}
	whole, part, manual := 0, 0, 0
	for i := range f.Requirements {
		switch r := &f.Requirements[i]; {
		case r.Automated != nil:
			manual++
		case len(r.Rules) > 0 && r.Reason != "":
			part++
		case len(r.Rules) > 0:
			whole++
		}
	}
	n := len(f.Requirements)
	fmt.Fprintf(w, "%s: rules look at %d of %d requirements, at %d of them in part; %d have no rule yet, %d cannot be automated\n%s\n\n",
		f.Name(), whole+part, n, part, n-whole-part-manual, manual, report.Indent(f.Provenance))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "REQUIREMENT\tTITLE\tRULES")
	for i := range f.Requirements {
		r := &f.Requirements[i]
		text := strings.Join(r.Rules, ", ")
		switch open := r.Open(); {
		case text == "":
			text = "- " + open
		case open != "":
			text += " (in part: " + open + ")"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", r.ID, r.Title, text)
	}
	return t.Flush()
}
