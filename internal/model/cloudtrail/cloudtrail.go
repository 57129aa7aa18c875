// Package cloudtrail holds the resources of AWS CloudTrail.
package cloudtrail

import (
	"time"

	"awsscanner/internal/model"
)

// An Account is the subject of rules about all trails of an account.
type Account struct {
	model.Meta `scope:"account"`
}

// A Trail is a CloudTrail trail, kept once at its home: its shadows in other regions are the same trail.
// Its ID is its ARN.
type Trail struct {
	model.Meta          `call:"cloudtrail:DescribeTrails"`
	MultiRegion         model.Attr[bool]               `json:"multiRegion,omitzero"         call:"cloudtrail:DescribeTrails"`
	Organization        model.Attr[bool]               `json:"organization,omitzero"        call:"cloudtrail:DescribeTrails"`
	GlobalServiceEvents model.Attr[bool]               `json:"globalServiceEvents,omitzero" call:"cloudtrail:DescribeTrails"`
	Bucket              model.Attr[string]             `json:"bucket,omitzero"              call:"cloudtrail:DescribeTrails"`
	LogFileValidation   model.Attr[bool]               `json:"logFileValidation,omitzero"   call:"cloudtrail:DescribeTrails"`
	KMSKey              model.Attr[string]             `json:"kmsKey,omitzero"              call:"cloudtrail:DescribeTrails" ref:"AWS::KMS::Key"` // "" if none
	LogGroupARN         model.Attr[string]             `json:"logGroupArn,omitzero"         call:"cloudtrail:DescribeTrails"`                     // "" if none
	Logging             model.Attr[bool]               `json:"logging,omitzero"             call:"cloudtrail:GetTrailStatus"`
	DeliveryError       model.Attr[string]             `json:"deliveryError,omitzero"       call:"cloudtrail:GetTrailStatus"` // "" if none: an S3 error code
	LogsDeliveryError   model.Attr[string]             `json:"logsDeliveryError,omitzero"   call:"cloudtrail:GetTrailStatus"` // "" if none
	LastDelivery        model.Attr[time.Time]          `json:"lastDelivery,omitzero"        call:"cloudtrail:GetTrailStatus"` // to S3; zero if never
	LastLogsDelivery    model.Attr[time.Time]          `json:"lastLogsDelivery,omitzero"    call:"cloudtrail:GetTrailStatus"` // to CloudWatch Logs; zero if never
	Selectors           model.Attr[[]Selector]         `json:"selectors,omitzero"           call:"cloudtrail:GetEventSelectors"`
	AdvancedSelectors   model.Attr[[]AdvancedSelector] `json:"advancedSelectors,omitzero"   call:"cloudtrail:GetEventSelectors"`
	Tags                model.Attr[map[string]string]  `json:"tags,omitzero" call:"resourcegroupstaggingapi:GetResources"`
}

// A Selector is a basic event selector.
type Selector struct {
	ReadWriteType    string         `json:"readWriteType"` // All, ReadOnly or WriteOnly
	ManagementEvents bool           `json:"managementEvents"`
	ExcludedSources  []string       `json:"excludedSources,omitempty"` // kms.amazonaws.com, rdsdata.amazonaws.com
	DataResources    []DataResource `json:"dataResources,omitempty"`
}

// A DataResource is the data events that a basic selector includes.
type DataResource struct {
	Type   string   `json:"type"`
	Values []string `json:"values,omitempty"`
}

// An AdvancedSelector selects the events that all of its fields match.
type AdvancedSelector struct {
	Fields []FieldSelector `json:"fields,omitempty"`
}

// A FieldSelector is a condition on one field of an event record.
type FieldSelector struct {
	Field         string   `json:"field"`
	Equals        []string `json:"equals,omitempty"`
	StartsWith    []string `json:"startsWith,omitempty"`
	EndsWith      []string `json:"endsWith,omitempty"`
	NotEquals     []string `json:"notEquals,omitempty"`
	NotStartsWith []string `json:"notStartsWith,omitempty"`
	NotEndsWith   []string `json:"notEndsWith,omitempty"`
}

// An EventDataStore is a CloudTrail Lake event data store. Its ID is its ARN.
type EventDataStore struct {
	model.Meta        `call:"cloudtrail:ListEventDataStores"`
	Status            model.Attr[string]             `json:"status,omitzero"            call:"cloudtrail:GetEventDataStore"` // ENABLED, STOPPED_INGESTION, ...
	MultiRegion       model.Attr[bool]               `json:"multiRegion,omitzero"       call:"cloudtrail:GetEventDataStore"`
	AdvancedSelectors model.Attr[[]AdvancedSelector] `json:"advancedSelectors,omitzero" call:"cloudtrail:GetEventDataStore"`
}

func (*Account) Kind() model.Kind        { return "AWS::CloudTrail::Account" }
func (*Trail) Kind() model.Kind          { return "AWS::CloudTrail::Trail" }
func (*EventDataStore) Kind() model.Kind { return "AWS::CloudTrail::EventDataStore" }
