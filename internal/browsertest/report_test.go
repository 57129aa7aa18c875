package browsertest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"testing"
	"time"

	"awsscanner/frameworks"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/report"
	"awsscanner/rules"
)

// Reports on results that nobody has judged: the texts are those of the rules, the rest is made up.

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

var (
	accounts = []string{"111122223333", "222233334444", "333344445555", "444455556666"}
	regions  = []string{"eu-central-1", "eu-west-1", "us-east-1", "us-west-2", "ap-southeast-2"}
	teams    = []string{"checkout", "catalogue", "payments", "warehouse", "identity", "reporting", "platform"}
	parts    = []string{"api", "worker", "gateway", "importer", "search", "pricing", "mailer", "scheduler", "archive", "sync", "webhooks"}
)

// many makes up n failures, and one result that is not assessed for each twenty of them.
func many(n int) iter.Seq2[engine.Recorded, error] {
	return func(yield func(engine.Recorded, error) bool) {
		for i := range n {
			rule := rarely(i)
			x := result(rule, i)
			if !yield(x, nil) {
				return
			}
			if i%20 == 0 {
				dark := result(rule, n+i)
				dark.Verdict = engine.Unsure(model.AccessDenied, "AccessDenied: User is not authorized to perform sqs:GetQueueAttributes")
				dark.Gap.Call = "sqs:GetQueueAttributes"
				if !yield(dark, nil) {
					return
				}
			}
		}
	}
}

// rarely picks a rule for failure number i: a critical one seldom, as it should be.
func rarely(i int) *engine.Rule {
	h := uint64(i+1) * 0x9e3779b97f4a7c15
	for {
		h ^= h >> 29
		rule := &rules.All[h%uint64(len(rules.All))]
		if rule.Severity < engine.High || h>>40%(1<<(2*(rule.Severity-engine.Medium))) == 0 {
			return rule
		}
		h *= 0xbf58476d1ce4e5b9
	}
}

// result makes up failure number i of a rule.
func result(rule *engine.Rule, i int) engine.Recorded {
	account, region := accounts[i/7%len(accounts)], regions[i/3%len(regions)]
	name := fmt.Sprintf("%s-%s-%06d", teams[i%len(teams)], parts[i%len(parts)], i)
	m := model.Meta{ID: name, Name: name, ARN: "arn:aws:" + rule.Service() + ":" + region + ":" + account + ":" + name, Account: account, Region: region}
	switch rule.Check.Subject.Scope {
	case model.AccountSubject:
		m = model.Meta{ID: account, Account: account}
	case model.RegionSubject:
		m = model.Meta{ID: region, Account: account, Region: region}
	}
	v := engine.Fail(fmt.Sprintf("the setting of %s is %d, which is less than the rule demands: raise it, and look after what depends on it", name, i%97))
	v.Evidence = map[string]any{"setting": i % 97, "enabled": i%2 == 0, "created": start.Add(-time.Duration(i) * time.Hour).Format(time.RFC3339),
		"users": []string{fmt.Sprintf("arn:aws:iam::%s:role/%s", account, teams[i%len(teams)]), "arn:aws:iam::" + account + ":role/operator"}}
	if i%50 == 0 {
		v.Evidence["monthlyCostUSD"] = float64(i%900) / 10
	}
	v.Severity = rule.Severity
	print := fmt.Sprint(rule.ID, account, region, name)
	return engine.Recorded{Rule: rule.ID, Resource: m, Verdict: v, Fingerprint: digits(print), Identity: digits(print), Tags: map[string]string{"team": teams[i%len(teams)], "environment": "prod"}}
}

func digits(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// waive accepts one in forty failures.
func waive(x *engine.Result) *report.Waived {
	if x.Status != engine.Failed || x.Fingerprint()[0] != '7' || x.Fingerprint()[1] > '6' {
		return nil
	}
	return &report.Waived{Reason: "The partner moves to the new interface by spring", Owner: x.Tags()["team"], Expires: "2027-03-31", Mitigation: "only from the partner's addresses", Ticket: "OPS-4711",
		Source: "waivers.yaml:" + fmt.Sprint(len(x.Tags()["team"]))}
}

// judged is a report on some results, with a gate.
func judged(t testing.TB, at time.Time, results iter.Seq2[engine.Recorded, error], o report.Options) *report.Report {
	t.Helper()
	h := engine.Header{Partition: "aws", Start: at, Caller: "arn:aws:sts::" + accounts[0] + ":assumed-role/SecurityAudit/nightly", Names: map[string]string{accounts[0]: "shop", accounts[1]: "data"}}
	for _, account := range accounts {
		for _, region := range regions {
			h.Read = append(h.Read, model.Place{Account: account, Region: region})
		}
	}
	scan := engine.Told(h, engine.End{Finished: at.Add(94 * time.Second), Calls: 18204}, func() iter.Seq2[engine.Recorded, error] { return results })
	r, err := report.New("1.0.0", scan, rules.All, o)
	if err != nil {
		t.Fatal(err)
	}
	r.Decision = new(report.Decision)
	r.Decision.Code, r.Decision.Why = report.Gate{FailOn: engine.High}.Decide(r)
	return r
}

// earlier is what a scan of the day before found: the first of n results, and ten that are not there any more.
func earlier(t testing.TB, n int) *report.Baseline {
	t.Helper()
	b, err := judged(t, start.Add(-24*time.Hour), func(yield func(engine.Recorded, error) bool) {
		for x, err := range many(n) {
			if !yield(x, err) {
				return
			}
		}
		for i := range 10 {
			if !yield(result(&rules.All[i], 1_000_000+i), nil) {
				return
			}
		}
	}, report.Options{}).NewBaseline()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// page writes a report on some results, and returns its address.
func page(t testing.TB, results iter.Seq2[engine.Recorded, error], o report.Options, asked ...string) string {
	t.Helper()
	r := judged(t, start, results, o)
	for _, id := range asked {
		f, err := frameworks.Load(id)
		if err != nil {
			t.Fatal(err)
		}
		r.Frameworks = append(r.Frameworks, f)
	}
	name := filepath.Join(t.TempDir(), "report.html")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.HTML(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return name
}

// of makes a report of a few results.
func of(results ...engine.Recorded) iter.Seq2[engine.Recorded, error] {
	return func(yield func(engine.Recorded, error) bool) {
		for _, x := range results {
			if !yield(x, nil) {
				return
			}
		}
	}
}
