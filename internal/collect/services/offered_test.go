package services_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"awsscanner/internal/awstest"
	"awsscanner/internal/collect"
	"awsscanner/internal/collect/services"
	"awsscanner/internal/collect/session"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/kinds"
	"awsscanner/rules"
)

// For each service, as if AWS did not offer it in one region, and then in none: it is not called there, lists nothing and leaves no hole; rules
// about what an account or a region should have of it do not apply; whatever cannot be judged without it says why. A snapshot judges alike.
func TestNotOffered(t *testing.T) {
	plan, err := collect.NewPlan(services.All, kinds.All, everything())
	if err != nil {
		t.Fatal(err)
	}
	client := account(t)
	var whole *engine.Snapshot
	synctest.Test(t, func(t *testing.T) { whole = scan(t, plan, client) })
	before := verdicts(whole)
	hole := func(h engine.Hole) string { return string(h.Kind) + " " + h.Region + " " + h.ID + " " + h.Gap.String() }
	var known []string
	for _, h := range whole.Holes() {
		known = append(known, hole(h))
	}
	service := func(op string) string { s, _, _ := strings.Cut(op, ":"); return s }
	var all []string
	for _, op := range plan.Ops {
		all = append(all, service(op))
	}
	slices.Sort(all)
	for _, svc := range slices.Compact(all) {
		for _, region := range []string{"eu-west-1", ""} {
			t.Run(svc+" "+region, func(t *testing.T) {
				lacks := func(s, r string) bool { return s == svc && (region == "" || r == region) }
				var mu sync.Mutex
				var got *engine.Snapshot
				synctest.Test(t, func(t *testing.T) {
					got = scanWithout(t, plan, &awstest.Faults{Client: client, Fault: func(q awstest.Request) awstest.Kind {
						mu.Lock()
						defer mu.Unlock()
						if service(q.Op) == svc && lacks(svc, q.Region) && !slices.Contains(model.DriverCalls, q.Op) {
							t.Errorf("%s is called in %s", q.Op, q.Region)
						}
						return ""
					}}, lacks)
				})
				if len(got.Skipped) != 1 || got.Skipped[0].Service != svc || got.Skipped[0].Region != region {
					t.Errorf("skipped %v", got.Skipped)
				}
				for _, h := range got.Holes() {
					if !slices.Contains(known, hole(h)) && (h.Gap.Reason != model.NotEnabled || h.ID == "" && service(h.Gap.Call) == svc) {
						t.Errorf("there may be a %s in %s: %s", h.Kind, h.Region, h.Gap)
					}
				}
				for _, typ := range kinds.All {
					if typ.List == "" || service(typ.List) != svc {
						continue
					}
					for _, r := range got.All(typ) {
						if m := r.About(); lacks(svc, m.Region) && (region == "" || typ.Scope == model.PerRegion) && typ.Refer == "" {
							t.Errorf("%s lists %s in %s", typ.List, m.ID, m.Region)
						}
					}
				}
				after := verdicts(got)
				for key, r := range after {
					m := r.Resource
					subject := r.Rule.Check.Subject
					was, ok := before[key]
					switch {
					case subject.List == "" && subject.Service() == svc && lacks(svc, m.Region):
						if r.Status != engine.Inapplicable || !strings.HasPrefix(r.Message, "AWS does not offer "+svc+" in ") {
							t.Errorf("%s: %s %s", key, r.Status, r.Message)
						}
					case r.Status == engine.NotAssessed && r.Gap.Reason != model.NotEnabled && (!ok || was.Status != engine.NotAssessed):
						t.Errorf("%s: %s, for another reason: %s", key, r.Status, r.Gap)
					case !ok && m.ID == "*" && service(subject.List) == svc:
						t.Errorf("%s: %s", key, r.Gap)
					}
				}
				for key, r := range before {
					if _, ok := after[key]; !ok && service(r.Rule.Check.Subject.List) != svc {
						t.Errorf("%s is gone", key)
					}
				}
				var file bytes.Buffer
				if err := got.Save(&file); err != nil {
					t.Fatal(err)
				}
				again, err := engine.Load(&file, kinds.All)
				if err != nil {
					t.Fatal(err)
				}
				replayed := verdicts(again)
				if len(replayed) != len(after) {
					t.Errorf("%d verdicts, and %d of the snapshot", len(after), len(replayed))
				}
				for key, r := range replayed {
					if x := after[key]; x.Status != r.Status || x.Message != r.Message || x.Severity != r.Severity {
						t.Errorf("%s: %s %s, of the snapshot %s %s", key, x.Status, x.Message, r.Status, r.Message)
					}
				}
			})
		}
	}
	for _, r := range rules.All { // so that the header can tell what does not apply
		if s := r.Check.Subject; s.List == "" && !slices.Contains(all, s.Service()) {
			t.Errorf("%s judges %s, but no call is to a service %s", r.ID, s.Name, s.Service())
		}
	}
}

