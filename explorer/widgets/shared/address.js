// Keeps the page's address up to what is shown, so that it can be passed on. What the visitor chooses
// makes an entry of the browser's history; moving through time, and what Python corrects, only
// changes the one on top. Back and Forward restore an entry in place.
//
// `parameters` gives values by name, null for those to leave as they are; `restore` shows what an
// address (URLSearchParams) asks for.
const URL_MS = 300;
const OF_TIME = new Set(["step", "step_b"]);
// A choice may come with any of these, at once or after Python has been asked.
const ACTS = ["pointerdown", "keydown", "click", "input"];
const WAYS = { ArrowLeft: "back", ArrowRight: "forward" };

function addressOf(model, parameters, restore) {
  if (model.whole_page === false) return () => {}; // the page is somebody else's
  let known = parameters(); // what has been written, or is about to be
  let acted = false; // since the last entry
  let waiting = 0;
  let following = 0; // until when a choice belongs to the one before
  const put = (how, values) => {
    const url = new URL(location.href);
    for (const [name, value] of Object.entries(values)) {
      if (value !== null) url.searchParams.set(name, value);
      else if (name === "unit") url.searchParams.delete(name); // the layer's last one: Python knows
    }
    try {
      history[how](history.state, "", url);
    } catch { /* some browsers keep the address of a file as it is */ }
  };
  const settle = () => {
    clearTimeout(waiting);
    waiting = 0;
  };
  // What was not known before has been found out by Python.
  const isNew = (name, before) => before === undefined || (name === "unit" && before === null);
  const isChosen = (before, now) => acted && Object.keys(now).some((name) =>
    now[name] !== before[name] && !OF_TIME.has(name) && !isNew(name, before[name]));
  const write = () => {
    const [before, now] = [known, parameters()];
    known = now;
    if (isChosen(before, now)) {
      acted = false;
      if (performance.now() > following) {
        if (waiting) put("replaceState", before); // the step that was left, say
        put("pushState", now);
      }
      following = performance.now() + URL_MS;
    }
    settle();
    waiting = setTimeout(() => {
      waiting = 0;
      put("replaceState", parameters());
    }, URL_MS);
  };
  const onAct = (event) => {
    // Alt and Cmd with an arrow are the browser's; many widgets would take them for the arrow alone.
    const isWay = event.type === "keydown" && event.key in WAYS && (event.altKey || event.metaKey);
    if (!isWay) {
      acted = true;
      return;
    }
    event.stopImmediatePropagation();
    if (event.composedPath()[0].type !== "range") return;
    event.preventDefault(); // the slider itself takes them too
    history[WAYS[event.key]]();
  };
  const onEntry = () => {
    settle();
    acted = false;
    following = 0;
    restore(new URLSearchParams(location.search));
  };
  ACTS.forEach((name) => window.addEventListener(name, onAct, true));
  window.addEventListener("popstate", onEntry);
  model.on("remove", () => {
    settle();
    ACTS.forEach((name) => window.removeEventListener(name, onAct, true));
    window.removeEventListener("popstate", onEntry);
  });
  return write;
}

// What an address asks for of what widgets choose among themselves.
function choiceIn(asked) {
  const found = {};
  for (const name of ["layer", "tab"]) if (asked.has(name)) found[name] = asked.get(name);
  for (const name of ["unit", "probe", "target"]) {
    if (/^-?\d+$/.test(asked.get(name) ?? "")) found[name] = Number(asked.get(name));
  }
  return found;
}
