package watool

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/report"
	"awsscanner/internal/review"
	"awsscanner/internal/watool/watooltest"
	"awsscanner/rules"
)

const workload = "0123456789abcdef0123456789abcdef"

var now = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

func framework(t testing.TB) *review.Framework {
	t.Helper()
	f, err := review.Load(review.Default, rules.All)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// reviewed makes a review out of one failure and some answers.
func reviewed(t testing.TB, f *review.Framework, answers string) *review.Review {
	t.Helper()
	s := engine.Told(engine.Header{Start: now, Read: []model.Place{{Account: "111122223333", Region: "eu-west-1"}}}, engine.End{Finished: now}, func() iter.Seq2[engine.Recorded, error] {
		return func(yield func(engine.Recorded, error) bool) {
			yield(engine.Recorded{Rule: "ssm-parameter-secure", Resource: model.Meta{ID: "/shop/db-password", Name: "/shop/db-password", Account: "111122223333", Region: "eu-west-1", ARN: "arn:aws:ssm:eu-west-1:111122223333:parameter/shop/db-password"},
				Verdict: engine.Verdict{Status: engine.Failed, Severity: engine.High, Message: "it is plain"}, Fingerprint: strings.Repeat("a", 32), Identity: strings.Repeat("b", 32)}, nil)
		}
	})
	r, err := report.New("1.0", s, rules.All, report.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a, err := review.DecodeAnswers("review.yaml", []byte("version: 1\nworkload: {name: shop}\ndefaults: {by: ann, on: 2026-11-20}\n"+answers), f, now)
	if err != nil {
		t.Fatal(err)
	}
	all, err := review.New(f, []*review.Answers{a}, r, review.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

// A bench is a server with one workload, and what both sides agreed on.
type bench struct {
	t      testing.TB
	f      *review.Framework
	server *watooltest.Server
	w      *watooltest.Workload
	cfg    aws.Config
	sync   *Sync
}

func newBench(t testing.TB) *bench {
	b := &bench{t: t, f: framework(t), server: &watooltest.Server{Fail: map[string]*watooltest.Failure{}, Deny: map[string]bool{}}, sync: &Sync{Schema: SyncSchema, Questions: map[string]Synced{}}}
	b.w = watooltest.WorkloadOf(b.f, workload, "shop")
	b.server.Add(b.w)
	h := httptest.NewServer(b.server)
	t.Cleanup(h.Close)
	b.cfg = aws.Config{Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "secret", ""), BaseEndpoint: &h.URL, Retryer: func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		})
	}}
	return b
}

// push pushes as the command does.
func (b *bench) push(answers string, milestone string, dry, untick bool) (*Push, error) {
	b.t.Helper()
	v := reviewed(b.t, b.f, answers)
	t := New(b.cfg, workload, "wellarchitected")
	if err := t.Read(b.t.Context()); err != nil {
		return nil, err
	}
	wishes := Wishes(v, untick, false)
	names, _, err := t.Names(b.f, wanted(wishes))
	if err != nil {
		return nil, err
	}
	return t.Push(b.t.Context(), wishes, names, b.sync, v.AsOf, milestone, Token(workload, v.Scan.ID), dry)
}

func wanted(all []*Wish) func(string) bool {
	return func(choice string) bool {
		return slices.ContainsFunc(all, func(w *Wish) bool { _, is := w.Choices[choice]; return is })
	}
}

const answers = `
answers:
  SEC02-BP01: {state: yes}
  SEC02-BP02: {state: no}
  SEC02-BP03: {state: yes}
  SEC02-BP06: {state: na, reason: OUT_OF_SCOPE}
  OPS01-BP01: {state: yes}
  SUS06-BP05: {state: yes}
questions: {sus_region: {applicable: false, reason: BUSINESS_PRIORITIES}}
`

