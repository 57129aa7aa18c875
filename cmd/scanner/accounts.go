package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"awsscanner/internal/collect"
	"awsscanner/internal/collect/session"
	"awsscanner/internal/demo"
	"awsscanner/internal/model"
	"awsscanner/internal/report"
)

// A source says whose accounts to read, and how.
type source struct {
	demo       bool
	profiles   []string
	roles      []string
	externalID string
	org        bool
	orgRole    string
	pick       session.Pick
	regions    []string // globs; "all" for every enabled one
	maxRPS     float64
	timeout    time.Duration
}

func (src *source) flags(f *pflag.FlagSet) {
	f.BoolVar(&src.demo, "demo", false, "the recorded account inside this program: no credentials, no network")
	f.StringArrayVar(&src.profiles, "profile", nil, "profile of the AWS configuration (repeatable: one account each)")
	f.StringSliceVar(&src.regions, "regions", nil, "regions, names or globs (default: all that are enabled); buckets are judged wherever they are")
	f.StringSliceVar(&src.regions, "region", nil, "the same as --regions")
	f.Float64Var(&src.maxRPS, "max-rps", 0, "send no more requests a second than this, to all accounts together")
}

func (src *source) accountFlags(f *pflag.FlagSet) {
	f.StringArrayVar(&src.roles, "role-arn", nil, "assume this role and scan its account (repeatable)")
	f.StringVar(&src.externalID, "external-id", "", "external ID that the roles demand")
	f.BoolVar(&src.org, "org", false, "scan all active accounts of the organization, as its management account or a delegated administrator lists them")
	f.StringVar(&src.orgRole, "org-role", "OrganizationAccountAccessRole", "with --org: name of the role to assume in each account")
	f.StringSliceVar(&src.pick.OUs, "ou", nil, "with --org: only accounts in or below these organizational units (IDs)")
	f.StringSliceVar(&src.pick.Only, "accounts", nil, "with --org: only these accounts (IDs)")
	f.StringSliceVar(&src.pick.Exclude, "exclude-accounts", nil, "with --org: not these accounts (IDs)")
}

// check refuses flags that contradict each other.
func (src *source) check() error {
	switch {
	case src.demo && (len(src.profiles)+len(src.roles) > 0 || src.org):
		return usage("--demo scans the account inside this program: leave out --profile, --role-arn and --org")
	case src.org && len(src.roles) > 0:
		return usage("--org and --role-arn exclude each other: name the role of the accounts with --org-role")
	case len(src.profiles) > 1 && (src.org || len(src.roles) > 0):
		return usage("--org and --role-arn start from one account: give a single --profile")
	case !src.org && len(src.pick.OUs)+len(src.pick.Only)+len(src.pick.Exclude) > 0:
		return usage("--ou, --accounts and --exclude-accounts pick accounts of an organization: add --org")
	case src.externalID != "" && !src.org && len(src.roles) == 0:
		return usage("--external-id is for roles: add --role-arn or --org")
	case src.maxRPS < 0:
		return usage("--max-rps must be positive")
	case src.timeout < 0:
		return usage("--timeout must be positive")
	}
	for _, arn := range src.roles {
		if a, ok := model.ParseARN(arn); !ok || a.Service != "iam" || a.Account == "" || !strings.HasPrefix(a.Resource, "role/") {
			return usage("--role-arn %s: write arn:aws:iam::ACCOUNT:role/NAME", arn)
		}
	}
	return nil
}

// An account is one to scan, or one that could not be entered.
type account struct {
	id   string           // or what it was called by, if nobody knows its ID
	sess *session.Session // nil if gap says why it could not be entered
	gap  *model.Gap
}

// open finds out who is calling.
func (src *source) open(ctx context.Context, profile string, agent collect.Agent) (*session.Session, error) {
	o := session.Options{Profile: profile}
	if len(src.regions) > 0 && otherPartition.MatchString(src.regions[0]) { // the default region would not know the credentials
		o.Region = src.regions[0]
	}
	load := func() (aws.Config, error) { return session.Load(ctx, o) }
	if src.demo {
		load = demo.Config
	}
	cfg, err := load()
	if err != nil {
		return nil, failed("%s", err)
	}
	sess, err := session.Open(ctx, cfg, agent)
	if ctx.Err() != nil {
		return nil, interrupted(ctx)
	}
	if err != nil {
		return nil, failed("%s", err)
	}
	return sess, nil
}

