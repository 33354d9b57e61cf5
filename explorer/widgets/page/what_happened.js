// What happened in a training: sentences, the heaviest first. A click goes to step, layer, unit, probe
// and card, on the page's clock.
import { cardScroller } from "../shared/cards.js";
import { clockOf, element } from "../shared/clock.js";
/** @import { Component } from "../../types" */

const NAMES = { fault: "Fault", warning: "Warning", note: "" };

/** @param {Component} component */
export function render({ model, el }) {
  const clock = clockOf(model.channel);
  const scroll = cardScroller();
  const place = element("section", { class: "happened", "aria-label": "What happened" });
  el.append(place);

  const go = (finding) => {
    clock.choose(finding.go);
    if (finding.index >= 0) clock.go(finding.index);
    if (finding.view) scroll.to(finding.view);
  };
  const row = (finding) => {
    const leads = finding.index >= 0 || finding.view || Object.values(finding.go).some((value) => value !== null);
    const said = element(leads ? "button" : "span", leads ? { type: "button", class: "go" } : { class: "go" });
    const name = NAMES[finding.severity];
    if (name) said.append(element("span", { class: "severity", text: `${name}: ` }));
    said.append((finding.run && name ? `${finding.run.toUpperCase()}: ` : "") + finding.sentence);
    if (leads) said.addEventListener("click", () => go(finding));
    const item = element("li", { class: finding.severity }, said);
    if (finding.remedy) item.append(element("span", { class: "remedy", text: `Try: ${finding.remedy}` }));
    return item;
  };
  const build = () => {
    place.hidden = !model.findings.length && !model.quiet;
    place.replaceChildren(
      element("h3", { text: "What happened" }),
      ...(model.quiet ? [element("p", { class: "quiet", text: model.quiet })] : []),
      element("ol", {}, ...model.findings.map(row)),
    );
  };
  model.on(["findings", "quiet"], build);
  build();
  return scroll.settle;
}
