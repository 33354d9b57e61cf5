// Counterparts of layers, set by hand. They are in the address, and what is drawn of two runs hangs
// on them throughout: so the page is opened anew.
import { element } from "../shared/clock.js";
/** @import { Component } from "../../types" */

// Counterparts by hand after one more choice: a layer of B stands for one layer of A at most.
function withChoice(byHand, layer, counterpart) {
  const kept = Object.entries(byHand).filter(([name, other]) =>
    name !== layer && (other === null || other !== counterpart));
  return Object.fromEntries([...kept, [layer, counterpart]]);
}

// The same, but a layer is left to the page again.
function without(byHand, layer) {
  return Object.fromEntries(Object.entries(byHand).filter(([name]) => name !== layer));
}

/** @param {Component} component */
export function render({ model, el }) {
  const open = (byHand) => {
    const url = new URL(location.href);
    if (Object.keys(byHand).length) url.searchParams.set("map", JSON.stringify(byHand));
    else url.searchParams.delete("map");
    location.assign(url);
  };
  const group = (label, names) => {
    const made = element("optgroup", { label }, ...names.map((name) => element("option", { text: name, value: name })));
    return names.length ? [made] : [];
  };
  // A layer may be called anything: nothing stands for none but the first option.
  const select = ([layer, counterpart, , alike, others]) => {
    const list = element("select", { "aria-label": `Counterpart of ${layer}` },
      element("option", { text: "none" }),
      ...group("of the same kind", alike), ...group("of other kinds", others));
    const options = [...list.options];
    list.selectedIndex = counterpart === null ? 0 : options.findIndex((option, at) => at && option.value === counterpart);
    list.addEventListener("change", () => {
      const chosen = list.selectedIndex ? list.value : null;
      open(withChoice(model.by_hand, layer, chosen));
    });
    return list;
  };
  const reset = (layer) => {
    const button = element("button", { type: "button", text: "reset", "aria-label": `Reset ${layer}` });
    button.addEventListener("click", () => open(without(model.by_hand, layer)));
    return button;
  };
  const line = (row) => {
    const [layer, , why] = row;
    const isByHand = Object.hasOwn(model.by_hand, layer);
    return element("tr", isByHand ? { class: "hand" } : {},
      element("th", { scope: "row", text: layer }),
      element("td", {}, select(row)),
      element("td", { text: why }),
      element("td", {}, ...(isByHand ? [reset(layer)] : [])));
  };
  const all = element("button", { type: "button", text: "Reset all" });
  all.addEventListener("click", () => open({}));
  const count = Object.keys(model.by_hand).length;
  const details = element("details", { class: "pairs" },
    element("summary", { text: count ? `Set counterparts by hand (${count} set)` : "Set counterparts by hand" }),
    element("table", {},
      element("thead", {}, element("tr", {}, ...["layer of A", "counterpart in B", "why", ""].map((text) =>
        element("th", { text })))),
      element("tbody", {}, ...model.rows.map(line))),
    ...(count ? [all] : []));
  details.open = count > 0;
  el.append(details);
}
