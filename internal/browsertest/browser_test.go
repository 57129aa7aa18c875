// Package browsertest opens the HTML report in a real browser: what it shows, what keys do, and that nothing an account
// says is run.
package browsertest

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/report"
	"awsscanner/rules"
)

var (
	needed = flag.Bool("browser", false, "fail where there is no browser, instead of leaving its tests out")
	axe    = flag.String("axe", "../../bin/axe.min.js", "axe-core, which checks accessibility (make browser fetches it)")
	shots  = flag.String("shots", "", "write pictures of pages to this directory")
)

// begin starts a browser. Without one there is nothing to test, which is said.
func begin(t testing.TB) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = cmp.Or(path, found)
		}
	}
	switch {
	case path == "" && *needed:
		t.Fatal("there is no browser: apt-get install chromium")
	case path == "":
		t.Skip("there is no browser, so nobody has seen the HTML report: apt-get install chromium")
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1280, 800), chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "en"))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting %s: %v", path, err)
	}
	return ctx
}

type step = chromedp.Action[chromedp.Void]

// command is a step of the protocol of the browser.
func command[P, R any](c cdp.Command[P, R], params P) step {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

func size(width, height int64) step {
	return command(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1})
}

// scheme is what the system prefers: light or dark.
func scheme(name string) step {
	return command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}})
}

func medium(name string) step {
	return command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: name})
}

// A tab is an open page. Errors end the test.
type tab struct {
	testing.TB
	ctx context.Context

	mu       sync.Mutex
	requests []string // addresses
	errors   []string // of scripts, and of the content security policy
}

// ready waits until the findings are there.
var ready = chromedp.WaitReady(chromedp.CSS("html[data-ready]"))

