// What the network says about the selected probe at the step on screen: a bar a class.
import { UNCHOSEN, clockOf, element, follow, heed } from "../shared/clock.js";
import { clamp } from "../shared/numbers.js";
/** @import { Component } from "../../types" */

const ALL_CLASSES = 12;
const TOP_CLASSES = 10;
const PARAMETERS = ["class_names", "colours", "truth", "values"];

// Classes that get a bar, from above: all in their order, or of many the most probable ones and
// the true one. A share that is not a number counts as none.
export function classesShown(shares, truth) {
  const classes = shares.map((_, number) => number);
  if (classes.length <= ALL_CLASSES) return classes;
  const height = (number) => (Number.isNaN(shares[number]) ? -1 : shares[number]);
  classes.sort((one, other) => height(other) - height(one));
  return classes.filter((number, rank) => rank < TOP_CLASSES || number === truth);
}

// The class that is explained: the chosen one, else the true one; -1 if neither is known.
export const explainedOf = (target, truth) => (target >= 0 ? target : truth);

/** @param {Component} component */
export function render({ model, el }) {
  const list = element("div", { class: "bars", role: "list", "aria-label": "Predicted probabilities" });
  el.append(list);
  let rows = new Map();
  /** @type {Record<string, any>} */
  let its = {}; // the parameters: those of the model are slow to read

  const rowOf = (number) => {
    if (!rows.has(number)) {
      const bar = element("span", { class: "filled" });
      const value = element("span", { class: "value" });
      const truth = number === its.truth;
      const row = element("div", { class: truth ? "row truth" : "row", role: "listitem", title: truth ? "true class" : "" },
        element("span", { class: "swatch", style: `background:${its.colours[number] ?? "transparent"}` }),
        element("span", { class: "class", text: its.class_names[number] }),
        element("span", { class: "space" }, bar), value);
      // The class that the joint picture explains; a second click takes the choice back.
      row.addEventListener("click", () => {
        clock.choose({ target: clock.choice.target === number ? UNCHOSEN : number });
      });
      rows.set(number, { row, bar, value });
    }
    return rows.get(number);
  };
  const draw = (index) => {
    const { values } = its;
    if (!values?.shape) return;
    const count = values.shape[1];
    const shares = Array.from({ length: count }, (_, number) => values[index * count + number]);
    const best = shares.reduce((top, share, number) => (share > shares[top] ? number : top), 0);
    const shown = classesShown(shares, its.truth).map((number) => {
      const { row, bar, value } = rowOf(number);
      const share = shares[number];
      const known = Number.isFinite(share);
      bar.style.width = `${known ? clamp(share) * 100 : 0}%`;
      value.textContent = known ? `${(share * 100).toFixed(share < 0.0995 ? 1 : 0)} %` : "NaN";
      row.classList.toggle("best", number === best && known);
      return row;
    });
    const same = shown.length === list.children.length && shown.every((row, rank) => row === list.children[rank]);
    if (!same) list.replaceChildren(...shown);
    explain();
    list.dataset.index = index;
  };
  const explain = () => {
    const explained = explainedOf(clock.choice.target, its.truth);
    for (const [number, { row }] of rows) row.classList.toggle("explained", number === explained);
  };
  const clock = clockOf(model.channel);
  const renew = () => {
    its = Object.fromEntries(PARAMETERS.map((name) => [name, model[name]]));
    rows = new Map();
    list.replaceChildren();
    draw(clock.index);
  };
  renew();
  follow(model, list, draw);
  heed(model, "choice", explain);
  model.on(PARAMETERS, renew);
}
