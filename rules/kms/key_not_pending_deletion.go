package kms

import (
	"fmt"

	"awsscanner/internal/engine"
	"awsscanner/internal/model/kms"
)

var _ = Rules.Add(engine.Rule{
	ID:       "kms-key-not-pending-deletion",
	Title:    "No customer managed key is scheduled for deletion",
	Level:    engine.Recommended,
	Severity: engine.High,
	Worst:    engine.High,
	Least:    engine.Low,
	Pillars:  []engine.Pillar{engine.Reliability, engine.Security},
	Why: "Once a key is deleted nobody can decrypt what it has encrypted, not even AWS: volumes, databases, backups and logs are lost at one stroke. Until then there are 7 to 30 days in which " +
		"the key is of no use, so that a failure somewhere is often the only warning. Whoever wants to do harm schedules keys for deletion too.",
	Fix: engine.Fix{
		Text: "Ask who has scheduled it and why (ScheduleKeyDeletion in CloudTrail). If anything still needs the key, or nobody can tell, cancel the deletion and enable the key; to retire one, " +
			"leave it disabled for some months first: that can be undone. If the deletion is meant and nothing needs the key, there is nothing to do.",
		CLI: `aws kms cancel-key-deletion --key-id <key-arn>
aws kms enable-key --key-id <key-arn>`,
		IaC: `# Terraform schedules the deletion of a key that is taken out of the configuration: keep it there
resource "aws_kms_key" "<name>" {
  deletion_window_in_days = 30
  lifecycle {
    prevent_destroy = true
  }
}`,
		Breaks: "Nothing stops: the key works again. It costs USD 1 a month, as before.",
		Undo:   `aws kms schedule-key-deletion --key-id <key-arn> --pending-window-in-days 30`,
		Effect: engine.Additive,
	},
	Reads: append([]string{"kms.Key", "kms.Key.Manager", "kms.Key.State", "kms.Key.DeletionDate", "kms.Key.DeletionDays"}, usersRead()...),

	// What the scanner reads is not all that may use a key: objects, tables, backups and what other accounts have are not seen.
	Check: engine.Each(func(v *engine.View, k *kms.Key) engine.Verdict {
		if k.Manager.Get() == "AWS" {
			return engine.NotApplicable(ofAWS)
		}
		state := k.State.Get()
		text := "KeyState is " + state + ": KMS deletes the key"
		fail := func(text string) engine.Verdict { return engine.Fail(text).With("deletionDate", k.DeletionDate) }
		switch state {
		case "PendingDeletion":
			if t, known := k.DeletionDate.Lookup(); known {
				text += " after " + t.Format("2006-01-02")
			}
		case "PendingReplicaDeletion":
			if n, known := k.DeletionDays.Lookup(); known {
				text += fmt.Sprintf(" %d days after its last replica", n)
			}
			fail = func(text string) engine.Verdict {
				return engine.Fail(text).With("pendingDeletionWindowInDays", k.DeletionDays)
			}
		default:
			return engine.Pass()
		}
		by, used := used(v, k)
		if !used {
			return fail(text + ". Nothing that the scanner reads names it, but objects, tables, backups and other accounts may: look for its use in CloudTrail, and cancel the deletion if there is any doubt").As(engine.Low)
		}
		return fail(text+", and then what is encrypted with it is lost for good, such as "+by+". Cancel the deletion, then enable the key").With("usedBy", by)
	}),
})