// open opens a page at 1280x800 and waits until its findings are there.
func open(t testing.TB, browser context.Context, address string, before ...step) *tab {
	t.Helper()
	ctx, stop := chromedp.NewContext(browser)
	t.Cleanup(stop)
	ctx, stop = context.WithTimeout(ctx, 2*time.Minute) // a broken page must not hang
	t.Cleanup(stop)
	x := &tab{TB: t, ctx: ctx}
	err := chromedp.Listen(ctx, func(event any) {
		x.mu.Lock()
		defer x.mu.Unlock()
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			x.requests = append(x.requests, e.Request.URL)
		case *runtime.EventExceptionThrown:
			x.errors = append(x.errors, e.ExceptionDetails.Text+" "+e.ExceptionDetails.Exception.Description)
		case *log.EventEntryAdded:
			x.errors = append(x.errors, e.Entry.Text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(address, "://") {
		address = "file://" + address
	}
	x.do(command(network.Enable, network.EnableParams{}), command(log.Enable, cdp.Empty{}), command(runtime.Enable, cdp.Empty{}), size(1280, 800))
	x.do(before...)
	x.do(chromedp.Navigate(address), ready)
	return x
}

func (x *tab) do(steps ...step) {
	x.Helper()
	if err := chromedp.Do(x.ctx, steps...); err != nil {
		x.Fatal(err)
	}
}

// eval returns what an expression is.
func eval[T any](x *tab, expression string) T {
	x.Helper()
	value, err := chromedp.Run(x.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		x.Fatalf("%s: %v", expression, err)
	}
	return value
}

// run evaluates an expression for what it does.
func (x *tab) run(expression string) {
	x.Helper()
	eval[chromedp.Void](x, expression)
}

// is checks what an expression is, or becomes in a moment.
func is[T comparable](x *tab, what, expression string, want T) {
	x.Helper()
	var got T
	for range 500 {
		if got = eval[T](x, expression); got == want {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	x.Errorf("%s: %v, want %v", what, got, want)
}

// count checks the line above the table.
func (x *tab) count(want string) {
	x.Helper()
	is(x, "results", `document.getElementById("count").textContent.replaceAll("\u202f", " ")`, want)
}

func (x *tab) click(selector string) {
	x.Helper()
	x.do(chromedp.Click(chromedp.CSS(selector)))
}

func (x *tab) key(keys string) {
	x.Helper()
	x.do(chromedp.KeyEvent(keys))
}

// slash presses that key as a person does: the letter comes only if the page leaves it to the browser.
func (x *tab) slash() {
	x.Helper()
	x.do(command(input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: "keyDown", Key: "/", Code: "Slash", Text: "/", WindowsVirtualKeyCode: 191}),
		command(input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: "keyUp", Key: "/", Code: "Slash", WindowsVirtualKeyCode: 191}))
}

// pick sets a menu.
func (x *tab) pick(id, value string) {
	x.Helper()
	x.run(fmt.Sprintf(`(() => { const s = document.getElementById(%q); s.value = %q; s.dispatchEvent(new Event("change")); return s.value === %[2]q || Promise.reject("no such value") })()`, id, value))
}

// texts lists what the elements of a selector say.
func (x *tab) texts(selector string) []string {
	x.Helper()
	return eval[[]string](x, fmt.Sprintf(`[...document.querySelectorAll(%q)].map(e => e.textContent)`, selector))
}

func TestPage(t *testing.T) {
	browser := begin(t)
	address := page(t, many(1000), report.Options{Waive: waive, Baseline: earlier(t, 900)}, "cis-5.0")
	for name, test := range map[string]func(t *testing.T, browser context.Context, address string){
		"first screen": testFirstScreen, "filters": testFilters, "groups": testGroups, "finding": testFinding, "copy": testCopy, "keyboard": testKeyboard, "links": testLinks,
		"waived": testWaived, "changes": testChanges, "theme": testTheme, "paper": testPaper, "requests": testRequests, "without script": testWithoutScript, "accessibility": testAccessibility,
	} {
		t.Run(name, func(t *testing.T) { test(t, browser, address) })
	}
}

// All that sums up the scan is seen without scrolling.
func testFirstScreen(t *testing.T, browser context.Context, address string) {
	x := open(t, browser, address)
	for _, selector := range []string{"#verdict", ".facts", ".split .fixes li:nth-child(5)", ".pillars tbody tr:nth-child(6)", ".changes", "#summary > .severities"} {
		if bottom := eval[float64](x, fmt.Sprintf(`document.querySelector(%q).getBoundingClientRect().bottom`, selector)); bottom > 800 || bottom <= 0 {
			t.Errorf("%s ends at %v, below the first screen", selector, bottom)
		}
	}
	for _, width := range []int64{1280, 800, 390, 320} {
		x.do(size(width, 800))
		if wide := eval[int64](x, `document.documentElement.scrollWidth`); wide > width {
			t.Errorf("at %d points the page is %d wide", width, wide)
		}
	}
	if verdict := x.texts("#verdict")[0]; !strings.Contains(verdict, "critical") || !strings.HasSuffix(verdict, "could not be completed.") {
		t.Errorf("the verdict is %q", verdict)
	}
	if gate := x.texts(".gate")[0]; !strings.HasPrefix(gate, "The gate fails: ") {
		t.Errorf("the gate says %q", gate)
	}
	if len(x.errors) > 0 {
		t.Errorf("errors: %q", x.errors)
	}
}

func testFilters(t *testing.T, browser context.Context, address string) {
	x := open(t, browser, address)
	all := eval[string](x, `document.getElementById("count").textContent`)
	x.click("#search")
	x.key("Payments-Search")
	x.count("13 results in 13 groups")
	x.key(" 00") // all words count, wherever they are
	x.count("13 results in 13 groups")
	is(x, "address", `location.hash`, "#q=Payments-Search%2000")
	is(x, "unfolded, as there are few", `document.querySelectorAll("tr.result").length`, 13)
	x.key(kb.Escape)
	x.count(all)

	severe := eval[int](x, `+document.querySelector("[data-toggle=severity-high] .n").textContent`)
	x.click("[data-toggle=severity-high]")
	is(x, "focus", `document.activeElement.dataset.toggle`, "severity-high")
	is(x, "high", `+document.getElementById("count").textContent.match(/\d+/)[0]`, severe)
	x.click("[data-toggle=severity-critical]")
	x.pick("account", accounts[1])
	x.pick("region", "us-east-1")
	x.pick("service", "ec2")
	narrow := eval[string](x, `document.getElementById("count").textContent`)
	if hash := eval[string](x, `location.hash`); hash != "#severity=high,critical&service=ec2&account=222233334444&region=us-east-1" && hash != "#severity=high%2Ccritical&service=ec2&account=222233334444&region=us-east-1" {
		t.Errorf("the address is %s", hash)
	}
	x.click("#unfold")
	for _, row := range x.texts("tr.result") {
		if !strings.Contains(row, "us-east-1") || !strings.Contains(row, accounts[1]) || !strings.HasPrefix(row, "high") && !strings.HasPrefix(row, "critical") {
			t.Errorf("the filters let through %q", row)
		}
	}
	x.do(chromedp.Reload(), ready) // the address keeps them
	x.count(narrow)
	is(x, "service", `document.getElementById("service").value`, "ec2")
	x.click("#clear")
	x.count(all)

	x.click("[data-toggle=status-not-assessed]")
	is(x, "not assessed", `+document.getElementById("count").textContent.match(/\d+/)[0]`, 50)
	x.click("#search")
	x.key("nobody has this name")
	x.count("No result matches")
}

func testGroups(t *testing.T, browser context.Context, address string) {
	x := open(t, browser, address)
	rank := map[string]int{"critical": 0, "high": 1, "medium": 2, "low": 3, "informational": 4}
	sum := eval[int](x, `+document.getElementById("count").textContent.match(/\d+/)[0]`)
	for _, by := range []string{"rule", "resource", "account", "region", "service", "severity", "owner", "fix"} {
		x.pick("group", by)
		worst := x.texts("tr.group .severity")
		if len(worst) == 0 || !slices.IsSortedFunc(worst, func(a, b string) int { return rank[a] - rank[b] }) {
			t.Errorf("by %s, groups come in the order %q", by, worst)
		}
		if by != "resource" && by != "fix" { // of which there are pages
			if n := eval[int](x, `[...document.querySelectorAll("tr.group .count")].reduce((n, e) => n + parseInt(e.textContent), 0)`); n != sum {
				t.Errorf("by %s, groups have %d of %d results", by, n, sum)
			}
		}
	}
	if eval[int](x, `document.querySelectorAll("tr.group").length`) != 100 {
		t.Error("groups are not paged")
	}
	x.click("div.pager button")
	is(x, "groups after another page", `document.querySelectorAll("tr.group").length`, 200)
	is(x, "focus", `[...document.querySelectorAll("tr.group button")].indexOf(document.activeElement)`, 100)

	x.pick("group", "severity")
	is(x, "folded", `document.querySelectorAll("tr.result").length`, 0)
	x.click("tr.group button")
	is(x, "unfolded", `document.querySelector("tr.group button").getAttribute("aria-expanded")`, "true")
	is(x, "focus", `document.activeElement === document.querySelector("tr.group button")`, true)
	first := eval[int](x, `document.querySelectorAll("tr.result").length`)
	if want := eval[int](x, `Math.min(100, parseInt(document.querySelector("tr.group .count").textContent))`); first != want || first == 0 {
		t.Errorf("the first group shows %d rows, want %d", first, want)
	}
	x.pick("group", "none")
	is(x, "rows without groups", `document.querySelectorAll("tr.result").length`, 100)
	x.click("tr.pager button")
	is(x, "after another page", `document.querySelectorAll("tr.result").length`, 200)
	is(x, "focus", `[...document.querySelectorAll("tr.result button.name")].indexOf(document.activeElement)`, 100)
}

// A finding says what was seen and how to put it right.
func testFinding(t *testing.T, browser context.Context, address string) {
	x := open(t, browser, address+"#rule=s3-bucket-versioning&group=none")
	x.click("tr.result button.name")
	is(x, "expanded", `document.querySelector("tr.result button.name").getAttribute("aria-expanded")`, "true")
	text := eval[string](x, `document.querySelector("tr.details").innerText`)
	i := slices.IndexFunc(rules.All, func(r engine.Rule) bool { return r.ID == "s3-bucket-versioning" })
	fix := rules.All[i].Fix
	for _, want := range []string{"setting", "created", "arn:aws:iam::", "environment = prod", "Fingerprint", rules.All[i].Why, fix.Text, strings.Split(fix.CLI, "\n")[0], "May break", "Undo", "Template", "Effect of the fix"} {
		if !strings.Contains(text, want) {
			t.Errorf("the finding does not say %q: %s", want, text)
		}
	}
	x.click("tr.result button.name")
	is(x, "folded", `document.querySelectorAll("tr.details").length`, 0)
	x.click("tr.result td:nth-child(3)") // anywhere on the row
	is(x, "unfolded", `document.querySelectorAll("tr.details").length`, 1)

	x = open(t, browser, address+"#status=not-assessed")
	x.click("tr.result button.name")
	if text := eval[string](x, `document.querySelector("tr.details").innerText`); !strings.Contains(text, "access-denied (fixable)") || !strings.Contains(text, "Grant sqs:GetQueueAttributes") {
		t.Errorf("what was not assessed says %s", text)
	}
}

func testCopy(t *testing.T, browser context.Context, address string) {
	x := open(t, browser, address+"#rule=s3-bucket-versioning&group=none")
	x.click("tr.result button.name")
	i := slices.IndexFunc(rules.All, func(r engine.Rule) bool { return r.ID == "s3-bucket-versioning" })
	said := func(button string) string {
		x.run(`window.copied = ""; Object.defineProperty(navigator, "clipboard", {configurable: true, value: {writeText: async t => { window.copied = t }}})`)
		x.click(button)
		return eval[string](x, `window.copied`)
	}
	if got := said(`tr.details button[aria-label="Copy the commands"]`); !strings.Contains(rules.All[i].Fix.CLI, got) || got == "" {
		t.Errorf("the commands are copied as %q", got)
	}
	if got := said(`tr.details button[aria-label="Copy the evidence"]`); !strings.Contains(got, `"enabled": `) || !strings.HasPrefix(got, "{") {
		t.Errorf("the evidence is copied as %q", got)
	}
	if got := said(`tr.details button[aria-label="Copy the fingerprint"]`); len(got) != 32 {
		t.Errorf("the fingerprint is copied as %q", got)
	}
	if got := said(`#blind figure button`); got != "sqs:GetQueueAttributes" {
		t.Errorf("the actions to grant are copied as %q", got)
	}
	is(x, "what a screen reader hears", `document.getElementById("say").textContent`, "Copied")

	// Where the clipboard is closed, the old way is tried, and the truth is told.
	x.run(`Object.defineProperty(navigator, "clipboard", {configurable: true, value: undefined}); document.execCommand = c => { window.copied = c + ":" + getSelection(); return true }`)
	x.click(`#blind figure button`)
	is(x, "copied the old way", `window.copied`, "copy:sqs:GetQueueAttributes")
	x.run(`document.execCommand = () => false`)
	x.click(`#blind figure button`)
	is(x, "not copied", `document.querySelector("#blind figure button").textContent`, "Not copied")
}

func testKeyboard(t *testing.T, browser context.Context, address string) {
	x := open(t, browser, address)
	focused := `document.activeElement.closest("tr") ? document.activeElement.closest("tr").className + " " + document.activeElement.textContent : ""`
	x.slash()
	is(x, "after /", `document.activeElement.id`, "search")
	is(x, "the search is seen", `(r => r.top >= 0 && r.bottom <= innerHeight)(document.getElementById("search").getBoundingClientRect())`, true)
	x.key("warehouse")
	x.slash() // is a letter here
	is(x, "search", `document.getElementById("search").value`, "warehouse/")
	x.key(kb.Backspace)
	x.key(kb.ArrowDown)
	if at := eval[string](x, focused); !strings.HasPrefix(at, "group ") {
		t.Errorf("down from the search is %q", at)
	}
	x.key(kb.Enter)
	is(x, "enter unfolds", `document.activeElement.getAttribute("aria-expanded")`, "true")
	x.key(kb.ArrowDown)
	if at := eval[string](x, focused); !strings.HasPrefix(at, "result ") || !strings.Contains(at, "warehouse") {
		t.Errorf("down from a group is %q", at)
	}
	x.key(kb.Enter)
	is(x, "enter shows the finding", `document.querySelectorAll("tr.details").length`, 1)
	x.key(kb.ArrowUp)
	x.key(kb.ArrowUp)
	is(x, "up again", `document.activeElement.id`, "search")
	x.key(kb.Escape)
	is(x, "after Esc", `document.getElementById("search").value + location.hash`, "#findings")
	x.click("[data-toggle=severity-high]")
	is(x, "a filter", `location.hash`, "#severity=high")
	x.key(kb.Escape)
	is(x, "Esc clears filters too", `document.activeElement.id + location.hash`, "search#findings")
	x.key(kb.Tab)
	is(x, "Tab goes on", `document.activeElement.id`, "group")
}

// An address may name a finding, by the digits that other formats show.
func testLinks(t *testing.T, browser context.Context, address string) {
	x := open(t, browser, address+"#group=none")
	last := eval[string](x, `(() => { const s = [...document.querySelectorAll("script.rows")].flatMap(e => JSON.parse(e.textContent)); return s[s.length - 40][8] })()`)
	for _, link := range []string{last, last[:8]} {
		x = open(t, browser, address+"#"+link)
		is(x, "focus", `document.activeElement.closest("tr").id`, "r"+last)
		is(x, "shown", `(r => r.top >= 0 && r.bottom <= innerHeight)(document.activeElement.getBoundingClientRect())`, true)
		is(x, "unfolded", `document.activeElement.closest("tr").nextSibling.className`, "details")
	}
	is(x, "address after that", `location.hash`, "#"+last[:8])
	x.click(".split .fixes li a") // the first fix unit
	x.count("4 results in 1 group")
	if token := x.texts(".token"); len(token) != 1 || !strings.HasPrefix(token[0], "Fix unit: ") {
		t.Errorf("a fix unit is not told among the filters: %q", token)
	}
	x = open(t, browser, address+"#0123456789abcdef")
	is(x, "no such finding", `document.getElementById("say").textContent`, "There is no finding 0123456789abcdef")
	x = open(t, browser, address+"#severity=awful&status=none&group=constructor&q=%")
	is(x, "a broken address", `document.getElementById("group").value`, "rule")
}

func testWaived(t *testing.T, browser context.Context, address string) {
	x := open(t, browser, address)
	listed := x.texts("#waived tbody tr")
	if len(listed) == 0 || !strings.Contains(listed[0], "The partner moves") || !strings.Contains(listed[0], "2027-03-31") || !strings.Contains(listed[0], "OPS-4711") {
		t.Fatalf("waivers: %q", listed)
	}
	n := eval[int](x, `parseInt(document.querySelector("#waived tbody a").textContent)`)
	x.click("#waived tbody a")
	is(x, "results of a waiver", `parseInt(document.getElementById("count").textContent)`, n)
	x.pick("group", "none")
	if row := x.texts("tr.result")[0]; !strings.Contains(row, "waived until 2027-03-31") {
		t.Errorf("a waived result is not marked: %q", row)
	}
	x.click("tr.result button.name")
	if text := x.texts("tr.details")[0]; !strings.Contains(text, "only from the partner's addresses") {
		t.Errorf("a waived result says %q", text)
	}
	x.click("[data-toggle=status-fail]")
	if rows := strings.Join(x.texts("tr.result"), " "); strings.Contains(rows, "waived until") {
		t.Error("a waived failure is among the open ones")
	}
}

func testChanges(t *testing.T, browser context.Context, address string) {
	x := open(t, browser, address)
	links := x.texts(".changes a")
	if len(links) != 8 || !strings.HasSuffix(links[0], " new") || links[5] != "10 fixed" {
		t.Fatalf("changes: %q", links)
	}
	n := eval[int](x, `parseInt(document.querySelector(".changes a").textContent)`)
	x.click(".changes a")
	is(x, "new failures", `parseInt(document.getElementById("count").textContent)`, n)
	is(x, "menu", `document.getElementById("change").value`, "new")
	x.pick("group", "none")
	if rows := x.texts("tr.result"); n == 0 || n > 100 || len(rows) != n || !strings.Contains(rows[0], "new") {
		t.Errorf("%d new failures, and these rows: %q", n, rows)
	}
	if gone := x.texts("#gone tbody tr"); len(gone) != 10 || !strings.Contains(gone[0], "fixed") {
		t.Errorf("gone: %q", gone)
	}
}

func testTheme(t *testing.T, browser context.Context, address string) {
	ground := `getComputedStyle(document.body).backgroundColor`
	light, dark := "rgb(255, 255, 255)", "rgb(21, 24, 27)"
	x := open(t, browser, address, scheme("dark"))
	is(x, "as the system", ground, dark)
	x.click("#theme")
	is(x, "light", ground, light)
	x.do(chromedp.Reload(), ready)
	is(x, "kept", ground, light)
	x.click("#theme")
	is(x, "dark", ground, dark)
	x.do(medium("print"))
	is(x, "paper", ground, light)
	x.do(medium("screen"))
	x.click("#theme")
	is(x, "as the system again", `document.getElementById("theme").textContent`, "Theme: auto")
}

// Paper has all findings that the filters let through, without what can be clicked.
func testPaper(t *testing.T, browser context.Context, address string) {
	x := open(t, browser, address+"#service=ec2")
	n := eval[int](x, `parseInt(document.getElementById("count").textContent)`)
	x.do(medium("print"))
	x.run(`dispatchEvent(new Event("beforeprint"))`)
	is(x, "rows on paper", `document.querySelectorAll("tr.result").length`, n)
	is(x, "fix units", `document.querySelector("details.fixes").open`, true)
	is(x, "frameworks stay folded", `document.querySelector("details.framework").open`, false)
	is(x, "search", `document.getElementById("search").checkVisibility()`, false)
	x.run(`dispatchEvent(new Event("afterprint"))`)
	is(x, "rows afterwards", `document.querySelectorAll("tr.result").length`, 0)
	is(x, "fix units afterwards", `document.querySelector("details.fixes").open`, false)
	if pdf, err := chromedp.Run(x.ctx, chromedp.PrintToPDF()); err != nil || len(pdf) < 20_000 {
		t.Errorf("the PDF has %d bytes: %v", len(pdf), err)
	}
}

// The page asks nobody for anything, also where a server hands it out.
func testRequests(t *testing.T, browser context.Context, address string) {
	var mu sync.Mutex
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.URL.Path)
		mu.Unlock()
		http.ServeFile(w, r, address)
	}))
	defer server.Close()
	x := open(t, browser, server.URL+"/report.html")
	x.click("tr.group button")
	x.click("tr.result button.name")
	x.mu.Lock()
	for _, request := range x.requests {
		if request != server.URL+"/report.html" && !strings.HasPrefix(request, "data:") {
			t.Errorf("the page asks for %s", request)
		}
	}
	x.mu.Unlock()
	mu.Lock()
	if len(asked) != 1 {
		t.Errorf("the server was asked for %q", asked)
	}
	mu.Unlock()
	// It could not if it wanted to.
	for _, try := range []string{`fetch("/x").then(() => "sent", () => "refused")`, `new Promise(done => { const i = new Image(); i.onload = () => done("sent"); i.onerror = () => done("refused"); i.src = "/x.png" })`,
		`new Promise(done => { const s = document.createElement("script"); s.onload = () => done("sent"); s.onerror = () => done("refused"); try { s.src = "/x.js" } catch { done("refused") } document.body.append(s) })`} {
		if got := eval[string](x, try); got != "refused" {
			t.Errorf("%s is %s", try, got)
		}
	}
}

