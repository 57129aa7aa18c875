package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/report"
	"awsscanner/internal/review"
	"awsscanner/rules"
)

const reviewed = "111122223333"

var reviewDay = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

// lens is a framework whose questions have risk rules, and others that do not.
const lens = `{"id":"house","edition":"1","title":"House rules","provenance":"ours","pillars":[{"id":"p","title":"Plumbing"},{"id":"q","title":"Quarry"}],"questions":[
 {"id":"H 1","key":"h1","pillar":"p","title":"Queues","harm":"Messages are lost","riskRules":[{"condition":"h1_a && h1_b && h1_c","risk":"NO_RISK"},{"condition":"h1_a || (h1_b && !h1_c)","risk":"MEDIUM_RISK"},{"condition":"default","risk":"HIGH_RISK"}],"practices":[
  {"id":"H1-1","choice":"h1_a","title":"Dead letters are kept","level":"high","evidence":"partial","refutes":"yes","rules":["sqs-queue-dead-letter-queue"]},
  {"id":"H1-2","choice":"h1_b","title":"Queues are closed","level":"high","evidence":"partial","refutes":"yes","rules":["sqs-queue-not-public"]},
  {"id":"H1-3","choice":"h1_c","title":"Somebody reads them","level":"medium","evidence":"none","refutes":"no"}]},
 {"id":"H 2","key":"h2","pillar":"q","title":"Hosts","harm":"Hosts are taken","practices":[
  {"id":"H2-1","choice":"h2_a","title":"Images are hardened","level":"high","evidence":"full","refutes":"yes","rules":["ec2-instance-imdsv2-required"],"needs":["ec2-instance-imdsv2-required"]},
  {"id":"H2-2","choice":"h2_b","title":"Patches come fast","level":"medium","evidence":"partial","refutes":"weak","rules":["lambda-runtime-supported"]},
  {"id":"H2-3","choice":"h2_c","title":"Hosts are few","level":"low","evidence":"none","refutes":"no"}]},
 {"id":"H 3","key":"h3","pillar":"q","title":"Habits","harm":"Nobody knows","practices":[
  {"id":"H3-1","choice":"h3_a","title":"Chairs","level":"low","evidence":"none","refutes":"no"},
  {"id":"H3-2","choice":"h3_b","title":"Post mortems","level":"low","evidence":"none","refutes":"no"}]}]}`

