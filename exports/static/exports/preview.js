// The preview below the task form: place it, close it, and mark it when it is outdated.

const byId = (id) => document.getElementById(id);
const show = (id, isShown) => byId(id)?.toggleAttribute("hidden", !isShown);
const isOfPreview = (event) => event.detail.elt.id === "preview-button";

// The form's fragment brings the place of the preview along; move it below the form.
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

// After any later change of the form, the preview is outdated.
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
  // It lost the focus while it was disabled.
  if (document.activeElement === document.body) byId("preview-button").focus();
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id !== "preview") return;
  // The form is valid now, so remove old errors; but a preview does not check name and file.
  const unasked = ":is(#div_id_name, #div_id_output_file) *";
  for (const mark of document.querySelectorAll(`.form-field .field-error:not(${unasked})`)) {
    mark.remove();
  }
  for (const field of document.querySelectorAll(`.form-field [aria-invalid]:not(${unasked})`)) {
    field.removeAttribute("aria-invalid");
  }
  if (!document.querySelector(".form-field .field-error")) byId("problems")?.remove();
});
