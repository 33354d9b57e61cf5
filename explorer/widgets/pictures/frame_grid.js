// One uint8 picture a recorded step: tiles (feature maps, kernels, units) or a matrix (token × unit).
import { clockOf, element, heed } from "../shared/clock.js";
import { framesOf } from "../shared/frames.js";
import { limitsOf } from "../shared/limits.js";
import { codeOfAll, messageOn, saidOfAll } from "../shared/message.js";
import { clamp } from "../shared/numbers.js";
import { BEYOND, bytes, coloured, cut, inkOn, readOff, repaintWhenSeen, sized, table, themed, tipOn, write } from "../shared/paint.js";
/** @import { Component } from "../../types" */

const GAP = 3;
const MAX_VECTOR_CELL = 34;
const CAPTION = 14;
const CAPTION_GAP = 6;
const ROW_PITCH = 12;
// Column names that do not fit side by side are tilted.
const TILT = -Math.PI / 3.2;
const TILTED_PITCH = 14;
const LABEL_FONT = "11px system-ui, sans-serif";
const SMALLEST_NUMBERED_CELL = 17;

// Whether there is no number in a part of the codes: such a tile is struck out.
export function isBlank(codes, from, count) {
  for (let at = from; at < from + count; at++) if (codes[at]) return false;
  return true;
}

// Largest tiles that fit; of equal ones the most in a row.
export function bestColumns(count, tileWidth, tileHeight, width, height, limit, below = 0) {
  let best = { scale: 0, columns: 1 };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const scale = Math.min(
      (width - (columns - 1) * GAP) / (columns * tileWidth),
      (height - (rows - 1) * GAP - rows * below) / (rows * tileHeight),
      limit,
    );
    if (scale >= best.scale - 1e-9) best = { scale, columns };
  }
  return best;
}

// What a tile shows: a unit, a unit at one of its places, or neither.
export function tileName(tile, places) {
  if (places === 0) return `tile ${tile}`;
  return places === 1 ? `unit ${tile}` : `unit ${Math.floor(tile / places)} · place ${tile % places}`;
}

// The tile that stands for a step: the last one recorded by then.
export function tileOfStep(steps, index) {
  return steps.reduce((found, step, tile) => (step <= index ? tile : found), 0);
}

