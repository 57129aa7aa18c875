// Shows the findings of a report: searched, filtered, grouped and unfolded. Whatever an account says becomes text of a
// node, never markup; the content security policy of the page allows nothing else.
"use strict";
(() => {
const pageSize = 100;     // rows or groups that are shown at once
const openUpTo = 60;      // so many rows are shown unfolded at once, whatever their groups
const printUpTo = 2000;   // rows that go on paper
const severities = ["critical", "high", "medium", "low", "informational"];
const tabs = [["fail", "Failed"], ["not-assessed", "Not assessed"], ["waived", "Waived"], ["pass", "Passed"], ["not-applicable", "Not applicable"]];
const changes = {"new": "new", "regressed": "regressed", "escalated": "escalated", "newly-assessed": "newly assessed", "no-longer-assessed": "no longer assessed"};
const effects = {"additive": "Something is added, nothing stops.", "replaces": "A setting or a resource takes the place of another.",
  "destroys": "Data or a resource is gone afterwards.", "downtime": "Something stops for a while."};
const global = "no region", nobody = "no owner named";

// ---- Nodes and texts

// node makes an element. Properties are attributes, but for on, which holds listeners; children are nodes or texts.
function node(tag, properties, ...children) {
  const n = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (name === "on") for (const [event, f] of Object.entries(value)) n.addEventListener(event, f);
    else if (value === true) n.setAttribute(name, "");
    else if (value !== false && value != null) n.setAttribute(name, value);
  }
  n.append(...children.flat().filter(c => c != null && c !== "").map(c => c instanceof Node ? c : plain(c)));
  return n;
}

// plain makes one line of a text. Control characters, and those that turn the direction of text, could fake what is shown.
const plain = text => String(text).replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, " ");

const number = n => String(n).replace(/\B(?=(\d{3})+$)/g, "\u202f");
const count = (n, one, many) => number(n) + " " + (n === 1 ? one : many ?? one + "s");
const short = kind => kind.slice(kind.lastIndexOf(":") + 1);
const byID = id => document.getElementById(id);
const say = text => { byID("say").textContent = text; };

function severity(s, text) { return node("span", {class: "severity " + s}, text ?? s); }

function copyButton(text, what) {
  return node("button", {type: "button", class: "copy", "aria-label": "Copy " + what, on: {click: e => copy(e.currentTarget, text())}}, "Copy");
}

async function copy(button, text) {
  let done = false;
  try {
    await navigator.clipboard.writeText(text);
    done = true;
  } catch { // not allowed, or the page did not come by https
    const area = node("textarea", {class: "unseen", readonly: true});
    area.value = text;
    button.after(area);
    area.select();
    try { done = document.execCommand("copy"); } catch { /* said below */ }
    area.remove();
    button.focus();
  }
  button.textContent = done ? "Copied" : "Not copied";
  say(done ? "Copied" : "The browser does not allow to copy");
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}

// ---- Data

const head = JSON.parse(byID("head").textContent);
const accountName = id => head.accounts && Object.hasOwn(head.accounts, id) ? head.accounts[id] : "";
const rows = [];
const known = {}; // values of shared columns
const present = new Set(); // statuses and severities of which there is any

function read(raw) {
  let i = 0;
  const text = () => raw[i++] || "";
  const shared = column => {
    const value = raw[i++], of = known[column] ??= [];
    if (typeof value === "number") return value === 0 ? "" : of[value - 1];
    if (value !== undefined && of.length < head.mostShared) of.push(value);
    return value ?? "";
  };
  const r = {rule: shared("rule"), status: shared("status"), severity: shared("severity"), account: shared("account"), region: shared("region"),
    kind: shared("kind"), owner: shared("owner"), message: shared("message"), fingerprint: text(), id: text(), name: text(), arn: text(), identity: text(),
    keys: shared("evidence"), values: text(), tags: shared("tags"), fix: shared("fix"), gap: shared("gap"), waived: shared("waived"), change: shared("change")};
  r.name ||= r.id;
  r.arn ||= r.id.startsWith("arn:") ? r.id : "";
  r.identity ||= r.fingerprint;
  r.fix ||= r.rule.id;
  r.tab = r.waived ? "waived" : r.status;
  r.rank = severities.indexOf(r.severity);
  return r;
}

