// Package iam collects from AWS Identity and Access Management, which has one endpoint for all regions of a partition.
package iam

import (
	"cmp"
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
	my "awsscanner/internal/model/iam"
	"awsscanner/internal/policy"
)

// pageSize is the most that IAM allows.
const pageSize = 1000

// Calls lists as few calls as can be: one, in pages, for users, groups, roles and all policies that the customer has written;
// two about the account; and for credentials a mixture.
//
// Passwords and MFA come from the credential report. The other way, GetLoginProfile and ListMFADevices for each user, would
// be fresh, while the report may be four hours old, but it takes thousands of calls where there are many users, and tells neither
// when a password was last set nor when it was used. The report is made on demand by GenerateCredentialReport: it changes
// nothing in the account, IAM counts it among the read actions, and SecurityAudit allows it, as it does all the others
// here. (ViewOnlyAccess allows neither the report nor GetAccountAuthorizationDetails.) Verdicts show the time of the report.
//
// Access keys do not: the report has no IDs of keys, which is what one needs to do anything about them, tells of two for each
// user in an order that AWS does not document, and dates a key by its last change. They are listed user by user.
// Sources: IAM User Guide, "Generate credential reports for your AWS account"; Service Authorization Reference; AWS Managed
// Policy Reference.
func Calls(at collect.At) []collect.Call {
	c := iam.NewFromConfig(at.Config)
	var refusal error // of the order for a credential report, which the call that gets it needs to know
	return []collect.Call{{
		Op:    "iam:GetAccountAuthorizationDetails",
		Lists: []model.Resource{&my.User{}, &my.Group{}, &my.Role{}, &my.ManagedPolicy{}, &my.InlinePolicy{}},
		Do: collect.Global(func(ctx context.Context, found collect.Found) error {
			// Without the policies of AWS, of which there are more than a thousand.
			pages := iam.NewGetAccountAuthorizationDetailsPaginator(c, &iam.GetAccountAuthorizationDetailsInput{MaxItems: aws.Int32(pageSize),
				Filter: []types.EntityType{types.EntityTypeUser, types.EntityTypeGroup, types.EntityTypeRole, types.EntityTypeLocalManagedPolicy}})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, u := range page.UserDetailList {
					found(user(u))
					inline(found, "user", u.UserName, u.Arn, u.PermissionsBoundary, u.UserPolicyList)
				}
				for _, g := range page.GroupDetailList {
					found(group(g))
					inline(found, "group", g.GroupName, g.Arn, nil, g.GroupPolicyList)
				}
				for _, r := range page.RoleDetailList {
					found(role(r))
					inline(found, "role", r.RoleName, r.Arn, r.PermissionsBoundary, r.RolePolicyList)
				}
				for _, p := range page.Policies {
					found(managed(p))
				}
			}
			return nil
		}),
	}, {
		Op: "iam:GetAccountSummary",
		Do: collect.PerItem(func(ctx context.Context, a *my.Account) error {
			out, err := c.GetAccountSummary(ctx, &iam.GetAccountSummaryInput{})
			if err != nil {
				return err
			}
			counts := map[string]int{}
			for key, n := range out.SummaryMap {
				switch yes := model.Known(n != 0); types.SummaryKeyType(key) {
				case types.SummaryKeyTypeAccountPasswordPresent:
					a.RootPassword = yes
				case types.SummaryKeyTypeAccountMFAEnabled:
					a.RootMFA = yes
				case types.SummaryKeyTypeAccountAccessKeysPresent:
					a.RootAccessKeys = yes
				case types.SummaryKeyTypeAccountSigningCertificatesPresent:
					a.RootCertificates = yes
				case types.SummaryKeyTypeGlobalEndpointTokenVersion:
				default:
					counts[key] = int(n)
				}
			}
			if len(counts) > 0 {
				a.Counts = model.Known(counts)
			}
			return nil
		}),
	}, {
		Op:     "iam:GetAccountPasswordPolicy",
		Absent: []string{"NoSuchEntity"},
		Do: collect.PerItem(func(ctx context.Context, a *my.Account) error {
			out, err := c.GetAccountPasswordPolicy(ctx, &iam.GetAccountPasswordPolicyInput{})
			if err != nil {
				return err
			}
			if p := out.PasswordPolicy; p != nil && p.MinimumPasswordLength != nil { // which is always there
				a.PasswordMinLength = model.Known(int(*p.MinimumPasswordLength))
				a.PasswordHistory = model.Known(int(aws.ToInt32(p.PasswordReusePrevention)))
				a.PasswordMaxAgeDays = model.Known(int(aws.ToInt32(p.MaxPasswordAge)))
				a.PasswordNeedsUpper = model.Known(p.RequireUppercaseCharacters)
				a.PasswordNeedsLower = model.Known(p.RequireLowercaseCharacters)
				a.PasswordNeedsNumber = model.Known(p.RequireNumbers)
				a.PasswordNeedsSymbol = model.Known(p.RequireSymbols)
				a.PasswordChangeAllowed = model.Known(p.AllowUsersToChangePassword)
			}
			return nil
		}),
	}, {
		Op: "iam:GenerateCredentialReport", // not called where there are no users, as there is nothing to ask then
		Do: collect.PerRegion(func(ctx context.Context, users []*my.User) error {
			out, err := c.GenerateCredentialReport(ctx, &iam.GenerateCredentialReportInput{})
			if err != nil {
				refusal = err
				return err
			}
			for _, u := range users {
				u.CredentialReport = model.FromString(out.State)
			}
			return nil
		}),
	}, {
		Op:    "iam:GetCredentialReport",
		Needs: []string{"iam.User.CredentialReport"},
		Do: collect.PerRegion(func(ctx context.Context, users []*my.User) error {
			out, err := awaitReport(ctx, c, refusal)
			if err != nil {
				return err
			}
			return readReport(out, users)
		}),
	}, {
		Op:     "iam:ListAccessKeys",
		Lists:  []model.Resource{&my.AccessKey{}},
		Absent: []string{"NoSuchEntity"}, // the user was deleted meanwhile
		Do: collect.PerParent(func(ctx context.Context, u *my.User, found collect.Found) error {
			ids := []string{}
			pages := iam.NewListAccessKeysPaginator(c, &iam.ListAccessKeysInput{UserName: &u.Name, MaxItems: aws.Int32(pageSize)})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, k := range page.AccessKeyMetadata {
					id := aws.ToString(k.AccessKeyId)
					ids = append(ids, id)
					found(&my.AccessKey{Meta: model.Meta{ID: id}, User: model.FromPtr(k.UserName), Status: model.FromString(k.Status), Created: model.FromPtr(k.CreateDate)})
				}
			}
			u.AccessKeys = model.Known(ids)
			return nil
		}),
	}, {
		Op:    "iam:GetAccessKeyLastUsed",
		Needs: []string{"iam.AccessKey.Status"},
		When:  collect.If(func(k *my.AccessKey) bool { return k.Status.Get() == string(types.StatusTypeActive) }),
		Do: collect.PerItem(func(ctx context.Context, k *my.AccessKey) error {
			out, err := c.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: &k.ID})
			if err != nil {
				return err
			}
			if used := out.AccessKeyLastUsed; used != nil && used.ServiceName != nil { // which is always there
				k.LastUsed = model.OrNone(used.LastUsedDate)
				k.LastUsedService = model.FromPtr(used.ServiceName)
				k.LastUsedRegion = model.FromPtr(used.Region)
			}
			return nil
		}),
	}}
}

