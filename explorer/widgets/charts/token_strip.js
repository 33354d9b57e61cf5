// A text whose words are coloured by a value of the step on screen, once for each row of values.
// The words are text on the page: a tick changes the colours of those whose value has changed.
import { clockOf, element, follow, heed, introduce } from "../shared/clock.js";
import { limitsOf } from "../shared/limits.js";
import { clamp, finiteEnds } from "../shared/numbers.js";
import { coloured, cut, inkOn, number, repaintWhenSeen, rgbOf, table, tipOn } from "../shared/paint.js";
/** @import { Component } from "../../types" */

const SIGNS = { "": "∅", " ": "␣", "\n": "↵", "\t": "⇥" };
const FEWEST_FOLDED = 2;
const PARAMETERS = [
  "tokens", "values", "rows", "palette", "low", "high", "signed", "padding", "separator", "value_name", "x_name",
  "selectable", "label",
];

// Stretches of words and of padding, in their order.
function stretchesOf(count, padding) {
  const stretches = [];
  for (let at = 0; at < count; at++) {
    const padded = Boolean(padding?.[at]);
    if (stretches.at(-1)?.padded === padded) stretches.at(-1).stop = at + 1;
    else stretches.push({ start: at, stop: at + 1, padded });
  }
  return stretches;
}

/**
 * Values of the lowest and the highest colour over a stretch: the same on both sides of zero if signed.
 *
 * @param {ArrayLike<number>} values
 * @param {number} from
 * @param {number} to
 * @param {boolean} signed
 * @returns {[number, number]}
 */
function endsOf(values, from, to, signed) {
  let [low, high] = finiteEnds(values, from, to);
  if (low > high) [low, high] = [0, 1];
  if (signed) [low, high] = [-Math.max(-low, high), Math.max(-low, high)];
  return low < high ? [low, high] : signed ? [-1, 1] : [low, low + 1];
}

// What to say of values that give all words one colour, or none.
export function saidOf(values, from, to) {
  let [known, others, first] = [0, 0, NaN];
  for (let at = from; at < to; at++) {
    if (Number.isNaN(values[at])) continue;
    if (!known) first = values[at];
    known += 1;
    if (values[at] !== first) others += 1;
  }
  if (!known) return "no value at this step";
  return known > 1 && !others ? `all ${number(first)} at this step` : "";
}

// Code of a value's colour: 1 to 255 from low to high, 0 for what is no number.
function codeOf(value, low, high) {
  if (Number.isNaN(value)) return 0;
  return 1 + Math.round(254 * clamp((value - low) / (high - low)));
}

// The next one of some rising numbers, forwards or backwards; at their end the last one.
function neighbour(numbers, from, move) {
  return move > 0 ? numbers.find((one) => one > from) ?? numbers.at(-1) : numbers.findLast((one) => one < from) ?? numbers[0];
}