func TestPush(t *testing.T) {
	b := newBench(t)
	ids, pri := b.w.Question("identities"), b.w.Question("priorities")
	pri.Selected, pri.Notes, pri.Said = []string{"ops_priorities_int_cust_needs"}, "What we talked about:\n- customers\n", map[string]watooltest.Said{"ops_priorities_int_cust_needs": {Status: "SELECTED", Notes: "with the sales team"}}

	// A dry run asks, and writes nothing.
	p, err := b.push(answers, "first", true, false)
	if err != nil {
		t.Fatal(err)
	}
	if n := b.server.Calls("UpdateAnswer") + b.server.Calls("CreateMilestone"); n != 0 || p.Written != 0 || len(b.sync.Questions) != 0 {
		t.Errorf("a dry run makes %d calls that write", n)
	}
	if b.server.Calls("ListAnswers") != 2 || b.server.Calls("GetAnswer") != 57 {
		t.Errorf("%d pages and %d answers are read", b.server.Calls("ListAnswers"), b.server.Calls("GetAnswer"))
	}
	var planned []string
	for _, c := range p.Changes {
		planned = append(planned, c.Key)
	}
	if got := strings.Join(planned, " "); got != "priorities identities protect-data-rest sus_region sus_dev" {
		t.Errorf("it would change %s", got)
	}

	p, err = b.push(answers, "first", false, false)
	if err != nil || p.Conflicts() != 0 || p.Written != 5 || p.Milestone != "first (number 1)" {
		t.Fatalf("%v: %+v", err, p)
	}
	// The tick of the practice that the scan refutes is not sent, the others are; what people have said stays.
	if got := strings.Join(ids.Selected, " "); got != "sec_identities_enforce_mechanisms" || ids.Said["sec_identities_groups_attributes"] != (watooltest.Said{Status: "NOT_APPLICABLE", Reason: "OUT_OF_SCOPE"}) {
		t.Errorf("identities: %s, %v", got, ids.Said)
	}
	if got := strings.Join(pri.Selected, " "); got != "ops_priorities_ext_cust_needs ops_priorities_int_cust_needs" || pri.Said["ops_priorities_int_cust_needs"].Notes != "with the sales team" {
		t.Errorf("priorities: %s, %v", got, pri.Said)
	}
	if pri.Notes != "What we talked about:\n- customers\n" {
		t.Errorf("the notes of priorities have become %q", pri.Notes)
	}
	if !strings.Contains(ids.Notes, "SEC02-BP03 refuted: ssm-parameter-secure (1); people say it is in place\n") || strings.Contains(ids.Notes, "111122223333") || strings.Contains(ids.Notes, "/shop/") || strings.Contains(ids.Notes, "arn:") {
		t.Errorf("the notes of identities are %q", ids.Notes)
	}
	if q := b.w.Question("sus_region"); q.Applicable || q.Reason != "BUSINESS_PRIORITIES" {
		t.Errorf("sus_region is %+v", q)
	}

	// A second push finds nothing to do, and makes the milestone not once more.
	p, err = b.push(answers, "first", false, false)
	if err != nil || p.Written != 0 || len(p.Changes) != 0 || len(b.w.Milestones) != 1 {
		t.Errorf("%v: %+v, %v", err, p, b.w.Milestones)
	}

	// People in the tool untick one and tick another; here somebody says no to a third, and nothing about the others has changed.
	ids.Selected = []string{"sec_identities_audit"}
	changed := strings.Replace(answers, "OPS01-BP01: {state: yes}", "OPS01-BP01: {state: no}", 1)
	p, err = b.push(changed, "", false, false)
	if err != nil || p.Conflicts() != 0 || strings.Join(ids.Selected, " ") != "sec_identities_audit" || strings.Join(pri.Selected, " ") != "ops_priorities_int_cust_needs" {
		t.Errorf("%v: %+v; identities %v, priorities %v", err, p, ids.Selected, pri.Selected)
	}
	// And again: what people have unticked there is not ticked by trying twice.
	if p, err = b.push(changed, "", false, false); err != nil || p.Written != 0 || strings.Join(ids.Selected, " ") != "sec_identities_audit" {
		t.Errorf("%v: %+v; identities %v", err, p, ids.Selected)
	}

	// Both change the same, and otherwise.
	ids.Said["sec_identities_enforce_mechanisms"] = watooltest.Said{Status: "NOT_APPLICABLE", Reason: "OTHER"}
	p, err = b.push(strings.Replace(changed, "SEC02-BP01: {state: yes}", "SEC02-BP01: {state: no}", 1), "second", false, false)
	if err != nil || p.Conflicts() != 1 || p.Milestone != "" || ids.Status("sec_identities_enforce_mechanisms") != "NOT_APPLICABLE" {
		t.Errorf("%v: %+v", err, p)
	}
}

