// Package elasticloadbalancingv2 holds the Application, Network and Gateway Load Balancers of Elastic Load Balancing.
package elasticloadbalancingv2

import (
	"time"

	"awsscanner/internal/model"
)

// A LoadBalancer is a load balancer of the second generation. Its ID is its ARN.
type LoadBalancer struct {
	model.Meta     `call:"elasticloadbalancingv2:DescribeLoadBalancers"`
	Type           model.Attr[string]            `json:"type,omitzero"           call:"elasticloadbalancingv2:DescribeLoadBalancers"` // application, network or gateway
	Scheme         model.Attr[string]            `json:"scheme,omitzero"         call:"elasticloadbalancingv2:DescribeLoadBalancers"` // internet-facing or internal; "" of a gateway
	State          model.Attr[string]            `json:"state,omitzero"          call:"elasticloadbalancingv2:DescribeLoadBalancers"` // active, provisioning, active_impaired or failed
	DNSName        model.Attr[string]            `json:"dnsName,omitzero"        call:"elasticloadbalancingv2:DescribeLoadBalancers"` // "" of a gateway
	Created        model.Attr[time.Time]         `json:"created,omitzero"        call:"elasticloadbalancingv2:DescribeLoadBalancers"`
	VPC            model.Attr[string]            `json:"vpc,omitzero"            call:"elasticloadbalancingv2:DescribeLoadBalancers"`
	Zones          model.Attr[[]string]          `json:"zones,omitzero"          call:"elasticloadbalancingv2:DescribeLoadBalancers"`
	Subnets        model.Attr[[]string]          `json:"subnets,omitzero"        call:"elasticloadbalancingv2:DescribeLoadBalancers"`
	SecurityGroups model.Attr[[]string]          `json:"securityGroups,omitzero" call:"elasticloadbalancingv2:DescribeLoadBalancers"` // none of a gateway, and of network load balancers that were made without
	Listeners      model.Attr[[]Listener]        `json:"listeners,omitzero"      call:"elasticloadbalancingv2:DescribeListeners"`
	HTTPRules      model.Attr[[]Rule]            `json:"httpRules,omitzero"      call:"elasticloadbalancingv2:DescribeRules"` // of listeners for HTTP, if there are any, without their default actions
	Tags           model.Attr[map[string]string] `json:"tags,omitzero" call:"resourcegroupstaggingapi:GetResources"`
}

// A Listener waits for connections.
type Listener struct {
	ARN       string   `json:"arn"`
	Protocol  string   `json:"protocol"` // HTTP, HTTPS, TCP, TLS, ...; "" of a gateway
	Port      int      `json:"port"`     // 0 of a gateway
	SSLPolicy string   `json:"sslPolicy,omitempty"`
	Actions   []Action `json:"actions,omitempty"` // by default, in their order
}

// A Rule is what a listener does with some requests.
type Rule struct {
	Listener string   `json:"listener"` // ARN
	Priority string   `json:"priority"`
	Actions  []Action `json:"actions,omitempty"` // in their order
}

// An Action is what is done with a request.
type Action struct {
	Type     string `json:"type"`               // forward, redirect, fixed-response, authenticate-oidc, ...
	Protocol string `json:"protocol,omitempty"` // of a redirect: HTTP, HTTPS or #{protocol}
	Port     string `json:"port,omitempty"`     // of a redirect
	Status   string `json:"status,omitempty"`   // of a redirect, HTTP_301; of a fixed response, 403
}

func (*LoadBalancer) Kind() model.Kind { return "AWS::ElasticLoadBalancingV2::LoadBalancer" }
