package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/iam"
	"awsscanner/internal/model/sqs"
	"awsscanner/internal/strictyaml"
)

type params struct {
	Min      int             `json:"min"`
	Max      int             `json:"max"`
	Trusted  []string        `json:"trusted"`
	Unused   engine.Severity `json:"unused"`
	Required bool            `json:"required"`
}

func (p *params) Validate() error {
	if p.Min > p.Max {
		return errors.New("min must not be more than max")
	}
	return nil
}

var testRules = []engine.Rule{
	{ID: "iam-root-mfa", Severity: engine.Critical, Worst: engine.Critical, Check: engine.Each(func(*engine.View, *iam.Account) engine.Verdict { return engine.Pass() })},
	{ID: "sqs-queue-dlq", Severity: engine.Medium, Worst: engine.High, Check: engine.EachWith(params{Min: 1, Max: 10, Trusted: nil, Unused: engine.Low}, func(*engine.View, *params, *sqs.Queue) engine.Verdict { return engine.Pass() })},
}

func context() Context {
	return Context{
		Rules: testRules,
		ParamNames: func(r *engine.Rule) []string {
			return map[bool][]string{true: {"max", "min", "required", "trusted", "unused"}}[r.Check.Params != nil]
		},
		ParamError: func(err error) string { return err.Error() },
		Check: func(key *Key, value string) error {
			if value == "bad" {
				return fmt.Errorf("--%s: there is no %q", key.Flag, value)
			}
			return nil
		},
	}
}

// load writes files and loads them. Names in errors are without their directory.
func load(t *testing.T, environment []string, texts ...string) (*Config, string) {
	t.Helper()
	dir := t.TempDir()
	var files []string
	for i, text := range texts {
		name := filepath.Join(dir, fmt.Sprintf("%c.yaml", 'a'+i))
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, name)
	}
	c, err := Load(files, environment, context())
	if err != nil {
		if c != nil {
			t.Errorf("there is an error and a configuration")
		}
		return nil, strings.ReplaceAll(err.Error(), dir+"/", "")
	}
	return c, ""
}

