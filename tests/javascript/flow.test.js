// The headings of a probe's way: what they say, how they are cut, what a click opens.
import assert from "node:assert/strict";
import { test } from "node:test";

import { headingOf, linesOf, opens, tellsOf } from "../../explorer/widgets/pictures/flow.js";

const SINGLE = { title: "stem", group: "stem", within: 1, open: false, folded: [] };
const CLOSED = { title: "conv2_block1_3_conv", group: "conv2_block1", within: 4, open: false, folded: [] };
const OPEN = { ...CLOSED, open: true };

test("a block is called by its name while it is folded, and by its layers when it is open", () => {
  assert.equal(headingOf(SINGLE), "stem");
  assert.equal(headingOf(CLOSED), "▸ conv2_block1");
  assert.equal(headingOf(OPEN), "▾ conv2_block1_3_conv");
  assert.equal(headingOf({ title: "image" }), "image");
});

test("a click opens blocks, and folds what was opened", () => {
  assert.equal(opens(SINGLE), "");
  assert.equal(opens(CLOSED), "conv2_block1");
  assert.equal(opens(OPEN), "conv2_block1");
  assert.equal(opens({ ...SINGLE, open: true }), "stem");
  assert.equal(opens({ title: "image" }), "");
});

test("the whole name is said on hovering", () => {
  for (const column of [CLOSED, OPEN]) {
    assert.ok(tellsOf(column).includes("conv2_block1_3_conv") && /conv2_block1\b/.test(tellsOf(column)));
  }
  assert.ok(tellsOf(CLOSED).includes("4 layers"));
});

for (const [text, most, lines] of [
  ["conv4_block1", 12, ["conv4_block1"]], ["conv4_block1", 8, ["conv4", "_block1"]], ["a_b_c", 4, ["a_b", "_c"]],
  ["predictions", 5, ["predictions"]], ["one.two_three", 9, ["one.two", "_three"]], ["_x", 1, ["_x"]],
]) {
  test(`${text} in room for ${most} is ${lines.join(" / ")}`, () => {
    assert.deepEqual(linesOf(text, ({ length }) => length <= most), lines);
  });
}
