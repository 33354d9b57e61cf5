// The enlarged map: how much it hides, where the pointer is, what colours span.
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { opacity, positionAt, span, strongest } from "../../explorer/widgets/pictures/unit_focus.js";

describe("what is nothing hides nothing, and what is at the limits all", () => {
  for (const [code, signed, expected] of [
    [0, false, 0], [1, false, 0], [255, false, 1], [0, true, 0], [128, true, 0], [1, true, 1], [255, true, 1],
  ]) {
    test(`${code}${signed ? ", signed" : ""}`, () => assert.equal(opacity(code, 1, 255, signed), expected));
  }

  test("in between it rises, alike on both sides of zero", () => {
    const rising = Array.from({ length: 128 }, (_, by) => opacity(128 + by, 1, 255, true));
    assert.ok(rising.every((value, at) => at === 0 || value > rising[at - 1]));
    rising.slice(0, 127).forEach((value, by) => assert.equal(opacity(128 - by, 1, 255, true), value));
  });
});

for (const [place, expected] of [[1.9, null], [2, 0], [3.99, 0], [4, 1], [7.9, 2], [8, null]]) {
  test(`of three positions from 2 to 8, ${expected} is at ${place}`, () => assert.equal(positionAt(place, 2, 8, 3), expected));
}

for (const [name, codes, expected] of [
  ["the largest", [3, 9, 200, 4], 2], ["beside NaN", [0, 5, 0, 2], 1], ["all alike", [7, 7, 7], null],
  ["all NaN", [0, 0], null], ["the only one", [0, 9], null],
]) {
  test(`the largest value is pointed out unless all are alike: ${name}`, () => {
    assert.equal(strongest(Uint8Array.from(codes)), expected);
  });
}

for (const [name, codes, free, signed, expected] of [
  ["fixed", [9, 50], false, false, [1, 255]],
  ["free", [9, 50, 0], true, false, [9, 50]],
  ["signed", [118, 130], true, true, [118, 138]],
  ["signed up", [128, 158], true, true, [98, 158]],
  ["all zero", [128, 128], true, true, [127, 129]],
  ["one value", [5, 5], true, false, [1, 255]],
  ["all NaN", [0], true, true, [1, 255]],
]) {
  test(`free limits span one step, about zero where values are signed: ${name}`, () => {
    assert.deepEqual(span(Uint8Array.from(codes), free, signed), expected);
  });
}
