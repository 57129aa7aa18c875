package waiver

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/iam"
	"awsscanner/internal/model/s3"
	"awsscanner/internal/model/sqs"
	"awsscanner/internal/strictyaml"
)

var testRules = []engine.Rule{
	{ID: "iam-root-mfa", Severity: engine.Critical, Worst: engine.Critical, Check: engine.Each(func(*engine.View, *iam.Account) engine.Verdict { return engine.Pass() })},
	{ID: "sqs-queue-dlq", Severity: engine.Medium, Worst: engine.High, Check: engine.Each(func(*engine.View, *sqs.Queue) engine.Verdict { return engine.Pass() })},
	{ID: "sqs-queue-encrypted", Severity: engine.Low, Worst: engine.Low, Check: engine.Each(func(*engine.View, *sqs.Queue) engine.Verdict { return engine.Pass() })},
	{ID: "s3-bucket-tls", Severity: engine.Medium, Worst: engine.Medium, Check: engine.Each(func(*engine.View, *s3.Bucket) engine.Verdict { return engine.Pass() })},
}

var now = time.Date(2026, 11, 30, 18, 0, 0, 0, time.UTC)

func context() Context { return Context{Rules: testRules, Now: now} }

func results(t *testing.T, told ...engine.Recorded) (all []engine.Result) {
	t.Helper()
	s := engine.Told(engine.Header{}, engine.End{}, func() iter.Seq2[engine.Recorded, error] {
		return func(yield func(engine.Recorded, error) bool) {
			for _, x := range told {
				if !yield(x, nil) {
					return
				}
			}
		}
	})
	for r := range s.Evaluate(testRules) {
		all = append(all, r)
	}
	if len(all) != len(told) {
		t.Fatalf("%d results of %d", len(all), len(told))
	}
	return all
}

func recorded(rule, name, region string, v engine.Verdict, tags map[string]string) engine.Recorded {
	if v.Severity = engine.Medium; v.Status != engine.Failed {
		v.Severity = 0
	}
	return engine.Recorded{Rule: rule, Tags: tags, Verdict: v, Resource: model.Meta{ID: name, Name: name, ARN: "arn:aws:x:" + region + ":111122223333:" + name, Account: "111122223333", Region: region}}
}

// said is a waiver of a condition, with all that is required.
func said(condition string) string {
	return "- " + strings.ReplaceAll(condition, "\n", "\n  ") + "\n  reason: r\n  owner: o\n  expires: 2027-01-31\n"
}

func TestList(t *testing.T) {
	text := `# why and until when
- rule: sqs-queue-dlq
  resource: old-*
  reason: gone soon
  owner: shop
  expires: 2026-11-29      # yesterday
- rule: sqs-queue-dlq
  resource: old-*
  tags: {env: test}
  reason: |
    two
    lines
  owner: shop
  expires: 2026-11-30
  ticket: T-1
- any:
  - rule: sqs-*
    region: eu-west-1
  - rule: s3-bucket-tls
    not: {resource: "*-prod"}
  owner: ops
  reason: r
  expires: "2027-01-31"
`
	l, err := Decode("waivers.yaml", []byte(text), context())
	if err != nil {
		t.Fatal(err)
	}
	if got := l.Warnings(now); !slices.Equal(got, []string{"waivers.yaml:2: expired on 2026-11-29: what it accepted counts again, so remove it, or decide anew"}) {
		t.Errorf("warnings are %q", got)
	}
	if w := l.All[1]; w.Reason != "two\nlines" || w.Ticket != "T-1" || l.Place(1) != "waivers.yaml:7" || w.Expires.String() != "2026-11-30" || !l.NeedsTags() {
		t.Errorf("the second is %+v", w)
	}
	bad, gap := engine.Fail("bad"), engine.Unsure(model.AccessDenied, "no")
	test := map[string]string{"env": "test"}
	for _, c := range []struct {
		of   engine.Recorded
		at   time.Time
		want int
	}{
		{recorded("sqs-queue-dlq", "old-1", "us-east-1", bad, test), now, 1},
		{recorded("sqs-queue-dlq", "old-1", "us-east-1", bad, test), time.Date(2026, 11, 30, 23, 59, 59, 0, time.UTC), 1},
		{recorded("sqs-queue-dlq", "old-1", "us-east-1", bad, test), time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), -1},
		{recorded("sqs-queue-dlq", "old-1", "us-east-1", bad, test), time.Date(2026, 11, 29, 23, 59, 59, 0, time.UTC), 0}, // as the scan was made
		{recorded("sqs-queue-dlq", "old-1", "us-east-1", bad, test), time.Date(2026, 11, 30, 23, 59, 0, 0, time.FixedZone("", -3600)), -1},
		{recorded("sqs-queue-dlq", "old-1", "us-east-1", bad, nil), now, -1}, // nobody knows its tags
		{recorded("sqs-queue-dlq", "new-1", "us-east-1", bad, test), now, -1},
		{recorded("sqs-queue-dlq", "old-1", "eu-west-1", bad, nil), now, 2},
		{recorded("sqs-queue-dlq", "*", "eu-west-1", gap, nil), now, 2},
		{recorded("sqs-queue-dlq", "*", "us-east-1", gap, nil), now, -1},
		{recorded("s3-bucket-tls", "a", "us-east-1", bad, nil), now, 2},
		{recorded("s3-bucket-tls", "a-prod", "us-east-1", bad, nil), now, -1},
		{recorded("s3-bucket-tls", "*", "", gap, nil), now, -1}, // there may be one of them
		{recorded("iam-root-mfa", "111122223333", "", bad, nil), now, -1},
	} {
		r := results(t, c.of)[0]
		if got := l.Find(&r, c.at); got != c.want {
			t.Errorf("%s on %s in %s at %s: %d, want %d", c.of.Rule, c.of.Resource.ID, c.of.Resource.Region, c.at, got, c.want)
		}
	}
}

