package cloudtrail

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/cloudtrail"
	"awsscanner/internal/model/kms"
)

var _ = Rules.Add(engine.Rule{
	ID:       "cloudtrail-kms-encrypted",
	Title:    "CloudTrail log files are encrypted with a usable KMS key",
	Level:    engine.Recommended,
	Severity: engine.Low,
	Worst:    engine.High,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "Log files are always encrypted, but by default with a key of S3: whoever may read the bucket can read them. With a KMS key its policy is a second lock, and each " +
		"use of the key shows in CloudTrail. That key must stay usable, though: while it is not, CloudTrail cannot deliver, and nobody can read what it has delivered.",
	Fix: engine.Fix{
		Text: "Let CloudTrail use a symmetric key in the region of the bucket: its policy must allow cloudtrail.amazonaws.com to generate data keys for the trail, and those who read logs to decrypt. " +
			"Then set it for the trail. If the trail has a key that is not usable, restore that key, for no other can decrypt what it has encrypted.",
		CLI: `# for the key policy: get it, add the statements for cloudtrail.amazonaws.com and for the readers, put it back
aws kms get-key-policy --key-id <key-arn> --policy-name default --query Policy --output text > policy.json
aws kms put-key-policy --key-id <key-arn> --policy-name default --policy file://policy.json
aws cloudtrail update-trail --region <home-region> --name <trail-arn> --kms-key-id <key-arn>
# instead, if the trail has a key that is disabled or pending deletion
aws kms cancel-key-deletion --key-id <key-arn>
aws kms enable-key --key-id <key-arn>`,
		IaC: `# Terraform
resource "aws_cloudtrail" "<name>" {
  kms_key_id = aws_kms_key.<name>.arn
}`,
		Breaks: "Whoever reads the bucket, such as a log analysis in another account, needs kms:Decrypt from then on: look for readers in the policy and the access logs of the bucket. " +
			"If the key policy does not admit CloudTrail, the update is refused. Each use of the key is charged by KMS.",
		Undo: `aws cloudtrail update-trail --region <home-region> --name <trail-arn> --kms-key-id ""
Keep the key, since files from the time between still need it.`,
		Effect: engine.Replaces,
	},
	Reads: []string{"cloudtrail.Trail.KMSKey", "kms.Key.State"},

	Check: engine.Each(func(v *engine.View, t *cloudtrail.Trail) engine.Verdict {
		ref := t.KMSKey.Get()
		if ref == "" {
			return engine.Fail("KmsKeyId is not set: the log files are not in plain text, as S3 encrypts them with a key of its own, but whoever may read the bucket can read them. Set a customer managed key")
		}
		key, exists := engine.Find[*kms.Key](v, ref)
		if !exists {
			return engine.Fail("the key "+ref+" does not exist: CloudTrail cannot deliver, and what it has delivered cannot be read. Set another key").With("kmsKeyId", ref).As(engine.High)
		}
		if fault := key.Fault(); fault != "" {
			broken := engine.Fail("the key "+ref+" "+fault+". Until then CloudTrail cannot deliver, and what it has delivered cannot be read").
				With("kmsKeyId", ref).With("keyState", key.State).As(engine.High)
			broken.FixKey = key.ARN // all its trails deliver again at once
			return broken
		}
		return engine.Pass()
	}),
})
