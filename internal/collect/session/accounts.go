package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"golang.org/x/sync/errgroup"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
)

// A Role is a role to assume for a scan.
type Role struct {
	ARN            string
	ExternalID     string        // "" if the role demands none
	SessionName    string        // as CloudTrail shows it; "": scanner
	SourceIdentity string        // "" for none
	Duration       time.Duration // of a session; 0: one hour, the most that a role assumed by a role may have
}

// What AWS takes. Source: roleSessionNameType, sourceIdentityType, externalIdType and roleDurationSecondsType of the API model of STS, roleNameType and
// pathType of that of IAM.
var (
	sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	externalID  = regexp.MustCompile(`^[\w+=,.@:/-]+$`) // and 2 to 1224 of them
	roleName    = regexp.MustCompile(`^([!-~]+/)?[\w+=,.@-]{1,64}$`)
)

// Check refuses what AWS would: in its own words it would be harder to understand, and later.
func (r Role) Check() error {
	arn, ok := model.ParseARN(r.ARN)
	name, isRole := strings.CutPrefix(arn.Resource, "role/")
	switch {
	case !ok || arn.Service != "iam" || arn.Account == "" || !isRole:
		return fmt.Errorf("the role %s is no ARN of a role: write arn:aws:iam::ACCOUNT:role/NAME", r.ARN)
	case !roleName.MatchString(name):
		return fmt.Errorf("the role name %q cannot be one: AWS takes 1 to 64 letters, digits and any of +=,.@_-, after a path if it has one", name)
	case r.ExternalID != "" && (len(r.ExternalID) < 2 || len(r.ExternalID) > 1224 || !externalID.MatchString(r.ExternalID)):
		return errors.New("the external ID cannot be one: AWS takes 2 to 1224 letters, digits and any of +=,.@:/_-")
	case r.SessionName != "" && !sessionName.MatchString(r.SessionName):
		return fmt.Errorf("the session name %q cannot be one: AWS takes 2 to 64 letters, digits and any of +=,.@_-", r.SessionName)
	case r.SourceIdentity != "" && !sessionName.MatchString(r.SourceIdentity):
		return fmt.Errorf("the source identity %q cannot be one: AWS takes 2 to 64 letters, digits and any of +=,.@_-", r.SourceIdentity)
	case r.Duration != 0 && (r.Duration < 15*time.Minute || r.Duration > 12*time.Hour || r.Duration%time.Second != 0):
		return fmt.Errorf("a session of %s cannot be had: AWS takes 15m to 12h, in whole seconds", r.Duration)
	}
	return nil
}

// Account returns the account that a role belongs to.
func (r Role) Account() string { a, _ := model.ParseARN(r.ARN); return a.Account }

// Assume returns a session of a role. Its credentials renew themselves before they expire, however long the scan takes.
// AssumeGap tells what an error means.
func (s *Session) Assume(ctx context.Context, r Role) (*Session, error) {
	cfg := s.base.Copy()
	provider := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(s.Config, func(o *sts.Options) { o.RetryMaxAttempts = 3 }), r.ARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = cmp.Or(r.SessionName, "scanner")
		o.Duration = cmp.Or(r.Duration, time.Hour)
		if r.ExternalID != "" {
			o.ExternalID = &r.ExternalID
		}
		if r.SourceIdentity != "" {
			o.SourceIdentity = &r.SourceIdentity
		}
	})
	cfg.Credentials = aws.NewCredentialsCache(&refusals{provider: provider}, func(o *aws.CredentialsCacheOptions) {
		o.ExpiryWindow, o.ExpiryWindowJitterFrac = 5*time.Minute, 0.5
	})
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return nil, err
	}
	return Open(ctx, cfg, s.agent)
}

