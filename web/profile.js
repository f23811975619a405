// The own account: its passkeys, how one is added and removed, and the apps that act for it.

import { beginPasskey, mutate, request } from "./client.js";
import { field, h, show } from "./dom.js";
import { form } from "./account.js";
import {
  beginPasskeyRegistrationMutation,
  confirmPasskeyRegistrationMutation,
  profileQuery,
  removePasskeyMutation,
  revokeAppMutation,
} from "./operations.js";
import { makePasskey, passkeysWork, usePasskey } from "./passkey.js";

const day = (instant) => new Date(instant).toLocaleDateString(undefined, { dateStyle: "medium" });

/** Shows the account of whoever is signed in. */
export async function profilePage(main, signal) {
  const { me } = await request(profileQuery, {}, signal);
  if (signal.aborted) return;
  const again = (codes) =>
    profilePage(main, signal).then(() => codes && main.prepend(recoveryCodes(codes)));
  show(
    main,
    h("h1", {}, "Your account"),
    h("p", { class: "quiet" }, `${me.name}, ${me.email}`),
    h(
      "section",
      { class: "card" },
      h("h2", {}, "Passkeys"),
      h(
        "p",
        {},
        "With a passkey you sign in without a password: your device or password manager asks for a PIN, your finger or your face. After a password, a passkey or a code is asked for.",
      ),
      me.passkeys.length > 0
        ? h("ul", { class: "passkeys" }, me.passkeys.map((one) => item(one, me, again)))
        : h("p", { class: "quiet" }, "You have none yet."),
    ),
    passkeysWork()
      ? addForm(me, again)
      : h("p", { class: "quiet" }, "This browser makes no passkeys at this address."),
    h(
      "section",
      { class: "card" },
      h("h2", {}, "Apps"),
      h("p", {}, "What you have allowed to act for you. It may do what you may, as far as you allowed."),
      me.apps.length > 0
        ? h("ul", { class: "apps" }, me.apps.map((one) => app(one, again)))
        : h("p", { class: "quiet" }, "You have allowed none."),
    ),
  );
}

function item(passkey, me, again) {
  const { name, createdAt, usedAt, copiedAt } = passkey;
  const used = usedAt ? `last used ${day(usedAt)}` : "not used yet";
  const place = h("div", {});
  const remove = () => {
    const removal = removeForm(passkey, me, again);
    show(place, removal);
    removal.querySelector("input").focus();
  };
  return h(
    "li",
    {},
    h("strong", {}, name),
    h("span", { class: "quiet" }, ` added ${day(createdAt)}, ${used} `),
    h("button", { type: "button", "aria-label": `Remove ${name}`, onclick: remove }, "Remove"),
    copiedAt &&
      h(
        "p",
        { class: "problem" },
        `There seems to be a copy of this passkey: on ${day(copiedAt)} one was refused. Remove it.`,
      ),
    place,
  );
}

function app({ clientId, name, scopes, allowedAt, usedAt }, again) {
  const problem = h("p", { class: "problem", role: "alert" });
  const end = h("button", { type: "button", "aria-label": `End ${name}` }, "End");
  end.addEventListener("click", async () => {
    end.disabled = true;
    try {
      await mutate(revokeAppMutation, { clientId });
      await again();
    } catch (error) {
      end.disabled = false;
      show(problem, error.message);
    }
  });
  const used = usedAt ? `last used ${day(usedAt)}` : "not used yet";
  return h(
    "li",
    {},
    h("strong", {}, name),
    h("span", { class: "quiet" }, ` allowed ${day(allowedAt)}, ${used} `),
    end,
    h("p", { class: "quiet" }, scopes.map((scope) => [h("code", {}, scope), " "])),
    problem,
  );
}

const password = () =>
  field("Password", {
    type: "password",
    autocomplete: "current-password",
    required: true,
    maxlength: 1024,
  });

/** The field for a second factor that there is; none where there is none. */
function code(me) {
  if (!me.secondFactor) return {};
  const withPasskey = passkeysWork() && me.passkeys.length > 0;
  const attributes = {
    autocomplete: "one-time-code",
    autocapitalize: "characters",
    spellcheck: "false",
    required: !withPasskey,
    maxlength: 64,
  };
  const hint = withPasskey ? "Leave it empty to show a passkey that you have." : null;
  return { code: field("Code of your app, or a recovery code", attributes, hint) };
}

/** What proves that it is the person: the code that was typed, or a passkey. */
async function proof(me, typed) {
  if (!me.secondFactor) return {};
  if (typed?.trim()) return { code: typed };
  return { passkey: await usePasskey(await beginPasskey()) };
}

function addForm(me, again) {
  const fields = {
    name: field(
      "Name",
      { required: true, maxlength: 200, autocomplete: "off" },
      "For example after the device that holds it.",
    ),
    password: password(),
    ...code(me),
  };
  const add = async (typed) => {
    const input = { password: typed.password, ...(await proof(me, typed.code)) };
    const begun = await mutate(beginPasskeyRegistrationMutation, input);
    const passkey = await makePasskey(begun.options);
    const { recoveryCodes: codes } = await mutate(confirmPasskeyRegistrationMutation, {
      passkey,
      name: typed.name,
    });
    await again(codes);
  };
  return form("Add a passkey", null, fields, "Add a passkey", add, { heading: "h2" });
}

function removeForm({ id, name }, me, again) {
  const fields = { password: password(), ...code(me) };
  const remove = async (typed) => {
    const input = { passkeyId: id, password: typed.password, ...(await proof(me, typed.code)) };
    await mutate(removePasskeyMutation, input);
    await again();
  };
  return form(`Remove ${name}`, null, fields, "Remove", remove, { heading: "h3" });
}

function recoveryCodes(codes) {
  return h(
    "section",
    { class: "card", role: "status" },
    h("h2", {}, "Your recovery codes"),
    h(
      "p",
      {},
      "Each takes the place of your passkeys and your app, once. Keep them on paper: they are shown this once.",
    ),
    h("ol", { class: "codes" }, codes.map((one) => h("li", {}, h("code", {}, one)))),
  );
}
