// The one clock of a page: which recorded step is on screen, what is selected (layer, unit, probe)
// and what the pointer is over. Widgets meet here, without the server. Each bundle has a
// copy of this file, so the state lives on the window.
import { clamp } from "./numbers.js";
/** @import { Choice, Clock, Model } from "../../types" */

export const UNCHOSEN = -1; // as target: no class is chosen, the true one is explained

/**
 * @param {string} channel
 * @returns {Clock}
 */
export function clockOf(channel) {
  const clocks = (window.trainlapseClocks ??= new Map());
  if (!clocks.has(channel)) {
    const clock = /** @type {Clock} */ (new EventTarget());
    clock.index = 0;
    clock.count = 1;
    clock.start = (count, index) => {
      clock.count = Math.max(1, count);
      clock.index = -1;
      clock.go(index);
    };
    clock.go = (index) => {
      const next = clamp(Math.round(index), 0, clock.count - 1);
      if (next === clock.index || Number.isNaN(next)) return;
      clock.index = next;
      clock.dispatchEvent(new Event("seek")); // to ask for what is missing, before anything is drawn
      clock.dispatchEvent(new Event("tick"));
    };
    // The selection is changed here at once; the transport tells Python, which may correct it.
    clock.choice = {};
    // Group of each layer whose units stand for each other, and the unit last looked at in each
    // group: another layer shows that one. Python goes by the same rule (explorer/selection.py).
    clock.families = new Map();
    const units = new Map();
    /** @param {Choice} choice */
    const familyOf = ({ layer }) => clock.families.get(layer) ?? layer;
    clock.choose = (change) => {
      const next = { ...clock.choice, ...change };
      units.set(familyOf(clock.choice), clock.choice.unit);
      if ("layer" in next) next.unit = change.unit ?? units.get(familyOf(next)) ?? 0;
      if (Object.entries(next).every(([name, value]) => clock.choice[name] === value)) return;
      clock.choice = next;
      clock.dispatchEvent(new Event("choice"));
    };
    // What the pointer is over, for the others to highlight: {layer, unit, probe, token} or {}.
    clock.hovered = {};
    clock.hover = (what = {}) => {
      clock.hovered = what;
      clock.dispatchEvent(new Event("hover"));
    };
    clocks.set(channel, clock);
  }
  return clocks.get(channel);
}

/**
 * Calls `listener` at once and on every event of the clock, until the widget is removed.
 *
 * @param {Model} model
 * @param {string} event
 * @param {() => void} listener
 * @returns {Clock}
 */
export function heed(model, event, listener) {
  const clock = clockOf(model.channel);
  clock.addEventListener(event, listener);
  model.on("remove", () => clock.removeEventListener(event, listener));
  listener();
  return clock;
}

// Calls `draw` on every tick while `place` is in sight or near it, and when it comes there, until
// the widget is removed. Gives a function that tells whether it is there.
const NEAR_PX = 200;

/**
 * @param {Model} model
 * @param {Element} place
 * @param {(index: number) => void} draw
 * @returns {() => boolean}
 */
export function follow(model, place, draw) {
  const clock = clockOf(model.channel);
  let near = false;
  const watcher = new IntersectionObserver((entries) => {
    near = entries.at(-1).isIntersecting;
    if (near) draw(clock.index);
  }, { rootMargin: `${NEAR_PX}px`, scrollMargin: `${NEAR_PX}px` });
  watcher.observe(place);
  const onTick = () => near && draw(clock.index);
  const onComplete = () => {
    near = place.getClientRects().length > 0; // until it next comes or goes
    onTick();
  };
  clock.addEventListener("tick", onTick);
  clock.addEventListener("complete", onComplete);
  model.on("remove", () => {
    watcher.disconnect();
    clock.removeEventListener("tick", onTick);
    clock.removeEventListener("complete", onComplete);
  });
  return () => near;
}

/**
 * Bokeh takes a component that came from the server for one of the page's own until the page has
 * sent something else, and would send a second copy of it along with its first message.
 *
 * @param {{ data: any }} model
 */
export function introduce(model) {
  for (const doc of window.Bokeh?.documents ?? []) {
    for (const made of doc._new_models ?? []) {
      if (made === model.data || made.data === model.data) doc._new_models.delete(made);
    }
  }
}

/**
 * Whether a key is for what is being typed or chosen from a list, not for the page.
 *
 * @param {Event} event
 */
export function isTyped(event) {
  const target = /** @type {any} */ (event.composedPath()[0]);
  return target?.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target?.tagName ?? "") ||
    (target?.tagName === "INPUT" && target.type !== "range");
}

/**
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Node | string | null | undefined)} children
 * @returns {any}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") made.textContent = value;
    else if (value !== undefined && value !== null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}
