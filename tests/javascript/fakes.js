// Stand-ins for what a page gives its scripts.

// A page of its own for a test, with what is `given` as globals; its window is an EventTarget.
export function onPage(given = {}) {
  for (const [name, value] of Object.entries({ window: new EventTarget(), ...given })) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
}

// A clock that goes on when it is told to: `advance(ms)`. Timers and pictures come in their order.
export function fakeTime({ frameMs = 20 } = {}) {
  let now = 1000;
  let last = 0;
  const due = new Map();
  const later = (act, at) => {
    due.set(++last, { act, at });
    return last;
  };
  return {
    performance: { now: () => now },
    setTimeout: (act, ms = 0) => later(act, now + ms),
    clearTimeout: (id) => due.delete(id),
    requestAnimationFrame: (act) => later(() => act(now), now + frameMs),
    cancelAnimationFrame: (id) => due.delete(id),
    advance(ms) {
      const end = now + ms;
      for (;;) {
        const [next] = [...due].filter(([, { at }]) => at <= end).sort(([, one], [, other]) => one.at - other.at);
        if (!next) break;
        due.delete(next[0]);
        now = Math.max(now, next[1].at);
        next[1].act();
      }
      now = end;
    },
    waits: () => due.size,
  };
}

// What Panel gives a component: values, `on`, messages. `change` is Python's doing.
export function fakeModel(values) {
  const listeners = new Map();
  const tell = (name, detail) => (listeners.get(name) ?? []).forEach((listener) => listener(detail));
  const sent = [];
  const own = {
    data: {},
    sent,
    on: (names, listener) => [names].flat().forEach((name) =>
      listeners.set(name, [...(listeners.get(name) ?? []), listener])),
    send_msg: (message) => sent.push(message),
    tell,
  };
  const held = { channel: "main", ...values };
  return new Proxy(own, {
    get: (_, name) => (name in own ? own[name] : held[name]),
    set: (_, name, value) => {
      if (held[name] === value) return true;
      held[name] = value;
      tell(name);
      return true;
    },
  });
}

// An element as far as controls need one.
class FakeElement extends EventTarget {
  constructor(tag) {
    super();
    Object.assign(this, { tagName: tag.toUpperCase(), attributes: {}, children: [], dataset: {}, style: {}, value: "", textContent: "" });
    const names = new Set();
    this.classList = {
      add: (name) => names.add(name),
      contains: (name) => names.has(name),
      remove: (name) => names.delete(name),
      toggle: (name, on) => (on ? names.add(name) : names.delete(name)),
    };
  }
  setAttribute(name, value) {
    this.attributes[name] = String(value);
    if (name === "type" || name === "value") this[name] = String(value);
  }
  getAttribute(name) { return this.attributes[name] ?? null; }
  append(...children) { this.children.push(...children); }
  replaceChildren(...children) { this.children = children; }
  getRootNode() { return { activeElement: null }; }
  focus() { this.dispatchEvent(new Event("focus")); }
  blur() { this.dispatchEvent(new Event("blur")); }
  select() {}
}

export function fakeDocument() {
  const made = (tag) => new FakeElement(tag);
  return Object.assign(new EventTarget(), { createElement: made, createElementNS: (_, tag) => made(tag) });
}

// An event with values of its own, as a browser gives it.
export function event(type, values = {}) {
  const made = new Event(type, { cancelable: true });
  const { target, ...rest } = values;
  for (const [name, value] of Object.entries(rest)) Object.defineProperty(made, name, { value });
  if (target) made.composedPath = () => [target];
  return made;
}