func TestPushUnticksOnlyIfAsked(t *testing.T) {
	for untick, want := range map[bool]string{false: "sec_identities_secrets sec_identities_audit", true: "sec_identities_audit"} {
		b := newBench(t)
		q := b.w.Question("identities")
		q.Selected = []string{"sec_identities_secrets", "sec_identities_audit"}
		if p, err := b.push("", "", false, untick); err != nil || p.Conflicts() != 0 || strings.Join(q.Selected, " ") != want {
			t.Errorf("--untick-refuted %v: %v, %v", untick, err, q.Selected)
		}
	}
}

// Somebody at the console writes between our reading and our writing; and an API that forgets what is not sent along.
func TestPushAmongPeople(t *testing.T) {
	for _, forgets := range []bool{false, true} {
		b := newBench(t)
		b.server.Forgets = forgets
		q := b.w.Question("priorities")
		q.Said = map[string]watooltest.Said{"ops_priorities_eval_tradeoffs": {Status: "NOT_APPLICABLE", Reason: "OTHER", Notes: "why"}, "ops_priorities_int_cust_needs": {Status: "UNSELECTED", Notes: "soon"}}
		v := reviewed(t, b.f, "answers: {OPS01-BP01: {state: yes}}")
		tool := New(b.cfg, workload, "wellarchitected")
		if err := tool.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.server.Late = func(*watooltest.Server) {
			q.Selected, q.Notes = []string{"ops_priorities_governance_reqs"}, "just now"
		}
		wishes := Wishes(v, false, false)
		names, _, err := tool.Names(b.f, wanted(wishes))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tool.Push(t.Context(), wishes, names, b.sync, v.AsOf, "", "token", false); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(q.Selected, " "); got != "ops_priorities_ext_cust_needs ops_priorities_governance_reqs" || q.Notes != "just now" {
			t.Errorf("forgets %v: %s, notes %q", forgets, got, q.Notes)
		}
		if got := q.Said["ops_priorities_eval_tradeoffs"]; got != (watooltest.Said{Status: "NOT_APPLICABLE", Reason: "OTHER", Notes: "why"}) || q.Said["ops_priorities_int_cust_needs"].Notes != "soon" {
			t.Errorf("forgets %v: %v", forgets, q.Said)
		}
	}
}

func TestPushRefuses(t *testing.T) {
	for what, spoil := range map[string]func(b *bench){
		"the workload has version 2024-11-06 of the lens, which is NOT_CURRENT: upgrade the lens in the WA Tool, where that makes a milestone, and then try again": func(b *bench) { b.w.LensStatus = "NOT_CURRENT" },
		"the WA Tool has version 2030-01-01 of the lens, which does not know SEC02-BP01 (sec_identities_enforce_mechanisms): AWS Well-Architected Framework, edition 2024-11-06 is of another edition, so nothing is written; name the right one with --framework": func(b *bench) {
			b.w.LensVersion = "2030-01-01"
			b.w.Question("identities").Choices[0] = "sec_identities_new"
		},
		"the workload has 100 milestones, and more it cannot have: remove some in the WA Tool, or leave --milestone out": func(b *bench) {
			for i := range 100 {
				b.w.Milestones = append(b.w.Milestones, watooltest.Milestone{Name: fmt.Sprintf("milestone %d", i), Token: fmt.Sprint(i)})
			}
		},
		`the workload has a milestone "first" already, of another scan: give this one another name`: func(b *bench) {
			b.w.Milestones = []watooltest.Milestone{{Name: "first", Token: "other"}}
		},
	} {
		b := newBench(t)
		spoil(b)
		_, err := b.push(answers, "first", false, false)
		var refused *Refused
		if !errors.As(err, &refused) || err.Error() != what {
			t.Errorf("%v, want %s", err, what)
		}
		if n := b.server.Calls("UpdateAnswer"); n != 0 && !strings.Contains(what, "another scan") {
			t.Errorf("%s: %d answers are written all the same", what, n)
		}
		if b.server.Calls("UpgradeLensReview") > 0 {
			t.Error("the lens is upgraded unasked")
		}
	}

	// A choice whose ID nobody has confirmed is left out, unless somebody has answered about it; another ID of it is as good.
	b := newBench(t)
	q := b.w.Question("sus_dev")
	q.Choices[0] = "sus_sus_dev_a9"
	n := b.w.Question("network-protection")
	n.Choices[3] = "sec_network_protection_auto_protect"
	if p, err := b.push("answers: {SEC05-BP04: {state: yes}}", "", false, false); err != nil || p.Conflicts() > 0 || strings.Join(n.Selected, " ") != "sec_network_protection_auto_protect" {
		t.Errorf("%v: %v", err, n.Selected)
	}
	if _, err := b.push("answers: {SUS06-BP01: {state: yes}}", "", false, false); err == nil || !strings.Contains(err.Error(), "does not know SUS06-BP01 (sus_sus_dev_a1)") {
		t.Error(err)
	}
	for i := range 95 {
		b.w.Milestones = append(b.w.Milestones, watooltest.Milestone{Name: fmt.Sprintf("milestone %d", i), Token: fmt.Sprint(i)})
	}
	if p, err := b.push("", "", true, false); err != nil || strings.Join(p.Warnings, "") != "the workload has 95 of 100 milestones" {
		t.Errorf("%v: %v", err, p)
	}
}

