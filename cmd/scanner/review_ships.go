package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"awsscanner/internal/match"
	"awsscanner/internal/report"
	"awsscanner/internal/ships"
	"awsscanner/internal/ships/seen"
)

// mostDays is how long CloudFormation keeps events.
const mostDays = 90

func reviewShipsCommand() *cobra.Command {
	var src source
	var regions []string
	var out string
	var days int
	c := &cobra.Command{
		Use:   "ships",
		Short: "Read how a team ships: deployments that CloudFormation and CodeDeploy have seen",
		Long: `Ships reads which deployments CloudFormation and CodeDeploy have seen in the last days, and writes them to a file for scanner review run --ships. From
that a review estimates how often a workload is deployed, how many of that fail, and how long it takes until the same succeeds again: what AWS saw,
which is no grade. Other pipelines, and changes by hand, are not in it, nor are stacks that are deleted.

It needs cloudformation:DescribeStacks, cloudformation:DescribeStackEvents, codedeploy:ListDeployments and codedeploy:BatchGetDeployments.`,
		Example: `  scanner review ships --regions eu-west-1,eu-central-1 -o ships.json
  scanner review run --answers shop.yaml --ships ships.json`,
		Args: cobra.NoArgs,
	}
	f := c.Flags()
	f.StringArrayVar(&src.profiles, "profile", nil, "profile of the AWS configuration (repeatable: one account each)")
	f.StringArrayVar(&src.roles, "role-arn", nil, "assume this role and read its account (repeatable)")
	f.StringVar(&src.role.ExternalID, "external-id", "", "external ID that the roles demand")
	f.StringSliceVar(&regions, "regions", nil, "names of regions (default that of the credentials)")
	f.IntVar(&days, "days", mostDays, "how far to look back, at most 90: CloudFormation keeps no more")
	f.StringVarP(&out, "output", "o", "", "`FILE` to write (default standard output)")
	c.RunE = func(c *cobra.Command, args []string) error {
		if days < 1 || days > mostDays {
			return usage("--days: 1 to %d: CloudFormation keeps no more", mostDays)
		}
		for _, region := range regions {
			if strings.ContainsAny(region, "*?") {
				return usage("--regions: %q: write the names of regions, as this command lists none", region)
			}
			if why := match.RefuseRegion(region); why != "" {
				return usage("--regions: %s", why)
			}
		}
		if err := placeFor(out, out); err != nil {
			return err
		}
		src.quotaShare = 100
		if err := src.check(); err != nil {
			return err
		}
		now := time.Now().UTC().Truncate(time.Second)
		h := &ships.History{Schema: ships.Schema, From: now.AddDate(0, 0, -days), To: now, Read: []ships.Place{}, Deployments: []ships.Deployment{}, Gaps: []ships.Gap{}}
		entered, err := src.enter(c.Context())
		if err != nil {
			return err
		}
		for _, id := range slices.Sorted(maps.Keys(entered)) {
			a := entered[id]
			if a.sess == nil {
				h.Gaps = append(h.Gaps, ships.Gap{Account: id, Call: "sts:AssumeRole", Why: "the account cannot be entered: " + a.gap.Detail})
				continue
			}
			in := regions
			if len(in) == 0 {
				in = []string{a.sess.Config.Region}
			}
			for _, region := range in {
				cfg := a.sess.Config.Copy()
				cfg.Region = region
				if err := seen.Ask(c.Context(), h, cfg, a.sess.Account); err != nil {
					return &exitError{report.ExitInterrupted, "interrupted: try again, nothing is written"}
				}
			}
		}
		h.Sort()
		if out == "" || out == "-" {
			return toStdout(c, h.Write)
		}
		if err := toFile(out, h.Write); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.OutOrStdout(), "%s: %s in %d days, %s\n", out, plural(len(h.Deployments), "deployment"), days, plural(len(h.Gaps), "gap"))
		return err
	}
	return c
}