/** @param {Component} component */
export function render({ model, el }) {
  const stage = element("div", { class: "stage", role: "group" });
  const bar = element("canvas", { width: 255, height: 1, class: "bar" });
  const [low, high, name, chosen] = [0, 1, 2, 3].map(() => element("span"));
  const clear = element("button", { type: "button", class: "quiet", text: "clear" });
  const limits = limitsOf("colours", () => {
    shown = null;
    draw();
  });
  el.append(element("div", { class: "strip" }, stage,
    element("div", { class: "legend" }, low, bar, high, name, element("span", { class: "fill" }), chosen, clear, limits.button)));
  const tip = tipOn(stage);
  /** @type {Record<string, any>} */
  let its = {}; // the parameters: those of the model are slow to read
  let cells = []; // a list for each row, a cell for each token, null where padding is folded
  let codes = new Uint8Array(); // on screen
  let styles = []; // background and text colour of each code
  let ends = null; // of the colours, for all steps
  let shown = null; // of the colours, on screen
  let remark = ""; // on the values on screen
  let folded = true;
  let seen = false;
  let over = null; // row and token under the pointer
  let anchor = -1; // token at which a selection began
  let span = [];
  let outlined = -1;

  const sizes = () => its.values?.shape ?? [0, 1, its.tokens.length];
  const stepAt = () => clamp(clock.index, 0, sizes()[0] - 1);
  const column = (token) => cells.map((row) => row[token]).filter(Boolean);

  // -- words ------------------------------------------------------------------------------
  const words = (row) => {
    const made = element("div", { class: its.separator ? "words" : "words letters" });
    const add = (part) => made.append(...(made.childNodes.length ? [its.separator] : []), part);
    for (const { start, stop, padded } of stretchesOf(its.tokens.length, its.padding)) {
      const count = stop - start;
      const foldable = padded && count >= FEWEST_FOLDED;
      for (let token = start; token < stop && !(foldable && folded); token++) {
        const text = its.tokens[token];
        const cell = element("span", { text: SIGNS[text] ?? text, class: padded ? "word padded" : "word" });
        Object.assign(cell.dataset, { token, row });
        cells[row][token] = cell;
        add(cell);
        if (text === "\n") made.append(element("br"));
      }
      if (!foldable) continue;
      const text = `${folded ? "…" : "fold"} ${count} padding tokens`;
      const fold = element("button", { type: "button", class: "quiet fold", text });
      fold.addEventListener("click", () => {
        folded = !folded;
        build();
      });
      add(fold);
    }
    return made;
  };
  const build = () => {
    const rows = sizes()[1];
    cells = Array.from({ length: rows }, () => new Array(its.tokens.length).fill(null));
    codes = new Uint8Array(rows * its.tokens.length);
    outlined = -1;
    const named = its.rows.some(Boolean);
    const parts = [];
    for (let row = 0; row < rows; row++) {
      if (named) parts.push(element("div", { class: "name", text: its.rows[row] ?? "", title: its.rows[row] }));
      parts.push(words(row));
    }
    stage.classList.toggle("named", named);
    for (const old of [...stage.children]) if (!old.classList.contains("tip")) old.remove();
    stage.prepend(...parts);
    draw();
    showSpan();
  };

  // -- colours ----------------------------------------------------------------------------
  const given = ([least, most]) => {
    const [from, to] = [its.low ?? least, its.high ?? most];
    return from < to ? [from, to] : [from, from + 1];
  };
  const draw = () => {
    const [, rows, count] = sizes();
    if (!seen || !its.palette || !its.values || count !== its.tokens.length) return;
    const from = stepAt() * rows * count;
    const next = limits.free ? endsOf(its.values, from, from + rows * count, its.signed) : ends;
    const said = saidOf(its.values, from, from + rows * count);
    if (next !== shown || said !== remark) {
      remark = said;
      legend((shown = next));
    }
    for (let row = 0; row < rows; row++) {
      for (let token = 0; token < count; token++) {
        const at = row * count + token;
        const code = codeOf(its.values[from + at], ...shown);
        const cell = cells[row]?.[token];
        if (!cell || code === codes[at]) continue;
        const [before, after] = [styles[codes[at]], styles[code]];
        codes[at] = code;
        cell.style.backgroundColor = after.back;
        if (before.ink !== after.ink) cell.style.color = after.ink;
      }
    }
    stage.dataset.index = clock.index;
    if (over) tell();
  };
  const dye = () => {
    const { palette } = model;
    if (!palette) return;
    styles = Array.from({ length: 256 }, (_, code) => {
      if (!code) return { back: "", ink: "" };
      const colour = rgbOf(palette, code);
      return { back: `rgb(${colour.join(" ")})`, ink: inkOn(...colour) };
    });
    coloured(Uint8Array.from({ length: 255 }, (_, at) => at + 1), 255, 1, table(palette), bar);
    ends = given(endsOf(its.values ?? [], 0, its.values?.length ?? 0, its.signed));
  };
  const legend = ([least, most]) => {
    low.textContent = number(least);
    high.textContent = number(most);
    name.textContent = [its.value_name, remark].filter(Boolean).join(" · ");
    limits.button.hidden = sizes()[0] < 2;
  };

  // -- what is hovered, here or elsewhere -----------------------------------------------------
  const tell = () => {
    const { row, token, x, y } = over;
    const [, rows, count] = sizes();
    const value = its.values ? number(its.values[(stepAt() * rows + row) * count + token]) : "";
    const text = SIGNS[its.tokens[token]] ?? its.tokens[token];
    tip.show([`“${cut(text, 30)}”`, `${its.x_name} ${token}`, its.rows[row], value].filter(Boolean).join(" · "), x, y);
  };
  const outline = () => {
    const token = clock.hovered[its.x_name] ?? -1;
    if (token === outlined) return;
    for (const cell of column(outlined)) cell.classList.remove("over");
    for (const cell of column(token)) cell.classList.add("over");
    outlined = token;
  };
  const under = (event) => event.target.closest?.("[data-token]");
  stage.addEventListener("pointermove", (event) => {
    const cell = under(event);
    const before = over?.token;
    const box = stage.getBoundingClientRect();
    over = cell && { row: Number(cell.dataset.row), token: Number(cell.dataset.token) };
    if (over) Object.assign(over, { x: event.clientX - box.left, y: event.clientY - box.top });
    if (over) tell();
    else tip.hide();
    if (over?.token === before) return;
    if (over && anchor >= 0) stretch(anchor, over.token);
    clock.hover(over ? { [its.x_name]: over.token } : {});
  });
  stage.addEventListener("pointerleave", () => {
    over = null;
    tip.hide();
    clock.hover();
  });

  // -- the selected span --------------------------------------------------------------------
  const stretch = (one, other) => {
    span = [Math.min(one, other), Math.max(one, other) + 1];
    showSpan();
  };
  const showSpan = () => {
    const [start, stop] = span.length ? span : [0, 0];
    for (const row of cells) row.forEach((cell, token) => cell?.classList.toggle("chosen", token >= start && token < stop));
    chosen.textContent = stop > start ? `selected: “${cut(textOf(), 40)}”` : "";
    clear.hidden = !span.length || !its.selectable;
  };
  const textOf = () => its.tokens.slice(...(span.length ? span : [0, 0])).join(its.separator);
  const send = (next = span) => {
    span = next;
    showSpan();
    if (String(next) === String(model.span)) return;
    introduce(model);
    model.span = next;
  };
  stage.addEventListener("pointerdown", (event) => {
    const cell = under(event);
    if (!its.selectable || !cell || event.button !== 0) return;
    event.preventDefault(); // words would be marked as text as well
    stage.focus({ preventScroll: true });
    anchor = Number(cell.dataset.token);
    const again = String(span) === String([anchor, anchor + 1]);
    stretch(anchor, anchor);
    window.addEventListener("pointerup", () => {
      const alone = span[1] - span[0] === 1;
      anchor = -1;
      send(again && alone ? [] : span);
    }, { once: true });
  });
  clear.addEventListener("click", () => send([]));
  stage.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const visible = its.tokens.map((_, token) => token).filter((token) => cells[0]?.[token]);
    if (!its.selectable || !visible.length || (!move && event.key !== "Escape")) return;
    event.preventDefault();
    if (!move) return send([]);
    const [start, stop] = span.length ? span : [-1, 0];
    const further = (from) => neighbour(visible, from, move);
    if (event.shiftKey && span.length) return send([start, Math.max(start, further(stop - 1)) + 1]);
    const token = further(move < 0 ? start : stop - 1);
    send([token, token + 1]);
  });
  stage.addEventListener("copy", (event) => {
    if (!span.length || !document.getSelection().isCollapsed) return;
    event.clipboardData.setData("text/plain", textOf());
    event.preventDefault();
  });

  // -- life -------------------------------------------------------------------------------
  const clock = clockOf(model.channel);
  const renew = () => {
    its = Object.fromEntries(PARAMETERS.map((name) => [name, model[name]]));
    shown = null;
    span = model.span;
    stage.classList.toggle("selectable", its.selectable);
    if (its.selectable) stage.tabIndex = 0;
    else stage.removeAttribute("tabindex");
    stage.setAttribute("aria-label", its.label || "Text coloured by value");
    dye();
    if (ends) legend(ends);
    build();
    outline();
  };
  folded = model.collapsed;
  model.on(PARAMETERS, renew);
  model.on("collapsed", () => {
    folded = model.collapsed;
    build();
  });
  model.on("span", () => {
    span = model.span;
    showSpan();
  });
  renew();
  repaintWhenSeen(model, stage, () => {
    seen = stage.clientWidth > 0;
    draw();
  });
  follow(model, stage, draw);
  heed(model, "hover", outline);
}
