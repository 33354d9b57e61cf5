// The page's clock: the step on screen, what is chosen, what the pointer is over.
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { event, fakeModel, onPage } from "./fakes.js";
import { clockOf, follow, heed, isTyped } from "../../explorer/widgets/shared/clock.js";

const CHOICE = { layer: "conv1", unit: 2, probe: 1, target: -1, tab: "layers" };

// A clock, and the events that were heard of it.
function started(given = {}) {
  onPage(given);
  const clock = clockOf("main");
  const heard = [];
  for (const name of ["choice", "hover", "seek", "tick"]) clock.addEventListener(name, () => heard.push(name));
  return { clock, heard };
}

describe("time", () => {
  for (const [index, place] of [[3, 3], [-1, 0], [99, 7], [2.6, 3], [NaN, 0]]) {
    test(`it stays within the recorded steps: ${index}`, () => {
      const { clock } = started();
      clock.start(8, 0);
      clock.go(index);
      assert.equal(clock.index, place);
    });
  }

  test("what is missing is asked for before anything is drawn", () => {
    const { clock, heard } = started();
    clock.start(8, 0);
    clock.go(5);
    clock.go(5);
    assert.deepEqual(heard, ["seek", "tick", "seek", "tick"]);
  });

  test("a clock without steps is at the first one", () => {
    const { clock } = started();
    clock.start(0, -1);
    assert.deepEqual([clock.count, clock.index], [1, 0]);
  });
});

describe("choice", () => {
  test("changes what is named and is heard of once", () => {
    const { clock, heard } = started();
    clock.choose(CHOICE);
    clock.choose({ probe: 4, unit: 0 });
    assert.deepEqual(clock.choice, { ...CHOICE, unit: 0, probe: 4 });
    assert.deepEqual(heard, ["choice", "choice"]);
  });

  test("of what is chosen is not heard of", () => {
    const { clock, heard } = started();
    for (const change of [CHOICE, CHOICE, { probe: 1 }, { layer: "conv1" }, { unit: undefined }]) clock.choose(change);
    assert.deepEqual(heard, ["choice"]);
    assert.equal(clock.choice.unit, 2);
  });

  test("another layer shows the unit last looked at there, at first the first", () => {
    const { clock } = started();
    clock.choose(CHOICE);
    clock.choose({ layer: "dense" });
    assert.equal(clock.choice.unit, 0);
    clock.choose({ unit: 9 });
    clock.choose({ layer: "conv1", unit: null });
    assert.equal(clock.choice.unit, 2);
    clock.choose({ layer: "dense", unit: 3 });
    clock.choose({ layer: "conv1" });
    clock.choose({ layer: "dense" });
    assert.equal(clock.choice.unit, 3);
  });

  test("the unit stays in layers whose units stand for each other", () => {
    const { clock } = started();
    clock.families = new Map(Object.entries({ conv1: "conv1", relu1: "conv1", pool1: "conv1", dense: "dense" }));
    clock.choose(CHOICE);
    for (const layer of ["relu1", "pool1", "relu1", "conv1"]) {
      clock.choose({ layer });
      assert.deepEqual([clock.choice.layer, clock.choice.unit], [layer, 2]);
    }
    clock.choose({ layer: "pool1", unit: 7 });
    clock.choose({ layer: "dense" });
    assert.equal(clock.choice.unit, 0);
    clock.choose({ layer: "conv1" });
    assert.equal(clock.choice.unit, 7);
  });

  test("layers may have any name", () => {
    const { clock } = started();
    clock.choose({ ...CHOICE, layer: "constructor" });
    clock.choose({ layer: "__proto__" });
    assert.equal(clock.choice.unit, 0);
    clock.choose({ layer: "constructor" });
    assert.equal(clock.choice.unit, 2);
  });

  test("before any layer is known there is no unit", () => {
    const { clock } = started();
    clock.choose({});
    clock.choose({ target: 3 });
    assert.deepEqual(clock.choice, { target: 3 });
  });
});

test("what the pointer is over is heard of and forgotten", () => {
  const { clock, heard } = started();
  clock.hover({ unit: 3 });
  assert.deepEqual(clock.hovered, { unit: 3 });
  clock.hover();
  assert.deepEqual(clock.hovered, {});
  assert.deepEqual(heard, ["hover", "hover"]);
});

test("clocks of two channels do not know each other, those of one are the same", () => {
  const { clock, heard } = started();
  clockOf("other").choose(CHOICE);
  assert.deepEqual([clock.choice, heard], [{}, []]);
  assert.equal(clockOf("other"), clockOf("other"));
});

describe("listeners", () => {
  test("one that heeds is called at once, and until the widget is removed", () => {
    const { clock } = started();
    const model = fakeModel({});
    let calls = 0;
    assert.equal(heed(model, "choice", () => { calls += 1; }), clock);
    clock.choose(CHOICE);
    model.tell("remove");
    clock.choose({ unit: 5 });
    assert.equal(calls, 2);
  });

  test("one that follows draws only while its place is in sight", () => {
    let see;
    let isWatched = false;
    class IntersectionObserver {
      constructor(tell) { see = (isIntersecting) => tell([{ isIntersecting }]); }
      observe() { isWatched = true; }
      disconnect() { isWatched = false; }
    }
    const { clock } = started({ IntersectionObserver });
    const model = fakeModel({});
    const place = { getClientRects: () => [1] };
    const drawn = [];
    const isNear = follow(model, place, (index) => drawn.push(index));
    clock.start(8, 1);
    see(true);
    clock.go(2);
    see(false);
    clock.go(3);
    assert.deepEqual([drawn, isNear()], [[1, 2], false]);
    clock.dispatchEvent(new Event("complete")); // wherever it is
    assert.deepEqual(drawn, [1, 2, 3]);
    model.tell("remove");
    clock.go(4);
    assert.deepEqual([drawn, isWatched], [[1, 2, 3], false]);
  });
});

test("keys are told apart from what is typed", () => {
  const typed = (target) => Boolean(isTyped(event("keydown", { target })));
  for (const tagName of ["TEXTAREA", "SELECT", "INPUT"]) assert.ok(typed({ tagName, type: "text" }), tagName);
  assert.ok(typed({ tagName: "DIV", isContentEditable: true }));
  for (const tagName of ["BUTTON", "BODY", undefined]) assert.ok(!typed({ tagName }), tagName);
  assert.ok(!typed({ tagName: "INPUT", type: "range" }));
});
