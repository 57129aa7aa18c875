module awsscanner

go 1.26.0

// The AWS SDK: one consistent set of versions, upgraded together.
require (
	github.com/aws/aws-sdk-go-v2 v1.47.7
	github.com/aws/aws-sdk-go-v2/config v1.33.15 // the standard credential chain and settings
	github.com/aws/aws-sdk-go-v2/credentials v1.20.15 // static credentials of the demo account
	github.com/aws/aws-sdk-go-v2/service/account v1.32.0
	github.com/aws/aws-sdk-go-v2/service/acm v1.51.3
	github.com/aws/aws-sdk-go-v2/service/applicationautoscaling v1.41.18 // older than the set, as newer ones cannot be had from the module proxy
	github.com/aws/aws-sdk-go-v2/service/autoscaling v1.79.4
	github.com/aws/aws-sdk-go-v2/service/budgets v1.44.0
	github.com/aws/aws-sdk-go-v2/service/cloudformation v1.82.5
	github.com/aws/aws-sdk-go-v2/service/cloudtrail v1.58.4
	github.com/aws/aws-sdk-go-v2/service/cloudwatch v1.75.5
	github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs v1.92.0
	github.com/aws/aws-sdk-go-v2/service/codedeploy v1.36.0 // how a team ships, for scanner review ships; older than the set, as newer ones cannot be had from the module proxy
	github.com/aws/aws-sdk-go-v2/service/configservice v1.74.10
	github.com/aws/aws-sdk-go-v2/service/dynamodb v1.73.1
	github.com/aws/aws-sdk-go-v2/service/ec2 v1.344.1
	github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2 v1.63.8
	github.com/aws/aws-sdk-go-v2/service/eventbridge v1.55.9 // a channel of notifications; no collector of it yet
	github.com/aws/aws-sdk-go-v2/service/guardduty v1.78.2
	github.com/aws/aws-sdk-go-v2/service/iam v1.64.8
	github.com/aws/aws-sdk-go-v2/service/kms v1.62.4
	github.com/aws/aws-sdk-go-v2/service/lambda v1.114.2
	github.com/aws/aws-sdk-go-v2/service/organizations v1.62.6
	github.com/aws/aws-sdk-go-v2/service/rds v1.132.1
	github.com/aws/aws-sdk-go-v2/service/s3 v1.114.8
	github.com/aws/aws-sdk-go-v2/service/s3control v1.71.1 // the public access block of an account
	github.com/aws/aws-sdk-go-v2/service/secretsmanager v1.50.10
	github.com/aws/aws-sdk-go-v2/service/securityhub v1.73.0 // scanner publish writes findings there; older than the set, as newer ones cannot be had from the module proxy
	github.com/aws/aws-sdk-go-v2/service/sns v1.47.9
	github.com/aws/aws-sdk-go-v2/service/sqs v1.52.10
	github.com/aws/aws-sdk-go-v2/service/ssm v1.81.4
	github.com/aws/aws-sdk-go-v2/service/sts v1.51.8
	github.com/aws/aws-sdk-go-v2/service/wellarchitected v1.40.2 // answers of reviews, which scanner review push and pull bring there and back
	github.com/aws/smithy-go v1.28.8 // errors and middleware of the SDK
)

require (
	github.com/CycloneDX/cyclonedx-go v0.12.0 // bills of materials of releases; no binary links it
	github.com/hashicorp/hcl/v2 v2.24.0 // a test parses the Terraform that rules give; no build links it
	github.com/joshdk/go-junit v1.0.0 // a test reads JUnit reports with it
	github.com/klauspost/compress v1.20.3 // zstd: saved scans, 20 times smaller at little cost
	github.com/rogpeppe/go-internal v1.16.0 // testscript: command transcripts as tests
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3 // tests hold reports against docs/*.schema.json
	github.com/spf13/cobra v1.10.2 // commands, help and shell completion; keeps the linker's dead-code elimination
	github.com/spf13/pflag v1.0.9 // flags of cobra
	github.com/yuin/goldmark v1.8.7 // a test reads Markdown as GitHub does, and looks for links and tags in it
	go.yaml.in/yaml/v3 v3.0.6 // files that people write: strict, with lines, without looking up methods by name; tests read the examples for pipelines with it
	golang.org/x/sync v0.24.0 // bounded concurrency of the driver
	golang.org/x/sys v0.49.0 // locks of files on Windows
	golang.org/x/term v0.47.0 // is this a terminal, and how wide
	golang.org/x/time v0.16.0 // token buckets of the limiter
)

// Spans, only with -tags otel: no other build links any of these.
require (
	go.opentelemetry.io/otel v1.47.0 // attributes and status of spans
	go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp v1.47.0 // sends them
	go.opentelemetry.io/otel/sdk v1.47.0 // collects them
	go.opentelemetry.io/otel/trace v1.47.0 // makes them
	go.opentelemetry.io/proto/otlp v1.11.0 // a test reads what was sent
	google.golang.org/protobuf v1.36.12 // as go.opentelemetry.io/proto/otlp
)

