// Moments of a training: a strip with the one that the tour is at, and a list to change. Going to a
// moment happens here, on the page's clock; what changes the list goes to Python.
import { cardScroller, cardsBelow, page, top } from "../shared/cards.js";
import { clockOf, element, isTyped } from "../shared/clock.js";
/** @import { Component } from "../../types" */

const NOTE_CHARACTERS = 2000;
const KEYS = { n: "next", p: "previous", m: "mark" };

/** @param {Component} component */
export function render({ model, el }) {
  const clock = clockOf(model.channel);
  const press = (name, text, title) => {
    const button = element("button", { type: "button", class: name, text, title });
    if (title) button.setAttribute("aria-label", title);
    return button;
  };
  const mark = press("mark", "Mark", "Mark this moment (M)");
  const previous = press("previous", "‹", "Previous moment of the tour (P)");
  const next = press("next", "›", "Next moment of the tour (N)");
  const all = press("all", "Moments");
  const where = element("span", { class: "where" });
  const told = element("span", { class: "told", role: "status" });
  const sheet = element("div", { class: "sheet", hidden: "", role: "group", "aria-label": "Moments" });
  el.append(element("div", { class: "moments", role: "group", "aria-label": "Moments of this training" },
    element("div", { class: "line" }, mark, previous, next, where, told, all), sheet));

  let at = null; // id of the moment that the tour is at
  let writing = null; // what is being written: {id, note} of a moment, or a new one without an id
  let open = false;
  const list = () => [...model.moments];
  const place = () => list().findIndex((moment) => moment.id === at);
  const tell = (what) => model.send_msg(what);

  // -- going ------------------------------------------------------------------------------
  const scroll = cardScroller();
  // The card at the upper edge, if one has scrolled that far.
  const viewHere = () => {
    const main = page();
    if (!main || main.scrollTop < 40) return null;
    for (const { title, card } of cardsBelow(main)) {
      const box = card.getBoundingClientRect();
      if (box.height && box.bottom > top() + 80) return title;
    }
    return null;
  };
  const go = (moment) => {
    at = moment.id;
    clock.choose(moment.go);
    clock.go(moment.index);
    if (moment.view) scroll.to(moment.view);
    show();
  };
  const step = (by) => {
    const moments = list();
    if (!moments.length) return;
    const here = place();
    if (here < 0) return go(moments[by > 0 ? 0 : moments.length - 1]);
    const other = moments[here + by];
    if (other) go(other);
  };

  // -- writing ----------------------------------------------------------------------------
  const begin = () => {
    if (!model.editable) return;
    writing = { note: "", index: clock.index, choice: { ...clock.choice }, view: viewHere() };
    setOpen(true);
  };
  const form = () => {
    const area = element("textarea", {
      "aria-label": "Note", maxlength: NOTE_CHARACTERS, placeholder: "What is there to see?",
    });
    area.value = writing.note;
    area.addEventListener("input", () => { writing.note = area.value; });
    const done = () => {
      const { id, note, index, choice, view } = writing;
      writing = null;
      tell(id === undefined ? { do: "add", note: note.trim(), index, choice, view } : { do: "edit", id, note: note.trim() });
      build();
    };
    const cancel = () => {
      writing = null;
      build();
    };
    area.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        done();
      }
      if (event.key === "Escape") {
        event.stopPropagation();
        cancel();
      }
    });
    const save = press("save", "Save");
    save.addEventListener("click", done);
    const leave = press("cancel", "Cancel");
    leave.addEventListener("click", cancel);
    const hint = writing.id === undefined ? clock.label?.(writing.index) ?? "" : "";
    const made = element("form", {}, area,
      element("div", { class: "row" }, element("span", { class: "note", text: hint }), leave, save));
    made.addEventListener("submit", (event) => event.preventDefault());
    setTimeout(() => area.focus());
    return made;
  };

  // -- drawing ----------------------------------------------------------------------------
  const tool = (text, title, act, disabled = false) => {
    const button = press("tool", text, title);
    button.disabled = disabled;
    button.addEventListener("click", act);
    return button;
  };
  const row = (moment, number, count) => {
    const item = element("li", { "data-id": moment.id },
      element("span", { class: "number", text: number + 1 }));
    if (writing?.id === moment.id) {
      item.append(form());
      return item;
    }
    const jump = press("go", "");
    jump.append(
      element("span", { class: "place", text: moment.place }),
      ...(moment.note ? [element("span", { class: "text", text: moment.note })] : []),
      ...(moment.missing ? [element("span", { class: "missing", text: moment.missing })] : []),
    );
    jump.addEventListener("click", () => go(moment));
    item.append(jump);
    if (model.editable) {
      item.append(element("span", { class: "tools" },
        tool("↑", "Earlier in the tour", () => tell({ do: "move", id: moment.id, by: -1 }), number === 0),
        tool("↓", "Later in the tour", () => tell({ do: "move", id: moment.id, by: 1 }), number === count - 1),
        tool("Edit", "Change the note", () => {
          writing = { id: moment.id, note: moment.note };
          build();
        }),
        tool("Delete", "Delete this moment", () => tell({ do: "delete", id: moment.id }))));
    }
    return item;
  };
  const build = () => {
    const moments = list();
    if (writing?.id !== undefined && !moments.some((moment) => moment.id === writing.id)) writing = null;
    const parts = [];
    if (model.problem) parts.push(element("p", { class: "problem", role: "alert", text: model.problem }));
    if (writing && writing.id === undefined) parts.push(form());
    if (model.undo) {
      const undo = press("quiet undo", "Undo");
      undo.addEventListener("click", () => tell({ do: "undo" }));
      parts.push(element("p", { class: "note" }, element("span", { text: `${model.undo} ` }), undo));
    }
    if (moments.length) {
      parts.push(element("ol", {}, ...moments.map((moment, number) => row(moment, number, moments.length))));
    } else if (!writing) {
      parts.push(element("p", {
        class: "note",
        text: model.editable ? "Nothing is marked yet. Press M where there is something to see." : "Nothing is marked.",
      }));
    }
    sheet.replaceChildren(...parts);
    show();
  };
  const show = () => {
    const moments = list();
    const here = place();
    const moment = moments[here];
    mark.hidden = !model.editable;
    all.textContent = moments.length ? `Moments (${moments.length})` : "Moments";
    all.setAttribute("aria-expanded", open);
    for (const button of [previous, next, where]) button.hidden = !moments.length;
    previous.disabled = here === 0;
    next.disabled = here === moments.length - 1;
    where.textContent = moment ? `${here + 1} of ${moments.length}` : "";
    const invitation = model.editable || !moments.length ? "" : "A tour of this training: ›, or N, goes on.";
    told.textContent = moment ? moment.note || moment.place : invitation;
    told.classList.toggle("left", Boolean(moment) && moment.index !== clock.index);
    for (const item of sheet.querySelectorAll("li")) {
      item.setAttribute("aria-current", item.dataset.id === at);
    }
  };
  const setOpen = (value) => {
    open = value;
    sheet.hidden = !open;
    if (!open) writing = null;
    build();
  };

  // -- input ------------------------------------------------------------------------------
  const act = { next: () => step(1), previous: () => step(-1), mark: begin };
  mark.addEventListener("click", begin);
  previous.addEventListener("click", act.previous);
  next.addEventListener("click", act.next);
  all.addEventListener("click", () => setOpen(!open));
  const onKey = (event) => {
    if (isTyped(event) || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && open) return setOpen(false);
    const action = KEYS[event.key.toLowerCase()];
    if (!action) return;
    event.preventDefault();
    act[action]();
  };
  const heard = model.whole_page === false ? el : document;
  heard.addEventListener("keydown", onKey);
  // A click beside the list closes it, unless a note is being written.
  const onPointer = (event) => {
    if (open && !writing && !event.composedPath().includes(el)) setOpen(false);
  };
  document.addEventListener("pointerdown", onPointer);
  const onTick = () => show();
  clock.addEventListener("tick", onTick);
  model.on("remove", () => {
    scroll.settle();
    clock.removeEventListener("tick", onTick);
    heard.removeEventListener("keydown", onKey);
    document.removeEventListener("pointerdown", onPointer);
  });
  model.on("moments", () => {
    // The one that was just added is the one that the tour is at.
    const known = new Set([...sheet.querySelectorAll("li")].map((item) => item.dataset.id));
    const fresh = list().filter((moment) => !known.has(moment.id));
    if (open && fresh.length === 1) at = fresh[0].id;
    build();
  });
  model.on(["editable", "undo", "problem"], build);
  build();
}