// Without the script the page still says what matters, and offers nothing that does not work.
func testWithoutScript(t *testing.T, browser context.Context, address string) {
	ctx, stop := chromedp.NewContext(browser)
	defer stop()
	x := &tab{TB: t, ctx: ctx}
	x.do(command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}), chromedp.Navigate("file://"+address))
	text, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("body")))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"critical", "Fix first", "more fixes", "Pillars", "Not assessed", "Grant sqs:GetQueueAttributes", "The findings are shown by the script", "Waived", "Accounts", "CIS"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, not := range []string{"Copy", "Theme:"} {
		if strings.Contains(text, not) {
			t.Errorf("the page offers %q, which does nothing", not)
		}
	}
}

// axeCore returns what checks accessibility.
func axeCore(t *testing.T) string {
	script, err := os.ReadFile(*axe)
	if err != nil {
		t.Skipf("there is no axe-core in %s, so accessibility is not checked: make browser fetches it by npm", *axe)
	}
	return string(script)
}

// violations lists what axe-core finds in a page.
func violations(x *tab, axe string) []string {
	x.run(axe)
	return eval[[]string](x, `axe.run(document).then(r => r.violations.map(v => v.id + ": " + v.help + " " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 200) + " " + n.failureSummary).join(" | ")))`)
}

