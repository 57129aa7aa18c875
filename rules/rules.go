// Package rules lists every rule, service by service.
package rules

import (
	"cmp"
	"slices"

	"awsscanner/internal/engine"
	"awsscanner/rules/acm"
	"awsscanner/rules/autoscaling"
	"awsscanner/rules/budgets"
	"awsscanner/rules/cloudformation"
	"awsscanner/rules/cloudtrail"
	"awsscanner/rules/cloudwatch"
	"awsscanner/rules/cloudwatchlogs"
	"awsscanner/rules/configservice"
	"awsscanner/rules/dynamodb"
	"awsscanner/rules/ec2"
	"awsscanner/rules/elasticloadbalancingv2"
	"awsscanner/rules/guardduty"
	"awsscanner/rules/iam"
	"awsscanner/rules/kms"
	"awsscanner/rules/lambda"
	"awsscanner/rules/rds"
	"awsscanner/rules/s3"
	"awsscanner/rules/secretsmanager"
	"awsscanner/rules/sns"
	"awsscanner/rules/sqs"
	"awsscanner/rules/ssm"
)

// All is every rule of the scanner, in the order of services and IDs.
var All = slices.SortedFunc(slices.Values(slices.Concat(
	acm.Rules,
	autoscaling.Rules,
	budgets.Rules,
	cloudformation.Rules,
	cloudtrail.Rules,
	cloudwatch.Rules,
	cloudwatchlogs.Rules,
	dynamodb.Rules,
	ec2.Rules,
	iam.Rules,
	elasticloadbalancingv2.Rules,
	lambda.Rules,
	configservice.Rules,
	guardduty.Rules,
	rds.Rules,
	s3.Rules,
	kms.Rules,
	secretsmanager.Rules,
	sns.Rules,
	sqs.Rules,
	ssm.Rules,
)), func(a, b engine.Rule) int {
	return cmp.Or(cmp.Compare(a.Service(), b.Service()), cmp.Compare(a.ID, b.ID))
})
