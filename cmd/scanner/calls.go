package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"awsscanner/internal/collect"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/kinds"
	"awsscanner/internal/report"
)

// A callJSON is how programs see a planned call.
type callJSON struct {
	Call        string   `json:"call"`
	Often       string   `json:"often"`
	Permissions []string `json:"permissions"`
	Endpoint    string   `json:"endpoint"`
	Rules       []string `json:"rules"`
}

func callsCommand() *cobra.Command {
	var sel selection
	var format string
	c := &cobra.Command{
		Use: "calls", Aliases: []string{"plan"}, Short: "Show the exact API operations that a scan with these rules makes", Args: cobra.NoArgs,
		Long: "Calls shows the operations that a scan with the selected rules makes, and no others, how often, and which endpoints it contacts.\nNone of them is billed.",
	}
	sel.flags(c.Flags())
	c.Flags().StringVarP(&format, "output", "o", "table", "table or json")
	c.RunE = func(c *cobra.Command, _ []string) error {
		picked, _, err := sel.pick()
		if err != nil {
			return err
		}
		var all []callJSON
		add := func(op, often string, rule string) {
			i := slices.IndexFunc(all, func(x callJSON) bool { return x.Call == op })
			if i < 0 {
				i = len(all)
				all = append(all, callJSON{Call: op, Often: often, Permissions: model.Permissions(op), Endpoint: endpoint(op), Rules: []string{}})
			}
			if rule != "" {
				all[i].Rules = append(all[i].Rules, rule)
			}
		}
		add("sts:GetCallerIdentity", "once per account", "")
		add("account:ListRegions", "once per account", "")
		add("ec2:DescribeRegions", "once per account, if account:ListRegions is refused", "")
		for i := range picked {
			plan, err := planFor(picked[i : i+1])
			if err != nil {
				return err
			}
			for _, op := range plan.Ops {
				add(op, plan.Often(op), picked[i].ID)
			}
		}
		if err := oneOf("-o", format, []string{"table", "json"}); err != nil {
			return err
		}
		if format == "json" {
			return encode(c.OutOrStdout(), struct {
				Calls []callJSON `json:"calls"`
			}{all})
		}
		w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "CALL\tHOW OFTEN\tENDPOINT\tFOR")
		for _, x := range all {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", x.Call, x.Often, x.Endpoint, strings.Join(x.Rules, ", "))
		}
		return w.Flush()
	}
	return c
}

// endpoint is the host that an operation is sent to, as in the partition aws.
func endpoint(op string) string {
	service, _, _ := strings.Cut(op, ":")
	switch service {
	case "account":
		return "account.us-east-1.amazonaws.com"
	case "cloudwatchlogs":
		service = "logs"
	case "s3":
		if op != "s3:ListBuckets" {
			service = "<bucket>.s3"
		}
	case "s3control":
		service = "<account>.s3-control"
	}
	return service + ".<region>.amazonaws.com"
}

func permissionsCommand() *cobra.Command {
	var sel selection
	var format string
	var org bool
	c := &cobra.Command{
		Use: "permissions", Short: "Print the IAM policy that a scan with these rules needs", Args: cobra.NoArgs,
		Long: "Permissions prints the smallest identity policy with which the selected rules can be assessed. It holds no action that reads\nsecrets or data, and none that writes.",
	}
	sel.flags(c.Flags())
	c.Flags().BoolVar(&org, "org", false, "also what the account needs from which an organization is scanned")
	c.Flags().StringVarP(&format, "output", "o", "json", "json (a policy document) or list")
	c.RunE = func(c *cobra.Command, _ []string) error {
		picked, _, err := sel.pick()
		if err != nil {
			return err
		}
		if err := oneOf("-o", format, []string{"json", "list"}); err != nil {
			return err
		}
		plan, err := planFor(picked)
		if err != nil {
			return err
		}
		calls := slices.Concat(plan.Ops, model.DriverCalls)
		if org {
			calls = append(calls, model.OrganizationCalls...)
		}
		actions := collect.Permissions(calls)
		if format == "list" {
			_, err := fmt.Fprintln(c.OutOrStdout(), strings.Join(actions, "\n"))
			return err
		}
		type statement struct {
			Sid, Effect string
			Action      []string
			Resource    string
		}
		return encode(c.OutOrStdout(), struct {
			Version   string
			Statement []statement
		}{"2012-10-17", []statement{{"Scanner", "Allow", actions, "*"}}})
	}
	return c
}

