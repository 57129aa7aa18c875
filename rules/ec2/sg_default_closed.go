package ec2

import (
	"fmt"

	"awsscanner/internal/engine"
	"awsscanner/internal/model/ec2"
)

var _ = Rules.Add(engine.Rule{
	ID:       "ec2-sg-default-closed",
	Title:    "The default security group of every VPC has no rules",
	Level:    engine.Recommended,
	Severity: engine.Low,
	Worst:    engine.Medium,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "Whatever is launched without naming a group gets the default one. With its original rules all that has it can talk to each other on every port, and to the whole internet outwards: " +
		"things meet that nobody meant to connect.",
	Fix: engine.Fix{
		Text: "Give what uses the group one of its own, with the rules that it needs. Then remove all rules of the default group, inbound and outbound; it cannot be deleted.",
		CLI: `aws ec2 describe-network-interfaces --filters Name=group-id,Values=<group-id>
aws ec2 describe-security-group-rules --filters Name=group-id,Values=<group-id> > <kept>.json
aws ec2 revoke-security-group-ingress --group-id <group-id> --security-group-rule-ids <rule-id>...
aws ec2 revoke-security-group-egress --group-id <group-id> --security-group-rule-ids <rule-id>...`,
		IaC: `# Terraform: without ingress and egress blocks it takes all rules away
resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id
}`,
		Breaks: "What still has the group loses its connections at once. See that describe-network-interfaces lists nothing, also for functions and databases that come up only now and then.",
		Undo: `aws ec2 authorize-security-group-ingress --group-id <group-id> --protocol -1 --source-group <group-id>
aws ec2 authorize-security-group-egress --group-id <group-id> --protocol -1 --cidr 0.0.0.0/0`,
		Effect: engine.Replaces,
	},
	Reads: []string{"ec2.SecurityGroup.GroupName", "ec2.SecurityGroup.Inbound", "ec2.SecurityGroup.Outbound", "ec2.SecurityGroup.VPC", "ec2.NetworkInterface.Groups"},

	// The group of every VPC is judged, also where nothing uses it: CIS and Security Hub do so too. The original rule that lets
	// its members in counts as a rule.
	Check: engine.Each(func(v *engine.View, g *ec2.SecurityGroup) engine.Verdict {
		if g.GroupName.Get() != "default" {
			return engine.NotApplicable("not the default group of a VPC")
		}
		some := func(p ec2.Permissions) bool { return p.Rules() > 0 }
		if !either(func() bool { return some(g.Inbound.Get()) }, func() bool { return some(g.Outbound.Get()) }) {
			return engine.Pass()
		}
		text, severity := "nothing uses it yet", engine.Low
		if n, ok := attached(v, g); ok {
			text, severity = "interface "+n.ID+" has it, maybe others too", engine.Medium
		}
		count := func(direction string, p ec2.Permissions, known bool) string {
			if !known {
				return "an unknown number of " + direction
			}
			return fmt.Sprintf("%d %s", p.Rules(), direction)
		}
		in, known := g.Inbound.Lookup()
		out, known2 := g.Outbound.Lookup()
		return engine.Fail("the default group has "+count("inbound", in, known)+" and "+count("outbound", out, known2)+" rules, and "+text+". Remove them all").
			With("vpc", g.VPC).With("inbound", g.Inbound).With("outbound", g.Outbound).As(severity)
	}),
})
