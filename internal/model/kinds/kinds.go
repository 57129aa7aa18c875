// Package kinds lists every kind of resource.
package kinds

import (
	"awsscanner/internal/model"
	"awsscanner/internal/model/acm"
	"awsscanner/internal/model/cloudformation"
	"awsscanner/internal/model/cloudtrail"
	"awsscanner/internal/model/cloudwatchlogs"
	"awsscanner/internal/model/ec2"
	"awsscanner/internal/model/kms"
	"awsscanner/internal/model/rds"
	"awsscanner/internal/model/s3"
	"awsscanner/internal/model/sqs"
	"awsscanner/internal/model/ssm"
)

// All is the table of all kinds.
var All = model.NewTable(
	&acm.Certificate{},
	&cloudformation.Stack{},
	&cloudtrail.Account{}, &cloudtrail.Trail{}, &cloudtrail.EventDataStore{},
	&cloudwatchlogs.LogGroup{},
	&ec2.Volume{}, &ec2.Instance{},
	&kms.Key{},
	&rds.DBInstance{}, &rds.DBCluster{}, &rds.DBSnapshot{}, &rds.DBClusterSnapshot{},
	&s3.Account{}, &s3.Bucket{},
	&sqs.Queue{},
	&ssm.Parameter{},
)
