package match

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/iam"
	"awsscanner/internal/model/sqs"
	"awsscanner/internal/strictyaml"
)

var testRules = []engine.Rule{
	{ID: "sqs-queue-a", Severity: engine.High, Worst: engine.High, Check: engine.Each(func(*engine.View, *sqs.Queue) engine.Verdict { return engine.Pass() })},
	{ID: "sqs-queue-b", Severity: engine.Low, Worst: engine.Medium, Check: engine.Each(func(*engine.View, *sqs.Queue) engine.Verdict { return engine.Pass() })},
	{ID: "iam-account-c", Severity: engine.Low, Worst: engine.Low, Check: engine.Each(func(*engine.View, *iam.Account) engine.Verdict { return engine.Pass() })},
}

// results makes results of rules, as a report has told them.
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
	for r, err := range s.Evaluate(testRules) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	if len(all) != len(told) {
		t.Fatalf("%d results of %d", len(all), len(told))
	}
	return all
}

func failure(rule, account, region, name string, tags map[string]string) engine.Recorded {
	v := engine.Fail("bad")
	v.Severity = engine.High
	return engine.Recorded{Rule: rule, Tags: tags, Verdict: v,
		Resource: model.Meta{ID: "https://sqs/" + name, ARN: "arn:aws:sqs:" + region + ":" + account + ":" + name, Name: name, Account: account, Region: region}}
}

func gap(rule, account, region, id string) engine.Recorded {
	return engine.Recorded{Rule: rule, Verdict: engine.Unsure(model.AccessDenied, "no"), Resource: model.Meta{ID: id, Account: account, Region: region}}
}

func TestAsk(t *testing.T) {
	orders := failure("sqs-queue-a", "111122223333", "eu-west-1", "orders", map[string]string{"env": "prod", "Team": "shop", stackTag: "shop-queues"})
	dark := failure("sqs-queue-a", "111122223333", "eu-west-1", "orders", nil)
	hole := gap("sqs-queue-b", "111122223333", "eu-west-1", "*")
	nowhere := gap("sqs-queue-b", "profile x", "*", "*")
	reference := gap("sqs-queue-b", "111122223333", "eu-west-1", "https://sqs/orders")
	account := gap("iam-account-c", "111122223333", "", "111122223333")
	for _, c := range []struct {
		condition string
		of        engine.Recorded
		want      Answer
	}{
		{"rule: sqs-*", orders, Yes},
		{"rule: [iam-*, sqs-queue-a]", orders, Yes},
		{"rule: sqs", orders, No},
		{"rule: sqs-*", hole, Yes},
		{"account: 111122223333", orders, Yes},
		{"account: 444455556666", orders, No},
		{"account: 111122223333", hole, Yes},
		{"account: 111122223333", nowhere, Unknown},
		{"region: eu-*", orders, Yes},
		{"region: us-*", orders, No},
		{"region: us-*", nowhere, Unknown},
		{"region: us-*", account, No},
		{"resource: orders", orders, Yes},
		{"resource: https://sqs/*", orders, Yes},
		{"resource: arn:aws:sqs:*:orders", orders, Yes},
		{"resource: order", orders, No},
		{"resource: Orders", orders, No},
		{"resource: orders", hole, Unknown},
		{"resource: '*'", hole, Unknown},
		{"not: {resource: orders}", hole, Unknown},
		{"resource: https://sqs/orders", reference, Yes},
		{"resource: orders", reference, Unknown},
		{"resource: orders", account, No},
		{"resource: '111122223333'", account, Yes},
		{"kind: AWS::SQS::*", orders, Yes},
		{"kind: AWS::::Account", account, Yes},
		{"kind: AWS::S3::*", orders, No},
		{"severity: [high, low]", orders, Yes},
		{"severity: low", orders, No},
		{"severity: low", hole, Unknown},
		{"stack: shop-*", orders, Yes},
		{"stack: web", orders, No},
		{"stack: shop-*", dark, Unknown},
		{"tags: {env: prod}", orders, Yes},
		{"tags: {env: [test, 'p*']}", orders, Yes},
		{"tags: {env: prod, Team: pay}", orders, No},
		{"tags: {team: shop}", orders, No},
		{"tags: {env: prod}", dark, Unknown},
		{"tags: {env: '*'}", hole, Unknown},
		{"tags: {env: prod}\nrule: iam-*", dark, No},
		{"any: [{tags: {env: prod}}, {rule: sqs-*}]", dark, Yes},
		{"any: [{tags: {env: prod}}, {rule: iam-*}]", dark, Unknown},
		{"any: [{rule: iam-*}, {account: 444455556666}]", dark, No},
		{"all: [{tags: {env: prod}}, {rule: iam-*}]", dark, No},
		{"all: [{tags: {env: prod}}, {rule: sqs-*}]", dark, Unknown},
		{"not: {tags: {env: prod}}", dark, Unknown},
		{"not: {tags: {env: prod}}", orders, No},
		{"not: {rule: iam-*}", orders, Yes},
		{"not: {not: {rule: sqs-*}}", orders, Yes},
	} {
		var x Condition
		if err := strictyaml.Decode("x", []byte(c.condition), &x).Err(); err != nil {
			t.Errorf("%s: %v", c.condition, err)
		}
		r := results(t, c.of)[0]
		if got := x.Ask(Result(&r)); got != c.want {
			t.Errorf("%s of %s %s: %s, want %s", c.condition, c.of.Rule, c.of.Resource.ID, got, c.want)
		}
	}
}

