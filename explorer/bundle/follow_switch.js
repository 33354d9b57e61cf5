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

// explorer/widgets/time/follow_switch.js
function render({ model, el }) {
  const clock = clockOf(model.channel);
  const button = element("button", {
    type: "button",
    role: "switch",
    title: "Keep the slider at the newest step while the run is recorded"
  });
  const steps = element("span", { class: "steps" });
  button.append(element("span", { class: "dot", "aria-hidden": "true" }), element("span", { text: "Follow" }), steps);
  const box = element("span", { class: "follow" }, button);
  el.append(box);
  let following = null;
  let count = model.count;
  let leading = false;
  const show = () => {
    box.hidden = !model.live;
    steps.textContent = `${model.count} steps`;
    button.setAttribute("aria-checked", following === true);
  };
  const lead = () => {
    leading = true;
    clock.go(clock.count - 1);
    leading = false;
  };
  const onTick = () => {
    if (leading) return;
    const newest = clock.index === count - 1;
    if (following === null || following && !newest) following = newest;
    show();
  };
  button.addEventListener("click", () => {
    following = !following;
    if (following) lead();
    show();
  });
  model.on("count", () => {
    following ??= clock.index >= count - 1;
    count = model.count;
    if (following) lead();
    show();
  });
  model.on("live", show);
  model.on("reload", () => location.reload());
  clock.addEventListener("tick", onTick);
  model.on("remove", () => clock.removeEventListener("tick", onTick));
  if (clock.count > 1) onTick();
  show();
}
export {
  render
};
