// What pictures have in common: colours, numbers, axes, fonts of vector files.
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { endsOf, powersOfTen } from "../../explorer/replay/curves.js";
import { placesOf } from "../../explorer/widgets/shared/numbers.js";
import { roomy, ticksOf } from "../../explorer/widgets/shared/axes.js";
import { bytes, cut, number, readOff, table } from "../../explorer/widgets/shared/paint.js";
import { fontParts } from "../../explorer/widgets/shared/vector.js";

describe("colours", () => {
  const palette = Uint8Array.from({ length: 768 }, (_, at) => Math.floor(at / 3));

  test("codes have those of the palette, and none is see-through", () => {
    const colours = table(palette);
    assert.equal(colours[0], 0);
    assert.deepEqual([colours[1], colours[255]], [0xff000000, 0xffffffff]);
  });

  test("they are stretched over a range", () => {
    const colours = table(palette, 100, 200);
    const grey = (level) => (255 * 2 ** 24 + level * 0x10101);
    assert.deepEqual([50, 100, 150, 200, 250].map((code) => colours[code]), [0, 0, 128, 255, 255].map(grey));
    assert.ok(table(palette, 7, 7)[8] > 0); // a range without extent
  });

  test("what lies beyond the ends is read as such, unless nothing can", () => {
    const ends = { low: -2, high: 2 };
    assert.deepEqual([0, 1, 128, 255].map((code) => readOff(code, ends)), ["NaN", "≤ -2", "0", "≥ 2"]);
    assert.deepEqual([1, 255].map((code) => readOff(code, { ...ends, bounded: true })), ["-2", "2"]);
    assert.equal(readOff(1, { low: 0, high: 2 }), "0"); // where nothing is negative
  });

  test("bytes are those of an array, wherever it begins", () => {
    const whole = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    assert.deepEqual([...bytes(new Uint16Array(whole.buffer, 2, 2))], [3, 4, 5, 6]);
  });
});

for (const [value, text] of [[0, "0"], [-0, "0"], [0.123456, "0.123"], [123456, "123000"], [1e-9, "1e-9"], [NaN, "NaN"], [-Infinity, "-Infinity"]]) {
  test(`the number ${value} is written ${text}`, () => assert.equal(number(value), text));
}

test("a text that is too long is cut", () => {
  assert.deepEqual([cut("abc", 3), cut("abcd", 3)], ["abc", "ab…"]);
});

describe("axes", () => {
  for (const [low, high, ends] of [[0, 10, [-1, 11]], [5, 5, [4.5, 5.5]], [0, 0, [-1, 1]], [Infinity, -Infinity, [0, 1]], [NaN, 1, [0, 1]]]) {
    test(`from ${low} to ${high} there is room around`, () => assert.deepEqual(roomy(low, high, 0.1), ends));
  }

  for (const [low, high, most, texts] of [
    [0, 1, 5, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]],
    [-3, 7.9, 4, ["0", "5"]],
    [0, 250000, 5, ["0", "50000", "100000", "150000", "200000", "250000"]],
    [0, 3e-6, 3, ["0", "0.000001", "0.000002", "0.000003"]],
    [0.14, 0.2, 3, ["0.14", "0.16", "0.18", "0.20"]], // 0.14 / 0.02 is a little more than 7
    [0, 0, 5, []],
    [NaN, 1, 5, []],
    [0, Infinity, 5, []],
  ]) {
    test(`ticks from ${low} to ${high} are round`, () => {
      assert.deepEqual(ticksOf(low, high, most).map(({ text }) => text), texts);
    });
  }
});

describe("curves of a replay", () => {
  test("ends are those of all finite values", () => {
    assert.deepEqual(endsOf([[3, NaN], [-1, Infinity]]), [-1, 3]);
    assert.deepEqual(endsOf([[]]), [Infinity, -Infinity]);
  });

  test("places are those of a clock, or its logarithm", () => {
    const clocks = { step: [0, 9, 99], epoch: [0, 1, 2] };
    assert.deepEqual(placesOf(clocks, "log_step"), [0, 1, 2]);
    assert.equal(placesOf(clocks, "epoch"), clocks.epoch);
    assert.deepEqual(powersOfTen(2.3).map(({ text }) => text), ["0", "1", "10", "100"]);
    assert.equal(powersOfTen(2.3)[2].value, Math.log10(11));
  });
});

describe("fonts, as SVG names their parts", () => {
  for (const [font, style, weight, size, family] of [
    ['11px "Helvetica Neue", Arial', "normal", "normal", "11px", '"Helvetica Neue", Arial'],
    ["600 11px serif", "normal", "600", "11px", "serif"],
    ["normal 650 13.5px system-ui, sans-serif", "normal", "650", "13.5px", "system-ui, sans-serif"],
    ["italic bold 1.2em/1.4 serif", "italic", "bold", "1.2em", "serif"],
    ["nonsense", "normal", "normal", "10px", "sans-serif"],
  ]) {
    test(font, () => assert.deepEqual(fontParts(font), { style, weight, size, family, decoration: "none" }));
  }
});
