// Bokeh paints its figures on canvases, in colours that its models hold. Where nobody has given them
// others, they are those of the page's theme: of models that come, as they are made, and of models
// that are there, when the theme changes. A line that is off stays off.
(() => {
  const AXIS = {
    axis_label_text_color: "muted",
    major_label_text_color: "muted",
    axis_line_color: "line",
    major_tick_line_color: "line",
    minor_tick_line_color: "line",
  };
  // Names in page.css by Bokeh's model and property.
  const INKS = {
    CategoricalAxis: AXIS,
    DatetimeAxis: AXIS,
    LinearAxis: AXIS,
    LogAxis: AXIS,
    ColorBar: { major_label_text_color: "muted", title_text_color: "muted" },
    Grid: { grid_line_color: "line" },
    Legend: { label_text_color: "text", title_text_color: "text" },
    Title: { text_color: "text" },
  };
  // As widgets.css shows what is under the pointer.
  const TIP = `
    :host { --tooltip-color: var(--tl-text); --tooltip-text: var(--tl-card); --tooltip-border: transparent;
      --tooltip-arrow-color: var(--tl-text); --tooltip-arrow-inner-color: var(--tl-text); border-radius: 5px; opacity: 1; }
    .bk-tooltip-row-label { color: inherit; }
  `;
  const read = () => {
    const style = getComputedStyle(document.documentElement);
    return Object.fromEntries(["text", "muted", "line"].map((name) => [name, style.getPropertyValue(`--tl-${name}`).trim()]));
  };
  let colours = read();

  Bokeh.require("core/properties").use_theme({
    get: ({ type }, property) =>
      type === "Tooltip" && property === "stylesheets" ? [TIP] : colours[INKS[type]?.[property]],
  });

  // Says that a model has changed. A view of a colour bar that has not been laid out yet cannot hear it.
  const tell = (model) => {
    try {
      model.change.emit();
    } catch {
      if (model.document) requestAnimationFrame(() => tell(model));
    }
  };
  window.addEventListener("trainlapse:theme", () => {
    const before = colours;
    colours = read();
    for (const model of Bokeh.documents.flatMap((doc) => [...doc.all_models])) {
      const changes = Object.entries(INKS[model.type] ?? {})
        .filter(([property, name]) => model[property] === before[name])
        .map(([property, name]) => [property, colours[name]]);
      if (!changes.length) continue;
      model.setv(Object.fromEntries(changes), { silent: true });
      tell(model);
    }
  });
})();
