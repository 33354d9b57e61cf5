// Keeps the page's address up to what is shown, so that it can be passed on. What the visitor chooses
// makes an entry of the browser's history; moving through time, and what Python corrects, only
// changes the one on top. Back and Forward restore an entry in place.
//
// The address is right whenever nothing moves: at once when a key or the pointer is let go or
// playback pauses, whatever the server does. On the way it follows from time to time, after pictures:
// to write it costs as much as to draw, and Safari refuses more than 100 changes in 30 s, other
// browsers more than 200.
/** @import { Choice, Model } from "../../types" */

const CHOICES_MS = 300; // choices in a row are one
const MOVING_MS = 1000;
// Changes that can be made at once, and the time until there is another one: at most 90 in 30 s.
const CHANGES = 30;
const CHANGE_MS = 500;
const OF_TIME = new Set(["step", "step_b"]);
// A choice may come with any of these, at once or after Python has been asked.
const ACTS = ["pointerdown", "keydown", "click", "input"];
const PRESSES = ["pointerdown", "keydown"];
const RELEASES = ["pointerup", "pointercancel", "keyup", "blur"];
const WAYS = { ArrowLeft: "back", ArrowRight: "forward" };

// Gives a function that says how long to wait for a change, and one that makes use of it.
function changesLeft() {
  let left = CHANGES;
  let since = performance.now();
  const count = () => {
    const now = performance.now();
    left = Math.min(CHANGES, left + (now - since) / CHANGE_MS);
    since = now;
    return left;
  };
  return { wait: () => (1 - count()) * CHANGE_MS, use: () => { left = count() - 1; } };
}

/**
 * `parameters` gives values by name, null for those to leave as they are; `restore` shows what an
 * address (URLSearchParams) asks for. Gives a function to call when a value may have changed, and
 * when playback pauses.
 *
 * @param {Model} model
 * @param {{ parameters: () => Record<string, any>, restore: (asked: URLSearchParams) => void, isPlaying: () => boolean }} page
 * @returns {() => void}
 */
export function addressOf(model, { parameters, restore, isPlaying }) {
  if (model.whole_page === false) return () => {}; // the page is somebody else's
  const changes = changesLeft();
  let known = parameters(); // what has been written, or is due to be
  let acted = false; // since the last entry
  let isHeld = false; // a key, or the pointer
  let isDue = false;
  let isNext = false; // after the next picture
  let wasPlaying = false;
  let restoring = false;
  let written = -Infinity; // when
  let later = 0;
  let following = 0; // until when a choice belongs to the one before
  const put = (how, values) => {
    const url = new URL(location.href);
    for (const [name, value] of Object.entries(values)) {
      if (value !== null) url.searchParams.set(name, value);
    }
    if (how === "replaceState" && url.href === location.href) return;
    changes.use();
    written = performance.now();
    try {
      history[how](history.state, "", url);
    } catch { /* some browsers keep the address of a file as it is */ }
  };
  const settle = () => {
    clearTimeout(later);
    isDue = false;
  };
  const flush = () => {
    if (!isDue) return;
    clearTimeout(later);
    const rest = isHeld || isPlaying() ? written + MOVING_MS - performance.now() : 0;
    const wait = Math.ceil(Math.max(rest, changes.wait()));
    if (wait > 0) {
      later = setTimeout(flush, wait);
      return;
    }
    isDue = false;
    put("replaceState", known);
  };
  // What was not known before is no choice.
  const isChosen = (before, now) => acted && Object.keys(now).some((name) =>
    now[name] !== before[name] && !OF_TIME.has(name) && before[name] !== undefined);
  const write = () => {
    if (restoring) return;
    const [before, now] = [known, parameters()];
    known = now;
    const chosen = isChosen(before, now);
    if (chosen) {
      acted = false;
      if (performance.now() > following) {
        if (isDue) put("replaceState", before); // the step that was left, say
        settle();
        put("pushState", now);
        following = performance.now() + CHOICES_MS;
        return;
      }
      following = performance.now() + CHOICES_MS;
    }
    isDue = true;
    const hasPaused = wasPlaying && !isPlaying();
    wasPlaying = isPlaying();
    if (hasPaused || chosen) return flush();
    if (!isNext) requestAnimationFrame(() => setTimeout(onPicture));
    isNext = true;
  };
  const onPicture = () => {
    isNext = false;
    flush();
  };
  const onAct = (event) => {
    // Alt and Cmd with an arrow are the browser's; many widgets would take them for the arrow alone.
    const isWay = event.type === "keydown" && event.key in WAYS && (event.altKey || event.metaKey);
    if (!isWay) {
      acted = true;
      isHeld ||= PRESSES.includes(event.type);
      return;
    }
    event.stopImmediatePropagation();
    if (event.composedPath()[0].type !== "range") return;
    event.preventDefault(); // the slider itself takes them too
    history[WAYS[event.key]]();
  };
  const onRelease = () => {
    isHeld = false;
    flush();
  };
  const onEntry = () => {
    settle();
    acted = false;
    following = 0;
    restoring = true; // the entry is as it was
    restore(new URLSearchParams(location.search));
    restoring = false;
    known = parameters();
  };
  ACTS.forEach((name) => window.addEventListener(name, onAct, true));
  RELEASES.forEach((name) => window.addEventListener(name, onRelease, true));
  window.addEventListener("popstate", onEntry);
  model.on("remove", () => {
    settle();
    ACTS.forEach((name) => window.removeEventListener(name, onAct, true));
    RELEASES.forEach((name) => window.removeEventListener(name, onRelease, true));
    window.removeEventListener("popstate", onEntry);
  });
  return write;
}

/**
 * What an address asks for of what widgets choose among themselves.
 *
 * @param {URLSearchParams} asked
 * @returns {Choice}
 */
export function choiceIn(asked) {
  const found = {};
  for (const name of ["layer", "tab"]) if (asked.has(name)) found[name] = asked.get(name);
  for (const name of ["unit", "probe", "target"]) {
    if (/^-?\d+$/.test(asked.get(name) ?? "")) found[name] = Number(asked.get(name));
  }
  return found;
}
