// The network as a graph: a box a layer, its kind told by colour and word; click selects. Boxes can
// show a quantity at the step on screen instead: what is learning, what is dead, what is large. Layers
// of a block lie in one box until it is opened.
import { clockOf, element, follow, heed, introduce, isTyped } from "../shared/clock.js";
import { clamp, finiteEnds } from "../shared/numbers.js";
import { FAMILY, coloured, fitted, inkOn, number, rgbOf, table } from "../shared/paint.js";
import { placed } from "../shared/graph_places.js";
/** @import { Component } from "../../types" */

const CHIP = 62;
const ROOM = 238; // of a pane that is not on screen yet
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

// The blocks that each layer lies in, from the outermost inwards.
export function waysTo(blocks, count) {
  const ways = Array.from({ length: count }, () => []);
  blocks.forEach(({ layers }, at) => layers.forEach((layer) => ways[layer].push(at))); // outer ones come first
  return ways;
}

// Numbers of the layers whose name, kind or class has the words in it.
export function found(nodes, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const text = (node) => `${node.name} ${node.kind} ${node.class}`.toLowerCase();
  return nodes.flatMap((node, at) => (words.every((word) => text(node).includes(word)) ? [at] : []));
}

// What is left of a name in a block of that name, where it says no more.
export function nameWithin(name, block) {
  const rest = block !== undefined && /^[_.](?=.)/.test(name.slice(block.length)) && name.startsWith(block);
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

/** @param {Component} component */
export function render({ model, el }) {
  const box = element("div", { class: "graph" });
  const choice = element("select", { "aria-label": "What the boxes show", title: "What the boxes show" });
  const low = element("span");
  const high = element("span");
  const bar = element("canvas", { width: 255, height: 1, class: "bar" });
  const legend = element("div", { class: "legend" }, low, bar, high);
  const head = element("div", { class: "shows" }, element("label", { text: "Show " }, choice), legend);
  const query = element("input", {
    type: "search", placeholder: "Find a layer (/)", "aria-label": "Find a layer by name, kind or class",
    title: "By name, kind or class. Enter: the next one, with Shift the one before",
  });
  const counted = element("span", { role: "status" });
  const search = element("div", { class: "finds" }, query, counted);
  el.append(element("div", { class: "network" }, head, search, box));
  const pen = document.createElement("canvas").getContext("2d"); // to measure with
  let entries = []; // of what is on screen, in network order: {layer | block, group, chip, strip}
  let limits = [0, 1];
  let ways = [];
  let open = new Set();
  let hits = [];
  let width = 0;
  let chosen; // the layer that was last looked at here

  // -- drawing --------------------------------------------------------------------------------
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
  // A closed block: boxes behind a box, and a stroke of its kind's colour for each layer within.
  const drawClosed = (group, about, { width: wide, height }) => {
    svg("rect", { x: 5, y: 4, width: wide - 5, height, rx: 6, class: "box behind" }, group);
    svg("rect", { width: wide - 3, height, rx: 6, class: "box" }, group);
    named(group, { ...about, name: `▸ ${nameWithin(about.name, model.blocks[about.within]?.name)}` }, wide - 3, 15);
    const most = (wide - 24) / about.layers.length;
    const strip = about.layers.map((layer, at) => svg("rect", {
      x: 13 + at * most, y: height - 6, width: Math.max(0.5, most - (most > 3 ? 1 : 0)), height: 3,
      fill: model.nodes[layer].colour,
    }, group));
    const holds = about.layers.find((layer) => model.nodes[layer].name === clock.choice.layer);
    const inside = holds === undefined ? `${about.layers.length} layers` : model.nodes[holds].name;
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
      viewBox: `0 0 ${size.width} ${size.height}`, ...size, role: "tree", "aria-label": "Layers of the network",
      "aria-multiselectable": false,
    }, box);
    const marker = svg("marker", {
      id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 6, markerHeight: 6, orient: "auto",
    }, svg("defs", {}, root));
    svg("path", { d: "M0,0 L8,4 L0,8 z", class: "arrow" }, marker);
    const frames = svg("g", {}, root);
    const edges = svg("g", {}, root);
    for (const points of lines) svg("path", { d: line(points), class: "edge", "marker-end": "url(#arrow)" }, edges);
    const firstOf = ({ layer, block }) => layer ?? blocks[block].layers[0];
    const depth = ({ layer, block }) => (block === undefined ? ways[layer].length : ways[blocks[block].layers[0]].indexOf(block));
    const entryOf = (node, place) => {
      const [number, isLayer] = [Number(node.slice(1)), node[0] === "="];
      return { layer: isLayer ? number : undefined, block: isLayer ? undefined : number, place };
    };
    entries = [...places].map(([node, place]) => entryOf(node, place))
      .sort((one, other) => firstOf(one) - firstOf(other) || depth(one) - depth(other));
    for (const entry of entries) {
      const { layer, block, place } = entry;
      const about = block === undefined ? nodes[layer] : blocks[block];
      const isOpen = block !== undefined && open.has(block);
      const group = svg("g", {
        class: block === undefined ? "node" : isOpen ? "node block open" : "node block", tabindex: 0, role: "treeitem",
        transform: `translate(${place.x},${place.y})`, "aria-label": about.title, "aria-level": depth(entry) + 1,
        ...(block === undefined ? { "data-layer": about.name, "data-kind": about.kind }
          : { "data-block": about.name, "aria-expanded": isOpen }),
      }, isOpen ? frames : root);
      svg("title", {}, group).textContent = about.title;
      const draw = block === undefined ? drawLayer : isOpen ? drawOpen : drawClosed;
      Object.assign(entry, { group }, draw(group, about, place, layer));
      const act = () => (block === undefined ? clock.choose({ layer: about.name }) : toggle(block));
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
    // To the right a block opens, to the left it closes, also from a layer within.
    const outer = block === undefined ? ways[layer].at(-1) : open.has(block) ? block : model.blocks[block].within;
    if (event.key === "Enter" || event.key === " ") act();
    else if (event.key === "ArrowRight" && block !== undefined && !open.has(block)) toggle(block);
    else if (event.key === "ArrowLeft" && outer !== undefined && outer !== -1) toggle(outer, false);
    else if (beside && beside !== entry) beside.group.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
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
    const { blocks, nodes, values, logarithmic, palette } = model; // which is slow to read
    const valueOf = (layer) => (known ? values[index * values.shape[1] + layer] : NaN);
    const colourOf = (value) => {
      const shown = logarithmic ? Math.log10(value) : value;
      return rgbOf(palette, Math.round(255 * (clamp((shown - limits[0]) / (limits[1] - limits[0])) || 0)));
    };
    for (const { layer, block, group, chip, strip } of entries) {
      strip?.forEach((part, at) => {
        const own = blocks[block].layers[at];
        const value = valueOf(own);
        const shown = Number.isNaN(value) ? "var(--tl-line)" : `rgb(${colourOf(value).join(" ")})`;
        part.setAttribute("fill", known ? shown : nodes[own].colour);
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
  // -- what is chosen and what is looked for ---------------------------------------------------
  const holds = ({ layer, block }, wanted) =>
    block === undefined ? layer === wanted : !open.has(block) && model.blocks[block].layers.includes(wanted);
  const bring = (group) => {
    const [it, pane] = [group.getBoundingClientRect(), box.getBoundingClientRect()];
    const isInSight = it.top >= pane.top && it.bottom <= pane.bottom && it.left >= pane.left && it.right <= pane.right;
    if (!isInSight) group.scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  // Marks the chosen layer, or the closed block that holds it; gives its box.
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
    chosen = undefined;
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
