// explorer/widgets/shared/address.js
var CHOICES_MS = 300;
var MOVING_MS = 1e3;
var CHANGES = 30;
var CHANGE_MS = 500;
var OF_TIME = /* @__PURE__ */ new Set(["step", "step_b"]);
var ACTS = ["pointerdown", "keydown", "click", "input"];
var PRESSES = ["pointerdown", "keydown"];
var RELEASES = ["pointerup", "pointercancel", "keyup", "blur"];
var WAYS = { ArrowLeft: "back", ArrowRight: "forward" };
function changesLeft() {
  let left = CHANGES;
  let since = performance.now();
  const count = () => {
    const now = performance.now();
    left = Math.min(CHANGES, left + (now - since) / CHANGE_MS);
    since = now;
    return left;
  };
  return { wait: () => (1 - count()) * CHANGE_MS, use: () => {
    left = count() - 1;
  } };
}
function addressOf(model, { parameters, restore, isPlaying }) {
  if (model.whole_page === false) return () => {
  };
  const changes = changesLeft();
  let known = parameters();
  let acted = false;
  let isHeld = false;
  let isDue = false;
  let isNext = false;
  let wasPlaying = false;
  let restoring = false;
  let written = -Infinity;
  let later = 0;
  let following = 0;
  const put = (how, values) => {
    const url = new URL(location.href);
    for (const [name, value] of Object.entries(values)) {
      if (value !== null) url.searchParams.set(name, value);
    }
    if (how === "replaceState" && url.href === location.href) return;
    changes.use();
    written = performance.now();
    try {
      history[how](history.state, "", url);
    } catch {
    }
  };
  const settle = () => {
    clearTimeout(later);
    isDue = false;
  };
  const flush = () => {
    if (!isDue) return;
    clearTimeout(later);
    const rest = isHeld || isPlaying() ? written + MOVING_MS - performance.now() : 0;
    const wait = Math.ceil(Math.max(rest, changes.wait()));
    if (wait > 0) {
      later = setTimeout(flush, wait);
      return;
    }
    isDue = false;
    put("replaceState", known);
  };
  const isChosen = (before, now) => acted && Object.keys(now).some((name) => now[name] !== before[name] && !OF_TIME.has(name) && before[name] !== void 0);
  const write = () => {
    if (restoring) return;
    const [before, now] = [known, parameters()];
    known = now;
    const chosen = isChosen(before, now);
    if (chosen) {
      acted = false;
      if (performance.now() > following) {
        if (isDue) put("replaceState", before);
        settle();
        put("pushState", now);
        following = performance.now() + CHOICES_MS;
        return;
      }
      following = performance.now() + CHOICES_MS;
    }
    isDue = true;
    const hasPaused = wasPlaying && !isPlaying();
    wasPlaying = isPlaying();
    if (hasPaused || chosen) return flush();
    if (!isNext) requestAnimationFrame(() => setTimeout(onPicture));
    isNext = true;
  };
  const onPicture = () => {
    isNext = false;
    flush();
  };
  const onAct = (event) => {
    const isWay = event.type === "keydown" && event.key in WAYS && (event.altKey || event.metaKey);
    if (!isWay) {
      acted = true;
      isHeld ||= PRESSES.includes(event.type);
      return;
    }
    event.stopImmediatePropagation();
    if (event.composedPath()[0].type !== "range") return;
    event.preventDefault();
    history[WAYS[event.key]]();
  };
  const onRelease = () => {
    isHeld = false;
    flush();
  };
  const onEntry = () => {
    settle();
    acted = false;
    following = 0;
    restoring = true;
    restore(new URLSearchParams(location.search));
    restoring = false;
    known = parameters();
  };
  ACTS.forEach((name) => window.addEventListener(name, onAct, true));
  RELEASES.forEach((name) => window.addEventListener(name, onRelease, true));
  window.addEventListener("popstate", onEntry);
  model.on("remove", () => {
    settle();
    ACTS.forEach((name) => window.removeEventListener(name, onAct, true));
    RELEASES.forEach((name) => window.removeEventListener(name, onRelease, true));
    window.removeEventListener("popstate", onEntry);
  });
  return write;
}
function choiceIn(asked) {
  const found = {};
  for (const name of ["layer", "tab"]) if (asked.has(name)) found[name] = asked.get(name);
  for (const name of ["unit", "probe", "target"]) {
    if (/^-?\d+$/.test(asked.get(name) ?? "")) found[name] = Number(asked.get(name));
  }
  return found;
}

