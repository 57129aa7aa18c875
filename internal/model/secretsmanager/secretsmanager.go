// Package secretsmanager holds the resources of AWS Secrets Manager.
package secretsmanager

import (
	"time"

	"awsscanner/internal/model"
)

// A Secret is a secret without its value, which nobody asks for. Its ID is its name. Those that are scheduled for deletion are listed too.
type Secret struct {
	model.Meta    `call:"secretsmanager:ListSecrets"`
	KMSKey        model.Attr[string]            `json:"kmsKey,omitzero"        call:"secretsmanager:ListSecrets" ref:"AWS::KMS::Key"` // "": aws/secretsmanager, the key that AWS manages
	Rotates       model.Attr[bool]              `json:"rotates,omitzero"       call:"secretsmanager:ListSecrets"`                     // by itself
	RotationDays  model.Attr[int]               `json:"rotationDays,omitzero"  call:"secretsmanager:ListSecrets"`                     // 0 if a schedule says when, or nothing
	Schedule      model.Attr[string]            `json:"schedule,omitzero"      call:"secretsmanager:ListSecrets"`                     // of rotation: "cron(...)", "rate(...)"; "" if none
	OwningService model.Attr[string]            `json:"owningService,omitzero" call:"secretsmanager:ListSecrets"`                     // that made it and manages it: "rds"; "" if none
	PrimaryRegion model.Attr[string]            `json:"primaryRegion,omitzero" call:"secretsmanager:ListSecrets"`                     // of a secret with replicas; "" if it has none
	Created       model.Attr[time.Time]         `json:"created,omitzero"       call:"secretsmanager:ListSecrets"`
	Deleted       model.Attr[time.Time]         `json:"deleted,omitzero"       call:"secretsmanager:ListSecrets"` // when that was asked for; zero if not
	LastAccessed  model.Attr[time.Time]         `json:"lastAccessed,omitzero"  call:"secretsmanager:ListSecrets"` // the day; zero if never
	LastChanged   model.Attr[time.Time]         `json:"lastChanged,omitzero"   call:"secretsmanager:ListSecrets"`
	LastRotated   model.Attr[time.Time]         `json:"lastRotated,omitzero"   call:"secretsmanager:ListSecrets"` // with success; zero if never
	NextRotation  model.Attr[time.Time]         `json:"nextRotation,omitzero"  call:"secretsmanager:ListSecrets"` // zero if none is scheduled
	Tags          model.Attr[map[string]string] `json:"tags,omitzero"          call:"secretsmanager:ListSecrets"`
}

func (*Secret) Kind() model.Kind { return "AWS::SecretsManager::Secret" }
