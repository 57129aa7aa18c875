// Package oracle_test proves that the built binary judges an account of which nobody in the project has a say: account.py
// serves it by moto, expected.tsv tells the verdicts. A proxy in between then denies, throttles, garbles and withholds
// answers, and no verdict may become another one. TestWatch watches an account that changes.
package oracle_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// An asked tells whether the oracle is to speak: it needs Python, moto and a minute or two.
type asked string

func (a *asked) String() string   { return string(*a) }
func (a *asked) IsBoolFlag() bool { return true }

func (a *asked) Set(s string) error {
	switch s {
	case "true": // -oracle alone
		s = "on"
	case "false":
		s = ""
	case "", "on", "auto":
	default:
		return errors.New("use on, or auto to run only where there is moto")
	}
	*a = asked(s)
	return nil
}

var oracleFlag asked

var spoiltFlag = flag.String("spoilt", "", "of the law, only experiments with operations and faults that match this regular expression")

func init() {
	flag.Var(&oracleFlag, "oracle", "run the oracle: on, or auto to run only where there is moto")
}

// regions are those that most scans read. The account is in one more, which they leave out.
const regions = "us-east-1,eu-central-1,ap-southeast-2"

const accountID = "123456789012"

// wanted reports whether somebody has asked for a test, and says why not.
func wanted(t *testing.T) bool {
	t.Helper()
	if oracleFlag == "" {
		t.Log("not asked for: go test ./internal/oracle -oracle")
		return false
	}
	err := findMoto()
	if err != nil && oracleFlag != "auto" {
		t.Fatal(err)
	}
	if err != nil {
		t.Log(err)
	}
	return err == nil
}

func TestOracle(t *testing.T) {
	if !wanted(t) {
		return
	}
	o := &oracle{binary: build(t), names: map[string]string{}, memory: memory{answers: map[call]answer{}}}
	o.list(t)
	o.readExpected(t)
	o.plan(t)
	o.start(t, "account")
	t.Run("table", o.testTable)
	t.Run("parameters", o.testParameters)
	t.Run("scenarios", o.testScenarios)
	t.Run("requests", o.testRequests)
	t.Run("permissions", o.testPermissions)
	t.Run("narrower", o.testNarrower)
	t.Run("region list", o.testRegionList)
	t.Run("transient", o.testTransient)
	t.Run("interrupt", o.testInterrupt)
	t.Run("exit codes", o.testExitCodes)
	t.Run("law", o.testLaw)
}

// findMoto says in a sentence what is missing.
func findMoto() error {
	if _, err := exec.LookPath("python3"); err != nil {
		return errors.New("the oracle needs python3, which is not in the path")
	}
	if out, err := exec.Command("python3", "-c", "import boto3, cryptography, moto.server").CombinedOutput(); err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		return fmt.Errorf("the oracle needs moto (pip install 'moto[server,all]' boto3): %s", lines[len(lines)-1])
	}
	return nil
}

// An oracle is the binary, the account, and what is to come out.
type oracle struct {
	binary   string
	url      string // of moto
	stdin    io.Writer
	stdout   *bufio.Scanner
	names    map[string]string // of resources that have none of their own, or one that others have too
	expected table

	memory memory
	calls  map[string]planned // by operation
	rules  map[string]rule    // by ID
	whole  *scan              // with nothing spoilt
}

func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "scanner")
	c := exec.Command("go", "build", "-o", binary, "./cmd/scanner")
	c.Dir = filepath.Join("..", "..")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// start starts an account and waits until it is seeded. It ends with its standard input, so even if this process is killed.
func (o *oracle) start(t *testing.T, account string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	c := exec.Command("python3", account, fmt.Sprint(port))
	var log tail
	c.Stderr = &log
	stdin, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		kill := time.AfterFunc(5*time.Second, func() { c.Process.Kill() })
		defer kill.Stop()
		if err := c.Wait(); err != nil || len(log) > 0 {
			t.Logf("account: %v\n%s", err, log)
		}
	})
	o.stdin, o.stdout = stdin, bufio.NewScanner(stdout)
	patience := time.AfterFunc(3*time.Minute, func() { c.Process.Kill() })
	defer patience.Stop()
	o.url = o.answer(t, "ready ")
}

// answer waits for a line of the account that begins like this, and returns the rest of it.
func (o *oracle) answer(t *testing.T, prefix string) string {
	t.Helper()
	for o.stdout.Scan() {
		if id, name, ok := strings.Cut(strings.TrimPrefix(o.stdout.Text(), "name "), " "); ok && strings.HasPrefix(o.stdout.Text(), "name ") {
			o.names[id] = name
			continue
		}
		if rest, ok := strings.CutPrefix(o.stdout.Text(), prefix); ok {
			return rest
		}
	}
	t.Fatalf("the account ended before it said %q", prefix)
	return ""
}

