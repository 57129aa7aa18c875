package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"awsscanner/internal/collect"
	"awsscanner/internal/collect/session"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/notify"
	"awsscanner/internal/publish"
	"awsscanner/internal/report"
	"awsscanner/internal/strictyaml"
)

func publishCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "publish",
		Short: "Tell another service what a scan has found",
		Long:  "Publish writes findings into accounts, and nothing else. A scan never writes anything.",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(securityHubCommand())
	return c
}

func securityHubCommand() *cobra.Command {
	src := source{quotaShare: 100}
	var conf configured
	var statuses, regions []string
	var dryRun bool
	c := &cobra.Command{
		Use:   "securityhub [REPORT|SNAPSHOT]",
		Short: "Import the findings of the last scan, of a snapshot or of a JSON report, into AWS Security Hub",
		Long: `Securityhub sends findings to the Security Hub of each account and region that they are about, with credentials of that account, as Security Hub
demands. Findings of earlier scans that this one has seen to be no more are archived, and so are failures that a waiver accepts, until it ends; what it could not
see is left as it is. Of the settings those about how rules judge, waivers and owners count; whose credentials to publish with is said by flags alone.

It needs securityhub:GetFindings and securityhub:BatchImportFindings in each account: give a role that may do that, as the scan's may not.`,
		Example: `  scanner publish securityhub --dry-run
  scanner publish securityhub --profile publisher
  scanner publish securityhub org.jsonl.zst --org-role FindingsPublisher`,
		Args: cobra.MaximumNArgs(1),
	}
	f := c.Flags()
	f.StringArrayVar(&src.profiles, "profile", nil, "profile of the AWS configuration (repeatable: one account each)")
	f.StringArrayVar(&src.roles, "role-arn", nil, "assume this role and publish in its account (repeatable)")
	f.StringVar(&src.orgRole, "org-role", "", "name of a role to assume in each account that was scanned, but the caller's own")
	f.StringVar(&src.role.ExternalID, "external-id", "", "external ID that the roles demand")
	f.StringVar(&src.role.SessionName, "session-name", "", "name of the roles' sessions, as CloudTrail shows it (default scanner)")
	f.StringVar(&src.role.SourceIdentity, "source-identity", "", "source identity of the roles' sessions")
	f.DurationVar(&src.role.Duration, "session-duration", 0, "of the roles' sessions, 15m to 12h (default 1h); they are renewed")
	f.StringSliceVar(&statuses, "status", []string{string(engine.Failed)}, "import results of these: fail, pass, not-assessed")
	f.StringSliceVar(&regions, "regions", nil, "only in the Security Hub of these regions, names or globs")
	f.StringSliceVar(&regions, "region", nil, "the same as --regions")
	conf.flags(f)
	conf.waiverFlag(f)
	f.BoolVar(&dryRun, "dry-run", false, "ask Security Hub what it has, say what would be done, and change nothing")
	c.RunE = func(c *cobra.Command, args []string) error {
		ctx := c.Context()
		p := publish.SecurityHub{Regions: regions, DryRun: dryRun}
		if slices.Equal(regions, []string{"all"}) {
			p.Regions = nil
		}
		for _, name := range statuses {
			if err := oneOf("--status", name, []string{string(engine.Failed), string(engine.Passed), string(engine.NotAssessed)}); err != nil {
				return err
			}
			p.Statuses = append(p.Statuses, engine.Status(name))
		}
		if src.orgRole != "" && len(src.roles)+max(0, len(src.profiles)-1) > 0 {
			return usage("--org-role starts from one account and names the role of all: leave out --role-arn, and give a single --profile")
		}
		rec, err := openRecording(ctx, cmp.Or(args...))
		if err == nil {
			err = rec.whole("would look as if it were gone")
		}
		if err != nil {
			return err
		}
		src.everywhere(rec.scan)
		if err := src.check(); err != nil {
			return err
		}
		if p.Report, err = rec.again(conf.again(), report.Options{}, c.ErrOrStderr()); err != nil {
			return err
		}
		if p.Open, err = src.hubs(ctx, rec.scan, "name a role or profile of it with --role-arn, --org-role or --profile"); err != nil {
			return err
		}
		outcomes, err := p.Run(ctx)
		switch {
		case ctx.Err() != nil:
			return &exitError{report.ExitInterrupted, "interrupted: publish again, what is there already is not told twice"}
		case err != nil:
			return rec.broken(err)
		}
		return showOutcomes(c.OutOrStdout(), c.ErrOrStderr(), outcomes, dryRun)
	}
	return c
}

