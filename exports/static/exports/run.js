// The page of a run: says when the dashboard does not answer, asks less often while nobody looks,
// follows the log, keeps the focus and copies. Everything else is in the page without it.
"use strict";

const SELDOM = 10_000; // milliseconds between questions of a page that is hidden
const SAID_FOR = 5_000;
const LOST_AFTER = 3; // questions in a row
let failedInARow = 0;
let askedAt = 0;
let isAtEnd = true;
let hadFocus = false;

const byId = (id) => document.getElementById(id);

function tellContact(isAnswered) {
  const wasLost = !byId("no-answer").hidden;
  // One question may fail for a moment's reason: a busy server, a laptop that wakes up.
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

// A request that was given up for a better one tells nothing; 5xx: a proxy answers in place of a
// server that is down.
document.addEventListener("htmx:sendError", () => tellContact(false));
document.addEventListener("htmx:timeout", () => tellContact(false));
document.addEventListener("htmx:beforeOnLoad", ({ detail }) => tellContact(detail.xhr.status < 500));

document.addEventListener("htmx:responseError", ({ detail }) => {
  // Refused, for instance after a new login elsewhere: the answer of the plain form says why.
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

// The button that had the focus goes with the run: the result takes it, nothing else does.
document.addEventListener("htmx:beforeSwap", () => {
  hadFocus = byId("run-progress").contains(document.activeElement);
});
document.addEventListener("htmx:afterSwap", () => {
  if (isAtEnd) scrollToEnd();
  if (hadFocus && document.activeElement === document.body) byId("run-result")?.focus();
});

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Browsers keep the clipboard for https; within a network a dashboard is often plain http.
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
