// Tiles: what they are called, which are struck out, where keys lead.
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { bestColumns, isBlank, picked, tileAfter, tileName, tileOfStep, tilesOn } from "../../explorer/widgets/pictures/frame_grid.js";

for (const [tile, places, name] of [
  [5, 1, "unit 5"], [5, 2, "unit 2 · place 1"], [4, 2, "unit 2 · place 0"], [5, 0, "tile 5"],
]) {
  test(`tile ${tile} of units with ${places} places is ${name}`, () => assert.equal(tileName(tile, places), name));
}

describe("an arrow key leads past all tiles of the chosen unit", () => {
  for (const [chosen, move, tile] of [
    [[2], 1, 3], [[2], -1, 1], [[2], 3, 5], [[0], -1, 0], [[8], 1, 8], [[7], 3, 8],
    [[2, 3], 1, 4], [[2, 3], -1, 1], [[], 1, 1], [[], -1, 0],
  ]) {
    test(`${move} from ${JSON.stringify(chosen)}`, () => assert.equal(tileAfter(chosen, move, 9), tile));
  }
});

for (const [index, tile] of [[0, 0], [4, 0], [5, 1], [89, 1], [90, 2], [1000, 2]]) {
  test(`the tile of step ${index} is the last one recorded by then`, () => {
    assert.equal(tileOfStep([0, 5, 90], index), tile);
  });
}

for (const [tile, blank] of [[0, false], [1, true], [2, false]]) {
  test(`a tile without a number is blank: ${tile}`, () => {
    assert.equal(isBlank([0, 7, 0, 0, 0, 0, 0, 0, 1], 3 * tile, 3), blank);
  });
}

test("tiles are as large as fits, of equal ones the most are in a row", () => {
  const columns = (...room) => bestColumns(8, 10, 10, ...room).columns;
  assert.equal(columns(1000, 50, 9), 8);
  assert.equal(columns(400, 100, 9), 7);
  assert.equal(columns(100, 400, 9), 2);
  assert.equal(columns(1000, 1000, 1), 8); // limited: all of one size
  assert.ok(bestColumns(8, 10, 10, 100, 100, 9).scale > bestColumns(8, 10, 10, 100, 100, 9, 14).scale);
});

for (const [page, order, tiles] of [
  [0, undefined, [0, 1, 2]], [1, undefined, [3, 4]], [2, undefined, []], [0, [4, 2, 0, 1, 3], [4, 2, 0]], [1, [4, 2, 0, 1, 3], [1, 3]],
]) {
  test(`page ${page} of five tiles, three a page, ${order ? "ordered" : "as recorded"}`, () => {
    assert.deepEqual(tilesOn(page, 3, 5, order), tiles);
  });
}

test("a page has the codes of its tiles, one after the other", () => {
  assert.deepEqual([...picked(Uint8Array.from([1, 2, 3, 4, 5, 6]), [2, 0], 2)], [5, 6, 1, 2]);
});
