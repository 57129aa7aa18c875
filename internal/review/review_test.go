package review

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/report"
	"awsscanner/rules"
)

var now = time.Date(2026, 12, 1, 15, 0, 0, 0, time.UTC)

const (
	account = "111122223333"
	other   = "444455556666"
)

func load(t testing.TB) *Framework {
	t.Helper()
	f, err := Load(Default, rules.All)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A told is a scan as a test makes it up.
type told struct {
	header  engine.Header
	rules   []engine.Rule
	results []engine.Recorded
}

// scan makes a scan of two regions by all rules.
func scan(results ...engine.Recorded) *told {
	h := engine.Header{Start: now.Add(-time.Hour), Partition: "aws", Caller: "arn:aws:sts::111122223333:assumed-role/audit/me", Tags: true,
		Read: []model.Place{{Account: account, Region: "eu-west-1"}, {Account: account, Region: "us-east-1"}}}
	return &told{h, rules.All, results}
}

func ruleOf(id string) *engine.Rule {
	i := slices.IndexFunc(rules.All, func(r engine.Rule) bool { return r.ID == id })
	if i < 0 {
		panic("there is no rule " + id)
	}
	return &rules.All[i]
}

// result makes up a result of a rule.
func result(rule string, status engine.Status, id string, tags map[string]string) engine.Recorded {
	r := ruleOf(rule)
	region := "eu-west-1"
	if r.Check.Subject.Scope == model.AccountSubject || r.Service() == "iam" {
		region = ""
	}
	x := engine.Recorded{Rule: rule, Resource: model.Meta{ID: id, Name: id, Account: account, Region: region}, Tags: tags, Verdict: engine.Verdict{Status: status, Message: "it is " + id}}
	switch status {
	case engine.Failed:
		x.Severity = r.Severity
	case engine.NotAssessed:
		x.Gap = &model.Gap{Reason: model.AccessDenied, Call: "sqs:GetQueueAttributes"}
		x.Message = "sqs:GetQueueAttributes was denied"
	}
	return keyed(x)
}

// keyed gives a result the keys of its rule and resource.
func keyed(x engine.Recorded) engine.Recorded {
	x.Fingerprint = fmt.Sprintf("%032x", []byte(x.Rule + x.Resource.Account + x.Resource.Region + x.Resource.ID)[:min(16, len(x.Rule+x.Resource.Account+x.Resource.Region+x.Resource.ID))])
	x.Identity = x.Fingerprint
	return x
}

func (s *told) report(t testing.TB) *report.Report {
	t.Helper()
	told := engine.Told(s.header, engine.End{Finished: now}, func() iter.Seq2[engine.Recorded, error] {
		return func(yield func(engine.Recorded, error) bool) {
			for _, x := range s.results {
				if !yield(x, nil) {
					return
				}
			}
		}
	})
	r, err := report.New("1.0", told, s.rules, report.Options{Waive: func(x *engine.Result) *report.Waived {
		if !strings.HasPrefix(x.Resource.ID, "waived") {
			return nil
		}
		return &report.Waived{Reason: "agreed", Owner: "ops", Expires: "2027-01-31", Mitigation: "a guard at the door", Risk: "somebody climbs in", Ticket: "OPS-1", Source: "waivers.yaml:1"}
	}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (s *told) review(t testing.TB, f *Framework, answers string, o Options) *Review {
	t.Helper()
	a, err := DecodeAnswers("review.yaml", []byte("version: 1\n"+answers), f, now)
	if err != nil {
		t.Fatal(err)
	}
	o.Now = cmp.Or(o.Now, now)
	all, err := New(f, []*Answers{a}, s.report(t), o)
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

func (v *Review) practice(id string) *PracticeReview {
	var found *PracticeReview
	v.Practices(func(_ *QuestionReview, p *PracticeReview) {
		if p.ID == id {
			found = p
		}
	})
	if found == nil {
		panic("there is no practice " + id)
	}
	return found
}

func (v *Review) question(id string) *QuestionReview {
	i := slices.IndexFunc(v.Questions, func(q QuestionReview) bool { return q.ID == id })
	return &v.Questions[i]
}

// What is known of the edition, counted by others.
func TestFramework(t *testing.T) {
	f := load(t)
	questions, practices, levels, classes, strengths := map[string]int{}, map[string]int{}, map[Level]int{}, map[Class]int{}, map[Strength]int{}
	id := regexp.MustCompile(`^[A-Z]{3,4}\d\d-BP\d\d$`)
	choice := regexp.MustCompile(`^(ops|sec|rel|perf|cost|sus)_[a-z0-9_]{3,60}$`)
	for i := range f.Questions {
		q := &f.Questions[i]
		prefix, _, _ := strings.Cut(q.ID, " ")
		questions[prefix]++
		for j := range q.Practices {
			p := &q.Practices[j]
			practices[prefix]++
			levels[p.Level]++
			classes[p.Class]++
			strengths[p.Refutes]++
			if want := strings.ReplaceAll(fmt.Sprintf("%s%2s-BP%02d", prefix, strings.TrimPrefix(q.ID, prefix+" "), j+1), " ", "0"); p.ID != want || !id.MatchString(p.ID) {
				t.Errorf("the practice %s stands in place of %s", p.ID, want)
			}
			for _, id := range p.Weak {
				if !slices.Contains(p.Rules, id) {
					t.Errorf("%s has the weak rule %s, which is not among its rules", p.ID, id)
				}
			}
			if !choice.MatchString(p.Choice) || len(p.Choice) > 64 {
				t.Errorf("%s has the choice %q", p.ID, p.Choice)
			}
		}
	}
	if got, want := fmt.Sprint(questions), "map[COST:11 OPS:11 PERF:5 REL:13 SEC:11 SUS:6]"; got != want {
		t.Errorf("questions %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(practices), "map[COST:50 OPS:68 PERF:32 REL:65 SEC:63 SUS:29]"; got != want {
		t.Errorf("practices %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(levels, classes, strengths), "map[high:127 low:37 medium:143] map[full:4 none:62 partial:241] map[no:62 weak:145 yes:100]"; got != want {
		t.Errorf("levels, evidence and strengths %s, want %s", got, want)
	}
}

// Every rule tells something about a practice, or stands among those that do not.
func TestRulesAreMapped(t *testing.T) {
	file, err := os.Open("testdata/unmapped.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unmapped := map[string]bool{}
	for s := bufio.NewScanner(file); s.Scan(); {
		if line := s.Text(); !strings.HasPrefix(line, "#") {
			unmapped[line] = true
		}
	}
	mapped := load(t).Rules()
	for i := range rules.All {
		id := rules.All[i].ID
		switch is := slices.Contains(mapped, id); {
		case is && unmapped[id]:
			t.Errorf("%s is mapped: take it out of testdata/unmapped.txt", id)
		case !is && !unmapped[id]:
			t.Errorf("%s tells nothing about a practice: map it in frameworks/aws-well-architected.json, or add it to testdata/unmapped.txt", id)
		}
		delete(unmapped, id)
	}
	for id := range unmapped {
		t.Errorf("testdata/unmapped.txt has %s, which is no rule", id)
	}
}

const own = `{"id":"house","edition":"1","title":"House rules","provenance":"ours","pillars":[{"id":"p","title":"P"}],"questions":[
 {"id":"H 1","key":"queues","pillar":"p","title":"Queues","harm":"Messages are lost","practices":[
  {"id":"H1-1","choice":"h1_dlq","title":"Dead letters are kept","level":"high","evidence":"partial","refutes":"yes","rules":["sqs-queue-dead-letter-queue"]},
  {"id":"H1-2","choice":"h1_talk","title":"Somebody reads them","level":"medium","evidence":"none","refutes":"no"}]}]}`

// A framework is a file: what is wrong with one is refused.
func TestParse(t *testing.T) {
	if f, err := Parse([]byte(own), rules.All); err != nil || f.Practice("h1_dlq") == nil || f.Practice("H1-2").Question.ID != "H 1" {
		t.Fatalf("%v", err)
	}
	for change, want := range map[string]string{
		`"id":"house"->"id":""`:                        "id, edition, title, provenance or questions are missing",
		`"edition":"1"->"edition":1`:                   "json: cannot unmarshal number into Go struct field Framework.edition of type string",
		`"title":"P"->"name":"P"`:                      `json: unknown field "name"`,
		`"pillar":"p"->"pillar":"q"`:                   "question H 1: it lacks a title, a harm, practices, or a pillar that there is",
		`"H1-2"->"H1-1"`:                               `the ID "H1-1" is empty, or stands twice`,
		`h1_talk->h1_dlq`:                              `the ID "h1_dlq" is empty, or stands twice`,
		`"level":"high"->"level":"urgent"`:             `practice H1-1: there is no level "urgent"`,
		`"evidence":"none"->"evidence":"some"`:         `practice H1-2: there is no evidence "some"`,
		`"refutes":"yes"->"refutes":"maybe"`:           `practice H1-1: there is no refutes "maybe"`,
		`"refutes":"yes"->"refutes":"no"`:              "practice H1-1: it has rules, but no evidence or nothing that they refute",
		`"evidence":"partial"->"evidence":"full"`:      "practice H1-1: its evidence is full, but it does not say which rules it needs for that",
		`sqs-queue-dead-letter-queue->sqs-queue-dead`:  "practice H1-1: there is no rule sqs-queue-dead: did you mean sqs-queue-dead-letter-queue?",
		`"rules":[->"weak":["x"],"rules":[`:            "practice H1-1: weak rule x is not among its rules",
		`"pillars"->"aliases":{"old":"new"},"pillars"`: "alias old: it is a practice itself, or what took its place, new, is none",
		`"pillars"->"mapping":"fsbp","pillars"`:        "H1-1 has a title or rules of its own beside those of the mapping fsbp: take one of them away",
		`"practices":[->"riskRules":[{"condition":"h1_dlq","risk":"NO_RISK"}],"practices":[`:    "question H 1: its risk rules do not end with the condition default",
		`"practices":[->"riskRules":[{"condition":"h1_dlq &&","risk":"NO_RISK"}],"practices":[`: "question H 1: risk rule 1: it ends where a choice is expected",
		`"practices":[->"riskRules":[{"condition":"nobody","risk":"NO_RISK"}],"practices":[`:    "question H 1: risk rule 1 names nobody, which is no choice of the question",
		`"practices":[->"riskRules":[{"condition":"default","risk":"LOW"}],"practices":[`:       `question H 1: risk rule 1: there is no risk "LOW"`,
	} {
		from, to, _ := strings.Cut(change, "->")
		got := ""
		if _, err := Parse([]byte(strings.Replace(own, from, to, 1)), rules.All); err != nil {
			got = err.Error()
		}
		if !strings.Contains(own, from) || got != want {
			t.Errorf("%s: %q, want %q", change, got, want)
		}
	}
	if _, err := Load("wellarchitected-2024", rules.All); err == nil || !strings.Contains(err.Error(), "did you mean wellarchitected-2024-11-06?") {
		t.Errorf("a framework that there is not: %v", err)
	}
}

// The table that everything rests on.
func TestCombine(t *testing.T) {
	for _, row := range strings.Split(`refuted        yes    conflict         conflict
refuted        no     not-established
refuted        partly not-established
refuted        na     not-applicable   resources-exist
refuted        none   not-established
contra         yes    established      doubt
contra         no     not-established
contra         partly not-established
contra         na     not-applicable
contra         none   undecided
supported      yes    established      strong
supported      no     not-established  looks-done
supported      partly not-established  looks-done
supported      na     not-applicable
supported      none   undecided        likely
no-evidence    yes    established      word-only
no-evidence    no     not-established
no-evidence    partly not-established
no-evidence    na     not-applicable
no-evidence    none   undecided
could-not-look yes    established      coverage-gap
could-not-look no     not-established
could-not-look partly not-established
could-not-look na     not-applicable
could-not-look none   undecided`, "\n") {
		w := strings.Fields(row)
		want := State(w[2])
		flags := fmt.Sprint(w[3:])
		if got, f := Combine(Evidence(w[0]), Said(w[1]), false); got != want || fmt.Sprint(f) != flags {
			t.Errorf("%s and %s are %s %v, want %s %s", w[0], w[1], got, f, want, flags)
		}
		if w[0] == "supported" && w[1] == "none" {
			want, flags = ScanEstablished, "[]"
		}
		if got, f := Combine(Evidence(w[0]), Said(w[1]), true); got != want || fmt.Sprint(f) != flags {
			t.Errorf("with full evidence %s and %s are %s %v, want %s %s", w[0], w[1], got, f, want, flags)
		}
	}
}

func TestRisk(t *testing.T) {
	states := map[byte]State{'+': Established, '*': ScanEstablished, '-': NotEstablished, '!': Conflict, '?': Undecided, '0': OutOfQuestion}
	level := Question{Practices: []Practice{{Choice: "a", Level: High}, {Choice: "b", Level: Medium}, {Choice: "c", Level: Low}}}
	ruled := level
	for condition, risk := range map[string]Risk{"a && b && c": NoRisk} {
		ruled.RiskRules = append(ruled.RiskRules, riskRule(condition, risk))
	}
	ruled.RiskRules = append(ruled.RiskRules, riskRule("!a && !b", HighRisk), riskRule("default", MediumRisk))
	if err := ruled.compile(); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		q            *Question
		states, want string
		low          Risk
	}{
		{&level, "+++", "NONE", MediumRisk}, {&level, "+*+", "NONE", MediumRisk}, {&level, "-++", "HIGH", MediumRisk}, {&level, "!++", "HIGH", MediumRisk},
		{&level, "+-+", "MEDIUM", MediumRisk}, {&level, "++-", "MEDIUM", MediumRisk}, {&level, "++-", "NONE", NoRisk}, {&level, "?++", "NONE..HIGH", MediumRisk},
		{&level, "?-+", "MEDIUM..HIGH", MediumRisk}, {&level, "+?+", "NONE..MEDIUM", MediumRisk}, {&level, "++?", "NONE..MEDIUM", MediumRisk}, {&level, "++?", "NONE", NoRisk},
		{&level, "-??", "HIGH", MediumRisk}, {&level, "???", "UNANSWERED, up to HIGH", MediumRisk}, {&level, "0??", "UNANSWERED, up to MEDIUM", MediumRisk}, {&level, "000", "NOT_APPLICABLE", MediumRisk},
		{&level, "0++", "NONE", MediumRisk}, {&level, "00-", "MEDIUM", MediumRisk}, {&level, "0-?", "MEDIUM", MediumRisk},
		{&ruled, "+++", "NONE", MediumRisk}, {&ruled, "-++", "MEDIUM", MediumRisk}, {&ruled, "--+", "HIGH", MediumRisk}, {&ruled, "-?+", "MEDIUM..HIGH", MediumRisk},
		{&ruled, "??+", "NONE..HIGH", MediumRisk}, {&ruled, "0?+", "NONE..MEDIUM", MediumRisk}, {&ruled, "???", "UNANSWERED, up to HIGH", MediumRisk},
	} {
		var all []State
		for i := range x.states {
			all = append(all, states[x.states[i]])
		}
		if got := x.q.risk(all, x.low).String(); got != x.want {
			t.Errorf("%s with %d risk rules and low as %s is %s, want %s", x.states, len(x.q.RiskRules), x.low, got, x.want)
		}
	}
}

// Evidence by what the rules of SEC 6 and SEC 8 say; numbers as a person works them out.
func TestEvidence(t *testing.T) {
	f := load(t)
	pass := func(rule, id string) engine.Recorded { return result(rule, engine.Passed, id, nil) }
	fail := func(rule, id string) engine.Recorded { return result(rule, engine.Failed, id, nil) }
	every := func(practice string, but ...engine.Recorded) (all []engine.Recorded) {
		for _, id := range f.Practice(practice).Rules {
			if !slices.ContainsFunc(but, func(x engine.Recorded) bool { return x.Rule == id }) {
				all = append(all, pass(id, "fine-"+id))
			}
		}
		return append(all, but...)
	}
	keys := len(f.Practice("SEC08-BP01").Rules)
	for _, x := range []struct {
		name, practice string
		s              *told
		want           Evidence
		because        string
	}{
		{"a failure", "SEC06-BP02", scan(pass("ec2-instance-imdsv2-required", "i-1"), fail("ec2-instance-imdsv2-required", "i-2")), Refuted, "fails: ec2-instance-imdsv2-required (1)"},
		{"a pass", "SEC06-BP02", scan(pass("ec2-instance-imdsv2-required", "i-1")), Supported, "1 rule passed everywhere"},
		{"nothing there", "SEC06-BP02", scan(), NoEvidence, "there was nothing to look at"},
		{"not applicable", "SEC06-BP02", scan(result("ec2-instance-imdsv2-required", engine.Inapplicable, "i-1", nil)), NoEvidence, "there was nothing to look at"},
		{"a gap", "SEC06-BP02", scan(pass("ec2-instance-imdsv2-required", "i-1"), result("ec2-instance-imdsv2-required", engine.NotAssessed, "*", nil)), CouldNotLook,
			"could not look everywhere: sqs:GetQueueAttributes was denied (111122223333 eu-west-1)"},
		{"a gap beside a failure", "SEC06-BP02", scan(fail("ec2-instance-imdsv2-required", "i-1"), result("ec2-instance-imdsv2-required", engine.NotAssessed, "*", nil)), Refuted, "fails: ec2-instance-imdsv2-required (1)"},
		{"a waived failure", "SEC06-BP02", scan(pass("ec2-instance-imdsv2-required", "i-1"), fail("ec2-instance-imdsv2-required", "waived-1")), NoEvidence,
			"nothing fails but what is accepted; 1 failure accepted by a waiver"},
		{"a weak rule of a practice that others refute", "SEC09-BP02", scan(every("SEC09-BP02", fail("acm-certificate-not-expiring", "cert-1"))...), Contra, "a doubt: acm-certificate-not-expiring (1)"},
		{"another rule of it", "SEC09-BP02", scan(every("SEC09-BP02", fail("s3-bucket-tls-required", "b-1"))...), Refuted, "fails: s3-bucket-tls-required (1)"},
		{"both", "SEC09-BP02", scan(fail("s3-bucket-tls-required", "b-1"), fail("acm-certificate-not-expiring", "c-1"), fail("acm-certificate-not-expiring", "c-2")), Refuted, "fails: acm-certificate-not-expiring (2), s3-bucket-tls-required (1)"},
		{"a practice that is only doubted", "COST04-BP02", scan(fail("ec2-instance-stopped-too-long", "i-1")), Contra, "a doubt: ec2-instance-stopped-too-long (1)"},
		{"no rule", "OPS01-BP01", scan(), NoEvidence, "no rule looks at it"},
		{"each rule passes", "SEC08-BP01", scan(every("SEC08-BP01")...), Supported, fmt.Sprintf("%d rules passed everywhere", keys)},
		{"two of three rules pass", "SEC08-BP01", scan(every("SEC08-BP01")[1:]...), NoEvidence, fmt.Sprintf("%d of %d rules passed everywhere, 1 had nothing to look at", keys-1, keys)},
	} {
		v := x.s.review(t, f, "", Options{})
		if p := v.practice(x.practice); p.Evidence != x.want || p.Because != x.because {
			t.Errorf("%s: %s is %s, as %s; want %s, as %s", x.name, x.practice, p.Evidence, p.Because, x.want, x.because)
		}
	}

	// A region that was left out, a rule that did not run, an account that was not read.
	one := scan(pass("ec2-instance-imdsv2-required", "i-1"))
	one.header.Unread = []model.Place{{Account: account, Region: "eu-north-1"}}
	if p := one.review(t, f, "", Options{}).practice("SEC06-BP02"); p.Evidence != CouldNotLook || p.Because != "could not look everywhere: the scan has left this region out (111122223333 eu-north-1)" {
		t.Errorf("with a region left out: %s, %s", p.Evidence, p.Because)
	}
	if p := one.review(t, f, "workload: {name: shop, regions: [eu-west-1]}", Options{}).practice("SEC06-BP02"); p.Evidence != Supported {
		t.Errorf("of a workload that is not in the region left out: %s, %s", p.Evidence, p.Because)
	}
	if p := one.review(t, f, "workload: {name: shop, regions: [eu-west-1, ap-south-1]}", Options{}).practice("SEC06-BP02"); p.Evidence != CouldNotLook {
		t.Errorf("of a workload in a region that the scan does not know: %s, %s", p.Evidence, p.Because)
	}
	two := scan(pass("ec2-instance-imdsv2-required", "i-1"))
	two.rules = slices.DeleteFunc(slices.Clone(rules.All), func(r engine.Rule) bool { return r.ID == "ec2-instance-imdsv2-required" })
	if v := two.review(t, f, "", Options{}); v.practice("SEC06-BP02").Evidence != CouldNotLook || !strings.Contains(strings.Join(v.Notes, "\n"), "made without 1 rule that the framework asks for: scan with --frameworks aws-well-architected") {
		t.Errorf("without the rule: %s, %s", v.practice("SEC06-BP02").Evidence, v.Notes)
	}
	if v := one.review(t, f, `workload: {name: shop, accounts: ["111122223333", "444455556666"]}`, Options{}); v.practice("SEC06-BP02").Evidence != CouldNotLook || !slices.Contains(v.Notes, "the scan has not read 444455556666") {
		t.Errorf("with an account that was not read: %s, %s", v.practice("SEC06-BP02").Evidence, v.Notes)
	}

	// A rule in preview raises a doubt and no more.
	three := scan(fail("ec2-instance-imdsv2-required", "i-1"))
	three.rules = slices.Clone(rules.All)
	three.rules[slices.IndexFunc(three.rules, func(r engine.Rule) bool { return r.ID == "ec2-instance-imdsv2-required" })].Preview = true
	if p := three.review(t, f, "", Options{}).practice("SEC06-BP02"); p.Evidence != Contra {
		t.Errorf("a rule in preview: %s", p.Evidence)
	}
}

// What belongs to a workload: accounts, regions, tags; what cannot be tagged belongs to all, and of what has unknown tags nobody knows.
func TestWorkloads(t *testing.T) {
	f := load(t)
	shop, bank := map[string]string{"app": "shop"}, map[string]string{"app": "bank"}
	s := scan(
		result("sqs-queue-encrypted", engine.Failed, "shop-1", shop), result("sqs-queue-encrypted", engine.Passed, "bank-1", bank),
		result("s3-bucket-tls-required", engine.Failed, "dark", nil), result("s3-bucket-tls-required", engine.Passed, "bank-2", bank),
		result("iam-access-key-rotated", engine.Failed, "AKIA1", nil), result("cloudtrail-multi-region-enabled", engine.Failed, account, nil),
	)
	far := keyed(func() engine.Recorded {
		x := result("sqs-queue-encrypted", engine.Failed, "shop-2", shop)
		x.Resource.Account = other
		return x
	}())
	s.results = append(s.results, far)
	s.header.Read = append(s.header.Read, model.Place{Account: other, Region: "eu-west-1"})
	failing := func(v *Review, practice string) int { return v.practice(practice).Failing }
	r := s.report(t)
	var all []*Answers
	for _, text := range []string{
		"workload: {name: shop, tags: {app: shop}}",
		`workload: {name: bank, tags: {app: bank}, accounts: ["111122223333"]}`,
		`workload: {name: far, accounts: ["444455556666"]}`,
		"workload: {name: virginia, regions: [us-east-1]}",
	} {
		a, err := DecodeAnswers("review.yaml", []byte("version: 1\n"+text), f, now)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	reviews, err := New(f, all, r, Options{Now: now})
	if err != nil || len(reviews) != 4 {
		t.Fatal(err, len(reviews))
	}
	for i, want := range []struct {
		encrypted, transit, audit, logs int
		seen                            Evidence // SEC09-BP02
	}{
		{2, 0, 1, 1, CouldNotLook}, {0, 0, 1, 1, CouldNotLook}, {1, 0, 0, 0, NoEvidence}, {0, 0, 1, 1, CouldNotLook}, // the other account was not read there
	} {
		v := reviews[i]
		if a, b, c, d := failing(v, "SEC08-BP02"), failing(v, "SEC09-BP02"), failing(v, "SEC02-BP05"), failing(v, "SEC04-BP01"); a != want.encrypted || b != want.transit || c != want.audit || d != want.logs {
			t.Errorf("%s: %d, %d, %d and %d failures, want %v", v.Workload.Name, a, b, c, d, want)
		}
		if got := v.practice("SEC09-BP02").Evidence; got != want.seen {
			t.Errorf("%s: SEC09-BP02 is %s, want %s", v.Workload.Name, got, want.seen)
		}
	}
}

// Answers that lapse, contradict the scan, or are waived.
func TestAnswers(t *testing.T) {
	f := load(t)
	s := scan(result("ec2-instance-imdsv2-required", engine.Failed, "i-1", nil), result("ec2-instance-imdsv2-required", engine.Failed, "i-2", nil), result("lambda-runtime-supported", engine.Passed, "f-1", nil))
	v := s.review(t, f, `
defaults: {by: ops, on: 2026-06-05, review_after: 180d}
answers:
  sec_protect_compute_hardened_images: {state: yes, note: "golden image", link: https://wiki.example/images}
  SEC06-BP01: {state: yes, on: 2026-06-03}
  SEC06-BP03: {state: yes, on: 2025-01-01, review_by: 2026-12-01}
  SEC06-BP04: {state: yes, on: 2025-01-01, review_by: 2026-11-30}
  SEC06-BP05: {state: not applicable, reason: OUT_OF_SCOPE}
questions:
  sus_region: {applicable: false, reason: OUT_OF_SCOPE, note: "one region by law"}
`, Options{})
	for id, want := range map[string]string{
		"SEC06-BP01": "none undecided [likely lapsed]", // 180 days from 3 June end on 30 November
		"SEC06-BP02": "yes conflict [conflict]",
		"SEC06-BP03": "yes established [word-only]",
		"SEC06-BP04": "none undecided [lapsed]",
		"SEC06-BP05": "na not-applicable []",
		"SUS01-BP01": "na not-applicable []",
	} {
		p := v.practice(id)
		if got := fmt.Sprint(p.Answer, " ", p.State, " ", p.Flags); got != want {
			t.Errorf("%s is %s, want %s", id, got, want)
		}
	}
	if got := fmt.Sprint(v.Summary.Conflicts, v.Summary.Lapsed); got != "[SEC06-BP02] [SEC06-BP01 SEC06-BP04]" {
		t.Errorf("conflicts and lapsed answers are %s", got)
	}
	if got := v.question("SEC 6").Risk.String(); got != "HIGH" {
		t.Errorf("SEC 6 is %s", got)
	}

	waived := `
answers: {SEC06-BP02: {state: yes, by: ops, on: 2026-11-20}}
waivers:
  - {bp: SEC06-BP02, reason: legacy, owner: ops, until: %s, resources: [%s]}
`
	for _, x := range []struct{ until, resources, want string }{
		{"2027-03-31", "i-1", "conflict [conflict waived]"}, {"2027-03-31", "i-1, i-2", "established [word-only waived]"}, {"2027-03-31", `"i-*"`, "established [word-only waived]"},
		{"2026-12-01", `"i-*"`, "established [word-only waived]"}, {"2026-11-30", `"i-*"`, "conflict [conflict]"},
	} {
		p := s.review(t, f, fmt.Sprintf(waived, x.until, x.resources), Options{}).practice("SEC06-BP02")
		if got := fmt.Sprint(p.State, " ", p.Flags); got != x.want {
			t.Errorf("waived until %s for %s: %s, want %s", x.until, x.resources, got, x.want)
		}
	}
}

// Evidence that is full establishes a practice only if somebody wants it to and all its rules are there.
func TestAcceptFull(t *testing.T) {
	full := strings.Replace(own, `"evidence":"partial","refutes":"yes"`, `"evidence":"full","needs":["sqs-queue-dead-letter-queue"],"refutes":"yes"`, 1)
	f, err := Parse([]byte(full), rules.All)
	if err != nil {
		t.Fatal(err)
	}
	s := scan(result("sqs-queue-dead-letter-queue", engine.Passed, "q", nil))
	if p := s.review(t, f, "", Options{}).practice("H1-1"); p.State != Undecided || !p.Has(Likely) || p.Class != Full {
		t.Errorf("without --accept-full: %s %v", p.State, p.Flags)
	}
	if p := s.review(t, f, "", Options{AcceptFull: true}).practice("H1-1"); p.State != ScanEstablished {
		t.Errorf("with --accept-full: %s", p.State)
	}
	s.header.Unread = []model.Place{{Account: account, Region: "eu-north-1"}}
	if p := s.review(t, f, "", Options{AcceptFull: true}).practice("H1-1"); p.State != Undecided {
		t.Errorf("with a region left out: %s", p.State)
	}
	lacking, err := Parse([]byte(strings.Replace(full, `"needs":["sqs-queue-dead-letter-queue"]`, `"needs":["sqs-queue-dead-letter-queue","sqs-of-tomorrow"]`, 1)), rules.All)
	if err != nil {
		t.Fatal(err)
	}
	s.header.Unread = nil
	if p := s.review(t, lacking, "", Options{AcceptFull: true}).practice("H1-1"); p.State != Undecided || p.Class != Partial {
		t.Errorf("with a rule that is not there: %s, evidence %s", p.State, p.Class)
	}
}

// Scores as a person works them out, and labels that average nothing away.
func TestPillars(t *testing.T) {
	f, err := Parse([]byte(strings.Replace(own, `"evidence":"none","refutes":"no"}`, `"evidence":"none","refutes":"no"},{"id":"H1-3","choice":"h1_low","title":"They are few","level":"low","evidence":"none","refutes":"no"}`, 1)), rules.All)
	if err != nil {
		t.Fatal(err)
	}
	fail, ok := scan(result("sqs-queue-dead-letter-queue", engine.Failed, "q", nil)), scan(result("sqs-queue-dead-letter-queue", engine.Passed, "q", nil))
	answers := func(high, medium, low string) (text string) {
		text = "defaults: {by: me, on: 2026-12-01}\nanswers: {"
		for id, state := range map[string]string{"H1-1": high, "H1-2": medium, "H1-3": low} {
			text += id + ": {state: " + cmp.Or(state, "open") + "}, "
		}
		return text + "}"
	}
	for _, x := range []struct {
		s          *told
		answers    string
		label      Label
		risk       string
		arithmetic string
	}{
		{fail, answers("", "", ""), AtRisk, "HIGH", "in place 10×0 + 4×0 + 1×0 = 0; undecided 10×0 + 4×1 + 1×1 = 5; of 15: 0/15 = 0.0 % to 5/15 = 33.3 %"},
		{fail, answers("yes", "yes", "yes"), AtRisk, "HIGH", "in place 10×0 + 4×1 + 1×1 = 5; undecided 10×0 + 4×0 + 1×0 = 0; of 15: 5/15 = 33.3 % to 5/15 = 33.3 %"},
		{ok, answers("yes", "partly", ""), Improvable, "MEDIUM", "in place 10×1 + 4×0 + 1×0 = 10; undecided 10×0 + 4×0 + 1×1 = 1; of 15: 10/15 = 66.7 % to 11/15 = 73.3 %"},
		{ok, answers("yes", "", "na"), OpenLabel, "NONE..MEDIUM", "in place 10×1 + 4×0 + 1×0 = 10; undecided 10×0 + 4×1 + 1×0 = 4; of 14: 10/14 = 71.4 % to 14/14 = 100.0 %"},
		{ok, answers("yes", "yes", "yes"), InOrder, "NONE", "in place 10×1 + 4×1 + 1×1 = 15; undecided 10×0 + 4×0 + 1×0 = 0; of 15: 15/15 = 100.0 % to 15/15 = 100.0 %"},
		{ok, answers("", "", ""), OpenLabel, "UNANSWERED, up to HIGH", "in place 10×0 + 4×0 + 1×0 = 0; undecided 10×1 + 4×1 + 1×1 = 15; of 15: 0/15 = 0.0 % to 15/15 = 100.0 %"},
		{ok, answers("na", "na", "na"), NoQuestion, "NOT_APPLICABLE", "nothing applies"},
	} {
		v := x.s.review(t, f, x.answers, Options{})
		if p := v.Pillars[0]; p.Label != x.label || p.Score.Arithmetic != x.arithmetic || v.Questions[0].Risk.String() != x.risk {
			t.Errorf("%s: %s, %s, %s", x.answers, p.Label, v.Questions[0].Risk, p.Score.Arithmetic)
		}
	}
}

// A gap that could hide a high risk is told, so that a gate does not take what was not seen for good.
func TestBlind(t *testing.T) {
	f := load(t)
	ids := func(v *Review, risk Risk) (all []string) {
		for _, p := range v.Blind(risk) {
			all = append(all, p.ID)
		}
		return all
	}
	dark := result("ec2-instance-imdsv2-required", engine.NotAssessed, "*", nil)
	yes := "answers: {SEC06-BP02: {state: yes, by: me, on: 2026-12-01}}"
	if got := ids(scan(dark).review(t, f, yes, Options{}), HighRisk); !slices.Equal(got, []string{"SEC06-BP02"}) {
		t.Errorf("a denied call may hide a high risk in %v", got)
	}
	if got := ids(scan(dark).review(t, f, strings.Replace(yes, "yes", "no", 1), Options{}), HighRisk); len(got) > 0 {
		t.Errorf("what is high anyway is hidden in %v", got)
	}
	structural := dark
	structural.Gap = &model.Gap{Reason: model.AccessDeniedSCP, Call: "ec2:DescribeInstances"}
	if got := ids(scan(structural).review(t, f, yes, Options{}), HighRisk); len(got) > 0 {
		t.Errorf("what nobody can grant holds up a gate: %v", got)
	}
	weak := result("acm-certificate-not-expiring", engine.NotAssessed, "*", nil)
	if got := ids(scan(weak).review(t, f, "", Options{}), HighRisk); slices.Contains(got, "SEC09-BP02") {
		t.Errorf("a rule that refutes nothing holds up a gate: %v", got)
	}
}

func TestJSONIsDeterministic(t *testing.T) {
	f := load(t)
	s := world(7)
	a, b := mustJSON(t, s.review(t, f, "", Options{})), mustJSON(t, s.review(t, f, "", Options{}))
	if a != b {
		t.Error("two reviews of one scan differ")
	}
	if !strings.HasPrefix(a, `{"schema":"scanner.review/v1",`) {
		t.Errorf("it begins with %.60s", a)
	}
}

func mustJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