func TestLoad(t *testing.T) {
	c, why := load(t, []string{"SCANNER_MAX_RPS=7.5", "SCANNER_ORG=true", "SCANNER_RULES=sqs-*,iam-*", "SCANNER_CONFIG=x", "HOME=/"},
		"accounts:\n  org: false\n  include: [012345678901]\n  tags: {env: [prod, test], team: a}\nregions: eu-*\nmax_rps: 5\nwaivers: waivers.yaml\n"+
			"severities: {iam-root-mfa: high}\nparams: {sqs-queue-dlq: {max: 20, trusted: [012345678901]}}\nwaiver_policy: {longest: {high: 90d, low: 52w}, never: iam-*}\nowners: [{team: x}]\npipelines: deploy\n",
		"regions: [us-*, eu-west-1]\ngate:\n  max: {high: 5, critical: 0}\n  allow_incomplete: 95\n  fail_on: high\nparams:\n  sqs-queue-dlq:\n    min: 15\naccount_params:\n  \"012345678901\":\n    sqs-queue-dlq: {max: 30}\n"+
			"waiver_policy: {longest: {high: 30d}}\nowners:\n- team: shop\n  tags: {team: shop}\n- team: all\npipelines: [ci-*, release]\n")
	if why != "" {
		t.Fatal(why)
	}
	var got []string
	for _, key := range slices.Sorted(maps.Keys(c.Settings)) {
		s := c.Settings[key]
		values := strings.Join(s.Values, " ")
		if s.Path {
			values = filepath.Base(values)
		}
		got = append(got, fmt.Sprintf("--%s %s from %s", s.Flag, values, filepath.Base(s.Place)))
	}
	want := []string{"--accounts 012345678901 from a.yaml:3", "--org true from SCANNER_ORG", "--account-tag env=prod env=test team=a from a.yaml:4", "--allow-incomplete 95 from b.yaml:4",
		"--fail-on high from b.yaml:5", "--max critical=0 high=5 from b.yaml:3", "--max-rps 7.5 from SCANNER_MAX_RPS", "--regions us-* eu-west-1 from b.yaml:1", "--rules sqs-* iam-* from SCANNER_RULES", "--waivers waivers.yaml from a.yaml:7"}
	if !slices.Equal(got, want) {
		t.Errorf("settings are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if w := c.Settings["waivers"]; !filepath.IsAbs(w.Values[0]) {
		t.Errorf("the waivers are looked for in %s", w.Values[0])
	}
	if s := c.Severities["iam-root-mfa"]; s.Severity != engine.High || filepath.Base(s.Place) != "a.yaml:8" {
		t.Errorf("the severity is %+v", s)
	}
	r, _, err := c.tune(testRules[1])
	if err != nil {
		t.Fatal(err)
	}
	here, there := r.Check.Params.(*params), r.Checks["012345678901"].Params.(*params)
	if here.Min != 15 || here.Max != 20 || there.Min != 15 || there.Max != 30 || here.Trusted[0] != "012345678901" {
		t.Errorf("the parameters are %+v and %+v", here, there)
	}
	if p := c.Params["sqs-queue-dlq"]; filepath.Base(p["max"].Place) != "a.yaml:9" || filepath.Base(p["min"].Place) != "b.yaml:8" {
		t.Errorf("the parameters are from %+v", p)
	}
	if l := c.Policy.Longest[engine.High]; l.Term != 30 || filepath.Base(l.Place) != "b.yaml:12" || c.Policy.Longest[engine.Low].Term != 364 || c.Policy.Never[0].Rules != "iam-*" {
		t.Errorf("the policy is %+v", c.Policy)
	}
	if len(c.Owners) != 2 || c.Owners[0].Team != "shop" || !c.NeedsTags() || len(c.Warnings) != 0 {
		t.Errorf("owners are %+v, warnings %s", c.Owners, c.Warnings)
	}
	if strings.Join(c.Pipelines.Globs, " ") != "ci-* release" || filepath.Base(c.Pipelines.Place) != "b.yaml:17" {
		t.Errorf("pipelines are %+v", c.Pipelines)
	}
	if rated := c.Rated(testRules); rated[0].Worst != engine.High || testRules[0].Worst != engine.Critical {
		t.Error("the rule is not rated, or all of them are for ever")
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "a.yaml:1: the file is empty"},
		{"acounts: {}\n", `a.yaml:1: the file has no key "acounts": did you mean accounts?`},
		{"accounts:\n  profile: x\n", `a.yaml:2: accounts has no key "profile": did you mean profiles?`},
		{"fail_on: high\n", `a.yaml:1: the file has no key "fail_on": did you mean fail_on, under gate?`},
		{"profile: x\n", `a.yaml:1: the file has no key "profile": did you mean profiles, under accounts?`},
		{"locked: [parms.x.y]\n", `a.yaml:1: locked: there is no key "parms.x.y": did you mean params.x.y?`},
		{"tags: {a: b}\ngate: {zz:y}\n", "a.yaml:1: the file has no key \"tags\": did you mean tags, under accounts?\na.yaml:2: gate has no key \"zz:y\": it has fail_on, fail_on_new, max, baseline, allow_incomplete, fail_on_incomplete"},
		{"accounts: {tags: {env:prod}}\n", "a.yaml:1: env:prod has no value: after the colon of a key comes a space"},
		{"zzz: high\n", `a.yaml:1: the file has no key "zzz": it has accounts, regions, ruleset, rules, exclude_rules, pillars, services, frameworks, min_severity, severities, params, account_params, outputs, redact, gate, waivers, waiver_policy, owners, timeout, max_rps, quota_share, log_format, attribution, pipelines, schedules, retention, notifications, server, locked`},
		{"exclude-rules: x\n", `a.yaml:1: the file has no key "exclude-rules": did you mean exclude_rules?`},
		{"regions:\n- eu-*\n- bad\n", `a.yaml:3: regions: there is no "bad"`},
		{"ruleset: bad\nregions: bad\n", "a.yaml:1: ruleset: there is no \"bad\"\na.yaml:2: regions: there is no \"bad\""},
		{"gate: {fail_on: bad}\n", `a.yaml:1: gate.fail_on: there is no "bad"`},
		{"gate: {fail_on_new: yes}\n", `a.yaml:1: fail_on_new takes true or false, not "yes"`},
		{"gate: {max: {high: many}}\n", `a.yaml:1: high takes a whole number, not the text "many"`},
		{"gate: {max: 5}\n", "a.yaml:1: max takes keys and values, as {key: value}, not the number 5"},
		{"severities:\n  iam-root-mfa: hgh\n  iam-rot-mfa: high\n", "a.yaml:2: iam-root-mfa: \"hgh\" is no severity: use one of critical, high, medium, low, informational\na.yaml:3: there is no rule \"iam-rot-mfa\": did you mean iam-root-mfa?"},
		{"severities: {iam-*: high}\n", `a.yaml:1: there is no rule "iam-*": see scanner rules list`},
		{"params:\n  sqs-queue-dql: {max: 1}\n", `a.yaml:2: there is no rule "sqs-queue-dql": did you mean sqs-queue-dlq?`},
		{"params:\n  iam-root-mfa: {max: 1}\n", `a.yaml:2: rule iam-root-mfa has no parameters`},
		{"params:\n  sqs-queue-dlq:\n    requird: 1\n", `a.yaml:3: rule sqs-queue-dlq has no parameter "requird": did you mean required?`},
		{"params:\n  sqs-queue-dlq:\n    max: 12\n    trusted: x\n", "a.yaml:4: parameters of rule sqs-queue-dlq: json: cannot unmarshal string into Go struct field params.trusted of type []string"},
		{"params:\n  sqs-queue-dlq:\n    required: yes\n", "a.yaml:3: parameters of rule sqs-queue-dlq: json: cannot unmarshal string into Go struct field params.required of type bool"},
		{"params:\n  sqs-queue-dlq:\n    max: 0\n", "a.yaml:3: parameters of rule sqs-queue-dlq: min must not be more than max"},
		{"params:\n  sqs-queue-dlq:\n    min: 8\n    max: 7\n", "a.yaml:2: parameters of rule sqs-queue-dlq: min must not be more than max"},
		{"params:\n  sqs-queue-dlq:\n    unused: worst\n", `a.yaml:3: parameters of rule sqs-queue-dlq: "worst" is no severity: use one of critical, high, medium, low, informational`},
		{"params:\n  sqs-queue-dlq:\n    max: 0x10\n", "a.yaml:3: max: 0x10 is not a number in decimal digits: put it in quotes if it is a text"},
		{"params:\n  sqs-queue-dlq:\n    max:\n", "a.yaml:3: max has no value: give one, or remove the key"},
		{"params: {sqs-queue-dlq: 5}\n", "a.yaml:1: sqs-queue-dlq takes keys and values, as {key: value}, not the number 5"},
		{"account_params:\n  12345: {sqs-queue-dlq: {max: 3}}\n", `a.yaml:2: account_params: "12345" is no account ID: write its 12 digits, in quotes`},
		{"account_params:\n  '111122223333':\n    sqs-queue-dlq:\n      max: 0\n", "a.yaml:4: in account 111122223333: parameters of rule sqs-queue-dlq: min must not be more than max"},
		{"owners:\n- team: a\n- team: b\n  account: 111122223333\n", `a.yaml:2: team "a" owns everything, so that nobody below it ever owns anything: give it a condition, or put it last`},
		{"owners:\n- tag: {a: b}\n", "a.yaml:2: the owner has no key \"tag\": did you mean tags?\na.yaml:2: the owner has no team: add it"},
		{"owners:\n- team: a\n  account: 1\n- team: unknown\n", "a.yaml:3: account: \"1\" has 1 digits, and an account ID 12: leading zeros may have been lost\na.yaml:4: team: unknown stands for an owner that depends on what is not known: choose another name"},
		{"owners:\n- {team: a, rule: sqs-*}\n- {team: b, rule: [sqs-*]}\n", "a.yaml:3: the owner in line 2 has the same condition, so that this one never owns anything: remove one of them"},
		{"owners:\n- team: \"a\\nb\"\n", `a.yaml:2: team: "a\nb" holds a control character: write the name on one line`},
		{"owners: {shop: x}\n", "a.yaml:1: owners takes a list, each item of which begins with -, not keys and values"},
		{"waiver_policy:\n  longest: 90d\n", `a.yaml:2: longest takes keys and values, as {key: value}, not the text "90d"`},
		{"waiver_policy:\n  longest: {high: 90}\n  never: [sqs-x]\n", "a.yaml:2: high: \"90\" is no term: write days or weeks, as 90d or 12w\na.yaml:3: never: no rule matches \"sqs-x\": see scanner rules list"},
		{"waiver_policy: {longest: {hgh: 90d}}\n", `a.yaml:1: a key of longest: "hgh" is no severity: use one of critical, high, medium, low, informational`},
		{"locked: [gate.fail-on, waivers]\n", `a.yaml:1: locked: there is no key "gate.fail-on": did you mean gate.fail_on?`},
		{"locked: [params.sqs-queue-dql]\n", `a.yaml:1: locked: params.sqs-queue-dql: there is no rule "sqs-queue-dql": did you mean sqs-queue-dlq?`},
		{"locked: [params.sqs-queue-dlq.mx]\n", `a.yaml:1: locked: params.sqs-queue-dlq.mx: rule sqs-queue-dlq has no parameter "mx": it has max, min, required, trusted, unused`},
		{"locked: [params.sqs-queue-dlq.max.x]\n", `a.yaml:1: locked: params.sqs-queue-dlq.max.x: rule sqs-queue-dlq has no parameter "max.x": it has max, min, required, trusted, unused`},
		{"locked: [severities.iam-root-mfaa]\n", `a.yaml:1: locked: severities.iam-root-mfaa: there is no rule "iam-root-mfaa": did you mean iam-root-mfa?`},
		{"locked: [account_params.1111]\n", `a.yaml:1: locked: account_params.1111: "1111" is no account ID: write its 12 digits`},
		{"locked: [account_params.111122223333.zzz]\n", `a.yaml:1: locked: account_params.111122223333.zzz: there is no rule "zzz": see scanner rules list`},
		{"locked: [waiver_policy.longest.hgh]\n", `a.yaml:1: locked: waiver_policy.longest.hgh: "hgh" is no severity: use one of critical, high, medium, low, informational`},
		{"locked: [params.]\n", `a.yaml:1: locked: params.: there is no rule "": see scanner rules list`},
		{"locked: [params.sqs-queue-dlq.max, severities.iam-root-mfa, account_params.111122223333.sqs-queue-dlq, waiver_policy.longest.high]\nregoins: x\n", `a.yaml:2: the file has no key "regoins": did you mean regions?`},
		{"pipelines:\n- deploy-*\n- cloudformation.amazonaws.com\n- arn:aws:iam::*:role/ci/*\n- role/deploy\n", `a.yaml:5: pipelines: "role/deploy" fits no role, user or service: write a name, as deploy-*, or an ARN, as arn:aws:iam::111122223333:role/ci/*`},
		{"locked: all\n", `a.yaml:1: locked: there is no key "all": use keys of this file, as gate or gate.fail_on`},
		{"max_rps: fast\n", `a.yaml:1: max_rps takes a number, not the text "fast"`},
		{"accounts: {tags: [env]}\n", "a.yaml:1: tags takes keys and values, as {key: value}, not a list"},
	} {
		if _, why := load(t, nil, c.text); why != c.want {
			t.Errorf("%q\n is refused with %s\n           want %s", c.text, why, c.want)
		}
	}
}

