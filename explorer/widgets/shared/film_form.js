// Films of a card, in its menu: what a film should be, how far it is, and its file when it has come.
import { element, introduce } from "./clock.js";
/** @import { Model } from "../../types" */

const FILM_FPS = { least: 0.1, most: 60, usual: 10 };
// How long the last frame stays at least, and how long a film lasts: as in explorer/films/writer.py.
const HELD_S = 1.5;
const LEAST_S = 3;
const FILM_TYPES = { mp4: "video/mp4", gif: "image/gif" };

/**
 * What a film from one step to another will be, or why it cannot be.
 *
 * @param {number[]} steps
 * @param {number} first
 * @param {number} last
 * @param {number} fps
 * @returns {{ count?: number, text?: string, fault?: string }}
 */
export function filmPlan(steps, first, last, fps) {
  if (![first, last, fps].every(Number.isFinite)) return { fault: "Steps and frames a second are numbers." };
  if (fps < FILM_FPS.least || fps > FILM_FPS.most) return { fault: `Frames a second: ${FILM_FPS.least} to ${FILM_FPS.most}.` };
  if (first > last) return { fault: `Step ${first} is after step ${last}: exchange them.` };
  const count = steps.filter((step) => first <= step && step <= last).length;
  if (!count) return { fault: `No step from ${first} to ${last} was recorded.` };
  const lasts = Math.max(LEAST_S, count / fps + HELD_S);
  return { count, text: `${count} frame${count === 1 ? "" : "s"}, ${lasts.toFixed(1)} s with the last one held` };
}

/**
 * @param {Model} model
 * @param {Record<string, any>} menu
 */
export function filmForm(model, { label, place, isOpen, tell, keep }) {
  const send = (what) => {
    introduce(model);
    model.send_msg(what);
  };
  const number = (name, range) => element("input", { type: "number", name, step: "any", required: "", ...range });
  const ending = element("select", { name: "format" });
  const fps = number("fps", { min: FILM_FPS.least, max: FILM_FPS.most, value: FILM_FPS.usual });
  const [first, last] = [number("first"), number("last")];
  const plan = element("p", { role: "status" });
  const make = element("button", { type: "submit", class: "primary", text: "Make film" });
  const back = element("button", { type: "button", text: "Back" });
  const row = (text, ...fields) => element("label", {}, element("span", { text }), ...fields);
  const form = element("form", { class: "film", "aria-label": "Film", novalidate: "", hidden: "" },
    row("Format", ending), row("Frames a second", fps), row("From step", first), row("To step", last),
    plan, element("div", { class: "actions" }, make, back));
  const item = element("button", { type: "button", role: "menuitem", tabindex: "-1" },
    element("b", { text: "Film …" }), element("span"));
  const done = element("span");
  const bar = element("progress", { "aria-label": "Frames of the film" });
  const cancel = element("button", { type: "button", text: "Cancel" });
  const progress = element("div", { class: "film", hidden: "" }, element("div", { class: "making" }, done, cancel), bar);
  const said = element("p", { class: "film", role: "status", hidden: "" });

  let editing = false;
  const edit = (on) => {
    editing = on;
    show();
  };
  const valueOf = (field) => (field.value === "" ? NaN : Number(field.value));
  /** @returns {[number, number, number]} */
  const values = () => [valueOf(first), valueOf(last), valueOf(fps)];
  const weigh = () => {
    const { fault, text } = filmPlan([...model.film_steps], ...values());
    plan.textContent = fault ?? text;
    plan.classList.toggle("wrong", Boolean(fault));
    make.disabled = Boolean(fault);
  };
  const offer = () => {
    if (ending.length !== model.film_formats.length) {
      ending.replaceChildren(...model.film_formats.map((name) => element("option", { value: name, text: name.toUpperCase() })));
    }
    const steps = model.film_steps;
    for (const [field, step] of [[first, steps[0]], [last, steps.at(-1)]]) {
      // What has been typed stays; what has not goes with the run, which may grow.
      if (field.value === "" || field.value === field.dataset.usual) field.value = step ?? "";
      field.dataset.usual = step ?? "";
    }
    weigh();
  };
  let wasMade = false;
  const show = () => {
    const { done: ready, count } = model.film;
    const isMade = count !== undefined;
    form.hidden = !editing;
    form.parentElement?.classList.toggle("editing", editing);
    item.hidden = isMade;
    const lacks = model.film_lacks;
    item.setAttribute("aria-disabled", Boolean(lacks));
    item.lastChild.textContent = lacks || "this picture through the training";
    progress.hidden = !isMade || editing;
    done.textContent = count ? `Film: ${ready} of ${count} frames` : "Film: starting …";
    bar.max = count || 1;
    if (count) bar.value = ready;
    else bar.removeAttribute("value");
    said.textContent = model.film_said;
    said.hidden = !model.film_said || isMade || editing;
    if (isMade) tell(count ? `film: ${ready} of ${count}` : "film: starting …");
    else if (wasMade) tell("");
    if (isMade !== wasMade && isOpen()) (isMade ? cancel : item).focus();
    wasMade = isMade;
    place();
  };

  item.addEventListener("click", () => {
    if (model.film_lacks) return;
    edit(true);
    ending.focus();
  });
  back.addEventListener("click", () => {
    edit(false);
    item.focus();
  });
  form.addEventListener("input", weigh);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    weigh();
    if (make.disabled) return;
    const [from, to, rate] = values();
    const theme = document.documentElement.dataset.theme ?? "light";
    send({ film: "make", ending: ending.value, fps: rate, first: from, last: to, theme });
    edit(false);
  });
  cancel.addEventListener("click", () => send({ film: "cancel" }));

  let parts = [];
  model.on(["film_steps", "film_formats"], offer);
  model.on(["film", "film_said", "film_lacks"], show);
  // Who does not look at the menu hears of it beside its button.
  model.on("film_said", () => tell(model.film_said));
  offer();
  show();
  return {
    item,
    content: [form, progress, said],
    ask: () => {
      introduce(model);
      model.film_asked += 1;
    },
    leave: () => edit(false),
    // The file comes in parts.
    receive: ({ part, ends, kind, name }) => {
      parts.push(part);
      if (!ends) return;
      keep(parts, FILM_TYPES[kind], `${label(name)}.${kind}`);
      parts = [];
    },
  };
}
