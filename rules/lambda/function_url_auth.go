package lambda

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/lambda"
	"awsscanner/internal/policy"
)

var _ = Rules.Add(engine.Rule{
	ID:       "lambda-function-url-auth",
	Title:    "Lambda function URLs ask for IAM authentication",
	Level:    engine.Recommended,
	Severity: engine.High,
	Worst:    engine.High,
	Least:    engine.Low,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "The URL of a function with auth type NONE is on the internet without anything in front of it: no authentication, no firewall, no limit of requests. All that stands between a stranger and the role of the " +
		"function is its own code, and each request costs.",
	Fix: engine.Fix{
		Text: "Set the auth type to AWS_IAM and let clients sign their requests. For what has to be public put CloudFront with origin access control in front, which signs, and a web ACL on it; or API Gateway with an authorizer. " +
			"If the function checks signatures of a webhook itself, limit its reserved concurrency at least. Remove the public permission as well.",
		CLI: `aws lambda update-function-url-config --function-name <function> --auth-type AWS_IAM   # --qualifier <alias>
aws lambda get-policy --function-name <function>
aws lambda remove-permission --function-name <function> --statement-id <sid>`,
		IaC: `resource "aws_lambda_function_url" "<name>" {
  function_name      = aws_lambda_function.<name>.function_name
  authorization_type = "AWS_IAM"
}`,
		Breaks: "Clients that do not sign get status 403 at once: browsers, webhooks, partners. The metric UrlRequestCount and the logs of the function tell whether and by whom the URL is used.",
		Undo: `aws lambda update-function-url-config --function-name <function> --auth-type NONE
aws lambda add-permission --function-name <function> --statement-id <sid> --action lambda:InvokeFunctionUrl --principal '*' --function-url-auth-type NONE`,
		Effect: engine.Replaces,
	},
	Reads: []string{"lambda.Function.Master", "lambda.Function.URLs", "lambda.Function.Policy", "lambda.Function.AliasPolicies"},

	// The auth type and the policy decide together: with NONE, nobody gets through unless the policy lets everyone invoke; with
	// AWS_IAM, everyone with an AWS account does if it lets them. Source: Lambda Developer Guide, "Control access to Lambda function URLs".
	Check: engine.Each(func(_ *engine.View, f *lambda.Function) engine.Verdict {
		if why := replica(f); why != "" {
			return engine.NotApplicable(why)
		}
		urls := f.URLs.Get()
		if len(urls) == 0 {
			return engine.NotApplicable("has no URL")
		}
		var open, closed []string
		public := engine.Of(urls).Count(func(u lambda.URL) bool {
			text, level := through(f, u)
			switch {
			case level == policy.Yes:
				open = append(open, text)
			case u.AuthType == "NONE":
				closed = append(closed, text)
			}
			return level == policy.Yes
		}).AtLeast(1)
		switch {
		case public:
			return engine.Fail(join(open)+". Set AuthType to AWS_IAM, and take the public permission away").With("urls", f.URLs).With("policy", f.Policy).With("aliasPolicies", f.AliasPolicies)
		case len(closed) > 0:
			return engine.Fail(join(closed)+". Set AuthType to AWS_IAM before somebody adds one").With("urls", f.URLs).With("policy", f.Policy).With("aliasPolicies", f.AliasPolicies).As(engine.Low)
		}
		return engine.Pass()
	}),
})

// through reports whether strangers get through a URL to the function.
func through(f *lambda.Function, u lambda.URL) (text string, level policy.Level) {
	switch u.AuthType {
	case "NONE", "AWS_IAM":
	default:
		panic(tooLittle("lambda:ListFunctionUrlConfigs", "AuthType is "+u.AuthType))
	}
	g := parse(u.Qualifier, policyOf(f, u.Qualifier))
	ask := func(action string) policy.Answer {
		return g.doc.Public(policy.Question{Actions: []string{action}, Resources: g.resources(f), Account: f.Account,
			Context: map[string]string{"lambda:FunctionUrlAuthType": u.AuthType, "lambda:InvokedViaFunctionUrl": "true"}})
	}
	a := ask("lambda:InvokeFunctionUrl")
	switch a.Level {
	case policy.Unknown:
		panic(tooLittle("lambda:GetPolicy", a.Text))
	case policy.Yes:
		text = "AuthType of " + u.URL + " is " + u.AuthType + ", and " + a.Text
		if ask("lambda:InvokeFunction").Level == policy.No {
			text += " (Lambda asks for lambda:InvokeFunction too, unless AWS has excepted the account)"
		}
		return text, policy.Yes
	case policy.OnlyUnderCondition:
		return "AuthType of " + u.URL + " is " + u.AuthType + ", and " + a.Text, a.Level
	}
	return "AuthType of " + u.URL + " is " + u.AuthType + ", and only a missing public permission keeps strangers out", a.Level
}

// policyOf returns the policy of a function or one of its aliases.
func policyOf(f *lambda.Function, qualifier string) string {
	if qualifier == "" {
		return f.Policy.Get()
	}
	for _, p := range f.AliasPolicies.Get() {
		if p.Qualifier == qualifier {
			return p.Text
		}
	}
	panic(tooLittle("lambda:ListAliases", "there is a URL of the alias "+qualifier+", which is not listed"))
}
