// Package iam holds the resources of AWS Identity and Access Management, none of which has a region.
package iam

import (
	"strings"
	"time"

	"awsscanner/internal/model"
)

// An Account is what IAM tells of an account: its root user, its password policy, and how much of everything there is.
type Account struct {
	model.Meta            `scope:"account"`
	RootPassword          model.Attr[bool]           `json:"rootPassword,omitzero"          call:"iam:GetAccountSummary"` // the root user can sign in
	RootMFA               model.Attr[bool]           `json:"rootMfa,omitzero"               call:"iam:GetAccountSummary"` // with a device of any sort
	RootAccessKeys        model.Attr[bool]           `json:"rootAccessKeys,omitzero"        call:"iam:GetAccountSummary"`
	RootCertificates      model.Attr[bool]           `json:"rootCertificates,omitzero"      call:"iam:GetAccountSummary"`
	Counts                model.Attr[map[string]int] `json:"counts,omitzero"                call:"iam:GetAccountSummary"`        // Roles, RolesQuota, ...
	PasswordMinLength     model.Attr[int]            `json:"passwordMinLength,omitzero"     call:"iam:GetAccountPasswordPolicy"` // 0 if the account has no policy of its own: then IAM demands 8
	PasswordHistory       model.Attr[int]            `json:"passwordHistory,omitzero"       call:"iam:GetAccountPasswordPolicy"` // passwords that may not be used again; 0 if all may
	PasswordMaxAgeDays    model.Attr[int]            `json:"passwordMaxAgeDays,omitzero"    call:"iam:GetAccountPasswordPolicy"` // 0 if they do not expire
	PasswordNeedsUpper    model.Attr[bool]           `json:"passwordNeedsUpper,omitzero"    call:"iam:GetAccountPasswordPolicy"`
	PasswordNeedsLower    model.Attr[bool]           `json:"passwordNeedsLower,omitzero"    call:"iam:GetAccountPasswordPolicy"`
	PasswordNeedsNumber   model.Attr[bool]           `json:"passwordNeedsNumber,omitzero"   call:"iam:GetAccountPasswordPolicy"`
	PasswordNeedsSymbol   model.Attr[bool]           `json:"passwordNeedsSymbol,omitzero"   call:"iam:GetAccountPasswordPolicy"`
	PasswordChangeAllowed model.Attr[bool]           `json:"passwordChangeAllowed,omitzero" call:"iam:GetAccountPasswordPolicy"` // by users who have no other permission
}

// A User is an IAM user; the root user is not among them. Its ID is its name. What the credential report tells may be four
// hours old.
type User struct {
	model.Meta       `call:"iam:GetAccountAuthorizationDetails" scope:"global"`
	Created          model.Attr[time.Time]         `json:"created,omitzero"          call:"iam:GetAccountAuthorizationDetails"`
	Groups           model.Attr[[]string]          `json:"groups,omitzero"           call:"iam:GetAccountAuthorizationDetails"` // names
	AttachedPolicies model.Attr[[]string]          `json:"attachedPolicies,omitzero" call:"iam:GetAccountAuthorizationDetails"` // ARNs
	InlinePolicies   model.Attr[[]string]          `json:"inlinePolicies,omitzero"   call:"iam:GetAccountAuthorizationDetails"` // names
	Boundary         model.Attr[string]            `json:"boundary,omitzero"         call:"iam:GetAccountAuthorizationDetails"` // ARN of the permissions boundary; "" if none
	Tags             model.Attr[map[string]string] `json:"tags,omitzero"             call:"iam:GetAccountAuthorizationDetails"`
	CredentialReport model.Attr[string]            `json:"credentialReport,omitzero" call:"iam:GenerateCredentialReport"` // COMPLETE, STARTED or INPROGRESS, when it was ordered
	ReportTime       model.Attr[time.Time]         `json:"reportTime,omitzero"       call:"iam:GetCredentialReport"`      // when the report was made
	PasswordEnabled  model.Attr[bool]              `json:"passwordEnabled,omitzero"  call:"iam:GetCredentialReport"`
	PasswordChanged  model.Attr[time.Time]         `json:"passwordChanged,omitzero"  call:"iam:GetCredentialReport"` // zero if there is none
	PasswordLastUsed model.Attr[time.Time]         `json:"passwordLastUsed,omitzero" call:"iam:GetCredentialReport"` // zero if never, or not since October 2014
	MFA              model.Attr[bool]              `json:"mfa,omitzero"              call:"iam:GetCredentialReport"` // with a device of any sort
	AccessKeys       model.Attr[[]string]          `json:"accessKeys,omitzero"       call:"iam:ListAccessKeys"`      // IDs
}

// An AccessKey is a long-lived key of a user. Its ID is no secret; the secret that goes with it nobody can read.
type AccessKey struct {
	model.Meta      `call:"iam:ListAccessKeys" scope:"global"`
	User            model.Attr[string]    `json:"user,omitzero"            call:"iam:ListAccessKeys"` // name
	Status          model.Attr[string]    `json:"status,omitzero"          call:"iam:ListAccessKeys"` // Active, Inactive or Expired
	Created         model.Attr[time.Time] `json:"created,omitzero"         call:"iam:ListAccessKeys"`
	LastUsed        model.Attr[time.Time] `json:"lastUsed,omitzero"        call:"iam:GetAccessKeyLastUsed"` // zero if never, or not since April 2015; asked of active keys
	LastUsedService model.Attr[string]    `json:"lastUsedService,omitzero" call:"iam:GetAccessKeyLastUsed"` // "N/A" if never
	LastUsedRegion  model.Attr[string]    `json:"lastUsedRegion,omitzero"  call:"iam:GetAccessKeyLastUsed"` // "N/A" if never, or the service has none
}

