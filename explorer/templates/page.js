// Light and dark. CSS follows the attribute on the root; Bokeh paints its figures on canvases,
// so their colours are set on the models, also on those that arrive later.
(() => {
  const COLOURS = {
    light: { text: "#3d454f", line: "#c3cad2", grid: "#e6e9ed", card: "#ffffff" },
    dark: { text: "#b4bdc9", line: "#444d59", grid: "#29303a", card: "#161b22" },
  };
  const PROPERTIES = {
    text: ["axis_label_text_color", "major_label_text_color", "text_color", "label_text_color", "title_text_color"],
    line: ["axis_line_color", "major_tick_line_color", "minor_tick_line_color", "outline_line_color", "bar_line_color"],
    grid: ["grid_line_color"],
    card: ["background_fill_color", "border_fill_color"],
  };
  const THEMED = /^(LinearAxis|LogAxis|CategoricalAxis|DatetimeAxis|Title|Legend|ColorBar|Grid|Figure)$/;
  const root = document.documentElement;
  const stored = new URLSearchParams(location.search).get("theme") ?? localStorage.getItem("trainlapse-theme");
  let theme = COLOURS[stored] ? stored : matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  root.dataset.theme = theme;

  const themed = new WeakMap();
  const paintModels = () => {
    for (const doc of window.Bokeh?.documents ?? []) {
      for (const model of doc._all_models.values()) {
        if (themed.get(model) === theme || !THEMED.test(model.type)) continue;
        const changes = {};
        for (const [role, names] of Object.entries(PROPERTIES)) {
          for (const name of names) if (name in model.attributes) changes[name] = COLOURS[theme][role];
        }
        try {
          model.setv(changes, { sync: false });
          themed.set(model, theme);
        } catch {
          soon(); // a colour bar cannot change before it has been laid out
        }
      }
    }
  };
  let waiting = 0;
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      paintModels();
      calmLayout(); // roots that were built later
    }, 20);
  };
  const watch = () => {
    const documents = window.Bokeh?.documents ?? [];
    if (!documents.length) return setTimeout(watch, 50);
    documents.forEach((doc) => doc.on_change(soon));
    paintModels();
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
    const button = document.getElementById("theme");
    const label = () => { button.textContent = theme === "dark" ? "Light" : "Dark"; };
    label();
    button.addEventListener("click", () => {
      theme = theme === "dark" ? "light" : "dark";
      root.dataset.theme = theme;
      localStorage.setItem("trainlapse-theme", theme);
      label();
      paintModels();
      window.dispatchEvent(new Event("trainlapse:theme"));
    });
    watch();
    compareRuns();
  }, { once: true }); // Panel sends the event again once its roots are there

  // -- two runs ---------------------------------------------------------------------------
  const compareRuns = () => {
    // A comparison begins where this page is.
    const compare = document.getElementById("compare");
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
      for (const name of ["tab", "axis", "colours", "units", "matching", "theme"]) {
        if (here.has(name)) url.searchParams.set(name, here.get(name));
      }
      for (const [name, value] of Object.entries(changes(url.searchParams))) url.searchParams.set(name, value);
      location.assign(url);
    };
    for (const side of document.querySelectorAll("[data-side]")) {
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
