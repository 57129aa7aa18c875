// Package cloudwatchlogs collects from Amazon CloudWatch Logs.
package cloudwatchlogs

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
	my "awsscanner/internal/model/cloudwatchlogs"
)

func Calls(at collect.At) []collect.Call {
	c := cloudwatchlogs.NewFromConfig(at.Config)
	return []collect.Call{{
		Op:    "cloudwatchlogs:DescribeLogGroups", // without those of linked accounts
		Lists: []model.Resource{&my.LogGroup{}},
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(c, &cloudwatchlogs.DescribeLogGroupsInput{Limit: aws.Int32(50)})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, g := range page.LogGroups {
					name := aws.ToString(g.LogGroupName)
					group := &my.LogGroup{
						Meta:          model.Meta{ID: name, ARN: strings.TrimSuffix(aws.ToString(g.Arn), ":*"), Name: name},
						KMSKey:        model.OrNone(g.KmsKeyId),
						RetentionDays: model.Known(int(aws.ToInt32(g.RetentionInDays))), // left out: for ever
						StoredBytes:   model.FromPtr(g.StoredBytes),
						Class:         model.FromString(g.LogGroupClass),
					}
					if g.LogGroupClass == "" { // as of groups from before there were classes
						group.Class = model.Known(string(types.LogGroupClassStandard))
					}
					found(group)
				}
			}
			return nil
		}),
	}}
}
