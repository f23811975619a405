// The API console at GET /graphql: write an operation, run it, read the schema.

import { ApiError, credentials, post, renew, request, session, subscribe } from "./client.js";
import { signInForm } from "./account.js";
import { h, show } from "./dom.js";
import { explorer } from "./docs.js";
import { editor } from "./editor.js";
import { format, operationAt } from "./language.js";
import { Schema, introspectionQuery } from "./schema.js";

const DRAFT = "studio.console.draft";
const HISTORY = "studio.console.history";
const KEPT = 50;
const EVENTS_SHOWN = 100;
const COLOURED = 300_000; // characters; longer answers stay plain
const WELCOME = `# Ctrl-Enter runs the operation under the cursor, Ctrl-Space completes.
query Scores {
  projects(first: 10) {
    nodes {
      name
      scores {
        framework { name }
        headline
      }
    }
  }
}
`;

const element = (id) => document.getElementById(id);
const query = element("query");
const variables = element("variables");
const headers = element("headers");
const answer = element("answer");
const meter = element("meter");
const runButton = element("run");
const person = element("person");
const docs = explorer(element("docs"), element("search"));

let schema = null;
let running = null;
let copied = "";

// ---- what is kept between visits ---------------------------------------------------------------

// Passwords, tokens and codes are typed into operations as well: what names one is not kept at all.
const secret = (text) => /pass(word|phrase)|token|secret|api_?key|authorization|bearer|challenge|totp|recoveryCode|passkey/i.test(text);

function remembered(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
}

function remember(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // The storage is full or switched off: the console works without a memory.
  }
}

function keepInHistory(entry) {
  if (secret(entry.query + entry.variables)) return;
  const past = (remembered(HISTORY) ?? []).filter(
    (old) => old.query !== entry.query || old.variables !== entry.variables,
  );
  remember(HISTORY, [entry, ...past].slice(0, KEPT));
}

function keepDraft() {
  if (!secret(query.value + variables.value)) {
    remember(DRAFT, { query: query.value, variables: variables.value });
  }
}

// ---- running -----------------------------------------------------------------------------------

function object(area, name) {
  const text = area.value.trim();
  area.removeAttribute("aria-invalid");
  if (!text) return {};
  try {
    const value = JSON.parse(text);
    if (value === null || typeof value !== "object" || Array.isArray(value))
      throw new Error("it is not an object");
    return value;
  } catch (error) {
    area.setAttribute("aria-invalid", "true");
    throw new ApiError("BAD_REQUEST", `${name} must be a JSON object: ${error.message}.`);
  }
}

async function run() {
  if (running) return running.abort();
  const operation = operationAt(query.value, query.selectionStart);
  show(answer);
  copied = "";
  if (!operation) return show(meter, "Write an operation first.");
  running = new AbortController();
  show(runButton, "Stop");
  try {
    const extra = object(headers, "Headers");
    const body = { query: query.value, variables: object(variables, "Variables") };
    if (operation.name) body.operationName = operation.name;
    keepInHistory({ query: query.value, variables: variables.value });
    const all = { ...(await credentials()), ...lowerCase(extra) };
    if (operation.kind === "subscription") await stream(body, all, running.signal);
    else await once(body, extra, all, running.signal);
  } catch (error) {
    if (error.name === "AbortError") show(meter, "Stopped");
    else {
      show(meter, "Failed");
      answer.prepend(h("p", { class: "problem", role: "alert" }, error.message));
    }
  } finally {
    running = null;
    show(runButton, "Run");
  }
}

const lowerCase = (extra) =>
  Object.fromEntries(Object.entries(extra).map(([name, value]) => [name.toLowerCase(), String(value)]));

async function once(body, extra, all, signal) {
  const started = performance.now();
  show(meter, "Running …");
  let result = await post(body, all, signal);
  const refused = result.body.errors?.some((error) => error.extensions?.code === "UNAUTHENTICATED");
  if (refused && !result.body.data && (await renew())) {
    result = await post(body, { ...(await credentials()), ...lowerCase(extra) }, signal);
  }
  const text = JSON.stringify(result.body, null, 2);
  copied = text;
  show(answer, coloured(text));
  const took = Math.round(performance.now() - started);
  const errors = result.body.errors?.length;
  show(
    meter,
    `HTTP ${result.status}, ${took} ms, ${size(text)}${errors ? `, ${errors} error${errors > 1 ? "s" : ""}` : ""}`,
  );
}

