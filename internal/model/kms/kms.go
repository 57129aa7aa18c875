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

// Fault says why the key can neither encrypt nor decrypt, and the way back: "is Disabled: enable it". It is "" if the
// key can. Source: KMS Developer Guide, "Key states of AWS KMS keys". Creating lasts for seconds and ends in Enabled
// or PendingImport: like a state that is new to the scanner it tells neither way.
func (k *Key) Fault() string {
	switch state := k.State.Get(); state {
	case "Enabled", "Updating": // Updating: a multi-Region key gets another primary, and stays usable meanwhile
		return ""
	case "Disabled":
		return "is Disabled: enable it"
	case "PendingDeletion", "PendingReplicaDeletion":
		return "is " + state + ": cancel the deletion, then enable the key"
	case "PendingImport":
		return "is PendingImport: import its key material again"
	case "Unavailable":
		return "is Unavailable: connect its custom key store again"
	default:
		panic(model.Missing{Gap: &model.Gap{Reason: model.TooLittleData, Call: "kms:DescribeKey", Detail: "the key state is " + state}})
	}
}
