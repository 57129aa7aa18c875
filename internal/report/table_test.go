package report

import (
	"bytes"
	"fmt"
	"math/rand"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/cloudtrail"
)

func show(t *testing.T, r *Report, style Style) (lines []string) {
	t.Helper()
	var b bytes.Buffer
	if err := r.Table(&b, style); err != nil {
		t.Fatal(err)
	}
	text, ended := strings.CutSuffix(b.String(), "\n")
	if !ended {
		t.Error("the last line does not end")
	}
	return strings.Split(text, "\n")
}

// vast is as bad as an account can be: many failures of each rule, in 30 regions, all of which have gaps of their own.
// It is put together in another order each time.
func vast(rules, failures int) (*engine.Snapshot, []engine.Rule) {
	var regions []string
	for i := range 30 {
		regions = append(regions, fmt.Sprintf("ap-southeast-%d", i))
	}
	s := snapshot(regions)
	s.Calls, s.Throttled = 123456, 789
	for _, i := range rand.Perm(failures) {
		s.Put(queue(regions[i%30], fmt.Sprintf("a-queue-with-a-name-that-somebody-thought-about-%d", i), int(engine.Critical), fmt.Sprintf("arn:aws:kms:key/%d", i%997)))
	}
	for i, region := range regions {
		s.PutHole(hole("AWS::SQS::Queue", region, model.Reasons[i%len(model.Reasons)], "sqs:ListQueues"))
	}
	s.PutHole(hole("AWS::SQS::Queue", model.AnyRegion, model.AccessDenied, "ec2:DescribeRegions"))
	var all []engine.Rule
	for i := range rules {
		all = append(all, queueRule(fmt.Sprintf("sqs-queue-with-a-rule-%d", i), engine.Severity(i%5+1), engine.Pillars[i%6], engine.CostOptimization))
	}
	return s, all
}

func TestShortTable(t *testing.T) {
	s, rules := vast(12, 10000)
	r := judge(s, rules, Filter{})
	r.ExplainWith = "scanner explain"
	lines := show(t, r, Style{Again: [2]string{"scanner report --all", "every finding"}})
	text := strings.Join(lines, "\n")
	if len(lines) > 25 {
		t.Errorf("%d lines:\n%s", len(lines), text)
	}
	if want := `^account 111122223333 as assumed-role/audit/me · 30 regions · 12 rules · 123456 calls \(789 throttled\) · 2026-01-01 12:00 UTC$`; !regexp.MustCompile(want).MatchString(lines[0]) {
		t.Errorf("first line %q", lines[0])
	}
	for _, want := range []string{"\nFIX FIRST  120000 failures, cleared by 11964 fixes (5 shown: --all shows all)\ncritical ", "\nPILLARS ", "\nBLIND  372 results not assessed, in 372 of 372 cells",
		", 25 causes (3 shown: --all shows all)\n  ", "\nNEXT  scanner explain ", "\n      scanner permissions ", "\n      scanner report --all "} {
		if !strings.Contains(text, want) {
			t.Errorf("the table lacks %q:\n%s", want, text)
		}
	}
}

func TestWidth(t *testing.T) {
	s, rules := vast(2, 100)
	for _, line := range show(t, judge(s, rules, Filter{}), Style{Width: 80, All: true}) {
		if n := utf8.RuneCountInString(line); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		} else if n == 80 && !strings.HasSuffix(line, "…") {
			t.Errorf("does not show that it is cut: %s", line)
		}
	}
}

// A file has no width, and names may have a thousand characters.
func TestLongNames(t *testing.T) {
	u := Unit{Rule: &volumeRule, Account: account, Resources: 4, Regions: []string{"eu-west-1"}, Names: []string{strings.Repeat("世", 1000), "b", "c"}}
	if got, want := u.what(false), "4 × Volume: "+strings.Repeat("世", 159)+"…, b, c … (eu-west-1)"; got != want {
		t.Errorf("a unit is called %q", got)
	}
}

func TestEmptyTable(t *testing.T) {
	lines := show(t, judge(snapshot([]string{"eu-west-1"}), []engine.Rule{queueRule("sqs-q", engine.Low, engine.Security)}, Filter{}), Style{})
	text := strings.Join(lines, "\n")
	for _, want := range []string{"FIX FIRST  nothing failed\n", "BLIND  nothing: every selected rule saw all it needs", "\nsecurity                     0     0     1     0  -\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("the table lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "NEXT") || strings.Contains(text, "wasted") {
		t.Errorf("there is nothing to do:\n%s", text)
	}
}

