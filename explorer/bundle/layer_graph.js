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
function isTyped(event) {
  const target = (
    /** @type {any} */
    event.composedPath()[0]
  );
  return target?.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target?.tagName ?? "") || target?.tagName === "INPUT" && target.type !== "range";
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

// explorer/widgets/shared/graph_places.js
var BOX = { widest: 222, narrowest: 104, height: 38 };
var GAP = { x: 14, y: 18 };
var MARGIN = 8;
var LANE = 10;
var FRAME = { side: 7, head: 22, foot: 8 };
var isLayer = (node) => node[0] === "=";
var isBlock = (node) => node[0] === "#";
var isPort = (node) => node[0] === "<" || node[0] === ">";
var numberOf = (node) => Number(node.slice(1));
function placed(levels, open, room) {
  const whole = measured(levels, open, 0, room - 2 * MARGIN);
  const places = /* @__PURE__ */ new Map();
  const lines = [];
  put(whole, MARGIN, MARGIN, places, lines);
  return { places, lines, width: whole.width + 2 * MARGIN, height: whole.height + 2 * MARGIN };
}
function measured(levels, open, at, room) {
  const { rows } = levels[at];
  const isOpen = (node) => isBlock(node) && open.has(numberOf(node));
  const inner = /* @__PURE__ */ new Map();
  const least = (row, count) => (room - GAP.x * (row.length - 1) - LANE * (row.length - count)) / count;
  const counted = rows.map((row) => row.filter((node) => isLayer(node) || isBlock(node)).length);
  const alone = clamp(
    Math.min(...rows.map((row, rank) => counted[rank] === 1 ? least(row, 1) : Infinity)),
    BOX.narrowest,
    BOX.widest
  );
  const sizes = /* @__PURE__ */ new Map();
  rows.forEach((row, rank) => {
    const width2 = counted[rank] > 1 ? clamp(least(row, counted[rank]), BOX.narrowest, alone) : alone;
    for (const node of row) {
      if (isOpen(node)) {
        const held = measured(levels, open, numberOf(node) + 1, Math.max(width2, least(row, counted[rank])) - 2 * FRAME.side);
        inner.set(node, held);
        sizes.set(node, { width: held.width + 2 * FRAME.side, height: held.height + FRAME.head + FRAME.foot });
      } else if (isLayer(node) || isBlock(node)) sizes.set(node, { width: width2, height: BOX.height });
      else sizes.set(node, { width: LANE, height: 0 });
    }
  });
  const widths = rows.map((row) => row.reduce((sum, node) => sum + sizes.get(node).width, GAP.x * (row.length - 1)));
  const heights = rows.map((row) => Math.max(0, ...row.map((node) => sizes.get(node).height)));
  const width = Math.max(0, ...widths);
  const height = heights.reduce((sum, tall) => sum + tall, GAP.y * Math.max(0, rows.length - 1));
  return { level: levels[at], inner, sizes, widths, heights, width, height };
}
function put({ level, inner, sizes, widths, heights, width }, left, top, places, lines) {
  const own = /* @__PURE__ */ new Map();
  const ports = /* @__PURE__ */ new Map();
  let y = top;
  level.rows.forEach((row, rank) => {
    let x = left + (width - widths[rank]) / 2;
    for (const node of row) {
      const place = { x, y, ...sizes.get(node), foot: y + heights[rank] };
      own.set(node, place);
      if (isLayer(node) || isBlock(node)) places.set(node, place);
      if (isPort(node)) ports.set(node, [x + place.width / 2, y]);
      const held = inner.get(node);
      if (held) place.ports = put(held, x + FRAME.side, y + FRAME.head, places, lines);
      x += place.width + GAP.x;
    }
    y += heights[rank] + GAP.y;
  });
  const middle = ({ x, width: wide }) => x + wide / 2;
  level.chains.forEach((chain, at) => {
    const [first, last] = [own.get(chain[0]), own.get(chain.at(-1))];
    const source = first.ports?.get(`>${level.carries[at]}`)?.[0] ?? middle(first);
    const points = [[source, first.y + first.height]];
    if (first.foot > points[0][1]) points.push([source, first.foot]);
    for (const node of chain.slice(1, -1)) {
      const passed = own.get(node);
      points.push([middle(passed), passed.y]);
      if (passed.foot > passed.y) points.push([middle(passed), passed.foot]);
    }
    points.push([last.ports?.get(`<${level.carries[at]}`)?.[0] ?? middle(last), last.y]);
    const out = first.ports?.get(`>${level.carries[at]}`);
    if (out) points.unshift(out);
    lines.push(points);
  });
  return ports;
}

