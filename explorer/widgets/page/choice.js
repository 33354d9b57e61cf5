// A view's own option: buttons side by side, or a list if they would not fit.
import { element, introduce } from "../shared/clock.js";
/** @import { Component } from "../../types" */

const MOST_BUTTONS = 4;
const MOST_LETTERS = 48;

/** @param {Component} component */
export function render({ model, el }) {
  const holder = element("div", { class: "choice" });
  el.append(holder);

  const choose = (value) => {
    if (value === model.value) return;
    introduce(model);
    model.value = value;
  };
  const build = () => {
    const options = Object.entries(model.options);
    const letters = options.reduce((sum, [, text]) => sum + text.length, 0);
    holder.replaceChildren(element("span", { class: "title", text: model.title }));
    if (options.length > MOST_BUTTONS || letters > MOST_LETTERS) {
      const list = element("select", { "aria-label": model.title });
      list.append(...options.map(([value, text]) => element("option", { value, text })));
      list.addEventListener("change", () => {
        choose(list.value);
        list.blur();
      });
      holder.append(list);
    } else {
      const group = element("div", { class: "group", role: "radiogroup", "aria-label": model.title });
      group.append(...options.map(([value, text]) => {
        const button = element("button", { type: "button", role: "radio", "data-value": value, text });
        button.addEventListener("click", () => choose(value));
        return button;
      }));
      holder.append(group);
    }
    show();
  };
  const show = () => {
    const list = holder.querySelector("select");
    if (list) list.value = model.value;
    for (const button of holder.querySelectorAll("button")) {
      const { value } = button.dataset;
      button.setAttribute("aria-checked", value === (model.waits ? model.shown : model.value));
      button.classList.toggle("waits", model.waits && value === model.value);
    }
  };
  model.on(["options", "title"], build);
  model.on(["value", "waits", "shown"], show);
  build();
}