// axe-core finds nothing, in light and dark, folded and unfolded.
func testAccessibility(t *testing.T, browser context.Context, address string) {
	script := axeCore(t)
	for _, colours := range []string{"light", "dark"} {
		for _, where := range []string{"", "#rule=s3-bucket-versioning&group=none", "#status=waived&group=none"} {
			x := open(t, browser, address+where, scheme(colours))
			if where != "" {
				x.click("tr.result button.name")
			}
			x.run(`for (const d of document.querySelectorAll("details")) d.open = true`)
			for _, violation := range violations(x, script) {
				t.Errorf("%s %q: %s", colours, where, violation)
			}
		}
	}
}

// hostile is what somebody may call a resource.
var hostile = []string{
	`<script>window.ran = 1</script>`, `</script><script>window.ran = 2</script>`, `<img src=x onerror="window.ran = 3">`, `"><svg onload=window.ran=4>`, `' onmouseover='window.ran=5`,
	`<!--<script>`, `-->`, `]]>`, `javascript:window.ran=6`, `&lt;b&gt;`, "a\u2028window.ran=7", "evil\u202egnp.exe", "tab\tand\nline", "nul\x00", `\u003cscript>`, `${window.ran=8}`, `__proto__`, `constructor`, "'; alert(1); '", `%s %d %!`, `#severity=low`,
	strings.Repeat("w", 255), // which no line takes, and nothing breaks
}

