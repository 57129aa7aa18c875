package store_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/report"
	"awsscanner/internal/store"
	"awsscanner/internal/store/storetest"
	"awsscanner/rules"
)

// The history of benchmarks: each scan finds as much, of which a hundredth is new, and as much of what was there is fixed.
var (
	benchScans    = flag.Int("scans", 1000, "scans that benchmarks keep; the document is about a thousand")
	benchFindings = flag.Int("failures", 50_000, "failures that each of them found; the document is about 50 000")
)

const benchAccounts = 100

func benchChurn() int { return *benchFindings / 100 }

var benchStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func benchAccount(i int) string { return fmt.Sprintf("%012d", 100_000_000_000+i%benchAccounts) }

func identity(i int) string {
	sum := sha256.Sum256(fmt.Append(nil, "finding ", i))
	return hex.EncodeToString(sum[:16])
}

// failure makes up failure number i, with the text of a real rule.
func failure(i int) engine.Recorded {
	rule := &rules.All[i*7919%len(rules.All)]
	account, region := benchAccount(i), []string{"eu-west-1", "eu-central-1", "us-east-1"}[i%3]
	name := fmt.Sprintf("payments-worker-%07d", i)
	v := engine.Fail(fmt.Sprintf("the setting of %s is %d, which is less than the rule demands: raise it, and look after what depends on it", name, i%97))
	v.Severity, v.Evidence = rule.Severity, map[string]any{"setting": i % 97, "users": []string{"arn:aws:iam::" + account + ":role/payments", "arn:aws:iam::" + account + ":role/operator"}}
	return engine.Recorded{Rule: rule.ID, Verdict: v, Fingerprint: identity(i), Identity: identity(i), Tags: map[string]string{"team": "payments", "environment": "prod"},
		Resource: model.Meta{ID: name, Name: name, ARN: "arn:aws:" + rule.Service() + ":" + region + ":" + account + ":" + name, Account: account, Region: region}}
}

// found makes up a scan that finds so many failures, from one on.
func found(n, from int, start time.Time) *engine.Scan {
	h := engine.Header{Partition: "aws", Start: start, Caller: "arn:aws:sts::" + benchAccount(0) + ":assumed-role/audit/nightly"}
	for i := range benchAccounts {
		for _, region := range []string{"eu-west-1", "eu-central-1", "us-east-1"} {
			h.Read = append(h.Read, model.Place{Account: benchAccount(i), Region: region})
		}
	}
	return engine.Told(h, engine.End{Finished: start.Add(time.Minute)}, func() iter.Seq2[engine.Recorded, error] {
		return func(yield func(engine.Recorded, error) bool) {
			for i := range n {
				if !yield(failure(from+i), nil) {
					return
				}
			}
		}
	})
}

// A peak is the most memory that the heap has held.
type peak struct{ stop, told chan uint64 }

func watchHeap() peak {
	runtime.GC()
	p := peak{make(chan uint64), make(chan uint64)}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	base, most := m.HeapAlloc, m.HeapAlloc
	go func() {
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			select {
			case <-tick.C:
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			case <-p.stop:
				tick.Stop()
				p.told <- most - base
				return
			}
		}
	}()
	return p
}

func (p peak) end() uint64 { close(p.stop); return <-p.told }

