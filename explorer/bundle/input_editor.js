// explorer/widgets/shared/clock.js
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

// explorer/widgets/shared/picture_file.js
var TOO_LARGE_BYTES = 16 * 1024 * 1024;
var TOO_MANY_PIXELS = 16 * 1e3 * 1e3;
var PNG = [137, 80, 78, 71, 13, 10, 26, 10];
var FIRST_FRAME = 192;
var LAST_FRAME = 207;
var TABLES = [196, 200, 204];
function sizeOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length >= 24 && PNG.every((value, place) => bytes[place] === value)) {
    return [view.getUint32(16), view.getUint32(20)];
  }
  if (bytes[0] !== 255 || bytes[1] !== 216) return null;
  for (let place = 2; place + 9 < bytes.length && bytes[place] === 255; ) {
    const marker = bytes[place + 1];
    if (marker >= FIRST_FRAME && marker <= LAST_FRAME && !TABLES.includes(marker)) {
      return [view.getUint16(place + 7), view.getUint16(place + 5)];
    }
    place += 2 + view.getUint16(place + 2);
  }
  return null;
}

// explorer/widgets/shared/retouch.js
var NOISE = 40;
var REACH = 1;
function stamped(values, { height, width, channels }, from, to, radius, ink) {
  const made = new Uint8ClampedArray(values);
  const [down, right] = [to[0] - from[0], to[1] - from[1]];
  const length = down * down + right * right;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [dy, dx] = [y + 0.5 - from[0], x + 0.5 - from[1]];
      const along = length ? Math.min(1, Math.max(0, (dy * down + dx * right) / length)) : 0;
      const share = Math.min(1, Math.max(0, radius + 0.5 - Math.hypot(dy - along * down, dx - along * right)));
      if (!share) continue;
      for (let channel = 0; channel < channels; channel++) {
        const place = (y * width + x) * channels + channel;
        made[place] = values[place] + share * (ink[channel] - values[place]);
      }
    }
  }
  return made;
}
function covered(values, { height, width, channels }, [down, right], size) {
  const made = new Uint8ClampedArray(values);
  const [top, left] = [Math.round(down - size / 2), Math.round(right - size / 2)];
  for (let y = Math.max(0, top); y < Math.min(height, top + size); y++) {
    const from = Math.max(0, left);
    const to = Math.min(width, left + size);
    if (to > from) made.fill(0, (y * width + from) * channels, (y * width + to) * channels);
  }
  return made;
}
function shifted(values, { height, width, channels }, down, right) {
  const made = new Uint8ClampedArray(values.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [fromY, fromX] = [y - down, x - right];
      if (fromY < 0 || fromY >= height || fromX < 0 || fromX >= width) continue;
      const from = (fromY * width + fromX) * channels;
      made.set(values.subarray(from, from + channels), (y * width + x) * channels);
    }
  }
  return made;
}
function noisy(values, random = Math.random) {
  return values.map((value) => value + NOISE * (random() + random() + random() + random() - 2));
}
function blurred(values, { height, width, channels }) {
  const made = new Uint8ClampedArray(values.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        let count = 0;
        for (let v = Math.max(0, y - REACH); v <= Math.min(height - 1, y + REACH); v++) {
          for (let u = Math.max(0, x - REACH); u <= Math.min(width - 1, x + REACH); u++) {
            sum += values[(v * width + u) * channels + channel];
            count += 1;
          }
        }
        made[(y * width + x) * channels + channel] = sum / count;
      }
    }
  }
  return made;
}

