// The picker and the buttons beside a date in UTC (exports/forms/utc_input.py): both only write the
// text beside them, which is what is sent. A picked time is one in UTC: no zone is ever converted.
const SENT = /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d)?)[Zz]?)?$/;
const textOf = (box) => box.querySelector(".utc-text input");
const pickerOf = (box) => box.querySelector("[type=datetime-local]");

function follow(box) {
  const [, day, time] = textOf(box).value.trim().match(SENT) ?? [];
  pickerOf(box).value = day ? `${day}T${time ?? "00:00:00"}` : "";
}

function write(box, text) {
  const input = textOf(box);
  input.value = text;
  for (const name of ["input", "change"]) input.dispatchEvent(new Event(name, { bubbles: true }));
}

function prepare() {
  for (const box of document.querySelectorAll("[data-utc]")) {
    box.querySelector(".utc-offers").hidden = false;
    follow(box);
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-utc-value]");
  if (!button) return;
  const box = button.closest("[data-utc]");
  write(box, button.dataset.utcValue);
  follow(box);
  textOf(box).focus();
});
document.addEventListener("input", ({ target }) => {
  const box = target.closest("[data-utc]");
  if (!box) return;
  if (target !== pickerOf(box)) follow(box);
  else if (target.value) write(box, `${target.value.length === 16 ? `${target.value}:00` : target.value}Z`);
});
document.addEventListener("htmx:load", prepare);
prepare();
