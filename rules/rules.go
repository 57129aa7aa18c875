// Package rules lists every rule, service by service.
package rules

import (
	"slices"

	"awsscanner/rules/acm"
	"awsscanner/rules/autoscaling"
	"awsscanner/rules/cloudformation"
	"awsscanner/rules/cloudtrail"
	"awsscanner/rules/cloudwatchlogs"
	"awsscanner/rules/dynamodb"
	"awsscanner/rules/ec2"
	"awsscanner/rules/elasticloadbalancingv2"
	"awsscanner/rules/lambda"
	"awsscanner/rules/rds"
	"awsscanner/rules/sqs"
	"awsscanner/rules/ssm"
)

// All is every rule of the scanner, in the order of services and IDs.
var All = slices.Concat(
	acm.Rules,
	autoscaling.Rules,
	cloudformation.Rules,
	cloudtrail.Rules,
	cloudwatchlogs.Rules,
	dynamodb.Rules,
	ec2.Rules,
	elasticloadbalancingv2.Rules,
	lambda.Rules,
	rds.Rules,
	sqs.Rules,
	ssm.Rules,
)