// random makes a condition that says something of the subjects that the tests ask about.
func random(r *rand.Rand, depth int) (c Condition) {
	pick := func(of ...string) []string {
		r.Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
		return of[:1+r.IntN(2)]
	}
	for range 1 + r.IntN(2) {
		switch n := r.IntN(11); {
		case n == 0:
			c.Rule = pick("sqs-*", "sqs-queue-a", "iam-*")
		case n == 1:
			c.Account = pick("111122223333", "444455556666")
		case n == 2:
			c.Region = pick("eu-*", "us-east-1")
		case n == 3:
			c.Resource = pick("orders", "*dead*", "arn:*")
		case n == 4:
			c.Kind = pick("AWS::SQS::*", "AWS::::Account")
		case n == 5:
			c.Severity = []engine.Severity{engine.High}
		case n == 6:
			c.Stack = pick("web", "shop*")
		case n == 7, depth == 0:
			c.Tags = map[string][]string{pick("env", "team")[0]: pick("prod", "test", "*")}
		case n == 8:
			c.Any = []Condition{random(r, depth-1), random(r, depth-1)}
		case n == 9:
			c.All = []Condition{random(r, depth-1), random(r, depth-1)}
		default:
			not := random(r, depth-1)
			c.Not = &not
		}
	}
	return c
}

func TestProperties(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var told []engine.Recorded
	for _, tags := range []map[string]string{nil, {}, {"env": "prod"}, {"env": "test", "team": "a", stackTag: "web"}} {
		for _, name := range []string{"orders", "dead-letters"} {
			told = append(told, failure("sqs-queue-a", "111122223333", "eu-west-1", name, tags), failure("sqs-queue-b", "444455556666", "us-east-1", name, tags))
		}
	}
	told = append(told, gap("sqs-queue-a", "111122223333", "eu-west-1", "*"), gap("sqs-queue-b", "444455556666", "*", "*"), gap("iam-account-c", "111122223333", "", "111122223333"))
	all := results(t, told...)
	blind := make([]engine.Recorded, len(told)) // the same without tags
	copy(blind, told)
	for i := range blind {
		blind[i].Tags = nil
	}
	dark := results(t, blind...)
	seen := map[Answer]int{}
	for range 1000 {
		a, b := random(r, 3), random(r, 3)
		for i := range all {
			ask := func(c Condition) Answer { return c.Ask(Result(&all[i])) }
			not := func(c Condition) Condition { return Condition{Not: &c} }
			seen[ask(a)]++
			for what, pair := range map[string][2]Condition{
				"not (a and b) is (not a) or (not b)":   {not(Condition{All: []Condition{a, b}}), {Any: []Condition{not(a), not(b)}}},
				"not (a or b) is (not a) and (not b)":   {not(Condition{Any: []Condition{a, b}}), {All: []Condition{not(a), not(b)}}},
				"a and b is b and a":                    {{All: []Condition{a, b}}, {All: []Condition{b, a}}},
				"a or b is b or a":                      {{Any: []Condition{a, b}}, {Any: []Condition{b, a}}},
				"not not a is a":                        {not(not(a)), a},
				"a and a is a":                          {{All: []Condition{a, a}}, a},
				"(a or b) and a is a":                   {{All: []Condition{{Any: []Condition{a, b}}, a}}, a},
				"a says the same in another order":      {a, a.ordered()},
				"a condition within one is a condition": {{Any: []Condition{a}}, {All: []Condition{a}}},
			} {
				if x, y := ask(pair[0]), ask(pair[1]); x != y {
					t.Fatalf("%s: %s and %s\na = %+v\nb = %+v\nof %+v", what, x, y, a, b, told[i])
				}
			}
			if (ask(a) == Unknown) != (ask(not(a)) == Unknown) {
				t.Fatalf("not makes something certain: %+v", a)
			}
			least := Yes
			for _, step := range a.Explain(Result(&all[i])) {
				if step.Depth == 0 {
					least = min(least, step.Answer)
				}
			}
			if least != ask(a) {
				t.Fatalf("the explanation says %s, but it is %s: %+v", least, ask(a), a)
			}
			// What is answered without tags is so whatever they are.
			if without := a.Ask(Result(&dark[i])); without != Unknown && without != ask(a) {
				t.Fatalf("%s without tags, %s with them: %+v of %+v", without, ask(a), a, told[i])
			}
			// What is answered of a hole is so of whatever it may hide, of a rule, so of whatever it finds.
			rule := &Subject{Rule: all[i].Rule}
			if of := a.Ask(rule); of != Unknown && of != ask(a) {
				t.Fatalf("%s of the rule, %s of what it found: %+v of %+v", of, ask(a), a, told[i])
			}
			hidden := gap(told[i].Rule, told[i].Resource.Account, told[i].Resource.Region, "*")
			if all[i].Rule.ID != "iam-account-c" {
				h := results(t, hidden)[0]
				if of := a.Ask(Result(&h)); of != Unknown && of != ask(a) {
					t.Fatalf("%s of the hole, %s of what it hides: %+v of %+v", of, ask(a), a, told[i])
				}
			}
		}
		if a.Key() == b.Key() && !reflect.DeepEqual(a.ordered(), b.ordered()) {
			t.Fatalf("two conditions have one key: %+v, %+v", a, b)
		}
		if x := a.ordered(); x.Key() != a.Key() {
			t.Fatalf("the order changes the key of %+v", a)
		}
	}
	if seen[Yes] < 500 || seen[No] < 500 || seen[Unknown] < 500 {
		t.Errorf("answers are %v", seen)
	}
}

