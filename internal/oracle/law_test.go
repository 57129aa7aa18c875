package oracle_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// An experiment is a scan in which one operation is spoilt, or all of a service.
type experiment struct {
	name  string
	ops   []string
	fault fault
	where string // for people
	hits  func(call) bool
	slow  bool     // it waits rather than works
	rules []string // that are selected; none: all
	args  []string
	got   *scan
	took  time.Duration
}

func (e *experiment) String() string { return fmt.Sprintf("%s/%s/%s", e.name, e.fault, e.where) }

// everywhere spoils all calls of an operation.
func everywhere(call) bool { return true }

// at spoils those to one region.
func at(region string) func(call) bool { return func(c call) bool { return c.region == region } }

// one spoils whichever comes first, and that however often it is tried.
func one() func(call) bool {
	var once sync.Once
	var victim call
	return func(c call) bool {
		once.Do(func() { victim = c })
		return c == victim
	}
}

// spoiler is what the experiment does at the proxy.
func (e *experiment) spoiler() spoiler {
	return func(c call) fault {
		if slices.Contains(e.ops, c.op) && e.hits(c) {
			return e.fault
		}
		return ""
	}
}

// timeout is long enough to make all other calls, even beside many scans.
const timeout = "25s"

// sample are the operations that are spoilt in each way: those of the first rules, and some of each protocol and of each way in which an
// answer is used. The others are denied and cut off.
var sample = strings.Fields(`acm:ListCertificates acm:DescribeCertificate cloudformation:DescribeStacks cloudformation:DescribeStackEvents cloudtrail:DescribeTrails
	cloudtrail:GetTrailStatus cloudtrail:GetEventSelectors cloudwatchlogs:DescribeLogGroups kms:DescribeKey ec2:DescribeVolumes ec2:DescribeInstances sqs:ListQueues
	sqs:GetQueueAttributes ssm:DescribeParameters s3:ListBuckets s3:GetBucketPolicy s3:GetBucketVersioning s3control:GetPublicAccessBlock lambda:ListFunctions lambda:GetPolicy
	iam:GetAccountAuthorizationDetails iam:GetCredentialReport cloudwatch:DescribeAlarms guardduty:GetDetector dynamodb:DescribeTable sns:ListSubscriptionsByTopic
	ec2:GetManagedPrefixListEntries rds:DescribeDBInstances`)

// few is how many calls may be throttled to the end in a scan: each takes half a minute, and together they share a rate that falls to one in two seconds.
const few = 14

// experiments spoils each operation, with the rules selected that need it, and denies each service with all rules.
func (o *oracle) experiments() (all []*experiment) {
	services, times := map[string][]string{}, map[string]int{}
	for _, c := range o.whole.calls {
		times[c.op]++
	}
	for _, op := range slices.Sorted(maps.Keys(o.calls)) {
		rules := o.calls[op].Rules
		if len(rules) == 0 {
			continue // made before anything is read: see testRegionList and testExitCodes
		}
		service, _, _ := strings.Cut(op, ":")
		services[service] = append(services[service], op)
		add := func(f fault, where string, slow bool, rules []string, hits func(call) bool, args ...string) {
			args = append([]string{"--regions", regions, "--fail-on", "high", "--rules", strings.Join(rules, ",")}, args...)
			all = append(all, &experiment{name: op, ops: []string{op}, fault: f, where: where, slow: slow, hits: hits, rules: rules, args: args})
		}
		add(denied, "everywhere", false, rules, everywhere)
		add(denied, "in us-east-1", false, rules, at("us-east-1"))
		add(truncated, "everywhere", false, rules, everywhere)
		if slices.ContainsFunc(o.whole.calls, func(c call) bool { return c.op == op && c.more() }) {
			add(denied, "after the first page", false, rules, call.more)
			add(truncated, "after the first page", false, rules, call.more)
		}
		if !slices.Contains(sample, op) {
			continue
		}
		for _, f := range []fault{deniedSCP, cut, empty, page} {
			add(f, "everywhere", false, rules, everywhere)
		}
		if times[op] <= few { // as it is tried again and again, more and more slowly
			add(throttled, "everywhere", true, rules, everywhere)
			add(unavailable, "everywhere", true, rules, everywhere)
		}
		add(truncated, "in us-east-1", false, rules, at("us-east-1"))
		add(hung, "one call", true, rules, one())
		add(hung, "until --timeout", true, rules, everywhere, "--timeout", timeout)
	}
	for _, service := range slices.Sorted(maps.Keys(services)) {
		all = append(all, &experiment{name: service, ops: services[service], fault: denied, where: "everywhere", hits: everywhere, args: []string{"--regions", regions, "--fail-on", "high"}})
	}
	return all
}

