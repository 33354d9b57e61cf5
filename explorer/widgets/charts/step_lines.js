// A small chart that changes with the slider: all steps are here, a tick only draws.
import { LINE, paintAxes, plotBox, roomy, ticksOf } from "../shared/axes.js";
import { UNCHOSEN, clockOf, element, follow, heed } from "../shared/clock.js";
import { limitsOf } from "../shared/limits.js";
import { messageOn } from "../shared/message.js";
import { clamp, finiteEnds, nearest } from "../shared/numbers.js";
import { cut, number, repaintWhenSeen, sized, themed, tipOn } from "../shared/paint.js";
/** @import { Component } from "../../types" */

const NEAR = 24; // pixels from the pointer to a series under it
const MOST_LETTERS = 14; // of a text under the x axis
const MOST_TOLD = 3; // series in the tip; of more, the nearest one
const MOST_GHOSTS = 6; // series; of more, the chosen one and the one in focus
const TILT = Math.PI / 4;
const DASHES = { first: [1.5, 3], last: [6, 4] };
const PARAMETERS = [
  "x", "y", "names", "colours", "colours_of", "kind", "y_limits", "x_name", "y_name", "x_labels", "diagonal", "log_y",
  "markers", "ghost", "selects", "picks", "ids", "x_hover", "if_zero", "label",
];

// Ends of the y axis over a stretch of values. Bars stand on zero; a logarithm needs what is above.
function endsOf(values, from, to, { zero = false, log = false } = {}) {
  let [low, high] = finiteEnds(values, from, to, log ? 0 : -Infinity);
  if (zero && !log) [low, high] = [Math.min(0, low), Math.max(0, high)];
  if (log) return low <= high ? roomy(Math.log10(low), Math.log10(high), 0.05).map((power) => 10 ** power) : [0.1, 1];
  const [least, most] = roomy(low, high, 0.05);
  if (!zero) return [least, most];
  return low === high ? [0, 1] : [low < 0 ? least : 0, high > 0 ? most : 0];
}

// Powers of ten between two ends, about `most` of them; of few also their doubles and fives.
function logTicks(low, high, most) {
  const [first, last] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
  const every = Math.max(1, Math.ceil((last - first + 1) / Math.max(1, most)));
  const powers = Array.from({ length: Math.max(0, last - first + 2) }, (_, at) => first - 1 + at);
  return powers
    .flatMap((power) => ((power - first) % every ? [] : (last - first < 2 ? [1, 2, 5] : [1]).map((times) => [times, power])))
    .map(([times, power]) => ({ value: Number(`${times}e${power}`), text: `${times}e${power}`, plain: power >= -3 && power <= 4 }))
    .filter(({ value }) => value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9))
    .map(({ value, text, plain }) => ({ value, text: plain ? String(value) : text }));
}

// Where each place on the x axis begins and the last one ends: half way to its neighbours.
function edgesOf(xs) {
  const middles = xs.slice(1).map((x, at) => (x + xs[at]) / 2);
  if (!middles.length) return [xs[0] - 0.5, xs[0] + 0.5];
  return [2 * xs[0] - middles[0], ...middles, 2 * xs.at(-1) - middles.at(-1)];
}

// What to say of a stretch of values of which nothing is to be seen: none, or bars without height.
export function saidOf(values, from, to, { bars = false, log = false, still = false, ifZero = "" } = {}) {
  const when = still ? "." : " at this step.";
  let [known, seen] = [0, 0];
  for (let at = from; at < to; at++) {
    if (!Number.isFinite(values[at])) continue;
    known += 1;
    if (log ? values[at] > 0 : !bars || values[at] !== 0) seen += 1;
  }
  if (seen) return "";
  if (!known) return `No value is a number${when}`;
  return log ? `No value is above 0${when}` : ifZero || `All values are 0${when}`;
}

