// Heading of a card. It knows when the card is on screen, so that what nobody sees is not computed;
// and saves the picture, drawn here, the numbers behind it, and films, which Python sends.
import "../shared/children.js";
import { clockOf, element, introduce } from "../shared/clock.js";
import { filmForm } from "../shared/film_form.js";
import { clamp } from "../shared/numbers.js";
import { complete, save, snapshotOf } from "../shared/snapshot.js";
import { statesOf } from "../shared/states.js";
import { vectorOf } from "../shared/vector.js";
/** @import { Component } from "../../types" */

const NEAR = "300px";
const PICTURES = [["png", "PNG", "a picture of this step"], ["svg", "SVG", "a vector figure of this step"]];
const NUMBERS = [
  ["csv", "CSV", "the numbers of this step"],
  ["npz", "NPZ", "the numbers of all steps, for NumPy"],
  ["nc", "NetCDF", "the numbers of all steps, for xarray"],
];

// The card around a heading, once it is on the page.
function cardAround(el) {
  if (!el.isConnected) return null;
  const { host } = el.getRootNode();
  return host.parentElement ?? host.getRootNode().host;
}

function fileName(...parts) {
  return parts.join(" ").replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").toLowerCase();
}

// A button that opens a list of what can be saved; arrows move in it.
function saveMenu(entries, choose) {
  const list = element("div", { role: "menu", class: "list", "aria-label": "Save" });
  const menu = element("div", { class: "menu", popover: "auto" }, list);
  const button = element("button", {
    type: "button", class: "quiet", text: "Save", title: "Save this picture, or the numbers behind it",
    "aria-haspopup": "menu", "aria-expanded": "false",
  });
  for (const [kind, name, what] of entries) {
    const item = element("button", { type: "button", role: "menuitem", tabindex: "-1" },
      element("b", { text: name }), element("span", { text: what }));
    item.addEventListener("click", () => {
      menu.hidePopover();
      choose(kind);
    });
    list.append(item);
  }
  const itemsNow = () => [...list.children].filter((item) => !item.hidden);
  const isOpen = () => menu.matches(":popover-open");
  const place = () => {
    if (!isOpen()) return;
    const { right, bottom } = button.getBoundingClientRect();
    menu.style.left = `${Math.max(4, right - menu.offsetWidth)}px`;
    menu.style.top = `${clamp(bottom + 4, 4, innerHeight - menu.offsetHeight - 4)}px`;
  };
  button.addEventListener("click", () => menu.togglePopover());
  menu.addEventListener("toggle", ({ newState }) => {
    const open = newState === "open";
    button.setAttribute("aria-expanded", open);
    if (!open) return;
    place();
    itemsNow()[0].focus();
  });
  menu.addEventListener("keydown", (event) => {
    event.stopPropagation(); // the page's keys move time
    const items = itemsNow();
    const at = items.indexOf(menu.getRootNode().activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (at < 0 || next === undefined) return;
    event.preventDefault();
    items.at(next % items.length).focus();
  });
  return { el: element("span", { class: "save no-snapshot" }, button, menu), button, menu, list, place, isOpen };
}

/** @param {Component} component */
export function render({ model, el }) {
  const title = element("h3", { text: model.title });
  const told = element("span", { class: "told no-snapshot", role: "status" });
  const caption = element("p", { class: "caption", text: model.caption });
  const { sign, said, showState } = statesOf(model, el, () => [caption]);
  const clock = clockOf(model.channel);
  const stepNow = () => clock.label?.(clock.index) ?? `recorded step ${clock.index}`;
  const savers = {
    png: (name, footer) => save(snapshotOf(cardAround(el), footer), `${name}.png`),
    svg: (name, footer) => keep([vectorOf(cardAround(el), footer)], "image/svg+xml", `${name}.svg`),
  };
  const keep = (parts, type, name) => save({ toBlob: (use) => use(new Blob(parts, { type })) }, name);
  const choose = async (kind) => {
    told.textContent = "";
    const step = stepNow();
    if (kind in savers) {
      await complete(cardAround(el), clock);
      return savers[kind](fileName(model.title, model.source, step), `${model.source} · ${step}`);
    }
    told.textContent = "collecting numbers …";
    introduce(model);
    model.send_msg({ save: kind, index: clock.index, step });
  };
  const { el: saver, button, menu, list, place, isOpen } = saveMenu(model.numbers ? [...PICTURES, ...NUMBERS] : PICTURES, choose);
  const film = model.films ? filmForm(model, {
    label: (steps) => fileName(model.title, model.source, steps),
    place,
    isOpen,
    tell: (text) => { told.textContent = text; },
    keep,
  }) : null;
  if (film) {
    list.append(film.item);
    menu.append(...film.content);
    menu.addEventListener("toggle", ({ newState }) => (newState === "open" ? film.ask() : film.leave()));
  }
  el.append(element("div", { class: "head" }, title, sign, element("span", { class: "fill" }), told, saver), caption, said);

  model.on("msg:custom", ({ error, file, ending, step, film: part }) => {
    if (part) return film.receive(part);
    told.textContent = error ?? "";
    if (file) keep([file], "application/octet-stream", `${fileName(model.title, model.source, step ?? "")}.${ending}`);
  });
  const say = () => {
    title.textContent = model.title;
    caption.textContent = model.caption;
    caption.hidden = !model.caption;
    showState();
    button.disabled = model.state !== "content";
  };
  const watcher = new IntersectionObserver((entries) => {
    const seen = entries.at(-1).isIntersecting;
    if (seen === model.seen) return;
    introduce(model);
    model.seen = seen;
    showState();
  }, { root: document.querySelector("main"), rootMargin: NEAR }); // a margin counts where the page scrolls
  // The whole card: of a tall one the heading may be out of sight while the picture is not.
  let waiting = 0;
  const watch = () => {
    const card = cardAround(el);
    if (card) watcher.observe(card);
    else waiting = requestAnimationFrame(watch);
  };
  watch();
  model.on("remove", () => {
    cancelAnimationFrame(waiting);
    watcher.disconnect();
  });
  model.on(["title", "caption", "state", "said"], say);
  say();
}
