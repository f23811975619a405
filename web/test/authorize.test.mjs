import assert from "node:assert/strict";
import test from "node:test";

import "./browser.mjs";
import { asked, pending, step } from "../authorize.js";

test("what an app asks is told from every other address, and kept until it is answered", () => {
  assert.equal(asked("authorize=eyJ9.aB-_9"), "eyJ9.aB-_9");
  for (const other of ["", "authorize=", "authorize=a b", "authorize=<b>", "authorize=a&x=b", "/authorize=a"]) {
    assert.equal(asked(other), null, other);
  }
  assert.equal(asked(`authorize=${"x".repeat(16385)}`), null);
  assert.equal(pending.current(), null);
  pending.keep("eyJ9.aB");
  assert.equal(pending.current(), "eyJ9.aB");
  pending.forget();
  assert.equal(pending.current(), null);
});

test("nobody is asked where the app wants nothing to be asked, and everybody else is", () => {
  assert.deepEqual(step({ state: "READY", silent: false }), { answer: "allow" });
  assert.deepEqual(step({ state: "READY", silent: true }), { answer: "allow" });
  assert.deepEqual(step({ state: "SIGN_IN", silent: true }), { answer: "LOGIN_REQUIRED" });
  assert.deepEqual(step({ state: "CONSENT", silent: true }), { answer: "CONSENT_REQUIRED" });
  assert.deepEqual(step({ state: "SIGN_IN", silent: false }), { show: "signIn" });
  assert.deepEqual(step({ state: "CONSENT", silent: false }), { show: "consent" });
  for (const silent of [true, false]) {
    assert.deepEqual(step({ state: "ELSEWHERE", silent }), { show: "elsewhere" });
    assert.deepEqual(step({ state: "OVER", silent }), { show: "over" });
    assert.deepEqual(step({ state: "NEWER", silent }), { show: "over" });
  }
});
