// What stands behind a requirement: the controls that answer it, their tests, the check summaries
// of those, and the evidence with its hash.

import { disclosure, h, show } from "./dom.js";
import { download } from "./download.js";
import { count, intervalBar, percent, standing, trimmed, verdict, when } from "./figures.js";

/** Instead of controls, where there are none. */
export const uncovered = () =>
  h(
    "p",
    { class: "quiet" },
    "No control answers this requirement: nothing is proven, and everything is still possible. Say in the API console which control answers it (mapRequirement).",
  );

const IMPLEMENTATION = {
  PLANNED: "It is only planned, which counts nothing",
  PARTIAL: "It is partly in place, which counts half",
  IMPLEMENTED: "It is in place",
};
const STRENGTH = { FULL: "it rests wholly", HALF: "it rests half", WEAK: "it rests a little, 0.3," };

/** One control that answers the requirement (a `Contribution`). */
export function controlPart({ share, anyOf, control: part }) {
  const bar = intervalBar(true);
  bar.set(100 * part.lo, 100 * part.hi);
  const { control } = part;
  return h(
    "section",
    { class: "control", "aria-label": `Control ${control.code}` },
    h(
      "h3",
      {},
      h("span", { class: "code" }, control.code),
      " ",
      control.title,
      " ",
      verdict(part.verdict),
      bar.element,
    ),
    h(
      "p",
      { class: "arithmetic" },
      share === 1 ? "This control answers the requirement. " : `This control answers ${percent(share)} of the requirement. `,
      anyOf && `Of the controls of “${anyOf}” the best one counts. `,
      `${IMPLEMENTATION[part.implementation] ?? "How far it is in place is not said"}. `,
      standing(part),
      control.owner?.name && ` Owner: ${control.owner.name}.`,
      control.retired && " Retired.",
    ),
    part.caps.length > 0 &&
      h(
        "ul",
        { class: "caps" },
        part.caps.map((cap) => h("li", {}, named(cap, part.tests))),
      ),
    part.limitedBy.length > 1 && limits(part.limitedBy),
    part.tests.length
      ? h(
          "ul",
          { class: "tests" },
          part.tests.map((test) => h("li", {}, testPart(test))),
        )
      : h("p", { class: "quiet" }, "No test yet: nothing is proven. Tests come with scans, or are added in the API console (addTest)."),
  );
}

/** A sentence about a test, with the test's title where it says its id. */
function named(sentence, tests) {
  return tests.reduce((text, { test }) => text.replace(test.id, () => `“${test.title}”`), sentence);
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
          ` ${control.title}: ${percent(own)} by itself, ${percent(value)} with what it rests on`,
          strength && ` (${STRENGTH[strength] ?? "in part"} on the next)`,
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
    h("span", { class: "title" }, part.test.title, part.key && h("span", { class: "key" }, "key test")),
    h("span", { class: part.failed ? "result bad" : "result" }, result),
  );
  return disclosure("test", summary, (content) =>
    show(
      content,
      h(
        "p",
        { class: "arithmetic" },
        part.check ? ["The scanner’s check ", h("code", {}, part.check), ". "] : "A test by hand. ",
        part.key && "Without it, the control is worth 49 % at most. ",
        part.weight !== 1 && `It counts ${trimmed(part.weight)} times among the control’s tests. `,
        `A pass counts in full for ${count(part.validityDays, "day")}, then less. `,
        standing(part),
      ),
      part.summaries.length
        ? summaries(part.summaries)
        : h("p", { class: "quiet" }, "Nothing has been reported for this test."),
    ),
  );
}

const COLUMNS = ["Account, region", "Looked at", "Pass", "Fail", "Unknown", "Collected", "Age", "Still counts"];

/** On a narrow screen each line stands as a list (style.css), hence the labels and the roles. */
function summaries(lines) {
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": "Check summaries and their evidence" },
    h(
      "table",
      { role: "table" },
      h(
        "thead",
        { role: "rowgroup" },
        h(
          "tr",
          { role: "row" },
          COLUMNS.map((column) => h("th", { scope: "col", role: "columnheader" }, column)),
        ),
      ),
      lines.map(summaryRows),
    ),
  );
}

function summaryRows(line) {
  const cell = (column, attributes, ...content) =>
    h("td", { role: "cell", "data-label": COLUMNS[column], ...attributes }, ...content);
  const number = (column, value, tone) =>
    cell(column, { class: value && tone ? `number ${tone}` : "number" }, value);
  return h(
    "tbody",
    { role: "rowgroup" },
    h(
      "tr",
      { role: "row" },
      h("th", { scope: "rowgroup", role: "rowheader" }, [line.account, line.region].filter(Boolean).join(", ") || "by hand"),
      number(1, line.population),
      number(2, line.passed),
      number(3, line.failed, "bad"),
      number(4, line.unknown),
      cell(5, {}, when(line.collectedAt)),
      number(6, count(line.ageDays, "day")),
      number(7, percent(line.freshness)),
    ),
    h("tr", { role: "row" }, h("td", { colspan: 8, role: "cell" }, evidence(line))),
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
  // As /v1/openapi.json describes it.
  const path = `/v1/evidence/${reference.evidence.id}/versions/${reference.version}/content`;
  const fetched = async ({ currentTarget: button }) => {
    button.disabled = true;
    show(said, "fetching …");
    try {
      const saved = await download(path);
      show(said, verdictOnBytes(saved, sha256));
    } catch (error) {
      show(said, error.message);
    } finally {
      button.disabled = false;
    }
  };
  return h(
    "div",
    { class: "evidence" },
    h(
      "span",
      {},
      "Evidence ",
      h("code", {}, reference.evidence.id),
      `, version ${reference.version}`,
      rejected && h("b", { class: "bad" }, " rejected"),
    ),
    h(
      "span",
      {},
      "SHA-256 ",
      h("code", { class: "hash" }, sha256),
      " ",
      h(
        "button",
        { type: "button", class: "link", onclick: copy, "aria-label": `Copy the hash ${sha256.slice(0, 8)}` },
        "Copy",
      ),
      " ",
      h(
        "button",
        { type: "button", class: "link", onclick: fetched, "aria-label": `Download the bytes with the hash ${sha256.slice(0, 8)}` },
        "Download",
      ),
      " ",
      said,
    ),
  );
}

/** What the bytes that came say of the hash that is shown. */
function verdictOnBytes({ name, sha256 }, shown) {
  if (sha256 === null) return `saved as ${name}: check it with sha256sum`;
  if (sha256 === shown) return `saved as ${name}: these bytes have this hash`;
  return h("b", { class: "bad" }, `saved as ${name}, but its bytes have another hash: ${sha256}`);
}
