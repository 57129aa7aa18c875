package s3

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/s3"
)

var _ = Rules.Add(engine.Rule{
	ID:       "s3-bucket-lifecycle",
	Title:    "Buckets let objects expire or move to cheaper storage",
	Level:    engine.Recommended,
	Severity: engine.Low,
	Worst:    engine.Low,
	Pillars:  []engine.Pillar{engine.CostOptimization, engine.Sustainability},
	Why: "What nobody deletes is stored and charged for ever, and most of it is never read again after some weeks: logs, exports, builds. A lifecycle rule throws it away when it has no use " +
		"any more, or moves it to where it costs a fraction, without anybody having to remember.",
	Fix: engine.Fix{
		Text: "Find out with S3 Storage Lens or the metric BucketSizeBytes what is there, and with storage class analysis how old it is when it is last read. Expire what has an end, move the rest to STANDARD_IA or " +
			"GLACIER_IR, and if nobody knows to INTELLIGENT_TIERING. Add rules for noncurrent versions and for incomplete uploads while you are at it.",
		CLI: `aws s3api get-bucket-lifecycle-configuration --bucket <bucket> > <kept>.json # fails if there is none; add to a copy:
# {"Rules":[{"ID":"cool-down","Status":"Enabled","Filter":{},"Transitions":[{"Days":30,"StorageClass":"INTELLIGENT_TIERING"}]}]}
aws s3api put-bucket-lifecycle-configuration --bucket <bucket> --lifecycle-configuration file://<edited>.json`,
		IaC: `resource "aws_s3_bucket_lifecycle_configuration" "<name>" {
  bucket = aws_s3_bucket.<name>.id
  rule {
    id     = "cool-down"
    status = "Enabled"
    filter {}
    transition {
      days          = 30
      storage_class = "INTELLIGENT_TIERING"
    }
  }
}`,
		Breaks: "Expired objects are gone, unless the bucket is versioned. Objects in GLACIER and DEEP_ARCHIVE have to be restored before they can be read. Each move is charged by the object, and " +
			"cheaper classes charge for reading, for 128 KB at least and for a minimum time: many small or short-lived objects become dearer.",
		Undo: `aws s3api put-bucket-lifecycle-configuration --bucket <bucket> --lifecycle-configuration file://<kept>.json
# or, if there was none
aws s3api delete-bucket-lifecycle --bucket <bucket>
What has expired or moved does not come back.`,
		Effect: engine.Destroys,
	},
	Reads: []string{"s3.Bucket.Lifecycle"},

	// Rules about noncurrent versions and incomplete uploads leave current objects where they are.
	Check: engine.Each(func(_ *engine.View, b *s3.Bucket) engine.Verdict {
		rules, off := b.Lifecycle.Get(), 0
		for _, r := range rules {
			switch {
			case !r.Expires && len(r.Transitions) == 0:
			case r.Enabled:
				return engine.Pass()
			default:
				off++
			}
		}
		const all = ": all that is ever stored stays, and is charged. Let it expire, or move to cheaper storage"
		switch {
		case len(rules) == 0:
			return engine.Fail("there is no lifecycle configuration" + all)
		case off > 0:
			return engine.Fail("no lifecycle rule that expires or moves objects is Enabled"+all).With("lifecycle", b.Lifecycle)
		}
		return engine.Fail("no lifecycle rule expires or moves objects, only noncurrent versions, delete markers or incomplete uploads"+all).With("lifecycle", b.Lifecycle)
	}),
})
