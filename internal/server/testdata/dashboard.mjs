// Opens the pages of a server in a browser, as people do. Each check prints a line: "ok NAME", or "not ok NAME: WHY".
//
// node dashboard.mjs PLAYWRIGHT CHROMIUM AXE OPEN CLOSED TOKEN [PICTURES]
// OPEN is a server that nobody need sign in to, CLOSED one for which TOKEN is valid.
import { readFileSync } from "node:fs";

const [playwright, executablePath, axePath, open, closed, token, pictures] = process.argv.slice(2);
const { chromium } = await import(playwright);
const browser = await chromium.launch({ executablePath, args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });

const equal = (what, got, want) => { if (got !== want) throw new Error(`${what} is ${JSON.stringify(got)}, want ${JSON.stringify(want)}`); };
const holds = (what, is) => { if (!is) throw new Error(what); };

// A tab notes what goes wrong in it, and whom it asks.
async function tab(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, permissions: ["clipboard-read", "clipboard-write"], ...options });
  const page = await context.newPage();
  page.wrong = [];
  page.asked = [];
  page.on("console", (m) => { if (m.type() === "error") page.wrong.push(m.text()); });
  page.on("pageerror", (e) => page.wrong.push(e.message));
  page.on("request", (r) => page.asked.push(r.url()));
  page.setDefaultTimeout(20000);
  return page;
}

async function check(name, options, test) {
  const page = await tab(options);
  try {
    await test(page);
    const foreign = page.asked.filter((a) => !a.startsWith(open) && !a.startsWith(closed) && !a.startsWith("data:"));
    holds(`it asked others: ${foreign}`, foreign.length === 0);
    holds(`it went wrong: ${page.wrong}`, page.wrong.length === 0);
    console.log(`ok ${name}`);
  } catch (e) {
    console.log(`not ok ${name}: ${String(e.message).replaceAll("\n", " | ").slice(0, 1500)}`);
  }
  await page.context().close();
}

const finding = await (async () => {
  const page = await tab();
  await page.goto(open + "/findings");
  const href = await page.getAttribute("a.name", "href");
  await page.context().close();
  return href;
})();
const pages = ["/", "/findings", "/findings?by=rule", "/findings?tab=waived", finding, "/coverage", "/scans", "/waivers", "/schedules", "/review", "/access", "/audit", "/nothing"];
const dull = (page) => { page.wrong = page.wrong.filter((w) => !w.includes("404")); }; // of a page that there is not