func TestFilesTogether(t *testing.T) {
	org := "gate:\n  fail_on: high\nseverities: {iam-root-mfa: critical}\nparams: {sqs-queue-dlq: {max: 20}}\nlocked:\n- gate\n- waivers\n- severities.iam-root-mfa\n- params.sqs-queue-dlq.max\n- owners\n- waiver_policy.never\n- pipelines\n- attribution\n"
	for _, c := range []struct {
		text string
		env  []string
		want string
	}{
		{"regions: x\n", nil, ""},
		{"severities: {sqs-queue-dlq: low}\nparams: {sqs-queue-dlq: {min: 15}}\n", nil, ""},
		{"regions: x\ngate: {fail_on: low}\n", nil, "b.yaml:2: gate.fail_on is locked by a.yaml:6 (locked: gate): remove it here"},
		{"gate: {fail_on: high}\n", nil, "b.yaml:1: gate.fail_on is locked by a.yaml:6 (locked: gate): remove it here"},
		{"gate:\n  max: {high: 1}\nwaivers: x\n", nil, "b.yaml:2: gate.max is locked by a.yaml:6 (locked: gate): remove it here\nb.yaml:3: waivers is locked by a.yaml:7 (locked: waivers): remove it here"},
		{"severities: {iam-root-mfa: low}\n", nil, "b.yaml:1: severities.iam-root-mfa is locked by a.yaml:8 (locked: severities.iam-root-mfa): remove it here"},
		{"params:\n  sqs-queue-dlq:\n    max: 30\n", nil, "b.yaml:3: params.sqs-queue-dlq.max is locked by a.yaml:9 (locked: params.sqs-queue-dlq.max): remove it here"},
		{"account_params:\n  \"111122223333\":\n    sqs-queue-dlq: {min: 2, max: 30}\n", nil, "b.yaml:3: account_params.111122223333.sqs-queue-dlq.max is locked by a.yaml:9 (locked: params.sqs-queue-dlq.max): remove it here"},
		{"owners: [{team: x}]\n", nil, "b.yaml:1: owners is locked by a.yaml:10 (locked: owners): remove it here"},
		{"pipelines: deploy\nattribution: full\n", nil, "b.yaml:1: pipelines is locked by a.yaml:12 (locked: pipelines): remove it here\nb.yaml:2: attribution is locked by a.yaml:13 (locked: attribution): remove it here"},
		{"waiver_policy: {never: iam-*}\n", nil, "b.yaml:1: waiver_policy.never is locked by a.yaml:11 (locked: waiver_policy.never): remove it here"},
		{"params:\n  sqs-queue-dlq:\n    min: 25\n", nil, "b.yaml:3: parameters of rule sqs-queue-dlq: min must not be more than max"},
		{"regions: x\n", []string{"SCANNER_FAIL_ON=low"}, "SCANNER_FAIL_ON sets gate.fail_on, which is locked by a.yaml:6 (locked: gate): unset it"},
		{"regions: x\n", []string{"SCANNER_FAIL_ON="}, "SCANNER_FAIL_ON has no value: give it one, or unset it"},
		{"regions: x\n", []string{"SCANNER_RULESET=bad"}, `SCANNER_RULESET: there is no "bad"`},
		{"regions: x\n", []string{"SCANNER_REGIONS=eu-*,,x"}, "SCANNER_REGIONS: an item is empty: remove the comma"},
		{"regions: x\n", []string{"SCANNER_ORG=yes"}, `SCANNER_ORG: "yes" is neither true nor false`},
		{"regions: x\n", []string{"SCANNER_MAX_RPS=NaN"}, `SCANNER_MAX_RPS: "NaN" is no number`},
		{"regions: x\n", []string{"AWS_PROFILE=", "XDG_STATE_HOME="}, ""},
	} {
		if _, why := load(t, c.env, org, c.text); why != c.want {
			t.Errorf("%q with %s\n is refused with %s\n           want %s", c.text, c.env, why, c.want)
		}
	}
	if _, err := Load([]string{"x.yaml", "x.yaml"}, nil, context()); err == nil || err.Error() != "x.yaml: there is no such file" {
		t.Error(err)
	}
}

