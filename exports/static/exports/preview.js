// The preview below the task form: where it stands, closing it, and saying what it no longer is.

const byId = (id) => document.getElementById(id);
const show = (id, isShown) => byId(id)?.toggleAttribute("hidden", !isShown);
const isOfPreview = (event) => event.detail.elt.id === "preview-button";

// The form comes with its buttons, which may stay in sight; what they show does not.
document.addEventListener("htmx:load", () => {
  const place = byId("preview-place");
  if (place?.closest("form")) place.closest("form").after(place);
});

function close() {
  byId("preview").replaceChildren();
  byId("preview-button").focus();
}
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close-preview]")) close();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.closest("#preview")) close();
});

// About what is typed, moved or removed from here on ConnectWise was not asked.
for (const change of ["input", "change"]) {
  document.addEventListener(change, (event) => {
    if (event.target.closest(".task-form")) show("preview-outdated", true);
  });
}
document.addEventListener("conditions-changed", () => show("preview-outdated", true));

document.addEventListener("htmx:beforeRequest", (event) => {
  if (isOfPreview(event)) show("preview-no-answer", false);
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (!isOfPreview(event) || event.detail.successful) return;
  show("preview-no-answer", true);
  // It was disabled meanwhile, and so lost the focus.
  if (document.activeElement === document.body) byId("preview-button").focus();
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id !== "preview") return;
  // What was marked before has been put right, but a preview asks for neither a name nor a file.
  const unasked = ":is(#div_id_name, #div_id_output_file) *";
  for (const mark of document.querySelectorAll(`.form-field .field-error:not(${unasked})`)) {
    mark.remove();
  }
  for (const field of document.querySelectorAll(`.form-field [aria-invalid]:not(${unasked})`)) {
    field.removeAttribute("aria-invalid");
  }
  if (!document.querySelector(".form-field .field-error")) byId("problems")?.remove();
});
