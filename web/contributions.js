// What stands behind a requirement: the controls that answer it, their tests, the check summaries
// of those, and the evidence with its hash.

import { disclosure, h, show } from "./dom.js";
import { download } from "./download.js";
import { count, intervalBar, percent, trimmed, verdict, when } from "./figures.js";

/** Instead of controls, where there are none. */
export const uncovered = () =>
  h(
    "p",
    { class: "quiet" },
    "No control answers this requirement: nothing is proven, and everything is still possible. Map a control to it (mapRequirement).",
  );

const IMPLEMENTATION = { PLANNED: "Planned", PARTIAL: "Partly implemented", IMPLEMENTED: "Implemented" };
const STRENGTH = { FULL: "1", HALF: "0.5", WEAK: "0.3" };

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
      `Share ${trimmed(share)}${anyOf ? ` (best of “${anyOf}”)` : ""}. `,
      `${IMPLEMENTATION[part.implementation] ?? "Not stated"}, factor ${trimmed(part.factor)}. `,
      `Proven ${percent(part.lo)}, possible ${percent(part.hi)}, decided ${percent(part.decided)}.`,
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
      : h("p", { class: "quiet" }, "No test yet: nothing is proven. Tests come with scans, or with addTest."),
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
      part.summaries.length
        ? summaries(part.summaries)
        : h("p", { class: "quiet" }, "Nothing has been reported for this test."),
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
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          heads.map((head) => h("th", { scope: "col" }, head)),
        ),
      ),
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
