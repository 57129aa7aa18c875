package rds

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/rds"
)

var _ = Rules.Add(engine.Rule{
	ID:       "rds-cluster-multi-az",
	Title:    "DB clusters have instances in several Availability Zones",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.Medium,
	Least:    engine.Low,
	Pillars:  []engine.Pillar{engine.Reliability},
	Why: "The storage of Aurora spans three Availability Zones, but its instances do not by themselves. If the only one fails, or its " +
		"zone, another has to be made first: minutes without a database, or hours when everybody else needs capacity too. A reader in " +
		"another zone takes over within a minute.",
	Fix: engine.Fix{
		Text: "Add a reader in another zone than that of the writer, of the same class, with a promotion tier of 0 or 1. Clients must use the " +
			"endpoints of the cluster, not those of instances. A cluster that may be down for an hour can be tagged and named in exempt_tags.",
		CLI: `aws rds describe-db-instances --filters Name=db-cluster-id,Values=<cluster> --query 'DBInstances[].[DBInstanceIdentifier,AvailabilityZone,DBInstanceClass,Engine]'
aws rds create-db-instance --db-cluster-identifier <cluster> --db-instance-identifier <reader> --db-instance-class <class> --engine <engine> --availability-zone <other-zone> --promotion-tier 1`,
		IaC: `resource "aws_rds_cluster_instance" "reader" {
  cluster_identifier = aws_rds_cluster.<name>.id
  engine             = aws_rds_cluster.<name>.engine
  instance_class     = "<class>"
  availability_zone  = "<other-zone>"
  promotion_tier     = 1
}`,
		Breaks: "Nothing stops, but the reader is charged like the writer, and the reader endpoint leads to it from then on. The DB subnet " +
			"group needs a subnet in the other zone.",
		Undo: `aws rds delete-db-instance --db-instance-identifier <reader>
The data stays, as the cluster holds it.`,
		Effect: engine.Additive,
	},
	Reads: []string{"rds.DBCluster.MultiAZ", "rds.DBCluster.EngineMode", "rds.DBCluster.Scalability", "rds.DBCluster.Members", "rds.DBCluster.Tags"},

	// MultiAZ says of a cluster that its instances are in several zones, so nobody has to look up where each is.
	Check: engine.EachWith(zones{ExemptTags: engine.TagGlobs{"environment": {"dev", "test"}}}, func(_ *engine.View, p *zones, c *rds.DBCluster) engine.Verdict {
		switch {
		case c.MultiAZ.Get():
			return engine.Pass()
		case c.EngineMode.Get() == "serverless":
			return engine.NotApplicable("is Aurora Serverless v1: AWS moves its capacity to another zone, and nobody can add instances")
		case c.Scalability.Get() == "limitless":
			return engine.NotApplicable("is an Aurora Limitless Database: its DB shard groups have a redundancy of their own")
		}
		if excuse := p.exempt(c.Tags); excuse != "" {
			return engine.NotApplicable(excuse)
		}
		if len(c.Members.Get()) == 0 {
			return engine.Fail("MultiAZ is false, as it has no instances: it holds data in three zones, but serves nobody. Add instances in two zones, or delete it").With("multiAZ", c.MultiAZ).As(engine.Low)
		}
		return engine.Fail("MultiAZ is false: all instances are in one Availability Zone, and none takes over if it fails. Add a reader in another zone").
			With("multiAZ", c.MultiAZ).With("members", c.Members)
	}),
})
