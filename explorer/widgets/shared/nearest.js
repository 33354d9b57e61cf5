// Position of the value that is nearest to another, the first of several; -1 if none is within reach.
// NaN is never near.
export function nearest(values, to, reach = Infinity) {
  return values.reduce((found, value, at) => {
    const gap = Math.abs(value - to);
    return gap <= reach && !(gap >= Math.abs(values[found] - to)) ? at : found;
  }, -1);
}
