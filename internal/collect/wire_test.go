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
