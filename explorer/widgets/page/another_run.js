// Asks for the path of another run. The page's menus say for which side it is wanted, and lead to
// the run once Python has opened it.
import { element, introduce } from "../shared/clock.js";
/** @import { Component } from "../../types" */

/** @param {Component} component */
export function render({ model, el }) {
  let side = "";
  let count = 0;
  const field = element("input", {
    type: "text", "aria-label": "Path of another run", placeholder: "runs/other.zarr or https://…",
    spellcheck: "false", autocomplete: "off",
  });
  const open = element("button", { type: "submit", text: "Open" });
  const cancel = element("button", { type: "button", text: "Cancel" });
  const said = element("p", { role: "status" });
  const form = element("form", { class: "another" },
    element("label", {}, "Path of another run, from where the explorer was started, or its address", field),
    element("div", {}, open, cancel), said);
  form.hidden = true;
  el.append(form);

  const say = (text, isFault) => {
    said.textContent = text;
    said.classList.toggle("fault", isFault);
  };
  const close = () => {
    form.hidden = true;
    say("", false);
  };
  const onWanted = ({ detail }) => {
    side = detail.side;
    form.hidden = false;
    field.focus();
    field.select();
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    introduce(model);
    say("Opening …", false);
    model.asked = [field.value, ++count];
  });
  cancel.addEventListener("click", close);
  form.addEventListener("keydown", (event) => {
    event.stopPropagation(); // keys of the page
    if (event.key === "Escape") close();
  });
  window.addEventListener("trainlapse:another-run", onWanted);
  model.on("said", () => { if (model.said) say(model.said, true); });
  model.on("opened", () => {
    if (model.opened[1] !== count) return; // somebody else's
    close();
    window.dispatchEvent(new CustomEvent("trainlapse:opened", { detail: { number: model.opened[0], side } }));
  });
  model.on("remove", () => window.removeEventListener("trainlapse:another-run", onWanted));
}