// AssumeGap says why a role could not be assumed.
func AssumeGap(r Role, err error) *model.Gap {
	g := collect.GapOf("sts:AssumeRole", err)
	switch {
	case g.Reason == model.AccessDenied && r.SourceIdentity != "":
		g.Detail = "the role " + r.ARN + " does not exist, or does not trust the caller with sts:AssumeRole and sts:SetSourceIdentity"
	case g.Reason == model.AccessDenied:
		g.Detail = "the role " + r.ARN + " does not exist, or does not trust the caller"
	case strings.HasPrefix(g.Detail, "ValidationError") && strings.Contains(g.Detail, "role chaining"):
		g.Detail = "the caller has assumed a role itself, and such a session cannot begin another one of more than an hour: leave out --session-duration, as sessions are renewed"
	case strings.HasPrefix(g.Detail, "ValidationError") && strings.Contains(g.Detail, "MaxSessionDuration"):
		g.Detail = "the role " + r.ARN + " allows no sessions of " + r.Duration.String() + ": raise its maximum session duration, or leave out --session-duration, as sessions are renewed"
	}
	return g
}

// A Member is an account of the organization.
type Member struct {
	ID    string
	Name  string
	State string // ACTIVE, SUSPENDED, ...
}

// A Left is an account of the organization that is not scanned, and why.
type Left struct {
	Member
	Why string // "it is SUSPENDED: no role can be assumed there"
}

// A Tag is one that an account of the organization must have.
type Tag struct{ Key, Value string }

// A Pick says which members to scan. The zero Pick takes all that are active.
type Pick struct {
	OUs     []string // IDs of organizational units or roots; those below them count
	Only    []string // account IDs
	Exclude []string // account IDs
	States  []string // of accounts; none: ACTIVE
	Tags    []Tag    // all keys must be there, each with one of the values that are given for it
}

// States lists those of accounts. Source: AccountState of the API model of AWS Organizations.
func States() (all []string) {
	for _, s := range types.AccountState("").Values() {
		all = append(all, string(s))
	}
	return all
}

// Members lists the accounts of the organization to scan, as the management account or a delegated administrator sees it, and those that are left
// out: whoever reads the report must see what it is not about. Only active accounts can be entered, so that those in any other state are left out
// even if they are picked.
func (s *Session) Members(ctx context.Context, pick Pick) (members []Member, left []Left, err error) {
	c := organizations.NewFromConfig(s.Config)
	var all []Member
	pages := organizations.NewListAccountsPaginator(c, &organizations.ListAccountsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, nil, organizationError(ctx, "organizations:ListAccounts", err)
		}
		for _, a := range page.Accounts {
			m := Member{ID: aws.ToString(a.Id), Name: aws.ToString(a.Name), State: string(a.State)}
			if m.State == "" { // the older member says the same of active accounts
				m.State = string(a.Status)
			}
			all = append(all, m)
		}
	}
	if err := known("--accounts", pick.Only, all); err != nil {
		return nil, nil, err
	}
	if err := known("--exclude-accounts", pick.Exclude, all); err != nil {
		return nil, nil, err
	}
	var below map[string]bool
	if len(pick.OUs) > 0 {
		below = map[string]bool{}
		for _, ou := range pick.OUs {
			if err := underneath(ctx, c, ou, below); err != nil {
				return nil, nil, organizationError(ctx, "organizations:ListAccountsForParent", err)
			}
		}
	}
	slices.SortFunc(all, func(a, b Member) int { return strings.Compare(a.ID, b.ID) })
	active := string(types.AccountStateActive)
	for _, m := range all {
		why := ""
		switch {
		case slices.Contains(pick.Exclude, m.ID):
			why = "--exclude-accounts names it"
		case len(pick.Only) > 0 && !slices.Contains(pick.Only, m.ID):
			why = "--accounts does not name it"
		case below != nil && !below[m.ID]:
			why = "it is in none of the units of --ou"
		case len(pick.States) > 0 && !slices.Contains(pick.States, m.State):
			why = "it is " + m.State + ", which --account-status leaves out"
		case m.State != active:
			why = "it is " + m.State + ": no role can be assumed there"
		default:
			members = append(members, m)
			continue
		}
		left = append(left, Left{m, why})
	}
	if len(pick.Tags) > 0 {
		tagged, err := withTags(ctx, c, members, pick.Tags)
		if err != nil {
			return nil, nil, organizationError(ctx, "organizations:ListTagsForResource", err)
		}
		picked := members[:0:0]
		for i, m := range members {
			if tagged[i] {
				picked = append(picked, m)
			} else {
				left = append(left, Left{m, "it has not the tags of --account-tag"})
			}
		}
		members = picked
	}
	if len(members) == 0 {
		return nil, nil, errors.New("no active account of the organization is left by --ou, --accounts, --exclude-accounts, --account-status and --account-tag")
	}
	return members, left, nil
}