// What is not shown is not said to be seen.
func TestBlindIsShownWhateverIsListed(t *testing.T) {
	for _, status := range engine.Statuses {
		text := strings.Join(show(t, judge(mixed(), []engine.Rule{queueRule("sqs-q", engine.High)}, Filter{Statuses: []engine.Status{status}}), Style{}), "\n")
		if !strings.Contains(text, "BLIND  2 results not assessed, in 2 of 3 cells") {
			t.Errorf("--status %s:\n%s", status, text)
		}
	}
}

func TestBlindLines(t *testing.T) {
	regions := []string{"eu-1", "eu-2", "eu-3", "eu-4"}
	s := snapshot(regions)
	put := func(kind model.Kind, region string, reason model.Reason, call, detail string) {
		s.PutHole(engine.Hole{Kind: kind, Place: place(region), Gap: &model.Gap{Reason: reason, Call: call, Detail: detail}})
	}
	for _, region := range regions {
		put("AWS::SQS::Queue", region, model.AccessDenied, "sqs:ListQueues", "no "+region)
	}
	put("AWS::SQS::Queue", model.AnyRegion, model.AccessDenied, "ec2:DescribeRegions", "no")
	put("AWS::EC2::Volume", "eu-1", model.Throttled, "ec2:DescribeVolumes", "")
	put("AWS::EC2::Volume", "eu-2", model.AccessDeniedSCP, "ec2:DescribeVolumes", "no eu-2")
	put("AWS::EC2::Volume", "eu-3", model.AccessDeniedSCP, "ec2:DescribeVolumes", "no eu-3")
	put("AWS::EC2::Volume", "eu-4", model.NotSubscribed, "ec2:DescribeVolumes", "SubscriptionRequiredException")
	dark := queue("eu-1", "dark", unknown, "")
	dark.Gaps[0].Reason = model.AccessDeniedResource
	s.Put(dark)
	broken := accountRule
	broken.Check = engine.Each(func(*engine.View, *cloudtrail.Account) engine.Verdict {
		return engine.Unsure(model.TooLittleData, "half a day")
	})
	r := judge(s, []engine.Rule{queueRule("sqs-q", engine.Low), queueRule("sqs-r", engine.Low), volumeRule, broken}, Filter{})
	want := []string{
		"grant ec2:DescribeRegions (any other region; blinds 2 rules)",
		"grant sqs:GetQueueAttributes in the policy of the resource (eu-1; blinds 2 rules)",
		"grant sqs:ListQueues (4 regions; blinds 2 rules)", // the details differ, the remedy does not
		"ec2:DescribeVolumes throttled (eu-1; blinds 1 rule)",
		"structural: a service control policy denies ec2:DescribeVolumes (eu-2, eu-3; blinds 1 rule)",
		"structural: ec2:DescribeVolumes not-subscribed: SubscriptionRequiredException (eu-4; blinds 1 rule)",
		"structural: too-little-data: half a day (account 111122223333; blinds 1 rule)",
	}
	if got := r.blind(); !slices.Equal(got, want) {
		t.Errorf("blind lines\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// What AWS does not offer is named in one line; regions that are switched off and accounts that were left out are not.
func TestSkipped(t *testing.T) {
	s := snapshot([]string{"eu-west-1"})
	s.Skipped = []engine.Skip{{Place: place("eu-south-1"), Reason: model.NotEnabled}}
	if text := strings.Join(show(t, judge(s, []engine.Rule{accountRule}, Filter{}), Style{}), "\n"); strings.Contains(text, "SKIPPED") {
		t.Error(text)
	}
	s.Skipped = append(s.Skipped, engine.Skip{Service: "budgets", Reason: model.NotEnabled}, engine.Skip{Place: model.Place{Region: "eu-west-1"}, Service: "guardduty", Reason: model.NotEnabled})
	lines := show(t, judge(s, []engine.Rule{accountRule}, Filter{}), Style{})
	if want := "SKIPPED  AWS does not offer budgets in aws, guardduty in eu-west-1: there is nothing to list"; !slices.Contains(lines, want) {
		t.Errorf("there is no line %q:\n%s", want, strings.Join(lines, "\n"))
	}
}

func TestGroups(t *testing.T) {
	key := "arn:aws:kms:eu-west-1:111122223333:key/k"
	resources := append(volume("vol-1", "web"), queue("eu-west-1", "a", int(engine.Low), key), queue("eu-west-1", "b", int(engine.High), key), queue("eu-west-1", "c", passes, ""))
	r := judge(snapshot([]string{"eu-west-1"}, resources...), []engine.Rule{accountRule, queueRule("sqs-q", engine.High), volumeRule}, Filter{})
	for group, want := range map[string][]string{ // headings, and the first words of findings
		"fix":      {"cloudtrail-on (1)", "high", "sqs-q " + key + " (2)", "high", "low", "ec2-volume-gone (1)", "medium"},
		"rule":     {"cloudtrail-on: Trails are on (1)", "high", "sqs-q: Queues are sqs-q (2)", "high", "low", "ec2-volume-gone: There are no volumes (1)", "medium"},
		"resource": {"AWS::::Account 111122223333 (1)", "high", "AWS::SQS::Queue b eu-west-1 (1)", "high", "AWS::EC2::Volume vol-1 eu-west-1 (1)", "medium", "AWS::SQS::Queue a eu-west-1 (1)", "low"},
		"owner":    {"no owner (1)", "high", "owner unknown (2)", "high", "low", "owner AutoScalingGroup web (1)", "medium"},
		"account":  {"account 111122223333 (4)", "high", "high", "medium", "low"},
		"none":     {"high", "high", "medium", "low"},
	} {
		lines := show(t, r, Style{GroupBy: group, All: true})
		var got []string
		for _, line := range lines[3 : slices.Index(lines[3:], "")+3] {
			if m := regexp.MustCompile(`^(high|medium|low) +[0-9a-f]{8}  `).FindStringSubmatch(line); m != nil {
				line = m[1]
			}
			got = append(got, line)
		}
		if lines[2] != "FINDINGS  4 results by "+group || !slices.Equal(got, want) {
			t.Errorf("by %s: %q\n%s\nwant\n%s", group, lines[2], strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	if !slices.Contains(Groups, "fix") || len(Groups) != 6 {
		t.Errorf("groups %q are not those above", Groups)
	}
	short := show(t, judge(func() *engine.Snapshot { s, _ := vast(0, 10000); return s }(), []engine.Rule{queueRule("sqs-q", engine.High)}, Filter{}), Style{GroupBy: "resource"})
	if !slices.Contains(short, "  and 9995 more: --all") || len(short) > 35 {
		t.Errorf("%d lines:\n%s", len(short), strings.Join(short, "\n"))
	}
}

// Names come from an account, and a terminal obeys escape sequences.
func TestTerminal(t *testing.T) {
	evil := "q\x1b]0;owned\a\u009b2J\r\n\u202ekcalb\u2028\x7f"
	q := queue("eu-west-1", evil, int(engine.High), evil)
	dark := queue("eu-west-1", "dark"+evil, unknown, "")
	dark.Gaps[0].Reason, dark.Gaps[0].Detail = model.CallFailed, evil
	s := snapshot([]string{"eu-west-1"}, q, dark)
	s.Caller = evil
	r := judge(s, []engine.Rule{queueRule("sqs-q", engine.High, engine.Security)}, Filter{})
	bad := regexp.MustCompile("[\x00-\x09\x0b-\x1f\x7f\u0080-\u009f\u2028\u202e]")
	for _, style := range []Style{{}, {All: true}, {All: true, GroupBy: "resource"}} {
		for _, line := range show(t, r, style) {
			if bad.MatchString(line) {
				t.Errorf("%+v: %q", style, line)
			}
		}
	}
	for _, x := range find(r, "") {
		var b bytes.Buffer
		if err := r.Explain(&b, &x); err != nil || bad.MatchString(b.String()) {
			t.Errorf("explain: %v %q", err, bad.FindString(b.String()))
		}
	}
	for i, line := range show(t, r, Style{Color: true}) { // which are ours
		colours := regexp.MustCompile("\x1b\\[[0-9;]*m").FindAllStringIndex(line, -1)
		if len(colours) > 0 && (len(colours) != 2 || colours[0][0] != 0) {
			t.Errorf("line %d: %q", i, line)
		}
	}
}

func TestDeterministic(t *testing.T) {
	outputs := func() string {
		s, rules := vast(3, 1000)
		r := judge(s, rules, Filter{})
		var b bytes.Buffer
		for _, err := range []error{r.Table(&b, Style{}), r.Table(&b, Style{All: true, GroupBy: "owner"}), r.JSON(&b), r.JSONLines(&b)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		return b.String()
	}
	first := outputs()
	for range 3 {
		if outputs() != first {
			t.Fatal("two reports on one account differ")
		}
	}
}

// Of several accounts each line says which one is meant.
func TestAccountsAreNamed(t *testing.T) {
	const other = "444455556666"
	h := engine.Header{Partition: "aws", Start: start, Listed: []model.Kind{"AWS::SQS::Queue"}, Read: []model.Place{place("eu-west-1"), {Account: other, Region: "eu-west-1"}}}
	s := engine.NewSnapshot(h)
	mine, theirs := queue("eu-west-1", "q", int(engine.Low), ""), queue("eu-west-1", "q", int(engine.Low), "")
	theirs.Account, theirs.ARN = other, strings.Replace(theirs.ARN, account, other, 1)
	s.Put(mine)
	s.Put(theirs)
	r := judge(s, []engine.Rule{queueRule("sqs-q", engine.Low)}, Filter{})
	for group, want := range map[string]string{"": `(?m)^low +[0-9a-f]{8}  sqs-q: q \(444455556666 eu-west-1\)$`, "resource": `(?m)^AWS::SQS::Queue q 444455556666 eu-west-1 \(1\)$`, "none": `(?m)  q 444455556666 eu-west-1  sqs-q: is bad$`,
		"owner": `(?m)  q 444455556666 eu-west-1  sqs-q: is bad$`, "rule": `(?m)  q 444455556666 eu-west-1: is bad$`, "account": `(?m)^account 444455556666 \(1\)\nlow +[0-9a-f]{8}  q eu-west-1 `, "fix": `(?m)^low +[0-9a-f]{8}  sqs-q: q \(444455556666 eu-west-1\)$`} {
		if text := strings.Join(show(t, r, Style{GroupBy: group}), "\n"); !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("by %q nothing is like %s:\n%s", group, want, text)
		}
	}
}

// What is waived is neither seen nor forgotten.
func TestWaivedGaps(t *testing.T) {
	s := snapshot([]string{"eu-west-1"}, queue("eu-west-1", "bad", int(engine.Low), ""), queue("eu-west-1", "dark", unknown, ""), queue("eu-west-1", "darker", unknown, ""))
	for _, c := range []struct {
		waived []string
		want   []string
	}{
		{[]string{"dark", "darker"}, []string{"WAIVED  2 results not assessed; the next waiver ends on 2026-03-31", "BLIND  nothing but what is waived: 2 results not assessed, in 1 of 1 cell of one rule in one region"}},
		{[]string{"dark"}, []string{"WAIVED  1 result not assessed; the next waiver ends on 2026-03-31", "BLIND  2 results not assessed, in 1 of 1 cell of one rule in one region, 1 of them waived"}},
		{[]string{"bad", "dark"}, []string{"WAIVED  1 failure (1 low), 1 result not assessed; the next waiver ends on 2026-02-28", "BLIND  2 results not assessed, in 1 of 1 cell of one rule in one region, 1 of them waived"}},
		{[]string{"bad"}, []string{"WAIVED  1 failure (1 low); the next waiver ends on 2026-02-28", "BLIND  2 results not assessed, in 1 of 1 cell of one rule in one region"}},
	} {
		r, err := New("test", engine.Whole(s), []engine.Rule{queueRule("sqs-q", engine.Low)}, Options{Waive: func(x *engine.Result) *Waived {
			switch {
			case !slices.Contains(c.waived, x.Resource.Name):
				return nil
			case x.Status == engine.Failed:
				return &Waived{Expires: "2026-02-28"}
			}
			return &Waived{Expires: "2026-03-31"}
		}})
		if err != nil {
			t.Fatal(err)
		}
		lines := show(t, r, Style{})
		for _, want := range c.want {
			if !slices.Contains(lines, want) {
				t.Errorf("waived %q: no line is %q:\n%s", c.waived, want, strings.Join(lines, "\n"))
			}
		}
	}
}