func doctorCommand() *cobra.Command {
	var src source
	var sel selection
	c := &cobra.Command{
		Use: "doctor", Short: "Say who is calling, which regions there are, and which needed actions are refused", Args: cobra.NoArgs,
		Long: `Doctor tries the calls of the selected rules in one region and says of each whether it works. It exits 3 if one is refused or fails.`,
	}
	f := c.Flags()
	src.flags(f)
	sel.flags(f)
	c.RunE = func(c *cobra.Command, _ []string) error {
		picked, _, err := sel.pick()
		if err != nil {
			return err
		}
		if err := src.check(); err != nil {
			return err
		}
		if len(src.profiles) > 1 {
			return usage("doctor looks at one account: give a single --profile")
		}
		return examine(c.Context(), c, &src, picked)
	}
	return c
}

func examine(ctx context.Context, c *cobra.Command, src *source, picked []engine.Rule) error {
	plan, err := planFor(picked)
	if err != nil {
		return err
	}
	all, start, _, err := src.accounts(ctx)
	if err != nil {
		return err
	}
	sess := all[0].sess
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "caller\t%s\naccount\t%s\npartition\t%s\n", sess.Caller, sess.Account, sess.Partition)
	regions := sess.Regions(ctx)
	if regions.Gap != nil {
		fmt.Fprintf(w, "regions\tcannot be listed (%s: %s): grant account:ListRegions or ec2:DescribeRegions; scans read the %d that are always on\n", regions.Gap.Reason, regions.Gap.Detail, len(regions.Enabled))
	} else {
		fmt.Fprintf(w, "regions\t%d enabled: %s\n", len(regions.Enabled), strings.Join(regions.Enabled, " "))
	}
	if len(regions.Off) > 0 {
		fmt.Fprintf(w, "\t%d switched off: %s\n", len(regions.Off), strings.Join(regions.Off, " "))
	}
	read, _, err := src.choose(regions)
	if err != nil {
		return err
	}
	region := read[0]
	if len(src.regions) == 0 && slices.Contains(read, sess.Config.Region) {
		region = sess.Config.Region
	}
	at := sess.At(region, start)
	s := engine.NewSnapshot(engine.Header{Start: start, Partition: sess.Partition, Read: []model.Place{at.Place}})
	plan.Run(ctx, []collect.At{at}, s)
	if ctx.Err() != nil {
		return &exitError{report.ExitInterrupted, "interrupted"}
	}
	made := sess.Wire.Calls()
	gaps := gapsByCall(s)
	fmt.Fprintf(w, "\nin %s\t\n", region)
	bad := 0
	for _, op := range slices.Sorted(slices.Values(plan.Ops)) {
		status := "works"
		switch g := gaps[op]; {
		case g != nil:
			if g.Reason.Class() == model.Fixable {
				bad++
			}
			status = string(g.Reason)
			if grant := report.ToGrant(g); len(grant) > 0 {
				status += ": grant " + strings.Join(grant, ", ")
			}
			status += " (" + g.Detail + ")"
		case made[model.Operation(op)] == 0:
			status = "not tried: there is nothing here to ask about"
		}
		fmt.Fprintf(w, "%s\t%s\n", op, status)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if bad > 0 {
		return &exitError{report.ExitIncomplete, fmt.Sprintf("%d of %d calls do not work: rules that need them are not assessed", bad, len(plan.Ops))}
	}
	return nil
}

// gapsByCall returns one gap of each call that failed somewhere: what can be mended hides what cannot.
func gapsByCall(s *engine.Snapshot) map[string]*model.Gap {
	gaps := map[string]*model.Gap{}
	note := func(g *model.Gap) {
		if old := gaps[g.Call]; old == nil || old.Reason.Class() == model.Structural {
			gaps[g.Call] = g
		}
	}
	for _, h := range s.Holes() {
		note(h.Gap)
	}
	for _, k := range slices.Sorted(maps.Keys(kinds.All)) {
		for _, r := range s.All(kinds.All[k]) {
			for _, g := range r.About().Gaps {
				note(g)
			}
		}
	}
	return gaps
}
