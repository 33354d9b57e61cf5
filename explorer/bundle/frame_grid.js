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

// explorer/widgets/pictures/frame_grid.js
var GAP = 3;
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
      (width - (columns - 1) * GAP) / (columns * tileWidth),
      (height - (rows - 1) * GAP - rows * below) / (rows * tileHeight),
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
  return steps.reduce((found, step, tile) => step <= index ? tile : found, 0);
}
function tileAfter(chosen, move, count) {
  const from = (move > 0 ? chosen.at(-1) : chosen[0]) ?? 0;
  return clamp(from + move, 0, count - 1);
}
function render({ model, el }) {
  const canvas = element("canvas", { role: "img" });
  const marks = element("canvas", { class: "marks", "aria-hidden": "true" });
  const bar = element("canvas", { width: 255, height: 1, class: "bar" });
  const low = element("span");
  const high = element("span");
  const name = element("span", { text: model.value_name });
  const limits = limitsOf("colours", () => {
    legend();
    draw(clock.index);
  });
  const stage = element("div", { class: "stage" }, canvas, marks);
  const say = messageOn(stage, [canvas, marks]);
  el.append(element(
    "div",
    { class: "grid" },
    stage,
    element("div", { class: "legend" }, low, bar, high, name, element("span", { class: "fill" }), limits.button)
  ));
  const tip = tipOn(stage);
  const sheet = document.createElement("canvas");
  let context = canvas.getContext("2d");
  let place = null;
  let shown = null;
  const matrix = () => model.mode === "matrix";
  const idOf = (tile) => {
    const ids = shown?.tile_ids ?? model.tile_ids;
    if (ids.length) return ids[tile];
    return matrix() ? tile : Math.floor(tile / Math.max(1, model.places));
  };
  const range = (codes) => {
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
    const top = rows.length ? ROW_PITCH / 2 : 0;
    if (!names.length) return { left, top, bottom: top, rows, names, every: 1 };
    const wider = (full.width - left) / columns;
    const dx = model.square ? Math.min(wider, (full.height - top) / rowCount) : wider;
    const wide = widest(names);
    const level = wide + 8 <= dx || names.every((name2) => /^-?[\d.]*$/.test(name2));
    const every = Math.ceil((level ? wide + 8 : TILTED_PITCH) / dx);
    if (level) return { left, top, bottom: 18, rows, names, every, level };
    const reach = context.measureText(names[0]).width * Math.cos(TILT) - dx / 2 + 6;
    return { left: Math.max(left, reach), top, bottom: 12 - wide * Math.sin(TILT), rows, names, every };
  };
  const layout = ([count, height, width]) => {
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
      const { scale, columns } = bestColumns(count, width, height, full.width, full.height, limit, below);
      const rows = Math.ceil(count / columns);
      place = { columns, dx: scale, dy: scale, left: 0, top: 0, below };
      place.tall = rows * (height * scale + below) + (rows - 1) * GAP;
    }
    Object.assign(place, { count, height, width, cells: height * width === 1 && !matrix() });
    context = sized(canvas, full.width, place.tall);
    sized(marks, full.width, place.tall);
    context.imageSmoothingEnabled = false;
  };
  const captions = () => shown?.captions ?? model.captions;
  const pitch = () => [place.width * place.dx + GAP, place.height * place.dy + place.below + GAP];
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
    const { count, columns } = place;
    const rows = Math.ceil(count / columns);
    const step = place.dx + GAP;
    coloured(codes, columns, rows, colours, sheet);
    context.drawImage(sheet, 0, 0, columns, rows, 0, 0, columns * step, rows * step);
    if (step > 2 * GAP) {
      for (let column = 1; column <= columns; column++) context.clearRect(column * step - GAP, 0, GAP, rows * step);
      for (let row = 1; row <= rows; row++) context.clearRect(0, row * step - GAP, columns * step, GAP);
      for (let tile = 0; tile < count; tile++) {
        if (isBlank(codes, tile, 1)) strike(...corner(tile), place.dx, place.dx);
      }
    }
  };
  const drawTiles = (codes, colours) => {
    const { count, height, width } = place;
    coloured(codes, width, count * height, colours, sheet);
    const texts = captions();
    context.font = LABEL_FONT;
    context.textBaseline = "top";
    context.fillStyle = themed(el, "muted");
    for (let tile = 0; tile < count; tile++) {
      const [x, y] = corner(tile);
      context.drawImage(sheet, 0, tile * height, width, height, x, y, width * place.dx, height * place.dy);
      if (isBlank(codes, tile * height * width, height * width)) strike(x, y, width * place.dx, height * place.dy);
      if (texts[tile]) write(context, texts[tile], x, y + height * place.dy + 2, width * place.dx - CAPTION_GAP);
    }
  };
  const drawLabels = () => {
    context.fillStyle = themed(el, "text");
    context.font = LABEL_FONT;
    context.textBaseline = "middle";
    const { left, top, dx, dy, rows, names, every, level } = place;
    context.textAlign = level ? "center" : "right";
    const end = parseFloat(canvas.style.width);
    for (let column = 0; column < names.length; column += every) {
      if (level && left + (column + 0.5) * dx + context.measureText(names[column]).width / 2 > end) break;
      context.save();
      context.translate(left + (column + 0.5) * dx, top + place.height * dy + (level ? 10 : 7));
      if (!level) context.rotate(TILT);
      context.fillText(names[column], 0, 0);
      context.restore();
    }
    context.textAlign = "right";
    const step = Math.ceil(ROW_PITCH / dy);
    for (let row = 0; row < rows.length; row += step) {
      context.fillText(rows[row], left - 6, top + (row + 0.5) * dy);
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
    const { frame } = payload;
    const old = shown?.frame.shape;
    shown = payload;
    if (!place || !old || frame.shape.some((size, axis) => size !== old[axis])) layout(frame.shape);
    const codes = bytes(frame);
    const [least, most] = limits.free ? range(codes) : [1, 255];
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
    const [least, most] = limits.free && shown ? range(bytes(shown.frame)) : [1, 255];
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
    const count = matrix() ? place.height : place.count;
    return Array.from({ length: count }, (_, tile) => tile).filter((tile) => idOf(tile) === id);
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
    const [left, top] = [pointer.x - place.left, pointer.y - place.top];
    const [column, row] = [Math.floor(left / across), Math.floor(top / down)];
    const tile = row * place.columns + column;
    const x = Math.floor((left - column * across) / place.dx);
    const y = Math.floor((top - row * down) / place.dy);
    const inside = left >= 0 && top >= 0 && column < place.columns && tile < place.count && x < place.width && y < place.height;
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
    const what = known || (model.tile_ids.length ? `unit ${idOf(tile)}` : tileName(tile, model.places));
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
    const count = matrix() ? place.height : place.count;
    pick(idOf(tileAfter(tilesOf(clock.choice[model.selects]), move, count)));
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
  settle();
  legend();
  heed(model, "choice", mark);
  heed(model, "hover", mark);
}
export {
  bestColumns,
  isBlank,
  render,
  tileAfter,
  tileName,
  tileOfStep
};