// What accounts say is shown, and never run.
func TestHostile(t *testing.T) {
	browser := begin(t)
	var results []engine.Recorded
	for i, name := range hostile {
		x := result(&rules.All[i], i)
		x.Resource.Name, x.Resource.ID, x.Resource.ARN, x.Resource.Region = name, name+"-id", "arn:"+name, name
		if len(name) > 200 { // AWS names the regions
			x.Resource.Region = "eu-west-1"
		}
		x.Message, x.Owner, x.FixKey, x.Severity = name+" fails", name, name, engine.Critical
		x.Evidence = map[string]any{name: name, "list": []string{name}, "deep": map[string]any{name: []any{name}}}
		x.Tags = map[string]string{name: name, "owner": name}
		results = append(results, x)
		y := result(&rules.All[i], 1000+i)
		y.Resource.Name, y.Resource.ID = name, name
		y.Verdict = engine.Unsure(model.CallFailed, name)
		y.Gap.Call = name
		results = append(results, y)
		z := result(&rules.All[i], 2000+i)
		z.Resource.Name, z.Severity = name, engine.Low
		results = append(results, z)
	}
	waive := func(x *engine.Result) *report.Waived {
		if x.Status != engine.Failed || x.Severity == engine.Critical {
			return nil
		}
		return &report.Waived{Reason: x.Resource.Name, Owner: x.Resource.Name, Expires: x.Resource.Name, Ticket: x.Resource.Name, Source: x.Resource.Name, Mitigation: x.Resource.Name, Risk: x.Resource.Name}
	}
	address := page(t, of(results...), report.Options{Waive: waive})
	x := open(t, browser, address+"#group=none")
	scripts := `document.querySelectorAll("script").length + " " + document.querySelectorAll("img, svg, iframe, object, form").length`
	is(x, "scripts", scripts, "3 0") // head, rows, and the one that runs
	for _, status := range []string{"fail", "not-assessed", "waived"} {
		x.click("[data-toggle=status-" + status + "]")
		for _, by := range []string{"rule", "resource", "region", "owner", "fix", "none"} {
			x.pick("group", by)
			if by != "none" && eval[string](x, `document.getElementById("unfold").textContent`) == "Unfold all" {
				x.click("#unfold")
			}
		}
		x.run(`for (const b of document.querySelectorAll("tr.result button.name")) b.click()`)
		rows := x.texts("tr.result button.name")
		for _, name := range hostile {
			shown := strings.Map(func(c rune) rune {
				if strings.ContainsRune("\t\n\x00\u2028\u202e", c) {
					return ' '
				}
				return c
			}, name)
			if !slices.Contains(rows, shown) {
				t.Errorf("%s: %q is not shown as it is: %q", status, name, rows)
			}
		}
	}
	x.click("[data-toggle=status-fail]")
	x.run(`for (const d of document.querySelectorAll("details")) d.open = true; for (const b of document.querySelectorAll("tr.result button.name")) b.click()`)
	for _, width := range []int64{1280, 800, 390, 320} {
		x.do(size(width, 800))
		if wide := eval[int64](x, `document.documentElement.scrollWidth`); wide > width {
			t.Errorf("at %d points the page is %d wide", width, wide)
		}
	}
	x.do(size(1280, 800))
	x.click("[data-toggle=status-fail]")
	for _, name := range hostile[:3] { // menus and tokens, and back
		x.click("[data-toggle=status-fail]")
		x.pick("owner", name)
		x.count("1 result")
		x.do(chromedp.Reload(), ready)
		x.count("1 result")
		x.click("#clear")
	}
	is(x, "what has run", `String(window.ran)`, "undefined")
	is(x, "objects", `String({}.polluted)`, "undefined")
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.errors) > 0 {
		t.Errorf("errors: %q", x.errors)
	}
}

