package s3

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/s3"
	"awsscanner/internal/policy"
)

var _ = Rules.Add(engine.Rule{
	ID:       "s3-bucket-no-public-write",
	Title:    "Buckets are not writable by everyone",
	Level:    engine.Recommended,
	Severity: engine.Critical,
	Worst:    engine.Critical,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "Who can write can plant malware in what you deliver, delete or overwrite what you need, and fill the bucket at your cost with what the police look for. Who can write " +
		"the ACL or the policy gives himself all the rest.",
	Fix: engine.Fix{
		Text: "Turn on Block Public Access for the bucket: it takes effect at once, whatever ACL and policy say. Then take the public grant away, disable ACLs, and look through what was " +
			"put, changed and deleted: turn on versioning before anything else if it is off. Let people upload by presigned URLs, which name the object, last for minutes and are signed by you.",
		CLI: takeAway,
		IaC: blockOne,
		Breaks: "Everybody who writes without credentials, or by the public statement from another account, is cut off at once: upload forms, devices, partners. Look into the access log or " +
			"CloudTrail data events who comes, and give those whom you know a grant to their account. With BucketOwnerEnforced uploads that bring an ACL of their own fail.",
		Undo:   giveBack,
		Effect: engine.Replaces,
	},
	Reads: exposureReads,

	Check: engine.Each(func(v *engine.View, b *s3.Bucket) engine.Verdict {
		return public(v, b, func(x policy.Exposure) []reach {
			return []reach{{x.Write, engine.Critical, "everyone can put or delete objects, or change the bucket"}, {x.WriteACP, engine.Critical, "everyone can change who has access"}}
		})
	}),
})
