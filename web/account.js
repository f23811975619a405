// The forms before anything else: first-time set-up and sign-in.

import { UserErrors, request, session } from "./client.js";
import { field, h, show } from "./dom.js";
import { setUpMutation } from "./operations.js";

/** A form that sends once at a time and shows what went wrong, at the field where it is known. */
function form(title, intro, fields, action, submit) {
  const problem = h("p", { class: "problem", role: "alert" });
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
        for (const { input } of Object.values(fields)) input.removeAttribute("aria-invalid");
        button.disabled = true;
        try {
          await submit(values());
        } catch (error) {
          show(problem, error.message);
          point(error, fields);
        } finally {
          button.disabled = false;
        }
      },
    },
    h("h1", {}, title),
    intro && h("p", { class: "quiet" }, intro),
    Object.values(fields).map(({ wrapper }) => wrapper),
    problem,
    button,
  );
  return element;
}

function point(error, fields) {
  if (!(error instanceof UserErrors)) return;
  for (const { path } of error.errors) {
    const known = fields[path?.at(-1)];
    known?.input.setAttribute("aria-invalid", "true");
  }
  document.querySelector('[aria-invalid="true"]')?.focus();
}

/** Signs in; `done` follows. */
export function signInForm(done, intro) {
  const fields = {
    email: field("E-mail", {
      type: "email",
      autocomplete: "username",
      required: true,
      maxlength: 320,
      autofocus: true,
    }),
    password: field("Password", {
      type: "password",
      autocomplete: "current-password",
      required: true,
      maxlength: 1024,
    }),
  };
  return form("Sign in", intro, fields, "Sign in", async ({ email, password }) => {
    await session.signIn(email.trim(), password);
    fields.password.input.value = "";
    done();
  });
}

/** Makes the organization and its owner with the one-time `token`, and signs the owner in. */
export function setUpForm(token, done) {
  const fields = {
    organizationName: field("Organization", {
      autocomplete: "organization",
      required: true,
      maxlength: 200,
      autofocus: true,
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
