// Package autoscaling holds the resources of Amazon EC2 Auto Scaling.
package autoscaling

import (
	"time"

	"awsscanner/internal/model"
)

// An AutoScalingGroup keeps a number of EC2 instances running. Its ID is its name.
type AutoScalingGroup struct {
	model.Meta          `call:"autoscaling:DescribeAutoScalingGroups"`
	Status              model.Attr[string]            `json:"status,omitzero"              call:"autoscaling:DescribeAutoScalingGroups"` // "Delete in progress"; "" otherwise
	Created             model.Attr[time.Time]         `json:"created,omitzero"             call:"autoscaling:DescribeAutoScalingGroups"`
	MinSize             model.Attr[int]               `json:"minSize,omitzero"             call:"autoscaling:DescribeAutoScalingGroups"`
	MaxSize             model.Attr[int]               `json:"maxSize,omitzero"             call:"autoscaling:DescribeAutoScalingGroups"`
	DesiredCapacity     model.Attr[int]               `json:"desiredCapacity,omitzero"     call:"autoscaling:DescribeAutoScalingGroups"`
	Zones               model.Attr[[]string]          `json:"zones,omitzero"               call:"autoscaling:DescribeAutoScalingGroups"` // names of Availability Zones
	Subnets             model.Attr[[]string]          `json:"subnets,omitzero"             call:"autoscaling:DescribeAutoScalingGroups"`
	Instances           model.Attr[[]string]          `json:"instances,omitzero"           call:"autoscaling:DescribeAutoScalingGroups"` // IDs
	HealthChecks        model.Attr[[]string]          `json:"healthChecks,omitzero"        call:"autoscaling:DescribeAutoScalingGroups"` // EC2, ELB, EBS, VPC_LATTICE
	LaunchConfiguration model.Attr[string]            `json:"launchConfiguration,omitzero" call:"autoscaling:DescribeAutoScalingGroups"` // name; "" if none
	LaunchTemplate      model.Attr[string]            `json:"launchTemplate,omitzero"      call:"autoscaling:DescribeAutoScalingGroups"` // ID, also that of a mixed instances policy; "" if none
	TemplateVersion     model.Attr[string]            `json:"templateVersion,omitzero"     call:"autoscaling:DescribeAutoScalingGroups"` // number, $Default or $Latest; "" if there is no template
	Mixed               model.Attr[bool]              `json:"mixed,omitzero"               call:"autoscaling:DescribeAutoScalingGroups"` // has a mixed instances policy
	TargetGroups        model.Attr[[]string]          `json:"targetGroups,omitzero"        call:"autoscaling:DescribeAutoScalingGroups"` // ARNs
	LoadBalancers       model.Attr[[]string]          `json:"loadBalancers,omitzero"       call:"autoscaling:DescribeAutoScalingGroups"` // names of Classic Load Balancers
	Suspended           model.Attr[[]string]          `json:"suspended,omitzero"           call:"autoscaling:DescribeAutoScalingGroups"` // processes
	CooldownSeconds     model.Attr[int]               `json:"cooldownSeconds,omitzero"     call:"autoscaling:DescribeAutoScalingGroups"`
	CapacityRebalance   model.Attr[bool]              `json:"capacityRebalance,omitzero"   call:"autoscaling:DescribeAutoScalingGroups"`
	Manager             model.Attr[string]            `json:"manager,omitzero"             call:"autoscaling:DescribeAutoScalingGroups"` // service that alone may change it, as eks.amazonaws.com; "" if none
	Tags                model.Attr[map[string]string] `json:"tags,omitzero"                call:"autoscaling:DescribeAutoScalingGroups"`
}

func (*AutoScalingGroup) Kind() model.Kind { return "AWS::AutoScaling::AutoScalingGroup" }
