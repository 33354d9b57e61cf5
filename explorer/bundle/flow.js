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
function fitted(pen, text, most) {
  if (pen.measureText(text).width <= most) return text;
  for (let kept = text.length - 1; kept > 1; kept--) {
    const head = Math.ceil(kept / 2);
    const short = `${text.slice(0, head)}…${text.slice(text.length - kept + head)}`;
    if (pen.measureText(short).width <= most) return short;
  }
  return "";
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

// explorer/widgets/pictures/flow.js
var HEADER = 20;
var LABEL = 13;
var APART = 6;
var MARK = 14;
var FRAME = 3;
var SIDE = 22;
var WIDTHS = { image: [60, 132], map: [56, 58], flanked: [62, 77], vector: [50, 58], classes: [80, 130] };
var GUTTERS = [18, 64];
var DIGITS = [3, 2, 1];
var NONE = 128;
var PARAMETERS = ["columns", "rows", "links", "scales", "image", "class_names", "sequential", "diverging", "label"];
var [PRO, CONTRA] = [235, 20];
var LINK = { least: 0.02, thickest: 6 };
function signed(value, digits = DIGITS[0]) {
  const short = Number.isFinite(value) ? Number(value.toPrecision(digits)) : value;
  return (value > 0 ? "+" : "") + String(short).replace("-", "−");
}
function curve(pen, from, to) {
  const bend = (to.x - from.x) / 2;
  pen.bezierCurveTo(from.x + bend, from.y, to.x - bend, to.y, to.x, to.y);
}
function opens({ group = "", within = 1, open = false }) {
  return within > 1 || open ? group : "";
}
function headingOf(column) {
  if (!opens(column)) return column.title;
  return column.open ? `▾ ${column.title}` : `▸ ${column.group}`;
}
function linesOf(text, fits) {
  if (fits(text)) return [text];
  const ends = [...text.matchAll(/[_.]/g)].map(({ index }) => index).filter((at) => at > 0 && at < text.length - 1);
  const parted = ends.map((at) => [text.slice(0, at), text.slice(at)]).sort((one, other) => Math.max(...one.map(({ length }) => length)) - Math.max(...other.map(({ length }) => length)));
  return parted.find((lines) => lines.every(fits)) ?? parted[0] ?? [text];
}
function tellsOf(column) {
  if (!opens(column)) return column.title;
  if (column.open) return `${column.title} · of ${column.group}, click to fold it`;
  return `${column.group} · by ${column.title}, the strongest of its ${column.within} layers, click to open`;
}
var percent = (share) => `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;
function placesOf(columns, width) {
  const kinds = columns.map(({ kind, before, kernel }) => WIDTHS[before || kernel ? "flanked" : kind]);
  const gutters = columns.length - 1;
  const [least, good] = [0, 1].map((end) => kinds.reduce((sum, ends) => sum + ends[end], gutters * GUTTERS[end]));
  const share = clamp((width - least) / (good - least));
  const between = ([low, high]) => low + share * (high - low);
  const gutter = between(GUTTERS) + (gutters ? Math.max(0, width - good) / gutters : 0);
  let left = 0;
  return kinds.map((ends) => {
    const place = { left, width: between(ends), gutter };
    left += place.width + gutter;
    return place;
  });
}
function render({ model, el }) {
  const canvas = element("canvas", { role: "img", tabindex: 0, class: "flow" });
  const scroll = element("div", { class: "scroll" }, canvas);
  const stage = element("div", { class: "stage" }, scroll);
  const say = messageOn(stage, [canvas]);
  el.append(stage);
  const tip = tipOn(stage);
  const clock = clockOf(model.channel);
  let places = [];
  let boxes = [];
  let shown = null;
  let header = HEADER;
  let pointed;
  const isChosen = (box) => box.unit === clock.choice.unit && box.members.includes(clock.choice.layer);
  const same = (one, other) => one && other && one.column === other.column && one.row === other.row;
  let its = {};
  let tables = {};
  const names = () => its.class_names;
  const sheets = [];
  const grey = document.createElement("canvas");
  const partsOf = (payload) => {
    const pixels = bytes(payload.pixels);
    let [at, count] = [0, 0];
    const take = (height, width, palette) => {
      const size = its.rows * height * width;
      const codes = pixels.subarray(at, at += size);
      const sheet = sheets[count++] ??= document.createElement("canvas");
      coloured(codes, width, its.rows * height, palette, sheet);
      return { sheet, height, width };
    };
    return its.columns.slice(1).map((column) => {
      const own = column.signed ? tables.diverging : tables.sequential;
      return {
        maps: column.kind === "map" ? take(column.height, column.width, own) : null,
        before: column.before ? take(column.height, column.width, tables.diverging) : null,
        kernels: column.kernel ? take(...column.kernel, tables.diverging) : null
      };
    });
  };
  const picture = (pen, part, row, x, y, width, height) => {
    const scale = Math.min(width / part.width, height / part.height);
    const [wide, tall] = [part.width * scale, part.height * scale];
    const [left, top] = [x + (width - wide) / 2, y + (height - tall) / 2];
    pen.drawImage(part.sheet, 0, row * part.height, part.width, part.height, left, top, wide, tall);
    return { x: left, y: top, width: wide, height: tall };
  };
  const drawInput = (pen, payload, place, height) => {
    const { diverging, image } = its;
    if (!image?.shape) return;
    const [tall, wide, channels] = image.shape;
    if (grey.width !== wide || grey.height !== tall) [grey.width, grey.height] = [wide, tall];
    const context = grey.getContext("2d");
    const made = context.createImageData(wide, tall);
    const data = bytes(image);
    const evidence = bytes(payload.evidence);
    for (let pixel = 0; pixel < wide * tall; pixel++) {
      const code = evidence[pixel] || NONE;
      const share = Math.min(1, Math.abs(code - NONE) / 100);
      for (let channel = 0; channel < 3; channel++) {
        const base = 60 + 0.7 * (data[pixel * channels + Math.min(channel, channels - 1)] / 255) * 195;
        made.data[4 * pixel + channel] = (1 - share) * base + share * diverging[3 * code + channel];
      }
      made.data[4 * pixel + 3] = 255;
    }
    context.putImageData(made, 0, 0);
    const scale = Math.min(place.width / wide, (height - 3 * LABEL) / tall);
    const y = Math.max(0, (height - tall * scale) / 2 - LABEL);
    pen.drawImage(grey, place.left, header + y, wide * scale, tall * scale);
    pen.fillStyle = themed(el, "muted");
    const below = header + y + tall * scale + 4;
    pen.fillText(fitted(pen, "evidence for", place.width), place.left, below);
    pen.fillStyle = themed(el, "text");
    pen.font = `600 ${FONT}`;
    const name = `“${names()[payload.target] ?? payload.target}”`;
    pen.fillText(fitted(pen, name, place.width), place.left, below + LABEL);
    pen.font = FONT;
    return { x: place.left, y: header + y, width: place.width, height: tall * scale };
  };
  const named = (pen, unit, x, y) => {
    pen.font = `600 ${FONT}`;
    pen.fillStyle = themed(el, "text");
    pen.fillText(unit, x, y);
    const end = x + pen.measureText(unit).width;
    pen.font = FONT;
    return end;
  };
  const contributed = (pen, value, x, y, most) => {
    const text = DIGITS.map((digits) => signed(value, digits)).find((short) => pen.measureText(short).width <= most);
    pen.fillStyle = themed(el, "muted");
    if (text) pen.fillText(text, x, y);
  };
  const drawUnit = (pen, column, parts, payload, box) => {
    const { row } = box;
    const at = box.column * its.rows + row;
    const palette = column.signed ? tables.diverging : tables.sequential;
    const text = names().length && column.kind === "classes" ? names()[box.unit] : String(box.unit);
    if (column.kind === "map") {
      const tall = box.height - LABEL;
      const side = parts.kernels || parts.before ? Math.min(SIDE, (tall - 2) / 2) : 0;
      const size = Math.min(tall, box.width - side - (side ? 3 : 0));
      if (parts.kernels) picture(pen, parts.kernels, row, box.x, box.y, side, side);
      if (parts.before) picture(pen, parts.before, row, box.x, box.y + side + 2, side, side);
      picture(pen, parts.maps, row, box.x + (side ? side + 3 : 0), box.y, size, size);
      const end = named(pen, text, box.x, box.y + tall + 1);
      contributed(pen, payload.contributions[at], end + 5, box.y + tall + 1, box.x + box.width - end - 5);
      Object.assign(box, { middle: box.y + size / 2, top: box.y, bottom: box.y + box.height });
    } else if (column.kind === "vector") {
      const size = Math.min(16, box.height - LABEL);
      const code = codeOf(payload.values[at], column);
      const colour = palette[code];
      pen.fillStyle = `rgb(${colour & 255},${colour >> 8 & 255},${colour >> 16 & 255})`;
      const y = box.y + (box.height - LABEL - size) / 2;
      pen.fillRect(box.x, y, size, size);
      named(pen, text, box.x + size + 5, y + 3);
      contributed(pen, payload.contributions[at], box.x, y + size + 3, box.width);
      Object.assign(box, { middle: y + size / 2, top: y, bottom: y + size + 3 + LABEL });
    } else {
      const share = payload.values[at];
      const y = box.y + box.height / 2 - LABEL;
      const value = percent(share);
      const room2 = box.width - pen.measureText(value).width - 8;
      pen.fillStyle = themed(el, "text");
      pen.font = box.unit === payload.target ? `600 ${FONT}` : FONT;
      pen.fillText(fitted(pen, text, room2), box.x, y);
      pen.textAlign = "right";
      pen.fillText(value, box.x + box.width, y);
      pen.textAlign = "left";
      pen.font = FONT;
      pen.fillStyle = themed(el, "quiet");
      pen.fillRect(box.x, y + LABEL, box.width, 7);
      pen.fillStyle = themed(el, box.unit === payload.target ? "select" : "muted");
      pen.fillRect(box.x, y + LABEL, clamp(share) * box.width, 7);
      Object.assign(box, { middle: y + LABEL, top: y, bottom: y + LABEL + 7 });
    }
  };
  const codeOf = (value, { low, high }) => Number.isNaN(value) ? 0 : 1 + Math.round(254 * clamp((value - low) / (high - low)));
  const drawLinks = (pen, payload, input) => {
    const active = boxes.find((box) => same(box, pointed)) ?? boxes.find(isChosen);
    const [red, blue] = [PRO, CONTRA].map((code) => rgbOf(its.diverging, code).join(","));
    const link = (source, target, strength) => {
      const share = Math.min(1, Math.abs(strength) / its.scales[target.column]);
      if (!(share >= LINK.least)) return;
      const lit = !active || source === active || target === active;
      const strongly = lit ? 1 : pointed ? 0.12 : 0.5;
      let from = { x: source.x + source.width + FRAME + 1, y: source.middle };
      const to = { x: target.x - FRAME - 1, y: target.middle };
      pen.strokeStyle = `rgba(${strength > 0 ? red : blue},${strongly * (0.3 + 0.6 * share)})`;
      pen.lineWidth = 0.6 + LINK.thickest * share;
      pen.beginPath();
      pen.moveTo(from.x, from.y);
      if (target.column - source.column > 1) {
        const lane = target.y - APART / 2;
        const [first, last] = [places[source.column + 2], places[target.column]];
        curve(pen, from, { x: first.left - FRAME, y: lane });
        from = { x: last.left + last.width + FRAME, y: lane };
        pen.lineTo(from.x, from.y);
      }
      curve(pen, from, to);
      pen.stroke();
    };
    const whole = { ...input, column: -1, row: 0, layer: its.columns[0].layer, middle: input.y + input.height / 2 };
    const ends = [whole, ...boxes];
    its.links.forEach(([from, to], at) => {
      for (const source of ends.filter(({ layer }) => layer === from)) {
        for (const target of ends.filter(({ layer }) => layer === to)) {
          link(source, target, payload.links[(at * its.rows + source.row) * its.rows + target.row]);
        }
      }
    });
    if (active) {
      pen.strokeStyle = themed(el, "select");
      pen.lineWidth = 2;
      const { x, top, width, bottom } = active;
      pen.strokeRect(x - FRAME, top - FRAME, width + 2 * FRAME, bottom - top + 2 * FRAME - 1);
    }
  };
  const titleRoom = (at) => places[at].width + (at < places.length - 1 ? places[at].gutter - 8 - (its.columns[at + 1].folded?.length ? MARK - 4 : 0) : 0);
  const paint = (payload, index) => {
    const { height } = room;
    places = placesOf(its.columns, room.width - 2 * FRAME);
    const { left, width } = places.at(-1);
    header = HEADER + (its.columns.some((column) => opens(column) || column.folded?.length) ? LABEL : 0);
    const pen = sized(canvas, Math.max(room.width, Math.ceil(left + width) + 2 * FRAME), height);
    pen.imageSmoothingEnabled = false;
    pen.textBaseline = "top";
    const parts = partsOf(payload);
    const pitch = (height - header) / its.rows;
    boxes = [];
    its.columns.forEach((column, at) => {
      pen.font = `600 ${FONT}`;
      pen.fillStyle = themed(el, "text");
      const most = titleRoom(at);
      const lines = header > HEADER ? linesOf(headingOf(column), (text) => pen.measureText(text).width <= most) : [headingOf(column)];
      lines.forEach((text, line) => pen.fillText(fitted(pen, text, most), places[at].left, line * LABEL));
      pen.font = FONT;
      if (column.folded?.length) {
        pen.fillStyle = themed(el, "muted");
        pen.fillText("⋯", places[at].left - MARK, 0);
      }
      if (at === 0) return;
      for (let row = 0; row < its.rows; row++) {
        const unit = payload.units[(at - 1) * its.rows + row];
        if (unit < 0) continue;
        const box = {
          column: at - 1,
          row,
          unit,
          layer: column.layer,
          members: column.members,
          x: places[at].left,
          y: header + row * pitch,
          width: places[at].width,
          height: pitch - APART
        };
        drawUnit(pen, column, parts[at - 1], payload, box);
        boxes.push(box);
      }
    });
    const input = drawInput(pen, payload, places[0], height - header);
    if (input) drawLinks(pen, payload, input);
    canvas.dataset.index = index;
    canvas.setAttribute("aria-label", `${its.label}, recorded step ${index + 1} of ${clock.count}`);
  };
  const draw = (index) => {
    if (!room.width) return;
    const payload = frames.get(index);
    if (payload?.error) say(payload.error, index);
    else if (payload) {
      say("", index);
      shown = payload;
      paint(payload, index);
    }
    frames.want(index);
  };
  const under = (event) => boxes.find((box) => event.offsetX >= box.x - FRAME && event.offsetX <= box.x + box.width + FRAME && event.offsetY >= box.y && event.offsetY <= box.y + box.height);
  const headingUnder = ({ offsetX, offsetY }) => {
    if (offsetY >= header) return void 0;
    const signed2 = places.findIndex(({ left }, at) => its.columns[at].folded?.length && offsetX >= left - MARK - 3 && offsetX < left - 1);
    if (signed2 >= 0) {
      const { folded } = its.columns[signed2];
      return { says: `folded: ${folded.join(", ")} · click to open ${folded[0]}, the strongest`, group: folded[0] };
    }
    const column = its.columns[places.findIndex(({ left }, at) => offsetX >= left && offsetX <= left + titleRoom(at))];
    return column && { says: tellsOf(column), group: opens(column) };
  };
  const toggle = (group) => {
    introduce(model);
    model.opened = model.opened.includes(group) ? model.opened.filter((other) => other !== group) : [...model.opened, group];
    say(`${model.opened.includes(group) ? "opening" : "folding"} ${group} …`, clock.index);
  };
  const describe = (box) => {
    const at = box.column * its.rows + box.row;
    const column = its.columns[box.column + 1];
    if (column.kind === "classes") return `${column.title} · ${names()[box.unit]} · ${percent(shown.values[at])}`;
    const contribution = signed(shown.contributions[at]);
    return `${column.title} · unit ${box.unit} · contributes ${contribution} to “${names()[shown.target] ?? shown.target}”`;
  };
  const repaint = () => shown && paint(shown, clock.index);
  canvas.addEventListener("pointermove", (event) => {
    const box = under(event);
    const heading = box ? void 0 : headingUnder(event);
    const said = box ? describe(box) : heading?.says;
    canvas.style.cursor = box || heading?.group ? "pointer" : "default";
    if (said) tip.show(said, event.offsetX - scroll.scrollLeft, event.offsetY);
    else tip.hide();
    if (same(box, pointed) || !box && !pointed) return;
    pointed = box;
    clock.hover(box ? { layer: box.members[0], unit: box.unit } : {});
    repaint();
  });
  canvas.addEventListener("pointerleave", () => {
    pointed = void 0;
    tip.hide();
    clock.hover();
    repaint();
  });
  const choose = (box) => {
    if (its.columns[box.column + 1].kind === "classes") clock.choose({ target: box.unit });
    else clock.choose({ layer: box.members[0], unit: box.unit });
  };
  canvas.addEventListener("click", (event) => {
    const [box, heading] = [under(event), headingUnder(event)];
    if (box) choose(box);
    else if (heading?.group) toggle(heading.group);
  });
  canvas.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      const group = opens(its.columns[(boxes.find(isChosen)?.column ?? -1) + 1]);
      if (group) toggle(group);
    }
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!move) return;
    event.preventDefault();
    const from = boxes.find(isChosen) ?? { column: -1, row: 0 };
    const to = boxes.find((box) => box.column === from.column + move[0] && box.row === from.row + move[1]);
    if (to) choose(to);
  });
  const frames = framesOf(model, stage, draw);
  const room = repaintWhenSeen(model, scroll, () => draw(clock.index));
  const renew = () => {
    its = Object.fromEntries(PARAMETERS.map((name) => [name, model[name]]));
    tables = { diverging: table(its.diverging), sequential: table(its.sequential) };
  };
  renew();
  model.on(["key", ...PARAMETERS], () => {
    renew();
    draw(clock.index);
  });
  heed(model, "choice", repaint);
}
export {
  headingOf,
  linesOf,
  opens,
  render,
  tellsOf
};
