// explorer/widgets/shared/clock.js
function introduce(model) {
  for (const doc of window.Bokeh?.documents ?? []) {
    for (const made of doc._new_models ?? []) {
      if (made === model.data || made.data === model.data) doc._new_models.delete(made);
    }
  }
}
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") made.textContent = value;
    else if (value !== void 0 && value !== null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

// explorer/widgets/shared/states.js
var TOLD_AFTER_MS = 1e3;
var TICK_MS = 250;
var MOST_DRAWING_MS = 5e3;
function statesOf(model, el, more = () => []) {
  const bar = element("progress", { max: 1, hidden: "" });
  const told = element("span", { "aria-hidden": "true" });
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
    const seconds = (performance.now() - began) / 1e3;
    bar.hidden = cancel.hidden = seconds < TOLD_AFTER_MS / 1e3;
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
    const busy = state === "computing" || state === "renewing" || state === "unseen" && model.seen;
    for (const part of [...more(), ...besideOf(el)]) part.ariaBusy = state === "computing" ? "true" : null;
    if (busy) {
      release();
      begin();
    } else if (state === "content" && ticking) awaitDrawing();
    else {
      release();
      end();
    }
    if (state === "computing") return;
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
function besideOf(el) {
  const { host } = el.getRootNode();
  return [...host?.parentNode?.children ?? []].filter((node) => node !== host && !/^(style|link)$/.test(node.localName));
}
function isDrawn(holder) {
  return [...holder.shadowRoot?.children ?? []].some((frame) => frame.offsetHeight > 0 && !/^(style|link)$/.test(frame.localName));
}

// explorer/widgets/page/sign.js
function render({ model, el }) {
  const { sign, said, showState } = statesOf(model, el);
  el.append(element("div", { class: "over" }, sign), said);
  model.on(["state", "said"], showState);
  requestAnimationFrame(showState);
}
export {
  render
};