// everywhere names the role in all accounts of a scan, if there is one of that name.
func (src *source) everywhere(s *engine.Scan) {
	if src.orgRole == "" {
		return
	}
	for _, id := range s.Header.Accounts() {
		src.roles = append(src.roles, fmt.Sprintf("arn:%s:iam::%s:role/%s", cmp.Or(s.Partition, "aws"), id, src.orgRole))
	}
}

// hubs returns what opens the Security Hub of an account and region.
func (src *source) hubs(ctx context.Context, s *engine.Scan, wayOut string) (func(id, region string) (aws.Config, error), error) {
	entered, err := src.enter(ctx)
	if err != nil {
		return nil, err
	}
	return func(id, region string) (aws.Config, error) {
		a, ok := entered[id]
		switch {
		case !ok:
			return aws.Config{}, fmt.Errorf("account %s was scanned, but these credentials are not of it: %s", id, wayOut)
		case a.sess == nil:
			return aws.Config{}, fmt.Errorf("account %s cannot be entered: %s", id, a.gap.Detail)
		}
		return a.sess.At(region, s.Start).Config, nil
	}, nil
}

// hubSource is whose Security Hubs a channel of notifications publishes to.
func hubSource(ch *notify.Channel) source {
	src := source{quotaShare: 100, orgRole: ch.RoleName}
	if ch.RoleName != "" {
		src.role.ExternalID = ch.ExternalID
	}
	return src
}

