package report

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

func TestGate(t *testing.T) {
	// Ten regions, a rule each of low, medium and high at worst: 30 cells.
	var regions []string
	for i := range 10 {
		regions = append(regions, fmt.Sprintf("eu-west-%d", i))
	}
	rules := []engine.Rule{queueRule("sqs-low", engine.Low), queueRule("sqs-medium", engine.Medium), volumeRule}
	account := func(messages int, holes ...engine.Hole) *engine.Snapshot {
		s := snapshot(regions, queue(regions[0], "a", messages, ""))
		for _, h := range holes {
			s.PutHole(h)
		}
		return s
	}
	queues := func(r model.Reason) engine.Hole { return hole("AWS::SQS::Queue", regions[9], r, "sqs:ListQueues") } // blinds 2 cells
	volumes := func(r model.Reason) engine.Hole {
		return hole("AWS::EC2::Volume", regions[9], r, "ec2:DescribeVolumes")
	} // and 1
	percent := func(p float64) *float64 { return &p }

	for _, c := range []struct {
		name string
		gate Gate
		s    *engine.Snapshot
		code int
		why  string // regular expression of the first line
	}{
		{"findings alone", Gate{}, account(int(engine.Critical)), ExitFine, ""},
		{"gaps alone", Gate{}, account(passes, queues(model.AccessDenied)), ExitFine, ""},
		{"nothing found", Gate{FailOn: engine.Informational}, account(passes), ExitFine, ""},
		{"less than the gate", Gate{FailOn: engine.High}, account(int(engine.Medium)), ExitFine, ""},
		{"as much as the gate", Gate{FailOn: engine.Medium}, account(int(engine.Medium)), ExitFound, `^1 finding of severity medium or above:$`},
		{"more than the gate", Gate{FailOn: engine.Low}, account(int(engine.Medium)), ExitFound, `^2 findings of severity low or above:$`},
		{"found wins over blind", Gate{FailOn: engine.Medium, FailOnIncomplete: percent(100)}, account(int(engine.Medium), volumes(model.Throttled)), ExitFound, `^1 finding`},

		{"a denied rule that may reach the gate", Gate{FailOn: engine.Medium}, account(passes, volumes(model.AccessDenied)), ExitIncomplete, `medium or above may be hidden: grant ec2:DescribeVolumes `},
		{"a throttled one", Gate{FailOn: engine.Medium}, account(passes, volumes(model.Throttled)), ExitIncomplete, `repeat the scan`},
		{"a rule that may reach it at worst", Gate{FailOn: engine.Medium}, account(passes, queues(model.AccessDenied)), ExitIncomplete, `medium or above may be hidden: grant sqs:ListQueues `},
		{"a rule that cannot reach the gate", Gate{FailOn: engine.High}, account(passes, volumes(model.AccessDenied)), ExitFine, ""},
		{"a structural gap", Gate{FailOn: engine.Low, FailOnIncomplete: percent(100)}, account(passes, volumes(model.NotSubscribed), queues(model.AccessDeniedSCP)), ExitFine, ""},
		{"gaps allowed", Gate{FailOn: engine.Low, AllowIncomplete: percent(0)}, account(passes, queues(model.AccessDenied), volumes(model.AccessDenied)), ExitFine, ""},
		{"nine tenths wanted and seen", Gate{FailOn: engine.Low, AllowIncomplete: percent(90)}, account(passes, queues(model.AccessDenied), volumes(model.AccessDenied)), ExitFine, ""},
		{"more than nine tenths wanted", Gate{FailOn: engine.Low, AllowIncomplete: percent(90.1)}, account(passes, queues(model.AccessDenied), volumes(model.AccessDenied)), ExitIncomplete, `low or above may be hidden: grant ec2:DescribeVolumes, sqs:ListQueues `},
		{"enough seen, but something found", Gate{FailOn: engine.Low, AllowIncomplete: percent(0)}, account(int(engine.Low), queues(model.AccessDenied)), ExitFound, `2 findings`},

		{"all must be seen", Gate{FailOnIncomplete: percent(100)}, account(passes, volumes(model.CallFailed)), ExitIncomplete, `^only 96\.7 % of 30 cells assessed without a gap: repeat`},
		{"all is seen", Gate{FailOnIncomplete: percent(100)}, account(int(engine.High)), ExitFine, ""},
		{"most must be seen, and is", Gate{FailOnIncomplete: percent(96)}, account(passes, volumes(model.CallFailed)), ExitFine, ""},
		{"most must be seen, and is not", Gate{FailOnIncomplete: percent(96)}, account(passes, volumes(model.CallFailed), queues(model.CallFailed)), ExitIncomplete, `^only 90\.0 %`},
		{"structural gaps do not lessen what is seen", Gate{FailOnIncomplete: percent(96)}, account(passes, volumes(model.CallFailed), queues(model.NotEnabled)), ExitFine, ""},
	} {
		code, why := c.gate.Decide(judge(c.s, rules, Filter{}))
		first := ""
		if len(why) > 0 {
			first = why[0]
		}
		if code != c.code || (c.why == "") != (first == "") || !regexp.MustCompile(c.why).MatchString(first) {
			t.Errorf("%s: exit %d with %q, want %d with %q", c.name, code, why, c.code, c.why)
		}
	}

	dark := snapshot(regions[:1])
	dark.PutHole(hole("AWS::SQS::Queue", regions[0], model.AccessDenied, "sqs:ListQueues"))
	if code, why := (Gate{}).Decide(judge(dark, rules[:1], Filter{})); code != ExitFailed || !strings.Contains(why[0], "nothing could be assessed: grant sqs:ListQueues") {
		t.Errorf("a dark account: exit %d with %q", code, why)
	}
	// What is not shown still counts.
	if code, _ := (Gate{FailOn: engine.Low}).Decide(judge(account(int(engine.Low)), rules, Filter{Statuses: []engine.Status{engine.Passed}})); code != ExitFound {
		t.Errorf("--status pass lets a failure pass the gate: exit %d", code)
	}
}

