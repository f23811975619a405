import assert from "node:assert/strict";
import test from "node:test";

import "./browser.mjs";
import { entrance } from "../account.js";

test("a form is shown only where the server would take it", () => {
  assert.equal(entrance("OPEN", "a token").show, "setUp");
  assert.deepEqual(entrance("DONE", null), { show: "signIn", intro: null });
  const used = entrance("DONE", "a token");
  assert.equal(used.show, "signIn");
  assert.match(used.intro, /has been used\. Sign in instead/);
  assert.match(entrance("DONE", null, true).intro, /Your session has ended\. Sign in again/);
  assert.equal(entrance("DONE", "a token", true).intro, used.intro);
  assert.equal(entrance("OPEN", null, true).show, "nothing");
  assert.deepEqual(entrance("OPEN", null), { show: "nothing", intro: null });
  const wrong = entrance("WRONG_TOKEN", "a token");
  assert.equal(wrong.show, "nothing");
  assert.match(wrong.intro, /not the one/);
});
