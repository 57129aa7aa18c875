package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"
	"golang.org/x/term"
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
	role       session.Role // what is common to all: its ARN does not count
	org        bool
	orgRole    string
	pick       session.Pick
	tags       []string // K=V, of --account-tag
	regions    []string // globs; "all" for every enabled one
	maxRPS     float64
	quotaShare float64 // percent
	trace      string  // file
	done       func(collect.Done)
	timeout    time.Duration
}

func (src *source) flags(f *pflag.FlagSet) {
	f.BoolVar(&src.demo, "demo", false, "the recorded account inside this program: no credentials, no network")
	f.StringArrayVar(&src.profiles, "profile", nil, "profile of the AWS configuration (repeatable: one account each)")
	f.StringSliceVar(&src.regions, "regions", nil, "regions, names or globs (default: all that are enabled); buckets are judged wherever they are")
	f.StringSliceVar(&src.regions, "region", nil, "the same as --regions")
	f.Float64Var(&src.maxRPS, "max-rps", 0, "send no more requests a second than this, to all accounts together")
	f.Float64Var(&src.quotaShare, "quota-share", 100, "once AWS throttles an operation, take at most this percentage of the rate that was too much")
}

func (src *source) accountFlags(f *pflag.FlagSet) {
	f.StringArrayVar(&src.roles, "role-arn", nil, "assume this role and scan its account (repeatable)")
	f.StringVar(&src.role.ExternalID, "external-id", "", "external ID that the roles demand")
	f.StringVar(&src.role.SessionName, "session-name", "", "name of the roles' sessions, as CloudTrail shows it (default scanner)")
	f.StringVar(&src.role.SourceIdentity, "source-identity", "", "source identity of the roles' sessions")
	f.DurationVar(&src.role.Duration, "session-duration", 0, "of the roles' sessions, 15m to 12h (default 1h); they are renewed, however long the scan takes")
	f.BoolVar(&src.org, "org", false, "scan all active accounts of the organization, as its management account or a delegated administrator lists them")
	f.StringVar(&src.orgRole, "org-role", "OrganizationAccountAccessRole", "with --org: name of the role to assume in each account")
	f.StringSliceVar(&src.pick.OUs, "ou", nil, "with --org: only accounts in or below these organizational units (IDs)")
	f.StringSliceVar(&src.pick.Only, "accounts", nil, "with --org: only these accounts (IDs)")
	f.StringSliceVar(&src.pick.Exclude, "exclude-accounts", nil, "with --org: not these accounts (IDs)")
	f.StringArrayVar(&src.tags, "account-tag", nil, "with --org: only accounts with this tag, KEY=VALUE (repeatable: all keys, any of the values of one key)")
	f.StringSliceVar(&src.pick.States, "account-status", nil, "with --org: only accounts in these states (default ACTIVE, as no others can be entered)")
	f.StringVar(&src.trace, "trace-calls", "", "write a line of JSON for each call to this file: operation, region, duration, attempts, outcome; no content")
}

