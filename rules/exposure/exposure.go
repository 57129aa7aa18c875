// Package exposure judges resource policies for the rules of several services, so that the same grant weighs the same in all of them.
package exposure

import (
	"slices"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/policy"
)

// A Resource is something with a policy of its own.
type Resource struct {
	Policy  string // "" if there is none: then nobody outside of its account has access
	ARN     string
	Account string          // that owns it
	Grave   []string        // actions that strangers can call if they are let, by which they reach data or control
	Mild    []string        // the same, by which they learn no more than what the resource is like
	Advice  string          // what to do, as a sentence
	Lesser  engine.Severity // of a failure for mild actions alone; for grave ones it is critical
}

// Public judges whether strangers can do anything to the resource.
func (r Resource) Public() engine.Verdict {
	if r.Policy == "" {
		return engine.Pass()
	}
	doc, err := policy.Parse(r.Policy)
	if err != nil {
		return engine.Unsure(model.TooLittleData, "the policy cannot be understood: "+err.Error())
	}
	q := policy.Question{Resources: []string{r.ARN}, Account: r.Account, Actions: r.Grave}
	grave := doc.Public(q)
	a := grave
	if grave.Level < policy.Yes {
		q.Actions = slices.Concat(r.Grave, r.Mild)
		a = doc.Public(q)
	}
	switch a.Level {
	case policy.Yes:
		fail := engine.Fail(a.Text+". "+r.Advice).With("statements", a.Statements).As(engine.Critical)
		if grave.Level < policy.Yes {
			fail = fail.As(r.Lesser)
		}
		return fail
	case policy.Unknown:
		return engine.Unsure(model.TooLittleData, a.Text)
	case policy.OnlyUnderCondition:
		return engine.Pass().Note(a.Text)
	}
	return engine.Pass()
}
