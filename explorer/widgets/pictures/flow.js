// A probe's way through the network at this step: columns of units, joined by what they contribute
// to the explained class. Red speaks for it, blue against it.
import { clockOf, element, heed, introduce } from "../shared/clock.js";
import { framesOf } from "../shared/frames.js";
import { messageOn } from "../shared/message.js";
import { clamp } from "../shared/numbers.js";
import { FONT, bytes, coloured, fitted, repaintWhenSeen, rgbOf, sized, table, themed, tipOn } from "../shared/paint.js";
/** @import { Component } from "../../types" */

const HEADER = 20;
const LABEL = 13;
const APART = 6; // pixels from the units of a row to those of the next
const MARK = 14; // pixels of the sign for what is folded, left of a heading
const FRAME = 3; // from a unit to the frame around it
const SIDE = 22; // kernel and map before the activation, beside a map
// Pixels of a column: below the first its texts cannot be read, above the second they gain nothing.
const WIDTHS = { image: [60, 132], map: [56, 58], flanked: [62, 77], vector: [50, 58], classes: [80, 130] };
const GUTTERS = [18, 64]; // for the links
const DIGITS = [3, 2, 1];
const NONE = 128;
const PARAMETERS = ["columns", "rows", "links", "scales", "image", "class_names", "sequential", "diverging", "label"];
// Codes of their colours: not the ends of the scale, which are dark on a dark ground.
const [PRO, CONTRA] = [235, 20];
const LINK = { least: 0.02, thickest: 6 };

function signed(value, digits = DIGITS[0]) {
  const short = Number.isFinite(value) ? Number(value.toPrecision(digits)) : value;
  return (value > 0 ? "+" : "") + String(short).replace("-", "−");
}

// Goes on from one place to another, level at both.
function curve(pen, from, to) {
  const bend = (to.x - from.x) / 2;
  pen.bezierCurveTo(from.x + bend, from.y, to.x - bend, to.y, to.x, to.y);
}

// What a click on the heading of a column opens or closes; empty: nothing.
export function opens({ group = "", within = 1, open = false }) {
  return within > 1 || open ? group : "";
}

// What a heading says: of a block that is folded its name, else that of the layer.
export function headingOf(column) {
  if (!opens(column)) return column.title;
  return column.open ? `▾ ${column.title}` : `▸ ${column.group}`;
}

// A heading in the room that it has: of a deep network in two lines, parted where a word ends, since
// names of blocks differ at both ends.
export function linesOf(text, fits) {
  if (fits(text)) return [text];
  const ends = [...text.matchAll(/[_.]/g)].map(({ index }) => index).filter((at) => at > 0 && at < text.length - 1);
  const parted = ends.map((at) => [text.slice(0, at), text.slice(at)])
    .sort((one, other) => Math.max(...one.map(({ length }) => length)) - Math.max(...other.map(({ length }) => length)));
  return parted.find((lines) => lines.every(fits)) ?? parted[0] ?? [text];
}

export function tellsOf(column) {
  if (!opens(column)) return column.title;
  if (column.open) return `${column.title} · of ${column.group}, click to fold it`;
  return `${column.group} · by ${column.title}, the strongest of its ${column.within} layers, click to open`;
}

