// explorer/widgets/shared/cards.js
var SETTLE_MS = [0, 350, 1200];
var GAP_PX = 10;
var LETTER = /^[AB] · /;
var page = () => document.querySelector("main") ?? document.scrollingElement;
var top = () => document.querySelector(".bar")?.getBoundingClientRect().bottom ?? 0;
function* cardsBelow(node) {
  for (const child of (node.shadowRoot ?? node).children ?? []) {
    if (child.matches(".head") && child.querySelector("h3")) {
      const host = child.getRootNode().host;
      const card = host?.parentElement ?? host?.getRootNode().host;
      if (card) yield { title: child.querySelector("h3").textContent, card };
    }
    yield* cardsBelow(child);
  }
}
function cardScroller() {
  let timers = [];
  const settle = () => {
    timers.forEach(clearTimeout);
    timers = [];
  };
  const to = (title) => {
    settle();
    const main = page();
    let left = null;
    const move = () => {
      if (left !== null && Math.abs(main.scrollTop - left) > 2) return settle();
      for (const { title: other, card } of cardsBelow(main)) {
        const box = card.getBoundingClientRect();
        if (![other, other.replace(LETTER, "")].includes(title) || !box.height) continue;
        main.scrollTop += box.top - top() - GAP_PX;
        break;
      }
      left = main.scrollTop;
    };
    timers = SETTLE_MS.map((wait) => setTimeout(move, wait));
  };
  return { to, settle };
}

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
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") made.textContent = value;
    else if (value !== void 0 && value !== null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

// explorer/widgets/page/what_happened.js
var NAMES = { fault: "Fault", warning: "Warning", note: "" };
function render({ model, el }) {
  const clock = clockOf(model.channel);
  const scroll = cardScroller();
  const place = element("section", { class: "happened", "aria-label": "What happened" });
  el.append(place);
  const go = (finding) => {
    clock.choose(finding.go);
    if (finding.index >= 0) clock.go(finding.index);
    if (finding.view) scroll.to(finding.view);
  };
  const row = (finding) => {
    const leads = finding.index >= 0 || finding.view || Object.values(finding.go).some((value) => value !== null);
    const said = element(leads ? "button" : "span", leads ? { type: "button", class: "go" } : { class: "go" });
    const name = NAMES[finding.severity];
    if (name) said.append(element("span", { class: "severity", text: `${name}: ` }));
    said.append((finding.run && name ? `${finding.run.toUpperCase()}: ` : "") + finding.sentence);
    if (leads) said.addEventListener("click", () => go(finding));
    const item = element("li", { class: finding.severity }, said);
    if (finding.remedy) item.append(element("span", { class: "remedy", text: `Try: ${finding.remedy}` }));
    return item;
  };
  const build = () => {
    place.hidden = !model.findings.length && !model.quiet;
    place.replaceChildren(
      element("h3", { text: "What happened" }),
      ...model.quiet ? [element("p", { class: "quiet", text: model.quiet })] : [],
      element("ol", {}, ...model.findings.map(row))
    );
  };
  model.on(["findings", "quiet"], build);
  build();
  return scroll.settle;
}
export {
  render
};
