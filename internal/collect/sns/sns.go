// Package sns collects from Amazon SNS.
package sns

import (
	"context"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
	my "awsscanner/internal/model/sns"
)

func Calls(at collect.At) []collect.Call {
	c := sns.NewFromConfig(at.Config)
	return []collect.Call{{
		Op:    "sns:ListTopics",
		Lists: []model.Resource{&my.Topic{}},
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			pages := sns.NewListTopicsPaginator(c, &sns.ListTopicsInput{}) // always up to 100
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, t := range page.Topics {
					id := aws.ToString(t.TopicArn)
					found(&my.Topic{Meta: model.Meta{ID: id, ARN: id, Name: id[strings.LastIndex(id, ":")+1:]}})
				}
			}
			return nil
		}),
	}, {
		Op: "sns:GetTopicAttributes",
		Do: collect.PerItem(func(ctx context.Context, t *my.Topic) error {
			out, err := c.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &t.ID})
			if err != nil {
				return err
			}
			fill(t, out.Attributes)
			return nil
		}),
	}}
}

// fill copies attributes. Which of them the answer has may differ by what the caller may see, says the API reference: without
// the policy, which every topic has, what else is missing says nothing.
func fill(t *my.Topic, attributes map[string]string) {
	policy, whole := attributes["Policy"]
	if !whole {
		return
	}
	t.Policy, t.KMSKey = model.Known(policy), model.Known(attributes["KmsMasterKeyId"])
	for name, to := range map[string]*model.Attr[int]{"SubscriptionsConfirmed": &t.Confirmed, "SubscriptionsPending": &t.Pending} {
		if n, err := strconv.Atoi(attributes[name]); err == nil {
			*to = model.Known(n)
		}
	}
	var logs []string
	for _, protocol := range []string{"HTTP", "Firehose", "Lambda", "Application", "SQS"} {
		if attributes[protocol+"FailureFeedbackRoleArn"] != "" {
			logs = append(logs, protocol)
		}
	}
	t.LogsOf = model.Known(logs)
}
