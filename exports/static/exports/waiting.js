// Says at once that ConnectWise is being asked, for how long, what it answered so far, and offers to
// stop waiting: for whatever has data-asks-connectwise. A link leads to a page that comes at once and
// then asks; htmx follows that and buttons. The answer tells the steps first, each time all of them,
// ended by a form feed. Without this script the browser shows that it loads.
"use strict";

(() => {
  const bar = document.getElementById("waiting");
  if (!bar) return;
  const seconds = document.getElementById("waiting-seconds");
  const steps = document.getElementById("waiting-steps");
  const END_OF_STEPS = "\f";
  let timer = null;
  let asker = null;

  function begin(element) {
    end();
    asker = element;
    steps.replaceChildren();
    const start = Date.now();
    const count = () => {
      seconds.textContent = seconds.dataset.text.replace("0", Math.round((Date.now() - start) / 1000));
    };
    count();
    timer = setInterval(count, 1000);
    bar.hidden = false;
  }

  function end() {
    clearInterval(timer);
    bar.hidden = true;
  }

  const isAsking = (event) => event.detail.elt.matches("[data-asks-connectwise]");

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-asks-connectwise]");
    const isElsewhere = event.button || event.ctrlKey || event.metaKey || event.shiftKey;
    if (!link || isElsewhere) return;
    link.search = "?follow=1";
    begin(link);
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!isAsking(event)) return;
    const { elt, xhr } = event.detail;
    begin(elt);
    xhr.addEventListener("progress", () => {
      const told = xhr.responseText.split(END_OF_STEPS);
      if (told.length > 1) steps.innerHTML = told.at(-2);
    });
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    event.detail.serverResponse = event.detail.serverResponse?.split(END_OF_STEPS).pop();
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (!isAsking(event)) return;
    end();
    const note = event.detail.elt.querySelector("[data-when-stopped]");
    if (note) note.hidden = false;
  });
  bar.querySelector("button").addEventListener("click", () => {
    if (asker.matches("a")) window.stop();
    else htmx.trigger(asker, "htmx:abort");
    end();
    asker.focus();
  });
  // Back leads to the page as it was left; a page that was loaded may be asking already.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) end();
  });
})();
