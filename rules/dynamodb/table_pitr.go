package dynamodb

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/dynamodb"
)

type pitr struct {
	Exclude []string `json:"exclude"` // globs of names
}

func (p *pitr) Validate() error { return engine.CheckGlobs("exclude", p.Exclude) }

var _ = Rules.Add(engine.Rule{
	ID:       "dynamodb-table-pitr",
	Title:    "DynamoDB tables have point-in-time recovery",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.Medium,
	Pillars:  []engine.Pillar{engine.Reliability},
	Why: "DynamoDB keeps several copies of each item, and a faulty deployment or a script that deletes too much changes them all at once. With point-in-time recovery " +
		"the table can be restored as it was in any second of the last days; on-demand backups only go back to when somebody took one.",
	Fix: engine.Fix{
		Text: "Turn on point-in-time recovery, for as many days as it may take to notice damage. Replicas of a global table are turned on region by region. " +
			"Names of tables whose content can be made again belong into the parameter exclude.",
		CLI: `aws dynamodb update-continuous-backups --table-name <table> --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true,RecoveryPeriodInDays=35`,
		IaC: `resource "aws_dynamodb_table" "<name>" {
  point_in_time_recovery {
    enabled = true
  }
}`,
		Breaks: "Nothing stops, and the table is as fast as before. It is charged by the size of the table: look at TableSizeBytes. It reaches back to the moment it is turned on, not further.",
		Undo: `aws dynamodb update-continuous-backups --table-name <table> --point-in-time-recovery-specification PointInTimeRecoveryEnabled=false
What could be restored until then no longer can.`,
		Effect: engine.Additive,
	},
	Reads: []string{"dynamodb.Table.Status", "dynamodb.Table.PITR", "dynamodb.Table.Bytes"},

	Check: engine.EachWith(pitr{Exclude: []string{}}, func(_ *engine.View, p *pitr, t *dynamodb.Table) engine.Verdict {
		if engine.MatchAny(p.Exclude, t.Name) {
			return engine.NotApplicable("excluded by parameter")
		}
		if why := passing(t); why != "" {
			return engine.NotApplicable(why)
		}
		switch s := t.PITR.Get(); s {
		case "ENABLED":
			return engine.Pass()
		case "DISABLED":
			return engine.Fail("PointInTimeRecoveryStatus is DISABLED: what is overwritten or deleted by mistake cannot be restored. Turn on point-in-time recovery").
				With("pointInTimeRecoveryStatus", t.PITR).With("tableSizeBytes", t.Bytes).With("tableStatus", t.Status)
		default:
			return engine.Unsure(model.TooLittleData, "PointInTimeRecoveryStatus is "+s)
		}
	}),
})
