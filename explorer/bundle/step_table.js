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

// explorer/widgets/charts/step_table.js
function render({ model, el }) {
  const clock = clockOf(model.channel);
  const head = element("tr", {}, ...model.columns.map((text, at) => element("th", { scope: "col", text, class: model.numeric.includes(at) ? "number" : "" })));
  const body = element("tbody");
  const table = element("table", { "aria-label": model.label }, element("thead", {}, head), body);
  const note = element("p", { class: "note", hidden: "" });
  el.append(element("div", { class: "listing" }, table, note));
  const chosen = (what) => Object.keys(what).length > 0 && Object.entries(what).every(([name, value]) => clock.choice[name] === value);
  const rowOf = (texts, what) => {
    const row = element("tr", {}, ...texts.map((text, at) => element("td", { text, class: model.numeric.includes(at) ? "number" : "" })));
    if (Object.keys(what).length) {
      row.tabIndex = 0;
      row.className = "link";
      row.addEventListener("click", () => clock.choose(what));
      row.addEventListener("keydown", (event) => {
        if (event.key !== "Enter") return;
        event.preventDefault();
        clock.choose(what);
      });
      row.addEventListener("pointerenter", () => clock.hover(what));
      row.addEventListener("pointerleave", () => clock.hover());
      row.setAttribute("aria-selected", chosen(what));
    }
    return row;
  };
  const draw = (index) => {
    if (!room.width) return;
    const payload = frames.get(index);
    if (payload) {
      const rows = payload.rows ?? [];
      note.textContent = payload.error ?? model.empty;
      note.hidden = rows.length > 0;
      table.hidden = rows.length === 0;
      body.replaceChildren(...rows.map((texts, at) => rowOf(texts, payload.chooses?.[at] ?? {})));
      for (let row = rows.length; row < model.rows && rows.length; row++) {
        body.append(element("tr", { class: "blank" }, ...model.columns.map(() => element("td", { text: " " }))));
      }
      table.dataset.index = index;
    }
    frames.want(index);
  };
  const frames = framesOf(model, el, draw);
  const room = repaintWhenSeen(model, el, () => draw(clock.index));
  model.on("key", () => draw(clock.index));
  heed(model, "choice", () => draw(clock.index));
}
export {
  render
};
