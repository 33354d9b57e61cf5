// How a recorded step is called, from the three clocks of its run.
/** @import { Model } from "../../types" */

/**
 * @param {number} value
 * @returns {string}
 */
export function seconds(value) {
  if (value < 60) return `${value.toFixed(1)} s`;
  if (value < 3600) return `${Math.floor(value / 60)} min ${Math.floor(value % 60)} s`;
  return `${Math.floor(value / 3600)} h ${Math.floor((value % 3600) / 60)} min`;
}

/**
 * @param {Model} model
 * @param {number} index
 * @param {string} without
 * @returns {string}
 */
export function timeLabel(model, index, without) {
  if (!model.steps.length) return "no step recorded";
  const [step, epoch, time] = [model.steps[index], model.epochs[index], model.wall_times[index]];
  const parts = {
    step: `step ${step}`, epoch: `epoch ${epoch.toFixed(2)}`, wall_time: seconds(time),
  };
  delete parts[without === "log_step" ? "step" : without];
  return Object.values(parts).join(" · ");
}