// load reads the chunks one by one, and lets the page answer in between.
async function load() {
  for (const chunk of document.querySelectorAll("script.rows")) {
    for (const raw of JSON.parse(chunk.textContent)) {
      const r = read(raw);
      present.add(r.tab).add(r.severity);
      rows.push(r);
    }
    await new Promise(done => setTimeout(done));
  }
}

// sought is what a search looks into.
function sought(r) {
  return r.sought ??= [r.name, r.id, r.arn, r.kind, r.rule.id, r.rule.title, r.message, r.account, accountName(r.account), r.region, r.owner, r.fingerprint, r.identity,
    r.gap?.call, r.gap?.detail, r.waived?.reason, r.waived?.owner, r.waived?.ticket, ...Object.entries(r.tags || {}).map(([k, v]) => k + "=" + v)].join("\n").toLowerCase();
}

// prepare makes these texts while nobody is waiting, so that the first search is as quick as others.
function prepare(from = 0) {
  globalThis.requestIdleCallback?.(left => {
    while (from < rows.length && left.timeRemaining() > 1) sought(rows[from++]);
    if (from < rows.length) prepare(from);
  });
}

// ---- What is looked for, which the address keeps

const facets = { // one value each
  service: {name: "Service", of: r => r.rule.service},
  pillar: {name: "Pillar", of: r => r.rule.pillars, label: v => v.replaceAll("-", " ")},
  account: {name: "Account", of: r => r.account, label: v => (v + " " + accountName(v)).trim()},
  region: {name: "Region", of: r => r.region || global},
  owner: {name: "Owner", of: r => r.owner || nobody},
  change: {name: "Change", of: r => r.change || "", label: v => v.replaceAll("-", " ")},
  rule: {name: "Rule", of: r => r.rule.id},
  fix: {name: "Fix unit", of: r => r.fix, token: true},
  waiver: {name: "Waiver", of: r => r.waived ? r.waived.source : "", token: true},
};

const groupings = { // key and label of the group of a row
  rule: ["Rule", r => r.rule.id, r => r.rule.title],
  resource: ["Resource", r => [r.account, r.region, r.kind, r.id].join("\n"), r => r.name],
  account: ["Account", r => r.account, r => facets.account.label(r.account)],
  region: ["Region", r => r.region || global, r => r.region || global],
  service: ["Service", r => r.rule.service, r => r.rule.service],
  severity: ["Severity", r => r.severity, r => r.severity],
  owner: ["Owner", r => r.owner || nobody, r => r.owner || nobody],
  fix: ["Fix unit", r => r.account + "\n" + r.fix, r => r.rule.title],
  none: ["Nothing", () => "", () => ""],
};

const fresh = () => ({q: "", status: "", group: "rule", severity: new Set(), ...Object.fromEntries(Object.keys(facets).map(f => [f, ""]))});
let state = fresh();

function parse(hash) {
  const s = fresh(), p = new URLSearchParams(hash);
  s.q = p.get("q") ?? "";
  if (tabs.some(t => t[0] === p.get("status"))) s.status = p.get("status");
  if (Object.hasOwn(groupings, p.get("group"))) s.group = p.get("group");
  s.severity = new Set((p.get("severity") ?? "").split(",").filter(v => severities.includes(v)));
  for (const f in facets) s[f] = p.get(f) ?? "";
  return s;
}

function remember() {
  const p = [];
  const usual = {group: "rule", status: usualTab()};
  for (const [k, v] of Object.entries(state)) {
    const text = v instanceof Set ? [...v].join(",") : v;
    if (text && text !== usual[k]) p.push(k + "=" + encodeURIComponent(text));
  }
  try { history.replaceState(null, "", p.length ? "#" + p.join("&") : "#findings"); } catch { /* pages in frames may not */ }
}

// usualTab is the first of which there is anything.
const usualTab = () => tabs.find(t => present.has(t[0]))?.[0] ?? "fail";

const filtered = () => Boolean(state.q || state.severity.size || Object.keys(facets).some(f => state[f]));

// ---- The result of it

let groups = [], shown = [], folded = new Map(), pages = new Map(), opened = new Set(), printing = false;
const sums = {tabs: {}, severities: {}};

