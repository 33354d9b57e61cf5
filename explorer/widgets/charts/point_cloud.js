// A scatter plot whose points move with the slider: all steps are here, a tick only draws.
import { LINE, paintAxes, plotBox, roomy, ticksOf } from "../shared/axes.js";
import { clockOf, element, follow, heed } from "../shared/clock.js";
import { limitsOf } from "../shared/limits.js";
import { messageOn } from "../shared/message.js";
import { clamp } from "../shared/numbers.js";
import { cut, number, repaintWhenSeen, sized, themed, tipOn } from "../shared/paint.js";
/** @import { Component } from "../../types" */

const NEAR = 12; // pixels from the pointer to a point under it
const TAIL = 6; // steps that every point draws behind it
const DOTS = 4; // pixels between dots along the way of a point
const MOST_TEXTS = 200; // labels that are tried
const [DISC, CROSS, RING] = [0, 1, 2];
const SIGNS = ["●", "×", "○"];
const PARAMETERS = [
  "positions", "labels", "colours", "groups", "shapes", "shape_names", "selects", "point_ids", "x_name", "y_name",
  "limits", "equal", "trails", "texts", "circle", "remarks", "if_empty", "label",
];

function radiusOf(count) {
  return [[12, 6], [60, 5], [300, 3.5]].find(([most]) => count <= most)?.[1] ?? 2.5;
}

// Ends of both axes over a stretch of positions, pairs of x and y: [x low, x high, y low, y high].
function endsOfPoints(positions, from, to, circle = 0) {
  const ends = circle ? [-circle, circle, -circle, circle] : [Infinity, -Infinity, Infinity, -Infinity];
  for (let at = from; at + 1 < to; at += 2) {
    const [x, y] = [positions[at], positions[at + 1]];
    if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
    ends[0] = Math.min(ends[0], x);
    ends[1] = Math.max(ends[1], x);
    ends[2] = Math.min(ends[2], y);
    ends[3] = Math.max(ends[3], y);
  }
  return [...roomy(ends[0], ends[1], 0.05), ...roomy(ends[2], ends[3], 0.05)];
}

// Widens one pair of ends so that a unit is as long on both axes.
function equalised([x0, x1, y0, y1], width, height) {
  const unit = Math.max((x1 - x0) / width, (y1 - y0) / height) / 2;
  const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
  return [x - unit * width, x + unit * width, y - unit * height, y + unit * height];
}

// Number of the place nearest to a pixel, -1 if none is within reach. Hidden places are NaN.
function nearestPlace(places, x, y, reach) {
  let [found, least] = [-1, reach * reach];
  for (let point = 0; 2 * point < places.length; point++) {
    const gap = (places[2 * point] - x) ** 2 + (places[2 * point + 1] - y) ** 2;
    if (gap <= least) [found, least] = [point, gap];
  }
  return found;
}

// The next point that is on screen, forwards or backwards.
function neighbour(places, from, move) {
  let at = from + move;
  while (Number.isNaN(places[2 * at])) at += move;
  return at >= 0 && 2 * at < places.length ? at : from;
}

// A disc, cross or ring on a canvas of its own; its rim keeps neighbours apart.
function spriteOf(colour, form, size, rim) {
  const made = document.createElement("canvas");
  const brush = sized(made, 2 * size + 4, 2 * size + 4);
  const arm = size * 0.8;
  const path = new Path2D(form === CROSS ? `M${-arm},${-arm}L${arm},${arm}M${-arm},${arm}L${arm},${-arm}` : "");
  if (form !== CROSS) path.arc(0, 0, form === RING ? size - 1 : size, 0, 2 * Math.PI);
  brush.translate(size + 2, size + 2);
  brush.lineCap = "round";
  brush.fillStyle = form === DISC ? colour : rim;
  brush.fill(path);
  const coats = [[[rim, 1]], [[rim, size / 2 + 2], [colour, size / 2]], [[colour, Math.min(2, size / 2)]]][form] ?? [];
  for (const [strokeStyle, lineWidth] of coats) Object.assign(brush, { strokeStyle, lineWidth }).stroke(path);
  return made;
}

