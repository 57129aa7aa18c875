package rds

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/rds"
)

var _ = Rules.Add(engine.Rule{
	ID:       "rds-instance-not-public",
	Title:    "DB instances are not publicly accessible",
	Level:    engine.Recommended,
	Severity: engine.High,
	Worst:    engine.High,
	Least:    engine.Medium,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "The name of a publicly accessible instance leads to a public address. Then nothing but a security group stands between the internet and " +
		"the login of the database: one rule too wide, added in a hurry, and everybody can guess passwords or use the next hole in the engine.",
	Fix: engine.Fix{
		Text: "Turn off public access, which takes effect at once, and let people and partners in by VPN, Session Manager port forwarding or a " +
			"bastion. Until then, see that its security groups admit single addresses only. A Multi-AZ DB cluster is made public or private once: " +
			"restore it as a private one. So is an Aurora cluster with an internet access gateway: restore it with networking in a VPC.",
		CLI: `aws rds modify-db-instance --db-instance-identifier <instance> --no-publicly-accessible
# until then: who is admitted
aws ec2 describe-security-groups --group-ids <security-groups> --query 'SecurityGroups[].IpPermissions'`,
		IaC: `resource "aws_db_instance" "<name>" { # or aws_rds_cluster_instance
  publicly_accessible = false
}`,
		Breaks: "Clients outside of the VPC lose their connection: offices, other VPCs without peering, services such as BI tools. See in the flow logs of " +
			"its network interface, or in the sessions of the database, who comes from a public address.",
		Undo:   `aws rds modify-db-instance --db-instance-identifier <instance> --publicly-accessible`,
		Effect: engine.Replaces,
	},
	Reads: []string{"rds.DBInstance.PubliclyAccessible", "rds.DBInstance.Engine", "rds.DBInstance.Cluster", "rds.DBInstance.Port", "rds.DBInstance.SecurityGroups",
		"rds.DBInstance.Subnets", "rds.DBCluster.InternetAccessGateway"},

	// A public address is one step from exposure, which is high; only routes and security groups could tell that
	// somebody gets through now. An internet access gateway asks for IAM credentials before anything else. Source: API
	// reference, RestoreDBClusterFromSnapshot, which has it for Aurora PostgreSQL alone.
	Check: engine.Each(func(v *engine.View, i *rds.DBInstance) engine.Verdict {
		if i.PubliclyAccessible.Get() {
			return engine.Fail("PubliclyAccessible is true: from outside of the VPC its name leads to a public address, and only routes and security groups, which this rule does not read, "+
				"can keep the internet out. Turn it off").
				With("publiclyAccessible", i.PubliclyAccessible).With("port", i.Port).With("securityGroups", i.SecurityGroups).With("subnets", i.Subnets)
		}
		if i.Engine.Get() != "aurora-postgresql" {
			return engine.Pass()
		}
		name := i.Cluster.Get()
		cluster, ok := engine.Find[*rds.DBCluster](v, name)
		if !ok {
			return engine.Unsure(model.TooLittleData, "its cluster "+name+", which may have an internet access gateway, is not among those listed")
		}
		if cluster.InternetAccessGateway.Get() {
			gateway := engine.Fail("PubliclyAccessible is false, but InternetAccessGatewayEnabled of its cluster "+name+" is true: its endpoint is on the internet, and only IAM authentication keeps others out. "+
				"Restore the cluster with networking in a VPC").With("cluster", name).With("internetAccessGatewayEnabled", cluster.InternetAccessGateway).As(engine.Medium)
			gateway.FixKey = cluster.ARN // all members become private at once
			return gateway
		}
		return engine.Pass()
	}),
})
