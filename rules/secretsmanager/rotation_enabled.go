package secretsmanager

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/secretsmanager"
)

var _ = Rules.Add(engine.Rule{
	ID:       "secretsmanager-rotation-enabled",
	Title:    "Secrets rotate automatically",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.Medium,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "A secret that never changes is worth more every year: it is in backups, logs and the memory of people who have left, and whoever has got it once can use it until " +
		"somebody notices. What rotates by itself is worthless soon after it leaks, and nobody is afraid of changing it in an emergency.",
	Fix: engine.Fix{
		Text: "For a database of RDS, Aurora, Redshift or DocumentDB let Secrets Manager make the rotation function, or the service manage the secret; for partners that support managed external " +
			"secrets, let it rotate these. Anything else needs a function of yours. A secret that cannot be rotated is best replaced by a role, which needs none.",
		CLI: `aws secretsmanager rotate-secret --secret-id <secret> --rotation-lambda-arn <function-arn> --rotation-rules AutomaticallyAfterDays=30 --no-rotate-immediately`,
		IaC: `resource "aws_secretsmanager_secret_rotation" "<name>" {
  secret_id           = "<secret-arn>"
  rotation_lambda_arn = "<function-arn>"
  rotation_rules {
    automatically_after_days = 30
  }
}`,
		Breaks: "Programs that keep the secret in memory or in a file beyond its rotation, and those that use it elsewhere than from Secrets Manager. The alternating-users strategy gives them time. " +
			"See in CloudTrail who calls GetSecretValue, and how often. The function must reach both the database and Secrets Manager.",
		Undo: `aws secretsmanager cancel-rotate-secret --secret-id <secret>
A rotation that has broken off leaves a version AWSPENDING, which has to be removed first.`,
		Effect: engine.Replaces,
	},
	Reads: []string{"secretsmanager.Secret.Rotates", "secretsmanager.Secret.OwningService", "secretsmanager.Secret.Deleted", "secretsmanager.Secret.PrimaryRegion", "secretsmanager.Secret.LastChanged"},

	Check: engine.Each(func(_ *engine.View, s *secretsmanager.Secret) engine.Verdict {
		if !s.Deleted.Get().IsZero() {
			return engine.NotApplicable("it is scheduled for deletion")
		}
		if owner := s.OwningService.Get(); owner != "" {
			return engine.NotApplicable(owner + " manages it: the account cannot set its rotation")
		}
		if primary := s.PrimaryRegion.Get(); primary != "" && primary != s.Region {
			return engine.NotApplicable("it is a replica and follows its primary in " + primary)
		}
		if s.Rotates.Get() {
			return engine.Pass()
		}
		return engine.Fail("RotationEnabled is not true: the secret stays as it is until somebody changes it. Set up its rotation").With("lastChangedDate", s.LastChanged)
	}),
})
