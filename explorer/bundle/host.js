"use strict";
(() => {
  // explorer/templates/narrow.js
  document.addEventListener("DOMContentLoaded", () => {
    const root = document.documentElement;
    const button = document.getElementById("show-network");
    const drawer = document.getElementById("network");
    const main = document.querySelector("main");
    const isOpen = () => root.dataset.network === "open";
    const first = (node, what) => {
      const inside = node.shadowRoot ?? node;
      let found2 = inside.querySelector(what);
      for (const child of inside.querySelectorAll("*")) found2 ??= child.shadowRoot && first(child, what);
      return found2;
    };
    const open = () => {
      root.dataset.network = "open";
      button.setAttribute("aria-expanded", "true");
      (first(drawer, "[data-layer][aria-selected=true]") ?? first(drawer, "select"))?.focus();
    };
    const close = (thenFocus) => {
      delete root.dataset.network;
      button.setAttribute("aria-expanded", "false");
      if (thenFocus) button.focus();
    };
    button.addEventListener("click", () => isOpen() ? close(true) : open());
    const isLayer2 = (event) => event.composedPath().some((node) => node.dataset?.layer !== void 0);
    drawer.addEventListener("click", (event) => {
      if (isOpen() && isLayer2(event)) close(true);
    });
    drawer.addEventListener("keydown", (event) => {
      if (isOpen() && isLayer2(event) && /^(Enter| )$/.test(event.key)) close(true);
    }, { capture: true });
    document.addEventListener("keydown", (event) => {
      if (isOpen() && event.key === "Escape") close(true);
    });
    const elsewhere = (event) => {
      const path = event.composedPath();
      if (isOpen() && !path.includes(drawer) && !path.includes(button)) close(false);
    };
    document.addEventListener("pointerdown", elsewhere);
    document.addEventListener("focusin", elsewhere);
    const here = document.querySelector("header [aria-current]");
    if (here) new ResizeObserver(() => here.scrollIntoView({ block: "nearest", inline: "center" })).observe(here.parentElement);
    const LEAST_PX = 80;
    main.addEventListener("scroll", () => {
      root.toggleAttribute("data-scrolled", main.scrollTop > ("scrolled" in root.dataset ? 0 : LEAST_PX));
    }, { passive: true });
  }, { once: true });

  // explorer/widgets/shared/numbers.js
  function nearest(values, to, reach = Infinity) {
    let found2 = -1;
    values.forEach((value, at) => {
      const gap = Math.abs(value - to);
      if (gap <= reach && !(gap >= Math.abs(values[found2] - to))) found2 = at;
    });
    return found2;
  }
  function placesOf(clocks, axis) {
    return axis === "log_step" ? clocks.step.map((step) => Math.log10(1 + step)) : clocks[axis];
  }
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
  var UNCHOSEN = -1;
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

  // explorer/widgets/charts/probability_bars.js
  var ALL_CLASSES = 12;
  var TOP_CLASSES = 10;
  var PARAMETERS = ["class_names", "colours", "truth", "values"];
  function classesShown(shares, truth) {
    const classes = shares.map((_, number2) => number2);
    if (classes.length <= ALL_CLASSES) return classes;
    const height = (number2) => Number.isNaN(shares[number2]) ? -1 : shares[number2];
    classes.sort((one, other) => height(other) - height(one));
    return classes.filter((number2, rank) => rank < TOP_CLASSES || number2 === truth);
  }
  var explainedOf = (target, truth) => target >= 0 ? target : truth;
  function render({ model, el }) {
    const list = element("div", { class: "bars", role: "list", "aria-label": "Predicted probabilities" });
    el.append(list);
    let rows = /* @__PURE__ */ new Map();
    let its = {};
    const rowOf = (number2) => {
      if (!rows.has(number2)) {
        const bar = element("span", { class: "filled" });
        const value = element("span", { class: "value" });
        const truth = number2 === its.truth;
        const row = element(
          "div",
          { class: truth ? "row truth" : "row", role: "listitem", title: truth ? "true class" : "" },
          element("span", { class: "swatch", style: `background:${its.colours[number2] ?? "transparent"}` }),
          element("span", { class: "class", text: its.class_names[number2] }),
          element("span", { class: "space" }, bar),
          value
        );
        row.addEventListener("click", () => {
          clock.choose({ target: clock.choice.target === number2 ? UNCHOSEN : number2 });
        });
        rows.set(number2, { row, bar, value });
      }
      return rows.get(number2);
    };
    const draw = (index) => {
      const { values } = its;
      if (!values?.shape) return;
      const count = values.shape[1];
      const shares = Array.from({ length: count }, (_, number2) => values[index * count + number2]);
      const best = shares.reduce((top2, share, number2) => share > shares[top2] ? number2 : top2, 0);
      const shown = classesShown(shares, its.truth).map((number2) => {
        const { row, bar, value } = rowOf(number2);
        const share = shares[number2];
        const known = Number.isFinite(share);
        bar.style.width = `${known ? clamp(share) * 100 : 0}%`;
        value.textContent = known ? `${(share * 100).toFixed(share < 0.0995 ? 1 : 0)} %` : "NaN";
        row.classList.toggle("best", number2 === best && known);
        return row;
      });
      const same = shown.length === list.children.length && shown.every((row, rank) => row === list.children[rank]);
      if (!same) list.replaceChildren(...shown);
      explain();
      list.classList.toggle("unjudged", its.truth < 0);
      list.dataset.index = index;
    };
    const explain = () => {
      const explained = explainedOf(clock.choice.target, its.truth);
      for (const [number2, { row }] of rows) row.classList.toggle("explained", number2 === explained);
    };
    const clock = clockOf(model.channel);
    const renew = () => {
      its = Object.fromEntries(PARAMETERS.map((name) => [name, model[name]]));
      rows = /* @__PURE__ */ new Map();
      list.replaceChildren();
      draw(clock.index);
    };
    renew();
    follow(model, list, draw);
    heed(model, "choice", explain);
    model.on(PARAMETERS, renew);
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
  function bytes(array) {
    return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  }
  function number(value) {
    if (value === 0) return "0";
    return Number.isFinite(value) ? Number(value.toPrecision(3)).toString() : String(value);
  }
  var BEYOND = "At the steps that set the limits, at most 0.2 % of the values lie beyond: they have the colour of the end.";
  function readOff(code, { low, high, bounded }, format = number) {
    if (!code) return "NaN";
    const value = format(low + (code - 1) / 254 * (high - low));
    if (bounded) return value;
    if (code === 255) return `≥ ${value}`;
    return code === 1 && low !== 0 ? `≤ ${value}` : value;
  }
  function cut(text, most) {
    return text.length > most ? `${text.slice(0, most - 1)}…` : text;
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
  var SQUEEZED = 0.85;
  function write(pen, text, x, y, room) {
    if (room === void 0) pen.fillText(text, x, y);
    else pen.fillText(fitted(pen, text, room / SQUEEZED), x, y, room);
  }
  var themeColours = /* @__PURE__ */ new Map();
  var themeOfColours;
  function themed(el, name) {
    const { theme } = document.documentElement.dataset;
    if (theme !== themeOfColours) themeColours.clear();
    themeOfColours = theme;
    if (!themeColours.has(name)) themeColours.set(name, getComputedStyle(el).getPropertyValue(`--tl-${name}`).trim());
    return themeColours.get(name);
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
  function sized(canvas, width, height) {
    const ratio = window.devicePixelRatio || 1;
    const context = canvas.getContext("2d");
    const [wide, tall] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== wide || canvas.height !== tall) {
      [canvas.width, canvas.height] = [wide, tall];
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    } else {
      context.reset();
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    return context;
  }
  function tipOn(stage) {
    const tip = element("div", { class: "tip", hidden: "" });
    stage.append(tip);
    return {
      show: (text, x, y) => {
        tip.textContent = text;
        tip.hidden = false;
        const left = clamp(x + 12, 0, stage.clientWidth - tip.offsetWidth - 4);
        const top2 = y - 30 < 0 ? y + 18 : y - 30;
        tip.style.transform = `translate(${left}px, ${top2}px)`;
      },
      hide: () => {
        if (!tip.hidden) tip.hidden = true;
      }
    };
  }
  function repaintWhenSeen(model, place, repaint) {
    const room = { width: 0, height: 0 };
    const resized = new ResizeObserver((entries) => {
      const { width, height } = entries.at(-1).contentRect;
      Object.assign(room, { width, height });
      repaint();
    });
    resized.observe(place);
    window.addEventListener("trainlapse:theme", repaint);
    model.on("remove", () => {
      resized.disconnect();
      window.removeEventListener("trainlapse:theme", repaint);
    });
    return room;
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
  function put({ level, inner, sizes, widths, heights, width }, left, top2, places, lines) {
    const own = /* @__PURE__ */ new Map();
    const ports = /* @__PURE__ */ new Map();
    let y = top2;
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
  function render2({ model, el }) {
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
    const write2 = (parent, x, y, text, kind, anchor = "start") => {
      svg("text", { x, y, class: kind, "text-anchor": anchor }, parent).textContent = text;
    };
    const named = (parent, about, room, y = 16) => {
      pen.font = `10.5px ${FAMILY}`;
      const kind = pen.measureText(about.kind).width;
      const hasKind = room - 29 - kind > 60;
      pen.font = `600 12px ${FAMILY}`;
      write2(parent, 13, y, fitted(pen, about.name, room - 18 - (hasKind ? kind + 11 : 0)), "name");
      if (hasKind) write2(parent, room - 8, y, about.kind, "kind", "end");
    };
    const sized2 = (parent, about, first, room, y = 30) => {
      pen.font = `10.5px ${FAMILY}`;
      write2(parent, 13, y, fitted(pen, first, room - 20), "detail");
      const isFree = pen.measureText(first).width + pen.measureText(about.parameters).width + 32 < room;
      if (isFree) write2(parent, room - 8, y, about.parameters, "detail parameters", "end");
    };
    const drawLayer = (group, about, { width: wide, height }, at) => {
      svg("rect", { width: wide, height, rx: 6, class: "box" }, group);
      svg("rect", { width: 5, height, rx: 2.5, fill: about.colour }, group);
      named(group, { ...about, name: nameWithin(about.name, model.blocks[ways[at].at(-1)]?.name) }, wide);
      sized2(group, about, about.shape, wide);
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
      sized2(group, about, inside, wide - 3, 28);
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
        strip?.forEach((part2, at) => {
          const own2 = blocks[block].layers[at];
          const value2 = valueOf(own2);
          const shown = Number.isNaN(value2) ? "var(--tl-line)" : `rgb(${colourOf(value2).join(" ")})`;
          part2.setAttribute("fill", known ? shown : nodes[own2].colour);
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

  // explorer/widgets/page/probe_picker.js
  var PARAMETERS2 = ["kind", "images", "texts", "ids", "yours", "labels", "class_names", "predicted", "correct"];
  var RIGHT = 1;
  var WRONG = 0;
  function drawImage(canvas, data, at, height, width, channels) {
    const context = canvas.getContext("2d");
    const image = context.createImageData(width, height);
    for (let pixel = 0; pixel < height * width; pixel++) {
      const from = at + pixel * channels;
      for (let channel = 0; channel < 3; channel++) {
        image.data[4 * pixel + channel] = data[from + Math.min(channel, channels - 1)];
      }
      image.data[4 * pixel + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }
  function render3({ model, el }) {
    const list = element("div", { class: `picker ${model.kind}`, role: "listbox", "aria-label": "Probe inputs" });
    const score = element("div", { class: "score" });
    el.append(score, list);
    let items = [];
    let told = [];
    let its = {};
    const build = () => {
      list.replaceChildren();
      told = [];
      const { images } = its;
      const yours = its.yours ?? [];
      const recorded = its.labels.length - yours.length;
      items = its.labels.map((label, probe) => {
        const number2 = yours[probe - recorded] ?? probe;
        const item = element("button", { type: "button", class: "probe", role: "option", "data-probe": number2 });
        item.classList.toggle("yours", probe >= recorded);
        if (images?.shape) {
          const [, height, width, channels] = images.shape;
          const canvas = element("canvas", { width, height });
          const data = new Uint8Array(images.buffer, images.byteOffset, images.length);
          drawImage(canvas, data, probe * height * width * channels, height, width, channels);
          item.append(canvas, element("span", { class: "truth", text: label }));
        } else {
          item.append(
            element("span", { class: "text", text: its.texts[probe] ?? `probe ${its.ids?.[probe] ?? probe}` }),
            element("span", { class: "truth", text: label })
          );
        }
        item.append(element("span", { class: "guess" }));
        item.addEventListener("click", () => clock.choose({ probe: number2 }));
        list.append(item);
        return item;
      });
      select();
    };
    const bringIntoView = (item) => {
      const top2 = item.offsetTop - list.offsetTop;
      if (top2 < list.scrollTop) list.scrollTop = top2;
      else if (top2 + item.offsetHeight > list.scrollTop + list.clientHeight) list.scrollTop = top2 + item.offsetHeight - list.clientHeight;
    };
    const select = () => items.forEach((item) => {
      const isChosen = Number(item.dataset.probe) === clock.choice.probe;
      item.setAttribute("aria-selected", isChosen);
      if (isChosen) bringIntoView(item);
    });
    const tell = (probe, mark, guess) => {
      const says = `${mark} ${guess}`;
      if (told[probe] === says) return;
      told[probe] = says;
      items[probe].dataset.mark = mark === RIGHT ? "right" : mark === WRONG ? "wrong" : "";
      items[probe].title = `probe ${its.ids?.[probe] ?? probe}: ${its.labels[probe]}, the network says ${guess}`;
      const said = its.kind === "image" ? guess : `network: ${guess}`;
      items[probe].querySelector(".guess").textContent = mark === WRONG ? said : "";
    };
    const draw = (index) => {
      const { correct, predicted } = its;
      if (!correct?.shape) {
        score.textContent = "";
        return;
      }
      const count = correct.shape[1];
      let right = 0;
      let known = 0;
      for (let probe = 0; probe < count && probe < items.length; probe++) {
        const mark = correct[index * count + probe];
        const guess = its.class_names[predicted[index * count + probe]] ?? "";
        if (mark === RIGHT) right += 1;
        if (mark === RIGHT || mark === WRONG) known += 1;
        tell(probe, mark, guess);
      }
      score.textContent = known ? `${right} of ${count} right at this step` : "";
    };
    const read = () => {
      its = Object.fromEntries(PARAMETERS2.map((name) => [name, model[name]]));
    };
    const clock = clockOf(model.channel);
    read();
    build();
    model.on(PARAMETERS2, read);
    model.on(["labels", "images", "texts"], build);
    heed(model, "choice", select);
    follow(model, el, draw);
    model.on(["correct", "predicted"], () => draw(clock.index));
  }

  // explorer/widgets/shared/frames.js
  var KEPT_BYTES = 64 * 1024 * 1024;
  var READ_AHEAD = 8;
  function bytesOf(payload) {
    return Object.values(payload ?? {}).reduce((sum, part2) => sum + (part2?.byteLength ?? part2?.length ?? 0), 0);
  }
  function framesOf(model, place, draw) {
    const clock = clockOf(model.channel);
    let key = model.key;
    let frames = /* @__PURE__ */ new Map();
    let kept = 0;
    let waiting = /* @__PURE__ */ new Set();
    let urgent = -1;
    const ask = (indices) => {
      if (!indices.length) return;
      introduce(model);
      indices.forEach((index) => waiting.add(index));
      model.send_msg({ key, want: indices });
    };
    const keep = (index, payload) => {
      kept += bytesOf(payload) - bytesOf(frames.get(index));
      frames.delete(index);
      frames.set(index, payload);
      for (const [oldest, old] of frames) {
        if (kept <= KEPT_BYTES || oldest === index) break;
        kept -= bytesOf(old);
        frames.delete(oldest);
      }
    };
    const checkKey = () => {
      if (key === model.key) return;
      key = model.key;
      frames = /* @__PURE__ */ new Map();
      kept = 0;
      waiting = /* @__PURE__ */ new Set();
      urgent = -1;
    };
    const store = {
      get key() {
        return key;
      },
      // Pictures that are the same at every step have one frame.
      at: (index) => model.still ? 0 : index,
      get: (index) => {
        checkKey();
        return frames.get(store.at(index));
      },
      // What is on screen is asked for first and alone; the rest follows once it is there.
      // It is asked for even if it is read ahead already: that moves it to the head of the server's
      // queue, which is short and may have let it go.
      want: (step) => {
        checkKey();
        const index = store.at(step);
        place.ariaBusy = frames.has(index) ? null : "true";
        if (!isNear()) return;
        if (!frames.has(index)) {
          if (index !== urgent) ask([urgent = index]);
          return;
        }
        if (model.still) return;
        const ahead = [];
        const last = clock.count - 1;
        for (let next = index + 1; next <= Math.min(index + READ_AHEAD, last); next++) {
          if (!frames.has(next) && !waiting.has(next)) ahead.push(next);
        }
        if (ahead.length > READ_AHEAD / 2 || ahead.length && index + READ_AHEAD >= last) ask(ahead);
      }
    };
    model.on("msg:custom", (answer) => {
      if (answer.key !== key) return;
      waiting.delete(answer.index);
      if (answer.index === urgent) urgent = -1;
      keep(answer.index, answer.payload ?? { error: answer.error });
      const shown = store.at(clock.index);
      if (answer.index === shown) draw(clock.index);
      else if (!frames.has(shown)) store.want(shown);
    });
    const isNear = follow(model, place, draw);
    heed(model, "seek", () => store.want(clock.index));
    return store;
  }

  // explorer/widgets/shared/limits.js
  function limitsOf2(what, changed) {
    const button = (
      /** @type {HTMLButtonElement} */
      element("button", { type: "button", class: "quiet" })
    );
    const limits = { button, free: false };
    const name = () => {
      button.textContent = limits.free ? "limits: this step" : "limits: all steps";
      button.title = limits.free ? `The limits of the ${what} are those of this step alone. Click to compare steps.` : `The limits of the ${what} are the same at every step. Click to fit them to each step.`;
    };
    button.addEventListener("click", () => {
      limits.free = !limits.free;
      name();
      changed();
    });
    name();
    return limits;
  }

  // explorer/widgets/shared/message.js
  function messageOn(stage, layers) {
    const message = element("div", { class: "message", hidden: "" });
    stage.append(message);
    let said;
    return (text, index) => {
      if (text) message.dataset.index = index;
      if (text === said) return;
      said = text;
      message.textContent = text;
      message.hidden = !text;
      for (const layer of layers) layer.style.visibility = text ? "hidden" : "visible";
    };
  }
  function codeOfAll(codes) {
    if (codes.length < 2) return -1;
    for (const code of codes) if (code !== codes[0]) return -1;
    return codes[0];
  }
  function saidOfAll(code, { low, high, still = false, if_blank: ifBlank = "", if_zero: ifZero = "" }) {
    const when = still ? "." : " at this step.";
    if (code === 0) return ifBlank || `No value is a number${when}`;
    const value = low + (code - 1) / 254 * (high - low);
    if (Math.abs(value) <= (high - low) / 508) return ifZero || `All values are about 0${when}`;
    const [end, beyond] = code === 255 ? [high, " or more"] : [code === 1 ? low : value, code === 1 ? " or less" : ""];
    return `All values are about ${number(end)}${beyond}${when}`;
  }

  // explorer/widgets/pictures/frame_grid.js
  var GAP2 = 3;
  var MAX_VECTOR_CELL = 34;
  var CAPTION = 14;
  var CAPTION_GAP = 6;
  var ROW_PITCH = 12;
  var TILT = -Math.PI / 3.2;
  var TILTED_PITCH = 14;
  var LABEL_FONT = "11px system-ui, sans-serif";
  var SMALLEST_NUMBERED_CELL = 17;
  function isBlank(codes, from, count) {
    for (let at = from; at < from + count; at++) if (codes[at]) return false;
    return true;
  }
  function bestColumns(count, tileWidth, tileHeight, width, height, limit, below = 0) {
    let best = { scale: 0, columns: 1 };
    for (let columns = 1; columns <= count; columns++) {
      const rows = Math.ceil(count / columns);
      const scale = Math.min(
        (width - (columns - 1) * GAP2) / (columns * tileWidth),
        (height - (rows - 1) * GAP2 - rows * below) / (rows * tileHeight),
        limit
      );
      if (scale >= best.scale - 1e-9) best = { scale, columns };
    }
    return best;
  }
  function tileName(tile, places) {
    if (places === 0) return `tile ${tile}`;
    return places === 1 ? `unit ${tile}` : `unit ${Math.floor(tile / places)} · place ${tile % places}`;
  }
  function tileOfStep(steps, index) {
    return steps.reduce((found2, step, tile) => step <= index ? tile : found2, 0);
  }
  function tileAfter(chosen, move, count) {
    const from = (move > 0 ? chosen.at(-1) : chosen[0]) ?? 0;
    return clamp(from + move, 0, count - 1);
  }
  function tilesOn(page2, most, count, order) {
    const from = page2 * most;
    return Array.from({ length: Math.max(0, Math.min(most, count - from)) }, (_, at) => order ? order[from + at] : from + at);
  }
  function picked(codes, tiles, size) {
    const found2 = new Uint8Array(tiles.length * size);
    tiles.forEach((tile, at) => found2.set(codes.subarray(tile * size, (tile + 1) * size), at * size));
    return found2;
  }
  function render4({ model, el }) {
    const canvas = element("canvas", { role: "img" });
    const marks = element("canvas", { class: "marks", "aria-hidden": "true" });
    const bar = element("canvas", { width: 255, height: 1, class: "bar" });
    const low = element("span");
    const high = element("span");
    const name = element("span", { text: model.value_name });
    const limits = limitsOf2("colours", () => {
      legend();
      draw(clock.index);
    });
    const order = element("select", { "aria-label": "Order of the units", title: "Order of the units" });
    const back = element("button", { type: "button", text: "‹", "aria-label": "Previous page" });
    const on = element("button", { type: "button", text: "›", "aria-label": "Next page" });
    const range = element("span", { role: "status" });
    const pager = element("div", { class: "pager", hidden: "" }, element("label", { text: "Order " }, order), back, range, on);
    const stage = element("div", { class: "stage" }, canvas, marks);
    const say = messageOn(stage, [canvas, marks]);
    el.append(element(
      "div",
      { class: "grid" },
      pager,
      stage,
      element("div", { class: "legend" }, low, bar, high, name, element("span", { class: "fill" }), limits.button)
    ));
    const tip = tipOn(stage);
    const sheet2 = document.createElement("canvas");
    let context = canvas.getContext("2d");
    let place = null;
    let shown = null;
    let whole = null;
    let page2 = 0;
    let count = 0;
    const matrix = () => model.mode === "matrix";
    const isPaged = (payload) => !matrix() && model.page > 0 && payload.frame.shape[0] > model.page;
    const inOrder = () => model.orders[order.value];
    const onPage = (payload) => {
      pager.hidden = !isPaged(payload);
      if (pager.hidden) return payload;
      const [all, height, width] = payload.frame.shape;
      count = all;
      const tiles = tilesOn(page2, model.page, all, inOrder());
      range.textContent = `${page2 * model.page + 1}–${page2 * model.page + tiles.length} of ${all.toLocaleString("en")}`;
      back.disabled = page2 === 0;
      on.disabled = (page2 + 1) * model.page >= all;
      const codes = picked(bytes(payload.frame), tiles, height * width);
      const frame = Object.assign(codes, { shape: [tiles.length, height, width] });
      const texts = payload.captions ?? model.captions;
      const ids = payload.tile_ids ?? model.tile_ids;
      return {
        ...payload,
        frame,
        tiles,
        tile_ids: tiles.map((tile) => ids.length ? ids[tile] : Math.floor(tile / Math.max(1, model.places))),
        captions: texts.length ? tiles.map((tile) => texts[tile]) : texts
      };
    };
    const turn = (to) => {
      page2 = to;
      place = null;
      if (whole) paint(whole, clock.index);
    };
    back.addEventListener("click", () => turn(page2 - 1));
    on.addEventListener("click", () => turn(page2 + 1));
    order.addEventListener("change", () => {
      turn(0);
      order.blur();
    });
    const placeOf = (unit) => pager.hidden ? -1 : inOrder()?.indexOf(unit) ?? unit;
    const turnToChosen = () => {
      const at = model.selects === "unit" ? placeOf(clock.choice.unit) : -1;
      if (at >= 0 && Math.floor(at / model.page) !== page2) turn(Math.floor(at / model.page));
    };
    const listOrders = () => {
      order.replaceChildren(
        element("option", { value: "", text: "as recorded" }),
        ...Object.keys(model.orders).map((value) => element("option", { value, text: `by ${value}` }))
      );
      order.parentElement.hidden = !Object.keys(model.orders).length;
      page2 = 0;
    };
    const idOf = (tile) => {
      const ids = shown?.tile_ids ?? model.tile_ids;
      if (ids.length) return ids[tile];
      return matrix() ? tile : Math.floor(tile / Math.max(1, model.places));
    };
    const ends = (codes) => {
      let [least, most] = [255, 1];
      for (const value of codes) {
        if (value === 0) continue;
        if (value < least) least = value;
        if (value > most) most = value;
      }
      return least > most ? [1, 255] : [least, most];
    };
    const widest = (labels) => Math.max(0, ...labels.map((label) => context.measureText(label).width));
    const margins = (full, rowCount, columns) => {
      context.font = LABEL_FONT;
      const rows = model.y_labels.map((label) => cut(label, 22));
      const names = model.x_labels.map((label) => cut(label, 11));
      const left = rows.length ? 8 + Math.min(150, widest(rows)) : 0;
      const top2 = rows.length ? ROW_PITCH / 2 : 0;
      if (!names.length) return { left, top: top2, bottom: top2, rows, names, every: 1 };
      const wider = (full.width - left) / columns;
      const dx = model.square ? Math.min(wider, (full.height - top2) / rowCount) : wider;
      const wide = widest(names);
      const level = wide + 8 <= dx || names.every((name2) => /^-?[\d.]*$/.test(name2));
      const every = Math.ceil((level ? wide + 8 : TILTED_PITCH) / dx);
      if (level) return { left, top: top2, bottom: 18, rows, names, every, level };
      const reach = context.measureText(names[0]).width * Math.cos(TILT) - dx / 2 + 6;
      return { left: Math.max(left, reach), top: top2, bottom: 12 - wide * Math.sin(TILT), rows, names, every };
    };
    const layout = ([count2, height, width]) => {
      const box = stage.getBoundingClientRect();
      const full = { width: Math.max(40, box.width), height: Math.max(40, box.height) };
      if (matrix()) {
        const room2 = margins(full, height, width);
        let [dx, dy] = [(full.width - room2.left) / width, (full.height - room2.top - room2.bottom) / height];
        if (model.square) dx = dy = Math.min(dx, dy);
        place = { ...room2, columns: 1, dx, dy, below: 0, tall: room2.top + height * dy + room2.bottom };
      } else {
        const limit = height * width === 1 ? MAX_VECTOR_CELL : Infinity;
        const below = captions().length ? CAPTION : 0;
        const { scale, columns } = bestColumns(count2, width, height, full.width, full.height, limit, below);
        const rows = Math.ceil(count2 / columns);
        place = { columns, dx: scale, dy: scale, left: 0, top: 0, below };
        place.tall = rows * (height * scale + below) + (rows - 1) * GAP2;
      }
      Object.assign(place, { count: count2, height, width, cells: height * width === 1 && !matrix() });
      context = sized(canvas, full.width, place.tall);
      sized(marks, full.width, place.tall);
      context.imageSmoothingEnabled = false;
    };
    const captions = () => shown?.captions ?? model.captions;
    const pitch = () => [place.width * place.dx + GAP2, place.height * place.dy + place.below + GAP2];
    const corner = (tile) => {
      const [across, down] = pitch();
      return [place.left + tile % place.columns * across, place.top + Math.floor(tile / place.columns) * down];
    };
    const strike = (x, y, width, height) => {
      context.strokeStyle = themed(el, "line");
      context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
      context.beginPath();
      context.moveTo(x, y + height);
      context.lineTo(x + width, y);
      context.stroke();
    };
    const drawCells = (codes, colours) => {
      const { count: count2, columns } = place;
      const rows = Math.ceil(count2 / columns);
      const step = place.dx + GAP2;
      coloured(codes, columns, rows, colours, sheet2);
      context.drawImage(sheet2, 0, 0, columns, rows, 0, 0, columns * step, rows * step);
      if (step > 2 * GAP2) {
        for (let column = 1; column <= columns; column++) context.clearRect(column * step - GAP2, 0, GAP2, rows * step);
        for (let row = 1; row <= rows; row++) context.clearRect(0, row * step - GAP2, columns * step, GAP2);
        for (let tile = 0; tile < count2; tile++) {
          if (isBlank(codes, tile, 1)) strike(...corner(tile), place.dx, place.dx);
        }
      }
    };
    const drawTiles = (codes, colours) => {
      const { count: count2, height, width } = place;
      coloured(codes, width, count2 * height, colours, sheet2);
      const texts = captions();
      context.font = LABEL_FONT;
      context.textBaseline = "top";
      context.fillStyle = themed(el, "muted");
      for (let tile = 0; tile < count2; tile++) {
        const [x, y] = corner(tile);
        context.drawImage(sheet2, 0, tile * height, width, height, x, y, width * place.dx, height * place.dy);
        if (isBlank(codes, tile * height * width, height * width)) strike(x, y, width * place.dx, height * place.dy);
        if (texts[tile]) write(context, texts[tile], x, y + height * place.dy + 2, width * place.dx - CAPTION_GAP);
      }
    };
    const drawLabels = () => {
      context.fillStyle = themed(el, "text");
      context.font = LABEL_FONT;
      context.textBaseline = "middle";
      const { left, top: top2, dx, dy, rows, names, every, level } = place;
      context.textAlign = level ? "center" : "right";
      const end = parseFloat(canvas.style.width);
      for (let column = 0; column < names.length; column += every) {
        if (level && left + (column + 0.5) * dx + context.measureText(names[column]).width / 2 > end) break;
        context.save();
        context.translate(left + (column + 0.5) * dx, top2 + place.height * dy + (level ? 10 : 7));
        if (!level) context.rotate(TILT);
        context.fillText(names[column], 0, 0);
        context.restore();
      }
      context.textAlign = "right";
      const step = Math.ceil(ROW_PITCH / dy);
      for (let row = 0; row < rows.length; row += step) {
        context.fillText(rows[row], left - 6, top2 + (row + 0.5) * dy);
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
        context.fillStyle = inkOn(colour & 255, colour >> 8 & 255, colour >> 16 & 255);
        const [x, y] = [at % place.width, Math.floor(at / place.width)];
        context.fillText(String(value), place.left + (x + 0.5) * place.dx, place.top + (y + 0.5) * place.dy);
      });
      context.textAlign = "left";
    };
    const paint = (payload, index) => {
      whole = payload;
      const old = shown?.frame.shape;
      shown = onPage(payload);
      const { frame } = shown;
      if (!place || !old || frame.shape.some((size, axis) => size !== old[axis])) layout(frame.shape);
      const codes = bytes(frame);
      const [least, most] = limits.free ? ends(codes) : [1, 255];
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
    const valueOf = (code) => model.low + (code - 1) / 254 * (model.high - model.low);
    const legend = () => {
      const [least, most] = limits.free && shown ? ends(bytes(shown.frame)) : [1, 255];
      low.textContent = readOff(least, model);
      high.textContent = readOff(most, model);
      low.title = high.title = model.bounded ? "" : BEYOND;
      name.textContent = model.value_name;
      limits.button.hidden = model.still;
      coloured(Uint8Array.from({ length: 255 }, (_, at) => at + 1), 255, 1, table(model.palette), bar);
    };
    const draw = (index) => {
      if (!room.width) return;
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
    const tilesOf = (id) => {
      if (id === void 0 || id === null || !place) return [];
      const count2 = matrix() ? place.height : place.count;
      return Array.from({ length: count2 }, (_, tile) => tile).filter((tile) => idOf(tile) === id);
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
      const [left, top2] = [pointer.x - place.left, pointer.y - place.top];
      const [column, row] = [Math.floor(left / across), Math.floor(top2 / down)];
      const tile = row * place.columns + column;
      const x = Math.floor((left - column * across) / place.dx);
      const y = Math.floor((top2 - row * down) / place.dy);
      const inside = left >= 0 && top2 >= 0 && column < place.columns && tile < place.count && x < place.width && y < place.height;
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
      const what = known || (shown.tile_ids?.length ? `unit ${idOf(tile)}` : tileName(tile, model.places));
      return `${what}${place.cells ? "" : ` · y ${y}, x ${x}`} · ${value}`;
    };
    const hover = () => {
      const at = under();
      if (at) tip.show(describe(at), pointer.x, pointer.y);
      else tip.hide();
    };
    const rowOrTile = (at) => matrix() ? at.y : at.tile;
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
      if (id === void 0 || !model.selects) return;
      if (model.selects === "step") clock.go(id);
      else clock.choose({ [model.selects]: id });
    };
    canvas.addEventListener("click", () => {
      const at = under();
      if (at) pick(idOf(rowOrTile(at)));
    });
    canvas.addEventListener("keydown", (event) => {
      if (!place || !["unit", "probe"].includes(model.selects)) return;
      const across = matrix() ? 0 : 1;
      const move = { ArrowLeft: -across, ArrowRight: across, ArrowUp: -place.columns, ArrowDown: place.columns }[event.key];
      if (!move) return;
      event.preventDefault();
      const at = model.selects === "unit" ? placeOf(clock.choice.unit) : -1;
      if (at >= 0) {
        const to = clamp(at + move, 0, count - 1);
        pick(inOrder()?.[to] ?? to);
      } else pick(idOf(tileAfter(tilesOf(clock.choice[model.selects]), move, matrix() ? place.height : place.count)));
    });
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
    model.on(["orders", "page"], () => {
      listOrders();
      turn(0);
    });
    settle();
    listOrders();
    legend();
    heed(model, "choice", () => {
      turnToChosen();
      mark();
    });
    heed(model, "hover", mark);
  }

  // explorer/widgets/shared/cards.js
  var SETTLE_MS = [0, 350, 1200];
  var GAP_PX = 10;
  var LETTER = /^[AB] · /;
  var page = () => document.querySelector("main") ?? document.scrollingElement;
  var top = () => document.querySelector(".bar")?.getBoundingClientRect().bottom ?? 0;
  function* cardsBelow(node) {
    for (const child of (node.shadowRoot ?? node).children ?? []) {
      if (child.matches(".head") && child.querySelector("h3")) {
        const host = child.getRootNode().host;
        const card2 = host?.parentElement ?? host?.getRootNode().host;
        if (card2) yield { title: child.querySelector("h3").textContent, card: card2 };
      }
      yield* cardsBelow(child);
    }
  }
  function cardScroller() {
    let timers = [];
    const settle = () => {
      timers.forEach(clearTimeout);
      timers = [];
    };
    const to = (title) => {
      settle();
      const main = page();
      let left = null;
      const move = () => {
        if (left !== null && Math.abs(main.scrollTop - left) > 2) return settle();
        for (const { title: other, card: card2 } of cardsBelow(main)) {
          const box = card2.getBoundingClientRect();
          if (![other, other.replace(LETTER, "")].includes(title) || !box.height) continue;
          main.scrollTop += box.top - top() - GAP_PX;
          break;
        }
        left = main.scrollTop;
      };
      timers = SETTLE_MS.map((wait) => setTimeout(move, wait));
    };
    return { to, settle };
  }

  // explorer/widgets/time/moments.js
  var NOTE_CHARACTERS = 2e3;
  var KEYS = { n: "next", p: "previous", m: "mark" };
  function render5({ model, el }) {
    const clock = clockOf(model.channel);
    const press = (name, text, title) => {
      const button = element("button", { type: "button", class: name, text, title });
      if (title) button.setAttribute("aria-label", title);
      return button;
    };
    const mark = press("mark", "Mark", "Mark this moment (M)");
    const previous = press("previous", "‹", "Previous moment of the tour (P)");
    const next = press("next", "›", "Next moment of the tour (N)");
    const all = press("all", "Moments");
    const where = element("span", { class: "where" });
    const told = element("span", { class: "told", role: "status" });
    const sheet2 = element("div", { class: "sheet", hidden: "", role: "group", "aria-label": "Moments" });
    el.append(element(
      "div",
      { class: "moments", role: "group", "aria-label": "Moments of this training" },
      element("div", { class: "line" }, mark, previous, next, where, told, all),
      sheet2
    ));
    let at = null;
    let writing = null;
    let open = false;
    const list = () => [...model.moments];
    const place = () => list().findIndex((moment) => moment.id === at);
    const tell = (what) => model.send_msg(what);
    const scroll = cardScroller();
    const viewHere = () => {
      const main = page();
      if (!main || main.scrollTop < 40) return null;
      for (const { title, card: card2 } of cardsBelow(main)) {
        const box = card2.getBoundingClientRect();
        if (box.height && box.bottom > top() + 80) return title;
      }
      return null;
    };
    const go = (moment) => {
      at = moment.id;
      clock.choose(moment.go);
      clock.go(moment.index);
      if (moment.view) scroll.to(moment.view);
      show();
    };
    const step = (by) => {
      const moments = list();
      if (!moments.length) return;
      const here = place();
      if (here < 0) return go(moments[by > 0 ? 0 : moments.length - 1]);
      const other = moments[here + by];
      if (other) go(other);
    };
    const begin = () => {
      if (!model.editable) return;
      writing = { note: "", index: clock.index, choice: { ...clock.choice }, view: viewHere() };
      setOpen(true);
    };
    const form = () => {
      const area = element("textarea", {
        "aria-label": "Note",
        maxlength: NOTE_CHARACTERS,
        placeholder: "What is there to see?"
      });
      area.value = writing.note;
      area.addEventListener("input", () => {
        writing.note = area.value;
      });
      const done = () => {
        const { id, note, index, choice, view } = writing;
        writing = null;
        tell(id === void 0 ? { do: "add", note: note.trim(), index, choice, view } : { do: "edit", id, note: note.trim() });
        build();
      };
      const cancel = () => {
        writing = null;
        build();
      };
      area.addEventListener("keydown", (event) => {
        if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
          event.preventDefault();
          done();
        }
        if (event.key === "Escape") {
          event.stopPropagation();
          cancel();
        }
      });
      const save = press("save", "Save");
      save.addEventListener("click", done);
      const leave = press("cancel", "Cancel");
      leave.addEventListener("click", cancel);
      const hint = writing.id === void 0 ? clock.label?.(writing.index) ?? "" : "";
      const made = element(
        "form",
        {},
        area,
        element("div", { class: "row" }, element("span", { class: "note", text: hint }), leave, save)
      );
      made.addEventListener("submit", (event) => event.preventDefault());
      setTimeout(() => area.focus());
      return made;
    };
    const tool = (text, title, act2, disabled = false) => {
      const button = press("tool", text, title);
      button.disabled = disabled;
      button.addEventListener("click", act2);
      return button;
    };
    const row = (moment, number2, count) => {
      const item = element(
        "li",
        { "data-id": moment.id },
        element("span", { class: "number", text: number2 + 1 })
      );
      if (writing?.id === moment.id) {
        item.append(form());
        return item;
      }
      const jump = press("go", "");
      jump.append(
        element("span", { class: "place", text: moment.place }),
        ...moment.note ? [element("span", { class: "text", text: moment.note })] : [],
        ...moment.missing ? [element("span", { class: "missing", text: moment.missing })] : []
      );
      jump.addEventListener("click", () => go(moment));
      item.append(jump);
      if (model.editable) {
        item.append(element(
          "span",
          { class: "tools" },
          tool("↑", "Earlier in the tour", () => tell({ do: "move", id: moment.id, by: -1 }), number2 === 0),
          tool("↓", "Later in the tour", () => tell({ do: "move", id: moment.id, by: 1 }), number2 === count - 1),
          tool("Edit", "Change the note", () => {
            writing = { id: moment.id, note: moment.note };
            build();
          }),
          tool("Delete", "Delete this moment", () => tell({ do: "delete", id: moment.id }))
        ));
      }
      return item;
    };
    const build = () => {
      const moments = list();
      if (writing?.id !== void 0 && !moments.some((moment) => moment.id === writing.id)) writing = null;
      const parts = [];
      if (model.problem) parts.push(element("p", { class: "problem", role: "alert", text: model.problem }));
      if (writing && writing.id === void 0) parts.push(form());
      if (model.undo) {
        const undo = press("quiet undo", "Undo");
        undo.addEventListener("click", () => tell({ do: "undo" }));
        parts.push(element("p", { class: "note" }, element("span", { text: `${model.undo} ` }), undo));
      }
      if (moments.length) {
        parts.push(element("ol", {}, ...moments.map((moment, number2) => row(moment, number2, moments.length))));
      } else if (!writing) {
        parts.push(element("p", {
          class: "note",
          text: model.editable ? "Nothing is marked yet. Press M where there is something to see." : "Nothing is marked."
        }));
      }
      sheet2.replaceChildren(...parts);
      show();
    };
    const show = () => {
      const moments = list();
      const here = place();
      const moment = moments[here];
      mark.hidden = !model.editable;
      all.textContent = moments.length ? `Moments (${moments.length})` : "Moments";
      all.setAttribute("aria-expanded", open);
      for (const button of [previous, next, where]) button.hidden = !moments.length;
      previous.disabled = here === 0;
      next.disabled = here === moments.length - 1;
      where.textContent = moment ? `${here + 1} of ${moments.length}` : "";
      const invitation = model.editable || !moments.length ? "" : "A tour of this training: ›, or N, goes on.";
      told.textContent = moment ? moment.note || moment.place : invitation;
      told.classList.toggle("left", Boolean(moment) && moment.index !== clock.index);
      for (const item of sheet2.querySelectorAll("li")) {
        item.setAttribute("aria-current", item.dataset.id === at);
      }
    };
    const setOpen = (value) => {
      open = value;
      sheet2.hidden = !open;
      if (!open) writing = null;
      build();
    };
    const act = { next: () => step(1), previous: () => step(-1), mark: begin };
    mark.addEventListener("click", begin);
    previous.addEventListener("click", act.previous);
    next.addEventListener("click", act.next);
    all.addEventListener("click", () => setOpen(!open));
    const onKey = (event) => {
      if (isTyped(event) || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Escape" && open) return setOpen(false);
      const action = KEYS[event.key.toLowerCase()];
      if (!action) return;
      event.preventDefault();
      act[action]();
    };
    const heard = model.whole_page === false ? el : document;
    heard.addEventListener("keydown", onKey);
    const onPointer = (event) => {
      if (open && !writing && !event.composedPath().includes(el)) setOpen(false);
    };
    document.addEventListener("pointerdown", onPointer);
    const onTick = () => show();
    clock.addEventListener("tick", onTick);
    model.on("remove", () => {
      scroll.settle();
      clock.removeEventListener("tick", onTick);
      heard.removeEventListener("keydown", onKey);
      document.removeEventListener("pointerdown", onPointer);
    });
    model.on("moments", () => {
      const known = new Set([...sheet2.querySelectorAll("li")].map((item) => item.dataset.id));
      const fresh = list().filter((moment) => !known.has(moment.id));
      if (open && fresh.length === 1) at = fresh[0].id;
      build();
    });
    model.on(["editable", "undo", "problem"], build);
    build();
  }

  // explorer/widgets/shared/address.js
  var CHOICES_MS = 300;
  var MOVING_MS = 1e3;
  var CHANGES = 30;
  var CHANGE_MS = 500;
  var OF_TIME = /* @__PURE__ */ new Set(["step", "step_b"]);
  var ACTS = ["pointerdown", "keydown", "click", "input"];
  var PRESSES = ["pointerdown", "keydown"];
  var RELEASES = ["pointerup", "pointercancel", "keyup", "blur"];
  var WAYS = { ArrowLeft: "back", ArrowRight: "forward" };
  function changesLeft() {
    let left = CHANGES;
    let since = performance.now();
    const count = () => {
      const now = performance.now();
      left = Math.min(CHANGES, left + (now - since) / CHANGE_MS);
      since = now;
      return left;
    };
    return { wait: () => (1 - count()) * CHANGE_MS, use: () => {
      left = count() - 1;
    } };
  }
  function addressOf(model, { parameters, restore, isPlaying }) {
    if (model.whole_page === false) return () => {
    };
    const changes = changesLeft();
    let known = parameters();
    let acted = false;
    let isHeld = false;
    let isDue = false;
    let isNext = false;
    let wasPlaying = false;
    let restoring = false;
    let written = -Infinity;
    let later = 0;
    let following = 0;
    const put2 = (how, values) => {
      const url = new URL(location.href);
      for (const [name, value] of Object.entries(values)) {
        if (value !== null) url.searchParams.set(name, value);
      }
      if (how === "replaceState" && url.href === location.href) return;
      changes.use();
      written = performance.now();
      try {
        history[how](history.state, "", url);
      } catch {
      }
    };
    const settle = () => {
      clearTimeout(later);
      isDue = false;
    };
    const flush = () => {
      if (!isDue) return;
      clearTimeout(later);
      const rest = isHeld || isPlaying() ? written + MOVING_MS - performance.now() : 0;
      const wait = Math.ceil(Math.max(rest, changes.wait()));
      if (wait > 0) {
        later = setTimeout(flush, wait);
        return;
      }
      isDue = false;
      put2("replaceState", known);
    };
    const isChosen = (before, now) => acted && Object.keys(now).some((name) => now[name] !== before[name] && !OF_TIME.has(name) && before[name] !== void 0);
    const write2 = () => {
      if (restoring) return;
      const [before, now] = [known, parameters()];
      known = now;
      const chosen = isChosen(before, now);
      if (chosen) {
        acted = false;
        if (performance.now() > following) {
          if (isDue) put2("replaceState", before);
          settle();
          put2("pushState", now);
          following = performance.now() + CHOICES_MS;
          return;
        }
        following = performance.now() + CHOICES_MS;
      }
      isDue = true;
      const hasPaused = wasPlaying && !isPlaying();
      wasPlaying = isPlaying();
      if (hasPaused || chosen) return flush();
      if (!isNext) requestAnimationFrame(() => setTimeout(onPicture));
      isNext = true;
    };
    const onPicture = () => {
      isNext = false;
      flush();
    };
    const onAct = (event) => {
      const isWay = event.type === "keydown" && event.key in WAYS && (event.altKey || event.metaKey);
      if (!isWay) {
        acted = true;
        isHeld ||= PRESSES.includes(event.type);
        return;
      }
      event.stopImmediatePropagation();
      if (event.composedPath()[0].type !== "range") return;
      event.preventDefault();
      history[WAYS[event.key]]();
    };
    const onRelease = () => {
      isHeld = false;
      flush();
    };
    const onEntry = () => {
      settle();
      acted = false;
      following = 0;
      restoring = true;
      restore(new URLSearchParams(location.search));
      restoring = false;
      known = parameters();
    };
    ACTS.forEach((name) => window.addEventListener(name, onAct, true));
    RELEASES.forEach((name) => window.addEventListener(name, onRelease, true));
    window.addEventListener("popstate", onEntry);
    model.on("remove", () => {
      settle();
      ACTS.forEach((name) => window.removeEventListener(name, onAct, true));
      RELEASES.forEach((name) => window.removeEventListener(name, onRelease, true));
      window.removeEventListener("popstate", onEntry);
    });
    return write2;
  }
  function choiceIn(asked2) {
    const found2 = {};
    for (const name of ["layer", "tab"]) if (asked2.has(name)) found2[name] = asked2.get(name);
    for (const name of ["unit", "probe", "target"]) {
      if (/^-?\d+$/.test(asked2.get(name) ?? "")) found2[name] = Number(asked2.get(name));
    }
    return found2;
  }

  // explorer/widgets/shared/cursors.js
  function cursorsOf(model) {
    const clock = clockOf(model.channel);
    const documents = () => window.Bokeh?.documents ?? [];
    let cursors = [];
    let known = -1;
    const find = () => {
      const count = documents().reduce((sum, doc) => sum + doc._all_models.size, 0);
      if (count === known) return;
      known = count;
      cursors = documents().flatMap((doc) => [...doc._all_models.values()]).filter((found2) => found2.name === "trainlapse-cursor" && (found2.tags[1] ?? "main") === model.channel);
    };
    const move = (index) => {
      find();
      for (const span of cursors) {
        const position = span.tags[0]?.[index];
        if (position !== void 0 && span.location !== position) span.setv({ location: position }, { sync: false });
      }
    };
    let late = 0;
    const onDocument = () => {
      clearTimeout(late);
      late = setTimeout(() => move(clock.index), 30);
    };
    model.data.document?.on_change(onDocument);
    model.on("remove", () => {
      clearTimeout(late);
      model.data.document?.remove_on_change(onDocument);
    });
    return move;
  }

  // explorer/widgets/shared/clock_sync.js
  var REST_MS = 120;
  var REST_WHILE_PLAYING_MS = 400;
  var IN_FLIGHT_MS = 2e3;
  function clockSyncOf(model, { isPlaying = () => false, onChoice = () => {
  } } = {}) {
    const clock = clockOf(model.channel);
    clock.families = new Map(Object.entries(model.families));
    const moveCursors = cursorsOf(model);
    let rest = 0;
    let inFlight = false;
    let sentAt = 0;
    let taking = false;
    const tellPython = () => {
      clearTimeout(rest);
      rest = setTimeout(() => {
        if (model.resting === clock.index) return;
        if (inFlight && performance.now() - sentAt < IN_FLIGHT_MS) return;
        inFlight = true;
        sentAt = performance.now();
        model.resting = clock.index;
      }, isPlaying() ? REST_WHILE_PLAYING_MS : REST_MS);
    };
    model.on("ack", () => {
      inFlight = false;
      if (model.resting !== clock.index) tellPython();
    });
    const onTick = () => {
      moveCursors(clock.index);
      tellPython();
    };
    const onChosen = () => {
      introduce(model);
      if (!taking) {
        model.choice = clock.choice;
        model.asked += 1;
      }
      onChoice();
    };
    const take = () => {
      if (model.answered !== model.asked) return;
      taking = true;
      clock.choose(model.choice);
      taking = false;
    };
    const onAnswered = () => {
      if (model.answered !== model.asked) model.choice = clock.choice;
      else take();
    };
    const onGoto = ({ detail }) => {
      if ((detail.channel ?? "main") === model.channel) clock.go(detail.index);
    };
    clock.addEventListener("tick", onTick);
    clock.addEventListener("choice", onChosen);
    model.on("choice", take);
    model.on("answered", onAnswered);
    window.addEventListener("trainlapse:goto", onGoto);
    model.on("remove", () => {
      clearTimeout(rest);
      clock.removeEventListener("tick", onTick);
      clock.removeEventListener("choice", onChosen);
      window.removeEventListener("trainlapse:goto", onGoto);
    });
    take();
    return tellPython;
  }

  // explorer/widgets/shared/controls.js
  var JUMP = 10;
  var MOST_TICKS = 7;
  var ICONS = {
    first: "M5 5h2v14H5zM19 5v14L8 12z",
    back: "M17 5v14L6 12z",
    play: "M7 4v16l13-8z",
    pause: "M6 5h4v14H6zM14 5h4v14h-4z",
    forward: "M7 5v14l11-7z",
    last: "M17 5h2v14h-2zM5 5v14l11-7z",
    loop: "M17 2l4 4-4 4V7H7v4H5V5h12zM7 22l-4-4 4-4v3h10v-4h2v6H7z"
  };
  function icon(name) {
    const svg2 = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg2.setAttribute("viewBox", "0 0 24 24");
    svg2.setAttribute("aria-hidden", "true");
    const path = document.createElementNS(svg2.namespaceURI, "path");
    path.setAttribute("d", ICONS[name]);
    svg2.append(path);
    return svg2;
  }
  function spread(places, most) {
    const [from, to] = [places[0], places.at(-1)];
    const wanted = Array.from({ length: most }, (_, mark) => from + mark / (most - 1) * (to - from));
    const room = (to - from) / (2 * most);
    const found2 = [];
    for (const place of wanted) {
      const index = place === to ? places.length - 1 : nearest(places, place);
      while (found2.length && place === to && places[index] - places[found2.at(-1)] < room) found2.pop();
      if (!found2.length || places[index] - places[found2.at(-1)] >= room) found2.push(index);
    }
    return found2;
  }
  function controlsOf(model, el, face) {
    const clock = clockOf(model.channel);
    const button = (action, label2) => {
      const made = element("button", { type: "button", title: label2, "aria-label": label2, "data-action": action });
      made.append(icon(action));
      return made;
    };
    const slider = element("input", { type: "range", step: "any", "aria-label": "Recorded step" });
    const ticks = element("div", { class: "ticks", "aria-hidden": "true" });
    const notches = element("div", { class: "notches", "aria-hidden": "true" });
    const typed = element("input", {
      type: "text",
      inputmode: "numeric",
      class: "typed",
      "aria-label": "Jump to step, epoch or time"
    });
    const unit = element("span", { class: "unit" });
    const speed = element("select", { "aria-label": "Speed", title: "Recorded steps a second" });
    for (const fps of [2, 5, 10, 20, 30]) speed.append(element("option", { value: fps, text: `${fps}/s` }));
    const buttons = {
      first: button("first", "First step (Home)"),
      back: button("back", "One step back (←; Shift: ten)"),
      play: button("play", "Play or pause (Space)"),
      forward: button("forward", "One step forward (→; Shift: ten)"),
      last: button("last", "Last step (End)"),
      loop: button("loop", "Repeat at the end")
    };
    buttons.play.classList.add("primary");
    speed.value = 10;
    const places = () => {
      const found2 = face.places();
      return found2.at(-1) > found2[0] ? found2 : Array.from(found2, (_, at) => at);
    };
    const show = () => {
      const values = face.column();
      slider.value = places()[clock.index] ?? 0;
      if (typed.getRootNode().activeElement !== typed) typed.value = values.length ? face.plain(values[clock.index]) : "";
      slider.setAttribute("aria-valuetext", face.spoken(clock.index));
    };
    const label = () => {
      const values = face.column();
      const along = places();
      const last2 = values.length - 1;
      const [from, to] = [along[0] ?? 0, along.at(-1) ?? 0];
      slider.min = from;
      slider.max = to;
      for (const made of [slider, typed, ...Object.values(buttons)]) made.disabled = last2 < 1;
      unit.textContent = face.unit();
      ticks.replaceChildren();
      for (const index of last2 > 0 ? spread(along, MOST_TICKS) : []) {
        const tick = element("span", { text: face.short(values[index]) });
        tick.style.left = `${(along[index] - from) / (to - from) * 100}%`;
        ticks.append(tick);
      }
      notches.replaceChildren();
      for (const [index, why] of last2 > 0 ? face.notches?.() ?? [] : []) {
        const notch = element("span", { title: why });
        notch.style.left = `${(along[index] - from) / (to - from) * 100}%`;
        notches.append(notch);
      }
      show();
    };
    let playing = false;
    let looping = false;
    let previous = 0;
    let owed = 0;
    let request = 0;
    const frame = (now) => {
      owed += (now - previous) * Number(speed.value) / 1e3;
      previous = now;
      const whole = Math.floor(owed);
      if (whole >= 1) {
        owed -= whole;
        const next = clock.index + whole;
        if (next < clock.count) clock.go(next);
        else if (looping) clock.go(0);
        else {
          clock.go(clock.count - 1);
          setPlaying(false);
        }
      }
      if (playing) request = requestAnimationFrame(frame);
    };
    const setPlaying = (value) => {
      if (value === playing) return;
      playing = value;
      buttons.play.replaceChildren(icon(playing ? "pause" : "play"));
      buttons.play.setAttribute("aria-pressed", playing);
      cancelAnimationFrame(request);
      if (!playing) return face.onPause?.();
      if (clock.index === clock.count - 1) clock.go(0);
      previous = performance.now();
      owed = 0;
      request = requestAnimationFrame(frame);
    };
    const jump = (text) => {
      const match = /^\s*(-?[\d.]+(?:e[+-]?\d+)?)/i.exec(text.replaceAll(",", ""));
      const wanted = match ? Number(match[1]) : NaN;
      typed.classList.toggle("wrong", Number.isNaN(wanted));
      if (Number.isNaN(wanted)) return;
      clock.go(nearest(face.column(), wanted));
      typed.blur();
      show();
    };
    const act = {
      first: () => clock.go(0),
      back: (many) => clock.go(clock.index - (many ? JUMP : 1)),
      play: () => setPlaying(!playing),
      forward: (many) => clock.go(clock.index + (many ? JUMP : 1)),
      last: () => clock.go(clock.count - 1),
      loop: () => {
        looping = !looping;
        buttons.loop.setAttribute("aria-pressed", looping);
      }
    };
    for (const [name, made] of Object.entries(buttons)) {
      made.addEventListener("click", (event) => act[name](event.shiftKey));
    }
    slider.addEventListener("input", () => {
      clock.go(nearest(places(), Number(slider.value)));
      show();
    });
    typed.addEventListener("focus", () => typed.select());
    typed.addEventListener("keydown", (event) => {
      if (event.key === "Enter") jump(typed.value);
      if (event.key === "Escape") {
        typed.blur();
        show();
      }
    });
    typed.addEventListener("blur", () => {
      typed.classList.remove("wrong");
      show();
    });
    speed.addEventListener("change", () => speed.blur());
    const KEYS2 = { " ": "play", ArrowLeft: "back", ArrowRight: "forward", Home: "first", End: "last" };
    const onKey = (event) => {
      const action = KEYS2[event.key];
      if (!action || isTyped(event) || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === " " && event.composedPath()[0]?.tagName === "BUTTON") return;
      event.preventDefault();
      act[action](event.shiftKey);
    };
    const heard = model.whole_page === false ? el : document;
    heard.addEventListener("keydown", onKey);
    clock.addEventListener("tick", show);
    model.on("remove", () => {
      setPlaying(false);
      heard.removeEventListener("keydown", onKey);
      clock.removeEventListener("tick", show);
    });
    const { first, back, play, forward, last } = buttons;
    return {
      parts: {
        buttons: element("div", { class: "buttons" }, first, back, play, forward, last),
        track: element("div", { class: "track" }, slider, ticks, notches),
        jump: element("label", { class: "jump", title: "Type a value and press Enter" }, unit, typed),
        speed,
        loop: buttons.loop
      },
      label,
      show,
      isPlaying: () => playing
    };
  }

  // explorer/widgets/shared/time_label.js
  function seconds(value) {
    if (value < 60) return `${value.toFixed(1)} s`;
    if (value < 3600) return `${Math.floor(value / 60)} min ${Math.floor(value % 60)} s`;
    return `${Math.floor(value / 3600)} h ${Math.floor(value % 3600 / 60)} min`;
  }
  function timeLabel(model, index, without) {
    if (!model.steps.length) return "no step recorded";
    const ending = Boolean(model.ending) && index === model.steps.length - 1;
    const [epoch, time] = [model.epochs[index], model.wall_times[index]];
    const parts = {
      step: ending ? "after training" : `step ${model.steps[index]}`,
      epoch: `epoch ${epoch.toFixed(2)}`,
      wall_time: seconds(time)
    };
    const left = without === "log_step" ? "step" : without;
    if (left !== "step" || !ending) delete parts[left];
    return Object.values(parts).join(" · ");
  }

  // explorer/widgets/time/transport.js
  var AXES = { step: "step", log_step: "step (log)", epoch: "epoch", wall_time: "time" };
  var JUMPED = "weights were set, not updated: loaded, swapped or restored";
  function render6({ model, el }) {
    const clock = clockOf(model.channel);
    const readout = element("output", { class: "readout" });
    const axis = element("select", { "aria-label": "Time axis", title: "Time axis of slider and curves" });
    for (const [value, text] of Object.entries(AXES)) axis.append(element("option", { value, text }));
    const short = (value) => {
      if (model.axis === "epoch") return value.toFixed(value < 10 ? 2 : 1);
      if (model.axis === "wall_time") return seconds(value);
      return String(value);
    };
    const named = (index) => {
      const jumped = model.jumps.includes(index) ? `, ${JUMPED}` : "";
      return timeLabel(model, index, "").replace(" · ", ", ") + jumped;
    };
    let tellPython = () => {
    };
    let writeAddress = () => {
    };
    const controls = controlsOf(model, el, {
      column: () => ({ epoch: model.epochs, wall_time: model.wall_times })[model.axis] ?? model.steps,
      places: () => placesOf({ step: model.steps, epoch: model.epochs, wall_time: model.wall_times }, model.axis),
      short,
      plain: (value) => model.axis === "wall_time" ? value.toFixed(1) : short(value),
      unit: () => ({ epoch: "epoch", wall_time: "seconds" })[model.axis] ?? "step",
      spoken: named,
      notches: () => [
        ...model.jumps.map((index) => [index, `Before step ${model.steps[index]} the ${JUMPED}`]),
        ...model.marks.map(([index, said]) => [index, `Step ${model.steps[index]}: ${said}`])
      ],
      onPause: () => {
        tellPython();
        writeAddress();
      }
    });
    const { buttons, track, jump, speed, loop } = controls.parts;
    el.append(element(
      "div",
      { class: "transport", role: "group", "aria-label": "Time control" },
      buttons,
      track,
      jump,
      readout,
      axis,
      speed,
      loop
    ));
    writeAddress = addressOf(model, {
      parameters: () => !model.steps.length ? {} : {
        ...clock.choice,
        step: model.steps[clock.index],
        axis: model.axis
      },
      restore: (asked2) => {
        clock.choose(choiceIn(asked2));
        if (asked2.get("axis") in AXES) model.axis = asked2.get("axis");
        if (asked2.has("step")) clock.go(nearest(model.steps, Number(asked2.get("step"))));
      },
      isPlaying: controls.isPlaying
    });
    tellPython = clockSyncOf(model, { isPlaying: controls.isPlaying, onChoice: writeAddress });
    const onTick = () => {
      readout.textContent = timeLabel(model, clock.index, model.axis);
      writeAddress();
    };
    const onAxis = () => {
      axis.value = model.axis;
      controls.label();
      onTick();
    };
    axis.addEventListener("change", () => {
      model.axis = axis.value;
      axis.blur();
    });
    clock.addEventListener("tick", onTick);
    model.on(["axis", "marks"], onAxis);
    model.on(["steps", "epochs", "wall_times", "jumps"], () => {
      clock.count = Math.max(1, model.steps.length);
      clock.go(clock.index);
      onAxis();
    });
    model.on("remove", () => clock.removeEventListener("tick", onTick));
    clock.label = (index) => timeLabel(model, index, "");
    clock.start(model.steps.length, model.resting);
    onAxis();
  }

  // explorer/widgets/shared/axes.js
  var LINE = 13;
  function roomy(low, high, share) {
    if (!(low <= high)) return [0, 1];
    const more = low === high ? Math.abs(low) * 0.1 || 1 : (high - low) * share;
    return [low - more, high + more];
  }
  function ticksOf(low, high, most) {
    const rough = (high - low) / Math.max(1, most);
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * ([1, 2, 5].find((times) => times * power >= rough * 0.999) ?? 10);
    const first = Math.ceil(low / step - 1e-9);
    const count = Math.floor(high / step + 1e-9) - first + 1;
    if (!(count > 0 && Number.isSafeInteger(first))) return [];
    const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const plain = Math.max(Math.abs(low), Math.abs(high)) < 1e5 && decimals <= 4;
    return Array.from({ length: count }, (_, at) => {
      const value = Number(((first + at) * step).toPrecision(12));
      return { value, text: plain ? value.toFixed(decimals) : String(value) };
    });
  }
  function plotBox(pen, width, height, yTicks, { xName, yName, below = LINE + 5 }) {
    const widest = Math.max(0, ...yTicks.map(({ text }) => pen.measureText(text).width));
    const left = Math.ceil(widest) + 8 + (yName ? LINE + 3 : 0);
    const bottom = below + (xName ? LINE + 3 : 0);
    return { left, top: 7, width: Math.max(9, width - left - 12), height: Math.max(9, height - 7 - bottom), below };
  }
  function paintAxes(pen, ink, box, { xTicks, yTicks, xName, yName }) {
    const bottom = box.top + box.height;
    const rule = (ticks, draw) => ticks.filter(({ bare }) => !bare).forEach(({ at, value }) => {
      pen.fillStyle = value === 0 ? ink.muted : ink.line;
      pen.globalAlpha = value === 0 ? 0.55 : 0.8;
      draw(Math.round(at));
    });
    rule(xTicks, (x) => pen.fillRect(x, box.top, 1, box.height));
    rule(yTicks, (y) => pen.fillRect(box.left, y, box.width, 1));
    pen.globalAlpha = 1;
    const aligned = (align, text, x, y, room) => {
      pen.textAlign = align;
      write(pen, text, x, y, room);
    };
    pen.fillStyle = ink.muted;
    pen.textBaseline = "middle";
    for (const { at, text } of yTicks) aligned("right", text, box.left - 6, at);
    for (const { at, text } of xTicks) aligned("center", text, at, bottom + 10);
    aligned("center", xName, box.left + box.width / 2, bottom + box.below + 8, box.width);
    pen.save();
    pen.translate(8, box.top + box.height / 2);
    pen.rotate(-Math.PI / 2);
    aligned("center", yName, 0, 0, box.height + 20);
    pen.restore();
    pen.textAlign = "left";
  }

  // explorer/replay/curves.js
  var AXIS_NAMES = { step: "step", log_step: "step (log)", epoch: "epoch", wall_time: "time (s)" };
  var FEW_POINTS = 30;
  function endsOf(arrays) {
    const ends = arrays.map((array) => finiteEnds(array));
    return [Math.min(...ends.map(([low]) => low)), Math.max(...ends.map(([, high]) => high))];
  }
  function powersOfTen(high) {
    const powers = Array.from({ length: Math.floor(high) + 1 }, (_, power) => 10 ** power);
    return [0, ...powers].map((step) => ({ value: Math.log10(1 + step), text: String(step) }));
  }
  function render7({ model, el }) {
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
      const x = (value) => box.left + (value - x0) / (x1 - x0) * box.width;
      const y = (value) => box.top + (1 - (value - y0) / (y1 - y0)) * box.height;
      view = { box, x, y, steps };
      const xTicks = model.axis === "log_step" ? powersOfTen(x1) : ticksOf(x0, x1, box.width / 60);
      paintAxes(pen, ink, box, {
        xTicks: xTicks.map((tick) => ({ ...tick, at: x(tick.value) })),
        yTicks: yTicks.map((tick) => ({ ...tick, at: y(tick.value) })),
        ...names
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
      groups.replaceChildren(...model.series.map(({ name, colour }) => element("span", {}, element("i", { style: `background:${colour}` }), cut(name, 24))));
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

  // explorer/replay/host.js
  var CHANNEL = "main";
  var KEPT_BYTES2 = 64 * 1024 * 1024;
  var MOST_CURVES = 10;
  var TYPES = {
    uint8: Uint8Array,
    uint16: Uint16Array,
    uint32: Uint32Array,
    float32: Float32Array,
    float64: Float64Array
  };
  async function unpack(text) {
    const packed = atob(text);
    const content = new Uint8Array(packed.length);
    for (let at = 0; at < packed.length; at++) content[at] = packed.charCodeAt(at);
    const stream = new Blob([content]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }
  function undoDifferences(codes, size) {
    for (let at = size; at < codes.length; at++) codes[at] += codes[at - size];
  }
  var unpacked = /* @__PURE__ */ new Map();
  var keptBytes = 0;
  async function load({ block, dtype, shape, film }) {
    const content = await unpack(document.getElementById(`block-${block}`).textContent);
    if (film) undoDifferences(content, content.length / shape[0]);
    return Object.assign(new TYPES[dtype](content.buffer), { shape });
  }
  function arrayOf(reference) {
    const key = JSON.stringify(reference);
    const known = unpacked.get(key);
    const kept = known ?? { promise: load(reference), bytes: reference.shape.reduce((size, length) => size * length, 1) };
    unpacked.delete(key);
    unpacked.set(key, kept);
    if (!known) keptBytes += kept.bytes;
    for (const [oldest, { bytes: bytes2 }] of unpacked) {
      if (keptBytes <= KEPT_BYTES2 || oldest === key) break;
      keptBytes -= bytes2;
      unpacked.delete(oldest);
    }
    return kept.promise;
  }
  async function thaw(value) {
    if (Array.isArray(value)) return Promise.all(value.map(thaw));
    if (value === null || typeof value !== "object") return value;
    if ("block" in value) return arrayOf(value);
    const names = Object.keys(value);
    const parts = await Promise.all(names.map((name) => thaw(value[name])));
    return Object.fromEntries(names.map((name, at) => [name, parts[at]]));
  }
  function modelOf(state, answer) {
    const values = { ...state };
    const listeners = /* @__PURE__ */ new Map();
    const tell = (names, detail) => {
      const found2 = new Set(names.flatMap((name) => listeners.get(name) ?? []));
      found2.forEach((listener) => listener(detail));
    };
    const own = {
      data: {},
      on: (names, listener) => [names].flat().forEach((name) => {
        listeners.set(name, [...listeners.get(name) ?? [], listener]);
      }),
      off: (names, listener) => [names].flat().forEach((name) => {
        listeners.set(name, (listeners.get(name) ?? []).filter((other) => other !== listener));
      }),
      send_msg: (message) => queueMicrotask(() => answer?.(message, (reply) => tell(["msg:custom"], reply))),
      update: (changes) => {
        const changed = Object.keys(changes).filter((name) => values[name] !== changes[name]);
        Object.assign(values, changes);
        if (changed.length) tell(changed);
      },
      remove: () => tell(["remove"])
    };
    return (
      /** @type {Model} */
      new Proxy(
        /** @type {Record<string, any>} */
        own,
        {
          get: (_, name) => (name in own ? own : values)[
            /** @type {string} */
            name
          ],
          set: (_, name, value) => {
            own.update({ [
              /** @type {string} */
              name
            ]: value });
            return true;
          }
        }
      )
    );
  }
  var sheet = new CSSStyleSheet();
  function mount(place, render8, state, answer) {
    const root = place.shadowRoot ?? place.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    const el = element("div", { class: "component" });
    root.replaceChildren(el);
    const model = modelOf(state, answer);
    render8({ model, el });
    return model;
  }
  function framesFrom(film) {
    const shape = film.shape.slice(1);
    const size = film.length / film.shape[0];
    return ({ key, want }, reply) => {
      for (const index of want) {
        const frame = Object.assign(film.subarray(index * size, (index + 1) * size), { shape });
        reply({ key, index, payload: { frame } });
      }
    };
  }
  var part = (id) => document.getElementById(id);
  function card(title) {
    const body = element("div", { class: "chart" });
    part("charts").append(element("section", { class: "card" }, element("h3", { text: title }), body));
    return body;
  }
  function curvesOf({ values, truth }, { class_names, colours }, places) {
    const [steps, count] = values.shape;
    const all = Array.from({ length: count }, (_, number2) => ({
      number: number2,
      name: class_names[number2],
      colour: colours[number2],
      places,
      values: Float32Array.from({ length: steps }, (_2, index) => values[index * count + number2])
    }));
    const peak = (series) => series.values.reduce((most, value) => value > most ? value : most, -1);
    const highest = [...all].sort((one, other) => peak(other) - peak(one)).slice(0, MOST_CURVES);
    return all.filter((series) => highest.includes(series) || series.number === truth);
  }
  function asked(state, layers) {
    const query = new URLSearchParams(location.search);
    const found2 = {};
    if (layers.has(query.get("layer"))) found2.layer = query.get("layer");
    const probe = Number(query.get("probe") ?? NaN);
    if (Number.isInteger(probe) && probe >= 0 && probe < state.probes) found2.probe = probe;
    const step = Number(query.get("step") ?? NaN);
    const { steps } = state.transport;
    return { choice: found2, index: Math.max(0, nearest(steps, step)) };
  }
  async function start() {
    const packed = JSON.parse(new TextDecoder().decode(await unpack(part("state").textContent)));
    const { layers: pictures, predictions, ...rest } = packed;
    const state = await thaw(rest);
    const layers = new Map(pictures.map((layer) => [layer.name, layer]));
    sheet.replaceSync(`${state.css}
.component { height: 100%; }`);
    const clock = clockOf(CHANNEL);
    const { choice, index } = asked(state, layers);
    const transport = mount(part("transport"), render6, {
      ...state.transport,
      choice: { ...state.transport.choice, ...choice },
      resting: index
    });
    if (state.moments) {
      part("moments").hidden = false;
      mount(part("moments"), render5, state.moments);
    }
    transport.on("resting", () => {
      transport.ack += 1;
    });
    mount(part("graph"), render2, state.graph);
    mount(part("picker"), render3, state.picker);
    const places = { step: transport.steps, epoch: transport.epochs, wall_time: transport.wall_times };
    const charts = state.charts.map((chart) => chartOf(chart, places, transport));
    let bars = null;
    let shares = null;
    if (predictions.length) {
      part("says").hidden = false;
      bars = mount(part("bars"), render, state.bars);
      shares = chartOf({ title: "Probabilities of the probe", y_name: "probability", y_limits: [0, 1], series: [] }, places, transport);
      charts.push(shares);
    }
    transport.on("axis", () => charts.forEach((chart) => {
      chart.axis = transport.axis;
    }));
    let grid = null;
    let shown = {};
    const showPicture = async ({ layer, probe }) => {
      const { title, facts, colour, missing, films } = layers.get(layer) ?? { facts: "", missing: "This run has no layers." };
      const film = films?.[probe];
      const frames = film && await arrayOf(film.frames);
      const looks = film && await thaw(film.grid);
      if (shown.layer !== layer || shown.probe !== probe) return;
      part("layer").replaceChildren(element("i", { style: `background:${colour}` }), layer, element("small", { text: facts }));
      part("title").textContent = title ?? "Activation";
      part("caption").textContent = film ? film.caption : missing;
      part("picture").hidden = !film;
      grid?.remove();
      grid = film ? mount(part("picture"), render4, looks, framesFrom(frames)) : null;
    };
    const showPrediction = async ({ probe }) => {
      if (!predictions.length) return;
      const found2 = await thaw(predictions[probe]);
      if (shown.probe !== probe) return;
      bars.update(found2);
      shares.series = curvesOf(found2, state.bars, places);
    };
    const show = () => {
      const { layer, probe } = clock.choice;
      const before = shown;
      shown = { layer, probe };
      if (before.layer !== layer || before.probe !== probe) guarded(() => showPicture(shown));
      if (before.probe !== probe) guarded(() => showPrediction(shown));
    };
    clock.addEventListener("choice", show);
    show();
  }
  function chartOf(chart, clocks, transport) {
    return mount(card(chart.title), render7, { ...chart, clocks, axis: transport.axis, channel: CHANNEL });
  }
  async function guarded(act) {
    try {
      await act();
    } catch (error) {
      part("fault").textContent = "DecompressionStream" in window ? `This file cannot be shown: ${error.message}. It may be cut short; export it again.` : "This browser cannot unpack the file. It needs Chrome or Edge 80, Firefox 113, or Safari 16.4, or a later one.";
      part("fault").hidden = false;
      console.error(error);
    }
  }
  guarded(start);
})();
