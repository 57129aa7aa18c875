package rds

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/rds"
)

var _ = Rules.Add(engine.Rule{
	ID:       "rds-cluster-storage-encrypted",
	Title:    "DB cluster storage is encrypted",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.Medium,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "What is in plain text on disk is in plain text in every backup and snapshot too, and a snapshot that leaks or is shared by " +
		"mistake can be read by whoever gets it. Encryption costs nothing, and an encrypted snapshot cannot be made public at all.",
	Fix: engine.Fix{
		Text: "A cluster is encrypted when it is made, never later: take a snapshot, restore it with a KMS key into a new cluster, add " +
			"instances, switch the clients over, and delete the old cluster together with its snapshots. To lose nothing, let the new " +
			"cluster follow the old one by logical replication until the switch.",
		CLI: `aws rds create-db-cluster-snapshot --db-cluster-identifier <cluster> --db-cluster-snapshot-identifier <cluster>-plain
aws rds wait db-cluster-snapshot-available --db-cluster-snapshot-identifier <cluster>-plain
aws rds restore-db-cluster-from-snapshot --db-cluster-identifier <cluster>-encrypted --snapshot-identifier <cluster>-plain --engine <engine> --kms-key-id <key-arn> --db-subnet-group-name <group> --vpc-security-group-ids <security-groups>
aws rds create-db-instance --db-cluster-identifier <cluster>-encrypted --db-instance-identifier <instance> --db-instance-class <class> --engine <engine>`,
		IaC: `# makes a new, empty cluster unless snapshot_identifier names a snapshot of the old one
resource "aws_rds_cluster" "<name>" {
  storage_encrypted   = true
  kms_key_id          = "<key-arn>"
  snapshot_identifier = "<cluster>-plain"
}`,
		Breaks: "What is written after the snapshot is not in the new cluster: stop the writers first, or replicate. Its endpoints are " +
			"new ones, and parameter groups, roles, proxies, alarms and cross-region replicas have to be set up again. Everybody who restores its " +
			"snapshots needs the key.",
		Undo:   "point the clients back at the old cluster, and keep it until the new one has proved itself",
		Effect: engine.Downtime,
	},
	Reads: []string{"rds.DBCluster.StorageEncrypted", "rds.DBCluster.EncryptionType"},

	Check: engine.Each(func(_ *engine.View, c *rds.DBCluster) engine.Verdict {
		return encryption(c.StorageEncrypted, c.EncryptionType)
	}),
})
