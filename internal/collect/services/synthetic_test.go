package services_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	accounts "github.com/aws/aws-sdk-go-v2/service/account"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/schemas"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/restxml"
	"github.com/aws/smithy-go/transport/http/protocol/rpcv2"

	"awsscanner/internal/awstest"
	"awsscanner/internal/collect"
	"awsscanner/internal/collect/services"
	"awsscanner/internal/collect/session"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/kinds"
)

var synthetic = map[string]int{"AWS::SQS::Queue": 1002, "AWS::Logs::LogGroup": 51, "AWS::SSM::Parameter": 101, "AWS::CertificateManager::Certificate": 1001,
	"AWS::CloudFormation::Stack": 101, "AWS::EC2::Volume": 1001, "AWS::EC2::Instance": 1001, "AWS::KMS::Key": 40, "AWS::CloudTrail::Trail": 2, "AWS::CloudTrail::EventDataStore": 3}

// serve starts a server, and returns a configuration of its first account.
func serve(t *testing.T, s *awstest.Synthetic) aws.Config {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	cfg := config(s, server.Client())
	cfg.BaseEndpoint = &server.URL
	return cfg
}

func config(s *awstest.Synthetic, client aws.HTTPClient) aws.Config {
	cfg := awstest.Config("eu-west-1", client)
	cfg.Credentials = credentials.NewStaticCredentialsProvider(s.Key(s.Account(0)), "any", "")
	return cfg
}

// scanSynthetic reads all that the collectors can of all accounts. It tells too how often a call was sent again, by operation: on a busy machine a
// connection breaks now and then.
func scanSynthetic(t *testing.T, s *awstest.Synthetic, cfg aws.Config) (snapshot *engine.Snapshot, again map[string]int) {
	t.Helper()
	again = map[string]int{}
	var mu sync.Mutex
	done := func(d collect.Done) {
		mu.Lock()
		defer mu.Unlock()
		if d.Attempts > 1 {
			again[d.Service+":"+d.Operation] += d.Attempts - 1
		}
	}
	reads := slices.DeleteFunc(everything(), func(read string) bool {
		typ, _, err := kinds.All.Resolve(read)
		return err != nil || synthetic[string(typ.Kind)] == 0 || strings.HasSuffix(read, ".Tags")
	})
	plan, err := collect.NewPlan(services.All, kinds.All, reads)
	if err != nil {
		t.Fatal(err)
	}
	base, err := session.Open(t.Context(), cfg, collect.Agent{Version: "test", Done: done})
	if err != nil {
		t.Fatal(err)
	}
	members, _, err := base.Members(t.Context(), session.Pick{})
	if err != nil {
		t.Fatal(err)
	}
	places := make([][]collect.At, len(members))
	h := engine.Header{Partition: base.Partition, Start: s.Start}
	for i, m := range members {
		sess := base
		if m.ID != base.Account {
			if sess, err = base.Assume(t.Context(), session.Role{ARN: "arn:aws:iam::" + m.ID + ":role/scan"}); err != nil {
				t.Fatal(err)
			}
		}
		for _, region := range sess.Regions(t.Context()).Enabled {
			places[i] = append(places[i], sess.At(region, s.Start))
			h.Read = append(h.Read, model.Place{Account: m.ID, Region: region})
		}
	}
	snapshot = engine.NewSnapshot(h)
	for _, account := range places {
		plan.Run(t.Context(), account, snapshot)
	}
	return snapshot, again
}

var start = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// A found is what a snapshot holds, as its file tells it: resources by kind, and lines about what is not known.
type found struct {
	text   string
	kinds  map[string]int
	gaps   []string // name and reason
	holes  []string // kind, ID and reason
	absent int
}

func read(t *testing.T, snapshot *engine.Snapshot) found {
	t.Helper()
	var b bytes.Buffer
	if err := snapshot.Save(&b); err != nil {
		t.Fatal(err)
	}
	out := found{text: b.String(), kinds: map[string]int{}}
	for i, l := range strings.Split(strings.TrimSpace(out.text), "\n") {
		var line struct {
			Kind, Unlisted, Absent, ID, Name string
			Gap                              model.Gap
			Gaps                             []model.Gap
		}
		if err := json.Unmarshal([]byte(l), &line); err != nil {
			t.Fatalf("%v: %s", err, l)
		}
		switch {
		case i == 0:
		case line.Unlisted != "":
			out.holes = append(out.holes, line.Unlisted+" "+line.ID+" "+string(line.Gap.Reason))
		case line.Absent != "":
			out.absent++
		case line.Kind != "":
			out.kinds[line.Kind]++
			for _, g := range line.Gaps {
				out.gaps = append(out.gaps, line.Name+" "+string(g.Reason))
			}
		}
	}
	return out
}