func TestCheck(t *testing.T) {
	v := Vocabulary{Rules: []string{"sqs-queue-a", "sqs-queue-b", "iam-account-c"}, Kinds: []string{"AWS::SQS::Queue", "AWS::::Account"}}
	for _, c := range []struct{ text, want string }{
		{"rule: sqs-*", ""},
		{"account: [111122223333, 012345678901]\nregion: [eu-*, us-gov-west-1, cn-north-1, '*-1']\nresource: ['arn:aws:s3:::*', '*-dead', 'arn:aws:sqs:*', /aws/lambda/*]\nkind: AWS::SQS::*\nstack: '*'\ntags: {env: '*'}\nseverity: low", ""},
		{"{}", "1: the condition is empty: say which results it means, as rule: s3-*"},
		{"not: {}", "1: the condition is empty: say which results it means, as rule: s3-*"},
		{"any:\n- rule: sqs-*\n- {}", "3: the condition is empty: say which results it means, as rule: s3-*"},
		{"rule: sqs-queue-x", `1: rule: no rule matches "sqs-queue-x": did you mean sqs-queue-a?`},
		{"not:\n  all:\n  - rule:\n    - zzz-*", `4: rule: no rule matches "zzz-*": see scanner rules list`},
		{"rule: '*'", `1: rule: "*" matches every rule: name those that you mean, or leave it out`},
		{"rule: '*-*'", `1: rule: "*-*" matches every rule: name those that you mean, or leave it out`},
		{"kind: AWS::SQS::Que", `1: kind: no kind matches "AWS::SQS::Que": did you mean AWS::SQS::Queue?`},
		{"kind: AWS::*", `1: kind: "AWS::*" matches every kind: name those that you mean, or leave it out`},
		{"account: '*'", `1: account: "*" is no account ID: write the 12 digits of each account, as patterns are not understood here`},
		{"account: 12345678901", `1: account: "12345678901" has 11 digits, and an account ID 12: leading zeros may have been lost`},
		{"account: prod", `1: account: "prod" is no account ID: write its 12 digits`},
		{"account: 1111-2222-3333", `1: account: "1111-2222-3333" is no account ID: write its 12 digits`},
		{"region: '*'", `1: region: "*" matches every region: name those that you mean, or leave it out`},
		{"region: '*-*'", `1: region: "*-*" matches every region: name those that you mean, or leave it out`},
		{"region: EU-west-1", `1: region: there is no region "EU-west-1": write it in lower case, as eu-west-1`},
		{"region: europe", `1: region: there is no region "europe": write a name as eu-west-1, or a glob as eu-*`},
		{"region: eu-west-1a", `1: region: there is no region "eu-west-1a": write a name as eu-west-1, or a glob as eu-*`},
		{"region: eu-wset-1", `1: region: there is no region "eu-wset-1": did you mean eu-west-1?`},
		{"region: euu-*", `1: region: no region matches "euu-*": write a name as eu-west-1, or a glob as eu-*`},
		{"region: [eu-west-9, nz-north-1, ap-east-3]", ""}, // they may come
		{"resource: '**'", `1: resource: "**" matches every resource: name those that you mean, or leave it out`},
		{"resource: 'arn:*'", `1: resource: "arn:*" matches every ARN: name the resources that you mean, or leave it out`},
		{"resource: '*:aws-cn:*'", `1: resource: "*:aws-cn:*" matches every ARN: name the resources that you mean, or leave it out`},
		{"resource: '^x.*$'", `1: resource: "^x.*$" looks like a regular expression: only a star is special, and stands for any characters`},
		{"tags: {'e*': x}", `1: the tag key "e*" holds a star, but keys are taken as they are: write the whole key`},
		{"severity: hgh", `1: an item of severity: "hgh" is no severity: use one of critical, high, medium, low, informational`},
	} {
		var x Condition
		f := strictyaml.Decode("x", []byte(c.text), &x)
		if f.Err() == nil {
			x.Check(f, "", v)
		}
		got := ""
		if err := f.Err(); err != nil {
			got = strings.TrimPrefix(err.Error(), "x:")
		}
		if got != c.want {
			t.Errorf("%q is refused with %q, want %q", c.text, got, c.want)
		}
	}
}