// Whatever there is in a report, or is not, can be shown.
func TestEmpty(t *testing.T) {
	browser := begin(t)
	x := open(t, browser, page(t, of(), report.Options{}))
	is(x, "verdict", `document.getElementById("verdict").textContent`, "Nothing fails in 4 accounts, and every rule saw all it needs.")
	x.count("No result matches")
	x.slash()
	x.key("x" + kb.ArrowDown + kb.Escape)
	passed := result(&rules.All[0], 1)
	passed.Verdict = engine.Pass()
	x = open(t, browser, page(t, of(passed), report.Options{Filter: report.Filter{Statuses: []engine.Status{engine.Passed}}}))
	x.count("1 result in 1 group")
	if len(x.errors) > 0 {
		t.Errorf("errors: %q", x.errors)
	}
}

// With 50 000 findings the page holds a few rows at a time, and finds any of them.
func TestLarge(t *testing.T) {
	browser := begin(t)
	x := open(t, browser, page(t, many(50_000), report.Options{}))
	x.pick("group", "none")
	x.count("50 000 results")
	is(x, "rows", `document.querySelectorAll("tr.result").length`, 100)
	x.click("#search")
	x.key("049999")
	x.count("1 result")
	is(x, "row", `document.querySelector("tr.result button.name").textContent`, "reporting-search-049999")
}

