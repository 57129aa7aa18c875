package sns

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/kms"
	"awsscanner/internal/model/sns"
)

var _ = Rules.Add(engine.Rule{
	ID:       "sns-topic-encrypted",
	Title:    "Topics are encrypted at rest with a KMS key",
	Level:    engine.Recommended,
	Severity: engine.Low,
	Worst:    engine.Low,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "SNS keeps messages on encrypted disks while it delivers them, but whoever may publish or subscribe needs nothing else. With a KMS key the key policy is a second lock: " +
		"a publisher that the topic policy admits by mistake is still refused, and each use of the key is logged.",
	Fix: engine.Fix{
		Text: "Set a customer managed key whose policy lets the publishers call kms:GenerateDataKey* and kms:Decrypt: for AWS services by their service principal and aws:SourceAccount. " +
			"The key alias/aws/sns cannot admit them: alarms, S3 events and the like would no longer come through.",
		CLI: `# for the key policy: get it, add a statement for the publishers, put it back
aws kms get-key-policy --key-id <key-arn> --query Policy --output text > policy.json
aws kms put-key-policy --key-id <key-arn> --policy-name default --policy file://policy.json
aws sns set-topic-attributes --topic-arn <topic-arn> --attribute-name KmsMasterKeyId --attribute-value <key-arn>`,
		IaC: `resource "aws_sns_topic" "<name>" {
  kms_master_key_id = "<key-arn>"
}`,
		Breaks: "Publishers that the key policy does not admit: their messages are refused, those of AWS services without a trace in your application. List who publishes by the policy of the topic, and " +
			"alarms and event notifications that name it; afterwards watch NumberOfMessagesPublished. Subscribers notice nothing.",
		Undo:   `aws sns set-topic-attributes --topic-arn <topic-arn> --attribute-name KmsMasterKeyId --attribute-value ""`,
		Effect: engine.Replaces,
	},
	Reads: []string{"sns.Topic.KMSKey"},

	// That the disks are encrypted anyway: SNS Developer Guide, "Amazon SNS data encryption". That the key of AWS keeps services out: the same,
	// "Enable compatibility between event sources from AWS services and encrypted topics".
	Check: engine.Each(func(_ *engine.View, t *sns.Topic) engine.Verdict {
		switch ref := t.KMSKey.Get(); {
		case ref == "":
			return engine.Fail("KmsMasterKeyId is not set: the messages are on encrypted disks, but under no key of the account. Set a customer managed key")
		case kms.AWSManaged(ref):
			return engine.Pass().Note("KmsMasterKeyId is " + ref + ", whose policy nobody can change: most AWS services, such as CloudWatch alarms and S3, cannot publish to this topic")
		}
		return engine.Pass()
	}),
})