func TestNarrows(t *testing.T) {
	for text, want := range map[string]bool{
		"rule: a": true, "account: 111122223333": true, "region: x": true, "resource: x": true, "kind: x": true, "stack: x": true, "tags: {a: b}": true,
		"severity: low": false, "not: {rule: a}": false, "not: {rule: a}\nseverity: low": false,
		"any: [{rule: a}, {rule: b}]": true, "any: [{rule: a}, {severity: low}]": false, "any: [{rule: a}, {not: {rule: b}}]": false,
		"all: [{severity: low}, {rule: b}]": true, "all: [{severity: low}, {not: {rule: b}}]": false,
	} {
		var x Condition
		if err := strictyaml.Decode("x", []byte(text), &x).Err(); err != nil {
			t.Fatal(err)
		}
		if x.Narrows() != want {
			t.Errorf("%s narrows: %v", text, !want)
		}
	}
}

func TestNeedsTags(t *testing.T) {
	for text, want := range map[string]bool{
		"rule: a": false, "tags: {a: b}": true, "stack: x": true, "not: {stack: a}": true, "any: [{rule: a}, {tags: {a: b}}]": true, "all: [{not: {tags: {a: b}}}]": true, "not: {rule: a}": false,
	} {
		var x Condition
		if err := strictyaml.Decode("x", []byte(text), &x).Err(); err != nil {
			t.Fatal(err)
		}
		if x.NeedsTags() != want {
			t.Errorf("%s needs tags: %v", text, !want)
		}
	}
}

func TestExplain(t *testing.T) {
	var x Condition
	text := "rule: sqs-*\ntags: {env: [prod, 'p*']}\nseverity: low\nany:\n- account: 111122223333\n  region: us-*\n- resource: orders\nall: [{kind: AWS::SQS::Queue}]\nnot: {stack: web}\n"
	if err := strictyaml.Decode("x", []byte(text), &x).Err(); err != nil {
		t.Fatal(err)
	}
	r := results(t, failure("sqs-queue-a", "111122223333", "eu-west-1", "orders", nil))[0]
	var got []string
	for _, s := range x.Explain(Result(&r)) {
		got = append(got, fmt.Sprintf("%s%s: %s", strings.Repeat("  ", s.Depth), s.Text, s.Answer))
	}
	want := []string{"rule sqs-*: yes", "severity low: no", "tag env prod, p*: unknown", "all of: yes", "  kind AWS::SQS::Queue: yes",
		"any of: yes", "  1.: no", "    account 111122223333: yes", "    region us-*: no", "  2.: yes", "    resource orders: yes", "not: unknown", "  stack web: unknown"}
	if !slices.Equal(got, want) {
		t.Errorf("explained as\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