// testLaw proves for each operation and fault that no verdict hangs on what was not seen. Scans that wait do so beside those that work.
func (o *oracle) testLaw(t *testing.T) {
	if o.whole == nil || o.whole.report == nil {
		t.Fatal("there is no scan to compare with")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	only, err := regexp.Compile(*spoiltFlag)
	if err != nil {
		t.Fatal(err)
	}
	all := slices.DeleteFunc(o.experiments(), func(e *experiment) bool { return !only.MatchString(e.String()) })
	for _, op := range sample {
		if _, ok := o.calls[op]; !ok {
			t.Errorf("the sample has %s, which the scanner does not call", op)
		}
	}
	paged := 0
	var running sync.WaitGroup
	working, waiting := make(chan struct{}, 2), make(chan struct{}, 24)
	for _, e := range all {
		if strings.Contains(e.where, "page") {
			paged++
		}
		running.Go(func() {
			slots := working
			if e.slow {
				slots = waiting
			}
			slots <- struct{}{}
			defer func() { <-slots }()
			start := time.Now()
			e.got = o.spoil(ctx, e.spoiler(), e.args...)
			e.took = time.Since(start)
		})
	}
	running.Wait()
	if paged == 0 && *spoiltFlag == "" {
		t.Error("no answer of the account has a second page")
	}
	longest := slices.SortedFunc(slices.Values(all), func(a, b *experiment) int { return cmp.Compare(b.took, a.took) })
	for _, e := range longest[:min(len(longest), 10)] {
		t.Logf("%s took %s", e, e.took.Round(time.Second))
	}
	t.Logf("%d spoilt scans", len(all))
	for _, e := range all {
		t.Run(e.String(), func(t *testing.T) { o.judge(t, e) })
	}
}

// judge compares a spoilt scan with the whole one.
func (o *oracle) judge(t *testing.T, e *experiment) {
	blind := o.lawful(t, e.got, e.rules...)
	if e.where == "everywhere" && len(blind) == 0 && !slices.Contains(spared, e.name) {
		t.Error("nothing is missed: no verdict needs the operation, or the account cannot show it")
	}
	var wrong []string
	for _, x := range blind {
		if why := o.blames(e, x); why != "" {
			wrong = append(wrong, o.row(x).String()+": "+why)
		}
	}
	tell(t, wrong)
	if want := o.exit(e.got.report, "high"); e.got.code != want {
		t.Errorf("exit code %d, want %d: %s", e.got.code, want, e.got.stderr)
	}
}

// spared are operations that no verdict here needs: one tells people more, and the report that the other orders is there already.
var spared = []string{"guardduty:GetAdministratorAccount", "iam:GenerateCredentialReport"}

// lawful reports verdicts that became others, and results that came or went without a trace. It returns those that are
// no longer assessed. Of the whole scan only some rules may count.
func (o *oracle) lawful(t *testing.T, s *scan, rules ...string) (blind []*result) {
	t.Helper()
	got, whole := o.must(t, s), map[row]*result{}
	for x, r := range o.must(t, o.whole) {
		if len(rules) == 0 || slices.Contains(rules, x.rule) {
			whole[x] = r
		}
	}
	var breaches []string
	breach := func(format string, args ...any) { breaches = append(breaches, fmt.Sprintf(format, args...)) }
	for x, was := range whole {
		is := got[x]
		switch {
		case is == nil && hole(got, x) == nil:
			breach("%s vanished without a trace", x)
		case is == nil:
		case is.Status != "not-assessed" && is.verdict() != was.verdict():
			breach("%s: %s became %s: %s", x, was.verdict(), is.verdict(), is.Message)
		case is.Status == "not-assessed" && was.Status != "not-assessed":
			blind = append(blind, is)
		}
	}
	for x, is := range got {
		switch {
		case is.Status == "not-assessed" && (is.Gap == nil || is.Gap.Reason == "rule-error"):
			breach("%s: %s", x, is.Message)
		case whole[x] != nil:
		case x.name != "*" || is.Status != "not-assessed":
			breach("%s came from nowhere: %s: %s", x, is.verdict(), is.Message)
		default:
			blind = append(blind, is)
		}
	}
	tell(t, breaches)
	return blind
}

// hole returns the result that stands for one that is not there: of its region, of all of the account, or of regions that could not be listed.
func hole(got map[row]*result, x row) *result {
	for _, region := range []string{x.region, "-", "*"} {
		if r := got[row{x.rule, region, "*"}]; r != nil && r.Status == "not-assessed" {
			return r
		}
	}
	return nil
}

// blames says what is wrong with the gap of a result which is no longer assessed, or with the coverage of the report,
// which must show the gap too.
func (o *oracle) blames(e *experiment, x *result) string {
	g := x.Gap
	if g == nil {
		return "" // reported already
	}
	if e.where == "until --timeout" { // what waited for the operation was not made either
		if g.Reason != "stopped" || !slices.Contains(o.rules[x.Rule].Calls, g.Call) {
			return fmt.Sprintf("the gap is %s in %s, want stopped in a call of the rule", g.Reason, g.Call)
		}
		return ""
	}
	call := g.Call // to blame
	if need, ok := strings.CutPrefix(g.Detail, "needs "); ok {
		call = need // it was not made, as this had no answer
	}
	reason, class, permissions := reasons[e.fault], "fixable", o.calls[call].Permissions
	if e.fault == unavailable && strings.HasPrefix(call, "s3:") {
		reason = "call-failed" // its client makes an error code of the status, which is not one of throttling
	}
	if g.Call == "kms:DescribeKey" && g.Reason == "outside-scan" && strings.HasPrefix(reason, "access-denied") {
		reason = "outside-scan" // the key of another account, of which nobody here can allow anything
	}
	if reason == "access-denied-scp" || reason == "outside-scan" {
		class = "structural"
	}
	if !strings.HasPrefix(reason, "access-denied") {
		permissions = nil
	}
	switch {
	case g.Reason == "outside-scan" && strings.HasSuffix(g.Detail, " was not read"):
		return "" // the rule needs a region besides, which was not read before either
	case !slices.Contains(e.ops, call):
		return fmt.Sprintf("the gap names %s (%s)", g.Call, g.Detail)
	case g.Reason != reason || g.Class != class:
		return fmt.Sprintf("the gap is %s, %s (%s), want %s, %s", g.Reason, g.Class, g.Detail, reason, class)
	case len(g.Permissions)+len(permissions) > 0 && !slices.Equal(g.Permissions, permissions):
		return fmt.Sprintf("the gap wants %v granted, not %v", g.Permissions, permissions)
	case strings.Contains(g.Detail, requestID), strings.Contains(g.Detail, encoded), strings.Contains(g.Detail, "127.0.0.1"), strings.Contains(g.Detail, "\n"):
		return "the detail of the gap says more than it should: " + g.Detail
	case !slices.Contains(o.rules[x.Rule].Calls, g.Call):
		return "it is not assessed, although the rule does not need " + g.Call
	case x.Resource.Name == "async-dlq-elsewhere": // whose queue is in us-east-1
	case e.where == "in us-east-1" && e.fault != denied && x.Resource.Region != "us-east-1" && x.Resource.Region != "":
		return "it is not assessed, although only us-east-1 was spoilt" // what is denied is soon given up in the whole account
	}
	for _, c := range e.got.report.Coverage.Gaps {
		if c.Call == g.Call && c.Reason == g.Reason && c.Region == x.Resource.Region && slices.Contains(c.Rules, x.Rule) {
			return ""
		}
	}
	return fmt.Sprintf("the coverage of the report lacks the gap %s in %s", g.Reason, g.Call)
}

var severities = []string{"informational", "low", "medium", "high", "critical"}

// atLeast compares severities.
func atLeast(s, least string) bool {
	return slices.Index(severities, s) >= slices.Index(severities, least)
}

// exit tells the exit code of scan --fail-on, by the results alone: 4 if nothing could be judged, 1 if something is that
// bad, 3 if a gap that can be fixed may hide it.
func (o *oracle) exit(r *report, failOn string) int {
	seen, bad, hidden := false, false, false
	for i := range r.Results {
		x := &r.Results[i]
		seen = seen || x.Status != "not-assessed"
		bad = bad || x.Status == "fail" && atLeast(x.Severity, failOn)
		hidden = hidden || x.Gap != nil && x.Gap.Class == "fixable" && atLeast(o.rules[x.Rule].Worst, failOn)
	}
	switch {
	case !seen:
		return 4
	case bad:
		return 1
	case hidden:
		return 3
	}
	return 0
}

// testExitCodes checks the gate where the answer is known beforehand. None of the findings of these two rules is high,
// but one about trails would be.
func (o *oracle) testExitCodes(t *testing.T) {
	only := func(f fault, ops ...string) spoiler {
		return func(c call) fault {
			if slices.Contains(ops, c.op) {
				return f
			}
			return ""
		}
	}
	but := func(f fault, op string) spoiler {
		return func(c call) fault {
			if c.op != op {
				return f
			}
			return ""
		}
	}
	const who, status, attributes = "sts:GetCallerIdentity", "cloudtrail:GetTrailStatus", "sqs:GetQueueAttributes"
	two := []string{"--regions", regions, "--rules", "cloudtrail-multi-region-enabled,sqs-queue-dead-letter-queue"}
	cases := []*struct {
		name    string
		spoiler spoiler
		args    []string
		want    int
		report  bool
		got     *scan
	}{
		{name: "findings without a gate", args: two, want: 0, report: true},
		{name: "findings below the gate", args: append([]string{"--fail-on", "high"}, two...), want: 0, report: true},
		{name: "findings at the gate", args: append([]string{"--fail-on", "medium"}, two...), want: 1, report: true},
		{name: "denied", spoiler: only(denied, status), args: append([]string{"--fail-on", "high"}, two...), want: 3, report: true},
		{name: "garbled", spoiler: only(truncated, status), args: append([]string{"--fail-on", "high"}, two...), want: 3, report: true},
		{name: "denied, but who asks", spoiler: only(denied, status), args: two, want: 0, report: true},
		{name: "denied, and a finding", spoiler: only(denied, status), args: append([]string{"--fail-on", "medium"}, two...), want: 1, report: true},
		{name: "denied by the organization", spoiler: only(deniedSCP, status), args: append([]string{"--fail-on", "high"}, two...), want: 0, report: true},
		{name: "denied, but it can hide nothing high", spoiler: only(denied, attributes), args: append([]string{"--fail-on", "high"}, two...), want: 0, report: true},
		{name: "denied, but allowed", spoiler: only(denied, status), args: append([]string{"--fail-on", "high", "--allow-incomplete"}, two...), want: 0, report: true},
		{name: "three of four cells, enough", spoiler: only(denied, status), args: append([]string{"--fail-on", "high", "--allow-incomplete=75"}, two...), want: 0, report: true},
		{name: "three of four cells, too few", spoiler: only(denied, status), args: append([]string{"--fail-on", "high", "--allow-incomplete=76"}, two...), want: 3, report: true},
		{name: "complete but for another account", args: append([]string{"--fail-on-incomplete"}, two...), want: 0, report: true},
		{name: "incomplete", spoiler: only(denied, attributes), args: append([]string{"--fail-on-incomplete"}, two...), want: 3, report: true},
		{name: "all but the caller is denied", spoiler: but(denied, who), args: []string{"--fail-on", "high"}, want: 4, report: true},
		{name: "all but the caller is denied, and nobody asks", spoiler: but(denied, who), args: []string{"--regions", regions}, want: 4, report: true},
		{name: "all but the caller is garbled", spoiler: but(page, who), args: []string{"--fail-on", "critical"}, want: 4, report: true},
		{name: "everything is denied", spoiler: but(denied, ""), want: 4},
		{name: "everything is garbled", spoiler: but(page, ""), want: 4},
		{name: "the caller is cut off", spoiler: only(truncated, who), want: 4},
		{name: "the caller is nobody", spoiler: only(empty, who), want: 4},
		{name: "the caller is throttled", spoiler: only(throttled, who), want: 4},
		{name: "nobody tells the caller in time", spoiler: only(hung, who), args: []string{"--timeout", "5s"}, want: 4},
		{name: "no such region", args: []string{"--regions", "mars-north-1"}, want: 2},
	}
	var running sync.WaitGroup
	for _, c := range cases {
		running.Go(func() { c.got = o.spoil(t.Context(), c.spoiler, c.args...) })
	}
	running.Wait()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.got.err != nil {
				t.Fatal(c.got.err)
			}
			if c.got.code != c.want || (c.got.report != nil) != c.report {
				t.Errorf("exit code %d, report %t; want %d, %t: %s", c.got.code, c.got.report != nil, c.want, c.report, c.got.stderr)
			}
			if c.got.code != 0 && !strings.Contains("\n"+c.got.stderr, "\nscanner: ") { // perhaps after lines of progress
				t.Errorf("the scanner does not say why: %q", c.got.stderr)
			}
		})
	}
}

