// The page's address: right as soon as nothing moves, rarely written on the way.
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { event, fakeModel, fakeTime, onPage } from "./fakes.js";
import { addressOf, choiceIn } from "../../explorer/widgets/shared/address.js";

const HALF_A_MINUTE = 30_000;
const PICTURE = 20; // ms until there is the next one

// A page at an address, which shows `shown`; `visit` and `show` are what a visitor and Python do.
function opened(search = "?layer=conv1", { wholePage = true } = {}) {
  const time = fakeTime({ frameMs: PICTURE });
  const window = new EventTarget();
  const entries = [`http://host/${search}`];
  let here = 0;
  const writes = [];
  const location = { get href() { return entries[here]; }, get search() { return new URL(entries[here]).search; } };
  const history = {
    state: null,
    replaceState: (_, __, url) => {
      writes.push({ how: "replace", at: time.performance.now() });
      entries[here] = String(url);
    },
    pushState: (_, __, url) => {
      writes.push({ how: "push", at: time.performance.now() });
      entries.splice(++here, Infinity, String(url));
    },
    back: () => history.go(-1),
    forward: () => history.go(1),
    go: (by) => {
      here += by;
      window.dispatchEvent(new Event("popstate"));
    },
  };
  onPage({ ...time, window, location, history });
  const model = fakeModel({ whole_page: wholePage });
  let shown = { layer: "conv1", unit: 0, step: 0, axis: "step" };
  let playing = false;
  let write = () => {};
  const show = (change) => {
    shown = { ...shown, ...change };
    write();
  };
  write = addressOf(model, {
    parameters: () => shown,
    restore: (asked) => {
      show(choiceIn(asked));
      show({ step: Number(asked.get("step")) });
    },
    isPlaying: () => playing,
  });
  const tell = (type, values) => window.dispatchEvent(event(type, values));
  return {
    asked: () => Object.fromEntries(new URLSearchParams(location.search)),
    choose: (change) => {
      tell("pointerdown");
      tell("pointerup");
      show(change);
    },
    count: () => entries.length,
    entries,
    history,
    model,
    play: (on) => {
      playing = on;
      write();
    },
    show,
    tell,
    time,
    window,
    writes,
  };
}

describe("time", () => {
  test("a step is in the address as soon as its picture is there, which comes first", () => {
    const page = opened();
    page.show({ step: 6 });
    page.show({ step: 7 });
    assert.deepEqual(page.writes, []);
    page.time.advance(PICTURE);
    assert.equal(page.writes.length, 1);
    assert.deepEqual(page.asked(), { layer: "conv1", unit: "0", step: "7", axis: "step" });
    assert.equal(page.time.waits(), 0);
    assert.equal(page.count(), 1);
  });

  for (const [press, release] of [["keydown", "keyup"], ["pointerdown", "pointerup"], ["pointerdown", "pointercancel"], ["keydown", "blur"]]) {
    test(`after ${press} it is written now and then, and on ${release} at once`, () => {
      const page = opened();
      for (let step = 1; step <= 90; step++) {
        page.tell(press);
        page.show({ step });
        page.time.advance(33);
      }
      assert.ok(page.writes.length <= 4, `written ${page.writes.length} times in 3 s`);
      assert.ok(Number(page.asked().step) >= 60);
      page.tell(release);
      assert.equal(page.asked().step, "90");
      const { length } = page.writes;
      page.time.advance(HALF_A_MINUTE);
      assert.equal(page.writes.length, length);
    });
  }

  test("what stands still while a key is held is written, too", () => {
    const page = opened();
    page.tell("keydown");
    page.show({ step: 1 });
    page.time.advance(PICTURE);
    page.show({ step: 2 });
    page.time.advance(PICTURE);
    assert.equal(page.asked().step, "1");
    page.time.advance(1000);
    assert.equal(page.asked().step, "2");
  });

  test("while it plays it is written once a second, and at once on pause", () => {
    const page = opened();
    page.play(true);
    for (let step = 1; step <= 300; step++) {
      page.show({ step });
      page.time.advance(33);
    }
    assert.ok(page.writes.length <= 11);
    page.play(false);
    assert.equal(page.asked().step, "300");
  });

  test("browsers never see more changes than they allow", () => {
    const page = opened();
    for (let at = 0; at < 3000; at++) {
      page.tell("keydown");
      page.show({ step: at });
      page.tell("keyup");
      page.time.advance(30);
    }
    const within = (start) => page.writes.filter(({ at }) => at >= start && at < start + HALF_A_MINUTE).length;
    assert.ok(Math.max(...page.writes.map(({ at }) => within(at))) <= 91);
    page.time.advance(500);
    assert.equal(page.asked().step, "2999");
  });

  test("nothing is written twice", () => {
    const page = opened();
    page.show({ step: 7 });
    page.time.advance(PICTURE);
    page.show({ step: 7 });
    page.time.advance(PICTURE);
    page.tell("keyup");
    assert.equal(page.writes.length, 1);
  });
});

