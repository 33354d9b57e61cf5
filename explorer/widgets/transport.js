// Time control: slider, playback, keys, typed step, axis. The step changes here at once; Python
// hears of the step at rest, one message in flight, the latest wins. It also speaks with Python for
// all widgets about what is selected, and owns the address.
const REST_MS = 120;
const REST_WHILE_PLAYING_MS = 400;
const IN_FLIGHT_MS = 2000;
const URL_MS = 300;
const JUMP = 10;
const AXES = { step: "step", log_step: "step (log)", epoch: "epoch", wall_time: "time" };
const ICONS = {
  first: "M5 5h2v14H5zM19 5v14L8 12z",
  back: "M17 5v14L6 12z",
  play: "M7 4v16l13-8z",
  pause: "M6 5h4v14H6zM14 5h4v14h-4z",
  forward: "M7 5v14l11-7z",
  last: "M17 5h2v14h-2zM5 5v14l11-7z",
  loop: "M17 2l4 4-4 4V7H7v4H5V5h12zM7 22l-4-4 4-4v3h10v-4h2v6H7z",
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

function seconds(value) {
  if (value < 60) return `${value.toFixed(1)} s`;
  if (value < 3600) return `${Math.floor(value / 60)} min ${Math.floor(value % 60)} s`;
  return `${Math.floor(value / 3600)} h ${Math.floor((value % 3600) / 60)} min`;
}

export function render({ model, el }) {
  const clock = clockOf(model.channel);
  const button = (action, label) => {
    const made = element("button", { type: "button", title: label, "aria-label": label, "data-action": action });
    made.append(icon(action));
    return made;
  };
  const slider = element("input", { type: "range", min: 0, step: 1, "aria-label": "Recorded step" });
  const ticks = element("div", { class: "ticks", "aria-hidden": "true" });
  const typed = element("input", {
    type: "text", inputmode: "numeric", class: "typed", "aria-label": "Jump to step, epoch or time",
  });
  const readout = element("output", { class: "readout" });
  const unit = element("span", { class: "unit" });
  const axis = element("select", { "aria-label": "Time axis", title: "Time axis of slider and curves" });
  for (const [value, text] of Object.entries(AXES)) axis.append(element("option", { value, text }));
  const speed = element("select", { "aria-label": "Speed", title: "Recorded steps a second" });
  for (const fps of [2, 5, 10, 20, 30]) speed.append(element("option", { value: fps, text: `${fps}/s` }));
  const buttons = {
    first: button("first", "First step (Home)"),
    back: button("back", "One step back (←; Shift: ten)"),
    play: button("play", "Play or pause (Space)"),
    forward: button("forward", "One step forward (→; Shift: ten)"),
    last: button("last", "Last step (End)"),
    loop: button("loop", "Repeat at the end"),
  };
  buttons.play.classList.add("primary");
  el.append(
    element("div", { class: "transport", role: "group", "aria-label": "Time control" },
      element("div", { class: "buttons" }, buttons.first, buttons.back, buttons.play, buttons.forward, buttons.last),
      element("div", { class: "track" }, slider, ticks),
      element("label", { class: "jump", title: "Type a value and press Enter" }, unit, typed),
      readout, axis, speed, buttons.loop),
  );

  // -- labels -----------------------------------------------------------------------------
  const column = () => ({ epoch: model.epochs, wall_time: model.wall_times })[model.axis] ?? model.steps;
  const short = (value) => {
    if (model.axis === "epoch") return value.toFixed(value < 10 ? 2 : 1);
    if (model.axis === "wall_time") return seconds(value);
    return String(value);
  };
  // As it can be typed: `jump` reads it back.
  const plain = (value) => model.axis === "wall_time" ? value.toFixed(1) : short(value);
  const label = (index) => {
    if (!model.steps.length) return "no step recorded";
    const [step, epoch, time] = [model.steps[index], model.epochs[index], model.wall_times[index]];
    const parts = {
      step: `step ${step}`, epoch: `epoch ${epoch.toFixed(2)}`, wall_time: seconds(time),
    };
    delete parts[model.axis === "log_step" ? "step" : model.axis];
    return Object.values(parts).join(" · ");
  };
  const drawTicks = () => {
    ticks.replaceChildren();
    const values = column();
    const last = values.length - 1;
    const marks = Math.min(last, 6);
    for (let mark = 0; mark <= marks && last > 0; mark++) {
      const index = Math.round((mark / marks) * last);
      const tick = element("span", { text: short(values[index]) });
      tick.style.left = `${(index / last) * 100}%`;
      ticks.append(tick);
    }
  };
  const show = (index) => {
    slider.value = index;
    const values = column();
    if (el.getRootNode().activeElement !== typed) typed.value = values.length ? plain(values[index]) : "";
    readout.textContent = label(index);
    slider.setAttribute("aria-valuetext", `step ${model.steps[index]}, ${label(index)}`);
    moveCursors(index);
    tellPython();
    writeAddress(index);
  };

  // -- cursors in figures -----------------------------------------------------------------
  // Spans made by explorer.plots.style carry their positions by recorded step in their tags.
  let cursors = [];
  let known = -1;
  const findCursors = () => {
    cursors = [];
    for (const doc of window.Bokeh?.documents ?? []) {
      for (const found of doc._all_models.values()) {
        if (found.name === "trainlapse-cursor") cursors.push(found);
      }
    }
  };
  const modelCount = () =>
    (window.Bokeh?.documents ?? []).reduce((sum, doc) => sum + doc._all_models.size, 0);
  const moveCursors = (index) => {
    const count = modelCount();
    if (count !== known) {
      known = count;
      findCursors();
    }
    for (const span of cursors) {
      const position = span.tags[0]?.[index];
      if (position !== undefined && span.location !== position) span.location = position;
    }
  };
  // Figures that arrive later start where the server last knew the step.
  let late = 0;
  const onDocument = () => {
    clearTimeout(late);
    late = setTimeout(() => moveCursors(clock.index), 30);
  };
  model.data.document?.on_change(onDocument);

  // -- Python and the address bar ---------------------------------------------------------
  let rest = 0;
  let inFlight = false;
  let sentAt = 0;
  const tellPython = () => {
    clearTimeout(rest);
    rest = setTimeout(() => {
      if (model.resting === clock.index) return;
      if (inFlight && performance.now() - sentAt < IN_FLIGHT_MS) return;
      inFlight = true;
      sentAt = performance.now();
      model.resting = clock.index;
    }, playing ? REST_WHILE_PLAYING_MS : REST_MS);
  };
  model.on("ack", () => {
    inFlight = false;
    if (model.resting !== clock.index) tellPython();
  });
  let address = 0;
  const writeAddress = (index) => {
    clearTimeout(address);
    address = setTimeout(() => {
      if (!model.steps.length) return;
      const url = new URL(location.href);
      for (const [key, value] of Object.entries(clock.choice)) {
        if (value !== null) url.searchParams.set(key, value);
      }
      url.searchParams.set("step", model.steps[index]);
      url.searchParams.set("axis", model.axis);
      history.replaceState(history.state, "", url);
    }, URL_MS);
  };

  // -- playback ---------------------------------------------------------------------------
  let playing = false;
  let looping = false;
  let previous = 0;
  let owed = 0;
  let request = 0;
  const frame = (now) => {
    owed += ((now - previous) * Number(speed.value)) / 1000;
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
    if (!playing) return tellPython();
    if (clock.index === clock.count - 1) clock.go(0);
    previous = performance.now();
    owed = 0;
    request = requestAnimationFrame(frame);
  };

  // -- input ------------------------------------------------------------------------------
  const jump = (text) => {
    const match = /^\s*(-?[\d.]+(?:e[+-]?\d+)?)/i.exec(text.replaceAll(",", ""));
    const wanted = match ? Number(match[1]) : NaN;
    typed.classList.toggle("wrong", Number.isNaN(wanted));
    if (Number.isNaN(wanted)) return;
    const values = column();
    let nearest = 0;
    for (let i = 1; i < values.length; i++) {
      if (Math.abs(values[i] - wanted) < Math.abs(values[nearest] - wanted)) nearest = i;
    }
    clock.go(nearest);
    typed.blur();
    show(clock.index);
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
    },
  };
  for (const [name, made] of Object.entries(buttons)) {
    made.addEventListener("click", (event) => act[name](event.shiftKey));
  }
  slider.addEventListener("input", () => clock.go(Number(slider.value)));
  typed.addEventListener("focus", () => typed.select());
  typed.addEventListener("keydown", (event) => {
    if (event.key === "Enter") jump(typed.value);
    if (event.key === "Escape") {
      typed.blur();
      show(clock.index);
    }
  });
  typed.addEventListener("blur", () => {
    typed.classList.remove("wrong");
    show(clock.index);
  });
  axis.addEventListener("change", () => {
    model.axis = axis.value;
    axis.blur();
  });
  speed.addEventListener("change", () => speed.blur());
  const KEYS = { " ": "play", ArrowLeft: "back", ArrowRight: "forward", Home: "first", End: "last" };
  const onKey = (event) => {
    const target = event.composedPath()[0];
    const writes = target?.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target?.tagName ?? "") ||
      (target?.tagName === "INPUT" && target.type !== "range");
    const action = KEYS[event.key];
    if (!action || writes || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " " && target?.tagName === "BUTTON") return;
    event.preventDefault();
    act[action](event.shiftKey);
  };
  document.addEventListener("keydown", onKey);
  // A click on a curve (explorer.plots.style) asks for a recorded step.
  const onGoto = (event) => clock.go(event.detail.index);
  window.addEventListener("trainlapse:goto", onGoto);

  // -- life -------------------------------------------------------------------------------
  const onAxis = () => {
    axis.value = model.axis;
    unit.textContent = { epoch: "epoch", wall_time: "seconds" }[model.axis] ?? "step";
    drawTicks();
    show(clock.index);
  };
  const onTick = () => show(clock.index);
  clock.addEventListener("tick", onTick);
  model.on("axis", onAxis);
  // What a widget chooses goes to Python, which answers with what holds.
  const onChoice = () => {
    introduce(model);
    model.choice = clock.choice;
    writeAddress(clock.index);
  };
  clock.addEventListener("choice", onChoice);
  model.on("choice", () => clock.choose(model.choice));
  const onChoose = (event) => clock.choose(event.detail);
  window.addEventListener("trainlapse:choose", onChoose);
  model.on("remove", () => {
    setPlaying(false);
    clearTimeout(rest);
    clearTimeout(address);
    clearTimeout(late);
    clock.removeEventListener("tick", onTick);
    clock.removeEventListener("choice", onChoice);
    window.removeEventListener("trainlapse:choose", onChoose);
    document.removeEventListener("keydown", onKey);
    window.removeEventListener("trainlapse:goto", onGoto);
    model.data.document?.remove_on_change(onDocument);
  });
  slider.max = Math.max(0, model.steps.length - 1);
  slider.disabled = model.steps.length < 2;
  for (const made of Object.values(buttons)) made.disabled = model.steps.length < 2;
  typed.disabled = model.steps.length < 2;
  speed.value = 10;
  axis.value = model.axis;
  clock.label = (index) => `step ${model.steps[index]} · ${label(index)}`;
  clock.choose(model.choice);
  clock.start(model.steps.length, model.resting);
  onAxis();
}
