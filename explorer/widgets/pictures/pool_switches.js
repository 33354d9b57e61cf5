// A map before and after pooling. Cells of the second lie where their windows are on the first, and
// as large as their stride, so that both stand at one scale.
import { clockOf, element } from "../shared/clock.js";
import { framesOf } from "../shared/frames.js";
import { codeOfAll, messageOn, saidOfAll } from "../shared/message.js";
import { clamp } from "../shared/numbers.js";
import { BEYOND, bytes, coloured, inkOn, readOff, repaintWhenSeen, rgbOf, sized, table, themed, tipOn } from "../shared/paint.js";
/** @import { Component } from "../../types" */

const BETWEEN = 18;
const TITLE = 17;
const ROW = 30;
const LINKS = 44;
const MIN_GRID_PITCH = 7;

/** @param {Component} component */
export function render({ model, el }) {
  const canvas = element("canvas", { role: "img" });
  const marks = element("canvas", { class: "marks", "aria-hidden": "true" });
  const bar = element("canvas", { width: 255, height: 1, class: "bar" });
  const [low, high, note] = [element("span"), element("span"), element("span", { class: "note" })];
  const stage = element("div", { class: "stage" }, canvas, marks);
  const say = messageOn(stage, [canvas, marks]);
  el.append(element("div", { class: "pool" }, stage, element("div", { class: "legend" },
    low, bar, high, element("span", { text: model.value_name }), element("span", { class: "fill" }), note)));
  const tip = tipOn(stage);
  const [first, second] = [document.createElement("canvas"), document.createElement("canvas")];
  let shown = null;
  let place = null; // {dx, dy, input: {x, y}, output: {x, y}}
  let pointer = null;

  const row = () => shown.before.shape[0] === 1;
  const layout = () => {
    const box = stage.getBoundingClientRect();
    const [height, width] = shown.before.shape;
    if (row()) {
      const dx = box.width / width;
      place = { dx, dy: ROW, input: { x: 0, y: TITLE }, output: { x: 0, y: TITLE + ROW + LINKS } };
    } else {
      const scale = Math.min((box.width - BETWEEN) / (2 * width), (box.height - TITLE) / height);
      place = { dx: scale, dy: scale, input: { x: 0, y: 0 }, output: { x: width * scale + BETWEEN, y: 0 } };
    }
    const tall = row() ? place.output.y + ROW + TITLE : height * place.dy + TITLE;
    sized(canvas, box.width, tall);
    sized(marks, box.width, tall);
  };
  // The cell of a window in the second map, and what it covers of the first, in pixels.
  const along = (axis, at, whole) => {
    const { start, size, stride } = model.window[axis];
    const from = start + at * stride;
    return whole ? [from, size] : [from + (size - stride) / 2, stride];
  };
  const cell = (down, across) => {
    const [y, tall] = row() ? [0, 1] : along(0, down, false);
    const [x, wide] = along(1, across, false);
    return [place.output.x + x * place.dx, place.output.y + y * place.dy, wide * place.dx, tall * place.dy];
  };
  const covered = (down, across) => {
    const [height, width] = shown.before.shape;
    const [[y, tall], [x, wide]] = [along(0, down, true), along(1, across, true)];
    const [left, top] = [Math.max(0, x), Math.max(0, y)];
    const [right, bottom] = [Math.min(width, x + wide), Math.min(height, y + tall)];
    const { input, dx, dy } = place;
    return [input.x + left * dx, input.y + top * dy, (right - left) * dx, (bottom - top) * dy];
  };
  const centre = (position) => {
    const width = shown.before.shape[1];
    const [x, y] = [position % width, Math.floor(position / width)];
    return [place.input.x + (x + 0.5) * place.dx, place.input.y + (y + 0.5) * place.dy];
  };
  const kept = () => (shown.kept.byteLength ? new Int32Array(shown.kept.buffer, shown.kept.byteOffset, shown.kept.byteLength / 4) : []);

  // -- painting ---------------------------------------------------------------------------
  const paintMaps = (pen) => {
    const colours = table(model.palette);
    const [height, width] = shown.before.shape;
    const [down, across] = shown.after.shape;
    pen.imageSmoothingEnabled = false;
    coloured(bytes(shown.before), width, height, colours, first);
    pen.drawImage(first, place.input.x, place.input.y, width * place.dx, height * place.dy);
    coloured(bytes(shown.after), across, down, colours, second);
    const [x, y, wide, tall] = cell(0, 0);
    pen.drawImage(second, x, y, wide * across, tall * down);
  };
  const paintTitles = (pen) => {
    pen.font = "11px system-ui, sans-serif";
    pen.fillStyle = themed(el, "muted");
    pen.textBaseline = "top";
    const height = shown.before.shape[0];
    const [before, after] = model.names;
    if (!row()) {
      pen.fillText(before, place.input.x, height * place.dy + 4);
      pen.fillText(after, place.output.x, height * place.dy + 4);
      return;
    }
    pen.fillText(after, place.output.x, place.output.y + ROW + 4);
    pen.fillText(before, place.input.x, 2);
  };
  // Borders of the windows, where they do not overlap and are large enough to be told apart.
  const paintWindows = (pen) => {
    const [down, across] = shown.after.shape;
    if (model.window.some(({ size, stride }) => size > stride)) return;
    if (Math.min(...model.window.map(({ stride }, axis) => stride * [place.dy, place.dx][axis])) < MIN_GRID_PITCH) return;
    pen.strokeStyle = themed(el, "card");
    pen.globalAlpha = 0.55;
    pen.lineWidth = 1;
    for (let y = 0; y < down; y++) for (let x = 0; x < across; x++) pen.strokeRect(...covered(y, x));
    pen.globalAlpha = 1;
  };
  const paintKept = (pen) => {
    const codes = bytes(shown.before);
    const radius = clamp(0.2 * Math.min(place.dx, place.dy), 1, 4);
    kept().forEach((position, window) => {
      if (position < 0) return;
      const [x, y] = centre(position);
      if (row()) {
        const [left, top, wide] = cell(0, window);
        pen.strokeStyle = themed(el, "muted");
        pen.lineWidth = 1.2;
        pen.beginPath();
        pen.moveTo(x, place.input.y + ROW);
        pen.lineTo(left + wide / 2, top);
        pen.stroke();
      }
      pen.fillStyle = inkOn(...rgbOf(model.palette, codes[position]));
      pen.beginPath();
      pen.arc(x, y, radius, 0, 2 * Math.PI);
      pen.fill();
    });
  };
  const paint = (payload, index) => {
    const old = shown?.before.shape;
    shown = payload;
    if (!place || !old || old.some((size, axis) => size !== shown.before.shape[axis])) layout();
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, canvas.width, canvas.height);
    paintMaps(pen);
    paintTitles(pen);
    paintWindows(pen);
    paintKept(pen);
    note.textContent = shown.note;
    canvas.dataset.index = index;
    canvas.dataset.key = frames.key;
    canvas.setAttribute("aria-label", `${model.label}, recorded step ${index + 1} of ${clock.count}. ${shown.note}`);
    hover();
  };
  const valueOf = (code) => readOff(code, model);
  const legend = () => {
    low.textContent = readOff(1, model);
    high.textContent = readOff(255, model);
    low.title = high.title = BEYOND;
    coloured(Uint8Array.from({ length: 255 }, (_, at) => at + 1), 255, 1, table(model.palette), bar);
  };
  const draw = (index) => {
    if (!room.width) return;
    const payload = frames.get(index);
    if (payload?.error) say(payload.error, index);
    else if (payload) {
      const code = codeOfAll(bytes(payload.before));
      say(code < 0 ? "" : saidOfAll(code, model), index);
      paint(payload, index);
    }
    frames.want(index);
  };

  // -- what is hovered ----------------------------------------------------------------------
  const inputAt = () => {
    const [height, width] = shown.before.shape;
    const x = Math.floor((pointer.x - place.input.x) / place.dx);
    const y = Math.floor((pointer.y - place.input.y) / place.dy);
    return x >= 0 && x < width && y >= 0 && y < height ? { x, y, position: y * width + x } : null;
  };
  const windowAt = () => {
    const [down, across] = shown.after.shape;
    const [left, top, wide, tall] = cell(0, 0);
    const [x, y] = [Math.floor((pointer.x - left) / wide), Math.floor((pointer.y - top) / tall)];
    return x >= 0 && x < across && y >= 0 && y < down ? y * across + x : -1;
  };
  const nameOf = (x, y, what) => row() ? `${what} ${x}` : `${what} y ${y}, x ${x}`;
  const describe = (input, windows) => {
    const across = shown.after.shape[1];
    const chosen = kept();
    if (input) {
      const value = valueOf(bytes(shown.before)[input.position]);
      const told = chosen.length ? (windows.length ? " · kept" : " · dropped") : "";
      return `${nameOf(input.x, input.y, "position")} · ${value}${told}`;
    }
    const [window] = windows;
    const value = valueOf(bytes(shown.after)[window]);
    const position = chosen[window] ?? -1;
    const width = shown.before.shape[1];
    const from = position < 0 ? "" : ` · from ${nameOf(position % width, Math.floor(position / width), "position")}`;
    return `${nameOf(window % across, Math.floor(window / across), "window")} · ${value}${from}`;
  };
  const hover = () => {
    const pen = marks.getContext("2d");
    pen.clearRect(0, 0, marks.width, marks.height);
    const input = pointer && shown && place ? inputAt() : null;
    const window = pointer && shown && place && !input ? windowAt() : -1;
    if (!input && window < 0) return tip.hide();
    const across = shown.after.shape[1];
    const windows = input ? [...kept()].flatMap((position, at) => (position === input.position ? [at] : [])) : [window];
    for (const at of windows) {
      const corner = [Math.floor(at / across), at % across];
      for (const [box, width] of [[covered(...corner), 1.5], [cell(...corner), 2]]) {
        pen.strokeStyle = themed(el, "select");
        pen.lineWidth = width;
        pen.strokeRect(box[0] + 0.5, box[1] + 0.5, box[2] - 1, box[3] - 1);
      }
    }
    tip.show(describe(input, windows), pointer.x, pointer.y);
  };
  canvas.addEventListener("pointermove", (event) => {
    pointer = { x: event.offsetX, y: event.offsetY };
    hover();
  });
  canvas.addEventListener("pointerleave", () => {
    pointer = null;
    hover();
  });

  // -- life -------------------------------------------------------------------------------
  const clock = clockOf(model.channel);
  const frames = framesOf(model, stage, draw);
  const room = repaintWhenSeen(model, stage, () => {
    place = null;
    draw(clock.index);
  });
  model.on(["key", "palette", "low", "high", "window"], () => {
    place = null;
    legend();
    draw(clock.index);
  });
  legend();
}