// few are as many of each kind.
func few(n int) map[string]int {
	sizes := map[string]int{}
	for kind := range synthetic {
		sizes[kind] = n
	}
	return sizes
}

// Every collector reads all pages of all places, asks nothing twice, and understands all it is told.
func TestSynthetic(t *testing.T) {
	type requests map[string]int // by operation, at each place
	for _, test := range []struct {
		name  string
		s     *awstest.Synthetic
		lists requests
	}{
		{"large", &awstest.Synthetic{Regions: []string{"eu-west-1"}, Resources: synthetic}, requests{"sqs:ListQueues": 2, "cloudwatchlogs:DescribeLogGroups": 2,
			"ssm:DescribeParameters": 3, "acm:ListCertificates": 2, "cloudformation:DescribeStacks": 2, "ec2:DescribeVolumes": 2, "ec2:DescribeInstances": 2}},
		{"wide", &awstest.Synthetic{Accounts: 3, Regions: []string{"eu-west-1", "us-east-1"}, Resources: few(12)}, requests{"sqs:ListQueues": 1,
			"cloudwatchlogs:DescribeLogGroups": 1, "ssm:DescribeParameters": 1, "acm:ListCertificates": 1, "cloudformation:DescribeStacks": 1, "ec2:DescribeVolumes": 1, "ec2:DescribeInstances": 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := test.s
			s.Seed, s.Start = 1, start
			snapshot, again := scanSynthetic(t, s, serve(t, s))
			got := read(t, snapshot)
			places := max(1, s.Accounts) * len(s.Regions)
			for kind, n := range s.Resources {
				if got.kinds[kind] != n*places {
					t.Errorf("%d of %s, want %d", got.kinds[kind], kind, n*places)
				}
			}
			for _, h := range got.holes {
				if !strings.Contains(h, ":999988887777:key/") || !strings.HasSuffix(h, " outside-scan") {
					t.Errorf("hole %s", h)
				}
			}
			if len(got.holes) == 0 || got.absent == 0 || len(got.gaps) > 0 {
				t.Errorf("%d keys of others and %d that are gone, want some of both; gaps %q", len(got.holes), got.absent, got.gaps)
			}
			stats := s.Stats()
			if n := awstest.Total(again); n > 3 {
				t.Errorf("%d calls were sent again: %v", n, again)
			}
			for op, n := range again { // which the server could not know from asking twice
				stats.Requests[op] -= n
				if stats.Duplicates[op] -= n; stats.Duplicates[op] <= 0 {
					delete(stats.Duplicates, op)
				}
			}
			for what, m := range map[string]map[string]int{"asked twice": stats.Duplicates, "without a generator": stats.Unknown, "throttled": stats.Throttled, "spoilt": stats.Spoilt} {
				if len(m) > 0 {
					t.Errorf("%s: %v", what, m)
				}
			}
			n := s.Resources
			maps.Copy(test.lists, requests{"kms:ListKeys": 1, "kms:GetKeyPolicy": n["AWS::KMS::Key"], "sqs:GetQueueAttributes": n["AWS::SQS::Queue"], "cloudtrail:DescribeTrails": 1, "cloudtrail:GetTrailStatus": n["AWS::CloudTrail::Trail"],
				"cloudtrail:GetEventSelectors": n["AWS::CloudTrail::Trail"], "cloudtrail:ListEventDataStores": 1, "cloudtrail:GetEventDataStore": n["AWS::CloudTrail::EventDataStore"]})
			for op, want := range test.lists {
				if stats.Requests[op] != want*places {
					t.Errorf("%s: %d requests, want %d", op, stats.Requests[op], want*places)
				}
			}
			for op, kind := range map[string]string{"acm:DescribeCertificate": "AWS::CertificateManager::Certificate", "cloudformation:DescribeStackEvents": "AWS::CloudFormation::Stack", "kms:DescribeKey": "AWS::KMS::Key"} {
				if got, atLeast := stats.Requests[op], n[kind]*places/20; got < atLeast {
					t.Errorf("%s: %d requests, want at least %d", op, got, atLeast)
				}
			}
		})
	}
}

