"use strict";
const sheet = JSON.parse(document.getElementById("sheet").textContent);

// ---- What follows from answers: by the tables that came with the page, which knows no rules of its own

const missing = (s) => s === "not-established" || s === "conflict";
const present = (s) => s === "established" || s === "scan-established";
const riskNames = ["NONE", "MEDIUM", "HIGH"];
const rank = (risk) => Math.max(0, riskNames.indexOf(risk));

// consequence is the state of a practice with its flags.
const consequence = (p, said) => sheet.follows[p.evidence][said];

// riskOf is the risk of a question, from what is certain to what is possible.
function riskOf(q, states) {
  const applicable = states.filter((s) => s !== "not-applicable").length;
  const open = states.filter((s) => s === "undecided").length;
  if (applicable === 0) return {lower: "NOT_APPLICABLE", upper: "NOT_APPLICABLE"};
  let lower = 0, upper = 0;
  if (q.table) {
    let sure = 0;
    const may = [];
    states.forEach((s, n) => {
      if (present(s) || s === "not-applicable") sure |= 1 << n;
      if (s === "undecided") may.push(1 << n);
    });
    lower = 2;
    for (let mask = 0; mask < 1 << may.length; mask++) {
      let ticked = sure;
      may.forEach((bit, n) => { if (mask >> n & 1) ticked |= bit; });
      const r = +q.table[ticked];
      lower = Math.min(lower, r);
      upper = Math.max(upper, r);
    }
  } else {
    states.forEach((s, n) => {
      const r = q.practices[n].rank;
      if (missing(s)) lower = Math.max(lower, r);
      if (missing(s) || s === "undecided") upper = Math.max(upper, r);
    });
  }
  return {lower: open === applicable ? "UNANSWERED" : riskNames[lower], upper: riskNames[upper]};
}

// recount works out all that is shown of some answers: an object of yes, no, partly, na or none by choice.
function recount(answers) {
  const questions = {}, states = {}, pillars = {};
  for (const id of sheet.pillars) pillars[id] = {certain: {}, possible: {}, open: 0, present: {}, missing: {}, undecided: {}, practices: 0, decided: 0};
  for (const q of sheet.questions) {
    const x = pillars[q.pillar];
    const all = q.practices.map((p) => consequence(p, q.outside ? "na" : answers[p.choice] ?? "none").state);
    const open = all.filter((s) => s === "undecided").length;
    const risk = riskOf(q, all);
    questions[q.id] = {...risk, open};
    x.certain[risk.lower] = (x.certain[risk.lower] ?? 0) + 1;
    x.possible[risk.upper] = (x.possible[risk.upper] ?? 0) + 1;
    x.open += open;
    q.practices.forEach((p, n) => {
      states[p.choice] = all[n];
      if (all[n] === "not-applicable") return;
      const to = present(all[n]) ? x.present : missing(all[n]) ? x.missing : x.undecided;
      to[p.level] = (to[p.level] ?? 0) + 1;
      x.practices++;
      if (all[n] !== "undecided") x.decided++;
    });
  }
  for (const x of Object.values(pillars)) {
    const levels = ["high", "medium", "low"];
    const weigh = (of) => levels.reduce((sum, l) => sum + sheet.weights[l] * (of[l] ?? 0), 0);
    const terms = (of) => levels.map((l) => sheet.weights[l] + "×" + (of[l] ?? 0)).join(" + ");
    const sure = weigh(x.present), may = sure + weigh(x.undecided), whole = may + weigh(x.missing);
    const percent = (n) => whole ? Math.floor((1000 * n + Math.floor(whole / 2)) / whole) / 10 : 0;
    x.lower = percent(sure);
    x.upper = percent(may);
    x.arithmetic = whole ? `in place ${terms(x.present)} = ${sure}; undecided ${terms(x.undecided)} = ${may - sure}; of ${whole}: ${sure}/${whole} = ${x.lower.toFixed(1)} % to ${may}/${whole} = ${x.upper.toFixed(1)} %` : "nothing applies";
    x.label = x.certain.HIGH ? "at risk" : x.certain.MEDIUM ? "improvable" : x.practices === 0 ? "not applicable" : x.possible.HIGH || x.possible.MEDIUM || x.certain.UNANSWERED ? "open" : "in order";
  }
  return {questions, states, pillars};
}

