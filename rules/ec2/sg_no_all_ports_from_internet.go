package ec2

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/ec2"
	"awsscanner/internal/policy"
)

var _ = Rules.Add(engine.Rule{
	ID:       "ec2-sg-no-all-ports-from-internet",
	Title:    "Security groups do not open all ports to the internet",
	Level:    engine.Recommended,
	Severity: engine.High,
	Worst:    engine.Critical,
	Least:    engine.Medium,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "With all ports open whatever listens on the machine is on the internet, also what was meant for itself only: databases, debuggers, agents, the API of a container engine. " +
		"What is installed tomorrow is out there on the same day.",
	Fix: engine.Fix{
		Text: "Find out which ports are used from outside, in flow logs or with the owner, and allow these alone; from within name the groups of the callers in place of addresses. Then revoke the rule.",
		CLI: `aws ec2 describe-security-group-rules --filters Name=group-id,Values=<group-id> > <kept>.json
aws ec2 authorize-security-group-ingress --group-id <group-id> --protocol tcp --port <port> --source-group <group-id of the callers>
aws ec2 revoke-security-group-ingress --group-id <group-id> --security-group-rule-ids <rule-id>`,
		IaC: `# Terraform
resource "aws_vpc_security_group_ingress_rule" "https" {
  security_group_id = aws_security_group.this.id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}`,
		Breaks: "All that comes in by a port that nobody thought of stops, open connections included. Turn on flow logs for a week and list the accepted destination ports before.",
		Undo:   "aws ec2 authorize-security-group-ingress --group-id <group-id> --ip-permissions <as kept>",
		Effect: engine.Replaces,
	},
	Reads: []string{"ec2.SecurityGroup.Inbound", "ec2.PrefixList.CIDRs", "ec2.NetworkInterface.Groups", "ec2.NetworkInterface.PublicAddresses"},

	Check: engine.Each(func(v *engine.View, g *ec2.SecurityGroup) engine.Verdict {
		o := policy.AllPorts(ingress(v, g))
		switch o.Level() {
		case policy.No:
			return engine.Pass()
		case policy.Unknown:
			return unclear(v, g, o.Text)
		}
		text, severity := "nothing has the group yet", engine.Medium
		exposed := func(n *ec2.NetworkInterface) bool { return len(n.PublicAddresses.Get()) > 0 }
		if n, ok := interfacesWith.At(v, g.ID).First(exposed); ok {
			text, severity = "the interface "+n.ID+" has the group and a public address", engine.Critical
		} else if n, ok := attached(v, g); ok {
			text, severity = "the interface "+n.ID+" has the group, but none that has it a public address", engine.High
		}
		return engine.Fail(o.Text+"; "+text+". Allow only the ports that are used from outside, and revoke the rule").As(severity).
			With("ipv4", o.IPv4 == policy.Yes).With("ipv6", o.IPv6 == policy.Yes).With("inbound", g.Inbound)
	}),
})
