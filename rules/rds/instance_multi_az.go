package rds

import (
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/model/rds"
)

var _ = Rules.Add(engine.Rule{
	ID:       "rds-instance-multi-az",
	Title:    "DB instances have a standby in another Availability Zone",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.Medium,
	Pillars:  []engine.Pillar{engine.Reliability},
	Why: "When the host, the storage or the zone of a lone instance fails, the database is gone until somebody has restored a backup, " +
		"with a loss of the last minutes. A standby in another zone has every write and takes over by itself within a minute or two; " +
		"it also makes most maintenance short.",
	Fix: engine.Fix{
		Text: "Turn on Multi-AZ. The endpoint stays the same, but clients must connect again and not cache its address for long. " +
			"An instance that may be down for an hour can be tagged and named in exempt_tags.",
		CLI: `# takes effect in the next maintenance window
aws rds modify-db-instance --db-instance-identifier <instance> --multi-az`,
		IaC: `resource "aws_db_instance" "<name>" {
  multi_az = true
}`,
		Breaks: "Nothing stops, but the instance costs about twice as much, writes wait for the other zone, and while the standby is made " +
			"latency rises: change it at a quiet time. The DB subnet group needs subnets in two zones.",
		Undo:   `aws rds modify-db-instance --db-instance-identifier <instance> --no-multi-az`,
		Effect: engine.Additive,
	},
	Reads: []string{"rds.DBInstance.Cluster", "rds.DBInstance.ReplicaOf", "rds.DBInstance.MultiAZ", "rds.DBInstance.Engine", "rds.DBInstance.Tags"},

	// The API reference says that MultiAZ does not apply to RDS Custom, of which some engines can have it all the same.
	Check: engine.EachWith(zones{ExemptTags: engine.TagGlobs{"environment": {"dev", "test"}}}, func(_ *engine.View, p *zones, i *rds.DBInstance) engine.Verdict {
		if c := i.Cluster.Get(); c != "" {
			return engine.NotApplicable("is a member of the cluster " + c + ", whose instances stand in for each other")
		}
		if source := i.ReplicaOf.Get(); source != "" {
			return engine.NotApplicable("is a read replica of " + source)
		}
		if i.MultiAZ.Get() {
			return engine.Pass()
		}
		if e := i.Engine.Get(); strings.HasPrefix(e, "custom-") {
			return engine.NotApplicable("its engine is " + e + ": RDS does not tell of a standby of RDS Custom")
		}
		if excuse := p.exempt(i.Tags); excuse != "" {
			return engine.NotApplicable(excuse)
		}
		return engine.Fail("MultiAZ is false: no standby takes over if the instance or its zone fails. Turn on Multi-AZ").With("multiAZ", i.MultiAZ)
	}),
})
