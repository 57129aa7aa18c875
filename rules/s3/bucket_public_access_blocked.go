package s3

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/s3"
	"awsscanner/internal/policy"
)

var _ = Rules.Add(engine.Rule{
	ID:       "s3-bucket-public-access-blocked",
	Title:    "Block Public Access is fully on for each bucket, by itself or by its account",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.Medium,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "Without the block a single change makes all of a bucket public: an ACL in an upload script, a statement in a policy. With it such a change is refused, and " +
		"what slipped in before has no effect. New buckets have it since April 2023; older ones, and those that a template made without it, do not.",
	Fix: engine.Fix{
		Text: "If no bucket of the account has to be public, turn on all four settings for the account: that puts all buckets right at once. Otherwise turn them on for each " +
			"bucket that is not meant to be public, and name the others as exceptions, best after moving them behind CloudFront.",
		CLI: `# for all buckets
aws s3control put-public-access-block --account-id <account> --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
# or for one
aws s3api put-public-access-block --bucket <bucket> --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true`,
		IaC: blockOne,
		Breaks: "Everybody who comes without credentials, or by a public policy from another account, is cut off at once. See what s3-bucket-no-public-read and " +
			"s3-bucket-no-public-write say of the bucket, and who reads it in its access log. Deployments that put public ACLs or policies fail.",
		Undo: `aws s3api put-public-access-block --bucket <bucket> --public-access-block-configuration <what it was>
# or, if there was none
aws s3api delete-public-access-block --bucket <bucket>
For the account s3control has the same two, with --account-id.`,
		Effect: engine.Replaces,
	},
	Reads: []string{"s3.Account.PublicAccessBlock", "s3.Bucket.PublicAccessBlock"},

	// S3 applies the most restrictive combination of both, setting by setting. Source: S3 User Guide, "Blocking public access".
	Check: engine.Each(func(v *engine.View, b *s3.Bucket) engine.Verdict {
		account := accountOf(v, b)
		own := block(b.PublicAccessBlock)
		both := policy.Combine(block(account.PublicAccessBlock), own)
		switch both.All() {
		case policy.On:
			if own != nil && *own == (policy.Block{}) {
				return engine.Pass().Note("by the account alone: the bucket itself blocks nothing")
			}
			return engine.Pass()
		case policy.NotKnown:
			account.PublicAccessBlock.Get()
			b.PublicAccessBlock.Get()
		}
		fail := engine.Fail("neither the bucket nor its account has "+off(both)+" on. Turn on all four for the account, or at least for this bucket").
			With("blockOfBucket", b.PublicAccessBlock).With("blockOfAccount", account.PublicAccessBlock)
		fail.FixKey = "account" // its block clears all of them
		return fail
	}),
})