// explorer/widgets/shared/numbers.js
function nearest(values, to, reach = Infinity) {
  let found = -1;
  values.forEach((value, at) => {
    const gap = Math.abs(value - to);
    if (gap <= reach && !(gap >= Math.abs(values[found] - to))) found = at;
  });
  return found;
}
function placesOf(clocks, axis) {
  return axis === "log_step" ? clocks.step.map((step) => Math.log10(1 + step)) : clocks[axis];
}
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

// explorer/widgets/shared/cursors.js
function cursorsOf(model) {
  const clock = clockOf(model.channel);
  const documents = () => window.Bokeh?.documents ?? [];
  let cursors = [];
  let known = -1;
  const find = () => {
    const count = documents().reduce((sum, doc) => sum + doc._all_models.size, 0);
    if (count === known) return;
    known = count;
    cursors = documents().flatMap((doc) => [...doc._all_models.values()]).filter((found) => found.name === "trainlapse-cursor" && (found.tags[1] ?? "main") === model.channel);
  };
  const move = (index) => {
    find();
    for (const span of cursors) {
      const position = span.tags[0]?.[index];
      if (position !== void 0 && span.location !== position) span.setv({ location: position }, { sync: false });
    }
  };
  let late = 0;
  const onDocument = () => {
    clearTimeout(late);
    late = setTimeout(() => move(clock.index), 30);
  };
  model.data.document?.on_change(onDocument);
  model.on("remove", () => {
    clearTimeout(late);
    model.data.document?.remove_on_change(onDocument);
  });
  return move;
}

// explorer/widgets/shared/clock_sync.js
var REST_MS = 120;
var REST_WHILE_PLAYING_MS = 400;
var IN_FLIGHT_MS = 2e3;
function clockSyncOf(model, { isPlaying = () => false, onChoice = () => {
} } = {}) {
  const clock = clockOf(model.channel);
  clock.families = new Map(Object.entries(model.families));
  const moveCursors = cursorsOf(model);
  let rest = 0;
  let inFlight = false;
  let sentAt = 0;
  let taking = false;
  const tellPython = () => {
    clearTimeout(rest);
    rest = setTimeout(() => {
      if (model.resting === clock.index) return;
      if (inFlight && performance.now() - sentAt < IN_FLIGHT_MS) return;
      inFlight = true;
      sentAt = performance.now();
      model.resting = clock.index;
    }, isPlaying() ? REST_WHILE_PLAYING_MS : REST_MS);
  };
  model.on("ack", () => {
    inFlight = false;
    if (model.resting !== clock.index) tellPython();
  });
  const onTick = () => {
    moveCursors(clock.index);
    tellPython();
  };
  const onChosen = () => {
    introduce(model);
    if (!taking) {
      model.choice = clock.choice;
      model.asked += 1;
    }
    onChoice();
  };
  const take = () => {
    if (model.answered !== model.asked) return;
    taking = true;
    clock.choose(model.choice);
    taking = false;
  };
  const onAnswered = () => {
    if (model.answered !== model.asked) model.choice = clock.choice;
    else take();
  };
  const onGoto = ({ detail }) => {
    if ((detail.channel ?? "main") === model.channel) clock.go(detail.index);
  };
  clock.addEventListener("tick", onTick);
  clock.addEventListener("choice", onChosen);
  model.on("choice", take);
  model.on("answered", onAnswered);
  window.addEventListener("trainlapse:goto", onGoto);
  model.on("remove", () => {
    clearTimeout(rest);
    clock.removeEventListener("tick", onTick);
    clock.removeEventListener("choice", onChosen);
    window.removeEventListener("trainlapse:goto", onGoto);
  });
  take();
  return tellPython;
}

