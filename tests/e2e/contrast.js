// How well the texts of a page can be read: `window.trainlapseContrast()` gives every text that is
// seen, on the page and in its canvases, with its contrast (WCAG 2) to what lies behind.
//
// To be run before the page's own scripts: what a canvas shows can only be known by listening to
// those who draw on it.
(() => {
  const HOW_MUCH = 0.8; // share of what lies behind a text that must be told apart from it
  const MOST_PAIRS = 4096; // of colours, looked at for one text
  const MARGIN = 1e-3;

  // -- colours ----------------------------------------------------------------------------------
  const palette = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const known = new Map();
  // [red, green, blue, alpha], each from 0 to 1.
  const parse = (text) => {
    if (!known.has(text)) {
      palette.fillStyle = "#000";
      palette.fillStyle = text;
      const hex = /^#(..)(..)(..)$/.exec(palette.fillStyle);
      const parts = hex
        ? [...hex.slice(1).map((digits) => parseInt(digits, 16)), 1]
        : /^rgba\((.*)\)$/.exec(palette.fillStyle)[1].split(",").map(Number);
      known.set(text, [parts[0] / 255, parts[1] / 255, parts[2] / 255, parts[3]]);
    }
    return known.get(text);
  };
  const faded = ([red, green, blue, alpha], share) => [red, green, blue, alpha * share];
  const over = (upper, lower) => {
    const alpha = upper[3] + lower[3] * (1 - upper[3]);
    if (!alpha) return [0, 0, 0, 0];
    const mixed = [0, 1, 2].map((at) => (upper[at] * upper[3] + lower[at] * lower[3] * (1 - upper[3])) / alpha);
    return [...mixed, alpha];
  };
  const linear = (share) => (share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4);
  const luminance = ([red, green, blue]) => 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  const contrast = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const named = (colour) => `rgb(${colour.slice(0, 3).map((share) => Math.round(255 * share)).join(" ")})`;

  // -- what canvases show -----------------------------------------------------------------------
  const drawn = new WeakMap(); // by canvas: what was written and not wiped since
  const all = new Set(); // weak references to those canvases
  const inks = new Set(); // every colour that was ever written in
  const textsOf = (canvas) => {
    if (!drawn.has(canvas)) {
      drawn.set(canvas, []);
      all.add(new WeakRef(canvas));
    }
    return drawn.get(canvas);
  };
  const boxOf = (context, x, y, width, height) => {
    const matrix = context.getTransform();
    const corners = [[x, y], [x + width, y], [x, y + height], [x + width, y + height]]
      .map(([left, top]) => matrix.transformPoint({ x: left, y: top }));
    const [xs, ys] = [corners.map((corner) => corner.x), corners.map((corner) => corner.y)];
    return { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) };
  };
  const within = (box, { left, top, right, bottom }) => {
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    return x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
  };
  // Colours in a part of a canvas and how often each is there, as [rgba, count].
  const read = CanvasRenderingContext2D.prototype.getImageData;
  const coloursIn = (context, { left, top, right, bottom }) => {
    const { width, height } = context.canvas;
    const [x, y] = [Math.max(0, Math.floor(left)), Math.max(0, Math.floor(top))];
    const [wide, tall] = [Math.min(width, Math.ceil(right)) - x, Math.min(height, Math.ceil(bottom)) - y];
    if (wide < 1 || tall < 1) return [];
    const pixels = new Uint32Array(read.call(context, x, y, wide, tall).data.buffer);
    const counts = new Map();
    for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
    return [...counts].map(([pixel, count]) =>
      [[0, 8, 16, 24].map((shift) => ((pixel >>> shift) & 255) / 255), count]);
  };
  const wipe = (canvas, box) => {
    if (drawn.has(canvas)) drawn.set(canvas, drawn.get(canvas).filter((text) => !within(box, text.box)));
  };
  const listen = (prototype, name, heard) => {
    const draw = prototype[name];
    prototype[name] = function (...given) {
      heard(this, ...given);
      return draw.apply(this, given);
    };
  };
  listen(CanvasRenderingContext2D.prototype, "fillText", (context, text, x, y, most = Infinity) => {
    const colour = faded(parse(context.fillStyle), context.globalAlpha);
    if (!String(text).trim() || !colour[3]) return;
    inks.add(`${context.canvas.className} ${named(colour)}`);
    const size = context.measureText(text);
    const squeeze = Math.min(1, most / size.width);
    const [left, right] = [size.actualBoundingBoxLeft * squeeze, size.actualBoundingBoxRight * squeeze];
    const [up, down] = [size.actualBoundingBoxAscent, size.actualBoundingBoxDescent];
    const box = boxOf(context, x - left, y - up, left + right, up + down);
    const behind = coloursIn(context, box);
    if (behind.length) textsOf(context.canvas).push({ text: String(text), colour, box, behind }); // not beside it
  });
  listen(CanvasRenderingContext2D.prototype, "clearRect", (context, ...given) => {
    wipe(context.canvas, boxOf(context, ...given));
  });
  listen(CanvasRenderingContext2D.prototype, "fillRect", (context, ...given) => {
    const opaque = typeof context.fillStyle === "string" && parse(context.fillStyle)[3] === 1;
    if (opaque && context.globalAlpha === 1) wipe(context.canvas, boxOf(context, ...given));
  });
  const empty = (canvas) => drawn.get(canvas)?.splice(0);
  listen(CanvasRenderingContext2D.prototype, "reset", ({ canvas }) => empty(canvas));
  for (const side of ["width", "height"]) {
    const own = Object.getOwnPropertyDescriptor(HTMLCanvasElement.prototype, side);
    Object.defineProperty(HTMLCanvasElement.prototype, side, {
      ...own,
      set(value) {
        empty(this);
        own.set.call(this, value);
      },
    });
  }

  // -- what lies behind ---------------------------------------------------------------------------
  const parentOf = (node) => node.assignedSlot ?? node.parentElement ?? node.getRootNode().host ?? null;
  function* inside(node) {
    const children = node.shadowRoot ? [node.shadowRoot, node] : [node];
    for (const root of children) {
      for (const child of root.children) {
        yield child;
        yield* inside(child);
      }
    }
  }
  const isSeen = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  // Canvases below a text that stands out of the flow, and shapes of a drawing before it.
  const beneath = (element, box) => {
    const found = [];
    if (element instanceof SVGElement && element.localName !== "svg") {
      for (const shape of element.ownerSVGElement.querySelectorAll("rect, circle, path")) {
        const isBefore = shape.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING;
        const { fill, fillOpacity } = getComputedStyle(shape);
        if (!isBefore || fill === "none" || !isSeen(shape) || !within(shape.getBoundingClientRect(), box)) continue;
        found.push([[faded(parse(fill), Number(fillOpacity)), 1]]);
      }
      return found;
    }
    if (!/absolute|fixed/.test(getComputedStyle(element).position)) return found;
    const parent = parentOf(element);
    for (const canvas of parent ? inside(parent) : []) {
      if (canvas.localName !== "canvas" || !canvas.width || !canvas.height || !isSeen(canvas)) continue;
      const place = canvas.getBoundingClientRect();
      if (!within(place, box)) continue;
      const [across, down] = [canvas.width / place.width, canvas.height / place.height];
      found.push(coloursIn(canvas.getContext("2d"), {
        left: (box.left - place.left) * across, right: (box.right - place.left) * across,
        top: (box.top - place.top) * down, bottom: (box.bottom - place.top) * down,
      }));
    }
    return found;
  };
  // Contrast of a text's colour to most of what lies behind it: `layers` of colours with their counts,
  // the topmost first, then the backgrounds of `element` and all around it. What is see-through as a
  // whole, text and background, lets through what is behind it.
  const measured = (ink, layers, element, box) => {
    let pairs = [[ink, [0, 0, 0, 0], 1]]; // a colour of the text, one beside it, how often
    const isOpaque = () => pairs.every(([, back]) => back[3] > 1 - MARGIN);
    const put = (lower) => {
      if (!lower.length) return;
      const mixed = lower.flatMap(([colour, count]) =>
        pairs.map(([text, back, times]) => [over(text, colour), over(back, colour), times * count]));
      const every = Math.ceil(mixed.length / MOST_PAIRS);
      pairs = mixed.filter((_, at) => at % every === 0);
    };
    layers.forEach(put);
    for (let at = element; at; at = parentOf(at)) {
      const { backgroundColor, opacity } = getComputedStyle(at);
      put([[parse(backgroundColor), 1]]);
      if (opacity < 1) pairs = pairs.map(([text, back, times]) => [faded(text, opacity), faded(back, opacity), times]);
      if (box && !isOpaque()) beneath(at, box).reverse().forEach(put);
    }
    put([[parse("#fff"), 1]]);
    const ratios = pairs.map(([text, back, times]) => ({ ratio: contrast(text, back), text, back, times }));
    ratios.sort((one, other) => one.ratio - other.ratio);
    const total = ratios.reduce((sum, { times }) => sum + times, 0);
    let passed = 0;
    const found = ratios.find(({ times }) => (passed += times) > total * (1 - HOW_MUCH) - MARGIN);
    return { ratio: found.ratio, colour: named(found.text), behind: named(found.back) };
  };

  // -- the page's texts ---------------------------------------------------------------------------
  const whereIs = (element) => {
    const names = [];
    for (let at = element; at && names.length < 5; at = parentOf(at)) {
      const own = at.id ? `#${at.id}` : [...at.classList].map((name) => `.${name}`).join("");
      names.unshift(at.localName + own);
    }
    return names.join(" > ");
  };
  const IS_OFF = ":disabled, [aria-disabled=true], [aria-disabled=true] *, :disabled *";
  const told = (element, text, box, colour, layers = []) => ({
    text: text.trim().replace(/\s+/g, " ").slice(0, 60),
    where: whereIs(element),
    off: element.matches(IS_OFF),
    ...measured(colour, layers, element, box),
  });
  const FIELDS = "select, textarea, input:not([type=range], [type=checkbox], [type=radio], [type=color])";
  const colourOf = (style, element) => {
    if (!(element instanceof SVGElement)) return parse(style.color);
    return faded(parse(style.fill), Number(style.fillOpacity));
  };
  // What is below the screen is drawn ahead, and dimmed until it comes in sight and is up to date.
  const awaitsSight = (element) => {
    if (element.getBoundingClientRect().top < innerHeight) return false;
    for (let at = element; at; at = parentOf(at)) if (at.getAttribute?.("aria-busy") === "true") return true;
    return false;
  };
  function* textsIn(element) {
    if (!isSeen(element) || awaitsSight(element)) return;
    const style = getComputedStyle(element);
    if (element.matches(FIELDS)) {
      const box = element.getBoundingClientRect();
      const text = element.localName === "select" ? element.selectedOptions[0]?.text : element.value;
      if (text && box.width > 1) yield told(element, text, box, colourOf(style, element));
      else if (element.placeholder && box.width > 1) {
        yield told(element, element.placeholder, box, parse(getComputedStyle(element, "::placeholder").color));
      }
      return;
    }
    for (const node of element.childNodes) {
      if (node.nodeType !== Node.TEXT_NODE || !node.textContent.trim()) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const box = range.getBoundingClientRect();
      if (box.width > 1 && box.height > 1) yield told(element, node.textContent, box, colourOf(style, element));
    }
    for (const part of ["::before", "::after"]) {
      const added = getComputedStyle(element, part);
      const text = /^"(.*)"$/.exec(added.content)?.[1];
      if (text?.trim()) yield told(element, text, element.getBoundingClientRect(), parse(added.color));
    }
  }
  const canvasTexts = () => [...all].flatMap((reference) => {
    const canvas = reference.deref();
    if (!canvas?.isConnected || !isSeen(canvas) || !drawn.has(canvas)) return [];
    return drawn.get(canvas).map(({ text, colour, behind }) => told(canvas, text, null, colour, [behind]));
  });

  // Colours of the texts of canvases since the page began, each behind the class of its canvas.
  window.trainlapseInks = () => [...inks];
  window.trainlapseContrast = () => {
    const skipped = /^(script|style|link|title|head|noscript|option|svg:title)$/;
    const elements = [document.body, ...inside(document.body)].filter((element) => !skipped.test(element.localName));
    return [...elements.flatMap((element) => [...textsIn(element)]), ...canvasTexts()];
  };
})();
