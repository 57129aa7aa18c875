package ec2

import (
	"errors"
	"fmt"
	"net/netip"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/ec2"
)

type subnetFree struct {
	MinFreeRatio     float64 `json:"min_free_ratio"`    // of the addresses that can be used
	MinFree          int     `json:"min_free"`          // or so many
	LambdaMultiplier int     `json:"lambda_multiplier"` // times as many in a subnet of functions
}

func (p *subnetFree) Validate() error {
	if p.MinFreeRatio < 0 || p.MinFreeRatio > 1 || p.MinFree < 0 || p.LambdaMultiplier < 1 {
		return errors.New("min_free_ratio must be between 0 and 1, min_free at least 0, lambda_multiplier at least 1")
	}
	return nil
}

// reserved is how many addresses AWS keeps of each subnet: the first four and the last. Source: VPC User Guide, "Subnet sizing".
const reserved = 5

var _ = Rules.Add(engine.Rule{
	ID:       "ec2-subnet-free-addresses",
	Volatile: true,
	Title:    "Subnets have free addresses",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.Medium,
	Least:    engine.Low,
	Pillars:  []engine.Pillar{engine.Reliability, engine.OperationalExcellence},
	Why: "When a subnet runs out of addresses nothing new starts in it: Auto Scaling, deployments, failover and load balancers, which want 8 free ones, fail just when load is highest. " +
		"The size of a subnet cannot be changed afterwards.",
	Fix: engine.Fix{
		Text: "Remove interfaces that nothing uses. If that is not enough add a secondary CIDR to the VPC, make larger subnets of it, and name these in Auto Scaling groups, load balancers and functions. " +
			"For pods of Kubernetes a range of their own, such as 100.64.0.0/10, spares the others.",
		CLI: `aws ec2 describe-network-interfaces --filters Name=subnet-id,Values=<subnet-id> Name=status,Values=available
aws ec2 associate-vpc-cidr-block --vpc-id <vpc-id> --cidr-block <cidr>
aws ec2 create-subnet --vpc-id <vpc-id> --cidr-block <cidr> --availability-zone <zone>`,
		IaC: `# Terraform
resource "aws_vpc_ipv4_cidr_block_association" "more" {
  vpc_id     = aws_vpc.this.id
  cidr_block = "10.1.0.0/16"
}`,
		Breaks: "Nothing stops. Peered networks, transit gateways, firewalls and allow-lists have to learn the new range: check that it overlaps with none that is connected.",
		Undo: `Remove the new subnets, then their addresses:
aws ec2 disassociate-vpc-cidr-block --association-id <association-id>`,
		Effect: engine.Additive,
	},
	Reads: []string{"ec2.Subnet.Free", "ec2.Subnet.CIDR", "ec2.Subnet.IPv6Only", "ec2.NetworkInterface.Subnet", "ec2.NetworkInterface.VPC", "ec2.NetworkInterface.Type"},

	Check: engine.EachWith(subnetFree{MinFreeRatio: 0.2, MinFree: 16, LambdaMultiplier: 2}, func(v *engine.View, p *subnetFree, s *ec2.Subnet) engine.Verdict {
		if s.IPv6Only.Get() {
			return engine.NotApplicable("has IPv6 only")
		}
		cidr, err := netip.ParsePrefix(s.CIDR.Get())
		if err != nil || !cidr.Addr().Is4() || cidr.Bits() > 28 {
			return engine.Unsure(model.TooLittleData, fmt.Sprintf("%q is not the range of a subnet", s.CIDR.Get()))
		}
		free, usable := s.Free.Get(), 1<<(32-cidr.Bits())-reserved
		if float64(free) >= p.MinFreeRatio*float64(usable) || free >= p.MinFree*p.LambdaMultiplier {
			return engine.Pass()
		}
		consumers := map[string]int{}
		lambda := interfacesIn.At(v, s.ID).Count(func(n *ec2.NetworkInterface) bool {
			kind := n.Type.Get()
			consumers[kind]++
			return kind == "lambda"
		})
		need := p.MinFree
		switch {
		case free < p.MinFree:
		case lambda.AtLeast(1):
			need *= p.LambdaMultiplier
		default:
			return engine.Pass()
		}
		fail := engine.Fail(fmt.Sprintf("%d of %d usable addresses are free, fewer than %d and less than %.0f%%: clear interfaces that nothing uses, or add larger subnets from a secondary CIDR",
			free, usable, need, 100*p.MinFreeRatio)).With("cidrBlock", s.CIDR).With("availableIpAddressCount", s.Free).With("interfacesByType", consumers)
		if cidr.Bits() == 28 || !interfacesIn.At(v, s.ID).Exist() { // made small on purpose, as for a gateway; or filled by what is no longer there
			fail = fail.As(engine.Low)
		}
		return fail
	}),
})
