package kms

import (
	"errors"
	"fmt"

	"awsscanner/internal/engine"
	"awsscanner/internal/model/kms"
)

type rotation struct {
	MaxDays int `json:"max_days"`
}

func (p *rotation) Validate() error {
	if p.MaxDays < 90 || p.MaxDays > 2560 {
		return errors.New("max_days must be from 90 to 2560, which are the periods that KMS allows")
	}
	return nil
}

var _ = Rules.Add(engine.Rule{
	ID:       "kms-key-rotation-enabled",
	Title:    "Symmetric customer managed keys rotate automatically",
	Level:    engine.Recommended,
	Severity: engine.Low,
	Worst:    engine.Low,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "Key material that stays the same for ever protects more data every year, and more is lost if it should ever be broken. Rotation by KMS takes no work: the key keeps its ARN, " +
		"old material goes on decrypting what it has encrypted, and auditors ask for it.",
	Fix: engine.Fix{
		Text: "Enable rotation, on the primary key if there are replicas.",
		CLI:  `aws kms enable-key-rotation --key-id <key-arn> --rotation-period-in-days 365`,
		IaC: `resource "aws_kms_key" "<name>" {
  enable_key_rotation     = true
  rotation_period_in_days = 365
}`,
		Breaks: "Nobody: the key ID, the policy and old data stay as they are. The first and the second rotation raise the price of the key by USD 1 a month each.",
		Undo:   `aws kms disable-key-rotation --key-id <key-arn>`,
		Effect: engine.Additive,
	},
	Reads: []string{"kms.Key", "kms.Key.Manager", "kms.Key.State", "kms.Key.Spec", "kms.Key.Origin", "kms.Key.PrimaryARN", "kms.Key.Rotates", "kms.Key.RotationDays"},

	Check: engine.EachWith(rotation{MaxDays: 365}, func(_ *engine.View, p *rotation, k *kms.Key) engine.Verdict {
		if k.Manager.Get() == "AWS" {
			return engine.NotApplicable(ofAWS)
		}
		if why := k.CannotRotate(); why != "" {
			return engine.NotApplicable(why)
		}
		if !k.Rotates.Get() {
			return engine.Fail("KeyRotationEnabled is false: the key material stays the same for ever. Enable rotation").With("keyRotationEnabled", k.Rotates)
		}
		if n := k.RotationDays.Get(); n > p.MaxDays {
			return engine.Fail(fmt.Sprintf("RotationPeriodInDays is %d, but should be at most %d. Shorten the period", n, p.MaxDays)).With("rotationPeriodInDays", k.RotationDays)
		}
		return engine.Pass()
	}),
})
