// explorer/widgets/shared/numbers.js
function clamp(value, low = 0, high = 1) {
  return Math.max(low, Math.min(high, value));
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

// explorer/widgets/charts/point_cloud.js
var NEAR = 12;
var TAIL = 6;
var DOTS = 4;
var MOST_TEXTS = 200;
var [DISC, CROSS, RING] = [0, 1, 2];
var SIGNS = ["●", "×", "○"];
var PARAMETERS = [
  "positions",
  "labels",
  "colours",
  "groups",
  "shapes",
  "shape_names",
  "selects",
  "point_ids",
  "x_name",
  "y_name",
  "limits",
  "equal",
  "trails",
  "texts",
  "circle",
  "remarks",
  "if_empty",
  "label"
];
function radiusOf(count) {
  return [[12, 6], [60, 5], [300, 3.5]].find(([most]) => count <= most)?.[1] ?? 2.5;
}
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
function equalised([x0, x1, y0, y1], width, height) {
  const unit = Math.max((x1 - x0) / width, (y1 - y0) / height) / 2;
  const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
  return [x - unit * width, x + unit * width, y - unit * height, y + unit * height];
}
function nearestPlace(places, x, y, reach) {
  let [found, least] = [-1, reach * reach];
  for (let point = 0; 2 * point < places.length; point++) {
    const gap = (places[2 * point] - x) ** 2 + (places[2 * point + 1] - y) ** 2;
    if (gap <= least) [found, least] = [point, gap];
  }
  return found;
}
function neighbour(places, from, move) {
  let at = from + move;
  while (Number.isNaN(places[2 * at])) at += move;
  return at >= 0 && 2 * at < places.length ? at : from;
}
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
function labelPlaces(places, widths, box, radius, order, forced = []) {
  const around = (x, y, wide, tall) => ({ left: x - wide, right: x + wide, top: y - tall, bottom: y + tall });
  const visible = order.filter((point) => places[2 * point] >= 0);
  const taken = visible.map((point) => around(places[2 * point], places[2 * point + 1], radius, radius));
  const free = ({ left, right, top, bottom }) => left >= box.left && right <= box.left + box.width && top >= box.top && bottom <= box.top + box.height && !taken.some((other) => other.left < right && left < other.right && other.top < bottom && top < other.bottom);
  const found = new Array(widths.length).fill(null);
  for (const point of visible.filter((which) => widths[which]).slice(0, MOST_TEXTS)) {
    const half = widths[point] / 2 + 1;
    const [beside, above] = [radius + 2 + half, radius + 1 + LINE / 2];
    const tries = [[beside, 0], [-beside, 0], [0, -above], [0, above]].map(([right, down]) => around(places[2 * point] + right, places[2 * point + 1] + down, half, LINE / 2));
    const area = tries.find(free) ?? (forced.includes(point) ? tries[0] : null);
    if (!area) continue;
    taken.push(area);
    found[point] = [area.left + 1, area.top + LINE / 2];
  }
  return found;
}
function render({ model, el }) {
  const canvas = element("canvas", { role: "img" });
  const stage = element("div", { class: "stage" }, canvas);
  const say = messageOn(stage, [canvas]);
  const groups = element("span", { class: "groups" });
  const outside = element("span");
  const limits = limitsOf("axes", () => draw());
  el.append(element("div", { class: "plot" }, stage, element("div", { class: "legend" }, groups, outside, limits.button)));
  const [tip, clock] = [tipOn(stage), clockOf(model.channel)];
  let pen = null;
  let ink = {};
  let [view, sprites, widths, byColour] = [null, /* @__PURE__ */ new Map(), [], /* @__PURE__ */ new Map()];
  let fixed = null;
  let places = new Float32Array();
  let [pointer, hovered] = [null, -1];
  let its = {};
  let [positions, steps, count, radius] = [[], 0, 0, 0];
  const stepAt = () => clamp(clock.index, 0, steps - 1);
  const valueOf = (point, step = stepAt()) => {
    const at = 2 * (step * count + point);
    return [positions[at], positions[at + 1]];
  };
  const points = () => Array.from({ length: count }, (_, point) => point);
  const idOf = (point) => its.point_ids[point] ?? point;
  const pointOf = (id) => {
    const point = its.point_ids.length ? its.point_ids.indexOf(id) : id ?? -1;
    return its.selects && point < count ? point : -1;
  };
  const colourOf = (point) => its.colours[point] ?? ink.select;
  const formOf = (point) => its.shapes?.[stepAt() * count + point] ?? DISC;
  const look = () => {
    const [width, height] = [stage.clientWidth, stage.clientHeight];
    if (!width || !height) return false;
    ink = Object.fromEntries(["text", "muted", "line", "card", "select"].map((name) => [name, themed(el, name)]));
    pen = sized(canvas, width, height);
    pen.font = "11px system-ui, sans-serif";
    pen.lineJoin = pen.lineCap = "round";
    [view, sprites, byColour] = [{ width, height }, /* @__PURE__ */ new Map(), /* @__PURE__ */ new Map()];
    widths = its.texts ? points().map((point) => pen.measureText(its.labels[point] ?? "").width) : [];
    for (const point of points()) byColour.set(colourOf(point), [...byColour.get(colourOf(point)) ?? [], point]);
    fixed ??= its.limits.length ? its.limits : endsOfPoints(positions, 0, 2 * steps * count, its.circle);
    return true;
  };
  const drawAxes = (ends) => {
    const { width, height } = view;
    const names = { xName: its.x_name, yName: its.y_name };
    const box = plotBox(pen, width, height, ticksOf(ends[2], ends[3], height / 42), names);
    const [x0, x1, y0, y1] = its.equal || its.circle > 0 ? equalised(ends, box.width, box.height) : ends;
    const x = (value) => box.left + (value - x0) / (x1 - x0) * box.width;
    const y = (value) => box.top + (y1 - value) / (y1 - y0) * box.height;
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
    const order = [.../* @__PURE__ */ new Set([...first, ...points()])].filter((point) => point >= 0);
    Object.assign(pen, { lineWidth: 3, lineJoin: "round", strokeStyle: ink.card, fillStyle: ink.text });
    labelPlaces(places, widths, view.box, radius + 1, order, first).forEach((at, point) => {
      if (!at) return;
      pen.strokeText(its.labels[point], ...at);
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
      for (const point of /* @__PURE__ */ new Set([over, chosen])) if (point >= 0) drawWay(point);
    }
    pen.restore();
    for (const form of its.shapes ? [DISC, RING, CROSS] : [DISC]) {
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
  const sentence = (point) => {
    const [x, y] = valueOf(point);
    const name = its.labels[point] || `${its.selects || "point"} ${idOf(point)}`;
    const group = its.groups.find(([, colour]) => colour === its.colours[point])?.[0] ?? "";
    const form = its.shapes ? its.shape_names[formOf(point)] : "";
    const modulus = its.circle > 0 ? `modulus ${number(Math.hypot(x, y))}` : "";
    const facts = [cut(name, 60), name.includes(group) ? "" : group, form, `(${number(x)}, ${number(y)})`, modulus];
    return facts.filter(Boolean).join(" · ");
  };
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
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!move || !its.selects) return;
    event.preventDefault();
    pick(neighbour(places, pointOf(clock.choice[its.selects]), move));
  });
  const legend = () => {
    const forms = new Set(its.shapes ?? []);
    const signs = its.shape_names.map((name, form) => forms.size > 1 && forms.has(form) && [element("b", { text: SIGNS[form] }), name]);
    const swatches = its.groups.map(([name, colour]) => [element("i", { style: `background:${colour}` }), name]);
    groups.replaceChildren(...[...swatches, ...signs].filter(Boolean).map((entry) => element("span", {}, ...entry)));
    limits.button.hidden = steps < 2;
  };
  const repaint = () => {
    pen = null;
    draw();
  };
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
export {
  render
};