// BenchmarkLarge measures the page of 50 000 findings: bytes, and milliseconds in the browser.
func BenchmarkLarge(b *testing.B) {
	browser := begin(b)
	address := page(b, many(50_000), report.Options{Waive: waive})
	info, err := os.Stat(address)
	if err != nil {
		b.Fatal(err)
	}
	measured := map[string]float64{}
	for b.Loop() {
		x := open(b, browser, address)
		measure := func(name, expression string) {
			if took := eval[float64](x, expression); measured[name] == 0 || took < measured[name] {
				measured[name] = took
			}
		}
		// An action counts until the browser has painted what it led to.
		timed := func(name, action string) {
			measure(name, `(async () => { const painted = () => new Promise(done => requestAnimationFrame(() => setTimeout(done))); await painted(); const began = performance.now(); `+action+`; await painted(); return performance.now() - began })()`)
		}
		search := `(s => { s.value = %q; s.dispatchEvent(new Event("input")) })(document.getElementById("search")); await new Promise(done => setTimeout(done, 120))`
		choose := `(s => { s.value = %q; s.dispatchEvent(new Event("change")) })(document.getElementById(%q))`
		measure("first-paint-ms", `performance.getEntriesByType("paint").find(e => e.name === "first-contentful-paint").startTime`)
		measure("ready-ms", `Number(document.documentElement.dataset.ready)`)
		timed("filter-ms", `document.querySelector("[data-toggle=severity-medium]").click()`)
		timed("group-by-resource-ms", fmt.Sprintf(choose, "resource", "group"))
		timed("first-search-ms", fmt.Sprintf(search, "payments"))
		timed("next-search-ms", fmt.Sprintf(search, "payments-search eu-west-1"))
		measure("heap-MB", `performance.memory.usedJSHeapSize / 1e6`)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(info.Size())/1e6, "file-MB")
	for name, value := range measured {
		b.ReportMetric(value, name)
	}
}

