// Where the boxes and lines of the layer graph lie, from the order of its nodes (graph_layout.py) and
// from which blocks are open. What is in an open block lies in a frame, in the place of its box.
import { clamp } from "./numbers.js";

const BOX = { widest: 222, narrowest: 104, height: 38 };
const GAP = { x: 14, y: 18 };
const MARGIN = 8;
const LANE = 10; // of a line that passes boxes
const FRAME = { side: 7, head: 22, foot: 8 };

const isLayer = (node) => node[0] === "=";
const isBlock = (node) => node[0] === "#";
const isPort = (node) => node[0] === "<" || node[0] === ">";
const numberOf = (node) => Number(node.slice(1));

/**
 * @typedef {{ rows: string[][], chains: string[][], carries: string[] }} Level
 * @typedef {{ x: number, y: number, width: number, height: number }} Place
 */

/**
 * @param {Level[]} levels the network, then each block
 * @param {Set<number>} open numbers of the blocks that are open
 * @param {number} room pixels that the drawing may be wide, if its boxes can be read then
 * @returns {{ places: Map<string, Place>, lines: number[][][], width: number, height: number }}
 *   places of the boxes and frames by their nodes, points of the lines
 */
export function placed(levels, open, room) {
  const whole = measured(levels, open, 0, room - 2 * MARGIN);
  const places = new Map();
  const lines = [];
  put(whole, MARGIN, MARGIN, places, lines);
  return { places, lines, width: whole.width + 2 * MARGIN, height: whole.height + 2 * MARGIN };
}

// Sizes of a level and of all that lies in it.
function measured(levels, open, at, room) {
  const { rows } = levels[at];
  const isOpen = (node) => isBlock(node) && open.has(numberOf(node));
  const inner = new Map();
  const least = (row, count) => (room - GAP.x * (row.length - 1) - LANE * (row.length - count)) / count;
  const counted = rows.map((row) => row.filter((node) => isLayer(node) || isBlock(node)).length);
  // Boxes that stand alone are equally wide, whatever passes them.
  const alone = clamp(Math.min(...rows.map((row, rank) => (counted[rank] === 1 ? least(row, 1) : Infinity))),
    BOX.narrowest, BOX.widest);
  const sizes = new Map();
  rows.forEach((row, rank) => {
    const width = counted[rank] > 1 ? clamp(least(row, counted[rank]), BOX.narrowest, alone) : alone;
    for (const node of row) {
      if (isOpen(node)) {
        const held = measured(levels, open, numberOf(node) + 1, Math.max(width, least(row, counted[rank])) - 2 * FRAME.side);
        inner.set(node, held);
        sizes.set(node, { width: held.width + 2 * FRAME.side, height: held.height + FRAME.head + FRAME.foot });
      } else if (isLayer(node) || isBlock(node)) sizes.set(node, { width, height: BOX.height });
      else sizes.set(node, { width: LANE, height: 0 });
    }
  });
  const widths = rows.map((row) => row.reduce((sum, node) => sum + sizes.get(node).width, GAP.x * (row.length - 1)));
  const heights = rows.map((row) => Math.max(0, ...row.map((node) => sizes.get(node).height)));
  const width = Math.max(0, ...widths);
  const height = heights.reduce((sum, tall) => sum + tall, GAP.y * Math.max(0, rows.length - 1));
  return { level: levels[at], inner, sizes, widths, heights, width, height };
}

// Places a level; gives where its ports lie.
function put({ level, inner, sizes, widths, heights, width }, left, top, places, lines) {
  const own = new Map();
  const ports = new Map();
  let y = top;
  level.rows.forEach((row, rank) => {
    let x = left + (width - widths[rank]) / 2;
    for (const node of row) {
      const place = { x, y, ...sizes.get(node), foot: y + heights[rank] };
      own.set(node, place);
      if (isLayer(node) || isBlock(node)) places.set(node, place);
      if (isPort(node)) ports.set(node, [x + place.width / 2, y]);
      const held = inner.get(node);
      if (held) place.ports = put(held, x + FRAME.side, y + FRAME.head, places, lines);
      x += place.width + GAP.x;
    }
    y += heights[rank] + GAP.y;
  });
  const middle = ({ x, width: wide }) => x + wide / 2;
  level.chains.forEach((chain, at) => {
    const [first, last] = [own.get(chain[0]), own.get(chain.at(-1))];
    const source = first.ports?.get(`>${level.carries[at]}`)?.[0] ?? middle(first);
    const points = [[source, first.y + first.height]];
    if (first.foot > points[0][1]) points.push([source, first.foot]); // beside what is taller
    for (const node of chain.slice(1, -1)) {
      const passed = own.get(node);
      points.push([middle(passed), passed.y]);
      if (passed.foot > passed.y) points.push([middle(passed), passed.foot]);
    }
    // Into an open block it ends at the frame; inside it goes on below the heading.
    points.push([last.ports?.get(`<${level.carries[at]}`)?.[0] ?? middle(last), last.y]);
    const out = first.ports?.get(`>${level.carries[at]}`);
    if (out) points.unshift(out);
    lines.push(points);
  });
  return ports;
}
