package cloudwatchlogs

import (
	"errors"

	"awsscanner/internal/engine"
	"awsscanner/internal/model/cloudwatchlogs"
	"awsscanner/internal/model/kms"
)

type encrypted struct {
	Exclude           []string `json:"exclude"`             // globs of names
	RequireEnabledKey bool     `json:"require_enabled_key"` // the key must also exist and be usable
	SensitiveOnly     bool     `json:"sensitive_only"`      // judge only groups whose names have one of the words
	SensitiveWords    []string `json:"sensitive_words"`     // whole words of names
}

func (p *encrypted) Validate() error {
	if p.SensitiveOnly && len(p.SensitiveWords) == 0 {
		return errors.New("sensitive_only without sensitive_words judges no group at all")
	}
	return errors.Join(engine.CheckGlobs("exclude", p.Exclude), engine.CheckWords("sensitive_words", p.SensitiveWords))
}

func (p *encrypted) Reads() []string {
	if p.RequireEnabledKey {
		return []string{"kms.Key.State"}
	}
	return nil
}

var _ = Rules.Add(engine.Rule{
	ID:       "cloudwatchlogs-group-encrypted",
	Title:    "Log groups are encrypted with a usable customer managed KMS key",
	Level:    engine.Recommended,
	Severity: engine.Low,
	Worst:    engine.High,
	Pillars:  []engine.Pillar{engine.Security, engine.OperationalExcellence},
	Why: "CloudWatch Logs encrypts every group, but by default with a key of its own: whoever may read the group can read " +
		"the events, and no use of the key shows in CloudTrail. With a key of yours the key policy is a second lock. " +
		"That key must stay usable, though: while it is disabled nobody can read the events, and once it is deleted they are lost.",
	Fix: engine.Fix{
		Text: "Let CloudWatch Logs use a symmetric key in the region of the group: its key policy must allow the principal " +
			"logs.<region>.amazonaws.com to encrypt and decrypt. Then associate the key with the group. Only events that come in " +
			"afterwards are encrypted with it. If the group has a key that is not usable, restore that key, for no other can decrypt " +
			"what it has encrypted; if it is deleted, associate another for the events to come.",
		CLI: `# for the key policy: get it, add the statement for logs.<region>.amazonaws.com, put it back
aws kms get-key-policy --key-id <key-arn> --policy-name default --query Policy --output text > policy.json
aws kms put-key-policy --key-id <key-arn> --policy-name default --policy file://policy.json
aws logs associate-kms-key --log-group-name <group> --kms-key-id <key-arn>
# instead, if the group has a key that is disabled or pending deletion
aws kms cancel-key-deletion --key-id <key-arn>
aws kms enable-key --key-id <key-arn>`,
		IaC: `# Terraform: the statement goes into the policy of the key, beside the one that lets the account manage it
resource "aws_cloudwatch_log_group" "<name>" {
  name       = "<group>"
  kms_key_id = aws_kms_key.<name>.arn
}
data "aws_iam_policy_document" "logs" {
  statement {
    actions   = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]
    resources = ["*"]
    principals {
      type        = "Service"
      identifiers = ["logs.<region>.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values   = ["arn:aws:logs:<region>:<account-id>:log-group:<group>"]
    }
  }
}`,
		Breaks: "If the key policy does not admit CloudWatch Logs, the association is refused, and if it ceases to, events can no " +
			"longer be stored or read: watch IncomingLogEvents of the group and read it with a role that people use. Its readers, " +
			"subscriptions and exports included, depend on the key from then on, and each use of the key is charged by KMS.",
		Undo: `aws logs disassociate-kms-key --log-group-name <group>
Keep the key, since events from the time between still need it.`,
		Effect: engine.Replaces,
	},
	Reads: []string{"cloudwatchlogs.LogGroup.Class", "cloudwatchlogs.LogGroup.KMSKey"},

	Check: engine.EachWith(encrypted{
		Exclude:           []string{},
		RequireEnabledKey: true,
		SensitiveWords:    []string{"audit", "auth", "cloudtrail", "customer", "customers", "payment", "payments", "pii", "secret", "secrets", "security"},
	}, func(v *engine.View, p *encrypted, g *cloudwatchlogs.LogGroup) engine.Verdict {
		if engine.MatchAny(p.Exclude, g.ID) {
			return engine.NotApplicable("excluded by parameter")
		}
		if p.SensitiveOnly {
			if _, sensitive := engine.FindWord(engine.Words(g.ID), p.SensitiveWords); !sensitive {
				return engine.NotApplicable("the name has none of the sensitive_words")
			}
		}
		if g.Class.Get() == "DELIVERY" {
			return engine.NotApplicable("its class is DELIVERY: it hands events on and keeps them for one day")
		}
		ref := g.KMSKey.Get()
		switch {
		case ref == "":
			return engine.Fail("kmsKeyId is not set: the group is not in plain text, as AWS encrypts it with a key of its own, " +
				"but you neither control nor see the use of that key. Associate a customer managed key")
		case !p.RequireEnabledKey || kms.AWSManaged(ref):
			return engine.Pass()
		}
		key, exists := engine.Find[*kms.Key](v, ref)
		if !exists {
			return engine.Fail("the key "+ref+" does not exist: the events encrypted with it cannot be read. Associate another key for those to come").
				With("kmsKeyId", ref).As(engine.High)
		}
		if fault := key.Fault(); fault != "" {
			broken := engine.Fail("the key "+ref+" "+fault+". Until then the events encrypted with it cannot be read").
				With("kmsKeyId", ref).With("keyState", key.State).As(engine.High)
			broken.FixKey = key.ARN // all its groups become readable at once
			return broken
		}
		return engine.Pass()
	}),
})
