// One uint8 picture a recorded step: tiles (feature maps, units) or a matrix (token × unit).
// Frames come from the server on demand, are kept here, and are read ahead.
const KEPT_BYTES = 64 * 1024 * 1024;
const READ_AHEAD = 8;
const GAP = 3;
const MAX_VECTOR_CELL = 34;
const LABEL_HEIGHT = 64;
const MIN_LABEL_PITCH = 11;

// Palettes are 3 × 256 bytes; value 0 stands for NaN and stays see-through.
function table(palette, low, high) {
  const made = new Uint32Array(256);
  const span = Math.max(1, high - low);
  for (let value = 1; value < 256; value++) {
    const at = 3 * Math.max(0, Math.min(255, Math.round(((value - low) / span) * 255)));
    made[value] = (255 << 24) | (palette[at + 2] << 16) | (palette[at + 1] << 8) | palette[at];
  }
  return made;
}

// Largest tiles that fit; of equal ones the most in a row.
function bestColumns(count, tileWidth, tileHeight, width, height, limit) {
  let best = { scale: 0, columns: 1 };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const scale = Math.min(
      (width - (columns - 1) * GAP) / (columns * tileWidth),
      (height - (rows - 1) * GAP) / (rows * tileHeight),
      limit,
    );
    if (scale >= best.scale - 1e-9) best = { scale, columns };
  }
  return best;
}

// What a tile shows: a unit, a unit at one of its places, or neither.
function tileName(tile, places) {
  if (places === 0) return `tile ${tile}`;
  return places === 1 ? `unit ${tile}` : `unit ${Math.floor(tile / places)} · place ${tile % places}`;
}

