package kms

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/kms"
	"awsscanner/rules/exposure"
)

var _ = Rules.Add(engine.Rule{
	ID:       "kms-key-not-public",
	Title:    "Key policies let no strangers in",
	Level:    engine.Recommended,
	Severity: engine.Critical,
	Worst:    engine.Critical,
	Least:    engine.Low,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "Encryption keeps out those who may not use the key. If everybody may, a shared snapshot or a leaked backup is as good as plain text, and strangers can give themselves grants " +
		"that last when the policy is put right. kms:ViaService does not help: anyone can make a service call on their behalf.",
	Fix: engine.Fix{
		Text: "Name the accounts or roles in the statement; for everybody of the account through a service, add kms:CallerAccount beside kms:ViaService. Then list the grants of the key and revoke those to strangers, " +
			"and look in CloudTrail for uses by accounts that are not yours.",
		CLI: `aws kms get-key-policy --key-id <key-arn> --query Policy --output text > <before>.json # edit a copy
aws kms put-key-policy --key-id <key-arn> --policy-name default --policy file://<edited>.json
aws kms list-grants --key-id <key-arn>`,
		IaC: `data "aws_iam_policy_document" "key" {
  statement {
    actions   = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::<account-id>:role/<who>"] # not "*"
    }
  }
}`,
		Breaks: "Whoever uses the key without being named any more, other accounts above all: they can no longer read what it has encrypted. CloudTrail shows them by userIdentity in the events of the key. " +
			"KMS refuses a policy that would lock out the caller himself.",
		Undo:   `aws kms put-key-policy --key-id <key-arn> --policy-name default --policy file://<before>.json`,
		Effect: engine.Replaces,
	},
	Reads: []string{"kms.Key", "kms.Key.Manager", "kms.Key.State", "kms.Key.Policy"},

	// The actions are those that KMS allows across accounts; managing a key is its account's own. Source: KMS API Reference, "Cross-account use".
	Check: engine.Each(func(_ *engine.View, k *kms.Key) engine.Verdict {
		if k.Manager.Get() == "AWS" {
			return engine.NotApplicable(ofAWS)
		}
		verdict := exposure.Resource{
			Policy: k.Policy.Get(), ARN: k.ARN, Account: k.Account, Advice: "Name whom it is for",
			Grave: []string{"kms:Decrypt", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:GenerateDataKeyPair",
				"kms:GenerateDataKeyWithoutPlaintext", "kms:GenerateDataKeyPairWithoutPlaintext", "kms:GenerateMac", "kms:Sign", "kms:DeriveSharedSecret", "kms:CreateGrant", "kms:RevokeGrant", "kms:RetireGrant"},
			Mild: []string{"kms:DescribeKey", "kms:GetKeyRotationStatus", "kms:GetPublicKey", "kms:ListGrants", "kms:Verify", "kms:VerifyMac"}, Lesser: engine.Low, // public keys are for the public
		}.Public()
		if state := k.State.Get(); verdict.Severity == engine.Critical && state != "Enabled" && state != "Updating" {
			verdict = verdict.With("keyState", k.State).As(engine.High) // until somebody enables it again
		}
		return verdict
	}),
})
