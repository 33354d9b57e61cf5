// How a recorded step is called.
import assert from "node:assert/strict";
import { test } from "node:test";

import { seconds, timeLabel } from "../../explorer/widgets/shared/time_label.js";

for (const [value, text] of [[0, "0.0 s"], [59.94, "59.9 s"], [60, "1 min 0 s"], [3599.9, "59 min 59 s"], [7325, "2 h 2 min"]]) {
  test(`${value} seconds are ${text}`, () => assert.equal(seconds(value), text));
}

test("a moment is named by all clocks but one", () => {
  const model = { steps: [0, 40], epochs: [0, 0.4], wall_times: [0, 61] };
  assert.equal(timeLabel(model, 1, ""), "step 40 · epoch 0.40 · 1 min 1 s");
  assert.equal(timeLabel(model, 1, "step"), "epoch 0.40 · 1 min 1 s");
  assert.equal(timeLabel(model, 1, "log_step"), "epoch 0.40 · 1 min 1 s");
  assert.equal(timeLabel(model, 1, "wall_time"), "step 40 · epoch 0.40");
  assert.equal(timeLabel({ steps: [] }, 0, ""), "no step recorded");
});

test("what came after the last update is no step, on whatever axis", () => {
  const model = { steps: [0, 40, 41], epochs: [0, 4, 4], wall_times: [0, 61, 62], ending: true };
  assert.equal(timeLabel(model, 2, ""), "after training · epoch 4.00 · 1 min 2 s");
  assert.equal(timeLabel(model, 2, "step"), "after training · epoch 4.00 · 1 min 2 s");
  assert.equal(timeLabel(model, 2, "epoch"), "after training · 1 min 2 s");
  assert.equal(timeLabel(model, 1, "step"), "epoch 4.00 · 1 min 1 s");
});
