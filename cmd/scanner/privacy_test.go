package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/report"
	"awsscanner/rules"
)

// endpointOf names the endpoints that are not called as their service is here.
var endpointOf = map[string]string{
	"applicationautoscaling": "application-autoscaling", "cloudwatch": "monitoring", "cloudwatchlogs": "logs", "configservice": "config", "efs": "elasticfilesystem", "elasticloadbalancingv2": "elasticloadbalancing",
	"eventbridge": "events", "sfn": "states", "ecr": "api.ecr", "opensearch": "es", "ssoadmin": "sso", "s3control": "s3-control", "resourcegroupstaggingapi": "tagging", "emr": "elasticmapreduce",
}

// A scan contacts AWS, where its calls go, and nobody else: no telemetry, no update check, no metadata service where credentials are given. The
// program runs behind a proxy that writes down every host, and answers for all of them. Where AWS does not offer a service it is not contacted, and rules
// about it do not apply; and scanner calls has said so.
func TestHosts(t *testing.T) {
	plan, err := planFor(rules.All, true)
	if err != nil {
		t.Fatal(err)
	}
	services := map[string]bool{"sts": true, "account": true, "ec2": true}
	for _, op := range plan.Ops {
		service, _, _ := strings.Cut(op, ":")
		if other, ok := endpointOf[service]; ok {
			service = other
		}
		services[service] = true
	}
	for _, c := range []struct {
		partition, region, domain string
		skipped                   string // services
		verdicts                  string // of the rules about these
	}{
		{"aws", "eu-west-1", "amazonaws.com", "", "budgets-cost-budget-with-alert  fail, guardduty-enabled eu-west-1 fail"},
		{"aws-us-gov", "us-gov-west-1", "amazonaws.com", "budgets ", "budgets-cost-budget-with-alert  not-applicable, " +
			"guardduty-enabled us-gov-east-1 fail, guardduty-enabled us-gov-west-1 fail, guardduty-enabled * not-assessed"}, // EC2 names no region
		{"aws-cn", "cn-north-1", "amazonaws.com.cn", "", "budgets-cost-budget-with-alert  fail, guardduty-enabled cn-north-1 fail"},
		{"aws-eusc", "eusc-de-east-1", "amazonaws.eu", "", "budgets-cost-budget-with-alert  fail, guardduty-enabled eusc-de-east-1 fail"},
		{"aws-iso", "us-iso-west-1", "c2s.ic.gov", "guardduty us-iso-west-1", "budgets-cost-budget-with-alert  fail, " +
			"guardduty-enabled us-iso-east-1 fail, guardduty-enabled us-iso-west-1 not-applicable, guardduty-enabled * not-assessed"},
	} {
		t.Run(c.partition, func(t *testing.T) {
			t.Parallel()
			w := newWitness(t, c.partition, c.region)
			env := []string{"HTTPS_PROXY=" + w.URL, "HTTP_PROXY=" + w.URL, "AWS_CA_BUNDLE=" + w.bundle, "AWS_EC2_METADATA_SERVICE_ENDPOINT=" + w.metadata,
				"AWS_EC2_METADATA_DISABLED=false", "AWS_REGION=" + c.region, "AWS_ACCESS_KEY_ID=BASE", "AWS_SECRET_ACCESS_KEY=s"}
			cmd, stdout, stderr := scanner(t, env, "scan", "--no-save", "-o", "json", "--status", "pass,fail,not-applicable,not-assessed")
			if code := exitCode(t, cmd.Run()); code != 0 {
				t.Fatalf("exit %d: %s", code, stderr)
			}
			host := regexp.MustCompile(`^(?:\d{12}\.)?([a-z0-9.-]+?)(\.[a-z]+(?:-[a-z]+)+-\d+|\.us-gov)?\.(?:` + regexp.QuoteMeta(c.domain) + `|api\.amazonwebservices\.eu):443$`) // where Budgets has dual-stack endpoints alone
			asked := map[string]bool{}
			for _, h := range w.hosts {
				if m := host.FindStringSubmatch(h); m == nil || !services[m[1]] {
					t.Errorf("it contacted %s, which no call needs", h)
				} else {
					asked[m[1]] = true
				}
			}
			gov := strings.HasPrefix(c.region, "us-") // which has no Account Management
			if !asked["sts"] || !asked["account"] && !gov || len(asked) < 5 {
				t.Errorf("it did not read the account: it contacted %v", w.hosts)
			}
			var r struct {
				Scan    struct{ Skipped []engine.Skip }
				Results []report.Finding
			}
			if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
				t.Fatal(err)
			}
			var skipped, verdicts []string
			for _, s := range r.Scan.Skipped {
				skipped = append(skipped, s.Service+" "+s.Region)
			}
			for _, x := range r.Results {
				if x.Rule == "budgets-cost-budget-with-alert" || x.Rule == "guardduty-enabled" {
					verdicts = append(verdicts, fmt.Sprintf("%s %s %s", x.Rule, x.Resource.Region, x.Status))
				}
			}
			if got := strings.Join(skipped, ", "); got != c.skipped {
				t.Errorf("skipped %q, want %q", got, c.skipped)
			}
			if got := strings.Join(verdicts, ", "); got != c.verdicts {
				t.Errorf("verdicts %q, want %q", got, c.verdicts)
			}
			if service, _, lacks := strings.Cut(c.skipped, " "); lacks {
				cmd, stdout, _ = scanner(t, env, "doctor", "--services", service)
				cmd.Run()
				if !regexp.MustCompile(`(?m)^` + service + `:\w+ +not tried: AWS does not offer ` + service + ` here$`).Match(stdout.Bytes()) {
					t.Errorf("doctor says\n%s", stdout)
				}
			}
			cmd, stdout, stderr = scanner(t, []string{"AWS_REGION=" + c.region}, "calls", "--endpoints")
			if code := exitCode(t, cmd.Run()); code != 0 {
				t.Fatalf("exit %d: %s", code, stderr)
			}
			for _, h := range w.hosts {
				if h = strings.Replace(strings.TrimSuffix(h, ":443"), "111111111111.", "*.", 1); !strings.Contains("\n"+stdout.String(), "\n"+h+" ") {
					t.Errorf("it contacted %s, of which scanner calls says nothing: %s", h, stdout)
				}
			}
			for _, s := range r.Scan.Skipped {
				of := regexp.MustCompile(`(?m)^` + s.Service + `\..*` + s.Region)
				if of.MatchString(strings.Join(w.hosts, "\n")) || of.MatchString(stdout.String()) {
					t.Errorf("%s is contacted, by %v or by %s", s.Service, w.hosts, stdout)
				}
			}
		})
	}
}