await check("every page fits every width", {}, async (page) => {
  for (const path of pages) {
    await page.goto(open + path);
    for (const width of [1280, 1000, 800, 390, 320]) {
      await page.setViewportSize({ width, height: 800 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      holds(`${path} is ${wide} wide at ${width}`, wide <= width);
    }
  }
  dull(page);
});

await check("the first screen sums up", {}, async (page) => {
  await page.goto(open + "/");
  for (const selector of ["#verdict", ".facts", ".sums tbody tr:nth-child(6)", ".trend tbody tr"]) {
    const { y, height } = await page.locator(selector).first().boundingBox();
    holds(`${selector} ends at ${y + height}`, y + height <= 800);
  }
  holds("the verdict counts", /\d+ .*(critical|high|findings).* in 4 accounts/.test(await page.textContent("#verdict")));
  const n = await page.textContent(".sums .amount >> nth=0");
  await page.click(".sums .amount >> nth=0");
  await page.waitForURL(/\/findings\?/);
  holds(`it leads to ${await page.textContent("#count")}, not ${n}`, (await page.textContent("#count")).startsWith(n.trim() + " finding"));
});

await check("findings are searched and picked", {}, async (page) => {
  await page.goto(open + "/findings");
  const all = await page.textContent("#count");
  await page.keyboard.press("/");
  equal("focus", await page.evaluate(() => document.activeElement.id), "search");
  equal("the letter", await page.inputValue("#search"), "");
  await page.keyboard.type("Worker");
  await page.keyboard.press("Enter");
  await page.waitForURL(/q=Worker/);
  for (const row of await page.locator("tr.result").allTextContents()) holds(`a row without it: ${row}`, row.toLowerCase().includes("worker"));
  await page.selectOption("#by-account", "111122223333");
  await page.waitForURL(/account=111122223333/);
  const address = page.url();
  holds(`the address is ${address}`, address.includes("q=Worker") && !address.includes("region=") && !address.includes("rule="));
  for (const row of await page.locator("tr.result").allTextContents()) holds(`a row of another account: ${row}`, row.includes("111122223333"));
  await page.click(".severities a >> nth=-1");
  await page.waitForURL(/severity=low/);
  equal("picked", await page.locator(".severities a[aria-current=true]").count(), 1);
  await page.goBack();
  await page.waitForURL(address);
  equal("menu after going back", await page.inputValue("#by-account"), "111122223333");
  await page.click("text=Clear");
  await page.waitForURL(/\/findings$/);
  equal("all again", await page.textContent("#count"), all);
  await page.click("nav.tabs >> text=Fixed");
  await page.waitForURL(/tab=fixed/);
  equal("tab", (await page.textContent("nav.tabs [aria-current]")).replace(/[\d\s\u202f]/g, ""), "Fixed");
  await page.fill("#search", "nobody has this name");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".empty");
});

await check("findings by keyboard", {}, async (page) => {
  await page.goto(open + "/findings");
  const name = (i) => page.locator("a.name").nth(i).textContent();
  const here = () => page.evaluate(() => document.activeElement.textContent);
  await page.keyboard.press("j");
  equal("first", await here(), await name(0));
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  equal("second", await here(), await name(1));
  const want = await name(1);
  await page.keyboard.press("Enter");
  await page.waitForSelector("article.finding");
  holds("the page about it", (await page.textContent("h1")).includes(want));
  await page.goto(open + "/findings");
  await page.keyboard.press("Tab");
  equal("the first stop", await here(), "Skip to the page");
  await page.keyboard.press("Enter");
  holds("it skips", page.url().endsWith("#main"));
  for (let i = 0; i < 60; i++) { // all can be reached, and is seen to be
    await page.keyboard.press("Tab");
    const seen = await page.evaluate(() => { const e = document.activeElement; return e === document.body || getComputedStyle(e).outlineStyle !== "none"; });
    holds(`the focus shows on ${await here()}`, seen);
  }
});

await check("a row leads to its finding", {}, async (page) => {
  await page.goto(open + "/findings");
  const href = await page.getAttribute("a.name >> nth=2", "href");
  await page.locator("tr.result").nth(2).locator("td").nth(3).click();
  await page.waitForURL(open + href);
  await page.locator("[data-copy-text]").click();
  await page.waitForSelector("text=Copied");
  holds("the ARN is copied", (await page.evaluate(() => navigator.clipboard.readText())).startsWith("arn:aws:"));
  for (const word of ["What was found", "Evidence", "Why it matters", "How to fix it", "History"]) await page.waitForSelector(`text=${word}`);
});

await check("pages of findings", {}, async (page) => {
  await page.goto(open + "/findings");
  const first = await page.textContent("a.name");
  await page.click("a[rel=next]");
  await page.waitForURL(/after=/);
  holds("another page", (await page.textContent("a.name")) !== first);
  await page.click("text=First page");
  await page.waitForURL(/\/findings$/);
  equal("the first page", await page.textContent("a.name"), first);
});

await check("light and dark", { colorScheme: "dark" }, async (page) => {
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.goto(open + "/");
  equal("dark, as the system", await ground(), "rgb(21, 24, 27)");
  await page.click("#theme");
  equal("light, as asked", await ground(), "rgb(255, 255, 255)");
  await page.goto(open + "/scans");
  equal("light elsewhere", await ground(), "rgb(255, 255, 255)");
  equal("the button", await page.textContent("#theme"), "Theme: light");
  await page.click("#theme");
  await page.emulateMedia({ colorScheme: "light" });
  equal("dark, as asked", await ground(), "rgb(21, 24, 27)");
  await page.click("#theme");
  equal("light, as the system", await ground(), "rgb(255, 255, 255)");
});

await check("a scan is followed to its end", {}, async (page) => {
  await page.goto(open + "/scans");
  await page.click("text=Scan production now");
  await page.waitForURL(/\/scans\/[0-9a-f]{16}$/);
  await page.waitForFunction(() => document.querySelector("[data-p=phase]").textContent === "Reading");
  await page.waitForFunction(() => document.querySelector("[data-p=calls]").textContent === "4\u202f211");
  equal("the bar", await page.evaluate(() => { const b = document.querySelector("progress"); return `${b.value} of ${b.max}`; }), "7 of 20");
  equal("what is left", await page.textContent("[data-p=left]"), "about 2 minutes");
  await page.click("text=Cancel this scan");
  await page.waitForSelector("h1:has-text('was cancelled')");
  await page.goto(open + "/schedules");
  await page.locator("button", { hasText: "Scan now" }).first().click();
  await page.waitForSelector("h1:has-text('failed')"); // by itself: the server says that it is over
  await page.waitForSelector("text=no credentials");
});

await check("signing in and out", {}, async (page) => {
  await page.goto(closed + "/findings?severity=high");
  holds(`nobody is sent to ${page.url()}`, page.url().startsWith(closed + "/login?next="));
  await page.fill("#token", "scanner_wrong");
  await page.keyboard.press("Enter");
  await page.waitForSelector("[role=alert]");
  page.wrong = page.wrong.filter((w) => !w.includes("401"));
  await page.fill("#token", token);
  await page.keyboard.press("Enter");
  await page.waitForURL(closed + "/findings?severity=high");
  const cookies = await page.context().cookies();
  holds(`cookies ${JSON.stringify(cookies)}`, cookies.length === 1 && cookies[0].httpOnly && cookies[0].sameSite === "Lax");
  equal("what scripts see", await page.evaluate(() => document.cookie), "");
  await page.click("text=Access");
  await page.fill("#name", "Grafana");
  await page.click("text=Make");
  await page.waitForSelector("figure.code >> text=scanner_");
  await page.locator("figure.code [data-copy]").click();
  holds("the token is copied", /^scanner_[0-9a-f]{16}_.{43}$/.test(await page.evaluate(() => navigator.clipboard.readText())));
  await page.click("text=Sign out");
  await page.waitForURL(closed + "/login");
  await page.goto(closed + "/");
  holds("signed out", page.url().startsWith(closed + "/login"));
});

await check("another site can do nothing", {}, async (page) => {
  await page.goto(open + "/scans");
  const before = await page.locator("tbody tr").count();
  await page.context().route("http://evil.example/", (route) => route.fulfill({ contentType: "text/html", body: `<form method="post" action="${open}/scans"><input name="stream" value="production"><button>Win a prize</button></form>` }));
  const other = await page.context().newPage();
  await other.goto("http://evil.example/");
  const [answer] = await Promise.all([other.waitForResponse((r) => r.request().method() === "POST"), other.click("button")]);
  equal("the answer", answer.status(), 403);
  await page.reload();
  equal("scans", await page.locator("tbody tr").count(), before);
});

await check("what is put into a page does not run", {}, async (page) => {
  await page.goto(open + "/");
  const ran = await page.evaluate(() => new Promise((done) => {
    const blocked = [];
    document.addEventListener("securitypolicyviolation", (e) => blocked.push(e.effectiveDirective));
    const script = document.createElement("script");
    try { script.textContent = "window.ran = true"; } catch { blocked.push("trusted types"); }
    document.body.append(script);
    const p = document.createElement("p");
    p.setAttribute("style", "position: fixed");
    try { p.setAttribute("onclick", "window.ran = true"); } catch { blocked.push("trusted types"); }
    document.body.append(p);
    p.click();
    const image = document.createElement("img");
    image.src = "https://example.com/x.png";
    document.body.append(image);
    setTimeout(() => done({ ran: window.ran === true, fixed: getComputedStyle(p).position, blocked: [...new Set(blocked)].sort().join() }), 300);
  }));
  page.wrong = [];
  page.asked = page.asked.filter((a) => !a.startsWith("https://example.com"));
  equal("a script ran", ran.ran, false);
  equal("a style applied", ran.fixed, "static");
  for (const what of ["img-src", "style-src-attr", "trusted types"]) holds(`only ${ran.blocked} were blocked`, ran.blocked.includes(what));
});

await check("without scripts", { javaScriptEnabled: false }, async (page) => {
  await page.goto(open + "/findings");
  await page.fill("#search", "worker");
  await page.click("form[role=search] button");
  await page.waitForURL(/q=worker/);
  await page.selectOption("#by-account", "111122223333");
  await page.click("text=Apply");
  await page.waitForURL(/account=111122223333/);
  holds("it still searches", page.url().includes("q=worker"));
  await page.click("a.name >> nth=0");
  await page.waitForSelector("article.finding");
});

await check("paper", {}, async (page) => {
  await page.goto(open + "/");
  await page.emulateMedia({ media: "print" });
  equal("menus on paper", await page.locator(".top").isVisible(), false);
  holds("the verdict on paper", await page.locator("#verdict").isVisible());
});

if (axePath) {
  const axe = readFileSync(axePath, "utf8");
  for (const colorScheme of ["light", "dark"]) {
    await check(`accessible in ${colorScheme}`, { colorScheme }, async (page) => {
      const found = [];
      for (const path of [...pages, closed + "/login"]) {
        await page.goto(path.startsWith("http") ? path : open + path);
        await page.evaluate(axe);
        const all = await page.evaluate(() => axe.run(document).then((r) => r.violations.map((v) => `${v.id}: ${v.nodes.slice(0, 2).map((n) => n.html.slice(0, 160)).join(" , ")}`)));
        for (const v of all) found.push(`${path} ${v}`);
      }
      dull(page);
      holds(found.join("\n"), found.length === 0);
    });
  }
}

if (pictures) {
  for (const [name, size, colorScheme] of [["light", [1280, 800], "light"], ["dark", [1280, 800], "dark"], ["phone", [390, 844], "light"], ["phone-dark", [390, 844], "dark"]]) {
    const page = await tab({ viewport: { width: size[0], height: size[1] }, colorScheme });
    for (const path of pages) {
      await page.goto(open + path);
      await page.screenshot({ path: `${pictures}/${name}-${path === finding ? "finding" : path.replace(/\W+/g, "-").replace(/^-/, "") || "overview"}.png`, fullPage: true });
    }
    await page.context().close();
  }
}
await browser.close();
