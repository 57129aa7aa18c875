package mutelist

import (
	"bytes"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/match"
	"awsscanner/internal/model"
	"awsscanner/internal/model/iam"
	"awsscanner/internal/model/s3"
	"awsscanner/internal/model/sqs"
	"awsscanner/internal/peers"
	"awsscanner/internal/strictyaml"
	"awsscanner/internal/waiver"
)

var testRules = []engine.Rule{
	{ID: "iam-user-mfa", Severity: engine.High, Worst: engine.High, Check: engine.Each(func(*engine.View, *iam.User) engine.Verdict { return engine.Pass() })},
	{ID: "s3-bucket-versioning", Severity: engine.Low, Worst: engine.Low, Check: engine.Each(func(*engine.View, *s3.Bucket) engine.Verdict { return engine.Pass() })},
	{ID: "s3-bucket-tls", Severity: engine.Low, Worst: engine.Low, Check: engine.Each(func(*engine.View, *s3.Bucket) engine.Verdict { return engine.Pass() })},
	{ID: "sqs-queue-encrypted", Severity: engine.Low, Worst: engine.Low, Check: engine.Each(func(*engine.View, *sqs.Queue) engine.Verdict { return engine.Pass() })},
}

var table = peers.Table{
	"iam-user-mfa":         {peers.Prowler: {"iam_user_hardware_mfa_enabled", "iam_user_mfa_enabled"}},
	"s3-bucket-versioning": {peers.Prowler: {"s3_bucket_object_versioning"}},
	"s3-bucket-tls":        {peers.Prowler: {"s3_bucket_secure_transport_policy"}, peers.Config: {"s3_config"}},
	"sqs-queue-encrypted":  {peers.Prowler: {"sqs_queues_server_side_encryption_enabled"}},
}

func options() Options {
	var last waiver.Date
	last.UnmarshalText([]byte("2027-01-31"))
	return Options{Owner: "ops", Expires: last, Peers: table, Context: waiver.Context{Rules: testRules, Now: time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)}}
}

func run(t *testing.T, text string, o Options) (*Translation, string) {
	t.Helper()
	var x file
	tr, err := translate(strictyaml.Decode("m.yaml", []byte(text), &x), &x, o)
	if err != nil {
		return nil, err.Error()
	}
	var b bytes.Buffer
	if err := tr.Write(&b); err != nil {
		t.Fatal(err)
	}
	if l, err := waiver.Decode("w.yaml", b.Bytes(), o.Context); err != nil || len(l.All) != len(tr.Waivers) {
		t.Fatalf("what was written cannot be read: %v\n%s", err, b.String())
	}
	return tr, b.String()
}

