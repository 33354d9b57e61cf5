// One unit's map, large: over the input in grey on the left, alone and as large on the right.
import { clockOf, element } from "../shared/clock.js";
import { framesOf } from "../shared/frames.js";
import { limitsOf } from "../shared/limits.js";
import { codeOfAll, messageOn, saidOfAll } from "../shared/message.js";
import { clamp } from "../shared/numbers.js";
import { BEYOND, bytes, coloured, readOff, repaintWhenSeen, sized, table, themed, tipOn, write } from "../shared/paint.js";
/** @import { Component, Pen } from "../../types" */

const BETWEEN = 14;
const TITLE = 17;
const MIDDLE_CODE = 128;

// How much a code hides of the input below: nothing at zero, all at the limits.
export function opacity(code, least, most, signed) {
  if (code === 0) return 0;
  const share = signed ? Math.abs(code - MIDDLE_CODE) / (most - MIDDLE_CODE) : (code - least) / (most - least);
  return Math.sqrt(clamp(share));
}

// The position of a map whose picture covers (from, to) of an axis; null beyond it.
export function positionAt(place, from, to, count) {
  const position = Math.floor(((place - from) / (to - from)) * count);
  return position >= 0 && position < count ? position : null;
}

// The lowest and the highest code; what is NaN does not count.
function ends(codes) {
  let [least, most] = [256, 0];
  for (const code of codes) {
    if (code > 0 && code < least) least = code;
    if (code > most) most = code;
  }
  return [least, most];
}

// The position with the largest value, or null if all are alike.
export function strongest(codes) {
  const [least, most] = ends(codes);
  return least < most ? codes.indexOf(most) : null;
}

// Codes that the colours span: all, or those of one step, symmetric where the middle is zero.
export function span(codes, free, signed) {
  const [least, most] = ends(codes);
  if (!free || !most) return [1, 255];
  if (!signed) return least < most ? [least, most] : [1, 255];
  const reach = Math.max(MIDDLE_CODE - least, most - MIDDLE_CODE, 1);
  return [MIDDLE_CODE - reach, MIDDLE_CODE + reach];
}

