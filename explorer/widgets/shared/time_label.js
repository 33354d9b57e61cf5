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
  // The last step may be the network after the training, which no update gave.
  const ending = Boolean(model.ending) && index === model.steps.length - 1;
  const [epoch, time] = [model.epochs[index], model.wall_times[index]];
  const parts = {
    step: ending ? "after training" : `step ${model.steps[index]}`, epoch: `epoch ${epoch.toFixed(2)}`, wall_time: seconds(time),
  };
  const left = without === "log_step" ? "step" : without;
  if (left !== "step" || !ending) delete parts[left];
  return Object.values(parts).join(" · ");
}
