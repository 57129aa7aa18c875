package model

import "strings"

// Actions tells which IAM actions an SDK operation needs; none listed means the one of the same name.
// Names often differ (cloudwatchlogs is logs, ListBuckets needs s3:ListAllMyBuckets), so every operation
// is listed and checked by a test. Source: the Service Authorization Reference.
var Actions = map[string][]string{
	"account:ListRegions":                               {},
	"acm:DescribeCertificate":                           {},
	"acm:ListCertificates":                              {},
	"applicationautoscaling:DescribeScalableTargets":    {"application-autoscaling:DescribeScalableTargets"},
	"autoscaling:DescribeAutoScalingGroups":             {},
	"cloudformation:DescribeStackEvents":                {},
	"cloudformation:DescribeStacks":                     {"cloudformation:DescribeStacks", "cloudformation:ListStacks"}, // the latter to describe all without a name
	"cloudtrail:DescribeTrails":                         {},
	"cloudtrail:GetEventDataStore":                      {},
	"cloudtrail:GetEventSelectors":                      {},
	"cloudtrail:GetTrailStatus":                         {},
	"cloudtrail:ListEventDataStores":                    {},
	"cloudtrail:LookupEvents":                           {},
	"cloudwatchlogs:DescribeLogGroups":                  {"logs:DescribeLogGroups"},
	"dynamodb:DescribeContinuousBackups":                {},
	"dynamodb:DescribeTable":                            {},
	"dynamodb:ListTables":                               {},
	"ec2:DescribeAddresses":                             {},
	"ec2:DescribeFlowLogs":                              {},
	"ec2:DescribeImages":                                {},
	"ec2:DescribeInstances":                             {},
	"ec2:DescribeNetworkInterfaces":                     {},
	"ec2:DescribeRegions":                               {},
	"ec2:DescribeRouteTables":                           {},
	"ec2:DescribeSecurityGroups":                        {},
	"ec2:DescribeSnapshotAttribute":                     {},
	"ec2:DescribeSnapshots":                             {},
	"ec2:DescribeSubnets":                               {},
	"ec2:DescribeVolumes":                               {},
	"iam:ListOrganizationsFeatures":                     {},
	"ec2:DescribeVpcEndpoints":                          {},
	"ec2:DescribeVpcs":                                  {},
	"ec2:GetManagedPrefixListEntries":                   {},
	"ec2:GetSnapshotBlockPublicAccessState":             {},
	"iam:GenerateCredentialReport":                      {},
	"iam:GetAccessKeyLastUsed":                          {},
	"iam:GetAccountAuthorizationDetails":                {},
	"iam:GetAccountPasswordPolicy":                      {},
	"iam:GetAccountSummary":                             {},
	"iam:GetCredentialReport":                           {"iam:GetCredentialReport", "iam:GenerateCredentialReport"}, // there is none to get unless somebody orders it
	"iam:ListAccessKeys":                                {},
	"kms:DescribeKey":                                   {},
	"kms:GetKeyPolicy":                                  {},
	"kms:GetKeyRotationStatus":                          {},
	"kms:ListKeys":                                      {},
	"elasticloadbalancingv2:DescribeListeners":          {"elasticloadbalancing:DescribeListeners"},
	"elasticloadbalancingv2:DescribeLoadBalancers":      {"elasticloadbalancing:DescribeLoadBalancers"},
	"elasticloadbalancingv2:DescribeRules":              {"elasticloadbalancing:DescribeRules"},
	"lambda:GetPolicy":                                  {},
	"lambda:ListAliases":                                {},
	"lambda:ListFunctionEventInvokeConfigs":             {},
	"lambda:ListFunctions":                              {},
	"lambda:ListFunctionUrlConfigs":                     {},
	"lambda:ListVersionsByFunction":                     {},
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
	"resourcegroupstaggingapi:GetResources":             {"tag:GetResources"},
	"s3:GetBucketAcl":                                   {},
	"s3:GetBucketLifecycleConfiguration":                {"s3:GetLifecycleConfiguration"},
	"s3:GetBucketLogging":                               {},
	"s3:GetBucketOwnershipControls":                     {},
	"s3:GetBucketPolicy":                                {},
	"s3:GetBucketTagging":                               {},
	"s3:GetBucketVersioning":                            {},
	"s3:GetPublicAccessBlock":                           {"s3:GetBucketPublicAccessBlock"},
	"s3:ListBuckets":                                    {"s3:ListAllMyBuckets"},
	"s3control:GetPublicAccessBlock":                    {"s3:GetAccountPublicAccessBlock"},
	"secretsmanager:ListSecrets":                        {},
	"sns:GetTopicAttributes":                            {},
	"sns:ListTopics":                                    {},
	"sqs:GetQueueAttributes":                            {},
	"sqs:ListQueues":                                    {},
	"ssm:DescribeParameters":                            {},
	"sts:AssumeRole":                                    {},
	"sts:GetCallerIdentity":                             {},
	"budgets:DescribeBudgets":                           {"budgets:ViewBudget"},
	"budgets:DescribeNotificationsForBudget":            {"budgets:ViewBudget"},
	"budgets:DescribeSubscribersForNotification":        {"budgets:ViewBudget"},
	"cloudwatch:DescribeAlarms":                         {}, // on all resources: else it leaves out composite alarms without a word
	"configservice:DescribeConfigurationRecorderStatus": {"config:DescribeConfigurationRecorderStatus"},
	"configservice:DescribeConfigurationRecorders":      {"config:DescribeConfigurationRecorders"},
	"configservice:DescribeDeliveryChannelStatus":       {"config:DescribeDeliveryChannelStatus"},
	"configservice:DescribeDeliveryChannels":            {"config:DescribeDeliveryChannels"},
	"guardduty:GetAdministratorAccount":                 {},
	"guardduty:GetDetector":                             {},
	"guardduty:ListDetectors":                           {},
	"sns:ListSubscriptionsByTopic":                      {},
}

// DriverCalls are made before anything is collected: who is calling, and which regions there are.
// sts:GetCallerIdentity needs no permission, and ec2:DescribeRegions is asked only if account:ListRegions does not answer.
var DriverCalls = []string{"account:ListRegions", "ec2:DescribeRegions", "sts:GetCallerIdentity"}

// OrganizationCalls are made beside the driver calls if several accounts are scanned, by the account that the scan starts from: those about
// parents for --ou, that about tags for --account-tag.
var OrganizationCalls = []string{"organizations:ListAccounts", "organizations:ListAccountsForParent", "organizations:ListOrganizationalUnitsForParent",
	"organizations:ListTagsForResource", "sts:AssumeRole"}

// AttributionCalls are made beside the scan, after it, to look up who changed what.
var AttributionCalls = []string{"cloudtrail:LookupEvents"}

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
