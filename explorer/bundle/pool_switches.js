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

// explorer/widgets/pictures/pool_switches.js
var BETWEEN = 18;
var TITLE = 17;
var ROW = 30;
var LINKS = 44;
var MIN_GRID_PITCH = 7;
function render({ model, el }) {
  const canvas = element("canvas", { role: "img" });
  const marks = element("canvas", { class: "marks", "aria-hidden": "true" });
  const bar = element("canvas", { width: 255, height: 1, class: "bar" });
  const [low, high, note] = [element("span"), element("span"), element("span", { class: "note" })];
  const stage = element("div", { class: "stage" }, canvas, marks);
  const say = messageOn(stage, [canvas, marks]);
  el.append(element("div", { class: "pool" }, stage, element(
    "div",
    { class: "legend" },
    low,
    bar,
    high,
    element("span", { text: model.value_name }),
    element("span", { class: "fill" }),
    note
  )));
  const tip = tipOn(stage);
  const [first, second] = [document.createElement("canvas"), document.createElement("canvas")];
  let shown = null;
  let place = null;
  let pointer = null;
  const row = () => shown.before.shape[0] === 1;
  const layout = () => {
    const box = stage.getBoundingClientRect();
    const [height, width] = shown.before.shape;
    if (row()) {
      const dx = box.width / width;
      place = { dx, dy: ROW, input: { x: 0, y: TITLE }, output: { x: 0, y: TITLE + ROW + LINKS } };
    } else {
      const scale = Math.min((box.width - BETWEEN) / (2 * width), (box.height - TITLE) / height);
      place = { dx: scale, dy: scale, input: { x: 0, y: 0 }, output: { x: width * scale + BETWEEN, y: 0 } };
    }
    const tall = row() ? place.output.y + ROW + TITLE : height * place.dy + TITLE;
    sized(canvas, box.width, tall);
    sized(marks, box.width, tall);
  };
  const along = (axis, at, whole) => {
    const { start, size, stride } = model.window[axis];
    const from = start + at * stride;
    return whole ? [from, size] : [from + (size - stride) / 2, stride];
  };
  const cell = (down, across) => {
    const [y, tall] = row() ? [0, 1] : along(0, down, false);
    const [x, wide] = along(1, across, false);
    return [place.output.x + x * place.dx, place.output.y + y * place.dy, wide * place.dx, tall * place.dy];
  };
  const covered = (down, across) => {
    const [height, width] = shown.before.shape;
    const [[y, tall], [x, wide]] = [along(0, down, true), along(1, across, true)];
    const [left, top] = [Math.max(0, x), Math.max(0, y)];
    const [right, bottom] = [Math.min(width, x + wide), Math.min(height, y + tall)];
    const { input, dx, dy } = place;
    return [input.x + left * dx, input.y + top * dy, (right - left) * dx, (bottom - top) * dy];
  };
  const centre = (position) => {
    const width = shown.before.shape[1];
    const [x, y] = [position % width, Math.floor(position / width)];
    return [place.input.x + (x + 0.5) * place.dx, place.input.y + (y + 0.5) * place.dy];
  };
  const kept = () => shown.kept.byteLength ? new Int32Array(shown.kept.buffer, shown.kept.byteOffset, shown.kept.byteLength / 4) : [];
  const paintMaps = (pen) => {
    const colours = table(model.palette);
    const [height, width] = shown.before.shape;
    const [down, across] = shown.after.shape;
    pen.imageSmoothingEnabled = false;
    coloured(bytes(shown.before), width, height, colours, first);
    pen.drawImage(first, place.input.x, place.input.y, width * place.dx, height * place.dy);
    coloured(bytes(shown.after), across, down, colours, second);
    const [x, y, wide, tall] = cell(0, 0);
    pen.drawImage(second, x, y, wide * across, tall * down);
  };
  const paintTitles = (pen) => {
    pen.font = "11px system-ui, sans-serif";
    pen.fillStyle = themed(el, "muted");
    pen.textBaseline = "top";
    const height = shown.before.shape[0];
    const [before, after] = model.names;
    if (!row()) {
      pen.fillText(before, place.input.x, height * place.dy + 4);
      pen.fillText(after, place.output.x, height * place.dy + 4);
      return;
    }
    pen.fillText(after, place.output.x, place.output.y + ROW + 4);
    pen.fillText(before, place.input.x, 2);
  };
  const paintWindows = (pen) => {
    const [down, across] = shown.after.shape;
    if (model.window.some(({ size, stride }) => size > stride)) return;
    if (Math.min(...model.window.map(({ stride }, axis) => stride * [place.dy, place.dx][axis])) < MIN_GRID_PITCH) return;
    pen.strokeStyle = themed(el, "card");
    pen.globalAlpha = 0.55;
    pen.lineWidth = 1;
    for (let y = 0; y < down; y++) for (let x = 0; x < across; x++) pen.strokeRect(...covered(y, x));
    pen.globalAlpha = 1;
  };
  const paintKept = (pen) => {
    const codes = bytes(shown.before);
    const radius = clamp(0.2 * Math.min(place.dx, place.dy), 1, 4);
    kept().forEach((position, window2) => {
      if (position < 0) return;
      const [x, y] = centre(position);
      if (row()) {
        const [left, top, wide] = cell(0, window2);
        pen.strokeStyle = themed(el, "muted");
        pen.lineWidth = 1.2;
        pen.beginPath();
        pen.moveTo(x, place.input.y + ROW);
        pen.lineTo(left + wide / 2, top);
        pen.stroke();
      }
      pen.fillStyle = inkOn(...rgbOf(model.palette, codes[position]));
      pen.beginPath();
      pen.arc(x, y, radius, 0, 2 * Math.PI);
      pen.fill();
    });
  };
  const paint = (payload, index) => {
    const old = shown?.before.shape;
    shown = payload;
    if (!place || !old || old.some((size, axis) => size !== shown.before.shape[axis])) layout();
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, canvas.width, canvas.height);
    paintMaps(pen);
    paintTitles(pen);
    paintWindows(pen);
    paintKept(pen);
    note.textContent = shown.note;
    canvas.dataset.index = index;
    canvas.dataset.key = frames.key;
    canvas.setAttribute("aria-label", `${model.label}, recorded step ${index + 1} of ${clock.count}. ${shown.note}`);
    hover();
  };
  const valueOf = (code) => readOff(code, model);
  const legend = () => {
    low.textContent = readOff(1, model);
    high.textContent = readOff(255, model);
    low.title = high.title = BEYOND;
    coloured(Uint8Array.from({ length: 255 }, (_, at) => at + 1), 255, 1, table(model.palette), bar);
  };
  const draw = (index) => {
    if (!room.width) return;
    const payload = frames.get(index);
    if (payload?.error) say(payload.error, index);
    else if (payload) {
      const code = codeOfAll(bytes(payload.before));
      say(code < 0 ? "" : saidOfAll(code, model), index);
      paint(payload, index);
    }
    frames.want(index);
  };
  const inputAt = () => {
    const [height, width] = shown.before.shape;
    const x = Math.floor((pointer.x - place.input.x) / place.dx);
    const y = Math.floor((pointer.y - place.input.y) / place.dy);
    return x >= 0 && x < width && y >= 0 && y < height ? { x, y, position: y * width + x } : null;
  };
  const windowAt = () => {
    const [down, across] = shown.after.shape;
    const [left, top, wide, tall] = cell(0, 0);
    const [x, y] = [Math.floor((pointer.x - left) / wide), Math.floor((pointer.y - top) / tall)];
    return x >= 0 && x < across && y >= 0 && y < down ? y * across + x : -1;
  };
  const nameOf = (x, y, what) => row() ? `${what} ${x}` : `${what} y ${y}, x ${x}`;
  const describe = (input, windows) => {
    const across = shown.after.shape[1];
    const chosen = kept();
    if (input) {
      const value2 = valueOf(bytes(shown.before)[input.position]);
      const told = chosen.length ? windows.length ? " · kept" : " · dropped" : "";
      return `${nameOf(input.x, input.y, "position")} · ${value2}${told}`;
    }
    const [window2] = windows;
    const value = valueOf(bytes(shown.after)[window2]);
    const position = chosen[window2] ?? -1;
    const width = shown.before.shape[1];
    const from = position < 0 ? "" : ` · from ${nameOf(position % width, Math.floor(position / width), "position")}`;
    return `${nameOf(window2 % across, Math.floor(window2 / across), "window")} · ${value}${from}`;
  };
  const hover = () => {
    const pen = marks.getContext("2d");
    pen.clearRect(0, 0, marks.width, marks.height);
    const input = pointer && shown && place ? inputAt() : null;
    const window2 = pointer && shown && place && !input ? windowAt() : -1;
    if (!input && window2 < 0) return tip.hide();
    const across = shown.after.shape[1];
    const windows = input ? [...kept()].flatMap((position, at) => position === input.position ? [at] : []) : [window2];
    for (const at of windows) {
      const corner = [Math.floor(at / across), at % across];
      for (const [box, width] of [[covered(...corner), 1.5], [cell(...corner), 2]]) {
        pen.strokeStyle = themed(el, "select");
        pen.lineWidth = width;
        pen.strokeRect(box[0] + 0.5, box[1] + 0.5, box[2] - 1, box[3] - 1);
      }
    }
    tip.show(describe(input, windows), pointer.x, pointer.y);
  };
  canvas.addEventListener("pointermove", (event) => {
    pointer = { x: event.offsetX, y: event.offsetY };
    hover();
  });
  canvas.addEventListener("pointerleave", () => {
    pointer = null;
    hover();
  });
  const clock = clockOf(model.channel);
  const frames = framesOf(model, stage, draw);
  const room = repaintWhenSeen(model, stage, () => {
    place = null;
    draw(clock.index);
  });
  model.on(["key", "palette", "low", "high", "window"], () => {
    place = null;
    legend();
    draw(clock.index);
  });
  legend();
}
export {
  render
};
