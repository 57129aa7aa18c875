package s3

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/s3"
	"awsscanner/internal/policy"
)

var _ = Rules.Add(engine.Rule{
	ID:       "s3-bucket-no-public-read",
	Title:    "Buckets are not readable by everyone",
	Level:    engine.Recommended,
	Severity: engine.Critical,
	Worst:    engine.Critical,
	Least:    engine.Medium,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "Strangers try bucket names by the million and copy whatever answers: customer data, backups, source code with keys in it. Nobody notices, as a " +
		"bucket has no log of its readers unless somebody turned one on. Whoever has any AWS account at all is everyone, too.",
	Fix: engine.Fix{
		Text: "Turn on Block Public Access for the bucket: it takes effect at once, whatever ACL and policy say. Then take the public grant away, and disable ACLs. Find out since when it was " +
			"there and who read it (CloudTrail data events, access log), and act as for any disclosure. What is meant for everybody belongs behind CloudFront with origin access control; a bucket that stays public on purpose is an exception to write down.",
		CLI: takeAway,
		IaC: blockOne,
		Breaks: "Everybody who reads without credentials, or by the public statement from another account, is cut off at once: websites, downloads, apps. Look into the access log or " +
			"CloudTrail data events who comes, and give those whom you know a grant to their account. With BucketOwnerEnforced uploads that bring an ACL of their own fail.",
		Undo:   giveBack,
		Effect: engine.Replaces,
	},
	Reads: exposureReads,

	// Who reads the ACL or the policy learns who else has access, which is not the data.
	Check: engine.Each(func(v *engine.View, b *s3.Bucket) engine.Verdict {
		return public(v, b, func(x policy.Exposure) []reach {
			return []reach{{x.Read, engine.Critical, "everyone can list or get objects"}, {x.ReadACP, engine.Medium, "everyone can read who has access"}}
		})
	}),
})
