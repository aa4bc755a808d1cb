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