func user(u types.UserDetail) *my.User {
	return &my.User{
		Meta:             named(u.UserName, u.Arn),
		Created:          model.FromPtr(u.CreateDate),
		Groups:           model.Known(u.GroupList),
		AttachedPolicies: attached(u.AttachedManagedPolicies),
		InlinePolicies:   names(u.UserPolicyList),
		Boundary:         boundary(u.PermissionsBoundary),
		Tags:             tags(u.Tags),
	}
}

func group(g types.GroupDetail) *my.Group {
	return &my.Group{
		Meta:             named(g.GroupName, g.Arn),
		Created:          model.FromPtr(g.CreateDate),
		AttachedPolicies: attached(g.AttachedManagedPolicies),
		InlinePolicies:   names(g.GroupPolicyList),
	}
}

func role(r types.RoleDetail) *my.Role {
	out := &my.Role{
		Meta:             named(r.RoleName, r.Arn),
		Created:          model.FromPtr(r.CreateDate),
		Trust:            document(r.AssumeRolePolicyDocument),
		AttachedPolicies: attached(r.AttachedManagedPolicies),
		InlinePolicies:   names(r.RolePolicyList),
		Boundary:         boundary(r.PermissionsBoundary),
		Tags:             tags(r.Tags),
	}
	if r.RoleLastUsed != nil { // which is there, and empty, if it was not used
		out.LastUsed = model.OrNone(r.RoleLastUsed.LastUsedDate)
	}
	return out
}

