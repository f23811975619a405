import assert from "node:assert/strict";
import test from "node:test";

import { byCost } from "../figures.js";

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
