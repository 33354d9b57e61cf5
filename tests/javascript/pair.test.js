// Two runs on one axis: which position shows what, and what is said of it.
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { counted, honest, positionNear, positionOf } from "../../explorer/widgets/time/pair_transport.js";

describe("positions", () => {
  test("the one that shows a step is found, of several the nearest", () => {
    const shown = [0, 1, 1, 1, 4];
    assert.equal(positionOf(shown, 4, 0), 4);
    assert.equal(positionOf(shown, 1, 0), 1);
    assert.equal(positionOf(shown, 1, 4), 3);
    assert.equal(positionOf(shown, 3, 0), 4); // not shown: the nearest that is
  });

  test("the one nearest to a step of each run is found, the first of several", () => {
    const path = { first: [0, 1, 2, 2], second: [0, 0, 1, 2] };
    assert.equal(positionNear(path, 2, 2), 3);
    assert.equal(positionNear(path, 1, 1), 1);
    assert.equal(positionNear(path, 9, 9), 3);
    assert.equal(positionNear({ first: [], second: [] }, 1, 1), 0);
  });
});

for (const [value, unit, text] of [
  [1, "steps", "1 step"], [2, "steps", "2 steps"], [0.25, "epochs", "0.25 epochs"], [1, "s", "1 s"], [123.4, "s", "120 s"],
]) {
  test(`${value} ${unit} are ${text}`, () => assert.equal(counted(value, unit), text));
}

test("what a run shows in place of what is asked for is said", () => {
  const path = {
    first: [0, 0, 3, 5], first_off: [0, 0, 2, -1], first_beyond: [1, 0, 0, 1], unit: "steps",
  };
  const said = (at, mode = "step") => honest(path, "first", at, 5, mode);
  assert.deepEqual([0, 1, 2, 3].map((at) => said(at)), [
    "not begun, held", "", "nearest: 2 steps later", "ended, held",
  ]);
  assert.equal(said(0, "metric:loss"), "never there, held");
  assert.equal(honest({ ...path, first_off: [0, -1, 0, 0] }, "first", 1, 5, "step"), "nearest: 1 step earlier");
});
