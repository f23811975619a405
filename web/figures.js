// How numbers are shown: points with one decimal (the server has rounded them, the proven down and
// the possible up), shares as percent, and an interval as a bar.

import { h } from "./dom.js";

/** Points, 0 to 100, or a dash where nothing applies. */
export const points = (value) => (value === null || value === undefined ? "–" : Number(value).toFixed(1));

/** A share between 0 and 1 as a percentage. */
export const percent = (share) => `${trimmed(100 * share)} %`;

/** A number with at most `digits` decimals and no zeros at its end. */
export const trimmed = (value, digits = 2) => String(Number(Number(value).toFixed(digits)));

/** `1 test`, `2 tests`. */
export const count = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;

/**
 * Orders requirements by the points that they cost, the costliest first; of equal ones, those first
 * of which more is known to be lost, then by code. The server lets the last digit of a cost fall
 * where a running sum rounds, so costs are compared to a millionth of a point.
 */
export function byCost(a, b) {
  const apart = (left, right) => Math.round(1e6 * left) - Math.round(1e6 * right);
  return (
    apart(b.pointsLost, a.pointsLost) ||
    apart(a.pointsUndecided, b.pointsUndecided) ||
    a.requirement.code.localeCompare(b.requirement.code, undefined, { numeric: true })
  );
}

const moments = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const moment = (format, instant) =>
  h("time", { datetime: instant, title: instant }, format.format(new Date(instant)));

/** A date and time in the reader's own form; the exact instant is its tooltip. */
export const when = (instant) => moment(moments, instant);
/** A time of today. */
export const at = (instant) => moment(clock, instant);

/** Verdicts in plain words; auditors know the second as NIST SP 800-53A calls it. */
export const VERDICTS = {
  SATISFIED: ["Satisfied", "satisfied", "good"],
  OTHER_THAN_SATISFIED: ["Not satisfied", "other than satisfied: a failure is known", "bad"],
  UNDETERMINED: ["Not known yet", "undetermined: evidence is missing", "open"],
};

/** A verdict in words; the colour only repeats them. */
export function verdict(value) {
  const [words, title, tone] = VERDICTS[value] ?? ["Not known to this page", value, "open"];
  return h("span", { class: `verdict ${tone}`, title }, words);
}

/** How many requirements are how far, in words. */
export const tally = ({ satisfied, otherThanSatisfied, undetermined }) =>
  `${count(satisfied, "requirement")} satisfied, ${otherThanSatisfied} not satisfied, ${undetermined} not known yet`;

/**
 * Where something stands that is worth `lo` to `hi` of itself, 0 to 1, and of which the share
 * `decided` is known.
 */
export function standing({ lo, hi, decided }) {
  const proven = lo === hi ? `${percent(lo)} is proven` : `${percent(lo)} is proven and up to ${percent(hi)} possible`;
  if (decided === 1) return `${proven}; everything is known.`;
  if (decided === 0) return `${proven}; nothing is known yet.`;
  return `${proven}; results are known for ${percent(decided)}.`;
}

/**
 * The interval from what is proven to what is still possible, in points: solid up to `lo`, hatched
 * on to `hi`. `set` moves it.
 */
export function intervalBar(small = false) {
  const proven = h("span", { class: "proven" });
  const possible = h("span", { class: "possible" });
  const bar = h("span", { class: small ? "interval small" : "interval", role: "img" }, possible, proven);
  return {
    element: bar,
    set(lo, hi) {
      const known = lo !== null && lo !== undefined;
      proven.style.width = `${known ? lo : 0}%`;
      possible.style.width = `${known ? hi : 0}%`;
      bar.setAttribute(
        "aria-label",
        known ? `${points(lo)} of 100 proven, up to ${points(hi)} possible` : "Nothing applies",
      );
    },
  };
}

/** The whole of one score: figures, bar, coverage and counts. `set` moves them. */
export function scoreFigures() {
  const lo = h("span", { class: "lo" });
  const hi = h("span", { class: "hi" });
  const open = h("span", { class: "legend hatched" }, "possible");
  const bar = intervalBar();
  const headline = h("p", { class: "headline" });
  const coverage = h("span", { class: "covered" });
  const coverageText = h("span", {});
  const element = h(
    "div",
    { class: "figures" },
    h(
      "p",
      { class: "numbers", "aria-hidden": "true" },
      lo,
      h("span", { class: "legend solid" }, "proven"),
      hi,
      open,
    ),
    bar.element,
    h(
      "p",
      { class: "scale", "aria-hidden": "true" },
      h("span", {}, "0"),
      h("span", {}, "50"),
      h("span", {}, "100"),
    ),
    h(
      "p",
      { class: "coverage" },
      h("span", { class: "coverage-bar", "aria-hidden": "true" }, coverage),
      coverageText,
    ),
    headline,
  );
  return {
    element,
    set(score) {
      lo.textContent = points(score.lo);
      const closed = score.lo === null || score.lo === score.hi;
      hi.textContent = closed ? "" : `up to ${points(score.hi)}`;
      open.hidden = closed;
      bar.set(score.lo, score.hi);
      const covered = score.coverage ?? 0;
      coverage.style.width = `${covered}%`;
      coverageText.textContent = `Coverage ${covered} %: known, good or bad`;
      headline.textContent = tally(score);
      headline.title = score.headline; // as the API and the command line write it
    },
    /** Lights up for a moment, so that the eye finds what moved. */
    flash() {
      element.classList.remove("moved");
      void element.offsetWidth; // restarts the animation
      element.classList.add("moved");
    },
  };
}

/** How far a score moved: `+0.4`, or nothing where there is nothing to compare. */
export function movement(change) {
  const { previous } = change;
  if (!previous || previous.lo === null || change.lo === null) return "";
  const part = (name, now, then) => {
    const difference = Number((now - then).toFixed(1));
    return difference ? `${name} ${difference > 0 ? "+" : "−"}${Math.abs(difference).toFixed(1)}` : "";
  };
  return [part("proven", change.lo, previous.lo), part("possible", change.hi, previous.hi)]
    .filter(Boolean)
    .join(", ");
}