function matches(r, words) {
  for (const f in facets) {
    if (!state[f]) continue;
    const v = facets[f].of(r);
    if (Array.isArray(v) ? !v.includes(state[f]) : v !== state[f]) return false;
  }
  return words.every(w => sought(r).includes(w));
}

function select() {
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  sums.tabs = {};
  sums.severities = {};
  shown = [];
  for (const r of rows) {
    if (!matches(r, words)) continue;
    const severe = !state.severity.size || state.severity.has(r.severity);
    if (severe) sums.tabs[r.tab] = (sums.tabs[r.tab] ?? 0) + 1;
    if (r.tab !== state.status) continue;
    sums.severities[r.severity] = (sums.severities[r.severity] ?? 0) + 1;
    if (severe) shown.push(r);
  }
  const [, key, label] = groupings[state.group], of = new Map();
  for (const r of shown) {
    const k = key(r);
    let g = of.get(k);
    if (!g) of.set(k, g = {key: k, label: label(r), rows: [], by: [0, 0, 0, 0, 0]});
    g.rows.push(r);
    g.by[r.rank]++;
  }
  groups = [...of.values()];
  for (const g of groups) g.rows.sort((a, b) => a.rank - b.rank);
  const worst = g => g.by.findIndex(n => n > 0);
  groups.sort((a, b) => worst(a) - worst(b) || b.by[worst(b)] - a.by[worst(a)] || b.rows.length - a.rows.length || (a.label < b.label ? -1 : a.label > b.label ? 1 : 0));
}

// open tells whether the rows of a group are shown.
const open = g => printing || state.group === "none" || (folded.get(g.key) ?? shown.length > openUpTo) === false;

// ---- The table

const table = byID("table");
const parts = {};

function build() {
  byID("unscripted").remove();
  document.documentElement.classList.add("scripted");
  parts.search = node("input", {type: "search", id: "search", placeholder: "Search names, IDs, rules, messages, tags", "aria-label": "Search the findings", autocomplete: "off", spellcheck: "false", "aria-keyshortcuts": "/"});
  parts.group = node("select", {id: "group"}, Object.entries(groupings).map(([k, g]) => node("option", {value: k}, g[0])));
  parts.tabs = node("div", {class: "tabs", role: "group", "aria-label": "Status"});
  parts.severities = node("div", {class: "severities", role: "group", "aria-label": "Severity"});
  parts.facets = node("div", {class: "facets"});
  parts.count = node("p", {id: "count", role: "status", "aria-live": "polite"});
  parts.clear = node("button", {type: "button", class: "quiet", id: "clear", "aria-keyshortcuts": "Escape", on: {click: clear}}, "Clear filters");
  parts.unfold = node("button", {type: "button", class: "quiet", id: "unfold", on: {click: foldAll}});
  parts.list = node("table", {class: "findings", "aria-labelledby": "findings-title", "aria-describedby": "count"},
    node("thead", {}, node("tr", {}, ["Severity", "Resource", "What was found", "Where", "Owner"].map(h => node("th", {scope: "col"}, h)))));
  parts.more = node("div", {class: "pager"});
  for (const [f, facet] of Object.entries(facets)) {
    if (facet.token) continue;
    const values = new Set();
    for (const r of rows) {
      const v = facet.of(r);
      if (Array.isArray(v)) v.forEach(values.add, values);
      else if (v) values.add(v);
    }
    if (values.size < 2 && !(f === "change" && values.size)) continue;
    facet.select = node("select", {id: f, "aria-label": facet.name},
      node("option", {value: ""}, facet.name), [...values].sort().map(v => node("option", {value: v}, facet.label?.(v) ?? v)));
    facet.select.addEventListener("change", () => { state[f] = facet.select.value; apply(); });
    parts.facets.append(facet.select);
  }
  parts.tokens = node("span", {class: "tokens"});
  parts.facets.append(parts.tokens, parts.clear);
  table.append(
    node("div", {class: "tools"},
      node("div", {class: "line"}, parts.search, node("label", {for: "group"}, "Group by"), parts.group),
      node("div", {class: "line"}, parts.tabs, parts.severities),
      parts.facets),
    node("div", {class: "line above"}, parts.count, parts.unfold,
      node("span", {class: "keys", "aria-hidden": "true"}, node("kbd", {}, "/"), " search ", node("kbd", {}, "\u2191"), node("kbd", {}, "\u2193"), " rows ", node("kbd", {}, "Enter"), " unfold ", node("kbd", {}, "Esc"), " clear")),
    parts.list, parts.more);
  parts.search.addEventListener("input", () => { clearTimeout(typed); typed = setTimeout(search, 120); });
  parts.group.addEventListener("change", () => { state.group = parts.group.value; folded.clear(); apply(); });
}

