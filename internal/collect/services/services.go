// Package services lists the collectors of all services.
package services

import (
	"awsscanner/internal/collect"
	"awsscanner/internal/collect/acm"
	"awsscanner/internal/collect/autoscaling"
	"awsscanner/internal/collect/budgets"
	"awsscanner/internal/collect/cloudformation"
	"awsscanner/internal/collect/cloudtrail"
	"awsscanner/internal/collect/cloudwatch"
	"awsscanner/internal/collect/cloudwatchlogs"
	"awsscanner/internal/collect/configservice"
	"awsscanner/internal/collect/dynamodb"
	"awsscanner/internal/collect/ec2"
	"awsscanner/internal/collect/elasticloadbalancingv2"
	"awsscanner/internal/collect/guardduty"
	"awsscanner/internal/collect/iam"
	"awsscanner/internal/collect/kms"
	"awsscanner/internal/collect/lambda"
	"awsscanner/internal/collect/organizations"
	"awsscanner/internal/collect/rds"
	"awsscanner/internal/collect/resourcegroupstaggingapi"
	"awsscanner/internal/collect/s3"
	"awsscanner/internal/collect/secretsmanager"
	"awsscanner/internal/collect/sns"
	"awsscanner/internal/collect/sqs"
	"awsscanner/internal/collect/ssm"
)

// All is every service that the scanner can read.
var All = []collect.Service{
	acm.Calls,
	autoscaling.Calls,
	budgets.Calls,
	cloudformation.Calls,
	cloudtrail.Calls,
	cloudwatch.Calls,
	cloudwatchlogs.Calls,
	dynamodb.Calls,
	ec2.Calls,
	iam.Calls,
	elasticloadbalancingv2.Calls,
	configservice.Calls,
	guardduty.Calls,
	kms.Calls,
	lambda.Calls,
	rds.Calls,
	organizations.Calls,
	resourcegroupstaggingapi.Calls,
	s3.Calls,
	secretsmanager.Calls,
	sns.Calls,
	sns.Subscribers,
	sqs.Calls,
	ssm.Calls,
}
