package s3

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/s3"
)

// logSources finds the buckets whose access logs go to a bucket.
var logSources = engine.NewIndex(func(b *s3.Bucket) []string { return []string{b.LogTarget.Get()} })

type versioning struct {
	ExemptTags       engine.TagGlobs `json:"exempt_tags"`
	ExemptLogTargets bool            `json:"exempt_log_targets"` // buckets that take the access logs of others
}

func (p *versioning) Validate() error { return p.ExemptTags.Check("exempt_tags") }

// Reads spares a call for each bucket where there are no exceptions.
func (p *versioning) Reads() (reads []string) {
	if len(p.ExemptTags) > 0 {
		reads = append(reads, "s3.Bucket.Tags")
	}
	if p.ExemptLogTargets {
		reads = append(reads, "s3.Bucket.LogTarget")
	}
	return reads
}

var _ = Rules.Add(engine.Rule{
	ID:       "s3-bucket-versioning",
	Title:    "Buckets keep old versions of objects",
	Level:    engine.Recommended,
	Severity: engine.Low,
	Worst:    engine.Low,
	Pillars:  []engine.Pillar{engine.Reliability},
	Why: "Without versioning what is deleted or overwritten is gone at once, be it by a wrong script, a bad deployment or somebody who encrypts it for ransom. With it the " +
		"last good version is still there. Replication and Object Lock need it, too.",
	Fix: engine.Fix{
		Text: "Enable versioning, together with a lifecycle rule that lets noncurrent versions expire after as many days as it may take to notice damage: otherwise they are paid for " +
			"ever. Buckets whose content can be made anew at any time can be tagged and named in exempt_tags.",
		CLI: `aws s3api get-bucket-lifecycle-configuration --bucket <bucket> > <kept>.json # add to a copy: {"ID":"old-versions","Status":"Enabled","Filter":{},"NoncurrentVersionExpiration":{"NoncurrentDays":90}}
aws s3api put-bucket-versioning --bucket <bucket> --versioning-configuration Status=Enabled
aws s3api put-bucket-lifecycle-configuration --bucket <bucket> --lifecycle-configuration file://<edited>.json`,
		IaC: `resource "aws_s3_bucket_versioning" "<name>" {
  bucket = aws_s3_bucket.<name>.id
  versioning_configuration {
    status = "Enabled"
  }
}`,
		Breaks: "Nothing stops, but each overwritten or deleted object is kept and charged, and deleting leaves a marker: programs that count on free space, or on a delete for legal reasons, need the lifecycle rule. " +
			"Lifecycle rules that expire objects only hide them from then on. The configuration that is put takes the place of the former one.",
		Undo: `aws s3api put-bucket-versioning --bucket <bucket> --versioning-configuration Status=Suspended
It cannot be turned off again, and old versions stay until they are deleted.`,
		Effect: engine.Replaces,
	},
	Reads: []string{"s3.Bucket.Versioning"},

	Check: engine.EachWith(versioning{ExemptTags: engine.TagGlobs{}}, func(v *engine.View, p *versioning, b *s3.Bucket) engine.Verdict {
		status := b.Versioning.Get()
		if status == "Enabled" {
			return engine.Pass()
		}
		if tag := p.ExemptTags.Find(b.Tags); tag != "" {
			return engine.NotApplicable("has the tag " + tag + " of exempt_tags")
		}
		if p.ExemptLogTargets {
			if source, ok := logSources.At(v.InAccount(), b.ID).First(func(*s3.Bucket) bool { return true }); ok {
				return engine.NotApplicable("takes the access logs of " + source.ID)
			}
		}
		if status == "" {
			return engine.Fail("versioning was never enabled: what is deleted or overwritten is gone. Enable it").With("versioning", b.Versioning)
		}
		return engine.Fail("versioning is "+status+": old versions are kept, but what is overwritten or deleted from now on is gone. Enable it again").With("versioning", b.Versioning)
	}),
})
