// What the network says about the selected probe at the step on screen: a bar a class.
export function render({ model, el }) {
  const list = element("div", { class: "bars", role: "list", "aria-label": "Predicted probabilities" });
  el.append(list);
  let rows = [];

  const build = () => {
    list.replaceChildren();
    rows = model.class_names.map((name, number) => {
      const bar = element("span", { class: "filled" });
      const value = element("span", { class: "value" });
      const truth = number === model.truth;
      const row = element("div", { class: truth ? "row truth" : "row", role: "listitem", title: truth ? "true class" : "" },
        element("span", { class: "swatch", style: `background:${model.colours[number] ?? "transparent"}` }),
        element("span", { class: "class", text: name }), element("span", { class: "space" }, bar), value);
      list.append(row);
      return { row, bar, value };
    });
  };
  const draw = (index) => {
    const { values } = model;
    if (!values?.shape) return;
    const count = values.shape[1];
    let best = 0;
    for (let at = 1; at < count; at++) {
      if (values[index * count + at] > values[index * count + best]) best = at;
    }
    rows.forEach(({ row, bar, value }, at) => {
      const share = values[index * count + at];
      const known = Number.isFinite(share);
      bar.style.width = `${known ? Math.max(0, Math.min(1, share)) * 100 : 0}%`;
      value.textContent = known ? `${(share * 100).toFixed(share < 0.0995 ? 1 : 0)} %` : "NaN";
      row.classList.toggle("best", at === best && known);
    });
    list.dataset.index = index;
  };
  build();
  const clock = follow(model, draw);
  model.on(["class_names", "truth"], () => { build(); draw(clock.index); });
  model.on("values", () => draw(clock.index));
}