// A Group is a group of users, which name it. Its ID is its name.
type Group struct {
	model.Meta       `call:"iam:GetAccountAuthorizationDetails" scope:"global"`
	Created          model.Attr[time.Time] `json:"created,omitzero"          call:"iam:GetAccountAuthorizationDetails"`
	AttachedPolicies model.Attr[[]string]  `json:"attachedPolicies,omitzero" call:"iam:GetAccountAuthorizationDetails"` // ARNs
	InlinePolicies   model.Attr[[]string]  `json:"inlinePolicies,omitzero"   call:"iam:GetAccountAuthorizationDetails"` // names
}

// A Role is an IAM role. Its ID is its name.
type Role struct {
	model.Meta       `call:"iam:GetAccountAuthorizationDetails" scope:"global"`
	Created          model.Attr[time.Time]         `json:"created,omitzero"          call:"iam:GetAccountAuthorizationDetails"`
	Trust            model.Attr[string]            `json:"trust,omitzero"            call:"iam:GetAccountAuthorizationDetails"` // policy document that says who may assume it
	AttachedPolicies model.Attr[[]string]          `json:"attachedPolicies,omitzero" call:"iam:GetAccountAuthorizationDetails"` // ARNs
	InlinePolicies   model.Attr[[]string]          `json:"inlinePolicies,omitzero"   call:"iam:GetAccountAuthorizationDetails"` // names
	Boundary         model.Attr[string]            `json:"boundary,omitzero"         call:"iam:GetAccountAuthorizationDetails"` // ARN of the permissions boundary; "" if none
	LastUsed         model.Attr[time.Time]         `json:"lastUsed,omitzero"         call:"iam:GetAccountAuthorizationDetails"` // zero if not within the tracking period of 400 days
	Tags             model.Attr[map[string]string] `json:"tags,omitzero"             call:"iam:GetAccountAuthorizationDetails"`
}

// A ManagedPolicy is a policy of the customer's own that can be attached to users, groups and roles. Those of AWS are not
// among them. Its ID is its ARN.
type ManagedPolicy struct {
	model.Meta  `call:"iam:GetAccountAuthorizationDetails" scope:"global"`
	Created     model.Attr[time.Time] `json:"created,omitzero"     call:"iam:GetAccountAuthorizationDetails"`
	Updated     model.Attr[time.Time] `json:"updated,omitzero"     call:"iam:GetAccountAuthorizationDetails"`
	Document    model.Attr[string]    `json:"document,omitzero"    call:"iam:GetAccountAuthorizationDetails"` // of the default version
	Attachments model.Attr[int]       `json:"attachments,omitzero" call:"iam:GetAccountAuthorizationDetails"` // users, groups and roles that have it
	Boundaries  model.Attr[int]       `json:"boundaries,omitzero"  call:"iam:GetAccountAuthorizationDetails"` // users and roles of which it is the permissions boundary
}

// An InlinePolicy is a policy that is part of one user, group or role, and has no ARN. Its ID is made of the two names:
// "role/deploy/inline".
type InlinePolicy struct {
	model.Meta `call:"iam:GetAccountAuthorizationDetails" scope:"global"`
	Holder     model.Attr[string] `json:"holder,omitzero"   call:"iam:GetAccountAuthorizationDetails"` // ARN of the user, group or role
	Boundary   model.Attr[string] `json:"boundary,omitzero" call:"iam:GetAccountAuthorizationDetails"` // ARN of the holder's permissions boundary; "" if none
	Document   model.Attr[string] `json:"document,omitzero" call:"iam:GetAccountAuthorizationDetails"`
}

func (*Account) Kind() model.Kind       { return "AWS::IAM::Account" }
func (*User) Kind() model.Kind          { return "AWS::IAM::User" }
func (*AccessKey) Kind() model.Kind     { return "AWS::IAM::AccessKey" }
func (*Group) Kind() model.Kind         { return "AWS::IAM::Group" }
func (*Role) Kind() model.Kind          { return "AWS::IAM::Role" }
func (*ManagedPolicy) Kind() model.Kind { return "AWS::IAM::ManagedPolicy" }
func (*InlinePolicy) Kind() model.Kind  { return "AWS::IAM::Policy" }

// Reserved says which service of AWS has made the role with this ARN, and alone can change it; "" if none has. No customer
// can give a role such a path. Source: IAM User Guide, "Create a service-linked role"; IAM Identity Center User Guide,
// "Referencing permission sets in resource policies".
func Reserved(roleARN string) string {
	arn, _ := model.ParseARN(roleARN)
	if path, ok := strings.CutPrefix(arn.Resource, "role/aws-service-role/"); ok {
		service, _, _ := strings.Cut(path, "/")
		return service
	}
	if strings.HasPrefix(arn.Resource, "role/aws-reserved/") {
		return "IAM Identity Center"
	}
	return ""
}
