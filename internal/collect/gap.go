package collect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"syscall"
	"unicode"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"awsscanner/internal/model"
)

// GapOf classifies an error, for all services in one place.
func GapOf(call string, err error) *model.Gap {
	g := &model.Gap{Reason: model.CallFailed, Call: call, Detail: Detail(err)}
	var missing model.Missing
	var api smithy.APIError
	var response *smithyhttp.ResponseError
	var timeout net.Error
	status := 0
	if errors.As(err, &response) && response.Response != nil && response.Response.Response != nil {
		status = response.HTTPStatusCode()
	}
	switch {
	case errors.As(err, &missing): // something it needs
		g.Reason, g.Detail = missing.Gap.Reason, missing.Gap.Detail // which names what comes first, if it needs something itself
		if !strings.HasPrefix(g.Detail, model.Needs) {
			g.Detail = model.Needs + cmp.Or(missing.Gap.Call, "what an earlier answer left out")
		}
	case errors.As(err, &api):
		g.Reason = reasonOf(api.ErrorCode(), api.ErrorMessage(), status)
	case errors.Is(err, context.Canceled):
		g.Reason = model.Stopped
	case errors.Is(err, errSilence), errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		g.Reason = model.TimedOut
	case status != 0:
		g.Reason = reasonOf("", "", status)
	}
	switch _, _, nested := FailedOperation(err); {
	case nested: // no policy about the call itself would help
		g.Detail = "its credentials could not be renewed: " + g.Detail
		if g.Reason.Denied() {
			g.Reason = model.CallFailed
		}
	case g.Reason == model.OutsideScan && missing.Gap == nil:
		g.Detail = "only the management account or a delegated administrator of the organization is told (" + g.Detail + ")"
	}
	return g
}

// FailedOperation tells the service and the operation that failed: "STS", "AssumeRole". It is nested if it should have given credentials to
// another one.
func FailedOperation(err error) (service, operation string, nested bool) {
	for op := (*smithy.OperationError)(nil); errors.As(err, &op); err = op.Err {
		nested = service != ""
		service, operation = op.Service(), op.Operation()
	}
	return service, operation, nested
}

// credentials are codes about who is calling, which come with the status of a denial too.
var credentials = regexp.MustCompile(`^(ExpiredToken(Exception)?|RequestExpired|InvalidClientTokenId|UnrecognizedClientException|AuthFailure|SignatureDoesNotMatch|InvalidSignatureException|MissingAuthenticationToken(Exception)?|InvalidAccessKeyId|IncompleteSignature)$`)

// reasonOf classifies an error code and, where that says nothing, an HTTP status.
func reasonOf(code, message string, status int) model.Reason {
	switch {
	case credentials.MatchString(code):
		return model.CallFailed
	case throttles(code, status):
		return model.Throttled
	case code == "OptInRequired", code == "SubscriptionRequiredException", code == "NotSubscribed":
		return model.NotSubscribed
	case code == "RegionDisabledException", code == "InvalidAccessException":
		return model.NotEnabled
	case strings.HasPrefix(code, "AccountNotManagementOrDelegatedAdministrator"), code == "AccessDeniedException" && message == askedByMember:
		return model.OutsideScan
	case strings.Contains(code, "AccessDenied"), strings.HasPrefix(code, "Unauthorized"), strings.HasPrefix(code, "AuthorizationError"),
		code == "NotAuthorized", code == "NotAuthorizedException", strings.HasPrefix(code, "Forbidden"), status == http.StatusForbidden:
		switch {
		case strings.Contains(message, "service control policy"):
			return model.AccessDeniedSCP
		case strings.Contains(message, "resource-based policy"):
			return model.AccessDeniedResource
		}
		return model.AccessDenied
	}
	return model.CallFailed
}

// askedByMember is what AWS Organizations answers to a member account, whatever its policies allow: its operations other than DescribeOrganization are for
// the management account and delegated administrators. Somebody there whom a policy denies reads "... is not authorized to perform: ...".
const askedByMember = "You don't have permissions to access this resource."

// What no two equal errors share, or what tells more than the reader needs.
var (
	requestID = regexp.MustCompile(`(?i)[\s,;(]*\b(request|host) ?id:? *[\w+/=-]+\)?`)
	encoded   = regexp.MustCompile(`(?i)\s*Encoded authorization failure message: *[\w+/=-]*`)
	hosts     = regexp.MustCompile(`\b[a-z0-9.-]+\.(amazonaws\.com(\.cn)?|amazonaws\.eu|api\.amazonwebservices\.(com\.cn|eu)|api\.aws(\.ic\.gov|\.hci\.ic\.gov|\.scloud)?|` +
		`c2s\.ic\.gov|sc2s\.sgov\.gov|csp\.hci\.ic\.gov|(api\.cloud-aws|cloud)\.adc-e\.uk)(:\d+)?\b`)
)

const longestDetail = 300

// visible is what is shown of a character: an answer may repeat a name that somebody chose, and goes to terminals too.
func visible(c rune) rune {
	if unicode.IsControl(c) || unicode.In(c, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
		return unicode.ReplacementChar
	}
	return c
}

// Detail returns the code and message of an error, in one line, without request IDs, encoded blobs and hosts.
func Detail(err error) string {
	var api smithy.APIError
	var answer answerError
	var garbled *smithy.DeserializationError
	var dns *net.DNSError
	var errno syscall.Errno
	var u *url.Error
	var response *smithyhttp.ResponseError
	text := ""
	switch {
	case errors.As(err, &api) && api.ErrorCode() != "UnknownError":
		text = api.ErrorCode()
		if api.ErrorMessage() != "" {
			text += ": " + api.ErrorMessage()
		}
	case errors.As(err, &response) && response.HTTPStatusCode() >= 300:
		text = fmt.Sprintf("HTTP status %d without an error code", response.HTTPStatusCode())
	case errors.As(err, &answer):
		text = answer.Error()
	case errors.As(err, &garbled):
		text = "the answer cannot be decoded: " + garbled.Err.Error()
	case errors.As(err, &dns):
		text = "the endpoint's name cannot be resolved"
	case errors.As(err, &errno):
		text = errno.Error()
	case errors.As(err, &u):
		text = u.Err.Error()
	case errors.Is(err, errSilence), errors.Is(err, context.DeadlineExceeded):
		text = errSilence.Error()
	default:
		for inner := err; inner != nil; inner = errors.Unwrap(inner) {
			text = inner.Error()
		}
	}
	text = encoded.ReplaceAllString(requestID.ReplaceAllString(text, ""), "")
	text = hosts.ReplaceAllString(text, "the endpoint")
	text = strings.Map(visible, strings.Join(strings.Fields(text), " "))
	if len(text) > longestDetail {
		text = strings.ToValidUTF8(text[:longestDetail], "") + "…"
	}
	return text
}