const percent = (share) => `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;

// Where each column stands, with gutters for links between them; wider than asked for where they
// could not be read otherwise.
function placesOf(columns, width) {
  const kinds = columns.map(({ kind, before, kernel }) => WIDTHS[before || kernel ? "flanked" : kind]);
  const gutters = columns.length - 1;
  const [least, good] = [0, 1].map((end) => kinds.reduce((sum, ends) => sum + ends[end], gutters * GUTTERS[end]));
  const share = clamp((width - least) / (good - least));
  /** @param {number[]} ends */
  const between = ([low, high]) => low + share * (high - low);
  const gutter = between(GUTTERS) + (gutters ? Math.max(0, width - good) / gutters : 0);
  let left = 0;
  return kinds.map((ends) => {
    const place = { left, width: between(ends), gutter };
    left += place.width + gutter;
    return place;
  });
}

/** @param {Component} component */
export function render({ model, el }) {
  const canvas = element("canvas", { role: "img", tabindex: 0, class: "flow" });
  const scroll = element("div", { class: "scroll" }, canvas);
  const stage = element("div", { class: "stage" }, scroll);
  const say = messageOn(stage, [canvas]);
  el.append(stage);
  const tip = tipOn(stage);
  const clock = clockOf(model.channel);
  let places = []; // of the columns
  let boxes = []; // of every unit on screen: {column, row, unit, layer, x, y, width, height}
  let shown = null;
  let header = HEADER; // pixels of the headings
  let pointed; // the box under the pointer, as it was last painted
  const isChosen = (box) => box.unit === clock.choice.unit && box.members.includes(clock.choice.layer);
  const same = (one, other) => one && other && one.column === other.column && one.row === other.row;

  /** @type {Record<string, any>} */
  let its = {}; // the parameters: those of the model are slow to read
  let tables = {};
  const names = () => its.class_names;

  // -- the parts of a payload -----------------------------------------------------------------
  // Pictures of a kind lie one below the other on a sheet, which is kept from step to step.
  const sheets = [];
  const grey = document.createElement("canvas"); // the input and its evidence
  const partsOf = (payload) => {
    const pixels = bytes(payload.pixels);
    let [at, count] = [0, 0];
    const take = (height, width, palette) => {
      const size = its.rows * height * width;
      const codes = pixels.subarray(at, (at += size));
      const sheet = (sheets[count++] ??= document.createElement("canvas"));
      coloured(codes, width, its.rows * height, palette, sheet);
      return { sheet, height, width };
    };
    return its.columns.slice(1).map((column) => {
      const own = column.signed ? tables.diverging : tables.sequential;
      return {
        maps: column.kind === "map" ? take(column.height, column.width, own) : null,
        before: column.before ? take(column.height, column.width, tables.diverging) : null,
        kernels: column.kernel ? take(...column.kernel, tables.diverging) : null,
      };
    });
  };

  // -- painting -------------------------------------------------------------------------------
  const picture = (pen, part, row, x, y, width, height) => {
    const scale = Math.min(width / part.width, height / part.height);
    const [wide, tall] = [part.width * scale, part.height * scale];
    const [left, top] = [x + (width - wide) / 2, y + (height - tall) / 2];
    pen.drawImage(part.sheet, 0, row * part.height, part.width, part.height, left, top, wide, tall);
    return { x: left, y: top, width: wide, height: tall };
  };
  const drawInput = (pen, payload, place, height) => {
    const { diverging, image } = its;
    if (!image?.shape) return;
    const [tall, wide, channels] = image.shape;
    if (grey.width !== wide || grey.height !== tall) [grey.width, grey.height] = [wide, tall];
    const context = grey.getContext("2d");
    const made = context.createImageData(wide, tall);
    const data = bytes(image);
    const evidence = bytes(payload.evidence);
    for (let pixel = 0; pixel < wide * tall; pixel++) {
      // The input in grey, laid over with the evidence: the stronger, the more of its colour.
      const code = evidence[pixel] || NONE;
      const share = Math.min(1, Math.abs(code - NONE) / 100);
      for (let channel = 0; channel < 3; channel++) {
        const base = 60 + 0.7 * (data[pixel * channels + Math.min(channel, channels - 1)] / 255) * 195;
        made.data[4 * pixel + channel] = (1 - share) * base + share * diverging[3 * code + channel];
      }
      made.data[4 * pixel + 3] = 255;
    }
    context.putImageData(made, 0, 0);
    const scale = Math.min(place.width / wide, (height - 3 * LABEL) / tall);
    const y = Math.max(0, (height - tall * scale) / 2 - LABEL);
    pen.drawImage(grey, place.left, header + y, wide * scale, tall * scale);
    pen.fillStyle = themed(el, "muted");
    const below = header + y + tall * scale + 4;
    pen.fillText(fitted(pen, "evidence for", place.width), place.left, below);
    pen.fillStyle = themed(el, "text");
    pen.font = `600 ${FONT}`;
    const name = `“${names()[payload.target] ?? payload.target}”`;
    pen.fillText(fitted(pen, name, place.width), place.left, below + LABEL);
    pen.font = FONT;
    return { x: place.left, y: header + y, width: place.width, height: tall * scale };
  };
  // A unit's number, and behind it its contribution, in as many digits as there is room for.
  const named = (pen, unit, x, y) => {
    pen.font = `600 ${FONT}`;
    pen.fillStyle = themed(el, "text");
    pen.fillText(unit, x, y);
    const end = x + pen.measureText(unit).width;
    pen.font = FONT;
    return end;
  };
  const contributed = (pen, value, x, y, most) => {
    const text = DIGITS.map((digits) => signed(value, digits)).find((short) => pen.measureText(short).width <= most);
    pen.fillStyle = themed(el, "muted");
    if (text) pen.fillText(text, x, y);
  };
  const drawUnit = (pen, column, parts, payload, box) => {
    const { row } = box;
    const at = box.column * its.rows + row;
    const palette = column.signed ? tables.diverging : tables.sequential;
    const text = names().length && column.kind === "classes" ? names()[box.unit] : String(box.unit);
    if (column.kind === "map") {
      const tall = box.height - LABEL;
      const side = parts.kernels || parts.before ? Math.min(SIDE, (tall - 2) / 2) : 0;
      const size = Math.min(tall, box.width - side - (side ? 3 : 0));
      if (parts.kernels) picture(pen, parts.kernels, row, box.x, box.y, side, side);
      if (parts.before) picture(pen, parts.before, row, box.x, box.y + side + 2, side, side);
      picture(pen, parts.maps, row, box.x + (side ? side + 3 : 0), box.y, size, size);
      const end = named(pen, text, box.x, box.y + tall + 1);
      contributed(pen, payload.contributions[at], end + 5, box.y + tall + 1, box.x + box.width - end - 5);
      Object.assign(box, { middle: box.y + size / 2, top: box.y, bottom: box.y + box.height });
    } else if (column.kind === "vector") {
      const size = Math.min(16, box.height - LABEL);
      const code = codeOf(payload.values[at], column);
      const colour = palette[code];
      pen.fillStyle = `rgb(${colour & 255},${(colour >> 8) & 255},${(colour >> 16) & 255})`;
      const y = box.y + (box.height - LABEL - size) / 2;
      pen.fillRect(box.x, y, size, size);
      named(pen, text, box.x + size + 5, y + 3);
      contributed(pen, payload.contributions[at], box.x, y + size + 3, box.width);
      Object.assign(box, { middle: y + size / 2, top: y, bottom: y + size + 3 + LABEL });
    } else {
      const share = payload.values[at];
      const y = box.y + box.height / 2 - LABEL;
      const value = percent(share);
      const room = box.width - pen.measureText(value).width - 8;
      pen.fillStyle = themed(el, "text");
      pen.font = box.unit === payload.target ? `600 ${FONT}` : FONT;
      pen.fillText(fitted(pen, text, room), box.x, y);
      pen.textAlign = "right";
      pen.fillText(value, box.x + box.width, y);
      pen.textAlign = "left";
      pen.font = FONT;
      pen.fillStyle = themed(el, "quiet");
      pen.fillRect(box.x, y + LABEL, box.width, 7);
      pen.fillStyle = themed(el, box.unit === payload.target ? "select" : "muted");
      pen.fillRect(box.x, y + LABEL, clamp(share) * box.width, 7);
      Object.assign(box, { middle: y + LABEL, top: y, bottom: y + LABEL + 7 });
    }
  };
  const codeOf = (value, { low, high }) =>
    Number.isNaN(value) ? 0 : 1 + Math.round(254 * clamp((value - low) / (high - low)));
  const drawLinks = (pen, payload, input) => {
    const active = boxes.find((box) => same(box, pointed)) ?? boxes.find(isChosen);
    const [red, blue] = [PRO, CONTRA].map((code) => rgbOf(its.diverging, code).join(","));
    const link = (source, target, strength) => {
      const share = Math.min(1, Math.abs(strength) / its.scales[target.column]);
      if (!(share >= LINK.least)) return;
      // Those of the unit under the pointer alone; those of the chosen one above the others.
      const lit = !active || source === active || target === active;
      const strongly = lit ? 1 : pointed ? 0.12 : 0.5;
      // From column to column: within one there are pictures and texts, and the frame around them.
      let from = { x: source.x + source.width + FRAME + 1, y: source.middle };
      const to = { x: target.x - FRAME - 1, y: target.middle };
      pen.strokeStyle = `rgba(${strength > 0 ? red : blue},${strongly * (0.3 + 0.6 * share)})`;
      pen.lineWidth = 0.6 + LINK.thickest * share;
      pen.beginPath();
      pen.moveTo(from.x, from.y);
      // A link that passes columns runs between their rows, so that it does not seem to end at one.
      if (target.column - source.column > 1) {
        const lane = target.y - APART / 2;
        const [first, last] = [places[source.column + 2], places[target.column]];
        curve(pen, from, { x: first.left - FRAME, y: lane });
        from = { x: last.left + last.width + FRAME, y: lane };
        pen.lineTo(from.x, from.y);
      }
      curve(pen, from, to);
      pen.stroke();
    };
    const whole = { ...input, column: -1, row: 0, layer: its.columns[0].layer, middle: input.y + input.height / 2 };
    const ends = [whole, ...boxes];
    its.links.forEach(([from, to], at) => {
      for (const source of ends.filter(({ layer }) => layer === from)) {
        for (const target of ends.filter(({ layer }) => layer === to)) {
          link(source, target, payload.links[(at * its.rows + source.row) * its.rows + target.row]);
        }
      }
    });
    if (active) {
      pen.strokeStyle = themed(el, "select");
      pen.lineWidth = 2;
      const { x, top, width, bottom } = active;
      pen.strokeRect(x - FRAME, top - FRAME, width + 2 * FRAME, bottom - top + 2 * FRAME - 1);
    }
  };
  const titleRoom = (at) => places[at].width +
    (at < places.length - 1 ? places[at].gutter - 8 - (its.columns[at + 1].folded?.length ? MARK - 4 : 0) : 0);
  const paint = (payload, index) => {
    const { height } = room;
    places = placesOf(its.columns, room.width - 2 * FRAME);
    const { left, width } = places.at(-1);
    header = HEADER + (its.columns.some((column) => opens(column) || column.folded?.length) ? LABEL : 0);
    const pen = sized(canvas, Math.max(room.width, Math.ceil(left + width) + 2 * FRAME), height);
    pen.imageSmoothingEnabled = false;
    pen.textBaseline = "top";
    const parts = partsOf(payload);
    const pitch = (height - header) / its.rows;
    boxes = [];
    its.columns.forEach((column, at) => {
      pen.font = `600 ${FONT}`;
      pen.fillStyle = themed(el, "text");
      const most = titleRoom(at);
      const lines = header > HEADER ? linesOf(headingOf(column), (text) => pen.measureText(text).width <= most) : [headingOf(column)];
      lines.forEach((text, line) => pen.fillText(fitted(pen, text, most), places[at].left, line * LABEL));
      pen.font = FONT;
      if (column.folded?.length) {
        pen.fillStyle = themed(el, "muted");
        pen.fillText("⋯", places[at].left - MARK, 0);
      }
      if (at === 0) return;
      for (let row = 0; row < its.rows; row++) {
        const unit = payload.units[(at - 1) * its.rows + row];
        if (unit < 0) continue;
        const box = {
          column: at - 1, row, unit, layer: column.layer, members: column.members,
          x: places[at].left, y: header + row * pitch, width: places[at].width, height: pitch - APART,
        };
        drawUnit(pen, column, parts[at - 1], payload, box);
        boxes.push(box);
      }
    });
    const input = drawInput(pen, payload, places[0], height - header);
    if (input) drawLinks(pen, payload, input);
    canvas.dataset.index = index;
    canvas.setAttribute("aria-label", `${its.label}, recorded step ${index + 1} of ${clock.count}`);
  };
  const draw = (index) => {
    if (!room.width) return;
    const payload = frames.get(index);
    if (payload?.error) say(payload.error, index);
    else if (payload) {
      say("", index);
      shown = payload;
      paint(payload, index);
    }
    frames.want(index);
  };

  // -- pointing and choosing --------------------------------------------------------------------
  const under = (event) => boxes.find((box) => event.offsetX >= box.x - FRAME && event.offsetX <= box.x + box.width + FRAME &&
    event.offsetY >= box.y && event.offsetY <= box.y + box.height);
  // The heading under the pointer, or the sign for what is folded: {says, group}.
  const headingUnder = ({ offsetX, offsetY }) => {
    if (offsetY >= header) return undefined;
    const signed = places.findIndex(({ left }, at) => its.columns[at].folded?.length && offsetX >= left - MARK - 3 && offsetX < left - 1);
    if (signed >= 0) {
      const { folded } = its.columns[signed];
      return { says: `folded: ${folded.join(", ")} · click to open ${folded[0]}, the strongest`, group: folded[0] };
    }
    const column = its.columns[places.findIndex(({ left }, at) => offsetX >= left && offsetX <= left + titleRoom(at))];
    return column && { says: tellsOf(column), group: opens(column) };
  };
  const toggle = (group) => {
    introduce(model);
    model.opened = model.opened.includes(group) ? model.opened.filter((other) => other !== group) : [...model.opened, group];
    say(`${model.opened.includes(group) ? "opening" : "folding"} ${group} …`, clock.index);
  };
  const describe = (box) => {
    const at = box.column * its.rows + box.row;
    const column = its.columns[box.column + 1];
    if (column.kind === "classes") return `${column.title} · ${names()[box.unit]} · ${percent(shown.values[at])}`;
    const contribution = signed(shown.contributions[at]);
    return `${column.title} · unit ${box.unit} · contributes ${contribution} to “${names()[shown.target] ?? shown.target}”`;
  };
  const repaint = () => shown && paint(shown, clock.index);
  canvas.addEventListener("pointermove", (event) => {
    const box = under(event);
    const heading = box ? undefined : headingUnder(event);
    const said = box ? describe(box) : heading?.says;
    canvas.style.cursor = box || heading?.group ? "pointer" : "default";
    if (said) tip.show(said, event.offsetX - scroll.scrollLeft, event.offsetY);
    else tip.hide();
    if (same(box, pointed) || (!box && !pointed)) return;
    pointed = box;
    clock.hover(box ? { layer: box.members[0], unit: box.unit } : {});
    repaint();
  });
  canvas.addEventListener("pointerleave", () => {
    pointed = undefined;
    tip.hide();
    clock.hover();
    repaint();
  });
  const choose = (box) => {
    if (its.columns[box.column + 1].kind === "classes") clock.choose({ target: box.unit });
    else clock.choose({ layer: box.members[0], unit: box.unit });
  };
  canvas.addEventListener("click", (event) => {
    const [box, heading] = [under(event), headingUnder(event)];
    if (box) choose(box);
    else if (heading?.group) toggle(heading.group);
  });
  // With the picture in focus the arrows go from unit to unit.
  canvas.addEventListener("keydown", (event) => {
    // Enter opens or closes the block of the chosen unit.
    if (event.key === "Enter") {
      const group = opens(its.columns[(boxes.find(isChosen)?.column ?? -1) + 1]);
      if (group) toggle(group);
    }
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!move) return;
    event.preventDefault();
    const from = boxes.find(isChosen) ?? { column: -1, row: 0 };
    const to = boxes.find((box) => box.column === from.column + move[0] && box.row === from.row + move[1]);
    if (to) choose(to);
  });

  // -- life -------------------------------------------------------------------------------------
  const frames = framesOf(model, stage, draw);
  const room = repaintWhenSeen(model, scroll, () => draw(clock.index));
  const renew = () => {
    its = Object.fromEntries(PARAMETERS.map((name) => [name, model[name]]));
    tables = { diverging: table(its.diverging), sequential: table(its.sequential) };
  };
  renew();
  model.on(["key", ...PARAMETERS], () => {
    renew();
    draw(clock.index);
  });
  heed(model, "choice", repaint);
}
