// What an app asks of a person: which app it is, what it wants, and the person's answer. The server has led
// the browser here with the request, which it has checked and sealed; it stays in this tab until it is
// answered, also while the person signs in elsewhere and comes back.

import { form, signInForm } from "./account.js";
import { mutate, request, session } from "./client.js";
import { h, show } from "./dom.js";
import { allowAppMutation, appRequestQuery, declineAppMutation } from "./operations.js";

const KEPT = "studio.authorize";

/** The request that an address carries after its `#`; null where it carries none. */
export const asked = (hash) => /^authorize=([\w.-]{1,16384})$/.exec(hash)?.[1] ?? null;

/** The request of this tab that is not answered yet. */
export const pending = {
  keep: (sealed) => sessionStorage.setItem(KEPT, sealed),
  current: () => sessionStorage.getItem(KEPT),
  forget: () => sessionStorage.removeItem(KEPT),
};

/** What to do about a request: `show` a form or words, or give an `answer` without asking. */
export function step({ state, silent }) {
  if (state === "READY") return { answer: "allow" };
  if (silent && state === "SIGN_IN") return { answer: "LOGIN_REQUIRED" };
  if (silent && state === "CONSENT") return { answer: "CONSENT_REQUIRED" };
  return { show: { SIGN_IN: "signIn", CONSENT: "consent", ELSEWHERE: "elsewhere" }[state] ?? "over" };
}

/**
 * The form or the words for the request, or null once the browser is on its way back to the app. `again`
 * looks anew, after a sign-in; `leave` goes on to the page itself.
 */
export async function authorizeForm(sealed, again, leave, signal) {
  const asks = (await request(appRequestQuery, { request: sealed }, signal)).appRequest;
  if (signal.aborted) return null;
  const { answer, show: what } = step(asks);
  if (answer === "allow") return back(await allow(sealed, false));
  if (answer) return back(await decline(sealed, answer));
  if (what === "signIn") return signIn(asks, again);
  if (what === "consent") return consentForm(sealed, asks);
  pending.forget();
  const elsewhere = "That app belongs to another organization than the one that you are signed in to.";
  const over =
    "What the app asked is over: it took longer than ten minutes, or was answered already. Go back to the app and begin again.";
  return h(
    "section",
    { class: "card narrow" },
    h("h1", {}, "Nothing to allow"),
    h("p", {}, what === "elsewhere" ? elsewhere : over),
    h("button", { type: "button", onclick: leave }, "To Studio"),
  );
}

const allow = async (sealed, consent) =>
  (await mutate(allowAppMutation, { request: sealed, consent })).redirectTo;

const decline = async (sealed, reason) =>
  (await mutate(declineAppMutation, { request: sealed, reason })).redirectTo;

/** Leads back to the app, to an address that the server has made. */
function back(address) {
  pending.forget();
  location.replace(address);
  return null;
}

function signIn({ loginHint, command }, again) {
  // Whoever is signed in is asked to be so anew.
  const anew = session.current() !== null;
  if (anew) session.signOut().catch((error) => console.warn(error.message));
  const intro = anew
    ? "An app wants you to sign in anew."
    : command
      ? "The studio command on this computer asks to sign in as you. Sign in here first; then you are asked."
      : "An app wants to act for you. Sign in first; then you see which one, and what it wants.";
  const element = signInForm(again, intro);
  const email = element.querySelector("input[type=email]");
  if (loginHint && email) email.value = loginHint;
  return element;
}

/** Asks the person. */
export function consentForm(sealed, asks) {
  const { command, name, organization, registeredBy, scopes } = asks;
  const of = [organization?.name, registeredBy && `registered by ${registeredBy}`].filter(Boolean);
  const element = form(
    command ? "Sign in at the command line?" : `Let ${name} act for you?`,
    command ? "The studio command on this computer asks to sign in as you." : of.join(", "),
    {},
    "Allow",
    async () => back(await allow(sealed, true)),
  );
  const deny = h("button", { type: "button", class: "deny" }, "Deny");
  deny.addEventListener("click", async () => {
    deny.disabled = true;
    try {
      back(await decline(sealed, "ACCESS_DENIED"));
    } catch (error) {
      deny.disabled = false;
      show(element.querySelector(".problem"), error.message);
    }
  });
  element.insertBefore(
    h(
      "div",
      { class: "wants" },
      ...(command ? [] : [h("p", {}, "It will be able to:"), h("ul", {}, scopes.map(want))]),
      h("p", { class: "quiet" }, terms(asks)),
    ),
    element.querySelector(".problem"),
  );
  element.querySelector("button[type=submit]").after(" ", deny);
  return element;
}

/** What it comes to, and how it ends. */
function terms({ command, answersTo }) {
  if (!command) {
    return `Only what you may do yourself, and never how you sign in or what people may do. You end it on the page of your account. The answer goes to ${answersTo}.`;
  }
  return `It may then do whatever you may do. Allow it only if you have just typed "studio login --browser" yourself, on this computer. You end it by "studio logout" there, or from anywhere as any other session of yours. The answer goes to ${answersTo}.`;
}

/** What one scope comes to: the phrase, or as many as there are. */
function want({ scope, meanings }) {
  if (meanings.length === 1) return h("li", {}, meanings[0]);
  return h(
    "li",
    {},
    h("code", {}, scope),
    h("ul", {}, meanings.map((meaning) => h("li", {}, meaning))),
  );
}
