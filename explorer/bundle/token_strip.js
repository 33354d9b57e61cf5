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

// explorer/widgets/shared/limits.js
function limitsOf(what, changed) {
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
function cut(text, most) {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
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
function tipOn(stage) {
  const tip = element("div", { class: "tip", hidden: "" });
  stage.append(tip);
  return {
    show: (text, x, y) => {
      tip.textContent = text;
      tip.hidden = false;
      const left = clamp(x + 12, 0, stage.clientWidth - tip.offsetWidth - 4);
      const top = y - 30 < 0 ? y + 18 : y - 30;
      tip.style.transform = `translate(${left}px, ${top}px)`;
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

// explorer/widgets/charts/token_strip.js
var SIGNS = { "": "∅", " ": "␣", "\n": "↵", "	": "⇥" };
var FEWEST_FOLDED = 2;
var PARAMETERS = [
  "tokens",
  "values",
  "rows",
  "palette",
  "low",
  "high",
  "signed",
  "padding",
  "separator",
  "value_name",
  "x_name",
  "selectable",
  "label"
];
function stretchesOf(count, padding) {
  const stretches = [];
  for (let at = 0; at < count; at++) {
    const padded = Boolean(padding?.[at]);
    if (stretches.at(-1)?.padded === padded) stretches.at(-1).stop = at + 1;
    else stretches.push({ start: at, stop: at + 1, padded });
  }
  return stretches;
}
function endsOf(values, from, to, signed) {
  let [low, high] = finiteEnds(values, from, to);
  if (low > high) [low, high] = [0, 1];
  if (signed) [low, high] = [-Math.max(-low, high), Math.max(-low, high)];
  return low < high ? [low, high] : signed ? [-1, 1] : [low, low + 1];
}
function saidOf(values, from, to) {
  let [known, others, first] = [0, 0, NaN];
  for (let at = from; at < to; at++) {
    if (Number.isNaN(values[at])) continue;
    if (!known) first = values[at];
    known += 1;
    if (values[at] !== first) others += 1;
  }
  if (!known) return "no value at this step";
  return known > 1 && !others ? `all ${number(first)} at this step` : "";
}
function codeOf(value, low, high) {
  if (Number.isNaN(value)) return 0;
  return 1 + Math.round(254 * clamp((value - low) / (high - low)));
}
function neighbour(numbers, from, move) {
  return move > 0 ? numbers.find((one) => one > from) ?? numbers.at(-1) : numbers.findLast((one) => one < from) ?? numbers[0];
}
function render({ model, el }) {
  const stage = element("div", { class: "stage", role: "group" });
  const bar = element("canvas", { width: 255, height: 1, class: "bar" });
  const [low, high, name, chosen] = [0, 1, 2, 3].map(() => element("span"));
  const clear = element("button", { type: "button", class: "quiet", text: "clear" });
  const limits = limitsOf("colours", () => {
    shown = null;
    draw();
  });
  el.append(element(
    "div",
    { class: "strip" },
    stage,
    element("div", { class: "legend" }, low, bar, high, name, element("span", { class: "fill" }), chosen, clear, limits.button)
  ));
  const tip = tipOn(stage);
  let its = {};
  let cells = [];
  let codes = new Uint8Array();
  let styles = [];
  let ends = null;
  let shown = null;
  let remark = "";
  let folded = true;
  let seen = false;
  let over = null;
  let anchor = -1;
  let span = [];
  let outlined = -1;
  const sizes = () => its.values?.shape ?? [0, 1, its.tokens.length];
  const stepAt = () => clamp(clock.index, 0, sizes()[0] - 1);
  const column = (token) => cells.map((row) => row[token]).filter(Boolean);
  const words = (row) => {
    const made = element("div", { class: its.separator ? "words" : "words letters" });
    const add = (part) => made.append(...made.childNodes.length ? [its.separator] : [], part);
    for (const { start, stop, padded } of stretchesOf(its.tokens.length, its.padding)) {
      const count = stop - start;
      const foldable = padded && count >= FEWEST_FOLDED;
      for (let token = start; token < stop && !(foldable && folded); token++) {
        const text2 = its.tokens[token];
        const cell = element("span", { text: SIGNS[text2] ?? text2, class: padded ? "word padded" : "word" });
        Object.assign(cell.dataset, { token, row });
        cells[row][token] = cell;
        add(cell);
        if (text2 === "\n") made.append(element("br"));
      }
      if (!foldable) continue;
      const text = `${folded ? "…" : "fold"} ${count} padding tokens`;
      const fold = element("button", { type: "button", class: "quiet fold", text });
      fold.addEventListener("click", () => {
        folded = !folded;
        build();
      });
      add(fold);
    }
    return made;
  };
  const build = () => {
    const rows = sizes()[1];
    cells = Array.from({ length: rows }, () => new Array(its.tokens.length).fill(null));
    codes = new Uint8Array(rows * its.tokens.length);
    outlined = -1;
    const named = its.rows.some(Boolean);
    const parts = [];
    for (let row = 0; row < rows; row++) {
      if (named) parts.push(element("div", { class: "name", text: its.rows[row] ?? "", title: its.rows[row] }));
      parts.push(words(row));
    }
    stage.classList.toggle("named", named);
    for (const old of [...stage.children]) if (!old.classList.contains("tip")) old.remove();
    stage.prepend(...parts);
    draw();
    showSpan();
  };
  const given = ([least, most]) => {
    const [from, to] = [its.low ?? least, its.high ?? most];
    return from < to ? [from, to] : [from, from + 1];
  };
  const draw = () => {
    const [, rows, count] = sizes();
    if (!seen || !its.palette || !its.values || count !== its.tokens.length) return;
    const from = stepAt() * rows * count;
    const next = limits.free ? endsOf(its.values, from, from + rows * count, its.signed) : ends;
    const said = saidOf(its.values, from, from + rows * count);
    if (next !== shown || said !== remark) {
      remark = said;
      legend(shown = next);
    }
    for (let row = 0; row < rows; row++) {
      for (let token = 0; token < count; token++) {
        const at = row * count + token;
        const code = codeOf(its.values[from + at], ...shown);
        const cell = cells[row]?.[token];
        if (!cell || code === codes[at]) continue;
        const [before, after] = [styles[codes[at]], styles[code]];
        codes[at] = code;
        cell.style.backgroundColor = after.back;
        if (before.ink !== after.ink) cell.style.color = after.ink;
      }
    }
    stage.dataset.index = clock.index;
    if (over) tell();
  };
  const dye = () => {
    const { palette } = model;
    if (!palette) return;
    styles = Array.from({ length: 256 }, (_, code) => {
      if (!code) return { back: "", ink: "" };
      const colour = rgbOf(palette, code);
      return { back: `rgb(${colour.join(" ")})`, ink: inkOn(...colour) };
    });
    coloured(Uint8Array.from({ length: 255 }, (_, at) => at + 1), 255, 1, table(palette), bar);
    ends = given(endsOf(its.values ?? [], 0, its.values?.length ?? 0, its.signed));
  };
  const legend = ([least, most]) => {
    low.textContent = number(least);
    high.textContent = number(most);
    name.textContent = [its.value_name, remark].filter(Boolean).join(" · ");
    limits.button.hidden = sizes()[0] < 2;
  };
  const tell = () => {
    const { row, token, x, y } = over;
    const [, rows, count] = sizes();
    const value = its.values ? number(its.values[(stepAt() * rows + row) * count + token]) : "";
    const text = SIGNS[its.tokens[token]] ?? its.tokens[token];
    tip.show([`“${cut(text, 30)}”`, `${its.x_name} ${token}`, its.rows[row], value].filter(Boolean).join(" · "), x, y);
  };
  const outline = () => {
    const token = clock.hovered[its.x_name] ?? -1;
    if (token === outlined) return;
    for (const cell of column(outlined)) cell.classList.remove("over");
    for (const cell of column(token)) cell.classList.add("over");
    outlined = token;
  };
  const under = (event) => event.target.closest?.("[data-token]");
  stage.addEventListener("pointermove", (event) => {
    const cell = under(event);
    const before = over?.token;
    const box = stage.getBoundingClientRect();
    over = cell && { row: Number(cell.dataset.row), token: Number(cell.dataset.token) };
    if (over) Object.assign(over, { x: event.clientX - box.left, y: event.clientY - box.top });
    if (over) tell();
    else tip.hide();
    if (over?.token === before) return;
    if (over && anchor >= 0) stretch(anchor, over.token);
    clock.hover(over ? { [its.x_name]: over.token } : {});
  });
  stage.addEventListener("pointerleave", () => {
    over = null;
    tip.hide();
    clock.hover();
  });
  const stretch = (one, other) => {
    span = [Math.min(one, other), Math.max(one, other) + 1];
    showSpan();
  };
  const showSpan = () => {
    const [start, stop] = span.length ? span : [0, 0];
    for (const row of cells) row.forEach((cell, token) => cell?.classList.toggle("chosen", token >= start && token < stop));
    chosen.textContent = stop > start ? `selected: “${cut(textOf(), 40)}”` : "";
    clear.hidden = !span.length || !its.selectable;
  };
  const textOf = () => its.tokens.slice(...span.length ? span : [0, 0]).join(its.separator);
  const send = (next = span) => {
    span = next;
    showSpan();
    if (String(next) === String(model.span)) return;
    introduce(model);
    model.span = next;
  };
  stage.addEventListener("pointerdown", (event) => {
    const cell = under(event);
    if (!its.selectable || !cell || event.button !== 0) return;
    event.preventDefault();
    stage.focus({ preventScroll: true });
    anchor = Number(cell.dataset.token);
    const again = String(span) === String([anchor, anchor + 1]);
    stretch(anchor, anchor);
    window.addEventListener("pointerup", () => {
      const alone = span[1] - span[0] === 1;
      anchor = -1;
      send(again && alone ? [] : span);
    }, { once: true });
  });
  clear.addEventListener("click", () => send([]));
  stage.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const visible = its.tokens.map((_, token2) => token2).filter((token2) => cells[0]?.[token2]);
    if (!its.selectable || !visible.length || !move && event.key !== "Escape") return;
    event.preventDefault();
    if (!move) return send([]);
    const [start, stop] = span.length ? span : [-1, 0];
    const further = (from) => neighbour(visible, from, move);
    if (event.shiftKey && span.length) return send([start, Math.max(start, further(stop - 1)) + 1]);
    const token = further(move < 0 ? start : stop - 1);
    send([token, token + 1]);
  });
  stage.addEventListener("copy", (event) => {
    if (!span.length || !document.getSelection().isCollapsed) return;
    event.clipboardData.setData("text/plain", textOf());
    event.preventDefault();
  });
  const clock = clockOf(model.channel);
  const renew = () => {
    its = Object.fromEntries(PARAMETERS.map((name2) => [name2, model[name2]]));
    shown = null;
    span = model.span;
    stage.classList.toggle("selectable", its.selectable);
    if (its.selectable) stage.tabIndex = 0;
    else stage.removeAttribute("tabindex");
    stage.setAttribute("aria-label", its.label || "Text coloured by value");
    dye();
    if (ends) legend(ends);
    build();
    outline();
  };
  folded = model.collapsed;
  model.on(PARAMETERS, renew);
  model.on("collapsed", () => {
    folded = model.collapsed;
    build();
  });
  model.on("span", () => {
    span = model.span;
    showSpan();
  });
  renew();
  repaintWhenSeen(model, stage, () => {
    seen = stage.clientWidth > 0;
    draw();
  });
  follow(model, stage, draw);
  heed(model, "hover", outline);
}
export {
  render,
  saidOf
};