// ---- The file

// quoted makes YAML of a text: JSON is, if nothing stands in it that YAML does not print.
const quoted = (text) => JSON.stringify(text.toWellFormed ? text.toWellFormed() : text).replace(/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));

// lineOf writes an answer as one line of the file.
function lineOf(choice, a, indent) {
  const parts = ["state: " + (a.state === "none" ? "open" : a.state)];
  if (a.by) parts.push("by: " + quoted(a.by));
  if (a.on) parts.push("on: " + a.on);
  if (a.reviewBy && a.reviewBy >= a.on) parts.push("review_by: " + a.reviewBy);
  if (a.note) parts.push("note: " + quoted(a.note));
  if (a.links?.length) parts.push("link: [" + a.links.map(quoted).join(", ") + "]");
  if (a.reason && a.state === "na") parts.push("reason: " + a.reason);
  return indent + choice + ": {" + parts.join(", ") + "}";
}

// fileOf writes the file of answers: what nobody has touched here stays as it is, letter by letter.
function fileOf(changed) {
  const indent = sheet.body.find((e) => e.choice)?.lines.at(-1).match(/^\s+/)?.[0] ?? "  ";
  const written = new Set();
  const lines = [...sheet.head];
  const put = (choice) => {
    written.add(choice);
    const a = changed[choice];
    if (a.state !== "none" || a.note) lines.push(lineOf(choice, a, indent));
  };
  for (const e of sheet.body) {
    if (e.choice && changed[e.choice]) {
      lines.push(...e.lines.filter((l) => l.trim().startsWith("#")));
      put(e.choice);
    } else lines.push(...e.lines);
  }
  for (const q of sheet.questions) for (const p of q.practices) if (changed[p.choice] && !written.has(p.choice)) put(p.choice);
  if (!lines.slice(sheet.head.length).some((l) => l.trim() && !l.trim().startsWith("#"))) { // a key without a value is no YAML that anybody reads
    const key = lines.slice(0, sheet.head.length).findLastIndex((l) => /^answers:/.test(l));
    lines.splice(key, 1);
  }
  lines.push(...sheet.tail);
  return lines.join(sheet.eol) + sheet.eol;
}

// ---- The page

const byID = (id) => document.getElementById(id);
const changed = {}; // what somebody has said here
let saved = true;

function node(tag, attributes, ...children) {
  const n = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes ?? {})) if (v === true) n.setAttribute(k, ""); else if (v !== false && v != null) n.setAttribute(k, v);
  n.append(...children.filter((c) => c != null));
  return n;
}

const said = (choice) => changed[choice] ?? sheet.answers[choice] ?? {state: "none"};
const today = () => { const d = new Date(); return [d.getFullYear(), d.getMonth() + 1, d.getDate()].map((n) => String(n).padStart(2, "0")).join("-"); };
const spell = (r) => r.lower === r.upper ? r.lower : r.lower === "UNANSWERED" ? `UNANSWERED, up to ${r.upper}` : `${r.lower}..${r.upper}`;
const colour = (r) => r.lower === "NONE" && r.upper !== "NONE" ? "UNANSWERED" : r.lower;
const plural = (n, one) => n + " " + one + (n === 1 ? "" : "s");

