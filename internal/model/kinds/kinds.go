// Package kinds lists every kind of resource.
package kinds

import (
	"awsscanner/internal/model"
	"awsscanner/internal/model/acm"
	"awsscanner/internal/model/cloudformation"
	"awsscanner/internal/model/cloudtrail"
	"awsscanner/internal/model/cloudwatchlogs"
	"awsscanner/internal/model/ec2"
	"awsscanner/internal/model/iam"
	"awsscanner/internal/model/kms"
	"awsscanner/internal/model/organizations"
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
	&ec2.Volume{}, &ec2.Instance{}, &ec2.Image{}, &ec2.Snapshot{}, &ec2.Address{}, &ec2.NetworkInterface{}, &ec2.SecurityGroup{}, &ec2.PrefixList{},
	&ec2.Subnet{}, &ec2.VPC{}, &ec2.FlowLog{}, &ec2.VPCEndpoint{}, &ec2.RouteTable{}, &ec2.Region{},
	&iam.Account{}, &iam.User{}, &iam.AccessKey{}, &iam.Group{}, &iam.Role{}, &iam.ManagedPolicy{}, &iam.InlinePolicy{},
	&kms.Key{},
	&rds.DBInstance{}, &rds.DBCluster{}, &rds.DBSnapshot{}, &rds.DBClusterSnapshot{},
	&organizations.Organization{},
	&s3.Account{}, &s3.Bucket{},
	&sqs.Queue{},
	&ssm.Parameter{},
)