// recordFound records a scan, with what a service does before: reading what is known, and comparing.
func recordFound(b *testing.B, s *store.Store, scan *engine.Scan) (compare, record time.Duration) {
	b.Helper()
	ctx := b.Context()
	id := store.NewID()
	if err := s.Begin(ctx, store.Scan{ID: id, Stream: "prod", Cause: "schedule", Created: scan.Start}); err != nil {
		b.Fatal(err)
	}
	begun := time.Now()
	known, err := s.Baseline(ctx, "prod")
	if err != nil {
		b.Fatal(err)
	}
	r, err := report.New("bench", scan, rules.All, report.Options{Baseline: known})
	if err != nil {
		b.Fatal(err)
	}
	compare = time.Since(begun)
	if err := s.Record(ctx, id, r, io.LimitReader(zeros{}, 4<<20), scan.Start.Add(time.Minute)); err != nil {
		b.Fatal(err)
	}
	return compare, time.Since(begun) - compare
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

// rowsOf inserts rows many at a time.
func rowsOf(b *testing.B, tx *sql.Tx, postgres bool, table, columns string, n int, row func(i int) []any) {
	b.Helper()
	width := strings.Count(columns, ",") + 1
	var args []any
	for i := range n {
		args = append(args, row(i)...)
		if len(args)+width < 8000 && i < n-1 {
			continue
		}
		var q strings.Builder
		fmt.Fprintf(&q, "INSERT INTO %s (%s) VALUES ", table, columns)
		for j := range args {
			switch {
			case j == 0:
				q.WriteString("(")
			case j%width == 0:
				q.WriteString("), (")
			default:
				q.WriteString(", ")
			}
			if postgres {
				fmt.Fprintf(&q, "$%d", j+1)
			} else {
				q.WriteByte('?')
			}
		}
		if _, err := tx.Exec(q.String()+")", args...); err != nil {
			b.Fatal(err)
		}
		args = args[:0]
	}
}

// past writes what scans before the one that is recorded have left behind.
func past(b *testing.B, s *store.Store) {
	b.Helper()
	ctx := b.Context()
	last, err := s.Last(ctx, "prod")
	if err != nil {
		b.Fatal(err)
	}
	r, err := report.New("bench", found(1, 0, benchStart), rules.All, report.Options{})
	if err != nil {
		b.Fatal(err)
	}
	var text, search string
	for x, err := range r.Results() {
		if err != nil {
			b.Fatal(err)
		}
		f := x.Finding()
		finding, err := json.Marshal(f)
		if err != nil {
			b.Fatal(err)
		}
		text, search = string(finding), store.Searchable(&f)
	}
	at := func(scan int) int64 { return benchStart.Add(time.Duration(scan) * time.Hour).UnixMilli() }
	tx, err := s.DB.BeginTx(ctx, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer tx.Rollback()
	for _, q := range []string{fmt.Sprintf(`UPDATE scans SET turn = %d WHERE stream = 'prod'`, *benchScans), fmt.Sprintf(`UPDATE findings SET first_seen = %d WHERE stream = 'prod'`, at(0))} {
		if _, err := tx.Exec(q); err != nil {
			b.Fatal(err)
		}
	}
	n := *benchScans - 1
	id := func(i int) string { return fmt.Sprintf("%016x", i) }
	rowsOf(b, tx, s.Postgres(), "scans", "id, stream, cause, state, created, due, started, finished, turn, failure, holder, lease, settings, head, looked", n, func(i int) []any {
		return []any{id(i), "prod", "schedule", "done", at(i), at(i), at(i), at(i) + 60_000, i + 1, "", "", 0, `{"files":["scanner.yaml"]}`, string(last.Head), nil}
	})
	rowsOf(b, tx, s.Postgres(), "coverage", "scan, account, name, regions, cells, assessed, failures", n*benchAccounts, func(i int) []any {
		return []any{id(i / benchAccounts), benchAccount(i), "shop-" + fmt.Sprint(i%benchAccounts), 3, 300, 299, *benchFindings / benchAccounts}
	})
	rowsOf(b, tx, s.Postgres(), "happened", "scan, type, n", 2*n, func(i int) []any {
		return []any{id(i / 2), []string{"new", "fixed"}[i%2], benchChurn()}
	})
	pillars := []string{"", "security", "reliability", "cost", "operations", "performance", "sustainability"}
	rowsOf(b, tx, s.Postgres(), "tallies", "scan, pillar, severity, failures, waived", n*len(pillars)*5, func(i int) []any {
		return []any{id(i / len(pillars) / 5), pillars[i/5%len(pillars)], 1 + i%5, *benchFindings / 5, 100}
	})
	// What is fixed was found some scans before: finding number *benchFindings + i*benchChurn() + j is new in scan i.
	gone := func(i int) string { return identity(*benchFindings + i) }
	rowsOf(b, tx, s.Postgres(), "events", "stream, identity, scan, at, type, severity, was, cause", 2*n*benchChurn(), func(i int) []any {
		scan, j := i/(2*benchChurn()), i%(2*benchChurn())
		what, number := "new", scan*benchChurn()+j
		if j >= benchChurn() {
			what, number = "fixed", max(0, scan-20)*benchChurn()+j-benchChurn()
		}
		return []any{"prod", gone(number), id(scan), at(scan), what, 1 + i%5, 0, ""}
	})
	rowsOf(b, tx, s.Postgres(), "findings", "stream, identity, fingerprint, rule, severity, kind, resource, name, account, region, owner, pillars, state, first_seen, last_seen, fixed_at, unassessed, regressed, resources, waived, digest, finding, search", n*benchChurn(), func(i int) []any {
		x := failure(*benchFindings + i)
		return []any{"prod", gone(i), gone(i), x.Rule, int(x.Verdict.Severity), "AWS::SQS::Queue", x.Resource.ID, x.Resource.Name, x.Resource.Account, x.Resource.Region, "payments", ",security,", "fixed", at(i / benchChurn()),
			at(min(n, i/benchChurn()+20)), at(min(n, i/benchChurn()+20)), 0, 0, 1, "", "0123456789abcdef", text, search}
	})
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	if s.Postgres() {
		_, err = s.DB.ExecContext(ctx, "ANALYZE")
	}
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkStore measures what people and scans wait for when a thousand scans of 50 000 findings are kept.
func BenchmarkStore(b *testing.B) {
	for _, sort := range []string{"sqlite", "postgres"} {
		b.Run("database="+sort, func(b *testing.B) {
			dir := b.TempDir()
			address := dir
			if sort == "postgres" {
				address = storetest.Postgres(b)
			}
			s := open(b, address)
			at := benchStart.Add(time.Duration(*benchScans) * time.Hour)
			next := func() time.Time { at = at.Add(time.Hour); return at }
			scanOf := func(b *testing.B, from func(int) int) {
				var compare, record time.Duration
				most := uint64(0)
				n := 0
				for b.Loop() {
					p := watchHeap()
					c, r := recordFound(b, s, found(*benchFindings, from(n), next()))
					most = max(most, p.end())
					compare, record = compare+c, record+r
					n++
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(compare.Seconds()/float64(n), "compare-s")
				b.ReportMetric(record.Seconds()/float64(n), "record-s")
				b.ReportMetric(float64(most), "peak-B")
			}
			p := watchHeap()
			compare, record := recordFound(b, s, found(*benchFindings, 0, next()))
			most := p.end()
			b.Run("Scan/first", func(b *testing.B) {
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(compare.Seconds(), "compare-s")
				b.ReportMetric(record.Seconds(), "record-s")
				b.ReportMetric(float64(most), "peak-B")
			})
			begun := time.Now()
			past(b, s)
			b.Logf("the past was written in %s", time.Since(begun).Truncate(time.Second))
			b.Run("Size", func(b *testing.B) {
				var bytes int64
				if sort == "postgres" {
					if err := s.DB.QueryRow("SELECT pg_database_size(current_database())").Scan(&bytes); err != nil {
						b.Fatal(err)
					}
				} else if info, err := os.Stat(dir + "/scanner.db"); err != nil {
					b.Fatal(err)
				} else {
					bytes = info.Size()
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64(bytes), "B")
			})
			ask := func(name string, f func(ctx context.Context) (int, error)) {
				b.Run(name, func(b *testing.B) {
					n := 0
					for b.Loop() {
						var err error
						if n, err = f(b.Context()); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(n), "rows")
				})
			}
			open := store.Filter{Stream: "prod", State: "open"}
			with := func(change func(*store.Filter)) store.Filter { f := open; change(&f); return f }
			page := func(f store.Filter, skip int) func(ctx context.Context) (int, error) {
				for range skip {
					_, next, err := s.Findings(b.Context(), f)
					if err != nil {
						b.Fatal(err)
					}
					f.After = next
				}
				return func(ctx context.Context) (int, error) {
					all, _, err := s.Findings(ctx, f)
					return len(all), err
				}
			}
			count := func(f store.Filter) func(ctx context.Context) (int, error) {
				return func(ctx context.Context) (int, error) { return s.Count(ctx, f) }
			}
			ask("Page/first", page(open, 0))
			ask("Page/deep", page(open, 300))
			ask("Page/all-streams", page(store.Filter{}, 0))
			ask("Page/rule", page(with(func(f *store.Filter) { f.Rules = []string{rules.All[3].ID} }), 0))
			ask("Page/account", page(with(func(f *store.Filter) { f.Accounts = []string{benchAccount(7)} }), 0))
			ask("Page/text", page(with(func(f *store.Filter) { f.Text = "worker-0049" }), 0))
			ask("Page/fixed", page(with(func(f *store.Filter) { f.State = "fixed" }), 0))
			ask("Count/open", count(open))
			ask("Count/severity", count(with(func(f *store.Filter) { f.Severities = []engine.Severity{engine.High, engine.Critical} })))
			ask("Count/rule", count(with(func(f *store.Filter) { f.Rules = []string{rules.All[3].ID} })))
			ask("Count/account", count(with(func(f *store.Filter) { f.Accounts = []string{benchAccount(7)} })))
			ask("Count/pillar", count(with(func(f *store.Filter) { f.Pillars = []engine.Pillar{engine.Security} })))
			ask("Count/owner", count(with(func(f *store.Filter) { f.Owners = []string{"payments"} })))
			ask("Count/unassessed", count(with(func(f *store.Filter) { yes := true; f.Unassessed = &yes })))
			ask("Count/text", count(with(func(f *store.Filter) { f.Text = "worker-0049" })))
			ask("Trend/all", func(ctx context.Context) (int, error) {
				all, err := s.Trend(ctx, "prod", "", time.Time{})
				return len(all), err
			})
			ask("Trend/month", func(ctx context.Context) (int, error) {
				all, err := s.Trend(ctx, "prod", engine.Security, benchStart.Add(time.Duration(*benchScans-720)*time.Hour))
				return len(all), err
			})
			ask("History", func(ctx context.Context) (int, error) {
				all, err := s.History(ctx, "prod", identity(*benchFindings+77))
				return len(all), err
			})
			ask("Find", func(ctx context.Context) (int, error) {
				all, err := s.Find(ctx, identity(4711)[:8])
				return len(all), err
			})
			ask("EventsOf", func(ctx context.Context) (int, error) {
				all, err := s.EventsOf(ctx, fmt.Sprintf("%016x", *benchScans/2))
				return len(all), err
			})
			ask("EventsSince/day", func(ctx context.Context) (int, error) {
				all, err := s.EventsSince(ctx, "", benchStart.Add(time.Duration(*benchScans-24)*time.Hour))
				return len(all), err
			})
			ask("TimeToFix", func(ctx context.Context) (int, error) {
				_, n, err := s.TimeToFix(ctx, "prod", benchStart)
				return len(n), err
			})
			ask("Last", func(ctx context.Context) (int, error) {
				_, err := s.Last(ctx, "prod")
				return 1, err
			})
			ask("Unfinished", func(ctx context.Context) (int, error) {
				all, err := s.Unfinished(ctx)
				return len(all), err
			})
			b.Run("Scan/unchanged", func(b *testing.B) { scanOf(b, func(int) int { return 0 }) })
			b.Run("Scan/churn", func(b *testing.B) { scanOf(b, func(n int) int { return (n + 1) * benchChurn() }) })
			b.Run("Prune/nothing", func(b *testing.B) {
				for b.Loop() {
					if _, err := s.Prune(b.Context(), store.Retention{Snapshots: 10, Scans: 10_000 * time.Hour, Fixed: 10_000 * time.Hour}, at); err != nil {
						b.Fatal(err)
					}
				}
			})
			half := time.Duration(*benchScans/2) * time.Hour
			begun = time.Now()
			pruned, err := s.Prune(b.Context(), store.Retention{Snapshots: 1, Scans: half, Fixed: half}, at)
			took := time.Since(begun)
			b.Run("Prune/half", func(b *testing.B) {
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(took.Seconds(), "wall-s")
				b.ReportMetric(float64(pruned.Findings), "findings")
			})
		})
	}
}
