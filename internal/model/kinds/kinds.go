// Package kinds lists every kind of resource.
package kinds

import (
	"awsscanner/internal/model"
	"awsscanner/internal/model/acm"
	"awsscanner/internal/model/autoscaling"
	"awsscanner/internal/model/budgets"
	"awsscanner/internal/model/cloudformation"
	"awsscanner/internal/model/cloudtrail"
	"awsscanner/internal/model/cloudwatch"
	"awsscanner/internal/model/cloudwatchlogs"
	"awsscanner/internal/model/configservice"
	"awsscanner/internal/model/dynamodb"
	"awsscanner/internal/model/ec2"
	"awsscanner/internal/model/elasticloadbalancingv2"
	"awsscanner/internal/model/guardduty"
	"awsscanner/internal/model/iam"
	"awsscanner/internal/model/kms"
	"awsscanner/internal/model/lambda"
	"awsscanner/internal/model/organizations"
	"awsscanner/internal/model/rds"
	"awsscanner/internal/model/s3"
	"awsscanner/internal/model/secretsmanager"
	"awsscanner/internal/model/sns"
	"awsscanner/internal/model/sqs"
	"awsscanner/internal/model/ssm"
)

// All is the table of all kinds.
var All = model.NewTable(
	&acm.Certificate{},
	&autoscaling.AutoScalingGroup{},
	&budgets.Account{}, &budgets.Budget{},
	&cloudformation.Stack{},
	&cloudtrail.Account{}, &cloudtrail.Trail{}, &cloudtrail.EventDataStore{},
	&cloudwatch.Account{}, &cloudwatch.Alarm{},
	&cloudwatchlogs.LogGroup{},
	&dynamodb.Table{},
	&ec2.Volume{}, &ec2.Instance{}, &ec2.Image{}, &ec2.Snapshot{}, &ec2.Address{}, &ec2.NetworkInterface{}, &ec2.SecurityGroup{}, &ec2.PrefixList{},
	&ec2.Subnet{}, &ec2.VPC{}, &ec2.FlowLog{}, &ec2.VPCEndpoint{}, &ec2.RouteTable{}, &ec2.Region{},
	&iam.Account{}, &iam.User{}, &iam.AccessKey{}, &iam.Group{}, &iam.Role{}, &iam.ManagedPolicy{}, &iam.InlinePolicy{},
	&elasticloadbalancingv2.LoadBalancer{},
	&configservice.Region{}, &configservice.ConfigurationRecorder{}, &configservice.DeliveryChannel{},
	&guardduty.Region{}, &guardduty.Detector{},
	&kms.Key{},
	&lambda.Function{},
	&rds.DBInstance{}, &rds.DBCluster{}, &rds.DBSnapshot{}, &rds.DBClusterSnapshot{},
	&organizations.Organization{},
	&s3.Account{}, &s3.Bucket{},
	&secretsmanager.Secret{},
	&sns.Topic{},
	&sns.Subscribers{},
	&sqs.Queue{},
	&ssm.Parameter{},
)
