// The way back from a provider of identity: the server leads the browser here, and says in the address how it went.

import { codeForm, signInForm } from "./account.js";
import { session } from "./client.js";

const REASONS = {
  NO_PROVIDER: "This server knows no provider of that name.",
  RETURN_TO: "The address that you came by leads to no place of this page.",
  STATE: "That sign-in was not begun in this browser, or took longer than ten minutes. Begin again.",
  REFUSED: "The provider did not let you in.",
  UNAVAILABLE: "The provider cannot be reached, or does not answer as it must. Try again in a while; if it stays, tell whoever runs this server.",
  TOKEN: "What the provider said of you does not hold. Begin again; if it stays, tell whoever runs this server.",
  ADDRESS: "The provider does not vouch for an e-mail address that it may vouch for: it must have verified yours.",
  ACCOUNT: "Your address belongs to an account that does not sign in this way. Sign in with your password.",
  NO_ROLE: "None of your groups lets you in here: ask whoever keeps them.",
  NO_ORGANIZATION: "The provider is set for an organization that does not exist: tell whoever runs this server.",
  DENIED: "A rule of this server does not let you in.",
};

/** What the address says of a sign-in by a provider: `{ place }`, `{ problem }`, or null where it says nothing. */
export function arrival(hash) {
  const failed = /^sign-in-failed=(\w{1,40})$/.exec(hash)?.[1];
  if (failed) {
    const other = "Something went wrong on the server. Try again; if it stays, tell whoever runs it.";
    return { problem: Object.hasOwn(REASONS, failed) ? REASONS[failed] : other };
  }
  const [, written] = /^signed-in=([^&]{0,2000})$/.exec(hash) ?? [];
  if (written === undefined) return null;
  let place = "";
  try {
    place = decodeURIComponent(written.replaceAll("+", " "));
  } catch {
    // No place then.
  }
  return { place: place.startsWith("#/") ? place : "" };
}

/** Takes the tokens; a form where a code is asked for, or where it did not work, and null where all is done. */
export async function arrive({ problem }, done) {
  if (problem) return signInForm(done, problem);
  try {
    const challenge = await session.arrive();
    if (!challenge) return null;
    const form = codeForm(challenge, done, (why) => form.replaceWith(signInForm(done, why)));
    return form;
  } catch (error) {
    return signInForm(done, error.message);
  }
}
