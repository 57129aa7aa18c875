package ec2

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/ec2"
)

var _ = Rules.Add(engine.Rule{
	ID:       "ec2-ebs-snapshot-not-public",
	Title:    "EBS snapshots are not public",
	Level:    engine.Recommended,
	Severity: engine.Critical,
	Worst:    engine.Critical,
	Least:    engine.Low,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "Everybody with an AWS account can make a volume of a public snapshot and read it. Public snapshots are listed for all, and there are people who go through the list " +
		"for credentials and databases. The owner does not see that it happens.",
	Fix: engine.Fix{
		Text: "Take the permission of the group all away, and change every credential that was ever on the volume. Then block all public sharing of snapshots in the region. " +
			"If only the block saves the snapshot, take the permission away all the same: without it the snapshot is public at once when somebody lifts the block.",
		CLI: `aws ec2 modify-snapshot-attribute --snapshot-id <snapshot-id> --attribute createVolumePermission --operation-type remove --group-names all
aws ec2 enable-snapshot-block-public-access --state block-all-sharing`,
		IaC: `# Terraform
resource "aws_ebs_snapshot_block_public_access" "this" {
  state = "block-all-sharing"
}`,
		Breaks: "Accounts outside that make volumes of the snapshot can no longer do so; volumes that they have made stay theirs. The block of the region hits all public " +
			"snapshots there: list them first:\naws ec2 describe-snapshots --owner-ids self --restorable-by-user-ids all",
		Undo: `aws ec2 disable-snapshot-block-public-access
aws ec2 modify-snapshot-attribute --snapshot-id <snapshot-id> --attribute createVolumePermission --operation-type add --group-names all`,
		Effect: engine.Replaces,
	},
	Reads: []string{"ec2.Snapshot.Public", "ec2.Snapshot.State", "ec2.Region.SnapshotBlock"},

	// block-all-sharing makes shared snapshots private, but keeps their permissions; block-new-sharing leaves them public.
	// Source: EBS User Guide, "Block public access for Amazon EBS snapshots". Encrypted snapshots cannot be shared with all.
	Check: engine.Each(func(v *engine.View, s *ec2.Snapshot) engine.Verdict {
		if s.State.Get() == "error" {
			return engine.NotApplicable("its state is error: nobody can make a volume of it")
		}
		if !s.Public.Get() {
			return engine.Pass()
		}
		region, _ := engine.Find[*ec2.Region](v, s.Region)
		fail := func(text string) engine.Verdict {
			return engine.Fail("createVolumePermission has the group all: "+text).With("snapshotBlockPublicAccess", region.SnapshotBlock)
		}
		switch state := region.SnapshotBlock.Get(); state {
		case "block-all-sharing":
			return fail("only block public access for snapshots (block-all-sharing) of " + s.Region + " keeps it private. Remove the permission, before somebody lifts the block").
				As(engine.Low)
		case "block-new-sharing":
			return fail("everybody can read it, as block-new-sharing of " + s.Region + " leaves older shares public. Remove the permission, and block all sharing")
		case "unblocked":
			return fail("everybody can read it. Remove the permission, and block all public sharing in " + s.Region)
		default:
			return engine.Unsure(model.TooLittleData, "the state of block public access for snapshots is "+state+", which is new to the scanner")
		}
	}),
})