func TestRefused(t *testing.T) {
	policy := Policy{
		Longest: map[engine.Severity]Limit{engine.Critical: {30, "c.yaml:3"}, engine.High: {90, "c.yaml:4"}, engine.Medium: {180, "c.yaml:5"}},
		Never:   []Ban{{"iam-*", "c.yaml:7"}},
	}
	c := context()
	c.Policy = policy
	for _, x := range []struct{ text, want string }{
		{"[]", ""},
		{said("rule: sqs-queue-encrypted"), ""},
		{"", "1: the file is empty"},
		{"waivers:\n- rule: x\n", "1: the file takes a list, each item of which begins with -, not keys and values"},
		{"rule: sqs-*\nreason: a\n", "1: the file takes a list, each item of which begins with -, not keys and values"},
		{"- sqs-queue-dlq\n", `1: the waiver takes keys and values, as {key: value}, not the text "sqs-queue-dlq"`},
		{"- rule: sqs-queue-dlq\n", "1: the waiver has no reason: add it\n1: the waiver has no owner: add it\n1: the waiver has no expires: add it"},
		{"- reason: r\n  owner: o\n  expires: 2027-01-31\n", "1: the condition is empty: say which results it means, as rule: s3-*"},
		{said("rule: sqs-queue-dlq\nexpiry: 2027-01-01"), `2: the waiver has no key "expiry": did you mean expires?`},
		{said("rule: sqs-queue-dlq\nid: 7"), `2: the waiver has no key "id": it has rule, account, region, resource, kind, severity, stack, tags, any, all, not, reason, owner, expires, mitigation, risk, ticket`},
		{said("rules: sqs-queue-dlq"), `1: the waiver has no key "rules": did you mean rule?`},
		{said("rule: sqs-queue-dql"), `1: rule: no rule matches "sqs-queue-dql": did you mean sqs-queue-dlq?`},
		{said("rule: '*'"), `1: rule: "*" matches every rule: name those that you mean, or leave it out`},
		{said("severity: low"), "1: the waiver would accept everything but what it excludes: name a rule, an account, a resource or the like"},
		{said("not: {rule: sqs-*}"), "1: the waiver would accept everything but what it excludes: name a rule, an account, a resource or the like"},
		{said("any: [{rule: sqs-queue-encrypted}, {not: {region: eu-*}}]"), "1: the waiver would accept everything but what it excludes: name a rule, an account, a resource or the like"},
		{said("resource: x\nrule: sqs-queue-encrypted") + said("rule: sqs-queue-encrypted\nresource: [x, x]"), "6: the waiver means the same as that in line 1: keep one of them"},
		{"- {rule: sqs-queue-dlq, reason: r, owner: o, expires: 2027-02-30}", "1: expires: there is no day 2027-02-30"},
		{"- {rule: sqs-queue-dlq, reason: r, owner: o, expires: 30.1.2027}", `1: expires: "30.1.2027" is no date: write YYYY-MM-DD`},
		{"- {rule: sqs-queue-dlq, reason: r, owner: o, expires: 2027-1-5}", `1: expires: "2027-1-5" is no date: write YYYY-MM-DD`},
		{"- {rule: sqs-queue-dlq, reason: r, owner: o, expires: never}", `1: expires: "never" is no date: write YYYY-MM-DD`},
		{"- {rule: sqs-queue-dlq, reason: r, owner: o, expires: 2027-01-01T00:00:00Z}", `1: expires: "2027-01-01T00:00:00Z" is no date: write YYYY-MM-DD`},
		{"- {rule: sqs-queue-encrypted, reason: r, owner: o, expires: 9999-12-31}", "1: expires: 9999-12-31 is more than five years away: choose a day on which somebody will look at it again"},
		{"- {rule: sqs-queue-dlq, reason: ' ', owner: o, expires: 2027-01-01}", "1: reason is empty: give it a text, or remove it"},
		{"- {rule: sqs-queue-dlq, reason: " + strings.Repeat("x", 2001) + ", owner: o, expires: 2027-01-01}", "1: reason has more than 2000 characters: say it shorter, or where it is written down"},
		{"- {rule: sqs-queue-encrypted, reason: r, owner: o, expires: 2029-01-01}", ""}, // no limit for what is low
		{"- {rule: sqs-queue-dlq, reason: r, owner: o, expires: 2027-02-28}", ""},
		{"- {rule: sqs-queue-dlq, reason: r, owner: o, expires: 2027-03-01}", "1: expires: 2027-03-01 is 91 days away, and c.yaml:4 allows 90 for what is high, as sqs-queue-dlq may be: choose 2027-02-28 or an earlier day"},
		{"- {rule: sqs-queue-dlq, severity: medium, reason: r, owner: o, expires: 2027-03-01}", ""},
		{"- rule: sqs-queue-dlq\n  severity: medium\n  reason: r\n  owner: o\n  expires: 2027-12-01", "5: expires: 2027-12-01 is 366 days away, and c.yaml:5 allows 180 for what is medium, as sqs-queue-dlq may be: choose 2027-05-29 or an earlier day"},
		{"- {region: eu-*, not: {rule: iam-*}, reason: r, owner: o, expires: 2027-12-01}", "1: expires: 2027-12-01 is 366 days away, and c.yaml:4 allows 90 for what is high, as sqs-queue-dlq may be: choose 2027-02-28 or an earlier day"},
		{said("rule: iam-root-mfa"), "1: iam-root-mfa may not be waived, as c.yaml:7 says: remove the waiver, or exclude what it says by not: {rule: ...}\n4: expires: 2027-01-31 is 62 days away, and c.yaml:3 allows 30 for what is critical, as iam-root-mfa may be: choose 2026-12-30 or an earlier day"},
		{"- account: 111122223333\n  reason: r\n  owner: o\n  expires: 2026-12-01\n", "1: iam-root-mfa may not be waived, as c.yaml:7 says: remove the waiver, or exclude what it says by not: {rule: ...}"},
		{"- {account: 111122223333, not: {rule: iam-*}, reason: r, owner: o, expires: 2026-12-01}\n", ""},
		{"- rule: sqs-queue-dlq\n  account: 12345\n  expires: 2020-13-01\n  owner:\n  foo: bar\n", "1: the waiver has no reason: add it\n2: account: \"12345\" has 5 digits, and an account ID 12: leading zeros may have been lost\n3: expires: there is no day 2020-13-01\n4: owner has no value: give one, or remove the key\n5: the waiver has no key \"foo\": it has rule, account, region, resource, kind, severity, stack, tags, any, all, not, reason, owner, expires, mitigation, risk, ticket"},
	} {
		_, err := Decode("w.yaml", []byte(x.text), c)
		got := ""
		if err != nil {
			got = strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\nw.yaml:", "\n"), "w.yaml:")
		}
		if got != x.want {
			t.Errorf("%.300q\n is refused with %s\n           want %s", x.text, got, x.want)
		}
	}
}

