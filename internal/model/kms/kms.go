// Package kms holds the resources of AWS Key Management Service.
package kms

import (
	"strings"
	"time"

	"awsscanner/internal/model"
)

// A Key is a KMS key of the account, or one that something refers to, by ID, ARN or alias, whoever owns it. Its ID is the
// key ID. A rule that only follows references reads no more than "kms.Key.State" and the like; one about all keys reads "kms.Key" too.
type Key struct {
	model.Meta   `call:"kms:ListKeys" refs:"kms:DescribeKey"`
	State        model.Attr[string]            `json:"state,omitzero"        call:"kms:DescribeKey"` // Enabled, Disabled, PendingDeletion, ...
	Manager      model.Attr[string]            `json:"manager,omitzero"      call:"kms:DescribeKey"` // AWS or CUSTOMER
	DeletionDate model.Attr[time.Time]         `json:"deletionDate,omitzero" call:"kms:DescribeKey"` // zero unless pending deletion
	DeletionDays model.Attr[int]               `json:"deletionDays,omitzero" call:"kms:DescribeKey"` // that a primary key is kept once its replicas are deleted; 0 unless that is pending
	Created      model.Attr[time.Time]         `json:"created,omitzero"      call:"kms:DescribeKey"`
	Spec         model.Attr[string]            `json:"spec,omitzero"         call:"kms:DescribeKey"` // SYMMETRIC_DEFAULT, RSA_2048, HMAC_256, ...
	Usage        model.Attr[string]            `json:"usage,omitzero"        call:"kms:DescribeKey"` // ENCRYPT_DECRYPT, SIGN_VERIFY, ...
	Origin       model.Attr[string]            `json:"origin,omitzero"       call:"kms:DescribeKey"` // of the key material: AWS_KMS, EXTERNAL, AWS_CLOUDHSM or EXTERNAL_KEY_STORE
	MultiRegion  model.Attr[bool]              `json:"multiRegion,omitzero"  call:"kms:DescribeKey"`
	PrimaryARN   model.Attr[string]            `json:"primaryArn,omitzero"   call:"kms:DescribeKey"`          // of the multi-Region key, which may be this one; "" of one region
	Policy       model.Attr[string]            `json:"policy,omitzero"       call:"kms:GetKeyPolicy"`         // of customer managed keys
	Rotates      model.Attr[bool]              `json:"rotates,omitzero"      call:"kms:GetKeyRotationStatus"` // by itself; of keys that can
	RotationDays model.Attr[int]               `json:"rotationDays,omitzero" call:"kms:GetKeyRotationStatus"` // 0 if it does not rotate
	Tags         model.Attr[map[string]string] `json:"tags,omitzero" call:"resourcegroupstaggingapi:GetResources"`
}

func (*Key) Kind() model.Kind { return "AWS::KMS::Key" }

// AWSManaged reports whether a reference is an alias of a key that AWS manages. These are always usable: nobody
// can disable or delete them.
func AWSManaged(ref string) bool {
	return strings.HasPrefix(ref, "alias/aws/") || strings.Contains(ref, ":alias/aws/")
}

// CannotRotate says why KMS does not rotate the key by itself, whatever anybody asks for, or "". Of related multi-Region keys the
// primary one has the setting. Source: KMS API Reference, EnableKeyRotation and GetKeyRotationStatus.
func (k *Key) CannotRotate() string {
	if spec := k.Spec.Get(); spec != "SYMMETRIC_DEFAULT" {
		return "its key spec is " + spec + ", which KMS cannot rotate"
	}
	if origin := k.Origin.Get(); origin != "AWS_KMS" {
		return "the origin of its key material is " + origin + ", which KMS cannot rotate by itself"
	}
	if state := k.State.Get(); state != "Enabled" && state != "Updating" {
		return "it is " + state + ", and KMS does not rotate it meanwhile"
	}
	if primary := k.PrimaryARN.Get(); primary != "" && primary != k.ARN {
		return "it follows its primary key " + primary
	}
	return ""
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