func known(flag string, ids []string, all []Member) error {
	for _, id := range ids {
		if !slices.ContainsFunc(all, func(m Member) bool { return m.ID == id }) {
			return fmt.Errorf("%s: there is no account %s in the organization", flag, id)
		}
	}
	return nil
}

// withTags tells which accounts have the tags. That the tags of one cannot be read is an error: to scan it, or not to, would be a guess.
func withTags(ctx context.Context, c *organizations.Client, members []Member, want []Tag) ([]bool, error) {
	yes := make([]bool, len(members))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i, m := range members {
		g.Go(func() error {
			has := map[string]string{}
			pages := organizations.NewListTagsForResourcePaginator(c, &organizations.ListTagsForResourceInput{ResourceId: &m.ID})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, t := range page.Tags {
					has[aws.ToString(t.Key)] = aws.ToString(t.Value)
				}
			}
			yes[i] = !slices.ContainsFunc(want, func(key Tag) bool { // is one without any of its values?
				value, there := has[key.Key]
				return !there || !slices.Contains(want, Tag{key.Key, value})
			})
			return nil
		})
	}
	return yes, g.Wait()
}

// underneath collects the accounts of an organizational unit and of those below it.
func underneath(ctx context.Context, c *organizations.Client, ou string, into map[string]bool) error {
	accounts := organizations.NewListAccountsForParentPaginator(c, &organizations.ListAccountsForParentInput{ParentId: &ou})
	for accounts.HasMorePages() {
		page, err := accounts.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, a := range page.Accounts {
			into[aws.ToString(a.Id)] = true
		}
	}
	units := organizations.NewListOrganizationalUnitsForParentPaginator(c, &organizations.ListOrganizationalUnitsForParentInput{ParentId: &ou})
	for units.HasMorePages() {
		page, err := units.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, u := range page.OrganizationalUnits {
			if err := underneath(ctx, c, aws.ToString(u.Id), into); err != nil {
				return err
			}
		}
	}
	return nil
}

// organizationError says in one sentence why the organization cannot be listed, and what to do.
func organizationError(ctx context.Context, call string, err error) error {
	g := collect.GapOf(call, err)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case strings.HasPrefix(g.Detail, "AWSOrganizationsNotInUse"):
		return errors.New("this account belongs to no organization: leave out --org")
	case g.Reason == model.OutsideScan:
		return errors.New("the organization cannot be listed from this account: scan from the management account or a delegated administrator")
	case g.Reason.Denied():
		return fmt.Errorf("the organization cannot be listed (%s): grant %s in the management account or a delegated administrator, and scan from there", g.Detail, call)
	case strings.HasPrefix(g.Detail, "ParentNotFound"), strings.HasPrefix(g.Detail, "InvalidInput") && call == "organizations:ListAccountsForParent":
		return fmt.Errorf("--ou names something that is no organizational unit here (%s): its ID begins with ou- or r-", g.Detail)
	}
	return fmt.Errorf("the organization cannot be listed (%s: %s)", call, g.Detail)
}
