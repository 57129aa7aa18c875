package collect_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"golang.org/x/time/rate"

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
		{"s3:GetBucketVersioning", `<?xml version="1.0"?><GetBucketVersioningResponse xmlns="x"/>`, ""},
		{"s3:GetBucketVersioning", "<GetBucketVersioningResponse><Status>Enabled</Status></GetBucketVersioningResponse>", ""},
		{"s3:GetBucketVersioning", "<GetBucketVersioningResponse><Status>Enabled</Status>", "cut off"},
		{"s3:GetBucketVersioning", "<html><body/></html>", "<html>, not a <VersioningConfiguration>"},
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

func listQueues(cfg aws.Config) error {
	_, err := sqs.NewFromConfig(cfg).ListQueues(context.Background(), &sqs.ListQueuesInput{})
	return err
}

// A call is told of once, with all its attempts and without anything that it asked or was answered.
func TestTrace(t *testing.T) {
	for want, answers := range map[string][]string{
		`"attempts":1,"outcome":"ok","status":200,"throttles":0`:                    {`{"QueueUrls":["https://payload"]}`},
		`"attempts":3,"outcome":"ok","status":200,"throttles":2`:                    {`400 {"__type":"ThrottlingException"}`, `400 {"__type":"ThrottlingException"}`, `{}`},
		`"attempts":8,"outcome":"ThrottlingException","status":400,"throttles":8`:   {`400 {"__type":"ThrottlingException","message":"payload"}`},
		`"attempts":1,"outcome":"AccessDeniedException","status":400,"throttles":0`: {`400 {"__type":"AccessDeniedException","message":"payload"}`},
		`"attempts":1,"outcome":"failed","status":400,"throttles":0`:                {`400 {"__type":"some payload, no code"}`},
		`"attempts":3,"outcome":"garbled","status":200,"throttles":0`:               {`<html>payload</html>`},
		`"attempts":3,"outcome":"timed-out","throttles":0`:                          {`hang`},
		`"attempts":1,"outcome":"stopped","throttles":0`:                            {`stop`},
		`"attempts":2,"outcome":"stopped","throttles":1`:                            {`400 {"__type":"ThrottlingException"}`, `stop`},
		`"attempts":8,"outcome":"failed","throttles":0`:                             {`reset`},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			n := 0
			var out bytes.Buffer
			trace := collect.NewTrace(&out, func(err error) { t.Error(err) })
			cfg, wire := collect.Watch(awstest.Config("eu-central-1", answer(func(r *http.Request) (*http.Response, error) {
				a := answers[min(n, len(answers)-1)]
				n++
				switch a {
				case "stop":
					cancel()
					fallthrough
				case "hang":
					<-r.Context().Done()
					return nil, r.Context().Err()
				case "reset":
					return nil, fmt.Errorf("10.0.0.1: %w", syscall.ECONNRESET)
				}
				if rest, ok := strings.CutPrefix(a, "400 "); ok {
					return respond(r, 400, rest), nil
				}
				return respond(r, 200, a), nil
			})), collect.Agent{Version: "test", Done: trace.Done})
			wire.Account = "111122223333"
			start := time.Now()
			_, err := sqs.NewFromConfig(cfg).ListQueues(ctx, &sqs.ListQueuesInput{QueueNamePrefix: aws.String("payload")})
			whole := fmt.Sprintf(`{"time":%q,"account":"111122223333","service":"sqs","operation":"ListQueues","region":"eu-central-1","durationMs":%v,%s}`+"\n",
				start.UTC().Format(time.RFC3339Nano), float64(time.Since(start).Microseconds())/1000, want)
			if out.String() != whole {
				t.Errorf("got %swant %s%v", &out, whole, err)
			}
		})
	}
}

// Lines of many goroutines do not mix; the first that cannot be written is the last, and said once.
func TestTraceWriting(t *testing.T) {
	var out bytes.Buffer
	trace := collect.NewTrace(&out, func(err error) { t.Error(err) })
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() { trace.Done(collect.Done{Service: "sqs"}) })
	}
	all.Wait()
	d, n := json.NewDecoder(&out), 0
	for ; d.More(); n++ {
		var line collect.Done
		if err := d.Decode(&line); err != nil || line.Service != "sqs" {
			t.Fatalf("%+v: %v", line, err)
		}
	}
	if n != 100 {
		t.Errorf("%d lines", n)
	}
	said := 0
	trace = collect.NewTrace(full{}, func(error) { said++ })
	trace.Done(collect.Done{})
	trace.Done(collect.Done{})
	if said != 1 {
		t.Errorf("said %d times that nothing can be written", said)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// Whatever is asked, every attempt waits for --max-rps and says who asks.
func TestEveryAttemptPays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var last time.Time
		n := 0
		cfg, wire := collect.Watch(awstest.Config("eu-central-1", answer(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			now := time.Now()
			if n++; n > 1 && now.Sub(last) < 2*time.Second-time.Microsecond { // rounding
				t.Errorf("request %d after %s", n, now.Sub(last))
			}
			last = now
			if !strings.Contains(r.Header.Get("User-Agent"), "scanner/1.2.3") {
				t.Errorf("request %d of %s", n, r.Header.Get("User-Agent"))
			}
			switch n % 4 {
			case 0:
				return nil, syscall.ECONNRESET
			case 1:
				return respond(r, 500, ""), nil
			case 2:
				return respond(r, 200, "<html>"), nil
			}
			return respond(r, 400, `{"__type":"ThrottlingException"}`), nil
		})), collect.Agent{Version: "1.2.3", Limit: rate.NewLimiter(0.5, 1)})
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() { listQueues(cfg) })
		}
		all.Wait()
		if n < 20 || wire.Sent() != n {
			t.Errorf("%d requests, %d counted", n, wire.Sent())
		}
	})
}
