// Package rds holds the rules about Amazon RDS and Amazon Aurora.
package rds

import (
	"errors"
	"fmt"
	"slices"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// Rules lists every rule in this folder.
var Rules engine.Set

// encryption judges how data is encrypted at rest. StorageEncrypted is false too if the key is one that AWS owns and shows
// nobody, as it is by default in Aurora since February 2026: then only the type tells it from plain text. Source: API
// reference, DBCluster; Aurora User Guide, "Encrypting Amazon Aurora resources".
func encryption(encrypted model.Attr[bool], how model.Attr[string]) engine.Verdict {
	if yes, _ := encrypted.Lookup(); yes {
		return engine.Pass()
	}
	switch t := how.Get(); t {
	case "sse-kms":
		return engine.Pass()
	case "sse-rds":
		return engine.Pass().Note("StorageEncryptionType is sse-rds: encrypted with a key that AWS owns, whose use you neither control nor see")
	case "none":
		return engine.Fail("StorageEncryptionType is none: data, backups and snapshots are not encrypted. Restore a snapshot with a KMS key, as nothing else encrypts it").
			With("storageEncryptionType", how).With("storageEncrypted", encrypted)
	default:
		return engine.Unsure(model.TooLittleData, "StorageEncryptionType is "+t)
	}
}

// retention is the parameters of rules about automated backups.
type retention struct {
	MinDays int `json:"min_days"`
}

func (p *retention) Validate() error {
	if p.MinDays < 1 || p.MinDays > 35 {
		return errors.New("min_days must be from 1 to 35, which is the most that RDS allows")
	}
	return nil
}

// judge judges for how long automated backups are kept.
func (p *retention) judge(days model.Attr[int]) engine.Verdict {
	switch n := days.Get(); {
	case n >= p.MinDays:
		return engine.Pass()
	case n == 0:
		return engine.Fail(fmt.Sprintf("BackupRetentionPeriod is 0: there are no automated backups, and no way back to a point in time. Set it to at least %d", p.MinDays)).
			With("backupRetentionPeriod", days).As(engine.Medium)
	default:
		return engine.Fail(fmt.Sprintf("BackupRetentionPeriod is %d, less than %d: damage that is noticed later cannot be undone. Raise it", n, p.MinDays)).
			With("backupRetentionPeriod", days)
	}
}

// zones is the parameters of rules about several Availability Zones.
type zones struct {
	ExemptTags engine.TagGlobs `json:"exempt_tags"`
}

func (p *zones) Validate() error { return p.ExemptTags.Check("exempt_tags") }

// exempt returns which tag excuses a database, or "".
func (p *zones) exempt(tags model.Attr[map[string]string]) string {
	if tag := p.ExemptTags.Find(tags); tag != "" {
		return "has the tag " + tag + " of exempt_tags"
	}
	return ""
}

// sharing judges who may restore a snapshot.
func sharing(restore model.Attr[[]string]) engine.Verdict {
	if slices.Contains(restore.Get(), "all") {
		return engine.Fail(`the attribute restore has the value "all": every AWS account can copy and restore this snapshot, and read all of its data. Remove the value now, and treat the data as disclosed`).
			With("restore", restore)
	}
	return engine.Pass()
}