export function render({ model, el }) {
  const canvas = element("canvas", { role: "img" });
  const message = element("div", { class: "message", hidden: "" });
  const tip = element("div", { class: "tip", hidden: "" });
  const bar = element("canvas", { width: 255, height: 1, class: "bar" });
  const low = element("span");
  const high = element("span");
  const limits = element("button", { type: "button", class: "quiet" });
  const stage = element("div", { class: "stage" }, canvas, message, tip);
  el.append(element("div", { class: "grid" }, stage,
    element("div", { class: "legend" }, low, bar, high, element("span", { class: "fill" }), limits)));
  const context = canvas.getContext("2d");
  const sheet = document.createElement("canvas");
  const sheetContext = sheet.getContext("2d", { willReadFrequently: true });

  let key = model.key;
  let frames = new Map();
  let kept = 0;
  const waiting = new Set();
  let urgent = -1; // what was last asked for alone
  let free = false;
  let place = null;
  let shown = null;

  // -- frames -----------------------------------------------------------------------------
  const ask = (indices) => {
    if (!indices.length) return;
    introduce(model);
    indices.forEach((index) => waiting.add(index));
    model.send_msg({ key, want: indices });
  };
  const want = (index) => {
    // What is on screen is asked for first and alone; the rest follows once it is there.
    // It is asked for even if it is read ahead already: that moves it to the head of the server's
    // queue, which is short and may have let it go.
    if (!frames.has(index)) {
      if (index !== urgent) ask([(urgent = index)]);
      return;
    }
    const ahead = [];
    for (let next = index + 1; next <= Math.min(index + READ_AHEAD, clock.count - 1); next++) {
      if (!frames.has(next) && !waiting.has(next)) ahead.push(next);
    }
    if (ahead.length > READ_AHEAD / 2 || (ahead.length && index + READ_AHEAD >= clock.count - 1)) ask(ahead);
  };
  const keep = (index, frame) => {
    kept -= frames.get(index)?.data?.length ?? 0;
    frames.set(index, frame);
    kept += frame.data?.length ?? 0;
    for (const [oldest, old] of frames) {
      if (kept <= KEPT_BYTES || oldest === index) break;
      kept -= old.data?.length ?? 0;
      frames.delete(oldest);
    }
  };
  const reset = () => {
    key = model.key;
    frames = new Map();
    kept = 0;
    waiting.clear();
    urgent = -1;
    shown = null;
  };

  // -- painting ---------------------------------------------------------------------------
  const say = (text) => {
    message.textContent = text;
    message.hidden = !text;
    canvas.style.visibility = text ? "hidden" : "visible";
  };
  const range = (data) => {
    let [least, most] = [255, 1];
    for (const value of data) {
      if (value === 0) continue;
      if (value < least) least = value;
      if (value > most) most = value;
    }
    return least > most ? [1, 255] : [least, most];
  };
  const layout = (shape) => {
    const [count, height, width] = shape;
    const ratio = window.devicePixelRatio || 1;
    const box = stage.getBoundingClientRect();
    const full = { width: Math.max(40, box.width), height: Math.max(40, box.height) };
    if (model.mode === "matrix") {
      const labels = model.x_labels.length ? LABEL_HEIGHT : 0;
      place = { columns: 1, dx: full.width / width, dy: (full.height - labels) / height };
    } else {
      const limit = height * width === 1 ? MAX_VECTOR_CELL : Infinity;
      const { scale, columns } = bestColumns(count, width, height, full.width, full.height, limit);
      place = { columns, dx: scale, dy: scale };
    }
    Object.assign(place, { count, height, width });
    const rows = Math.ceil(count / place.columns);
    place.tall = model.mode === "matrix" ? full.height : rows * height * place.dy + (rows - 1) * GAP;
    canvas.width = Math.round(full.width * ratio);
    canvas.height = Math.round(place.tall * ratio);
    canvas.style.height = `${place.tall}px`;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.imageSmoothingEnabled = false;
    place.cells = height * width === 1;
    sheet.width = place.cells ? place.columns : width;
    sheet.height = place.cells ? rows : count * height;
  };
  // Units without extent: one picture of cells, parted by lines where there is room for them.
  const drawCells = () => {
    const { count, columns } = place;
    const rows = Math.ceil(count / columns);
    const pitch = place.dx + GAP;
    context.drawImage(sheet, 0, 0, columns, rows, 0, 0, columns * pitch, rows * pitch);
    if (pitch <= 2 * GAP) return;
    for (let column = 1; column <= columns; column++) context.clearRect(column * pitch - GAP, 0, GAP, rows * pitch);
    for (let row = 1; row <= rows; row++) context.clearRect(0, row * pitch - GAP, columns * pitch, GAP);
  };
  const corner = (tile) => [
    (tile % place.columns) * (place.width * place.dx + GAP),
    Math.floor(tile / place.columns) * (place.height * place.dy + GAP),
  ];
  const drawLabels = () => {
    const labels = model.x_labels;
    if (!labels.length) return;
    context.fillStyle = getComputedStyle(el).color;
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    const top = place.height * place.dy + 6;
    const every = Math.ceil(MIN_LABEL_PITCH / place.dx);
    for (let token = 0; token < labels.length; token += every) {
      context.save();
      context.translate((token + 0.5) * place.dx, top);
      context.rotate(Math.PI / 3.2);
      const text = labels[token];
      context.fillText(text.length > 11 ? `${text.slice(0, 10)}…` : text, 0, 0);
      context.restore();
    }
  };
  const paint = (frame, index) => {
    const shape = frame.shape;
    if (!place || !shown || shape.some((size, axis) => size !== shown.shape[axis])) layout(shape);
    shown = frame;
    const [least, most] = free ? range(frame.data) : [1, 255];
    const colours = table(model.palette, least, most);
    const image = sheetContext.createImageData(sheet.width, sheet.height);
    const pixels = new Uint32Array(image.data.buffer);
    for (let at = 0; at < frame.data.length; at++) pixels[at] = colours[frame.data[at]];
    sheetContext.putImageData(image, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    const [wide, tall] = [place.width * place.dx, place.height * place.dy];
    if (place.cells) drawCells();
    else for (let tile = 0; tile < place.count; tile++) {
      const [x, y] = corner(tile);
      context.drawImage(sheet, 0, tile * place.height, place.width, place.height, x, y, wide, tall);
    }
    drawLabels();
    canvas.dataset.index = index;
    canvas.dataset.key = key;
    canvas.setAttribute("aria-label", `${model.label}, recorded step ${index + 1} of ${clock.count}`);
    if (free) legend();
  };
  const valueOf = (code) => model.low + ((code - 1) / 254) * (model.high - model.low);
  const text = (value) => (value === 0 ? "0" : Number(value.toPrecision(3)).toString());
  const legend = () => {
    const [least, most] = free && shown ? range(shown.data) : [1, 255];
    low.textContent = text(valueOf(least));
    high.textContent = text(valueOf(most));
    limits.textContent = free ? "limits: this step" : "limits: all steps";
    limits.title = free
      ? "Colours span this step alone. Click to compare steps."
      : "Colours mean the same at every step. Click to stretch them over each step.";
    const colours = table(model.palette, 1, 255);
    const strip = bar.getContext("2d");
    const image = strip.createImageData(255, 1);
    new Uint32Array(image.data.buffer).set(colours.subarray(1));
    strip.putImageData(image, 0, 0);
  };

  const draw = (index) => {
    if (!stage.clientWidth) return; // hidden: nothing to paint, nothing to ask for
    if (key !== model.key) reset();
    const frame = frames.get(index);
    if (frame?.error) say(frame.error);
    else if (frame) {
      say("");
      paint(frame, index);
    }
    want(index);
    hover();
  };

  // -- hovering ---------------------------------------------------------------------------
  let pointer = null;
  const hover = () => {
    tip.hidden = true;
    if (!pointer || !shown || !place) return;
    const [pitchX, pitchY] = [place.width * place.dx + GAP, place.height * place.dy + GAP];
    const [column, row] = [Math.floor(pointer.x / pitchX), Math.floor(pointer.y / pitchY)];
    const tile = row * place.columns + column;
    const x = Math.floor((pointer.x - column * pitchX) / place.dx);
    const y = Math.floor((pointer.y - row * pitchY) / place.dy);
    if (column >= place.columns || tile >= place.count || x >= place.width || y >= place.height) return;
    const code = shown.data[(tile * place.height + y) * place.width + x];
    const value = code ? text(valueOf(code)) : "NaN";
    const where = model.mode === "matrix"
      ? `unit ${y} · ${model.x_labels[x] ? `“${model.x_labels[x]}”` : `${model.x_name} ${x}`}`
      : tileName(tile, model.places) + (place.height * place.width === 1 ? "" : ` · y ${y}, x ${x}`);
    tip.textContent = `${where} · ${value}`;
    tip.hidden = false;
    const left = Math.min(pointer.x + 12, stage.clientWidth - tip.offsetWidth - 4);
    tip.style.transform = `translate(${left}px, ${Math.max(0, pointer.y - 30)}px)`;
  };
  canvas.addEventListener("pointermove", (event) => {
    pointer = { x: event.offsetX, y: event.offsetY };
    hover();
  });
  canvas.addEventListener("pointerleave", () => {
    pointer = null;
    tip.hidden = true;
  });
  limits.addEventListener("click", () => {
    free = !free;
    legend();
    draw(clock.index);
  });

  // -- life -------------------------------------------------------------------------------
  model.on("msg:custom", (answer) => {
    if (answer.key !== key) return;
    waiting.delete(answer.index);
    if (answer.index === urgent) urgent = -1;
    const { frame } = answer;
    keep(answer.index, frame
      ? { shape: frame.shape, data: new Uint8Array(frame.buffer, frame.byteOffset, frame.length) }
      : { error: answer.error });
    if (answer.index === clock.index) draw(clock.index);
    else if (!frames.has(clock.index)) want(clock.index);
  });
  const clock = clockOf(model.channel);
  const resized = new ResizeObserver(() => {
    place = null;
    draw(clock.index);
  });
  resized.observe(stage);
  const repaint = () => draw(clock.index);
  window.addEventListener("trainlapse:theme", repaint);
  model.on("remove", () => {
    resized.disconnect();
    window.removeEventListener("trainlapse:theme", repaint);
  });
  model.on(["key", "palette", "low", "high"], () => {
    legend();
    draw(clock.index);
  });
  legend();
  follow(model, draw);
}
