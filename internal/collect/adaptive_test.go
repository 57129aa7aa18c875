package collect

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"awsscanner/internal/awstest"
)

// Do answers as SQS does, after 50 ms.
func (s *server) Do(r *http.Request) (*http.Response, error) {
	op := map[string]int{"AmazonSQS.ListQueues": 0, "AmazonSQS.GetQueueAttributes": 1, "AmazonSQS.ListQueueTags": 2, "AmazonSQS.ListDeadLetterSourceQueues": 3}[r.Header.Get("X-Amz-Target")]
	status, body := 200, `{}`
	if !s.take(s.of[op]...) {
		status, body = 400, `{"__type":"ThrottlingException","message":"Rate exceeded"}`
		s.mu.Lock()
		s.throttled++
		s.mu.Unlock()
	}
	time.Sleep(50 * time.Millisecond)
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// awake waits for tokens of the adaptive retryer, which itself would wait for no time at all when a token is all but there:
// for ever, by the clock of synctest.
type awake struct{ *retry.AdaptiveMode }

func (a awake) GetAttemptToken(ctx context.Context) (func(error) error, error) {
	for {
		if release, err := a.AdaptiveMode.GetAttemptToken(ctx); err == nil {
			return release, nil
		}
		time.Sleep(20 * time.Millisecond)
	}
}

var withAdaptive = flag.Bool("adaptive", false, "measure the limiter against the adaptive retryer of the SDK")

// The wire is done sooner than the SDK's adaptive retryer, over all the ways in which AWS counts, and loses no call. If that changes with a new
// version of the SDK, the limiter can go. The figures in docs/architecture.md come from make adaptive.
func TestLimiterOrAdaptive(t *testing.T) {
	if !*withAdaptive {
		t.Skip("compares two ways to pace for a quarter of a minute: make adaptive")
	}
	type outcome struct {
		took              time.Duration
		failed, throttled int
	}
	var total, adaptive time.Duration
	for _, w := range []world{
		{name: "1 operation, 20/s", ops: 1, own: 20},
		{name: "4 operations, 20/s each", ops: 4, own: 20},
		{name: "4 operations, 20/s together", ops: 4, shared: 20},
		{name: "4 operations, 5/s together", ops: 4, shared: 5},
		{name: "3 operations with 50/s each, 1 with 2/s", ops: 4, own: 50, slow: 2},
	} {
		measure := func(watch func(aws.Config) aws.Config) (o outcome) {
			synctest.Test(t, func(t *testing.T) {
				s := w.server()
				c := sqs.NewFromConfig(watch(awstest.Config("eu-central-1", s)))
				calls := []func() error{
					func() error { _, err := c.ListQueues(t.Context(), &sqs.ListQueuesInput{}); return err },
					func() error {
						_, err := c.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: aws.String("q")})
						return err
					},
					func() error {
						_, err := c.ListQueueTags(t.Context(), &sqs.ListQueueTagsInput{QueueUrl: aws.String("q")})
						return err
					},
					func() error {
						_, err := c.ListDeadLetterSourceQueues(t.Context(), &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: aws.String("q")})
						return err
					},
				}
				start := time.Now()
				var mu sync.Mutex
				var all sync.WaitGroup
				for op := range w.ops {
					// Each operation has work for two minutes of what AWS allows.
					n := int(120 * w.allowed() / float64(w.ops))
					if w.slow > 0 {
						n = int(120 * w.own)
						if op == 0 {
							n = int(120 * w.slow)
						}
					}
					queue := make(chan func() error)
					go func() {
						defer close(queue)
						for range n {
							queue <- calls[op]
						}
					}()
					for range concurrency / w.ops {
						all.Go(func() {
							for call := range queue {
								if err := call(); err != nil {
									mu.Lock()
									o.failed++
									mu.Unlock()
								}
							}
						})
					}
				}
				all.Wait()
				o.took, o.throttled = time.Since(start), s.throttled
			})
			return o
		}
		ours := measure(func(cfg aws.Config) aws.Config {
			cfg, _ = Watch(cfg, Agent{Version: "test"})
			return cfg
		})
		theirs := measure(func(cfg aws.Config) aws.Config {
			cfg.Retryer = func() aws.Retryer {
				return awake{retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
					o.FailOnNoAttemptTokens = true
					o.StandardOptions = append(o.StandardOptions, func(o *retry.StandardOptions) {
						o.MaxAttempts, o.MaxBackoff, o.RateLimiter = 10, maxBackoff, ratelimit.None
					})
				})}
			}
			return cfg
		})
		show := func(o outcome) string {
			return fmt.Sprintf("%4.0f s, %3d lost, %4d throttles", o.took.Seconds(), o.failed, o.throttled)
		}
		t.Logf("%-40s limiter: %s; adaptive: %s", w.name, show(ours), show(theirs))
		if ours.failed > 0 {
			t.Errorf("%s: the limiter loses %d calls", w.name, ours.failed)
		}
		total += ours.took
		adaptive += theirs.took
	}
	if total > adaptive {
		t.Errorf("the limiter takes %s in all, and the adaptive retryer %s", total, adaptive)
	}
}
