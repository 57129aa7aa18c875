package elasticloadbalancingv2

import (
	"strings"
	"testing"

	"awsscanner/internal/collect/collecttest"
)

func line(name, rest string) string {
	return `{"kind":"AWS::ElasticLoadBalancingV2::LoadBalancer","id":"arn:` + name + `","arn":"arn:` + name + `","name":"` + name + `","account":"111122223333","region":"eu-central-1"` + rest + `}`
}

func member(name, rest string) string {
	return `<member><LoadBalancerArn>arn:` + name + `</LoadBalancerArn><LoadBalancerName>` + name + `</LoadBalancerName>` + rest + `</member>`
}

// Two pages, one load balancer of each type.
func TestLoadBalancers(t *testing.T) {
	for _, test := range []struct {
		name, second, want string
	}{
		{"both pages", `<LoadBalancers>` + member("gateway", `<Type>gateway</Type><State><Code>active</Code></State>`) + `</LoadBalancers>`, line("gateway", `,"type":"gateway","scheme":"","state":"active","dnsName":"","securityGroups":[]`)},
		{"second page denied", `!AccessDenied no`,
			`{"unlisted":"AWS::ElasticLoadBalancingV2::LoadBalancer","account":"111122223333","region":"eu-central-1","gap":{"reason":"access-denied","call":"elasticloadbalancingv2:DescribeLoadBalancers","detail":"AccessDenied: no"}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _ := collecttest.Run(t, Calls, []string{"elasticloadbalancingv2.LoadBalancer"}, []string{"eu-central-1"}, func(_, _, params string) string {
				switch params {
				case "PageSize=400":
					return `<NextMarker>2</NextMarker><LoadBalancers>` + member("shop", `<Type>application</Type><Scheme>internet-facing</Scheme><State><Code>active</Code></State><DNSName>shop.example</DNSName>
						<CreatedTime>2025-01-02T03:04:05Z</CreatedTime><VpcId>vpc-1</VpcId><AvailabilityZones><member><ZoneName>eu-central-1a</ZoneName><SubnetId>subnet-1</SubnetId></member></AvailabilityZones>
						<SecurityGroups><member>sg-1</member></SecurityGroups>`) + `</LoadBalancers>`
				case "Marker=2&PageSize=400":
					return test.second
				}
				return "!Unexpected " + params
			})
			collecttest.Want(t, got, test.want, line("shop", `,"type":"application","scheme":"internet-facing","state":"active","dnsName":"shop.example","created":"2025-01-02T03:04:05Z","vpc":"vpc-1",`+
				`"zones":["eu-central-1a"],"subnets":["subnet-1"],"securityGroups":["sg-1"]`))
		})
	}
}

// Rules are asked for listeners for HTTP of application load balancers only, and for each by itself. The last action decides, so
// they are put in order.
func TestListenersAndRules(t *testing.T) {
	listener := func(arn, protocol, port, actions string) string {
		return `<member><ListenerArn>` + arn + `</ListenerArn><Protocol>` + protocol + `</Protocol><Port>` + port + `</Port><DefaultActions>` + actions + `</DefaultActions></member>`
	}
	const forward = `<member><Type>forward</Type><TargetGroupArn>arn:tg</TargetGroupArn></member>`
	const redirect = `<member><Type>redirect</Type><RedirectConfig><Protocol>HTTPS</Protocol><Port>443</Port><StatusCode>HTTP_301</StatusCode></RedirectConfig></member>`
	for _, test := range []struct {
		name, rules, want string
	}{
		{"both", `<Rules><member><Priority>1</Priority><IsDefault>false</IsDefault><Actions>` + forward + `</Actions></member><member><Priority>default</Priority><IsDefault>true</IsDefault><Actions>` + redirect + `</Actions></member></Rules>`,
			`,"type":"application","securityGroups":[],"listeners":[{"arn":"arn:l1","protocol":"HTTP","port":80,"actions":[{"type":"redirect","protocol":"HTTPS","port":"443","status":"HTTP_301"}]},` +
				`{"arn":"arn:l2","protocol":"HTTPS","port":443,"actions":[{"type":"authenticate-oidc"},{"type":"forward"}]},{"arn":"arn:l3","protocol":"HTTP","port":8080,"actions":[{"type":"fixed-response","status":"404"}]}],` +
				`"httpRules":[{"listener":"arn:l1","priority":"1","actions":[{"type":"forward"}]},{"listener":"arn:l3","priority":"2"}]`},
		{"rules denied", `!AccessDenied no`,
			`,"gaps":[{"reason":"access-denied","call":"elasticloadbalancingv2:DescribeRules","detail":"AccessDenied: no"}],"type":"application","securityGroups":[],` +
				`"listeners":[{"arn":"arn:l1","protocol":"HTTP","port":80,"actions":[{"type":"redirect","protocol":"HTTPS","port":"443","status":"HTTP_301"}]},` +
				`{"arn":"arn:l2","protocol":"HTTPS","port":443,"actions":[{"type":"authenticate-oidc"},{"type":"forward"}]},{"arn":"arn:l3","protocol":"HTTP","port":8080,"actions":[{"type":"fixed-response","status":"404"}]}]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, requests := collecttest.Run(t, Calls, []string{"elasticloadbalancingv2.LoadBalancer.HTTPRules"}, []string{"eu-central-1"}, func(_, op, params string) string {
				switch op + " " + strings.ReplaceAll(params, "%3A", ":") {
				case "DescribeLoadBalancers PageSize=400":
					return `<LoadBalancers>` + member("shop", `<Type>application</Type>`) + member("intern", `<Type>application</Type>`) + member("tcp", `<Type>network</Type>`) + `</LoadBalancers>`
				case "DescribeListeners LoadBalancerArn=arn:shop&PageSize=400":
					return `<NextMarker>2</NextMarker><Listeners>` + listener("arn:l1", "HTTP", "80", redirect) + listener("arn:l2", "HTTPS", "443",
						`<member><Type>forward</Type><Order>2</Order></member><member><Type>authenticate-oidc</Type><Order>1</Order></member>`) + `</Listeners>`
				case "DescribeListeners LoadBalancerArn=arn:shop&Marker=2&PageSize=400":
					return `<Listeners>` + listener("arn:l3", "HTTP", "8080", `<member><Type>fixed-response</Type><FixedResponseConfig><StatusCode>404</StatusCode></FixedResponseConfig></member>`) + `</Listeners>`
				case "DescribeListeners LoadBalancerArn=arn:intern&PageSize=400":
					return `<Listeners>` + listener("arn:l4", "HTTPS", "443", forward) + `</Listeners>`
				case "DescribeListeners LoadBalancerArn=arn:tcp&PageSize=400":
					return `<Listeners/>`
				case "DescribeRules ListenerArn=arn:l1&PageSize=400":
					return test.rules
				case "DescribeRules ListenerArn=arn:l3&PageSize=400":
					return `<Rules><member><Priority>2</Priority><IsDefault>false</IsDefault></member></Rules>`
				}
				return "!Unexpected " + op + " " + params
			})
			collecttest.Want(t, got, line("shop", test.want),
				line("intern", `,"type":"application","securityGroups":[],"listeners":[{"arn":"arn:l4","protocol":"HTTPS","port":443,"actions":[{"type":"forward"}]}]`),
				line("tcp", `,"type":"network","securityGroups":[],"listeners":[]`))
			if n := len(requests); n != 7 && n != 6 {
				t.Errorf("requests %q", requests)
			}
		})
	}
}