// The reasons fit on a screen, however many there are, and hold nothing that a terminal obeys.
func TestGateReasons(t *testing.T) {
	var resources []model.Resource
	for i := range 100 {
		resources = append(resources, queue("eu-west-1", fmt.Sprintf("q\x1b[2J%d", i), int(engine.High), fmt.Sprintf("key%d", i)))
	}
	r := judge(snapshot([]string{"eu-west-1"}, resources...), []engine.Rule{queueRule("sqs-q", engine.High)}, Filter{})
	r.ExplainWith = "scanner explain"
	_, why := Gate{FailOn: engine.High}.Decide(r)
	if len(why) != 10 || why[0] != "100 findings of severity high or above:" || why[9] != "  and 92 more fixes: see the report" {
		t.Errorf("%d lines:\n%s", len(why), strings.Join(why, "\n"))
	}
	if want := fmt.Sprintf("  high sqs-q: q [2J0 (eu-west-1) (scanner explain %s)", r.Units[0].Fingerprint[:8]); !slices.Contains(why, want) {
		t.Errorf("no line is %q:\n%s", want, strings.Join(why, "\n"))
	}
}

// Waivers, baselines, maxima and rules in preview: what counts, what may hide it, and what the lines say.
func TestGateCounts(t *testing.T) {
	west, east := "eu-west-1", "us-east-1"
	high, low := queueRule("sqs-high", engine.High, engine.Security), queueRule("sqs-low", engine.Low, engine.Security)
	preview := queueRule("sqs-preview", engine.Critical, engine.Security)
	preview.Preview = true
	good := queue(west, "good", passes, "") // so that something could be assessed
	with := func(holes []engine.Hole, all ...model.Resource) *engine.Snapshot {
		s := snapshot([]string{west, east}, append(all, good)...)
		for _, h := range holes {
			s.PutHole(h)
		}
		return s
	}
	dark := func(r model.Reason) []engine.Hole {
		return []engine.Hole{hole("AWS::SQS::Queue", east, r, "sqs:ListQueues")}
	}
	waive := func(ids ...string) func(*engine.Result) *Waived {
		return func(x *engine.Result) *Waived {
			if slices.Contains(ids, x.Rule.ID) {
				return &Waived{Reason: "r", Owner: "o", Expires: "2026-12-31"}
			}
			return nil
		}
	}
	base := func(s *engine.Snapshot, rules ...engine.Rule) *Baseline { return baseline(t, s, rules, nil) }
	whole, half := 100.0, 50.0
	bad := queue(west, "bad", int(engine.Critical), "")
	for _, c := range []struct {
		name  string
		gate  Gate
		s     *engine.Snapshot
		rules []engine.Rule
		o     Options
		code  int
		why   string // regular expression of all lines
	}{
		{"a rule in preview fails", Gate{FailOn: engine.Low, Max: map[engine.Severity]int{engine.Critical: 0}}, with(nil, bad), []engine.Rule{preview}, Options{}, 0, ""},
		{"a rule in preview is blind", Gate{FailOn: engine.Low, FailOnIncomplete: &whole}, with(dark(model.AccessDenied)), []engine.Rule{preview}, Options{}, 0, ""},
		{"beside another", Gate{FailOnIncomplete: &half}, with(dark(model.AccessDenied)), []engine.Rule{preview, low}, Options{}, 0, ""}, // 1 of 4 cells is doubtful
		{"a waived failure", Gate{FailOn: engine.Low, Max: map[engine.Severity]int{engine.High: 0}}, with(nil, bad), []engine.Rule{high}, Options{Waive: waive("sqs-high")}, 0, ""},
		{"one of two", Gate{FailOn: engine.Low}, with(nil, bad), []engine.Rule{high, low}, Options{Waive: waive("sqs-high")}, 1, `^1 finding of severity low or above:\n  low sqs-low: bad \(eu-west-1\)$`},
		{"a waived gap", Gate{FailOn: engine.Low, FailOnIncomplete: &whole}, with(dark(model.AccessDenied)), []engine.Rule{high}, Options{Waive: waive("sqs-high")}, 0, ""},
		{"a gap of two rules, waived for one", Gate{FailOn: engine.High}, with(dark(model.AccessDenied)), []engine.Rule{high, low}, Options{Waive: waive("sqs-high")}, 0, ""},
		{"what is waived need not be granted", Gate{FailOnIncomplete: &whole}, with(append(dark(model.AccessDenied), hole("AWS::EC2::Volume", east, model.Throttled, "ec2:DescribeVolumes"))), []engine.Rule{high, volumeRule},
			Options{Waive: waive("sqs-high")}, 3, `^only 75\.0 % of 4 cells assessed without a gap: repeat the scan when the calls below succeed\n  ec2:DescribeVolumes throttled: said no in us-east-1 \(us-east-1; blinds 1 rule\)$`},
		{"only what the gate is about is to be granted", Gate{FailOn: engine.High}, with(append(dark(model.AccessDenied), hole("AWS::EC2::Volume", east, model.AccessDenied, "ec2:DescribeVolumes"))), []engine.Rule{high, volumeRule}, Options{},
			3, `^findings of severity high or above may be hidden: grant sqs:ListQueues \(.*\)\n  grant sqs:ListQueues \(us-east-1; blinds 1 rule\)$`},
		{"nothing assessed, whatever is waived", Gate{}, func() *engine.Snapshot {
			s := snapshot([]string{east})
			s.PutHole(dark(model.AccessDenied)[0])
			return s
		}(), []engine.Rule{high}, Options{Waive: waive("sqs-high")}, 4, `^nothing could be assessed`},

		{"new in a region that the baseline did not read", Gate{FailOn: engine.High, NewOnly: true}, with(nil, queue(east, "bad", int(engine.High), "")), []engine.Rule{high},
			Options{Baseline: base(snapshot([]string{west}, good), high)}, 0, ""},
		{"dark there", Gate{FailOn: engine.High, NewOnly: true}, with(dark(model.AccessDenied)), []engine.Rule{high}, Options{Baseline: base(snapshot([]string{west}, good), high)}, 0, ""},
		{"dark there, and a maximum is about less", Gate{FailOn: engine.High, NewOnly: true, Max: map[engine.Severity]int{engine.Critical: 0}}, with(dark(model.AccessDenied)), []engine.Rule{high},
			Options{Baseline: base(snapshot([]string{west}, good), high)}, 0, ""},
		{"dark there, and a maximum is about it", Gate{FailOn: engine.High, NewOnly: true, Max: map[engine.Severity]int{engine.High: 0}}, with(dark(model.AccessDenied)), []engine.Rule{high},
			Options{Baseline: base(snapshot([]string{west}, good), high)}, 3, `^findings of severity high or above may be hidden`},
		{"waived and new", Gate{FailOn: engine.High, NewOnly: true}, with(nil, bad), []engine.Rule{high}, Options{Baseline: base(with(nil), high), Waive: waive("sqs-high")}, 0, ""},
		{"a new rule in preview", Gate{FailOn: engine.High, NewOnly: true}, with(nil, bad), []engine.Rule{high, preview}, Options{Baseline: base(with(nil, bad), high)}, 0, ""},
		{"new of a rule in preview", Gate{FailOn: engine.High, NewOnly: true}, with(nil, bad), []engine.Rule{preview}, Options{Baseline: base(with(nil), preview)}, 0, ""},

		{"every maximum is told", Gate{FailOn: engine.Low, Max: map[engine.Severity]int{engine.High: 0, engine.Medium: 0, engine.Low: 1, engine.Critical: 9}},
			with(nil, bad, queue(west, "worse", int(engine.Medium), "")), []engine.Rule{high, low}, Options{}, 1,
			`^4 findings of severity low or above\n1 finding of severity high, where 0 may be\n1 finding of severity medium, where 0 may be\n2 findings of severity low, where 1 may be:\n  high sqs-high: 2 × Queue: bad, worse \(eu-west-1\)\n  low sqs-low: 2 × .*$`},
		{"a maximum names what it is about", Gate{Max: map[engine.Severity]int{engine.Low: 0}}, with(nil, bad), []engine.Rule{high, low}, Options{}, 1, `^1 finding of severity low, where 0 may be:\n  low sqs-low: bad \(eu-west-1\)$`},
	} {
		c.o.Filter = Filter{}
		r, err := New("test", engine.Whole(c.s), c.rules, c.o)
		if err != nil {
			t.Fatal(err)
		}
		code, lines := c.gate.Decide(r)
		why := strings.Join(lines, "\n")
		if code != c.code || (c.why == "") != (why == "") || !regexp.MustCompile(c.why).MatchString(why) || len(lines) > mostLines {
			t.Errorf("%s: exit %d with\n%s\nwant %d with\n%s", c.name, code, why, c.code, c.why)
		}
	}
}

