// explorer/widgets/shared/numbers.js
function nearest(values, to, reach = Infinity) {
  let found = -1;
  values.forEach((value, at) => {
    const gap = Math.abs(value - to);
    if (gap <= reach && !(gap >= Math.abs(values[found] - to))) found = at;
  });
  return found;
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

// explorer/widgets/time/clock_sync.js
function render({ model }) {
  const clock = clockOf(model.channel);
  clockSyncOf(model);
  clock.label = (index) => timeLabel(model, index, "");
  clock.stepAt = (index) => model.steps[index];
  clock.indexOf = (step) => nearest(model.steps, step);
  clock.start(model.steps.length, model.resting);
}
export {
  render
};
