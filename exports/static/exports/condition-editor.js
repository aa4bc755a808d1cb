// The condition editor: what HTML alone cannot do. All rules, sentences and choices come from the
// server; the page works without this file.
"use strict";

(() => {
  const rowOf = (element) => element.closest(".condition-row");

  // --- Rows by keyboard ------------------------------------------------------------------------

  document.addEventListener("keydown", (event) => {
    const row = rowOf(event.target);
    if (!row) return;
    const { key, target } = event;
    if (event.altKey && (key === "ArrowUp" || key === "ArrowDown")) {
      // In a select, Alt with an arrow opens the list.
      if (target.matches("select, summary")) return;
      event.preventDefault();
      press(row, key === "ArrowUp" ? "up" : "down", partOf(target));
    } else if (key === "Escape" && target.closest(".date-pick[open]")) {
      const picker = target.closest(".date-pick");
      picker.open = false;
      picker.querySelector("summary").focus();
    } else if (key === "Enter" && target.matches("input")) {
      // Enter would save the whole task, even if half typed.
      event.preventDefault();
      if (target.closest(".date-pick")) press(row, "date");
      else leave(row);
    }
  });

  // The bar with the Save button may cover the box.
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

  // --- Errors, once the focus has left a row ---------------------------------------------------

  document.addEventListener("focusout", (event) => {
    const row = rowOf(event.target);
    if (!row || row.contains(event.relatedTarget)) return;
    // No errors when the focus went to another window, or while the rows are being replaced.
    if (document.hasFocus() && !row.querySelector(":disabled .condition-typed")) leave(row);
  });

  // After more typing, a row is checked again when left; a shown error stays until it is fixed.
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

  // The inputs stay: only choices, example, hint and buttons are replaced, and only if they differ.
  function takeOver(row, template) {
    row.querySelector(".condition-value input").placeholder = template.dataset.example;
    row.querySelector(".condition-field .condition-hint").textContent = template.dataset.hint;
    if (row.dataset.offer === template.dataset.offer) return;
    // Whoever is picking a date keeps the picker; the next check renews the buttons.
    if (row.querySelector(".date-pick[open]") && template.content.querySelector(".date-pick")) return;
    row.dataset.offer = template.dataset.offer;
    const parts = template.content.cloneNode(true);
    const select = row.querySelector(".condition-comparison select");
    // It may have been chosen after the request was sent.
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

  // Put the cursor behind the text that a button has written.
  document.addEventListener("htmx:afterSettle", () => {
    const input = document.activeElement;
    if (input && input.matches(".condition-rows input[type=text][autofocus]")) {
      input.setSelectionRange(input.value.length, input.value.length);
    }
  });

  // The answer replaces the rows together with this sentence.
  for (const name of ["htmx:sendError", "htmx:responseError"]) {
    document.addEventListener(name, ({ detail }) => {
      if (detail.elt.name !== "row_action") return;
      document.getElementById("rows-no-answer").hidden = false;
      // The rows are enabled only after this event.
      setTimeout(() => detail.elt.focus());
    });
  }
})();