// testNarrower scans each region alone: what it shows is as before. A trail may be at home elsewhere, where nobody looked.
func (o *oracle) testNarrower(t *testing.T) {
	for _, region := range strings.Split(regions, ",") {
		t.Run(region, func(t *testing.T) {
			got := o.must(t, o.scan(t.Context(), o.url, "--regions", region))
			compare(t, narrowed(o.in(o.expected, region), got), got)
		})
	}
}

// testTransient lets requests of each operation fail once, or one of them hang for a while: they are made again, and nobody notices.
func (o *oracle) testTransient(t *testing.T) {
	first := func(f fault, hits func(call) bool) spoiler {
		var mu sync.Mutex
		seen, times := map[call]bool{}, map[string]int{}
		return func(c call) fault {
			mu.Lock()
			defer mu.Unlock()
			if seen[c] || !hits(c) || times[c.op] == few { // as each throttle slows the operation down
				return ""
			}
			seen[c] = true
			times[c.op]++
			return f
		}
	}
	victim := one()
	spoilers := map[fault]spoiler{
		throttled:   first(throttled, func(c call) bool { return c.op != "account:ListRegions" }), // which moto does not know anyway
		unavailable: first(unavailable, everywhere),
		hung:        first(hung, func(c call) bool { return c.op == "sqs:GetQueueAttributes" && victim(c) }),
	}
	scans := map[fault]*scan{}
	var running sync.WaitGroup
	var mu sync.Mutex
	for f, spoiler := range spoilers {
		running.Go(func() {
			s := o.spoil(t.Context(), spoiler, "--regions", regions, "--fail-on", "high")
			mu.Lock()
			defer mu.Unlock()
			scans[f] = s
		})
	}
	running.Wait()
	for f, s := range scans {
		t.Run(string(f), func(t *testing.T) {
			if blind := o.lawful(t, s); len(blind) > 0 {
				t.Errorf("%d results are not assessed, such as %s: %s", len(blind), o.row(blind[0]), blind[0].Message)
			}
			if s.code != 1 {
				t.Errorf("exit code %d, want 1: %s", s.code, s.stderr)
			}
			if f == throttled && s.report.Scan.Throttled == 0 {
				t.Error("the report does not say that the scan was throttled")
			}
		})
	}
}

