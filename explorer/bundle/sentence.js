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

// explorer/widgets/shared/paint.js
var FAMILY = '"Helvetica Neue", Helvetica, Arial, "Liberation Sans", sans-serif';
var FONT = `11px ${FAMILY}`;
function bytes(array) {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
function number(value) {
  if (value === 0) return "0";
  return Number.isFinite(value) ? Number(value.toPrecision(3)).toString() : String(value);
}
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

// explorer/widgets/shared/bands.js
var LEFT = 138;
var RIGHT = 116;
var EVIDENCE = 40;
var HEAD = 17;
var ALL = 12;
var ROW = 13;
var INNER = 11;
var GAP = 9;
var PADDING = 28;
var COLUMN = { words: [15, 160], letters: [10, 26] };
var ZERO = 128;
function shortNumber(value, plus = "") {
  const text = Number.isFinite(value) ? Number(value.toPrecision(2)).toString() : "NaN";
  return (value > 0 ? plus : "") + text.replace("-", "−");
}
function columnsIn(room, count, letters, padding) {
  const [least, most] = COLUMN[letters ? "letters" : "words"];
  const gutter = padding ? PADDING : 0;
  const wide = clamp((room - gutter) / Math.max(1, count), least, most);
  return { wide, gutter, content: wide * count + gutter };
}
function bandLines(bands, open, from) {
  const lines = [];
  let y = from;
  const add = (height, line) => {
    lines.push({ ...line, y, height });
    y += height;
  };
  bands.forEach((band, at) => {
    add(HEAD, { kind: "head", at });
    if (band.ranges && band.kind !== "class places" && at > 0) add(ALL + 2, { kind: "all", at });
    for (let row = 0; row < band.rows; row++) add(ROW, { kind: "row", at, row, quantity: 0 });
    for (let quantity = 1; open.has(at) && quantity < band.quantities.length; quantity++) {
      y += 5;
      for (let row = 0; row < band.rows; row++) add(INNER, { kind: "inner", at, row, quantity });
    }
    y += GAP;
  });
  return { lines, height: y };
}
function bandParts(payload, bands) {
  const plain = (Kind, { buffer, byteOffset, length }) => new Kind(buffer, byteOffset, length);
  const whole = { units: plain(Int32Array, payload.units), codes: bytes(payload.codes) };
  for (const name of ["adds", "values", "all", "kept"]) whole[name] = plain(Float32Array, payload[name]);
  const taken = { units: 0, codes: 0, all: 0, kept: 0 };
  const take = (name, count) => whole[name].subarray(taken[name], taken[name] += count);
  return bands.map((band) => {
    const [start, stop] = [taken.units, taken.units + band.rows];
    const own = { units: take("units", band.rows) };
    for (const name of ["adds", "values"]) own[name] = whole[name].subarray(start, stop);
    if (!band.ranges) return own;
    const places = band.ranges.length / 2 + 1;
    if (band.kind !== "class places") own.all = take("all", places);
    own.quantities = band.quantities.map(() => take("codes", band.rows * places));
    if (band.keeps) own.kept = take("kept", band.rows * (places - 1));
    return own;
  });
}
function bandPlace(band, token) {
  for (let at = 0; at < (band.ranges?.length ?? 0); at += 2) {
    if (band.ranges[at] <= token && token < band.ranges[at + 1]) return at / 2;
  }
  return -1;
}
function signedCode(value, most) {
  return Number.isNaN(value) ? 0 : ZERO + Math.round(127 * clamp(value / most, -1, 1));
}
function greatest(values) {
  let most = 0;
  for (const value of values) if (Number.isFinite(value)) most = Math.max(most, Math.abs(value));
  return most || 1;
}
function codeRange(codes, signed) {
  let [least, most] = [255, 1];
  for (const code of codes) {
    if (code === 0) continue;
    if (code < least) least = code;
    if (code > most) most = code;
  }
  if (least > most) return [1, 255];
  const reach = Math.max(ZERO - least, most - ZERO, 1);
  return signed ? [ZERO - reach, ZERO + reach] : least < most ? [least, most] : [least, least + 1];
}
function stretchedPalette(palette, least, most) {
  if (least === 1 && most === 255) return palette;
  return palette.map((_, code) => palette[1 + Math.round(254 * clamp((code - least) / (most - least)))]);
}
function bandScales(bands, parts, colours, free) {
  return bands.map((band, at) => {
    const own = parts[at];
    const ranges = band.quantities.map(({ signed }, number2) => free && own.quantities ? codeRange(own.quantities[number2], signed) : [1, 255]);
    const palettes = band.quantities.map(({ signed }, number2) => stretchedPalette(signed ? colours.diverging : colours.sequential, ...ranges[number2]));
    return {
      most: free && own.all ? greatest(own.all) : band.most,
      bar: free && own.adds.some(Number.isFinite) ? greatest(own.adds) : band.bar,
      ranges,
      palettes
    };
  });
}

// explorer/widgets/shared/band_painter.js
var WIDE = 220;
var TILT = -Math.PI / 3;
function bandPainter(el, clock, now) {
  const named = (band, unit) => /class/.test(band.kind) ? now.its.class_names[unit] ?? String(unit) : String(unit);
  const target = () => `“${now.its.class_names[now.shown.target] ?? now.shown.target}”`;
  const start = () => LEFT - now.scrolled() + (now.its.padding_first ? now.place.gutter : 0);
  const xOf = (token) => start() + token * now.place.wide;
  const paddingX = () => now.its.padding_first ? LEFT - now.scrolled() : xOf(now.its.words.length);
  const spanOf = (band, at) => {
    const last = at === band.ranges.length / 2;
    if (last) return [paddingX() + 4, now.place.gutter - 4];
    const [from, to] = [band.ranges[2 * at], band.ranges[2 * at + 1]];
    return [xOf(from), (to - from) * now.place.wide];
  };
  const withinText = (pen, paint2) => {
    pen.save();
    pen.beginPath();
    pen.rect(LEFT, 0, now.place.end - LEFT, now.place.height);
    pen.clip();
    paint2();
    pen.restore();
  };
  const put = (pen, text, x, y, { colour = "text", align = "left", bold = false, most } = {}) => {
    pen.font = bold ? `600 ${FONT}` : FONT;
    pen.fillStyle = themed(el, colour);
    pen.textAlign = align;
    write(pen, text, x, y, most);
    pen.textAlign = "left";
  };
  const paintWords = (pen) => {
    const hovered = clock.hovered[now.its.x_name];
    pen.save();
    pen.beginPath();
    pen.rect(LEFT, 0, now.place.width - LEFT, now.place.top);
    pen.clip();
    now.place.words.forEach((word, token) => {
      const x = xOf(token) + now.place.wide / 2;
      if (x < LEFT || x > now.place.end) return;
      const look = { bold: token === hovered, colour: token === hovered ? "select" : "text" };
      if (now.place.level) return put(pen, word, x, now.place.top - 10, { ...look, align: "center" });
      pen.save();
      pen.translate(x + 2, now.place.top - 6);
      pen.rotate(TILT);
      put(pen, word, 0, 0, look);
      pen.restore();
    });
    if (now.its.padding) put(pen, "∅", paddingX() + 2 + now.place.gutter / 2, now.place.top - 10, { colour: "muted", align: "center" });
    pen.restore();
    pen.fillStyle = themed(el, "card");
    pen.fillRect(now.place.right, now.place.top - 32, RIGHT, 32);
    put(pen, "adds to", now.place.right, now.place.top - 23, { colour: "muted" });
    put(pen, cut(target(), 17), now.place.right, now.place.top - 9, { bold: true, most: RIGHT - 12 });
  };
  const cells = (pen, band, codes, palette, y, height) => {
    const count = band.ranges.length / 2 + (now.its.padding ? 1 : 0);
    const line = now.place.wide > 5 ? 1 : 0;
    for (let at = 0; at < count; at++) {
      const [x, wide] = spanOf(band, at);
      if (x + wide < LEFT || x > now.place.end || !codes[at]) continue;
      pen.fillStyle = palette[codes[at]];
      pen.fillRect(x, y, wide - line, height);
    }
  };
  const ground = (pen, y, height) => {
    pen.fillStyle = themed(el, "quiet");
    pen.fillRect(xOf(0), y, now.its.words.length * now.place.wide - 1, height);
  };
  const paintEvidence = (pen) => {
    const band = now.its.bands[0];
    const own = now.parts[0];
    const middle = now.place.top + EVIDENCE / 2;
    put(pen, "evidence", 12, middle - 6, { bold: true });
    if (!own?.all) return;
    put(pen, `bars to ±${shortNumber(now.scale[0].most)}`, 12, middle + 8, { colour: "muted" });
    withinText(pen, () => {
      pen.fillStyle = themed(el, "line");
      pen.fillRect(LEFT, middle, now.place.end - LEFT, 1);
      own.all.forEach((value, at) => {
        if (Number.isNaN(value) || at === own.all.length - 1 && !now.its.padding) return;
        const [x, wide] = spanOf(band, at);
        const share = clamp(value / now.scale[0].most, -1, 1);
        pen.fillStyle = share > 0 ? now.colours.pro : now.colours.contra;
        const tall = share * (EVIDENCE / 2 - 1);
        pen.fillRect(x + 1, tall > 0 ? middle - tall : middle + 1, Math.max(1, wide - 2), Math.abs(tall));
      });
    });
    put(pen, shortNumber(now.shown.totals[0], "+"), now.place.right + 58, middle, { bold: true });
    put(pen, "all words".replace("words", `${now.its.noun}s`), now.place.right, middle, { colour: "muted", most: 54 });
  };
  const scaleBar = (pen, palette, [least, most], low, high, y, end, label) => {
    const bar = 56;
    put(pen, high, end, y, { colour: "muted", align: "right" });
    const after = end - pen.measureText(high).width - 5;
    for (let at = 0; at < bar; at++) {
      pen.fillStyle = palette[Math.round(least + (most - least) * at / (bar - 1))];
      pen.fillRect(after - bar + at, y - 4, 1, 8);
    }
    put(pen, low, after - bar - 5, y, { colour: "muted", align: "right" });
    const before = after - bar - 5 - pen.measureText(low).width - 7;
    if (label) put(pen, label, before, y, { colour: "muted", align: "right" });
    return before - (label ? pen.measureText(label).width + 8 : 0);
  };
  const detailOf = (band) => {
    const what = /class/.test(band.kind) ? "classes" : "units";
    const seen = band.ranges && band.sees > 1 ? `a place sees ${band.sees} ${now.its.noun}s` : "";
    const after = band.after ? `after ${band.after}` : "";
    return [`${band.count} ${what}`, after, seen, band.keeps ? `▾ the ${now.its.noun} kept` : ""].filter(Boolean).join(" · ");
  };
  const paintHead = (pen, { at, y }) => {
    const band = now.its.bands[at];
    const middle = y + HEAD / 2;
    pen.fillStyle = band.colour;
    pen.beginPath();
    pen.arc(4, middle - 1, 4, 0, 7);
    pen.fill();
    put(pen, band.title, 12, middle, { bold: true });
    let x = 22 + pen.measureText(band.title).width;
    const button = now.buttons.find((one) => one.dataset.band === String(at));
    if (button) x += button.offsetWidth + 10;
    let end = now.place.right + RIGHT - 14;
    const shownAs = { pooled: "adds", states: band.quantities[0]?.title, "class places": "probability" }[band.kind] ?? "output";
    if (band.ranges) {
      const [low, high] = now.scale[at].ranges[0].map((code) => readOff(code, band.quantities[0], shortNumber));
      end = scaleBar(pen, now.scale[at].palettes[0], now.scale[at].ranges[0], low, high, middle, end, shownAs);
    }
    if (end - x > 40) put(pen, detailOf(band), x, middle, { colour: "muted", most: end - x });
  };
  const paintAll = (pen, { at, y }) => {
    const band = now.its.bands[at];
    put(pen, `all ${band.count} add`, LEFT - 8, y + ALL / 2, { colour: "muted", align: "right" });
    withinText(pen, () => {
      ground(pen, y + 2, ALL - 4);
      const codes = Uint8Array.from(now.parts[at].all, (value) => signedCode(value, now.scale[at].most));
      cells(pen, band, codes, now.colours.diverging, y + 2, ALL - 4);
    });
    put(pen, shortNumber(now.shown.totals[at], "+"), now.place.right + 58, y + ALL / 2, { colour: "muted" });
  };
  const paintAdds = (pen, most, value, y, height) => {
    const zero = now.place.right + 27;
    const share = clamp(value / most, -1, 1);
    pen.fillStyle = themed(el, "line");
    pen.fillRect(zero, y, 1, height);
    if (Number.isFinite(share)) {
      pen.fillStyle = share > 0 ? now.colours.pro : now.colours.contra;
      pen.fillRect(share > 0 ? zero + 1 : zero + share * 26, y + 2, Math.abs(share) * 26, height - 4);
    }
    put(pen, shortNumber(value, "+"), now.place.right + 58, y + height / 2);
  };
  const paintBar = (pen, band, value, y, isTarget) => {
    const { low, high } = band.quantities[0];
    const zero = LEFT + clamp(-low / (high - low)) * WIDE;
    const tip = LEFT + clamp((value - low) / (high - low)) * WIDE;
    pen.fillStyle = themed(el, "quiet");
    pen.fillRect(LEFT, y + 2, WIDE, ROW - 4);
    pen.fillStyle = themed(el, isTarget ? "select" : "muted");
    if (Number.isFinite(tip)) pen.fillRect(Math.min(zero, tip), y + 2, Math.max(1, Math.abs(tip - zero)), ROW - 4);
    const text = band.kind === "classes" && Number.isFinite(value) ? `${(100 * value).toFixed(value < 0.0995 ? 1 : 0)} %` : shortNumber(value);
    put(pen, text, LEFT + WIDE + 7, y + ROW / 2, { bold: isTarget });
  };
  const paintRow = (pen, line) => {
    const { at, row, y, quantity, kind } = line;
    const band = now.its.bands[at];
    const own = now.parts[at];
    const unit = own.units[row];
    const isClass = /class/.test(band.kind);
    const isTarget = isClass && unit === now.shown.target;
    const chosen = !isClass && unit === clock.choice.unit && band.members.includes(clock.choice.layer);
    const height = line.height - (kind === "inner" ? 0 : 1);
    const look = { bold: chosen || isTarget, colour: chosen ? "select" : kind === "inner" ? "muted" : "text" };
    const middle = y + height / 2 + 0.5;
    const ends = now.scale[at].ranges[quantity]?.map((code) => readOff(code, band.quantities[quantity], shortNumber));
    if (kind === "inner") {
      put(pen, String(unit), LEFT - 8, middle, { ...look, align: "right" });
      if (row === 0) put(pen, band.quantities[quantity].title, 12, middle, { colour: "muted" });
      if (row === 1) put(pen, ends.join(" … "), 12, middle, { colour: "muted" });
    } else {
      put(pen, isClass ? cut(named(band, unit), 16) : `unit ${unit}`, 12, middle, { ...look, most: LEFT - 24 });
    }
    if (band.kind === "pooled") put(pen, shortNumber(own.values[row]), LEFT - 8, middle, { colour: "muted", align: "right" });
    if (!band.ranges) paintBar(pen, band, own.values[row], y, isTarget);
    else {
      const places = band.ranges.length / 2 + 1;
      const codes = own.quantities[quantity].subarray(row * places, (row + 1) * places);
      withinText(pen, () => {
        ground(pen, y, height);
        cells(pen, band, codes, now.scale[at].palettes[quantity], y, height);
        if (own.kept) paintKept(pen, own.kept.subarray(row * (places - 1), (row + 1) * (places - 1)), y, height);
      });
    }
    if (!isClass && kind === "row") paintAdds(pen, now.scale[at].bar, own.adds[row], y, height);
    if (chosen || isHovered(line)) {
      pen.strokeStyle = themed(el, chosen ? "select" : "muted");
      pen.lineWidth = kind === "inner" ? 1 : 1.5;
      pen.strokeRect(8, y - 0.5, now.place.right - 14, height + 1);
    }
  };
  const paintKept = (pen, kept, y, height) => {
    kept.forEach((token) => {
      if (Number.isNaN(token)) return;
      const x = start() + token * now.place.wide;
      pen.fillStyle = "#fff";
      pen.strokeStyle = "#111";
      pen.lineWidth = 0.7;
      pen.beginPath();
      pen.moveTo(x - 3.5, y + height - 8);
      pen.lineTo(x + 3.5, y + height - 8);
      pen.lineTo(x, y + height - 3);
      pen.closePath();
      pen.fill();
      pen.stroke();
    });
  };
  const isHovered = ({ at, row, kind }) => {
    const { layer, unit } = clock.hovered;
    return kind === "row" && now.its.bands[at].members.includes(layer) && now.parts[at].units[row] === unit;
  };
  const paintColumn = (pen) => {
    const token = clock.hovered[now.its.x_name];
    if (!(token >= 0 && token < now.its.words.length)) return;
    withinText(pen, () => {
      pen.strokeStyle = themed(el, "text");
      pen.lineWidth = 1;
      pen.strokeRect(Math.round(xOf(token)) - 0.5, now.place.top + 0.5, Math.round(now.place.wide), now.place.bottom - now.place.top - 1);
    });
  };
  const paint = (pen) => {
    pen.textBaseline = "middle";
    paintWords(pen);
    paintEvidence(pen);
    for (const line of now.place.lines) {
      if (line.kind === "head") paintHead(pen, line);
      else if (line.kind === "all") paintAll(pen, line);
      else paintRow(pen, line);
    }
    paintColumn(pen);
  };
  return { paint, start, named };
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

// explorer/widgets/pictures/sentence.js
function render({ model, el }) {
  const canvas = element("canvas", { role: "img" });
  const long = element("div", { class: "long" }, canvas);
  const scroll = element("div", { class: "scroll" }, long);
  const limits = limitsOf("colours and bars", () => repaint());
  limits.button.classList.add("limits", "no-snapshot");
  const stage = element("div", { class: "stage" }, scroll, limits.button);
  const say = messageOn(stage, [canvas]);
  const readout = element("div", { class: "readout" });
  el.append(element("div", { class: "sentence" }, stage, readout));
  const open = /* @__PURE__ */ new Set();
  const now = {
    its: {},
    colours: {},
    place: null,
    shown: null,
    parts: null,
    scale: [],
    buttons: [],
    scrolled: () => scroll.scrollLeft
  };
  const clock = clockOf(model.channel);
  const painter = bandPainter(el, clock, now);
  let over = null;
  const layout = () => {
    const { width } = room;
    const pen = canvas.getContext("2d");
    pen.font = FONT;
    const words = now.its.words.map((word) => cut(word, 16));
    const widest = Math.max(0, ...words.map((word) => pen.measureText(word).width));
    const columns = columnsIn(width - LEFT - RIGHT, words.length, now.its.letters, now.its.padding);
    const level = now.its.letters || widest + 6 <= columns.wide;
    const top = level ? 34 : Math.max(34, Math.ceil(-widest * Math.sin(TILT)) + 14);
    const made = bandLines(now.its.bands, open, top + EVIDENCE + GAP);
    const right = Math.min(width - RIGHT, LEFT + columns.content) + 10;
    const placed = made.lines.findLast(({ at }) => now.its.bands[at].ranges);
    const bottom = placed ? placed.y + placed.height : made.height;
    now.place = { ...columns, ...made, width, words, level, top, right, end: right - 10, bottom };
    const whole = LEFT + columns.content + RIGHT;
    long.style.width = whole > width ? `${whole}px` : "100%";
    long.style.height = `${now.place.height}px`;
    settle(pen);
  };
  const settle = (pen) => {
    for (const button of now.buttons) button.remove();
    pen.font = `600 ${FONT}`;
    now.buttons = now.place.lines.filter(({ kind, at }) => kind === "head" && now.its.bands[at].quantities.length > 1).map(({ at, y }) => {
      const band = now.its.bands[at];
      const inner = band.quantities.slice(1).some(({ gate }) => gate) ? "gates" : "more";
      const button = element("button", {
        type: "button",
        class: "quiet gates no-snapshot",
        "aria-expanded": open.has(at),
        "aria-label": `${inner} of ${band.title}`,
        text: `${open.has(at) ? "▾" : "▸"} ${inner}`
      });
      button.dataset.band = at;
      button.style.top = `${y - 1}px`;
      button.style.left = `${22 + pen.measureText(band.title).width}px`;
      button.addEventListener("click", () => {
        if (!open.delete(at)) open.add(at);
        layout();
        draw(clock.index);
        now.buttons.find((other) => other.dataset.band === String(at))?.focus();
      });
      stage.append(button);
      return button;
    });
    pen.font = FONT;
  };
  const paint = (index) => {
    if (!now.place || now.place.width !== room.width) layout();
    const pen = sized(canvas, now.place.width, now.place.height);
    now.scale = bandScales(now.its.bands, now.parts, now.colours, limits.free);
    painter.paint(pen);
    canvas.dataset.index = index;
    canvas.setAttribute("aria-label", `${now.its.label}, recorded step ${index + 1} of ${clock.count}`);
    tell();
  };
  const draw = (index) => {
    if (!room.width) return;
    const payload = frames.get(index);
    if (payload?.error) say(payload.error, index);
    else if (payload) {
      say("", index);
      if (payload !== now.shown) now.parts = bandParts(now.shown = payload, now.its.bands);
      paint(index);
    }
    frames.want(index);
  };
  const layersSay = (token) => now.its.bands.flatMap((band, at) => {
    const places = band.ranges?.length / 2;
    const found = token === null ? places : bandPlace(band, token);
    if (!now.parts[at].all || found < 0 || at === 0 && token !== null) return [];
    return [`${band.title} ${shortNumber(now.parts[at].all[found], "+")}`];
  });
  const rowSays = (token, { at, row }) => {
    const band = now.its.bands[at];
    const found = bandPlace(band, token);
    const name = /class/.test(band.kind) ? `“${painter.named(band, now.parts[at].units[row])}”` : `unit ${now.parts[at].units[row]}`;
    if (found < 0) return "";
    const places = band.ranges.length / 2 + 1;
    const values = band.quantities.map((quantity, number2) => {
      const code = now.parts[at].quantities[number2][row * places + found];
      const title = { pooled: "adds", "class places": "probability" }[band.kind] ?? quantity.title;
      return `${title} ${code ? readOff(code, quantity, shortNumber) : band.kind === "pooled" ? "nothing" : "none"}`;
    });
    const [from, to] = band.ranges.slice(2 * found, 2 * found + 2);
    const where = to - from > 1 ? ` at “${now.its.words.slice(from, to).join(now.its.letters ? "" : " ")}”` : "";
    return `${band.title} ${name}${where}: ${values.join(", ")}`;
  };
  const tell = () => {
    const token = clock.hovered[now.its.x_name];
    const [first] = now.parts;
    if (over?.padding) {
      readout.textContent = `${now.its.padding} tokens of padding add: ${layersSay(null).join(" · ")}`;
    } else if (token >= 0 && token < now.its.words.length) {
      const evidence = first?.all ? shortNumber(first.all[bandPlace(now.its.bands[0], token)], "+") : "unknown";
      const lines = [`“${now.its.words[token]}”, ${now.its.noun} ${token}: evidence ${evidence}`];
      const layers = layersSay(token);
      if (layers.length) lines.push(`all units at its place: ${layers.join(" · ")}`);
      if (over?.line && over.line.row !== void 0) lines.push(rowSays(token, over.line));
      readout.replaceChildren(...lines.filter(Boolean).map((line) => element("div", { text: line })));
    } else {
      const what = now.its.bands.some(({ quantities }) => quantities.length > 1) ? "; open the gates beside a layer’s name" : "";
      readout.textContent = `Point at a ${now.its.noun} to read its column, click a unit to choose it${what}. ${now.its.remark}`;
    }
  };
  const under = (event) => {
    if (!now.place || !now.shown) return null;
    const [x, y] = [event.offsetX, event.offsetY];
    const line = now.place.lines.find((one) => y >= one.y && y < one.y + one.height);
    const inText = x >= LEFT && x < now.place.end;
    const token = Math.floor((x - painter.start()) / now.place.wide);
    const isToken = inText && token >= 0 && token < now.its.words.length;
    const isFlat = line && !now.its.bands[line.at].ranges;
    return { token: isToken && !isFlat ? token : -1, padding: inText && !isToken && Boolean(now.its.padding) && !isFlat, line };
  };
  const unitAt = (line) => line?.row === void 0 ? {} : { layer: now.its.bands[line.at].layer, unit: now.parts[line.at].units[line.row] };
  const isClass = (line) => /class/.test(now.its.bands[line.at].kind);
  canvas.addEventListener("pointermove", (event) => {
    const before = over;
    over = under(event);
    if (before?.token === over?.token && before?.line === over?.line && before?.padding === over?.padding) return;
    const what = over?.line && over.line.row !== void 0 && !isClass(over.line) ? unitAt(over.line) : {};
    if (over?.token >= 0) what[now.its.x_name] = over.token;
    canvas.style.cursor = over?.line?.row === void 0 || isClass(over.line) && !now.its.chooses_class ? "default" : "pointer";
    clock.hover(what);
  });
  canvas.addEventListener("pointerleave", () => {
    over = null;
    clock.hover();
  });
  canvas.addEventListener("click", (event) => {
    const line = under(event)?.line;
    if (line?.row === void 0) return;
    const { layer, unit } = unitAt(line);
    if (!isClass(line)) clock.choose({ layer, unit });
    else if (now.its.chooses_class) clock.choose({ target: unit });
  });
  const repaint = () => {
    if (now.shown && room.width) paint(clock.index);
  };
  const renew = () => {
    for (const name of ["words", "letters", "noun", "padding", "padding_first", "x_name", "bands", "class_names", "chooses_class", "remark", "label"]) {
      now.its[name] = model[name];
    }
    for (const name of ["sequential", "diverging"]) {
      const palette = model[name];
      now.colours[name] = Array.from({ length: 256 }, (_, code) => {
        const at = 3 * code;
        return `rgb(${palette[at]},${palette[at + 1]},${palette[at + 2]})`;
      });
    }
    now.colours.pro = now.colours.diverging[235];
    now.colours.contra = now.colours.diverging[20];
    now.place = null;
  };
  renew();
  const frames = framesOf(model, scroll, draw);
  scroll.addEventListener("scroll", repaint, { passive: true });
  const room = repaintWhenSeen(model, scroll, () => {
    if (now.place?.width !== room.width) now.place = null;
    draw(clock.index);
  });
  model.on(["key", "bands", "words"], () => {
    renew();
    draw(clock.index);
  });
  limits.button.hidden = clock.count < 2;
  heed(model, "choice", repaint);
  heed(model, "hover", repaint);
}
export {
  render
};
