// Package kinds lists every kind of resource.
package kinds

import (
	"awsscanner/internal/model"
	"awsscanner/internal/model/acm"
	"awsscanner/internal/model/budgets"
	"awsscanner/internal/model/cloudformation"
	"awsscanner/internal/model/cloudtrail"
	"awsscanner/internal/model/cloudwatch"
	"awsscanner/internal/model/cloudwatchlogs"
	"awsscanner/internal/model/configservice"
	"awsscanner/internal/model/ec2"
	"awsscanner/internal/model/guardduty"
	"awsscanner/internal/model/kms"
	"awsscanner/internal/model/organizations"
	"awsscanner/internal/model/rds"
	"awsscanner/internal/model/sns"
	"awsscanner/internal/model/sqs"
	"awsscanner/internal/model/ssm"
)

// All is the table of all kinds.
var All = model.NewTable(
	&acm.Certificate{},
	&budgets.Account{}, &budgets.Budget{},
	&cloudformation.Stack{},
	&cloudtrail.Account{}, &cloudtrail.Trail{}, &cloudtrail.EventDataStore{},
	&cloudwatch.Account{}, &cloudwatch.Alarm{},
	&cloudwatchlogs.LogGroup{},
	&configservice.Region{}, &configservice.ConfigurationRecorder{}, &configservice.DeliveryChannel{},
	&ec2.Volume{}, &ec2.Instance{}, &ec2.Image{}, &ec2.Snapshot{}, &ec2.Address{}, &ec2.NetworkInterface{}, &ec2.SecurityGroup{}, &ec2.PrefixList{},
	&ec2.Subnet{}, &ec2.VPC{}, &ec2.FlowLog{}, &ec2.VPCEndpoint{}, &ec2.RouteTable{}, &ec2.Region{},
	&guardduty.Region{}, &guardduty.Detector{},
	&kms.Key{},
	&rds.DBInstance{}, &rds.DBCluster{}, &rds.DBSnapshot{}, &rds.DBClusterSnapshot{},
	&organizations.Organization{},
	&sns.Subscribers{},
	&sqs.Queue{},
	&ssm.Parameter{},
)
