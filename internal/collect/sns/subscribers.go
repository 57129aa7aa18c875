package sns

import (
	"cmp"
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
	my "awsscanner/internal/model/sns"
)

// Subscribers lists the calls about who receives what is sent to topics.
func Subscribers(at collect.At) []collect.Call {
	c := sns.NewFromConfig(at.Config)
	return []collect.Call{{
		Op:     "sns:ListSubscriptionsByTopic",
		Lists:  []model.Resource{&my.Subscribers{}},
		Abroad: true,
		Absent: []string{"NotFound"},
		Do: collect.ByReference("AWS::SNS::Subscribers", 1, my.IsTopic, func(ctx context.Context, refs []string, found collect.Found) error {
			arn, _ := model.ParseARN(refs[0])
			confirmed, pending := false, false
			pages := sns.NewListSubscriptionsByTopicPaginator(c, &sns.ListSubscriptionsByTopicInput{TopicArn: &refs[0]})
			for !confirmed && pages.HasMorePages() { // a topic may have millions, and one will do
				page, err := pages.NextPage(ctx, func(o *sns.Options) { o.Region = cmp.Or(arn.Region, o.Region) })
				if err != nil {
					return err
				}
				for _, s := range page.Subscriptions { // others are PendingConfirmation or Deleted
					confirmed = confirmed || strings.HasPrefix(aws.ToString(s.SubscriptionArn), "arn:")
					pending = pending || aws.ToString(s.SubscriptionArn) == "PendingConfirmation"
				}
			}
			found(&my.Subscribers{
				Meta:      model.Meta{ID: refs[0], ARN: refs[0], Name: arn.Resource, Account: arn.Account, Region: arn.Region},
				Confirmed: model.Known(confirmed), Pending: model.Known(pending),
			})
			return nil
		}),
	}}
}
