// Package services lists the collectors of all services.
package services

import (
	"awsscanner/internal/collect"
	"awsscanner/internal/collect/acm"
	"awsscanner/internal/collect/cloudformation"
	"awsscanner/internal/collect/cloudtrail"
	"awsscanner/internal/collect/cloudwatchlogs"
	"awsscanner/internal/collect/ec2"
	"awsscanner/internal/collect/iam"
	"awsscanner/internal/collect/kms"
	"awsscanner/internal/collect/organizations"
	"awsscanner/internal/collect/rds"
	"awsscanner/internal/collect/resourcegroupstaggingapi"
	"awsscanner/internal/collect/s3"
	"awsscanner/internal/collect/sqs"
	"awsscanner/internal/collect/ssm"
)

// All is every service that the scanner can read.
var All = []collect.Service{
	acm.Calls,
	cloudformation.Calls,
	cloudtrail.Calls,
	cloudwatchlogs.Calls,
	ec2.Calls,
	iam.Calls,
	kms.Calls,
	rds.Calls,
	organizations.Calls,
	resourcegroupstaggingapi.Calls,
	s3.Calls,
	sqs.Calls,
	ssm.Calls,
}
