// Package guardduty holds the resources of Amazon GuardDuty.
package guardduty

import (
	"time"

	"awsscanner/internal/model"
)

// A Region is the subject of rules about what GuardDuty does in a region.
type Region struct {
	model.Meta `scope:"region"`
}

// A Detector is GuardDuty in a region: there is one at most.
type Detector struct {
	model.Meta    `call:"guardduty:ListDetectors"`
	Status        model.Attr[string]            `json:"status,omitzero"        call:"guardduty:GetDetector"` // ENABLED, or DISABLED: it is suspended
	Created       model.Attr[time.Time]         `json:"created,omitzero"       call:"guardduty:GetDetector"`
	Frequency     model.Attr[string]            `json:"frequency,omitzero"     call:"guardduty:GetDetector"` // with which findings are published again: FIFTEEN_MINUTES, ONE_HOUR, SIX_HOURS
	Features      model.Attr[map[string]bool]   `json:"features,omitzero"      call:"guardduty:GetDetector"` // enabled or not: S3_DATA_EVENTS, RUNTIME_MONITORING, RUNTIME_MONITORING/EC2_AGENT_MANAGEMENT, ...
	Tags          model.Attr[map[string]string] `json:"tags,omitzero"          call:"guardduty:GetDetector"`
	Administrator model.Attr[string]            `json:"administrator,omitzero" call:"guardduty:GetAdministratorAccount"` // account that manages it; "" if none. Read of suspended ones only
}

func (*Region) Kind() model.Kind   { return "AWS::GuardDuty::Region" }
func (*Detector) Kind() model.Kind { return "AWS::GuardDuty::Detector" }
