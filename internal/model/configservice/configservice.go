// Package configservice holds the resources of AWS Config.
package configservice

import (
	"slices"
	"time"

	"awsscanner/internal/model"
)

// A Region is the subject of rules about what AWS Config does in a region.
type Region struct {
	model.Meta `scope:"region"`
}

// A ConfigurationRecorder records how resources are configured. Its ID is its name. Those that other services of AWS make for themselves
// are told only to who asks for them by name.
type ConfigurationRecorder struct {
	model.Meta   `call:"configservice:DescribeConfigurationRecorders"`
	Service      model.Attr[string]    `json:"service,omitzero"      call:"configservice:DescribeConfigurationRecorders"` // that it belongs to: securityhub.amazonaws.com; "" if it is the account's own
	Role         model.Attr[string]    `json:"role,omitzero"         call:"configservice:DescribeConfigurationRecorders"` // ARN
	Strategy     model.Attr[string]    `json:"strategy,omitzero"     call:"configservice:DescribeConfigurationRecorders"` // ALL_SUPPORTED_RESOURCE_TYPES, INCLUSION_BY_RESOURCE_TYPES or EXCLUSION_BY_RESOURCE_TYPES
	IncludeIAM   model.Attr[bool]      `json:"includeIam,omitzero"   call:"configservice:DescribeConfigurationRecorders"` // of all supported types, also the global ones of IAM
	Types        model.Attr[[]string]  `json:"types,omitzero"        call:"configservice:DescribeConfigurationRecorders"` // that it records alone; none unless it is a matter of inclusion
	Excluded     model.Attr[[]string]  `json:"excluded,omitzero"     call:"configservice:DescribeConfigurationRecorders"` // types that it leaves out
	Frequency    model.Attr[string]    `json:"frequency,omitzero"    call:"configservice:DescribeConfigurationRecorders"` // CONTINUOUS or DAILY
	Recording    model.Attr[bool]      `json:"recording,omitzero"    call:"configservice:DescribeConfigurationRecorderStatus"`
	LastStatus   model.Attr[string]    `json:"lastStatus,omitzero"   call:"configservice:DescribeConfigurationRecorderStatus"` // Pending, Success, Failure or NotApplicable; "" before it was ever started
	LastError    model.Attr[string]    `json:"lastError,omitzero"    call:"configservice:DescribeConfigurationRecorderStatus"` // code and message; "" if none
	StatusChange model.Attr[time.Time] `json:"statusChange,omitzero" call:"configservice:DescribeConfigurationRecorderStatus"` // zero if never
}

// A DeliveryChannel says where to AWS Config delivers. Its ID is its name.
type DeliveryChannel struct {
	model.Meta `call:"configservice:DescribeDeliveryChannels"`
	Bucket     model.Attr[string]   `json:"bucket,omitzero"   call:"configservice:DescribeDeliveryChannels"`
	Topic      model.Attr[string]   `json:"topic,omitzero"    call:"configservice:DescribeDeliveryChannels"`      // ARN; "" if none
	Snapshots  model.Attr[string]   `json:"snapshots,omitzero" call:"configservice:DescribeDeliveryChannels"`     // how often: One_Hour, ...; "" if never
	History    model.Attr[Delivery] `json:"history,omitzero"  call:"configservice:DescribeDeliveryChannelStatus"` // files of what has changed, to the bucket
	Snapshot   model.Attr[Delivery] `json:"snapshot,omitzero" call:"configservice:DescribeDeliveryChannelStatus"` // files of all there is, to the bucket
	Stream     model.Attr[Delivery] `json:"stream,omitzero"   call:"configservice:DescribeDeliveryChannelStatus"` // of changes, to the topic
}

// A Delivery is what became of the last one of its sort.
type Delivery struct {
	Status  string    `json:"status"`          // Success, Failure or Not_Applicable; "" before the first
	Error   string    `json:"error,omitempty"` // code and message
	Success time.Time `json:"success,omitzero"`
}

func (*Region) Kind() model.Kind                { return "AWS::Config::Region" }
func (*ConfigurationRecorder) Kind() model.Kind { return "AWS::Config::ConfigurationRecorder" }
func (*DeliveryChannel) Kind() model.Kind       { return "AWS::Config::DeliveryChannel" }

// iamTypes are the global types of IAM.
var iamTypes = []string{"AWS::IAM::Group", "AWS::IAM::Policy", "AWS::IAM::Role", "AWS::IAM::User"}

// RecordsIAM reports whether the recorder records users, groups, roles and policies, provided that its region can. In regions that AWS
// Config came to after February 2022 it cannot, whatever is asked of it. Source: AWS Config API reference, RecordingGroup.
func (r *ConfigurationRecorder) RecordsIAM() bool {
	switch r.Strategy.Get() {
	case "INCLUSION_BY_RESOURCE_TYPES":
		return !slices.ContainsFunc(iamTypes, func(t string) bool { return !slices.Contains(r.Types.Get(), t) })
	case "EXCLUSION_BY_RESOURCE_TYPES":
		return !slices.ContainsFunc(iamTypes, func(t string) bool { return slices.Contains(r.Excluded.Get(), t) })
	}
	return r.IncludeIAM.Get()
}
