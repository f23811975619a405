// The page at `/`: set-up, sign-in, the projects and their scores, and the explanation of one.

import { request, session } from "./client.js";
import { h, show } from "./dom.js";
import { entrance, nothingYet, setUpForm, signInForm } from "./account.js";
import { asked, authorizeForm, pending } from "./authorize.js";
import { explanationPage } from "./explanation.js";
import { meQuery, setUpStateQuery } from "./operations.js";
import { profilePage } from "./profile.js";
import { projectsPage } from "./projects.js";
import { arrival, arrive } from "./provider.js";
import { link, linkedForm } from "./recovery.js";

const main = document.getElementById("main");
const person = document.getElementById("person");
let page = new AbortController();
let setUpToken = null;
let linked = null;
let arriving = null;
let ended = false;

/** Reads the address. A token leaves it at once, so that it stays in no history. */
function address() {
  const hash = location.hash.slice(1);
  const token = /^setup=([\w.~%+/=-]+)$/.exec(hash)?.[1];
  if (token) {
    try {
      setUpToken = decodeURIComponent(token);
    } catch {
      setUpToken = token;
    }
    history.replaceState(null, "", location.pathname);
    return { name: "projects" };
  }
  const sealed = asked(hash);
  if (sealed) {
    pending.keep(sealed);
    history.replaceState(null, "", location.pathname);
    return { name: "projects" };
  }
  const arrived = arrival(hash);
  if (arrived) {
    arriving = arrived;
    history.replaceState(null, "", location.pathname + (arrived.place ?? ""));
    return address();
  }
  const mailed = link(hash);
  if (mailed) {
    linked = mailed;
    history.replaceState(null, "", location.pathname);
    return { name: "projects" };
  }
  const [path, query = ""] = hash.split("?");
  if (path === "/account") return { name: "account" };
  const [, projectId, frameworkId] = /^\/score\/(\w+)\/(\w+)$/.exec(path) ?? [];
  if (!projectId) return { name: "projects" };
  const instants = new URLSearchParams(query);
  return { name: "score", projectId, frameworkId, asOf: instants.get("asOf"), at: instants.get("at") };
}

/** Shows what the address says; `moved` tells that the person came here from within the page. */
async function open({ moved = false } = {}) {
  page.abort();
  page = new AbortController();
  const { signal } = page;
  const place = address();
  document.title = "Studio";
  show(main, h("p", { class: "quiet", role: "status" }, "Reading …"));
  if (!session.current()) show(person);
  try {
    if (arriving) {
      const form = await arrive(arriving, goOn);
      arriving = null;
      if (signal.aborted) return;
      if (form) return showForm(form);
    }
    if (linked) return showForm(linkedForm(linked, goOn));
    if (pending.current()) {
      const form = await authorizeForm(pending.current(), goOn, leaveApp, signal);
      if (signal.aborted || !form) return;
      return showForm(form);
    }
    if (setUpToken || !session.current()) {
      const form = await front(signal);
      if (signal.aborted) return;
      if (form) return showForm(form);
    }
    ended = false;
    await showPerson();
    if (signal.aborted) return;
    if (place.name === "score") await explanationPage(main, place, signal);
    else if (place.name === "account") await profilePage(main, signal);
    else await projectsPage(main, signal);
    if (signal.aborted) return;
    const named = place.name === "projects" ? "Projects" : main.querySelector("h1")?.textContent;
    document.title = `${named} – Studio`;
    // Whoever cannot see the page is told that it is another one, and goes on from its top.
    if (moved) toTheTop();
  } catch (error) {
    if (signal.aborted || error.name === "AbortError") return;
    if (error.code === "UNAUTHENTICATED") return sessionEnded();
    show(main, problem(error));
  }
}

function toTheTop() {
  const title = main.querySelector("h1");
  title?.setAttribute("tabindex", "-1");
  title?.focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

/**
 * What to show to somebody who is not signed in, or comes with the address of the set-up: the server
 * is asked first what it would take. Nothing for somebody who is signed in and comes too late.
 */
async function front(signal) {
  const { setUpState } = await request(setUpStateQuery, { token: setUpToken }, signal);
  const { show: what, intro } = entrance(setUpState, setUpToken, ended);
  if (what === "setUp") return setUpForm(setUpToken, goOn);
  if (what === "nothing") return nothingYet(() => open(), intro);
  setUpToken = null;
  return session.current() ? null : signInForm(goOn, intro);
}

/** From a form to the page that it kept the person from. */
function goOn() {
  setUpToken = null;
  linked = null;
  return open({ moved: true });
}

/** From an app that is not let in to the page itself. */
function leaveApp() {
  pending.forget();
  return open({ moved: true });
}

function showForm(form) {
  show(main, form);
  document.title = `${form.querySelector("h1").textContent} – Studio`;
  const input = form.querySelector("input");
  if (input) input.focus();
  else toTheTop();
}

function problem(error) {
  if (!error.code) console.error(error);
  return h(
    "div",
    { class: "card narrow", role: "alert" },
    h("h1", {}, "This did not work"),
    h("p", {}, error.message),
    h(
      "p",
      {},
      h("button", { type: "button", class: "primary", onclick: () => open() }, "Try again"),
      " ",
      h("a", { href: "#/" }, "All projects"),
    ),
  );
}

/** The page is left at once, for the sign-in; the server is told meanwhile, and may not hear it. */
function signOut() {
  const ending = session.signOut();
  page.abort();
  show(person);
  showForm(signInForm(goOn));
  ending.catch((error) => main.prepend(h("p", { class: "problem", role: "alert" }, error.message)));
}

/** Whatever found it out: what is on the page is left, and is there again after the sign-in. */
function sessionEnded() {
  ended = true;
  session.signOut().catch((error) => console.warn(error.message));
  open();
}

async function showPerson() {
  const { me } = await request(meQuery);
  show(
    person,
    h(
      "span",
      { class: "who" },
      h("a", { href: "#/account", title: "Your account" }, me.name ?? "Signed in"),
      me.organization && h("small", {}, me.organization.name),
    ),
    h("button", { type: "button", onclick: signOut }, "Sign out"),
  );
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address says which page this is
  main.focus();
});
session.onEnd(sessionEnded);
window.addEventListener("hashchange", () => open({ moved: true }));
open();
