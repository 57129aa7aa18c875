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
	if len(why) != 10 || why[0] != "100 findings of severity high or above:" || why[9] != "  and more: see the report" {
		t.Errorf("%d lines:\n%s", len(why), strings.Join(why, "\n"))
	}
	if want := fmt.Sprintf("  high sqs-q: q [2J0 (eu-west-1) (scanner explain %s)", r.Units[0].Fingerprint[:8]); !slices.Contains(why, want) {
		t.Errorf("no line is %q:\n%s", want, strings.Join(why, "\n"))
	}
}
