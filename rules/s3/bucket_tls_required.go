package s3

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/s3"
	"awsscanner/internal/policy"
)

var _ = Rules.Add(engine.Rule{
	ID:       "s3-bucket-tls-required",
	Title:    "Bucket policies deny plain HTTP",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.Medium,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "S3 answers on port 80, too. A client with an http:// endpoint in its configuration sends objects, and presigned URLs that open them, in the clear: whoever is on the way " +
		"reads and changes them, and nothing fails that would make somebody look. Only the bucket's policy can refuse such requests.",
	Fix: engine.Fix{
		Text: "Add the statement below to the bucket policy: Deny, to everyone, of s3:*, on the bucket and on its objects, if aws:SecureTransport is false. All of these are needed: without " +
			"the bucket itself lists go through, without the star principal those whom nobody thought of.",
		CLI: `aws s3api get-bucket-policy --bucket <bucket> --query Policy --output text > <kept>.json # fails if there is none; add the statement to a copy
# {"Sid":"DenyPlainHTTP","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::<bucket>","arn:aws:s3:::<bucket>/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}
aws s3api put-bucket-policy --bucket <bucket> --policy file://<edited>.json`,
		IaC: `data "aws_iam_policy_document" "<name>" {
  statement {
    sid       = "DenyPlainHTTP"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.<name>.arn, "${aws_s3_bucket.<name>.arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}`,
		Breaks: "Clients that use plain HTTP fail: old devices, S3 website endpoints in front of which nothing speaks TLS, package mirrors. CloudTrail data events without tlsDetails, or entries of the " +
			"access log whose cipher suite is -, are theirs.",
		Undo: `aws s3api put-bucket-policy --bucket <bucket> --policy file://<kept>.json
# or, if there was none
aws s3api delete-bucket-policy --bucket <bucket>`,
		Effect: engine.Replaces,
	},
	Reads: []string{"s3.Bucket.Policy"},

	Check: engine.Each(func(_ *engine.View, b *s3.Bucket) engine.Verdict {
		text := b.Policy.Get()
		if text == "" {
			return engine.Fail("there is no bucket policy, so nothing refuses requests without TLS. Put one that denies them")
		}
		doc, err := policy.Parse(text)
		if err != nil {
			return engine.Unsure(model.TooLittleData, "the bucket policy cannot be modelled: "+err.Error())
		}
		switch a := doc.DeniesPlainHTTP("s3:*", b.ARN, b.ARN+"/*"); a.Level {
		case policy.Yes:
			return engine.Pass()
		case policy.Unknown:
			return engine.Unsure(model.TooLittleData, a.Text)
		default:
			fail := engine.Fail(a.Text + ". Deny everyone s3:* on the bucket and its objects if aws:SecureTransport is false")
			if len(a.Statements) > 0 {
				fail = fail.With("statements", a.Statements)
			}
			return fail
		}
	}),
})
