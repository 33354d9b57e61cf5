// The states of a place: a picture, one that is being computed, or a sentence in place of one.
// Python's half is explorer/widgets/page/states.py.
import { element, introduce } from "./clock.js";
/** @import { Model } from "../../types" */

const TOLD_AFTER_MS = 1000; // before, nobody wants to know how far it is
const TICK_MS = 250;
const MOST_DRAWING_MS = 5000; // a picture without any height is as good as drawn

/**
 * A line that tells of computing, a sentence for a place without a picture, and `showState`, which
 * brings both up to the model. What stands beside `el`, and `more()`, is dimmed while it is of
 * another selection.
 *
 * @param {Model} model
 * @param {HTMLElement} el
 * @param {() => HTMLElement[]} [more]
 * @returns {{ sign: HTMLElement, said: HTMLElement, showState: () => void }}
 */
export function statesOf(model, el, more = () => []) {
  const bar = element("progress", { max: 1, hidden: "" });
  const told = element("span", { "aria-hidden": "true" }); // who listens need not hear each second
  const ask = (what) => () => {
    introduce(model);
    model[what] += 1;
  };
  const cancel = element("button", { type: "button", class: "quiet", text: "Cancel", hidden: "" });
  const retry = element("button", { type: "button", class: "quiet no-snapshot", text: "Compute it" });
  cancel.addEventListener("click", ask("cancels"));
  retry.addEventListener("click", ask("retries"));
  const sign = element("span", { class: "busy no-snapshot", role: "status", hidden: "" }, element("span", { text: "computing …" }), bar, told, cancel);
  const said = element("p", { class: "said", hidden: "" });
  let [began, ticking, drawing] = [0, 0, 0];

  const tell = () => {
    const seconds = (performance.now() - began) / 1000;
    bar.hidden = cancel.hidden = seconds < TOLD_AFTER_MS / 1000;
    told.textContent = "";
    if (bar.hidden) return;
    const known = model.share >= 0;
    if (known) bar.value = model.share;
    else bar.removeAttribute("value");
    told.textContent = known ? `${Math.floor(100 * model.share)} %` : `${Math.floor(seconds)} s`;
  };
  const begin = () => {
    if (!ticking) {
      began = performance.now();
      ticking = setInterval(tell, TICK_MS);
    }
    sign.hidden = false;
    tell();
  };
  const end = () => {
    clearInterval(ticking);
    ticking = 0;
    sign.hidden = true;
  };
  const release = () => {
    cancelAnimationFrame(drawing);
    drawing = 0;
    for (const part of besideOf(el)) part.style.minHeight = "";
  };
  // The new picture takes the old one's place some moments after this: until then the place keeps
  // its height, so that nothing below it jumps, and the sign.
  const awaitDrawing = () => {
    release();
    for (const part of besideOf(el)) part.style.minHeight = `${part.offsetHeight}px`;
    const since = performance.now();
    const look = () => {
      if (besideOf(el).some(isDrawn) || performance.now() - since > MOST_DRAWING_MS) {
        release();
        end();
      } else drawing = requestAnimationFrame(look);
    };
    drawing = requestAnimationFrame(look);
  };
  const showState = () => {
    const { state } = model;
    const busy = state === "computing" || state === "renewing" || (state === "unseen" && model.seen);
    for (const part of [...more(), ...besideOf(el)]) part.ariaBusy = state === "computing" ? "true" : null;
    if (busy) {
      release();
      begin();
    } else if (state === "content" && ticking) awaitDrawing();
    else {
      release();
      end();
    }
    if (state === "computing") return; // what was said is of another selection, and dimmed
    said.textContent = model.said;
    if (state === "stopped") said.append(" ", retry);
    said.hidden = !model.said;
    said.className = `said ${state}`;
    if (state === "fault") said.role = "alert";
    else said.removeAttribute("role");
  };
  model.on("share", tell);
  model.on("remove", () => {
    release();
    end();
  });
  return { sign, said, showState };
}

// What stands beside a component in the same part of the page.
function besideOf(el) {
  const { host } = el.getRootNode();
  return [...(host?.parentNode?.children ?? [])].filter((node) => node !== host && !/^(style|link)$/.test(node.localName));
}

// Whether a holder of pictures has one on the page.
function isDrawn(holder) {
  return [...(holder.shadowRoot?.children ?? [])].some((frame) => frame.offsetHeight > 0 && !/^(style|link)$/.test(frame.localName));
}
