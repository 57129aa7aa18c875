package services_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"awsscanner/internal/awstest"
	"awsscanner/internal/collect"
	"awsscanner/internal/collect/services"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/kinds"
	"awsscanner/internal/report"
	"awsscanner/rules"
)

// A region that a service control policy closes is one gap of the report, whatever the rules need there; and yet each service was asked.
func TestClosedRegion(t *testing.T) {
	const region = "eu-west-1"
	all := rules.All
	var reads [][]string
	for i := range all {
		reads = append(reads, all[i].Needs())
	}
	plan, err := collect.NewPlan(services.All, kinds.All, reads...)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	asked := map[string]bool{} // services
	client := account(t)
	var s *engine.Snapshot
	synctest.Test(t, func(t *testing.T) {
		s = scan(t, plan, &awstest.Faults{Client: client, Fault: func(q awstest.Request) awstest.Kind {
			if q.Region != region {
				return ""
			}
			service, _, _ := strings.Cut(q.Op, ":")
			mu.Lock()
			defer mu.Unlock()
			asked[service] = true
			return awstest.DeniedSCP
		}})
	})
	s.Listed = plan.Kinds
	r, err := report.New("test", engine.Whole(s), all, report.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var calls []string
	for _, g := range r.Gaps {
		if g.Region == region {
			calls = append(calls, g.Call+" "+string(g.Reason))
		}
	}
	if !slices.Equal(calls, []string{"* " + string(model.AccessDeniedSCP)}) {
		t.Errorf("gaps in the closed region: %q", calls)
	}
	for _, k := range plan.Kinds {
		if service, _, _ := strings.Cut(kinds.All[k].List, ":"); kinds.All[k].Scope == model.PerRegion && !asked[service] {
			t.Errorf("%s is not asked in the closed region", service)
		}
	}
}