// publishSaved publishes a scan that was saved, as a channel of notifications says.
func publishSaved(ctx context.Context, log *slog.Logger, ch *notify.Channel, name string, conf configured) error {
	rec, err := openRecording(ctx, name)
	if err != nil {
		return err
	}
	src := hubSource(ch)
	src.everywhere(rec.scan)
	p := publish.SecurityHub{Statuses: []engine.Status{engine.Failed}, Regions: ch.Regions}
	if p.Report, err = rec.again(conf.again(), report.Options{}, io.Discard); err != nil {
		return err
	}
	if p.Open, err = src.hubs(ctx, rec.scan, "name a role that is there under role_name"); err != nil {
		return err
	}
	outcomes, err := p.Run(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for i := range outcomes {
		o := &outcomes[i]
		var off *publish.Unavailable
		if errors.As(o.Err, &off) { // trying again does not enable it
			log.Warn(o.Err.Error(), "channel", ch.Name, "lost", o.Lost)
		} else if o.Err != nil {
			errs = append(errs, o.Err)
		}
		for _, r := range o.Refused {
			log.Warn("Security Hub does not take a finding", "channel", ch.Name, "account", o.Account, "region", o.Region, "finding", r.What, "code", r.Code, "reason", r.Message)
		}
		log.Info("published", "channel", ch.Name, "account", o.Account, "region", o.Region, "imported", o.Imported, "archived", o.Resolved, "left", o.Kept+o.Newer)
	}
	return errors.Join(errs...)
}

// testHub tries whether a channel can import findings where its credentials are.
func testHub(ctx context.Context, ch *notify.Channel) error {
	src := hubSource(ch)
	base, err := src.open(ctx, "", collect.Agent{Version: version, Share: 1}, nil)
	if err != nil {
		return err
	}
	sess := base
	if ch.RoleName != "" {
		if sess, err = base.Assume(ctx, src.roleAt(fmt.Sprintf("arn:%s:iam::%s:role/%s", base.Partition, base.Account, ch.RoleName))); err != nil {
			return err
		}
	}
	region := sess.Config.Region
	for _, name := range ch.Regions {
		if !strings.Contains(name, "*") {
			region = name
			break
		}
	}
	return publish.Test(ctx, sess.At(region, time.Now()).Config, sess.Partition, model.Place{Account: sess.Account, Region: region}, time.Now())
}

// enter opens sessions of the accounts to publish in, by their IDs.
func (src *source) enter(ctx context.Context) (map[string]account, error) {
	entered := map[string]account{}
	if src.orgRole == "" {
		roster, err := src.accounts(ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range roster.all {
			entered[a.id] = a
		}
		return entered, nil
	}
	profile := ""
	if len(src.profiles) > 0 {
		profile = src.profiles[0]
	}
	var ask func(string) (string, error)
	if term.IsTerminal(int(os.Stdin.Fd())) {
		ask = askMFA(ctx, os.Stdin, os.Stderr)
	}
	base, err := src.open(ctx, profile, collect.Agent{Version: version, Share: 1}, ask)
	if err != nil {
		return nil, err
	}
	for _, a := range side(src.roles, func(arn string) account {
		role := src.roleAt(arn)
		if role.Account() == base.Account { // already there
			return account{id: base.Account, sess: base}
		}
		sess, err := base.Assume(ctx, role)
		if err != nil {
			return account{id: role.Account(), gap: session.AssumeGap(role, err)}
		}
		return account{id: sess.Account, sess: sess}
	}) {
		entered[a.id] = a
	}
	return entered, nil
}

// refusalsShown is how many findings that Security Hub did not take are named.
const refusalsShown = 20

// showOutcomes says what was done, and what was not and why.
func showOutcomes(stdout, stderr io.Writer, outcomes []publish.Outcome, dryRun bool) error {
	imported, archived := "imported", "archived"
	if dryRun {
		imported, archived = "would be imported", "would be archived"
	}
	var text strings.Builder
	var problems []*problem
	seen := map[string]*problem{}
	trouble := func(key, text string, o *publish.Outcome) {
		p := seen[key]
		if p == nil {
			p = &problem{text: text}
			seen[key], problems = p, append(problems, p)
		}
		p.regions, p.lost = append(p.regions, o.Region), p.lost+o.Lost
	}
	taken, resolved, refused := 0, 0, 0
	for i := range outcomes {
		o := &outcomes[i]
		taken, resolved = taken+o.Imported, resolved+o.Resolved
		if o.Imported+o.Resolved+o.Kept+o.Newer > 0 {
			fmt.Fprintf(&text, "account %s, %s: %d %s", o.Account, o.Region, o.Imported, imported)
			if o.Waived > 0 {
				fmt.Fprintf(&text, " (%d waived, as archived)", o.Waived)
			}
			fmt.Fprintf(&text, ", %d %s", o.Resolved, archived)
			if o.Kept > 0 {
				fmt.Fprintf(&text, ", %d of earlier scans left as they are: this one could not see them, or was not about them", o.Kept)
			}
			if o.Newer > 0 {
				fmt.Fprintf(&text, ", %d of a later scan left as they are", o.Newer)
			}
			text.WriteByte('\n')
		}
		for _, r := range o.Refused {
			if refused++; refused <= refusalsShown {
				fmt.Fprintf(stderr, "scanner: not taken: %s: %s: %s (%s)\n", strictyaml.Printable(r.What), strictyaml.Printable(r.Code), strictyaml.Printable(r.Message), strictyaml.Printable(r.ID))
			}
		}
		var off *publish.Unavailable
		switch {
		case errors.As(o.Err, &off):
			trouble("off in "+o.Account, "", o)
			seen["off in "+o.Account].account = o.Account
		case o.Err != nil:
			trouble(o.Err.Error(), o.Err.Error(), o)
		}
	}
	if len(problems)+refused == 0 || text.Len() > 0 {
		fmt.Fprintf(&text, "Security Hub: %s %s, %d %s\n", count(taken, "finding"), imported, resolved, archived)
	}
	if _, err := io.WriteString(stdout, text.String()); err != nil {
		return err
	}
	var why []string
	for _, p := range problems {
		why = append(why, p.String())
	}
	if refused > 0 {
		why = append(why, fmt.Sprintf("Security Hub did not take %d of %d findings", refused, taken+resolved+refused))
	}
	if len(why) > 0 {
		return failed("%s", strings.Join(why, "\nscanner: "))
	}
	return nil
}

// A problem is what went wrong in some regions.
type problem struct {
	text    string
	account string // in which Security Hub is not enabled, in place of a text
	regions []string
	lost    int // findings
}

func (p *problem) String() string {
	text := p.text
	switch {
	case p.account != "" && len(p.regions) == 1:
		text = (&publish.Unavailable{Place: model.Place{Account: p.account, Region: p.regions[0]}}).Error()
	case p.account != "":
		text = fmt.Sprintf("Security Hub is not enabled in account %s, regions %s: run aws securityhub enable-security-hub there, or leave them out with --regions", p.account, strings.Join(p.regions, ", "))
	}
	if p.lost > 0 {
		text += fmt.Sprintf(" (%s not imported)", count(p.lost, "finding"))
	}
	return text
}
