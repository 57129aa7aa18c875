package ec2

import (
	"fmt"
	"slices"
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/model/ec2"
)

type gatewayEndpoints struct {
	Services []string `json:"services"`
}

// Validate refuses services that have no gateways. Source: AWS PrivateLink Guide, "Gateway endpoints".
func (p *gatewayEndpoints) Validate() error {
	for _, s := range p.Services {
		if !slices.Contains([]string{"s3", "dynamodb", "s3express"}, s) {
			return fmt.Errorf("services: %q has no gateway endpoint; s3, dynamodb and s3express have", s)
		}
	}
	return nil
}

var (
	routeTablesOf = engine.NewIndex(func(t *ec2.RouteTable) []string { return []string{t.VPC.Get()} })
	endpointsIn   = engine.NewIndex(func(e *ec2.VPCEndpoint) []string { return []string{e.VPC.Get()} })
)

var _ = Rules.Add(engine.Rule{
	ID:       "ec2-vpc-gateway-endpoints",
	Title:    "VPCs with NAT reach S3 and DynamoDB through gateway endpoints",
	Level:    engine.Recommended,
	Severity: engine.Low,
	Worst:    engine.Low,
	Pillars:  []engine.Pillar{engine.CostOptimization, engine.Security, engine.PerformanceEfficiency},
	Why: "A NAT gateway charges for each GB that passes through it, and traffic to S3, with images of containers among it, is often most of that. A gateway endpoint carries it for nothing, and is the place " +
		"for a policy that lets data go only to buckets of your own.",
	Fix: engine.Fix{
		Text: "Create a gateway endpoint for each service that lacks one and name all route tables that lead to the NAT gateway. Begin with the default policy, and narrow it once you know which buckets are used: " +
			"packages of Linux distributions and images of ECR lie in buckets of AWS. Where an interface endpoint with private DNS takes what goes to S3, for a smaller charge than NAT, leave its private DNS to those who ask from " +
			"outside of the VPC as soon as the gateway endpoint is there, or nothing will use that.",
		CLI: `aws ec2 create-vpc-endpoint --vpc-id <vpc-id> --service-name com.amazonaws.<region>.<service> --route-table-ids <route-table-id>...
# if there is one that lacks route tables
aws ec2 modify-vpc-endpoint --vpc-endpoint-id <endpoint-id> --add-route-table-ids <route-table-id>...
# if an interface endpoint with private DNS takes what goes to S3
aws ec2 modify-vpc-endpoint --vpc-endpoint-id <interface-endpoint-id> --dns-options PrivateDnsOnlyForInboundResolverEndpoint=true`,
		IaC: `# Terraform
resource "aws_vpc_endpoint" "s3" {
  vpc_id          = aws_vpc.this.id
  service_name    = "com.amazonaws.eu-central-1.s3"
  route_table_ids = [aws_route_table.private.id]
}`,
		Breaks: "Open connections to the service break once when the route appears. Bucket policies that demand the address of the NAT gateway (aws:SourceIp) refuse requests from then on: look for that condition, " +
			"and allow aws:SourceVpce instead. Buckets in other regions still go through NAT.",
		Undo:   "aws ec2 modify-vpc-endpoint --vpc-endpoint-id <endpoint-id> --remove-route-table-ids <route-table-id>...",
		Effect: engine.Additive,
	},
	Reads: []string{"ec2.VPC", "ec2.RouteTable.VPC", "ec2.RouteTable.Main", "ec2.RouteTable.Subnets", "ec2.RouteTable.Routes", "ec2.VPCEndpoint.VPC", "ec2.VPCEndpoint.State", "ec2.VPCEndpoint.Type",
		"ec2.VPCEndpoint.Service", "ec2.VPCEndpoint.RouteTables"},

	Check: engine.EachWith(gatewayEndpoints{Services: []string{"s3", "dynamodb"}}, func(v *engine.View, p *gatewayEndpoints, vpc *ec2.VPC) engine.Verdict {
		tables := routeTablesOf.At(v, vpc.ID)
		if !tables.Any(leadsToNAT) {
			return engine.NotApplicable("no subnet reaches the internet through a NAT gateway")
		}
		endpoints := endpointsIn.At(v, vpc.ID)
		lacking := map[string][]string{} // service -> route tables
		missing := engine.Of(p.Services).Count(func(service string) bool {
			return tables.Count(func(t *ec2.RouteTable) bool {
				lacks := every(func() bool { return leadsToNAT(t) }, func() bool {
					return !endpoints.Any(func(e *ec2.VPCEndpoint) bool { return serves(e, service, t.ID) })
				})
				if lacks {
					lacking[service] = append(lacking[service], t.ID)
				}
				return lacks
			}).AtLeast(1)
		})
		if !missing.AtLeast(1) {
			return engine.Pass()
		}
		var texts []string
		for _, service := range p.Services {
			if ids := lacking[service]; len(ids) > 0 {
				texts = append(texts, "to "+service+" from "+strings.Join(ids, ", "))
			}
		}
		return engine.Fail("traffic "+strings.Join(texts, ", and ")+" goes through no gateway endpoint, which would cost nothing: create one there").
			With("routeTablesWithout", lacking)
	}),
})

// leadsToNAT reports whether subnets reach the internet through a NAT gateway by a route table.
func leadsToNAT(t *ec2.RouteTable) bool {
	return every(
		func() bool { return either(t.Main.Get, func() bool { return len(t.Subnets.Get()) > 0 }) },
		func() bool {
			return slices.ContainsFunc(t.Routes.Get(), func(r ec2.Route) bool {
				return r.Destination == "0.0.0.0/0" && strings.HasPrefix(r.Target, "nat-") && r.State != "blackhole"
			})
		},
	)
}

func serves(e *ec2.VPCEndpoint, service, table string) bool {
	return every(
		func() bool { return e.Type.Get() == "Gateway" },
		func() bool { return strings.EqualFold(e.State.Get(), "available") }, // EC2 writes it small, its SDK large
		func() bool { return strings.HasSuffix(e.Service.Get(), "."+service) },
		func() bool { return slices.Contains(e.RouteTables.Get(), table) },
	)
}
