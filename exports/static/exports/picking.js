// Ticked tasks stay ticked when the list renews itself; the button says how many there are.
const boxes = () => [...document.querySelectorAll(".pick[name=task]:not(:disabled)")];
const picked = new Set(boxes().filter((box) => box.checked).map((box) => box.value));

const show = () => {
  const here = boxes();
  for (const box of here) box.checked = picked.has(box.value);
  const count = here.filter((box) => box.checked).length;
  const button = document.getElementById("run-selected-button");
  if (button) {
    button.disabled = count === 0;
    button.querySelector(".picked-count").textContent = count ? ` (${count})` : "";
  }
  const all = document.getElementById("pick-all");
  if (all) {
    all.hidden = here.length === 0;
    all.checked = count > 0 && count === here.length;
    all.indeterminate = count > 0 && count < here.length;
  }
};

const pick = (box, isPicked) => (isPicked ? picked.add(box.value) : picked.delete(box.value));

document.addEventListener("change", ({ target }) => {
  if (target.id === "pick-all") for (const box of boxes()) pick(box, target.checked);
  else if (target.matches(".pick[name=task]")) pick(target, target.checked);
  else return;
  show();
});
document.addEventListener("htmx:afterSettle", show);
window.addEventListener("pageshow", show);
show();
