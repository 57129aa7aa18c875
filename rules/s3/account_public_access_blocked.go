package s3

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/s3"
	"awsscanner/internal/policy"
)

var _ = Rules.Add(engine.Rule{
	ID:       "s3-account-public-access-blocked",
	Title:    "Block Public Access is fully on for the account",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.Medium,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "One wrong ACL or bucket policy, copied from an old guide or left by a test, publishes a bucket. What is blocked for the account cannot be " +
		"published at all, in any region, by nobody who may not change this one setting: neither today's buckets nor tomorrow's.",
	Fix: engine.Fix{
		Text: "Turn on all four settings for the account. Where buckets are meant to be public, serve them through CloudFront with origin access control " +
			"first; until then turn on for the account what does not hurt them, and all four for each other bucket. If the whole organization can do without public buckets, let " +
			"an S3 policy of AWS Organizations say so: it counts here, and accounts cannot undo it.",
		CLI: `aws s3control get-public-access-block --account-id <account> # keep it; an error means that nothing is on
aws s3control put-public-access-block --account-id <account> --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true`,
		IaC: `resource "aws_s3_account_public_access_block" "this" {
  block_public_acls       = true
  ignore_public_acls      = true
  block_public_policy     = true
  restrict_public_buckets = true
}`,
		Breaks: "Everybody who reads or writes without credentials, or by a public policy from another account, is cut off at once, in all regions: websites, " +
			"downloads, partners. See which buckets s3-bucket-no-public-read and s3-bucket-no-public-write report, or IAM Access Analyzer, and ask their owners. Deployments that put public ACLs or policies fail.",
		Undo:   `aws s3control put-public-access-block --account-id <account> --public-access-block-configuration <what it was>`,
		Effect: engine.Replaces,
	},
	Reads: []string{"s3.Account.PublicAccessBlock"},

	// What S3 answers is what is in effect: also what the organization decrees. Source: API reference, GetPublicAccessBlock of S3 Control.
	Check: engine.Each(func(_ *engine.View, a *s3.Account) engine.Verdict {
		on := policy.Block(a.PublicAccessBlock.Get())
		switches := policy.Combine(&on, &on)
		if switches.All() == policy.On {
			return engine.Pass()
		}
		return engine.Fail("the account does not have "+off(switches)+" on: a bucket without a block of its own can be published by one ACL or policy. Turn on all four").
			With("publicAccessBlock", a.PublicAccessBlock)
	}),
})
