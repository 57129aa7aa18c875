package report

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"awsscanner/frameworks"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// standard has requirements of every sort about three rules.
func standard() *frameworks.Framework {
	no := false
	return &frameworks.Framework{ID: "std", Title: "Standard", Version: "1", Requirements: []frameworks.Requirement{
		{ID: "1", Title: "Queues", Rules: []string{"sqs-q"}},
		{ID: "2", Title: "Queues and volumes", Rules: []string{"ec2-volume-fine", "sqs-q"}},
		{ID: "3", Title: "Queues, in part", Rules: []string{"sqs-q"}, Reason: "the rest is not looked at"},
		{ID: "4", Title: "People", Automated: &no, Reason: "people"},
		{ID: "5", Title: "Something else"},
		{ID: "6", Title: "What is not selected", Rules: []string{"sqs-none", "sqs-q"}},
	}}
}

func against(r *Report) (all []jsonRequirement) {
	r.Frameworks = []*frameworks.Framework{standard()}
	return r.frameworks()[0].Requirements
}

func TestRequirements(t *testing.T) {
	volumes := volumeRule
	volumes.ID = "ec2-volume-fine"
	rules := []engine.Rule{queueRule("sqs-q", engine.Critical), volumes}
	regions := []string{"eu-west-1", "us-east-1"}
	bad, good, fine, dark := queue("eu-west-1", "bad", int(engine.Low), ""), queue("us-east-1", "good", passes, ""), queue("eu-west-1", "exempt", exempt, ""), queue("eu-west-1", "dark", unknown, "")
	for _, c := range []struct {
		name   string
		s      *engine.Snapshot
		filter Filter
		want   string // the status of each requirement
	}{
		{"all pass", snapshot(regions, good), Filter{}, "met met met-in-part not-automated not-automated not-assessed"},
		{"nothing applies", snapshot(regions, fine), Filter{}, "met met met-in-part not-automated not-automated not-assessed"},
		{"one fails", snapshot(regions, good, bad), Filter{}, "not-met not-met not-met not-automated not-automated not-met"},
		{"one is not known", snapshot(regions, good, dark), Filter{}, "not-assessed not-assessed not-assessed not-automated not-automated not-assessed"},
		{"one fails, one is not known", snapshot(regions, bad, dark), Filter{}, "not-met not-met not-met not-automated not-automated not-met"},
		{"a region that is left out", snapshot(regions, good, bad), Filter{Regions: []string{"us-*"}}, "met met met-in-part not-automated not-automated not-assessed"},
		{"a resource that is left out", snapshot(regions, good, bad), Filter{Resources: []string{"good"}}, "met met met-in-part not-automated not-automated not-assessed"},
		{"a status that is not listed", snapshot(regions, good, bad), Filter{Statuses: []engine.Status{engine.Passed}}, "not-met not-met not-met not-automated not-automated not-met"},
		{"a severity that is left out", snapshot(regions, good, bad), Filter{Severities: []engine.Severity{engine.High}}, "not-assessed not-assessed not-assessed not-automated not-automated not-assessed"},
		{"it is left out anyway", snapshot(regions, good, bad), Filter{Severities: []engine.Severity{engine.High}, Regions: []string{"us-*"}}, "met met met-in-part not-automated not-automated not-assessed"},
	} {
		var got []string
		for _, q := range against(judge(c.s, rules, c.filter)) {
			got = append(got, string(q.Status))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", c.name, got, c.want)
		}
	}
	q := against(judge(snapshot(regions, good, bad), rules, Filter{}))[5]
	if !slices.Equal(q.Failed, []string{"sqs-q"}) || !slices.Equal(q.NotAssessed, []string{"sqs-none"}) || len(q.Rules) != 2 {
		t.Errorf("%+v", q)
	}
}

// What is taken away from an account, or from the rules, never makes more of a requirement: it stays what it is, or is not assessed.
func TestLessNeverRaisesARequirement(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	regions := []string{"eu-west-1", "us-east-1"}
	volumes := volumeRule
	volumes.ID = "ec2-volume-fine"
	rules := []engine.Rule{queueRule("sqs-q", engine.Critical), volumes, accountRule}
	met := 0
	for n := range 500 {
		var messages []int
		for range r.IntN(5) {
			messages = append(messages, []int{passes, passes, passes, exempt, int(engine.High), unknown}[r.IntN(6)])
		}
		account := func(less bool) *engine.Snapshot {
			s := snapshot(regions)
			lost := map[string]bool{}
			for i, m := range messages {
				region := regions[i%2]
				switch less := less && r.IntN(2) == 0; {
				case less && r.IntN(3) == 0: // the list failed, and did not show it
					lost[region] = true
				case less:
					s.Put(queue(region, fmt.Sprint(i), unknown, ""))
				default:
					s.Put(queue(region, fmt.Sprint(i), m, ""))
				}
			}
			for region := range lost {
				s.PutHole(hole("AWS::SQS::Queue", region, model.Throttled, "sqs:ListQueues"))
			}
			if less && r.IntN(3) == 0 {
				s.PutHole(hole("AWS::EC2::Volume", regions[0], model.AccessDenied, "ec2:DescribeVolumes"))
			}
			return s
		}
		few := slices.Clone(rules)
		if r.IntN(3) == 0 {
			i := r.IntN(len(few))
			few = slices.Delete(few, i, i+1)
		}
		before, after := against(judge(account(false), rules, Filter{})), against(judge(account(true), few, Filter{}))
		for i, b := range before {
			if b.Status == "met" {
				met++
			}
			if a := after[i]; a.Status != b.Status && a.Status != "not-assessed" {
				t.Fatalf("account %d of %v: requirement %s was %s and is %s with less", n, messages, b.ID, b.Status, a.Status)
			}
		}
	}
	if met == 0 {
		t.Error("no requirement was met to begin with")
	}
}

func TestFrameworkTable(t *testing.T) {
	volumes := volumeRule
	volumes.ID = "ec2-volume-fine"
	r := judge(snapshot([]string{"eu-west-1"}, queue("eu-west-1", "bad", int(engine.Low), "")), []engine.Rule{queueRule("sqs-q", engine.Critical), volumes}, Filter{})
	for _, style := range []Style{{}, {All: true}} {
		var short, whole bytes.Buffer
		r.Frameworks = nil
		if err := r.Table(&short, style); err != nil || strings.Contains(short.String(), "FRAMEWORKS") {
			t.Errorf("without frameworks: %v\n%s", err, &short)
		}
		r.Frameworks = []*frameworks.Framework{standard()}
		if err := r.Table(&whole, style); err != nil {
			t.Fatal(err)
		}
		want := "FRAMEWORKS  requirements:  met  in part  not met  not assessed  not automated\nstd                          0        0        4             0              2\n"
		if style.All {
			want += "  not met: 1 Queues (sqs-q)\n  not met: 2 Queues and volumes (sqs-q)\n  not met: 3 Queues, in part (sqs-q)\n  not met: 6 What is not selected (sqs-q)\n"
		}
		if want += "  " + frameworks.Note + "\n\nBLIND"; !strings.Contains(whole.String(), want) {
			t.Errorf("the table has\n%s\nbut not\n%s", &whole, want)
		}
	}
}
