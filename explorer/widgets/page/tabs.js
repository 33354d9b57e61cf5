// The groups of views. Arrow keys move among the tabs while one of them is in focus.
import { clockOf, element, heed } from "../shared/clock.js";
/** @import { Component } from "../../types" */

/** @param {Component} component */
export function render({ model, el }) {
  const clock = clockOf(model.channel);
  const names = Object.keys(model.titles);
  const tabs = names.map((name, at) => {
    const tab = element("button", { type: "button", role: "tab", "data-tab": name, text: model.titles[name] });
    tab.addEventListener("click", () => clock.choose({ tab: name }));
    tab.addEventListener("keydown", (event) => {
      const next = tabs[at + ({ ArrowLeft: -1, ArrowRight: 1 }[event.key] ?? 0)];
      if (!next || next === tab) return;
      event.preventDefault();
      next.focus();
      next.click();
    });
    return tab;
  });
  el.append(element("div", { class: "tabs", role: "tablist", "aria-label": "Groups of views" }, ...tabs));
  heed(model, "choice", () => {
    for (const tab of tabs) tab.setAttribute("aria-selected", tab.dataset.tab === clock.choice.tab);
  });
}
