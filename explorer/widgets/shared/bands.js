// A text's bands: how payloads are parted among them, where they stand, what their colours mean.
import { clamp } from "./numbers.js";
import { bytes } from "./paint.js";
/** @import { Codes, Payload } from "../../types" */

export const LEFT = 138; // room for names, and for what a unit adds
export const RIGHT = 116;
export const EVIDENCE = 40;
export const HEAD = 17;
export const ALL = 12;
export const ROW = 13;
const INNER = 11; // row of a gate
export const GAP = 9;
const PADDING = 28; // column of all padding
const COLUMN = { words: [15, 160], letters: [10, 26] };
const ZERO = 128;

/**
 * A number of few digits, with a true minus.
 *
 * @param {number} value
 * @param {string} [plus]
 * @returns {string}
 */
export function shortNumber(value, plus = "") {
  const text = Number.isFinite(value) ? Number(value.toPrecision(2)).toString() : "NaN";
  return (value > 0 ? plus : "") + text.replace("-", "−");
}

/**
 * Where columns stand in so much room: as wide as it allows, within bounds; else it is scrolled.
 *
 * @param {number} room
 * @param {number} count
 * @param {number} letters
 * @param {boolean} padding
 */
export function columnsIn(room, count, letters, padding) {
  const [least, most] = COLUMN[letters ? "letters" : "words"];
  const gutter = padding ? PADDING : 0;
  const wide = clamp((room - gutter) / Math.max(1, count), least, most);
  return { wide, gutter, content: wide * count + gutter };
}

/**
 * The lines of all bands from the top on: of some a line for all units, rows, and rows of gates.
 *
 * @param {any[]} bands
 * @param {Set<number>} open
 * @param {number} from
 */
export function bandLines(bands, open, from) {
  const lines = [];
  let y = from;
  const add = (height, line) => {
    lines.push({ ...line, y, height });
    y += height;
  };
  bands.forEach((band, at) => {
    add(HEAD, { kind: "head", at });
    // What all units of the first band add is the evidence above.
    if (band.ranges && band.kind !== "class places" && at > 0) add(ALL + 2, { kind: "all", at });
    for (let row = 0; row < band.rows; row++) add(ROW, { kind: "row", at, row, quantity: 0 });
    for (let quantity = 1; open.has(at) && quantity < band.quantities.length; quantity++) {
      y += 5;
      for (let row = 0; row < band.rows; row++) add(INNER, { kind: "inner", at, row, quantity });
    }
    y += GAP;
  });
  return { lines, height: y };
}

/**
 * The parts of a payload that belong to each band.
 *
 * @param {Payload} payload
 * @param {any[]} bands
 */
export function bandParts(payload, bands) {
  // Plain arrays: parts of those that Bokeh makes would begin at their first value.
  const plain = (Kind, { buffer, byteOffset, length }) => new Kind(buffer, byteOffset, length);
  const whole = { units: plain(Int32Array, payload.units), codes: bytes(payload.codes) };
  for (const name of ["adds", "values", "all", "kept"]) whole[name] = plain(Float32Array, payload[name]);
  const taken = { units: 0, codes: 0, all: 0, kept: 0 };
  const take = (name, count) => whole[name].subarray(taken[name], (taken[name] += count));
  return bands.map((band) => {
    const [start, stop] = [taken.units, taken.units + band.rows];
    const own = { units: take("units", band.rows) };
    for (const name of ["adds", "values"]) own[name] = whole[name].subarray(start, stop);
    if (!band.ranges) return own;
    const places = band.ranges.length / 2 + 1;
    if (band.kind !== "class places") own.all = take("all", places);
    own.quantities = band.quantities.map(() => take("codes", band.rows * places));
    if (band.keeps) own.kept = take("kept", band.rows * (places - 1));
    return own;
  });
}

/**
 * The place of a band that has a token to itself; -1 if none has.
 *
 * @param {{ ranges?: ArrayLike<number> }} band
 * @param {number} token
 */
export function bandPlace(band, token) {
  for (let at = 0; at < (band.ranges?.length ?? 0); at += 2) {
    if (band.ranges[at] <= token && token < band.ranges[at + 1]) return at / 2;
  }
  return -1;
}

/**
 * @param {number} value
 * @param {number} most
 */
export function signedCode(value, most) {
  return Number.isNaN(value) ? 0 : ZERO + Math.round(127 * clamp(value / most, -1, 1));
}

/**
 * The largest finite magnitude; 1 where there is none, since it divides.
 *
 * @param {Iterable<number>} values
 */
export function greatest(values) {
  let most = 0;
  for (const value of values) if (Number.isFinite(value)) most = Math.max(most, Math.abs(value));
  return most || 1;
}

/**
 * Lowest and highest code, the same on both sides of zero if signed; all if there is none.
 *
 * @param {Codes} codes
 * @param {boolean} signed
 * @returns {[number, number]}
 */
export function codeRange(codes, signed) {
  let [least, most] = [255, 1];
  for (const code of codes) {
    if (code === 0) continue;
    if (code < least) least = code;
    if (code > most) most = code;
  }
  if (least > most) return [1, 255];
  const reach = Math.max(ZERO - least, most - ZERO, 1);
  return signed ? [ZERO - reach, ZERO + reach] : least < most ? [least, most] : [least, least + 1];
}

/**
 * Colours of codes when they span no more than a range.
 *
 * @param {string[]} palette
 * @param {number} least
 * @param {number} most
 */
export function stretchedPalette(palette, least, most) {
  if (least === 1 && most === 255) return palette;
  return palette.map((_, code) => palette[1 + Math.round(254 * clamp((code - least) / (most - least)))]);
}

/**
 * Ends of the bands' colours and bars: those of all steps, or, if free, of this step alone.
 *
 * @param {any[]} bands
 * @param {any[]} parts
 * @param {Record<string, any>} colours
 * @param {boolean} free
 */
export function bandScales(bands, parts, colours, free) {
  return bands.map((band, at) => {
    const own = parts[at];
    /** @type {[number, number][]} */
    const ranges = band.quantities.map(({ signed }, number) =>
      (free && own.quantities ? codeRange(own.quantities[number], signed) : [1, 255]));
    const palettes = band.quantities.map(({ signed }, number) =>
      stretchedPalette(signed ? colours.diverging : colours.sequential, ...ranges[number]));
    return {
      most: free && own.all ? greatest(own.all) : band.most,
      bar: free && own.adds.some(Number.isFinite) ? greatest(own.adds) : band.bar,
      ranges,
      palettes,
    };
  });
}
