package collect_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"awsscanner/internal/awstest"
	"awsscanner/internal/collect"
	"awsscanner/internal/model"
)

type answer func(*http.Request) (*http.Response, error)

func (f answer) Do(r *http.Request) (*http.Response, error) { return f(r) }

func respond(r *http.Request, status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
}

// The decoders of the SDK take many a garbled answer for an empty list. None may get through.
func TestAnswersThatSayNothing(t *testing.T) { synctest.Test(t, answersThatSayNothing) }

func answersThatSayNothing(t *testing.T) {
	const good = `{"QueueUrls":["u"]}`
	for body, want := range map[string]string{
		good: "", `{}`: "", "{}\n": "",
		``: "the answer is empty", "  \n": "the answer is empty",
		`null`: "no JSON object", `[]`: "no JSON object", `"x"`: "no JSON object", `<html></html>`: "no JSON object", good[:9]: "no JSON object", good + `}`: "no JSON object",
		`{"QueueUrls":5}`: "cannot be decoded",
	} {
		cfg, _ := collect.Watch(awstest.Config("eu-central-1", answer(func(r *http.Request) (*http.Response, error) { return respond(r, 200, body), nil })), collect.Agent{Version: "test"})
		_, err := sqs.NewFromConfig(cfg).ListQueues(t.Context(), &sqs.ListQueuesInput{})
		check(t, body, err, want)
	}
	const xml = `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`
	for body, want := range map[string]string{
		xml: "", `<?xml version="1.0"?>` + xml + "\n": "",
		``: "the answer is empty", `<html><body>hotel</body></html>`: "<html>", `<ListQueuesResponse></ListQueuesResponse>`: "<ListQueuesResponse>",
		xml[:60]: "cut off", `{}`: "no XML",
	} {
		cfg, _ := collect.Watch(awstest.Config("eu-central-1", answer(func(r *http.Request) (*http.Response, error) { return respond(r, 200, body), nil })), collect.Agent{Version: "test"})
		_, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		check(t, body, err, want)
	}
}

// The answers of S3 have a root of their own each, and one is JSON. An empty document may be a whole answer.
func TestAnswersOfS3(t *testing.T) { synctest.Test(t, answersOfS3) }

func answersOfS3(t *testing.T) {
	b := "b"
	ask := map[string]func(context.Context, *s3.Client) error{
		"s3:GetBucketAcl": func(ctx context.Context, c *s3.Client) error {
			_, err := c.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: &b})
			return err
		},
		"s3:GetBucketLifecycleConfiguration": func(ctx context.Context, c *s3.Client) error {
			_, err := c.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: &b})
			return err
		},
		"s3:GetBucketLogging": func(ctx context.Context, c *s3.Client) error {
			_, err := c.GetBucketLogging(ctx, &s3.GetBucketLoggingInput{Bucket: &b})
			return err
		},
		"s3:GetBucketOwnershipControls": func(ctx context.Context, c *s3.Client) error {
			_, err := c.GetBucketOwnershipControls(ctx, &s3.GetBucketOwnershipControlsInput{Bucket: &b})
			return err
		},
		"s3:GetBucketPolicy": func(ctx context.Context, c *s3.Client) error {
			_, err := c.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &b})
			return err
		},
		"s3:GetBucketVersioning": func(ctx context.Context, c *s3.Client) error {
			_, err := c.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &b})
			return err
		},
		"s3:ListBuckets": func(ctx context.Context, c *s3.Client) error {
			_, err := c.ListBuckets(ctx, &s3.ListBucketsInput{})
			return err
		},
		"s3:GetBucketWebsite": func(ctx context.Context, c *s3.Client) error {
			_, err := c.GetBucketWebsite(ctx, &s3.GetBucketWebsiteInput{Bucket: &b})
			return err
		},
	}
	for _, test := range []struct{ op, body, want string }{
		{"s3:ListBuckets", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListAllMyBucketsResult xmlns=\"x\"><Buckets/></ListAllMyBucketsResult>\n", ""},
		{"s3:ListBuckets", "<ListAllMyBucketsResult><Buckets><Bucket><Name>a</Name></Bucket>", "cut off"},
		{"s3:ListBuckets", "<ListAllMyBucketsResult><Buckets/>", "cut off"},
		{"s3:ListBuckets", "<ListBucketsResponse></ListBucketsResponse>", "<ListBucketsResponse>, not a <ListAllMyBucketsResult>"},
		{"s3:ListBuckets", "<Error><Code>InternalError</Code></Error>", "<Error>"},
		{"s3:ListBuckets", "", "the answer is empty"},
		{"s3:ListBuckets", "{}", "no XML"},
		{"s3:ListBuckets", "Welcome to the hotel", "no XML"},
		{"s3:GetBucketVersioning", `<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>`, ""},
		{"s3:GetBucketVersioning", "<VersioningConfiguration></VersioningConfiguration>", ""},
		{"s3:GetBucketVersioning", "<html><body/></html>", "<html>"},
		{"s3:GetBucketVersioning", "<VersioningConfiguration", "no XML"},
		{"s3:GetBucketLogging", `<BucketLoggingStatus />`, ""},
		{"s3:GetBucketLogging", ` `, "the answer is empty"},
		{"s3:GetBucketAcl", `<AccessControlPolicy><Owner/></AccessControlPolicy>`, ""},
		{"s3:GetBucketAcl", `<AccessControlPolicy><Owner/>`, "cut off"},
		{"s3:GetBucketLifecycleConfiguration", `<VersioningConfiguration/>`, "not a <LifecycleConfiguration>"},
		{"s3:GetBucketOwnershipControls", `null`, "no XML"},
		{"s3:GetBucketPolicy", `{"Statement":[]}`, ""},
		{"s3:GetBucketPolicy", `{"Statement":[`, "no JSON object"},
		{"s3:GetBucketPolicy", `"text"`, "no JSON object"},
		{"s3:GetBucketPolicy", `<Policy/>`, "no JSON object"},
		{"s3:GetBucketPolicy", "", "the answer is empty"},
		{"s3:GetBucketWebsite", `<WebsiteConfiguration/>`, "no JSON object"}, // until somebody says what its root is
	} {
		cfg, _ := collect.Watch(awstest.Config("eu-central-1", answer(func(r *http.Request) (*http.Response, error) { return respond(r, 200, test.body), nil })), collect.Agent{Version: "test"})
		check(t, test.op+" "+test.body, ask[test.op](t.Context(), s3.NewFromConfig(cfg)), test.want)
	}
}

