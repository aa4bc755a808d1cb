// Offers names of tasks while one is typed (data-names is the address that knows them).
let waiting;

const offer = async (field) => {
  const address = new URL(field.dataset.names, location.href);
  address.searchParams.set("q", field.value);
  const answer = await fetch(address, { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok) return;
  const { names } = await answer.json();
  field.list?.replaceChildren(...names.map((name) => new Option(name, name)));
};

for (const event of ["input", "focusin"]) {
  document.addEventListener(event, ({ target }) => {
    if (!target.dataset?.names) return;
    clearTimeout(waiting);
    waiting = setTimeout(offer, event === "input" ? 150 : 0, target);
  });
}
