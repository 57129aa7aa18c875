// Package elasticloadbalancingv2 collects from Elastic Load Balancing: Application, Network and Gateway Load Balancers.
package elasticloadbalancingv2

import (
	"cmp"
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
	my "awsscanner/internal/model/elasticloadbalancingv2"
)

// pageSize is the most that Elastic Load Balancing allows.
const pageSize = 400

func Calls(at collect.At) []collect.Call {
	c := elasticloadbalancingv2.NewFromConfig(at.Config)
	size := aws.Int32(pageSize)
	return []collect.Call{{
		Op:    "elasticloadbalancingv2:DescribeLoadBalancers",
		Lists: []model.Resource{&my.LoadBalancer{}},
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			pages := elasticloadbalancingv2.NewDescribeLoadBalancersPaginator(c, &elasticloadbalancingv2.DescribeLoadBalancersInput{PageSize: size})
			return collect.Each(ctx, pages, func(page *elasticloadbalancingv2.DescribeLoadBalancersOutput) {
				for _, l := range page.LoadBalancers {
					found(loadBalancer(l))
				}
			})
		}),
	}, {
		Op: "elasticloadbalancingv2:DescribeListeners", // has to be told the load balancer
		Do: collect.PerItem(func(ctx context.Context, l *my.LoadBalancer) error {
			listeners := []my.Listener{}
			pages := elasticloadbalancingv2.NewDescribeListenersPaginator(c, &elasticloadbalancingv2.DescribeListenersInput{LoadBalancerArn: &l.ARN, PageSize: size})
			err := collect.Each(ctx, pages, func(page *elasticloadbalancingv2.DescribeListenersOutput) {
				for _, x := range page.Listeners {
					listeners = append(listeners, my.Listener{ARN: aws.ToString(x.ListenerArn), Protocol: string(x.Protocol), Port: int(aws.ToInt32(x.Port)),
						SSLPolicy: aws.ToString(x.SslPolicy), Actions: actions(x.DefaultActions)})
				}
			})
			l.Listeners = model.Known(listeners)
			return err
		}),
	}, {
		Op:    "elasticloadbalancingv2:DescribeRules", // has to be told the listener
		Needs: []string{"elasticloadbalancingv2.LoadBalancer.Type", "elasticloadbalancingv2.LoadBalancer.Listeners"},
		When: collect.If(func(l *my.LoadBalancer) bool {
			return l.Type.Get() == "application" && slices.ContainsFunc(l.Listeners.Get(), plain)
		}), // the others have no rules
		Do: collect.PerItem(func(ctx context.Context, l *my.LoadBalancer) error {
			rules := []my.Rule{}
			for _, x := range l.Listeners.Get() {
				if !plain(x) {
					continue
				}
				pages := elasticloadbalancingv2.NewDescribeRulesPaginator(c, &elasticloadbalancingv2.DescribeRulesInput{ListenerArn: &x.ARN, PageSize: size})
				err := collect.Each(ctx, pages, func(page *elasticloadbalancingv2.DescribeRulesOutput) {
					for _, r := range page.Rules {
						if !aws.ToBool(r.IsDefault) {
							rules = append(rules, my.Rule{Listener: x.ARN, Priority: aws.ToString(r.Priority), Actions: actions(r.Actions)})
						}
					}
				})
				if err != nil {
					return err
				}
			}
			l.HTTPRules = model.Known(rules)
			return nil
		}),
	}}
}

func plain(l my.Listener) bool { return l.Protocol == string(types.ProtocolEnumHttp) }

func loadBalancer(l types.LoadBalancer) *my.LoadBalancer {
	arn := aws.ToString(l.LoadBalancerArn)
	out := &my.LoadBalancer{
		Meta:           model.Meta{ID: arn, ARN: arn, Name: aws.ToString(l.LoadBalancerName)},
		Type:           model.FromString(l.Type),
		Scheme:         model.FromString(l.Scheme),
		DNSName:        model.FromPtr(l.DNSName),
		Created:        model.FromPtr(l.CreatedTime),
		VPC:            model.FromPtr(l.VpcId),
		SecurityGroups: model.Known(l.SecurityGroups),
	}
	if l.Type == types.LoadBalancerTypeEnumGateway {
		out.Scheme, out.DNSName = model.Known(string(l.Scheme)), model.OrNone(l.DNSName)
	}
	if l.State != nil {
		out.State = model.FromString(l.State.Code)
	}
	if l.AvailabilityZones != nil {
		zones, subnets := []string{}, []string{}
		for _, z := range l.AvailabilityZones {
			zones, subnets = append(zones, aws.ToString(z.ZoneName)), append(subnets, aws.ToString(z.SubnetId))
		}
		out.Zones, out.Subnets = model.Known(zones), model.Known(subnets)
	}
	return out
}

// actions returns what is done with a request, in that order.
func actions(all []types.Action) (out []my.Action) {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b types.Action) int { return cmp.Compare(aws.ToInt32(a.Order), aws.ToInt32(b.Order)) })
	for _, a := range all {
		x := my.Action{Type: string(a.Type)}
		if r := a.RedirectConfig; r != nil {
			x.Protocol, x.Port, x.Status = aws.ToString(r.Protocol), aws.ToString(r.Port), string(r.StatusCode)
		}
		if f := a.FixedResponseConfig; f != nil {
			x.Status = aws.ToString(f.StatusCode)
		}
		out = append(out, x)
	}
	return out
}
