// Package rules lists every rule, service by service.
package rules

import (
	"slices"

	"awsscanner/rules/acm"
	"awsscanner/rules/budgets"
	"awsscanner/rules/cloudformation"
	"awsscanner/rules/cloudtrail"
	"awsscanner/rules/cloudwatch"
	"awsscanner/rules/cloudwatchlogs"
	"awsscanner/rules/configservice"
	"awsscanner/rules/ec2"
	"awsscanner/rules/guardduty"
	"awsscanner/rules/rds"
	"awsscanner/rules/sqs"
	"awsscanner/rules/ssm"
)

// All is every rule of the scanner, in the order of services and IDs.
var All = slices.Concat(
	acm.Rules,
	budgets.Rules,
	cloudformation.Rules,
	cloudtrail.Rules,
	cloudwatch.Rules,
	cloudwatchlogs.Rules,
	configservice.Rules,
	ec2.Rules,
	guardduty.Rules,
	rds.Rules,
	sqs.Rules,
	ssm.Rules,
)
