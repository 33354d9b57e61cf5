// A card as a picture file: its canvases, coloured boxes and texts, drawn where they stand.
import { element } from "./clock.js";
import { themed } from "./paint.js";
/** @import { Clock } from "../../types" */

const SCALE = 2;
export const MARGIN = 14;

/**
 * @param {any} node
 * @returns {Iterable<any>}
 */
export function* childrenOf(node) {
  if (node.shadowRoot) yield* node.shadowRoot.childNodes;
  if (node.localName === "slot") yield* node.assignedNodes();
  else yield* node.childNodes;
}

/**
 * Elements in a node, across shadow trees.
 *
 * @param {Node} node
 * @returns {Iterable<any>}
 */
export function* elementsIn(node) {
  for (const child of childrenOf(node)) {
    if (child.nodeType !== Node.ELEMENT_NODE) continue;
    yield child;
    yield* elementsIn(child);
  }
}

function drawText(pen, node, origin) {
  const range = document.createRange();
  range.selectNodeContents(node);
  const box = range.getBoundingClientRect();
  const style = getComputedStyle(node.parentElement ?? node.getRootNode().host);
  if (!box.width || style.visibility === "hidden") return;
  pen.fillStyle = style.color;
  pen.font = `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  pen.textBaseline = "middle";
  // Wrapped text: a line for each rectangle, words in the order in which they fit.
  const lines = [...range.getClientRects()];
  let words = node.textContent.trim().split(/\s+/);
  for (const [row, line] of lines.entries()) {
    let count = words.length;
    const rest = lines.length - row - 1;
    while (rest && count > 1 && pen.measureText(words.slice(0, count).join(" ")).width > line.width + 1) count--;
    pen.fillText(words.slice(0, count).join(" "), line.left - origin.left, line.top - origin.top + line.height / 2);
    words = words.slice(count);
  }
}

/**
 * @param {any} pen
 * @param {any} node
 * @param {{ left: number, top: number }} origin
 */
export function drawTree(pen, node, origin) {
  if (node.nodeType === Node.TEXT_NODE) {
    if (node.textContent.trim()) drawText(pen, node, origin);
    return;
  }
  if (node.nodeType !== Node.ELEMENT_NODE || /^(script|style|link)$/.test(node.localName)) return;
  if (node.matches(".no-snapshot")) return;
  const style = getComputedStyle(node);
  if (style.display === "none" || style.visibility === "hidden") return;
  const box = node.getBoundingClientRect();
  const [x, y] = [box.left - origin.left, box.top - origin.top];
  if (!/rgba\(.*, 0\)|transparent/.test(style.backgroundColor)) {
    pen.fillStyle = style.backgroundColor;
    pen.fillRect(x, y, box.width, box.height);
  }
  // What is scrolled out of view stays out of the picture.
  const clipped = style.overflowX !== "visible" && box.width > 0;
  if (clipped) {
    pen.save();
    pen.beginPath();
    pen.rect(x, y, box.width, box.height);
    pen.clip();
  }
  if (node.localName === "canvas" && node.width && node.height) {
    pen.imageSmoothingEnabled = false;
    pen.drawImage(node, x, y, box.width, box.height);
  }
  for (const child of childrenOf(node)) drawTree(pen, child, origin);
  if (clipped) pen.restore();
}

// Brings a card wholly up to the step on screen: what is out of sight is not drawn as time moves.
const COMPLETE_MS = 3000;

/**
 * @param {Element} card
 * @param {Clock} clock
 */
export async function complete(card, clock) {
  const isLate = (node) => node.dataset.index !== undefined && node.getClientRects().length > 0 &&
    Number(node.dataset.index) !== clock.index;
  clock.dispatchEvent(new Event("complete"));
  const end = performance.now() + COMPLETE_MS;
  while ([...elementsIn(card)].some(isLate) && performance.now() < end) await new Promise(requestAnimationFrame);
}

/**
 * @param {Element} card
 * @param {string} footer
 * @returns {HTMLCanvasElement}
 */
export function snapshotOf(card, footer) {
  const box = card.getBoundingClientRect();
  const canvas = document.createElement("canvas");
  canvas.width = SCALE * (box.width + 2 * MARGIN);
  canvas.height = SCALE * (box.height + 2 * MARGIN + 14);
  const pen = canvas.getContext("2d");
  pen.scale(SCALE, SCALE);
  pen.fillStyle = themed(card, "card");
  pen.fillRect(0, 0, canvas.width, canvas.height);
  drawTree(pen, card, { left: box.left - MARGIN, top: box.top - MARGIN });
  pen.fillStyle = themed(card, "muted");
  pen.font = "11px system-ui, sans-serif";
  pen.fillText(footer, 2 * MARGIN, box.height + 2 * MARGIN);
  return canvas;
}

/**
 * @param {Pick<HTMLCanvasElement, "toBlob">} canvas
 * @param {string} name
 */
export function save(canvas, name) {
  canvas.toBlob((blob) => {
    const link = element("a", { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
}