func interrupted(ctx context.Context) error {
	if ctx.Err() == context.DeadlineExceeded {
		return failed("the --timeout ended the scan before AWS had told who is calling: give it more time")
	}
	return &exitError{report.ExitInterrupted, "interrupted before anything was read"}
}

// accounts enters all accounts to scan, side by side. That one cannot be entered stops none of the others; with a single
// one it is an error. The whole organization is said to be scanned if none of its active accounts is left out.
func (src *source) accounts(ctx context.Context) (all []account, start time.Time, whole bool, err error) {
	start = time.Now().UTC().Truncate(time.Second)
	if src.demo {
		start = demo.Start
	}
	agent := collect.Agent{Version: version}
	if src.maxRPS > 0 {
		agent.Limit = rate.NewLimiter(rate.Limit(src.maxRPS), 1)
	}
	if len(src.profiles) > 1 {
		all = side(src.profiles, func(profile string) account {
			sess, err := src.open(ctx, profile, agent)
			if err != nil {
				return account{id: "profile " + profile, gap: &model.Gap{Reason: model.CallFailed, Call: "sts:GetCallerIdentity", Detail: err.Error()}}
			}
			return account{id: sess.Account, sess: sess}
		})
		all, err = distinct(all, src.profiles)
		return all, start, false, err
	}
	profile := ""
	if len(src.profiles) > 0 {
		profile = src.profiles[0]
	}
	base, err := src.open(ctx, profile, agent)
	if err != nil {
		return nil, start, false, err
	}
	var roles []string
	switch {
	case len(src.roles) > 0:
		roles = src.roles
	case src.org:
		members, err := base.Members(ctx, src.pick)
		if ctx.Err() != nil {
			return nil, start, false, interrupted(ctx)
		}
		if err != nil {
			return nil, start, false, failed("%s", err)
		}
		for _, m := range members {
			roles = append(roles, fmt.Sprintf("arn:%s:iam::%s:role/%s", base.Partition, m.ID, src.orgRole))
		}
	default:
		return []account{{id: base.Account, sess: base}}, start, false, nil
	}
	all = side(roles, func(arn string) account {
		role := session.Role{ARN: arn, ExternalID: src.externalID}
		if src.org && role.Account() == base.Account { // already there
			return account{id: base.Account, sess: base}
		}
		sess, err := base.Assume(ctx, role)
		if err != nil {
			return account{id: role.Account(), gap: session.AssumeGap(role, err)}
		}
		return account{id: sess.Account, sess: sess}
	})
	if ctx.Err() != nil {
		return nil, start, false, interrupted(ctx)
	}
	if len(all) == 1 && all[0].sess == nil {
		return nil, start, false, failed("account %s cannot be entered: %s", all[0].id, all[0].gap.Detail)
	}
	all, err = distinct(all, roles)
	return all, start, src.org && len(src.pick.OUs)+len(src.pick.Only)+len(src.pick.Exclude) == 0, err
}

// side makes accounts of names, several at a time, in the order of the names.
func side(names []string, enter func(string) account) []account {
	all := make([]account, len(names))
	var g errgroup.Group
	g.SetLimit(16)
	for i, name := range names {
		g.Go(func() error { all[i] = enter(name); return nil })
	}
	g.Wait()
	return all
}

// distinct refuses two ways into one account, which would be read twice.
func distinct(all []account, names []string) ([]account, error) {
	for i, a := range all {
		if j := slices.IndexFunc(all, func(b account) bool { return b.id == a.id }); j < i {
			return nil, usage("%s and %s lead to the same account %s: leave one out", names[j], names[i], a.id)
		}
	}
	if !slices.ContainsFunc(all, func(a account) bool { return a.sess != nil }) {
		var why []error
		for _, a := range all {
			why = append(why, fmt.Errorf("%s: %s", a.id, a.gap.Detail))
		}
		return nil, failed("no account can be entered: %s", strings.ReplaceAll(errors.Join(why...).Error(), "\n", "; "))
	}
	return all, nil
}
