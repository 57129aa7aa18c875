package rds

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/rds"
)

var _ = Rules.Add(engine.Rule{
	ID:       "rds-cluster-backup-retention",
	Title:    "DB clusters keep automated backups long enough",
	Level:    engine.Recommended,
	Severity: engine.Low,
	Worst:    engine.Medium,
	Pillars:  []engine.Pillar{engine.Reliability},
	Why: "A cluster that nobody configured keeps its backups for one day. A wrong deployment or a deleted table that is noticed " +
		"after the weekend is then beyond repair, as there is no point in time left to restore to.",
	Fix: engine.Fix{
		Text: "Raise the retention period to the time within which damage is surely noticed, at most 35 days. Only backups from " +
			"now on are kept for longer. Beyond 35 days use AWS Backup or manual snapshots.",
		CLI: `aws rds modify-db-cluster --db-cluster-identifier <cluster> --backup-retention-period 7`,
		IaC: `resource "aws_rds_cluster" "<name>" {
  backup_retention_period = 7
}`,
		Breaks: "Nothing stops. Backup storage beyond the size of the cluster is charged: look at BackupRetentionPeriodStorageUsed.",
		Undo: `aws rds modify-db-cluster --db-cluster-identifier <cluster> --backup-retention-period <before>
Backups older than that are gone for good.`,
		Effect: engine.Additive,
	},
	Reads: []string{"rds.DBCluster.BackupRetentionDays"},

	Check: engine.EachWith(retention{MinDays: 7}, func(_ *engine.View, p *retention, c *rds.DBCluster) engine.Verdict {
		return p.judge(c.BackupRetentionDays)
	}),
})