func check(t *testing.T, body string, err error, want string) {
	t.Helper()
	if err == nil && want != "" || err != nil && (want == "" || !strings.Contains(collect.Detail(err), want)) {
		t.Errorf("%q: %v, want %s", body, err, want)
	}
}

// Throttles are waited for and counted, and AWS learns who is calling.
func TestThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, agent := 0, ""
		cfg, wire := collect.Watch(awstest.Config("eu-central-1", answer(func(r *http.Request) (*http.Response, error) {
			n++
			agent = r.Header.Get("User-Agent")
			if n < 6 {
				return respond(r, 400, `{"__type":"ThrottlingException","message":"Rate exceeded"}`), nil
			}
			return respond(r, 200, `{}`), nil
		})), collect.Agent{Version: "1.2.3"})
		if _, err := sqs.NewFromConfig(cfg).ListQueues(t.Context(), &sqs.ListQueuesInput{}); err != nil {
			t.Error(err)
		}
		if wire.Sent() != 6 || wire.Throttled() != 5 || wire.Calls()["sqs:ListQueues"] != 1 || !strings.Contains(agent, "scanner/1.2.3") {
			t.Errorf("%d sent, %d throttled, %v, User-Agent %s", wire.Sent(), wire.Throttled(), wire.Calls(), agent)
		}
	})
}

// Throttles alone never end a call by a quota, be there ever so many calls: each tries to the end.
func TestNoRetryQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		seen := map[string]int{}
		cfg, _ := collect.Watch(awstest.Config("eu-central-1", answer(func(r *http.Request) (*http.Response, error) {
			q, err := awstest.RequestOf(r)
			if err != nil {
				return nil, err
			}
			mu.Lock()
			defer mu.Unlock()
			if seen[q.Params]++; seen[q.Params] < 4 {
				return respond(r, 400, `{"__type":"ThrottlingException","message":"Rate exceeded"}`), nil
			}
			return respond(r, 200, `{"Attributes":{}}`), nil
		})), collect.Agent{Version: "test"})
		c := sqs.NewFromConfig(cfg)
		var all sync.WaitGroup
		for i := range 400 {
			all.Go(func() {
				url := strings.Repeat("q", i+1)
				if _, err := c.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
}

// An endpoint that takes the request and says nothing is a time-out, not a scan that hangs.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, _ := collect.Watch(awstest.Config("eu-central-1", answer(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})), collect.Agent{Version: "test"})
		start := time.Now()
		_, err := sqs.NewFromConfig(cfg).ListQueues(context.Background(), &sqs.ListQueuesInput{})
		if g := collect.GapOf("sqs:ListQueues", err); g.Reason != model.TimedOut || time.Since(start) > 2*time.Minute {
			t.Errorf("%v after %s", g, time.Since(start))
		}
	})
}

// An answer that is cut off or garbled once is asked for again; one that always is ends the call soon.
func TestSecondTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		cfg, _ := collect.Watch(awstest.Config("eu-central-1", answer(func(r *http.Request) (*http.Response, error) {
			n++
			return respond(r, 404, "<html></html>"), nil
		})), collect.Agent{Version: "test"})
		if _, err := sqs.NewFromConfig(cfg).ListQueues(t.Context(), &sqs.ListQueuesInput{}); err == nil || n != 1 {
			t.Errorf("an endpoint that does not know the operation was asked %d times: %v", n, err)
		}
		for _, bad := range []string{"", "<html></html>", `{"QueueUrls":5}`, `{"QueueUrls":["u`} {
			for _, times := range []int{1, 99} {
				n := 0
				cfg, _ := collect.Watch(awstest.Config("eu-central-1", answer(func(r *http.Request) (*http.Response, error) {
					if n++; n <= times {
						return respond(r, 200, bad), nil
					}
					return respond(r, 200, `{}`), nil
				})), collect.Agent{Version: "test"})
				_, err := sqs.NewFromConfig(cfg).ListQueues(t.Context(), &sqs.ListQueuesInput{})
				if want := min(times+1, 3); n != want || (err != nil) != (times > 1) {
					t.Errorf("%q %d times: %d requests, want %d: %v", bad, times, n, want, err)
				}
				if err != nil && collect.GapOf("sqs:ListQueues", err).Reason != model.CallFailed {
					t.Errorf("%q: %v", bad, err)
				}
			}
		}
	})
}
