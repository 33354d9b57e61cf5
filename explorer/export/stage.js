// Films and figures: brings one card, or the whole page, to a step, and says when all of it is drawn.
// Runs in a page of the explorer; explorer/export/screen.py calls it.
import { clockOf, element, introduce } from "../widgets/shared/clock.js";
import { elementsIn } from "../widgets/shared/snapshot.js";
import { vectorOf } from "../widgets/shared/vector.js";

const viewsOf = (wanted) => [...Bokeh.index.query(wanted)];
const dataOf = (view) => view.model.data?.attributes ?? {};
const isHead = (view) => "seen" in dataOf(view) && "caption" in dataOf(view);
const isVisible = (node) => node.getClientRects().length > 0 && getComputedStyle(node).visibility !== "hidden";

// Elements around a node, across shadow trees, from the inside.
function* around(node) {
  for (let at = node; at && at !== document.documentElement; at = at.parentNode ?? at.host) {
    if (at.nodeType === Node.ELEMENT_NODE) yield at;
  }
}

const force = (node, styles) => {
  for (const [name, value] of Object.entries(styles)) node.style.setProperty(name, value, "important");
};

const CONTROLS = ".limits, input, .choice [role=radio]:not([aria-checked=true]), .choice [role=checkbox]:not([aria-checked=true])";
// Sentences that tell what to do with the mouse.
const HINT = /(?<=^|[.!?:;] )(Click|Hover|Drag|Press|Point) [^.]*\.\s*/g;
const CHOSEN = ".choice .group, .choice button, select, button.quiet";
const AS_TEXT = { appearance: "none", "text-decoration": "none", border: "0", padding: "0", background: "none", "background-image": "none" };

function stageOf(channel, title) {
  const clock = clockOf(channel);
  let card = null; // none: the whole page
  let foot = null;

  const cardView = () => viewsOf(isHead).find((view) => view.model.data.title === title && isVisible(view.parent.el))?.parent;

  const headOfCard = () => viewsOf(isHead).find((view) => view.parent === card).model.data;

  // -- the card alone on the page, with the step below it --------------------------------------
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
  // On paper nothing can be pressed: of a choice, what is chosen stays as a text. On the whole page
  // what is hidden keeps its room.
  const hideControls = () => {
    for (const node of elementsIn(card?.el ?? document.body)) {
      if (node.matches(".no-snapshot")) force(node, card ? { display: "none" } : { visibility: "hidden" });
      else if (card && node.matches(CONTROLS)) force(node, { display: "none" });
      else if (card && node.matches(CHOSEN)) {
        force(node, AS_TEXT);
        if (node.matches(".choice button")) node.style.removeProperty("display"); // once not chosen, and hidden
      }
      else if (card && node.matches(".caption")) {
        const said = node.textContent.replace(HINT, "").trim();
        if (said !== node.textContent) node.textContent = said;
      }
    }
  };
  const label = () => {
    if (!foot) return;
    const [text, line] = foot.children;
    text.textContent = `${headOfCard().source} · ${clock.label(clock.index)}`;
    force(line, { width: `${(100 * clock.index) / Math.max(1, clock.count - 1)}%` });
  };

  // -- what is not drawn yet ---------------------------------------------------------------------
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
    // A card of a view has a caption as soon as it has a picture.
    const waits = !seen || ["unseen", "computing", "renewing"].includes(state) || (state === "content" && !caption);
    return numbers && waits ? `“${name}” is being computed` : "";
  };
  const widgetFault = (view) => {
    const nodes = [...elementsIn(view.el)];
    if (!nodes.some((node) => !/^(style|link)$/.test(node.localName) && node.localName !== "slot" && node.parentNode !== view.shadow_el)) return "a widget is loading";
    const marked = nodes.filter((node) => node.dataset?.index !== undefined && isVisible(node));
    if (marked.some((node) => Number(node.dataset.index) !== clock.index)) return "a picture shows another step";
    const told = nodes.some((node) => node.matches(".message, .note") && isVisible(node) && node.textContent.trim());
    // What comes from the server step by step marks what it has drawn, or says why it cannot.
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
    if ("channel" in dataOf(view)) return onScreen(view) ? widgetFault(view) : ""; // others are not drawn
    return view.canvas_view ? figureFault(view) : "";
  };
  const fault = () => {
    if (!Bokeh.documents.every((doc) => doc.is_idle)) return "the page is loading";
    for (const view of viewsOf((view) => view.el && view.model)) {
      const found = inScope(view) && faultOf(view);
      if (found) return found;
    }
    return "";
  };
  const settle = async (patience) => {
    const end = performance.now() + patience;
    let sound = 0;
    let found = "";
    // Twice: what is drawn may have asked for more, such as a scroll bar that takes room.
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

  // The card's heading answers once the run's worker has done all that it was asked before.
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
    const fault = await settle(patience);
    if (fault || !card) return fault;
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
      clock.dispatchEvent(new Event("complete")); // also what is out of sight
      label();
      return settle(patience);
    },
    // Why the card has no picture; empty if it has one.
    absence: () => (card && ["nothing", "fault", "stopped"].includes(headOfCard().state) ? headOfCard().said : ""),
    // The whole of it, in page pixels.
    box: () => {
      if (!card) return { x: 0, y: 0, width: innerWidth, height: innerHeight };
      const { left, top, width } = card.el.getBoundingClientRect();
      return { x: left, y: top, width, height: foot.getBoundingClientRect().bottom - top };
    },
    svg: () => {
      const text = foot.firstChild.textContent;
      return vectorOf(card.el, text);
    },
  };
}

window.stageOf = stageOf;
