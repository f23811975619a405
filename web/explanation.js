// Why a score is what it is: the requirements by what they cost, and for each of them its controls,
// their tests, the check summaries behind those, and the evidence with its hash.

import { ApiError, request } from "./client.js";
import { announce, field, h, show } from "./dom.js";
import { count, intervalBar, percent, points, scoreFigures, trimmed, verdict, when } from "./figures.js";
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
  requirements.sort(
    (a, b) =>
      b.pointsLost - a.pointsLost ||
      a.requirement.code.localeCompare(b.requirement.code, undefined, { numeric: true }),
  );
  return { project, score: project.score, requirements, asOf, at };
}

/** Shows the explanation in `place` until `signal` is aborted. */
export async function explanationPage(place, { projectId, frameworkId, asOf, at }, signal, onEnded) {
  const variables = { projectId, frameworkId, asOf, at };
  const found = await readScore(variables, signal);
  if (signal.aborted) return;
  const figures = scoreFigures();
  figures.set(found.score);
  const state = h("p", { class: "state", role: "status" });
  const moved = h("div", { class: "notice", hidden: true });
  const body = h("div", {});

  // What is opened speaks of the instant of the list. As long as nothing has moved since, that is
  // the present one, which the server answers without a replay.
  const draw = (current) => {
    const pinned = () => (asOf || at || !moved.hidden ? { asOf: current.asOf, at: current.at } : {});
    const variables = (requirementId) => ({ projectId, frameworkId, requirementId, ...pinned() });
    show(body, requirementList(current, variables, signal));
  };
  const again = async () => {
    try {
      const current = await readScore(variables, signal);
      figures.set(current.score);
      moved.hidden = true;
      draw(current);
      found.score = current.score;
      body.querySelector("h2")?.focus();
    } catch (error) {
      if (!signal.aborted) show(moved, h("p", { role: "alert" }, error.message));
    }
  };
  show(
    moved,
    h("p", {}, "The score has moved since this explanation was made."),
    h("button", { type: "button", onclick: again }, "Explain the present score"),
  );

  show(
    place,
    h("nav", { "aria-label": "Breadcrumb", class: "crumbs" }, h("a", { href: "#/" }, "Projects"), " / ", found.project.name),
    h(
      "section",
      { class: "card project" },
      h("header", {}, h("h1", {}, found.score.framework.name, " ", h("small", {}, found.score.framework.version)), state),
      figures.element,
      instants(variables, found),
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
      if (change.framework.id !== frameworkId || change.headline === found.score.headline) return;
      figures.set(change);
      figures.flash();
      moved.hidden = false;
      announce(`The score moved: ${points(change.lo)} proven, ${points(change.hi)} possible.`);
    },
    onState: (name, why) => (name === "signed out" ? onEnded() : showState(state, name, why)),
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
    h("p", { class: "hint" }, "Leave both empty for now. An earlier “known at” replays history; a later “judged at” is a forecast of what grows old."),
  );
}

function requirementList({ score, requirements }, variables, signal) {
  const list = h("ol", { class: "requirements" });
  const items = requirements.map((line) => ({
    line,
    element: requirementItem(line, () => variables(line.requirement.id), signal),
  }));
  const fill = (wanted) =>
    show(list, items.filter(({ line }) => !wanted || line.verdict === wanted).map(({ element }) => element));
  const choice = (label, value, number) =>
    h(
      "label",
      { class: "chip" },
      h("input", { type: "radio", name: "verdict", checked: value === null, onchange: () => fill(value) }),
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
      choice("Other than satisfied", "OTHER_THAN_SATISFIED", score.otherThanSatisfied),
      choice("Undetermined", "UNDETERMINED", score.undetermined),
      choice("Satisfied", "SATISFIED", score.satisfied),
    ),
    list,
  ];
}

/** A disclosure whose content is made when it is first opened. */
function disclosure(className, summary, make) {
  const content = h("div", { class: "content" });
  let made = false;
  return h(
    "details",
    {
      class: className,
      ontoggle(event) {
        if (made || !event.currentTarget.open) return;
        made = true;
        make(content, () => {
          made = false;
        });
      },
    },
    h("summary", {}, summary),
    content,
  );
}

function requirementItem(line, variables, signal) {
  const { requirement } = line;
  const bar = intervalBar(true);
  bar.set(100 * line.lo, 100 * line.hi);
  const summary = h(
    "span",
    { class: "requirement-row" },
    h("span", { class: "code" }, requirement.code),
    h("span", { class: "title" }, requirement.title),
    verdict(line.verdict),
    bar.element,
    h("span", { class: "cost" }, costs(line.pointsLost)),
  );
  return h(
    "li",
    {},
    disclosure("requirement", summary, (content, retry) => openRequirement(content, line, variables, signal, retry)),
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
      const { project } = await request(contributionsQuery, { ...pinned, after }, signal);
      const { nodes, pageInfo } = project.score.contributions;
      members.push(...nodes);
      after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
    } while (after);
    show(content, requirementText(line), members.length ? members.map(controlPart) : uncovered());
  } catch (error) {
    if (signal.aborted) return;
    retry();
    show(content, h("p", { class: "problem", role: "alert" }, error.message, " Close and open it to try again."));
  }
}

