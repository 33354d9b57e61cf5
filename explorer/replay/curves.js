// Curves over the whole training with a cursor at the step on screen; a click or a drag goes there.
import { paintAxes, plotBox, roomy, ticksOf } from "../widgets/shared/axes.js";
import { clockOf, element, follow } from "../widgets/shared/clock.js";
import { finiteEnds, placesOf } from "../widgets/shared/numbers.js";
import { FONT, cut, repaintWhenSeen, sized, themed } from "../widgets/shared/paint.js";
/** @import { Component } from "../types" */

const AXIS_NAMES = { step: "step", log_step: "step (log)", epoch: "epoch", wall_time: "time (s)" };
const FEW_POINTS = 30; // are seen only if each has a dot

/**
 * Lowest and highest finite value of several arrays.
 *
 * @param {ArrayLike<number>[]} arrays
 * @returns {[number, number]}
 */
export function endsOf(arrays) {
  const ends = arrays.map((array) => finiteEnds(array));
  return [Math.min(...ends.map(([low]) => low)), Math.max(...ends.map(([, high]) => high))];
}

// Powers of ten on an axis that shows log10(1 + step).
export function powersOfTen(high) {
  const powers = Array.from({ length: Math.floor(high) + 1 }, (_, power) => 10 ** power);
  return [0, ...powers].map((step) => ({ value: Math.log10(1 + step), text: String(step) }));
}

/** @param {Component} component */
export function render({ model, el }) {
  const canvas = element("canvas", { role: "img" });
  const over = element("canvas", { class: "over", "aria-hidden": "true" });
  const stage = element("div", { class: "stage" }, canvas, over);
  const groups = element("span", { class: "groups" });
  el.append(element("div", { class: "plot" }, element("div", { class: "legend" }, groups), stage));
  let view = null;

  const curve = (pen, { colour, places, values }) => {
    const xs = placesOf(places, model.axis);
    Object.assign(pen, { strokeStyle: colour, fillStyle: colour, lineWidth: 1.8, lineJoin: "round" }).beginPath();
    let drawing = false;
    values.forEach((value, at) => {
      const known = Number.isFinite(value) && Number.isFinite(xs[at]);
      if (known) pen[drawing ? "lineTo" : "moveTo"](view.x(xs[at]), view.y(value));
      drawing = known;
    });
    pen.stroke();
    if (values.length > FEW_POINTS) return;
    values.forEach((value, at) => {
      if (!Number.isFinite(value) || !Number.isFinite(xs[at])) return;
      pen.beginPath();
      pen.arc(view.x(xs[at]), view.y(value), 2.5, 0, 2 * Math.PI);
      pen.fill();
    });
  };
  const draw = () => {
    const [width, height] = [stage.clientWidth, stage.clientHeight];
    if (!width || !height) return;
    const pen = sized(canvas, width, height);
    pen.font = FONT;
    const ink = Object.fromEntries(["text", "muted", "line"].map((name) => [name, themed(el, name)]));
    const steps = placesOf(model.clocks, model.axis);
    const [x0, x1] = roomy(...endsOf([steps, ...model.series.map(({ places }) => placesOf(places, model.axis))]), 0);
    const [y0, y1] = model.y_limits ?? roomy(...endsOf(model.series.map(({ values }) => values)), 0.05);
    const yTicks = ticksOf(y0, y1, height / 34);
    const names = { xName: AXIS_NAMES[model.axis], yName: model.y_name };
    const box = plotBox(pen, width, height, yTicks, names);
    const x = (value) => box.left + ((value - x0) / (x1 - x0)) * box.width;
    const y = (value) => box.top + (1 - (value - y0) / (y1 - y0)) * box.height;
    view = { box, x, y, steps };
    const xTicks = model.axis === "log_step" ? powersOfTen(x1) : ticksOf(x0, x1, box.width / 60);
    paintAxes(pen, ink, box, {
      xTicks: xTicks.map((tick) => ({ ...tick, at: x(tick.value) })),
      yTicks: yTicks.map((tick) => ({ ...tick, at: y(tick.value) })),
      ...names,
    });
    pen.save();
    pen.beginPath();
    pen.rect(box.left - 3, box.top - 3, box.width + 6, box.height + 6);
    pen.clip();
    model.series.forEach((series) => curve(pen, series));
    pen.restore();
    sized(over, width, height);
    cursor(clock.index);
  };
  const cursor = (index) => {
    if (!view) return;
    const pen = over.getContext("2d");
    pen.clearRect(0, 0, over.width, over.height);
    pen.fillStyle = themed(el, "time");
    pen.fillRect(Math.round(view.x(view.steps[index])) - 1, view.box.top, 2, view.box.height);
    over.dataset.index = index;
  };
  const legend = () => {
    groups.replaceChildren(...model.series.map(({ name, colour }) =>
      element("span", {}, element("i", { style: `background:${colour}` }), cut(name, 24))));
    canvas.setAttribute("aria-label", `${model.title}: ${model.series.map(({ name }) => name).join(", ")}`);
  };
  const seek = (event) => {
    if (!view || !event.buttons) return;
    const gaps = Array.from(view.steps, (place) => Math.abs(view.x(place) - event.offsetX));
    clock.go(gaps.indexOf(Math.min(...gaps)));
  };
  over.addEventListener("pointerdown", (event) => {
    over.setPointerCapture(event.pointerId);
    seek(event);
  });
  over.addEventListener("pointermove", seek);

  const clock = clockOf(model.channel);
  legend();
  model.on("series", legend);
  model.on(["series", "axis"], draw);
  repaintWhenSeen(model, stage, draw);
  draw();
  follow(model, stage, cursor);
}
