// Package cloudformation holds the rules about AWS CloudFormation.
package cloudformation

import (
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/model/cloudformation"
)

// Rules lists every rule in this folder.
var Rules engine.Set

// beside says why what is set for a stack does not matter: it follows another one, or it is about to go. It is "" if it matters.
func beside(s *cloudformation.Stack) string {
	status := s.Status.Get()
	switch {
	case s.Root.Get() != "":
		return "is nested: its root stack decides"
	case strings.HasPrefix(s.Name, "StackSet-"):
		return "is an instance of a stack set, which decides"
	case status == "CREATE_IN_PROGRESS", status == "CREATE_FAILED", strings.HasPrefix(status, "REVIEW_"), strings.HasPrefix(status, "ROLLBACK_"):
		return "is " + status + ": it was never whole"
	case strings.HasPrefix(status, "DELETE_"):
		return "is " + status
	}
	return ""
}
