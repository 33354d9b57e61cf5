// Follow a run that is being recorded: on, the slider stays at the newest step. It is on at first if
// the page starts there, and goes off when somebody moves the slider elsewhere.
import { clockOf, element } from "../shared/clock.js";
/** @import { Component } from "../../types" */

/** @param {Component} component */
export function render({ model, el }) {
  const clock = clockOf(model.channel);
  const button = element("button", {
    type: "button", role: "switch", title: "Keep the slider at the newest step while the run is recorded",
  });
  const steps = element("span", { class: "steps" });
  button.append(element("span", { class: "dot", "aria-hidden": "true" }), element("span", { text: "Follow" }), steps);
  const box = element("span", { class: "follow" }, button);
  el.append(box);

  let following = null; // not before the slider has its place
  let count = model.count;
  let leading = false; // while this script moves the slider
  const show = () => {
    box.hidden = !model.live;
    steps.textContent = `${model.count} steps`;
    button.setAttribute("aria-checked", following === true);
  };
  const lead = () => {
    leading = true;
    clock.go(clock.count - 1);
    leading = false;
  };
  const onTick = () => {
    if (leading) return;
    const newest = clock.index === count - 1;
    if (following === null || (following && !newest)) following = newest;
    show();
  };
  button.addEventListener("click", () => {
    following = !following;
    if (following) lead();
    show();
  });
  model.on("count", () => {
    following ??= clock.index >= count - 1;
    count = model.count;
    if (following) lead();
    show();
  });
  model.on("live", show);
  model.on("reload", () => location.reload());
  clock.addEventListener("tick", onTick);
  model.on("remove", () => clock.removeEventListener("tick", onTick));
  if (clock.count > 1) onTick();
  show();
}
