// The list of runs: sizes, numbers, which metrics get a column, and the order of rows.
import assert from "node:assert/strict";
import { test } from "node:test";

import { columnsOf, digits, size, sorted } from "../../explorer/widgets/page/run_list.js";

test("sizes are as file managers show them", () => {
  assert.deepEqual([0, 1023, 1536, 3 * 2 ** 30].map(size), ["0 B", "1023 B", "1.5 KiB", "3.0 GiB"]);
});

test("metrics have four digits, and what is not finite is named", () => {
  assert.deepEqual(
    [0.123456, 0, -2.5, 1e-7, 1234567, NaN, Infinity, -Infinity].map(digits),
    ["0.1235", "0", "−2.5", "1.00e−7", "1.23e+6", "NaN", "∞", "−∞"],
  );
});

test("the usual metrics come first, then those that most runs have", () => {
  const rows = [
    { metrics: { f1: 1, accuracy: 1, learning_rate: 1, loss: 1 } },
    { metrics: { f1: 1, other: 1, loss: 1, val_loss: 1 } },
    {},
  ];
  assert.deepEqual(columnsOf(rows), ["loss", "val_loss", "accuracy", "f1"]);
  assert.deepEqual(columnsOf([]), []);
});

test("rows without a value stand last in both directions", () => {
  const rows = [{ at: 2 }, {}, { at: 10 }, { at: NaN }, { at: -1 }];
  const order = (direction) => sorted(rows, (row) => row.at, direction).map((row) => row.at);
  assert.deepEqual(order(1).slice(0, 3), [-1, 2, 10]);
  assert.deepEqual(order(-1).slice(0, 3), [10, 2, -1]);
});

test("names are ordered by the numbers in them", () => {
  const rows = ["10.zarr", "9.zarr", "a.zarr"].map((where) => ({ where }));
  assert.deepEqual(sorted(rows, (row) => row.where, 1).map((row) => row.where), ["9.zarr", "10.zarr", "a.zarr"]);
});
