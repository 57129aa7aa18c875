package services_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"

	"awsscanner/internal/awstest"
	"awsscanner/internal/collect"
	"awsscanner/internal/collect/services"
	"awsscanner/internal/collect/session"
	"awsscanner/internal/demo"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/kinds"
	"awsscanner/rules"
)

// everything reads all attributes of all kinds, so that each call of each service is made.
func everything() (reads []string) {
	for _, t := range kinds.All {
		reads = append(reads, t.Name)
		for _, a := range t.Attrs {
			reads = append(reads, t.Name+"."+a.Name)
		}
	}
	slices.Sort(reads)
	return reads
}

// account answers from the demo account and, for calls that no rule makes by default, from testdata/more.jsonl.
func account(t *testing.T) aws.HTTPClient {
	t.Helper()
	more, err := os.Open("testdata/more.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer more.Close()
	client, err := awstest.Replay(io.MultiReader(demo.Recording(), more))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// scan collects the account through a client that may spoil answers.
func scan(t *testing.T, plan *collect.Plan, client aws.HTTPClient) *engine.Snapshot {
	t.Helper()
	return scanWithout(t, plan, client, func(service, region string) bool { return false })
}

// scanWithout does the same as if AWS did not offer some services there.
func scanWithout(t *testing.T, plan *collect.Plan, client aws.HTTPClient, lacks func(service, region string) bool) *engine.Snapshot {
	t.Helper()
	ctx := context.Background()
	sess, err := session.Open(ctx, awstest.Config("eu-central-1", client), collect.Agent{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	var places []collect.At
	h := engine.Header{Partition: sess.Partition, Start: demo.Start}
	for _, region := range sess.Regions(ctx).Enabled {
		at := sess.At(region, demo.Start)
		at.Lacks = lacks
		places = append(places, at)
		h.Read = append(h.Read, at.Place)
	}
	h.Skipped = plan.Skips(h.Partition, h.Regions(), lacks)
	s := engine.NewSnapshot(h)
	plan.Run(ctx, places, s)
	return s
}

// reasons are what each fault must be reported as.
var reasons = map[awstest.Kind]model.Reason{
	awstest.Denied: model.AccessDenied, awstest.DeniedSCP: model.AccessDeniedSCP, awstest.Throttled: model.Throttled, awstest.TimedOut: model.TimedOut,
	awstest.Truncated: model.CallFailed, awstest.Empty: model.CallFailed, awstest.Foreign: model.CallFailed, awstest.WrongType: model.CallFailed,
	awstest.Broken: model.CallFailed, awstest.Cut: model.CallFailed,
}

// TestConformance spoils each operation of each service with each fault, and compares with the unspoilt scan: exactly
// the kinds and attributes of that call are gaps, all with that call and the fitting reason; all else is as before, but
// for what depends on the call. Then the rules judge: each verdict is as before or not-assessed, none is missing.
func TestConformance(t *testing.T) {
	plan, err := collect.NewPlan(services.All, kinds.All, everything())
	if err != nil {
		t.Fatal(err)
	}
	client := account(t)
	var whole *engine.Snapshot
	synctest.Test(t, func(t *testing.T) { whole = scan(t, plan, client) })
	before := verdicts(whole)
	unrecorded := func(g *model.Gap) {
		if strings.Contains(g.Detail, "nothing was recorded") {
			t.Errorf("%s: %s: record it, or write it into testdata/more.jsonl", g.Call, g.Detail)
		}
	}
	for _, h := range whole.Holes() {
		unrecorded(h.Gap)
	}
	for _, typ := range kinds.All {
		for _, r := range whole.All(typ) {
			for _, g := range r.About().Gaps {
				unrecorded(g)
			}
		}
	}
	all, wholeOfAll, verdictsOfAll := plan, whole, before
	for _, op := range plan.Ops {
		// A denial is looked for everywhere; any other fault where the call, what it needs and what needs it can tell of it.
		near, err := collect.NewPlan(services.All, kinds.All, around(plan, op))
		if err != nil {
			t.Fatal(err)
		}
		var part *engine.Snapshot
		synctest.Test(t, func(t *testing.T) { part = scan(t, near, client) })
		verdictsNear := verdicts(part)
		for _, kind := range awstest.Kinds {
			plan, whole, before := near, part, verdictsNear
			if kind == awstest.Denied {
				plan, whole, before = all, wholeOfAll, verdictsOfAll
			}
			t.Run(op+"/"+string(kind), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var spoilt atomic.Int32
					faults := &awstest.Faults{Client: client, Fault: func(q awstest.Request) awstest.Kind {
						if q.Op == model.Operation(op) {
							spoilt.Add(1)
							return kind
						}
						return ""
					}}
					got := scan(t, plan, faults)
					if spoilt.Load() == 0 {
						t.Errorf("%s was never called: the recording has nothing for it", op)
					}
					compare(t, plan, whole, got, op, reasons[kind])
					lawful(t, before, verdicts(got))
				})
			})
		}
	}
}

// around returns the reads of the service of an operation, of all that it waits for and of all that waits for it.
func around(plan *collect.Plan, op string) (reads []string) {
	service, _, _ := strings.Cut(op, ":")
	for _, read := range everything() {
		typ, attr, _ := kinds.All.Resolve(read)
		calls := []string{typ.List}
		if attr != nil {
			calls = append(calls, attr.Calls...)
		}
		if typ.Service() == service || slices.ContainsFunc(calls, func(c string) bool {
			return c == op || strings.HasPrefix(c, service+":") || plan.Waits(c, op) || plan.Waits(op, c)
		}) {
			reads = append(reads, typ.Name, read) // all of the kind, not only what something refers to
		}
	}
	return reads
}

// later tells requests for pages after the first.
var later = regexp.MustCompile(`(?i)nexttoken|paginationtoken|\bmarker=`)

// TestSecondPage spoils only the pages after the first: what the first showed is kept, and the rest is a hole.
func TestSecondPage(t *testing.T) {
	plan, err := collect.NewPlan(services.All, kinds.All, everything())
	if err != nil {
		t.Fatal(err)
	}
	client := account(t)
	var whole *engine.Snapshot
	var mu sync.Mutex
	further := map[string]bool{} // operations with more than one page
	synctest.Test(t, func(t *testing.T) {
		whole = scan(t, plan, &awstest.Faults{Client: client, Fault: func(q awstest.Request) awstest.Kind {
			if later.MatchString(q.Params) {
				mu.Lock()
				defer mu.Unlock()
				further[q.Op] = true
			}
			return ""
		}})
	})
	before := verdicts(whole)
	paged := 0
	for _, op := range plan.Ops {
		if !further[op] {
			continue
		}
		for _, kind := range awstest.Kinds {
			synctest.Test(t, func(t *testing.T) {
				spoilt := map[string]bool{}
				faults := &awstest.Faults{Client: client, Fault: func(q awstest.Request) awstest.Kind {
					if q.Op == op && later.MatchString(q.Params) {
						mu.Lock()
						defer mu.Unlock()
						spoilt[q.Region] = true
						return kind
					}
					return ""
				}}
				got := scan(t, plan, faults)
				for where := range spoilt {
					paged++
					for _, typ := range kinds.All {
						if typ.List != op {
							continue
						}
						region := where
						if typ.Scope == model.Global {
							region = ""
						}
						n, had := 0, 0
						for _, r := range got.All(typ) {
							if r.About().Region == region {
								n++
							}
						}
						for _, r := range whole.All(typ) {
							if r.About().Region == region {
								had++
							}
						}
						if n == 0 || n >= had {
							t.Errorf("%s/%s in %s: %d of %d resources are left", op, kind, region, n, had)
						}
						if !slices.ContainsFunc(got.Holes(), func(h engine.Hole) bool {
							return h.Kind == typ.Kind && h.Region == region && h.Gap.Reason == reasons[kind]
						}) {
							t.Errorf("%s/%s in %s: no hole", op, kind, region)
						}
					}
				}
				lawful(t, before, verdicts(got))
			})
		}
	}
	if paged == 0 {
		t.Error("nothing in the recording has a second page")
	}
}

// compare checks a spoilt scan against the whole one.
func compare(t *testing.T, plan *collect.Plan, whole, got *engine.Snapshot, op string, reason model.Reason) {
	t.Helper()
	for _, typ := range kinds.All {
		listed := typ.List == op
		referred := typ.Refer == op && !listed // what no list shows is gone
		depends := typ.List != "" && (plan.Waits(typ.List, op) || referred)
		now := map[string]model.Resource{}
		for _, r := range got.All(typ) {
			now[id(r)] = r
		}
		for _, r := range whole.All(typ) {
			x := now[id(r)]
			switch {
			case listed && x != nil && typ.Refer == "": // else something may refer to it
				t.Errorf("%s %s is there although %s failed", typ.Name, id(r), op)
			case x == nil && (listed || depends):
			case x == nil:
				t.Errorf("%s %s is gone, although it has nothing to do with %s", typ.Name, id(r), op)
			default:
				for i := range typ.Attrs {
					attribute(t, plan, typ, &typ.Attrs[i], r, x, op, reason)
				}
			}
		}
		if !listed {
			continue
		}
		for _, h := range got.Holes() {
			ofReference := h.ID != "" && typ.Refer != op
			if h.Kind == typ.Kind && !ofReference && (h.Gap.Call != op || h.Gap.Reason != reason && h.Gap.Reason != model.OutsideScan) {
				t.Errorf("%s: hole %+v, want reason %s", typ.Name, h.Gap, reason)
			}
		}
		for _, p := range got.Read {
			if typ.Scope == model.Referenced {
				break // a hole for each reference: what rules make of it shows below
			}
			if typ.Scope == model.Global {
				p.Region = ""
			}
			if !slices.ContainsFunc(got.Holes(), func(h engine.Hole) bool { return h.Kind == typ.Kind && h.Place == p }) {
				t.Errorf("%s: no hole in %q", typ.Name, p.Region)
			}
		}
	}
}

func attribute(t *testing.T, plan *collect.Plan, typ *model.Type, a *model.Attribute, r, x model.Resource, op string, reason model.Reason) {
	t.Helper()
	was, is := text(a.Value(r)), text(a.Value(x))
	switch {
	case !a.Known(r):
	case was == is && !a.Both && len(a.Calls) > 1: // another call has told it
	case slices.ContainsFunc(a.Calls, func(c string) bool { return model.Operation(c) == model.Operation(op) }): // all uses of it are spoilt
		gap := a.Value(x).(interface{ Gap() *model.Gap }).Gap()
		if gap == nil || model.Operation(gap.Call) != model.Operation(op) || gap.Reason != reason {
			t.Errorf("%s.%s of %s is %s although %s failed (%s)", typ.Name, a.Name, id(r), is, op, reason)
		}
	case was != is && !slices.ContainsFunc(a.Calls, func(c string) bool { return plan.Waits(c, op) }):
		t.Errorf("%s.%s of %s became %s, although it has nothing to do with %s", typ.Name, a.Name, id(r), is, op)
	}
}

func id(r model.Resource) string { m := r.About(); return m.Account + "/" + m.Region + "/" + m.ID }

func text(v any) string {
	b, err := json.Marshal(v)
	return fmt.Sprint(string(b), err)
}

func verdicts(s *engine.Snapshot) map[string]engine.Result {
	m := map[string]engine.Result{}
	for r := range engine.Evaluate(s, rules.All) {
		m[strings.Join([]string{r.Rule.ID, r.Resource.Account, r.Resource.Region, r.Resource.ID}, "/")] = r
	}
	return m
}

// lawful reports verdicts that a fault has turned into others, or made vanish without a trace.
func lawful(t *testing.T, before, after map[string]engine.Result) {
	t.Helper()
	for key, was := range before {
		is, ok := after[key]
		m := was.Resource
		switch {
		case !ok:
			region := m.Region
			if was.Rule.Check.Subject.Scope == model.Global {
				region = ""
			}
			hole := strings.Join([]string{was.Rule.ID, m.Account, region, "*"}, "/")
			if after[hole].Status != engine.NotAssessed {
				t.Errorf("%s vanished without a trace", key)
			}
		case is.Status != engine.NotAssessed && (is.Status != was.Status || is.Severity != was.Severity):
			t.Errorf("%s: %s %s became %s %s: %s", key, was.Status, was.Severity, is.Status, is.Severity, is.Message)
		case is.Gap != nil && is.Gap.Reason == model.RuleError:
			t.Errorf("%s: %s", key, is.Message)
		}
	}
}