let typed; // what was, but is not searched for yet

function search() {
  clearTimeout(typed);
  if (state.q === parts.search.value.trim()) return;
  state.q = parts.search.value.trim();
  apply();
}

// apply shows what the state asks for.
function apply() {
  pages.clear();
  remember();
  render();
}

function render() {
  state.status ||= usualTab();
  select();
  if (document.activeElement !== parts.search) parts.search.value = state.q;
  parts.group.value = state.group;
  for (const f in facets) if (facets[f].select) facets[f].select.value = state[f];
  for (const f in facets) facets[f].select?.classList.toggle("set", Boolean(state[f]));
  const keep = document.activeElement?.dataset?.toggle; // buttons are made anew: the focus goes on to the one that takes its place
  parts.tabs.replaceChildren(...tabs.filter(t => present.has(t[0])).map(([key, name]) =>
    toggle("status-" + key, state.status === key, () => { state.status = key; apply(); }, name, node("span", {class: "n"}, number(sums.tabs[key] ?? 0)))));
  parts.severities.replaceChildren(...severities.filter(s => present.has(s)).map(s =>
    toggle("severity-" + s, state.severity.has(s), () => { state.severity.delete(s) || state.severity.add(s); apply(); }, severity(s), node("span", {class: "n"}, number(sums.severities[s] ?? 0)))));
  if (keep) document.querySelector(`[data-toggle="${keep}"]`)?.focus();
  parts.tokens.replaceChildren(...Object.entries(facets).filter(([f, facet]) => !facet.select && state[f]).map(([f, facet]) =>
    node("button", {type: "button", class: "token", "aria-label": `Remove the filter ${facet.name} ${plain(state[f])}`, on: {click: () => { state[f] = ""; apply(); parts.search.focus(); }}}, `${facet.name}: ${state[f]} `, node("span", {"aria-hidden": "true"}, "\u00d7"))));
  parts.clear.hidden = !filtered();
  const grouped = state.group === "none" ? "" : ` in ${count(groups.length, "group")}`;
  parts.count.textContent = shown.length ? count(shown.length, "result") + grouped : "No result matches";
  parts.unfold.hidden = state.group === "none" || !groups.length;
  parts.unfold.textContent = groups.every(open) ? "Fold all" : "Unfold all";
  list();
}

function toggle(key, pressed, click, ...children) {
  return node("button", {type: "button", class: "toggle", "data-toggle": key, "aria-pressed": String(pressed), on: {click}}, ...children);
}

function list() {
  while (parts.list.tBodies.length) parts.list.tBodies[0].remove();
  let budget = printing ? printUpTo : Infinity;
  const most = printing ? Infinity : (pages.get("") ?? 1) * pageSize;
  for (const g of groups.slice(0, state.group === "none" ? undefined : most)) {
    if (budget <= 0) break;
    const body = node("tbody", {});
    if (state.group !== "none") body.append(groupRow(g, body));
    if (open(g)) budget -= fill(g, body, budget);
    parts.list.append(body);
  }
  parts.more.replaceChildren();
  if (printing && shown.length > printUpTo) parts.more.append(node("p", {}, `The first ${number(printUpTo)} of ${number(shown.length)} results: filter them to print others.`));
  else if (state.group !== "none" && groups.length > most) {
    parts.more.append(node("button", {type: "button", on: {click: () => {
      pages.set("", (pages.get("") ?? 1) + 1);
      list();
      parts.list.tBodies[most]?.querySelector("button")?.focus();
    }}}, `Show ${count(Math.min(pageSize, groups.length - most), "more group")} of ${number(groups.length - most)}`));
  }
}

