// Asks before a form with changes is left, and brings what was typed back after Back and Forward:
// browsers do not, as no page of the product may be kept by them. Secrets are never kept.
const UNSENT = new Set(["csrfmiddlewaretoken", "row_focus", "row_action"]);
const SECRET = /password|private_key|secret|token|passphrase/i;
const KEPT = `unsaved:${location.pathname}${location.search}`;
const TYPED = "input:not([type=hidden], [type=checkbox], [type=radio], [type=submit], [type=button]), textarea, select";

const isDrawnAgain = document.body.hasAttribute("data-unsaved");
const saved = new Map();
let isSending = false;

const forms = () =>
  [...document.querySelectorAll("main form[method=post]")].filter((form) => form.querySelector(TYPED));
const keyOf = (form) => form.id || form.getAttribute("action") || "";
const isKept = (name, field) => !UNSENT.has(name) && !/-left$/.test(name) && field?.type !== "file";

function valuesOf(form) {
  const pairs = [];
  for (const field of form.elements) {
    if (!field.name || !isKept(field.name, field) || /^(submit|button|fieldset)$/.test(field.type)) continue;
    if (/^(checkbox|radio)$/.test(field.type)) {
      if (field.checked) pairs.push([field.name, field.value]);
    } else pairs.push([field.name, field.value]);
  }
  return pairs;
}
const textOf = (form) => JSON.stringify(valuesOf(form));

function isChanged(form) {
  const before = saved.get(keyOf(form));
  return before !== undefined && (isDrawnAgain || textOf(form) !== before);
}

// --- Asking -------------------------------------------------------------------------------------

function remember() {
  // A form that was swapped in anew is compared with what the page began with.
  for (const form of forms()) if (!saved.has(keyOf(form))) saved.set(keyOf(form), textOf(form));
}

addEventListener("beforeunload", (event) => {
  if (!isSending && forms().some(isChanged)) event.preventDefault();
});
// Last of all, when it is certain that the form is really sent.
addEventListener("submit", (event) => {
  if (!event.defaultPrevented && saved.has(keyOf(event.target))) isSending = true;
});

// --- Bringing back ------------------------------------------------------------------------------

const isSecret = (field) => field?.type === "password" || SECRET.test(field?.name ?? "");

function keep() {
  const changed = forms().filter(isChanged);
  if (isSending || !changed.length) return sessionStorage.removeItem(KEPT);
  const drafts = changed.map((form) => [
    keyOf(form),
    valuesOf(form).filter(([name]) => !isSecret(form.querySelector(`[name="${CSS.escape(name)}"]`))),
  ]);
  sessionStorage.setItem(KEPT, JSON.stringify(drafts));
}

function fill(form, pairs) {
  const typed = byName(pairs);
  for (const field of form.elements) {
    if (!field.name || field.type === "hidden" || isSecret(field) || !isKept(field.name, field)) continue;
    const values = typed[field.name] ?? [];
    if (/^(checkbox|radio)$/.test(field.type)) field.checked = values.includes(field.value);
    else if (values.length) field.value = values.shift();
  }
  form.dispatchEvent(new Event("input", { bubbles: true }));
}

// A name may come several times, such as each step of a workflow.
function byName(pairs) {
  const found = {};
  for (const [name, value] of pairs) (found[name] ??= []).push(value);
  return found;
}

// Rows are made by the server: it is sent those that were typed, and answers with them.
async function fillRows(form, pairs) {
  const rows = form.querySelector("#condition-rows, #step-rows");
  const address = rows?.querySelector("button[hx-post]")?.getAttribute("hx-post");
  if (!address) return;
  await htmx.ajax("POST", address, {
    source: rows,
    target: `#${rows.id}`,
    swap: "outerHTML",
    values: { ...byName(pairs), row_action: "keep" },
  });
}

async function bringBack() {
  const kept = sessionStorage.getItem(KEPT);
  sessionStorage.removeItem(KEPT);
  const [visit] = performance.getEntriesByType("navigation");
  if (!kept || visit?.type === "navigate") return;
  for (const [key, pairs] of JSON.parse(kept)) {
    const form = forms().find((one) => keyOf(one) === key);
    if (!form) continue;
    form.closest("details")?.setAttribute("open", "");
    fill(form, pairs);
    await fillRows(form, pairs);
  }
}

if (document.body.dataset.changes) {
  remember();
  document.addEventListener("htmx:load", remember);
  addEventListener("pagehide", keep);
  addEventListener("pageshow", () => (isSending = false));
  bringBack();
}
