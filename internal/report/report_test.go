package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/guardduty"
	"awsscanner/internal/model/sqs"
)

// mixed has every status, in two regions, and a region that was not seen.
func mixed() *engine.Snapshot {
	s := snapshot([]string{"eu-west-1", "us-east-1", "us-west-2"},
		queue("eu-west-1", "bad", int(engine.High), ""), queue("eu-west-1", "untidy", int(engine.Low), ""), queue("eu-west-1", "good", passes, ""),
		queue("us-east-1", "bad", int(engine.Medium), ""), queue("us-east-1", "exempt", exempt, ""), queue("us-east-1", "dark", unknown, ""))
	s.PutHole(hole("AWS::SQS::Queue", "us-west-2", model.Throttled, "sqs:ListQueues"))
	return s
}

func TestFilter(t *testing.T) {
	rules := []engine.Rule{accountRule, queueRule("sqs-q", engine.Critical, engine.Security)}
	for _, c := range []struct {
		name           string
		filter         Filter
		listed         string // short names
		failed, dark   int
		blind, ofCells int
	}{
		{"none", Filter{}, "account bad untidy good bad exempt dark *", 4, 2, 2, 4},
		{"status", Filter{Statuses: []engine.Status{engine.Passed, engine.NotAssessed}}, "good dark *", 4, 2, 2, 4}, // the sums still count all
		{"severity", Filter{Severities: []engine.Severity{engine.High}}, "account bad good exempt dark *", 2, 2, 2, 4},
		{"region", Filter{Regions: []string{"us-east-1"}}, "account bad exempt dark", 2, 1, 1, 2},
		{"region glob", Filter{Regions: []string{"us-*"}}, "account bad exempt dark *", 2, 2, 2, 3},
		{"resource name", Filter{Resources: []string{"bad"}}, "bad bad *", 2, 1, 1, 4}, // what was not listed may be called so
		{"resource ARN", Filter{Resources: []string{"*:us-east-1:*"}}, "bad exempt dark *", 1, 2, 2, 4},
		{"resource ID", Filter{Resources: []string{"https://eu-west-1/g*"}}, "good *", 0, 1, 1, 4},
		{"all at once", Filter{Statuses: []engine.Status{engine.Failed}, Severities: []engine.Severity{engine.Medium}, Regions: []string{"us-east-1"}, Resources: []string{"b*"}}, "bad", 1, 0, 0, 2},
	} {
		r := judge(mixed(), rules, c.filter)
		var listed []string
		for x := range r.Results() {
			n := name(x.Resource)
			if n == account {
				n = "account"
			}
			listed = append(listed, n)
		}
		if got := strings.Join(listed, " "); !sameWords(got, c.listed) {
			t.Errorf("%s lists %q, want %q", c.name, got, c.listed)
		}
		if r.Statuses[engine.Failed] != c.failed || r.Statuses[engine.NotAssessed] != c.dark || r.Blind != c.blind || r.Cells != c.ofCells {
			t.Errorf("%s: %d failed, %d not assessed, %d of %d cells blind; want %d, %d, %d of %d", c.name,
				r.Statuses[engine.Failed], r.Statuses[engine.NotAssessed], r.Blind, r.Cells, c.failed, c.dark, c.blind, c.ofCells)
		}
		if r.Nothing() {
			t.Errorf("%s: says that nothing could be assessed", c.name)
		}
	}
}