// explorer/widgets/page/input_editor.js
var LONGEST_NPZ_BYTES = 16 * 1024 * 1024;
function render({ model, el }) {
  const said = element("div", { class: "said", role: "alert" });
  const holder = element("div", { class: `editor ${model.kind}` });
  el.append(holder);
  const tell = (made) => {
    said.textContent = "";
    introduce(model);
    model.made = made;
  };
  const refuse = (sentence) => said.textContent = sentence;
  const notes = [element("div", { class: "note", text: model.prepared }), said];
  if (model.kind === "image") {
    const [canvas, ...tools] = pictureEditor(model, tell, refuse);
    holder.append(canvas, element("div", { class: "beside" }, ...tools, ...notes));
  } else holder.append(...textEditor(model, tell), ...notes);
  model.on("said", () => said.textContent = model.said);
}
function button(text, title, act) {
  const made = element("button", { type: "button", title, text });
  made.addEventListener("click", act);
  return made;
}
function pictureEditor(model, tell, refuse) {
  const [height, width, channels] = model.image.shape;
  const shape = { height, width, channels };
  const canvas = element("canvas", { class: "drawing", width, height, tabindex: 0, role: "img", "aria-label": "Your picture: draw with the pointer" });
  const context = canvas.getContext("2d");
  let values = new Uint8ClampedArray(height * width * channels);
  let tool = "brush";
  let at = null;
  const paint = () => {
    const image = context.createImageData(width, height);
    for (let pixel = 0; pixel < height * width; pixel++) {
      for (let channel = 0; channel < 3; channel++) image.data[4 * pixel + channel] = values[pixel * channels + Math.min(channel, channels - 1)];
      image.data[4 * pixel + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  };
  const begin = () => {
    const { image } = model;
    if (!image?.shape) return;
    values = new Uint8ClampedArray(new Uint8Array(image.buffer, image.byteOffset, image.length));
    paint();
  };
  const done = () => tell({ values: [...values], count: (model.made.count ?? 0) + 1 });
  const change = (made) => {
    values = made;
    paint();
    done();
  };
  const size = element("input", { type: "range", min: 0.5, max: Math.max(2, width / 8), step: 0.25, value: Math.max(0.5, width / 24), "aria-label": "Size of the brush" });
  const colour = channels > 1 ? element("input", { type: "color", value: "#ffffff", "aria-label": "Colour of the brush" }) : null;
  const ink = () => {
    if (tool === "eraser") return Array(channels).fill(0);
    const code = colour?.value ?? "#ffffff";
    const parts = [1, 3, 5].map((from) => parseInt(code.slice(from, from + 2), 16));
    return Array.from({ length: channels }, (_, channel) => parts[Math.min(channel, 2)]);
  };
  const placeOf = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientY - box.top) * height / box.height, (event.clientX - box.left) * width / box.width];
  };
  const touch = (event) => {
    const to = placeOf(event);
    if (tool === "cover") values = covered(values, shape, to, Math.max(1, Math.round(width / 7)));
    else values = stamped(values, shape, at ?? to, to, Number(size.value), ink());
    at = to;
    paint();
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    at = null;
    touch(event);
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => at && touch(event));
  const end = () => {
    if (!at) return;
    at = null;
    done();
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  const tools = Object.entries({
    brush: ["Brush", "Draw"],
    eraser: ["Eraser", "Take away"],
    cover: ["Cover", "Cover a patch"]
  }).map(([name, [text, title]]) => {
    const made = button(text, title, () => {
      tool = name;
      press();
    });
    made.dataset.tool = name;
    return made;
  });
  const press = () => tools.forEach((each) => each.setAttribute("aria-pressed", each.dataset.tool === tool));
  press();
  const file = element("input", { type: "file", accept: ".png,.jpg,.jpeg,.npz", "aria-label": "Load a picture or an npz file" });
  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    file.value = "";
    if (chosen) await load(chosen, shape, { change, tell, refuse });
  });
  const move = (down, right) => () => change(shifted(values, shape, down, right));
  model.on("begins", begin);
  begin();
  return [
    canvas,
    element("div", { class: "tools" }, ...tools, element("label", { class: "size", text: "size" }, size), colour),
    element(
      "div",
      { class: "tools" },
      button("←", "Shift to the left", move(0, -1)),
      button("→", "Shift to the right", move(0, 1)),
      button("↑", "Shift up", move(-1, 0)),
      button("↓", "Shift down", move(1, 0)),
      button("Noise", "Add noise", () => change(noisy(values))),
      button("Blur", "Blur", () => change(blurred(values, shape))),
      button("Invert", "Dark for light", () => change(values.map((value) => 255 - value))),
      button("Clear", "Begin with nothing", () => change(new Uint8ClampedArray(values.length))),
      button("Undo all", "Begin with the probe again", () => {
        begin();
        done();
      }),
      element("label", { title: "Load a PNG or JPEG picture, or an npz file", text: "Load …" }, file)
    )
  ];
}
async function load(file, { height, width, channels }, { change, tell, refuse }) {
  const bytes = new Uint8Array(await file.slice(0, TOO_LARGE_BYTES).arrayBuffer());
  if (/\.npz$/i.test(file.name)) {
    if (file.size > LONGEST_NPZ_BYTES) return refuse(`${file.name} has more than 16 MB: give fewer examples.`);
    return tell({ name: file.name, file: base64(bytes) });
  }
  if (file.size > TOO_LARGE_BYTES) return refuse(`${file.name} has more than 16 MB: make it smaller first.`);
  const pixels = sizeOf(bytes);
  if (!pixels) return refuse(`${file.name} is no PNG or JPEG picture.`);
  if (pixels[0] * pixels[1] > TOO_MANY_PIXELS) {
    return refuse(`${file.name} has ${pixels[0]} × ${pixels[1]} pixels, and the network takes ${width} × ${height}: make it smaller first.`);
  }
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    return refuse(`${file.name} is damaged: it cannot be read as a picture.`);
  }
  const canvas = element("canvas", { width, height });
  const context = canvas.getContext("2d");
  const scale = Math.min(width / picture.width, height / picture.height);
  const [wide, high] = [picture.width * scale, picture.height * scale];
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, (width - wide) / 2, (height - high) / 2, wide, high);
  const { data } = context.getImageData(0, 0, width, height);
  const values = new Uint8ClampedArray(height * width * channels);
  for (let pixel = 0; pixel < height * width; pixel++) {
    const [red, green, blue] = data.subarray(4 * pixel, 4 * pixel + 3);
    const grey = 0.299 * red + 0.587 * green + 0.114 * blue;
    for (let channel = 0; channel < channels; channel++) values[pixel * channels + channel] = channels < 3 ? grey : data[4 * pixel + Math.min(channel, 2)];
  }
  return change(values);
}
function base64(bytes) {
  let text = "";
  for (let from = 0; from < bytes.length; from += 32768) text += String.fromCharCode(...bytes.subarray(from, from + 32768));
  return btoa(text);
}
function textEditor(model, tell) {
  let words = [];
  let chosen = -1;
  const list = element("div", { class: `words${model.separator ? "" : " characters"}`, role: "group", "aria-label": "Words of your text" });
  const sentence = element("input", { class: "sentence", type: "text", "aria-label": "Your text", placeholder: "Type a text, then Enter" });
  const word = element("input", { class: "sentence", type: "text", "aria-label": "The chosen word" });
  const split = (text) => model.separator ? text.split(/\s+/).filter(Boolean) : [...text];
  const done = (made) => {
    words = made;
    chosen = -1;
    show([]);
    tell({ words, count: (model.made.count ?? 0) + 1 });
  };
  const show = (unknown) => {
    list.replaceChildren(...words.map((text, place) => {
      const made = button(text === " " ? "␣" : text, "Change this word", () => {
        chosen = chosen === place ? -1 : place;
        show(model.unknown);
        if (chosen >= 0) word.select();
      });
      made.className = "word";
      made.classList.toggle("unknown", unknown.includes(place));
      if (unknown.includes(place)) made.title = "Not in the vocabulary: the network reads the sign for unknown words";
      made.setAttribute("aria-pressed", place === chosen);
      return made;
    }));
    change.hidden = chosen < 0;
    if (chosen >= 0) word.value = words[chosen];
  };
  const replaced = (from, count, text) => done([...words.slice(0, from), ...split(text), ...words.slice(from + count)]);
  const change = element(
    "div",
    { class: "tools" },
    word,
    button("Change", "Put this in place of the word", () => replaced(chosen, 1, word.value)),
    button("Insert before", "Put this before the word", () => replaced(chosen, 0, word.value)),
    button("Insert after", "Put this behind the word", () => replaced(chosen + 1, 0, word.value)),
    button("Delete", "Leave the word out", () => replaced(chosen, 1, ""))
  );
  const entered = (input, act) => input.addEventListener("keydown", (event) => {
    if (isTyped(event)) event.stopPropagation();
    if (event.key === "Enter" && split(input.value).length) act();
  });
  entered(word, () => replaced(chosen, 1, word.value));
  entered(sentence, () => done(split(sentence.value)));
  const begin = () => {
    words = [...model.words];
    sentence.value = words.join(model.separator);
    chosen = -1;
    show(model.unknown);
  };
  model.on("begins", begin);
  model.on("unknown", () => show(model.unknown));
  begin();
  return [sentence, list, change];
}
export {
  render
};