// The same seed makes the same accounts, in whatever order they are asked about; another seed makes others.
func TestSyntheticSeed(t *testing.T) {
	saved := func(seed uint64) string {
		s := &awstest.Synthetic{Seed: seed, Regions: []string{"eu-west-1", "us-east-1"}, Resources: few(12), Start: start}
		snapshot, _ := scanSynthetic(t, s, serve(t, s))
		return read(t, snapshot).text
	}
	first := saved(1)
	if first != saved(1) {
		t.Error("one seed makes two accounts")
	}
	if first == saved(2) {
		t.Error("two seeds make one account")
	}
}

// A list that breaks off on its second page keeps the first; what goes wrong once is asked again; and one queue that is
// denied is a gap of that queue.
func TestSyntheticFaults(t *testing.T) {
	s := &awstest.Synthetic{Regions: []string{"eu-west-1"}, Resources: map[string]int{"AWS::EC2::Volume": 1001, "AWS::SQS::Queue": 3}, Start: start,
		Faults: []awstest.Fault{{Kind: awstest.Denied, Op: "ec2:DescribeVolumes", Page: 2}, {Kind: awstest.Broken, Op: "sqs:*", Resource: "00001", First: 2},
			{Kind: awstest.TimedOut, Op: "sqs:*", Resource: "00000", First: 1}, {Kind: awstest.DeniedSCP, Op: "sqs:Get*", Resource: "00002"}}}
	synctest.Test(t, func(t *testing.T) {
		snapshot, _ := scanSynthetic(t, s, config(s, recorded{s}))
		got := read(t, snapshot)
		if got.kinds["AWS::EC2::Volume"] != 1000 {
			t.Errorf("%d volumes, want 1000", got.kinds["AWS::EC2::Volume"])
		}
		if !slices.Equal(got.holes, []string{"AWS::EC2::Volume  access-denied"}) || !slices.Equal(got.gaps, []string{"payments-gateway-00002 access-denied-scp"}) {
			t.Errorf("holes %q, gaps %q", got.holes, got.gaps)
		}
	})
	if stats := s.Stats(); stats.Spoilt["sqs:GetQueueAttributes"] != 3 || stats.Requests["sqs:GetQueueAttributes"] != 6 || len(stats.Duplicates) > 0 {
		t.Errorf("%+v", stats)
	}
}

// recorded serves without a socket, so that the clock of a bubble counts.
type recorded struct{ http.Handler }

