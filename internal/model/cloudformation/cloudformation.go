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
	Began        model.Attr[time.Time]         `json:"began,omitzero"        call:"cloudformation:DescribeStacks"` // when the last operation began
	Tags         model.Attr[map[string]string] `json:"tags,omitzero"         call:"cloudformation:DescribeStacks"`
	Since        model.Attr[time.Time]         `json:"since,omitzero"        call:"cloudformation:DescribeStackEvents"` // when it came into its status; zero if no event tells
	Failures     model.Attr[[]Failure]         `json:"failures,omitzero"     call:"cloudformation:DescribeStackEvents"` // of the last operation, oldest first
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

// Failed reports whether a stack in this status stays there until somebody acts. Of such
// stacks the events are read.
func Failed(status string) bool {
	return strings.HasSuffix(status, "_FAILED") || status == "ROLLBACK_COMPLETE"
}
