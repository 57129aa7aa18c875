package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"awsscanner/internal/engine"
	"awsscanner/internal/match"
	"awsscanner/internal/mutelist"
	"awsscanner/internal/peers"
	"awsscanner/internal/report"
	"awsscanner/internal/strictyaml"
	"awsscanner/internal/waiver"
	"awsscanner/rules"
)

// defaultWaivers is the file that commands about waivers look at if neither flag nor setting names one. A scan does not: what is accepted is
// never a matter of which files lie about.
const defaultWaivers = "waivers.yaml"

func waiversCommand() *cobra.Command {
	c := &cobra.Command{Use: "waivers", Short: "Check waivers, explain them, find those that are not used, or take over those of Prowler", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	imports := &cobra.Command{Use: "import", Short: "Make waivers of what another tool keeps", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	imports.AddCommand(waiversImportCommand())
	c.AddCommand(waiversLintCommand(), waiversExplainCommand(), waiversUnusedCommand(), imports)
	return c
}

func waiversLintCommand() *cobra.Command {
	var conf configured
	c := &cobra.Command{
		Use: "lint [FILE]", Short: "Check a file of waivers: " + defaultWaivers + ", or what the settings name", Args: cobra.MaximumNArgs(1),
		Long: `Lint says all that is wrong with a file of waivers, each with its line, and which of them have ended or will within 30 days.
The waiver_policy of the settings counts.`,
	}
	conf.flags(c.Flags())
	c.RunE = func(c *cobra.Command, args []string) error {
		name := defaultWaivers
		if x, ok := conf.all().Settings["waivers"]; ok {
			name = x.Values[0]
		}
		if len(args) > 0 {
			name = args[0]
		}
		list, err := readWaivers(name, nil, conf.all())
		if err != nil {
			return err
		}
		now, w := time.Now(), c.OutOrStdout()
		for _, line := range list.Warnings(now) {
			fmt.Fprintln(w, line)
		}
		for i := range list.All {
			x := &list.All[i]
			if days := int(x.Expires.Sub(now.UTC().Truncate(24*time.Hour)) / (24 * time.Hour)); days <= 30 && !x.Expired(now) {
				fmt.Fprintf(w, "%s: ends on %s, in %s: ask %s what comes then\n", list.Place(i), x.Expires, plural(days, "day"), x.Owner)
			}
		}
		_, err = fmt.Fprintf(w, "%s: %s, no mistake\n", list.Name, plural(len(list.All), "waiver"))
		return err
	}
	return c
}

// listed returns the waivers of a command, by default those of a file of the working directory.
func (s *configured) listed() (*waiver.List, error) {
	if s.list == nil {
		if _, err := os.Stat(defaultWaivers); err != nil {
			return nil, usage("there are no waivers: name a file with --waivers, or in the settings")
		}
		list, err := readWaivers(defaultWaivers, nil, s.all())
		if err != nil {
			return nil, err
		}
		s.list = list
	}
	return s.list, nil
}

func waiversExplainCommand() *cobra.Command {
	var conf configured
	var snapshot string
	c := &cobra.Command{
		Use: "explain PREFIX | RULE RESOURCE", Short: "Say which waiver accepts a result of the last scan, or why none does", Args: cobra.RangeArgs(1, 2),
		Long: `Explain shows of each waiver that is about the rule which of its conditions hold for the result: yes, no, or unknown, as for tags that nobody has read.
Only a yes to all of them accepts it. The first waiver that does counts.`,
		Example: `  scanner waivers explain 3f2a9c1d
  scanner waivers explain s3-bucket-versioning my-bucket --waivers waivers.yaml`,
	}
	conf.flags(c.Flags())
	conf.waiverFlag(c.Flags())
	c.Flags().StringVar(&snapshot, "snapshot", "", "of this snapshot or JSON report instead of the last scan")
	c.RunE = func(c *cobra.Command, args []string) error {
		list, err := conf.listed()
		if err != nil {
			return err
		}
		r, found, err := findResults(c, &conf, snapshot, args)
		if err != nil {
			return err
		}
		for i := range found {
			if i > 0 {
				fmt.Fprintln(c.OutOrStdout())
			}
			if err := explainWaivers(c.OutOrStdout(), list, r, &found[i]); err != nil {
				return err
			}
		}
		return nil
	}
	return c
}

func explainWaivers(w io.Writer, list *waiver.List, r *report.Report, x *report.Result) error {
	var b strings.Builder
	m := x.Resource
	fmt.Fprintf(&b, "%s  %s on %s (%s): %s\n", x.Fingerprint()[:8], x.Rule.ID, strictyaml.Printable(cmp.Or(m.Name, m.ID)), strings.TrimSpace(m.Account+" "+m.Region), x.Status)
	open := x.Status == engine.Failed || x.Status == engine.NotAssessed
	switch {
	case !open:
		b.WriteString("there is nothing to accept\n")
	case x.Waived != nil:
		fmt.Fprintf(&b, "accepted by %s until %s (%s): %s\n", x.Waived.Source, x.Waived.Expires, x.Waived.Owner, strictyaml.Printable(x.Waived.Reason))
	default:
		b.WriteString("no waiver accepts it\n")
	}
	about := list.About(x.Rule.ID)
	for _, i := range about {
		one, s := &list.All[i], match.Result(&x.Result)
		answer := one.Ask(s)
		fmt.Fprintf(&b, "\n%s: %s", list.Place(i), answer)
		if one.Expired(r.Header.Start) {
			fmt.Fprintf(&b, ", but it expired on %s", one.Expires)
		}
		b.WriteByte('\n')
		for _, step := range one.Explain(s) {
			fmt.Fprintf(&b, "  %-8s %s%s\n", step.Answer, strings.Repeat("  ", step.Depth), strictyaml.Printable(step.Text))
		}
	}
	if others := len(list.All) - len(about); others > 0 {
		fmt.Fprintf(&b, "\n%s: %s about other rules\n", list.Name, plural(others, "waiver"))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// A usedJSON is how programs see what became of a waiver.
type usedJSON struct {
	Source  string      `json:"source"`
	Fate    waiver.Fate `json:"fate"`
	Why     string      `json:"why"`
	Results int         `json:"results"` // that it accepts
	Owner   string      `json:"owner"`
	Reason  string      `json:"reason"`
	Expires string      `json:"expires"`
}

func waiversUnusedCommand() *cobra.Command {
	var conf configured
	var format string
	c := &cobra.Command{
		Use: "unused [SNAPSHOT]", Short: "List waivers that accept nothing in the last scan, or in a snapshot", Args: cobra.MaximumNArgs(1),
		Long: `Unused lists waivers that accept nothing. It calls one unused only if the scan saw all that it may mean: its rules judged, its accounts and
regions were read, and tags and lists were known where it asks for them.`,
	}
	conf.flags(c.Flags())
	conf.waiverFlag(c.Flags())
	c.Flags().StringVarP(&format, "output", "o", "table", "table, or json (which lists those that are used, too)")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := oneOf("-o", format, []string{"table", "json"}); err != nil {
			return err
		}
		list, err := conf.listed()
		if err != nil {
			return err
		}
		rec, err := openRecording(c.Context(), cmp.Or(args...))
		if err == nil {
			err = rec.whole("would make waivers look unused")
		}
		if err != nil {
			return err
		}
		picked, err := rec.rules(conf.again())
		if err != nil {
			return err
		}
		tally := list.NewTally(rec.scan.Start)
		for r, err := range rec.scan.Evaluate(picked) {
			if err != nil {
				return rec.broken(err)
			}
			tally.Add(&r)
		}
		all, sums := []usedJSON{}, map[waiver.Fate]int{}
		for i := range list.All {
			x := &list.All[i]
			fate, why := tally.Fate(i, rec.scan.Header, picked, rules.All)
			sums[fate]++
			all = append(all, usedJSON{list.Place(i), fate, why, tally.Uses[i].Results, x.Owner, x.Reason, x.Expires.String()})
		}
		if format == "json" {
			return encode(c.OutOrStdout(), struct {
				Waivers []usedJSON `json:"waivers"`
			}{all})
		}
		t := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
		for _, x := range all {
			if x.Fate != waiver.Used {
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", x.Source, x.Fate, x.Why, strictyaml.Printable(x.Owner))
			}
		}
		if err := t.Flush(); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.OutOrStdout(), "%s: %d used, %d unused, %d expired, of %d the scan cannot tell\n", list.Name, sums[waiver.Used], sums[waiver.Unused], sums[waiver.Expired], sums[waiver.CantTell])
		return err
	}
	return c
}

func waiversImportCommand() *cobra.Command {
	var conf configured
	var owner, reason, expires string
	c := &cobra.Command{
		Use: "prowler FILE", Short: "Make waivers of a mutelist of Prowler", Args: cobra.ExactArgs(1),
		Long: `Prowler reads a mutelist and writes waivers to standard output. What Prowler mutes without an end and without anybody who answers for it gets both: --expires and --owner.
Patterns become globs: a plain text means just the resource of that name, where Prowler mutes all that contain it. What cannot be said so, or what no rule
of this scanner looks at, is left out, and listed with the reason as comments and on standard error.`,
		Example: `  scanner waivers import prowler mutelist.yaml --owner platform --expires 2027-03-31 > waivers.yaml
  scanner waivers lint waivers.yaml`,
	}
	conf.flags(c.Flags())
	c.Flags().StringVar(&owner, "owner", "", "who answers for these waivers")
	c.Flags().StringVar(&expires, "expires", "", "their last day, YYYY-MM-DD")
	c.Flags().StringVar(&reason, "reason", "", "why, where the mutelist has no Description")
	c.RunE = func(c *cobra.Command, args []string) error {
		if owner == "" || expires == "" {
			return usage("waivers need somebody who answers for them, and an end: add --owner NAME and --expires YYYY-MM-DD")
		}
		var last waiver.Date
		if err := last.UnmarshalText([]byte(expires)); err != nil {
			return usage("--expires: %s", err)
		}
		if expires < time.Now().UTC().Format(time.DateOnly) {
			return usage("--expires: %s is over: choose a day to come", expires)
		}
		table, err := peers.Load()
		if err != nil {
			return err
		}
		said := conf.all()
		out, err := mutelist.Translate(args[0], mutelist.Options{Owner: owner, Reason: reason, Expires: last, Peers: table,
			Context: waiver.Context{Rules: said.Rated(rules.All), Policy: said.Policy, Now: time.Now()}})
		if err != nil {
			return mistakes(err)
		}
		if err := out.Write(c.OutOrStdout()); err != nil {
			return err
		}
		for _, left := range out.Left {
			fmt.Fprintln(c.ErrOrStderr(), "scanner: left out: "+left)
		}
		_, err = fmt.Fprintf(c.ErrOrStderr(), "scanner: %s made, %d of them with a note; %d left out\n", plural(len(out.Waivers), "waiver"), out.Noted(), len(out.Left))
		return err
	}
	return c
}