// Who has to act is named, of several accounts which one is meant, and no more than ten lines are said.
func TestGateNamesPeople(t *testing.T) {
	const other = "444455556666"
	h := engine.Header{Partition: "aws", Start: start, Listed: []model.Kind{"AWS::SQS::Queue"}, Read: []model.Place{place("eu-west-1"), {Account: other, Region: "eu-west-1"}}}
	s := engine.NewSnapshot(h)
	s.Put(queue("eu-west-1", "a", int(engine.Critical), "key"))
	s.Put(queue("eu-west-1", "b", int(engine.Critical), "key"))
	denied := queue("eu-west-1", "c", unknown, "")
	denied.Gaps[0].Reason = model.AccessDeniedResource
	s.Put(denied)
	for i := range 20 {
		s.PutHole(engine.Hole{Kind: "AWS::SQS::Queue", Place: model.Place{Account: other, Region: fmt.Sprintf("eu-west-%d", i)}, Gap: &model.Gap{Reason: model.Throttled, Call: "sqs:ListQueues", Detail: fmt.Sprint(i)}})
	}
	r, err := New("test", engine.Whole(s), []engine.Rule{queueRule("sqs-q", engine.High)}, Options{Team: func(x *engine.Result) string {
		return map[string]string{"a": "shop", "b": "data", "c": "legal", "": "platform"}[x.Resource.Name]
	}})
	if err != nil {
		t.Fatal(err)
	}
	_, why := Gate{FailOn: engine.High}.Decide(r)
	if want := []string{"2 findings of severity high or above:", "  high sqs-q: 2 × Queue: a, b (111122223333 eu-west-1), owner data, shop"}; !slices.Equal(why, want) {
		t.Errorf("%q, want %q", why, want)
	}
	whole := 100.0
	_, why = Gate{FailOnIncomplete: &whole}.Decide(r)
	if len(why) != mostLines || why[1] != "  grant sqs:GetQueueAttributes in the policy of the resource (111122223333 eu-west-1; blinds 1 rule), owner legal" ||
		why[2] != "  sqs:ListQueues throttled: 0 (444455556666 eu-west-0; blinds 1 rule), owner platform" || why[9] != "  and 13 more: see the report" {
		t.Errorf("%d lines:\n%s", len(why), strings.Join(why, "\n"))
	}
}
