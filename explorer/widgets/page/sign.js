// The states of a place that has no heading: over the dimmed picture while another is computed.
import { element } from "../shared/clock.js";
import { statesOf } from "../shared/states.js";
/** @import { Component } from "../../types" */

/** @param {Component} component */
export function render({ model, el }) {
  const { sign, said, showState } = statesOf(model, el);
  el.append(element("div", { class: "over" }, sign), said);
  model.on(["state", "said"], showState);
  requestAnimationFrame(showState); // once it stands among the others
}