// fill adds the rows of a group as far as they are paged through, and returns how many.
function fill(g, body, budget) {
  const most = printing ? budget : (pages.get(g.key + "\n") ?? 1) * pageSize;
  for (const r of g.rows.slice(0, most)) {
    const row = resultRow(r);
    body.append(row);
    if (opened.has(r)) row.after(detailsRow(r, row));
  }
  if (!printing && g.rows.length > most) {
    const more = node("button", {type: "button", on: {click: () => {
      pages.set(g.key + "\n", (pages.get(g.key + "\n") ?? 1) + 1);
      const fresh = node("tbody", {});
      if (state.group !== "none") fresh.append(groupRow(g, fresh));
      fill(g, fresh, Infinity);
      body.replaceWith(fresh);
      fresh.querySelectorAll("tr.result > td > button")[most]?.focus();
    }}}, `Show ${number(Math.min(pageSize, g.rows.length - most))} more of ${number(g.rows.length - most)}`);
    body.append(node("tr", {class: "pager"}, node("td", {colspan: 5}, more)));
  }
  return Math.min(most, g.rows.length);
}

function groupRow(g, body) {
  const worst = severities[g.by.findIndex(n => n > 0)], isOpen = open(g);
  const what = state.status === "fail" ? (n => number(n) + " fail") : n => number(n);
  const parts = state.group === "severity" ? [] : g.by.map((n, i) => n ? number(n) + " " + severities[i] : "").filter(Boolean);
  const button = node("button", {type: "button", "aria-expanded": String(isOpen)},
    node("span", {class: "fold", "aria-hidden": "true"}), severity(worst), node("span", {class: "count"}, what(g.rows.length)), node("bdi", {class: "label"}, g.label), about(g),
    node("span", {class: "parts"}, parts.length > 1 ? parts.join(", ") : ""));
  button.addEventListener("click", () => {
    folded.set(g.key, open(g));
    const fresh = node("tbody", {});
    fresh.append(groupRow(g, fresh));
    if (open(g)) fill(g, fresh, Infinity);
    body.replaceWith(fresh);
    fresh.querySelector("button").focus();
  });
  return node("tr", {class: "group"}, node("th", {colspan: 5, scope: "rowgroup"}, button));
}

// about says more of a group than its label.
function about(g) {
  const r = g.rows[0];
  switch (state.group) {
  case "rule": return node("span", {class: "muted"}, r.rule.id);
  case "resource": return node("span", {class: "muted"}, short(r.kind) + (r.region ? " " + r.region : ""));
  case "fix": return node("span", {class: "muted"}, r.fix, facets.account.select ? " " + r.account : "");
  }
  return null;
}

function resultRow(r) {
  const where = [node("span", {}, r.region || (r.id === r.account ? "whole account" : global)), node("small", {}, facets.account.select ? r.account : "")];
  const button = node("button", {type: "button", class: "name", "aria-expanded": String(opened.has(r))}, node("bdi", {}, r.id === "*" ? "* (not listed)" : r.name));
  const mark = r.status === "fail" ? severity(r.severity) : node("span", {class: "status"}, r.status.replace("-", " "));
  const row = node("tr", {class: "result", id: "r" + r.fingerprint},
    node("td", {}, mark),
    node("td", {}, button, node("small", {}, short(r.kind) + (r.name !== r.id && !r.id.includes(r.name) ? " " + r.id : ""))),
    node("td", {}, badges(r), node("bdi", {class: "message"}, r.message || r.rule.title), node("small", {class: "rule"}, state.group === "rule" ? "" : r.rule.id)),
    node("td", {}, where),
    node("td", {}, node("bdi", {}, r.owner)));
  row.addEventListener("click", e => {
    if (e.target.closest("a") || e.target.closest("button") !== button && String(getSelection())) return;
    unfold(r, row, !opened.has(r));
  });
  return row;
}

function badges(r) {
  const list = [];
  if (r.waived) list.push(node("span", {class: "badge"}, "waived until " + r.waived.expires));
  if (changes[r.change]) list.push(node("span", {class: "badge"}, changes[r.change]));
  if (r.rule.preview) list.push(node("span", {class: "badge"}, "preview"));
  return list;
}

