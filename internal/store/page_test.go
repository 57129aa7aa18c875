package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/report"
	"awsscanner/internal/store"
	"awsscanner/internal/store/storetest"
)

// However large the pages are, and whatever picks their findings, all of them together are what is counted, once each and in order.
func TestPages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s, ctx := open(t, address), t.Context()
		h := storetest.History{Failures: 200, Days: 4, Start: begin}
		h.Record(t, s, "prod")
		h.Days = 2
		h.Record(t, s, "Test") // PostgreSQL may sort letters as people do
		yes := true
		var total int
		for name, f := range map[string]store.Filter{
			"all": {}, "open": {State: "open"}, "fixed": {State: "fixed"}, "of a stream": {Stream: "prod"}, "severities": {Severities: []engine.Severity{engine.Low, engine.High, engine.Low}},
			"waived": {State: "open", Waived: &yes}, "not assessed": {Unassessed: &yes}, "account": {Accounts: storetest.Accounts[1:3]}, "service": {Services: []string{"s3", "ec2"}},
			"words": {Text: "gateway  EU-central-1"}, "since": {Since: begin.AddDate(0, 0, 1)}, "owner": {Owners: []string{"checkout"}}, "pillar": {Pillars: []engine.Pillar{engine.CostOptimization}}, "none": {Rules: []string{"none"}},
		} {
			want, err := s.Count(ctx, f)
			if err != nil {
				t.Fatal(err)
			}
			total += want
			if want == 0 != (name == "none") {
				t.Errorf("%s: %d findings", name, want)
			}
			for _, f.Limit = range []int{1, 7, 1000} {
				if f.Limit == 1 && want > 40 {
					continue
				}
				var keys []string
				for f.After = ""; ; {
					page, next, err := s.Findings(ctx, f)
					if err != nil {
						t.Fatal(err)
					}
					for _, x := range page {
						keys = append(keys, fmt.Sprint(9-int(x.Finding.Severity), x.Stream, x.Finding.Identity))
					}
					if f.After = next; next == "" {
						break
					}
				}
				if sorted := slices.Sorted(slices.Values(keys)); len(slices.Compact(sorted)) != want || !slices.IsSorted(keys) {
					t.Errorf("%s by %d: %d findings, want %d, in order: %v", name, f.Limit, len(keys), want, slices.IsSorted(keys))
				}
			}
		}
		if total < 1000 {
			t.Errorf("the filters pick %d findings together: the history is too small", total)
		}
		for _, bad := range []string{"x", "1", "1.2", "9", "a.b.c"} {
			if _, _, err := s.Findings(ctx, store.Filter{After: bad}); !errors.Is(err, store.ErrCursor) {
				t.Errorf("cursor %q: %v", bad, err)
			}
			if _, _, err := s.ScansPage(ctx, "", nil, bad, 10); !errors.Is(err, store.ErrCursor) && bad != "1.2" {
				t.Errorf("cursor %q of scans: %v", bad, err)
			}
		}
	})
}

// Words are looked for in what people see, not in the text that it is kept in.
func TestSearch(t *testing.T) {
	s := open(t, t.TempDir())
	record(t, s, "a", day(0, map[string]int{"Größe": 2, "b": 3, "nul\x00": 2}), report.Options{Team: func(*engine.Result) string { return "Shop" }})
	for text, want := range map[string]int{"GRÖSSE": 0, "GRÖßE": 1, "evidence": 0, "fingerprint": 0, "holds": 3, "shop messages": 3, "shop nothing": 0, "sqs-q": 3, `"`: 0, "queues are empty": 3, "%": 0, "nul": 1, account: 3} {
		if n, err := s.Count(t.Context(), store.Filter{Text: text}); err != nil || n != want {
			t.Errorf("%q: %d findings, want %d (%v)", text, n, want, err)
		}
	}
}

