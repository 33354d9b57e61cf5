"use strict";
(() => {
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

  // explorer/export/stage.js
  var viewsOf = (wanted) => [...Bokeh.index.query(wanted)];
  var dataOf = (view) => view.model.data?.attributes ?? {};
  var isHead = (view) => "seen" in dataOf(view) && "caption" in dataOf(view);
  var isVisible = (node) => node.getClientRects().length > 0 && getComputedStyle(node).visibility !== "hidden";
  function* around(node) {
    for (let at = node; at && at !== document.documentElement; at = at.parentNode ?? at.host) {
      if (at.nodeType === Node.ELEMENT_NODE) yield at;
    }
  }
  var force = (node, styles) => {
    for (const [name, value] of Object.entries(styles)) node.style.setProperty(name, value, "important");
  };
  var CONTROLS = ".limits, input, .choice [role=radio]:not([aria-checked=true]), .choice [role=checkbox]:not([aria-checked=true])";
  var HINT = /(?<=^|[.!?:;] )(Click|Hover|Drag|Press|Point) [^.]*\.\s*/g;
  var CHOSEN = ".choice .group, .choice button, select, button.quiet";
  var AS_TEXT = { appearance: "none", "text-decoration": "none", border: "0", padding: "0", background: "none", "background-image": "none" };
  function stageOf(channel, title) {
    const clock = clockOf(channel);
    let card = null;
    let foot = null;
    const cardView = () => viewsOf(isHead).find((view) => view.model.data.title === title && isVisible(view.parent.el))?.parent;
    const headOfCard = () => viewsOf(isHead).find((view) => view.parent === card).model.data;
    const isolate = () => {
      card = cardView();
      if (!card) return false;
      for (const node of around(card.el)) {
        for (const other of node.parentNode?.children ?? []) {
          if (other !== node && !/^(script|style|link|head)$/.test(other.localName)) force(other, { display: "none" });
        }
        force(node, { "grid-column": "1 / -1", margin: "0" });
      }
      const open = { display: "block", height: "auto", overflow: "visible", padding: "0", background: "var(--tl-card)" };
      for (const node of [document.documentElement, document.body, document.querySelector("main")]) force(node, open);
      force(card.el, { border: "0", "border-radius": "0" });
      const line = element("div");
      foot = element("div", {}, element("span"), line);
      force(foot, { display: "block", padding: "0 14px 10px", font: "12px system-ui, sans-serif", color: "var(--tl-muted)" });
      force(line, { height: "3px", "margin-top": "5px", background: "var(--tl-time)" });
      document.querySelector("main").append(foot);
      return true;
    };
    const hideControls = () => {
      for (const node of elementsIn(card?.el ?? document.body)) {
        if (node.matches(".no-snapshot")) force(node, card ? { display: "none" } : { visibility: "hidden" });
        else if (card && node.matches(CONTROLS)) force(node, { display: "none" });
        else if (card && node.matches(CHOSEN)) {
          force(node, AS_TEXT);
          if (node.matches(".choice button")) node.style.removeProperty("display");
        } else if (card && node.matches(".caption")) {
          const said = node.textContent.replace(HINT, "").trim();
          if (said !== node.textContent) node.textContent = said;
        }
      }
    };
    const label = () => {
      if (!foot) return;
      const [text, line] = foot.children;
      text.textContent = `${headOfCard().source} · ${clock.label(clock.index)}`;
      force(line, { width: `${100 * clock.index / Math.max(1, clock.count - 1)}%` });
    };
    const onScreen = (view) => {
      const box = view.el.getBoundingClientRect();
      return isVisible(view.el) && box.bottom > 0 && box.top < innerHeight;
    };
    const inScope = (view) => {
      for (let at = view; at; at = at.parent) if (at === card) return true;
      return !card && onScreen(view);
    };
    const headFault = (view) => {
      const { title: name, state, seen, caption, numbers } = dataOf(view);
      const waits = !seen || ["unseen", "computing", "renewing"].includes(state) || state === "content" && !caption;
      return numbers && waits ? `“${name}” is being computed` : "";
    };
    const widgetFault = (view) => {
      const nodes = [...elementsIn(view.el)];
      if (!nodes.some((node) => !/^(style|link)$/.test(node.localName) && node.localName !== "slot" && node.parentNode !== view.shadow_el)) return "a widget is loading";
      const marked = nodes.filter((node) => node.dataset?.index !== void 0 && isVisible(node));
      if (marked.some((node) => Number(node.dataset.index) !== clock.index)) return "a picture shows another step";
      const told = nodes.some((node) => node.matches(".message, .note") && isVisible(node) && node.textContent.trim());
      return "still" in dataOf(view) && !marked.length && !told ? `“${dataOf(view).label}” is on its way` : "";
    };
    const figureFault = (view) => {
      if (!view.has_finished()) return "a figure is being drawn";
      const spans = viewsOf(({ model }) => model.name === "trainlapse-cursor" && (model.tags[1] ?? "main") === channel);
      const late = spans.filter((span) => span.parent === view && span.model.location !== span.model.tags[0][clock.index]);
      return late.length ? "a time cursor is on its way" : "";
    };
    const faultOf = (view) => {
      if (view.child_models && view.child_models.length !== view.child_views.length) return "parts are being added";
      if (isHead(view)) return headFault(view);
      if (!isVisible(view.el)) return "";
      if ("channel" in dataOf(view)) return onScreen(view) ? widgetFault(view) : "";
      return view.canvas_view ? figureFault(view) : "";
    };
    const fault = () => {
      if (!Bokeh.documents.every((doc) => doc.is_idle)) return "the page is loading";
      for (const view of viewsOf((view2) => view2.el && view2.model)) {
        const found = inScope(view) && faultOf(view);
        if (found) return found;
      }
      return "";
    };
    const settle = async (patience) => {
      const end = performance.now() + patience;
      let sound = 0;
      let found = "";
      while (sound < 2) {
        if (performance.now() > end) return found || "the page does not come to rest";
        await new Promise((next) => requestAnimationFrame(next));
        found = fault();
        sound = found ? 0 : sound + 1;
      }
      hideControls();
      for (const figure of viewsOf((view) => view.canvas_view)) if (inScope(figure)) figure.repaint();
      return "";
    };
    const worked = async (patience) => {
      const data = headOfCard();
      const end = performance.now() + patience;
      set(data, "film_asked", data.film_asked + 1);
      while (data.film_answered !== data.film_asked && performance.now() < end) {
        await new Promise((next) => requestAnimationFrame(next));
      }
    };
    const set = (data, name, value) => {
      introduce({ data });
      data[name] = value;
    };
    const choose = async ({ title: name, value }, patience) => {
      const fault2 = await settle(patience);
      if (fault2 || !card) return fault2;
      const offers = (view) => view.el && inScope(view) && isVisible(view.el) && dataOf(view).title === name && value in (dataOf(view).options ?? {});
      const found = viewsOf(offers)[0];
      if (!found || dataOf(found).value === value) return "";
      set(found.model.data, "value", value);
      await worked(patience);
      return settle(patience);
    };
    return {
      choose,
      isReady: () => clock.label && viewsOf(isHead).length > 0 && Bokeh.documents.every((doc) => doc.is_idle),
      isolate,
      settle,
      show: (index, patience) => {
        clock.go(index);
        clock.dispatchEvent(new Event("complete"));
        label();
        return settle(patience);
      },
      // Why the card has no picture; empty if it has one.
      absence: () => card && ["nothing", "fault", "stopped"].includes(headOfCard().state) ? headOfCard().said : "",
      // The whole of it, in page pixels.
      box: () => {
        if (!card) return { x: 0, y: 0, width: innerWidth, height: innerHeight };
        const { left, top, width } = card.el.getBoundingClientRect();
        return { x: left, y: top, width, height: foot.getBoundingClientRect().bottom - top };
      },
      svg: () => {
        const text = foot.firstChild.textContent;
        return vectorOf(card.el, text);
      }
    };
  }
  window.stageOf = stageOf;
})();
