// What the form of a film says before Python is asked.
import assert from "node:assert/strict";
import { test } from "node:test";

import { filmPlan } from "../../explorer/widgets/shared/film_form.js";

for (const [asked, plan] of [
  [[0, 10, 10], { count: 5, text: "5 frames, 3.0 s with the last one held" }],
  [[1, 5, 2], { count: 3, text: "3 frames, 3.0 s with the last one held" }],
  [[4.5, 5, 1], { count: 1, text: "1 frame, 3.0 s with the last one held" }],
  [[0, 10, 1], { count: 5, text: "5 frames, 6.5 s with the last one held" }],
  [[3, 4, 10], { fault: "No step from 3 to 4 was recorded." }],
  [[5, 1, 10], { fault: "Step 5 is after step 1: exchange them." }],
  [[0, 10, 0], { fault: "Frames a second: 0.1 to 60." }],
  [[0, 10, 61], { fault: "Frames a second: 0.1 to 60." }],
  [[NaN, 10, 10], { fault: "Steps and frames a second are numbers." }],
]) {
  test(`frames are counted, or it is said what is wrong: ${asked}`, () => {
    assert.deepEqual(filmPlan([0, 1, 2, 5, 10], ...asked), plan);
  });
}
