// Package cloudformation holds the resources of AWS CloudFormation.
package cloudformation

import (
	"strings"
	"time"

	"awsscanner/internal/model"
)

// A Stack is a stack that is not deleted. Its ID is its ARN.
type Stack struct {
	model.Meta   `call:"cloudformation:DescribeStacks"`
	Status       model.Attr[string]            `json:"status,omitzero"       call:"cloudformation:DescribeStacks"`
	StatusReason model.Attr[string]            `json:"statusReason,omitzero" call:"cloudformation:DescribeStacks"` // "" if none
	Root         model.Attr[string]            `json:"root,omitzero"         call:"cloudformation:DescribeStacks"` // ID of the root stack; "" unless nested
	Began        model.Attr[time.Time]         `json:"began,omitzero"        call:"cloudformation:DescribeStacks"` // when the last operation began, or earlier: a resumed rollback does not show
	Tags         model.Attr[map[string]string] `json:"tags,omitzero"         call:"cloudformation:DescribeStacks"`
	Topics       model.Attr[[]string]          `json:"topics,omitzero"       call:"cloudformation:DescribeStacks" ref:"AWS::SNS::Subscribers"` // ARNs that its events are sent to
	Protected    model.Attr[bool]              `json:"protected,omitzero"    call:"cloudformation:DescribeStacks"`                             // from deletion; of a nested stack it says nothing
	Role         model.Attr[string]            `json:"role,omitzero"         call:"cloudformation:DescribeStacks"`                             // ARN; "" if it changes with the rights of whoever changes it
	Drift        model.Attr[string]            `json:"drift,omitzero"        call:"cloudformation:DescribeStacks"`                             // IN_SYNC, DRIFTED, UNKNOWN or NOT_CHECKED
	DriftChecked model.Attr[time.Time]         `json:"driftChecked,omitzero" call:"cloudformation:DescribeStacks"`                             // zero if never
	Since        model.Attr[time.Time]         `json:"since,omitzero"        call:"cloudformation:DescribeStackEvents"`                        // when it came into its status; zero if no event tells
	Failures     model.Attr[[]Failure]         `json:"failures,omitzero"     call:"cloudformation:DescribeStackEvents"`                        // of the last operation, oldest first
}

// A Failure is a resource that could not be created, updated or deleted.
type Failure struct {
	LogicalID string    `json:"logicalId"`
	Type      string    `json:"type"`
	Status    string    `json:"status"`
	Reason    string    `json:"reason"`
	Time      time.Time `json:"time"`
}

func (*Stack) Kind() model.Kind { return "AWS::CloudFormation::Stack" }

// EventsRead reports whether the events of a stack in this status are read: if it has failed, or is on its way
// back from a failure. A rollback can be resumed long after the update that failed, and only events tell when.
func EventsRead(status string) bool {
	return Failed(status) || strings.Contains(status, "ROLLBACK") && strings.HasSuffix(status, "_IN_PROGRESS")
}

// Failed reports whether a stack in this status stays there until somebody acts.
func Failed(status string) bool {
	return strings.HasSuffix(status, "_FAILED") || status == "ROLLBACK_COMPLETE"
}
