// Package autoscaling collects from Amazon EC2 Auto Scaling.
package autoscaling

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
	my "awsscanner/internal/model/autoscaling"
)

func Calls(at collect.At) []collect.Call {
	c := autoscaling.NewFromConfig(at.Config)
	return []collect.Call{{
		Op:    "autoscaling:DescribeAutoScalingGroups",
		Lists: []model.Resource{&my.AutoScalingGroup{}},
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			pages := autoscaling.NewDescribeAutoScalingGroupsPaginator(c, &autoscaling.DescribeAutoScalingGroupsInput{MaxRecords: aws.Int32(100)})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, g := range page.AutoScalingGroups {
					found(group(g))
				}
			}
			return nil
		}),
	}}
}

func group(g types.AutoScalingGroup) *my.AutoScalingGroup {
	name := aws.ToString(g.AutoScalingGroupName)
	out := &my.AutoScalingGroup{
		Meta:                model.Meta{ID: name, ARN: aws.ToString(g.AutoScalingGroupARN), Name: name},
		Status:              model.OrNone(g.Status),
		Created:             model.FromPtr(g.CreatedTime),
		MinSize:             model.FromInt(g.MinSize),
		MaxSize:             model.FromInt(g.MaxSize),
		DesiredCapacity:     model.FromInt(g.DesiredCapacity),
		Subnets:             model.Known(split(g.VPCZoneIdentifier)),
		LaunchConfiguration: model.OrNone(g.LaunchConfigurationName),
		LaunchTemplate:      model.Known(""),
		TemplateVersion:     model.Known(""),
		Mixed:               model.Known(g.MixedInstancesPolicy != nil),
		TargetGroups:        model.Known(g.TargetGroupARNs),
		LoadBalancers:       model.Known(g.LoadBalancerNames),
		CooldownSeconds:     model.FromInt(g.DefaultCooldown),
		CapacityRebalance:   model.OrNone(g.CapacityRebalance),
		Manager:             model.Known(""),
	}
	if len(g.AvailabilityZones) > 0 { // it always has one
		out.Zones = model.Known(g.AvailabilityZones)
	}
	if g.HealthCheckType != nil {
		out.HealthChecks = model.Known(split(g.HealthCheckType))
	}
	instances, suspended, tags := []string{}, []string{}, map[string]string{}
	for _, i := range g.Instances {
		instances = append(instances, aws.ToString(i.InstanceId))
	}
	for _, p := range g.SuspendedProcesses {
		suspended = append(suspended, aws.ToString(p.ProcessName))
	}
	for _, t := range g.Tags {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	out.Instances, out.Suspended, out.Tags = model.Known(instances), model.Known(suspended), model.Known(tags)
	template := g.LaunchTemplate
	if m := g.MixedInstancesPolicy; m != nil && m.LaunchTemplate != nil {
		template = m.LaunchTemplate.LaunchTemplateSpecification
	}
	if template != nil {
		out.LaunchTemplate, out.TemplateVersion = model.FromPtr(template.LaunchTemplateId), model.FromPtr(template.Version)
	}
	if o := g.Operator; o != nil {
		out.Manager = model.FromPtr(o.Principal)
	}
	return out
}

// split divides a list between commas.
func split(s *string) []string {
	if aws.ToString(s) == "" {
		return []string{}
	}
	return strings.Split(*s, ",")
}