// A witness is a proxy that notes the hosts of all requests and answers in their stead, as empty accounts do.
type witness struct {
	*httptest.Server
	bundle   string // file of its certificate
	metadata string // URL of a metadata service that should not be asked

	mu    sync.Mutex
	hosts []string
}

func (w *witness) note(host string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Contains(w.hosts, host) {
		w.hosts = append(w.hosts, host)
	}
}

func newWitness(t *testing.T, partition, region string) *witness {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "witness"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	w := &witness{bundle: filepath.Join(t.TempDir(), "ca.pem")}
	if err := os.WriteFile(w.bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	certificate := func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		leaf := &x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: []string{hello.ServerName}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter}
		der, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), key)
		return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
	}
	aws := http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		emptyAccounts(rec, r)
		body := strings.ReplaceAll(rec.Body.String(), "arn:aws:", "arn:"+partition+":")
		out.WriteHeader(rec.Code)
		io.WriteString(out, strings.ReplaceAll(body, "eu-west-1", region))
	})
	inner := httptest.NewUnstartedServer(aws)
	inner.TLS = &tls.Config{GetCertificate: certificate}
	inner.StartTLS()
	t.Cleanup(inner.Close)
	w.Server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		w.note(r.Host)
		if r.Method != http.MethodConnect {
			http.Error(out, "only TLS goes to AWS", http.StatusForbidden)
			return
		}
		to, err := net.Dial("tcp", inner.Listener.Addr().String())
		if err != nil {
			t.Error(err)
			return
		}
		from, _, err := http.NewResponseController(out).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprint(from, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { io.Copy(to, from); to.Close() }()
		go func() { io.Copy(from, to); from.Close() }()
	}))
	t.Cleanup(w.Close)
	metadata := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		w.note("the metadata service")
		http.NotFound(out, r)
	}))
	t.Cleanup(metadata.Close)
	w.metadata = metadata.URL
	return w
}