// show writes all that follows from the answers into the page.
function show() {
  const answers = {};
  for (const q of sheet.questions) for (const p of q.practices) answers[p.choice] = said(p.choice).state;
  const now = recount(answers);
  let discuss = 0;
  for (const q of sheet.questions) {
    const r = now.questions[q.id];
    const d = document.querySelector(`[data-question="${CSS.escape(q.id)}"]`);
    const risk = d.querySelector("summary .risk");
    risk.textContent = spell(r);
    risk.className = "risk " + colour(r);
    d.querySelector("summary .open").textContent = r.open ? r.open + " open" : "";
    const t = document.querySelector(`[data-tile="${CSS.escape(q.id)}"]`);
    t.className = "tile " + colour(r) + (rank(r.lower) ? " sure" : "") + (rank(r.upper) > rank(r.lower) ? " may-" + r.upper : "");
    t.title = t.title.slice(0, t.title.lastIndexOf(": ") + 2) + spell(r);
    let talk = false;
    for (const p of q.practices) {
      const row = d.querySelector(`[data-practice="${CSS.escape(p.choice)}"]`);
      const c = consequence(p, q.outside ? "na" : answers[p.choice]);
      const apart = !changed[p.choice] && sheet.answers[p.choice]?.apart;
      const to = c.state === "conflict" || apart;
      talk ||= to;
      discuss += to ? 1 : 0;
      const flags = [...c.flags];
      if (p.waived) flags.push("waived");
      if (apart) flags.push("disagreement");
      if (!changed[p.choice] && sheet.answers[p.choice]?.lapsed) flags.push("lapsed");
      const state = row.querySelector(".state");
      state.className = "state " + c.state;
      state.textContent = to ? "to discuss" : c.state;
      row.querySelector(".follows .small").textContent = flags.map((f) => sheet.flags[f]).join("; ");
      row.classList.toggle("changed", p.choice in changed);
    }
    d.dataset.discuss = talk;
    d.dataset.high = r.lower === "HIGH";
    d.dataset.open = r.open > 0;
  }
  for (const [id, x] of Object.entries(now.pillars)) {
    const box = document.querySelector(`[data-pillar="${CSS.escape(id)}"]`);
    if (!box) continue;
    const put = (name, text) => { box.querySelector(`[data-n="${name}"]`).textContent = text; };
    for (const name of ["HIGH", "MEDIUM"]) {
      const sure = x.certain[name] ?? 0, may = x.possible[name] ?? 0;
      put(name, may > sure ? `${sure} (${may})` : sure);
    }
    put("NONE", x.certain.NONE ?? 0);
    put("UNANSWERED", x.certain.UNANSWERED ?? 0);
    put("open", x.open);
    const round = (n) => Math.floor(n + 0.5);
    const score = x.arithmetic === "nothing applies" ? "-" : x.lower === x.upper ? round(x.lower) + " %" : `${round(x.lower)}..${round(x.upper)} %`;
    put("score", score);
    put("decided", x.decided);
    put("practices", x.practices);
    put("arithmetic", x.arithmetic);
    const label = box.querySelector(".label");
    label.textContent = x.label;
    label.className = "label " + x.label.replaceAll(" ", "-");
    box.querySelector("rect.may").setAttribute("width", x.upper.toFixed(1));
    box.querySelector("rect.sure").setAttribute("width", x.lower.toFixed(1));
    box.querySelector(".bar").setAttribute("aria-label", "in place " + score);
  }
  const all = Object.values(now.questions);
  const high = all.filter((r) => r.lower === "HIGH").length, may = all.filter((r) => r.upper === "HIGH").length;
  const n = Object.keys(changed).length;
  byID("sum").textContent = `${plural(high, "question")} at high risk for certain, up to ${may}; ${discuss} to discuss; ${plural(n, "answer")} given here${n && !saved ? ", not saved" : ""}`;
}

const labels = {yes: "yes", partly: "partly", no: "no", na: "n/a", none: "open"};

// plain is a text without what could turn its direction.
const plain = (text) => text.replace(/[\p{Bidi_Control}\u2028\u2029]|(?!\n)\p{Cc}/gu, " ");

// controls puts the answer of a practice, and what to answer by, into its row.
function controls(row, p) {
  const cell = row.querySelector(".answer");
  const a = said(p.choice);
  const group = node("div", {class: "says", role: "radiogroup", "aria-label": "Is it in place? " + p.id});
  for (const [state, text] of Object.entries(labels)) {
    const input = node("input", {type: "radio", name: p.choice, value: state, checked: a.state === state && !a.apart});
    input.addEventListener("change", () => answer(p, {state}));
    group.append(node("label", {}, input, node("span", {}, text)));
  }
  const by = node("input", {class: "by", placeholder: "owner", "aria-label": "Owner of the answer about " + p.id, maxlength: 200});
  by.value = plain(a.by ?? "");
  const note = node("textarea", {class: "note-in", rows: 1, placeholder: "note", "aria-label": "Note on " + p.id, maxlength: 2000});
  note.value = a.apart ? "" : plain(a.note ?? "");
  by.addEventListener("input", () => answer(p, {by: by.value.trim()}));
  note.addEventListener("input", () => { answer(p, {note: note.value.trim()}); grow(note); });
  for (const x of [by, note]) x.classList.toggle("secret", /(?<!\d)\d{12}(?!\d)/.test(x.value));
  cell.append(group, node("div", {class: "more"}, by, note));
  cell.classList.toggle("keep", !!(a.apart || a.lapsed));
  grow(note);
}

