// Slider, playback, keys and typed jump.
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { event, fakeDocument, fakeModel, fakeTime, onPage } from "./fakes.js";
import { clockOf } from "../../explorer/widgets/shared/clock.js";
import { controlsOf } from "../../explorer/widgets/shared/controls.js";

const STEPS = [0, 1, 2, 5, 10, 20, 50, 100];

function opened(steps = STEPS, { frameMs, places = steps, notched = [] } = {}) {
  const time = fakeTime({ frameMs });
  const document = fakeDocument();
  onPage({ ...time, document });
  const clock = clockOf("main");
  clock.start(steps.length, 0);
  const model = fakeModel({});
  let pauses = 0;
  const el = document.createElement("div");
  const controls = controlsOf(model, el, {
    column: () => steps,
    places: () => places,
    short: String,
    plain: String,
    unit: () => "step",
    spoken: (index) => `step ${steps[index]}`,
    notches: () => notched,
    onPause: () => { pauses += 1; },
  });
  controls.label();
  const { buttons, jump, loop, speed, track } = controls.parts;
  const [first, back, play, forward, last] = buttons.children;
  const [unit, typed] = jump.children;
  const [slider, ticks, notches] = track.children;
  const click = (button, values = {}) => button.dispatchEvent(event("click", { shiftKey: false, ...values }));
  const key = (name, values = {}) => {
    const held = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, target: { tagName: "BODY" }, ...values };
    const pressed = event("keydown", { key: name, ...held });
    document.dispatchEvent(pressed);
    return pressed.defaultPrevented;
  };
  const type = (text) => {
    typed.value = text;
    typed.dispatchEvent(event("keydown", { key: "Enter" }));
  };
  return {
    ...controls, back, click, clock, first, forward, key, last, loop, model, notches, pauses: () => pauses, play, slider, speed, ticks, time, type, typed, unit,
  };
}

describe("keys", () => {
  test("arrows go a step, with Shift ten, Home and End to the ends", () => {
    const { clock, key } = opened(Array.from({ length: 40 }, (_, at) => at));
    const at = (name, values) => {
      assert.ok(key(name, values));
      return clock.index;
    };
    assert.deepEqual([at("ArrowRight"), at("ArrowRight", { shiftKey: true }), at("ArrowLeft"), at("End"), at("ArrowRight"), at("Home"), at("ArrowLeft")],
      [1, 11, 10, 39, 39, 0, 0]);
  });

  test("they are left to who types, and to the browser", () => {
    const { clock, key } = opened();
    for (const values of [{ target: { tagName: "INPUT", type: "text" } }, { ctrlKey: true }, { metaKey: true }, { altKey: true }]) {
      assert.ok(!key("ArrowRight", values));
    }
    assert.ok(!key("x"));
    assert.equal(clock.index, 0);
    assert.ok(key("ArrowRight", { target: { tagName: "INPUT", type: "range" } }));
    assert.ok(!key(" ", { target: { tagName: "BUTTON" } })); // which it presses
  });

  test("a removed control hears none", () => {
    const { clock, key, model } = opened();
    model.tell("remove");
    key("ArrowRight");
    assert.equal(clock.index, 0);
  });
});

describe("jump", () => {
  for (const [text, index] of [
    ["5", 3], ["6", 3], ["8", 4], ["1,000", 7], [" 19.6 steps", 5], ["1e1", 4], ["-3", 0], ["0", 0],
  ]) {
    test(`${JSON.stringify(text)} leads to the nearest step`, () => {
      const { clock, type, typed } = opened();
      clock.go(6);
      type(text);
      assert.equal(clock.index, index);
      assert.ok(!typed.classList.contains("wrong"));
      assert.equal(typed.value, String(STEPS[index]));
    });
  }

  for (const text of ["", "soon", "-", "."]) {
    test(`${JSON.stringify(text)} leads nowhere and is marked`, () => {
      const { clock, type, typed } = opened();
      clock.go(2);
      type(text);
      assert.equal(clock.index, 2);
      assert.ok(typed.classList.contains("wrong"));
    });
  }
});

