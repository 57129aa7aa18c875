// Package organizations collects from AWS Organizations, and from IAM what it does for an organization as a whole.
package organizations

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
	my "awsscanner/internal/model/organizations"
)

func Calls(at collect.At) []collect.Call {
	c := organizations.NewFromConfig(at.Config)
	return []collect.Call{{
		Op:     "organizations:DescribeOrganization",
		Lists:  []model.Resource{&my.Organization{}},
		Absent: []string{"AWSOrganizationsNotInUseException"},
		Do: collect.Global(func(ctx context.Context, found collect.Found) error {
			out, err := c.DescribeOrganization(ctx, &organizations.DescribeOrganizationInput{})
			if err != nil {
				return err
			}
			if out.Organization == nil || out.Organization.MasterAccountId == nil {
				found(&my.Organization{}) // always there: without them the answer says nothing
				return nil
			}
			o := out.Organization
			found(&my.Organization{
				Meta:              model.Meta{ID: aws.ToString(o.Id), ARN: aws.ToString(o.Arn), Account: *o.MasterAccountId},
				ManagementAccount: model.FromPtr(o.MasterAccountId),
				FeatureSet:        model.FromString(o.FeatureSet),
			})
			return nil
		}),
	}, {
		// What DescribeOrganization says of policy types is whether they can be enabled, not whether they are.
		Op: "organizations:ListRoots",
		Do: collect.PerItem(func(ctx context.Context, o *my.Organization) error {
			var enabled []string
			roots := 0
			pages := organizations.NewListRootsPaginator(c, &organizations.ListRootsInput{})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, r := range page.Roots {
					roots++
					for _, t := range r.PolicyTypes {
						if t.Status == types.PolicyTypeStatusEnabled {
							enabled = append(enabled, string(t.Type))
						}
					}
				}
			}
			if roots > 0 { // each organization has one
				slices.Sort(enabled)
				o.PolicyTypes = model.Known(enabled)
			}
			return nil
		}),
	}, {
		Op: "organizations:ListPolicies",
		Do: collect.PerItem(func(ctx context.Context, o *my.Organization) error {
			var all []my.Policy
			listed := false
			pages := organizations.NewListPoliciesPaginator(c, &organizations.ListPoliciesInput{Filter: types.PolicyTypeServiceControlPolicy})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, p := range page.Policies {
					all = append(all, my.Policy{ID: aws.ToString(p.Id), Name: aws.ToString(p.Name), AWSManaged: p.AwsManaged})
				}
				listed = listed || page.Policies != nil
			}
			if listed { // to the end: others read it
				o.ServiceControlPolicies = model.Known(all)
			}
			return nil
		}),
	}, {
		Op:    "organizations:ListTargetsForPolicy",
		Needs: []string{"organizations.Organization.ServiceControlPolicies"},
		When:  collect.If(func(o *my.Organization) bool { return o.ServiceControlPolicies.IsKnown() }), // or the reason is that of ListPolicies
		Do: collect.PerItem(func(ctx context.Context, o *my.Organization) error {
			var attached []string
			for _, p := range o.ServiceControlPolicies.Get() {
				if p.ID == my.FullAccess {
					continue
				}
				targets := 0 // one will do; an empty page need not be the last
				pages := organizations.NewListTargetsForPolicyPaginator(c, &organizations.ListTargetsForPolicyInput{PolicyId: &p.ID})
				for targets == 0 && pages.HasMorePages() {
					page, err := pages.NextPage(ctx)
					if err != nil {
						return err
					}
					targets += len(page.Targets)
				}
				if targets > 0 {
					attached = append(attached, p.ID)
				}
			}
			o.AttachedPolicies = model.Known(attached)
			return nil
		}),
	}, {
		Op: "organizations:ListDelegatedAdministrators",
		Do: collect.PerItem(func(ctx context.Context, o *my.Organization) error {
			var all []string
			listed := false
			pages := organizations.NewListDelegatedAdministratorsPaginator(c, &organizations.ListDelegatedAdministratorsInput{})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, a := range page.DelegatedAdministrators {
					all = append(all, aws.ToString(a.Id))
				}
				listed = listed || page.DelegatedAdministrators != nil
			}
			if listed { // to the end: others read it
				o.DelegatedAdministrators = model.Known(all)
			}
			return nil
		}),
	}, {
		Op:    "organizations:ListDelegatedServicesForAccount",
		Needs: []string{"organizations.Organization.DelegatedAdministrators"},
		When:  collect.If(func(o *my.Organization) bool { return o.DelegatedAdministrators.IsKnown() }),
		Do: collect.PerItem(func(ctx context.Context, o *my.Organization) error {
			var all []my.Delegation
			for _, account := range o.DelegatedAdministrators.Get() {
				d := my.Delegation{Account: account}
				pages := organizations.NewListDelegatedServicesForAccountPaginator(c, &organizations.ListDelegatedServicesForAccountInput{AccountId: &account})
				for pages.HasMorePages() {
					page, err := pages.NextPage(ctx)
					if err != nil {
						return err
					}
					for _, s := range page.DelegatedServices {
						d.Services = append(d.Services, aws.ToString(s.ServicePrincipal))
					}
				}
				all = append(all, d)
			}
			o.Delegations = model.Known(all)
			return nil
		}),
	}, {
		Op: "iam:ListOrganizationsFeatures",
		// Without trusted access for IAM, or without all features, root access cannot be centralised. The API model ends the codes in Exception,
		// the API Reference of IAM ("ListOrganizationsFeatures", Errors) does not.
		Absent: []string{"ServiceAccessNotEnabledException", "ServiceAccessNotEnabled", "OrganizationNotInAllFeaturesModeException", "OrganizationNotInAllFeaturesMode"},
		Do: collect.PerItem(func(ctx context.Context, o *my.Organization) error {
			out, err := iam.NewFromConfig(at.Config).ListOrganizationsFeatures(ctx, &iam.ListOrganizationsFeaturesInput{})
			if err != nil {
				return err
			}
			if out.OrganizationId == nil { // always there
				return nil
			}
			features := []string{}
			for _, f := range out.EnabledFeatures {
				features = append(features, string(f))
			}
			slices.Sort(features)
			o.RootFeatures = model.Known(features)
			return nil
		}),
	}}
}
