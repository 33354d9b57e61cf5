// What Python hears of: the step at rest, one message in flight; and what is chosen.
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { event, fakeModel, fakeTime, onPage } from "./fakes.js";
import { clockOf } from "../../explorer/widgets/shared/clock.js";
import { clockSyncOf } from "../../explorer/widgets/shared/clock_sync.js";

const CHOICE = { layer: "conv1", unit: 2, probe: 0, target: -1, tab: "layers" };

function relayed({ isPlaying } = {}) {
  const time = fakeTime();
  const window = new EventTarget();
  onPage({ ...time, window });
  const clock = clockOf("main");
  clock.start(100, 0);
  const model = fakeModel({
    resting: 0, choice: CHOICE, asked: 0, answered: 0, families: { conv1: "conv1", relu1: "conv1", dense: "dense" },
  });
  const rests = [];
  model.on("resting", () => rests.push(model.resting));
  let choices = 0;
  clockSyncOf(model, { isPlaying, onChoice: () => { choices += 1; } });
  return { choices: () => choices, clock, model, rests, time, window };
}

describe("the step", () => {
  test("is told once it rests", () => {
    const { clock, rests, time } = relayed();
    for (let index = 1; index <= 20; index++) {
      clock.go(index);
      time.advance(50);
    }
    assert.deepEqual(rests, []);
    time.advance(120);
    assert.deepEqual(rests, [20]);
  });

  test("is told more rarely while it plays", () => {
    const { clock, rests, time } = relayed({ isPlaying: () => true });
    clock.go(1);
    time.advance(399);
    assert.deepEqual(rests, []);
    time.advance(1);
    assert.deepEqual(rests, [1]);
  });

  test("is not told while Python is busy with another, then the latest is", () => {
    const { clock, model, rests, time } = relayed();
    clock.go(1);
    time.advance(120);
    for (const index of [2, 3]) {
      clock.go(index);
      time.advance(200);
    }
    assert.deepEqual(rests, [1]);
    model.ack = 1;
    time.advance(120);
    assert.deepEqual(rests, [1, 3]);
    model.ack = 2;
    time.advance(1000);
    assert.deepEqual(rests, [1, 3]);
  });

  test("is told all the same if Python never answers", () => {
    const { clock, rests, time } = relayed();
    clock.go(1);
    time.advance(2200);
    clock.go(2);
    time.advance(120);
    assert.deepEqual(rests, [1, 2]);
  });
});

test("a click on a curve goes to a step of its own clock, until the widget is removed", () => {
  const { clock, model, window } = relayed();
  const click = (detail) => window.dispatchEvent(event("trainlapse:goto", { detail }));
  click({ index: 7 });
  click({ index: 8, channel: "second" });
  assert.equal(clock.index, 7);
  model.tell("remove");
  click({ index: 9, channel: "main" });
  assert.equal(clock.index, 7);
});

describe("the choice", () => {
  test("is at first what Python says", () => {
    const { clock, model } = relayed();
    assert.deepEqual([clock.choice, model.asked], [CHOICE, 0]);
  });

  test("is told at once, with the unit that stays", () => {
    const { choices, clock, model } = relayed();
    clock.choose({ layer: "relu1" });
    assert.deepEqual(model.choice, { ...CHOICE, layer: "relu1" });
    clock.choose({ layer: "dense" });
    assert.deepEqual([model.choice.unit, model.asked, choices()], [0, 2, 3]);
  });

  test("is what Python corrects it to", () => {
    const { clock, model } = relayed();
    clock.choose({ probe: 99 });
    model.choice = CHOICE;
    model.answered = 1;
    assert.deepEqual([clock.choice, model.asked], [CHOICE, 1]);
  });

  test("is not changed by an answer that another choice has overtaken", () => {
    const { clock, model } = relayed();
    clock.choose({ probe: 1 });
    clock.choose({ probe: 2 });
    model.choice = { ...CHOICE, probe: 1 };
    model.answered = 1;
    assert.deepEqual([clock.choice.probe, model.choice.probe], [2, 2]);
    model.answered = 2;
    assert.equal(clock.choice.probe, 2);
  });
});
