package collect

import (
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// throttleCode matches the codes that mean too many requests in too short a time, beyond those that the SDK knows. Codes that end in LimitExceeded
// are mostly about how many resources there may be, for which no waiting helps: of them only rates count.
var throttleCode = regexp.MustCompile(`Throttl|^TooManyRequests?(Exception|Error)?$|^SlowDown(Exception)?$|Rate(LimitExceeded|Exceeded|Limit)(Exception|Error)?$|` +
	`^RequestLimitExceeded(Exception)?$|^ClientLimitExceededException$|ProvisionedThroughputExceeded`)

// throttles tells whether an error code, or an HTTP status, means that too much was asked. It is the only place that does.
func throttles(code string, status int) bool {
	code = strings.TrimPrefix(code, "Client.") // so EC2 wrote its codes, and some that imitate it still do
	if _, ok := retry.DefaultThrottleErrorCodes[code]; ok || throttleCode.MatchString(code) {
		return true
	}
	switch status {
	case http.StatusTooManyRequests, 509: // 509, bandwidth limit exceeded, is in no RFC
		return true
	case http.StatusServiceUnavailable: // without a code: S3 cannot tell one to who asks for headers only, and others have no time to
		return code == "" || code == "UnknownError"
	}
	return false
}

func isThrottle(err error) bool {
	var api smithy.APIError
	var response *smithyhttp.ResponseError
	code, status := "", 0
	if errors.As(err, &response) && response.Response != nil && response.Response.Response != nil {
		status = response.HTTPStatusCode()
	}
	if errors.As(err, &api) {
		code = api.ErrorCode()
	}
	return throttles(code, status)
}
