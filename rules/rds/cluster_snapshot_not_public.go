package rds

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/rds"
)

var _ = Rules.Add(engine.Rule{
	ID:       "rds-cluster-snapshot-not-public",
	Title:    "DB cluster snapshots are not public",
	Level:    engine.Recommended,
	Severity: engine.Critical,
	Worst:    engine.Critical,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "A snapshot of a cluster is all of its databases. Whoever has an AWS account finds a public one in the list of its region and restores it with an " +
		"administrator's password of their choice; a copy is theirs for good, and no log of yours shows it.",
	Fix: engine.Fix{
		Text: "Take the value all out of the attribute restore. Then find out since when it was public (ModifyDBClusterSnapshotAttribute in CloudTrail) and act as " +
			"for any disclosure: rotate the credentials in the data, ask who has to be told. Share with single accounts instead, best a copy that is encrypted with your own KMS key: it cannot be made public.",
		CLI: `aws rds modify-db-cluster-snapshot-attribute --db-cluster-snapshot-identifier <snapshot> --attribute-name restore --values-to-remove all`,
		IaC: `resource "aws_db_cluster_snapshot" "<name>" {
  shared_accounts = ["<account-id>"] # not "all"
}`,
		Breaks: "Accounts that restore from it without being named cannot any more. Ask who published it, and add those accounts by their IDs with --values-to-add.",
		Undo:   `aws rds modify-db-cluster-snapshot-attribute --db-cluster-snapshot-identifier <snapshot> --attribute-name restore --values-to-add <account-id>`,
		Effect: engine.Replaces,
	},
	Reads: []string{"rds.DBClusterSnapshot.Restore"},

	Check: engine.Each(func(_ *engine.View, s *rds.DBClusterSnapshot) engine.Verdict { return sharing(s.Restore) }),
})
