// A text's way through a network at this step: below its words a band for each layer, with the
// units that add most to the explained class. Red speaks for it, blue against it.
import { TILT, bandPainter } from "../shared/band_painter.js";
import { EVIDENCE, GAP, LEFT, RIGHT, bandLines, bandParts, bandPlace, bandScales, columnsIn, shortNumber } from "../shared/bands.js";
import { clockOf, element, heed } from "../shared/clock.js";
import { framesOf } from "../shared/frames.js";
import { limitsOf } from "../shared/limits.js";
import { messageOn } from "../shared/message.js";
import { FONT, cut, readOff, repaintWhenSeen, sized } from "../shared/paint.js";
/** @import { Component } from "../../types" */

/** @param {Component} component */
export function render({ model, el }) {
  const canvas = element("canvas", { role: "img" });
  const long = element("div", { class: "long" }, canvas);
  const scroll = element("div", { class: "scroll" }, long);
  const limits = limitsOf("colours and bars", () => repaint());
  limits.button.classList.add("limits", "no-snapshot");
  const stage = element("div", { class: "stage" }, scroll, limits.button);
  const say = messageOn(stage, [canvas]);
  const readout = element("div", { class: "readout" });
  el.append(element("div", { class: "sentence" }, stage, readout));
  const open = new Set(); // bands whose gates are shown
  // What is on screen. Of the parameters there is a copy: those of the model are slow to read.
  const now = {
    its: {}, colours: {}, place: null, shown: null, parts: null, scale: [], buttons: [],
    scrolled: () => scroll.scrollLeft,
  };
  const clock = clockOf(model.channel);
  const painter = bandPainter(el, clock, now);
  let over = null; // token, padding and line under the pointer

  // -- layout -----------------------------------------------------------------------------------
  const layout = () => {
    const { width } = room;
    const pen = canvas.getContext("2d");
    pen.font = FONT;
    const words = now.its.words.map((word) => cut(word, 16));
    const widest = Math.max(0, ...words.map((word) => pen.measureText(word).width));
    const columns = columnsIn(width - LEFT - RIGHT, words.length, now.its.letters, now.its.padding);
    const level = now.its.letters || widest + 6 <= columns.wide;
    const top = level ? 34 : Math.max(34, Math.ceil(-widest * Math.sin(TILT)) + 14);
    const made = bandLines(now.its.bands, open, top + EVIDENCE + GAP);
    const right = Math.min(width - RIGHT, LEFT + columns.content) + 10;
    const placed = made.lines.findLast(({ at }) => now.its.bands[at].ranges);
    const bottom = placed ? placed.y + placed.height : made.height;
    now.place = { ...columns, ...made, width, words, level, top, right, end: right - 10, bottom };
    const whole = LEFT + columns.content + RIGHT;
    long.style.width = whole > width ? `${whole}px` : "100%";
    long.style.height = `${now.place.height}px`;
    settle(pen);
  };
  // A button opens the gates of each recurrent layer.
  const settle = (pen) => {
    for (const button of now.buttons) button.remove();
    pen.font = `600 ${FONT}`;
    now.buttons = now.place.lines.filter(({ kind, at }) => kind === "head" && now.its.bands[at].quantities.length > 1).map(({ at, y }) => {
      const band = now.its.bands[at];
      const inner = band.quantities.slice(1).some(({ gate }) => gate) ? "gates" : "more";
      const button = element("button", {
        type: "button", class: "quiet gates no-snapshot", "aria-expanded": open.has(at),
        "aria-label": `${inner} of ${band.title}`, text: `${open.has(at) ? "▾" : "▸"} ${inner}`,
      });
      button.dataset.band = at;
      button.style.top = `${y - 1}px`;
      button.style.left = `${22 + pen.measureText(band.title).width}px`;
      button.addEventListener("click", () => {
        if (!open.delete(at)) open.add(at);
        layout();
        draw(clock.index);
        now.buttons.find((other) => other.dataset.band === String(at))?.focus();
      });
      stage.append(button);
      return button;
    });
    pen.font = FONT;
  };
  const paint = (index) => {
    if (!now.place || now.place.width !== room.width) layout();
    const pen = sized(canvas, now.place.width, now.place.height);
    now.scale = bandScales(now.its.bands, now.parts, now.colours, limits.free);
    painter.paint(pen);
    canvas.dataset.index = index;
    canvas.setAttribute("aria-label", `${now.its.label}, recorded step ${index + 1} of ${clock.count}`);
    tell();
  };
  const draw = (index) => {
    if (!room.width) return; // hidden: nothing to paint, nothing to ask for
    const payload = frames.get(index);
    if (payload?.error) say(payload.error, index);
    else if (payload) {
      say("", index);
      if (payload !== now.shown) now.parts = bandParts((now.shown = payload), now.its.bands);
      paint(index);
    }
    frames.want(index);
  };

  // -- reading out --------------------------------------------------------------------------------
  const layersSay = (token) => now.its.bands.flatMap((band, at) => {
    const places = band.ranges?.length / 2;
    const found = token === null ? places : bandPlace(band, token);
    if (!now.parts[at].all || found < 0 || (at === 0 && token !== null)) return [];
    return [`${band.title} ${shortNumber(now.parts[at].all[found], "+")}`];
  });
  const rowSays = (token, { at, row }) => {
    const band = now.its.bands[at];
    const found = bandPlace(band, token);
    const name = /class/.test(band.kind) ? `“${painter.named(band, now.parts[at].units[row])}”` : `unit ${now.parts[at].units[row]}`;
    if (found < 0) return "";
    const places = band.ranges.length / 2 + 1;
    const values = band.quantities.map((quantity, number) => {
      const code = now.parts[at].quantities[number][row * places + found];
      const title = { pooled: "adds", "class places": "probability" }[band.kind] ?? quantity.title;
      return `${title} ${code ? readOff(code, quantity, shortNumber) : band.kind === "pooled" ? "nothing" : "none"}`;
    });
    const [from, to] = band.ranges.slice(2 * found, 2 * found + 2);
    const where = to - from > 1 ? ` at “${now.its.words.slice(from, to).join(now.its.letters ? "" : " ")}”` : "";
    return `${band.title} ${name}${where}: ${values.join(", ")}`;
  };
  const tell = () => {
    const token = clock.hovered[now.its.x_name];
    const [first] = now.parts;
    if (over?.padding) {
      readout.textContent = `${now.its.padding} tokens of padding add: ${layersSay(null).join(" · ")}`;
    } else if (token >= 0 && token < now.its.words.length) {
      const evidence = first?.all ? shortNumber(first.all[bandPlace(now.its.bands[0], token)], "+") : "unknown";
      const lines = [`“${now.its.words[token]}”, ${now.its.noun} ${token}: evidence ${evidence}`];
      const layers = layersSay(token);
      if (layers.length) lines.push(`all units at its place: ${layers.join(" · ")}`);
      if (over?.line && over.line.row !== undefined) lines.push(rowSays(token, over.line));
      readout.replaceChildren(...lines.filter(Boolean).map((line) => element("div", { text: line })));
    } else {
      const what = now.its.bands.some(({ quantities }) => quantities.length > 1) ? "; open the gates beside a layer’s name" : "";
      readout.textContent = `Point at a ${now.its.noun} to read its column, click a unit to choose it${what}. ${now.its.remark}`;
    }
  };

  // -- pointing and choosing ------------------------------------------------------------------------
  const under = (event) => {
    if (!now.place || !now.shown) return null;
    const [x, y] = [event.offsetX, event.offsetY];
    const line = now.place.lines.find((one) => y >= one.y && y < one.y + one.height);
    const inText = x >= LEFT && x < now.place.end;
    const token = Math.floor((x - painter.start()) / now.place.wide);
    const isToken = inText && token >= 0 && token < now.its.words.length;
    const isFlat = line && !now.its.bands[line.at].ranges;
    return { token: isToken && !isFlat ? token : -1, padding: inText && !isToken && Boolean(now.its.padding) && !isFlat, line };
  };
  const unitAt = (line) => (line?.row === undefined ? {} : { layer: now.its.bands[line.at].layer, unit: now.parts[line.at].units[line.row] });
  const isClass = (line) => /class/.test(now.its.bands[line.at].kind);
  canvas.addEventListener("pointermove", (event) => {
    const before = over;
    over = under(event);
    if (before?.token === over?.token && before?.line === over?.line && before?.padding === over?.padding) return;
    const what = over?.line && over.line.row !== undefined && !isClass(over.line) ? unitAt(over.line) : {};
    if (over?.token >= 0) what[now.its.x_name] = over.token;
    canvas.style.cursor = over?.line?.row === undefined || (isClass(over.line) && !now.its.chooses_class) ? "default" : "pointer";
    clock.hover(what);
  });
  canvas.addEventListener("pointerleave", () => {
    over = null;
    clock.hover();
  });
  canvas.addEventListener("click", (event) => {
    const line = under(event)?.line;
    if (line?.row === undefined) return;
    const { layer, unit } = unitAt(line);
    if (!isClass(line)) clock.choose({ layer, unit });
    else if (now.its.chooses_class) clock.choose({ target: unit });
  });

  // -- life -----------------------------------------------------------------------------------------
  const repaint = () => {
    if (now.shown && room.width) paint(clock.index);
  };
  const renew = () => {
    for (const name of ["words", "letters", "noun", "padding", "padding_first", "x_name", "bands", "class_names", "chooses_class", "remark", "label"]) {
      now.its[name] = model[name];
    }
    for (const name of ["sequential", "diverging"]) {
      const palette = model[name];
      now.colours[name] = Array.from({ length: 256 }, (_, code) => {
        const at = 3 * code;
        return `rgb(${palette[at]},${palette[at + 1]},${palette[at + 2]})`;
      });
    }
    now.colours.pro = now.colours.diverging[235];
    now.colours.contra = now.colours.diverging[20];
    now.place = null;
  };
  renew();
  const frames = framesOf(model, scroll, draw);
  scroll.addEventListener("scroll", repaint, { passive: true });
  const room = repaintWhenSeen(model, scroll, () => {
    if (now.place?.width !== room.width) now.place = null;
    draw(clock.index);
  });
  model.on(["key", "bands", "words"], () => {
    renew();
    draw(clock.index);
  });
  limits.button.hidden = clock.count < 2;
  heed(model, "choice", repaint);
  heed(model, "hover", repaint);
}
