// A text's bands: where they stand, which parts of a payload are theirs, what their colours mean.
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import {
  bandLines, bandParts, bandPlace, bandScales, codeRange, columnsIn, greatest, shortNumber, signedCode,
  stretchedPalette,
} from "../../explorer/widgets/shared/bands.js";

const VALUES = { title: "values", signed: true, low: -2, high: 2 };
const GATE = { title: "gate", signed: false, low: 0, high: 1 };
// Two places, of two tokens each, and behind them all padding.
const STATES = { kind: "states", ranges: [0, 2, 2, 4], rows: 2, quantities: [VALUES, GATE], most: 3, bar: 4 };
const DENSE = { kind: "units", rows: 1, quantities: [VALUES], most: 1, bar: 1 };
const POOLED = { kind: "pooled", ranges: [0, 4], rows: 1, quantities: [VALUES], keeps: true, most: 1, bar: 1 };
const CLASSES = { kind: "class places", ranges: [0, 4], rows: 1, quantities: [GATE], most: 1, bar: 1 };

describe("columns", () => {
  for (const [name, given, found] of [
    ["fill the room", [600, 10, false, false], { wide: 60, gutter: 0, content: 600 }],
    ["are no wider than a word", [4000, 10, false, false], { wide: 160, gutter: 0, content: 1600 }],
    ["are scrolled when they are many", [600, 100, false, false], { wide: 15, gutter: 0, content: 1500 }],
    ["leave room for padding", [628, 10, false, true], { wide: 60, gutter: 28, content: 628 }],
    ["of letters are narrower", [600, 100, true, false], { wide: 10, gutter: 0, content: 1000 }],
    ["of no word", [600, 0, false, false], { wide: 160, gutter: 0, content: 0 }],
  ]) {
    test(name, () => assert.deepEqual(columnsIn(...given), found));
  }
});

test("lines stand below each other, those of gates only if they are open", () => {
  const kinds = (open) => bandLines([STATES, DENSE, POOLED, CLASSES], new Set(open), 30).lines
    .map(({ at, kind }) => `${at} ${kind}`);
  // What all units of the first band add stands above, and classes add nothing.
  const rest = ["1 head", "1 row", "2 head", "2 all", "2 row", "3 head", "3 row"];
  assert.deepEqual(kinds([]), ["0 head", "0 row", "0 row", ...rest]);
  assert.deepEqual(kinds([0]), ["0 head", "0 row", "0 row", "0 inner", "0 inner", ...rest]);
  const { lines, height } = bandLines([STATES, DENSE], new Set([0]), 30);
  assert.equal(lines[0].y, 30);
  lines.slice(1).forEach(({ y }, at) => assert.ok(y >= lines[at].y + lines[at].height));
  assert.ok(height > lines.at(-1).y + lines.at(-1).height);
});

test("each band has its parts of a payload, wherever they lie in memory", () => {
  const shifted = (Kind, values) => new Kind(Kind.from([99, ...values]).buffer, Kind.BYTES_PER_ELEMENT, values.length);
  const payload = {
    units: shifted(Int32Array, [7, 3, 5, 8]),
    adds: shifted(Float32Array, [1, 2, 3, 4]),
    values: shifted(Float32Array, [10, 20, 30, 40]),
    all: shifted(Float32Array, [1, 2, 3, 4, 5]),
    kept: shifted(Float32Array, [3]),
    codes: shifted(Uint8Array, Array.from({ length: 14 }, (_, at) => at)),
  };
  const [states, dense, pooled] = bandParts(payload, [STATES, DENSE, POOLED]);
  assert.deepEqual([[...states.units], [...dense.units], [...pooled.units]], [[7, 3], [5], [8]]);
  assert.deepEqual([[...states.adds], [...dense.values], [...pooled.values]], [[1, 2], [30], [40]]);
  assert.deepEqual([[...states.all], [...pooled.all], dense.all], [[1, 2, 3], [4, 5], undefined]);
  assert.deepEqual(states.quantities.map((codes) => [...codes]), [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]);
  assert.deepEqual([[...pooled.quantities[0]], [...pooled.kept]], [[12, 13], [3]]);
});

test("a token has one place of a band, or none", () => {
  assert.deepEqual([0, 1, 2, 3, 4].map((token) => bandPlace(STATES, token)), [0, 0, 1, 1, -1]);
  assert.equal(bandPlace(DENSE, 0), -1);
});

describe("colours", () => {
  test("codes stand for values, 0 for none", () => {
    assert.deepEqual([-9, -1, 0, 0.5, 9, NaN].map((value) => signedCode(value, 1)), [1, 1, 128, 192, 255, 0]);
  });

  test("the greatest magnitude divides, so it is never zero", () => {
    assert.deepEqual([[1, -3, NaN, Infinity], [0, 0], []].map(greatest), [3, 1, 1]);
  });

  for (const [name, codes, signed, range] of [
    ["span what there is", [0, 9, 50], false, [9, 50]],
    ["are alike on both sides of zero", [118, 130], true, [118, 138]],
    ["of one value have an extent", [7, 7], false, [7, 8]],
    ["of zero alone, too", [128], true, [127, 129]],
    ["of nothing are all", [0, 0], false, [1, 255]],
  ]) {
    test(`ends ${name}`, () => assert.deepEqual(codeRange(codes, signed), range));
  }

  test("a palette is stretched over a range, and cut off beyond", () => {
    const palette = Array.from({ length: 256 }, (_, code) => code);
    assert.equal(stretchedPalette(palette, 1, 255), palette);
    const stretched = stretchedPalette(palette, 100, 200);
    assert.deepEqual([50, 100, 150, 200, 250].map((code) => stretched[code]), [1, 1, 128, 255, 255]);
  });

  test("limits are those of all steps, or of this one if they are free", () => {
    const parts = [{ adds: Float32Array.of(-8, 1), all: Float32Array.of(1, -5), quantities: [[120, 130], [10, 20]] }];
    const colours = { diverging: Array(256).fill("d"), sequential: Array(256).fill("s") };
    const [fixed] = bandScales([STATES], parts, colours, false);
    assert.deepEqual([fixed.most, fixed.bar, fixed.ranges], [3, 4, [[1, 255], [1, 255]]]);
    assert.deepEqual(fixed.palettes.map(([first]) => first), ["d", "s"]);
    const [free] = bandScales([STATES], parts, colours, true);
    assert.deepEqual([free.most, free.bar, free.ranges], [5, 8, [[120, 136], [10, 20]]]);
  });
});

for (const [value, plus, text] of [[0.1234, "", "0.12"], [-0.1234, "+", "−0.12"], [12.6, "+", "+13"], [NaN, "+", "NaN"], [0, "+", "0"]]) {
  test(`${value} is written ${text}`, () => assert.equal(shortNumber(value, plus), text));
}
