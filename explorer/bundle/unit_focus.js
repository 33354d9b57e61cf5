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

// explorer/widgets/shared/frames.js
var KEPT_BYTES = 64 * 1024 * 1024;
var READ_AHEAD = 8;
function bytesOf(payload) {
  return Object.values(payload ?? {}).reduce((sum, part) => sum + (part?.byteLength ?? part?.length ?? 0), 0);
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
  const span2 = Math.max(1, high - low);
  for (let value = 1; value < 256; value++) {
    const at = 3 * clamp(Math.round((value - low) / span2 * 255), 0, 255);
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

// explorer/widgets/pictures/unit_focus.js
var BETWEEN = 14;
var TITLE = 17;
var MIDDLE_CODE = 128;
function opacity(code, least, most, signed) {
  if (code === 0) return 0;
  const share = signed ? Math.abs(code - MIDDLE_CODE) / (most - MIDDLE_CODE) : (code - least) / (most - least);
  return Math.sqrt(clamp(share));
}
function positionAt(place, from, to, count) {
  const position = Math.floor((place - from) / (to - from) * count);
  return position >= 0 && position < count ? position : null;
}
function ends(codes) {
  let [least, most] = [256, 0];
  for (const code of codes) {
    if (code > 0 && code < least) least = code;
    if (code > most) most = code;
  }
  return [least, most];
}
function strongest(codes) {
  const [least, most] = ends(codes);
  return least < most ? codes.indexOf(most) : null;
}
function span(codes, free, signed) {
  const [least, most] = ends(codes);
  if (!free || !most) return [1, 255];
  if (!signed) return least < most ? [least, most] : [1, 255];
  const reach = Math.max(MIDDLE_CODE - least, most - MIDDLE_CODE, 1);
  return [MIDDLE_CODE - reach, MIDDLE_CODE + reach];
}
function render({ model, el }) {
  const canvas = element("canvas", { role: "img" });
  const marks = element("canvas", { class: "marks", "aria-hidden": "true" });
  const bar = element("canvas", { width: 255, height: 1, class: "bar" });
  const low = element("span");
  const high = element("span");
  const name = element("span", { text: model.value_name });
  const limits = limitsOf("colours", () => {
    draw(clock.index);
    legend();
  });
  const strength = element("input", { type: "range", min: 0, max: 100, value: 80, "aria-label": "Strength of the map over the input" });
  const overlay = element("label", { class: "overlay no-snapshot" }, element("span", { text: "overlay" }), strength);
  const stage = element("div", { class: "stage" }, canvas, marks);
  const say = messageOn(stage, [canvas, marks]);
  el.append(element(
    "div",
    { class: "focus" },
    stage,
    element("div", { class: "legend" }, low, bar, high, name, element("span", { class: "fill" }), overlay, limits.button)
  ));
  const tip = tipOn(stage);
  const [greys, colours, veil] = [0, 1, 2].map(() => document.createElement("canvas"));
  let shown = null;
  let alike = "";
  let place = null;
  let pointer = null;
  const layout = () => {
    const box = stage.getBoundingClientRect();
    const panels = model.picture ? 2 : 1;
    const [tall, wide] = model.size;
    const scale = Math.min((box.width - (panels - 1) * BETWEEN) / (panels * wide), (box.height - TITLE) / tall);
    if (!(scale > 0)) return false;
    place = { scale, lefts: Array.from({ length: panels }, (_, panel) => panel * (wide * scale + BETWEEN)) };
    sized(canvas, box.width, tall * scale + TITLE);
    sized(marks, box.width, tall * scale + TITLE);
    return true;
  };
  const grey = () => {
    const codes = model.picture ? bytes(model.picture) : null;
    if (!codes) return;
    const [tall, wide] = model.size;
    const shades = Uint32Array.from({ length: 256 }, (_, code) => code ? 255 << 24 | code << 16 | code << 8 | code : 0);
    coloured(codes, wide, tall, shades, greys);
  };
  const prepare = (frame) => {
    const codes = bytes(frame);
    const [height, width] = frame.shape;
    const [least, most] = span(codes, limits.free, model.signed);
    const shades = table(model.palette, least, most);
    coloured(codes, width, height, shades, colours);
    const force = Number(strength.value) / 100;
    const veiled = shades.map((shade, code) => {
      const full = !model.signed ? shade : shades[code < MIDDLE_CODE ? 1 : 255];
      return full & 16777215 | Math.round(255 * force * opacity(code, least, most, model.signed)) << 24;
    });
    coloured(codes, width, height, veiled, veil);
    shown = { codes, height, width, least, most };
  };
  const paint = (frame, index) => {
    if (!place && !layout()) return;
    prepare(frame);
    const pen = canvas.getContext("2d");
    const { scale, lefts } = place;
    const [tall, wide] = [model.size[0] * scale, model.size[1] * scale];
    const [top, left, bottom, right] = model.extent.map((edge) => edge * scale);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.imageSmoothingEnabled = false;
    pen.font = `11px ${getComputedStyle(el).fontFamily}`;
    pen.textBaseline = "top";
    lefts.forEach((from, panel) => {
      const over = panel === 0 && Boolean(model.picture);
      pen.fillStyle = themed(el, "muted");
      write(pen, over ? "on the probe" : "the map alone", from, 0, wide);
      pen.save();
      pen.beginPath();
      pen.rect(from, TITLE, wide, tall);
      pen.clip();
      pen.fillStyle = themed(el, "quiet");
      pen.fillRect(from, TITLE, wide, tall);
      if (over) pen.drawImage(greys, from, TITLE, wide, tall);
      if (over || !alike) pen.drawImage(over ? veil : colours, from + left, TITLE + top, right - left, bottom - top);
      else {
        pen.fillStyle = themed(el, "muted");
        pen.textAlign = "center";
        pen.fillText(alike, from + wide / 2, TITLE + tall / 2, wide - BETWEEN);
        pen.textAlign = "left";
      }
      pen.restore();
    });
    canvas.dataset.index = index;
    canvas.dataset.key = frames.key;
    canvas.setAttribute("aria-label", `${model.label}, recorded step ${index + 1} of ${clock.count}`);
    if (limits.free) legend();
  };
  const legend = () => {
    const [least, most] = limits.free && shown ? [shown.least, shown.most] : [1, 255];
    low.textContent = readOff(least, model);
    high.textContent = readOff(most, model);
    low.title = high.title = BEYOND;
    name.textContent = model.value_name;
    overlay.hidden = !model.picture;
    coloured(Uint8Array.from({ length: 255 }, (_, at) => at + 1), 255, 1, table(model.palette), bar);
  };
  const draw = (index) => {
    if (!room.width) return;
    const payload = frames.get(index);
    if (payload?.error) say(payload.error, index);
    else if (payload) {
      const code = codeOfAll(bytes(payload.frame));
      alike = code < 0 ? "" : saidOfAll(code, model);
      say(model.picture ? "" : alike, index);
      paint(payload.frame, index);
    }
    frames.want(index);
    hover();
  };
  const under = () => {
    if (!pointer || !shown || !place) return null;
    const { scale, lefts } = place;
    const [tall, wide] = model.size;
    const from = lefts.find((left2) => pointer.x >= left2 && pointer.x < left2 + wide * scale);
    const [x, y] = [(pointer.x - from) / scale, (pointer.y - TITLE) / scale];
    if (from === void 0 || y < 0 || y >= tall) return null;
    const [top, left, bottom, right] = model.extent;
    const row = positionAt(y, top, bottom, shown.height);
    const column = positionAt(x, left, right, shown.width);
    return row === null || column === null ? null : { row, column };
  };
  const strokeBox = (pen, [x, y, wide, tall], from, dashes) => {
    for (
      const [colour, width] of
      /** @type {[string, number][]} */
      [["rgba(0, 0, 0, .65)", 3.5], ["#fff", 1.5]]
    ) {
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.setLineDash(width < 2 ? dashes : []);
      pen.strokeRect(from + x * place.scale, TITLE + y * place.scale, wide * place.scale, tall * place.scale);
    }
  };
  const outline = ({ row, column }, dashes) => {
    const pen = marks.getContext("2d");
    const { lefts } = place;
    const [top, left, bottom, right] = model.extent;
    const [down, across] = [(bottom - top) / shown.height, (right - left) / shown.width];
    const cell = [left + column * across, top + row * down, across, down];
    const seen = [
      model.columns[2 * column],
      model.rows[2 * row],
      model.columns[2 * column + 1] - model.columns[2 * column],
      model.rows[2 * row + 1] - model.rows[2 * row]
    ];
    lefts.forEach((from, panel) => {
      strokeBox(pen, cell, from, []);
      if (panel === 0) strokeBox(pen, seen, from, dashes);
    });
  };
  const hover = () => {
    const pen = marks.getContext("2d");
    pen.clearRect(0, 0, marks.width, marks.height);
    if (!shown || !place) return;
    const at = under();
    if (at) {
      outline(at, []);
      const code = shown.codes[at.row * shown.width + at.column];
      tip.show(`y ${at.row}, x ${at.column} · ${readOff(code, model)}`, pointer.x, pointer.y);
      return;
    }
    tip.hide();
    const best = strongest(shown.codes);
    if (best === null) return;
    outline({ row: Math.floor(best / shown.width), column: best % shown.width }, [5, 4]);
  };
  canvas.addEventListener("pointermove", (event) => {
    pointer = { x: event.offsetX, y: event.offsetY };
    hover();
  });
  canvas.addEventListener("pointerleave", () => {
    pointer = null;
    hover();
  });
  strength.addEventListener("input", () => draw(clock.index));
  const clock = clockOf(model.channel);
  const frames = framesOf(model, stage, draw);
  const renew = () => {
    shown = null;
    place = null;
    grey();
    legend();
    draw(clock.index);
  };
  const room = repaintWhenSeen(model, stage, () => {
    place = null;
    draw(clock.index);
  });
  model.on(["key", "picture", "size", "extent", "rows", "columns", "palette", "low", "high", "signed", "value_name"], renew);
  grey();
  legend();
}
export {
  opacity,
  positionAt,
  render,
  span,
  strongest
};
