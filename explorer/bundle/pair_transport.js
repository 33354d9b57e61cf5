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

// explorer/widgets/time/pair_transport.js
var CURVES = { step: "step", log_step: "step (log)", epoch: "epoch", wall_time: "time" };
var SHARED = "Whether colours and ends mean the same in both runs: those of feature maps, kernels, weights, their distributions, states and gates; other pictures end where their own run's values do. In either case curves of A are blue and those of B magenta, and a class, a gate or a layer has one colour in both.";
var SIDES = ["first", "second"];
function positionOf(shown, index, from) {
  let best = 0;
  for (let at = 1; at < shown.length; at++) {
    const [gap, least] = [Math.abs(shown[at] - index), Math.abs(shown[best] - index)];
    if (gap < least || gap === least && Math.abs(at - from) < Math.abs(best - from)) best = at;
  }
  return best;
}
function positionNear(path, first, second) {
  let best = 0;
  let least = Infinity;
  for (let at = 0; at < path.first.length; at++) {
    const gap = Math.abs(path.first[at] - first) + Math.abs(path.second[at] - second);
    if (gap < least) [best, least] = [at, gap];
  }
  return best;
}
function counted(value, unit) {
  const text = Number(value.toPrecision(2)).toString();
  return text === "1" && unit.endsWith("s") && unit.length > 1 ? `1 ${unit.slice(0, -1)}` : `${text} ${unit}`;
}
function honest(path, side, at, last, mode) {
  if (path[`${side}_beyond`][at]) {
    if (mode.startsWith("metric:")) return "never there, held";
    return path[side][at] >= last ? "ended, held" : "not begun, held";
  }
  const off = path[`${side}_off`][at];
  if (!off) return "";
  return `nearest: ${counted(Math.abs(off), path.unit)} ${off > 0 ? "later" : "earlier"}`;
}
function render({ model, el }) {
  const clock = clockOf(model.channel);
  clock.families = new Map(Object.entries(model.families));
  const runs = model.channels.map(clockOf);
  const list = (label, title, options) => {
    const made = element("select", { "aria-label": label, title });
    for (const [value, text] of Object.entries(options)) made.append(element("option", { value, text }));
    return made;
  };
  const modes = list("Alignment", "Which moments of the runs stand beside each other", model.modes);
  const axis = list("Time axis", "Time axis of the curves", CURVES);
  const colours = list("Colours", SHARED, { shared: "shared, of maps and weights", own: "each its own" });
  const short = (value) => {
    if (model.mode === "epoch") return value.toFixed(value < 10 ? 2 : 1);
    return model.mode === "wall_time" ? value.toFixed(1) : String(Math.round(value));
  };
  const isLogarithmic = () => model.axis === "log_step" && !["epoch", "wall_time"].includes(model.mode);
  const name = (index) => runs.map((run, at) => `${"AB"[at]} ${run.label?.(model.path[SIDES[at]][index]) ?? ""}`).join(" | ");
  const controls = controlsOf(model, el, {
    column: () => model.path.coordinates,
    places: () => placesOf({ step: model.path.coordinates }, isLogarithmic() ? "log_step" : "step"),
    short,
    plain: short,
    unit: () => ({ epoch: "epoch", wall_time: "seconds" })[model.mode] ?? "step",
    spoken: name,
    onPause: () => writeAddress()
  });
  const { buttons, track, jump, speed, loop } = controls.parts;
  const readouts = model.names.map((run, at) => {
    const letter = element("b", { class: "letter", text: "AB"[at] });
    letter.style.background = model.colours[at];
    const said = element("span", { class: "said" });
    const off = element("span", { class: "off" });
    const whole = element("output", { class: "moment", title: run }, letter, said, off);
    return { said, off, whole };
  });
  const labelled = (text, control) => element("label", { class: "option" }, text, control);
  const note = element("p", { class: "note", role: "status" });
  const fields = Array.from({ length: 4 }, (_, at) => element("input", {
    type: "text",
    inputmode: "numeric",
    "aria-label": `Step of ${"AB"[at % 2]} at point ${at < 2 ? 1 : 2}`
  }));
  const put = element("button", { type: "button", text: "Put together" });
  const anchors = element(
    "div",
    { class: "anchors" },
    "Step of A ",
    fields[0],
    " beside step of B ",
    fields[1],
    ", and ",
    fields[2],
    " beside ",
    fields[3],
    put
  );
  el.append(
    element(
      "div",
      { class: "transport pair", role: "group", "aria-label": "Time control" },
      buttons,
      track,
      jump,
      labelled("align by", modes),
      speed,
      loop
    ),
    // Each run's moment above its column of the page.
    element(
      "div",
      { class: "moments" },
      element("div", {}, readouts[0].whole, labelled("curves over", axis)),
      element("div", {}, readouts[1].whole, labelled("colours", colours))
    ),
    anchors,
    note
  );
  const moveCursors = cursorsOf(model);
  const ready = () => runs.every((run) => run.label) && model.path.coordinates.length > 0;
  const lead = () => {
    if (!ready()) return;
    runs.forEach((run, at) => run.go(model.path[SIDES[at]][clock.index]));
  };
  let isUnusual = new URLSearchParams(location.search).has("units");
  const wasUnusual = () => {
    const matched = model.units === "matched" && model.matching !== model.usual.matching;
    isUnusual ||= model.units !== model.usual.units || matched;
    return isUnusual;
  };
  const parameters = () => {
    const [a, b] = runs.map((run, at) => run.stepAt?.(model.path[SIDES[at]][clock.index]) ?? null);
    const points = model.mode === "anchors" && model.anchors.length ? model.anchors.join(",") : null;
    return {
      ...runs[0].choice,
      step: a,
      step_b: b,
      align: model.mode,
      anchors: points,
      axis: model.axis,
      colours: model.tied ? null : "own",
      units: wasUnusual() ? model.units : null,
      matching: wasUnusual() && model.units === "matched" ? model.matching : null
    };
  };
  const ANSWERED = { align: "mode", anchors: "anchors", axis: "axis", units: "units", matching: "matching" };
  let sought = null;
  const restore = (asked) => {
    runs[0].choose(choiceIn(asked));
    const steps = [asked.get("step"), asked.get("step_b")];
    const shown = steps.map((step, at) => step === null ? runs[at].index : runs[at].indexOf(Number(step)));
    if (ready()) clock.go(positionNear(model.path, ...shown));
    sought = shown;
    introduce(model);
    for (const [name2, own] of Object.entries(ANSWERED)) {
      const before = model[own];
      const wanted = asked.get(name2) ?? model.usual[name2] ?? null;
      if (before === void 0 || wanted === null || String(before) === wanted) continue;
      model[own] = Array.isArray(before) ? wanted.split(",").map(Number) : wanted;
    }
  };
  const writeAddress = addressOf(model, { parameters, restore, isPlaying: controls.isPlaying });
  const say = () => {
    const there = model.path.coordinates.length > 0;
    readouts.forEach(({ said, off }, at) => {
      const index = model.path[SIDES[at]][clock.index];
      said.textContent = there ? runs[at].label?.(index) ?? "" : "no step recorded";
      off.textContent = there ? honest(model.path, SIDES[at], clock.index, runs[at].count - 1, model.mode) : "";
    });
  };
  const onTick = () => {
    sought = null;
    lead();
    say();
    moveCursors(clock.index);
    writeAddress();
  };
  const followers = runs.map((run, at) => {
    const onRun = () => {
      const shown = model.path[SIDES[at]];
      if (ready() && run.index !== shown[clock.index]) clock.go(positionOf(shown, run.index, clock.index));
      else {
        say();
        writeAddress();
      }
    };
    run.addEventListener("tick", onRun);
    return onRun;
  });
  const toRun = () => {
    const elsewhere = clock.choice.tab !== runs[0].choice.tab;
    runs[0].choose(clock.choice);
    if (elsewhere) document.querySelector("main")?.scrollTo(0, 0);
  };
  const fromRun = () => {
    clock.choose(runs[0].choice);
    writeAddress();
  };
  clock.addEventListener("tick", onTick);
  clock.addEventListener("choice", toRun);
  runs[0].addEventListener("choice", fromRun);
  const onGoto = ({ detail }) => {
    if (detail.channel === model.channel) clock.go(detail.index);
  };
  window.addEventListener("trainlapse:goto", onGoto);
  const onMode = () => {
    controls.label();
    modes.value = model.mode;
    axis.value = model.axis;
    colours.value = model.tied ? "shared" : "own";
    anchors.hidden = model.mode !== "anchors";
    note.textContent = model.note;
    note.hidden = !model.note;
    writeAddress();
  };
  const onPath = () => {
    const wanted = sought;
    clock.start(model.path.coordinates.length, positionNear(model.path, ...wanted ?? runs.map((run) => run.index)));
    controls.label();
    onTick();
    sought = wanted;
  };
  modes.addEventListener("change", () => {
    introduce(model);
    model.mode = modes.value;
    modes.blur();
  });
  axis.addEventListener("change", () => {
    introduce(model);
    model.axis = axis.value;
    axis.blur();
  });
  colours.addEventListener("change", () => {
    const url = new URL(location.href);
    url.searchParams.set("colours", colours.value);
    location.assign(url);
  });
  put.addEventListener("click", () => {
    introduce(model);
    model.anchors = fields.map((field) => Number(field.value));
  });
  model.on("path", onPath);
  const onAnchors = () => {
    fields.forEach((field, at) => {
      field.value = model.anchors[at] ?? "";
    });
    onMode();
  };
  model.on(["mode", "axis", "note"], onMode);
  model.on("anchors", onAnchors);
  model.on(["units", "matching"], () => writeAddress());
  model.on("remove", () => {
    clock.removeEventListener("tick", onTick);
    clock.removeEventListener("choice", toRun);
    runs[0].removeEventListener("choice", fromRun);
    runs.forEach((run, at) => run.removeEventListener("tick", followers[at]));
    window.removeEventListener("trainlapse:goto", onGoto);
  });
  clock.label = name;
  clock.start(model.path.coordinates.length, model.position);
  clock.choose(runs[0].choice);
  controls.label();
  onAnchors();
  onTick();
}
export {
  counted,
  honest,
  positionNear,
  positionOf,
  render
};
