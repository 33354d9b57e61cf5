// Numbers: the nearest, within limits, the ends of many.
import assert from "node:assert/strict";
import { test } from "node:test";

import { clamp, finiteEnds, nearest } from "../../explorer/widgets/shared/numbers.js";

for (const [values, to, reach, found] of [
  [[1, 5, 9], 6.9, Infinity, 1],
  [[1, 5, 9], 7.1, Infinity, 2],
  [[1, 5, 9], 7, Infinity, 1],
  [[1, 5, 9], 20, 3, -1],
  [[1, 5, 9], NaN, Infinity, -1],
  [[NaN, 5, NaN], 0, Infinity, 1],
  [[NaN], 0, Infinity, -1],
  [[], 0, Infinity, -1],
]) {
  test(`the value nearest to ${to} within ${reach} of ${JSON.stringify(values)} is at ${found}`, () => {
    assert.equal(nearest(values, to, reach), found);
    assert.equal(nearest(Float64Array.from(values), to, reach), found);
  });
}

test("a number is kept within its limits, 0 and 1 if none are given", () => {
  assert.deepEqual([-1, 0.5, 2, NaN].map((value) => clamp(value)), [0, 0.5, 1, NaN]);
  assert.deepEqual([-9, 3, 9].map((value) => clamp(value, -2, 5)), [-2, 3, 5]);
  assert.equal(clamp(3, 0, -1), 0); // of nothing the first
});

test("the ends are those of finite values", () => {
  const values = [NaN, 4, -3, Infinity, 9, 0];
  assert.deepEqual(finiteEnds(values), [-3, 9]);
  assert.deepEqual(finiteEnds(values, 0, 2), [4, 4]);
  assert.deepEqual(finiteEnds(values, 0, 6, 0), [4, 9]);
  assert.deepEqual(finiteEnds([NaN]), [Infinity, -Infinity]);
});