// picksSome reports whether flags leave out accounts of the organization.
func (src *source) picksSome() bool {
	return len(src.pick.OUs)+len(src.pick.Only)+len(src.pick.Exclude)+len(src.pick.States)+len(src.tags) > 0
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
	case !src.org && src.picksSome():
		return usage("--ou, --accounts, --exclude-accounts, --account-tag and --account-status pick accounts of an organization: add --org")
	case src.role != session.Role{} && !src.org && len(src.roles) == 0:
		return usage("--external-id, --session-name, --source-identity and --session-duration are for roles: add --role-arn or --org")
	case src.org && strings.HasPrefix(src.orgRole, "arn:"):
		return usage("--org-role takes a name, as the role is another one in each account: write %s", src.orgRole[strings.LastIndexAny(src.orgRole, ":/")+1:])
	case src.maxRPS < 0:
		return usage("--max-rps must be positive")
	case src.timeout < 0:
		return usage("--timeout must be positive")
	}
	for _, twice := range []struct {
		flag   string
		values []string
	}{{"--profile", src.profiles}, {"--role-arn", src.roles}} {
		for i, x := range twice.values {
			if slices.Contains(twice.values[:i], x) {
				return usage("%s %s is given twice: leave one out", twice.flag, x)
			}
		}
	}
	for _, id := range src.pick.Only {
		if slices.Contains(src.pick.Exclude, id) {
			return usage("--accounts and --exclude-accounts both name %s: take it out of one", id)
		}
	}
	roles := src.roles
	if src.org {
		roles = []string{fmt.Sprintf("arn:aws:iam::%012d:role/%s", 0, src.orgRole)} // as in each account
	}
	for _, arn := range roles {
		if err := src.roleAt(arn).Check(); err != nil {
			return usage("%s", err)
		}
	}
	if src.quotaShare < 1 || src.quotaShare > 100 {
		return usage("--quota-share must be a percentage from 1 to 100")
	}
	for _, state := range src.pick.States {
		if err := oneOf("--account-status", state, session.States()); err != nil {
			return err
		}
	}
	src.pick.Tags = nil
	for _, tag := range src.tags {
		key, value, ok := strings.Cut(tag, "=")
		if !ok || key == "" {
			return usage("--account-tag %s: write KEY=VALUE", tag)
		}
		src.pick.Tags = append(src.pick.Tags, session.Tag{Key: key, Value: value})
	}
	return nil
}

// roleAt returns a role with what the flags say of all.
func (src *source) roleAt(arn string) session.Role {
	role := src.role
	role.ARN = arn
	return role
}

// An account is one to scan, or one that could not be entered.
type account struct {
	id   string           // or what it was called by, if nobody knows its ID
	name string           // in the organization; "" if nobody told
	sess *session.Session // nil if gap says why it could not be entered
	gap  *model.Gap
}

// A roster is the accounts of a scan.
type roster struct {
	all   []account
	left  []session.Left // accounts of the organization that are not scanned, and why: for the header of the snapshot and scan.skipped of reports
	start time.Time
	base  *session.Session // that the others are entered from; nil if each has a profile of its own
	whole bool             // none of the active accounts of the organization is left out
}

// firstRegion is where to ask who is calling: "" for where the configuration says. Another partition than that of the default region would not
// know the credentials.
func (src *source) firstRegion() string {
	if len(src.regions) == 0 {
		return ""
	}
	p := session.PartitionOf(src.regions[0])
	switch {
	case p.Name == "aws":
		return ""
	case regionName.MatchString(src.regions[0]):
		return src.regions[0]
	}
	return p.AlwaysOn[0]
}