/** @param {Component} component */
export function render({ model, el }) {
  const canvas = element("canvas", { role: "img" });
  const stage = element("div", { class: "stage" }, canvas);
  const say = messageOn(stage, [canvas]);
  const groups = element("span", { class: "groups" });
  const hint = element("span");
  const limits = limitsOf("y axis", () => draw());
  el.append(element("div", { class: "plot" }, stage, element("div", { class: "legend" }, groups, hint, limits.button)));
  const tip = tipOn(stage);
  const clock = clockOf(model.channel);
  let pen = null; // null until there is a place to draw
  /** @type {Record<string, string>} */
  let ink = {};
  let [view, xs, edges] = [null, [], []];
  let fixed = null; // ends of the y axis that hold for all steps
  let [pointer, over, listed] = [null, null, -1]; // what is under the pointer; a series in the legend

  /** @type {Record<string, any>} */
  let its = {}; // the parameters: those of the model are slow to read
  let [values, steps, count, places] = [[], 0, 0, 0];
  const upTo = (most) => Array.from({ length: most }, (_, at) => at);
  const stepAt = () => clamp(clock.index, 0, steps - 1);
  const valueOf = (series, at, step = stepAt()) => values[(step * count + series) * places + at];
  const [bars, stairs] = [() => its.kind === "bars", () => its.kind === "steps"];
  const showsGhosts = () => its.ghost && steps > 1 && !(bars() && count > 1);
  const bySeries = () => its.picks === "series";
  const colourOf = (series, at = 0) => its.colours[(its.colours_of === "x" ? at : series) % its.colours.length];
  const idOf = (which) => its.ids[which] ?? which;
  const numberOf = (id) => {
    if (!its.selects) return -1;
    return its.ids.length ? its.ids.indexOf(id) : (id ?? -1);
  };

  // -- axes -------------------------------------------------------------------------------
  const rules = () => ({ zero: bars(), log: its.log_y });
  const look = () => {
    const [width, height] = [stage.clientWidth, stage.clientHeight];
    if (!width || !height) return false; // hidden: nothing to paint
    ink = Object.fromEntries(["text", "muted", "line", "select", "chosen"].map((name) => [name, themed(el, name)]));
    pen = sized(canvas, width, height);
    pen.font = "11px system-ui, sans-serif";
    pen.lineJoin = "round";
    fixed ??= its.y_limits.length ? its.y_limits : endsOf(values, 0, values.length, rules());
    view = { width, height };
    return true;
  };
  const drawAxes = ([low, high]) => {
    const { width, height } = view;
    const names = { xName: its.x_name, yName: its.y_name };
    const yTicks = (its.log_y ? logTicks : ticksOf)(low, high, height / 42);
    const wanted = its.x_labels.map((text) => cut(text, MOST_LETTERS));
    const widthOf = (texts) => Math.max(0, ...texts.map((text) => pen.measureText(text).width));
    const tilted = wanted.length > 1 && widthOf(wanted) + 6 > (width - 60) / wanted.length;
    const every = tilted ? Math.ceil(((LINE + 1) * wanted.length) / (width - 60)) : 1;
    const texts = wanted.map((text, at) => (at % every ? "" : text));
    const box = plotBox(pen, width, height, yTicks, { ...names, below: tilted ? widthOf(texts) * Math.sin(TILT) + 14 : LINE + 5 });
    const [x0, x1] = bars() || stairs() ? [edges[0], edges.at(-1)] : roomy(xs[0], xs.at(-1), 0.02);
    const scaled = (value) => (its.log_y ? Math.log10(value) : value);
    const [top, bottom] = [scaled(high), scaled(low)];
    const x = (value) => box.left + ((value - x0) / (x1 - x0)) * box.width;
    // What has no place on the axis is NaN.
    const y = (value) => (Number.isFinite(scaled(value)) ? box.top + ((top - scaled(value)) / (top - bottom)) * box.height : NaN);
    const xTicks = texts.length
      ? texts.map((text, at) => ({ at: x(xs[at]), text: tilted ? "" : text, bare: true }))
      : ticksOf(x0, x1, box.width / 60).map((tick) => ({ ...tick, at: x(tick.value), bare: bars() }));
    paintAxes(pen, ink, box, { xTicks, yTicks: yTicks.map((tick) => ({ ...tick, at: y(tick.value) })), ...names });
    view = { width, height, box, x, y };
    if (!tilted) return;
    pen.textAlign = "right";
    texts.forEach((text, at) => {
      pen.save();
      pen.translate(x(xs[at]) + 3, box.top + box.height + 8);
      pen.rotate(-TILT);
      pen.fillText(text, 0, 0);
      pen.restore();
    });
    pen.textAlign = "left";
  };

  // -- series -----------------------------------------------------------------------------
  const baseOf = () => (its.log_y ? view.box.top + view.box.height : view.y(0));
  const drawBars = (series) => {
    for (const at of upTo(places)) {
      const top = view.y(valueOf(series, at));
      if (Number.isNaN(top)) continue;
      const [left, right] = [view.x(edges[at]), view.x(edges[at + 1])];
      const wide = ((right - left) * (count > 1 ? 0.8 : 0.88)) / count;
      const start = (left + right) / 2 + (series - count / 2) * wide;
      pen.fillStyle = colourOf(series, at);
      pen.fillRect(start, Math.min(top, baseOf()), Math.max(1, wide - (wide > 5 ? 1 : 0)), Math.max(1, Math.abs(top - baseOf())));
    }
  };
  // A line or a staircase. What is not known leaves a gap; a place on its own is a short line.
  const trace = (series, step, wide = stairs()) => {
    let down = false;
    const heights = upTo(places).map((at) => view.y(valueOf(series, at, step)));
    pen.beginPath();
    heights.forEach((y, at) => {
      const [before, start] = [down, view.x(wide ? edges[at] : xs[at])];
      down = !Number.isNaN(y);
      if (!down) return;
      if (before) pen.lineTo(start, y);
      else pen.moveTo(start, y);
      if (wide) pen.lineTo(view.x(edges[at + 1]), y);
      else if (!before && !(heights[at + 1] >= -Infinity)) pen.lineTo(start + 1, y);
    });
    pen.stroke();
  };
  // The first and the last step, for comparison; of bars their outline.
  const drawGhosts = (series) => {
    Object.assign(pen, { globalAlpha: 0.7, lineWidth: 1.2, strokeStyle: bars() ? ink.text : colourOf(series) });
    for (const [step, dashes] of [[0, DASHES.first], [steps - 1, DASHES.last]]) {
      pen.setLineDash(dashes);
      trace(series, step, bars() || stairs());
    }
    pen.setLineDash([]);
    pen.globalAlpha = 1;
  };
  const dot = (series, at, radius) => {
    const y = view.y(valueOf(series, at));
    if (Number.isNaN(y)) return;
    pen.fillStyle = colourOf(series);
    pen.beginPath();
    pen.arc(view.x(xs[at]), y, radius, 0, 2 * Math.PI);
    pen.fill();
  };
  const drawSeries = (series, strength) => {
    pen.globalAlpha = strength < 0 ? 0.45 : 1;
    if (bars()) drawBars(series);
    else {
      Object.assign(pen, { strokeStyle: colourOf(series), lineWidth: strength > 0 ? 2.8 : 1.8 });
      trace(series);
      if (its.markers) upTo(places).forEach((at) => dot(series, at, strength > 0 ? 3.2 : 2.5));
    }
    pen.globalAlpha = 1;
  };
  const drawColumn = (at, colour, alpha) => {
    const { box, x } = view;
    const [left, right] = [Math.max(box.left, x(edges[at])), Math.min(box.left + box.width, x(edges[at + 1]))];
    Object.assign(pen, { fillStyle: colour, globalAlpha: alpha }).fillRect(left, box.top, right - left, box.height);
    pen.globalAlpha = 1;
  };
  const paint = () => {
    if (!pen && !look()) return;
    canvas.dataset.index = clock.index;
    const from = stepAt() * count * places;
    say(saidOf(values, from, from + count * places, { bars: bars(), log: its.log_y, still: steps < 2, ifZero: its.if_zero }), clock.index);
    pen.clearRect(0, 0, view.width, view.height);
    drawAxes(limits.free ? endsOf(values, from, from + count * places, rules()) : fixed);
    if (!steps || !count || !places) return;
    const { box, x, y } = view;
    const chosen = numberOf(clock.choice[its.selects]);
    const hovered = numberOf(clock.hovered[its.selects]);
    const place = over?.at ?? clock.hovered[its.x_hover] ?? (bySeries() ? -1 : hovered);
    const strong = listed >= 0 ? listed : bySeries() ? (over?.series ?? hovered) : -1;
    const favourites = [strong, bySeries() ? chosen : -1].filter((series) => series >= 0 && series < count);
    const strength = (series) => (favourites.includes(series) ? 1 : favourites.length ? -1 : 0);
    const order = upTo(count).sort((one, other) => strength(one) - strength(other));
    const ghosts = () => {
      if (showsGhosts()) order.filter((series) => count <= MOST_GHOSTS || favourites.includes(series)).forEach(drawGhosts);
    };
    pen.save();
    pen.beginPath();
    pen.rect(box.left, box.top - 1, box.width, box.height + 2);
    pen.clip();
    if (!bySeries() && chosen >= 0 && chosen < places) drawColumn(chosen, ink.chosen, 1);
    if (place >= 0 && place < places && bars()) drawColumn(place, ink.muted, 0.18);
    else if (place >= 0 && place < places) {
      pen.fillStyle = ink.muted;
      pen.fillRect(Math.round(x(xs[place])), box.top, 1, box.height);
    }
    if (its.diagonal) {
      Object.assign(pen, { strokeStyle: ink.muted, lineWidth: 1 }).beginPath();
      for (let part = 0; part <= 100; part++) {
        const value = edges[0] + (part / 100) * (edges.at(-1) - edges[0]);
        pen.lineTo(x(value), y(value)); // straight on a linear axis alone
      }
      pen.stroke();
    }
    if (!bars()) ghosts();
    for (const series of order) drawSeries(series, strength(series));
    if (bars()) ghosts();
    else if (place >= 0) order.forEach((series) => (count <= MOST_TOLD || series === over?.series) && dot(series, place, 3.5));
    pen.restore();
  };
  const draw = () => {
    paint();
    if (over) tell();
  };

  // -- what is chosen and what is hovered, here or elsewhere ----------------------------------
  const tell = () => {
    const { at, series } = over;
    const nameOf = (which) => (count > 1 ? `${cut(its.names[which] ?? `series ${which}`, 20)} ` : "");
    const told = count <= MOST_TOLD ? upTo(count) : [series].filter((which) => which >= 0);
    const where = its.x_labels[at] ? cut(its.x_labels[at], 40) : `${its.x_name || "x"} ${number(xs[at])}`;
    tip.show([where, ...told.map((which) => nameOf(which) + number(valueOf(which, at)))].join(" · "), pointer.x, pointer.y);
  };
  const picked = () => (bySeries() ? over?.series : over?.at) ?? -1;
  const find = () => {
    const { box, x, y } = view ?? {};
    const inside = pointer && box && places && pointer.x >= box.left && pointer.x <= box.left + box.width;
    const before = over;
    const at = inside ? nearest(xs.map(x), pointer.x) : -1;
    over = inside ? { at, series: nearest(upTo(count).map((series) => y(valueOf(series, at))), pointer.y, NEAR) } : null;
    if (over) tell();
    else tip.hide();
    if (over?.at === before?.at && over?.series === before?.series) return;
    canvas.style.cursor = its.selects && picked() >= 0 ? "pointer" : "crosshair";
    const what = {};
    if (over && its.x_hover) what[its.x_hover] = at;
    if (its.selects && picked() >= 0) what[its.selects] = idOf(picked());
    clock.hover(what);
  };
  for (const type of ["pointermove", "pointerleave"]) {
    canvas.addEventListener(type, (event) => {
      pointer = type === "pointermove" ? { x: event.offsetX, y: event.offsetY } : null;
      find();
    });
  }
  const pick = (which) => {
    if (!its.selects || !(which >= 0 && which < (bySeries() ? count : places))) return;
    const again = its.selects === "target" && clock.choice.target === idOf(which);
    clock.choose({ [its.selects]: again ? UNCHOSEN : idOf(which) });
  };
  canvas.addEventListener("click", () => pick(picked()));
  // With the chart in focus the arrows move the choice, not time.
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!move || !its.selects) return;
    event.preventDefault();
    pick(numberOf(clock.choice[its.selects]) + move);
  });

  // -- life -------------------------------------------------------------------------------
  const entry = (name, series) => {
    const swatch = element("i", { style: `background:${colourOf(series)}` });
    const made = bySeries() && its.selects ? element("button", { type: "button" }, swatch, name) : element("span", {}, swatch, name);
    for (const [type, which] of [["pointerenter", series], ["pointerleave", -1]]) {
      made.addEventListener(type, () => {
        listed = which;
        paint();
      });
    }
    if (bySeries()) made.addEventListener("click", () => pick(series));
    return made;
  };
  const legend = () => {
    groups.replaceChildren(...(count > 1 && its.colours_of === "series" ? its.names.map(entry) : []));
    hint.textContent = showsGhosts() ? "dotted: first step, dashed: last step" : "";
    limits.button.hidden = steps < 2;
  };
  const repaint = () => { pen = null; draw(); };
  const renew = () => {
    fixed = over = null;
    its = Object.fromEntries(PARAMETERS.map((name) => [name, model[name]]));
    values = its.y ?? [];
    [steps, count, places] = its.y?.shape ?? [0, 0, 0];
    xs = places ? upTo(places).map((at) => its.x?.[at] ?? at) : [0, 1];
    edges = edgesOf(xs);
    canvas.tabIndex = its.selects ? 0 : -1;
    canvas.setAttribute("aria-label", `${its.label || "Chart"}, changing with the step`);
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
