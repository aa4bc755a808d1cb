// Asks the browser for a passkey or security key and sends its answer as a field of the form.
const fromText = (text) => {
  const base64 = text.replace(/-/g, "+").replace(/_/g, "/");
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
};
const toText = (buffer) => {
  const letters = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte));
  return btoa(letters.join("")).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
};
const described = (list) => (list || []).map((one) => ({ ...one, id: fromText(one.id) }));

const create = async (options) => {
  const publicKey = {
    ...options,
    challenge: fromText(options.challenge),
    user: { ...options.user, id: fromText(options.user.id) },
    excludeCredentials: described(options.excludeCredentials),
  };
  const made = await navigator.credentials.create({ publicKey });
  return {
    attestationObject: toText(made.response.attestationObject),
    transports: made.response.getTransports?.() || [],
    made,
  };
};
const get = async (options) => {
  const publicKey = {
    ...options,
    challenge: fromText(options.challenge),
    allowCredentials: described(options.allowCredentials),
  };
  const made = await navigator.credentials.get({ publicKey });
  const { authenticatorData, signature, userHandle } = made.response;
  return {
    authenticatorData: toText(authenticatorData),
    signature: toText(signature),
    userHandle: userHandle ? toText(userHandle) : null,
    made,
  };
};

const answer = async (form) => {
  const { publicKey } = JSON.parse(form.dataset.options);
  const { made, ...parts } = await (form.dataset.key === "create" ? create : get)(publicKey);
  return JSON.stringify({
    id: made.id,
    rawId: toText(made.rawId),
    type: made.type,
    clientExtensionResults: made.getClientExtensionResults(),
    response: { clientDataJSON: toText(made.response.clientDataJSON), ...parts },
  });
};

for (const form of document.querySelectorAll("form[data-key]")) {
  const problem = form.querySelector(".key-problem");
  const button = form.querySelector("button[type=submit]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.hidden = true;
    button.disabled = true;
    try {
      form.elements.namedItem("credential").value = await answer(form);
      form.submit();
    } catch {
      problem.hidden = false;
    } finally {
      button.disabled = false;
    }
  });
}
