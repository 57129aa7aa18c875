package ec2

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/ec2"
	"awsscanner/internal/model/kms"
)

type volumeEncrypted struct {
	RequireCMK   bool `json:"require_cmk"`   // with a key that the account manages
	AttachedOnly bool `json:"attached_only"` // leave out what is attached to nothing
}

func (p *volumeEncrypted) Reads() []string {
	if p.RequireCMK {
		return []string{"ec2.Volume.KMSKey", "kms.Key.Manager"}
	}
	return nil
}

var _ = Rules.Add(engine.Rule{
	ID:       "ec2-ebs-volume-encrypted",
	Title:    "EBS volumes are encrypted",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.Medium,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "Of a volume in plain text anybody who may take and share snapshots can carry the data off, and nothing but IAM stands before it. Encryption adds a key with a " +
		"policy and a log of its own, costs nothing and takes no measurable speed. It passes on to all snapshots and copies.",
	Fix: engine.Fix{
		Text: "A volume cannot be encrypted in place. Stop the instance, take a snapshot, copy it with a key, make a volume of the copy in the same zone and put it in the place of the old one. " +
			"Switch on encryption by default in the region, so that no further one comes up. Members of an Auto Scaling group are best replaced from a launch template that encrypts.",
		CLI: `aws ec2 enable-ebs-encryption-by-default
aws ec2 stop-instances --instance-ids <instance-id>
aws ec2 create-snapshot --volume-id <volume-id>
aws ec2 copy-snapshot --source-region <region> --source-snapshot-id <snapshot-id> --encrypted --kms-key-id <key-arn>
aws ec2 create-volume --snapshot-id <copied-snapshot-id> --availability-zone <zone> --volume-type gp3
aws ec2 detach-volume --volume-id <volume-id>
aws ec2 attach-volume --volume-id <new-volume-id> --instance-id <instance-id> --device <device>`,
		IaC: `# Terraform: plan first, as a change of encrypted replaces a volume with an empty one
resource "aws_ebs_encryption_by_default" "this" {
  enabled = true
}`,
		Breaks: "The instance is down while the volume is exchanged. Roles that start the instance need kms:CreateGrant on the key, also the service-linked role of Auto Scaling if the key is " +
			"a customer managed one; accounts that snapshots are shared with need the key too. Instance types of the first generations take no encrypted volumes.",
		Undo:   "Attach the old volume again: keep it, until the new one has proved itself.",
		Effect: engine.Downtime,
	},
	Reads: []string{"ec2.Volume.Encrypted", "ec2.Volume.State", "ec2.Volume.Manager"},

	Check: engine.EachWith(volumeEncrypted{}, func(v *engine.View, p *volumeEncrypted, vol *ec2.Volume) engine.Verdict {
		state := vol.State.Get()
		switch {
		case state != "in-use" && state != "available":
			return engine.NotApplicable("its state is " + state)
		case p.AttachedOnly && state == "available":
			return engine.NotApplicable("attached to nothing, and attached_only is set")
		}
		if why := managed(vol.Manager); why != "" {
			return engine.NotApplicable(why)
		}
		if !vol.Encrypted.Get() {
			return engine.Fail("Encrypted is false: copy a snapshot of it with encryption, and put a volume of that in its place").With("state", vol.State)
		}
		if !p.RequireCMK {
			return engine.Pass()
		}
		ref := vol.KMSKey.Get()
		if key, ok := engine.Find[*kms.Key](v, ref); ok && key.Manager.Get() == "AWS" { // those of AWS are never deleted
			return engine.Fail("encrypted, but with the key "+ref+" that AWS manages: copy a snapshot of it with a key of yours").With("kmsKeyId", ref).As(engine.Low)
		}
		return engine.Pass()
	}),
})
