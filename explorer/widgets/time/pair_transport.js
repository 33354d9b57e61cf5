// Time control of two runs. Its slider goes along their common axis; the clocks of the runs follow
// it here, and it follows them where a click on a curve of one run moves that one.
import { addressOf, choiceIn } from "../shared/address.js";
import { clockOf, element, introduce } from "../shared/clock.js";
import { controlsOf } from "../shared/controls.js";
import { cursorsOf } from "../shared/cursors.js";
import { placesOf } from "../shared/numbers.js";
/** @import { Component } from "../../types" */

const CURVES = { step: "step", log_step: "step (log)", epoch: "epoch", wall_time: "time" };
const SHARED = "Whether colours and ends mean the same in both runs: those of feature maps, kernels, weights, " +
  "their distributions, states and gates; other pictures end where their own run's values do. In either case " +
  "curves of A are blue and those of B magenta, and a class, a gate or a layer has one colour in both.";
const SIDES = ["first", "second"];

// The position that shows a recorded step of one run; of several the one nearest to another.
export function positionOf(shown, index, from) {
  let best = 0;
  for (let at = 1; at < shown.length; at++) {
    const [gap, least] = [Math.abs(shown[at] - index), Math.abs(shown[best] - index)];
    if (gap < least || (gap === least && Math.abs(at - from) < Math.abs(best - from))) best = at;
  }
  return best;
}

// The position that comes nearest to showing a recorded step of each run.
export function positionNear(path, first, second) {
  let best = 0;
  let least = Infinity;
  for (let at = 0; at < path.first.length; at++) {
    const gap = Math.abs(path.first[at] - first) + Math.abs(path.second[at] - second);
    if (gap < least) [best, least] = [at, gap];
  }
  return best;
}

export function counted(value, unit) {
  const text = Number(value.toPrecision(2)).toString();
  return text === "1" && unit.endsWith("s") && unit.length > 1 ? `1 ${unit.slice(0, -1)}` : `${text} ${unit}`;
}

// What a run shows at a position, if it is not exactly what the position asks for.
export function honest(path, side, at, last, mode) {
  if (path[`${side}_beyond`][at]) {
    if (mode.startsWith("metric:")) return "never there, held";
    return path[side][at] >= last ? "ended, held" : "not begun, held";
  }
  const off = path[`${side}_off`][at];
  if (!off) return "";
  return `nearest: ${counted(Math.abs(off), path.unit)} ${off > 0 ? "later" : "earlier"}`;
}

/** @param {Component} component */
export function render({ model, el }) {
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
  // The common axis counts steps unless runs are put together by another clock.
  const isLogarithmic = () => model.axis === "log_step" && !["epoch", "wall_time"].includes(model.mode);
  const name = (index) => runs.map((run, at) =>
    `${"AB"[at]} ${run.label?.(model.path[SIDES[at]][index]) ?? ""}`).join(" | ");
  const controls = controlsOf(model, el, {
    column: () => model.path.coordinates,
    places: () => placesOf({ step: model.path.coordinates }, isLogarithmic() ? "log_step" : "step"),
    short,
    plain: short,
    unit: () => ({ epoch: "epoch", wall_time: "seconds" })[model.mode] ?? "step",
    spoken: name,
    onPause: () => writeAddress(),
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
    type: "text", inputmode: "numeric", "aria-label": `Step of ${"AB"[at % 2]} at point ${at < 2 ? 1 : 2}`,
  }));
  const put = element("button", { type: "button", text: "Put together" });
  const anchors = element("div", { class: "anchors" },
    "Step of A ", fields[0], " beside step of B ", fields[1], ", and ", fields[2], " beside ", fields[3], put);
  el.append(
    element("div", { class: "transport pair", role: "group", "aria-label": "Time control" },
      buttons, track, jump, labelled("align by", modes), speed, loop),
    // Each run's moment above its column of the page.
    element("div", { class: "moments" },
      element("div", {}, readouts[0].whole, labelled("curves over", axis)),
      element("div", {}, readouts[1].whole, labelled("colours", colours))),
    anchors, note,
  );

  // -- leading the runs -------------------------------------------------------------------
  const moveCursors = cursorsOf(model);
  const ready = () => runs.every((run) => run.label) && model.path.coordinates.length > 0;
  const lead = () => {
    if (!ready()) return;
    runs.forEach((run, at) => run.go(model.path[SIDES[at]][clock.index]));
  };
  // An address is silent about units that are put together as at first, until they have not been.
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
      ...runs[0].choice, step: a, step_b: b, align: model.mode, anchors: points, axis: model.axis,
      colours: model.tied ? null : "own",
      units: wasUnusual() ? model.units : null,
      matching: wasUnusual() && model.units === "matched" ? model.matching : null,
    };
  };
  // Parameters of an entry in the browser's history that Python answers, by their names in the address.
  const ANSWERED = { align: "mode", anchors: "anchors", axis: "axis", units: "units", matching: "matching" };
  let sought = null; // what the runs are to show on the path that Python gives
  const restore = (asked) => {
    runs[0].choose(choiceIn(asked));
    const steps = [asked.get("step"), asked.get("step_b")];
    const shown = steps.map((step, at) => step === null ? runs[at].index : runs[at].indexOf(Number(step)));
    if (ready()) clock.go(positionNear(model.path, ...shown));
    sought = shown;
    introduce(model);
    for (const [name, own] of Object.entries(ANSWERED)) {
      const before = model[own];
      const wanted = asked.get(name) ?? model.usual[name] ?? null; // it is silent about those
      if (before === undefined || wanted === null || String(before) === wanted) continue;
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
        writeAddress(); // of a run that has come just now
      }
    };
    run.addEventListener("tick", onRun);
    return onRun;
  });
  // What is chosen on a picture of both runs is chosen in A, from where Python carries it to B.
  const toRun = () => {
    const elsewhere = clock.choice.tab !== runs[0].choice.tab;
    runs[0].choose(clock.choice);
    if (elsewhere) document.querySelector("main")?.scrollTo(0, 0); // what was asked for is on top
  };
  const fromRun = () => {
    clock.choose(runs[0].choice);
    writeAddress();
  };
  clock.addEventListener("tick", onTick);
  clock.addEventListener("choice", toRun);
  runs[0].addEventListener("choice", fromRun);
  const onGoto = ({ detail }) => { if (detail.channel === model.channel) clock.go(detail.index); };
  window.addEventListener("trainlapse:goto", onGoto);

  // -- choices ----------------------------------------------------------------------------
  const onMode = () => {
    controls.label(); // places depend on the axis
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
    clock.start(model.path.coordinates.length, positionNear(model.path, ...(wanted ?? runs.map((run) => run.index))));
    controls.label();
    onTick();
    sought = wanted; // another path may follow
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
  // Alone: what is being typed outlasts a change of anything else.
  const onAnchors = () => {
    fields.forEach((field, at) => { field.value = model.anchors[at] ?? ""; });
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
