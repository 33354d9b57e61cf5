// How Python puts the scripts together, as the linter and these tests take it.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";

import { alwaysWith, FOLDERS, namesOf, PARTS, SHARED_PARTS, textOf } from "./parts.js";

const ROOT = new URL("../../", import.meta.url);
const scripts = FOLDERS.flatMap((folder) =>
  readdirSync(new URL(folder, ROOT)).filter((name) => name.endsWith(".js")).map((name) => folder + name));

test("it is known of every script which parts are in front of it", () => {
  assert.ok(scripts.length > 20);
  assert.deepEqual([...PARTS.keys()].sort(), scripts.sort());
  for (const [path, parts] of PARTS) {
    assert.match(parts[0], /\/clock\.js$/);
    assert.ok(parts.every((part) => SHARED_PARTS.includes(part)), path);
    assert.equal(new Set(parts).size, parts.length, path);
  }
  assert.deepEqual([...new Set([...PARTS.values()].flat())].sort(), [...SHARED_PARTS].sort());
});

test("what is always there with a part is known", () => {
  const with_ = (name) => alwaysWith(`explorer/widgets/shared/${name}.js`).map((path) => path.split("/").at(-1));
  assert.deepEqual(with_("clock"), []);
  assert.deepEqual(with_("frames"), ["clock.js"]);
  assert.deepEqual(with_("clock_sync"), ["clock.js", "cursors.js", "nearest.js", "time_label.js"]);
});

test("names that a script gives are found", () => {
  const text = "const one = 1;\nlet two;\nasync function three() {\n  const inner = 2;\n}\nfunction* four() {}\nexport function five() {}\nclass Six {}\n";
  assert.deepEqual(namesOf(text), ["one", "two", "three", "four", "five", "Six"]);
});

test("what a shared part gives is used", () => {
  const all = [...SHARED_PARTS, ...scripts].map(textOf).join("\n");
  for (const part of SHARED_PARTS) {
    for (const name of namesOf(textOf(part))) {
      const uses = all.match(new RegExp(`(?<![\\w.])${name}(?!\\w)`, "g")).length;
      assert.ok(uses > 1, `${name} of ${part} is not used`);
    }
  }
});
