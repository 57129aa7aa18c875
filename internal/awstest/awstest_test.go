package awstest_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"

	"awsscanner/internal/awstest"
)

// request is one as a client of the SDK makes it.
func request(service, op, region, url string, header http.Header) *http.Request {
	ctx := awsmiddleware.SetRegion(awsmiddleware.SetServiceID(context.Background(), service), region)
	ctx = middleware.WithOperationName(ctx, op)
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if header != nil {
		r.Header = header
	}
	return r
}

// The bucket of S3 stands in the host or in the path, the account of S3 Control in a header: requests about different ones are
// different, wherever it stands. What S3 says of the whole account it says in each region. The hosts of other services say nothing.
func TestRequestOf(t *testing.T) {
	account := http.Header{"X-Amz-Account-Id": {"111122223333"}}
	for _, test := range []struct {
		service, url string
		header       http.Header
		want         string // region and parameters
	}{
		{"S3", "https://acme-logs.s3.eu-central-1.amazonaws.com/?policy=", nil, "eu-central-1/acme-logs?policy="},
		{"S3", "https://acme-logs.s3-fips.dualstack.us-east-1.amazonaws.com/?policy=", nil, "eu-central-1/acme-logs?policy="},
		{"S3", "https://s3.eu-central-1.amazonaws.com/acme-logs?policy=", nil, "eu-central-1/acme-logs?policy="},
		{"S3", "https://s3.eu-central-1.amazonaws.com/acme.logs?policy=", nil, "eu-central-1/acme.logs?policy="},
		{"S3", "http://127.0.0.1:5000/acme-logs?policy=", nil, "eu-central-1/acme-logs?policy="},
		{"S3", "https://acme-logs.s3.eu-central-1.amazonaws.com/a/key?acl=", nil, "eu-central-1/acme-logs/a/key?acl="},
		{"S3", "https://s3.eu-central-1.amazonaws.com/?max-buckets=10000&x-id=ListBuckets", nil, "/?max-buckets=10000&x-id=ListBuckets"},
		{"S3", "https://acme-logs.s3.cn-north-1.amazonaws.com.cn/", nil, "eu-central-1/acme-logs"},
		{"S3 Control", "https://111122223333.s3-control.eu-central-1.amazonaws.com/v20180820/configuration/publicAccessBlock", account, "/111122223333/v20180820/configuration/publicAccessBlock"},
		{"S3 Control", "http://127.0.0.1:5000/v20180820/configuration/publicAccessBlock", account, "/111122223333/v20180820/configuration/publicAccessBlock"},
		{"Lambda", "https://acme.s3.eu-central-1.amazonaws.com/2015-03-31/functions/", account, "eu-central-1/2015-03-31/functions/"},
	} {
		q, err := awstest.RequestOf(request(test.service, "Op", "eu-central-1", test.url, test.header))
		if err != nil || q.Region+q.Params != test.want {
			t.Errorf("%s: %q, %v, want %q", test.url, q.Region+q.Params, err, test.want)
		}
	}
}

type replies func(*http.Request) (*http.Response, error)

func (f replies) Do(r *http.Request) (*http.Response, error) { return f(r) }

// An error has the form of its protocol.
func TestError(t *testing.T) {
	for op, want := range map[string]string{
		"S3 ListBuckets":                  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code>",
		"S3 Control GetPublicAccessBlock": "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>",
		"SQS ListQueues":                  `{"__type":"AccessDeniedException"`,
	} {
		i := len(op) - 1
		for op[i] != ' ' {
			i--
		}
		faults := &awstest.Faults{Fault: func(awstest.Request) awstest.Kind { return awstest.Denied }, Client: replies(func(*http.Request) (*http.Response, error) { return nil, errors.New("asked") })}
		res, err := faults.Do(request(op[:i], op[i+1:], "eu-central-1", "https://x.amazonaws.com/", nil))
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(want))
		if res.Body.Read(got); string(got) != want {
			t.Errorf("%s: %s", op, got)
		}
	}
}
