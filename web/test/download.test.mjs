import assert from "node:assert/strict";
import test from "node:test";

import "./browser.mjs";
import { session } from "../client.js";
import { download, hash, nameOf } from "../download.js";

test("the name is the one that the server gives", () => {
  const said = "attachment; filename=\"evd_1-v2.ocsf.json\"; filename*=UTF-8''evd_1-v2.ocsf.json";
  assert.equal(nameOf(new Response("", { headers: { "content-disposition": said } })), "evd_1-v2.ocsf.json");
  assert.equal(nameOf(new Response("")), "download");
});

test("the hash is that of the bytes", async () => {
  const expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assert.equal(await hash(new Blob(["abc"])), expected);
});

test("a refusal is told in the server's words", async () => {
  const problem = { code: "NOT_FOUND", detail: "There is no version 9 that you can see." };
  globalThis.fetch = async () => new Response(JSON.stringify(problem), { status: 404 });
  await assert.rejects(download("/v1/evidence/evd_1/versions/9/content"), {
    code: "NOT_FOUND",
    message: problem.detail,
  });
  globalThis.fetch = async () => {
    throw new TypeError("no network");
  };
  await assert.rejects(download("/v1/x"), { code: "NETWORK" });
});

test("a session that is over by then is told as such", async () => {
  const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
  session.adopt({ accessToken: "old", refreshToken: "old", expiresAt: inAnHour });
  let ends = 0;
  session.onEnd(() => {
    assert.equal(session.current(), null);
    ends += 1;
  });
  const refused = { errors: [{ message: "Sign in.", extensions: { code: "UNAUTHENTICATED" } }] };
  globalThis.fetch = async (path) =>
    new Response(JSON.stringify(path === "/graphql" ? refused : { code: "UNAUTHENTICATED" }), { status: 401 });
  await assert.rejects(download("/v1/x"), { code: "UNAUTHENTICATED" });
  assert.equal(ends, 1);

  // Whoever signs out by themselves has not been cut off.
  session.adopt({ accessToken: "new", refreshToken: "new", expiresAt: inAnHour });
  await session.signOut();
  await assert.rejects(download("/v1/x"), { code: "UNAUTHENTICATED" });
  assert.equal(ends, 1);
});