// A tail keeps the end of what is written to it.
type tail []byte

func (l *tail) Write(b []byte) (int, error) {
	*l = append(*l, b...)
	*l = (*l)[max(0, len(*l)-8192):]
	return len(b), nil
}

// A scan is one run of the binary.
type scan struct {
	code   int
	stderr string
	report *report // nil if there is none
	calls  []call  // that the proxy has seen
	err    error   // why it could not be run or read
}

// A report is what the oracle reads of a JSON report.
type report struct {
	Scan struct {
		Regions   []string
		Skipped   []struct{ Region string }
		Throttled int
	}
	Coverage struct {
		Gaps []struct {
			gap
			Region string
			Rules  []string
		}
	}
	Results []result
}

type result struct {
	Rule, Status, Severity, Message string
	Resource                        struct{ ID, Name, Region string }
	Gap                             *gap
}

type gap struct {
	Reason, Class, Call, Detail string
	Permissions                 []string
}

func (o *oracle) row(r *result) row {
	return row{r.Rule, cmp.Or(r.Resource.Region, "-"), cmp.Or(o.names[r.Resource.ID], r.Resource.Name, r.Resource.ID)}
}

func (r *result) verdict() verdict {
	if r.Status != "fail" {
		return verdict{r.Status, "-"}
	}
	return verdict{r.Status, r.Severity}
}

// rows returns the results by row. Two of one row would make the table ambiguous.
func (o *oracle) rows(r *report) (map[row]*result, error) {
	m := map[row]*result{}
	for i := range r.Results {
		x := o.row(&r.Results[i])
		if m[x] != nil {
			return nil, fmt.Errorf("there are two results for %s", x)
		}
		m[x] = &r.Results[i]
	}
	return m, nil
}

// exec runs the binary as somebody would who has nothing but credentials. What it writes stays in dir. When the context
// ends, it is interrupted.
func (o *oracle) exec(ctx context.Context, dir, endpoint string, args ...string) (code int, stdout, stderr string, err error) {
	if slices.Contains([]string{"scan", "calls", "permissions", "doctor"}, args[0]) && !slices.Contains(args, "--rules") {
		args = append(slices.Clone(args), "--rules", strings.Join(o.judged(), ","))
	}
	c := exec.CommandContext(ctx, o.binary, args...)
	c.Dir = dir
	c.Env = []string{"HOME=" + dir, "XDG_STATE_HOME=" + dir, "AWS_ENDPOINT_URL=" + endpoint, "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=AKIAORACLEORACLEORAC", "AWS_SECRET_ACCESS_KEY=x", "AWS_EC2_METADATA_DISABLED=true"}
	c.Cancel, c.WaitDelay = func() error { return c.Process.Signal(os.Interrupt) }, 10*time.Second
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err = c.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() >= 0 {
		err = nil
	}
	return c.ProcessState.ExitCode(), out.String(), errs.String(), err
}

// scan runs a scan against an endpoint and reads its report.
func (o *oracle) scan(ctx context.Context, endpoint string, args ...string) (s *scan) {
	s = &scan{}
	dir, err := os.MkdirTemp("", "oracle")
	if err != nil {
		s.err = err
		return s
	}
	defer os.RemoveAll(dir)
	s.code, _, s.stderr, s.err = o.exec(ctx, dir, endpoint, append([]string{"scan", "-o", "json=report.json"}, args...)...)
	if s.err != nil {
		return s
	}
	b, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return s
	}
	if err == nil {
		err = json.Unmarshal(b, &s.report)
	}
	s.err = err
	return s
}

