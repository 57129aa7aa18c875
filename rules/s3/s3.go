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

// off names the switches of a public access block that are certainly off.
func off(b policy.Blocks) string {
	var names []string
	for _, s := range []struct {
		name string
		is   policy.Switch
	}{
		{"BlockPublicAcls", b.BlockPublicACLs}, {"IgnorePublicAcls", b.IgnorePublicACLs},
		{"BlockPublicPolicy", b.BlockPublicPolicy}, {"RestrictPublicBuckets", b.RestrictPublicBuckets},
	} {
		if s.is == policy.Off {
			names = append(names, s.name)
		}
	}
	return strings.Join(names, ", ")
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
	return engine.Pass().Note(notes(bucket, x, parts))
}

// notes says what a pass depends on.
func notes(b policy.Bucket, x policy.Exposure, parts func(policy.Exposure) []reach) string {
	var notes []string
	for _, r := range parts(x) {
		if r.Level == policy.OnlyUnderCondition {
			notes = append(notes, r.Text)
		}
	}
	if len(x.SavedBy) > 0 { // it tells of all parts together: see which of these would be public without
		bare := b
		bare.Account, bare.Block, bare.Ownership = &policy.Block{}, &policy.Block{}, new(string)
		for _, r := range parts(bare.Public()) {
			if r.Level == policy.Yes {
				notes = append(notes, r.Text+", which is void by "+strings.Join(x.SavedBy, " and "))
			}
		}
	}
	if policy.Combine(b.Account, b.Block).IgnorePublicACLs == policy.Off && b.Ownership != nil && *b.Ownership != "BucketOwnerEnforced" {
		notes = append(notes, "ACLs are in force: single objects may be public, which this rule does not read")
	}
	return strings.Join(notes, "; ")
}

// What the fixes of several rules have in common.
const (
	blockOne = `resource "aws_s3_bucket_public_access_block" "<name>" {
  bucket                  = aws_s3_bucket.<name>.id
  block_public_acls       = true
  ignore_public_acls      = true
  block_public_policy     = true
  restrict_public_buckets = true
}`
	takeAway = `aws s3api put-public-access-block --bucket <bucket> --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
# then clear up
aws s3api get-bucket-policy --bucket <bucket> --query Policy --output text > <kept>.json # take the statement out of a copy
aws s3api put-bucket-policy --bucket <bucket> --policy file://<edited>.json
aws s3api get-bucket-acl --bucket <bucket> > <kept-acl>.json
aws s3api put-bucket-acl --bucket <bucket> --acl private
aws s3api put-bucket-ownership-controls --bucket <bucket> --ownership-controls 'Rules=[{ObjectOwnership=BucketOwnerEnforced}]'`
	giveBack = `aws s3api put-public-access-block --bucket <bucket> --public-access-block-configuration <what it was>
aws s3api put-bucket-policy --bucket <bucket> --policy file://<kept>.json
aws s3api put-bucket-ownership-controls --bucket <bucket> --ownership-controls 'Rules=[{ObjectOwnership=<what it was, or ObjectWriter>}]'
aws s3api put-bucket-acl --bucket <bucket> --access-control-policy file://<kept-acl>.json`
)
