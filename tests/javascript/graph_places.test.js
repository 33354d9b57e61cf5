// Where boxes and lines of the layer graph lie: nothing on anything else, all in sight.
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { found, nameWithin, waysTo } from "../../explorer/widgets/page/layer_graph.js";
import { placed } from "../../explorer/widgets/shared/graph_places.js";

const chain = (...nodes) => ({
  rows: nodes.map((node) => [node]), chains: nodes.slice(1).map((node, at) => [nodes[at], node]),
  carries: nodes.slice(1).map((_, at) => String(at)),
});
// x, a block of a, b and their sum, d.
const RESIDUAL = [
  { rows: [["=0"], ["#0"], ["=4"]], chains: [["=0", "#0"], ["#0", "=4"]], carries: ["0", "3"] },
  {
    rows: [["<0"], ["=1", "~0"], ["=2", "~1"], ["=3"], [">3"]],
    chains: [["<0", "=1"], ["=1", "=2"], ["=2", "=3"], ["=3", ">3"], ["<0", "~0", "~1", "=3"]],
    carries: ["0", "1", "2", "3", "0"],
  },
];
const WIDE = [{
  rows: [["=0"], ["=1", "=2", "=3", "=4"], ["=5"]],
  chains: [1, 2, 3, 4].flatMap((at) => [["=0", `=${at}`], [`=${at}`, "=5"]]), carries: "01020304".split(""),
}];
const CASES = [
  ["a chain", [chain("=0", "=1", "=2")], []], ["a closed block", RESIDUAL, []], ["an open block", RESIDUAL, [0]],
  ["branches", WIDE, []], ["nothing", [{ rows: [], chains: [], carries: [] }], []],
];

const overlap = (one, other) => one.x < other.x + other.width && other.x < one.x + one.width &&
  one.y < other.y + other.height && other.y < one.y + one.height;

for (const [name, levels, open] of CASES) {
  describe(name, () => {
    const { places, lines, width, height } = placed(levels, new Set(open), 250);
    const isFrame = (node) => node[0] === "#" && open.includes(Number(node.slice(1)));
    test("no box lies on another, and all lie within", () => {
      const boxes = [...places].filter(([node]) => !isFrame(node)).map(([, place]) => place);
      boxes.forEach((one, at) => {
        assert.ok(one.x >= 0 && one.y >= 0 && one.x + one.width <= width && one.y + one.height <= height);
        assert.ok(!boxes.slice(at + 1).some((other) => overlap(one, other)));
      });
    });
    test("lines lead downwards", () => {
      for (const points of lines) {
        points.slice(1).forEach(([, y], at) => assert.ok(y >= points[at][1]));
        assert.ok(points.at(-1)[1] > points[0][1]);
      }
    });
  });
}

test("a network without branches is as wide as a pane allows, and no wider than can be read at once", () => {
  const widest = (room) => placed([chain("=0", "=1")], new Set(), room).places.get("=0").width;
  assert.equal(widest(250), 222);
  assert.equal(widest(180), 164);
  assert.equal(widest(20), 104);
});

test("branches share the pane, as far as they can be read", () => {
  const { places, width } = placed(WIDE, new Set(), 800);
  assert.equal(places.get("=1").width, 800 / 4 - 14.5);
  assert.ok(width <= 800);
  assert.equal(placed(WIDE, new Set(), 250).places.get("=1").width, 104);
});

test("what is in an open block lies in its frame, which stays in the pane", () => {
  const { places, lines, width } = placed(RESIDUAL, new Set([0]), 250);
  const frame = places.get("#0");
  for (const node of ["=1", "=2", "=3"]) {
    const { x, y, width: wide, height } = places.get(node);
    assert.ok(x > frame.x && y > frame.y && x + wide < frame.x + frame.width && y + height < frame.y + frame.height);
  }
  assert.ok(width <= 250);
  // The way around passes beside the boxes that it leaves out.
  const around = lines.find((points) => points.length > 4);
  for (const node of ["=1", "=2"]) {
    const { x, width: wide } = places.get(node);
    assert.ok(around.slice(1, -1).every(([at]) => at > x + wide));
  }
  // What comes in ends at the frame, and what leaves begins at the last layer.
  assert.ok(lines.some((points) => points.at(-1)[1] === frame.y));
  const out = lines.find((points) => points.at(-1)[1] === places.get("=4").y);
  assert.ok(out[0][1] > places.get("=3").y && out[0][1] < frame.y + frame.height);
});

test("a layer lies in blocks from the outermost inwards", () => {
  const blocks = [{ layers: [1, 2, 3] }, { layers: [2, 3] }];
  assert.deepEqual(waysTo(blocks, 5), [[], [0], [0, 1], [0, 1], []]);
});

test("layers are found by all words, in name, kind and class", () => {
  const nodes = [
    { name: "conv2_block1_conv", kind: "conv", class: "Conv2D" }, { name: "conv2_block1_bn", kind: "normalization", class: "BatchNormalization" },
    { name: "head", kind: "dense", class: "Dense" },
  ];
  assert.deepEqual(found(nodes, "Block1"), [0, 1]);
  assert.deepEqual(found(nodes, "block1 batch"), [1]);
  assert.deepEqual(found(nodes, "dense"), [2]);
  assert.deepEqual(found(nodes, " "), []);
  assert.deepEqual(found(nodes, "nowhere"), []);
});

for (const [name, block, shown] of [
  ["conv2_block1_add", "conv2_block1", "…add"], ["encoder.dense", "encoder", "…dense"], ["conv2_block10_add", "conv2_block1", "conv2_block10_add"],
  ["add_3", "residual 1", "add_3"], ["one", "one", "one"], ["dense", undefined, "dense"],
]) {
  test(`in a block ${block}, ${name} is ${shown}`, () => assert.equal(nameWithin(name, block), shown));
}
