// The one clock of a page: which recorded step is on screen. Widgets meet here, without the
// server. This file is prepended to every widget's module, so the state lives on the window.
function clockOf(channel) {
  const clocks = (window.trainlapseClocks ??= new Map());
  if (!clocks.has(channel)) {
    const clock = new EventTarget();
    clock.index = 0;
    clock.count = 1;
    clock.start = (count, index) => {
      clock.count = Math.max(1, count);
      clock.index = -1;
      clock.go(index);
    };
    clock.go = (index) => {
      const next = Math.max(0, Math.min(clock.count - 1, Math.round(index)));
      if (next === clock.index || Number.isNaN(next)) return;
      clock.index = next;
      clock.dispatchEvent(new Event("tick"));
    };
    clocks.set(channel, clock);
  }
  return clocks.get(channel);
}

// Calls `draw` at once and on every tick, until the widget is removed.
function follow(model, draw) {
  const clock = clockOf(model.channel);
  const listener = () => draw(clock.index);
  clock.addEventListener("tick", listener);
  model.on("remove", () => clock.removeEventListener("tick", listener));
  listener();
  return clock;
}

// Bokeh takes a component that came from the server for one of the page's own until the page has
// sent something else, and would send a second copy of it along with its first message.
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
    else if (value !== undefined && value !== null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}
