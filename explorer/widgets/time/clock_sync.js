// One run of a page with two: serves its clock as a transport does, and shows nothing. The page's
// own transport leads it.
import { clockOf } from "../shared/clock.js";
import { clockSyncOf } from "../shared/clock_sync.js";
import { nearest } from "../shared/numbers.js";
import { timeLabel } from "../shared/time_label.js";
/** @import { Component } from "../../types" */

/** @param {Component} component */
export function render({ model }) {
  const clock = clockOf(model.channel);
  clockSyncOf(model);
  clock.label = (index) => timeLabel(model, index, "");
  clock.stepAt = (index) => model.steps[index];
  clock.indexOf = (step) => nearest(model.steps, step);
  clock.start(model.steps.length, model.resting);
}
