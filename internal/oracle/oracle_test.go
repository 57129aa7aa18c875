// Package oracle_test proves that the built binary judges an account of which nobody in the project has a say: account.py
// serves it by moto, expected.tsv tells the verdicts. A proxy in between then denies, throttles, garbles and withholds
// answers, and no verdict may become another one.
package oracle_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
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

func init() {
	flag.Var(&oracleFlag, "oracle", "run the oracle: on, or auto to run only where there is moto")
}

// regions are those that most scans read. The account is in one more, which they leave out.
const regions = "us-east-1,eu-central-1,ap-southeast-2"

const accountID = "123456789012"

func TestOracle(t *testing.T) {
	if oracleFlag == "" {
		t.Log("not asked for: go test ./internal/oracle -oracle")
		return
	}
	if err := findMoto(); err != nil {
		if oracleFlag == "auto" {
			t.Log(err)
			return
		}
		t.Fatal(err)
	}
	o := &oracle{binary: build(t), memory: memory{answers: map[call]answer{}}}
	o.expected = readTable(t, "expected.tsv")[0].rows
	o.start(t)
	o.plan(t)
	t.Run("table", o.testTable)
	t.Run("parameters", o.testParameters)
	t.Run("trails", o.testTrails)
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
	expected map[row]verdict

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

// start starts the account and waits until it is seeded. It ends with its standard input, so even if this process is killed.
func (o *oracle) start(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	c := exec.Command("python3", "account.py", fmt.Sprint(port))
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
			t.Logf("account.py: %v\n%s", err, log)
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
		if rest, ok := strings.CutPrefix(o.stdout.Text(), prefix); ok {
			return rest
		}
	}
	t.Fatalf("account.py ended before it said %q", prefix)
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

// A row tells a result from all others. Names are as account.py gives them, as IDs differ from run to run.
type row struct{ rule, region, name string }

func (x row) String() string { return x.rule + " " + x.region + " " + x.name }

func (r *result) row() row {
	x := row{r.Rule, r.Resource.Region, r.Resource.Name}
	if x.region == "" {
		x.region = "-"
	}
	if x.name == "" {
		x.name = r.Resource.ID
	}
	return x
}

type verdict struct{ status, severity string }

func (v verdict) String() string { return strings.TrimSuffix(v.status+" "+v.severity, " -") }

func (r *result) verdict() verdict {
	if r.Status != "fail" {
		return verdict{r.Status, "-"}
	}
	return verdict{r.Status, r.Severity}
}

// rows returns the results by row. Two of one row would make the table ambiguous.
func (r *report) rows() (map[row]*result, error) {
	m := map[row]*result{}
	for i := range r.Results {
		x := &r.Results[i]
		if m[x.row()] != nil {
			return nil, fmt.Errorf("there are two results for %s", x.row())
		}
		m[x.row()] = x
	}
	return m, nil
}

// judged returns the rules of the table: one that is new may join it later.
func (o *oracle) judged() map[string]bool {
	rules := map[string]bool{}
	for x := range o.expected {
		rules[x.rule] = true
	}
	return rules
}

// exec runs the binary as somebody would who has nothing but credentials. What it writes stays in dir. When the context
// ends, it is interrupted.
func (o *oracle) exec(ctx context.Context, dir, endpoint string, args ...string) (code int, stdout, stderr string, err error) {
	if slices.Contains([]string{"scan", "calls", "permissions", "doctor"}, args[0]) && !slices.Contains(args, "--rules") {
		args = append(slices.Clone(args), "--rules", strings.Join(slices.Sorted(maps.Keys(o.judged())), ","))
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
func (s *scan) must(t *testing.T) map[row]*result {
	t.Helper()
	if s.err != nil {
		t.Fatal(s.err)
	}
	if s.report == nil {
		t.Fatalf("exit code %d and no report: %s", s.code, s.stderr)
	}
	rows, err := s.report.rows()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// A section is the lines of a table after one that begins with flags.
type section struct {
	flags []string
	rows  map[row]verdict
}

// readTable reads a table. What stands before any flags is the first section.
func readTable(t *testing.T, name string) []section {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	all := []section{{rows: map[row]verdict{}}}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSuffix(line, "\n")
		f := strings.Split(line, "\t")
		switch {
		case line == "", strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "--"):
			all = append(all, section{strings.Fields(line), map[row]verdict{}})
		case len(f) != 5:
			t.Fatalf("%s: %q has %d columns, not 5", name, line, len(f))
		default:
			x, rows := row{f[0], f[1], f[2]}, all[len(all)-1].rows
			if _, twice := rows[x]; twice {
				t.Fatalf("%s has %s twice", name, x)
			}
			rows[x] = verdict{f[3], f[4]}
		}
	}
	return all
}

// most is how many differences are worth reading.
const most = 25

// tell reports differences in a fixed order.
func tell(t *testing.T, differences []string) {
	t.Helper()
	slices.Sort(differences)
	for _, d := range differences[:min(len(differences), most)] {
		t.Error(d)
	}
	if more := len(differences) - most; more > 0 {
		t.Errorf("and %d more like these", more)
	}
}

// compare reports what differs from a table.
func compare(t *testing.T, want map[row]verdict, got map[row]*result) {
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

// in returns the part of a table that a scan of some regions shows.
func in(table map[row]verdict, regions ...string) map[row]verdict {
	part := map[row]verdict{}
	for x, v := range table {
		if x.region == "-" || slices.Contains(regions, x.region) {
			part[x] = v
		}
	}
	return part
}

// secret is the value of all parameters in account.py. moto, unlike AWS, even sends it along with their list.
const secret = "oracle-value-nobody-may-read"

// testTable compares whole scans with the table: of some regions, of all, and judged again from a snapshot. No file may
// hold the value of a parameter.
func (o *oracle) testTable(t *testing.T) {
	compare(t, in(o.expected, strings.Split(regions, ",")...), o.scan(t.Context(), o.url, "--regions", regions).must(t))

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
		t.Run(name, func(t *testing.T) { compare(t, o.expected, s.must(t)) })
	}
}

// testParameters compares scans with other parameters.
func (o *oracle) testParameters(t *testing.T) {
	for _, s := range readTable(t, "parameters.tsv")[1:] {
		t.Run(strings.Join(s.flags, " "), func(t *testing.T) {
			rule, _, _ := strings.Cut(strings.TrimPrefix(s.flags[0], "--param="), ".")
			want := map[row]verdict{}
			for x, v := range o.expected {
				if x.rule == rule {
					want[x] = v
				}
			}
			for x, v := range s.rows {
				if want[x] == v {
					t.Errorf("parameters.tsv: %s is in expected.tsv already", x)
				}
				want[x] = v
			}
			compare(t, want, o.scan(t.Context(), o.url, append(s.flags, "--rules", rule)...).must(t))
		})
	}
}

// testTrails turns the one trail that does the whole job into others.
func (o *oracle) testTrails(t *testing.T) {
	const id = "cloudtrail-multi-region-enabled"
	for _, c := range []struct{ scenario, want string }{
		{"stopped", "fail"},
		{"write-only", "fail"},
		{"read-only", "fail"},
		{"two-halves", "pass"},
		{"data-only", "fail"},
		{"without-kms", "pass"},
		{"advanced", "pass"},
		{"advanced-halves", "pass"},
		{"advanced-write-only", "fail"},
		{"advanced-data-only", "fail"},
		{"advanced-without-sts", "fail"},
		{"undelivered", "fail"},
		{"no-global-events", "fail"},
		{"single-region", "fail"},
		{"organization", "not-assessed"},
		{"organization-open", "pass"},
		{"none", "fail"},
		{"fine", "pass"}, // last, as the tests that follow count on it
	} {
		t.Run(c.scenario, func(t *testing.T) {
			fmt.Fprintln(o.stdin, c.scenario)
			o.answer(t, "done "+c.scenario)
			want := verdict{c.want, "-"}
			if c.want == "fail" {
				want.severity = "high"
			}
			compare(t, map[row]verdict{{id, "-", accountID}: want}, o.scan(t.Context(), o.url, "--rules", id, "--regions", regions).must(t))
		})
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
	ID, Worst string
	Calls     []string
}

// plan asks the scanner which calls it is going to make, and for which rules.
func (o *oracle) plan(t *testing.T) {
	t.Helper()
	var calls struct{ Calls []planned }
	var rules struct{ Rules []rule }
	if err := json.Unmarshal([]byte(o.says(t, "calls", "-o", "json")), &calls); err != nil {
		t.Fatalf("scanner calls: %v", err)
	}
	if err := json.Unmarshal([]byte(o.says(t, "rules", "list", "-o", "json")), &rules); err != nil {
		t.Fatalf("scanner rules list: %v", err)
	}
	o.calls, o.rules = map[string]planned{}, map[string]rule{}
	for _, c := range calls.Calls {
		o.calls[c.Call] = c
	}
	for _, r := range rules.Rules {
		o.rules[r.ID] = r
	}
	if len(o.calls) == 0 || len(o.rules) == 0 {
		t.Fatal("the scanner names no calls or no rules")
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
	compare(t, in(o.expected, strings.Split(regions, ",")...), o.whole.must(t))
	if o.whole.code != 1 {
		t.Errorf("exit code %d, want 1 as there are findings of severity high", o.whole.code)
	}
	times, made := map[call]int{}, map[string]bool{}
	for _, c := range o.whole.calls {
		times[c]++
		made[c.op] = true
	}
	for c, n := range times {
		if n > 1 {
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
	for id := range o.judged() {
		for _, op := range o.rules[id].Calls {
			if !slices.Contains(o.calls[op].Rules, id) {
				t.Errorf("scanner rules list says that %s needs %s, scanner calls does not", id, op)
			}
		}
	}
}

// reads matches actions that only read configuration; forbidden ones read data or secrets all the same.
var (
	reads     = regexp.MustCompile(`^[a-z0-9-]+:(Get|List|Describe|Lookup|Search|BatchGet)[A-Za-z0-9]*$`)
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
