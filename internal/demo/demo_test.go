package demo

import (
	"cmp"
	"flag"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"awsscanner/internal/awstest"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/rules"
)

var update = flag.Bool("update", false, "write testdata/verdicts.txt")

const golden = "testdata/verdicts.txt"

// The whole pipeline over the recording: each answer is asked for once, and each rule has something to show.
func TestDemo(t *testing.T) {
	cfg, err := Config()
	if err != nil {
		t.Fatal(err)
	}
	s := scan(t, cfg)
	requests(t, cfg.HTTPClient.(*awstest.Replayer))

	shown := shownRules(t)
	statuses, classes := map[string][]engine.Status{}, map[model.Class]int{}
	var rows []string
	for r := range engine.Evaluate(s, rules.All) {
		statuses[r.Rule.ID] = append(statuses[r.Rule.ID], r.Status)
		severity := "-"
		switch {
		case r.Status == engine.Failed:
			severity = r.Severity.String()
		case r.Gap != nil:
			classes[r.Gap.Reason.Class()]++
			if r.Gap.Reason == model.RuleError || r.Gap.Reason == model.CallFailed {
				t.Errorf("%s on %s: %s", r.Rule.ID, r.Resource.ID, r.Message)
			}
		}
		if !shown(r.Rule.ID) {
			continue
		}
		rows = append(rows, fmt.Sprintf("%s\t%s\t%s\t%s\t%s\n", r.Rule.ID, r.Status, severity, cmp.Or(r.Resource.Region, "-"), cmp.Or(r.Resource.Name, r.Resource.ID)))
	}
	slices.Sort(rows) // by what people read: IDs are random

	for _, r := range rules.All {
		if !shown(r.ID) {
			t.Logf("the demo account does not show %s yet: -update adds it", r.ID)
			continue
		}
		got := statuses[r.ID]
		if r.Check.Subject.Scope == model.AccountSubject { // judges the account as a whole
			if len(got) != 1 || got[0] == engine.NotAssessed {
				t.Errorf("%s says %q, not one thing about the account", r.ID, got)
			}
			continue
		}
		cases, err := os.ReadFile(filepath.Join("../../rules", r.Service(), "testdata", r.ID+".jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []engine.Status{engine.Passed, engine.Failed, engine.Inapplicable} {
			if want == engine.Inapplicable && !slices.ContainsFunc(strings.Split(string(cases), "\n\n"), func(c string) bool {
				return strings.Contains(c, `"`+string(want)) && !strings.Contains(c, `{"params":`)
			}) {
				continue // it judges every resource, or by default it does
			}
			if !slices.Contains(got, want) {
				t.Errorf("%s never says %s", r.ID, want)
			}
		}
	}
	for _, class := range []model.Class{model.Fixable, model.Structural} {
		if classes[class] == 0 {
			t.Errorf("there is no %s gap", class)
		}
	}

	compare(t, rows)
}

// shownRules tells which rules the expected verdicts are of. A new rule need not be shown by the account at once.
func shownRules(t *testing.T) func(id string) bool {
	t.Helper()
	text, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	return func(id string) bool { return *update || strings.Contains("\n"+string(text), "\n"+id+" ") }
}

// compare finds how the verdicts differ from those expected.
func compare(t *testing.T, rows []string) {
	t.Helper()
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, strings.Join(rows, ""))
	w.Flush()
	if *update {
		if err := os.WriteFile(golden, []byte(table.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := table.String(); got != string(text) {
		t.Errorf("the verdicts are not those of %s; if they should be, use -update", golden)
		before, after := strings.Split(string(text), "\n"), strings.Split(got, "\n")
		for _, line := range before {
			if !slices.Contains(after, line) {
				t.Log("no longer ", line)
			}
		}
		for _, line := range after {
			if !slices.Contains(before, line) {
				t.Log("unexpected", line)
			}
		}
	}
}

// requests compares what was asked with what was recorded.
func requests(t *testing.T, client *awstest.Replayer) {
	t.Helper()
	asked, pages := map[awstest.Request]int{}, 0
	for _, q := range client.Requests() {
		asked[q]++
		if strings.Contains(q.Params, "NextToken") {
			pages++
		}
	}
	if pages == 0 {
		t.Error("no list has a second page")
	}
	recorded := map[awstest.Request]bool{}
	for _, e := range client.Exchanges() {
		recorded[e.Request] = true
		if asked[e.Request] == 0 {
			t.Errorf("nobody asks for %v", e.Request)
		}
		body := e.Body
		if plain, err := url.PathUnescape(body); err == nil { // policy documents of IAM
			body = plain
		}
		for _, host := range foreign(e.Params + "\n" + string(e.JSON) + "\n" + body) {
			t.Errorf("the answer to %v names %s", e.Request, host)
		}
	}
	for q, times := range asked {
		if times > 1 {
			t.Errorf("%v is asked %d times", q, times)
		}
		if !recorded[q] {
			t.Errorf("no answer was recorded for %v", q)
		}
	}
}

var (
	urls      = regexp.MustCompile(`\w+://([\w.:-]+)`)
	names     = regexp.MustCompile(`((?:[\w-]+\.)+(?:com|net|org|io|eu|de))(?:[^\w-]|$)`)
	addresses = regexp.MustCompile(`(?:^|[^\w.])(\d{1,3}(?:\.\d{1,3}){3})(?:[^\w.]|$)`)
)

// nobodys are addresses that nobody has: those for documentation, and the beginning of the whole internet.
var nobodys = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/32"), netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24")}

// foreign returns hosts outside of AWS, and addresses outside of a VPC, that a text names. Names under .example are nobody's.
func foreign(text string) (hosts []string) {
	for _, u := range urls.FindAllStringSubmatch(text, -1) {
		hosts = append(hosts, u[1])
	}
	for _, n := range names.FindAllStringSubmatch(text, -1) {
		hosts = append(hosts, n[1])
	}
	for _, a := range addresses.FindAllStringSubmatch(text, -1) {
		if ip, err := netip.ParseAddr(a[1]); err == nil && !ip.IsPrivate() && !slices.ContainsFunc(nobodys, func(p netip.Prefix) bool { return p.Contains(ip) }) {
			hosts = append(hosts, a[1])
		}
	}
	return slices.DeleteFunc(hosts, func(h string) bool {
		return strings.HasSuffix("."+h, ".amazonaws.com") || strings.HasSuffix("."+h, ".aws.amazon.com") || h == "www.w3.org" // names of XML namespaces
	})
}

func TestForeign(t *testing.T) {
	for text, want := range map[string]string{
		`{"u":"https://sqs.eu-central-1.amazonaws.com/1/q","oid":"1.3.6.1.5.5.7.3.1"}`: "",
		`https://signin.aws.amazon.com/saml`:                                           "",
		`<ip>172.31.0.4</ip> shop.acme.example, ip-172-31-0-4.ec2.internal`:            "",
		`https://sqs.eu-central-1.amazonaws.com.evil.net/`:                             "sqs.eu-central-1.amazonaws.com.evil.net sqs.eu-central-1.amazonaws.com.evil.net",
		`http://127.0.0.1:5630/1/q`:                                                    "127.0.0.1:5630 127.0.0.1",
		`<cidrIp>0.0.0.0/0</cidrIp><publicIp>203.0.113.25</publicIp>`:                  "",
		`"54.214.7.9"`:           "54.214.7.9",
		`mail to admin@acme.com`: "acme.com",
	} {
		if got := strings.Join(foreign(text), " "); got != want {
			t.Errorf("%s names %q, want %q", text, got, want)
		}
	}
}
