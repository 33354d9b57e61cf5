// Changes of a picture: arrays of codes (y, x, channel) in, new ones out.
/** @typedef {{height: number, width: number, channels: number}} Shape */

const NOISE = 40;
// Of the three pixels on each side: a mean in each direction, after one another.
const REACH = 1;

/**
 * Draws a stroke from one place to another, with soft ends.
 *
 * @param {Uint8ClampedArray} values
 * @param {Shape} shape
 * @param {number[]} from
 * @param {number[]} to
 * @param {number} radius
 * @param {number[]} ink
 */
export function stamped(values, { height, width, channels }, from, to, radius, ink) {
  const made = new Uint8ClampedArray(values);
  const [down, right] = [to[0] - from[0], to[1] - from[1]];
  const length = down * down + right * right;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [dy, dx] = [y + 0.5 - from[0], x + 0.5 - from[1]];
      const along = length ? Math.min(1, Math.max(0, (dy * down + dx * right) / length)) : 0;
      const share = Math.min(1, Math.max(0, radius + 0.5 - Math.hypot(dy - along * down, dx - along * right)));
      if (!share) continue;
      for (let channel = 0; channel < channels; channel++) {
        const place = (y * width + x) * channels + channel;
        made[place] = values[place] + share * (ink[channel] - values[place]);
      }
    }
  }
  return made;
}

/**
 * Covers a square patch around a place with the darkest value.
 *
 * @param {Uint8ClampedArray} values
 * @param {Shape} shape
 * @param {number[]} place
 * @param {number} size
 */
export function covered(values, { height, width, channels }, [down, right], size) {
  const made = new Uint8ClampedArray(values);
  const [top, left] = [Math.round(down - size / 2), Math.round(right - size / 2)];
  for (let y = Math.max(0, top); y < Math.min(height, top + size); y++) {
    const from = Math.max(0, left);
    const to = Math.min(width, left + size);
    if (to > from) made.fill(0, (y * width + from) * channels, (y * width + to) * channels);
  }
  return made;
}

/**
 * Moves the picture; what comes in is dark.
 *
 * @param {Uint8ClampedArray} values
 * @param {Shape} shape
 * @param {number} down
 * @param {number} right
 */
export function shifted(values, { height, width, channels }, down, right) {
  const made = new Uint8ClampedArray(values.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [fromY, fromX] = [y - down, x - right];
      if (fromY < 0 || fromY >= height || fromX < 0 || fromX >= width) continue;
      const from = (fromY * width + fromX) * channels;
      made.set(values.subarray(from, from + channels), (y * width + x) * channels);
    }
  }
  return made;
}

/**
 * Adds noise to each value, another one each time.
 *
 * @param {Uint8ClampedArray} values
 */
export function noisy(values, random = Math.random) {
  return values.map((value) => value + NOISE * (random() + random() + random() + random() - 2));
}

/**
 * Takes the mean of each pixel and its neighbours.
 *
 * @param {Uint8ClampedArray} values
 * @param {Shape} shape
 */
export function blurred(values, { height, width, channels }) {
  const made = new Uint8ClampedArray(values.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        let count = 0;
        for (let v = Math.max(0, y - REACH); v <= Math.min(height - 1, y + REACH); v++) {
          for (let u = Math.max(0, x - REACH); u <= Math.min(width - 1, x + REACH); u++) {
            sum += values[(v * width + u) * channels + channel];
            count += 1;
          }
        }
        made[(y * width + x) * channels + channel] = sum / count;
      }
    }
  }
  return made;
}