// Left end and middle of each label that has room beside its point, else null: to the right of it,
// else to its left, above or below it. Labels cover neither points nor each other; they come in the
// given order, and the `forced` ones stand there in any case.
function labelPlaces(places, widths, box, radius, order, forced = []) {
  const around = (x, y, wide, tall) => ({ left: x - wide, right: x + wide, top: y - tall, bottom: y + tall });
  const visible = order.filter((point) => places[2 * point] >= 0);
  const taken = visible.map((point) => around(places[2 * point], places[2 * point + 1], radius, radius));
  const free = ({ left, right, top, bottom }) =>
    left >= box.left && right <= box.left + box.width && top >= box.top && bottom <= box.top + box.height &&
    !taken.some((other) => other.left < right && left < other.right && other.top < bottom && top < other.bottom);
  const found = new Array(widths.length).fill(null);
  for (const point of visible.filter((which) => widths[which]).slice(0, MOST_TEXTS)) {
    const half = widths[point] / 2 + 1;
    const [beside, above] = [radius + 2 + half, radius + 1 + LINE / 2];
    const tries = [[beside, 0], [-beside, 0], [0, -above], [0, above]]
      .map(([right, down]) => around(places[2 * point] + right, places[2 * point + 1] + down, half, LINE / 2));
    const area = tries.find(free) ?? (forced.includes(point) ? tries[0] : null);
    if (!area) continue;
    taken.push(area);
    found[point] = [area.left + 1, area.top + LINE / 2];
  }
  return found;
}

