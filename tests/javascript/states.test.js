// The states of a place: what is dimmed, when it is told how far a computation is, and for how long.
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";

import { fakeDocument, fakeModel, fakeTime, onPage } from "./fakes.js";
import { statesOf } from "../../explorer/widgets/shared/states.js";

// A sign beside a holder of pictures, with a picture of some height on the page, or none.
function place(values = {}) {
  const [time, document] = [fakeTime(), fakeDocument()];
  const timers = new Map();
  const setInterval = (act, ms) => {
    const id = {};
    const again = () => {
      act();
      timers.set(id, time.setTimeout(again, ms));
    };
    timers.set(id, time.setTimeout(again, ms));
    return id;
  };
  const clearInterval = (id) => time.clearTimeout(timers.get(id));
  const picture = { localName: "div", offsetHeight: 200 };
  const holder = { localName: "div", offsetHeight: 200, style: {}, ariaBusy: null, shadowRoot: { children: [picture] } };
  const host = { localName: "div", parentNode: {} };
  host.parentNode.children = [{ localName: "style" }, host, holder];
  const el = { getRootNode: () => ({ host }) };
  const caption = { ariaBusy: null };
  const model = fakeModel({ state: "content", said: "", share: -1, seen: true, ...values });
  onPage({ ...time, setInterval, clearInterval, document });
  const { sign, said, showState } = statesOf(model, el, () => [caption]);
  const [, bar, told] = sign.children;
  bar.removeAttribute = (name) => delete bar[name];
  said.removeAttribute = (name) => delete said[name];
  model.on(["state", "said"], showState);
  showState();
  return { bar, caption, holder, model, picture, said, sign, time, told };
}

describe("while another picture is computed", () => {
  let it;
  beforeEach(() => {
    it = place();
    it.model.state = "computing";
  });

  test("the old one and its caption are dimmed, and the sign is there", () => {
    assert.deepEqual([it.holder.ariaBusy, it.caption.ariaBusy, it.sign.hidden], ["true", "true", false]);
  });

  test("within a second nobody is told how far it is", () => {
    it.time.advance(900);
    assert.deepEqual([it.bar.hidden, it.told.textContent], [true, ""]);
  });

  test("after a second the seconds are told, or the share that is done", () => {
    it.time.advance(1300);
    assert.deepEqual([it.bar.hidden, it.told.textContent, it.bar.value], [false, "1 s", undefined]);
    it.model.share = 0.42;
    assert.deepEqual([it.told.textContent, it.bar.value], ["42 %", 0.42]);
    it.time.advance(2000);
    it.model.share = -1;
    assert.deepEqual([it.told.textContent, it.bar.value], ["3 s", undefined]);
  });

  test("a new selection does not begin to count anew", () => {
    it.time.advance(900);
    it.model.state = "renewing";
    it.model.state = "computing";
    it.time.advance(400);
    assert.equal(it.told.textContent, "1 s");
  });

  test("the sign stays until the new picture is on the page, and the place keeps its height", () => {
    it.picture.offsetHeight = 0; // it has been hidden, and the other one is being made
    it.model.state = "content";
    assert.deepEqual([it.holder.ariaBusy, it.caption.ariaBusy], [null, null]);
    it.time.advance(500);
    assert.deepEqual([it.sign.hidden, it.holder.style.minHeight], [false, "200px"]);
    it.picture.offsetHeight = 150;
    it.time.advance(100);
    assert.deepEqual([it.sign.hidden, it.holder.style.minHeight], [true, ""]);
    assert.equal(it.time.waits(), 0);
  });

  test("a picture that never gets a height is not awaited for ever", () => {
    it.picture.offsetHeight = 0;
    it.model.state = "content";
    it.time.advance(6000);
    assert.deepEqual([it.sign.hidden, it.holder.style.minHeight, it.time.waits()], [true, "", 0]);
  });

  test("a sentence takes the place at once", () => {
    it.model.said = "No dead unit.";
    it.model.state = "nothing";
    assert.deepEqual([it.sign.hidden, it.said.hidden, it.said.textContent], [true, false, "No dead unit."]);
    assert.equal(it.time.waits(), 0);
  });

  test("nothing is left of it when the widget goes", () => {
    it.model.tell("remove");
    assert.equal(it.time.waits(), 0);
  });
});

test("a picture of an earlier reading is as good as any, while a newer one is computed", () => {
  const { caption, holder, model, sign } = place();
  model.state = "renewing";
  assert.deepEqual([holder.ariaBusy, caption.ariaBusy, sign.hidden], [null, null, false]);
});

test("a card that came into sight is computed soon, and says so before the server does", () => {
  assert.equal(place({ state: "unseen", seen: false }).sign.hidden, true);
  assert.equal(place({ state: "unseen", seen: true }).sign.hidden, false);
});

test("a sentence stays, dimmed, until something takes its place", () => {
  const { model, said } = place({ state: "nothing", said: "Choose another probe." });
  assert.deepEqual([said.hidden, said.className], [false, "said nothing"]);
  model.state = "computing";
  assert.equal(said.textContent, "Choose another probe.");
  model.said = "";
  model.state = "content";
  assert.equal(said.hidden, true);
});

test("a fault is told apart from nothing, and is heard", () => {
  const { model, said } = place();
  model.said = "This picture cannot be drawn.";
  model.state = "fault";
  assert.deepEqual([said.className, said.role], ["said fault", "alert"]);
  model.state = "nothing";
  assert.equal(said.role, undefined);
});

test("after a second it can be cancelled", () => {
  const { model, sign, time } = place();
  const cancel = sign.children[3];
  model.cancels = 0;
  model.state = "computing";
  assert.equal(cancel.hidden, true);
  time.advance(1300);
  assert.equal(cancel.hidden, false);
  cancel.dispatchEvent(new Event("click"));
  assert.equal(model.cancels, 1);
});

test("what was stopped can be computed again", () => {
  const { model, said } = place({ said: "It was cancelled.", retries: 2 });
  model.state = "stopped";
  const retry = said.children.at(-1);
  assert.deepEqual([said.hidden, said.className, retry.textContent], [false, "said stopped", "Compute it"]);
  retry.dispatchEvent(new Event("click"));
  assert.equal(model.retries, 3);
});
