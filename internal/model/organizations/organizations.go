// Package organizations holds the resources of AWS Organizations.
package organizations

import "awsscanner/internal/model"

// An Organization is the one that accounts belong to. The management account owns it, the others see it. An account that belongs to none lists none.
// Only the management account and delegated administrators are told more than what DescribeOrganization says.
type Organization struct {
	model.Meta              `call:"organizations:DescribeOrganization" scope:"global"`
	ManagementAccount       model.Attr[string]       `json:"managementAccount,omitzero"       call:"organizations:DescribeOrganization"`                                                      // ID
	FeatureSet              model.Attr[string]       `json:"featureSet,omitzero"              call:"organizations:DescribeOrganization"`                                                      // ALL or CONSOLIDATED_BILLING
	PolicyTypes             model.Attr[[]string]     `json:"policyTypes,omitzero"             call:"organizations:ListRoots"`                                                                 // enabled: SERVICE_CONTROL_POLICY, ...
	ServiceControlPolicies  model.Attr[[]Policy]     `json:"serviceControlPolicies,omitzero"  call:"organizations:ListPolicies"`                                                              // attached or not
	AttachedPolicies        model.Attr[[]string]     `json:"attachedPolicies,omitzero"        call:"organizations:ListPolicies+organizations:ListTargetsForPolicy"`                           // of them, IDs of those attached anywhere, but for FullAWSAccess
	DelegatedAdministrators model.Attr[[]string]     `json:"delegatedAdministrators,omitzero" call:"organizations:ListDelegatedAdministrators"`                                               // account IDs
	Delegations             model.Attr[[]Delegation] `json:"delegations,omitzero"             call:"organizations:ListDelegatedAdministrators+organizations:ListDelegatedServicesForAccount"` // what each of them administers
	RootFeatures            model.Attr[[]string]     `json:"rootFeatures,omitzero"            call:"iam:ListOrganizationsFeatures"`                                                           // RootCredentialsManagement, RootSessions; none if root access is not centralised
}

// A Policy is a service control policy.
type Policy struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	AWSManaged bool   `json:"awsManaged"`
}

// A Delegation is what a member account administers for the organization.
type Delegation struct {
	Account  string   `json:"account"`
	Services []string `json:"services,omitempty"` // principals: guardduty.amazonaws.com
}

// FullAccess is the ID of the policy that AWS attaches to all, and that denies nothing.
const FullAccess = "p-FullAWSAccess"

func (*Organization) Kind() model.Kind { return "AWS::Organizations::Organization" }
