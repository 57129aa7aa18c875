// Package kms holds the resources of AWS Key Management Service.
package kms

import (
	"strings"
	"time"

	"awsscanner/internal/model"
)

// A Key is a KMS key that something refers to, by ID, ARN or alias, whoever owns it. Its ID is the key ID.
type Key struct {
	model.Meta   `call:"kms:DescribeKey" scope:"ref"`
	State        model.Attr[string]    `json:"state,omitzero"        call:"kms:DescribeKey"` // Enabled, Disabled, PendingDeletion, ...
	Manager      model.Attr[string]    `json:"manager,omitzero"      call:"kms:DescribeKey"` // AWS or CUSTOMER
	DeletionDate model.Attr[time.Time] `json:"deletionDate,omitzero" call:"kms:DescribeKey"` // zero unless pending deletion
}

func (*Key) Kind() model.Kind { return "AWS::KMS::Key" }

// AWSManaged reports whether a reference is an alias of a key that AWS manages. These are always usable: nobody
// can disable or delete them.
func AWSManaged(ref string) bool {
	return strings.HasPrefix(ref, "alias/aws/") || strings.Contains(ref, ":alias/aws/")
}
