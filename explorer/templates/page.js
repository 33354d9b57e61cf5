// The layout of a page of many parts, and the header's menus of runs.
(() => {
  let waiting = 0;
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(calmLayout, 20);
  };
  const watch = () => {
    const documents = window.Bokeh?.documents ?? [];
    if (!documents.length) return setTimeout(watch, 50);
    documents.forEach((doc) => doc.on_change(soon));
    calmLayout();
  };
  // For each part that comes or goes Bokeh lays out the whole page, and a tab brings dozens of
  // them: once before the next picture is enough.
  const calm = new WeakSet();
  // A figure that has just been built cannot wait for its layout: it may be painted before.
  const hasNewFigure = (view) => (view.child_views ?? []).some((child) =>
    child.model.type === "Figure" ? !child.layout : hasNewFigure(child));
  const calmLayout = () => {
    for (const view of window.Bokeh.index) {
      if (calm.has(view) || !view.invalidate_layout) continue;
      calm.add(view);
      const layOut = view.invalidate_layout.bind(view);
      let asked = 0;
      view.invalidate_layout = () => {
        if (hasNewFigure(view)) view.update_layout();
        asked ||= requestAnimationFrame(() => {
          asked = 0;
          layOut();
        });
      };
    }
  };
  document.addEventListener("DOMContentLoaded", () => {
    watch();
    compareRuns();
    chooseParts();
  }, { once: true }); // Panel sends the event again once its roots are there

  // -- parts ------------------------------------------------------------------------------
  const chooseParts = () => {
    const part = /** @type {HTMLSelectElement | null} */ (document.getElementById("part"));
    if (!part) return;
    const shown = part.value;
    part.addEventListener("change", () => {
      const url = new URL(location.href);
      url.searchParams.set("part", part.value);
      // What is chosen within a part is none of another's; the moment, the tab and the axis stay.
      for (const name of ["layer", "unit", "probe", "target", "map"]) url.searchParams.delete(name);
      location.assign(url);
    });
    // A page that the browser kept, and shows again, shows its own part.
    window.addEventListener("pageshow", () => {
      part.value = shown;
    });
  };

  // -- two runs ---------------------------------------------------------------------------
  const compareRuns = () => {
    // A comparison begins where this page is.
    const compare = /** @type {HTMLSelectElement | null} */ (document.getElementById("compare"));
    const begin = (address) => {
      const url = new URL(address, location.href);
      for (const [name, value] of new URLSearchParams(location.search)) {
        if (name !== "number") url.searchParams.append(name, value);
      }
      location.assign(url);
    };
    const ask = (side) => window.dispatchEvent(new CustomEvent("trainlapse:another-run", { detail: { side } }));
    compare?.addEventListener("change", () => {
      const chosen = compare.value;
      compare.value = "";
      if (chosen === "another") ask("");
      else begin(chosen);
    });
    const show = (changes) => {
      const url = new URL("/compare", location.href);
      const here = new URLSearchParams(location.search);
      for (const name of ["a", "b"]) url.searchParams.set(name, here.get(name) ?? { a: 1, b: 2 }[name]);
      for (const name of ["part", "tab", "axis", "colours", "units", "matching", "theme"]) {
        if (here.has(name)) url.searchParams.set(name, here.get(name));
      }
      for (const [name, value] of Object.entries(changes(url.searchParams))) url.searchParams.set(name, value);
      location.assign(url);
    };
    for (const side of /** @type {NodeListOf<HTMLSelectElement>} */ (document.querySelectorAll("[data-side]"))) {
      const shown = side.value;
      side.addEventListener("change", () => {
        const chosen = side.value;
        side.value = shown;
        if (chosen) show(() => ({ [side.dataset.side]: chosen }));
        else ask(side.dataset.side);
      });
    }
    window.addEventListener("trainlapse:opened", ({ detail: { number, side } }) => {
      if (side) show(() => ({ [side]: number }));
      else begin(`/compare?a=${compare.dataset.here}&b=${number}`);
    });
    document.getElementById("swap")?.addEventListener("click", () =>
      show((now) => ({ a: now.get("b"), b: now.get("a") })));
  };
})();
