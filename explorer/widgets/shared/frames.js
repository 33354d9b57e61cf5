// What a widget shows of each recorded step: asked of the server on demand, kept, read ahead.
// `draw` is called when the step changes and when something arrives, while `place` is in sight.
// Python's half is explorer/widgets/stepped.py.
import { clockOf, follow, heed, introduce } from "./clock.js";
/** @import { Model, Payload } from "../../types" */

const KEPT_BYTES = 64 * 1024 * 1024;
const READ_AHEAD = 8;

/**
 * @param {Payload | undefined} payload
 * @returns {number}
 */
export function bytesOf(payload) {
  return Object.values(payload ?? {}).reduce((sum, part) => sum + (part?.byteLength ?? part?.length ?? 0), 0);
}

/**
 * @param {Model} model
 * @param {Element} place
 * @param {(index: number) => void} draw
 */
export function framesOf(model, place, draw) {
  const clock = clockOf(model.channel);
  let key = model.key;
  let frames = new Map();
  let kept = 0;
  let waiting = new Set();
  let urgent = -1; // what was last asked for alone

  const ask = (indices) => {
    if (!indices.length) return;
    introduce(model);
    indices.forEach((index) => waiting.add(index));
    model.send_msg({ key, want: indices });
  };
  const keep = (index, payload) => {
    kept += bytesOf(payload) - bytesOf(frames.get(index));
    frames.delete(index); // so that it is the youngest
    frames.set(index, payload);
    for (const [oldest, old] of frames) {
      if (kept <= KEPT_BYTES || oldest === index) break;
      kept -= bytesOf(old);
      frames.delete(oldest);
    }
  };
  const checkKey = () => {
    if (key === model.key) return;
    key = model.key;
    frames = new Map();
    kept = 0;
    waiting = new Set();
    urgent = -1;
  };
  const store = {
    get key() { return key; },
    // Pictures that are the same at every step have one frame.
    at: (index) => (model.still ? 0 : index),
    get: (index) => {
      checkKey();
      return frames.get(store.at(index));
    },
    // What is on screen is asked for first and alone; the rest follows once it is there.
    // It is asked for even if it is read ahead already: that moves it to the head of the server's
    // queue, which is short and may have let it go.
    want: (step) => {
      checkKey();
      const index = store.at(step);
      // What is on screen is of another step, or of something else, until it comes.
      place.ariaBusy = frames.has(index) ? null : "true";
      if (!isNear()) return;
      if (!frames.has(index)) {
        if (index !== urgent) ask([(urgent = index)]);
        return;
      }
      if (model.still) return;
      const ahead = [];
      const last = clock.count - 1;
      for (let next = index + 1; next <= Math.min(index + READ_AHEAD, last); next++) {
        if (!frames.has(next) && !waiting.has(next)) ahead.push(next);
      }
      if (ahead.length > READ_AHEAD / 2 || (ahead.length && index + READ_AHEAD >= last)) ask(ahead);
    },
  };
  model.on("msg:custom", (answer) => {
    if (answer.key !== key) return;
    waiting.delete(answer.index);
    if (answer.index === urgent) urgent = -1;
    keep(answer.index, answer.payload ?? { error: answer.error });
    const shown = store.at(clock.index);
    if (answer.index === shown) draw(clock.index);
    else if (!frames.has(shown)) store.want(shown);
  });
  const isNear = follow(model, place, draw);
  heed(model, "seek", () => store.want(clock.index));
  return store;
}
