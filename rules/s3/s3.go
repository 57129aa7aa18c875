// Package s3 holds the rules about Amazon S3.
package s3

import (
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/s3"
	"awsscanner/internal/policy"
)

// Rules lists every rule in this folder.
var Rules engine.Set

// exposureReads is what decides who reaches a bucket.
var exposureReads = []string{"s3.Account.PublicAccessBlock", "s3.Bucket.PublicAccessBlock", "s3.Bucket.Ownership", "s3.Bucket.Grants", "s3.Bucket.Policy"}

// accountOf returns what S3 keeps of the account of a bucket.
func accountOf(v *engine.View, b *s3.Bucket) *s3.Account {
	a, _ := engine.Find[*s3.Account](v, b.Account) // there is one for each account that is read
	return a
}

// block returns a public access block as the policy package wants it, nil if it is not known.
func block(b model.Attr[s3.PublicAccessBlock]) *policy.Block {
	x, known := b.Lookup()
	return policy.Ptr(policy.Block(x), known)
}

// A reach is one of the things that the public may be able to do with a bucket.
type reach struct {
	policy.Answer
	severity engine.Severity
	what     string
}

// public judges what the public can do with a bucket, by the worst of some parts of its exposure.
func public(v *engine.View, b *s3.Bucket, parts func(policy.Exposure) []reach) engine.Verdict {
	account := accountOf(v, b)
	bucket := policy.Bucket{ARN: b.ARN, Owner: b.Account, Account: block(account.PublicAccessBlock), Block: block(b.PublicAccessBlock),
		Ownership: policy.Ptr(b.Ownership.Lookup()), Policy: policy.Ptr(b.Policy.Lookup())}
	if grants, known := b.Grants.Lookup(); known {
		acl := []policy.ACLGrant{}
		for _, g := range grants {
			acl = append(acl, policy.ACLGrant{Group: g.Group, Permission: g.Permission})
		}
		bucket.ACL = &acl
	}
	x := bucket.Public()
	all := parts(x)
	var worst reach
	for _, r := range all {
		if r.Level == policy.Yes && r.severity > worst.severity {
			worst = r
		}
	}
	for _, r := range all {
		if r.Level == policy.Unknown && r.severity > worst.severity {
			for _, need := range x.Missing {
				switch need {
				case "Account":
					account.PublicAccessBlock.Get()
				case "Block":
					b.PublicAccessBlock.Get()
				case "Ownership":
					b.Ownership.Get()
				case "ACL":
					b.Grants.Get()
				case "Policy":
					b.Policy.Get()
				}
			}
			return engine.Unsure(model.TooLittleData, r.Text)
		}
	}
	if worst.severity > 0 {
		return engine.Fail(worst.what+": "+worst.Text+", and neither Block Public Access nor object ownership makes that void. Take the grant away, or block it").
			With("grants", worst.Statements).With("blockOfBucket", b.PublicAccessBlock).With("blockOfAccount", account.PublicAccessBlock).With("objectOwnership", b.Ownership).
			As(worst.severity)
	}
	return engine.Pass().Note(notes(bucket, x, all))
}

// notes says what a pass depends on.
func notes(b policy.Bucket, x policy.Exposure, parts []reach) string {
	var notes []string
	if len(x.SavedBy) > 0 {
		notes = append(notes, "a public grant is there, but void by "+strings.Join(x.SavedBy, " and "))
	}
	for _, r := range parts {
		if r.Level == policy.OnlyUnderCondition {
			notes = append(notes, r.Text)
		}
	}
	if policy.Combine(b.Account, b.Block).IgnorePublicACLs == policy.Off && b.Ownership != nil && *b.Ownership != "BucketOwnerEnforced" {
		notes = append(notes, "ACLs are in force: single objects may be public, which this rule does not read")
	}
	return strings.Join(notes, "; ")
}