async function stream(body, all, signal) {
  let seen = 0;
  show(meter, "Listening …");
  for await (const result of subscribe(body, all, signal)) {
    seen += 1;
    copied = JSON.stringify(result, null, 2);
    answer.prepend(
      h(
        "div",
        { class: "event" },
        h("p", { class: "meter" }, `Event ${seen}, ${new Date().toLocaleTimeString()}`),
        coloured(copied),
      ),
    );
    while (answer.children.length > EVENTS_SHOWN) answer.lastChild.remove();
    show(meter, `Listening, ${seen} so far, newest first`);
  }
  show(meter, signal.aborted ? `Stopped after ${seen}` : `Completed by the server after ${seen}`);
}

const size = (text) => {
  const bytes = new Blob([text]).size;
  return bytes < 1024 ? `${bytes} B` : `${(bytes / 1024).toFixed(1)} KiB`;
};

/** JSON with its parts coloured, made of text nodes. */
function coloured(text) {
  if (text.length > COLOURED) return document.createTextNode(text);
  const parts = document.createDocumentFragment();
  let end = 0;
  for (const match of text.matchAll(
    /("(?:\\.|[^"\\])*")(\s*:)?|-?\d[\d.eE+-]*|\btrue\b|\bfalse\b|\bnull\b/g,
  )) {
    parts.append(text.slice(end, match.index));
    const [whole, string, colon] = match;
    const kind = string ? (colon ? "j-key" : "j-string") : /[\d-]/.test(whole[0]) ? "j-number" : "j-word";
    parts.append(h("span", { class: kind }, string ?? whole), colon ?? "");
    end = match.index + whole.length;
  }
  parts.append(text.slice(end));
  return parts;
}

// ---- dialogs -----------------------------------------------------------------------------------

function dialog(className, title, make) {
  const box = h("dialog", { class: className, "aria-label": title, onclose: () => box.remove() });
  const close = () => box.close();
  box.append(
    h("button", { type: "button", class: "dialog-close", onclick: close, "aria-label": "Close" }, "✕"),
    make(close),
  );
  document.body.append(box);
  box.showModal();
}

const signIn = () => dialog("", "Sign in", (close) => signInForm(close));

function openHistory() {
  dialog("wide", "History", (close) => {
    const past = remembered(HISTORY) ?? [];
    const list = h(
      "ol",
      { class: "past" },
      past.map((entry) =>
        h(
          "li",
          {},
          h(
            "button",
            {
              type: "button",
              onclick() {
                text.set(entry.query);
                variables.value = entry.variables;
                close();
                query.focus();
              },
            },
            h("pre", {}, entry.query),
          ),
        ),
      ),
    );
    const forget = () => {
      localStorage.removeItem(HISTORY);
      close();
    };
    return h(
      "div",
      { class: "card" },
      h("h1", {}, "History"),
      h(
        "p",
        { class: "quiet" },
        "Kept in this browser. Headers are never kept, nor operations that name passwords, tokens, codes or keys.",
      ),
      past.length
        ? [list, h("button", { type: "button", onclick: forget }, "Forget all")]
        : h("p", {}, "Nothing has been run yet."),
    );
  });
}

// ---- start -------------------------------------------------------------------------------------

/** At once here; what the server does not confirm is told where answers are. */
function signOut() {
  session.signOut().catch((error) => {
    answer.prepend(h("p", { class: "problem", role: "alert" }, error.message));
  });
}

function showPerson() {
  show(
    person,
    session.current()
      ? h("button", { type: "button", onclick: signOut }, "Sign out")
      : h("button", { type: "button", class: "primary", onclick: signIn }, "Sign in"),
  );
}

async function readSchema() {
  docs.say("Reading the schema …");
  schema = null;
  try {
    schema = new Schema(await request(introspectionQuery));
    docs.show(schema);
  } catch (error) {
    docs.say(
      session.current()
        ? `The schema could not be read: ${error.message}`
        : "Sign in to read the documentation and to have fields completed.",
    );
  }
}

const text = editor(query, () => schema);
const draft = remembered(DRAFT);
text.set(draft?.query || WELCOME);
variables.value = draft?.variables ?? "";
query.addEventListener("input", keepDraft);
variables.addEventListener("input", keepDraft);
runButton.addEventListener("click", run);
element("format").addEventListener("click", () => text.set(format(query.value)));
element("history").addEventListener("click", openHistory);
element("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(copied);
    show(meter, "Copied");
  } catch {
    show(meter, "This browser did not allow copying: select the text instead.");
  }
});
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
    event.preventDefault();
    run();
  }
});
session.onChange(() => {
  showPerson();
  readSchema();
});
showPerson();
readSchema();