func TestTerm(t *testing.T) {
	for text, want := range map[string]string{"90d": "90", "2w": "14", "0d": "allows nothing", "90": "is no term", "1y": "is no term", "-1d": "is no term", "1.5d": "is no term", "": "is no term"} {
		var term Term
		got := ""
		if err := term.UnmarshalText([]byte(text)); err != nil {
			got = err.Error()
		} else {
			got = fmt.Sprint(int(term))
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

// A waiver is called unused only if all that it may mean was seen.
func TestUse(t *testing.T) {
	text := said("rule: sqs-queue-dlq\nresource: bad") + // line 1
		said("rule: sqs-queue-dlq\nresource: [bad, other]") + // 6: the first accepts it
		said("rule: sqs-queue-dlq\nresource: good") + // 11
		said("rule: sqs-queue-dlq\nresource: gone") + // 16
		said("rule: sqs-queue-encrypted\nresource: gone") + // 21: there is a list that failed
		said("rule: sqs-queue-dlq\ntags: {a: b}") + // 26
		said("rule: [s3-bucket-tls, sqs-queue-dlq]\nresource: gone") + // 31: not judged
		said("rule: sqs-queue-dlq\naccount: 999999999999") + // 36
		said("rule: sqs-queue-dlq\nregion: us-*") + // 41: not read
		said("rule: sqs-queue-dlq\nregion: ap-*") + // 46
		"- {rule: sqs-queue-dlq, resource: bad, region: eu-*, reason: r, owner: o, expires: 2020-01-31}\n" // 51
	l, err := Decode("w.yaml", []byte(text), context())
	if err != nil {
		t.Fatal(err)
	}
	tally := l.NewTally(now)
	for _, r := range results(t,
		recorded("sqs-queue-dlq", "bad", "eu-west-1", engine.Fail("bad"), map[string]string{}),
		recorded("sqs-queue-dlq", "good", "eu-west-1", engine.Pass(), map[string]string{}),
		recorded("sqs-queue-dlq", "dark", "eu-west-1", engine.Fail("bad"), nil),
		recorded("sqs-queue-encrypted", "*", "eu-west-1", engine.Unsure(model.AccessDenied, "no"), nil)) {
		tally.Add(&r)
	}
	h := engine.Header{Read: []model.Place{{Account: "111122223333", Region: "eu-west-1"}}, Unread: []model.Place{{Account: "111122223333", Region: "us-east-1"}}}
	var got []string
	for i := range l.All {
		fate, why := tally.Fate(i, h, testRules[:3], testRules)
		got = append(got, fmt.Sprintf("%d %s: %s", l.All[i].Line, fate, why))
	}
	want := []string{
		"1 used: accepts 1",
		"6 cannot tell: the scan did not read us-east-1 of 111122223333",
		"11 cannot tell: the scan did not read us-east-1 of 111122223333",
		"16 cannot tell: the scan did not read us-east-1 of 111122223333",
		"21 cannot tell: the scan did not read us-east-1 of 111122223333",
		"26 cannot tell: the scan did not read us-east-1 of 111122223333",
		"31 cannot tell: the scan did not judge by s3-bucket-tls",
		"36 cannot tell: the scan did not read 999999999999",
		"41 cannot tell: the scan did not read us-east-1 of 111122223333",
		"46 unused: nothing is there that it means",
		"51 expired: on 2020-01-31",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	h.Unread, got = nil, nil
	for i := range l.All[:9] {
		fate, why := tally.Fate(i, h, testRules[:3], testRules)
		got = append(got, fmt.Sprintf("%d %s: %s", l.All[i].Line, fate, why))
	}
	want = []string{
		"1 used: accepts 1",
		"6 unused: what it means is accepted by w.yaml:1 already",
		"11 unused: what it means is no failure (1)",
		"16 unused: nothing is there that it means",
		"21 cannot tell: whether it means what a list or tags would tell is not known (1)",
		"26 cannot tell: whether it means what a list or tags would tell is not known (1)",
		"31 cannot tell: the scan did not judge by s3-bucket-tls",
		"36 cannot tell: the scan did not read 999999999999",
		"41 unused: nothing is there that it means",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Whatever a file holds: it is refused in words, or every waiver has what is required and does not accept everything.
func FuzzRead(f *testing.F) {
	f.Add([]byte(said("rule: sqs-*\nresource: a*") + said("any: [{tags: {a: b}}, {account: 012345678901}]\nnot: {kind: AWS::SQS::Queue}")))
	f.Add([]byte("[]"))
	f.Add([]byte("- {rule: '*', reason: a, owner: b, expires: 2027-01-01}"))
	f.Add([]byte("- {severity: low, all: [{not: {not: {region: eu-*}}}], reason: a, owner: b, expires: 2027-01-01}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := Decode("w.yaml", data, context())
		if err != nil {
			if _, ok := err.(strictyaml.Mistakes); !ok || !strings.HasPrefix(err.Error(), "w.yaml:") {
				t.Errorf("%q is refused with %v", data, err)
			}
			return
		}
		var told []engine.Recorded
		for i := range testRules {
			told = append(told, recorded(testRules[i].ID, fmt.Sprintf("resource-%d-of-%d", i, len(data)), "xx-nowhere-9", engine.Fail("bad"), map[string]string{}))
		}
		rs := results(t, told...)
		for i := range l.All {
			w := &l.All[i]
			if w.Reason == "" || w.Owner == "" || w.Expires.IsZero() || w.Line < 1 {
				t.Errorf("%q lacks something: %+v", data, w)
			}
			one := List{All: l.All[i : i+1], rules: map[string][]int{}}
			for _, r := range testRules {
				one.rules[r.ID] = []int{0}
			}
			n := 0
			for j := range rs {
				if one.Find(&rs[j], now) >= 0 {
					n++
				}
			}
			if n == len(rs) && len(w.accounts()) == 0 && !strings.Contains(string(data), "resource") && !strings.Contains(string(data), "region") && !strings.Contains(string(data), "rule") && !strings.Contains(string(data), "kind") {
				t.Errorf("%q accepts everything", data)
			}
		}
	})
}