// explorer/widgets/page/layer_graph.js
var CHIP = 62;
var ROOM = 238;
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
function waysTo(blocks, count) {
  const ways = Array.from({ length: count }, () => []);
  blocks.forEach(({ layers }, at) => layers.forEach((layer) => ways[layer].push(at)));
  return ways;
}
function found(nodes, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const text = (node) => `${node.name} ${node.kind} ${node.class}`.toLowerCase();
  return nodes.flatMap((node, at) => words.every((word) => text(node).includes(word)) ? [at] : []);
}
function nameWithin(name, block) {
  const rest = block !== void 0 && /^[_.](?=.)/.test(name.slice(block.length)) && name.startsWith(block);
  return rest ? `…${name.slice(block.length + 1)}` : name;
}
function line(points) {
  let path = `M${points[0][0]},${points[0][1]}`;
  for (let i = 1; i < points.length; i++) {
    const [[x0, y0], [x1, y1]] = [points[i - 1], points[i]];
    const middle = (y0 + y1) / 2;
    path += x0 === x1 ? ` L${x1},${y1}` : ` C${x0},${middle} ${x1},${middle} ${x1},${y1}`;
  }
  return path;
}
function render({ model, el }) {
  const box = element("div", { class: "graph" });
  const choice = element("select", { "aria-label": "What the boxes show", title: "What the boxes show" });
  const low = element("span");
  const high = element("span");
  const bar = element("canvas", { width: 255, height: 1, class: "bar" });
  const legend = element("div", { class: "legend" }, low, bar, high);
  const head = element("div", { class: "shows" }, element("label", { text: "Show " }, choice), legend);
  const query = element("input", {
    type: "search",
    placeholder: "Find a layer (/)",
    "aria-label": "Find a layer by name, kind or class",
    title: "By name, kind or class. Enter: the next one, with Shift the one before"
  });
  const counted = element("span", { role: "status" });
  const search = element("div", { class: "finds" }, query, counted);
  el.append(element("div", { class: "network" }, head, search, box));
  const pen = document.createElement("canvas").getContext("2d");
  let entries = [];
  let limits = [0, 1];
  let ways = [];
  let open = /* @__PURE__ */ new Set();
  let hits = [];
  let width = 0;
  let chosen;
  const write = (parent, x, y, text, kind, anchor = "start") => {
    svg("text", { x, y, class: kind, "text-anchor": anchor }, parent).textContent = text;
  };
  const named = (parent, about, room, y = 16) => {
    pen.font = `10.5px ${FAMILY}`;
    const kind = pen.measureText(about.kind).width;
    const hasKind = room - 29 - kind > 60;
    pen.font = `600 12px ${FAMILY}`;
    write(parent, 13, y, fitted(pen, about.name, room - 18 - (hasKind ? kind + 11 : 0)), "name");
    if (hasKind) write(parent, room - 8, y, about.kind, "kind", "end");
  };
  const sized = (parent, about, first, room, y = 30) => {
    pen.font = `10.5px ${FAMILY}`;
    write(parent, 13, y, fitted(pen, first, room - 20), "detail");
    const isFree = pen.measureText(first).width + pen.measureText(about.parameters).width + 32 < room;
    if (isFree) write(parent, room - 8, y, about.parameters, "detail parameters", "end");
  };
  const drawLayer = (group, about, { width: wide, height }, at) => {
    svg("rect", { width: wide, height, rx: 6, class: "box" }, group);
    svg("rect", { width: 5, height, rx: 2.5, fill: about.colour }, group);
    named(group, { ...about, name: nameWithin(about.name, model.blocks[ways[at].at(-1)]?.name) }, wide);
    sized(group, about, about.shape, wide);
    const chip = svg("g", { class: "chip", display: "none" }, group);
    const broad = Math.min(CHIP, wide - 18);
    svg("rect", { x: wide - broad - 5, y: 19, width: broad, height: 15, rx: 3 }, chip);
    svg("text", { x: wide - 5 - broad / 2, y: 30, "text-anchor": "middle" }, chip);
    return { chip };
  };
  const drawClosed = (group, about, { width: wide, height }) => {
    svg("rect", { x: 5, y: 4, width: wide - 5, height, rx: 6, class: "box behind" }, group);
    svg("rect", { width: wide - 3, height, rx: 6, class: "box" }, group);
    named(group, { ...about, name: `▸ ${nameWithin(about.name, model.blocks[about.within]?.name)}` }, wide - 3, 15);
    const most = (wide - 24) / about.layers.length;
    const strip = about.layers.map((layer, at) => svg("rect", {
      x: 13 + at * most,
      y: height - 6,
      width: Math.max(0.5, most - (most > 3 ? 1 : 0)),
      height: 3,
      fill: model.nodes[layer].colour
    }, group));
    const holds2 = about.layers.find((layer) => model.nodes[layer].name === clock.choice.layer);
    const inside = holds2 === void 0 ? `${about.layers.length} layers` : model.nodes[holds2].name;
    sized(group, about, inside, wide - 3, 28);
    return { strip };
  };
  const drawOpen = (group, about, { width: wide, height }) => {
    svg("rect", { width: wide, height, rx: 8, class: "frame" }, group);
    const heading = svg("g", { class: "heading" }, group);
    svg("rect", { width: wide, height: 22, rx: 8, class: "box" }, heading);
    named(heading, { ...about, name: `▾ ${about.name}` }, wide, 15);
    return {};
  };
  const build = () => {
    const { nodes, blocks } = model;
    width = box.clientWidth || ROOM;
    const { places, lines, ...size } = placed(model.levels, open, width);
    box.replaceChildren();
    const root = svg("svg", {
      viewBox: `0 0 ${size.width} ${size.height}`,
      ...size,
      role: "tree",
      "aria-label": "Layers of the network",
      "aria-multiselectable": false
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
    const frames = svg("g", {}, root);
    const edges = svg("g", {}, root);
    for (const points of lines) svg("path", { d: line(points), class: "edge", "marker-end": "url(#arrow)" }, edges);
    const firstOf = ({ layer, block }) => layer ?? blocks[block].layers[0];
    const depth = ({ layer, block }) => block === void 0 ? ways[layer].length : ways[blocks[block].layers[0]].indexOf(block);
    const entryOf = (node, place) => {
      const [number2, isLayer2] = [Number(node.slice(1)), node[0] === "="];
      return { layer: isLayer2 ? number2 : void 0, block: isLayer2 ? void 0 : number2, place };
    };
    entries = [...places].map(([node, place]) => entryOf(node, place)).sort((one, other) => firstOf(one) - firstOf(other) || depth(one) - depth(other));
    for (const entry of entries) {
      const { layer, block, place } = entry;
      const about = block === void 0 ? nodes[layer] : blocks[block];
      const isOpen = block !== void 0 && open.has(block);
      const group = svg("g", {
        class: block === void 0 ? "node" : isOpen ? "node block open" : "node block",
        tabindex: 0,
        role: "treeitem",
        transform: `translate(${place.x},${place.y})`,
        "aria-label": about.title,
        "aria-level": depth(entry) + 1,
        ...block === void 0 ? { "data-layer": about.name, "data-kind": about.kind } : { "data-block": about.name, "aria-expanded": isOpen }
      }, isOpen ? frames : root);
      svg("title", {}, group).textContent = about.title;
      const draw = block === void 0 ? drawLayer : isOpen ? drawOpen : drawClosed;
      Object.assign(entry, { group }, draw(group, about, place, layer));
      const act = () => block === void 0 ? clock.choose({ layer: about.name }) : toggle(block);
      (group.querySelector(".heading") ?? group).addEventListener("click", act);
      group.addEventListener("keydown", (event) => onKey(event, entry, act));
    }
    mark();
    colour(clock.index);
  };
  const toggle = (block, isOpen = !open.has(block)) => {
    if (isOpen) open.add(block);
    else open.delete(block);
    build();
    const { group } = entries.find((entry) => entry.block === block);
    group.focus({ preventScroll: true });
    bring(group);
  };
  const onKey = (event, entry, act) => {
    const at = entries.indexOf(entry);
    const beside = entries[at + ({ ArrowDown: 1, ArrowUp: -1 }[event.key] ?? 0)];
    const { layer, block } = entry;
    const outer = block === void 0 ? ways[layer].at(-1) : open.has(block) ? block : model.blocks[block].within;
    if (event.key === "Enter" || event.key === " ") act();
    else if (event.key === "ArrowRight" && block !== void 0 && !open.has(block)) toggle(block);
    else if (event.key === "ArrowLeft" && outer !== void 0 && outer !== -1) toggle(outer, false);
    else if (beside && beside !== entry) beside.group.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
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
    const { blocks, nodes, values, logarithmic, palette } = model;
    const valueOf = (layer) => known ? values[index * values.shape[1] + layer] : NaN;
    const colourOf = (value) => {
      const shown = logarithmic ? Math.log10(value) : value;
      return rgbOf(palette, Math.round(255 * (clamp((shown - limits[0]) / (limits[1] - limits[0])) || 0)));
    };
    for (const { layer, block, group, chip, strip } of entries) {
      strip?.forEach((part, at) => {
        const own2 = blocks[block].layers[at];
        const value2 = valueOf(own2);
        const shown = Number.isNaN(value2) ? "var(--tl-line)" : `rgb(${colourOf(value2).join(" ")})`;
        part.setAttribute("fill", known ? shown : nodes[own2].colour);
      });
      if (!chip) continue;
      const value = valueOf(layer);
      chip.setAttribute("display", Number.isNaN(value) ? "none" : "");
      group.querySelector(".parameters")?.setAttribute("display", known ? "none" : "");
      if (Number.isNaN(value)) continue;
      const own = colourOf(value);
      chip.firstChild.setAttribute("fill", `rgb(${own.join(" ")})`);
      chip.lastChild.style.fill = inkOn(...own);
      chip.lastChild.textContent = number(value);
    }
  };
  choice.addEventListener("change", () => {
    introduce(model);
    model.quantity = choice.value;
    choice.blur();
  });
  const holds = ({ layer, block }, wanted) => block === void 0 ? layer === wanted : !open.has(block) && model.blocks[block].layers.includes(wanted);
  const bring = (group) => {
    const [it, pane] = [group.getBoundingClientRect(), box.getBoundingClientRect()];
    const isInSight = it.top >= pane.top && it.bottom <= pane.bottom && it.left >= pane.left && it.right <= pane.right;
    if (!isInSight) group.scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  const mark = () => {
    const wanted = model.nodes.findIndex(({ name }) => name === clock.choice.layer);
    for (const entry of entries) {
      const isIt = holds(entry, wanted);
      entry.group.setAttribute("aria-selected", isIt);
      const isHit = hits.some((hit) => holds(entry, hit));
      entry.group.classList.toggle("missed", hits.length > 0 && !isHit && !open.has(entry.block));
    }
    return entries.find((entry) => holds(entry, wanted))?.group;
  };
  const reveal = (layer) => {
    const shut = ways[layer]?.filter((block) => !open.has(block)) ?? [];
    shut.forEach((block) => open.add(block));
    if (shut.length) build();
  };
  const select = () => {
    if (chosen !== clock.choice.layer) reveal(model.nodes.findIndex(({ name }) => name === clock.choice.layer));
    chosen = clock.choice.layer;
    const group = mark();
    if (group) bring(group);
  };
  const look = () => {
    hits = found(model.nodes, query.value);
    counted.textContent = query.value.trim() ? `${hits.length} of ${model.nodes.length}` : "";
    mark();
    const first = entries.find((entry) => hits.some((hit) => holds(entry, hit)));
    if (first) bring(first.group);
  };
  query.addEventListener("input", look);
  query.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && hits.length) {
      const at = hits.findIndex((hit) => model.nodes[hit].name === clock.choice.layer);
      const next = at < 0 ? 0 : (at + (event.shiftKey ? -1 : 1) + hits.length) % hits.length;
      clock.choose({ layer: model.nodes[hits[next]].name });
    } else if (event.key === "Escape") {
      query.value = "";
      look();
      query.blur();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  const onSlash = (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyped(event) || event.defaultPrevented) return;
    if (!box.checkVisibility({ visibilityProperty: true })) return;
    event.preventDefault();
    search.hidden = false;
    query.focus();
    query.select();
  };
  document.addEventListener("keydown", onSlash);
  const begin = () => {
    ways = waysTo(model.blocks, model.nodes.length);
    open = new Set(model.opened);
    search.hidden = !model.blocks.length;
    chosen = void 0;
    build();
    if (clock.choice.layer) select();
  };
  const watcher = new ResizeObserver(() => {
    if (box.clientWidth && box.clientWidth !== width) build();
    const group = mark();
    if (group && box.clientHeight) bring(group);
  });
  model.on("remove", () => {
    document.removeEventListener("keydown", onSlash);
    watcher.disconnect();
  });
  model.on(["nodes", "levels"], begin);
  const clock = clockOf(model.channel);
  begin();
  heed(model, "choice", select);
  model.on(["quantities", "quantity", "values"], settle);
  settle();
  follow(model, box, (index) => isColoured() && colour(index));
  watcher.observe(box);
}
export {
  found,
  nameWithin,
  render,
  waysTo
};
