// Package dynamodb holds the resources of Amazon DynamoDB.
package dynamodb

import (
	"time"

	"awsscanner/internal/model"
)

// A Table is a DynamoDB table, or the replica of a global table in one region. Its ID is its name.
type Table struct {
	model.Meta         `call:"dynamodb:ListTables"`
	Status             model.Attr[string]            `json:"status,omitzero"             call:"dynamodb:DescribeTable"` // ACTIVE, CREATING, ARCHIVED, ...
	Created            model.Attr[time.Time]         `json:"created,omitzero"            call:"dynamodb:DescribeTable"`
	BillingMode        model.Attr[string]            `json:"billingMode,omitzero"        call:"dynamodb:DescribeTable"` // PROVISIONED or PAY_PER_REQUEST
	ReadUnits          model.Attr[int64]             `json:"readUnits,omitzero"          call:"dynamodb:DescribeTable"` // provisioned; 0 on demand
	WriteUnits         model.Attr[int64]             `json:"writeUnits,omitzero"         call:"dynamodb:DescribeTable"` // provisioned; 0 on demand
	Indexes            model.Attr[[]Index]           `json:"indexes,omitzero"            call:"dynamodb:DescribeTable"` // global secondary ones: local ones use the capacity of the table
	Items              model.Attr[int64]             `json:"items,omitzero"              call:"dynamodb:DescribeTable"` // up to six hours old
	Bytes              model.Attr[int64]             `json:"bytes,omitzero"              call:"dynamodb:DescribeTable"` // up to six hours old
	Class              model.Attr[string]            `json:"class,omitzero"              call:"dynamodb:DescribeTable"` // STANDARD or STANDARD_INFREQUENT_ACCESS
	DeletionProtection model.Attr[bool]              `json:"deletionProtection,omitzero" call:"dynamodb:DescribeTable"`
	Encryption         model.Attr[string]            `json:"encryption,omitzero"         call:"dynamodb:DescribeTable"`                     // KMS, or "" if the key is one that AWS owns
	KMSKey             model.Attr[string]            `json:"kmsKey,omitzero"             call:"dynamodb:DescribeTable" ref:"AWS::KMS::Key"` // "" if AWS owns the key
	Stream             model.Attr[string]            `json:"stream,omitzero"             call:"dynamodb:DescribeTable"`                     // ARN of the latest; "" if there never was one
	Replicas           model.Attr[[]string]          `json:"replicas,omitzero"           call:"dynamodb:DescribeTable"`                     // other regions of a global table
	PITR               model.Attr[string]            `json:"pitr,omitzero"               call:"dynamodb:DescribeContinuousBackups"`         // point-in-time recovery: ENABLED or DISABLED
	PITRDays           model.Attr[int]               `json:"pitrDays,omitzero"           call:"dynamodb:DescribeContinuousBackups"`         // how far it reaches back; 0 if it is disabled
	Scaling            model.Attr[[]Target]          `json:"scaling,omitzero"            call:"applicationautoscaling:DescribeScalableTargets"`
	Tags               model.Attr[map[string]string] `json:"tags,omitzero" call:"resourcegroupstaggingapi:GetResources"`
}

// An Index is a global secondary index.
type Index struct {
	Name       string `json:"name"`
	ReadUnits  int64  `json:"readUnits"`  // provisioned; 0 on demand
	WriteUnits int64  `json:"writeUnits"` // provisioned; 0 on demand
}

// A Target is a capacity that Application Auto Scaling adjusts.
type Target struct {
	Index     string `json:"index"` // "" for the table itself
	Write     bool   `json:"write"` // or else read
	Min       int    `json:"min"`
	Max       int    `json:"max"`
	Suspended bool   `json:"suspended"` // scaling out
}

func (*Table) Kind() model.Kind { return "AWS::DynamoDB::Table" }
