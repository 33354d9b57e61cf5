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

// explorer/widgets/page/probe_picker.js
var PARAMETERS = ["kind", "images", "texts", "ids", "labels", "class_names", "predicted", "correct"];
var RIGHT = 1;
var WRONG = 0;
function drawImage(canvas, data, at, height, width, channels) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let pixel = 0; pixel < height * width; pixel++) {
    const from = at + pixel * channels;
    for (let channel = 0; channel < 3; channel++) {
      image.data[4 * pixel + channel] = data[from + Math.min(channel, channels - 1)];
    }
    image.data[4 * pixel + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}
function render({ model, el }) {
  const list = element("div", { class: `picker ${model.kind}`, role: "listbox", "aria-label": "Probe inputs" });
  const score = element("div", { class: "score" });
  el.append(score, list);
  let items = [];
  let told = [];
  let its = {};
  const build = () => {
    list.replaceChildren();
    told = [];
    const { images } = its;
    items = its.labels.map((label, probe) => {
      const item = element("button", { type: "button", class: "probe", role: "option", "data-probe": probe });
      if (images?.shape) {
        const [, height, width, channels] = images.shape;
        const canvas = element("canvas", { width, height });
        const data = new Uint8Array(images.buffer, images.byteOffset, images.length);
        drawImage(canvas, data, probe * height * width * channels, height, width, channels);
        item.append(canvas, element("span", { class: "truth", text: label }));
      } else {
        item.append(
          element("span", { class: "text", text: its.texts[probe] ?? `probe ${its.ids?.[probe] ?? probe}` }),
          element("span", { class: "truth", text: label })
        );
      }
      item.append(element("span", { class: "guess" }));
      item.addEventListener("click", () => clock.choose({ probe }));
      list.append(item);
      return item;
    });
    select();
  };
  const bringIntoView = (item) => {
    const top = item.offsetTop - list.offsetTop;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + item.offsetHeight > list.scrollTop + list.clientHeight) list.scrollTop = top + item.offsetHeight - list.clientHeight;
  };
  const select = () => items.forEach((item, probe) => {
    item.setAttribute("aria-selected", probe === clock.choice.probe);
    if (probe === clock.choice.probe) bringIntoView(item);
  });
  const tell = (probe, mark, guess) => {
    const says = `${mark} ${guess}`;
    if (told[probe] === says) return;
    told[probe] = says;
    items[probe].dataset.mark = mark === RIGHT ? "right" : mark === WRONG ? "wrong" : "";
    items[probe].title = `probe ${its.ids?.[probe] ?? probe}: ${its.labels[probe]}, the network says ${guess}`;
    const said = its.kind === "image" ? guess : `network: ${guess}`;
    items[probe].querySelector(".guess").textContent = mark === WRONG ? said : "";
  };
  const draw = (index) => {
    const { correct, predicted } = its;
    if (!correct?.shape) {
      score.textContent = "";
      return;
    }
    const count = correct.shape[1];
    let right = 0;
    let known = 0;
    for (let probe = 0; probe < count && probe < items.length; probe++) {
      const mark = correct[index * count + probe];
      const guess = its.class_names[predicted[index * count + probe]] ?? "";
      if (mark === RIGHT) right += 1;
      if (mark === RIGHT || mark === WRONG) known += 1;
      tell(probe, mark, guess);
    }
    score.textContent = known ? `${right} of ${count} right at this step` : "";
  };
  const read = () => {
    its = Object.fromEntries(PARAMETERS.map((name) => [name, model[name]]));
  };
  const clock = clockOf(model.channel);
  read();
  build();
  model.on(PARAMETERS, read);
  model.on(["labels", "images"], build);
  heed(model, "choice", select);
  follow(model, el, draw);
  model.on(["correct", "predicted"], () => draw(clock.index));
}
export {
  render
};