// open finds out who is calling. Where a profile demands the code of an MFA device, ask asks for it.
func (src *source) open(ctx context.Context, profile string, agent collect.Agent, ask func(profile string) (string, error)) (*session.Session, error) {
	o := session.Options{Profile: profile, Region: src.firstRegion()}
	if ask != nil {
		o.MFA = func() (string, error) { return ask(profile) }
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

// agent is how requests are sent.
func (src *source) agent() collect.Agent {
	agent := collect.Agent{Version: version, Share: src.quotaShare / 100, Done: src.done}
	if src.maxRPS > 0 {
		agent.Limit = rate.NewLimiter(rate.Limit(src.maxRPS), 1)
	}
	return agent
}

// accounts enters all accounts to scan, side by side. That one cannot be entered stops none of the others; with a single
// one it is an error.
func (src *source) accounts(ctx context.Context) (r roster, err error) {
	r.start = time.Now().UTC().Truncate(time.Second)
	if src.demo {
		r.start = demo.Start
	}
	agent := src.agent()
	var ask func(string) (string, error)
	if term.IsTerminal(int(os.Stdin.Fd())) {
		ask = askMFA(ctx, os.Stdin, os.Stderr)
	}
	if len(src.profiles) > 1 {
		r.all, err = distinct(side(src.profiles, func(profile string) account {
			sess, err := src.open(ctx, profile, agent, ask)
			if err != nil {
				return account{id: "profile " + profile, gap: &model.Gap{Reason: model.CallFailed, Call: "sts:GetCallerIdentity", Detail: err.Error()}}
			}
			return account{id: sess.Account, sess: sess}
		}), src.profiles)
		return r, err
	}
	profile := ""
	if len(src.profiles) > 0 {
		profile = src.profiles[0]
	}
	base, err := src.open(ctx, profile, agent, ask)
	if err != nil {
		return r, err
	}
	r.base = base
	roles := src.roles
	for _, arn := range roles {
		if a, _ := model.ParseARN(arn); a.Partition != base.Partition {
			return r, usage("--role-arn %s is of the partition %s, but the caller is of %s: no role can be assumed from there", arn, a.Partition, base.Partition)
		}
	}
	names := map[string]string{}
	switch {
	case src.org:
		members, left, err := base.Members(ctx, src.pick)
		if ctx.Err() != nil {
			return r, interrupted(ctx)
		}
		if err != nil {
			return r, failed("%s", err)
		}
		r.left, r.whole = left, !slices.ContainsFunc(left, func(l session.Left) bool { return l.State == "ACTIVE" })
		for _, m := range members {
			names[m.ID] = m.Name
			arn := fmt.Sprintf("arn:%s:iam::%s:role/%s", base.Partition, m.ID, src.orgRole)
			if m.ID == base.Account { // the first: what only a delegated administrator is told of the organization is asked there
				roles = slices.Insert(roles, 0, arn)
			} else {
				roles = append(roles, arn)
			}
		}
	case len(roles) == 0:
		r.all = []account{{id: base.Account, sess: base}}
		return r, nil
	}
	all := side(roles, func(arn string) account {
		role := src.roleAt(arn)
		if src.org && role.Account() == base.Account { // already there
			return account{id: base.Account, name: names[base.Account], sess: base}
		}
		sess, err := base.Assume(ctx, role)
		if err != nil {
			return account{id: role.Account(), name: names[role.Account()], gap: session.AssumeGap(role, err)}
		}
		return account{id: sess.Account, name: names[sess.Account], sess: sess}
	})
	if ctx.Err() != nil {
		return r, interrupted(ctx)
	}
	if len(all) == 1 && all[0].sess == nil {
		return r, failed("account %s cannot be entered: %s", all[0].id, all[0].gap.Detail)
	}
	r.all, err = distinct(all, roles)
	return r, err
}

// askMFA returns what asks on a terminal for the code of an MFA device. Profiles are entered side by side, but asked for one by one.
func askMFA(ctx context.Context, in io.Reader, out io.Writer) func(profile string) (string, error) {
	var mu sync.Mutex
	lines := bufio.NewReader(in)
	return func(profile string) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if err := ctx.Err(); err != nil {
			return "", err
		}
		what := "the AWS profile"
		if profile != "" {
			what += " " + profile
		}
		fmt.Fprintf(out, "MFA code for %s: ", what) // not on standard output, where the report goes
		type answer struct {
			line string
			err  error
		}
		got := make(chan answer, 1)
		go func() { // which an interrupt does not end: the process ends soon
			line, err := lines.ReadString('\n')
			got <- answer{line, err}
		}()
		select {
		case a := <-got:
			return strings.TrimSpace(a.line), a.err
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
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
	if slices.ContainsFunc(all, func(a account) bool { return a.sess != nil }) {
		return all, nil
	}
	var why []string
	of := map[string][]string{} // IDs by what is wrong: often it is the same for all
	for _, a := range all {
		text := strings.ReplaceAll(a.gap.Detail, a.id, "ACCOUNT")
		if of[text] == nil {
			why = append(why, text)
		}
		of[text] = append(of[text], a.id)
	}
	for i, text := range why {
		ids := of[text]
		why[i] = fmt.Sprintf("%s: %s", ids[0], strings.ReplaceAll(text, "ACCOUNT", ids[0]))
		if len(ids) > 1 {
			why[i] = fmt.Sprintf("%s and %d more: %s", ids[0], len(ids)-1, text)
		}
	}
	return nil, failed("no account can be entered: %s", strings.Join(why, "; "))
}
