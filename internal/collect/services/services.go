// Package services lists the collectors of all services.
package services

import (
	"awsscanner/internal/collect"
	"awsscanner/internal/collect/acm"
	"awsscanner/internal/collect/budgets"
	"awsscanner/internal/collect/cloudformation"
	"awsscanner/internal/collect/cloudtrail"
	"awsscanner/internal/collect/cloudwatch"
	"awsscanner/internal/collect/cloudwatchlogs"
	"awsscanner/internal/collect/configservice"
	"awsscanner/internal/collect/ec2"
	"awsscanner/internal/collect/guardduty"
	"awsscanner/internal/collect/kms"
	"awsscanner/internal/collect/organizations"
	"awsscanner/internal/collect/rds"
	"awsscanner/internal/collect/sns"
	"awsscanner/internal/collect/sqs"
	"awsscanner/internal/collect/ssm"
)

// All is every service that the scanner can read.
var All = []collect.Service{
	acm.Calls,
	budgets.Calls,
	cloudformation.Calls,
	cloudtrail.Calls,
	cloudwatch.Calls,
	cloudwatchlogs.Calls,
	configservice.Calls,
	ec2.Calls,
	guardduty.Calls,
	kms.Calls,
	rds.Calls,
	organizations.Calls,
	sns.Subscribers,
	sqs.Calls,
	ssm.Calls,
}
