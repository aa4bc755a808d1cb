// Shows the progress of a connection test. The server sends the whole result again after each step,
// each time ended by a form feed. Without this script the page loads when the test is over.
const END_OF_PART = "\f";

function show(part) {
  const result = document.getElementById("test-result");
  result.innerHTML = part;
  document.getElementById("test-announcement").textContent = result.firstElementChild.dataset.announcement;
}

// Beside the result the page may say what the test has changed, such as the host key it has pinned.
async function renewWhatTheTestChanges() {
  const parts = document.querySelectorAll("[data-after-test]");
  if (!parts.length) return;
  const answer = await fetch(location.href);
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of parts) part.replaceWith(page.getElementById(part.id) ?? part);
}

async function follow(form) {
  const button = form.querySelector("button");
  const before = document.getElementById("test-result").innerHTML;
  const stopping = offerStop(form);
  button.setAttribute("aria-disabled", "true");
  try {
    const answer = await fetch(form.dataset.followTest, {
      method: "POST",
      body: new FormData(form),
      redirect: "manual",
      signal: stopping.signal,
    });
    if (!answer.ok) throw new Error(answer.statusText);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      const parts = (text + value).split(END_OF_PART);
      text = parts.pop();
      if (parts.length) show(parts.at(-1));
    }
    renewWhatTheTestChanges().catch(() => {});
  } catch {
    if (stopping.signal.aborted) {
      document.getElementById("test-result").innerHTML = before;
      document.getElementById("test-announcement").textContent = stopping.signal.reason;
    } else {
      // Submit the plain form, whose page shows the reason: an expired login, a server that is down.
      form.submit();
    }
  }
  form.querySelector("[data-stop-test]").hidden = true;
  button.removeAttribute("aria-disabled");
  if (stopping.signal.aborted) button.focus();
}

// The server ends a test that nobody follows any more, and stores nothing of it.
function offerStop(form) {
  const stopping = new AbortController();
  const stop = form.querySelector("[data-stop-test]");
  stop.onclick = () => stopping.abort(stop.dataset.stopTest);
  stop.hidden = false;
  return stopping;
}

document.addEventListener("submit", (event) => {
  if (!event.target.dataset.followTest) return;
  event.preventDefault();
  if (!event.target.querySelector("[aria-disabled]")) follow(event.target);
});

// *Save and test* stores first; the next page then starts the test by itself.
// At the click, as a list may have renewed its rows since this page was loaded.
document.addEventListener("click", ({ target }) => {
  const button = target.closest("button[name=test]");
  if (button) button.value = "live";
});
for (const form of document.querySelectorAll("[data-test-now]")) follow(form);
