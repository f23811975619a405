// Passkeys in the browser (Web Authentication): what the server asks for and what is answered is JSON
// whose bytes are base64url, and the browser wants and gives bytes.

import { ApiError } from "./client.js";

/** Whether this browser, at this address, has passkeys at all. */
export const passkeysWork = () =>
  Boolean(globalThis.PublicKeyCredential && globalThis.navigator?.credentials);

/** The bytes that base64url without padding stands for. */
export const bytesOf = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));

/** Bytes as base64url without padding. */
export const textOf = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

const named = (list = []) => list.map((one) => ({ ...one, id: bytesOf(one.id) }));

/** Makes the passkey that the server asks for; answers with the JSON for the server. */
export async function makePasskey(options) {
  const asked = JSON.parse(options);
  const publicKey = {
    ...asked,
    challenge: bytesOf(asked.challenge),
    user: { ...asked.user, id: bytesOf(asked.user.id) },
    excludeCredentials: named(asked.excludeCredentials),
  };
  const made = await browser(asked.rp?.id, () => navigator.credentials.create({ publicKey }));
  return answer(made, {
    attestationObject: textOf(made.response.attestationObject),
    transports: made.response.getTransports?.() ?? [],
  });
}

/** Answers what the server asks with a passkey that the person chooses. */
export async function usePasskey(options) {
  const asked = JSON.parse(options);
  const publicKey = {
    ...asked,
    challenge: bytesOf(asked.challenge),
    allowCredentials: named(asked.allowCredentials),
  };
  const used = await browser(asked.rpId, () => navigator.credentials.get({ publicKey }));
  const { authenticatorData, signature, userHandle } = used.response;
  return answer(used, {
    authenticatorData: textOf(authenticatorData),
    signature: textOf(signature),
    userHandle: userHandle ? textOf(userHandle) : null,
  });
}

const answer = ({ id, type, response }, more) =>
  JSON.stringify({
    id,
    rawId: id,
    type,
    response: { clientDataJSON: textOf(response.clientDataJSON), ...more },
    clientExtensionResults: {},
  });

const WHY = {
  NotAllowedError: () =>
    "No passkey was used: there is none for this server here, or the question was left.",
  InvalidStateError: () =>
    "This device or password manager has a passkey of yours for this server already.",
  SecurityError: (party) =>
    `Passkeys belong to another address of this server than the one that you opened: open it as ${party}.`,
};

/** Asks the browser, and says in words what went wrong; `party` is the name of the server. */
async function browser(party, ask) {
  try {
    return await ask();
  } catch (error) {
    const why = WHY[error.name]?.(party) ?? `The browser could not use a passkey: ${error.message}`;
    throw new ApiError("PASSKEY", why);
  }
}
