// Where texts and controls are on the page, in canvases and shadow trees too, and what is wrong
// with their places. Runs before the page's own scripts: texts in canvases are noted as they are drawn.
(() => {
  // -- texts in canvases ------------------------------------------------------------------------
  // By canvas what it shows, in its own pixels; corners of an oblong in turn.
  const drawn = new WeakMap(); // canvas to {texts, marks, pictures}
  const states = new WeakMap(); // context to its clip and the clips that were saved
  const of = (canvas) => {
    if (!drawn.has(canvas)) drawn.set(canvas, { texts: [], marks: [], pictures: [] });
    return drawn.get(canvas);
  };
  const stateOf = (pen) => {
    if (!states.has(pen)) states.set(pen, { clip: null, saved: [], box: null, paths: [] });
    return states.get(pen);
  };
  const corners = (pen, x, y, width, height) => {
    const { a, b, c, d, e, f } = pen.getTransform();
    return [[x, y], [x + width, y], [x + width, y + height], [x, y + height]]
      .map(([u, v]) => ({ x: a * u + c * v + e, y: b * u + d * v + f }));
  };
  const around = (points) => {
    const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
    return { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) };
  };
  const common = (one, other) => !other ? one : !one ? other : ({
    left: Math.max(one.left, other.left), top: Math.max(one.top, other.top),
    right: Math.min(one.right, other.right), bottom: Math.min(one.bottom, other.bottom),
  });
  const isMet = (one, other, slack = 0) => one.left < other.right - slack && other.left < one.right - slack &&
    one.top < other.bottom - slack && other.top < one.bottom - slack;
  const holds = (box, { left, top, right, bottom }, slack = 0) =>
    left >= box.left - slack && top >= box.top - slack && right <= box.right + slack && bottom <= box.bottom + slack;
  const forget = (canvas, box) => {
    const painted = (of(canvas).painted ?? 0) + 1;
    if (!box) drawn.set(canvas, { texts: [], marks: [], pictures: [], painted });
    else {
      const { texts, marks, pictures } = of(canvas);
      // What was drawn beyond the edges never was to be seen.
      const whole = { left: 0, top: 0, right: canvas.width, bottom: canvas.height };
      const keep = (list) => list.filter(({ points }) => !holds(box, common(around(points), whole), 1));
      drawn.set(canvas, { texts: keep(texts), marks: keep(marks), pictures: keep(pictures), painted });
    }
  };
  const pens = CanvasRenderingContext2D.prototype;
  const wrap = (name, before) => {
    const own = pens[name];
    pens[name] = function (...given) {
      if (this.canvas instanceof HTMLCanvasElement) before.apply(this, given);
      return own.apply(this, given);
    };
  };
  wrap("fillText", function (text, x, y, most) {
    if (!String(text).trim() || this.globalAlpha === 0) return;
    const size = this.measureText(text);
    const squeezed = most === undefined ? 1 : Math.min(1, most / size.width);
    const [left, right] = [size.actualBoundingBoxLeft * squeezed, size.actualBoundingBoxRight * squeezed];
    const [up, down] = [size.actualBoundingBoxAscent, size.actualBoundingBoxDescent];
    const points = corners(this, x - left, y - up, left + right, up + down);
    const { texts, marks, halo } = of(this.canvas);
    // On a ground of its own a text hides what was drawn there before.
    const crossed = halo === `${text} ${x} ${y}` ? marks.length : 0;
    texts.push({ text: String(text), points, clip: stateOf(this).clip, squeezed, crossed, covers: [] });
  });
  wrap("strokeText", function (text, x, y) {
    if (this.lineWidth >= 3) of(this.canvas).halo = `${text} ${x} ${y}`;
  });
  // What the explorer's own pictures have besides texts; a figure's curves may cross its labels.
  const isOwn = ({ canvas }) => !canvas.classList.contains("bk-layer");
  const noted = (pen, points) => of(pen.canvas).marks.push({ points, line: pen.lineWidth * pen.getTransform().a });
  wrap("strokeRect", function (x, y, width, height) {
    const points = corners(this, x, y, width, height);
    if (isOwn(this)) noted(this, [...points, points[0]]);
  });
  wrap("stroke", function () {
    if (isOwn(this)) for (const path of stateOf(this).paths) if (path.length > 1) noted(this, path);
  });
  const point = (pen, x, y) => corners(pen, x, y, 0, 0)[0];
  wrap("moveTo", function (x, y) { stateOf(this).paths.push([point(this, x, y)]); });
  wrap("lineTo", function (x, y) { stateOf(this).paths.at(-1)?.push(point(this, x, y)); });
  wrap("bezierCurveTo", function (...given) {
    const path = stateOf(this).paths.at(-1);
    const [b, c, d] = [0, 2, 4].map((at) => point(this, given[at], given[at + 1]));
    const a = path?.at(-1);
    for (let part = 1; a && part <= 24; part++) {
      const [t, u] = [part / 24, 1 - part / 24];
      const along = (name) => u ** 3 * a[name] + 3 * u * u * t * b[name] + 3 * u * t * t * c[name] + t ** 3 * d[name];
      path.push({ x: along("x"), y: along("y") });
    }
  });
  wrap("drawImage", function (image, ...given) {
    if (!isOwn(this)) return;
    const [x, y, width = image.width, height = image.height] = given.length > 4 ? given.slice(4) : given;
    of(this.canvas).pictures.push({ points: corners(this, x, y, width, height) });
  });
  wrap("fillRect", function (x, y, width, height) {
    const { texts } = of(this.canvas);
    if (!texts.length || this.globalAlpha < 1) return;
    const box = around(corners(this, x, y, width, height));
    for (const text of texts) if (isMet(box, around(text.points))) text.covers.push(box);
  });
  wrap("clearRect", function (x, y, width, height) { forget(this.canvas, around(corners(this, x, y, width, height))); });
  wrap("reset", function () {
    forget(this.canvas);
    states.delete(this);
  });
  wrap("save", function () { stateOf(this).saved.push(stateOf(this).clip); });
  wrap("restore", function () {
    const state = stateOf(this);
    if (state.saved.length) state.clip = state.saved.pop();
  });
  wrap("beginPath", function () { Object.assign(stateOf(this), { box: null, paths: [] }); });
  wrap("rect", function (x, y, width, height) { stateOf(this).box = around(corners(this, x, y, width, height)); });
  wrap("clip", function () { stateOf(this).clip = common(stateOf(this).clip, stateOf(this).box); });
  for (const side of ["width", "height"]) {
    const own = Object.getOwnPropertyDescriptor(HTMLCanvasElement.prototype, side);
    Object.defineProperty(HTMLCanvasElement.prototype, side, {
      ...own,
      set(value) {
        forget(this);
        own.set.call(this, value);
      },
    });
  }

  // -- what is on the page ------------------------------------------------------------------------
  const CONTROLS = "button, input, select, textarea, summary, a[href], [role=button], [role=slider], [role=option], " +
    "[role=tab], [role=menuitem], [role=radio], [role=switch]";
  const childrenOf = (node) => node.shadowRoot ? node.shadowRoot.childNodes
    : node.localName === "slot" ? node.assignedNodes() : node.childNodes;
  const parentOf = (node) => node.assignedSlot ?? node.parentElement ?? node.getRootNode().host ?? null;
  const isWithin = (node, outer) => {
    for (let at = node; at; at = parentOf(at)) if (at === outer) return true;
    return false;
  };
  const boxOf = (element) => {
    const { left, top, right, bottom } = element.getBoundingClientRect();
    return { left, top, right, bottom };
  };
  const isSomewhere = ({ left, top, right, bottom }) => right - left > 1 && bottom - top > 1;
  const oblong = ({ left, top, right, bottom }) =>
    [{ x: left, y: top }, { x: right, y: top }, { x: right, y: bottom }, { x: left, y: bottom }];

  // Title of the card that an element is, if it is one.
  const titleOf = (element) => {
    for (const child of element?.shadowRoot?.children ?? []) {
      const title = child.shadowRoot?.querySelector(".head > h3");
      if (title) return title.textContent;
    }
    return null;
  };

  // Every text, control and picture that is to be seen. `clip`: what is cut away around it;
  // `scrolls`: what lies outside is reached by scrolling; `layer`: what it floats on, if it does.
  const collect = () => {
    const found = { texts: [], controls: [], pictures: [], marks: [] };
    const visit = (node, given) => {
      if (node.nodeType === Node.TEXT_NODE) {
        if (!node.data.trim() || !given.seen) return;
        const range = document.createRange();
        range.selectNodeContents(node);
        for (const rect of range.getClientRects()) {
          if (rect.width <= 1 || rect.height <= 1) continue;
          // The line's letters; above and below them it holds room of its own.
          const room = 0.14 * rect.height;
          const box = { left: rect.left, top: rect.top + room, right: rect.right, bottom: rect.bottom - room };
          found.texts.push({ ...given, text: node.data.trim(), points: oblong(box), source: node, node: node.parentElement ?? node.getRootNode().host });
        }
        return;
      }
      if (node.nodeType !== Node.ELEMENT_NODE || /^(script|style|link|option|template)$/.test(node.localName)) return;
      const style = getComputedStyle(node);
      if (style.display === "none" || style.opacity === "0") return;
      const now = { ...given, seen: style.visibility === "visible" };
      const floats = /fixed|sticky/.test(style.position) || Number(style.zIndex) > 0;
      if (floats) now.layer = node;
      if (style.position === "fixed") now.clip = now.scrolls = null;
      const box = boxOf(node);
      if (now.seen && isSomewhere(box) && node.localName !== "svg") {
        if (node.matches(CONTROLS)) found.controls.push({ ...now, node, points: oblong(box) });
        if (node.localName === "canvas") {
          found.pictures.push({ ...now, node, points: oblong(box) });
          const { texts, marks, pictures } = of(node);
          const [wide, tall] = [(box.right - box.left) / node.width, (box.bottom - box.top) / node.height];
          const place = ({ x, y }) => ({ x: box.left + x * wide, y: box.top + y * tall });
          const placed = (one) => one && around(oblong(one).map(place));
          for (const text of texts) {
            const covers = text.covers.map(placed);
            found.texts.push({
              ...now, node, text: text.text, points: text.points.map(place), covers, squeezed: text.squeezed,
              clip: common(now.clip, placed(text.clip)), picture: text.clip ? null : box,
              crossed: text.crossed, on: pictures.map(({ points }) => around(points.map(place))),
            });
          }
          marks.forEach((mark, at) => found.marks.push({ ...now, node, at, points: mark.points.map(place), line: mark.line * wide }));
        }
      }
      if (style.overflowX !== "visible" || style.overflowY !== "visible") {
        const hides = /hidden|clip/;
        const own = { ...box };
        if (style.overflowX === "visible") [own.left, own.right] = [-Infinity, Infinity];
        if (style.overflowY === "visible") [own.top, own.bottom] = [-Infinity, Infinity];
        now.clip = common(now.clip, own);
        const cut = {
          left: hides.test(style.overflowX) ? box.left : -Infinity, right: hides.test(style.overflowX) ? box.right : Infinity,
          top: hides.test(style.overflowY) ? box.top : -Infinity, bottom: hides.test(style.overflowY) ? box.bottom : Infinity,
        };
        // What is scrolled out of a box can be reached; what a box hides cannot, unless it says so (…).
        if (/auto|scroll/.test(style.overflowX + style.overflowY)) now.cut = null;
        if (!/ellipsis/.test(style.textOverflow)) now.cut = common(now.cut, cut);
        if (/auto|scroll/.test(style.overflowX)) now.scrolls = node;
      }
      if (titleOf(node)) now.card = node;
      const shut = node.localName === "details" && !node.open;
      for (const child of childrenOf(node)) if (!shut || child.localName === "summary") visit(child, now);
    };
    visit(document.body, { seen: true, clip: null, cut: null, scrolls: null, layer: null, card: null });
    return found;
  };

  // -- what is wrong --------------------------------------------------------------------------------
  // How far two oblongs reach into each other: along the direction in which that is least.
  const depth = (one, other) => {
    let least = Infinity;
    for (const points of [one, other]) {
      for (const at of [0, 1]) {
        const [x, y] = [points[at + 1].x - points[at].x, points[at + 1].y - points[at].y];
        const long = Math.hypot(x, y);
        if (!long) return 0;
        const along = (each) => each.map((point) => (point.x * x + point.y * y) / long);
        const [a, b] = [along(one), along(other)];
        least = Math.min(least, Math.max(...a) - Math.min(...b), Math.max(...b) - Math.min(...a));
      }
    }
    return least;
  };
  const visible = ({ points, clip }) => {
    const box = common(around(points), clip);
    return isSomewhere(box) ? box : null;
  };
  // Each part of a line as the oblong that it fills.
  const strokes = ({ points, line }) => points.slice(1).map((to, at) => {
    const from = points[at];
    const long = Math.hypot(to.x - from.x, to.y - from.y) || 1;
    const [x, y] = [((to.y - from.y) / long) * line / 2, (-(to.x - from.x) / long) * line / 2];
    return [{ x: from.x + x, y: from.y + y }, { x: to.x + x, y: to.y + y }, { x: to.x - x, y: to.y - y }, { x: from.x - x, y: from.y - y }];
  });
  const nameOf = ({ node, text }) => text !== undefined ? `“${text.slice(0, 40)}”`
    : `<${node.localName} ${node.getAttribute("aria-label") ?? node.title ?? ""}${(node.textContent ?? "").trim().slice(0, 25)}>`;
  const reached = (x, y) => {
    let top = document.elementFromPoint(x, y);
    while (top?.shadowRoot) {
      const inner = top.shadowRoot.elementFromPoint(x, y);
      if (!inner || inner === top) break;
      top = inner;
    }
    return top;
  };
  const SLACK = 2;

  // Sentences that each say one thing that is wrong; no sentence, and all is in its place.
  const faults = () => {
    const { texts, controls, pictures, marks } = collect();
    const said = new Set();
    const say = (what, part, ...rest) => said.add(`${titleOf(part.card) ?? "outside of cards"}: ${what}: ${[part, ...rest].map(nameOf).join(" and ")}`);
    const shown = texts.map((text) => ({ ...text, box: visible(text) })).filter(({ box }) => box)
      .sort((one, other) => one.box.top - other.box.top);
    const meets = (one, other) => {
      if (one.layer !== other.layer || (one.source && one.source === other.source)) return false;
      const both = common(one.box, other.box);
      if (both.right - both.left <= SLACK || both.bottom - both.top <= SLACK) return false;
      if ([...one.covers ?? [], ...other.covers ?? []].some((cover) => holds(cover, both, 1))) return false;
      return depth(one.points, other.points) > SLACK;
    };
    shown.forEach((one, at) => {
      for (let next = at + 1; next < shown.length && shown[next].box.top < one.box.bottom; next++) {
        if (meets(one, shown[next])) say("texts overlap", one, shown[next]);
      }
      if (one.squeezed < 0.8) say(`a text is squeezed to ${Math.round(100 * one.squeezed)} %`, one);
    });
    const placed = controls.map((control) => ({ ...control, box: visible(control) })).filter(({ box }) => box);
    for (const control of placed) {
      for (const text of shown) {
        if (!isWithin(text.node, control.node) && !isWithin(control.node, text.node) && meets(control, text)) say("a control overlaps a text", control, text);
      }
      for (const other of placed) {
        if (other === control) break;
        if (!isWithin(other.node, control.node) && !isWithin(control.node, other.node) && meets(control, other)) say("controls overlap", control, other);
      }
    }
    for (const mark of marks) {
      const box = visible(mark);
      const hidden = (text) => text.node === mark.node && mark.at < text.crossed;
      const near = box && shown.filter((text) => text.layer === mark.layer && !hidden(text) && isMet(box, text.box));
      if (near?.length) {
        const parts = strokes(mark);
        for (const text of near) if (parts.some((part) => depth(part, text.points) > 1)) say("a line crosses a text", text);
      }
    }
    for (const text of shown) {
      const isAcross = (picture) => !holds(picture, text.box, 1) && isMet(picture, text.box, SLACK);
      if (text.on?.some(isAcross)) say("a text reaches into a picture", text);
    }
    // Nothing leaves what holds it: its picture, its card, the page.
    const page = { left: 0, right: document.documentElement.clientWidth, top: -Infinity, bottom: Infinity };
    const parts = [...shown, ...placed, ...pictures.map((picture) => ({ ...picture, box: visible(picture) })).filter(({ box }) => box)];
    for (const part of parts) {
      const whole = around(part.points);
      if (part.picture && !holds(part.picture, whole, SLACK)) say("cut off at the edge of its picture", part);
      if (part.cut && !holds(part.cut, whole, SLACK)) say("cut off", part);
      if (part.card && part.layer !== part.card && isWithin(part.layer ?? part.card, part.card) === Boolean(part.layer)) {
        if (!holds(boxOf(part.card), part.box, SLACK)) say("leaves its card", part);
      }
      if (!part.scrolls && !holds(page, whole, SLACK)) say("out of the page", part);
    }
    // A control must be what a click at its middle meets.
    for (const control of placed) {
      const { node } = control;
      if (node.disabled) continue;
      node.scrollIntoView({ block: "center", inline: "nearest" });
      const box = boxOf(node);
      const top = reached((box.left + box.right) / 2, (box.top + box.bottom) / 2);
      if (top && (isWithin(top, node) || isWithin(node, top) && top.localName === "label")) continue;
      say(top ? "a control is covered" : "a control is out of reach", control, ...(top ? [{ node: top }] : []));
    }
    return [...said];
  };

  // -- when to look -----------------------------------------------------------------------------------
  const STILL_FRAMES = 12;
  const seenOn = (node, list) => {
    for (const child of childrenOf(node)) {
      if (child.nodeType !== Node.ELEMENT_NODE) continue;
      if (child.matches("canvas, .busy:not([hidden]), .message:not([hidden])") && child.getClientRects().length) list.push(child);
      seenOn(child, list);
    }
    return list;
  };
  // A card of a view that is on screen has a caption as soon as it has a picture, or says why it has none.
  const isHead = ({ el, model }) => {
    const { seen, caption } = model?.data?.attributes ?? {};
    return el && seen !== undefined && caption !== undefined;
  };
  const isLate = ({ el, model }) => {
    const { numbers, state: shown, caption } = model.data.attributes;
    const { top, bottom, width } = el.getBoundingClientRect();
    return numbers && width > 0 && bottom > 0 && top < innerHeight && (["unseen", "computing", "renewing"].includes(shown) || (shown === "content" && !caption));
  };
  // The page as it is: where its pictures are, and how often they were painted; null while it computes.
  const state = () => {
    if (!window.Bokeh?.documents.every((doc) => doc.is_idle)) return null;
    const heads = [...Bokeh.index.query(isHead)];
    if (!heads.length || heads.some(isLate)) return null;
    const seen = seenOn(document.body, []);
    if (seen.some((node) => node.matches(".busy"))) return null;
    return seen.map((node) => [...Object.values(boxOf(node)), node.dataset.index, of(node).painted].join()).join(";");
  };
  // Waits until nothing is computed, moves or is painted any more.
  const rest = async (patience) => {
    const end = performance.now() + patience;
    let [before, still] = [null, 0];
    while (still < STILL_FRAMES) {
      if (performance.now() > end) throw new Error("the page does not come to rest");
      await new Promise(requestAnimationFrame);
      const now = state();
      still = now !== null && now === before ? still + 1 : 0;
      before = now;
    }
  };
  window.trainlapseBoxes = { faults, rest };
})();
