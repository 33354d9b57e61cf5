// Painting that several widgets share: colour tables, numbers, the tip under the pointer.
import { element } from "./clock.js";
import { clamp } from "./numbers.js";
/** @import { Codes, Model, Palette, Pen } from "../../types" */

export const FAMILY = '"Helvetica Neue", Helvetica, Arial, "Liberation Sans", sans-serif';
export const FONT = `11px ${FAMILY}`;

/**
 * Palettes are 3 × 256 bytes; value 0 stands for NaN and stays see-through.
 *
 * @param {Palette} palette
 * @param {number} [low]
 * @param {number} [high]
 * @returns {Uint32Array}
 */
export function table(palette, low = 1, high = 255) {
  const made = new Uint32Array(256);
  const span = Math.max(1, high - low);
  for (let value = 1; value < 256; value++) {
    const at = 3 * clamp(Math.round(((value - low) / span) * 255), 0, 255);
    made[value] = (255 << 24) | (palette[at + 2] << 16) | (palette[at + 1] << 8) | palette[at];
  }
  return made;
}

/**
 * A canvas that holds codes as colours, a pixel a value.
 *
 * @param {Codes} codes
 * @param {number} width
 * @param {number} height
 * @param {Uint32Array} colours
 * @param {HTMLCanvasElement} [canvas]
 */
export function coloured(codes, width, height, colours, canvas = document.createElement("canvas")) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const most = Math.min(codes.length, pixels.length);
  for (let at = 0; at < most; at++) pixels[at] = colours[codes[at]];
  context.putImageData(image, 0, 0);
  return canvas;
}

/**
 * @param {ArrayBufferView} array
 * @returns {Uint8Array}
 */
export function bytes(array) {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/**
 * @param {number} value
 * @returns {string}
 */
export function number(value) {
  if (value === 0) return "0";
  return Number.isFinite(value) ? Number(value.toPrecision(3)).toString() : String(value);
}

export const BEYOND = "At the steps that set the limits, at most 0.2 % of the values lie beyond: they have the colour of the end.";

/**
 * The value that a colour stands for. The colours at the ends stand for all that is beyond them too,
 * unless nothing can be; from zero on, limits start where nothing is negative.
 *
 * @param {number} code
 * @param {Record<string, any>} ends `low` and `high`; `bounded` if no value can lie beyond
 * @param {(value: number) => string} [format]
 * @returns {string}
 */
export function readOff(code, { low, high, bounded }, format = number) {
  if (!code) return "NaN";
  const value = format(low + ((code - 1) / 254) * (high - low));
  if (bounded) return value;
  if (code === 255) return `≥ ${value}`;
  return code === 1 && low !== 0 ? `≤ ${value}` : value;
}

/**
 * @param {string} text
 * @param {number} most
 * @returns {string}
 */
export function cut(text, most) {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/**
 * A text in the pen's font that is no wider than that: names often differ at their ends, so it is
 * the middle that goes.
 *
 * @param {Pen} pen
 * @param {string} text
 * @param {number} most
 * @returns {string}
 */
export function fitted(pen, text, most) {
  if (pen.measureText(text).width <= most) return text;
  for (let kept = text.length - 1; kept > 1; kept--) {
    const head = Math.ceil(kept / 2);
    const short = `${text.slice(0, head)}…${text.slice(text.length - kept + head)}`;
    if (pen.measureText(short).width <= most) return short;
  }
  return "";
}

// Writes a text, into a room of so many pixels if it is given: squeezed a little, then shortened.
const SQUEEZED = 0.85; // of its width, a text can still be read well
/**
 * @param {Pen} pen
 * @param {string} text
 * @param {number} x
 * @param {number} y
 * @param {number} [room]
 */
export function write(pen, text, x, y, room) {
  if (room === undefined) pen.fillText(text, x, y);
  else pen.fillText(fitted(pen, text, room / SQUEEZED), x, y, room);
}

// A colour of the page's theme, by its name in page.css. Asking the page costs as much as drawing, so
// each is asked once in each theme.
const themeColours = new Map();
let themeOfColours;
/**
 * @param {Element} el
 * @param {string} name
 * @returns {string}
 */
export function themed(el, name) {
  const { theme } = document.documentElement.dataset;
  if (theme !== themeOfColours) themeColours.clear();
  themeOfColours = theme;
  if (!themeColours.has(name)) themeColours.set(name, getComputedStyle(el).getPropertyValue(`--tl-${name}`).trim());
  return themeColours.get(name);
}

/**
 * Red, green and blue of a palette's colour.
 *
 * @param {Palette} palette
 * @param {number} code
 * @returns {[number, number, number]}
 */
export function rgbOf(palette, code) {
  return [palette[3 * code], palette[3 * code + 1], palette[3 * code + 2]];
}

/**
 * Black or white, whichever is easier to read on a colour: at 4.58 to 1 on the worst (WCAG 2).
 *
 * @param {number} red
 * @param {number} green
 * @param {number} blue
 */
export function inkOn(red, green, blue) {
  const [r, g, b] = [red, green, blue].map((byte) => {
    const share = byte / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff";
}

/**
 * Sets a canvas to its size on the page, in device pixels, empty and ready to draw in page pixels.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 * @returns {Pen}
 */
export function sized(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const context = canvas.getContext("2d");
  const [wide, tall] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide || canvas.height !== tall) {
    [canvas.width, canvas.height] = [wide, tall];
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  } else {
    context.reset();
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

/**
 * A line of text that follows the pointer over a stage.
 *
 * @param {HTMLElement} stage
 * @returns {{ show: (text: string, x: number, y: number) => void, hide: () => void }}
 */
export function tipOn(stage) {
  const tip = element("div", { class: "tip", hidden: "" });
  stage.append(tip);
  return {
    show: (text, x, y) => {
      tip.textContent = text;
      tip.hidden = false;
      const left = clamp(x + 12, 0, stage.clientWidth - tip.offsetWidth - 4);
      const top = y - 30 < 0 ? y + 18 : y - 30;
      tip.style.transform = `translate(${left}px, ${top}px)`;
    },
    hide: () => { if (!tip.hidden) tip.hidden = true; },
  };
}

/**
 * Repaints when the widget's place or the theme changes, until it is removed. Gives the room there,
 * in page pixels, none while it is hidden: to ask the page for it amidst drawing has it laid out anew.
 *
 * @param {Model} model
 * @param {Element} place
 * @param {() => void} repaint
 * @returns {{ width: number, height: number }}
 */
export function repaintWhenSeen(model, place, repaint) {
  const room = { width: 0, height: 0 };
  const resized = new ResizeObserver((entries) => {
    const { width, height } = entries.at(-1).contentRect;
    Object.assign(room, { width, height });
    repaint();
  });
  resized.observe(place);
  window.addEventListener("trainlapse:theme", repaint);
  model.on("remove", () => {
    resized.disconnect();
    window.removeEventListener("trainlapse:theme", repaint);
  });
  return room;
}
