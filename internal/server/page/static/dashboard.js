// What makes pages quicker to use. Without it they do the same.
"use strict";
(() => {
  const root = document.documentElement;
  const $$ = (selector) => [...document.querySelectorAll(selector)];

  // Theme: as the system has it, light, dark.
  const button = document.getElementById("theme");
  const name = () => { button.textContent = "Theme: " + (root.dataset.theme || "auto"); };
  name();
  button.addEventListener("click", () => {
    const next = { auto: "light", light: "dark", dark: "auto" }[root.dataset.theme || "auto"];
    if (next === "auto") delete root.dataset.theme; else root.dataset.theme = next;
    try { if (next === "auto") localStorage.removeItem("theme"); else localStorage.setItem("theme", next); } catch {}
    name();
  });

  // Menus act at once. Those that pick nothing stay out of the address.
  for (const form of $$("form[data-auto]")) form.addEventListener("change", () => form.requestSubmit());
  for (const form of $$("form[data-auto], form[data-search]")) {
    form.addEventListener("submit", () => {
      for (const field of form.elements) if (field.name && !field.value) field.disabled = true;
    });
  }
  addEventListener("pageshow", () => { for (const field of $$("form :disabled")) field.disabled = false; });

  // Rows lead where their names lead.
  const rows = $$("tr.result");
  for (const row of rows) {
    row.addEventListener("click", (e) => {
      if (e.target.closest("a, button, input, select") || String(getSelection())) return;
      const link = row.querySelector("a.name");
      if (e.ctrlKey || e.metaKey) open(link.href, "_blank", "noopener"); else link.click();
    });
  }

  // Keys: / searches, j and k go through rows.
  const search = document.getElementById("search");
  addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const typing = e.target.closest("input, select, textarea");
    if (e.key === "Escape" && e.target === search) { search.blur(); return; }
    if (typing) return;
    if (e.key === "/" && search) { e.preventDefault(); search.focus(); search.select(); return; }
    if (e.key !== "j" && e.key !== "k") return;
    const links = rows.map((row) => row.querySelector("a.name"));
    if (!links.length) return;
    const at = links.indexOf(document.activeElement);
    const to = links[Math.max(0, Math.min(links.length - 1, e.key === "j" ? at + 1 : at - 1))];
    to.focus();
    to.closest("tr").scrollIntoView({ block: "nearest" });
  });

  // What is to be copied: a text beside the button, or of it.
  for (const b of $$("[data-copy], [data-copy-text]")) {
    b.addEventListener("click", async () => {
      const text = b.dataset.copyText || b.closest("figure").querySelector("pre").textContent;
      try {
        await navigator.clipboard.writeText(text);
        b.textContent = "Copied";
      } catch {
        b.textContent = "Not allowed";
      }
      setTimeout(() => { b.textContent = "Copy"; }, 1500);
    });
  }

  // A scan under way: its numbers come by themselves, and when it is over the page that says so.
  const progress = document.querySelector("[data-follow]");
  if (progress) {
    const parts = {};
    for (const e of progress.querySelectorAll("[data-p]")) parts[e.dataset.p] = e;
    const number = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, "\u202f");
    const left = (s) => s === 0 ? "not known yet" : s < 60 ? `about ${s} seconds` : s < 7200 ? `about ${Math.round(s / 60)} minutes` : `about ${Math.round(s / 3600)} hours`;
    const set = (part, text) => { if (parts[part].textContent !== text) parts[part].textContent = text; };
    const source = new EventSource(progress.dataset.follow);
    source.addEventListener("progress", (e) => {
      const p = JSON.parse(e.data);
      set("phase", p.phase.charAt(0).toUpperCase() + p.phase.slice(1));
      for (const part of ["accounts", "accountsTotal", "calls", "throttled"]) set(part, number(p[part]));
      set("left", left(p.secondsLeft));
      const [done, all] = p.regionsTotal ? [p.regions, p.regionsTotal] : [p.accounts, p.accountsTotal];
      if (all) { parts.bar.max = all; parts.bar.value = done; }
    });
    source.addEventListener("end", () => { source.close(); location.reload(); });
    addEventListener("pagehide", () => source.close());
  }
})();
