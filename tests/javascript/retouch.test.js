// Changes of a picture that a visitor draws, and the size of one in a file.
import assert from "node:assert/strict";
import { test } from "node:test";

import { sizeOf } from "../../explorer/widgets/shared/picture_file.js";
import { blurred, covered, noisy, shifted, stamped } from "../../explorer/widgets/shared/retouch.js";

const shape = { height: 3, width: 4, channels: 1 };
const ramp = Uint8ClampedArray.from({ length: 12 }, (_, place) => 10 * place);

test("a stroke colours what lies below it, and nothing else", () => {
  const made = stamped(new Uint8ClampedArray(12), shape, [1.5, 0.5], [1.5, 3.5], 0.5, [200]);
  assert.deepEqual([...made], [0, 0, 0, 0, 200, 200, 200, 200, 0, 0, 0, 0]);
  const point = stamped(ramp, shape, [0.5, 0.5], [0.5, 0.5], 0.5, [255]);
  assert.deepEqual([...point.subarray(1)], [...ramp.subarray(1)]);
  assert.equal(point[0], 255);
});

test("a stroke has the colour of each channel", () => {
  const made = stamped(new Uint8ClampedArray(3), { height: 1, width: 1, channels: 3 }, [0.5, 0.5], [0.5, 0.5], 1, [1, 2, 3]);
  assert.deepEqual([...made], [1, 2, 3]);
});

test("a cover is cut off at the border", () => {
  const made = covered(ramp.map((value) => value + 1), shape, [0, 0], 2);
  assert.deepEqual([...made.subarray(0, 2)], [0, 11]);
  assert.equal(covered(ramp, shape, [50, 50], 2).length, 12);
});

test("a shift brings in the dark", () => {
  assert.deepEqual([...shifted(ramp, shape, 0, 1)], [0, 0, 10, 20, 0, 40, 50, 60, 0, 80, 90, 100]);
  assert.deepEqual([...shifted(ramp, shape, -1, 0)], [40, 50, 60, 70, 80, 90, 100, 110, 0, 0, 0, 0]);
});

test("noise has no mean of its own, and stays within the codes", () => {
  assert.deepEqual([...noisy(ramp, () => 0.5)], [...ramp]);
  assert.ok(noisy(ramp, () => 0.99).every((value) => value <= 255));
});

test("a blur keeps what is even, and is the mean of the neighbours", () => {
  assert.deepEqual([...blurred(new Uint8ClampedArray(12).fill(7), shape)], Array(12).fill(7));
  assert.equal(blurred(ramp, shape)[5], 50);
});

test("the size of a picture is read from its first bytes", () => {
  const png = new Uint8Array(24);
  png.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  new DataView(png.buffer).setUint32(16, 10000);
  new DataView(png.buffer).setUint32(20, 20000);
  assert.deepEqual(sizeOf(png), [10000, 20000]);
  const jpeg = new Uint8Array([0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xc4, 0, 3, 9, 0xff, 0xc0, 0, 9, 8, 1, 0, 2, 0, 3, 0, 0, 0, 0]);
  assert.deepEqual(sizeOf(jpeg), [512, 256]);
  for (const bad of [[], [0xff, 0xd8], [0xff, 0xd8, 0xff, 0xe0, 0, 0], [1, 2, 3], [...png.subarray(0, 20)]]) {
    assert.equal(sizeOf(Uint8Array.from(bad)), null);
  }
});