// must reports a scan that did not even make a report.
func (o *oracle) must(t *testing.T, s *scan) map[row]*result {
	t.Helper()
	if s.err != nil {
		t.Fatal(s.err)
	}
	if s.report == nil {
		t.Fatalf("exit code %d and no report: %s", s.code, s.stderr)
	}
	rows, err := o.rows(s.report)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// compare reports what differs from a table.
func compare(t *testing.T, want table, got map[row]*result) {
	t.Helper()
	var differences []string
	differ := func(format string, args ...any) { differences = append(differences, fmt.Sprintf(format, args...)) }
	for x, w := range want {
		if r := got[x]; r == nil {
			differ("missing    %s: want %s", x, w)
		} else if r.verdict() != w {
			differ("different  %s: want %s, got %s: %s", x, w, r.verdict(), r.Message)
		}
	}
	for x, r := range got {
		if _, ok := want[x]; !ok {
			differ("unexpected %s: %s: %s", x, r.verdict(), r.Message)
		}
	}
	tell(t, differences)
}

// secret is the value of all parameters and secrets of the account. moto, unlike AWS, even sends it along with their list.
const secret = "oracle-value-nobody-may-read"

// testTable compares whole scans with the table: of some regions, of all, and judged again from a snapshot. No file may
// hold the value of a parameter.
func (o *oracle) testTable(t *testing.T) {
	got := o.must(t, o.scan(t.Context(), o.url, "--regions", regions))
	compare(t, narrowed(o.in(o.expected, strings.Split(regions, ",")...), got), got)

	dir := t.TempDir()
	for _, args := range [][]string{
		{"scan", "-o", "json=live.json", "--save-snapshot", "snapshot.jsonl"},
		{"scan", "-o", "json=again.json", "--snapshot", "snapshot.jsonl"},
	} {
		code, _, stderr, err := o.exec(t.Context(), dir, o.url, args...)
		if err != nil || code != 0 {
			t.Fatalf("scanner %s: exit code %d, %v: %s", strings.Join(args, " "), code, err, stderr)
		}
	}
	for _, name := range []string{"live.json", "again.json", "snapshot.jsonl"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte(secret)) {
			t.Errorf("%s holds the value of a parameter", name)
		}
		if filepath.Ext(name) != ".json" {
			continue
		}
		s := &scan{}
		s.err = json.Unmarshal(b, &s.report)
		t.Run(name, func(t *testing.T) { compare(t, o.expected, o.must(t, s)) })
	}
}

// testParameters compares scans with other parameters.
func (o *oracle) testParameters(t *testing.T) {
	for _, s := range readFile(t, "parameters.tsv")[1:] {
		t.Run(s.head, func(t *testing.T) {
			flags := strings.Fields(s.head)
			rule, _, _ := strings.Cut(strings.TrimPrefix(flags[0], "--param="), ".")
			want := o.changed(t, s, rule)
			compare(t, want, o.must(t, o.scan(t.Context(), o.url, append(flags, "--rules", rule)...)))
		})
	}
}

// testScenarios turns what there is one of in an account into something else: the trail that does the whole job, the root user, the
// block of all buckets.
func (o *oracle) testScenarios(t *testing.T) {
	set := func(scenario string) {
		fmt.Fprintln(o.stdin, scenario)
		o.answer(t, "done "+scenario)
	}
	var parts []string
	for _, s := range readFile(t, "scenarios.tsv")[1:] {
		scenario, rules, ok := strings.Cut(strings.TrimPrefix(s.head, "@"), "\t")
		part, _, _ := strings.Cut(scenario, " ")
		if !ok {
			t.Fatalf("scenarios.tsv: %q names no rules", s.head)
		}
		if !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
		t.Run(scenario, func(t *testing.T) {
			set(scenario)
			got := o.must(t, o.scan(t.Context(), o.url, "--rules", rules, "--regions", regions))
			compare(t, narrowed(o.in(o.changed(t, s, strings.Split(rules, ",")...), strings.Split(regions, ",")...), got), got)
		})
		set(part) // as it was
	}
}

// A planned call is what the scanner says beforehand of an operation.
type planned struct {
	Call        string
	Permissions []string
	Rules       []string
}

// A rule is what the scanner says of it.
type rule struct {
	ID, Kind, Worst string
	Calls           []string
}

// list asks the scanner for its rules.
func (o *oracle) list(t *testing.T) {
	t.Helper()
	var rules struct{ Rules []rule }
	if err := json.Unmarshal([]byte(o.says(t, "rules", "list", "-o", "json")), &rules); err != nil {
		t.Fatalf("scanner rules list: %v", err)
	}
	o.rules = map[string]rule{}
	for _, r := range rules.Rules {
		o.rules[r.ID] = r
	}
	if len(o.rules) == 0 {
		t.Fatal("the scanner names no rules")
	}
}

// plan asks the scanner which calls it is going to make, and for which rules.
func (o *oracle) plan(t *testing.T) {
	t.Helper()
	var calls struct{ Calls []planned }
	if err := json.Unmarshal([]byte(o.says(t, "calls", "-o", "json")), &calls); err != nil {
		t.Fatalf("scanner calls: %v", err)
	}
	o.calls = map[string]planned{}
	for _, c := range calls.Calls {
		o.calls[c.Call] = c
	}
	if len(o.calls) == 0 {
		t.Fatal("the scanner names no calls")
	}
}