// TestPictures takes pictures of a page, for people to look at: go test ./internal/browsertest -run Pictures -shots DIR
func TestPictures(t *testing.T) {
	if *shots == "" {
		return
	}
	browser := begin(t)
	for name, n := range map[string]int{"small": 1000, "large": 50_000} {
		address := page(t, many(n), report.Options{Waive: waive, Baseline: earlier(t, n*9/10)}, "cis-5.0")
		text, err := os.ReadFile(address)
		if err != nil {
			t.Fatal(err)
		}
		keep := func(ending string, b []byte) {
			if err := os.WriteFile(filepath.Join(*shots, name+ending), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		keep(".html", text)
		for _, colours := range []string{"light", "dark"} {
			for _, width := range []int64{1280, 390} {
				x := open(t, browser, address, scheme(colours), size(width, 800))
				for _, at := range []string{"summary", "findings", "blind", "waived", "gone", "accounts", "frameworks"} {
					if at == "findings" {
						x.click("tr.group button")
						x.click("tr.result button.name")
					}
					x.run(`document.getElementById("` + at + `").scrollIntoView()`)
					b, err := chromedp.Run(x.ctx, chromedp.CaptureScreenshot())
					if err != nil {
						t.Fatal(err)
					}
					keep(fmt.Sprintf("-%s-%d-%s.png", colours, width, at), b)
				}
			}
		}
		x := open(t, browser, address+"#severity=critical")
		b, err := chromedp.Run(x.ctx, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4)))
		if err != nil {
			t.Fatal(err)
		}
		keep(".pdf", b)
	}
}