describe("choices", () => {
  test("each is an entry, at once", () => {
    const page = opened();
    page.show({});
    page.choose({ layer: "conv2", unit: 3 });
    assert.equal(page.asked().layer, "conv2");
    page.time.advance(400);
    page.choose({ axis: "epoch" });
    assert.deepEqual(page.entries.map((entry) => new URL(entry).searchParams.get("layer")), ["conv1", "conv2", "conv2"]);
    assert.equal(page.asked().axis, "epoch");
  });

  test("in a row they are one, which the last is in at once", () => {
    const page = opened();
    page.show({});
    for (const unit of [1, 2, 3]) {
      page.choose({ unit });
      page.time.advance(100);
    }
    assert.equal(page.count(), 2);
    assert.equal(page.asked().unit, "3");
  });

  test("the entry that is left has the step that was left", () => {
    const page = opened();
    page.show({ step: 1 });
    page.tell("keydown");
    page.show({ step: 2 });
    page.show({ unit: 5 });
    assert.match(page.entries[0], /step=2/);
    assert.equal(page.count(), 2);
  });

  test("what Python corrects, or is known for the first time, is none", () => {
    const page = opened();
    page.show({});
    page.show({ layer: "conv9" });
    assert.equal(page.count(), 1);
    page.tell("keydown");
    page.show({ probe: 0 });
    page.time.advance(PICTURE);
    page.tell("keyup");
    assert.equal(page.count(), 1);
    assert.equal(page.asked().layer, "conv9");
  });
});

describe("back and forward", () => {
  test("an entry is shown, and stays as it was", () => {
    const page = opened();
    page.show({ step: 4 });
    page.choose({ layer: "conv2", unit: 2 });
    page.time.advance(400);
    page.show({ step: 9 });
    page.time.advance(PICTURE);
    const before = [...page.entries];
    page.writes.length = 0;
    page.history.back();
    assert.equal(page.asked().step, "4");
    page.time.advance(HALF_A_MINUTE);
    assert.deepEqual([page.entries, page.writes], [before, []]);
    page.history.forward();
    assert.equal(page.asked().step, "9");
    assert.equal(page.count(), 2);
  });

  test("what waits to be written belongs to the entry that is left", () => {
    const page = opened();
    page.show({ step: 1 });
    page.choose({ unit: 2 });
    page.tell("keydown");
    page.show({ step: 5 });
    page.history.back();
    page.time.advance(HALF_A_MINUTE);
    assert.match(page.entries[0], /step=1&/);
  });

  test("Alt or Cmd with an arrow on the slider goes there, elsewhere the browser does", () => {
    const page = opened();
    page.show({});
    page.choose({ unit: 2 });
    const press = (type, key, values) => {
      const pressed = event("keydown", { key, target: { type }, altKey: false, metaKey: false, ...values });
      page.window.dispatchEvent(pressed);
      return pressed.defaultPrevented;
    };
    assert.equal(press("button", "ArrowLeft", { altKey: true }), false);
    assert.equal(page.asked().unit, "2");
    assert.equal(press("range", "ArrowLeft", { altKey: true }), true);
    assert.equal(page.asked().unit, "0");
    assert.equal(press("range", "ArrowRight", { metaKey: true }), true);
    assert.equal(page.asked().unit, "2");
    assert.equal(press("range", "ArrowLeft"), false); // time
    assert.equal(page.asked().unit, "2");
  });
});

test("the page of somebody else keeps its address", () => {
  const page = opened("?mine=1", { wholePage: false });
  page.show({ step: 7 });
  page.choose({ layer: "conv2" });
  page.time.advance(HALF_A_MINUTE);
  assert.deepEqual(page.asked(), { mine: "1" });
});

test("what is not the explorer's stays in the address", () => {
  const page = opened("?theme=dark&number=3");
  page.show({ step: 7, colours: null });
  page.time.advance(PICTURE);
  assert.deepEqual(page.asked(), { theme: "dark", number: "3", layer: "conv1", unit: "0", step: "7", axis: "step" });
});

test("a page that is removed writes no more", () => {
  const page = opened();
  page.tell("keydown");
  page.show({ step: 1 });
  page.time.advance(PICTURE);
  page.show({ step: 2 });
  page.model.tell("remove");
  page.tell("keyup");
  page.time.advance(HALF_A_MINUTE);
  assert.equal(page.asked().step, "1");
});

test("a browser that refuses does no harm", () => {
  const page = opened();
  page.history.replaceState = () => { throw new Error("SecurityError"); };
  page.show({ step: 7 });
  page.time.advance(PICTURE);
  assert.equal(page.asked().step, undefined);
});

test("what an address asks for of the choice is read, nonsense left out", () => {
  const read = (search) => choiceIn(new URLSearchParams(search));
  assert.deepEqual(read("layer=a%20b&tab=training&unit=3&probe=0&target=-1&step=9"), {
    layer: "a b", tab: "training", unit: 3, probe: 0, target: -1,
  });
  assert.deepEqual(read("unit=x&probe=1.5&target="), {});
});