function unfold(r, row, on) {
  if (row.nextSibling?.classList?.contains("details")) row.nextSibling.remove();
  if (on) {
    opened.add(r);
    row.after(detailsRow(r, row));
  } else opened.delete(r);
  row.querySelector("button.name").setAttribute("aria-expanded", String(on));
  row.classList.toggle("open", on);
}

// ---- One finding

function detailsRow(r, row) {
  row.classList.add("open");
  const seen = node("div", {}), fix = node("div", {});
  const heading = (to, text, ...more) => to.append(node("h3", {}, text, " ", ...more));
  if (r.waived) {
    heading(seen, `Waived until ${r.waived.expires} by ${r.waived.owner}`);
    seen.append(node("p", {}, r.waived.reason), pairs([["Mitigation", r.waived.mitigation], ["Risk", r.waived.risk], ["Ticket", r.waived.ticket], ["Source", r.waived.source]]));
  }
  if (r.gap) heading(seen, "Why there is no verdict");
  if (r.gap) seen.append(pairs([["Reason", `${r.gap.reason} (${r.gap.class})`], ["Call", r.gap.call], ["Answer", r.gap.detail], ["What to do", r.gap.advice]]));
  if (r.values) {
    const evidence = () => Object.fromEntries(r.keys.map((k, i) => [k, r.values[i]]));
    heading(seen, "Evidence", copyButton(() => JSON.stringify(evidence(), null, 2), "the evidence"));
    seen.append(pairs(r.keys.map((k, i) => [k, value(r.values[i])])));
  }
  heading(seen, "Resource");
  seen.append(pairs([["Kind", r.kind], ["ID", r.id === "*" ? "* (the list was not read: there may be any number)" : r.id], ["ARN", r.arn && [r.arn + " ", copyButton(() => r.arn, "the ARN")]],
    ["Account", facets.account.label(r.account)], ["Region", r.region], ["Owner", r.owner], ["Tags", Object.entries(r.tags || {}).map(([k, v]) => node("div", {}, k + " = " + v))],
    ["Fingerprint", [node("a", {href: "#" + r.fingerprint, title: "A link to this finding"}, r.fingerprint), " ", copyButton(() => r.fingerprint, "the fingerprint")]],
    ["Identity", r.identity !== r.fingerprint && r.identity]]));

  heading(fix, "Rule");
  fix.append(node("p", {}, r.rule.title + " ", node("span", {class: "muted"}, r.rule.id)));
  heading(fix, "Why it matters");
  fix.append(node("p", {}, r.rule.why));
  heading(fix, "How to fix it");
  for (const piece of r.rule.fix) {
    if (piece.code) {
      fix.append(node("figure", {class: "code"}, node("figcaption", {}, (piece.heading ?? "") + " ", copyButton(() => piece.code, piece.heading === "Template" ? "the template" : "the commands")), code(piece.code)));
      continue;
    }
    if (piece.heading) heading(fix, piece.heading);
    fix.append(node("p", {}, piece.prose));
  }
  heading(fix, "Effect of the fix");
  fix.append(node("p", {}, effects[r.rule.effect] ?? r.rule.effect));
  if (r.rule.requirements) {
    heading(fix, "Required by");
    fix.append(node("p", {}, r.rule.requirements.join(", ")));
  }
  return node("tr", {class: "details"}, node("td", {colspan: 5}, node("div", {class: "columns"}, seen, fix)));
}

// code keeps the line breaks of a rule's own text.
function code(text) {
  const pre = node("pre", {tabindex: 0});
  pre.textContent = text;
  return pre;
}

function pairs(list) {
  return node("dl", {class: "pairs"}, list.filter(([, v]) => v !== "" && v != null && v !== false && !(Array.isArray(v) && !v.length)).map(([k, v]) => [node("dt", {}, k), node("dd", {}, v)]).flat());
}

// value shows a piece of evidence: lists of simple values line by line, anything deeper as JSON.
function value(v) {
  const simple = x => x === null || typeof x !== "object";
  if (Array.isArray(v) && v.every(simple)) return v.length ? v.map(x => node("div", {}, String(x))) : "none";
  if (v === "") return "(empty)";
  if (simple(v)) return String(v);
  const pre = node("pre", {tabindex: 0});
  pre.textContent = JSON.stringify(v, null, 1).replace(/[\p{Bidi_Control}\u2028\u2029]/gu, " ");
  return pre;
}

