// A short table that follows the slider; its rows come from the server and are read ahead.
import { clockOf, element, heed } from "../shared/clock.js";
import { framesOf } from "../shared/frames.js";
import { repaintWhenSeen } from "../shared/paint.js";
/** @import { Component } from "../../types" */

/** @param {Component} component */
export function render({ model, el }) {
  const clock = clockOf(model.channel);
  const head = element("tr", {}, ...model.columns.map((text, at) =>
    element("th", { scope: "col", text, class: model.numeric.includes(at) ? "number" : "" })));
  const body = element("tbody");
  const table = element("table", { "aria-label": model.label }, element("thead", {}, head), body);
  const note = element("p", { class: "note", hidden: "" });
  el.append(element("div", { class: "listing" }, table, note));

  const chosen = (what) => Object.keys(what).length > 0 &&
    Object.entries(what).every(([name, value]) => clock.choice[name] === value);
  const rowOf = (texts, what) => {
    const row = element("tr", {}, ...texts.map((text, at) =>
      element("td", { text, class: model.numeric.includes(at) ? "number" : "" })));
    if (Object.keys(what).length) {
      row.tabIndex = 0;
      row.className = "link";
      row.addEventListener("click", () => clock.choose(what));
      row.addEventListener("keydown", (event) => {
        if (event.key !== "Enter") return;
        event.preventDefault();
        clock.choose(what);
      });
      row.addEventListener("pointerenter", () => clock.hover(what));
      row.addEventListener("pointerleave", () => clock.hover());
      row.setAttribute("aria-selected", chosen(what));
    }
    return row;
  };
  const draw = (index) => {
    if (!room.width) return;
    const payload = frames.get(index);
    if (payload) {
      const rows = payload.rows ?? [];
      note.textContent = payload.error ?? model.empty;
      note.hidden = rows.length > 0;
      table.hidden = rows.length === 0;
      body.replaceChildren(...rows.map((texts, at) => rowOf(texts, payload.chooses?.[at] ?? {})));
      // Empty rows, so that what is below does not jump while the slider moves.
      for (let row = rows.length; row < model.rows && rows.length; row++) {
        body.append(element("tr", { class: "blank" }, ...model.columns.map(() => element("td", { text: "\u00a0" }))));
      }
      table.dataset.index = index;
    }
    frames.want(index);
  };
  const frames = framesOf(model, el, draw);
  const room = repaintWhenSeen(model, el, () => draw(clock.index));
  model.on("key", () => draw(clock.index));
  heed(model, "choice", () => draw(clock.index));
}
