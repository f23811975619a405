import assert from "node:assert/strict";
import test from "node:test";

import { byCost, standing, tally } from "../figures.js";

const line = (code, pointsLost, pointsUndecided) => ({ requirement: { code }, pointsLost, pointsUndecided });

test("what costs most comes first, and among equals what is known to be lost", () => {
  const lines = [
    line("A.10", 1.333333333333, 1.333333333333),
    line("B.1", 2.666666666666, 2.666666666666),
    line("A.9", 1.333333333334, 1.333333333334),
    line("A.2", 2.666666666667, 0),
    line("A.1", 0, 0),
    line("A.8", 1.333333333333, 0.7),
  ];
  const codes = lines.sort(byCost).map(({ requirement }) => requirement.code);
  assert.deepEqual(codes, ["A.2", "B.1", "A.8", "A.9", "A.10", "A.1"]);
});

test("what is proven, possible and known is said in a sentence", () => {
  assert.equal(standing({ lo: 0, hi: 1, decided: 0 }), "0 % is proven and up to 100 % possible; nothing is known yet.");
  assert.equal(standing({ lo: 0.5, hi: 0.5, decided: 1 }), "50 % is proven; everything is known.");
  assert.equal(
    standing({ lo: 0.25, hi: 0.75, decided: 0.5 }),
    "25 % is proven and up to 75 % possible; results are known for 50 %.",
  );
  assert.equal(
    tally({ satisfied: 1, otherThanSatisfied: 21, undetermined: 0 }),
    "1 requirement satisfied, 21 not satisfied, 0 not known yet",
  );
});
