// Package iam holds the rules about AWS Identity and Access Management.
package iam

import (
	"errors"
	"slices"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/iam"
	"awsscanner/internal/policy"
)

// Rules lists every rule in this folder.
var Rules engine.Set

// accessKey returns one of a user's access keys. One that is not there, though it was listed, is unknown.
func accessKey(v *engine.View, id string) *iam.AccessKey {
	if k, ok := engine.Find[*iam.AccessKey](v, id); ok {
		return k
	}
	k := &iam.AccessKey{Meta: model.Meta{ID: id}}
	model.Explain(k)
	return k
}

// active reports whether a key signs requests.
func active(k *iam.AccessKey) bool { return k.Status.Get() == "Active" }

// latest returns the last of some times, of which one that never was is zero.
func latest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }

// day shows a time for people.
func day(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Format(time.DateOnly)
}

// lastUsed is evidence of when something was used.
func lastUsed(a model.Attr[time.Time]) any {
	if t, ok := a.Lookup(); ok && t.IsZero() {
		return "never"
	}
	return a.Evidence()
}

// atLeastOneDay is the error of a number of days that is none.
func atLeastOneDay(name string, days int) error {
	if days < 1 {
		return errors.New(name + " must be 1 or more")
	}
	return nil
}

// administrator judges whether a policy that the customer has written makes its holders administrators. So does one that
// leaves out a few services but lets them change IAM, as they can give themselves the rest.
func administrator(document model.Attr[string]) engine.Verdict {
	doc, err := policy.Parse(document.Get())
	if err != nil {
		return engine.Unsure(model.TooLittleData, err.Error())
	}
	p := doc.Admin()
	switch {
	case p.Level == policy.Unknown:
		return engine.Unsure(model.TooLittleData, p.Text)
	case p.Level == policy.OnlyUnderCondition:
		return engine.Pass().Note(p.Text)
	case p.Reach == policy.Full:
		return engine.Fail(p.Text+": whoever holds it is an administrator of the account. Allow only what the holders use").With("statements", p.Statements)
	case p.Reach == policy.Wide && p.IAM:
		return engine.Fail(p.Text+", and all of IAM: whoever holds it can give himself the rest. Allow only what the holders use").With("statements", p.Statements)
	case p.Reach == policy.Wide:
		return engine.Pass().Note(p.Text)
	}
	return engine.Pass()
}
