// Says so while the dashboard does not answer the run page, which goes on asking every second.
"use strict";

document.addEventListener("htmx:afterRequest", (event) => {
  const { xhr } = event.detail;
  // 0: no answer at all; 5xx: a proxy answers in place of a server that is down.
  const isAnswered = xhr.status !== 0 && xhr.status < 500;
  document.getElementById("no-answer").hidden = isAnswered;
});
