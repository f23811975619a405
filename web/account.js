// What comes before anything else: first-time set-up and sign-in.

import { UserErrors, beginPasskey, request, session } from "./client.js";
import { field, h, show, uniqueId } from "./dom.js";
import { setUpMutation, signInOptionsQuery } from "./operations.js";
import { passkeysWork, usePasskey } from "./passkey.js";
import { forgottenForm } from "./recovery.js";

/**
 * What somebody sees who is not signed in: `setUp`, `signIn` or `nothing` (no organization exists,
 * and there is nothing to make one with), with a sentence where the address, or that
 * the person's session `ended`, needs one.
 */
export function entrance(state, token, ended = false) {
  if (state === "DONE") {
    const used = "This address works once, and has been used. Sign in instead.";
    const over = "Your session has ended. Sign in again to go on.";
    return { show: "signIn", intro: token ? used : ended ? over : null };
  }
  if (state === "OPEN" && token) return { show: "setUp" };
  const other = "The address that you opened is not the one that this server printed.";
  return { show: "nothing", intro: token ? other : null };
}

/** Instead of a form, while there is no account to sign in to; `again` looks anew. */
export function nothingYet(again, intro) {
  return h(
    "section",
    { class: "card narrow" },
    h("h1", {}, "No organization yet"),
    intro && h("p", { class: "problem", role: "alert" }, intro),
    h(
      "p",
      {},
      "This server is new: nobody can sign in before its organization is set up. That takes an address that works once.",
    ),
    h(
      "p",
      {},
      "Whoever started the server finds it in what the start printed, or in the server’s log, after the words “Set up your organization:”. Open it as it stands there. If it is lost, start the server again: it is printed again.",
    ),
    h("button", { type: "button", onclick: again }, "Look again"),
  );
}

/** A form that sends once at a time and shows what went wrong, at the field where it is known. */
export function form(title, intro, fields, action, submit, { heading = "h1", beside = null } = {}) {
  const problem = h("p", { id: uniqueId("problem"), class: "problem", role: "alert" });
  const button = h("button", { type: "submit", class: "primary" }, action);
  for (const [name, { input }] of Object.entries(fields)) input.name = name;
  const values = () =>
    Object.fromEntries(Object.entries(fields).map(([name, { input }]) => [name, input.value]));
  const element = h(
    "form",
    {
      class: "card narrow",
      async onsubmit(event) {
        event.preventDefault();
        show(problem);
        for (const { input } of Object.values(fields)) valid(input);
        button.disabled = true;
        try {
          await submit(values());
        } catch (error) {
          button.disabled = false;
          show(problem, error.message);
          point(error, fields, problem.id);
        } finally {
          button.disabled = false;
        }
      },
    },
    h(heading, {}, title),
    intro && h("p", { class: "quiet" }, intro),
    Object.values(fields).map(({ wrapper }) => wrapper),
    problem,
    button,
    beside,
  );
  return element;
}

function valid(input) {
  input.removeAttribute("aria-invalid");
  input.removeAttribute("aria-errormessage");
}

/** Marks the fields that are wrong and goes to the first; to the last of all where none is named. */
function point(error, fields, problem) {
  const inputs = Object.values(fields).map(({ input }) => input);
  for (const { path } of error instanceof UserErrors ? error.errors : []) {
    const known = fields[path?.at(-1)]?.input;
    known?.setAttribute("aria-invalid", "true");
    known?.setAttribute("aria-errormessage", problem);
  }
  const wrong = inputs.find((input) => input.getAttribute("aria-invalid"));
  (wrong ?? inputs.at(-1))?.focus();
}

/** A button that uses a passkey, and says what went wrong; nothing where there are no passkeys. */
function passkeyButton(label, use) {
  if (!passkeysWork()) return null;
  const problem = h("p", { class: "problem", role: "alert" });
  const button = h("button", { type: "button", class: "passkey" }, label);
  button.addEventListener("click", async () => {
    show(problem);
    button.disabled = true;
    try {
      await use();
    } catch (error) {
      show(problem, error.message);
    } finally {
      button.disabled = false;
    }
  });
  return h("div", { class: "beside" }, button, problem);
}