func TestTranslate(t *testing.T) {
	o := options()
	o.Context.Policy.Never = []waiver.Ban{{Rules: "s3-bucket-tls", Place: "scanner.yaml:3"}}
	_, got := run(t, `### comment
Mutelist:
  Accounts:
    "123456789012":
      Checks:
        "iam_user_hardware_mfa_enabled":
          Regions: ["us-east-1"]
          Resources:
            - "user-1"
            - "user-2"
          Description: 'break glass: "sealed"'
        "s3_*":
          Regions: ["*"]
          Resources: ["*"]
        "sqs_*":
          Regions: ["*"]
          Resources: ["test"]
          Tags:
            - "test=test"
            - "project=test|project=stage"
        "ec2_*":
          Regions: ["*"]
          Resources: ["*"]
    "*":
      Checks:
        s3_bucket_object_versioning:
          Regions: [eu-west-1, us-east-1]
          Resources: ["^ci-logs$", ".+-logs", "x.y"]
          Exceptions:
            Accounts: ["012345678901"]
            Resources: [keep]
            Tags: ["environment=prod"]
        "*":
          Regions: ["*"]
          Resources: ["*"]
          Tags: ["environment=dev|stage=dev"]
        sqs_queues_server_side_encryption_enabled:
          Regions: ["*"]
          Resources: ["a[0-9]+"]
        .*(mfa|key).*:
          Regions: ["*"]
          Resources: ["*"]
`, o)
	want := `# left out: m.yaml:12: s3_* in account 123456789012: s3-bucket-tls may not be waived, as scanner.yaml:3 says: remove the waiver, or exclude what it says by not: {rule: ...}
# left out: m.yaml:21: ec2_* in account 123456789012: no rule of this scanner looks at that
# left out: m.yaml:33: * in account *: s3-bucket-tls may not be waived, as scanner.yaml:3 says: remove the waiver, or exclude what it says by not: {rule: ...}
# left out: m.yaml:37: sqs_queues_server_side_encryption_enabled in account *: the resource "a[0-9]+" is a regular expression that no glob says: write a waiver of your own
# left out: m.yaml:40: .*(mfa|key).* in account *: the name of the check is a regular expression: write a waiver of your own

# m.yaml:6
# note: these rules also look at what Prowler checks by iam_user_mfa_enabled
# note: it has no region, as what the rule is about has none
# note: Prowler also mutes resources whose name only contains one of these
- rule: iam-user-mfa
  account: "123456789012"
  resource: [user-1, user-2]
  reason: "break glass: \"sealed\""
  owner: ops
  expires: 2027-01-31

# m.yaml:15
# note: it holds for the rules that there are now, not for those to come
# note: Prowler also mutes resources whose name only contains one of these
# note: Prowler also mutes what has tags that only contain these
- rule: sqs-queue-encrypted
  account: "123456789012"
  resource: test
  tags:
    project: [test, stage]
    test: test
  reason: "muted in Prowler (m.yaml:15), which knows no reason"
  owner: ops
  expires: 2027-01-31

# m.yaml:26
# note: Prowler also mutes resources whose name only contains one of these
- rule: s3-bucket-versioning
  region: [eu-west-1, us-east-1]
  resource: [ci-logs, "*-logs", x.y]
  not:
    account: "012345678901"
    resource: "*keep*"
    tags:
      environment: "prod*"
  reason: "muted in Prowler (m.yaml:26), which knows no reason"
  owner: ops
  expires: 2027-01-31
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// What mutes everything becomes no waiver, and the reason says so.
func TestEverything(t *testing.T) {
	tr, got := run(t, "Mutelist: {Accounts: {'*': {Checks: {'*': {Regions: ['*'], Resources: ['*']}}}}}\n", options())
	if want := "m.yaml:1: * in account *: it mutes everything, which no waiver may: write waivers that name what is meant"; tr == nil || !slices.Equal(tr.Left, []string{want}) {
		t.Errorf("left out is\n%s\nwant\n%s", got, want)
	}
}

func TestNoMutelist(t *testing.T) {
	for text, want := range map[string]string{
		"a: b\n":                     `m.yaml:1: the file has no key "a": it has Mutelist, Mute List, Allowlist`,
		"Mutelist:\n  Accounts: 5\n": "m.yaml:2: Accounts takes keys and values, as {key: value}, not the number 5",
		"Mutelist:\n  Accounts:\n    '*':\n      Checks:\n        a: {Regions: ['*'], Resources: ['*']}\n    '*':\n      Checks:\n        b: {Regions: ['*'], Resources: ['*']}\n": "m.yaml:6: the key * of Accounts stands twice, first in line 3: remove one of them",
		"Mutelist:\n  Accounts:\n    '*':\n      Checks:\n        a: {Regions: ['*']}\n":                                                                                           "m.yaml:5: a has no Resources: add it",
	} {
		if _, got := run(t, text, options()); got != want {
			t.Errorf("%q is refused with %s, want %s", text, got, want)
		}
	}
	var x file
	if _, err := translate(strictyaml.Decode("m.yaml", []byte("Mutelist: {Accounts: {}}"), &x), &x, options()); err == nil {
		t.Error("an empty mutelist is taken")
	}
}

// prowlerMutes does what Prowler documents: all parts of an entry, by regular expressions that are searched for; an exception ends the search.
func prowlerMutes(x *content, order map[string][]string, account, check, region, resource string, tags map[string]string) bool {
	found := func(patterns []string, in string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool {
			if strings.HasPrefix(p, "*") {
				p = "." + p
			}
			return regexp.MustCompile(p).MatchString(in)
		})
	}
	var all []string
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		all = append(all, k+"="+tags[k])
	}
	joined := strings.Join(all, " | ")
	tagged := func(patterns []string) bool {
		return joined != "" && !slices.ContainsFunc(patterns, func(p string) bool { return !found([]string{p}, joined) })
	}
	for _, a := range []string{account, "*"} {
		muted := false
		for _, name := range order[a] {
			e := x.Accounts[a].Checks[name]
			if name != "*" && name != check && !found([]string{name}, check) {
				continue
			}
			if ex := e.Exceptions; ex != nil {
				any, every := false, true
				for _, part := range []struct {
					list []string
					hit  bool
				}{{ex.Accounts, found(ex.Accounts, account)}, {ex.Regions, found(ex.Regions, region)}, {ex.Resources, found(ex.Resources, resource)}, {ex.Tags, len(ex.Tags) > 0 && tagged(ex.Tags)}} {
					any, every = any || part.hit, every && (part.hit || len(part.list) == 0)
				}
				if any && every {
					break
				}
			}
			muted = muted || found(e.Regions, region) && found(e.Resources, resource) && (len(e.Tags) == 0 || tagged(e.Tags))
		}
		if muted {
			return true
		}
	}
	return false
}

// What is waived, Prowler mutes.
func TestNeverMoreThanProwler(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	pick := func(of ...string) []string {
		r.Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
		return of[:1+r.IntN(min(2, len(of)))]
	}
	accounts := []string{"111122223333", "444455556666"}
	resources := []string{"orders", "orders-dead", "ci-logs", "ci-logs-replica", "logs", "a.b", "axb", "keep-logs"}
	tagSets := []map[string]string{{}, {"env": "prod"}, {"env": "production"}, {"env": "dev", "team": "a"}, {"team": "ab"}}
	patterns := func() []string {
		return pick("*", "orders", "^orders$", ".*-dead", ".+-logs", "logs", "ci.*", "a.b", `a\.b`, "ci-logs|orders", "*-replica", "[ab]x")
	}
	tagPatterns := func() []string {
		return pick("env=prod", "team=a", "env=prod|env=dev", "env=dev|team=a", "env=.*", "env=p.*", "te.m=a")
	}
	regions := func() []string { return pick("*", "eu-west-1", "eu-.*", "us-east-1") }
	waived, muted := 0, 0
	for range 1500 {
		x := &content{Accounts: map[string]checks{}}
		order := map[string][]string{}
		text := "Mutelist:\n  Accounts:\n"
		for _, account := range []string{accounts[0], "*"} {
			c := checks{Checks: map[string]entry{}}
			text += fmt.Sprintf("    %q:\n      Checks:\n", account)
			for _, name := range pick("*", "s3_*", "s3_bucket_object_versioning", "sqs_queues_server_side_encryption_enabled", "iam_user_mfa_enabled") {
				e := entry{Regions: regions(), Resources: patterns()}
				text += fmt.Sprintf("        %q:\n          Regions: %s\n          Resources: %s\n", name, list(e.Regions), list(e.Resources))
				if r.IntN(2) == 0 {
					e.Tags = tagPatterns()
					text += fmt.Sprintf("          Tags: %s\n", list(e.Tags))
				}
				if r.IntN(2) == 0 {
					ex := &exceptions{}
					text += "          Exceptions:\n"
					if ex.Resources = patterns(); true {
						text += fmt.Sprintf("            Resources: %s\n", list(ex.Resources))
					}
					if r.IntN(2) == 0 {
						ex.Tags = tagPatterns()
						text += fmt.Sprintf("            Tags: %s\n", list(ex.Tags))
					}
					if r.IntN(2) == 0 {
						ex.Regions = regions()
						text += fmt.Sprintf("            Regions: %s\n", list(ex.Regions))
					}
					if r.IntN(3) == 0 {
						ex.Accounts = accounts[:1]
						text += fmt.Sprintf("            Accounts: %s\n", list(ex.Accounts))
					}
					e.Exceptions = ex
				}
				c.Checks[name] = e
				order[account] = append(order[account], name)
			}
			x.Accounts[account] = c
		}
		_, out := run(t, text, options())
		l, err := waiver.Decode("w.yaml", []byte(out), options().Context)
		if err != nil {
			t.Fatal(err)
		}
		for _, rule := range testRules[1:] { // those with a region, as Prowler gives one to what has none
			for range 6 {
				account, resource, tags := accounts[r.IntN(2)], resources[r.IntN(len(resources))], tagSets[r.IntN(len(tagSets))]
				region := []string{"eu-west-1", "us-east-1"}[r.IntN(2)]
				one := result(rule.ID, account, region, resource, tags)
				mutes := prowlerMutes(x, order, account, table[rule.ID][peers.Prowler][0], region, resource, tags)
				i := l.Find(&one, options().Context.Now)
				if i >= 0 && !mutes {
					var steps []string
					for _, s := range l.All[i].Explain(match.Result(&one)) {
						steps = append(steps, fmt.Sprintf("%s: %s", s.Text, s.Answer))
					}
					t.Fatalf("%s on %s in %s %s with %v is waived, but not muted by\n%s\nwaivers\n%s\n%s", rule.ID, resource, account, region, tags, text, out, strings.Join(steps, "\n"))
				}
				if mutes {
					muted++
				}
				if i >= 0 {
					waived++
				}
			}
		}
	}
	if waived < muted/10 || waived == 0 {
		t.Errorf("only %d of %d are waived", waived, muted)
	}
}

func list(all []string) string {
	var out []string
	for _, s := range all {
		out = append(out, "'"+s+"'")
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func result(rule, account, region, name string, tags map[string]string) (one engine.Result) {
	v := engine.Fail("bad")
	v.Severity = engine.Low
	told := engine.Recorded{Rule: rule, Verdict: v, Tags: tags, Resource: model.Meta{ID: name, Name: name, Account: account, Region: region}}
	s := engine.Told(engine.Header{}, engine.End{}, func() iter.Seq2[engine.Recorded, error] {
		return func(yield func(engine.Recorded, error) bool) { yield(told, nil) }
	})
	for r := range s.Evaluate(testRules) {
		one = r
	}
	return one
}

// Whatever a mutelist holds, it is refused in words, or becomes waivers that can be read.
func FuzzTranslate(f *testing.F) {
	f.Add("s3_*", "eu-west-1", "ci-.*", "env=prod|env=dev", "keep")
	f.Add("*", "*", "a[0-9]", "a=b", "^x$")
	f.Add("lambda_x", ".*", `\d`, "=", "")
	f.Fuzz(func(t *testing.T, check, region, resource, tag, except string) {
		text := fmt.Sprintf("Mutelist: {Accounts: {'*': {Checks: {%q: {Regions: [%q], Resources: [%q], Tags: [%q], Exceptions: {Resources: [%q]}}}}}}", check, region, resource, tag, except)
		run(t, text, options())
	})
}