describe("notches", () => {
  test("stand on the slider where their steps are, and say why", () => {
    const { notches } = opened([0, 5, 10], { notched: [[1, "weights set"]] });
    assert.deepEqual(notches.children.map(({ style, attributes }) => [style.left, attributes.title]), [["50%", "weights set"]]);
  });

  test("a lone step has none", () => {
    assert.deepEqual(opened([0], { notched: [[0, "weights set"]] }).notches.children, []);
  });
});

describe("playback", () => {
  const playing = (fps, many = 400, options = {}) => {
    const found = opened(Array.from({ length: many }, (_, at) => at), options);
    found.speed.value = fps;
    found.click(found.play);
    return found;
  };

  for (const fps of [2, 10, 30]) {
    test(`goes by the time that has passed: ${fps} a second`, () => {
      const { clock, isPlaying, time } = playing(fps);
      time.advance(4000);
      assert.ok(Math.abs(clock.index - 4 * fps) <= 1, `at ${clock.index}`);
      assert.ok(isPlaying());
    });
  }

  test("skips what a slow page had no time to draw", () => {
    const { clock, time } = playing(10, 400, { frameMs: 500 });
    let drawn = 0;
    clock.addEventListener("tick", () => { drawn += 1; });
    time.advance(4000);
    assert.deepEqual([clock.index, drawn], [40, 8]);
  });

  test("ends at the last step, says so, and begins anew", () => {
    const { click, clock, isPlaying, pauses, play, time } = playing(10, 5);
    time.advance(2000);
    assert.deepEqual([clock.index, isPlaying(), pauses(), time.waits()], [4, false, 1, 0]);
    click(play);
    assert.deepEqual([clock.index, isPlaying()], [0, true]);
  });

  test("goes round when it repeats", () => {
    const { click, clock, isPlaying, loop, time } = playing(10, 5);
    click(loop);
    time.advance(550);
    assert.ok(isPlaying());
    assert.ok(clock.index < 4);
  });

  test("a pause stops at once, and is told", () => {
    const { click, clock, pauses, play, time } = playing(10);
    time.advance(1000);
    click(play);
    const { index } = clock;
    time.advance(1000);
    assert.deepEqual([clock.index, pauses(), play.getAttribute("aria-pressed")], [index, 1, "false"]);
  });
});

describe("faces", () => {
  test("the slider says where it is", () => {
    const { clock, slider } = opened();
    clock.go(4);
    assert.deepEqual([slider.value, slider.min, slider.max, slider.getAttribute("aria-valuetext")], [10, 0, 100, "step 10"]);
    slider.value = "47";
    slider.dispatchEvent(event("input"));
    assert.deepEqual([clock.index, slider.value], [6, 50]); // what is recorded nearest
    slider.value = "51";
    slider.dispatchEvent(event("input"));
    assert.deepEqual([clock.index, slider.value], [6, 50]);
  });

  test("it goes along the axis of the curves", () => {
    const places = STEPS.map((step) => Math.log10(1 + step));
    const { clock, slider, ticks } = opened(STEPS, { places });
    clock.go(3);
    assert.deepEqual([slider.value, slider.min, slider.max], [places[3], 0, places[7]]);
    slider.value = String(Math.log10(1 + 9));
    slider.dispatchEvent(event("input"));
    assert.equal(clock.index, 4);
    assert.deepEqual(ticks.children.map(({ textContent }) => textContent), ["0", "1", "5", "10", "20", "50", "100"]);
    assert.equal(ticks.children[3].style.left, `${(places[4] / places[7]) * 100}%`);
  });

  test("where a clock stands still, positions stand evenly", () => {
    const { clock, slider } = opened(STEPS, { places: STEPS.map(() => 0) });
    clock.go(4);
    assert.deepEqual([slider.value, slider.max], [4, 7]);
  });

  test("ticks stand from end to end, where there is room", () => {
    const { ticks } = opened();
    assert.deepEqual(ticks.children.map(({ textContent }) => textContent), ["0", "20", "50", "100"]);
    assert.deepEqual([ticks.children[0], ticks.children.at(-1)].map(({ style }) => style.left), ["0%", "100%"]);
  });

  test("with one step there is nothing to move", () => {
    const { forward, play, slider, ticks } = opened([0]);
    assert.deepEqual([forward, play, slider].map(({ disabled }) => disabled), [true, true, true]);
    assert.equal(ticks.children.length, 0);
  });
});