// What the table of partitions says is not offered has no endpoint in the SDK; and of whatever has none there somebody has thought.
func TestOfferedTable(t *testing.T) {
	thought := func(service string, p session.Partition, region string) string {
		switch {
		case p.Name == "aws-eusc", p.Name == "aws-iso-e":
			return "of which the SDK has no IAM either: its list is incomplete"
		case service == "s3control":
			return "where there is S3 there is S3 Control"
		case service == "guardduty" && region == "us-isob-west-1":
			return "of which the SDK has no S3 Control: its list is incomplete"
		}
		return ""
	}
	const sdk = "github.com/aws/aws-sdk-go-v2/service/"
	list := []string{"list", "-f", "{{.ImportPath}} {{.Dir}}"}
	seen := map[string]bool{"account": true, "sts": true}
	for _, s := range services.All {
		for _, c := range s(collect.At{}) {
			service, _, _ := strings.Cut(c.Op, ":")
			seen[service] = true
		}
	}
	for service := range seen {
		list = append(list, sdk+service)
	}
	out, err := exec.Command("go", list...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	partition := regexp.MustCompile(`(?s)\n\t\tID: "([a-z-]+)",(.*?)\n\t},`)
	endpoint := regexp.MustCompile(`\n\t\t\t(?:endpoints\.EndpointKey)?{\n\t\t\t\tRegion: "([a-z]{2,4}(?:-[a-z]+)+-\d+)",\n\t\t\t}:`)
	regions := map[string][]string{}         // of each partition
	has := map[string]map[string][]string{}  // regions, by service and partition
	global := map[string]map[string]string{} // name of the endpoint of the partition
	for line := range strings.Lines(string(out)) {
		path, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
		service := strings.TrimPrefix(path, sdk)
		code, err := os.ReadFile(filepath.Join(dir, "internal", "endpoints", "endpoints.go"))
		if err != nil {
			t.Fatal(err)
		}
		has[service], global[service] = map[string][]string{}, map[string]string{}
		for _, p := range partition.FindAllStringSubmatch(string(code), -1) {
			for _, e := range endpoint.FindAllStringSubmatch(p[2], -1) {
				if !strings.HasPrefix(e[1], "fips-") {
					has[service][p[1]] = append(has[service][p[1]], e[1])
				}
			}
			if m := regexp.MustCompile(`PartitionEndpoint: +"([^"]+)"`).FindStringSubmatch(p[2]); m != nil {
				global[service][p[1]] = m[1]
			}
			if service == "ec2" {
				regions[p[1]] = has[service][p[1]]
			}
		}
	}
	if len(has) != len(seen) || len(regions["aws"]) < 30 || len(has["sqs"]["aws"]) < 30 || global["iam"]["aws"] == "" {
		t.Fatalf("not understood: %d services, %d regions, SQS in %d, IAM at %q", len(has), len(regions["aws"]), len(has["sqs"]["aws"]), global["iam"]["aws"])
	}
	for service := range seen {
		for _, p := range session.Partitions {
			for _, region := range regions[p.Name] {
				there := global[service][p.Name] != "" || slices.Contains(has[service][p.Name], region)
				why := thought(service, p, region)
				switch lacks := p.Lacks(service, region); {
				case lacks && there:
					t.Errorf("%s is offered in %s, but the table says that it is not", service, region)
				case lacks && why != "":
					t.Errorf("nothing should be said of %s in %s, %s", service, region, why)
				case !lacks && !there && why == "":
					t.Errorf("the SDK has no endpoint of %s in %s: say so in the table of partitions, if another source does, or here why not", service, region)
				}
			}
			if p.Lacks(service, "") && global[service][p.Name]+strings.Join(has[service][p.Name], "") != "" {
				t.Errorf("%s is offered in %s, but the table says that it is not", service, p.Name)
			}
		}
	}
}
