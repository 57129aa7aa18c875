// Package lambda holds the rules about AWS Lambda.
package lambda

import (
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/lambda"
	"awsscanner/internal/policy"
)

// Rules lists every rule in this folder.
var Rules engine.Set

// replica says that a function is one that Lambda@Edge keeps in this region, or "". Nobody can change it, only its master.
func replica(f *lambda.Function) string {
	if master := f.Master.Get(); master != "" {
		return "is a replica of Lambda@Edge: its master " + master + " is judged"
	}
	return ""
}

// A granting is a resource policy with what it is attached to.
type granting struct {
	qualifier string // alias or version, "" for the function itself
	doc       policy.Document
}

// resources returns the ARNs that the policy is about.
func (g granting) resources(f *lambda.Function) []string {
	if g.qualifier == "" {
		return []string{f.ARN, f.ARN + ":*"}
	}
	return []string{f.ARN + ":" + g.qualifier}
}

// of says for people what the policy is attached to.
func (g granting) of() string {
	if g.qualifier == "" {
		return "the function"
	}
	return g.qualifier
}

// parse reads a policy. One that cannot be understood leaves open what it grants.
func parse(qualifier, text string) granting {
	doc, err := policy.Parse(text)
	if err != nil {
		panic(tooLittle("lambda:GetPolicy", err.Error()))
	}
	return granting{qualifier, doc}
}

func tooLittle(call, detail string) model.Missing {
	return model.Missing{Gap: &model.Gap{Reason: model.TooLittleData, Call: call, Detail: detail}}
}

// attached returns the policies of the function and of its aliases, and perhaps of its versions. Some may be unknown.
func attached(f *lambda.Function, versions bool) engine.Many[func() granting] {
	all := []func() granting{func() granting { return parse("", f.Policy.Get()) }}
	add := func(known bool, qualifiers int, policies model.Attr[[]lambda.Policy], list interface{ Gap() *model.Gap }) {
		texts, ok := policies.Lookup()
		switch {
		case !known:
			all = append(all, func() granting { panic(model.Missing{Gap: list.Gap()}) })
		case qualifiers == 0: // there are none to ask about
		case !ok:
			all = append(all, func() granting { panic(model.Missing{Gap: policies.Gap()}) })
		}
		for _, p := range texts {
			all = append(all, func() granting { return parse(p.Qualifier, p.Text) })
		}
	}
	aliases, ok := f.Aliases.Lookup()
	add(ok, len(aliases), f.AliasPolicies, f.Aliases)
	if versions {
		published, ok := f.Versions.Lookup()
		add(ok, len(published), f.VersionPolicies, f.Versions)
	}
	return engine.Of(all)
}

// gather returns what a question about each policy finds. Unknown policies end the rule unless another one has an answer.
func gather(policies engine.Many[func() granting], ask func(granting) []string) (found []string) {
	tally := policies.Count(func(g func() granting) bool {
		answers := ask(g())
		found = append(found, answers...)
		return len(answers) > 0
	})
	if tally.AtLeast(1) {
		return found
	}
	return nil
}

func join(texts []string) string { return strings.Join(texts, "; ") }
