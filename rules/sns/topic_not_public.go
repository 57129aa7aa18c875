package sns

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/sns"
	"awsscanner/rules/exposure"
)

var _ = Rules.Add(engine.Rule{
	ID:       "sns-topic-not-public",
	Title:    "Topic policies let no strangers in",
	Level:    engine.Recommended,
	Severity: engine.Critical,
	Worst:    engine.Critical,
	Least:    engine.Medium,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "Whoever may subscribe gets a copy of every message from then on, at an address of their own; whoever may publish sends mail and text messages in your name, and feeds " +
		"the queues and functions behind the topic, which trust what they get. The ARN is no secret: it is made of region, account and name.",
	Fix: engine.Fix{
		Text: "Name the accounts or roles in the statement. Where a service publishes, name that service, and the resource for which it may in aws:SourceArn. " +
			"Then look through the subscriptions for addresses that are not yours, and remove them.",
		CLI: `aws sns get-topic-attributes --topic-arn <topic-arn> --query Attributes.Policy --output text > <before>.json # edit a copy
aws sns set-topic-attributes --topic-arn <topic-arn> --attribute-name Policy --attribute-value file://<edited>.json
aws sns list-subscriptions-by-topic --topic-arn <topic-arn>`,
		IaC: `data "aws_iam_policy_document" "topic" {
  statement {
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.<name>.arn]
    principals {
      type        = "Service" # or "AWS", with ARNs; not "*"
      identifiers = ["cloudwatch.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = ["<account-id>"]
    }
  }
}`,
		Breaks: "Publishers and subscribers that the policy no longer names: other accounts, and services such as S3 or CloudWatch that were let in as anyone. Subscriptions that there are go on. " +
			"See in NumberOfMessagesPublished of the topic whether messages still come.",
		Undo:   `aws sns set-topic-attributes --topic-arn <topic-arn> --attribute-name Policy --attribute-value file://<before>.json`,
		Effect: engine.Replaces,
	},
	Reads: []string{"sns.Topic.Policy"},

	// The policy that SNS makes for a new topic admits the principal *, but only for requests of its owner (AWS:SourceOwner). The actions
	// are those a topic policy can have. Source: SNS Developer Guide, "Amazon SNS API permissions: Actions and resources reference".
	Check: engine.Each(func(_ *engine.View, t *sns.Topic) engine.Verdict {
		return exposure.Resource{
			Policy: t.Policy.Get(), ARN: t.ARN, Account: t.Account, Advice: "Name whom it is for",
			Grave: []string{"sns:Publish", "sns:Subscribe", "sns:AddPermission", "sns:RemovePermission", "sns:SetTopicAttributes", "sns:DeleteTopic", "sns:PutDataProtectionPolicy"},
			Mild:  []string{"sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic", "sns:GetDataProtectionPolicy", "sns:ListTagsForResource"}, Lesser: engine.Medium, // the addresses of subscribers are people's
		}.Public()
	}),
})
