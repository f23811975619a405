import assert from "node:assert/strict";
import test from "node:test";

import "./browser.mjs";
import { credentials, events, positions, renew, session } from "../client.js";

async function read(chunks) {
  const found = [];
  for await (const event of events(ReadableStream.from(chunks.map((chunk) => Buffer.from(chunk)))))
    found.push(event);
  return found;
}

test("events are the same wherever the bytes are cut", async () => {
  const bytes = Buffer.from(
    ': hello\n\nevent: next\r\ndata: {"a":"€"}\r\n\r\nevent:next\ndata: 1\ndata: 2\n\nid: 7\nevent: complete\ndata\n\nevent: next\ndata: cut',
  );
  const expected = [
    { event: "next", data: '{"a":"€"}' },
    { event: "next", data: "1\n2" },
    { event: "complete", data: "" },
  ];
  assert.deepEqual(await read([bytes]), expected);
  for (let at = 1; at < bytes.length; at += 1) {
    assert.deepEqual(await read([bytes.subarray(0, at), bytes.subarray(at)]), expected);
  }
  assert.deepEqual(await read(Array.from(bytes, (byte) => Buffer.from([byte]))), expected);
});

test("the newest positions are said back", () => {
  assert.deepEqual(positions.say(), {});
  for (const said of ["controls=42; evidence=17", "controls=41", "nonsense", "ai=x", "=3"]) {
    positions.hear(new Headers({ "studio-positions": said }));
  }
  positions.hear(new Headers());
  assert.deepEqual(positions.say(), { "studio-positions": "controls=42;evidence=17" });
});

test("a second factor stands between the password and the session", async () => {
  const sent = [];
  const answers = [
    { data: { logIn: { accessToken: null, challenge: "asked", passkeyOptions: "{}", userErrors: [] } } },
    { data: { completeLogIn: { accessToken: null, userErrors: [{ code: "INVALID_CODE", message: "No." }] } } },
    { data: { completeLogIn: { ...tokens("new"), userErrors: [] } } },
  ];
  globalThis.fetch = async (_path, { body }) => {
    sent.push(JSON.parse(body).variables.input);
    return new Response(JSON.stringify(answers.shift()));
  };
  const second = await session.signIn("a@b", "secret");
  assert.deepEqual(second, { challenge: "asked", passkeyOptions: "{}" });
  assert.equal(session.current(), null, "nobody is signed in by the password alone");
  await assert.rejects(session.completeSignIn("asked", { code: "1" }), (error) => error.code === "USER_ERRORS");
  assert.equal(session.current(), null);
  await session.completeSignIn("asked", { passkey: "{}" });
  assert.equal(session.current().accessToken, "new");
  assert.deepEqual(sent, [
    { email: "a@b", password: "secret" },
    { challenge: "asked", code: "1" },
    { challenge: "asked", passkey: "{}" },
  ]);
  sessionStorage.removeItem("studio.session");
});

const tokens = (name) => ({ accessToken: name, refreshToken: name, expiresAt: "2100-01-01T00:00:00Z" });

/** Signs out of a session against a server that answers so, and gives what it was sent. */
async function signedOut(answers) {
  const sent = [];
  globalThis.fetch = async (_path, { body, headers }) => {
    const name = /mutation (\w+)/.exec(JSON.parse(body).query)[1];
    sent.push(`${name} ${headers.authorization ?? "-"}`);
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return new Response(JSON.stringify(answer));
  };
  session.adopt(tokens("old"));
  const ending = session.signOut();
  assert.equal(session.current(), null, "it is left before the server answers");
  const told = await ending.then(
    () => null,
    (error) => error.message,
  );
  assert.equal(session.current(), null);
  return { sent, told };
}

test("a sign-out leaves at once and tells what the server did not confirm", async () => {
  const confirmed = { data: { logOut: { userErrors: [] } } };
  const ended = { errors: [{ message: "Sign in.", extensions: { code: "UNAUTHENTICATED" } }] };
  const refused = { data: { refresh: { userErrors: [{ code: "X", message: "It was used." }] } } };
  const renewed = { data: { refresh: { ...tokens("new"), userErrors: [] } } };
  const down = { errors: [{ message: "It starts.", extensions: { code: "SUBGRAPH_UNAVAILABLE" } }] };
  assert.deepEqual(await signedOut([confirmed]), { sent: ["LogOut Bearer old"], told: null });

  // An access token that has run out is no reason to leave the session open.
  const renewing = ["LogOut Bearer old", "Refresh -"];
  assert.deepEqual(await signedOut([ended, renewed, confirmed]), {
    sent: [...renewing, "LogOut Bearer new"],
    told: null,
  });
  assert.deepEqual(await signedOut([ended, refused]), { sent: renewing, told: null });

  const unreached = await signedOut([new TypeError("no network")]);
  assert.match(unreached.told, /^You are signed out here, .* cannot be reached.* ends by itself/);
  const failed = await signedOut([ended, down]);
  assert.deepEqual(failed.sent, renewing);
  assert.match(failed.told, /did not confirm it: It starts\. There the session ends/);
});

test("what a sign-out overtakes does not sign in again", async () => {
  const renewed = { data: { refresh: { ...tokens("new"), userErrors: [] } } };
  const refused = { data: { refresh: { userErrors: [{ code: "X", message: "It was used." }] } } };
  const confirmed = { data: { logOut: { userErrors: [] } } };
  for (const answer of [renewed, refused]) {
    for (const next of [null, "another"]) {
      let give;
      globalThis.fetch = async (_path, { body }) =>
        new Response(
          JSON.stringify(
            body.includes("mutation Refresh") ? await new Promise((then) => (give = then)) : confirmed,
          ),
        );
      session.adopt(tokens("old"));
      const renewing = renew();
      await new Promise(setImmediate);
      await session.signOut();
      if (next) session.adopt(tokens(next));
      give(answer);
      assert.equal(await renewing, next !== null);
      assert.deepEqual(await credentials(), next ? { authorization: `Bearer ${next}` } : {});
    }
  }
});