// testInterrupt ends a scan that waits for buckets, as Ctrl-C does: what was read is reported, and the rest is not assessed.
func (o *oracle) testInterrupt(t *testing.T) {
	const op = "s3:GetBucketVersioning" // for which no other waits
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	quiet := time.AfterFunc(time.Minute, cancel)
	defer quiet.Stop()
	var waiting atomic.Int32
	s := o.spoil(ctx, func(c call) fault {
		quiet.Reset(4 * time.Second)
		if c.op == op && waiting.Add(1) <= few { // more would take the place of what is not spoilt
			return hung
		}
		return ""
	}, "--regions", regions, "--fail-on", "high")
	blind := o.lawful(t, s)
	for _, x := range blind {
		if x.Gap.Reason != "stopped" || x.Gap.Call != op {
			t.Errorf("%s: the gap is %s in %s, want stopped in %s", o.row(x), x.Gap.Reason, x.Gap.Call, op)
		}
	}
	if s.code != 130 || len(blind) == 0 {
		t.Errorf("exit code %d and %d results not assessed, want 130 and some buckets: %s", s.code, len(blind), s.stderr)
	}
}

// enabled are the regions of the account if AWS is asked the modern way, which moto does not know.
var enabled = []string{"af-south-1", "ap-southeast-2", "eu-central-1", "us-east-1"}

