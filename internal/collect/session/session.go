// Package session finds out who is calling AWS, and which regions the account has.
package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/account"
	accounttypes "github.com/aws/aws-sdk-go-v2/service/account/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
)

// Options say with which credentials to scan, and how.
type Options struct {
	Profile string // of the shared configuration; "" for the default chain
	Region  string // where to ask first; "" for what the configuration says

	// MFA asks for the code of the MFA device that a role of the profile demands, each time its session is renewed. If it is nil there is nobody to ask.
	MFA func() (string, error)
}

// A Session is somebody who may call AWS, and who that is.
type Session struct {
	Config    aws.Config
	Wire      *collect.Wire
	Account   string
	Caller    string // ARN
	Partition string

	base  aws.Config // as it was loaded: each account has a wire of its own
	agent collect.Agent
}

// Load reads the configuration of the SDK: environment, shared files, AWS_ENDPOINT_URL and the like.
func Load(ctx context.Context, o Options) (aws.Config, error) {
	// One client for all services, so that they share connections. It must be a BuildableClient while
	// the configuration is loaded, for AWS_CA_BUNDLE, and frozen afterwards, or each service copies it.
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConns, t.MaxIdleConnsPerHost = 2000, 256
		t.ResponseHeaderTimeout = collect.HeaderTimeout
	})
	options := []func(*config.LoadOptions) error{config.WithHTTPClient(client)}
	if o.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(o.Profile))
	}
	if o.Region != "" {
		options = append(options, config.WithRegion(o.Region))
	}
	if o.MFA != nil {
		options = append(options, config.WithAssumeRoleCredentialOptions(func(a *stscreds.AssumeRoleOptions) {
			a.TokenProvider = func() (string, error) {
				code, err := o.MFA()
				if err == nil && !mfaCode.MatchString(code) {
					err = errors.New("it must have six digits")
				}
				if err != nil {
					return "", &MFAError{err}
				}
				return code, nil
			}
		}))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		var profile config.SharedConfigProfileNotExistError
		var unasked config.AssumeRoleTokenProviderNotSetError
		switch {
		case errors.As(err, &profile):
			return cfg, fmt.Errorf("there is no profile %q in the AWS configuration: use one of those that `aws configure list-profiles` shows", profile.Profile)
		case errors.As(err, &unasked):
			// The AWS CLI keeps the session of such a role in its cache, and asks there.
			return cfg, errors.New("the AWS profile demands the code of an MFA device, and there is no terminal to ask on: run the scanner in one, or first " +
				"run `eval \"$(aws configure export-credentials --format env)\"` with this profile")
		}
		return cfg, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	cfg.Credentials = aws.NewCredentialsCache(&refusals{provider: cfg.Credentials})
	if c, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok {
		cfg.HTTPClient = c.Freeze()
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1" // any region of the partition tells who is calling and which regions there are
	}
	return cfg, nil
}

var mfaCode = regexp.MustCompile(`^\d{6}$`) // as AWS does: tokenCodeType of the API model of STS

// An MFAError says why there is no code of an MFA device.
type MFAError struct{ err error }

func (e *MFAError) Error() string { return "no code of the MFA device: " + e.err.Error() }
func (e *MFAError) Unwrap() error { return e.err }

// Open finds out who is calling.
func Open(ctx context.Context, cfg aws.Config, a collect.Agent) (*Session, error) {
	s := &Session{base: cfg, agent: a}
	cfg, s.Wire = collect.Watch(cfg, a)
	s.Config = cfg
	out, err := sts.NewFromConfig(cfg, func(o *sts.Options) { o.RetryMaxAttempts = 3 }). // who mistyped something should not wait
												GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, identityError(ctx, cfg.Region, err)
	}
	s.Account, s.Caller = aws.ToString(out.Account), aws.ToString(out.Arn)
	arn, ok := model.ParseARN(s.Caller)
	if !ok || s.Account == "" {
		return nil, errors.New("sts:GetCallerIdentity does not say who is calling: check that AWS_ENDPOINT_URL points to AWS")
	}
	s.Partition, s.Wire.Account = arn.Partition, s.Account
	return s, nil
}

// Release forgets all but what was counted: an organization has many accounts, and each of them remembers clients and rates.
func (s *Session) Release() {
	s.Config, s.base = aws.Config{}, aws.Config{}
	s.Wire.Release()
}