/** @param {Component} component */
export function render({ model, el }) {
  const canvas = element("canvas", { role: "img" });
  const stage = element("div", { class: "stage" }, canvas);
  const say = messageOn(stage, [canvas]);
  const groups = element("span", { class: "groups" });
  const outside = element("span");
  const limits = limitsOf("axes", () => draw());
  el.append(element("div", { class: "plot" }, stage, element("div", { class: "legend" }, groups, outside, limits.button)));
  const [tip, clock] = [tipOn(stage), clockOf(model.channel)];
  let pen = null; // null until there is a place to draw
  /** @type {Record<string, string>} */
  let ink = {};
  let [view, sprites, widths, byColour] = [null, new Map(), [], new Map()];
  let fixed = null; // ends of the axes that hold for all steps
  let places = new Float32Array(); // pixels of the points on screen, NaN where hidden
  let [pointer, hovered] = [null, -1];

  /** @type {Record<string, any>} */
  let its = {}; // the parameters: those of the model are slow to read
  let [positions, steps, count, radius] = [[], 0, 0, 0];
  const stepAt = () => clamp(clock.index, 0, steps - 1);
  const valueOf = (point, step = stepAt()) => {
    const at = 2 * (step * count + point);
    return [positions[at], positions[at + 1]];
  };
  const points = () => Array.from({ length: count }, (_, point) => point);
  const idOf = (point) => its.point_ids[point] ?? point;
  const pointOf = (id) => {
    const point = its.point_ids.length ? its.point_ids.indexOf(id) : (id ?? -1);
    return its.selects && point < count ? point : -1;
  };
  const colourOf = (point) => its.colours[point] ?? ink.select;
  const formOf = (point) => its.shapes?.[stepAt() * count + point] ?? DISC;

  // -- painting ---------------------------------------------------------------------------
  const look = () => {
    const [width, height] = [stage.clientWidth, stage.clientHeight];
    if (!width || !height) return false; // hidden: nothing to paint
    ink = Object.fromEntries(["text", "muted", "line", "card", "select"].map((name) => [name, themed(el, name)]));
    pen = sized(canvas, width, height);
    pen.font = "11px system-ui, sans-serif";
    pen.lineJoin = pen.lineCap = "round";
    [view, sprites, byColour] = [{ width, height }, new Map(), new Map()];
    widths = its.texts ? points().map((point) => pen.measureText(its.labels[point] ?? "").width) : [];
    for (const point of points()) byColour.set(colourOf(point), [...(byColour.get(colourOf(point)) ?? []), point]);
    fixed ??= its.limits.length ? its.limits : endsOfPoints(positions, 0, 2 * steps * count, its.circle);
    return true;
  };
  const drawAxes = (ends) => {
    const { width, height } = view;
    const names = { xName: its.x_name, yName: its.y_name };
    const box = plotBox(pen, width, height, ticksOf(ends[2], ends[3], height / 42), names);
    const [x0, x1, y0, y1] = its.equal || its.circle > 0 ? equalised(ends, box.width, box.height) : ends;
    const x = (value) => box.left + ((value - x0) / (x1 - x0)) * box.width;
    const y = (value) => box.top + ((y1 - value) / (y1 - y0)) * box.height;
    const xTicks = ticksOf(x0, x1, box.width / 60).map((tick) => ({ ...tick, at: x(tick.value) }));
    const yTicks = ticksOf(y0, y1, height / 42).map((tick) => ({ ...tick, at: y(tick.value) }));
    paintAxes(pen, ink, box, { xTicks, yTicks, ...names });
    view = { width, height, box, x, y };
  };
  const stamp = (point) => {
    const [colour, form, half] = [colourOf(point), formOf(point), radius + 2];
    const key = `${colour} ${form}`;
    if (!sprites.has(key)) sprites.set(key, spriteOf(colour, form, radius, ink.card));
    pen.drawImage(sprites.get(key), places[2 * point] - half, places[2 * point + 1] - half, 2 * half, 2 * half);
  };
  const locate = () => {
    if (places.length !== 2 * count) places = new Float32Array(2 * count);
    const { left, top, width, height } = view.box;
    let [lost, known, elsewhere, first] = [0, 0, 0, []];
    for (let point = 0; point < count; point++) {
      const [x, y] = valueOf(point);
      const [across, down] = [view.x(x), view.y(y)];
      const inside = across >= left - 1 && across <= left + width + 1 && down >= top - 1 && down <= top + height + 1;
      if (!inside && !Number.isNaN(x + y)) lost += 1;
      if (Number.isFinite(x) && Number.isFinite(y)) {
        if (!known) first = [x, y];
        known += 1;
        if (x !== first[0] || y !== first[1]) elsewhere += 1;
      }
      places[2 * point] = inside ? across : NaN;
      places[2 * point + 1] = inside ? down : NaN;
    }
    const nowhere = count ? "No point has a place at this step: nothing is a number." : its.if_empty;
    say(known ? "" : nowhere, clock.index);
    const together = known > 1 && !elsewhere && `all ${known} points lie at one place at this step`;
    const remark = its.remarks[its.remarks.length > 1 ? stepAt() : 0];
    const text = [lost && `${lost} outside of the limits`, together, remark].filter(Boolean).join(" · ");
    if (outside.textContent !== text) outside.textContent = text;
  };
  // The way of a point from one step to another as a path, with `dot` called for each step.
  const trace = (point, from, to, dot) => {
    let known = false;
    for (let step = from; step <= to; step++) {
      const before = known;
      const [x, y] = valueOf(point, step);
      known = Number.isFinite(x) && Number.isFinite(y);
      if (!known) continue;
      pen[before ? "lineTo" : "moveTo"](view.x(x), view.y(y));
      dot?.(view.x(x), view.y(y));
    }
  };
  const drawTails = () => {
    const now = stepAt();
    pen.lineWidth = Math.max(1, radius / 3);
    for (let age = Math.min(TAIL, now); age > 0; age--) {
      pen.globalAlpha = 0.6 * (1 - (age - 1) / TAIL);
      for (const [colour, members] of byColour) {
        pen.strokeStyle = colour;
        pen.beginPath();
        for (const point of members) trace(point, now - age, now - age + 1);
        pen.stroke();
      }
    }
    pen.globalAlpha = 1;
  };
  // The whole way of a point, a dot a step; what is still to come is fainter.
  const drawWay = (point) => {
    pen.strokeStyle = pen.fillStyle = colourOf(point);
    pen.lineWidth = 1.2;
    for (const [from, to, alpha] of [[0, stepAt(), 0.9], [stepAt(), steps - 1, 0.4]]) {
      let last = [-DOTS, -DOTS];
      pen.globalAlpha = alpha;
      pen.beginPath();
      trace(point, from, to, (x, y) => {
        if (Math.hypot(x - last[0], y - last[1]) < DOTS) return;
        last = [x, y];
        pen.fillRect(x - 1.5, y - 1.5, 3, 3);
      });
      pen.stroke();
    }
    pen.globalAlpha = 1;
  };
  const drawCircle = (x, y, size, strokeStyle, lineWidth) => {
    Object.assign(pen, { strokeStyle, lineWidth }).beginPath();
    pen.arc(x, y, size, 0, 2 * Math.PI);
    pen.stroke();
  };
  const drawRing = (point, colour, width) => {
    if (!(places[2 * point] >= 0)) return;
    stamp(point);
    drawCircle(places[2 * point], places[2 * point + 1], radius + 2 + width / 2, colour, width);
  };
  const drawTexts = (first) => {
    const order = [...new Set([...first, ...points()])].filter((point) => point >= 0);
    Object.assign(pen, { lineWidth: 3, lineJoin: "round", strokeStyle: ink.card, fillStyle: ink.text });
    labelPlaces(places, widths, view.box, radius + 1, order, first).forEach((at, point) => {
      if (!at) return;
      pen.strokeText(its.labels[point], ...at); // no trail shows through it
      pen.fillText(its.labels[point], ...at);
    });
  };
  const paint = () => {
    if (!pen && !look()) return;
    canvas.dataset.index = clock.index;
    const from = 2 * stepAt() * count;
    pen.clearRect(0, 0, view.width, view.height);
    drawAxes(limits.free ? endsOfPoints(positions, from, from + 2 * count, its.circle) : fixed);
    locate();
    const chosen = pointOf(clock.choice[its.selects]);
    const over = hovered >= 0 ? hovered : pointOf(clock.hovered[its.selects]);
    pen.save();
    pen.beginPath();
    pen.rect(view.box.left, view.box.top, view.box.width, view.box.height);
    pen.clip();
    if (its.circle > 0) drawCircle(view.x(0), view.y(0), view.x(its.circle) - view.x(0), ink.muted, 1);
    if (its.trails && steps > 1) {
      drawTails();
      for (const point of new Set([over, chosen])) if (point >= 0) drawWay(point);
    }
    pen.restore();
    for (const form of its.shapes ? [DISC, RING, CROSS] : [DISC]) { // what is wrong lies on top
      for (let point = 0; point < count; point++) if (places[2 * point] >= 0 && formOf(point) === form) stamp(point);
    }
    drawRing(over, ink.muted, 1.5);
    drawRing(chosen, ink.select, 2.5);
    if (its.texts) drawTexts([chosen, over]);
  };
  const draw = () => {
    paint();
    find();
  };

  // -- what is chosen and what is hovered, here or elsewhere ----------------------------------
  const sentence = (point) => {
    const [x, y] = valueOf(point);
    const name = its.labels[point] || `${its.selects || "point"} ${idOf(point)}`;
    const group = its.groups.find(([, colour]) => colour === its.colours[point])?.[0] ?? "";
    const form = its.shapes ? its.shape_names[formOf(point)] : "";
    const modulus = its.circle > 0 ? `modulus ${number(Math.hypot(x, y))}` : "";
    const facts = [cut(name, 60), name.includes(group) ? "" : group, form, `(${number(x)}, ${number(y)})`, modulus];
    return facts.filter(Boolean).join(" · ");
  };
  // The pointer may be still while points move under it.
  const find = () => {
    const found = pointer ? nearestPlace(places, pointer.x, pointer.y, NEAR) : -1;
    if (found >= 0) tip.show(sentence(found), pointer.x, pointer.y);
    else tip.hide();
    if (found === hovered) return;
    hovered = found;
    canvas.style.cursor = found >= 0 && its.selects ? "pointer" : "crosshair";
    if (its.selects) clock.hover(found >= 0 ? { [its.selects]: idOf(found) } : {});
    else paint();
  };
  for (const type of ["pointermove", "pointerleave"]) {
    canvas.addEventListener(type, (event) => {
      pointer = type === "pointermove" ? { x: event.offsetX, y: event.offsetY } : null;
      find();
    });
  }
  const pick = (point) => {
    if (point >= 0 && its.selects) clock.choose({ [its.selects]: idOf(point) });
  };
  canvas.addEventListener("click", () => pick(hovered));
  // With the plot in focus the arrows move the choice, not time.
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!move || !its.selects) return;
    event.preventDefault();
    pick(neighbour(places, pointOf(clock.choice[its.selects]), move));
  });

  // -- life -------------------------------------------------------------------------------
  const legend = () => {
    const forms = new Set(its.shapes ?? []);
    const signs = its.shape_names.map((name, form) => forms.size > 1 && forms.has(form) && [element("b", { text: SIGNS[form] }), name]);
    const swatches = its.groups.map(([name, colour]) => [element("i", { style: `background:${colour}` }), name]);
    groups.replaceChildren(...[...swatches, ...signs].filter(Boolean).map((entry) => element("span", {}, ...entry)));
    limits.button.hidden = steps < 2;
  };
  const repaint = () => { pen = null; draw(); };
  const renew = () => {
    its = Object.fromEntries(PARAMETERS.map((name) => [name, model[name]]));
    [positions, fixed, hovered] = [its.positions ?? [], null, -1];
    [steps, count] = its.positions?.shape ?? [0, 0];
    radius = radiusOf(count);
    canvas.tabIndex = its.selects ? 0 : -1;
    canvas.setAttribute("aria-label", `${its.label || "Points"}, moving with the step`);
    legend();
    repaint();
  };
  model.on(PARAMETERS, renew);
  renew();
  repaintWhenSeen(model, stage, repaint);
  follow(model, stage, draw);
  heed(model, "choice", paint);
  heed(model, "hover", paint);
}