// The tile to which an arrow key leads: past all that are chosen, since a unit may have several.
export function tileAfter(chosen, move, count) {
  const from = (move > 0 ? chosen.at(-1) : chosen[0]) ?? 0;
  return clamp(from + move, 0, count - 1);
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
    legend();
    draw(clock.index);
  });
  const stage = element("div", { class: "stage" }, canvas, marks);
  const say = messageOn(stage, [canvas, marks]);
  el.append(element("div", { class: "grid" }, stage,
    element("div", { class: "legend" }, low, bar, high, name, element("span", { class: "fill" }), limits.button)));
  const tip = tipOn(stage);
  const sheet = document.createElement("canvas");
  let context = canvas.getContext("2d");
  let place = null;
  let shown = null;

  const matrix = () => model.mode === "matrix";
  const idOf = (tile) => {
    const ids = shown?.tile_ids ?? model.tile_ids;
    if (ids.length) return ids[tile];
    return matrix() ? tile : Math.floor(tile / Math.max(1, model.places));
  };
  const range = (codes) => {
    let [least, most] = [255, 1];
    for (const value of codes) {
      if (value === 0) continue;
      if (value < least) least = value;
      if (value > most) most = value;
    }
    return least > most ? [1, 255] : [least, most];
  };

  // -- painting ---------------------------------------------------------------------------
  const widest = (labels) => Math.max(0, ...labels.map((label) => context.measureText(label).width));
  // Room for the names around a matrix of so many columns.
  const margins = (full, rowCount, columns) => {
    context.font = LABEL_FONT;
    const rows = model.y_labels.map((label) => cut(label, 22));
    const names = model.x_labels.map((label) => cut(label, 11));
    const left = rows.length ? 8 + Math.min(150, widest(rows)) : 0;
    const top = rows.length ? ROW_PITCH / 2 : 0; // half of the first name may stand above its row
    if (!names.length) return { left, top, bottom: top, rows, names, every: 1 };
    const wider = (full.width - left) / columns;
    const dx = model.square ? Math.min(wider, (full.height - top) / rowCount) : wider;
    const wide = widest(names);
    const level = wide + 8 <= dx || names.every((name) => /^-?[\d.]*$/.test(name)); // a row of numbers has no need of each
    const every = Math.ceil((level ? wide + 8 : TILTED_PITCH) / dx);
    if (level) return { left, top, bottom: 18, rows, names, every, level };
    const reach = context.measureText(names[0]).width * Math.cos(TILT) - dx / 2 + 6;
    return { left: Math.max(left, reach), top, bottom: 12 - wide * Math.sin(TILT), rows, names, every };
  };
  const layout = ([count, height, width]) => {
    const box = stage.getBoundingClientRect();
    const full = { width: Math.max(40, box.width), height: Math.max(40, box.height) };
    if (matrix()) {
      const room = margins(full, height, width);
      let [dx, dy] = [(full.width - room.left) / width, (full.height - room.top - room.bottom) / height];
      if (model.square) dx = dy = Math.min(dx, dy);
      place = { ...room, columns: 1, dx, dy, below: 0, tall: room.top + height * dy + room.bottom };
    } else {
      const limit = height * width === 1 ? MAX_VECTOR_CELL : Infinity;
      const below = captions().length ? CAPTION : 0;
      const { scale, columns } = bestColumns(count, width, height, full.width, full.height, limit, below);
      const rows = Math.ceil(count / columns);
      place = { columns, dx: scale, dy: scale, left: 0, top: 0, below };
      place.tall = rows * (height * scale + below) + (rows - 1) * GAP;
    }
    Object.assign(place, { count, height, width, cells: height * width === 1 && !matrix() });
    context = sized(canvas, full.width, place.tall);
    sized(marks, full.width, place.tall);
    context.imageSmoothingEnabled = false;
  };
  const captions = () => shown?.captions ?? model.captions;
  const pitch = () => [place.width * place.dx + GAP, place.height * place.dy + place.below + GAP];
  const corner = (tile) => {
    const [across, down] = pitch();
    return [place.left + (tile % place.columns) * across, place.top + Math.floor(tile / place.columns) * down];
  };
  const strike = (x, y, width, height) => {
    context.strokeStyle = themed(el, "line");
    context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
    context.beginPath();
    context.moveTo(x, y + height);
    context.lineTo(x + width, y);
    context.stroke();
  };
  // Units without extent: one picture of cells, parted by lines where there is room for them.
  const drawCells = (codes, colours) => {
    const { count, columns } = place;
    const rows = Math.ceil(count / columns);
    const step = place.dx + GAP;
    coloured(codes, columns, rows, colours, sheet);
    context.drawImage(sheet, 0, 0, columns, rows, 0, 0, columns * step, rows * step);
    if (step > 2 * GAP) {
      for (let column = 1; column <= columns; column++) context.clearRect(column * step - GAP, 0, GAP, rows * step);
      for (let row = 1; row <= rows; row++) context.clearRect(0, row * step - GAP, columns * step, GAP);
      for (let tile = 0; tile < count; tile++) {
        if (isBlank(codes, tile, 1)) strike(...corner(tile), place.dx, place.dx);
      }
    }
  };
  const drawTiles = (codes, colours) => {
    const { count, height, width } = place;
    coloured(codes, width, count * height, colours, sheet);
    const texts = captions();
    context.font = LABEL_FONT;
    context.textBaseline = "top";
    context.fillStyle = themed(el, "muted");
    for (let tile = 0; tile < count; tile++) {
      const [x, y] = corner(tile);
      context.drawImage(sheet, 0, tile * height, width, height, x, y, width * place.dx, height * place.dy);
      if (isBlank(codes, tile * height * width, height * width)) strike(x, y, width * place.dx, height * place.dy);
      if (texts[tile]) write(context, texts[tile], x, y + height * place.dy + 2, width * place.dx - CAPTION_GAP);
    }
  };
  const drawLabels = () => {
    context.fillStyle = themed(el, "text");
    context.font = LABEL_FONT;
    context.textBaseline = "middle";
    const { left, top, dx, dy, rows, names, every, level } = place;
    context.textAlign = level ? "center" : "right";
    const end = parseFloat(canvas.style.width);
    for (let column = 0; column < names.length; column += every) {
      if (level && left + (column + 0.5) * dx + context.measureText(names[column]).width / 2 > end) break;
      context.save();
      context.translate(left + (column + 0.5) * dx, top + place.height * dy + (level ? 10 : 7));
      if (!level) context.rotate(TILT);
      context.fillText(names[column], 0, 0);
      context.restore();
    }
    context.textAlign = "right";
    const step = Math.ceil(ROW_PITCH / dy);
    for (let row = 0; row < rows.length; row += step) {
      context.fillText(rows[row], left - 6, top + (row + 0.5) * dy);
    }
    context.textAlign = "left";
  };
  const drawNumbers = (codes, colours) => {
    if (!model.numbers || Math.min(place.dx, place.dy) < SMALLEST_NUMBERED_CELL) return;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.font = LABEL_FONT;
    codes.forEach((code, at) => {
      const value = Math.round(valueOf(code));
      if (!code || !value) return;
      const colour = colours[code];
      context.fillStyle = inkOn(colour & 255, (colour >> 8) & 255, (colour >> 16) & 255);
      const [x, y] = [at % place.width, Math.floor(at / place.width)];
      context.fillText(String(value), place.left + (x + 0.5) * place.dx, place.top + (y + 0.5) * place.dy);
    });
    context.textAlign = "left";
  };
  const paint = (payload, index) => {
    const { frame } = payload;
    const old = shown?.frame.shape;
    shown = payload;
    if (!place || !old || frame.shape.some((size, axis) => size !== old[axis])) layout(frame.shape);
    const codes = bytes(frame);
    const [least, most] = limits.free ? range(codes) : [1, 255];
    const colours = table(model.palette, least, most);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (place.cells) drawCells(codes, colours);
    else drawTiles(codes, colours);
    if (matrix()) {
      drawLabels();
      drawNumbers(codes, colours);
    }
    canvas.dataset.index = index;
    canvas.dataset.key = frames.key;
    canvas.setAttribute("aria-label", `${model.label}, recorded step ${index + 1} of ${clock.count}`);
    if (limits.free) legend();
    mark();
  };
  const valueOf = (code) => model.low + ((code - 1) / 254) * (model.high - model.low);
  const legend = () => {
    const [least, most] = limits.free && shown ? range(bytes(shown.frame)) : [1, 255];
    low.textContent = readOff(least, model);
    high.textContent = readOff(most, model);
    low.title = high.title = model.bounded ? "" : BEYOND;
    name.textContent = model.value_name;
    limits.button.hidden = model.still;
    coloured(Uint8Array.from({ length: 255 }, (_, at) => at + 1), 255, 1, table(model.palette), bar);
  };
  const draw = (index) => {
    if (!room.width) return; // hidden: nothing to paint, nothing to ask for
    const payload = frames.get(index);
    if (payload?.error) say(payload.error, index);
    else if (payload) {
      const code = codeOfAll(bytes(payload.frame));
      say(code < 0 ? "" : saidOfAll(code, model), index);
      paint(payload, index);
    }
    frames.want(index);
    hover();
  };

  // -- what is chosen and what is hovered, here or elsewhere ----------------------------------
  const tilesOf = (id) => {
    if (id === undefined || id === null || !place) return [];
    const count = matrix() ? place.height : place.count;
    return Array.from({ length: count }, (_, tile) => tile).filter((tile) => idOf(tile) === id);
  };
  const outline = (pen, tiles, colour, width) => {
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    for (const tile of tiles) {
      const [x, y] = matrix() ? [place.left, place.top + tile * place.dy] : corner(tile);
      const [wide, tall] = [place.width * place.dx, matrix() ? place.dy : place.height * place.dy];
      pen.strokeRect(x + 0.5, y + 0.5, wide - 1, tall - 1);
    }
  };
  const mark = () => {
    if (!place || !shown) return;
    const pen = marks.getContext("2d");
    pen.clearRect(0, 0, marks.width, marks.height);
    const { selects } = model;
    if (selects === "step") outline(pen, [tileOfStep(model.tile_ids, clock.index)], themed(el, "time"), 2);
    else if (selects) {
      outline(pen, tilesOf(clock.hovered[selects]), themed(el, "muted"), 1.5);
      outline(pen, tilesOf(clock.choice[selects]), themed(el, "select"), 2.5);
    }
    const column = clock.hovered[model.x_name];
    if (matrix() && column >= 0 && column < place.width) {
      pen.strokeStyle = themed(el, "muted");
      pen.lineWidth = 1;
      pen.strokeRect(place.left + column * place.dx, place.top, place.dx, place.height * place.dy);
    }
  };
  let pointer = null;
  const under = () => {
    if (!pointer || !shown || !place) return null;
    const [across, down] = pitch();
    const [left, top] = [pointer.x - place.left, pointer.y - place.top];
    const [column, row] = [Math.floor(left / across), Math.floor(top / down)];
    const tile = row * place.columns + column;
    const x = Math.floor((left - column * across) / place.dx);
    const y = Math.floor((top - row * down) / place.dy);
    const inside = left >= 0 && top >= 0 && column < place.columns && tile < place.count && x < place.width && y < place.height;
    return inside ? { tile, x, y } : null;
  };
  const describe = ({ tile, x, y }) => {
    const code = bytes(shown.frame)[(tile * place.height + y) * place.width + x];
    const value = readOff(code, model);
    if (matrix()) {
      const [row, column] = [model.y_labels[y], model.x_labels[x]];
      return `${model.y_name} ${row ?? y} · ${column ? `“${column}”` : `${model.x_name} ${x}`} · ${value}`;
    }
    const known = captions()[tile] || (model.selects && model.selects !== "unit" ? `${model.selects} ${idOf(tile)}` : "");
    const what = known || (model.tile_ids.length ? `unit ${idOf(tile)}` : tileName(tile, model.places));
    return `${what}${place.cells ? "" : ` · y ${y}, x ${x}`} · ${value}`;
  };
  const hover = () => {
    const at = under();
    if (at) tip.show(describe(at), pointer.x, pointer.y);
    else tip.hide();
  };
  const rowOrTile = (at) => (matrix() ? at.y : at.tile);
  canvas.addEventListener("pointermove", (event) => {
    pointer = { x: event.offsetX, y: event.offsetY };
    hover();
    const at = under();
    const what = {};
    if (at && model.selects) what[model.selects] = idOf(rowOrTile(at));
    if (at && matrix()) what[model.x_name] = at.x;
    clock.hover(what);
  });
  canvas.addEventListener("pointerleave", () => {
    pointer = null;
    tip.hide();
    clock.hover();
  });
  const pick = (id) => {
    if (id === undefined || !model.selects) return;
    if (model.selects === "step") clock.go(id);
    else clock.choose({ [model.selects]: id });
  };
  canvas.addEventListener("click", () => {
    const at = under();
    if (at) pick(idOf(rowOrTile(at)));
  });
  // With the grid in focus the arrows move the choice, not time.
  canvas.addEventListener("keydown", (event) => {
    if (!place || !["unit", "probe"].includes(model.selects)) return;
    const across = matrix() ? 0 : 1;
    const move = { ArrowLeft: -across, ArrowRight: across, ArrowUp: -place.columns, ArrowDown: place.columns }[event.key];
    if (!move) return;
    event.preventDefault();
    const count = matrix() ? place.height : place.count;
    pick(idOf(tileAfter(tilesOf(clock.choice[model.selects]), move, count)));
  });

  // -- life -------------------------------------------------------------------------------
  const clock = clockOf(model.channel);
  const frames = framesOf(model, stage, draw);
  const settle = () => {
    canvas.style.cursor = model.selects ? "pointer" : "crosshair";
    if (model.selects) canvas.tabIndex = 0;
  };
  const room = repaintWhenSeen(model, stage, () => {
    place = null;
    draw(clock.index);
  });
  model.on(["key", "palette", "low", "high", "bounded", "captions", "tile_ids", "x_labels", "y_labels", "value_name"], () => {
    shown = null;
    place = null;
    legend();
    draw(clock.index);
  });
  settle();
  legend();
  heed(model, "choice", mark);
  heed(model, "hover", mark);
}
