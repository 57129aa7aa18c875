package session

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/account"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"golang.org/x/time/rate"

	"awsscanner/internal/awstest"
	"awsscanner/internal/collect"
	"awsscanner/internal/model"
)

type answer func(*http.Request) (*http.Response, error)

func (f answer) Do(r *http.Request) (*http.Response, error) { return f(r) }

// Each protocol says in its own way that it was too much; all of them are waited for, counted and told apart from other errors.
func TestThrottledInAnyProtocol(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		header http.Header
		body   string
		call   func(aws.Config) error
	}{
		"json":          {400, nil, `{"__type":"com.amazonaws.sqs#RequestThrottled","message":"m"}`, listQueues},
		"json as query": {400, http.Header{"X-Amzn-Query-Error": {"KMS.ThrottlingException;Sender"}}, `{"__type":"com.amazonaws.sqs#KmsThrottled"}`, listQueues},
		"query": {400, nil, `<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>`, func(cfg aws.Config) error {
			_, err := sts.NewFromConfig(cfg).GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{})
			return err
		}},
		"ec2":               {503, nil, `<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>m</Message></Error></Errors></Response>`, describeRegions},
		"ec2, client":       {400, nil, `<Response><Errors><Error><Code>Client.RequestLimitExceeded</Code><Message>m</Message></Error></Errors></Response>`, describeRegions},
		"rest":              {429, http.Header{"X-Amzn-Errortype": {"TooManyRequestsException"}}, `{"message":"m"}`, listRegions},
		"no code":           {503, nil, ``, describeRegions},
		"no code, a page":   {429, nil, `<html>slow down</html>`, listQueues},
		"rest without code": {429, nil, ``, listRegions},
	} {
		synctest.Test(t, func(t *testing.T) {
			cfg, wire := collect.Watch(awstest.Config("eu-central-1", answer(func(r *http.Request) (*http.Response, error) {
				h := http.Header{}
				maps.Copy(h, c.header)
				return &http.Response{StatusCode: c.status, Header: h, Body: io.NopCloser(strings.NewReader(c.body)), Request: r}, nil
			})), collect.Agent{Version: "test"})
			err := c.call(cfg)
			if g := collect.GapOf("x:Y", err); g.Reason != model.Throttled || wire.Sent() != 8 || wire.Throttled() != 8 {
				t.Errorf("%s: %s after %d requests, of which %d count as throttled: %v", name, g.Reason, wire.Sent(), wire.Throttled(), err)
			}
		})
	}
}

func listQueues(cfg aws.Config) error {
	_, err := sqs.NewFromConfig(cfg).ListQueues(context.Background(), &sqs.ListQueuesInput{})
	return err
}

func describeRegions(cfg aws.Config) error {
	_, err := ec2.NewFromConfig(cfg).DescribeRegions(context.Background(), &ec2.DescribeRegionsInput{})
	return err
}

func listRegions(cfg aws.Config) error {
	_, err := account.NewFromConfig(cfg).ListRegions(context.Background(), &account.ListRegionsInput{})
	return err
}

// What a session asks before a scan pays like everything else: who is calling, which accounts and regions there are, and the keys of roles.
func TestSessionPays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var last time.Time
		seen := map[string]int{}
		c := &cloud{answer: func(op, _ string) string {
			switch op {
			case "sts:GetCallerIdentity":
				return strings.ReplaceAll(caller("111111111111"), "aws-us-gov", "aws")
			case "sts:AssumeRole":
				return keys("ROLE", time.Now().Add(time.Hour))
			case "organizations:ListAccounts":
				return `{"Accounts":[{"Id":"111111111111","State":"ACTIVE"}]}`
			case "account:ListRegions":
				return "!AccessDeniedException no"
			}
			return ``
		}}
		traced := map[string]string{}
		agent := collect.Agent{Version: "1.2.3", Limit: rate.NewLimiter(1, 1), Done: func(d collect.Done) {
			mu.Lock()
			defer mu.Unlock()
			traced[d.Service+":"+d.Operation] += d.Account + d.Outcome + " "
		}}
		cfg := awstest.Config("us-west-2", answer(func(r *http.Request) (*http.Response, error) {
			q, err := awstest.RequestOf(r)
			if err != nil {
				return nil, err
			}
			mu.Lock()
			now := time.Now()
			if !last.IsZero() && now.Sub(last) < time.Second-time.Microsecond {
				t.Errorf("%s comes %s after the request before", q.Op, now.Sub(last))
			}
			last = now
			seen[q.Op]++
			first := seen[q.Op] == 1
			mu.Unlock()
			if !strings.Contains(r.Header.Get("User-Agent"), "scanner/1.2.3") {
				t.Errorf("%s comes from %s", q.Op, r.Header.Get("User-Agent"))
			}
			if first { // so that there is a second attempt
				return nil, errors.New("connection reset")
			}
			return c.Do(r)
		}))
		base, err := Open(t.Context(), cfg, agent)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := base.Members(t.Context(), Pick{}); err != nil {
			t.Error(err)
		}
		role, err := base.Assume(t.Context(), Role{ARN: "arn:aws:iam::111111111111:role/scan"})
		if err != nil {
			t.Fatal(err)
		}
		role.Regions(t.Context())
		for op, want := range map[string]int{"sts:GetCallerIdentity": 3, "sts:AssumeRole": 2, "organizations:ListAccounts": 2, "account:ListRegions": 2, "ec2:DescribeRegions": 2} {
			if seen[op] != want {
				t.Errorf("%s was asked %d times, want %d", op, seen[op], want)
			}
		}
		for op, want := range map[string]string{"sts:GetCallerIdentity": "ok ok ", "sts:AssumeRole": "111111111111ok ", "account:ListRegions": "111111111111AccessDeniedException "} {
			if traced[op] != want {
				t.Errorf("%s: traced %q, want %q", op, traced[op], want)
			}
		}
	})
}