// What fails is told with what to grant, and what was written before is remembered.
func TestPushFails(t *testing.T) {
	b := newBench(t)
	b.server.Deny["UpdateAnswer"] = true
	if _, err := b.push(answers, "", false, false); err == nil || err.Error() != "wellarchitected:UpdateAnswer was denied: grant wellarchitected:UpdateAnswer" {
		t.Error(err)
	}
	b.server.Deny["UpdateAnswer"] = false
	b.server.Fail["UpdateAnswer"] = &watooltest.Failure{Status: 429, Code: "ThrottlingException", Times: 1}
	if p, err := b.push(answers, "", false, false); err != nil || p.Written != 5 {
		t.Errorf("after a throttle: %v, %+v", err, p)
	}
	c := newBench(t)
	c.server.Deny["CreateMilestone"] = true
	if p, err := c.push(answers, "first", false, false); err == nil || p.Written != 5 || len(c.sync.Questions) == 0 || c.sync.Milestone != "" {
		t.Errorf("%v: %+v, %d questions are remembered", err, p, len(c.sync.Questions))
	}
	c.server.Deny["CreateMilestone"] = false
	if p, err := c.push(answers, "first", false, false); err != nil || p.Written != 0 || p.Milestone == "" {
		t.Errorf("a second try: %v, %+v", err, p)
	}
	d := newBench(t)
	tool := New(d.cfg, strings.Repeat("f", 32), "wellarchitected")
	if err := tool.Read(t.Context()); err == nil || !strings.Contains(err.Error(), "there is no such workload or lens in this account and region") {
		t.Error(err)
	}
	tool = New(d.cfg, "short", "wellarchitected")
	if err := tool.Read(t.Context()); err == nil || !strings.Contains(err.Error(), "ValidationException") {
		t.Error(err)
	}
}

func TestPull(t *testing.T) {
	b := newBench(t)
	q := b.w.Question("identities")
	q.Selected = []string{"sec_identities_audit"}
	q.Said = map[string]watooltest.Said{"sec_identities_unique": {Status: "NOT_APPLICABLE", Reason: "OUT_OF_SCOPE"}, "sec_identities_audit": {Status: "SELECTED", Notes: "each quarter"}}
	tool := New(b.cfg, workload, "wellarchitected")
	if err := tool.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	names, more, err := tool.Names(b.f, func(string) bool { return false })
	if err != nil || len(more) > 0 {
		t.Fatal(err, more)
	}
	here := map[string]Mark{"sec_identities_secrets": Ticked, "ops_priorities_ext_cust_needs": Ticked}
	got := tool.Pull(b.f, names, here, b.sync, false)
	if s := fmt.Sprint(got); s != "[{sec_identities_unique not applicable OUT_OF_SCOPE  } {sec_identities_audit ticked  each quarter }]" {
		t.Errorf("it takes %s", s)
	}
	for _, x := range got {
		here[x.Choice] = x.Mark
	}
	tool.Agree(b.f, names, here, b.sync)
	if s := fmt.Sprint(b.sync.Questions["identities"].Agreed); s != "map[sec_identities_audit:ticked sec_identities_unique:not applicable]" {
		t.Errorf("both agree on %s", s)
	}
	if n := b.server.Calls("UpdateAnswer"); n != 0 {
		t.Errorf("a pull makes %d calls that write", n)
	}
	// What was pulled, and is then changed here, is pushed without a conflict.
	if p, err := b.push("answers: {SEC02-BP05: {state: no}, SEC02-BP02: {state: na, reason: OUT_OF_SCOPE}}", "", false, false); err != nil || p.Conflicts() != 0 || len(q.Selected) != 0 {
		t.Errorf("%v: %+v, %v", err, p, q.Selected)
	}
}

