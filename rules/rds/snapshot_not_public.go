package rds

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/rds"
)

var _ = Rules.Add(engine.Rule{
	ID:       "rds-snapshot-not-public",
	Title:    "DB snapshots are not public",
	Level:    engine.Recommended,
	Severity: engine.Critical,
	Worst:    engine.Critical,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "A snapshot is the whole database. Whoever has an AWS account finds a public one in the list of its region and restores it with an administrator's " +
		"password of their choice; a copy is theirs for good, and no log of yours shows it. There are people who watch for new ones.",
	Fix: engine.Fix{
		Text: "Take the value all out of the attribute restore. Then find out since when it was public (ModifyDBSnapshotAttribute in CloudTrail) and act as " +
			"for any disclosure: rotate the credentials in the data, ask who has to be told. Share with single accounts instead, best a copy that is encrypted with your own KMS key: it cannot be made public.",
		CLI: `aws rds modify-db-snapshot-attribute --db-snapshot-identifier <snapshot> --attribute-name restore --values-to-remove all`,
		IaC: `resource "aws_db_snapshot" "<name>" {
  shared_accounts = ["<account-id>"] # not "all"
}`,
		Breaks: "Accounts that restore from it without being named cannot any more. Ask who published it, and add those accounts by their IDs with --values-to-add.",
		Undo:   `aws rds modify-db-snapshot-attribute --db-snapshot-identifier <snapshot> --attribute-name restore --values-to-add <account-id>`,
		Effect: engine.Replaces,
	},
	Reads: []string{"rds.DBSnapshot.Restore"},

	Check: engine.Each(func(_ *engine.View, s *rds.DBSnapshot) engine.Verdict { return sharing(s.Restore) }),
})
