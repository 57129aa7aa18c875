package rds

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/rds"
)

var _ = Rules.Add(engine.Rule{
	ID:       "rds-instance-backup-retention",
	Title:    "DB instances keep automated backups long enough",
	Level:    engine.Recommended,
	Severity: engine.Low,
	Worst:    engine.Medium,
	Pillars:  []engine.Pillar{engine.Reliability},
	Why: "Automated backups are what takes a database back to the minute before a wrong deployment, a deleted table or a crash. " +
		"With a retention period of 0 there are none; with one of a day or two, damage that is noticed after the weekend is beyond repair.",
	Fix: engine.Fix{
		Text: "Set the retention period to the time within which damage is surely noticed, at most 35 days. Snapshots that somebody or " +
			"AWS Backup takes from time to time are no substitute: without automated backups there is no restore to a point in time.",
		CLI: `# from 0 to another value it takes effect in the next maintenance window, otherwise soon
aws rds modify-db-instance --db-instance-identifier <instance> --backup-retention-period 7`,
		IaC: `resource "aws_db_instance" "<name>" {
  backup_retention_period = 7
}`,
		Breaks: "Turning backups on suspends I/O for seconds to minutes, and so may each daily backup of an instance without a standby: " +
			"see that maintenance and backup windows are at a quiet time. Backup storage beyond the size of the instance is charged.",
		Undo: `aws rds modify-db-instance --db-instance-identifier <instance> --backup-retention-period <before>
Backups older than that are gone for good, and with 0 all of them.`,
		Effect: engine.Downtime,
	},
	Reads: []string{"rds.DBInstance.Cluster", "rds.DBInstance.ReplicaOf", "rds.DBInstance.BackupRetentionDays"},

	Check: engine.EachWith(retention{MinDays: 7}, func(_ *engine.View, p *retention, i *rds.DBInstance) engine.Verdict {
		if c := i.Cluster.Get(); c != "" {
			return engine.NotApplicable("is a member of the cluster " + c + ", which has the backups")
		}
		if source := i.ReplicaOf.Get(); source != "" {
			return engine.NotApplicable("is a read replica of " + source + ", which has the backups")
		}
		return p.judge(i.BackupRetentionDays)
	}),
})
