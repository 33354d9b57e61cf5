// Cursors in figures move with the clock, and Python need not hear of it.
import assert from "node:assert/strict";
import { test } from "node:test";

import { fakeModel, onPage } from "./fakes.js";
import { cursorsOf } from "../../explorer/widgets/shared/cursors.js";

// A figure's cursor as Bokeh has it: places of the recorded steps, and the clock that it follows.
function cursor(places, channel) {
  const moves = [];
  const span = {
    name: "trainlapse-cursor",
    tags: channel ? [places, channel] : [places],
    location: places[0],
    moves,
    setv: ({ location }, { sync = true } = {}) => {
      span.location = location;
      moves.push({ location, sync });
    },
  };
  return span;
}

function moved(...spans) {
  const models = new Map(spans.map((span, at) => [at, span]));
  const window = Object.assign(new EventTarget(), { Bokeh: { documents: [{ _all_models: models }] } });
  onPage({ window });
  return cursorsOf(fakeModel({ channel: "a" }));
}

test("the cursors of a clock move to its step, in the page alone", () => {
  const [own, other] = [cursor([0, 10, 20], "a"), cursor([0, 10, 20], "b")];
  const move = moved(own, other, { name: "another model", tags: [] });
  move(2);
  move(2); // it is there already
  move(7); // not in this figure
  assert.deepEqual(own.moves, [{ location: 20, sync: false }]);
  assert.deepEqual(other.moves, []);
});
