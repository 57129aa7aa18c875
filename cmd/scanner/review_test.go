package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"awsscanner/internal/review"
	"awsscanner/internal/watool/watooltest"
	"awsscanner/rules"
)

// wellArchitected answers as the WA Tool does, with a workload in which people have answered something.
func wellArchitected(t *testing.T) http.Handler {
	f, err := review.Load(review.Default, rules.All)
	if err != nil {
		t.Fatal(err)
	}
	s := &watooltest.Server{}
	w := watooltest.WorkloadOf(f, "0123456789abcdef0123456789abcdef", "the shop")
	w.Question("priorities").Selected = []string{"ops_priorities_int_cust_needs"}
	w.Question("priorities").Notes = "What we talked about"
	s.Add(w)
	old := watooltest.WorkloadOf(f, "fedcba9876543210fedcba9876543210", "the old one")
	old.LensStatus = "DEPRECATED"
	s.Add(old)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isIdentity(w, r) {
			s.ServeHTTP(w, r)
		}
	})
}

// secrets is an account in which one parameter fails.
const secrets = `{"schema":"scanner.snapshot/v1","tool":"0.1.0","partition":"aws","start":"2026-11-30T12:00:00Z","caller":"arn:aws:sts::111122223333:assumed-role/audit/me","read":[{"account":"111122223333","region":"eu-west-1"}],"listed":["AWS::KMS::Key","AWS::SSM::Parameter"],"rules":["ssm-parameter-secure"]}
{"kind":"AWS::SSM::Parameter","id":"/shop/db-password","arn":"arn:aws:ssm:eu-west-1:111122223333:parameter/shop/db-password","name":"/shop/db-password","account":"111122223333","region":"eu-west-1","type":"String","dataType":"text","description":""}
{"end":{"finished":"2026-11-30T12:00:09Z","calls":9,"lines":1}}
`

// reviewOf reviews a snapshot with some answers.
func reviewOf(t *testing.T, snapshot, answers string) *review.Review {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"scan.jsonl": snapshot, "review.yaml": answers} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	x := reviewing{snapshot: filepath.Join(dir, "scan.jsonl"), answers: []string{filepath.Join(dir, "review.yaml")}, framework: review.Default, low: "medium", asOf: "2026-12-01"}
	c := reviewRunCommand()
	c.SetContext(t.Context())
	if err := x.run(c, nil); err != nil {
		t.Fatal(err)
	}
	return x.reviews[0]
}

// On a terminal people are asked, the most valuable first, and each answer is written at once.
func TestAsk(t *testing.T) {
	const before = "# ours\nversion: 1\nworkload: {name: shop}\ndefaults: {by: us, on: 2026-11-20}\nanswers:\n  sec_identities_secrets: {state: yes, note: \"in the vault\"} # by heart\n"
	v := reviewOf(t, secrets, before)
	var out bytes.Buffer
	var written []string
	a := &asker{v: v, file: "review.yaml", text: []byte(before), out: &out, in: bufio.NewReader(strings.NewReader(strings.Join([]string{
		"Ann", "what", "p", "db password moves", "https://wiki.example/secrets", // the conflict first
		"s",                              // then what moves most
		"y", "a note", "javascript:no()", // refused, and asked again
		"y", "", "",
		"q",
	}, "\n") + "\n")), save: func(_ string, write func(io.Writer) error) error {
		var b bytes.Buffer
		err := write(&b)
		written = append(written, b.String())
		return err
	}}
	if err := a.run(); err != nil {
		t.Fatal(err)
	}
	said := out.String()
	for _, want := range []string{
		"SEC02-BP03 (high) Secrets are stored and used safely\n  found: refuted: fails: ssm-parameter-secure (1)\n    ssm-parameter-secure /shop/db-password: ",
		"  so far: yes by us on 2026-11-20: in the vault\n", "Write y, n, p, a, s or q.\n", "That cannot be written: link: \"javascript:no()\" is no link that somebody should follow\n",
		"\n2 answers in review.yaml, ",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
	if len(written) != 2 {
		t.Fatalf("%d files: %v", len(written), written)
	}
	if want := strings.Replace(before, `  sec_identities_secrets: {state: yes, note: "in the vault"} # by heart`, `  sec_identities_secrets: {state: partly, by: "Ann", on: 2026-12-01, note: "db password moves", link: ["https://wiki.example/secrets"]}`, 1); written[0] != want {
		t.Errorf("after the first answer there is\n%s", written[0])
	}
	if !strings.HasPrefix(written[1], written[0]) || strings.Count(written[1], `{state: yes, by: "Ann", on: 2026-12-01}`) != 1 {
		t.Errorf("after the second answer there is\n%s", written[1])
	}
	if got := reviewOf(t, secrets, written[1]); len(got.Summary.Conflicts) != 0 || got.AsOf != time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC).Format(time.DateOnly) {
		t.Errorf("conflicts are left: %v", got.Summary.Conflicts)
	}
}

