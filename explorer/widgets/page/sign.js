// The states of a place that has no heading: over the dimmed picture while another is computed.
export function render({ model, el }) {
  const { sign, said, showState } = statesOf(model, el);
  el.append(element("div", { class: "over" }, sign), said);
  model.on(["state", "said"], showState);
  requestAnimationFrame(showState); // once it stands among the others
}
