// Time control of a run: slider, playback, keys, typed step, axis. The step changes here at once;
// Python hears of the step at rest. It also speaks with Python for all widgets about what is
// selected, and owns the address.
import { addressOf, choiceIn } from "../shared/address.js";
import { clockOf, element } from "../shared/clock.js";
import { clockSyncOf } from "../shared/clock_sync.js";
import { controlsOf } from "../shared/controls.js";
import { nearest, placesOf } from "../shared/numbers.js";
import { seconds, timeLabel } from "../shared/time_label.js";
/** @import { Component } from "../../types" */

const AXES = { step: "step", log_step: "step (log)", epoch: "epoch", wall_time: "time" };

const JUMPED = "weights were set, not updated: loaded, swapped or restored";

/** @param {Component} component */
export function render({ model, el }) {
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
  let tellPython = () => {};
  let writeAddress = () => {};
  const controls = controlsOf(model, el, {
    column: () => ({ epoch: model.epochs, wall_time: model.wall_times })[model.axis] ?? model.steps,
    places: () => placesOf({ step: model.steps, epoch: model.epochs, wall_time: model.wall_times }, model.axis),
    short,
    plain: (value) => model.axis === "wall_time" ? value.toFixed(1) : short(value),
    unit: () => ({ epoch: "epoch", wall_time: "seconds" })[model.axis] ?? "step",
    spoken: named,
    notches: () => [
      ...model.jumps.map((index) => [index, `Before step ${model.steps[index]} the ${JUMPED}`]),
      ...model.marks.map(([index, said]) => [index, `Step ${model.steps[index]}: ${said}`]),
    ],
    onPause: () => {
      tellPython();
      writeAddress();
    },
  });
  const { buttons, track, jump, speed, loop } = controls.parts;
  el.append(element("div", { class: "transport", role: "group", "aria-label": "Time control" },
    buttons, track, jump, readout, axis, speed, loop));

  writeAddress = addressOf(model, {
    parameters: () => !model.steps.length ? {} : {
      ...clock.choice, step: model.steps[clock.index], axis: model.axis,
    },
    restore: (asked) => {
      clock.choose(choiceIn(asked));
      if (asked.get("axis") in AXES) model.axis = asked.get("axis");
      if (asked.has("step")) clock.go(nearest(model.steps, Number(asked.get("step"))));
    },
    isPlaying: controls.isPlaying,
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
  // A run that is being recorded has grown, or went back to an earlier step: the place stays.
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
