// explorer/widgets/shared/numbers.js
function clamp(value, low = 0, high = 1) {
  return Math.max(low, Math.min(high, value));
}
function finiteEnds(values, from = 0, to = values.length, floor = -Infinity) {
  let [low, high] = [Infinity, -Infinity];
  for (let at = from; at < to; at++) {
    const value = values[at];
    if (!Number.isFinite(value) || value <= floor) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

// explorer/widgets/shared/clock.js
function clockOf(channel) {
  const clocks = window.trainlapseClocks ??= /* @__PURE__ */ new Map();
  if (!clocks.has(channel)) {
    const clock = (
      /** @type {Clock} */
      new EventTarget()
    );
    clock.index = 0;
    clock.count = 1;
    clock.start = (count, index) => {
      clock.count = Math.max(1, count);
      clock.index = -1;
      clock.go(index);
    };
    clock.go = (index) => {
      const next = clamp(Math.round(index), 0, clock.count - 1);
      if (next === clock.index || Number.isNaN(next)) return;
      clock.index = next;
      clock.dispatchEvent(new Event("seek"));
      clock.dispatchEvent(new Event("tick"));
    };
    clock.choice = {};
    clock.families = /* @__PURE__ */ new Map();
    const units = /* @__PURE__ */ new Map();
    const familyOf = ({ layer }) => clock.families.get(layer) ?? layer;
    clock.choose = (change) => {
      const next = { ...clock.choice, ...change };
      units.set(familyOf(clock.choice), clock.choice.unit);
      if ("layer" in next) next.unit = change.unit ?? units.get(familyOf(next)) ?? 0;
      if (Object.entries(next).every(([name, value]) => clock.choice[name] === value)) return;
      clock.choice = next;
      clock.dispatchEvent(new Event("choice"));
    };
    clock.hovered = {};
    clock.hover = (what = {}) => {
      clock.hovered = what;
      clock.dispatchEvent(new Event("hover"));
    };
    clocks.set(channel, clock);
  }
  return clocks.get(channel);
}
function heed(model, event, listener) {
  const clock = clockOf(model.channel);
  clock.addEventListener(event, listener);
  model.on("remove", () => clock.removeEventListener(event, listener));
  listener();
  return clock;
}
var NEAR_PX = 200;
function follow(model, place, draw) {
  const clock = clockOf(model.channel);
  let near = false;
  const watcher = new IntersectionObserver((entries) => {
    near = entries.at(-1).isIntersecting;
    if (near) draw(clock.index);
  }, { rootMargin: `${NEAR_PX}px`, scrollMargin: `${NEAR_PX}px` });
  watcher.observe(place);
  const onTick = () => near && draw(clock.index);
  const onComplete = () => {
    near = place.getClientRects().length > 0;
    onTick();
  };
  clock.addEventListener("tick", onTick);
  clock.addEventListener("complete", onComplete);
  model.on("remove", () => {
    watcher.disconnect();
    clock.removeEventListener("tick", onTick);
    clock.removeEventListener("complete", onComplete);
  });
  return () => near;
}
function introduce(model) {
  for (const doc of window.Bokeh?.documents ?? []) {
    for (const made of doc._new_models ?? []) {
      if (made === model.data || made.data === model.data) doc._new_models.delete(made);
    }
  }
}
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") made.textContent = value;
    else if (value !== void 0 && value !== null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

// explorer/widgets/shared/paint.js
var FAMILY = '"Helvetica Neue", Helvetica, Arial, "Liberation Sans", sans-serif';
var FONT = `11px ${FAMILY}`;
function table(palette, low = 1, high = 255) {
  const made = new Uint32Array(256);
  const span = Math.max(1, high - low);
  for (let value = 1; value < 256; value++) {
    const at = 3 * clamp(Math.round((value - low) / span * 255), 0, 255);
    made[value] = 255 << 24 | palette[at + 2] << 16 | palette[at + 1] << 8 | palette[at];
  }
  return made;
}
function coloured(codes, width, height, colours, canvas = document.createElement("canvas")) {
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
function number(value) {
  if (value === 0) return "0";
  return Number.isFinite(value) ? Number(value.toPrecision(3)).toString() : String(value);
}
function fitted(pen, text, most) {
  if (pen.measureText(text).width <= most) return text;
  for (let kept = text.length - 1; kept > 1; kept--) {
    const head = Math.ceil(kept / 2);
    const short = `${text.slice(0, head)}…${text.slice(text.length - kept + head)}`;
    if (pen.measureText(short).width <= most) return short;
  }
  return "";
}
function rgbOf(palette, code) {
  return [palette[3 * code], palette[3 * code + 1], palette[3 * code + 2]];
}
function inkOn(red, green, blue) {
  const [r, g, b] = [red, green, blue].map((byte) => {
    const share = byte / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff";
}

// explorer/widgets/page/layer_graph.js
var CHIP = 62;
var NS = "http://www.w3.org/2000/svg";
function svg(tag, attributes, parent) {
  const made = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  parent?.append(made);
  return made;
}
function limitsOf(values, logarithmic) {
  const [low, high] = finiteEnds(logarithmic ? Array.from(values, Math.log10) : values);
  return low > high ? [0, 1] : [low, high > low ? high : low + 1];
}
function render({ model, el }) {
  const box = element("div", { class: "graph" });
  const choice = element("select", { "aria-label": "What the boxes show", title: "What the boxes show" });
  const low = element("span");
  const high = element("span");
  const bar = element("canvas", { width: 255, height: 1, class: "bar" });
  const legend = element("div", { class: "legend" }, low, bar, high);
  const head = element("div", { class: "shows" }, element("label", { text: "Show " }, choice), legend);
  el.append(element("div", { class: "network" }, head, box));
  const pen = document.createElement("canvas").getContext("2d");
  let nodes = /* @__PURE__ */ new Map();
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
    nodes = /* @__PURE__ */ new Map();
    const root = svg("svg", {
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: "listbox",
      "aria-label": "Layers of the network"
    }, box);
    const marker = svg("marker", {
      id: "arrow",
      viewBox: "0 0 8 8",
      refX: 7,
      refY: 4,
      markerWidth: 6,
      markerHeight: 6,
      orient: "auto"
    }, svg("defs", {}, root));
    svg("path", { d: "M0,0 L8,4 L0,8 z", class: "arrow" }, marker);
    for (const points of model.edges) edge(points, root);
    for (const node of model.nodes) {
      const group = svg("g", {
        class: "node",
        tabindex: 0,
        role: "option",
        "data-layer": node.name,
        "data-kind": node.kind,
        transform: `translate(${node.x},${node.y})`,
        "aria-label": node.title
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
  const settle = () => {
    const { quantities } = model;
    head.hidden = !Object.keys(quantities).length;
    choice.replaceChildren(
      element("option", { value: "", text: "kind and size" }),
      ...Object.entries(quantities).map(([value, text]) => element("option", { value, text }))
    );
    choice.value = model.quantity;
    const known = isColoured();
    legend.hidden = !known;
    if (known) {
      limits = limitsOf(model.values, model.logarithmic);
      const [least, most] = limits.map((value) => model.logarithmic ? 10 ** value : value);
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
      const colour2 = rgbOf(palette, Math.round(255 * share));
      chip.firstChild.setAttribute("fill", `rgb(${colour2.join(" ")})`);
      chip.lastChild.style.fill = inkOn(...colour2);
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
      const isInSight = it.top >= pane.top && it.bottom <= pane.bottom && it.left >= pane.left && it.right <= pane.right;
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
export {
  render
};