// identityError says in one sentence why nobody knows who is calling, and what to do.
func identityError(ctx context.Context, region string, err error) error {
	var api smithy.APIError
	var mfa *MFAError
	var sso *ssocreds.InvalidTokenError
	service, op, _ := collect.FailedOperation(err)
	answered := errors.As(err, &api)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &mfa):
		return fmt.Errorf("the role of the AWS profile cannot be assumed: %w", mfa)
	// What the SDK says of a token that is not in the cache, or cannot be renewed, has no type of its own.
	case errors.As(err, &sso), strings.Contains(err.Error(), "cached SSO token"), answered && service == "SSO OIDC", answered && service == "SSO" && api.ErrorCode() == "UnauthorizedException":
		return errors.New("the AWS SSO session has expired: sign in again with `aws sso login`, with the same --profile if it is not the default, and repeat the scan")
	case answered && service == "SSO":
		return fmt.Errorf("AWS SSO gives no credentials for the account and the role of the profile (%s): check sso_account_id and sso_role_name", collect.Detail(err))
	case answered && strings.HasPrefix(op, "AssumeRole"):
		return fmt.Errorf("the role of the AWS profile cannot be assumed (%s): check role_arn, and that the role trusts the source profile", collect.Detail(err))
	case answered:
		switch api.ErrorCode() {
		case "ExpiredToken", "ExpiredTokenException":
			return errors.New("the AWS credentials have expired: sign in again (for example with `aws sso login`) and repeat the scan")
		case "InvalidClientTokenId", "UnrecognizedClientException":
			return fmt.Errorf("AWS does not know these credentials in region %s: if they belong to another partition, set --region to cn-north-1, us-gov-west-1 or eusc-de-east-1", region)
		case "SignatureDoesNotMatch", "InvalidSignatureException":
			return errors.New("the AWS secret access key does not fit its key ID: check AWS_SECRET_ACCESS_KEY or the profile")
		}
		return fmt.Errorf("AWS refuses to say who is calling (%s): check the credentials", collect.Detail(err))
	case service == "ec2imds", op == "GetCallerIdentity" && strings.Contains(err.Error(), "credential"): // the end of the chain
		return errors.New("no AWS credentials found: set AWS_PROFILE, sign in with `aws sso login`, or try `scanner scan --demo`")
	}
	if strings.HasPrefix(service, "SSO") {
		return fmt.Errorf("the AWS endpoint of %s cannot be reached (%s): check the network and sso_region of the profile", strings.ToLower(service), collect.Detail(err))
	}
	return fmt.Errorf("the AWS endpoint of sts in region %s cannot be reached (%s): check the network, the region's name and AWS_ENDPOINT_URL", region, collect.Detail(err))
}

// Regions are those of an account.
type Regions struct {
	Enabled []string
	Off     []string   // switched off, or on their way
	Gap     *model.Gap // why they could not be listed; then Enabled are those that cannot be switched off
}

// Regions lists the regions of the account: as account:ListRegions tells, or else ec2:DescribeRegions.
func (s *Session) Regions(ctx context.Context) Regions {
	var r Regions
	partition, _ := PartitionNamed(s.Partition)
	pages := account.NewListRegionsPaginator(account.NewFromConfig(s.Config), &account.ListRegionsInput{MaxResults: aws.Int32(50)})
	var err error
	for err == nil && pages.HasMorePages() && !partition.Lacks("account", "") {
		var page *account.ListRegionsOutput
		if page, err = pages.NextPage(ctx); err != nil {
			break
		}
		for _, x := range page.Regions {
			switch x.RegionOptStatus {
			case accounttypes.RegionOptStatusEnabled, accounttypes.RegionOptStatusEnabledByDefault, accounttypes.RegionOptStatusDisabling:
				r.Enabled = append(r.Enabled, aws.ToString(x.RegionName))
			default:
				r.Off = append(r.Off, aws.ToString(x.RegionName))
			}
		}
	}
	if err != nil || len(r.Enabled) == 0 {
		r = Regions{}
		var out *ec2.DescribeRegionsOutput
		if out, err = ec2.NewFromConfig(s.Config).DescribeRegions(ctx, &ec2.DescribeRegionsInput{AllRegions: aws.Bool(true)}); err == nil {
			for _, x := range out.Regions {
				if aws.ToString(x.OptInStatus) == "not-opted-in" {
					r.Off = append(r.Off, aws.ToString(x.RegionName))
				} else {
					r.Enabled = append(r.Enabled, aws.ToString(x.RegionName))
				}
			}
		}
	}
	switch {
	case err != nil && ctx.Err() != nil:
		r.Gap = &model.Gap{Reason: model.Stopped, Call: "account:ListRegions"}
	case err != nil:
		r.Gap = collect.GapOf("ec2:DescribeRegions", err)
	case len(r.Enabled) == 0:
		r.Gap = &model.Gap{Reason: model.CallFailed, Call: "ec2:DescribeRegions", Detail: "the answer names no region"}
	}
	if r.Gap != nil {
		r.Enabled = slices.Clone(partition.AlwaysOn)
	}
	slices.Sort(r.Enabled)
	slices.Sort(r.Off)
	return r
}

// At returns a region of the account as a place to collect from.
func (s *Session) At(region string, start time.Time) collect.At {
	cfg := s.Config.Copy()
	cfg.Region = region
	partition, _ := PartitionNamed(s.Partition)
	return collect.At{Place: model.Place{Account: s.Account, Region: region}, Partition: s.Partition, Lacks: partition.Lacks, Start: start, Config: cfg}
}