// explorer/widgets/shared/controls.js
var JUMP = 10;
var MOST_TICKS = 7;
var ICONS = {
  first: "M5 5h2v14H5zM19 5v14L8 12z",
  back: "M17 5v14L6 12z",
  play: "M7 4v16l13-8z",
  pause: "M6 5h4v14H6zM14 5h4v14h-4z",
  forward: "M7 5v14l11-7z",
  last: "M17 5h2v14h-2zM5 5v14l11-7z",
  loop: "M17 2l4 4-4 4V7H7v4H5V5h12zM7 22l-4-4 4-4v3h10v-4h2v6H7z"
};
function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(svg.namespaceURI, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}
function spread(places, most) {
  const [from, to] = [places[0], places.at(-1)];
  const wanted = Array.from({ length: most }, (_, mark) => from + mark / (most - 1) * (to - from));
  const room = (to - from) / (2 * most);
  const found = [];
  for (const place of wanted) {
    const index = place === to ? places.length - 1 : nearest(places, place);
    while (found.length && place === to && places[index] - places[found.at(-1)] < room) found.pop();
    if (!found.length || places[index] - places[found.at(-1)] >= room) found.push(index);
  }
  return found;
}
function controlsOf(model, el, face) {
  const clock = clockOf(model.channel);
  const button = (action, label2) => {
    const made = element("button", { type: "button", title: label2, "aria-label": label2, "data-action": action });
    made.append(icon(action));
    return made;
  };
  const slider = element("input", { type: "range", step: "any", "aria-label": "Recorded step" });
  const ticks = element("div", { class: "ticks", "aria-hidden": "true" });
  const notches = element("div", { class: "notches", "aria-hidden": "true" });
  const typed = element("input", {
    type: "text",
    inputmode: "numeric",
    class: "typed",
    "aria-label": "Jump to step, epoch or time"
  });
  const unit = element("span", { class: "unit" });
  const speed = element("select", { "aria-label": "Speed", title: "Recorded steps a second" });
  for (const fps of [2, 5, 10, 20, 30]) speed.append(element("option", { value: fps, text: `${fps}/s` }));
  const buttons = {
    first: button("first", "First step (Home)"),
    back: button("back", "One step back (←; Shift: ten)"),
    play: button("play", "Play or pause (Space)"),
    forward: button("forward", "One step forward (→; Shift: ten)"),
    last: button("last", "Last step (End)"),
    loop: button("loop", "Repeat at the end")
  };
  buttons.play.classList.add("primary");
  speed.value = 10;
  const places = () => {
    const found = face.places();
    return found.at(-1) > found[0] ? found : Array.from(found, (_, at) => at);
  };
  const show = () => {
    const values = face.column();
    slider.value = places()[clock.index] ?? 0;
    if (typed.getRootNode().activeElement !== typed) typed.value = values.length ? face.plain(values[clock.index]) : "";
    slider.setAttribute("aria-valuetext", face.spoken(clock.index));
  };
  const label = () => {
    const values = face.column();
    const along = places();
    const last2 = values.length - 1;
    const [from, to] = [along[0] ?? 0, along.at(-1) ?? 0];
    slider.min = from;
    slider.max = to;
    for (const made of [slider, typed, ...Object.values(buttons)]) made.disabled = last2 < 1;
    unit.textContent = face.unit();
    ticks.replaceChildren();
    for (const index of last2 > 0 ? spread(along, MOST_TICKS) : []) {
      const tick = element("span", { text: face.short(values[index]) });
      tick.style.left = `${(along[index] - from) / (to - from) * 100}%`;
      ticks.append(tick);
    }
    notches.replaceChildren();
    for (const [index, why] of last2 > 0 ? face.notches?.() ?? [] : []) {
      const notch = element("span", { title: why });
      notch.style.left = `${(along[index] - from) / (to - from) * 100}%`;
      notches.append(notch);
    }
    show();
  };
  let playing = false;
  let looping = false;
  let previous = 0;
  let owed = 0;
  let request = 0;
  const frame = (now) => {
    owed += (now - previous) * Number(speed.value) / 1e3;
    previous = now;
    const whole = Math.floor(owed);
    if (whole >= 1) {
      owed -= whole;
      const next = clock.index + whole;
      if (next < clock.count) clock.go(next);
      else if (looping) clock.go(0);
      else {
        clock.go(clock.count - 1);
        setPlaying(false);
      }
    }
    if (playing) request = requestAnimationFrame(frame);
  };
  const setPlaying = (value) => {
    if (value === playing) return;
    playing = value;
    buttons.play.replaceChildren(icon(playing ? "pause" : "play"));
    buttons.play.setAttribute("aria-pressed", playing);
    cancelAnimationFrame(request);
    if (!playing) return face.onPause?.();
    if (clock.index === clock.count - 1) clock.go(0);
    previous = performance.now();
    owed = 0;
    request = requestAnimationFrame(frame);
  };
  const jump = (text) => {
    const match = /^\s*(-?[\d.]+(?:e[+-]?\d+)?)/i.exec(text.replaceAll(",", ""));
    const wanted = match ? Number(match[1]) : NaN;
    typed.classList.toggle("wrong", Number.isNaN(wanted));
    if (Number.isNaN(wanted)) return;
    clock.go(nearest(face.column(), wanted));
    typed.blur();
    show();
  };
  const act = {
    first: () => clock.go(0),
    back: (many) => clock.go(clock.index - (many ? JUMP : 1)),
    play: () => setPlaying(!playing),
    forward: (many) => clock.go(clock.index + (many ? JUMP : 1)),
    last: () => clock.go(clock.count - 1),
    loop: () => {
      looping = !looping;
      buttons.loop.setAttribute("aria-pressed", looping);
    }
  };
  for (const [name, made] of Object.entries(buttons)) {
    made.addEventListener("click", (event) => act[name](event.shiftKey));
  }
  slider.addEventListener("input", () => {
    clock.go(nearest(places(), Number(slider.value)));
    show();
  });
  typed.addEventListener("focus", () => typed.select());
  typed.addEventListener("keydown", (event) => {
    if (event.key === "Enter") jump(typed.value);
    if (event.key === "Escape") {
      typed.blur();
      show();
    }
  });
  typed.addEventListener("blur", () => {
    typed.classList.remove("wrong");
    show();
  });
  speed.addEventListener("change", () => speed.blur());
  const KEYS = { " ": "play", ArrowLeft: "back", ArrowRight: "forward", Home: "first", End: "last" };
  const onKey = (event) => {
    const action = KEYS[event.key];
    if (!action || isTyped(event) || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " " && event.composedPath()[0]?.tagName === "BUTTON") return;
    event.preventDefault();
    act[action](event.shiftKey);
  };
  const heard = model.whole_page === false ? el : document;
  heard.addEventListener("keydown", onKey);
  clock.addEventListener("tick", show);
  model.on("remove", () => {
    setPlaying(false);
    heard.removeEventListener("keydown", onKey);
    clock.removeEventListener("tick", show);
  });
  const { first, back, play, forward, last } = buttons;
  return {
    parts: {
      buttons: element("div", { class: "buttons" }, first, back, play, forward, last),
      track: element("div", { class: "track" }, slider, ticks, notches),
      jump: element("label", { class: "jump", title: "Type a value and press Enter" }, unit, typed),
      speed,
      loop: buttons.loop
    },
    label,
    show,
    isPlaying: () => playing
  };
}

