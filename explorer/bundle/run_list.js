// explorer/widgets/shared/clock.js
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

// explorer/widgets/page/run_list.js
var UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];
var MOST_METRICS = 4;
var USUAL = ["loss", "val_loss", "accuracy", "val_accuracy"];
var NOT_OF_RESULTS = ["learning_rate"];
var STATES = {
  recording: "is being recorded now",
  finished: "the training ended as intended",
  interrupted: "the training ended early, or was killed; what was recorded is there",
  broken: "it cannot be opened"
};
function size(count) {
  let power = 0;
  for (; count >= 1024 && power < UNITS.length - 1; power++) count /= 1024;
  return `${count.toFixed(power ? 1 : 0)} ${UNITS[power]}`;
}
function digits(value) {
  if (!Number.isFinite(value)) return value > 0 ? "∞" : value < 0 ? "−∞" : "NaN";
  const short = value && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
  return short.replace("-", "−");
}
function columnsOf(rows) {
  const counts = /* @__PURE__ */ new Map();
  for (const row of rows) {
    for (const name of Object.keys(row.metrics ?? {})) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const rank = (name) => USUAL.includes(name) ? USUAL.indexOf(name) : USUAL.length;
  return [...counts.keys()].filter((name) => !NOT_OF_RESULTS.includes(name)).sort((a, b) => rank(a) - rank(b) || counts.get(b) - counts.get(a) || a.localeCompare(b)).slice(0, MOST_METRICS);
}
function sorted(rows, valueOf, direction) {
  const isNone = (value) => value === void 0 || value === null || value === "" || Number.isNaN(value);
  return [...rows].sort((one, other) => {
    const [a, b] = [valueOf(one), valueOf(other)];
    if (isNone(a) || isNone(b)) return Number(isNone(a)) - Number(isNone(b));
    const order = typeof a === "number" ? a - b : String(a).localeCompare(String(b), void 0, { numeric: true });
    return direction * order;
  });
}
function when(iso) {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return "";
  const two = (number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
function render({ model, el }) {
  let count = 0;
  let by = "created";
  let direction = -1;
  let ticked = [];
  const filter = element("input", {
    type: "search",
    "aria-label": "Filter runs",
    placeholder: "Filter by name, state or metric",
    spellcheck: "false"
  });
  const compare = element("button", { type: "button", class: "compare", text: "Compare" });
  const told = element("span", { class: "told", role: "status" });
  const fault = element("p", { class: "fault", role: "alert" });
  const head = element("tr");
  const body = element("tbody");
  const table = element("table", { "aria-label": `Runs in ${model.folder}` }, element("thead", {}, head), body);
  el.append(element(
    "div",
    { class: "runs" },
    element("div", { class: "line" }, filter, told, compare),
    fault,
    element("div", { class: "scroll" }, table)
  ));
  const ask = (paths) => {
    introduce(model);
    fault.textContent = "";
    told.textContent = "Opening …";
    model.asked = [paths, ++count];
  };
  const metric = (name) => (row) => row.metrics?.[name];
  const columns = () => [
    { id: "where", text: "Run", of: (row) => row.where },
    { id: "state", text: "State", of: (row) => row.state },
    { id: "steps", text: "Steps", of: (row) => row.last_step, number: true, title: "Optimizer updates done at the last recorded step, and recorded steps" },
    ...columnsOf(model.rows).map((name) => ({ id: `metric ${name}`, text: name, of: metric(name), number: true, title: `Last value of ${name} that was logged` })),
    { id: "bytes", text: "Size", of: (row) => row.state === "broken" ? void 0 : row.bytes, number: true },
    { id: "created", text: "Begun", of: (row) => row.created && Date.parse(row.created), number: true }
  ];
  const sortBy = (id, isNumber) => {
    direction = id === by ? -direction : isNumber && (id === "created" || id === "bytes" || id === "steps") ? -1 : 1;
    by = id;
    show();
    head.querySelector(`[data-column="${CSS.escape(id)}"]`)?.focus();
  };
  const showHead = (every) => {
    head.replaceChildren(element("th", { scope: "col" }, element("span", { class: "unseen", text: "Compare" })));
    for (const column of every) {
      const button = element("button", { type: "button", text: column.text, "data-column": column.id });
      if (column.title) button.title = column.title;
      button.addEventListener("click", () => sortBy(column.id, column.number));
      const cell = element("th", { scope: "col", class: column.number ? "number" : "" }, button);
      if (column.id === by) cell.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
      head.append(cell);
    }
  };
  const cells = {
    state: (row) => {
      const made = element("td", {}, element("span", { class: `state ${row.state}`, text: row.state || "reading …", title: STATES[row.state] ?? "" }));
      if (row.reason) made.append(element("span", { class: "reason", text: row.reason }));
      return made;
    },
    steps: (row) => element("td", {
      class: "number",
      text: row.last_step === void 0 || row.last_step === null ? "" : `${row.last_step.toLocaleString("en")} (${row.steps})`
    }),
    bytes: (row) => element("td", { class: "number", text: row.bytes ? size(row.bytes) : "" }),
    created: (row) => element("td", { class: "number", text: row.created ? when(row.created) : "" })
  };
  const rowOf = (row, every) => {
    const isBroken = row.state === "broken";
    const tick = element("input", { type: "checkbox", "aria-label": `Compare ${row.where}` });
    tick.checked = ticked.includes(row.path);
    tick.disabled = isBroken;
    tick.addEventListener("change", () => {
      ticked = ticked.filter((path) => path !== row.path);
      if (tick.checked) ticked = [...ticked, row.path].slice(-2);
      show();
      body.querySelector(`[data-path="${CSS.escape(row.path)}"] input`)?.focus();
    });
    const open = element("button", { type: "button", class: "open", text: row.where, title: row.name && row.name !== row.where ? row.name : "" });
    open.disabled = isBroken;
    open.addEventListener("click", () => ask([row.path]));
    const made = element("tr", { "data-path": row.path }, element("td", {}, tick), element("th", { scope: "row" }, open));
    for (const { id, of } of every.slice(1)) {
      const value = of(row);
      made.append(cells[id]?.(row) ?? element("td", { class: "number", text: value === void 0 || value === null ? "" : digits(value) }));
    }
    return made;
  };
  const show = () => {
    const every = columns();
    const known = model.rows.map((row) => row.path);
    ticked = ticked.filter((path) => known.includes(path));
    if (!every.some(({ id }) => id === by)) by = "where";
    showHead(every);
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (row) => {
      const text = [row.where, row.name ?? "", row.state, row.reason ?? "", ...Object.keys(row.metrics ?? {})].join(" ").toLowerCase();
      return words.every((word) => text.includes(word));
    };
    const shown = sorted(model.rows.filter(fits), every.find(({ id }) => id === by).of, direction);
    body.replaceChildren(...shown.map((row) => rowOf(row, every)));
    const unread = model.rows.filter((row) => !row.state).length;
    const all = `${model.rows.length} run${model.rows.length === 1 ? "" : "s"} in ${model.folder}`;
    if (!model.rows.length) told.textContent = `There is no run in ${model.folder}, nor in the folders in it.`;
    else if (shown.length < model.rows.length) told.textContent = `${shown.length} of ${all}`;
    else told.textContent = unread ? `${all}, ${unread} still to be read` : all;
    compare.disabled = ticked.length !== 2;
    compare.title = compare.disabled ? "Tick two runs" : "Look at the two ticked runs side by side";
  };
  filter.addEventListener("input", show);
  compare.addEventListener("click", () => ask(ticked));
  body.addEventListener("keydown", (event) => {
    const to = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const row = to && /** @type {HTMLElement} */
    event.target.closest("tr");
    if (!row) return;
    const all = [...body.children];
    const kind = (
      /** @type {HTMLElement} */
      event.target.matches("input") ? "input" : ".open"
    );
    event.preventDefault();
    all[all.indexOf(row) + to]?.querySelector(kind)?.focus();
  });
  model.on("rows", () => {
    const focused = (
      /** @type {ShadowRoot} */
      body.getRootNode().activeElement
    );
    const path = focused?.closest("tr")?.dataset.path;
    const kind = focused?.matches("input") ? "input" : ".open";
    show();
    if (path) body.querySelector(`[data-path="${CSS.escape(path)}"] ${kind}`)?.focus();
  });
  model.on("said", () => {
    if (model.said[1] !== count) return;
    show();
    fault.textContent = model.said[0];
  });
  model.on("opened", () => {
    if (model.opened[1] !== count) return;
    show();
    const [first, second] = model.opened[0];
    location.assign(second === void 0 ? `/run?number=${first}` : `/compare?a=${first}&b=${second}`);
  });
  show();
}
export {
  columnsOf,
  digits,
  render,
  size,
  sorted
};
