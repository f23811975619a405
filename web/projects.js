// The list of projects with the score of each framework, moving live.

import { request } from "./client.js";
import { announce, h, show } from "./dom.js";
import { at, count, movement, points, scoreFigures } from "./figures.js";
import { follow } from "./live.js";
import { projectsQuery, scoreChangedSubscription } from "./operations.js";

// A browser opens six connections to one server over HTTP/1.1. Further projects are read again
// every so often instead.
const FOLLOWED = 3;
const POLL = 20_000;
const MOVES_SHOWN = 8;

async function everyProject(signal) {
  const all = [];
  let after = null;
  do {
    const { projects } = await request(projectsQuery, { after }, signal);
    all.push(...projects.nodes);
    after = projects.pageInfo.hasNextPage ? projects.pageInfo.endCursor : null;
  } while (after);
  return all;
}

/** Shows the list in `place` until `signal` is aborted. */
export async function projectsPage(place, signal) {
  const projects = await everyProject(signal);
  if (signal.aborted) return;
  const cards = projects.map((project) => projectCard(project));
  show(
    place,
    h("h1", {}, "Projects"),
    projects.length === 0 && empty(),
    cards.map((card) => card.element),
  );
  cards.slice(0, FOLLOWED).forEach((card) => card.follow(signal));
  if (cards.length > FOLLOWED) poll(cards.slice(FOLLOWED), signal);
}

function empty() {
  return h(
    "div",
    { class: "card" },
    h("h2", {}, "No project yet"),
    h(
      "p",
      {},
      "A project is what is assessed: a product, a cloud account, a site. It adopts frameworks, such as SOC 2, and gathers the controls that answer them.",
    ),
    h(
      "p",
      {},
      "Projects are made in the ",
      h("a", { href: "/graphql" }, "API console"),
      ", by three operations that its documentation describes: ",
      code("createProject"),
      ", ",
      code("importFramework"),
      " and ",
      code("adoptFramework"),
      ". This page shows the score as soon as there is one.",
    ),
  );
}

const code = (name) => h("code", {}, name);

function projectCard(project) {
  const state = h("p", { class: "state", role: "status" });
  const moves = h("ol", { class: "moves", "aria-label": `What moved in ${project.name}` });
  const rows = new Map();
  const list = h("div", { class: "scores" });
  const none = h(
    "p",
    { class: "quiet" },
    "This project has adopted no framework yet. In the ",
    h("a", { href: "/graphql" }, "API console"),
    ", ",
    code("adoptFramework"),
    " does it.",
  );

  function row(framework) {
    const known = rows.get(framework.id);
    if (known) return known;
    const figures = scoreFigures();
    const link = h(
      "a",
      { class: "score", href: `#/score/${project.id}/${framework.id}` },
      h("h3", {}, framework.name, " ", h("small", {}, framework.version)),
      figures.element,
      h("span", { class: "more" }, "Explain this score"),
    );
    none.remove();
    list.append(link);
    rows.set(framework.id, { figures, last: null });
    return rows.get(framework.id);
  }

  function put(score) {
    const entry = row(score.framework);
    const moved = entry.last && entry.last.headline !== score.headline;
    entry.last = score;
    entry.figures.set(score);
    if (moved) entry.figures.flash();
    return moved;
  }

  function changed({ scoreChanged: change }) {
    if (!put(change)) return;
    announce(
      `${project.name}, ${change.framework.name}: now ${points(change.lo)} of 100 proven, up to ${points(change.hi)} possible.`,
    );
    const far = movement(change);
    const cause = change.causes[0]?.kind === "CLOCK" ? "time passed" : count(change.causeCount, "new fact");
    moves.prepend(
      h("li", {}, at(change.recordedAt), ` ${change.framework.name}: ${far || "counts changed"} (${cause})`),
    );
    while (moves.children.length > MOVES_SHOWN) moves.lastChild.remove();
  }

  project.scores.forEach(put);
  const element = h(
    "section",
    { class: "card project", "aria-label": project.name },
    h("header", {}, h("h2", {}, project.name), state),
    project.scores.length === 0 && none,
    list,
    moves,
  );
  return {
    element,
    id: project.id,
    put,
    state,
    follow(signal) {
      const stop = follow({
        query: scoreChangedSubscription,
        variables: { projectId: project.id },
        cursorOf: (data) => data?.scoreChanged?.cursor,
        onEvent: changed,
        onState: (name, why) => showState(state, name, why),
      });
      signal.addEventListener("abort", stop, { once: true });
    },
  };
}

const STATES = {
  connecting: "Connecting …",
  live: "Live",
  waiting: "Connection lost. Trying again …",
  resting: "Paused while this tab is hidden",
};

/** Says whether the numbers move; shared with the explanation. */
export function showState(element, name, why) {
  element.dataset.state = name;
  const words = name === "refused" ? `Not live: ${why}` : STATES[name];
  if (element.textContent !== words) element.textContent = words;
}

function poll(cards, signal) {
  const byId = new Map(cards.map((card) => [card.id, card]));
  for (const { state } of cards) {
    show(state, `Read again every ${POLL / 1000} seconds`);
  }
  const timer = setInterval(async () => {
    if (document.hidden) return;
    try {
      for (const project of await everyProject(signal)) {
        for (const score of project.scores) byId.get(project.id)?.put(score);
      }
      for (const { state } of cards) show(state, `Read again every ${POLL / 1000} seconds`);
    } catch (error) {
      if (!signal.aborted) for (const { state } of cards) show(state, `Not up to date: ${error.message}`);
    }
  }, POLL);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}
