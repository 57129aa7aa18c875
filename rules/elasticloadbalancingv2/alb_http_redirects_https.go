package elasticloadbalancingv2

import (
	"cmp"
	"fmt"
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	elb "awsscanner/internal/model/elasticloadbalancingv2"
)

var _ = Rules.Add(engine.Rule{
	ID:       "elasticloadbalancingv2-alb-http-redirects-https",
	Title:    "HTTP listeners of Application Load Balancers only redirect to HTTPS",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.Medium,
	Least:    engine.Low,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "What goes over plain HTTP, passwords and session cookies included, can be read and changed by whoever is on the way: a wireless network, a provider, a proxy. One path that is still served " +
		"over HTTP is enough to take over a session of the rest.",
	Fix: engine.Fix{
		Text: "Let the default action of each HTTP listener redirect to HTTPS with status 301, and delete its rules that forward; their counterparts belong to the HTTPS listener. If there is none yet, " +
			"make one with a certificate of ACM first. An internal load balancer can use a certificate of a public name, too.",
		CLI: `aws elbv2 describe-rules --listener-arn <http-listener>
aws elbv2 modify-listener --listener-arn <http-listener> --default-actions 'Type=redirect,RedirectConfig={Protocol=HTTPS,Port=443,StatusCode=HTTP_301}'
# each rule that forwards
aws elbv2 modify-rule --rule-arn <rule> --actions 'Type=redirect,RedirectConfig={Protocol=HTTPS,Port=443,StatusCode=HTTP_301}'`,
		IaC: `resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.<name>.arn
  port              = 80
  protocol          = "HTTP"
  default_action {
    type = "redirect"
    redirect {
      protocol    = "HTTPS"
      port        = "443"
      status_code = "HTTP_301"
    }
  }
}`,
		Breaks: "Clients that do not follow redirects, or that turn a POST into a GET when they do, and those without the certificate's authority: devices, webhooks, health checks. Look in the access logs for requests " +
			"whose type is http, or try with HTTP_302 first, as browsers remember a 301.",
		Undo: `With the actions that describe-listeners and describe-rules showed before:
aws elbv2 modify-listener --listener-arn <http-listener> --default-actions file://<actions-of-before>.json
aws elbv2 modify-rule --rule-arn <rule> --actions file://<actions-of-before>.json`,
		Effect: engine.Replaces,
	},
	Reads: []string{"elasticloadbalancingv2.LoadBalancer.Type", "elasticloadbalancingv2.LoadBalancer.Scheme", "elasticloadbalancingv2.LoadBalancer.Listeners",
		"elasticloadbalancingv2.LoadBalancer.HTTPRules"},

	// A redirect and an error page hold nothing of the application; neither can keep a client from asking over HTTP first.
	Check: engine.Each(func(_ *engine.View, l *elb.LoadBalancer) engine.Verdict {
		if t := l.Type.Get(); t != "application" {
			return engine.NotApplicable("is a " + t + " load balancer, which does not know HTTP")
		}
		var open, unclear []string
		look := func(where string, actions []elb.Action) {
			if how, sure := served(actions); !sure {
				unclear = append(unclear, where+" "+how)
			} else if how != "" {
				open = append(open, where+" "+how)
			}
		}
		ports := map[string]int{}
		for _, x := range l.Listeners.Get() {
			if x.Protocol == "HTTP" {
				ports[x.ARN] = x.Port
				look(fmt.Sprintf("by default the listener on port %d", x.Port), x.Actions)
			}
		}
		if len(ports) == 0 {
			return engine.Pass()
		}
		rules, known := l.HTTPRules.Lookup()
		if !known && len(open) == 0 {
			rules = l.HTTPRules.Get() // which ends here
		}
		for _, r := range rules {
			look(fmt.Sprintf("rule %s of the listener on port %d", r.Priority, ports[r.Listener]), r.Actions)
		}
		switch {
		case len(open) == 0 && len(unclear) == 0:
			return engine.Pass()
		case len(open) == 0:
			return engine.Unsure(model.TooLittleData, strings.Join(unclear, "; "))
		}
		fail := engine.Fail(strings.Join(open, "; ")+": requests and answers go in plain text. Redirect to HTTPS").
			With("listeners", l.Listeners).With("rules", l.HTTPRules).With("scheme", l.Scheme)
		if l.Scheme.Get() == "internal" {
			return fail.As(engine.Low)
		}
		return fail
	}),
})

// served says what becomes of a request by the last of some actions, which decides: "" if it is sent to HTTPS or refused.
// A redirect keeps the protocol unless it names another one. Source: Elastic Load Balancing API Reference, RedirectActionConfig.
func served(actions []elb.Action) (how string, sure bool) {
	if len(actions) == 0 {
		return "tells no action", false
	}
	switch a := actions[len(actions)-1]; {
	case a.Type == "redirect" && a.Protocol == "HTTPS":
		return "", true
	case a.Type == "redirect":
		return "redirects to " + cmp.Or(a.Protocol, "#{protocol}") + ", not HTTPS", true
	case a.Type == "fixed-response" && (strings.HasPrefix(a.Status, "4") || strings.HasPrefix(a.Status, "5")):
		return "", true
	case a.Type == "fixed-response":
		return "answers with status " + a.Status, true
	case a.Type == "forward":
		return "forwards to targets", true
	default:
		return "has the action " + a.Type, false
	}
}
