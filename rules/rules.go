// Package rules lists every rule, service by service.
package rules

import (
	"slices"

	"awsscanner/rules/acm"
	"awsscanner/rules/cloudformation"
	"awsscanner/rules/cloudtrail"
	"awsscanner/rules/cloudwatchlogs"
	"awsscanner/rules/ec2"
	"awsscanner/rules/iam"
	"awsscanner/rules/rds"
	"awsscanner/rules/s3"
	"awsscanner/rules/sqs"
	"awsscanner/rules/ssm"
)

// All is every rule of the scanner, in the order of services and IDs.
var All = slices.Concat(
	acm.Rules,
	cloudformation.Rules,
	cloudtrail.Rules,
	cloudwatchlogs.Rules,
	ec2.Rules,
	iam.Rules,
	rds.Rules,
	s3.Rules,
	sqs.Rules,
	ssm.Rules,
)
