// Why a score is what it is: the requirements by what they cost, each of which opens to what stands
// behind it (contributions.js).

import { ApiError, missing, request } from "./client.js";
import { controlPart, uncovered } from "./contributions.js";
import { announce, disclosure, field, h, show } from "./dom.js";
import {
  VERDICTS,
  byCost,
  count,
  intervalBar,
  points,
  scoreFigures,
  standing,
  trimmed,
  verdict,
  when,
} from "./figures.js";
import { follow } from "./live.js";
import { contributionsQuery, scoreChangedSubscription, scoreQuery } from "./operations.js";
import { showState } from "./projects.js";

/** Reads the score with all of its requirements, the costliest first. */
async function readScore(variables, signal) {
  let project = null;
  const requirements = [];
  let after = null;
  let asOf = variables.asOf;
  let at = variables.at;
  do {
    const data = await request(scoreQuery, { ...variables, asOf, at, after }, signal);
    if (!data.project?.score && missing(data)) throw missing(data);
    if (!data.project) throw new ApiError("NOT_FOUND", "There is no such project that you can see.");
    if (!data.project.score) {
      throw new ApiError("NOT_FOUND", "The project had not adopted this framework at that time.");
    }
    project = data.project;
    const { nodes, pageInfo } = project.score.requirements;
    requirements.push(...nodes);
    after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
    // All pages speak of the instant of the first.
    asOf = project.score.asOf;
    at = project.score.at;
  } while (after);
  requirements.sort(byCost);
  return { project, score: project.score, requirements, asOf, at };
}

/** Shows the explanation in `place` until `signal` is aborted. */
export async function explanationPage(place, { projectId, frameworkId, asOf, at }, signal) {
  const variables = { projectId, frameworkId, asOf, at };
  const found = await readScore(variables, signal);
  if (signal.aborted) return;
  const figures = scoreFigures();
  figures.set(found.score);
  const state = h("p", { class: "state", role: "status" });
  const moved = h("div", { class: "notice", hidden: true });
  const told = h("div", {}, instants(variables, found));
  const body = h("div", {});

  // What is opened speaks of the instant of the list. As long as nothing has moved since, that is
  // the present one, which the server answers without a replay.
  let behind = false;
  const draw = (current) => {
    const pinned = () => (asOf || at || behind ? { asOf: current.asOf, at: current.at } : {});
    const variables = (requirementId) => ({ projectId, frameworkId, requirementId, ...pinned() });
    show(body, requirementList(current, variables, signal));
  };
  let wait = 0;
  const keepsUp = () => {
    clearTimeout(wait);
    behind = false;
    moved.hidden = true;
  };
  const again = async () => {
    const current = await readScore(variables, signal);
    if (signal.aborted) return;
    figures.set(current.score);
    // Whoever is typing an instant goes on.
    if (!told.querySelector("details[open]")) show(told, instants(variables, current));
    keepsUp();
    draw(current);
    found.score = current.score;
  };
  const failed = (error) => {
    if (signal.aborted) return;
    show(moved, h("p", { role: "alert" }, error.message));
    moved.hidden = false;
  };
  const asked = () => again().then(() => body.querySelector("h2")?.focus(), failed);
  // Whoever reads on in something that is open is not interrupted; else the page keeps up by itself.
  const follows = (change) => {
    behind = true;
    clearTimeout(wait);
    const open = () => body.querySelector("details[open]");
    if (open()) tell(change);
    else wait = setTimeout(() => (open() ? tell(change) : again().catch(failed)), 300);
  };
  const tell = (change) => {
    show(
      moved,
      h(
        "p",
        {},
        `The score has moved to ${points(change.lo)} since. What follows explains the one before, ${points(found.score.lo)}, as it was known at `,
        when(found.score.asOf),
        ".",
      ),
      h("button", { type: "button", onclick: asked }, "Explain the present score"),
    );
    moved.hidden = false;
  };
  signal.addEventListener("abort", () => clearTimeout(wait), { once: true });

  show(
    place,
    h(
      "nav",
      { "aria-label": "Breadcrumb", class: "crumbs" },
      h("a", { href: "#/" }, "Projects"),
      " / ",
      found.project.name,
    ),
    h(
      "section",
      { class: "card project" },
      h(
        "header",
        {},
        h("h1", {}, found.score.framework.name, " ", h("small", {}, found.score.framework.version)),
        state,
      ),
      figures.element,
      told,
    ),
    moved,
    body,
    found.score.framework.notice && h("p", { class: "quiet small" }, found.score.framework.notice),
  );
  draw(found);
  if (asOf || at) {
    show(state, "A past or future instant: it does not move");
    return;
  }
  const stop = follow({
    query: scoreChangedSubscription,
    variables: { projectId },
    cursorOf: (data) => data?.scoreChanged?.cursor,
    onEvent({ scoreChanged: change }) {
      if (change.framework.id !== frameworkId) return;
      figures.set(change);
      if (change.headline === found.score.headline) return keepsUp();
      figures.flash();
      follows(change);
      announce(
        `The score moved: ${points(change.lo)} of 100 proven, up to ${points(change.hi)} possible.`,
      );
    },
    onState: (name, why) => showState(state, name, why),
  });
  signal.addEventListener("abort", stop, { once: true });
}