func framework(t testing.TB, text string) *review.Framework {
	t.Helper()
	f, err := review.Load(review.Default, rules.All)
	if text != "" {
		f, err = review.Parse([]byte(text), rules.All)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// scanned makes up a scan in which rules fail, pass and were kept from looking.
func scanned(t testing.TB, r *rand.Rand, only []string) *report.Report {
	t.Helper()
	var all []engine.Recorded
	for i := range rules.All {
		rule := &rules.All[i]
		if only != nil && !slices.Contains(only, rule.ID) {
			continue
		}
		status := []engine.Status{engine.Passed, engine.Passed, engine.Failed, engine.NotAssessed}[r.IntN(4)]
		if r.IntN(4) == 0 {
			continue
		}
		id := "thing-" + reviewed + "<b>"
		x := engine.Recorded{Rule: rule.ID, Resource: model.Meta{ID: id, Name: id, ARN: "arn:aws:x::" + reviewed + ":thing", Account: reviewed}, Verdict: engine.Verdict{Status: status, Message: "of " + reviewed}}
		if rule.Check.Subject.Scope != model.AccountSubject && rule.Service() != "iam" {
			x.Resource.Region = "eu-west-1"
		}
		if status == engine.Failed {
			x.Severity = rule.Severity
		}
		if status == engine.NotAssessed {
			x.Gap = &model.Gap{Reason: model.AccessDenied, Call: "sqs:GetQueueAttributes"}
		}
		x.Fingerprint = fmt.Sprintf("%032x", i)
		x.Identity = x.Fingerprint
		all = append(all, x)
	}
	told := engine.Told(engine.Header{Start: reviewDay.Add(-time.Hour), Partition: "aws", Caller: "arn:aws:sts::" + reviewed + ":assumed-role/audit/me", Tags: true, Read: []model.Place{{Account: reviewed, Region: "eu-west-1"}}},
		engine.End{Finished: reviewDay}, func() iter.Seq2[engine.Recorded, error] {
			return func(yield func(engine.Recorded, error) bool) {
				for _, x := range all {
					if !yield(x, nil) {
						return
					}
				}
			}
		})
	rep, err := report.New("1.0", told, rules.All, report.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func reviewOf(t testing.TB, f *review.Framework, rep *report.Report, o review.Options, files ...string) *review.Review {
	t.Helper()
	var all []*review.Answers
	for i, text := range files {
		if text == "" {
			all = append(all, &review.Answers{})
			continue
		}
		a, err := review.DecodeAnswers(fmt.Sprintf("review%d.yaml", i), []byte(text), f, reviewDay)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		all = append(all, a)
	}
	all, err := review.Merge(all)
	if err != nil {
		t.Fatal(err)
	}
	o.Now = reviewDay
	reviews, err := review.New(f, all, rep, o)
	if err != nil {
		t.Fatal(err)
	}
	return reviews[0]
}

// sheetOf writes the page of a review, and opens it.
func sheetOf(t testing.TB, browser context.Context, v *review.Review, before ...step) *tab {
	t.Helper()
	name := filepath.Join(t.TempDir(), "review.html")
	w, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.HTML(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, browser, name, before...)
}

// recounted is what the page works out.
type recounted struct {
	Questions map[string]struct {
		Lower, Upper review.Risk
		Open         int
	}
	States  map[string]review.State
	Pillars map[string]struct {
		Lower, Upper       float64
		Label              review.Label
		Arithmetic         string
		Open               int
		Practices, Decided int
	}
}

// same holds what the page works out against what Go does.
func (p *recounted) same(v *review.Review) error {
	for i := range v.Questions {
		q := &v.Questions[i]
		got := p.Questions[q.ID]
		if got.Lower != q.Risk.Lower || got.Upper != q.Risk.Upper || got.Open != q.Open {
			return fmt.Errorf("%s is %v in the page, and %v with %d open", q.ID, got, q.Risk, q.Open)
		}
		for _, x := range q.Practices {
			if p.States[x.Choice] != x.State {
				return fmt.Errorf("%s is %s in the page, and %s", x.ID, p.States[x.Choice], x.State)
			}
		}
	}
	for _, x := range v.Pillars {
		got := p.Pillars[x.ID]
		if got.Lower != x.Score.Lower || got.Upper != x.Score.Upper || got.Label != x.Label || got.Arithmetic != x.Score.Arithmetic || got.Open != x.Open || got.Practices != x.Coverage.Practices || got.Decided != x.Coverage.Decided {
			return fmt.Errorf("%s is %v in the page, and %v..%v, %s, %s", x.ID, got, x.Score.Lower, x.Score.Upper, x.Label, x.Score.Arithmetic)
		}
	}
	return nil
}

// Page and scanner come to the same on 10 000 sheets that nobody has thought of.
func TestSheetAgrees(t *testing.T) {
	browser := begin(t)
	const seed = 7
	r := rand.New(rand.NewPCG(seed, 1))
	saids := []string{"yes", "yes", "no", "partly", "na", "none", "none"}
	total := 0
	for n, x := range []struct {
		f       string
		options review.Options
		sheets  int
	}{{lens, review.Options{}, 3000}, {lens, review.Options{Low: review.NoRisk, AcceptFull: true}, 3000}, {lens, review.Options{AcceptFull: true}, 3000}, {"", review.Options{}, 500}, {"", review.Options{Low: review.NoRisk, AcceptFull: true}, 500}} {
		f := framework(t, x.f)
		rep := scanned(t, r, f.Rules())
		page := sheetOf(t, browser, reviewOf(t, f, rep, x.options, "version: 1\n"))
		for done := 0; done < x.sheets; done += 100 {
			var sheets []map[string]string
			for range 100 {
				s := map[string]string{}
				for i := range f.Questions {
					mood := saids[r.IntN(len(saids))]
					for j := range f.Questions[i].Practices {
						said := saids[r.IntN(len(saids))]
						if r.IntN(3) > 0 {
							said = mood
						}
						s[f.Questions[i].Practices[j].Choice] = said
					}
				}
				sheets = append(sheets, s)
			}
			b, _ := json.Marshal(sheets)
			got := eval[[]recounted](page, fmt.Sprintf(`%s.map((s) => { const n = recount(s); return {Questions: Object.fromEntries(Object.entries(n.questions).map(([k, q]) => [k, {Lower: q.lower, Upper: q.upper, Open: q.open}])), States: n.states,
				Pillars: Object.fromEntries(Object.entries(n.pillars).map(([k, p]) => [k, {Lower: p.lower, Upper: p.upper, Label: p.label, Arithmetic: p.arithmetic, Open: p.open, Practices: p.practices, Decided: p.decided}]))} })`, b))
			for i, s := range sheets {
				var text strings.Builder
				text.WriteString("version: 1\ndefaults: {by: me, on: 2026-11-20}\nanswers:\n  " + f.Questions[0].Practices[0].Choice + ": {state: yes, on: 2000-01-01}\n") // which has lapsed
				if s[f.Questions[0].Practices[0].Choice] != "none" {
					text.Reset()
					text.WriteString("version: 1\ndefaults: {by: me, on: 2026-11-20}\nanswers:\n")
				}
				for choice, said := range s {
					if said != "none" {
						fmt.Fprintf(&text, "  %s: {state: %s}\n", choice, said)
					}
				}
				if err := got[i].same(reviewOf(t, f, rep, x.options, text.String())); err != nil {
					t.Fatalf("seed %d, round %d, sheet %d: %v", seed, n, done+i, err)
				}
				total++
			}
		}
	}
	if total != 10_000 {
		t.Errorf("%d sheets", total)
	}
}

const before = `# Ours.
version: 1
workload: {name: "the <b>shop", accounts: ["111122223333"]}   # one account
defaults: {on: 2026-11-20}
answers:
    # before the launch
    sec_identities_secrets: {state: no, by: ann, note: "soon"} # by heart
    SEC01-BP01:
        state: yes
        by: bob
        review_by: 2031-01-01

# What we know of risks.
questions: {"SUS 1": {applicable: false, by: ann}}
`

// What people answer in the page is saved as a file that the scanner reads back, and all else in the file stays as it is.
func TestSheetIsFilledIn(t *testing.T) {
	browser := begin(t)
	f := framework(t, "")
	rep := scanned(t, rand.New(rand.NewPCG(3, 1)), nil)
	v := reviewOf(t, f, rep, review.Options{}, before)
	x := sheetOf(t, browser, v)
	x.run(`window.files = []; URL.createObjectURL = (b) => { files.push(b); return "blob:none" }; HTMLAnchorElement.prototype.click = function () { window.named = this.download }; Date = class extends Date { constructor(...a) { a.length ? super(...a) : super("2026-12-01T10:00:00") } }`)
	saved := func() string { return eval[string](x, `files.at(-1).text()`) }
	x.click("#save")
	if got := saved(); got != before {
		t.Errorf("untouched, the file becomes\n%s", got)
	}
	is(x, "name", `window.named`, "review.yaml")

	// IDs of accounts are hidden until somebody asks.
	shown := `document.body.innerText.includes("111122223333")`
	x.run(`document.querySelectorAll("details").forEach((d) => { d.open = true })`)
	is(x, "accounts are hidden", shown, false)
	if title := eval[string](x, `document.title`); strings.Contains(title, reviewed) {
		t.Errorf("the title is %s", title)
	}
	x.click("#ids")
	is(x, "accounts are shown", shown, true)
	x.click("#ids")
	is(x, "accounts are hidden again", shown, false)

	pick := func(choice, state string) {
		x.run(fmt.Sprintf(`document.querySelector('[data-practice="%s"] input[value="%s"]').click()`, choice, state))
	}
	write := func(choice, class, text string) {
		x.run(fmt.Sprintf(`(() => { const n = document.querySelector('[data-practice="%s"] .%s'); n.value = %q; n.dispatchEvent(new Event("input")) })()`, choice, class, text))
	}
	is(x, "controls", `document.querySelectorAll(".says").length > 290`, true)
	pick("ops_priorities_ext_cust_needs", "yes")
	x.click("#save")
	is(x, "nobody has said who answers", `document.activeElement.id`, "who")
	x.key("Zoë \"Z\" <z>")
	x.click("#save")
	pick("sec_identities_secrets", "partly")
	write("sec_identities_secrets", "note-in", "line one\nline \"two\": {x} \u0085 \u2028 #é")
	write("sec_identities_secrets", "by", "carol")
	pick("sec_securely_operate_multi_accounts", "no")
	is(x, "what is not saved is said", `document.getElementById("sum").textContent.endsWith("3 answers given here, not saved")`, true)
	x.click("#save")
	got := saved()
	for _, want := range []string{"# Ours.\n", "   # one account\n", "\n    # before the launch\n", "\n# What we know of risks.\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is lost:\n%s", want, got)
		}
	}
	after := reviewOf(t, f, rep, review.Options{}, got)
	said := map[string]*review.Told{}
	after.Practices(func(_ *review.QuestionReview, p *review.PracticeReview) {
		if p.Said != nil && !p.Said.Question {
			said[p.Choice] = p.Said
		}
	})
	if len(said) != 3 || said["ops_priorities_ext_cust_needs"].By != `Zoë "Z" <z>` || said["sec_identities_secrets"].State != review.Partly || said["sec_identities_secrets"].By != "carol" ||
		said["sec_identities_secrets"].Note != "line one\nline \"two\": {x} \u0085 \u2028 #é" || said["sec_securely_operate_multi_accounts"].State != review.No || said["sec_securely_operate_multi_accounts"].On != "2026-12-01" || said["sec_securely_operate_multi_accounts"].ReviewBy != "2031-01-01" {
		t.Errorf("the file is read back as %v:\n%s", said, got)
	}
	// The page shows what the scanner makes of that file.
	for i := range after.Questions {
		q := &after.Questions[i]
		is(x, q.ID, fmt.Sprintf(`document.querySelector('[data-question="%s"] .risk').textContent`, q.ID), q.Risk.String())
	}
	again := sheetOf(t, browser, after)
	for _, sel := range []string{".pillar .small", ".pillar .counts", ".pillar .label", "summary .risk", "summary .open", ".follows"} {
		if a, b := x.texts(sel), again.texts(sel); !slices.Equal(a, b) {
			t.Errorf("%s: the page says %q, and written anew %q", sel, a, b)
		}
	}
	if len(x.errors) > 0 || len(x.requests) > 1 {
		t.Errorf("errors %q, requests %q", x.errors, x.requests)
	}
}

// A page without answers, saved, is a file that can be read and filled in.
func TestEmptySheet(t *testing.T) {
	browser := begin(t)
	f := framework(t, "")
	rep := scanned(t, rand.New(rand.NewPCG(6, 1)), nil)
	x := sheetOf(t, browser, reviewOf(t, f, rep, review.Options{}, ""))
	reviewOf(t, f, rep, review.Options{}, eval[string](x, `fileOf({})`))
	x = sheetOf(t, browser, reviewOf(t, f, rep, review.Options{}, "version: 1\nanswers:\n  OPS01-BP01: {state: yes, by: me, on: 2026-11-20}\n"))
	reviewOf(t, f, rep, review.Options{}, eval[string](x, `fileOf({ops_priorities_ext_cust_needs: {state: "none"}})`))
	x = sheetOf(t, browser, reviewOf(t, f, rep, review.Options{}, "version: 1\nanswers: {OPS01-BP01: {state: yes, by: me, on: 2026-11-20}}\nwaivers: [{bp: SEC08-BP02, reason: r, owner: o, until: 2027-01-01}]\n"))
	text := eval[string](x, `fileOf({sec_identities_secrets: {state: "no", by: "me", on: "2026-12-01"}})`)
	if reviewOf(t, f, rep, review.Options{}, text); strings.Count(text, "{state: ") != 2 || !strings.Contains(text, "waivers:") {
		t.Errorf("answers in braces become\n%s", text)
	}
}

// What several people say is to be discussed, shown, and settled in the page.
func TestSheetOfSeveral(t *testing.T) {
	browser := begin(t)
	f := framework(t, "")
	rep := scanned(t, rand.New(rand.NewPCG(4, 1)), nil)
	ann := "version: 1\nworkload: {name: shop, tags: {app: [\"shop\", \"shop-*\"]}, environment: production}\nwaivers: [{bp: SEC08-BP02, reason: r, owner: o, until: 2027-01-01, resources: [x]}]\nregister: {R05: {owner: ann}}\nanswers:\n  SEC01-BP01: {state: yes, by: ann, on: 2026-11-20}\n  SEC01-BP03: {state: yes, by: ann, on: 2026-11-20, review_by: 2027-02-03}\n"
	bob := "version: 1\nworkload: {name: shop, tags: {app: [\"shop\", \"shop-*\"]}}\nanswers:\n  SEC01-BP01: {state: no, by: bob, on: 2026-11-21, note: \"not all\"}\n  OPS01-BP01: {state: no, by: bob, on: 2020-01-01}\nquestions: {\"SUS 2\": {applicable: false, by: bob, reason: OTHER}}\n"
	v := reviewOf(t, f, rep, review.Options{}, ann, bob)
	x := sheetOf(t, browser, v)
	x.run(`window.files = []; URL.createObjectURL = (b) => { files.push(b); return "blob:none" }; HTMLAnchorElement.prototype.click = () => {}`)
	x.click(`#filter [data-show=discuss]`)
	is(x, "questions to discuss", `[...document.querySelectorAll("[data-question]")].filter((d) => d.offsetParent && d.dataset.question === "SEC 1").length`, 1)
	is(x, "others are hidden", `document.querySelector('[data-question="SUS 6"]').offsetParent === null`, true)
	x.run(`document.querySelector('[data-question="SEC 1"]').open = true`)
	row := `document.querySelector('[data-practice="sec_securely_operate_multi_accounts"]')`
	is(x, "both are shown", row+`.innerText.includes("ann says yes on 2026-11-20; bob says no on 2026-11-21, not all")`, true)
	is(x, "to discuss", row+`.querySelector(".state").textContent`, "to discuss")
	x.click("#save")
	text := eval[string](x, `files.at(-1).text()`)
	again := reviewOf(t, f, rep, review.Options{}, text)
	if len(again.Workload.Tags["app"]) != 2 || again.Workload.Environment != "production" {
		t.Errorf("the workload is lost:\n%s", text)
	}
	for i := range v.Questions {
		if v.Questions[i].Risk != again.Questions[i].Risk {
			t.Errorf("%s was %s, and is %s when read back:\n%s", v.Questions[i].ID, v.Questions[i].Risk, again.Questions[i].Risk, text)
		}
	}
	for _, want := range []string{"review_by: 2027-02-03", `{bp: "SEC08-BP02", reason: "r", owner: "o", until: 2027-01-01, resources: ["x"]}`, `"R05": {owner: "ann"}`, `to discuss: ann says yes on 2026-11-20; bob says no on 2026-11-21, not all`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is lost:\n%s", want, text)
		}
	}
	x.run(row + `.querySelector("input[value=no]").click()`)
	if state := eval[string](x, row+`.querySelector(".state").textContent`); state != "not-established" {
		t.Errorf("settled, it is %s", state)
	}
}

// axe-core finds nothing in the work sheet, in light and dark, on a phone too, before and after somebody has answered. It takes half a minute for
// all questions of the framework, so the few of the house stand for them: each part of a page is there.
func TestSheetIsAccessible(t *testing.T) {
	script := axeCore(t)
	browser := begin(t)
	f := framework(t, lens)
	rep := scanned(t, rand.New(rand.NewPCG(5, 1)), f.Rules())
	const head = "version: 1\nworkload: {name: shop}\ndefaults: {on: 2026-11-20}\nanswers:\n"
	ann := head + "  H1-1: {state: yes, by: ann, note: we are sure, link: \"https://wiki.example/x\"}\n  H1-2: {state: yes, by: ann}\n  H2-1: {state: yes, by: ann}\n  H2-2: {state: partly, by: ann}\n  H3-1: {state: yes, by: ann, on: 2024-01-01}\n"
	bob := head + "  H1-3: {state: na, by: bob, reason: OTHER}\n  H2-2: {state: yes, by: bob}\nwaivers:\n  - {bp: H1-1, reason: later, owner: bob, until: 2027-01-01}\n"
	for name, v := range map[string]*review.Review{"nobody": reviewOf(t, f, rep, review.Options{}, ""), "several": reviewOf(t, f, rep, review.Options{}, ann, bob)} {
		for _, look := range []struct {
			width   int64
			colours string
		}{{1280, "light"}, {1280, "dark"}, {390, "light"}, {390, "dark"}} {
			x := sheetOf(t, browser, v, size(look.width, 800), scheme(look.colours))
			for _, then := range []string{``, `document.querySelectorAll("details").forEach((d) => { d.open = true })`, `document.querySelectorAll("input[value=yes], input[value=partly]").forEach((n, i) => { if (i % 3) n.click() })`} {
				if then != "" {
					x.run(then)
				}
				for _, violation := range violations(x, script) {
					t.Errorf("%s, %s at %d points, after %q: %s", name, look.colours, look.width, then, violation)
				}
			}
		}
	}
}

// The page fits on small screens and on paper, and the first screen says what to do.
func TestSheetLooks(t *testing.T) {
	browser := begin(t)
	v := reviewOf(t, framework(t, ""), scanned(t, rand.New(rand.NewPCG(5, 1)), nil), review.Options{}, before)
	x := sheetOf(t, browser, v)
	if n := eval[int](x, `document.querySelectorAll("ol.first > li").length`); n != 3 {
		t.Errorf("%d things to do first", n)
	}
	if bottom := eval[float64](x, `document.querySelector("ol.first").getBoundingClientRect().bottom`); bottom > 800 {
		t.Errorf("what to do first ends at %v, below the first screen", bottom)
	}
	x.run(`document.querySelectorAll("details").forEach((d) => { d.open = true })`)
	for _, width := range []int64{1280, 800, 390, 320} {
		x.do(size(width, 800))
		if wide := eval[int64](x, `document.documentElement.scrollWidth`); wide > width {
			t.Errorf("at %d points the page is %d wide, as of %s", width, wide, eval[string](x, `[...document.querySelectorAll("main *")].filter((n) => n.getBoundingClientRect().right > innerWidth && !n.closest(".findings")).slice(0, 4).map((n) => n.outerHTML.slice(0, 90)).join(" ")`))
		}
	}
	x.do(medium("print"))
	is(x, "no controls on paper", `[...document.querySelectorAll(".says, #bar, #filter")].some((n) => n.offsetParent)`, false)
	if *shots == "" {
		return
	}
	x.do(medium("screen"))
	for _, s := range []struct {
		name  string
		width int64
		look  string
	}{{"light", 1280, "light"}, {"dark", 1280, "dark"}, {"phone", 390, "light"}} {
		y := sheetOf(t, browser, v, size(s.width, 900), scheme(s.look))
		y.do(size(s.width, 900))
		y.run(`location.hash = "#SEC-2"; document.querySelector('[data-question="SEC 2"] input[value=yes]')?.click()`)
		is(y, "unfolded", `document.getElementById("SEC-2").open`, true)
		b, err := chromedp.Run(y.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(*shots, "review-"+s.name+".png"), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := chromedp.Run(sheetOf(t, browser, v).ctx, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4)))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*shots, "review.pdf"), b, 0o644); err != nil {
		t.Fatal(err)
	}
}