// Reviews are what docs/review.schema.json says, no more and no less.
func TestReviewSchema(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	text, err := os.ReadFile("../../docs/review.schema.json")
	t.Chdir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	schema := decode(t, text)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("review.json", schema); err != nil {
		t.Fatal(err)
	}
	whole := c.MustCompile("review.json")
	for name, text := range map[string]string{
		"ann.yaml":   "version: 1\nworkload: {name: shop, accounts: [\"111122223333\"], regions: [\"eu-*\"], tags: {app: [x]}, environment: production, owner: us}\ndefaults: {by: ann, on: 2026-11-20}\nanswers:\n  SEC02-BP01: {state: yes, note: n, link: [\"https://wiki.example\"]}\n  SEC02-BP02: {state: na, reason: OTHER}\n  OPS01-BP01: {state: yes, on: 2020-01-01}\n  OPS01-BP02: {state: no}\nquestions: {SUS 1: {applicable: false, note: later}}\nwaivers: [{bp: SEC08-BP02, reason: r, owner: o, until: 2027-01-01, risk: x, mitigation: y, ticket: z}]\n",
		"bob.yaml":   "version: 1\nworkload: {name: shop, accounts: [\"111122223333\"], regions: [\"eu-*\"], tags: {app: [x]}}\ndefaults: {by: bob, on: 2026-11-20}\nanswers: {OPS01-BP02: {state: yes}}\n",
		"ships.json": `{"schema": "scanner.ships/v1", "from": "2026-11-03T00:00:00Z", "to": "2026-12-01T00:00:00Z", "read": [], "deployments": [{"tool": "codedeploy", "account": "111122223333", "region": "eu-west-1", "what": "w", "began": "2026-11-10T10:00:00Z", "ended": "2026-11-10T10:10:00Z", "outcome": "failed"}], "gaps": [{"account": "111122223333", "region": "eu-west-1", "call": "c", "why": "w"}]}`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	demo := []string{"review", "run", "--demo", "--as-of", "2026-12-01", "-o", "json"}
	for _, more := range [][]string{nil, {"--answers", "ann.yaml"}, {"--answers", "ann.yaml", "--answers", "bob.yaml", "--ships", "ships.json"}, {"--ships", "ships.json", "--accept-full", "--low-counts-as", "none"}, {"--redact", "accounts,names"}} {
		got := stdout(t, append(demo, more...)...)
		if err := whole.Validate(decode(t, got)); err != nil {
			t.Errorf("%s: %v", more, err)
		}
		for old, new := range map[string]string{`"schema": "scanner.review/v1"`: `"schema": "scanner.review/v2"`, `"evidence": "refuted"`: `"evidence": "passed"`, `"lower": "HIGH"`: `"lower": "LOW"`, `"asOf": "2026-12-01"`: `"asOf": "today"`, `"failing": `: `"extra": 1, "failing": `} {
			if bad := strings.Replace(string(got), old, new, 1); bad == string(got) {
				t.Errorf("the review has no %s", old)
			} else if whole.Validate(decode(t, []byte(bad))) == nil {
				t.Errorf("the schema accepts %s", new)
			}
		}
	}
	strict(t, schema, "")
}

// The file of a workload can be told from that of another in any script, and is never hidden.
func TestFilesOfWorkloads(t *testing.T) {
	for name, want := range map[string]string{"the shop": "the-shop.html", "結帳": "結帳.html", "Müller": "Müller.html", "..": "workload.html", "- -": "workload.html", "a\\b:c": "a-b-c.html"} {
		if got := fileFor("{workload}.html", &review.Review{Workload: review.Workload{Name: name}}); got != want {
			t.Errorf("the file of %q is %q, want %q", name, got, want)
		}
	}
}

// If two files are written and people have written into the second, nothing of it is lost.
func TestRegistersThatDisagree(t *testing.T) {
	dir := t.TempDir()
	write := func(name, notes string) output {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte("Reference,Component,Risk,Notes,Key\nR1,api,it fails,"+notes+",abc\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return output{"csv", name}
	}
	outs := []output{{"csv", filepath.Join(dir, "none.csv")}, write("a.csv", ""), write("b.csv", "")}
	if r, err := earlierRegister("", outs); err != nil || len(r.Rows) != 1 {
		t.Errorf("alike: %v, %v", r, err)
	}
	outs[2] = write("b.csv", "ask Ann")
	if _, err := earlierRegister("", outs); err == nil || !strings.Contains(err.Error(), "--register") {
		t.Errorf("not alike: %v", err)
	}
	if r, err := earlierRegister(outs[2].file, outs); err != nil || r.Rows[0]["Notes"] != "ask Ann" {
		t.Errorf("named: %v, %v", r, err)
	}
}
