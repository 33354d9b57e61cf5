// The network as a graph: a box a layer, its kind told by colour and word; click selects. Boxes can
// show a quantity at the step on screen instead: what is learning, what is dead, what is large.
import { clockOf, element, follow, heed, introduce } from "../shared/clock.js";
import { clamp, finiteEnds } from "../shared/numbers.js";
import { FAMILY, coloured, fitted, inkOn, number, rgbOf, table } from "../shared/paint.js";
/** @import { Component } from "../../types" */

const CHIP = 62;
const NS = "http://www.w3.org/2000/svg";

function svg(tag, attributes, parent) {
  const made = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  parent?.append(made);
  return made;
}

// Lowest and highest finite value, of the logarithms if those are shown.
function limitsOf(values, logarithmic) {
  const [low, high] = finiteEnds(logarithmic ? Array.from(values, Math.log10) : values);
  return low > high ? [0, 1] : [low, high > low ? high : low + 1];
}

/** @param {Component} component */
export function render({ model, el }) {
  const box = element("div", { class: "graph" });
  const choice = element("select", { "aria-label": "What the boxes show", title: "What the boxes show" });
  const low = element("span");
  const high = element("span");
  const bar = element("canvas", { width: 255, height: 1, class: "bar" });
  const legend = element("div", { class: "legend" }, low, bar, high);
  const head = element("div", { class: "shows" }, element("label", { text: "Show " }, choice), legend);
  el.append(element("div", { class: "network" }, head, box));
  const pen = document.createElement("canvas").getContext("2d"); // to measure with
  let nodes = new Map();
  let limits = [0, 1];

  const edge = (points, parent) => {
    let path = `M${points[0][0]},${points[0][1]}`;
    for (let i = 1; i < points.length; i++) {
      const [[x0, y0], [x1, y1]] = [points[i - 1], points[i]];
      const middle = (y0 + y1) / 2;
      path += ` C${x0},${middle} ${x1},${middle} ${x1},${y1}`;
    }
    svg("path", { d: path, class: "edge", "marker-end": "url(#arrow)" }, parent);
  };
  const build = () => {
    const { width, height } = model.size;
    box.replaceChildren();
    nodes = new Map();
    const root = svg("svg", {
      viewBox: `0 0 ${width} ${height}`, width, height, role: "listbox", "aria-label": "Layers of the network",
    }, box);
    const marker = svg("marker", {
      id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 6, markerHeight: 6, orient: "auto",
    }, svg("defs", {}, root));
    svg("path", { d: "M0,0 L8,4 L0,8 z", class: "arrow" }, marker);
    for (const points of model.edges) edge(points, root);
    for (const node of model.nodes) {
      const group = svg("g", {
        class: "node", tabindex: 0, role: "option", "data-layer": node.name, "data-kind": node.kind,
        transform: `translate(${node.x},${node.y})`, "aria-label": node.title,
      }, root);
      svg("title", {}, group).textContent = node.title;
      svg("rect", { width: node.width, height: node.height, rx: 6, class: "box" }, group);
      svg("rect", { width: 5, height: node.height, rx: 2.5, fill: node.colour }, group);
      const line = (x, y, text, kind, anchor = "start") => {
        svg("text", { x, y, class: kind, "text-anchor": anchor }, group).textContent = text;
      };
      pen.font = `10.5px ${FAMILY}`;
      const room = node.width - 13 - 16 - pen.measureText(node.kind).width;
      pen.font = `600 12px ${FAMILY}`;
      line(13, 16, fitted(pen, node.name, room), "name");
      line(node.width - 8, 16, node.kind, "kind", "end");
      line(13, 30, node.shape, "detail");
      line(node.width - 8, 30, node.parameters, "detail parameters", "end");
      const chip = svg("g", { class: "chip", display: "none" }, group);
      svg("rect", { x: node.width - CHIP - 5, y: 19, width: CHIP, height: 15, rx: 3 }, chip);
      svg("text", { x: node.width - 5 - CHIP / 2, y: 30, "text-anchor": "middle" }, chip);
      const pick = () => clock.choose({ layer: node.name });
      group.addEventListener("click", pick);
      group.addEventListener("keydown", (event) => {
        const order = [...nodes.values()];
        const neighbour = order[order.indexOf(group) + ({ ArrowDown: 1, ArrowUp: -1 }[event.key] ?? 0)];
        if (event.key === "Enter" || event.key === " ") pick();
        else if (neighbour && neighbour !== group) neighbour.focus();
        else return;
        event.preventDefault();
        event.stopPropagation();
      });
      nodes.set(node.name, group);
    }
    if (clock.choice.layer) select();
  };
  // -- a quantity at the step on screen -----------------------------------------------------
  const settle = () => {
    const { quantities } = model;
    head.hidden = !Object.keys(quantities).length;
    choice.replaceChildren(element("option", { value: "", text: "kind and size" }),
      ...Object.entries(quantities).map(([value, text]) => element("option", { value, text })));
    choice.value = model.quantity;
    const known = isColoured();
    legend.hidden = !known;
    if (known) {
      limits = limitsOf(model.values, model.logarithmic);
      const [least, most] = limits.map((value) => (model.logarithmic ? 10 ** value : value));
      low.textContent = number(least);
      high.textContent = number(most);
      coloured(Uint8Array.from({ length: 255 }, (_, at) => at + 1), 255, 1, table(model.palette), bar);
    }
    colour(clock.index);
  };
  const isColoured = () => Boolean(model.quantity && model.values?.shape);
  const colour = (index) => {
    const known = isColoured();
    const { values, logarithmic, palette } = model;
    [...nodes.values()].forEach((group, layer) => {
      const value = known ? values[index * values.shape[1] + layer] : NaN;
      const chip = group.querySelector(".chip");
      chip.setAttribute("display", Number.isNaN(value) ? "none" : "");
      group.querySelector(".parameters").setAttribute("display", known ? "none" : "");
      if (Number.isNaN(value)) return;
      const shown = logarithmic ? Math.log10(value) : value;
      const share = clamp((shown - limits[0]) / (limits[1] - limits[0])) || 0;
      const colour = rgbOf(palette, Math.round(255 * share));
      chip.firstChild.setAttribute("fill", `rgb(${colour.join(" ")})`);
      chip.lastChild.style.fill = inkOn(...colour);
      chip.lastChild.textContent = number(value);
    });
  };
  choice.addEventListener("change", () => {
    introduce(model);
    model.quantity = choice.value;
    choice.blur();
  });
  const select = () => {
    for (const [name, group] of nodes) {
      const chosen = name === clock.choice.layer;
      group.setAttribute("aria-selected", chosen);
      if (!chosen) continue;
      const [it, pane] = [group.getBoundingClientRect(), box.getBoundingClientRect()];
      const isInSight =
        it.top >= pane.top && it.bottom <= pane.bottom && it.left >= pane.left && it.right <= pane.right;
      if (!isInSight) group.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  };
  model.on(["nodes", "edges"], build);
  const clock = clockOf(model.channel);
  build();
  heed(model, "choice", select);
  model.on(["quantities", "quantity", "values"], settle);
  settle();
  follow(model, box, (index) => isColoured() && colour(index));
}
