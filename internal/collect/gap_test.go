package collect

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"awsscanner/internal/model"
)

// What AWS says to a member of an organization, and what stands in the way of credentials, is no matter of the policy about the call.
func TestGapOf(t *testing.T) {
	api := func(code, message string) error { return &smithy.GenericAPIError{Code: code, Message: message} }
	within := func(service, op string, err error) error {
		return &smithy.OperationError{ServiceID: service, OperationName: op, Err: fmt.Errorf("get credentials: %w", err)}
	}
	const told = "only the management account or a delegated administrator of the organization is told "
	for _, test := range []struct {
		err    error
		reason model.Reason
		detail string
	}{
		{within("SQS", "ListQueues", api("AccessDenied", "no")), model.AccessDenied, "AccessDenied: no"},
		{within("SQS", "ListQueues", within("STS", "AssumeRole", api("AccessDenied", "no"))), model.CallFailed, "its credentials could not be renewed: AccessDenied: no"},
		{within("SQS", "ListQueues", within("STS", "AssumeRole", api("Throttling", "slow"))), model.Throttled, "its credentials could not be renewed: Throttling: slow"},
		{within("SQS", "ListQueues", within("SSO", "GetRoleCredentials", context.DeadlineExceeded)), model.TimedOut, "its credentials could not be renewed: no answer in time"},
		{api("AccessDeniedException", askedByMember), model.OutsideScan, told + "(AccessDeniedException: " + askedByMember + ")"},
		{api("AccessDeniedException", "User: x is not authorized to perform: organizations:ListRoots"), model.AccessDenied,
			"AccessDeniedException: User: x is not authorized to perform: organizations:ListRoots"},
		{api("AccountNotManagementOrDelegatedAdministrator", ""), model.OutsideScan, told + "(AccountNotManagementOrDelegatedAdministrator)"},
		{api("AccessDenied", "no \x1b[31m\u202e\u2028 on\nx"), model.AccessDenied, "AccessDenied: no \ufffd[31m\ufffd on x"},
		{api("AccessDenied", strings.Repeat("é", 200)), model.AccessDenied, "AccessDenied: " + strings.Repeat("é", 143) + "…"},
		{api("AccessDenied", "x"+strings.Repeat("é", 200)), model.AccessDenied, "AccessDenied: x" + strings.Repeat("é", 142) + "…"},
		{model.Missing{Gap: &model.Gap{Reason: model.OutsideScan, Call: "kms:DescribeKey"}}, model.OutsideScan, "needs kms:DescribeKey"},
		{model.Missing{Gap: &model.Gap{Reason: model.AccessDenied, Call: "lambda:GetPolicy", Detail: "needs lambda:ListAliases"}}, model.AccessDenied, "needs lambda:ListAliases"},
	} {
		if g := GapOf("x:Y", test.err); g.Reason != test.reason || g.Detail != test.detail || g.Call != "x:Y" {
			t.Errorf("%v: %s: %s, want %s: %s", test.err, g.Reason, g.Detail, test.reason, test.detail)
		}
	}
}