// ---- Keys, links, paper

function clear() {
  const {group, status} = state;
  state = {...fresh(), group, status};
  parts.search.value = "";
  apply();
  parts.search.focus();
}

function foldAll() {
  const to = groups.every(open);
  for (const g of groups) folded.set(g.key, to);
  render();
}

document.addEventListener("keydown", e => {
  if (e.ctrlKey || e.metaKey || e.altKey || !parts.search) return;
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "");
  if (e.key === "/" && !typing) {
    e.preventDefault();
    parts.search.focus();
    parts.search.select();
    parts.search.scrollIntoView({block: "center"});
  } else if (e.key === "Escape" && document.activeElement.tagName !== "SELECT" && (filtered() || parts.search.value)) {
    e.preventDefault();
    clear();
  } else if ((e.key === "ArrowDown" || e.key === "ArrowUp") && !(typing && document.activeElement !== parts.search)) {
    search();
    const stops = [...parts.list.querySelectorAll("tr.group button, tr.result button.name, tr.pager button")];
    const at = stops.indexOf(document.activeElement.closest?.("tr")?.querySelector("button") ?? null);
    if (at < 0 && document.activeElement !== parts.search) return;
    const to = e.key === "ArrowDown" ? stops[at + 1] : at > 0 ? stops[at - 1] : parts.search;
    if (!to) return;
    e.preventDefault();
    to.focus();
    to.scrollIntoView({block: "nearest"});
  }
});

// follow goes where the address points: to filters, or to one finding.
function follow() {
  const hash = location.hash.slice(1);
  if (/^[0-9a-f]{8,}$/.test(hash)) reveal(hash);
  else if (hash.includes("=")) {
    state = parse(hash);
    pages.clear();
    render();
    byID("findings").scrollIntoView();
  }
}

function reveal(prefix) {
  const r = rows.find(r => r.fingerprint.startsWith(prefix) || r.identity.startsWith(prefix));
  if (!r) {
    say("There is no finding " + prefix);
    return;
  }
  if (state.status !== r.tab || !shown.includes(r)) state = {...fresh(), group: state.group, status: r.tab};
  select();
  const at = groups.findIndex(g => g.rows.includes(r)), g = groups[at];
  folded.set(g.key, false);
  pages.set("", Math.max(pages.get("") ?? 1, Math.ceil((at + 1) / pageSize)));
  pages.set(g.key + "\n", Math.max(pages.get(g.key + "\n") ?? 1, Math.ceil((g.rows.indexOf(r) + 1) / pageSize)));
  opened.add(r);
  render();
  const row = byID("r" + r.fingerprint);
  row.querySelector("button.name").focus({preventScroll: true});
  row.scrollIntoView({block: "start"});
}

let closed = []; // that paper shows open

addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("#summary details:not([open])")];
  for (const d of closed) d.open = true;
  printing = true;
  if (parts.list) list();
});
addEventListener("afterprint", () => {
  for (const d of closed) d.open = false;
  printing = false;
  if (parts.list) list();
});

// ---- Colours

const themes = ["auto", "light", "dark"];

function theme(to) {
  document.documentElement.dataset.theme = to;
  byID("theme").textContent = "Theme: " + to;
}

function stored() {
  try { return localStorage.getItem("scanner-theme"); } catch { return null; } // where nothing may be kept
}

byID("theme").addEventListener("click", () => {
  const to = themes[(themes.indexOf(document.documentElement.dataset.theme) + 1) % themes.length];
  theme(to);
  try { localStorage.setItem("scanner-theme", to); } catch { /* then it holds for this time */ }
});
theme(themes.includes(stored()) ? stored() : "auto");

for (const b of document.querySelectorAll("figure .copy")) b.addEventListener("click", () => copy(b, b.closest("figure").querySelector("pre").textContent));

// ---- Begin

load().then(() => {
  build();
  const hash = location.hash.slice(1);
  if (hash.includes("=")) state = parse(hash);
  render();
  follow();
  addEventListener("hashchange", follow);
  prepare();
  document.documentElement.dataset.ready = Math.round(performance.now()); // for whoever waits for it, and how long
});
})();
