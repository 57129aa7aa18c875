package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"awsscanner/internal/awstest"
	"awsscanner/internal/model"
)

// slots are the requests that the scanner keeps under way at once.
const slots = 64

// latency is that of each answer of the synthetic accounts, unless a benchmark is about something else.
const latency = 50 * time.Millisecond

// A scan is what a run of the scanner against synthetic accounts cost.
type scan struct {
	took      time.Duration // by the clock, from start to exit
	cpu       time.Duration // of the scanner
	serverCPU time.Duration // of the accounts, on the same cores
	peak      float64       // bytes of memory that were resident at most
	lost      int           // results that are not assessed for another reason than that nobody could
	served    awstest.Stats
}

func (s scan) requests() int { return awstest.Total(s.served.Requests) }

// build builds the scanner.
func build(b *testing.B) (binary string) {
	binary = filepath.Join(b.TempDir(), "scanner")
	if out, err := exec.Command("go", "build", "-o", binary, "awsscanner/cmd/scanner").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// warm builds the scanner and runs it once, which reads it from the disk and warms the server's code.
func warm(b *testing.B) (binary string) {
	binary = build(b)
	run(b, binary, accounts(1, 100))
	return binary
}

// accounts returns some accounts of n resources each: a third in each region, in the shares of Account, with the keys that
// they refer to.
func accounts(count, n int) *awstest.Synthetic {
	third := func(percent int) int { return max(1, n*percent/100/len(regions)) }
	return &awstest.Synthetic{Seed: 1, Accounts: count, Regions: regions, Start: time.Now().UTC().Truncate(24 * time.Hour), Resources: map[string]int{
		"AWS::SQS::Queue": third(12), "AWS::Logs::LogGroup": third(18), "AWS::SSM::Parameter": third(14), "AWS::CertificateManager::Certificate": third(2),
		"AWS::CloudFormation::Stack": third(6), "AWS::EC2::Volume": third(18), "AWS::EC2::Instance": third(14), "AWS::KMS::Key": third(15), "AWS::CloudTrail::Trail": 1}}
}

// served are rules that read only what synthetic accounts have.
const served = "acm-certificate-not-expiring,cloudformation-stack-not-failed,cloudtrail-multi-region-enabled,cloudwatchlogs-group-encrypted," +
	"ec2-ebs-volume-not-on-stopped-instance,sqs-queue-dead-letter-queue,ssm-parameter-secure"

// run scans accounts with the built scanner: all that its rules read. What it could not see counts as lost.
func run(b *testing.B, binary string, s *awstest.Synthetic, flags ...string) (out scan) {
	b.Helper()
	server := httptest.NewServer(s)
	defer server.Close()
	dir := b.TempDir()
	file := filepath.Join(dir, "report.json")
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, binary, append([]string{"scan", "--no-save", "-q", "-o", "json=" + file, "--rules", served}, flags...)...)
	c.Env = []string{"HOME=" + dir, "XDG_STATE_HOME=" + dir, "AWS_ENDPOINT_URL=" + server.URL, "AWS_REGION=" + regions[0],
		"AWS_ACCESS_KEY_ID=" + s.Key(s.Account(0)), "AWS_SECRET_ACCESS_KEY=bench", "AWS_EC2_METADATA_DISABLED=true"}
	clock, used := time.Now(), cpu()
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	gone, peak := make(chan struct{}), make(chan float64)
	go watchMemory(c.Process.Pid, gone, peak)
	err := c.Wait()
	out.took = time.Since(clock)
	close(gone)
	out.peak = <-peak
	out.serverCPU = cpu() - used
	out.cpu = c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	if err != nil {
		b.Fatalf("the scan failed: %v", err)
	}
	if out.peak == 0 { // no /proc; then it is at least what this process needed when it forked
		if u, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
			out.peak = float64(u.Maxrss) * 1024
		}
	}
	var report struct {
		Coverage struct {
			Gaps []struct {
				Reason    model.Reason
				Call      string
				Resources int
			}
		}
	}
	data, err := os.ReadFile(file)
	if err := cmp.Or(err, json.Unmarshal(data, &report)); err != nil {
		b.Fatal(err)
	}
	for _, g := range report.Coverage.Gaps {
		if g.Reason != model.OutsideScan { // keys of an account that nobody here may enter
			b.Logf("lost: %s of %d resources: %s", g.Call, g.Resources, g.Reason)
			out.lost += max(1, g.Resources)
		}
	}
	out.served = s.Stats()
	if len(out.served.Duplicates) > 0 {
		b.Logf("answered twice: %v", out.served.Duplicates)
	}
	if n := awstest.Total(out.served.Unknown); n > 0 {
		b.Fatalf("%d requests for operations that are not served: %v", n, out.served.Unknown)
	}
	return out
}