function grow(area) { area.style.height = "auto"; if (area.scrollHeight) area.style.height = Math.min(160, area.scrollHeight + 2) + "px"; }

// answer takes what somebody says.
function answer(p, part) {
  const was = said(p.choice);
  const x = {...was, ...part, on: today()};
  if (was.apart) { x.apart = false; if (!("note" in part)) x.note = ""; }
  delete x.lapsed;
  if (x.reviewBy && x.reviewBy < x.on) delete x.reviewBy;
  if ("state" in part && part.state !== "na") delete x.reason;
  if (!x.by && byID("who").value.trim() && !("by" in part)) x.by = byID("who").value.trim();
  changed[p.choice] = x;
  saved = false;
  const row = document.querySelector(`[data-practice="${CSS.escape(p.choice)}"]`);
  const by = row.querySelector("input.by");
  if (by && !("by" in part)) by.value = x.by ?? "";
  const told = labels[x.state] + (x.by ? " by " + x.by : "") + " on " + x.on + (x.note ? ": " + x.note : "");
  row.querySelector(".said").textContent = told;
  show();
}

// save downloads the file, unless somebody has not said who answers.
function save() {
  const who = byID("who").value.trim();
  for (const x of Object.values(changed)) if (!x.by && who) x.by = who;
  if (Object.values(changed).some((x) => x.state !== "none" && !x.by)) {
    byID("who").classList.add("wanted");
    byID("who").focus();
    byID("sum").textContent = "Who answers? Write a name, and save again";
    return;
  }
  byID("who").classList.remove("wanted");
  const url = URL.createObjectURL(new Blob([fileOf(changed)], {type: "application/yaml"}));
  node("a", {href: url, download: "review.yaml"}).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
  saved = true;
  show();
}

function begin() {
  for (const q of sheet.questions) {
    const d = document.querySelector(`[data-question="${CSS.escape(q.id)}"]`);
    if (q.outside) continue; // the file says of the whole question that it does not apply
    d.addEventListener("toggle", () => {
      if (!d.open || d.dataset.controls) return;
      d.dataset.controls = "";
      for (const p of q.practices) controls(d.querySelector(`[data-practice="${CSS.escape(p.choice)}"]`), p);
    });
  }
  byID("save").addEventListener("click", save);
  byID("ids").addEventListener("click", () => {
    const on = document.documentElement.classList.toggle("ids");
    byID("ids").setAttribute("aria-pressed", on);
    byID("ids").textContent = on ? "Hide account IDs" : "Show account IDs";
  });
  byID("filter").addEventListener("click", (e) => {
    const which = e.target.dataset?.show;
    if (!which) return;
    for (const b of byID("filter").children) b.setAttribute("aria-pressed", b === e.target);
    for (const d of document.querySelectorAll("[data-question]")) d.hidden = which !== "all" && d.dataset[which] !== "true";
  });
  addEventListener("beforeunload", (e) => { if (!saved) e.preventDefault(); });
  // On paper nobody can unfold anything.
  addEventListener("beforeprint", () => document.querySelectorAll("#questions details:not([open])").forEach((d) => { d.open = true; d.dataset.folded = ""; }));
  addEventListener("afterprint", () => document.querySelectorAll("details[data-folded]").forEach((d) => { d.open = false; delete d.dataset.folded; }));
  // A link to a question unfolds it.
  const unfold = () => { const d = location.hash.length > 1 && byID(decodeURIComponent(location.hash.slice(1))); if (d && d.tagName === "DETAILS") { d.hidden = false; d.open = true; } };
  addEventListener("hashchange", unfold);
  byID("bar").hidden = byID("filter").hidden = false;
  show();
  unfold();
  document.documentElement.dataset.ready = "";
}
begin();