/** The two instants: what was known when, and when freshness is judged. */
function instants({ projectId, frameworkId, asOf, at }, found) {
  const local = (instant) => {
    if (!instant) return "";
    const date = new Date(instant);
    return new Date(date - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
  };
  const known = field("As it was known at", { type: "datetime-local", step: 1, value: local(asOf) });
  const judged = field("Freshness judged at", { type: "datetime-local", step: 1, value: local(at) });
  const go = (event) => {
    event.preventDefault();
    const query = new URLSearchParams();
    if (known.input.value) query.set("asOf", new Date(known.input.value).toISOString());
    if (judged.input.value) query.set("at", new Date(judged.input.value).toISOString());
    location.hash = `#/score/${projectId}/${frameworkId}${query.size ? `?${query}` : ""}`;
  };
  return h(
    "details",
    { class: "instants", open: Boolean(asOf || at) },
    h("summary", {}, "As known at ", when(found.score.asOf), ", judged at ", when(found.score.at)),
    h(
      "form",
      { onsubmit: go },
      known.wrapper,
      judged.wrapper,
      h("button", { type: "submit" }, "Show"),
      (asOf || at) && h("a", { href: `#/score/${projectId}/${frameworkId}` }, "Back to now"),
    ),
    h(
      "p",
      { class: "hint" },
      "Leave both empty for now. An earlier “known at” replays history; a later “judged at” is a forecast of what grows old.",
    ),
  );
}

function requirementList({ score, requirements }, variables, signal) {
  const list = h("ol", { class: "requirements" });
  const items = requirements.map((line) => ({
    line,
    element: requirementItem(line, () => variables(line.requirement.id), signal),
  }));
  const fill = (wanted) => {
    const chosen = items.filter(({ line }) => !wanted || line.verdict === wanted);
    show(
      list,
      chosen.map(({ element }) => element),
    );
    return chosen.length;
  };
  const chosen = (value) => announce(`${count(fill(value), "requirement")} shown.`);
  const choice = (label, value, number) =>
    h(
      "label",
      { class: "chip" },
      h("input", { type: "radio", name: "verdict", checked: value === null, onchange: () => chosen(value) }),
      ` ${label} `,
      h("b", {}, number),
    );
  fill(null);
  return [
    h("h2", { tabindex: -1 }, "What costs most"),
    h(
      "p",
      { class: "quiet" },
      `Points not proven add up to ${score.lo === null ? "–" : points(100 - score.lo)}. Open a requirement to follow it down to its evidence.`,
    ),
    h(
      "fieldset",
      { class: "chips" },
      h("legend", { class: "unseen" }, "Show requirements that are"),
      choice("All", null, requirements.length),
      choice(VERDICTS.OTHER_THAN_SATISFIED[0], "OTHER_THAN_SATISFIED", score.otherThanSatisfied),
      choice(VERDICTS.UNDETERMINED[0], "UNDETERMINED", score.undetermined),
      choice(VERDICTS.SATISFIED[0], "SATISFIED", score.satisfied),
    ),
    list,
  ];
}

function requirementItem(line, variables, signal) {
  const { requirement } = line;
  const bar = intervalBar(true);
  bar.set(100 * line.lo, 100 * line.hi);
  const summary = h(
    "span",
    { class: "requirement-row" },
    h("span", { class: "code" }, requirement.label),
    h("span", { class: "title" }, requirement.title),
    verdict(line.verdict),
    bar.element,
    h("span", { class: "cost" }, costs(line.pointsLost)),
  );
  return h(
    "li",
    {},
    disclosure("requirement", summary, (content, retry) =>
      openRequirement(content, line, variables, signal, retry),
    ),
  );
}

/** Points lost, with enough digits to see that they are not nothing. */
function costs(lost) {
  if (lost < 5e-10) return h("span", { class: "none" }, "costs nothing");
  return `−${trimmed(lost, lost < 0.1 ? 3 : 2)} points`;
}

async function openRequirement(content, line, variables, signal, retry) {
  show(content, h("p", { class: "quiet" }, "Reading …"));
  try {
    const members = [];
    const pinned = variables();
    let after = null;
    do {
      const data = await request(contributionsQuery, { ...pinned, after }, signal);
      if (!data.project?.score) {
        throw missing(data) ?? new ApiError("NOT_FOUND", "The project no longer shows this score.");
      }
      const { nodes, pageInfo } = data.project.score.contributions;
      members.push(...nodes);
      after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
    } while (after);
    show(content, requirementText(line), members.length ? members.map(controlPart) : uncovered());
  } catch (error) {
    if (signal.aborted) return;
    retry();
    show(
      content,
      h("p", { class: "problem", role: "alert" }, error.message, " Close and open it to try again."),
    );
  }
}

const IMPORTANCE = {
  NORMAL: "A requirement of normal importance",
  HIGH: "A requirement of high importance",
  CRITICAL: "A critical requirement",
};

function requirementText(line) {
  const { requirement } = line;
  return [
    requirement.text && h("p", { class: "text" }, requirement.text),
    h(
      "p",
      { class: "arithmetic" },
      `${IMPORTANCE[requirement.importance] ?? "It"} counts ${line.weight === 1 ? "once" : `${line.weight} times`}. `,
      `${standing(line)} `,
      `${trimmed(line.pointsLost, 3)} points of the score are not proven`,
      line.pointsUndecided > 5e-10 ? `, ${trimmed(line.pointsUndecided, 3)} of them can still be.` : ".",
    ),
  ];
}
