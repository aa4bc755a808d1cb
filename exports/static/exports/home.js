// While runs are followed, Home renews the rows of their tasks: of those only that it shows.
"use strict";

document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (detail.elt.id !== "home-poll") return;
  const rows = document.querySelectorAll("tr[id^='task-']");
  detail.parameters.rows = [...rows].map((row) => row.id.replace("task-", "")).join(",");
});
