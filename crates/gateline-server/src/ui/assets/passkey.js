"use strict";
// Passkeys: makes one, and signs an answer with one, where a form asks for it. Where a browser has none, the page says how to
// sign on the command line.
(() => {
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
  const challenge = (digest) => Uint8Array.from(digest.split(":")[1].match(/../g), (pair) => parseInt(pair, 16));
  const digest = (text) => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));

  async function ask(address) {
    const reply = await fetch(address, { headers: { Accept: "application/json" } });
    const body = await reply.json();
    if (!reply.ok) throw new Error(body.detail);
    if (!body.host) throw new Error("Passkeys do not work at this address: browsers have them for names over HTTPS, and for localhost.");
    return body;
  }

  async function make(form) {
    const { statement, digest: of, host } = await ask("/api/v1/keys/statement");
    const { actor, keys } = form.dataset;
    const made = await navigator.credentials.create({ publicKey: {
      challenge: challenge(of), rp: { id: host, name: "Gateline" },
      user: { id: await digest(actor), name: actor, displayName: actor },
      pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: "public-key", alg })),
      excludeCredentials: keys.split(" ").filter(Boolean).map((id) => ({ type: "public-key", id: bytes(id) })),
      authenticatorSelection: { userVerification: "required", residentKey: "preferred" }, attestation: "none",
    } });
    const passkey = {
      client_data: text(made.response.clientDataJSON), authenticator_data: text(made.response.getAuthenticatorData()),
    };
    return { statement, label: form.elements.label.value.trim(), key: { passkey } };
  }

  async function sign(form) {
    const comment = form.elements.reason.value.trim().replace(/\r\n/g, "\n");
    const query = new URLSearchParams({ answer: "approve" });
    if (comment) query.set("comment", "sha256:" + Array.from(new Uint8Array(await digest(comment)), (byte) => byte.toString(16).padStart(2, "0")).join(""));
    const { statement, digest: of, host, code, keys } = await ask(`${form.dataset.of}?${query}`);
    if (code !== form.dataset.code) throw new Error(`The decision code is ${code} now. Load the page again, and answer what you see.`);
    const own = keys.filter((key) => key.tier === "passkey").map((key) => ({ type: "public-key", id: bytes(key.fingerprint) }));
    const { id, response } = await navigator.credentials.get({ publicKey: {
      challenge: challenge(of), rpId: host, allowCredentials: own, userVerification: "required",
    } });
    const passkey = {
      client_data: text(response.clientDataJSON), authenticator_data: text(response.authenticatorData), signature: text(response.signature),
    };
    return { statement, key: id, proof: { passkey } };
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target, does = { make, sign }[form.dataset.passkey];
    if (!does) return;
    event.preventDefault();
    const said = form.querySelector("[role=status]");
    said.textContent = "Your browser asks for the passkey.";
    try {
      form.elements.signed.value = JSON.stringify(await does(form));
      form.submit();
    } catch (err) {
      said.textContent = err.name === "NotAllowedError" ? "Nothing was signed: no passkey answered." : `Nothing was signed: ${err.message}`;
    }
  });
})();
