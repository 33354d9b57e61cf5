// Runs the explorer's own components without a server: each gets a stand-in for its model, and what
// it asks for is answered from the arrays in this file.
import "../templates/narrow.js";
import { render as probabilityBars } from "../widgets/charts/probability_bars.js";
import { render as layerGraph } from "../widgets/page/layer_graph.js";
import { render as probePicker } from "../widgets/page/probe_picker.js";
import { render as frameGrid } from "../widgets/pictures/frame_grid.js";
import { clockOf, element } from "../widgets/shared/clock.js";
import { nearest } from "../widgets/shared/numbers.js";
import { render as momentsStrip } from "../widgets/time/moments.js";
import { render as timeControl } from "../widgets/time/transport.js";
import { render as curves } from "./curves.js";
/** @import { Choice, Component, Model } from "../types" */

const CHANNEL = "main";
const KEPT_BYTES = 64 * 1024 * 1024; // of unpacked arrays; what is dropped is unpacked again
const MOST_CURVES = 10;
const TYPES = {
  uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, float32: Float32Array, float64: Float64Array,
};

// -- arrays -------------------------------------------------------------------------------------
async function unpack(text) {
  const packed = atob(text);
  const content = new Uint8Array(packed.length);
  for (let at = 0; at < packed.length; at++) content[at] = packed.charCodeAt(at);
  const stream = new Blob([content]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Each frame of a film is its difference to the one before, modulo 256.
function undoDifferences(codes, size) {
  for (let at = size; at < codes.length; at++) codes[at] += codes[at - size];
}

const unpacked = new Map(); // by block, the youngest last
let keptBytes = 0;

async function load({ block, dtype, shape, film }) {
  const content = await unpack(document.getElementById(`block-${block}`).textContent);
  if (film) undoDifferences(content, content.length / shape[0]);
  return Object.assign(new TYPES[dtype](content.buffer), { shape });
}

function arrayOf(reference) {
  const key = JSON.stringify(reference);
  const known = unpacked.get(key);
  const kept = known ?? { promise: load(reference), bytes: reference.shape.reduce((size, length) => size * length, 1) };
  unpacked.delete(key);
  unpacked.set(key, kept);
  if (!known) keptBytes += kept.bytes;
  for (const [oldest, { bytes }] of unpacked) {
    if (keptBytes <= KEPT_BYTES || oldest === key) break;
    keptBytes -= bytes;
    unpacked.delete(oldest);
  }
  return kept.promise;
}

// A state with its arrays in place of what stands for them.
async function thaw(value) {
  if (Array.isArray(value)) return Promise.all(value.map(thaw));
  if (value === null || typeof value !== "object") return value;
  if ("block" in value) return arrayOf(value);
  const names = Object.keys(value);
  const parts = await Promise.all(names.map((name) => thaw(value[name])));
  return Object.fromEntries(names.map((name, at) => [name, parts[at]]));
}

// -- components ---------------------------------------------------------------------------------
/**
 * What Panel gives a component: parameters as properties, `on`, `send_msg`. `answer` serves messages.
 *
 * @param {Record<string, any>} state
 * @param {(message: any, reply: (payload: object) => void) => void} [answer]
 */
function modelOf(state, answer) {
  const values = { ...state };
  const listeners = new Map();
  const tell = (names, detail) => {
    const found = new Set(names.flatMap((name) => listeners.get(name) ?? []));
    found.forEach((listener) => listener(detail));
  };
  const own = {
    data: {},
    on: (names, listener) => [names].flat().forEach((name) => {
      listeners.set(name, [...(listeners.get(name) ?? []), listener]);
    }),
    off: (names, listener) => [names].flat().forEach((name) => {
      listeners.set(name, (listeners.get(name) ?? []).filter((other) => other !== listener));
    }),
    send_msg: (message) => queueMicrotask(() => answer?.(message, (reply) => tell(["msg:custom"], reply))),
    update: (changes) => {
      const changed = Object.keys(changes).filter((name) => values[name] !== changes[name]);
      Object.assign(values, changes);
      if (changed.length) tell(changed);
    },
    remove: () => tell(["remove"]),
  };
  return /** @type {Model} */ (new Proxy(/** @type {Record<string, any>} */ (own), {
    get: (_, name) => (name in own ? own : values)[/** @type {string} */ (name)],
    set: (_, name, value) => {
      own.update({ [/** @type {string} */ (name)]: value });
      return true;
    },
  }));
}

const sheet = new CSSStyleSheet();

/**
 * @param {HTMLElement} place
 * @param {(component: Component) => void} render
 * @param {Record<string, any>} state
 * @param {(message: any, reply: (payload: object) => void) => void} [answer]
 */
function mount(place, render, state, answer) {
  const root = place.shadowRoot ?? place.attachShadow({ mode: "open" });
  root.adoptedStyleSheets = [sheet];
  const el = element("div", { class: "component" });
  root.replaceChildren(el);
  const model = modelOf(state, answer);
  render({ model, el });
  return model;
}

// Serves what explorer/widgets/shared/frames.js asks for.
function framesFrom(film) {
  const shape = film.shape.slice(1);
  const size = film.length / film.shape[0];
  return ({ key, want }, reply) => {
    for (const index of want) {
      const frame = Object.assign(film.subarray(index * size, (index + 1) * size), { shape });
      reply({ key, index, payload: { frame } });
    }
  };
}

// -- the page -----------------------------------------------------------------------------------
const part = (id) => document.getElementById(id);

function card(title) {
  const body = element("div", { class: "chart" });
  part("charts").append(element("section", { class: "card" }, element("h3", { text: title }), body));
  return body;
}

// Curves of the true class and of those whose probability is ever the highest.
function curvesOf({ values, truth }, { class_names, colours }, places) {
  const [steps, count] = values.shape;
  const all = Array.from({ length: count }, (_, number) => ({
    number,
    name: class_names[number],
    colour: colours[number],
    places,
    values: Float32Array.from({ length: steps }, (_, index) => values[index * count + number]),
  }));
  const peak = (series) => series.values.reduce((most, value) => (value > most ? value : most), -1);
  const highest = [...all].sort((one, other) => peak(other) - peak(one)).slice(0, MOST_CURVES);
  return all.filter((series) => highest.includes(series) || series.number === truth);
}

// What the address asks for, as far as this file has it.
function asked(state, layers) {
  const query = new URLSearchParams(location.search);
  const found = {};
  if (layers.has(query.get("layer"))) found.layer = query.get("layer");
  const probe = Number(query.get("probe") ?? NaN);
  if (Number.isInteger(probe) && probe >= 0 && probe < state.probes) found.probe = probe;
  const step = Number(query.get("step") ?? NaN);
  const { steps } = state.transport;
  return { choice: found, index: Math.max(0, nearest(steps, step)) };
}

async function start() {
  const packed = JSON.parse(new TextDecoder().decode(await unpack(part("state").textContent)));
  const { layers: pictures, predictions, ...rest } = packed;
  const state = await thaw(rest);
  const layers = new Map(pictures.map((layer) => [layer.name, layer]));
  sheet.replaceSync(`${state.css}\n.component { height: 100%; }`);

  const clock = clockOf(CHANNEL);
  const { choice, index } = asked(state, layers);
  const transport = mount(part("transport"), timeControl, {
    ...state.transport, choice: { ...state.transport.choice, ...choice }, resting: index,
  });
  if (state.moments) {
    part("moments").hidden = false;
    mount(part("moments"), momentsStrip, state.moments);
  }
  transport.on("resting", () => { transport.ack += 1; }); // nobody else hears of it
  mount(part("graph"), layerGraph, state.graph);
  mount(part("picker"), probePicker, state.picker);
  const places = { step: transport.steps, epoch: transport.epochs, wall_time: transport.wall_times };
  const charts = state.charts.map((chart) => chartOf(chart, places, transport));
  let bars = null;
  let shares = null;
  if (predictions.length) {
    part("says").hidden = false;
    bars = mount(part("bars"), probabilityBars, state.bars);
    shares = chartOf({ title: "Probabilities of the probe", y_name: "probability", y_limits: [0, 1], series: [] }, places, transport);
    charts.push(shares);
  }
  transport.on("axis", () => charts.forEach((chart) => { chart.axis = transport.axis; }));

  let grid = null;
  /** @type {Choice} */
  let shown = {};
  /** @param {Choice} choice */
  const showPicture = async ({ layer, probe }) => {
    const { title, facts, colour, missing, films } = layers.get(layer) ?? { facts: "", missing: "This run has no layers." };
    const film = films?.[probe];
    const frames = film && await arrayOf(film.frames);
    const looks = film && await thaw(film.grid);
    if (shown.layer !== layer || shown.probe !== probe) return; // another was chosen meanwhile
    part("layer").replaceChildren(element("i", { style: `background:${colour}` }), layer, element("small", { text: facts }));
    part("title").textContent = title ?? "Activation";
    part("caption").textContent = film ? film.caption : missing;
    part("picture").hidden = !film;
    grid?.remove();
    grid = film ? mount(part("picture"), frameGrid, looks, framesFrom(frames)) : null;
  };
  /** @param {Choice} choice */
  const showPrediction = async ({ probe }) => {
    if (!predictions.length) return;
    const found = await thaw(predictions[probe]);
    if (shown.probe !== probe) return;
    bars.update(found);
    shares.series = curvesOf(found, state.bars, places);
  };
  const show = () => {
    const { layer, probe } = clock.choice;
    const before = shown;
    shown = { layer, probe };
    if (before.layer !== layer || before.probe !== probe) guarded(() => showPicture(shown));
    if (before.probe !== probe) guarded(() => showPrediction(shown));
  };
  clock.addEventListener("choice", show);
  show();
}

function chartOf(chart, clocks, transport) {
  return mount(card(chart.title), curves, { ...chart, clocks, axis: transport.axis, channel: CHANNEL });
}

// What goes wrong is said on the page, and in the console as ever.
async function guarded(act) {
  try {
    await act();
  } catch (error) {
    part("fault").textContent = "DecompressionStream" in window
      ? `This file cannot be shown: ${error.message}. It may be cut short; export it again.`
      : "This browser cannot unpack the file. It needs Chrome or Edge 80, Firefox 113, or Safari 16.4, or a later one.";
    part("fault").hidden = false;
    console.error(error);
  }
}

guarded(start);
