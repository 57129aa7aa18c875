package collect

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"awsscanner/internal/awstest"
	"awsscanner/internal/model"
)

// Error codes out of the data of botocore 1.43.11 (2026-11): those of _retry.json, of its table of throttles, of the shapes with retryable.throttling or a
// name that says as much in the service models, and those with HTTP status 429 in any of them.
var (
	throttling = []string{
		"Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException", "TooManyRequestsException", "ProvisionedThroughputExceededException",
		"TransactionInProgressException", "RequestLimitExceeded", "BandwidthLimitExceeded", "LimitExceededException", "RequestThrottled", "SlowDown", "PriorRequestNotComplete",
		"EC2ThrottledException", // the table
		"CallRateLimitExceededException", "ClientLimitExceededException", "DependencyThrottle", "DependentServiceRequestThrottlingFault", "EKSRequestThrottledException",
		"KMSThrottling", "KMSThrottlingException", "KMSThrottlingFault", "KmsThrottled", "KmsThrottlingException", "KMS.ThrottlingException", "LambdaThrottledException",
		"RateLimitError", "RateLimitExceededException", "RequestLimitExceededException", "ResourceProvisionedThroughputExceededException", "SlowDownException",
		"Throttled", "ThrottledClientException", "ThrottledRequestException", "TooManyRequestException", "TooManyRequests", "TooManyRequestsError", // models
		"Client.RequestLimitExceeded", "Client.Throttling", // as EC2 wrote them
	}
	// Codes that look alike, but are about how much there may be of something.
	limits = []string{
		"LimitExceeded", "ResourceLimitExceeded", "ResourceLimitExceededException", "ServiceLimitExceeded", "ServiceLimitExceededException", "AccountLimitExceededException",
		"TagLimitExceededException", "ConcurrentLimitExceededException", "ThroughputLimitExceeded", "InsufficientThroughputCapacity", "InvalidPerUnitStorageThroughput",
		"TooManyRequestedAttributes", "TimeLimitExceededException", "QueryLimitExceededException", "ReportGenerationLimitExceeded", "VersionsLimitExceededException",
		"AccessDenied", "ServiceUnavailable", "InternalFailure",
	}
)

func TestThrottleCodes(t *testing.T) {
	cfg, _ := Watch(awstest.Config("eu-central-1", nil), Agent{Version: "test"})
	for _, codes := range []struct {
		all  []string
		want bool
	}{{throttling, true}, {slices.Collect(maps.Keys(retry.DefaultThrottleErrorCodes)), true}, {limits, false}} {
		for _, code := range codes.all {
			err := failureOf(400, code)
			if isThrottle(err) != codes.want || (GapOf("x:Y", err).Reason == model.Throttled) != codes.want || cfg.Retryer().IsErrorRetryable(err) != codes.want {
				t.Errorf("%s: throttle %v, %s, retried %v; want %v", code, isThrottle(err), GapOf("x:Y", err).Reason, cfg.Retryer().IsErrorRetryable(err), codes.want)
			}
		}
	}
	for _, c := range []struct {
		status int
		code   string
		want   bool
	}{{429, "", true}, {429, "ServiceQuotaExceededException", true}, {503, "", true}, {503, "UnknownError", true}, {509, "", true}, {503, "ServiceUnavailable", false}, {500, "", false}, {403, "", false}} {
		err := failureOf(c.status, c.code)
		if isThrottle(err) != c.want || (GapOf("x:Y", err).Reason == model.Throttled) != c.want || c.want && !cfg.Retryer().IsErrorRetryable(err) {
			t.Errorf("%d %q: throttle %v, %s; want %v", c.status, c.code, isThrottle(err), GapOf("x:Y", err).Reason, c.want)
		}
	}
}

// failureOf is an error as SDK clients return it.
func failureOf(status int, code string) error {
	var err error = &smithy.GenericAPIError{Code: code, Message: "m"}
	if code == "" {
		err = errors.New("no code")
	}
	var response error = &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}}, Err: err}
	return fmt.Errorf("operation error: %w", response)
}
