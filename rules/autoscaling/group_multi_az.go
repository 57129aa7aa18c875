package autoscaling

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/model/autoscaling"
)

type multiAZ struct {
	MinZones int `json:"min_zones"`
}

func (p *multiAZ) Validate() error {
	if p.MinZones < 2 {
		return errors.New("min_zones must be at least 2")
	}
	return nil
}

var _ = Rules.Add(engine.Rule{
	ID:       "autoscaling-group-multi-az",
	Title:    "Auto Scaling groups span several Availability Zones",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.Medium,
	Least:    engine.Low,
	Pillars:  []engine.Pillar{engine.Reliability},
	Why: "A group replaces an instance that fails, but only in its zones. If its only zone fails or has no more capacity of that type, all instances are " +
		"gone at once and none can be launched. With a second zone the group goes on with half of them and fills up there.",
	Fix: engine.Fix{
		Text: "Add subnets in other zones to the group, with the same routes and enough free addresses, and enable these zones on its load balancer too. The group then moves " +
			"instances until the zones are even. What belongs to a node group or an environment is changed there: Amazon EKS, Elastic Beanstalk.",
		CLI: `aws autoscaling describe-auto-scaling-groups --auto-scaling-group-names <group> --query 'AutoScalingGroups[].VPCZoneIdentifier'
# with all of the present subnets: the list takes the place of the old one
aws autoscaling update-auto-scaling-group --auto-scaling-group-name <group> --vpc-zone-identifier <present-subnets>,<subnet-in-another-zone>`,
		IaC: `resource "aws_autoscaling_group" "<name>" {
  vpc_zone_identifier = [aws_subnet.a.id, aws_subnet.b.id]
}`,
		Breaks: "To even out the zones the group launches new instances and terminates old ones: check that instances may go at any time, or suspend AZRebalance first. EBS volumes and anything else " +
			"that is bound to a zone do not follow, and traffic between zones is charged.",
		Undo:   `aws autoscaling update-auto-scaling-group --auto-scaling-group-name <group> --vpc-zone-identifier <present-subnets>`,
		Effect: engine.Replaces,
	},
	Reads: []string{"autoscaling.AutoScalingGroup.Zones", "autoscaling.AutoScalingGroup.MaxSize", "autoscaling.AutoScalingGroup.Status", "autoscaling.AutoScalingGroup.Manager",
		"autoscaling.AutoScalingGroup.Subnets"},

	Check: engine.EachWith(multiAZ{MinZones: 2}, func(_ *engine.View, p *multiAZ, g *autoscaling.AutoScalingGroup) engine.Verdict {
		if s := g.Status.Get(); s != "" {
			return engine.NotApplicable("its status is " + s)
		}
		if by := g.Manager.Get(); by != "" {
			return engine.NotApplicable(by + " manages it: the account cannot change it")
		}
		most := g.MaxSize.Get()
		if most == 0 {
			return engine.NotApplicable("MaxSize is 0: it launches no instances")
		}
		zones := slices.Clone(g.Zones.Get())
		slices.Sort(zones)
		if zones = slices.Compact(zones); len(zones) >= p.MinZones {
			return engine.Pass()
		}
		text := fmt.Sprintf("AvailabilityZones has %d of at least %d (%s): ", len(zones), p.MinZones, strings.Join(zones, ", "))
		if most == 1 {
			return engine.Fail(text+"MaxSize is 1, but its instance cannot even be replaced in another zone. Add a subnet there").
				With("zones", g.Zones).With("maxSize", g.MaxSize).With("subnets", g.Subnets).As(engine.Low)
		}
		return engine.Fail(text+"if that fails, no instance is left and none can be launched. Add subnets in other zones").
			With("zones", g.Zones).With("maxSize", g.MaxSize).With("subnets", g.Subnets)
	}),
})
