package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
)

// A Role is a role to assume for a scan.
type Role struct {
	ARN            string
	ExternalID     string        // "" if the role demands none
	SourceIdentity string        // "" for none
	Duration       time.Duration // of a session; 0: one hour, the most that a role assumed by a role may have
}

// Account returns the account that a role belongs to.
func (r Role) Account() string { a, _ := model.ParseARN(r.ARN); return a.Account }

// Assume returns a session of a role. Its credentials renew themselves before they expire, however long the scan takes.
// AssumeGap tells what an error means.
func (s *Session) Assume(ctx context.Context, r Role) (*Session, error) {
	cfg := s.base.Copy()
	provider := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(s.Config, func(o *sts.Options) { o.RetryMaxAttempts = 3 }), r.ARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = "scanner"
		o.Duration = time.Hour
		if r.Duration > 0 {
			o.Duration = r.Duration
		}
		if r.ExternalID != "" {
			o.ExternalID = &r.ExternalID
		}
		if r.SourceIdentity != "" {
			o.SourceIdentity = &r.SourceIdentity
		}
	})
	cfg.Credentials = aws.NewCredentialsCache(provider, func(o *aws.CredentialsCacheOptions) {
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
	if g.Reason == model.AccessDenied {
		g.Detail = "the role " + r.ARN + " does not exist, or does not trust the caller"
	}
	return g
}

// A Member is an account of the organization.
type Member struct {
	ID    string
	State string // ACTIVE, SUSPENDED, ...
}

// A Pick says which members to scan. The zero Pick takes all that are active.
type Pick struct {
	OUs     []string // IDs of organizational units or roots; those below them count
	Only    []string // account IDs
	Exclude []string // account IDs
}

// Members lists the accounts of the organization, as the management account or a delegated administrator sees it.
func (s *Session) Members(ctx context.Context, pick Pick) ([]Member, error) {
	c := organizations.NewFromConfig(s.Config)
	var all []Member
	pages := organizations.NewListAccountsPaginator(c, &organizations.ListAccountsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, organizationError(ctx, err)
		}
		for _, a := range page.Accounts {
			m := Member{ID: aws.ToString(a.Id), State: string(a.State)}
			if m.State == "" { // the older member says the same of active accounts
				m.State = string(a.Status)
			}
			all = append(all, m)
		}
	}
	if err := known("--accounts", pick.Only, all); err != nil {
		return nil, err
	}
	if err := known("--exclude-accounts", pick.Exclude, all); err != nil {
		return nil, err
	}
	var below map[string]bool
	if len(pick.OUs) > 0 {
		below = map[string]bool{}
		for _, ou := range pick.OUs {
			if err := underneath(ctx, c, ou, below); err != nil {
				return nil, organizationError(ctx, err)
			}
		}
	}
	members := slices.DeleteFunc(all, func(m Member) bool {
		return m.State != string(types.AccountStateActive) || slices.Contains(pick.Exclude, m.ID) ||
			len(pick.Only) > 0 && !slices.Contains(pick.Only, m.ID) || below != nil && !below[m.ID]
	})
	if len(members) == 0 {
		return nil, errors.New("no active account of the organization is left by --ou, --accounts and --exclude-accounts")
	}
	slices.SortFunc(members, func(a, b Member) int { return strings.Compare(a.ID, b.ID) })
	return members, nil
}

func known(flag string, ids []string, all []Member) error {
	for _, id := range ids {
		if !slices.ContainsFunc(all, func(m Member) bool { return m.ID == id }) {
			return fmt.Errorf("%s: there is no account %s in the organization", flag, id)
		}
	}
	return nil
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
func organizationError(ctx context.Context, err error) error {
	g := collect.GapOf("organizations:ListAccounts", err)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case strings.HasPrefix(g.Detail, "AWSOrganizationsNotInUse"):
		return errors.New("this account belongs to no organization: leave out --org")
	case g.Reason.Denied():
		return fmt.Errorf("the organization cannot be listed (%s): scan from the management account or a delegated administrator, with organizations:ListAccounts granted", g.Detail)
	case strings.HasPrefix(g.Detail, "ParentNotFound"), strings.HasPrefix(g.Detail, "InvalidInput"):
		return fmt.Errorf("--ou names something that is no organizational unit here (%s): its ID begins with ou- or r-", g.Detail)
	}
	return fmt.Errorf("the organization cannot be listed (%s)", g.Detail)
}
