package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/account"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"awsscanner/internal/awstest"
	"awsscanner/internal/collect"
	"awsscanner/internal/model"
)

// A sink notes where a request was to go, and for which region it was signed.
type sink struct{ host, signed string }

func (s *sink) Do(r *http.Request) (*http.Response, error) {
	s.host = r.URL.Host
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	s.signed = strings.Split(scope, "/")[2]
	return nil, errNowhere{}
}

type errNowhere struct{}

func (errNowhere) Error() string        { return "nowhere" }
func (errNowhere) RetryableError() bool { return false }

// The SDK resolves the endpoints of each partition below the suffixes of the table, and signs for global services in the region of the table.
func TestPartitionEndpoints(t *testing.T) {
	for _, p := range Partitions {
		for _, region := range p.AlwaysOn {
			if got := PartitionOf(region).Name; got != p.Name {
				t.Errorf("%s is of %s, not %s", region, got, p.Name)
			}
			var to sink
			cfg := awstest.Config(region, &to)
			for service, call := range map[string]func(cfg aws.Config) error{
				"sqs": func(cfg aws.Config) error {
					_, err := sqs.NewFromConfig(cfg).ListQueues(t.Context(), &sqs.ListQueuesInput{})
					return err
				},
				"sts": func(cfg aws.Config) error {
					_, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
					return err
				},
				"iam": func(cfg aws.Config) error {
					_, err := iam.NewFromConfig(cfg).ListOrganizationsFeatures(t.Context(), &iam.ListOrganizationsFeaturesInput{})
					return err
				},
				"organizations": func(cfg aws.Config) error {
					_, err := organizations.NewFromConfig(cfg).DescribeOrganization(t.Context(), &organizations.DescribeOrganizationInput{})
					return err
				},
				"account": func(cfg aws.Config) error {
					_, err := account.NewFromConfig(cfg).ListRegions(t.Context(), &account.ListRegionsInput{})
					return err
				},
			} {
				to = sink{}
				if err := call(cfg); !errors.As(err, new(errNowhere)) {
					t.Errorf("%s in %s: %v", service, region, err)
				}
				home := p.Home(service)
				if home == "" {
					home = region
				}
				if !strings.HasSuffix(to.host, "."+p.Suffix) || to.signed != home {
					t.Errorf("%s in %s: sent to %s, signed for %s; want a host below %s, signed for %s", service, region, to.host, to.signed, p.Suffix, home)
				}
			}
			dual := cfg.Copy()
			dual.ConfigSources = []any{dualStack{}}
			if sqs.NewFromConfig(dual).ListQueues(t.Context(), &sqs.ListQueuesInput{}); !strings.HasSuffix(to.host, "."+p.DualStack) {
				t.Errorf("dual-stack in %s: sent to %s, want a host below %s", region, to.host, p.DualStack)
			}
			// Details of errors name no hosts, in any partition.
			for _, suffix := range []string{p.Suffix, p.DualStack} {
				err := &smithy.GenericAPIError{Code: "Broken", Message: "ask sqs." + region + "." + suffix + " again"}
				if got := collect.Detail(err); got != "Broken: ask the endpoint again" {
					t.Error(got)
				}
			}
		}
		if got, ok := PartitionNamed(p.Name); !ok || got.Name != p.Name {
			t.Errorf("no partition is named %s", p.Name)
		}
	}
	if _, ok := PartitionNamed("aws-moon"); ok {
		t.Error("there is a partition aws-moon")
	}
}

// dualStack is a source of configuration, as AWS_USE_DUALSTACK_ENDPOINT is.
type dualStack struct{}

func (dualStack) GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error) {
	return aws.DualStackEndpointStateEnabled, true, nil
}

// From --region of a partition to the regions of the account and its ARNs. Where there is no account API it is not called;
// where it does not answer, EC2 tells.
func TestPartitionSession(t *testing.T) {
	for _, p := range Partitions {
		region := p.AlwaysOn[0]
		for _, answers := range []bool{true, false} {
			c := &cloud{}
			c.answer = func(op, _ string) string {
				switch {
				case op == "sts:GetCallerIdentity":
					return "<Account>111122223333</Account><Arn>arn:" + p.Name + ":iam::111122223333:user/ana</Arn>"
				case op == "account:ListRegions" && answers:
					return `{"Regions":[{"RegionName":"` + region + `","RegionOptStatus":"ENABLED_BY_DEFAULT"},{"RegionName":"off-1","RegionOptStatus":"DISABLED"}]}`
				case op == "ec2:DescribeRegions":
					return "<regionInfo><item><regionName>" + region + "</regionName><optInStatus>opt-in-not-required</optInStatus></item>" +
						"<item><regionName>off-1</regionName><optInStatus>not-opted-in</optInStatus></item></regionInfo>"
				}
				return "!UnknownOperationException no"
			}
			s, err := Open(t.Context(), awstest.Config(region, c), collect.Agent{Version: "test"})
			if err != nil {
				t.Fatal(err)
			}
			if s.Partition != p.Name {
				t.Errorf("the caller's partition is %s, want %s", s.Partition, p.Name)
			}
			r := s.Regions(t.Context())
			if r.Gap != nil || !slices.Equal(r.Enabled, []string{region}) || !slices.Equal(r.Off, []string{"off-1"}) {
				t.Errorf("%s: %+v", p.Name, r)
			}
			lacks := p.Lacks("account", "")
			if asked := slices.Contains(c.asked, "AKIDEXAMPLE account:ListRegions"); asked == lacks {
				t.Errorf("%s: account:ListRegions was called: %v", p.Name, asked)
			}
			if asked := slices.Contains(c.asked, "AKIDEXAMPLE ec2:DescribeRegions"); asked != (lacks || !answers) {
				t.Errorf("%s: ec2:DescribeRegions was called: %v", p.Name, asked)
			}
			at := s.At(region, time.Now())
			if got, want := at.ARN("sqs", "q"), fmt.Sprintf("arn:%s:sqs:%s:111122223333:q", p.Name, region); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		// If nobody tells, those are read that are always on.
		c := &cloud{answer: func(op, _ string) string {
			if op == "sts:GetCallerIdentity" {
				return "<Account>111122223333</Account><Arn>arn:" + p.Name + ":iam::111122223333:user/ana</Arn>"
			}
			return "!UnauthorizedOperation no"
		}}
		s, err := Open(t.Context(), awstest.Config(region, c), collect.Agent{Version: "test"})
		if err != nil {
			t.Fatal(err)
		}
		if r := s.Regions(t.Context()); r.Gap == nil || r.Gap.Reason != model.AccessDenied || !slices.Equal(r.Enabled, p.AlwaysOn) {
			t.Errorf("%s: %+v", p.Name, r)
		}
	}
}
