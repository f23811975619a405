import assert from "node:assert/strict";
import test from "node:test";

import "./browser.mjs";
import { entrance } from "../account.js";
import { arrival } from "../provider.js";
import { link } from "../recovery.js";

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

test("a link from a mail is told from every other address", () => {
  assert.deepEqual(link("reset=aB-_9"), { kind: "reset", token: "aB-_9" });
  assert.deepEqual(link("verify=x"), { kind: "verify", token: "x" });
  assert.deepEqual(link("invite=x-1"), { kind: "invite", token: "x-1" });
  for (const other of ["", "reset=", "reset=a b", "Reset=a", "invited=a", "setup=a", "/score/a/b", "reset=a&verify=b"]) {
    assert.equal(link(other), null, other);
  }
});

test("the way back from a provider leads to a place of this page alone", () => {
  assert.equal(arrival("/score/a/b"), null);
  assert.deepEqual(arrival("signed-in="), { place: "" });
  assert.deepEqual(arrival("signed-in=%23%2Fscore%2Fa%2Fb"), { place: "#/score/a/b" });
  for (const elsewhere of ["https%3A%2F%2Fevil.example", "%2F%2Fevil.example", "javascript%3Aalert(1)", "%"]) {
    assert.deepEqual(arrival(`signed-in=${elsewhere}`), { place: "" }, elsewhere);
  }
  assert.match(arrival("sign-in-failed=STATE").problem, /not begun in this browser/);
  assert.match(arrival("sign-in-failed=toString").problem, /Something went wrong/);
  assert.equal(arrival("sign-in-failed=<b>"), null);
});