// Sums count what pages list.
func TestSums(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s, ctx := open(t, address), t.Context()
		storetest.History{Failures: 200, Days: 5, Start: begin}.Record(t, s, "prod")
		x, err := s.Sums(ctx, "prod")
		if err != nil {
			t.Fatal(err)
		}
		yes, no := true, false
		check := func(what string, c *store.Counts, f store.Filter) {
			t.Helper()
			f.Stream, f.State = "prod", "open"
			count := func() int {
				n, err := s.Count(ctx, f)
				if err != nil {
					t.Fatal(err)
				}
				for _, most := range []int{1, 1 << 20} {
					if some, err := s.CountUpTo(ctx, f, most); err != nil || some != min(n, most) {
						t.Errorf("%s: up to %d of %d are %d, %v", what, most, n, some, err)
					}
				}
				return n
			}
			f.Waived = &yes
			if n := count(); n != c.Waived {
				t.Errorf("%s: %d waived, want %d", what, c.Waived, n)
			}
			f.Waived = &no
			for severity := engine.Informational; severity <= engine.Critical; severity++ {
				f.Severities = []engine.Severity{severity}
				if n := count(); n != c.Open[severity] {
					t.Errorf("%s: %d %s, want %d", what, c.Open[severity], severity, n)
				}
			}
			f.Waived, f.Severities, f.Unassessed = nil, nil, &yes
			if n := count(); n != c.NotAssessed {
				t.Errorf("%s: %d not assessed, want %d", what, c.NotAssessed, n)
			}
		}
		check("all", &x.All, store.Filter{})
		for p, c := range x.Pillars {
			check(string(p), c, store.Filter{Pillars: []engine.Pillar{p}})
		}
		for a, c := range x.Accounts {
			check(a, c, store.Filter{Accounts: []string{a}})
		}
		for o, c := range x.Owners {
			check(o, c, store.Filter{Owners: []string{o}})
		}
		for r, c := range x.Rules {
			check(r, c, store.Filter{Rules: []string{r}})
		}
		if len(x.Accounts) != 4 || len(x.Pillars) != 6 || len(x.Regions) < 5 || x.All.Waived == 0 || x.All.NotAssessed == 0 || x.All.Open[engine.Medium] == 0 {
			t.Errorf("%+v", x)
		}
		waived, err := s.Acceptances(ctx, "prod")
		n := 0
		for _, a := range waived {
			for _, of := range a.Findings {
				n += of
			}
		}
		if err != nil || n != x.All.Waived || len(waived) < 2 || waived[0].Expires > waived[1].Expires || waived[0].Owner == "" || len(waived[0].Rules) == 0 {
			t.Errorf("%+v %v", waived, err)
		}
		if none, err := s.Sums(ctx, "none"); err != nil || len(none.Accounts) != 0 || none.All.Waived != 0 {
			t.Errorf("%+v %v", none, err)
		}
	})
}

func TestScansAndHappenings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s, ctx := open(t, address), t.Context()
		ids := storetest.History{Failures: 100, Days: 7, Start: begin}.Record(t, s, "prod")
		if err := s.Begin(ctx, store.Scan{ID: "under-way", Stream: "prod", Created: begin}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for after := ""; ; {
			page, next, err := s.ScansPage(ctx, "", nil, after, 3)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range page {
				got = append(got, x.ID)
			}
			if after = next; next == "" {
				break
			}
		}
		if len(got) != 8 || got[0] != ids[6] || !slices.Contains(got[6:], "under-way") {
			t.Errorf("%q, of %q", got, ids)
		}
		if page, next, err := s.ScansPage(ctx, "prod", []store.State{store.Waiting, store.Running}, "", 3); err != nil || next != "" || len(page) != 1 || page[0].ID != "under-way" {
			t.Errorf("%+v %q %v", page, next, err)
		}
		all, err := s.Happenings(ctx, store.EventFilter{Limit: 10000})
		if err != nil || len(all) < 20 {
			t.Fatal(len(all), err)
		}
		known, err := s.EventsSince(ctx, "", time.Time{})
		if err != nil || len(known) != len(all) || known[0].ID != all[len(all)-1].ID {
			t.Errorf("%d of %d events, %v", len(all), len(known), err)
		}
		x := all[3]
		if x.Rule == "" || x.Title == "" || !strings.Contains(x.Resource, "-") || x.Account == "" || x.Owner == "" {
			t.Errorf("%+v", x)
		}
		for what, f := range map[string]store.EventFilter{
			"scan": {Scan: x.Scan}, "finding": {Stream: "prod", Identity: x.Identity}, "type": {Types: []store.EventType{x.Type}}, "since": {Since: x.At}, "before": {Before: x.ID + 1}, "stream": {Stream: "prod"},
		} {
			f.Limit = 1000
			some, err := s.Happenings(ctx, f)
			if err != nil || !slices.ContainsFunc(some, func(y store.Happening) bool { return y.ID == x.ID }) || len(some) == len(all) && what != "stream" {
				t.Errorf("%s: %d of %d events, %v", what, len(some), len(all), err)
			}
		}
		seen, err := s.Coverage(ctx, ids[6])
		if err != nil || len(seen) != 4 || seen[0].Name != "shop" || seen[0].Cells == 0 || seen[0].Assessed > seen[0].Cells {
			t.Errorf("%+v %v", seen, err)
		}
		sizes, err := s.Sizes(ctx)
		if err != nil || sizes.Bytes < 10000 || sizes.Scans["prod"][store.Done] != 7 || sizes.Scans["prod"][store.Waiting] != 1 {
			t.Errorf("%+v %v", sizes, err)
		}
	})
}
