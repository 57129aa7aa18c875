package model

import "strings"

// Actions tells which IAM actions an SDK operation needs; none listed means the one of the same name.
// Names often differ (cloudwatchlogs is logs, ListBuckets needs s3:ListAllMyBuckets), so every operation
// is listed and checked by a test. Source: the Service Authorization Reference.
var Actions = map[string][]string{
	"account:ListRegions":                               {},
	"acm:DescribeCertificate":                           {},
	"acm:ListCertificates":                              {},
	"budgets:DescribeBudgets":                           {"budgets:ViewBudget"},
	"budgets:DescribeNotificationsForBudget":            {"budgets:ViewBudget"},
	"budgets:DescribeSubscribersForNotification":        {"budgets:ViewBudget"},
	"cloudformation:DescribeStackEvents":                {},
	"cloudformation:DescribeStacks":                     {"cloudformation:DescribeStacks", "cloudformation:ListStacks"}, // the latter to describe all without a name
	"cloudtrail:DescribeTrails":                         {},
	"cloudtrail:GetEventDataStore":                      {},
	"cloudtrail:GetEventSelectors":                      {},
	"cloudtrail:GetTrailStatus":                         {},
	"cloudtrail:ListEventDataStores":                    {},
	"cloudwatch:DescribeAlarms":                         {}, // on all resources: else it leaves out composite alarms without a word
	"cloudwatchlogs:DescribeLogGroups":                  {"logs:DescribeLogGroups"},
	"configservice:DescribeConfigurationRecorderStatus": {"config:DescribeConfigurationRecorderStatus"},
	"configservice:DescribeConfigurationRecorders":      {"config:DescribeConfigurationRecorders"},
	"configservice:DescribeDeliveryChannelStatus":       {"config:DescribeDeliveryChannelStatus"},
	"configservice:DescribeDeliveryChannels":            {"config:DescribeDeliveryChannels"},
	"ec2:DescribeAddresses":                             {},
	"ec2:DescribeFlowLogs":                              {},
	"ec2:DescribeImages":                                {},
	"ec2:DescribeInstances":                             {},
	"ec2:DescribeNetworkInterfaces":                     {},
	"ec2:DescribeRegions":                               {},
	"ec2:DescribeRouteTables":                           {},
	"ec2:DescribeSecurityGroups":                        {},
	"ec2:DescribeSnapshots":                             {},
	"ec2:DescribeSubnets":                               {},
	"ec2:DescribeVolumes":                               {},
	"iam:ListOrganizationsFeatures":                     {},
	"ec2:DescribeVpcEndpoints":                          {},
	"ec2:DescribeVpcs":                                  {},
	"ec2:GetManagedPrefixListEntries":                   {},
	"ec2:GetSnapshotBlockPublicAccessState":             {},
	"guardduty:GetAdministratorAccount":                 {},
	"guardduty:GetDetector":                             {},
	"guardduty:ListDetectors":                           {},
	"kms:DescribeKey":                                   {},
	"organizations:DescribeOrganization":                {},
	"organizations:ListAccounts":                        {},
	"organizations:ListAccountsForParent":               {},
	"organizations:ListDelegatedAdministrators":         {},
	"organizations:ListDelegatedServicesForAccount":     {},
	"organizations:ListOrganizationalUnitsForParent":    {},
	"rds:DescribeDBClusterSnapshotAttributes":           {},
	"rds:DescribeDBClusterSnapshots":                    {},
	"rds:DescribeDBClusters":                            {},
	"rds:DescribeDBInstances":                           {},
	"rds:DescribeDBSnapshotAttributes":                  {},
	"rds:DescribeDBSnapshots":                           {},
	"organizations:ListPolicies":                        {},
	"organizations:ListRoots":                           {},
	"organizations:ListTagsForResource":                 {},
	"organizations:ListTargetsForPolicy":                {},
	"sns:ListSubscriptionsByTopic":                      {},
	"sqs:GetQueueAttributes":                            {},
	"sqs:ListQueues":                                    {},
	"ssm:DescribeParameters":                            {},
	"sts:AssumeRole":                                    {},
	"sts:GetCallerIdentity":                             {},
}

// DriverCalls are made before anything is collected: who is calling, and which regions there are.
// sts:GetCallerIdentity needs no permission, and ec2:DescribeRegions is asked only if account:ListRegions does not answer.
var DriverCalls = []string{"account:ListRegions", "ec2:DescribeRegions", "sts:GetCallerIdentity"}

// OrganizationCalls are made beside the driver calls if several accounts are scanned, by the account that the scan starts from: those about
// parents for --ou, that about tags for --account-tag.
var OrganizationCalls = []string{"organizations:ListAccounts", "organizations:ListAccountsForParent", "organizations:ListOrganizationalUnitsForParent",
	"organizations:ListTagsForResource", "sts:AssumeRole"}

// Operation returns the SDK operation of a call: two uses of one operation differ in what follows the '#'.
func Operation(call string) string {
	op, _, _ := strings.Cut(call, "#")
	return op
}

// Permissions returns the IAM actions that a call needs.
func Permissions(call string) []string {
	op := Operation(call)
	if a := Actions[op]; len(a) > 0 {
		return a
	}
	return []string{op}
}