/** Signs in; `done` follows. */
export function signInForm(done, intro) {
  const fields = {
    email: field("E-mail", {
      type: "email",
      autocomplete: "username",
      required: true,
      maxlength: 320,
    }),
    password: field("Password", {
      type: "password",
      autocomplete: "current-password",
      required: true,
      maxlength: 1024,
    }),
  };
  const alone = async () => {
    await session.signInWithPasskey(await usePasskey(await beginPasskey()));
    done();
  };
  const beside = passkeyButton("Sign in with a passkey", alone);
  const submit = async ({ email, password }) => {
    const second = await session.signIn(email.trim(), password);
    fields.password.input.value = "";
    if (!second) return done();
    const again = (why) => {
      const anew = signInForm(done, why);
      asked.replaceWith(anew);
      anew.querySelector("input").focus();
    };
    const asked = codeForm(second, done, again);
    element.replaceWith(asked);
    asked.querySelector("input").focus();
  };
  const element = form("Sign in", intro, fields, "Sign in", submit, { beside });
  otherWays(element, done);
  return element;
}

/** Adds how else one gets in, once the server has said so; without an answer there is the password. */
async function otherWays(element, done) {
  const { signInOptions } = await request(signInOptionsQuery).catch(() => ({ signInOptions: {} }));
  for (const { label, path } of signInOptions.providers ?? []) {
    // Where the person wanted to go, if it is a place of this page.
    const place = location.hash.startsWith("#/") ? `?return_to=${encodeURIComponent(location.hash)}` : "";
    const leave = () => location.assign(path + place);
    element.append(h("p", {}, h("button", { type: "button", onclick: leave }, `Sign in with ${label}`)));
  }
  if (signInOptions.passwordReset) {
    const forgotten = () => {
      const asked = forgottenForm(done);
      element.replaceWith(asked);
      asked.querySelector("input").focus();
    };
    element.append(
      h("p", {}, h("button", { type: "button", onclick: forgotten }, "I have forgotten my password")),
    );
  }
}

/** The second step of a sign-in; `again` goes back to the first, with the reason. */
export function codeForm({ challenge, passkeyOptions }, done, again) {
  const fields = {
    code: field("Code", {
      autocomplete: "one-time-code",
      autocapitalize: "characters",
      spellcheck: "false",
      required: true,
      maxlength: 64,
    }),
  };
  const complete = async (proof) => {
    try {
      await session.completeSignIn(challenge, proof);
    } catch (error) {
      fields.code.input.value = "";
      const over = error.errors?.some?.((one) => one.code === "INVALID_CHALLENGE");
      if (!over) throw error;
      return again(error.message);
    }
    done();
  };
  const use = async () => complete({ passkey: await usePasskey(passkeyOptions) });
  const beside = passkeyOptions ? passkeyButton("Use a passkey", use) : null;
  const intro = beside
    ? "Use your passkey, or type a code that your app shows now or one of your recovery codes."
    : "Type the code that your app shows now, or one of your recovery codes.";
  return form("Second step", intro, fields, "Sign in", ({ code }) => complete({ code }), { beside });
}

/** Makes the organization and its owner with the one-time `token`, and signs the owner in. */
export function setUpForm(token, done) {
  const fields = {
    organizationName: field("Organization", {
      autocomplete: "organization",
      required: true,
      maxlength: 200,
    }),
    ownerName: field("Your name", { autocomplete: "name", required: true, maxlength: 200 }),
    ownerEmail: field("Your e-mail", {
      type: "email",
      autocomplete: "username",
      required: true,
      maxlength: 320,
    }),
    password: field(
      "Password",
      { type: "password", autocomplete: "new-password", required: true, minlength: 12, maxlength: 1024 },
      "At least 12 characters. A few unrelated words are easier to remember than symbols.",
    ),
  };
  const intro =
    "This server is new. Name the organization and the person who owns it; the address that brought you here works once.";
  return form("Set up Studio", intro, fields, "Set up", async (input) => {
    const data = await request(setUpMutation, { input: { token, ...input } });
    session.adopt(data.setUp);
    fields.password.input.value = "";
    done();
  });
}
