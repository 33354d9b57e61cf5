// Cursors in figures. Spans made by explorer.plots.style carry in their tags where each recorded
// step lies, and the name of their clock. Gives a function that moves those of the model's clock.
import { clockOf } from "./clock.js";
/** @import { Model } from "../../types" */

/**
 * @param {Model} model
 * @returns {(index: number) => void}
 */
export function cursorsOf(model) {
  const clock = clockOf(model.channel);
  const documents = () => window.Bokeh?.documents ?? [];
  let cursors = [];
  let known = -1;
  const find = () => {
    const count = documents().reduce((sum, doc) => sum + doc._all_models.size, 0);
    if (count === known) return;
    known = count;
    cursors = documents().flatMap((doc) => [...doc._all_models.values()]).filter((found) =>
      found.name === "trainlapse-cursor" && (found.tags[1] ?? "main") === model.channel);
  };
  const move = (index) => {
    find();
    for (const span of cursors) {
      const position = span.tags[0]?.[index];
      // The page's own doing: Python need not hear of it.
      if (position !== undefined && span.location !== position) span.setv({ location: position }, { sync: false });
    }
  };
  // Figures that arrive later start where the server last knew the step.
  let late = 0;
  const onDocument = () => {
    clearTimeout(late);
    late = setTimeout(() => move(clock.index), 30);
  };
  model.data.document?.on_change(onDocument);
  model.on("remove", () => {
    clearTimeout(late);
    model.data.document?.remove_on_change(onDocument);
  });
  return move;
}