func managed(p types.ManagedPolicyDetail) *my.ManagedPolicy {
	arn := aws.ToString(p.Arn)
	out := &my.ManagedPolicy{
		Meta:        model.Meta{ID: arn, ARN: arn, Name: cmp.Or(aws.ToString(p.PolicyName), arn[strings.LastIndex(arn, "/")+1:])},
		Created:     model.FromPtr(p.CreateDate),
		Updated:     model.FromPtr(p.UpdateDate),
		Attachments: model.FromInt(p.AttachmentCount),
		Boundaries:  model.FromInt(p.PermissionsBoundaryUsageCount),
	}
	for _, v := range p.PolicyVersionList {
		if v.IsDefaultVersion {
			out.Document = document(v.Document)
		}
	}
	return out
}

// inline lists the policies that are part of a user, group or role.
func inline(found collect.Found, what string, holder, arn *string, limit *types.AttachedPermissionsBoundary, policies []types.PolicyDetail) {
	for _, p := range policies {
		name := aws.ToString(p.PolicyName)
		found(&my.InlinePolicy{
			Meta:     model.Meta{ID: what + "/" + aws.ToString(holder) + "/" + name, Name: name},
			Holder:   model.FromPtr(arn),
			Boundary: boundary(limit),
			Document: document(p.PolicyDocument),
		})
	}
}

func named(name, arn *string) model.Meta {
	return model.Meta{ID: aws.ToString(name), ARN: aws.ToString(arn), Name: aws.ToString(name)}
}

// document returns a policy document as plain text.
func document(encoded *string) (unknown model.Attr[string]) {
	if encoded == nil {
		return unknown
	}
	text, err := policy.Decode(*encoded)
	if err != nil || !strings.HasPrefix(strings.TrimSpace(text), "{") {
		return unknown
	}
	return model.Known(text)
}

// attached returns ARNs. Where there are none IAM answers with an empty list, which the SDK does not tell from none.
func attached(in []types.AttachedPolicy) model.Attr[[]string] {
	out := make([]string, len(in))
	for i, p := range in {
		out[i] = aws.ToString(p.PolicyArn)
	}
	return model.Known(out)
}

func names(in []types.PolicyDetail) model.Attr[[]string] {
	out := make([]string, len(in))
	for i, p := range in {
		out[i] = aws.ToString(p.PolicyName)
	}
	return model.Known(out)
}

func boundary(b *types.AttachedPermissionsBoundary) model.Attr[string] {
	if b == nil {
		return model.Known("")
	}
	return model.FromPtr(b.PermissionsBoundaryArn)
}

func tags(in []types.Tag) model.Attr[map[string]string] {
	out := make(map[string]string, len(in))
	for _, t := range in {
		out[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return model.Known(out)
}
