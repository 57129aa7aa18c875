package ec2

import (
	"fmt"
	"slices"
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/model/ec2"
)

type flowLogs struct {
	MinTraffic string `json:"min_traffic"` // ALL, REJECT or ACCEPT
}

func (p *flowLogs) Validate() error {
	if !slices.Contains([]string{"ALL", "REJECT", "ACCEPT"}, p.MinTraffic) {
		return fmt.Errorf("min_traffic is %q, but must be ALL, REJECT or ACCEPT", p.MinTraffic)
	}
	return nil
}

var (
	flowLogsOf = engine.NewIndex(func(l *ec2.FlowLog) []string { return []string{l.Resource.Get()} })
	subnetsOf  = engine.NewIndex(func(s *ec2.Subnet) []string { return []string{s.VPC.Get()} })
)

var _ = Rules.Add(engine.Rule{
	ID:       "ec2-vpc-flow-logs",
	Title:    "VPCs have flow logs that are delivered",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.Medium,
	Least:    engine.Low,
	Pillars:  []engine.Pillar{engine.Security, engine.OperationalExcellence},
	Why: "Without flow logs nobody can tell after an incident who talked to whom, how much was carried off, or which connections a group has refused. They cannot be had for the past. " +
		"A flow log that is on but cannot deliver is worth no more than none.",
	Fix: engine.Fix{
		Text: "Create a flow log on the VPC, which covers what will come into it too; to a bucket is cheapest. If there is one whose delivery fails, put right what DeliverLogsErrorMessage says: " +
			"the role for CloudWatch Logs, or the policy of the bucket.",
		CLI: `aws ec2 create-flow-logs --resource-type VPC --resource-ids <vpc-id> --traffic-type ALL --log-destination-type s3 --log-destination <bucket-arn>`,
		IaC: `# Terraform
resource "aws_flow_log" "this" {
  vpc_id               = aws_vpc.this.id
  traffic_type         = "ALL"
  log_destination_type = "s3"
  log_destination      = aws_s3_bucket.flow_logs.arn
}`,
		Breaks: "Nothing stops and nothing is slowed down. What is delivered is charged by the GB: with traffic type REJECT it is a small part.",
		Undo:   "aws ec2 delete-flow-logs --flow-log-ids <flow-log-id>",
		Effect: engine.Additive,
	},
	Reads: []string{"ec2.VPC.Default", "ec2.FlowLog.Resource", "ec2.FlowLog.Status", "ec2.FlowLog.Traffic", "ec2.FlowLog.Delivery", "ec2.FlowLog.DeliveryError",
		"ec2.Subnet.VPC", "ec2.NetworkInterface.VPC", "ec2.NetworkInterface.Subnet"},

	Check: engine.EachWith(flowLogs{MinTraffic: "REJECT"}, func(v *engine.View, p *flowLogs, vpc *ec2.VPC) engine.Verdict {
		var flaws []string
		recorded := func(id string) bool { return p.recorded(v, id, &flaws) }
		subnets := subnetsOf.At(v, vpc.ID)
		if either(
			func() bool { return recorded(vpc.ID) },
			func() bool {
				return every(subnets.Exist, func() bool { return subnets.All(func(s *ec2.Subnet) bool { return recorded(s.ID) }) })
			},
		) {
			return engine.Pass()
		}
		interfaces := interfacesIn.At(v, vpc.ID)
		if !interfaces.Exist() {
			if vpc.Default.Get() {
				return engine.NotApplicable("the default VPC, and nothing is in it")
			}
			return unrecorded("no flow log records its "+p.MinTraffic+" traffic, but nothing is in it yet", flaws).As(engine.Low)
		}
		if interfaces.All(func(n *ec2.NetworkInterface) bool {
			return either(func() bool { return recorded(n.ID) }, func() bool { return recorded(n.Subnet.Get()) })
		}) {
			return unrecorded("each interface in it is recorded by a flow log, but what will come into it is not", flaws).As(engine.Low)
		}
		return unrecorded("no flow log records its "+p.MinTraffic+" traffic", flaws)
	}),
})

func unrecorded(text string, flaws []string) engine.Verdict {
	slices.Sort(flaws)
	flaws = slices.Compact(flaws)
	if len(flaws) > 0 {
		text += " (" + strings.Join(flaws, "; ") + ")"
	}
	return engine.Fail(text+": create one on the VPC").With("flowLogFlaws", flaws)
}

// recorded reports whether flow logs of a VPC, a subnet or an interface record the traffic that is asked for, and notes what is
// wrong with those that there are.
func (p *flowLogs) recorded(v *engine.View, id string, flaws *[]string) bool {
	logs := flowLogsOf.At(v, id)
	records := func(traffic string) bool {
		return logs.Any(func(l *ec2.FlowLog) bool {
			if every(
				func() bool { return l.Status.Get() == "ACTIVE" },
				func() bool { return l.Delivery.Get() == "SUCCESS" },
				func() bool { return l.Traffic.Get() == "ALL" || l.Traffic.Get() == traffic },
			) {
				return true
			}
			status, _ := l.Status.Lookup()
			delivery, _ := l.Delivery.Lookup()
			recorded, _ := l.Traffic.Lookup()
			why, _ := l.DeliveryError.Lookup()
			*flaws = append(*flaws, strings.TrimSpace(fmt.Sprintf("%s of %s: %s, traffic %s, delivery %s %s", l.ID, id, status, recorded, delivery, why)))
			return false
		})
	}
	if p.MinTraffic != "ALL" {
		return records(p.MinTraffic)
	}
	return every(func() bool { return records("ACCEPT") }, func() bool { return records("REJECT") })
}
