// Of many classes the most probable get a bar, and the true one.
import assert from "node:assert/strict";
import { test } from "node:test";

import { classesShown, explainedOf } from "../../explorer/widgets/charts/probability_bars.js";

const upTo = (count) => Array.from({ length: count }, (_, at) => at);

const FEW = [0.1, 0.5, 0.2, 0.2];
const MANY = upTo(20).map((number) => 0.01 * (number % 7));
const BEST = [6, 13, 5, 12, 19, 4, 11, 18, 3, 10];

for (const [name, shares, truth, shown] of [
  ["few", FEW, -1, [0, 1, 2, 3]],
  ["twelve", [...Array(11).fill(0), 1], 3, upTo(12)],
  ["many", MANY, -1, BEST],
  ["the true one among them", MANY, 13, BEST],
  ["the true one below", MANY, 7, [...BEST, 7]],
  ["a NaN", [NaN, ...Array(12).fill(0)], -1, upTo(11).slice(1)],
  ["all NaN", Array(13).fill(NaN), 12, [...upTo(10), 12]],
  ["none", [], -1, []],
]) {
  test(name, () => assert.deepEqual(classesShown(shares, truth), shown));
}

test("the chosen class is explained, else the true one", () => {
  assert.deepEqual([explainedOf(2, 1), explainedOf(0, 1), explainedOf(-1, 1), explainedOf(-1, -1)], [2, 0, 1, -1]);
});