// says returns what a command writes that needs no account.
func (o *oracle) says(t *testing.T, args ...string) string {
	t.Helper()
	code, stdout, stderr, err := o.exec(t.Context(), t.TempDir(), "http://127.0.0.1:1", args...)
	if err != nil || code != 0 {
		t.Fatalf("scanner %s: exit code %d, %v: %s", strings.Join(args, " "), code, err, stderr)
	}
	return stdout
}

// testRequests makes a scan with nothing spoilt, which others are compared with. It makes the calls that were planned,
// all of them, and no request twice.
func (o *oracle) testRequests(t *testing.T) {
	o.whole = o.spoil(t.Context(), nil, "--regions", regions, "--fail-on", "high")
	got := o.must(t, o.whole)
	compare(t, narrowed(o.in(o.expected, strings.Split(regions, ",")...), got), got)
	if o.whole.code != 1 {
		t.Errorf("exit code %d, want 1 as there are findings of severity high", o.whole.code)
	}
	times, made := map[call]int{}, map[string]bool{}
	for _, c := range o.whole.calls {
		times[c]++
		made[c.op] = true
	}
	for c, n := range times {
		// What is asked for because something refers to it may be asked for from each region that does.
		if n > 1 && (n > len(strings.Split(regions, ",")) || c.op != "sns:ListSubscriptionsByTopic" && c.op != "kms:DescribeKey") {
			t.Errorf("requested %d times: %s", n, c)
		}
	}
	for op := range made {
		if _, ok := o.calls[op]; !ok {
			t.Errorf("%s is made, but scanner calls does not name it", op)
		}
	}
	for op := range o.calls {
		if !made[op] {
			t.Errorf("scanner calls names %s, which is not made although the account has something to ask about", op)
		}
	}
	for _, id := range o.judged() {
		for _, op := range o.rules[id].Calls {
			if !slices.Contains(o.calls[op].Rules, id) {
				t.Errorf("scanner rules list says that %s needs %s, scanner calls does not", id, op)
			}
		}
	}
}

// reads matches actions that only read configuration; forbidden ones read data or secrets all the same. IAM counts the order for a
// credential report among those that read, and Budgets has one action for all that do.
var (
	reads     = regexp.MustCompile(`^[a-z0-9-]+:(Get|List|Describe|Lookup|Search|BatchGet)[A-Za-z0-9]*$|^iam:GenerateCredentialReport$|^budgets:ViewBudget$`)
	forbidden = regexp.MustCompile(`^(ssm:GetParameter.*|secretsmanager:GetSecretValue|secretsmanager:BatchGetSecretValue|s3:GetObject.*|kms:Decrypt|` +
		`logs:GetLogEvents|logs:FilterLogEvents|logs:GetQueryResults|sqs:ReceiveMessage|dynamodb:(GetItem|Scan|Query|BatchGetItem|GetRecords)|` +
		`kinesis:GetRecords|lambda:GetFunction|ecr:GetAuthorizationToken|sts:GetSessionToken|sts:GetFederationToken)$`)
)

// testPermissions checks the policy that the scanner asks for: it reads no data, changes nothing, and suffices.
func (o *oracle) testPermissions(t *testing.T) {
	store := "--param=cloudtrail-multi-region-enabled.accept_event_data_store=true"
	for _, args := range [][]string{{}, {"--ruleset", "optional", store, "--param=ssm-parameter-secure.require_cmk=true"}} {
		granted := strings.Fields(o.says(t, append([]string{"permissions", "-o", "list"}, args...)...))
		for _, action := range granted {
			if !reads.MatchString(action) || forbidden.MatchString(action) {
				t.Errorf("the policy for %v holds %s", args, action)
			}
		}
		var policy struct{ Statement []struct{ Action []string } }
		if err := json.Unmarshal([]byte(o.says(t, append([]string{"permissions"}, args...)...)), &policy); err != nil {
			t.Fatal(err)
		}
		if len(policy.Statement) != 1 || !slices.Equal(policy.Statement[0].Action, granted) {
			t.Errorf("the policy for %v differs from the list of its actions", args)
		}
		for op, c := range o.calls {
			for _, action := range c.Permissions {
				if !slices.Contains(granted, action) {
					t.Errorf("the policy for %v lacks %s, which %s needs", args, action, op)
				}
			}
			if len(c.Permissions) == 0 {
				t.Errorf("nothing tells which permission %s needs", op)
			}
		}
	}
}
