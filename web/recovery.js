// What a link from a mail leads to, and how one asks for it: another password, whose an address is, and an
// account for somebody who was invited.

import { UserErrors, request, session } from "./client.js";
import { form, signInForm } from "./account.js";
import { field, h } from "./dom.js";
import {
  acceptInvitationMutation,
  requestPasswordResetMutation,
  resetPasswordMutation,
  verifyEmailMutation,
} from "./operations.js";

/** The link that an address is, by the part after its `#`: what it is for and its token; or null. */
export function link(hash) {
  const [, kind, token] = /^(reset|verify|invite)=([\w-]{1,400})$/.exec(hash) ?? [];
  return kind ? { kind, token } : null;
}

async function done(mutation, name, input) {
  const payload = (await request(mutation, { input }))[name];
  if (payload.userErrors.length) throw new UserErrors(payload.userErrors);
}

/** Puts a form in the place of another, and the person into it. */
function instead(element, other) {
  element.replaceWith(other);
  (other.querySelector("input") ?? other.querySelector("button"))?.focus();
}

/** Asks for a link to another password; `signedIn` follows where the person signs in after all. */
export function forgottenForm(signedIn) {
  const fields = {
    email: field("E-mail", { type: "email", autocomplete: "username", required: true, maxlength: 320 }),
  };
  const intro = "Studio sends a link to this address, by which you choose another password.";
  const element = form("Forgotten password", intro, fields, "Send the link", async ({ email }) => {
    await done(requestPasswordResetMutation, "requestPasswordReset", { email: email.trim() });
    const told =
      "If somebody signs in with that address and a password, a mail with a link is on its way. The link works for 30 minutes.";
    instead(element, signInForm(signedIn, told));
  });
  element.append(
    h("p", {}, h("button", { type: "button", onclick: () => instead(element, signInForm(signedIn)) }, "Back")),
  );
  return element;
}

/** What a link leads to. */
export function linkedForm({ kind, token }, signedIn) {
  return { reset: resetForm, verify: verifyForm, invite: invitedForm }[kind](token, signedIn);
}

function resetForm(token, signedIn) {
  const fields = {
    newPassword: field(
      "New password",
      { type: "password", autocomplete: "new-password", required: true, minlength: 12, maxlength: 1024 },
      "At least 12 characters. A few unrelated words are easier to remember than symbols.",
    ),
  };
  const intro = "All your sessions end with it, also on other devices.";
  const element = form("Choose a password", intro, fields, "Choose", async ({ newPassword }) => {
    await done(resetPasswordMutation, "resetPassword", { token, newPassword });
    fields.newPassword.input.value = "";
    // Whoever was signed in here is not any more, and the server knows.
    session.signOut().catch(() => {});
    instead(element, signInForm(signedIn, "Your password is another one now. Sign in with it."));
  });
  return element;
}

/** Whoever was invited chooses a name and a password; nobody else gets to see the password. */
function invitedForm(token, signedIn) {
  const fields = {
    name: field("Your name", { autocomplete: "name", required: true, maxlength: 200 }),
    password: field(
      "Password",
      { type: "password", autocomplete: "new-password", required: true, minlength: 12, maxlength: 1024 },
      "At least 12 characters. A few unrelated words are easier to remember than symbols.",
    ),
  };
  const intro = "You are invited to an organization in Studio. Choose what you are called, and your password.";
  const element = form("Accept the invitation", intro, fields, "Accept", async ({ name, password }) => {
    await done(acceptInvitationMutation, "acceptInvitation", { token, name, password });
    fields.password.input.value = "";
    // Somebody else may be signed in here, and the server knows.
    session.signOut().catch(() => {});
    const told = "Your account is there. Sign in with the address that the invitation was sent to.";
    instead(element, signInForm(signedIn, told));
  });
  return element;
}

/** A press of a button, and not the opening of the link: programs that look at mails open links, too. */
function verifyForm(token, signedIn) {
  const intro = "Say that you read the mail of the address that this link was sent to.";
  const element = form("Verify your address", intro, {}, "It is mine", async () => {
    await done(verifyEmailMutation, "verifyEmail", { token });
    if (session.current()) return signedIn();
    instead(element, signInForm(signedIn, "Your address is verified."));
  });
  return element;
}