func TestVariables(t *testing.T) {
	c, why := load(t, []string{"SCANNER_FAIL_NO=x", "SCANNER_PARAMS=x", "SCANNER_SCHEDULES=x", "SCANNER_DEMO=x", "SCANNER_SEVERITY=x", "SCANNERX=1", "SCANNER_URL=x", "SCANNER_SHA256=x", "SCANNER_DATABASE=postgres://x", "SCANNER_TEST_POSTGRES=required", "SCANNER_TEST_HOLDER=a"})
	want := []string{"the variable SCANNER_DEMO means nothing: scanner config show tells which there are", "the variable SCANNER_FAIL_NO means nothing: did you mean SCANNER_FAIL_ON?", "the variable SCANNER_PARAMS means nothing: params are set in a file", "the variable SCANNER_SCHEDULES means nothing: schedules are set in a file", "the variable SCANNER_SEVERITY means nothing: did you mean SCANNER_MIN_SEVERITY?"}
	if why != "" || !slices.Equal(c.Warnings, want) {
		t.Errorf("%s %q", why, c.Warnings)
	}
}

// The owner is the first that fits; if that depends on unknown tags, nobody knows.
func TestOwner(t *testing.T) {
	c, why := load(t, nil, "owners:\n- {team: network, account: 444455556666}\n- {team: shop, tags: {team: shop}}\n- {team: data, resource: 'arn:aws:sqs:*:data-*'}\n- {team: web, stack: web-*}\n- {team: ops, region: us-*}\n")
	if why != "" {
		t.Fatal(why)
	}
	meta := func(name, account, region string) model.Meta {
		return model.Meta{ID: name, Name: name, ARN: "arn:aws:sqs:" + region + ":" + account + ":" + name, Account: account, Region: region}
	}
	for _, x := range []struct {
		of   model.Meta
		tags map[string]string
		want string
	}{
		{meta("a", "444455556666", "us-east-1"), nil, "network"},
		{meta("a", "111122223333", "us-east-1"), map[string]string{"team": "shop"}, "shop"},
		{meta("data-1", "111122223333", "us-east-1"), map[string]string{}, "data"},
		{meta("a", "111122223333", "us-east-1"), map[string]string{"aws:cloudformation:stack-name": "web-1"}, "web"},
		{meta("a", "111122223333", "us-east-1"), map[string]string{}, "ops"},
		{meta("data-1", "111122223333", "us-east-1"), nil, "unknown"},
		{meta("a", "111122223333", "eu-west-1"), map[string]string{}, ""},
		{model.Meta{ID: "*", Account: "111122223333", Region: "us-east-1"}, nil, "unknown"},
		{model.Meta{ID: "*", Account: "444455556666", Region: "us-east-1"}, nil, "network"},
	} {
		told := engine.Recorded{Rule: "sqs-queue-dlq", Resource: x.of, Tags: x.tags, Verdict: engine.Fail("bad")}
		s := engine.Told(engine.Header{}, engine.End{}, func() iter.Seq2[engine.Recorded, error] {
			return func(yield func(engine.Recorded, error) bool) { yield(told, nil) }
		})
		for r := range s.Evaluate(testRules) {
			if got := c.Owner(&r); got != x.want {
				t.Errorf("%s with %v belongs to %q, want %q", x.of.ARN, x.tags, got, x.want)
			}
		}
	}
}