// explorer/widgets/shared/time_label.js
function seconds(value) {
  if (value < 60) return `${value.toFixed(1)} s`;
  if (value < 3600) return `${Math.floor(value / 60)} min ${Math.floor(value % 60)} s`;
  return `${Math.floor(value / 3600)} h ${Math.floor(value % 3600 / 60)} min`;
}
function timeLabel(model, index, without) {
  if (!model.steps.length) return "no step recorded";
  const ending = Boolean(model.ending) && index === model.steps.length - 1;
  const [epoch, time] = [model.epochs[index], model.wall_times[index]];
  const parts = {
    step: ending ? "after training" : `step ${model.steps[index]}`,
    epoch: `epoch ${epoch.toFixed(2)}`,
    wall_time: seconds(time)
  };
  const left = without === "log_step" ? "step" : without;
  if (left !== "step" || !ending) delete parts[left];
  return Object.values(parts).join(" · ");
}

// explorer/widgets/time/transport.js
var AXES = { step: "step", log_step: "step (log)", epoch: "epoch", wall_time: "time" };
var JUMPED = "weights were set, not updated: loaded, swapped or restored";
function render({ model, el }) {
  const clock = clockOf(model.channel);
  const readout = element("output", { class: "readout" });
  const axis = element("select", { "aria-label": "Time axis", title: "Time axis of slider and curves" });
  for (const [value, text] of Object.entries(AXES)) axis.append(element("option", { value, text }));
  const short = (value) => {
    if (model.axis === "epoch") return value.toFixed(value < 10 ? 2 : 1);
    if (model.axis === "wall_time") return seconds(value);
    return String(value);
  };
  const named = (index) => {
    const jumped = model.jumps.includes(index) ? `, ${JUMPED}` : "";
    return timeLabel(model, index, "").replace(" · ", ", ") + jumped;
  };
  let tellPython = () => {
  };
  let writeAddress = () => {
  };
  const controls = controlsOf(model, el, {
    column: () => ({ epoch: model.epochs, wall_time: model.wall_times })[model.axis] ?? model.steps,
    places: () => placesOf({ step: model.steps, epoch: model.epochs, wall_time: model.wall_times }, model.axis),
    short,
    plain: (value) => model.axis === "wall_time" ? value.toFixed(1) : short(value),
    unit: () => ({ epoch: "epoch", wall_time: "seconds" })[model.axis] ?? "step",
    spoken: named,
    notches: () => [
      ...model.jumps.map((index) => [index, `Before step ${model.steps[index]} the ${JUMPED}`]),
      ...model.marks.map(([index, said]) => [index, `Step ${model.steps[index]}: ${said}`])
    ],
    onPause: () => {
      tellPython();
      writeAddress();
    }
  });
  const { buttons, track, jump, speed, loop } = controls.parts;
  el.append(element(
    "div",
    { class: "transport", role: "group", "aria-label": "Time control" },
    buttons,
    track,
    jump,
    readout,
    axis,
    speed,
    loop
  ));
  writeAddress = addressOf(model, {
    parameters: () => !model.steps.length ? {} : {
      ...clock.choice,
      step: model.steps[clock.index],
      axis: model.axis
    },
    restore: (asked) => {
      clock.choose(choiceIn(asked));
      if (asked.get("axis") in AXES) model.axis = asked.get("axis");
      if (asked.has("step")) clock.go(nearest(model.steps, Number(asked.get("step"))));
    },
    isPlaying: controls.isPlaying
  });
  tellPython = clockSyncOf(model, { isPlaying: controls.isPlaying, onChoice: writeAddress });
  const onTick = () => {
    readout.textContent = timeLabel(model, clock.index, model.axis);
    writeAddress();
  };
  const onAxis = () => {
    axis.value = model.axis;
    controls.label();
    onTick();
  };
  axis.addEventListener("change", () => {
    model.axis = axis.value;
    axis.blur();
  });
  clock.addEventListener("tick", onTick);
  model.on(["axis", "marks"], onAxis);
  model.on(["steps", "epochs", "wall_times", "jumps"], () => {
    clock.count = Math.max(1, model.steps.length);
    clock.go(clock.index);
    onAxis();
  });
  model.on("remove", () => clock.removeEventListener("tick", onTick));
  clock.label = (index) => timeLabel(model, index, "");
  clock.start(model.steps.length, model.resting);
  onAxis();
}
export {
  render
};