// listRegions is how AWS answers account:ListRegions: the account is in regions that are always on and in one that was switched on.
const listRegions fault = `{"Regions":[{"RegionName":"us-east-1","RegionOptStatus":"ENABLED_BY_DEFAULT"},{"RegionName":"eu-central-1","RegionOptStatus":"ENABLED_BY_DEFAULT"},` +
	`{"RegionName":"ap-southeast-2","RegionOptStatus":"ENABLED_BY_DEFAULT"},{"RegionName":"af-south-1","RegionOptStatus":"ENABLED"},` +
	`{"RegionName":"me-south-1","RegionOptStatus":"DISABLED"},{"RegionName":"ap-east-1","RegionOptStatus":"DISABLING_SOON"}]}`

// firstRegions is a first page of them.
const firstRegions fault = `{"Regions":[{"RegionName":"us-east-1","RegionOptStatus":"ENABLED_BY_DEFAULT"}],"NextToken":"more"}`

// testRegionList scans all regions, told in several ways, or not at all.
func (o *oracle) testRegionList(t *testing.T) {
	const modern, old = "account:ListRegions", "ec2:DescribeRegions"
	told := func(m, d fault) spoiler {
		return func(c call) fault {
			switch {
			case c.op == modern && m == firstRegions && c.more():
				return denied
			case c.op == modern:
				return m
			case c.op == old:
				return d
			}
			return ""
		}
	}
	t.Run("as AWS tells them", func(t *testing.T) {
		s := o.spoil(t.Context(), told(listRegions, hung))
		compare(t, o.expected, o.must(t, s))
		if !slices.Equal(s.report.Scan.Regions, enabled) {
			t.Errorf("read %v, want %v", s.report.Scan.Regions, enabled)
		}
		for _, c := range s.calls {
			if !slices.Contains(enabled, c.region) {
				t.Errorf("a region that is switched off was asked: %s", c)
			}
		}
		if !slices.ContainsFunc(s.report.Scan.Skipped, func(x struct{ Region string }) bool { return x.Region == "me-south-1" }) {
			t.Errorf("the report skips %v, but does not say so of me-south-1", s.report.Scan.Skipped)
		}
	})
	for name, spoiler := range map[string]spoiler{
		"by EC2 alone":              told(denied, ""),
		"by EC2, after a garbled":   told(page, ""),
		"by EC2, after half a list": told(firstRegions, ""),
	} {
		t.Run(name, func(t *testing.T) { compare(t, o.expected, o.must(t, o.spoil(t.Context(), spoiler))) })
	}
	for name, spoiler := range map[string]spoiler{
		"denied":             told(denied, denied),
		"garbled":            told(empty, truncated),
		"half, then nothing": told(firstRegions, page),
	} {
		t.Run(name, func(t *testing.T) { o.unlisted(t, spoiler) })
	}
}

