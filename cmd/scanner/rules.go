package main

import (
	"fmt"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
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
	var format string
	c := &cobra.Command{Use: "list", Short: "List the selected rules", Args: cobra.NoArgs}
	sel.flags(c.Flags())
	c.Flags().StringVarP(&format, "output", "o", "table", "table or json")
	c.RunE = func(c *cobra.Command, _ []string) error {
		picked, _, err := sel.pick()
		if err != nil {
			return err
		}
		if err := oneOf("-o", format, []string{"table", "json"}); err != nil {
			return err
		}
		if format == "json" {
			out := struct {
				Rules []ruleJSON `json:"rules"`
			}{}
			for i := range picked {
				r := &picked[i]
				plan, err := planFor(picked[i:i+1], false)
				if err != nil {
					return err
				}
				x := ruleJSON{ID: r.ID, Title: r.Title, Level: r.Level, Severity: r.Severity, Worst: r.Worst, Pillars: r.Pillars, Service: r.Service(),
					Kind: r.Check.Subject.Reported(), Params: r.Check.Params, Calls: slices.Sorted(slices.Values(plan.Ops)), Frameworks: map[string][]string{}}
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
		Use: "show RULE", Short: "Show all about one rule", Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return ruleIDs(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			i := slices.IndexFunc(rules.All, func(r engine.Rule) bool { return r.ID == args[0] })
			if i < 0 {
				return usage("there is no rule %q: %s", args[0], didYouMean(args[0], ruleIDs(), "see scanner rules list"))
			}
			return report.Rule(c.OutOrStdout(), &rules.All[i])
		},
	}
}