func TestSyncFile(t *testing.T) {
	s := &Sync{Schema: SyncSchema, Workload: workload, Questions: map[string]Synced{"q": {true, map[string]Mark{"a": Ticked}}}}
	var b bytes.Buffer
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	if again, err := ReadSync(&b); err != nil || fmt.Sprint(again) != fmt.Sprint(s) {
		t.Errorf("%v: %v", err, again)
	}
	for _, text := range []string{"", "{}", `{"schema":"scanner.review-sync/v1","x":1}`} {
		if _, err := ReadSync(strings.NewReader(text)); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}

// Whatever people have ticked, noted and written there, and whatever people say here: every request is one of the model, no tick or note of theirs is lost,
// only what somebody here says to be in place is ticked, and a second push has nothing to do.
func TestPushLaws(t *testing.T) {
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 31))
		b := newBench(t)
		b.server.Forgets = seed%2 == 0
		said := map[string]string{}
		var text strings.Builder
		text.WriteString("answers:\n")
		type was struct {
			selected []string
			notes    string
			remarks  map[string]string
		}
		before := map[string]was{}
		for i := range b.f.Questions {
			q := &b.f.Questions[i]
			there := b.w.Question(q.Key)
			there.Said = map[string]watooltest.Said{}
			x := was{remarks: map[string]string{}}
			for j := range q.Practices {
				choice := q.Practices[j].Choice
				if said[choice] = []string{"", "yes", "no", "partly", "na"}[r.IntN(5)]; said[choice] != "" {
					fmt.Fprintf(&text, "  %s: {state: %s, note: %q}\n", choice, said[choice], strings.Repeat("é", 1+r.IntN(400)))
				}
				if !slices.Contains(there.Choices, choice) {
					continue
				}
				status := "UNSELECTED"
				switch r.IntN(4) {
				case 0:
					there.Selected, status = append(there.Selected, choice), "SELECTED"
				case 1:
					if r.IntN(3) == 0 {
						there.Said[choice] = watooltest.Said{Status: "NOT_APPLICABLE", Reason: "OTHER", Notes: "ours"}
						x.remarks[choice] = "ours"
						continue
					}
				}
				if r.IntN(6) == 0 {
					x.remarks[choice] = strings.Repeat("n", 1+r.IntN(250))
					there.Said[choice] = watooltest.Said{Status: status, Notes: x.remarks[choice]}
				}
			}
			if r.IntN(3) == 0 {
				there.Notes = strings.Repeat([]string{"word ", "😀", "\n", "--- "}[r.IntN(4)], r.IntN(417))
			}
			x.selected, x.notes = slices.Clone(there.Selected), there.Notes
			before[q.Key] = x
		}
		p, err := b.push(text.String(), "m"+strings.Repeat("x", r.IntN(98)+2), false, false)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for i := range b.f.Questions {
			q := &b.f.Questions[i]
			there, x := b.w.Question(q.Key), before[q.Key]
			for _, choice := range x.selected {
				if !slices.Contains(there.Selected, choice) {
					t.Errorf("seed %d: the tick of %s is lost, of which %q is said here", seed, choice, said[choice])
				}
			}
			for _, choice := range there.Selected {
				if !slices.Contains(x.selected, choice) && said[choice] != "yes" && !strings.HasSuffix(choice, "_no") {
					t.Errorf("seed %d: %s is ticked, of which %q is said here", seed, choice, said[choice])
				}
			}
			if notes := strings.TrimSuffix(section.ReplaceAllString(there.Notes, ""), "\n\n"); notes != strings.TrimSuffix(x.notes, "\n\n") {
				t.Errorf("seed %d: the notes of %s were %q, and are %q", seed, q.Key, x.notes, there.Notes)
			}
			for choice, remark := range x.remarks {
				if there.Said[choice].Notes != remark {
					t.Errorf("seed %d: the note on %s is lost", seed, choice)
				}
			}
		}
		again, err := b.push(text.String(), "", false, false)
		if err != nil || again.Written != 0 || again.Conflicts() != p.Conflicts() {
			t.Errorf("seed %d: a second push writes %d, with %d conflicts and %d before: %v", seed, again.Written, again.Conflicts(), p.Conflicts(), err)
		}
		if t.Failed() {
			return
		}
	}
}
