// The condition editor: what a browser cannot be told in HTML. Every rule about conditions, every
// sentence and every choice comes from the server; the page works without this file.
"use strict";

(() => {
  const rowOf = (element) => element.closest(".condition-row");

  // --- Rows by keyboard ------------------------------------------------------------------------

  document.addEventListener("keydown", (event) => {
    const row = rowOf(event.target);
    if (!row) return;
    const { key, target } = event;
    if (event.altKey && (key === "ArrowUp" || key === "ArrowDown")) {
      // In a choice, Alt with an arrow opens the list.
      if (target.matches("select, summary")) return;
      event.preventDefault();
      press(row, key === "ArrowUp" ? "up" : "down", partOf(target));
    } else if (key === "Escape" && target.closest(".date-pick[open]")) {
      const picker = target.closest(".date-pick");
      picker.open = false;
      picker.querySelector("summary").focus();
    } else if (key === "Enter" && target.matches("input")) {
      // Enter would save the whole task, half typed as it may be.
      event.preventDefault();
      if (target.closest(".date-pick")) press(row, "date");
      else leave(row);
    }
  });

  // The box may lie behind the bar with the Save button.
  document.addEventListener(
    "toggle",
    ({ target }) => {
      if (!target.matches(".date-pick[open]")) return;
      target.querySelector(".date-pick-box").scrollIntoView({ block: "nearest" });
      target.querySelector("input").focus();
    },
    true,
  );

  function partOf(input) {
    const name = /-\d+-(field|value)$/.exec(input.name || "");
    return name ? name[1] : "";
  }

  function press(row, verb, part = "") {
    const button = row.querySelector(`button[value^="${verb}-"]`);
    if (!button || button.disabled) return;
    row.closest(".condition-rows").querySelector("[name=row_focus]").value = part;
    button.click();
  }

  // --- Refusals, once a row has been left ------------------------------------------------------

  document.addEventListener("focusout", (event) => {
    const row = rowOf(event.target);
    if (!row || row.contains(event.relatedTarget)) return;
    // Another window is no reason to refuse what is half typed, rows being replaced are no rows.
    if (document.hasFocus() && !row.querySelector(":disabled .condition-typed")) leave(row);
  });

  // Typed anew, a row is refused anew when it is left; an error on show stays until it is cured.
  document.addEventListener("input", ({ target }) => {
    const row = target.matches(".condition-typed") && rowOf(target);
    if (row && !row.querySelector(".field-error")) row.querySelector("[data-left]").value = "";
  });

  function leave(row) {
    row.querySelector("[data-left]").value = "1";
    htmx.trigger(row, "condition-left");
  }

  // --- Answers ---------------------------------------------------------------------------------

  document.addEventListener("htmx:afterSwap", ({ target }) => {
    if (!target.matches(".condition-notes")) return;
    const row = rowOf(target);
    const template = target.querySelector("template");
    if (template) {
      takeOver(row, template);
      template.remove();
    }
    for (const input of row.querySelectorAll("input[id], select[id]")) pointAtRefusal(input);
  });

  // The inputs stay: only choices, example, hint and buttons are renewed, and only if they differ.
  function takeOver(row, template) {
    row.querySelector(".condition-value input").placeholder = template.dataset.example;
    row.querySelector(".condition-field .condition-hint").textContent = template.dataset.hint;
    if (row.dataset.offer === template.dataset.offer) return;
    row.dataset.offer = template.dataset.offer;
    const parts = template.content.cloneNode(true);
    const select = row.querySelector(".condition-comparison select");
    // Perhaps chosen while the answer was on its way.
    const chosen = select.value;
    select.replaceChildren(...parts.querySelector("select").children);
    select.value = chosen;
    if (select.value !== chosen) select.append(new Option(chosen, chosen, true, true));
    const help = row.querySelector(".condition-help");
    if (help.contains(document.activeElement)) row.querySelector(".condition-value input").focus();
    const renewed = parts.querySelector(".condition-help");
    help.replaceWith(renewed);
    htmx.process(renewed);
  }

  function pointAtRefusal(input) {
    const error = `${input.id}_error`;
    const isRefused = document.getElementById(error) !== null;
    const others = (input.getAttribute("aria-describedby") || "").split(" ");
    const described = others.filter((id) => id && id !== error);
    if (isRefused) described.push(error);
    setOrRemove(input, "aria-describedby", described.join(" "));
    setOrRemove(input, "aria-invalid", isRefused ? "true" : "");
  }

  function setOrRemove(element, name, value) {
    if (value) element.setAttribute(name, value);
    else element.removeAttribute(name);
  }

  // Typing goes on at the end of what a button has written, not before it.
  document.addEventListener("htmx:afterSettle", () => {
    const input = document.activeElement;
    if (input && input.matches(".condition-rows input[type=text][autofocus]")) {
      input.setSelectionRange(input.value.length, input.value.length);
    }
  });

  // An answer replaces the rows, this sentence with them.
  for (const name of ["htmx:sendError", "htmx:responseError"]) {
    document.addEventListener(name, ({ detail }) => {
      if (detail.elt.name !== "row_action") return;
      document.getElementById("rows-no-answer").hidden = false;
      // The rows are enabled again after this event.
      setTimeout(() => detail.elt.focus());
    });
  }
})();
