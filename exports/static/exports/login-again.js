// After a login in another tab the browser has a new token, which the forms of this page must send.
const NAME = "csrfmiddlewaretoken";
const token = () => document.cookie.match(/(?:^|; )cwexport_csrf=([^;]+)/)?.[1];

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
