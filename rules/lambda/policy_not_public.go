package lambda

import (
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/model/lambda"
	"awsscanner/internal/policy"
)

type policyNotPublic struct {
	Versions bool `json:"versions"`
}

// Reads tells what is asked for only if the policies of versions count.
func (p *policyNotPublic) Reads() []string {
	if p.Versions {
		return []string{"lambda.Function.Versions", "lambda.Function.VersionPolicies"}
	}
	return nil
}

var _ = Rules.Add(engine.Rule{
	ID:       "lambda-policy-not-public",
	Title:    "Policies of Lambda functions and aliases do not let everyone invoke or manage them",
	Level:    engine.Recommended,
	Severity: engine.Critical,
	Worst:    engine.Critical,
	Least:    engine.Medium,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "Whoever has an AWS account and knows the ARN can call a function with a public policy, with any event they like: they reach what its role reaches, make it do its work for them, and run up the bill. " +
		"A statement for a service without the account it acts for is a back door of the same sort: a stranger's bucket, topic or API invokes the function through it.",
	Fix: engine.Fix{
		Text: "Remove the statement, and grant the accounts or roles that need it by their ARNs, or the organization with aws:PrincipalOrgID. For a service name the source: its ARN in aws:SourceArn, and for buckets, whose ARN " +
			"tells no account, aws:SourceAccount. Then look in CloudTrail data events or the logs of the function for calls that should not have been there.",
		CLI: `aws lambda get-policy --function-name <function>   # --qualifier <alias>
aws lambda add-permission --function-name <function> --statement-id <new-sid> --action lambda:InvokeFunction --principal <account-id-or-service> --source-arn <arn> --source-account <account-id>
aws lambda remove-permission --function-name <function> --statement-id <sid>`,
		IaC: `resource "aws_lambda_permission" "<name>" {
  function_name  = aws_lambda_function.<name>.function_name
  action         = "lambda:InvokeFunction"
  principal      = "s3.amazonaws.com"
  source_arn     = aws_s3_bucket.<name>.arn
  source_account = data.aws_caller_identity.current.account_id
}`,
		Breaks: "Callers that nobody has named: find them in CloudTrail (data events of the function, userIdentity) before you remove the statement, and grant them first. A trigger whose source you name wrongly no longer invokes the function.",
		Undo: `With the principal and the conditions that get-policy showed before:
aws lambda add-permission --function-name <function> --statement-id <sid> --action lambda:InvokeFunction --principal <as-before>`,
		Effect: engine.Replaces,
	},
	Reads: []string{"lambda.Function.Master", "lambda.Function.Policy", "lambda.Function.Aliases", "lambda.Function.AliasPolicies"},

	// Policies of published versions are left out by default: there may be dozens of versions for each function, each takes a
	// request, and Lambda allows 15 a second. Source: Lambda Developer Guide, "Lambda quotas", GetPolicy API requests.
	Check: engine.EachWith(policyNotPublic{}, func(_ *engine.View, p *policyNotPublic, f *lambda.Function) engine.Verdict {
		if why := replica(f); why != "" {
			return engine.NotApplicable(why)
		}
		policies := attached(f, p.Versions)
		if public := gather(policies, func(g granting) []string { return anyone(f, g) }); public != nil {
			return engine.Fail(join(public)+". Remove the statement, and name those who need it").With("policy", f.Policy).With("aliasPolicies", f.AliasPolicies)
		}
		if deputies := gather(policies, func(g granting) []string { return confused(f, g) }); deputies != nil {
			return engine.Fail(join(deputies)+". Name the source in aws:SourceArn or its account in aws:SourceAccount").
				With("policy", f.Policy).With("aliasPolicies", f.AliasPolicies).As(engine.Medium)
		}
		return engine.Pass()
	}),
})

// actions are all that a policy of a function can grant but lambda:InvokeFunctionUrl, which is about its URL. Source: Service
// Authorization Reference, "Actions, resources, and condition keys for AWS Lambda".
var actions = strings.Fields("lambda:InvokeFunction lambda:InvokeAsync lambda:Add* lambda:Checkpoint* lambda:Create* lambda:Delete* lambda:Disable* lambda:Enable* lambda:Get* " +
	"lambda:List* lambda:Publish* lambda:Put* lambda:Remove* lambda:Send* lambda:Stop* lambda:Tag* lambda:Untag* lambda:Update*")

// anyone says what a policy grants everyone.
func anyone(f *lambda.Function, g granting) []string {
	switch a := g.doc.Public(policy.Question{Actions: actions, Resources: g.resources(f), Account: f.Account}); a.Level {
	case policy.Yes:
		return []string{"policy of " + g.of() + ": " + a.Text}
	case policy.Unknown:
		panic(tooLittle("lambda:GetPolicy", a.Text))
	}
	return nil
}

// confused says which services invoke a function on behalf of anyone. Alexa tells in lambda:EventSourceToken whose skill it is, and
// nobody can choose that of another's skill: here it is one that no policy names. CloudFront gives its replicator the right to
// copy a function to the edge, which only the owner of the distribution can ask for.
func confused(f *lambda.Function, g granting) (found []string) {
	q := policy.Question{Actions: actions, Resources: g.resources(f), Account: f.Account, Context: map[string]string{"lambda:EventSourceToken": "of nobody"}}
	for _, x := range g.doc.Grants(q) {
		if x.Kind != policy.Deputy || strings.HasPrefix(x.Principal, "replicator.lambda.amazonaws.com") {
			continue
		}
		switch x.Level {
		case policy.Yes:
			found = append(found, "policy of "+g.of()+": "+x.Text)
		case policy.Unknown:
			panic(tooLittle("lambda:GetPolicy", x.Text))
		}
	}
	return found
}