function requirementText(line) {
  const { requirement } = line;
  return [
    requirement.text && h("p", { class: "text" }, requirement.text),
    h(
      "p",
      { class: "arithmetic" },
      `Weight ${line.weight}. Proven ${percent(line.lo)}, possible ${percent(line.hi)}, decided ${percent(line.decided)}. `,
      `${trimmed(line.pointsLost, 3)} points are not proven`,
      line.pointsUndecided > 5e-10 ? `, ${trimmed(line.pointsUndecided, 3)} of them can still be.` : ".",
    ),
  ];
}

const uncovered = () =>
  h("p", { class: "quiet" }, "No control answers this requirement: nothing is proven, and everything is still possible. Map a control to it (mapRequirement).");

const IMPLEMENTATION = { PLANNED: "planned", PARTIAL: "partly implemented", IMPLEMENTED: "implemented" };
const STRENGTH = { FULL: "1", HALF: "0.5", WEAK: "0.3" };

function controlPart({ share, anyOf, control: part }) {
  const bar = intervalBar(true);
  bar.set(100 * part.lo, 100 * part.hi);
  const { control } = part;
  return h(
    "section",
    { class: "control", "aria-label": `Control ${control.code}` },
    h("h3", {}, h("span", { class: "code" }, control.code), " ", control.title, " ", verdict(part.verdict), bar.element),
    h(
      "p",
      { class: "arithmetic" },
      `Share ${trimmed(share)}${anyOf ? ` (best of “${anyOf}”)` : ""}. `,
      `${IMPLEMENTATION[part.implementation] ?? "not stated"}, factor ${trimmed(part.factor)}. `,
      `Proven ${percent(part.lo)}, possible ${percent(part.hi)}, decided ${percent(part.decided)}.`,
      control.owner?.name && ` Owner: ${control.owner.name}.`,
      control.retired && " Retired.",
    ),
    part.caps.length > 0 && h("ul", { class: "caps" }, part.caps.map((cap) => h("li", {}, cap))),
    part.limitedBy.length > 1 && limits(part.limitedBy),
    part.tests.length
      ? h("ul", { class: "tests" }, part.tests.map((test) => h("li", {}, testPart(test))))
      : h("p", { class: "quiet" }, "No test yet: nothing is proven. Tests come with scans, or with addTest."),
  );
}

function limits(steps) {
  return h(
    "div",
    { class: "path" },
    h("p", {}, "Held down by what it rests on:"),
    h(
      "ol",
      {},
      steps.map(({ control, own, value, strength }) =>
        h(
          "li",
          {},
          h("span", { class: "code" }, control.code),
          ` ${control.title}: by itself ${percent(own)}, with what it rests on ${percent(value)}`,
          strength && ` (rests on the next with strength ${STRENGTH[strength] ?? strength})`,
        ),
      ),
    ),
  );
}

function testPart(part) {
  const unknown = part.unknown ? `, ${part.unknown} unknown` : "";
  const result = part.population
    ? `${part.passed} of ${part.population} pass, ${part.failed} fail${unknown}`
    : "no result yet";
  const summary = h(
    "span",
    { class: "test-row" },
    h("span", { class: "title" }, part.test.title, part.key && h("span", { class: "key" }, "key")),
    h("span", { class: part.failed ? "result bad" : "result" }, result),
  );
  return disclosure("test", summary, (content) =>
    show(
      content,
      h(
        "p",
        { class: "arithmetic" },
        part.check && ["Check ", h("code", {}, part.check), ". "],
        `Weight ${trimmed(part.weight)}, valid for ${count(part.validityDays, "day")}. `,
        `Proven ${percent(part.lo)}, possible ${percent(part.hi)}, decided ${percent(part.decided)}.`,
      ),
      part.summaries.length ? summaries(part.summaries) : h("p", { class: "quiet" }, "Nothing has been reported for this test."),
    ),
  );
}

function summaries(lines) {
  const heads = ["Account, region", "Resources", "Pass", "Fail", "Unknown", "Collected", "Age", "Freshness"];
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": "Check summaries and their evidence" },
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))),
      lines.map(summaryRows),
    ),
  );
}

function summaryRows(line) {
  const number = (value, tone) => h("td", { class: value && tone ? `number ${tone}` : "number" }, value);
  return h(
    "tbody",
    {},
    h(
      "tr",
      {},
      h("th", { scope: "rowgroup" }, [line.account, line.region].filter(Boolean).join(", ") || "by hand"),
      number(line.population),
      number(line.passed),
      number(line.failed, "bad"),
      number(line.unknown),
      h("td", {}, when(line.collectedAt)),
      number(count(line.ageDays, "day")),
      number(percent(line.freshness)),
    ),
    h("tr", {}, h("td", { colspan: 8 }, evidence(line))),
  );
}

function evidence({ evidence: reference, rejected }) {
  if (!reference) return "No evidence.";
  const { sha256 } = reference;
  const said = h("span", { class: "quiet", role: "status" });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(sha256);
      show(said, "copied");
    } catch {
      show(said, "could not copy: select the hash instead");
    }
  };
  return h(
    "div",
    { class: "evidence" },
    h("span", {}, "Evidence ", h("code", {}, reference.evidence.id), `, version ${reference.version}`, rejected && h("b", { class: "bad" }, " rejected")),
    h(
      "span",
      {},
      "SHA-256 ",
      h("code", { class: "hash" }, sha256),
      " ",
      h("button", { type: "button", class: "link", onclick: copy, "aria-label": `Copy the hash ${sha256.slice(0, 8)}` }, "Copy"),
      " ",
      said,
    ),
  );
}
