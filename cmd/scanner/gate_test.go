package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// An account by hand, for the gate: parameters that fail with high severity, queues that fail with low, or as critical if everybody may
// send to them, and lists that failed.
type gateScan struct {
	regions []string // eu-west-1 if none
	rules   []string // all three if none
	lines   []string
}

const gateAccount = "111122223333"

var gateRules = []string{"sqs-queue-dead-letter-queue", "sqs-queue-not-public", "ssm-parameter-secure"} // low, critical, high

// write makes a snapshot of it.
func (s gateScan) write(t *testing.T, file string) {
	t.Helper()
	if s.regions == nil {
		s.regions = []string{"eu-west-1"}
	}
	if s.rules == nil {
		s.rules = gateRules
	}
	var read []string
	for _, region := range s.regions {
		read = append(read, fmt.Sprintf(`{"account":%q,"region":%q}`, gateAccount, region))
	}
	rules, err := json.Marshal(s.rules)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(s.lines, func(a, b string) int { return strings.Compare(placeInLine(a), placeInLine(b)) })
	text := fmt.Sprintf(`{"schema":"scanner.snapshot/v1","tool":"0.1.0","partition":"aws","tags":true,"start":"2026-01-01T12:00:00Z","caller":"arn:aws:sts::111122223333:assumed-role/audit/me","read":[%s],"listed":["AWS::KMS::Key","AWS::SQS::Queue","AWS::SSM::Parameter"],"rules":%s}`,
		strings.Join(read, ","), rules) + "\n" + strings.Join(append(slices.Clone(s.lines), ""), "\n") + fmt.Sprintf(`{"end":{"finished":"2026-01-01T12:00:09Z","calls":9,"lines":%d}}`, len(s.lines)) + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

var (
	lineRegion = regexp.MustCompile(`"region":"([^"]*)"`)
	lineKind   = regexp.MustCompile(`^\{"(?:kind|unlisted)":"([^"]*)"`)
	lineID     = regexp.MustCompile(`"id":"([^"]*)"`)
)

// placeInLine is what lines of a snapshot are sorted by.
func placeInLine(line string) string {
	of := func(r *regexp.Regexp) string {
		if m := r.FindStringSubmatch(line); m != nil {
			return m[1]
		}
		return ""
	}
	last := "0"
	if strings.HasPrefix(line, `{"unlisted"`) {
		last = "1"
	}
	return last + of(lineRegion) + "\x00" + of(lineKind) + "\x00" + of(lineID)
}

func ssmParameter(region, name, kind, tags string) string {
	return fmt.Sprintf(`{"kind":"AWS::SSM::Parameter","id":%[2]q,"arn":"arn:aws:ssm:%[1]s:111122223333:parameter%[2]s","name":%[2]q,"account":"111122223333","region":%[1]q,"type":%[3]q,"dataType":"text","description":"","kmsKey":"alias/aws/ssm"%[4]s}`, region, name, kind, tags)
}

// secret is a parameter that fails with high severity.
func secret(region, name string) string {
	return ssmParameter(region, "/"+name+"-password", "String", "")
}

// mended is the same parameter, which passes.
func mended(region, name string) string {
	return ssmParameter(region, "/"+name+"-password", "SecureString", "")
}

// owned is a secret with a tag.
func owned(region, name, team string) string {
	return ssmParameter(region, "/"+name+"-password", "String", fmt.Sprintf(`,"tags":{"team":%q}`, team))
}

const (
	everybody = `"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"sqs:SendMessage\",\"Resource\":\"*\"}]}"`
	nobody    = `""`
)

// sender is a queue that fails with low severity; as critical too if everybody may send to it.
func sender(region, name, policy string) string {
	return fmt.Sprintf(`{"kind":"AWS::SQS::Queue","id":"https://sqs.%[1]s.amazonaws.com/111122223333/%[2]s","arn":"arn:aws:sqs:%[1]s:111122223333:%[2]s","name":%[2]q,"account":"111122223333","region":%[1]q,"deadLetterArn":"","maxReceives":0,"redriveAllow":"","policy":%[3]s}`, region, name, policy)
}

// closed is a list that failed.
func closed(kind, region, reason, call string) string {
	return fmt.Sprintf(`{"unlisted":"AWS::%s","account":"111122223333","region":%q,"gap":{"reason":%q,"call":%q,"detail":"no"}}`, kind, region, reason, call)
}

func noParameters(region, reason string) string {
	return closed("SSM::Parameter", region, reason, "ssm:DescribeParameters")
}
func noQueues(region, reason string) string {
	return closed("SQS::Queue", region, reason, "sqs:ListQueues")
}

// TestGateMatrix holds reports, baselines, waivers and flags against exit codes and first lines. Each case is tried with the snapshot, with
// the JSON report of it, and, if there is a baseline, with the snapshot and the JSON report of the old scan in its place.
func TestGateMatrix(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	const west, east = "eu-west-1", "us-east-1"
	both := []string{west, east}
	// What is called so in the cases below.
	scans := map[string]gateScan{
		"clean":              {lines: []string{mended(west, "a")}},
		"empty":              {},
		"high":               {lines: []string{secret(west, "a")}},
		"two high":           {lines: []string{secret(west, "a"), secret(west, "b")}},
		"mended":             {lines: []string{mended(west, "a")}},
		"low":                {lines: []string{sender(west, "q", nobody)}},
		"critical":           {lines: []string{sender(west, "q", everybody)}},
		"all":                {lines: []string{sender(west, "q", everybody), secret(west, "a")}},
		"both regions":       {regions: both, lines: []string{secret(west, "a")}},
		"high in the east":   {regions: both, lines: []string{secret(west, "a"), secret(east, "b")}},
		"dark":               {lines: []string{sender(west, "q", nobody), noParameters(west, "access-denied")}},
		"dark in the east":   {regions: both, lines: []string{secret(west, "a"), noParameters(east, "access-denied")}},
		"clean, east dark":   {regions: both, lines: []string{mended(west, "a"), noParameters(east, "access-denied")}},
		"throttled":          {lines: []string{sender(west, "q", nobody), noParameters(west, "throttled")}},
		"stopped":            {lines: []string{sender(west, "q", nobody), noParameters(west, "stopped")}},
		"timed out":          {lines: []string{sender(west, "q", nobody), noParameters(west, "timed-out")}},
		"failed":             {lines: []string{sender(west, "q", nobody), noParameters(west, "call-failed")}},
		"not collected":      {lines: []string{sender(west, "q", nobody), noParameters(west, "not-collected")}},
		"closed by policy":   {lines: []string{sender(west, "q", nobody), noParameters(west, "access-denied-scp")}},
		"not enabled":        {lines: []string{sender(west, "q", nobody), noParameters(west, "not-enabled")}},
		"not subscribed":     {lines: []string{sender(west, "q", nobody), noParameters(west, "not-subscribed")}},
		"outside":            {lines: []string{sender(west, "q", nobody), noParameters(west, "outside-scan")}},
		"little data":        {lines: []string{sender(west, "q", nobody), noParameters(west, "too-little-data")}},
		"high and dark":      {regions: both, lines: []string{secret(west, "a"), noParameters(east, "access-denied"), noQueues(east, "throttled")}},
		"queues dark":        {lines: []string{mended(west, "a"), noQueues(west, "access-denied")}},
		"nothing":            {lines: []string{noParameters(west, "access-denied"), noQueues(west, "access-denied")}},
		"nothing, by policy": {lines: []string{noParameters(west, "access-denied-scp"), noQueues(west, "access-denied-scp")}},
		"no such rule":       {rules: gateRules[:2], lines: []string{sender(west, "q", nobody)}},
		"owned":              {lines: []string{owned(west, "a", "shop"), owned(west, "b", "data"), secret(west, "c")}},
		"of shop":            {lines: []string{owned(west, "a", "shop"), owned(west, "b", "data")}},
	}
	baselines := map[string]func(b map[string]any){ // edits of a baseline, by name after the scan
		"another version":  func(b map[string]any) { ruleOf(b, "ssm-parameter-secure")["version"] = 99 },
		"other parameters": func(b map[string]any) { ruleOf(b, "ssm-parameter-secure")["params"] = "0123456789abcdef" },
		"an unknown rule":  func(b map[string]any) { ruleOf(b, "ssm-parameter-secure")["id"] = "ssm-parameter-of-tomorrow" },
		"a newer scanner":  func(b map[string]any) { b["tool"] = "9.9.9" },
		"another account": func(b map[string]any) {
			for _, list := range []string{"read", "findings", "blind"} {
				for _, x := range b[list].([]any) {
					x.(map[string]any)["account"] = "444455556666"
				}
			}
		},
		"less severe before": func(b map[string]any) { b["findings"].([]any)[0].(map[string]any)["severity"] = "low" },
		"more severe before": func(b map[string]any) { b["findings"].([]any)[0].(map[string]any)["severity"] = "critical" },
	}
	waivers := map[string]string{
		"secrets":         `[{rule: ssm-parameter-secure, region: eu-*, reason: r, owner: o, expires: 2026-12-31}]`,
		"a":               `[{rule: ssm-parameter-secure, resource: /a-password, reason: r, owner: o, expires: 2026-12-31}]`,
		"a until then":    `[{rule: ssm-parameter-secure, resource: /a-password, reason: r, owner: o, expires: 2026-01-01}]`,
		"a, expired":      `[{rule: ssm-parameter-secure, resource: /a-password, reason: r, owner: o, expires: 2025-12-31}]`,
		"of shop":         `[{rule: ssm-parameter-secure, tags: {team: shop}, reason: r, owner: o, expires: 2026-12-31}]`,
		"not of shop":     `[{rule: ssm-parameter-secure, not: {tags: {team: shop}}, reason: r, owner: o, expires: 2026-12-31}]`,
		"queues":          `[{rule: sqs-*, region: eu-*, reason: r, owner: o, expires: 2026-12-31}]`,
		"in the east":     `[{rule: ssm-parameter-secure, region: us-east-1, reason: r, owner: o, expires: 2026-12-31}]`,
		"east or expired": `[{rule: ssm-parameter-secure, region: us-east-1, reason: r, owner: o, expires: 2025-12-31}]`,
	}
	const (
		found = `1 finding of severity high or above:`
		grant = `findings of severity high or above may be hidden: grant ssm:DescribeParameters (scanner permissions prints the whole policy)`
		again = `findings of severity high or above may be hidden: repeat the scan when the calls below succeed`
		isNew = `1 new finding of severity high or above since 2026-01-01 12:00 UTC:`
	)
	for _, c := range []struct {
		scan, baseline, waivers string
		flags                   string
		code                    int
		first                   string // line on standard error; "" on standard output: it passes
	}{
		// Without a demand, findings and gaps do not count; that nothing was seen always does.
		{"all", "", "", "", 0, ""},
		{"dark", "", "", "", 0, ""},
		{"nothing", "", "", "", 4, `nothing could be assessed: grant sqs:ListQueues, ssm:DescribeParameters (scanner permissions prints the whole policy)`},
		{"nothing, by policy", "", "", "--fail-on low --allow-incomplete", 4, `nothing could be assessed: the reasons are structural`},
		{"empty", "", "", "--fail-on informational --fail-on-incomplete", 0, ""}, // there is nothing

		// --fail-on.
		{"high", "", "", "--fail-on critical", 0, ""},
		{"high", "", "", "--fail-on high", 1, found},
		{"high", "", "", "--fail-on low", 1, `1 finding of severity low or above:`},
		{"low", "", "", "--fail-on medium", 0, ""},
		{"all", "", "", "--fail-on high", 1, `2 findings of severity high or above:`},
		{"all", "", "", "--fail-on informational", 1, `3 findings of severity informational or above:`},
		{"all", "", "", "--fail-on high --services ssm", 1, found},
		{"all", "", "", "--fail-on high --resource q", 1, found},
		{"all", "", "", "--fail-on high --status pass", 1, `2 findings of severity high or above:`},
		{"all", "", "", "--fail-on high --rules sqs-queue-dead-letter-queue", 0, ""},

		// Gaps of each class. Those that nobody can mend never count.
		{"dark", "", "", "--fail-on high", 3, grant},
		{"throttled", "", "", "--fail-on high", 3, again},
		{"stopped", "", "", "--fail-on high", 3, again},
		{"timed out", "", "", "--fail-on high", 3, again},
		{"failed", "", "", "--fail-on high", 3, again},
		{"not collected", "", "", "--fail-on high", 3, again},
		{"closed by policy", "", "", "--fail-on high --fail-on-incomplete", 0, ""},
		{"not enabled", "", "", "--fail-on high --fail-on-incomplete", 0, ""},
		{"not subscribed", "", "", "--fail-on high --fail-on-incomplete", 0, ""},
		{"outside", "", "", "--fail-on high --fail-on-incomplete", 0, ""},
		{"little data", "", "", "--fail-on high --fail-on-incomplete", 0, ""},
		{"dark", "", "", "--fail-on critical", 0, ""}, // it cannot be as bad
		{"queues dark", "", "", "--fail-on critical", 3, `findings of severity critical or above may be hidden: grant sqs:ListQueues (scanner permissions prints the whole policy)`},
		{"queues dark", "", "", "--fail-on critical --exclude-rules sqs-queue-not-public", 0, ""},
		{"high and dark", "", "", "--fail-on high", 1, found}, // 1 wins over 3

		// What may be missing: 1 of 3 cells is blind in dark, 3 of 6 in high and dark.
		{"dark", "", "", "--fail-on high --allow-incomplete", 0, ""},
		{"dark", "", "", "--fail-on high --allow-incomplete=66", 0, ""},
		{"dark", "", "", "--fail-on high --allow-incomplete=67", 3, grant},
		{"dark", "", "", "--fail-on-incomplete", 3, `only 66.7 % of 3 cells assessed without a gap: grant ssm:DescribeParameters (scanner permissions prints the whole policy)`},
		{"dark", "", "", "--fail-on-incomplete=66", 0, ""},
		{"high and dark", "", "", "--fail-on-incomplete=50", 0, ""},
		{"high and dark", "", "", "--fail-on-incomplete=51", 3, `only 50.0 % of 6 cells assessed without a gap: grant ssm:DescribeParameters (scanner permissions prints the whole policy)`},
		{"high and dark", "", "", "--fail-on high --fail-on-incomplete", 1, found},
		{"dark", "", "", "--fail-on high --allow-incomplete --fail-on-incomplete", 3, `only 66.7 % of 3 cells assessed without a gap: grant ssm:DescribeParameters (scanner permissions prints the whole policy)`},
		{"closed by policy", "", "", "--fail-on-incomplete=100", 0, ""},

		// --max, of several severities.
		{"high", "", "", "--max high=1", 0, ""},
		{"two high", "", "", "--max high=1", 1, `2 findings of severity high, where 1 may be:`},
		{"two high", "", "", "--max critical=0,high=2,low=0", 0, ""},
		{"all", "", "", "--max critical=0,high=0,low=1", 1, `1 finding of severity critical, where 0 may be`},
		{"all", "", "", "--max low=0", 1, `1 finding of severity low, where 0 may be:`},
		{"all", "", "", "--fail-on high --max low=0", 1, `2 findings of severity high or above`},
		{"dark", "", "", "--max high=5", 3, grant},
		{"dark", "", "", "--max critical=5", 0, ""},
		{"dark", "", "", "--max high=5 --allow-incomplete", 0, ""},

		// Waivers: of failures, of gaps, and those that have ended or hang on what is not known.
		{"high", "", "a", "--fail-on high", 0, ""},
		{"high", "", "a", "--max high=0", 0, ""},
		{"two high", "", "a", "--fail-on high", 1, found},
		{"high", "", "a until then", "--fail-on high", 0, ""},
		{"high", "", "a, expired", "--fail-on high", 1, `waivers.yaml:1: expired on 2025-12-31: what it accepted counts again, so remove it, or decide anew`},
		{"dark", "", "secrets", "--fail-on high --fail-on-incomplete", 0, ""},
		{"dark", "", "a", "--fail-on high", 3, grant}, // the list may hide others
		{"dark", "", "queues", "--fail-on high", 3, grant},
		{"clean, east dark", "", "in the east", "--fail-on high --fail-on-incomplete", 0, ""},
		{"clean, east dark", "", "east or expired", "--fail-on high", 3, `waivers.yaml:1: expired on 2025-12-31: what it accepted counts again, so remove it, or decide anew`},
		{"high and dark", "", "secrets", "--fail-on high", 3, grant},
		{"nothing", "", "secrets", "--fail-on high", 4, `nothing could be assessed: grant sqs:ListQueues, ssm:DescribeParameters (scanner permissions prints the whole policy)`},
		{"owned", "", "of shop", "--fail-on high", 1, `2 findings of severity high or above:`},     // of data, and one with unknown tags
		{"owned", "", "not of shop", "--fail-on high", 1, `2 findings of severity high or above:`}, // of shop, and the same
		{"of shop", "", "of shop", "--fail-on high", 1, found},

		// Owners: who is not known is everybody's.
		{"owned", "", "", "--fail-on high --owner shop", 1, `2 findings of severity high or above:`},
		{"owned", "", "", "--fail-on high --owner legal", 1, found},
		{"of shop", "", "", "--fail-on high --owner shop", 1, found},
		{"of shop", "", "", "--fail-on high --owner legal", 0, ""},
		{"of shop", "", "", "--fail-on high --tag team=data", 1, found},
		{"owned", "", "", "--max high=1 --tag team=data", 1, `2 findings of severity high, where 1 may be:`},

		// What is new. Alone, --fail-on-new means high.
		{"high", "high", "", "--fail-on-new", 0, ""},
		{"two high", "high", "", "--fail-on-new", 1, isNew},
		{"two high", "high", "", "--fail-on high", 1, `2 findings of severity high or above:`}, // the baseline alone excuses nothing
		{"two high", "high", "", "--fail-on-new --fail-on critical", 0, ""},
		{"low", "clean", "", "--fail-on-new", 0, ""},
		{"low", "clean", "", "--fail-on-new --fail-on low", 1, `1 new finding of severity low or above since 2026-01-01 12:00 UTC:`},
		{"mended", "high", "", "--fail-on-new", 0, ""},
		{"high", "mended", "", "--fail-on-new", 1, isNew}, // regressed, or new if only the file is left
		{"high", "high/less severe before", "", "--fail-on-new", 1, isNew},
		{"high", "high/more severe before", "", "--fail-on-new", 0, ""},
		{"high", "clean", "a", "--fail-on-new", 0, ""},
		{"high", "clean", "a, expired", "--fail-on-new", 1, `waivers.yaml:1: expired on 2025-12-31: what it accepted counts again, so remove it, or decide anew`},

		// An upgrade, a new rule, a new permission, a new region never make it red.
		{"high", "no such rule", "", "--fail-on-new --fail-on informational", 0, ""},
		{"high", "clean/another version", "", "--fail-on-new", 0, ""},
		{"high", "clean/other parameters", "", "--fail-on-new", 0, ""},
		{"high", "clean/an unknown rule", "", "--fail-on-new", 0, ""},
		{"high", "high/less severe before/another version", "", "--fail-on-new", 0, ""},
		{"two high", "high/a newer scanner", "", "--fail-on-new", 1, isNew},
		{"high", "dark", "", "--fail-on-new", 0, ""},                  // it was granted
		{"high in the east", "high", "", "--fail-on-new", 0, ""},      // nobody looked there
		{"dark in the east", "high", "", "--fail-on-new", 0, ""},      // nor can anybody
		{"dark", "no such rule", "", "--fail-on-new", 0, ""},          // a new rule needs more
		{"dark", "clean/another version", "", "--fail-on-new", 0, ""}, // a later version does
		{"high in the east", "both regions", "", "--fail-on-new", 1, isNew},
		{"high", "high in the east", "", "--fail-on-new", 0, ""}, // a region less
		{"no such rule", "high", "", "--fail-on-new", 0, ""},     // a rule less
		{"high in the east", "dark in the east", "", "--fail-on-new", 0, ""},
		{"high in the east", "high", "", "--fail-on-new --max high=2", 0, ""},
		{"high in the east", "high", "", "--fail-on-new --max high=1", 1, `2 findings of severity high, where 1 may be:`}, // maxima count all

		// A baseline of somebody else would let everything pass for ever.
		{"high", "clean/another account", "", "--fail-on-new", 2, `the baseline is of other accounts than this scan, so that nothing could ever be new: make one of this scan with scanner baseline create`},
		{"high", "clean/another account", "", "--fail-on high", 1, found},

		// Gaps that the baseline had are known; what was seen and is not any more counts.
		{"dark", "dark", "", "--fail-on-new", 0, ""},
		{"dark", "dark", "", "--fail-on high", 0, ""},
		{"dark", "dark", "", "--max high=0", 0, ""},
		{"dark", "dark", "", "--fail-on-incomplete", 3, `only 66.7 % of 3 cells assessed without a gap: grant ssm:DescribeParameters (scanner permissions prints the whole policy)`},
		{"dark", "low", "", "--fail-on-new", 3, grant},
		{"dark", "low", "secrets", "--fail-on-new", 0, ""},
		{"dark", "low", "", "--fail-on-new --allow-incomplete", 0, ""},
		{"dark", "low", "", "--fail-on-new --fail-on critical", 0, ""},
		{"closed by policy", "low", "", "--fail-on-new", 0, ""},
		{"dark in the east", "high", "", "--fail-on high --resource none", 3, grant}, // without --fail-on-new all gaps count but those of the baseline
		{"dark in the east", "high", "", "--fail-on-new --max critical=0", 0, ""},
		{"dark in the east", "high", "", "--fail-on-new --max high=1", 3, grant},
	} {
		dir := t.TempDir()
		at := func(name string) string { return filepath.Join(dir, name) }
		t.Chdir(dir) // files are named without it
		scans[c.scan].write(t, "new.jsonl")
		quiet(t, "report", "new.jsonl", "-o", "json=new.json", "--no-config")
		flags := append(strings.Fields(c.flags), "--no-config")
		olds := []string{""}
		if c.baseline != "" {
			parts := strings.Split(c.baseline, "/")
			scans[parts[0]].write(t, "old.jsonl")
			quiet(t, "report", "old.jsonl", "-o", "json=old.json", "--no-config")
			quiet(t, "baseline", "create", "old.jsonl", "-o", "baseline.json", "--no-config")
			olds = []string{"baseline.json", "old.jsonl", "old.json"}
			for _, name := range parts[1:] {
				olds = olds[:1]
				edit(t, "baseline.json", baselines[name])
			}
		}
		if c.waivers != "" {
			if err := os.WriteFile(at("waivers.yaml"), []byte(waivers[c.waivers]+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			flags = append(flags, "--waivers", "waivers.yaml")
		}
		for _, input := range []string{"new.jsonl", "new.json"} {
			for _, old := range olds {
				args := append([]string{"gate", input}, flags...)
				if old != "" {
					args = append(args, "--baseline", old)
				}
				var out, stderr bytes.Buffer
				code := run(t.Context(), args, &out, &stderr)
				first, _, _ := strings.Cut(strings.TrimPrefix(stderr.String(), "scanner: "), "\n")
				if code != c.code || first != c.first || strings.Count(stderr.String(), "\n") > 11 || c.first == "" && !strings.HasPrefix(out.String(), "passed: ") && !strings.HasPrefix(out.String(), "nothing to decide") {
					t.Errorf("%q since %q with waivers %q: scanner %s: exit %d with\n%s%s\nwant %d with\n%s", c.scan, c.baseline, c.waivers, strings.Join(args, " "), code, &out, &stderr, c.code, c.first)
				}
			}
		}
	}
}

// quiet runs the scanner for what it leaves.
func quiet(t *testing.T, args ...string) {
	t.Helper()
	var out, stderr bytes.Buffer
	if code := run(t.Context(), args, &out, &stderr); code != 0 && code != 4 {
		t.Fatalf("scanner %s: exit %d: %s", strings.Join(args, " "), code, &stderr)
	}
}

// edit changes a JSON file.
func edit(t *testing.T, file string, change func(map[string]any)) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	change(v)
	if text, err = json.Marshal(v); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// ruleOf returns how a rule judged, as a baseline tells.
func ruleOf(b map[string]any, id string) map[string]any {
	for _, r := range b["rules"].([]any) {
		if r := r.(map[string]any); r["id"] == id {
			return r
		}
	}
	panic("no rule " + id)
}

// Whoever is interrupted says so, leaves no half of a file, and does not say what a gate would.
func TestInterrupted(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	t.Chdir(t.TempDir())
	gateScan{lines: []string{secret("eu-west-1", "a")}}.write(t, "s.jsonl")
	quiet(t, "report", "s.jsonl", "-o", "json=r.json", "--no-config")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, args := range [][]string{{"report", "s.jsonl", "-o", "csv=out"}, {"report", "r.json"}, {"gate", "s.jsonl", "--fail-on", "high"}, {"gate", "r.json", "--fail-on", "high"}, {"diff", "r.json", "s.jsonl"},
		{"explain", "ssm-parameter-secure", "*", "--snapshot", "r.json"}, {"baseline", "create", "s.jsonl", "-o", "out"}, {"scan", "--snapshot", "s.jsonl"}, {"waivers", "unused", "s.jsonl"}, {"permissions", "--missing", "--snapshot", "s.jsonl"}} {
		if err := os.WriteFile("waivers.yaml", []byte("[{rule: ssm-parameter-secure, resource: x, reason: r, owner: o, expires: 2026-12-31}]\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, stderr bytes.Buffer
		if code := run(ended, args, &out, &stderr); code != 130 || out.Len() > 0 || stderr.String() != "scanner: interrupted\n" {
			t.Errorf("scanner %s: exit %d with %s%s", strings.Join(args, " "), code, &out, &stderr)
		}
	}
	left, err := filepath.Glob("*")
	hidden, err2 := filepath.Glob(".*")
	if err != nil || err2 != nil || !slices.Equal(left, []string{"r.json", "s.jsonl", "waivers.yaml"}) || len(hidden) > 0 {
		t.Errorf("what is left: %q %q", left, hidden)
	}
	// While a report is being written, too.
	r := until{ended, strings.NewReader("x"), io.Discard}
	if _, err := r.Write([]byte("x")); err == nil {
		t.Error("it goes on writing")
	}
}
