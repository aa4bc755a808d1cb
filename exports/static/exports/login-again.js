// A fragment that is refused says so at the top of the page; htmx would show no answer with a 403.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.xhr.status === 403 && detail.xhr.getResponseHeader("HX-Retarget")) {
    detail.shouldSwap = true;
  }
});

// After a login in another tab the browser has a new CSRF token; put it into this page's forms.
const NAME = "csrfmiddlewaretoken";
const token = () => {
  const cookie = `${document.body.dataset.csrfCookie}=`;
  return document.cookie.split("; ").find((text) => text.startsWith(cookie))?.slice(cookie.length);
};

document.addEventListener(
  "submit",
  (event) => {
    const field = event.target.elements.namedItem(NAME);
    if (field && token()) field.value = token();
  },
  true,
);
document.addEventListener("htmx:configRequest", (event) => {
  const { parameters } = event.detail;
  if (parameters[NAME] && token()) parameters[NAME] = token();
});