func (h recorded) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// Each protocol says no in its own way, and the SDK's decoders understand it.
func TestSyntheticErrors(t *testing.T) {
	ctx := context.Background()
	protocols := []struct {
		name  string
		call  func(aws.Config) error
		codes string // throttled, denied, expired, unknown operation
	}{
		{"JSON 1.0", func(c aws.Config) error {
			_, err := sqs.NewFromConfig(c).ListQueues(ctx, &sqs.ListQueuesInput{})
			return err
		}, "RequestThrottled 400, AccessDeniedException 400, ExpiredTokenException 400"},
		{"JSON 1.1", func(c aws.Config) error {
			_, err := kms.NewFromConfig(c).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String("alias/x")})
			return err
		}, "ThrottlingException 400, AccessDeniedException 400, ExpiredTokenException 400"},
		{"CBOR", func(c aws.Config) error {
			_, err := sqs.NewFromConfig(c, overCBOR).ListQueues(ctx, &sqs.ListQueuesInput{})
			return err
		}, "RequestThrottled 400, AccessDeniedException 400, ExpiredTokenException 400"},
		{"query", func(c aws.Config) error {
			_, err := cloudformation.NewFromConfig(c).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{})
			return err
		}, "Throttling 400, AccessDenied 403, ExpiredToken 403"},
		{"EC2", func(c aws.Config) error {
			_, err := ec2.NewFromConfig(c).DescribeVolumes(ctx, &ec2.DescribeVolumesInput{})
			return err
		}, "RequestLimitExceeded 503, UnauthorizedOperation 403, RequestExpired 400"},
		{"REST JSON", func(c aws.Config) error {
			_, err := accounts.NewFromConfig(c).ListRegions(ctx, &accounts.ListRegionsInput{})
			return err
		}, "TooManyRequestsException 429, AccessDeniedException 403, ExpiredTokenException 403"},
		{"S3", func(c aws.Config) error { return restError(c, "s3", "/") }, "SlowDown 503, AccessDenied 403, ExpiredToken 400"},
		{"REST XML", func(c aws.Config) error { return restError(c, "route53", "/2013-04-01/hostedzone") }, "Throttling 400, AccessDenied 403, ExpiredToken 403"},
	}
	for _, p := range protocols {
		want := strings.Split(p.codes, ", ")
		for i, kind := range []awstest.Kind{awstest.Throttled, awstest.Denied, awstest.Expired} {
			cfg := serve(t, &awstest.Synthetic{Regions: []string{"eu-west-1"}, Faults: []awstest.Fault{{Kind: kind}}})
			cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
			err := p.call(cfg)
			var api smithy.APIError
			var status *smithyhttp.ResponseError
			if code, _, _ := strings.Cut(want[i], " "); !errors.As(err, &api) || api.ErrorCode() != code {
				t.Errorf("%s, %s: %v, want %s", p.name, kind, err, want[i])
			}
			if errors.As(err, &status) && !strings.HasSuffix(want[i], " "+status.HTTPResponse().Status[:3]) {
				t.Errorf("%s, %s: status %s, want %s", p.name, kind, status.HTTPResponse().Status, want[i])
			}
		}
	}
}

func overCBOR(o *sqs.Options) { o.Protocol = rpcv2.NewCBOR(schemas.AmazonSQS) }

// restError makes a request for which there is no client here, and lets the SDK decode what it says.
func restError(c aws.Config, service, path string) error {
	key, err := c.Credentials.Retrieve(context.Background())
	if err != nil {
		return err
	}
	r, err := http.NewRequest("GET", *c.BaseEndpoint+path, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+key.AccessKeyID+"/20261101/eu-west-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	res, err := c.HTTPClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	response := &smithyhttp.Response{Response: res}
	err = restxml.New(schemas.AmazonSQS).DeserializeResponse(context.Background(), nil, &smithy.TypeRegistry{}, response, nil)
	return &smithyhttp.ResponseError{Response: response, Err: err}
}

// CBOR carries pages as well: the same queues as by JSON.
func TestSyntheticCBOR(t *testing.T) {
	cfg := serve(t, &awstest.Synthetic{Regions: []string{"eu-west-1"}, Resources: map[string]int{"AWS::SQS::Queue": 7}})
	var urls [2][]string
	for i, options := range [][]func(*sqs.Options){nil, {overCBOR}} {
		pages := sqs.NewListQueuesPaginator(sqs.NewFromConfig(cfg, options...), &sqs.ListQueuesInput{MaxResults: aws.Int32(3)})
		n := 0
		for ; pages.HasMorePages(); n++ {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			urls[i] = append(urls[i], page.QueueUrls...)
		}
		if n != 3 || len(urls[i]) != 7 {
			t.Errorf("%d pages: %q", n, urls[i])
		}
		out, err := sqs.NewFromConfig(cfg, options...).GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &urls[i][0]})
		if err != nil || !strings.Contains(out.Attributes["RedrivePolicy"], "deadLetterTargetArn") {
			t.Errorf("%v %v", out, err)
		}
	}
	if !slices.Equal(urls[0], urls[1]) {
		t.Errorf("%q by JSON, %q by CBOR", urls[0], urls[1])
	}
}

// What a transport sees of other faults: a reset connection is an error, not an answer.
func TestSyntheticCut(t *testing.T) {
	cfg := serve(t, &awstest.Synthetic{Regions: []string{"eu-west-1"}, Faults: []awstest.Fault{{Kind: awstest.Cut}}})
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	_, err := sqs.NewFromConfig(cfg).ListQueues(t.Context(), &sqs.ListQueuesInput{})
	var api smithy.APIError
	if err == nil || errors.As(err, &api) || errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want a reset connection", err)
	}
}
