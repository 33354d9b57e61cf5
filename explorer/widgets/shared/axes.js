// Axes of plots on a canvas: round ticks, grid lines, titles.
import { write } from "./paint.js";
/** @import { Box, Pen, Tick } from "../../types" */

export const LINE = 13; // pixels from one line of text to the next

/**
 * Two ends with a share of room around them; 0 to 1 where nothing was finite.
 *
 * @param {number} low
 * @param {number} high
 * @param {number} share
 * @returns {[number, number]}
 */
export function roomy(low, high, share) {
  if (!(low <= high)) return [0, 1];
  const more = low === high ? Math.abs(low) * 0.1 || 1 : (high - low) * share;
  return [low - more, high + more];
}

/**
 * Round numbers between two ends, about `most` of them or fewer, with texts of equal precision.
 *
 * @param {number} low
 * @param {number} high
 * @param {number} most
 * @returns {Tick[]}
 */
export function ticksOf(low, high, most) {
  const rough = (high - low) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((times) => times * power >= rough * 0.999) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  if (!(count > 0 && Number.isSafeInteger(first))) return [];
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const plain = Math.max(Math.abs(low), Math.abs(high)) < 1e5 && decimals <= 4;
  return Array.from({ length: count }, (_, at) => {
    const value = Number(((first + at) * step).toPrecision(12));
    return { value, text: plain ? value.toFixed(decimals) : String(value) };
  });
}

/**
 * The part of a canvas for a plot, with room for ticks on the left and `below`, and for titles.
 *
 * @param {Pen} pen
 * @param {number} width
 * @param {number} height
 * @param {Tick[]} yTicks
 * @param {{ xName: string, yName: string, below?: number }} titles
 * @returns {Box}
 */
export function plotBox(pen, width, height, yTicks, { xName, yName, below = LINE + 5 }) {
  const widest = Math.max(0, ...yTicks.map(({ text }) => pen.measureText(text).width));
  const left = Math.ceil(widest) + 8 + (yName ? LINE + 3 : 0);
  const bottom = below + (xName ? LINE + 3 : 0);
  return { left, top: 7, width: Math.max(9, width - left - 12), height: Math.max(9, height - 7 - bottom), below };
}

/**
 * Grid, ticks and titles. A tick stands `at` a pixel; that of zero is stronger.
 *
 * @param {Pen} pen
 * @param {Record<string, string>} ink
 * @param {Box} box
 * @param {{ xTicks: Tick[], yTicks: Tick[], xName: string, yName: string }} axes
 */
export function paintAxes(pen, ink, box, { xTicks, yTicks, xName, yName }) {
  const bottom = box.top + box.height;
  const rule = (ticks, draw) => ticks.filter(({ bare }) => !bare).forEach(({ at, value }) => {
    pen.fillStyle = value === 0 ? ink.muted : ink.line;
    pen.globalAlpha = value === 0 ? 0.55 : 0.8;
    draw(Math.round(at));
  });
  rule(xTicks, (x) => pen.fillRect(x, box.top, 1, box.height));
  rule(yTicks, (y) => pen.fillRect(box.left, y, box.width, 1));
  pen.globalAlpha = 1;
  /** @type {(align: CanvasTextAlign, text: string, x: number, y: number, room?: number) => void} */
  const aligned = (align, text, x, y, room) => {
    pen.textAlign = align;
    write(pen, text, x, y, room);
  };
  pen.fillStyle = ink.muted;
  pen.textBaseline = "middle";
  for (const { at, text } of yTicks) aligned("right", text, box.left - 6, at);
  for (const { at, text } of xTicks) aligned("center", text, at, bottom + 10);
  aligned("center", xName, box.left + box.width / 2, bottom + box.below + 8, box.width);
  pen.save();
  pen.translate(8, box.top + box.height / 2);
  pen.rotate(-Math.PI / 2);
  aligned("center", yName, 0, 0, box.height + 20);
  pen.restore();
  pen.textAlign = "left";
}
