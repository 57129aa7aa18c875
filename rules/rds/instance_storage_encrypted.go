package rds

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/rds"
)

var _ = Rules.Add(engine.Rule{
	ID:       "rds-instance-storage-encrypted",
	Title:    "DB instance storage is encrypted",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.Medium,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "What is in plain text on disk is in plain text in every backup, snapshot and replica too, and a snapshot that leaks or is shared " +
		"by mistake can be read by whoever gets it. Encryption costs nothing, and an encrypted snapshot cannot be made public at all.",
	Fix: engine.Fix{
		Text: "An instance is encrypted when it is made, never later: take a snapshot, copy it with a KMS key, restore the copy as a new " +
			"instance, switch the clients over, and delete the old instance together with its snapshots and replicas. To lose nothing, let the " +
			"new instance follow the old one by replication until the switch.",
		CLI: `aws rds create-db-snapshot --db-instance-identifier <instance> --db-snapshot-identifier <instance>-plain
aws rds wait db-snapshot-available --db-snapshot-identifier <instance>-plain
aws rds copy-db-snapshot --source-db-snapshot-identifier <instance>-plain --target-db-snapshot-identifier <instance>-encrypted --kms-key-id <key-arn>
aws rds wait db-snapshot-available --db-snapshot-identifier <instance>-encrypted
aws rds restore-db-instance-from-db-snapshot --db-instance-identifier <instance>-encrypted --db-snapshot-identifier <instance>-encrypted --db-subnet-group-name <group> --vpc-security-group-ids <security-groups> --no-publicly-accessible`,
		IaC: `# makes a new, empty instance unless snapshot_identifier names the encrypted copy
resource "aws_db_instance" "<name>" {
  storage_encrypted   = true
  kms_key_id          = "<key-arn>"
  snapshot_identifier = "<instance>-encrypted"
}`,
		Breaks: "What is written after the snapshot is not in the new instance: stop the writers first, or replicate. Its endpoint is a new " +
			"one unless you rename both, and replicas, roles, proxies and alarms have to be set up again. A few old classes, such as db.t2.micro, cannot encrypt.",
		Undo:   "point the clients back at the old instance, and keep it until the new one has proved itself",
		Effect: engine.Downtime,
	},
	Reads: []string{"rds.DBInstance.Cluster", "rds.DBInstance.StorageEncrypted", "rds.DBInstance.EncryptionType"},

	Check: engine.Each(func(_ *engine.View, i *rds.DBInstance) engine.Verdict {
		if c := i.Cluster.Get(); c != "" {
			return engine.NotApplicable("is a member of the cluster " + c + ", which has the storage")
		}
		return encryption(i.StorageEncrypted, i.EncryptionType)
	}),
})
