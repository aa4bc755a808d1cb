// The page of a run: shows when the dashboard does not answer, polls less often while hidden,
// follows the log, keeps the focus and copies. Everything else works without this file.
"use strict";

const SELDOM = 10_000; // milliseconds between polls of a hidden page
const SAID_FOR = 5_000;
const LOST_AFTER = 3; // failed polls in a row
let failedInARow = 0;
let askedAt = 0;
let isAtEnd = true;
let hadFocus = false;

const byId = (id) => document.getElementById(id);

function tellContact(isAnswered) {
  const wasLost = !byId("no-answer").hidden;
  // One poll may fail for a passing reason: a busy server, a laptop that wakes up.
  failedInARow = isAnswered ? 0 : failedInARow + 1;
  const isLost = failedInARow >= LOST_AFTER;
  byId("no-answer").hidden = !isLost;
  if (isLost) {
    byId("answers-again").hidden = true;
  } else if (wasLost) {
    byId("answers-again").hidden = false;
    setTimeout(() => (byId("answers-again").hidden = true), SAID_FOR);
  }
}

// A request aborted for a newer one means nothing; a 5xx may come from a proxy.
document.addEventListener("htmx:sendError", () => tellContact(false));
document.addEventListener("htmx:timeout", () => tellContact(false));
document.addEventListener("htmx:beforeOnLoad", ({ detail }) => tellContact(detail.xhr.status < 500));

document.addEventListener("htmx:responseError", ({ detail }) => {
  // Refused, for instance after a new login elsewhere: the plain form's answer shows the reason.
  if (detail.elt.matches("form") && detail.xhr.status < 500) detail.elt.submit();
});

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt.id !== "run-progress") return;
  if (document.hidden && Date.now() - askedAt < SELDOM) event.preventDefault();
  else askedAt = Date.now();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) htmx.trigger("#run-progress", "look-now");
});

function scrollToEnd() {
  const lines = byId("log-lines");
  if (lines.matches(".is-growing")) lines.scrollTop = lines.scrollHeight;
}
document.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
  const lines = detail.target;
  if (lines.id === "log-lines") {
    isAtEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 40;
  }
});

// When a focused button disappears because the run ended, the result gets the focus.
document.addEventListener("htmx:beforeSwap", () => {
  hadFocus = byId("run-progress").contains(document.activeElement);
});
document.addEventListener("htmx:afterSwap", () => {
  if (isAtEnd) scrollToEnd();
  if (hadFocus && document.activeElement === document.body) byId("run-result")?.focus();
});

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Browsers allow the clipboard only on https; inside a network a dashboard is often plain http.
  const field = document.body.appendChild(document.createElement("textarea"));
  field.value = text;
  field.select();
  document.execCommand("copy");
  field.remove();
}
document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copy]");
  if (!button) return;
  await copy(byId(button.dataset.copy).textContent);
  button.focus();
  byId("run-announcement").textContent = button.textContent = button.dataset.done;
});

scrollToEnd();
