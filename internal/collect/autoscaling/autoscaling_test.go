package autoscaling

import (
	"testing"

	"awsscanner/internal/collect/collecttest"
)

func line(name, rest string) string {
	return `{"kind":"AWS::AutoScaling::AutoScalingGroup","id":"` + name + `","arn":"arn:` + name + `","name":"` + name + `","account":"111122223333","region":"eu-central-1"` + rest + `}`
}

func member(name, rest string) string {
	return `<member><AutoScalingGroupName>` + name + `</AutoScalingGroupName><AutoScalingGroupARN>arn:` + name + `</AutoScalingGroupARN>` + rest + `</member>`
}

const bare = `,"status":"","subnets":[],"instances":[],"launchConfiguration":"","launchTemplate":"","templateVersion":"","mixed":false,"targetGroups":[],"loadBalancers":[],"suspended":[],"capacityRebalance":false,"manager":"","tags":{}`

// Two pages: a group with all there is, one with a mixed instances policy that is managed, one of which nothing is told, and one
// that is being deleted. A denial leaves a hole.
func TestGroups(t *testing.T) {
	for _, test := range []struct {
		name, second string
		want         []string
	}{
		{"both pages", `<AutoScalingGroups>` + member("bare", ``) + member("going", `<Status>Delete in progress</Status><AvailabilityZones/>`) + `</AutoScalingGroups>`,
			[]string{line("bare", bare), line("going", `,"status":"Delete in progress"`+bare[len(`,"status":""`):])}},
		{"second page denied", `!AccessDenied no`,
			[]string{`{"unlisted":"AWS::AutoScaling::AutoScalingGroup","account":"111122223333","region":"eu-central-1","gap":{"reason":"access-denied","call":"autoscaling:DescribeAutoScalingGroups","detail":"AccessDenied: no"}}`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, requests := collecttest.Run(t, Calls, []string{"autoscaling.AutoScalingGroup"}, []string{"eu-central-1"}, func(_, _, params string) string {
				switch params {
				case "MaxRecords=100":
					return `<NextToken>2</NextToken><AutoScalingGroups>` + member("all", `<CreatedTime>2025-01-02T03:04:05Z</CreatedTime><MinSize>1</MinSize><MaxSize>4</MaxSize><DesiredCapacity>2</DesiredCapacity>
						<AvailabilityZones><member>eu-central-1a</member><member>eu-central-1b</member></AvailabilityZones><VPCZoneIdentifier>subnet-1,subnet-2</VPCZoneIdentifier>
						<Instances><member><InstanceId>i-1</InstanceId></member></Instances><HealthCheckType>EC2,ELB</HealthCheckType><LaunchTemplate><LaunchTemplateId>lt-1</LaunchTemplateId><Version>$Default</Version></LaunchTemplate>
						<TargetGroupARNs><member>arn:tg</member></TargetGroupARNs><LoadBalancerNames><member>classic</member></LoadBalancerNames><SuspendedProcesses><member><ProcessName>AZRebalance</ProcessName></member></SuspendedProcesses>
						<DefaultCooldown>300</DefaultCooldown><CapacityRebalance>true</CapacityRebalance><Tags><member><Key>team</Key><Value>shop</Value></member></Tags>`) +
						member("mixed", `<MixedInstancesPolicy><LaunchTemplate><LaunchTemplateSpecification><LaunchTemplateId>lt-2</LaunchTemplateId><Version>3</Version></LaunchTemplateSpecification></LaunchTemplate></MixedInstancesPolicy>
						<Operator><Principal>eks.amazonaws.com</Principal></Operator>`) + `</AutoScalingGroups>`
				case "MaxRecords=100&NextToken=2":
					return test.second
				}
				return "!Unexpected " + params
			})
			collecttest.Want(t, got, append(test.want,
				line("all", `,"status":"","created":"2025-01-02T03:04:05Z","minSize":1,"maxSize":4,"desiredCapacity":2,"zones":["eu-central-1a","eu-central-1b"],"subnets":["subnet-1","subnet-2"],"instances":["i-1"],`+
					`"healthChecks":["EC2","ELB"],"launchConfiguration":"","launchTemplate":"lt-1","templateVersion":"$Default","mixed":false,"targetGroups":["arn:tg"],"loadBalancers":["classic"],"suspended":["AZRebalance"],`+
					`"cooldownSeconds":300,"capacityRebalance":true,"manager":"","tags":{"team":"shop"}`),
				line("mixed", `,"status":"","subnets":[],"instances":[],"launchConfiguration":"","launchTemplate":"lt-2","templateVersion":"3","mixed":true,"targetGroups":[],"loadBalancers":[],"suspended":[],`+
					`"capacityRebalance":false,"manager":"eks.amazonaws.com","tags":{}`))...)
			if len(requests) != 2 {
				t.Errorf("requests %q", requests)
			}
		})
	}
}