// unlisted checks scans of an account whose regions nobody tells. Those that are named are read as before. Without names
// those are read that are always on, and judged as before, and each rule says that there may be others.
func (o *oracle) unlisted(t *testing.T, spoiler spoiler) {
	if blind := o.lawful(t, o.spoil(t.Context(), spoiler, "--regions", regions)); len(blind) > 0 {
		t.Errorf("%d results are not assessed, such as %s: %s", len(blind), o.row(blind[0]), blind[0].Message)
	}
	s := o.spoil(t.Context(), spoiler)
	got := o.must(t, s)
	named := strings.Split(regions, ",")
	want := o.in(o.expected, named...)
	for x, r := range got {
		gap := r.Gap != nil && (r.Gap.Call == "ec2:DescribeRegions" || r.Gap.Call == "account:ListRegions")
		switch _, known := want[x]; {
		case x.name == "*" && x.region == "*":
			want[x] = verdict{"not-assessed", "-"}
			if !gap {
				t.Errorf("%s: the gap names %v", x, r.Gap)
			}
		case known && gap && x.rule == "kms-key-not-pending-deletion": // what uses a key may be anywhere
			want[x] = r.verdict()
		case !known && x.region != "-" && !slices.Contains(named, x.region): // always on, with what AWS makes in each, such as a default VPC
			if !slices.Contains(s.report.Scan.Regions, x.region) {
				t.Errorf("%s: judged, although the report does not say that the region was read", x)
			}
			delete(got, x)
		}
	}
	compare(t, want, got)
	for x := range o.expected {
		if got[x] == nil && hole(got, x) == nil {
			t.Errorf("%s vanished without a trace", x)
		}
	}
}
