// What a widget shows of each step: asked for once, the visible first, read ahead, kept within bounds.
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { fakeModel, onPage } from "./fakes.js";
import { clockOf } from "../../explorer/widgets/shared/clock.js";
import { bytesOf, framesOf } from "../../explorer/widgets/shared/frames.js";

const MIB = 1024 * 1024;

// A widget of so many steps whose place comes into sight when it is told to.
function widget({ count = 100, still = false } = {}) {
  let see;
  class IntersectionObserver {
    constructor(tell) { see = (isIntersecting) => tell([{ isIntersecting }]); }
    observe() {}
    disconnect() {}
  }
  onPage({ IntersectionObserver });
  const clock = clockOf("main");
  clock.start(count, 0);
  const model = fakeModel({ key: "k", still });
  const drawn = [];
  const place = {};
  const frames = framesOf(model, place, (index) => {
    drawn.push(index);
    frames.want(index);
  });
  const answer = (index, payload = { frame: new Uint8Array(10) }, key = "k") =>
    model.tell("msg:custom", { key, index, payload });
  const asked = () => model.sent.splice(0).map(({ want }) => want);
  return { answer, asked, bytesOf, clock, drawn, frames, model, place, see };
}

test("nothing is asked for out of sight", () => {
  const { asked, clock, see } = widget();
  clock.go(5);
  assert.deepEqual(asked(), []);
  see(true);
  assert.deepEqual(asked(), [[5]]);
});

describe("in sight", () => {
  test("the step on screen is asked for alone, then those ahead", () => {
    const { answer, asked, clock, drawn, see } = widget();
    see(true);
    drawn.length = 0;
    assert.deepEqual(asked(), [[0]]);
    answer(0);
    assert.deepEqual(asked(), [[1, 2, 3, 4, 5, 6, 7, 8]]);
    assert.deepEqual(drawn, [0]);
    clock.go(1); // on its way already, yet now the first in the queue
    assert.deepEqual(asked(), [[1]]);
    answer(1);
    assert.deepEqual(asked(), []); // until half of what is ahead is used up
  });

  test("it is asked for once", () => {
    const { asked, clock, see } = widget();
    see(true);
    clock.go(3);
    clock.dispatchEvent(new Event("seek"));
    assert.deepEqual(asked(), [[0], [3]]);
  });

  test("at the end less is read ahead", () => {
    const { answer, asked, clock, see } = widget({ count: 5 });
    see(true);
    clock.go(2);
    asked();
    answer(2);
    assert.deepEqual(asked(), [[3, 4]]);
    for (const index of [3, 4]) answer(index);
    assert.deepEqual(asked(), []);
  });

  test("an answer for another step asks for what is missing on screen", () => {
    const { answer, asked, clock, drawn, see } = widget();
    see(true);
    clock.go(50);
    drawn.length = 0;
    asked();
    answer(0);
    assert.deepEqual([drawn, asked()], [[], []]); // it has been asked for
    answer(50);
    assert.deepEqual(drawn, [50]);
  });

  test("a picture that is the same at every step has one frame", () => {
    const { answer, asked, clock, drawn, frames, see } = widget({ still: true });
    see(true);
    answer(0);
    assert.deepEqual(asked(), [[0]]);
    clock.go(9);
    assert.deepEqual(asked(), []);
    assert.equal(frames.get(9), frames.get(0));
    assert.ok(drawn.includes(9));
  });

  test("what there is of another picture is forgotten, and its late answers too", () => {
    const { answer, asked, frames, model, see } = widget();
    see(true);
    answer(0);
    asked();
    model.key = "other";
    assert.equal(frames.get(0), undefined);
    answer(0, { frame: new Uint8Array(1) }, "k");
    assert.equal(frames.get(0), undefined);
    frames.want(0);
    assert.deepEqual(asked(), [[0]]);
  });

  test("what is on screen is of another step, or of something else, until the frame comes", () => {
    const { answer, clock, frames, model, place, see } = widget();
    see(true);
    assert.equal(place.ariaBusy, "true");
    answer(0);
    assert.equal(place.ariaBusy, null);
    clock.go(4);
    assert.equal(place.ariaBusy, "true");
    clock.go(0); // which is kept
    frames.want(0);
    assert.equal(place.ariaBusy, null);
    model.key = "other";
    frames.want(0);
    assert.equal(place.ariaBusy, "true");
    model.tell("msg:custom", { key: "other", index: 0, error: "No." });
    assert.equal(place.ariaBusy, null);
  });

  test("a fault is an answer", () => {
    const { frames, model, see } = widget();
    see(true);
    model.tell("msg:custom", { key: "k", index: 0, error: "No." });
    assert.deepEqual(frames.get(0), { error: "No." });
  });
});

describe("memory", () => {
  test("beyond 64 MiB the oldest go, an answer that came again is young", () => {
    const { answer, frames, see } = widget();
    see(true);
    const payload = () => ({ frame: { byteLength: 20 * MIB } });
    for (const index of [0, 1, 2]) answer(index, payload());
    answer(0, payload());
    answer(3, payload());
    assert.deepEqual([0, 1, 2, 3].map((index) => frames.get(index) !== undefined), [true, false, true, true]);
  });

  test("one that is larger than all is kept while it is the youngest", () => {
    const { answer, frames, see } = widget();
    see(true);
    answer(0, { frame: { byteLength: 100 * MIB } });
    assert.ok(frames.get(0));
    answer(1);
    assert.equal(frames.get(0), undefined);
  });

  test("bytes are those of all parts", () => {
    const { bytesOf } = widget();
    assert.equal(bytesOf({ a: new Float32Array(3), b: [1, 2], c: "xyz", d: 5, e: null }), 12 + 2 + 3);
    assert.equal(bytesOf(undefined), 0);
  });
});
