// explorer/widgets/shared/children.js
function changeOneAtATime() {
  for (const name of ["panel.models.layout.Column", "Column", "Row"]) {
    const views = window.Bokeh?.Models.get(name)?.prototype.default_view?.prototype;
    if (typeof views?.update_children !== "function" || views.update_children.isQueued) continue;
    const change = views.update_children;
    const last = /* @__PURE__ */ new WeakMap();
    views.update_children = function() {
      const next = (last.get(this) ?? Promise.resolve()).then(() => this.is_destroyed || change.call(this));
      last.set(this, next.catch(() => {
      }));
      return next;
    };
    views.update_children.isQueued = true;
  }
}
changeOneAtATime();

// explorer/widgets/shared/numbers.js
function clamp(value, low = 0, high = 1) {
  return Math.max(low, Math.min(high, value));
}

// explorer/widgets/shared/clock.js
function clockOf(channel) {
  const clocks = window.trainlapseClocks ??= /* @__PURE__ */ new Map();
  if (!clocks.has(channel)) {
    const clock = (
      /** @type {Clock} */
      new EventTarget()
    );
    clock.index = 0;
    clock.count = 1;
    clock.start = (count, index) => {
      clock.count = Math.max(1, count);
      clock.index = -1;
      clock.go(index);
    };
    clock.go = (index) => {
      const next = clamp(Math.round(index), 0, clock.count - 1);
      if (next === clock.index || Number.isNaN(next)) return;
      clock.index = next;
      clock.dispatchEvent(new Event("seek"));
      clock.dispatchEvent(new Event("tick"));
    };
    clock.choice = {};
    clock.families = /* @__PURE__ */ new Map();
    const units = /* @__PURE__ */ new Map();
    const familyOf = ({ layer }) => clock.families.get(layer) ?? layer;
    clock.choose = (change) => {
      const next = { ...clock.choice, ...change };
      units.set(familyOf(clock.choice), clock.choice.unit);
      if ("layer" in next) next.unit = change.unit ?? units.get(familyOf(next)) ?? 0;
      if (Object.entries(next).every(([name, value]) => clock.choice[name] === value)) return;
      clock.choice = next;
      clock.dispatchEvent(new Event("choice"));
    };
    clock.hovered = {};
    clock.hover = (what = {}) => {
      clock.hovered = what;
      clock.dispatchEvent(new Event("hover"));
    };
    clocks.set(channel, clock);
  }
  return clocks.get(channel);
}
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

// explorer/widgets/shared/film_form.js
var FILM_FPS = { least: 0.1, most: 60, usual: 10 };
var HELD_S = 1.5;
var LEAST_S = 3;
var FILM_TYPES = { mp4: "video/mp4", gif: "image/gif" };
function filmPlan(steps, first, last, fps) {
  if (![first, last, fps].every(Number.isFinite)) return { fault: "Steps and frames a second are numbers." };
  if (fps < FILM_FPS.least || fps > FILM_FPS.most) return { fault: `Frames a second: ${FILM_FPS.least} to ${FILM_FPS.most}.` };
  if (first > last) return { fault: `Step ${first} is after step ${last}: exchange them.` };
  const count = steps.filter((step) => first <= step && step <= last).length;
  if (!count) return { fault: `No step from ${first} to ${last} was recorded.` };
  const lasts = Math.max(LEAST_S, count / fps + HELD_S);
  return { count, text: `${count} frame${count === 1 ? "" : "s"}, ${lasts.toFixed(1)} s with the last one held` };
}
function filmForm(model, { label, place, isOpen, tell, keep }) {
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
  const form = element(
    "form",
    { class: "film", "aria-label": "Film", novalidate: "", hidden: "" },
    row("Format", ending),
    row("Frames a second", fps),
    row("From step", first),
    row("To step", last),
    plan,
    element("div", { class: "actions" }, make, back)
  );
  const item = element(
    "button",
    { type: "button", role: "menuitem", tabindex: "-1" },
    element("b", { text: "Film …" }),
    element("span")
  );
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
  const valueOf = (field) => field.value === "" ? NaN : Number(field.value);
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
      if (field.value === "" || field.value === field.dataset.usual) field.value = step ?? "";
      field.dataset.usual = step ?? "";
    }
    weigh();
  };
  let wasMade = false;
  const show = () => {
    const { done: ready, count } = model.film;
    const isMade = count !== void 0;
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
    }
  };
}

