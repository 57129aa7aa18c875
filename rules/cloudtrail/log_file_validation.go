package cloudtrail

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/cloudtrail"
)

var _ = Rules.Add(engine.Rule{
	ID:       "cloudtrail-log-file-validation",
	Title:    "CloudTrail trails validate log file integrity",
	Level:    engine.Recommended,
	Severity: engine.Low,
	Worst:    engine.Low,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "Whoever may write to the bucket of a trail can change or take away log files. With validation CloudTrail signs a digest of them " +
		"each hour, so that after an incident one can tell whether the logs are whole; without it nobody can prove that.",
	Fix: engine.Fix{
		Text: "Turn on log file validation, in the home region of the trail and by the account that owns it. Files from before stay without a digest.",
		CLI: `aws cloudtrail update-trail --region <home-region> --name <trail-arn> --enable-log-file-validation
# later on, to check the files of some time
aws cloudtrail validate-logs --trail-arn <trail-arn> --start-time <time>`,
		IaC: `# Terraform
resource "aws_cloudtrail" "<name>" {
  enable_log_file_validation = true
}`,
		Breaks: "Nothing stops. Digest files come to the folder CloudTrail-Digest of the bucket: see whether lifecycle rules or readers of the bucket take them for logs.",
		Undo: `aws cloudtrail update-trail --region <home-region> --name <trail-arn> --no-enable-log-file-validation
What comes between then and now cannot be validated.`,
		Effect: engine.Additive,
	},
	Reads: []string{"cloudtrail.Trail.LogFileValidation"},

	// Trails of an organization are judged in the account that owns them.
	Check: engine.Each(func(_ *engine.View, t *cloudtrail.Trail) engine.Verdict {
		if t.LogFileValidation.Get() {
			return engine.Pass()
		}
		return engine.Fail("LogFileValidationEnabled is false: nobody can tell later whether log files were changed or deleted. Turn it on").
			With("logFileValidationEnabled", t.LogFileValidation)
	}),
})