func sameWords(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

func TestUnits(t *testing.T) {
	key := "arn:aws:kms:eu-west-1:" + account + ":key/k"
	var resources []model.Resource
	resources = append(resources,
		queue("eu-west-1", "a", int(engine.Low), key), queue("us-east-1", "b", int(engine.High), key), queue("eu-west-1", "c", int(engine.Low), key), queue("eu-west-1", "d", int(engine.Low), key),
		queue("eu-west-1", "e", int(engine.High), ""), queue("eu-west-1", "f", int(engine.Medium), "other"))
	r := judge(snapshot([]string{"eu-west-1", "us-east-1"}, resources...), []engine.Rule{queueRule("sqs-q", engine.Critical), accountRule}, Filter{})
	want := []string{
		"high: 4 × Queue: b, a, c … (2 regions)", // one change clears what has one key, the worst is named first
		"high: account " + account,
		"high: e (eu-west-1)",
		"medium: f (eu-west-1)",
	}
	var got []string
	for _, u := range r.Units {
		got = append(got, u.Severity.String()+": "+u.what(false))
	}
	if !slices.Equal(got, want) {
		t.Errorf("units\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if u := r.Units[0]; u.Key != key || r.Units[2].Key != "sqs-q" || u.Waste < 4.39 || u.Waste > 4.41 || r.Waste != 6.6 {
		t.Errorf("keys %q and %q, waste %v of %v", u.Key, r.Units[2].Key, u.Waste, r.Waste)
	}
	for x := range r.Results() {
		if x.Resource.Name == "b" && x.Fingerprint() != r.Units[0].Fingerprint {
			t.Error("the fingerprint of a unit is not that of its worst failure")
		}
	}
}

// A resource cannot waste more than it costs: of what several rules estimate of it the most counts.
func TestWaste(t *testing.T) {
	s := snapshot([]string{"eu-west-1"}, queue("eu-west-1", "a", int(engine.Low), ""), queue("eu-west-1", "b", int(engine.Low), ""))
	saving := queueRule("sqs-s", engine.Low)
	saving.Check = engine.Each(func(_ *engine.View, q *sqs.Queue) engine.Verdict {
		q.Messages.Get()
		return engine.Fail("could cost less").With("monthlySavingUSD", map[string]float64{"a": 0.5, "b": 2}[q.Name])
	})
	for _, rules := range [][]engine.Rule{{queueRule("sqs-q", engine.Low), saving}, {saving, queueRule("sqs-q", engine.Low)}} {
		if r := judge(s, rules, Filter{}); r.Waste != 3.1 {
			t.Errorf("waste %v, want 1.1 of a and 2 of b", r.Waste)
		}
	}
}

func TestUnitOwner(t *testing.T) {
	for _, c := range []struct{ first, second, third, want string }{
		{"web", "web", "web", "AutoScalingGroup web"},
		{"web", "batch", "web", "AutoScalingGroup batch, AutoScalingGroup web"},
		{"web", "web", "", "AutoScalingGroup web, unknown"},
		{"", "web", "web", "AutoScalingGroup web, unknown"},
		{"", "", "", "unknown"},
	} {
		s := snapshot([]string{"eu-west-1"}, slices.Concat(volume("1", c.first), volume("2", c.second), volume("3", c.third))...)
		if r := judge(s, []engine.Rule{volumeRule}, Filter{}); len(r.Units) != 1 || r.Units[0].Owner != c.want {
			t.Errorf("owners %q, %q and %q: %+v, want the owner %q", c.first, c.second, c.third, r.Units, c.want)
		}
	}
}

// A region is said to be closed as a whole only if nothing in it was seen, for the same reason, by rules of several services: a policy
// that denies a part of it is named by what it denies.
func TestClosedRegion(t *testing.T) {
	const scp = model.AccessDeniedSCP
	queues, volumes := hole("AWS::SQS::Queue", "eu-west-1", scp, "sqs:ListQueues"), hole("AWS::EC2::Volume", "eu-west-1", scp, "ec2:DescribeVolumes")
	detectors := hole("AWS::GuardDuty::Detector", "eu-west-1", scp, "guardduty:ListDetectors")
	regionRule := engine.Rule{ID: "guardduty-on", Severity: engine.Low, Worst: engine.Low, Reads: []string{"guardduty.Region", "guardduty.Detector"},
		Check: engine.Each(func(v *engine.View, _ *guardduty.Region) engine.Verdict {
			if engine.Join[*guardduty.Detector](v).Exist() {
				return engine.Pass()
			}
			return engine.Fail("none")
		})}
	with := func(h engine.Hole, reason model.Reason, region string) engine.Hole {
		gap := *h.Gap
		h.Gap, gap.Reason, h.Region = &gap, reason, region
		return h
	}
	dark := queue("eu-west-1", "dark", unknown, "")
	dark.Gaps[0].Reason = scp
	all := []engine.Rule{accountRule, queueRule("sqs-q", engine.Low), queueRule("sqs-r", engine.Low), volumeRule, regionRule}
	off := []engine.Hole{with(queues, model.NotEnabled, "eu-west-1"), with(volumes, model.NotEnabled, "eu-west-1"), with(detectors, model.NotEnabled, "eu-west-1")}
	for _, c := range []struct {
		name  string
		rules []engine.Rule
		holes []engine.Hole
		put   []model.Resource
		want  string // calls of the gaps
	}{
		{"all refused", all, []engine.Hole{queues, volumes, detectors}, nil, "*"},
		{"switched off", all, off, nil, "*"},
		{"one service answers", all, []engine.Hole{queues, volumes}, nil, "ec2:DescribeVolumes sqs:ListQueues"},
		{"a service answers, and then refuses", all, []engine.Hole{volumes, detectors}, []model.Resource{dark}, "ec2:DescribeVolumes guardduty:ListDetectors sqs:GetQueueAttributes"},
		{"another reason", all, []engine.Hole{queues, volumes, with(detectors, model.Throttled, "eu-west-1")}, nil, "ec2:DescribeVolumes guardduty:ListDetectors sqs:ListQueues"},
		{"two services say little", all[:4], []engine.Hole{queues, volumes}, nil, "ec2:DescribeVolumes sqs:ListQueues"},
		{"not for good", all, []engine.Hole{with(queues, model.AccessDenied, "eu-west-1"), with(volumes, model.AccessDenied, "eu-west-1"), with(detectors, model.AccessDenied, "eu-west-1")}, nil,
			"ec2:DescribeVolumes guardduty:ListDetectors sqs:ListQueues"},
		{"another region", all, []engine.Hole{with(queues, scp, "us-east-1"), with(volumes, scp, "us-east-1"), with(detectors, scp, "us-east-1")}, nil, "*"},
		{"one here, one there", all, []engine.Hole{queues, with(volumes, scp, "us-east-1"), detectors}, nil, "guardduty:ListDetectors sqs:ListQueues ec2:DescribeVolumes"},
	} {
		s := snapshot([]string{"eu-west-1", "us-east-1"}, c.put...)
		s.Listed = append(s.Listed, "AWS::GuardDuty::Detector")
		for _, h := range c.holes {
			s.PutHole(h)
		}
		r := judge(s, c.rules, Filter{})
		var calls []string
		for _, g := range r.Gaps {
			calls = append(calls, g.Call)
		}
		if got := strings.Join(calls, " "); got != c.want {
			t.Errorf("%s: gaps of %s, want %s", c.name, got, c.want)
		}
		if c.want == "*" {
			if g := r.Gaps[0]; !slices.Equal(g.Rules, []string{"ec2-volume-gone", "guardduty-on", "sqs-q", "sqs-r"}) || g.Resources != 1 || g.Region != c.holes[0].Region || g.Reason != c.holes[0].Gap.Reason {
				t.Errorf("%s: %+v", c.name, g)
			}
		}
	}
	// Who has accepted a rule there has accepted that it is blind; the others are not meant.
	s := snapshot([]string{"eu-west-1"})
	for _, h := range []engine.Hole{queues, volumes, detectors} {
		s.PutHole(h)
	}
	r, err := New("test", engine.Whole(s), all, Options{Waive: func(x *engine.Result) *Waived {
		if x.Rule.ID == "sqs-q" {
			return &Waived{Reason: "closed"}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range r.Gaps {
		got = append(got, fmt.Sprint(g.Call, g.Waived, g.Rules))
	}
	if slices.Sort(got); !slices.Equal(got, []string{"*false [ec2-volume-gone guardduty-on sqs-r]", "*true [sqs-q]"}) {
		t.Errorf("with a waiver: %q", got)
	}
}

// A cell is a rule in one account or region; it is blind if any result in it is not assessed.
func TestCells(t *testing.T) {
	rules := []engine.Rule{accountRule, queueRule("sqs-q", engine.Low), queueRule("sqs-r", engine.Low), volumeRule}
	for _, c := range []struct {
		name                  string
		holes                 []engine.Hole
		cells, blind, fixable int
	}{
		{"all seen", nil, 1 + 3*2, 0, 0},
		{"one list, which two rules need", []engine.Hole{hole("AWS::SQS::Queue", "us-east-1", model.Throttled, "sqs:ListQueues")}, 7, 2, 2},
		{"closed on purpose", []engine.Hole{hole("AWS::EC2::Volume", "us-east-1", model.AccessDeniedSCP, "ec2:DescribeVolumes")}, 7, 1, 0},
		{"regions that could not be listed", []engine.Hole{hole("AWS::EC2::Volume", model.AnyRegion, model.AccessDenied, "ec2:DescribeRegions")}, 8, 1, 1},
		{"a list of the whole account", []engine.Hole{hole("AWS::EC2::Volume", "", model.Throttled, "ec2:DescribeVolumes")}, 8, 1, 1},
		{"a region beside those that were read", []engine.Hole{hole("AWS::EC2::Volume", "sa-east-1", model.NotEnabled, "ec2:DescribeVolumes")}, 8, 1, 0},
	} {
		s := snapshot([]string{"eu-west-1", "us-east-1"})
		for _, h := range c.holes {
			s.PutHole(h)
		}
		if r := judge(s, rules, Filter{}); r.Cells != c.cells || r.Blind != c.blind || r.Fixable != c.fixable {
			t.Errorf("%s: %d of %d cells blind, %d fixable; want %d of %d, %d", c.name, r.Blind, r.Cells, r.Fixable, c.blind, c.cells, c.fixable)
		}
	}
	// Regions that could not be listed may be any of those that are reported on.
	unlisted := snapshot([]string{"eu-west-1", "us-east-1"})
	unlisted.PutHole(hole("AWS::SQS::Queue", model.AnyRegion, model.AccessDenied, "ec2:DescribeRegions"))
	if r := judge(unlisted, rules[1:2], Filter{Regions: []string{"us-*"}}); r.Cells != 2 || r.Blind != 1 {
		t.Errorf("regions could not be listed: %d of %d cells blind", r.Blind, r.Cells)
	}
	// Two gaps in a cell are one blind cell, fixable if one of them is.
	s := snapshot([]string{"eu-west-1"}, queue("eu-west-1", "dark", unknown, ""))
	s.PutHole(hole("AWS::SQS::Queue", "eu-west-1", model.NotSubscribed, "sqs:ListQueues"))
	if r := judge(s, rules[1:2], Filter{}); r.Cells != 1 || r.Blind != 1 || r.Fixable != 1 || len(r.Gaps) != 2 {
		t.Errorf("%d of %d cells blind, %d fixable, %d gaps", r.Blind, r.Cells, r.Fixable, len(r.Gaps))
	}
}

// Whoever grants what a denied call needs sees more; what had to come before it is what was denied.
func TestToGrant(t *testing.T) {
	for _, test := range []struct {
		gap  model.Gap
		want string
	}{
		{model.Gap{Reason: model.AccessDenied, Call: "iam:ListAccessKeys", Detail: "AccessDenied: no"}, "[iam:ListAccessKeys]"},
		{model.Gap{Reason: model.AccessDenied, Call: "iam:ListAccessKeys", Detail: "needs iam:GetAccountAuthorizationDetails"}, "[iam:GetAccountAuthorizationDetails]"},
		{model.Gap{Reason: model.AccessDenied, Call: "sqs:GetQueueAttributes", Detail: "needs s3:ListBuckets"}, "[s3:ListAllMyBuckets]"},
		{model.Gap{Reason: model.NotCollected, Call: "kms:GetKeyPolicy", Detail: "needs what an earlier answer left out"}, "[]"},
		{model.Gap{Reason: model.Throttled, Call: "iam:ListAccessKeys", Detail: "needs iam:GetAccountAuthorizationDetails"}, "[]"},
		{model.Gap{Reason: model.AccessDenied}, "[]"},
	} {
		if got := fmt.Sprint(ToGrant(&test.gap)); got != test.want {
			t.Errorf("%+v: %s, want %s", test.gap, got, test.want)
		}
	}
}

func TestGaps(t *testing.T) {
	s := mixed()
	s.Put(queue("us-east-1", "darker", unknown, ""))
	r := judge(s, []engine.Rule{queueRule("sqs-q", engine.Low), queueRule("sqs-r", engine.Low)}, Filter{})
	if len(r.Gaps) != 2 {
		t.Fatalf("gaps %+v", r.Gaps)
	}
	items, list := r.Gaps[0], r.Gaps[1]
	if items.Call != "sqs:GetQueueAttributes" || items.Resources != 4 || !slices.Equal(items.Rules, []string{"sqs-q", "sqs-r"}) ||
		!slices.Equal(items.Permissions, []string{"sqs:GetQueueAttributes"}) || items.Class != model.Fixable || items.Detail != "AccessDenied: no" {
		t.Errorf("gap of the attributes: %+v", items)
	}
	if list.Call != "sqs:ListQueues" || list.Resources != 0 || list.Region != "us-west-2" || len(list.Permissions) != 0 || list.Kind != "AWS::SQS::Queue" {
		t.Errorf("gap of the list: %+v", list)
	}
}

func TestNothing(t *testing.T) {
	rules := []engine.Rule{queueRule("sqs-q", engine.Low)}
	dark, empty := snapshot([]string{"eu-west-1"}), snapshot([]string{"eu-west-1"})
	dark.PutHole(hole("AWS::SQS::Queue", "eu-west-1", model.AccessDenied, "sqs:ListQueues"))
	if !judge(dark, rules, Filter{}).Nothing() {
		t.Error("all is dark, but something is said to have been assessed")
	}
	if judge(empty, rules, Filter{}).Nothing() {
		t.Error("an empty account is taken for a dark one")
	}
	if judge(mixed(), rules, Filter{Resources: []string{"there is none"}}).Nothing() {
		t.Error("a filter that leaves only a hole makes the account dark")
	}
}

// Each account tells how much of it was read, be it nothing.
func TestCoverage(t *testing.T) {
	h := engine.Header{Start: start, Listed: []model.Kind{"AWS::SQS::Queue"}, Names: map[string]string{account: "shop"},
		Read: []model.Place{place("eu-west-1"), place("us-east-1"), {Account: "444455556666"}}}
	s := engine.NewSnapshot(h)
	s.Put(queue("eu-west-1", "a", int(engine.Low), ""))
	s.PutHole(engine.Hole{Kind: "AWS::SQS::Queue", Place: place("us-east-1"), Gap: &model.Gap{Reason: model.AccessDenied, Call: "sqs:ListQueues"}})
	s.PutHole(engine.Hole{Kind: "AWS::SQS::Queue", Place: model.Place{Account: "444455556666", Region: model.AnyRegion}, Gap: &model.Gap{Reason: model.AccessDenied, Call: "sts:AssumeRole"}})
	r := judge(s, []engine.Rule{queueRule("sqs-q", engine.Low)}, Filter{})
	want := []Coverage{{Account: account, Name: "shop", Regions: 2, Cells: 2, Assessed: 1, Failures: 1}, {Account: "444455556666", Cells: 1}}
	if !slices.Equal(r.Coverage, want) {
		t.Errorf("%+v", r.Coverage)
	}
	if text := strings.Join(show(t, r, Style{}), "\n"); !strings.Contains(text, "ACCOUNTS  2: 0 assessed without a gap, 1 in part, 1 not entered: 444455556666") {
		t.Error(text)
	}
}
