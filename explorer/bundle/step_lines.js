// explorer/widgets/shared/numbers.js
function nearest(values, to, reach = Infinity) {
  let found = -1;
  values.forEach((value, at) => {
    const gap = Math.abs(value - to);
    if (gap <= reach && !(gap >= Math.abs(values[found] - to))) found = at;
  });
  return found;
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
function number(value) {
  if (value === 0) return "0";
  return Number.isFinite(value) ? Number(value.toPrecision(3)).toString() : String(value);
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

// explorer/widgets/charts/step_lines.js
var NEAR = 24;
var MOST_LETTERS = 14;
var MOST_TOLD = 3;
var MOST_GHOSTS = 6;
var TILT = Math.PI / 4;
var DASHES = { first: [1.5, 3], last: [6, 4] };
var PARAMETERS = [
  "x",
  "y",
  "names",
  "colours",
  "colours_of",
  "kind",
  "y_limits",
  "x_name",
  "y_name",
  "x_labels",
  "diagonal",
  "log_y",
  "markers",
  "ghost",
  "selects",
  "picks",
  "ids",
  "x_hover",
  "if_zero",
  "label"
];
function endsOf(values, from, to, { zero = false, log = false } = {}) {
  let [low, high] = finiteEnds(values, from, to, log ? 0 : -Infinity);
  if (zero && !log) [low, high] = [Math.min(0, low), Math.max(0, high)];
  if (log) return low <= high ? roomy(Math.log10(low), Math.log10(high), 0.05).map((power) => 10 ** power) : [0.1, 1];
  const [least, most] = roomy(low, high, 0.05);
  if (!zero) return [least, most];
  return low === high ? [0, 1] : [low < 0 ? least : 0, high > 0 ? most : 0];
}
function logTicks(low, high, most) {
  const [first, last] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
  const every = Math.max(1, Math.ceil((last - first + 1) / Math.max(1, most)));
  const powers = Array.from({ length: Math.max(0, last - first + 2) }, (_, at) => first - 1 + at);
  return powers.flatMap((power) => (power - first) % every ? [] : (last - first < 2 ? [1, 2, 5] : [1]).map((times) => [times, power])).map(([times, power]) => ({ value: Number(`${times}e${power}`), text: `${times}e${power}`, plain: power >= -3 && power <= 4 })).filter(({ value }) => value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)).map(({ value, text, plain }) => ({ value, text: plain ? String(value) : text }));
}
function edgesOf(xs) {
  const middles = xs.slice(1).map((x, at) => (x + xs[at]) / 2);
  if (!middles.length) return [xs[0] - 0.5, xs[0] + 0.5];
  return [2 * xs[0] - middles[0], ...middles, 2 * xs.at(-1) - middles.at(-1)];
}
function saidOf(values, from, to, { bars = false, log = false, still = false, ifZero = "" } = {}) {
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
function render({ model, el }) {
  const canvas = element("canvas", { role: "img" });
  const stage = element("div", { class: "stage" }, canvas);
  const say = messageOn(stage, [canvas]);
  const groups = element("span", { class: "groups" });
  const hint = element("span");
  const limits = limitsOf("y axis", () => draw());
  el.append(element("div", { class: "plot" }, stage, element("div", { class: "legend" }, groups, hint, limits.button)));
  const tip = tipOn(stage);
  const clock = clockOf(model.channel);
  let pen = null;
  let ink = {};
  let [view, xs, edges] = [null, [], []];
  let fixed = null;
  let [pointer, over, listed] = [null, null, -1];
  let its = {};
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
    return its.ids.length ? its.ids.indexOf(id) : id ?? -1;
  };
  const rules = () => ({ zero: bars(), log: its.log_y });
  const look = () => {
    const [width, height] = [stage.clientWidth, stage.clientHeight];
    if (!width || !height) return false;
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
    const widthOf = (texts2) => Math.max(0, ...texts2.map((text) => pen.measureText(text).width));
    const tilted = wanted.length > 1 && widthOf(wanted) + 6 > (width - 60) / wanted.length;
    const every = tilted ? Math.ceil((LINE + 1) * wanted.length / (width - 60)) : 1;
    const texts = wanted.map((text, at) => at % every ? "" : text);
    const box = plotBox(pen, width, height, yTicks, { ...names, below: tilted ? widthOf(texts) * Math.sin(TILT) + 14 : LINE + 5 });
    const [x0, x1] = bars() || stairs() ? [edges[0], edges.at(-1)] : roomy(xs[0], xs.at(-1), 0.02);
    const scaled = (value) => its.log_y ? Math.log10(value) : value;
    const [top, bottom] = [scaled(high), scaled(low)];
    const x = (value) => box.left + (value - x0) / (x1 - x0) * box.width;
    const y = (value) => Number.isFinite(scaled(value)) ? box.top + (top - scaled(value)) / (top - bottom) * box.height : NaN;
    const xTicks = texts.length ? texts.map((text, at) => ({ at: x(xs[at]), text: tilted ? "" : text, bare: true })) : ticksOf(x0, x1, box.width / 60).map((tick) => ({ ...tick, at: x(tick.value), bare: bars() }));
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
  const baseOf = () => its.log_y ? view.box.top + view.box.height : view.y(0);
  const drawBars = (series) => {
    for (const at of upTo(places)) {
      const top = view.y(valueOf(series, at));
      if (Number.isNaN(top)) continue;
      const [left, right] = [view.x(edges[at]), view.x(edges[at + 1])];
      const wide = (right - left) * (count > 1 ? 0.8 : 0.88) / count;
      const start = (left + right) / 2 + (series - count / 2) * wide;
      pen.fillStyle = colourOf(series, at);
      pen.fillRect(start, Math.min(top, baseOf()), Math.max(1, wide - (wide > 5 ? 1 : 0)), Math.max(1, Math.abs(top - baseOf())));
    }
  };
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
    const strong = listed >= 0 ? listed : bySeries() ? over?.series ?? hovered : -1;
    const favourites = [strong, bySeries() ? chosen : -1].filter((series) => series >= 0 && series < count);
    const strength = (series) => favourites.includes(series) ? 1 : favourites.length ? -1 : 0;
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
        const value = edges[0] + part / 100 * (edges.at(-1) - edges[0]);
        pen.lineTo(x(value), y(value));
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
  const tell = () => {
    const { at, series } = over;
    const nameOf = (which) => count > 1 ? `${cut(its.names[which] ?? `series ${which}`, 20)} ` : "";
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
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!move || !its.selects) return;
    event.preventDefault();
    pick(numberOf(clock.choice[its.selects]) + move);
  });
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
    groups.replaceChildren(...count > 1 && its.colours_of === "series" ? its.names.map(entry) : []);
    hint.textContent = showsGhosts() ? "dotted: first step, dashed: last step" : "";
    limits.button.hidden = steps < 2;
  };
  const repaint = () => {
    pen = null;
    draw();
  };
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
export {
  render,
  saidOf
};
