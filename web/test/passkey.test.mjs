import assert from "node:assert/strict";
import test from "node:test";

import "./browser.mjs";
import { bytesOf, makePasskey, passkeysWork, textOf, usePasskey } from "../passkey.js";

test("bytes are the same after both ways", () => {
  for (let length = 0; length < 70; length += 1) {
    const bytes = Uint8Array.from({ length }, (_, at) => (at * 37 + length) % 256);
    const text = textOf(bytes.buffer);
    assert.match(text, /^[\w-]*$/);
    assert.deepEqual(bytesOf(text), bytes);
  }
});

test("without a browser there are no passkeys, and the reason is told in words", async () => {
  assert.equal(passkeysWork(), false);
  const asked = { rpId: "a.example", rp: { id: "a.example" }, challenge: "AAAA", user: { id: "AAAA" }, excludeCredentials: [{ id: "AAAA" }] };
  for (const [name, words] of [
    ["NotAllowedError", /No passkey was used/],
    ["InvalidStateError", /already/],
    ["SecurityError", /another address.*as a\.example/],
    ["OtherError", /could not use a passkey: why/],
  ]) {
    const refuse = async () => {
      throw Object.assign(new Error("why"), { name });
    };
    Object.defineProperty(globalThis, "navigator", {
      value: { credentials: { create: refuse, get: refuse } },
      configurable: true,
    });
    await assert.rejects(makePasskey(JSON.stringify(asked)), words);
    await assert.rejects(usePasskey(JSON.stringify(asked)), words);
  }
});

test("what goes to the server is the JSON of the specification", async () => {
  const buffer = (text) => new TextEncoder().encode(text).buffer;
  let seen;
  const get = async ({ publicKey }) => {
    seen = publicKey;
    return {
      id: "aWQ",
      type: "public-key",
      response: {
        clientDataJSON: buffer("{}"),
        authenticatorData: buffer("data"),
        signature: buffer("signature"),
        userHandle: null,
      },
    };
  };
  Object.defineProperty(globalThis, "navigator", { value: { credentials: { get } }, configurable: true });
  const answer = await usePasskey('{"challenge":"AQID","rpId":"localhost","allowCredentials":[]}');
  assert.deepEqual([...seen.challenge], [1, 2, 3]);
  assert.deepEqual(JSON.parse(answer), {
    id: "aWQ",
    rawId: "aWQ",
    type: "public-key",
    response: { clientDataJSON: "e30", authenticatorData: "ZGF0YQ", signature: "c2lnbmF0dXJl", userHandle: null },
    clientExtensionResults: {},
  });
});
