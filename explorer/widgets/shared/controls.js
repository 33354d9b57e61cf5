// Slider, playback, keys and typed jump of a clock. A face says how its positions are called:
// column() their values, places() where they lie on the slider, as on the axis of the curves,
// short(value), plain(value) as it can be typed, unit() of what is typed, spoken(index) for screen
// readers; and notches(), if it has some, positions that are marked on the slider, each with why.
import { clockOf, element, isTyped } from "./clock.js";
import { nearest } from "./numbers.js";
/** @import { Model } from "../../types" */

const JUMP = 10;
const MOST_TICKS = 7;
const ICONS = {
  first: "M5 5h2v14H5zM19 5v14L8 12z",
  back: "M17 5v14L6 12z",
  play: "M7 4v16l13-8z",
  pause: "M6 5h4v14H6zM14 5h4v14h-4z",
  forward: "M7 5v14l11-7z",
  last: "M17 5h2v14h-2zM5 5v14l11-7z",
  loop: "M17 2l4 4-4 4V7H7v4H5V5h12zM7 22l-4-4 4-4v3h10v-4h2v6H7z",
};

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(svg.namespaceURI, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/**
 * Positions whose places are spread evenly from end to end, at most so many.
 *
 * @param {number[] | Float64Array} places
 * @param {number} most
 * @returns {number[]}
 */
export function spread(places, most) {
  const [from, to] = [places[0], places.at(-1)];
  const wanted = Array.from({ length: most }, (_, mark) => from + (mark / (most - 1)) * (to - from));
  const room = (to - from) / (2 * most); // labels that are closer would overlap
  const found = [];
  for (const place of wanted) {
    const index = place === to ? places.length - 1 : nearest(places, place);
    while (found.length && place === to && places[index] - places[found.at(-1)] < room) found.pop();
    if (!found.length || places[index] - places[found.at(-1)] >= room) found.push(index);
  }
  return found;
}

/**
 * @param {Model} model
 * @param {HTMLElement} el
 * @param {Record<string, any>} face
 */
export function controlsOf(model, el, face) {
  const clock = clockOf(model.channel);
  const button = (action, label) => {
    const made = element("button", { type: "button", title: label, "aria-label": label, "data-action": action });
    made.append(icon(action));
    return made;
  };
  const slider = element("input", { type: "range", step: "any", "aria-label": "Recorded step" });
  const ticks = element("div", { class: "ticks", "aria-hidden": "true" });
  const notches = element("div", { class: "notches", "aria-hidden": "true" });
  const typed = element("input", {
    type: "text", inputmode: "numeric", class: "typed", "aria-label": "Jump to step, epoch or time",
  });
  const unit = element("span", { class: "unit" });
  const speed = element("select", { "aria-label": "Speed", title: "Recorded steps a second" });
  for (const fps of [2, 5, 10, 20, 30]) speed.append(element("option", { value: fps, text: `${fps}/s` }));
  const buttons = {
    first: button("first", "First step (Home)"),
    back: button("back", "One step back (←; Shift: ten)"),
    play: button("play", "Play or pause (Space)"),
    forward: button("forward", "One step forward (→; Shift: ten)"),
    last: button("last", "Last step (End)"),
    loop: button("loop", "Repeat at the end"),
  };
  buttons.play.classList.add("primary");
  speed.value = 10;

  // Places that do not grow tell nothing: then positions stand evenly.
  const places = () => {
    const found = face.places();
    return found.at(-1) > found[0] ? found : Array.from(found, (_, at) => at);
  };
  const show = () => {
    const values = face.column();
    slider.value = places()[clock.index] ?? 0;
    if (typed.getRootNode().activeElement !== typed) typed.value = values.length ? face.plain(values[clock.index]) : "";
    slider.setAttribute("aria-valuetext", face.spoken(clock.index));
  };
  // Call it when the positions or their names have changed.
  const label = () => {
    const values = face.column();
    const along = places();
    const last = values.length - 1;
    const [from, to] = [along[0] ?? 0, along.at(-1) ?? 0];
    slider.min = from;
    slider.max = to;
    for (const made of [slider, typed, ...Object.values(buttons)]) made.disabled = last < 1;
    unit.textContent = face.unit();
    ticks.replaceChildren();
    for (const index of last > 0 ? spread(along, MOST_TICKS) : []) {
      const tick = element("span", { text: face.short(values[index]) });
      tick.style.left = `${((along[index] - from) / (to - from)) * 100}%`;
      ticks.append(tick);
    }
    notches.replaceChildren();
    for (const [index, why] of last > 0 ? face.notches?.() ?? [] : []) {
      const notch = element("span", { title: why });
      notch.style.left = `${((along[index] - from) / (to - from)) * 100}%`;
      notches.append(notch);
    }
    show();
  };

  // -- playback ---------------------------------------------------------------------------
  let playing = false;
  let looping = false;
  let previous = 0;
  let owed = 0;
  let request = 0;
  const frame = (now) => {
    owed += ((now - previous) * Number(speed.value)) / 1000;
    previous = now;
    const whole = Math.floor(owed);
    if (whole >= 1) {
      owed -= whole;
      const next = clock.index + whole;
      if (next < clock.count) clock.go(next);
      else if (looping) clock.go(0);
      else {
        clock.go(clock.count - 1);
        setPlaying(false);
      }
    }
    if (playing) request = requestAnimationFrame(frame);
  };
  const setPlaying = (value) => {
    if (value === playing) return;
    playing = value;
    buttons.play.replaceChildren(icon(playing ? "pause" : "play"));
    buttons.play.setAttribute("aria-pressed", playing);
    cancelAnimationFrame(request);
    if (!playing) return face.onPause?.();
    if (clock.index === clock.count - 1) clock.go(0);
    previous = performance.now();
    owed = 0;
    request = requestAnimationFrame(frame);
  };

  // -- input ------------------------------------------------------------------------------
  const jump = (text) => {
    const match = /^\s*(-?[\d.]+(?:e[+-]?\d+)?)/i.exec(text.replaceAll(",", ""));
    const wanted = match ? Number(match[1]) : NaN;
    typed.classList.toggle("wrong", Number.isNaN(wanted));
    if (Number.isNaN(wanted)) return;
    clock.go(nearest(face.column(), wanted));
    typed.blur();
    show();
  };
  const act = {
    first: () => clock.go(0),
    back: (many) => clock.go(clock.index - (many ? JUMP : 1)),
    play: () => setPlaying(!playing),
    forward: (many) => clock.go(clock.index + (many ? JUMP : 1)),
    last: () => clock.go(clock.count - 1),
    loop: () => {
      looping = !looping;
      buttons.loop.setAttribute("aria-pressed", looping);
    },
  };
  for (const [name, made] of Object.entries(buttons)) {
    made.addEventListener("click", (event) => act[name](event.shiftKey));
  }
  slider.addEventListener("input", () => {
    clock.go(nearest(places(), Number(slider.value)));
    show(); // the slider stands at what is recorded, not between
  });
  typed.addEventListener("focus", () => typed.select());
  typed.addEventListener("keydown", (event) => {
    if (event.key === "Enter") jump(typed.value);
    if (event.key === "Escape") {
      typed.blur();
      show();
    }
  });
  typed.addEventListener("blur", () => {
    typed.classList.remove("wrong");
    show();
  });
  speed.addEventListener("change", () => speed.blur());
  const KEYS = { " ": "play", ArrowLeft: "back", ArrowRight: "forward", Home: "first", End: "last" };
  const onKey = (event) => {
    const action = KEYS[event.key];
    if (!action || isTyped(event) || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " " && event.composedPath()[0]?.tagName === "BUTTON") return;
    event.preventDefault();
    act[action](event.shiftKey);
  };
  const heard = model.whole_page === false ? el : document;
  heard.addEventListener("keydown", onKey);
  clock.addEventListener("tick", show);
  model.on("remove", () => {
    setPlaying(false);
    heard.removeEventListener("keydown", onKey);
    clock.removeEventListener("tick", show);
  });
  const { first, back, play, forward, last } = buttons;
  return {
    parts: {
      buttons: element("div", { class: "buttons" }, first, back, play, forward, last),
      track: element("div", { class: "track" }, slider, ticks, notches),
      jump: element("label", { class: "jump", title: "Type a value and press Enter" }, unit, typed),
      speed,
      loop: buttons.loop,
    },
    label,
    show,
    isPlaying: () => playing,
  };
}
