// What is said in place of a picture of which there is nothing to see at a step.
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { fakeDocument, onPage } from "./fakes.js";
import { codeOfAll, messageOn, saidOfAll } from "../../explorer/widgets/shared/message.js";
import { saidOf as saidOfLines } from "../../explorer/widgets/charts/step_lines.js";
import { saidOf as saidOfWords } from "../../explorer/widgets/charts/token_strip.js";

test("one code is that of all, unless it is the only value", () => {
  assert.equal(codeOfAll([7, 7, 7]), 7);
  assert.equal(codeOfAll([0, 0]), 0);
  assert.equal(codeOfAll([7, 7, 8]), -1);
  assert.equal(codeOfAll([7]), -1);
  assert.equal(codeOfAll([]), -1);
});

describe("a picture of one colour", () => {
  for (const [name, code, looks, said] of [
    ["no number", 0, { low: -1, high: 1 }, "No value is a number at this step."],
    ["no number, said by the view", 0, { low: 0, high: 1, if_blank: "No answer." }, "No answer."],
    ["zero between the ends", 128, { low: -2, high: 2 }, "All values are about 0 at this step."],
    ["zero at an end", 1, { low: 0, high: 5 }, "All values are about 0 at this step."],
    ["zero, said by the view", 128, { low: -2, high: 2, if_zero: "No difference." }, "No difference."],
    ["the upper end", 255, { low: 0, high: 5 }, "All values are about 5 or more at this step."],
    ["the lower end", 1, { low: -5, high: 5 }, "All values are about -5 or less at this step."],
    ["anything else", 64, { low: 0, high: 254 }, "All values are about 63 at this step."],
    ["the same at every step", 1, { low: 0, high: 5, still: true }, "All values are about 0."],
    // A value that colours cannot tell from zero is not said to be something else.
    ["nearly zero", 2, { low: -1, high: 253 }, "All values are about 0 at this step."],
  ]) test(name, () => assert.equal(saidOfAll(code, looks), said));
});

describe("a chart in which nothing is to be seen", () => {
  const said = (values, rules) => saidOfLines([9, ...values, 9], 1, 1 + values.length, rules);
  test("no number", () => assert.equal(said([NaN, Infinity]), "No value is a number at this step."));
  test("none at all", () => assert.equal(said([]), "No value is a number at this step."));
  test("bars without height", () => {
    assert.equal(said([0, NaN, 0], { bars: true }), "All values are 0 at this step.");
    assert.equal(said([0, 0], { bars: true, ifZero: "No unit is active." }), "No unit is active.");
    assert.equal(said([0, 0.1], { bars: true }), "");
  });
  test("a line at zero is seen", () => assert.equal(said([0, 0]), ""));
  test("what has no place on a logarithmic axis", () => {
    assert.equal(said([0, -1], { log: true }), "No value is above 0 at this step.");
    assert.equal(said([0, 1], { log: true }), "");
  });
  test("the same at every step", () => assert.equal(said([NaN], { still: true }), "No value is a number."));
});

describe("a text whose words have one colour", () => {
  const said = (values) => saidOfWords([9, ...values, 9], 1, 1 + values.length);
  test("no value", () => assert.equal(said([NaN, NaN]), "no value at this step"));
  test("one value", () => assert.equal(said([0.5, NaN, 0.5]), "all 0.5 at this step"));
  test("several values", () => assert.equal(said([0.5, 0.25]), ""));
  test("a single word", () => assert.equal(said([0.5]), ""));
});

test("a message hides what it stands for, and says of which step it is", () => {
  const document = fakeDocument();
  onPage({ document });
  const [stage, layer] = [document.createElement("div"), document.createElement("canvas")];
  const say = messageOn(stage, [layer]);
  const [message] = stage.children;
  say("Nothing.", 3);
  assert.deepEqual([message.textContent, message.hidden, message.dataset.index], ["Nothing.", false, 3]);
  assert.equal(layer.style.visibility, "hidden");
  say("", 4);
  assert.deepEqual([message.hidden, layer.style.visibility], [true, "visible"]);
});