// watchMemory sends the most memory that a process has had resident until it is gone. The kernel keeps the mark in
// /proc; that of its resource usage begins with what the parent had when it forked.
func watchMemory(pid int, gone <-chan struct{}, peak chan<- float64) {
	most := 0.0
	for tick := time.NewTicker(50 * time.Millisecond); ; {
		select {
		case <-tick.C:
			var kB float64
			status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			_, mark, _ := strings.Cut(string(status), "VmHWM:")
			fmt.Sscan(mark, &kB) // nothing, once it has ended
			most = max(most, kB*1024)
		case <-gone:
			tick.Stop()
			peak <- most
			return
		}
	}
}

// report adds the figures that all benchmarks of collection have.
func (s scan) report(b *testing.B) {
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(s.requests()), "requests")
	b.ReportMetric(float64(awstest.Total(s.served.Duplicates)), "duplicates")
	b.ReportMetric(float64(s.lost), "lost")
	b.ReportMetric(s.took.Seconds(), "wall-s")
	b.ReportMetric(s.cpu.Seconds(), "cpu-s")
	b.ReportMetric(s.serverCPU.Seconds(), "server-cpu-s")
	b.ReportMetric(s.peak, "peak-B")
	b.ReportMetric(float64(s.served.Concurrent), "at-once")
}

// BenchmarkCollectLatency reads one account with some 20 000 calls, each of which takes 50 ms and none of which is throttled:
// with all slots busy it would take as long as latency times calls over slots.
func BenchmarkCollectLatency(b *testing.B) {
	binary := warm(b)
	var best scan
	for b.Loop() {
		s := accounts(1, 5_000)
		s.Resources["AWS::SQS::Queue"] = 6_500
		s.Latency = func(awstest.Request) time.Duration { return latency }
		if got := run(b, binary, s); best.took == 0 || got.took < best.took {
			best = got
		}
	}
	best.report(b)
	ideal := latency * time.Duration(best.requests()) / slots
	b.ReportMetric(best.took.Seconds()/ideal.Seconds(), "x-ideal")
	b.ReportMetric(float64(best.cpu.Microseconds())/float64(best.requests()), "µs/call")
	b.ReportMetric(float64(best.serverCPU.Microseconds())/float64(best.requests()), "server-µs/call")
}

// throttles are the token buckets of BenchmarkCollectThrottled. Those of ACM and EC2 are what AWS documents (ACM User Guide, "Quotas";
// EC2 Developer Guide, "Request throttling", as of DescribeHosts); others are not documented and set low enough to be felt.
var throttles = map[string]awstest.Bucket{
	"acm:DescribeCertificate":            {Rate: 10, Burst: 10},
	"ec2":                                {Rate: 20, Burst: 100},
	"cloudformation:DescribeStackEvents": {Rate: 10, Burst: 20},
	"cloudwatchlogs":                     {Rate: 10, Burst: 10},
	"cloudtrail":                         {Rate: 10, Burst: 10},
	"ssm":                                {Rate: 10, Burst: 20},
	"sqs:GetQueueAttributes":             {Rate: 50, Burst: 100},
	"kms":                                {Rate: 100, Burst: 200},
}

// warmUp is how many seconds of a bucket's life do not count: rates are not known before they are too much.
const warmUp = 5

// BenchmarkCollectThrottled reads one account whose operations are throttled as AWS throttles, each for itself in each region.
func BenchmarkCollectThrottled(b *testing.B) {
	binary := warm(b)
	most := math.Inf(-1)
	for b.Loop() {
		s := accounts(1, 6_000)
		s.Resources["AWS::SQS::Queue"], s.Resources["AWS::CertificateManager::Certificate"], s.Resources["AWS::CloudFormation::Stack"] = 1_500, 1_200, 2_000
		s.Latency = func(awstest.Request) time.Duration { return latency }
		s.Buckets = throttles
		got := run(b, binary, s)
		allowed, used, refused, worst := 0.0, 0, 0, 1.0
		for _, u := range got.served.Buckets {
			answered, throttled, seconds := u.After(warmUp)
			if seconds < warmUp {
				continue // it was over before anything settled
			}
			b.Logf("%s %s: %d answered, %d throttled in %d s of %g/s", u.Region, u.Op, answered, throttled, seconds, u.Rate)
			allowed += u.Rate * float64(seconds)
			used, refused = used+answered, refused+throttled
			worst = min(worst, float64(answered)/(u.Rate*float64(seconds)))
		}
		if share := float64(used) / allowed; share > most {
			most = share
			got.report(b)
			b.ReportMetric(100*share, "%-used")
			b.ReportMetric(100*worst, "%-used-worst")
			b.ReportMetric(100*float64(refused)/float64(used+refused), "%-throttled")
			b.ReportMetric(100*float64(awstest.Total(got.served.Throttled))/float64(got.requests()), "%-throttled-in-all")
		}
	}
}

// BenchmarkCollectMemory reads organizations of different sizes, of accounts of the same size.
func BenchmarkCollectMemory(b *testing.B) {
	for _, count := range []int{20, 200} {
		b.Run(fmt.Sprintf("accounts=%d", count), func(b *testing.B) {
			binary := warm(b)
			var best scan
			for b.Loop() {
				if got := run(b, binary, accounts(count, 1_000), "--org"); best.took == 0 || got.peak < best.peak {
					best = got
				}
			}
			best.report(b)
		})
	}
}
