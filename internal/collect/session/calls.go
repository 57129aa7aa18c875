package session

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/account"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"awsscanner/internal/collect"
)

// Calls has a call to each service that a session needs before anything is collected. It is for collect.Host alone: sessions make theirs themselves.
func Calls(at collect.At) []collect.Call {
	call := func(op string, do func(context.Context) error) collect.Call {
		return collect.Call{Op: op, Do: collect.Global(func(ctx context.Context, _ collect.Found) error { return do(ctx) })}
	}
	return []collect.Call{
		call("sts:GetCallerIdentity", func(ctx context.Context) error {
			_, err := sts.NewFromConfig(at.Config).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
			return err
		}),
		call("account:ListRegions", func(ctx context.Context) error {
			_, err := account.NewFromConfig(at.Config).ListRegions(ctx, &account.ListRegionsInput{})
			return err
		}),
		call("ec2:DescribeRegions", func(ctx context.Context) error {
			_, err := ec2.NewFromConfig(at.Config).DescribeRegions(ctx, &ec2.DescribeRegionsInput{})
			return err
		}),
		call("organizations:ListAccounts", func(ctx context.Context) error {
			_, err := organizations.NewFromConfig(at.Config).ListAccounts(ctx, &organizations.ListAccountsInput{})
			return err
		}),
	}
}

// VPCEndpoint returns the name of the endpoint service with which a VPC reaches a service without the internet, or "" if none is known.
// Sources: AWS PrivateLink Guide, "AWS services that integrate with AWS PrivateLink"; IAM User Guide, "Interface VPC endpoints"; for China the names
// in the AWS CDK (aws-ec2/lib/vpc-endpoint.ts). As of 2026-11. `aws ec2 describe-vpc-endpoint-services` tells what there is in a region.
func (p Partition) VPCEndpoint(service, region string) string {
	prefix := "com.amazonaws."
	switch p.Name {
	case "aws", "aws-us-gov":
	case "aws-cn":
		if slices.Contains([]string{"account", "applicationautoscaling", "autoscaling", "cloudformation", "ec2", "lambda", "sqs", "sts"}, service) {
			prefix = "cn.com.amazonaws."
		}
	default: // of which no list is public
		return ""
	}
	switch service {
	case "iam":
		return "com.amazonaws.iam" // one for all regions
	case "cloudwatch":
		return prefix + region + ".monitoring"
	case "cloudwatchlogs":
		return prefix + region + ".logs"
	case "configservice":
		return prefix + region + ".config"
	case "applicationautoscaling":
		return prefix + region + ".application-autoscaling"
	case "elasticloadbalancingv2":
		return prefix + region + ".elasticloadbalancing"
	case "account", "acm", "autoscaling", "budgets", "cloudformation", "cloudtrail", "dynamodb", "ec2", "guardduty", "kms", "lambda", "organizations", "rds", "secretsmanager", "sns", "sqs", "ssm", "sts":
		if home := p.Home(service); home != "" {
			region = home
		}
		return prefix + region + "." + service
	}
	return ""
}
