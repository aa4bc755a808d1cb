// The steps of a workflow: Alt with an arrow moves one, and so does dragging. The buttons on the page
// do the same without this file; what moves and what is said about it comes from the server.
"use strict";

(() => {
  const rowOf = (element) => element.closest("[data-step]");
  const rows = () => [...document.querySelectorAll("[data-step]")];
  let dragged = null;

  // --- By keyboard -----------------------------------------------------------------------------

  document.addEventListener("keydown", (event) => {
    const row = rowOf(event.target);
    if (!row || !event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    const verb = event.key === "ArrowUp" ? "up" : "down";
    const button = row.querySelector(`button[value^="${verb}-"]`);
    if (!button.disabled) button.click();
  });

  // --- By dragging -----------------------------------------------------------------------------

  function makeDraggable() {
    for (const row of rows()) row.draggable = true;
  }

  function unmark() {
    for (const row of rows()) row.classList.remove("is-target", "is-target-below");
  }

  const isUpperHalf = (row, y) => {
    const box = row.getBoundingClientRect();
    return y < box.top + box.height / 2;
  };

  document.addEventListener("dragstart", (event) => {
    dragged = rowOf(event.target);
    if (!dragged) return;
    dragged.classList.add("is-dragged");
    event.dataTransfer.effectAllowed = "move";
    // Firefox drags nothing without data.
    event.dataTransfer.setData("text/plain", "");
  });

  document.addEventListener("dragover", (event) => {
    const row = dragged && rowOf(event.target);
    if (!row) return;
    event.preventDefault();
    unmark();
    if (row !== dragged) {
      row.classList.add(isUpperHalf(row, event.clientY) ? "is-target" : "is-target-below");
    }
  });

  document.addEventListener("drop", (event) => {
    const row = dragged && rowOf(event.target);
    if (!row || row === dragged) return;
    event.preventDefault();
    row.insertAdjacentElement(isUpperHalf(row, event.clientY) ? "beforebegin" : "afterend", dragged);
    // The server numbers the rows anew; they are sent in the order of the page.
    htmx.trigger("#step-rows", "steps-dragged");
  });

  document.addEventListener("dragend", () => {
    dragged?.classList.remove("is-dragged");
    dragged = null;
    unmark();
  });

  // --- Answers ---------------------------------------------------------------------------------

  document.addEventListener("htmx:afterSettle", makeDraggable);
  for (const name of ["htmx:sendError", "htmx:responseError"]) {
    document.addEventListener(name, () => {
      document.getElementById("steps-no-answer").hidden = false;
    });
  }
  makeDraggable();
})();