// explorer/widgets/shared/paint.js
var FAMILY = '"Helvetica Neue", Helvetica, Arial, "Liberation Sans", sans-serif';
var FONT = `11px ${FAMILY}`;
var themeColours = /* @__PURE__ */ new Map();
var themeOfColours;
function themed(el, name) {
  const { theme } = document.documentElement.dataset;
  if (theme !== themeOfColours) themeColours.clear();
  themeOfColours = theme;
  if (!themeColours.has(name)) themeColours.set(name, getComputedStyle(el).getPropertyValue(`--tl-${name}`).trim());
  return themeColours.get(name);
}

// explorer/widgets/shared/snapshot.js
var SCALE = 2;
var MARGIN = 14;
function* childrenOf(node) {
  if (node.shadowRoot) yield* node.shadowRoot.childNodes;
  if (node.localName === "slot") yield* node.assignedNodes();
  else yield* node.childNodes;
}
function* elementsIn(node) {
  for (const child of childrenOf(node)) {
    if (child.nodeType !== Node.ELEMENT_NODE) continue;
    yield child;
    yield* elementsIn(child);
  }
}
function drawText(pen, node, origin) {
  const range = document.createRange();
  range.selectNodeContents(node);
  const box = range.getBoundingClientRect();
  const style = getComputedStyle(node.parentElement ?? node.getRootNode().host);
  if (!box.width || style.visibility === "hidden") return;
  pen.fillStyle = style.color;
  pen.font = `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  pen.textBaseline = "middle";
  const lines = [...range.getClientRects()];
  let words = node.textContent.trim().split(/\s+/);
  for (const [row, line] of lines.entries()) {
    let count = words.length;
    const rest = lines.length - row - 1;
    while (rest && count > 1 && pen.measureText(words.slice(0, count).join(" ")).width > line.width + 1) count--;
    pen.fillText(words.slice(0, count).join(" "), line.left - origin.left, line.top - origin.top + line.height / 2);
    words = words.slice(count);
  }
}
function drawTree(pen, node, origin) {
  if (node.nodeType === Node.TEXT_NODE) {
    if (node.textContent.trim()) drawText(pen, node, origin);
    return;
  }
  if (node.nodeType !== Node.ELEMENT_NODE || /^(script|style|link)$/.test(node.localName)) return;
  if (node.matches(".no-snapshot")) return;
  const style = getComputedStyle(node);
  if (style.display === "none" || style.visibility === "hidden") return;
  const box = node.getBoundingClientRect();
  const [x, y] = [box.left - origin.left, box.top - origin.top];
  if (!/rgba\(.*, 0\)|transparent/.test(style.backgroundColor)) {
    pen.fillStyle = style.backgroundColor;
    pen.fillRect(x, y, box.width, box.height);
  }
  const clipped = style.overflowX !== "visible" && box.width > 0;
  if (clipped) {
    pen.save();
    pen.beginPath();
    pen.rect(x, y, box.width, box.height);
    pen.clip();
  }
  if (node.localName === "canvas" && node.width && node.height) {
    pen.imageSmoothingEnabled = false;
    pen.drawImage(node, x, y, box.width, box.height);
  }
  for (const child of childrenOf(node)) drawTree(pen, child, origin);
  if (clipped) pen.restore();
}
var COMPLETE_MS = 3e3;
async function complete(card, clock) {
  const isLate = (node) => node.dataset.index !== void 0 && node.getClientRects().length > 0 && Number(node.dataset.index) !== clock.index;
  clock.dispatchEvent(new Event("complete"));
  const end = performance.now() + COMPLETE_MS;
  while ([...elementsIn(card)].some(isLate) && performance.now() < end) await new Promise(requestAnimationFrame);
}
function snapshotOf(card, footer) {
  const box = card.getBoundingClientRect();
  const canvas = document.createElement("canvas");
  canvas.width = SCALE * (box.width + 2 * MARGIN);
  canvas.height = SCALE * (box.height + 2 * MARGIN + 14);
  const pen = canvas.getContext("2d");
  pen.scale(SCALE, SCALE);
  pen.fillStyle = themed(card, "card");
  pen.fillRect(0, 0, canvas.width, canvas.height);
  drawTree(pen, card, { left: box.left - MARGIN, top: box.top - MARGIN });
  pen.fillStyle = themed(card, "muted");
  pen.font = "11px system-ui, sans-serif";
  pen.fillText(footer, 2 * MARGIN, box.height + 2 * MARGIN);
  return canvas;
}
function save(canvas, name) {
  canvas.toBlob((blob) => {
    const link = element("a", { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1e3);
  });
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

// explorer/widgets/shared/vector.js
function fontParts(font) {
  const [, look, size, family] = /^(.*?)([\d.]+(?:px|pt|em|rem|%))(?:\/\S+)?\s+(.*)$/.exec(font) ?? ["", "", "10px", "sans-serif"];
  const weight = /\b(bold|lighter|bolder|\d+)\b/.exec(look)?.[1] ?? "normal";
  return { style: /italic|oblique/.exec(look)?.[0] ?? "normal", weight, size, family, decoration: "none" };
}
function vectorPen(width, height, paper) {
  const { SVGRenderingContext2D } = Bokeh.require("core/util/svg");
  const pen = new SVGRenderingContext2D({ width, height });
  const { clip, drawImage } = pen;
  pen.__parseFont = () => fontParts(pen.font);
  pen.clip = (...rule) => {
    const outer = pen._clip_path;
    clip.apply(pen, rule);
    if (outer) pen.get_svg().querySelector("defs").lastChild.setAttribute("clip-path", outer);
  };
  pen.drawImage = (image, ...places) => {
    if (!(image instanceof HTMLCanvasElement) || places.length === 2) return drawImage.call(pen, image, ...places);
    const [sx, sy, wide, tall, x, y, dx, dy] = places.length === 4 ? [0, 0, image.width, image.height, ...places] : places;
    const part = Object.assign(document.createElement("canvas"), { width: wide, height: tall });
    part.getContext("2d").drawImage(image, sx, sy, wide, tall, 0, 0, wide, tall);
    const group = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const made = document.createElementNS(group.namespaceURI, "image");
    const look = { width: dx, height: dy, href: part.toDataURL(), preserveAspectRatio: "none", style: "image-rendering:pixelated" };
    for (const [name, value] of Object.entries(look)) made.setAttribute(name, value);
    group.setAttribute("width", dx);
    group.setAttribute("height", dy);
    group.append(made);
    drawImage.call(pen, group, x, y);
  };
  pen.clearRect = (x, y, wide, tall) => {
    if (!pen.drawn) return;
    pen.save();
    Object.assign(pen, { fillStyle: paper, globalAlpha: 1 });
    pen.fillRect(x, y, wide, tall);
    pen.restore();
  };
  for (const name of ["fillText", "fill", "stroke", "drawImage"]) {
    const draw = pen[name];
    pen[name] = (...given) => {
      pen.drawn = true;
      return draw.apply(pen, given);
    };
  }
  return pen;
}
function repainted(canvases, paper) {
  const pens = /* @__PURE__ */ new Map();
  let sound = true;
  const fail = (event) => {
    sound = false;
    event.preventDefault();
  };
  window.addEventListener("error", fail);
  for (const canvas of canvases) {
    const pen = vectorPen(canvas.width, canvas.height, paper);
    const own = canvas.getContext("2d");
    for (const name of ["createImageData", "putImageData", "getImageData"]) pen[name] = own[name].bind(own);
    canvas.getContext = () => pen;
    pens.set(canvas, pen);
  }
  window.dispatchEvent(new Event("trainlapse:theme"));
  for (const canvas of canvases) delete canvas.getContext;
  window.removeEventListener("error", fail);
  window.dispatchEvent(new Event("trainlapse:theme"));
  return new Map([...pens].filter(([, pen]) => sound && pen.drawn).map(([canvas, pen]) => [canvas, pen.get_svg()]));
}
function figureOf(canvas) {
  const layers = ({ canvas_view }) => [canvas_view.primary?.canvas, canvas_view.overlays?.canvas];
  for (const figure of Bokeh.index.query((view) => view.canvas_view && view.export)) {
    const layer = layers(figure).indexOf(canvas);
    if (layer >= 0) return { figure, first: layer === 0 };
  }
  return null;
}
function figureVector(figure) {
  const glyphs = [...figure.views.query((view) => view.glglyph)];
  const legends = [...figure.views.query((view) => view.model.type === "Legend")];
  for (const glyph of glyphs) glyph.has_webgl = () => false;
  for (const legend of legends) legend.paint = () => {
  };
  const svg = figure.export("svg", false).canvas;
  for (const glyph of glyphs) delete glyph.has_webgl;
  for (const legend of legends) delete legend.paint;
  return svg;
}
function* canvasesIn(node) {
  if (node.localName === "canvas" && node.width && node.height) yield node;
  for (const child of childrenOf(node)) if (child.nodeType === Node.ELEMENT_NODE) yield* canvasesIn(child);
}
function vectorOf(card, footer) {
  const box = card.getBoundingClientRect();
  const paper = themed(card, "card");
  const [width, height] = [box.width + 2 * MARGIN, box.height + 2 * MARGIN + 14];
  const pen = vectorPen(width, height, paper);
  const figures = new Map([...canvasesIn(card)].map((canvas) => [canvas, figureOf(canvas)]));
  const drawn = repainted([...figures.keys()].filter((canvas) => !figures.get(canvas)), paper);
  const { drawImage } = pen;
  pen.drawImage = (canvas, x, y, wide, tall) => {
    const { figure, first } = figures.get(canvas) ?? {};
    if (figure) {
      if (first) drawImage(figureVector(figure), x, y);
    } else if (drawn.has(canvas)) {
      pen.save();
      pen.translate(x, y);
      pen.scale(wide / canvas.width, tall / canvas.height);
      drawImage(drawn.get(canvas), 0, 0);
      pen.restore();
    } else drawImage(canvas, x, y, wide, tall);
  };
  pen.fillStyle = paper;
  pen.fillRect(0, 0, width, height);
  drawTree(pen, card, { left: box.left - MARGIN, top: box.top - MARGIN });
  pen.fillStyle = themed(card, "muted");
  pen.font = "11px system-ui, sans-serif";
  pen.fillText(footer, 2 * MARGIN, box.height + 2 * MARGIN);
  const svg = pen.get_svg();
  for (const path of svg.querySelectorAll("path:not([d])")) path.remove();
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  return new XMLSerializer().serializeToString(svg).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "");
}

// explorer/widgets/page/card_head.js
var NEAR = "300px";
var PICTURES = [["png", "PNG", "a picture of this step"], ["svg", "SVG", "a vector figure of this step"]];
var NUMBERS = [
  ["csv", "CSV", "the numbers of this step"],
  ["npz", "NPZ", "the numbers of all steps, for NumPy"],
  ["nc", "NetCDF", "the numbers of all steps, for xarray"]
];
function cardAround(el) {
  if (!el.isConnected) return null;
  const { host } = el.getRootNode();
  return host.parentElement ?? host.getRootNode().host;
}
function fileName(...parts) {
  return parts.join(" ").replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").toLowerCase();
}
function saveMenu(entries, choose) {
  const list = element("div", { role: "menu", class: "list", "aria-label": "Save" });
  const menu = element("div", { class: "menu", popover: "auto" }, list);
  const button = element("button", {
    type: "button",
    class: "quiet",
    text: "Save",
    title: "Save this picture, or the numbers behind it",
    "aria-haspopup": "menu",
    "aria-expanded": "false"
  });
  for (const [kind, name, what] of entries) {
    const item = element(
      "button",
      { type: "button", role: "menuitem", tabindex: "-1" },
      element("b", { text: name }),
      element("span", { text: what })
    );
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
    event.stopPropagation();
    const items = itemsNow();
    const at = items.indexOf(menu.getRootNode().activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (at < 0 || next === void 0) return;
    event.preventDefault();
    items.at(next % items.length).focus();
  });
  return { el: element("span", { class: "save no-snapshot" }, button, menu), button, menu, list, place, isOpen };
}
function render({ model, el }) {
  const title = element("h3", { text: model.title });
  const told = element("span", { class: "told no-snapshot", role: "status" });
  const caption = element("p", { class: "caption", text: model.caption });
  const { sign, said, showState } = statesOf(model, el, () => [caption]);
  const clock = clockOf(model.channel);
  const stepNow = () => clock.label?.(clock.index) ?? `recorded step ${clock.index}`;
  const savers = {
    png: (name, footer) => save(snapshotOf(cardAround(el), footer), `${name}.png`),
    svg: (name, footer) => keep([vectorOf(cardAround(el), footer)], "image/svg+xml", `${name}.svg`)
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
    tell: (text) => {
      told.textContent = text;
    },
    keep
  }) : null;
  if (film) {
    list.append(film.item);
    menu.append(...film.content);
    menu.addEventListener("toggle", ({ newState }) => newState === "open" ? film.ask() : film.leave());
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
  }, { root: document.querySelector("main"), rootMargin: NEAR });
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
export {
  render
};
