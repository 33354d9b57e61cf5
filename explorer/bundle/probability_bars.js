// explorer/widgets/shared/numbers.js
function clamp(value, low = 0, high = 1) {
  return Math.max(low, Math.min(high, value));
}

// explorer/widgets/shared/clock.js
var UNCHOSEN = -1;
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
function heed(model, event, listener) {
  const clock = clockOf(model.channel);
  clock.addEventListener(event, listener);
  model.on("remove", () => clock.removeEventListener(event, listener));
  listener();
  return clock;
}
var NEAR_PX = 200;
function follow(model, place, draw) {
  const clock = clockOf(model.channel);
  let near = false;
  const watcher = new IntersectionObserver((entries) => {
    near = entries.at(-1).isIntersecting;
    if (near) draw(clock.index);
  }, { rootMargin: `${NEAR_PX}px`, scrollMargin: `${NEAR_PX}px` });
  watcher.observe(place);
  const onTick = () => near && draw(clock.index);
  const onComplete = () => {
    near = place.getClientRects().length > 0;
    onTick();
  };
  clock.addEventListener("tick", onTick);
  clock.addEventListener("complete", onComplete);
  model.on("remove", () => {
    watcher.disconnect();
    clock.removeEventListener("tick", onTick);
    clock.removeEventListener("complete", onComplete);
  });
  return () => near;
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

// explorer/widgets/charts/probability_bars.js
var ALL_CLASSES = 12;
var TOP_CLASSES = 10;
var PARAMETERS = ["class_names", "colours", "truth", "values"];
function classesShown(shares, truth) {
  const classes = shares.map((_, number) => number);
  if (classes.length <= ALL_CLASSES) return classes;
  const height = (number) => Number.isNaN(shares[number]) ? -1 : shares[number];
  classes.sort((one, other) => height(other) - height(one));
  return classes.filter((number, rank) => rank < TOP_CLASSES || number === truth);
}
var explainedOf = (target, truth) => target >= 0 ? target : truth;
function render({ model, el }) {
  const list = element("div", { class: "bars", role: "list", "aria-label": "Predicted probabilities" });
  el.append(list);
  let rows = /* @__PURE__ */ new Map();
  let its = {};
  const rowOf = (number) => {
    if (!rows.has(number)) {
      const bar = element("span", { class: "filled" });
      const value = element("span", { class: "value" });
      const truth = number === its.truth;
      const row = element(
        "div",
        { class: truth ? "row truth" : "row", role: "listitem", title: truth ? "true class" : "" },
        element("span", { class: "swatch", style: `background:${its.colours[number] ?? "transparent"}` }),
        element("span", { class: "class", text: its.class_names[number] }),
        element("span", { class: "space" }, bar),
        value
      );
      row.addEventListener("click", () => {
        clock.choose({ target: clock.choice.target === number ? UNCHOSEN : number });
      });
      rows.set(number, { row, bar, value });
    }
    return rows.get(number);
  };
  const draw = (index) => {
    const { values } = its;
    if (!values?.shape) return;
    const count = values.shape[1];
    const shares = Array.from({ length: count }, (_, number) => values[index * count + number]);
    const best = shares.reduce((top, share, number) => share > shares[top] ? number : top, 0);
    const shown = classesShown(shares, its.truth).map((number) => {
      const { row, bar, value } = rowOf(number);
      const share = shares[number];
      const known = Number.isFinite(share);
      bar.style.width = `${known ? clamp(share) * 100 : 0}%`;
      value.textContent = known ? `${(share * 100).toFixed(share < 0.0995 ? 1 : 0)} %` : "NaN";
      row.classList.toggle("best", number === best && known);
      return row;
    });
    const same = shown.length === list.children.length && shown.every((row, rank) => row === list.children[rank]);
    if (!same) list.replaceChildren(...shown);
    explain();
    list.dataset.index = index;
  };
  const explain = () => {
    const explained = explainedOf(clock.choice.target, its.truth);
    for (const [number, { row }] of rows) row.classList.toggle("explained", number === explained);
  };
  const clock = clockOf(model.channel);
  const renew = () => {
    its = Object.fromEntries(PARAMETERS.map((name) => [name, model[name]]));
    rows = /* @__PURE__ */ new Map();
    list.replaceChildren();
    draw(clock.index);
  };
  renew();
  follow(model, list, draw);
  heed(model, "choice", explain);
  model.on(PARAMETERS, renew);
}
export {
  classesShown,
  explainedOf,
  render
};
