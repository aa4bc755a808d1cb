// Asks every few seconds, while the page is in sight, whether anything has changed. If so, the page's
// live regions load themselves anew (hx-trigger="changed from:body"); the tab's title and icon tell
// how many tasks need attention.
const EVERY = 5000;
const LOGIN_EXPIRED = 286;
const state = document.body.dataset;
const icon = document.querySelector("link[rel=icon]");
const calm = icon?.getAttribute("href");
let title = document.title;
let count = 0;
let since = "";
let asking;

const show = () => {
  document.title = count ? `(${count}) ${title}` : title;
  const wanted = count ? icon?.dataset.failing : calm;
  // Setting the same one would fetch it again.
  if (icon && icon.getAttribute("href") !== wanted) icon.setAttribute("href", wanted);
};

const ask = async () => {
  if (document.hidden) return;
  const query = new URLSearchParams(since ? { since } : { made: state.madeAt });
  let answer;
  try {
    answer = await fetch(`${state.changes}?${query}`, {
      headers: { "HX-Request": "true", "HX-Current-URL": location.href },
      redirect: "manual",
    });
  } catch {
    return; // The server is away; the next try may find it.
  }
  if (answer.status === LOGIN_EXPIRED) {
    clearInterval(asking);
    document.getElementById("messages").innerHTML = await answer.text();
  }
  if (answer.status !== 200 || !answer.headers.has("HX-Trigger")) return;
  since = await answer.text();
  const events = JSON.parse(answer.headers.get("HX-Trigger"));
  count = events.attention.count;
  show();
  if (events.changed) document.body.dispatchEvent(new CustomEvent("changed"));
};

if (state.changes) {
  ask();
  asking = setInterval(ask, EVERY);
  document.addEventListener("visibilitychange", ask);
  // A region that loads itself anew brings the title of the page with it.
  document.addEventListener("htmx:afterSettle", () => {
    if (!/^\(\d+\) /.test(document.title)) title = document.title;
    show();
  });
}

// Content renewed above the focus moves it. Whoever tabbed there and has not scrolled since keeps it
// in sight.
let isByTab = false;
document.addEventListener("keydown", ({ key }) => (isByTab = key === "Tab"));
for (const moves of ["pointerdown", "wheel"]) {
  document.addEventListener(moves, () => (isByTab = false), { passive: true });
}
for (const swapped of ["htmx:afterSwap", "htmx:oobAfterSwap"]) {
  document.addEventListener(swapped, () => {
    if (isByTab) document.activeElement?.scrollIntoView({ block: "nearest", behavior: "instant" });
  });
}