// Every key has its own flag, so that every flag has one variable.
func TestKeys(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Keys() {
		if seen[k.Flag] || seen[k.Name] || k.Doc == "" {
			t.Errorf("%s stands for --%s as another does, or says nothing", k.Name, k.Flag)
		}
		seen[k.Flag], seen[k.Name] = true, true
	}
	if len(seen) < 55 {
		t.Errorf("there are %d", len(seen))
	}
}

// Whatever a file holds, it is refused in words with its line, or every value has a place in it.
func FuzzLoad(f *testing.F) {
	f.Add("accounts:\n  org: true\n  tags: {env: [a]}\ngate:\n  max: {high: 1}\nseverities: {iam-root-mfa: low}\nparams: {sqs-queue-dlq: {max: 20}}\nowners:\n- team: a\n  tags: {a: b}\n- team: b\nlocked: [gate]\n")
	f.Add("account_params: {'111122223333': {sqs-queue-dlq: {trusted: [012345678901]}}}\nwaiver_policy: {longest: {high: 90d}, never: iam-*}\nwaivers: x.yaml\n")
	f.Add("params: {sqs-queue-dlq: {max: {a: [1, {b: c}]}}}\n")
	f.Fuzz(func(t *testing.T, text string) {
		name := filepath.Join(t.TempDir(), "a.yaml")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load([]string{name}, nil, context())
		var all strictyaml.Mistakes
		if err != nil {
			if c != nil || !errors.As(err, &all) || !strings.HasPrefix(err.Error(), name+":") {
				t.Errorf("%q is refused with %v", text, err)
			}
			return
		}
		lines := strings.Count(text, "\n") + 1
		placed := func(place string) {
			if line, err := strconv.Atoi(strings.TrimPrefix(place, name+":")); err != nil || line < 1 || line > lines {
				t.Errorf("%q has something at %s", text, place)
			}
		}
		for _, s := range c.Settings {
			if placed(s.Place); len(s.Values) == 0 || slices.Contains(s.Values, "") {
				t.Errorf("%q sets %s to nothing", text, s.Name)
			}
		}
		for _, s := range c.Severities {
			placed(s.Place)
		}
		for _, of := range c.Params {
			for _, p := range of {
				if placed(p.Place); !json.Valid(p.JSON) {
					t.Errorf("%q has a parameter %s", text, p.JSON)
				}
			}
		}
		for _, o := range c.Owners {
			placed(o.Place)
		}
		for _, place := range c.Locked {
			placed(place)
		}
	})
}
