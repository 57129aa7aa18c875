package ec2

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/model/ec2"
	"awsscanner/internal/policy"
)

type adminPorts struct {
	Variants map[string][]int `json:"variants"` // name -> ports
}

func (p *adminPorts) Validate() error {
	for name, ports := range p.Variants {
		for _, n := range ports {
			if n < 1 || n > 65535 {
				return fmt.Errorf("variants: %s has %d, which is no port", name, n)
			}
		}
	}
	return nil
}

// ports are those of TCP, and for RDP that of UDP too.
func (p *adminPorts) ports() (out []policy.Port) {
	numbers := slices.Concat(slices.Collect(maps.Values(p.Variants))...)
	slices.Sort(numbers)
	for _, n := range slices.Compact(numbers) {
		out = append(out, policy.Port{Protocol: "tcp", Number: n})
		if n == 3389 {
			out = append(out, policy.Port{Protocol: "udp", Number: n})
		}
	}
	return out
}

var _ = Rules.Add(engine.Rule{
	ID:       "ec2-sg-no-admin-ports-from-internet",
	Title:    "Security groups do not open SSH or RDP to the internet",
	Level:    engine.Recommended,
	Severity: engine.High,
	Worst:    engine.High,
	Least:    engine.Medium,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "Ports of remote administration that the world can reach are tried with stolen and guessed passwords within minutes, all day long, and each flaw in the software behind them is tried within hours. " +
		"Nobody needs them open: Systems Manager and EC2 Instance Connect lead to an instance without any inbound rule.",
	Fix: engine.Fix{
		Text: "Let people in by Session Manager or an EC2 Instance Connect Endpoint, or only from the addresses of the company. Then revoke the rule; if a prefix list opens the port take the range out of the list.",
		CLI: `aws ec2 describe-security-group-rules --filters Name=group-id,Values=<group-id> > <kept>.json
aws ec2 authorize-security-group-ingress --group-id <group-id> --protocol tcp --port <port> --cidr <cidr of the company>
aws ec2 revoke-security-group-ingress --group-id <group-id> --security-group-rule-ids <rule-id>`,
		IaC: `# Terraform
resource "aws_vpc_security_group_ingress_rule" "ssh" {
  security_group_id = aws_security_group.this.id
  ip_protocol       = "tcp"
  from_port         = 22
  to_port           = 22
  cidr_ipv4         = "10.0.0.0/8"
}`,
		Breaks: "Whoever uses the port from elsewhere is locked out, open sessions included: deployments by SSH, SFTP of partners. See in the flow logs of the last weeks which accepted sources there were, and try the new way before.",
		Undo:   "aws ec2 authorize-security-group-ingress --group-id <group-id> --ip-permissions <as kept>",
		Effect: engine.Replaces,
	},
	Reads: []string{"ec2.SecurityGroup.Inbound", "ec2.PrefixList.CIDRs", "ec2.NetworkInterface.Groups"},

	Check: engine.EachWith(adminPorts{Variants: map[string][]int{"ssh": {22}, "rdp": {3389}}}, func(v *engine.View, p *adminPorts, g *ec2.SecurityGroup) engine.Verdict {
		var open, unknown, families []string
		for _, o := range policy.Openings(ingress(v, g), p.ports()) {
			if o.Level() != policy.Yes {
				unknown = append(unknown, o.Text)
				continue
			}
			open = append(open, o.Text)
			if o.IPv4 == policy.Yes {
				families = append(families, fmt.Sprintf("%s/%d IPv4", o.Protocol, o.Number))
			}
			if o.IPv6 == policy.Yes {
				families = append(families, fmt.Sprintf("%s/%d IPv6", o.Protocol, o.Number))
			}
		}
		switch {
		case len(open) == 0 && len(unknown) == 0:
			return engine.Pass()
		case len(open) == 0:
			return unclear(v, g, strings.Join(unknown, "; "))
		}
		text, severity := "nothing has the group yet", engine.Medium
		if n, ok := attached(v, g); ok {
			text, severity = "the interface "+n.ID+" has the group", engine.High
		}
		return engine.Fail(strings.Join(open, "; ")+"; "+text+". Let people in by Session Manager, and revoke the rule").As(severity).
			With("open", families).With("inbound", g.Inbound)
	}),
})
