// Numbers, whatever they stand for.

/**
 * Position of the value that is nearest to another, the first of several; -1 if none is within reach.
 * NaN is never near.
 *
 * @param {number[] | Float64Array} values
 * @param {number} to
 * @param {number} [reach]
 * @returns {number}
 */
export function nearest(values, to, reach = Infinity) {
  let found = -1;
  values.forEach((value, at) => {
    const gap = Math.abs(value - to);
    if (gap <= reach && !(gap >= Math.abs(values[found] - to))) found = at;
  });
  return found;
}

/**
 * Places on a time axis, from those on the run's clocks.
 *
 * @param {Record<string, number[] | Float64Array>} clocks
 * @param {string} axis
 * @returns {number[] | Float64Array}
 */
export function placesOf(clocks, axis) {
  return axis === "log_step" ? clocks.step.map((step) => Math.log10(1 + step)) : clocks[axis];
}

/**
 * A number, but no less than `low` and no more than `high`; NaN stays NaN.
 *
 * @param {number} value
 * @param {number} [low]
 * @param {number} [high]
 * @returns {number}
 */
export function clamp(value, low = 0, high = 1) {
  return Math.max(low, Math.min(high, value));
}

/**
 * Lowest and highest finite value of a stretch, among those above `floor`; [∞, -∞] if there is none.
 *
 * @param {ArrayLike<number>} values
 * @param {number} [from]
 * @param {number} [to]
 * @param {number} [floor]
 * @returns {[number, number]}
 */
export function finiteEnds(values, from = 0, to = values.length, floor = -Infinity) {
  let [low, high] = [Infinity, -Infinity];
  for (let at = from; at < to; at++) {
    const value = values[at];
    if (!Number.isFinite(value) || value <= floor) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}
