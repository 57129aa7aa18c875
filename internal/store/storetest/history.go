package storetest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/report"
	"awsscanner/internal/store"
	"awsscanner/rules"
)

// Accounts and regions of a history.
var (
	Accounts = []string{"111122223333", "222233334444", "333344445555", "444455556666"}
	Regions  = []string{"eu-central-1", "eu-west-1", "us-east-1", "us-west-2", "ap-southeast-2"}
)

var (
	names = map[string]string{Accounts[0]: "shop", Accounts[1]: "data", Accounts[2]: "payments"}
	teams = []string{"checkout", "catalogue", "payments", "warehouse", "identity", "reporting", "platform"}
	parts = []string{"api", "worker", "gateway", "importer", "search", "pricing", "mailer", "scheduler", "archive", "sync", "webhooks"}
)

// A History is what scans of made-up accounts have found, day after day. The texts of rules are real, all else is made up; the same
// numbers give the same history.
type History struct {
	Failures int // each day, about
	Days     int
	Start    time.Time                       // of the first scan
	Message  func(rule string, n int) string // what is found; nil for something that fits all
	Evidence func(rule string, n int) map[string]any
}

// Record records the scans of a history in a stream, and returns their IDs.
func (h History) Record(t testing.TB, s *store.Store, stream string) (ids []string) {
	t.Helper()
	ctx := t.Context()
	for day := range h.Days {
		start := h.Start.AddDate(0, 0, day)
		id := store.NewID()
		if err := s.Begin(ctx, store.Scan{ID: id, Stream: stream, Cause: "schedule", Created: start, Settings: json.RawMessage(`{"externalId":"never to be shown"}`)}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Start(ctx, id, start); err != nil {
			t.Fatal(err)
		}
		before, err := s.Baseline(ctx, stream)
		if err != nil {
			t.Fatal(err)
		}
		r, err := report.New("1.0.0", h.scan(day, start), rules.All, report.Options{Baseline: before, Waive: waive})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Record(ctx, id, r, strings.NewReader("snapshot of "+id), start.Add(94*time.Second)); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

// scan makes up the scan of a day.
func (h History) scan(day int, start time.Time) *engine.Scan {
	header := engine.Header{Partition: "aws", Start: start, Caller: "arn:aws:sts::" + Accounts[0] + ":assumed-role/SecurityAudit/nightly", Names: names}
	for _, account := range Accounts {
		for _, region := range Regions {
			header.Read = append(header.Read, model.Place{Account: account, Region: region})
		}
	}
	return engine.Told(header, engine.End{Finished: start.Add(94 * time.Second), Calls: 18204 + 17*day, Throttled: 12 * (day % 3)}, func() iter.Seq2[engine.Recorded, error] {
		return func(yield func(engine.Recorded, error) bool) {
			for i := range h.Failures * 10 / 7 {
				switch what(i, day, h.Days) {
				case engine.Failed:
					if !yield(h.result(rarely(i), i), nil) {
						return
					}
				case engine.NotAssessed:
					dark := h.result(rarely(i), i)
					call := "sqs:GetQueueAttributes"
					if i%3 == 0 {
						call = "kms:DescribeKey"
					}
					dark.Verdict = engine.Unsure(model.AccessDenied, "AccessDenied: User is not authorized to perform "+call)
					dark.Gap.Call = call
					if !yield(dark, nil) {
						return
					}
				}
			}
		}
	})
}

// what says what a scan sees of failure number i on a day: a part is there all the time, a part comes, goes, or both.
func what(i, day, days int) engine.Status {
	h := hash(i)
	born, gone := 0, days
	switch h % 10 {
	case 0, 1:
		born = int(h>>8) % days
	case 2, 3:
		gone = 1 + int(h>>8)%days
	case 4:
		born = int(h>>8) % days
		gone = born + 1 + int(h>>20)%days
		if h>>40%4 == 0 && day > gone+1 { // it comes back
			return engine.Failed
		}
	}
	switch {
	case day < born || day >= gone:
		return engine.Passed
	case h>>44%40 == 0 && day >= days-1-int(h>>50)%3:
		return engine.NotAssessed
	}
	return engine.Failed
}

func hash(i int) uint64 {
	h := uint64(i+1) * 0x9e3779b97f4a7c15
	h ^= h >> 29
	h *= 0xbf58476d1ce4e5b9
	return h ^ h>>32
}

// rarely picks a rule for failure number i: a critical one seldom, as it should be.
func rarely(i int) *engine.Rule {
	for h := hash(i); ; h = h*0xbf58476d1ce4e5b9 + 1 {
		rule := &rules.All[h>>20%uint64(len(rules.All))]
		if rule.Severity < engine.High || h>>50%(1<<(2*(rule.Severity-engine.Medium))) == 0 {
			return rule
		}
	}
}

// result makes up failure number i of a rule.
func (h History) result(rule *engine.Rule, i int) engine.Recorded {
	account, region, team := Accounts[i/7%len(Accounts)], Regions[i/3%len(Regions)], teams[i%len(teams)]
	name := fmt.Sprintf("%s-%s-%06d", team, parts[i%len(parts)], i)
	m := model.Meta{ID: name, Name: name, ARN: "arn:aws:" + rule.Service() + ":" + region + ":" + account + ":" + name, Account: account, Region: region}
	if rule.Check.Subject.Scope == model.Global {
		m.Region = ""
	}
	message, evidence := fmt.Sprintf("the setting of %s is %d, which is less than the rule demands: raise it, and look after what depends on it", name, i%97), map[string]any{
		"setting": i % 97, "enabled": i%2 == 0, "users": []string{"arn:aws:iam::" + account + ":role/" + team, "arn:aws:iam::" + account + ":role/operator"}}
	if h.Message != nil {
		message, evidence = h.Message(rule.ID, i), h.Evidence(rule.ID, i)
	}
	v := engine.Fail(message)
	v.Evidence, v.Severity = evidence, rule.Severity
	print := digits(fmt.Sprint(rule.ID, account, region, name))
	return engine.Recorded{Rule: rule.ID, Resource: m, Verdict: v, Fingerprint: print, Identity: print, Tags: map[string]string{"team": team, "environment": "prod"}}
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
	team := x.Tags()["team"]
	w := &report.Waived{Reason: "The partner moves to the new interface by spring", Owner: team, Expires: "2027-03-31", Mitigation: "only from the partner's addresses", Ticket: "OPS-4711", Source: fmt.Sprintf("waivers.yaml:%d", 7*len(team))}
	if len(team)%2 == 0 {
		w.Reason, w.Expires, w.Ticket = "Goes away with the old data centre", "2026-12-20", ""
	}
	return w
}