/** @param {Component} component */
export function render({ model, el }) {
  const canvas = element("canvas", { role: "img" });
  const marks = element("canvas", { class: "marks", "aria-hidden": "true" });
  const bar = element("canvas", { width: 255, height: 1, class: "bar" });
  const low = element("span");
  const high = element("span");
  const name = element("span", { text: model.value_name });
  const limits = limitsOf("colours", () => {
    draw(clock.index);
    legend();
  });
  const strength = element("input", { type: "range", min: 0, max: 100, value: 80, "aria-label": "Strength of the map over the input" });
  const overlay = element("label", { class: "overlay no-snapshot" }, element("span", { text: "overlay" }), strength);
  const stage = element("div", { class: "stage" }, canvas, marks);
  const say = messageOn(stage, [canvas, marks]);
  el.append(element("div", { class: "focus" }, stage,
    element("div", { class: "legend" }, low, bar, high, name, element("span", { class: "fill" }), overlay, limits.button)));
  const tip = tipOn(stage);
  const [greys, colours, veil] = [0, 1, 2].map(() => document.createElement("canvas"));
  let shown = null; // {codes, height, width, least, most}
  let alike = ""; // what is said of a map of one colour
  let place = null; // {scale, lefts}
  let pointer = null;

  // -- painting ---------------------------------------------------------------------------
  const layout = () => {
    const box = stage.getBoundingClientRect();
    const panels = model.picture ? 2 : 1;
    const [tall, wide] = model.size;
    const scale = Math.min((box.width - (panels - 1) * BETWEEN) / (panels * wide), (box.height - TITLE) / tall);
    if (!(scale > 0)) return false;
    place = { scale, lefts: Array.from({ length: panels }, (_, panel) => panel * (wide * scale + BETWEEN)) };
    sized(canvas, box.width, tall * scale + TITLE);
    sized(marks, box.width, tall * scale + TITLE);
    return true;
  };
  const grey = () => {
    const codes = model.picture ? bytes(model.picture) : null;
    if (!codes) return;
    const [tall, wide] = model.size;
    const shades = Uint32Array.from({ length: 256 }, (_, code) =>
      (code ? (255 << 24) | (code << 16) | (code << 8) | code : 0));
    coloured(codes, wide, tall, shades, greys);
  };
  const prepare = (frame) => {
    const codes = bytes(frame);
    const [height, width] = frame.shape;
    const [least, most] = span(codes, limits.free, model.signed);
    const shades = table(model.palette, least, most);
    coloured(codes, width, height, shades, colours);
    const force = Number(strength.value) / 100;
    // Full colours, so that what is seen through is how far from zero, not how pale.
    const veiled = shades.map((shade, code) => {
      const full = !model.signed ? shade : shades[code < MIDDLE_CODE ? 1 : 255];
      return (full & 0xffffff) | (Math.round(255 * force * opacity(code, least, most, model.signed)) << 24);
    });
    coloured(codes, width, height, veiled, veil);
    shown = { codes, height, width, least, most };
  };
  const paint = (frame, index) => {
    if (!place && !layout()) return;
    prepare(frame);
    const pen = canvas.getContext("2d");
    const { scale, lefts } = place;
    const [tall, wide] = [model.size[0] * scale, model.size[1] * scale];
    const [top, left, bottom, right] = model.extent.map((edge) => edge * scale);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.imageSmoothingEnabled = false;
    pen.font = `11px ${getComputedStyle(el).fontFamily}`;
    pen.textBaseline = "top";
    lefts.forEach((from, panel) => {
      const over = panel === 0 && Boolean(model.picture);
      pen.fillStyle = themed(el, "muted");
      write(pen, over ? "on the probe" : "the map alone", from, 0, wide);
      pen.save();
      pen.beginPath();
      pen.rect(from, TITLE, wide, tall);
      pen.clip();
      pen.fillStyle = themed(el, "quiet");
      pen.fillRect(from, TITLE, wide, tall);
      if (over) pen.drawImage(greys, from, TITLE, wide, tall);
      if (over || !alike) pen.drawImage(over ? veil : colours, from + left, TITLE + top, right - left, bottom - top);
      else {
        pen.fillStyle = themed(el, "muted");
        pen.textAlign = "center";
        pen.fillText(alike, from + wide / 2, TITLE + tall / 2, wide - BETWEEN);
        pen.textAlign = "left";
      }
      pen.restore();
    });
    canvas.dataset.index = index;
    canvas.dataset.key = frames.key;
    canvas.setAttribute("aria-label", `${model.label}, recorded step ${index + 1} of ${clock.count}`);
    if (limits.free) legend();
  };
  const legend = () => {
    const [least, most] = limits.free && shown ? [shown.least, shown.most] : [1, 255];
    low.textContent = readOff(least, model);
    high.textContent = readOff(most, model);
    low.title = high.title = BEYOND;
    name.textContent = model.value_name;
    overlay.hidden = !model.picture;
    coloured(Uint8Array.from({ length: 255 }, (_, at) => at + 1), 255, 1, table(model.palette), bar);
  };
  const draw = (index) => {
    if (!room.width) return;
    const payload = frames.get(index);
    if (payload?.error) say(payload.error, index);
    else if (payload) {
      const code = codeOfAll(bytes(payload.frame));
      alike = code < 0 ? "" : saidOfAll(code, model);
      say(model.picture ? "" : alike, index); // on the probe there is the probe to see
      paint(payload.frame, index);
    }
    frames.want(index);
    hover();
  };

  // -- what a position sees -----------------------------------------------------------------
  const under = () => {
    if (!pointer || !shown || !place) return null;
    const { scale, lefts } = place;
    const [tall, wide] = model.size;
    const from = lefts.find((left) => pointer.x >= left && pointer.x < left + wide * scale);
    const [x, y] = [(pointer.x - from) / scale, (pointer.y - TITLE) / scale];
    if (from === undefined || y < 0 || y >= tall) return null;
    const [top, left, bottom, right] = model.extent;
    const row = positionAt(y, top, bottom, shown.height);
    const column = positionAt(x, left, right, shown.width);
    return row === null || column === null ? null : { row, column };
  };
  // White on black is seen on every colour.
  /** @type {(pen: Pen, box: number[], from: number, dashes: number[]) => void} */
  const strokeBox = (pen, [x, y, wide, tall], from, dashes) => {
    for (const [colour, width] of /** @type {[string, number][]} */ ([["rgba(0, 0, 0, .65)", 3.5], ["#fff", 1.5]])) {
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.setLineDash(width < 2 ? dashes : []);
      pen.strokeRect(from + x * place.scale, TITLE + y * place.scale, wide * place.scale, tall * place.scale);
    }
  };
  const outline = ({ row, column }, dashes) => {
    const pen = marks.getContext("2d");
    const { lefts } = place;
    const [top, left, bottom, right] = model.extent;
    const [down, across] = [(bottom - top) / shown.height, (right - left) / shown.width];
    const cell = [left + column * across, top + row * down, across, down];
    const seen = [model.columns[2 * column], model.rows[2 * row],
      model.columns[2 * column + 1] - model.columns[2 * column], model.rows[2 * row + 1] - model.rows[2 * row]];
    lefts.forEach((from, panel) => {
      strokeBox(pen, cell, from, []);
      if (panel === 0) strokeBox(pen, seen, from, dashes);
    });
  };
  const hover = () => {
    const pen = marks.getContext("2d");
    pen.clearRect(0, 0, marks.width, marks.height);
    if (!shown || !place) return;
    const at = under();
    if (at) {
      outline(at, []);
      const code = shown.codes[at.row * shown.width + at.column];
      tip.show(`y ${at.row}, x ${at.column} · ${readOff(code, model)}`, pointer.x, pointer.y);
      return;
    }
    tip.hide();
    const best = strongest(shown.codes);
    if (best === null) return;
    outline({ row: Math.floor(best / shown.width), column: best % shown.width }, [5, 4]);
  };
  canvas.addEventListener("pointermove", (event) => {
    pointer = { x: event.offsetX, y: event.offsetY };
    hover();
  });
  canvas.addEventListener("pointerleave", () => {
    pointer = null;
    hover();
  });
  strength.addEventListener("input", () => draw(clock.index));

  // -- life -------------------------------------------------------------------------------
  const clock = clockOf(model.channel);
  const frames = framesOf(model, stage, draw);
  const renew = () => {
    shown = null;
    place = null;
    grey();
    legend();
    draw(clock.index);
  };
  const room = repaintWhenSeen(model, stage, () => {
    place = null;
    draw(clock.index);
  });
  model.on(["key", "picture", "size", "extent", "rows", "columns", "palette", "low", "high", "signed", "value_name"], renew);
  grey();
  legend();
}
