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