require (
	github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi v1.41.10
	github.com/jackc/pgx/v5 v5.12.0 // the store and the queue on PostgreSQL
	github.com/pressly/goose/v3 v3.29.0 // migrations of the store's tables, there and back
	github.com/riverqueue/river v0.47.0 // the queue: jobs, retries, schedules, one leader
	github.com/riverqueue/river/riverdriver v0.47.0 // the same
	github.com/riverqueue/river/riverdriver/riverpgxv5 v0.47.0 // on PostgreSQL
	github.com/riverqueue/river/riverdriver/riversqlite v0.47.0 // on SQLite
	github.com/riverqueue/river/rivertype v0.47.0 // types of jobs
	github.com/robfig/cron/v3 v3.0.1 // times of schedules, with time zones
	modernc.org/sqlite v1.60.1 // the store in a file, without cgo
)

// Only tests link these.
require (
	github.com/chromedp/cdproto v0.160.1 // what browsers are told and tell
	github.com/chromedp/chromedp v0.23.1 // drives the browser that looks at HTML reports
)

require (
	github.com/a-h/parse v0.0.0-20250122154542-74294addb73e // indirect
	github.com/agext/levenshtein v1.2.1 // indirect
	github.com/apparentlymart/go-textseg/v15 v15.0.0 // indirect
	github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream v1.7.26 // indirect
	github.com/aws/aws-sdk-go-v2/feature/ec2/imds v1.20.7 // indirect
	github.com/aws/aws-sdk-go-v2/internal/configsources v1.5.10 // indirect
	github.com/aws/aws-sdk-go-v2/internal/endpoints/v2 v2.8.10 // indirect
	github.com/aws/aws-sdk-go-v2/internal/v4a v1.5.10 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/accept-encoding v1.13.24 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/checksum v1.11.11 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/endpoint-discovery v1.13.10 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/presigned-url v1.14.10 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/s3shared v1.20.10 // indirect
	github.com/aws/aws-sdk-go-v2/service/signin v1.12.3 // indirect
	github.com/aws/aws-sdk-go-v2/service/sso v1.39.3 // indirect
	github.com/aws/aws-sdk-go-v2/service/ssooidc v1.44.3 // indirect
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/cenkalti/backoff/v5 v5.0.3 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/dustin/go-humanize v1.1.0 // indirect
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
	github.com/go-logr/logr v1.4.4 // indirect
	github.com/go-logr/stdr v1.2.2 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/grpc-ecosystem/grpc-gateway/v2 v2.30.0 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/jackc/pgpassfile v1.0.0 // indirect
	github.com/jackc/pgservicefile v0.0.0-20240606120523-5a60cdf6a761 // indirect
	github.com/jackc/puddle/v2 v2.2.3 // indirect
	github.com/mattn/go-isatty v0.0.24 // indirect
	github.com/mfridman/interpolate v0.0.2 // indirect
	github.com/mitchellh/go-wordwrap v1.0.1 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/ncruces/go-strftime v1.1.0 // indirect
	github.com/prometheus/client_model v0.6.3 // indirect
	github.com/prometheus/common v0.72.0 // indirect
	github.com/prometheus/procfs v0.22.0 // indirect
	github.com/remyoudompheng/bigfft v0.0.0-20230129092748-24d4a6f8daec // indirect
	github.com/riverqueue/river/rivershared v0.47.0 // indirect
	github.com/sethvargo/go-retry v0.5.0 // indirect
	github.com/tidwall/gjson v1.19.0 // indirect
	github.com/tidwall/match v1.2.0 // indirect
	github.com/tidwall/pretty v1.2.1 // indirect
	github.com/tidwall/sjson v1.2.5 // indirect
	github.com/zclconf/go-cty v1.16.3 // indirect
	go.opentelemetry.io/auto/sdk v1.2.1 // indirect
	go.opentelemetry.io/otel/exporters/otlp/otlptrace v1.47.0 // indirect
	go.opentelemetry.io/otel/log v1.47.0 // indirect
	go.opentelemetry.io/otel/metric v1.47.0 // indirect
	go.uber.org/multierr v1.11.0 // indirect
	golang.org/x/mod v0.41.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	golang.org/x/tools v0.51.0 // indirect
	google.golang.org/genproto/googleapis/api v0.0.0-20261005182115-fad411399dd8 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20261005182115-fad411399dd8 // indirect
	google.golang.org/grpc v1.84.0 // indirect
	modernc.org/libc v1.78.0 // indirect
	modernc.org/mathutil v1.7.1 // indirect
	modernc.org/memory v1.12.1 // indirect
)

// What scanner serve shows.
require (
	github.com/a-h/templ v0.3.977 // pages: markup that is checked and escaped at compile time, without looking up methods by name; a test generates it anew
	github.com/coreos/go-oidc/v3 v3.21.0 // sign-in by OpenID Connect: keys, signatures and claims of tokens
	github.com/go-jose/go-jose/v4 v4.1.9 // a test signs tokens with it
	github.com/prometheus/client_golang v1.25.0 // metrics
	golang.org/x/net v0.61.0 // a test reads pages with it
	golang.org/x/oauth2 v0.38.0 // the way to the provider and back, as OpenID Connect takes it
)
